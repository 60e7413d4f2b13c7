/* What the public header forbids is refused with a status: NULL, objects of another model, ids
 * beyond the vocabulary, calls from inside a probe. And what it allows: an input that its owner has
 * freed. */
#include <criterion/criterion.h>
#include <glob.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mmneuron.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5"
#define OTHER MMN_SOURCE_DIR "/golden/checkpoints/llama-2"
#define IMAGE MMN_SOURCE_DIR "/golden/images/grey.jpg"
#define HEADERS MMN_SOURCE_DIR "/src/mmneuron/*.h"

static mmn_error error;
static mmn_model *model, *other;

static mmn_input *make_input(const mmn_model *of)
{
    const char *image = IMAGE;
    mmn_input *input;
    bool with_image = of == model;
    cr_assert_eq(mmn_input_from_prompt(&input, of, with_image ? "a <image> b" : "a b", &image,
                                       with_image, &error),
                 MMN_OK, "%s", error.message);
    return input;
}

static void open_models(void)
{
    cr_assert_eq(mmn_model_open(&model, MODEL, NULL, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_model_open(&other, OTHER, NULL, &error), MMN_OK, "%s", error.message);
}

static void close_models(void)
{
    mmn_model_close(model);
    mmn_model_close(other);
}

static mmn_session *start(const mmn_model *of, int prompt_only)
{
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = prompt_only};
    mmn_session *session;
    cr_assert_eq(mmn_session_create(&session, of, &options, &error), MMN_OK);
    return session;
}

TestSuite(misuse, .init = open_models, .fini = close_models);

/* ---- NULL ------------------------------------------------------------------------------------ */

/* The calls that were tried, as they stand in this file. */
static char tried[1 << 16];

static void try(const char *call, mmn_status status)
{
    cr_expect_eq(status, MMN_USAGE, "%s: %d, \"%s\"", call, (int)status, error.message);
    cr_expect_eq(error.status, MMN_USAGE, "%s", call);
    cr_expect_neq(error.message[0], '\0', "%s", call);
    strcat(strcat(tried, call), "\n");
    error = (mmn_error){0};
}

#define REFUSES(...) try(#__VA_ARGS__, __VA_ARGS__)

/* Counts the functions of a header that return a status; each must have been tried. */
static size_t expect_tried(const char *path)
{
    static const char mark[] = "MMN_API mmn_status ";
    FILE *header = fopen(path, "r");
    char line[512];
    size_t functions = 0;
    cr_assert(header);
    while (fgets(line, sizeof line, header)) {
        char *name = strncmp(line, mark, sizeof mark - 1) == 0 ? line + sizeof mark - 1 : NULL;
        char *end = name ? strchr(name, '(') : NULL;
        if (!end)
            continue;
        end[1] = '\0';
        functions++;
        cr_expect(strstr(tried, name), "%s...) is not tried with NULL", name);
    }
    fclose(header);
    return functions;
}

static void expect_all_tried(void)
{
    glob_t headers;
    size_t functions = 0;
    cr_assert_eq(glob(HEADERS, 0, NULL, &headers), 0);
    for (size_t i = 0; i < headers.gl_pathc; i++)
        functions += expect_tried(headers.gl_pathv[i]);
    globfree(&headers);
    cr_expect_gt(functions, 40);
}

