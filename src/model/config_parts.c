/* Parts that several configurations have: the model_type that says their kind, activation
 * functions, attention's heads, the image's token, the rotary embedding. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "model/family.h"

/* ---- Kinds ----------------------------------------------------------------------------------- */

static void refuse(const mmn_object *object, const char *what, const char *type,
                   mmn_name_function name)
{
    char known[512] = "";
    size_t used = 0;
    for (size_t i = 0; name(i) && used < sizeof(known); i++)
        used += (size_t)snprintf(known + used, sizeof(known) - used, "%s\"%s\"", i == 0 ? "" : ", ",
                                 name(i));
    mmn_read_wrong(object, "model_type", "%s \"%.60s\" is not supported; supported are %s", what,
                   type, known);
}

bool mmn_find_model_type(size_t *index, const mmn_object *object, const char *what,
                         const char *fallback, mmn_name_function name)
{
    const char *type = fallback;
    if (!fallback)
        mmn_read_required(object, "model_type");
    mmn_read_text(&type, object, "model_type");
    if (!mmn_read_fine(object))
        return false;
    for (*index = 0; name(*index); ++*index)
        if (strcmp(name(*index), type) == 0)
            return true;
    refuse(object, what, type, name);
    return false;
}

/* ---- Activation functions -------------------------------------------------------------------- */

const char *mmn_activation_name(mmn_activation activation)
{
    static const char *const names[] = {
        [MMN_ACTIVATION_SILU] = "silu",           [MMN_ACTIVATION_GELU] = "gelu",
        [MMN_ACTIVATION_GELU_TANH] = "gelu_tanh", [MMN_ACTIVATION_QUICK_GELU] = "quick_gelu",
        [MMN_ACTIVATION_RELU] = "relu",
    };
    return names[activation];
}

void mmn_config_activation(mmn_activation *activation, const mmn_object *object, const char *key)
{
    static const struct {
        const char *name;
        mmn_activation activation;
    } known[] = {
        {"silu", MMN_ACTIVATION_SILU},          {"swish", MMN_ACTIVATION_SILU},
        {"gelu", MMN_ACTIVATION_GELU},          {"gelu_pytorch_tanh", MMN_ACTIVATION_GELU_TANH},
        {"gelu_new", MMN_ACTIVATION_GELU_TANH}, {"quick_gelu", MMN_ACTIVATION_QUICK_GELU},
        {"relu", MMN_ACTIVATION_RELU},
    };
    const char *name = NULL;
    mmn_read_text(&name, object, key);
    if (!name)
        return;
    for (size_t i = 0; i < MMN_LENGTH(known); i++) {
        if (strcmp(known[i].name, name) == 0) {
            *activation = known[i].activation;
            return;
        }
    }
    mmn_read_wrong(object, key,
                   "activation \"%.60s\" is not supported; supported are silu, gelu, "
                   "gelu_pytorch_tanh, gelu_new, quick_gelu and relu",
                   name);
}

/* ---- Numbers --------------------------------------------------------------------------------- */

void mmn_config_heads(uint32_t *head_dim, const mmn_object *object, const char *key, uint32_t heads,
                      uint32_t width)
{
    if (width % heads != 0)
        mmn_read_wrong(object, key, "must divide hidden_size: %u heads for %u", heads, width);
    *head_dim = width / heads;
}

void mmn_config_image_token(mmn_config *config, const mmn_object *root, int64_t usual)
{
    const char *key = mmn_object_value(root, "image_token_id") ? "image_token_id"
                                                               : "image_token_index";
    int64_t id = usual;
    mmn_read_i64(&id, root, key, 0, INT32_MAX);
    if (id >= (int64_t)config->language.vocab_size)
        mmn_read_wrong(root, key, "must be below the vocabulary's size, %u, and is %lld",
                       config->language.vocab_size, (long long)id);
    config->image_token_id = (int32_t)id;
}

/* ---- The rotary embedding -------------------------------------------------------------------- */

/* rope_parameters (transformers 5) or rope_scaling (4), as transformers' modeling_rope_utils reads
 * them. */

