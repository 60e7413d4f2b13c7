/* Steering: a mask that switches neurons of some domains off and sets those of others to their mean
 * activation there, which counts have. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "mask/mask.h"

typedef struct means {
    const mmn_neurons *neurons;
    uint8_t *all, *on;        /* [domains of the neurons]: those that are off or on; that are on */
    size_t *counted;          /* [domains of the neurons]: their numbers in the counts */
    const mmn_counts *counts; /* of the domains that are on */
    mmn_counts *own;          /* what was read of them here */
} means;

static mmn_status find_counted(means *m, mmn_error *error)
{
    for (size_t d = 0; d < m->neurons->domain_count; d++) {
        if (!m->on[d])
            continue;
        m->counted[d] = mmn_counts_find_domain(m->counts, m->neurons->domains[d]);
        if (m->counted[d] == SIZE_MAX)
            return mmn_fail(error, MMN_INPUT, m->counts->file, NULL,
                            "has no counts of the domain \"%s\"", m->neurons->domains[d]);
    }
    return MMN_OK;
}

/* The mean over the positions of all domains that are on and have this neuron; 0 where none has. */
static float mean_of(const means *m, size_t module, const mmn_listed_module *listed,
                     uint64_t number)
{
    double sum = 0, positions = 0;
    for (size_t d = 0; d < m->neurons->domain_count; d++) {
        if (!m->on[d] || !mmn_neuron_list_has(&listed->lists[d], number))
            continue;
        const mmn_count_cell *cell = &m->counts->domains[m->counted[d]].cells[module];
        sum += (double)cell->fields[MMN_FIELD_SUM][number];
        positions += (double)cell->fields[MMN_FIELD_TOKENS][0];
    }
    return positions > 0 ? (float)(sum / (positions * 1048576.0)) : 0.0f;
}

/* Whether values were summed: published counts that were imported may have none. */
static bool has_sums(const mmn_count_cell *cell, const mmn_counted_module *module)
{
    const size_t size = mmn_field_size(module, MMN_FIELD_SUM);
    size_t i = 0;
    while (i < size && cell->fields[MMN_FIELD_SUM][i] == 0)
        i++;
    return i < size;
}

/* Whether the means of a domain that is on can be told. */
static mmn_status check_domain(const means *m, size_t module, size_t domain, mmn_error *error)
{
    const mmn_counted_module *counted = &m->counts->modules[module];
    const mmn_count_cell *cell = &m->counts->domains[m->counted[domain]].cells[module];
    if (cell->fields[MMN_FIELD_TOKENS][0] == 0)
        return mmn_fail(error, MMN_INPUT, m->counts->file, counted->name,
                        "was counted at no position of the domain \"%s\"",
                        m->neurons->domains[domain]);
    return has_sums(cell, counted)
               ? MMN_OK
               : mmn_fail(error, MMN_INPUT, m->counts->file, counted->name,
                          "has no sums of values in the domain \"%s\", and so no means",
                          m->neurons->domains[domain]);
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
        return mmn_fail(error, MMN_INPUT, m->counts->file, own->name, "was not counted");
    const mmn_counted_module *counted = &m->counts->modules[module];
    if (counted->layers != own->layers || counted->neurons != own->neurons)
        return mmn_fail(error, MMN_INPUT, m->counts->file, own->name,
                        "has %" PRIu32 " x %" PRIu32 " neurons, and the model %" PRIu32
                        " x %" PRIu32,
                        counted->layers, counted->neurons, own->layers, own->neurons);
    for (size_t d = 0; d < m->neurons->domain_count; d++)
        if (m->on[d])
            MMN_TRY(check_domain(m, module, d, error));
    MMN_NEED(masked->values = mmn_allocate(total, sizeof(*masked->values), error));
    const mmn_listed_module *listed = mmn_neurons_find_module(m->neurons, own->name);
    for (size_t layer = 0; layer < own->layers; layer++)
        for (size_t i = masked->first[layer]; i < masked->first[layer + 1]; i++)
            masked->values[i] =
                mean_of(m, module, listed, (uint64_t)layer * own->neurons + masked->neurons[i]);
    return MMN_OK;
}

