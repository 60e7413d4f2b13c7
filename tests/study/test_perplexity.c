/* Perplexity of texts: the likelihoods that transformers finds in float64, with neurons on and off
 * (golden/make_language_neurons.py), and the same bits however the runs are put together. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mmneuron.h"
#include "tests/mask/language_case.h"
#include "tests/tools/failing_allocator.h"

static mmn_error error;
static mmn_model *model;
static json_t *truth;
static char list[] = "/tmp/mmneuron-perplexity-XXXXXX", neurons[LANGUAGE_CASE_PATH];

/* Opens a checkpoint, what is known of it, and writes its texts as a list. */
static void open_case(const char *name)
{
    open_language_case(&model, &truth, neurons, name, list);
}

static void close_case(void)
{
    mmn_model_close(model);
    json_decref(truth);
    model = NULL;
}

static void set_up(void)
{
    int descriptor = mkstemp(list);
    cr_assert_geq(descriptor, 0);
    close(descriptor);
}

static void tear_down(void)
{
    unlink(list);
}

TestSuite(perplexity, .init = set_up, .fini = tear_down);

static mmn_perplexity_options options_of_case(void)
{
    return (mmn_perplexity_options){
        .size = sizeof(mmn_perplexity_options),
        .list = list,
        .neurons = neurons,
        .window = (uint64_t)json_integer_value(json_object_get(truth, "window")),
        .seeds = 2,
        .first_seed = 1};
}

static char *measure(const mmn_perplexity_options *options)
{
    mmn_result *perplexity;
    char *text;
    cr_assert_eq(mmn_perplexity_measure(&perplexity, model, options, &error), MMN_OK, "%s: %s: %s",
                 error.file, error.where, error.message);
    cr_assert_eq(mmn_result_json(perplexity, &text, &error), MMN_OK);
    mmn_result_free(perplexity);
    return text;
}

