/* Reads the pre-tokenisers of tokenizer.json that cut texts. */
#include "text/tokenizer_parts.h"

#include <string.h>

#include "base/names.h"
#include "base/utf8.h"
#include "text/characters.h"

/* Appends a step, which has been read. */
static void add(mmn_pre_tokenizer *pre_tokenizer, const mmn_object *json,
                mmn_pre_tokenizer_step *step)
{
    MMN_READ_TRY(json, mmn_pre_tokenizer_add(pre_tokenizer, step, json->reader->error));
}

/* Compiles a pattern that is a regular expression or a plain text. */
static void compile(mmn_pattern **pattern, const mmn_object *json, const char *text,
                    bool is_expression)
{
    mmn_error *error = json->reader->error;
    MMN_READ_TRY(json, is_expression ? mmn_pattern_compile(pattern, text, error)
                                     : mmn_pattern_compile_text(pattern, text, error));
}

static void read_pattern(mmn_pattern **pattern, const mmn_object *json)
{
    const char *text = "";
    mmn_object choice = mmn_read_object(json, mmn_read_required(json, "pattern"));
    bool is_expression = mmn_object_value(&choice, "Regex");
    const char *key = is_expression ? "Regex" : "String";
    mmn_read_text(&text, &choice, mmn_read_required(&choice, key));
    if (*text == '\0' || strlen(text) > MMN_TOKEN_LENGTH_LIMIT)
        mmn_read_wrong(&choice, key, "must have 1 to %d bytes", MMN_TOKEN_LENGTH_LIMIT);
    compile(pattern, json, text, is_expression);
}

/* What becomes of matches, "Isolated" by default. */
static void read_behavior(mmn_split_behavior *behavior, const mmn_object *json)
{
    static const char *const names[] = {[MMN_SPLIT_ISOLATED] = "Isolated",
                                        [MMN_SPLIT_REMOVED] = "Removed",
                                        [MMN_SPLIT_MERGED_WITH_PREVIOUS] = "MergedWithPrevious",
                                        [MMN_SPLIT_MERGED_WITH_NEXT] = "MergedWithNext",
                                        [MMN_SPLIT_CONTIGUOUS] = "Contiguous"};
    const char *name = names[MMN_SPLIT_ISOLATED];
    mmn_read_text(&name, json, "behavior");
    size_t found = MMN_NAME_INDEX(name, names);
    if (found == MMN_LENGTH(names))
        mmn_read_wrong(json, "behavior",
                       "must be Isolated, Removed, MergedWithPrevious, MergedWithNext or "
                       "Contiguous and is \"%.60s\"",
                       name);
    *behavior = (mmn_split_behavior)found;
}

/* {"type": "Split", "pattern": {"Regex": "..."} or {"String": "..."}, "behavior": "Isolated",
 * "invert": false} */
static void read_split(mmn_pre_tokenizer *pre_tokenizer, const mmn_object *json)
{
    mmn_pre_tokenizer_step step = {.kind = MMN_PRE_TOKENIZER_SPLIT};
    mmn_read_required(json, "behavior");
    read_behavior(&step.behavior, json);
    mmn_read_bool(&step.invert, json, "invert");
    read_pattern(&step.pattern, json);
    add(pre_tokenizer, json, &step);
}

/* {"type": "CharDelimiterSplit", "delimiter": "_"} */
static void read_delimiter(mmn_pre_tokenizer *pre_tokenizer, const mmn_object *json)
{
    mmn_pre_tokenizer_step step = {.kind = MMN_PRE_TOKENIZER_SPLIT, .behavior = MMN_SPLIT_REMOVED};
    const char *text = "";
    mmn_read_text(&text, json, mmn_read_required(json, "delimiter"));
    if (*text == '\0' || strlen(text) != mmn_utf8_size(text))
        mmn_read_wrong(json, "delimiter", "must be one character and is \"%.60s\"", text);
    compile(&step.pattern, json, text, false);
    add(pre_tokenizer, json, &step);
}

/* Those that find characters of a class. */
static void read_class(mmn_pre_tokenizer *pre_tokenizer, const mmn_object *json,
                       mmn_split_finds finds)
{
    mmn_pre_tokenizer_step step = {.kind = MMN_PRE_TOKENIZER_SPLIT, .finds = finds};
    bool individual = true;
    if (finds == MMN_SPLIT_FINDS_PUNCTUATION)
        read_behavior(&step.behavior, json);
    if (finds == MMN_SPLIT_FINDS_NUMBERS) {
        mmn_read_bool(&individual, json, mmn_read_required(json, "individual_digits"));
        step.behavior = individual ? MMN_SPLIT_ISOLATED : MMN_SPLIT_CONTIGUOUS;
    }
    if (finds == MMN_SPLIT_FINDS_WHITE_SPACE || finds == MMN_SPLIT_FINDS_WORDS)
        step.behavior = MMN_SPLIT_REMOVED;
    step.invert = finds == MMN_SPLIT_FINDS_WORDS;
    add(pre_tokenizer, json, &step);
}

/* {"type": "ByteLevel", "add_prefix_space": true, "use_regex": true}: up to three steps. */
static void read_byte_level(mmn_pre_tokenizer *pre_tokenizer, const mmn_object *json)
{
    mmn_pre_tokenizer_step space = {.kind = MMN_PRE_TOKENIZER_PREFIX_SPACE};
    mmn_pre_tokenizer_step split = {.kind = MMN_PRE_TOKENIZER_SPLIT};
    mmn_pre_tokenizer_step spell = {.kind = MMN_PRE_TOKENIZER_BYTE_LEVEL};
    bool add_prefix_space = true, use_regex = true;
    mmn_read_bool(&add_prefix_space, json, "add_prefix_space");
    mmn_read_bool(&use_regex, json, "use_regex");
    if (add_prefix_space)
        add(pre_tokenizer, json, &space);
    if (use_regex) {
        compile(&split.pattern, json, MMN_GPT2_PATTERN, true);
        add(pre_tokenizer, json, &split);
    }
    add(pre_tokenizer, json, &spell);
}

bool mmn_json_read_split(mmn_pre_tokenizer *pre_tokenizer, const mmn_object *json, const char *type)
{
    static const struct {
        const char *type;
        mmn_split_finds finds;
    } classes[] = {{"Digits", MMN_SPLIT_FINDS_NUMBERS},
                   {"Punctuation", MMN_SPLIT_FINDS_PUNCTUATION},
                   {"Whitespace", MMN_SPLIT_FINDS_WORDS},
                   {"WhitespaceSplit", MMN_SPLIT_FINDS_WHITE_SPACE}};
    size_t class = MMN_NAME_INDEX(type, classes);
    if (class < MMN_LENGTH(classes))
        read_class(pre_tokenizer, json, classes[class].finds);
    else if (strcmp(type, "Split") == 0)
        read_split(pre_tokenizer, json);
    else if (strcmp(type, "CharDelimiterSplit") == 0)
        read_delimiter(pre_tokenizer, json);
    else if (strcmp(type, "BertPreTokenizer") == 0)
        mmn_read_failed(json, mmn_pre_tokenizer_add_bert(pre_tokenizer, json->reader->error));
    else if (strcmp(type, "ByteLevel") == 0)
        read_byte_level(pre_tokenizer, json);
    else
        return false;
    return true;
}
