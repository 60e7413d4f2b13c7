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

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mmn_encode_options {
    size_t size;                 /* sizeof(mmn_encode_options) */
    const char *responses;       /* a file of responses */
    const char *const *features; /* "NAME=FILE": a model's name, and the file of its features */
    size_t feature_count;
    const char *const *comparisons; /* "A:B": whether A predicts a site better than B */
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
} mmn_encode_options;

/* Regresses responses on the features of each model: ridge regression in five folds, for the layer
 * that validates best on average; intervals by drawing events again; the sites that one model
 * predicts better than another; and tests by which a site is called multimodal (doc/method.md). The
 * same bits on every machine and with any number of threads. MMN_INPUT names the file and tensor
 * that is wrong. */
MMN_API mmn_status mmn_encode(mmn_result **result, const mmn_encode_options *options,
                              mmn_error *error);

#ifdef __cplusplus
}
#endif

#endif
