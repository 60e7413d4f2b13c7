/* Comparing and digesting dumps, on small files with differences put in by hand. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "compare/compare.h"
#include "format/safetensors.h"
#include "mmneuron.h"
#include "tests/tools/scratch.h"

static char dump[sizeof(scratch) + 16], reference[sizeof(dump)];
static mmn_error error;
static mmn_verification *verification;

static void set_up(void)
{
    scratch_make();
    snprintf(dump, sizeof(dump), "%s/dump", scratch);
    snprintf(reference, sizeof(reference), "%s/reference", scratch);
    verification = NULL;
}

static void tear_down(void)
{
    mmn_verification_free(verification);
    scratch_remove();
}

TestSuite(verify, .init = set_up, .fini = tear_down);

/* [2, 3] of f32: "language.layers.1.mlp.act". */
static const float activations[] = {1, -2, 4, 0.5f, 8, -16};

static mmn_tensor tensor(const char *name, mmn_tensor_type type, const void *data, size_t rows,
                         size_t columns)
{
    return (mmn_tensor){.name = name,
                        .type = type,
                        .dimensions = 2,
                        .shape = {rows, columns},
                        .data = data,
                        .bytes = rows * columns * mmn_tensor_type_size(type)};
}

static const uint8_t *as_f32(const float *values, uint8_t *bytes)
{
    for (size_t i = 0; i < 6; i++)
        mmn_store_f32(bytes + 4 * i, values[i]);
    return bytes;
}

static void write_file(const char *path, const mmn_tensor *tensors, size_t count,
                       const char *const *metadata)
{
    cr_assert_eq(mmn_safetensors_write(path, tensors, count, metadata, &error), MMN_OK, "%s",
                 error.message);
}

/* Writes one activation stage to each file and compares them. */
static mmn_status compare(const float *values, const char *const *metadata, double tolerance)
{
    uint8_t bytes[24], reference_bytes[24];
    mmn_tensor one = tensor("language.layers.1.mlp.act", MMN_TYPE_F32, as_f32(values, bytes), 2, 3);
    write_file(dump, &one, 1, NULL);
    one.data = as_f32(activations, reference_bytes);
    write_file(reference, &one, 1, metadata);
    mmn_verification_free(verification);
    const mmn_verify_options options = {.size = sizeof(options), .tolerance = tolerance};
    return mmn_verification_make(&verification, dump, reference, &options, &error);
}

Test(verify, equal_files_are_equal)
{
    cr_assert_eq(compare(activations, NULL, 0), MMN_OK, "%s", error.message);
    cr_assert_eq(verification->count, 1);
    const mmn_stage_comparison *stage = &verification->stages[0];
    cr_assert_eq(stage->elements, 6);
    cr_assert_eq(stage->differences, 0);
    cr_assert_eq(stage->first_index, SIZE_MAX);
    cr_assert(stage->tolerance == 1e-5);
    cr_assert_eq(stage->outside, 0);
}

Test(verify, measures_by_hand)
{
    /* 4 -> 4 + 2^-20 (2 ulp), -16 -> 16 (flips neuron 2), 0.5 -> -0.5 (flips neuron 0). */
    const float values[] = {1, -2, 4.00000095367431640625f, -0.5f, 8, 16};
    cr_assert_eq(compare(values, NULL, 0), MMN_DIFFERENT);
    const mmn_stage_comparison *stage = &verification->stages[0];
    cr_assert_eq(stage->differences, 3);
    cr_assert(stage->maximum_absolute == 32);
    /* rms(b)^2 * 6 = 1 + 4 + 16 + 0.25 + 64 + 256. */
    cr_assert_float_eq(stage->relative_rms, sqrt((1 + 1024) / 341.25), 1e-9);
    cr_assert(stage->ulp_percentiles[0] == 0);
    /* 90 and 99 % of six are all six; percentiles are known to 0.4 %. */
    cr_assert_float_eq(stage->ulp_percentiles[1], 1 << 24, 1 << 16);
    cr_assert_float_eq(stage->ulp_percentiles[3], 1 << 24, 1);
    cr_assert_eq(stage->shows_neurons, 1);
    cr_assert_eq(stage->flips, 2);
    cr_assert_eq(stage->flipped_neurons, 2);
    /* The first beyond 1e-5 of the rms is 0.5, although 4 differs too: [1, 0]. */
    cr_assert_eq(stage->first_index, 3);
    cr_assert(stage->first_value == -0.5 && stage->first_reference == 0.5);
    cr_assert_eq(stage->worst_row, 1);
    cr_assert_float_eq(stage->worst_row_rms, sqrt((1 + 1024) / 320.25), 1e-9);
    char *table;
    mmn_result *result;
    cr_assert_eq(mmn_verify(&result, dump, reference, NULL, &error), MMN_DIFFERENT);
    cr_assert_eq(mmn_result_table(result, &table, &error), MMN_OK);
    cr_assert_not_null(strstr(table, "first departure: language.layers.1.mlp.act, token 1, "
                                     "neuron 0:\n    -0.5 instead of 0.5"),
                       "%s", table);
    mmn_release(table);
    cr_expect_eq(mmn_result_number(result, "result", 0, "different"), 1);
    cr_expect_eq(mmn_result_number(result, "stages", 0, "flips"), 2);
    cr_expect_str_eq(mmn_result_text(result, "places", 1, "axis"), "neuron");
    mmn_result_free(result);
}

