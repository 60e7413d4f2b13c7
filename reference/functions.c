/* Elementary functions. Their constants are printed by constants.py. */
#include "functions.h"

#include <math.h>

#include "arithmetic.h"
#include "kernels.h"

/* Adding such a number to a small one rounds it to an integer, ties to even, which is then found in
 * the lowest bits of the sum. */
#define ROUND_F32 0x1.8p23f
#define ROUND_F64 0x1.8p52

/* exp(x) = 2^n exp(r), n = round(x / log 2), |r| <= log(2)/2. */
float mmn_exp(float x)
{
    /* Below -104 every result is 0, above 89 infinite. */
    float limited = mmn_max_f32(-104.0f, mmn_min_f32(89.0f, x));
    float shifted = fmaf(limited, 0x1.715476p0f, ROUND_F32);
    float n = shifted - ROUND_F32;
    float r = fmaf(n, -0x1.7f7d1cp-20f, fmaf(n, -0x1.62e4p-1f, limited));
    float p = 0x1.6a2492p-10f;

    p = fmaf(p, r, 0x1.1239d4p-7f);
    p = fmaf(p, r, 0x1.5558fp-5f);
    p = fmaf(p, r, 0x1.555492p-3f);
    p = fmaf(p, r, 0x1.fffffcp-2f);
    p = fmaf(p, r, 1.0f);
    p = fmaf(p, r, 1.0f);

    /* 2^n in two factors, so that only the last product can leave the normal range. */
    uint32_t biased = mmn_bits_f32(shifted) - mmn_bits_f32(ROUND_F32) + 2 * 127;
    uint32_t half = biased >> 1;
    return p * mmn_f32_of_bits(half << 23) * mmn_f32_of_bits((biased - half) << 23);
}

/* exp(r) - 1 for the r of exp(x) = 2^n exp(r); n is the lowest bits of *shifted, less ROUND_F64's.
 * |x| < 1100. */
static double exp_reduced(double x, double *shifted)
{
    *shifted = x * 0x1.71547652b82fep0 + ROUND_F64;
    double n = *shifted - ROUND_F64;
    double r = (x - n * 0x1.62e42fefa38p-1) - n * 0x1.ef35793c7673p-45;
    double p = 0x1.6124613a86d09p-33; /* 1/13!, then 1/12! and so on */

    p = p * r + 0x1.1eed8eff8d898p-29;
    p = p * r + 0x1.ae64567f544e4p-26;
    p = p * r + 0x1.27e4fb7789f5cp-22;
    p = p * r + 0x1.71de3a556c734p-19;
    p = p * r + 0x1.a01a01a01a01ap-16;
    p = p * r + 0x1.a01a01a01a01ap-13;
    p = p * r + 0x1.6c16c16c16c17p-10;
    p = p * r + 0x1.1111111111111p-7;
    p = p * r + 0x1.5555555555555p-5;
    p = p * r + 0x1.5555555555555p-3;
    p = p * r + 0.5;
    p = p * r + 1.0;
    return p * r;
}

double mmn_exp_f64(double x)
{
    /* Below -746 every result is 0, above 710 infinite. */
    double limited = mmn_max_f64(-746.0, mmn_min_f64(710.0, x));
    double shifted;
    double p = exp_reduced(limited, &shifted) + 1.0;

    uint64_t biased = mmn_bits_f64(shifted) - mmn_bits_f64(ROUND_F64) + 2 * 1023;
    uint64_t half = biased >> 1;
    return p * mmn_f64_of_bits(half << 52) * mmn_f64_of_bits((biased - half) << 52);
}

/* log(2^k (1 + f)) = k log 2 + 2 atanh(s), s = f / (2 + f), sqrt(1/2) <= 1 + f < sqrt(2). */
double mmn_log_f64(double x)
{
    _Bool denormal = x < 0x1p-1022;
    uint64_t bits = mmn_bits_f64(denormal ? x * 0x1p54 : x);
    /* Moves the boundary between two exponents from 1 to sqrt(1/2) and back. */
    uint64_t moved = bits - 0x3fe6a09e667f3bcd;
    /* The upper 12 bits are k, modulo 4096. */
    double k = (double)(int32_t)(moved >> 52 ^ 2048) - (denormal ? 2048.0 + 54.0 : 2048.0);
    double f = mmn_f64_of_bits((moved & 0xfffffffffffff) + 0x3fe6a09e667f3bcd) - 1.0;
    double s = f / (2.0 + f);
    double z = s * s;
    double p = 0x1.8618618618618p-4; /* 2/21, then 2/19 and so on */

    p = p * z + 0x1.af286bca1af28p-4;
    p = p * z + 0x1.e1e1e1e1e1e1ep-4;
    p = p * z + 0x1.1111111111111p-3;
    p = p * z + 0x1.3b13b13b13b14p-3;
    p = p * z + 0x1.745d1745d1746p-3;
    p = p * z + 0x1.c71c71c71c71cp-3;
    p = p * z + 0x1.2492492492492p-2;
    p = p * z + 0x1.999999999999ap-2;
    p = p * z + 0x1.5555555555555p-1;
    p = p * z;
    /* 2 s = f - s f, and s f = f^2/2 - s f^2/2: so the greatest term, f, stays exact. */
    double square = 0.5 * f * f;
    double low = s * (square + p) + k * 0x1.ef35793c7673p-45;
    double result = k * 0x1.62e42fefa38p-1 + (f - (square - low));

    result = x < INFINITY ? result : x;
    result = x > 0.0 ? result : x == 0.0 ? -INFINITY : (double)NAN;
    return result;
}

