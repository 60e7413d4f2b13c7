/* Reads a tokenizer.json: its model, its added tokens, and through json_steps.h the rest. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/json_python.h"
#include "base/memory.h"
#include "text/json_bert.h"
#include "text/json_steps.h"
#include "text/json_vocabulary.h"
#include "text/tokenizer_parts.h"

/* ---- Model ----------------------------------------------------------------------------------- */

/* Refuses options of the model that change ids and are not supported. */
static mmn_status check_bpe(const mmn_json_object *model, mmn_error *error)
{
    static const char *const affixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    const char *affix = "";
    double dropout = 0.0;
    mmn_status status = mmn_json_get_f64(&dropout, model, "dropout", 0.0, 1.0, error);
    if (status == MMN_OK && dropout != 0.0)
        status = mmn_json_fail(model, "dropout", error,
                               "is %g: a tokenizer that merges by chance is not supported",
                               dropout);
    for (size_t i = 0; i < 2 && status == MMN_OK; i++) {
        status = mmn_json_get_text(&affix, model, affixes[i], error);
        if (status == MMN_OK && *affix != '\0')
            status = mmn_json_fail(model, affixes[i], error, "\"%.60s\" is not supported", affix);
    }
    return status;
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

static mmn_status read_merge(mmn_bpe *bpe, const mmn_json_object *model, size_t index,
                             const json_t *json, mmn_error *error)
{
    merge_texts texts;
    char name[40];
    snprintf(name, sizeof(name), "merges[%zu]", index);
    if (!split_merge(&texts, json))
        return mmn_json_fail(model, name, error,
                             "must be two tokens of at most %d bytes, as \"a b\" or [\"a\", \"b\"]",
                             MMN_TOKEN_LENGTH_LIMIT);
    const char *right = texts.joined + texts.left;
    const mmn_merge merge = {
        .left = mmn_vocabulary_find(&bpe->vocabulary, texts.joined, texts.left),
        .right = mmn_vocabulary_find(&bpe->vocabulary, right, texts.right),
        .id = mmn_vocabulary_find(&bpe->vocabulary, texts.joined, texts.left + texts.right),
        .rank = (uint32_t)index};
    if (merge.left < 0 || merge.right < 0 || merge.id < 0)
        return mmn_json_fail(model, name, error,
                             "joins \"%.*s\" and \"%.*s\", but the vocabulary lacks one of the "
                             "two or what they make", texts.left < 60 ? (int)texts.left : 60,
                             texts.joined, texts.right < 60 ? (int)texts.right : 60, right);
    return mmn_bpe_add_merge(bpe, &merge, error);
}

static mmn_status read_merges(mmn_bpe *bpe, const mmn_json_object *model, mmn_error *error)
{
    json_t *merges = NULL;
    mmn_status status = mmn_json_require(model, "merges", error);
    if (status == MMN_OK)
        status = mmn_json_get_array(&merges, model, "merges", error);
    bool pairs = json_is_array(json_array_get(merges, 0));
    for (size_t i = 0; status == MMN_OK && i < json_array_size(merges); i++) {
        const json_t *merge = json_array_get(merges, i);
        const char *text = json_string_value(merge);
        if (json_is_array(merge) != pairs)
            status = mmn_json_fail(model, "merges", error, "mixes texts and pairs of texts");
        /* A line that files of merges begin with. */
        else if (!text || strncmp(text, "#version", 8) != 0)
            status = read_merge(bpe, model, i, merge, error);
    }
    return status;
}

static mmn_status read_unknown(mmn_bpe *bpe, const mmn_json_object *model, mmn_error *error)
{
    const char *unknown = NULL;
    bool bytes = bpe->byte_fallback;
    mmn_status status = mmn_json_get_text(&unknown, model, "unk_token", error);
    bpe->unknown = unknown ? mmn_vocabulary_find(&bpe->vocabulary, unknown, strlen(unknown)) : -1;
    for (size_t i = 0; i < 256; i++)
        bytes = bytes && bpe->byte_ids[i] >= 0;
    /* Where every byte has a token, the unknown token is never wanted. */
    if (status == MMN_OK && unknown && bpe->unknown < 0 && !bytes)
        status = mmn_json_fail(model, "unk_token", error, "\"%.60s\" is not in the vocabulary",
                               unknown);
    return status;
}

static mmn_status read_bpe(mmn_bpe *bpe, const mmn_json_object *model, mmn_error *error)
{
    mmn_status status = check_bpe(model, error);
    bpe->rule = MMN_BPE_MERGES;
    if (status == MMN_OK)
        status = mmn_json_get_bool(&bpe->fuse_unknown, model, "fuse_unk", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&bpe->byte_fallback, model, "byte_fallback", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&bpe->ignore_merges, model, "ignore_merges", error);
    if (status == MMN_OK)
        status = mmn_json_read_vocabulary(&bpe->vocabulary, model, error);
    if (status == MMN_OK)
        mmn_bpe_find_bytes(bpe);
    if (status == MMN_OK)
        status = read_merges(bpe, model, error);
    if (status == MMN_OK)
        status = read_unknown(bpe, model, error);
    return status;
}

static mmn_status read_model(mmn_tokenizer *tokenizer, const mmn_json_object *document,
                             mmn_error *error)
{
    mmn_json_object model;
    const char *type = "BPE";
    mmn_status status = mmn_json_require(document, "model", error);
    if (status == MMN_OK)
        status = mmn_json_get_object(&model, document, "model", error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&type, &model, "type", error);
    if (status != MMN_OK)
        return status;
    if (strcmp(type, "WordPiece") == 0)
        return mmn_json_read_wordpiece(tokenizer, &model, error);
    if (strcmp(type, "BPE") == 0)
        return read_bpe(&tokenizer->bpe, &model, error);
    return mmn_json_fail(&model, "type", error,
                         "\"%.60s\" is not supported: expected BPE or WordPiece", type);
}

/* ---- Added tokens ---------------------------------------------------------------------------- */

static mmn_status read_added_token(mmn_tokenizer *tokenizer, const mmn_json_object *json,
                                   mmn_error *error)
{
    static const char *const keys[] = {"id",     "content",    "single_word", "lstrip",
                                       "rstrip", "normalized", "special"};
    mmn_added_token token = {0};
    const char *content = "";
    char text[MMN_TOKEN_LENGTH_LIMIT];
    uint32_t id = 0;
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && status == MMN_OK; i++)
        status = mmn_json_require(json, keys[i], error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&id, json, "id", 0, MMN_VOCABULARY_LIMIT - 1, error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&content, json, "content", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&token.single_word, json, "single_word", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&token.lstrip, json, "lstrip", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&token.rstrip, json, "rstrip", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&token.normalized, json, "normalized", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&token.special, json, "special", error);
    if (status != MMN_OK)
        return status;
    size_t length = strlen(content);
    if (length > MMN_TOKEN_LENGTH_LIMIT)
        return mmn_json_fail(json, "content", error, "has more than %d bytes",
                             MMN_TOKEN_LENGTH_LIMIT);
    length = mmn_json_restore_zeros(text, content, length);
    /* The `tokenizers` library gives it this id, whatever the file says. */
    int64_t expected = mmn_added_tokens_next_id(
        &tokenizer->added, mmn_model_vocabulary(tokenizer), text, length);
    if (id != expected)
        return mmn_json_fail(json, "id", error,
                             "is %u, but \"%.60s\" gets the id %lld from the vocabulary",
                             (unsigned)id, content, (long long)expected);
    token.id = (int32_t)id;
    return mmn_added_tokens_add(&tokenizer->added, &token, text, length, error);
}