/* One token of 64 is wrong, and so small that the stage's rms does not show it. */
Test(verify, finds_a_single_wrong_token)
{
    enum { TOKENS = 64, WIDTH = 4, WRONG = 5 };
    static uint8_t right[4 * TOKENS * WIDTH], wrong[4 * TOKENS * WIDTH];
    for (size_t i = 0; i < TOKENS * WIDTH; i++) {
        bool small = i / WIDTH == WRONG;
        mmn_store_f32(right + 4 * i, small ? 0.5f : 100);
        mmn_store_f32(wrong + 4 * i, small ? -0.5f : 100);
    }
    const mmn_verify_options options = {.size = sizeof(options), .tolerance = 2e-3};
    mmn_tensor one = tensor("language.norm", MMN_TYPE_F32, wrong, TOKENS, WIDTH);
    write_file(dump, &one, 1, NULL);
    one.data = right;
    write_file(reference, &one, 1, NULL);
    cr_assert_eq(mmn_verification_make(&verification, dump, reference, &options, &error),
                 MMN_DIFFERENT);
    const mmn_stage_comparison *stage = &verification->stages[0];
    cr_assert_lt(stage->relative_rms, options.tolerance);
    cr_assert_eq(stage->worst_row, WRONG);
    cr_assert_eq(stage->first_index, WRONG * WIDTH);
}

Test(verify, allows_four_times_the_references_own_error)
{
    float values[6];
    memcpy(values, activations, sizeof(values));
    values[4] = 8.0625f; /* relative rms 0.0625 / sqrt(341.25) = 3.383e-3 */
    const char *const loose[] = {"error.language.layers.1.mlp.act", "8.5e-4 0.1", NULL};
    const char *const tight[] = {"error.language.layers.1.mlp.act", "8.4e-4 0.1", NULL};
    const char *const broken[] = {"error.language.layers.1.mlp.act", "little", NULL};
    cr_assert_eq(compare(values, loose, 0), MMN_OK);
    cr_assert_eq(compare(values, tight, 0), MMN_DIFFERENT);
    cr_assert_eq(compare(values, tight, 3.4e-3), MMN_OK);
    cr_assert_eq(compare(values, loose, 3.3e-3), MMN_DIFFERENT);
    cr_assert_eq(compare(values, broken, 0), MMN_INPUT);
    cr_assert_null(verification);
}

Test(verify, nan_agrees_with_nan_only)
{
    float values[6];
    memcpy(values, activations, sizeof(values));
    values[5] = NAN;
    cr_assert_eq(compare(values, NULL, 1e6), MMN_DIFFERENT);
    cr_assert_eq(verification->stages[0].first_index, 5);
    values[5] = INFINITY;
    cr_assert_eq(compare(values, NULL, 1e6), MMN_DIFFERENT);
    cr_assert_eq(verification->stages[0].first_index, 5);
}

