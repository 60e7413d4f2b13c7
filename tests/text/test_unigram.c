/* Unigram tokenizers beyond the texts of test_tokenizer.c: ties, long texts, and maps of characters
 * and vocabularies that are damaged or hostile. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text_buffer.h"
#include "tests/tools/slow.h"
#include "text/tokenizer_parts.h"

#define GOLDEN MMN_SOURCE_DIR "/golden/unigram_tokenizer/tokenizer.json"

static mmn_error error;

static mmn_status try_to_make(mmn_tokenizer **tokenizer, const char *json)
{
    memset(&error, 0, sizeof(error));
    return mmn_tokenizer_from_json(tokenizer, json, strlen(json), "tokenizer.json", &error);
}

static mmn_tokenizer *make(const char *json)
{
    mmn_tokenizer *tokenizer;
    cr_assert_eq(try_to_make(&tokenizer, json), MMN_OK, "%s: %s", error.where, error.message);
    return tokenizer;
}

/* The ids of a text as numbers with spaces between them, or what went wrong. */
static const char *ids_of(const mmn_tokenizer *tokenizer, const char *text)
{
    static char line[256];
    int32_t *ids;
    size_t count, length = 0;
    if (mmn_tokenizer_encode(tokenizer, text, strlen(text), false, &ids, &count, &error) != MMN_OK)
        return error.message;
    line[0] = '\0';
    for (size_t i = 0; i < count && length < sizeof(line) - 16; i++)
        length +=
            (size_t)snprintf(line + length, sizeof(line) - length, i ? " %d" : "%d", (int)ids[i]);
    mmn_free(ids);
    return line;
}

#define MODEL(rest) "{\"model\":{\"type\":\"Unigram\"," rest "}}"

/* Expected by the algorithm as it stands in the `tokenizers` library. */
Test(unigram, breaks_ties_as_the_library)
{
    static const struct {
        const char *json, *text, *ids;
    } cases[] = {
        /* The longer last token came first, and an equal sum does not replace it. */
        {MODEL("\"unk_id\":0,\"vocab\":[[\"?\",0],[\"a\",-1],[\"b\",-1],[\"ab\",-2]]"), "ab", "3"},
        {MODEL("\"unk_id\":0,\"vocab\":[[\"?\",0],[\"a\",-1],[\"b\",-1],[\"ab\",-2.5]]"), "ab",
         "1 2"},
        {MODEL("\"unk_id\":0,\"vocab\":[[\"?\",0],[\"a\",-1],[\"aa\",-2]]"), "aaa", "1 2"},
        /* Neighbouring unknown characters are one, next to the unknown token too. */
        {MODEL("\"unk_id\":0,\"vocab\":[[\"?\",0],[\"a\",-1]]"), "xya?x", "0 1 0"},
        /* Where scores are positive, unknown characters may beat a token, which they then spell. */
        {MODEL("\"unk_id\":0,\"vocab\":[[\"?\",100],[\"xy\",100]]"), "xy", "1"},
        {MODEL("\"unk_id\":0,\"byte_fallback\":true,\"vocab\":[[\"?\",0],[\"<0x78>\",0],"
               "[\"<0x79>\",0]]"),
         "xyz", "0"},
        {MODEL("\"unk_id\":0,\"byte_fallback\":true,\"vocab\":[[\"?\",0],[\"<0x78>\",0],"
               "[\"<0x79>\",0]]"),
         "xy", "1 2"},
        {MODEL("\"vocab\":[[\"a\",-1]]"), "ab",
         "the text has the character \"b\", and the tokenizer neither that nor an unknown token"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mmn_tokenizer *tokenizer = make(cases[i].json);
        cr_expect_str_eq(ids_of(tokenizer, cases[i].text), cases[i].ids, "case %zu", i);
        mmn_tokenizer_close(tokenizer);
    }
}

#define MAP(base64)                                                                                \
    "{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":" base64 "},\"model\":"    \
    "{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"?\",0],[\"a\",-1]]}}"

