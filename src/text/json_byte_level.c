/* Reads what tokenizer.json has of byte-level tokenizers: the pre-tokenisers Split and ByteLevel. */
#include "text/json_byte_level.h"

#include <string.h>

#include "text/byte_level.h"

static mmn_status get_pattern(mmn_pattern **pattern, const mmn_json_object *json, mmn_error *error)
{
    mmn_json_object choice;
    const char *text = "";
    mmn_status status = mmn_json_require(json, "pattern", error);
    if (status == MMN_OK)
        status = mmn_json_get_object(&choice, json, "pattern", error);
    if (status != MMN_OK)
        return status;
    bool is_expression = mmn_json_has_value(&choice, "Regex");
    const char *key = is_expression ? "Regex" : "String";
    status = mmn_json_require(&choice, key, error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&text, &choice, key, error);
    if (status == MMN_OK && (*text == '\0' || strlen(text) > MMN_TOKEN_LENGTH_LIMIT))
        status = mmn_json_fail(&choice, key, error, "must have 1 to %d bytes",
                               MMN_TOKEN_LENGTH_LIMIT);
    if (status != MMN_OK)
        return status;
    return is_expression ? mmn_pattern_compile(pattern, text, error)
                         : mmn_pattern_compile_text(pattern, text, error);
}

mmn_status mmn_json_read_split(mmn_pre_tokenizer *pre_tokenizer, const mmn_json_object *json,
                               mmn_error *error)
{
    mmn_pre_tokenizer_step step = {.kind = MMN_PRE_TOKENIZER_SPLIT};
    const char *behavior = "";
    bool invert = false;
    mmn_status status = mmn_json_require(json, "behavior", error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&behavior, json, "behavior", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&invert, json, "invert", error);
    if (status != MMN_OK)
        return status;
    if (strcmp(behavior, "Removed") == 0)
        step.keeps = invert ? MMN_SPLIT_KEEPS_MATCHES : MMN_SPLIT_KEEPS_GAPS;
    else if (strcmp(behavior, "Isolated") != 0)
        return mmn_json_fail(json, "behavior", error,
                             "\"%.60s\" is not supported: expected Isolated or Removed", behavior);
    status = get_pattern(&step.pattern, json, error);
    return status == MMN_OK ? mmn_pre_tokenizer_add(pre_tokenizer, &step, error) : status;
}

mmn_status mmn_json_read_byte_level(mmn_pre_tokenizer *pre_tokenizer, const mmn_json_object *json,
                                    mmn_error *error)
{
    mmn_pre_tokenizer_step space = {.kind = MMN_PRE_TOKENIZER_PREFIX_SPACE};
    mmn_pre_tokenizer_step split = {.kind = MMN_PRE_TOKENIZER_SPLIT};
    mmn_pre_tokenizer_step spell = {.kind = MMN_PRE_TOKENIZER_BYTE_LEVEL};
    bool add_prefix_space = true, use_regex = true;
    mmn_status status = mmn_json_get_bool(&add_prefix_space, json, "add_prefix_space", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&use_regex, json, "use_regex", error);
    if (status == MMN_OK && add_prefix_space)
        status = mmn_pre_tokenizer_add(pre_tokenizer, &space, error);
    if (status == MMN_OK && use_regex)
        status = mmn_pattern_compile(&split.pattern, MMN_GPT2_PATTERN, error);
    if (status == MMN_OK && use_regex)
        status = mmn_pre_tokenizer_add(pre_tokenizer, &split, error);
    return status == MMN_OK ? mmn_pre_tokenizer_add(pre_tokenizer, &spell, error) : status;
}
