/* Checks of the kernels that work along rows: norms and softmax with their reverse, rotary
 * positions. */
#include <math.h>

#include "checks.h"

/* Widths reach every tail and some lengths that models have. */
static size_t choose_width(trial *t)
{
    return trial_below(t, 8) ? trial_size(t, 1, 200) : trial_size(t, 1000, 2100);
}

typedef struct norm {
    size_t rows, width;
    float epsilon;
    const float *input, *weight, *bias;
} norm;

static norm choose_norm(trial *t)
{
    static const float epsilons[] = {1e-5f, 1e-6f, 1e-12f, 0.0f};
    norm n = {.rows = trial_rows(t, trial_below(t, 6)), .width = trial_width(t, choose_width(t))};

    n.epsilon = epsilons[trial_below(t, 4)];
    n.input =
        trial_values(t, "input", n.rows, n.width, n.width, trial_below(t, 4) == 3 ? 1e-30f : 3.0f);
    n.weight = trial_values(t, "weight", 1, n.width, n.width, 1.0f);
    n.bias = trial_values(t, "bias", 1, n.width, n.width, 1.0f);
    trial_say(t, "rows %zu, width %zu, epsilon %a", n.rows, n.width, (double)n.epsilon);
    return n;
}

void check_rms_norm(trial *t)
{
    norm n = choose_norm(t);
    grid g = trial_grid(t, "output", GRID_FLOATS, sizeof(float), n.rows, n.width, n.width);
    size_t first = trial_below(t, n.rows + 1), cut = first * n.width;

    t->reference->rms_norm(g.expected, n.input, n.weight, first, n.width, n.epsilon);
    t->reference->rms_norm((float *)g.expected + cut, n.input + cut, n.weight, n.rows - first,
                           n.width, n.epsilon);
    TRIAL_CALL(t, t->table->rms_norm(g.found, n.input, n.weight, n.rows, n.width, n.epsilon));
    trial_compare(t, &g);
}

void check_layer_norm(trial *t)
{
    norm n = choose_norm(t);
    grid g = trial_grid(t, "output", GRID_FLOATS, sizeof(float), n.rows, n.width, n.width);
    size_t first = trial_below(t, n.rows + 1), cut = first * n.width;

    t->reference->layer_norm(g.expected, n.input, n.weight, n.bias, first, n.width, n.epsilon);
    t->reference->layer_norm((float *)g.expected + cut, n.input + cut, n.weight, n.bias,
                             n.rows - first, n.width, n.epsilon);
    TRIAL_CALL(
        t, t->table->layer_norm(g.found, n.input, n.weight, n.bias, n.rows, n.width, n.epsilon));
    trial_compare(t, &g);
}

typedef void (*norm_reverse_kernel)(float *output, const float *gradient, const float *input,
                                    const float *weight, size_t rows, size_t width, float epsilon);

static void check_norm_reverse(trial *t, norm_reverse_kernel reference, norm_reverse_kernel kernel)
{
    norm n = choose_norm(t);
    const float *gradient =
        trial_values(t, "gradient", n.rows, n.width, n.width, trial_below(t, 4) ? 1.0f : 1e-38f);
    grid g = trial_grid(t, "output", GRID_FLOATS, sizeof(float), n.rows, n.width, n.width);
    size_t first = trial_below(t, n.rows + 1), cut = first * n.width;

    reference(g.expected, gradient, n.input, n.weight, first, n.width, n.epsilon);
    reference((float *)g.expected + cut, gradient + cut, n.input + cut, n.weight, n.rows - first,
              n.width, n.epsilon);
    TRIAL_CALL(t, kernel(g.found, gradient, n.input, n.weight, n.rows, n.width, n.epsilon));
    trial_compare(t, &g);
}

void check_rms_norm_reverse(trial *t)
{
    check_norm_reverse(t, t->reference->rms_norm_reverse, t->table->rms_norm_reverse);
}

void check_layer_norm_reverse(trial *t)
{
    check_norm_reverse(t, t->reference->layer_norm_reverse, t->table->layer_norm_reverse);
}