float mmn_log(float x)
{
    return (float)mmn_log_f64((double)x);
}

static double logistic(double x)
{
    return 1.0 / (1.0 + mmn_exp_f64(-x));
}

float mmn_sigmoid(float x)
{
    return (float)logistic((double)x);
}

float mmn_silu(float x)
{
    return (float)((double)x * logistic((double)x));
}

float mmn_quick_gelu(float x)
{
    return (float)((double)x * logistic((double)x * 1.702));
}

/* (1 + tanh(u)) / 2 is the logistic function of 2u. */
float mmn_gelu_tanh(float x)
{
    double wide = (double)x;
    double u2 = (wide + wide * wide * wide * 0x1.6e4e26d4801f7p-5) * 0x1.9884533d43651p0;

    return (float)(wide * logistic(u2));
}

/* exp(z^2) erfc(z) for 0 <= z <= 11, by a polynomial in t = (z - 3.75) / (z + 3.75). */
static double erfc_scaled(double z)
{
    double t = (z - 3.75) / (z + 3.75);
    double p = 0x1.b220d1fa519d1p-27;

    p = p * t + 0x1.29586772f04d9p-21;
    p = p * t + 0x1.1c7765bfb91dap-19;
    p = p * t - 0x1.4e9a26d9f3ec1p-20;
    p = p * t - 0x1.8e5d820d2718cp-17;
    p = p * t + 0x1.768d9f09a7a0ep-16;
    p = p * t + 0x1.b289b8076e234p-15;
    p = p * t - 0x1.302f30adc58bdp-12;
    p = p * t + 0x1.33f4bb112377bp-12;
    p = p * t + 0x1.cc39009af1b61p-10;
    p = p * t - 0x1.3f6038ea5a24fp-7;
    p = p * t + 0x1.d0b0058b24b3cp-6;
    p = p * t - 0x1.e0d0fa6d9374fp-5;
    p = p * t + 0x1.7a14188296c75p-4;
    p = p * t - 0x1.bda9309a6c0cep-4;
    p = p * t + 0x1.510169d0ce33ap-4;
    p = p * t + 0x1.d5f294818eea5p-9;
    p = p * t - 0x1.1f367683f8d3dp-3;
    p = p * t + 0x1.3ccda0b5d5dc1p0;
    return p / (1.0 + 2.0 * z);
}

/* x times the normal distribution function, erfc(-x / sqrt(2)) / 2. */
float mmn_gelu(float x)
{
    double wide = (double)x;
    double magnitude = fabs(wide);
    double z = mmn_min_f64(11.0, magnitude * 0x1.6a09e667f3bcdp-1);
    double tail = 0.5 * mmn_exp_f64(-0.5 * magnitude * magnitude) * erfc_scaled(z);

    return (float)(wide * (x < 0.0f ? tail : 1.0 - tail));
}

/* Each is d + x d', d the distribution function; d' = d (1 - d) times the inner derivative, where d
 * is logistic. */
float mmn_silu_slope(float x)
{
    double wide = (double)x, d = logistic(wide);

    return (float)(d + wide * d * (1.0 - d));
}

float mmn_quick_gelu_slope(float x)
{
    double wide = (double)x, d = logistic(wide * 1.702);

    return (float)(d + wide * d * (1.0 - d) * 1.702);
}

float mmn_gelu_tanh_slope(float x)
{
    double wide = (double)x;
    double u2 = (wide + wide * wide * wide * 0x1.6e4e26d4801f7p-5) * 0x1.9884533d43651p0;
    double d = logistic(u2);
    double inner = (1.0 + wide * wide * 0x1.12ba9d1f60179p-3) * 0x1.9884533d43651p0;

    return (float)(d + wide * d * (1.0 - d) * inner);
}

