/* Reads a tokenizer.json: its model, its added tokens, and through json_steps.h the rest. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/reader.h"
#include "text/tokenizer_parts.h"

/* ---- Model ----------------------------------------------------------------------------------- */

/* Reads the model's `vocab`, texts with their ids, which models of every kind write alike. */
static void read_vocabulary(mmn_vocabulary *vocabulary, const mmn_object *model)
{
    const char *text;
    json_t *id;
    char token[MMN_TOKEN_LENGTH_LIMIT];
    mmn_object tokens = mmn_read_object(model, mmn_read_required(model, "vocab"));
    json_object_foreach(tokens.value, text, id)
    {
        size_t length = strlen(text);
        if (!json_is_integer(id))
            mmn_read_wrong(&tokens, text, "must be an id");
        if (length > MMN_TOKEN_LENGTH_LIMIT)
            mmn_read_wrong(&tokens, "", "has a token of %zu bytes, beyond %d", length,
                           MMN_TOKEN_LENGTH_LIMIT);
        if (!mmn_read_fine(model))
            return;
        length = mmn_json_restore_zeros(token, text, length);
        mmn_read_failed(model, mmn_vocabulary_add(vocabulary, token, length, json_integer_value(id),
                                                  model->reader->error));
    }
}

/* Refuses options of the model that change ids and are not supported. */
static void check_bpe(const mmn_object *model)
{
    const char *prefix = "";
    double dropout = 0.0;
    mmn_read_f64(&dropout, model, "dropout", 0.0, 1.0);
    if (dropout != 0.0)
        mmn_read_wrong(model, "dropout",
                       "is %g: a tokenizer that merges by chance is not supported", dropout);
    mmn_read_text(&prefix, model, "continuing_subword_prefix");
    if (*prefix != '\0')
        mmn_read_wrong(model, "continuing_subword_prefix", "\"%.60s\" is not supported", prefix);
}

static void read_word_end(mmn_bpe *bpe, const mmn_object *model)
{
    static const char key[] = "end_of_word_suffix";
    const char *suffix = "";
    mmn_read_text(&suffix, model, key);
    if (strlen(suffix) > MMN_WORD_END_LIMIT || strstr(suffix, MMN_JSON_ZERO))
        mmn_read_wrong(model, key, "has more than %d bytes, or holds U+0000", MMN_WORD_END_LIMIT);
    if (*suffix != '\0' && bpe->byte_fallback)
        mmn_read_wrong(model, key, "\"%.60s\" is not supported with byte_fallback", suffix);
    if (mmn_read_fine(model))
        strcpy(bpe->word_end, suffix);
}

/* The halves of a merge, one behind the other. */
typedef struct merge_texts {
    char joined[2 * MMN_TOKEN_LENGTH_LIMIT];
    size_t left, right; /* lengths */
} merge_texts;

/* Takes apart "a b" or ["a", "b"]; false if it is neither, or too long. */
static bool split_merge(merge_texts *texts, const json_t *merge)
{
    const char *left = json_string_value(merge), *right;
    size_t left_length;
    if (json_is_array(merge)) {
        left = json_string_value(json_array_get(merge, 0));
        right = json_string_value(json_array_get(merge, 1));
        if (json_array_size(merge) != 2 || !left || !right)
            return false;
        left_length = strlen(left);
    } else {
        const char *space = left ? strchr(left, ' ') : NULL;
        if (!space || strchr(space + 1, ' '))
            return false;
        left_length = (size_t)(space - left);
        right = space + 1;
    }
    if (left_length > MMN_TOKEN_LENGTH_LIMIT || strlen(right) > MMN_TOKEN_LENGTH_LIMIT)
        return false;
    texts->left = mmn_json_restore_zeros(texts->joined, left, left_length);
    texts->right = mmn_json_restore_zeros(texts->joined + texts->left, right, strlen(right));
    return true;
}

