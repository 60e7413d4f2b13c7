/* mmneuron/encode.h: do features of events predict what was recorded while they happened?
 *
 * Source: Subramaniam et al., "Revealing vision-language integration in the brain with multimodal
 * networks" (arXiv 2406.14481). doc/formats.md describes the files. */
#ifndef MMNEURON_ENCODE_H
#define MMNEURON_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "mmneuron/error.h"
#include "mmneuron/result.h"
#include "mmneuron/study.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Features -------------------------------------------------------------------------------- */

typedef struct mmn_features_options {
    size_t size;        /* sizeof(mmn_features_options) */
    const char *list;   /* DATA.jsonl, of events: its domains are the alignments, whose events
                           are in the list's order */
    const char *file;   /* where the features go; no matter of a shard */
    const char *stages; /* glob patterns, separated by commas; NULL: the outputs of all layers */
    const char *pool;   /* "last" position, "first", "mean" or "flat"; NULL: "last" */
    int allow_unknown_keys; /* pass over keys of the list that no sample has, which are errors
                               else */
    int allow_long_prompts; /* run prompts of more positions than the model was made for */
    mmn_progress_function progress;
    void *progress_context;
    mmn_rows_options rows;
} mmn_features_options;

/* Runs the events of a list through a model, and writes what its stages are for each of them,
 * pooled over positions, to a safetensors file: a matrix [events, features] for each alignment and
 * stage (doc/formats.md). The result says what is in it. The same bits on every machine. MMN_INPUT
 * where an event does not show the stages that the first of its alignment does. */
MMN_API mmn_status mmn_features(mmn_result **result, const mmn_model *model,
                                const mmn_features_options *options, mmn_error *error);

/* ---- Regressions ----------------------------------------------------------------------------- */

typedef struct mmn_encode_options {
    size_t size;                 /* sizeof(mmn_encode_options) */
    const char *responses;       /* a file of responses */
    const char *const *features; /* "NAME=FILE": a model's name, and the file of its features */
    size_t feature_count;
    const char *const *comparisons; /* "A:B": whether A predicts a site better than B;
                                       "best:second": whether the model that validates best there
                                       does than the second best, random twins apart */
    size_t comparison_count;
    /* What a model was made from: "NAME=multimodal", "NAME=vision", "NAME=language"; and what of:
     * "NAME=random:MODEL", the same network as MODEL without training; "NAME=control:MODEL",
     * trained as MODEL was, without the other modality. Comparisons and tests follow. */
    const char *const *roles;
    size_t role_count;
    const char *const *joins; /* "NAME=A+B": a model whose features are those of A's and B's chosen
                                 layers, side by side */
    size_t join_count;
    uint32_t draws;   /* of the events, at most 65535; 0: 1000 */
    uint64_t seed;    /* of the draws and of projections */
    double epsilon;   /* how far projections may change distances, less than 1; 0: 0.1 */
    double rate;      /* the false discovery rate of a comparison's sites; 0: 0.05 */
    int threads;      /* as in mmn_model_options */
    const char *simd; /* likewise; NULL: the fastest */
    mmn_progress_function progress;
    void *progress_context;
    const mmn_model *model; /* whose features are regressed with the given ones, under the name
                               "model", or "random" where its weights are; NULL: there is none */
    const mmn_features_options *events; /* which features these are; they are kept in its `file`,
                                           or NULL: nowhere */
    /* Of regressions: rows are their scores, and of a shard each layer's and its own draws'. There
     * is no plan of them. Events have rows of their own. */
    mmn_rows_options rows;
    uint32_t site_parts; /* draws are regressed for so many parts of the sites apart, which a shard
                            gets by turns, too; 0: 1 */
    const char *columns; /* a file for what is found of each column, of which the result has means
                            over sites then; NULL: the result has it all */
} mmn_encode_options;

/* Regresses responses on the features of each model: ridge regression in five folds, for the layer
 * that validates best on average; intervals by drawing events again; the sites that one model
 * predicts better than another; and tests by which a site is called multimodal (doc/method.md). The
 * same bits on every machine and with any number of threads. MMN_INPUT names the file and tensor
 * that is wrong. With a model, of a shard of its events, and of processes but the first, no result
 * is made, which is NULL then; a plan is that of its features alone. */
MMN_API mmn_status mmn_encode(mmn_result **result, const mmn_encode_options *options,
                              mmn_error *error);

#ifdef __cplusplus
}
#endif

#endif
