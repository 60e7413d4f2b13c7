/* Checks of the matrix products and of attention. */
#include <math.h>
#include <string.h>

#include "checks.h"

/* Multiply-adds of one trial: the reference takes some milliseconds. The widest row of weights is
 * one that is timed. */
enum { MOST_WORK = 400000, WIDEST = 4096 };

static size_t at_most(size_t size, size_t limit)
{
    return size < limit ? size : limit;
}

/* --- packed input --- */

/* Where number k of row m lies, after what kernels.h says of strips. */
static size_t packed_place(size_t strip_rows, size_t rows, size_t depth, size_t m, size_t k)
{
    size_t first = m / strip_rows * strip_rows;

    return first * depth + k * at_most(strip_rows, rows - first) + (m - first);
}

void check_pack_input(trial *t)
{
    size_t rows = trial_rows(t, trial_size(t, 0, 50)),
           depth = trial_depth(t, trial_size(t, 0, 300));
    size_t stride = trial_stride(t, depth);
    float *input = trial_values(t, "input", rows, depth, stride, 1.0f);

    trial_say(t, "rows %zu, depth %zu, stride %zu, strips of %zu", rows, depth, stride,
              t->table->strip_rows);
    grid packed =
        trial_grid(t, "packed", GRID_FLOATS, sizeof(float), 1, rows * depth, rows * depth);
    float *expected = packed.expected;
    for (size_t m = 0; m < rows; m++)
        for (size_t k = 0; k < depth; k++)
            expected[packed_place(t->table->strip_rows, rows, depth, m, k)] = input[m * stride + k];
    TRIAL_CALL(t, t->table->pack_input(packed.found, input, stride, rows, depth));
    trial_compare(t, &packed);
}

/* --- matrix product --- */

typedef struct product {
    size_t rows, outputs, depth, weight_stride;
    mmn_weight_type type;
    const float *input, *bias; /* input: packed by the kernels that multiply */
    const uint8_t *weight;
    float *scratch;
} product;

/* One of the three is large, or two of them are middling. */
static void choose_sizes(trial *t, product *p)
{
    if (t->timed) {
        p->rows = t->timed->rows;
        p->outputs = t->timed->width;
        p->depth = t->timed->depth;
        return;
    }
    switch (trial_below(t, 5)) {
    case 0:
        p->depth = trial_size(t, 0, 1100);
        p->rows = trial_size(t, 0, 14);
        p->outputs = trial_size(t, 0, 40);
        break;
    case 1:
        p->outputs = trial_size(t, 0, 200);
        p->rows = trial_size(t, 0, 50);
        p->depth = trial_size(t, 0, 60);
        break;
    case 2: /* many rows, and more outputs than a block has */
        p->rows = 380 + trial_below(t, 10);
        p->outputs = trial_size(t, 0, 300);
        p->depth = trial_size(t, 0, 15);
        break;
    case 3: /* more panels than a block has */
        p->rows = 140 + trial_below(t, 30);
        p->outputs = trial_size(t, 1, 2);
        p->depth = 1000 + trial_below(t, 400);
        break;
    default:
        p->rows = trial_size(t, 0, 50);
        p->outputs = trial_size(t, 0, 130);
        p->depth = trial_size(t, 0, 600);
        break;
    }
    if (p->rows * p->outputs * p->depth > MOST_WORK && p->rows < 100)
        p->rows = trial_size(t, 0, at_most(13, MOST_WORK / p->outputs / p->depth));
}

/* In every other trial of a few rows those of the weights are a multiple of 4 KiB apart, as in most
 * models: they then want the same places of a cache. */
static size_t choose_stride(trial *t, const product *p)
{
    enum { APART = 2048 };

    return !t->timed && p->rows < 14 && p->depth <= APART && trial_below(t, 2)
               ? APART
               : trial_stride(t, p->depth);
}