Test(misuse, null)
{
    mmn_input *input = make_input(model);
    REFUSES(mmn_set_allocator(NULL, &error)); /* a model is open */
    mmn_session *session = start(model, 0);
    const mmn_input *const two[] = {input, NULL};
    const char *const files[] = {"none", NULL};
    const int32_t id = 1;
    int32_t ids[4], *made_ids;
    size_t count;
    char **texts;
    char *text, digest[33];
    int flag;
    mmn_model *opened;
    mmn_input *made;
    mmn_session *created;
    mmn_mask *mask;
    mmn_counts *counts;
    mmn_neurons *neurons;
    mmn_neuron *listed;
    double p[1];
    mmn_output *output;
    mmn_result *result;
    mmn_report *report;

    REFUSES(mmn_output_claim(NULL, "x", NULL, &error));
    REFUSES(mmn_output_claim(&output, NULL, NULL, &error));
    REFUSES(mmn_keep_elsewhere(&text, NULL, "x", &error));
    REFUSES(mmn_keep_elsewhere(&text, "x", NULL, &error));
    REFUSES(mmn_model_open(NULL, MODEL, NULL, &error));
    REFUSES(mmn_model_open(&opened, NULL, NULL, &error));
    REFUSES(mmn_model_open(
        &opened, MODEL,
        &(mmn_model_options){.size = sizeof(mmn_model_options), .deltas = files, .delta_count = 2},
        &error));
    cr_expect_null(opened);
    REFUSES(mmn_model_digest(NULL, digest, &error));
    REFUSES(mmn_model_digest(model, NULL, &error));
    REFUSES(mmn_model_unchanged(NULL, &error));
    REFUSES(mmn_model_encode(NULL, "x", 0, &made_ids, &count, &error));
    REFUSES(mmn_model_encode(model, NULL, 0, &made_ids, &count, &error));
    REFUSES(mmn_model_encode(model, "x", 0, NULL, &count, &error));
    REFUSES(mmn_model_encode(model, "x", 0, &made_ids, NULL, &error));
    REFUSES(mmn_model_decode(NULL, &id, 1, 0, &text, &error));
    REFUSES(mmn_model_decode(model, NULL, 1, 0, &text, &error));
    REFUSES(mmn_model_decode(model, &id, 1, 0, NULL, &error));
    REFUSES(mmn_prompt_from_template(NULL, NULL, "x", 0, &text, &error));
    REFUSES(mmn_prompt_from_template(model, NULL, NULL, 0, &text, &error));
    REFUSES(mmn_prompt_from_template(model, NULL, "x", 0, NULL, &error));

    REFUSES(mmn_input_from_prompt(NULL, model, "x", NULL, 0, &error));
    REFUSES(mmn_input_from_prompt(&made, NULL, "x", NULL, 0, &error));
    REFUSES(mmn_input_from_prompt(&made, model, NULL, NULL, 0, &error));
    REFUSES(mmn_input_from_prompt(&made, model, "a <image>", NULL, 1, &error));
    REFUSES(mmn_input_from_prompt(&made, model, "a <image>", &files[1], 1, &error));
    cr_expect_null(made);
    REFUSES(mmn_input_from_question(NULL, model, NULL, "x", NULL, 0, &text, &error));
    REFUSES(mmn_input_from_question(&made, NULL, NULL, "x", NULL, 0, &text, &error));
    REFUSES(mmn_input_from_question(&made, model, NULL, NULL, NULL, 0, &text, &error));
    REFUSES(mmn_input_from_question(&made, model, NULL, "x", NULL, 1, NULL, &error));
    REFUSES(mmn_input_from_file(NULL, model, "x", &error));
    REFUSES(mmn_input_from_file(&made, NULL, "x", &error));
    REFUSES(mmn_input_from_file(&made, model, NULL, &error));
    REFUSES(mmn_input_from_ids(NULL, model, &id, 1, &error));
    REFUSES(mmn_input_from_ids(&made, NULL, &id, 1, &error));
    REFUSES(mmn_input_from_ids(&made, model, NULL, 1, &error));
    REFUSES(mmn_input_from_ids(&made, model, &id, 0, &error));
    REFUSES(mmn_input_fits(NULL, model, &error));
    REFUSES(mmn_input_fits(input, NULL, &error));

    REFUSES(mmn_session_create(NULL, model, NULL, &error));
    REFUSES(mmn_session_create(&created, NULL, NULL, &error));
    REFUSES(mmn_session_add_probe(NULL, &(mmn_probe){0}, &error));
    REFUSES(mmn_session_add_probe(session, NULL, &error));
    REFUSES(mmn_session_add_probe(session, &(mmn_probe){0}, &error));
    REFUSES(mmn_session_add_probe(session, &(mmn_probe){.stages = "*"}, &error));
    REFUSES(mmn_session_generate(session, 1, ids, &count, &error)); /* nothing was prefilled */
    REFUSES(mmn_session_prefill(NULL, input, &error));
    REFUSES(mmn_session_prefill(session, NULL, &error));
    REFUSES(mmn_session_prefill_many(NULL, two, 1, &error));
    REFUSES(mmn_session_set_sampling(NULL, NULL, &error));
    REFUSES(mmn_session_set_beam_search(NULL, NULL, &error));
    REFUSES(mmn_session_set_beam_search(session, &(mmn_beam_search){.beams = 65}, &error));
    REFUSES(mmn_session_set_stop_strings(NULL, NULL, 0, &error));
    REFUSES(mmn_session_set_stop_strings(session, NULL, 1, &error));
    REFUSES(mmn_session_set_stop_strings(session, &files[1], 1, &error));
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK, "%s", error.message);
    REFUSES(mmn_session_generate(NULL, 1, ids, &count, &error));
    const char *const right[] = {"a"}, *const none[] = {NULL};
    double logit;
    REFUSES(mmn_judge_answer(NULL, MMN_JUDGE_DEMO, "q", right, 1, "a", &logit, NULL, &error));
    REFUSES(mmn_judge_answer(session, MMN_JUDGE_DEMO, NULL, right, 1, "a", &logit, NULL, &error));
    REFUSES(mmn_judge_answer(session, MMN_JUDGE_DEMO, "q", NULL, 1, "a", &logit, NULL, &error));
    REFUSES(mmn_judge_answer(session, MMN_JUDGE_DEMO, "q", none, 1, "a", &logit, NULL, &error));
    REFUSES(mmn_judge_answer(session, MMN_JUDGE_DEMO, "q", right, 0, "a", &logit, NULL, &error));
    REFUSES(mmn_judge_answer(session, MMN_JUDGE_DEMO, "q", right, 1, NULL, &logit, NULL, &error));
    REFUSES(mmn_judge_answer(session, MMN_JUDGE_DEMO, "q", right, 1, "a", NULL, NULL, &error));
    REFUSES(mmn_judge_answer(session, (mmn_judge_form)2, "q", right, 1, "a", &logit, NULL, &error));
    REFUSES(mmn_session_generate(session, 1, NULL, &count, &error));
    REFUSES(mmn_session_generate(session, 1, ids, NULL, &error));
    const mmn_objective objective = {.size = sizeof(objective)},
                        foreign = {.size = sizeof(foreign), .token = -1};
    const mmn_objective beyond = {.size = sizeof(beyond), .position = 1000};
    double value;
    REFUSES(mmn_session_gradient(NULL, input, &objective, &value, &error));
    REFUSES(mmn_session_gradient(session, NULL, &objective, &value, &error));
    REFUSES(mmn_session_gradient(session, input, NULL, &value, &error));
    REFUSES(mmn_session_gradient(session, input, &foreign, &value, &error));
    REFUSES(mmn_session_gradient(session, input, &beyond, &value, &error));
    REFUSES(mmn_session_keep(session, NULL, &error));
    REFUSES(mmn_session_keep(NULL, "*", &error));
    REFUSES(mmn_session_add_mask(session, NULL, &error));
    REFUSES(mmn_session_add_mask(NULL, NULL, &error));

    REFUSES(mmn_list_reads_texts(NULL, &flag, &error));
    REFUSES(mmn_list_reads_texts("x", NULL, &error));
    REFUSES(mmn_count_state_file(&text, NULL, &error));
    REFUSES(mmn_rows_arguments(NULL, &count, "x", &error));
    REFUSES(mmn_rows_arguments(&texts, NULL, "x", &error));
    REFUSES(mmn_rows_arguments(&texts, &count, NULL, &error));
    REFUSES(mmn_count(
        NULL, &(mmn_count_options){.size = sizeof(mmn_count_options), .list = "x", .output = "y"},
        NULL, &error));
    REFUSES(mmn_count_plan(
        NULL, model, &(mmn_count_options){.size = sizeof(mmn_count_options), .list = "x"}, &error));
    REFUSES(mmn_count_plan(&result, NULL,
                           &(mmn_count_options){.size = sizeof(mmn_count_options), .list = "x"},
                           &error));
    REFUSES(mmn_count_plan(&result, model, NULL, &error));
    REFUSES(mmn_count_plan(&result, model, &(mmn_count_options){.size = sizeof(mmn_count_options)},
                           &error));
    REFUSES(mmn_count(model, NULL, NULL, &error));
    REFUSES(mmn_count(model, &(mmn_count_options){.size = sizeof(mmn_count_options), .output = "y"},
                      NULL, &error));
    REFUSES(mmn_count(model, &(mmn_count_options){.size = sizeof(mmn_count_options), .list = "x"},
                      NULL, &error));
    REFUSES(mmn_counts_merge(NULL, 1, "x", &error));
    REFUSES(mmn_counts_merge(files, 2, "x", &error));
    REFUSES(mmn_counts_merge(files, 1, NULL, &error));
    REFUSES(mmn_rank(NULL, "x", NULL, &error));
    REFUSES(mmn_rank(&result, NULL, NULL, &error));
    REFUSES(mmn_ranking_table_file(&text, NULL, &error));
    REFUSES(mmn_counts_read(NULL, "x", &error));
    REFUSES(mmn_counts_read(&counts, NULL, &error));
    REFUSES(mmn_counts_probabilities(NULL, "language", 0, 0, p, &error));
    REFUSES(mmn_neurons_read(NULL, "x", &error));
    REFUSES(mmn_neurons_read(&neurons, NULL, &error));
    REFUSES(mmn_neurons_rank(NULL, NULL, NULL, &error));
    REFUSES(mmn_neurons_rank(&neurons, NULL, NULL, &error));
    REFUSES(mmn_neurons_result(&result, NULL, &error));
    REFUSES(mmn_neurons_list(&listed, &count, NULL, NULL, "all", &error));
    REFUSES(mmn_result_write(NULL, "x", &error));
    REFUSES(mmn_result_read(&result, NULL, &error));
    REFUSES(mmn_result_read(NULL, "x", &error));

    REFUSES(mmn_mask_from_file(NULL, model, "x", NULL, "all", 0, &error));
    REFUSES(mmn_mask_from_file(&mask, NULL, "x", NULL, "all", 0, &error));
    REFUSES(mmn_mask_from_file(&mask, model, NULL, NULL, "all", 0, &error));
    REFUSES(mmn_mask_from_file(&mask, model, "x", NULL, NULL, 0, &error));
    REFUSES(mmn_mask_steer(&mask, model, NULL, &error));
    REFUSES(mmn_mask_steer(&mask, model, &(mmn_steering){0}, &error));
    REFUSES(mmn_mask_from_neurons(&mask, model, NULL, NULL, "all", 0, &error));
    REFUSES(mmn_mask_steer_neurons(&mask, model, NULL, NULL, &(mmn_steering){0}, &error));
    REFUSES(mmn_mask_random(&mask, NULL, 1, &error));

    REFUSES(mmn_eval(NULL, model,
                     &(mmn_eval_options){.size = sizeof(mmn_eval_options), .list = "x"}, &error));
    REFUSES(mmn_eval(&result, NULL,
                     &(mmn_eval_options){.size = sizeof(mmn_eval_options), .list = "x"}, &error));
    REFUSES(mmn_eval(&result, model, NULL, &error));
    REFUSES(
        mmn_eval(&result, model, &(mmn_eval_options){.size = sizeof(mmn_eval_options)}, &error));
    REFUSES(mmn_eval(
        &result, model,
        &(mmn_eval_options){.size = sizeof(mmn_eval_options), .list = "x", .stop_string_count = 1},
        &error));
    cr_expect_null(result);
    REFUSES(mmn_perplexity_measure(
        &result, model, &(mmn_perplexity_options){.size = sizeof(mmn_perplexity_options)}, &error));
    REFUSES(mmn_perplexity_measure(&result, model, NULL, &error));
    REFUSES(mmn_perturb(&result, model, NULL, &error));
    REFUSES(mmn_perturb(&result, model,
                        &(mmn_perturb_options){.size = sizeof(mmn_perturb_options), .list = "x"},
                        &error));
    REFUSES(mmn_perturb(&result, model,
                        &(mmn_perturb_options){.size = sizeof(mmn_perturb_options), .neurons = "x"},
                        &error));
    REFUSES(mmn_study_run(&result, model, "agree", NULL, &error));
    REFUSES(mmn_study_run(&result, model, NULL,
                          &(mmn_study_options){.size = sizeof(mmn_study_options), .list = "x"},
                          &error));
    REFUSES(mmn_study_run(&result, model, "agree",
                          &(mmn_study_options){.size = sizeof(mmn_study_options), .list = "x"},
                          &error));
    REFUSES(mmn_study_run(&result, model, "similarity",
                          &(mmn_study_options){.size = sizeof(mmn_study_options)}, &error));
    cr_assert_eq(mmn_study_needs_neurons(NULL), 0);
    REFUSES(mmn_lens_run(&result, model, NULL, &error));
    REFUSES(mmn_lens_run(&result, model, &(mmn_lens_options){.size = sizeof(mmn_lens_options)},
                         &error));
    REFUSES(mmn_lens_run(
        &result, model,
        &(mmn_lens_options){.size = sizeof(mmn_lens_options), .list = "x", .nearest = 1}, &error));
    REFUSES(mmn_eval(
        &result, model,
        &(mmn_eval_options){
            .size = sizeof(mmn_eval_options), .list = "x", .cases = 1, .measures = "likelihood"},
        &error));
    REFUSES(mmn_judge_file(&result, model, NULL, &error));
    REFUSES(mmn_judge_file(&result, model, &(mmn_judge_options){.size = sizeof(mmn_judge_options)},
                           &error));
    const mmn_detect_options detect = {.size = sizeof(detect),
                                       .image = "x",
                                       .queries = &(const char *){"a cat"},
                                       .query_count = 1};
    mmn_detect_options wrong = detect;
    REFUSES(mmn_detect(NULL, model, &detect, &error));
    REFUSES(mmn_detect(&result, NULL, &detect, &error));
    REFUSES(mmn_detect(&result, model, NULL, &error));
    wrong.image = NULL;
    REFUSES(mmn_detect(&result, model, &wrong, &error));
    wrong = detect;
    wrong.queries = NULL;
    REFUSES(mmn_detect(&result, model, &wrong, &error));
    wrong.query_count = 0;
    REFUSES(mmn_detect(&result, model, &wrong, &error));
    wrong = detect;
    wrong.threshold = 2;
    REFUSES(mmn_detect(&result, model, &wrong, &error));
    const mmn_locate_options locate = {
        .size = sizeof(locate), .alignment = "x", .image = "x", .prompt = "x"};
    mmn_locate_options partly = locate;
    REFUSES(mmn_locate(NULL, model, model, &locate, &error));
    REFUSES(mmn_locate(&result, NULL, model, &locate, &error));
    REFUSES(mmn_locate(&result, model, NULL, &locate, &error));
    REFUSES(mmn_locate(&result, model, model, NULL, &error));
    partly.alignment = NULL;
    REFUSES(mmn_locate(&result, model, model, &partly, &error));
    partly = locate;
    partly.image = NULL;
    REFUSES(mmn_locate(&result, model, model, &partly, &error));
    partly = locate;
    partly.prompt = NULL;
    REFUSES(mmn_locate(&result, model, model, &partly, &error));
    partly = locate;
    partly.tokens = 5000;
    REFUSES(mmn_locate(&result, model, model, &partly, &error));
    partly = locate;
    partly.weights = "all";
    REFUSES(mmn_locate(&result, model, model, &partly, &error));
    partly = locate;
    partly.from = "cat";
    REFUSES(mmn_locate(&result, model, model, &partly, &error));
    partly.to = "dog";
    partly.epsilon = -1;
    REFUSES(mmn_locate(&result, model, model, &partly, &error));
    const mmn_hallucinations_options hallucinations = {
        .size = sizeof(hallucinations), .list = "x", .detector = model, .alignment = "x"};
    mmn_hallucinations_options some = hallucinations;
    REFUSES(mmn_hallucinations_run(NULL, model, &hallucinations, &error));
    REFUSES(mmn_hallucinations_run(&result, NULL, &hallucinations, &error));
    REFUSES(mmn_hallucinations_run(&result, model, NULL, &error));
    some.list = NULL;
    REFUSES(mmn_hallucinations_run(&result, model, &some, &error));
    some = hallucinations;
    some.detector = NULL;
    REFUSES(mmn_hallucinations_run(&result, model, &some, &error));
    some = hallucinations;
    some.alignment = NULL;
    REFUSES(mmn_hallucinations_run(&result, model, &some, &error));
    some = hallucinations;
    some.prompt = "<image> Is it there?";
    REFUSES(mmn_hallucinations_run(&result, model, &some, &error));
    some = hallucinations;
    some.tokens = 5000;
    REFUSES(mmn_hallucinations_run(&result, model, &some, &error));
    const mmn_bias_options bias = {.size = sizeof(bias),
                                   .list = "x",
                                   .detector = model,
                                   .alignment = "x",
                                   .from = "cat",
                                   .to = "dog"};
    mmn_bias_options half = bias;
    REFUSES(mmn_bias_run(NULL, model, &bias, &error));
    REFUSES(mmn_bias_run(&result, NULL, &bias, &error));
    REFUSES(mmn_bias_run(&result, model, NULL, &error));
    half.to = NULL;
    REFUSES(mmn_bias_run(&result, model, &half, &error));
    half = bias;
    half.list = NULL;
    REFUSES(mmn_bias_run(&result, model, &half, &error));
    half = bias;
    half.detector = NULL;
    REFUSES(mmn_bias_run(&result, model, &half, &error));
    half = bias;
    half.alignment = NULL;
    REFUSES(mmn_bias_run(&result, model, &half, &error));
    half = bias;
    half.epsilon = -1;
    REFUSES(mmn_bias_run(&result, model, &half, &error));
    REFUSES(mmn_encode(NULL, &(mmn_encode_options){.size = sizeof(mmn_encode_options)}, &error));
    REFUSES(mmn_encode(&result, NULL, &error));
    REFUSES(mmn_encode(&result, &(mmn_encode_options){.size = sizeof(mmn_encode_options)}, &error));
    REFUSES(mmn_encode(&result,
                       &(mmn_encode_options){.size = sizeof(mmn_encode_options), .responses = "x"},
                       &error));
    REFUSES(mmn_encode(&result,
                       &(mmn_encode_options){.size = sizeof(mmn_encode_options),
                                             .responses = "x",
                                             .feature_count = 1},
                       &error));
    REFUSES(mmn_encode(&result,
                       &(mmn_encode_options){
                           .size = sizeof(mmn_encode_options), .responses = "x", .role_count = 1},
                       &error));
    REFUSES(mmn_encode(&result,
                       &(mmn_encode_options){
                           .size = sizeof(mmn_encode_options), .responses = "x", .join_count = 1},
                       &error));
    REFUSES(mmn_encode(
        &result,
        &(mmn_encode_options){.size = sizeof(mmn_encode_options), .responses = "x", .model = model},
        &error));
    const char *const encoded = "x=x";
    mmn_encode_options encode = {
        .size = sizeof(encode), .responses = "x", .features = &encoded, .feature_count = 1};
    encode.rows.part_count = 1;
    REFUSES(mmn_encode(&result, &encode, &error));
    encode.rows = (mmn_rows_options){.shard = 3, .shards = 2, .file = "x"};
    REFUSES(mmn_encode(&result, &encode, &error));
    const mmn_features_options features = {.size = sizeof(features), .file = "x"};
    REFUSES(mmn_features(NULL, model, &features, &error));
    REFUSES(mmn_features(&result, NULL, &features, &error));
    REFUSES(mmn_features(&result, model, NULL, &error));
    REFUSES(mmn_features(&result, model, &features, &error));
    REFUSES(mmn_contributions_run(&result, model, NULL, &error));
    REFUSES(mmn_contributions_run(
        &result, model, &(mmn_contribution_options){.size = sizeof(mmn_contribution_options)},
        &error));
    REFUSES(mmn_contributions_run(
        &result, model,
        &(mmn_contribution_options){
            .size = sizeof(mmn_contribution_options), .prompt = "a <image>", .image_count = 1},
        &error));
    REFUSES(mmn_edit(&result, model, NULL, &error));
    REFUSES(mmn_edit(&result, model,
                     &(mmn_edit_options){.size = sizeof(mmn_edit_options), .from = "a"}, &error));
    REFUSES(mmn_edit(&result, model,
                     &(mmn_edit_options){.size = sizeof(mmn_edit_options),
                                         .prompt = "a",
                                         .from = "a",
                                         .to = "b",
                                         .method = "other"},
                     &error));
    REFUSES(mmn_edits_run(&result, model, NULL, &error));
    REFUSES(mmn_edits_run(&result, model, &(mmn_edits_options){.size = sizeof(mmn_edits_options)},
                          &error));
    REFUSES(mmn_contribution_names_write(NULL, "x", &error));
    REFUSES(mmn_eval(&result, model,
                     &(mmn_eval_options){.size = sizeof(mmn_eval_options),
                                         .list = "x",
                                         .measures = "likelihood",
                                         .languages = "y"},
                     &error));
    REFUSES(mmn_eval(
        &result, model,
        &(mmn_eval_options){.size = sizeof(mmn_eval_options), .list = "x", .steer = "y"}, &error));

    REFUSES(mmn_report_read(&report, NULL, 1, NULL, &error));
    REFUSES(mmn_report_read(&report, files + 1, 1, NULL, &error));
    REFUSES(mmn_report_of(&report, NULL, NULL, &error));
    REFUSES(mmn_report_can_write((mmn_report_format)9, &error));
    REFUSES(mmn_report_write(NULL, MMN_REPORT_HTML, NULL, "x", &error));
    REFUSES(mmn_report_charts(NULL, 0, &text, &error));
    REFUSES(mmn_dump(model, NULL, NULL, "x", &error));
    REFUSES(mmn_dump(NULL, input, NULL, "x", &error));
    REFUSES(mmn_dump(model, input, NULL, NULL, &error));
    REFUSES(mmn_verify(&result, NULL, "x", NULL, &error));
    REFUSES(mmn_verify(&result, "x", NULL, NULL, &error));
    REFUSES(mmn_result_table(NULL, &text, &error));
    REFUSES(mmn_result_json(NULL, &text, &error));
    REFUSES(mmn_dump_digests(NULL, NULL, &text, &error));
    REFUSES(mmn_dump_digests("x", NULL, NULL, &error));
    expect_all_tried();
    cr_expect_null(text);
    cr_expect_null(mask);

    mmn_session_free(session);
    session = start(model, 1);
    REFUSES(mmn_session_prefill_many(session, NULL, 2, &error));
    REFUSES(mmn_session_prefill_many(session, two, 2, &error));
    mmn_session_free(session);
    mmn_input_free(input);
}

