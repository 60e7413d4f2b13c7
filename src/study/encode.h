/* The study of encoding: what is read, what is found, and its result. */
#ifndef MMN_STUDY_ENCODE_H
#define MMN_STUDY_ENCODE_H

#include "base/digest.h"
#include "base/json.h"
#include "base/memory.h"
#include "format/safetensors.h"
#include "mmneuron/encode.h"
#include "study/encoding.h"
#include "study/ridge.h"

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
    size_t *best;                 /* the layer that validates best for the column */
    double *scores, *validations; /* [columns][draws] */
    mmn_interval *test_interval, *validation_interval;
    bool *predicted;
} mmn_encode_model;

/* Whether one model predicts sites better than another. */
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

enum { MMN_ENCODE_TESTS = 3 };

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
    uint32_t *drawn, *counts;
    mmn_blocks blocks; /* of the whole study, and of one alignment */
    mmn_blocks alignment;
    double begun;
    uint64_t done, total;
} mmn_encode_study;

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
/* Reads the responses of an alignment, and finds each model's layers. */
mmn_status mmn_encode_read(mmn_encode_study *study, const mmn_tensor *responses, mmn_error *error);
/* *x: the features [events][projected] of a layer, to be freed with mmn_free. */
mmn_status mmn_encode_features(double **x, const mmn_encode_study *study,
                               const mmn_encode_model *model, const mmn_encode_layer *layer,
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

/* Compares the models of all pairs, and adds what is found for an alignment to the result. */
mmn_status mmn_encode_compare(mmn_result *result, mmn_encode_study *study, mmn_error *error);

/* The tests by which a site is called multimodal: keeps the verdicts of alignment number
 * `alignment`, whose pairs are compared; then adds the tests to the result. */
void mmn_encode_judge(mmn_encode_study *study, size_t alignment);
mmn_status mmn_encode_add_tests(mmn_result *result, mmn_encode_study *study, mmn_error *error);

/* Adds the alignment and what was found for each model to the result. */
void mmn_encode_add(mmn_result *result, const mmn_encode_study *study, const char *alignment);
/* Adds where a model's features are from, as their file says, and its roles. */
void mmn_encode_add_features(mmn_result *result, const mmn_encode_model *model);
const char *mmn_encode_site_name(const mmn_encode_study *study, size_t site);
/* "compared", ... */
const char *mmn_encode_outcome_name(mmn_encoding_outcome outcome);

#endif