static mmn_status set_means(mmn_mask *mask, means *m, const mmn_model *model, mmn_error *error)
{
    if (m->counts->unfinished)
        return mmn_fail(error, MMN_INPUT, m->counts->file, NULL,
                        "is the state of a count that has not finished");
    MMN_TRY(mmn_allowances_check_model(&mask->allowed, m->counts->model, model, m->counts->file,
                                       error));
    MMN_TRY(find_counted(m, error));
    for (size_t i = 0; i < mask->module_count; i++)
        MMN_TRY(set_module(&mask->modules[i], m, error));
    return MMN_OK;
}

/* Marks what `off` and `on` name. */
static mmn_status choose(means *m, const mmn_steering *steering, mmn_error *error)
{
    if (steering->off)
        MMN_TRY(mmn_neurons_choose_domains(m->all, m->neurons, steering->off, error));
    if (steering->on)
        MMN_TRY(mmn_neurons_choose_domains(m->on, m->neurons, steering->on, error));
    for (size_t d = 0; d < m->neurons->domain_count; d++)
        m->all[d] = m->all[d] || m->on[d];
    return MMN_OK;
}

/* Makes the mask; counts are read where none are given. */
static mmn_status make_mask(mmn_mask **mask, means *m, const mmn_model *model,
                            const mmn_steering *steering, mmn_error *error)
{
    const char *setting = steering->setting ? steering->setting : "all";
    MMN_NEED(m->all && m->on && m->counted);
    MMN_TRY(choose(m, steering, error));
    MMN_TRY(mmn_mask_of_domains(mask, model, m->neurons, m->all, setting, error));
    (*mask)->allowed.other_model = steering->other_model != 0;
    MMN_TRY(mmn_allowances_check_model(&(*mask)->allowed, m->neurons->model, model,
                                       m->neurons->file, error));
    if (!steering->on)
        return MMN_OK;
    if (!m->counts)
        MMN_TRY(mmn_counts_read(&m->own, steering->counts, error));
    if (!m->counts)
        m->counts = m->own;
    return set_means(*mask, m, model, error);
}

static mmn_status steer(mmn_mask **mask, const mmn_model *model, const mmn_neurons *neurons,
                        const mmn_counts *counts, const mmn_steering *steering, mmn_error *error)
{
    means m = {.neurons = neurons, .counts = counts};
    m.all = mmn_allocate(neurons->domain_count, sizeof(*m.all), error);
    m.on = mmn_allocate(neurons->domain_count, sizeof(*m.on), error);
    m.counted = mmn_allocate(neurons->domain_count, sizeof(*m.counted), error);
    const mmn_status status = make_mask(mask, &m, model, steering, error);
    if (status != MMN_OK) {
        mmn_mask_free(*mask);
        *mask = NULL;
    }
    mmn_counts_free(m.own);
    mmn_free(m.all);
    mmn_free(m.on);
    mmn_free(m.counted);
    return status;
}

static mmn_status check(const mmn_steering *steering, bool has_counts, mmn_error *error)
{
    if (!steering->off && !steering->on)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "steering needs a file of neurons, and domains that are off or on");
    if (steering->on && !has_counts)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "the mean activations of a domain that is on need its counts");
    return MMN_OK;
}

mmn_status mmn_mask_steer_neurons(mmn_mask **mask, const mmn_model *model,
                                  const mmn_neurons *neurons, const mmn_counts *counts,
                                  const mmn_steering *steering, mmn_error *error)
{
    MMN_CLEAR(mask);
    MMN_GIVEN(error, mask, model, neurons, steering);
    MMN_TRY(check(steering, counts, error));
    return steer(mask, model, neurons, counts, steering, error);
}

mmn_status mmn_mask_steer(mmn_mask **mask, const mmn_model *model, const mmn_steering *steering,
                          mmn_error *error)
{
    mmn_neurons *neurons;
    MMN_CLEAR(mask);
    MMN_GIVEN(error, mask, model, steering);
    MMN_GIVEN(error, steering->neurons);
    MMN_TRY(check(steering, steering->counts, error));
    MMN_TRY(mmn_neurons_read(&neurons, steering->neurons, error));
    const mmn_status status = steer(mask, model, neurons, NULL, steering, error);
    mmn_neurons_free(neurons);
    return status;
}
