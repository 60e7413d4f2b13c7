/* Rotary position embedding (arXiv 2104.09864), the halves of a vector forming its pairs. */
#include "families.h"
#include "functions.h"

/* The angle is computed as transformers does it: frequency and product rounded to f32. */
void mmn_reference_rope_table(float *cosine, float *sine, size_t first_position, size_t positions,
                              size_t head_dim, double theta)
{
    size_t half = head_dim / 2;
    double log_theta = mmn_log_f64(theta);
    for (size_t i = 0; i < half; i++) {
        float exponent = (float)(2 * i) / (float)head_dim;
        float power = (float)mmn_exp_f64((double)exponent * log_theta);
        float frequency = 1.0f / power;
        for (size_t row = 0; row < positions; row++) {
            float angle = (float)(first_position + row) * frequency;
            cosine[row * half + i] = mmn_cos(angle);
            sine[row * half + i] = mmn_sin(angle);
        }
    }
}

void mmn_reference_rope(float *values, size_t row_stride, const float *cosine, const float *sine,
                        size_t rows, size_t heads, size_t head_dim)
{
    size_t half = head_dim / 2;
    for (size_t row = 0; row < rows; row++, cosine += half, sine += half)
        for (size_t head = 0; head < heads; head++) {
            float *first = values + row * row_stride + head * head_dim, *second = first + half;
            for (size_t i = 0; i < half; i++) {
                float x = first[i], y = second[i];
                first[i] = fmaf(x, cosine[i], -(y * sine[i]));
                second[i] = fmaf(y, cosine[i], x * sine[i]);
            }
        }
}
