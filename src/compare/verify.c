/* Verifying: which stages of a dump agree with a reference, in the order of the forward pass. */
#include "compare/compare.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "model/dump_read.h"
#include "model/stages.h"

typedef struct verifying {
    mmn_safetensors *dump, *reference;
    const mmn_tensor **dump_list, **reference_list; /* in the order of the forward pass */
    size_t dump_count, reference_count;
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
 * tiles, or their tokens tile after tile; else 1. Backends that run an image's tiles one by one
 * have them in files of their own. */
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
    return memcmp(many->shape + 1, one->shape + 1, (one->dimensions - 1) * sizeof(*one->shape)) == 0
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

/* Lays the two beside each other: without a batch of one and, with --tile, that tile of whichever
 * has more than the other. */
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

/* ---- Tolerances ------------------------------------------------------------------------------ */

/* How often the reference's own error, which its metadata has. */
#define OWN_ERRORS 4.0

/* Types that a forward pass computes in: our name, PyTorch's, safetensors', and the relative rms
 * that is allowed. Those of bf16 and f16 are about twice the largest that golden/measure_types.py
 * finds for PyTorch on the golden models. */
static const struct {
    const char *name, *torch, *stored;
    double tolerance;
} types[] = {
    {"f32", "float32", "F32", 1e-5},
    {"f64", "float64", "F64", 1e-5},
    {"bf16", "bfloat16", "BF16", 5e-2},
    {"f16", "float16", "F16", 1e-2},
};
enum { TYPES = MMN_LENGTH(types) };

/* str() of PyTorch's types begins with "torch.". */
static size_t find_type(const char *name)
{
    static const char torch[] = "torch.";
    size_t type = name ? 0 : TYPES;
    if (name && strncmp(name, torch, sizeof(torch) - 1) == 0)
        name += sizeof(torch) - 1;
    while (type < TYPES && strcmp(types[type].name, name) != 0 &&
           strcmp(types[type].torch, name) != 0 && strcmp(types[type].stored, name) != 0)
        type++;
    return type;
}

/* What the file's metadata says of the type that it was computed in, or f32's. */
static double tolerance_of_file(const mmn_safetensors *file)
{
    size_t type = find_type(mmn_safetensors_metadata(file, "computed_in"));
    if (type == TYPES)
        type = find_type(mmn_safetensors_metadata(file, "dtype"));
    return types[type < TYPES ? type : 0].tolerance;
}

/* The relative rms that is allowed in a stage where nothing is known of the stage itself:
 * doc/formats.md has the numbers and how they were measured. A type that is not known is the
 * caller's mistake; in a file it is passed over. */
static mmn_status find_type_tolerance(verifying *state)
{
    const char *computed_in = state->options->computed_in;
    const size_t type = find_type(computed_in);
    const double ours = tolerance_of_file(state->dump);
    const double theirs = tolerance_of_file(state->reference);
    if (computed_in && type == TYPES)
        return mmn_fail(state->error, MMN_USAGE, NULL, NULL,
                        "\"%.40s\" is no type that stages are computed in; expected f32, bf16 or "
                        "f16",
                        computed_in);
    state->type_tolerance = computed_in ? types[type].tolerance : ours > theirs ? ours : theirs;
    return MMN_OK;
}

/* The number, 0 or more, that `text` begins with, of the metadata's `key`. Jansson reads it, since
 * strtod depends on the locale. */
static mmn_status read_own_error(double *value, const char *text, const char *key,
                                 const verifying *state)
{
    mmn_text list = {0};
    json_t *parsed = NULL;
    mmn_text_add(&list, "[%.*s]", (int)strcspn(text, " "), text);
    mmn_status status = mmn_text_status(&list, state->error);
    if (status == MMN_OK)
        status =
            mmn_json_parse(&parsed, list.text, list.length, state->reference_file, state->error);
    const json_t *number = json_array_get(parsed, 0);
    if (status == MMN_OK && (!json_is_number(number) || !(json_number_value(number) >= 0)))
        status = mmn_fail(state->error, MMN_INPUT, state->reference_file, key,
                          "expected the stage's relative error, not \"%.40s\"", text);
    *value = json_number_value(number);
    json_decref(parsed);
    mmn_text_free(&list);
    return status;
}

/* A stage's own tolerance is four times what the reference's metadata "error.STAGE" says of its
 * error, but not less than that of the types where that is more than f32's; else the latter. */
static mmn_status choose_tolerance(double *tolerance, const verifying *state,
                                   const mmn_tensor *reference)
{
    const double least = state->type_tolerance;
    mmn_text key = {0};
    double own;
    *tolerance = state->options->tolerance;
    if (*tolerance > 0)
        return MMN_OK;
    *tolerance = least;
    mmn_text_add(&key, "error.%s", reference->name);
    mmn_status status = mmn_text_status(&key, state->error);
    const char *text = status == MMN_OK ? mmn_safetensors_metadata(state->reference, key.text)
                                        : NULL;
    if (text)
        status = read_own_error(&own, text, key.text, state);
    if (text && status == MMN_OK && (least <= types[0].tolerance || OWN_ERRORS * own > least))
        *tolerance = OWN_ERRORS * own;
    mmn_text_free(&key);
    return status;
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
    comparison->equal_beginning = comparison->first_index == SIZE_MAX ? common
                                                                      : comparison->first_index;
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
    MMN_TRY(align(dump, reference, state));
    comparison->dimensions = reference->dimensions < 4 ? reference->dimensions : 4;
    memcpy(comparison->shape, reference->shape, comparison->dimensions * sizeof(*reference->shape));
    bool integers = mmn_dump_is_integer(dump);
    if (integers != mmn_dump_is_integer(reference))
        return set_problem(comparison, state->error, "type %s cannot be compared with %s",
                           mmn_tensor_type_name(dump->type), mmn_tensor_type_name(reference->type));
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
        MMN_TRY(choose_tolerance(&comparison->tolerance, state, reference));
    return mmn_compare_stage(comparison, dump, reference, state->error);
}

/* Appends the comparison of one stage; one of the two tensors may be NULL. */
static mmn_status add_stage(verifying *state, const mmn_tensor *dump, const mmn_tensor *reference)
{
    const mmn_tensor *either = reference ? reference : dump;
    mmn_stage_comparison *comparison = &state->result->stages[state->result->count++];
    MMN_NEED(comparison->stage = mmn_copy_text(either->name, state->error));
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
static mmn_status compare_lists(verifying *state)
{
    size_t i = 0, j = 0;
    state->result->stages = mmn_allocate(state->dump_count + state->reference_count,
                                         sizeof(*state->result->stages), state->error);
    MMN_NEED(state->result->stages);
    while (i < state->dump_count || j < state->reference_count) {
        int order = i < state->dump_count ? -1 : 1;
        if (i < state->dump_count && j < state->reference_count)
            order = mmn_stage_compare(state->dump_list[i]->name, state->reference_list[j]->name);
        const mmn_tensor *dump = order <= 0 ? state->dump_list[i++] : NULL;
        const mmn_tensor *reference = order >= 0 ? state->reference_list[j++] : NULL;
        if (!state->options->common || (dump && reference))
            MMN_TRY(add_stage(state, dump, reference));
    }
    return MMN_OK;
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

/* Compares all that the two files have. */
static mmn_status verify(verifying *state, const char *dump)
{
    const char *reference = state->reference_file, *stages = state->options->stages;
    mmn_error *error = state->error;
    if (!(state->result = mmn_allocate(1, sizeof(*state->result), error)))
        return MMN_SYSTEM;
    MMN_TRY(mmn_dump_open(&state->dump, dump, error));
    MMN_TRY(mmn_dump_open(&state->reference, reference, error));
    MMN_TRY(mmn_dump_list(&state->dump_list, &state->dump_count, state->dump, stages, error));
    MMN_TRY(mmn_dump_list(&state->reference_list, &state->reference_count, state->reference, stages,
                          error));
    if (state->reference_count == 0)
        return mmn_fail(error, MMN_INPUT, reference, stages, "there is no stage to compare with");
    MMN_TRY(find_type_tolerance(state));
    MMN_TRY(compare_lists(state));
    MMN_TRY(mmn_safetensors_unchanged(state->dump, error));
    MMN_TRY(mmn_safetensors_unchanged(state->reference, error));
    if (state->result->count == 0)
        return mmn_fail(error, MMN_INPUT, dump, stages, "has no stage in common with %.600s",
                        reference);
    return MMN_OK;
}

mmn_status mmn_verification_make(mmn_verification **verification, const char *dump,
                                 const char *reference, const mmn_verify_options *options,
                                 mmn_error *error)
{
    mmn_verify_options own;
    *verification = NULL;
    MMN_TAKE_OPTIONS(own, options, error);
    verifying state = {.reference_file = reference, .options = options, .error = error};
    const mmn_status status = verify(&state, dump);
    mmn_free(state.dump_list);
    mmn_free(state.reference_list);
    mmn_safetensors_close(state.dump);
    mmn_safetensors_close(state.reference);
    if (status != MMN_OK) {
        mmn_verification_free(state.result);
        state.result = NULL;
    }
    *verification = state.result;
    return status == MMN_OK ? judge(state.result, dump, error) : status;
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
