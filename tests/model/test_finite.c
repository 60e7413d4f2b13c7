/* Numbers that are none: each tensor of golden checkpoints is filled with NaN in turn, or has one
 * infinite element, and the forward pass ends where it first matters, naming the stage, the
 * position and the tensor. What the pass does not read cannot matter. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "format/safetensors.h"
#include "mmneuron.h"
#include "model/compute.h"
#include "tests/tools/scratch.h"

#define CHECKPOINTS MMN_SOURCE_DIR "/golden/checkpoints/"
#define CASES MMN_SOURCE_DIR "/golden/cases/"

static mmn_error error;

static void run_command(const char *format, const char *a, const char *b)
{
    char command[512];
    snprintf(command, sizeof command, format, a, b);
    cr_assert_eq(system(command), 0, "%s", command);
}

TestSuite(finite, .init = scratch_make, .fini = scratch_remove);

/* ---- Looking at values ----------------------------------------------------------------------- */

Test(finite, is_told_from_the_bits)
{
    float values[67];
    static const float largest = 3.402823466e38f;
    const float others[] = {0.0f, -0.0f, largest, -largest, 1e-45f};
    const float none[] = {NAN, -NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 67; i++)
        values[i] = others[i % 5];
    mmn_finite_watch watch = {0};
    mmn_finite_look(&watch, NULL, values, 67, 1, 67, 0, 0);
    cr_assert(!mmn_finite_found(&watch));
    for (size_t i = 0; i < 67; i++)
        for (size_t k = 0; k < 4; k++) {
            float kept = values[i];
            values[i] = none[k];
            watch.found = false;
            mmn_finite_look(&watch, NULL, values, 67, 1, 67, 5, 100);
            values[i] = kept;
            cr_assert(mmn_finite_found(&watch), "%zu", i);
            cr_assert(watch.row == 5 && watch.column == 100 + i);
        }
}

/* The first by row, then column, however threads come to it. */
Test(finite, keeps_the_first)
{
    static const float bad[2] = {1.0f, NAN};
    mmn_finite_watch watch = {0};
    mmn_finite_look(&watch, NULL, bad, 2, 1, 2, 3, 4);
    mmn_finite_look(&watch, NULL, bad, 2, 1, 2, 3, 0);
    mmn_finite_look(&watch, NULL, bad, 2, 1, 2, 4, 0);
    cr_assert(watch.row == 3 && watch.column == 1);
}

/* ---- Weights --------------------------------------------------------------------------------- */

static uint16_t half_of(mmn_tensor_type type, bool infinite)
{
    if (type == MMN_TYPE_BF16)
        return infinite ? 0x7f80 : 0x7fc0;
    return infinite ? 0x7c00 : 0x7e00;
}

/* Writes NaN, or one infinite number, into the bytes of a tensor. */
static void spoil(uint8_t *data, const mmn_tensor *tensor, bool infinite)
{
    size_t size = mmn_tensor_type_size(tensor->type);
    size_t count = infinite ? 1 : mmn_tensor_elements(tensor);
    for (size_t i = 0; i < count; i++) {
        const float number = infinite ? INFINITY : NAN;
        const uint16_t half = half_of(tensor->type, infinite);
        if (size == 4)
            memcpy(data + 4 * i, &number, 4);
        else
            memcpy(data + 2 * i, &half, 2);
    }
}

/* Puts a copy of the tensor's file with the tensor spoilt in the scratch, where all others are
 * links. */
static void write_spoilt(const mmn_tensor *tensor, bool infinite)
{
    mmn_mapping mapping;
    cr_assert_eq(mmn_map_file(&mapping, tensor->file, &error), MMN_OK);
    uint8_t *bytes = malloc(mapping.size);
    memcpy(bytes, mapping.data, mapping.size);
    /* The tensor lies in a mapping of its own of the same file. */
    const char *name = strrchr(tensor->file, '/') + 1;
    size_t offset = 0;
    while (memcmp(bytes + offset, tensor->data, tensor->bytes) != 0)
        offset++;
    spoil(bytes + offset, tensor, infinite);
    unlink(scratch_path(name));
    scratch_write_bytes(name, bytes, mapping.size);
    free(bytes);
    mmn_unmap(&mapping);
}

