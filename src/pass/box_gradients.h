/* How the gradients of a detector's boxes, by the embedding that enters the last layer of its
 * tower, lie to a direction: without making them, which would be a reverse pass each. */
#ifndef MMN_PASS_BOX_GRADIENTS_H
#define MMN_PASS_BOX_GRADIENTS_H

#include "pass/detector_reverse.h"

enum { MMN_BOX_NUMBERS = 1 + MMN_BOX_SIDES }; /* a query's logit and the sides */

/* Of the gradient G of each box's numbers by the embedding [positions][width], its product with the
 * direction [positions][width] and its square, <G, direction> and <G, G>, [patches][5] each. The
 * query [query_size] is of length 1; `state` is that of the picture whose embedding it is.
 *
 * Beyond attention a box depends on two rows of the layer, the class token's and its own. So what
 * reaches the keys and values of any position is a sum of 4 x heads vectors, the same for all
 * positions, times numbers that attention's probabilities and their derivatives are; and the
 * squares of such sums, behind the norm that every position has of its own, need the vectors'
 * products with each other and no gradient. */
mmn_status mmn_box_gradients_measure(mmn_compute *compute, const mmn_model *model,
                                     const mmn_detector_state *state, const float *embedding,
                                     const float *query, const float *direction, double *products,
                                     double *squares, mmn_error *error);

#endif
