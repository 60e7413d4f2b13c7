/* Elementary functions of 16 or 8 lanes: the operations of reference/functions.c, in their order.
 *
 * Included after a vocabulary (vector_*.h). The functions in f64 multiply and add separately. */
#ifndef MMN_SIMD_VECTOR_FUNCTIONS_H
#define MMN_SIMD_VECTOR_FUNCTIONS_H

#include <math.h>

/* Else gcc calls the longer ones, with lanes that fill two registers going through memory: with AVX2
 * activations took two and a half times as long. */
#define INLINED static inline __attribute__((always_inline))

/* Added to a small number, these round it to an integer, found in the lowest bits of the sum. */
#define ROUND_F32 0x1.8p23f
#define ROUND_F64 0x1.8p52
#define SIGN_F64 0x8000000000000000u

/* p * r + c, for the coefficients of a polynomial. */
INLINED f32x16 step_f32(f32x16 p, f32x16 r, float c)
{
    return f32x16_fma(p, r, f32x16_set(c));
}

INLINED f64x8 step_f64(f64x8 p, f64x8 r, double c)
{
    return f64x8_add(f64x8_multiply(p, r), f64x8_set(c));
}

INLINED f64x8 negate_f64(f64x8 a)
{
    return f64x8_of_bits(u64x8_xor(f64x8_bits(a), u64x8_set(SIGN_F64)));
}

INLINED f64x8 magnitude_f64(f64x8 a)
{
    return f64x8_of_bits(u64x8_and(f64x8_bits(a), u64x8_set(~SIGN_F64)));
}

INLINED f32x16 exp_f32(f32x16 x)
{
    f32x16 limited = f32x16_max(f32x16_set(-104.0f), f32x16_min(f32x16_set(89.0f), x));
    f32x16 shifted = f32x16_fma(limited, f32x16_set(0x1.715476p0f), f32x16_set(ROUND_F32));
    f32x16 n = f32x16_subtract(shifted, f32x16_set(ROUND_F32));
    f32x16 r = f32x16_fma(n, f32x16_set(-0x1.7f7d1cp-20f),
                          f32x16_fma(n, f32x16_set(-0x1.62e4p-1f), limited));
    f32x16 p = f32x16_set(0x1.6a2492p-10f);

    p = step_f32(p, r, 0x1.1239d4p-7f);
    p = step_f32(p, r, 0x1.5558fp-5f);
    p = step_f32(p, r, 0x1.555492p-3f);
    p = step_f32(p, r, 0x1.fffffcp-2f);
    p = step_f32(p, r, 1.0f);
    p = step_f32(p, r, 1.0f);

    u32x16 biased = u32x16_subtract(f32x16_bits(shifted),
                                    u32x16_subtract(f32x16_bits(f32x16_set(ROUND_F32)),
                                                    u32x16_set(2 * 127)));
    u32x16 half = u32x16_shift_right(biased, 1), rest = u32x16_subtract(biased, half);
    f32x16 first = f32x16_of_bits(u32x16_shift_left(half, 23));
    f32x16 second = f32x16_of_bits(u32x16_shift_left(rest, 23));
    return f32x16_multiply(f32x16_multiply(p, first), second);
}

/* ---- Softmax's division ---------------------------------------------------------------------- */

/* What powers are divided by. */
typedef struct divisor {
    f32x16 number, minus, reciprocal;
    f32x16 least; /* of the numbers whose quotient is found without dividing */
} divisor;

INLINED divisor make_divisor(float sum)
{
    const bool usual = sum >= 1.0f && sum <= 0x1p24f;

    return (divisor){.number = f32x16_set(sum), .minus = f32x16_set(-sum),
                     .reciprocal = f32x16_set(1.0f / sum),
                     .least = f32x16_set(usual ? 0x1p-100f : INFINITY)};
}

/* a / the divisor, for a <= 1. The quotient by the reciprocal, corrected by its remainder, is the
 * one that dividing gives (doc/numerics.md has the proof), in a quarter of the time. */
INLINED f32x16 divide_power(f32x16 a, const divisor *d)
{
    if (!f32x16_are_at_least(a, d->least))
        return f32x16_divide(a, d->number);
    f32x16 near = f32x16_multiply(a, d->reciprocal);
    f32x16 remainder = f32x16_fma(near, d->minus, a);

    return f32x16_fma(remainder, d->reciprocal, near);
}

/* ---- f64 ------------------------------------------------------------------------------------- */

