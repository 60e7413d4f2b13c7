/* Numbers for the tests of kernels: pseudo-random values, units in the last place, hashes. */
#ifndef TESTS_REFERENCE_NUMBERS_H
#define TESTS_REFERENCE_NUMBERS_H

#include <math.h>
#include <stdlib.h>

#include "arithmetic.h"

static inline uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 32);
}

/* Uniform in [-1, 1). */
static inline float next_value(uint64_t *state)
{
    return (float)(int32_t)next_random(state) * 0x1p-31f;
}

static inline void fill(float *values, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++)
        values[i] = next_value(&seed);
}

/* An array of `count` pseudo-random values; the caller frees it. */
static inline float *make_values(size_t count, uint64_t seed)
{
    float *values = malloc((count ? count : 1) * sizeof *values);

    if (!values)
        abort();
    fill(values, count, seed);
    return values;
}

/* The distance between neighbouring f32 around a value. */
static inline double ulp_f32(double value)
{
    int exponent;

    frexp(value, &exponent);
    return ldexp(1.0, exponent - 24 > -149 ? exponent - 24 : -149);
}

/* The bits, with every NaN the same one. */
static inline uint32_t canonical_bits(float value)
{
    return isnan(value) ? 0x7fc00000 : mmn_bits_f32(value);
}

static inline _Bool same_value(float a, float b)
{
    return canonical_bits(a) == canonical_bits(b);
}

/* FNV-1a over the four bytes of each value, the lowest first. */
static inline uint64_t hash_value(uint64_t hash, float value)
{
    uint32_t bits = canonical_bits(value);

    for (int i = 0; i < 4; i++)
        hash = (hash ^ (bits >> 8 * i & 0xff)) * 0x100000001b3;
    return hash;
}

#endif
