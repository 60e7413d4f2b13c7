/* Bursts: the matrix product of one thread, measured so that figures hold on machines with other
 * work on them.
 *
 * A burst is a piece of a product of some milliseconds, between two runs of a loop that reaches the
 * limit: of multiply-adds in registers, or for few rows of reading the memory next to the weights.
 * It is timed by the thread's own clock, and thrown away if the thread was switched out meanwhile
 * or the limit before differs from that behind. Printed are quartiles of the shares of the limit.
 */
#include "bursts.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "kernels.h"
#include "limits.h"
#include "measure.h"

enum {
    OUTPUTS = 128, /* of a burst */
    STREAMED_ROWS = 12,
    MOST_BURSTS = BENCH_MOST_BURSTS,
    MOST_TRIES = 20,        /* for each burst that is wanted */
    LIMIT_ROUNDS = 1 << 14, /* some 0.1 ms */
};

static const double agreement = 1.03, agreement_of_reading = 1.2; /* of limits before and behind */
static const size_t memory_bytes = (size_t)1 << 30;

typedef struct burst_shape {
    size_t rows, depth, outputs;
} burst_shape;

static const burst_shape shapes[] = {
    {577, 1024, 4096}, {600, 4096, 11008}, {600, 11008, 4096}, {2880, 4096, 4096},
    {240, 4096, 11008}, {96, 4096, 11008},  {48, 4096, 11008},  {24, 4096, 11008},
    {12, 4096, 11008},  {10, 4096, 11008},  {8, 4096, 11008},   {4, 4096, 11008},
    {2, 4096, 11008},   {1, 4096, 11008},
};

typedef struct burst_run {
    const mmn_kernels *kernels;
    burst_shape shape;
    float *input; /* in strips, of which any numbers are as good */
    float *output, *scratch;
    uint8_t *weights;
    size_t weight_bytes, place; /* place: of the next burst's weights */
    double shares[MOST_BURSTS], rates[MOST_BURSTS];
} burst_run;

static bool is_streamed(const burst_shape *shape)
{
    return shape->rows <= STREAMED_ROWS;
}

static void fill_weights(uint8_t *weights, size_t bytes)
{
    uint64_t state = 1;

    for (size_t i = 0; i < bytes; i += 2) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint16_t number = (uint16_t)(0x3f00 | (state >> 56 & 0x7f) | (state >> 48 & 0x8000));
        memcpy(weights + i, &number, sizeof number);
    }
}

static bool make_run(burst_run *run, const mmn_kernels *kernels, const burst_shape *shape)
{
    size_t floats = shape->rows * shape->depth;

    *run = (burst_run){.kernels = kernels, .shape = *shape};
    run->weight_bytes =
        is_streamed(shape) ? memory_bytes : shape->outputs * shape->depth * sizeof(uint16_t);
    run->input = mmn_allocate(floats, sizeof(float), NULL);
    run->output = mmn_allocate(shape->rows * shape->outputs, sizeof(float), NULL);
    run->scratch = mmn_allocate(mmn_matrix_product_scratch(shape->rows), sizeof(float), NULL);
    run->weights = mmn_allocate(run->weight_bytes, 1, NULL);
    if (!run->input || !run->output || !run->scratch || !run->weights)
        return false;
    for (size_t i = 0; i < floats; i++)
        run->input[i] = 1.0f / (float)(1 + i % 97);
    fill_weights(run->weights, run->weight_bytes);
    return true;
}

static void free_run(burst_run *run)
{
    mmn_free(run->input);
    mmn_free(run->output);
    mmn_free(run->scratch);
    mmn_free(run->weights);
}

/* Multiplies with OUTPUTS rows of weights; returns the thread's seconds. */
static double multiply(burst_run *run, const uint8_t *weights)
{
    const burst_shape *shape = &run->shape;
    double start = bench_thread_seconds();
    bool finite;

    run->kernels->matrix_product(run->output + run->place % (shape->outputs / OUTPUTS) * OUTPUTS,
                                 shape->outputs, run->input, weights, MMN_WEIGHT_BF16, shape->depth,
                                 NULL, shape->rows, OUTPUTS, shape->depth, run->scratch, &finite);
    return bench_thread_seconds() - start;
}

