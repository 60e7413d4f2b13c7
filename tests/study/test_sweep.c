/* Sweeps: counts ranked at one rate and bar after another, against PyTorch in float64
 * (golden/make_selections.py) and against perplexities with the same neurons off. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mmneuron.h"
#include "study/points.h"
#include "tests/tools/needs.h"
#include "tests/tools/scratch.h"

#define CHECKPOINT MMN_SOURCE_DIR "/golden/checkpoints/qwen2"

enum { WINDOW = 16 };

static mmn_error error;
static mmn_model *model;
static json_t *truth;

static void set_up(void)
{
    const char *domain;
    json_t *text;
    scratch_make();
    truth = json_load_file(MMN_SOURCE_DIR "/tests/count/data/selections.json", 0, NULL);
    cr_assert_not_null(truth);
    MMN_NEEDS(CHECKPOINT);
    FILE *list = fopen(scratch_path("list.jsonl"), "w");
    json_object_foreach(json_object_get(truth, "texts"), domain, text)
        fprintf(list, "{\"domain\": \"%s\", \"text\": \"%s\"}\n", domain, json_string_value(text));
    fclose(list);
    cr_assert_eq(mmn_model_open(&model, CHECKPOINT, NULL, &error), MMN_OK, "%s", error.message);
    const mmn_count_options options = {.size = sizeof(options),
                                       .list = scratch_path("list.jsonl"),
                                       .output = scratch_path("counts"),
                                       .window = WINDOW};
    cr_assert_eq(mmn_count(model, &options, NULL, &error), MMN_OK, "%s", error.message);
}

static void tear_down(void)
{
    mmn_model_close(model);
    json_decref(truth);
    scratch_remove();
}

TestSuite(sweep, .init = set_up, .fini = tear_down);

static mmn_status run(json_t **document, const char *study, const char *neurons,
                      const char *settings)
{
    const mmn_study_options options = {.size = sizeof(options),
                                       .list = scratch_path("list.jsonl"),
                                       .neurons = neurons,
                                       .settings = settings,
                                       .window = WINDOW,
                                       .seeds = 2,
                                       .first_seed = 1};
    mmn_result *result;
    char *json;
    *document = NULL;
    const mmn_status status = mmn_study_run(&result, model, study, &options, &error);
    if (status != MMN_OK)
        return status;
    cr_assert_eq(mmn_result_json(result, &json, &error), MMN_OK);
    *document = json_loads(json, 0, NULL);
    cr_assert_not_null(*document);
    mmn_release(json);
    mmn_result_free(result);
    return MMN_OK;
}

/* What is said of the run with `off` and this setting (NULL: any) in a domain, the first. */
static double nats_of(const json_t *document, const char *setting, const char *off,
                      const char *domain)
{
    double found = NAN;
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(document, "runs"), i, one)
    {
        const char *own = json_string_value(json_object_get(one, "setting"));
        if (isnan(found) && strcmp(json_string_value(json_object_get(one, "off")), off) == 0 &&
            strcmp(json_string_value(json_object_get(one, "domain")), domain) == 0 &&
            (!setting || strcmp(own, setting) == 0))
            found = json_number_value(json_object_get(one, "nats"));
    }
    return found;
}

Test(sweep, is_that_of_pytorch)
{
    const char *domain;
    json_t *expected, *document;
    double largest = 0;
    size_t d = 0;
    cr_assert_eq(run(&document, "sweep", scratch_path("counts"), "all@0.15/0.8,language@0.05/0.8"),
                 MMN_OK, "%s", error.message);
    const json_t *point = json_array_get(json_object_get(document, "points"), 0);
    const json_t *lists =
        json_object_get(json_object_get(json_object_get(truth, "selections"), "entropy"), "lists");
    cr_assert(json_number_value(json_object_get(point, "rate")) == 0.15);
    cr_assert(json_number_value(json_object_get(point, "bar")) == 0.8);
    json_object_foreach(json_object_get(truth, "nats"), domain, expected)
    {
        const json_t *count = json_object_get(json_object_get(point, "neurons"), domain);
        const double nothing = json_number_value(json_object_get(expected, "nothing"));
        const double off = json_number_value(json_object_get(expected, "domain"));
        cr_assert_eq((size_t)json_integer_value(count), json_array_size(json_array_get(lists, d)));
        cr_assert_float_eq(nats_of(document, NULL, "nothing", domain), nothing, 1e-5 * nothing);
        cr_assert_float_eq(nats_of(document, "all@0.15/0.8", "domain", domain), off, 1e-5 * off);
        largest = fabs(off - nothing) > largest ? fabs(off - nothing) : largest;
        d++;
    }
    cr_assert_gt(largest, 0.1, "the neurons change nothing");
    json_decref(document);
}