/* What returns no status has nothing to say of NULL. */
Test(misuse, null_without_status)
{
    char text[8] = "before";
    mmn_error_sentence(NULL, text, sizeof text);
    cr_expect_str_eq(text, "");
    mmn_error_sentence(&error, NULL, 8);
    mmn_progress_line(text, sizeof text, NULL, 80);
    mmn_progress_line(NULL, 8, NULL, 80);
    cr_expect_null(mmn_nearest_name(NULL, NULL, 0, 1));
    cr_expect_null(mmn_model_describe(NULL));
    cr_expect_eq(mmn_model_nonfinite(NULL, &error), 0);
    cr_expect_eq(mmn_input_length(NULL) + mmn_input_image_positions(NULL), 0);
    cr_expect_not(mmn_input_is_image(NULL, 0));
    cr_expect_eq(mmn_session_positions_reused(NULL), 0);
    cr_expect_not(mmn_session_images_reused(NULL));
    cr_expect_eq(mmn_result_rows(NULL, "result"), 0);
    cr_expect_eq(mmn_result_parent(NULL, "runs", 1), 0);
    cr_expect_null(mmn_result_parent_table(NULL, "runs"));
    cr_expect_eq(mmn_result_column_kind(NULL, "runs", "off"), MMN_COLUMN_NONE);
    cr_expect(isnan(mmn_result_number(NULL, "result", 0, "bar")));
    cr_expect_null(mmn_result_text(NULL, "result", 0, "digest"));
    cr_expect_eq(mmn_mask_neurons(NULL, "language", -1), 0);
    cr_expect_null(mmn_mask_other_model(NULL));
    cr_expect_eq(mmn_report_figure_count(NULL), 0);
    cr_expect_null(mmn_report_figure_name(NULL, 0));
    mmn_release(NULL);
    mmn_output_release(NULL);
    mmn_model_close(NULL);
    mmn_input_free(NULL);
    mmn_session_free(NULL);
    mmn_mask_free(NULL);
    mmn_result_free(NULL);
    mmn_report_free(NULL);
}

