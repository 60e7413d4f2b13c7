/* Verifying: which stages of a dump agree with a reference, in the order of the forward pass. */
#include "compare/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "compare/tolerance.h"
#include "model/dump_read.h"
#include "model/stages.h"

typedef struct verifying {
    mmn_safetensors *dump, *reference;
    const char *reference_file;
    const mmn_verify_options *options;
    double type_tolerance; /* of the types that the two were computed in */
    mmn_verification *result;
    mmn_error *error;
} verifying;

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

/* ---- What is laid beside each other ---------------------------------------------------------- */

/* Of a tensor that has `parts` times as many rows as another: part number `part`. */
static mmn_tensor part_of(const mmn_tensor *tensor, size_t parts, size_t part)
{
    mmn_tensor result = *tensor;
    result.shape[0] /= parts;
    result.bytes /= parts;
    result.data += part * result.bytes;
    return result;
}

/* How many times as many tiles as `one` the tensor `many` has, where the stage's first axis counts
 * tiles, or their tokens tile after tile; else 1. Backends that run an image's tiles one by one have
 * them in files of their own. */
static size_t count_tiles(const mmn_stage_kind *kind, const mmn_tensor *many, const mmn_tensor *one)
{
    bool tiled = kind && (strcmp(kind->axes[0], "tile") == 0 ||
                          strcmp(kind->pattern, "projector.act") == 0 ||
                          strcmp(kind->pattern, "projector.out") == 0);
    if (!tiled || many->dimensions != kind->dimensions)
        return 1;
    /* A single tile may be without the axis. */
    size_t missing = kind->dimensions - one->dimensions;
    if (missing == 1 && strcmp(kind->axes[0], "tile") == 0)
        return memcmp(many->shape + 1, one->shape, one->dimensions * sizeof(*one->shape)) == 0
                   ? many->shape[0]
                   : 1;
    if (missing != 0 || one->shape[0] == 0 || many->shape[0] % one->shape[0] != 0)
        return 1;
    return memcmp(many->shape + 1, one->shape + 1,
                  (one->dimensions - 1) * sizeof(*one->shape)) == 0
               ? many->shape[0] / one->shape[0]
               : 1;
}

/* Leaves out axes of 1 in front, such as a batch of one, of which the stage has none. */
static void drop_batch(mmn_tensor *tensor, const mmn_stage_kind *kind)
{
    size_t dimensions = kind ? kind->dimensions : 4, surplus = 0;
    while (tensor->dimensions - surplus > dimensions && tensor->shape[surplus] == 1)
        surplus++;
    tensor->dimensions -= surplus;
    memmove(tensor->shape, tensor->shape + surplus, tensor->dimensions * sizeof(*tensor->shape));
}

/* Lays the two beside each other: without a batch of one and, with --tile, that tile of whichever has
 * more than the other. */
