/* Configurations: what transformers reads from the same files, and refusals that name the key. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "model/config.h"
#include "model/family.h"

static mmn_error error;

static mmn_status parse(mmn_config *config, const char *text, const char *generation)
{
    error = (mmn_error){0};
    return mmn_config_parse(config, text, strlen(text), "config.json", generation,
                            generation ? strlen(generation) : 0, "generation_config.json", &error);
}

static int64_t integer(const json_t *expected, const char *key)
{
    return json_integer_value(json_object_get(expected, key));
}

static const char *text(const json_t *expected, const char *key)
{
    return json_string_value(json_object_get(expected, key));
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

static void check_vision(const char *name, const json_t *expected, const mmn_vision_config *vision)
{
    const int64_t numbers[] = {vision->hidden_size, vision->intermediate_size, vision->layers,
                               vision->heads,       vision->image_size,        vision->patch_size,
                               vision->channels};
    int64_t features[MMN_FEATURE_LAYERS];
    for (size_t i = 0; i < vision->feature_layer_count; i++)
        features[i] = vision->feature_layers[i];
    check_numbers(name, expected, "vision", numbers, 7);
    check_numbers(name, expected, "feature_layers", features, vision->feature_layer_count);
    cr_assert_eq(vision->layer_norm_eps,
                 (float)json_real_value(json_object_get(expected, "layer_norm_eps")));
    cr_assert_str_eq(mmn_activation_name(vision->activation), text(expected, "vision_activation"));
    cr_assert_eq(vision->keeps_class_token, truth(expected, "keeps_class_token"));
    cr_assert_eq(vision->head_dim * vision->heads, vision->hidden_size);
    cr_assert_eq(vision->grid, vision->image_size / vision->patch_size);
    cr_assert_eq(vision->patches, vision->grid * vision->grid);
    cr_assert_eq(vision->class_token, truth(expected, "class_token"), "%s", name);
    cr_assert_eq(vision->positions, vision->patches + (vision->class_token ? 1 : 0));
}

static void check_language(const char *name, const json_t *expected,
                           const mmn_language_config *language)
{
    const int64_t numbers[] = {language->hidden_size,   language->intermediate_size,
                               language->layers,        language->heads,
                               language->kv_heads,      language->head_dim,
                               language->vocab_size,    language->max_position_embeddings,
                               language->sliding_window};
    check_numbers(name, expected, "language", numbers, 9);
    cr_assert_str_eq(language->form->model_type, text(expected, "language_type"));
    cr_assert_eq(language->norm_eps,
                 (float)json_real_value(json_object_get(expected, "rms_norm_eps")), "%s", name);
    cr_assert_eq(language->rope.theta, json_number_value(json_object_get(expected, "rope_theta")),
                 "%s", name);
    cr_assert_str_eq(mmn_activation_name(language->activation),
                     text(expected, "language_activation"));
    cr_assert_eq(language->tied_head, truth(expected, "tied_head"), "%s", name);
}

static void check_config(const char *name, const json_t *expected, const mmn_config *config)
{
    int64_t eos[MMN_EOS_IDS];
    for (size_t i = 0; i < config->declared.eos_count; i++)
        eos[i] = config->declared.eos_ids[i];
    cr_assert_str_eq(config->family->model_type, text(expected, "family"));
    check_vision(name, expected, &config->vision);
    check_language(name, expected, &config->language);
    cr_assert_str_eq(mmn_activation_name(config->projector.activation),
                     text(expected, "projector_activation"));
    cr_assert_eq(config->projector.bias, truth(expected, "projector_bias"));
    cr_assert_eq(config->projector.input_size,
                 config->vision.hidden_size * config->vision.feature_layer_count);
    cr_assert_eq(config->image_token_id, integer(expected, "image_token_id"), "%s", name);
    cr_assert_eq(config->image_seq_length, (uint64_t)integer(expected, "image_seq_length"));
    check_numbers(name, expected, "eos", eos, config->declared.eos_count);
    cr_assert_eq(config->declared.bos_id, integer(expected, "bos"), "%s", name);
    cr_assert_eq(config->declared.pad_id, integer(expected, "pad"), "%s", name);

    const json_t *pinpoints = json_object_get(expected, "pinpoints");
    cr_assert_eq(config->grid_pinpoint_count, json_array_size(pinpoints), "%s", name);
    for (size_t i = 0; i < config->grid_pinpoint_count; i++) {
        const json_t *pair = json_array_get(pinpoints, i);
        cr_assert_eq(config->grid_pinpoints[i].height,
                     (uint64_t)json_integer_value(json_array_get(pair, 0)));
        cr_assert_eq(config->grid_pinpoints[i].width,
                     (uint64_t)json_integer_value(json_array_get(pair, 1)));
    }
}

Test(config, reads_what_transformers_reads)
{
    json_t *cases;
    mmn_status status =
        mmn_json_load(&cases, MMN_SOURCE_DIR "/tests/model/data/configs.json", 1000000, &error);
    cr_assert_eq(status, MMN_OK, "%s: %s", error.where, error.message);
    cr_assert_eq(json_array_size(cases), 48);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);
        const char *name = text(one, "name");
        char *config_text = json_dumps(json_object_get(one, "config"), JSON_INDENT(2));
        mmn_config config;
        status = parse(&config, config_text, NULL);
        cr_assert_eq(status, MMN_OK, "%s: %s: %s", name, error.where, error.message);
        check_config(name, json_object_get(one, "expected"), &config);
        free(config_text);
    }
    json_decref(cases);
}

#define SMALL                                                                                      \
    "\"model_type\":\"llava\",\"image_token_index\":5,\"vision_config\":{\"hidden_size\":32,"      \
    "\"intermediate_size\":64,\"num_hidden_layers\":3,\"num_attention_heads\":4,"                  \
    "\"image_size\":28,\"patch_size\":14}"
#define TEXT(more)                                                                                 \
    "{" SMALL ",\"text_config\":{\"model_type\":\"mistral\",\"hidden_size\":64,"                   \
    "\"num_hidden_layers\":2,\"num_attention_heads\":8,\"vocab_size\":300" more "}}"
#define ROOT(more) "{" SMALL ",\"text_config\":{\"vocab_size\":300}" more "}"
#define VISION(more)                                                                               \
    "{\"model_type\":\"llava_next\",\"image_token_index\":5,\"vision_config\":{" more "},"         \
    "\"text_config\":{\"vocab_size\":300}}"

/* What transformers 5.23's generation_config says of the same folders: with the file it alone
 * decides, without it config.json, and no class's defaults. */
