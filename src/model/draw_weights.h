/* Random weights: drawn as those of a model that is made from its configuration alone. */
#ifndef MMN_MODEL_DRAW_WEIGHTS_H
#define MMN_MODEL_DRAW_WEIGHTS_H

#include "model/compute.h"
#include "model/weights.h"

/* Makes weights in memory as transformers 5.23 initialises a model of folder/config.json, which has
 * the widths of its distributions. Each number is Philox's for `seed`, its tensor's place in the
 * bytewise order of normalised names, and its own place there. They have the type that the file
 * names, F32 where it names none. */
mmn_status mmn_weights_draw(mmn_weights **weights, const char *folder, const mmn_config *config,
                            uint64_t seed, const mmn_compute *compute, mmn_error *error);

#endif
