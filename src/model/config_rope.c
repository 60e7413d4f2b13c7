/* A configuration's rotary embedding: rope_parameters (transformers 5) or rope_scaling (4), as
 * transformers' modeling_rope_utils reads them. */
#include <string.h>

#include "model/config_internal.h"

/* The largest factor, and the largest number of positions that a factor multiplies. */
#define FACTOR_LIMIT 1e6

/* What a reader of one type fills in; `object` says it, and the language model's numbers are known. */
typedef mmn_status (*read_function)(mmn_language_config *language, const mmn_json_object *object,
                                    mmn_error *error);

static mmn_status read_default(mmn_language_config *language, const mmn_json_object *object,
                               mmn_error *error)
{
    (void)language;
    (void)object;
    (void)error;
    return MMN_OK;
}

/* A number that must be there. */
static mmn_status require_number(double *number, const mmn_json_object *object, const char *key,
                                 double least, mmn_error *error)
{
    mmn_status status = mmn_json_require(object, key, error);
    return status == MMN_OK
               ? mmn_json_get_f64(number, object, key, least, MMN_LIMIT_POSITIONS, error)
               : status;
}

static mmn_status read_linear(mmn_language_config *language, const mmn_json_object *object,
                              mmn_error *error)
{
    return require_number(&language->rope.factor, object, "factor", 1e-3, error);
}

static mmn_status read_dynamic(mmn_language_config *language, const mmn_json_object *object,
                               mmn_error *error)
{
    if (language->head_dim < 4)
        return mmn_json_fail(object, "rope_type", error,
                             "\"dynamic\" is not defined for heads of width %u; expected 4 or more",
                             language->head_dim);
    return require_number(&language->rope.factor, object, "factor", 1.0, error);
}

/* The length before stretching. What stands beside the rotary embedding's object goes before what
 * stands in it, and has been read; the length that the model has now is the default. */
static mmn_status read_original(mmn_language_config *language, const mmn_json_object *object,
                                double least, mmn_error *error)
{
    double *positions = &language->rope.original_positions;
    if (*positions > 0)
        return MMN_OK;
    *positions = language->max_position_embeddings;
    return mmn_json_get_f64(positions, object, "original_max_position_embeddings", least,
                            MMN_LIMIT_POSITIONS, error);
}

static mmn_status read_llama3(mmn_language_config *language, const mmn_json_object *object,
                              mmn_error *error)
{
    mmn_rope_config *rope = &language->rope;
    mmn_status status = require_number(&rope->factor, object, "factor", 1e-3, error);
    if (status == MMN_OK)
        status = require_number(&rope->low_freq_factor, object, "low_freq_factor", 1e-3, error);
    if (status == MMN_OK)
        status = require_number(&rope->high_freq_factor, object, "high_freq_factor", 1e-3, error);
    if (status == MMN_OK)
        status = read_original(language, object, 1e-3, error);
    if (status == MMN_OK && rope->low_freq_factor >= rope->high_freq_factor)
        status = mmn_json_fail(object, "high_freq_factor", error,
                               "must be above low_freq_factor: %g for %g", rope->high_freq_factor,
                               rope->low_freq_factor);
    return status;
}

/* What yarn and longrope have in common. Where the factor is absent it is the ratio of the two
 * lengths. */
static mmn_status read_stretch(mmn_language_config *language, const mmn_json_object *object,
                               mmn_error *error)
{
    mmn_rope_config *rope = &language->rope;
    rope->factor = 0;
    mmn_status status = read_original(language, object, 2, error);
    if (status == MMN_OK)
        status = mmn_json_get_f64(&rope->factor, object, "factor", 1e-3, FACTOR_LIMIT, error);
    if (status == MMN_OK)
        status = mmn_json_get_f64(&rope->attention_factor, object, "attention_factor", 1e-3,
                                  FACTOR_LIMIT, error);
    if (rope->factor == 0)
        rope->factor = language->max_position_embeddings / rope->original_positions;
    return status;
}

static mmn_status read_yarn(mmn_language_config *language, const mmn_json_object *object,
                            mmn_error *error)
{
    mmn_rope_config *rope = &language->rope;
    rope->beta_fast = 32;
    rope->beta_slow = 1;
    rope->truncate = true;
    mmn_status status = read_stretch(language, object, error);
    if (status == MMN_OK)
        status = mmn_json_get_f64(&rope->mscale, object, "mscale", 0, FACTOR_LIMIT, error);
    if (status == MMN_OK)
        status = mmn_json_get_f64(&rope->mscale_all_dim, object, "mscale_all_dim", 0, FACTOR_LIMIT,
                                  error);
    if (status == MMN_OK)
        status = mmn_json_get_f64(&rope->beta_fast, object, "beta_fast", 1e-3, FACTOR_LIMIT, error);
    if (status == MMN_OK)
        status = mmn_json_get_f64(&rope->beta_slow, object, "beta_slow", 1e-3, FACTOR_LIMIT, error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&rope->truncate, object, "truncate", error);
    return status;
}

