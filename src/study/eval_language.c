/* Evaluations of languages: in which language answers are, as texts of each let say. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "count/windows.h"
#include "study/eval.h"

static mmn_status add_sample(mmn_languages *languages, const mmn_sample *sample, const char *list,
                             mmn_error *error)
{
    mmn_error problem = {0};
    char *owned = NULL;
    const char *text;
    size_t size;
    mmn_status status = mmn_sample_text(&owned, &text, &size, sample, &problem);
    if (status == MMN_OK)
        status = mmn_languages_add(languages, sample->domain, text, size, &problem);
    mmn_free(owned);
    if (status == MMN_OK)
        return MMN_OK;
    mmn_sample_blame(&problem, sample->line, list);
    if (error)
        *error = problem;
    return problem.status;
}

static mmn_status add_samples(mmn_languages *languages, mmn_list *list, const char *file,
                              mmn_error *error)
{
    bool texts, found = true;
    MMN_TRY(mmn_list_has_texts(list, &texts, error));
    if (!texts)
        return mmn_fail(error, MMN_INPUT, file, NULL,
                        "is no list of texts, from which languages are learned");
    while (found) {
        mmn_sample sample;
        MMN_TRY(mmn_list_next(list, &sample, &found, error));
        if (found)
            MMN_TRY(add_sample(languages, &sample, file, error));
    }
    return mmn_error_in_file(error, mmn_languages_learn(languages, error), file);
}

mmn_status mmn_languages_read(mmn_languages *languages, const char *file, mmn_error *error)
{
    mmn_list *list = NULL;
    MMN_TRY(mmn_list_open(&list, file, error));
    const mmn_status status = add_samples(languages, list, file, error);
    mmn_list_close(list);
    return status;
}

size_t mmn_languages_named(const mmn_languages *languages, const char *name)
{
    size_t i = 0;
    while (i < languages->count && strcmp(languages->list[i].name, name) != 0)
        i++;
    return i < languages->count ? i : SIZE_MAX;
}

mmn_status mmn_evaluation_language(mmn_evaluation *evaluation, mmn_eval_row *row, size_t run,
                                   mmn_error *error)
{
    mmn_study *study = &evaluation->study;
    const mmn_run *steered = &study->plan.runs[run];
    const size_t wanted = steered->off == MMN_OFF_STEERED ? steered->neurons_of : steered->domain;
    const size_t found =
        mmn_languages_find(&evaluation->languages, row->answer, strlen(row->answer));
    row->measures[MMN_MEASURE_LANGUAGE] = 0;
    if (found == SIZE_MAX)
        return MMN_OK;
    const char *name = evaluation->languages.list[found].name;
    row->measures[MMN_MEASURE_LANGUAGE] = strcmp(name, mmn_domain_name(study, wanted)) == 0;
    char *copy = mmn_copy_text(name, error);
    MMN_NEED(row->language = mmn_study_keep_in_row(study, copy, error));
    return MMN_OK;
}
