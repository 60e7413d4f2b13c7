/* Evaluations that end early: settings end at the samples at which the written-out formula says
 * that enough is known of all samples' values, and how they are run changes nothing of it. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "mmneuron.h"
#include "tests/tools/scratch.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5"
#define NEURONS MMN_SOURCE_DIR "/tests/mask/data/masked.json"

enum { SAMPLES = 80, SEEDS = 2 };

static mmn_error error;
static mmn_model *model;
static char list[300], file[300];

static void set_up(void)
{
    char text[2 * SAMPLES * 120] = "";
    size_t length = 0;
    scratch_make();
    for (int i = 0; i < 2 * SAMPLES; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length,
                                   "{\"id\": \"%d\", \"domain\": \"%s\", \"prompt\": \"Say %d\","
                                   " \"answers\": [\"%d\"], \"metric\": \"exact\"}\n",
                                   i, i % 2 ? "medical" : "documents", i * i % 97, i * 7 % 10);
    scratch_write("list.jsonl", text);
    snprintf(list, sizeof(list), "%s", scratch_path("list.jsonl"));
    snprintf(file, sizeof(file), "%s", scratch_path("rows.jsonl"));
    cr_assert_eq(mmn_model_open(&model, MODEL, NULL, &error), MMN_OK, "%s", error.message);
}

static void tear_down(void)
{
    mmn_model_close(model);
    scratch_remove();
}

TestSuite(until, .init = set_up, .fini = tear_down);

static unsigned long told, stop_at;

static int show(void *context, const mmn_progress *progress)
{
    (void)context;
    cr_assert_leq(progress->done, progress->total);
    return ++told == stop_at;
}

static mmn_eval_options options_of(double until)
{
    return (mmn_eval_options){.size = sizeof(mmn_eval_options),
                              .list = list,
                              .neurons = NEURONS,
                              .settings = "language,all",
                              .cross = "all",
                              .seeds = SEEDS,
                              .tokens = 1,
                              .measures = "likelihood",
                              .progress = show,
                              .until = until};
}

/* The JSON of an evaluation, freed with mmn_release; NULL: it was interrupted. */
static char *run(const mmn_eval_options *options)
{
    mmn_result *result;
    char *text;
    told = 0;
    const mmn_status status = mmn_eval(&result, model, options, &error);
    if (status == MMN_INTERRUPTED)
        return NULL;
    cr_assert_eq(status, MMN_OK, "%s: %s: %s", error.file, error.where, error.message);
    cr_assert_eq(mmn_result_json(result, &text, &error), MMN_OK);
    mmn_result_free(result);
    return text;
}

static json_t *parsed(char *text)
{
    json_t *result = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(result, "%s", text);
    mmn_release(text);
    return result;
}

