/* Tokens that the files beside a tokenizer add, in the order in which transformers 5 adds them:
 * those of added_tokens_decoder by their ids (in older folders those of added_tokens.json), the
 * special tokens that have names, and the further ones. The order decides which ids they get. */
#include "text/side_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_python.h"
#include "base/memory.h"

#define JSON_LIMIT (16u << 20)

/* Those that the settings have by name in every tokenizer; others are named "..._token" too. */
static const char *const named_tokens[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                           "pad_token", "cls_token", "mask_token"};
enum { NAMED_COUNT = sizeof(named_tokens) / sizeof(named_tokens[0]) };

void mmn_side_files_close(mmn_side_files *files)
{
    for (size_t i = 0; i < 5; i++) {
        json_decref(files->documents[i]);
        mmn_free(files->paths[i]);
    }
    *files = (mmn_side_files){0};
}

mmn_status mmn_side_files_open(mmn_side_files *files, const char *folder, mmn_error *error)
{
    static const char *const names[] = {"tokenizer_config.json", "special_tokens_map.json",
                                        "added_tokens.json", "config.json",
                                        "processor_config.json"};
    mmn_json_object *const objects[] = {&files->config, &files->special_map, &files->added,
                                        &files->model, &files->processor};
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < 5 && status == MMN_OK; i++) {
        status = mmn_path_join(&files->paths[i], folder, names[i], error);
        if (status == MMN_OK)
            status = mmn_json_load_if_there(&files->documents[i], files->paths[i], JSON_LIMIT,
                                            error);
        if (status == MMN_OK && files->documents[i])
            status = mmn_json_as_object(objects[i], files->documents[i], files->paths[i], error);
    }
    return status;
}

/* The text of a token that is given as a text or as an object with its content; NULL otherwise. */
static const char *content_of(const json_t *token)
{
    return json_string_value(json_is_object(token) ? json_object_get(token, "content") : token);
}

static json_t *value_of(const mmn_json_object *object, const char *key)
{
    return object->value ? json_object_get(object->value, key) : NULL;
}

/* Newer folders say in tokenizer_config.json how each added token is found; in older ones the other
 * files count, and special_tokens_map.json goes before tokenizer_config.json. */
static bool is_old(const mmn_side_files *files)
{
    return !mmn_json_has(&files->config, "added_tokens_decoder");
}

/* The value of a special token's key, or NULL. */
static json_t *special_value(const mmn_side_files *files, const char *key)
{
    json_t *value = is_old(files) ? value_of(&files->special_map, key) : NULL;
    return value ? value : value_of(&files->config, key);
}

const char *mmn_side_files_token(const mmn_side_files *files, const char *key, const char *usual)
{
    const json_t *value = special_value(files, key);
    const char *content = content_of(value);
    return content || json_is_null(value) ? content : usual;
}

/* Adds a token, or gives one that is there the options of `token`. */
static mmn_status put(mmn_tokenizer *tokenizer, mmn_added_token *token, const char *content,
                      const mmn_json_object *object, const char *key, mmn_error *error)
{
    char text[MMN_TOKEN_LENGTH_LIMIT];
    size_t length = strlen(content);
    if (length > MMN_TOKEN_LENGTH_LIMIT)
        return mmn_json_fail(object, key, error, "has more than %d bytes", MMN_TOKEN_LENGTH_LIMIT);
    length = mmn_json_restore_zeros(text, content, length);
    return mmn_added_tokens_put(&tokenizer->added, mmn_model_vocabulary(tokenizer), token, text,
                                length, error);
}

