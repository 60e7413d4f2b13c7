/* The vocabulary for AVX-512F: 16 lanes of f32 in a register, 8 of f64. vector_portable.h says what
 * each word means. */
#ifndef MMN_SIMD_VECTOR_AVX512_H
#define MMN_SIMD_VECTOR_AVX512_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unroll.h"

/* Of 32 registers a tile takes 24 for chains, 2 for weights, 1 for the input. */
#define TILE_ROWS 12
#define TILE_GROUPS 2

typedef __m512 f32x16;
typedef __m512i u32x16;
typedef __m512d f64x8;
typedef __m512i u64x8;
typedef __mmask8 mask8;


#define BINARY(type, name, operation)                                                              \
    static inline type name(type a, type b)                                                        \
    {                                                                                              \
        return operation(a, b);                                                                    \
    }

/* A macro, because gcc 12 leaves out calls of a function that does nothing but prefetch. */
#define prefetch(address) _mm_prefetch((const char *)(address), _MM_HINT_T0)
#define prefetch_far(address) _mm_prefetch((const char *)(address), _MM_HINT_T1)

static inline __attribute__((always_inline)) void copy_line(uint8_t *to, const uint8_t *from)
{
    _mm512_store_si512(to, _mm512_loadu_si512(from));
}

static inline __mmask16 first_lanes(size_t count)
{
    return (__mmask16)((1u << count) - 1);
}

/* f32 */

static inline f32x16 f32x16_zero(void)
{
    return _mm512_setzero_ps();
}

static inline f32x16 f32x16_set(float value)
{
    return _mm512_set1_ps(value);
}

static inline f32x16 f32x16_load(const float *from)
{
    return _mm512_loadu_ps(from);
}

static inline f32x16 f32x16_load_some(const float *from, size_t count)
{
    return _mm512_maskz_loadu_ps(first_lanes(count), from);
}

static inline void f32x16_store(float *to, f32x16 a)
{
    _mm512_storeu_ps(to, a);
}

static inline void f32x16_store_some(float *to, f32x16 a, size_t count)
{
    _mm512_mask_storeu_ps(to, first_lanes(count), a);
}

BINARY(f32x16, f32x16_add, _mm512_add_ps)
BINARY(f32x16, f32x16_subtract, _mm512_sub_ps)
BINARY(f32x16, f32x16_multiply, _mm512_mul_ps)
BINARY(f32x16, f32x16_divide, _mm512_div_ps)

static inline f32x16 f32x16_fma(f32x16 a, f32x16 b, f32x16 c)
{
    return _mm512_fmadd_ps(a, b, c);
}

BINARY(f32x16, f32x16_max, _mm512_max_ps)
BINARY(f32x16, f32x16_min, _mm512_min_ps)

static inline float f32x16_sum(f32x16 a)
{
    __m256 upper = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), 1));
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a), upper);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));

    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

static inline bool f32x16_are_at_least(f32x16 a, f32x16 bound)
{
    return _mm512_cmp_ps_mask(a, bound, _CMP_GE_OQ) == 0xffff;
}

static inline float f32x16_greatest(f32x16 a)
{
    return _mm512_reduce_max_ps(a);
}

static inline f32x16 f32x16_splice(f32x16 a, f32x16 b, size_t count)
{
    return _mm512_mask_blend_ps(first_lanes(count), b, a);
}

/* u32 */

static inline u32x16 f32x16_bits(f32x16 a)
{
    return _mm512_castps_si512(a);
}

static inline f32x16 f32x16_of_bits(u32x16 a)
{
    return _mm512_castsi512_ps(a);
}

static inline u32x16 u32x16_set(uint32_t value)
{
    return _mm512_set1_epi32((int)value);
}

BINARY(u32x16, u32x16_add, _mm512_add_epi32)
BINARY(u32x16, u32x16_subtract, _mm512_sub_epi32)
BINARY(u32x16, u32x16_multiply, _mm512_mullo_epi32)
BINARY(u32x16, u32x16_and, _mm512_and_si512)
BINARY(u32x16, u32x16_or, _mm512_or_si512)

