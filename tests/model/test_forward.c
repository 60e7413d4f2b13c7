/* The forward pass: the same bits however a sequence is cut, however many threads run it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "model/model.h"
#include "pass/language.h"
#include "tests/tools/needs.h"

static const char *const checkpoints[] = {
    MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5",
    MMN_SOURCE_DIR "/golden/checkpoints/llava-v1.6-vicuna",
    MMN_SOURCE_DIR "/golden/checkpoints/llava-v1.6-mistral",
    MMN_SOURCE_DIR "/golden/checkpoints/llama-3",
    MMN_SOURCE_DIR "/golden/checkpoints/bloom",
    MMN_SOURCE_DIR "/golden/checkpoints/qwen2",
    MMN_SOURCE_DIR "/golden/checkpoints/opt",
    MMN_SOURCE_DIR "/golden/checkpoints/phi",
};

enum { CHECKPOINTS = sizeof checkpoints / sizeof checkpoints[0], POSITIONS = 45 };

static mmn_model *open_model(const char *folder, int threads)
{
    mmn_error error;
    mmn_model *model;
    const mmn_model_options options = {.size = sizeof(options), .threads = threads};
    mmn_status status = mmn_model_open(&model, folder, &options, &error);
    cr_assert_eq(status, MMN_OK, "%s: %s: %s", error.file, error.where, error.message);
    return model;
}

/* Everything that one probe has seen of the stages it wants, in the order of positions. */
typedef struct recording {
    float *values;
    size_t count, capacity;
} recording;

static mmn_status record(void *context, const mmn_stage *stage, mmn_error *error)
{
    recording *seen = context;
    size_t count = 1;
    for (size_t i = 0; i < stage->dimensions; i++)
        count *= stage->shape[i];
    mmn_status status =
        mmn_reserve(&seen->values, &seen->capacity, seen->count + count, sizeof(float), error);
    if (status == MMN_OK) {
        memcpy(seen->values + seen->count, stage->data, count * sizeof(float));
        seen->count += count;
    }
    return status;
}

/* Token ids that are neither special nor the image's, spread over the vocabulary. */
static void choose_ids(const mmn_model *model, int32_t *ids)
{
    int32_t vocabulary = (int32_t)model->config.language.vocab_size;
    for (int32_t i = 0; i < POSITIONS; i++) {
        ids[i] = 3 + (i * 37 + i * i) % (vocabulary / 2);
        if (ids[i] == model->config.image_token_id)
            ids[i]++;
    }
}

/* Runs the ids through the decoder in pieces of `piece` positions, and records stage `pattern`. */
static recording run_in_pieces(const mmn_model *model, size_t piece, bool keep_cache,
                               const char *pattern)
{
    mmn_error error;
    recording seen = {0};
    int32_t ids[POSITIONS];
    size_t width = model->config.language.hidden_size;
    mmn_compute compute = model->compute;
    mmn_probes probes = {0};
    mmn_span span = {0};
    mmn_row_memory memory = {0};
    float *hidden = mmn_allocate(POSITIONS, width * sizeof(float), &error);
    const mmn_probe probe = {.stages = pattern, .see = record, .context = &seen};
    cr_assert_eq(mmn_probes_add(&probes, &probe, &error), MMN_OK);
    choose_ids(model, ids);
    for (size_t first = 0; first < POSITIONS; first += piece) {
        size_t rows = POSITIONS - first < piece ? POSITIONS - first : piece;
        mmn_sequence sequence = {
            .probes = &probes, .span = keep_cache ? &span : NULL, .rows = rows};
        mmn_batch batch = {.model = model,
                           .compute = &compute,
                           .memory = &memory,
                           .list = &sequence,
                           .count = 1,
                           .hidden = hidden};
        mmn_language_embed(&compute, model, hidden, ids + first, rows);
        cr_assert_eq(mmn_language_run(&batch, &error), MMN_OK);
    }
    mmn_compute_free_scratch(&compute);
    mmn_span_free(&span);
    mmn_row_memory_free(&memory);
    mmn_probes_free(&probes);
    mmn_free(hidden);
    return seen;
}

static void expect_same(const recording *a, const recording *b, const char *what)
{
    cr_assert_gt(a->count, 0);
    cr_assert_eq(a->count, b->count, "%s: %zu and %zu values", what, a->count, b->count);
    cr_assert_eq(memcmp(a->values, b->values, a->count * sizeof(float)), 0, "%s: the bits differ",
                 what);
}

