/* Reads a folder's tokenizer.model or vocab.txt with what the JSON files beside it add:
 * added_tokens.json, special_tokens_map.json and tokenizer_config.json. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "text/json_bert.h"
#include "text/tokenizer_parts.h"
#include "text/utf8.h"

#define MODEL_LIMIT (64u << 20)
#define JSON_LIMIT (16u << 20)

/* The JSON files; those that are not there have no value. */
typedef struct side_files {
    mmn_json_object config, special_map, added;
    json_t *documents[3];
    char *paths[3];
} side_files;

static void close_side_files(side_files *files)
{
    for (size_t i = 0; i < 3; i++) {
        json_decref(files->documents[i]);
        mmn_free(files->paths[i]);
    }
}

static mmn_status open_side_files(side_files *files, const char *folder, mmn_error *error)
{
    static const char *const names[] = {"tokenizer_config.json", "special_tokens_map.json",
                                        "added_tokens.json"};
    mmn_json_object *const objects[] = {&files->config, &files->special_map, &files->added};
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < 3 && status == MMN_OK; i++) {
        status = mmn_path_join(&files->paths[i], folder, names[i], error);
        if (status == MMN_OK)
            status = mmn_json_load_if_there(&files->documents[i], files->paths[i], JSON_LIMIT,
                                            error);
        if (status == MMN_OK && files->documents[i])
            status = mmn_json_as_object(objects[i], files->documents[i], files->paths[i], error);
    }
    return status;
}

/* ---- Added tokens ---------------------------------------------------------------------------- */

/* The text of a token that is given as a text or as an object with its content; NULL otherwise. */
static const char *content_of(const json_t *token)
{
    return json_string_value(json_is_object(token) ? json_object_get(token, "content") : token);
}

/* Whether one of the keys "bos_token", "pad_token", "additional_special_tokens", ... names it. */
static bool is_named_special(const mmn_json_object *object, const char *content)
{
    const char *key;
    json_t *value;
    json_object_foreach(object->value, key, value) {
        const char *named = content_of(value);
        if (strstr(key, "_token") && named && strcmp(named, content) == 0)
            return true;
        for (size_t i = 0; strstr(key, "special_tokens") && i < json_array_size(value); i++) {
            named = content_of(json_array_get(value, i));
            if (named && strcmp(named, content) == 0)
                return true;
        }
    }
    return false;
}

/* Adds a token, or changes how one is found that the model has as a control piece. Its id must be
 * the piece's, if it is one. */
static mmn_status add_token(mmn_tokenizer *tokenizer, const mmn_json_object *object,
                            const char *key, const mmn_added_token *token, const char *content,
                            mmn_error *error)
{
    mmn_added_tokens *added = &tokenizer->added;
    size_t length = strlen(content);
    if (length > MMN_TOKEN_LENGTH_LIMIT)
        return mmn_json_fail(object, key, error, "has more than %d bytes", MMN_TOKEN_LENGTH_LIMIT);
    const mmn_vocabulary *vocabulary = mmn_model_vocabulary(tokenizer);
    const char *piece = mmn_vocabulary_text(vocabulary, token->id, NULL);
    int32_t id = mmn_vocabulary_find(vocabulary, content, length);
    if ((piece && strcmp(piece, content) != 0) || (id >= 0 && id != token->id))
        return mmn_json_fail(object, key, error,
                             "gives \"%.60s\" the id %d, but the vocabulary says otherwise",
                             content, (int)token->id);
    for (size_t i = 0; i < added->count; i++)
        if (added->tokens[i].id == token->id &&
            mmn_vocabulary_find(&added->contents, content, length) == token->id) {
            added->tokens[i] = *token;
            return MMN_OK;
        }
    return mmn_added_tokens_add(added, token, content, length, error);
}

/* {"32000": {"content": "<image>", "special": true, ...}, ...} */
static mmn_status read_decoder_entry(mmn_tokenizer *tokenizer, const mmn_json_object *entries,
                                     const char *key, mmn_error *error)
{
    mmn_json_object entry;
    mmn_added_token token = {0};
    const char *content = NULL;
    char *end;
    long id = strtol(key, &end, 10);
    if (end == key || *end != '\0' || id < 0 || id >= MMN_VOCABULARY_LIMIT)
        return mmn_json_fail(entries, key, error, "must be an id from 0 to %d",
                             MMN_VOCABULARY_LIMIT - 1);
    token.id = (int32_t)id;
    mmn_status status = mmn_json_get_object(&entry, entries, key, error);
    if (status == MMN_OK)
        status = mmn_json_require(&entry, "content", error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&content, &entry, "content", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&token.special, &entry, "special", error);
    token.normalized = !token.special;
    if (status == MMN_OK)
        status = mmn_json_get_bool(&token.normalized, &entry, "normalized", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&token.single_word, &entry, "single_word", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&token.lstrip, &entry, "lstrip", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&token.rstrip, &entry, "rstrip", error);
    if (status == MMN_OK)
        status = add_token(tokenizer, entries, key, &token, content, error);
    return status;
}

