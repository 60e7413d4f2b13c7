/* A model's weights: every tensor of the checkpoint put in its place, none missing, none left. */
#include "model/weights.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "model/binder.h"
#include "model/family.h"
#include "model/folder.h"

static void name_types(mmn_weights *weights, const bool *seen)
{
    static const char *const names[] = {
        [MMN_WEIGHT_F32] = "f32", [MMN_WEIGHT_F16] = "f16", [MMN_WEIGHT_BF16] = "bf16"};
    static const mmn_weight_type order[] = {MMN_WEIGHT_BF16, MMN_WEIGHT_F16, MMN_WEIGHT_F32};
    size_t used = 0;
    for (size_t i = 0; i < MMN_LENGTH(order); i++)
        if (seen[order[i]])
            used += (size_t)snprintf(weights->types + used, sizeof(weights->types) - used, "%s%s",
                                     used > 0 ? ", " : "", names[order[i]]);
}

/* Binds everything, whatever the binder's status in the end. */
static void bind_all(mmn_binder *binder, mmn_weights *weights, const mmn_config *config)
{
    config->family->bind(binder, weights, config);
    mmn_binder_finish(binder, &weights->vectors);
    weights->tensors = binder->named;
    weights->tensor_count = binder->count;
    weights->names = binder->names;
    weights->parameters = binder->parameters;
    weights->bytes = binder->bytes;
    weights->file_count = mmn_safetensors_file_count(weights->mapped);
    name_types(weights, binder->seen_types);
}

static mmn_status make_layers(mmn_weights *weights, const mmn_config *config, mmn_error *error)
{
    mmn_vision_weights *vision = &weights->vision;
    mmn_qformer_weights *qformer = &weights->qformer;
    mmn_language_weights *language = &weights->language;
    mmn_judge_weights *judge = &weights->judge;
    MMN_NEED(vision->layers = mmn_allocate(config->vision.layers, sizeof(*vision->layers), error));
    MMN_NEED(qformer->layers =
                 mmn_allocate(config->qformer.layers, sizeof(*qformer->layers), error));
    MMN_NEED(language->layers =
                 mmn_allocate(config->language.layers, sizeof(*language->layers), error));
    MMN_NEED(judge->layers = mmn_allocate(config->judge.layers, sizeof(*judge->layers), error));
    return MMN_OK;
}

mmn_status mmn_weights_bind(mmn_weights **result, mmn_safetensors *tensors, const char *file,
                            const mmn_config *config, mmn_error *error)
{
    mmn_binder binder;
    mmn_weights *weights = mmn_allocate(1, sizeof(*weights), error);
    *result = weights;
    if (!weights) {
        mmn_safetensors_close(tensors);
        return MMN_SYSTEM;
    }
    weights->mapped = tensors;
    mmn_status status = make_layers(weights, config, error);
    if (status == MMN_OK) {
        mmn_binder_begin(&binder, tensors, file, config->language.form->name_rules, error);
        bind_all(&binder, weights, config);
        mmn_binder_free(&binder);
        status = binder.status;
    }
    if (status == MMN_OK)
        return MMN_OK;
    mmn_weights_close(weights);
    *result = NULL;
    return status;
}