Test(verify, reads_half_and_double_precision)
{
    /* The activations in f16 and bf16; f64 below. */
    static const uint8_t f16[] = "\x00\x3c\x00\xc0\x00\x44\x00\x38\x00\x48\x00\xcc";
    static const uint8_t bf16[] = "\x80\x3f\x00\xc0\x80\x40\x00\x3f\x00\x41\x80\xc1";
    uint8_t f32[24], f64[48];
    for (size_t i = 0; i < 6; i++)
        mmn_store_f64(f64 + 8 * i, activations[i]);
    const struct {
        mmn_tensor_type type;
        const uint8_t *data;
    } forms[] = {{MMN_TYPE_F16, f16}, {MMN_TYPE_BF16, bf16}, {MMN_TYPE_F64, f64}};
    mmn_tensor one = tensor("language.norm", MMN_TYPE_F32, as_f32(activations, f32), 2, 3);
    write_file(reference, &one, 1, NULL);
    for (size_t i = 0; i < 3; i++) {
        one = tensor("language.norm", forms[i].type, forms[i].data, 2, 3);
        write_file(dump, &one, 1, NULL);
        mmn_verification_free(verification);
        cr_assert_eq(mmn_verification_make(&verification, dump, reference, NULL, &error), MMN_OK);
        cr_assert_eq(verification->stages[0].differences, 0);
    }
}

Test(verify, tells_missing_surplus_and_misshapen_stages_in_the_order_of_the_pass)
{
    static const uint8_t zeros[64];
    const mmn_tensor in_dump[] = {tensor("language.norm", MMN_TYPE_F32, zeros, 2, 3),
                                  tensor("vision.layers.2.out", MMN_TYPE_F32, zeros, 2, 2),
                                  tensor("vision.layers.10.out", MMN_TYPE_F32, zeros, 1, 3),
                                  tensor("input_ids", MMN_TYPE_I64, zeros, 1, 3)};
    mmn_tensor in_reference[] = {tensor("input_ids", MMN_TYPE_I32, zeros, 1, 3),
                                 tensor("projector.act", MMN_TYPE_F32, zeros, 2, 3),
                                 tensor("vision.layers.10.out", MMN_TYPE_F32, zeros, 3, 1),
                                 tensor("language.norm", MMN_TYPE_I32, zeros, 2, 3)};
    in_reference[0].dimensions = 1;
    in_reference[0].shape[0] = 3;
    write_file(dump, in_dump, 4, NULL);
    write_file(reference, in_reference, 4, NULL);
    cr_assert_eq(mmn_verification_make(&verification, dump, reference, NULL, &error),
                 MMN_DIFFERENT);
    static const struct {
        const char *stage, *problem;
        int outside;
    } expected[] = {{"input_ids", NULL, 0},
                    {"vision.layers.2.out", "only in the dump", 0},
                    {"vision.layers.10.out", "shape [1, 3], but the reference has [3, 1]", 1},
                    {"projector.act", "missing from the dump", 1},
                    {"language.norm", "type F32 cannot be compared with I32", 1}};
    cr_assert_eq(verification->count, 5);
    for (size_t i = 0; i < 5; i++) {
        const mmn_stage_comparison *stage = &verification->stages[i];
        cr_assert_str_eq(stage->stage, expected[i].stage);
        cr_assert_eq(stage->outside, expected[i].outside, "%s", stage->stage);
        if (expected[i].problem)
            cr_assert_str_eq(stage->problem, expected[i].problem);
        else
            cr_assert_null(stage->problem);
    }
    const mmn_verify_options options = {.size = sizeof(options),
                                        .stages = "input_ids,vision.layers.2.*"};
    mmn_verification_free(verification);
    cr_assert_eq(mmn_verification_make(&verification, dump, reference, &options, &error), MMN_OK);
    cr_assert_eq(verification->count, 2);
}

