/* Numbers that are not numbers: the forward pass notices the first value that is infinite or NaN.
 *
 * Every output of a matrix product is looked at by the thread that made it, while it is at hand, and so are
 * embeddings and what each layer puts out. Looking reads the bits as integers and changes none. What was
 * found is asked for after each part of a layer, where the stage's name is known. */
#ifndef MMN_MODEL_FINITE_H
#define MMN_MODEL_FINITE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/weights.h"

/* What sessions of one model have let pass. */
typedef struct mmn_nonfinite {
    atomic_uint_fast64_t count; /* how often */
    atomic_flag has_first;
    mmn_error first; /* what it would have been as an error; written before `count` is 1 */
} mmn_nonfinite;

/* What a session has found since it last asked. */
typedef struct mmn_finite_watch {
    const mmn_weights *weights; /* in which a tensor may be at fault */
    mmn_nonfinite *passed;      /* of the model */
    bool allow;                 /* let it pass */
    bool found;
    const mmn_linear *product; /* whose output it is in; NULL: values that no product made */
    size_t row, column;
    float value;
} mmn_finite_watch;

/* Looks at values [rows][width], `stride` apart, which are those from row first_row and column
 * first_column on of what `product` made (NULL: of other values). The first, by row and column, of one
 * product's is kept. Several threads may look at parts of one product; `watch` may be NULL. */
void mmn_finite_look(mmn_finite_watch *watch, const mmn_linear *product, const float *values,
                     size_t stride, size_t rows, size_t width, size_t first_row,
                     size_t first_column);

/* Whether something was found; NULL: no. */
bool mmn_finite_found(const mmn_finite_watch *watch);

/* What was found is reported as MMN_NONFINITE at stage `pattern` of `layer` (-1: none), `where` ("position
 * 7") in it, with the tensor of the layer that has such a number itself, if one has; and forgotten. MMN_OK
 * where it is let pass. */
mmn_status mmn_finite_fail(mmn_finite_watch *watch, const char *pattern, int layer,
                           const char *where, mmn_error *error);

/* The same where row and column say it all; MMN_OK where nothing was found. */
mmn_status mmn_finite_check(mmn_finite_watch *watch, const char *pattern, int layer,
                            mmn_error *error);

#endif
