/* Measures the errors of the elementary functions: of f32 ones over all 2^32 arguments.
 *
 *     make bench/elementary_error && nice bench/elementary_error STEP [NAME...]
 *
 * STEP 1 tries every argument, 17 every 17th one (by their bits).
 * The truth is the C library's function in binary64, whose error is below 2^-20 ULP of f32; where
 * it is so close to the middle between two f32 that this could matter, MPFR decides. The functions
 * in binary64 are compared with MPFR at pseudo-random arguments. */
#include <inttypes.h>
#include <math.h>
#include <mpfr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arithmetic.h"
#include "base/threads.h"
#include "functions.h"

enum { EXACT_BITS = 160, SAMPLES_F64 = 1 << 22 };

typedef struct function {
    const char *name;
    float (*ours)(float);
    double (*close)(double);
    void (*exact)(mpfr_t y, const mpfr_t x);
} function;

typedef struct result {
    double error; /* greatest, in ULP */
    double argument;
    uint64_t misrounded; /* results that are not the nearest f32 */
    uint64_t faults;     /* NaN or infinite when the truth is not, or the other way round */
} result;

/* --- truths --- */

static double close_sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

static double close_silu(double x)
{
    return x / (1.0 + exp(-x));
}

static double close_gelu(double x)
{
    return x * 0.5 * erfc(-x * sqrt(0.5));
}

