/* Building blocks of the kernels: stored weights, lesser and greater, and the 16 lanes.
 *
 * Everything here is exact or rounds once, to nearest, ties to even. Compile with
 * -ffp-contract=off: a * b + c rounds twice, and where one rounding is meant fmaf is written. */
#ifndef MMN_REFERENCE_ARITHMETIC_H
#define MMN_REFERENCE_ARITHMETIC_H

#include <float.h>
#include <stddef.h>
#include <stdint.h>

#include "number_bits.h"

#if defined(__FAST_MATH__)
#error "compile without -ffast-math: results must not depend on the compiler"
#endif
/* 16: only what is narrower than float is computed in another type, that of _Float16. */
#if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16
#error "float and double expressions must be evaluated in their own type (on x86: -mfpmath=sse)"
#endif
#if FLT_RADIX != 2 || FLT_MANT_DIG != 24 || DBL_MANT_DIG != 53
#error "float and double must be IEEE 754 binary32 and binary64"
#endif

/* The terms of a long sum are dealt to this many lanes. */
#define MMN_LANES ((size_t)16)

/* The greater of two; where either is NaN, or both are zero, it is b (the x86 instruction MAXPS,
 * and a compare and select elsewhere). */
static inline float mmn_max_f32(float a, float b)
{
    return a > b ? a : b;
}

/* The same for the lesser (MINPS). */
static inline float mmn_min_f32(float a, float b)
{
    return a < b ? a : b;
}

static inline double mmn_max_f64(double a, double b)
{
    return a > b ? a : b;
}

static inline double mmn_min_f64(double a, double b)
{
    return a < b ? a : b;
}

/* bf16 is the upper half of an f32. */
static inline float mmn_widen_bf16(uint16_t bits)
{
    return mmn_f32_of_bits((uint32_t)bits << 16);
}

/* f16 to f32: exact; a signalling NaN becomes quiet and keeps its payload, as in hardware. */
static inline float mmn_widen_f16(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    uint32_t magnitude = (uint32_t)(bits & 0x7fff) << 13;
    /* The exponent's bias grows by 127 - 15; the product is exact for denormals too. */
    uint32_t finite = mmn_bits_f32(mmn_f32_of_bits(magnitude) * 0x1p112f);
    uint32_t special = magnitude | 0x7f800000 | (uint32_t)((bits & 0x7fff) > 0x7c00) << 22;

    return mmn_f32_of_bits(sign | ((bits & 0x7c00) == 0x7c00 ? special : finite));
}

/* f32 to bf16: to nearest, ties to even; a NaN becomes quiet and keeps its upper payload. */
static inline uint16_t mmn_narrow_bf16(float value)
{
    uint32_t bits = mmn_bits_f32(value);
    uint32_t rounded = bits + 0x7fff + (bits >> 16 & 1);

    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded >> 16);
}

/* f32 to f16: to nearest, ties to even; beyond 65504 infinite from 65520 on; denormals kept; a NaN
 * becomes quiet and keeps its upper payload. */
static inline uint16_t mmn_narrow_f16(float value)
{
    uint32_t bits = mmn_bits_f32(value);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    uint32_t result;

    if (magnitude > 0x7f800000) {
        result = 0x7e00 | (magnitude >> 13 & 0x3ff);
    } else if (magnitude >= 0x477ff000) {
        result = 0x7c00;
    } else if (magnitude >= 0x38800000) {
        result = (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13;
    } else {
        /* Adding 0.5 rounds to a multiple of 2^-24, the least f16, and leaves it in the low
         * bits. */
        result = mmn_bits_f32(mmn_f32_of_bits(magnitude) + 0.5f) - 0x3f000000;
    }
    return (uint16_t)(sign | result);
}

/* The sum of 16 lanes: 8 + 8, 4 + 4, 2 + 2, 1 + 1. */
static inline float mmn_sum_lanes(const float lanes[MMN_LANES])
{
    float sums[MMN_LANES / 2];

    for (size_t i = 0; i < MMN_LANES / 2; i++)
        sums[i] = lanes[i] + lanes[i + MMN_LANES / 2];
    for (size_t half = MMN_LANES / 4; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            sums[i] = sums[i] + sums[i + half];
    return sums[0];
}

#endif
