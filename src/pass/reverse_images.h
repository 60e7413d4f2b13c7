/* The reverse pass between pixels and language model: projector and vision tower. */
#ifndef MMN_PASS_REVERSE_IMAGES_H
#define MMN_PASS_REVERSE_IMAGES_H

#include "pass/reverse.h"
#include "pass/vision.h"

/* Goes back from `gradient` [image positions][language hidden_size], by what enters the language
 * model of the input's images, to their pixels, as far as probes want to see it: shows
 * grad.projector.*, grad.vision.* and grad.pixel_values. The tower runs again, for its layers'
 * inputs. A Q-Former has no reverse: where one reads the images, grad.projector.merged is all.
 * MMN_USAGE where a probe writes to a stage of the way there. */
mmn_status mmn_images_reverse(mmn_compute *compute, const mmn_model *model,
                              const mmn_probes *probes, const mmn_input *input, float *gradient,
                              mmn_error *error);

/* The tower's part: from the gradient by its features [tiles][tokens][selected layers *
 * hidden_size] to the pixels. */
mmn_status mmn_vision_reverse(mmn_compute *compute, const mmn_vision_config *config,
                              const mmn_vision_weights *weights, const mmn_probes *probes,
                              const mmn_vision_states *states, const float *gradient,
                              mmn_error *error);

#endif
