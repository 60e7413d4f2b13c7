/* Tests of the matrix product and of attention against binary64 and against their definitions. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "kernels.h"
#include "numbers.h"

/* Rounds values to a stored type and stores them. */
static void *store(float *values, mmn_weight_type type, size_t count)
{
    const mmn_kernels *kernels = mmn_kernels_reference();
    void *stored = malloc(4 * count + 4);

    if (!stored)
        abort();
    kernels->narrow(stored, type, values, count);
    kernels->widen(values, stored, type, count);
    return stored;
}

/* The definition, one output at a time. */
static float defined_product(const float *x, const float *w, size_t depth, const float *bias)
{
    float total = 0.0f, chain = 0.0f;

    for (size_t k = 0; k < depth; k++) {
        if (k > 0 && k % 256 == 0) {
            total += chain;
            chain = 0.0f;
        }
        chain = fmaf(x[k], w[k], chain);
    }
    if (depth > 0)
        total += chain;
    return bias ? total + *bias : total;
}

/* Each product against its definition in bits, and against binary64 within the bound that every
 * order of operations with that many additions in a row keeps. */
static void check_product(mmn_weight_type type, size_t rows, size_t outputs, size_t depth,
                          _Bool with_bias)
{
    size_t output_stride = outputs + 3, weight_stride = depth + 7;
    float *input = make_values(rows * depth, 1);
    float *weight = make_values(outputs * weight_stride, 2);
    float *bias = make_values(outputs, 3);
    float *output = make_values(rows * output_stride, 4);
    float *untouched = make_values(rows * output_stride, 4);
    void *stored = store(weight, type, outputs * weight_stride);
    double steps = (double)(depth < 256 ? depth : 256) + (double)depth / 256 + 3.0;
    _Bool finite;

    mmn_kernels_reference()->matrix_product(output, output_stride, input, stored, type,
                                            weight_stride, with_bias ? bias : NULL, rows, outputs,
                                            depth, NULL, &finite);
    cr_expect(finite);
    for (size_t m = 0; m < rows; m++) {
        for (size_t n = 0; n < outputs; n++) {
            const float *x = input + m * depth, *w = weight + n * weight_stride;
            double truth = with_bias ? (double)bias[n] : 0.0, size = fabs(truth);
            float y = output[m * output_stride + n];

            for (size_t k = 0; k < depth; k++) {
                truth += (double)x[k] * (double)w[k];
                size += fabs((double)x[k] * (double)w[k]);
            }
            cr_assert(fabs((double)y - truth) <= steps * 0x1p-24 * size,
                      "type %d, depth %zu: %a, not %a", (int)type, depth, (double)y, truth);
            cr_assert(same_value(y, defined_product(x, w, depth, with_bias ? bias + n : NULL)),
                      "type %d, depth %zu, output %zu %zu", (int)type, depth, m, n);
        }
        cr_assert_eq(memcmp(output + m * output_stride + outputs,
                            untouched + m * output_stride + outputs, 3 * sizeof *output),
                     0, "written beyond the outputs");
    }
    free(input);
    free(weight);
    free(bias);
    free(output);
    free(untouched);
    free(stored);
}

Test(matrix_product, agrees_with_binary64)
{
    static const size_t depths[] = {0, 1, 2, 15, 16, 255, 256, 257, 511, 512, 513, 1000};
    static const mmn_weight_type types[] = {MMN_WEIGHT_F32, MMN_WEIGHT_F16, MMN_WEIGHT_BF16};

    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
        for (size_t j = 0; j < 3; j++)
            check_product(types[j], 1 + i % 3, 1 + 7 * j + i, depths[i], i % 2 == j % 2);
    check_product(MMN_WEIGHT_BF16, 3, 0, 10, 1);
    check_product(MMN_WEIGHT_BF16, 0, 5, 10, 0);
}

/* An f32 chain of 2^-24 added to 1 stays 1 within a panel; the next panel's sum of them counts. */
Test(matrix_product, has_panels_of_256)
{
    float input[512], weight[512], output;

    for (size_t k = 0; k < 512; k++) {
        input[k] = 1.0f;
        weight[k] = k == 0 ? 1.0f : 0x1p-24f;
    }
    void *stored = store(weight, MMN_WEIGHT_F32, 512);
    _Bool finite;
    mmn_kernels_reference()->matrix_product(&output, 1, input, stored, MMN_WEIGHT_F32, 512, NULL, 1,
                                            1, 512, NULL, &finite);
    cr_expect_eq(output, 1.0f + 0x1p-16f);
    free(stored);
}

