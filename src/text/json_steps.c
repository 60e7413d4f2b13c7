/* Reads tokenizer.json's normaliser, pre-tokeniser, post-processor and decoder. */
#include "text/json_steps.h"

#include <stdio.h>
#include <string.h>

#include "base/json_python.h"
#include "base/utf8.h"
#include "text/json_bert.h"
#include "text/json_split.h"

/* Reads one step of a chain: `step` views it, `type` is its type. */
typedef mmn_status (*step_reader)(mmn_tokenizer *tokenizer, const mmn_json_object *step,
                                  const char *type, mmn_error *error);

/* A chain: how many steps it may have, and where the elements of a "Sequence" are. */
typedef struct chain {
    const char *sequence_key;
    step_reader read;
} chain;

mmn_status mmn_json_element(mmn_json_object *element, const mmn_json_object *object,
                            const char *key, size_t index, json_t *value, mmn_error *error)
{
    mmn_status status = mmn_json_as_object(element, value, object->file, NULL);
    snprintf(element->prefix, sizeof(element->prefix), "%.120s%.40s[%zu].", object->prefix, key,
             index);
    if (status == MMN_OK)
        return MMN_OK;
    char name[64];
    snprintf(name, sizeof(name), "%.40s[%zu]", key, index);
    return mmn_json_fail(object, name, error, "must be an object");
}

/* Reads the step `step`, or the steps of the sequence that it is. */
static mmn_status read_steps(const chain *kind, mmn_tokenizer *tokenizer,
                             const mmn_json_object *step, int depth, mmn_error *error)
{
    const char *type = NULL;
    mmn_status status = mmn_json_require(step, "type", error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&type, step, "type", error);
    if (status != MMN_OK)
        return status;
    if (strcmp(type, "Sequence") != 0)
        return kind->read(tokenizer, step, type, error);
    if (depth >= 4)
        return mmn_json_fail(step, "type", error, "sequences are nested too deeply");
    json_t *steps = NULL;
    status = mmn_json_require(step, kind->sequence_key, error);
    if (status == MMN_OK)
        status = mmn_json_get_array(&steps, step, kind->sequence_key, error);
    if (status == MMN_OK && json_array_size(steps) > MMN_STEP_LIMIT)
        status = mmn_json_fail(step, kind->sequence_key, error, "has more than %d steps",
                               MMN_STEP_LIMIT);
    for (size_t i = 0; status == MMN_OK && i < json_array_size(steps); i++) {
        mmn_json_object element;
        status = mmn_json_element(&element, step, kind->sequence_key, i, json_array_get(steps, i),
                                  error);
        if (status == MMN_OK)
            status = read_steps(kind, tokenizer, &element, depth + 1, error);
    }
    return status;
}

static mmn_status read_chain(const chain *kind, mmn_tokenizer *tokenizer,
                             const mmn_json_object *document, const char *key, mmn_error *error)
{
    mmn_json_object step;
    mmn_status status = mmn_json_get_object(&step, document, key, error);
    if (status != MMN_OK || !step.value)
        return status;
    return read_steps(kind, tokenizer, &step, 0, error);
}

static mmn_status unsupported(const mmn_json_object *step, const char *type, const char *known,
                              mmn_error *error)
{
    return mmn_json_fail(step, "type", error, "\"%.60s\" is not supported: expected %s", type,
                         known);
}

/* A text that must be there, without U+0000, which no text of these steps can hold. */
static mmn_status get_text(const char **text, const mmn_json_object *step, const char *key,
                           mmn_error *error)
{
    *text = "";
    mmn_status status = mmn_json_require(step, key, error);
    if (status == MMN_OK)
        status = mmn_json_get_text(text, step, key, error);
    if (status == MMN_OK && strstr(*text, MMN_JSON_ZERO))
        status = mmn_json_fail(step, key, error, "holds U+0000, which is not supported");
    return status;
}

