/* Evaluations: accuracy in each domain with neurons on, with domain neurons off, and with random
 * ones off: answers every sample of a list in all runs of its domain, and scores the answers;
 * doc/formats.md describes the result's JSON, eval.json. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/input.h"
#include "model/model.h"
#include "pass/session.h"
#include "study/eval.h"

/* ---- One sample ------------------------------------------------------------------------------ */

/* *right: whether the judge takes an answer to the sample for right. Many runs answer alike. */
static mmn_status ask_judge(mmn_evaluation *evaluation, const char *answer, double *right,
                            mmn_error *error)
{
    const mmn_sample *sample = evaluation->sample;
    double logit;
    for (size_t i = 0; i < evaluation->asked_count; i++)
        if (strcmp(evaluation->asked[i].answer, answer) == 0) {
            *right = evaluation->asked[i].is_right;
            return MMN_OK;
        }
    MMN_TRY(mmn_judge_answer(evaluation->judge, evaluation->options->judge_form, sample->question,
                             sample->answers, sample->answer_count, answer, &logit, NULL, error));
    *right = logit > 0;
    evaluation->asked[evaluation->asked_count++] = (struct mmn_asked){answer, logit > 0};
    return MMN_OK;
}

/* Fills the row of a sample: with an answer, or NULL, and a likelihood, or NULL. */
static mmn_status fill_row(mmn_evaluation *evaluation, size_t run, char *answer,
                           const mmn_likelihood *likelihood, mmn_error *error)
{
    const mmn_sample *sample = evaluation->sample;
    mmn_eval_row *row = mmn_study_row(&evaluation->study, run);
    row->answer = answer;
    row->score = (double)NAN;
    if (likelihood) {
        const mmn_reference *best = &evaluation->references.list[likelihood->reference];
        char *text = mmn_copy_text(best->text, error);
        MMN_NEED(row->reference = mmn_study_keep_in_row(&evaluation->study, text, error));
        row->log_probability = likelihood->sum;
        row->tokens = likelihood->tokens;
    }
    if (answer) {
        MMN_TRY(mmn_measure_answer(row->measures, sample, answer, error));
        if (sample->metric == MMN_METRIC_LINGO)
            MMN_TRY(ask_judge(evaluation, answer, &row->measures[MMN_MEASURE_LINGO], error));
        if (evaluation->languages.count > 0)
            MMN_TRY(mmn_evaluation_language(evaluation, row, run, error));
        row->score = row->measures[mmn_metric_measure(sample->metric)];
    }
    for (mmn_measure m = 0; m < MMN_MEASURES; m++)
        if (!answer || !mmn_measure_applies(m, sample->metric))
            row->measures[m] = (double)NAN;
    return MMN_OK;
}

/* Of mmn_measuring. */
static mmn_status ready(void *context, mmn_session *session, size_t run, mmn_error *error)
{
    const mmn_evaluation *evaluation = context;
    if (evaluation->answers)
        MMN_TRY(mmn_evaluation_set_decoding(evaluation, session, error));
    if (!evaluation->within)
        return MMN_OK;
    const mmn_probe probe = mmn_reference_rows_probe(&evaluation->rows[run]);
    return mmn_session_add_probe(session, &probe, error);
}

/* The likelihoods in sessions side by side. */
static mmn_status find_likelihoods(mmn_evaluation *evaluation, mmn_session *const *sessions,
                                   const size_t *runs, size_t count, mmn_error *error)
{
    mmn_likelihood *found = evaluation->likelihoods;
    if (!evaluation->within)
        return mmn_likelihoods_behind(found, &evaluation->study, sessions, count,
                                      &evaluation->references, error);
    for (size_t i = 0; i < count; i++)
        evaluation->beside[i] = &evaluation->rows[runs[i]];
    return mmn_likelihoods_within(found, &evaluation->study, evaluation->beside, count,
                                  &evaluation->references, error);
}

/* Of mmn_measuring. The likelihoods come first: generating goes on from what the prompt has left,
 * and changes it. */
