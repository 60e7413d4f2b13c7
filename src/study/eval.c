/* Evaluating: answers every sample of a list in all runs of its domain, and scores the answers. */
#include "study/eval.h"

#include <string.h>

#include "base/memory.h"
#include "model/model.h"
#include "model/session.h"

enum { TOKENS = 16 };

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
    run->count++;
    if (!prediction->id || !prediction->answer)
        return MMN_SYSTEM;
    run->accuracy_sum += prediction->score;
    for (mmn_measure m = 0; m < MMN_MEASURES; m++) {
        if (!mmn_measure_applies(m, sample->metric))
            continue;
        run->sums[m] += scores[m];
        run->counts[m]++;
    }
    return MMN_OK;
}

static mmn_status keep_answer(const mmn_evaluation *evaluation, mmn_eval_run *run,
                              const int32_t *ids, size_t count, mmn_error *error)
{
    char *answer;
    mmn_status status = mmn_reserve(&run->predictions, &run->capacity, run->count + 1,
                                    sizeof(*run->predictions), error);
    if (status == MMN_OK)
        status = mmn_model_decode(evaluation->study.model, ids, count, 1, &answer, error);
    if (status != MMN_OK)
        return status;
    status = score(run, evaluation->sample, answer, error);
    mmn_release(answer);
    return status;
}

/* Of mmn_measuring. */
static mmn_status ready(void *context, mmn_session *session, size_t run, mmn_error *error)
{
    const mmn_evaluation *evaluation = context;
    const mmn_eval_options *options = evaluation->options;
    const mmn_sampling sampling = {.temperature = options->temperature,
                                   .top_p = evaluation->top_p,
                                   .top_k = options->top_k,
                                   .seed = options->sampling_seed,
                                   .sample = evaluation->sample->id,
                                   .repetition_penalty = evaluation->repetition_penalty};
    mmn_status status = mmn_session_set_sampling(session, &sampling, error);
    (void)run;
    if (status == MMN_OK)
        status = mmn_session_set_beam_search(session, &evaluation->beam_search, error);
    if (status == MMN_OK && options->stop_string_count > 0)
        status = mmn_session_set_stop_strings(session, options->stop_strings,
                                              options->stop_string_count, error);
    return status;
}

/* Of mmn_measuring. */
static mmn_status answer(void *context, mmn_session *const *sessions, const size_t *runs,
                         size_t count, mmn_error *error)
{
    const mmn_evaluation *evaluation = context;
    size_t tokens = (size_t)evaluation->tokens;
    mmn_status status = mmn_sessions_generate(sessions, count, tokens, evaluation->ids,
                                              evaluation->counts, error);
    for (size_t i = 0; i < count && status == MMN_OK; i++)
        status = keep_answer(evaluation, &evaluation->runs[runs[i]], evaluation->ids + i * tokens,
                             evaluation->counts[i], error);
    return status;
}

/* An mmn_study_function. */
static mmn_status answer_sample(void *context, const mmn_planned_sample *planned,
                                const mmn_input *input, mmn_error *error)
{
    mmn_evaluation *evaluation = context;
    const mmn_measuring measure = {
        .tokens = (size_t)evaluation->tokens, .ready = ready, .finish = answer};
    mmn_eval_domain *domain = &evaluation->domains[planned->domain];
    mmn_metric metric = planned->sample.metric;
    domain->mixed = domain->mixed || (domain->begun && metric != domain->metric);
    if (!domain->begun)
        domain->metric = metric;
    domain->begun = true;
    evaluation->sample = &planned->sample;
    return mmn_study_measure(&evaluation->study, &measure, evaluation, planned->domain, input,
                             error);
}

/* ---- All samples ----------------------------------------------------------------------------- */

static mmn_status set_up(mmn_evaluation *evaluation, const mmn_model *model,
                         const mmn_eval_options *options, mmn_error *error)
{
    const mmn_model_info *info = mmn_model_describe(model);
    evaluation->options = options;
    if (options->seeds > MMN_SUMMARY_SEEDS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there can be at most %d random choices",
                        MMN_SUMMARY_SEEDS);
    if (options->tokens > MMN_MAXIMUM_POSITIONS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "an answer can have at most %d tokens",
                        MMN_MAXIMUM_POSITIONS);
    evaluation->template_name = options->template_name ? options->template_name
                                                       : info->template_name;
    evaluation->tokens = options->tokens > 0 ? options->tokens : TOKENS;
    evaluation->top_p = options->top_p == 0 ? 1 : options->top_p;
    evaluation->repetition_penalty = options->repetition_penalty == 0
                                         ? info->generation.repetition_penalty
                                         : options->repetition_penalty;
    evaluation->beam_search = options->beam_search.beams == 0 ? info->generation.beam_search
                                                              : options->beam_search;
    evaluation->study = (mmn_study){
        .model = model,
        .samples = {.file = options->list,
                    .limit = options->samples,
                    .template_name = options->template_name ? options->template_name : "",
                    .check = mmn_sample_check_answers},
        .neurons = options->neurons,
        .settings = options->settings,
        .plan = {.plain = true, .seeds = options->seeds, .first_seed = options->first_seed},
        .allowed = {.unknown_keys = options->allow_unknown_keys != 0,
                    .long_prompts = options->allow_long_prompts != 0,
                    .other_model = options->other_model != 0},
        .batch = options->batch,
        .progress = {.label = "answering", .unit = "answers"},
        .show = options->progress,
        .show_context = options->progress_context};
    return MMN_OK;
}

