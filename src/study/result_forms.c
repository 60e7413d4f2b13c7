/* The forms of all kinds of results, and reading a result of any of them. */
#include "study/result_forms.h"

#include <string.h>

#include "base/given.h"
#include "base/json.h"
#include "result/read.h"
#include "study/studies.h"

/* JSON of results may be this large: predictions of a thousand samples take a few megabytes. */
#define RESULT_LIMIT ((size_t)256 << 20)

const mmn_form *mmn_form_of(const char *format)
{
    static const mmn_form *const forms[] = {&mmn_ranking_form,      &mmn_evaluation_form,
                                            &mmn_perplexity_form,   &mmn_perturbation_form,
                                            &mmn_lens_form,         &mmn_contributions_form};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (strcmp(forms[i]->format, format) == 0)
            return forms[i];
    for (size_t i = 0; mmn_study_kinds[i]; i++)
        if (strcmp(mmn_study_kinds[i]->form->format, format) == 0)
            return mmn_study_kinds[i]->form;
    return NULL;
}

mmn_status mmn_result_read(mmn_result **result, const char *file, mmn_error *error)
{
    json_t *document;
    const char *format = "";
    if (result)
        *result = NULL;
    if (MMN_MISSING(error, result, file))
        return MMN_USAGE;
    mmn_status status = mmn_json_load(&document, file, RESULT_LIMIT, error);
    if (status != MMN_OK)
        return status;
    mmn_reader reader = {.error = error};
    const mmn_object top = mmn_read_document(&reader, document, file);
    mmn_read_required(&top, "format");
    mmn_read_text(&format, &top, "format");
    const mmn_form *form = mmn_form_of(format);
    if (!form)
        mmn_read_wrong(&top, "format", "is \"%.40s\", which is no result of rank, eval, perturb, "
                       "lens, contrib or another study", format);
    status = reader.status;
    if (status == MMN_OK)
        status = mmn_result_from_json(result, form, document, file, error);
    json_decref(document);
    return status;
}
