/* The vision transformer: pixel values in, the features that the projector reads out. */
#ifndef MMN_PASS_VISION_H
#define MMN_PASS_VISION_H

#include "model/config.h"
#include "model/weights.h"
#include "pass/operations.h"
#include "pass/probes.h"

/* Runs `tiles` images, pixels [tiles][channels][image_size][image_size], and stores in *features
 * (freed with mmn_free) what the projector reads, [tiles][tokens][selected layers * hidden_size],
 * tokens without the class token unless the configuration keeps it. Layers above the last selected
 * one run only if a probe wants one of their stages. Shows the vision.* stages.
 * Sources: CLIP (arXiv 2103.00020), EVA (arXiv 2211.07636) and SigLIP (arXiv 2303.15343) as
 * transformers' CLIPVisionModel, InstructBlipVisionModel and SiglipVisionModel compute them. */
mmn_status mmn_vision_run(mmn_compute *compute, const mmn_vision_config *config,
                          const mmn_vision_weights *weights, const mmn_probes *probes,
                          const float *pixels, size_t tiles, float **features, mmn_error *error);

#endif
