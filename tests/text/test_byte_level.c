/* Byte-level tokenizers beyond the texts of test_tokenizer.c: long stretches, damaged and hostile
 * files, tokens that no merge makes, and bytes that are no text. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "tests/tools/slow.h"
#include "text/tokenizer_parts.h"

#ifdef HAVE_PCRE2

static mmn_error error;

static mmn_tokenizer *make(const char *json)
{
    mmn_tokenizer *tokenizer;
    mmn_status status =
        mmn_tokenizer_from_json(&tokenizer, json, strlen(json), "tokenizer.json", &error);
    cr_assert_eq(status, MMN_OK, "%s: %s", error.where, error.message);
    return tokenizer;
}

static mmn_tokenizer *open_golden(const char *name)
{
    char folder[4096];
    mmn_tokenizer *tokenizer;
    snprintf(folder, sizeof(folder), MMN_SOURCE_DIR "/golden/%s_tokenizer", name);
    cr_assert_eq(mmn_tokenizer_open(&tokenizer, folder, &error), MMN_OK, "%s", error.message);
    return tokenizer;
}

/* The ids of a text as numbers with spaces between them. */
static const char *ids_of(const mmn_tokenizer *tokenizer, const char *text)
{
    static char line[256];
    int32_t *ids;
    size_t count, length = 0;
    cr_assert_eq(mmn_tokenizer_encode(tokenizer, text, strlen(text), false, &ids, &count, &error),
                 MMN_OK, "%s", error.message);
    line[0] = '\0';
    for (size_t i = 0; i < count && length < sizeof(line) - 16; i++)
        length +=
            (size_t)snprintf(line + length, sizeof(line) - length, i ? " %d" : "%d", (int)ids[i]);
    mmn_free(ids);
    return line;
}

/* "abc" is a token, but no merge makes it. */
#define UNMERGED(options, pre_tokenizer)                                                           \
    "{\"pre_tokenizer\":" pre_tokenizer ",\"model\":{\"type\":\"BPE\"," options                    \
    "\"vocab\":{\"a\":0,\"b\":1,\"c\":2,\"ab\":3,\"abc\":4,\"\u0120\":5,\"\u0120abc\":6},"         \
    "\"merges\":[\"a b\"]}}"
#define BYTES(prefix, regex)                                                                       \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":" prefix ",\"use_regex\":" regex "}"

Test(byte_level, ignores_merges_for_whole_words_only)
{
    static const struct {
        const char *json, *text, *ids;
    } cases[] = {
        {UNMERGED("\"ignore_merges\":true,", BYTES("false", "true")), "abc abc", "4 6"},
        {UNMERGED("\"ignore_merges\":false,", BYTES("false", "true")), "abc abc", "3 2 5 3 2"},
        {UNMERGED("", BYTES("false", "true")), "abc abc", "3 2 5 3 2"},
        {UNMERGED("\"ignore_merges\":true,", BYTES("false", "true")), "abca", "3 2 0"},
        {UNMERGED("\"ignore_merges\":true,", BYTES("true", "true")), "abc abc", "6 6"},
        {UNMERGED("\"ignore_merges\":true,", BYTES("true", "true")), " abc", "6"},
        {UNMERGED("\"ignore_merges\":true,", BYTES("false", "false")), "abc abc", "3 2 5 3 2"},
        {UNMERGED("\"ignore_merges\":true,", BYTES("false", "true")), "abc?", "4"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mmn_tokenizer *tokenizer = make(cases[i].json);
        cr_expect_str_eq(ids_of(tokenizer, cases[i].text), cases[i].ids, "case %zu", i);
        mmn_tokenizer_close(tokenizer);
    }
}

/* Expected texts by the `tokenizers` library: one U+FFFD for each beginning of a character that is
 * cut short. Ids are looked up by the characters that stand for the bytes. */
Test(byte_level, decodes_bytes_that_are_no_text)
{
#define REPLACED "\xef\xbf\xbd"
    static const struct {
        const char *tokens[5]; /* as the vocabulary spells single bytes */
        const char *text;
    } cases[] = {
        {{"\u00f0", "\u0141"}, REPLACED},                             /* f0 9f */
        {{"\u00f0", "\u0141", "A"}, REPLACED "A"},                    /* f0 9f 41 */
        {{"\u0122"}, REPLACED},                                       /* 80 */
        {{"\u00ff", "A"}, REPLACED "A"},                              /* ff 41 */
        {{"\u00ed", "\u0142", "\u0122"}, REPLACED REPLACED REPLACED}, /* a surrogate */
        {{"\u00f4", "\u0132", "\u0122"}, REPLACED REPLACED REPLACED}, /* above U+10FFFF */
        {{"\u00e2", "\u0124", "\u00e2", "\u0124", "\u00ac"}, REPLACED "\xe2\x82\xac"},
        {{"\u00c3", "\u00a9"}, "\xc3\xa9"},
    };
    static const char *const names[] = {"llama3", "bloom"};
    for (size_t n = 0; n < 2; n++) {
        mmn_tokenizer *tokenizer = open_golden(names[n]);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            int32_t ids[5];
            size_t count = 0;
            char *text;
            for (; count < 5 && cases[i].tokens[count]; count++)
                cr_assert(
                    mmn_tokenizer_token_to_id(tokenizer, cases[i].tokens[count], &ids[count]));
            cr_assert_eq(mmn_tokenizer_decode(tokenizer, ids, count, false, &text, NULL, &error),
                         MMN_OK);
            cr_expect_str_eq(text, cases[i].text, "%s, case %zu", names[n], i);
            mmn_free(text);
        }
        mmn_tokenizer_close(tokenizer);
    }
}

