/* Compares every kernel table that this processor can run with the reference, bit for bit. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "../reference/numbers.h"
#include "kernels.h"

/* Random sizes, strides and values; among the values some that try rounding, range and NaN. */
enum { ROUNDS = 60 };

static size_t random_size(uint64_t *state, size_t limit)
{
    size_t size = next_random(state) % (limit + 1);

    return next_random(state) % 4 ? size : size / 16 * 16;
}

static float *make_mixed(size_t count, uint64_t *state)
{
    static const float extremes[] = {0.0f, -0.0f, 0x1p-149f, -0x1p-126f, FLT_MAX, INFINITY, NAN};
    _Bool extreme = next_random(state) % 4 == 0;
    float *values = make_values(count, next_random(state));

    for (size_t i = 0; extreme && i < count; i += 1 + next_random(state) % 50)
        values[i] = extremes[next_random(state) % (sizeof extremes / sizeof *extremes)];
    return values;
}

static float *make_scratch(size_t count)
{
    float *scratch = aligned_alloc(MMN_SCRATCH_ALIGNMENT, (count * sizeof(float) + 63) / 64 * 64);

    cr_assert_not_null(scratch);
    return scratch;
}

/* Writes into two arrays that begin alike; the second table's must end like the first's, also
 * where no output lies. */
typedef struct outputs {
    float *expected, *found;
    size_t count;
} outputs;

static outputs make_outputs(size_t count, uint64_t *state)
{
    uint64_t seed = next_random(state);

    return (outputs){make_values(count, seed), make_values(count, seed), count};
}

static void compare(outputs *o, const char *table, const char *kernel)
{
    for (size_t i = 0; i < o->count; i++)
        cr_assert(same_value(o->expected[i], o->found[i]), "%s: %s: element %zu: %a, not %a", table,
                  kernel, i, (double)o->found[i], (double)o->expected[i]);
    free(o->expected);
    free(o->found);
}

static void check_matrix_product(const mmn_kernels *table, uint64_t *state)
{
    mmn_weight_type type = (mmn_weight_type)(next_random(state) % 3);
    size_t rows = random_size(state, 20), columns = random_size(state, 70);
    size_t depth = random_size(state, 700);
    size_t output_stride = columns + random_size(state, 9), stride = depth + random_size(state, 9);
    float *input = make_mixed(rows * stride, state), *weight = make_mixed(columns * stride, state);
    float *bias = next_random(state) % 2 ? make_mixed(columns, state) : NULL;
    uint8_t *stored = malloc(4 * columns * stride + 1);
    float *scratch = make_scratch(MMN_MATRIX_PRODUCT_SCRATCH);
    outputs o = make_outputs(rows * output_stride, state);

    cr_assert_not_null(stored);
    mmn_kernels_reference()->narrow(stored + 1, type, weight, columns * stride);
    mmn_kernels_reference()->matrix_product(o.expected, output_stride, input, stride, stored + 1,
                                            type, stride, bias, rows, columns, depth,
                                            NULL);
    table->matrix_product(o.found, output_stride, input, stride, stored + 1, type, stride, bias,
                          rows, columns, depth, scratch);
    compare(&o, table->name, "matrix_product");
    free(input);
    free(weight);
    free(bias);
    free(scratch);
    free(stored);
}

static void check_attention(const mmn_kernels *table, uint64_t *state)
{
    size_t rows = 1 + random_size(state, 20), keys = rows + random_size(state, 600);
    size_t head_dim = random_size(state, 140), stride = head_dim + random_size(state, 9);
    float *query = make_mixed(rows * stride, state), *key = make_mixed(keys * stride, state);
    float *value = make_mixed(keys * stride, state), *scratch = make_scratch(mmn_attention_task_scratch(keys));
    outputs o = make_outputs(rows * stride, state);
    mmn_attention_task task = {
        .query = query,
        .query_stride = stride,
        .keys = key,
        .key_stride = stride,
        .values = value,
        .value_stride = stride,
        .output = o.expected,
        .output_stride = stride,
        .rows = rows,
        .key_count = keys,
        .head_dim = head_dim,
        .scale = 0.3f,
        .causal = next_random(state) % 4 > 0,
        .first_position = keys - rows,
        .window = next_random(state) % 2 ? 1 + random_size(state, 300) : 0,
        .scratch = scratch,
    };

    mmn_kernels_reference()->attention(&task);
    task.output = o.found;
    table->attention(&task);
    compare(&o, table->name, "attention");
    free(query);
    free(key);
    free(value);
    free(scratch);
}

