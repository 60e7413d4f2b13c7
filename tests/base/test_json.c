/* JSON: what is parsed, what is refused, and how errors name the place. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static mmn_error error;

Test(json, refuses_bad_text_with_its_place)
{
    static const struct {
        const char *text;
        size_t size;
        const char *where;
    } bad[] = {
        {"", 0, "line 1, column 0"},
        {"{\n \"a\": 1,\n}", 12, "line 3, column 1"},
        {"{\"a\":1,\"a\":1}", 13, "line 1, column 10"},
        {"{\"a\":1} x", 9, "line 1, column 9"},
        {"{\"a\":\"\xc3\x28\"}", 10, "line 1"},
        {"{\"a\":1}\0", 8, "line 1, column 8"},
        {"[1,\n[2\0]]", 9, "line 2, column 3"},
        {"[1,\n2]\0\0", 9, "line 2, column 3"},
        {"{\"a\":\"\\u0000\"}", 14, "line 1"},
        {"{\"a\":Infinity}", 14, "line 1"},
        {"{\"a\":NaN}", 9, "line 1"},
        {"{\"a\":99999999999999999999}", 26, "line 1"},
        {"{\"a\":1e999}", 11, "line 1"},
        {"\xef\xbb\xbf{}", 5, "line 1"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_t *value;
        mmn_status status = mmn_json_parse(&value, bad[i].text, bad[i].size, "file.json", &error);
        cr_assert_eq(status, MMN_INPUT, "%s", bad[i].text);
        cr_assert_null(value);
        cr_assert_str_eq(error.file, "file.json");
        cr_assert(strstr(error.where, bad[i].where), "%s: where is %s", bad[i].text, error.where);
        cr_assert(strstr(error.message, "not valid JSON"));
    }
    json_t *value;
    cr_assert_eq(mmn_json_parse_line(&value, "{\"a\":", 5, "file", 17, &error), MMN_INPUT);
    cr_assert(strstr(error.where, "line 17, column "), "%s", error.where);
}

static json_t *parse_published(const char *text)
{
    json_t *value;
    mmn_status status = mmn_json_parse_published(&value, text, strlen(text), "file.json", &error);
    cr_assert_eq(status, MMN_OK, "%s: %s: %s", text, error.where, error.message);
    return value;
}

/* What Python's json module reads and Jansson does not, beside its neighbours. */
Test(json, reads_published_files_as_python_does)
{
    static const struct {
        const char *text, *value; /* of the key "a" */
    } odd[] = {
        {"{\"a\":NaN}", "NaN"},
        {"{\"b\":[NaN , {\"c\":-Infinity}\n],\"a\": Infinity }", "Infinity"},
        {"{\"a\":-Infinity}", "-Infinity"},
        {"{\"a\":1000000000000000019884624838656,\"b\":1}", "1000000000000000019884624838656"},
        {"{\"a\":9223372036854775808}", "9223372036854775808"},
        {"{\"a\":-9223372036854775809}", "-9223372036854775809"},
        {"{\"a\":1e999}", "1e999"},
        {"{\"a\":-1.5E+400}", "-1.5E+400"},
    };
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        json_t *document = parse_published(odd[i].text);
        cr_assert_str_eq(mmn_json_odd_number(json_object_get(document, "a")), odd[i].value);
        json_decref(document);
    }

    json_t *document = parse_published(
        "{\"NaN\":\"Infinity\",\"b\":9223372036854775807,\"c\":-9223372036854775808,"
        "\"d\":\"\\\\u0000 \\\"NaN\\\" 1e999\",\"e\":12345678901234567890.5,\"f\":1e-999}");
    cr_assert_str_eq(json_string_value(json_object_get(document, "NaN")), "Infinity");
    cr_assert_eq(json_integer_value(json_object_get(document, "b")), INT64_MAX);
    cr_assert_eq(json_integer_value(json_object_get(document, "c")), INT64_MIN);
    cr_assert_str_eq(json_string_value(json_object_get(document, "d")), "\\u0000 \"NaN\" 1e999");
    cr_assert_eq(json_real_value(json_object_get(document, "e")), 12345678901234567890.5);
    cr_assert_eq(json_real_value(json_object_get(document, "f")), 0.0);
    cr_assert_null(mmn_json_odd_number(json_object_get(document, "NaN")));
    json_decref(document);

    document = parse_published("{\"a\\u0000\":\"\\u0000b\\u0000\"}");
    cr_assert_str_eq(json_string_value(json_object_get(document, "a" MMN_JSON_ZERO)),
                     MMN_JSON_ZERO "b" MMN_JSON_ZERO);
    json_decref(document);
}

Test(json, refuses_published_files_that_python_refuses)
{
    static const char *const bad[] = {"{\"a\":nan}",
                                      "{\"a\":NAN}",
                                      "{\"a\":+Infinity}",
                                      "{\"a\":-NaN}",
                                      "{\"a\":Inf}",
                                      "{\"a\":NaN1}",
                                      "{\"a\":NaN NaN}",
                                      "{NaN:1}",
                                      "{1e999 :1}",
                                      "{\"a\":1e}",
                                      "{\"a\":01}",
                                      "{\"a\":1e999.}",
                                      "[NaN,]",
                                      "{\"a\":\"\\u00\"}",
                                      "[\"NaN",
                                      "[\"\\",
                                      "{\"a\":-}",
                                      "\xef\xbb\xbf{}",
                                      "[00000000000000000000]",
                                      "[1234567890123456789012-]"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_t *value;
        cr_assert_eq(mmn_json_parse_published(&value, bad[i], strlen(bad[i]), "file.json", &error),
                     MMN_INPUT, "%s", bad[i]);
        cr_assert(strstr(error.message, "not valid JSON"), "%s: %s", bad[i], error.message);
        cr_assert_null(value);
    }
}

Test(json, loads_files)
{
    json_t *value;
    cr_assert_eq(mmn_json_load(&value, "/nonexistent.json", 100, &error), MMN_SYSTEM);
    cr_assert_null(value);
    char path[] = "/tmp/mmneuron-test-XXXXXX";
    int descriptor = mkstemp(path);
    FILE *file = fdopen(descriptor, "w");
    fputs("{\"a\":1}", file);
    fclose(file);
    cr_assert_eq(mmn_json_load(&value, path, 7, &error), MMN_OK);
    json_decref(value);
    cr_assert_eq(mmn_json_load(&value, path, 6, &error), MMN_INPUT);
    cr_assert_null(value);
    remove(path);
}
