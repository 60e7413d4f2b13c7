/* The vocabulary of the vector kernels in plain C, and what each of its words means.
 *
 * A vector is 16 lanes of f32 or u32, or 8 of f64 or u64; every operation is one of IEEE 754 or of
 * integers, lane by lane. Names begin with the type that they return or take apart. */
#ifndef MMN_SIMD_VECTOR_PORTABLE_H
#define MMN_SIMD_VECTOR_PORTABLE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "arithmetic.h"

/* A tile of a matrix product has TILE_ROWS rows and 16 * TILE_GROUPS outputs. */
#define TILE_ROWS 2
#define TILE_GROUPS 1

typedef struct f32x16 {
    float lane[16];
} f32x16;

typedef struct u32x16 {
    uint32_t lane[16];
} u32x16;

typedef struct f64x8 {
    double lane[8];
} f64x8;

typedef struct u64x8 {
    uint64_t lane[8];
} u64x8;

typedef struct mask8 {
    _Bool lane[8];
} mask8;

/* A function whose result's lane i is `expression`. */
#define LANES(type, count, name, arguments, expression)                                            \
    static inline type name arguments                                                              \
    {                                                                                              \
        type result;                                                                               \
                                                                                                   \
        for (size_t i = 0; i < count; i++)                                                         \
            result.lane[i] = (expression);                                                         \
        return result;                                                                             \
    }

/* Say that the cache line of an address will be read soon, or later: from the second-level
 * cache. */
#define prefetch(address) ((void)(address))
#define prefetch_far(address) ((void)(address))

/* Copies 64 bytes; `to` has their alignment. */
static inline void copy_line(uint8_t *to, const uint8_t *from)
{
    memcpy(to, from, 64);
}

/* f32. load_some reads `count` < 16 numbers, and the other lanes are 0; store_some writes so many.
 * Pointers have any alignment. */

LANES(f32x16, 16, f32x16_zero, (void), 0.0f)
LANES(f32x16, 16, f32x16_set, (float value), value)
LANES(f32x16, 16, f32x16_load, (const float *from), from[i])
LANES(f32x16, 16, f32x16_load_some, (const float *from, size_t count), i < count ? from[i] : 0.0f)

static inline void f32x16_store(float *to, f32x16 a)
{
    memcpy(to, a.lane, sizeof a.lane);
}

static inline void f32x16_store_some(float *to, f32x16 a, size_t count)
{
    memcpy(to, a.lane, count * sizeof *to);
}

LANES(f32x16, 16, f32x16_add, (f32x16 a, f32x16 b), a.lane[i] + b.lane[i])
LANES(f32x16, 16, f32x16_subtract, (f32x16 a, f32x16 b), a.lane[i] - b.lane[i])
LANES(f32x16, 16, f32x16_multiply, (f32x16 a, f32x16 b), a.lane[i] * b.lane[i])
LANES(f32x16, 16, f32x16_divide, (f32x16 a, f32x16 b), a.lane[i] / b.lane[i])
LANES(f32x16, 16, f32x16_fma, (f32x16 a, f32x16 b, f32x16 c),
      fmaf(a.lane[i], b.lane[i], c.lane[i]))
/* b where either is NaN or both are zero. */
LANES(f32x16, 16, f32x16_max, (f32x16 a, f32x16 b), mmn_max_f32(a.lane[i], b.lane[i]))
LANES(f32x16, 16, f32x16_min, (f32x16 a, f32x16 b), mmn_min_f32(a.lane[i], b.lane[i]))
/* The first `count` < 16 lanes of a, then those of b. */
LANES(f32x16, 16, f32x16_splice, (f32x16 a, f32x16 b, size_t count),
      i < count ? a.lane[i] : b.lane[i])

/* The sum in the order of doc/numerics.md. */
static inline float f32x16_sum(f32x16 a)
{
    return mmn_sum_lanes(a.lane);
}

/* The greatest lane; none is NaN. */
/* Whether a >= bound in all lanes; NaN is not. */
static inline bool f32x16_are_at_least(f32x16 a, f32x16 bound)
{
    bool all = true;

    for (size_t i = 0; i < 16; i++)
        all = all && a.lane[i] >= bound.lane[i];
    return all;
}

static inline float f32x16_greatest(f32x16 a)
{
    float greatest = a.lane[0];

    for (size_t i = 1; i < 16; i++)
        greatest = mmn_max_f32(a.lane[i], greatest);
    return greatest;
}

/* u32, modulo 2^32 */