/* Each point's numbers are, bit by bit, those of a sweep over neurons.json that was ranked so; and
 * in other studies, too. */
Test(sweep, is_that_of_each_ranking)
{
    static const char *const studies[] = {"sweep", "agree"};
    static const double rates[] = {0.05, 0.15};
    static const char *const settings[] = {"all@0.05/0.8", "all@0.15/0.8"};
    for (size_t s = 0; s < 2; s++) {
        json_t *swept, *alone;
        cr_assert_eq(run(&swept, studies[s], scratch_path("counts"), "all@0.05/0.8,all@0.15/0.8"),
                     MMN_OK);
        for (size_t i = 0; i < 2; i++) {
            const mmn_rank_options options = {
                .size = sizeof(options), .rate = rates[i], .bar = 0.8};
            mmn_result *ranking;
            size_t r, found = 0;
            json_t *one, *other;
            cr_assert_eq(mmn_rank(&ranking, scratch_path("counts"), &options, &error), MMN_OK);
            cr_assert_eq(mmn_result_write(ranking, scratch_path("neurons.json"), &error), MMN_OK);
            mmn_result_free(ranking);
            cr_assert_eq(run(&alone, studies[s], scratch_path("neurons.json"), "all"), MMN_OK);
            json_array_foreach(json_object_get(swept, "runs"), r, one)
            {
                if (strcmp(json_string_value(json_object_get(one, "setting")), settings[i]) != 0)
                    continue;
                json_object_set_new(one, "setting", json_string("all"));
                other = json_array_get(json_object_get(alone, "runs"), 3 + found++);
                cr_assert(json_equal(one, other), "%s, %s", studies[s], settings[i]);
            }
            cr_assert_eq(found + 3, json_array_size(json_object_get(alone, "runs")));
            json_decref(alone);
        }
        json_decref(swept);
    }
}

Test(sweep, refuses_what_is_no_point)
{
    static const char *const wrong[] = {"all@",     "all@0",
                                        "all@1.1",  "all@0.5/",
                                        "@0.5",     "all@0.5/x",
                                        "all@-0.5", "all@0.5/0",
                                        "all@1e-2", "all@0x1p-2",
                                        "all@0.5 ", "all@0.1.2",
                                        "all@.",    "all@0.00000000000000000001"};
    json_t *document;
    double rate, bar;
    size_t length;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_assert_eq(run(&document, "sweep", scratch_path("counts"), wrong[i]), MMN_USAGE, "%s",
                     wrong[i]);
        cr_assert(strstr(error.message, "MODULES@RATE"), "%s", error.message);
    }
    cr_assert_eq(mmn_point_read(&rate, &bar, &length, "vision+projector@0.035/.9", &error), MMN_OK);
    cr_assert(rate == 0.035 && bar == 0.9 && length == strlen("vision+projector"));
    cr_assert_eq(run(&document, "sweep", scratch_path("counts"), "vision@0.5"), MMN_USAGE);
    scratch_write("questions.jsonl", "{\"domain\": \"de\", \"question\": \"Was?\"}\n");
    const mmn_study_options questions = {.size = sizeof(questions),
                                         .list = scratch_path("questions.jsonl"),
                                         .neurons = scratch_path("counts")};
    mmn_result *result;
    cr_assert_eq(mmn_study_run(&result, model, "sweep", &questions, &error), MMN_USAGE);
    cr_assert(strstr(error.message, "has no texts"), "%s", error.message);
    cr_assert_eq(run(&document, "sweep", MMN_SOURCE_DIR "/tests/mask/data/masked.json", "all@0.5"),
                 MMN_USAGE);
    cr_assert(strstr(error.message, "is no counts"), "%s", error.message);
}
