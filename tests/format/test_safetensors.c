/* safetensors: reading what Python wrote, writing the same bytes, and refusing damage. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/memory.h"
#include "format/safetensors.h"
#include "tests/tools/failing_allocator.h"
#include "tests/tools/scratch.h"

#define PYTHON_FILE MMN_SOURCE_DIR "/tests/format/data/every_type.safetensors"

static mmn_error error;

#define check_ok(call) cr_assert_eq((call), MMN_OK, "%s: %s", error.where, error.message)

/* The tensors of make_safetensors.py, in another order than the file's; little-endian bytes. */
static const mmn_tensor expected[] = {
    {"scalar", MMN_TYPE_F32, 0, {0}, (const uint8_t *)"\x00\x00\x20\x40", 4, NULL},
    {"bool", MMN_TYPE_BOOL, 1, {3}, (const uint8_t *)"\x01\x00\x01", 3, NULL},
    {"u8", MMN_TYPE_U8, 2, {2, 2}, (const uint8_t *)"\x00\x01\x02\xff", 4, NULL},
    {"i8", MMN_TYPE_I8, 1, {3}, (const uint8_t *)"\x80\x7f\xff", 3, NULL},
    {"f8_e5m2", MMN_TYPE_F8_E5M2, 1, {2}, (const uint8_t *)"\x3c\xc0", 2, NULL},
    {"f8_e4m3", MMN_TYPE_F8_E4M3, 1, {2}, (const uint8_t *)"\x38\xc0", 2, NULL},
    {"i16", MMN_TYPE_I16, 1, {2}, (const uint8_t *)"\x00\x80\x02\x01", 4, NULL},
    {"u16", MMN_TYPE_U16, 1, {2}, (const uint8_t *)"\xff\xff\x02\x01", 4, NULL},
    {"f16", MMN_TYPE_F16, 2, {1, 3}, (const uint8_t *)"\x00\x3c\x00\xb8\xff\x7b", 6, NULL},
    {"bf16", MMN_TYPE_BF16, 1, {3}, (const uint8_t *)"\x80\x3f\x00\xbf\x62\x7f", 6, NULL},
    {"i32", MMN_TYPE_I32, 1, {2}, (const uint8_t *)"\x00\x00\x00\x80\x04\x03\x02\x01", 8, NULL},
    {"u32", MMN_TYPE_U32, 1, {2}, (const uint8_t *)"\xff\xff\xff\xff\x04\x03\x02\x01", 8, NULL},
    {"f32",
     MMN_TYPE_F32,
     3,
     {1, 2, 1},
     (const uint8_t *)"\xcd\xcc\xcc\x3d\x00\x00\x00\x80",
     8,
     NULL},
    {"f64",
     MMN_TYPE_F64,
     1,
     {2},
     (const uint8_t *)"\x9a\x99\x99\x99\x99\x99\xb9\x3f\x9c\x75\x00\x88\x3c\xe4\x37\xfe",
     16,
     NULL},
    {"i64",
     MMN_TYPE_I64,
     1,
     {2},
     (const uint8_t *)"\x00\x00\x00\x00\x00\x00\x00\x80\x08\x07\x06\x05\x04\x03\x02\x01",
     16,
     NULL},
    {"u64",
     MMN_TYPE_U64,
     1,
     {2},
     (const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\x08\x07\x06\x05\x04\x03\x02\x01",
     16,
     NULL},
    {"empty", MMN_TYPE_F32, 2, {0, 5}, (const uint8_t *)"", 0, NULL},
    {"name \"\xc3\xa9/\n", MMN_TYPE_U8, 1, {1}, (const uint8_t *)"\x07", 1, NULL},
};

enum { EXPECTED = sizeof(expected) / sizeof(expected[0]) };

static void check_tensor(const mmn_tensor *found, const mmn_tensor *wanted)
{
    cr_assert_not_null(found, "%s is missing", wanted->name);
    cr_assert_str_eq(found->name, wanted->name);
    cr_assert_eq(found->type, wanted->type, "%s", wanted->name);
    cr_assert_eq(found->dimensions, wanted->dimensions, "%s", wanted->name);
    for (size_t i = 0; i < wanted->dimensions; i++)
        cr_assert_eq(found->shape[i], wanted->shape[i], "%s", wanted->name);
    cr_assert_eq(found->bytes, wanted->bytes, "%s", wanted->name);
    cr_assert_eq(memcmp(found->data, wanted->data, wanted->bytes), 0, "%s", wanted->name);
}

Test(safetensors, reads_what_python_wrote)
{
    mmn_safetensors *tensors;
    check_ok(mmn_safetensors_open(&tensors, PYTHON_FILE, &error));
    cr_assert_eq(mmn_safetensors_count(tensors), (size_t)EXPECTED);
    for (size_t i = 0; i < EXPECTED; i++)
        check_tensor(mmn_safetensors_find(tensors, expected[i].name), &expected[i]);
    cr_assert_null(mmn_safetensors_find(tensors, "bool "));
    cr_assert_null(mmn_safetensors_find(tensors, ""));
    cr_assert_str_eq(mmn_safetensors_metadata(tensors, "key \xc3\xa9"), "value \"quoted\"\n");
    cr_assert_null(mmn_safetensors_metadata(tensors, "key"));
    for (size_t i = 1; i < EXPECTED; i++)
        cr_assert_lt(strcmp(mmn_safetensors_get(tensors, i - 1)->name,
                            mmn_safetensors_get(tensors, i)->name),
                     0);
    cr_assert_str_eq(mmn_safetensors_get(tensors, 0)->file, PYTHON_FILE);
    cr_assert_eq(mmn_safetensors_file_count(tensors), 1);
    mmn_safetensors_close(tensors);
}

Test(safetensors, writes_what_python_writes, .init = scratch_make, .fini = scratch_remove)
{
    static const char *const metadata[] = {"key \xc3\xa9", "value \"quoted\"\n", NULL};
    const char *path = scratch_path("written.safetensors");
    check_ok(mmn_safetensors_write(path, expected, EXPECTED, metadata, &error));
    char *ours, *python;
    size_t our_size, python_size;
    check_ok(mmn_read_file(&ours, &our_size, path, 100000, &error));
    check_ok(mmn_read_file(&python, &python_size, PYTHON_FILE, 100000, &error));
    cr_assert_eq(our_size, python_size);
    cr_assert_eq(memcmp(ours, python, our_size), 0);
    mmn_free(ours);
    mmn_free(python);
    cr_assert_eq(scratch_count(), 1);
}

/* The stream of doc/formats.md, put together by hand. */
Test(safetensors, have_a_checksum_of_all_they_hold, .init = scratch_make, .fini = scratch_remove)
{
    static const uint8_t bytes[6] = {1, 2, 3, 4, 5, 6};
    const mmn_tensor tensors[] = {{"late", MMN_TYPE_U8, 1, {2}, bytes, 2, NULL},
                                  {"early", MMN_TYPE_I16, 2, {1, 2}, bytes + 2, 4, NULL}};
    static const char stream[] = "\2\0\0\0\0\0\0\0"
                                 "\1\0\0\0\0\0\0\0a"
                                 "\2\0\0\0\0\0\0\0xy"
                                 "\1\0\0\0\0\0\0\0b"
                                 "\0\0\0\0\0\0\0\0"
                                 "\2\0\0\0\0\0\0\0"
                                 "\5\0\0\0\0\0\0\0early"
                                 "\3\0\0\0\0\0\0\0I16"
                                 "\2\0\0\0\0\0\0\0"
                                 "\1\0\0\0\0\0\0\0"
                                 "\2\0\0\0\0\0\0\0"
                                 "\4\0\0\0\0\0\0\0\3\4\5\6"
                                 "\4\0\0\0\0\0\0\0late"
                                 "\2\0\0\0\0\0\0\0U8"
                                 "\1\0\0\0\0\0\0\0"
                                 "\2\0\0\0\0\0\0\0"
                                 "\2\0\0\0\0\0\0\0\1\2";
    static const char *const metadata[] = {"b", "", "a", "xy", NULL};
    static const char *const written[] = {"a", "xy", "sum", "?", "b", "", NULL};
    char by_hand[MMN_DIGEST_SIZE], checksum[MMN_DIGEST_SIZE];
    mmn_digest_of(stream, sizeof(stream) - 1, by_hand);
    check_ok(mmn_tensors_checksum(checksum, tensors, 2, metadata, &error));
    cr_assert_str_eq(checksum, by_hand);
    mmn_safetensors *file;
    check_ok(mmn_safetensors_write(scratch_path("x"), tensors, 2, written, &error));
    check_ok(mmn_safetensors_open(&file, scratch_path("x"), &error));
    check_ok(mmn_safetensors_checksum(checksum, file, "sum", &error));
    cr_assert_str_eq(checksum, by_hand);
    mmn_safetensors_close(file);
}

Test(safetensors, writes_and_reads_no_tensors, .init = scratch_make, .fini = scratch_remove)
{
    const char *path = scratch_path("none.safetensors");
    check_ok(mmn_safetensors_write(path, NULL, 0, NULL, &error));
    mmn_safetensors *tensors;
    check_ok(mmn_safetensors_open(&tensors, path, &error));
    cr_assert_eq(mmn_safetensors_count(tensors), 0);
    cr_assert_null(mmn_safetensors_find(tensors, "x"));
    mmn_safetensors_close(tensors);
}

Test(safetensors, refuses_to_write_nonsense, .init = scratch_make, .fini = scratch_remove)
{
    const uint8_t bytes[8] = {0};
    const mmn_tensor twice[] = {{"a", MMN_TYPE_U8, 1, {2}, bytes, 2, NULL},
                                {"a", MMN_TYPE_I8, 1, {2}, bytes, 2, NULL}};
    const mmn_tensor short_data = {"a", MMN_TYPE_F32, 1, {2}, bytes, 4, NULL};
    const mmn_tensor reserved = {"__metadata__", MMN_TYPE_U8, 1, {2}, bytes, 2, NULL};
    const mmn_tensor not_utf8 = {"\xff", MMN_TYPE_U8, 1, {2}, bytes, 2, NULL};
    static const char *const bad_metadata[] = {"a", "\xff", NULL};
    const char *path = scratch_path("bad.safetensors");
    cr_assert_eq(mmn_safetensors_write(path, twice, 2, NULL, &error), MMN_USAGE);
    cr_assert_eq(mmn_safetensors_write(path, &short_data, 1, NULL, &error), MMN_USAGE);
    cr_assert_eq(mmn_safetensors_write(path, &reserved, 1, NULL, &error), MMN_USAGE);
    cr_assert_eq(mmn_safetensors_write(path, &not_utf8, 1, NULL, &error), MMN_USAGE);
    cr_assert_eq(mmn_safetensors_write(path, twice, 1, bad_metadata, &error), MMN_USAGE);
    cr_assert_eq(mmn_safetensors_write("/nonexistent/x.safetensors", twice, 1, NULL, &error),
                 MMN_SYSTEM);
    cr_assert_eq(scratch_count(), 0);
}

/* ---- Damage ---- */

/* Parses bytes that were copied to the heap exactly, so that a sanitizer sees every byte read
 * beyond them. Good files are allowed; bad ones must say what is wrong. */
static mmn_status parse(const void *bytes, size_t size)
{
    void *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    mmn_safetensors *tensors;
    error = (mmn_error){0};
    mmn_status status = mmn_safetensors_parse(&tensors, copy, size, "file", &error);
    cr_assert(status == MMN_OK || (status == MMN_INPUT && error.message[0] != '\0' &&
                                   strcmp(error.file, "file") == 0 && !tensors));
    volatile uint8_t sum = 0;
    for (size_t i = 0; status == MMN_OK && i < mmn_safetensors_count(tensors); i++) {
        const mmn_tensor *tensor = mmn_safetensors_get(tensors, i);
        for (size_t byte = 0; byte < tensor->bytes; byte++)
            sum = (uint8_t)(sum + tensor->data[byte]);
    }
    mmn_safetensors_close(tensors);
    free(copy);
    return status;
}

static mmn_status parse_header(const char *header, size_t data_size)
{
    size_t length = strlen(header), size = 8 + length + data_size;
    uint8_t *bytes = calloc(1, size);
    mmn_store_u64(bytes, length);
    memcpy(bytes + 8, header, length);
    mmn_status status = parse(bytes, size);
    free(bytes);
    return status;
}

Test(safetensors, accepts_what_the_format_allows)
{
    static const struct {
        const char *header;
        size_t data;
    } good[] = {
        {"{}", 0},
        {"{}   ", 0},
        {" \t\r\n{}", 0}, /* as the format's own reader from 0.8 on */
        {"{\"__metadata__\":{}}", 0},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4},
        {"{\"a\":{\"data_offsets\":[1,3],\"shape\":[2],\"dtype\":\"U8\"},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
         3},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[0,0]}}", 0},
        /* Odd places are allowed: nothing promises alignment. */
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
         "\"b\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[1,9]}}",
         9},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        cr_assert_eq(parse_header(good[i].header, good[i].data), MMN_OK, "%s: %s", good[i].header,
                     error.message);
}

