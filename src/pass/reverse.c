/* The reverse pass of the language model: from a number that logits decide to the embeddings. */
#include "pass/reverse.h"

#include <string.h>

#include "base/memory.h"

/* ---- What has no derivative ------------------------------------------------------------------ */

/* What stands inside a layer is made again from what entered it, as no probe has changed it. */
static mmn_status check_writes(const mmn_batch *batch, mmn_error *error)
{
    static const char *const inside[] = {"language.layers.{i}.attn.out",
                                         "language.layers.{i}.mlp.gate",
                                         "language.layers.{i}.mlp.act",
                                         "language.layers.{i}.mlp.up",
                                         "language.layers.{i}.mlp.product",
                                         "language.norm",
                                         "language.logits"};
    const mmn_probes *probes = batch->list->probes;
    for (size_t k = 0; k < probes->count; k++) {
        const mmn_probes alone = {.list = &probes->list[k],
                                  .count = probes->list[k].writes ? 1 : 0};
        for (size_t i = 0; i < MMN_LENGTH(inside); i++)
            for (uint32_t layer = 0; layer < batch->model->config.language.layers; layer++)
                if (mmn_probes_want(&alone, inside[i], (int)layer))
                    return mmn_fail(error, MMN_USAGE, NULL, inside[i],
                                    "gradients are not computed where a probe writes to this "
                                    "stage");
    }
    return MMN_OK;
}

/* ---- Behind the layers ----------------------------------------------------------------------- */

/* The loss, and what it gives to the final norm's output, from logits [positions][vocab_size] and
 * their gradient, which have room. */
static mmn_status derive_loss(const mmn_batch *batch, const mmn_loss *loss, const float *normed,
                              float *logits, float *of_logits, float *of_normed, double *value,
                              mmn_error *error)
{
    const mmn_language_weights *weights = &batch->model->weights->language;
    MMN_TRY(mmn_compute_reserve(batch->compute, loss->positions,
                                batch->model->config.language.vocab_size, 0, 0, error));
    mmn_language_logits(batch->compute, weights, logits, normed, loss->positions);
    MMN_TRY(mmn_interrupt_check(batch->compute->interrupt, error));
    MMN_TRY(mmn_batch_check(batch, loss->first_position, "language.logits", -1, error));
    MMN_TRY(loss->derive(loss->context, batch->compute, logits, of_logits, value, error));
    mmn_apply_transposed(batch->compute, of_normed, of_logits, loss->positions, &weights->head);
    return MMN_OK;
}

/* gradient [rows][hidden_size], 0 before, of the last layer's output `state`. */
static mmn_status reverse_end(const mmn_batch *batch, const mmn_loss *loss, const float *state,
                              float *gradient, double *value, mmn_error *error)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_norm *norm = &batch->model->weights->language.norm;
    const size_t width = config->hidden_size, first = loss->first_position * width;
    float *normed = mmn_allocate(2 * batch->rows, width * sizeof(float), error);
    float *logits = mmn_allocate(2 * loss->positions, config->vocab_size * sizeof(float), error);
    mmn_status status = normed && logits ? MMN_OK : MMN_SYSTEM;
    if (status == MMN_OK) {
        float *of_normed = normed + batch->rows * width;
        mmn_language_normalise(batch->compute, config, normed, state + first, norm,
                               loss->positions);
        memset(of_normed, 0, batch->rows * width * sizeof(float));
        status = derive_loss(batch, loss, normed, logits,
                             logits + loss->positions * config->vocab_size, of_normed + first,
                             value, error);
        if (status == MMN_OK)
            status = mmn_batch_show(batch, "grad.language.norm", -1, of_normed, width, error);
        if (status == MMN_OK)
            mmn_language_normalise_reverse(batch->compute, config, gradient, of_normed, state, norm,
                                           batch->rows);
    }
    mmn_free(normed);
    mmn_free(logits);
    return status;
}

/* ---- The pass -------------------------------------------------------------------------------- */

static mmn_status reverse(const mmn_batch *batch, mmn_reverse_memory *memory, const mmn_loss *loss,
                          float *gradient, double *value, mmn_error *error)
{
    const mmn_language_config *config = &batch->model->config.language;
    const size_t values = batch->rows * config->hidden_size;
    const uint32_t layers = config->layers;
    MMN_TRY(mmn_reverse_memory_reserve(memory, batch, error));
    MMN_TRY(reverse_end(batch, loss, batch->states + layers * values, gradient, value, error));
    for (uint32_t layer = layers; layer-- > 0;) {
        mmn_interrupt_tell(batch->compute->interrupt, layers - 1 - layer, layers);
        MMN_TRY(mmn_language_layer_reverse(batch, memory, batch->states + layer * values, gradient,
                                           layer, error));
    }
    return mmn_batch_show(batch, "grad.language.embeddings", -1, gradient, config->hidden_size,
                          error);
}

mmn_status mmn_language_reverse(const mmn_batch *batch, mmn_reverse_memory *memory,
                                const mmn_loss *loss, float *gradient, double *value,
                                mmn_error *error)
{
    /* The sequence as it was before it ran, its keys among the batch's rows. */
    mmn_sequence sequence = batch->list[0];
    mmn_batch again = *batch;
    sequence.span = NULL;
    again.list = &sequence;
    MMN_TRY(check_writes(batch, error));
    return reverse(&again, memory, loss, gradient, value, error);
}
