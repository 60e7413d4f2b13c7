/* Numbers that are not numbers: the forward pass ends at the first value that is infinite or NaN.
 *
 * Every output of a matrix product is looked at (model/compute.h) by the thread that made it, while it is at
 * hand, and so are embeddings and what each layer puts out. What was found is asked for after each part of a
 * layer, where the stage's name is known. */
#ifndef MMN_PASS_FINITE_H
#define MMN_PASS_FINITE_H

#include "model/compute.h"

/* What was found is reported as MMN_NONFINITE at stage `pattern` of `layer` (-1: none), `where` ("position
 * 7") in it, with the tensor of the layer that has such a number itself, if one has; and forgotten. MMN_OK
 * where it is let pass. */
mmn_status mmn_finite_fail(mmn_finite_watch *watch, const char *pattern, int layer,
                           const char *where, mmn_error *error);

/* The same where row and column say it all; MMN_OK where nothing was found. */
mmn_status mmn_finite_check(mmn_finite_watch *watch, const char *pattern, int layer,
                            mmn_error *error);

#endif
