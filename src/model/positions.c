/* How a language model knows positions: frequencies of rotary embeddings, slopes of ALiBi. */
#include "model/positions.h"

#include <math.h>

#include "kernels.h"

/* ---- Rotary embeddings ----------------------------------------------------------------------- */

/* A frequency of LLaMA-3: one that turns slowly is divided by the factor, one that turns fast stays,
 * and one between is a mixture of both. Constants are rounded to f32 as PyTorch rounds them. */
static float scale_llama3(float frequency, const mmn_rope_config *rope)
{
    const float turn = 6.28318530717958647692f;
    float wavelength = (1.0f / frequency) * turn, factor = (float)rope->factor;
    float slow = (float)(rope->original_positions / rope->low_freq_factor);
    float fast = (float)(rope->original_positions / rope->high_freq_factor);
    if (wavelength > slow)
        return frequency / factor;
    if (wavelength < fast)
        return frequency;
    float ramp = (1.0f / wavelength) * (float)rope->original_positions;
    ramp = (ramp - (float)rope->low_freq_factor) /
           (float)(rope->high_freq_factor - rope->low_freq_factor);
    float slowed = (1.0f - ramp) * frequency / factor;
    float kept = ramp * frequency;
    return slowed + kept;
}

void mmn_rotary_frequencies(float *frequencies, const mmn_language_config *config)
{
    const mmn_rope_config *rope = &config->rope;
    mmn_rope_frequencies(frequencies, config->head_dim, rope->theta);
    for (uint32_t i = 0; i < config->head_dim / 2; i++) {
        if (rope->type == MMN_ROPE_LINEAR)
            frequencies[i] = frequencies[i] / (float)rope->factor;
        else if (rope->type == MMN_ROPE_LLAMA3)
            frequencies[i] = scale_llama3(frequencies[i], rope);
    }
}

/* ---- ALiBi ----------------------------------------------------------------------------------- */

/* 2^(-8 / heads) for a power of two, rounded to f32. */
static double slope_base(uint32_t heads)
{
    double base = 0x1p-8;
    for (; heads > 1; heads /= 2)
        base = sqrt(base);
    return (double)(float)base;
}

/* Powers of `base` from the first on, every step-th. */
static void write_powers(float *slopes, uint32_t count, double base, uint32_t step)
{
    double power = base;
    for (uint32_t i = 0; i < count; i++) {
        slopes[i] = (float)power;
        for (uint32_t multiplied = 0; multiplied < step; multiplied++)
            power = power * base;
    }
}

void mmn_alibi_slopes(float *slopes, uint32_t heads)
{
    uint32_t power_of_two = 1;
    while (power_of_two <= heads / 2)
        power_of_two *= 2;
    write_powers(slopes, power_of_two, slope_base(power_of_two), 1);
    /* The heads that are left over take every second slope of twice as many. */
    write_powers(slopes + power_of_two, heads - power_of_two, slope_base(2 * power_of_two), 2);
}