LANES(u32x16, 16, f32x16_bits, (f32x16 a), mmn_bits_f32(a.lane[i]))
LANES(f32x16, 16, f32x16_of_bits, (u32x16 a), mmn_f32_of_bits(a.lane[i]))
LANES(u32x16, 16, u32x16_set, (uint32_t value), value)
LANES(u32x16, 16, u32x16_add, (u32x16 a, u32x16 b), a.lane[i] + b.lane[i])
LANES(u32x16, 16, u32x16_subtract, (u32x16 a, u32x16 b), a.lane[i] - b.lane[i])
LANES(u32x16, 16, u32x16_multiply, (u32x16 a, u32x16 b), a.lane[i] * b.lane[i])
LANES(u32x16, 16, u32x16_and, (u32x16 a, u32x16 b), a.lane[i] & b.lane[i])
LANES(u32x16, 16, u32x16_or, (u32x16 a, u32x16 b), a.lane[i] | b.lane[i])
LANES(u32x16, 16, u32x16_shift_left, (u32x16 a, int bits), a.lane[i] << bits)
LANES(u32x16, 16, u32x16_shift_right, (u32x16 a, int bits), a.lane[i] >> bits)
/* a > b ? yes : no, for numbers below 2^31. */
LANES(u32x16, 16, u32x16_select_greater, (u32x16 a, u32x16 b, u32x16 yes, u32x16 no),
      a.lane[i] > b.lane[i] ? yes.lane[i] : no.lane[i])
/* counts, 1 more where x > 0. */
LANES(u32x16, 16, u32x16_count_positive, (u32x16 counts, f32x16 x),
      counts.lane[i] + (x.lane[i] > 0.0f))

/* Stored numbers, little-endian: 32 bits, the lower 16 bits of a lane, bytes. */

LANES(u32x16, 16, u32x16_load, (const void *from), mmn_load_u32((const uint8_t *)from + 4 * i))
LANES(u32x16, 16, u32x16_load_16, (const void *from), mmn_load_u16((const uint8_t *)from + 2 * i))
LANES(u32x16, 16, u32x16_load_8, (const uint8_t *from), from[i])

static inline void u32x16_store(void *to, u32x16 a)
{
    for (size_t i = 0; i < 16; i++)
        mmn_store_u32((uint8_t *)to + 4 * i, a.lane[i]);
}

static inline void u32x16_store_16(void *to, u32x16 a)
{
    for (size_t i = 0; i < 16; i++)
        mmn_store_u16((uint8_t *)to + 2 * i, (uint16_t)a.lane[i]);
}

/* Signed multiples of 2^-22, rounded down and limited to 0 to 255. */
static inline void u32x16_store_pixels(uint8_t *to, u32x16 a)
{
    for (size_t i = 0; i < 16; i++) {
        uint32_t pixel = a.lane[i] >> 31 ? 0 : a.lane[i] >> 22;
        to[i] = (uint8_t)(pixel > 255 ? 255 : pixel);
    }
}

/* f16 is the lower 16 bits of a lane; the upper ones of `a` do not matter. */
LANES(f32x16, 16, f32x16_of_f16, (u32x16 a), mmn_widen_f16((uint16_t)a.lane[i]))
LANES(u32x16, 16, bits_of_f16, (f32x16 a), mmn_narrow_f16(a.lane[i]))

/* The first four units of 32 bits of 16 rows, `stride` bytes apart: columns[i], lane j, is
 * unit i of row j. */
static inline void load_transposed(u32x16 columns[4], const uint8_t *rows, size_t stride)
{
    for (size_t j = 0; j < 16; j++)
        for (size_t i = 0; i < 4; i++)
            columns[i].lane[j] = mmn_load_u32(rows + j * stride + 4 * i);
}

/* The unit is what one register of the processor holds: UNIT lanes of f32, or of 32 bits in which
 * two stored numbers may be, the low one before the high one. unit_columns is load_transposed for
 * UNIT rows. A product of a few rows takes FEW_UNITS(rows) units at once, up to two: that halves the
 * loads of the input and hides more of a multiply-add's latency, where there are registers for
 * their chains. */

#define UNIT 4
#define FEW_UNITS(rows) ((rows) <= 4 ? 2 : 1)

typedef struct unit_f32 {
    float lane[UNIT];
} unit_f32;

typedef struct unit_u32 {
    uint32_t lane[UNIT];
} unit_u32;

LANES(unit_f32, UNIT, unit_zero, (void), 0.0f)
LANES(unit_f32, UNIT, unit_set, (float value), value)
LANES(unit_f32, UNIT, unit_load, (const float *from), from[i])
LANES(unit_f32, UNIT, unit_add, (unit_f32 a, unit_f32 b), a.lane[i] + b.lane[i])
LANES(unit_f32, UNIT, unit_fma, (unit_f32 a, unit_f32 b, unit_f32 c),
      fmaf(a.lane[i], b.lane[i], c.lane[i]))
