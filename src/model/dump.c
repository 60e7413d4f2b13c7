/* Dumps: the stages of one forward pass in a safetensors file. doc/formats.md describes it.
 *
 * The stages that are wanted are kept in memory until the pass is over, since the file's header has
 * to name them all: dump a large model's stages a few at a time. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/given.h"
#include "base/glob.h"
#include "base/memory.h"
#include "base/output.h"
#include "format/safetensors.h"
#include "model/session.h"
#include "model/stages.h"

/* Canonical: of all NaN, files have this one. */
#define CANONICAL_NAN UINT32_C(0x7fc00000)

typedef struct collection {
    mmn_tensor *tensors; /* names and data are owned, data in the file's byte order */
    size_t count, capacity;
    bool all; /* nobody has asked for stages by name */
    bool long_prompt; /* of more positions than the model was made for */
    char nonfinite[2048]; /* where a number was infinite or NaN first; "": nowhere */
} collection;

static void free_collection(collection *collected)
{
    for (size_t i = 0; i < collected->count; i++) {
        mmn_free((void *)(uintptr_t)collected->tensors[i].name);
        mmn_free((void *)(uintptr_t)collected->tensors[i].data);
    }
    mmn_free(collected->tensors);
}

/* `count` elements of 4 bytes as the file has them. */
static void store_elements(uint8_t *to, const void *from, size_t count, mmn_element element)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, (const char *)from + 4 * i, sizeof(bits));
        if (element == MMN_ELEMENT_F32 && (bits & UINT32_C(0x7fffffff)) > UINT32_C(0x7f800000))
            bits = CANONICAL_NAN;
        mmn_store_u32(to + 4 * i, bits);
    }
}

/* Adds a copy of the elements as a new tensor. */
static mmn_status collect(collection *collected, const char *name, mmn_element element,
                          const size_t *shape, size_t dimensions, const void *data,
                          mmn_error *error)
{
    size_t count = 1;
    for (size_t i = 0; i < dimensions; i++)
        if (!mmn_multiply_sizes(count, shape[i], &count))
            return mmn_fail(error, MMN_SYSTEM, NULL, name, "the stage is too large");
    mmn_status status = mmn_reserve(&collected->tensors, &collected->capacity,
                                    collected->count + 1, sizeof(*collected->tensors), error);
    if (status != MMN_OK)
        return status;
    char *own_name = mmn_copy_text(name, error);
    uint8_t *own_data = mmn_allocate(count, 4, error);
    if (!own_name || !own_data) {
        mmn_free(own_name);
        mmn_free(own_data);
        return MMN_SYSTEM;
    }
    store_elements(own_data, data, count, element);
    mmn_tensor *tensor = &collected->tensors[collected->count++];
    *tensor = (mmn_tensor){.name = own_name,
                           .type = element == MMN_ELEMENT_F32 ? MMN_TYPE_F32 : MMN_TYPE_I32,
                           .dimensions = dimensions,
                           .data = own_data,
                           .bytes = 4 * count};
    memcpy(tensor->shape, shape, dimensions * sizeof(*shape));
    return MMN_OK;
}

/* Stages of the prompt only: what is generated afterwards is in generated_ids. */
static mmn_status see(void *context, const mmn_stage *stage, mmn_error *error)
{
    const collection *collected = context;
    if (stage->generating || (collected->all && mmn_stage_is_by_name(stage->name)))
        return MMN_OK;
    return collect(context, stage->name, stage->element, stage->shape, stage->dimensions,
                   stage->data, error);
}

static mmn_status generate(collection *collected, mmn_session *session, size_t limit,
                           mmn_error *error)
{
    int32_t *ids = mmn_allocate(limit, sizeof(*ids), error);
    if (!ids)
        return MMN_SYSTEM;
    size_t count = 0;
    mmn_status status = mmn_session_generate(session, limit, ids, &count, error);
    if (status == MMN_OK)
        status = collect(collected, "generated_ids", MMN_ELEMENT_I32, &count, 1, ids, error);
    mmn_free(ids);
    return status;
}

static mmn_status write_collection(const void *context, const char *path, mmn_error *error)
{
    const collection *collected = context;
    const char *metadata[9] = {"format", "mmneuron-dump-1", "version", mmn_version()};
    size_t used = 4;
    if (collected->nonfinite[0] != '\0') {
        metadata[used++] = "nonfinite";
        metadata[used++] = collected->nonfinite;
    }
    if (collected->long_prompt) {
        metadata[used++] = "allow_long_prompts";
        metadata[used++] = "true";
    }
    return mmn_safetensors_write(path, collected->tensors, collected->count, metadata, error);
}

mmn_status mmn_dump(const mmn_model *model, const mmn_input *input,
                    const mmn_dump_options *options, const char *file, mmn_error *error)
{
    if (MMN_MISSING(error, model, input, file))
        return MMN_USAGE;
    const mmn_dump_options none = {0};
    if (!options)
        options = &none;
    const mmn_session_options session_options = {.prompt_only = options->generate == 0};
    collection collected = {.all = !options->stages || strcmp(options->stages, "*") == 0};
    const mmn_probe probe = {.stages = options->stages ? options->stages : "*",
                             .see = see,
                             .context = &collected};
    mmn_session *session = NULL;
    uint64_t passed = mmn_model_nonfinite(model, NULL);
    mmn_status status = mmn_session_create(&session, model, &session_options, error);
    collected.long_prompt = status == MMN_OK && mmn_input_fits(input, model, NULL) != MMN_OK;
    if (status == MMN_OK) /* which is what a dump may be wanted for */
        session->compute.watch->allow = true;
    if (status == MMN_OK)
        status = mmn_session_add_probe(session, &probe, error);
    if (status == MMN_OK)
        status = mmn_session_prefill(session, input, error);
    if (status == MMN_OK && options->generate > 0 &&
        mmn_glob_match(options->stages, "generated_ids"))
        status = generate(&collected, session, options->generate, error);
    if (status == MMN_OK && collected.count == 0)
        status = mmn_fail(error, MMN_USAGE, NULL, options->stages,
                          "no stage of this input has such a name");
    if (status == MMN_OK)
        status = mmn_model_unchanged(model, error);
    mmn_error first;
    if (status == MMN_OK && mmn_model_nonfinite(model, &first) > passed)
        snprintf(collected.nonfinite, sizeof(collected.nonfinite), "%s: %s", first.where,
                 first.message);
    if (status == MMN_OK)
        status = mmn_output_write(file, write_collection, &collected, error);
    mmn_session_free(session);
    free_collection(&collected);
    return status;
}
