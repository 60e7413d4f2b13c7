/* Reading the objects of a JSON document: values, defaults, bounds, and the first thing that is
 * wrong. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/json.h"
#include "base/reader.h"

static mmn_error error;
static mmn_reader reader;
static json_t *document;
static mmn_object root;

/* The objects of a document share `reader`. */
static void open_document(const char *text)
{
    cr_assert_eq(mmn_json_parse_published(&document, text, strlen(text), "file.json", &error),
                 MMN_OK, "%s", error.message);
    reader = (mmn_reader){.error = &error};
    root = mmn_read_document(&reader, document, "file.json");
    cr_assert_eq(reader.status, MMN_OK);
}

static void close_document(void)
{
    json_decref(document);
}

TestSuite(reader, .fini = close_document);

/* What the read finds wrong, as the first thing. */
#define WRONG(read)                                                                                \
    do {                                                                                           \
        reader = (mmn_reader){.error = &error};                                                    \
        read;                                                                                      \
        cr_assert_eq(reader.status, MMN_INPUT);                                                    \
    } while (0)

#define FINE(read)                                                                                 \
    do {                                                                                           \
        read;                                                                                      \
        cr_assert_eq(reader.status, MMN_OK);                                                       \
    } while (0)

/* Where a number is asked for that nobody can use, the error says which it is. */
Test(reader, names_numbers_that_cannot_be_used)
{
    open_document("{\"n\":NaN,\"i\":-Infinity,\"b\":100000000000000000000}");
    uint32_t u = 1;
    int64_t numbers[2];
    size_t count = 0;
    double f = 1.0;
    bool b = true;
    const char *t = "default";
    WRONG(mmn_read_f64(&f, &root, "n", 0, 1));
    cr_assert_str_eq(error.message, "must be between 0 and 1 and is NaN");
    WRONG(mmn_read_f64(&f, &root, "i", 0, 1));
    cr_assert_str_eq(error.message, "must be between 0 and 1 and is -Infinity");
    WRONG(mmn_read_u32(&u, &root, "b", 0, 9));
    cr_assert_str_eq(error.message,
                     "must be an integer between 0 and 9 and is 100000000000000000000");
    WRONG(mmn_read_integers(numbers, &count, 2, &root, "b", 0, 9));
    cr_assert(strstr(error.message, "is 100000000000000000000"));
    WRONG(mmn_read_bool(&b, &root, "n"));
    cr_assert_str_eq(error.message, "must be true or false and is a number");
    WRONG(mmn_read_text(&t, &root, "n"));
    cr_assert_str_eq(error.message, "must be a text and is a number");
    cr_assert(u == 1 && f == 1.0 && b && count == 0);
}

Test(reader, gives_values_and_leaves_defaults)
{
    open_document("{\"u\":7,\"i\":-5,\"f\":0.5,\"n\":3,\"t\":\"x\",\"b\":true,\"z\":null,"
                  "\"a\":[1,2],\"o\":{\"p\":{\"u\":9}}}");
    uint32_t u = 1;
    int64_t i = 1, numbers[3] = {0};
    double f = 1.0;
    bool b = false;
    const char *t = "default";
    json_t *a = NULL;
    size_t count = 0;
    FINE(mmn_read_u32(&u, &root, "u", 7, 7));
    cr_assert_eq(u, 7);
    FINE(mmn_read_u32(&u, &root, "missing", 0, 1));
    FINE(mmn_read_u32(&u, &root, "z", 0, 1));
    cr_assert_eq(u, 7);
    FINE(mmn_read_i64(&i, &root, "i", -5, 0));
    cr_assert_eq(i, -5);
    FINE(mmn_read_f64(&f, &root, "f", 0, 1));
    cr_assert_eq(f, 0.5);
    FINE(mmn_read_f64(&f, &root, "n", 0, 3));
    cr_assert_eq(f, 3.0);
    FINE(mmn_read_text(&t, &root, "z"));
    cr_assert_str_eq(t, "default");
    FINE(mmn_read_text(&t, &root, "t"));
    cr_assert_str_eq(t, "x");
    FINE(mmn_read_bool(&b, &root, "b"));
    cr_assert(b);
    FINE(mmn_read_array(&a, &root, "a"));
    cr_assert_eq(json_array_size(a), 2);
    FINE(mmn_read_integers(numbers, &count, 3, &root, "a", 1, 2));
    cr_assert_eq(count, 2);
    cr_assert_eq(numbers[1], 2);
    FINE(mmn_read_integers(numbers, &count, 3, &root, "u", 0, 9));
    cr_assert_eq(count, 1);
    cr_assert_eq(numbers[0], 7);

    const mmn_object inner = mmn_read_object(&root, "o");
    const mmn_object innermost = mmn_read_object(&inner, "p");
    FINE(mmn_read_u32(&u, &innermost, "u", 0, 9));
    cr_assert_eq(u, 9);
    const mmn_object absent = mmn_read_object(&root, "q");
    cr_assert_null(absent.value);
    FINE(mmn_read_u32(&u, &absent, "u", 0, 1));
    cr_assert_eq(u, 9);
    cr_assert(!mmn_object_has(&absent, "u"));
    cr_assert(mmn_object_has(&root, "z"));
    cr_assert(!mmn_object_has(&root, "q"));
    cr_assert(mmn_object_value(&root, "u"));
    cr_assert(!mmn_object_value(&root, "z"));
    cr_assert(!mmn_object_value(&root, "q"));
    FINE(mmn_read_required(&root, "u"));
    WRONG(mmn_read_required(&root, "z"));
    WRONG(mmn_read_required(&absent, "u"));
    cr_assert_str_eq(error.where, "q.u");
}

