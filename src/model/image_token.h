/* The token that marks an image's place in a prompt: "<image>", or what the model's files call it. */
#ifndef MMN_MODEL_IMAGE_TOKEN_H
#define MMN_MODEL_IMAGE_TOKEN_H

#include <stddef.h>

#include "model/model.h"

/* MMN_INPUT, naming both ids, where the tokenizer gives the token another id than config.json, or
 * has no such token; asked only if `prompt` holds it or there are images. */
mmn_status mmn_image_token_check(const mmn_model *model, const char *prompt, size_t image_count,
                                 mmn_error *error);

/* The prompt with each "<image>" as the model's files spell it, freed with mmn_free; NULL in *spelt
 * where it is "<image>" there too, or that is a token of its own. */
mmn_status mmn_image_token_spell(char **spelt, const mmn_model *model, const char *prompt,
                                 mmn_error *error);

#endif