/* The density is exp(-x^2 / 2) / sqrt(2 pi). */
float mmn_gelu_slope(float x)
{
    double wide = (double)x;
    double magnitude = fabs(wide);
    double z = mmn_min_f64(11.0, magnitude * 0x1.6a09e667f3bcdp-1);
    double power = mmn_exp_f64(-0.5 * magnitude * magnitude);
    double tail = 0.5 * power * erfc_scaled(z);

    return (float)((x < 0.0f ? tail : 1.0 - tail) + wide * (power * 0x1.9884533d43651p-2));
}

float mmn_erf(float x)
{
    double magnitude = fabs((double)x);
    double z = mmn_min_f64(11.0, magnitude);
    double square = z * z;
    double far = 1.0 - mmn_exp_f64(-square) * erfc_scaled(z);
    double p = 0x1.f9a326f9b89b7p-14; /* 2/sqrt(pi) / (6! 13), then -2/sqrt(pi) / (5! 11) ... */

    p = p * square - 0x1.c02db40040b86p-11;
    p = p * square + 0x1.565bcd0e6a53fp-8;
    p = p * square - 0x1.b82ce31288b51p-6;
    p = p * square + 0x1.ce2f21a042be2p-4;
    p = p * square - 0x1.812746b0379e7p-2;
    p = p * square + 0x1.20dd750429b6dp0;
    return (float)copysign(magnitude < 0.25 ? z * p : far, (double)x);
}

/* m / (m + 2) with m = exp(2 |x|) - 1, which is 2^n (exp(r) - 1) + (2^n - 1). */
float mmn_tanh(float x)
{
    double shifted;
    double small = exp_reduced(mmn_min_f64(40.0, 2.0 * fabs((double)x)), &shifted);
    uint64_t biased = mmn_bits_f64(shifted) - mmn_bits_f64(ROUND_F64) + 1023;
    double power = mmn_f64_of_bits(biased << 52);
    double m = power * small + (power - 1.0);

    return (float)copysign(m / (m + 2.0), (double)x);
}

/* |x| less the nearest multiple n of pi/2; n modulo 4 in *quadrant. */
static double angle_reduced(double magnitude, uint64_t *quadrant)
{
    double shifted = magnitude * 0x1.45f306dc9c883p-1 + ROUND_F64;
    double n = shifted - ROUND_F64;

    *quadrant = mmn_bits_f64(shifted) & 3;
    return (magnitude - n * 0x1.921fb544p0) - n * 0x1.0b4611a626331p-34;
}

/* sin for even and cos for odd quadrants, negative in the last two. */
static double sine_of_quadrant(double r, uint64_t quadrant)
{
    double z = r * r;
    double s = -0x1.ae7f3e733b81fp-41; /* -1/15!, then 1/13! and so on */
    double c = 0x1.ae7f3e733b81fp-45;  /* 1/16!, then -1/14! and so on */

    s = s * z + 0x1.6124613a86d09p-33;
    s = s * z - 0x1.ae64567f544e4p-26;
    s = s * z + 0x1.71de3a556c734p-19;
    s = s * z - 0x1.a01a01a01a01ap-13;
    s = s * z + 0x1.1111111111111p-7;
    s = s * z - 0x1.5555555555555p-3;
    s = s * z * r + r;

    c = c * z - 0x1.93974a8c07c9dp-37;
    c = c * z + 0x1.1eed8eff8d898p-29;
    c = c * z - 0x1.27e4fb7789f5cp-22;
    c = c * z + 0x1.a01a01a01a01ap-16;
    c = c * z - 0x1.6c16c16c16c17p-10;
    c = c * z + 0x1.5555555555555p-5;
    c = c * z - 0.5;
    c = c * z + 1.0;

    double value = quadrant & 1 ? c : s;
    return quadrant & 2 ? -value : value;
}

float mmn_sin(float x)
{
    uint64_t quadrant;
    double magnitude = fabs((double)x);
    double r = angle_reduced(magnitude, &quadrant);
    double value = sine_of_quadrant(r, quadrant);

    return magnitude <= 0x1p20 ? (float)(copysign(1.0, (double)x) * value) : NAN;
}

float mmn_cos(float x)
{
    uint64_t quadrant;
    double magnitude = fabs((double)x);
    double r = angle_reduced(magnitude, &quadrant);

    return magnitude <= 0x1p20 ? (float)sine_of_quadrant(r, quadrant + 1) : NAN;
}

double mmn_power(double base, double exponent)
{
    return mmn_exp_f64(exponent * mmn_log_f64(base));
}
