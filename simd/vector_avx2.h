/* The vocabulary for AVX2, FMA and F16C: 16 lanes of f32 in two registers, 8 of f64 in two.
 * vector_portable.h says what each word means. */
#ifndef MMN_SIMD_VECTOR_AVX2_H
#define MMN_SIMD_VECTOR_AVX2_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unroll.h"

/* Of 16 registers a tile takes 12 for chains, 2 for weights, 1 for the input. */
#define TILE_ROWS 6
#define TILE_GROUPS 1

typedef struct f32x16 {
    __m256 low, high;
} f32x16;

typedef struct u32x16 {
    __m256i low, high;
} u32x16;

typedef struct f64x8 {
    __m256d low, high;
} f64x8;

typedef struct u64x8 {
    __m256i low, high;
} u64x8;

typedef f64x8 mask8; /* all bits of a lane are set, or none */

#define BINARY(type, name, operation)                                                              \
    static inline type name(type a, type b)                                                        \
    {                                                                                              \
        return (type){operation(a.low, b.low), operation(a.high, b.high)};                         \
    }

/* A macro, because gcc 12 leaves out calls of a function that does nothing but prefetch. */
#define prefetch(address) _mm_prefetch((const char *)(address), _MM_HINT_T0)
#define prefetch_far(address) _mm_prefetch((const char *)(address), _MM_HINT_T1)

static inline __attribute__((always_inline)) void copy_line(uint8_t *to, const uint8_t *from)
{
    const __m256i low = _mm256_loadu_si256((const void *)from);
    const __m256i high = _mm256_loadu_si256((const void *)(from + 32));

    _mm256_store_si256((void *)to, low);
    _mm256_store_si256((void *)(to + 32), high);
}

static inline u32x16 first_lanes(size_t count)
{
    __m256i wanted = _mm256_set1_epi32((int)count);

    return (u32x16){
        _mm256_cmpgt_epi32(wanted, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)),
        _mm256_cmpgt_epi32(wanted, _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15)),
    };
}

/* f32 */

static inline f32x16 f32x16_set(float value)
{
    return (f32x16){_mm256_set1_ps(value), _mm256_set1_ps(value)};
}

static inline f32x16 f32x16_zero(void)
{
    return f32x16_set(0.0f);
}

static inline f32x16 f32x16_load(const float *from)
{
    return (f32x16){_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)};
}

static inline f32x16 f32x16_load_some(const float *from, size_t count)
{
    u32x16 lanes = first_lanes(count);

    return (f32x16){_mm256_maskload_ps(from, lanes.low),
                    _mm256_maskload_ps(from + 8, lanes.high)};
}

static inline void f32x16_store(float *to, f32x16 a)
{
    _mm256_storeu_ps(to, a.low);
    _mm256_storeu_ps(to + 8, a.high);
}

static inline void f32x16_store_some(float *to, f32x16 a, size_t count)
{
    u32x16 lanes = first_lanes(count);

    _mm256_maskstore_ps(to, lanes.low, a.low);
    _mm256_maskstore_ps(to + 8, lanes.high, a.high);
}

BINARY(f32x16, f32x16_add, _mm256_add_ps)
BINARY(f32x16, f32x16_subtract, _mm256_sub_ps)
BINARY(f32x16, f32x16_multiply, _mm256_mul_ps)
BINARY(f32x16, f32x16_divide, _mm256_div_ps)
BINARY(f32x16, f32x16_max, _mm256_max_ps)
BINARY(f32x16, f32x16_min, _mm256_min_ps)

static inline f32x16 f32x16_fma(f32x16 a, f32x16 b, f32x16 c)
{
    return (f32x16){_mm256_fmadd_ps(a.low, b.low, c.low),
                    _mm256_fmadd_ps(a.high, b.high, c.high)};
}

static inline f32x16 f32x16_splice(f32x16 a, f32x16 b, size_t count)
{
    u32x16 lanes = first_lanes(count);

    return (f32x16){_mm256_blendv_ps(b.low, a.low, _mm256_castsi256_ps(lanes.low)),
                    _mm256_blendv_ps(b.high, a.high, _mm256_castsi256_ps(lanes.high))};
}

