/* Tokens that the files beside a tokenizer add, in the order in which transformers 5 adds them:
 * those of added_tokens_decoder by their ids (in older folders those of added_tokens.json), the
 * special tokens that have names, and the further ones. The order decides which ids they get. */
#include "text/side_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/names.h"

#define JSON_LIMIT (16u << 20)

/* Those that the settings have by name in every tokenizer; others are named "..._token" too. */
static const char *const named_tokens[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                           "pad_token", "cls_token", "mask_token"};
enum { NAMED_COUNT = MMN_LENGTH(named_tokens) };

void mmn_side_files_close(mmn_side_files *files)
{
    for (size_t i = 0; i < 5; i++)
        mmn_document_close(&files->documents[i]);
}

void mmn_side_files_open(mmn_side_files *files, const char *folder, mmn_error *error)
{
    static const char *const names[] = {"tokenizer_config.json", "special_tokens_map.json",
                                        "added_tokens.json", "config.json",
                                        "processor_config.json"};
    mmn_object *const objects[] = {&files->config, &files->special_map, &files->added,
                                   &files->model, &files->processor};
    *files = (mmn_side_files){.reader = {.error = error}};
    for (size_t i = 0; i < 5; i++)
        *objects[i] =
            mmn_read_in_folder(&files->documents[i], &files->reader, folder, names[i], JSON_LIMIT);
}

/* The text of a token that is given as a text or as an object with its content; NULL otherwise. */
static const char *content_of(const json_t *token)
{
    return json_string_value(json_is_object(token) ? json_object_get(token, "content") : token);
}

static json_t *value_of(const mmn_object *object, const char *key)
{
    return object->value ? json_object_get(object->value, key) : NULL;
}

/* Newer folders say in tokenizer_config.json how each added token is found; in older ones the other
 * files count, and special_tokens_map.json goes before tokenizer_config.json. */
