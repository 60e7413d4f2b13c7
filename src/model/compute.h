/* What computes, as a model has decided it and each session has it: kernels, threads, and the watch
 * for numbers that are not numbers. */
#ifndef MMN_MODEL_COMPUTE_H
#define MMN_MODEL_COMPUTE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/interrupt.h"
#include "kernels.h"
#include "model/weights.h"

/* What sessions of one model have let pass. */
typedef struct mmn_nonfinite {
    atomic_uint_fast64_t count; /* how often */
    atomic_flag has_first;
    mmn_error first; /* what it would have been as an error; written before `count` is 1 */
} mmn_nonfinite;

/* What a session has found since it last asked. */
typedef struct mmn_finite_watch {
    const mmn_weights *weights; /* in which a tensor may be at fault */
    mmn_nonfinite *passed;      /* of the model */
    bool allow;                 /* let it pass */
    bool found;
    const mmn_linear *product; /* whose output it is in; NULL: values that no product made */
    size_t row, column;
    float value;
} mmn_finite_watch;

/* What computes: a kernel table, a number of threads, and the memory that kernels work in. A
 * model's has no scratch memory; each session has its own copy with some, so that sessions may run
 * side by side. */
typedef struct mmn_compute {
    const mmn_kernels *kernels;
    int threads;
    float *scratch;        /* [threads][scratch_floats] */
    size_t scratch_floats; /* of one thread */
    float *packed;         /* [packed_floats]: the input of a matrix product, panel by panel */
    size_t packed_floats;
    mmn_interrupt *interrupt; /* or NULL: nothing stops */
    mmn_finite_watch *watch;  /* what looks for numbers that are none; a session's is its own */
    bool owns_watch;
} mmn_compute;

/* Chooses the kernels called `simd` (NULL: MMNEURON_SIMD, else the fastest) and `threads` threads
 * (0: all), or as many of them as the system gives; MMN_SYSTEM where arithmetic would change
 * results. */
mmn_status mmn_compute_choose(mmn_compute *compute, int threads, const char *simd,
                              mmn_error *error);

/* Looks at values [rows][width], `stride` apart, which are those from row first_row and column
 * first_column on of what `product` made (NULL: of other values). The first, by row and column, of
 * one product's is kept. Looking reads the bits as integers and changes none. Several threads may
 * look at parts of one product; `watch` may be NULL. */
void mmn_finite_look(mmn_finite_watch *watch, const mmn_linear *product, const float *values,
                     size_t stride, size_t rows, size_t width, size_t first_row,
                     size_t first_column);

/* Whether something was found; NULL: no. */
bool mmn_finite_found(const mmn_finite_watch *watch);

#endif
