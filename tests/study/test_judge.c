/* Judges of answers: logits against those of transformers, which golden/make_deberta.py stored, and
 * files of answers. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mmneuron.h"
#include "tests/tools/needs.h"
#include "tests/tools/scratch.h"

#define JUDGE MMN_SOURCE_DIR "/golden/checkpoints/deberta-v3"
#define CASES MMN_SOURCE_DIR "/golden/cases/deberta-v3/judgements.json"

static mmn_error error;

TestSuite(judge, .init = scratch_make, .fini = scratch_remove);

static mmn_model *open_model(const char *folder)
{
    mmn_model *model;
    cr_assert_eq(mmn_model_open(&model, folder, NULL, &error), MMN_OK, "%s", error.message);
    return model;
}

static mmn_session *make_session(const mmn_model *model)
{
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    mmn_session *session;
    cr_assert_eq(mmn_session_create(&session, model, &options, &error), MMN_OK);
    return session;
}

static json_t *load_cases(void)
{
    json_t *cases = json_load_file(CASES, 0, NULL);
    cr_assert(cases);
    return cases;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* What the judge says of a case, with the right answers that it has. */
static double judge_case(mmn_session *session, mmn_judge_form form, const json_t *entry,
                         size_t *reference)
{
    const char *references[8];
    const json_t *answers = json_object_get(entry, "answers");
    double logit;
    for (size_t i = 0; i < json_array_size(answers); i++)
        references[i] = json_string_value(json_array_get(answers, i));
    cr_assert_eq(mmn_judge_answer(session, form, text_of(entry, "question"), references,
                                  json_array_size(answers), text_of(entry, "prediction"), &logit,
                                  reference, &error),
                 MMN_OK, "%s", error.message);
    return logit;
}

/* Every error at most four times torch's. */
Test(judge, says_what_transformers_says)
{
    MMN_NEEDS(JUDGE);
    mmn_model *model = open_model(JUDGE);
    mmn_session *session = make_session(model);
    json_t *cases = load_cases(), *judged = json_object_get(cases, "judged"), *entry;
    const double most = 4 * json_number_value(json_object_get(cases, "largest_error"));
    size_t i, wrong = 0;
    cr_assert_gt(json_array_size(judged), 4);
    json_array_foreach(judged, i, entry) for (int form = 0; form < 2; form++)
    {
        const json_t *expected = json_object_get(entry, form ? "demo" : "benchmark");
        const double truth = json_number_value(json_object_get(expected, "logit"));
        size_t reference;
        const double logit = judge_case(session, (mmn_judge_form)form, entry, &reference);
        cr_expect(fabs(logit - truth) <= most, "case %zu, form %d: %g, expected %g", i, form, logit,
                  truth);
        cr_expect_eq(reference, (size_t)json_integer_value(json_object_get(expected, "reference")));
        wrong += truth <= 0;
    }
    cr_assert(wrong > 0 && wrong < 2 * json_array_size(judged));
    json_decref(cases);
    mmn_session_free(session);
    mmn_model_close(model);
}

/* How long the texts are that a judge reads. */
static mmn_status see_ids(void *context, const mmn_stage *stage, mmn_error *problem)
{
    (void)problem;
    *(mmn_stage *)context = *stage;
    return stage->shape[0] > 0 && ((const int32_t *)stage->data)[0] == 1 &&
                   ((const int32_t *)stage->data)[1] == 1 &&
                   ((const int32_t *)stage->data)[stage->shape[0] - 1] == 2
               ? MMN_OK
               : MMN_DIFFERENT;
}

Test(judge, cuts_only_the_benchmark_form)
{
    MMN_NEEDS(JUDGE);
    mmn_model *model = open_model(JUDGE);
    mmn_session *session = make_session(model);
    mmn_stage seen = {0};
    const mmn_probe probe = {.stages = "input_ids", .see = see_ids, .context = &seen};
    const char *const right[] = {"yes"};
    char answer[1024] = "";
    double logit;
    for (size_t i = 0; i < 100; i++)
        strcat(answer, "yes and ");
    cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK);
    cr_assert_eq(
        mmn_judge_answer(session, MMN_JUDGE_BENCHMARK, "?", right, 1, answer, &logit, NULL, &error),
        MMN_OK, "%s", error.message);
    cr_expect_eq(seen.shape[0], 128);
    cr_assert_eq(
        mmn_judge_answer(session, MMN_JUDGE_DEMO, "?", right, 1, answer, &logit, NULL, &error),
        MMN_OK);
    cr_expect_gt(seen.shape[0], 200);
    mmn_session_free(session);
    mmn_model_close(model);
}

