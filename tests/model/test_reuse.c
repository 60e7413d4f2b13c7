/* What a session takes over from an earlier prefill has the bits of computing it again. */
#include <criterion/criterion.h>

#include "model/input.h"
#include "model/model.h"
#include "tests/model/seen.h"
#include "tests/tools/needs.h"

#define WIDE MMN_SOURCE_DIR "/golden/images/wide.jpg"
#define TALL MMN_SOURCE_DIR "/golden/images/tall.jpg"

static const char *const checkpoints[] = {
    MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5",
    MMN_SOURCE_DIR "/golden/checkpoints/llava-v1.6-vicuna",
    MMN_SOURCE_DIR "/golden/checkpoints/llava-v1.6-mistral",
    MMN_SOURCE_DIR "/golden/demo/model",
};

/* Whose Q-Former reads the image with the instruction in view. */
static const char instructed[] = MMN_SOURCE_DIR "/golden/checkpoints/instructblip";

enum { CHECKPOINTS = sizeof checkpoints / sizeof checkpoints[0], TOKENS = 6 };

static mmn_error error;

static mmn_model *open_model(const char *folder)
{
    mmn_model *model;
    cr_assert_eq(mmn_model_open(&model, folder, NULL, &error), MMN_OK, "%s", error.message);
    return model;
}

static mmn_input *make_input(const mmn_model *model, const char *image, const char *prompt)
{
    mmn_input *input;
    cr_assert_eq(mmn_input_from_prompt(&input, model, prompt, &image, image ? 1 : 0, &error),
                 MMN_OK, "%s", error.message);
    return input;
}

static mmn_session *start(const mmn_model *model, const mmn_probe *probe)
{
    mmn_session *session;
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    if (probe)
        cr_assert_eq(mmn_session_add_probe(session, probe, &error), MMN_OK);
    return session;
}

/* Prefills and generates; returns how many tokens. */
static size_t answer(mmn_session *session, const mmn_input *input, int32_t ids[TOKENS])
{
    size_t count;
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_session_generate(session, TOKENS, ids, &count, &error), MMN_OK);
    return count;
}

/* The input through `session` and through a fresh one: the same answer, and the same bits in all
 * that the session's probe, which keeps what it sees in `part`, is shown. */
static void check_answer(mmn_session *session, seen *part, const mmn_model *model,
                         const mmn_input *input, const char *what)
{
    seen whole = {0};
    int32_t fresh_ids[TOKENS], ids[TOKENS];
    const mmn_probe probe = {.stages = "*", .see = see_all, .context = &whole};
    mmn_session *fresh = start(model, &probe);
    size_t expected = answer(fresh, input, fresh_ids);
    cr_assert_eq(mmn_session_positions_reused(fresh), 0);
    cr_assert_eq(mmn_session_images_reused(fresh), 0);
    seen_free(part);
    size_t count = answer(session, input, ids);
    cr_assert_eq(count, expected, "%s", what);
    cr_assert_arr_eq(ids, fresh_ids, count * sizeof *ids, "%s", what);
    expect_part(part, NULL, &whole, what);
    mmn_session_free(fresh);
    seen_free(&whole);
}

static size_t positions_before_image(const mmn_input *input)
{
    size_t position = 0;
    while (!mmn_input_is_image(input, position))
        position++;
    return position;
}