static double close_gelu_tanh(double x)
{
    return x / (1.0 + exp(-sqrt(8.0 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
}

static double close_quick_gelu(double x)
{
    return x / (1.0 + exp(-1.702 * x));
}

static double close_sin(double x)
{
    return fabs(x) <= 0x1p20 ? sin(x) : (double)NAN;
}

static double close_cos(double x)
{
    return fabs(x) <= 0x1p20 ? cos(x) : (double)NAN;
}

static void exact_exp(mpfr_t y, const mpfr_t x)
{
    mpfr_exp(y, x, MPFR_RNDN);
}

static void exact_tanh(mpfr_t y, const mpfr_t x)
{
    mpfr_tanh(y, x, MPFR_RNDN);
}

static void exact_erf(mpfr_t y, const mpfr_t x)
{
    mpfr_erf(y, x, MPFR_RNDN);
}

static void exact_log(mpfr_t y, const mpfr_t x)
{
    mpfr_log(y, x, MPFR_RNDN);
}

static void exact_sin(mpfr_t y, const mpfr_t x)
{
    mpfr_sin(y, x, MPFR_RNDN);
}

static void exact_cos(mpfr_t y, const mpfr_t x)
{
    mpfr_cos(y, x, MPFR_RNDN);
}

/* y = 1 / (1 + exp(-y)) */
static void make_logistic(mpfr_t y)
{
    mpfr_neg(y, y, MPFR_RNDN);
    mpfr_exp(y, y, MPFR_RNDN);
    mpfr_add_ui(y, y, 1, MPFR_RNDN);
    mpfr_ui_div(y, 1, y, MPFR_RNDN);
}

static void exact_sigmoid(mpfr_t y, const mpfr_t x)
{
    mpfr_set(y, x, MPFR_RNDN);
    make_logistic(y);
}

static void exact_silu(mpfr_t y, const mpfr_t x)
{
    exact_sigmoid(y, x);
    mpfr_mul(y, y, x, MPFR_RNDN);
}

static void exact_gelu(mpfr_t y, const mpfr_t x)
{
    mpfr_set_ui(y, 2, MPFR_RNDN);
    mpfr_sqrt(y, y, MPFR_RNDN);
    mpfr_div(y, x, y, MPFR_RNDN);
    mpfr_neg(y, y, MPFR_RNDN);
    mpfr_erfc(y, y, MPFR_RNDN);
    mpfr_mul(y, y, x, MPFR_RNDN);
    mpfr_div_ui(y, y, 2, MPFR_RNDN);
}

static void exact_gelu_tanh(mpfr_t y, const mpfr_t x)
{
    mpfr_t root;

    mpfr_init2(root, EXACT_BITS);
    mpfr_const_pi(root, MPFR_RNDN);
    mpfr_ui_div(root, 8, root, MPFR_RNDN);
    mpfr_sqrt(root, root, MPFR_RNDN);
    mpfr_pow_ui(y, x, 3, MPFR_RNDN);
    mpfr_mul_ui(y, y, 44715, MPFR_RNDN);
    mpfr_div_ui(y, y, 1000000, MPFR_RNDN);
    mpfr_add(y, y, x, MPFR_RNDN);
    mpfr_mul(y, y, root, MPFR_RNDN);
    make_logistic(y);
    mpfr_mul(y, y, x, MPFR_RNDN);
    mpfr_clear(root);
}

static void exact_quick_gelu(mpfr_t y, const mpfr_t x)
{
    mpfr_mul_ui(y, x, 1702, MPFR_RNDN);
    mpfr_div_ui(y, y, 1000, MPFR_RNDN);
    make_logistic(y);
    mpfr_mul(y, y, x, MPFR_RNDN);
}

static const function functions[] = {
    {"exp", mmn_exp, exp, exact_exp},
    {"tanh", mmn_tanh, tanh, exact_tanh},
    {"erf", mmn_erf, erf, exact_erf},
    {"log", mmn_log, log, exact_log},
    {"sin", mmn_sin, close_sin, exact_sin},
    {"cos", mmn_cos, close_cos, exact_cos},
    {"sigmoid", mmn_sigmoid, close_sigmoid, exact_sigmoid},
    {"silu", mmn_silu, close_silu, exact_silu},
    {"gelu", mmn_gelu, close_gelu, exact_gelu},
    {"gelu_tanh", mmn_gelu_tanh, close_gelu_tanh, exact_gelu_tanh},
    {"quick_gelu", mmn_quick_gelu, close_quick_gelu, exact_quick_gelu},
};

/* --- measurement --- */

/* The distance between two numbers of `digits` bits around the truth. */
static double ulp(double truth, int digits, int least_exponent)
{
    int exponent;

    frexp(truth, &exponent);
    exponent -= digits;
    return ldexp(1.0, exponent > least_exponent ? exponent : least_exponent);
}

/* The error of y in ULP by MPFR; *nearest is the truth rounded to f32. */
static double exact_error(const function *f, float x, float y, float *nearest)
{
    mpfr_t truth, argument;

    mpfr_inits2(EXACT_BITS, truth, argument, (mpfr_ptr)0);
    mpfr_set_flt(argument, x, MPFR_RNDN);
    f->exact(truth, argument);
    *nearest = mpfr_get_flt(truth, MPFR_RNDN);
    double unit = ulp(mpfr_get_d(truth, MPFR_RNDN), 24, -149);
    mpfr_sub_d(truth, truth, (double)y, MPFR_RNDN);
    double error = fabs(mpfr_get_d(truth, MPFR_RNDN)) / unit;
    mpfr_clears(truth, argument, (mpfr_ptr)0);
    return error;
}

static void measure_one(const function *f, float x, result *r)
{
    float y = f->ours(x);
    double truth = f->close((double)x);
    float nearest = (float)truth;

    if (isnan(y) || isnan(nearest) || isinf(y) || isinf(nearest)) {
        if (!(isnan(y) && isnan(nearest)) && y != nearest)
            r->faults++;
        return;
    }
    double unit = ulp(truth, 24, -149);
    double error = fabs((double)y - truth) / unit;
    if (fabs(fabs((double)nearest - truth) / unit - 0.5) < 0x1p-18)
        error = exact_error(f, x, y, &nearest);
    if (y != nearest)
        r->misrounded++;
    if (error > r->error) {
        r->error = error;
        r->argument = (double)x;
    }
}

static void measure(const function *f, uint32_t step)
{
    result total = {0};

    MMN_PARALLEL_FOR(mmn_threads(0), dynamic)
    for (int high = 0; high < 1 << 16; high++) {
        result r = {0};

        uint32_t begin = (uint32_t)high << 16;
        for (uint32_t i = (step - begin % step) % step; i < 1 << 16; i += step)
            measure_one(f, mmn_f32_of_bits(begin | i), &r);
        MMN_ONE_AT_A_TIME(mmn_total)
        {
            total.misrounded += r.misrounded;
            total.faults += r.faults;
            if (r.error > total.error) {
                total.error = r.error;
                total.argument = r.argument;
            }
        }
    }
    printf("%-10s  every %" PRIu32 " of 2^32  error %.7f ULP at %a  not nearest %" PRIu64
           "  faults %" PRIu64 "\n",
           f->name, step, total.error, total.argument, total.misrounded, total.faults);
    fflush(stdout);
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Arguments: every other one between 1/2 and 2 (log) or -1 and 1 (exp), the rest of any finite
 * bits. */
static void measure_f64(const char *name, double (*ours)(double),
                        void (*exact)(mpfr_t, const mpfr_t), double low, double high)
{
    uint64_t state = 0, faults = 0;
    double greatest = 0.0, argument = 0.0;
    mpfr_t truth, wide;

    mpfr_inits2(EXACT_BITS, truth, wide, (mpfr_ptr)0);
    for (int i = 0; i < SAMPLES_F64; i++) {
        uint64_t bits = next_random(&state);
        double x = low + (high - low) * ldexp((double)(bits >> 11), -53);

        if (i % 2)
            x = mmn_f64_of_bits(bits);
        if (!isfinite(x))
            continue;
        double y = ours(x);
        mpfr_set_d(wide, x, MPFR_RNDN);
        exact(truth, wide);
        double nearest = mpfr_get_d(truth, MPFR_RNDN);
        if (!isfinite(nearest) || !isfinite(y)) {
            faults += !(isnan(nearest) && isnan(y)) && nearest != y;
            continue;
        }
        mpfr_sub_d(truth, truth, y, MPFR_RNDN);
        double error = fabs(mpfr_get_d(truth, MPFR_RNDN)) / ulp(nearest, 53, -1074);
        if (error > greatest) {
            greatest = error;
            argument = x;
        }
    }
    mpfr_clears(truth, wide, (mpfr_ptr)0);
    printf("%-10s  %d points  error %.4f ULP at %a  faults %" PRIu64 "\n", name, SAMPLES_F64,
           greatest, argument, faults);
    fflush(stdout);
}

static _Bool wanted(int count, char **names, const char *name)
{
    for (int i = 2; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return 1;
    return count < 3;
}

int main(int argc, char **argv)
{
    uint32_t step = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;

    if (step == 0) {
        fprintf(stderr, "usage: %s STEP [NAME...]\n", argv[0]);
        return 2;
    }
    if (wanted(argc, argv, "exp_f64"))
        measure_f64("exp_f64", mmn_exp_f64, exact_exp, -1.0, 1.0);
    if (wanted(argc, argv, "log_f64"))
        measure_f64("log_f64", mmn_log_f64, exact_log, 0.5, 2.0);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (wanted(argc, argv, functions[i].name))
            measure(&functions[i], step);
    return 0;
}
