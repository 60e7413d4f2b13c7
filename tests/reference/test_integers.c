/* Tests of conversions, counting, resizing, and of the check of the processor's arithmetic. */
#include <criterion/criterion.h>
#include <fenv.h>
#include <string.h>

#include "kernels.h"
#include "numbers.h"

/* The value of f16 or bf16 bits by their definition. */
static double value_of(uint32_t bits, int exponent_bits)
{
    int fraction_bits = 15 - exponent_bits, bias = (1 << (exponent_bits - 1)) - 1;
    int exponent = (int)(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
    double fraction = ldexp((double)(bits & ((1u << fraction_bits) - 1)), -fraction_bits);
    double magnitude;

    if (exponent == (1 << exponent_bits) - 1)
        magnitude = fraction > 0.0 ? (double)NAN : (double)INFINITY;
    else if (exponent == 0)
        magnitude = ldexp(fraction, 1 - bias);
    else
        magnitude = ldexp(1.0 + fraction, exponent - bias);
    return bits & 0x8000 ? -magnitude : magnitude;
}

static const struct {
    mmn_weight_type type;
    int exponent_bits;
} types[] = {{MMN_WEIGHT_F16, 5}, {MMN_WEIGHT_BF16, 8}};

Test(convert, widens_and_narrows_every_pattern)
{
    const mmn_kernels *kernels = mmn_kernels_reference();

    for (size_t t = 0; t < 2; t++) {
        for (uint32_t bits = 0; bits < 1 << 16; bits++) {
            uint8_t stored[2] = {(uint8_t)bits, (uint8_t)(bits >> 8)}, again[2];
            uint32_t quiet = 1u << (14 - types[t].exponent_bits);
            double truth = value_of(bits, types[t].exponent_bits);
            float value;

            kernels->widen(&value, stored, types[t].type, 1);
            kernels->narrow(again, types[t].type, &value, 1);
            cr_assert(isnan(truth) ? isnan(value) : (double)value == truth, "%04x", bits);
            cr_assert_eq(!!signbit(value), bits >> 15, "%04x", bits);
            cr_assert_eq((uint32_t)(again[0] | again[1] << 8), isnan(truth) ? bits | quiet : bits,
                         "%04x", bits);
        }
    }
}

/* Around every finite pattern and every middle between two: the nearer one, ties to the even. */
Test(convert, narrows_to_nearest_even)
{
    const mmn_kernels *kernels = mmn_kernels_reference();

    for (size_t t = 0; t < 2; t++) {
        int exponent_bits = types[t].exponent_bits;
        uint32_t infinity = (1u << 15) - (1u << (15 - exponent_bits));

        for (uint32_t bits = 0; bits < infinity; bits++) {
            double low = value_of(bits, exponent_bits);
            double unit = low - (bits ? value_of(bits - 1, exponent_bits) : 0.0);
            double high = bits + 1 < infinity ? value_of(bits + 1, exponent_bits) : low + unit;
            double middle = (low + high) / 2.0;
            float values[3] = {nextafterf((float)middle, 0.0f), (float)middle,
                               nextafterf((float)middle, INFINITY)};
            uint8_t stored[6];

            if ((double)values[1] != middle)
                continue; /* bf16 denormals have middles that f32 has not */
            kernels->narrow(stored, types[t].type, values, 3);
            cr_assert_eq((uint32_t)(stored[0] | stored[1] << 8), bits);
            cr_assert_eq((uint32_t)(stored[2] | stored[3] << 8), bits + (bits & 1));
            cr_assert_eq((uint32_t)(stored[4] | stored[5] << 8), bits + 1);
        }
    }
}

Test(convert, f32_is_little_endian)
{
    float value = 0x1.020304p0f, again;
    uint8_t stored[5];

    mmn_kernels_reference()->narrow(stored + 1, MMN_WEIGHT_F32, &value, 1);
    cr_expect(stored[1] == 0x82 && stored[2] == 0x01 && stored[3] == 0x81 && stored[4] == 0x3f);
    mmn_kernels_reference()->widen(&again, stored + 1, MMN_WEIGHT_F32, 1);
    cr_expect_eq(again, value);
}

Test(count, counts_and_sums)
{
    /* Multiples of 2^-20 with ties, both limits, and what is neither positive nor a number. */
    static const struct {
        float value;
        int64_t active, sum;
    } cases[] = {
        {0.0f, 0, 0},
        {-0.0f, 0, 0},
        {1.0f, 1, 1 << 20},
        {-1.0f, 0, -(1 << 20)},
        {0x1p-149f, 1, 0},
        {0x1p-21f, 1, 0},
        {0x1.8p-20f, 1, 2},
        {0x1.4p-19f, 1, 2},
        {-0x1.8p-20f, 0, -2},
        {0x1.8p-21f, 1, 1},
        {0x1p20f, 1, (int64_t)1 << 40},
        {0x1.000002p20f, 1, (int64_t)1 << 40},
        {INFINITY, 1, (int64_t)1 << 40},
        {-INFINITY, 0, -((int64_t)1 << 40)},
        {NAN, 0, 0},
        {123456.789f, 1, 129453826048},
    };
    enum { CASES = sizeof cases / sizeof *cases };
    float values[2][CASES + 1];
    int64_t active[CASES], sum[CASES];

    for (size_t i = 0; i < CASES; i++) {
        values[0][i] = values[1][i] = cases[i].value;
        active[i] = 100;
        sum[i] = -7;
    }
    mmn_kernels_reference()->count_active(active, sum, values[0], CASES + 1, 2, CASES);
    for (size_t i = 0; i < CASES; i++) {
        cr_expect_eq(active[i], 100 + 2 * cases[i].active, "case %zu", i);
        cr_expect_eq(sum[i], -7 + 2 * cases[i].sum, "case %zu: %lld", i, (long long)sum[i]);
    }
}

/* Against the definition in binary64: floor(sum of pixel * coefficient / 2^22 + 1/2), limited. */
static uint8_t defined_pixel(const uint8_t *pixels, size_t step, const int32_t *coefficients,
                             int32_t length)
{
    double sum = 0.0;

    for (int32_t i = 0; i < length; i++)
        sum += (double)pixels[(size_t)i * step] * (double)coefficients[i];
    return (uint8_t)fmin(255.0, fmax(0.0, floor(sum * 0x1p-22 + 0.5)));
}

Test(resize, agrees_with_its_definition)
{
    enum { INPUT = 23, OUTPUT = 9, TAPS = 6, ROWS = 4, CHANNELS = 3 };
    uint8_t input[INPUT * INPUT * CHANNELS], output[INPUT * OUTPUT * CHANNELS];
    int32_t coefficients[OUTPUT * TAPS], starts[OUTPUT], lengths[OUTPUT];
    uint64_t state = 1;

    for (size_t i = 0; i < sizeof input; i++) /* extremes and anything between */
        input[i] = (uint8_t)(i % 3 == 0 ? 255 : i % 3 == 1 ? 0 : next_random(&state) >> 24);
    for (int32_t x = 0; x < OUTPUT; x++) {
        starts[x] = x * 2;
        lengths[x] = 1 + x % TAPS;
        for (size_t i = 0; i < TAPS; i++)
            coefficients[(size_t)x * TAPS + i] = (int32_t)(next_value(&state) * 0x1p21f);
    }

    mmn_kernels_reference()->resize_horizontal(output, OUTPUT, input, INPUT, ROWS, CHANNELS,
                                               coefficients, TAPS, starts, lengths);
    for (size_t row = 0; row < ROWS; row++)
        for (size_t x = 0; x < OUTPUT; x++)
            for (size_t c = 0; c < CHANNELS; c++)
                cr_assert_eq(output[(row * OUTPUT + x) * CHANNELS + c],
                             defined_pixel(input + (row * INPUT + (size_t)starts[x]) * CHANNELS + c,
                                           CHANNELS, coefficients + x * TAPS, lengths[x]));

    mmn_kernels_reference()->resize_vertical(output, OUTPUT, input, INPUT, coefficients, TAPS,
                                             starts, lengths);
    for (size_t y = 0; y < OUTPUT; y++)
        for (size_t x = 0; x < INPUT; x++)
            cr_assert_eq(output[y * INPUT + x],
                         defined_pixel(input + (size_t)starts[y] * INPUT + x, INPUT,
                                       coefficients + y * TAPS, lengths[y]));
}

Test(arithmetic, is_as_it_should_be)
{
    const char *fault = mmn_arithmetic_fault();

    cr_expect_null(fault, "%s", fault);
}

#ifdef FE_UPWARD
Test(arithmetic, notices_another_rounding_direction)
{
    fesetround(FE_UPWARD);
    const char *fault = mmn_arithmetic_fault();
    fesetround(FE_TONEAREST);
    cr_expect_not_null(fault);
}
#endif

#ifdef __SSE2__
#include <xmmintrin.h>

Test(arithmetic, notices_flushed_denormals)
{
    unsigned control = _mm_getcsr();

    for (unsigned bit = 0x40; bit <= 0x8000; bit *= 0x200) { /* DAZ, FTZ */
        _mm_setcsr(control | bit);
        const char *fault = mmn_arithmetic_fault();
        _mm_setcsr(control);
        cr_expect_not_null(fault);
    }
}
#endif
