/* Lingo-Judge: what a judge is asked about an answer, and what it says. */
#include "study/judge.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "model/model.h"
#include "pass/session.h"
#include "study/accuracy.h"

/* The benchmark's max_length. */
enum { MOST_TOKENS = 128 };

const char *mmn_judge_form_name(mmn_judge_form form)
{
    return form == MMN_JUDGE_DEMO ? "demo" : "benchmark";
}

mmn_status mmn_judge_check(const mmn_model *judge, mmn_error *error)
{
    const mmn_judge_config *config = &judge->config.judge;
    if (config->layers == 0)
        return mmn_fail(error, MMN_INPUT, judge->folder, NULL,
                        "is no judge of answers, but a model of the family %s; expected deberta-v2",
                        judge->config.family->model_type);
    if (config->labels != 1)
        return mmn_fail(error, MMN_INPUT, judge->folder, NULL,
                        "gives %u numbers for a text; expected one, as Lingo-Judge gives",
                        config->labels);
    return judge->tokenizer ? MMN_OK
                            : mmn_fail(error, MMN_USAGE, judge->folder, NULL,
                                       "was opened without its tokenizer, which a judge needs");
}

mmn_status mmn_judge_session(mmn_session **session, const mmn_model *judge, mmn_error *error)
{
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    *session = NULL;
    MMN_TRY(mmn_judge_check(judge, error));
    return mmn_session_create(session, judge, &options, error);
}

/* Adds an answer as the form has it. */
static mmn_status add_answer(mmn_text *text, mmn_judge_form form, const char *answer,
                             mmn_error *error)
{
    char *trimmed;
    if (form == MMN_JUDGE_DEMO) {
        mmn_text_add(text, "%s", answer);
        return MMN_OK;
    }
    MMN_TRY(mmn_answer_trimmed(&trimmed, answer, error));
    mmn_text_add(text, "%s", trimmed);
    mmn_free(trimmed);
    return MMN_OK;
}

/* The text that a judge reads. */
static mmn_status write_text(mmn_text *text, mmn_judge_form form, const char *question,
                             const char *reference, const char *answer, mmn_error *error)
{
    mmn_text_add(text, "[CLS]\nQuestion: %s\nAnswer: ", question);
    MMN_TRY(add_answer(text, form, reference, error));
    mmn_text_add(text, "\nStudent: ");
    MMN_TRY(add_answer(text, form, answer, error));
    return mmn_text_status(text, error);
}

/* Leaves out what stands between the first tokens and those that end every text. */
static size_t truncate(int32_t *ids, size_t count, size_t ending)
{
    if (count <= MOST_TOKENS || ending >= MOST_TOKENS)
        return count;
    memmove(ids + MOST_TOKENS - ending, ids + count - ending, ending * sizeof(*ids));
    return MOST_TOKENS;
}

static mmn_status make_input(mmn_input **input, const mmn_model *judge, mmn_judge_form form,
                             const mmn_text *text, mmn_error *error)
{
    int32_t *ids;
    size_t count;
    MMN_TRY(mmn_tokenizer_encode(judge->tokenizer, text->text, text->length, true, &ids, &count,
                                 error));
    if (form == MMN_JUDGE_BENCHMARK)
        count = truncate(ids, count, mmn_tokenizer_ending(judge->tokenizer));
    mmn_status status = mmn_input_from_ids(input, judge, ids, count, error);
    mmn_free(ids);
    return status;
}

static mmn_status judge_text(mmn_session *session, mmn_judge_form form, const mmn_text *text,
                             double *logit, mmn_error *error)
{
    mmn_input *input;
    MMN_TRY(make_input(&input, session->model, form, text, error));
    mmn_status status = mmn_session_prefill(session, input, error);
    mmn_input_free(input);
    if (status == MMN_OK)
        *logit = (double)session->judge.logits[0];
    return status;
}

static mmn_status judge_by(mmn_session *session, mmn_judge_form form, const char *question,
                           const char *reference, const char *answer, double *logit,
                           mmn_error *error)
{
    mmn_text text = {0};
    mmn_status status = write_text(&text, form, question, reference, answer, error);
    if (status == MMN_OK)
        status = judge_text(session, form, &text, logit, error);
    mmn_text_free(&text);
    return status;
}

mmn_status mmn_judge_answer(mmn_session *session, mmn_judge_form form, const char *question,
                            const char *const *references, size_t count, const char *answer,
                            double *logit, size_t *reference, mmn_error *error)
{
    MMN_GIVEN(error, session, question, answer, logit);
    MMN_GIVEN_TEXTS(error, "reference", count, references);
    if (count == 0 || (form != MMN_JUDGE_BENCHMARK && form != MMN_JUDGE_DEMO))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        count == 0 ? "there is no right answer to judge by"
                                   : "there is no such form of a judge's text");
    MMN_TRY(mmn_judge_check(session->model, error));
    for (size_t i = 0; i < count; i++) {
        double found;
        MMN_TRY(judge_by(session, form, question, references[i], answer, &found, error));
        if (i > 0 && !(found > *logit))
            continue;
        *logit = found;
        if (reference)
            *reference = i;
    }
    return MMN_OK;
}
