/* Tokenizers: ids and texts against those of the `tokenizers` and `sentencepiece` libraries, which
 * data/make_tokenizer_cases.py, make_bert_cases.py, make_byte_cases.py and make_unigram_cases.py
 * stored, and what encoding and decoding refuse. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "text/tokenizer.h"
#include "text/tokenizer_parts.h"

#define DATA MMN_SOURCE_DIR "/tests/text/data/"
#define GOLDEN MMN_SOURCE_DIR "/golden/tokenizer"
#define BERT MMN_SOURCE_DIR "/golden/qformer_tokenizer"

static mmn_error error;

static json_t *load_cases(const char *path)
{
    json_error_t problem;
    json_t *cases = json_load_file(path, 0, &problem);
    cr_assert(cases, "%s", problem.text);
    return cases;
}

static mmn_tokenizer *open_tokenizer(const char *folder)
{
    mmn_tokenizer *tokenizer;
    mmn_status status = mmn_tokenizer_open(&tokenizer, folder, &error);
    cr_assert_eq(status, MMN_OK, "%s: %s: %s", error.file, error.where, error.message);
    return tokenizer;
}

static void check_ids(const json_t *expected, const int32_t *ids, size_t count, const char *what)
{
    cr_assert_eq(json_array_size(expected), count, "%s: %zu ids, expected %zu", what, count,
                 json_array_size(expected));
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(json_integer_value(json_array_get(expected, i)), ids[i], "%s: id %zu is %d",
                     what, i, (int)ids[i]);
}

static void check_text(const mmn_tokenizer *tokenizer, const char *text, const json_t *result)
{
    int32_t *ids;
    size_t count, length;
    char *decoded;
    const json_t *expected_ids = json_object_get(result, "ids");
    const char *expected = json_string_value(json_object_get(result, "decoded"));
    cr_assert_eq(mmn_tokenizer_encode(tokenizer, text, strlen(text), false, &ids, &count, &error),
                 MMN_OK, "%s", error.message);
    check_ids(expected_ids, ids, count, text);
    cr_assert_eq(mmn_tokenizer_decode(tokenizer, ids, count, false, &decoded, &length, &error),
                 MMN_OK, "%s", error.message);
    cr_assert_str_eq(decoded, expected ? expected : text);
    cr_assert_eq(length, strlen(decoded));
    mmn_free(ids);
    mmn_free(decoded);
}

/* Compares a folder's tokenizer with what is stored; `texts` may be longer. */
static void check_folder(const char *folder, const json_t *texts, const json_t *stored)
{
    mmn_tokenizer *tokenizer = open_tokenizer(folder);
    const json_t *results = json_object_get(stored, "results");
    int32_t *ids;
    size_t count;
    cr_assert_gt(json_array_size(results), 250);
    for (size_t i = 0; i < json_array_size(results); i++)
        check_text(tokenizer, json_string_value(json_array_get(texts, i)),
                   json_array_get(results, i));
    cr_assert_eq(mmn_tokenizer_encode(tokenizer, "", 0, true, &ids, &count, &error), MMN_OK);
    check_ids(json_object_get(stored, "special"), ids, count, "special tokens");
    mmn_free(ids);
    mmn_tokenizer_close(tokenizer);
}

Test(tokenizer, gives_the_ids_of_a_tokenizer_json)
{
    json_t *cases = load_cases(DATA "cases.json");
    check_folder(GOLDEN, json_object_get(cases, "texts"), json_object_get(cases, "golden"));
    json_decref(cases);
}

Test(tokenizer, gives_the_ids_of_every_option)
{
    json_t *cases = load_cases(DATA "cases.json"), *stored;
    json_t *texts = json_object_get(cases, "texts"), *variants = json_object_get(cases, "variants");
    const char *name;
    cr_assert_gt(json_object_size(variants), 10);
    json_object_foreach(variants, name, stored)
    {
        char folder[4096];
        snprintf(folder, sizeof(folder), DATA "%s", name);
#ifndef HAVE_PCRE2
        if (strcmp(name, "pattern") == 0)
            continue;
#endif
#ifndef HAVE_UTF8PROC
        if (strstr("nfc nfkd lowercase added-words added-normalised", name))
            continue;
#endif
        check_folder(folder, texts, stored);
    }
    json_decref(cases);
}

/* What a build without a library says of a tokenizer that needs it. */
static void check_missing(const char *folder, const char *library)
{
    mmn_tokenizer *tokenizer;
    cr_assert_eq(mmn_tokenizer_open(&tokenizer, folder, &error), MMN_INPUT, "%s", folder);
    cr_assert(strstr(error.message, "this tokenizer needs") && strstr(error.message, library) &&
                  strstr(error.message, "this build leaves out"),
              "%s", error.message);
    cr_assert(strstr(error.file, "tokenizer.json"));
}