Test(config, generation_config_goes_first)
{
    mmn_config config;
    cr_assert_eq(parse(&config, ROOT(",\"pad_token_id\":3"),
                       "{\"eos_token_id\":[7,8],\"pad_token_id\":-1,\"temperature\":0.9}"),
                 MMN_OK);
    cr_assert_eq(config.generation.eos_count, 2);
    cr_assert_eq(config.generation.eos_ids[1], 8);
    cr_assert_eq(config.generation.bos_id, MMN_NO_TOKEN);
    cr_assert_eq(config.generation.pad_id, MMN_NO_TOKEN);
    cr_assert_eq(config.declared.eos_count, 1);
    cr_assert_eq(config.declared.pad_id, 3);
    static const char *const endless[] = {"{}", "{\"eos_token_id\":null}", "{\"eos_token_id\":-1}"};
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(parse(&config, ROOT(",\"eos_token_id\":5"), endless[i]), MMN_OK);
        cr_assert_eq(config.generation.eos_count, 0);
        cr_assert_eq(config.declared.eos_ids[0], 5);
    }
    cr_assert_eq(parse(&config, ROOT(""), NULL), MMN_OK);
    cr_assert_eq(config.generation.eos_count, 0);
    cr_assert_eq(config.declared.eos_ids[0], 2);
    cr_assert_eq(parse(&config, ROOT(",\"eos_token_id\":6"), NULL), MMN_OK);
    cr_assert_eq(config.generation.eos_ids[0], 6);
    cr_assert_eq(parse(&config, TEXT(",\"eos_token_id\":9"), NULL), MMN_OK);
    cr_assert_eq(config.generation.eos_ids[0], 9, "text_config's");
    cr_assert_eq(parse(&config, ROOT(""), "{\"eos_token_id\":\"x\"}"), MMN_INPUT);
    cr_assert_str_eq(error.file, "generation_config.json");
    cr_assert_str_eq(error.where, "eos_token_id");
    cr_assert_eq(parse(&config, ROOT(""), "[]"), MMN_INPUT);
    cr_assert_str_eq(error.file, "generation_config.json");
}

