/* Prompt templates: the text around a question that each family of models was trained with. */
#ifndef MMN_TEXT_TEMPLATE_H
#define MMN_TEXT_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* The prompt that template `name` makes of `question`, with "<image>" where the image goes if
 * has_image, unless the question says itself where or the image has no place in the text
 * (InstructBLIP's), where a "<image>" that begins the question begins the prompt; freed with mmn_free. MMN_USAGE for an unknown name: the message lists those
 * there are. */
mmn_status mmn_template_apply(const char *name, const char *question, bool has_image, char **prompt,
                              mmn_error *error);

/* The name of template `index`, or NULL when there are no more. */
const char *mmn_template_name(size_t index);

#endif
