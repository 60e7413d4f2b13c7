/* Objectives: the numbers whose gradients callers of the library ask for. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "pass/session.h"
#include "text/tokenizer.h"

/* The token that an objective is of, below `vocabulary`. */
typedef struct objective_token {
    size_t id, vocabulary;
} objective_token;

static mmn_status derive_logit(const void *context, const mmn_compute *compute, float *logits,
                               float *gradient, double *value, mmn_error *error)
{
    const objective_token *token = context;
    (void)compute;
    (void)error;
    *value = (double)logits[token->id];
    gradient[token->id] = 1.0f;
    return MMN_OK;
}

/* ln p of a token grows with its own logit by 1 - p, and falls with each other's by its p. */
static mmn_status derive_log_probability(const void *context, const mmn_compute *compute,
                                         float *logits, float *gradient, double *value,
                                         mmn_error *error)
{
    const objective_token *token = context;
    (void)error;
    *value = mmn_log_probability(compute->kernels, logits, token->vocabulary,
                                 mmn_likeliest(logits, token->vocabulary), token->id);
    for (size_t i = 0; i < token->vocabulary; i++)
        gradient[i] = (i == token->id ? 1.0f : 0.0f) - logits[i];
    return MMN_OK;
}

mmn_status mmn_word_token(int32_t *token, const mmn_model *model, const char *word, bool last,
                          mmn_error *error)
{
    int32_t *ids;
    size_t count;
    MMN_TRY(mmn_tokenizer_encode(model->tokenizer, word, strlen(word), false, &ids, &count, error));
    mmn_status status =
        count > 0 ? MMN_OK
                  : mmn_fail(error, MMN_USAGE, NULL, NULL, "the word \"%s\" has no token", word);
    *token = count > 0 ? ids[last ? count - 1 : 0] : MMN_NO_TOKEN;
    mmn_free(ids);
    return status;
}

mmn_status mmn_session_gradient(mmn_session *session, const mmn_input *input,
                                const mmn_objective *objective, double *value, mmn_error *error)
{
    MMN_GIVEN(error, session, input);
    MMN_GIVEN(error, objective);
    mmn_objective own;
    MMN_TAKE_OPTIONS(own, objective, error);
    const size_t vocabulary = session->model->config.language.vocab_size;
    const size_t length = mmn_input_length(input);
    const size_t position = objective->position == MMN_LAST_POSITION ? length - 1
                                                                     : objective->position;
    if (objective->token < 0 || (size_t)objective->token >= vocabulary)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there is no token %d; the model has %zu",
                        (int)objective->token, vocabulary);
    if (position >= length)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there is no position %zu; the input has %zu",
                        position, length);
    const objective_token token = {(size_t)objective->token, vocabulary};
    const mmn_loss loss = {
        .first_position = position,
        .positions = 1,
        .derive = objective->kind == MMN_OBJECTIVE_LOGIT ? derive_logit : derive_log_probability,
        .context = &token};
    return mmn_session_reverse(session, input, &loss, value, error);
}
