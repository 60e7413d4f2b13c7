/* Running the studies of the table. */
#include "study/studies.h"

#include <string.h>

#include "base/given.h"
#include "base/memory.h"

#define ADDRESS(name) &mmn_study_of_##name,
const mmn_study_kind *const mmn_study_kinds[] = {MMN_STUDIES(ADDRESS) NULL};

const char *mmn_study_name(size_t number, const char **summary)
{
    const size_t count = sizeof(mmn_study_kinds) / sizeof(mmn_study_kinds[0]) - 1;
    if (summary)
        *summary = number < count ? mmn_study_kinds[number]->summary : NULL;
    return number < count ? mmn_study_kinds[number]->name : NULL;
}

static mmn_status find_kind(const mmn_study_kind **found, const char *name, mmn_error *error)
{
    for (size_t i = 0; mmn_study_kinds[i]; i++)
        if (strcmp(mmn_study_kinds[i]->name, name) == 0) {
            *found = mmn_study_kinds[i];
            return MMN_OK;
        }
    return mmn_fail(error, MMN_USAGE, NULL, NULL, "there is no study called \"%.100s\"", name);
}

static mmn_status set_up(mmn_study *study, const mmn_study_kind *kind, const mmn_model *model,
                         const mmn_study_options *options, mmn_error *error)
{
    int texts;
    *study = (mmn_study){.model = model,
                         .samples = {.file = options->list, .limit = options->samples},
                         .neurons = options->neurons,
                         .settings = options->settings,
                         .plan = {.plain = true,
                                  .seeds = options->seeds,
                                  .first_seed = options->first_seed},
                         .allowed = {.unknown_keys = options->allow_unknown_keys != 0,
                                     .long_prompts = options->allow_long_prompts != 0,
                                     .other_model = options->other_model != 0},
                         .batch = options->batch,
                         .progress = {.label = kind->doing, .unit = "passes"},
                         .show = options->progress,
                         .show_context = options->progress_context};
    if (options->seeds > MMN_SUMMARY_SEEDS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there can be at most %d random choices",
                        MMN_SUMMARY_SEEDS);
    mmn_status status = mmn_list_reads_texts(options->list, &texts, error);
    if (status == MMN_OK && texts)
        status = mmn_windows_set(&study->samples.windows, model, options->window,
                                 options->begin_of_text != 0, error);
    return status;
}

mmn_status mmn_study_run(mmn_result **result, const mmn_model *model, const char *name,
                         const mmn_study_options *options, mmn_error *error)
{
    const mmn_study_kind *kind;
    if (result)
        *result = NULL;
    if (MMN_MISSING(error, result, model, name, options) ||
        MMN_MISSING(error, options->list, options->neurons))
        return MMN_USAGE;
    mmn_status status = find_kind(&kind, name, error);
    if (status != MMN_OK)
        return status;
    mmn_study *study = mmn_allocate(1, kind->size, error);
    if (!study)
        return MMN_SYSTEM;
    status = set_up(study, kind, model, options, error);
    if (status == MMN_OK)
        status = mmn_study_find(kind, study, error);
    status = mmn_study_result(result, kind, study, status, error);
    mmn_free(study);
    return status;
}
