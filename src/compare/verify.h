/* Verifying: which stages of a dump agree with a reference, in the order of the forward pass. */
#ifndef MMN_COMPARE_VERIFY_H
#define MMN_COMPARE_VERIFY_H

#include "compare/compare.h"

typedef struct mmn_verification {
    mmn_stage_comparison *stages; /* `stage` and `problem` are owned copies */
    size_t count;
} mmn_verification;

/* Does what mmn_verify does; *verification is NULL unless the status is MMN_OK or MMN_DIFFERENT. */
mmn_status mmn_verification_make(mmn_verification **verification, const char *dump,
                                 const char *reference, const mmn_verify_options *options,
                                 mmn_error *error);
void mmn_verification_free(mmn_verification *verification);

#endif
