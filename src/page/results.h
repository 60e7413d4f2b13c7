/* The result files that a report is made of, told apart by what they say of themselves. */
#ifndef MMN_PAGE_RESULTS_H
#define MMN_PAGE_RESULTS_H

#include "base/json.h"
#include "count/neurons.h"
#include "mmneuron.h"

typedef enum mmn_result_kind {
    MMN_RESULT_COUNTS,
    MMN_RESULT_NEURONS,
    MMN_RESULT_EVAL,
    MMN_RESULT_PERPLEXITY,
    MMN_RESULT_PERTURB,
    MMN_RESULT_LENS,
    MMN_RESULT_CONTRIBUTIONS,
    MMN_RESULT_CONTRIBUTION_LIST,
    MMN_RESULT_DETECT,
    MMN_RESULT_LOCATE,
    MMN_RESULT_HALLUCINATIONS,
    MMN_RESULT_BIAS,
    MMN_RESULT_EDITS,
    MMN_RESULT_SWEEP,
    MMN_RESULT_SIMILARITY,
    MMN_RESULT_ENCODE,
    MMN_RESULT_KINDS
} mmn_result_kind;

enum {
    MMN_REPORT_DOMAINS = 64,  /* at most, in all files together */
    MMN_REPORT_LAYERS = 1024, /* at most, of a module */
    MMN_REPORT_CURVES = 4000, /* at most, of an array of curves, or models that predict */
    MMN_REPORT_POINTS = 32,   /* at most, of a sweep: as many as a study has settings */
    MMN_REPORT_ITEMS = 100000 /* at most, of an array of runs, words or samples */
};

/* One file; `file` is NULL where there is none of the kind. */
typedef struct mmn_result_file {
    char *file;                            /* the path */
    char *name;                            /* the path as valid UTF-8 */
    json_t *document;                      /* of counts: NULL */
    mmn_result *result;                    /* what it holds; of counts and neurons: NULL */
    const char *version, *model, *neurons; /* of what made it; "" where it does not say */
} mmn_result_file;

typedef struct mmn_results {
    mmn_result_file of[MMN_RESULT_KINDS];
    mmn_neurons *ranking; /* of the counts, all neurons above the bar; NULL without counts */
    char *ranked;         /* neurons.json's text, made of the counts where the file is not given */
    const char *domains[MMN_REPORT_DOMAINS]; /* of all files, in the order of their appearance */
    size_t domain_count;
    mmn_neurons *lists; /* of the neurons; NULL without them */
    char *images;       /* the folder that images are looked for in first, or NULL */
} mmn_results;

/* Results in sets, each with at most one of a kind: the first set has the first of each kind, the
 * second the second... A domain has one number in all of them. Zero-initialise; free with
 * mmn_result_sets_free. */
typedef struct mmn_result_sets {
    mmn_results *list;
    size_t count, capacity;
} mmn_result_sets;

mmn_status mmn_result_sets_read(mmn_result_sets *sets, const char *const *files, size_t count,
                                const char *images, mmn_error *error);
/* One set with a result that is no file, and is called by its format. */
mmn_status mmn_result_sets_take(mmn_result_sets *sets, const mmn_result *result, const char *images,
                                mmn_error *error);
void mmn_result_sets_free(mmn_result_sets *sets);

/* How many of the sets have a result of this kind. */
size_t mmn_result_sets_with(const mmn_result_sets *sets, mmn_result_kind kind);
/* File number `index` of all sets, the kinds in their order; NULL behind the last. */
const mmn_result_file *mmn_result_sets_file(const mmn_result_sets *sets, size_t index,
                                            mmn_result_kind *kind);

/* Whether all that the results say is about texts, whose domains are languages. */
bool mmn_result_sets_are_languages(const mmn_result_sets *sets);
/* What a page of them is called by what they hold, if that is no neurons; else NULL. */
const char *mmn_result_sets_title(const mmn_result_sets *sets);

/* "counts", "neurons", ... */
const char *mmn_result_kind_name(mmn_result_kind kind);

/* The number of one of the results' domains, by which it has its colour in every figure. */
size_t mmn_results_domain(const mmn_results *results, const char *name);

#endif
