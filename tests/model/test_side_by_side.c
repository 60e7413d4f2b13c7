/* Sessions side by side have the bits that each has alone, whatever they share. */
#include <criterion/criterion.h>

#include "pass/session.h"
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

/* What a session switches off (NULL: nothing) and what is compared of it, besides its answer. */
static const struct variant {
    const char *off, *seen;
} variants[] = {
    {NULL, "language.logits"},
    {"language.layers.1.mlp.act", "language.layers.1.out,language.logits"},
    {"language.layers.0.mlp.act", "*"},
    {"projector.act,query.layers.0.mlp.act", "projector.out,language.layers.*.out"},
    {"vision.layers.0.mlp.act", "vision.layers.*.out,language.embeddings"},
    {NULL, "*"},
    {"language.layers.1.mlp.act,projector.act,qformer.layers.1.mlp.act",
     "language.layers.1.mlp.out"},
    {NULL, "generated_ids"},
};

enum {
    CHECKPOINTS = sizeof checkpoints / sizeof checkpoints[0],
    VARIANTS = sizeof variants / sizeof variants[0],
    TOKENS = 6
};

static mmn_error error;

/* An mmn_see_function: switches off every third neuron, from one that depends on the context on. */
static mmn_status switch_off(void *context, const mmn_stage *stage, mmn_error *unused)
{
    size_t count = 1, width = stage->shape[stage->dimensions - 1];
    float *values = stage->data;
    (void)unused;
    for (size_t i = 0; i < stage->dimensions; i++)
        count *= stage->shape[i];
    for (size_t i = 0; i < count; i++)
        if (i % width % 3 == *(const size_t *)context % 3)
            values[i] = 0;
    return MMN_OK;
}

/* A session of each variant, and what it sees and answers. */
typedef struct group {
    mmn_session *sessions[VARIANTS];
    size_t phases[VARIANTS];
    seen seen[VARIANTS];
    int32_t ids[VARIANTS][TOKENS];
    size_t counts[VARIANTS];
} group;

static void open_sessions(group *g, const mmn_model *model, const size_t order[VARIANTS])
{
    for (size_t i = 0; i < VARIANTS; i++) {
        const struct variant *variant = &variants[order[i]];
        g->phases[i] = order[i];
        const mmn_probe off = {
            .stages = variant->off, .writes = 1, .see = switch_off, .context = &g->phases[i]};
        const mmn_probe probe = {.stages = variant->seen, .see = see_all, .context = &g->seen[i]};
        cr_assert_eq(mmn_session_create(&g->sessions[i], model, NULL, &error), MMN_OK);
        if (variant->off)
            cr_assert_eq(mmn_session_add_probe(g->sessions[i], &off, &error), MMN_OK);
        cr_assert_eq(mmn_session_add_probe(g->sessions[i], &probe, &error), MMN_OK);
    }
}

static void close_sessions(group *g)
{
    for (size_t i = 0; i < VARIANTS; i++) {
        mmn_session_free(g->sessions[i]);
        seen_free(&g->seen[i]);
    }
}

/* Each session on its own. */
static void answer_alone(group *g, const mmn_input *input)
{
    for (size_t i = 0; i < VARIANTS; i++) {
        seen_free(&g->seen[i]);
        cr_assert_eq(mmn_session_prefill(g->sessions[i], input, &error), MMN_OK);
        cr_assert_eq(mmn_session_generate(g->sessions[i], TOKENS, g->ids[i], &g->counts[i], &error),
                     MMN_OK);
    }
}

static void answer_side_by_side(group *g, const mmn_session *plain, const mmn_input *input)
{
    for (size_t i = 0; i < VARIANTS; i++)
        seen_free(&g->seen[i]);
    cr_assert_eq(mmn_sessions_prefill(g->sessions, VARIANTS, plain, input, &error), MMN_OK);
    cr_assert_eq(mmn_sessions_generate(g->sessions, VARIANTS, TOKENS, g->ids[0], g->counts, &error),
                 MMN_OK);
}