/* ---- What belongs to another model, or to none
 * ------------------------------------------------- */

Test(misuse, of_another_model)
{
    mmn_input *own = make_input(model), *foreign = make_input(other);
    const mmn_input *const both[] = {own, foreign};
    mmn_session *session = start(model, 0), *prompts = start(model, 1);
    REFUSES(mmn_session_prefill(session, foreign, &error));
    REFUSES(mmn_session_prefill_many(prompts, both, 2, &error));
    REFUSES(mmn_dump(model, foreign, NULL, "never-written", &error));
    cr_expect_eq(mmn_session_prefill(session, own, &error), MMN_OK, "%s", error.message);
    mmn_session_free(session);
    mmn_session_free(prompts);
    mmn_input_free(own);
    mmn_input_free(foreign);
}

Test(misuse, ids_beyond_the_vocabulary)
{
    const int32_t vocabulary = (int32_t)mmn_model_describe(other)->vocabulary;
    const int32_t wrong[] = {-1, INT32_MIN, INT32_MAX, vocabulary + 100000};
    char *text;
    mmn_input *input;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const int32_t ids[] = {1, wrong[i]};
        REFUSES(mmn_model_decode(other, ids, 2, 0, &text, &error));
        cr_expect_eq(mmn_input_from_ids(&input, other, ids, 2, &error), MMN_INPUT);
        cr_expect_null(input);
    }
}