static mmn_status answer(void *context, mmn_session *const *sessions, const size_t *runs,
                         size_t count, mmn_error *error)
{
    mmn_evaluation *evaluation = context;
    const size_t tokens = (size_t)evaluation->tokens;
    if (evaluation->likelihood)
        MMN_TRY(find_likelihoods(evaluation, sessions, runs, count, error));
    if (evaluation->answers)
        MMN_TRY(mmn_sessions_generate(sessions, count, tokens, evaluation->ids, evaluation->counts,
                                      error));
    for (size_t i = 0; i < count; i++) {
        char *text = NULL;
        if (evaluation->answers)
            MMN_TRY(mmn_model_decode(evaluation->study.model, evaluation->ids + i * tokens,
                                     evaluation->counts[i], 1, &text, error));
        if (evaluation->answers && !(text = mmn_study_keep_in_row(&evaluation->study, text, error)))
            return MMN_SYSTEM;
        MMN_TRY(fill_row(evaluation, runs[i], text,
                         evaluation->likelihood ? &evaluation->likelihoods[i] : NULL, error));
    }
    return MMN_OK;
}

/* Makes the references part of the prompt, in *input, where nothing has to be kept for anything
 * else; *normed is what the rows' probes write to. */
static mmn_status put_within(mmn_evaluation *evaluation, mmn_input **input, float **normed,
                             const mmn_input *prompt, mmn_error *error)
{
    const mmn_references *references = &evaluation->references;
    const size_t runs = evaluation->study.plan.run_count;
    const size_t width = evaluation->study.model->config.language.hidden_size;
    const size_t rows = references->list[references->longest].count;
    evaluation->within = true;
    MMN_NEED(*normed = mmn_allocate(runs * rows, width * sizeof(**normed), error));
    for (size_t i = 0; i < runs; i++)
        evaluation->rows[i] = (mmn_reference_rows){references, *normed + i * rows * width};
    return mmn_references_input(input, references, prompt, error);
}

static mmn_status measure(mmn_evaluation *evaluation, const mmn_planned_sample *planned,
                          const mmn_input *input, mmn_error *error)
{
    const mmn_references *references = &evaluation->references;
    mmn_measuring measuring = {.tokens = evaluation->answers ? (size_t)evaluation->tokens : 0,
                               .ready = ready,
                               .finish = answer};
    mmn_input *own = NULL;
    float *normed = NULL;
    mmn_status status = MMN_OK;
    evaluation->sample = &planned->sample;
    evaluation->asked_count = 0;
    evaluation->within = false;
    if (evaluation->likelihood && !evaluation->answers && references->together)
        status = put_within(evaluation, &own, &normed, input, error);
    else if (evaluation->likelihood)
        measuring.behind = mmn_references_rows(references);
    if (status == MMN_OK)
        status =
            mmn_study_measure(evaluation, &measuring, planned->domain, own ? own : input, error);
    mmn_free(normed);
    mmn_input_free(own);
    return status;
}

/* An mmn_study_function. */
static mmn_status answer_sample(void *context, const mmn_planned_sample *planned,
                                const mmn_input *input, mmn_error *error)
{
    mmn_evaluation *evaluation = context;
    if (evaluation->likelihood)
        MMN_TRY(mmn_references_make(&evaluation->references, &evaluation->study.samples,
                                    &planned->sample, input, error));
    const mmn_status status = measure(evaluation, planned, input, error);
    mmn_references_free(&evaluation->references);
    return status;
}

/* ---- All rows -------------------------------------------------------------------------------- */

#define MEASURE(name, measure)                                                                     \
    {                                                                                              \
        name, MMN_ROW_REAL, false, offsetof(mmn_eval_row, measures) + (measure) * sizeof(double),  \
            0                                                                                      \
    }
