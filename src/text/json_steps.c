/* Reads tokenizer.json's normaliser, pre-tokeniser, post-processor and decoder. */
#include "text/tokenizer_parts.h"

#include <string.h>

#include "base/json.h"
#include "base/names.h"
#include "base/utf8.h"

/* Reads one step of a chain: `step` views it, `type` is its type. */
typedef void (*step_reader)(mmn_tokenizer *tokenizer, const mmn_object *step, const char *type);

/* A chain: where the elements of a "Sequence" are, and what reads another step. */
typedef struct chain {
    const char *sequence_key;
    step_reader read;
} chain;

/* Reads the step `step`, or the steps of the sequence that it is. */
static void read_steps(const chain *kind, mmn_tokenizer *tokenizer, const mmn_object *step,
                       int depth)
{
    const char *type = NULL, *key = kind->sequence_key;
    json_t *steps = NULL;
    mmn_read_text(&type, step, mmn_read_required(step, "type"));
    if (!mmn_read_fine(step))
        return;
    if (strcmp(type, "Sequence") != 0) {
        kind->read(tokenizer, step, type);
        return;
    }
    if (depth >= 4)
        mmn_read_wrong(step, "type", "sequences are nested too deeply");
    mmn_read_array(&steps, step, mmn_read_required(step, key));
    if (json_array_size(steps) > MMN_STEP_LIMIT)
        mmn_read_wrong(step, key, "has more than %d steps", MMN_STEP_LIMIT);
    for (size_t i = 0; i < json_array_size(steps) && mmn_read_fine(step); i++) {
        mmn_object element = mmn_read_element(step, key, steps, i);
        read_steps(kind, tokenizer, &element, depth + 1);
    }
}

static void read_chain(const chain *kind, mmn_tokenizer *tokenizer, const mmn_object *document,
                       const char *key)
{
    mmn_object step = mmn_read_object(document, key);
    if (step.value)
        read_steps(kind, tokenizer, &step, 0);
}

static void unsupported(const mmn_object *step, const char *type, const char *known)
{
    mmn_read_wrong(step, "type", "\"%.60s\" is not supported: expected %s", type, known);
}

/* A text that must be there, without U+0000, which no text of these steps can hold. */
static void read_text(const char **text, const mmn_object *step, const char *key)
{
    *text = "";
    mmn_read_text(text, step, mmn_read_required(step, key));
    if (strstr(*text, MMN_JSON_ZERO))
        mmn_read_wrong(step, key, "holds U+0000, which is not supported");
}

/* One character, zero-terminated. */
static void read_character(char character[5], const mmn_object *step, const char *key)
{
    const char *text;
    read_text(&text, step, key);
    if (*text == '\0' || strlen(text) != mmn_utf8_size(text))
        mmn_read_wrong(step, key, "must be one character and is \"%.60s\"", text);
    if (mmn_read_fine(step))
        strcpy(character, text);
}

/* A text that will stand in place of another. */
static void read_content(const char **text, const mmn_object *step, const char *key)
{
    read_text(text, step, key);
    if (strlen(*text) > MMN_REPLACEMENT_LENGTH_LIMIT)
        mmn_read_wrong(step, key, "has more than %d bytes", MMN_REPLACEMENT_LENGTH_LIMIT);
}

void mmn_json_read_prefix(const char **prefix, const mmn_object *json, const char *key)
{
    mmn_read_text(prefix, json, key);
    if (**prefix == '\0')
        mmn_read_wrong(json, key, "is empty, which is not supported");
    if (strlen(*prefix) > MMN_WORDPIECE_PREFIX_LIMIT)
        mmn_read_wrong(json, key, "has more than %d bytes", MMN_WORDPIECE_PREFIX_LIMIT);
}

static void make_replacement(mmn_replacement *replacement, const mmn_object *step, const char *from,
                             bool is_pattern, const char *to)
{
    MMN_READ_TRY(step,
                 mmn_replacement_make(replacement, from, is_pattern, to, step->reader->error));
}