static void check_rows(const mmn_kernels *table, uint64_t *state)
{
    const mmn_kernels *reference = mmn_kernels_reference();
    size_t rows = random_size(state, 5), width = 1 + random_size(state, 300), count = rows * width;
    float *input = make_mixed(count, state), *weight = make_mixed(width, state);
    outputs o = make_outputs(count, state);

    reference->rms_norm(o.expected, input, weight, rows, width, 1e-6f);
    table->rms_norm(o.found, input, weight, rows, width, 1e-6f);
    compare(&o, table->name, "rms_norm");

    o = make_outputs(count, state);
    reference->layer_norm(o.expected, input, weight, weight, rows, width, 1e-6f);
    table->layer_norm(o.found, input, weight, weight, rows, width, 1e-6f);
    compare(&o, table->name, "layer_norm");

    o = make_outputs(count, state);
    if (count > 0) {
        memcpy(o.expected, input, count * sizeof *input);
        memcpy(o.found, input, count * sizeof *input);
    }
    reference->softmax(o.expected, rows, width);
    table->softmax(o.found, rows, width);
    compare(&o, table->name, "softmax");
    free(input);
    free(weight);
}

static void check_rope(const mmn_kernels *table, uint64_t *state)
{
    const mmn_kernels *reference = mmn_kernels_reference();
    size_t rows = random_size(state, 5), heads = random_size(state, 3);
    size_t half = 1 + random_size(state, 64), stride = heads * 2 * half + 1;
    size_t first = next_random(state) % 100000;
    outputs cosine = make_outputs(rows * half, state), sine = make_outputs(rows * half, state);
    outputs o = make_outputs(rows * stride, state);

    reference->rope_table(cosine.expected, sine.expected, first, rows, 2 * half, 1e4);
    table->rope_table(cosine.found, sine.found, first, rows, 2 * half, 1e4);
    reference->rope(o.expected, stride, cosine.expected, sine.expected, rows, heads, 2 * half);
    table->rope(o.found, stride, cosine.expected, sine.expected, rows, heads, 2 * half);
    compare(&cosine, table->name, "rope_table");
    compare(&sine, table->name, "rope_table");
    compare(&o, table->name, "rope");
}