static const uint8_t *make_weights(trial *t, const product *p)
{
    size_t size = mmn_weight_size(p->type);
    size_t count = p->outputs > 0 ? (p->outputs - 1) * p->weight_stride + p->depth : 0;
    uint8_t *stored = trial_misaligned(t, "weight", count * size);
    float row[WIDEST];

    for (size_t n = 0; n < p->outputs; n++) {
        size_t place = n * p->weight_stride;

        for (size_t i = 0; i < p->weight_stride; i++)
            row[i] = NAN;
        trial_fill(t, row, p->depth, 1.0f);
        t->reference->narrow(stored + place * size, p->type, row,
                             at_most(p->weight_stride, count - place));
    }
    return stored;
}

/* The product of some rows, whole strips, with some of the outputs. Returns whether these are said
 * to be finite. */
static _Bool multiply(const mmn_kernels *kernels, const product *p, float *output, size_t stride,
                      size_t row, size_t rows, size_t first, size_t outputs)
{
    const uint8_t *weight = p->weight + first * p->weight_stride * mmn_weight_size(p->type);
    const float *bias = p->bias ? p->bias + first : NULL;
    _Bool finite;

    kernels->matrix_product(output + row * stride + first, stride, p->input + row * p->depth,
                            weight, p->type, p->weight_stride, bias, rows, outputs, p->depth,
                            p->scratch, &finite);
    return finite;
}

/* The product with its input in the table's strips, packed in up to two pieces. */
static product packed_for_table(trial *t, const product *p)
{
    product q = *p;
    const size_t strips = p->rows / t->table->strip_rows;
    const size_t row = trial_below(t, strips + 1) * t->table->strip_rows;
    float *packed = trial_bytes(t, "packed", p->rows * p->depth, sizeof *packed);

    t->table->pack_input(packed, p->input, p->depth, row, p->depth);
    t->table->pack_input(packed + row * p->depth, p->input + row * p->depth, p->depth,
                         p->rows - row, p->depth);
    q.input = p->rows == 1 && trial_below(t, 2) ? p->input : packed;
    return q;
}

void check_matrix_product(trial *t)
{
    product p = {.type = trial_type(t)};

    choose_sizes(t, &p);
    p.weight_stride = choose_stride(t, &p);
    p.input = trial_values(t, "input", p.rows, p.depth, p.depth, 1.0f);
    p.weight = make_weights(t, &p);
    p.bias = trial_below(t, 2) ? trial_values(t, "bias", 1, p.outputs, p.outputs, 1.0f) : NULL;
    p.scratch = trial_scratch(t, mmn_matrix_product_scratch(p.rows));
    size_t stride = trial_stride(t, p.outputs);
    size_t row = trial_below(t, p.rows + 1), first = trial_below(t, p.outputs + 1);
    product q = packed_for_table(t, &p);
    trial_say(t, "rows %zu, outputs %zu, depth %zu, strides %zu %zu, type %d, %s bias", p.rows,
              p.outputs, p.depth, stride, p.weight_stride, (int)p.type, p.bias ? "with" : "no");
    grid output = trial_grid(t, "output", GRID_FLOATS, sizeof(float), p.rows, p.outputs, stride);

    _Bool finite = multiply(t->reference, &p, output.expected, stride, 0, row, 0, first), found;
    finite &= multiply(t->reference, &p, output.expected, stride, row, p.rows - row, 0, first);
    finite &= multiply(t->reference, &p, output.expected, stride, 0, row, first, p.outputs - first);
    finite &= multiply(t->reference, &p, output.expected, stride, row, p.rows - row, first,
                       p.outputs - first);
    TRIAL_CALL(t, found = multiply(t->table, &q, output.found, stride, 0, p.rows, 0, p.outputs));
    if (!t->timed && found != finite)
        trial_fail(t, "what is said of infinite outputs and NaN differs");
    trial_compare(t, &output);
}

/* --- transposed product --- */

/* Weights [depth][outputs], with NaN between the rows. */
static const uint8_t *make_transposed_weights(trial *t, const product *p)
{
    size_t size = mmn_weight_size(p->type);
    size_t count = p->depth > 0 ? (p->depth - 1) * p->weight_stride + p->outputs : 0;
    uint8_t *stored = trial_misaligned(t, "weight", count * size);
    float row[WIDEST];

    for (size_t k = 0; k < p->depth; k++) {
        size_t place = k * p->weight_stride;

        for (size_t i = 0; i < p->weight_stride; i++)
            row[i] = NAN;
        trial_fill(t, row, p->outputs, 1.0f);
        t->reference->narrow(stored + place * size, p->type, row,
                             at_most(p->weight_stride, count - place));
    }
    return stored;
}

