/* Opens tokenizers: a folder's tokenizer.json, tokenizer.model or vocab.txt, with what the JSON
 * files beside it add. */
#include "text/tokenizer.h"

#include <string.h>

#include "base/file.h"
#include "base/file_kind.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/utf8.h"
#include "text/side_files.h"
#include "text/tokenizer_parts.h"

/* Four times the largest published tokenizer.json. */
#define JSON_LIMIT (128u << 20)
#define MODEL_LIMIT (64u << 20)

/* ---- tokenizer.json -------------------------------------------------------------------------- */

static mmn_status read_json(mmn_tokenizer *tokenizer, const char *folder, const char *path,
                            mmn_error *error)
{
    mmn_side_files files;
    char *text;
    size_t size;
    MMN_TRY(mmn_read_file(&text, &size, path, JSON_LIMIT, error));
    mmn_status status = mmn_tokenizer_read_json(tokenizer, text, size, path, error);
    mmn_free(text);
    MMN_TRY(mmn_file_kind_explain(error, status, path, MMN_KIND_JSON));
    mmn_side_files_open(&files, folder, error);
    mmn_side_files_add_tokens(&files, tokenizer, true);
    mmn_side_files_close(&files);
    return files.reader.status;
}

/* ---- tokenizer.model ------------------------------------------------------------------------- */

/* Appends the token that a text begins or ends with, if `wanted_key` says so or is absent and
 * `wanted` is set. */
static void add_end_token(mmn_ids *ids, const mmn_tokenizer *tokenizer, const mmn_side_files *files,
                          const char *wanted_key, bool wanted, const char *token_key,
                          const char *usual)
{
    const mmn_object *config = &files->config;
    mmn_read_bool(&wanted, config, wanted_key);
    const char *content = mmn_side_files_token(files, token_key, usual);
    int32_t id;
    if (!mmn_read_fine(config) || !wanted || !content)
        return;
    if (!mmn_tokenizer_token_to_id(tokenizer, content, &id))
        mmn_read_wrong(config, token_key, "\"%.60s\" is not a token of tokenizer.model", content);
    else
        mmn_read_failed(config, mmn_ids_add(ids, id, config->reader->error));
}

/* Where the settings say that a space is put; false where they leave it to the model, which puts
 * one before every stretch between special tokens. transformers 5 takes `legacy` for false where
 * the settings do not have it. */
static bool read_scheme(mmn_prepend_scheme *scheme, const mmn_side_files *files)
{
    bool legacy = !files->config.value, add_prefix_space = true;
    mmn_read_bool(&legacy, &files->config, "legacy");
    mmn_read_bool(&add_prefix_space, &files->config, "add_prefix_space");
    *scheme = add_prefix_space ? MMN_PREPEND_FIRST : MMN_PREPEND_NEVER;
    return !legacy || !add_prefix_space;
}

/* Reads tokenizer.model itself. */
static mmn_status read_pieces(mmn_tokenizer *tokenizer, const char *path,
                              const mmn_prepend_scheme *scheme, mmn_error *error)
{
    char *data;
    size_t size;
    MMN_TRY(mmn_read_file(&data, &size, path, MODEL_LIMIT, error));
    const uint8_t *bytes = (const uint8_t *)data;
    mmn_status status = mmn_sentencepiece_read(tokenizer, bytes, size, scheme, error);
    mmn_free(data);
    return status;
}

static mmn_status read_model(mmn_tokenizer *tokenizer, const char *folder, const char *path,
                             mmn_error *error)
{
    mmn_side_files files;
    mmn_prepend_scheme scheme;
    mmn_side_files_open(&files, folder, error);
    bool has_scheme = read_scheme(&scheme, &files);
    if (files.reader.status == MMN_OK)
        files.reader.status = read_pieces(tokenizer, path, has_scheme ? &scheme : NULL, error);
    mmn_side_files_add_tokens(&files, tokenizer, false);
    add_end_token(&tokenizer->before, tokenizer, &files, "add_bos_token", true, "bos_token", "<s>");
    add_end_token(&tokenizer->after, tokenizer, &files, "add_eos_token", false, "eos_token",
                  "</s>");
    mmn_side_files_close(&files);
    return files.reader.status;
}