void check_softmax_reverse(trial *t)
{
    size_t rows = trial_rows(t, trial_below(t, 6)), width = trial_width(t, choose_width(t));
    size_t first = trial_below(t, rows + 1);
    const float *probabilities =
        trial_values(t, "probabilities", rows, width, width, trial_below(t, 4) ? 1.0f : 1e-30f);
    grid g =
        trial_grid_of_values(t, "gradient", rows, width, width, trial_below(t, 4) ? 1.0f : 1e-20f);

    trial_say(t, "rows %zu, width %zu", rows, width);
    t->reference->softmax_reverse(g.expected, probabilities, first, width, 0.125f);
    t->reference->softmax_reverse((float *)g.expected + first * width,
                                  probabilities + first * width, rows - first, width, 0.125f);
    TRIAL_CALL(t, t->table->softmax_reverse(g.found, probabilities, rows, width, 0.125f));
    trial_compare(t, &g);
}

/* So that the greatest value can be less than the 0 that stands for none. */
static void shift(const grid *g, float by)
{
    float *expected = g->expected, *found = g->found;

    for (size_t i = 0; i < g->rows * g->width; i++)
        expected[i] = found[i] = expected[i] + by;
}

void check_softmax(trial *t)
{
    static const float shifts[] = {0.0f, 0.0f, 50.0f, -50.0f, -1000.0f, -INFINITY};
    size_t rows = trial_rows(t, trial_below(t, 6)), width = trial_width(t, choose_width(t));
    size_t first = trial_below(t, rows + 1);
    float scale = trial_below(t, 2) ? 80.0f : 5.0f;
    grid g = trial_grid_of_values(t, "values", rows, width, width, scale);

    trial_say(t, "rows %zu, width %zu", rows, width);
    shift(&g, shifts[trial_below(t, 6)]);
    t->reference->softmax(g.expected, first, width);
    t->reference->softmax((float *)g.expected + first * width, rows - first, width);
    TRIAL_CALL(t, t->table->softmax(g.found, rows, width));
    trial_compare(t, &g);
}

void check_rope_table(trial *t)
{
    static const double thetas[] = {1e4, 1e6, 5e5, 1.0, 10.0};
    size_t positions = trial_rows(t, trial_below(t, 8));
    size_t half = trial_width(t, trial_size(t, 0, 100)), head_dim = 2 * half;
    size_t row = trial_below(t, positions + 1);
    /* Up to 5000, or where f32 does not hold every position. */
    size_t first = trial_below(t, 2) ? trial_random(t) >> trial_below(t, 8) : trial_below(t, 5000);
    double theta = thetas[trial_below(t, 5)];
    float frequencies[100];
    grid cosine = trial_grid(t, "cosine", GRID_FLOATS, sizeof(float), positions, half, half);
    grid sine = trial_grid(t, "sine", GRID_FLOATS, sizeof(float), positions, half, half);

    trial_say(t, "first_position %zu, positions %zu, head_dim %zu, theta %g", first, positions,
              head_dim, theta);
    mmn_rope_frequencies(frequencies, head_dim, theta);
    t->reference->rope_table(cosine.expected, sine.expected, first, row, head_dim, frequencies);
    t->reference->rope_table((float *)cosine.expected + row * half,
                             (float *)sine.expected + row * half, first + row, positions - row,
                             head_dim, frequencies);
    TRIAL_CALL(
        t, t->table->rope_table(cosine.found, sine.found, first, positions, head_dim, frequencies));
    trial_compare(t, &cosine);
    trial_compare(t, &sine);
}

void check_rope(trial *t)
{
    size_t rows = trial_rows(t, trial_below(t, 6)), half = t->timed ? 64 : trial_size(t, 0, 70);
    size_t heads = t->timed ? t->timed->width / (2 * half) : trial_below(t, 4),
           width = heads * 2 * half, row = trial_below(t, rows + 1);
    size_t stride = trial_stride(t, width);
    float *cosine = trial_values(t, "cosine", rows, half, half, 1.0f);
    float *sine = trial_values(t, "sine", rows, half, half, 1.0f);
    grid g = trial_grid_of_values(t, "values", rows, width, stride, 3.0f);

    trial_say(t, "rows %zu, heads %zu, head_dim %zu, stride %zu", rows, heads, 2 * half, stride);
    /* However often they are rotated, values do not become denormal. */
    for (size_t i = 0; t->timed && i < rows * half; i++) {
        cosine[i] = 0.8f;
        sine[i] = 0.6f;
    }
    t->reference->rope(g.expected, stride, cosine, sine, row, heads, 2 * half);
    t->reference->rope((float *)g.expected + row * stride, stride, cosine + row * half,
                       sine + row * half, rows - row, heads, 2 * half);
    TRIAL_CALL(t, t->table->rope(g.found, stride, cosine, sine, rows, heads, 2 * half));
    trial_compare(t, &g);
}
