/* The digest of a model: its architecture and every byte of its weights. */
#include "model/weights.h"

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
                              char text[MMN_DIGEST_SIZE], mmn_error *error)
{
    mmn_digest *digest;
    mmn_status status = mmn_digest_begin(&digest, error);
    if (status != MMN_OK)
        return status;
    mmn_digest_add_text(digest, "mmneuron-model-1");
    mmn_config_digest(digest, config);
    mmn_digest_add_u64(digest, weights->tensor_count);
    for (size_t i = 0; i < weights->tensor_count; i++) {
        const mmn_tensor *tensor = weights->tensors[i].tensor;
        mmn_digest_add_text(digest, weights->tensors[i].name);
        mmn_digest_add_text(digest, mmn_tensor_type_name(tensor->type));
        mmn_digest_add_u64(digest, tensor->dimensions);
        for (size_t dimension = 0; dimension < tensor->dimensions; dimension++)
            mmn_digest_add_u64(digest, tensor->shape[dimension]);
        mmn_digest_add_u64(digest, tensor->bytes);
        mmn_digest_add(digest, tensor->data, tensor->bytes);
    }
    mmn_digest_finish(digest, text);
    mmn_digest_free(digest);
    return MMN_OK;
}
