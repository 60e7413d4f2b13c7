/* Studies of the table: how often the likeliest next token stays, against logits that sessions
 * show. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "pass/distribution.h"
#include "model/model.h"
#include "result/result.h"
#include "tests/tools/failing_allocator.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5"
#define NEURONS MMN_SOURCE_DIR "/tests/mask/data/masked.json"
#define IMAGE MMN_SOURCE_DIR "/golden/images/wide.jpg"

enum { POSITIONS = 2000 };

static mmn_error error;
static mmn_model *model;
static char list[64];

static void set_up(void)
{
    const char text[] =
        "{\"domain\":\"medical\",\"prompt\":\"<image>\\nWhat is\",\"image\":\"" IMAGE
        "\"}\n{\"domain\":\"medical\",\"prompt\":\"Is there a\"}\n";
    snprintf(list, sizeof list, "/tmp/mmneuron-agree-%d.jsonl", (int)getpid());
    cr_assert_eq(mmn_write_file(list, text, strlen(text), &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_model_open(&model, MODEL, NULL, &error), MMN_OK, "%s", error.message);
}

static void tear_down(void)
{
    mmn_model_close(model);
    remove(list);
}

TestSuite(agree, .init = set_up, .fini = tear_down);

static mmn_status see(void *context, const mmn_stage *stage, mmn_error *problem)
{
    size_t *likeliest = context;
    const float *logits = stage->data;
    (void)problem;
    for (size_t row = 0; row < stage->shape[0]; row++)
        likeliest[stage->first_position + row] =
            mmn_likeliest(logits + row * stage->shape[1], stage->shape[1]);
    return MMN_OK;
}

static void run_alone(size_t *likeliest, const mmn_input *input, const mmn_mask *mask)
{
    const mmn_probe probe = {.stages = "language.logits", .see = see, .context = likeliest};
    mmn_session *session;
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    if (mask)
        cr_assert_eq(mmn_session_add_mask(session, mask, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK, "%s", error.message);
    mmn_session_free(session);
}

static double expected_share(void)
{
    static const char *const prompts[] = {"<image>\nWhat is", "Is there a"};
    const char *const images[] = {IMAGE};
    size_t same = 0, all = 0;
    mmn_mask *mask;
    cr_assert_eq(mmn_mask_from_file(&mask, model, NEURONS, "medical", "all", 0, &error), MMN_OK);
    for (size_t i = 0; i < 2; i++) {
        size_t plain[POSITIONS], masked[POSITIONS];
        mmn_input *input;
        cr_assert_eq(mmn_input_from_prompt(&input, model, prompts[i], images, i == 0, &error),
                     MMN_OK);
        cr_assert_leq(mmn_input_length(input), POSITIONS);
        run_alone(plain, input, NULL);
        run_alone(masked, input, mask);
        for (size_t k = 0; k < mmn_input_length(input); k++)
            same += plain[k] == masked[k];
        all += mmn_input_length(input);
        mmn_input_free(input);
    }
    mmn_mask_free(mask);
    return (double)same / (double)all;
}

Test(agree, is_the_share_of_positions)
{
    const double expected = expected_share();
    cr_expect_lt(expected, 1);
    for (uint32_t batch = 0; batch < 3; batch++) {
        const mmn_study_options options = {.size = sizeof(options),
                                           .list = list,
                                           .neurons = NEURONS,
                                           .settings = "all",
                                           .seeds = 2,
                                           .batch = batch};
        mmn_result *result;
        cr_assert_eq(mmn_study_run(&result, model, "agree", &options, &error), MMN_OK, "%s",
                     error.message);
        const mmn_table *runs = mmn_result_find(result, "runs", 4);
        const size_t column = mmn_result_column(runs, "agreement", 9);
        cr_assert_eq(runs->rows, 4);
        cr_expect_eq(mmn_result_value(runs, 0, column)->real, 1);
        cr_expect_eq(mmn_result_value(runs, 1, column)->real, expected);
        mmn_result_free(result);
    }
}

/* What progress says, as long as nothing is done. */
typedef struct told {
    size_t calls;
    double begun;
} told;

