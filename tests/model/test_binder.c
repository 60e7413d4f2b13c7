/* Binding: several linear layers in one tensor, arrays of any shape, and refusals. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "format/safetensors.h"
#include "model/binder.h"

enum { OUTPUTS = 3, INPUTS = 5, STACKED = 3 };

static mmn_error error;
static char path[64];
static mmn_safetensors *tensors;

/* The bf16 numbers 1, 2, 3, ..., which have few enough bits to be exact. */
static void fill(uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float value = (float)(i + 1);
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        bytes[2 * i] = (uint8_t)(bits >> 16);
        bytes[2 * i + 1] = (uint8_t)(bits >> 24);
    }
}

/* A checkpoint of "part.qkv.weight", "part.qkv.bias" with `biases` elements and "part.class". */
static void write_checkpoint(size_t biases)
{
    uint8_t weight[STACKED * OUTPUTS * INPUTS * 2], bias[2 * 64], class_token[2 * INPUTS];
    fill(weight, STACKED * OUTPUTS * INPUTS);
    fill(bias, biases);
    fill(class_token, INPUTS);
    const mmn_tensor list[] = {
        {"part.class", MMN_TYPE_BF16, 3, {1, 1, INPUTS}, class_token, sizeof class_token, NULL},
        {"part.qkv.bias", MMN_TYPE_BF16, 1, {biases}, bias, 2 * biases, NULL},
        {"part.qkv.weight",
         MMN_TYPE_BF16,
         2,
         {STACKED * OUTPUTS, INPUTS},
         weight,
         sizeof weight,
         NULL},
    };
    snprintf(path, sizeof path, "/tmp/mmneuron-test-XXXXXX");
    int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    close(descriptor);
    cr_assert_eq(mmn_safetensors_write(path, list, 3, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_safetensors_open(&tensors, path, &error), MMN_OK);
}

/* Takes everything; *vectors is freed by the caller. */
static mmn_status bind(mmn_linear linears[STACKED], const float **class_token, bool bias,
                       float **vectors)
{
    static const size_t shape[3] = {1, 1, INPUTS};
    mmn_linear *const stacked[STACKED] = {&linears[0], &linears[1], &linears[2]};
    mmn_binder binder;
    *vectors = NULL;
    memset(linears, 0, STACKED * sizeof *linears);
    mmn_binder_begin(&binder, tensors, "the checkpoint", NULL, &error);
    mmn_binder_prefix(&binder, "part.");
    mmn_binder_take_stacked(&binder, stacked, STACKED, "qkv", OUTPUTS, INPUTS, bias);
    mmn_binder_take_array(&binder, class_token, "class", shape, 3);
    mmn_binder_finish(&binder, vectors);
    mmn_status status = binder.status;
    mmn_free(binder.named);
    mmn_free(binder.names);
    mmn_binder_free(&binder);
    return status;
}

static void close_checkpoint(void)
{
    mmn_safetensors_close(tensors);
    unlink(path);
}

Test(binder, divides_the_rows_of_one_tensor_among_linear_layers)
{
    mmn_linear linears[STACKED];
    const float *class_token;
    float *vectors;
    write_checkpoint(STACKED * OUTPUTS);
    cr_assert_eq(bind(linears, &class_token, true, &vectors), MMN_OK, "%s", error.message);
    const mmn_tensor *weight = mmn_safetensors_find(tensors, "part.qkv.weight");
    for (size_t i = 0; i < STACKED; i++) {
        const mmn_matrix *matrix = &linears[i].weight;
        cr_assert_eq(matrix->type, MMN_WEIGHT_BF16);
        cr_assert_eq(matrix->rows, OUTPUTS);
        cr_assert_eq(matrix->columns, INPUTS);
        cr_assert_eq((const uint8_t *)matrix->data, weight->data + i * OUTPUTS * INPUTS * 2,
                     "the rows are those of the file, not copies");
        for (size_t row = 0; row < OUTPUTS; row++)
            cr_assert_eq(linears[i].bias[row], (float)(i * OUTPUTS + row + 1));
    }
    for (size_t i = 0; i < INPUTS; i++)
        cr_assert_eq(class_token[i], (float)(i + 1));
    mmn_free(vectors);
    close_checkpoint();
}

Test(binder, refuses_what_does_not_divide)
{
    mmn_linear linears[STACKED];
    const float *class_token;
    float *vectors;
    write_checkpoint(STACKED * OUTPUTS);
    cr_assert_eq(bind(linears, &class_token, false, &vectors), MMN_INPUT);
    cr_assert_str_eq(error.where, "part.qkv.bias");
    cr_assert(strstr(error.message, "surplus"), "%s", error.message);
    cr_assert_null(vectors);
    close_checkpoint();
    write_checkpoint(2 * OUTPUTS); /* as where only queries and values had one */
    cr_assert_eq(bind(linears, &class_token, true, &vectors), MMN_INPUT);
    cr_assert_str_eq(error.where, "part.qkv.bias");
    cr_assert(strstr(error.message, "asks for [9]"), "%s", error.message);
    cr_assert_null(vectors);
    close_checkpoint();
}
