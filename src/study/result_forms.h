/* The forms of all kinds of results. */
#ifndef MMN_STUDY_RESULT_FORMS_H
#define MMN_STUDY_RESULT_FORMS_H

#include "neurons/ranking.h"
#include "result/result.h"

extern const mmn_form mmn_evaluation_form, mmn_perplexity_form,
    mmn_perturbation_form, mmn_lens_form, mmn_contributions_form;

/* The form of a format, or NULL. */
const mmn_form *mmn_form_of(const char *format);

#endif
