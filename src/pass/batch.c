/* Batches: what their sequences share, how their stages are shown, and the memory of their rows. */
#include "pass/batch.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "pass/operations.h"
#include "pass/positions.h"

/* ---- What inputs share ----------------------------------------------------------------------- */

/* Bytes are compared, not numbers: what is the same for arithmetic (-0 and 0) need not give the
 * same bits. */
bool mmn_inputs_share_images(const mmn_input *a, const mmn_input *b)
{
    const mmn_pixel_values *pixels = &a->pixels, *others = &b->pixels;
    size_t values = pixels->tiles * 3 * pixels->height * pixels->width;
    if (a == b || a->image_count != b->image_count || a->image_count == 0)
        return a->image_count == b->image_count;
    return pixels->tiles == others->tiles && pixels->height == others->height &&
           pixels->width == others->width &&
           memcmp(a->image_sizes, b->image_sizes, a->image_count * sizeof(*a->image_sizes)) == 0 &&
           memcmp(pixels->values, others->values, values * sizeof(float)) == 0;
}

bool mmn_inputs_share_features(const mmn_input *a, const mmn_input *b)
{
    size_t words = a->qformer_length;
    return mmn_inputs_share_images(a, b) && words == b->qformer_length &&
           (words == 0 ||
            memcmp(a->qformer_ids, b->qformer_ids, words * sizeof(*a->qformer_ids)) == 0);
}

size_t mmn_inputs_shared_positions(const mmn_input *a, const mmn_input *b)
{
    size_t limit = a->length < b->length ? a->length : b->length, same = 0;
    bool same_images = a->image_count > 0 && mmn_inputs_share_features(a, b);
    while (same < limit && a->ids[same] == b->ids[same] &&
           (same_images || a->ids[same] != a->image_token))
        same++;
    return same;
}

/* ---- Sequences ------------------------------------------------------------------------------- */

/* Lets a sequence share what it can with the one before it with which that is most. Sharing less
 * than half does not pay: it would keep later sequences from sharing all of this one. */
static void find_root(const mmn_sequence *list, mmn_sequence *sequence)
{
    size_t length = sequence->input->length, best = 0;
    for (const mmn_sequence *other = list; other < sequence; other++) {
        if (other->root)
            continue;
        size_t shared = mmn_inputs_shared_positions(other->input, sequence->input);
        if (shared > length - 1)
            shared = length - 1;
        if (shared > best) {
            best = shared;
            sequence->root = other;
        }
    }
    if (best < length - best)
        sequence->root = NULL;
    sequence->shared = sequence->root ? best : 0;
}

void mmn_batch_share(mmn_sequence *list, size_t count)
{
    size_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        find_root(list, &list[i]);
        list[i].first_row = rows;
        list[i].rows = list[i].input->length - list[i].shared;
        rows += list[i].rows;
    }
}

size_t mmn_sequence_position(const mmn_sequence *sequence)
{
    const mmn_span *span = sequence->span;
    return span ? span->shared + span->length : sequence->shared;
}

/* ---- Stages ---------------------------------------------------------------------------------- */

mmn_status mmn_batch_check(const mmn_batch *batch, size_t first_row, const char *pattern, int layer,
                           mmn_error *error)
{
    mmn_finite_watch *watch = batch->compute->watch;
    if (!mmn_finite_found(watch))
        return MMN_OK;
    char where[48];
    size_t row = first_row + watch->row, i = batch->count - 1;
    while (i > 0 && row < batch->list[i].first_row)
        i--;
    snprintf(where, sizeof(where), "position %zu",
             mmn_sequence_position(&batch->list[i]) + row - batch->list[i].first_row);
    return mmn_finite_fail(watch, pattern, layer, where, error);
}

bool mmn_batch_wants(const mmn_batch *batch, const char *pattern, int layer)
{
    for (size_t i = 0; i < batch->begun; i++) {
        const mmn_sequence *sequence = &batch->list[i];
        if ((i == 0 || sequence->probes != sequence[-1].probes) &&
            mmn_probes_want(sequence->probes, pattern, layer))
            return true;
    }
    return false;
}

