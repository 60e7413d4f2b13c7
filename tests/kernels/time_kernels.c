/* Times every kernel of every table that this processor can run, by the trials that check it: time
 * per element, on one thread, with arguments that stay in the caches as far as they do in a model.
 *
 *     make bench/kernels
 *     bench/kernels [--simd NAME] [--rounds N]
 *
 * The unit is a cycle of the processor's time-stamp counter on x86 (its frequency is fixed, the
 * processor's own may be higher or lower), elsewhere a nanosecond. In every round all tables take
 * their turn; the median counts. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "bench/measure.h"
#include "checks.h"

enum { TABLES = 8, MOST_ROUNDS = 101, LEAST_TICKS = 100000 };

/* Where there is no depth, an element is one of rows x width. */
static const struct {
    const char *kernel;
    trial_sizes sizes;
} timed[] = {
    {"pack_input", {96, 0, 4096, MMN_WEIGHT_F32}},
    {"matrix_product", {96, 64, 4096, MMN_WEIGHT_BF16}}, /* a thread's part, with a prompt */
    {"matrix_product", {96, 64, 4096, MMN_WEIGHT_F16}},
    {"matrix_product", {96, 64, 4096, MMN_WEIGHT_F32}},
    {"matrix_product", {1, 256, 4096, MMN_WEIGHT_BF16}}, /* decoding */
    /* A thread's part of a layer's scores for a word. */
    {"transposed_product", {1, 256, 4096, MMN_WEIGHT_BF16}},
    {"transposed_product", {1, 256, 4096, MMN_WEIGHT_F16}},
    {"transposed_product", {8, 256, 4096, MMN_WEIGHT_BF16}},
    {"transposed_product", {96, 64, 4096, MMN_WEIGHT_BF16}}, /* of a reverse pass */
    /* An element is one of a key and the same of its value: two multiply-adds. */
    {"attention", {MMN_ATTENTION_ROWS, 600, 128, MMN_WEIGHT_F32}},
    {"attention", {577, 577, 64, MMN_WEIGHT_F32}},
    {"attention", {2900, 2900, 128, MMN_WEIGHT_F32}},
    {"attention", {1, 600, 128, MMN_WEIGHT_F32}},
    {"rms_norm", {16, 4096, 0, MMN_WEIGHT_F32}},
    {"layer_norm", {16, 1024, 0, MMN_WEIGHT_F32}},
    {"rms_norm_reverse", {16, 4096, 0, MMN_WEIGHT_F32}},
    {"layer_norm_reverse", {16, 1024, 0, MMN_WEIGHT_F32}},
    {"softmax_reverse", {16, 600, 0, MMN_WEIGHT_F32}},
    {"softmax", {16, 600, 0, MMN_WEIGHT_F32}},
    {"rope_table", {16, 64, 0, MMN_WEIGHT_F32}},
    {"rope", {16, 4096, 0, MMN_WEIGHT_F32}},
    {"silu", {1, 11008, 0, MMN_WEIGHT_F32}},
    {"gelu", {1, 11008, 0, MMN_WEIGHT_F32}},
    {"gelu_tanh", {1, 11008, 0, MMN_WEIGHT_F32}},
    {"quick_gelu", {1, 11008, 0, MMN_WEIGHT_F32}},
    {"relu", {1, 11008, 0, MMN_WEIGHT_F32}},
    {"silu_slope", {1, 11008, 0, MMN_WEIGHT_F32}},
    {"gelu_slope", {1, 11008, 0, MMN_WEIGHT_F32}},
    {"gelu_tanh_slope", {1, 11008, 0, MMN_WEIGHT_F32}},
    {"quick_gelu_slope", {1, 11008, 0, MMN_WEIGHT_F32}},
    {"relu_slope", {1, 11008, 0, MMN_WEIGHT_F32}},
    {"add", {1, 4096, 0, MMN_WEIGHT_F32}},
    {"multiply", {1, 4096, 0, MMN_WEIGHT_F32}},
    {"widen", {1, 4096, 0, MMN_WEIGHT_BF16}},
    {"widen", {1, 4096, 0, MMN_WEIGHT_F16}},
    {"widen", {1, 4096, 0, MMN_WEIGHT_F32}},
    {"narrow", {1, 4096, 0, MMN_WEIGHT_BF16}},
    {"narrow", {1, 4096, 0, MMN_WEIGHT_F16}},
    {"narrow", {1, 4096, 0, MMN_WEIGHT_F32}},
    {"count_active", {16, 11008, 0, MMN_WEIGHT_F32}},
    {"product_f64", {96, 96, 768, MMN_WEIGHT_F32}}, /* part of a Gram matrix */
    {"log_f64", {1, 4096, 0, MMN_WEIGHT_F32}},
    /* To 336 pixels of three channels; an element is a channel of an output pixel. */
    {"resize_horizontal", {32, 3 * 336, 0, MMN_WEIGHT_F32}},
    {"resize_vertical", {336, 3 * 336, 0, MMN_WEIGHT_F32}},
};
enum { TIMED = sizeof(timed) / sizeof(*timed) };

static const struct {
    const char *kernel;
    void (*check)(trial *t);
} trials[] = {
#define TRIAL_LINE(kernel, arguments) {#kernel, check_##kernel},
    MMN_KERNELS(TRIAL_LINE)};
enum { TRIALS = sizeof(trials) / sizeof(*trials) };

/* ---- What trials need besides ---------------------------------------------------------------- */