Test(forward, any_cut_of_a_sequence_gives_the_same_bits)
{
    static const size_t pieces[] = {1, 2, 7, 16, 44};
    for (size_t i = 0; i < CHECKPOINTS; i++) {
        if (!mmn_build_reads(checkpoints[i]))
            continue;
        mmn_model *model = open_model(checkpoints[i], 0);
        char last[64];
        snprintf(last, sizeof last, "language.layers.%u.out", model->config.language.layers - 1);
        recording whole = run_in_pieces(model, POSITIONS, true, last);
        for (size_t piece = 0; piece < sizeof pieces / sizeof pieces[0]; piece++) {
            recording cut = run_in_pieces(model, pieces[piece], true, last);
            expect_same(&whole, &cut, checkpoints[i]);
            mmn_free(cut.values);
        }
        mmn_free(whole.values);
        mmn_model_close(model);
    }
}

Test(forward, not_keeping_the_cache_changes_no_bit)
{
    for (size_t i = 0; i < CHECKPOINTS; i++) {
        if (!mmn_build_reads(checkpoints[i]))
            continue;
        mmn_model *model = open_model(checkpoints[i], 0);
        recording kept = run_in_pieces(model, POSITIONS, true, "language.layers.*");
        recording dropped = run_in_pieces(model, POSITIONS, false, "language.layers.*");
        expect_same(&kept, &dropped, checkpoints[i]);
        mmn_free(kept.values);
        mmn_free(dropped.values);
        mmn_model_close(model);
    }
}

/* A session over a photograph, or without where the model is of text only, with a probe on
 * `stages`. */
static recording run_image(const mmn_model *model, const char *stages, int prompt_only,
                           size_t generate, size_t per_call, int32_t *ids)
{
    static const char *const image[] = {MMN_SOURCE_DIR "/golden/images/wide.jpg"};
    mmn_error error;
    mmn_input *input;
    mmn_session *session;
    recording seen = {0};
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = prompt_only};
    const mmn_probe probe = {.stages = stages, .see = record, .context = &seen};
    size_t images = mmn_model_describe(model)->vision_layers > 0 ? 1 : 0;
    mmn_status status =
        mmn_input_from_prompt(&input, model, "<image>\nWhat is this?", image, images, &error);
    cr_assert_eq(status, MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_session_create(&session, model, &options, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
    for (size_t done = 0; done < generate;) {
        size_t count, wanted = generate - done < per_call ? generate - done : per_call;
        cr_assert_eq(mmn_session_generate(session, wanted, ids + done, &count, &error), MMN_OK);
        done += count;
        if (count < wanted)
            break;
    }
    mmn_session_free(session);
    mmn_input_free(input);
    return seen;
}

Test(forward, any_number_of_threads_gives_the_same_bits)
{
    static const char stages[] = "vision.*,projector.*,language.layers.*.out,language.logits";
    for (size_t i = 0; i < CHECKPOINTS; i++) {
        if (!mmn_build_reads(checkpoints[i]))
            continue;
        mmn_model *one = open_model(checkpoints[i], 1), *many = open_model(checkpoints[i], 5);
        recording of_one = run_image(one, stages, 0, 0, 1, NULL);
        recording of_many = run_image(many, stages, 0, 0, 1, NULL);
        expect_same(&of_one, &of_many, checkpoints[i]);
        mmn_free(of_one.values);
        mmn_free(of_many.values);
        mmn_model_close(one);
        mmn_model_close(many);
    }
}

static mmn_status look_away(void *context, const mmn_stage *stage, mmn_error *error)
{
    (void)context;
    (void)stage;
    (void)error;
    return MMN_OK;
}

/* What two prompts make of layers, where somebody sees their gates or nobody does. */
static recording run_two(const mmn_model *model, bool gates_seen)
{
    mmn_error error;
    mmn_session *session;
    recording seen = {0};
    const mmn_probe watch = {.stages = "language.layers.*.mlp.act,language.layers.*.mlp.up,"
                                       "language.layers.*.mlp.product,language.layers.*.out",
                             .see = record,
                             .context = &seen};
    const mmn_probe gates = {.stages = "language.layers.*.mlp.gate", .see = look_away};
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(session, &watch, &error), MMN_OK);
    if (gates_seen)
        cr_assert_eq(mmn_session_add_probe(session, &gates, &error), MMN_OK);
    for (int i = 0; i < 2; i++) {
        mmn_input *input;
        const char *text = i == 0 ? "What is this?" : "A street with cars and trees.";
        cr_assert_eq(mmn_input_from_prompt(&input, model, text, NULL, 0, &error), MMN_OK);
        cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
        mmn_input_free(input);
    }
    mmn_session_free(session);
    return seen;
}

