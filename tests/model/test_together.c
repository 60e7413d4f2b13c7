/* Inputs that run through the model together have the bits that each has alone. */
#include <criterion/criterion.h>

#include "model/model.h"
#include "pass/batch.h"
#include "tests/model/seen.h"
#include "tests/tools/needs.h"

#define WIDE MMN_SOURCE_DIR "/golden/images/wide.jpg"
#define TALL MMN_SOURCE_DIR "/golden/images/tall.jpg"

static const char *const checkpoints[] = {
    MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5",
    MMN_SOURCE_DIR "/golden/checkpoints/llava-v1.6-vicuna",
    MMN_SOURCE_DIR "/golden/checkpoints/llava-v1.6-mistral",
    MMN_SOURCE_DIR "/golden/demo/model",
    MMN_SOURCE_DIR "/golden/checkpoints/instructblip",
    MMN_SOURCE_DIR "/golden/checkpoints/bloom",
    MMN_SOURCE_DIR "/golden/checkpoints/qwen2",
    MMN_SOURCE_DIR "/golden/checkpoints/opt",
    MMN_SOURCE_DIR "/golden/checkpoints/phi",
};

/* Images and beginnings in common, none, all: the last is the second once more. Language models
 * alone get the prompts without the images. */
static const struct {
    const char *image, *prompt;
} samples[] = {
    {WIDE, "a <image>\nWhat is this?"},
    {WIDE, "a <image>\nWhere is it, and who put it there?"},
    {TALL, "a <image>\nWhat is this?"},
    {NULL, "A chat between a human and an assistant: who are you?"},
    {WIDE, "a <image>\nWho"},
    {NULL, "A chat between a human and an assistant: where is it?"},
    {TALL, "The other <image>\nWhat?"},
    {NULL, "b"},
    {WIDE, "a <image>\nWhere is it, and who put it there?"},
};

enum {
    CHECKPOINTS = sizeof checkpoints / sizeof checkpoints[0],
    SAMPLES = sizeof samples / sizeof samples[0]
};

static mmn_error error;

static mmn_session *start(const mmn_model *model, const char *stages, seen *all)
{
    mmn_session *session;
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    const mmn_probe probe = {.stages = stages, .see = see_all, .context = all};
    cr_assert_eq(mmn_session_create(&session, model, &options, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK);
    return session;
}

static mmn_model *open_model(const char *folder, mmn_input *inputs[SAMPLES])
{
    mmn_model *model;
    cr_assert_eq(mmn_model_open(&model, folder, NULL, &error), MMN_OK, "%s", error.message);
    for (size_t i = 0; i < SAMPLES; i++) {
        bool sees = mmn_model_describe(model)->vision_layers > 0;
        const char *image = sees ? samples[i].image : NULL, *prompt = samples[i].prompt;
        if (image && model->config.image_first)
            prompt = strstr(prompt, "<image>");
        cr_assert_eq(
            mmn_input_from_prompt(&inputs[i], model, prompt, &image, image ? 1 : 0, &error), MMN_OK,
            "%s", error.message);
    }
    return model;
}

static void close_model(mmn_model *model, mmn_input *inputs[SAMPLES])
{
    for (size_t i = 0; i < SAMPLES; i++)
        mmn_input_free(inputs[i]);
    mmn_model_close(model);
}

/* Runs the inputs together and each alone, and compares all rows of all stages. */
static void check_together(const mmn_model *model, mmn_input *const *inputs, size_t count,
                           const char *stages)
{
    seen together = {0}, alone = {0};
    mmn_session *many = start(model, stages, &together), *one = start(model, stages, &alone);
    cr_assert_eq(mmn_session_prefill_many(many, (const mmn_input *const *)inputs, count, &error),
                 MMN_OK, "%s", error.message);
    for (size_t i = 0; i < count; i++) {
        seen_free(&alone);
        cr_assert_eq(mmn_session_prefill(one, inputs[i], &error), MMN_OK);
        expect_part(&together, inputs[i], &alone, samples[i].prompt);
        cr_assert_eq(seen_rows(&together, inputs[i]), seen_rows(&alone, NULL), "%s, sample %zu",
                     stages, i);
    }
    mmn_session_free(many);
    mmn_session_free(one);
    seen_free(&together);
    seen_free(&alone);
}

Test(together, changes_no_bit)
{
    for (size_t i = 0; i < CHECKPOINTS; i++) {
        mmn_input *inputs[SAMPLES];
        if (!mmn_build_reads(checkpoints[i]))
            continue;
        mmn_model *model = open_model(checkpoints[i], inputs);
        for (size_t count = 1; count <= SAMPLES; count++)
            check_together(model, inputs, count, "*");
        close_model(model, inputs);
    }
}

/* Where a pass ends early it does so for all. */
Test(together, ends_early_with_the_same_bits)
{
    static const char *const stages[] = {
        "vision.layers.0.mlp.act", "projector.*",     "language.embeddings",
        "language.norm",           "language.logits", "vision.out,language.layers.0.mlp.act"};
    mmn_input *inputs[SAMPLES];
    mmn_model *model = open_model(checkpoints[2], inputs);
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++)
        check_together(model, inputs, 3, stages[i]);
    close_model(model, inputs);
    static const char *const between[] = {"query.layers.1.mlp.act", "qformer.layers.*.mlp.act",
                                          "qformer.out", "vision.out,query.layers.0.mlp.act"};
    if (!mmn_build_reads(checkpoints[4]))
        return;
    model = open_model(checkpoints[4], inputs);
    for (size_t i = 0; i < sizeof between / sizeof between[0]; i++)
        check_together(model, inputs, 3, between[i]);
    close_model(model, inputs);
}