/* From Python: xxhash.xxh3_128_hexdigest over the layout of doc/formats.md. */
Test(verify, digests_are_those_of_the_documented_layout)
{
    float values[6];
    uint8_t bytes[24];
    memcpy(values, activations, sizeof(values));
    mmn_tensor stages[] = {tensor("language.norm", MMN_TYPE_F32, as_f32(values, bytes), 2, 3),
                           {.name = "input_ids",
                            .type = MMN_TYPE_I32,
                            .dimensions = 1,
                            .shape = {2},
                            .data = (const uint8_t *)"\x01\x00\x00\x00\xff\xff\xff\xff",
                            .bytes = 8}};
    mmn_store_u32(bytes, UINT32_C(0xffc12345)); /* a NaN, to be made canonical */
    write_file(dump, stages, 2, NULL);
    char *text;
    cr_assert_eq(mmn_dump_digests(dump, NULL, &text, &error), MMN_OK, "%s", error.message);
    cr_assert_str_eq(text,
                     "ebcc9a5177213ef4bc0fe00114204084  input_ids\n"
                     "beb91616248e02d171fa5cc7b48081e3  language.norm\n"
                     "f64f563381a5449a109e63356ba5a1b7  all\n",
                     "%s", text);
    mmn_release(text);
    cr_assert_eq(mmn_dump_digests(dump, "nothing", &text, &error), MMN_INPUT);
}

/* ---- Other backends' files ---- */

static const struct {
    mmn_tensor_type type;
    const char *bytes; /* of 0, 1 and a third value, little-endian */
    const char *other; /* the same with a third value that differs */
} whole_types[] = {
    {MMN_TYPE_BOOL, "\0\1\1", "\0\1\0"},
    {MMN_TYPE_U8, "\0\1\xff", "\0\1\xfe"},
    {MMN_TYPE_I8, "\0\1\xff", "\0\1\x7f"},
    {MMN_TYPE_I16, "\0\0\1\0\0\x80", "\0\0\1\0\1\x80"},
    {MMN_TYPE_U16, "\0\0\1\0\0\x80", "\0\0\1\0\1\x80"},
    {MMN_TYPE_I32, "\0\0\0\0\1\0\0\0\xfe\xff\xff\xff", "\0\0\0\0\1\0\0\0\2\0\0\0"},
    {MMN_TYPE_U32, "\0\0\0\0\1\0\0\0\xfe\xff\xff\xff", "\0\0\0\0\1\0\0\0\2\0\0\0"},
    /* Beyond 2^53, where binary64 does not tell neighbours apart. */
    {MMN_TYPE_I64, "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\x40",
     "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\x40"},
    {MMN_TYPE_U64, "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\x80",
     "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\x80"},
};

static mmn_status verify_pair(const mmn_tensor *one, const mmn_tensor *other,
                              const mmn_verify_options *options)
{
    write_file(dump, one, 1, NULL);
    write_file(reference, other, 1, NULL);
    mmn_verification_free(verification);
    return mmn_verification_make(&verification, dump, reference, options, &error);
}

Test(verify, reads_every_whole_type)
{
    for (size_t i = 0; i < sizeof(whole_types) / sizeof(whole_types[0]); i++) {
        mmn_tensor one = tensor("input_ids", whole_types[i].type, whole_types[i].bytes, 1, 3);
        mmn_tensor other = tensor("input_ids", whole_types[i].type, whole_types[i].other, 1, 3);
        cr_assert_eq(verify_pair(&one, &one, NULL), MMN_OK, "%zu: %s", i, error.message);
        cr_assert_eq(verify_pair(&one, &other, NULL), MMN_DIFFERENT, "%zu", i);
        cr_assert_eq(verification->stages[0].first_index, 2);
        cr_assert_eq(verification->stages[0].differences, 1);
    }
    /* The same numbers in other types are the same. */
    mmn_tensor narrow = tensor("input_ids", MMN_TYPE_I8, "\0\1\x7f", 1, 3);
    mmn_tensor wide = tensor("input_ids", MMN_TYPE_U32, "\0\0\0\0\1\0\0\0\x7f\0\0\0", 1, 3);
    cr_assert_eq(verify_pair(&narrow, &wide, NULL), MMN_OK);
    narrow.data = (const uint8_t *)"\0\1\xff";
    cr_assert_eq(verify_pair(&narrow, &wide, NULL), MMN_DIFFERENT);
}

