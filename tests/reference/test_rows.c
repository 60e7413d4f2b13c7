/* Tests of the kernels on rows: norms, softmax, rotary positions, elementwise ones. */
#include <criterion/criterion.h>
#include <string.h>

#include "functions.h"
#include "kernels.h"
#include "numbers.h"

static const size_t widths[] = {1, 2, 15, 16, 17, 64, 255, 1000};

enum { WIDTHS = sizeof widths / sizeof *widths, ROWS = 3 };

/* The sum by its definition: term i goes to lane i mod 16. */
static float defined_sum(const float *terms, size_t count)
{
    float s[16] = {0.0f};

    for (size_t i = 0; i < count; i++)
        s[i % 16] += terms[i];
    return (((s[0] + s[8]) + (s[4] + s[12])) + ((s[2] + s[10]) + (s[6] + s[14]))) +
           (((s[1] + s[9]) + (s[5] + s[13])) + ((s[3] + s[11]) + (s[7] + s[15])));
}

static void check_close(float y, double truth, double bound, const char *what, size_t width)
{
    cr_assert(fabs((double)y - truth) <= bound, "%s, width %zu: %a, not %a", what, width, (double)y,
              truth);
}

Test(rows, norms_agree_with_binary64)
{
    const mmn_kernels *kernels = mmn_kernels_reference();

    for (size_t w = 0; w < WIDTHS; w++) {
        size_t width = widths[w];
        float *input = make_values(ROWS * width, 1), *weight = make_values(width, 2);
        float *bias = make_values(width, 3);
        float *rms = make_values(ROWS * width, 4), *layer = make_values(ROWS * width, 4);

        kernels->rms_norm(rms, input, weight, ROWS, width, 1e-5f);
        kernels->layer_norm(layer, input, weight, bias, ROWS, width, 1e-5f);
        for (size_t row = 0; row < ROWS; row++) {
            const float *x = input + row * width;
            double mean = 0.0, squares = 0.0, variance = 0.0;

            for (size_t i = 0; i < width; i++) {
                mean += (double)x[i] / (double)width;
                squares += (double)x[i] * (double)x[i] / (double)width;
            }
            for (size_t i = 0; i < width; i++)
                variance += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)width;
            for (size_t i = 0; i < width; i++) {
                double y = (double)x[i] / sqrt(squares + (double)1e-5f) * (double)weight[i];
                double z =
                    ((double)x[i] - mean) / sqrt(variance + (double)1e-5f) * (double)weight[i] +
                    (double)bias[i];
                check_close(rms[row * width + i], y, 2e-6, "rms_norm", width);
                check_close(layer[row * width + i], z, width == 2 ? 1e-5 : 4e-6, "layer_norm",
                            width);
            }
        }
        free(input);
        free(weight);
        free(bias);
        free(rms);
        free(layer);
    }
}

/* With width 16 or less each lane has one term, so that the tree alone decides the bits. */
Test(rows, sums_have_sixteen_lanes)
{
    const mmn_kernels *kernels = mmn_kernels_reference();

    for (size_t w = 0; w < WIDTHS; w++) {
        size_t width = widths[w];
        float *input = make_values(width, 5), *weight = make_values(width, 6);
        float *output = make_values(width, 7), *differences = make_values(width, 7);

        for (size_t i = 0; i < width; i++)
            weight[i] = 1.0f;
        for (size_t i = 0; i < width; i++)
            differences[i] = input[i] - defined_sum(input, width) / (float)width;
        float squares[16] = {0.0f};
        for (size_t i = 0; i < width; i++)
            squares[i % 16] = fmaf(differences[i], differences[i], squares[i % 16]);
        float scale = 1.0f / sqrtf(defined_sum(squares, 16) / (float)width + 1e-6f);
        float *bias = calloc(width, sizeof *bias);
        kernels->layer_norm(output, input, weight, bias, 1, width, 1e-6f);
        for (size_t i = 0; i < width; i++)
            cr_assert_eq(output[i], differences[i] * scale, "layer_norm, width %zu", width);

        memcpy(output, input, width * sizeof *output);
        kernels->softmax(output, 1, width);
        float maximum = input[0];
        for (size_t i = 0; i < width; i++)
            maximum = input[i] > maximum ? input[i] : maximum;
        for (size_t i = 0; i < width; i++)
            differences[i] = mmn_exp(input[i] - maximum);
        for (size_t i = 0; i < width; i++)
            cr_assert_eq(output[i], differences[i] / defined_sum(differences, width),
                         "softmax, width %zu", width);
        free(bias);
        free(input);
        free(weight);
        free(output);
        free(differences);
    }
}