/* Newer folders say in tokenizer_config.json how each added token is found; older ones have only
 * ids, in added_tokens.json. */
static mmn_status read_added_tokens(mmn_tokenizer *tokenizer, const side_files *files,
                                    mmn_error *error)
{
    mmn_json_object entries;
    const char *key;
    json_t *value;
    mmn_status status =
        mmn_json_get_object(&entries, &files->config, "added_tokens_decoder", error);
    if (status == MMN_OK && entries.value) {
        json_object_foreach(entries.value, key, value) {
            status = read_decoder_entry(tokenizer, &entries, key, error);
            if (status != MMN_OK)
                break;
        }
        return status;
    }
    json_object_foreach(files->added.value, key, value) {
        uint32_t id = 0;
        if (status == MMN_OK)
            status = mmn_json_require(&files->added, key, error);
        if (status == MMN_OK)
            status = mmn_json_get_u32(&id, &files->added, key, 0, MMN_VOCABULARY_LIMIT - 1, error);
        if (status != MMN_OK)
            break;
        bool special = is_named_special(&files->config, key) ||
                       is_named_special(&files->special_map, key);
        const mmn_added_token token = {
            .id = (int32_t)id, .special = special, .normalized = !special};
        status = add_token(tokenizer, &files->added, key, &token, key, error);
    }
    return status;
}

/* ---- Beginning and end of a text ------------------------------------------------------------- */

/* The special token that the settings call `key`, or the usual one. */
static const char *special_content(const side_files *files, const char *key, const char *usual)
{
    const char *content = content_of(json_object_get(files->config.value, key));
    if (!content)
        content = content_of(json_object_get(files->special_map.value, key));
    return content ? content : usual;
}

/* Appends the token that a text begins or ends with, if `wanted_key` says so or is absent and
 * `wanted` is set. */
static mmn_status add_end_token(mmn_ids *ids, const mmn_tokenizer *tokenizer,
                                const side_files *files, const char *wanted_key, bool wanted,
                                const char *token_key, const char *usual, mmn_error *error)
{
    mmn_status status = mmn_json_get_bool(&wanted, &files->config, wanted_key, error);
    if (status != MMN_OK || !wanted)
        return status;
    const char *content = special_content(files, token_key, usual);
    int32_t id;
    if (!mmn_tokenizer_token_to_id(tokenizer, content, &id))
        return mmn_json_fail(&files->config, token_key, error,
                             "\"%.60s\" is not a token of tokenizer.model", content);
    return mmn_ids_add(ids, id, error);
}

mmn_status mmn_tokenizer_read_model(mmn_tokenizer *tokenizer, const char *folder,
                                    mmn_error *error)
{
    side_files files = {0};
    char *path = NULL, *data = NULL;
    size_t size;
    mmn_status status = mmn_path_join(&path, folder, "tokenizer.model", error);
    if (status == MMN_OK)
        status = mmn_read_file(&data, &size, path, MODEL_LIMIT, error);
    if (status == MMN_OK) {
        status = mmn_sentencepiece_read(tokenizer, (const uint8_t *)data, size, error);
        status = mmn_error_in_file(error, status, path);
    }
    if (status == MMN_OK)
        status = open_side_files(&files, folder, error);
    if (status == MMN_OK)
        status = read_added_tokens(tokenizer, &files, error);
    if (status == MMN_OK)
        status = add_end_token(&tokenizer->before, tokenizer, &files, "add_bos_token", true,
                               "bos_token", "<s>", error);
    if (status == MMN_OK)
        status = add_end_token(&tokenizer->after, tokenizer, &files, "add_eos_token", false,
                               "eos_token", "</s>", error);
    status = mmn_error_in_file(error, status, path ? path : folder);
    close_side_files(&files);
    mmn_free(path);
    mmn_free(data);
    return status;
}

/* ---- vocab.txt ------------------------------------------------------------------------------- */

