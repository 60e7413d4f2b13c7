/* Reads the pre-tokenisers of tokenizer.json that cut texts. */
#include "text/json_split.h"

#include <string.h>

#include "base/utf8.h"
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

/* What becomes of matches, "Isolated" by default. */
static mmn_status get_behavior(mmn_split_behavior *behavior, const mmn_json_object *json,
                               mmn_error *error)
{
    static const char *const names[] = {
        [MMN_SPLIT_ISOLATED] = "Isolated",
        [MMN_SPLIT_REMOVED] = "Removed",
        [MMN_SPLIT_MERGED_WITH_PREVIOUS] = "MergedWithPrevious",
        [MMN_SPLIT_MERGED_WITH_NEXT] = "MergedWithNext",
        [MMN_SPLIT_CONTIGUOUS] = "Contiguous"};
    const char *name = names[MMN_SPLIT_ISOLATED];
    mmn_status status = mmn_json_get_text(&name, json, "behavior", error);
    if (status != MMN_OK)
        return status;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0) {
            *behavior = (mmn_split_behavior)i;
            return MMN_OK;
        }
    return mmn_json_fail(json, "behavior", error,
                         "must be Isolated, Removed, MergedWithPrevious, MergedWithNext or "
                         "Contiguous and is \"%.60s\"", name);
}

/* {"type": "Split", "pattern": {"Regex": "..."} or {"String": "..."}, "behavior": "Isolated",
 * "invert": false} */
static mmn_status read_split(mmn_pre_tokenizer *pre_tokenizer, const mmn_json_object *json,
                             mmn_error *error)
{
    mmn_pre_tokenizer_step step = {.kind = MMN_PRE_TOKENIZER_SPLIT};
    mmn_status status = mmn_json_require(json, "behavior", error);
    if (status == MMN_OK)
        status = get_behavior(&step.behavior, json, error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&step.invert, json, "invert", error);
    if (status == MMN_OK)
        status = get_pattern(&step.pattern, json, error);
    return status == MMN_OK ? mmn_pre_tokenizer_add(pre_tokenizer, &step, error) : status;
}

/* {"type": "CharDelimiterSplit", "delimiter": "_"} */
static mmn_status read_delimiter(mmn_pre_tokenizer *pre_tokenizer, const mmn_json_object *json,
                                 mmn_error *error)
{
    mmn_pre_tokenizer_step step = {.kind = MMN_PRE_TOKENIZER_SPLIT, .behavior = MMN_SPLIT_REMOVED};
    const char *text = "";
    mmn_status status = mmn_json_require(json, "delimiter", error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&text, json, "delimiter", error);
    if (status == MMN_OK && (*text == '\0' || strlen(text) != mmn_utf8_size(text)))
        status = mmn_json_fail(json, "delimiter", error, "must be one character and is \"%.60s\"",
                               text);
    if (status == MMN_OK)
        status = mmn_pattern_compile_text(&step.pattern, text, error);
    return status == MMN_OK ? mmn_pre_tokenizer_add(pre_tokenizer, &step, error) : status;
}

/* Those that find characters of a class. */
static mmn_status read_class(mmn_pre_tokenizer *pre_tokenizer, const mmn_json_object *json,
                             mmn_split_finds finds, mmn_error *error)
{
    mmn_pre_tokenizer_step step = {.kind = MMN_PRE_TOKENIZER_SPLIT, .finds = finds};
    bool individual = true;
    mmn_status status = MMN_OK;
    if (finds == MMN_SPLIT_FINDS_PUNCTUATION)
        status = get_behavior(&step.behavior, json, error);
    if (finds == MMN_SPLIT_FINDS_NUMBERS) {
        status = mmn_json_require(json, "individual_digits", error);
        if (status == MMN_OK)
            status = mmn_json_get_bool(&individual, json, "individual_digits", error);
        step.behavior = individual ? MMN_SPLIT_ISOLATED : MMN_SPLIT_CONTIGUOUS;
    }
    if (finds == MMN_SPLIT_FINDS_WHITE_SPACE || finds == MMN_SPLIT_FINDS_WORDS)
        step.behavior = MMN_SPLIT_REMOVED;
    step.invert = finds == MMN_SPLIT_FINDS_WORDS;
    return status == MMN_OK ? mmn_pre_tokenizer_add(pre_tokenizer, &step, error) : status;
}

mmn_status mmn_bert_add_pre_tokenizer(mmn_pre_tokenizer *pre_tokenizer, mmn_error *error)
{
    mmn_pre_tokenizer_step spaces = {.kind = MMN_PRE_TOKENIZER_SPLIT,
                                     .finds = MMN_SPLIT_FINDS_WHITE_SPACE,
                                     .behavior = MMN_SPLIT_REMOVED};
    mmn_pre_tokenizer_step marks = {.kind = MMN_PRE_TOKENIZER_SPLIT,
                                    .finds = MMN_SPLIT_FINDS_PUNCTUATION};
    mmn_status status = mmn_pre_tokenizer_add(pre_tokenizer, &spaces, error);
    return status == MMN_OK ? mmn_pre_tokenizer_add(pre_tokenizer, &marks, error) : status;
}

/* {"type": "ByteLevel", "add_prefix_space": true, "use_regex": true}: up to three steps. */
static mmn_status read_byte_level(mmn_pre_tokenizer *pre_tokenizer, const mmn_json_object *json,
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

mmn_status mmn_json_read_split(mmn_pre_tokenizer *pre_tokenizer, const mmn_json_object *json,
                               const char *type, bool *known, mmn_error *error)
{
    static const struct {
        const char *type;
        mmn_split_finds finds;
    } classes[] = {{"Digits", MMN_SPLIT_FINDS_NUMBERS},
                   {"Punctuation", MMN_SPLIT_FINDS_PUNCTUATION},
                   {"Whitespace", MMN_SPLIT_FINDS_WORDS},
                   {"WhitespaceSplit", MMN_SPLIT_FINDS_WHITE_SPACE}};
    *known = true;
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (strcmp(type, classes[i].type) == 0)
            return read_class(pre_tokenizer, json, classes[i].finds, error);
    if (strcmp(type, "Split") == 0)
        return read_split(pre_tokenizer, json, error);
    if (strcmp(type, "CharDelimiterSplit") == 0)
        return read_delimiter(pre_tokenizer, json, error);
    if (strcmp(type, "BertPreTokenizer") == 0)
        return mmn_bert_add_pre_tokenizer(pre_tokenizer, error);
    if (strcmp(type, "ByteLevel") == 0)
        return read_byte_level(pre_tokenizer, json, error);
    *known = false;
    return MMN_OK;
}
