/* How a language model knows positions: frequencies of rotary embeddings, slopes of ALiBi. */
#include "pass/positions.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernels.h"

/* ---- Rotary embeddings ----------------------------------------------------------------------- */

/* A frequency of LLaMA-3: one that turns slowly is divided by the factor, one that turns fast
 * stays, and one between is a mixture of both. Constants are rounded to f32 as PyTorch rounds
 * them. */
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

static double logarithm(double x)
{
    double result;
    mmn_kernels_reference()->log_f64(&result, &x, 1);
    return result;
}

/* theta^(2i/rotary_dim) as PyTorch rounds it: the frequency is its reciprocal. */
static float wavelength_power(uint32_t i, const mmn_language_config *config)
{
    float exponent = (float)(2 * i) / (float)config->rotary_dim;
    return (float)mmn_power(config->rope.theta, (double)exponent);
}

/* The theta of "dynamic" for a longer sequence, each operation rounded to f32 as transformers has
 * it where the length is a tensor. */
static double stretch_theta(const mmn_language_config *config, size_t length)
{
    const mmn_rope_config *rope = &config->rope;
    double dimensions = config->rotary_dim;
    float ratio = (float)length * (float)rope->factor / (float)config->max_position_embeddings;
    float stretched = ratio - (float)(rope->factor - 1.0);
    float exponent = (float)(dimensions / (dimensions - 2));
    float power = (float)mmn_power((double)stretched, (double)exponent);
    return (double)(power * (float)rope->theta);
}

/* The number of the frequency that turns `turns` times in the original positions (2309.00071). */
static double turning_frequency(double turns, const mmn_language_config *config)
{
    const double pi = 3.14159265358979323846;
    const mmn_rope_config *rope = &config->rope;
    return config->rotary_dim * logarithm(rope->original_positions / (turns * 2 * pi)) /
           (2 * logarithm(rope->theta));
}

/* YaRN: frequencies before `low` are kept, those from `high` on divided by the factor. */
static void mix_yarn(float *frequencies, const mmn_language_config *config)
{
    const mmn_rope_config *rope = &config->rope;
    double low = turning_frequency(rope->beta_fast, config);
    double high = turning_frequency(rope->beta_slow, config);
    if (rope->truncate) {
        low = floor(low);
        high = ceil(high);
    }
    low = low > 0 ? low : 0;
    high = high < config->rotary_dim - 1 ? high : config->rotary_dim - 1;
    if (low == high)
        high += 0.001; /* as transformers has it */
    for (uint32_t i = 0; i < config->rotary_dim / 2; i++) {
        float power = wavelength_power(i, config);
        float divided = 1.0f / ((float)rope->factor * power), kept = 1.0f / power;
        float ramp = ((float)i - (float)low) / (float)(high - low);
        ramp = ramp < 0.0f ? 0.0f : ramp > 1.0f ? 1.0f : ramp;
        float share = 1.0f - ramp;
        float slowed = divided * (1.0f - share);
        frequencies[i] = slowed + kept * share;
    }
}

static void divide_longrope(float *frequencies, const mmn_language_config *config, size_t length)
{
    const mmn_rope_config *rope = &config->rope;
    const float *factors = (double)length > rope->original_positions ? rope->long_factors
                                                                     : rope->short_factors;
    for (uint32_t i = 0; i < config->rotary_dim / 2; i++)
        frequencies[i] = 1.0f / (factors[i] * wavelength_power(i, config));
}

void mmn_rotary_frequencies(float *frequencies, const mmn_language_config *config, size_t length)
{
    const mmn_rope_config *rope = &config->rope;
    bool stretched = rope->type == MMN_ROPE_DYNAMIC && length > mmn_rotary_constant_length(config);
    mmn_rope_frequencies(frequencies, config->rotary_dim,
                         stretched ? stretch_theta(config, length) : rope->theta);
    if (rope->type == MMN_ROPE_YARN)
        mix_yarn(frequencies, config);
    else if (rope->type == MMN_ROPE_LONGROPE)
        divide_longrope(frequencies, config, length);
    for (uint32_t i = 0; i < config->rotary_dim / 2; i++) {
        if (rope->type == MMN_ROPE_LINEAR)
            frequencies[i] = frequencies[i] / (float)rope->factor;
        else if (rope->type == MMN_ROPE_LLAMA3)
            frequencies[i] = scale_llama3(frequencies[i], rope);
    }
}

static double yarn_scale(double factor, double mscale)
{
    return factor <= 1 ? 1.0 : 0.1 * mscale * logarithm(factor) + 1.0;
}

float mmn_rotary_attention(const mmn_language_config *config)
{
    const mmn_rope_config *rope = &config->rope;
    if (rope->type != MMN_ROPE_YARN && rope->type != MMN_ROPE_LONGROPE)
        return 1.0f;
    if (rope->attention_factor > 0)
        return (float)rope->attention_factor;
    if (rope->type == MMN_ROPE_LONGROPE)
        return rope->factor <= 1
                   ? 1.0f
                   : (float)sqrt(1 + logarithm(rope->factor) / logarithm(rope->original_positions));
    if (rope->mscale > 0 && rope->mscale_all_dim > 0)
        return (float)(yarn_scale(rope->factor, rope->mscale) /
                       yarn_scale(rope->factor, rope->mscale_all_dim));
    return (float)yarn_scale(rope->factor, 1.0);
}

size_t mmn_rotary_constant_length(const mmn_language_config *config)
{
    switch (config->rope.type) {
    case MMN_ROPE_DYNAMIC:
        return config->max_position_embeddings;
    case MMN_ROPE_LONGROPE:
        return (size_t)config->rope.original_positions;
    default:
        return SIZE_MAX;
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
