/* The vocabulary for AArch64's NEON: 16 lanes of f32 in four registers, 8 of f64 in four.
 * vector_portable.h says what each word means. */
#ifndef MMN_SIMD_VECTOR_NEON_H
#define MMN_SIMD_VECTOR_NEON_H

#include <arm_neon.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "unroll.h"

/* Of 32 registers a tile takes 24 for chains, 4 for weights, 2 for the input. */
#define TILE_ROWS 6
#define TILE_GROUPS 1

typedef struct f32x16 {
    float32x4_t part[4];
} f32x16;

typedef struct u32x16 {
    uint32x4_t part[4];
} u32x16;

typedef struct f64x8 {
    float64x2_t part[4];
} f64x8;

typedef struct u64x8 {
    uint64x2_t part[4];
} u64x8;

typedef u64x8 mask8; /* all bits of a lane are set, or none */

/* A function whose result's part i is `expression`. */
#define PARTS(type, name, arguments, expression)                                                   \
    static inline type name arguments                                                              \
    {                                                                                              \
        type result;                                                                               \
                                                                                                   \
        UNROLL for (int i = 0; i < 4; i++) result.part[i] = (expression);                          \
        return result;                                                                             \
    }

/* A macro, because gcc 12 leaves out calls of a function that does nothing but prefetch. */
#define prefetch(address) __builtin_prefetch(address)
#define prefetch_far(address) __builtin_prefetch(address, 0, 2)

static inline __attribute__((always_inline)) void copy_line(uint8_t *to, const uint8_t *from)
{
    vst1q_u8_x4(to, vld1q_u8_x4(from));
}

/* f32 */

PARTS(f32x16, f32x16_zero, (void), vdupq_n_f32(0.0f))
PARTS(f32x16, f32x16_set, (float value), vdupq_n_f32(value))
PARTS(f32x16, f32x16_load, (const float *from), vld1q_f32(from + 4 * i))

static inline f32x16 f32x16_load_some(const float *from, size_t count)
{
    float some[16] = {0.0f};

    memcpy(some, from, count * sizeof *some);
    return f32x16_load(some);
}

static inline void f32x16_store(float *to, f32x16 a)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        vst1q_f32(to + 4 * i, a.part[i]);
}

static inline void f32x16_store_some(float *to, f32x16 a, size_t count)
{
    float some[16];

    f32x16_store(some, a);
    memcpy(to, some, count * sizeof *some);
}

PARTS(f32x16, f32x16_add, (f32x16 a, f32x16 b), vaddq_f32(a.part[i], b.part[i]))
PARTS(f32x16, f32x16_subtract, (f32x16 a, f32x16 b), vsubq_f32(a.part[i], b.part[i]))
PARTS(f32x16, f32x16_multiply, (f32x16 a, f32x16 b), vmulq_f32(a.part[i], b.part[i]))
PARTS(f32x16, f32x16_divide, (f32x16 a, f32x16 b), vdivq_f32(a.part[i], b.part[i]))
PARTS(f32x16, f32x16_fma, (f32x16 a, f32x16 b, f32x16 c),
      vfmaq_f32(c.part[i], a.part[i], b.part[i]))
/* A column of a strip in two registers: a multiply-add takes its factor from a lane of them, where
 * a factor of its own would take a vector pipe to spread it, once for four multiply-adds. */
#define STRIP_COLUMN

typedef struct strip_column {
    float32x4_t first, rest;
} strip_column;

static inline __attribute__((always_inline)) strip_column strip_column_load(const size_t rows,
                                                                            const float *from)
{
    strip_column column = {.first = vdupq_n_f32(0.0f), .rest = vdupq_n_f32(0.0f)};

    if (rows >= 4)
        column.first = vld1q_f32(from);
    if (rows == 6)
        column.rest = vcombine_f32(vld1_f32(from + 4), vdup_n_f32(0.0f));
    else if (rows == 5)
        column.rest = vld1q_lane_f32(from + 4, column.rest, 0);
    else if (rows == 2 || rows == 3)
        column.first = vcombine_f32(vld1_f32(from), vdup_n_f32(0.0f));
    if (rows == 1)
        column.first = vld1q_lane_f32(from, column.first, 0);
    else if (rows == 3)
        column.first = vld1q_lane_f32(from + 2, column.first, 2);
    return column;
}

#define LANE_CASE(row, half, lane)                                                                 \
    case row:                                                                                      \
        c.part[i] = vfmaq_laneq_f32(c.part[i], a.part[i], column.half, lane);                      \
        break;