INLINED f64x8 exp_f64(f64x8 x)
{
    f64x8 limited = f64x8_max(f64x8_set(-746.0), f64x8_min(f64x8_set(710.0), x));
    f64x8 shifted = f64x8_add(f64x8_multiply(limited, f64x8_set(0x1.71547652b82fep0)),
                              f64x8_set(ROUND_F64));
    f64x8 n = f64x8_subtract(shifted, f64x8_set(ROUND_F64));
    f64x8 upper = f64x8_multiply(n, f64x8_set(0x1.62e42fefa38p-1));
    f64x8 lower = f64x8_multiply(n, f64x8_set(0x1.ef35793c7673p-45));
    f64x8 r = f64x8_subtract(f64x8_subtract(limited, upper), lower);
    f64x8 p = f64x8_set(0x1.6124613a86d09p-33);

    p = step_f64(p, r, 0x1.1eed8eff8d898p-29);
    p = step_f64(p, r, 0x1.ae64567f544e4p-26);
    p = step_f64(p, r, 0x1.27e4fb7789f5cp-22);
    p = step_f64(p, r, 0x1.71de3a556c734p-19);
    p = step_f64(p, r, 0x1.a01a01a01a01ap-16);
    p = step_f64(p, r, 0x1.a01a01a01a01ap-13);
    p = step_f64(p, r, 0x1.6c16c16c16c17p-10);
    p = step_f64(p, r, 0x1.1111111111111p-7);
    p = step_f64(p, r, 0x1.5555555555555p-5);
    p = step_f64(p, r, 0x1.5555555555555p-3);
    p = step_f64(p, r, 0.5);
    p = step_f64(p, r, 1.0);
    p = f64x8_add(f64x8_multiply(p, r), f64x8_set(1.0));

    u64x8 biased = u64x8_subtract(f64x8_bits(shifted),
                                  u64x8_subtract(f64x8_bits(f64x8_set(ROUND_F64)),
                                                 u64x8_set(2 * 1023)));
    u64x8 half = u64x8_shift_right(biased, 1), rest = u64x8_subtract(biased, half);
    f64x8 first = f64x8_of_bits(u64x8_shift_left(half, 52));
    f64x8 second = f64x8_of_bits(u64x8_shift_left(rest, 52));
    return f64x8_multiply(f64x8_multiply(p, first), second);
}

INLINED f64x8 logistic(f64x8 x)
{
    f64x8 one = f64x8_set(1.0);

    return f64x8_divide(one, f64x8_add(one, exp_f64(negate_f64(x))));
}

INLINED f64x8 silu(f64x8 x)
{
    return f64x8_multiply(x, logistic(x));
}

INLINED f64x8 quick_gelu(f64x8 x)
{
    return f64x8_multiply(x, logistic(f64x8_multiply(x, f64x8_set(1.702))));
}

/* x + 0.044715 x^3 */
INLINED f64x8 gelu_tanh_argument(f64x8 x)
{
    f64x8 cube = f64x8_multiply(f64x8_multiply(x, x), x);

    return f64x8_add(x, f64x8_multiply(cube, f64x8_set(0x1.6e4e26d4801f7p-5)));
}

INLINED f64x8 gelu_tanh(f64x8 x)
{
    f64x8 u = gelu_tanh_argument(x);

    return f64x8_multiply(x, logistic(f64x8_multiply(u, f64x8_set(0x1.9884533d43651p0))));
}

/* exp(z^2) erfc(z) for 0 <= z <= 11. */
INLINED f64x8 erfc_scaled(f64x8 z)
{
    f64x8 middle = f64x8_set(3.75);
    f64x8 t = f64x8_divide(f64x8_subtract(z, middle), f64x8_add(z, middle));
    f64x8 p = f64x8_set(0x1.b220d1fa519d1p-27);

    p = step_f64(p, t, 0x1.29586772f04d9p-21);
    p = step_f64(p, t, 0x1.1c7765bfb91dap-19);
    p = step_f64(p, t, -0x1.4e9a26d9f3ec1p-20);
    p = step_f64(p, t, -0x1.8e5d820d2718cp-17);
    p = step_f64(p, t, 0x1.768d9f09a7a0ep-16);
    p = step_f64(p, t, 0x1.b289b8076e234p-15);
    p = step_f64(p, t, -0x1.302f30adc58bdp-12);
    p = step_f64(p, t, 0x1.33f4bb112377bp-12);
    p = step_f64(p, t, 0x1.cc39009af1b61p-10);
    p = step_f64(p, t, -0x1.3f6038ea5a24fp-7);
    p = step_f64(p, t, 0x1.d0b0058b24b3cp-6);
    p = step_f64(p, t, -0x1.e0d0fa6d9374fp-5);
    p = step_f64(p, t, 0x1.7a14188296c75p-4);
    p = step_f64(p, t, -0x1.bda9309a6c0cep-4);
    p = step_f64(p, t, 0x1.510169d0ce33ap-4);
    p = step_f64(p, t, 0x1.d5f294818eea5p-9);
    p = step_f64(p, t, -0x1.1f367683f8d3dp-3);
    p = step_f64(p, t, 0x1.3ccda0b5d5dc1p0);
    return f64x8_divide(p, f64x8_add(f64x8_set(1.0), f64x8_multiply(f64x8_set(2.0), z)));
}

