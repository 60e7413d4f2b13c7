/* Measures every kernel of every table that this processor can run: time per element, on one
 * thread, with arguments that stay in the caches as far as they do in a model.
 *
 *     make bench/kernels
 *     bench/kernels [--simd NAME] [--rounds N]
 *
 * The unit is a cycle of the processor's time-stamp counter on x86 (its frequency is fixed, the
 * processor's own may be higher or lower), elsewhere a nanosecond. In every round all tables take
 * their turn; the median counts. */
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "base/memory.h"
#include "kernels.h"
#include "measure.h"

enum { TABLES = 8, MOST_ROUNDS = 101, LEAST_TICKS = 100000 };

/* What the shapes below need at most. */
enum {
    MOST_VALUES = 160 * 4096,
    MOST_WEIGHTS = 256 * 4096,
    MOST_KEYS = 600,
    MOST_TAPS = 8,
    MOST_PIXELS = 336,
};

typedef struct bench_shape {
    size_t rows, width, depth; /* depth 0: the kernel has none, an element is one of rows x width */
    mmn_weight_type type;
} bench_shape;

typedef struct bench_arrays {
    float *output, *input, *weight, *scratch; /* MOST_VALUES, MOST_VALUES, MOST_WEIGHTS */
    void *stored;                             /* MOST_WEIGHTS of any type */
    double *logarithms;
    int64_t *active, *sum;
    uint8_t *pixels, *resized;
    int32_t coefficients[MOST_PIXELS * MOST_TAPS], starts[MOST_PIXELS], lengths[MOST_PIXELS];
} bench_arrays;

/* --- the kernels: for each its shapes, and one call --- */

static const bench_shape shapes_matrix_product[] = {
    {96, 64, 4096, MMN_WEIGHT_BF16}, /* a thread's part of a product with a prompt */
    {96, 64, 4096, MMN_WEIGHT_F16},  {96, 64, 4096, MMN_WEIGHT_F32},
    {1, 256, 4096, MMN_WEIGHT_BF16}, /* decoding */
};

static void run_matrix_product(const mmn_kernels *kernels, const bench_arrays *a,
                               const bench_shape *s)
{
    enum { STRIDE = 256 + 16 }; /* panels apart, as src/model/operations.c keeps them */

    kernels->matrix_product(a->output, s->width, a->input, STRIDE, s->rows * STRIDE, a->stored,
                            s->type, s->depth, NULL, s->rows, s->width, s->depth, a->scratch);
}

static const bench_shape shapes_transposed_product[] = {
    {1, 256, 4096, MMN_WEIGHT_BF16}, /* a thread's part of a layer's scores for a word */
    {1, 256, 4096, MMN_WEIGHT_F16},
    {8, 256, 4096, MMN_WEIGHT_BF16},
};

static void run_transposed_product(const mmn_kernels *kernels, const bench_arrays *a,
                                   const bench_shape *s)
{
    kernels->transposed_product(a->output, s->width, a->input, s->depth, a->stored, s->type,
                                s->width, s->rows, s->width, s->depth);
}

/* An element is one of a key and the same of its value: two multiply-adds. */
static const bench_shape shapes_attention[] = {
    {MMN_ATTENTION_ROWS, MOST_KEYS, 128, MMN_WEIGHT_F32},
    {MMN_ATTENTION_ROWS, 577, 64, MMN_WEIGHT_F32},
    {1, MOST_KEYS, 128, MMN_WEIGHT_F32},
};

static void run_attention(const mmn_kernels *kernels, const bench_arrays *a, const bench_shape *s)
{
    const mmn_attention_task task = {
        .query = a->weight,
        .query_stride = s->depth,
        .keys = a->input,
        .key_stride = s->depth,
        .values = a->input + s->width * s->depth,
        .value_stride = s->depth,
        .output = a->output,
        .output_stride = s->depth,
        .rows = s->rows,
        .key_count = s->width,
        .head_dim = s->depth,
        .scale = 0.1f,
        .scratch = a->scratch,
    };

    kernels->attention(&task);
}

static const bench_shape shapes_rms_norm[] = {{16, 4096, 0, MMN_WEIGHT_F32}};

static void run_rms_norm(const mmn_kernels *kernels, const bench_arrays *a, const bench_shape *s)
{
    kernels->rms_norm(a->output, a->input, a->weight, s->rows, s->width, 1e-6f);
}

static const bench_shape shapes_layer_norm[] = {{16, 1024, 0, MMN_WEIGHT_F32}};

static void run_layer_norm(const mmn_kernels *kernels, const bench_arrays *a, const bench_shape *s)
{
    kernels->layer_norm(a->output, a->input, a->weight, a->weight, s->rows, s->width, 1e-6f);
}

static const bench_shape shapes_softmax[] = {{16, MOST_KEYS, 0, MMN_WEIGHT_F32}};

static void run_softmax(const mmn_kernels *kernels, const bench_arrays *a, const bench_shape *s)
{
    kernels->softmax(a->output, s->rows, s->width);
}

