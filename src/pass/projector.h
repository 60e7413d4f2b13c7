/* The projector: vision features to language features, and LLaVA-NeXT's merge of the tiles. */
#ifndef MMN_PASS_PROJECTOR_H
#define MMN_PASS_PROJECTOR_H

#include "model/config.h"
#include "model/input.h"
#include "model/weights.h"
#include "pass/operations.h"
#include "pass/probes.h"

/* Projects features [tiles][tokens][width] of all images of `input` and packs them for the language
 * model: *merged [rows][language hidden_size] (freed with mmn_free), *rows the number of image
 * positions. Shows the projector.* stages. Source: LLaVA-1.5 (arXiv 2310.03744) and LLaVA-NeXT as
 * transformers' LlavaNextModel.pack_image_features computes it. */
mmn_status mmn_projector_run(mmn_compute *compute, const mmn_config *config,
                             const mmn_weights *weights, const mmn_probes *probes,
                             const mmn_input *input, const float *features, float **merged,
                             size_t *rows, mmn_error *error);

#endif