static void read_merge(mmn_bpe *bpe, const mmn_object *model, size_t index, const json_t *json)
{
    merge_texts texts;
    char name[40];
    snprintf(name, sizeof(name), "merges[%zu]", index);
    if (!split_merge(&texts, json)) {
        mmn_read_wrong(model, name,
                       "must be two tokens of at most %d bytes, as \"a b\" or [\"a\", \"b\"]",
                       MMN_TOKEN_LENGTH_LIMIT);
        return;
    }
    const char *right = texts.joined + texts.left;
    const mmn_merge merge = {
        .left = mmn_vocabulary_find(&bpe->vocabulary, texts.joined, texts.left),
        .right = mmn_vocabulary_find(&bpe->vocabulary, right, texts.right),
        .id = mmn_vocabulary_find(&bpe->vocabulary, texts.joined, texts.left + texts.right),
        .rank = (uint32_t)index};
    if (merge.left < 0 || merge.right < 0 || merge.id < 0)
        mmn_read_wrong(model, name,
                       "joins \"%.*s\" and \"%.*s\", but the vocabulary lacks one of the two or "
                       "what they make",
                       texts.left < 60 ? (int)texts.left : 60, texts.joined,
                       texts.right < 60 ? (int)texts.right : 60, right);
    else
        mmn_read_failed(model, mmn_bpe_add_merge(bpe, &merge, model->reader->error));
}

static void read_merges(mmn_bpe *bpe, const mmn_object *model)
{
    json_t *merges = NULL;
    mmn_read_array(&merges, model, mmn_read_required(model, "merges"));
    bool pairs = json_is_array(json_array_get(merges, 0));
    for (size_t i = 0; i < json_array_size(merges) && mmn_read_fine(model); i++) {
        const json_t *merge = json_array_get(merges, i);
        const char *text = json_string_value(merge);
        if (json_is_array(merge) != pairs)
            mmn_read_wrong(model, "merges", "mixes texts and pairs of texts");
        /* A line that files of merges begin with. */
        else if (!text || strncmp(text, "#version", 8) != 0)
            read_merge(bpe, model, i, merge);
    }
}

static void read_unknown(mmn_bpe *bpe, const mmn_object *model)
{
    const char *unknown = NULL;
    bool bytes = bpe->byte_fallback;
    mmn_read_text(&unknown, model, "unk_token");
    bpe->unknown = unknown ? mmn_vocabulary_find(&bpe->vocabulary, unknown, strlen(unknown)) : -1;
    for (size_t i = 0; i < 256; i++)
        bytes = bytes && bpe->byte_ids[i] >= 0;
    /* Where every byte has a token, the unknown token is never wanted. */
    if (unknown && bpe->unknown < 0 && !bytes)
        mmn_read_wrong(model, "unk_token", "\"%.60s\" is not in the vocabulary", unknown);
}

static void read_bpe(mmn_bpe *bpe, const mmn_object *model)
{
    bpe->rule = MMN_BPE_MERGES;
    check_bpe(model);
    mmn_read_bool(&bpe->fuse_unknown, model, "fuse_unk");
    mmn_read_bool(&bpe->byte_fallback, model, "byte_fallback");
    mmn_read_bool(&bpe->ignore_merges, model, "ignore_merges");
    read_word_end(bpe, model);
    read_vocabulary(&bpe->vocabulary, model);
    if (mmn_read_fine(model))
        mmn_find_byte_tokens(bpe->byte_ids, &bpe->vocabulary);
    read_merges(bpe, model);
    read_unknown(bpe, model);
}

static void read_wordpiece(mmn_tokenizer *tokenizer, const mmn_object *model)
{
    static const char *const keys[] = {"unk_token", "continuing_subword_prefix",
                                       "max_input_chars_per_word"};
    mmn_wordpiece *wordpiece = &tokenizer->wordpiece;
    const char *unknown = "", *prefix = "";
    uint32_t longest = 0;
    tokenizer->model = MMN_MODEL_WORDPIECE;
    mmn_read_all_required(model, keys, 3);
    mmn_read_text(&unknown, model, keys[0]);
    mmn_json_read_prefix(&prefix, model, keys[1]);
    mmn_read_u32(&longest, model, keys[2], 0, MMN_WORDPIECE_CHARACTER_LIMIT);
    read_vocabulary(&wordpiece->vocabulary, model);
    if (!mmn_read_fine(model))
        return;
    strcpy(wordpiece->prefix, prefix);
    wordpiece->longest_word = longest;
    wordpiece->unknown = mmn_vocabulary_find(&wordpiece->vocabulary, unknown, strlen(unknown));
    if (wordpiece->unknown < 0)
        mmn_read_wrong(model, "unk_token", "\"%.60s\" is not in the vocabulary", unknown);
}

