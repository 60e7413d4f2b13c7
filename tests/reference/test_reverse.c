/* Tests of the kernels of the reverse pass, against difference quotients in binary64. */
#include <criterion/criterion.h>
#include <string.h>

#include "kernels.h"
#include "numbers.h"

enum { ROWS = 2, MOST = 300 };

static const size_t widths[] = {2, 15, 16, 17, 64, 300};

enum { WIDTHS = sizeof widths / sizeof *widths };

/* A function of a row, in binary64: what is multiplied by the gradient of its output and added up
 * has the derivatives that the kernels compute. */
typedef double (*weighed_function)(const double *x, const float *weight, const float *gradient,
                                   size_t width);

static double weighed_rms_norm(const double *x, const float *weight, const float *gradient,
                               size_t width)
{
    double squares = 0.0, sum = 0.0;

    for (size_t i = 0; i < width; i++)
        squares += x[i] * x[i] / (double)width;
    for (size_t i = 0; i < width; i++)
        sum += x[i] / sqrt(squares + (double)1e-5f) * (double)weight[i] * (double)gradient[i];
    return sum;
}

static double weighed_layer_norm(const double *x, const float *weight, const float *gradient,
                                 size_t width)
{
    double mean = 0.0, variance = 0.0, sum = 0.0;

    for (size_t i = 0; i < width; i++)
        mean += x[i] / (double)width;
    for (size_t i = 0; i < width; i++)
        variance += (x[i] - mean) * (x[i] - mean) / (double)width;
    for (size_t i = 0; i < width; i++)
        sum += (x[i] - mean) / sqrt(variance + (double)1e-5f) * (double)weight[i] *
               (double)gradient[i];
    return sum;
}

/* softmax(x / 8); no weights. */
static double weighed_softmax(const double *x, const float *weight, const float *gradient,
                              size_t width)
{
    double powers = 0.0, sum = 0.0;

    (void)weight;
    for (size_t i = 0; i < width; i++)
        powers += exp(x[i] / 8.0);
    for (size_t i = 0; i < width; i++)
        sum += exp(x[i] / 8.0) / powers * (double)gradient[i];
    return sum;
}

/* Compares each derivative with the difference quotient, which is good to some 1e-9. */
static void check_row(weighed_function function, const float *found, const float *input,
                      const float *weight, const float *gradient, size_t width, double bound)
{
    const double step = 1e-5;
    double x[MOST];

    for (size_t i = 0; i < width; i++)
        x[i] = (double)input[i];
    for (size_t i = 0; i < width; i++) {
        double at = x[i];

        x[i] = at + step;
        double ahead = function(x, weight, gradient, width);
        x[i] = at - step;
        double behind = function(x, weight, gradient, width);
        x[i] = at;
        double quotient = (ahead - behind) / (2.0 * step);
        cr_assert(fabs((double)found[i] - quotient) <= bound, "width %zu, element %zu: %g, not %g",
                  width, i, (double)found[i], quotient);
    }
}

Test(reverse, norms_give_derivatives)
{
    const mmn_kernels *kernels = mmn_kernels_reference();

    for (size_t w = 0; w < WIDTHS; w++) {
        size_t width = widths[w];
        float *input = make_values(ROWS * width, 1), *weight = make_values(width, 2);
        float *gradient = make_values(ROWS * width, 3);
        float *rms = make_values(ROWS * width, 4), *layer = make_values(ROWS * width, 4);

        kernels->rms_norm_reverse(rms, gradient, input, weight, ROWS, width, 1e-5f);
        kernels->layer_norm_reverse(layer, gradient, input, weight, ROWS, width, 1e-5f);
        for (size_t row = 0; row < ROWS; row++) {
            size_t at = row * width;

            check_row(weighed_rms_norm, rms + at, input + at, weight, gradient + at, width, 1e-6);
            /* Two numbers become -1 and 1 whatever they are: what is left cancels. */
            check_row(weighed_layer_norm, layer + at, input + at, weight, gradient + at, width,
                      width == 2 ? 1e-5 : 2e-6);
        }
        free(input);
        free(weight);
        free(gradient);
        free(rms);
        free(layer);
    }
}

Test(reverse, softmax_gives_derivatives)
{
    const mmn_kernels *kernels = mmn_kernels_reference();

    for (size_t w = 0; w < WIDTHS; w++) {
        size_t width = widths[w];
        float *input = make_values(width, 5), *gradient = make_values(width, 6);
        float *probabilities = make_values(width, 7), *found = make_values(width, 7);

        for (size_t i = 0; i < width; i++) {
            input[i] *= 40.0f;
            probabilities[i] = input[i] * 0.125f;
        }
        memcpy(found, gradient, width * sizeof *found);
        kernels->softmax(probabilities, 1, width);
        kernels->softmax_reverse(found, probabilities, 1, width, 0.125f);
        check_row(weighed_softmax, found, input, NULL, gradient, width, 1e-7);
        free(input);
        free(gradient);
        free(probabilities);
        free(found);
    }
}

typedef void (*elementwise)(float *output, const float *input, size_t count);

static double logistic(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

static double silu(double x)
{
    return x * logistic(x);
}

static double quick_gelu(double x)
{
    return x * logistic(1.702 * x);
}

static double gelu(double x)
{
    return 0.5 * x * erfc(-x * sqrt(0.5));
}

static double gelu_tanh(double x)
{
    return 0.5 * x * (1.0 + tanh(sqrt(2.0 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
}

static double relu(double x)
{
    return x > 0.0 ? x : 0.0;
}

Test(reverse, slopes_are_derivatives)
{
    const mmn_kernels *kernels = mmn_kernels_reference();
    const struct {
        elementwise slope;
        double (*function)(double);
    } pairs[] = {{kernels->silu_slope, silu},
                 {kernels->quick_gelu_slope, quick_gelu},
                 {kernels->gelu_slope, gelu},
                 {kernels->gelu_tanh_slope, gelu_tanh},
                 {kernels->relu_slope, relu}};

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        for (int k = -60; k <= 60; k++) {
            float x = (float)k * 0.25f + 0.0625f, slope;
            double step = 1e-5;
            double ahead = pairs[i].function((double)x + step);
            double quotient = (ahead - pairs[i].function((double)x - step)) / (2.0 * step);

            pairs[i].slope(&slope, &x, 1);
            cr_expect(fabs((double)slope - quotient) <= 1e-7, "function %zu at %g: %g, not %g", i,
                      (double)x, (double)slope, quotient);
        }
}

Test(reverse, the_slope_of_relu_has_a_step)
{
    const float x[] = {-INFINITY, -0x1p-149f, -0.0f, 0.0f, 0x1p-149f, INFINITY, NAN};
    const float expected[] = {0.0f, 0.0f, 0.0f, 0.0f, 1.0f, 1.0f, NAN};
    float found[7];

    mmn_kernels_reference()->relu_slope(found, x, 7);
    for (size_t i = 0; i < 7; i++)
        cr_expect(same_value(found[i], expected[i]), "of %a: %a", (double)x[i], (double)found[i]);
}
