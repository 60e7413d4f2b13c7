/* mmneuron/neurons.h: neurons of domains: counting and ranking them, and switching them off.
 *
 * Ownership. Counts, neurons and masks are their caller's. What their functions point to is valid
 * until they are freed. A mask needs its model, which must outlive it, and nothing else that it was
 * made from.
 *
 * Threads. None of them changes once it is made: any number of threads may use them. */
#ifndef MMNEURON_NEURONS_H
#define MMNEURON_NEURONS_H

#include <stddef.h>
#include <stdint.h>

#include "mmneuron/ranks.h"
#include "mmneuron/result.h"
#include "mmneuron/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Counting and ranking neurons ------------------------------------------------------------ */

/* *texts: whether the list `file` has texts to read (1), or questions to answer (0):
 * doc/formats.md. */
MMN_API mmn_status mmn_list_reads_texts(const char *file, int *texts, mmn_error *error);

typedef struct mmn_count_options {
    size_t size;         /* sizeof(mmn_count_options) */
    const char *list;    /* DATA.jsonl */
    const char *output;  /* the counts file; mmn_count_state_file its state */
    const char *modules; /* names separated by commas, or NULL for all */
    uint64_t samples;    /* per domain, the first N of the list, or windows of its texts; 0:
                            all */
    uint64_t positions;  /* per domain, stop after N positions of positions_module; 0: all */
    const char *positions_module; /* NULL: the model's first; of texts the first counted */
    uint64_t window;        /* of texts: positions of a window; 0: as many as the model was made
                               for, at most 4096 */
    int begin_of_text;      /* of texts: each window begins with the tokenizer's token for it */
    uint32_t shard, shards; /* this run takes shard `shard` (1..shards) of `shards`; 0, 0: all */
    int skip_bad;           /* skip samples that cannot be read, and list them; not of texts */
    uint32_t batch;         /* run up to N short samples together; changes no count; 0: 16 */
    uint64_t stop_after;    /* interrupt after this many samples of this run; 0: never */
    int allow_unknown_keys; /* pass over keys of the list that no sample has, which are errors
                             else */
    int allow_long_prompts; /* run prompts of more positions than the model was made for */
    mmn_progress_function progress;
    void *progress_context;
    void (*skipped)(void *context, const mmn_error *error); /* called for each skipped sample */
    const mmn_ranks *ranks; /* the processes that do this run together, of which process 0 alone
                               writes, and is told of what the others skip. NULL: there is one */
    int magnitudes;         /* sum absolute values, too, for a ranking by value entropy */
} mmn_count_options;

typedef struct mmn_count_summary {
    uint64_t samples, skipped,
        resumed;        /* counted in all; skipped; of them, found in the state file */
    uint64_t positions; /* language positions counted by this run */
    uint64_t window;    /* positions of a window of texts; 0: there are none */
    uint64_t nonfinite; /* counted samples in which numbers were infinite or NaN */
    double seconds;
} mmn_count_summary;

/* The state file of counts that shall go to `output`, freed with mmn_release: output + ".state", or
 * for a name that is too long for that, one that is made of it. The program keeps the rows of a
 * study there, too. */
MMN_API mmn_status mmn_count_state_file(char **state, const char *output, mmn_error *error);

/* Counts active neurons per domain over the samples of a list (doc/method.md, section 1) and writes
 * the counts file. The tokens of a list's texts, each domain's joined in the list's order, are cut
 * into windows, which then are the samples. Resumes from the state file if one is there and belongs
 * to the same run. When the counts cannot be written in the end, they are written elsewhere, as
 * mmn_keep_elsewhere does it, and the error, which is returned all the same, names the file. So do
 * mmn_counts_merge, mmn_dump and mmn_report_write. */
MMN_API mmn_status mmn_count(const mmn_model *model, const mmn_count_options *options,
                             mmn_count_summary *summary, mmn_error *error);

/* What that would cost: the result mmneuron-plan-1 (doc/formats.md). The first samples of each
 * domain are looked at, a few layers of the first of all are run to be timed, and nothing is
 * written. Of the options, output and batch do not matter, nor what goes with a run. */
MMN_API mmn_status mmn_count_plan(mmn_result **result, const mmn_model *model,
                                  const mmn_count_options *options, mmn_error *error);

/* Adds counts files of the shards of one run: exactly what one run would have given. */
MMN_API mmn_status mmn_counts_merge(const char *const *files, size_t file_count, const char *output,
                                    mmn_error *error);

typedef struct mmn_rank_options {
    size_t size;           /* sizeof(mmn_rank_options) */
    double rate;           /* share of neurons selected; 0: 0.01 */
    double bar;            /* quantile a neuron must pass; 0: 0.95 */
    double assignment_bar; /* quantile for belonging to a domain; 0: as bar */
    const char *modules;   /* NULL: all that were counted */
    int float32;           /* repeat the published code's float32 arithmetic; by entropy alone */
    int allow_nonfinite;   /* rank counts of samples in which numbers were infinite or NaN, and mark
                              the ranking; 0: refuse them */
    const char *by; /* what the neurons above the bar are put in order by (doc/method.md, section
                       2): "entropy", "probability", "value-entropy", "parameter-change", or
                       "random"; NULL: "entropy" */
    uint64_t seed;  /* by random: of the choice */
    const mmn_model *model, *second; /* by parameter change: the model that was counted, and another
                                        of the same shape; else neither is looked at */
} mmn_rank_options;