Test(config, refuses_with_the_key)
{
    static const struct {
        const char *config, *where, *message; /* the last two: parts */
    } bad[] = {
        {"", "line 1", "JSON"},
        {"[]", "", "JSON object"},
        {"{}", "model_type", "missing"},
        {"{\"model_type\":7}", "model_type", "must be a text"},
        {"{\"model_type\":\"gpt2\"}", "model_type", "\"gpt2\" is not supported"},
        {"{\"model_type\":\"qwen2_vl\"}", "model_type", "supported are \"llava\""},
        {"{\"model_type\":\"llava\",\"mm_vision_tower\":\"a/x\"}", "mm_vision_tower",
         "folder, ./x, has no config.json"},
        {"{\"model_type\":\"llava_mpt\",\"mm_vision_tower\":\"x\"}", "model_type",
         "\"llava_llama\""},
        {"{\"mm_vision_tower\":\"x\"}", "model_type", "missing"},
        {"{\"model_type\":\"llava\",\"mm_vision_tower\":7}", "mm_vision_tower", "a text"},
        {"{\"model_type\":\"llava\",\"mm_vision_tower\":\"\"}", "mm_vision_tower", "the name"},
        {"{\"model_type\":\"llava\",\"mm_vision_tower\":\"a/\"}", "mm_vision_tower", "the name"},
        {"{\"model_type\":\"llava\",\"mm_vision_tower\":\"../..\"}", "mm_vision_tower", "the name"},
        {ROOT(",\"quantization_config\":{}"), "quantization_config", "not supported"},
        {ROOT(",\"vision_feature_layer\":4"), "vision_feature_layer", "between -4 and 3"},
        {ROOT(",\"vision_feature_layer\":-5"), "vision_feature_layer", "between -4 and 3"},
        {ROOT(",\"vision_feature_layer\":[]"), "vision_feature_layer", "name a layer"},
        {ROOT(",\"vision_feature_layer\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"),
         "vision_feature_layer", "16"},
        {ROOT(",\"vision_feature_select_strategy\":\"cls\""), "vision_feature_select_strategy",
         "\"cls\""},
        {ROOT(",\"projector_hidden_act\":\"mish\""), "projector_hidden_act", "\"mish\""},
        {ROOT(",\"multimodal_projector_bias\":1"), "multimodal_projector_bias", "true or false"},
        {ROOT(",\"image_seq_length\":-1"), "image_seq_length", "between"},
        {ROOT(",\"tie_word_embeddings\":\"no\""), "tie_word_embeddings", "true or false"},
        {ROOT(",\"eos_token_id\":[1,2.5]"), "eos_token_id", "integer"},
        {ROOT(",\"vision_config\":{}"), "line 1", "duplicate"},
        {"{\"model_type\":\"llava\"}", "image_token_index", "vocabulary"},
        {"{\"model_type\":\"llava\",\"image_token_id\":32001,\"image_token_index\":7}",
         "image_token_id", "vocabulary"},
        {"{\"model_type\":\"llava\",\"image_token_index\":32000}", "image_token_index",
         "vocabulary"},
        {"{\"model_type\":\"llava\",\"image_token_index\":-200}", "image_token_index", "between"},
        {"{\"model_type\":\"llava\",\"vision_config\":[]}", "vision_config", "an object"},
        {"{\"model_type\":\"llava\",\"text_config\":1}", "text_config", "an object"},
        {VISION("\"model_type\":\"dinov2\""), "vision_config.model_type",
         "\"siglip_vision_model\""},
        {VISION("\"model_type\":\"siglip_vision_model\""), "vision_feature_select_strategy",
         "has no class token to drop"},
        {VISION("}, \"vision_feature_select_strategy\": \"full\", \"x\": {"),
         "vision_feature_select_strategy", "has no place"},
        {VISION("\"model_type\":\"instructblip_vision_model\",\"qkv_bias\":1"),
         "vision_config.qkv_bias", "true or false"},
        {VISION("\"hidden_size\":0"), "vision_config.hidden_size", "between 1 and"},
        {VISION("\"hidden_size\":70000"), "vision_config.hidden_size", "between 1 and 65536"},
        {VISION("\"hidden_size\":770"), "vision_config.num_attention_heads", "divide"},
        {VISION("\"hidden_size\":\"768\""), "vision_config.hidden_size", "must be an integer"},
        {VISION("\"num_hidden_layers\":1025"), "vision_config.num_hidden_layers", "1024"},
        {VISION("\"num_channels\":4"), "vision_config.num_channels", "between 3 and 3"},
        {VISION("\"patch_size\":225"), "vision_config.patch_size", "above image_size"},
        {VISION("\"image_size\":[224,225]"), "vision_config.image_size", "squares"},
        {VISION("\"image_size\":[]"), "vision_config.image_size", "squares"},
        {VISION("\"image_size\":4097"), "vision_config.image_size", "4096"},
        {VISION("\"layer_norm_eps\":0"), "vision_config.layer_norm_eps", "between"},
        {VISION("\"layer_norm_eps\":-1e-5"), "vision_config.layer_norm_eps", "between"},
        {VISION("\"hidden_act\":\"mish\""), "vision_config.hidden_act", "\"mish\""},
        {VISION("}, \"image_grid_pinpoints\": 7, \"x\": {"), "image_grid_pinpoints", "an array"},
        {VISION("}, \"image_grid_pinpoints\": [], \"x\": {"), "image_grid_pinpoints", "1 to 64"},
        {VISION("}, \"image_grid_pinpoints\": [[224]], \"x\": {"), "image_grid_pinpoints", "pairs"},
        {VISION("}, \"image_grid_pinpoints\": [[224, 448, 1]], \"x\": {"), "image_grid_pinpoints",
         "pairs"},
        {VISION("}, \"image_grid_pinpoints\": [7], \"x\": {"), "image_grid_pinpoints", "pairs"},
        {VISION("}, \"image_grid_pinpoints\": [[0, 224]], \"x\": {"), "image_grid_pinpoints",
         "pairs"},
        {VISION("}, \"image_grid_pinpoints\": [[224, 300]], \"x\": {"), "image_grid_pinpoints",
         "multiples of the vision tower's image_size, 224"},
        {TEXT(",\"model_type\":\"x\""), "line 1", "duplicate"},
        {"{\"model_type\":\"llava\",\"text_config\":{\"model_type\":\"falcon\"}}",
         "text_config.model_type", "supported are \"llama\", "},
        {TEXT(",\"num_key_value_heads\":3"), "text_config.num_key_value_heads", "divide"},
        {TEXT(",\"num_key_value_heads\":16"), "text_config.num_key_value_heads", "divide"},
        {TEXT(",\"head_dim\":7"), "text_config.head_dim", "even"},
        {TEXT(",\"head_dim\":0"), "text_config.head_dim", "between 1"},
        {TEXT(",\"hidden_act\":\"gelu_fast\""), "text_config.hidden_act", "gelu_fast"},
        {TEXT(",\"rms_norm_eps\":2"), "text_config.rms_norm_eps", "between"},
        {TEXT(",\"rope_theta\":0.5"), "text_config.rope_theta", "between"},
        {TEXT(",\"rope_theta\":\"10000\""), "text_config.rope_theta", "must be a number"},
        {TEXT(",\"rope_scaling\":{\"type\":\"mrope\",\"factor\":2.0}"),
         "text_config.rope_scaling.type", "\"mrope\" is not supported"},
        {TEXT(",\"rope_scaling\":{\"type\":\"linear\"}"), "text_config.rope_scaling.factor",
         "missing"},
        {TEXT(",\"rope_parameters\":{\"rope_type\":\"llama3\",\"factor\":8}"),
         "text_config.rope_parameters.low_freq_factor", "missing"},
        {TEXT(",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,"
              "\"high_freq_factor\":4,\"original_max_position_embeddings\":8192}"),
         "text_config.rope_scaling.high_freq_factor", "above"},
        {TEXT(",\"rope_parameters\":{\"partial_rotary_factor\":0.5}"),
         "text_config.rope_parameters.partial_rotary_factor", "not supported"},
        {TEXT(",\"rope_parameters\":{\"rope_theta\":-1}"), "text_config.rope_parameters.rope_theta",
         "between"},
        {"{\"model_type\":\"llama\",\"attention_bias\":1}", "attention_bias", "true or false"},
        {"{\"model_type\":\"llama\",\"mlp_bias\":1}", "mlp_bias", "true or false"},
        {TEXT(",\"sliding_window\":0"), "text_config.sliding_window", "between 1"},
        {TEXT(",\"max_position_embeddings\":99999999999"), "text_config.max_position_embeddings",
         "between 1"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        mmn_config config;
        cr_assert_eq(parse(&config, bad[i].config, NULL), MMN_INPUT, "%s", bad[i].config);
        cr_assert_str_eq(error.file, "config.json");
        cr_assert(strncmp(error.where, bad[i].where, strlen(bad[i].where)) == 0, "%s: where is %s",
                  bad[i].config, error.where);
        cr_assert(strstr(error.message, bad[i].message), "%s: message is %s", bad[i].config,
                  error.message);
    }
    mmn_config config;
    cr_assert_eq(parse(&config, ROOT(""), NULL), MMN_OK);
    cr_assert_eq(parse(&config, TEXT(""), NULL), MMN_OK);
    cr_assert_eq(parse(&config, VISION(""), NULL), MMN_INPUT, "the default pinpoints are for 336");
}

/* Every truncation, and every bit flip, of a whole configuration: read, or refused with a
 * sentence. */
Test(config, survives_damage)
{
    static const char good[] =
        TEXT(",\"sliding_window\":7,\"rope_parameters\":{\"rope_type\":\"default\"},"
             "\"num_key_value_heads\":2,\"eos_token_id\":[2,3]");
    size_t size = sizeof(good) - 1, refused = 0;
    for (size_t variant = 0; variant < size * 9; variant++) {
        size_t length = variant < size ? variant : size;
        char *copy = malloc(length ? length : 1);
        memcpy(copy, good, length);
        if (variant >= size) {
            size_t bit = variant - size;
            copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
        }
        mmn_config config;
        error = (mmn_error){0};
        mmn_status status =
            mmn_config_parse(&config, copy, length, "config.json", NULL, 0, NULL, &error);
        cr_assert(status == MMN_OK || (status == MMN_INPUT && error.message[0]));
        cr_assert(variant >= size || status == MMN_INPUT);
        refused += status == MMN_INPUT;
        free(copy);
    }
    cr_assert_gt(refused, size * 2);
}

Test(config, loads_a_folder)
{
    char folder[] = "/tmp/mmneuron-test-XXXXXX", path[100], other[100];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/config.json", folder);
    snprintf(other, sizeof(other), "%s/generation_config.json", folder);
    mmn_config config;
    cr_assert_eq(mmn_config_load(&config, "/nonexistent", &error), MMN_INPUT);
    cr_assert_str_eq(error.file, "/nonexistent");
    cr_assert_eq(mmn_config_load(&config, folder, &error), MMN_INPUT);
    cr_assert(strstr(error.message, "config.json"));
    cr_assert_eq(mmn_write_file(path, ROOT(""), strlen(ROOT("")), &error), MMN_OK);
    cr_assert_eq(mmn_config_load(&config, folder, &error), MMN_OK);
    cr_assert_eq(config.generation.eos_count, 0);
    cr_assert_eq(mmn_write_file(other, "{\"eos_token_id\":9}", 18, &error), MMN_OK);
    cr_assert_eq(mmn_config_load(&config, folder, &error), MMN_OK);
    cr_assert_eq(config.generation.eos_ids[0], 9);
    unlink(path);
    unlink(other);
    rmdir(folder);
}

static void digest_of(char text[MMN_DIGEST_SIZE], const char *config_text)
{
    mmn_config config;
    mmn_digest *digest;
    cr_assert_eq(parse(&config, config_text, NULL), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_digest_begin(&digest, &error), MMN_OK);
    mmn_config_digest(digest, &config);
    mmn_digest_finish(digest, text);
    mmn_digest_free(digest);
}

/* What the model computes is in the digest, what is only said about it is not. */
Test(config, digests_what_counts)
{
    static const struct {
        const char *config;
        bool same;
    } variants[] = {
        {ROOT(""), true},
        {ROOT(",\"torch_dtype\":\"float16\",\"eos_token_id\":7,\"image_seq_length\":9"), true},
        {ROOT(",\"vision_feature_layer\":2"), true}, /* -2 of three layers' four states */
        {ROOT(",\"vision_feature_layer\":-1"), false},
        {ROOT(",\"vision_feature_select_strategy\":\"full\""), false},
        {ROOT(",\"projector_hidden_act\":\"relu\""), false},
        {ROOT(",\"multimodal_projector_bias\":false"), false},
        {ROOT(",\"tie_word_embeddings\":true"), false},
        {TEXT(""), false},
        {"{" SMALL ",\"text_config\":{\"vocab_size\":300,\"rope_theta\":1e4}}", true},
        {"{" SMALL ",\"text_config\":{\"vocab_size\":300,\"rope_theta\":1e6}}", false},
        {"{" SMALL ",\"text_config\":{\"vocab_size\":300,\"rms_norm_eps\":1e-5}}", false},
    };
    char first[MMN_DIGEST_SIZE] = "";
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
        char digest[MMN_DIGEST_SIZE];
        digest_of(digest, variants[i].config);
        if (i == 0)
            memcpy(first, digest, sizeof(first));
        cr_assert_eq(strcmp(first, digest) == 0, variants[i].same, "%s", variants[i].config);
    }
}

