/* Domains, and counts: how often each neuron was active in each of them, and what these numbers
 * belong to. */
#ifndef MMN_NEURONS_COUNTS_H
#define MMN_NEURONS_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/modules.h"

enum { MMN_DOMAIN_LIMIT = 1000, MMN_MODULE_NAME_SIZE = 16 };

/* A name that samples of a list belong to. */
typedef struct mmn_domain {
    char *name;
    uint64_t seen;    /* samples of the list, or windows, so far */
    uint64_t left;    /* that are to be taken; whoever runs them takes off those that are over */
    uint64_t samples; /* that a study has measured */
} mmn_domain;

/* Zero-initialise; free with mmn_domains_free. */
typedef struct mmn_domains {
    mmn_domain *domains; /* in the bytewise order of their names */
    size_t domain_count, domain_capacity;
} mmn_domains;

/* The index of domain `name`, or SIZE_MAX. */
size_t mmn_domains_find(const mmn_domains *domains, const char *name);
/* Adds a domain, unless it is there. Indices of others may change. MMN_INPUT when there are too
 * many. */
mmn_status mmn_domains_add(mmn_domains *domains, const char *name, mmn_error *error);
void mmn_domains_free(mmn_domains *domains);

/* What is counted of one module in one domain. All values are integers, so that sums do not depend
 * on their order. */
typedef enum mmn_count_field {
    MMN_FIELD_COUNT,     /* [layers][neurons]: positions where the value is > 0 */
    MMN_FIELD_SUM,       /* [layers][neurons]: sum of the values in units of 2^-20 */
    MMN_FIELD_TOKENS,    /* [1]: positions that were looked at */
    MMN_FIELD_MAGNITUDE, /* [layers][neurons]: sum of the absolute values, in units of 2^-20 */
    /* The same over image positions only, for `language`; the rest are text positions. */
    MMN_FIELD_IMAGE_COUNT,
    MMN_FIELD_IMAGE_SUM,
    MMN_FIELD_IMAGE_TOKENS,
    MMN_FIELDS
} mmn_count_field;

typedef struct mmn_counted_module {
    char name[MMN_MODULE_NAME_SIZE];
    uint32_t layers, neurons;
    uint32_t first_inert_layer; /* layers from this one on cannot influence the model's output */
    bool magnitudes;            /* whether absolute values are summed, too */
} mmn_counted_module;

/* One module in one domain. */
typedef struct mmn_count_cell {
    int64_t *fields[MMN_FIELDS]; /* NULL where the module has no such field; owned by [0] */
} mmn_count_cell;

typedef struct mmn_counted_domain {
    char *name;
    uint64_t samples;      /* that were counted */
    uint64_t positions;    /* of the settings' positions_module, in the samples of all shards */
    mmn_count_cell *cells; /* [module_count] */
} mmn_counted_domain;

struct mmn_counts {
    char *file; /* that they were read from, for messages; NULL: none */
    size_t module_count;
    mmn_counted_module modules[MMN_MODULES]; /* in the order of the forward pass */
    size_t domain_count, domain_capacity;
    mmn_counted_domain *domains; /* in the bytewise order of their names */

    char version[32];            /* of the program that counted */
    char model[MMN_DIGEST_SIZE]; /* mmn_model_digest */
    char data[MMN_DIGEST_SIZE];  /* mmn_list_digest, or mmn_windows_digest */
    uint8_t inputs[16];          /* exclusive or of the counted samples' input digests */
    char *settings;              /* what decides which samples are counted, as JSON */
    uint32_t shard, shards;      /* 1, 1: all */
    uint64_t *skipped;           /* the lines of skipped samples, ascending */
    size_t skipped_count, skipped_capacity;
    uint64_t nonfinite; /* counted samples in which a number was infinite or NaN */

    bool unchecked;       /* read from a file of before there were checksums */
    bool unfinished;      /* a state file's */
    uint64_t last_line;   /* unfinished: lines of the list up to this one are done */
    mmn_counts_info info; /* of counts that were read: what callers are told */
};

/* Counts without domains. Free with mmn_counts_free. */
mmn_status mmn_counts_create(mmn_counts **counts, const mmn_counted_module *modules,
                             size_t module_count, mmn_error *error);

/* The index of domain `name`, or SIZE_MAX. */
size_t mmn_counts_find_domain(const mmn_counts *counts, const char *name);
/* Adds a domain with all counts zero, unless it is there. Indices of domains may change. */
mmn_status mmn_counts_add_domain(mmn_counts *counts, const char *name, mmn_error *error);
/* Adds a line to the skipped ones, unless it is there. */
mmn_status mmn_counts_add_skipped(mmn_counts *counts, uint64_t line, mmn_error *error);
/* Samples counted in all domains. */
uint64_t mmn_counts_samples(const mmn_counts *counts);

/* MMN_INPUT when skipping has left nothing of a domain, so that there is nothing to rank; `file` is
 * for the message. A shard may have nothing: others may have more. */
mmn_status mmn_counts_check_left(const mmn_counts *counts, const char *file, mmn_error *error);

/* Whether the module has this field; whether that is [layers][neurons] or one value; its number of
 * values; its name in files ("image.count"). */
bool mmn_field_exists(const mmn_counted_module *module, mmn_count_field field);
bool mmn_field_is_matrix(mmn_count_field field);
size_t mmn_field_size(const mmn_counted_module *module, mmn_count_field field);
const char *mmn_field_name(mmn_count_field field);

mmn_status mmn_count_cell_create(mmn_count_cell *cell, const mmn_counted_module *module,
                                 mmn_error *error);
void mmn_count_cell_clear(mmn_count_cell *cell, const mmn_counted_module *module);
void mmn_count_cell_free(mmn_count_cell *cell);
/* sum += cell. MMN_INPUT when a number gets too large for 64 bits. */
mmn_status mmn_count_cell_add(mmn_count_cell *sum, const mmn_count_cell *cell,
                              const mmn_counted_module *module, mmn_error *error);

/* Room for the sentence's part that says how two runs differ. */
#define MMN_DIFFERENCE_SIZE 480

/* Whether two counts are of one run or its shards: the same version, model, data, settings, modules
 * and domains. If not, *what names the first difference, and `difference` is " (what a has, `where`
 * what b has)", cut where that is long. */
bool mmn_counts_same_run(const mmn_counts *a, const mmn_counts *b, const char **what,
                         const char *where, char difference[MMN_DIFFERENCE_SIZE]);

/* The metadata's "format", of counts and of the state of an unfinished run; and of counts of before
 * there were checksums. */
#define MMN_COUNTS_FORMAT "mmneuron-counts-2"
#define MMN_COUNTS_STATE_FORMAT "mmneuron-counts-state-2"
#define MMN_COUNTS_UNCHECKED_FORMAT "mmneuron-counts-1"

/* The metadata's key of mmn_tensors_checksum over all the rest. */
#define MMN_COUNTS_CHECKSUM "checksum"

/* How many tensors the modules and domains call for. */
size_t mmn_counts_tensors(const mmn_counts *counts);

/* Writes a counts file, or a state file if `unfinished`, atomically. The bytes depend on the counts
 * alone. doc/formats.md describes the file. mmn_counts_read reads either. */
mmn_status mmn_counts_write(const mmn_counts *counts, const char *file, mmn_error *error);

#endif