Test(matrix_product, special_values)
{
    static const struct {
        float x[2], w[2], bias, y;
    } cases[] = {
        {{INFINITY, 1.0f}, {1.0f, 1.0f}, 0.0f, INFINITY},
        {{INFINITY, 1.0f}, {0.0f, 1.0f}, 0.0f, NAN},
        {{INFINITY, INFINITY}, {1.0f, -1.0f}, 0.0f, NAN},
        {{NAN, 1.0f}, {0.0f, 1.0f}, 0.0f, NAN},
        {{-0.0f, -0.0f}, {1.0f, 1.0f}, -0.0f, 0.0f},
        {{0x1p-149f, 0.0f}, {1.0f, 1.0f}, 0.0f, 0x1p-149f},
        {{0x1p-126f, 0.0f}, {0.5f, 1.0f}, 0.0f, 0x1p-127f},
        {{0x1p-75f, 0x1p-75f}, {0x1p-75f, 0x1p-74f}, 0.0f, 0x1p-149f},
        {{FLT_MAX, FLT_MAX}, {2.0f, -2.0f}, 0.0f, INFINITY},
        {{1.0f, 1.0f}, {1.0f, 1.0f}, NAN, NAN},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float weight[2] = {cases[i].w[0], cases[i].w[1]}, output;
        void *stored = store(weight, MMN_WEIGHT_F32, 2);
        _Bool finite;

        mmn_kernels_reference()->matrix_product(&output, 1, cases[i].x, stored, MMN_WEIGHT_F32, 2,
                                                &cases[i].bias, 1, 1, 2, NULL, &finite);
        cr_expect_eq(finite, isfinite(cases[i].y) != 0, "case %zu", i);
        cr_expect(same_value(output, cases[i].y), "case %zu: %a", i, (double)output);
        free(stored);
    }
}

/* --- transposed product --- */

/* The bits of the matrix product with the transpose, whose definition is tested above. */
static void check_transposed(mmn_weight_type type, size_t rows, size_t outputs, size_t depth)
{
    size_t output_stride = outputs + 3, weight_stride = outputs + 7;
    float *weight = make_values(depth * weight_stride, 22);
    float *packed = make_values(rows * depth, 21);
    float *transpose = make_values(outputs * depth, 23);
    float *output = make_values(rows * output_stride, 24);
    float *expected = make_values(rows * output_stride, 24);
    void *stored = store(weight, type, depth * weight_stride);

    for (size_t n = 0; n < outputs; n++)
        for (size_t k = 0; k < depth; k++)
            transpose[n * depth + k] = weight[k * weight_stride + n];
    _Bool finite;
    void *stored_transpose = store(transpose, MMN_WEIGHT_F32, outputs * depth);
    mmn_kernels_reference()->transposed_product(output, output_stride, packed, stored, type,
                                                weight_stride, rows, outputs, depth, NULL);
    mmn_kernels_reference()->matrix_product(expected, output_stride, packed, stored_transpose,
                                            MMN_WEIGHT_F32, depth, NULL, rows, outputs, depth, NULL,
                                            &finite);
    cr_expect_eq(memcmp(output, expected, rows * output_stride * sizeof *output), 0,
                 "type %d, %zu x %zu x %zu", (int)type, rows, outputs, depth);
    free(weight);
    free(packed);
    free(transpose);
    free(output);
    free(expected);
    free(stored);
    free(stored_transpose);
}

Test(transposed_product, is_the_product_with_the_transpose)
{
    static const size_t depths[] = {0, 1, 255, 256, 257, 513};
    static const mmn_weight_type types[] = {MMN_WEIGHT_F32, MMN_WEIGHT_F16, MMN_WEIGHT_BF16};

    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
        for (size_t j = 0; j < 3; j++)
            check_transposed(types[j], 1 + j, 1 + 15 * i + j, depths[i]);
    check_transposed(MMN_WEIGHT_BF16, 2, 0, 10);
    check_transposed(MMN_WEIGHT_BF16, 0, 5, 10);
}

/* --- the product in binary64 --- */

/* Against its definition in bits, and against long double within the bound of its additions; added
 * to the output's own number. */
