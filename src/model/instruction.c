/* The token ids of prompts: of the image's token, and of the instructions of models whose image
 * stands before the text and is read with the text in view. */
#include "model/instruction.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text_buffer.h"

static const char placeholder[] = "<image>";

mmn_status mmn_instruction_tokenizer_open(mmn_model *model, mmn_error *error)
{
    char *folder = NULL;
    uint32_t vocabulary = model->config.qformer.vocab_size;
    if (model->config.qformer.layers == 0)
        return MMN_OK;
    mmn_status status = mmn_path_join(&folder, model->folder, "qformer_tokenizer", error);
    if (status == MMN_OK && !mmn_is_folder(folder))
        status = mmn_fail(error, MMN_INPUT, folder, NULL,
                          "is not a folder; expected the tokenizer of the model's Q-Former");
    if (status == MMN_OK)
        status = mmn_tokenizer_open(&model->qformer_tokenizer, folder, error);
    if (status == MMN_OK)
        mmn_tokenizer_limit_ids(model->qformer_tokenizer, vocabulary);
    if (status == MMN_OK && mmn_tokenizer_model_size(model->qformer_tokenizer) > vocabulary)
        status = mmn_fail(error, MMN_INPUT, folder, "tokenizer",
                          "the tokenizer has %zu tokens, but the Q-Former's vocab_size is %u",
                          mmn_tokenizer_model_size(model->qformer_tokenizer), vocabulary);
    mmn_free(folder);
    return status;
}

/* The prompt without the placeholder that begins it, and the line break after that. */
static const char *text_of(const mmn_model *model, const char *prompt)
{
    size_t length = strlen(placeholder);
    if (!model->config.image_first || strncmp(prompt, placeholder, length) != 0)
        return prompt;
    return prompt + length + (prompt[length] == '\n');
}

/* Puts the placeholder before `count` ids, none of which may be one. */
static mmn_status put_first(int32_t **ids, size_t *count, int32_t image_token, mmn_error *error)
{
    for (size_t i = 0; i < *count; i++)
        if ((*ids)[i] == image_token)
            return mmn_fail(error, MMN_INPUT, NULL, NULL,
                            "the prompt has \"%s\" in its text; this model's image stands before "
                            "the text, so that it can only begin the prompt",
                            placeholder);
    MMN_TRY(mmn_resize(ids, *count, *count + 1, sizeof(**ids), error));
    memmove(*ids + 1, *ids, *count * sizeof(**ids));
    (*ids)[0] = image_token;
    ++*count;
    return MMN_OK;
}

/* MMN_INPUT, naming both ids, where the tokenizer gives the image's token another id than
 * config.json, or has no such token; asked only if `prompt` holds it or there are images. */
static mmn_status check_image_token(const mmn_model *model, const char *prompt, size_t image_count,
                                    mmn_error *error)
{
    const char *token = mmn_tokenizer_image_token(model->tokenizer);
    int32_t id, wanted = model->config.image_token_id;
    if (!model->config.vision.form || model->config.image_between ||
        (image_count == 0 && !strstr(prompt, token)))
        return MMN_OK;
    bool known = mmn_tokenizer_token_to_id(model->tokenizer, token, &id);
    /* An image that stands before the text needs no token of the tokenizer's. */
    if (known ? id == wanted : model->config.image_first)
        return MMN_OK;
    if (!known)
        return mmn_fail(error, MMN_INPUT, model->folder, "tokenizer",
                        "has no token \"%.60s\", which marks an image's place and has the id %d in "
                        "config.json",
                        token, (int)wanted);
    const char *other = mmn_tokenizer_id_to_token(model->tokenizer, wanted);
    return mmn_fail(error, MMN_INPUT, model->folder, "tokenizer",
                    "gives the token \"%.60s\", which marks an image's place, the id %d, and "
                    "config.json says %d, which is %s%.60s%s in the tokenizer",
                    token, (int)id, (int)wanted, other ? "\"" : "", other ? other : "no token",
                    other ? "\"" : "");
}

/* The prompt with each "<image>" as the model's files spell it, freed with mmn_free; NULL in *spelt
 * where it is "<image>" there too, or that is a token of its own. */