static const bench_shape shapes_rope_table[] = {{16, 64, 0, MMN_WEIGHT_F32}};

static void run_rope_table(const mmn_kernels *kernels, const bench_arrays *a, const bench_shape *s)
{
    kernels->rope_table(a->output, a->output + s->rows * s->width, 500, s->rows, 2 * s->width,
                        a->input);
}

static const bench_shape shapes_rope[] = {{16, 4096, 0, MMN_WEIGHT_F32}};

static void run_rope(const mmn_kernels *kernels, const bench_arrays *a, const bench_shape *s)
{
    const size_t head_dim = 128;

    kernels->rope(a->output, s->width, a->input, a->weight, s->rows, s->width / head_dim, head_dim);
}

#define UNARY(kernel)                                                                              \
    static const bench_shape shapes_##kernel[] = {{1, 11008, 0, MMN_WEIGHT_F32}};                  \
                                                                                                   \
    static void run_##kernel(const mmn_kernels *kernels, const bench_arrays *a,                    \
                             const bench_shape *s)                                                 \
    {                                                                                              \
        kernels->kernel(a->output, a->input, s->rows * s->width);                                  \
    }
UNARY(silu)
UNARY(gelu)
UNARY(gelu_tanh)
UNARY(quick_gelu)
UNARY(relu)

#define BINARY(kernel)                                                                             \
    static const bench_shape shapes_##kernel[] = {{1, 4096, 0, MMN_WEIGHT_F32}};                   \
                                                                                                   \
    static void run_##kernel(const mmn_kernels *kernels, const bench_arrays *a,                    \
                             const bench_shape *s)                                                 \
    {                                                                                              \
        kernels->kernel(a->output, a->input, a->weight, s->rows * s->width);                       \
    }
BINARY(add)
BINARY(multiply)

static const bench_shape shapes_widen[] = {{1, 4096, 0, MMN_WEIGHT_BF16},
                                           {1, 4096, 0, MMN_WEIGHT_F16},
                                           {1, 4096, 0, MMN_WEIGHT_F32}};

static void run_widen(const mmn_kernels *kernels, const bench_arrays *a, const bench_shape *s)
{
    kernels->widen(a->output, a->stored, s->type, s->rows * s->width);
}

static const bench_shape shapes_narrow[] = {{1, 4096, 0, MMN_WEIGHT_BF16},
                                            {1, 4096, 0, MMN_WEIGHT_F16},
                                            {1, 4096, 0, MMN_WEIGHT_F32}};

static void run_narrow(const mmn_kernels *kernels, const bench_arrays *a, const bench_shape *s)
{
    kernels->narrow(a->output, s->type, a->input, s->rows * s->width);
}

static const bench_shape shapes_count_active[] = {{16, 11008, 0, MMN_WEIGHT_F32}};

static void run_count_active(const mmn_kernels *kernels, const bench_arrays *a,
                             const bench_shape *s)
{
    kernels->count_active(a->active, a->sum, a->input, s->width, s->rows, s->width);
}

static const bench_shape shapes_log_f64[] = {{1, 4096, 0, MMN_WEIGHT_F32}};

static void run_log_f64(const mmn_kernels *kernels, const bench_arrays *a, const bench_shape *s)
{
    kernels->log_f64(a->logarithms + s->width, a->logarithms, s->rows * s->width);
}

/* From 640 to 336 pixels of three channels; an element is a channel of an output pixel. */
enum { INPUT_PIXELS = 640, CHANNELS = 3 };
static const bench_shape shapes_resize_horizontal[] = {{32, CHANNELS * 336, 0, MMN_WEIGHT_F32}};

static void run_resize_horizontal(const mmn_kernels *kernels, const bench_arrays *a,
                                  const bench_shape *s)
{
    kernels->resize_horizontal(a->resized, s->width / CHANNELS, a->pixels, INPUT_PIXELS, s->rows,
                               CHANNELS, a->coefficients, MOST_TAPS, a->starts, a->lengths);
}

static const bench_shape shapes_resize_vertical[] = {{336, CHANNELS * 336, 0, MMN_WEIGHT_F32}};

static void run_resize_vertical(const mmn_kernels *kernels, const bench_arrays *a,
                                const bench_shape *s)
{
    kernels->resize_vertical(a->resized, s->rows, a->pixels, s->width, a->coefficients, MOST_TAPS,
                             a->starts, a->lengths);
}

