/* The study of encoding: what is read, what is found, and its result. */
#ifndef MMN_STUDY_ENCODE_H
#define MMN_STUDY_ENCODE_H

#include "base/digest.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/team.h"
#include "format/safetensors.h"
#include "mmneuron/encode.h"
#include "study/encoding.h"
#include "study/ridge.h"
#include "study/rows_files.h"

/* Limits of what anybody records. */
enum { MMN_ENCODE_MOST_MODELS = 64, MMN_ENCODE_MOST_DRAWS = 65535, MMN_ENCODE_MOST_BINS = 65535 };

/* What a model was made from. */
typedef enum mmn_encode_kind {
    MMN_ENCODE_UNSAID,
    MMN_ENCODE_MULTIMODAL,
    MMN_ENCODE_VISION,
    MMN_ENCODE_LANGUAGE,
    MMN_ENCODE_JOINED /* other models' features side by side */
} mmn_encode_kind;

typedef struct mmn_encode_layer {
    const char *name;
    size_t features, projected; /* as stored; as regressed */
    double validation, test;    /* means over columns, of all events */
} mmn_encode_layer;

/* A model's features, and what came of them for one alignment. */
typedef struct mmn_encode_model {
    const char *name, *file; /* of a joined one, no file */
    bool scratch;            /* the file is not kept */
    mmn_safetensors *tensors;
    char digest[MMN_DIGEST_SIZE];
    mmn_encode_kind kind;
    const struct mmn_encode_model *trained;    /* of a random twin: what it is the twin of */
    const struct mmn_encode_model *controlled; /* of a control: the multimodal model */
    const struct mmn_encode_model **parts;     /* of a joined one */
    size_t part_count;
    mmn_encode_layer *layers;
    size_t layer_count, layer; /* and the one whose mean validation is the greatest */
    /* Of that layer, [columns]. */
    double *r, *validation;
    uint8_t *penalty;
    size_t *best;   /* the layer that validates best for the column */
    double *scores; /* [draws][columns], of test; NULL: a shard has none */
    mmn_interval *test_interval, *validation_interval;
    bool *predicted;
} mmn_encode_model;

/* Whether one model predicts sites better than another. Both NULL: at each site the model that
 * validates best there, and the second best. */
#define MMN_ENCODE_BEST "best"
#define MMN_ENCODE_SECOND "second"
typedef struct mmn_encode_pair {
    const mmn_encode_model *first, *second;
    mmn_encoding_comparison *sites; /* [sites] of the alignment at work */
} mmn_encode_pair;

/* What a site gives in a test: of several comparisons the least certain one. */
typedef struct mmn_encode_verdict {
    const mmn_encode_model *model; /* that is tested there, NULL for those of several alignments */
    mmn_encoding_outcome outcome;
    double p;
} mmn_encode_verdict;

/* Tests of a site, and what there is to say of a column. */
enum { MMN_ENCODE_TESTS = 3, MMN_ENCODE_FIELDS = 10 };

typedef struct mmn_encode_study {
    const mmn_encode_options *options;
    mmn_algebra algebra;
    mmn_safetensors *responses;
    char digest[MMN_DIGEST_SIZE];
    json_t *sites;                            /* names */
    size_t site_count, bins, columns, events; /* of the alignment at work */
    mmn_encode_model models[MMN_ENCODE_MOST_MODELS];
    size_t model_count;
    mmn_encode_model *run;  /* the one that is run for its features; NULL: none is */
    mmn_encode_pair *pairs; /* those asked for, and those that follow from roles */
    size_t pair_count, pair_capacity;
    mmn_encode_verdict *verdicts; /* [tests][alignments][sites] */
    double *y;                    /* [events][columns] of the alignment */
    double *validations;          /* [draws][columns], of the model at work; NULL of a shard */
    size_t scores_size;           /* bytes of these and of a model's `scores`, which are scratch */
    uint32_t *drawn, *counts;
    mmn_blocks blocks; /* of the whole study, and of one alignment */
    mmn_blocks alignment;
    mmn_tensor *fields; /* of columns, of the alignments that are done */
    size_t field_count;
    mmn_rows_files rows; /* of regressions */
    mmn_text line;       /* at work */
    mmn_team team;       /* the processes that regress together */
    char *run_text;      /* of the first of them: which run it is at */
    struct {
        uint64_t first; /* the number of its first row in the file */
        uint32_t count, found;
        bool over; /* its rows are in the file, and told */
    } phase;
    double begun;
    uint64_t done, already, total;
} mmn_encode_study;

