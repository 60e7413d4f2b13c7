/* The arithmetic that every kernel is made of: exact conversions, the lane sum, the guards. */
#ifndef MMN_REFERENCE_ARITHMETIC_H
#define MMN_REFERENCE_ARITHMETIC_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels.h"

#ifdef __FAST_MATH__
#error "results must not depend on the compiler: build without -ffast-math"
#endif
#if FLT_EVAL_METHOD != 0
#error "float and double must be computed in their own precision: on x86 build with SSE2"
#endif

/* Products are summed in panels of this many terms (doc/numerics.md). */
#define MMN_PANEL 256
/* Sums over a row have this many lanes. */
#define MMN_LANES 16

static inline uint32_t mmn_bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static inline float mmn_float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline uint64_t mmn_bits_of_f64(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static inline double mmn_double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* Adds lane j + 8 to lane j, then j + 4, j + 2, j + 1: the end of every sum over a row, whose lane
 * j has taken elements j, j + 16, j + 32, ... in order. */
static inline float mmn_add_lanes(float lanes[MMN_LANES])
{
    for (size_t width = MMN_LANES / 2; width > 0; width /= 2)
        for (size_t lane = 0; lane < width; lane++)
            lanes[lane] += lanes[lane + width];
    return lanes[0];
}

#endif