/* One character, zero-terminated. */
static mmn_status get_character(char character[5], const mmn_json_object *step, const char *key,
                                mmn_error *error)
{
    const char *text;
    mmn_status status = get_text(&text, step, key, error);
    if (status != MMN_OK)
        return status;
    if (*text == '\0' || strlen(text) != mmn_utf8_size(text))
        return mmn_json_fail(step, key, error, "must be one character and is \"%.60s\"", text);
    strcpy(character, text);
    return MMN_OK;
}

/* A text that will stand in place of another. */
static mmn_status get_replacement(const char **text, const mmn_json_object *step, const char *key,
                                  mmn_error *error)
{
    mmn_status status = get_text(text, step, key, error);
    if (status == MMN_OK && strlen(*text) > MMN_REPLACEMENT_LENGTH_LIMIT)
        status = mmn_json_fail(step, key, error, "has more than %d bytes",
                               MMN_REPLACEMENT_LENGTH_LIMIT);
    return status;
}

/* {"type": "Replace", "pattern": {"String": "a"} or {"Regex": "a"}, "content": "b"} */
static mmn_status read_replacement(mmn_replacement *replacement, const mmn_json_object *step,
                                   mmn_error *error)
{
    const char *content, *pattern = NULL;
    mmn_json_object choice;
    mmn_status status = get_replacement(&content, step, "content", error);
    if (status == MMN_OK)
        status = mmn_json_require(step, "pattern", error);
    if (status == MMN_OK)
        status = mmn_json_get_object(&choice, step, "pattern", error);
    if (status != MMN_OK)
        return status;
    bool is_pattern = mmn_json_has_value(&choice, "Regex");
    const char *key = is_pattern ? "Regex" : "String";
    status = get_text(&pattern, &choice, key, error);
    if (status == MMN_OK && *pattern == '\0')
        status = mmn_json_fail(&choice, key, error, "is empty");
    if (status == MMN_OK && strlen(pattern) > MMN_TOKEN_LENGTH_LIMIT)
        status = mmn_json_fail(&choice, key, error, "has more than %d bytes",
                               MMN_TOKEN_LENGTH_LIMIT);
    if (status == MMN_OK)
        status = mmn_replacement_make(replacement, pattern, is_pattern, content, error);
    return status;
}

/* ---- Normaliser ------------------------------------------------------------------------------ */

static mmn_status read_normalizer_step(mmn_tokenizer *tokenizer, const mmn_json_object *json,
                                       const char *type, mmn_error *error)
{
    static const struct {
        const char *name;
        mmn_normalizer_kind kind;
    } plain[] = {{"Lowercase", MMN_NORMALIZER_LOWERCASE}, {"NFC", MMN_NORMALIZER_NFC},
                 {"NFD", MMN_NORMALIZER_NFD},             {"NFKC", MMN_NORMALIZER_NFKC},
                 {"NFKD", MMN_NORMALIZER_NFKD},           {"Nmt", MMN_NORMALIZER_NMT},
                 {"ByteLevel", MMN_NORMALIZER_BYTE_LEVEL},
                 {"StripAccents", MMN_NORMALIZER_STRIP_ACCENTS}};
    mmn_normalizer_step step = {0};
    mmn_status status = MMN_OK;
    bool known = true;
    if (tokenizer->normalizer.count >= MMN_STEP_LIMIT)
        return mmn_json_fail(json, "type", error, "there are more than %d steps", MMN_STEP_LIMIT);
    if (strcmp(type, "BertNormalizer") == 0)
        return mmn_json_read_bert_normalizer(tokenizer, json, error);
    if (strcmp(type, "Prepend") == 0) {
        const char *content;
        step.kind = MMN_NORMALIZER_PREPEND;
        status = get_replacement(&content, json, "prepend", error);
        if (status == MMN_OK)
            status = mmn_replacement_make(&step.replacement, " ", false, content, error);
    } else if (strcmp(type, "Replace") == 0) {
        step.kind = MMN_NORMALIZER_REPLACE;
        status = read_replacement(&step.replacement, json, error);
    } else if (strcmp(type, "Strip") == 0) {
        step.kind = MMN_NORMALIZER_STRIP;
        status = mmn_json_require(json, "strip_left", error);
        if (status == MMN_OK)
            status = mmn_json_require(json, "strip_right", error);
        if (status == MMN_OK)
            status = mmn_json_get_bool(&step.left, json, "strip_left", error);
        if (status == MMN_OK)
            status = mmn_json_get_bool(&step.right, json, "strip_right", error);
    } else {
        known = false;
        for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
            if (strcmp(type, plain[i].name) == 0) {
                step.kind = plain[i].kind;
                known = true;
            }
    }
    if (!known)
        return unsupported(json, type, "Sequence, Prepend, Replace, Strip, StripAccents, "
                           "Lowercase, NFC, NFD, NFKC, NFKD, Nmt, ByteLevel or BertNormalizer",
                           error);
    if (status == MMN_OK)
        return mmn_normalizer_add(&tokenizer->normalizer, &step, error);
    mmn_replacement_free(&step.replacement);
    return status;
}