#define u32x16_shift_left(a, bits) _mm512_slli_epi32(a, bits)
#define u32x16_shift_right(a, bits) _mm512_srli_epi32(a, bits)

static inline u32x16 u32x16_select_greater(u32x16 a, u32x16 b, u32x16 yes, u32x16 no)
{
    return _mm512_mask_blend_epi32(_mm512_cmpgt_epu32_mask(a, b), no, yes);
}

static inline u32x16 u32x16_count_positive(u32x16 counts, f32x16 x)
{
    __mmask16 positive = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GT_OQ);

    return _mm512_mask_add_epi32(counts, positive, counts, _mm512_set1_epi32(1));
}

static inline u32x16 u32x16_load(const void *from)
{
    return _mm512_loadu_si512(from);
}

static inline void u32x16_store(void *to, u32x16 a)
{
    _mm512_storeu_si512(to, a);
}

/* Stored numbers */

static inline u32x16 u32x16_load_16(const void *from)
{
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)from));
}

static inline void u32x16_store_16(void *to, u32x16 a)
{
    _mm256_storeu_si256((__m256i *)to, _mm512_cvtepi32_epi16(a));
}

static inline u32x16 u32x16_load_8(const uint8_t *from)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)from));
}

static inline void u32x16_store_pixels(uint8_t *to, u32x16 a)
{
    __m512i limited = _mm512_min_epi32(_mm512_max_epi32(a, _mm512_setzero_si512()),
                                       _mm512_set1_epi32((256 << 22) - 1));

    _mm_storeu_si128((__m128i *)to, _mm512_cvtepi32_epi8(_mm512_srli_epi32(limited, 22)));
}

static inline f32x16 f32x16_of_f16(u32x16 a)
{
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(a));
}

static inline u32x16 bits_of_f16(f32x16 a)
{
    return _mm512_cvtepu16_epi32(_mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}

/* Four numbers of each of four rows, of which each is four rows further than the one before. */
static inline __m512i load_four_rows(const uint8_t *row, size_t four_strides)
{
    const __m128i *first = (const void *)row, *second = (const void *)(row + four_strides);
    const __m128i *third = (const void *)(row + 2 * four_strides);
    const __m128i *fourth = (const void *)(row + 3 * four_strides);
    __m512i rows = _mm512_castsi128_si512(_mm_loadu_si128(first));

    rows = _mm512_inserti32x4(rows, _mm_loadu_si128(second), 1);
    rows = _mm512_inserti32x4(rows, _mm_loadu_si128(third), 2);
    return _mm512_inserti32x4(rows, _mm_loadu_si128(fourth), 3);
}

static inline __attribute__((always_inline)) void
load_transposed(u32x16 columns[4], const uint8_t *rows, size_t stride)
{
    size_t four_strides = 4 * stride;
    __m512i a = load_four_rows(rows, four_strides);
    __m512i b = load_four_rows(rows + stride, four_strides);
    __m512i c = load_four_rows(rows + 2 * stride, four_strides);
    __m512i d = load_four_rows(rows + 3 * stride, four_strides);
    __m512i ab = _mm512_unpacklo_epi32(a, b), cd = _mm512_unpacklo_epi32(c, d);
    __m512i ab_upper = _mm512_unpackhi_epi32(a, b), cd_upper = _mm512_unpackhi_epi32(c, d);

    columns[0] = _mm512_unpacklo_epi64(ab, cd);
    columns[1] = _mm512_unpackhi_epi64(ab, cd);
    columns[2] = _mm512_unpacklo_epi64(ab_upper, cd_upper);
    columns[3] = _mm512_unpackhi_epi64(ab_upper, cd_upper);
}

/* The unit: one register. Two of them would halve the loads of the input; but 32 rows of weights,
 * often a multiple of 4 KiB apart, are too many for the first-level cache. */

#define UNIT 16
#define FEW_UNITS(rows) 1

typedef f32x16 unit_f32;
typedef u32x16 unit_u32;

#define unit_zero f32x16_zero
#define unit_set f32x16_set
#define unit_load f32x16_load
#define unit_store f32x16_store
#define unit_add f32x16_add
#define unit_fma f32x16_fma
#define unit_of_bits f32x16_of_bits
#define unit_of_f16 f32x16_of_f16
#define unit_set_bits u32x16_set
#define unit_and u32x16_and
#define unit_shift_left u32x16_shift_left
#define unit_shift_right u32x16_shift_right
#define unit_columns load_transposed

/* f64 */

static inline f64x8 f64x8_set(double value)
{
    return _mm512_set1_pd(value);
}

static inline f64x8 f64x8_load(const double *from)
{
    return _mm512_loadu_pd(from);
}

static inline void f64x8_store(double *to, f64x8 a)
{
    _mm512_storeu_pd(to, a);
}

static inline f64x8 f64x8_low(f32x16 a)
{
    return _mm512_cvtps_pd(_mm512_castps512_ps256(a));
}

static inline f64x8 f64x8_high(f32x16 a)
{
    return _mm512_cvtps_pd(
        _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), 1)));
}