/* One session for all texts, and one for each: the same bits, whatever the number of threads. */
Test(judge, sessions_and_threads_change_no_bit)
{
    MMN_NEEDS(JUDGE);
    mmn_model *models[2] = {open_model(JUDGE), NULL};
    const mmn_model_options options = {.size = sizeof(options), .threads = 1};
    cr_assert_eq(mmn_model_open(&models[1], JUDGE, &options, &error), MMN_OK);
    mmn_session *session = make_session(models[0]);
    json_t *cases = load_cases(), *entry;
    size_t i;
    json_array_foreach(json_object_get(cases, "judged"), i, entry)
    {
        mmn_session *own = make_session(models[1]);
        size_t reference;
        const double alone = judge_case(own, MMN_JUDGE_DEMO, entry, &reference);
        cr_expect(alone == judge_case(session, MMN_JUDGE_DEMO, entry, &reference), "case %zu", i);
        mmn_session_free(own);
    }
    json_decref(cases);
    mmn_session_free(session);
    mmn_model_close(models[0]);
    mmn_model_close(models[1]);
}

/* ---- Files ----------------------------------------------------------------------------------- */

/* The cases as a file of lines. */
static const char *write_cases(void)
{
    json_t *cases = load_cases(), *entry;
    char *lines = calloc(1, 1 << 16);
    size_t i;
    json_array_foreach(json_object_get(cases, "judged"), i, entry)
    {
        json_t *line = json_pack("{s:s, s:O, s:O, s:O}", "domain", i % 2 ? "odd" : "even",
                                 "question", json_object_get(entry, "question"), "answers",
                                 json_object_get(entry, "answers"), "prediction",
                                 json_object_get(entry, "prediction"));
        char *text = json_dumps(line, 0);
        strcat(strcat(lines, text), "\n");
        free(text);
        json_decref(line);
    }
    scratch_write("answers.jsonl", lines);
    free(lines);
    json_decref(cases);
    return scratch_path("answers.jsonl");
}

Test(judge, counts_the_right_answers_of_a_file)
{
    MMN_NEEDS(JUDGE);
    mmn_model *model = open_model(JUDGE);
    mmn_session *session = make_session(model);
    const mmn_judge_options options = {.size = sizeof(options), .file = write_cases()};
    mmn_result *result;
    json_t *cases = load_cases(), *entry;
    size_t i, reference, right[2] = {0}, all[2] = {0};
    cr_assert_eq(mmn_judge_file(&result, model, &options, &error), MMN_OK, "%s: %s", error.where,
                 error.message);
    json_array_foreach(json_object_get(cases, "judged"), i, entry)
    {
        right[i % 2] += judge_case(session, MMN_JUDGE_BENCHMARK, entry, &reference) > 0;
        all[i % 2]++;
    }
    cr_expect_eq(mmn_result_rows(result, "groups"), 2);
    for (size_t group = 0; group < 2; group++) {
        cr_expect_eq((size_t)mmn_result_number(result, "groups", group, "right"), right[group]);
        cr_expect_eq((size_t)mmn_result_number(result, "groups", group, "judged"), all[group]);
    }
    cr_expect_eq(mmn_result_rows(result, "judgements"), i);
    for (size_t row = 0; row < i; row++) {
        const double logit = mmn_result_number(result, "judgements", row, "logit");
        const double probability = mmn_result_number(result, "judgements", row, "probability");
        cr_expect(fabs(probability - 1 / (1 + exp(-logit))) < 1e-6);
    }
    mmn_result_free(result);
    json_decref(cases);
    mmn_session_free(session);
    mmn_model_close(model);
}

#define LINE(rest) "{\"question\": \"q\", \"answers\": [\"a\"], \"prediction\": \"p\"" rest "}\n"