Test(reuse, of_images_and_positions_changes_no_bit)
{
    for (size_t i = 0; i < CHECKPOINTS; i++) {
        mmn_model *model = open_model(checkpoints[i]);
        seen part = {0};
        const mmn_probe probe = {.stages = "*", .see = see_all, .context = &part, .only_new = 1};
        mmn_session *session = start(model, &probe);
        mmn_input *what = make_input(model, WIDE, "a <image>\nWhat is this?");
        mmn_input *where = make_input(model, WIDE, "a <image>\nWhere is it?");
        mmn_input *other = make_input(model, TALL, "a <image>\nWhere is it?");
        mmn_input *later = make_input(model, WIDE, "But <image>\nWhere is it?");
        mmn_input *text = make_input(model, NULL, "a Where is it?");
        size_t image_end = positions_before_image(what) + mmn_input_image_positions(what);

        check_answer(session, &part, model, what, "the first");
        cr_assert_eq(mmn_session_positions_reused(session), 0);
        check_answer(session, &part, model, where, "the same image");
        cr_assert_geq(mmn_session_positions_reused(session), image_end);
        cr_assert_lt(mmn_session_positions_reused(session), mmn_input_length(where));
        cr_assert(mmn_session_images_reused(session));
        cr_assert_null(
            seen_row(&part, "vision.out", NULL, 0, model->config.vision.hidden_size * 4));
        check_answer(session, &part, model, where, "the same prompt");
        cr_assert_eq(mmn_session_positions_reused(session), mmn_input_length(where) - 1);
        check_answer(session, &part, model, other, "another image");
        cr_assert_eq(mmn_session_positions_reused(session), positions_before_image(other));
        cr_assert_not(mmn_session_images_reused(session));
        check_answer(session, &part, model, where, "the first image again");
        cr_assert_eq(mmn_session_positions_reused(session), positions_before_image(where));
        check_answer(session, &part, model, later, "the image elsewhere");
        cr_assert_lt(mmn_session_positions_reused(session), positions_before_image(later));
        cr_assert(mmn_session_images_reused(session));
        check_answer(session, &part, model, text, "no image");
        cr_assert_not(mmn_session_images_reused(session));
        check_answer(session, &part, model, what, "the image after none");
        cr_assert(mmn_session_images_reused(session));

        mmn_input *const inputs[] = {what, where, other, later, text};
        for (size_t k = 0; k < sizeof inputs / sizeof inputs[0]; k++)
            mmn_input_free(inputs[k]);
        mmn_session_free(session);
        seen_free(&part);
        mmn_model_close(model);
    }
}

/* An mmn_see_function that counts how often a stage is made. */
static mmn_status count_calls(void *context, const mmn_stage *stage, mmn_error *unused)
{
    (void)stage;
    (void)unused;
    (*(size_t *)context)++;
    return MMN_OK;
}

/* What the tower makes of an image serves every question about it; what the Q-Former makes of that,
 * and positions of the language model, serve only the same one. */
Test(reuse, of_the_tower_alone_where_the_instruction_differs)
{
    MMN_NEEDS(instructed);
    mmn_model *model = open_model(instructed);
    seen part = {0};
    size_t towers = 0;
    const mmn_probe probe = {.stages = "*", .see = see_all, .context = &part, .only_new = 1};
    const mmn_probe tower = {
        .stages = "vision.out", .see = count_calls, .context = &towers, .only_new = 1};
    mmn_session *session = start(model, &probe);
    cr_assert_eq(mmn_session_add_probe(session, &tower, &error), MMN_OK);
    static const struct {
        const char *image, *prompt;
        size_t towers; /* run so far */
        bool same;     /* as the one before */
    } steps[] = {
        {WIDE, "What is this?", 1, false}, {WIDE, "Where is it?", 1, false},
        {WIDE, "Where is it?", 1, true},   {WIDE, "What is this?", 1, false},
        {TALL, "What is this?", 2, false}, {TALL, "What is this? ", 2, false},
        {NULL, "What is this?", 2, false}, {TALL, "What is that?", 2, false},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        mmn_input *input = make_input(model, steps[i].image, steps[i].prompt);
        check_answer(session, &part, model, input, steps[i].prompt);
        cr_assert_eq(towers, steps[i].towers, "step %zu: %zu towers", i, towers);
        if (steps[i].same)
            cr_assert_eq(mmn_session_positions_reused(session), mmn_input_length(input) - 1);
        if (steps[i].same || i == 5) /* the Q-Former does not see the space at the end */
            cr_assert(mmn_session_images_reused(session));
        else
            cr_assert_not(mmn_session_images_reused(session), "step %zu", i);
        mmn_input_free(input);
    }
    mmn_session_free(session);
    seen_free(&part);
    mmn_model_close(model);
}

/* What was generated is taken over too where the next prompt repeats it. */
Test(reuse, of_generated_tokens_changes_no_bit)
{
    for (size_t i = 0; i < CHECKPOINTS; i++) {
        mmn_model *model = open_model(checkpoints[i]);
        seen part = {0};
        int32_t ids[TOKENS];
        const mmn_probe probe = {
            .stages = "language.*", .see = see_all, .context = &part, .only_new = 1};
        mmn_session *session = start(model, &probe);
        mmn_input *turn = make_input(model, WIDE, "<image>\nWhat is this?");
        size_t length = mmn_input_length(turn), count = answer(session, turn, ids);
        cr_assert_eq(mmn_resize(&turn->ids, length, length + count + 1, sizeof *ids, &error),
                     MMN_OK);
        memcpy(turn->ids + length, ids, count * sizeof *ids);
        turn->ids[length + count] = turn->ids[length - 1];
        turn->length = length + count + 1;
        check_answer(session, &part, model, turn, "the next turn");
        /* The token that was generated last has not been through the model. */
        cr_assert_geq(mmn_session_positions_reused(session), length + count - 1);
        mmn_input_free(turn);
        mmn_session_free(session);
        seen_free(&part);
        mmn_model_close(model);
    }
}

