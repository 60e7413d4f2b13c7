/* What becomes of the words of an answer when neurons are disturbed. */
#ifndef MMN_NEURONS_CONTRIBUTION_DISTURB_H
#define MMN_NEURONS_CONTRIBUTION_DISTURB_H

#include "neurons/contribution.h"

/* Called before each pass; a status other than MMN_OK ends the work with it. */
typedef mmn_status mmn_pass_function(void *context, mmn_error *error);

/* How many passes mmn_contribution_disturb makes for each word. */
size_t mmn_contribution_passes(const mmn_contributions *result);

/* Fills the words' log probabilities and disturbances: `input` is the prompt with the answer but for
 * its last token, whose images' features `plain` has. */
mmn_status mmn_contribution_disturb(mmn_contributions *result, const mmn_session *plain,
                                    const mmn_input *input, mmn_pass_function *before,
                                    void *context, mmn_error *error);

#endif
