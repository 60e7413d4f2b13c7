/* Evaluating: answers every sample of a list in all runs of its domain, and scores the answers. */
#include "neurons/eval.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "model/input.h"
#include "model/session.h"

/* TOGETHER_BYTES: what the sessions of runs that are answered side by side may take, unless the caller
 * says how many these are. TOGETHER: the most; more no longer gain anything. */
enum { TOKENS = 16, TOGETHER = 64, TOGETHER_BYTES = INT32_MAX };

/* One evaluation at work. */
typedef struct eval_work {
    mmn_evaluation *evaluation;
    const mmn_eval_options *options;
    uint64_t done, total; /* answers */
    double start;

    /* Runs of one domain that answer side by side. */
    mmn_eval_run **runs;    /* [run_count]: all of the domain, the first without a mask */
    mmn_session **sessions; /* [run_count] */
    int32_t *ids;           /* [run_count][tokens] */
    size_t *counts;         /* [run_count] */
} eval_work;

static mmn_status report(eval_work *work, mmn_error *error)
{
    const mmn_progress progress = {.label = "answering",
                                   .unit = "answers",
                                   .done = work->done,
                                   .total = work->total,
                                   .seconds = mmn_clock() - work->start};
    if (work->options->progress &&
        work->options->progress(work->options->progress_context, &progress) != 0)
        return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "interrupted");
    return MMN_OK;
}

/* ---- One sample ------------------------------------------------------------------------------ */

static mmn_status score(mmn_eval_run *run, const mmn_sample *sample, const char *answer,
                        mmn_error *error)
{
    const mmn_right_answers right = {sample->metric, sample->answers, sample->answer_count,
                                     sample->choices, sample->choice_count};
    double scores[MMN_MEASURES];
    mmn_prediction *prediction = &run->predictions[run->count];
    mmn_status status = mmn_measure_answer(scores, &right, answer, error);
    if (status != MMN_OK)
        return status;
    *prediction = (mmn_prediction){.id = mmn_copy_text(sample->id, error),
                                   .answer = mmn_copy_text(answer, error),
                                   .score = scores[mmn_metric_measure(sample->metric)]};
    if (!prediction->id || !prediction->answer) {
        mmn_free(prediction->id);
        mmn_free(prediction->answer);
        return MMN_SYSTEM;
    }
    run->count++;
    run->accuracy_sum += prediction->score;
    for (mmn_measure m = 0; m < MMN_MEASURES; m++) {
        if (!mmn_measure_applies(m, sample->metric))
            continue;
        run->sums[m] += scores[m];
        run->counts[m]++;
    }
    return MMN_OK;
}

static mmn_status keep_answer(eval_work *work, mmn_eval_run *run, const mmn_sample *sample,
                              const int32_t *ids, size_t count, mmn_error *error)
{
    char *answer;
    mmn_status status = mmn_reserve(&run->predictions, &run->capacity, run->count + 1,
                                    sizeof(*run->predictions), error);
    if (status == MMN_OK)
        status = mmn_model_decode(work->evaluation->model, ids, count, 1, &answer, error);
    if (status != MMN_OK)
        return status;
    status = score(run, sample, answer, error);
    mmn_release(answer);
    return status;
}

/* *session is the caller's, after a failure too. */
static mmn_status make_session(mmn_session **session, const mmn_evaluation *evaluation,
                               const mmn_eval_run *run, const mmn_sample *sample,
                               mmn_error *error)
{
    const mmn_sampling sampling = {.temperature = evaluation->temperature,
                                   .top_p = evaluation->top_p,
                                   .top_k = evaluation->top_k,
                                   .seed = evaluation->sampling_seed,
                                   .sample = sample->id,
                                   .repetition_penalty = evaluation->repetition_penalty};
    mmn_status status = mmn_session_create(session, evaluation->model, NULL, error);
    if (status == MMN_OK)
        status = mmn_session_set_sampling(*session, &sampling, error);
    if (status == MMN_OK)
        status = mmn_session_set_beam_search(*session, &evaluation->beam_search, error);
    if (status == MMN_OK && evaluation->stop_string_count > 0)
        status = mmn_session_set_stop_strings(*session,
                                              (const char *const *)evaluation->stop_strings,
                                              evaluation->stop_string_count, error);
    if (status == MMN_OK && run->mask)
        status = mmn_session_add_mask(*session, run->mask, error);
    return status;
}

/* Settings that cannot be are the caller's mistake, and no line's of the list. */
static mmn_status try_decoding(const mmn_evaluation *evaluation, mmn_error *error)
{
    const mmn_eval_run all_on = {0};
    const mmn_sample none = {0};
    mmn_session *session = NULL;
    mmn_status status = MMN_OK;
    if (!evaluation->template_is_own) {
        char *prompt = NULL;
        status = mmn_prompt_from_template(evaluation->model, evaluation->template_name, "", 0,
                                          &prompt, error);
        mmn_free(prompt);
    }
    if (status == MMN_USAGE || status == MMN_SYSTEM)
        return status;
    status = make_session(&session, evaluation, &all_on, &none, error);
    mmn_session_free(session);
    return status;
}