/* Reads how a token is found from {"content": "<image>", "special": true, ...}. */
static mmn_status read_token(mmn_added_token *token, const char **content,
                             const mmn_json_object *entry, mmn_error *error)
{
    mmn_status status = mmn_json_require(entry, "content", error);
    if (status == MMN_OK)
        status = mmn_json_get_text(content, entry, "content", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&token->special, entry, "special", error);
    token->normalized = !token->special;
    if (status == MMN_OK)
        status = mmn_json_get_bool(&token->normalized, entry, "normalized", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&token->single_word, entry, "single_word", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&token->lstrip, entry, "lstrip", error);
    if (status == MMN_OK)
        status = mmn_json_get_bool(&token->rstrip, entry, "rstrip", error);
    return status;
}

/* ---- Special tokens -------------------------------------------------------------------------- */

/* The further special tokens: a list, or an object whose keys are names. The older key holds where
 * the newer one has nothing. */
static json_t *further_tokens(const mmn_side_files *files, const char **key)
{
    *key = "extra_special_tokens";
    json_t *value = special_value(files, *key);
    if (json_array_size(value) > 0 || json_object_size(value) > 0)
        return value;
    *key = "additional_special_tokens";
    return special_value(files, *key);
}

/* Collects the texts of all special tokens, with any ids. */
static mmn_status collect_special(mmn_vocabulary *specials, const mmn_side_files *files,
                                  mmn_error *error)
{
    const char *key;
    json_t *further = further_tokens(files, &key);
    size_t count = NAMED_COUNT + json_array_size(further);
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < count && status == MMN_OK; i++) {
        const char *content =
            content_of(i < NAMED_COUNT ? special_value(files, named_tokens[i])
                                       : json_array_get(further, i - NAMED_COUNT));
        size_t length = content ? strlen(content) : 0;
        if (length > 0 && mmn_vocabulary_find(specials, content, length) < 0)
            status = mmn_vocabulary_add(specials, content, length, (int64_t)i, error);
    }
    return status;
}

/* Adds the special token `value` (a text or an object), or makes the token that is there special;
 * null is none. */
static mmn_status add_special(mmn_tokenizer *tokenizer, const mmn_json_object *object,
                              const char *key, json_t *value, bool is_named, mmn_error *error)
{
    mmn_added_token token = {.special = true};
    const char *content = json_string_value(value);
    mmn_status status = MMN_OK;
    if (json_is_object(value)) {
        mmn_json_object entry = {.value = value, .file = object->file};
        token.special = false;
        status = read_token(&token, &content, &entry, error);
        token.special |= is_named;
    } else if (!content && !json_is_null(value)) {
        return mmn_json_fail(object, key, error, "must be a token");
    }
    if (status != MMN_OK || !content || *content == '\0')
        return status;
    int32_t known = mmn_vocabulary_find(&tokenizer->added.contents, content, strlen(content));
    if (known >= 0) {
        tokenizer->added.tokens[tokenizer->added.by_id[known] - 1].special |= is_named;
        return MMN_OK;
    }
    return put(tokenizer, &token, content, object, key, error);
}

mmn_status mmn_side_files_bert_options(mmn_bert_options *options, const mmn_side_files *files,
                                       mmn_error *error)
{
    mmn_status status = mmn_json_get_bert_options(options, &files->config, "do_lower_case",
                                                  "tokenize_chinese_chars", error);
    options->clean_text = true; /* no setting of that file */
    return status;
}

bool mmn_side_files_names_own(const char *key)
{
    static const char ending[] = "_token";
    size_t length = strlen(key), end = sizeof(ending) - 1;
    for (size_t i = 0; i < NAMED_COUNT; i++)
        if (strcmp(key, named_tokens[i]) == 0)
            return false;
    return length >= end && strcmp(key + length - end, ending) == 0;
}

/* Those of a document with names of this model's own. */
static mmn_status add_own(mmn_tokenizer *tokenizer, const mmn_json_object *object,
                          mmn_error *error)
{
    const char *key;
    json_t *value;
    mmn_status status = MMN_OK;
    json_object_foreach(object->value, key, value) {
        if (status == MMN_OK && mmn_side_files_names_own(key) && content_of(value))
            status = add_special(tokenizer, object, key, value, true, error);
    }
    return status;
}