static mmn_status align(mmn_tensor *dump, mmn_tensor *reference, const verifying *state)
{
    const mmn_verify_options *options = state->options;
    const mmn_stage_kind *kind = mmn_stage_kind_find(reference->name, NULL);
    drop_batch(dump, kind);
    drop_batch(reference, kind);
    mmn_tensor *const pairs[2][2] = {{dump, reference}, {reference, dump}};
    for (size_t i = 0; i < 2 && options->one_tile; i++) {
        size_t tiles = count_tiles(kind, pairs[i][0], pairs[i][1]);
        if (tiles > 1 && options->tile >= tiles)
            return mmn_fail(state->error, MMN_USAGE, pairs[i][0]->file, reference->name,
                            "there is no tile %zu; the stage has %zu, counted from 0",
                            options->tile, tiles);
        if (tiles > 1)
            *pairs[i][0] = part_of(pairs[i][0], tiles, options->tile);
    }
    return MMN_OK;
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

static mmn_status choose_tolerance(double *tolerance, const verifying *state,
                                   const mmn_tensor *reference)
{
    *tolerance = state->options->tolerance;
    if (state->options->tolerance > 0)
        return MMN_OK;
    return mmn_tolerance_of_stage(tolerance, state->type_tolerance, reference->name,
                                  state->reference, state->reference_file, state->error);
}

/* ---- Comparing ------------------------------------------------------------------------------- */

/* What was generated, token by token as far as both go. */
static mmn_status compare_generated(mmn_stage_comparison *comparison, mmn_tensor dump,
                                    mmn_tensor reference, const verifying *state)
{
    size_t ours = mmn_tensor_elements(&dump), theirs = mmn_tensor_elements(&reference);
    size_t common = ours < theirs ? ours : theirs;
    dump.bytes = common * mmn_tensor_type_size(dump.type);
    reference.bytes = common * mmn_tensor_type_size(reference.type);
    comparison->dimensions = 1;
    comparison->shape[0] = common;
    mmn_status status = mmn_compare_stage(comparison, &dump, &reference, state->error);
    comparison->integers = 1;
    comparison->equal_beginning =
        comparison->first_index == SIZE_MAX ? common : comparison->first_index;
    if (status == MMN_OK && comparison->first_index == SIZE_MAX && ours != theirs)
        status = set_problem(comparison, state->error,
                             "the first %zu tokens are equal; there the %s ends, and the other "
                             "has %zu",
                             common, ours < theirs ? "dump" : "reference",
                             ours < theirs ? theirs : ours);
    return status;
}

static mmn_status compare_pair(mmn_stage_comparison *comparison, const mmn_tensor *dumped,
                               const mmn_tensor *referred, const verifying *state)
{
    mmn_tensor pair[2] = {*dumped, *referred}, *dump = &pair[0], *reference = &pair[1];
    mmn_status status = align(dump, reference, state);
    if (status != MMN_OK)
        return status;
    comparison->dimensions = reference->dimensions < 4 ? reference->dimensions : 4;
    memcpy(comparison->shape, reference->shape, comparison->dimensions * sizeof(*reference->shape));
    bool integers = mmn_dump_is_integer(dump);
    if (integers != mmn_dump_is_integer(reference))
        return set_problem(comparison, state->error, "type %s cannot be compared with %s",
                           mmn_tensor_type_name(dump->type),
                           mmn_tensor_type_name(reference->type));
    if (integers && strcmp(reference->name, "generated_ids") == 0)
        return compare_generated(comparison, *dump, *reference, state);
    if (reference->dimensions > 4)
        return set_problem(comparison, state->error, "stages of %zu axes cannot be compared",
                           reference->dimensions);
    if (!same_shape(dump, reference)) {
        char dump_shape[96], reference_shape[96];
        mmn_tensor_shape_text(dump_shape, sizeof(dump_shape), dump->shape, dump->dimensions);
        mmn_tensor_shape_text(reference_shape, sizeof(reference_shape), reference->shape,
                              reference->dimensions);
        const mmn_stage_kind *kind = mmn_stage_kind_find(reference->name, NULL);
        bool tiles = count_tiles(kind, dump, reference) > 1 ||
                     count_tiles(kind, reference, dump) > 1;
        return set_problem(comparison, state->error, "shape %s, but the reference has %s%s",
                           dump_shape, reference_shape,
                           tiles ? "; a single tile can be chosen" : "");
    }
    if (!integers)
        status = choose_tolerance(&comparison->tolerance, state, reference);
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
    const mmn_stage_kind *kind = mmn_stage_kind_find(either->name, NULL);
    mmn_tensor alone = *either;
    drop_batch(&alone, kind);
    comparison->dimensions = alone.dimensions < 4 ? alone.dimensions : 4;
    memcpy(comparison->shape, alone.shape, comparison->dimensions * sizeof(*alone.shape));
    bool known = kind && kind->dimensions == alone.dimensions;
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
        if (!state->options->common || (from_dump && from_reference))
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

mmn_status mmn_verification_make(mmn_verification **verification, const char *dump,
                                 const char *reference, const mmn_verify_options *options,
                                 mmn_error *error)
{
    *verification = NULL;
    const mmn_verify_options none = {0};
    if (!options)
        options = &none;
    const mmn_tensor **dump_list = NULL, **reference_list = NULL;
    size_t dump_count = 0, reference_count = 0;
    verifying state = {.reference_file = reference, .options = options, .error = error};
    state.result = mmn_allocate(1, sizeof(*state.result), error);
    mmn_status status = state.result ? MMN_OK : MMN_SYSTEM;
    if (status == MMN_OK)
        status = mmn_dump_open(&state.dump, dump, error);
    if (status == MMN_OK)
        status = mmn_dump_open(&state.reference, reference, error);
    if (status == MMN_OK)
        status = mmn_dump_list(&dump_list, &dump_count, state.dump, options->stages, error);
    if (status == MMN_OK)
        status = mmn_dump_list(&reference_list, &reference_count, state.reference,
                               options->stages, error);
    if (status == MMN_OK && reference_count == 0)
        status = mmn_fail(error, MMN_INPUT, reference, options->stages,
                          "there is no stage to compare with");
    if (status == MMN_OK)
        status = mmn_tolerance_of_types(&state.type_tolerance, options->computed_in, state.dump,
                                        state.reference, error);
    if (status == MMN_OK)
        status = compare_lists(&state, dump_list, dump_count, reference_list, reference_count);
    if (status == MMN_OK)
        status = mmn_safetensors_unchanged(state.dump, error);
    if (status == MMN_OK)
        status = mmn_safetensors_unchanged(state.reference, error);
    if (status == MMN_OK && state.result->count == 0)
        status = mmn_fail(error, MMN_INPUT, dump, options->stages,
                          "has no stage in common with %.600s", reference);
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
