/* What every neuron of the language model adds to the words of an answer, in one forward pass. */
#ifndef MMN_STUDY_CONTRIBUTION_SCORES_H
#define MMN_STUDY_CONTRIBUTION_SCORES_H

#include "study/contribution.h"

/* Runs the prompt and the answer (`input`) in `session`, and fills the neurons of all words of
 * `result`, but for their names; the words' other fields are set already. */
mmn_status mmn_contribution_scores(mmn_contributions *result, mmn_session *session,
                                   const mmn_input *input, mmn_error *error);

/* Fills the names of all neurons. */
mmn_status mmn_contribution_names(mmn_contributions *result, mmn_error *error);

#endif