/* ---- vocab.txt ------------------------------------------------------------------------------- */

/* A token a line; the first has the id 0. */
static mmn_status read_lines(mmn_vocabulary *vocabulary, const char *text, size_t size,
                             mmn_error *error)
{
    size_t end;
    for (size_t start = 0; start < size; start = end + 1) {
        const char *line_end = memchr(text + start, '\n', size - start);
        end = line_end ? (size_t)(line_end - text) : size;
        size_t length = end - start;
        if (length > 0 && text[end - 1] == '\r')
            length--;
        if (length > MMN_TOKEN_LENGTH_LIMIT || mmn_utf8_valid_prefix(text + start, length) < length)
            return mmn_fail(error, MMN_INPUT, NULL, MMN_PLACE("line %zu", vocabulary->count + 1),
                            "is not UTF-8, or longer than %d bytes", MMN_TOKEN_LENGTH_LIMIT);
        MMN_TRY(mmn_vocabulary_add(vocabulary, text + start, length, (int64_t)vocabulary->count,
                                   error));
    }
    return MMN_OK;
}

static mmn_status read_vocabulary(mmn_vocabulary *vocabulary, const char *path, mmn_error *error)
{
    char *text;
    size_t size;
    MMN_TRY(mmn_read_file(&text, &size, path, MODEL_LIMIT, error));
    mmn_status status = read_lines(vocabulary, text, size, error);
    mmn_free(text);
    return status;
}

/* Adds BERT's special tokens, which must be words: the unknown one, and those around a text. */
static void read_bert_tokens(mmn_tokenizer *tokenizer, const mmn_side_files *files)
{
    static const struct {
        const char *key, *usual;
    } names[] = {{"unk_token", "[UNK]"},
                 {"cls_token", "[CLS]"},
                 {"sep_token", "[SEP]"},
                 {"pad_token", "[PAD]"},
                 {"mask_token", "[MASK]"}};
    const mmn_object *config = &files->config;
    mmn_error *error = config->reader->error;
    int32_t ids[MMN_LENGTH(names)];
    for (size_t i = 0; i < MMN_LENGTH(names) && mmn_read_fine(config); i++) {
        const char *said = mmn_side_files_token(files, names[i].key, names[i].usual);
        const char *content = said ? said : names[i].usual;
        size_t length = strlen(content);
        ids[i] = mmn_vocabulary_find(&tokenizer->wordpiece.vocabulary, content, length);
        const mmn_added_token token = {.id = ids[i], .special = true};
        if (ids[i] < 0)
            mmn_read_wrong(config, names[i].key, "\"%.60s\" is not a token of vocab.txt", content);
        else if (mmn_vocabulary_find(&tokenizer->added.contents, content, length) < 0)
            mmn_read_failed(
                config, mmn_added_tokens_add(&tokenizer->added, &token, content, length, error));
    }
    if (!mmn_read_fine(config))
        return;
    tokenizer->wordpiece.unknown = ids[0];
    mmn_read_failed(config, mmn_ids_add(&tokenizer->before, ids[1], error));
    mmn_read_failed(config, mmn_ids_add(&tokenizer->after, ids[2], error));
}

/* The steps around the model, as transformers makes them for a vocab.txt. */
static mmn_status make_bert_steps(mmn_tokenizer *tokenizer, const mmn_bert_options *options,
                                  mmn_error *error)
{
    MMN_TRY(mmn_normalizer_add_bert(&tokenizer->normalizer, options, error));
    MMN_TRY(mmn_pre_tokenizer_add_bert(&tokenizer->pre_tokenizer, error));
    tokenizer->decoder.is_set = true;
    return mmn_decoder_add_bert(&tokenizer->decoder, tokenizer->wordpiece.prefix, true, error);
}