Test(rows, norms_work_in_place)
{
    float *input = make_values(2 * 50, 1), *weight = make_values(50, 2);
    float *output = make_values(2 * 50, 3);

    mmn_kernels_reference()->rms_norm(output, input, weight, 2, 50, 1e-6f);
    mmn_kernels_reference()->rms_norm(input, input, weight, 2, 50, 1e-6f);
    cr_expect_eq(memcmp(output, input, 2 * 50 * sizeof *output), 0);
    fill(input, 2 * 50, 1);
    mmn_kernels_reference()->layer_norm(output, input, weight, weight, 2, 50, 1e-6f);
    mmn_kernels_reference()->layer_norm(input, input, weight, weight, 2, 50, 1e-6f);
    cr_expect_eq(memcmp(output, input, 2 * 50 * sizeof *output), 0);
    free(input);
    free(weight);
    free(output);
}

Test(rows, softmax_agrees_with_binary64)
{
    for (size_t w = 0; w < WIDTHS; w++) {
        size_t width = widths[w];
        float *input = make_values(ROWS * width, 1), *output = make_values(ROWS * width, 1);

        for (size_t i = 0; i < ROWS * width; i++)
            output[i] = input[i] *= 30.0f;
        mmn_kernels_reference()->softmax(output, ROWS, width);
        for (size_t row = 0; row < ROWS; row++) {
            double sum = 0.0;

            for (size_t i = 0; i < width; i++)
                sum += exp((double)input[row * width + i]);
            for (size_t i = 0; i < width; i++) {
                double truth = exp((double)input[row * width + i]) / sum;
                /* x - maximum, up to 60, is rounded before exp. */
                check_close(output[row * width + i], truth, 4e-6 * truth, "softmax", width);
            }
        }
        free(input);
        free(output);
    }
}

Test(rows, softmax_of_special_values)
{
    float masked[3] = {-INFINITY, 1.0f, -INFINITY}, faulty[2] = {NAN, 1.0f};
    float empty[2] = {-INFINITY, -INFINITY}, huge[2] = {FLT_MAX, -FLT_MAX};

    mmn_kernels_reference()->softmax(masked, 1, 3);
    mmn_kernels_reference()->softmax(faulty, 1, 2);
    mmn_kernels_reference()->softmax(empty, 1, 2);
    mmn_kernels_reference()->softmax(huge, 1, 2);
    cr_expect(masked[0] == 0.0f && masked[1] == 1.0f && masked[2] == 0.0f);
    cr_expect(isnan(faulty[0]) && isnan(faulty[1]));
    cr_expect(isnan(empty[0]) && isnan(empty[1]));
    cr_expect(huge[0] == 1.0f && huge[1] == 0.0f);
}

/* The frequencies are compared with pow's, within 1 ULP each of f32 for power and quotient; then
 * the table with cos and sin of our own angles. */