static mmn_status spell_image_token(char **spelt, const mmn_model *model, const char *prompt,
                                    mmn_error *error)
{
    const char *token = mmn_tokenizer_image_token(model->tokenizer), *found;
    mmn_text text = {0};
    int32_t id;
    *spelt = NULL;
    if (!model->config.vision.form || model->config.image_first ||
        strcmp(token, placeholder) == 0 ||
        mmn_tokenizer_token_to_id(model->tokenizer, placeholder, &id))
        return MMN_OK;
    while ((found = strstr(prompt, placeholder))) {
        mmn_text_add_bytes(&text, prompt, (size_t)(found - prompt));
        mmn_text_add(&text, "%s", token);
        prompt = found + strlen(placeholder);
    }
    mmn_text_add(&text, "%s", prompt);
    return mmn_text_finish(&text, spelt, error);
}

/* ---- Images between texts ---------------------------------------------------------------------
 */

static const char mark_before[] = "<im_start>", mark_behind[] = "<im_end>";

/* MMN_INPUT where the marks that stand around an image are no tokens. */
static mmn_status check_marks(const mmn_model *model, mmn_error *error)
{
    const char *const marks[2] = {mark_before, mark_behind};
    int32_t id;
    for (size_t i = 0; i < 2; i++)
        if (!mmn_tokenizer_token_to_id(model->tokenizer, marks[i], &id))
            return mmn_fail(error, MMN_INPUT, model->folder, "tokenizer",
                            "has no token \"%s\", which stands beside images where config.json has "
                            "mm_use_im_start_end",
                            marks[i]);
    return MMN_OK;
}

/* Whether `text` [length] ends with a mark. */
static bool ends_with(const char *text, size_t length, const char *mark)
{
    size_t marks = strlen(mark);
    return length >= marks && memcmp(text + length - marks, mark, marks) == 0;
}

/* Appends the tokens of `text` [length], behind an image or not, before an image or not. */
static mmn_status append_piece(int32_t **ids, size_t *count, const mmn_model *model,
                               const char *text, size_t length, bool behind, bool before,
                               bool add_special, mmn_error *error)
{
    const int32_t image = model->config.image_token_id;
    const bool marks = model->config.image_marks;
    int32_t *own = NULL;
    size_t own_count = 0;
    mmn_text piece = {0};
    if (marks && behind && strncmp(text, mark_behind, strlen(mark_behind)) != 0)
        mmn_text_add(&piece, "%s", mark_behind);
    mmn_text_add_bytes(&piece, text, length);
    if (marks && before && !ends_with(text, length, mark_before))
        mmn_text_add(&piece, "%s", mark_before);
    mmn_status status = mmn_text_status(&piece, error);
    if (status == MMN_OK)
        status = mmn_tokenizer_encode(model->tokenizer, piece.text ? piece.text : "", piece.length,
                                      add_special, &own, &own_count, error);
    for (size_t i = 0; i < own_count && status == MMN_OK; i++)
        if (own[i] == image)
            status = mmn_fail(error, MMN_INPUT, NULL, NULL,
                              "the prompt's text has the token %d, which stands for images here",
                              (int)image);
    if (status == MMN_OK)
        status = mmn_resize(ids, *count, *count + own_count + before, sizeof(**ids), error);
    if (status == MMN_OK && own_count > 0)
        memcpy(*ids + *count, own, own_count * sizeof(**ids));
    if (status == MMN_OK && before)
        (*ids)[*count + own_count] = image;
    *count += status == MMN_OK ? own_count + before : 0;
    mmn_text_free(&piece);
    mmn_free(own);
    return status;
}

/* The texts between placeholders, each tokenised by itself as the authors' code does: SentencePiece
 * begins each with a space. */
static mmn_status encode_around_images(const mmn_model *model, const char *prompt, bool add_special,
                                       int32_t **ids, size_t *count, mmn_error *error)
{
    mmn_status status = MMN_OK;
    *ids = NULL;
    *count = 0;
    if (strstr(prompt, placeholder) && model->config.image_marks)
        MMN_TRY(check_marks(model, error));
    for (bool behind = false; prompt && status == MMN_OK; behind = true) {
        const char *found = strstr(prompt, placeholder);
        size_t length = found ? (size_t)(found - prompt) : strlen(prompt);
        status = append_piece(ids, count, model, prompt, length, behind, found != NULL,
                              add_special && !behind, error);
        prompt = found ? found + strlen(placeholder) : NULL;
    }
    if (status != MMN_OK) {
        mmn_free(*ids);
        *ids = NULL;
        *count = 0;
    }
    return status;
}

/* ---- Prompts ----------------------------------------------------------------------------------
 */