/* Who does not say that new stages are enough sees all of them. */
static void check_hides_nothing(const char *folder, const char *const *stages)
{
    mmn_model *model = open_model(folder);
    mmn_input *input = make_input(model, WIDE, "<image>\nWhat is this?");
    for (size_t i = 0; stages[i]; i++) {
        seen all = {0};
        const mmn_probe probe = {.stages = stages[i], .see = see_all, .context = &all};
        mmn_session *session = start(model, &probe);
        cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
        size_t rows = seen_rows(&all, NULL);
        cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
        cr_assert_gt(rows, 0);
        cr_assert_eq(seen_rows(&all, NULL), 2 * rows, "%s", stages[i]);
        mmn_session_free(session);
        seen_free(&all);
    }
    mmn_input_free(input);
    mmn_model_close(model);
}

Test(reuse, hides_nothing_from_other_probes)
{
    static const char *const stages[] = {"vision.layers.0.out", "projector.out",
                                         "language.embeddings", "language.layers.1.mlp.act",
                                         "language.logits",     NULL};
    static const char *const between[] = {"vision.out", "query.layers.3.mlp.act",
                                          "qformer.layers.0.mlp.act", "qformer.out", NULL};
    check_hides_nothing(checkpoints[1], stages);
    if (mmn_build_reads(instructed))
        check_hides_nothing(instructed, between);
}

static mmn_status silence_once(void *context, const mmn_stage *stage, mmn_error *unused)
{
    int *left = context;
    (void)unused;
    if (*left > 0) {
        memset(stage->data, 0, stage->shape[0] * stage->shape[1] * sizeof(float));
        (*left)--;
    }
    return MMN_OK;
}

/* No positions made while somebody could write, nor any once somebody can; but the images'
 * features, which come before the stage that is written to. */
Test(reuse, takes_nothing_from_an_altered_pass)
{
    mmn_model *model = open_model(checkpoints[1]);
    mmn_input *input = make_input(model, WIDE, "<image>\nWhat is this?");
    int left = 1;
    seen part = {0};
    const mmn_probe off = {.stages = "language.layers.0.mlp.act",
                           .writes = 1,
                           .see = silence_once,
                           .context = &left,
                           .only_new = 1};
    const mmn_probe probe = {.stages = "*", .see = see_all, .context = &part, .only_new = 1};
    mmn_session *session = start(model, &off);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
    cr_assert_eq(left, 0, "nothing was altered");
    cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK);
    check_answer(session, &part, model, input, "after an altered pass");
    cr_assert_eq(mmn_session_positions_reused(session), 0);
    cr_assert(mmn_session_images_reused(session));
    mmn_session_free(session);
    seen_free(&part);
    mmn_input_free(input);
    mmn_model_close(model);
}

static mmn_status fail_when_asked(void *context, const mmn_stage *stage, mmn_error *unused)
{
    (void)unused;
    return *(int *)context == stage->layer ? MMN_INTERRUPTED : MMN_OK;
}

/* After a pass that ended early, for whatever reason, the next one is right. */
Test(reuse, survives_an_interrupted_pass)
{
    static const char *const stages[] = {"vision.layers.*.out", "language.layers.*.out"};
    mmn_model *model = open_model(checkpoints[2]);
    mmn_input *first = make_input(model, WIDE, "<image>\nWhat is this?");
    mmn_input *second = make_input(model, TALL, "<image>\nWhere is it?");
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        int layer = -1;
        seen part = {0};
        const mmn_probe stop = {
            .stages = stages[i], .see = fail_when_asked, .context = &layer, .only_new = 1};
        const mmn_probe probe = {.stages = "*", .see = see_all, .context = &part, .only_new = 1};
        mmn_session *session = start(model, &stop);
        cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK);
        check_answer(session, &part, model, first, stages[i]);
        layer = 1;
        cr_assert_eq(mmn_session_prefill(session, second, &error), MMN_INTERRUPTED);
        layer = -1;
        check_answer(session, &part, model, first, stages[i]);
        layer = 0;
        cr_assert_eq(mmn_session_prefill(session, second, &error), MMN_INTERRUPTED);
        layer = -1;
        check_answer(session, &part, model, second, stages[i]);
        mmn_session_free(session);
        seen_free(&part);
    }
    mmn_input_free(first);
    mmn_input_free(second);
    mmn_model_close(model);
}