static bool is_old(const mmn_side_files *files)
{
    return !mmn_object_has(&files->config, "added_tokens_decoder");
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
static void put(mmn_tokenizer *tokenizer, mmn_added_token *token, const char *content,
                const mmn_object *object, const char *key)
{
    char text[MMN_TOKEN_LENGTH_LIMIT];
    if (!mmn_read_fine(object))
        return;
    size_t length = strlen(content);
    if (length > MMN_TOKEN_LENGTH_LIMIT) {
        mmn_read_wrong(object, key, "has more than %d bytes", MMN_TOKEN_LENGTH_LIMIT);
        return;
    }
    length = mmn_json_restore_zeros(text, content, length);
    mmn_read_failed(object, mmn_added_tokens_put(&tokenizer->added, mmn_model_vocabulary(tokenizer),
                                                 token, text, length, object->reader->error));
}

/* Reads how a token is found from {"content": "<image>", "special": true, ...}. */
static void read_token(mmn_added_token *token, const char **content, const mmn_object *entry)
{
    mmn_read_text(content, entry, mmn_read_required(entry, "content"));
    mmn_read_bool(&token->special, entry, "special");
    token->normalized = !token->special;
    mmn_read_bool(&token->normalized, entry, "normalized");
    mmn_read_bool(&token->single_word, entry, "single_word");
    mmn_read_bool(&token->lstrip, entry, "lstrip");
    mmn_read_bool(&token->rstrip, entry, "rstrip");
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
    for (size_t i = 0; i < count; i++) {
        const char *content = content_of(i < NAMED_COUNT
                                             ? special_value(files, named_tokens[i])
                                             : json_array_get(further, i - NAMED_COUNT));
        size_t length = content ? strlen(content) : 0;
        if (length > 0 && mmn_vocabulary_find(specials, content, length) < 0)
            MMN_TRY(mmn_vocabulary_add(specials, content, length, (int64_t)i, error));
    }
    return MMN_OK;
}

/* Adds the special token `value` (a text or an object), or makes the token that is there special;
 * null is none. */
static void add_special(mmn_tokenizer *tokenizer, const mmn_object *object, const char *key,
                        json_t *value, bool is_named)
{
    mmn_added_token token = {.special = true};
    const char *content = json_string_value(value);
    if (json_is_object(value)) {
        mmn_object entry = mmn_read_document(object->reader, value, object->file);
        token.special = false;
        read_token(&token, &content, &entry);
        token.special |= is_named;
    } else if (!content && !json_is_null(value)) {
        mmn_read_wrong(object, key, "must be a token");
    }
    if (!mmn_read_fine(object) || !content || *content == '\0')
        return;
    int32_t known = mmn_vocabulary_find(&tokenizer->added.contents, content, strlen(content));
    if (known >= 0)
        tokenizer->added.tokens[tokenizer->added.by_id[known] - 1].special |= is_named;
    else
        put(tokenizer, &token, content, object, key);
}

void mmn_side_files_bert_options(mmn_bert_options *options, const mmn_side_files *files)
{
    mmn_json_read_bert_options(options, &files->config, "do_lower_case", "tokenize_chinese_chars");
    options->clean_text = true; /* no setting of that file */
}

bool mmn_side_files_names_own(const char *key)
{
    static const char ending[] = "_token";
    size_t length = strlen(key), end = sizeof(ending) - 1;
    return MMN_NAME_INDEX(key, named_tokens) == NAMED_COUNT && length >= end &&
           strcmp(key + length - end, ending) == 0;
}

/* Those of a document with names of this model's own. */
static void add_own(mmn_tokenizer *tokenizer, const mmn_object *object)
{
    const char *key;
    json_t *value;
    json_object_foreach(object->value, key,
                        value) if (mmn_side_files_names_own(key) && content_of(value))
        add_special(tokenizer, object, key, value, true);
}

static void add_named(const mmn_side_files *files, mmn_tokenizer *tokenizer)
{
    const mmn_object *config = &files->config;
    json_t *value;
    for (size_t i = 0; i < NAMED_COUNT; i++)
        if ((value = special_value(files, named_tokens[i])))
            add_special(tokenizer, config, named_tokens[i], value, true);
    add_own(tokenizer, config);
    if (is_old(files))
        add_own(tokenizer, &files->special_map);
}

static void add_further(const mmn_side_files *files, mmn_tokenizer *tokenizer)
{
    const mmn_object *config = &files->config;
    const char *key, *name;
    json_t *further = further_tokens(files, &key), *value;
    if (json_is_object(further)) {
        json_object_foreach(further, name, value) add_special(tokenizer, config, key, value, true);
        return;
    }
    if (further && !json_is_array(further) && !json_is_null(further))
        mmn_read_wrong(config, key, "must be a list of tokens");
    for (size_t i = 0; i < json_array_size(further); i++)
        add_special(tokenizer, config, key, json_array_get(further, i), false);
}

/* ---- Tokens with ids ------------------------------------------------------------------------- */

/* A token and the id that a file gives it, which decides when it is added. */
typedef struct numbered_token {
    int64_t id;
    const char *key;
} numbered_token;

/* {"32000": {"content": "<image>", "special": true, ...}, ...} */
static void number_entry(numbered_token *numbered, const mmn_object *object)
{
    char *end;
    numbered->id = strtol(numbered->key, &end, 10);
    if (end == numbered->key || *end != '\0' || numbered->id < 0 ||
        numbered->id >= MMN_VOCABULARY_LIMIT)
        mmn_read_wrong(object, numbered->key, "must be an id from 0 to %d",
                       MMN_VOCABULARY_LIMIT - 1);
}

static void add_entry(mmn_tokenizer *tokenizer, const mmn_object *object, const char *key)
{
    mmn_added_token token = {0};
    const char *content = NULL;
    mmn_object entry = mmn_read_object(object, key);
    read_token(&token, &content, &entry);
    put(tokenizer, &token, content, object, key);
}

/* {"<image>": 32000, ...} */
static void number_text(numbered_token *numbered, const mmn_object *object)
{
    mmn_read_i64(&numbered->id, object, mmn_read_required(object, numbered->key), 0,
                 MMN_VOCABULARY_LIMIT - 1);
}

/* What tokenizer.json or tokenizer.model says of a token goes before this. */
static void add_text(mmn_tokenizer *tokenizer, const mmn_object *object, const char *key,
                     const mmn_vocabulary *specials)
{
    bool special = mmn_vocabulary_find(specials, key, strlen(key)) >= 0;
    mmn_added_token token = {.special = special, .normalized = !special};
    if (mmn_vocabulary_find(&tokenizer->added.contents, key, strlen(key)) < 0)
        put(tokenizer, &token, key, object, key);
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
static void add_numbered(mmn_tokenizer *tokenizer, const mmn_object *object,
                         const mmn_vocabulary *specials, bool has_json)
{
    size_t size = json_object_size(object->value), count = 0;
    const char *key;
    json_t *value;
    if (!mmn_read_fine(object))
        return;
    numbered_token *tokens = mmn_allocate(size, sizeof(*tokens), object->reader->error);
    if (!tokens) {
        mmn_read_failed(object, MMN_SYSTEM);
        return;
    }
    json_object_foreach(object->value, key, value)
    {
        numbered_token *token = &tokens[count];
        *token = (numbered_token){.key = key};
        if (specials)
            number_text(token, object);
        else
            number_entry(token, object);
        if (!mmn_read_fine(object))
            break;
        if (!specials || !has_json || !is_taken(&tokenizer->added, token))
            count++;
    }
    if (count > 0)
        qsort(tokens, count, sizeof(*tokens), compare_ids);
    for (size_t i = 0; i < count && mmn_read_fine(object); i++) {
        if (specials)
            add_text(tokenizer, object, tokens[i].key, specials);
        else
            add_entry(tokenizer, object, tokens[i].key);
    }
    mmn_free(tokens);
}

/* ---- All of them ----------------------------------------------------------------------------- */

bool mmn_side_files_as_they_stand(const char *model_type)
{
    static const char *const types[] = {"llava", "llava_next", "mistral", "bloom"};
    return MMN_NAME_INDEX(model_type, types) < MMN_LENGTH(types);
}

/* Whether transformers makes this tokenizer anew, with the vocabulary and the merges of
 * tokenizer.json and the tokens of added_tokens_decoder alone, by a class of its own. It takes
 * tokenizer.json as it stands for the types of models here whose published settings name a wrong
 * class, and for LLaMA's class where the vocabulary spells bytes. */
static bool is_made_anew(const mmn_side_files *files, const mmn_tokenizer *tokenizer)
{
    const char *class = "", *type = "";
    mmn_read_text(&class, &files->config, "tokenizer_class");
    mmn_read_text(&type, &files->model, "model_type");
    bool is_llama = strcmp(class, "LlamaTokenizer") == 0 ||
                    strcmp(class, "LlamaTokenizerFast") == 0;
    for (size_t i = 0; i < tokenizer->pre_tokenizer.count; i++)
        if (tokenizer->pre_tokenizer.steps[i].kind == MMN_PRE_TOKENIZER_BYTE_LEVEL)
            is_llama = false;
    return (is_llama || strcmp(type, "qwen2") == 0) && !mmn_side_files_as_they_stand(type);
}

/* The classes that make a tokenizer anew obey `add_prefix_space` where it is not as their models
 * were published, whatever steps tokenizer.json has: LLaMA's false, Qwen2's true. */
static void obey_prefix_space(const mmn_side_files *files, mmn_tokenizer *tokenizer)
{
    static const char key[] = "add_prefix_space";
    const mmn_object *config = &files->config;
    const char *type = "";
    mmn_read_text(&type, &files->model, "model_type");
    bool is_qwen = strcmp(type, "qwen2") == 0, wanted = !is_qwen;
    mmn_read_bool(&wanted, config, key);
    if (!mmn_read_fine(config) || wanted != is_qwen)
        return;
    if (is_qwen)
        mmn_read_wrong(config, key, "is true, which is not supported for Qwen2");
    else
        mmn_read_failed(config, mmn_sentencepiece_put_no_space(tokenizer, config->reader->error));
}

/* BERT's class makes its normaliser of these settings, whatever steps tokenizer.json has. */
static void obey_bert_options(const mmn_side_files *files, mmn_tokenizer *tokenizer)
{
    const mmn_object *config = &files->config;
    mmn_bert_options options = {true, true, true, true};
    const char *class = "";
    mmn_read_text(&class, config, "tokenizer_class");
    if (tokenizer->model != MMN_MODEL_WORDPIECE ||
        (strcmp(class, "BertTokenizer") != 0 && strcmp(class, "BertTokenizerFast") != 0))
        return;
    mmn_side_files_bert_options(&options, files);
    mmn_normalizer_free(&tokenizer->normalizer);
    MMN_READ_TRY(config,
                 mmn_normalizer_add_bert(&tokenizer->normalizer, &options, config->reader->error));
}

/* CLIP's class makes spaces of the ends of words, behind the steps of tokenizer.json's decoder. */
static void obey_word_end(const mmn_side_files *files, mmn_tokenizer *tokenizer)
{
    const mmn_object *config = &files->config;
    mmn_decoder_step end = {.kind = MMN_DECODER_REPLACE};
    mmn_decoder_step strip = {
        .kind = MMN_DECODER_STRIP, .content = " ", .start = SIZE_MAX, .stop = SIZE_MAX};
    const char *class = "";
    mmn_read_text(&class, config, "tokenizer_class");
    if (!mmn_read_fine(config) || tokenizer->bpe.word_end[0] == '\0' ||
        (strcmp(class, "CLIPTokenizer") != 0 && strcmp(class, "CLIPTokenizerFast") != 0))
        return;
    MMN_READ_TRY(config, mmn_replacement_make(&end.replacement, tokenizer->bpe.word_end, false, " ",
                                              config->reader->error));
    MMN_READ_TRY(config, mmn_decoder_add(&tokenizer->decoder, &end, config->reader->error));
    MMN_READ_TRY(config, mmn_decoder_add(&tokenizer->decoder, &strip, config->reader->error));
}

/* The tokens that have ids in the files. */
static void add_all_numbered(const mmn_side_files *files, mmn_tokenizer *tokenizer, bool has_json)
{
    mmn_vocabulary specials = {0};
    if (is_old(files)) {
        mmn_read_failed(&files->added, collect_special(&specials, files, files->reader.error));
        add_numbered(tokenizer, &files->added, &specials, has_json);
    } else {
        mmn_object entries = mmn_read_object(&files->config, "added_tokens_decoder");
        add_numbered(tokenizer, &entries, NULL, has_json);
    }
    mmn_vocabulary_free(&specials);
}

/* Keeps what the files call the image's token. */
static void keep_image_token(const mmn_side_files *files, mmn_tokenizer *tokenizer)
{
    const char *key;
    json_t *further = further_tokens(files, &key);
    const char *content = content_of(value_of(&files->config, "image_token"));
    if (!content)
        content = content_of(json_object_get(further, "image_token"));
    if (!content)
        content = content_of(value_of(&files->processor, "image_token"));
    if (!content || *content == '\0' || !mmn_read_fine(&files->config))
        return;
    tokenizer->image_token = mmn_copy_text(content, files->reader.error);
    if (!tokenizer->image_token)
        mmn_read_failed(&files->config, MMN_SYSTEM);
}

void mmn_side_files_add_tokens(const mmn_side_files *files, mmn_tokenizer *tokenizer, bool has_json)
{
    const mmn_object *config = &files->config;
    bool split_special = false;
    mmn_read_bool(&split_special, config, "split_special_tokens");
    if (split_special)
        mmn_read_wrong(config, "split_special_tokens", "is true, which is not supported");
    bool anew = has_json && is_made_anew(files, tokenizer);
    if (anew)
        obey_prefix_space(files, tokenizer);
    if (has_json) {
        obey_bert_options(files, tokenizer);
        obey_word_end(files, tokenizer);
    }
    if (!mmn_read_fine(config))
        return;
    if (anew && !is_old(files))
        mmn_added_tokens_free(&tokenizer->added);
    add_all_numbered(files, tokenizer, has_json);
    add_named(files, tokenizer);
    add_further(files, tokenizer);
    keep_image_token(files, tokenizer);
}
