/* A model's architecture: config.json and generation_config.json as a whole. */
#include "model/config.h"

#include <string.h>

#include "base/file.h"
#include "base/file_kind.h"
#include "base/json.h"
#include "base/memory.h"
#include "model/family.h"
#include "model/folder_without_config.h"

#define FILE_LIMIT 10000000 /* bytes; published ones have some thousands */

/* Quantised weights, under the key that transformers, compressed-tensors or MLX give them. */
static void refuse_quantised(const mmn_object *object)
{
    static const char *const keys[] = {"quantization_config", "compression_config", "quantization"};
    for (size_t i = 0; i < MMN_LENGTH(keys); i++) {
        const json_t *said = mmn_object_value(object, keys[i]);
        const char *method = json_string_value(json_object_get(said, "quant_method"));
        if (said)
            mmn_read_wrong(object, keys[i],
                           "quantised checkpoints%s%.40s%s are not supported; use bf16, f16 or f32",
                           method ? " (" : "", method ? method : "", method ? ")" : "");
    }
}

/* Forms that other programs give to models of these names. */
static void refuse_foreign(const mmn_object *root)
{
    static const char *const parts[] = {"text_config", "vision_config", "qformer_config"};
    refuse_quantised(root);
    for (size_t i = 0; i < MMN_LENGTH(parts); i++) {
        mmn_object part = mmn_read_object(root, parts[i]);
        refuse_quantised(&part);
    }
}

/* A token's id, or none where it is null or, as old files have it, -1. */
static void read_token(int32_t *id, const mmn_object *object, const char *key)
{
    int64_t number = mmn_object_has(object, key) ? MMN_NO_TOKEN : *id;
    mmn_read_i64(&number, object, key, MMN_NO_TOKEN, INT32_MAX);
    *id = (int32_t)number;
}

/* Token ids of one place; what it does not mention stays. A stop token of -1 is none. */
static void read_tokens(mmn_generation_config *generation, const mmn_object *object)
{
    int64_t ids[MMN_EOS_IDS];
    size_t count = 0;
    mmn_read_integers(ids, &count, MMN_EOS_IDS, object, "eos_token_id", MMN_NO_TOKEN, INT32_MAX);
    if (mmn_object_has(object, "eos_token_id"))
        generation->eos_count = 0;
    for (size_t i = 0; i < count; i++)
        if (ids[i] != MMN_NO_TOKEN)
            generation->eos_ids[generation->eos_count++] = (int32_t)ids[i];
    read_token(&generation->bos_id, object, "bos_token_id");
    read_token(&generation->pad_id, object, "pad_token_id");
}

/* What config.json's root says of tokens; null there leaves the word to text_config. */
static void read_root_tokens(mmn_generation_config *generation, const mmn_object *root)
{
    mmn_object said = *root;
    const char *key;
    json_t *value;
    said.value = json_object();
    bool complete = said.value != NULL;
    json_object_foreach(root->value, key,
                        value) if (strstr(key, "_token_id") && !json_is_null(value))
        complete = complete && json_object_set(said.value, key, value) == 0;
    if (complete)
        read_tokens(generation, &said);
    else
        mmn_read_failed(root,
                        mmn_fail(root->reader->error, MMN_SYSTEM, NULL, NULL, "out of memory"));
    json_decref(said.value);
}

static const mmn_generation_config no_tokens = {.bos_id = MMN_NO_TOKEN, .pad_id = MMN_NO_TOKEN};

/* Stop tokens where there is no generation_config.json: those that config.json names, and not its
 * class's. InstructBLIP's language model generates by itself, and knows its own part alone. */
static void read_own_tokens(mmn_config *config, const mmn_object *root)
{
    bool alone = config->qformer.layers > 0;
    config->declared = config->language.form->tokens;
    config->generation = alone ? config->declared : no_tokens;
    mmn_object language = mmn_read_object(root, "text_config");
    read_tokens(&config->declared, &language);
    read_tokens(&config->generation, &language);
    if (alone)
        return;
    read_root_tokens(&config->declared, root);
    read_root_tokens(&config->generation, root);
}

static void read_root(mmn_config *config, const mmn_object *root)
{
    *config = (mmn_config){.image_token_id = MMN_NO_TOKEN};
    refuse_foreign(root);
    config->family = mmn_family_find(root);
    if (config->family)
        config->family->read(config, root);
    if (mmn_read_fine(root))
        read_own_tokens(config, root);
}

