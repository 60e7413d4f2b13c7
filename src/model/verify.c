/* Verifying: which stages of a dump agree with a reference, in the order of the forward pass. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "model/compare.h"
#include "model/dump_read.h"
#include "model/stages.h"

/* What a stage's relative RMS may be where nobody says anything; and how often the reference's own
 * error, which its metadata has. */
#define DEFAULT_TOLERANCE 1e-5
#define OWN_ERRORS 4.0

struct mmn_verification {
    mmn_stage_comparison *stages; /* `stage` and `problem` are owned copies */
    size_t count;
};

typedef struct verifying {
    mmn_safetensors *dump, *reference;
    const char *reference_file;
    double tolerance; /* 0: not given */
    mmn_verification *result;
    mmn_error *error;
} verifying;

/* The first number of the reference's metadata "error.STAGE", its relative RMS; -1 without. Jansson
 * reads it, since strtod depends on the locale. */
static mmn_status own_error(double *value, const verifying *state, const char *stage)
{
    mmn_text key = {0}, list = {0};
    char *key_text = NULL, *list_text = NULL;
    json_t *parsed = NULL;
    *value = -1;
    mmn_text_add(&key, "error.%s", stage);
    mmn_status status = mmn_text_finish(&key, &key_text, state->error);
    const char *found =
        status == MMN_OK ? mmn_safetensors_metadata(state->reference, key_text) : NULL;
    if (found) {
        mmn_text_add(&list, "[%.*s]", (int)strcspn(found, " "), found);
        status = mmn_text_finish(&list, &list_text, state->error);
        if (status == MMN_OK)
            status = mmn_json_parse(&parsed, list_text, strlen(list_text), state->reference_file,
                                    state->error);
        const json_t *number = json_array_get(parsed, 0);
        if (status == MMN_OK && (!json_is_number(number) || !(json_number_value(number) >= 0)))
            status = mmn_fail(state->error, MMN_INPUT, state->reference_file, key_text,
                              "expected the stage's relative error, not \"%.40s\"", found);
        if (status == MMN_OK)
            *value = json_number_value(number);
    }
    json_decref(parsed);
    mmn_free(key_text);
    mmn_free(list_text);
    return status;
}

static mmn_status choose_tolerance(double *tolerance, const verifying *state,
                                   const mmn_tensor *reference)
{
    *tolerance = 0;
    if (mmn_dump_is_integer(reference))
        return MMN_OK;
    *tolerance = state->tolerance;
    if (state->tolerance > 0)
        return MMN_OK;
    double own;
    mmn_status status = own_error(&own, state, reference->name);
    *tolerance = own >= 0 ? OWN_ERRORS * own : DEFAULT_TOLERANCE;
    return status;
}

/* Marks the stage as one that cannot be compared. */
static mmn_status MMN_PRINTF(3, 4)
    set_problem(mmn_stage_comparison *comparison, mmn_error *error, const char *format, ...)
{
    char problem[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem, sizeof(problem), format, arguments);
    va_end(arguments);
    comparison->problem = mmn_copy_text(problem, error);
    comparison->outside = !comparison->only_in_dump;
    return comparison->problem ? MMN_OK : MMN_SYSTEM;
}

/* Shapes are the same but for dimensions of 1 in front, such as a batch of one. */
static bool same_shape(const mmn_tensor *a, const mmn_tensor *b)
{
    size_t i = 0, j = 0;
    while (i < a->dimensions && a->shape[i] == 1)
        i++;
    while (j < b->dimensions && b->shape[j] == 1)
        j++;
    return a->dimensions - i == b->dimensions - j &&
           memcmp(a->shape + i, b->shape + j, (a->dimensions - i) * sizeof(*a->shape)) == 0;
}

static mmn_status compare_pair(mmn_stage_comparison *comparison, const mmn_tensor *dump,
                               const mmn_tensor *reference, const verifying *state)
{
    if (!same_shape(dump, reference) || reference->dimensions > 4) {
        char dump_shape[96], reference_shape[96];
        mmn_tensor_shape_text(dump_shape, sizeof(dump_shape), dump->shape, dump->dimensions);
        mmn_tensor_shape_text(reference_shape, sizeof(reference_shape), reference->shape,
                              reference->dimensions);
        return set_problem(comparison, state->error, "shape %s, but the reference has %s",
                           dump_shape, reference_shape);
    }
    if (!mmn_dump_is_readable(dump) || !mmn_dump_is_readable(reference) ||
        mmn_dump_is_integer(dump) != mmn_dump_is_integer(reference))
        return set_problem(comparison, state->error, "type %s cannot be compared with %s",
                           mmn_tensor_type_name(dump->type),
                           mmn_tensor_type_name(reference->type));
    mmn_status status = choose_tolerance(&comparison->tolerance, state, reference);
    return status == MMN_OK ? mmn_compare_stage(comparison, dump, reference, state->error)
                            : status;
}