/* Of a constant row: the instruction names the lane. */
static inline __attribute__((always_inline)) f32x16
strip_column_fma(strip_column column, const size_t row, f32x16 a, f32x16 c)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        switch (row) {
            LANE_CASE(0, first, 0)
            LANE_CASE(1, first, 1)
            LANE_CASE(2, first, 2)
            LANE_CASE(3, first, 3)
            LANE_CASE(4, rest, 0)
            LANE_CASE(5, rest, 1)
        }
    return c;
}

/* The instructions of these names treat NaN otherwise. */
PARTS(f32x16, f32x16_max, (f32x16 a, f32x16 b),
      vbslq_f32(vcgtq_f32(a.part[i], b.part[i]), a.part[i], b.part[i]))
PARTS(f32x16, f32x16_min, (f32x16 a, f32x16 b),
      vbslq_f32(vcltq_f32(a.part[i], b.part[i]), a.part[i], b.part[i]))

static inline f32x16 f32x16_splice(f32x16 a, f32x16 b, size_t count)
{
    static const uint32_t numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    uint32x4_t limit = vdupq_n_u32((uint32_t)count);
    f32x16 result;

    UNROLL
    for (int i = 0; i < 4; i++)
        result.part[i] = vbslq_f32(vcltq_u32(vld1q_u32(numbers + 4 * i), limit), a.part[i],
                                   b.part[i]);
    return result;
}

static inline float f32x16_sum(f32x16 a)
{
    float32x4_t first = vaddq_f32(a.part[0], a.part[2]), second = vaddq_f32(a.part[1], a.part[3]);
    float32x4_t four = vaddq_f32(first, second);
    float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));

    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

static inline bool f32x16_are_at_least(f32x16 a, f32x16 bound)
{
    uint32x4_t two = vandq_u32(vcgeq_f32(a.part[0], bound.part[0]),
                               vcgeq_f32(a.part[1], bound.part[1]));
    uint32x4_t others = vandq_u32(vcgeq_f32(a.part[2], bound.part[2]),
                                  vcgeq_f32(a.part[3], bound.part[3]));

    return vminvq_u32(vandq_u32(two, others)) != 0;
}

static inline float f32x16_greatest(f32x16 a)
{
    return vmaxvq_f32(vmaxq_f32(vmaxq_f32(a.part[0], a.part[1]), vmaxq_f32(a.part[2], a.part[3])));
}

/* u32 */

PARTS(u32x16, f32x16_bits, (f32x16 a), vreinterpretq_u32_f32(a.part[i]))
PARTS(f32x16, f32x16_of_bits, (u32x16 a), vreinterpretq_f32_u32(a.part[i]))
PARTS(u32x16, u32x16_set, (uint32_t value), vdupq_n_u32(value))
PARTS(u32x16, u32x16_add, (u32x16 a, u32x16 b), vaddq_u32(a.part[i], b.part[i]))
PARTS(u32x16, u32x16_subtract, (u32x16 a, u32x16 b), vsubq_u32(a.part[i], b.part[i]))
PARTS(u32x16, u32x16_multiply, (u32x16 a, u32x16 b), vmulq_u32(a.part[i], b.part[i]))
PARTS(u32x16, u32x16_and, (u32x16 a, u32x16 b), vandq_u32(a.part[i], b.part[i]))
PARTS(u32x16, u32x16_or, (u32x16 a, u32x16 b), vorrq_u32(a.part[i], b.part[i]))
PARTS(u32x16, u32x16_shift_left, (u32x16 a, int bits), vshlq_u32(a.part[i], vdupq_n_s32(bits)))
PARTS(u32x16, u32x16_shift_right, (u32x16 a, int bits), vshlq_u32(a.part[i], vdupq_n_s32(-bits)))
PARTS(u32x16, u32x16_select_greater, (u32x16 a, u32x16 b, u32x16 yes, u32x16 no),
      vbslq_u32(vcgtq_u32(a.part[i], b.part[i]), yes.part[i], no.part[i]))
/* A lane of a mask is -1. */
PARTS(u32x16, u32x16_count_positive, (u32x16 counts, f32x16 x),
      vsubq_u32(counts.part[i], vcgtzq_f32(x.part[i])))

/* Stored numbers. Loads of bytes have any alignment. */

PARTS(u32x16, u32x16_load, (const void *from),
      vreinterpretq_u32_u8(vld1q_u8((const uint8_t *)from + 16 * i)))
PARTS(u32x16, u32x16_load_16, (const void *from),
      vmovl_u16(vreinterpret_u16_u8(vld1_u8((const uint8_t *)from + 8 * i))))

static inline void u32x16_store(void *to, u32x16 a)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        vst1q_u8((uint8_t *)to + 16 * i, vreinterpretq_u8_u32(a.part[i]));
}

static inline void u32x16_store_16(void *to, u32x16 a)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        vst1_u8((uint8_t *)to + 8 * i, vreinterpret_u8_u16(vmovn_u32(a.part[i])));
}

