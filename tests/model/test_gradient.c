/* The reverse pass against PyTorch's autograd in float64, and against difference quotients. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pass/reverse.h"
#include "tests/model/golden_case.h"
#include "tests/tools/needs.h"

static size_t list_cases(golden_case *list)
{
    size_t count = golden_list_kind(list, "gradients");
    golden_sort(list, count);
    return count;
}

/* What the case's gradients are of. */
static mmn_objective objective_of(const golden_data *golden, const mmn_input *input)
{
    const size_t last = mmn_input_length(input) - 1;
    return (mmn_objective){.size = sizeof(mmn_objective),
                           .kind = golden_number(golden, "logit") > 0
                                       ? MMN_OBJECTIVE_LOGIT
                                       : MMN_OBJECTIVE_LOG_PROBABILITY,
                           .token = (int32_t)golden_number(golden, "token"),
                           .position = last - (size_t)golden_number(golden, "before")};
}

/* The objective, whose gradients a probe sees. */
static double derive(const mmn_model *model, const mmn_input *input, const golden_data *golden,
                     const mmn_probe *probe)
{
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    const mmn_objective objective = objective_of(golden, input);
    mmn_error error;
    mmn_session *session;
    double value;
    cr_assert_eq(mmn_session_create(&session, model, &options, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(session, probe, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_session_gradient(session, input, &objective, &value, &error), MMN_OK, "%s: %s",
                 golden->of->file, error.message);
    mmn_session_free(session);
    return value;
}

static struct criterion_test_params all_cases(void)
{
    static golden_case cases[CASE_LIMIT];
    return cr_make_param_array(golden_case, cases, list_cases(cases));
}

ParameterizedTestParameters(gradient, stages_match_float64)
{
    return all_cases();
}

ParameterizedTest(const golden_case *of, gradient, stages_match_float64)
{
    golden_data golden;
    MMN_NEEDS(of->model);
    golden_open(&golden, of);
    mmn_model *model = golden_open_model(of);
    mmn_input *input = golden_input(model, &golden);
    const mmn_probe probe = {.stages = "grad.*", .see = golden_compare, .context = &golden};
    double error = fabs(derive(model, input, &golden, &probe) - golden_number(&golden, "value"));

    cr_expect_leq(error, TORCH_ERRORS * fmax(golden_number(&golden, "error.value"), 1e-6),
                  "%s: the value's error is %g", of->file, error);
    golden_expect_all_seen(&golden);
    printf("# %s: at most %.2f times torch's error (%s)\n", of->file, golden.worst,
           golden.worst_stage);
    fflush(stdout);
    mmn_input_free(input);
    mmn_model_close(model);
    golden_close(&golden);
}

/* A step along a pseudo-random direction: the embeddings that a probe moves, and the derivative
 * that it then sees. */
typedef struct moved_embeddings {
    double step, slope;
} moved_embeddings;

/* Coordinate number i of the direction, in [-1, 1]. */
static double direction(size_t i)
{
    return (double)((i * 2654435761u) % 2001) / 1000.0 - 1.0;
}

static mmn_status move_embeddings(void *context, const mmn_stage *stage, mmn_error *error)
{
    moved_embeddings *moved = context;
    float *values = stage->data;
    bool is_gradient = strncmp(stage->name, "grad.", 5) == 0;
    (void)error;
    for (size_t i = 0; i < stage->shape[0] * stage->shape[1]; i++)
        if (is_gradient)
            moved->slope += (double)values[i] * direction(i);
        else
            values[i] += (float)(moved->step * direction(i));
    return MMN_OK;
}

ParameterizedTestParameters(gradient, is_a_difference_quotient)
{
    return all_cases();
}

/* The value is one of f32 arithmetic, good to some 1e-6, which the quotient has over twice the
 * step; and the third derivative's part grows with the step's square. */
ParameterizedTest(const golden_case *of, gradient, is_a_difference_quotient)
{
    const double step = 4e-4;
    golden_data golden;
    MMN_NEEDS(of->model);
    golden_open(&golden, of);
    mmn_model *model = golden_open_model(of);
    mmn_input *input = golden_input(model, &golden);
    moved_embeddings moved = {0};
    const mmn_probe probe = {.stages = "language.embeddings,grad.language.embeddings",
                             .writes = 1,
                             .see = move_embeddings,
                             .context = &moved};
    derive(model, input, &golden, &probe);
    const double slope = moved.slope;
    moved.step = step;
    double ahead = derive(model, input, &golden, &probe);
    moved.step = -step;
    double quotient = (ahead - derive(model, input, &golden, &probe)) / (2 * step);

    cr_expect_leq(fabs(quotient - slope), 1e-2 * (1.0 + fabs(slope)),
                  "%s: the derivative is %g, the quotient %g", of->file, slope, quotient);
    mmn_input_free(input);
    mmn_model_close(model);
    golden_close(&golden);
}

/* ---- Calls ----------------------------------------------------------------------------------- */

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llama-2"

static mmn_error error;

typedef struct called {
    mmn_model *model;
    mmn_input *input;
    mmn_session *session;
    mmn_objective objective;
} called;

static called begin(int threads, int prompt_only)
{
    static const int32_t ids[] = {1, 30, 41, 52, 63, 74, 85, 96};
    const mmn_model_options options = {.size = sizeof(options), .threads = threads};
    const mmn_session_options kind = {.size = sizeof(kind), .prompt_only = prompt_only};
    called c = {
        .objective = {.size = sizeof(mmn_objective), .token = 33, .position = MMN_LAST_POSITION}};
    cr_assert_eq(mmn_model_open(&c.model, MODEL, &options, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_input_from_ids(&c.input, c.model, ids, 8, &error), MMN_OK);
    cr_assert_eq(mmn_session_create(&c.session, c.model, &kind, &error), MMN_OK);
    return c;
}

static void end(called *c)
{
    mmn_session_free(c->session);
    mmn_input_free(c->input);
    mmn_model_close(c->model);
}

/* Whether the other session keeps all stages of the first, with the same bits. */
static void has_the_stages_of(const mmn_session *other, const mmn_session *first)
{
    const mmn_stage *a, *b;
    for (size_t i = 0; (a = mmn_session_stage_at(first, i)); i++) {
        cr_assert_not_null(b = mmn_session_stage(other, a->name), "%s", a->name);
        cr_assert_eq(a->shape[0], b->shape[0], "%s", a->name);
        cr_expect_arr_eq(a->data, b->data, a->shape[0] * a->shape[1] * sizeof(float), "%s",
                         a->name);
    }
}

/* A session that has prefilled the input already, with more threads, gives the same bits, and goes
 * on generating as if it had only prefilled. */
Test(gradient, depends_on_neither_session_nor_threads)
{
    called one = begin(1, 1), other = begin(3, 0);
    int32_t expected[4], found[4];
    size_t count[2];
    double values[2];
    cr_assert_eq(mmn_session_keep(one.session, "grad.*", &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(other.session, other.input, &error), MMN_OK);
    cr_assert_eq(mmn_session_generate(other.session, 4, expected, &count[0], &error), MMN_OK);
    cr_assert_eq(mmn_session_keep(other.session, "grad.*", &error), MMN_OK);
    cr_assert_eq(mmn_session_gradient(one.session, one.input, &one.objective, &values[0], &error),
                 MMN_OK, "%s", error.message);
    cr_assert_eq(
        mmn_session_gradient(other.session, other.input, &other.objective, &values[1], &error),
        MMN_OK, "%s", error.message);
    cr_expect_eq(values[0], values[1]);
    has_the_stages_of(other.session, one.session);
    cr_expect_eq(mmn_session_generate(other.session, 4, found, &count[1], &error), MMN_OK);
    cr_expect_eq(count[0], count[1]);
    cr_expect_arr_eq(expected, found, count[0] * sizeof(*found));
    end(&one);
    end(&other);
}

/* The memory that a session has from a longer input, or a shorter one, does not show. */
Test(gradient, depends_on_no_gradient_before)
{
    static const int32_t ids[] = {1, 96, 85, 74, 63, 52, 41, 30, 33, 34, 35, 36};
    static const size_t lengths[] = {12, 3};
    called fresh = begin(1, 1);
    double expected, value;
    cr_assert_eq(mmn_session_keep(fresh.session, "grad.*", &error), MMN_OK);
    cr_assert_eq(
        mmn_session_gradient(fresh.session, fresh.input, &fresh.objective, &expected, &error),
        MMN_OK);
    for (size_t i = 0; i < 2; i++) {
        called c = begin(1, 1);
        mmn_input *before;
        cr_assert_eq(mmn_input_from_ids(&before, c.model, ids, lengths[i], &error), MMN_OK);
        cr_assert_eq(mmn_session_gradient(c.session, before, &c.objective, &value, &error), MMN_OK);
        cr_assert_eq(mmn_session_keep(c.session, "grad.*", &error), MMN_OK);
        cr_assert_eq(mmn_session_gradient(c.session, c.input, &c.objective, &value, &error),
                     MMN_OK);
        cr_expect_eq(value, expected);
        has_the_stages_of(c.session, fresh.session);
        mmn_input_free(before);
        end(&c);
    }
    end(&fresh);
}

static mmn_status see_nothing(void *context, const mmn_stage *stage, mmn_error *unused)
{
    (void)context;
    (void)stage;
    (void)unused;
    return MMN_OK;
}

/* What is made again inside a layer must be what was there. */
Test(gradient, is_refused_behind_probes_that_write_inside_layers)
{
    called c = begin(1, 1);
    const mmn_probe probe = {
        .stages = "language.layers.1.mlp.act", .writes = 1, .see = see_nothing};
    double value;
    cr_assert_eq(mmn_session_gradient(c.session, c.input, &c.objective, &value, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(c.session, &probe, &error), MMN_OK);
    cr_expect_eq(mmn_session_gradient(c.session, c.input, &c.objective, &value, &error), MMN_USAGE);
    cr_expect_eq(value, 0.0);
    end(&c);
}

#define QFORMER "/golden/checkpoints/instructblip"

/* What the queries read an image with is made again where the image's gradients are wanted. */
Test(gradient, of_images_is_refused_behind_probes_that_write_to_queries)
{
    MMN_NEEDS(MMN_SOURCE_DIR QFORMER);
    const mmn_session_options kind = {.size = sizeof(kind), .prompt_only = 1};
    const mmn_objective objective = {
        .size = sizeof(objective), .token = 33, .position = MMN_LAST_POSITION};
    const mmn_probe probe = {.stages = "query.layers.1.mlp.act", .writes = 1, .see = see_nothing};
    mmn_model *model;
    mmn_input *input;
    mmn_session *session;
    cr_assert_eq(mmn_model_open(&model, MMN_SOURCE_DIR QFORMER, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_input_from_file(&input, model,
                                     MMN_SOURCE_DIR "/golden/cases/instructblip/tiny.safetensors",
                                     &error),
                 MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_session_create(&session, model, &kind, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK);
    cr_expect_eq(mmn_session_gradient(session, input, &objective, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_keep(session, "grad.pixel_values", &error), MMN_OK);
    cr_expect_eq(mmn_session_gradient(session, input, &objective, NULL, &error), MMN_USAGE);
    mmn_session_free(session);
    mmn_input_free(input);
    mmn_model_close(model);
}

/* Zeroes the gradient that it is shown. */
static mmn_status stop_gradient(void *context, const mmn_stage *stage, mmn_error *unused)
{
    (void)context;
    (void)unused;
    memset(stage->data, 0, stage->shape[0] * stage->shape[1] * sizeof(float));
    return MMN_OK;
}

Test(gradient, is_what_probes_make_of_it)
{
    called c = begin(1, 1);
    const mmn_probe probe = {
        .stages = "grad.language.layers.1.out", .writes = 1, .see = stop_gradient};
    double value;
    cr_assert_eq(mmn_session_add_probe(c.session, &probe, &error), MMN_OK);
    cr_assert_eq(mmn_session_keep(c.session, "grad.language.embeddings", &error), MMN_OK);
    cr_assert_eq(mmn_session_gradient(c.session, c.input, &c.objective, &value, &error), MMN_OK);
    const mmn_stage *stage = mmn_session_stage(c.session, "grad.language.embeddings");
    cr_assert_not_null(stage);
    for (size_t i = 0; i < stage->shape[0] * stage->shape[1]; i++)
        cr_expect_eq(((const float *)stage->data)[i], 0.0f);
    end(&c);
}

/* ---- Attention ------------------------------------------------------------------------------- */

enum { ROWS = 300, HEADS = 4, KV_HEADS = 2, WIDTH = 8, WINDOW = 270 };

/* Numbers in [-1, 1]. */
static void fill(float *values, size_t count, size_t seed)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)direction(i + seed);
}

/* In binary64, by the definition: sums over rows that see the key. */
static void reverse_slowly(const float *query, const float *keys, const float *values,
                           const float *gradient, double *of_query, double *of_keys,
                           double *of_values)
{
    const double scale = 1.0 / sqrt((double)WIDTH);
    for (size_t head = 0; head < HEADS; head++)
        for (size_t row = 0; row < ROWS; row++) {
            size_t own = (row * HEADS + head) * WIDTH, begin = row < WINDOW ? 0 : row - WINDOW + 1;
            double p[ROWS], of_p[ROWS], sum = 0.0, mean = 0.0;
            for (size_t j = begin; j <= row; j++) {
                size_t key = (j * KV_HEADS + head / 2) * WIDTH;
                p[j] = of_p[j] = 0.0;
                for (size_t k = 0; k < WIDTH; k++) {
                    p[j] += (double)query[own + k] * (double)keys[key + k] * scale;
                    of_p[j] += (double)gradient[own + k] * (double)values[key + k];
                }
                sum += p[j] = exp(p[j]);
            }
            for (size_t j = begin; j <= row; j++)
                mean += (p[j] /= sum) * of_p[j];
            for (size_t j = begin; j <= row; j++)
                for (size_t k = 0; k < WIDTH; k++) {
                    size_t key = (j * KV_HEADS + head / 2) * WIDTH + k;
                    double of_score = p[j] * (of_p[j] - mean) * scale;
                    of_query[own + k] += of_score * (double)keys[key];
                    of_keys[key] += of_score * (double)query[own + k];
                    of_values[key] += p[j] * (double)gradient[own + k];
                }
        }
}

static void expect_near(const char *name, const float *found, const double *expected, size_t count)
{
    double distance = 0.0, scale = 0.0;
    for (size_t i = 0; i < count; i++) {
        distance += ((double)found[i] - expected[i]) * ((double)found[i] - expected[i]);
        scale += expected[i] * expected[i];
    }
    cr_expect_leq(sqrt(distance / scale), 1e-6, "%s: %g", name, sqrt(distance / scale));
}

/* More rows than are at work together, grouped heads, and a window that hides keys. */
Test(gradient, attention_agrees_with_its_definition)
{
    enum { QUERIES = ROWS * HEADS * WIDTH, KEYS = ROWS * KV_HEADS * WIDTH };
    static float query[QUERIES], keys[KEYS], values[KEYS], gradient[QUERIES];
    static float of_query[QUERIES], of_keys[KEYS], of_values[KEYS];
    static double slow_query[QUERIES], slow_keys[KEYS], slow_values[KEYS];
    mmn_compute compute = {.kernels = mmn_kernels_select(NULL), .threads = 2};
    const mmn_key_span span = mmn_key_rows(keys, values, ROWS, KV_HEADS, WIDTH);
    const mmn_heads heads = {.query = query,
                             .spans = &span,
                             .rows = ROWS,
                             .key_count = ROWS,
                             .heads = HEADS,
                             .kv_heads = KV_HEADS,
                             .head_dim = WIDTH,
                             .causal = true,
                             .window = WINDOW};
    const mmn_attention_reverse reverse = {
        .heads = &heads,
        .gradient = gradient,
        .query_gradient = of_query,
        .key_gradient = of_keys,
        .value_gradient = of_values,
        .scratch = calloc(2 * mmn_attention_reverse_floats(&heads), sizeof(float))};
    cr_assert_not_null(reverse.scratch);
    cr_assert_eq(mmn_compute_reserve(&compute, ROWS, 0, 0, 0, &error), MMN_OK);
    fill(query, QUERIES, 1);
    fill(keys, KEYS, 2);
    fill(values, KEYS, 3);
    fill(gradient, QUERIES, 4);
    mmn_attend_reverse(&compute, &reverse);
    reverse_slowly(query, keys, values, gradient, slow_query, slow_keys, slow_values);
    expect_near("queries", of_query, slow_query, QUERIES);
    expect_near("keys", of_keys, slow_keys, KEYS);
    expect_near("values", of_values, slow_values, KEYS);
    free(reverse.scratch);
    mmn_compute_free_scratch(&compute);
}
