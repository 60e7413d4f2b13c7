/* Alignments at work: their forward and their reverse pass. */
#include "pass/alignment.h"

#include <string.h>

#include "base/memory.h"

/* What each layer makes [rows][its outputs], before the activation function, and room for two
 * arrays as wide as the widest layer. */
typedef struct alignment_memory {
    float *made[MMN_ALIGNMENT_LAYERS];
    float *room, *other_room;
} alignment_memory;

static size_t widest(const mmn_alignment *alignment)
{
    size_t most = alignment->layers[0].weight.columns;
    for (size_t i = 0; i < alignment->count; i++)
        if (alignment->layers[i].weight.rows > most)
            most = alignment->layers[i].weight.rows;
    return most;
}

static void free_memory(alignment_memory *memory)
{
    for (size_t i = 0; i < MMN_ALIGNMENT_LAYERS; i++)
        mmn_free(memory->made[i]);
    mmn_free(memory->room);
    mmn_free(memory->other_room);
}

/* Makes of the embedding what memory->made holds: what enters a layer is activated in the room. */
static mmn_status make(mmn_compute *compute, const mmn_alignment *alignment,
                       alignment_memory *memory, const float *embedding, size_t rows,
                       mmn_error *error)
{
    const size_t most = widest(alignment);
    const float *entering = embedding;
    MMN_TRY(mmn_compute_reserve(compute, rows, most, 0, 0, error));
    MMN_NEED(memory->room = mmn_allocate(rows, most * sizeof(float), error));
    MMN_NEED(memory->other_room = mmn_allocate(rows, most * sizeof(float), error));
    for (size_t i = 0; i < alignment->count; i++) {
        const mmn_linear *layer = &alignment->layers[i];
        const size_t values = rows * layer->weight.rows;
        MMN_NEED(memory->made[i] = mmn_allocate(values, sizeof(float), error));
        mmn_apply_linear(compute, memory->made[i], entering, rows, layer);
        memcpy(memory->room, memory->made[i], values * sizeof(float));
        mmn_activate(compute, alignment->activation, memory->room, values);
        entering = memory->room;
    }
    MMN_TRY(mmn_interrupt_check(compute->interrupt, error));
    return mmn_finite_found(compute->watch)
               ? mmn_fail(error, MMN_NONFINITE, NULL, "the alignment",
                          "makes an infinite number or NaN of patch %zu", compute->watch->row)
               : MMN_OK;
}

mmn_status mmn_alignment_run(mmn_compute *compute, const mmn_alignment *alignment,
                             const float *embedding, size_t rows, float *features, mmn_error *error)
{
    alignment_memory memory = {0};
    const size_t last = alignment->count - 1;
    const mmn_status status = make(compute, alignment, &memory, embedding, rows, error);
    if (status == MMN_OK)
        memcpy(features, memory.made[last],
               rows * alignment->layers[last].weight.rows * sizeof(float));
    free_memory(&memory);
    return status;
}

mmn_status mmn_alignment_reverse(mmn_compute *compute, const mmn_alignment *alignment,
                                 const float *embedding, size_t rows, const float *gradient,
                                 float *of_embedding, mmn_error *error)
{
    alignment_memory memory = {0};
    const mmn_status status = make(compute, alignment, &memory, embedding, rows, error);
    for (size_t i = alignment->count; status == MMN_OK && i-- > 0;) {
        const mmn_matrix *weight = &alignment->layers[i].weight;
        float *of_entering = i == 0 ? of_embedding : i % 2 ? memory.room : memory.other_room;
        mmn_apply_transposed(compute, of_entering, gradient, rows, weight);
        if (i > 0) {
            const size_t values = rows * weight->columns;
            mmn_activation_slope(compute, alignment->activation, memory.made[i - 1], values);
            mmn_multiply(compute, of_entering, memory.made[i - 1], values);
        }
        gradient = of_entering;
    }
    free_memory(&memory);
    return status;
}
