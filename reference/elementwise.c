/* Kernels that treat every element alone: activations, sums, products, logarithms. */
#include "families.h"
#include "functions.h"

#define MMN_ELEMENTWISE(kernel, expression)                                                        \
    void mmn_reference_##kernel(float *output, const float *input, size_t count)                   \
    {                                                                                              \
        for (size_t i = 0; i < count; i++) {                                                       \
            float x = input[i];                                                                    \
            output[i] = expression;                                                                \
        }                                                                                          \
    }

MMN_ELEMENTWISE(silu, mmn_silu(x))
MMN_ELEMENTWISE(gelu, mmn_gelu(x))
MMN_ELEMENTWISE(gelu_tanh, mmn_gelu_tanh(x))
MMN_ELEMENTWISE(quick_gelu, mmn_quick_gelu(x))
MMN_ELEMENTWISE(relu, x > 0.0f ? x : x != x ? x : 0.0f)

void mmn_reference_add(float *output, const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output[i] = a[i] + b[i];
}

void mmn_reference_multiply(float *output, const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output[i] = a[i] * b[i];
}

void mmn_reference_log_f64(double *output, const double *input, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output[i] = mmn_log_f64(input[i]);
}
