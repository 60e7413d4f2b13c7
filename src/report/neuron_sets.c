/* The neurons of neurons.json as sets of numbers, for the figures about them. */
#include "report/neuron_sets.h"

#include "base/memory.h"
#include "report/values.h"

/* The set under a domain's name: pairs [layer, neuron], ascending. */
static mmn_status read_set(mmn_neuron_set *set, const mmn_module_sets *module,
                           const mmn_json_object *domains, const char *name, mmn_error *error)
{
    json_t *pairs;
    mmn_status status = mmn_values_array(&pairs, domains, name, SIZE_MAX, error);
    if (status != MMN_OK)
        return status;
    set->count = json_array_size(pairs);
    set->numbers = mmn_allocate(set->count, sizeof(*set->numbers), error);
    if (!set->numbers)
        return MMN_SYSTEM;
    for (size_t i = 0; i < set->count; i++) {
        const json_t *pair = json_array_get(pairs, i);
        const json_t *layer = json_array_get(pair, 0), *neuron = json_array_get(pair, 1);
        if (json_array_size(pair) != 2 || !json_is_integer(layer) || !json_is_integer(neuron) ||
            json_integer_value(layer) < 0 || json_integer_value(layer) >= module->layers ||
            json_integer_value(neuron) < 0 || json_integer_value(neuron) >= module->neurons)
            return mmn_json_fail(domains, name, error,
                                 "item %zu must be [layer, neuron] of a module with %u layers of "
                                 "%u neurons", i, module->layers, module->neurons);
        set->numbers[i] = (uint64_t)json_integer_value(layer) * module->neurons +
                          (uint64_t)json_integer_value(neuron);
        if (i > 0 && set->numbers[i] <= set->numbers[i - 1])
            return mmn_json_fail(domains, name, error, "item %zu is not in ascending order", i);
    }
    return MMN_OK;
}

static mmn_status read_module(mmn_module_sets *module, mmn_results *results,
                              const mmn_json_object *modules, const char *name, mmn_error *error)
{
    mmn_json_object object, domains;
    json_t *inert = NULL;
    mmn_status status = mmn_json_get_object(&object, modules, name, error);
    module->name = name;
    if (status == MMN_OK)
        status = mmn_json_require(&object, "layers", error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&module->layers, &object, "layers", 1, MMN_REPORT_LAYERS, error);
    if (status == MMN_OK)
        status = mmn_json_require(&object, "neurons", error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&module->neurons, &object, "neurons", 1, UINT32_MAX, error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&module->selected, &object, "selected", 0, UINT32_MAX, error);
    if (status == MMN_OK)
        status = mmn_values_array(&inert, &object, "inert", module->layers, error);
    module->inert = json_array_size(inert);
    if (status == MMN_OK)
        status = mmn_json_get_object(&domains, &object, "domains", error);
    if (status == MMN_OK && domains.value && json_object_size(domains.value) > MMN_REPORT_DOMAINS)
        status = mmn_json_fail(&object, "domains", error, "are more than the %d that a report "
                               "shows", MMN_REPORT_DOMAINS);
    if (status != MMN_OK || !domains.value)
        return status;
    module->sets = mmn_allocate(json_object_size(domains.value), sizeof(*module->sets), error);
    if (!module->sets)
        return MMN_SYSTEM;
    const char *domain;
    json_t *value;
    json_object_foreach(domains.value, domain, value) {
        mmn_neuron_set *set = &module->sets[module->count++];
        status = mmn_results_domain(&set->domain, results, domain, &domains, error);
        if (status == MMN_OK)
            status = read_set(set, module, &domains, domain, error);
        if (status != MMN_OK)
            return status;
    }
    return MMN_OK;
}

mmn_status mmn_neuron_sets_read(mmn_neuron_sets *sets, mmn_results *results, mmn_error *error)
{
    *sets = (mmn_neuron_sets){0};
    mmn_json_object modules;
    const mmn_json_object *top = &results->of[MMN_RESULT_NEURONS].top;
    mmn_status status = mmn_json_get_object(&modules, top, "modules", error);
    if (status == MMN_OK && modules.value && json_object_size(modules.value) > MMN_SET_MODULES)
        status = mmn_json_fail(top, "modules", error, "are more than %d", MMN_SET_MODULES);
    if (status != MMN_OK || !modules.value)
        return status;
    const char *name;
    json_t *value;
    json_object_foreach(modules.value, name, value) {
        status = read_module(&sets->modules[sets->count++], results, &modules, name, error);
        if (status != MMN_OK) {
            mmn_neuron_sets_free(sets);
            return status;
        }
    }
    return MMN_OK;
}

void mmn_neuron_sets_free(mmn_neuron_sets *sets)
{
    for (size_t m = 0; m < sets->count; m++) {
        for (size_t d = 0; d < sets->modules[m].count; d++)
            mmn_free(sets->modules[m].sets[d].numbers);
        mmn_free(sets->modules[m].sets);
    }
    *sets = (mmn_neuron_sets){0};
}

size_t mmn_neuron_set_common(const mmn_neuron_set *a, const mmn_neuron_set *b)
{
    size_t common = 0;
    for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
        const uint64_t x = a->numbers[i], y = b->numbers[j];
        common += x == y;
        i += x <= y;
        j += y <= x;
    }
    return common;
}