mmn_status mmn_json_read_normalizer(mmn_tokenizer *tokenizer, const mmn_json_object *document,
                                    mmn_error *error)
{
    static const chain kind = {"normalizers", read_normalizer_step};
    return read_chain(&kind, tokenizer, document, "normalizer", error);
}

/* ---- Pre-tokeniser --------------------------------------------------------------------------- */

/* The keys of a Metaspace. add_prefix_space is an older way to say "never" (false), which the
 * `tokenizers` library accepts only together with it. */
static mmn_status read_metaspace(mmn_metaspace *metaspace, const mmn_json_object *json,
                                 mmn_error *error)
{
    const char *scheme = "always";
    bool add_prefix_space = true;
    metaspace->split = true;
    mmn_status status = get_character(metaspace->replacement, json, "replacement", error);
    metaspace->replacement_length = strlen(metaspace->replacement);
    if (status == MMN_OK)
        status = mmn_json_get_text(&scheme, json, "prepend_scheme", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&add_prefix_space, json, "add_prefix_space", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&metaspace->split, json, "split", error);
    if (status != MMN_OK)
        return status;
    if (strcmp(scheme, "always") == 0)
        metaspace->scheme = MMN_PREPEND_ALWAYS;
    else if (strcmp(scheme, "first") == 0)
        metaspace->scheme = MMN_PREPEND_FIRST;
    else if (strcmp(scheme, "never") == 0)
        metaspace->scheme = MMN_PREPEND_NEVER;
    else
        return mmn_json_fail(json, "prepend_scheme", error,
                             "must be always, first or never and is \"%.60s\"", scheme);
    if (!add_prefix_space && metaspace->scheme != MMN_PREPEND_NEVER)
        return mmn_json_fail(json, "add_prefix_space", error,
                             "is false, which contradicts the prepend_scheme \"%s\"", scheme);
    return MMN_OK;
}

static mmn_status read_pre_tokenizer_step(mmn_tokenizer *tokenizer, const mmn_json_object *json,
                                          const char *type, mmn_error *error)
{
    mmn_pre_tokenizer *pre_tokenizer = &tokenizer->pre_tokenizer;
    mmn_pre_tokenizer_step step = {.kind = MMN_PRE_TOKENIZER_METASPACE};
    bool known;
    mmn_status status;
    if (strcmp(type, "Metaspace") == 0) {
        status = read_metaspace(&step.metaspace, json, error);
        return status == MMN_OK ? mmn_pre_tokenizer_add(pre_tokenizer, &step, error) : status;
    }
    status = mmn_json_read_split(pre_tokenizer, json, type, &known, error);
    if (status == MMN_OK && !known)
        status = unsupported(json, type, "Sequence, Metaspace, " MMN_JSON_SPLITS, error);
    return status;
}

mmn_status mmn_json_read_pre_tokenizer(mmn_tokenizer *tokenizer, const mmn_json_object *document,
                                       mmn_error *error)
{
    static const chain kind = {"pretokenizers", read_pre_tokenizer_step};
    return read_chain(&kind, tokenizer, document, "pre_tokenizer", error);
}

