/* Masks: neurons whose values are set at every position, to +0 where they are switched off. */
#include "mask/mask.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/text_buffer.h"
#include "mask/mask_internal.h"
#include "model/family.h"
#include "pass/probes.h"
#include "pass/session.h"

void mmn_mask_free(mmn_mask *mask)
{
    if (!mask)
        return;
    for (size_t m = 0; m < mask->module_count; m++) {
        mmn_free(mask->modules[m].first);
        mmn_free(mask->modules[m].neurons);
        mmn_free(mask->modules[m].values);
    }
    mmn_free(mask->stages);
    mmn_free(mask);
}

mmn_status mmn_mask_create(mmn_mask **mask, uint64_t model_number, const mmn_module *modules,
                           size_t count, mmn_error *error)
{
    *mask = mmn_allocate(1, sizeof(**mask), error);
    if (!*mask)
        return MMN_SYSTEM;
    (*mask)->model_number = model_number;
    for (size_t m = 0; m < count; m++) {
        mmn_masked_module *module = &(*mask)->modules[(*mask)->module_count++];
        module->module = &modules[m];
        module->first = mmn_allocate(modules[m].layers + (size_t)1, sizeof(*module->first), error);
        if (!module->first)
            return MMN_SYSTEM;
    }
    return MMN_OK;
}

mmn_status mmn_mask_name_stages(mmn_mask *mask, mmn_error *error)
{
    mmn_text text = {0};
    for (size_t m = 0; m < mask->module_count; m++) {
        const mmn_masked_module *module = &mask->modules[m];
        for (uint32_t layer = 0; layer < module->module->layers; layer++) {
            char name[MMN_STAGE_NAME_SIZE];
            if (module->first[layer] == module->first[layer + 1])
                continue;
            mmn_stage_name(name, module->module->stages, (int)layer);
            mmn_text_add(&text, "%s%s", text.length > 0 ? "," : "", name);
        }
    }
    return text.length == 0 && !text.failed ? MMN_OK : mmn_text_finish(&text, &mask->stages, error);
}

size_t mmn_mask_neurons(const mmn_mask *mask, const char *name, int layer)
{
    for (size_t m = 0; mask && name && m < mask->module_count; m++) {
        const mmn_masked_module *module = &mask->modules[m];
        if (strcmp(module->module->name, name) != 0 || layer >= (int)module->module->layers)
            continue;
        return layer < 0 ? module->first[module->module->layers]
                         : module->first[layer + 1] - module->first[layer];
    }
    return 0;
}

/* ---- From lists ------------------------------------------------------------------------------ */

/* Whether `name` is one of the names in `setting`, which "+" separates. */
static bool names_module(const char *setting, const char *name)
{
    mmn_item item;
    while (mmn_next_item(&item, &setting, '+'))
        if (mmn_item_is(&item, name))
            return true;
    return false;
}

static mmn_status check_setting(const char *setting, const mmn_neuron_lists *lists,
                                const char *file, mmn_error *error)
{
    if (strcmp(setting, "all") == 0 || strcmp(setting, "none") == 0)
        return MMN_OK;
    mmn_item item;
    while (mmn_next_item(&item, &setting, '+')) {
        bool known = false;
        for (size_t m = 0; m < lists->module_count && !known; m++)
            known = mmn_item_is(&item, lists->modules[m].name);
        if (!known)
            return mmn_fail(error, MMN_USAGE, file, NULL,
                            "no neurons of a module \"%.*s\" are listed; a setting is \"none\", "
                            "\"all\", or modules joined by \"+\"",
                            MMN_ITEM(item));
    }
    return MMN_OK;
}

/* Marks the neurons of `list` in marks [layers][neurons]. */
static void mark(uint8_t *marks, const mmn_neuron_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        marks[list->numbers[i]] = 1;
}