static mmn_status read_words(mmn_tokenizer *tokenizer, const char *folder, const char *path,
                             mmn_error *error)
{
    mmn_side_files files;
    mmn_bert_options options = {true, true, true, true};
    tokenizer->model = MMN_MODEL_WORDPIECE;
    tokenizer->wordpiece.longest_word = 100;
    strcpy(tokenizer->wordpiece.prefix, "##");
    MMN_TRY(read_vocabulary(&tokenizer->wordpiece.vocabulary, path, error));
    mmn_side_files_open(&files, folder, error);
    mmn_side_files_add_tokens(&files, tokenizer, false);
    read_bert_tokens(tokenizer, &files);
    mmn_side_files_bert_options(&options, &files);
    mmn_side_files_close(&files);
    MMN_TRY(files.reader.status);
    return make_bert_steps(tokenizer, &options, error);
}

/* ---- Any of them ----------------------------------------------------------------------------- */

/* Prepares what reading has filled, or closes it if `status` says that reading failed. */
static mmn_status finish(mmn_tokenizer **tokenizer, mmn_tokenizer *made, mmn_status status,
                         mmn_error *error)
{
    if (status == MMN_OK)
        status = mmn_added_tokens_finish(&made->added, &made->normalizer, error);
    if (status != MMN_OK) {
        mmn_tokenizer_close(made);
        made = NULL;
    }
    *tokenizer = made;
    return status;
}

mmn_status mmn_tokenizer_from_json(mmn_tokenizer **tokenizer, const char *text, size_t size,
                                   const char *file, mmn_error *error)
{
    mmn_tokenizer *made = mmn_allocate(1, sizeof(*made), error);
    mmn_status status = made ? mmn_tokenizer_read_json(made, text, size, file, error) : MMN_SYSTEM;
    return mmn_error_in_file(error, finish(tokenizer, made, status, error), file);
}

mmn_status mmn_tokenizer_from_model(mmn_tokenizer **tokenizer, const uint8_t *data, size_t size,
                                    const char *file, mmn_error *error)
{
    mmn_tokenizer *made = mmn_allocate(1, sizeof(*made), error);
    mmn_status status = made ? mmn_sentencepiece_read(made, data, size, NULL, error) : MMN_SYSTEM;
    return mmn_error_in_file(error, finish(tokenizer, made, status, error), file);
}

/* Reads the first of the files that a folder may have. */
static mmn_status read_folder(mmn_tokenizer *tokenizer, const char *folder, mmn_error *error)
{
    static const struct {
        const char *name;
        mmn_status (*read)(mmn_tokenizer *, const char *, const char *, mmn_error *);
    } files[] = {
        {"tokenizer.json", read_json}, {"tokenizer.model", read_model}, {"vocab.txt", read_words}};
    for (size_t i = 0; i < MMN_LENGTH(files); i++) {
        char *path;
        MMN_TRY(mmn_find_in_folder(&path, folder, files[i].name, error));
        if (path) {
            mmn_status status = files[i].read(tokenizer, folder, path, error);
            status = mmn_error_in_file(error, status, path);
            mmn_free(path);
            return status;
        }
    }
    return mmn_fail(error, MMN_INPUT, folder, NULL,
                    "there is neither a tokenizer.json nor a tokenizer.model or vocab.txt");
}

mmn_status mmn_tokenizer_open(mmn_tokenizer **tokenizer, const char *folder, mmn_error *error)
{
    mmn_tokenizer *made = mmn_allocate(1, sizeof(*made), error);
    mmn_status status = made ? read_folder(made, folder, error) : MMN_SYSTEM;
    return mmn_error_in_file(error, finish(tokenizer, made, status, error), folder);
}