/* Runs of one kind of character are one piece each; those of white space are what LLaMA-3's
 * expression takes most steps for. */
Test(byte_level, encodes_long_pieces)
{
    static const char *const periods[] = {"the", " ", "\n", "\xc2\xa0", "\xf0\x9f\x99\x82"};
    static const char *const names[] = {"llama3", "bloom"};
    size_t size = is_slow() ? 60000 : 120000;
    char *text = malloc(size);
    for (size_t n = 0; n < 2; n++) {
        mmn_tokenizer *tokenizer = open_golden(names[n]);
        for (size_t p = 0; p < sizeof(periods) / sizeof(periods[0]); p++) {
            size_t period = strlen(periods[p]), used = size / period * period, count, length;
            int32_t *ids;
            char *decoded;
            for (size_t i = 0; i < used; i++)
                text[i] = periods[p][i % period];
            cr_assert_eq(mmn_tokenizer_encode(tokenizer, text, used, false, &ids, &count, &error),
                         MMN_OK, "%s, period %zu: %s", names[n], p, error.message);
            cr_assert_eq(
                mmn_tokenizer_decode(tokenizer, ids, count, false, &decoded, &length, &error),
                MMN_OK);
            cr_expect(length == used && memcmp(text, decoded, used) == 0, "%s, period %zu",
                      names[n], p);
            mmn_free(ids);
            mmn_free(decoded);
        }
        mmn_tokenizer_close(tokenizer);
    }
    free(text);
}

/* ---- Damaged and hostile files --------------------------------------------------------------- */

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s", path);
    char *data = malloc(1 << 16);
    *size = fread(data, 1, 1 << 16, file);
    cr_assert(feof(file), "%s is larger than expected", path);
    fclose(file);
    return data;
}

/* Whether a damaged file is refused; one that is not has to give a tokenizer that works. */
static bool is_refused(const char *json, size_t size)
{
    static const char text[] = "It's 1234 <image>\n\n  \xf0\x9f\x99\x82 </s><|im_end|>";
    mmn_tokenizer *tokenizer;
    int32_t *ids;
    size_t count, length;
    char *decoded;
    mmn_status status = mmn_tokenizer_from_json(&tokenizer, json, size, "tokenizer.json", &error);
    if (status != MMN_OK) {
        cr_assert(status == MMN_INPUT && !tokenizer && error.message[0], "%s", error.message);
        return true;
    }
    status = mmn_tokenizer_encode(tokenizer, text, strlen(text), true, &ids, &count, &error);
    cr_assert(status == MMN_OK || status == MMN_INPUT);
    if (status == MMN_OK) {
        status = mmn_tokenizer_decode(tokenizer, ids, count, false, &decoded, &length, &error);
        cr_assert_eq(status, MMN_OK);
        cr_assert_eq(mmn_utf8_valid_prefix(decoded, length), length);
        mmn_free(decoded);
        mmn_free(ids);
    }
    mmn_tokenizer_close(tokenizer);
    return false;
}

Test(byte_level, damaged_files)
{
    static const char *const names[] = {"llama3", "qwen2", "bloom", "phi"};
    size_t damages = is_slow() ? 30 : 120;
    uint32_t random = 1;
    for (size_t n = 0; n < 4; n++) {
        char path[4096];
        size_t size, cut = 0, flipped = 0;
        snprintf(path, sizeof(path), MMN_SOURCE_DIR "/golden/%s_tokenizer/tokenizer.json",
                 names[n]);
        char *data = read_file(path, &size);
        for (size_t i = 0; i < damages; i++) {
            cut += is_refused(data, size * i / damages);
            random = random * 1664525u + 1013904223u;
            size_t at = (size_t)(random >> 8) % size;
            char old = data[at];
            data[at] = (char)(old ^ (1 << (random >> 5 & 7)));
            flipped += is_refused(data, size);
            data[at] = old;
        }
        cr_expect_eq(cut, damages, "%s: %zu of %zu cut files refused", names[n], cut, damages);
        cr_expect_gt(flipped, damages / 4, "%s: %zu of %zu", names[n], flipped, damages);
        free(data);
    }
}

/* Neither an expression that takes exponentially many steps nor one whose every match is short and
 * slow keeps the program busy: each is refused once its limit is reached. */
Test(byte_level, slow_expressions_are_stopped)
{
#define SPLIT(expression)                                                                          \
    "{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" expression "\"},"           \
    "\"behavior\":\"Isolated\"},\"model\":{\"vocab\":{\"a\":0},\"merges\":[]}}"
    static const char *const expressions[] = {
        SPLIT("(a|aa)+[bc]"), /* exponentially many steps */
        SPLIT("[ab]*[bc]|a"), /* a step per byte for a match of one byte */
        SPLIT("(?=(a|aa)+[bc])|a"),
    };
    char word[200000];
    memset(word, 'a', sizeof(word));
    for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
        mmn_tokenizer *tokenizer = make(expressions[i]);
        int32_t *ids;
        size_t count;
        cr_assert_eq(
            mmn_tokenizer_encode(tokenizer, word, sizeof(word), false, &ids, &count, &error),
            MMN_INPUT, "expression %zu", i);
        cr_expect(strstr(error.message, "cannot be matched"), "%s", error.message);
        mmn_tokenizer_close(tokenizer);
    }
}

#else

Test(byte_level, needs_patterns)
{
    cr_skip_test("this build leaves out what byte-level tokenizers need");
}

#endif