/* Bytes that a session needs to prefill `input` and answer: keys, values and the rows of a layer. */
static size_t session_bytes(const mmn_evaluation *evaluation, const mmn_input *input)
{
    const mmn_language_config *config = &evaluation->model->config.language;
    size_t keys = 2 * (size_t)config->layers * config->kv_heads * config->head_dim;
    size_t row = 5 * (size_t)config->hidden_size + 2 * (size_t)config->intermediate_size;
    size_t positions = input->length + (size_t)evaluation->tokens + MMN_LANGUAGE_CACHE_STEP;
    return (keys + row) * sizeof(float) * positions;
}

static size_t group_size(const eval_work *work, const mmn_input *input)
{
    if (work->options->batch > 0)
        return (size_t)work->options->batch;
    size_t fitting = (size_t)TOGETHER_BYTES / session_bytes(work->evaluation, input);
    return fitting < 1 ? 1 : fitting < TOGETHER ? fitting : TOGETHER;
}

/* Answers in the runs from number `first` on, in a session each, side by side. The sessions stay. */
static mmn_status answer_group(eval_work *work, size_t first, size_t count,
                               const mmn_sample *sample, const mmn_input *input, mmn_error *error)
{
    const mmn_evaluation *evaluation = work->evaluation;
    mmn_session **sessions = work->sessions + first;
    size_t tokens = (size_t)evaluation->tokens;
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < count && status == MMN_OK; i++)
        status = make_session(&sessions[i], evaluation, work->runs[first + i], sample, error);
    if (status == MMN_OK)
        status = mmn_sessions_prefill(sessions, count, work->sessions[0], input, error);
    if (status == MMN_OK)
        status = mmn_sessions_generate(sessions, count, tokens, work->ids, work->counts, error);
    for (size_t i = 0; i < count && status == MMN_OK; i++)
        status = keep_answer(work, work->runs[first + i], sample, work->ids + i * tokens,
                             work->counts[i], error);
    work->done += count;
    return status == MMN_OK ? report(work, error) : status;
}

static void free_sessions(eval_work *work, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        mmn_session_free(work->sessions[i]);
        work->sessions[i] = NULL;
    }
}

static void note_metric(mmn_eval_domain *domain, mmn_metric metric)
{
    domain->mixed = domain->mixed || (domain->begun && metric != domain->metric);
    if (!domain->begun)
        domain->metric = metric;
    domain->begun = true;
}

/* An mmn_list_run_function: answers the sample in every run of its domain. The first has no mask, and
 * its session stays for what the others have in common with it. */
static mmn_status answer_all(void *context, const mmn_planned_sample *planned,
                             const mmn_input *input, mmn_error *error)
{
    eval_work *work = context;
    mmn_evaluation *evaluation = work->evaluation;
    size_t runs = 0, size = group_size(work, input), count;
    mmn_status status = MMN_OK;
    note_metric(&evaluation->domains[planned->domain], planned->sample.metric);
    for (size_t i = 0; i < evaluation->run_count; i++)
        if (evaluation->runs[i].domain == planned->domain)
            work->runs[runs++] = &evaluation->runs[i];
    for (size_t first = 0; first < runs && status == MMN_OK; first += count) {
        count = runs - first < size ? runs - first : size;
        status = answer_group(work, first, count, &planned->sample, input, error);
        free_sessions(work, first > 0 ? first : 1, first + count);
    }
    free_sessions(work, 0, 1);
    return status;
}

/* ---- All samples ----------------------------------------------------------------------------- */

static mmn_status copy_stop_strings(mmn_evaluation *evaluation, const mmn_eval_options *options,
                                    mmn_error *error)
{
    size_t count = options->stop_string_count;
    if (count == 0)
        return MMN_OK;
    evaluation->stop_strings = mmn_allocate(count, sizeof(*evaluation->stop_strings), error);
    if (!evaluation->stop_strings)
        return MMN_SYSTEM;
    for (; evaluation->stop_string_count < count; evaluation->stop_string_count++)
        if (!(evaluation->stop_strings[evaluation->stop_string_count] = mmn_copy_text(
                  options->stop_strings[evaluation->stop_string_count], error)))
            return MMN_SYSTEM;
    return MMN_OK;
}

/* What the caller leaves open is as the folder says. */
static void choose_decoding(mmn_evaluation *evaluation, const mmn_eval_options *options)
{
    const mmn_generation_info *own = &mmn_model_describe(evaluation->model)->generation;
    evaluation->repetition_penalty = options->repetition_penalty == 0 ? own->repetition_penalty
                                                                      : options->repetition_penalty;
    evaluation->beam_search =
        options->beam_search.beams == 0 ? own->beam_search : options->beam_search;
}

