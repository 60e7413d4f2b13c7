/* Checks of the elementwise kernels, of conversions and of counting. */
#include <string.h>

#include "arithmetic.h"
#include "checks.h"

/* As the seed grows, every count up to EVERY_COUNT, all tails among them, and now and then a larger
 * one. */
static size_t choose_count(trial *t)
{
    enum { EVERY_COUNT = 70, LARGE_COUNT = 1000 };
    size_t count = t->seed % (EVERY_COUNT + 2);

    return count <= EVERY_COUNT ? count : trial_size(t, EVERY_COUNT + 1, LARGE_COUNT);
}

static float choose_scale(trial *t)
{
    static const float scales[] = {1.0f, 8.0f, 40.0f, 110.0f, 1e-3f, 0x1p-125f, 0x1p-140f, 1e5f};

    return scales[trial_below(t, 8)];
}

/* --- activations, sums, products: output may be the input --- */

typedef void (*unary_kernel)(float *output, const float *input, size_t count);

static void check_unary(trial *t, unary_kernel reference, unary_kernel kernel)
{
    size_t count = trial_width(t, choose_count(t)), cut = trial_below(t, count + 1);
    _Bool in_place = trial_below(t, 2);
    const float *input = trial_values(t, "input", 1, count, count, choose_scale(t));
    grid g = trial_grid(t, "output", GRID_FLOATS, sizeof(float), 1, count, count);

    trial_say(t, "count %zu%s", count, in_place ? ", in place" : "");
    reference(g.expected, input, cut);
    reference((float *)g.expected + cut, input + cut, count - cut);
    if (in_place)
        memcpy(g.found, input, count * sizeof *input);
    TRIAL_CALL(t, kernel(g.found, in_place ? g.found : input, count));
    trial_compare(t, &g);
}

void check_silu(trial *t)
{
    check_unary(t, t->reference->silu, t->table->silu);
}

void check_gelu(trial *t)
{
    check_unary(t, t->reference->gelu, t->table->gelu);
}

void check_gelu_tanh(trial *t)
{
    check_unary(t, t->reference->gelu_tanh, t->table->gelu_tanh);
}

void check_quick_gelu(trial *t)
{
    check_unary(t, t->reference->quick_gelu, t->table->quick_gelu);
}

void check_relu(trial *t)
{
    check_unary(t, t->reference->relu, t->table->relu);
}

void check_silu_slope(trial *t)
{
    check_unary(t, t->reference->silu_slope, t->table->silu_slope);
}

void check_gelu_slope(trial *t)
{
    check_unary(t, t->reference->gelu_slope, t->table->gelu_slope);
}

void check_gelu_tanh_slope(trial *t)
{
    check_unary(t, t->reference->gelu_tanh_slope, t->table->gelu_tanh_slope);
}

void check_quick_gelu_slope(trial *t)
{
    check_unary(t, t->reference->quick_gelu_slope, t->table->quick_gelu_slope);
}

void check_relu_slope(trial *t)
{
    check_unary(t, t->reference->relu_slope, t->table->relu_slope);
}

typedef void (*binary_kernel)(float *output, const float *a, const float *b, size_t count);

static void check_binary(trial *t, binary_kernel reference, binary_kernel kernel)
{
    size_t count = trial_width(t, choose_count(t)), cut = trial_below(t, count + 1),
           in_place = trial_below(t, 3);
    const float *a = trial_values(t, "a", 1, count, count, choose_scale(t));
    const float *b = trial_values(t, "b", 1, count, count, choose_scale(t));
    grid g = trial_grid(t, "output", GRID_FLOATS, sizeof(float), 1, count, count);

    trial_say(t, "count %zu, output is %s", count,
              in_place == 0   ? "another array"
              : in_place == 1 ? "a"
                              : "b");
    reference(g.expected, a, b, cut);
    reference((float *)g.expected + cut, a + cut, b + cut, count - cut);
    if (in_place > 0)
        memcpy(g.found, in_place == 1 ? a : b, count * sizeof *a);
    TRIAL_CALL(t, kernel(g.found, in_place == 1 ? g.found : a, in_place == 2 ? g.found : b, count));
    trial_compare(t, &g);
}

void check_add(trial *t)
{
    check_binary(t, t->reference->add, t->table->add);
}

void check_multiply(trial *t)
{
    check_binary(t, t->reference->multiply, t->table->multiply);
}

