/* JSON: what is parsed, what is refused, and how errors name the key. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_python.h"

static mmn_error error;

static json_t *parse(const char *text)
{
    json_t *value;
    mmn_status status = mmn_json_parse(&value, text, strlen(text), "file.json", &error);
    cr_assert_eq(status, MMN_OK, "%s: %s", error.where, error.message);
    return value;
}

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
    mmn_status status =
        mmn_json_parse_published(&value, text, strlen(text), "file.json", &error);
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
    cr_assert_str_eq(json_string_value(json_object_get(document, "d")),
                     "\\u0000 \"NaN\" 1e999");
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
    static const char *const bad[] = {
        "{\"a\":nan}",      "{\"a\":NAN}",     "{\"a\":+Infinity}", "{\"a\":-NaN}",
        "{\"a\":Inf}",      "{\"a\":NaN1}",    "{\"a\":NaN NaN}",   "{NaN:1}",
        "{1e999 :1}",       "{\"a\":1e}",      "{\"a\":01}",        "{\"a\":1e999.}",
        "[NaN,]",           "{\"a\":\"\\u00\"}", "[\"NaN",           "[\"\\",
        "{\"a\":-}",        "\xef\xbb\xbf{}",    "[00000000000000000000]",
        "[1234567890123456789012-]"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_t *value;
        cr_assert_eq(mmn_json_parse_published(&value, bad[i], strlen(bad[i]), "file.json", &error),
                     MMN_INPUT, "%s", bad[i]);
        cr_assert(strstr(error.message, "not valid JSON"), "%s: %s", bad[i], error.message);
        cr_assert_null(value);
    }
}

/* Where a number is asked for that nobody can use, the error says which it is. */
Test(json, names_numbers_that_cannot_be_used)
{
    json_t *document = parse_published("{\"n\":NaN,\"i\":-Infinity,\"b\":100000000000000000000}");
    mmn_json_object root;
    uint32_t u = 1;
    int64_t numbers[2];
    size_t count = 0;
    double f = 1.0;
    bool b = true;
    const char *t = "default";
    cr_assert_eq(mmn_json_as_object(&root, document, "file.json", &error), MMN_OK);
    cr_assert_eq(mmn_json_get_f64(&f, &root, "n", 0, 1, &error), MMN_INPUT);
    cr_assert_str_eq(error.message, "must be between 0 and 1 and is NaN");
    cr_assert_eq(mmn_json_get_f64(&f, &root, "i", 0, 1, &error), MMN_INPUT);
    cr_assert_str_eq(error.message, "must be between 0 and 1 and is -Infinity");
    cr_assert_eq(mmn_json_get_u32(&u, &root, "b", 0, 9, &error), MMN_INPUT);
    cr_assert_str_eq(error.message,
                     "must be an integer between 0 and 9 and is 100000000000000000000");
    cr_assert_eq(mmn_json_get_integers(numbers, &count, 2, &root, "b", 0, 9, &error), MMN_INPUT);
    cr_assert(strstr(error.message, "is 100000000000000000000"));
    cr_assert_eq(mmn_json_get_bool(&b, &root, "n", &error), MMN_INPUT);
    cr_assert_str_eq(error.message, "must be true or false and is a number");
    cr_assert_eq(mmn_json_get_text(&t, &root, "n", &error), MMN_INPUT);
    cr_assert_str_eq(error.message, "must be a text and is a number");
    cr_assert(u == 1 && f == 1.0 && b && count == 0);
    json_decref(document);
}