static const mmn_row_column columns[] = {
    MMN_ROW_ONE("answer", MMN_ROW_TEXT, mmn_eval_row, answer),
    MMN_ROW_ONE("language", MMN_ROW_TEXT, mmn_eval_row, language),
    MMN_ROW_ONE("score", MMN_ROW_REAL, mmn_eval_row, score),
    MEASURE("vqa", MMN_MEASURE_VQA),
    MEASURE("vqa_published", MMN_MEASURE_VQA_PUBLISHED),
    MEASURE("exact", MMN_MEASURE_EXACT),
    MEASURE("anls", MMN_MEASURE_ANLS),
    MEASURE("anls_published", MMN_MEASURE_ANLS_PUBLISHED),
    MEASURE("choice", MMN_MEASURE_CHOICE),
    MEASURE("choice_published", MMN_MEASURE_CHOICE_PUBLISHED),
    MEASURE("token_f1", MMN_MEASURE_TOKEN_F1),
    MEASURE("lingo", MMN_MEASURE_LINGO),
    MEASURE("in_language", MMN_MEASURE_LANGUAGE),
    MMN_ROW_ONE("reference", MMN_ROW_TEXT, mmn_eval_row, reference),
    MMN_ROW_ONE("log_probability", MMN_ROW_REAL, mmn_eval_row, log_probability),
    MMN_ROW_ONE("reference_tokens", MMN_ROW_WHOLE, mmn_eval_row, tokens),
    {0}};

static void take_metric(mmn_eval_domain *domain, mmn_metric metric)
{
    domain->mixed = domain->mixed || (domain->begun && metric != domain->metric);
    if (!domain->begun)
        domain->metric = metric;
    domain->begun = true;
}

static mmn_status take_answer(mmn_eval_run *run, mmn_prediction *prediction,
                              const mmn_eval_row *row, mmn_metric metric, mmn_study *study,
                              mmn_error *error)
{
    MMN_NEED(prediction->answer = mmn_study_copy_text(study, row->answer, error));
    prediction->score = row->score;
    run->accuracy_sum += row->score;
    for (mmn_measure m = 0; m < MMN_MEASURES; m++) {
        if (!mmn_measure_applies(m, metric))
            continue;
        run->sums[m] += row->measures[m];
        run->counts[m]++;
    }
    return MMN_OK;
}

static mmn_status take_likelihood(mmn_eval_run *run, mmn_prediction *prediction,
                                  const mmn_eval_row *row, mmn_study *study, mmn_error *error)
{
    MMN_NEED(prediction->reference = mmn_study_copy_text(study, row->reference, error));
    prediction->likelihood = (mmn_likelihood){.sum = row->log_probability, .tokens = row->tokens};
    run->likelihood_sum += mmn_likelihood_per_token(&prediction->likelihood);
    return MMN_OK;
}

/* Of mmn_study_kind. */
static mmn_status take(void *context, const mmn_planned_sample *planned, size_t number,
                       const void *context_row, mmn_error *error)
{
    mmn_evaluation *evaluation = context;
    mmn_study *study = &evaluation->study;
    const mmn_eval_row *row = context_row;
    mmn_eval_run *run = &evaluation->runs[number];
    if (evaluation->answers != (row->answer != NULL) ||
        evaluation->likelihood != (row->reference != NULL && row->tokens > 0))
        return mmn_fail(error, MMN_INPUT, NULL, NULL,
                        "a row has not what this evaluation measures: an answer, or a reference "
                        "with its tokens");
    MMN_TRY(mmn_study_reserve(study, &run->predictions, &run->capacity, run->count + 1,
                              sizeof(*run->predictions), error));
    mmn_prediction *prediction = &run->predictions[run->count];
    *prediction = (mmn_prediction){.language = SIZE_MAX};
    MMN_NEED(prediction->id = mmn_study_copy_text(study, planned->sample.id, error));
    if (row->language) {
        prediction->language = mmn_languages_named(&evaluation->languages, row->language);
        if (prediction->language == SIZE_MAX)
            return mmn_fail(error, MMN_INPUT, NULL, "language", "is none of those that are known");
    }
    if (evaluation->answers)
        MMN_TRY(take_answer(run, prediction, row, planned->sample.metric, study, error));
    if (evaluation->likelihood)
        MMN_TRY(take_likelihood(run, prediction, row, study, error));
    if (evaluation->options->cases > 0 && study->plan.runs[number].off == MMN_OFF_NOTHING)
        MMN_TRY(mmn_evaluation_keep_asked(&prediction->asked, evaluation, &planned->sample, error));
    run->count++;
    take_metric(&evaluation->domains[planned->domain], planned->sample.metric);
    return MMN_OK;
}