static int tell(void *context, const mmn_progress *progress)
{
    told *so_far = context;
    if (progress->done > 0)
        return 0;
    cr_expect_geq(progress->begun, so_far->begun);
    so_far->calls += progress->begun > so_far->begun;
    so_far->begun = progress->begun;
    return 0;
}

/* Four ways, whose three layers are told as they are done: 0, 1, 2 and 3 thirds of four. */
Test(agree, tells_how_far_the_layers_of_a_sample_are)
{
    told so_far = {0};
    const mmn_study_options options = {.size = sizeof(options),
                                       .list = list,
                                       .neurons = NEURONS,
                                       .settings = "all",
                                       .seeds = 2,
                                       .batch = 4,
                                       .progress = tell,
                                       .progress_context = &so_far};
    mmn_result *result;
    cr_assert_eq(mmn_study_run(&result, model, "agree", &options, &error), MMN_OK);
    cr_expect_eq(so_far.calls, 3);
    cr_expect_eq(so_far.begun, 4);
    mmn_result_free(result);
}

Test(agree, is_read_back)
{
    const mmn_study_options options = {
        .size = sizeof(options), .list = list, .neurons = NEURONS, .seeds = 2};
    mmn_result *result, *again;
    char file[64], *json, *json_again;
    snprintf(file, sizeof file, "/tmp/mmneuron-agree-%d.json", (int)getpid());
    cr_assert_eq(mmn_study_run(&result, model, "agree", &options, &error), MMN_OK);
    cr_assert_eq(mmn_result_write(result, file, &error), MMN_OK);
    cr_assert_eq(mmn_result_read(&again, file, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_result_json(result, &json, &error), MMN_OK);
    cr_assert_eq(mmn_result_json(again, &json_again, &error), MMN_OK);
    cr_expect_str_eq(json, json_again);
    mmn_release(json);
    mmn_release(json_again);
    mmn_result_free(result);
    mmn_result_free(again);
    remove(file);
}

Test(agree, says_what_is_wrong)
{
    const mmn_study_options options = {.size = sizeof(options), .list = list, .neurons = NEURONS};
    const mmn_study_options too_many = {
        .size = sizeof(too_many), .list = list, .neurons = NEURONS, .seeds = 32};
    const char *summary;
    mmn_result *result;
    cr_expect_str_eq(mmn_study_name(0, &summary), "agree");
    cr_expect_not_null(summary);
    cr_expect_null(mmn_study_name(1000, &summary));
    cr_expect_null(summary);
    cr_expect_eq(mmn_study_run(&result, model, "agreee", &options, &error), MMN_USAGE);
    cr_expect(strstr(error.message, "\"agreee\""));
    cr_expect_eq(mmn_study_run(&result, model, "agree", &too_many, &error), MMN_USAGE);
    cr_expect(strstr(error.message, "at most 31"));
    cr_expect_null(result);
}

/* Everything that fails is borne: no result, and nothing is lost. */
Test(agree, bears_short_memory)
{
    const mmn_study_options options = {.size = sizeof(options),
                                       .list = list,
                                       .neurons = NEURONS,
                                       .settings = "projector",
                                       .seeds = 1,
                                       .samples = 1};
    mmn_status status = MMN_SYSTEM;
    for (unsigned long at = 1; status != MMN_OK; at++) {
        mmn_result *result;
        fail_allocation_at(at);
        status = mmn_study_run(&result, model, "agree", &options, &error);
        fail_allocation_at(0);
        cr_assert(status == MMN_OK || status == MMN_SYSTEM, "allocation %lu: %s", at,
                  error.message);
        cr_assert_eq(status == MMN_OK, result != NULL);
        mmn_result_free(result);
    }
}