/* {"type": "Replace", "pattern": {"String": "a"} or {"Regex": "a"}, "content": "b"} */
static void read_replacement(mmn_replacement *replacement, const mmn_object *step)
{
    const char *content, *pattern;
    read_content(&content, step, "content");
    mmn_object choice = mmn_read_object(step, mmn_read_required(step, "pattern"));
    bool is_pattern = mmn_object_value(&choice, "Regex");
    const char *key = is_pattern ? "Regex" : "String";
    read_text(&pattern, &choice, key);
    if (*pattern == '\0')
        mmn_read_wrong(&choice, key, "is empty");
    if (strlen(pattern) > MMN_TOKEN_LENGTH_LIMIT)
        mmn_read_wrong(&choice, key, "has more than %d bytes", MMN_TOKEN_LENGTH_LIMIT);
    make_replacement(replacement, step, pattern, is_pattern, content);
}

/* ---- Normaliser ------------------------------------------------------------------------------ */

/* The types of steps that have no settings. */
static const struct {
    const char *name;
    mmn_normalizer_kind kind;
} plain_normalizers[] = {{"Lowercase", MMN_NORMALIZER_LOWERCASE},
                         {"NFC", MMN_NORMALIZER_NFC},
                         {"NFD", MMN_NORMALIZER_NFD},
                         {"NFKC", MMN_NORMALIZER_NFKC},
                         {"NFKD", MMN_NORMALIZER_NFKD},
                         {"Nmt", MMN_NORMALIZER_NMT},
                         {"ByteLevel", MMN_NORMALIZER_BYTE_LEVEL},
                         {"StripAccents", MMN_NORMALIZER_STRIP_ACCENTS}};

static void read_normalizer_strip(mmn_normalizer_step *step, const mmn_object *json)
{
    static const char *const sides[] = {"strip_left", "strip_right"};
    mmn_read_all_required(json, sides, 2);
    mmn_read_bool(&step->left, json, sides[0]);
    mmn_read_bool(&step->right, json, sides[1]);
}

void mmn_json_read_bert_options(mmn_bert_options *options, const mmn_object *json,
                                const char *lowercase_key, const char *ideographs_key)
{
    mmn_read_bool(&options->clean_text, json, "clean_text");
    mmn_read_bool(&options->handle_chinese_chars, json, ideographs_key);
    mmn_read_bool(&options->lowercase, json, lowercase_key);
    options->strip_accents = options->lowercase;
    mmn_read_bool(&options->strip_accents, json, "strip_accents");
}

static void read_bert_normalizer(mmn_tokenizer *tokenizer, const mmn_object *json)
{
    static const char *const keys[] = {"clean_text", "handle_chinese_chars", "lowercase"};
    mmn_bert_options options = {0};
    mmn_read_all_required(json, keys, 3);
    mmn_json_read_bert_options(&options, json, keys[2], keys[1]);
    MMN_READ_TRY(json,
                 mmn_normalizer_add_bert(&tokenizer->normalizer, &options, json->reader->error));
}

static void read_character_map(mmn_character_map **map, const mmn_object *json)
{
    const char *base64;
    read_text(&base64, json, "precompiled_charsmap");
    MMN_READ_TRY(json, mmn_character_map_read(map, base64, json->reader->error));
}

