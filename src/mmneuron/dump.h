/* mmneuron/dump.h: dumps: stages of a forward pass in a file, to compare with another backend's.
 *
 * Ownership. The result of a comparison is its caller's; texts are freed with mmn_release.
 *
 * Threads. Several dumps may be made or compared at once. */
#ifndef MMNEURON_DUMP_H
#define MMNEURON_DUMP_H

#include <stddef.h>

#include "mmneuron/model.h"
#include "mmneuron/result.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mmn_dump_options {
    size_t size;        /* sizeof(mmn_dump_options) */
    const char *stages; /* glob patterns separated by commas; NULL: all */
    size_t generate;    /* tokens to generate, stored as generated_ids; 0: none */
    /* Also the gradients of ln p of this word's first token ("grad.language.*"); NULL: none */
    const char *gradient_of;
    int logit;          /* of its logit instead */
    size_t gradient_at; /* number of the position before it, counted from the last one back: 0 is
                           the last one */
} mmn_dump_options;

/* Runs `input` through the model and writes the wanted stages to a safetensors file. A dump is also
 * for finding out why numbers are infinite or NaN: it goes on with them, its metadata's "nonfinite"
 * says where they were first, and mmn_model_nonfinite counts them. */
MMN_API mmn_status mmn_dump(const mmn_model *model, const mmn_input *input,
                            const mmn_dump_options *options, const char *file, mmn_error *error);

typedef struct mmn_verify_options {
    size_t size;        /* sizeof(mmn_verify_options) */
    const char *stages; /* glob patterns separated by commas; NULL: all of the reference */
    double tolerance;   /* relative RMS allowed per stage; 0: the reference's own, else by type */
    const char *computed_in; /* the type that the less exact side computed in, "f32" (1e-5), "bf16"
                                (5e-2) or "f16" (1e-2); NULL: what the files' metadata say */
    int common;              /* stages that only one of the files has are passed over */
    int one_tile; /* where one file has more tiles than the other, its tile number `tile` is */
    size_t tile;  /* compared, counted from 0 */
} mmn_verify_options;

/* Compares two dumps stage by stage in the order of the forward pass; the table "stages" of the
 * result has a row for each. Status MMN_DIFFERENT when a stage is outside its tolerance or missing
 * from the dump; *result is set then too. */
MMN_API mmn_status mmn_verify(mmn_result **result, const char *dump, const char *reference,
                              const mmn_verify_options *options, mmn_error *error);

/* One line per stage of a dump, "digest  stage" in the order of the forward pass, and the digest of
 * all; doc/formats.md states the byte layout. */
MMN_API mmn_status mmn_dump_digests(const char *dump, const char *stages, char **text,
                                    mmn_error *error);

#ifdef __cplusplus
}
#endif

#endif
