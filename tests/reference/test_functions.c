/* Tests of the elementary functions: points by mpmath, special values, and the bits of results. */
#include <criterion/criterion.h>
#include <inttypes.h>

#include "functions.h"
#include "numbers.h"

typedef struct point_f32 {
    float (*function)(float);
    double x, y;
} point_f32;

typedef struct point_f64 {
    double (*function)(double);
    double x, y;
} point_f64;

#define POINTS_F32
static const point_f32 points_f32[] = {
#include "data/points.inc"
};
#undef POINTS_F32

#define POINTS_F64
static const point_f64 points_f64[] = {
#include "data/points.inc"
};
#undef POINTS_F64

typedef struct named_function {
    const char *name;
    float (*function)(float);
    uint64_t hash; /* of the results at many arguments, see bits_of_results */
} named_function;

static const named_function functions[] = {
    {"exp", mmn_exp, 0x8c6ca6426414e3bb},
    {"tanh", mmn_tanh, 0x06a4fb39c1125845},
    {"erf", mmn_erf, 0x86e5cdbdc3537215},
    {"sin", mmn_sin, 0x071460befd5753bd},
    {"cos", mmn_cos, 0xffa9897b880ea4b5},
    {"log", mmn_log, 0xda953007e5bb8a96},
    {"sigmoid", mmn_sigmoid, 0x00504f44e321fbd3},
    {"silu", mmn_silu, 0x2eac70d44761976c},
    {"gelu", mmn_gelu, 0x4fa7d1c1dac57c4f},
    {"gelu_tanh", mmn_gelu_tanh, 0xddf8f20b834ebcdb},
    {"quick_gelu", mmn_quick_gelu, 0xa5b8728926304cc2},
    {"silu_slope", mmn_silu_slope, 0x939fef3d605ef7fb},
    {"gelu_slope", mmn_gelu_slope, 0xb9ea4a5c170a7b60},
    {"gelu_tanh_slope", mmn_gelu_tanh_slope, 0xbd0f8bc83dde90ea},
    {"quick_gelu_slope", mmn_quick_gelu_slope, 0xfeed4a57ca50b7a6},
};

enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* The bounds that doc/numerics.md states. */
Test(functions, errors_at_points)
{
    for (size_t i = 0; i < sizeof points_f32 / sizeof *points_f32; i++) {
        const point_f32 *point = &points_f32[i];
        double bound = point->function == mmn_exp ? 0.90 : 0.5001;
        double y = (double)point->function((float)point->x);
        double error = fabs(y - point->y) / ulp_f32(point->y);

        cr_assert(error <= bound, "point %zu: f(%a) = %a, not %a: %.4f ULP", i, point->x, y,
                  point->y, error);
    }
}

Test(functions, errors_at_points_f64)
{
    for (size_t i = 0; i < sizeof points_f64 / sizeof *points_f64; i++) {
        const point_f64 *point = &points_f64[i];
        double y = point->function(point->x);

        cr_assert(y >= nextafter(point->y, -INFINITY) && y <= nextafter(point->y, INFINITY),
                  "point %zu: f(%a) = %a, not %a", i, point->x, y, point->y);
    }
}

/* Arguments: each upper half with three lower halves. Any compiler, processor or option that
 * changes a bit of a result is found here. */
Test(functions, bits_of_results)
{
    static const uint32_t lower[] = {0x0000, 0x5a5a, 0xffff};

    for (size_t i = 0; i < FUNCTIONS; i++) {
        uint64_t hash = 0xcbf29ce484222325;

        for (uint32_t upper = 0; upper < 1 << 16; upper++)
            for (size_t j = 0; j < 3; j++)
                hash = hash_value(hash,
                                  functions[i].function(mmn_f32_of_bits(upper << 16 | lower[j])));
        cr_expect_eq(hash, functions[i].hash, "%s: %016" PRIx64 ", not %016" PRIx64,
                     functions[i].name, hash, functions[i].hash);
    }
}

Test(functions, bits_of_results_f64)
{
    uint64_t logarithms = 0xcbf29ce484222325, exponentials = logarithms, state = 1;

    for (size_t i = 0; i < 100000; i++) {
        uint64_t upper = next_random(&state), bits = upper << 32 | next_random(&state);
        double values[2] = {mmn_log_f64(mmn_f64_of_bits(bits >> 1)),
                            mmn_exp_f64(740.0 * (double)next_value(&state))};

        logarithms =
            (logarithms ^ (isnan(values[0]) ? 0 : mmn_bits_f64(values[0]))) * 0x100000001b3;
        exponentials = (exponentials ^ mmn_bits_f64(values[1])) * 0x100000001b3;
    }
    cr_expect_eq(logarithms, 0x2829980f99e7c2fb, "log_f64: %016" PRIx64, logarithms);
    cr_expect_eq(exponentials, 0x913c7cd6d8927dbb, "exp_f64: %016" PRIx64, exponentials);
}

Test(functions, nan_gives_nan)
{
    for (size_t i = 0; i < FUNCTIONS; i++)
        cr_expect(isnan(functions[i].function(NAN)), "%s", functions[i].name);
    cr_expect(isnan(mmn_log_f64((double)NAN)));
    cr_expect(isnan(mmn_exp_f64((double)NAN)));
}