static const struct {
    const char *name;
    const bench_shape *shapes;
    size_t shape_count;
    void (*run)(const mmn_kernels *kernels, const bench_arrays *a, const bench_shape *s);
} benches[] = {
#define BENCH_LINE(kernel, arguments)                                                              \
    {#kernel, shapes_##kernel, sizeof shapes_##kernel / sizeof *shapes_##kernel, run_##kernel},
    MMN_KERNELS(BENCH_LINE)
};
enum { BENCHES = sizeof benches / sizeof *benches };

/* --- arrays --- */

static float *make_values(size_t count, uint64_t *state)
{
    float *values = mmn_allocate(count, sizeof *values, NULL);

    for (size_t i = 0; values && i < count; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        values[i] = (float)(int32_t)(*state >> 32) * 0x1p-29f;
    }
    return values;
}

/* False without memory. It is never freed: the program ends with the arrays. */
static bool make_arrays(bench_arrays *a)
{
    size_t scratch = mmn_attention_task_scratch(MOST_KEYS);
    size_t pixel_bytes = (size_t)CHANNELS * INPUT_PIXELS * INPUT_PIXELS;
    uint64_t state = 1;

    if (scratch < MMN_MATRIX_PRODUCT_SCRATCH)
        scratch = MMN_MATRIX_PRODUCT_SCRATCH;
    a->output = make_values(MOST_VALUES, &state);
    a->input = make_values(MOST_VALUES, &state);
    a->weight = make_values(MOST_WEIGHTS, &state);
    a->stored = mmn_allocate(MOST_WEIGHTS, sizeof(float), NULL);
    a->scratch = mmn_allocate(scratch, sizeof(float), NULL);
    a->logarithms = mmn_allocate(MOST_VALUES, sizeof(double), NULL);
    a->active = mmn_allocate(MOST_VALUES, sizeof(int64_t), NULL);
    a->sum = mmn_allocate(MOST_VALUES, sizeof(int64_t), NULL);
    a->pixels = mmn_allocate(pixel_bytes, 1, NULL);
    a->resized = mmn_allocate(pixel_bytes, 1, NULL);
    if (!a->output || !a->input || !a->weight || !a->stored || !a->scratch || !a->logarithms ||
        !a->active || !a->sum || !a->pixels || !a->resized)
        return false;

    for (size_t i = 0; i < MOST_VALUES; i++)
        a->logarithms[i] = 1e-6 + (double)i / MOST_VALUES;
    for (size_t i = 0; i < pixel_bytes; i++)
        a->pixels[i] = (uint8_t)(i * 2654435761u >> 24);
    for (size_t i = 0; i < MOST_PIXELS; i++) {
        a->lengths[i] = MOST_TAPS;
        a->starts[i] = (int32_t)(i * (INPUT_PIXELS - MOST_TAPS) / MOST_PIXELS);
        for (size_t tap = 0; tap < MOST_TAPS; tap++)
            a->coefficients[i * MOST_TAPS + tap] = (1 << 22) / MOST_TAPS;
    }
    return true;
}

/* --- measuring --- */

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

/* Ticks of one call, from so many calls that the counter's own time does not matter. */
static double time_calls(size_t bench, const bench_shape *shape, const mmn_kernels *kernels,
                         const bench_arrays *arrays)
{
    for (size_t calls = 1;; calls *= 2) {
        double start = ticks();

        for (size_t i = 0; i < calls; i++)
            benches[bench].run(kernels, arrays, shape);
        double passed = ticks() - start;
        if (passed >= LEAST_TICKS)
            return passed / (double)calls;
    }
}

static void print_shape(const char *kernel, const bench_shape *s)
{
    static const char *const types[] = {"f32", "f16", "bf16"};

    printf("| %s | %zu x %zu", kernel, s->rows, s->width);
    if (s->depth > 0)
        printf(" x %zu", s->depth);
    if (strcmp(kernel, "matrix_product") == 0 || strcmp(kernel, "transposed_product") == 0 ||
        strcmp(kernel, "widen") == 0 || strcmp(kernel, "narrow") == 0)
        printf(" %s", types[s->type]);
    printf(" |");
}

static void run_shape(size_t bench, const bench_shape *shape, const mmn_kernels *const *tables,
                      size_t count, const bench_arrays *arrays, size_t rounds)
{
    static double times[TABLES][MOST_ROUNDS];
    double elements = (double)(shape->rows * shape->width * (shape->depth ? shape->depth : 1));

    /* So that in-place kernels and narrow, which write other bits, begin with numbers. */
    memcpy(arrays->output, arrays->input, MOST_VALUES * sizeof *arrays->output);
    mmn_kernels_reference()->narrow(arrays->stored, shape->type, arrays->weight, MOST_WEIGHTS);
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < count; i++)
            times[i][round] = time_calls(bench, shape, tables[i], arrays);
    print_shape(benches[bench].name, shape);
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

        if (table && (!wanted || table == mmn_kernels_reference() ||
                      table == mmn_kernels_select(wanted)))
            tables[count++] = table;
    }
    return count;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"simd", required_argument, NULL, 's'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {NULL, 0, NULL, 0}};
    static bench_arrays arrays;
    const mmn_kernels *tables[TABLES];
    const char *wanted = NULL;
    size_t rounds = 7;
    bench_machine machine;
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
    if (!make_arrays(&arrays)) {
        fprintf(stderr, "memory is short\n");
        return 1;
    }

    setvbuf(stdout, NULL, _IOLBF, 0);
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
    for (size_t bench = 0; bench < BENCHES; bench++)
        for (size_t i = 0; i < benches[bench].shape_count; i++)
            run_shape(bench, &benches[bench].shapes[i], tables, count, &arrays, rounds);
    return 0;
}