/* The normal distribution function; *power is exp(-x^2 / 2). */
INLINED f64x8 normal_distribution(f64x8 x, f64x8 *power)
{
    f64x8 magnitude = magnitude_f64(x);
    f64x8 z = f64x8_min(f64x8_set(11.0),
                        f64x8_multiply(magnitude, f64x8_set(0x1.6a09e667f3bcdp-1)));
    f64x8 square = f64x8_multiply(f64x8_multiply(f64x8_set(-0.5), magnitude), magnitude);
    *power = exp_f64(square);
    f64x8 tail = f64x8_multiply(f64x8_multiply(f64x8_set(0.5), *power), erfc_scaled(z));
    f64x8 other = f64x8_subtract(f64x8_set(1.0), tail);

    return f64x8_select(f64x8_less(x, f64x8_set(0.0)), tail, other);
}

INLINED f64x8 gelu(f64x8 x)
{
    f64x8 power;

    return f64x8_multiply(x, normal_distribution(x, &power));
}

/* d + (x d) (1 - d) inner: the derivative of x d where d is a logistic function. */
INLINED f64x8 logistic_slope(f64x8 x, f64x8 d, f64x8 inner)
{
    f64x8 falling = f64x8_subtract(f64x8_set(1.0), d);
    f64x8 product = f64x8_multiply(f64x8_multiply(x, d), falling);

    return f64x8_add(d, f64x8_multiply(product, inner));
}

INLINED f64x8 silu_slope(f64x8 x)
{
    return logistic_slope(x, logistic(x), f64x8_set(1.0));
}

INLINED f64x8 quick_gelu_slope(f64x8 x)
{
    f64x8 rate = f64x8_set(1.702);

    return logistic_slope(x, logistic(f64x8_multiply(x, rate)), rate);
}

INLINED f64x8 gelu_tanh_slope(f64x8 x)
{
    f64x8 rate = f64x8_set(0x1.9884533d43651p0);
    f64x8 square = f64x8_multiply(x, x);
    f64x8 inner = f64x8_add(f64x8_set(1.0),
                            f64x8_multiply(square, f64x8_set(0x1.12ba9d1f60179p-3)));

    return logistic_slope(x, logistic(f64x8_multiply(gelu_tanh_argument(x), rate)),
                          f64x8_multiply(inner, rate));
}

INLINED f64x8 gelu_slope(f64x8 x)
{
    f64x8 power, distribution = normal_distribution(x, &power);
    f64x8 density = f64x8_multiply(power, f64x8_set(0x1.9884533d43651p-2));

    return f64x8_add(distribution, f64x8_multiply(x, density));
}

INLINED f64x8 relu_slope(f64x8 x)
{
    f64x8 zero = f64x8_set(0.0), rest = f64x8_add(f64x8_max(zero, x), zero);

    return f64x8_select(f64x8_less(zero, x), f64x8_set(1.0), rest);
}

INLINED f64x8 log_f64(f64x8 x)
{
    const uint64_t boundary = 0x3fe6a09e667f3bcd;
    mask8 denormal = f64x8_less(x, f64x8_set(0x1p-1022));
    f64x8 normal = f64x8_select(denormal, f64x8_multiply(x, f64x8_set(0x1p54)), x);
    u64x8 moved = u64x8_subtract(f64x8_bits(normal), u64x8_set(boundary));
    /* An integer below 2^52 in the lowest bits of 2^52 is added to it. */
    u64x8 exponent = u64x8_xor(u64x8_shift_right(moved, 52), u64x8_set(2048));
    f64x8 number = f64x8_subtract(
        f64x8_of_bits(u64x8_or(exponent, u64x8_set(0x4330000000000000))), f64x8_set(0x1p52));
    f64x8 k = f64x8_subtract(
        number, f64x8_select(denormal, f64x8_set(2048.0 + 54.0), f64x8_set(2048.0)));
    u64x8 fraction = u64x8_and(moved, u64x8_set(0xfffffffffffff));
    f64x8 f = f64x8_subtract(f64x8_of_bits(u64x8_add(fraction, u64x8_set(boundary))),
                             f64x8_set(1.0));
    f64x8 s = f64x8_divide(f, f64x8_add(f64x8_set(2.0), f));
    f64x8 z = f64x8_multiply(s, s);
    f64x8 p = f64x8_set(0x1.8618618618618p-4);

    p = step_f64(p, z, 0x1.af286bca1af28p-4);
    p = step_f64(p, z, 0x1.e1e1e1e1e1e1ep-4);
    p = step_f64(p, z, 0x1.1111111111111p-3);
    p = step_f64(p, z, 0x1.3b13b13b13b14p-3);
    p = step_f64(p, z, 0x1.745d1745d1746p-3);
    p = step_f64(p, z, 0x1.c71c71c71c71cp-3);
    p = step_f64(p, z, 0x1.2492492492492p-2);
    p = step_f64(p, z, 0x1.999999999999ap-2);
    p = step_f64(p, z, 0x1.5555555555555p-1);
    p = f64x8_multiply(p, z);

    f64x8 square = f64x8_multiply(f64x8_multiply(f64x8_set(0.5), f), f);
    f64x8 low = f64x8_add(f64x8_multiply(s, f64x8_add(square, p)),
                          f64x8_multiply(k, f64x8_set(0x1.ef35793c7673p-45)));
    f64x8 result = f64x8_add(f64x8_multiply(k, f64x8_set(0x1.62e42fefa38p-1)),
                             f64x8_subtract(f, f64x8_subtract(square, low)));
    f64x8 zero = f64x8_set(0.0);

    result = f64x8_select(f64x8_less(x, f64x8_set((double)INFINITY)), result, x);
    f64x8 special = f64x8_select(f64x8_equal(x, zero), f64x8_set(-(double)INFINITY),
                                 f64x8_set((double)NAN));
    return f64x8_select(f64x8_less(zero, x), result, special);
}

