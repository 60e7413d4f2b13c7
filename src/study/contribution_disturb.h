/* What becomes of the words of an answer when neurons are disturbed. */
#ifndef MMN_STUDY_CONTRIBUTION_DISTURB_H
#define MMN_STUDY_CONTRIBUTION_DISTURB_H

#include "study/contribution.h"

/* How many passes mmn_contribution_disturb makes for each word. */
size_t mmn_contribution_passes(const mmn_contributions *result);

/* Fills, pass by pass, the words' log probabilities and disturbances: `input` is the prompt with
 * the answer but for its last token, whose images' features `plain` has. */
mmn_status mmn_contribution_disturb(mmn_contributions *result, const mmn_session *plain,
                                    const mmn_input *input, mmn_error *error);

#endif