static inline float f32x16_sum(f32x16 a)
{
    __m256 eight = _mm256_add_ps(a.low, a.high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));

    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

static inline bool f32x16_are_at_least(f32x16 a, f32x16 bound)
{
    __m256 low = _mm256_cmp_ps(a.low, bound.low, _CMP_GE_OQ);
    __m256 high = _mm256_cmp_ps(a.high, bound.high, _CMP_GE_OQ);

    return _mm256_movemask_ps(_mm256_and_ps(low, high)) == 0xff;
}

static inline float f32x16_greatest(f32x16 a)
{
    __m256 eight = _mm256_max_ps(a.low, a.high);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));

    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

/* u32 */

static inline u32x16 f32x16_bits(f32x16 a)
{
    return (u32x16){_mm256_castps_si256(a.low), _mm256_castps_si256(a.high)};
}

static inline f32x16 f32x16_of_bits(u32x16 a)
{
    return (f32x16){_mm256_castsi256_ps(a.low), _mm256_castsi256_ps(a.high)};
}

static inline u32x16 u32x16_set(uint32_t value)
{
    return (u32x16){_mm256_set1_epi32((int)value), _mm256_set1_epi32((int)value)};
}

BINARY(u32x16, u32x16_add, _mm256_add_epi32)
BINARY(u32x16, u32x16_subtract, _mm256_sub_epi32)
BINARY(u32x16, u32x16_multiply, _mm256_mullo_epi32)
BINARY(u32x16, u32x16_and, _mm256_and_si256)
BINARY(u32x16, u32x16_or, _mm256_or_si256)

static inline u32x16 u32x16_shift_left(u32x16 a, int bits)
{
    return (u32x16){_mm256_slli_epi32(a.low, bits), _mm256_slli_epi32(a.high, bits)};
}

static inline u32x16 u32x16_shift_right(u32x16 a, int bits)
{
    return (u32x16){_mm256_srli_epi32(a.low, bits), _mm256_srli_epi32(a.high, bits)};
}

static inline u32x16 u32x16_select_greater(u32x16 a, u32x16 b, u32x16 yes, u32x16 no)
{
    return (u32x16){
        _mm256_blendv_epi8(no.low, yes.low, _mm256_cmpgt_epi32(a.low, b.low)),
        _mm256_blendv_epi8(no.high, yes.high, _mm256_cmpgt_epi32(a.high, b.high)),
    };
}

/* A lane of a mask is -1. */
static inline u32x16 u32x16_count_positive(u32x16 counts, f32x16 x)
{
    __m256 zero = _mm256_setzero_ps();
    __m256i low = _mm256_castps_si256(_mm256_cmp_ps(x.low, zero, _CMP_GT_OQ));
    __m256i high = _mm256_castps_si256(_mm256_cmp_ps(x.high, zero, _CMP_GT_OQ));

    return (u32x16){_mm256_sub_epi32(counts.low, low), _mm256_sub_epi32(counts.high, high)};
}

static inline u32x16 u32x16_load(const void *from)
{
    const uint8_t *bytes = from;

    return (u32x16){_mm256_loadu_si256((const __m256i *)bytes),
                    _mm256_loadu_si256((const __m256i *)(bytes + 32))};
}

static inline void u32x16_store(void *to, u32x16 a)
{
    uint8_t *bytes = to;

    _mm256_storeu_si256((__m256i *)bytes, a.low);
    _mm256_storeu_si256((__m256i *)(bytes + 32), a.high);
}

/* Stored numbers */

static inline u32x16 u32x16_load_16(const void *from)
{
    const __m128i *half = from;

    return (u32x16){_mm256_cvtepu16_epi32(_mm_loadu_si128(half)),
                    _mm256_cvtepu16_epi32(_mm_loadu_si128(half + 1))};
}

