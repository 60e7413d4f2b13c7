/* Elementary functions from basic IEEE operations, in a stated order and without branches.
 *
 * doc/numerics.md states every step and the errors measured over all inputs. Each function is a
 * fixed sequence of additions, products, fused multiply-adds, divisions, integer operations and
 * selections, so that a vector of any width computes the same bits. */
#ifndef MMN_REFERENCE_FUNCTIONS_H
#define MMN_REFERENCE_FUNCTIONS_H

#include "arithmetic.h"
#include "coefficients.h"

#define MMN_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Adding and subtracting these rounds to an integer, ties to even, and leaves the integer in the
 * lowest bits of the sum. */
#define MMN_ROUND_F32 0x1.8p23f
#define MMN_ROUND_F64 0x1.8p52

/* c[0] + c[1] x + ... by Horner's rule, each step fused. */
static inline float mmn_polynomial(const float *c, size_t count, float x)
{
    float sum = c[count - 1];
    for (size_t i = count - 1; i-- > 0;)
        sum = fmaf(sum, x, c[i]);
    return sum;
}

static inline double mmn_polynomial_f64(const double *c, size_t count, double x)
{
    double sum = c[count - 1];
    for (size_t i = count - 1; i-- > 0;)
        sum = fma(sum, x, c[i]);
    return sum;
}

#define MMN_POLYNOMIAL(c, x) mmn_polynomial(c, MMN_COUNT_OF(c), x)
#define MMN_POLYNOMIAL_F64(c, x) mmn_polynomial_f64(c, MMN_COUNT_OF(c), x)

/* 2^n for -126 <= n <= 127, and for -1022 <= n <= 1023. */
static inline float mmn_power_of_two(int32_t n)
{
    return mmn_float_of((uint32_t)(n + 127) << 23);
}

static inline double mmn_power_of_two_f64(int64_t n)
{
    return mmn_double_of((uint64_t)(n + 1023) << 52);
}

/* x = n ln(2) + r; returns exp(r) - 1 and *n. |x| <= 104; NaN gives NaN and n = 0. */
static inline float mmn_exp_reduced(float x, int32_t *n)
{
    float shifted = fmaf(x, 0x1.715476p+0f, MMN_ROUND_F32);
    float whole = shifted - MMN_ROUND_F32;
    float r = fmaf(whole, -0x1.62e4p-1f, x);
    r = fmaf(whole, -0x1.7f7d1cp-20f, r);
    float tail = MMN_POLYNOMIAL(mmn_exp_coefficients, r);
    *n = x == x ? (int32_t)(mmn_bits_of(shifted) - mmn_bits_of(MMN_ROUND_F32)) : 0;
    return fmaf(r * r, tail, r);
}

/* exp(x). Beyond the ends of the range the last factor overflows or underflows, rounding once. */
static inline float mmn_exp(float x)
{
    int32_t n;
    x = x < -104.0f ? -104.0f : x;
    x = x > 89.0f ? 89.0f : x;
    float grown = mmn_exp_reduced(x, &n) + 1.0f;
    int32_t half = n >> 1;
    return grown * mmn_power_of_two(half) * mmn_power_of_two(n - half);
}

/* 1 / (1 + exp(-x)), by exp(-|x|), which cannot overflow. */
static inline float mmn_sigmoid(float x)
{
    float decay = mmn_exp(x > 0.0f ? -x : x);
    return (x < 0.0f ? decay : 1.0f) / (1.0f + decay);
}

/* x sigmoid(x) (arXiv 1702.03118). */
static inline float mmn_silu(float x)
{
    return x * mmn_sigmoid(x);
}

/* x sigmoid(1.702 x), CLIP's approximation of gelu. */
static inline float mmn_quick_gelu(float x)
{
    return x * mmn_sigmoid(1.702f * x);
}

/* tanh(x) = e / (e + 2) with e = exp(2|x|) - 1, and the sign of x. From |x| = 10 on it is 1. */
static inline float mmn_tanh(float x)
{
    uint32_t sign = mmn_bits_of(x) & 0x80000000;
    float magnitude = mmn_float_of(mmn_bits_of(x) ^ sign);
    magnitude = magnitude > 10.0f ? 10.0f : magnitude;
    int32_t n;
    float less_one = mmn_exp_reduced(magnitude + magnitude, &n);
    float scale = mmn_power_of_two(n);
    float e = fmaf(scale, less_one, scale - 1.0f);
    return mmn_float_of(mmn_bits_of(e / (e + 2.0f)) | sign);
}

/* exp(x) in binary64; results below 2^-1022 are 0 or denormal. */
static inline double mmn_exp_f64(double x)
{
    x = x < -746.0 ? -746.0 : x;
    x = x > 710.0 ? 710.0 : x;
    double shifted = fma(x, 0x1.71547652b82fep+0, MMN_ROUND_F64);
    double whole = shifted - MMN_ROUND_F64;
    double r = fma(whole, -0x1.62e42fefa4p-1, x);
    r = fma(whole, 0x1.8432a1b0e2634p-43, r);
    double tail = MMN_POLYNOMIAL_F64(mmn_exp_f64_coefficients, r);
    double grown = fma(r * r, tail, r) + 1.0;
    int64_t n = x == x ? (int64_t)(mmn_bits_of_f64(shifted) - mmn_bits_of_f64(MMN_ROUND_F64)) : 0;
    int64_t half = n >> 1;
    return grown * mmn_power_of_two_f64(half) * mmn_power_of_two_f64(n - half);
}