/* The largest factor, and the largest number of positions that a factor multiplies. */
#define FACTOR_LIMIT 1e6

/* What a reader of one type fills in; `object` says it, and the language model's numbers are
 * known. */
typedef void (*read_function)(mmn_language_config *language, const mmn_object *object);

/* A number that must be there. */
static void require_number(double *number, const mmn_object *object, const char *key, double least)
{
    mmn_read_required(object, key);
    mmn_read_f64(number, object, key, least, MMN_LIMIT_POSITIONS);
}

static void read_linear(mmn_language_config *language, const mmn_object *object)
{
    require_number(&language->rope.factor, object, "factor", 1e-3);
}

static void read_dynamic(mmn_language_config *language, const mmn_object *object)
{
    if (language->head_dim < 4)
        mmn_read_wrong(object, "rope_type",
                       "\"dynamic\" is not defined for heads of width %u; expected 4 or more",
                       language->head_dim);
    require_number(&language->rope.factor, object, "factor", 1.0);
}

/* The length before stretching. What stands beside the rotary embedding's object goes before what
 * stands in it, and has been read; the length that the model has now is the default. */
static void read_original(mmn_language_config *language, const mmn_object *object, double least)
{
    double *positions = &language->rope.original_positions;
    if (*positions > 0)
        return;
    *positions = language->max_position_embeddings;
    mmn_read_f64(positions, object, "original_max_position_embeddings", least, MMN_LIMIT_POSITIONS);
}

static void read_llama3(mmn_language_config *language, const mmn_object *object)
{
    mmn_rope_config *rope = &language->rope;
    require_number(&rope->factor, object, "factor", 1e-3);
    require_number(&rope->low_freq_factor, object, "low_freq_factor", 1e-3);
    require_number(&rope->high_freq_factor, object, "high_freq_factor", 1e-3);
    read_original(language, object, 1e-3);
    if (rope->low_freq_factor >= rope->high_freq_factor)
        mmn_read_wrong(object, "high_freq_factor", "must be above low_freq_factor: %g for %g",
                       rope->high_freq_factor, rope->low_freq_factor);
}

/* What yarn and longrope have in common. Where the factor is absent it is the ratio of the two
 * lengths. */
static void read_stretch(mmn_language_config *language, const mmn_object *object)
{
    mmn_rope_config *rope = &language->rope;
    rope->factor = 0;
    read_original(language, object, 2);
    mmn_read_f64(&rope->factor, object, "factor", 1e-3, FACTOR_LIMIT);
    mmn_read_f64(&rope->attention_factor, object, "attention_factor", 1e-3, FACTOR_LIMIT);
    if (rope->factor == 0)
        rope->factor = language->max_position_embeddings / rope->original_positions;
}

static void read_yarn(mmn_language_config *language, const mmn_object *object)
{
    mmn_rope_config *rope = &language->rope;
    rope->beta_fast = 32;
    rope->beta_slow = 1;
    rope->truncate = true;
    read_stretch(language, object);
    mmn_read_f64(&rope->mscale, object, "mscale", 0, FACTOR_LIMIT);
    mmn_read_f64(&rope->mscale_all_dim, object, "mscale_all_dim", 0, FACTOR_LIMIT);
    mmn_read_f64(&rope->beta_fast, object, "beta_fast", 1e-3, FACTOR_LIMIT);
    mmn_read_f64(&rope->beta_slow, object, "beta_slow", 1e-3, FACTOR_LIMIT);
    mmn_read_bool(&rope->truncate, object, "truncate");
}

/* An array of a number for each frequency. */
static void read_factors(float *factors, uint32_t count, const mmn_object *object, const char *key)
{
    json_t *array = NULL;
    mmn_read_required(object, key);
    mmn_read_array(&array, object, key);
    if (json_array_size(array) != count)
        mmn_read_wrong(object, key,
                       "must have half as many numbers as a head is wide, %u, and has %zu", count,
                       json_array_size(array));
    for (uint32_t i = 0; i < count && mmn_read_fine(object); i++) {
        const json_t *value = json_array_get(array, i);
        double factor = json_number_value(value);
        if (!json_is_number(value) || !(factor >= 1e-3 && factor <= FACTOR_LIMIT))
            mmn_read_wrong(object, key, "must be numbers from 0.001 to %g", FACTOR_LIMIT);
        factors[i] = (float)factor;
    }
}