Test(tokenizer, says_which_library_is_missing)
{
#ifndef HAVE_PCRE2
    check_missing(DATA "pattern", "PCRE2");
    check_missing(MMN_SOURCE_DIR "/golden/llama3_tokenizer", "PCRE2");
#endif
#ifndef HAVE_UTF8PROC
    check_missing(DATA "nfc", "utf8proc");
    check_missing(DATA "lowercase", "utf8proc");
    check_missing(DATA "added-words", "utf8proc");
    check_missing(BERT, "utf8proc");
#endif
    (void)check_missing;
}

/* A folder of its own in which `files` of the folder `source` are found. */
static char *link_files(const char *source, const char *const *files, size_t count)
{
    static char folder[] = "/tmp/mmneuron-tokenizer-XXXXXX";
    cr_assert(mkdtemp(folder));
    for (size_t i = 0; i < count; i++) {
        char from[4096], to[4096];
        snprintf(from, sizeof(from), "%s/%s", source, files[i]);
        snprintf(to, sizeof(to), "%s/%s", folder, files[i]);
        cr_assert_eq(symlink(from, to), 0);
    }
    return folder;
}

static void remove_links(const char *folder, const char *const *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* tokenizer.model with the settings beside it does what tokenizer.json does: every stretch between
 * special tokens has its own leading space. */
Test(tokenizer, gives_the_same_ids_from_a_tokenizer_model)
{
    static const char *const files[] = {"tokenizer.model", "tokenizer_config.json",
                                        "special_tokens_map.json"};
    json_t *cases = load_cases(DATA "cases.json");
    const char *folder = link_files(GOLDEN, files, 3);
    check_folder(folder, json_object_get(cases, "texts"), json_object_get(cases, "golden"));
    remove_links(folder, files, 3);
    json_decref(cases);
}

#ifdef HAVE_UTF8PROC
Test(tokenizer, gives_the_ids_of_bert)
{
    json_t *cases = load_cases(DATA "bert_cases.json");
    check_folder(BERT, json_object_get(cases, "texts"), json_object_get(cases, "golden"));
    json_decref(cases);
}

Test(tokenizer, gives_the_ids_of_bert_from_a_vocabulary_alone)
{
    static const char *const files[] = {"vocab.txt", "tokenizer_config.json",
                                        "special_tokens_map.json", "added_tokens.json"};
    json_t *cases = load_cases(DATA "bert_cases.json");
    const char *folder = link_files(BERT, files, 4);
    check_folder(folder, json_object_get(cases, "texts"), json_object_get(cases, "golden"));
    remove_links(folder, files, 4);
    json_decref(cases);
}

Test(tokenizer, gives_the_ids_of_every_option_of_bert)
{
    json_t *cases = load_cases(DATA "bert_cases.json"), *stored;
    json_t *variants = json_object_get(cases, "variants");
    const char *name;
    cr_assert_gt(json_object_size(variants), 5);
    json_object_foreach(variants, name, stored)
    {
        char folder[4096];
        snprintf(folder, sizeof(folder), DATA "%s", name);
        check_folder(folder, json_object_get(cases, "texts"), stored);
    }
    json_decref(cases);
}
#endif

#ifdef HAVE_PCRE2
/* Tokenizers that spell bytes as characters; what needs utf8proc is left out without it. */
Test(tokenizer, gives_the_ids_of_byte_level_tokenizers)
{
    json_t *cases = load_cases(DATA "byte_cases.json"), *stored;
    json_t *golden = json_object_get(cases, "golden"),
           *variants = json_object_get(cases, "variants");
    const char *name;
    cr_assert_eq(json_object_size(golden), 5);
    cr_assert_eq(json_object_size(variants), 3);
    json_object_foreach(golden, name, stored)
    {
        char folder[4096];
        snprintf(folder, sizeof(folder), MMN_SOURCE_DIR "/golden/%s_tokenizer", name);
#ifndef HAVE_UTF8PROC
        if (strcmp(name, "qwen2") == 0)
            continue;
#endif
        check_folder(folder, json_object_get(cases, "texts"), stored);
    }
    json_object_foreach(variants, name, stored)
    {
        char folder[4096];
        snprintf(folder, sizeof(folder), DATA "%s", name);
#ifndef HAVE_UTF8PROC
        if (strcmp(name, "byte-removed") == 0)
            continue;
#endif
        check_folder(folder, json_object_get(cases, "texts"), stored);
    }
    json_decref(cases);
}
#endif

#if defined(HAVE_UTF8PROC) && defined(HAVE_PCRE2)
Test(tokenizer, gives_the_ids_of_unigram_tokenizers)
{
    json_t *cases = load_cases(DATA "unigram_cases.json"), *stored;
    json_t *texts = json_object_get(cases, "texts"), *variants = json_object_get(cases, "variants");
    const char *name;
    check_folder(MMN_SOURCE_DIR "/golden/unigram_tokenizer", texts,
                 json_object_get(cases, "golden"));
    cr_assert_eq(json_object_size(variants), 4);
    json_object_foreach(variants, name, stored)
    {
        char folder[4096];
        snprintf(folder, sizeof(folder), DATA "%s", name);
        check_folder(folder, texts, stored);
    }
    json_decref(cases);
}
#endif

Test(tokenizer, gives_the_ids_of_the_real_llama_model)
{
    const char *shared = getenv("MMN_SHARED_DATA");
    char folder[4096], model[4200];
    snprintf(folder, sizeof(folder), "%s/tokenizers/llama",
             shared ? shared : MMN_SOURCE_DIR "/../shared/data");
    snprintf(model, sizeof(model), "%s/tokenizer.model", folder);
    if (access(model, R_OK) != 0)
        cr_skip_test("there is no %s; MMN_SHARED_DATA says where else to look", model);
    json_t *cases = load_cases(DATA "cases.json");
    check_folder(folder, json_object_get(cases, "texts"), json_object_get(cases, "llama_model"));
    json_decref(cases);
}

Test(tokenizer, gives_the_ids_of_the_real_llama_json)
{
    const char *folder = getenv("MMN_LLAMA_TOKENIZER_JSON");
    if (!folder)
        cr_skip_test("MMN_LLAMA_TOKENIZER_JSON does not name the folder that "
                     "data/make_tokenizer_cases.py --json makes");
    json_t *cases = load_cases(DATA "cases.json");
    check_folder(folder, json_object_get(cases, "texts"), json_object_get(cases, "llama_json"));
    json_decref(cases);
}

Test(tokenizer, encodes_a_megabyte_without_spaces)
{
    static const char *const periods[] = {"a", "the", "SSISTANT", "\xf0\x9f\x99\x82", "ininge"};
    mmn_tokenizer *tokenizer = open_tokenizer(GOLDEN);
    size_t size = 1 << 20, count, length;
    char *text = malloc(size), *decoded;
    int32_t *ids;
    for (size_t p = 0; p < sizeof(periods) / sizeof(periods[0]); p++) {
        size_t period = strlen(periods[p]), used = size / period * period;
        for (size_t i = 0; i < used; i++)
            text[i] = periods[p][i % period];
        cr_assert_eq(mmn_tokenizer_encode(tokenizer, text, used, false, &ids, &count, &error),
                     MMN_OK);
        cr_assert_eq(mmn_tokenizer_decode(tokenizer, ids, count, false, &decoded, &length, &error),
                     MMN_OK);
        cr_assert(length == used && memcmp(text, decoded, used) == 0, "%s", periods[p]);
        mmn_free(ids);
        mmn_free(decoded);
    }
    free(text);
    mmn_tokenizer_close(tokenizer);
}

Test(tokenizer, refuses_text_that_is_not_utf8)
{
    static const struct {
        const char *text;
        const char *where;
    } bad[] = {{"\xff", "byte 0"},
               {"abc\x80", "byte 3"},
               {"a\xc3", "byte 1"},
               {"\xc0\xaf", "byte 0"},         /* overlong */
               {"\xe0\x9f\xbf", "byte 0"},     /* overlong */
               {"\xf0\x8f\xbf\xbf", "byte 0"}, /* overlong */
               {"ab\xed\xa0\x80", "byte 2"},   /* a surrogate */
               {"\xf4\x90\x80\x80", "byte 0"}, /* above U+10FFFF */
               {"<image>\xe2\x96", "byte 7"},
               {"\xf5\x80\x80\x80", "byte 0"}};
    mmn_tokenizer *tokenizer = open_tokenizer(GOLDEN);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int32_t *ids;
        size_t count;
        cr_assert_eq(mmn_tokenizer_encode(tokenizer, bad[i].text, strlen(bad[i].text), true, &ids,
                                          &count, &error),
                     MMN_USAGE);
        cr_assert_str_eq(error.where, bad[i].where);
        cr_assert_null(ids);
    }
    mmn_tokenizer_close(tokenizer);
}

