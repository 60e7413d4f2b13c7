/* Sequences that run through the language model together, and the beginnings that they share. */
#include "pass/sequences.h"

#include "base/memory.h"
#include "pass/image_features.h"

size_t mmn_inputs_shared_positions(const mmn_input *a, const mmn_input *b)
{
    size_t limit = a->length < b->length ? a->length : b->length, same = 0;
    bool same_images = a->image_count > 0 && mmn_inputs_share_features(a, b);
    while (same < limit && a->ids[same] == b->ids[same] &&
           (same_images || a->ids[same] != a->image_token))
        same++;
    return same;
}

/* Lets sequence `index` share what it can with the one before it with which that is most. Sharing
 * less than half does not pay: it would keep later sequences from sharing all of this one. */
static void find_root(mmn_sequences *sequences, size_t index)
{
    mmn_sequence *sequence = &sequences->list[index];
    size_t length = sequence->input->length, best = 0;
    for (size_t i = 0; i < index; i++) {
        if (sequences->list[i].shared > 0)
            continue;
        size_t shared = mmn_inputs_shared_positions(sequences->list[i].input, sequence->input);
        if (shared > length - 1)
            shared = length - 1;
        if (shared > best) {
            best = shared;
            sequence->root = i;
        }
    }
    sequence->shared = best >= length - best ? best : 0;
}

mmn_sequences mmn_sequences_of_one(mmn_sequence *alone, size_t first_position, size_t rows)
{
    *alone = (mmn_sequence){.rows = rows};
    return (mmn_sequences){
        .list = alone, .count = 1, .rows = rows, .first_position = first_position};
}

mmn_status mmn_sequences_plan(mmn_sequences *sequences, const mmn_input *const *inputs,
                              size_t count, mmn_error *error)
{
    *sequences = (mmn_sequences){.count = count};
    sequences->list = mmn_allocate(count, sizeof(*sequences->list), error);
    if (!sequences->list)
        return MMN_SYSTEM;
    for (size_t i = 0; i < count; i++) {
        mmn_sequence *sequence = &sequences->list[i];
        sequence->input = inputs[i];
        find_root(sequences, i);
        sequence->first_row = sequences->rows;
        sequence->rows = inputs[i]->length - sequence->shared;
        sequences->rows += sequence->rows;
        if (sequence->shared > 0 && inputs[i]->length > sequences->longest)
            sequences->longest = inputs[i]->length;
    }
    return MMN_OK;
}

void mmn_sequences_free(mmn_sequences *sequences)
{
    mmn_free(sequences->list);
    *sequences = (mmn_sequences){0};
}

size_t mmn_sequences_position(const mmn_sequences *sequences, size_t row)
{
    size_t i = 0;
    while (i + 1 < sequences->count && row >= sequences->list[i + 1].first_row)
        i++;
    const mmn_sequence *sequence = &sequences->list[i];
    return sequences->first_position + sequence->shared + row - sequence->first_row;
}

mmn_status mmn_sequences_show(const mmn_sequences *sequences, const mmn_probes *probes,
                              const char *pattern, int layer, float *data, size_t width,
                              mmn_error *error)
{
    if (!mmn_probes_want(probes, pattern, layer))
        return MMN_OK;
    for (size_t i = 0; i < sequences->count; i++) {
        const mmn_sequence *sequence = &sequences->list[i];
        const mmn_sequence *root = &sequences->list[sequence->root];
        const mmn_shown beginning = {.pattern = pattern,
                                     .layer = layer,
                                     .data = data + root->first_row * width,
                                     .shape = {sequence->shared, width},
                                     .input = sequence->input};
        const mmn_shown rest = {.pattern = pattern,
                                .layer = layer,
                                .data = data + sequence->first_row * width,
                                .shape = {sequence->rows, width},
                                .first_position = sequences->first_position + sequence->shared,
                                .input = sequence->input};
        mmn_status status = MMN_OK;
        if (sequence->shared > 0)
            status = mmn_probes_show(probes, &beginning, error);
        if (status == MMN_OK)
            status = mmn_probes_show(probes, &rest, error);
        if (status != MMN_OK)
            return status;
    }
    return MMN_OK;
}
