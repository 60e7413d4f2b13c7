/* Tensors that several kinds of vision towers have under the same names. */
#ifndef MMN_MODEL_VISION_PARTS_H
#define MMN_MODEL_VISION_PARTS_H

#include "model/binder.h"

/* How the normalised names of a tower's tensors begin. */
#define MMN_VISION_PREFIX "vision_tower."

/* Takes the projection of the patches. */
void mmn_vision_bind_patches(mmn_binder *binder, mmn_vision_weights *vision,
                             const mmn_vision_config *config);
/* Takes the projection of the patches and the table of positions. */
void mmn_vision_bind_embeddings(mmn_binder *binder, mmn_vision_weights *vision,
                                const mmn_vision_config *config);

/* Takes the norms and the MLP of layer `index`. */
void mmn_vision_bind_norms_and_mlp(mmn_binder *binder, mmn_vision_layer_weights *layer,
                                   uint32_t index, const mmn_vision_config *config);
/* Takes all of layer `index`, whose queries, keys and values have a projection each. */
void mmn_vision_bind_layer(mmn_binder *binder, mmn_vision_layer_weights *layer, uint32_t index,
                           const mmn_vision_config *config);

/* Takes post_layernorm. Where the model reads the tower before this norm, the tensors are checked
 * if they are there, since towers are published with them, and left alone. */
void mmn_vision_bind_post_norm(mmn_binder *binder, mmn_vision_weights *vision,
                               const mmn_vision_config *config);

#endif
