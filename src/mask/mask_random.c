/* Random masks: as many neurons of each layer as another mask has, and none of its own. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "mask/mask_internal.h"

static int compare_numbers(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return (first > second) - (first < second);
}

/* Writes to `others` the numbers below `width` that are not among own [count], ascending. */
static void list_others(uint32_t *others, const uint32_t *own, size_t count, uint32_t width)
{
    for (uint32_t neuron = 0; neuron < width; neuron++) {
        if (count > 0 && *own == neuron) {
            own++;
            count--;
        } else {
            *others++ = neuron;
        }
    }
}

/* Chooses the neurons of one layer: the beginning of a random order of the others, which room for
 * [neurons] of them is for. The place of each draw is its module, layer and number. */
static mmn_status choose(mmn_masked_module *chosen, const mmn_masked_module *of, uint32_t *others,
                         uint32_t layer, mmn_random_place place, mmn_error *error)
{
    const mmn_module *module = of->module;
    size_t first = of->first[layer], count = of->first[layer + 1] - first;
    size_t left = module->neurons - count;
    if (count > left)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "%zu of the %" PRIu32 " neurons of layer %" PRIu32 " of module %s are "
                        "masked; there are not so many others to choose from",
                        count, module->neurons, layer, module->name);
    list_others(others, of->neurons + first, count, module->neurons);
    for (size_t i = 0; i < count; i++) {
        place.at[2] = (uint32_t)i;
        size_t other = i + mmn_random_below(&place, (uint32_t)(left - i));
        chosen->neurons[first + i] = others[other];
        others[other] = others[i];
    }
    qsort(chosen->neurons + first, count, sizeof(*chosen->neurons), compare_numbers);
    return MMN_OK;
}

static mmn_status choose_module(mmn_masked_module *chosen, const mmn_masked_module *of,
                                uint32_t number, uint64_t seed, mmn_error *error)
{
    const mmn_module *module = of->module;
    size_t total = of->first[module->layers];
    if (total == 0)
        return MMN_OK;
    memcpy(chosen->first, of->first, (module->layers + (size_t)1) * sizeof(*of->first));
    uint32_t *others = mmn_allocate(module->neurons, sizeof(*others), error);
    chosen->neurons = mmn_allocate(total, sizeof(*chosen->neurons), error);
    mmn_status status = others && chosen->neurons ? MMN_OK : MMN_SYSTEM;
    for (uint32_t layer = 0; layer < module->layers && status == MMN_OK; layer++) {
        const mmn_random_place place = {.seed = seed, .at = {number, layer}};
        status = choose(chosen, of, others, layer, place, error);
    }
    mmn_free(others);
    return status;
}

mmn_status mmn_mask_random(mmn_mask **mask, const mmn_mask *of, uint64_t seed, mmn_error *error)
{
    if (mask)
        *mask = NULL;
    if (MMN_MISSING(error, mask, of))
        return MMN_USAGE;
    mmn_status status = mmn_mask_create(mask, of->model_number, of->modules[0].module,
                                        of->module_count, error);
    for (size_t m = 0; m < of->module_count && status == MMN_OK; m++)
        status = choose_module(&(*mask)->modules[m], &of->modules[m], (uint32_t)m, seed, error);
    if (status == MMN_OK)
        status = mmn_mask_name_stages(*mask, error);
    if (status != MMN_OK) {
        mmn_mask_free(*mask);
        *mask = NULL;
    }
    return status;
}
