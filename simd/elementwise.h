/* Elementwise kernels over the vocabulary: activations, sums, products, logarithms, conversions,
 * and counting. Included after vector_functions.h. */
#ifndef MMN_SIMD_ELEMENTWISE_H
#define MMN_SIMD_ELEMENTWISE_H

#include <string.h>

/* A function of f64 applied to f32, with one rounding at the end. */
static inline __attribute__((always_inline)) f32x16 through_f64(f64x8 (*function)(f64x8), f32x16 x)
{
    return f32x16_of_f64(function(f64x8_low(x)), function(f64x8_high(x)));
}

#define ACTIVATION(name)                                                                           \
    static void KERNEL(name)(float *output, const float *input, size_t count)                      \
    {                                                                                              \
        for (size_t i = 0; i < count; i += 16) {                                                   \
            const size_t rest = count - i;                                                         \
            const f32x16 x = rest < 16 ? f32x16_load_some(input + i, rest)                         \
                                       : f32x16_load(input + i);                                   \
            const f32x16 y = through_f64(name, x);                                                 \
                                                                                                   \
            if (rest < 16)                                                                         \
                f32x16_store_some(output + i, y, rest);                                            \
            else                                                                                   \
                f32x16_store(output + i, y);                                                       \
        }                                                                                          \
    }

ACTIVATION(silu)
ACTIVATION(gelu)
ACTIVATION(gelu_tanh)
ACTIVATION(quick_gelu)
ACTIVATION(silu_slope)
ACTIVATION(gelu_slope)
ACTIVATION(gelu_tanh_slope)
ACTIVATION(quick_gelu_slope)
ACTIVATION(relu_slope)

/* max keeps NaN, its second operand; adding +0 makes -0 positive. */
static inline f32x16 rectify(f32x16 x)
{
    return f32x16_add(f32x16_max(f32x16_zero(), x), f32x16_zero());
}

static void KERNEL(relu)(float *output, const float *input, size_t count)
{
    size_t i = 0;

    for (; i + 16 <= count; i += 16)
        f32x16_store(output + i, rectify(f32x16_load(input + i)));
    if (i < count)
        f32x16_store_some(output + i, rectify(f32x16_load_some(input + i, count - i)), count - i);
}

#define ELEMENTWISE(name)                                                                          \
    static void KERNEL(name)(float *output, const float *a, const float *b, size_t count)          \
    {                                                                                              \
        size_t i = 0, rest;                                                                        \
                                                                                                   \
        for (; i + 16 <= count; i += 16)                                                           \
            f32x16_store(output + i, f32x16_##name(f32x16_load(a + i), f32x16_load(b + i)));       \
        rest = count - i;                                                                          \
        if (rest > 0)                                                                              \
            f32x16_store_some(output + i,                                                          \
                              f32x16_##name(f32x16_load_some(a + i, rest),                         \
                                            f32x16_load_some(b + i, rest)),                        \
                              rest);                                                               \
    }

ELEMENTWISE(add)
ELEMENTWISE(multiply)

static void KERNEL(log_f64)(double *output, const double *input, size_t count)
{
    size_t i = 0;

    for (; i + 8 <= count; i += 8)
        f64x8_store(output + i, log_f64(f64x8_load(input + i)));
    if (i < count) {
        double some[8] = {0.0};

        memcpy(some, input + i, (count - i) * sizeof *some);
        f64x8_store(some, log_f64(f64x8_load(some)));
        memcpy(output + i, some, (count - i) * sizeof *some);
    }
}

/* 16 stored numbers, in f32. */
static inline f32x16 widen_16(const uint8_t *stored, mmn_weight_type type)
{
    if (type == MMN_WEIGHT_BF16)
        return f32x16_of_bits(u32x16_shift_left(u32x16_load_16(stored), 16));
    if (type == MMN_WEIGHT_F16)
        return f32x16_of_f16(u32x16_load_16(stored));
    return f32x16_of_bits(u32x16_load(stored));
}

static void KERNEL(widen)(float *output, const void *input, mmn_weight_type type, size_t count)
{
    const uint8_t *stored = input;
    size_t size = mmn_weight_size(type), i = 0;

    for (; i + 16 <= count; i += 16)
        f32x16_store(output + i, widen_16(stored + i * size, type));
    if (i < count) {
        uint8_t some[16 * sizeof(float)] = {0};

        memcpy(some, stored + i * size, (count - i) * size);
        f32x16_store_some(output + i, widen_16(some, type), count - i);
    }
}