static mmn_status add_named(const mmn_side_files *files, mmn_tokenizer *tokenizer,
                            mmn_error *error)
{
    const mmn_json_object *config = &files->config;
    mmn_status status = MMN_OK;
    json_t *value;
    for (size_t i = 0; i < NAMED_COUNT && status == MMN_OK; i++)
        if ((value = special_value(files, named_tokens[i])))
            status = add_special(tokenizer, config, named_tokens[i], value, true, error);
    if (status == MMN_OK)
        status = add_own(tokenizer, config, error);
    return status == MMN_OK && is_old(files) ? add_own(tokenizer, &files->special_map, error)
                                             : status;
}

static mmn_status add_further(const mmn_side_files *files, mmn_tokenizer *tokenizer,
                              mmn_error *error)
{
    const mmn_json_object *config = &files->config;
    const char *key, *name;
    json_t *further = further_tokens(files, &key), *value;
    mmn_status status = MMN_OK;
    if (json_is_object(further)) {
        json_object_foreach(further, name, value) {
            if (status == MMN_OK)
                status = add_special(tokenizer, config, key, value, true, error);
        }
        return status;
    }
    if (further && !json_is_array(further) && !json_is_null(further))
        return mmn_json_fail(config, key, error, "must be a list of tokens");
    for (size_t i = 0; i < json_array_size(further) && status == MMN_OK; i++)
        status = add_special(tokenizer, config, key, json_array_get(further, i), false, error);
    return status;
}

/* ---- Tokens with ids ------------------------------------------------------------------------- */

/* A token and the id that a file gives it, which decides when it is added. */
typedef struct numbered_token {
    int64_t id;
    const char *key;
} numbered_token;

/* {"32000": {"content": "<image>", "special": true, ...}, ...} */
static mmn_status number_entry(numbered_token *numbered, const mmn_json_object *object,
                               mmn_error *error)
{
    char *end;
    numbered->id = strtol(numbered->key, &end, 10);
    if (end == numbered->key || *end != '\0' || numbered->id < 0 ||
        numbered->id >= MMN_VOCABULARY_LIMIT)
        return mmn_json_fail(object, numbered->key, error, "must be an id from 0 to %d",
                             MMN_VOCABULARY_LIMIT - 1);
    return MMN_OK;
}

static mmn_status add_entry(mmn_tokenizer *tokenizer, const mmn_json_object *object,
                            const char *key, mmn_error *error)
{
    mmn_json_object entry;
    mmn_added_token token = {0};
    const char *content = NULL;
    mmn_status status = mmn_json_get_object(&entry, object, key, error);
    if (status == MMN_OK)
        status = read_token(&token, &content, &entry, error);
    return status == MMN_OK ? put(tokenizer, &token, content, object, key, error) : status;
}

/* {"<image>": 32000, ...} */
static mmn_status number_text(numbered_token *numbered, const mmn_json_object *object,
                              mmn_error *error)
{
    mmn_status status = mmn_json_require(object, numbered->key, error);
    return status == MMN_OK ? mmn_json_get_i64(&numbered->id, object, numbered->key, 0,
                                               MMN_VOCABULARY_LIMIT - 1, error)
                            : status;
}

/* What tokenizer.json or tokenizer.model says of a token goes before this. */
static mmn_status add_text(mmn_tokenizer *tokenizer, const mmn_json_object *object,
                           const char *key, const mmn_vocabulary *specials, mmn_error *error)
{
    bool special = mmn_vocabulary_find(specials, key, strlen(key)) >= 0;
    mmn_added_token token = {.special = special, .normalized = !special};
    if (mmn_vocabulary_find(&tokenizer->added.contents, key, strlen(key)) >= 0)
        return MMN_OK;
    return put(tokenizer, &token, key, object, key, error);
}

/* Whether the tokens of tokenizer.json, which transformers reads after added_tokens.json, take the
 * id of another one there away. */
