/* The plan of an evaluation: domains of the list, settings, masks, and runs. */
#include <string.h>

#include "base/memory.h"
#include "model/model.h"
#include "neurons/eval.h"
#include "neurons/mask.h"
#include "neurons/settings.h"

/* ---- Domains --------------------------------------------------------------------------------- */

/* Reads the list; what would stop at its first question stops here, before any work. */
static mmn_status read_domains(mmn_evaluation *evaluation, mmn_error *error)
{
    mmn_list_run *run = &evaluation->list_run;
    run->plan.allow_unknown_keys = evaluation->allowed.unknown_keys;
    run->allow_long_prompts = evaluation->allowed.long_prompts;
    run->plan.check = mmn_sample_check_answers;
    mmn_status status = mmn_list_run_begin(run, evaluation->model, evaluation->list,
                                           evaluation->samples, error);
    if (status == MMN_OK && evaluation->template_is_own && run->plan.has_questions)
        status = mmn_own_template_check(&evaluation->model->own_template, error);
    if (status == MMN_OK)
        status = mmn_generation_rules_check(&evaluation->model->rules, evaluation->model->folder,
                                            error);
    if (status != MMN_OK)
        return status;
    run->template_name = evaluation->template_is_own ? "" : evaluation->template_name;
    evaluation->domains =
        mmn_allocate(run->domains->domain_count, sizeof(*evaluation->domains), error);
    if (!evaluation->domains)
        return MMN_SYSTEM;
    evaluation->domain_count = run->domains->domain_count;
    for (size_t d = 0; d < evaluation->domain_count; d++)
        evaluation->domains[d] = (mmn_eval_domain){.name = run->domains->domains[d].name,
                                                   .wanted = run->plan.left[d],
                                                   .listed = SIZE_MAX};
    return MMN_OK;
}

static mmn_status find_listed(mmn_evaluation *evaluation, const mmn_neuron_lists *lists,
                              const char *file, mmn_error *error)
{
    for (size_t d = 0; d < evaluation->domain_count; d++) {
        mmn_eval_domain *domain = &evaluation->domains[d];
        for (size_t i = 0; i < lists->domain_count; i++)
            if (strcmp(lists->domains[i], domain->name) == 0)
                domain->listed = i;
        if (domain->listed == SIZE_MAX)
            return mmn_fail(error, MMN_INPUT, file, NULL,
                            "has no neurons of the domain \"%s\" of %s", domain->name,
                            evaluation->list);
    }
    return MMN_OK;
}

/* ---- Settings -------------------------------------------------------------------------------- */

/* "none" first, then the others of `settings`, whose names move to the evaluation. */
static mmn_status take_settings(mmn_evaluation *evaluation, mmn_settings *settings,
                                mmn_error *error)
{
    mmn_status status =
        mmn_reserve(&evaluation->settings, &evaluation->setting_capacity, settings->count + 1,
                    sizeof(*evaluation->settings), error);
    if (status != MMN_OK)
        return status;
    if (!(evaluation->settings[0] = mmn_copy_text("none", error)))
        return MMN_SYSTEM;
    evaluation->setting_count = 1;
    for (size_t i = 0; i < settings->count; i++) {
        if (strcmp(settings->names[i], "none") == 0)
            continue;
        evaluation->settings[evaluation->setting_count++] = settings->names[i];
        settings->names[i] = NULL;
    }
    return MMN_OK;
}

/* Marks the settings that `crossed` names. */
static mmn_status mark_crossed(mmn_evaluation *evaluation, const mmn_settings *crossed,
                               mmn_error *error)
{
    evaluation->crossed =
        mmn_allocate(evaluation->setting_count, sizeof(*evaluation->crossed), error);
    if (!evaluation->crossed)
        return MMN_SYSTEM;
    for (size_t c = 0; c < crossed->count; c++) {
        size_t i = 1;
        while (i < evaluation->setting_count &&
               strcmp(evaluation->settings[i], crossed->names[c]) != 0)
            i++;
        if (i == evaluation->setting_count)
            return mmn_fail(error, MMN_USAGE, NULL, NULL,
                            "the cross table is of a setting that is evaluated, which \"%.100s\" "
                            "is not", crossed->names[c]);
        evaluation->crossed[i] = true;
    }
    return MMN_OK;
}

/* Without lists nothing can be switched off. */
static mmn_status plan_settings(mmn_evaluation *evaluation, const mmn_eval_options *options,
                                const mmn_neuron_lists *lists, mmn_error *error)
{
    mmn_settings settings = {0}, crossed = {0};
    mmn_status status = MMN_OK;
    if (lists || options->settings)
        status = mmn_settings_make(&settings, options->settings, lists, error);
    if (status == MMN_OK)
        status = take_settings(evaluation, &settings, error);
    if (status == MMN_OK && options->cross)
        status = mmn_settings_make(&crossed, options->cross, lists, error);
    if (status == MMN_OK)
        status = mark_crossed(evaluation, &crossed, error);
    if (status == MMN_OK && evaluation->setting_count > 1 && !lists)
        status = mmn_fail(error, MMN_USAGE, NULL, NULL,
                          "the setting \"%s\" needs a file of neurons to switch off",
                          evaluation->settings[1]);
    mmn_settings_free(&settings);
    mmn_settings_free(&crossed);
    return status;
}