static void check_elementwise(const mmn_kernels *table, uint64_t *state)
{
    const mmn_kernels *reference = mmn_kernels_reference();
    size_t count = random_size(state, 300);
    float *a = make_mixed(count, state), *b = make_mixed(count, state);
    outputs o;

    for (size_t i = 0; i < count; i++)
        a[i] *= 40.0f;
#define CHECK_UNARY(kernel)                                                                        \
    o = make_outputs(count, state);                                                                \
    reference->kernel(o.expected, a, count);                                                       \
    table->kernel(o.found, a, count);                                                              \
    compare(&o, table->name, #kernel);
    CHECK_UNARY(silu)
    CHECK_UNARY(gelu)
    CHECK_UNARY(gelu_tanh)
    CHECK_UNARY(quick_gelu)
    CHECK_UNARY(relu)
#undef CHECK_UNARY
    o = make_outputs(count, state);
    reference->add(o.expected, a, b, count);
    table->add(o.found, a, b, count);
    compare(&o, table->name, "add");
    o = make_outputs(count, state);
    reference->multiply(o.expected, a, b, count);
    table->multiply(o.found, a, b, count);
    compare(&o, table->name, "multiply");
    free(a);
    free(b);
}

static void check_log(const mmn_kernels *table, uint64_t *state)
{
    enum { COUNT = 37 };
    double input[COUNT], expected[COUNT], found[COUNT];

    for (size_t i = 0; i < COUNT; i++)
        input[i] = mmn_f64_of_bits((uint64_t)next_random(state) << 31 | i);
    mmn_kernels_reference()->log_f64(expected, input, COUNT);
    table->log_f64(found, input, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        cr_assert(isnan(expected[i]) ? isnan(found[i])
                                     : mmn_bits_f64(expected[i]) == mmn_bits_f64(found[i]),
                  "%s: log_f64 of %a", table->name, input[i]);
}

static void check_conversions(const mmn_kernels *table, uint64_t *state)
{
    mmn_weight_type type = (mmn_weight_type)(next_random(state) % 3);
    size_t count = random_size(state, 200);
    uint8_t stored[2][4 * 200 + 1];
    float bits[200];
    outputs o = make_outputs(count, state);

    for (size_t i = 0; i < count; i++)
        bits[i] = mmn_f32_of_bits(next_random(state));
    memset(stored, 0, sizeof stored);
    mmn_kernels_reference()->narrow(stored[0] + 1, type, bits, count);
    table->narrow(stored[1] + 1, type, bits, count);
    cr_assert_eq(memcmp(stored[0], stored[1], sizeof stored[0]), 0, "%s: narrow", table->name);
    mmn_kernels_reference()->widen(o.expected, stored[0] + 1, type, count);
    table->widen(o.found, stored[0] + 1, type, count);
    compare(&o, table->name, "widen");
}

static void check_count(const mmn_kernels *table, uint64_t *state)
{
    size_t rows = random_size(state, 9), neurons = random_size(state, 100), stride = neurons + 3;
    float *values = make_mixed(rows * stride, state);
    int64_t active[2][100] = {{0}}, sum[2][100] = {{0}};

    mmn_kernels_reference()->count_active(active[0], sum[0], values, stride, rows, neurons);
    table->count_active(active[1], sum[1], values, stride, rows, neurons);
    cr_assert_eq(memcmp(active[0], active[1], sizeof active[0]), 0, "%s: count_active",
                 table->name);
    cr_assert_eq(memcmp(sum[0], sum[1], sizeof sum[0]), 0, "%s: count_active", table->name);
    free(values);
}

static void check_resize(const mmn_kernels *table, uint64_t *state)
{
    enum { INPUT = 40, OUTPUT = 17, TAPS = 7, CHANNELS = 3, ROWS = 3 };
    static uint8_t input[INPUT * INPUT * CHANNELS], output[2][INPUT * OUTPUT * CHANNELS];
    int32_t coefficients[OUTPUT * TAPS], starts[OUTPUT], lengths[OUTPUT];

    for (size_t i = 0; i < sizeof input; i++)
        input[i] = (uint8_t)(next_random(state) >> 24);
    for (size_t i = 0; i < OUTPUT * TAPS; i++)
        coefficients[i] = (int32_t)(next_value(state) * 0x1p21f);
    for (size_t x = 0; x < OUTPUT; x++) {
        lengths[x] = 1 + (int32_t)(next_random(state) % TAPS);
        starts[x] = (int32_t)(next_random(state) % (INPUT - TAPS));
    }
    memset(output, 0, sizeof output);
    mmn_kernels_reference()->resize_horizontal(output[0], OUTPUT, input, INPUT, ROWS, CHANNELS,
                                               coefficients, TAPS, starts, lengths);
    table->resize_horizontal(output[1], OUTPUT, input, INPUT, ROWS, CHANNELS, coefficients, TAPS,
                             starts, lengths);
    cr_assert_eq(memcmp(output[0], output[1], sizeof output[0]), 0, "%s: resize_horizontal",
                 table->name);
    mmn_kernels_reference()->resize_vertical(output[0], OUTPUT, input, INPUT * CHANNELS,
                                             coefficients, TAPS, starts, lengths);
    table->resize_vertical(output[1], OUTPUT, input, INPUT * CHANNELS, coefficients, TAPS, starts,
                           lengths);
    cr_assert_eq(memcmp(output[0], output[1], sizeof output[0]), 0, "%s: resize_vertical",
                 table->name);
}

typedef void (*check)(const mmn_kernels *table, uint64_t *state);

static void for_every_table(check check_table)
{
    for (const char *const *name = mmn_kernels_names(); *name; name++) {
        const mmn_kernels *table = mmn_kernels_select(*name);
        uint64_t state = 1;

        for (int round = 0; table && round < ROUNDS; round++)
            check_table(table, &state);
    }
}

Test(tables, matrix_product)
{
    for_every_table(check_matrix_product);
}

Test(tables, attention)
{
    for_every_table(check_attention);
}

Test(tables, rows)
{
    for_every_table(check_rows);
}

Test(tables, rope)
{
    for_every_table(check_rope);
}

Test(tables, elementwise)
{
    for_every_table(check_elementwise);
}

Test(tables, log)
{
    for_every_table(check_log);
}

Test(tables, conversions)
{
    for_every_table(check_conversions);
}

Test(tables, count)
{
    for_every_table(check_count);
}

Test(tables, resize)
{
    for_every_table(check_resize);
}

Test(tables, names)
{
    const char *const *names = mmn_kernels_names();

    cr_assert_str_eq(names[0], "reference");
    cr_expect_eq(mmn_kernels_select("reference"), mmn_kernels_reference());
    cr_expect_null(mmn_kernels_select("no such table"));
    cr_expect_not_null(mmn_kernels_select(NULL));
    cr_expect_eq(mmn_kernels_select("auto"), mmn_kernels_select(NULL));
    for (; *names; names++)
        if (mmn_kernels_select(*names))
            cr_expect_str_eq(mmn_kernels_select(*names)->name, *names);
}

/* No pointer of a table is missing. */
Test(tables, are_complete)
{
    for (const char *const *name = mmn_kernels_names(); *name; name++) {
        const mmn_kernels *table = mmn_kernels_select(*name);

#define CHECK_KERNEL(kernel, arguments) cr_expect(table->kernel != NULL, "%s: " #kernel, *name);
        if (table) {
            MMN_KERNELS(CHECK_KERNEL)
        }
#undef CHECK_KERNEL
    }
}
