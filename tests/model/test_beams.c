/* Beam search and repetition penalty against what transformers' generate answers
 * (golden/make_beams.py), and what they refuse. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mmneuron.h"
#include "model/model.h"
#include "pass/beam_search.h"
#include "pass/session.h"
#include "tests/model/answers.h"

#define GOLDEN MMN_SOURCE_DIR "/golden/"

static mmn_error error;

static mmn_beam_search search_of(const json_t *options)
{
    const json_t *penalty = json_object_get(options, "length_penalty");
    const json_t *early = json_object_get(options, "early_stopping");
    mmn_beam_search search = {
        .beams = (uint32_t)json_integer_value(json_object_get(options, "num_beams")),
        .length_penalty = penalty ? json_number_value(penalty) : 1.0,
    };
    if (json_is_true(early))
        search.early_stopping = MMN_EARLY_STOPPING_TRUE;
    else if (json_is_string(early))
        search.early_stopping = MMN_EARLY_STOPPING_NEVER;
    return search;
}

/* Opens a case's checkpoint with the stop tokens that the case has. */
static mmn_model *open_model(const json_t *expected)
{
    char folder[4096];
    mmn_model *model;
    const json_t *stop = json_object_get(expected, "stop");
    snprintf(folder, sizeof(folder), GOLDEN "checkpoints/%s",
             mmn_case_text(expected, "checkpoint"));
    cr_assert_eq(mmn_model_open(&model, folder, NULL, &error), MMN_OK, "%s", error.message);
    model->config.generation.eos_count = json_array_size(stop);
    for (size_t i = 0; i < json_array_size(stop); i++)
        model->config.generation.eos_ids[i] = (int32_t)json_integer_value(json_array_get(stop, i));
    return model;
}

/* Switches off what the case says (golden/make_masked.py). */
static mmn_mask *mask_session(mmn_session *session, const mmn_model *model, const json_t *expected)
{
    char file[4096];
    mmn_mask *mask;
    if (!mmn_case_text(expected, "masked"))
        return NULL;
    snprintf(file, sizeof(file), MMN_SOURCE_DIR "/tests/mask/data/%s.json",
             mmn_case_text(expected, "masked"));
    cr_assert_eq(mmn_mask_from_file(&mask, model, file, "medical", "all", 0, &error), MMN_OK, "%s",
                 error.message);
    cr_assert_eq(mmn_session_add_mask(session, mask, &error), MMN_OK);
    return mask;
}