#define ENTRY(type, shape, offsets)                                                                \
    "{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

Test(safetensors, refuses_bad_headers)
{
    static const struct {
        const char *header;
        size_t data;
        const char *where, *message; /* parts of them */
    } bad[] = {
        {"", 0, "byte 8", "begin with '{'"},
        {" \n\t", 0, "byte 8", "begin with '{'"},
        {"\v{}", 0, "byte 8", "begin with '{'"},
        {" []", 0, "byte 8", "begin with '{'"},
        {"[]", 0, "byte 8", "begin with '{'"},
        {"{", 0, "line 1", "not valid JSON"},
        {"{}x", 0, "line 1", "not valid JSON"},
        {"{\"\xff\":1}", 0, "line 1", "not valid JSON"},
        {"{}", 1, "", "take 0 bytes of data, but the file has 1"},
        {"{\"a\":1}", 0, "a", "JSON object"},
        {"{\"a\":{}}", 0, "a", "\"dtype\""},
        {"{\"a\":" ENTRY("F33", "[1]", "[0,4]") "}", 4, "a", "\"F33\" is not known"},
        {"{\"a\":{\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "a", "\"dtype\""},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "a", "\"shape\""},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "a", "\"data_offsets\""},
        {"{\"a\":" ENTRY("F32", "[-1]", "[0,4]") "}", 4, "a", "\"shape\""},
        {"{\"a\":" ENTRY("F32", "[1.0]", "[0,4]") "}", 4, "a", "\"shape\""},
        {"{\"a\":" ENTRY("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, "a", "9 numbers"},
        {"{\"a\":" ENTRY("F32", "[1]", "[0]") "}", 4, "a", "two numbers"},
        {"{\"a\":" ENTRY("F32", "[1]", "[0,4,8]") "}", 4, "a", "\"data_offsets\" has 3"},
        {"{\"a\":" ENTRY("F32", "[1]", "[4,0]") "}", 4, "a", "do not lie in"},
        {"{\"a\":" ENTRY("F32", "[1]", "[0,8]") "}", 4, "a", "do not lie in"},
        {"{\"a\":" ENTRY("F32", "[2]", "[0,4]") "}", 4, "a", "takes 8 bytes"},
        {"{\"a\":" ENTRY("F32", "[1]", "[0,4]") "}", 5, "", "the file has 5"},
        {"{\"a\":" ENTRY("F32", "[1]", "[1,5]") "}", 5, "a", "hole"},
        {"{\"a\":" ENTRY("U8", "[4]", "[0,4]") ",\"b\":" ENTRY("U8", "[4]", "[3,7]") "}", 7, "b",
         "inside those of another"},
        {"{\"a\":" ENTRY("U8", "[4]", "[0,4]") ",\"b\":" ENTRY("U8", "[4]", "[0,4]") "}", 4, "b",
         "inside those of another"},
        {"{\"a\":" ENTRY("U8", "[4]", "[0,4]") ",\"b\":" ENTRY("U8", "[2]", "[5,7]") "}", 7, "b",
         "hole"},
        {"{\"a\":" ENTRY("U8", "[4]", "[0,4]") ",\"a\":" ENTRY("U8", "[4]", "[4,8]") "}", 8,
         "line 1", "duplicate"},
        {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
         "line 1", "duplicate"},
        {"{\"a\":" ENTRY("F32", "[4294967296,4294967296]", "[0,0]") "}", 0, "a", "shape"},
        {"{\"a\":" ENTRY("F64", "[2305843009213693952]", "[0,0]") "}", 0, "a", "shape"},
        {"{\"a\":" ENTRY("U8", "[9223372036854775807,2,2]", "[0,0]") "}", 0, "a", "shape"},
        {"{\"a\":" ENTRY("U8", "[9223372036854775808]", "[0,0]") "}", 0, "line 1", "JSON"},
        {"{\"a\":" ENTRY("U8", "[1]", "[9223372036854775806,9223372036854775807]") "}", 1, "a",
         "data"},
        {"{\"__metadata__\":1}", 0, "__metadata__", "object"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "__metadata__", "\"a\" must be a text"},
        {"{\"a\\u0000b\":" ENTRY("U8", "[1]", "[0,1]") "}", 1, "line 1", "JSON"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_eq(parse_header(bad[i].header, bad[i].data), MMN_INPUT, "%s", bad[i].header);
        cr_assert(strstr(error.where, bad[i].where), "%s: where is %s", bad[i].header, error.where);
        cr_assert(strstr(error.message, bad[i].message), "%s: message is %s", bad[i].header,
                  error.message);
    }
}

Test(safetensors, refuses_bad_lengths)
{
    static const uint64_t lengths[] = {3, 10, 100000000, 100000001, UINT64_MAX, UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        uint8_t bytes[10] = {0, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
        mmn_store_u64(bytes, lengths[i]);
        cr_assert_eq(parse(bytes, sizeof(bytes)), MMN_INPUT, "%ju", (uintmax_t)lengths[i]);
        cr_assert_str_eq(error.where, "byte 0");
    }
}

Test(safetensors, refuses_nesting_and_masses_of_values)
{
    size_t size = 3000000;
    char *header = malloc(size + 1);
    memset(header, '[', size);
    header[size] = '\0';
    memcpy(header, "{\"a\":", 5);
    cr_assert_eq(parse_header(header, 0), MMN_INPUT);
    free(header);

    size = 10000000;
    header = malloc(size + 1);
    for (size_t i = 0; i < size; i++)
        header[i] = i % 2 ? '0' : ',';
    header[size] = '\0';
    memcpy(header, "{\"a\":[", 6);
    cr_assert_eq(parse_header(header, 0), MMN_INPUT);
    cr_assert(strstr(error.message, "values"), "%s", error.message);
    free(header);
}

Test(safetensors, refuses_every_truncation)
{
    char *bytes;
    size_t size;
    check_ok(mmn_read_file(&bytes, &size, PYTHON_FILE, 100000, &error));
    for (size_t length = 0; length < size; length++)
        cr_assert_eq(parse(bytes, length), MMN_INPUT, "%zu bytes", length);
    cr_assert_eq(parse(bytes, size), MMN_OK);
    mmn_free(bytes);
}

Test(safetensors, survives_every_bit_flip)
{
    char *bytes;
    size_t size, refused = 0;
    check_ok(mmn_read_file(&bytes, &size, PYTHON_FILE, 100000, &error));
    size_t header = 8 + (size_t)mmn_load_u64(bytes);
    for (size_t bit = 0; bit < header * 8; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        refused += parse(bytes, size) == MMN_INPUT;
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    }
    /* What is accepted has another name, or the other of two types of one size. */
    cr_assert_gt(refused, header * 8 * 3 / 4, "only %zu of %zu", refused, header * 8);
    mmn_free(bytes);
}

Test(safetensors, leaks_nothing_when_memory_is_short)
{
    char *bytes;
    size_t size;
    check_ok(mmn_read_file(&bytes, &size, PYTHON_FILE, 100000, &error));
    mmn_status status = MMN_SYSTEM;
    for (unsigned long number = 1; status != MMN_OK; number++) {
        mmn_safetensors *tensors;
        fail_allocation_at(number);
        status = mmn_safetensors_parse(&tensors, bytes, size, "file", &error);
        fail_allocation_at(0);
        cr_assert(status == MMN_OK || (status == MMN_SYSTEM && !tensors), "%s", error.message);
        mmn_safetensors_close(tensors);
        cr_assert_lt(number, 1000);
    }
    mmn_free(bytes);
}

/* ---- Folders ---- */

static const uint8_t some_bytes[4] = {1, 2, 3, 4};

static void write_shard(const char *name, const char *const *names, size_t count)
{
    mmn_tensor tensors[4];
    for (size_t i = 0; i < count; i++)
        tensors[i] = (mmn_tensor){names[i], MMN_TYPE_U8, 1, {4}, some_bytes, 4, NULL};
    check_ok(mmn_safetensors_write(scratch_path(name), tensors, count, NULL, &error));
}

static void write_index(const char *weight_map)
{
    char text[1000];
    snprintf(text, sizeof(text), "{\"metadata\":{\"total_size\":12},\"weight_map\":%s}",
             weight_map);
    scratch_write("model.safetensors.index.json", text);
}

static void make_sharded(void)
{
    scratch_make();
    write_shard("model-00001-of-00002.safetensors", (const char *const[]){"b", "c"}, 2);
    write_shard("model-00002-of-00002.safetensors", (const char *const[]){"a"}, 1);
    write_index("{\"a\":\"model-00002-of-00002.safetensors\","
                "\"b\":\"model-00001-of-00002.safetensors\","
                "\"c\":\"model-00001-of-00002.safetensors\"}");
}

Test(safetensors, opens_shards, .init = make_sharded, .fini = scratch_remove)
{
    mmn_safetensors *tensors;
    check_ok(mmn_safetensors_open_folder(&tensors, scratch, &error));
    cr_assert_eq(mmn_safetensors_count(tensors), 3);
    cr_assert_eq(mmn_safetensors_file_count(tensors), 2);
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++) {
        cr_assert_str_eq(mmn_safetensors_get(tensors, i)->name, names[i]);
        cr_assert_eq(mmn_safetensors_get(tensors, i), mmn_safetensors_find(tensors, names[i]));
    }
    cr_assert(strstr(mmn_safetensors_find(tensors, "a")->file, "00002-of"));
    cr_assert(strstr(mmn_safetensors_find(tensors, "b")->file, "00001-of"));
    mmn_safetensors_close(tensors);

    /* The single file goes before the index, as in transformers. */
    write_shard("model.safetensors", (const char *const[]){"z"}, 1);
    check_ok(mmn_safetensors_open_folder(&tensors, scratch, &error));
    cr_assert_eq(mmn_safetensors_count(tensors), 1);
    mmn_safetensors_close(tensors);
}

/* Of the other's tensors only those with the beginning; a name in both is refused. */
Test(safetensors, joins_two, .init = make_sharded, .fini = scratch_remove)
{
    mmn_safetensors *tensors, *other, *both;
    char path[1000];
    snprintf(path, sizeof(path), "%s/other.safetensors", scratch);
    write_shard("other.safetensors", (const char *const[]){"a", "x.1", "x.2", "y"}, 4);
    for (int refused = 0; refused < 2; refused++) {
        check_ok(mmn_safetensors_open_folder(&tensors, scratch, &error));
        check_ok(mmn_safetensors_open(&other, path, &error));
        mmn_status status =
            mmn_safetensors_join(&both, tensors, other, refused ? "" : "x.", &error);
        if (refused) {
            cr_assert_eq(status, MMN_INPUT);
            cr_assert_str_eq(error.where, "a");
            cr_assert_null(both);
            continue;
        }
        check_ok(status);
        cr_assert_eq(mmn_safetensors_count(both), 5);
        cr_assert_eq(mmn_safetensors_file_count(both), 3);
        cr_assert_not_null(mmn_safetensors_find(both, "x.2"));
        cr_assert_not_null(mmn_safetensors_find(both, "c"));
        cr_assert_null(mmn_safetensors_find(both, "y"));
        mmn_safetensors_close(both);
    }
}

/* What the index leaves out is there as in transformers, which reads shards whole. */
Test(safetensors, reads_what_shards_hold_beside_the_index, .init = make_sharded,
     .fini = scratch_remove)
{
    static const char computed[] = "model.layers.0.self_attn.rotary_emb.inv_freq";
    mmn_safetensors *tensors;
    write_index("{\"a\":\"model-00002-of-00002.safetensors\","
                "\"b\":\"model-00001-of-00002.safetensors\","
                "\"vision_model.embeddings.position_ids\":\"model-00001-of-00002.safetensors\"}");
    write_shard("model-00002-of-00002.safetensors", (const char *const[]){"a", computed}, 2);
    check_ok(mmn_safetensors_open_folder(&tensors, scratch, &error));
    cr_assert_not_null(mmn_safetensors_find(tensors, "c"));
    cr_assert_not_null(mmn_safetensors_find(tensors, computed));
    mmn_safetensors_close(tensors);
}

Test(safetensors, lists_second_names)
{
    static const char *const metadata[] = {"b",  "a", "c", "no tensor", "format",
                                           "pt", "a", "a", NULL};
    char path[] = "/tmp/mmneuron-test-XXXXXX";
    close(mkstemp(path));
    const mmn_tensor tensor = {"a", MMN_TYPE_U8, 1, {4}, some_bytes, 4, NULL};
    mmn_safetensors *tensors;
    size_t count;
    check_ok(mmn_safetensors_write(path, &tensor, 1, metadata, &error));
    check_ok(mmn_safetensors_open(&tensors, path, &error));
    const mmn_tensor_alias *aliases = mmn_safetensors_aliases(tensors, &count);
    cr_assert_eq(count, 1);
    cr_assert_str_eq(aliases[0].name, "b");
    cr_assert_eq(aliases[0].tensor, mmn_safetensors_find(tensors, "a"));
    mmn_safetensors_close(tensors);
    unlink(path);
}

static void check_refused(const char *file, const char *where, const char *message)
{
    mmn_safetensors *tensors;
    cr_assert_eq(mmn_safetensors_open_folder(&tensors, scratch, &error), MMN_INPUT, "%s", message);
    cr_assert_null(tensors);
    cr_assert(strstr(error.file, file), "file is %s", error.file);
    cr_assert(strstr(error.where, where), "where is %s", error.where);
    cr_assert(strstr(error.message, message), "message is %s", error.message);
}

Test(safetensors, refuses_bad_indexes, .init = make_sharded, .fini = scratch_remove)
{
    static const char index[] = "model.safetensors.index.json";
    write_index("{\"a\":\"../x.safetensors\"}");
    check_refused(index, "weight_map.a", "same folder");
    write_index("{\"a\":\"..\"}");
    check_refused(index, "weight_map.a", "same folder");
    write_index("{\"a\":\"/etc/passwd\"}");
    check_refused(index, "weight_map.a", "same folder");
    write_index("{\"a\":\"\"}");
    check_refused(index, "weight_map.a", "same folder");
    write_index("{\"a\":1}");
    check_refused(index, "weight_map.a", "same folder");
    write_index("{}");
    check_refused(index, "weight_map", "no tensor");
    write_index("[]");
    check_refused(index, "weight_map", "must be an object");
    scratch_write(index, "{}");
    check_refused(index, "weight_map", "missing");
    scratch_write(index, "[]");
    check_refused(index, "", "JSON object");
    scratch_write(index, "{\"weight_map\":{\"a\":\"x\",\"a\":\"x\"}}");
    check_refused(index, "line 1", "duplicate");
}

Test(safetensors, refuses_shards_that_do_not_fit, .init = make_sharded, .fini = scratch_remove)
{
    write_index("{\"a\":\"model-00003-of-00002.safetensors\"}");
    check_refused("model-00003-of-00002.safetensors", "", "is missing");
    write_index("{\"a\":\"model-00002-of-00002.safetensors\","
                "\"b\":\"model-00001-of-00002.safetensors\","
                "\"c\":\"model-00002-of-00002.safetensors\"}");
    check_refused("model-00002-of-00002.safetensors", "c", "missing");
    write_index("{\"a\":\"model-00002-of-00002.safetensors\","
                "\"b\":\"model-00001-of-00002.safetensors\","
                "\"c\":\"model-00001-of-00002.safetensors\","
                "\"d\":\"model-00001-of-00002.safetensors\"}");
    check_refused("model-00001-of-00002.safetensors", "d", "missing");
    write_shard("model-00002-of-00002.safetensors", (const char *const[]){"a", "b"}, 2);
    write_index("{\"a\":\"model-00002-of-00002.safetensors\","
                "\"b\":\"model-00001-of-00002.safetensors\"}");
    check_refused("model-0000", "b", "expected it in one shard");
    scratch_write("model-00002-of-00002.safetensors", "damaged");
    check_refused("model-00002-of-00002.safetensors", "", "this is a text file");
    scratch_write("model-00002-of-00002.safetensors",
                  "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    check_refused("model-00002-of-00002.safetensors", "", "git lfs pull");
}

Test(safetensors, says_what_a_folder_lacks, .init = scratch_make, .fini = scratch_remove)
{
    check_refused(scratch, "", "neither model.safetensors nor");
    scratch_write("adapter_model.safetensors", "LoRA");
    check_refused(scratch, "", "an adapter (LoRA) alone");
    scratch_write("pytorch_model-00001-of-00002.bin", "pickle");
    check_refused(scratch, "", "convert them to safetensors");
    scratch_write("model.gguf", "GGUF");
    check_refused(scratch, "", "it has model.gguf, whose form or name");
    scratch_write("consolidated.safetensors", "?");
    check_refused(scratch, "", "it has consolidated.safetensors");
    mmn_safetensors *tensors;
    cr_assert_eq(mmn_safetensors_open_folder(&tensors, "/nonexistent", &error), MMN_INPUT);
    cr_assert_eq(mmn_safetensors_open(&tensors, "/nonexistent", &error), MMN_SYSTEM);
    cr_assert_eq(mmn_safetensors_open(&tensors, scratch, &error), MMN_INPUT);
}