/* Sizes and choices that nothing can be meant by: the arrays are not read to their ends. */
Test(misuse, impossible_numbers)
{
    const int32_t id = 1;
    const char *image = IMAGE;
    const mmn_beam_search search = {.beams = 2, .early_stopping = (mmn_early_stopping)9};
    mmn_input *input, *own = make_input(model);
    const mmn_input *const one = own;
    mmn_session *session = start(model, 0), *prompts = start(model, 1);
    char *text;
    const size_t counts[] = {SIZE_MAX, SIZE_MAX / sizeof id + 2, (size_t)1 << 40};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        REFUSES(mmn_model_decode(model, &id, counts[i], 0, &text, &error));
        REFUSES(mmn_input_from_ids(&input, model, &id, counts[i], &error));
        REFUSES(mmn_input_from_prompt(&input, model, "a <image>", &image, counts[i], &error));
        REFUSES(mmn_input_from_question(&input, model, NULL, "a", &image, counts[i], NULL, &error));
        REFUSES(mmn_session_prefill_many(prompts, &one, counts[i], &error));
        REFUSES(mmn_session_set_stop_strings(session, &image, counts[i], &error));
    }
    REFUSES(mmn_session_set_beam_search(session, &search, &error));
    /* Before the list is looked at, whose lines are not at fault. */
    mmn_result *evaluation;
    mmn_eval_options of_eval[] = {{.list = "none", .temperature = -1},
                                  {.list = "none", .repetition_penalty = -1},
                                  {.list = "none", .beam_search = search},
                                  {.list = "none", .temperature = 1, .top_p = 3}};
    for (size_t i = 0; i < sizeof of_eval / sizeof of_eval[0]; i++) {
        of_eval[i].size = sizeof of_eval[i];
        REFUSES(mmn_eval(&evaluation, model, &of_eval[i], &error));
    }
    mmn_session_free(session);
    mmn_session_free(prompts);
    mmn_input_free(own);
}