/* The low halves of the lanes of `a`. */
static inline __m128i low_halves(__m256i a)
{
    __m256i kept = _mm256_and_si256(a, _mm256_set1_epi32(0xffff));

    return _mm_packus_epi32(_mm256_castsi256_si128(kept), _mm256_extracti128_si256(kept, 1));
}

static inline void u32x16_store_16(void *to, u32x16 a)
{
    __m128i *half = to;

    _mm_storeu_si128(half, low_halves(a.low));
    _mm_storeu_si128(half + 1, low_halves(a.high));
}

static inline u32x16 u32x16_load_8(const uint8_t *from)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)from);

    return (u32x16){_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))};
}

static inline void u32x16_store_pixels(uint8_t *to, u32x16 a)
{
    /* Packing limits to 0 to 65535 and then to 0 to 255. */
    __m256i low = _mm256_srai_epi32(a.low, 22), high = _mm256_srai_epi32(a.high, 22);
    __m256i words = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, high), 0xd8);
    __m128i bytes =
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));

    _mm_storeu_si128((__m128i *)to, bytes);
}

static inline f32x16 f32x16_of_f16(u32x16 a)
{
    return (f32x16){_mm256_cvtph_ps(low_halves(a.low)), _mm256_cvtph_ps(low_halves(a.high))};
}

static inline u32x16 bits_of_f16(f32x16 a)
{
    return (u32x16){
        _mm256_cvtepu16_epi32(_mm256_cvtps_ph(a.low, _MM_FROUND_TO_NEAREST_INT)),
        _mm256_cvtepu16_epi32(_mm256_cvtps_ph(a.high, _MM_FROUND_TO_NEAREST_INT)),
    };
}

/* The unit: one register. Of 16 registers, 12 may be chains. */

#define UNIT 8
#define FEW_UNITS(rows) ((rows) <= 6 ? 2 : 1)

typedef __m256 unit_f32;
typedef __m256i unit_u32;

#define unit_zero _mm256_setzero_ps
#define unit_set _mm256_set1_ps
#define unit_load _mm256_loadu_ps
#define unit_store _mm256_storeu_ps
#define unit_add _mm256_add_ps
#define unit_fma _mm256_fmadd_ps
#define unit_of_bits _mm256_castsi256_ps
#define unit_set_bits(bits) _mm256_set1_epi32((int)(bits))
#define unit_and _mm256_and_si256
#define unit_shift_left _mm256_slli_epi32

#if defined(__clang__)
/* In the product of a few rows. clang otherwise gathers the loads of several steps in front of
 * them, moves what then has no register to the stack and back, and may keep a chain there, whose
 * steps wait for each other. What each of these saves is in doc/benchmarks.md, "clang". */
#define UNIT_SET_HERE(unit, number)                                                                \
    __asm__ volatile("vbroadcastss %1, %0" : "=x"(unit) : "m"(*(number)))
#define UNIT_ADD_PRODUCT_HERE(chain, a, b)                                                         \
    __asm__ volatile("vfmadd231ps %2, %1, %0" : "+x"(chain) : "x"(a), "x"(b))
#define REGISTERS_SUFFICE(rows, units, type)                                                       \
    ((units) == 2 ? (rows) < ((type) == MMN_WEIGHT_BF16 ? 5 : 4)                                   \
                  : (rows) < ((type) == MMN_WEIGHT_F16 ? 11 : 13))
#endif

/* Quarters of the cache lines of eight rows, of rows i and i + 4 in a register. */
typedef struct row_quarters {
    __m256i a, b, c, d;
} row_quarters;

static inline __m256i load_two_rows(const uint8_t *row, size_t four_strides)
{
    return _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)row)),
        _mm_loadu_si128((const __m128i *)(row + four_strides)), 1);
}

static inline __attribute__((always_inline)) row_quarters load_quarters(const uint8_t *rows,
                                                                        size_t stride)
{
    return (row_quarters){
        load_two_rows(rows, 4 * stride),
        load_two_rows(rows + stride, 4 * stride),
        load_two_rows(rows + 2 * stride, 4 * stride),
        load_two_rows(rows + 3 * stride, 4 * stride),
    };
}