mmn_status mmn_prompt_encode(const mmn_model *model, const char *prompt, bool add_special,
                             size_t image_count, int32_t **ids, size_t *count, mmn_error *error)
{
    const char *text = text_of(model, prompt);
    char *spelt;
    if (model->config.image_between)
        return encode_around_images(model, prompt, add_special, ids, count, error);
    if (model->config.image_apart)
        return mmn_tokenizer_encode(model->tokenizer, prompt, strlen(prompt), add_special, ids,
                                    count, error);
    MMN_TRY(check_image_token(model, prompt, image_count, error));
    MMN_TRY(spell_image_token(&spelt, model, text, error));
    const char *encoded = spelt ? spelt : text;
    mmn_status status = mmn_tokenizer_encode(model->tokenizer, encoded, strlen(encoded),
                                             add_special, ids, count, error);
    mmn_free(spelt);
    if (status == MMN_OK && model->config.image_first && (text != prompt || image_count > 0))
        status = put_first(ids, count, model->config.image_token_id, error);
    return status;
}

/* ---- What follows a prompt ------------------------------------------------------------------- */

/* Takes the tokens of both together behind those that they have in common with the prompt's. */
static mmn_status take_behind(mmn_continuation *continuation, const mmn_model *model,
                              const int32_t *prompt, size_t prompt_count, bool has_images,
                              const char *text, mmn_error *error)
{
    size_t same = 0;
    while (same < prompt_count && same < continuation->count &&
           prompt[same] == continuation->ids[same])
        same++;
    if (same == continuation->count)
        return mmn_fail(error, MMN_INPUT, NULL, NULL,
                        "the answer \"%.60s\" has no token of its own", text);
    if (same == 0)
        return mmn_fail(error, MMN_INPUT, NULL, NULL,
                        "no token of the prompt is left before the answer \"%.60s\"", text);
    /* The token before them may have to run again, and an image's is no token's. */
    for (size_t i = same < prompt_count ? same - 1 : same;
         i < prompt_count || i < continuation->count; i++)
        if (has_images &&
            ((i < prompt_count && prompt[i] == model->config.image_token_id) ||
             (i < continuation->count && continuation->ids[i] == model->config.image_token_id)))
            return mmn_fail(error, MMN_INPUT, NULL, NULL,
                            "an image stands in the answer \"%.60s\", or next to it", text);
    continuation->count -= same;
    continuation->replaced = prompt_count - same;
    memmove(continuation->ids, continuation->ids + same,
            continuation->count * sizeof(*continuation->ids));
    return MMN_OK;
}

mmn_status mmn_prompt_continue(mmn_continuation *continuation, const mmn_model *model,
                               const mmn_question_prompt *prompt, size_t image_count,
                               const char *text, mmn_error *error)
{
    const size_t length = strlen(prompt->text);
    const bool spaced = length == 0 || strchr(" \t\r\n", prompt->text[length - 1]);
    mmn_text both = {0};
    int32_t *ids = NULL;
    size_t count = 0;
    *continuation = (mmn_continuation){0};
    mmn_text_add(&both, "%s%s%s", prompt->text, spaced ? "" : " ", text);
    mmn_status status = mmn_text_status(&both, error);
    if (status == MMN_OK)
        status = mmn_prompt_encode(model, prompt->text, !prompt->has_special, image_count, &ids,
                                   &count, error);
    if (status == MMN_OK)
        status = mmn_prompt_encode(model, both.text, !prompt->has_special, image_count,
                                   &continuation->ids, &continuation->count, error);
    if (status == MMN_OK)
        status = take_behind(continuation, model, ids, count, image_count > 0, text, error);
    if (status != MMN_OK) {
        mmn_free(continuation->ids);
        *continuation = (mmn_continuation){0};
    }
    mmn_text_free(&both);
    mmn_free(ids);
    return status;
}

/* ---- The Q-Former's instruction -------------------------------------------------------------- */

mmn_status mmn_instruction_check_length(const mmn_model *model, size_t count, const char *file,
                                        mmn_error *error)
{
    uint32_t most = model->config.qformer.max_position_embeddings;
    if (count <= most)
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, file, file ? "qformer_input_ids" : NULL,
                    "the instruction has %zu tokens for the Q-Former, which reads at most %u",
                    count, most);
}

mmn_status mmn_input_set_instruction(mmn_input *input, const mmn_model *model, const char *prompt,
                                     mmn_error *error)
{
    const char *text = text_of(model, prompt);
    if (!model->qformer_tokenizer || input->image_count == 0)
        return MMN_OK;
    MMN_TRY(mmn_tokenizer_encode(model->qformer_tokenizer, text, strlen(text), true,
                                 &input->qformer_ids, &input->qformer_length, error));
    return mmn_instruction_check_length(model, input->qformer_length, NULL, error);
}