/* The limits before and behind a burst. */
typedef struct burst_limits {
    double before, behind;
} burst_limits;

/* One burst; `bytes` of weights are multiplied, of those before and behind only read. */
static double burst(burst_run *run, size_t bytes, burst_limits *limits)
{
    bool streamed = is_streamed(&run->shape);
    size_t pieces = run->weight_bytes / bytes, step = streamed ? 3 : 1;
    const uint8_t *weights = run->weights + run->place % (pieces / step) * step * bytes;

    limits->before = streamed ? bench_burst_reading(weights, bytes)
                              : bench_burst_arithmetic(run->kernels->name, LIMIT_ROUNDS);
    double seconds = multiply(run, streamed ? weights + bytes : weights);
    limits->behind = streamed ? bench_burst_reading(weights + 2 * bytes, bytes)
                              : bench_burst_arithmetic(run->kernels->name, LIMIT_ROUNDS);
    run->place++;
    return seconds;
}

static bool agree(const burst_limits *limits, double most)
{
    return limits->before < most * limits->behind && limits->behind < most * limits->before;
}

/* Returns how many bursts counted. */
static size_t measure(burst_run *run, size_t wanted)
{
    const burst_shape *shape = &run->shape;
    bool streamed = is_streamed(shape);
    size_t bytes = OUTPUTS * shape->depth * sizeof(uint16_t), counted = 0;
    double work = 1e-9 * (streamed ? (double)bytes
                                   : 2.0 * (double)shape->rows * (double)shape->depth * OUTPUTS);

    for (size_t i = 0; i < MOST_TRIES * wanted && counted < wanted; i++) {
        burst_limits limits;
        long switches = bench_thread_switches();
        double seconds = burst(run, bytes, &limits);

        if (bench_thread_switches() != switches ||
            !agree(&limits, streamed ? agreement_of_reading : agreement))
            continue;
        run->rates[counted] = work / seconds;
        run->shares[counted++] = 200.0 * work / seconds / (limits.before + limits.behind);
    }
    return counted;
}

static bool report(const mmn_kernels *kernels, const burst_shape *shape, size_t wanted)
{
    static burst_run run;
    bool good = make_run(&run, kernels, shape);
    size_t counted = good ? measure(&run, wanted) : 0;

    if (!good)
        fprintf(stderr, "memory is short\n");
    if (counted > 0) {
        bench_spread share = bench_quartiles_of(run.shares, counted);
        bench_spread rate = bench_quartiles_of(run.rates, counted);

        printf("| %zu x %zu x %zu | %s | %.1f / %.1f / %.1f %% | %.1f %s | %zu |\n", shape->rows,
               shape->depth, shape->outputs, kernels->name, share.minimum, share.median,
               share.maximum, rate.median, is_streamed(shape) ? "GB/s" : "GFLOP/s", counted);
    }
    free_run(&run);
    return good;
}

bool bench_bursts(const char *simd, size_t wanted)
{
    bool found = false;

    printf(
        "\n| rows x depth x outputs | kernels | share of the limit: quartiles | median | bursts |\n"
        "| --- | --- | --- | --- | --- |\n");
    for (const char *const *name = mmn_kernels_names(); *name; name++) {
        const mmn_kernels *kernels = mmn_kernels_select(*name);
        bool vectors = strcmp(*name, "reference") != 0 && strcmp(*name, "portable") != 0;

        if (!kernels || (strcmp(simd, "all") == 0 ? !vectors : strcmp(simd, *name) != 0))
            continue;
        found = true;
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            if (!report(kernels, &shapes[i], wanted))
                return false;
    }
    if (!found)
        fprintf(stderr, "%s: no such kernels here\n", simd);
    return found;
}
