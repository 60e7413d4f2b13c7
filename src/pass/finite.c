/* Numbers that are not numbers: reporting them, and the tensor that is at fault. */
#include "pass/operations.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/names.h"
#include "base/text_buffer.h"

/* ---- The tensor at fault --------------------------------------------------------------------- */

/* The index of the first element that is infinite or NaN, or SIZE_MAX. */
static size_t first_nonfinite(const mmn_tensor *tensor)
{
    size_t count = mmn_tensor_elements(tensor), size = mmn_tensor_type_size(tensor->type);
    uint32_t exponent = tensor->type == MMN_TYPE_F32    ? UINT32_C(0x7f800000)
                        : tensor->type == MMN_TYPE_BF16 ? UINT32_C(0x7f80)
                        : tensor->type == MMN_TYPE_F16  ? UINT32_C(0x7c00)
                                                        : 0;
    for (size_t i = 0; i < count && exponent != 0; i++) {
        const uint8_t *at = tensor->data + i * size;
        uint32_t bits = size == 4 ? mmn_load_u32(at) : mmn_load_u16(at);
        if ((bits & exponent) == exponent)
            return i;
    }
    return SIZE_MAX;
}

/* The number that stands between dots in a tensor's name, or -1. */
static int layer_of(const char *tensor)
{
    for (const char *dot = strchr(tensor, '.'); dot; dot = strchr(dot + 1, '.')) {
        size_t digits = strspn(dot + 1, "0123456789");
        if (digits > 0 && digits < 7 && dot[1 + digits] == '.')
            return atoi(dot + 1);
    }
    return -1;
}

/* Whether the normalised name is that of a tensor that stage `name` of `layer` is made with. */
static bool belongs(const char *tensor, const char *stage, int layer)
{
    bool vision = mmn_begins_with(tensor, "vision");
    bool qformer = mmn_begins_with(tensor, "qformer") || mmn_begins_with(tensor, "query_tokens");
    bool projector = mmn_begins_with(tensor, "multi_modal_projector") ||
                     mmn_begins_with(tensor, "language_projection") ||
                     mmn_begins_with(tensor, "image_newline");
    bool right = mmn_begins_with(stage, "vision")                                       ? vision
                 : mmn_begins_with(stage, "qformer") || mmn_begins_with(stage, "query") ? qformer
                 : mmn_begins_with(stage, "projector")                                  ? projector
                                                       : !vision && !qformer && !projector;
    return right && layer_of(tensor) == layer;
}

/* The first tensor, by name, that the stage is made with and that has such a number. */
static const mmn_named_tensor *find_fault(const mmn_weights *weights, const char *stage, int layer,
                                          size_t *element)
{
    for (size_t i = 0; weights && i < weights->tensor_count; i++) {
        if (!belongs(weights->tensors[i].name, stage, layer))
            continue;
        *element = first_nonfinite(weights->tensors[i].tensor);
        if (*element != SIZE_MAX)
            return &weights->tensors[i];
    }
    return NULL;
}

/* "[3, 17]", where a tensor has its element number `element`. */
static void add_place(mmn_text *text, const mmn_tensor *tensor, size_t element)
{
    size_t places[MMN_TENSOR_DIMENSIONS];
    for (size_t d = tensor->dimensions; d-- > 0; element /= tensor->shape[d])
        places[d] = element % tensor->shape[d];
    mmn_text_add(text, "[");
    for (size_t d = 0; d < tensor->dimensions; d++)
        mmn_text_add(text, "%s%zu", d > 0 ? ", " : "", places[d]);
    mmn_text_add(text, "]");
}

/* ---- Reporting ------------------------------------------------------------------------------- */

static const char *name_of(float value)
{
    return isnan(value) ? "NaN" : value > 0 ? "infinite" : "minus infinite";
}

/* Fills the error: "FILE: STAGE: is NaN at position 7, element 3: tensor ... has ... at [3,
 * 17]". */
static mmn_status describe(const mmn_finite_watch *watch, const char *pattern, int layer,
                           const char *where, mmn_error *error)
{
    char stage[MMN_STAGE_NAME_SIZE], *message = NULL;
    size_t element = 0;
    mmn_text text = {0};
    mmn_stage_name(stage, pattern, layer);
    const mmn_named_tensor *fault = find_fault(watch->weights, stage, layer, &element);
    mmn_text_add(&text, "is %s at %s, element %zu", name_of(watch->value), where, watch->column);
    if (fault) {
        mmn_text_add(&text, ": tensor %s has such a number itself at ", fault->tensor->name);
        add_place(&text, fault->tensor, element);
    } else {
        mmn_text_add(&text, ", although no tensor that it is made with has such a number: what it "
                            "was made of was too large");
    }
    mmn_status status = mmn_text_finish(&text, &message, error);
    if (status == MMN_OK)
        status = mmn_fail(error, MMN_NONFINITE, fault ? fault->tensor->file : NULL, stage, "%s",
                          message);
    mmn_release(message);
    return status;
}

/* Takes note of what is let pass. The tensor at fault is looked for once. */
static mmn_status let_pass(mmn_nonfinite *passed, const mmn_finite_watch *watch,
                           const char *pattern, int layer, const char *where)
{
    if (!atomic_flag_test_and_set(&passed->has_first))
        describe(watch, pattern, layer, where, &passed->first);
    atomic_fetch_add(&passed->count, 1);
    return MMN_OK;
}

mmn_status mmn_finite_fail(mmn_finite_watch *watch, const char *pattern, int layer,
                           const char *where, mmn_error *error)
{
    watch->found = false;
    if (watch->allow)
        return let_pass(watch->passed, watch, pattern, layer, where);
    return describe(watch, pattern, layer, where, error);
}

mmn_status mmn_finite_check(mmn_finite_watch *watch, const char *pattern, int layer,
                            mmn_error *error)
{
    char where[32];
    if (!mmn_finite_found(watch))
        return MMN_OK;
    snprintf(where, sizeof(where), "row %zu", watch->row);
    return mmn_finite_fail(watch, pattern, layer, where, error);
}

mmn_status mmn_show_rows(const mmn_compute *compute, const mmn_probes *probes, const char *pattern,
                         int layer, float *data, size_t rows, size_t width, mmn_error *error)
{
    const mmn_shown shown = {
        .pattern = pattern, .layer = layer, .data = data, .shape = {rows, width}};
    MMN_TRY(mmn_finite_check(compute->watch, pattern, layer, error));
    return mmn_probes_show(probes, &shown, error);
}