/* The product of some rows, whole strips, with some of the outputs. */
static void multiply_transposed(const mmn_kernels *kernels, const product *p, float *output,
                                size_t stride, size_t row, size_t rows, size_t first,
                                size_t outputs)
{
    kernels->transposed_product(output + row * stride + first, stride, p->input + row * p->depth,
                                p->weight + first * mmn_weight_size(p->type), p->type,
                                p->weight_stride, rows, outputs, p->depth, p->scratch);
}

void check_transposed_product(trial *t)
{
    product p = {.type = trial_type(t)};

    choose_sizes(t, &p);
    p.weight_stride = trial_stride(t, p.outputs);
    p.input = trial_values(t, "input", p.rows, p.depth, p.depth, 1.0f);
    p.weight = make_transposed_weights(t, &p);
    p.scratch = trial_scratch(t, mmn_matrix_product_scratch(p.rows));
    product q = packed_for_table(t, &p);
    size_t stride = trial_stride(t, p.outputs);
    size_t row = trial_below(t, p.rows + 1), first = trial_below(t, p.outputs + 1);
    trial_say(t, "rows %zu, outputs %zu, depth %zu, strides %zu %zu, type %d", p.rows, p.outputs,
              p.depth, stride, p.weight_stride, (int)p.type);
    grid output = trial_grid(t, "output", GRID_FLOATS, sizeof(float), p.rows, p.outputs, stride);

    multiply_transposed(t->reference, &p, output.expected, stride, 0, row, 0, first);
    multiply_transposed(t->reference, &p, output.expected, stride, row, p.rows - row, 0, first);
    multiply_transposed(t->reference, &p, output.expected, stride, 0, row, first,
                        p.outputs - first);
    multiply_transposed(t->reference, &p, output.expected, stride, row, p.rows - row, first,
                        p.outputs - first);
    TRIAL_CALL(t, multiply_transposed(t->table, &q, output.found, stride, 0, p.rows, 0, p.outputs));
    trial_compare(t, &output);
}

/* --- attention --- */

static size_t choose_head(trial *t)
{
    static const size_t usual[] = {64, 72, 80, 88, 128};

    return trial_below(t, 2) ? usual[trial_below(t, 5)] : trial_size(t, 0, 300);
}

/* Now and then rows of several blocks, or so many keys that blocks are smaller. */
static mmn_attention_task choose_task(trial *t)
{
    mmn_attention_task task = {.head_dim = trial_depth(t, choose_head(t))};
    const size_t kind = t->timed ? 10 : trial_below(t, 10);

    task.rows = trial_rows(t, trial_size(t, 1, MMN_ATTENTION_ROWS));
    task.key_count = trial_width(t, trial_size(t, 1, trial_below(t, 4) ? 400 : 800));
    if (kind < 2) {
        task.head_dim = trial_size(t, 0, 70);
        task.rows = MMN_ATTENTION_ROWS + trial_size(t, 1, 2 * MMN_ATTENTION_ROWS);
        task.key_count = trial_size(t, 1, 400);
    } else if (kind == 2) {
        task.head_dim = trial_size(t, 0, 20);
        task.rows = MMN_ATTENTION_LEAST + trial_size(t, 1, MMN_ATTENTION_ROWS);
        task.key_count = MMN_ATTENTION_SCORES / MMN_ATTENTION_ROWS + trial_size(t, 0, 1500);
    } else if (kind < 5) {
        task.rows = 1; /* as decoding has it */
    }
    if (!t->timed && kind > 2 && task.rows * task.key_count * task.head_dim > MOST_WORK)
        task.rows = 1 + trial_below(t, at_most(MMN_ATTENTION_ROWS,
                                               MOST_WORK / task.key_count / task.head_dim + 1));
    return task;
}

