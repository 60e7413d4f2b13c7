/* From pixels to what enters the language model: the vision tower, then a projector or a
 * Q-Former. */
#ifndef MMN_PASS_VISION_H
#define MMN_PASS_VISION_H

#include "model/config.h"
#include "model/input.h"
#include "model/weights.h"
#include "pass/operations.h"
#include "pass/probes.h"

/* Runs `tiles` images, pixels [tiles][channels][image_size][image_size], and stores in *features
 * (freed with mmn_free, after a failure too) what the projector reads, [tiles][tokens][selected
 * layers * hidden_size], tokens without the class token unless the configuration keeps it. Layers
 * above the last selected one run only if a probe wants one of their stages. Shows the vision.*
 * stages.
 * Sources: CLIP (arXiv 2103.00020), EVA (arXiv 2211.07636) and SigLIP (arXiv 2303.15343) as
 * transformers' CLIPVisionModel, InstructBlipVisionModel and SiglipVisionModel compute them. */
mmn_status mmn_vision_run(mmn_compute *compute, const mmn_vision_config *config,
                          const mmn_vision_weights *weights, const mmn_probes *probes,
                          const float *pixels, size_t tiles, float **features, mmn_error *error);

/* What the reverse pass needs of the tower. Zero-initialise; free with mmn_vision_states_free. */
typedef struct mmn_vision_states {
    size_t tiles;
    uint32_t layers;   /* that features need */
    float *embeddings; /* [tiles][positions][hidden_size], before the norm, if there is one */
    float *hidden;     /* [layers + 1][tiles][positions][hidden_size]: what enters each layer */
} mmn_vision_states;

/* mmn_vision_run for nobody to see, as far as features need it, which keeps the states. */
mmn_status mmn_vision_run_again(mmn_compute *compute, const mmn_vision_config *config,
                                const mmn_vision_weights *weights, const float *pixels,
                                size_t tiles, mmn_vision_states *states, float **features,
                                mmn_error *error);
void mmn_vision_states_free(mmn_vision_states *states);

/* Puts patches [patches][channels * patch * patch] where the tower has cut them from a tile
 * [channels][size][size]; what belongs to none stays. */
void mmn_vision_paste_patches(float *tile, const float *patches, const mmn_vision_config *config);

/* projected [tiles][tokens][width] = the rows of merged [image positions][width] where the
 * projector's rows went, 0 for those that are padding. */
void mmn_projector_unpack(const mmn_config *config, const mmn_input *input, float *projected,
                          const float *merged);

/* Projects features [tiles][tokens][width] of all images of `input` and packs them for the language
 * model: *merged [image positions][language hidden_size] (freed with mmn_free, after a failure
 * too). Shows the projector.* stages.
 * Source: LLaVA-1.5 (arXiv 2310.03744) and LLaVA-NeXT as transformers'
 * LlavaNextModel.pack_image_features computes it. */
mmn_status mmn_projector_run(mmn_compute *compute, const mmn_config *config,
                             const mmn_weights *weights, const mmn_probes *probes,
                             const mmn_input *input, const float *features, float **merged,
                             mmn_error *error);

/* Runs the queries and the input's instruction over the vision tower's features [1][tokens][width]
 * of its one image, and projects the queries for the language model: *merged [queries][language
 * hidden_size] (freed with mmn_free, after a failure too). Shows the query.*, qformer.* and
 * projector.* stages.
 * Source: InstructBLIP (arXiv 2305.06500) as transformers' InstructBlipQFormerModel computes it. */
mmn_status mmn_qformer_run(mmn_compute *compute, const mmn_config *config,
                           const mmn_weights *weights, const mmn_probes *probes,
                           const mmn_input *input, const float *features, float **merged,
                           mmn_error *error);

#endif