static void check_answer(const json_t *expected)
{
    char file[4096];
    int32_t ids[64];
    size_t count, limit = (size_t)json_integer_value(json_object_get(expected, "tokens"));
    const json_t *options = json_object_get(expected, "options");
    const mmn_beam_search search = search_of(options);
    const mmn_sampling sampling = {
        .repetition_penalty = json_number_value(json_object_get(options, "repetition_penalty"))};
    mmn_model *model = open_model(expected);
    mmn_session *session;
    mmn_input *input;
    snprintf(file, sizeof(file), GOLDEN "cases/%s/%s.safetensors",
             mmn_case_text(expected, "checkpoint"), mmn_case_text(expected, "case"));
    cr_assert_eq(mmn_input_from_file(&input, model, file, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    mmn_mask *mask = mask_session(session, model, expected);
    cr_assert_eq(mmn_session_set_sampling(session, &sampling, &error), MMN_OK);
    cr_assert_eq(mmn_session_set_beam_search(session, &search, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_session_generate(session, limit, ids, &count, &error), MMN_OK, "%s",
                 error.message);
    mmn_check_tokens(expected, ids, count);
    mmn_session_free(session);
    mmn_mask_free(mask);
    mmn_input_free(input);
    mmn_model_close(model);
}

Test(beams, answer_as_transformers_does)
{
    mmn_check_cases(MMN_SOURCE_DIR "/tests/model/data/beams.json", 120, 1, check_answer);
}

/* Two beams over four tokens, step by step as transformers' rules have it; token 3 ends. */
Test(beams, keep_the_best_and_the_lower_of_equals)
{
    const mmn_beam_search search = {.beams = 2, .length_penalty = 1.0};
    const mmn_generation_config generation = {.eos_ids = {3}, .eos_count = 1};
    mmn_beams beams;
    cr_assert_eq(mmn_beams_begin(&beams, &search, &generation, 3, &error), MMN_OK);
    mmn_beams_step(&beams, (const float[]){-1.0f, -2.0f, -2.0f, -0.5f}, 4);
    cr_assert_not(beams.done);
    cr_assert(beams.best[0].finished && beams.best[0].length == 1 && beams.best[0].score == -0.5f);
    cr_assert(beams.running[0].ids[0] == 0 && beams.running[0].score == -1.0f);
    cr_assert(beams.running[1].ids[0] == 1 && beams.running[1].score == -2.0f);

    const float second[] = {-3.0f, -3.0f, -5.0f, -9.0f, -2.0f, -8.0f, -8.0f, -1.0f};
    mmn_beams_step(&beams, second, 4);
    cr_assert(beams.running[0].parent == 0 && beams.running[0].ids[1] == 0);
    cr_assert(beams.running[1].parent == 0 && beams.running[1].ids[1] == 1);
    cr_assert(beams.best[1].finished && beams.best[1].score == -1.5f);
    cr_assert(beams.done, "-4 / 2 is below the worst answer's -1.5");
    cr_assert_eq(beams.best[0].ids[0], 3);
    mmn_beams_free(&beams);
}

/* What ends the search of the last test does not end one that never stops early: in three tokens
 * the best running beam might still reach -4 / 3. */
Test(beams, go_on_where_they_never_stop_early)
{
    const mmn_beam_search search = {
        .beams = 2, .length_penalty = 1.0, .early_stopping = MMN_EARLY_STOPPING_NEVER};
    const mmn_generation_config generation = {.eos_ids = {3}, .eos_count = 1};
    mmn_beams beams;
    cr_assert_eq(mmn_beams_begin(&beams, &search, &generation, 3, &error), MMN_OK);
    mmn_beams_step(&beams, (const float[]){-1.0f, -2.0f, -2.0f, -0.5f}, 4);
    const float second[] = {-3.0f, -3.0f, -5.0f, -9.0f, -2.0f, -8.0f, -8.0f, -1.0f};
    mmn_beams_step(&beams, second, 4);
    cr_assert_eq(beams.best[1].score, -1.5f);
    cr_assert_not(beams.done);
    mmn_beams_free(&beams);
}

Test(beams, refuses_what_cannot_be)
{
    mmn_model *model;
    mmn_session *session;
    mmn_input *input;
    int32_t id;
    size_t count;
    const mmn_sampling sampling = {.temperature = 1.0}, wrong = {.repetition_penalty = -1.0};
    const mmn_beam_search many = {.beams = 65}, steep = {.beams = 2, .length_penalty = NAN};
    const mmn_beam_search two = {.beams = 2, .length_penalty = 1.0};
    cr_assert_eq(mmn_model_open(&model, GOLDEN "checkpoints/llava-1.5", NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_set_beam_search(session, &many, &error), MMN_USAGE);
    cr_assert(strstr(error.message, "at most 64"));
    cr_assert_eq(mmn_session_set_beam_search(session, &steep, &error), MMN_USAGE);
    cr_assert_eq(mmn_session_set_sampling(session, &wrong, &error), MMN_USAGE);
    cr_assert(strstr(error.message, "repetition penalty"));
    cr_assert_eq(mmn_input_from_prompt(&input, model, "What?", NULL, 0, &error), MMN_OK);

    cr_assert_eq(mmn_session_set_beam_search(session, &two, &error), MMN_OK);
    cr_assert_eq(mmn_session_set_sampling(session, &sampling, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
    cr_assert_eq(mmn_session_generate(session, 1, &id, &count, &error), MMN_USAGE);
    cr_assert(strstr(error.message, "does not sample"));
    cr_assert_eq(mmn_session_set_sampling(session, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_generate(session, 1, &id, &count, &error), MMN_OK);
    cr_assert_eq(mmn_session_generate(session, 1, &id, &count, &error), MMN_USAGE);
    cr_assert(strstr(error.message, "prefilled"));
    mmn_session_free(session);
    mmn_input_free(input);
    mmn_model_close(model);
}