mmn_status mmn_batch_show(const mmn_batch *batch, const char *pattern, int layer, float *data,
                          size_t width, mmn_error *error)
{
    size_t first_row = batch->list->first_row;
    bool wanted = false;
    MMN_TRY(mmn_batch_check(batch, first_row, pattern, layer, error));
    for (size_t i = 0; i < batch->begun; i++) {
        const mmn_sequence *sequence = &batch->list[i];
        if (i == 0 || sequence->probes != sequence[-1].probes)
            wanted = mmn_probes_want(sequence->probes, pattern, layer);
        if (!wanted)
            continue;
        mmn_shown shown = {.pattern = pattern, .layer = layer, .input = sequence->input};
        if (sequence->root) {
            shown.data = data + (sequence->root->first_row - first_row) * width;
            shown.shape[0] = sequence->shared;
            shown.shape[1] = width;
            MMN_TRY(mmn_probes_show(sequence->probes, &shown, error));
        }
        shown.data = data + (sequence->first_row - first_row) * width;
        shown.shape[0] = sequence->rows;
        shown.shape[1] = width;
        shown.first_position = mmn_sequence_position(sequence);
        MMN_TRY(mmn_probes_show(sequence->probes, &shown, error));
    }
    return MMN_OK;
}

/* ---- Memory ---------------------------------------------------------------------------------- */

/* What positions are made of, once. */
static mmn_status make_position_constants(mmn_row_memory *memory, const mmn_language_config *config,
                                          mmn_error *error)
{
    if (memory->frequencies)
        return MMN_OK;
    mmn_free(memory->slopes);
    MMN_NEED(memory->slopes = mmn_allocate(config->heads, sizeof(float), error));
    MMN_NEED(memory->frequencies = mmn_allocate(config->rotary_dim / 2, sizeof(float), error));
    mmn_alibi_slopes(memory->slopes, config->heads);
    mmn_rotary_frequencies(memory->frequencies, config, 0);
    memory->rotary_attention = mmn_rotary_attention(config);
    return MMN_OK;
}

static void free_rows(mmn_row_memory *memory)
{
    mmn_free(memory->normed);
    mmn_free(memory->cosine);
    mmn_free(memory->sine);
    mmn_free(memory->query);
    mmn_free(memory->attention);
    memory->normed = memory->cosine = memory->sine = memory->query = memory->attention = NULL;
    memory->rows = 0;
}

mmn_status mmn_row_memory_reserve(mmn_row_memory *memory, const mmn_language_config *config,
                                  size_t rows, mmn_error *error)
{
    MMN_TRY(make_position_constants(memory, config, error));
    if (rows <= memory->rows)
        return MMN_OK;
    size_t hidden = config->hidden_size, half = config->rotary_dim / 2;
    size_t key = mmn_language_key_width(config), query = mmn_language_query_width(config);
    size_t attention = query + 2 * key + (config->fused_qkv ? 3 * query : 0);
    size_t mlp = (size_t)config->intermediate_size * 2;
    size_t most = attention > mlp ? attention : mlp, normed = hidden > query ? hidden : query;
    free_rows(memory);
    MMN_NEED(memory->normed = mmn_allocate(rows, normed * sizeof(float), error));
    MMN_NEED(memory->cosine = mmn_allocate(rows, half * sizeof(float), error));
    MMN_NEED(memory->sine = mmn_allocate(rows, half * sizeof(float), error));
    MMN_NEED(memory->query = mmn_allocate(rows, most * sizeof(float), error));
    if (config->parallel_mlp)
        MMN_NEED(memory->attention = mmn_allocate(rows, hidden * sizeof(float), error));
    memory->keys = memory->query + rows * query;
    memory->values = memory->keys + rows * key;
    memory->fused = memory->values + rows * key;
    memory->gate = memory->query;
    memory->up = memory->gate + rows * config->intermediate_size;
    memory->rows = rows;
    return MMN_OK;
}

void mmn_row_memory_free(mmn_row_memory *memory)
{
    free_rows(memory);
    mmn_free(memory->frequencies);
    mmn_free(memory->slopes);
    *memory = (mmn_row_memory){0};
}