static void check_f64(size_t rows, size_t outputs, size_t depth)
{
    double *a = calloc(depth * (rows + 2) + 1, sizeof *a);
    double *b = calloc(depth * (outputs + 1) + 1, sizeof *b);
    double *output = calloc(rows * (outputs + 3) + 1, sizeof *output);
    float *numbers = make_values(depth * (rows + outputs + 3) + 1, 31);

    if (!a || !b || !output)
        abort();
    for (size_t i = 0; i < depth * (rows + 2); i++)
        a[i] = (double)numbers[i] / 3;
    for (size_t i = 0; i < depth * (outputs + 1); i++)
        b[i] = (double)numbers[depth * (rows + 2) + i] / 7;
    for (size_t i = 0; i < rows * (outputs + 3); i++)
        output[i] = (double)(i % (outputs + 3));
    mmn_kernels_reference()->product_f64(output, outputs + 3, a, rows + 2, b, outputs + 1, rows,
                                         outputs, depth, NULL);
    for (size_t m = 0; m < rows; m++)
        for (size_t n = 0; n < outputs; n++) {
            double total = (double)n, chain = 0.0;
            long double exact = (long double)n, magnitude = (long double)n;

            for (size_t k = 0; k < depth; k++) {
                double x = a[k * (rows + 2) + m], y = b[k * (outputs + 1) + n];

                chain = fma(x, y, k % 256 == 0 ? 0.0 : chain);
                if (k % 256 == 255 || k + 1 == depth)
                    total += chain;
                exact += (long double)x * (long double)y;
                magnitude += fabsl((long double)x * (long double)y);
            }
            cr_expect_eq(output[m * (outputs + 3) + n], total, "%zu x %zu x %zu", rows, outputs,
                         depth);
            cr_expect_leq(fabsl((long double)total - exact), 260 * 0x1p-53L * magnitude);
        }
    free(a);
    free(b);
    free(output);
    free(numbers);
}

Test(product_f64, is_the_definition)
{
    static const size_t depths[] = {0, 1, 255, 256, 257, 513};

    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
        check_f64(1 + i, 7 * i + 1, depths[i]);
    check_f64(0, 5, 10);
    check_f64(2, 0, 10);
}

/* --- attention --- */

typedef struct heads {
    float *query, *keys, *values, *output, *scores, *bias;
    size_t key_stride;
    mmn_key_span *spans;
    mmn_attention_task task;
} heads;

/* Keys and values as three spans of their own places in memory, one of them empty. */
static mmn_key_span *cut(const heads *h, size_t key_count, size_t stride)
{
    size_t first = key_count / 3, rest = key_count - first;
    mmn_key_span *spans = calloc(3, sizeof *spans);

    if (!spans)
        abort();
    spans[0] = (mmn_key_span){h->keys, h->values, first, stride, 0};
    spans[2] =
        (mmn_key_span){h->keys + first * stride, h->values + first * stride, rest, stride, 0};
    return spans;
}

static heads make_heads(size_t rows, size_t key_count, size_t head_dim, size_t first_position,
                        size_t window, _Bool causal)
{
    size_t stride = head_dim + 3;
    heads h = {
        .query = make_values(rows * stride, 5),
        .keys = make_values(key_count * stride, 6),
        .values = make_values(key_count * stride, 7),
        .output = make_values(rows * stride, 8),
        .scores = make_values(key_count, 9),
        .bias = make_values(rows * (key_count + 1), 10),
        .key_stride = stride,
    };
    h.spans = cut(&h, key_count, stride);

    h.task = (mmn_attention_task){
        .query = h.query,
        .query_stride = stride,
        .spans = h.spans,
        .output = h.output,
        .output_stride = stride,
        .rows = rows,
        .key_count = key_count,
        .head_dim = head_dim,
        .scale = 1.5f,
        .causal = causal,
        .first_position = first_position,
        .window = window,
        .scratch = h.scores,
    };
    return h;
}

static void free_heads(heads *h)
{
    free(h->query);
    free(h->keys);
    free(h->values);
    free(h->output);
    free(h->scores);
    free(h->bias);
    free(h->spans);
}

static _Bool sees(const mmn_attention_task *task, size_t row, size_t key)
{
    size_t position = task->first_position + row;

    if (!task->causal)
        return 1;
    return key <= position && (task->window == 0 || key + task->window > position);
}

/* The greatest difference from attention in binary64. */
static double attention_error(const heads *h)
{
    const mmn_attention_task *task = &h->task;
    double greatest = 0.0;
    double *weights = malloc(task->key_count * sizeof *weights);

    if (!weights)
        abort();
    for (size_t row = 0; row < task->rows; row++) {
        double sum = 0.0;

        for (size_t key = 0; key < task->key_count; key++) {
            double score = 0.0;
            for (size_t i = 0; i < task->head_dim; i++)
                score += (double)task->query[row * task->query_stride + i] *
                         (double)h->keys[key * h->key_stride + i];
            if (task->bias)
                score += (double)task->bias[row * task->bias_stride + key];
            score = score * (double)task->scale + (double)task->alibi_slope * (double)key;
            weights[key] = sees(task, row, key) ? exp(score) : 0.0;
            sum += weights[key];
        }
        for (size_t i = 0; i < task->head_dim; i++) {
            double truth = 0.0;
            for (size_t key = 0; key < task->key_count; key++)
                truth += weights[key] / sum * (double)h->values[key * h->key_stride + i];
            greatest =
                fmax(greatest, fabs((double)task->output[row * task->output_stride + i] - truth));
        }
    }
    free(weights);
    return greatest;
}