static bool is(const json_t *object, const char *key, const char *text)
{
    const char *found = json_string_value(json_object_get(object, key));
    return found && strcmp(found, text) == 0;
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* Adds to `values` ln p per token of the samples of runs of this kind, times `factor`. */
static void add_values(double *values, const json_t *result, const char *setting,
                       const char *domain, const char *off, double factor)
{
    size_t i, k;
    json_t *one, *prediction;
    json_array_foreach(json_object_get(result, "runs"), i,
                       one) if (is(one, "setting", setting) && is(one, "domain", domain) &&
                                is(one, "off", off) &&
                                (is(one, "neurons_of", domain) || strcmp(off, "nothing") == 0))
        json_array_foreach(json_object_get(one, "predictions"), k, prediction) values[k] +=
        factor * number(prediction, "log_probability") / number(prediction, "reference_tokens");
}

/* The half width after `count` values, from their definitions (src/study/confidence.h). */
static double half_width(const double *values, size_t count)
{
    double mean = 0, variance = 0, third = 0, n = (double)count;
    for (size_t i = 0; i < count; i++)
        mean += values[i] / n;
    for (size_t i = 0; i < count; i++) {
        variance += pow(values[i] - mean, 2) / n;
        third += pow(values[i] - mean, 3) / n;
    }
    const double skewness = third / pow(variance, 1.5),
                 r2 = (-2 * log(0.05) + log(-2 * log(0.05)) + 1) / 250;
    if (count < 50 || n <= 50 * skewness * skewness)
        return (double)INFINITY;
    return sqrt(variance * n / (n - 1)) *
               sqrt(2 * (n * r2 + 1) / (n * n * r2) * log(sqrt(n * r2 + 1) / 0.05)) +
           4 * log(40) / n;
}

/* What one setting in one domain must have come to. Returns how many samples it took. */
static size_t check_known(const json_t *known, const json_t *whole, const json_t *ended,
                          double until)
{
    const char *setting = json_string_value(json_object_get(known, "setting"));
    const char *domain = json_string_value(json_object_get(known, "domain"));
    double values[SAMPLES] = {0}, taken[SAMPLES] = {0}, half = (double)INFINITY;
    size_t count = 0, i;
    json_t *one;
    add_values(values, whole, setting, domain, "domain", 1);
    add_values(values, whole, setting, domain, "random", -1.0 / SEEDS);
    while (count < SAMPLES && half > until)
        half = half_width(values, ++count);
    cr_expect_eq(number(known, "samples"), count, "%s %s: %g, not %zu", setting, domain,
                 number(known, "samples"), count);
    cr_expect_eq(number(known, "of"), SAMPLES);
    cr_expect_eq(json_is_true(json_object_get(known, "enough")), half <= until);
    if (isfinite(half))
        cr_expect_float_eq(number(known, "half_width"), half, 1e-9 * half);
    /* Nothing else has run, and what has run is as it was. */
    add_values(taken, ended, setting, domain, "domain", 1);
    add_values(taken, ended, setting, domain, "random", -1.0 / SEEDS);
    for (i = 0; i < SAMPLES; i++)
        cr_expect_eq(taken[i], i < count ? values[i] : 0);
    double plain[SAMPLES] = {0}, sum = 0;
    add_values(plain, whole, "none", domain, "nothing", 1);
    for (i = 0; i < count; i++)
        sum += plain[i];
    json_array_foreach(json_object_get(json_object_get(ended, "likelihood"), "summary"), i,
                       one) if (is(one, "setting", setting) && is(one, "domain", domain))
        cr_expect_eq(number(one, "plain"), sum / (double)count);
    return count;
}

/* A half width at which some settings end early, and others later or not at all. */
static double find_until(const json_t *whole)
{
    double values[SAMPLES] = {0};
    add_values(values, whole, "all", "medical", "domain", 1);
    add_values(values, whole, "all", "medical", "random", -1.0 / SEEDS);
    return half_width(values, 60) * 1.0001;
}

Test(until, settings_end_when_enough_is_known)
{
    const mmn_eval_options all = options_of(0);
    json_t *whole = parsed(run(&all)), *known;
    const mmn_eval_options options = options_of(find_until(whole));
    json_t *ended = parsed(run(&options));
    size_t i, least = SAMPLES, most = 0;
    cr_assert(!json_object_get(whole, "known"));
    cr_assert_eq(json_array_size(json_object_get(ended, "known")), 4);
    json_array_foreach(json_object_get(ended, "known"), i, known)
    {
        const size_t count = check_known(known, whole, ended, options.until);
        least = count < least ? count : least;
        most = count > most ? count : most;
    }
    cr_expect_lt(least, SAMPLES, "no setting has ended early");
    cr_expect_lt(least, most);
    /* What is said of it holds what was looked at. */
    json_array_foreach(json_object_get(ended, "comparisons"), i,
                       known) if (is(known, "off", "own") && is(known, "against", "random") &&
                                  is(known, "setting", "all") && is(known, "domain", "medical"))
        cr_expect_float_eq(json_real_value(json_array_get(json_object_get(known, "interval"), 1)) -
                               number(known, "difference"),
                           options.until, 0.2 * options.until);
    json_decref(ended);
    json_decref(whole);
}

static void expect_same(const char *expected, mmn_eval_options options)
{
    char *text = run(&options);
    cr_assert_not_null(text);
    cr_expect_str_eq(text, expected);
    mmn_release(text);
}

Test(until, is_the_same_however_it_runs)
{
    mmn_eval_options options = options_of(0);
    json_t *whole = parsed(run(&options));
    options = options_of(find_until(whole));
    json_decref(whole);
    char *expected = run(&options), *bytes, *text;
    const unsigned long all = told;
    for (options.batch = 1; options.batch < 8; options.batch += 3)
        expect_same(expected, options);
    options.batch = 0;
    options.rows.file = file;
    expect_same(expected, options);
    expect_same(expected, options); /* of the rows alone */
    const char *part = file;
    mmn_eval_options merged = options;
    merged.rows = (mmn_rows_options){.parts = &part, .part_count = 1};
    expect_same(expected, merged);
    size_t size;
    cr_assert_eq(mmn_read_file(&bytes, &size, file, 1 << 24, &error), MMN_OK);
    for (size_t cut = strcspn(bytes, "\n") + 1; cut < size; cut += size / 5) {
        scratch_write_bytes("rows.jsonl", bytes, cut);
        expect_same(expected, options);
    }
    mmn_free(bytes);
    remove(file);
    size_t interruptions = 0;
    for (stop_at = all / 3; (text = run(&options)) == NULL; stop_at += all / 5)
        interruptions++;
    cr_expect_gt(interruptions, 0);
    cr_expect_str_eq(text, expected);
    mmn_release(text);
    mmn_release(expected);
}

Test(until, is_refused_where_it_means_nothing)
{
    mmn_result *result;
    mmn_eval_options options = options_of((double)NAN);
    cr_expect_eq(mmn_eval(&result, model, &options, &error), MMN_USAGE);
    options = options_of(0.1);
    options.seeds = 0;
    cr_expect_eq(mmn_eval(&result, model, &options, &error), MMN_USAGE);
    cr_expect(strstr(error.message, "at least one random choice"));
    options = options_of(0.1);
    options.rows = (mmn_rows_options){.file = file, .shard = 1, .shards = 3};
    cr_expect_eq(mmn_eval(&result, model, &options, &error), MMN_USAGE);
    cr_expect(strstr(error.message, "a shard cannot tell"));
    options.rows.shards = 1;
    cr_expect_eq(mmn_eval(&result, model, &options, &error), MMN_OK);
}

/* Of accuracy, whose interval holds from the first sample on. */
Test(until, answers_alone_end_by_accuracy)
{
    mmn_eval_options options = options_of(1);
    options.measures = "answers";
    json_t *ended = parsed(run(&options)), *known;
    size_t i;
    cr_expect(is(json_object_get(ended, "stopping"), "measure", "accuracy"));
    json_array_foreach(json_object_get(ended, "known"), i, known)
    {
        cr_expect_lt(number(known, "samples"), 30);
        cr_expect_leq(number(known, "half_width"), 1);
        cr_expect(json_is_true(json_object_get(known, "enough")));
    }
    json_decref(ended);
}