/* Sites [first, end). */
typedef struct mmn_encode_sites {
    size_t first, end;
} mmn_encode_sites;

/* A regression: of a layer, on all sites; or of the chosen one for a draw, on a part of the
 * sites. */
typedef struct mmn_encode_regression {
    const char *alignment;
    const mmn_encode_model *model;
    size_t layer;
    bool drawn;
    uint32_t draw, part;
    mmn_encode_sites sites;
} mmn_encode_regression;

/* `count` elements that belong to the alignment at work, or NULL. */
static inline void *mmn_encode_room(mmn_encode_study *study, size_t count, size_t size,
                                    mmn_error *error)
{
    return mmn_blocks_keep(&study->alignment, mmn_allocate(count, size, error), error);
}

/* Opens all files and reads the names of sites. */
mmn_status mmn_encode_open(mmn_encode_study *study, mmn_error *error);
/* Makes the features of the options' model, which is the study's last; unless that is all that was
 * asked, and *result what there is to say of it, *made. */
mmn_status mmn_encode_run_model(mmn_result **result, bool *made, mmn_encode_study *study,
                                mmn_error *error);
/* How many layers a model has for an alignment. */
size_t mmn_encode_layers(const mmn_encode_model *model, const char *alignment);
/* Reads the responses of an alignment, and finds each model's layers. */
mmn_status mmn_encode_read(mmn_encode_study *study, const mmn_tensor *responses, mmn_error *error);
/* *x: the features [events][projected] of a layer, to be freed with mmn_free. */
mmn_status mmn_encode_features(double **x, const mmn_encode_study *study,
                               const mmn_encode_model *model, const mmn_encode_layer *layer,
                               const char *alignment, mmn_error *error);

/* Regresses an alignment's responses on a model's layers and, for draws, on the best of them;
 * joined models come after their parts. */
mmn_status mmn_encode_regress(mmn_encode_study *study, mmn_encode_model *model,
                              const char *alignment, mmn_error *error);

/* Describes the layer of a joined model, of which the parts' are chosen; its name joins the
 * blocks. */
mmn_status mmn_encode_join(const mmn_encode_model *model, mmn_blocks *blocks, mmn_error *error);

/* Names a model by `length` bytes, as no other one is. */
mmn_status mmn_encode_name(mmn_encode_study *study, mmn_encode_model *model, const char *name,
                           size_t length, mmn_error *error);
/* Appends the joined models, and gives all models their roles. */
mmn_status mmn_encode_roles(mmn_encode_study *study, mmn_error *error);
/* The word of a role: "vision"; NULL where none is said. */
const char *mmn_encode_kind_name(mmn_encode_kind kind);
/* Lists the comparisons asked for, and those that follow from roles. */
mmn_status mmn_encode_list_pairs(mmn_encode_study *study, mmn_error *error);
/* The model whose name is the first `length` bytes, or NULL. */
mmn_encode_model *mmn_encode_find(mmn_encode_study *study, const char *name, size_t length);

/* Opens the files that regressions are kept in and found in. */
mmn_status mmn_encode_open_rows(mmn_encode_study *study, mmn_error *error);
/* Finds the scores of a regression in them, which are asked for in the order of the run; then
 * `scores` have room for its columns, and of a draw's no penalties. */
mmn_status mmn_encode_find_kept(mmn_ridge_scores *scores, bool *found, mmn_encode_study *study,
                                const mmn_encode_regression *of, mmn_error *error);