Test(tokenizer, keeps_zero_bytes)
{
    mmn_tokenizer *tokenizer = open_tokenizer(GOLDEN);
    int32_t *ids;
    size_t count, length;
    char *text;
    cr_assert_eq(mmn_tokenizer_encode(tokenizer, "a\0b", 3, false, &ids, &count, &error), MMN_OK);
    cr_assert_eq(ids[1], 3);
    cr_assert_eq(mmn_tokenizer_decode(tokenizer, ids, count, false, &text, &length, &error),
                 MMN_OK);
    cr_assert_eq(length, 3);
    cr_assert_arr_eq(text, "a\0b", 4);
    mmn_free(ids);
    mmn_free(text);
    mmn_tokenizer_close(tokenizer);
}

/* A vocabulary that holds U+0000; the ids are those of the `tokenizers` library. */
Test(tokenizer, reads_tokens_with_zero_bytes)
{
    static const char json[] =
        "{\"model\":{\"vocab\":{\"a\":0,\"\\u0000\":1,\"a\\u0000\":2,\"b\":3},"
        "\"merges\":[\"a \\u0000\"]},\"added_tokens\":[{\"id\":4,\"content\":\"\\u0000b\","
        "\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,"
        "\"special\":false}],\"decoder\":{\"type\":\"Fuse\"}}";
    static const int32_t expected[] = {2, 1, 0, 4, 2};
    mmn_tokenizer *tokenizer;
    int32_t *ids;
    size_t count, length;
    char *text;
    cr_assert_eq(mmn_tokenizer_from_json(&tokenizer, json, strlen(json), "file", &error), MMN_OK,
                 "%s: %s", error.where, error.message);
    static const char encoded[] = "a\0\0a\0ba";
    cr_assert_eq(
        mmn_tokenizer_encode(tokenizer, encoded, sizeof(encoded), false, &ids, &count, &error),
        MMN_OK);
    cr_assert_eq(count, 5);
    cr_assert_arr_eq(ids, expected, sizeof(expected));
    cr_assert_eq(mmn_tokenizer_decode(tokenizer, ids, count, false, &text, &length, &error),
                 MMN_OK);
    cr_assert_eq(length, sizeof(encoded));
    cr_assert_arr_eq(text, encoded, sizeof(encoded));
    mmn_free(ids);
    mmn_free(text);
    mmn_tokenizer_close(tokenizer);
}