static void read_normalizer_step(mmn_tokenizer *tokenizer, const mmn_object *json, const char *type)
{
    mmn_normalizer_step step = {0};
    size_t plain = MMN_NAME_INDEX(type, plain_normalizers);
    if (tokenizer->normalizer.count >= MMN_STEP_LIMIT)
        mmn_read_wrong(json, "type", "there are more than %d steps", MMN_STEP_LIMIT);
    if (strcmp(type, "BertNormalizer") == 0) {
        read_bert_normalizer(tokenizer, json);
        return;
    }
    if (strcmp(type, "Prepend") == 0) {
        const char *content;
        step.kind = MMN_NORMALIZER_PREPEND;
        read_content(&content, json, "prepend");
        make_replacement(&step.replacement, json, " ", false, content);
    } else if (strcmp(type, "Replace") == 0) {
        step.kind = MMN_NORMALIZER_REPLACE;
        read_replacement(&step.replacement, json);
    } else if (strcmp(type, "Strip") == 0) {
        step.kind = MMN_NORMALIZER_STRIP;
        read_normalizer_strip(&step, json);
    } else if (strcmp(type, "Precompiled") == 0) {
        step.kind = MMN_NORMALIZER_CHARACTER_MAP;
        read_character_map(&step.map, json);
    } else if (plain < MMN_LENGTH(plain_normalizers)) {
        step.kind = plain_normalizers[plain].kind;
    } else {
        unsupported(json, type,
                    "Sequence, Prepend, Replace, Strip, StripAccents, Lowercase, NFC, "
                    "NFD, NFKC, NFKD, Nmt, ByteLevel, Precompiled or BertNormalizer");
    }
    if (mmn_read_fine(json))
        mmn_read_failed(json,
                        mmn_normalizer_add(&tokenizer->normalizer, &step, json->reader->error));
    else
        mmn_normalizer_step_free(&step);
}

void mmn_json_read_normalizer(mmn_tokenizer *tokenizer, const mmn_object *document)
{
    static const chain kind = {"normalizers", read_normalizer_step};
    read_chain(&kind, tokenizer, document, "normalizer");
}

/* ---- Pre-tokeniser --------------------------------------------------------------------------- */

/* The keys of a Metaspace. add_prefix_space is an older way to say "never" (false), which the
 * `tokenizers` library accepts only together with it. */
static void read_metaspace(mmn_metaspace *metaspace, const mmn_object *json)
{
    static const char *const names[] = {[MMN_PREPEND_ALWAYS] = "always",
                                        [MMN_PREPEND_FIRST] = "first",
                                        [MMN_PREPEND_NEVER] = "never"};
    const char *scheme = names[MMN_PREPEND_ALWAYS];
    bool add_prefix_space = true;
    metaspace->split = true;
    read_character(metaspace->replacement, json, "replacement");
    metaspace->replacement_length = strlen(metaspace->replacement);
    mmn_read_text(&scheme, json, "prepend_scheme");
    mmn_read_bool(&add_prefix_space, json, "add_prefix_space");
    mmn_read_bool(&metaspace->split, json, "split");
    size_t found = MMN_NAME_INDEX(scheme, names);
    if (found == MMN_LENGTH(names))
        mmn_read_wrong(json, "prepend_scheme", "must be always, first or never and is \"%.60s\"",
                       scheme);
    metaspace->scheme = (mmn_prepend_scheme)found;
    if (!add_prefix_space && metaspace->scheme != MMN_PREPEND_NEVER)
        mmn_read_wrong(json, "add_prefix_space",
                       "is false, which contradicts the prepend_scheme \"%s\"", scheme);
}

static void read_pre_tokenizer_step(mmn_tokenizer *tokenizer, const mmn_object *json,
                                    const char *type)
{
    mmn_pre_tokenizer *pre_tokenizer = &tokenizer->pre_tokenizer;
    if (strcmp(type, "Metaspace") == 0) {
        mmn_pre_tokenizer_step step = {.kind = MMN_PRE_TOKENIZER_METASPACE};
        read_metaspace(&step.metaspace, json);
        MMN_READ_TRY(json, mmn_pre_tokenizer_add(pre_tokenizer, &step, json->reader->error));
    } else if (!mmn_json_read_split(pre_tokenizer, json, type)) {
        unsupported(json, type, "Sequence, Metaspace, " MMN_JSON_SPLITS);
    }
}

void mmn_json_read_pre_tokenizer(mmn_tokenizer *tokenizer, const mmn_object *document)
{
    static const chain kind = {"pretokenizers", read_pre_tokenizer_step};
    read_chain(&kind, tokenizer, document, "pre_tokenizer");
}

/* ---- Post-processor -------------------------------------------------------------------------- */