mmn_status mmn_weights_list(mmn_wanted *wanted, const mmn_config *config, mmn_error *error)
{
    static const uint8_t nothing[] = {2, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
    mmn_binder binder;
    mmn_safetensors *tensors;
    mmn_weights *weights = mmn_allocate(1, sizeof(*weights), error);
    MMN_NEED(weights);
    mmn_status status = mmn_safetensors_parse(&tensors, nothing, sizeof(nothing), "", error);
    if (status == MMN_OK) {
        weights->mapped = tensors;
        status = make_layers(weights, config, error);
    }
    if (status == MMN_OK) {
        mmn_binder_begin(&binder, tensors, "", NULL, error);
        binder.wanted = wanted;
        config->family->bind(&binder, weights, config);
        weights->tensors = binder.named;
        weights->names = binder.names;
        status = binder.status;
        mmn_binder_free(&binder);
    }
    mmn_weights_close(weights);
    return status;
}

static bool has_tower(const mmn_safetensors *tensors)
{
    static const char prefix[] = "model.vision_tower.";
    for (size_t i = 0; i < mmn_safetensors_count(tensors); i++)
        if (strncmp(mmn_safetensors_get(tensors, i)->name, prefix, sizeof(prefix) - 1) == 0)
            return true;
    return false;
}

/* Adds the vision tower of a folder of its own; of a whole CLIP the text's half is left alone. */
static mmn_status add_tower(mmn_safetensors **tensors, const char *folder, mmn_error *error)
{
    mmn_safetensors *tower = NULL, *model = *tensors;
    mmn_status status = mmn_safetensors_open_folder(&tower, folder, error);
    *tensors = NULL;
    if (status == MMN_OK)
        return mmn_safetensors_join(tensors, model, tower, "vision_model.", error);
    mmn_safetensors_close(model);
    return status;
}

mmn_status mmn_weights_open(mmn_weights **weights, const char *folder, const mmn_config *config,
                            mmn_error *error)
{
    *weights = NULL;
    mmn_safetensors *tensors;
    MMN_TRY(mmn_safetensors_open_folder(&tensors, folder, error));
    if (config->tower[0] != '\0' && !has_tower(tensors)) {
        char *within = NULL;
        mmn_status status = mmn_folder_of_tower(&within, folder, config->tower, error);
        if (status == MMN_OK)
            status = add_tower(&tensors, within, error);
        else
            mmn_safetensors_close(tensors);
        mmn_free(within);
        MMN_TRY(status);
    }
    return mmn_weights_bind(weights, tensors, folder, config, error);
}

mmn_status mmn_weights_unchanged(const mmn_weights *weights, mmn_error *error)
{
    return mmn_safetensors_unchanged(weights->mapped, error);
}

void mmn_weights_close(mmn_weights *weights)
{
    if (!weights)
        return;
    mmn_safetensors_close(weights->mapped);
    mmn_free(weights->tensors);
    mmn_free(weights->names);
    mmn_free(weights->vectors);
    mmn_free(weights->made);
    mmn_free(weights->vision.layers);
    mmn_free(weights->qformer.layers);
    mmn_free(weights->language.layers);
    mmn_free(weights->judge.layers);
    mmn_free(weights);
}

/* Adds the bytes of a tensor, and asks every few of them whether to go on. */
static mmn_status add_bytes(mmn_digest *digest, const mmn_tensor *tensor,
                            const mmn_interrupt *interrupt, mmn_error *error)
{
    const size_t piece = (size_t)16 << 20;
    for (size_t done = 0; done < tensor->bytes; done += piece) {
        size_t left = tensor->bytes - done;
        mmn_digest_add(digest, tensor->data + done, left < piece ? left : piece);
        MMN_TRY(mmn_interrupt_check_now(interrupt, error));
    }
    return MMN_OK;
}

/* The stream that is digested, integers as u64 little-endian unless stated, texts as their length
 * and bytes:
 *   the text "mmneuron-model-1";
 *   the architecture's numbers (mmn_config_digest);
 *   the number of tensors;
 *   for each tensor, in the order of normalised names compared bytewise: its normalised name, its
 *   type's name as safetensors spells it ("BF16"), the number of its dimensions, each dimension,
 *   the number of its bytes, and the bytes as they are in the file.
 * Buffers that can be computed (rotary_emb.inv_freq, position_ids) are not among the tensors. */
mmn_status mmn_weights_digest(const mmn_weights *weights, const mmn_config *config,
                              const mmn_interrupt *interrupt, char text[MMN_DIGEST_SIZE],
                              mmn_error *error)
{
    mmn_digest *digest;
    mmn_status status = MMN_OK;
    MMN_TRY(mmn_digest_begin(&digest, error));
    mmn_digest_add_text(digest, "mmneuron-model-1");
    mmn_config_digest(digest, config);
    mmn_digest_add_u64(digest, weights->tensor_count);
    for (size_t i = 0; i < weights->tensor_count && status == MMN_OK; i++) {
        const mmn_tensor *tensor = weights->tensors[i].tensor;
        mmn_digest_add_text(digest, weights->tensors[i].name);
        mmn_digest_add_text(digest, mmn_tensor_type_name(tensor->type));
        mmn_digest_add_u64(digest, tensor->dimensions);
        for (size_t dimension = 0; dimension < tensor->dimensions; dimension++)
            mmn_digest_add_u64(digest, tensor->shape[dimension]);
        mmn_digest_add_u64(digest, tensor->bytes);
        status = add_bytes(digest, tensor, interrupt, error);
    }
    mmn_digest_finish(digest, text);
    mmn_digest_free(digest);
    return status;
}
