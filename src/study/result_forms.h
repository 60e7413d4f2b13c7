/* The forms of all kinds of results. */
#ifndef MMN_STUDY_RESULT_FORMS_H
#define MMN_STUDY_RESULT_FORMS_H

#include "base/json.h"
#include "count/neurons.h"
#include "result/result.h"

extern const mmn_form mmn_evaluation_form, mmn_perplexity_form, mmn_perturbation_form,
    mmn_lens_form, mmn_contributions_form, mmn_contribution_list_form, mmn_judge_result_form,
    mmn_detect_form, mmn_locate_form, mmn_hallucinations_form, mmn_bias_form, mmn_edit_form,
    mmn_edits_form, mmn_encode_form, mmn_features_form, mmn_sweep_form, mmn_similarity_form;

/* Fills an evaluation's table "statements" from its comparisons: about likelihood, and in
 * percentage points about accuracy where that alone is measured. */
void mmn_evaluation_state(mmn_result *result);
/* Appends these statements as people are told them, a paragraph for each setting. */
void mmn_evaluation_tell(mmn_text *text, const mmn_result *result);

/* Reads a result's JSON and the text of its "format", which belongs to *document; that is freed
 * with json_decref, and NULL after a failure. */
mmn_status mmn_result_load(json_t **document, const char **format, const char *file,
                           mmn_error *error);
/* MMN_INPUT, naming file and format, for one that is no result of `commands` ("rank, eval or
 * lens"). */
mmn_status mmn_result_refuse_format(const char *format, const char *commands, const char *file,
                                    mmn_error *error);

#endif