/* Gates that nobody sees are activated as soon as they are made, and made together with what they
 * are multiplied by. */
Test(forward, seeing_gates_changes_no_bit)
{
    for (size_t i = 0; i < CHECKPOINTS; i++) {
        if (!mmn_build_reads(checkpoints[i]))
            continue;
        mmn_model *model = open_model(checkpoints[i], 0);
        recording together = run_two(model, false), apart = run_two(model, true);
        expect_same(&together, &apart, checkpoints[i]);
        mmn_free(together.values);
        mmn_free(apart.values);
        mmn_model_close(model);
    }
}

/* Where nothing will be generated, the pass ends with the last stage that somebody wants. */
Test(forward, a_pass_that_ends_early_gives_the_same_bits)
{
    static const char *const stages[] = {"vision.embeddings",
                                         "vision.layers.0.mlp.act",
                                         "vision.out",
                                         "projector.act",
                                         "projector.merged",
                                         "language.embeddings",
                                         "language.norm",
                                         "language.logits",
                                         "language.layers.0.mlp.gate,language.layers.0.out"};
    mmn_model *model = open_model(checkpoints[1], 0);
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        recording whole = run_image(model, stages[i], 0, 0, 1, NULL);
        recording early = run_image(model, stages[i], 1, 0, 1, NULL);
        expect_same(&whole, &early, stages[i]);
        mmn_free(whole.values);
        mmn_free(early.values);
    }
    mmn_model_close(model);
}

/* Whether the logits are computed for a probe or for the next token only, and whether tokens are
 * asked for one by one or together. */
Test(forward, generating_does_not_depend_on_who_looks)
{
    enum { TOKENS = 12 };
    for (size_t i = 0; i < CHECKPOINTS; i++) {
        if (!mmn_build_reads(checkpoints[i]))
            continue;
        mmn_model *model = open_model(checkpoints[i], 0);
        int32_t together[TOKENS] = {0}, apart[TOKENS] = {0};
        recording nothing = run_image(model, "projector.out", 0, TOKENS, TOKENS, together);
        recording logits = run_image(model, "language.logits", 0, TOKENS, 1, apart);
        cr_assert_arr_eq(together, apart, sizeof together);
        mmn_free(nothing.values);
        mmn_free(logits.values);
        mmn_model_close(model);
    }
}

static mmn_status silence(void *context, const mmn_stage *stage, mmn_error *error)
{
    (void)context;
    (void)error;
    memset(stage->data, 0, stage->shape[0] * stage->shape[1] * sizeof(float));
    return MMN_OK;
}

/* down_proj has no bias: with every neuron off the feed-forward layers add exactly nothing. */
Test(forward, a_probe_that_writes_switches_neurons_off)
{
    mmn_error error;
    mmn_model *model = open_model(checkpoints[1], 0);
    mmn_session *session;
    mmn_input *input;
    recording outputs = {0};
    const mmn_probe off = {.stages = "language.layers.*.mlp.act", .writes = 1, .see = silence};
    const mmn_probe watch = {
        .stages = "language.layers.*.mlp.out", .see = record, .context = &outputs};
    cr_assert_eq(mmn_input_from_prompt(&input, model, "What is this?", NULL, 0, &error), MMN_OK);
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(session, &off, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(session, &watch, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
    cr_assert_gt(outputs.count, 0);
    for (size_t i = 0; i < outputs.count; i++)
        cr_assert_eq(outputs.values[i], 0.0f);
    mmn_free(outputs.values);
    mmn_session_free(session);
    mmn_input_free(input);
    mmn_model_close(model);
}

Test(forward, a_session_for_prompts_only_refuses_to_generate)
{
    mmn_error error;
    mmn_model *model = open_model(checkpoints[0], 0);
    mmn_session *session;
    mmn_input *input;
    int32_t id;
    size_t count;
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    cr_assert_eq(mmn_input_from_prompt(&input, model, "What is this?", NULL, 0, &error), MMN_OK);
    cr_assert_eq(mmn_session_create(&session, model, &options, &error), MMN_OK);
    cr_assert_eq(mmn_session_generate(session, 1, &id, &count, &error), MMN_USAGE);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
    cr_assert_eq(mmn_session_generate(session, 1, &id, &count, &error), MMN_USAGE);
    mmn_session_free(session);
    mmn_input_free(input);
    mmn_model_close(model);
}
