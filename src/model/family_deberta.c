/* DeBERTa-v2 and v3 as judges of answers: an encoder that knows positions by their distances, and a
 * classifier that reads its first row. */
#include <string.h>

#include "base/memory.h"
#include "base/names.h"
#include "model/family.h"

/* ---- Configuration --------------------------------------------------------------------------- */

/* transformers' DebertaV2Config; `span` is max_relative_positions until position_buckets is
 * read. */
static const mmn_judge_config defaults = {
    .layers = 24,
    .hidden_size = 1536,
    .intermediate_size = 6144,
    .heads = 24,
    .vocab_size = 128100,
    .max_position_embeddings = 512,
    .layer_norm_eps = 1e-7f,
    .activation = MMN_ACTIVATION_GELU,
    .pooler_activation = MMN_ACTIVATION_GELU,
    .labels = 2,
};

#define U32(key, member, most)                                                                     \
    {                                                                                              \
        key, NULL, MMN_FIELD_U32, offsetof(mmn_judge_config, member), 1, most                      \
    }

static const mmn_field numbers[] = {
    U32("hidden_size", hidden_size, MMN_LIMIT_WIDTH),
    U32("intermediate_size", intermediate_size, MMN_LIMIT_INTERMEDIATE),
    U32("num_hidden_layers", layers, MMN_LIMIT_LAYERS),
    U32("num_attention_heads", heads, MMN_LIMIT_HEADS),
    U32("vocab_size", vocab_size, MMN_LIMIT_VOCABULARY),
    U32("max_position_embeddings", max_position_embeddings, MMN_LIMIT_WIDTH),
    {"layer_norm_eps", NULL, MMN_FIELD_F32, offsetof(mmn_judge_config, layer_norm_eps), 1e-30, 1},
};

/* Settings of which only one value is supported, that of the v3 models, and what holds without
 * them. */
static const struct {
    const char *key;
    bool usual, wanted;
} switches[] = {{"relative_attention", false, true},
                {"share_att_key", false, true},
                {"position_biased_input", true, false}};

static void check_switches(const mmn_object *root)
{
    for (size_t i = 0; i < MMN_LENGTH(switches); i++) {
        bool value = switches[i].usual;
        mmn_read_bool(&value, root, switches[i].key);
        if (value != switches[i].wanted)
            mmn_read_wrong(root, switches[i].key, "must be %s, as in DeBERTa-v3",
                           switches[i].wanted ? "true" : "false");
    }
}

/* Whether `text`, or the array of texts that `value` is, has the item `name`; texts separate theirs
 * by '|'. */
static bool has_item(const json_t *value, const char *name)
{
    const char *rest = json_string_value(value);
    mmn_item item;
    while (mmn_next_item(&item, &rest, '|'))
        if (mmn_item_is(&item, name))
            return true;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (has_item(json_array_get(value, i), name))
            return true;
    return false;
}

static void check_kind(const mmn_object *root)
{
    const json_t *attention = mmn_object_value(root, "pos_att_type");
    int64_t types = 0, kernel = 0;
    check_switches(root);
    if (!has_item(attention, "c2p") || !has_item(attention, "p2c"))
        mmn_read_wrong(root, "pos_att_type", "must hold \"c2p\" and \"p2c\", as in DeBERTa-v3");
    if (!has_item(mmn_object_value(root, "norm_rel_ebd"), "layer_norm"))
        mmn_read_wrong(root, "norm_rel_ebd", "must hold \"layer_norm\", as in DeBERTa-v3");
    mmn_read_i64(&types, root, "type_vocab_size", 0, INT32_MAX);
    mmn_read_i64(&kernel, root, "conv_kernel_size", 0, INT32_MAX);
    if (types != 0)
        mmn_read_wrong(root, "type_vocab_size", "must be 0, as in DeBERTa-v3");
    if (kernel != 0)
        mmn_read_wrong(root, "conv_kernel_size", "must be 0, as in DeBERTa-v3");
}

/* How far distances are told apart, and whether those beyond the middle share buckets. */
static void read_distances(mmn_judge_config *judge, const mmn_object *root)
{
    int64_t buckets = -1, farthest = -1;
    mmn_read_i64(&farthest, root, "max_relative_positions", INT32_MIN, MMN_LIMIT_WIDTH);
    mmn_read_i64(&buckets, root, "position_buckets", INT32_MIN, MMN_LIMIT_WIDTH);
    judge->farthest = farthest < 1 ? judge->max_position_embeddings : (uint32_t)farthest;
    judge->buckets = buckets < 1 ? 0 : (uint32_t)buckets;
    judge->span = judge->buckets > 0 ? judge->buckets : judge->farthest;
    if (judge->buckets == 1 || (judge->buckets > 0 && judge->farthest - 1 <= judge->buckets / 2))
        mmn_read_wrong(root, "position_buckets",
                       "is %u, which leaves no distances up to %u for the outer buckets",
                       judge->buckets, judge->farthest);
}