/* ---- Post-processor -------------------------------------------------------------------------- */

/* Appends the ids of the special token `name` of a TemplateProcessing. */
static mmn_status add_special(mmn_ids *ids, const mmn_json_object *template, const char *name,
                              mmn_error *error)
{
    mmn_json_object tokens, token;
    json_t *numbers = NULL;
    mmn_status status = mmn_json_get_object(&tokens, template, "special_tokens", error);
    if (status == MMN_OK)
        status = mmn_json_require(&tokens, name, error);
    if (status == MMN_OK)
        status = mmn_json_get_object(&token, &tokens, name, error);
    if (status == MMN_OK)
        status = mmn_json_require(&token, "ids", error);
    if (status == MMN_OK)
        status = mmn_json_get_array(&numbers, &token, "ids", error);
    for (size_t i = 0; status == MMN_OK && i < json_array_size(numbers); i++) {
        json_t *number = json_array_get(numbers, i);
        json_int_t id = json_integer_value(number);
        if (!json_is_integer(number) || id < 0 || id >= MMN_VOCABULARY_LIMIT)
            status = mmn_json_fail(&token, "ids", error, "must be ids from 0 to %d",
                                   MMN_VOCABULARY_LIMIT - 1);
        else if (i == MMN_STEP_LIMIT)
            status = mmn_json_fail(&token, "ids", error, "has more than %d ids", MMN_STEP_LIMIT);
        else
            status = mmn_ids_add(ids, (int32_t)id, error);
    }
    return status;
}

/* One element of the template for a single text: {"SpecialToken": {"id": "<s>"}} or
 * {"Sequence": {"id": "A"}}. */
static mmn_status read_template_item(mmn_tokenizer *tokenizer, const mmn_json_object *template,
                                     const mmn_json_object *item, bool *text_seen,
                                     mmn_error *error)
{
    bool is_text = mmn_json_has_value(item, "Sequence");
    mmn_json_object choice;
    const char *name = "";
    mmn_status status = mmn_json_get_object(&choice, item, is_text ? "Sequence" : "SpecialToken",
                                            error);
    if (status == MMN_OK)
        status = get_text(&name, &choice, "id", error);
    if (status != MMN_OK)
        return status;
    if (!is_text)
        return add_special(*text_seen ? &tokenizer->after : &tokenizer->before, template, name,
                           error);
    if (*text_seen || strcmp(name, "A") != 0)
        return mmn_json_fail(&choice, "id", error,
                             "the template for one text must hold the sequence A once");
    *text_seen = true;
    return MMN_OK;
}

static mmn_status read_post_processor_step(mmn_tokenizer *tokenizer, const mmn_json_object *json,
                                           const char *type, mmn_error *error)
{
    /* ByteLevel changes nothing but offsets here. */
    if (strcmp(type, "ByteLevel") == 0)
        return MMN_OK;
    /* RobertaProcessing differs from BertProcessing in offsets, and in pairs of texts. */
    bool is_bert = strcmp(type, "BertProcessing") == 0 || strcmp(type, "RobertaProcessing") == 0;
    if (!is_bert && strcmp(type, "TemplateProcessing") != 0)
        return unsupported(json, type, "Sequence, TemplateProcessing, BertProcessing, "
                           "RobertaProcessing or ByteLevel", error);
    if (tokenizer->before.count || tokenizer->after.count)
        return mmn_json_fail(json, "type", error,
                             "there is more than one TemplateProcessing or BertProcessing");
    if (is_bert)
        return mmn_json_read_bert_processing(tokenizer, json, error);
    json_t *items = NULL;
    bool text_seen = false;
    mmn_status status = mmn_json_require(json, "single", error);
    if (status == MMN_OK)
        status = mmn_json_get_array(&items, json, "single", error);
    if (status == MMN_OK && json_array_size(items) > MMN_STEP_LIMIT)
        status = mmn_json_fail(json, "single", error, "has more than %d elements", MMN_STEP_LIMIT);
    for (size_t i = 0; status == MMN_OK && i < json_array_size(items); i++) {
        mmn_json_object item;
        status = mmn_json_element(&item, json, "single", i, json_array_get(items, i), error);
        if (status == MMN_OK)
            status = read_template_item(tokenizer, json, &item, &text_seen, error);
    }
    if (status == MMN_OK && !text_seen)
        status = mmn_json_fail(json, "single", error, "does not hold the sequence A");
    return status;
}