/* Takes the marked neurons of marks [layers][neurons]. */
static mmn_status take_marked(mmn_masked_module *module, const uint8_t *marks, mmn_error *error)
{
    size_t layers = module->module->layers, width = module->module->neurons, count = 0;
    for (size_t i = 0; i < layers * width; i++)
        count += marks[i];
    if (!(module->neurons = mmn_allocate(count, sizeof(*module->neurons), error)))
        return MMN_SYSTEM;
    count = 0;
    for (size_t i = 0; i < layers * width; i++) {
        if (marks[i])
            module->neurons[count++] = (uint32_t)(i % width);
        module->first[i / width + 1] = count;
    }
    return MMN_OK;
}

static mmn_status add_module(mmn_masked_module *module, const mmn_listed_module *listed,
                             const uint8_t *domains, size_t domain_count, const char *file,
                             mmn_error *error)
{
    const mmn_module *own = module->module;
    if (listed->layers != own->layers || listed->neurons != own->neurons)
        return mmn_fail(error, MMN_INPUT, file, own->name,
                        "has %" PRIu32 " x %" PRIu32 " neurons, and the model %" PRIu32
                        " x %" PRIu32,
                        listed->layers, listed->neurons, own->layers, own->neurons);
    uint8_t *marks = mmn_allocate((size_t)own->layers * own->neurons, 1, error);
    if (!marks)
        return MMN_SYSTEM;
    for (size_t d = 0; d < domain_count; d++)
        if (domains[d])
            mark(marks, &listed->lists[d]);
    mmn_status status = take_marked(module, marks, error);
    mmn_free(marks);
    return status;
}

mmn_status mmn_mask_of_domains(mmn_mask **mask, const mmn_model *model,
                               const mmn_neuron_lists *lists, const uint8_t *domains,
                               const char *setting, const char *file, mmn_error *error)
{
    const mmn_model_info *info = mmn_model_describe(model);
    *mask = NULL;
    mmn_status status = check_setting(setting, lists, file, error);
    if (status == MMN_OK)
        status = mmn_mask_create(mask, model->number, info->modules, info->module_count, error);
    for (size_t m = 0; m < info->module_count && status == MMN_OK; m++) {
        mmn_masked_module *module = &(*mask)->modules[m];
        const mmn_listed_module *listed = mmn_neuron_lists_module(lists, module->module->name);
        if (listed && (strcmp(setting, "all") == 0 || names_module(setting, listed->name)))
            status = add_module(module, listed, domains, lists->domain_count, file, error);
    }
    if (status == MMN_OK)
        status = mmn_mask_name_stages(*mask, error);
    if (status != MMN_OK) {
        mmn_mask_free(*mask);
        *mask = NULL;
    }
    return status;
}

mmn_status mmn_mask_from_lists(mmn_mask **mask, const mmn_model *model,
                               const mmn_neuron_lists *lists, size_t domain, const char *setting,
                               const char *file, mmn_error *error)
{
    *mask = NULL;
    uint8_t *domains = mmn_allocate(lists->domain_count, 1, error);
    if (!domains)
        return MMN_SYSTEM;
    for (size_t d = 0; d < lists->domain_count; d++)
        domains[d] = domain == SIZE_MAX || domain == d;
    mmn_status status = mmn_mask_of_domains(mask, model, lists, domains, setting, file, error);
    mmn_free(domains);
    return status;
}

static mmn_status refuse_domain(const mmn_item *given, const mmn_neuron_lists *lists,
                                const char *file, mmn_error *error)
{
    char name[100];
    snprintf(name, sizeof(name), "%.*s", MMN_ITEM(*given));
    const char *nearest =
        mmn_nearest_name(name, lists->domains, sizeof(*lists->domains), lists->domain_count);
    if (nearest)
        return mmn_fail(error, MMN_USAGE, file, NULL,
                        "there is no domain \"%s\"; did you mean \"%s\"?", name, nearest);
    return mmn_fail(error, MMN_USAGE, file, NULL,
                    "there is no domain \"%s\"; the first of %zu is \"%s\"", name,
                    lists->domain_count, lists->domains[0]);
}

