/* Prompt templates: the text around a question that each family of models was trained with, by name
 * or by a model's own chat template. */
#ifndef MMN_TEXT_TEMPLATE_H
#define MMN_TEXT_TEMPLATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* The prompt that template `name` makes of `question`, with "<image>" where the image goes if
 * has_image, unless the question says itself where or the image has no place in the text
 * (InstructBLIP's), where a "<image>" that begins the question begins the prompt; freed with
 * mmn_free. MMN_USAGE for an unknown name: the message lists those there are. */
mmn_status mmn_template_apply(const char *name, const char *question, bool has_image, char **prompt,
                              mmn_error *error);

/* The name of template `index`, or NULL when there are no more. */
const char *mmn_template_name(size_t index);

/* ---- Chat templates -------------------------------------------------------------------------- */

/* The text that a model's own template makes of one question. Templates are written in Jinja. This
 * is no engine for that language: what published templates do for one turn of a user is followed,
 * branch by branch, and whatever else a branch that is taken holds is refused by its name, so that
 * no prompt is ever a guess. */

/* What `source` renders, as transformers 5.23's apply_chat_template with add_generation_prompt
 * does, in *text, freed with mmn_free. `variables` are those of the template besides
 * "add_generation_prompt", "tools" and "documents": "messages" and the special tokens
 * ("bos_token"). MMN_INPUT, naming it, for what is not followed, and for what the template itself
 * refuses; `file` is for messages. */
mmn_status mmn_chat_template_render(const char *source, const json_t *variables, const char *file,
                                    char **text, mmn_error *error);

#endif
