/* Kernels along rows over the vocabulary: norms, softmax, rotary embedding. The 16 lanes of a sum
 * are the vocabulary's. Included after vector_functions.h. */
#ifndef MMN_SIMD_ROWS_H
#define MMN_SIMD_ROWS_H

#include <math.h>

/* Elements i to i + 15 of a row of `width`; those that do not exist are 0. */
static inline f32x16 load_strip(const float *row, size_t i, size_t width)
{
    return i + 16 <= width ? f32x16_load(row + i) : f32x16_load_some(row + i, width - i);
}

static inline void store_strip(float *row, f32x16 strip, size_t i, size_t width)
{
    if (i + 16 <= width)
        f32x16_store(row + i, strip);
    else
        f32x16_store_some(row + i, strip, width - i);
}

static inline float reciprocal_root(float variance, float epsilon)
{
    return 1.0f / sqrtf(variance + epsilon);
}

/* What the norms multiply by. */
static inline float rms_scale(const float *x, size_t width, float epsilon)
{
    f32x16 lanes = f32x16_zero();

    for (size_t i = 0; i < width; i += 16) {
        f32x16 strip = load_strip(x, i, width);
        lanes = f32x16_fma(strip, strip, lanes);
    }
    return reciprocal_root(f32x16_sum(lanes) / (float)width, epsilon);
}

static inline float mean_of(const float *x, size_t width)
{
    f32x16 sums = f32x16_zero();

    for (size_t i = 0; i < width; i += 16)
        sums = f32x16_add(sums, load_strip(x, i, width));
    return f32x16_sum(sums) / (float)width;
}

static inline float layer_scale(const float *x, f32x16 mean, size_t width, float epsilon)
{
    f32x16 squares = f32x16_zero();

    for (size_t i = 0; i < width; i += 16) {
        f32x16 difference = f32x16_subtract(load_strip(x, i, width), mean);
        if (i + 16 > width)
            difference = f32x16_splice(difference, f32x16_zero(), width - i);
        squares = f32x16_fma(difference, difference, squares);
    }
    return reciprocal_root(f32x16_sum(squares) / (float)width, epsilon);
}

static void KERNEL(rms_norm)(float *output, const float *input, const float *weight, size_t rows,
                             size_t width, float epsilon)
{
    for (size_t row = 0; row < rows; row++) {
        const float *x = input + row * width;
        float *y = output + row * width;
        f32x16 scale = f32x16_set(rms_scale(x, width, epsilon));

        for (size_t i = 0; i < width; i += 16) {
            f32x16 scaled = f32x16_multiply(load_strip(x, i, width), scale);
            store_strip(y, f32x16_multiply(scaled, load_strip(weight, i, width)), i, width);
        }
    }
}

static void KERNEL(layer_norm)(float *output, const float *input, const float *weight,
                               const float *bias, size_t rows, size_t width, float epsilon)
{
    for (size_t row = 0; row < rows; row++) {
        const float *x = input + row * width;
        float *y = output + row * width;
        f32x16 mean = f32x16_set(mean_of(x, width));
        f32x16 scale = f32x16_set(layer_scale(x, mean, width, epsilon));

        for (size_t i = 0; i < width; i += 16) {
            f32x16 difference = f32x16_subtract(load_strip(x, i, width), mean);
            f32x16 normal = f32x16_multiply(difference, scale);
            store_strip(y, f32x16_fma(normal, load_strip(weight, i, width),
                                      load_strip(bias, i, width)), i, width);
        }
    }
}

static void KERNEL(softmax)(float *values, size_t rows, size_t width)
{
    for (size_t row = 0; row < rows; row++) {
        float *x = values + row * width;
        f32x16 low = f32x16_set(-INFINITY), greatest = low, lanes = f32x16_zero();

        for (size_t i = 0; i < width; i += 16) {
            f32x16 strip = load_strip(x, i, width);
            if (i + 16 > width)
                strip = f32x16_splice(strip, low, width - i);
            greatest = f32x16_max(strip, greatest);
        }
        f32x16 maximum = f32x16_set(f32x16_greatest(greatest));

        for (size_t i = 0; i < width; i += 16) {
            f32x16 power = exp_f32(f32x16_subtract(load_strip(x, i, width), maximum));
            if (i + 16 > width)
                power = f32x16_splice(power, f32x16_zero(), width - i);
            lanes = f32x16_add(lanes, power);
            store_strip(x, power, i, width);
        }
        const divisor sum = make_divisor(f32x16_sum(lanes));

        for (size_t i = 0; i < width; i += 16)
            store_strip(x, divide_power(load_strip(x, i, width), &sum), i, width);
    }
}

static void KERNEL(rope_table)(float *cosines, float *sines, size_t first_position,
                               size_t positions, size_t head_dim, const float *frequencies)
{
    size_t half = head_dim / 2;

    for (size_t i = 0; i < half; i += 16) {
        f32x16 strip = load_strip(frequencies, i, half);

        for (size_t row = 0; row < positions; row++) {
            f32x16 position = f32x16_set((float)(first_position + row));
            f32x16 angle = f32x16_multiply(position, strip);

            store_strip(cosines + row * half, through_f64(cosine, angle), i, half);
            store_strip(sines + row * half, through_f64(sine, angle), i, half);
        }
    }
}

static void KERNEL(rope)(float *values, size_t row_stride, const float *cosines, const float *sines,
                         size_t rows, size_t heads, size_t head_dim)
{
    size_t half = head_dim / 2;
    f32x16 minus = f32x16_set(-1.0f);

    for (size_t row = 0; row < rows; row++) {
        for (size_t head = 0; head < heads; head++) {
            float *first = values + row * row_stride + head * head_dim;
            float *second = first + half;

            for (size_t i = 0; i < half; i += 16) {
                f32x16 a = load_strip(first, i, half), b = load_strip(second, i, half);
                f32x16 c = load_strip(cosines + row * half, i, half);
                f32x16 s = load_strip(sines + row * half, i, half);
                f32x16 negative = f32x16_multiply(f32x16_multiply(b, s), minus);

                store_strip(first, f32x16_fma(a, c, negative), i, half);
                store_strip(second, f32x16_fma(b, c, f32x16_multiply(a, s)), i, half);
            }
        }
    }
}

#endif
