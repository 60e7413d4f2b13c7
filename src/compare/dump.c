/* Dumps: the stages of one forward pass in a safetensors file. doc/formats.md describes it.
 *
 * The stages that are wanted are kept in memory until the pass is over, since the file's header has
 * to name them all: dump a large model's stages a few at a time. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/output.h"
#include "format/safetensors.h"
#include "model/stages.h"
#include "pass/session.h"

/* Canonical: of all NaN, files have this one. */
#define CANONICAL_NAN UINT32_C(0x7fc00000)

typedef struct dump {
    mmn_tensor *tensors; /* whose data are the session's, or ids */
    size_t count;
    int32_t *ids; /* [id_count] generated; NULL: none are wanted */
    size_t id_count;
    bool long_prompt;     /* of more positions than the model was made for */
    const char *deltas;   /* of the model; NULL: none */
    char nonfinite[2048]; /* where a number was infinite or NaN first; "": nowhere */
} dump;

/* Makes `count` elements of 4 bytes what the file has. */
static void convert(void *data, size_t count, mmn_element element)
{
    uint8_t *bytes = data;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, bytes + 4 * i, sizeof(bits));
        if (element == MMN_ELEMENT_F32 && (bits & UINT32_C(0x7fffffff)) > UINT32_C(0x7f800000))
            bits = CANONICAL_NAN;
        mmn_store_u32(bytes + 4 * i, bits);
    }
}

static mmn_tensor tensor_of(const char *name, mmn_element element, const size_t *shape,
                            size_t dimensions, void *data)
{
    mmn_tensor tensor = {.name = name,
                         .type = element == MMN_ELEMENT_F32 ? MMN_TYPE_F32 : MMN_TYPE_I32,
                         .dimensions = dimensions,
                         .data = data,
                         .bytes = 4};
    memcpy(tensor.shape, shape, dimensions * sizeof(*shape));
    for (size_t i = 0; i < dimensions; i++)
        tensor.bytes *= shape[i];
    convert(data, tensor.bytes / 4, element);
    return tensor;
}

static mmn_status generate(dump *dumped, mmn_session *session, size_t limit, mmn_error *error)
{
    dumped->ids = mmn_allocate(limit, sizeof(*dumped->ids), error);
    return dumped->ids ? mmn_session_generate(session, limit, dumped->ids, &dumped->id_count, error)
                       : MMN_SYSTEM;
}

/* The tensors of the file, each converted where it lies. */
static mmn_status list_tensors(dump *dumped, const mmn_kept_stages *kept, mmn_error *error)
{
    MMN_NEED(dumped->tensors = mmn_allocate(kept->count + 1, sizeof(*dumped->tensors), error));
    for (; dumped->count < kept->count; dumped->count++) {
        const mmn_stage *stage = &kept->list[dumped->count];
        dumped->tensors[dumped->count] =
            tensor_of(stage->name, stage->element, stage->shape, stage->dimensions, stage->data);
    }
    if (dumped->ids)
        dumped->tensors[dumped->count++] =
            tensor_of("generated_ids", MMN_ELEMENT_I32, &dumped->id_count, 1, dumped->ids);
    return MMN_OK;
}

static mmn_status write_dump(const void *context, const char *path, mmn_error *error)
{
    const dump *dumped = context;
    const char *metadata[11] = {"format", "mmneuron-dump-1", "version", mmn_version()};
    size_t used = 4;
    if (dumped->nonfinite[0] != '\0') {
        metadata[used++] = "nonfinite";
        metadata[used++] = dumped->nonfinite;
    }
    if (dumped->long_prompt) {
        metadata[used++] = "allow_long_prompts";
        metadata[used++] = "true";
    }
    if (dumped->deltas) {
        metadata[used++] = "deltas";
        metadata[used++] = dumped->deltas;
    }
    return mmn_safetensors_write(path, dumped->tensors, dumped->count, metadata, error);
}

/* The forward pass, and the way back if gradients are wanted. */
static mmn_status pass(mmn_session *session, const mmn_input *input,
                       const mmn_dump_options *options, mmn_error *error)
{
    const size_t length = mmn_input_length(input);
    mmn_objective objective = {
        .size = sizeof(objective),
        .kind = options->logit ? MMN_OBJECTIVE_LOGIT : MMN_OBJECTIVE_LOG_PROBABILITY,
    };
    if (!options->gradient_of)
        return mmn_session_prefill(session, input, error);
    if (options->gradient_at >= length)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "there is no position %zu before the last one; the input has %zu",
                        options->gradient_at, length);
    objective.position = length - 1 - options->gradient_at;
    MMN_TRY(mmn_word_token(&objective.token, session->model, options->gradient_of, false, error));
    return mmn_session_gradient(session, input, &objective, NULL, error);
}

/* Runs the pass and keeps what is wanted of it. */
static mmn_status run(dump *dumped, mmn_session *session, const mmn_input *input,
                      const mmn_dump_options *options, mmn_error *error)
{
    session->compute.watch->allow = true; /* which is what a dump may be wanted for */
    MMN_TRY(mmn_session_keep(session, options->stages ? options->stages : "*", error));
    MMN_TRY(pass(session, input, options, error));
    if (options->generate > 0 && mmn_glob_match(options->stages, "generated_ids"))
        MMN_TRY(generate(dumped, session, options->generate, error));
    MMN_TRY(list_tensors(dumped, &session->kept, error));
    if (dumped->count == 0)
        return mmn_fail(error, MMN_USAGE, NULL, options->stages,
                        "no stage of this input has such a name");
    return MMN_OK;
}

mmn_status mmn_dump(const mmn_model *model, const mmn_input *input, const mmn_dump_options *options,
                    const char *file, mmn_error *error)
{
    MMN_GIVEN(error, model, input, file);
    mmn_dump_options own;
    MMN_TAKE_OPTIONS(own, options, error);
    const mmn_session_options session_options = {.size = sizeof(session_options),
                                                 .prompt_only = options->generate == 0,
                                                 .max_new_tokens = options->generate};
    dump dumped = {.deltas = model->deltas.json};
    mmn_session *session = NULL;
    uint64_t passed = mmn_model_nonfinite(model, NULL);
    mmn_status status = mmn_session_create(&session, model, &session_options, error);
    if (status == MMN_OK)
        status = run(&dumped, session, input, options, error);
    if (status == MMN_OK)
        status = mmn_model_unchanged(model, error);
    mmn_error first;
    if (status == MMN_OK && mmn_model_nonfinite(model, &first) > passed)
        snprintf(dumped.nonfinite, sizeof(dumped.nonfinite), "%s: %s", first.where, first.message);
    dumped.long_prompt = status == MMN_OK && mmn_input_fits(input, model, NULL) != MMN_OK;
    if (status == MMN_OK)
        status = mmn_output_write(file, write_dump, &dumped, error);
    mmn_session_free(session);
    mmn_free(dumped.tensors);
    mmn_free(dumped.ids);
    return status;
}
