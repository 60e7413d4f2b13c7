/* Prompts: the text that is made of a question, by the model's own chat template or by one of
 * ours. */
#ifndef MMN_MODEL_PROMPT_H
#define MMN_MODEL_PROMPT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "mmneuron.h"

/* The chat template of a folder. Zero-initialise; free with mmn_own_template_free. */
typedef struct mmn_own_template {
    char *source;     /* NULL: the folder has none */
    const char *file; /* that it stands in: "chat_template.jinja" */
    char *path;       /* of that file */
    json_t *tokens;   /* special tokens: {"bos_token": "<s>"} */
    bool lists;       /* contents are lists, images among them: it is a processor's */
    char *problem;    /* why it is not followed; NULL: it is */
    const char *name; /* of the template of ours that renders the same; NULL: none does */
} mmn_own_template;

/* Reads the template that transformers 5.23 would take: for models that read images their
 * processor's (processor_config.json, chat_template.json, chat_template.jinja, in this order)
 * and, where it has none, the tokenizer's; for others the tokenizer's (chat_template.jinja,
 * tokenizer_config.json), of several the one named "default". Tries it with a question. `usual`
 * is the template of ours that the model's family has. MMN_INPUT for a file that cannot be what
 * it should be. */
mmn_status mmn_own_template_read(mmn_own_template *own, const char *folder, bool reads_images,
                                 const char *usual, mmn_error *error);
void mmn_own_template_free(mmn_own_template *own);

/* MMN_INPUT, with what can be done instead, where the folder has a template that cannot be
 * followed. */
mmn_status mmn_own_template_check(const mmn_own_template *own, mmn_error *error);

/* A question as the model reads it. */
typedef struct mmn_question_prompt {
    char *text;       /* freed with mmn_free */
    bool has_special; /* the tokens that a tokenizer puts around a text are in it, or not wanted */
} mmn_question_prompt;

/* The prompt of a question in template `name`, as for mmn_prompt_from_template. MMN_INPUT where
 * it is the folder's own that cannot be followed. */
mmn_status mmn_question_prompt_make(mmn_question_prompt *prompt, const mmn_model *model,
                                    const char *name, const char *question, bool has_image,
                                    mmn_error *error);

#endif