/* ---- Options --------------------------------------------------------------------------------- */

/* What a program passes that was compiled with a later header, whose options are longer. */
typedef struct later_options {
    mmn_session_options known;
    int unknown[4];
} later_options;

Test(misuse, sizes_of_options)
{
    mmn_session *session;
    later_options later = {.known = {.size = sizeof later, .prompt_only = 1}};
    const mmn_session_options without_size = {.prompt_only = 1};
    const mmn_session_options half = {.size = sizeof half / 2};
    const mmn_session_options former = {.size = offsetof(mmn_session_options, max_new_tokens)};
    REFUSES(mmn_session_create(&session, model, &without_size, &error));
    cr_expect_null(session);
    REFUSES(mmn_session_create(&session, model, &half, &error));
    REFUSES(mmn_rank(&(mmn_result *){NULL}, "x", &(mmn_rank_options){.rate = 0.5}, &error));
    REFUSES(mmn_eval(&(mmn_result *){NULL}, model, &(mmn_eval_options){.list = "x"}, &error));

    cr_expect_eq(mmn_session_create(&session, model, &later.known, &error), MMN_OK, "%s",
                 error.message);
    mmn_session_free(session);
    cr_expect_eq(mmn_session_create(&session, model, &former, &error), MMN_OK, "%s", error.message);
    mmn_session_free(session);
    later.unknown[3] = 1;
    REFUSES(mmn_session_create(&session, model, &later.known, &error));
    later.known.size = (size_t)1 << 40;
    REFUSES(mmn_session_create(&session, model, &later.known, &error));
}