static inline u32x16 u32x16_load_8(const uint8_t *from)
{
    uint8x16_t bytes = vld1q_u8(from);
    uint16x8_t low = vmovl_u8(vget_low_u8(bytes)), high = vmovl_u8(vget_high_u8(bytes));

    return (u32x16){{vmovl_u16(vget_low_u16(low)), vmovl_u16(vget_high_u16(low)),
                     vmovl_u16(vget_low_u16(high)), vmovl_u16(vget_high_u16(high))}};
}

/* Narrowing limits to 0 to 65535 and then to 0 to 255. */
static inline void u32x16_store_pixels(uint8_t *to, u32x16 a)
{
    uint16x4_t words[4];

    UNROLL
    for (int i = 0; i < 4; i++)
        words[i] = vqmovun_s32(vshrq_n_s32(vreinterpretq_s32_u32(a.part[i]), 22));
    vst1q_u8(to, vcombine_u8(vqmovn_u16(vcombine_u16(words[0], words[1])),
                             vqmovn_u16(vcombine_u16(words[2], words[3]))));
}

PARTS(f32x16, f32x16_of_f16, (u32x16 a),
      vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(a.part[i]))))
PARTS(u32x16, bits_of_f16, (f32x16 a),
      vmovl_u16(vreinterpret_u16_f16(vcvt_f16_f32(a.part[i]))))

/* The unit: one register. Of 32, 12 may be chains beside the columns of two units; with eight rows
 * gcc 12 puts columns into memory, and eight chains keep both pipes busy. */

#define UNIT 4
#define FEW_UNITS(rows) ((rows) <= 6 ? 2 : 1)

typedef float32x4_t unit_f32;
typedef uint32x4_t unit_u32;

#define unit_zero() vdupq_n_f32(0.0f)
#define unit_set vdupq_n_f32
#define unit_load vld1q_f32
#define unit_store vst1q_f32
#define unit_add vaddq_f32
#define unit_fma(a, b, c) vfmaq_f32(c, a, b)
#define unit_of_bits vreinterpretq_f32_u32
#define unit_of_f16(a) vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(a)))
#define unit_set_bits vdupq_n_u32
#define unit_and vandq_u32
#define unit_shift_left vshlq_n_u32
#define unit_shift_right vshrq_n_u32

static inline __attribute__((always_inline)) void
unit_columns(unit_u32 columns[4], const uint8_t *rows, size_t stride)
{
    uint32x4_t a = vreinterpretq_u32_u8(vld1q_u8(rows));
    uint32x4_t b = vreinterpretq_u32_u8(vld1q_u8(rows + stride));
    uint32x4_t c = vreinterpretq_u32_u8(vld1q_u8(rows + 2 * stride));
    uint32x4_t d = vreinterpretq_u32_u8(vld1q_u8(rows + 3 * stride));
    uint64x2_t ab_even = vreinterpretq_u64_u32(vtrn1q_u32(a, b));
    uint64x2_t ab_odd = vreinterpretq_u64_u32(vtrn2q_u32(a, b));
    uint64x2_t cd_even = vreinterpretq_u64_u32(vtrn1q_u32(c, d));
    uint64x2_t cd_odd = vreinterpretq_u64_u32(vtrn2q_u32(c, d));

    columns[0] = vreinterpretq_u32_u64(vtrn1q_u64(ab_even, cd_even));
    columns[1] = vreinterpretq_u32_u64(vtrn1q_u64(ab_odd, cd_odd));
    columns[2] = vreinterpretq_u32_u64(vtrn2q_u64(ab_even, cd_even));
    columns[3] = vreinterpretq_u32_u64(vtrn2q_u64(ab_odd, cd_odd));
}

static inline void load_transposed(u32x16 columns[4], const uint8_t *rows, size_t stride)
{
    UNROLL
    for (size_t i = 0; i < 4; i++) {
        unit_u32 four[4];

        unit_columns(four, rows + 4 * i * stride, stride);
        UNROLL
        for (size_t column = 0; column < 4; column++)
            columns[column].part[i] = four[column];
    }
}

/* f64 */

PARTS(f64x8, f64x8_set, (double value), vdupq_n_f64(value))
PARTS(f64x8, f64x8_load, (const double *from), vld1q_f64(from + 2 * i))

static inline void f64x8_store(double *to, f64x8 a)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        vst1q_f64(to + 2 * i, a.part[i]);
}

static inline f64x8 widen_8(float32x4_t a, float32x4_t b)
{
    return (f64x8){{vcvt_f64_f32(vget_low_f32(a)), vcvt_high_f64_f32(a),
                    vcvt_f64_f32(vget_low_f32(b)), vcvt_high_f64_f32(b)}};
}