/* log(x) in binary64: x = 2^n m, m in [sqrt(1/2), sqrt(2)), s = (m - 1) / (m + 1). */
static inline double mmn_log_f64(double x)
{
    _Bool tiny = x < 0x1p-1022;
    uint64_t bits = mmn_bits_of_f64(tiny ? x * 0x1p54 : x);
    /* Moves the cut between exponents from 1 to sqrt(1/2). */
    uint64_t moved = bits + (0x3ff0000000000000 - 0x3fe6a09e667f3bcd);
    int64_t n = (int64_t)(moved >> 52) - 1023 - (tiny ? 54 : 0);
    double m =
        mmn_double_of((moved & 0x000fffffffffffff) + 0x3fe6a09e667f3bcd);
    double s = (m - 1.0) / (m + 1.0), square = s * s, count = (double)n;
    double tail = square * MMN_POLYNOMIAL_F64(mmn_log_coefficients, square);
    double low = fma(count, -0x1.8432a1b0e2634p-43, s * tail);
    double result = fma(count, 0x1.62e42fefa4p-1, fma(2.0, s, low));
    result = x == INFINITY ? x : result;
    result = x == 0.0 ? -INFINITY : result;
    return x >= 0.0 ? result : NAN;
}

/* log(x): that of binary64, rounded. */
static inline float mmn_log(float x)
{
    return (float)mmn_log_f64((double)x);
}

/* exp(z^2) erfc(z) times exp(-z^2), for 0 <= z; 0 from z = 10.5 on, where erfc is below 2^-160. */
static inline double mmn_erfc_f64(double z)
{
    z = z > 10.5 ? 10.5 : z;
    double t = (z - 4.0) / (z + 4.0);
    return MMN_POLYNOMIAL_F64(mmn_erfc_coefficients, t) * mmn_exp_f64(-(z * z));
}

/* erf(x): an odd polynomial up to |x| = 1, 1 - erfc(|x|) with the sign of x beyond. */
static inline float mmn_erf(float x)
{
    double value = (double)x, magnitude = value < 0.0 ? -value : value;
    double near = value * MMN_POLYNOMIAL_F64(mmn_erf_coefficients, value * value);
    double far = 1.0 - mmn_erfc_f64(magnitude);
    return (float)(magnitude <= 1.0 ? near : value < 0.0 ? -far : far);
}

/* x (1 + erf(x / sqrt(2))) / 2 (arXiv 1606.08415), by erfc, so that it keeps its relative accuracy
 * for negative x. */
static inline float mmn_gelu(float x)
{
    double value = (double)x, magnitude = value < 0.0 ? -value : value;
    double half = 0.5 * mmn_erfc_f64(magnitude * 0x1.6a09e667f3bcdp-1);
    return (float)(value * (value < 0.0 ? half : 1.0 - half));
}

/* x (1 + tanh(u)) / 2 = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3), the tanh form of gelu. */
static inline float mmn_gelu_tanh(float x)
{
    double value = (double)x;
    double twice = 0x1.9884533d43651p+0 * fma(0.044715 * value, value * value, value);
    double decay = mmn_exp_f64(twice > 0.0 ? -twice : twice);
    return (float)(value * (twice < 0.0 ? decay : 1.0) / (1.0 + decay));
}

/* x = n pi/2 + r, |r| <= pi/4 and a little; |x| <= 2^28. */
static inline double mmn_quarter_turns(double x, uint64_t *n)
{
    double shifted = fma(x, 0x1.45f306dc9c883p-1, MMN_ROUND_F64);
    double whole = shifted - MMN_ROUND_F64;
    double r = fma(whole, -0x1.921fb548p+0, x);
    r = fma(whole, 0x1.de973dc8p-31, r);
    r = fma(whole, 0x1.9d9cceba3f91fp-62, r);
    *n = mmn_bits_of_f64(shifted);
    return r;
}

/* sin(x + quarter pi/2); NaN beyond |x| = 2^28. */
static inline float mmn_sin_shifted(float x, uint64_t quarter)
{
    uint64_t n;
    double r = mmn_quarter_turns((double)x, &n), square = r * r;
    double sine = fma(r * square, MMN_POLYNOMIAL_F64(mmn_sin_coefficients, square), r);
    double cosine = fma(square * square, MMN_POLYNOMIAL_F64(mmn_cos_coefficients, square),
                        fma(square, -0.5, 1.0));
    uint64_t turn = n + quarter;
    double value = turn & 1 ? cosine : sine;
    value = turn & 2 ? -value : value;
    return x >= -0x1p28f && x <= 0x1p28f ? (float)value : NAN;
}

static inline float mmn_sin(float x)
{
    return mmn_sin_shifted(x, 0);
}

static inline float mmn_cos(float x)
{
    return mmn_sin_shifted(x, 1);
}

#endif
