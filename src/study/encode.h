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

typedef struct mmn_encode_layer {
    const char *name;
    size_t features, projected; /* as stored; as regressed */
    double validation, test;    /* means over columns, of all events */
} mmn_encode_layer;

/* A model's features, and what came of them for one alignment. */
typedef struct mmn_encode_model {
    const char *name, *file;
    bool scratch; /* the file is not kept */
    mmn_safetensors *tensors;
    char digest[MMN_DIGEST_SIZE];
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

typedef struct mmn_encode_study {
    const mmn_encode_options *options;
    mmn_algebra algebra;
    mmn_safetensors *responses;
    char digest[MMN_DIGEST_SIZE];
    json_t *sites;                            /* names */
    size_t site_count, bins, columns, events; /* of the alignment at work */
    mmn_encode_model models[MMN_ENCODE_MOST_MODELS];
    size_t model_count;
    double *y; /* [events][columns] of the alignment */
    uint32_t *drawn, *counts;
    mmn_blocks blocks; /* of the whole study, and of one alignment */
    mmn_blocks alignment;
    double begun;
    uint64_t done, total;
} mmn_encode_study;

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

/* Adds what was found for an alignment, and its comparisons, to the result. */
mmn_status mmn_encode_add(mmn_result *result, const mmn_encode_study *study, const char *alignment,
                          mmn_error *error);
/* Adds where a model's features are from, as their file says. */
void mmn_encode_add_features(mmn_result *result, const mmn_encode_model *model);
/* Finds the two models of "A:B". */
mmn_status mmn_encode_pair(const mmn_encode_study *study, const char *comparison,
                           const mmn_encode_model *pair[2], mmn_error *error);

#endif