Test(attention, agrees_with_binary64)
{
    static const struct {
        size_t rows, key_count, head_dim, first_position, window;
        _Bool causal;
        float alibi_slope;
        _Bool bias;
    } cases[] = {
        {1, 1, 1, 0, 0, 1, 0, 0},         {7, 7, 16, 0, 0, 1, 0, 0},
        {5, 5, 88, 0, 0, 0, 0, 0},        {40, 40, 13, 0, 9, 1, 0, 0},
        {3, 300, 8, 297, 0, 1, 0, 0},     {3, 600, 8, 597, 300, 1, 0, 0},
        {2, 530, 64, 528, 1, 1, 0, 0},    {1, 20, 300, 19, 0, 1, 0, 0},
        {4, 577, 64, 0, 0, 0, 0, 0},      {20, 20, 16, 0, 0, 1, 0.5f, 0},
        {2, 30, 8, 28, 0, 1, 0x1p-8f, 0}, {5, 60, 24, 55, 9, 1, 0.25f, 0},
        {33, 33, 64, 0, 0, 0, 0, 1},      {3, 300, 8, 297, 0, 1, 0, 1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        heads h = make_heads(cases[i].rows, cases[i].key_count, cases[i].head_dim,
                             cases[i].first_position, cases[i].window, cases[i].causal);

        h.task.alibi_slope = cases[i].alibi_slope;
        h.task.bias = cases[i].bias ? h.bias : NULL;
        h.task.bias_stride = cases[i].key_count + 1;
        mmn_kernels_reference()->attention(&h.task);
        /* Scores reach some 10, each with an error of 2^-24 of that, and probabilities sum to 1. */
        double error = attention_error(&h);
        cr_expect(error < 4e-6, "case %zu: error %g", i, error);
        free_heads(&h);
    }
}

/* Rows computed together, one at a time, and with only the keys up to them: the same bits. */
static void check_rows_alone(size_t window)
{
    enum { ROWS = 290, HEAD = 24 };
    heads together = make_heads(ROWS, ROWS, HEAD, 0, window, 1);
    heads alone = make_heads(ROWS, ROWS, HEAD, 0, window, 1);

    mmn_kernels_reference()->attention(&together.task);
    for (size_t row = 0; row < ROWS; row++) {
        mmn_attention_task task = alone.task;

        task.query += row * task.query_stride;
        task.output += row * task.output_stride;
        task.rows = 1;
        task.first_position = row;
        task.key_count = row + 1;
        mmn_kernels_reference()->attention(&task);
    }
    cr_expect_eq(
        memcmp(together.output, alone.output, ROWS * together.task.output_stride * sizeof(float)),
        0, "window %zu", window);
    free_heads(&together);
    free_heads(&alone);
}

Test(attention, spans_change_no_bit)
{
    heads cut = make_heads(40, 300, 24, 260, 0, 1), whole = make_heads(40, 300, 24, 260, 0, 1);
    whole.spans[0] = (mmn_key_span){whole.keys, whole.values, 300, whole.key_stride, 0};

    mmn_kernels_reference()->attention(&cut.task);
    mmn_kernels_reference()->attention(&whole.task);
    cr_expect_eq(memcmp(cut.output, whole.output, 40 * cut.task.output_stride * sizeof(float)), 0);
    free_heads(&cut);
    free_heads(&whole);
}

Test(attention, prefill_is_decoding)
{
    check_rows_alone(0);
    check_rows_alone(20);
    check_rows_alone(270);
}

/* What stands outside the window has no influence, not even NaN. */
Test(attention, does_not_read_hidden_keys)
{
    heads clean = make_heads(2, 50, 8, 40, 10, 1), dirty = make_heads(2, 50, 8, 40, 10, 1);

    for (size_t key = 0; key < 50; key++)
        for (size_t i = 0; i < 8 && (key < 31 || key > 41); i++)
            dirty.keys[key * dirty.key_stride + i] = dirty.values[key * dirty.key_stride + i] = NAN;
    mmn_kernels_reference()->attention(&clean.task);
    mmn_kernels_reference()->attention(&dirty.task);
    cr_expect_eq(memcmp(clean.output, dirty.output, 2 * clean.task.output_stride * sizeof(float)),
                 0);
    free_heads(&clean);
    free_heads(&dirty);
}

Test(attention, nan_stays_in_its_row)
{
    heads h = make_heads(2, 4, 8, 2, 0, 1);

    h.keys[3 * h.key_stride] = NAN;
    mmn_kernels_reference()->attention(&h.task);
    cr_expect(isfinite(h.output[0]));
    cr_expect(isnan(h.output[h.task.output_stride]));
    free_heads(&h);
}