/* The number that the `tokenizers` library reads where a file has the shortest decimals of `value`,
 * which differ in the last bit now and then and then break ties: its digits as an integer, divided
 * or multiplied by a power of ten (serde_json without float_roundtrip). */
static mmn_status read_as_serde(double *value, mmn_error *error)
{
    mmn_text text = {0};
    char power[32];
    uint64_t digits = 0;
    long exponent = 0;
    bool fraction = false;
    mmn_text_add_real(&text, fabs(*value));
    mmn_status status = mmn_text_status(&text, error);
    const char *at = status == MMN_OK ? text.text : "";
    for (; (*at >= '0' && *at <= '9') || *at == '.'; at++) {
        fraction |= *at == '.';
        if (*at != '.') {
            digits = digits * 10 + (uint64_t)(*at - '0');
            exponent -= fraction;
        }
    }
    if (*at == 'e')
        exponent += strtol(at + 1, NULL, 10);
    mmn_text_free(&text);
    double made = (double)digits;
    for (; exponent < -308; exponent += 308)
        made /= 1e308;
    snprintf(power, sizeof(power), "1e%ld", labs(exponent));
    made = exponent < 0 ? made / strtod(power, NULL) : made * strtod(power, NULL);
    *value = copysign(made, *value);
    return status;
}

/* Adds element `index` of the array `vocab`: ["▁the", -2.5]. */
static void read_scored(mmn_unigram *unigram, const mmn_object *model, size_t index,
                        const json_t *json)
{
    const char *text = json_string_value(json_array_get(json, 0));
    const json_t *score = json_array_get(json, 1);
    char name[40], token[MMN_TOKEN_LENGTH_LIMIT];
    size_t length = text ? strlen(text) : 0;
    snprintf(name, sizeof(name), "vocab[%zu]", index);
    if (!text || json_array_size(json) != 2 || !json_is_number(score) ||
        mmn_json_odd_number(score) || length > MMN_TOKEN_LENGTH_LIMIT) {
        mmn_read_wrong(model, name, "must be a token of at most %d bytes and its score",
                       MMN_TOKEN_LENGTH_LIMIT);
        return;
    }
    double value = json_number_value(score);
    length = mmn_json_restore_zeros(token, text, length);
    if (json_is_real(score))
        mmn_read_failed(model, read_as_serde(&value, model->reader->error));
    MMN_READ_TRY(model, mmn_unigram_add(unigram, token, length, value, model->reader->error));
}

static void read_unigram(mmn_tokenizer *tokenizer, const mmn_object *model)
{
    mmn_unigram *unigram = &tokenizer->unigram;
    json_t *tokens = NULL;
    int64_t unknown = -1;
    tokenizer->model = MMN_MODEL_UNIGRAM;
    mmn_read_array(&tokens, model, mmn_read_required(model, "vocab"));
    for (size_t i = 0; i < json_array_size(tokens) && mmn_read_fine(model); i++)
        read_scored(unigram, model, i, json_array_get(tokens, i));
    mmn_read_i64(&unknown, model, "unk_id", 0, MMN_VOCABULARY_LIMIT);
    if (unknown >= (int64_t)unigram->vocabulary.size)
        mmn_read_wrong(model, "unk_id", "is %lld, and the vocabulary has %zu tokens",
                       (long long)unknown, unigram->vocabulary.size);
    unigram->unknown = (int32_t)unknown;
    mmn_read_bool(&unigram->byte_fallback, model, "byte_fallback");
    MMN_READ_TRY(model, mmn_unigram_finish(unigram, model->reader->error));
}