/* An array of a number for each frequency. */
static mmn_status read_factors(float *factors, uint32_t count, const mmn_json_object *object,
                               const char *key, mmn_error *error)
{
    json_t *array = NULL;
    mmn_status status = mmn_json_require(object, key, error);
    if (status == MMN_OK)
        status = mmn_json_get_array(&array, object, key, error);
    if (status != MMN_OK)
        return status;
    if (json_array_size(array) != count)
        return mmn_json_fail(object, key, error,
                             "must have half as many numbers as a head is wide, %u, and has %zu",
                             count, json_array_size(array));
    for (uint32_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(array, i);
        double factor = json_number_value(value);
        if (!json_is_number(value) || !(factor >= 1e-3 && factor <= FACTOR_LIMIT))
            return mmn_json_fail(object, key, error, "must be numbers from 0.001 to %g",
                                 FACTOR_LIMIT);
        factors[i] = (float)factor;
    }
    return MMN_OK;
}

static mmn_status read_longrope(mmn_language_config *language, const mmn_json_object *object,
                                mmn_error *error)
{
    mmn_rope_config *rope = &language->rope;
    uint32_t count = language->head_dim / 2;
    if (count > MMN_ROPE_FACTORS)
        return mmn_json_fail(object, "rope_type", error,
                             "\"longrope\" is supported for heads of width up to %d, not %u",
                             2 * MMN_ROPE_FACTORS, language->head_dim);
    mmn_status status = read_stretch(language, object, error);
    if (status == MMN_OK)
        status = read_factors(rope->short_factors, count, object, "short_factor", error);
    if (status == MMN_OK)
        status = read_factors(rope->long_factors, count, object, "long_factor", error);
    return status;
}

static mmn_status read_type(mmn_language_config *language, const mmn_json_object *object,
                            const char *key, mmn_error *error)
{
    static const struct {
        const char *name;
        mmn_rope_type type;
        read_function read;
    } types[] = {
        {"default", MMN_ROPE_DEFAULT, read_default},
        {"linear", MMN_ROPE_LINEAR, read_linear},
        {"llama3", MMN_ROPE_LLAMA3, read_llama3},
        {"dynamic", MMN_ROPE_DYNAMIC, read_dynamic},
        {"yarn", MMN_ROPE_YARN, read_yarn},
        {"longrope", MMN_ROPE_LONGROPE, read_longrope},
    };
    const char *name = NULL;
    mmn_status status = mmn_json_get_text(&name, object, key, error);
    if (status != MMN_OK || !name)
        return status;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].name, name) != 0)
            continue;
        language->rope.type = types[i].type;
        return types[i].read(language, object, error);
    }
    return mmn_json_fail(object, key, error,
                         "rotary embedding \"%.60s\" is not supported; supported are \"default\", "
                         "\"linear\", \"llama3\", \"dynamic\", \"yarn\" and \"longrope\"",
                         name);
}

static mmn_status refuse_partial(const mmn_json_object *object, mmn_error *error)
{
    double partial = 1.0;
    mmn_status status =
        mmn_json_get_f64(&partial, object, "partial_rotary_factor", 0.0, 1.0, error);
    if (status == MMN_OK && partial != 1.0)
        status = mmn_json_fail(object, "partial_rotary_factor", error,
                               "%g is not supported; supported is 1", partial);
    return status;
}

/* One of the two objects. */
static mmn_status read_object(mmn_language_config *language, const mmn_json_object *object,
                              mmn_error *error)
{
    mmn_status status =
        mmn_json_get_f64(&language->rope.theta, object, "rope_theta", 1.0, 1e12, error);
    if (status == MMN_OK)
        status = read_type(language, object,
                           mmn_json_has_value(object, "rope_type") ? "rope_type" : "type", error);
    return status == MMN_OK ? refuse_partial(object, error) : status;
}

/* The object of the older form, unless it is empty, goes before that of the newer one. */
mmn_status mmn_config_rope(mmn_language_config *language, const mmn_json_object *object,
                           mmn_error *error)
{
    mmn_json_object scaling, parameters;
    mmn_rope_config *rope = &language->rope;
    mmn_status status = mmn_json_get_f64(&rope->theta, object, "rope_theta", 1.0, 1e12, error);
    if (status == MMN_OK)
        status = mmn_json_get_f64(&rope->original_positions, object,
                                  "original_max_position_embeddings", 2, MMN_LIMIT_POSITIONS,
                                  error);
    if (status == MMN_OK)
        status = refuse_partial(object, error);
    if (status == MMN_OK)
        status = mmn_json_get_object(&parameters, object, "rope_parameters", error);
    if (status == MMN_OK)
        status = mmn_json_get_object(&scaling, object, "rope_scaling", error);
    if (status == MMN_OK)
        status = read_object(language, json_object_size(scaling.value) > 0 ? &scaling : &parameters,
                             error);
    if (rope->type != MMN_ROPE_LLAMA3 && rope->type != MMN_ROPE_YARN &&
        rope->type != MMN_ROPE_LONGROPE)
        rope->original_positions = 0;
    return status;
}