/* ---- Masks and runs -------------------------------------------------------------------------- */

/* Makes the evaluation the owner of a mask. */
static mmn_status keep_mask(mmn_evaluation *evaluation, mmn_mask *mask, mmn_error *error)
{
    mmn_status status =
        mmn_reserve(&evaluation->masks, &evaluation->mask_capacity, evaluation->mask_count + 1,
                    sizeof(*evaluation->masks), error);
    if (status == MMN_OK)
        evaluation->masks[evaluation->mask_count++] = mask;
    else
        mmn_mask_free(mask);
    return status;
}

static mmn_status add_run(mmn_evaluation *evaluation, const mmn_eval_run *run, mmn_error *error)
{
    mmn_status status =
        mmn_reserve(&evaluation->runs, &evaluation->run_capacity, evaluation->run_count + 1,
                    sizeof(*evaluation->runs), error);
    if (status == MMN_OK)
        evaluation->runs[evaluation->run_count++] = *run;
    return status;
}

/* The neurons of one domain off: in its own samples, and in all others' if the setting is crossed;
 * and random ones instead, in its own. */
static mmn_status plan_domain(mmn_evaluation *evaluation, size_t setting, size_t of,
                              mmn_mask *mask, mmn_error *error)
{
    mmn_eval_run run = {
        .setting = setting, .off = MMN_OFF_DOMAIN, .neurons_of = of, .mask = mask};
    mmn_status status = MMN_OK;
    for (size_t d = 0; d < evaluation->domain_count && status == MMN_OK; d++) {
        run.domain = d;
        if (d == of || evaluation->crossed[setting])
            status = add_run(evaluation, &run, error);
    }
    run.off = MMN_OFF_RANDOM;
    run.domain = of;
    for (uint32_t i = 0; i < evaluation->seeds && status == MMN_OK; i++) {
        mmn_mask *random;
        run.seed = evaluation->first_seed + i;
        status = mmn_mask_random(&random, mask, run.seed, error);
        if (status == MMN_OK)
            status = keep_mask(evaluation, random, error);
        run.mask = random;
        if (status == MMN_OK)
            status = add_run(evaluation, &run, error);
    }
    return status;
}

static mmn_status plan_setting(mmn_evaluation *evaluation, size_t setting,
                               const mmn_neuron_lists *lists, const char *file, mmn_error *error)
{
    mmn_status status = MMN_OK;
    for (size_t d = 0; d < evaluation->domain_count && status == MMN_OK; d++) {
        mmn_mask *mask;
        status = mmn_mask_from_lists(&mask, evaluation->model, lists,
                                     evaluation->domains[d].listed,
                                     evaluation->settings[setting], file, error);
        if (status == MMN_OK)
            status = keep_mask(evaluation, mask, error);
        if (status == MMN_OK)
            status = plan_domain(evaluation, setting, d, mask, error);
    }
    return status;
}

static mmn_status plan_neurons(mmn_evaluation *evaluation, const mmn_neuron_lists *lists,
                               const char *file, mmn_error *error)
{
    memcpy(evaluation->neurons_digest, lists->digest, sizeof(lists->digest));
    mmn_status status = find_listed(evaluation, lists, file, error);
    for (size_t i = 1; i < evaluation->setting_count && status == MMN_OK; i++)
        status = plan_setting(evaluation, i, lists, file, error);
    return status;
}

mmn_status mmn_eval_plan(mmn_evaluation *evaluation, const mmn_eval_options *options,
                         mmn_error *error)
{
    mmn_neuron_lists *lists = NULL;
    mmn_status status = MMN_OK;
    if (options->neurons)
        status = mmn_neuron_lists_read(&lists, options->neurons, error);
    if (status == MMN_OK)
        status = plan_settings(evaluation, options, lists, error);
    if (status == MMN_OK)
        status = read_domains(evaluation, error);
    if (status == MMN_OK)
        status = mmn_model_digest(evaluation->model, evaluation->model_digest, error);
    if (status == MMN_OK && lists)
        status = mmn_allowances_check(&evaluation->allowed, lists->model, evaluation->model_digest,
                                      options->neurons, error);
    for (size_t d = 0; d < evaluation->domain_count && status == MMN_OK; d++)
        status = add_run(evaluation, &(mmn_eval_run){.domain = d}, error);
    if (status == MMN_OK && evaluation->setting_count > 1)
        status = plan_neurons(evaluation, lists, options->neurons, error);
    mmn_neuron_lists_free(lists);
    return status;
}