static void expect_same(const group *together, const group *alone, const size_t order[VARIANTS],
                        const char *what)
{
    for (size_t i = 0; i < VARIANTS; i++) {
        const seen *a = &together->seen[i], *b = &alone->seen[order[i]];
        cr_assert_eq(together->counts[i], alone->counts[order[i]], "%s, %zu", what, order[i]);
        cr_assert_arr_eq(together->ids[i], alone->ids[order[i]],
                         together->counts[i] * sizeof(int32_t), "%s, %zu", what, order[i]);
        cr_assert_eq(a->count, b->count, "%s, %zu", what, order[i]);
        for (size_t k = 0; k < a->count; k++) {
            const seen_stage *stage = &a->stages[k], *other = &b->stages[k];
            cr_assert_str_eq(stage->name, other->name);
            cr_assert_eq(stage->first, other->first);
            cr_assert_eq(stage->rows * stage->row_bytes, other->rows * other->row_bytes);
            cr_assert_eq(stage->generating, other->generating);
            cr_assert_eq(memcmp(stage->data, other->data, stage->rows * stage->row_bytes), 0,
                         "%s, %zu: the bits of %s differ", what, order[i], stage->name);
        }
    }
}

/* Of a language model alone, without the image. */
static mmn_input *make_input(const mmn_model *model, const char *image, const char *prompt)
{
    mmn_input *input;
    if (mmn_model_describe(model)->vision_layers == 0)
        image = NULL;
    cr_assert_eq(mmn_input_from_prompt(&input, model, prompt, &image, image ? 1 : 0, &error),
                 MMN_OK, "%s", error.message);
    return input;
}

/* Lets the second variant's third token end an answer, so that some sessions stop before others. */
static void let_one_stop_early(mmn_model *model, const group *alone)
{
    cr_assert_geq(model->config.generation.eos_count, 1);
    model->config.generation.eos_ids[0] = alone->ids[1][2];
}

static const size_t in_order[VARIANTS] = {0, 1, 2, 3, 4, 5, 6, 7};

/* Several inputs one after the other in the same sessions, the unmasked one first among them or
 * not, against fresh sessions. */
static void check_checkpoint(const char *folder, const size_t order[VARIANTS])
{
    mmn_model *model;
    if (!mmn_build_reads(folder))
        return;
    cr_assert_eq(mmn_model_open(&model, folder, NULL, &error), MMN_OK, "%s", error.message);
    mmn_input *inputs[] = {
        make_input(model, WIDE, "<image>\nWhat is this?"),
        make_input(model, WIDE, "<image>\nWhere is it?"),
        make_input(model, NULL, "What is this?"),
        make_input(model, TALL, "<image>\nWhere is it?"),
    };
    group together = {0};
    bool stopped_early = false;
    open_sessions(&together, model, order);
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        group alone = {0};
        open_sessions(&alone, model, in_order);
        answer_alone(&alone, inputs[i]);
        if (i == 0) {
            let_one_stop_early(model, &alone);
            answer_alone(&alone, inputs[i]);
            stopped_early = alone.counts[1] < TOKENS;
        }
        /* Alone, what a second answer may take over from the first would not be shown. */
        close_sessions(&alone);
        alone = (group){0};
        open_sessions(&alone, model, in_order);
        answer_alone(&alone, inputs[i]);
        answer_side_by_side(&together, NULL, inputs[i]);
        expect_same(&together, &alone, order, folder);
        close_sessions(&alone);
    }
    cr_assert(stopped_early);
    close_sessions(&together);
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        mmn_input_free(inputs[i]);
    mmn_model_close(model);
}

Test(side_by_side, changes_no_bit)
{
    static const size_t masked_first[VARIANTS] = {1, 6, 3, 0, 7, 5, 4, 2};
    for (size_t i = 0; i < CHECKPOINTS; i++)
        check_checkpoint(checkpoints[i], in_order);
    check_checkpoint(checkpoints[1], masked_first);
}

/* An mmn_see_function that counts how often a stage is made. */
static mmn_status count_calls(void *context, const mmn_stage *stage, mmn_error *unused)
{
    (void)stage;
    (void)unused;
    (*(size_t *)context)++;
    return MMN_OK;
}

