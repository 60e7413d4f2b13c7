/* Masks: neurons whose values are set at every position, to +0 where they are switched off. */
#include "mask/mask.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text_buffer.h"
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
    MMN_NEED(*mask = mmn_allocate(1, sizeof(**mask), error));
    (*mask)->model_number = model_number;
    for (size_t m = 0; m < count; m++) {
        mmn_masked_module *module = &(*mask)->modules[(*mask)->module_count++];
        module->module = &modules[m];
        module->first = mmn_allocate(modules[m].layers + (size_t)1, sizeof(*module->first), error);
        MMN_NEED(module->first);
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

/* ---- Of domains' neurons --------------------------------------------------------------------- */

mmn_status mmn_allowances_check(mmn_allowances *allowances, const char *found, const char *model,
                                const char *file, mmn_error *error)
{
    if (strcmp(found, model) == 0)
        return MMN_OK;
    if (found[0] != '\0' && !allowances->other_model)
        return mmn_fail(error, MMN_INPUT, file, NULL,
                        "is of another model, whose digest is %.32s and not %s "
                        "(--other-model uses it all the same)",
                        found, model);
    /* Of two files that are foreign, the one that says what model it is of tells more. */
    if (!allowances->foreign || found[0] != '\0')
        snprintf(allowances->neurons_model, sizeof(allowances->neurons_model), "%.32s", found);
    allowances->foreign = true;
    return MMN_OK;
}

mmn_status mmn_allowances_check_model(mmn_allowances *allowances, const char *found,
                                      const mmn_model *model, const char *file, mmn_error *error)
{
    char digest[MMN_DIGEST_SIZE] = "?"; /* none */
    if (found[0] != '\0')
        MMN_TRY(mmn_model_digest(model, digest, error));
    return mmn_allowances_check(allowances, found, digest, file, error);
}

const char *mmn_mask_other_model(const mmn_mask *mask)
{
    return mask && mask->allowed.foreign ? mask->allowed.neurons_model : NULL;
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
                             const mmn_neurons *neurons, const uint8_t *domains, mmn_error *error)
{
    const mmn_module *own = module->module;
    if (listed->layers != own->layers || listed->neurons != own->neurons)
        return mmn_fail(error, MMN_INPUT, neurons->file, own->name,
                        "has %" PRIu32 " x %" PRIu32 " neurons, and the model %" PRIu32
                        " x %" PRIu32,
                        listed->layers, listed->neurons, own->layers, own->neurons);
    uint8_t *marks = mmn_allocate((size_t)own->layers * own->neurons, 1, error);
    MMN_NEED(marks);
    mmn_neurons_mark(marks, listed, domains, neurons->domain_count);
    mmn_status status = take_marked(module, marks, error);
    mmn_free(marks);
    return status;
}

static mmn_status add_modules(mmn_mask *mask, const mmn_neurons *neurons, const uint8_t *domains,
                              const char *setting, mmn_error *error)
{
    for (size_t m = 0; m < mask->module_count; m++) {
        mmn_masked_module *module = &mask->modules[m];
        const mmn_listed_module *listed = mmn_neurons_find_module(neurons, module->module->name);
        if (listed && mmn_setting_has(setting, listed->name))
            MMN_TRY(add_module(module, listed, neurons, domains, error));
    }
    return mmn_mask_name_stages(mask, error);
}

/* Ends the making of a mask: it is freed where that has failed. */
static mmn_status keep_if(mmn_status status, mmn_mask **mask)
{
    if (status != MMN_OK) {
        mmn_mask_free(*mask);
        *mask = NULL;
    }
    return status;
}

mmn_status mmn_mask_of_domains(mmn_mask **mask, const mmn_model *model, const mmn_neurons *neurons,
                               const uint8_t *domains, const char *setting, mmn_error *error)
{
    const mmn_model_info *info = mmn_model_describe(model);
    *mask = NULL;
    MMN_TRY(mmn_neurons_check_setting(neurons, setting, error));
    mmn_status status =
        mmn_mask_create(mask, model->number, info->modules, info->module_count, error);
    if (status == MMN_OK)
        status = add_modules(*mask, neurons, domains, setting, error);
    return keep_if(status, mask);
}

mmn_status mmn_mask_of_domain(mmn_mask **mask, const mmn_model *model, const mmn_neurons *neurons,
                              size_t domain, const char *setting, mmn_error *error)
{
    *mask = NULL;
    uint8_t *domains = mmn_allocate(neurons->domain_count, 1, error);
    MMN_NEED(domains);
    domains[domain] = 1;
    mmn_status status = mmn_mask_of_domains(mask, model, neurons, domains, setting, error);
    mmn_free(domains);
    return status;
}

mmn_status mmn_mask_from_neurons(mmn_mask **mask, const mmn_model *model,
                                 const mmn_neurons *neurons, const char *domain,
                                 const char *setting, int other_model, mmn_error *error)
{
    MMN_CLEAR(mask);
    MMN_GIVEN(error, mask, model, neurons, setting);
    uint8_t *domains = mmn_allocate(neurons->domain_count, 1, error);
    MMN_NEED(domains);
    mmn_status status = mmn_neurons_choose_domains(domains, neurons, domain, error);
    if (status == MMN_OK)
        status = mmn_mask_of_domains(mask, model, neurons, domains, setting, error);
    mmn_free(domains);
    MMN_TRY(status);
    (*mask)->allowed.other_model = other_model != 0;
    return keep_if(
        mmn_allowances_check_model(&(*mask)->allowed, neurons->model, model, neurons->file, error),
        mask);
}

mmn_status mmn_mask_from_file(mmn_mask **mask, const mmn_model *model, const char *file,
                              const char *domain, const char *setting, int other_model,
                              mmn_error *error)
{
    mmn_neurons *neurons;
    MMN_CLEAR(mask);
    MMN_GIVEN(error, mask, model, file, setting);
    MMN_TRY(mmn_neurons_read(&neurons, file, error));
    const mmn_status status =
        mmn_mask_from_neurons(mask, model, neurons, domain, setting, other_model, error);
    mmn_neurons_free(neurons);
    return status;
}

/* ---- Random ones ----------------------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return (first > second) - (first < second);
}

/* Chooses the neurons of one layer; others [neurons] is room to work in. The place of each draw is
 * its module, layer and number. */
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
    mmn_random_others(chosen->neurons + first, of->neurons + first, count, module->neurons, place,
                      others);
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
    MMN_CLEAR(mask);
    MMN_GIVEN(error, mask, of);
    mmn_status status =
        mmn_mask_create(mask, of->model_number, of->modules[0].module, of->module_count, error);
    for (size_t m = 0; m < of->module_count && status == MMN_OK; m++)
        status = choose_module(&(*mask)->modules[m], &of->modules[m], (uint32_t)m, seed, error);
    if (status == MMN_OK)
        status = mmn_mask_name_stages(*mask, error);
    return keep_if(status, mask);
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
    MMN_GIVEN(error, session, mask);
    if (mask->model_number != session->model->number)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "the mask was made for another model than the session's");
    const mmn_probe probe = {.stages = mask->stages,
                             .writes = 1,
                             .see = set_neurons,
                             .context = (void *)(uintptr_t)mask};
    return mask->stages ? mmn_session_add_probe(session, &probe, error) : MMN_OK;
}