/* Values from the tables of arXiv 2209.05433. */
Test(verify, reads_types_of_eight_bits)
{
    /* The smallest number, 1, -1.5 and the largest number. */
    static const float e5m2[] = {0x1p-16f, 1, -1.5f, 57344}, e4m3[] = {0x1p-9f, 1, -1.5f, 448};
    static const char e5m2_bytes[] = "\x01\x3c\xbe\x7b", e4m3_bytes[] = "\x01\x38\xbc\x7e";
    uint8_t exact[16];
    for (size_t form = 0; form < 2; form++) {
        for (size_t i = 0; i < 4; i++)
            mmn_store_f32(exact + 4 * i, form ? e4m3[i] : e5m2[i]);
        mmn_tensor one = tensor("language.norm", form ? MMN_TYPE_F8_E4M3 : MMN_TYPE_F8_E5M2,
                                form ? e4m3_bytes : e5m2_bytes, 1, 4);
        mmn_tensor other = tensor("language.norm", MMN_TYPE_F32, exact, 1, 4);
        cr_assert_eq(verify_pair(&one, &other, NULL), MMN_OK, "%s", error.message);
        cr_assert_eq(verification->stages[0].differences, 0);
    }
    mmn_tensor odd = tensor("language.norm", MMN_TYPE_F8_E4M3, "\x7f\xff\x38", 1, 3);
    for (size_t i = 0; i < 3; i++)
        mmn_store_f32(exact + 4 * i, i < 2 ? NAN : 1);
    mmn_tensor other = tensor("language.norm", MMN_TYPE_F32, exact, 1, 3);
    cr_assert_eq(verify_pair(&odd, &other, NULL), MMN_OK);
}

Test(verify, allows_what_the_type_of_the_other_side_explains)
{
    static const char *const says[] = {"dtype", "bfloat16", NULL};
    float values[6];
    memcpy(values, activations, sizeof(values));
    values[5] = -16.5f; /* relative rms 0.5 / sqrt(341.25) = 2.7e-2 */
    cr_assert_eq(compare(values, NULL, 0), MMN_DIFFERENT);
    cr_assert_eq(compare(values, says, 0), MMN_OK);
    cr_assert(verification->stages[0].tolerance == 5e-2);
    const struct {
        const char *computed_in;
        mmn_status status;
    } wishes[] = {
        {"bf16", MMN_OK}, {"f16", MMN_DIFFERENT}, {"f32", MMN_DIFFERENT}, {"i4", MMN_USAGE}};
    for (size_t i = 0; i < 4; i++) {
        const mmn_verify_options options = {.size = sizeof(options),
                                            .computed_in = wishes[i].computed_in};
        mmn_verification_free(verification);
        cr_assert_eq(mmn_verification_make(&verification, dump, reference, &options, &error),
                     wishes[i].status, "%s", wishes[i].computed_in);
    }
}

Test(verify, passes_over_what_only_one_has)
{
    uint8_t bytes[24];
    as_f32(activations, bytes);
    const mmn_tensor ours[] = {tensor("language.norm", MMN_TYPE_F32, bytes, 2, 3),
                               tensor("vision.out", MMN_TYPE_F32, bytes, 2, 3)};
    const mmn_tensor theirs[] = {tensor("language.logits", MMN_TYPE_F32, bytes, 2, 3),
                                 tensor("language.norm", MMN_TYPE_F32, bytes, 2, 3)};
    const mmn_verify_options options = {.size = sizeof(options), .common = 1};
    write_file(dump, ours, 2, NULL);
    write_file(reference, theirs, 2, NULL);
    cr_assert_eq(mmn_verification_make(&verification, dump, reference, NULL, &error),
                 MMN_DIFFERENT);
    cr_assert_eq(verification->count, 3);
    mmn_verification_free(verification);
    cr_assert_eq(mmn_verification_make(&verification, dump, reference, &options, &error), MMN_OK);
    cr_assert_eq(verification->count, 1);
    mmn_verification_free(verification);
    write_file(reference, theirs, 1, NULL);
    cr_assert_eq(mmn_verification_make(&verification, dump, reference, &options, &error),
                 MMN_INPUT);
    cr_assert(strstr(error.message, "no stage in common"), "%s", error.message);
}

