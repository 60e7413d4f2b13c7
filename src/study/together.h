/* How many ways of running an input go side by side: as many as the memory allows, up to where more
 * gain nothing. */
#ifndef MMN_STUDY_TOGETHER_H
#define MMN_STUDY_TOGETHER_H

#include "model/model.h"

/* What sessions side by side may take: half of what the system has left beside the weights, which
 * it keeps in memory as long as nothing else wants that. Where these do not fit anyway, an eighth;
 * where it does not say, 2 GiB. */
uint64_t mmn_together_bytes(const mmn_model *model);

/* How many sessions that need `bytes` each take no more than `together`: at least 1. */
size_t mmn_together_count(uint64_t together, uint64_t bytes);

#endif
