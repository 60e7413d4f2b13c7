/* Comparing one stage of two dumps. */
#ifndef MMN_MODEL_COMPARE_H
#define MMN_MODEL_COMPARE_H

#include "format/safetensors.h"
#include "mmneuron.h"

/* Compares `dump` with `reference`, which have the same number of elements, as whole numbers if both
 * are. The caller has filled in stage, tolerance, dimensions, shape (the
 * reference's) and shows_neurons; the rest of the numbers is filled in here. */
mmn_status mmn_compare_stage(mmn_stage_comparison *comparison, const mmn_tensor *dump,
                             const mmn_tensor *reference, mmn_error *error);

#endif