static bool is_taken(const mmn_added_tokens *added, const numbered_token *token)
{
    if ((uint64_t)token->id >= added->contents.size || added->by_id[token->id] == 0)
        return false;
    return mmn_vocabulary_find(&added->contents, token->key, strlen(token->key)) != token->id;
}

static int compare_ids(const void *left, const void *right)
{
    const numbered_token *a = left, *b = right;
    return a->id < b->id ? -1 : a->id > b->id;
}

/* Adds the tokens that the members of `object` are, in the order of their ids. `specials` has the
 * texts of special tokens for those of added_tokens.json; it is NULL for added_tokens_decoder. */
static mmn_status add_numbered(mmn_tokenizer *tokenizer, const mmn_json_object *object,
                               const mmn_vocabulary *specials, bool has_json, mmn_error *error)
{
    size_t size = object->value ? json_object_size(object->value) : 0, count = 0;
    numbered_token *tokens = mmn_allocate(size, sizeof(*tokens), error);
    mmn_status status = tokens ? MMN_OK : MMN_SYSTEM;
    const char *key;
    json_t *value;
    json_object_foreach(object->value, key, value) {
        if (status != MMN_OK)
            break;
        tokens[count].key = key;
        status = specials ? number_text(&tokens[count], object, error)
                          : number_entry(&tokens[count], object, error);
        if (status != MMN_OK || !specials || !has_json ||
            !is_taken(&tokenizer->added, &tokens[count]))
            count++;
    }
    if (status == MMN_OK && count > 0)
        qsort(tokens, count, sizeof(*tokens), compare_ids);
    for (size_t i = 0; i < count && status == MMN_OK; i++)
        status = specials ? add_text(tokenizer, object, tokens[i].key, specials, error)
                          : add_entry(tokenizer, object, tokens[i].key, error);
    mmn_free(tokens);
    return status;
}

/* ---- All of them ----------------------------------------------------------------------------- */

bool mmn_side_files_as_they_stand(const char *model_type)
{
    static const char *const types[] = {"llava", "llava_next", "mistral", "bloom"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(model_type, types[i]) == 0)
            return true;
    return false;
}

/* Whether transformers makes this tokenizer anew, with the vocabulary and the merges of
 * tokenizer.json and the tokens of added_tokens_decoder alone, by a class of its own. It takes
 * tokenizer.json as it stands for the types of models here whose published settings name a wrong
 * class, and for LLaMA's class where the vocabulary spells bytes. */
static mmn_status is_made_anew(bool *anew, const mmn_side_files *files,
                               const mmn_tokenizer *tokenizer, mmn_error *error)
{
    const char *class = "", *type = "";
    mmn_status status = mmn_json_get_text(&class, &files->config, "tokenizer_class", error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&type, &files->model, "model_type", error);
    bool is_llama = strcmp(class, "LlamaTokenizer") == 0 ||
                    strcmp(class, "LlamaTokenizerFast") == 0;
    for (size_t i = 0; i < tokenizer->pre_tokenizer.count; i++)
        if (tokenizer->pre_tokenizer.steps[i].kind == MMN_PRE_TOKENIZER_BYTE_LEVEL)
            is_llama = false;
    *anew = (is_llama || strcmp(type, "qwen2") == 0) && !mmn_side_files_as_they_stand(type);
    return status;
}

/* The classes that make a tokenizer anew obey `add_prefix_space` where it is not as their models
 * were published, whatever steps tokenizer.json has: LLaMA's false, Qwen2's true. */