/* How many numbers the classifier gives: those that id2label names, or num_labels. */
static void read_labels(mmn_judge_config *judge, const mmn_object *root)
{
    mmn_object names = mmn_read_object(root, "id2label");
    mmn_read_u32(&judge->labels, root, "num_labels", 1, MMN_LIMIT_WIDTH);
    if (names.value && json_object_size(names.value) > 0)
        judge->labels = (uint32_t)json_object_size(names.value);
    if (judge->labels > MMN_LIMIT_WIDTH)
        mmn_read_wrong(root, "id2label", "has more than %u labels", MMN_LIMIT_WIDTH);
}

/* What a model of this kind has instead of a language model's form. */
static const mmn_language_form form = {
    .model_type = "deberta-v2",
    .tokens = {.bos_id = MMN_NO_TOKEN, .pad_id = MMN_NO_TOKEN},
};

static void read(mmn_config *config, const mmn_object *root)
{
    mmn_judge_config *judge = &config->judge;
    *judge = defaults;
    mmn_read_fields(judge, root, numbers, MMN_LENGTH(numbers));
    mmn_config_activation(&judge->activation, root, "hidden_act");
    mmn_config_activation(&judge->pooler_activation, root, "pooler_hidden_act");
    mmn_config_heads(&judge->head_dim, root, "num_attention_heads", judge->heads,
                     judge->hidden_size);
    check_kind(root);
    read_distances(judge, root);
    read_labels(judge, root);
    config->language.form = &form;
    config->language.vocab_size = judge->vocab_size;
    config->language.max_position_embeddings = judge->max_position_embeddings;
}

/* ---- Weights --------------------------------------------------------------------------------- */

static void bind_layer(mmn_binder *binder, mmn_judge_layer_weights *layer, unsigned index,
                       const mmn_judge_config *config)
{
    mmn_bert_attention_weights *attention = &layer->attention;
    size_t width = config->hidden_size;
    mmn_binder_prefix(binder, "deberta.encoder.layer.%u.attention.", index);
    mmn_binder_take_linear(binder, &attention->query, "self.query_proj", width, width, true);
    mmn_binder_take_linear(binder, &attention->key, "self.key_proj", width, width, true);
    mmn_binder_take_linear(binder, &attention->value, "self.value_proj", width, width, true);
    mmn_binder_take_linear(binder, &attention->output, "output.dense", width, width, true);
    mmn_binder_take_norm(binder, &attention->norm, "output.LayerNorm", width, true);
    mmn_binder_prefix(binder, "deberta.encoder.layer.%u.", index);
    mmn_binder_take_bert_mlp(binder, &layer->mlp, "", width, config->intermediate_size);
}

static void bind(mmn_binder *binder, mmn_weights *weights, const mmn_config *config)
{
    const mmn_judge_config *judge = &config->judge;
    mmn_judge_weights *bound = &weights->judge;
    size_t width = judge->hidden_size;
    mmn_binder_prefix(binder, "deberta.embeddings.");
    mmn_binder_take_matrix(binder, &bound->word_embedding, "word_embeddings.weight",
                           MMN_SHAPE(judge->vocab_size, width), false);
    mmn_binder_take_norm(binder, &bound->embedding_norm, "LayerNorm", width, true);
    mmn_binder_prefix(binder, "deberta.encoder.");
    mmn_binder_take_matrix(binder, &bound->distance_embedding, "rel_embeddings.weight",
                           MMN_SHAPE(2 * (size_t)judge->span, width), false);
    mmn_binder_take_norm(binder, &bound->distance_norm, "LayerNorm", width, true);
    for (uint32_t i = 0; i < judge->layers && binder->status == MMN_OK; i++)
        bind_layer(binder, &bound->layers[i], i, judge);
    mmn_binder_no_prefix(binder);
    mmn_binder_take_linear(binder, &bound->pooler, "pooler.dense", width, width, true);
    mmn_binder_take_linear(binder, &bound->classifier, "classifier", judge->labels, width, true);
}

/* Neurons of judges are not counted. */
static size_t list_modules(mmn_module modules[MMN_MODULES], const mmn_config *config)
{
    (void)modules, (void)config;
    return 0;
}

const mmn_family mmn_family_deberta = {
    .model_type = "deberta-v2", .read = read, .bind = bind, .list_modules = list_modules};