static inline __attribute__((always_inline)) void
unit_columns(unit_u32 columns[4], const uint8_t *rows, size_t stride)
{
    row_quarters q = load_quarters(rows, stride);
    __m256i ab = _mm256_unpacklo_epi32(q.a, q.b), cd = _mm256_unpacklo_epi32(q.c, q.d);
    __m256i ab_upper = _mm256_unpackhi_epi32(q.a, q.b);
    __m256i cd_upper = _mm256_unpackhi_epi32(q.c, q.d);

    columns[0] = _mm256_unpacklo_epi64(ab, cd);
    columns[1] = _mm256_unpackhi_epi64(ab, cd);
    columns[2] = _mm256_unpacklo_epi64(ab_upper, cd_upper);
    columns[3] = _mm256_unpackhi_epi64(ab_upper, cd_upper);
}

/* Of pairs of f16: the first numbers in the lower half of a column, the second ones in the upper
 * half, as they are widened. */
static inline __attribute__((always_inline)) void
unit_columns_f16(unit_u32 columns[4], const uint8_t *rows, size_t stride)
{
    enum { HALVES_OF_LANES = 0xd8 }; /* 64 bits of the lower lane, of the upper one, and again */
    row_quarters q = load_quarters(rows, stride);
    __m256i ab = _mm256_unpacklo_epi16(q.a, q.b), cd = _mm256_unpacklo_epi16(q.c, q.d);
    __m256i ab_upper = _mm256_unpackhi_epi16(q.a, q.b);
    __m256i cd_upper = _mm256_unpackhi_epi16(q.c, q.d);

    columns[0] = _mm256_unpacklo_epi32(ab, cd);
    columns[1] = _mm256_unpackhi_epi32(ab, cd);
    columns[2] = _mm256_unpacklo_epi32(ab_upper, cd_upper);
    columns[3] = _mm256_unpackhi_epi32(ab_upper, cd_upper);
    UNROLL
    for (size_t i = 0; i < 4; i++)
        columns[i] = _mm256_permute4x64_epi64(columns[i], HALVES_OF_LANES);
}

#define UNIT_COLUMNS_F16
#define unit_first_f16(column) _mm256_cvtph_ps(_mm256_castsi256_si128(column))
#define unit_second_f16(column) _mm256_cvtph_ps(_mm256_extracti128_si256(column, 1))

static inline __attribute__((always_inline)) void
load_transposed(u32x16 columns[4], const uint8_t *rows, size_t stride)
{
    __m256i low[4], high[4];

    unit_columns(low, rows, stride);
    unit_columns(high, rows + 8 * stride, stride);
    UNROLL
    for (size_t i = 0; i < 4; i++)
        columns[i] = (u32x16){low[i], high[i]};
}

/* f64 */

static inline f64x8 f64x8_set(double value)
{
    return (f64x8){_mm256_set1_pd(value), _mm256_set1_pd(value)};
}

static inline f64x8 f64x8_load(const double *from)
{
    return (f64x8){_mm256_loadu_pd(from), _mm256_loadu_pd(from + 4)};
}

static inline void f64x8_store(double *to, f64x8 a)
{
    _mm256_storeu_pd(to, a.low);
    _mm256_storeu_pd(to + 4, a.high);
}

static inline f64x8 widen_8(__m256 a)
{
    return (f64x8){_mm256_cvtps_pd(_mm256_castps256_ps128(a)),
                   _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1))};
}

static inline f64x8 f64x8_low(f32x16 a)
{
    return widen_8(a.low);
}

static inline f64x8 f64x8_high(f32x16 a)
{
    return widen_8(a.high);
}

static inline f32x16 f32x16_of_f64(f64x8 low, f64x8 high)
{
    return (f32x16){_mm256_set_m128(_mm256_cvtpd_ps(low.high), _mm256_cvtpd_ps(low.low)),
                    _mm256_set_m128(_mm256_cvtpd_ps(high.high), _mm256_cvtpd_ps(high.low))};
}

