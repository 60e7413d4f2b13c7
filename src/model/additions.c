/* Additions to weights: room for them, and several in one. */
#include "model/additions.h"

#include <string.h>

#include "base/memory.h"

mmn_status mmn_additions_reserve(mmn_additions *additions, const mmn_language_config *config,
                                 size_t count, mmn_error *error)
{
    additions->width = config->hidden_size;
    additions->neurons = mmn_allocate(count, sizeof(*additions->neurons), error);
    additions->first = mmn_allocate(config->layers + (size_t)1, sizeof(*additions->first), error);
    additions->rows = mmn_allocate(count, additions->width * sizeof(*additions->rows), error);
    return additions->neurons && additions->first && additions->rows ? MMN_OK : MMN_SYSTEM;
}

void mmn_additions_free(mmn_additions *additions)
{
    mmn_free(additions->neurons);
    mmn_free(additions->first);
    mmn_free(additions->rows);
    *additions = (mmn_additions){0};
}

/* Adds neuron number `from` of others behind the `count` that joined has, or to the last of them if
 * that is the same. */
static size_t append(mmn_additions *joined, size_t count, bool same, const mmn_additions *others,
                     size_t from)
{
    const size_t place = same ? count - 1 : count;
    double *row = joined->rows + place * joined->width;
    joined->neurons[place] = others->neurons[from];
    for (size_t i = 0; i < joined->width; i++)
        row[i] += others->rows[from * joined->width + i];
    return place + 1;
}

/* Joins those of one layer behind the `count` that are there; returns how many there are then. */
static size_t join_layer(mmn_additions *joined, size_t count, const mmn_additions *a,
                         const mmn_additions *b, uint32_t layer)
{
    size_t i = a->first[layer], j = b->first[layer];
    const size_t end_a = a->first[layer + 1], end_b = b->first[layer + 1];
    while (i < end_a || j < end_b) {
        const bool from_a = j == end_b || (i < end_a && a->neurons[i] <= b->neurons[j]);
        const bool both = from_a && j < end_b && a->neurons[i] == b->neurons[j];
        count = from_a ? append(joined, count, false, a, i++)
                       : append(joined, count, false, b, j++);
        if (both)
            count = append(joined, count, true, b, j++);
    }
    return count;
}

mmn_status mmn_additions_join(mmn_additions *additions, const mmn_additions *others,
                              const mmn_language_config *config, mmn_error *error)
{
    const size_t layers = config->layers;
    mmn_additions joined = {0};
    mmn_status status = mmn_additions_reserve(
        &joined, config, additions->first[layers] + others->first[layers], error);
    for (uint32_t layer = 0; layer < layers && status == MMN_OK; layer++)
        joined.first[layer + 1] =
            join_layer(&joined, joined.first[layer], additions, others, layer);
    mmn_additions_free(status == MMN_OK ? additions : &joined);
    if (status == MMN_OK)
        *additions = joined;
    return status;
}
