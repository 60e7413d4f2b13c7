/* What the files that implement config.h share. */
#ifndef MMN_MODEL_CONFIG_INTERNAL_H
#define MMN_MODEL_CONFIG_INTERNAL_H

#include "base/reader.h"
#include "model/config.h"

/* The largest numbers accepted. They are far above any published model and keep every product of
 * them that the forward pass makes inside 64 bits. */
#define MMN_LIMIT_WIDTH 65536u
#define MMN_LIMIT_INTERMEDIATE 1048576u
#define MMN_LIMIT_LAYERS 1024u
#define MMN_LIMIT_HEADS 1024u
#define MMN_LIMIT_VOCABULARY 4194304u
#define MMN_LIMIT_IMAGE 4096u
#define MMN_LIMIT_POSITIONS 16777216u /* positions are exact in f32 up to here */

/* Reads the numbers of a vision_config over those that *vision has, and derives the others from
 * them. */
void mmn_config_vision(mmn_vision_config *vision, const mmn_object *object);

/* Reads the rotary embedding's parameters, in either form, into language->rope, whose theta is the
 * class's; the language model's other numbers have been read. */
void mmn_config_rope(mmn_language_config *language, const mmn_object *object);

/* Reads the activation function that `key` names; absent: *activation is left as it was. */
void mmn_config_activation(mmn_activation *activation, const mmn_object *object, const char *key);

#endif
