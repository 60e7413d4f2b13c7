/* Measures matrix products of the shapes that a 7B model has: our kernels beside OpenBLAS and BLIS,
 * and beside what the machine can do.
 *
 *     make bench
 *     bench/matrix_products [--threads N] [--simd NAME|all] [--rounds N] [--json FILE]
 *     bench/matrix_products --bursts N [--simd NAME|all]
 *
 * In every round the limits are measured and all contestants take their turn, so that a change of
 * the machine's speed meets them all. Ours read bf16 weights, the BLAS libraries f32 ones of the
 * same values; all must make the same product. With few rows the weights come from memory: several
 * copies, together much larger than the cache, are used in turn.
 *
 * With --bursts, one thread of ours alone is measured in short pieces that other work on the
 * machine does not disturb (bursts.c); `auto`, the default, is then `all`. */
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "blas.h"
#include "bursts.h"
#include "limits.h"
#include "measure.h"
#include "pass/operations.h"

enum {
    TABLES = 8,
    CONTESTANTS = TABLES + BENCH_BLAS_COUNT,
    STREAMED_ROWS = 8,
    CACHES = 4,
    MOST_ROUNDS = 100,
};

typedef struct bench_shape {
    size_t rows, depth, outputs;
} bench_shape;

static const bench_shape shapes[] = {
    {577, 1024, 4096},  /* CLIP ViT-L/14-336: one tile, first layer of the MLP */
    {600, 4096, 11008}, /* 7B: a prompt with one image, gate and up */
    {600, 11008, 4096}, /* 7B: down */
    {2880, 4096, 4096}, /* 7B: five tiles, attention's projections */
    {1, 4096, 11008},   /* 7B: decoding */
    {8, 4096, 11008},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Weights of one stored type, in several copies where they are to come from memory. */
typedef struct bench_weights {
    void *data;          /* [copies][outputs * depth] */
    size_t copies, size; /* size: bytes of one weight */
} bench_weights;

typedef struct bench_problem {
    bench_shape shape;
    float *input, *output, *expected;
    bench_weights bf16, f32;
} bench_problem;

/* A kernel table or a BLAS library. */
typedef struct bench_contestant {
    const char *name;
    mmn_compute compute;
    const bench_blas *blas; /* NULL: ours */
} bench_contestant;

typedef struct bench_settings {
    int threads;
    size_t rounds, bursts; /* bursts > 0: instead of rounds */
    size_t outputs;        /* the most that are multiplied of a shape */
    const char *simd, *json;
} bench_settings;

/* What the machine can do, in each round of a shape. */
typedef struct bench_limits {
    const char *instructions;
    double *arithmetic, *reading; /* [rounds]; reading only for streamed shapes */
} bench_limits;

/* --- problems --- */

static float *random_values(size_t count, uint64_t *state)
{
    float *values = mmn_allocate(count, sizeof *values, NULL);

    for (size_t i = 0; values && i < count; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        values[i] = (float)(int32_t)(*state >> 32) * 0x1p-31f;
    }
    return values;
}

static bool is_streamed(const bench_shape *shape)
{
    return shape->rows <= STREAMED_ROWS;
}

/* How many copies are together CACHES times as large as the cache, two at least. */
static size_t copies_needed(const bench_shape *shape, size_t bytes, size_t cache)
{
    size_t needed = (CACHES * cache + bytes - 1) / bytes;

    if (!is_streamed(shape))
        return 1;
    return needed < 2 ? 2 : needed;
}

static bool make_copies(bench_weights *weights, const bench_shape *shape, const float *values,
                        size_t size, size_t cache)
{
    const mmn_kernels *reference = mmn_kernels_reference();
    size_t count = shape->depth * shape->outputs, bytes = count * size;

    weights->size = size;
    weights->copies = copies_needed(shape, bytes, cache);
    weights->data = mmn_allocate(weights->copies, bytes, NULL);
    if (!weights->data)
        return false;
    if (size == sizeof(float))
        memcpy(weights->data, values, bytes);
    else
        reference->narrow(weights->data, MMN_WEIGHT_BF16, values, count);
    for (size_t copy = 1; copy < weights->copies; copy++)
        memcpy((char *)weights->data + copy * bytes, weights->data, bytes);
    return true;
}

static void free_problem(bench_problem *problem)
{
    mmn_free(problem->input);
    mmn_free(problem->output);
    mmn_free(problem->expected);
    mmn_free(problem->bf16.data);
    mmn_free(problem->f32.data);
}

static bool make_problem(bench_problem *problem, const bench_shape *shape, size_t cache)
{
    const mmn_kernels *reference = mmn_kernels_reference();
    size_t count = shape->depth * shape->outputs;
    uint64_t state = 1;
    float *values = random_values(count, &state);

    problem->shape = *shape;
    problem->input = random_values(shape->rows * shape->depth, &state);
    problem->output = mmn_allocate(shape->rows * shape->outputs, sizeof(float), NULL);
    problem->expected = mmn_allocate(shape->rows * shape->outputs, sizeof(float), NULL);
    bool made = values && problem->input && problem->output && problem->expected &&
                make_copies(&problem->bf16, shape, values, 2, cache);
    if (made) {
        reference->widen(values, problem->bf16.data, MMN_WEIGHT_BF16, count);
        made = make_copies(&problem->f32, shape, values, sizeof(float), cache);
    }
    mmn_free(values);
    return made;
}

/* --- contestants --- */

static const bench_weights *weights_of(const bench_contestant *contestant,
                                       const bench_problem *problem)
{
    return contestant->blas ? &problem->f32 : &problem->bf16;
}

/* One product of the first `rows` rows with copy number `copy` of the weights. */
static void multiply(const bench_contestant *contestant, const bench_problem *problem, size_t rows,
                     size_t copy)
{
    const bench_shape *shape = &problem->shape;
    const bench_weights *weights = weights_of(contestant, problem);
    const void *weight =
        (const char *)weights->data + copy * shape->outputs * shape->depth * weights->size;

    if (contestant->blas) {
        bench_blas_multiply(contestant->blas, problem->output, problem->input, weight, rows,
                            shape->outputs, shape->depth);
    } else {
        const mmn_linear linear = {{weight, MMN_WEIGHT_BF16, shape->outputs, shape->depth}, NULL};
        mmn_apply_linear(&contestant->compute, problem->output, problem->input, rows, &linear);
    }
}

/* Seconds of one product, after a smaller one that wakes the threads. One thread alone is never put
 * to sleep, which would slow its clock down. */
static double time_product(const bench_contestant *contestant, const bench_problem *problem,
                           int threads)
{
    size_t rows = problem->shape.rows, copies = weights_of(contestant, problem)->copies;

    if (threads > 1)
        bench_pause();
    multiply(contestant, problem, rows < STREAMED_ROWS ? rows : STREAMED_ROWS, copies - 1);
    double start = bench_seconds();
    for (size_t copy = 0; copy < copies; copy++)
        multiply(contestant, problem, rows, copy);
    return (bench_seconds() - start) / (double)copies;
}

/* The root mean square of the output's difference from the first contestant's, relative to it. */
static double difference(const bench_problem *problem)
{
    double differences = 0.0, squares = 0.0;

    for (size_t i = 0; i < problem->shape.rows * problem->shape.outputs; i++) {
        double expected = problem->expected[i], error = problem->output[i] - expected;
        differences += error * error;
        squares += expected * expected;
    }
    return sqrt(differences / squares);
}

static bool add_table(bench_contestant *list, size_t *count, const char *name, int threads)
{
    bench_contestant *added = &list[*count];
    const mmn_kernels *kernels = mmn_kernels_select(name);

    if (!kernels || *count == TABLES)
        return false;
    *added = (bench_contestant){.name = kernels->name,
                                .compute = {.kernels = kernels, .threads = threads}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (mmn_compute_reserve(&added->compute, shapes[i].rows, shapes[i].depth, 0, 0, NULL) !=
            MMN_OK)
            return false;
    (*count)++;
    return true;
}

/* The tables that the settings name and the libraries that are installed; 0 when there is no such
 * table. */
static size_t find_contestants(bench_contestant list[CONTESTANTS], const bench_settings *settings,
                               const bench_blas libraries[BENCH_BLAS_COUNT])
{
    size_t count = 0;

    if (strcmp(settings->simd, "all") == 0) {
        for (const char *const *name = mmn_kernels_names(); *name; name++)
            add_table(list, &count, *name, settings->threads);
    } else if (!add_table(list, &count, settings->simd, settings->threads)) {
        return 0;
    }
    for (size_t i = 0; i < BENCH_BLAS_COUNT; i++)
        if (libraries[i].sgemm)
            list[count++] = (bench_contestant){.name = libraries[i].name, .blas = &libraries[i]};
    return count;
}

/* --- results --- */

/* The median over the rounds of how many times as long as the first contestant one takes. */
static double times_as_long(const double *seconds, const double *first, size_t rounds)
{
    double quotients[MOST_ROUNDS];

    for (size_t round = 0; round < rounds; round++)
        quotients[round] = seconds[round] / first[round];
    return bench_spread_of(quotients, rounds).median;
}

/* The median over the rounds of work / seconds / limit, in percent. */
static double share_of_limit(double work, const double *seconds, const double *limit, size_t rounds)
{
    double shares[MOST_ROUNDS];

    for (size_t round = 0; round < rounds; round++)
        shares[round] = 100.0 * work / seconds[round] / limit[round];
    return bench_spread_of(shares, rounds).median;
}

static json_t *report_limits(const bench_shape *shape, const bench_limits *limits, size_t rounds)
{
    bench_spread rate = bench_spread_of(limits->arithmetic, rounds), reading = {0};

    printf("| %zu x %zu x %zu | limit: %s | %.1f / %.1f / %.1f | | ", shape->rows, shape->depth,
           shape->outputs, limits->instructions, rate.minimum, rate.median, rate.maximum);
    if (is_streamed(shape)) {
        reading = bench_spread_of(limits->reading, rounds);
        printf("%.1f", reading.median);
    }
    printf(" | | |\n");
    return json_pack("{s:i, s:i, s:i, s:o, s:o}", "rows", (int)shape->rows, "depth",
                     (int)shape->depth, "outputs", (int)shape->outputs, "gflops",
                     bench_spread_json(&rate), "gigabytes", bench_spread_json(&reading));
}

static json_t *report(const bench_contestant *contestant, const bench_problem *problem,
                      double *seconds, double quotient, size_t rounds, const bench_limits *limits)
{
    const bench_shape *shape = &problem->shape;
    double products = (double)shape->outputs * (double)shape->depth;
    double work = 2e-9 * (double)shape->rows * products;
    double bytes = 1e-9 * (double)weights_of(contestant, problem)->size * products;
    double share = share_of_limit(work, seconds, limits->arithmetic, rounds);
    double reading_share =
        is_streamed(shape) ? share_of_limit(bytes, seconds, limits->reading, rounds) : 0.0;
    bench_spread time = bench_spread_of(seconds, rounds);
    bench_spread rate = {work / time.maximum, work / time.median, work / time.minimum};

    printf("| %zu x %zu x %zu | %s | %.1f / %.1f / %.1f | %.0f %% |", shape->rows, shape->depth,
           shape->outputs, contestant->name, rate.minimum, rate.median, rate.maximum, share);
    if (is_streamed(shape))
        printf(" %.1f | %.0f %% |", bytes / time.median, reading_share);
    else
        printf(" | |");
    printf(" %.2f |\n", quotient);
    return json_pack("{s:i, s:i, s:i, s:s, s:o, s:f, s:f, s:f}", "rows", (int)shape->rows, "depth",
                     (int)shape->depth, "outputs", (int)shape->outputs, "contestant",
                     contestant->name, "seconds", bench_spread_json(&time), "times_as_long",
                     quotient, "percent_of_arithmetic", share, "percent_of_reading", reading_share);
}

/* All rounds of one shape; false after a message. */
static bool run_shape(const bench_shape *asked, const bench_contestant *contestants, size_t count,
                      const bench_settings *settings, size_t cache, json_t *results)
{
    const size_t outputs = asked->outputs < settings->outputs ? asked->outputs : settings->outputs;
    const bench_shape cut = {asked->rows, asked->depth, outputs}, *shape = &cut;
    bench_problem problem = {0};
    double arithmetic[MOST_ROUNDS], reading[MOST_ROUNDS], quotients[CONTESTANTS];
    bench_limits limits = {.arithmetic = arithmetic, .reading = reading};
    double *seconds = mmn_allocate(count * settings->rounds, sizeof *seconds, NULL);
    bool good = make_problem(&problem, shape, cache) && seconds;

    if (!good)
        fprintf(stderr, "memory is short\n");
    for (size_t round = 0; good && round < settings->rounds; round++) {
        arithmetic[round] = bench_peak_arithmetic(settings->threads, &limits.instructions);
        if (is_streamed(shape))
            reading[round] = bench_peak_reading(settings->threads, 2 * CACHES * cache);
        for (size_t i = 0; good && i < count; i++) {
            seconds[i * settings->rounds + round] =
                time_product(&contestants[i], &problem, settings->threads);
            if (round == 0 && i == 0)
                memcpy(problem.expected, problem.output,
                       shape->rows * shape->outputs * sizeof(float));
            good = difference(&problem) < 1e-5;
            if (!good)
                fprintf(stderr, "%s and %s compute different products\n", contestants[0].name,
                        contestants[i].name);
        }
    }
    for (size_t i = 0; good && i < count; i++)
        quotients[i] = times_as_long(seconds + i * settings->rounds, seconds, settings->rounds);
    for (size_t i = 0; good && i < count; i++)
        json_array_append_new(results,
                              report(&contestants[i], &problem, seconds + i * settings->rounds,
                                     quotients[i], settings->rounds, &limits));
    if (good)
        json_array_append_new(results, report_limits(shape, &limits, settings->rounds));
    free_problem(&problem);
    mmn_free(seconds);
    return good;
}

static bool read_options(bench_settings *settings, int argc, char **argv)
{
    static const struct option options[] = {{"threads", required_argument, NULL, 't'},
                                            {"simd", required_argument, NULL, 's'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {"bursts", required_argument, NULL, 'b'},
                                            {"outputs", required_argument, NULL, 'o'},
                                            {"json", required_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 't':
            settings->threads = atoi(optarg);
            break;
        case 's':
            settings->simd = optarg;
            break;
        case 'r':
            settings->rounds = strtoul(optarg, NULL, 10);
            break;
        case 'b':
            settings->bursts = strtoul(optarg, NULL, 10);
            if (settings->bursts == 0)
                return false;
            break;
        case 'o':
            settings->outputs = strtoul(optarg, NULL, 10);
            break;
        case 'j':
            settings->json = optarg;
            break;
        default:
            return false;
        }
    }
    settings->threads = mmn_threads(settings->threads);
    return optind == argc && settings->threads > 0 && settings->rounds > 0 &&
           settings->outputs > 0 && settings->rounds <= MOST_ROUNDS &&
           settings->bursts <= BENCH_MOST_BURSTS;
}

int main(int argc, char **argv)
{
    bench_settings settings = {.rounds = 7, .outputs = SIZE_MAX, .simd = "auto"};
    bench_machine machine;
    bench_blas libraries[BENCH_BLAS_COUNT];
    bench_contestant contestants[CONTESTANTS];
    bool good = true;

    if (!read_options(&settings, argc, argv)) {
        fprintf(stderr,
                "usage: %s [--threads N] [--simd NAME|all] [--rounds N] [--outputs N]"
                " [--json FILE]\n"
                "       %s --bursts N [--simd NAME|all]\n",
                argv[0], argv[0]);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (settings.bursts > 0) {
        bench_machine_read(&machine);
        bench_machine_print(&machine);
        return bench_bursts(strcmp(settings.simd, "auto") == 0 ? "all" : settings.simd,
                            settings.bursts)
                   ? 0
                   : 1;
    }
    bench_blas_load(libraries, settings.threads);
    size_t count = find_contestants(contestants, &settings, libraries);
    if (count == 0) {
        fprintf(stderr, "%s: no such kernels here\n", settings.simd);
        return 2;
    }

    bench_machine_read(&machine);
    bench_machine_print(&machine);
    for (size_t i = 0; i < BENCH_BLAS_COUNT; i++)
        printf("%s: %s\n", libraries[i].name,
               libraries[i].sgemm ? libraries[i].version : "not installed");
    printf("%d threads.\n\n", settings.threads);
    printf("| rows x depth x outputs | kernels | GFLOP/s: min / median / max of %zu | of the limit "
           "| GB/s of weights | of the limit | times as long as the first |\n"
           "| --- | --- | --- | --- | --- | --- | --- |\n",
           settings.rounds);
    json_t *results = json_array();
    for (size_t i = 0; good && i < SHAPES; i++)
        good = run_shape(&shapes[i], contestants, count, &settings, machine.largest_cache, results);
    for (size_t i = 0; i < count; i++)
        mmn_compute_free_scratch(&contestants[i].compute);
    json_t *all = json_pack("{s:o, s:i, s:o}", "machine", bench_machine_json(&machine), "threads",
                            settings.threads, "products", results);
    if (good && settings.json)
        return bench_json_write(all, settings.json);
    json_decref(all);
    return good ? 0 : 1;
}