LANES(unit_f32, UNIT, unit_of_bits, (unit_u32 a), mmn_f32_of_bits(a.lane[i]))
LANES(unit_f32, UNIT, unit_of_f16, (unit_u32 a), mmn_widen_f16((uint16_t)a.lane[i]))
LANES(unit_u32, UNIT, unit_set_bits, (uint32_t bits), bits)
LANES(unit_u32, UNIT, unit_and, (unit_u32 a, unit_u32 b), a.lane[i] & b.lane[i])
LANES(unit_u32, UNIT, unit_shift_left, (unit_u32 a, int bits), a.lane[i] << bits)
LANES(unit_u32, UNIT, unit_shift_right, (unit_u32 a, int bits), a.lane[i] >> bits)

static inline void unit_store(float *to, unit_f32 a)
{
    memcpy(to, a.lane, sizeof a.lane);
}

static inline void unit_columns(unit_u32 columns[4], const uint8_t *rows, size_t stride)
{
    for (size_t j = 0; j < UNIT; j++)
        for (size_t i = 0; i < 4; i++)
            columns[i].lane[j] = mmn_load_u32(rows + j * stride + 4 * i);
}

/* f64; low and high are the first and the last eight lanes. */

LANES(f64x8, 8, f64x8_set, (double value), value)
LANES(f64x8, 8, f64x8_load, (const double *from), from[i])

static inline void f64x8_store(double *to, f64x8 a)
{
    memcpy(to, a.lane, sizeof a.lane);
}

LANES(f64x8, 8, f64x8_low, (f32x16 a), (double)a.lane[i])
LANES(f64x8, 8, f64x8_high, (f32x16 a), (double)a.lane[8 + i])
LANES(f32x16, 16, f32x16_of_f64, (f64x8 low, f64x8 high),
      (float)(i < 8 ? low.lane[i] : high.lane[i - 8]))
LANES(f64x8, 8, f64x8_add, (f64x8 a, f64x8 b), a.lane[i] + b.lane[i])
LANES(f64x8, 8, f64x8_subtract, (f64x8 a, f64x8 b), a.lane[i] - b.lane[i])
LANES(f64x8, 8, f64x8_multiply, (f64x8 a, f64x8 b), a.lane[i] * b.lane[i])
LANES(f64x8, 8, f64x8_divide, (f64x8 a, f64x8 b), a.lane[i] / b.lane[i])
LANES(f64x8, 8, f64x8_fma, (f64x8 a, f64x8 b, f64x8 c), fma(a.lane[i], b.lane[i], c.lane[i]))
LANES(f64x8, 8, f64x8_max, (f64x8 a, f64x8 b), mmn_max_f64(a.lane[i], b.lane[i]))
LANES(f64x8, 8, f64x8_min, (f64x8 a, f64x8 b), mmn_min_f64(a.lane[i], b.lane[i]))
LANES(mask8, 8, f64x8_less, (f64x8 a, f64x8 b), a.lane[i] < b.lane[i])
LANES(mask8, 8, f64x8_equal, (f64x8 a, f64x8 b), a.lane[i] == b.lane[i])
LANES(f64x8, 8, f64x8_select, (mask8 mask, f64x8 yes, f64x8 no),
      mask.lane[i] ? yes.lane[i] : no.lane[i])

/* u64, modulo 2^64 */

LANES(u64x8, 8, f64x8_bits, (f64x8 a), mmn_bits_f64(a.lane[i]))
LANES(f64x8, 8, f64x8_of_bits, (u64x8 a), mmn_f64_of_bits(a.lane[i]))
LANES(u64x8, 8, u64x8_set, (uint64_t value), value)

static inline u64x8 u64x8_load(const void *from)
{
    u64x8 a;

    memcpy(a.lane, from, sizeof a.lane);
    return a;
}

static inline void u64x8_store(void *to, u64x8 a)
{
    memcpy(to, a.lane, sizeof a.lane);
}

LANES(u64x8, 8, u64x8_add, (u64x8 a, u64x8 b), a.lane[i] + b.lane[i])
LANES(u64x8, 8, u64x8_subtract, (u64x8 a, u64x8 b), a.lane[i] - b.lane[i])
LANES(u64x8, 8, u64x8_and, (u64x8 a, u64x8 b), a.lane[i] & b.lane[i])
LANES(u64x8, 8, u64x8_or, (u64x8 a, u64x8 b), a.lane[i] | b.lane[i])
LANES(u64x8, 8, u64x8_xor, (u64x8 a, u64x8 b), a.lane[i] ^ b.lane[i])
LANES(u64x8, 8, u64x8_shift_left, (u64x8 a, int bits), a.lane[i] << bits)
LANES(u64x8, 8, u64x8_shift_right, (u64x8 a, int bits), a.lane[i] >> bits)
LANES(u64x8, 8, u64x8_low, (u32x16 a), a.lane[i])
LANES(u64x8, 8, u64x8_high, (u32x16 a), a.lane[8 + i])
/* Whether a has the one bit that `bit` has. */
LANES(mask8, 8, u64x8_has, (u64x8 a, u64x8 bit), (a.lane[i] & bit.lane[i]) != 0)

#endif
