/* Perturbation: distances against PyTorch's hidden states with the same neurons off
 * (golden/make_masked.py), and what a run over a list makes of its samples. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/memory.h"
#include "format/safetensors.h"
#include "model/model.h"
#include "mask/mask.h"
#include "study/perturbation.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5"
#define CASE MMN_SOURCE_DIR "/golden/cases/llava-1.5/wide.safetensors"
#define DATA MMN_SOURCE_DIR "/tests/mask/data/"
#define IMAGES MMN_SOURCE_DIR "/golden/images/"

static mmn_error error;
static mmn_model *model;

static void set_up(void)
{
    cr_assert_eq(mmn_model_open(&model, MODEL, NULL, &error), MMN_OK, "%s", error.message);
}

static void tear_down(void)
{
    mmn_model_close(model);
}

TestSuite(perturb, .init = set_up, .fini = tear_down);

/* ---- Against PyTorch ------------------------------------------------------------------------- */

static double element(const mmn_tensor *tensor, size_t index)
{
    uint64_t bits = mmn_load_u64(tensor->data + 8 * index);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Sums over the positions of one kind, from two float64 tensors [rows][width]. */
static mmn_distance expected(const mmn_tensor *plain, const mmn_tensor *masked,
                             const mmn_input *input, int image)
{
    size_t width = plain->shape[1];
    mmn_distance sum = {0.0, 0.0};

    for (size_t row = 0; row < plain->shape[0]; row++) {
        long double length = 0, other = 0, moved = 0, product = 0;
        if (mmn_input_is_image(input, row) != image)
            continue;
        for (size_t i = row * width; i < (row + 1) * width; i++) {
            long double a = element(plain, i), b = element(masked, i);
            length += a * a;
            other += b * b;
            moved += (b - a) * (b - a);
            product += a * b;
        }
        sum.relative += (double)(sqrtl(moved) / sqrtl(length));
        sum.cosine += (double)(1 - product / sqrtl(length * other));
    }
    return sum;
}

static mmn_session *start_session(void)
{
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    mmn_session *session;

    cr_assert_eq(mmn_session_create(&session, model, &options, &error), MMN_OK);
    return session;
}

/* The sums of comparing all states of a pass with those of a pass with the mask (NULL: none). */
static mmn_distance *compare_passes(const mmn_input *input, const mmn_mask *mask)
{
    size_t layers = model->config.language.layers, rows = mmn_input_length(input);
    mmn_hidden_states states = {
        .layers = layers, .width = model->config.language.hidden_size, .threads = 2};
    mmn_comparison comparison = {.states = &states};
    mmn_session *plain = start_session(), *masked = start_session();

    comparison.sums = mmn_allocate(2 * (layers + 1), sizeof *comparison.sums, NULL);
    cr_assert_eq(mmn_hidden_states_begin(&states, 0, layers + 1, rows, &error), MMN_OK);
    cr_assert_eq(mmn_hidden_states_keep(&states, plain, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(plain, input, &error), MMN_OK, "%s", error.message);
    if (mask)
        cr_assert_eq(mmn_session_add_mask(masked, mask, &error), MMN_OK);
    cr_assert_eq(mmn_hidden_states_compare(&comparison, masked, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(masked, input, &error), MMN_OK, "%s", error.message);
    mmn_session_free(plain);
    mmn_session_free(masked);
    mmn_hidden_states_free(&states);
    return comparison.sums;
}

Test(perturb, distances_are_those_of_pytorch)
{
    size_t layers = model->config.language.layers;
    mmn_safetensors *plain, *masked;
    mmn_input *input;
    mmn_mask *mask;
    cr_assert_eq(mmn_input_from_file(&input, model, CASE, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_mask_from_file(&mask, model, DATA "masked.json", "medical", "all", 0, &error),
                 MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_safetensors_open(&plain, CASE, &error), MMN_OK);
    cr_assert_eq(mmn_safetensors_open(&masked, DATA "masked.safetensors", &error), MMN_OK);
    mmn_distance *sums = compare_passes(input, mask);
    for (size_t state = 0; state <= layers; state++) {
        char name[64] = "language.norm";
        if (state < layers)
            snprintf(name, sizeof name, "language.layers.%zu.out", state);
        const mmn_tensor *a = mmn_safetensors_find(plain, name);
        const mmn_tensor *b = mmn_safetensors_find(masked, name);
        cr_assert(a && b, "%s", name);
        for (int image = 0; image < 2; image++) {
            mmn_distance truth = expected(a, b, input, image);
            const mmn_distance *sum = &sums[(size_t)image * (layers + 1) + state];
            cr_expect_gt(truth.relative, 0.1, "%s", name);
            cr_expect_float_eq(sum->relative, truth.relative, 1e-5 * truth.relative, "%s: %g, %g",
                               name, sum->relative, truth.relative);
            cr_expect_float_eq(sum->cosine, truth.cosine, 1e-5 * truth.cosine, "%s: %g, %g", name,
                               sum->cosine, truth.cosine);
        }
    }
    mmn_free(sums);
    mmn_safetensors_close(plain);
    mmn_safetensors_close(masked);
    mmn_mask_free(mask);
    mmn_input_free(input);
}

Test(perturb, nothing_off_moves_nothing)
{
    mmn_input *input;
    cr_assert_eq(mmn_input_from_file(&input, model, CASE, &error), MMN_OK, "%s", error.message);
    mmn_distance *sums = compare_passes(input, NULL);
    for (size_t i = 0; i < 2 * (model->config.language.layers + (size_t)1); i++)
        cr_expect(sums[i].relative == 0.0 && sums[i].cosine == 0.0, "state %zu", i);
    mmn_free(sums);
    mmn_input_free(input);
}

/* ---- Over a list ----------------------------------------------------------------------------- */

static const char list_text[] =
    "{\"id\":\"a\",\"domain\":\"medical\",\"image\":\"" IMAGES
    "wide.jpg\",\"question\":\"What is\"}\n"
    "{\"id\":\"b\",\"domain\":\"documents\",\"question\":\"Which of these words\"}\n"
    "{\"id\":\"c\",\"domain\":\"medical\",\"question\":\"Is there a\"}\n";

static void write_list(char *path, size_t size, const char *text)
{
    snprintf(path, size, "/tmp/mmneuron-perturb-%d.jsonl", (int)getpid());
    cr_assert_eq(mmn_write_file(path, text, strlen(text), &error), MMN_OK, "%s", error.message);
}

static char *perturb_json(const mmn_perturb_options *options)
{
    mmn_result *perturbation;
    char *json;
    cr_assert_eq(mmn_perturb(&perturbation, model, options, &error), MMN_OK, "%s: %s: %s",
                 error.file, error.where, error.message);
    cr_assert_eq(mmn_result_json(perturbation, &json, &error), MMN_OK);
    mmn_result_free(perturbation);
    return json;
}

Test(perturb, list_is_the_sum_of_its_samples)
{
    char list[64];
    mmn_perturbation perturbation = {0};
    write_list(list, sizeof list, list_text);
    const mmn_perturb_options options = {.size = sizeof(options),
                                         .list = list,
                                         .neurons = DATA "masked.json",
                                         .settings = "language,all",
                                         .seeds = 2,
                                         .first_seed = 7};
    cr_assert_eq(mmn_study_find(&mmn_perturbation_kind, &perturbation, model, &options, &error),
                 MMN_OK);
    const mmn_plan *plan = &perturbation.study.plan;
    cr_assert_eq(plan->run_count, 2 + 2 * 2 * 3);
    /* medical, "all", its own neurons */
    const size_t own = mmn_plan_find(plan, 1, MMN_OFF_DOMAIN, 1, 1);
    const mmn_distance *found = mmn_perturb_sums(&perturbation, own);
    size_t layers = perturbation.layers;
    const char *const images[] = {IMAGES "wide.jpg"};
    mmn_distance *sums[2];
    mmn_mask *mask;
    cr_assert_eq(mmn_mask_from_file(&mask, model, options.neurons, "medical", "all", 0, &error),
                 MMN_OK);
    uint64_t positions = 0;
    for (size_t i = 0; i < 2; i++) {
        mmn_input *input;
        cr_assert_eq(mmn_input_from_prompt(&input, model,
                                           i == 0 ? "<image>\nWhat is" : "Is there a", images,
                                           i == 0, &error),
                     MMN_OK, "%s", error.message);
        positions += mmn_input_length(input);
        sums[i] = compare_passes(input, mask);
        mmn_input_free(input);
    }
    cr_expect_eq(perturbation.study.positions[1][0] + perturbation.study.positions[1][1],
                 positions);
    for (size_t i = 0; i < 2 * (layers + 1); i++) {
        double relative = sums[0][i].relative + sums[1][i].relative;
        double cosine = sums[0][i].cosine + sums[1][i].cosine;
        cr_expect_float_eq(found[i].relative, relative, 1e-13 * relative);
        cr_expect_float_eq(found[i].cosine, cosine, 1e-13 * cosine);
    }
    for (size_t i = 0; i < 2; i++)
        mmn_free(sums[i]);
    for (size_t seed = 0; seed < 2; seed++) {
        const mmn_run *random = &plan->runs[own + 1 + seed];
        cr_expect(random->off == MMN_OFF_RANDOM && random->setting == 1 && random->domain == 1);
        cr_expect_eq(random->seed, 7 + seed);
        cr_expect_eq(mmn_perturb_neurons(&perturbation, own + 1 + seed),
                     mmn_perturb_neurons(&perturbation, own));
    }
    cr_expect_neq(mmn_perturb_sums(&perturbation, own + 1)[0].relative,
                  mmn_perturb_sums(&perturbation, own + 2)[0].relative);
    mmn_mask_free(mask);
    mmn_study_close(&mmn_perturbation_kind, &perturbation);
    remove(list);
}

Test(perturb, threads_change_no_bit)
{
    char list[64];
    write_list(list, sizeof list, list_text);
    const mmn_perturb_options options = {
        .size = sizeof(options), .list = list, .neurons = DATA "masked.json", .seeds = 2};
    char *one, *seven;
    const int threads = model->compute.threads;
    model->compute.threads = 1;
    one = perturb_json(&options);
    model->compute.threads = 7;
    seven = perturb_json(&options);
    model->compute.threads = threads;
    cr_expect_str_eq(one, seven);
    cr_expect(strstr(one, "\"setting\": \"vision+projector\", \"off\": \"random\""));
    mmn_release(one);
    mmn_release(seven);
    remove(list);
}

Test(perturb, says_what_is_wrong)
{
    static const struct {
        const char *list, *settings, *sentence;
        mmn_status status;
    } cases[] = {
        {"{\"domain\":\"driving\",\"question\":\"x\"}\n", NULL, "domain \"driving\" is not in",
         MMN_INPUT},
        {list_text, "language,qformer", "module \"qformer\"", MMN_USAGE},
        {list_text, "language,,all", "a setting has no name", MMN_USAGE},
        {list_text, "language,all,language", "\"language\" is named twice", MMN_USAGE},
        {"", NULL, "no samples", MMN_INPUT},
        {"{\"domain\":\"medical\",\"image\":\"nowhere.png\",\"question\":\"x\"}\n", NULL,
         "nowhere.png", MMN_INPUT},
    };
    char list[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mmn_result *perturbation;
        write_list(list, sizeof list, cases[i].list);
        const mmn_perturb_options options = {.size = sizeof(options),
                                             .list = list,
                                             .neurons = DATA "masked.json",
                                             .settings = cases[i].settings};
        cr_expect_eq(mmn_perturb(&perturbation, model, &options, &error), cases[i].status,
                     "case %zu: %s", i, error.message);
        cr_expect(strstr(error.message, cases[i].sentence), "case %zu: %s", i, error.message);
        cr_expect_null(perturbation);
        remove(list);
    }
}

/* ---- Statistics ------------------------------------------------------------------------------ */

/* Student's 1908 sleep data, second drug less first: R's t.test gives 0.7001142 to 2.4598858. */
Test(statistics, interval_of_the_sleep_data)
{
    const double values[] = {1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4};
    mmn_interval interval = mmn_interval_of(values, 10);

    cr_expect_float_eq(interval.mean, 1.58, 1e-12);
    cr_expect_float_eq(interval.low, 0.7001142, 1e-4);
    cr_expect_float_eq(interval.high, 2.4598858, 1e-4);
}

/* The table of Student's distribution has 2.000 for 60 degrees of freedom and 1.980 for 120. */
Test(statistics, quantiles_beyond_the_table)
{
    static const struct {
        size_t count;
        double quantile;
    } cases[] = {{61, 2.000}, {121, 1.980}};

    for (size_t i = 0; i < 2; i++) {
        double values[121], n = (double)cases[i].count;
        for (size_t k = 0; k < cases[i].count; k++)
            values[k] = (double)k;
        mmn_interval interval = mmn_interval_of(values, cases[i].count);
        double error_of_mean = sqrt(n * (n + 1) / 12 / n);
        cr_expect_float_eq((interval.high - interval.mean) / error_of_mean, cases[i].quantile,
                           5e-4);
    }
}

Test(statistics, few_values_have_no_interval)
{
    const double one = 3.0;
    mmn_interval interval = mmn_interval_of(&one, 1);

    cr_expect(interval.low == 3.0 && interval.mean == 3.0 && interval.high == 3.0);
    cr_expect_eq(mmn_interval_of(NULL, 0).mean, 0.0);
}