/* ---- Probes ---------------------------------------------------------------------------------- */

typedef struct inside {
    mmn_session *session;
    mmn_input *input;
    size_t calls;
} inside;

static mmn_status call_the_session(void *context, const mmn_stage *stage, mmn_error *unused)
{
    inside *at = context;
    int32_t id;
    size_t count;
    const mmn_input *one = at->input;
    const mmn_probe probe = {.stages = "*", .see = call_the_session};
    (void)stage;
    (void)unused;
    at->calls++;
    REFUSES(mmn_session_prefill(at->session, at->input, &error));
    REFUSES(mmn_session_generate(at->session, 1, &id, &count, &error));
    REFUSES(mmn_session_add_probe(at->session, &probe, &error));
    REFUSES(mmn_session_set_sampling(at->session, NULL, &error));
    REFUSES(mmn_session_set_beam_search(at->session, NULL, &error));
    REFUSES(mmn_session_set_stop_strings(at->session, NULL, 0, &error));
    REFUSES(mmn_session_keep(at->session, "*", &error));
    REFUSES(mmn_session_gradient(at->session, at->input,
                                 &(mmn_objective){.size = sizeof(mmn_objective)}, NULL, &error));
    cr_expect_neq(mmn_session_prefill_many(at->session, &one, 1, &error), MMN_OK);
    return MMN_OK;
}

