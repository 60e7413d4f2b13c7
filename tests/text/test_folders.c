/* Tokenizers of folders whose files name further tokens and say where spaces go, or whose
 * tokenizer.json has other steps: ids and texts against those of transformers and of the
 * `tokenizers` library, which data/make_folder_cases.py and make_step_cases.py stored. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "text/tokenizer.h"

#define DATA MMN_SOURCE_DIR "/tests/text/data/"
#define GOLDEN MMN_SOURCE_DIR "/golden/tokenizer"

static mmn_error error;

/* golden/tokenizer's tokenizer.json with other members. */
static void write_changed(const char *folder, json_t *change)
{
    char path[256];
    json_error_t problem;
    json_t *document = json_load_file(GOLDEN "/tokenizer.json", 0, &problem);
    cr_assert(document, "%s", problem.text);
    cr_assert_eq(json_object_update(document, change), 0);
    snprintf(path, sizeof(path), "%s/tokenizer.json", folder);
    cr_assert_eq(json_dump_file(document, path, 0), 0);
    json_decref(document);
}

/* Makes the folder of a case. */
static void make_folder(char folder[64], const json_t *one)
{
    char from[4096], path[256];
    const char *name;
    json_t *value;
    strcpy(folder, "/tmp/mmneuron-folder-XXXXXX");
    cr_assert(mkdtemp(folder));
    json_object_foreach(json_object_get(one, "links"), name, value)
    {
        snprintf(from, sizeof(from), MMN_SOURCE_DIR "/%s/%s", json_string_value(value), name);
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        cr_assert_eq(symlink(from, path), 0);
    }
    json_object_foreach(json_object_get(one, "write"), name, value)
    {
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        cr_assert_eq(json_dump_file(value, path, 0), 0);
    }
    if (json_object_get(one, "change"))
        write_changed(folder, json_object_get(one, "change"));
}

static void remove_folder(const char *folder, const json_t *one)
{
    static const char *const keys[] = {"links", "write"};
    char path[256];
    const char *name;
    json_t *value;
    for (size_t i = 0; i < 2; i++)
        json_object_foreach(json_object_get(one, keys[i]), name, value)
        {
            snprintf(path, sizeof(path), "%s/%s", folder, name);
            unlink(path);
        }
    snprintf(path, sizeof(path), "%s/tokenizer.json", folder);
    unlink(path);
    rmdir(folder);
}

static void check_text(const mmn_tokenizer *tokenizer, const char *name, const char *text,
                       const json_t *result)
{
    const json_t *expected = json_object_get(result, "ids");
    int32_t *ids;
    size_t count;
    char *decoded;
    cr_assert_eq(mmn_tokenizer_encode(tokenizer, text, strlen(text), true, &ids, &count, &error),
                 MMN_OK, "%s", error.message);
    cr_assert_eq(count, json_array_size(expected), "%s: %s: %zu ids", name, text, count);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(ids[i], json_integer_value(json_array_get(expected, i)),
                     "%s: %s: id %zu is %d", name, text, i, (int)ids[i]);
    cr_assert_eq(mmn_tokenizer_decode(tokenizer, ids, count, true, &decoded, NULL, &error), MMN_OK);
    cr_assert_str_eq(decoded, json_string_value(json_object_get(result, "decoded")), "%s: %s", name,
                     text);
    mmn_free(decoded);
    mmn_free(ids);
}

/* Whether this build has the libraries for it. */
static bool can_read(const json_t *one)
{
    bool able = true;
    char *text = json_dumps(one, 0);
#ifndef HAVE_UTF8PROC
    static const char *const unicode[] = {"\"single_word\": true", "qwen2_tokenizer",
                                          "clip_tokenizer",        "Digits",
                                          "\"Whitespace\"",        "NFD",
                                          "StripAccents",          ", BERT, "};
    for (size_t i = 0; i < sizeof(unicode) / sizeof(unicode[0]); i++)
        able = able && !strstr(text, unicode[i]);
#endif
#ifndef HAVE_PCRE2
    static const char *const patterns[] = {"qwen2_tokenizer", "clip_tokenizer", "\"Split\"",
                                           "CharDelimiterSplit", "\"use_regex\": true"};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
        able = able && !strstr(text, patterns[i]);
#endif
    free(text);
    return able;
}

static void check_cases(const char *path)
{
    json_error_t problem;
    json_t *document = json_load_file(path, 0, &problem), *one;
    cr_assert(document, "%s", problem.text);
    json_t *texts = json_object_get(document, "texts");
    size_t i;
    cr_assert_gt(json_array_size(json_object_get(document, "cases")), 50);
    json_array_foreach(json_object_get(document, "cases"), i, one)
    {
        const char *name = json_string_value(json_object_get(one, "name"));
        const json_t *results = json_object_get(one, "results");
        mmn_tokenizer *tokenizer;
        char folder[64];
        if (!can_read(one))
            continue;
        make_folder(folder, one);
        cr_assert_eq(mmn_tokenizer_open(&tokenizer, folder, &error), MMN_OK, "%s: %s: %s: %s", name,
                     error.file, error.where, error.message);
        remove_folder(folder, one);
        cr_assert_gt(json_array_size(results), 10);
        for (size_t j = 0; j < json_array_size(results); j++)
            check_text(tokenizer, name, json_string_value(json_array_get(texts, j)),
                       json_array_get(results, j));
        mmn_tokenizer_close(tokenizer);
    }
    json_decref(document);
}

Test(folders, give_the_ids_of_transformers)
{
    check_cases(DATA "folder_cases.json");
}

Test(folders, give_the_ids_of_every_step)
{
    check_cases(DATA "step_cases.json");
}

/* A token that has no row in the embedding may be there; a text that holds it is refused. */
Test(folders, refuse_texts_beyond_the_limit)
{
    mmn_tokenizer *tokenizer;
    int32_t *ids;
    size_t count;
    cr_assert_eq(mmn_tokenizer_open(&tokenizer, GOLDEN, &error), MMN_OK);
    mmn_tokenizer_limit_ids(tokenizer, 481);
    cr_assert_eq(mmn_tokenizer_model_size(tokenizer), 480);
    cr_assert_eq(mmn_tokenizer_encode(tokenizer, "a<image>", 8, true, &ids, &count, &error),
                 MMN_OK);
    mmn_free(ids);
    cr_assert_eq(mmn_tokenizer_encode(tokenizer, "a<pad>", 6, true, &ids, &count, &error),
                 MMN_INPUT);
    cr_assert_str_eq(error.message,
                     "the token \"<pad>\" has the id 481, and the model's vocabulary ends before "
                     "481");
    cr_assert_null(ids);
    mmn_tokenizer_close(tokenizer);
}