/* To nearest, ties to even; a NaN becomes quiet and keeps its upper payload. */
static inline u32x16 bits_of_bf16(f32x16 x)
{
    u32x16 bits = f32x16_bits(x), upper = u32x16_shift_right(bits, 16);
    u32x16 even = u32x16_and(upper, u32x16_set(1));
    u32x16 rounded = u32x16_add(bits, u32x16_add(even, u32x16_set(0x7fff)));
    u32x16 magnitude = u32x16_and(bits, u32x16_set(0x7fffffff));

    return u32x16_select_greater(magnitude, u32x16_set(0x7f800000),
                                 u32x16_or(upper, u32x16_set(0x40)),
                                 u32x16_shift_right(rounded, 16));
}

static inline void narrow_16(uint8_t *stored, mmn_weight_type type, f32x16 x)
{
    if (type == MMN_WEIGHT_BF16)
        u32x16_store_16(stored, bits_of_bf16(x));
    else if (type == MMN_WEIGHT_F16)
        u32x16_store_16(stored, bits_of_f16(x));
    else
        u32x16_store(stored, f32x16_bits(x));
}

static void KERNEL(narrow)(void *output, mmn_weight_type type, const float *input, size_t count)
{
    uint8_t *stored = output;
    size_t size = mmn_weight_size(type), i = 0;

    for (; i + 16 <= count; i += 16)
        narrow_16(stored + i * size, type, f32x16_load(input + i));
    if (i < count) {
        uint8_t some[16 * sizeof(float)];

        narrow_16(some, type, f32x16_load_some(input + i, count - i));
        memcpy(stored + i * size, some, (count - i) * size);
    }
}

/* The lowest bits of the result are the number, as a multiple of 2^-20, rounded to an integer; it
 * is in two's complement once the bits of ROUND_F64 are subtracted. */
static inline u64x8 fixed_point(f64x8 x)
{
    f64x8 scaled = f64x8_multiply(x, f64x8_set(0x1p20));
    f64x8 number = f64x8_select(f64x8_equal(x, x), scaled, f64x8_set(0.0));
    f64x8 limited = f64x8_max(f64x8_set(-0x1p40), f64x8_min(f64x8_set(0x1p40), number));
    f64x8 rounded = f64x8_add(limited, f64x8_set(ROUND_F64));

    return u64x8_subtract(f64x8_bits(rounded), f64x8_bits(f64x8_set(ROUND_F64)));
}

static inline void add_u64(int64_t *total, u64x8 low, u64x8 high)
{
    u64x8_store(total, u64x8_add(u64x8_load(total), low));
    u64x8_store(total + 8, u64x8_add(u64x8_load(total + 8), high));
}

/* Counts the first `count` of 16 neurons over some rows. */
static inline void count_neurons(int64_t *active, int64_t *sum, const float *values, size_t stride,
                                 size_t rows, size_t count)
{
    u32x16 positive = u32x16_set(0);
    u64x8 low = u64x8_set(0), high = u64x8_set(0);

    for (size_t row = 0; row < rows; row++) {
        const float *from = values + row * stride;
        f32x16 x = count == 16 ? f32x16_load(from) : f32x16_load_some(from, count);

        positive = u32x16_count_positive(positive, x);
        low = u64x8_add(low, fixed_point(f64x8_low(x)));
        high = u64x8_add(high, fixed_point(f64x8_high(x)));
    }
    add_u64(active, u64x8_low(positive), u64x8_high(positive));
    add_u64(sum, low, high);
}

static void KERNEL(count_active)(int64_t *active, int64_t *sum, const float *values, size_t stride,
                                 size_t rows, size_t neurons)
{
    /* So few rows at a time that reading them side by side suits caches and prefetching. */
    enum { ROWS = 8 };

    for (size_t row = 0; row < rows; row += ROWS) {
        const float *from = values + row * stride;
        size_t some = rows - row < ROWS ? rows - row : ROWS, n = 0;

        for (; n + 16 <= neurons; n += 16)
            count_neurons(active + n, sum + n, from + n, stride, some, 16);
        if (n < neurons) {
            int64_t last_active[16] = {0}, last_sum[16] = {0};

            count_neurons(last_active, last_sum, from + n, stride, some, neurons - n);
            for (size_t i = 0; n + i < neurons; i++) {
                active[n + i] += last_active[i];
                sum[n + i] += last_sum[i];
            }
        }
    }
}

#endif
