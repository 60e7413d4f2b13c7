/* What was found, in sentences that numbers of the results fill. */
#ifndef MMN_PAGE_FINDING_H
#define MMN_PAGE_FINDING_H

#include "page/results.h"

/* Plain text; each sentence ends with a line break. Zero-initialise. */
typedef struct mmn_finding {
    mmn_text leads; /* what holds for all domains together */
    mmn_text items; /* what switching off a domain's neurons does to it, a sentence for each */
} mmn_finding;

/* What the numbers in brackets of items are. */
extern const char mmn_finding_note[];

/* Adds what the sets of results show. */
void mmn_finding_make(mmn_finding *finding, const mmn_result_sets *sets);
void mmn_finding_free(mmn_finding *finding);

#endif