/* Keeps its scores, where there is a file for them. */
mmn_status mmn_encode_keep(mmn_encode_study *study, const mmn_encode_regression *of,
                           const mmn_ridge_scores *scores, mmn_error *error);

/* Regressions that do not depend on each other, numbered from 0, and follow each other in the
 * file. */
typedef struct mmn_encode_phase {
    void *context;
    uint32_t count;
    /* Finds a row in the file; does those that mmn_encode_is_mine, and keeps them. */
    mmn_status (*find)(void *context, uint32_t number, bool *found, mmn_error *error);
    mmn_status (*work)(void *context, mmn_error *error);
} mmn_encode_phase;

/* Says which run this is: the first process compares it with its own. */
mmn_status mmn_encode_greet(mmn_encode_study *study, const char *run, mmn_error *error);
/* Does a phase's regressions together with the other processes: behind it they are in the first
 * one's file, from which it goes on. Of a single process does nothing. */
mmn_status mmn_encode_gather(mmn_encode_study *study, const mmn_encode_phase *phase,
                             mmn_error *error);
bool mmn_encode_is_mine(const mmn_encode_study *study, uint32_t number);
/* Adds the row of a phase's regression to the file, whosever that is. */
mmn_status mmn_encode_hand_in(mmn_encode_study *study, uint32_t number, const mmn_text *line,
                              mmn_error *error);
/* Ends the run of all processes with this one's status; returns that of the whole run. */
mmn_status mmn_encode_leave(mmn_encode_study *study, mmn_status status, mmn_error *error);

/* Tells that a regression is done, or `found` in a file; or that it is still at work.
 * MMN_INTERRUPTED where it shall stop. */
mmn_status mmn_encode_tell(mmn_encode_study *study, bool found, mmn_error *error);
mmn_status mmn_encode_tell_again(const mmn_encode_study *study, mmn_error *error);

/* The number of a draw on a part of the sites, by which shards get them in turn. */
static inline uint64_t mmn_encode_piece(const mmn_encode_study *study, uint32_t draw, uint32_t part)
{
    return (uint64_t)draw * study->options->site_parts + part;
}

/* Scores of a site's bins, [bins][draws], of scores [draws][columns]. */
void mmn_encode_site_scores(double *of_site, const double *scores, const mmn_encode_study *study,
                            size_t site);

/* The sum of a model's validation over a site's bins: by that models are chosen for a site, since
 * their scores of test shall not choose them. */
double mmn_encode_validation_at(const mmn_encode_study *study, const mmn_encode_model *model,
                                size_t site);

/* Compares the models of all pairs, and adds what is found for an alignment to the result. */
mmn_status mmn_encode_compare(mmn_result *result, mmn_encode_study *study, mmn_error *error);

/* The tests by which a site is called multimodal: keeps the verdicts of alignment number
 * `alignment`, whose pairs are compared; then adds the tests to the result. */
void mmn_encode_judge(mmn_encode_study *study, size_t alignment);
mmn_status mmn_encode_add_tests(mmn_result *result, mmn_encode_study *study, mmn_error *error);

/* Takes what was found of an alignment's columns for the file of columns, if one is wanted, and
 * writes it. */
mmn_status mmn_encode_take_columns(mmn_encode_study *study, const char *alignment,
                                   mmn_error *error);
mmn_status mmn_encode_write_columns(const mmn_encode_study *study, mmn_error *error);

/* Adds the alignment and what was found for each model to the result. */
void mmn_encode_add(mmn_result *result, const mmn_encode_study *study, const char *alignment);
/* Adds where a model's features are from, as their file says, and its roles. */
void mmn_encode_add_features(mmn_result *result, const mmn_encode_model *model);
const char *mmn_encode_site_name(const mmn_encode_study *study, size_t site);
/* "compared", ... */
const char *mmn_encode_outcome_name(mmn_encoding_outcome outcome);

#endif