/* What a mask leaves alone is taken from the session without one: the images' features for a mask
 * of the language model, and for one of the projector what the vision tower makes. */
Test(side_by_side, shares_what_a_mask_leaves_alone)
{
    mmn_model *models[2];
    mmn_input *inputs[2];
    MMN_NEEDS(checkpoints[4]);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(mmn_model_open(&models[i], checkpoints[i == 0 ? 1 : 4], NULL, &error), MMN_OK);
        inputs[i] = make_input(models[i], WIDE, "<image>\nWhat is this?");
    }
    static const struct {
        const char *off;
        size_t model, towers, projections; /* which model; how many are computed */
    } cases[] = {{"language.layers.0.mlp.act", 0, 0, 0}, {"projector.act", 0, 0, 1},
                 {"vision.layers.1.mlp.act", 0, 1, 1},   {"language.layers.0.mlp.act", 1, 0, 0},
                 {"qformer.layers.0.mlp.act", 1, 0, 1},  {"query.layers.2.mlp.act", 1, 0, 1},
                 {"vision.layers.1.mlp.act", 1, 1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mmn_session *sessions[2];
        size_t phase = 0, towers = 0, projections = 0;
        const mmn_probe off = {
            .stages = cases[i].off, .writes = 1, .see = switch_off, .context = &phase};
        const mmn_probe tower = {
            .stages = "vision.layers.0.out", .see = count_calls, .context = &towers, .only_new = 1};
        const mmn_probe projection = {
            .stages = "projector.out", .see = count_calls, .context = &projections, .only_new = 1};
        for (size_t k = 0; k < 2; k++)
            cr_assert_eq(mmn_session_create(&sessions[k], models[cases[i].model], NULL, &error),
                         MMN_OK);
        cr_assert_eq(mmn_session_add_probe(sessions[1], &off, &error), MMN_OK);
        cr_assert_eq(mmn_session_add_probe(sessions[1], &tower, &error), MMN_OK);
        cr_assert_eq(mmn_session_add_probe(sessions[1], &projection, &error), MMN_OK);
        cr_assert_eq(mmn_sessions_prefill(sessions, 2, NULL, inputs[cases[i].model], &error),
                     MMN_OK);
        cr_expect_eq(towers, cases[i].towers, "%s", cases[i].off);
        cr_expect_eq(projections, cases[i].projections, "%s", cases[i].off);
        mmn_session_free(sessions[0]);
        mmn_session_free(sessions[1]);
    }
    for (size_t i = 0; i < 2; i++) {
        mmn_input_free(inputs[i]);
        mmn_model_close(models[i]);
    }
}

/* A session whose mask begins in a later layer has no rows in the layers before: these make their
 * keys and values once, and the session's cache gets them. */
Test(side_by_side, copies_early_layers)
{
    mmn_model *model;
    cr_assert_eq(mmn_model_open(&model, checkpoints[1], NULL, &error), MMN_OK);
    mmn_input *input = make_input(model, WIDE, "<image>\nWhat is this?");
    const mmn_language_config *config = &model->config.language;
    mmn_session *sessions[2];
    size_t phase = 0;
    const mmn_probe off = {
        .stages = "language.layers.1.mlp.act", .writes = 1, .see = switch_off, .context = &phase};
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(mmn_session_create(&sessions[i], model, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(sessions[1], &off, &error), MMN_OK);
    cr_assert_eq(mmn_sessions_prefill(sessions, 2, NULL, input, &error), MMN_OK);
    size_t bytes = mmn_input_length(input) * mmn_language_key_width(config) * sizeof(float);
    for (uint32_t layer = 0; layer < config->layers; layer++) {
        bool same = memcmp(sessions[0]->language.of_layer[layer].keys,
                           sessions[1]->language.of_layer[layer].keys, bytes) == 0;
        cr_expect_eq(same, layer <= 1, "layer %u", layer); /* what is off acts on the next layer */
    }
    for (size_t i = 0; i < 2; i++)
        mmn_session_free(sessions[i]);
    mmn_input_free(input);
    mmn_model_close(model);
}
