/* Canonical elementwise kernels: activation functions and their derivatives, addition,
 * multiplication, logarithm. */
#include "arithmetic.h"
#include "functions.h"
#include "reference.h"

void mmn_silu_reference(float *output, const float *input, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output[i] = mmn_silu(input[i]);
}

void mmn_gelu_reference(float *output, const float *input, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output[i] = mmn_gelu(input[i]);
}

void mmn_gelu_tanh_reference(float *output, const float *input, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output[i] = mmn_gelu_tanh(input[i]);
}

void mmn_quick_gelu_reference(float *output, const float *input, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output[i] = mmn_quick_gelu(input[i]);
}

void mmn_silu_slope_reference(float *output, const float *input, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output[i] = mmn_silu_slope(input[i]);
}

void mmn_gelu_slope_reference(float *output, const float *input, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output[i] = mmn_gelu_slope(input[i]);
}

void mmn_gelu_tanh_slope_reference(float *output, const float *input, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output[i] = mmn_gelu_tanh_slope(input[i]);
}

void mmn_quick_gelu_slope_reference(float *output, const float *input, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output[i] = mmn_quick_gelu_slope(input[i]);
}

/* 0 at 0, as PyTorch has it; NaN stays. */
void mmn_relu_slope_reference(float *output, const float *input, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output[i] = input[i] <= 0.0f ? 0.0f : input[i] > 0.0f ? 1.0f : input[i];
}

/* NaN stays, -0 becomes +0. */
void mmn_relu_reference(float *output, const float *input, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output[i] = input[i] <= 0.0f ? 0.0f : input[i];
}

void mmn_add_reference(float *output, const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output[i] = a[i] + b[i];
}

void mmn_multiply_reference(float *output, const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output[i] = a[i] * b[i];
}

void mmn_log_f64_reference(double *output, const double *input, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output[i] = mmn_log_f64(input[i]);
}