static json_t *measured(const mmn_perplexity_options *options)
{
    char *text = measure(options);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(json, "%s", text);
    mmn_release(text);
    return json;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* float32 arithmetic is this far from float64 at most; a wrong token or window is off by 1e-3. */
static const double tolerance = 2e-6;

static void check_run(const json_t *run)
{
    const char *domain = text_of(run, "domain"), *owner = text_of(run, "neurons_of");
    const json_t *expected = json_object_get(truth, "plain");
    cr_assert_eq(number_of(run, "tokens"), number_of(json_object_get(truth, "tokens"), domain));
    cr_assert_float_eq(log(number_of(run, "perplexity")), number_of(run, "nats"), 1e-12);
    if (strcmp(text_of(run, "off"), "random") == 0)
        return;
    if (owner)
        expected = json_object_get(json_object_get(truth, "off"), owner);
    double nats = number_of(expected, domain);
    cr_expect_float_eq(number_of(run, "nats"), nats, tolerance * nats,
                       "%s with %s off: %.17g, not %.17g", domain, owner ? owner : "nothing",
                       number_of(run, "nats"), nats);
}

static const json_t *find_run(const json_t *result, const char *off, const char *owner,
                              const char *domain)
{
    const json_t *run;
    size_t i;
    json_array_foreach(
        json_object_get(result, "runs"), i,
        run) if (strcmp(text_of(run, "off"), off) == 0 &&
                 strcmp(text_of(run, "domain"), domain) == 0 &&
                 (!owner || strcmp(text_of(run, "neurons_of"), owner) == 0)) return run;
    return NULL;
}

static double cell(const json_t *result, const char *matrix, size_t row, size_t column)
{
    const json_t *rows = json_object_get(json_object_get(result, "cross"), matrix);
    return json_number_value(json_array_get(json_array_get(rows, row), column));
}

static void check_cross(const json_t *result)
{
    static const char *const names[2] = {"de", "en"};
    for (size_t of = 0; of < 2; of++)
        for (size_t d = 0; d < 2; d++) {
            double off = number_of(find_run(result, "domain", names[of], names[d]), "perplexity");
            double plain = number_of(find_run(result, "nothing", NULL, names[d]), "perplexity");
            cr_assert_eq(cell(result, "perplexity", of, d), off);
            cr_assert_float_eq(cell(result, "ratio", of, d), off / plain, 1e-12);
        }
}

/* The mean of the two random runs, on the scale of nats. */
static void check_summary(const json_t *result, const json_t *row)
{
    const json_t *run, *values = json_object_get(row, "perplexity");
    double sum = 0;
    size_t i;
    json_array_foreach(json_object_get(result, "runs"), i,
                       run) if (strcmp(text_of(run, "off"), "random") == 0 &&
                                strcmp(text_of(run, "domain"), text_of(row, "domain")) == 0)
        sum += number_of(run, "nats");
    cr_assert_float_eq(log(number_of(values, "random_mean")), sum / 2, 1e-12);
    cr_assert_lt(number_of(json_object_get(row, "ratio"), "random_mean"),
                 json_number_value(json_array_get(
                     json_object_get(json_object_get(row, "ratio"), "random_interval"), 1)));
    cr_assert_eq(number_of(json_object_get(row, "ratio"), "plain"), 1);
}

static void check_case(const char *name)
{
    open_case(name);
    const mmn_perplexity_options options = options_of_case();
    json_t *result = measured(&options);
    const json_t *run, *row;
    size_t i;
    cr_assert_eq(json_array_size(json_object_get(result, "runs")), 2 * (1 + 2 + 2));
    json_array_foreach(json_object_get(result, "runs"), i, run) check_run(run);
    check_cross(result);
    json_array_foreach(json_object_get(result, "summary"), i, row) check_summary(result, row);
    json_decref(result);
    close_case();
}

Test(perplexity, is_that_of_transformers_in_llama)
{
    check_case("llama-3");
}

Test(perplexity, is_that_of_transformers_in_bloom)
{
    check_case("bloom");
}

Test(perplexity, does_not_depend_on_what_runs_together)
{
    open_case("llama-3");
    mmn_perplexity_options options = options_of_case();
    char *first = measure(&options);
    for (uint32_t batch = 1; batch < 4; batch++) {
        options.batch = batch;
        char *again = measure(&options);
        cr_assert_str_eq(first, again);
        mmn_release(again);
    }
    mmn_release(first);
    close_case();
}

typedef struct predicted {
    const int32_t *ids;
    double sum;
} predicted;

/* An mmn_see_function: adds up what libm makes of all logits at once. */
static mmn_status see_logits(void *context, const mmn_stage *stage, mmn_error *problem)
{
    predicted *p = context;
    const float *logits = stage->data;
    size_t words = stage->shape[1];
    (void)problem;
    for (size_t row = 0; row + 1 < stage->shape[0]; row++, logits += words) {
        double total = 0;
        for (size_t i = 0; i < words; i++)
            total += exp((double)logits[i]);
        p->sum += log(total) - (double)logits[p->ids[row + 1]];
    }
    return MMN_OK;
}

/* Mean over all tokens but the first. */
static double nats_of_logits(const int32_t *ids, size_t count)
{
    predicted p = {.ids = ids};
    mmn_input *input;
    mmn_session *session;
    const mmn_probe probe = {.stages = "language.logits", .see = see_logits, .context = &p};
    cr_assert_eq(mmn_input_from_ids(&input, model, ids, count, &error), MMN_OK);
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
    mmn_session_free(session);
    mmn_input_free(input);
    return p.sum / (double)(count - 1);
}

/* More positions than are turned into logits at a time. */
Test(perplexity, is_that_of_every_position_of_a_long_window)
{
    open_case("bloom");
    mmn_perplexity_options options = options_of_case();
    char text[1000] = "";
    int32_t *ids;
    size_t count;
    for (int i = 0; i < 60; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%d and %d. ", i, i * i);
    cr_assert_eq(mmn_model_encode(model, text, 0, &ids, &count, &error), MMN_OK);
    cr_assert_gt(count, 150);
    FILE *file = fopen(list, "w");
    fprintf(file, "{\"domain\": \"en\", \"text\": \"%s\"}\n", text);
    fclose(file);
    options.neurons = NULL;
    options.window = 150;
    options.samples = 1;
    json_t *whole = measured(&options);
    const json_t *run = find_run(whole, "nothing", NULL, "en");
    cr_assert_eq(number_of(run, "tokens"), 149);
    cr_assert_float_eq(number_of(run, "nats"), nats_of_logits(ids, 150), 1e-6);
    cr_assert(json_is_null(json_object_get(whole, "cross")));
    json_decref(whole);
    mmn_release(ids);
    close_case();
}

Test(perplexity, refuses_what_cannot_be)
{
    open_case("llama-3");
    mmn_result *perplexity;
    mmn_perplexity_options options = options_of_case();
    options.window = 1;
    cr_assert_eq(mmn_perplexity_measure(&perplexity, model, &options, &error), MMN_INPUT);
    cr_assert(strstr(error.message, "no token to predict"), "%s", error.message);
    options = options_of_case();
    options.seeds = 32;
    cr_assert_eq(mmn_perplexity_measure(&perplexity, model, &options, &error), MMN_USAGE);
    options = options_of_case();
    options.setting = "vision";
    cr_assert_eq(mmn_perplexity_measure(&perplexity, model, &options, &error), MMN_USAGE);
    FILE *file = fopen(list, "w");
    fputs("{\"domain\": \"fr\", \"text\": \"Chaque neurone lit les nombres.\"}\n", file);
    fclose(file);
    options = options_of_case();
    cr_assert_eq(mmn_perplexity_measure(&perplexity, model, &options, &error), MMN_INPUT);
    cr_assert(strstr(error.message, "\"fr\""), "%s", error.message);
    cr_assert_null(perplexity);
    close_case();
}

Test(perplexity, survives_failing_memory)
{
    open_case("llama-3");
    mmn_perplexity_options options = options_of_case();
    mmn_status status = MMN_SYSTEM;
    unsigned long number = 1;
    options.samples = 1;
    for (; status != MMN_OK; number += 1 + number / 4) {
        mmn_result *perplexity;
        char *table = NULL, *json = NULL;
        fail_allocation_at(number);
        status = mmn_perplexity_measure(&perplexity, model, &options, &error);
        cr_assert_eq(status == MMN_OK, perplexity != NULL);
        if (status == MMN_OK)
            status = mmn_result_table(perplexity, &table, &error);
        if (status == MMN_OK)
            status = mmn_result_json(perplexity, &json, &error);
        fail_allocation_at(0);
        cr_assert(status == MMN_OK || status == MMN_SYSTEM, "%lu: %s", number, error.message);
        mmn_release(table);
        mmn_release(json);
        mmn_result_free(perplexity);
    }
    cr_assert_gt(number, 50);
    close_case();
}