/* Appends the comparison of one stage; one of the two tensors may be NULL. */
static mmn_status add_stage(verifying *state, const mmn_tensor *dump, const mmn_tensor *reference)
{
    const mmn_tensor *either = reference ? reference : dump;
    mmn_stage_comparison *comparison = &state->result->stages[state->result->count++];
    comparison->stage = mmn_copy_text(either->name, state->error);
    if (!comparison->stage)
        return MMN_SYSTEM;
    comparison->first_index = SIZE_MAX;
    comparison->only_in_dump = !reference;
    comparison->dimensions = either->dimensions < 4 ? either->dimensions : 4;
    memcpy(comparison->shape, either->shape, comparison->dimensions * sizeof(*either->shape));
    const mmn_stage_kind *kind = mmn_stage_kind_find(either->name, NULL);
    bool known = kind && kind->dimensions == either->dimensions;
    for (size_t i = 0; i < 4; i++)
        comparison->axes[i] = known && kind->axes[i] ? kind->axes[i] : "index";
    comparison->shows_neurons = known && strcmp(kind->axes[kind->dimensions - 1], "neuron") == 0;
    if (!reference)
        return set_problem(comparison, state->error, "only in the dump");
    if (!dump)
        return set_problem(comparison, state->error, "missing from the dump");
    return compare_pair(comparison, dump, reference, state);
}

/* Walks through both lists, which are in the order of the forward pass. */
static mmn_status compare_lists(verifying *state, const mmn_tensor **dump, size_t dump_count,
                                const mmn_tensor **reference, size_t reference_count)
{
    state->result->stages = mmn_allocate(dump_count + reference_count,
                                         sizeof(*state->result->stages), state->error);
    mmn_status status = state->result->stages ? MMN_OK : MMN_SYSTEM;
    size_t i = 0, j = 0;
    while (status == MMN_OK && (i < dump_count || j < reference_count)) {
        int order = i == dump_count        ? 1
                    : j == reference_count ? -1
                                           : mmn_stage_compare(dump[i]->name, reference[j]->name);
        const mmn_tensor *from_dump = order <= 0 ? dump[i++] : NULL;
        const mmn_tensor *from_reference = order >= 0 ? reference[j++] : NULL;
        status = add_stage(state, from_dump, from_reference);
    }
    return status;
}

static mmn_status judge(const mmn_verification *verification, const char *dump, mmn_error *error)
{
    for (size_t i = 0; i < verification->count; i++) {
        const mmn_stage_comparison *stage = &verification->stages[i];
        if (stage->outside)
            return mmn_fail(error, MMN_DIFFERENT, dump, stage->stage, "%s",
                            stage->problem ? stage->problem : "the stage is outside its tolerance");
    }
    return MMN_OK;
}

mmn_status mmn_verify(mmn_verification **verification, const char *dump, const char *reference,
                      const mmn_verify_options *options, mmn_error *error)
{
    const mmn_verify_options none = {0};
    if (!options)
        options = &none;
    *verification = NULL;
    const mmn_tensor **dump_list = NULL, **reference_list = NULL;
    size_t dump_count = 0, reference_count = 0;
    verifying state = {
        .reference_file = reference, .tolerance = options->tolerance, .error = error};
    state.result = mmn_allocate(1, sizeof(*state.result), error);
    mmn_status status = state.result ? MMN_OK : MMN_SYSTEM;
    if (status == MMN_OK)
        status = mmn_safetensors_open(&state.dump, dump, error);
    if (status == MMN_OK)
        status = mmn_safetensors_open(&state.reference, reference, error);
    if (status == MMN_OK)
        status = mmn_dump_list(&dump_list, &dump_count, state.dump, options->stages, error);
    if (status == MMN_OK)
        status = mmn_dump_list(&reference_list, &reference_count, state.reference,
                               options->stages, error);
    if (status == MMN_OK && reference_count == 0)
        status = mmn_fail(error, MMN_INPUT, reference, options->stages,
                          "there is no stage to compare with");
    if (status == MMN_OK)
        status = compare_lists(&state, dump_list, dump_count, reference_list, reference_count);
    if (status == MMN_OK) {
        *verification = state.result;
        state.result = NULL;
        status = judge(*verification, dump, error);
    }
    mmn_verification_free(state.result);
    mmn_free(dump_list);
    mmn_free(reference_list);
    mmn_safetensors_close(state.dump);
    mmn_safetensors_close(state.reference);
    return status;
}

void mmn_verification_free(mmn_verification *verification)
{
    if (!verification)
        return;
    for (size_t i = 0; i < verification->count; i++) {
        mmn_free((void *)(uintptr_t)verification->stages[i].stage);
        mmn_free((void *)(uintptr_t)verification->stages[i].problem);
    }
    mmn_free(verification->stages);
    mmn_free(verification);
}

size_t mmn_verification_count(const mmn_verification *verification)
{
    return verification->count;
}

const mmn_stage_comparison *mmn_verification_get(const mmn_verification *verification,
                                                 size_t index)
{
    return index < verification->count ? &verification->stages[index] : NULL;
}
