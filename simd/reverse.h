/* Kernels of the reverse pass along rows over the vocabulary: of norms and of softmax. Included
 * after rows.h. */
#ifndef MMN_SIMD_REVERSE_H
#define MMN_SIMD_REVERSE_H

/* Adds products to lanes, from element i of a row on: those beyond `width` leave their lanes, which
 * may be -0, as they are. */
static inline f32x16 add_products(f32x16 lanes, f32x16 a, f32x16 b, size_t i, size_t width)
{
    f32x16 sums = f32x16_fma(a, b, lanes);

    return i + 16 <= width ? sums : f32x16_splice(sums, lanes, width - i);
}

/* fma(-normal, along, g) * scale. Negating is exact, as multiplying by -1 is. */
static inline f32x16 reverse_norm(f32x16 normal, f32x16 along, f32x16 g, f32x16 scale)
{
    f32x16 negative = f32x16_multiply(normal, f32x16_set(-1.0f));

    return f32x16_multiply(f32x16_fma(negative, along, g), scale);
}

static void KERNEL(rms_norm_reverse)(float *output, const float *gradient, const float *input,
                                     const float *weight, size_t rows, size_t width, float epsilon)
{
    for (size_t row = 0; row < rows; row++) {
        const float *x = input + row * width, *from = gradient + row * width;
        f32x16 scale = f32x16_set(rms_scale(x, width, epsilon)), lanes = f32x16_zero();

        for (size_t i = 0; i < width; i += 16) {
            f32x16 normal = f32x16_multiply(load_strip(x, i, width), scale);
            f32x16 g = f32x16_multiply(load_strip(weight, i, width), load_strip(from, i, width));
            lanes = add_products(lanes, normal, g, i, width);
        }
        f32x16 along = f32x16_set(f32x16_sum(lanes) / (float)width);

        for (size_t i = 0; i < width; i += 16) {
            f32x16 normal = f32x16_multiply(load_strip(x, i, width), scale);
            f32x16 g = f32x16_multiply(load_strip(weight, i, width), load_strip(from, i, width));
            store_strip(output + row * width, reverse_norm(normal, along, g, scale), i, width);
        }
    }
}

static void KERNEL(layer_norm_reverse)(float *output, const float *gradient, const float *input,
                                       const float *weight, size_t rows, size_t width,
                                       float epsilon)
{
    for (size_t row = 0; row < rows; row++) {
        const float *x = input + row * width, *from = gradient + row * width;
        f32x16 mean = f32x16_set(mean_of(x, width));
        f32x16 scale = f32x16_set(layer_scale(x, mean, width, epsilon));
        f32x16 sums = f32x16_zero(), lanes = f32x16_zero();

        for (size_t i = 0; i < width; i += 16) {
            f32x16 difference = f32x16_subtract(load_strip(x, i, width), mean);
            f32x16 g = f32x16_multiply(load_strip(weight, i, width), load_strip(from, i, width));
            sums = f32x16_add(sums, g);
            lanes = add_products(lanes, f32x16_multiply(difference, scale), g, i, width);
        }
        f32x16 level = f32x16_set(f32x16_sum(sums) / (float)width);
        f32x16 along = f32x16_set(f32x16_sum(lanes) / (float)width);

        for (size_t i = 0; i < width; i += 16) {
            f32x16 difference = f32x16_subtract(load_strip(x, i, width), mean);
            f32x16 g = f32x16_multiply(load_strip(weight, i, width), load_strip(from, i, width));
            store_strip(output + row * width,
                        reverse_norm(f32x16_multiply(difference, scale), along,
                                     f32x16_subtract(g, level), scale), i, width);
        }
    }
}

static void KERNEL(softmax_reverse)(float *gradient, const float *probabilities, size_t rows,
                                    size_t width, float scale)
{
    for (size_t row = 0; row < rows; row++) {
        float *g = gradient + row * width;
        const float *p = probabilities + row * width;
        f32x16 lanes = f32x16_zero();

        for (size_t i = 0; i < width; i += 16)
            lanes = add_products(lanes, load_strip(p, i, width), load_strip(g, i, width), i, width);
        f32x16 mean = f32x16_set(f32x16_sum(lanes));

        for (size_t i = 0; i < width; i += 16) {
            f32x16 difference = f32x16_subtract(load_strip(g, i, width), mean);
            f32x16 product = f32x16_multiply(load_strip(p, i, width), difference);
            store_strip(g, f32x16_multiply(product, f32x16_set(scale)), i, width);
        }
    }
}

#endif