Test(reader, names_the_key_of_a_wrong_value)
{
    open_document("{\"o\":{\"p\":{\"x\":1.5,\"n\":7,\"a\":[1,\"b\"]}}}");
    const mmn_object inner = mmn_read_object(&root, "o");
    const mmn_object object = mmn_read_object(&inner, "p");
    uint32_t u = 1;
    int64_t numbers[2];
    size_t count = 0;
    double f = 1.0;
    bool b = true;
    const char *t = "default";
    json_t *a = NULL;
    WRONG(mmn_read_u32(&u, &object, "x", 0, 9));
    cr_assert_str_eq(error.file, "file.json");
    cr_assert_str_eq(error.where, "o.p.x");
    cr_assert_str_eq(error.message,
                     "must be an integer and is a number with a fraction or exponent");
    WRONG(mmn_read_u32(&u, &object, "n", 8, 9));
    cr_assert_str_eq(error.message, "must be between 8 and 9 and is 7");
    cr_assert_eq(u, 1);
    WRONG(mmn_read_f64(&f, &object, "n", 0, 1));
    WRONG(mmn_read_f64(&f, &object, "a", 0, 1));
    WRONG(mmn_read_bool(&b, &object, "n"));
    WRONG(mmn_read_text(&t, &object, "n"));
    WRONG(mmn_read_array(&a, &object, "n"));
    WRONG((void)mmn_read_object(&object, "n"));
    WRONG(mmn_read_integers(numbers, &count, 1, &object, "a", 0, 9));
    cr_assert(strstr(error.message, "more than 1"));
    WRONG(mmn_read_integers(numbers, &count, 2, &object, "a", 0, 9));
    cr_assert(strstr(error.message, "is a text"));
    WRONG(mmn_read_integers(numbers, &count, 2, &object, "x", 0, 9));
    cr_assert_eq(count, 0);
    json_decref(document);

    document = json_pack("[i]", 1);
    WRONG((void)mmn_read_document(&reader, document, "file.json"));
    cr_assert_str_eq(error.message, "must be a JSON object and is an array");
}

/* What comes after the first thing that is wrong neither replaces it nor changes a value. */
Test(reader, keeps_the_first_thing_that_is_wrong)
{
    open_document("{\"a\":\"x\",\"b\":7,\"c\":true,\"o\":{\"d\":1}}");
    uint32_t a = 1, b = 2;
    bool c = false;
    mmn_read_u32(&a, &root, "a", 0, 9);
    mmn_read_u32(&b, &root, "b", 0, 9);
    mmn_read_bool(&c, &root, "c");
    mmn_read_required(&root, "missing");
    mmn_read_wrong(&root, "b", "is wrong too");
    const mmn_object inner = mmn_read_object(&root, "o");
    cr_assert_null(inner.value);
    cr_assert(!mmn_read_fine(&inner));
    cr_assert(a == 1 && b == 2 && !c);
    cr_assert_str_eq(error.where, "a");
    mmn_read_failed(&root, MMN_SYSTEM);
    cr_assert_eq(reader.status, MMN_INPUT);
}

Test(reader, reads_fields_by_a_table)
{
    struct numbers {
        uint32_t layers, heads;
        float epsilon;
        double theta;
        bool bias;
    } numbers = {.layers = 3, .epsilon = 0.5f, .theta = 2};
    static const mmn_field fields[] = {
        {"layers", "n_layer", MMN_FIELD_U32, offsetof(struct numbers, layers), 1, 9},
        {"heads", "n_head", MMN_FIELD_U32, offsetof(struct numbers, heads), 1, 9},
        {"epsilon", NULL, MMN_FIELD_F32, offsetof(struct numbers, epsilon), 0, 1},
        {"theta", NULL, MMN_FIELD_F64, offsetof(struct numbers, theta), 0, 9},
        {"bias", NULL, MMN_FIELD_BOOL, offsetof(struct numbers, bias), 0, 0}};
    open_document("{\"heads\":null,\"n_head\":4,\"n_layer\":5,\"layers\":6,"
                  "\"epsilon\":0.25,\"bias\":true}");
    FINE(mmn_read_fields(&numbers, &root, fields, 5));
    cr_assert(numbers.layers == 6 && numbers.heads == 4 && numbers.bias);
    cr_assert(numbers.epsilon == 0.25f && numbers.theta == 2);
    json_object_set_new(document, "n_head", json_integer(10));
    WRONG(mmn_read_fields(&numbers, &root, fields, 5));
    cr_assert_str_eq(error.where, "n_head");
    cr_assert_eq(numbers.heads, 4);
}