/* A token a line; the first has the id 0. */
static mmn_status read_lines(mmn_vocabulary *vocabulary, const char *text, size_t size,
                             mmn_error *error)
{
    mmn_status status = MMN_OK;
    size_t end;
    for (size_t start = 0; start < size && status == MMN_OK; start = end + 1) {
        const char *line_end = memchr(text + start, '\n', size - start);
        end = line_end ? (size_t)(line_end - text) : size;
        size_t length = end - start;
        if (length > 0 && text[end - 1] == '\r')
            length--;
        char where[64];
        snprintf(where, sizeof(where), "line %zu", vocabulary->count + 1);
        if (length > MMN_TOKEN_LENGTH_LIMIT ||
            mmn_utf8_valid_prefix(text + start, length) < length)
            return mmn_fail(error, MMN_INPUT, NULL, where,
                            "is not UTF-8, or longer than %d bytes", MMN_TOKEN_LENGTH_LIMIT);
        status = mmn_vocabulary_add(vocabulary, text + start, length, (int64_t)vocabulary->count,
                                    error);
    }
    return status;
}

/* Adds BERT's special tokens, which must be words: the unknown one, and those around a text. */
static mmn_status read_bert_tokens(mmn_tokenizer *tokenizer, const side_files *files,
                                   mmn_error *error)
{
    static const struct {
        const char *key, *usual;
    } names[] = {{"unk_token", "[UNK]"}, {"cls_token", "[CLS]"}, {"sep_token", "[SEP]"},
                 {"pad_token", "[PAD]"}, {"mask_token", "[MASK]"}};
    int32_t ids[sizeof(names) / sizeof(names[0])];
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && status == MMN_OK; i++) {
        const char *content = special_content(files, names[i].key, names[i].usual);
        size_t length = strlen(content);
        ids[i] = mmn_vocabulary_find(&tokenizer->wordpiece.vocabulary, content, length);
        if (ids[i] < 0)
            return mmn_json_fail(&files->config, names[i].key, error,
                                 "\"%.60s\" is not a token of vocab.txt", content);
        const mmn_added_token token = {.id = ids[i], .special = true};
        if (mmn_vocabulary_find(&tokenizer->added.contents, content, length) < 0)
            status = add_token(tokenizer, &files->config, names[i].key, &token, content, error);
    }
    if (status != MMN_OK)
        return status;
    tokenizer->wordpiece.unknown = ids[0];
    status = mmn_ids_add(&tokenizer->before, ids[1], error);
    return status == MMN_OK ? mmn_ids_add(&tokenizer->after, ids[2], error) : status;
}

/* The steps around the model, as transformers makes them for a vocab.txt. */
static mmn_status make_bert_steps(mmn_tokenizer *tokenizer, const side_files *files,
                                  mmn_error *error)
{
    mmn_pre_tokenizer *pre_tokenizer = &tokenizer->pre_tokenizer;
    mmn_bert_options options = {true, true, true, true};
    mmn_status status = mmn_json_get_bert_options(&options, &files->config, "do_lower_case",
                                                  "tokenize_chinese_chars", error);
    if (status == MMN_OK)
        status = mmn_bert_add_normalizer(tokenizer, &options, error);
    pre_tokenizer->steps[pre_tokenizer->count++].kind = MMN_PRE_TOKENIZER_BERT;
    if (status == MMN_OK)
        status = mmn_bert_add_decoder(tokenizer, tokenizer->wordpiece.prefix, true, error);
    tokenizer->decoder.is_set = true;
    return status;
}

mmn_status mmn_tokenizer_read_words(mmn_tokenizer *tokenizer, const char *folder, mmn_error *error)
{
    side_files files = {0};
    char *path = NULL, *text = NULL;
    size_t size;
    tokenizer->model = MMN_MODEL_WORDPIECE;
    tokenizer->wordpiece.longest_word = 100;
    strcpy(tokenizer->wordpiece.prefix, "##");
    mmn_status status = mmn_path_join(&path, folder, "vocab.txt", error);
    if (status == MMN_OK)
        status = mmn_read_file(&text, &size, path, MODEL_LIMIT, error);
    if (status == MMN_OK) {
        status = read_lines(&tokenizer->wordpiece.vocabulary, text, size, error);
        status = mmn_error_in_file(error, status, path);
    }
    if (status == MMN_OK)
        status = open_side_files(&files, folder, error);
    if (status == MMN_OK)
        status = read_added_tokens(tokenizer, &files, error);
    if (status == MMN_OK)
        status = read_bert_tokens(tokenizer, &files, error);
    if (status == MMN_OK)
        status = make_bert_steps(tokenizer, &files, error);
    status = mmn_error_in_file(error, status, path ? path : folder);
    close_side_files(&files);
    mmn_free(path);
    mmn_free(text);
    return status;
}
