/* How far the weights of each neuron differ between two models of one shape. */
#ifndef MMN_COUNT_PARAMETER_CHANGE_H
#define MMN_COUNT_PARAMETER_CHANGE_H

#include "base/error.h"
#include "model/model.h"

/* change [layers][neurons]: of each neuron of the module called `module`, |w' - w| / |w| in
 * binary64. w are the neuron's weights in `model`: its rows of the matrices that lead to it (of a
 * gated layer gate's, then up's), then its column of the one that leads away, without biases; w'
 * the same in `second`. Both sums of squares ascend in this order, whatever the threads. 0 where
 * both are 0; where w alone is, +infinity. The models have the same modules. MMN_INPUT where a
 * weight is infinite or NaN, or where matrices differ in shape. */
mmn_status mmn_parameter_changes(double *change, const mmn_model *model, const mmn_model *second,
                                 const char *module, mmn_error *error);

#endif
