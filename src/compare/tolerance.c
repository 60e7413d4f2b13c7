/* Tolerances: how far a stage may be from its reference, by what the two files say of themselves. */
#include "compare/tolerance.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text_buffer.h"

/* How often the reference's own error, which its metadata has. */
#define OWN_ERRORS 4.0

/* Types that a forward pass computes in: our name, PyTorch's, safetensors', and the relative rms that is
 * allowed. Those of bf16 and f16 are about twice the largest that golden/measure_types.py finds for
 * PyTorch on the golden models. */
static const struct {
    const char *name, *torch, *stored;
    double tolerance;
} types[] = {
    {"f32", "float32", "F32", 1e-5},
    {"f64", "float64", "F64", 1e-5},
    {"bf16", "bfloat16", "BF16", 5e-2},
    {"f16", "float16", "F16", 1e-2},
};
enum { TYPES = sizeof(types) / sizeof(types[0]) };

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

mmn_status mmn_tolerance_of_types(double *tolerance, const char *computed_in,
                                  const mmn_safetensors *dump, const mmn_safetensors *reference,
                                  mmn_error *error)
{
    size_t type = find_type(computed_in);
    if (computed_in && type == TYPES)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "\"%.40s\" is no type that stages are computed in; expected f32, bf16 or "
                        "f16",
                        computed_in);
    if (computed_in) {
        *tolerance = types[type].tolerance;
        return MMN_OK;
    }
    double ours = tolerance_of_file(dump), theirs = tolerance_of_file(reference);
    *tolerance = ours > theirs ? ours : theirs;
    return MMN_OK;
}

/* The first number of the reference's metadata "error.STAGE", its relative RMS; -1 without. Jansson
 * reads it, since strtod depends on the locale. */
static mmn_status own_error(double *value, const char *stage, const mmn_safetensors *reference,
                            const char *file, mmn_error *error)
{
    mmn_text key = {0}, list = {0};
    char *key_text = NULL, *list_text = NULL;
    json_t *parsed = NULL;
    *value = -1;
    mmn_text_add(&key, "error.%s", stage);
    mmn_status status = mmn_text_finish(&key, &key_text, error);
    const char *found = status == MMN_OK ? mmn_safetensors_metadata(reference, key_text) : NULL;
    if (found) {
        mmn_text_add(&list, "[%.*s]", (int)strcspn(found, " "), found);
        status = mmn_text_finish(&list, &list_text, error);
        if (status == MMN_OK)
            status = mmn_json_parse(&parsed, list_text, strlen(list_text), file, error);
        const json_t *number = json_array_get(parsed, 0);
        if (status == MMN_OK && (!json_is_number(number) || !(json_number_value(number) >= 0)))
            status = mmn_fail(error, MMN_INPUT, file, key_text,
                              "expected the stage's relative error, not \"%.40s\"", found);
        if (status == MMN_OK)
            *value = json_number_value(number);
    }
    json_decref(parsed);
    mmn_free(key_text);
    mmn_free(list_text);
    return status;
}

mmn_status mmn_tolerance_of_stage(double *tolerance, double least, const char *stage,
                                  const mmn_safetensors *reference, const char *file,
                                  mmn_error *error)
{
    double own;
    mmn_status status = own_error(&own, stage, reference, file, error);
    *tolerance = least;
    if (own >= 0 && (least <= types[0].tolerance || OWN_ERRORS * own > least))
        *tolerance = OWN_ERRORS * own;
    return status;
}