/* Settings that cannot be are the caller's mistake, and no line's of the list. */
static mmn_status try_decoding(mmn_evaluation *evaluation, mmn_error *error)
{
    const mmn_sample none = {0};
    const mmn_model *model = evaluation->study.model;
    mmn_session *session = NULL;
    mmn_status status = MMN_OK;
    if (!evaluation->template_is_own) {
        char *prompt = NULL;
        status = mmn_prompt_from_template(model, evaluation->template_name, "", 0, &prompt, error);
        mmn_free(prompt);
    }
    if (status == MMN_USAGE || status == MMN_SYSTEM)
        return status;
    status = mmn_session_create(&session, model, NULL, error);
    evaluation->sample = &none;
    if (status == MMN_OK)
        status = ready(evaluation, session, 0, error);
    mmn_session_free(session);
    return status;
}

/* Marks the settings that `cross` names, once those that are evaluated are known; nothing is switched
 * off in any case. */
static mmn_status check_settings(mmn_evaluation *evaluation, mmn_error *error)
{
    mmn_plan *plan = &evaluation->study.plan;
    mmn_settings crossed = {0};
    const char *cross = evaluation->options->cross;
    mmn_settings_remove(&plan->settings, "none");
    mmn_status status =
        cross ? mmn_settings_make(&crossed, cross, evaluation->study.lists, error) : MMN_OK;
    for (size_t c = 0; c < crossed.count && status == MMN_OK; c++) {
        size_t i = mmn_settings_find(&plan->settings, crossed.names[c]);
        if (i == SIZE_MAX)
            status = mmn_fail(error, MMN_USAGE, NULL, NULL,
                              "the cross table is of a setting that is evaluated, which \"%.100s\" "
                              "is not", crossed.names[c]);
        else
            plan->crossed[i] = true;
    }
    if (status == MMN_OK && plan->settings.count > 0 && !evaluation->study.lists)
        status = mmn_fail(error, MMN_USAGE, NULL, NULL,
                          "the setting \"%s\" needs a file of neurons to switch off",
                          plan->settings.names[0]);
    mmn_settings_free(&crossed);
    return status;
}

/* What would stop at the first question stops here, before any work. */
static mmn_status check_folder(const mmn_evaluation *evaluation, mmn_error *error)
{
    const mmn_model *model = evaluation->study.model;
    mmn_status status = MMN_OK;
    if (!evaluation->options->template_name && evaluation->study.samples.has_questions)
        status = mmn_own_template_check(&model->own_template, error);
    return status == MMN_OK ? mmn_generation_rules_check(&model->rules, model->folder, error)
                            : status;
}

static mmn_status run_all(mmn_evaluation *evaluation, mmn_error *error)
{
    const mmn_study *study = &evaluation->study;
    size_t runs = study->plan.run_count;
    bool complete =
        (evaluation->domains = mmn_allocate(study->samples.domains.domain_count,
                                            sizeof(*evaluation->domains), error)) &&
        (evaluation->runs = mmn_allocate(runs, sizeof(*evaluation->runs), error)) &&
        (evaluation->counts = mmn_allocate(runs, sizeof(*evaluation->counts), error)) &&
        (evaluation->ids = mmn_allocate(
             runs, (size_t)evaluation->tokens * sizeof(*evaluation->ids), error));
    return complete ? mmn_study_each(&evaluation->study, answer_sample, evaluation, error)
                    : MMN_SYSTEM;
}

mmn_status mmn_evaluate(mmn_evaluation *evaluation, const mmn_model *model,
                        const mmn_eval_options *options, mmn_error *error)
{
    mmn_study *study = &evaluation->study;
    mmn_status status = set_up(evaluation, model, options, error);
    if (status == MMN_OK)
        status = try_decoding(evaluation, error);
    if (status == MMN_OK)
        status = mmn_study_open(study, error);
    if (status == MMN_OK)
        status = check_settings(evaluation, error);
    if (status == MMN_OK)
        status = check_folder(evaluation, error);
    if (status == MMN_OK)
        status = mmn_study_plan(study, error);
    return status == MMN_OK ? run_all(evaluation, error) : status;
}

void mmn_evaluation_free(mmn_evaluation *evaluation)
{
    for (size_t i = 0; evaluation->runs && i < evaluation->study.plan.run_count; i++) {
        mmn_eval_run *run = &evaluation->runs[i];
        for (size_t k = 0; k < run->count; k++) {
            mmn_free(run->predictions[k].id);
            mmn_free(run->predictions[k].answer);
        }
        mmn_free(run->predictions);
    }
    mmn_free(evaluation->runs);
    mmn_free(evaluation->domains);
    mmn_free(evaluation->ids);
    mmn_free(evaluation->counts);
    mmn_study_close(&evaluation->study);
}

double mmn_eval_accuracy(const void *evaluation, size_t run)
{
    const mmn_eval_run *answers = &((const mmn_evaluation *)evaluation)->runs[run];
    return answers->count > 0 ? answers->accuracy_sum / (double)answers->count : 0;
}