BINARY(f64x8, f64x8_add, _mm256_add_pd)
BINARY(f64x8, f64x8_subtract, _mm256_sub_pd)
BINARY(f64x8, f64x8_multiply, _mm256_mul_pd)
BINARY(f64x8, f64x8_divide, _mm256_div_pd)
BINARY(f64x8, f64x8_max, _mm256_max_pd)
BINARY(f64x8, f64x8_min, _mm256_min_pd)

static inline f64x8 f64x8_fma(f64x8 a, f64x8 b, f64x8 c)
{
    return (f64x8){_mm256_fmadd_pd(a.low, b.low, c.low),
                   _mm256_fmadd_pd(a.high, b.high, c.high)};
}

static inline mask8 f64x8_less(f64x8 a, f64x8 b)
{
    return (mask8){_mm256_cmp_pd(a.low, b.low, _CMP_LT_OQ),
                   _mm256_cmp_pd(a.high, b.high, _CMP_LT_OQ)};
}

static inline mask8 f64x8_equal(f64x8 a, f64x8 b)
{
    return (mask8){_mm256_cmp_pd(a.low, b.low, _CMP_EQ_OQ),
                   _mm256_cmp_pd(a.high, b.high, _CMP_EQ_OQ)};
}

static inline f64x8 f64x8_select(mask8 mask, f64x8 yes, f64x8 no)
{
    return (f64x8){_mm256_blendv_pd(no.low, yes.low, mask.low),
                   _mm256_blendv_pd(no.high, yes.high, mask.high)};
}

/* u64 */

static inline u64x8 f64x8_bits(f64x8 a)
{
    return (u64x8){_mm256_castpd_si256(a.low), _mm256_castpd_si256(a.high)};
}

static inline f64x8 f64x8_of_bits(u64x8 a)
{
    return (f64x8){_mm256_castsi256_pd(a.low), _mm256_castsi256_pd(a.high)};
}

static inline u64x8 u64x8_set(uint64_t value)
{
    return (u64x8){_mm256_set1_epi64x((long long)value), _mm256_set1_epi64x((long long)value)};
}

static inline u64x8 u64x8_load(const void *from)
{
    const __m256i *half = from;

    return (u64x8){_mm256_loadu_si256(half), _mm256_loadu_si256(half + 1)};
}

static inline void u64x8_store(void *to, u64x8 a)
{
    __m256i *half = to;

    _mm256_storeu_si256(half, a.low);
    _mm256_storeu_si256(half + 1, a.high);
}

BINARY(u64x8, u64x8_add, _mm256_add_epi64)
BINARY(u64x8, u64x8_subtract, _mm256_sub_epi64)
BINARY(u64x8, u64x8_and, _mm256_and_si256)
BINARY(u64x8, u64x8_or, _mm256_or_si256)
BINARY(u64x8, u64x8_xor, _mm256_xor_si256)

static inline u64x8 u64x8_shift_left(u64x8 a, int bits)
{
    return (u64x8){_mm256_slli_epi64(a.low, bits), _mm256_slli_epi64(a.high, bits)};
}

static inline u64x8 u64x8_shift_right(u64x8 a, int bits)
{
    return (u64x8){_mm256_srli_epi64(a.low, bits), _mm256_srli_epi64(a.high, bits)};
}

static inline u64x8 widen_8_u32(__m256i a)
{
    return (u64x8){_mm256_cvtepu32_epi64(_mm256_castsi256_si128(a)),
                   _mm256_cvtepu32_epi64(_mm256_extracti128_si256(a, 1))};
}

static inline u64x8 u64x8_low(u32x16 a)
{
    return widen_8_u32(a.low);
}

static inline u64x8 u64x8_high(u32x16 a)
{
    return widen_8_u32(a.high);
}

static inline mask8 u64x8_has(u64x8 a, u64x8 bit)
{
    u64x8 found = u64x8_and(a, bit);

    return (mask8){_mm256_castsi256_pd(_mm256_cmpeq_epi64(found.low, bit.low)),
                   _mm256_castsi256_pd(_mm256_cmpeq_epi64(found.high, bit.high))};
}

#endif
