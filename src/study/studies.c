/* The studies of the table, and reading a result of any kind. */
#include "study/studies.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/reader.h"

#define ADDRESS(name) &mmn_study_of_##name,
static const mmn_study_kind *const kinds[] = {MMN_STUDIES(ADDRESS) NULL};

const char *mmn_study_name(size_t number, const char **summary)
{
    const size_t count = MMN_LENGTH(kinds) - 1;
    if (summary)
        *summary = number < count ? kinds[number]->summary : NULL;
    return number < count ? kinds[number]->name : NULL;
}

/* The study of this name, or NULL. */
static const mmn_study_kind *kind_of(const char *name)
{
    const mmn_study_kind *const *kind = kinds;
    while (*kind && strcmp((*kind)->name, name) != 0)
        kind++;
    return *kind;
}

int mmn_study_needs_neurons(const char *name)
{
    const mmn_study_kind *kind = name ? kind_of(name) : NULL;
    return kind && !kind->without_neurons;
}

mmn_status mmn_study_run(mmn_result **result, const mmn_model *model, const char *name,
                         const mmn_study_options *options, mmn_error *error)
{
    MMN_CLEAR(result);
    MMN_GIVEN(error, result, model, name, options);
    const mmn_study_kind *kind = kind_of(name);
    if (!kind)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there is no study called \"%.100s\"", name);
    return mmn_study_make(result, kind, model, options, error);
}

/* ---- Reading results ------------------------------------------------------------------------- */

/* JSON of results may be this large: predictions of a thousand samples take a few megabytes. */
#define RESULT_LIMIT ((size_t)256 << 20)

/* The form of a format, or NULL. */
static const mmn_form *form_of(const char *format)
{
    static const mmn_form *const forms[] = {&mmn_ranking_form,
                                            &mmn_evaluation_form,
                                            &mmn_perplexity_form,
                                            &mmn_perturbation_form,
                                            &mmn_lens_form,
                                            &mmn_contributions_form,
                                            &mmn_contribution_list_form,
                                            &mmn_judge_result_form,
                                            &mmn_edit_form,
                                            &mmn_edits_form,
                                            &mmn_encode_form,
                                            &mmn_features_form,
                                            &mmn_detect_form,
                                            &mmn_locate_form,
                                            &mmn_hallucinations_form,
                                            &mmn_bias_form};
    for (size_t i = 0; i < MMN_LENGTH(forms); i++)
        if (strcmp(forms[i]->format, format) == 0)
            return forms[i];
    for (size_t i = 0; kinds[i]; i++)
        if (strcmp(kinds[i]->form->format, format) == 0)
            return kinds[i]->form;
    return NULL;
}

mmn_status mmn_result_load(json_t **document, const char **format, const char *file,
                           mmn_error *error)
{
    mmn_reader reader = {.error = error};
    *format = "";
    reader.status = mmn_json_load(document, file, RESULT_LIMIT, error);
    const mmn_object top = mmn_read_document(&reader, *document, file);
    mmn_read_required(&top, "format");
    mmn_read_text(format, &top, "format");
    if (reader.status != MMN_OK) {
        json_decref(*document);
        *document = NULL;
    }
    return reader.status;
}

mmn_status mmn_result_refuse_format(const char *format, const char *commands, const char *file,
                                    mmn_error *error)
{
    return mmn_fail(error, MMN_INPUT, file, "format", "is \"%.40s\", which is no result of %s",
                    format, commands);
}

mmn_status mmn_result_read(mmn_result **result, const char *file, mmn_error *error)
{
    json_t *document;
    const char *format;
    MMN_CLEAR(result);
    MMN_GIVEN(error, result, file);
    MMN_TRY(mmn_result_load(&document, &format, file, error));
    const mmn_form *form = form_of(format);
    const mmn_status status =
        form ? mmn_result_from_json(result, form, document, file, error)
             : mmn_result_refuse_format(
                   format, "rank, eval, perturb, lens, contrib or another study", file, error);
    json_decref(document);
    return status;
}