static mmn_status end_the_pass(void *context, const mmn_stage *stage, mmn_error *unused)
{
    (void)context;
    (void)stage;
    (void)unused;
    return MMN_INPUT;
}

Test(misuse, a_probe_that_ends_the_pass_without_a_word)
{
    mmn_input *input = make_input(other);
    mmn_session *session = start(other, 1);
    const mmn_probe probe = {.stages = "language.layers.1.out", .see = end_the_pass};
    cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK);
    cr_expect_eq(mmn_session_prefill(session, input, &error), MMN_INPUT);
    cr_expect_eq(error.status, MMN_INPUT);
    cr_expect_str_eq(error.where, "language.layers.1.out");
    cr_expect_neq(error.message[0], '\0');
    cr_expect_eq(mmn_session_prefill(session, input, NULL), MMN_INPUT);
    mmn_session_free(session);
    mmn_input_free(input);
}

Test(misuse, a_probe_of_no_stage)
{
    static const char *const wrong[] = {"",
                                        " , ",
                                        "langauge.norm",
                                        "language.norm,logits",
                                        "language.layers.?.oot",
                                        "language.layers.1",
                                        "language.layers.{i}",
                                        "*.mlp.act,*.actt"};
    static const char *const right[] = {"*",
                                        "language.norm,",
                                        "language.layers.1?.out",
                                        "language.layers.99.out",
                                        "vision.layers.{i}.mlp.act",
                                        " generated_ids , *.out",
                                        "language.layers.*7.attn.*"};
    mmn_session *session = start(other, 1);
    mmn_probe probe = {.see = end_the_pass};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        probe.stages = wrong[i];
        cr_expect_eq(mmn_session_add_probe(session, &probe, &error), MMN_USAGE, "%s", wrong[i]);
        cr_expect(strstr(error.message, "no stage is called"), "%s", error.message);
    }
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        probe.stages = right[i];
        cr_expect_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK, "%s", right[i]);
    }
    mmn_session_free(session);
}

Test(misuse, outputs_without_a_name)
{
    static const char *const outputs[] = {"", "/no/such/folder/"};
    for (size_t i = 0; i < 2; i++) {
        char *text;
        cr_expect_eq(mmn_count_state_file(&text, outputs[i], &error), MMN_USAGE);
        cr_expect_eq(mmn_ranking_table_file(&text, outputs[i], &error), MMN_USAGE);
        cr_expect_null(text);
        cr_expect(strstr(error.message, "the name of a file"), "%s", error.message);
    }
}

Test(misuse, calls_from_inside_a_probe)
{
    inside at = {.session = start(other, 0), .input = make_input(other)};
    const mmn_probe probe = {
        .stages = "language.norm,generated_ids", .see = call_the_session, .context = &at};
    int32_t ids[2];
    size_t count;
    cr_assert_eq(mmn_session_add_probe(at.session, &probe, &error), MMN_OK);
    cr_expect_eq(mmn_session_prefill(at.session, at.input, &error), MMN_OK);
    cr_expect_eq(mmn_session_generate(at.session, 2, ids, &count, &error), MMN_OK);
    cr_expect_geq(at.calls, 2);
    mmn_session_free(at.session);
    mmn_input_free(at.input);
}

/* ---- Lifetimes ------------------------------------------------------------------------------- */

static mmn_status ask_the_input(void *context, const mmn_stage *stage, mmn_error *unused)
{
    size_t *length = context;
    (void)unused;
    *length = mmn_input_length(stage->input) + (size_t)mmn_input_is_image(stage->input, 1);
    return MMN_OK;
}

/* Under AddressSanitizer and valgrind a use of freed memory shows. */
static void answer_without_input(uint32_t beams)
{
    size_t length = 0, count;
    const mmn_probe probe = {.stages = "language.norm", .see = ask_the_input, .context = &length};
    const mmn_beam_search search = {.beams = beams, .length_penalty = 1};
    mmn_session *session = start(model, 0);
    int32_t ids[3];
    cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK);
    cr_assert_eq(mmn_session_set_beam_search(session, &search, &error), MMN_OK);
    for (int round = 0; round < 2; round++) {
        mmn_input *input = make_input(model);
        const size_t expected = mmn_input_length(input) + (size_t)mmn_input_is_image(input, 1);
        cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
        mmn_input_free(input);
        length = 0;
        cr_assert_eq(mmn_session_generate(session, 3, ids, &count, &error), MMN_OK, "%s",
                     error.message);
        cr_expect_eq(length, expected);
    }
    mmn_session_free(session);
}

Test(misuse, an_input_may_be_freed_behind_the_prefill)
{
    answer_without_input(1);
    answer_without_input(3);
}
