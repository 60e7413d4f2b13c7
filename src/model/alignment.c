/* Alignments: reading the file of a network. */
#include "model/alignment.h"

#include <stdio.h>
#include <string.h>

#include "base/file_kind.h"
#include "base/memory.h"
#include "model/binder.h"

/* As published, unless the file says that it is as LLaVA's projectors are. */
static mmn_status read_activation(mmn_alignment *alignment, const char *file, mmn_error *error)
{
    const char *name = mmn_safetensors_metadata(alignment->mapped, "activation");
    alignment->activation = name && strcmp(name, "gelu") == 0 ? MMN_ACTIVATION_GELU
                                                              : MMN_ACTIVATION_RELU;
    return !name || strcmp(name, "relu") == 0 || alignment->activation == MMN_ACTIVATION_GELU
               ? MMN_OK
               : mmn_fail(error, MMN_INPUT, file, "activation",
                          "is \"%.60s\"; supported are relu and gelu", name);
}

/* Takes layers up to the last that is there: each reads what the one before it makes. */
static mmn_status take_layers(mmn_alignment *alignment, mmn_binder *binder, size_t inputs,
                              size_t outputs)
{
    const mmn_tensor *found;
    char name[64];
    for (size_t i = 0; i < MMN_ALIGNMENT_LAYERS; i++) {
        snprintf(name, sizeof(name), "linear_%zu.weight", i + 1);
        if (!(found = mmn_binder_find(binder, name)))
            break;
        const size_t made = found->dimensions > 0 ? found->shape[0] : 0;
        if (made == 0)
            return mmn_fail(binder->error, MMN_INPUT, binder->file, name, "makes nothing");
        snprintf(name, sizeof(name), "linear_%zu", i + 1);
        mmn_binder_take_linear(binder, &alignment->layers[alignment->count++], name, made, inputs,
                               true);
        inputs = made;
    }
    if (alignment->count == 0)
        return mmn_fail(binder->error, MMN_INPUT, binder->file, NULL,
                        "has no layer linear_1: it is no alignment of a detector with a language "
                        "model");
    mmn_binder_finish(binder, &alignment->vectors);
    MMN_TRY(binder->status);
    return inputs == outputs ? MMN_OK
                             : mmn_fail(binder->error, MMN_INPUT, binder->file, name,
                                        "makes %zu numbers of a patch; the language model reads "
                                        "%zu",
                                        inputs, outputs);
}

static mmn_status read_file(mmn_alignment *alignment, const char *file, size_t inputs,
                            size_t outputs, mmn_error *error)
{
    mmn_binder binder;
    MMN_TRY(mmn_safetensors_open(&alignment->mapped, file, error));
    MMN_TRY(read_activation(alignment, file, error));
    mmn_binder_begin(&binder, alignment->mapped, file, NULL, error);
    const mmn_status status =
        binder.status == MMN_OK ? take_layers(alignment, &binder, inputs, outputs) : binder.status;
    mmn_free(binder.named);
    mmn_free(binder.names);
    mmn_binder_free(&binder);
    MMN_TRY(status);
    return mmn_safetensors_checksum(alignment->digest, alignment->mapped, "", error);
}

mmn_status mmn_alignment_read(mmn_alignment *alignment, const char *file, size_t inputs,
                              size_t outputs, mmn_error *error)
{
    return mmn_file_kind_explain(error, read_file(alignment, file, inputs, outputs, error), file,
                                 MMN_KIND_SAFETENSORS);
}

void mmn_alignment_free(mmn_alignment *alignment)
{
    mmn_safetensors_close(alignment->mapped);
    mmn_free(alignment->vectors);
    *alignment = (mmn_alignment){0};
}
