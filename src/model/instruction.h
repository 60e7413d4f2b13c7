/* The token ids of prompts: of the image's token, and of the instructions of models whose image
 * stands before the text and is read with the text in view. */
#ifndef MMN_MODEL_INSTRUCTION_H
#define MMN_MODEL_INSTRUCTION_H

#include "model/input.h"
#include "model/model.h"
#include "model/prompt.h"

/* Opens the tokenizer of the model's Q-Former, in the folder qformer_tokenizer of its own, if it
 * has one. MMN_INPUT where it is not there, or has more tokens than the Q-Former. */
mmn_status mmn_instruction_tokenizer_open(mmn_model *model, mmn_error *error);

/* Token ids of `prompt` for the language model, with the tokenizer's special tokens if
 * add_special, in mmn_allocate's memory, with one placeholder for each image where its features
 * go. Where the image stands before the text, a `<image>` that begins the prompt, and a line
 * break after it, are not part of the text, and the placeholder is there for any images;
 * MMN_INPUT for a `<image>` elsewhere, and where the tokenizer and config.json do not agree about
 * the image's token. */
mmn_status mmn_prompt_encode(const mmn_model *model, const char *prompt, bool add_special,
                             size_t image_count, int32_t **ids, size_t *count, mmn_error *error);

/* The tokens of a text that follows a prompt. */
typedef struct mmn_continuation {
    int32_t *ids; /* freed with mmn_free */
    size_t count;
    size_t replaced; /* of the prompt's last tokens: those in whose place these stand, since they
                        are others where the text follows; 0 as a rule */
} mmn_continuation;

/* Encodes the prompt, and prompt and text together, with a space between them unless white space
 * ends the prompt; the text's tokens are those of both together behind what these have in common.
 * As lm-evaluation-harness does it, which moves the prompt's last spaces to the text instead.
 * MMN_INPUT for a text that has no token, or one that is an image's, or where nothing of the
 * prompt is before them. */
mmn_status mmn_prompt_continue(mmn_continuation *continuation, const mmn_model *model,
                               const mmn_question_prompt *prompt, size_t image_count,
                               const char *text, mmn_error *error);

/* Gives the input, if it has an image, the prompt's text as the Q-Former reads it. MMN_INPUT where
 * that is more than the Q-Former has positions for. */
mmn_status mmn_input_set_instruction(mmn_input *input, const mmn_model *model, const char *prompt,
                                     mmn_error *error);

/* MMN_INPUT, about `count` ids from `file` (NULL: of a prompt), unless the Q-Former has positions
 * for them. */
mmn_status mmn_instruction_check_length(const mmn_model *model, size_t count, const char *file,
                                        mmn_error *error);

#endif