Test(rows, rope_table_agrees_with_binary64)
{
    static const double thetas[] = {10000.0, 1000000.0, 500000.0};
    enum { HEAD = 128, HALF = HEAD / 2, POSITIONS = 5, FIRST = 4090 };

    for (size_t t = 0; t < 3; t++) {
        float cosine[POSITIONS * HALF], sine[POSITIONS * HALF];
        float unit_cosine[2 * HALF], unit_sine[2 * HALF], frequencies[HALF];

        mmn_rope_frequencies(frequencies, HEAD, thetas[t]);
        mmn_kernels_reference()->rope_table(unit_cosine, unit_sine, 0, 2, HEAD, frequencies);
        mmn_kernels_reference()->rope_table(cosine, sine, FIRST, POSITIONS, HEAD, frequencies);
        for (size_t i = 0; i < HALF; i++) {
            float exponent = (float)(2 * i) / HEAD;
            float frequency = 1.0f / (float)pow(thetas[t], (double)exponent);

            cr_assert(unit_cosine[i] == 1.0f && unit_sine[i] == 0.0f);
            check_close(unit_sine[HALF + i], sin((double)frequency),
                        2.0 * ulp_f32((double)frequency), "sine at 1", i);
            for (size_t row = 0; row < POSITIONS; row++) {
                float angle = (float)(FIRST + row) * frequency;
                double bound = 2.0 * ulp_f32((double)angle) + 0x1p-25;
                check_close(cosine[row * HALF + i], cos((double)angle), bound, "cosine", i);
                check_close(sine[row * HALF + i], sin((double)angle), bound, "sine", i);
            }
        }
    }
}

Test(rows, rope_rotates_halves)
{
    enum { HEAD = 6, HALF = 3, HEADS = 2, STRIDE = HEADS * HEAD + 1 };
    float *values = make_values(2 * STRIDE, 1), *before = make_values(2 * STRIDE, 1);
    float *cosine = make_values(2 * HALF, 2), *sine = make_values(2 * HALF, 3);

    mmn_kernels_reference()->rope(values, STRIDE, cosine, sine, 2, HEADS, HEAD);
    for (size_t row = 0; row < 2; row++) {
        for (size_t i = 0; i < HEADS * HEAD; i++) {
            size_t place = row * STRIDE + i, angle = row * HALF + i % HALF;
            double x = (double)before[place];
            double other = i % HEAD < HALF ? -(double)before[place + HALF]
                                           : (double)before[place - HALF];
            double truth = x * (double)cosine[angle] + other * (double)sine[angle];
            check_close(values[place], truth, 2e-7, "rope", i);
        }
        cr_expect_eq(values[row * STRIDE + HEADS * HEAD], before[row * STRIDE + HEADS * HEAD]);
    }
    free(values);
    free(before);
    free(cosine);
    free(sine);
}

Test(rows, elementwise_kernels)
{
    const mmn_kernels *kernels = mmn_kernels_reference();
    const struct {
        void (*kernel)(float *, const float *, size_t);
        float (*function)(float);
    } pairs[] = {{kernels->silu, mmn_silu},
                 {kernels->gelu, mmn_gelu},
                 {kernels->gelu_tanh, mmn_gelu_tanh},
                 {kernels->quick_gelu, mmn_quick_gelu}};
    float *a = make_values(21, 1), *b = make_values(21, 2), *y = make_values(21, 3);
    float relu[5] = {NAN, -0.0f, -1.0f, 2.0f, INFINITY};

    for (size_t j = 0; j < sizeof pairs / sizeof *pairs; j++) {
        memcpy(y, a, 21 * sizeof *y);
        pairs[j].kernel(y, y, 20);
        for (size_t i = 0; i < 20; i++)
            cr_assert_eq(y[i], pairs[j].function(a[i]));
        cr_assert_eq(y[20], a[20]);
    }
    kernels->add(y, a, b, 20);
    for (size_t i = 0; i < 20; i++)
        cr_expect_eq(y[i], a[i] + b[i]);
    kernels->multiply(y, a, b, 20);
    for (size_t i = 0; i < 20; i++)
        cr_expect_eq(y[i], a[i] * b[i]);
    kernels->relu(relu, relu, 5);
    cr_expect(isnan(relu[0]) && same_value(relu[1], 0.0f) && same_value(relu[2], 0.0f) &&
              relu[3] == 2.0f && relu[4] == INFINITY);
    free(a);
    free(b);
    free(y);
}

Test(rows, logarithms)
{
    double values[3] = {1.0, 2.0, 0.25};

    mmn_kernels_reference()->log_f64(values, values, 3);
    cr_expect(values[0] == 0.0 && values[1] == 0x1.62e42fefa39efp-1 &&
              values[2] == -0x1.62e42fefa39efp0);
}