static void check_generated(const int32_t *ours, size_t our_count, const int32_t *theirs,
                            size_t their_count, uint64_t equal, const char *said)
{
    uint8_t a[32], b[32];
    char *table;
    for (size_t i = 0; i < our_count; i++)
        mmn_store_u32(a + 4 * i, (uint32_t)ours[i]);
    for (size_t i = 0; i < their_count; i++)
        mmn_store_u32(b + 4 * i, (uint32_t)theirs[i]);
    mmn_tensor one = tensor("generated_ids", MMN_TYPE_I32, a, 1, our_count);
    mmn_tensor other = tensor("generated_ids", MMN_TYPE_I32, b, 1, their_count);
    one.dimensions = other.dimensions = 1;
    one.shape[0] = our_count;
    other.shape[0] = their_count;
    cr_assert_eq(verify_pair(&one, &other, NULL), MMN_DIFFERENT, "%s", said);
    cr_assert_eq(verification->stages[0].equal_beginning, equal, "%s", said);
    mmn_result *result;
    cr_assert_eq(mmn_verify(&result, dump, reference, NULL, &error), MMN_DIFFERENT);
    cr_assert_eq(mmn_result_table(result, &table, &error), MMN_OK);
    cr_assert(strstr(table, said), "%s", table);
    mmn_release(table);
}

Test(verify, compares_generated_tokens_up_to_the_first_difference)
{
    check_generated((const int32_t[]){5, 6, 7, 8}, 4, (const int32_t[]){5, 6, 9}, 3, 2,
                    "generated_ids, token 2: 7 instead of 9");
    check_generated((const int32_t[]){5, 6}, 2, (const int32_t[]){5, 6, 9}, 3, 2,
                    "the first 2 tokens are equal; there the dump ends");
    check_generated((const int32_t[]){5, 6, 9}, 3, (const int32_t[]){5, 6}, 2, 2,
                    "there the reference ends");
}

Test(verify, compares_one_tile_of_several)
{
    uint8_t all[48], one[24];
    float tiles[12];
    for (size_t i = 0; i < 12; i++)
        mmn_store_f32(all + 4 * i, tiles[i] = (float)i - 5.5f);
    as_f32(tiles + 6, one);
    mmn_tensor several = tensor("vision.out", MMN_TYPE_F32, all, 2, 6);
    several.dimensions = 3;
    several.shape[1] = 2;
    several.shape[2] = 3;
    mmn_tensor single = tensor("vision.out", MMN_TYPE_F32, one, 2, 3);
    for (size_t axes = 2; axes <= 3; axes++) {
        single.dimensions = axes;
        single.shape[0] = axes == 2 ? 2 : 1;
        single.shape[1] = axes == 2 ? 3 : 2;
        single.shape[2] = 3;
        cr_assert_eq(verify_pair(&single, &several, NULL), MMN_DIFFERENT);
        cr_assert(strstr(error.message, "a single tile can be chosen"), "%s", error.message);
        for (size_t tile = 0; tile < 3; tile++) {
            const mmn_verify_options options = {
                .size = sizeof(options), .one_tile = 1, .tile = tile};
            const mmn_status expected[] = {MMN_DIFFERENT, MMN_OK, MMN_USAGE};
            cr_assert_eq(verify_pair(&single, &several, &options), expected[tile], "%zu", tile);
            cr_assert_eq(verify_pair(&several, &single, &options), expected[tile], "%zu", tile);
        }
    }
    /* The projector's rows are all tiles' tokens. */
    several = tensor("projector.out", MMN_TYPE_F32, all, 4, 3);
    single = tensor("projector.out", MMN_TYPE_F32, one, 2, 3);
    const mmn_verify_options second = {.size = sizeof(second), .one_tile = 1, .tile = 1};
    cr_assert_eq(verify_pair(&single, &several, &second), MMN_OK, "%s", error.message);
}

