/* What a study will cost, said before it runs: passes, positions, time and memory. */
#ifndef MMN_STUDY_COST_H
#define MMN_STUDY_COST_H

#include "study/study.h"

/* Makes the result that says it of a study that is planned (mmn_study_kind); a few layers of the
 * first sample's prompt run once, in one way, and of one token, to be timed. `tokens` are generated
 * in each way at most. The clock decides on times: they are not the same bits twice. */
mmn_status mmn_study_cost(mmn_result **result, mmn_study *study, size_t tokens, mmn_error *error);

#endif