static float choose_scale(trial *t, size_t head_dim)
{
    static const float scales[] = {1.0f, -0.3f, 30.0f, 0.0f, 0x1p-130f};

    if (trial_below(t, 3) < 2)
        return 1.0f / sqrtf((float)head_dim + 1.0f);
    return scales[trial_below(t, 5)];
}

static void choose_position(trial *t, mmn_attention_task *task)
{
    task->causal = trial_below(t, 4) > 0;
    if (trial_below(t, 2) && task->key_count >= task->rows)
        task->first_position = task->key_count - task->rows; /* as sessions have it */
    else
        task->first_position = trial_size(t, 0, task->key_count + 20);
    if (trial_below(t, 2))
        task->window = trial_below(t, 2) ? 1 + trial_below(t, 20) : trial_size(t, 1, 600);
}

static _Bool sees(const mmn_attention_task *task, size_t row, size_t key)
{
    size_t position = task->first_position + row;

    if (!task->causal)
        return 1;
    return key <= position && (task->window == 0 || key + task->window > position);
}

static _Bool is_hidden(const mmn_attention_task *task, size_t key)
{
    for (size_t row = 0; row < task->rows; row++)
        if (sees(task, row, key))
            return 0;
    return 1;
}

/* Makes keys and values that no row sees, and sometimes a few that only some see, what must not
 * leak. */
static void poison(trial *t, const mmn_attention_task *task, float *keys, float *values)
{
    const mmn_key_span *span = task->spans;
    _Bool spare_visible = trial_below(t, 4) > 0;
    static const float poisons[] = {NAN, INFINITY, -INFINITY};

    for (size_t key = 0; key < task->key_count; key++) {
        if (!is_hidden(task, key) && (spare_visible || trial_below(t, task->key_count) > 2))
            continue;
        for (size_t i = 0; i < task->head_dim; i++) {
            keys[mmn_attention_place(task, span, key) + i] = poisons[trial_below(t, 3)];
            values[mmn_attention_place(task, span, key) + i] = poisons[trial_below(t, 3)];
        }
    }
}

/* Makes the first row's scores -infinity, and with them most likely those of later rows. */
static void make_scores_infinite(const mmn_attention_task *task, float *query, float *keys)
{
    for (size_t i = 0; i < task->head_dim; i++)
        query[i] = task->scale < 0.0f ? -1.0f : 1.0f;
    for (size_t key = 0; key < task->key_count; key++)
        if (sees(task, 0, key))
            for (size_t i = 0; i < task->head_dim; i++)
                keys[mmn_attention_place(task, task->spans, key) + i] = -INFINITY;
}

/* Row by row, each with the keys up to its own. */
static void attend_by_rows(trial *t, mmn_attention_task task)
{
    for (size_t row = 0; row < task.rows; row++) {
        mmn_attention_task one = task;
        size_t position = task.first_position + row;

        one.query += row * task.query_stride;
        one.output += row * task.output_stride;
        one.bias = task.bias ? task.bias + row * task.bias_stride : NULL;
        one.rows = 1;
        one.first_position = position;
        if (task.causal && position < task.key_count)
            one.key_count = position + 1;
        t->reference->attention(&one);
    }
}

/* How far keys of `heads` heads at `count` positions are from each other: those of a head, or those
 * of a position, lie together. */
static mmn_key_span choose_layout(trial *t, _Bool by_head, size_t count, size_t heads,
                                  size_t head_dim)
{
    const size_t stride = trial_stride(t, by_head ? head_dim : heads * head_dim);

    return (mmn_key_span){NULL, NULL, count, stride, by_head ? count * stride : head_dim};
}

/* Cuts keys and values into spans in memory of their own, some of them empty: what lies behind a
 * span's end is not to be touched. */
