/* mmneuron/judge.h: judges of answers: models that read a question, a right answer and another one,
 * and say how far they take the other for right (Lingo-Judge, arXiv 2312.14115).
 *
 * Ownership. Results are freed with mmn_result_free. What options point to is needed until the
 * function that they were given to returns.
 *
 * Threads. A session is for one thread at a time; a model is for all. */
#ifndef MMNEURON_JUDGE_H
#define MMNEURON_JUDGE_H

#include <stddef.h>
#include <stdint.h>

#include "mmneuron/error.h"
#include "mmneuron/model.h"
#include "mmneuron/result.h"
#include "mmneuron/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How the judge's text is made. Both begin with a [CLS] of their own. */
typedef enum mmn_judge_form {
    MMN_JUDGE_BENCHMARK, /* as the benchmark's code: answers in lower case without white space at
                            their ends, and no more than 128 tokens */
    MMN_JUDGE_DEMO       /* as the demo on the model's card: answers as they are, whole */
} mmn_judge_form;

/* Judges an answer by each of `references` [count], the right answers to the question, in a session
 * of a judge, which gives one number: *logit is the largest, and *reference (may be NULL) the first
 * that has it. The answer is right if *logit is above 0. MMN_INPUT for a model that is no judge. */
MMN_API mmn_status mmn_judge_answer(mmn_session *session, mmn_judge_form form, const char *question,
                                    const char *const *references, size_t count, const char *answer,
                                    double *logit, size_t *reference, mmn_error *error);

typedef struct mmn_judge_options {
    size_t size;      /* sizeof(mmn_judge_options) */
    const char *file; /* lines of JSON with "question", "answers" and "prediction", and "id" and
                         "domain" if wanted; or the rows of mmn_eval over `list` */
    const char *list; /* of rows: DATA.jsonl, which has the questions; else NULL */
    mmn_judge_form form;
    int allow_unknown_keys; /* pass over other keys of lines, and of the list, which are errors
                               else */
    mmn_progress_function progress;
    void *progress_context;
} mmn_judge_options;

/* Judges all answers of a file, each by the right ones of its question: of each domain, or of each
 * way in which mmn_eval has run it, how many are right (doc/method.md). The same bits on every
 * machine. MMN_INPUT names a line that is wrong. */
MMN_API mmn_status mmn_judge_file(mmn_result **result, const mmn_model *judge,
                                  const mmn_judge_options *options, mmn_error *error);

#ifdef __cplusplus
}
#endif

#endif
