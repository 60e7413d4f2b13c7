/* Detectors' configurations, and what of them is run again: what is read and refused, and pictures
 * that are seen once for several queries. Numbers are compared by test_golden. */
#include <criterion/criterion.h>
#include <string.h>

#include "model/config.h"
#include "pass/session.h"
#include "tests/tools/needs.h"

static mmn_error error;

static mmn_status parse(mmn_config *config, const char *text)
{
    error = (mmn_error){0};
    return mmn_config_parse(config, text, strlen(text), "config.json", NULL, 0, NULL, &error);
}

/* google/owlvit-base-patch32's leaves all sizes to the classes. */
Test(detector, reads_a_published_configuration)
{
    static const char published[] =
        "{\"architectures\":[\"OwlViTForObjectDetection\"],\"initializer_factor\":1.0,"
        "\"logit_scale_init_value\":2.6592,\"model_type\":\"owlvit\",\"projection_dim\":512,"
        "\"text_config\":{\"bos_token_id\":0,\"dropout\":0.0,\"eos_token_id\":2,\"max_length\":16,"
        "\"model_type\":\"owlvit_text_model\",\"pad_token_id\":1},\"text_config_dict\":null,"
        "\"vision_config\":{\"dropout\":0.0,\"model_type\":\"owlvit_vision_model\"},"
        "\"vision_config_dict\":null}";
    mmn_config config;
    cr_assert_eq(parse(&config, published), MMN_OK, "%s: %s", error.where, error.message);
    cr_expect_eq(config.query_size, 512);
    cr_expect_eq(config.vision.hidden_size, 768);
    cr_expect_eq(config.vision.layers, 12);
    cr_expect_eq(config.vision.head_dim, 64);
    cr_expect_eq(config.vision.image_size, 768);
    cr_expect_eq(config.vision.grid, 24);
    cr_expect_eq(config.vision.positions, 577);
    cr_expect_eq(config.vision.activation, MMN_ACTIVATION_QUICK_GELU);
    cr_expect_eq(config.vision.layer_norm_eps, 1e-5f);
    cr_expect_eq(mmn_vision_feature_tokens(&config.vision), 577);
    cr_expect_eq(config.language.hidden_size, 512);
    cr_expect_eq(config.language.intermediate_size, 2048);
    cr_expect_eq(config.language.layers, 12);
    cr_expect_eq(config.language.head_dim, 64);
    cr_expect_eq(config.language.vocab_size, 49408);
    cr_expect_eq(config.language.max_position_embeddings, 16);
    cr_expect_eq(config.language.activation, MMN_ACTIVATION_QUICK_GELU);
    cr_expect_eq(config.image_token_id, MMN_NO_TOKEN);
}

Test(detector, refuses_what_it_would_compute_otherwise)
{
    static const struct {
        const char *text, *where;
    } cases[] = {
        {"{\"model_type\":\"owlvit\",\"projection_dim\":256}", "projection_dim"},
        {"{\"model_type\":\"owlvit\",\"projection_dim\":0}", "projection_dim"},
        {"{\"model_type\":\"owlvit\",\"text_config\":{\"hidden_act\":\"mish\"}}",
         "text_config.hidden_act"},
        {"{\"model_type\":\"owlvit\",\"text_config\":{\"num_attention_heads\":7}}",
         "text_config.num_attention_heads"},
        {"{\"model_type\":\"owlvit\",\"vision_config\":{\"model_type\":\"clip_vision_model\"}}",
         "vision_config.model_type"},
        {"{\"model_type\":\"owlvit\",\"vision_config\":{\"model_type\":\"owl\"}}",
         "vision_config.model_type"},
        {"{\"model_type\":\"owlvit\",\"vision_config\":{\"image_size\":[768,384]}}",
         "vision_config.image_size"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mmn_config config;
        cr_expect_eq(parse(&config, cases[i].text), MMN_INPUT, "case %zu", i);
        cr_expect_str_eq(error.where, cases[i].where, "case %zu: %s: %s", i, error.where,
                         error.message);
    }
}

/* ---- Pictures -------------------------------------------------------------------------------- */

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/owlvit"

static mmn_model *model;

static void open_model(void)
{
    MMN_NEEDS(MODEL);
    cr_assert_eq(mmn_model_open(&model, MODEL, NULL, &error), MMN_OK, "%s", error.message);
}

static mmn_session *open_session(void)
{
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    mmn_session *session;
    cr_assert_eq(mmn_session_create(&session, model, &options, &error), MMN_OK);
    return session;
}

static mmn_status look(mmn_session *session, const char *image, const char *query)
{
    mmn_input *input;
    cr_assert_eq(mmn_input_from_prompt(&input, model, query, &image, image ? 1 : 0, &error), MMN_OK,
                 "%s", error.message);
    const mmn_status status = mmn_session_prefill(session, input, &error);
    mmn_input_free(input);
    return status;
}

#define CAT MMN_SOURCE_DIR "/golden/images/cat.jpg"
#define GREY MMN_SOURCE_DIR "/golden/images/grey.jpg"

Test(detector, says_the_same_of_a_picture_that_it_has_seen)
{
    static const char *const looks[][2] = {{CAT, "a cup"},  {CAT, "a photo of a cat"},
                                           {GREY, "a cup"}, {NULL, "a dog"},
                                           {GREY, "a dog"}, {CAT, "a photo of a cat"}};
    float logits[25], boxes[100];
    open_model();
    mmn_session *session = open_session();
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        cr_assert_eq(look(session, looks[i][0], looks[i][1]), MMN_OK, "%s", error.message);
        if (!looks[i][0])
            continue;
        memcpy(logits, session->detector.logits, sizeof(logits));
        memcpy(boxes, session->detector.boxes, sizeof(boxes));
        mmn_session *fresh = open_session();
        cr_assert_eq(look(fresh, looks[i][0], looks[i][1]), MMN_OK);
        cr_expect_eq(memcmp(logits, fresh->detector.logits, sizeof(logits)), 0, "look %zu", i);
        cr_expect_eq(memcmp(boxes, fresh->detector.boxes, sizeof(boxes)), 0, "look %zu", i);
        mmn_session_free(fresh);
    }
    mmn_session_free(session);
    mmn_model_close(model);
}

Test(detector, refuses_more_tokens_than_the_tower_has_positions)
{
    open_model();
    mmn_session *session = open_session();
    cr_expect_eq(look(session, NULL, "1 2 3 4 5 6 7 8 9 1 2 3 4 5"), MMN_OK, "%s", error.message);
    cr_expect_eq(look(session, NULL, "1 2 3 4 5 6 7 8 9 1 2 3 4 5 6"), MMN_INPUT);
    cr_expect(strstr(error.message, "embeddings for 16") != NULL, "%s", error.message);
    mmn_session_free(session);
    mmn_model_close(model);
}

Test(detector, answers_nothing_and_has_no_neurons)
{
    open_model();
    cr_expect_eq(mmn_model_check_language(model, &error), MMN_INPUT);
    cr_expect_eq(mmn_model_describe(model)->module_count, 0);
    cr_expect_eq(mmn_model_describe(model)->detector_boxes, 25);
    cr_expect_eq(mmn_model_describe(model)->judge_labels, 0);
    mmn_model_close(model);
}