mmn_status mmn_json_read_post_processor(mmn_tokenizer *tokenizer, const mmn_json_object *document,
                                        mmn_error *error)
{
    static const chain kind = {"processors", read_post_processor_step};
    return read_chain(&kind, tokenizer, document, "post_processor", error);
}

/* ---- Decoder --------------------------------------------------------------------------------- */

static mmn_status read_strip(mmn_decoder_step *step, const mmn_json_object *json,
                             mmn_error *error)
{
    int64_t start = 0, stop = 0;
    mmn_status status = get_character(step->content, json, "content", error);
    if (status == MMN_OK)
        status = mmn_json_get_i64(&start, json, "start", 0, INT32_MAX, error);
    if (status == MMN_OK)
        status = mmn_json_get_i64(&stop, json, "stop", 0, INT32_MAX, error);
    step->start = (size_t)start;
    step->stop = (size_t)stop;
    return status;
}

static mmn_status read_decoder_step(mmn_tokenizer *tokenizer, const mmn_json_object *json,
                                    const char *type, mmn_error *error)
{
    mmn_decoder_step step = {0};
    mmn_status status = MMN_OK;
    if (tokenizer->decoder.count >= MMN_STEP_LIMIT)
        return mmn_json_fail(json, "type", error, "there are more than %d steps", MMN_STEP_LIMIT);
    if (strcmp(type, "WordPiece") == 0)
        return mmn_json_read_wordpiece_decoder(tokenizer, json, error);
    if (strcmp(type, "Replace") == 0) {
        step.kind = MMN_DECODER_REPLACE;
        status = read_replacement(&step.replacement, json, error);
    } else if (strcmp(type, "ByteFallback") == 0) {
        step.kind = MMN_DECODER_BYTE_FALLBACK;
    } else if (strcmp(type, "ByteLevel") == 0) {
        step.kind = MMN_DECODER_BYTE_LEVEL;
    } else if (strcmp(type, "Fuse") == 0) {
        step.kind = MMN_DECODER_FUSE;
    } else if (strcmp(type, "Strip") == 0) {
        step.kind = MMN_DECODER_STRIP;
        status = read_strip(&step, json, error);
    } else if (strcmp(type, "Metaspace") == 0) {
        mmn_metaspace metaspace = {0};
        step.kind = MMN_DECODER_METASPACE;
        status = read_metaspace(&metaspace, json, error);
        memcpy(step.content, metaspace.replacement, sizeof(step.content));
        step.drops_first = metaspace.scheme != MMN_PREPEND_NEVER;
    } else {
        return unsupported(json, type, "Sequence, Replace, ByteFallback, ByteLevel, Fuse, Strip, "
                           "Metaspace or WordPiece", error);
    }
    if (status == MMN_OK)
        return mmn_decoder_add(&tokenizer->decoder, &step, error);
    mmn_replacement_free(&step.replacement);
    return status;
}

mmn_status mmn_json_read_decoder(mmn_tokenizer *tokenizer, const mmn_json_object *document,
                                 mmn_error *error)
{
    static const chain kind = {"decoders", read_decoder_step};
    mmn_status status = read_chain(&kind, tokenizer, document, "decoder", error);
    mmn_json_object decoder;
    if (status == MMN_OK)
        status = mmn_json_get_object(&decoder, document, "decoder", error);
    if (status == MMN_OK)
        tokenizer->decoder.is_set = decoder.value != NULL;
    return status;
}