static void read_longrope(mmn_language_config *language, const mmn_object *object)
{
    mmn_rope_config *rope = &language->rope;
    uint32_t count = language->rotary_dim / 2;
    if (count > MMN_ROPE_FACTORS)
        mmn_read_wrong(object, "rope_type",
                       "\"longrope\" is supported for heads of width up to %d, not %u",
                       2 * MMN_ROPE_FACTORS, language->rotary_dim);
    read_stretch(language, object);
    read_factors(rope->short_factors, count, object, "short_factor");
    read_factors(rope->long_factors, count, object, "long_factor");
}

static void read_type(mmn_language_config *language, const mmn_object *object, const char *key)
{
    static const struct {
        const char *name;
        mmn_rope_type type;
        read_function read;
    } types[] = {
        {"default", MMN_ROPE_DEFAULT, NULL},      {"linear", MMN_ROPE_LINEAR, read_linear},
        {"llama3", MMN_ROPE_LLAMA3, read_llama3}, {"dynamic", MMN_ROPE_DYNAMIC, read_dynamic},
        {"yarn", MMN_ROPE_YARN, read_yarn},       {"longrope", MMN_ROPE_LONGROPE, read_longrope},
    };
    const char *name = NULL;
    mmn_read_text(&name, object, key);
    if (!name)
        return;
    for (size_t i = 0; i < MMN_LENGTH(types); i++) {
        if (strcmp(types[i].name, name) != 0)
            continue;
        language->rope.type = types[i].type;
        if (types[i].read)
            types[i].read(language, object);
        return;
    }
    mmn_read_wrong(object, key,
                   "rotary embedding \"%.60s\" is not supported; supported are \"default\", "
                   "\"linear\", \"llama3\", \"dynamic\", \"yarn\" and \"longrope\"",
                   name);
}

/* The share of a head that rotates; classes in which all of it does know no other. */
static void read_share(double *share, const mmn_object *object, bool whole)
{
    mmn_read_f64(share, object, "partial_rotary_factor", 0.0, 1.0);
    if (whole && *share != 1.0)
        mmn_read_wrong(object, "partial_rotary_factor", "%g is not supported; supported is 1",
                       *share);
}

/* How many of a head's dimensions rotate, rounded down as transformers does. */
static void decide_dimensions(mmn_language_config *language, const mmn_object *object)
{
    language->rotary_dim = (uint32_t)(language->head_dim * language->rope.share);
    if (language->rotary_dim < 2 || language->rotary_dim % 2 != 0)
        mmn_read_wrong(object, language->rope.share < 1 ? "partial_rotary_factor" : "head_dim",
                       "must be even for the rotary embedding and is %u", language->rotary_dim);
}

/* The object of the older form, unless it is empty, goes before that of the newer one. */
void mmn_config_rope(mmn_language_config *language, const mmn_object *object)
{
    mmn_rope_config *rope = &language->rope;
    mmn_read_f64(&rope->theta, object, "rope_theta", 1.0, 1e12);
    mmn_read_f64(&rope->original_positions, object, "original_max_position_embeddings", 2,
                 MMN_LIMIT_POSITIONS);
    const bool whole = rope->share == 1;
    read_share(&rope->share, object, whole);
    mmn_object parameters = mmn_read_object(object, "rope_parameters");
    mmn_object scaling = mmn_read_object(object, "rope_scaling");
    const mmn_object *said = json_object_size(scaling.value) > 0 ? &scaling : &parameters;
    mmn_read_f64(&rope->theta, said, "rope_theta", 1.0, 1e12);
    read_share(&rope->share, said, whole);
    decide_dimensions(language, object);
    read_type(language, said, mmn_object_value(said, "rope_type") ? "rope_type" : "type");
    if (rope->type != MMN_ROPE_LLAMA3 && rope->type != MMN_ROPE_YARN &&
        rope->type != MMN_ROPE_LONGROPE)
        rope->original_positions = 0;
}