/* Where this file is, config.json has nothing to say: without a stop token here there is none. */
static void read_generation(mmn_config *config, const mmn_object *object)
{
    mmn_generation_config tokens = no_tokens;
    read_tokens(&tokens, object);
    if (mmn_read_fine(object) && config->qformer.layers == 0)
        config->generation = tokens;
}

mmn_status mmn_config_parse(mmn_config *config, const char *text, size_t size, const char *file,
                            const char *generation, size_t generation_size,
                            const char *generation_file, mmn_error *error)
{
    json_t *document, *said = NULL;
    mmn_reader reader = {.error = error};
    reader.status = mmn_json_parse_published(&document, text, size, file, error);
    mmn_object root = mmn_read_document(&reader, document, file);
    read_root(config, &root);
    if (reader.status == MMN_OK && generation) {
        reader.status =
            mmn_json_parse_published(&said, generation, generation_size, generation_file, error);
        mmn_object object = mmn_read_document(&reader, said, generation_file);
        read_generation(config, &object);
    }
    json_decref(document);
    json_decref(said);
    return reader.status;
}

mmn_status mmn_config_load(mmn_config *config, const char *folder, mmn_error *error)
{
    mmn_document document = {0}, said = {0};
    mmn_reader reader = {.error = error};
    if (!mmn_is_folder(folder))
        return mmn_fail(error, MMN_INPUT, folder, NULL, "is not a folder");
    mmn_object root = mmn_read_in_folder(&document, &reader, folder, "config.json", FILE_LIMIT);
    if (reader.status == MMN_OK && !root.value)
        reader.status = mmn_folder_without_config(folder, error);
    read_root(config, &root);
    mmn_object object =
        mmn_read_in_folder(&said, &reader, folder, "generation_config.json", FILE_LIMIT);
    if (object.value)
        read_generation(config, &object);
    if (document.path)
        reader.status = mmn_file_kind_explain(error, reader.status, document.path, MMN_KIND_JSON);
    mmn_document_close(&document);
    mmn_document_close(&said);
    return reader.status;
}

/* ---- The digest ------------------------------------------------------------------------------ */

static void add_integers(mmn_digest *digest, const uint32_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mmn_digest_add_u32(digest, values[i]);
}

static void add_reals(mmn_digest *digest, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mmn_digest_add_f64(digest, values[i]);
}

#define INTEGERS(...)                                                                              \
    (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)
#define REALS(...)                                                                                 \
    (const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double)

static void digest_vision(mmn_digest *digest, const mmn_vision_config *vision)
{
    add_integers(digest, INTEGERS(vision->hidden_size, vision->intermediate_size, vision->layers,
                                  vision->heads, vision->image_size, vision->patch_size));
    mmn_digest_add_f64(digest, (double)vision->layer_norm_eps);
    mmn_digest_add_text(digest, mmn_activation_name(vision->activation));
    mmn_digest_add_u32(digest, (uint32_t)vision->feature_layer_count);
    add_integers(digest, vision->feature_layers, vision->feature_layer_count);
    mmn_digest_add_u32(digest, vision->keeps_class_token);
    if (vision->form && vision->form->name_in_digest)
        mmn_digest_add_text(digest, vision->form->model_type);
}

/* Whether the numbers that every digest has say all: those of LLaMA-2 and Mistral do. */
static bool is_plain(const mmn_language_config *language)
{
    return language->rope.type == MMN_ROPE_DEFAULT && language->first_window_layer == 0 &&
           !language->layer_norm && !language->embedding_norm && !language->alibi &&
           !language->fused_qkv && !language->qkv_bias && !language->output_bias &&
           !language->mlp_bias && language->gated;
}

/* What families of later versions have; nothing for the others, whose digests are older. */
static void digest_later(mmn_digest *digest, const mmn_language_config *language)
{
    bool partial = language->rotary_dim > 0 && language->rotary_dim < language->head_dim;
    if (partial || language->learned_positions || language->head_bias || language->parallel_mlp)
        add_integers(digest, INTEGERS(language->rotary_dim, language->learned_positions,
                                      language->first_position_row, language->head_bias,
                                      language->parallel_mlp));
}

/* What the newer rotary embeddings depend on besides; nothing for the others. */
static void digest_stretch(mmn_digest *digest, const mmn_language_config *language)
{
    const mmn_rope_config *rope = &language->rope;
    if (rope->type <= MMN_ROPE_LLAMA3)
        return;
    mmn_digest_add_u32(digest, language->max_position_embeddings);
    add_reals(digest, REALS(rope->beta_fast, rope->beta_slow));
    mmn_digest_add_u32(digest, rope->truncate);
    add_reals(digest, REALS(rope->attention_factor, rope->mscale, rope->mscale_all_dim));
    for (uint32_t i = 0; rope->type == MMN_ROPE_LONGROPE && i < language->rotary_dim / 2; i++)
        add_reals(digest, REALS((double)rope->short_factors[i], (double)rope->long_factors[i]));
}