static inline f32x16 f32x16_of_f64(f64x8 low, f64x8 high)
{
    __m512d lower = _mm512_castpd256_pd512(_mm256_castps_pd(_mm512_cvtpd_ps(low)));

    return _mm512_castpd_ps(
        _mm512_insertf64x4(lower, _mm256_castps_pd(_mm512_cvtpd_ps(high)), 1));
}

BINARY(f64x8, f64x8_add, _mm512_add_pd)
BINARY(f64x8, f64x8_subtract, _mm512_sub_pd)
BINARY(f64x8, f64x8_multiply, _mm512_mul_pd)
BINARY(f64x8, f64x8_divide, _mm512_div_pd)
static inline f64x8 f64x8_fma(f64x8 a, f64x8 b, f64x8 c)
{
    return _mm512_fmadd_pd(a, b, c);
}

BINARY(f64x8, f64x8_max, _mm512_max_pd)
BINARY(f64x8, f64x8_min, _mm512_min_pd)

static inline mask8 f64x8_less(f64x8 a, f64x8 b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ);
}

static inline mask8 f64x8_equal(f64x8 a, f64x8 b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ);
}

static inline f64x8 f64x8_select(mask8 mask, f64x8 yes, f64x8 no)
{
    return _mm512_mask_blend_pd(mask, no, yes);
}

/* u64 */

static inline u64x8 f64x8_bits(f64x8 a)
{
    return _mm512_castpd_si512(a);
}

static inline f64x8 f64x8_of_bits(u64x8 a)
{
    return _mm512_castsi512_pd(a);
}

static inline u64x8 u64x8_set(uint64_t value)
{
    return _mm512_set1_epi64((long long)value);
}

static inline u64x8 u64x8_load(const void *from)
{
    return _mm512_loadu_si512(from);
}

static inline void u64x8_store(void *to, u64x8 a)
{
    _mm512_storeu_si512(to, a);
}

BINARY(u64x8, u64x8_add, _mm512_add_epi64)
BINARY(u64x8, u64x8_subtract, _mm512_sub_epi64)
BINARY(u64x8, u64x8_and, _mm512_and_si512)
BINARY(u64x8, u64x8_or, _mm512_or_si512)
BINARY(u64x8, u64x8_xor, _mm512_xor_si512)

#define u64x8_shift_left(a, bits) _mm512_slli_epi64(a, bits)
#define u64x8_shift_right(a, bits) _mm512_srli_epi64(a, bits)

static inline u64x8 u64x8_low(u32x16 a)
{
    return _mm512_cvtepu32_epi64(_mm512_castsi512_si256(a));
}

static inline u64x8 u64x8_high(u32x16 a)
{
    return _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(a, 1));
}

static inline mask8 u64x8_has(u64x8 a, u64x8 bit)
{
    return _mm512_test_epi64_mask(a, bit);
}

#endif
