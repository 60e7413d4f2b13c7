/* Generating by beam search. */
#ifndef MMN_PASS_GENERATE_BEAMS_H
#define MMN_PASS_GENERATE_BEAMS_H

#include "pass/session.h"

/* mmn_session_generate by beam search. */
mmn_status mmn_session_generate_beams(mmn_session *session, size_t limit, int32_t *ids,
                                      size_t *count, mmn_error *error);

#endif
