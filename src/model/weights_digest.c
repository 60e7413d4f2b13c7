/* The digest of a model: its architecture and every byte of its weights. */
#include "base/interrupt.h"
#include "model/weights.h"

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
                              const mmn_interrupt *interrupt,
                              char text[MMN_DIGEST_SIZE], mmn_error *error)
{
    mmn_digest *digest;
    mmn_status status = mmn_digest_begin(&digest, error);
    if (status != MMN_OK)
        return status;
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