/* Appends the ids of the special token `name` of a TemplateProcessing. */
static void add_special(mmn_ids *ids, const mmn_object *template, const char *name)
{
    json_t *numbers = NULL;
    mmn_object tokens = mmn_read_object(template, "special_tokens");
    mmn_object token = mmn_read_object(&tokens, mmn_read_required(&tokens, name));
    mmn_read_array(&numbers, &token, mmn_read_required(&token, "ids"));
    for (size_t i = 0; i < json_array_size(numbers) && mmn_read_fine(&token); i++) {
        const json_t *number = json_array_get(numbers, i);
        json_int_t id = json_integer_value(number);
        if (!json_is_integer(number) || id < 0 || id >= MMN_VOCABULARY_LIMIT)
            mmn_read_wrong(&token, "ids", "must be ids from 0 to %d", MMN_VOCABULARY_LIMIT - 1);
        else if (i == MMN_STEP_LIMIT)
            mmn_read_wrong(&token, "ids", "has more than %d ids", MMN_STEP_LIMIT);
        else
            mmn_read_failed(&token, mmn_ids_add(ids, (int32_t)id, token.reader->error));
    }
}

/* One element of the template for a single text: {"SpecialToken": {"id": "<s>"}} or
 * {"Sequence": {"id": "A"}}. */
static void read_template_item(mmn_tokenizer *tokenizer, const mmn_object *template,
                               const mmn_object *item, bool *text_seen)
{
    bool is_text = mmn_object_value(item, "Sequence");
    const char *name;
    mmn_object choice = mmn_read_object(item, is_text ? "Sequence" : "SpecialToken");
    read_text(&name, &choice, "id");
    if (!is_text)
        add_special(*text_seen ? &tokenizer->after : &tokenizer->before, template, name);
    else if (*text_seen || strcmp(name, "A") != 0)
        mmn_read_wrong(&choice, "id", "the template for one text must hold the sequence A once");
    *text_seen |= is_text;
}

static void read_template(mmn_tokenizer *tokenizer, const mmn_object *json)
{
    json_t *items = NULL;
    bool text_seen = false;
    mmn_read_array(&items, json, mmn_read_required(json, "single"));
    if (json_array_size(items) > MMN_STEP_LIMIT)
        mmn_read_wrong(json, "single", "has more than %d elements", MMN_STEP_LIMIT);
    for (size_t i = 0; i < json_array_size(items) && mmn_read_fine(json); i++) {
        mmn_object item = mmn_read_element(json, "single", items, i);
        read_template_item(tokenizer, json, &item, &text_seen);
    }
    if (!text_seen)
        mmn_read_wrong(json, "single", "does not hold the sequence A");
}

/* Appends the id of `key`'s ["[CLS]", 101]. */
static void read_end(mmn_ids *ids, const mmn_object *json, const char *key)
{
    json_t *pair = NULL;
    mmn_read_array(&pair, json, mmn_read_required(json, key));
    const json_t *number = json_array_get(pair, 1);
    json_int_t id = json_integer_value(number);
    if (json_array_size(pair) != 2 || !json_is_string(json_array_get(pair, 0)) ||
        !json_is_integer(number) || id < 0 || id >= MMN_VOCABULARY_LIMIT)
        mmn_read_wrong(json, key, "must be a token and its id from 0 to %d",
                       MMN_VOCABULARY_LIMIT - 1);
    MMN_READ_TRY(json, mmn_ids_add(ids, (int32_t)id, json->reader->error));
}

static void read_bert_processing(mmn_tokenizer *tokenizer, const mmn_object *json)
{
    read_end(&tokenizer->before, json, "cls");
    read_end(&tokenizer->after, json, "sep");
}

static void read_post_processor_step(mmn_tokenizer *tokenizer, const mmn_object *json,
                                     const char *type)
{
    /* ByteLevel changes nothing but offsets here. */
    if (strcmp(type, "ByteLevel") == 0)
        return;
    /* RobertaProcessing differs from BertProcessing in offsets, and in pairs of texts. */
    bool is_bert = strcmp(type, "BertProcessing") == 0 || strcmp(type, "RobertaProcessing") == 0;
    if (!is_bert && strcmp(type, "TemplateProcessing") != 0)
        unsupported(json, type,
                    "Sequence, TemplateProcessing, BertProcessing, RobertaProcessing "
                    "or ByteLevel");
    if (tokenizer->before.count || tokenizer->after.count)
        mmn_read_wrong(json, "type", "there is more than one TemplateProcessing or BertProcessing");
    if (is_bert)
        read_bert_processing(tokenizer, json);
    else
        read_template(tokenizer, json);
}

