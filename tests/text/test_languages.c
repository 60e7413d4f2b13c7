/* Languages: those of pieces of text as Python finds them (golden/identified.json), and what cannot
 * be told. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "text/languages.h"

#define TEXTS MMN_SOURCE_DIR "/models/five-languages/text/"

static mmn_error error;
static mmn_languages languages;

static char *read_text(const char *folder, const char *name, size_t *size)
{
    char path[300], *text;
    snprintf(path, sizeof path, TEXTS "%s/%s.txt", folder, name);
    cr_assert_eq(mmn_read_file(&text, size, path, 1 << 20, &error), MMN_OK, "%s", error.message);
    return text;
}

/* In an order that is not that of names, and in two parts. */
static void set_up(void)
{
    static const char *const names[] = {"ja", "de", "fr", "en", "es"};
    for (size_t part = 0; part < 2; part++)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            size_t size;
            char *text = read_text("count", names[i], &size);
            cr_assert_eq(mmn_languages_add(&languages, names[i], text + part * (size / 2),
                                           part == 0 ? size / 2 : size - size / 2, &error),
                         MMN_OK);
            mmn_free(text);
        }
    cr_assert_eq(mmn_languages_learn(&languages, &error), MMN_OK, "%s", error.message);
}

static void tear_down(void)
{
    mmn_languages_free(&languages);
}

TestSuite(languages, .init = set_up, .fini = tear_down);

Test(languages, are_those_of_python)
{
    json_error_t problem;
    json_t *golden = json_load_file(MMN_SOURCE_DIR "/golden/identified.json", 0, &problem);
    const json_t *pieces = json_object_get(golden, "pieces"), *piece;
    size_t i, right = 0;
    cr_assert_gt(json_array_size(pieces), 300, "%s", problem.text);
    json_array_foreach(pieces, i, piece)
    {
        const char *of = json_string_value(json_object_get(piece, "of"));
        const size_t start = (size_t)json_integer_value(json_object_get(piece, "start"));
        size_t size;
        char *text = read_text("test", of, &size);
        for (size_t k = 0; k < size; k++)
            text[k] = text[k] == '\n' ? ' ' : text[k];
        const size_t found = mmn_languages_find(
            &languages, text + start, (size_t)json_integer_value(json_object_get(piece, "bytes")));
        cr_assert_lt(found, languages.count);
        cr_expect_str_eq(languages.list[found].name,
                         json_string_value(json_object_get(piece, "found")), "piece %zu", i);
        right += strcmp(languages.list[found].name, of) == 0;
        mmn_free(text);
    }
    cr_expect_gt(right * 10, i * 8); /* of all lengths together */
    json_decref(golden);
}

static size_t find(const char *text)
{
    return mmn_languages_find(&languages, text, strlen(text));
}

Test(languages, need_letters)
{
    cr_expect_eq(find(""), SIZE_MAX);
    cr_expect_eq(find(" 12, 3.5!\n"), SIZE_MAX);
    cr_expect_lt(find("a"), languages.count);
    cr_expect_str_eq(languages.list[find("日本")].name, "ja");
}

/* No text is too long for its likelihood: one of a megabyte has about 2^-3000000. */
Test(languages, bears_long_texts)
{
    const size_t size = 1 << 20;
    char *text = mmn_allocate(size, 1, &error);
    for (size_t i = 0; i < size; i++)
        text[i] = "die Installation "[i % 17];
    cr_expect_str_eq(languages.list[mmn_languages_find(&languages, text, size)].name, "de");
    mmn_free(text);
}

Test(languages, digest_is_of_what_is_learned)
{
    mmn_languages two = {0}, other = {0};
    for (mmn_languages *each = &two; each; each = each == &two ? &other : NULL) {
        cr_assert_eq(mmn_languages_add(each, "a", "abc", 3, &error), MMN_OK);
        cr_assert_eq(mmn_languages_add(each, "b", each == &two ? "x" : "y", 1, &error), MMN_OK);
        cr_assert_eq(mmn_languages_learn(each, &error), MMN_OK);
    }
    cr_expect_str_neq(two.digest, other.digest);
    cr_expect_eq(mmn_languages_find(&two, "z", 1), 0, "the first of equals");
    mmn_languages_free(&two);
    mmn_languages_free(&other);
}

Test(languages, refuses_too_few_and_too_many)
{
    mmn_languages few = {0};
    char name[8];
    cr_assert_eq(mmn_languages_add(&few, "a", "a", 1, &error), MMN_OK);
    cr_expect_eq(mmn_languages_learn(&few, &error), MMN_INPUT);
    for (size_t i = few.count; i < MMN_LANGUAGE_LIMIT; i++) {
        snprintf(name, sizeof name, "l%zu", i);
        cr_assert_eq(mmn_languages_add(&few, name, "a", 1, &error), MMN_OK);
    }
    cr_expect_eq(mmn_languages_add(&few, "more", "a", 1, &error), MMN_INPUT);
    mmn_languages_free(&few);
}
