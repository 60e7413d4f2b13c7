/* Judges' configurations: what is read, what is refused, and which distances share an embedding,
 * as transformers has it (golden/make_deberta.py). */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "model/config.h"
#include "pass/disentangled.h"

static mmn_error error;

static mmn_status parse(mmn_config *config, const char *text)
{
    error = (mmn_error){0};
    return mmn_config_parse(config, text, strlen(text), "config.json", NULL, 0, NULL, &error);
}

/* What fine-tuned DeBERTa-v3 models say, and more. */
#define JUDGE(more)                                                                                \
    "{\"model_type\":\"deberta-v2\",\"hidden_size\":768,\"num_attention_heads\":12,"               \
    "\"num_hidden_layers\":12,\"intermediate_size\":3072,\"relative_attention\":true,"             \
    "\"position_buckets\":256,\"norm_rel_ebd\":\"layer_norm\",\"share_att_key\":true,"             \
    "\"pos_att_type\":\"p2c|c2p\",\"position_biased_input\":false" more "}"

Test(judge, reads_a_published_configuration)
{
    mmn_config config;
    cr_assert_eq(parse(&config, JUDGE(",\"id2label\":{\"0\":\"LABEL_0\"}")), MMN_OK, "%s: %s",
                 error.where, error.message);
    const mmn_judge_config *judge = &config.judge;
    cr_expect_eq(judge->hidden_size, 768);
    cr_expect_eq(judge->head_dim, 64);
    cr_expect_eq(judge->layers, 12);
    cr_expect_eq(judge->vocab_size, 128100);
    cr_expect_eq(judge->span, 256);
    cr_expect_eq(judge->buckets, 256);
    cr_expect_eq(judge->farthest, 512);
    cr_expect_eq(judge->labels, 1);
    cr_expect_eq(judge->layer_norm_eps, 1e-7f);
    cr_expect_eq(judge->activation, MMN_ACTIVATION_GELU);
    cr_expect_eq(config.language.layers, 0);
    cr_expect_eq(config.language.vocab_size, 128100);
    cr_expect_eq(config.image_token_id, MMN_NO_TOKEN);
}

Test(judge, refuses_what_it_would_compute_otherwise)
{
    static const struct {
        const char *text, *where;
    } cases[] = {
        {"{\"model_type\":\"deberta-v2\"}", "relative_attention"},
        {"{\"model_type\":\"deberta-v2\",\"relative_attention\":true}", "share_att_key"},
        {"{\"model_type\":\"deberta-v2\",\"relative_attention\":true,\"share_att_key\":true}",
         "position_biased_input"},
        {"{\"model_type\":\"deberta-v2\",\"relative_attention\":true,\"share_att_key\":true,"
         "\"position_biased_input\":false}",
         "pos_att_type"},
        {"{\"model_type\":\"deberta-v2\",\"relative_attention\":true,\"share_att_key\":true,"
         "\"position_biased_input\":false,\"pos_att_type\":[\"c2p\"]}",
         "pos_att_type"},
        {"{\"model_type\":\"deberta-v2\",\"relative_attention\":true,\"share_att_key\":true,"
         "\"position_biased_input\":false,\"pos_att_type\":[\"c2p\",\"p2c\"]}",
         "norm_rel_ebd"},
        {JUDGE(",\"type_vocab_size\":2"), "type_vocab_size"},
        {JUDGE(",\"conv_kernel_size\":3"), "conv_kernel_size"},
        {JUDGE(",\"hidden_act\":\"mish\""), "hidden_act"},
        {JUDGE(",\"pooler_hidden_act\":\"tanh\""), "pooler_hidden_act"},
        {JUDGE(",\"max_relative_positions\":129"), "position_buckets"},
        {JUDGE(",\"max_position_embeddings\":100000"), "max_position_embeddings"},
        {JUDGE(",\"vocab_size\":0"), "vocab_size"},
        {JUDGE(",\"num_labels\":0"), "num_labels"},
        {JUDGE(",\"layer_norm_eps\":0"), "layer_norm_eps"},
        {JUDGE(",\"quantization_config\":{}"), "quantization_config"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mmn_config config;
        cr_expect_eq(parse(&config, cases[i].text), MMN_INPUT, "case %zu", i);
        cr_expect_str_eq(error.where, cases[i].where, "case %zu: %s: %s", i, error.where,
                         error.message);
    }
}

Test(judge, puts_distances_into_the_buckets_of_transformers)
{
    json_t *cases = json_load_file(MMN_SOURCE_DIR "/golden/distances.json", 0, NULL), *entry;
    size_t i;
    cr_assert_gt(json_array_size(cases), 4);
    json_array_foreach(cases, i, entry)
    {
        const json_t *begins = json_object_get(entry, "begins"),
                     *places = json_object_get(entry, "places");
        const int64_t span = json_integer_value(json_object_get(entry, "buckets"));
        const mmn_distances distances = {
            (size_t)span, (uint32_t)span,
            (uint32_t)json_integer_value(json_object_get(entry, "farthest"))};
        size_t at = 0;
        for (int64_t distance = 0; distance <= 2000; distance++) {
            while (at + 1 < json_array_size(begins) &&
                   json_integer_value(json_array_get(begins, at + 1)) <= distance)
                at++;
            const int64_t bucket = json_integer_value(json_array_get(places, at));
            const int64_t above = bucket < span ? span + bucket : 2 * span - 1;
            const int64_t below = bucket < span ? span - bucket : 0;
            cr_expect_eq((int64_t)mmn_distance_place(&distances, distance), above,
                         "case %zu, distance %d", i, (int)distance);
            cr_expect_eq((int64_t)mmn_distance_place(&distances, -distance), below,
                         "case %zu, distance -%d", i, (int)distance);
        }
    }
    json_decref(cases);
}

/* Without buckets each distance up to the span has a place of its own. */
Test(judge, cuts_distances_without_buckets)
{
    const mmn_distances distances = {10, 0, 10};
    static const struct {
        int64_t distance;
        size_t place;
    } cases[] = {{0, 10}, {1, 11}, {-1, 9}, {9, 19}, {10, 19}, {99, 19}, {-10, 0}, {-99, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_eq(mmn_distance_place(&distances, cases[i].distance), cases[i].place, "%zu", i);
}