/* Expected texts by the `tokenizers` library. */
Test(tokenizer, decodes_what_no_text_encodes_to)
{
    static const struct {
        int32_t ids[6];
        size_t count;
        bool skip;
        const char *text;
    } cases[] = {
        {{1, 500, 300, 481}, 4, true, "ASSIST"},
        {{1, 500, 300, 481}, 4, false, "<s> ASSIST<pad>"},
        {{232, 146, 300}, 3, true, "\xef\xbf\xbd\xef\xbf\xbd ASSIST"},
        {{232, 146}, 2, true, "\xef\xbf\xbd\xef\xbf\xbd"},
        {{0, 0, 2, 1}, 4, true, ""},
        {{0, 0, 2, 1}, 4, false, "<unk><unk></s><s>"},
        {{198, 172, 300, 198, 172, 258},
         6,
         true,
         "\xc3\xa9 ASSIST\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {{-1, 1 << 30, 300}, 3, true, "ASSIST"},
        {{0}, 0, true, ""},
    };
    mmn_tokenizer *tokenizer = open_tokenizer(GOLDEN);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text;
        cr_assert_eq(mmn_tokenizer_decode(tokenizer, cases[i].ids, cases[i].count, cases[i].skip,
                                          &text, NULL, &error),
                     MMN_OK);
        cr_assert_str_eq(text, cases[i].text);
        mmn_free(text);
    }
    mmn_tokenizer_close(tokenizer);
}

Test(tokenizer, tells_tokens_and_sizes)
{
    mmn_tokenizer *tokenizer = open_tokenizer(GOLDEN);
    int32_t id;
    cr_assert_eq(mmn_tokenizer_vocabulary_size(tokenizer), 482);
    cr_assert(mmn_tokenizer_token_to_id(tokenizer, "<image>", &id));
    cr_assert_eq(id, 480);
    cr_assert(mmn_tokenizer_token_to_id(tokenizer, "\xe2\x96\x81the", &id));
    cr_assert_str_eq(mmn_tokenizer_id_to_token(tokenizer, id), "\xe2\x96\x81the");
    cr_assert_not(mmn_tokenizer_token_to_id(tokenizer, "<video>", &id));
    cr_assert_null(mmn_tokenizer_id_to_token(tokenizer, 482));
    cr_assert_null(mmn_tokenizer_id_to_token(tokenizer, -1));
    mmn_tokenizer_close(tokenizer);
}
