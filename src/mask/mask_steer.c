/* Steering: a mask that switches neurons of some domains off and sets those of others to their mean
 * activation there, which counts have. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "mask/mask_internal.h"

/* Counts of the domains that are on. */
typedef struct means {
    const mmn_neuron_lists *lists;
    const uint8_t *on;  /* [domains of the lists] */
    size_t *counted;    /* [domains of the lists]: their numbers in the counts */
    mmn_counts *counts;
    const char *file;
} means;

static bool contains(const mmn_neuron_list *list, uint64_t number)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->count && list->numbers[low] == number;
}

static mmn_status find_counted(means *m, mmn_error *error)
{
    for (size_t d = 0; d < m->lists->domain_count; d++) {
        if (!m->on[d])
            continue;
        m->counted[d] = mmn_counts_find_domain(m->counts, m->lists->domains[d]);
        if (m->counted[d] == SIZE_MAX)
            return mmn_fail(error, MMN_INPUT, m->file, NULL, "has no counts of the domain \"%s\"",
                            m->lists->domains[d]);
    }
    return MMN_OK;
}

/* The mean over the positions of all domains that are on and have this neuron; 0 where none has. */
static float mean_of(const means *m, size_t module, const mmn_listed_module *listed,
                     uint64_t number)
{
    double sum = 0, positions = 0;
    for (size_t d = 0; d < m->lists->domain_count; d++) {
        if (!m->on[d] || !contains(&listed->lists[d], number))
            continue;
        const mmn_count_cell *cell = &m->counts->domains[m->counted[d]].cells[module];
        sum += (double)cell->fields[MMN_FIELD_SUM][number];
        positions += (double)cell->fields[MMN_FIELD_TOKENS][0];
    }
    return positions > 0 ? (float)(sum / (positions * 1048576.0)) : 0.0f;
}

/* Gives the neurons of a module their values. */
static mmn_status set_module(mmn_masked_module *masked, const means *m, mmn_error *error)
{
    const mmn_module *own = masked->module;
    size_t total = masked->first[own->layers], module = 0;
    if (total == 0)
        return MMN_OK;
    while (module < m->counts->module_count &&
           strcmp(m->counts->modules[module].name, own->name) != 0)
        module++;
    if (module == m->counts->module_count)
        return mmn_fail(error, MMN_INPUT, m->file, own->name, "was not counted");
    const mmn_counted_module *counted = &m->counts->modules[module];
    if (counted->layers != own->layers || counted->neurons != own->neurons)
        return mmn_fail(error, MMN_INPUT, m->file, own->name,
                        "has %" PRIu32 " x %" PRIu32 " neurons, and the model %" PRIu32
                        " x %" PRIu32,
                        counted->layers, counted->neurons, own->layers, own->neurons);
    for (size_t d = 0; d < m->lists->domain_count; d++)
        if (m->on[d] &&
            m->counts->domains[m->counted[d]].cells[module].fields[MMN_FIELD_TOKENS][0] == 0)
            return mmn_fail(error, MMN_INPUT, m->file, own->name,
                            "was counted at no position of the domain \"%s\"",
                            m->lists->domains[d]);
    masked->values = mmn_allocate(total, sizeof(*masked->values), error);
    if (!masked->values)
        return MMN_SYSTEM;
    const mmn_listed_module *listed = mmn_neuron_lists_module(m->lists, own->name);
    for (size_t layer = 0; layer < own->layers; layer++)
        for (size_t i = masked->first[layer]; i < masked->first[layer + 1]; i++)
            masked->values[i] =
                mean_of(m, module, listed, (uint64_t)layer * own->neurons + masked->neurons[i]);
    return MMN_OK;
}

static mmn_status set_means(mmn_mask *mask, means *m, const mmn_model *model, mmn_error *error)
{
    mmn_status status = mmn_counts_read(&m->counts, m->file, error);
    if (status == MMN_OK && m->counts->unfinished)
        status = mmn_fail(error, MMN_INPUT, m->file, NULL,
                          "is the state of a count that has not finished");
    if (status == MMN_OK)
        status = mmn_mask_check_model(&mask->allowed, m->counts->model, model, m->file, error);
    if (status == MMN_OK)
        status = find_counted(m, error);
    for (size_t i = 0; i < mask->module_count && status == MMN_OK; i++)
        status = set_module(&mask->modules[i], m, error);
    mmn_counts_free(m->counts);
    return status;
}

/* Marks what `off` and `on` name, and both in `all`. */
static mmn_status choose(uint8_t *off, uint8_t *on, uint8_t *all, const mmn_neuron_lists *lists,
                         const mmn_steering *steering, mmn_error *error)
{
    mmn_status status = MMN_OK;
    if (steering->off)
        status = mmn_mask_choose_domains(off, lists, steering->off, steering->ranking, error);
    if (status == MMN_OK && steering->on)
        status = mmn_mask_choose_domains(on, lists, steering->on, steering->ranking, error);
    for (size_t d = 0; d < lists->domain_count; d++)
        all[d] = off[d] || on[d];
    return status;
}

static mmn_status check(const mmn_steering *steering, mmn_error *error)
{
    if (!steering->ranking || (!steering->off && !steering->on))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "steering needs a file of neurons, and domains that are off or on");
    if (steering->on && !steering->counts)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "the mean activations of a domain that is on need its counts");
    return MMN_OK;
}

mmn_status mmn_mask_steer(mmn_mask **mask, const mmn_model *model, const mmn_steering *steering,
                          mmn_error *error)
{
    if (mask)
        *mask = NULL;
    if (MMN_MISSING(error, mask, model, steering) || MMN_MISSING(error, steering->ranking))
        return MMN_USAGE;
    mmn_neuron_lists *lists = NULL;
    mmn_status status = check(steering, error);
    if (status == MMN_OK)
        status = mmn_neuron_lists_read(&lists, steering->ranking, error);
    if (status != MMN_OK)
        return status;
    uint8_t *marks = mmn_allocate(lists->domain_count, 3, error);
    size_t *counted = mmn_allocate(lists->domain_count, sizeof(*counted), error);
    uint8_t *off = marks, *on = marks ? marks + lists->domain_count : NULL;
    uint8_t *all = marks ? on + lists->domain_count : NULL;
    status = marks && counted ? choose(off, on, all, lists, steering, error) : MMN_SYSTEM;
    if (status == MMN_OK)
        status = mmn_mask_of_domains(mask, model, lists, all,
                                     steering->setting ? steering->setting : "all",
                                     steering->ranking, error);
    if (status == MMN_OK) {
        (*mask)->allowed.other_model = steering->other_model != 0;
        status = mmn_mask_check_model(&(*mask)->allowed, lists->model, model, steering->ranking,
                                      error);
    }
    if (status == MMN_OK && steering->on) {
        means m = {.lists = lists, .on = on, .counted = counted, .file = steering->counts};
        status = set_means(*mask, &m, model, error);
    }
    if (status != MMN_OK) {
        mmn_mask_free(*mask);
        *mask = NULL;
    }
    mmn_free(marks);
    mmn_free(counted);
    mmn_neuron_lists_free(lists);
    return status;
}