/* Questions about one image share what the tower makes of it; what the Q-Former makes of that is
 * each one's own, and so are the positions of the language model, unless they are the same. */
Test(together, shares_the_tower_and_not_the_q_former)
{
    mmn_input *inputs[SAMPLES];
    MMN_NEEDS(checkpoints[4]);
    mmn_model *model = open_model(checkpoints[4], inputs);
    const mmn_input *same_image[] = {inputs[0], inputs[1], inputs[4], inputs[8]};
    seen all = {0};
    mmn_session *session = start(model, "vision.out,qformer.out,language.layers.0.mlp.act", &all);
    cr_assert_eq(mmn_session_prefill_many(session, same_image, 4, &error), MMN_OK);
    const size_t bytes = model->config.vision.hidden_size * sizeof(float);
    const size_t query_bytes = model->config.qformer.hidden_size * sizeof(float);
    const char *rows[4];
    for (size_t i = 0; i < 4; i++) {
        const char *tower = seen_row(&all, "vision.out", same_image[i], 0, bytes);
        cr_assert_not_null(tower);
        cr_assert_eq(memcmp(tower, seen_row(&all, "vision.out", same_image[0], 0, bytes), bytes),
                     0);
        rows[i] = seen_row(&all, "qformer.out", same_image[i], 0, query_bytes);
        cr_assert_not_null(rows[i]);
    }
    cr_assert_neq(memcmp(rows[0], rows[1], query_bytes), 0);
    cr_assert_neq(memcmp(rows[0], rows[2], query_bytes), 0);
    cr_assert_eq(memcmp(rows[1], rows[3], query_bytes), 0);
    mmn_session_free(session);
    seen_free(&all);
    cr_assert_eq(mmn_inputs_shared_positions(inputs[0], inputs[1]), 0);
    cr_assert_eq(mmn_inputs_shared_positions(inputs[1], inputs[8]), mmn_input_length(inputs[1]));
    close_model(model, inputs);
}

/* Samples with the image of the first one share, so does the text with the beginning of another,
 * and the shortest, of which the token that begins every text is half. */
Test(together, shares_what_is_the_same)
{
    mmn_input *inputs[SAMPLES];
    mmn_model *model = open_model(checkpoints[1], inputs);
    mmn_sequence sequences[SAMPLES] = {0};
    for (size_t i = 0; i < SAMPLES; i++)
        sequences[i].input = inputs[i];
    mmn_batch_share(sequences, SAMPLES);
    static const size_t roots[SAMPLES] = {0, 0, 2, 3, 0, 3, 6, 0, 0};
    size_t rows = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        const mmn_sequence *sequence = &sequences[i];
        bool shares = roots[i] != i;
        cr_assert_eq(sequence->shared > 0, shares, "sample %zu", i);
        if (shares)
            cr_assert_eq(sequence->root, &sequences[roots[i]]);
        cr_assert_eq(sequence->first_row, rows);
        cr_assert_gt(sequence->rows, 0);
        cr_assert_eq(sequence->shared + sequence->rows, mmn_input_length(inputs[i]));
        rows += sequence->rows;
    }
    close_model(model, inputs);
}

static mmn_status silence(void *context, const mmn_stage *stage, mmn_error *unused)
{
    (void)context;
    (void)unused;
    memset(stage->data, 0, stage->shape[0] * stage->shape[1] * sizeof(float));
    return MMN_OK;
}

/* What one sample's probe writes does not reach another: with a probe that writes nothing is
 * shared. */
Test(together, is_one_by_one_where_a_probe_writes)
{
    mmn_input *inputs[SAMPLES];
    mmn_model *model = open_model(checkpoints[0], inputs);
    const mmn_probe off = {.stages = "language.layers.0.mlp.act", .writes = 1, .see = silence};
    seen together = {0}, alone = {0};
    mmn_session *many = start(model, "*", &together), *one = start(model, "*", &alone);
    cr_assert_eq(mmn_session_add_probe(many, &off, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(one, &off, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill_many(many, (const mmn_input *const *)inputs, 3, &error),
                 MMN_OK);
    for (size_t i = 0; i < 3; i++) {
        seen_free(&alone);
        cr_assert_eq(mmn_session_prefill(one, inputs[i], &error), MMN_OK);
        expect_part(&together, inputs[i], &alone, samples[i].prompt);
        cr_assert_eq(seen_rows(&together, inputs[i]), seen_rows(&alone, NULL));
    }
    mmn_session_free(many);
    mmn_session_free(one);
    seen_free(&together);
    seen_free(&alone);
    close_model(model, inputs);
}

Test(together, is_for_sessions_for_prompts_only)
{
    mmn_input *inputs[SAMPLES];
    mmn_model *model = open_model(checkpoints[0], inputs);
    mmn_session *session;
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill_many(session, (const mmn_input *const *)inputs, 2, &error),
                 MMN_USAGE);
    mmn_session_free(session);
    close_model(model, inputs);
}