/* Ranks neurons by the entropy of their activation probabilities over domains, or selects as many
 * by something else, with which such a ranking is compared. Of the result, the table "ranking" has
 * the selected neurons, and "result" the digest of the selection (XXH3-128). MMN_INPUT for counts
 * without sums of absolute values where these are needed, and for models that do not belong to the
 * counts or differ in their shape. */
MMN_API mmn_status mmn_rank(mmn_result **result, const char *counts_file,
                            const mmn_rank_options *options, mmn_error *error);
/* The table that mmn_result_write puts beside a ranking's `file`, freed with mmn_release:
 * ranking.tsv beside neurons.json, NAME.ranking.tsv beside any other NAME.json, NAME-ranking.tsv
 * beside another NAME. MMN_USAGE when a file has that name which is no such table. */
MMN_API mmn_status mmn_ranking_table_file(char **table, const char *file, mmn_error *error);

/* ---- Counts and neurons as objects ----------------------------------------------------------- */

/* Counts and neurons need nothing but themselves, neither a model nor each other, and do not
 * change once they are made. What their functions point to is theirs and valid until they are
 * freed. Domains and modules are numbered from 0: domains in the bytewise order of their names,
 * modules in the order of the forward pass. Layers and neurons are numbered from 0, too. */

/* How often each neuron was active in each domain. */
typedef struct mmn_counts mmn_counts;

typedef struct mmn_counts_info {
    const char *version;    /* of the program that counted */
    const char *model;      /* digest of the model, as mmn_model_digest has it */
    const char *data;       /* digest of the list, or of the windows of its texts */
    const char *settings;   /* what decides which samples were counted, as JSON */
    uint64_t samples;       /* that were counted, in all domains */
    uint64_t skipped;       /* that were passed over as bad */
    uint64_t nonfinite;     /* counted ones in which numbers were infinite or NaN */
    uint32_t shard, shards; /* 1, 1: all of the list */
    int unfinished;         /* the state of a run that goes on */
    int unchecked;          /* from a file of before there were checksums */
    size_t module_count, domain_count;
} mmn_counts_info;

/* Reads a counts file, or the state of an unfinished run, if its checksum is right. MMN_INPUT says
 * what is wrong with it. */
MMN_API mmn_status mmn_counts_read(mmn_counts **counts, const char *file, mmn_error *error);
MMN_API void mmn_counts_free(mmn_counts *counts);
/* What is in the file. */
MMN_API const mmn_counts_info *mmn_counts_describe(const mmn_counts *counts);
/* Fills in module number `index`, whose `stages` is NULL; 0: there are no more. */
MMN_API int mmn_counts_module(const mmn_counts *counts, size_t index, mmn_module *module);
/* The name of domain number `index`, or NULL; *samples (may be NULL): those counted of it. */
MMN_API const char *mmn_counts_domain(const mmn_counts *counts, size_t index, uint64_t *samples);

/* One module in one domain. */
typedef struct mmn_activity {
    uint64_t positions; /* at which the module was looked at */
    const int64_t
        *active;        /* [layers][neurons]: at how many of them the neuron's value was above 0 */
    const int64_t *sum; /* [layers][neurons]: of the values at all of them, in units of 2^-20 */
    const int64_t *magnitude; /* the same of the absolute values; NULL: they were not summed */
} mmn_activity;

/* Fills in what was counted of module number `module` in domain number `domain`; 0: there is
 * none. */
MMN_API int mmn_counts_activity(const mmn_counts *counts, size_t module, size_t domain,
                                mmn_activity *activity);
/* Writes to p [domain_count] a neuron's probability to be active in each domain, active /
 * positions; NaN where a domain has no positions. MMN_USAGE for a neuron that there is not. */
MMN_API mmn_status mmn_counts_probabilities(const mmn_counts *counts, const char *module,
                                            uint32_t layer, uint32_t neuron, double *p,
                                            mmn_error *error);

/* Neurons of domains: those that a neurons.json file lists, or that were ranked. */
typedef struct mmn_neurons mmn_neurons;

/* Reads neurons.json (doc/formats.md). MMN_INPUT when it is not such a file: a pair beyond its
 * module or out of order, modules that differ in their domains, or a digest that is not that of
 * the lists. */
MMN_API mmn_status mmn_neurons_read(mmn_neurons **neurons, const char *file, mmn_error *error);
/* Ranks as mmn_rank does, with its errors; `options` may be NULL. */
MMN_API mmn_status mmn_neurons_rank(mmn_neurons **neurons, const mmn_counts *counts,
                                    const mmn_rank_options *options, mmn_error *error);
MMN_API void mmn_neurons_free(mmn_neurons *neurons);
/* The result that mmn_rank makes, of neurons that were ranked; MMN_USAGE for a file's. */
MMN_API mmn_status mmn_neurons_result(mmn_result **result, const mmn_neurons *neurons,
                                      mmn_error *error);