Test(unigram, refuses_what_is_none)
{
    static const struct {
        const char *json, *where, *message;
    } cases[] = {
        {MODEL("\"unk_id\":0"), "model.vocab", "is missing"},
        {MODEL("\"unk_id\":2,\"vocab\":[[\"a\",0]]"), "model.unk_id", "has 1 tokens"},
        {MODEL("\"unk_id\":-1,\"vocab\":[[\"a\",0]]"), "model.unk_id", ""},
        {MODEL("\"vocab\":[[\"a\"]]"), "model.vocab[0]", "its score"},
        {MODEL("\"vocab\":[[\"a\",NaN]]"), "model.vocab[0]", "its score"},
        {MODEL("\"vocab\":[[1,0]]"), "model.vocab[0]", "its score"},
        {MODEL("\"vocab\":[[\"a\",0],[\"a\",1]]"), "token 1", "has the id 0 already"},
#ifdef HAVE_UTF8PROC
        {MAP("null"), "normalizer.precompiled_charsmap", "is missing"},
        {MAP("\"\""), "precompiled_charsmap", "whose size it says"},
        {MAP("\"AAA\""), "precompiled_charsmap", "is not base64"},
        {MAP("\"AA*=\""), "precompiled_charsmap", "is not base64"},
        {MAP("\"AAAAAB==\""), "precompiled_charsmap", "is not base64"},
        {MAP("\"AAAAAA==\""), "precompiled_charsmap", "whose size it says"},
        {MAP("\"BAAAAA==\""), "precompiled_charsmap", "whose size it says"},
        {MAP("\"BAAAAAAAAAD/\""), "precompiled_charsmap", "not UTF-8"},
#else
        {MAP("\"BAAAAAAAAAA=\""), "", "needs utf8proc"},
#endif
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mmn_tokenizer *tokenizer;
        cr_expect_eq(try_to_make(&tokenizer, cases[i].json), MMN_INPUT, "case %zu", i);
        cr_expect(strstr(error.where, cases[i].where), "case %zu: %s", i, error.where);
        cr_expect(strstr(error.message, cases[i].message), "case %zu: %s", i, error.message);
        cr_expect_null(tokenizer);
    }
}

#ifdef HAVE_UTF8PROC

/* A map of bytes as a tokenizer's document has it. */
static mmn_tokenizer *make_of_map(const uint8_t *bytes, size_t size)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *json = malloc(size / 3 * 4 + 1024);
    size_t length =
        (size_t)sprintf(json, "%.*s\"", (int)(strstr(MAP("~"), "~") - MAP("~")), MAP("~"));
    for (size_t at = 0; at < size; at += 3) {
        uint32_t word = 0;
        for (size_t i = 0; i < 3; i++)
            word = word << 8 | (at + i < size ? bytes[at + i] : 0);
        for (size_t i = 0; i < 4; i++)
            json[length++] = at + i <= size ? letters[word >> (18 - 6 * i) & 63] : '=';
    }
    sprintf(json + length, "\"%s", strstr(MAP("~"), "~") + 1);
    mmn_tokenizer *tokenizer = make(json);
    free(json);
    return tokenizer;
}

static void put_unit(uint8_t *bytes, size_t unit, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        bytes[4 + 4 * unit + i] = (uint8_t)(value >> (8 * i));
}

/* A trie of 256 units whose only key is "a", with the value `value`, and texts behind it. */
static mmn_tokenizer *make_of_value(uint32_t value, const char *text, size_t length)
{
    enum { UNITS = 256, A = 'a' ^ 128 };
    uint8_t *bytes = calloc(4 + 4 * UNITS + length, 1);
    bytes[1] = 4 * UNITS / 256;
    put_unit(bytes, 0, 128 << 10);
    put_unit(bytes, A, 'a' | 1 << 8 | (A ^ 200) << 10);
    put_unit(bytes, 200, 1u << 31 | value);
    memcpy(bytes + 4 + 4 * UNITS, text, length);
    mmn_tokenizer *tokenizer = make_of_map(bytes, 4 + 4 * UNITS + length);
    free(bytes);
    return tokenizer;
}

