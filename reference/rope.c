/* Canonical rotary position embedding: its frequencies, the table of angles, and the rotation. */
#include <math.h>

#include "arithmetic.h"
#include "functions.h"
#include "reference.h"

void mmn_rope_frequencies(float *frequencies, size_t head_dim, double theta)
{
    double log_theta = mmn_log_f64(theta);

    for (size_t i = 0; i < head_dim / 2; i++) {
        float exponent = (float)(2 * i) / (float)head_dim;
        float power = (float)mmn_exp_f64((double)exponent * log_theta);

        frequencies[i] = 1.0f / power;
    }
}

void mmn_rope_table_reference(float *cosine, float *sine, size_t first_position, size_t positions,
                              size_t head_dim, const float *frequencies)
{
    size_t half = head_dim / 2;

    for (size_t i = 0; i < half; i++) {
        for (size_t row = 0; row < positions; row++) {
            float angle = (float)(first_position + row) * frequencies[i];
            cosine[row * half + i] = mmn_cos(angle);
            sine[row * half + i] = mmn_sin(angle);
        }
    }
}

void mmn_rope_reference(float *values, size_t row_stride, const float *cosine, const float *sine,
                        size_t rows, size_t heads, size_t head_dim)
{
    size_t half = head_dim / 2;

    for (size_t row = 0; row < rows; row++) {
        for (size_t head = 0; head < heads; head++) {
            float *first = values + row * row_stride + head * head_dim;
            float *second = first + half;

            for (size_t i = 0; i < half; i++) {
                float a = first[i], b = second[i];
                float c = cosine[row * half + i], s = sine[row * half + i];
                first[i] = fmaf(a, c, -(b * s));
                second[i] = fmaf(b, c, a * s);
            }
        }
    }
}
