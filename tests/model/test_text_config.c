/* Configurations of language models alone: what transformers reads from the same files, how
 * positions follow from them, and refusals that name the key. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "model/config.h"
#include "model/family.h"
#include "pass/positions.h"

enum { MOST_POSITIONS = 128 }; /* frequencies, or slopes */

static mmn_error error;

static mmn_status parse(mmn_config *config, const char *text)
{
    error = (mmn_error){0};
    return mmn_config_parse(config, text, strlen(text), "config.json", NULL, 0, NULL, &error);
}

static bool truth(const json_t *expected, const char *key)
{
    return json_is_true(json_object_get(expected, key));
}

static void check_numbers(const char *name, const json_t *expected, const char *key,
                          const int64_t *found, size_t count)
{
    const json_t *numbers = json_object_get(expected, key);
    cr_assert_eq(json_array_size(numbers), count, "%s: %s has %zu numbers", name, key, count);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(json_integer_value(json_array_get(numbers, i)), found[i], "%s: %s[%zu] is %jd",
                     name, key, i, (intmax_t)found[i]);
}

static void check_language(const char *name, const json_t *expected,
                           const mmn_language_config *language)
{
    const int64_t numbers[] = {language->hidden_size, language->intermediate_size,
                               language->layers,      language->heads,
                               language->kv_heads,    language->head_dim,
                               language->vocab_size,  language->max_position_embeddings};
    check_numbers(name, expected, "language", numbers, 8);
    const json_t *windows = json_object_get(expected, "windows");
    cr_assert_eq(json_array_size(windows), language->layers, "%s", name);
    for (uint32_t i = 0; i < language->layers; i++)
        cr_assert_eq(json_integer_value(json_array_get(windows, i)),
                     i >= language->first_window_layer ? language->sliding_window : 0,
                     "%s: the window of layer %u", name, i);
    const bool biases[] = {language->qkv_bias, language->output_bias, language->mlp_bias};
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(json_is_true(json_array_get(json_object_get(expected, "biases"), i)),
                     biases[i], "%s: bias %zu", name, i);
    cr_assert_eq(language->alibi, truth(expected, "alibi"), "%s", name);
    cr_assert_eq(language->gated, !language->alibi, "%s", name);
    cr_assert_eq(language->norm_eps, (float)json_real_value(json_object_get(expected, "norm_eps")),
                 "%s", name);
    cr_assert_str_eq(mmn_activation_name(language->activation),
                     json_string_value(json_object_get(expected, "activation")));
    cr_assert_eq(language->tied_head, truth(expected, "tied_head"), "%s", name);
}

/* Powers of PyTorch's f32 differ from ours in the last place here and there, and so does what is
 * computed from them. */
static void check_positions(const char *name, const json_t *expected,
                            const mmn_language_config *language)
{
    const json_t *positions = json_object_get(expected, "positions");
    if (!positions)
        return;
    float found[MOST_POSITIONS];
    size_t count = language->alibi ? language->heads : language->head_dim / 2;
    cr_assert_leq(count, MOST_POSITIONS);
    cr_assert_eq(json_array_size(positions), count, "%s", name);
    if (language->alibi)
        mmn_alibi_slopes(found, language->heads);
    else
        mmn_rotary_frequencies(found, language, 1);
    for (size_t i = 0; i < count; i++) {
        double torch = json_real_value(json_array_get(positions, i));
        cr_assert_leq(fabs((double)found[i] - torch), 0x1p-22 * torch, "%s: %zu is %a, not %a",
                      name, i, (double)found[i], torch);
    }
}