void trial_fail(const trial *t, const char *details)
{
    fprintf(stderr, "%s: %s(%s)\n%s\n", t->table->name, t->kernel, t->shape, details);
    exit(1);
}

void trial_say(trial *t, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(t->shape, sizeof(t->shape), format, arguments);
    va_end(arguments);
}

/* ---- Measuring ------------------------------------------------------------------------------- */

#if defined(__x86_64__)
static const char unit[] = "cycles of the time-stamp counter";
static double ticks(void)
{
    return (double)__rdtsc();
}
#else
static const char unit[] = "nanoseconds";
static double ticks(void)
{
    return 1e9 * bench_seconds();
}
#endif

/* The calls of the trial that runs: `wanted` of them are timed together, as many as it takes for
 * the counter's own time not to matter. The first call warms up. */
static struct {
    size_t wanted, done;
    double start, of_one; /* ticks */
} calls;

static _Bool call_again(trial *t)
{
    (void)t;
    if (calls.wanted > 0 && ++calls.done < calls.wanted)
        return 1;
    double passed = ticks() - calls.start;
    if (calls.wanted > 0 && passed >= LEAST_TICKS) {
        calls.of_one = passed / (double)calls.wanted;
        return 0;
    }
    calls.wanted = calls.wanted > 0 ? calls.wanted * 2 : 1;
    calls.done = 0;
    calls.start = ticks();
    return 1;
}

/* Ticks of one call. What would be the reference's part of a trial is done by the table too. */
static double time_kernel(const mmn_kernels *table, size_t number, const trial_sizes *sizes)
{
    static trial t;

    t = (trial){.table = table,
                .reference = table,
                .kernel = trials[number].kernel,
                .timed = sizes,
                .again = call_again};
    memset(&calls, 0, sizeof(calls));
    trial_seed(&t, 1);
    trials[number].check(&t);
    trial_release(&t);
    return calls.of_one;
}

static void print_sizes(const char *kernel, const trial_sizes *sizes)
{
    static const char *const types[] = {"f32", "f16", "bf16"};

    printf("| %s | %zu x %zu", kernel, sizes->rows, sizes->width);
    if (sizes->depth > 0)
        printf(" x %zu", sizes->depth);
    if (strstr(kernel, "_product") || strcmp(kernel, "widen") == 0 || strcmp(kernel, "narrow") == 0)
        printf(" %s", types[sizes->type]);
    printf(" |");
}

static void time_tables(const mmn_kernels *const *tables, size_t count, size_t number,
                        const trial_sizes *sizes, size_t rounds)
{
    static double times[TABLES][MOST_ROUNDS];
    double elements = (double)(sizes->rows * sizes->width * (sizes->depth ? sizes->depth : 1));

    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < count; i++)
            times[i][round] = time_kernel(tables[i], number, sizes);
    print_sizes(trials[number].kernel, sizes);
    for (size_t i = 0; i < count; i++)
        printf(" %.3f |", bench_spread_of(times[i], rounds).median / elements);
    printf("\n");
}

/* The reference and the table of that name, or all; 0 when there is no such table. */
static size_t find_tables(const mmn_kernels *tables[TABLES], const char *wanted)
{
    size_t count = 0;

    if (wanted && !mmn_kernels_select(wanted))
        return 0;
    for (const char *const *name = mmn_kernels_names(); *name && count < TABLES; name++) {
        const mmn_kernels *table = mmn_kernels_select(*name);

        if (table &&
            (!wanted || table == mmn_kernels_reference() || table == mmn_kernels_select(wanted)))
            tables[count++] = table;
    }
    return count;
}

static void print_table(const mmn_kernels *const *tables, size_t count, size_t rounds)
{
    bench_machine machine;

    bench_machine_read(&machine);
    bench_machine_print(&machine);
    printf("In %s per element (of a product: multiply-add), median of %zu, one thread.\n\n", unit,
           rounds);
    printf("| kernel | rows x width [x depth] |");
    for (size_t i = 0; i < count; i++)
        printf(" %s |", tables[i]->name);
    printf("\n| --- | --- |");
    for (size_t i = 0; i < count; i++)
        printf(" --- |");
    printf("\n");
    for (size_t number = 0; number < TRIALS; number++) {
        size_t found = 0;
        for (size_t i = 0; i < TIMED; i++)
            if (strcmp(timed[i].kernel, trials[number].kernel) == 0) {
                time_tables(tables, count, number, &timed[i].sizes, rounds);
                found++;
            }
        if (found == 0)
            fprintf(stderr, "%s: no sizes to time it with\n", trials[number].kernel);
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"simd", required_argument, NULL, 's'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {NULL, 0, NULL, 0}};
    const mmn_kernels *tables[TABLES];
    const char *wanted = NULL;
    size_t rounds = 7;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 's')
            wanted = optarg;
        else
            rounds = option == 'r' ? strtoul(optarg, NULL, 10) : 0;
        if (rounds < 1 || rounds > MOST_ROUNDS)
            break;
    }
    if (optind != argc || rounds < 1 || rounds > MOST_ROUNDS) {
        fprintf(stderr, "usage: %s [--simd NAME] [--rounds 1-%d]\n", argv[0], MOST_ROUNDS);
        return 2;
    }
    size_t count = find_tables(tables, wanted);
    if (count == 0) {
        fprintf(stderr, "%s: no such kernels here\n", wanted);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    print_table(tables, count, rounds);
    return 0;
}