Test(functions, limits)
{
    static const struct {
        float (*function)(float);
        float x, y;
    } cases[] = {
        {mmn_exp, 0.0f, 1.0f},
        {mmn_exp, -0.0f, 1.0f},
        {mmn_exp, INFINITY, INFINITY},
        {mmn_exp, -INFINITY, 0.0f},
        {mmn_exp, 0x1.62e43p6f, INFINITY},
        {mmn_exp, 0x1.62e42ep6f, 0x1.ffff08p127f},
        {mmn_exp, -0x1.9fe368p6f, 0x1p-149f},
        {mmn_exp, -0x1.9fe36ap6f, 0.0f},
        {mmn_tanh, 0.0f, 0.0f},
        {mmn_tanh, -0.0f, -0.0f},
        {mmn_tanh, -0x1p-149f, -0x1p-149f},
        {mmn_tanh, INFINITY, 1.0f},
        {mmn_tanh, -INFINITY, -1.0f},
        {mmn_erf, -0.0f, -0.0f},
        {mmn_erf, INFINITY, 1.0f},
        {mmn_erf, -INFINITY, -1.0f},
        {mmn_sin, 0.0f, 0.0f},
        {mmn_sin, -0.0f, -0.0f},
        {mmn_sin, -0x1p-149f, -0x1p-149f},
        {mmn_cos, -0.0f, 1.0f},
        {mmn_cos, 0x1.000002p20f, NAN},
        {mmn_sin, INFINITY, NAN},
        {mmn_log, 1.0f, 0.0f},
        {mmn_log, 0.0f, -INFINITY},
        {mmn_log, -0.0f, -INFINITY},
        {mmn_log, -1.0f, NAN},
        {mmn_log, INFINITY, INFINITY},
        {mmn_log, -INFINITY, NAN},
        {mmn_sigmoid, INFINITY, 1.0f},
        {mmn_sigmoid, -INFINITY, 0.0f},
        {mmn_sigmoid, 0.0f, 0.5f},
        {mmn_silu, -0.0f, -0.0f},
        {mmn_gelu, -0.0f, -0.0f},
        {mmn_gelu_tanh, -0.0f, -0.0f},
        {mmn_quick_gelu, -0.0f, -0.0f},
        {mmn_silu, INFINITY, INFINITY},
        {mmn_gelu, INFINITY, INFINITY},
        {mmn_gelu_tanh, INFINITY, INFINITY},
        {mmn_quick_gelu, INFINITY, INFINITY},
        {mmn_silu, -FLT_MAX, -0.0f},
        {mmn_gelu, -FLT_MAX, -0.0f},
        {mmn_gelu_tanh, -FLT_MAX, -0.0f},
        {mmn_quick_gelu, -FLT_MAX, -0.0f},
        {mmn_silu, -INFINITY, NAN},
        {mmn_gelu, -INFINITY, NAN},
        {mmn_gelu_tanh, -INFINITY, NAN},
        {mmn_quick_gelu, -INFINITY, NAN},
        {mmn_silu, FLT_MAX, FLT_MAX},
        {mmn_gelu, FLT_MAX, FLT_MAX},
        {mmn_gelu_tanh, FLT_MAX, FLT_MAX},
        {mmn_quick_gelu, FLT_MAX, FLT_MAX},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect(same_value(cases[i].function(cases[i].x), cases[i].y), "case %zu: %a gives %a", i,
                  (double)cases[i].x, (double)cases[i].function(cases[i].x));
}

Test(functions, limits_f64)
{
    cr_expect(mmn_log_f64(1.0) == 0.0 && !signbit(mmn_log_f64(1.0)));
    cr_expect_eq(mmn_log_f64(0.0), -INFINITY);
    cr_expect_eq(mmn_log_f64((double)INFINITY), INFINITY);
    cr_expect(isnan(mmn_log_f64(-0x1p-1074)));
    cr_expect_eq(mmn_log_f64(0x1p-1074), -0x1.74385446d71c3p9);
    cr_expect_eq(mmn_exp_f64((double)INFINITY), INFINITY);
    cr_expect_eq(mmn_exp_f64(-(double)INFINITY), 0.0);
    cr_expect_eq(mmn_exp_f64(-744.5), 0x1p-1074);
    cr_expect_eq(mmn_exp_f64(-0.0), 1.0);
}

/* An activation is active exactly where its argument is positive; of three of them the half of
 * 2^-149 rounds to 0. */
Test(functions, sign_of_activations)
{
    static float (*const activations[])(float) = {mmn_silu, mmn_gelu, mmn_gelu_tanh,
                                                  mmn_quick_gelu};

    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) {
        for (uint32_t bits = 2; bits < 0x7f800000; bits += bits < 0x1000 ? 1 : 0x3fff) {
            float x = mmn_f32_of_bits(bits);
            cr_assert(activations[i](x) > 0.0f, "activation %zu of %a", i, (double)x);
            cr_assert_not(activations[i](-x) > 0.0f, "activation %zu of %a", i, -(double)x);
        }
    }
    cr_expect_eq(mmn_silu(0x1p-149f), 0.0f);
    cr_expect_eq(mmn_gelu(0x1p-149f), 0x1p-149f);
    cr_expect_eq(mmn_gelu_tanh(0x1p-149f), 0.0f);
    cr_expect_eq(mmn_quick_gelu(0x1p-149f), 0.0f);
}