/* The digest of the selection, as neurons.json has it; that of the model that was counted, ""
 * where the file does not say. */
MMN_API const char *mmn_neurons_digest(const mmn_neurons *neurons);
MMN_API const char *mmn_neurons_model(const mmn_neurons *neurons);
/* The name of domain number `index`, or NULL. */
MMN_API const char *mmn_neurons_domain(const mmn_neurons *neurons, size_t index);
/* Fills in module number `index`, whose `stages` is NULL; 0: there are no more. */
MMN_API int mmn_neurons_module(const mmn_neurons *neurons, size_t index, mmn_module *module);

typedef struct mmn_neuron {
    const char *module;
    uint32_t layer, neuron;
    double
        entropy; /* of its probabilities over domains, in nats; NaN where it was not ranked here */
    const double *p; /* [domains]: its probability to be active in each; NULL likewise */
} mmn_neuron;

/* The neurons of `domain` in the modules of `setting`, as mmn_mask_from_file takes both: each
 * once, by module, layer and number. *list, of *count, is freed with mmn_release; names and
 * probabilities in it are the neurons'. MMN_USAGE for a domain or module that there is not. */
MMN_API mmn_status mmn_neurons_list(mmn_neuron **list, size_t *count, const mmn_neurons *neurons,
                                    const char *domain, const char *setting, mmn_error *error);

/* ---- Switching neurons off ------------------------------------------------------------------- */

/* Neurons of a model whose values after the activation function are set at every position, of the
 * prompt and of what is generated: to +0, which switches them off, unless mmn_mask_steer says
 * otherwise. */
typedef struct mmn_mask mmn_mask;

/* The neurons of `domain` (several domains' separated by commas: their union; NULL: all domains')
 * that neurons.json, `file`, lists for the modules of `setting`: "language", "vision",
 * "projector", any of them joined by "+" ("vision+projector"), "all" or "none". MMN_USAGE for a
 * domain or module that is not in it, MMN_INPUT when it is not such a file, was made for a model of
 * another shape, or, unless `other_model`, of another digest (which reads the whole checkpoint). A
 * file that does not say of which model it is is taken. The model must outlive the mask. */
MMN_API mmn_status mmn_mask_from_file(mmn_mask **mask, const mmn_model *model, const char *file,
                                      const char *domain, const char *setting, int other_model,
                                      mmn_error *error);

/* The same of neurons in memory, which the mask needs no longer once it is made. */
MMN_API mmn_status mmn_mask_from_neurons(mmn_mask **mask, const mmn_model *model,
                                         const mmn_neurons *neurons, const char *domain,
                                         const char *setting, int other_model, mmn_error *error);

/* Switching neurons of some domains off and raising those of others. */
typedef struct mmn_steering {
    const char *neurons; /* neurons.json */
    const char *off;     /* domains, separated by commas, whose neurons are 0; NULL: none */
    const char *on; /* domains whose neurons are set to their mean activation there; NULL: none */
    const char *counts;  /* counts with sums of the domains that are on; NULL where none is */
    const char *setting; /* as for mmn_mask_from_file; NULL: "all" */
    int other_model;     /* take neurons and counts of another model */
} mmn_steering;

/* A mask that sets neurons to these values at every position. A neuron of domains that are on is
 * on, whatever else it belongs to; of several, its value is the mean over the positions of all of
 * them together. Errors as for mmn_mask_from_file, and MMN_INPUT for counts of another shape or
 * without a domain that is on. */
MMN_API mmn_status mmn_mask_steer(mmn_mask **mask, const mmn_model *model,
                                  const mmn_steering *steering, mmn_error *error);
/* The same of neurons and (NULL where no domain is on) counts in memory; of `steering`, neither
 * file is looked at. */
MMN_API mmn_status mmn_mask_steer_neurons(mmn_mask **mask, const mmn_model *model,
                                          const mmn_neurons *neurons, const mmn_counts *counts,
                                          const mmn_steering *steering, mmn_error *error);
/* As many neurons of each layer as `of` has there, all others equally likely and none of its own,
 * by a generator that makes the same choice for a seed everywhere; they are off. MMN_USAGE when a
 * layer has not so many others. */
MMN_API mmn_status mmn_mask_random(mmn_mask **mask, const mmn_mask *of, uint64_t seed,
                                   mmn_error *error);
MMN_API void mmn_mask_free(mmn_mask *mask);
/* How many neurons it has of module `module` ("language"), of one layer or (-1) of all. */
MMN_API size_t mmn_mask_neurons(const mmn_mask *mask, const char *module, int layer);
/* NULL where its neurons are known to be of the mask's model; else the digest of theirs, "" where
 * their file does not say. Valid until the mask is freed. */
MMN_API const char *mmn_mask_other_model(const mmn_mask *mask);
/* Adds a probe that applies the mask, which must outlive the session. */
MMN_API mmn_status mmn_session_add_mask(mmn_session *session, const mmn_mask *mask,
                                        mmn_error *error);

#ifdef __cplusplus
}
#endif

#endif