static mmn_status copy_options(mmn_evaluation *evaluation, const mmn_eval_options *options,
                               mmn_error *error)
{
    const char *template_name = options->template_name
                                    ? options->template_name
                                    : mmn_model_describe(evaluation->model)->template_name;
    if (options->seeds > MMN_EVAL_SEED_LIMIT)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there can be at most %d random choices",
                        MMN_EVAL_SEED_LIMIT);
    if (options->tokens > MMN_MAXIMUM_POSITIONS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "an answer can have at most %d tokens",
                        MMN_MAXIMUM_POSITIONS);
    evaluation->allowed = (mmn_allowances){.unknown_keys = options->allow_unknown_keys != 0,
                                           .long_prompts = options->allow_long_prompts != 0,
                                           .other_model = options->other_model != 0};
    evaluation->samples = options->samples;
    evaluation->seeds = options->seeds;
    evaluation->first_seed = options->first_seed;
    evaluation->tokens = options->tokens > 0 ? options->tokens : TOKENS;
    evaluation->temperature = options->temperature;
    evaluation->top_p = options->top_p == 0 ? 1 : options->top_p;
    evaluation->sampling_seed = options->sampling_seed;
    evaluation->top_k = options->top_k;
    choose_decoding(evaluation, options);
    evaluation->list = mmn_copy_text(options->list, error);
    evaluation->template_name = mmn_copy_text(template_name, error);
    evaluation->template_is_own = !options->template_name;
    return evaluation->list && evaluation->template_name
               ? copy_stop_strings(evaluation, options, error)
               : MMN_SYSTEM;
}

static mmn_status run_all(mmn_evaluation *evaluation, const mmn_eval_options *options,
                          mmn_error *error)
{
    eval_work work = {.evaluation = evaluation, .options = options, .start = mmn_clock()};
    for (size_t i = 0; i < evaluation->run_count; i++)
        work.total += evaluation->domains[evaluation->runs[i].domain].wanted;
    size_t runs = evaluation->run_count;
    mmn_status status = MMN_SYSTEM;
    if ((work.runs = mmn_allocate(runs, sizeof(mmn_eval_run *), error)) &&
        (work.sessions = mmn_allocate(runs, sizeof(mmn_session *), error)) &&
        (work.ids = mmn_allocate(runs, (size_t)evaluation->tokens * sizeof(*work.ids), error)) &&
        (work.counts = mmn_allocate(runs, sizeof(*work.counts), error)))
        status = report(&work, error);
    if (status == MMN_OK)
        status = mmn_list_run_each(&evaluation->list_run, answer_all, &work, error);
    mmn_free(work.runs);
    mmn_free(work.sessions);
    mmn_free(work.ids);
    mmn_free(work.counts);
    return status;
}

mmn_status mmn_evaluation_make(mmn_evaluation **evaluation, const mmn_model *model,
                               const mmn_eval_options *options, mmn_error *error)
{
    *evaluation = mmn_allocate(1, sizeof(**evaluation), error);
    if (!*evaluation)
        return MMN_SYSTEM;
    const uint64_t passed = mmn_model_nonfinite(model, NULL);
    (*evaluation)->model = model;
    mmn_status status = copy_options(*evaluation, options, error);
    if (status == MMN_OK)
        status = try_decoding(*evaluation, error);
    if (status == MMN_OK)
        status = mmn_eval_plan(*evaluation, options, error);
    if (status == MMN_OK)
        status = run_all(*evaluation, options, error);
    (*evaluation)->nonfinite = mmn_model_nonfinite(model, NULL) > passed;
    if (status != MMN_OK) {
        mmn_evaluation_free(*evaluation);
        *evaluation = NULL;
    }
    return status;
}

void mmn_evaluation_free(mmn_evaluation *evaluation)
{
    if (!evaluation)
        return;
    for (size_t i = 0; i < evaluation->run_count; i++) {
        mmn_eval_run *run = &evaluation->runs[i];
        for (size_t k = 0; k < run->count; k++) {
            mmn_free(run->predictions[k].id);
            mmn_free(run->predictions[k].answer);
        }
        mmn_free(run->predictions);
    }
    for (size_t i = 0; i < evaluation->mask_count; i++)
        mmn_mask_free(evaluation->masks[i]);
    for (size_t i = 0; i < evaluation->setting_count; i++)
        mmn_free(evaluation->settings[i]);
    mmn_free(evaluation->runs);
    mmn_free(evaluation->masks);
    mmn_free(evaluation->domains);
    mmn_list_run_free(&evaluation->list_run);
    mmn_free(evaluation->settings);
    mmn_free(evaluation->crossed);
    mmn_free(evaluation->list);
    mmn_free(evaluation->template_name);
    for (size_t i = 0; i < evaluation->stop_string_count; i++)
        mmn_free(evaluation->stop_strings[i]);
    mmn_free(evaluation->stop_strings);
    mmn_free(evaluation);
}