Test(text_config, reads_what_transformers_reads)
{
    json_t *cases;
    mmn_status status = mmn_json_load(&cases, MMN_SOURCE_DIR "/tests/model/data/text_configs.json",
                                      1000000, &error);
    cr_assert_eq(status, MMN_OK, "%s: %s", error.where, error.message);
    cr_assert_eq(json_array_size(cases), 50);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i), *expected = json_object_get(one, "expected");
        const char *name = json_string_value(json_object_get(one, "name"));
        char *text = json_dumps(json_object_get(one, "config"), JSON_INDENT(2));
        mmn_config config;
        status = parse(&config, text);
        free(text);
        cr_assert_eq(status, MMN_OK, "%s: %s: %s", name, error.where, error.message);
        const char *family = json_string_value(json_object_get(expected, "family"));
        cr_assert_str_eq(config.family->model_type, family);
        cr_assert_str_eq(config.language.form->model_type, family);
        cr_assert_null(config.vision.form);
        check_language(name, expected, &config.language);
        check_positions(name, expected, &config.language);
        int64_t eos[MMN_EOS_IDS];
        for (size_t j = 0; j < config.declared.eos_count; j++)
            eos[j] = config.declared.eos_ids[j];
        check_numbers(name, expected, "eos", eos, config.declared.eos_count);
        const int64_t bos = config.declared.bos_id, pad = config.declared.pad_id;
        cr_assert_eq(bos, json_integer_value(json_object_get(expected, "bos")), "%s: %jd", name,
                     (intmax_t)bos);
        cr_assert_eq(pad, json_integer_value(json_object_get(expected, "pad")), "%s: %jd", name,
                     (intmax_t)pad);
        cr_assert_eq(config.image_token_id, MMN_NO_TOKEN);
    }
    json_decref(cases);
}

/* Slopes for any number of heads, from their definition in double precision: no more than an f32
 * base, raised to at most twice as many heads, can be off. */
Test(text_config, slopes_are_those_of_the_definition)
{
    for (uint32_t heads = 1; heads <= MOST_POSITIONS; heads++) {
        float slopes[MOST_POSITIONS];
        uint32_t power = 1;
        while (2 * power <= heads)
            power *= 2;
        mmn_alibi_slopes(slopes, heads);
        for (uint32_t i = 0; i < heads; i++) {
            double exponent = i < power ? 8.0 * (i + 1) : 4.0 * (2 * (i - power) + 1);
            double expected = exp2(-exponent / power);
            cr_assert_leq(fabs((double)slopes[i] - expected), 0x1p-24 * 2 * power * expected,
                          "slope %u of %u is %a, not %a", i, heads, (double)slopes[i], expected);
        }
    }
}

#define LLAMA(more) "{\"model_type\":\"llama\",\"hidden_size\":64,\"vocab_size\":99" more "}"
#define MISTRAL(more) "{\"model_type\":\"mistral\",\"hidden_size\":64,\"vocab_size\":99" more "}"
#define QWEN2(more)                                                                                \
    "{\"model_type\":\"qwen2\",\"hidden_size\":32,\"vocab_size\":99,\"num_hidden_layers\":2,"      \
    "\"num_attention_heads\":4,\"num_key_value_heads\":4" more "}"
#define BLOOM(more) "{\"model_type\":\"bloom\",\"vocab_size\":99" more "}"
#define OPT(more) "{\"model_type\":\"opt\",\"vocab_size\":99" more "}"
#define PHI(more) "{\"model_type\":\"phi\",\"vocab_size\":99" more "}"
#define LLAMA3(more)                                                                               \
    LLAMA(",\"rope_scaling\":{\"rope_type\":\"llama3\",\"low_freq_factor\":1.0,"                   \
          "\"original_max_position_embeddings\":64" more "}")