/* Two towers may have the same numbers and do different things. */
Test(config, digests_the_kind_of_tower)
{
#define TOWER(type)                                                                                \
    "{\"model_type\":\"llava\",\"image_token_index\":5,\"text_config\":{\"vocab_size\":300},"      \
    "\"vision_feature_select_strategy\":\"full\",\"vision_config\":{\"model_type\":\"" type "\","  \
    "\"hidden_size\":32,\"intermediate_size\":64,\"num_hidden_layers\":3,"                         \
    "\"num_attention_heads\":4,\"image_size\":28,\"patch_size\":14,\"layer_norm_eps\":1e-5,"       \
    "\"hidden_act\":\"gelu\"}}"
    char clip[MMN_DIGEST_SIZE], siglip[MMN_DIGEST_SIZE], eva[MMN_DIGEST_SIZE];
    digest_of(clip, TOWER("clip_vision_model"));
    digest_of(siglip, TOWER("siglip_vision_model"));
    digest_of(eva, TOWER("instructblip_vision_model"));
    cr_assert_str_neq(clip, siglip);
    cr_assert_str_neq(clip, eva);
    cr_assert_str_neq(siglip, eva);
}

Test(config, knows_the_prompt_template_of_each_family)
{
    static const char *const templates[][2] = {
        {"llava-1.5", "llava-1.5"},
        {"llava-interleave-qwen", "llava-interleave-qwen"},
        {"llava-v1.6-vicuna", "llava-v1.6-vicuna"},
        {"llava-v1.6-mistral", "llava-v1.6-mistral"},
        {"instructblip", "instructblip"},
        {"llava-linear-224", "llava-v1.6-vicuna"},
        {"llama-2", "raw"},
        {"qwen2", "raw"},
    };
    for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++) {
        char folder[512];
        mmn_config config;
        snprintf(folder, sizeof(folder), MMN_SOURCE_DIR "/golden/checkpoints/%s", templates[i][0]);
        cr_assert_eq(mmn_config_load(&config, folder, &error), MMN_OK, "%s: %s", error.where,
                     error.message);
        cr_expect_str_eq(mmn_family_template(&config), templates[i][1]);
    }
}