static void digest_language(mmn_digest *digest, const mmn_language_config *language)
{
    const mmn_rope_config *rope = &language->rope;
    mmn_digest_add_text(digest, language->form->model_type);
    add_integers(digest,
                 INTEGERS(language->hidden_size, language->intermediate_size, language->layers,
                          language->heads, language->kv_heads, language->head_dim,
                          language->vocab_size, language->sliding_window));
    add_reals(digest, REALS((double)language->norm_eps, rope->theta));
    mmn_digest_add_text(digest, mmn_activation_name(language->activation));
    mmn_digest_add_u32(digest, language->tied_head);
    if (is_plain(language))
        return;
    mmn_digest_add_u32(digest, rope->type);
    add_reals(digest, REALS(rope->factor, rope->low_freq_factor, rope->high_freq_factor,
                            rope->original_positions));
    add_integers(digest, INTEGERS(language->first_window_layer, language->layer_norm,
                                  language->embedding_norm, language->alibi, language->fused_qkv,
                                  language->qkv_bias, language->output_bias, language->mlp_bias,
                                  language->gated));
    digest_stretch(digest, language);
    digest_later(digest, language);
}

static void digest_qformer(mmn_digest *digest, const mmn_qformer_config *qformer)
{
    add_integers(digest,
                 INTEGERS(qformer->hidden_size, qformer->intermediate_size, qformer->layers,
                          qformer->heads, qformer->queries, qformer->cross_attention_frequency,
                          qformer->vocab_size, qformer->max_position_embeddings));
    mmn_digest_add_f64(digest, (double)qformer->layer_norm_eps);
    mmn_digest_add_text(digest, mmn_activation_name(qformer->activation));
}

/* Nothing for models that are no judges, whose digests are older. */
static void digest_judge(mmn_digest *digest, const mmn_judge_config *judge)
{
    if (judge->layers == 0)
        return;
    add_integers(digest, INTEGERS(judge->layers, judge->hidden_size, judge->intermediate_size,
                                  judge->heads, judge->vocab_size, judge->span, judge->buckets,
                                  judge->farthest, judge->labels));
    mmn_digest_add_f64(digest, (double)judge->layer_norm_eps);
    mmn_digest_add_text(digest, mmn_activation_name(judge->activation));
    mmn_digest_add_text(digest, mmn_activation_name(judge->pooler_activation));
}

/* The same for those that are no detectors. */
static void digest_detector(mmn_digest *digest, const mmn_config *config)
{
    if (config->query_size > 0)
        mmn_digest_add_u32(digest, config->query_size);
}

/* In this order, integers and truth values as u32: family's name; the vision tower's numbers and,
 * unless it is CLIP's, its model_type, all 0 and the activation "silu" where there is none;
 * projector's activation, bias, "linear" where it has one layer, the same, or the Q-Former's
 * numbers; the language model's numbers, and where is_plain denies, those that it asks for;
 * image_token_id; pinpoints' count and each one's height and width; a judge's numbers; a detector's
 * width of queries. Names are texts with their length, epsilons and theta binary64. */
void mmn_config_digest(mmn_digest *digest, const mmn_config *config)
{
    mmn_digest_add_text(digest, config->family->model_type);
    digest_vision(digest, &config->vision);
    if (config->qformer.layers > 0) {
        digest_qformer(digest, &config->qformer);
    } else {
        mmn_digest_add_text(digest, mmn_activation_name(config->projector.activation));
        mmn_digest_add_u32(digest, config->projector.bias);
        if (config->projector.linear)
            mmn_digest_add_text(digest, "linear");
    }
    digest_language(digest, &config->language);
    mmn_digest_add_u32(digest, (uint32_t)config->image_token_id);
    mmn_digest_add_u32(digest, (uint32_t)config->grid_pinpoint_count);
    for (size_t i = 0; i < config->grid_pinpoint_count; i++) {
        mmn_digest_add_u32(digest, config->grid_pinpoints[i].height);
        mmn_digest_add_u32(digest, config->grid_pinpoints[i].width);
    }
    digest_judge(digest, &config->judge);
    digest_detector(digest, config);
}