static inline f64x8 f64x8_low(f32x16 a)
{
    return widen_8(a.part[0], a.part[1]);
}

static inline f64x8 f64x8_high(f32x16 a)
{
    return widen_8(a.part[2], a.part[3]);
}

static inline f32x16 f32x16_of_f64(f64x8 low, f64x8 high)
{
    return (f32x16){{vcvt_high_f32_f64(vcvt_f32_f64(low.part[0]), low.part[1]),
                     vcvt_high_f32_f64(vcvt_f32_f64(low.part[2]), low.part[3]),
                     vcvt_high_f32_f64(vcvt_f32_f64(high.part[0]), high.part[1]),
                     vcvt_high_f32_f64(vcvt_f32_f64(high.part[2]), high.part[3])}};
}

PARTS(f64x8, f64x8_add, (f64x8 a, f64x8 b), vaddq_f64(a.part[i], b.part[i]))
PARTS(f64x8, f64x8_subtract, (f64x8 a, f64x8 b), vsubq_f64(a.part[i], b.part[i]))
PARTS(f64x8, f64x8_multiply, (f64x8 a, f64x8 b), vmulq_f64(a.part[i], b.part[i]))
PARTS(f64x8, f64x8_divide, (f64x8 a, f64x8 b), vdivq_f64(a.part[i], b.part[i]))
PARTS(f64x8, f64x8_fma, (f64x8 a, f64x8 b, f64x8 c),
      vfmaq_f64(c.part[i], a.part[i], b.part[i]))
PARTS(f64x8, f64x8_max, (f64x8 a, f64x8 b),
      vbslq_f64(vcgtq_f64(a.part[i], b.part[i]), a.part[i], b.part[i]))
PARTS(f64x8, f64x8_min, (f64x8 a, f64x8 b),
      vbslq_f64(vcltq_f64(a.part[i], b.part[i]), a.part[i], b.part[i]))
PARTS(mask8, f64x8_less, (f64x8 a, f64x8 b), vcltq_f64(a.part[i], b.part[i]))
PARTS(mask8, f64x8_equal, (f64x8 a, f64x8 b), vceqq_f64(a.part[i], b.part[i]))
PARTS(f64x8, f64x8_select, (mask8 mask, f64x8 yes, f64x8 no),
      vbslq_f64(mask.part[i], yes.part[i], no.part[i]))

/* u64 */

PARTS(u64x8, f64x8_bits, (f64x8 a), vreinterpretq_u64_f64(a.part[i]))
PARTS(f64x8, f64x8_of_bits, (u64x8 a), vreinterpretq_f64_u64(a.part[i]))
PARTS(u64x8, u64x8_set, (uint64_t value), vdupq_n_u64(value))
PARTS(u64x8, u64x8_load, (const void *from),
      vreinterpretq_u64_u8(vld1q_u8((const uint8_t *)from + 16 * i)))

static inline void u64x8_store(void *to, u64x8 a)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        vst1q_u8((uint8_t *)to + 16 * i, vreinterpretq_u8_u64(a.part[i]));
}

PARTS(u64x8, u64x8_add, (u64x8 a, u64x8 b), vaddq_u64(a.part[i], b.part[i]))
PARTS(u64x8, u64x8_subtract, (u64x8 a, u64x8 b), vsubq_u64(a.part[i], b.part[i]))
PARTS(u64x8, u64x8_and, (u64x8 a, u64x8 b), vandq_u64(a.part[i], b.part[i]))
PARTS(u64x8, u64x8_or, (u64x8 a, u64x8 b), vorrq_u64(a.part[i], b.part[i]))
PARTS(u64x8, u64x8_xor, (u64x8 a, u64x8 b), veorq_u64(a.part[i], b.part[i]))
PARTS(u64x8, u64x8_shift_left, (u64x8 a, int bits), vshlq_u64(a.part[i], vdupq_n_s64(bits)))
PARTS(u64x8, u64x8_shift_right, (u64x8 a, int bits), vshlq_u64(a.part[i], vdupq_n_s64(-bits)))

static inline u64x8 widen_8_u32(uint32x4_t a, uint32x4_t b)
{
    return (u64x8){{vmovl_u32(vget_low_u32(a)), vmovl_high_u32(a), vmovl_u32(vget_low_u32(b)),
                    vmovl_high_u32(b)}};
}

static inline u64x8 u64x8_low(u32x16 a)
{
    return widen_8_u32(a.part[0], a.part[1]);
}

static inline u64x8 u64x8_high(u32x16 a)
{
    return widen_8_u32(a.part[2], a.part[3]);
}

PARTS(mask8, u64x8_has, (u64x8 a, u64x8 bit), vtstq_u64(a.part[i], bit.part[i]))

#endif