void mmn_json_read_post_processor(mmn_tokenizer *tokenizer, const mmn_object *document)
{
    static const chain kind = {"processors", read_post_processor_step};
    read_chain(&kind, tokenizer, document, "post_processor");
}

/* ---- Decoder --------------------------------------------------------------------------------- */

static void read_decoder_strip(mmn_decoder_step *step, const mmn_object *json)
{
    uint32_t start = 0, stop = 0;
    read_character(step->content, json, "content");
    mmn_read_u32(&start, json, "start", 0, INT32_MAX);
    mmn_read_u32(&stop, json, "stop", 0, INT32_MAX);
    step->start = start;
    step->stop = stop;
}

static void read_decoder_metaspace(mmn_decoder_step *step, const mmn_object *json)
{
    mmn_metaspace metaspace = {0};
    read_metaspace(&metaspace, json);
    memcpy(step->content, metaspace.replacement, sizeof(step->content));
    step->drops_first = metaspace.scheme != MMN_PREPEND_NEVER;
}

static void read_wordpiece_decoder(mmn_tokenizer *tokenizer, const mmn_object *json)
{
    static const char *const keys[] = {"prefix", "cleanup"};
    const char *prefix = "";
    bool clean_up = false;
    mmn_read_all_required(json, keys, 2);
    mmn_json_read_prefix(&prefix, json, keys[0]);
    mmn_read_bool(&clean_up, json, keys[1]);
    MMN_READ_TRY(json,
                 mmn_decoder_add_bert(&tokenizer->decoder, prefix, clean_up, json->reader->error));
}

static void read_decoder_step(mmn_tokenizer *tokenizer, const mmn_object *json, const char *type)
{
    static const char *const types[] = {
        [MMN_DECODER_REPLACE] = "Replace",      [MMN_DECODER_BYTE_FALLBACK] = "ByteFallback",
        [MMN_DECODER_BYTE_LEVEL] = "ByteLevel", [MMN_DECODER_FUSE] = "Fuse",
        [MMN_DECODER_STRIP] = "Strip",          [MMN_DECODER_METASPACE] = "Metaspace"};
    mmn_decoder_step step = {0};
    if (tokenizer->decoder.count >= MMN_STEP_LIMIT)
        mmn_read_wrong(json, "type", "there are more than %d steps", MMN_STEP_LIMIT);
    if (strcmp(type, "WordPiece") == 0) {
        read_wordpiece_decoder(tokenizer, json);
        return;
    }
    size_t kind = MMN_NAME_INDEX(type, types);
    if (kind == MMN_LENGTH(types))
        unsupported(json, type,
                    "Sequence, Replace, ByteFallback, ByteLevel, Fuse, Strip, "
                    "Metaspace or WordPiece");
    step.kind = (mmn_decoder_kind)kind;
    if (step.kind == MMN_DECODER_REPLACE)
        read_replacement(&step.replacement, json);
    else if (step.kind == MMN_DECODER_STRIP)
        read_decoder_strip(&step, json);
    else if (step.kind == MMN_DECODER_METASPACE)
        read_decoder_metaspace(&step, json);
    if (mmn_read_fine(json))
        mmn_read_failed(json, mmn_decoder_add(&tokenizer->decoder, &step, json->reader->error));
    else
        mmn_replacement_free(&step.replacement);
}

void mmn_json_read_decoder(mmn_tokenizer *tokenizer, const mmn_object *document)
{
    static const chain kind = {"decoders", read_decoder_step};
    read_chain(&kind, tokenizer, document, "decoder");
    tokenizer->decoder.is_set = mmn_object_value(document, "decoder") != NULL;
}