void check_log_f64(trial *t)
{
    size_t count = trial_width(t, choose_count(t)), cut = trial_below(t, count + 1);
    double *input = trial_bytes(t, "input", count, sizeof *input);
    grid g = trial_grid(t, "output", GRID_FLOATS, sizeof(double), 1, count, count);

    trial_say(t, "count %zu", count);
    for (size_t i = 0; i < count; i++)
        input[i] = trial_extreme_f64(t);
    t->reference->log_f64(g.expected, input, cut);
    t->reference->log_f64((double *)g.expected + cut, input + cut, count - cut);
    TRIAL_CALL(t, t->table->log_f64(g.found, input, count));
    trial_compare(t, &g);
}

/* --- conversions: every bit counts, also in a NaN --- */

void check_widen(trial *t)
{
    mmn_weight_type type = trial_type(t);
    size_t count = trial_width(t, choose_count(t)), size = mmn_weight_size(type),
           cut = trial_below(t, count + 1);
    uint8_t *input = trial_misaligned(t, "input", count * size);
    grid g = trial_grid(t, "output", GRID_BITS, sizeof(float), 1, count, count);

    trial_say(t, "type %d, count %zu", (int)type, count);
    for (size_t i = 0; i < count * size; i++)
        input[i] = (uint8_t)(trial_random(t) >> 24);
    for (size_t i = 0; i < count; i += 1 + trial_below(t, 9)) {
        float extreme = trial_extreme(t);
        t->reference->narrow(input + i * size, type, &extreme, 1);
    }
    t->reference->widen(g.expected, input, type, cut);
    t->reference->widen((float *)g.expected + cut, input + cut * size, type, count - cut);
    TRIAL_CALL(t, t->table->widen(g.found, input, type, count));
    trial_compare(t, &g);
}

/* The output is bytes, at any address. */
void check_narrow(trial *t)
{
    mmn_weight_type type = trial_type(t);
    size_t count = trial_width(t, choose_count(t)), size = mmn_weight_size(type),
           cut = trial_below(t, count + 1);
    float *input = trial_values(t, "input", 1, count, count, choose_scale(t));
    grid g = trial_grid(t, "output", GRID_BITS, 1, count, size, size);

    trial_say(t, "type %d, count %zu", (int)type, count);
    for (size_t i = 0; i < count; i++) {
        uint32_t tie = trial_random(t) & 0xfffff000; /* of f16, or of bf16 */

        if (trial_below(t, 2))
            input[i] = mmn_f32_of_bits(tie + (uint32_t)trial_below(t, 3) - 1);
    }
    t->reference->narrow(g.expected, type, input, cut);
    t->reference->narrow((uint8_t *)g.expected + cut * size, type, input + cut, count - cut);
    TRIAL_CALL(t, t->table->narrow(g.found, type, input, count));
    trial_compare(t, &g);
}

/* --- counting --- */

/* Counts go on from what was there. */
static void fill_counts(trial *t, const grid *g)
{
    int64_t *expected = g->expected, *found = g->found;

    for (size_t n = 0; n < g->width; n++)
        expected[n] = found[n] = (int64_t)trial_random(t) << trial_below(t, 20);
}

void check_count_active(trial *t)
{
    size_t rows = trial_rows(t, trial_size(t, 0, 30)), neurons = trial_width(t, choose_count(t));
    size_t stride = trial_stride(t, neurons), row = trial_below(t, rows + 1);
    const float *values =
        trial_values(t, "values", rows, neurons, stride, trial_below(t, 4) == 3 ? 0x1p21f : 4.0f);
    grid active = trial_grid(t, "active", GRID_BITS, sizeof(int64_t), 1, neurons, neurons);
    grid sum = trial_grid(t, "sum", GRID_BITS, sizeof(int64_t), 1, neurons, neurons);

    trial_say(t, "rows %zu, neurons %zu, stride %zu", rows, neurons, stride);
    fill_counts(t, &active);
    fill_counts(t, &sum);
    t->reference->count_active(active.expected, sum.expected, values, stride, row, neurons);
    t->reference->count_active(active.expected, sum.expected, values + row * stride, stride,
                               rows - row, neurons);
    TRIAL_CALL(t, t->table->count_active(active.found, sum.found, values, stride, rows, neurons));
    trial_compare(t, &active);
    trial_compare(t, &sum);
}