static mmn_status run(bool allow, const char *inputs, mmn_error *first, uint64_t *passed)
{
    const mmn_model_options options = {
        .size = sizeof(options), .without_tokenizer = 1, .allow_nonfinite = allow, .threads = 2};
    mmn_model *model;
    mmn_input *input;
    mmn_session *session;
    int32_t ids[2];
    size_t count;
    cr_assert_eq(mmn_model_open(&model, scratch, &options, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_input_from_file(&input, model, inputs, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    error = (mmn_error){0};
    mmn_status status = mmn_session_prefill(session, input, &error);
    if (status == MMN_OK)
        status = mmn_session_generate(session, 2, ids, &count, &error);
    *passed = mmn_model_nonfinite(model, first);
    mmn_session_free(session);
    mmn_input_free(input);
    mmn_model_close(model);
    return status;
}

/* Tensors that a prompt with pictures does not read: layers of the tower behind the one whose
 * output is taken, and the norm behind them all. */
static bool is_inert(const char *name, const char *const *inert)
{
    for (; *inert; inert++)
        if (strstr(name, *inert))
            return true;
    return false;
}

/* What the name of the first stage that the tensor makes has in it, where several tensors of a
 * layer are multiplied in one go. */
static const char *stage_of(const char *tensor)
{
    return strstr(tensor, "mlp.gate_proj") ? ".mlp.gate"
           : strstr(tensor, "mlp.up_proj") ? ".mlp.up"
                                           : "";
}

static void check_model(const char *name, const char *input, const char *const *inert)
{
    mmn_safetensors *tensors;
    char path[1024], inputs[256];
    snprintf(path, sizeof path, CHECKPOINTS "%s", name);
    snprintf(inputs, sizeof inputs, CASES "%s/%s.safetensors", name, input);
    run_command("ln -s %s/* %s/", path, scratch);
    cr_assert_eq(mmn_safetensors_open_folder(&tensors, path, &error), MMN_OK);
    size_t found = 0;
    for (size_t i = 0; i < mmn_safetensors_count(tensors); i++) {
        const mmn_tensor *tensor = mmn_safetensors_get(tensors, i);
        mmn_error first = {0};
        uint64_t passed;
        bool infinite = i % 2 && strstr(tensor->name, "proj.weight");
        if (tensor->type != MMN_TYPE_F32 && tensor->type != MMN_TYPE_BF16 &&
            tensor->type != MMN_TYPE_F16)
            continue; /* positions' numbers */
        write_spoilt(tensor, infinite);
        mmn_status status = run(false, inputs, &first, &passed);
        if (is_inert(tensor->name, inert)) {
            cr_assert_eq(status, MMN_OK, "%s: %s", tensor->name, error.message);
        } else {
            cr_assert_eq(status, MMN_NONFINITE, "%s: %s", tensor->name, error.message);
            cr_assert(strstr(error.message, tensor->name), "%s: %s: %s", tensor->name, error.where,
                      error.message);
            cr_assert(strchr(error.where, '.'), "%s", error.where);
            cr_assert(strstr(error.where, stage_of(tensor->name)), "%s: %s", tensor->name,
                      error.where);
            cr_assert(strstr(error.message, infinite ? "inite" : "NaN"), "%s", error.message);
            cr_assert_str_eq(strrchr(error.file, '/'), strrchr(tensor->file, '/'));
            cr_assert_eq(passed, 0);
            const mmn_error stopped = error;
            if (found++ % 8 == 0) {
                cr_assert_eq(run(true, inputs, &first, &passed), MMN_OK, "%s", error.message);
                cr_assert_gt(passed, 0);
                cr_assert_str_eq(first.where, stopped.where);
                cr_assert_str_eq(first.message, stopped.message);
            }
        }
        run_command("ln -sf %s %s/", tensor->file, scratch);
    }
    cr_assert_gt(found, 10);
    mmn_safetensors_close(tensors);
}

Test(finite, every_weight_of_llava_next)
{
    check_model("llava-v1.6-mistral", "tall",
                (const char *const[]){"vision_model.encoder.layers.2.", "post_layernorm", NULL});
}

Test(finite, every_weight_of_siglip_and_qwen2)
{
    check_model("llava-interleave-qwen", "wide",
                (const char *const[]){"post_layernorm", "vision_model.head", NULL});
}

Test(finite, every_weight_of_instructblip)
{
    check_model("instructblip", "tall", (const char *const[]){NULL});
}

Test(finite, every_weight_of_bloom)
{
    check_model("bloom", "sentence", (const char *const[]){NULL});
}

Test(finite, every_weight_of_opt)
{
    check_model("opt", "sentence", (const char *const[]){NULL});
}

Test(finite, every_weight_of_phi)
{
    check_model("phi", "sentence", (const char *const[]){NULL});
}

/* ---- Products -------------------------------------------------------------------------------- */

/* Makes every number of these f32 tensors, which are in one file, a number of times as large. */
static void write_scaled(const char *checkpoint, const char *const *names, size_t count,
                         float factor)
{
    mmn_safetensors *tensors;
    mmn_tensor copies[512];
    char path[1024];
    run_command("ln -s %s/* %s/", checkpoint, scratch);
    cr_assert_eq(mmn_safetensors_open_folder(&tensors, checkpoint, &error), MMN_OK);
    size_t all = mmn_safetensors_count(tensors);
    cr_assert_leq(all, 512);
    float *scaled[2];
    for (size_t i = 0; i < all; i++)
        copies[i] = *mmn_safetensors_get(tensors, i);
    for (size_t n = 0; n < count; n++)
        for (size_t i = 0; i < all; i++)
            if (strcmp(copies[i].name, names[n]) == 0) {
                cr_assert_eq(copies[i].type, MMN_TYPE_F32);
                scaled[n] = malloc(copies[i].bytes);
                memcpy(scaled[n], copies[i].data, copies[i].bytes);
                for (size_t k = 0; k < copies[i].bytes / sizeof(float); k++)
                    scaled[n][k] *= factor;
                copies[i].data = (const uint8_t *)scaled[n];
            }
    snprintf(path, sizeof path, "%s", scratch_path("model.safetensors"));
    unlink(path);
    cr_assert_eq(mmn_safetensors_write(path, copies, all, NULL, &error), MMN_OK);
    for (size_t n = 0; n < count; n++)
        free(scaled[n]);
    mmn_safetensors_close(tensors);
}

/* Two numbers whose product is too large are named where they are multiplied, and not where the
 * product is used. */
Test(finite, names_a_product_that_is_too_large)
{
    static const char *const names[] = {"language_model.model.layers.1.mlp.gate_proj.weight",
                                        "language_model.model.layers.1.mlp.up_proj.weight"};
    mmn_error first = {0};
    uint64_t passed;
    write_scaled(CHECKPOINTS "llava-v1.6-mistral", names, 2, 1e22f);
    cr_assert_eq(run(false, CASES "llava-v1.6-mistral/tall.safetensors", &first, &passed),
                 MMN_NONFINITE);
    cr_assert_str_eq(error.where, "language.layers.1.mlp.product");
    cr_assert(strstr(error.message, "too large"), "%s", error.message);
}

/* ---- Pixels ---------------------------------------------------------------------------------- */

/* Inputs from a file with one pixel that is none. */
Test(finite, pixels_of_a_file_are_looked_at)
{
    static const char inputs[] = CASES "llava-v1.6-mistral/tiny.safetensors";
    mmn_safetensors *tensors;
    mmn_tensor copies[3];
    char path[1024];
    cr_assert_eq(mmn_safetensors_open(&tensors, inputs, &error), MMN_OK);
    static const char *const names[] = {"input_ids", "image_sizes", "pixel_values"};
    for (size_t i = 0; i < 3; i++)
        copies[i] = *mmn_safetensors_find(tensors, names[i]);
    uint8_t *pixels = malloc(copies[2].bytes);
    memcpy(pixels, copies[2].data, copies[2].bytes);
    const float infinite = -INFINITY;
    memcpy(pixels + 4 * (copies[2].shape[3] + 2), &infinite, 4);
    copies[2].data = pixels;
    snprintf(path, sizeof path, "%s", scratch_path("inputs"));
    cr_assert_eq(mmn_safetensors_write(path, copies, 3, NULL, &error), MMN_OK);
    for (int allow = 0; allow < 2; allow++) {
        const mmn_model_options options = {
            .size = sizeof(options), .without_tokenizer = 1, .allow_nonfinite = allow};
        mmn_model *model;
        mmn_input *input = NULL;
        cr_assert_eq(mmn_model_open(&model, CHECKPOINTS "llava-v1.6-mistral", &options, &error),
                     MMN_OK);
        mmn_status status = mmn_input_from_file(&input, model, path, &error);
        cr_assert_eq(status, allow ? MMN_OK : MMN_INPUT);
        if (!allow)
            cr_assert(strstr(error.message, "[0, 0, 1, 2]"), "%s", error.message);
        mmn_input_free(input);
        mmn_model_close(model);
    }
    free(pixels);
    mmn_safetensors_close(tensors);
}