/* Hugging Face's pixel_values of LLaVA-NeXT have five axes, the first of which is the batch. */
Test(verify, passes_over_a_batch_of_one)
{
    uint8_t all[48], one[24];
    float pixels[12];
    for (size_t i = 0; i < 12; i++)
        mmn_store_f32(all + 4 * i, pixels[i] = (float)i - 5.5f);
    as_f32(pixels + 6, one);
    mmn_tensor batch = {.name = "pixel_values",
                        .type = MMN_TYPE_F32,
                        .dimensions = 5,
                        .shape = {1, 2, 3, 2, 1},
                        .data = all,
                        .bytes = 48};
    mmn_tensor plain = batch;
    plain.dimensions = 4;
    memmove(plain.shape, plain.shape + 1, 4 * sizeof(*plain.shape));
    cr_expect_eq(verify_pair(&plain, &batch, NULL), MMN_OK, "%s", error.message);
    cr_expect_eq(verify_pair(&batch, &plain, NULL), MMN_OK, "%s", error.message);
    cr_expect_eq(verify_pair(&batch, &batch, NULL), MMN_OK, "%s", error.message);
    cr_expect_str_eq(verification->stages[0].axes[1], "channel");
    const mmn_verify_options second = {.size = sizeof(second), .one_tile = 1, .tile = 1};
    plain.shape[0] = 1;
    plain.data = one;
    plain.bytes = 24;
    cr_expect_eq(verify_pair(&plain, &batch, &second), MMN_OK, "%s", error.message);
    /* What has five axes all the same is told to have. */
    batch.shape[0] = 2;
    batch.shape[1] = 1;
    cr_expect_eq(verify_pair(&batch, &batch, NULL), MMN_DIFFERENT);
    cr_expect(strstr(error.message, "5 axes"), "%s", error.message);
}

/* PyTorch's names as str() gives them, and those that safetensors files have. */
Test(verify, knows_every_spelling_of_a_type)
{
    static const char *const names[] = {"bf16", "bfloat16", "torch.bfloat16", "BF16"};
    uint8_t right[24], rounded[24];
    float values[6];
    for (size_t i = 0; i < 6; i++)
        values[i] = activations[i] * 1.002f;
    mmn_tensor one = tensor("language.norm", MMN_TYPE_F32, as_f32(activations, right), 2, 3);
    mmn_tensor other = tensor("language.norm", MMN_TYPE_F32, as_f32(values, rounded), 2, 3);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *const metadata[] = {"computed_in", names[i], NULL};
        const mmn_verify_options options = {.size = sizeof(options), .computed_in = names[i]};
        cr_expect_eq(verify_pair(&other, &one, &options), MMN_OK, "%s", names[i]);
        write_file(reference, &one, 1, metadata);
        mmn_verification_free(verification);
        cr_expect_eq(mmn_verification_make(&verification, dump, reference, NULL, &error), MMN_OK,
                     "%s", names[i]);
    }
    cr_expect_eq(verify_pair(&other, &one, NULL), MMN_DIFFERENT);
}

Test(verify, prints_at_most_80_columns)
{
    uint8_t bytes[24], others[24];
    float changed[6] = {-1, 2, 4e9f, 0, 1e-30f, 16};
    as_f32(activations, bytes);
    as_f32(changed, others);
    const mmn_tensor ours[] = {
        tensor("language.layers.31.mlp.product", MMN_TYPE_F32, bytes, 2, 3),
        tensor("a.very.long.name.that.somebody.else.gave.to.a.stage", MMN_TYPE_F32, bytes, 2, 3),
        tensor("projector.merged", MMN_TYPE_F32, bytes, 3, 2),
        tensor("vision.out", MMN_TYPE_F32, bytes, 2, 3)};
    const mmn_tensor theirs[] = {
        tensor("language.layers.31.mlp.product", MMN_TYPE_F32, others, 2, 3),
        tensor("a.very.long.name.that.somebody.else.gave.to.a.stage", MMN_TYPE_F32, others, 2, 3),
        tensor("projector.merged", MMN_TYPE_F32, others, 2, 3)};
    char *table;
    write_file(dump, ours, 4, NULL);
    write_file(reference, theirs, 3, NULL);
    cr_assert_eq(mmn_verification_make(&verification, dump, reference, NULL, &error),
                 MMN_DIFFERENT);
    mmn_result *result;
    cr_assert_eq(mmn_verify(&result, dump, reference, NULL, &error), MMN_DIFFERENT);
    cr_assert_eq(mmn_result_table(result, &table, &error), MMN_OK);
    for (const char *line = table; *line; line += strcspn(line, "\n") + 1)
        cr_assert_leq(strcspn(line, "\n"), 80, "%s", line);
    mmn_release(table);
}