static void cut_spans(trial *t, mmn_key_span spans[3], const mmn_attention_task *task)
{
    static const char *const names[3][2] = {{"keys of span 0", "values of span 0"},
                                            {"keys of span 1", "values of span 1"},
                                            {"keys of span 2", "values of span 2"}};
    const mmn_key_span *whole = task->spans;
    size_t first = 0;

    for (size_t i = 0; i < 3; i++) {
        size_t rest = whole->count - first, count = i == 2 ? rest : trial_size(t, 0, rest);
        mmn_key_span span =
            choose_layout(t, trial_below(t, 2) == 1, count, task->head + 1, task->head_dim);
        size_t end = count > 0 ? mmn_attention_place(task, &span, count - 1) + task->head_dim : 0;
        float *own_keys = trial_bytes(t, names[i][0], end, sizeof(float));
        float *own_values = trial_bytes(t, names[i][1], end, sizeof(float));

        for (size_t key = 0; key < count; key++) {
            size_t from = mmn_attention_place(task, whole, first + key);
            size_t to = mmn_attention_place(task, &span, key);

            memcpy(own_keys + to, whole->keys + from, task->head_dim * sizeof(float));
            memcpy(own_values + to, whole->values + from, task->head_dim * sizeof(float));
        }
        span.keys = own_keys;
        span.values = own_values;
        spans[i] = span;
        first += count;
    }
}

void check_attention(trial *t)
{
    mmn_attention_task task = choose_task(t);

    task.scale = choose_scale(t, task.head_dim);
    if (trial_below(t, 3) == 2)
        task.alibi_slope = trial_below(t, 4) ? 1.0f / (float)(1 + trial_below(t, 256)) : -3.0f;
    task.bias_stride = trial_below(t, 4) == 0 ? trial_stride(t, task.key_count) : 0;
    choose_position(t, &task);
    /* Heads side by side, as with several of them. */
    task.query_stride = task.head_dim * (1 + trial_below(t, 3));
    task.output_stride = trial_stride(t, task.head_dim);
    const size_t heads = 1 + trial_below(t, 3);
    const _Bool by_head = trial_below(t, 2) == 1;
    mmn_key_span whole = choose_layout(t, by_head, task.key_count, heads, task.head_dim);
    const size_t rows = by_head ? heads * task.key_count : task.key_count;
    const size_t width = by_head ? task.head_dim : heads * task.head_dim;
    task.head = trial_below(t, heads);
    trial_say(t,
              "rows %zu, keys %zu, head_dim %zu, position %zu, window %zu, causal %d, "
              "head %zu of %zu, strides %zu %zu %zu %zu, scale %a, slope %a, "
              "stride of the bias %zu",
              task.rows, task.key_count, task.head_dim, task.first_position, task.window,
              task.causal, task.head, heads, task.query_stride, whole.stride, whole.head_stride,
              task.output_stride, (double)task.scale, (double)task.alibi_slope, task.bias_stride);

    /* Of many numbers one NaN is enough to make every output NaN. */
    t->tame = trial_below(t, 4) > 0;
    float *query = trial_values(t, "query", task.rows, task.head_dim, task.query_stride, 2.0f);
    float *keys = trial_values(t, "keys", rows, width, whole.stride, 2.0f);
    float *values = trial_values(t, "values", rows, width, whole.stride, 1.0f);
    whole.keys = keys;
    whole.values = values;
    task.spans = &whole;
    if (task.bias_stride > 0)
        task.bias = trial_values(t, "bias", task.rows, task.key_count, task.bias_stride, 2.0f);
    if (trial_below(t, 2))
        poison(t, &task, keys, values);
    if (trial_below(t, 12) == 11)
        make_scores_infinite(&task, query, keys);
    mmn_key_span spans[3];
    task.query = query;
    task.scratch =
        trial_scratch(t, mmn_attention_task_scratch(task.rows, task.key_count, task.head_dim));
    grid output = trial_grid(t, "output", GRID_FLOATS, sizeof(float), task.rows, task.head_dim,
                             task.output_stride);

    task.output = output.expected;
    attend_by_rows(t, task);
    if (trial_below(t, 2)) {
        cut_spans(t, spans, &task);
        task.spans = spans;
    }
    task.output = output.found;
    if (!t->timed && trial_below(t, 2)) {
        for (size_t row = 0; row < task.rows; row++)
            memcpy(task.output + row * task.output_stride, query + row * task.query_stride,
                   task.head_dim * sizeof(float));
        task.query = task.output;
        task.query_stride = task.output_stride;
    }
    TRIAL_CALL(t, t->table->attention(&task));
    trial_compare(t, &output);
}