static void read_model(mmn_tokenizer *tokenizer, const mmn_object *document)
{
    const char *type = "BPE";
    mmn_object model = mmn_read_object(document, mmn_read_required(document, "model"));
    mmn_read_text(&type, &model, "type");
    if (strcmp(type, "WordPiece") == 0)
        read_wordpiece(tokenizer, &model);
    else if (strcmp(type, "Unigram") == 0)
        read_unigram(tokenizer, &model);
    else if (strcmp(type, "BPE") == 0)
        read_bpe(&tokenizer->bpe, &model);
    else
        mmn_read_wrong(&model, "type",
                       "\"%.60s\" is not supported: expected BPE, WordPiece or Unigram", type);
}

/* ---- Added tokens ---------------------------------------------------------------------------- */

static void read_added_token(mmn_tokenizer *tokenizer, const mmn_object *json)
{
    static const char *const keys[] = {"id",     "content",    "single_word", "lstrip",
                                       "rstrip", "normalized", "special"};
    mmn_added_token token = {0};
    const char *content = "";
    char text[MMN_TOKEN_LENGTH_LIMIT];
    uint32_t id = 0;
    mmn_read_all_required(json, keys, MMN_LENGTH(keys));
    mmn_read_u32(&id, json, "id", 0, MMN_VOCABULARY_LIMIT - 1);
    mmn_read_text(&content, json, "content");
    mmn_read_bool(&token.single_word, json, "single_word");
    mmn_read_bool(&token.lstrip, json, "lstrip");
    mmn_read_bool(&token.rstrip, json, "rstrip");
    mmn_read_bool(&token.normalized, json, "normalized");
    mmn_read_bool(&token.special, json, "special");
    size_t length = strlen(content);
    if (length > MMN_TOKEN_LENGTH_LIMIT)
        mmn_read_wrong(json, "content", "has more than %d bytes", MMN_TOKEN_LENGTH_LIMIT);
    if (!mmn_read_fine(json))
        return;
    length = mmn_json_restore_zeros(text, content, length);
    /* The `tokenizers` library gives it this id, whatever the file says. */
    int64_t expected =
        mmn_added_tokens_next_id(&tokenizer->added, mmn_model_vocabulary(tokenizer), text, length);
    token.id = (int32_t)id;
    if (id != expected)
        mmn_read_wrong(json, "id", "is %u, but \"%.60s\" gets the id %lld from the vocabulary",
                       (unsigned)id, content, (long long)expected);
    else
        mmn_read_failed(json, mmn_added_tokens_add(&tokenizer->added, &token, text, length,
                                                   json->reader->error));
}

static void read_added_tokens(mmn_tokenizer *tokenizer, const mmn_object *document)
{
    json_t *tokens = NULL;
    mmn_read_array(&tokens, document, "added_tokens");
    for (size_t i = 0; i < json_array_size(tokens) && mmn_read_fine(document); i++) {
        mmn_object token = mmn_read_element(document, "added_tokens", tokens, i);
        read_added_token(tokenizer, &token);
    }
}

/* ---- File ------------------------------------------------------------------------------------ */

/* `truncation` and `padding` are left alone: transformers switches them off for each call too. */
mmn_status mmn_tokenizer_read_json(mmn_tokenizer *tokenizer, const char *text, size_t size,
                                   const char *file, mmn_error *error)
{
    json_t *value = NULL;
    const char *version = "1.0";
    mmn_reader reader = {.error = error};
    reader.status = mmn_json_parse_published(&value, text, size, file, error);
    mmn_object document = mmn_read_document(&reader, value, file);
    mmn_read_text(&version, &document, "version");
    if (strcmp(version, "1.0") != 0)
        mmn_read_wrong(&document, "version", "must be \"1.0\" and is \"%.60s\"", version);
    read_model(tokenizer, &document);
    mmn_json_read_normalizer(tokenizer, &document);
    mmn_json_read_pre_tokenizer(tokenizer, &document);
    mmn_json_read_post_processor(tokenizer, &document);
    mmn_json_read_decoder(tokenizer, &document);
    read_added_tokens(tokenizer, &document);
    json_decref(value);
    return mmn_error_in_file(error, reader.status, file);
}