Test(unigram, follows_a_map)
{
    static const struct {
        uint32_t value;
        const char *text, *ids;
    } cases[] = {
        {0, "b\0", "0"},     {1, "ba\0", "1"},        {3, "b\0b", ""}, /* at the end: nothing */
        {4, "b\0b", "trie"}, {1, "\xc3\xa9", "trie"}, {0x7fffffff, "b\0b", "trie"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mmn_tokenizer *tokenizer =
            make_of_value(cases[i].value, cases[i].text, 3 - (i > 3 && i < 5));
        cr_expect(strstr(ids_of(tokenizer, "a"), cases[i].ids), "case %zu: %s", i,
                  ids_of(tokenizer, "a"));
        mmn_tokenizer_close(tokenizer);
    }
}

/* A leaf that lies outside the trie, and children that do. */
Test(unigram, stops_at_a_trie_that_leads_out)
{
    uint8_t bytes[4 + 4 * 256] = {0};
    bytes[1] = 4;
    put_unit(bytes, 0, 128 << 10);
    put_unit(bytes, 'a' ^ 128, 'a' | 1 << 8 | 1 << 9 | 0x1fffffu << 10);
    put_unit(bytes, 'b' ^ 128, 'b' | 1 << 9 | 0x1fffffu << 10);
    mmn_tokenizer *tokenizer = make_of_map(bytes, sizeof(bytes));
    cr_expect(strstr(ids_of(tokenizer, "a"), "leads out"));
    cr_expect(strstr(ids_of(tokenizer, "b\xcc\x81"), "leads out"));
    cr_expect_str_eq(ids_of(tokenizer, "c"), "0");
    mmn_tokenizer_close(tokenizer);
}

/* A short text that would become gigabytes. */
Test(unigram, stops_at_a_text_that_grows)
{
    enum { SIZE = 1 << 20, COUNT = 4096 };
    char *huge = malloc(SIZE), text[COUNT + 1] = {0};
    memset(huge, 'b', SIZE);
    memset(text, 'a', COUNT);
    mmn_tokenizer *tokenizer = make_of_value(0, huge, SIZE);
    cr_expect(strstr(ids_of(tokenizer, text), "normaliser makes"), "%s", ids_of(tokenizer, text));
    mmn_tokenizer_close(tokenizer);
    free(huge);
}

#ifdef HAVE_PCRE2
/* The bytes of a map's trie, the number that its base64 begins with. */
static size_t size_of_trie(const char *base64)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint64_t bits = 0;
    for (size_t i = 0; i < 6; i++)
        bits = bits << 6 | (uint64_t)(strchr(letters, base64[i]) - letters);
    bits >>= 4;
    return (size_t)((bits >> 24 & 0xff) | (bits >> 8 & 0xff00) | (bits << 8 & 0xff0000) |
                    (bits << 24 & 0xff000000));
}