/* ---- All samples ----------------------------------------------------------------------------- */

static mmn_status begin(void *context, mmn_error *error)
{
    mmn_evaluation *evaluation = context;
    mmn_study *study = &evaluation->study;
    const size_t runs = study->plan.run_count, tokens = (size_t)evaluation->tokens;
    evaluation->domains = mmn_study_allocate(study, study->samples.domains.domain_count,
                                             sizeof(*evaluation->domains), error);
    evaluation->runs = mmn_study_allocate(study, runs, sizeof(*evaluation->runs), error);
    evaluation->counts = mmn_study_allocate(study, runs, sizeof(*evaluation->counts), error);
    evaluation->ids = mmn_study_allocate(study, runs, tokens * sizeof(*evaluation->ids), error);
    if (!evaluation->domains || !evaluation->runs || !evaluation->counts || !evaluation->ids)
        return MMN_SYSTEM;
    MMN_TRY(mmn_evaluation_begin_until(evaluation, error));
    if (evaluation->options->judge && evaluation->answers) {
        evaluation->asked = mmn_study_allocate(study, runs, sizeof(*evaluation->asked), error);
        MMN_NEED(evaluation->asked);
        MMN_TRY(mmn_judge_session(&evaluation->judge, evaluation->options->judge, error));
    }
    if (!evaluation->likelihood)
        return MMN_OK;
    evaluation->likelihoods =
        mmn_study_allocate(study, runs, sizeof(*evaluation->likelihoods), error);
    evaluation->rows = mmn_study_allocate(study, runs, sizeof(*evaluation->rows), error);
    evaluation->beside = mmn_study_allocate(study, runs, sizeof(*evaluation->beside), error);
    return evaluation->likelihoods && evaluation->rows && evaluation->beside
               ? mmn_study_reserve_logits(study, MMN_STUDY_ROWS, error)
               : MMN_SYSTEM;
}

/* Of mmn_study_kind. The judge must be the one that was asked. */
static mmn_status judge_is_same(const void *context, mmn_error *error)
{
    const mmn_evaluation *evaluation = context;
    return evaluation->judge ? mmn_model_unchanged(evaluation->options->judge, error) : MMN_OK;
}

static void end(void *context)
{
    mmn_evaluation *evaluation = context;
    mmn_session_free(evaluation->judge);
    mmn_languages_free(&evaluation->languages);
    mmn_counts_free(evaluation->steering_counts);
}

static size_t tokens_of(const void *context)
{
    const mmn_evaluation *evaluation = context;
    return evaluation->answers ? (size_t)evaluation->tokens : 0;
}

mmn_status mmn_eval(mmn_result **result, const mmn_model *model, const mmn_eval_options *options,
                    mmn_error *error)
{
    static const mmn_study_kind kind = {.doing = "answering",
                                        .unit = "answers",
                                        .size = sizeof(mmn_evaluation),
                                        .options_size = sizeof(mmn_eval_options),
                                        .former_size = offsetof(mmn_eval_options, rows),
                                        .set_up = mmn_evaluation_set_up,
                                        .check = mmn_evaluation_check,
                                        .begin = begin,
                                        .columns = columns,
                                        .row_size = sizeof(mmn_eval_row),
                                        .measure = answer_sample,
                                        .take = take,
                                        .tokens = tokens_of,
                                        .known = mmn_evaluation_known,
                                        .judge = judge_is_same,
                                        .end = end,
                                        .form = &mmn_evaluation_form,
                                        .describe = mmn_evaluation_describe,
                                        .fill = mmn_evaluation_fill};
    return mmn_study_make(result, &kind, model, options, error);
}
