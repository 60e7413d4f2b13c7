/* The reverse pass between pixels and language model: projector or Q-Former, and vision tower. */
#ifndef MMN_PASS_REVERSE_IMAGES_H
#define MMN_PASS_REVERSE_IMAGES_H

#include "pass/reverse.h"
#include "pass/vision.h"

/* Goes back from `gradient` [image positions][language hidden_size], by what enters the language
 * model of the input's images, to their pixels, as far as probes want to see it: shows
 * grad.projector.*, grad.query.*, grad.qformer.*, grad.vision.* and grad.pixel_values. Tower and
 * Q-Former run again, for their layers' inputs. MMN_USAGE where a probe writes to a stage of the
 * way there. */
mmn_status mmn_images_reverse(mmn_compute *compute, const mmn_model *model,
                              const mmn_probes *probes, const mmn_input *input, float *gradient,
                              mmn_error *error);

/* The Q-Former's part: of_features [tokens][width], given the gradient of the projected queries
 * [queries][language hidden_size]. */
mmn_status mmn_qformer_reverse(mmn_compute *compute, const mmn_model *model,
                               const mmn_probes *probes, const mmn_input *input,
                               const float *features, float *gradient, float *of_features,
                               mmn_error *error);

/* The tower's part: from the gradient by its features [tiles][tokens][selected layers *
 * hidden_size] to the pixels. */
mmn_status mmn_vision_reverse(mmn_compute *compute, const mmn_vision_config *config,
                              const mmn_vision_weights *weights, const mmn_probes *probes,
                              const mmn_vision_states *states, const float *gradient,
                              mmn_error *error);

#endif