/* The golden tokenizer's map with flipped bits: texts are encoded, or refused as damaged. */
Test(unigram, survives_damaged_maps)
{
    static const char text[] =
        "\xef\xac\x81\xcc\x81 ½ \xef\xbc\xa1 a\xcc\x88 \xe3\x8e\x8f\n\r\n\xc2\xa0"
        "日本\xef\xbd\xb6\xef\xbe\x9e \xe1\xba\x9b\xcc\xa3";
    json_t *document = json_load_file(GOLDEN, 0, NULL);
    json_t *steps = json_object_get(json_object_get(document, "normalizer"), "normalizers");
    json_t *step = json_array_get(steps, 1);
    const char *key = "precompiled_charsmap";
    char *original = strdup(json_string_value(json_object_get(step, key)));
    char *base64 = strdup(original);
    uint32_t random = 7;
    /* The trie alone, four thirds of whose bytes are letters: damaged texts are no UTF-8. */
    const size_t length = size_of_trie(base64) / 3 * 4, rounds = is_slow() ? 5 : 60;
    size_t worked = 0;
    for (size_t round = 0; round < rounds; round++) {
        mmn_tokenizer *tokenizer;
        for (size_t i = 0; i < 400; i++) {
            random = random * 1664525u + 1013904223u;
            base64[8 + (random >> 8) % (length - 8)] = "Aa0+/z"[random % 6];
        }
        json_object_set_new(step, key, json_string(base64));
        char *json = json_dumps(document, JSON_COMPACT);
        if (try_to_make(&tokenizer, json) == MMN_OK) {
            int32_t *ids;
            size_t count;
            mmn_status status =
                mmn_tokenizer_encode(tokenizer, text, sizeof(text) - 1, true, &ids, &count, &error);
            cr_assert(status == MMN_OK || status == MMN_INPUT, "%s", error.message);
            worked++;
            if (status == MMN_OK)
                mmn_free(ids);
            mmn_tokenizer_close(tokenizer);
        }
        free(json);
        if (round % 10 == 9)
            strcpy(base64, original);
    }
    cr_expect_eq(worked, rounds);
    free(base64);
    free(original);
    json_decref(document);
}

/* A model that others have trained, against the tokenizers library:
 * golden/make_unigram_published.py wrote both into the folder that MMN_UNIGRAM_DIR names. */
Test(unigram, encodes_with_a_published_model_as_the_library_does)
{
    const char *folder = getenv("MMN_UNIGRAM_DIR");
    char path[1024];
    if (!folder || !folder[0])
        cr_skip_test("MMN_UNIGRAM_DIR names no folder");
    snprintf(path, sizeof(path), "%s/cases.json", folder);
    json_t *cases = json_load_file(path, 0, NULL);
    mmn_tokenizer *tokenizer;
    size_t i;
    const json_t *item;
    cr_assert_eq(mmn_tokenizer_open(&tokenizer, folder, &error), MMN_OK, "%s", error.message);
    cr_assert_gt(json_array_size(cases), 0);
    json_array_foreach(cases, i, item)
    {
        const char *text = json_string_value(json_object_get(item, "text"));
        const json_t *expected = json_object_get(item, "ids");
        int32_t *ids;
        size_t count;
        cr_assert_eq(
            mmn_tokenizer_encode(tokenizer, text, strlen(text), false, &ids, &count, &error),
            MMN_OK, "%s", error.message);
        cr_expect_eq(count, json_array_size(expected), "%s", text);
        for (size_t k = 0; k < count && k < json_array_size(expected); k++)
            cr_expect_eq(ids[k], json_integer_value(json_array_get(expected, k)), "%s", text);
        mmn_free(ids);
    }
    mmn_tokenizer_close(tokenizer);
    json_decref(cases);
}

/* In time that grows with the text, not with its square. */
Test(unigram, encodes_a_megabyte_without_spaces)
{
    const size_t length = is_slow() ? 1 << 16 : 1 << 20;
    mmn_tokenizer *tokenizer;
    int32_t *ids;
    size_t count;
    char *text = malloc(length);
    for (size_t i = 0; i < length; i++)
        text[i] = "the cat"[i % 7] == ' ' ? 'q' : "the cat"[i % 7];
    cr_assert_eq(mmn_tokenizer_open(&tokenizer, MMN_SOURCE_DIR "/golden/unigram_tokenizer", &error),
                 MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_tokenizer_encode(tokenizer, text, length, false, &ids, &count, &error), MMN_OK,
                 "%s", error.message);
    cr_expect_gt(count, length / 4);
    mmn_free(ids);
    mmn_tokenizer_close(tokenizer);
    free(text);
}
#endif
#endif