static mmn_status obey_prefix_space(const mmn_side_files *files, mmn_tokenizer *tokenizer,
                                    mmn_error *error)
{
    static const char key[] = "add_prefix_space";
    const char *type = "";
    mmn_status status = mmn_json_get_text(&type, &files->model, "model_type", error);
    bool is_qwen = strcmp(type, "qwen2") == 0, wanted = !is_qwen;
    if (status == MMN_OK)
        status = mmn_json_get_bool(&wanted, &files->config, key, error);
    if (status != MMN_OK || wanted != is_qwen)
        return status;
    if (is_qwen)
        return mmn_json_fail(&files->config, key, error,
                             "is true, which is not supported for Qwen2");
    return mmn_sentencepiece_put_no_space(tokenizer, error);
}

/* BERT's class makes its normaliser of these settings, whatever steps tokenizer.json has. */
static mmn_status obey_bert_options(const mmn_side_files *files, mmn_tokenizer *tokenizer,
                                    mmn_error *error)
{
    mmn_bert_options options = {true, true, true, true};
    const char *class = "";
    mmn_status status = mmn_json_get_text(&class, &files->config, "tokenizer_class", error);
    if (status != MMN_OK || tokenizer->model != MMN_MODEL_WORDPIECE ||
        (strcmp(class, "BertTokenizer") != 0 && strcmp(class, "BertTokenizerFast") != 0))
        return status;
    status = mmn_side_files_bert_options(&options, files, error);
    mmn_normalizer_free(&tokenizer->normalizer);
    return status == MMN_OK ? mmn_bert_add_normalizer(tokenizer, &options, error) : status;
}

/* The tokens that have ids in the files. */
static mmn_status add_all_numbered(const mmn_side_files *files, mmn_tokenizer *tokenizer,
                                   bool has_json, mmn_error *error)
{
    mmn_json_object entries;
    mmn_vocabulary specials = {0};
    mmn_status status;
    if (is_old(files)) {
        status = collect_special(&specials, files, error);
        if (status == MMN_OK)
            status = add_numbered(tokenizer, &files->added, &specials, has_json, error);
    } else {
        status = mmn_json_get_object(&entries, &files->config, "added_tokens_decoder", error);
        if (status == MMN_OK)
            status = add_numbered(tokenizer, &entries, NULL, has_json, error);
    }
    mmn_vocabulary_free(&specials);
    return status;
}

/* Keeps what the files call the image's token. */
static mmn_status keep_image_token(const mmn_side_files *files, mmn_tokenizer *tokenizer,
                                   mmn_error *error)
{
    const char *key;
    json_t *further = further_tokens(files, &key);
    const char *content = content_of(value_of(&files->config, "image_token"));
    if (!content)
        content = content_of(json_object_get(further, "image_token"));
    if (!content)
        content = content_of(value_of(&files->processor, "image_token"));
    if (!content || *content == '\0')
        return MMN_OK;
    tokenizer->image_token = mmn_copy_text(content, error);
    return tokenizer->image_token ? MMN_OK : MMN_SYSTEM;
}

mmn_status mmn_side_files_add_tokens(const mmn_side_files *files, mmn_tokenizer *tokenizer,
                                     bool has_json, mmn_error *error)
{
    bool anew = false, split_special = false;
    mmn_status status =
        mmn_json_get_bool(&split_special, &files->config, "split_special_tokens", error);
    if (status == MMN_OK && split_special)
        status = mmn_json_fail(&files->config, "split_special_tokens", error,
                               "is true, which is not supported");
    if (status == MMN_OK && has_json)
        status = is_made_anew(&anew, files, tokenizer, error);
    if (status == MMN_OK && anew)
        status = obey_prefix_space(files, tokenizer, error);
    if (status == MMN_OK && has_json)
        status = obey_bert_options(files, tokenizer, error);
    if (anew && !is_old(files))
        mmn_added_tokens_free(&tokenizer->added);
    if (status == MMN_OK)
        status = add_all_numbered(files, tokenizer, has_json, error);
    if (status == MMN_OK)
        status = add_named(files, tokenizer, error);
    if (status == MMN_OK)
        status = add_further(files, tokenizer, error);
    return status == MMN_OK ? keep_image_token(files, tokenizer, error) : status;
}
