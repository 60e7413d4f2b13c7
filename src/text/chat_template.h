/* Chat templates: the text that a model's own template makes of one question.
 *
 * Templates are written in Jinja. This is no engine for that language: what published templates
 * do for one turn of a user is followed, branch by branch, and whatever else a branch that is
 * taken holds is refused by its name, so that no prompt is ever a guess. */
#ifndef MMN_TEXT_CHAT_TEMPLATE_H
#define MMN_TEXT_CHAT_TEMPLATE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* What `source` renders, as transformers 5.23's apply_chat_template with add_generation_prompt
 * does, in *text, freed with mmn_free. `variables` are those of the template besides
 * "add_generation_prompt", "tools" and "documents": "messages" and the special tokens
 * ("bos_token"). MMN_INPUT, naming it, for what is not followed, and for what the template itself
 * refuses; `file` is for messages. */
mmn_status mmn_chat_template_render(const char *source, const json_t *variables, const char *file,
                                    char **text, mmn_error *error);

#endif