Test(text_config, refuses_with_the_key)
{
    static const struct {
        const char *config, *where, *message; /* the last two: parts */
    } bad[] = {
        {LLAMA(",\"num_attention_heads\":0"), "num_attention_heads", "between 1"},
        {LLAMA(",\"num_attention_heads\":33"), "num_attention_heads", "divide hidden_size"},
        {LLAMA(",\"head_dim\":9"), "head_dim", "even"},
        {LLAMA(",\"is_causal\":false"), "is_causal", "not supported"},
        {BLOOM(",\"is_causal\":false"), "is_causal", "not supported"},
        {LLAMA(",\"partial_rotary_factor\":0.5"), "partial_rotary_factor", "not supported"},
        {LLAMA(",\"layer_types\":[\"sliding_attention\",\"full_attention\"]"), "layer_types",
         "layer 0 must be \"full_attention\""},
        {MISTRAL(",\"layer_types\":[\"sliding_attention\",\"full_attention\"]"), "layer_types",
         "layer 1 must be \"sliding_attention\""},
        {LLAMA(",\"quantization_config\":{\"quant_method\":\"gptq\"}"), "quantization_config",
         "quantised checkpoints (gptq)"},
        {LLAMA(",\"compression_config\":{}"), "compression_config", "quantised"},
        {LLAMA(",\"text_config\":{\"quantization_config\":{\"quant_method\":\"awq\"}}"),
         "text_config.quantization_config", "(awq)"},
        {LLAMA(",\"num_hidden_layers\":0"), "num_hidden_layers", "between 1"},
        {LLAMA(",\"attention_bias\":1"), "attention_bias", "true or false"},
        {LLAMA(",\"rope_scaling\":{\"type\":\"mrope\",\"factor\":2.0}"), "rope_scaling.type",
         "\"mrope\" is not supported; supported are \"default\", \"linear\", \"llama3\""},
        {LLAMA(",\"rope_scaling\":{\"rope_type\":\"proportional\",\"factor\":2.0}"),
         "rope_scaling.rope_type", "\"proportional\" is not supported"},
        {LLAMA(",\"rope_scaling\":{\"type\":\"linear\"}"), "rope_scaling.factor", "missing"},
        {LLAMA(",\"rope_scaling\":{\"type\":\"linear\",\"factor\":0}"), "rope_scaling.factor",
         "between"},
        {LLAMA3(",\"high_freq_factor\":4.0"), "rope_scaling.factor", "missing"},
        {LLAMA3(",\"factor\":8.0"), "rope_scaling.high_freq_factor", "missing"},
        {LLAMA3(",\"factor\":8.0,\"high_freq_factor\":1.0"), "rope_scaling.high_freq_factor",
         "above low_freq_factor"},
        {LLAMA3(",\"factor\":\"8\",\"high_freq_factor\":4.0"), "rope_scaling.factor", "a number"},
        {QWEN2(",\"use_sliding_window\":1"), "use_sliding_window", "true or false"},
        {QWEN2(",\"max_window_layers\":-1"), "max_window_layers", "between 0"},
        {QWEN2(",\"use_sliding_window\":true,\"sliding_window\":0"), "sliding_window", "between 1"},
        {QWEN2(",\"layer_types\":[\"full_attention\",\"sliding_attention\"]"), "layer_types",
         "layer 1 must be \"full_attention\""},
        {QWEN2(",\"layer_types\":[\"full_attention\"]"), "layer_types", "layer 1"},
        {QWEN2(",\"layer_types\":7"), "layer_types", "array"},
        {QWEN2(",\"rope_scaling\":{\"type\":\"mrope\"}"), "rope_scaling.type", "not supported"},
        {BLOOM(",\"n_head\":0"), "n_head", "between 1"},
        {BLOOM(",\"n_head\":7"), "n_head", "divide hidden_size: 7 heads for 64"},
        {BLOOM(",\"n_embed\":0"), "n_embed", "between 1"},
        {BLOOM(",\"n_layer\":1e9"), "n_layer", "integer"},
        {BLOOM(",\"layer_norm_epsilon\":0"), "layer_norm_epsilon", "between"},
        {BLOOM(",\"pretraining_tp\":2,\"slow_but_exact\":true"), "slow_but_exact",
         "not supported with a pretraining_tp of 2"},
        {BLOOM(",\"pretraining_tp\":0"), "pretraining_tp", "between 1"},
        {BLOOM(",\"apply_residual_connection_post_layernorm\":true"),
         "apply_residual_connection_post_layernorm", "not supported"},
        {"{\"model_type\":\"llava\",\"image_token_index\":5,\"text_config\":"
         "{\"model_type\":\"bloom\",\"vocab_size\":99}}",
         "text_config.model_type", "BLOOM is supported on its own"},
        {OPT(",\"num_attention_heads\":5"), "num_attention_heads",
         "divide hidden_size: 5 heads for 768"},
        {OPT(",\"ffn_dim\":0"), "ffn_dim", "between 1"},
        {OPT(",\"max_position_embeddings\":-1"), "max_position_embeddings", "between 1"},
        {OPT(",\"do_layer_norm_before\":false"), "do_layer_norm_before", "only OPT-350m"},
        {OPT(",\"word_embed_proj_dim\":512"), "word_embed_proj_dim",
         "must be hidden_size, 768, and is 512"},
        {OPT(",\"_remove_final_layer_norm\":true"), "_remove_final_layer_norm", "not supported"},
        {OPT(",\"layer_norm_elementwise_affine\":false"), "layer_norm_elementwise_affine",
         "not supported"},
        {OPT(",\"activation_function\":\"gegelu\""), "activation_function", "not supported"},
        {"{\"model_type\":\"llava\",\"image_token_index\":5,\"text_config\":"
         "{\"model_type\":\"opt\",\"vocab_size\":99}}",
         "text_config.model_type", "OPT is supported on its own"},
        {PHI(",\"partial_rotary_factor\":2"), "partial_rotary_factor", "between 0"},
        {PHI(",\"partial_rotary_factor\":0"), "partial_rotary_factor", "even"},
        {PHI(",\"partial_rotary_factor\":0.05"), "partial_rotary_factor", "even"},
        {PHI(",\"rope_parameters\":{\"partial_rotary_factor\":-1}"),
         "rope_parameters.partial_rotary_factor", "between 0"},
        {PHI(",\"qk_layernorm\":true"), "qk_layernorm", "not supported"},
        {PHI(",\"num_key_value_heads\":5"), "num_key_value_heads", "divide"},
        {PHI(",\"layer_norm_eps\":0"), "layer_norm_eps", "between"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        mmn_config config;
        cr_assert_eq(parse(&config, bad[i].config), MMN_INPUT, "%s", bad[i].config);
        cr_assert(strncmp(error.where, bad[i].where, strlen(bad[i].where)) == 0, "%s: where is %s",
                  bad[i].config, error.where);
        cr_assert(strstr(error.message, bad[i].message), "%s: message is %s", bad[i].config,
                  error.message);
    }
    mmn_config config;
    cr_assert_eq(parse(&config, LLAMA("")), MMN_OK);
    cr_assert_eq(parse(&config, LLAMA3(",\"factor\":8.0,\"high_freq_factor\":4.0")), MMN_OK);
    cr_assert_eq(parse(&config, QWEN2("")), MMN_OK);
    cr_assert_eq(parse(&config, BLOOM("")), MMN_OK);
    cr_assert_eq(parse(&config, OPT(",\"word_embed_proj_dim\":null")), MMN_OK);
    cr_assert_eq(config.language.rotary_dim, 0);
    cr_assert_eq(parse(&config, PHI("")), MMN_OK);
    cr_assert_eq(config.language.rotary_dim, 32, "half of 64");
    /* As transformers 5 writes phi-2's. */
    cr_assert_eq(parse(&config, PHI(",\"hidden_size\":2560,\"rope_parameters\":{\"rope_type\":"
                                    "\"default\",\"partial_rotary_factor\":0.4}")),
                 MMN_OK);
    cr_assert_eq(config.language.rotary_dim, 32, "of 80");
}

/* Every number that the forward pass reads is in the digest. */
Test(text_config, digests_what_counts)
{
    static const char *const different[] = {
        LLAMA(""),
        LLAMA(",\"attention_bias\":true"),
        LLAMA(",\"mlp_bias\":true"),
        LLAMA(",\"rope_scaling\":{\"type\":\"linear\",\"factor\":2.0}"),
        LLAMA(",\"rope_scaling\":{\"type\":\"linear\",\"factor\":4.0}"),
        LLAMA3(",\"factor\":8.0,\"high_freq_factor\":4.0"),
        LLAMA3(",\"factor\":8.0,\"high_freq_factor\":2.0"),
        QWEN2(""),
        QWEN2(",\"use_sliding_window\":true,\"max_window_layers\":0"),
        QWEN2(",\"use_sliding_window\":true,\"max_window_layers\":1"),
        BLOOM(""),
        BLOOM(",\"n_head\":4"),
        OPT(""),
        OPT(",\"enable_bias\":false"),
        OPT(",\"ffn_dim\":99"),
        PHI(""),
        PHI(",\"partial_rotary_factor\":0.25"),
        PHI(",\"num_key_value_heads\":4"),
    };
    enum { COUNT = sizeof(different) / sizeof(different[0]) };
    char digests[COUNT][MMN_DIGEST_SIZE];
    for (size_t i = 0; i < COUNT; i++) {
        mmn_config config;
        mmn_digest *digest;
        cr_assert_eq(parse(&config, different[i]), MMN_OK, "%s: %s", different[i], error.message);
        cr_assert_eq(mmn_digest_begin(&digest, &error), MMN_OK);
        mmn_config_digest(digest, &config);
        mmn_digest_finish(digest, digests[i]);
        mmn_digest_free(digest);
        for (size_t j = 0; j < i; j++)
            cr_assert_neq(strcmp(digests[i], digests[j]), 0, "%s and %s", different[i],
                          different[j]);
    }
}