Test(judge, names_lines_that_are_wrong)
{
    static const struct {
        const char *lines, *where, *message;
    } cases[] = {
        {LINE("") "[]\n", "line 2", "object"},
        {LINE("") "{\n", "line 2", ""},
        {"{\"answers\": [\"a\"], \"prediction\": \"p\"}\n", "line 1, question", "is missing"},
        {"{\"question\": \"q\", \"answers\": [\"a\"]}\n", "line 1, prediction", "is missing"},
        {"{\"question\": \"q\", \"answers\": [], \"prediction\": \"p\"}\n", "line 1, answers",
         "right answer"},
        {"{\"question\": \"q\", \"answers\": [1], \"prediction\": \"p\"}\n", "line 1, answers",
         "texts"},
        {"{\"question\": 1, \"answers\": [\"a\"], \"prediction\": \"p\"}\n", "line 1, question",
         ""},
        {LINE(", \"image\": \"a.png\""), "line 1, image", "is unknown"},
        {LINE(", \"id\": 1.5"), "line 1, id", "integer"},
        {"{\"format\": \"mmneuron-rows-1\"}\n", "line 1", ""},
    };
    MMN_NEEDS(JUDGE);
    mmn_model *model = open_model(JUDGE);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mmn_result *result;
        scratch_write("answers.jsonl", cases[i].lines);
        const mmn_judge_options options = {.size = sizeof(options),
                                           .file = scratch_path("answers.jsonl")};
        cr_expect_eq(mmn_judge_file(&result, model, &options, &error), MMN_INPUT, "case %zu", i);
        cr_expect_null(result);
        cr_expect(strstr(error.where, cases[i].where), "case %zu: %s", i, error.where);
        cr_expect(strstr(error.message, cases[i].message), "case %zu: %s", i, error.message);
    }
    mmn_model_close(model);
}

/* Models that are none, and judges with more than one number. */
Test(judge, refuses_other_models)
{
    static const struct {
        const char *folder, *message;
    } cases[] = {{"llama-2", "is no judge"}, {"deberta-v3-few-buckets", "gives 3 numbers"}};
    const char *const right[] = {"a"};
    for (size_t i = 0; i < 2; i++) {
        char folder[4096];
        double logit;
        snprintf(folder, sizeof(folder), MMN_SOURCE_DIR "/golden/checkpoints/%s", cases[i].folder);
        MMN_NEEDS(folder);
        mmn_model *model = open_model(folder);
        mmn_session *session = make_session(model);
        cr_expect_eq(
            mmn_judge_answer(session, MMN_JUDGE_DEMO, "q", right, 1, "a", &logit, NULL, &error),
            MMN_INPUT);
        cr_expect(strstr(error.message, cases[i].message), "%s", error.message);
        mmn_session_free(session);
        mmn_model_close(model);
    }
}

/* What a judge cannot do. */
Test(judge, does_not_answer)
{
    MMN_NEEDS(JUDGE);
    mmn_model *model = open_model(JUDGE);
    mmn_session *session;
    mmn_input *input;
    int32_t ids[4];
    size_t count;
    mmn_result *result;
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_input_from_prompt(&input, model, "a", NULL, 0, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK, "%s", error.message);
    cr_expect_eq(mmn_session_generate(session, 4, ids, &count, &error), MMN_INPUT);
    cr_expect(strstr(error.message, "no language model"), "%s", error.message);
    scratch_write("list.jsonl", "{\"domain\": \"a\", \"question\": \"b\", \"answers\": [\"c\"]}\n");
    const mmn_eval_options options = {.size = sizeof(options), .list = scratch_path("list.jsonl")};
    cr_expect_eq(mmn_eval(&result, model, &options, &error), MMN_INPUT);
    cr_expect(strstr(error.message, "no language model"), "%s", error.message);
    mmn_input_free(input);
    mmn_session_free(session);
    mmn_model_close(model);
}

/* The published model says what its authors' metric says (maysonma/lingo_judge_metric). */
Test(judge, gives_the_published_check_value)
{
    const char *folder = getenv("MMN_LINGO_JUDGE");
    const char *const right[] = {"Yes, green."};
    double logit;
    if (!folder)
        cr_skip_test("MMN_LINGO_JUDGE does not name the folder of the published weights, as "
                     "safetensors");
    mmn_model *model = open_model(folder);
    mmn_session *session = make_session(model);
    cr_assert_eq(mmn_judge_answer(session, MMN_JUDGE_BENCHMARK,
                                  "Are there any traffic lights present? If yes, what is their "
                                  "color?",
                                  right, 1, "No.", &logit, NULL, &error),
                 MMN_OK, "%s", error.message);
    cr_expect(fabs(logit - -3.38348388671875) < 1e-4, "%.9g", logit);
    mmn_session_free(session);
    mmn_model_close(model);
}