mmn_status mmn_mask_choose_domains(uint8_t *domains, const mmn_neuron_lists *lists,
                                   const char *names, const char *file, mmn_error *error)
{
    for (size_t d = 0; d < lists->domain_count; d++)
        domains[d] = !names;
    mmn_item name;
    while (mmn_next_item(&name, &names, ',')) {
        size_t d = 0;
        while (d < lists->domain_count && !mmn_item_is(&name, lists->domains[d]))
            d++;
        if (d == lists->domain_count)
            return refuse_domain(&name, lists, file, error);
        domains[d] = 1;
    }
    return MMN_OK;
}

mmn_status mmn_mask_check_model(mmn_allowances *allowed, const char *found, const mmn_model *model,
                                const char *file, mmn_error *error)
{
    char digest[MMN_DIGEST_SIZE] = "?"; /* none */
    mmn_status status = found[0] != '\0' ? mmn_model_digest(model, digest, error) : MMN_OK;
    return status == MMN_OK ? mmn_allowances_check(allowed, found, digest, file, error) : status;
}

const char *mmn_mask_other_model(const mmn_mask *mask)
{
    return mask && mask->allowed.foreign ? mask->allowed.neurons_model : NULL;
}

mmn_status mmn_mask_from_ranking(mmn_mask **mask, const mmn_model *model, const char *ranking,
                                 const char *domain, const char *setting, int other_model,
                                 mmn_error *error)
{
    if (mask)
        *mask = NULL;
    if (MMN_MISSING(error, mask, model, ranking, setting))
        return MMN_USAGE;
    mmn_neuron_lists *lists;
    mmn_status status = mmn_neuron_lists_read(&lists, ranking, error);
    if (status != MMN_OK)
        return status;
    uint8_t *domains = mmn_allocate(lists->domain_count, 1, error);
    status = domains ? mmn_mask_choose_domains(domains, lists, domain, ranking, error) : MMN_SYSTEM;
    if (status == MMN_OK)
        status = mmn_mask_of_domains(mask, model, lists, domains, setting, ranking, error);
    if (status == MMN_OK) {
        (*mask)->allowed.other_model = other_model != 0;
        status = mmn_mask_check_model(&(*mask)->allowed, lists->model, model, ranking, error);
    }
    if (status != MMN_OK) {
        mmn_mask_free(*mask);
        *mask = NULL;
    }
    mmn_free(domains);
    mmn_neuron_lists_free(lists);
    return status;
}

/* ---- The probe ------------------------------------------------------------------------------- */

/* An mmn_see_function. */
static mmn_status set_neurons(void *context, const mmn_stage *stage, mmn_error *error)
{
    const mmn_mask *mask = context;
    (void)error;
    size_t rows = 1, layer = stage->layer < 0 ? 0 : (size_t)stage->layer, m = 0;
    for (size_t i = 0; i + 1 < stage->dimensions; i++)
        rows *= stage->shape[i];
    while (strcmp(mask->modules[m].module->name, stage->module) != 0)
        m++;
    const mmn_masked_module *module = &mask->modules[m];
    float *values = stage->data;
    for (size_t row = 0; row < rows; row++, values += module->module->neurons)
        for (size_t i = module->first[layer]; i < module->first[layer + 1]; i++)
            values[module->neurons[i]] = module->values ? module->values[i] : 0.0f;
    return MMN_OK;
}

mmn_status mmn_session_add_mask(mmn_session *session, const mmn_mask *mask, mmn_error *error)
{
    if (MMN_MISSING(error, session, mask))
        return MMN_USAGE;
    if (mask->model_number != session->model->number)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "the mask was made for another model than the session's");
    const mmn_probe probe = {.stages = mask->stages,
                             .writes = 1,
                             .see = set_neurons,
                             .context = (void *)(uintptr_t)mask};
    return mask->stages ? mmn_session_add_probe(session, &probe, error) : MMN_OK;
}
