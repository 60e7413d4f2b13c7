/* Trials: a kernel called once with random arguments, beside the reference, in guarded memory; or
 * called many times with arguments as models have them, and timed (time_kernels.c).
 *
 * A trial's seed determines all its arguments. Where a kernel's result differs, or it reaches
 * outside its arguments, the test fails and says the seed, the shape and where. MMN_TEST_SEED is
 * the first trial's seed (the next ones follow), MMN_TEST_ROUNDS how many there are. */
#ifndef MMN_TESTS_KERNELS_TRIAL_H
#define MMN_TESTS_KERNELS_TRIAL_H

#include <stdint.h>

#include "guarded.h"
#include "kernels.h"

enum { TRIAL_ARRAYS = 16 };

/* Sizes of what is timed: of rows, of an output's rows, and of a sum; 0 where there is none. */
typedef struct trial_sizes {
    size_t rows, width, depth;
    mmn_weight_type type;
} trial_sizes;

typedef struct trial {
    const mmn_kernels *table, *reference;
    const char *kernel;
    uint64_t seed, state;
    _Bool tame; /* no array is filled with extreme values */
    char shape[256];
    guarded arrays[TRIAL_ARRAYS];
    const char *names[TRIAL_ARRAYS];
    size_t array_count;
    /* NULL and nothing, or what is timed and whether to call the kernel once more. Then random
     * choices are 0, which stands for the usual case, and nothing is compared. */
    const trial_sizes *timed;
    _Bool (*again)(struct trial *t);
} trial;

/* Makes a call of the table's kernel: once, or as often as it takes to time it. */
#define TRIAL_CALL(t, call)                                                                        \
    do                                                                                             \
        call;                                                                                      \
    while ((t)->timed && (t)->again(t))

typedef void (*trial_check)(trial *t);

/* Runs a test's trials; marks it as skipped where the processor lacks the table's instructions. */
void trial_run(const char *table, const char *kernel, int rounds, trial_check check);

/* Says what is called, for the message of a failure. */
__attribute__((format(printf, 2, 3))) void trial_say(trial *t, const char *format, ...);

/* Ends the program: says what failed and how to see it again, then `details`. */
void trial_fail(const trial *t, const char *details);

/* --- random arguments --- */

/* Begins the arguments that belong to a seed. */
void trial_seed(trial *t, uint64_t seed);
uint32_t trial_random(trial *t);
/* 0 to limit - 1; 0 is the usual case. */
size_t trial_below(trial *t, size_t limit);
/* low to high; half of them beside or at multiples of 16, 32, 64 or 256, where there are any. */
size_t trial_size(trial *t, size_t low, size_t high);
/* A size of what is timed, otherwise the other one. */
static inline size_t trial_rows(const trial *t, size_t otherwise)
{
    return t->timed ? t->timed->rows : otherwise;
}

static inline size_t trial_width(const trial *t, size_t otherwise)
{
    return t->timed ? t->timed->width : otherwise;
}

static inline size_t trial_depth(const trial *t, size_t otherwise)
{
    return t->timed ? t->timed->depth : otherwise;
}

/* How weights are stored. */
mmn_weight_type trial_type(trial *t);
/* A stride for `width` elements: often just the width. */
size_t trial_stride(trial *t, size_t width);
/* A number that tries rounding, ranges and special values. */
float trial_extreme(trial *t);
/* In binary64: numbers near 1, any bits, and special ones. */
double trial_extreme_f64(trial *t);
/* Uniform in [-scale, scale); in some arrays a few or many are extreme. */
void trial_fill(trial *t, float *values, size_t count, float scale);

/* --- arrays: they begin or end at an inaccessible page, or lie at an odd place --- */

/* What is placed there: arrays of elements of this size, at addresses that suit them. */
void *trial_bytes(trial *t, const char *name, size_t count, size_t element);
/* Bytes at any address. */
void *trial_misaligned(trial *t, const char *name, size_t size);
/* A kernel's scratch memory, full of NaN. */
float *trial_scratch(trial *t, size_t floats);
/* An input [rows][width], rows `stride` apart; NaN between the rows. */
float *trial_values(trial *t, const char *name, size_t rows, size_t width, size_t stride,
                    float scale);
/* Gives all arrays back. */
void trial_release(trial *t);

/* --- results --- */

typedef enum grid_type { GRID_BITS, GRID_FLOATS } grid_type; /* floats: all NaN are alike */

/* An output [rows][width], rows `stride` apart, twice: as the reference and as the table makes it.
 * Both hold the same before: bytes 0xa5, or copies of values. */
typedef struct grid {
    const char *name;
    void *expected, *found;
    size_t rows, width, stride, element;
    grid_type type;
} grid;

grid trial_grid(trial *t, const char *name, grid_type type, size_t element, size_t rows,
                size_t width, size_t stride);
/* A grid of f32 that both find filled with the same values. */
grid trial_grid_of_values(trial *t, const char *name, size_t rows, size_t width, size_t stride,
                          float scale);
/* Fails the test unless both are alike and nothing was written elsewhere. */
void trial_compare(trial *t, const grid *g);

#endif