Test(json, gives_values_and_leaves_defaults)
{
    json_t *document =
        parse("{\"u\":7,\"i\":-5,\"f\":0.5,\"n\":3,\"t\":\"x\",\"b\":true,\"z\":null,"
              "\"a\":[1,2],\"o\":{\"p\":{\"u\":9}}}");
    mmn_json_object root, inner, innermost, absent;
    cr_assert_eq(mmn_json_as_object(&root, document, "file.json", &error), MMN_OK);
    uint32_t u = 1;
    int64_t i = 1, numbers[3] = {0};
    double f = 1.0;
    bool b = false;
    const char *t = "default";
    json_t *a = NULL;
    size_t count = 0;
    cr_assert_eq(mmn_json_get_u32(&u, &root, "u", 7, 7, &error), MMN_OK);
    cr_assert_eq(u, 7);
    cr_assert_eq(mmn_json_get_u32(&u, &root, "missing", 0, 1, &error), MMN_OK);
    cr_assert_eq(mmn_json_get_u32(&u, &root, "z", 0, 1, &error), MMN_OK);
    cr_assert_eq(u, 7);
    cr_assert_eq(mmn_json_get_i64(&i, &root, "i", -5, 0, &error), MMN_OK);
    cr_assert_eq(i, -5);
    cr_assert_eq(mmn_json_get_f64(&f, &root, "f", 0, 1, &error), MMN_OK);
    cr_assert_eq(f, 0.5);
    cr_assert_eq(mmn_json_get_f64(&f, &root, "n", 0, 3, &error), MMN_OK);
    cr_assert_eq(f, 3.0);
    cr_assert_eq(mmn_json_get_text(&t, &root, "z", &error), MMN_OK);
    cr_assert_str_eq(t, "default");
    cr_assert_eq(mmn_json_get_text(&t, &root, "t", &error), MMN_OK);
    cr_assert_str_eq(t, "x");
    cr_assert_eq(mmn_json_get_bool(&b, &root, "b", &error), MMN_OK);
    cr_assert(b);
    cr_assert_eq(mmn_json_get_array(&a, &root, "a", &error), MMN_OK);
    cr_assert_eq(json_array_size(a), 2);
    cr_assert_eq(mmn_json_get_integers(numbers, &count, 3, &root, "a", 1, 2, &error), MMN_OK);
    cr_assert_eq(count, 2);
    cr_assert_eq(numbers[1], 2);
    cr_assert_eq(mmn_json_get_integers(numbers, &count, 3, &root, "u", 0, 9, &error), MMN_OK);
    cr_assert_eq(count, 1);
    cr_assert_eq(numbers[0], 7);

    cr_assert_eq(mmn_json_get_object(&inner, &root, "o", &error), MMN_OK);
    cr_assert_eq(mmn_json_get_object(&innermost, &inner, "p", &error), MMN_OK);
    cr_assert_eq(mmn_json_get_u32(&u, &innermost, "u", 0, 9, &error), MMN_OK);
    cr_assert_eq(u, 9);
    cr_assert_eq(mmn_json_get_object(&absent, &root, "q", &error), MMN_OK);
    cr_assert_null(absent.value);
    cr_assert_eq(mmn_json_get_u32(&u, &absent, "u", 0, 1, &error), MMN_OK);
    cr_assert_eq(u, 9);
    cr_assert(!mmn_json_has(&absent, "u"));
    cr_assert(mmn_json_has(&root, "z"));
    cr_assert(!mmn_json_has(&root, "q"));
    cr_assert(mmn_json_has_value(&root, "u"));
    cr_assert(!mmn_json_has_value(&root, "z"));
    cr_assert(!mmn_json_has_value(&root, "q"));
    cr_assert_eq(mmn_json_require(&root, "u", &error), MMN_OK);
    cr_assert_eq(mmn_json_require(&root, "z", &error), MMN_INPUT);
    cr_assert_eq(mmn_json_require(&absent, "u", &error), MMN_INPUT);
    cr_assert_str_eq(error.where, "q.u");
    json_decref(document);
}

Test(json, names_the_key_of_a_wrong_value)
{
    json_t *document = parse("{\"o\":{\"p\":{\"x\":1.5,\"n\":7,\"a\":[1,\"b\"]}}}");
    mmn_json_object root, inner, object;
    cr_assert_eq(mmn_json_as_object(&root, document, "file.json", &error), MMN_OK);
    cr_assert_eq(mmn_json_get_object(&inner, &root, "o", &error), MMN_OK);
    cr_assert_eq(mmn_json_get_object(&object, &inner, "p", &error), MMN_OK);
    uint32_t u = 1;
    int64_t numbers[2];
    size_t count = 0;
    double f = 1.0;
    bool b = true;
    const char *t = "default";
    json_t *a = NULL;
    cr_assert_eq(mmn_json_get_u32(&u, &object, "x", 0, 9, &error), MMN_INPUT);
    cr_assert_str_eq(error.file, "file.json");
    cr_assert_str_eq(error.where, "o.p.x");
    cr_assert_str_eq(error.message,
                     "must be an integer and is a number with a fraction or exponent");
    cr_assert_eq(mmn_json_get_u32(&u, &object, "n", 8, 9, &error), MMN_INPUT);
    cr_assert_str_eq(error.message, "must be between 8 and 9 and is 7");
    cr_assert_eq(u, 1);
    cr_assert_eq(mmn_json_get_f64(&f, &object, "n", 0, 1, &error), MMN_INPUT);
    cr_assert_eq(mmn_json_get_f64(&f, &object, "a", 0, 1, &error), MMN_INPUT);
    cr_assert_eq(mmn_json_get_bool(&b, &object, "n", &error), MMN_INPUT);
    cr_assert_eq(mmn_json_get_text(&t, &object, "n", &error), MMN_INPUT);
    cr_assert_eq(mmn_json_get_array(&a, &object, "n", &error), MMN_INPUT);
    cr_assert_eq(mmn_json_get_object(&inner, &object, "n", &error), MMN_INPUT);
    cr_assert_eq(mmn_json_get_integers(numbers, &count, 1, &object, "a", 0, 9, &error), MMN_INPUT);
    cr_assert(strstr(error.message, "more than 1"));
    cr_assert_eq(mmn_json_get_integers(numbers, &count, 2, &object, "a", 0, 9, &error), MMN_INPUT);
    cr_assert(strstr(error.message, "is a text"));
    cr_assert_eq(mmn_json_get_integers(numbers, &count, 2, &object, "x", 0, 9, &error), MMN_INPUT);
    cr_assert_eq(count, 0);
    json_decref(document);

    document = parse("[1]");
    cr_assert_eq(mmn_json_as_object(&root, document, "file.json", &error), MMN_INPUT);
    cr_assert_str_eq(error.message, "must be a JSON object and is an array");
    json_decref(document);
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