/* |x| less the nearest multiple of pi/2, whose number modulo 4 is the lowest bits of *quadrant. */
INLINED f64x8 reduce_angle(f64x8 magnitude, u64x8 *quadrant)
{
    f64x8 shifted = f64x8_add(f64x8_multiply(magnitude, f64x8_set(0x1.45f306dc9c883p-1)),
                              f64x8_set(ROUND_F64));
    f64x8 n = f64x8_subtract(shifted, f64x8_set(ROUND_F64));
    f64x8 upper = f64x8_multiply(n, f64x8_set(0x1.921fb544p0));
    f64x8 lower = f64x8_multiply(n, f64x8_set(0x1.0b4611a626331p-34));

    *quadrant = f64x8_bits(shifted);
    return f64x8_subtract(f64x8_subtract(magnitude, upper), lower);
}

/* sin for even and cos for odd quadrants, negative in the last two; NaN beyond |x| = 2^20. */
INLINED f64x8 sine_of_quadrant(f64x8 r, u64x8 quadrant, f64x8 magnitude)
{
    f64x8 z = f64x8_multiply(r, r);
    f64x8 s = f64x8_set(-0x1.ae7f3e733b81fp-41), c = f64x8_set(0x1.ae7f3e733b81fp-45);

    s = step_f64(s, z, 0x1.6124613a86d09p-33);
    s = step_f64(s, z, -0x1.ae64567f544e4p-26);
    s = step_f64(s, z, 0x1.71de3a556c734p-19);
    s = step_f64(s, z, -0x1.a01a01a01a01ap-13);
    s = step_f64(s, z, 0x1.1111111111111p-7);
    s = step_f64(s, z, -0x1.5555555555555p-3);
    s = f64x8_add(f64x8_multiply(f64x8_multiply(s, z), r), r);

    c = step_f64(c, z, -0x1.93974a8c07c9dp-37);
    c = step_f64(c, z, 0x1.1eed8eff8d898p-29);
    c = step_f64(c, z, -0x1.27e4fb7789f5cp-22);
    c = step_f64(c, z, 0x1.a01a01a01a01ap-16);
    c = step_f64(c, z, -0x1.6c16c16c16c17p-10);
    c = step_f64(c, z, 0x1.5555555555555p-5);
    c = step_f64(c, z, -0.5);
    c = step_f64(c, z, 1.0);

    f64x8 value = f64x8_select(u64x8_has(quadrant, u64x8_set(1)), c, s);
    u64x8 sign = u64x8_shift_left(u64x8_and(quadrant, u64x8_set(2)), 62);
    value = f64x8_of_bits(u64x8_xor(f64x8_bits(value), sign));
    return f64x8_select(f64x8_less(f64x8_set(0x1p20), magnitude), f64x8_set((double)NAN), value);
}

INLINED f64x8 sine(f64x8 x)
{
    u64x8 quadrant;
    f64x8 magnitude = magnitude_f64(x), r = reduce_angle(magnitude, &quadrant);
    u64x8 value = f64x8_bits(sine_of_quadrant(r, quadrant, magnitude));
    u64x8 sign = u64x8_and(f64x8_bits(x), u64x8_set(SIGN_F64));

    return f64x8_of_bits(u64x8_xor(value, sign));
}

INLINED f64x8 cosine(f64x8 x)
{
    u64x8 quadrant;
    f64x8 magnitude = magnitude_f64(x), r = reduce_angle(magnitude, &quadrant);

    return sine_of_quadrant(r, u64x8_add(quadrant, u64x8_set(1)), magnitude);
}

#endif