static mmn_status read_added_tokens(mmn_tokenizer *tokenizer, const mmn_json_object *document,
                                    mmn_error *error)
{
    json_t *tokens = NULL;
    mmn_status status = mmn_json_get_array(&tokens, document, "added_tokens", error);
    for (size_t i = 0; status == MMN_OK && i < json_array_size(tokens); i++) {
        mmn_json_object token;
        status = mmn_json_element(&token, document, "added_tokens", i, json_array_get(tokens, i),
                                  error);
        if (status == MMN_OK)
            status = read_added_token(tokenizer, &token, error);
    }
    return status;
}

/* ---- File ------------------------------------------------------------------------------------ */

/* `truncation` and `padding` are left alone: transformers switches them off for each call too. */
mmn_status mmn_tokenizer_read_json(mmn_tokenizer *tokenizer, const char *text, size_t size,
                                   const char *file, mmn_error *error)
{
    json_t *value = NULL;
    mmn_json_object document;
    const char *version = "1.0";
    mmn_status status = mmn_json_parse_published(&value, text, size, file, error);
    if (status == MMN_OK)
        status = mmn_json_as_object(&document, value, file, error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&version, &document, "version", error);
    if (status == MMN_OK && strcmp(version, "1.0") != 0)
        status = mmn_json_fail(&document, "version", error, "must be \"1.0\" and is \"%.60s\"",
                               version);
    if (status == MMN_OK)
        status = read_model(tokenizer, &document, error);
    if (status == MMN_OK)
        status = mmn_json_read_normalizer(tokenizer, &document, error);
    if (status == MMN_OK)
        status = mmn_json_read_pre_tokenizer(tokenizer, &document, error);
    if (status == MMN_OK)
        status = mmn_json_read_post_processor(tokenizer, &document, error);
    if (status == MMN_OK)
        status = mmn_json_read_decoder(tokenizer, &document, error);
    if (status == MMN_OK)
        status = read_added_tokens(tokenizer, &document, error);
    json_decref(value);
    return mmn_error_in_file(error, status, file);
}
