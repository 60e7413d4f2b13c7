/* What is asked of an evaluation: its options, settings and samples, checked before any work. */
#include <inttypes.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/names.h"
#include "model/model.h"
#include "pass/session.h"
#include "study/eval.h"

enum { TOKENS = 16 };

/* ---- Options --------------------------------------------------------------------------------- */

mmn_status mmn_evaluation_set_decoding(const mmn_evaluation *evaluation, mmn_session *session,
                                       mmn_error *error)
{
    const mmn_eval_options *options = evaluation->options;
    const mmn_sampling sampling = {.temperature = options->temperature,
                                   .top_p = evaluation->top_p,
                                   .top_k = options->top_k,
                                   .seed = options->sampling_seed,
                                   .sample = evaluation->sample->id,
                                   .repetition_penalty = evaluation->repetition_penalty};
    MMN_TRY(mmn_session_set_sampling(session, &sampling, error));
    MMN_TRY(mmn_session_set_beam_search(session, &evaluation->beam_search, error));
    return options->stop_string_count > 0
               ? mmn_session_set_stop_strings(session, options->stop_strings,
                                              options->stop_string_count, error)
               : MMN_OK;
}

/* Settings that cannot be are the caller's mistake, and no line's of the list. */
static mmn_status try_decoding(mmn_evaluation *evaluation, mmn_error *error)
{
    const mmn_sample none = {0};
    const mmn_model *model = evaluation->study.model;
    mmn_session *session = NULL;
    mmn_status status = MMN_OK;
    if (evaluation->options->template_name) {
        char *prompt = NULL;
        status = mmn_prompt_from_template(model, evaluation->template_name, "", 0, &prompt, error);
        mmn_free(prompt);
    }
    if (status == MMN_USAGE || status == MMN_SYSTEM)
        return status;
    if (!evaluation->answers)
        return MMN_OK;
    MMN_TRY(mmn_session_create(&session, model, NULL, error));
    evaluation->sample = &none;
    status = mmn_evaluation_set_decoding(evaluation, session, error);
    mmn_session_free(session);
    return status;
}

static mmn_status refuse_metric(const mmn_sample *sample, const char *file, const char *what,
                                mmn_error *error)
{
    return mmn_fail(error, MMN_INPUT, file, MMN_PLACE("line %" PRIu64 ", metric", sample->line),
                    "is %s", what);
}

/* Of mmn_samples. Who asks for a language alone needs no right answers. */
static mmn_status check_sample(const void *context, const mmn_sample *sample, const char *file,
                               mmn_error *error)
{
    const mmn_evaluation *evaluation = context;
    if (sample->metric == MMN_METRIC_LINGO && evaluation->answers && !evaluation->options->judge)
        return refuse_metric(sample, file,
                             "\"lingo\", for which a judge of answers is asked (--judge)", error);
    if (sample->metric == MMN_METRIC_LANGUAGE && evaluation->answers &&
        !evaluation->options->languages)
        return refuse_metric(sample, file,
                             "\"language\", for which texts of the languages are needed "
                             "(--languages)",
                             error);
    return sample->metric == MMN_METRIC_LANGUAGE && !evaluation->likelihood
               ? MMN_OK
               : mmn_sample_check_answers(sample, file, error);
}

/* What `text` names, separated by commas; NULL: both. */
static mmn_status choose_measures(mmn_evaluation *evaluation, const char *text, mmn_error *error)
{
    mmn_item item;
    evaluation->answers = evaluation->likelihood = !text;
    while (text && mmn_next_item(&item, &text, ',')) {
        bool *measured = mmn_item_is(&item, "answers")      ? &evaluation->answers
                         : mmn_item_is(&item, "likelihood") ? &evaluation->likelihood
                                                            : NULL;
        if (!measured || *measured)
            return mmn_fail(error, MMN_USAGE, NULL, NULL,
                            "\"%.*s\" is no measure, or named twice; expected \"answers\", "
                            "\"likelihood\" or both, separated by a comma",
                            MMN_ITEM(item));
        *measured = true;
    }
    return MMN_OK;
}

/* Whether what is asked of languages makes sense. */
static mmn_status check_steering(const mmn_evaluation *evaluation, mmn_error *error)
{
    const mmn_eval_options *options = evaluation->options;
    if (options->languages && !evaluation->answers)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "languages are those of answers, which are not measured");
    if (options->steer && (!options->languages || !options->cross || options->until > 0))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "steering is to languages (--languages), in settings of the cross table "
                        "(--cross), and of all samples (no --until)");
    return MMN_OK;
}

mmn_status mmn_evaluation_set_up(void *context, const mmn_model *model, const void *asked,
                                 mmn_error *error)
{
    mmn_evaluation *evaluation = context;
    const mmn_eval_options *options = asked;
    const mmn_model_info *info = mmn_model_describe(model);
    MMN_GIVEN(error, options->list);
    MMN_GIVEN_TEXTS(error, "stop string", options->stop_string_count, options->stop_strings);
    MMN_TRY(mmn_study_check_seeds(options->seeds, error));
    if (options->tokens > MMN_MAXIMUM_POSITIONS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "an answer can have at most %d tokens",
                        MMN_MAXIMUM_POSITIONS);
    *evaluation = (mmn_evaluation){
        .study = {.model = model,
                  MMN_STUDY_ASKED(options),
                  MMN_STUDY_LONG_PROMPTS(options),
                  MMN_STUDY_SEEDS(options),
                  .samples.template_name = options->template_name ? options->template_name : "",
                  .samples.check = check_sample,
                  .samples.check_context = evaluation,
                  .neurons = options->neurons,
                  .settings = options->settings,
                  .batch = options->batch},
        .options = options,
        .template_name = options->template_name ? options->template_name : info->template_name,
        .tokens = options->tokens > 0 ? options->tokens : TOKENS,
        .top_p = options->top_p == 0 ? 1 : options->top_p,
        .repetition_penalty = options->repetition_penalty == 0 ? info->generation.repetition_penalty
                                                               : options->repetition_penalty,
        .beam_search = options->beam_search.beams == 0 ? info->generation.beam_search
                                                       : options->beam_search};
    MMN_TRY(choose_measures(evaluation, options->measures, error));
    if (options->cases > 0 && !evaluation->answers)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "cases are of answers, which are not among the measures");
    if (options->judge)
        MMN_TRY(mmn_judge_check(options->judge, error));
    MMN_TRY(check_steering(evaluation, error));
    return try_decoding(evaluation, error);
}

/* ---- Settings and languages ------------------------------------------------------------------ */

/* Marks the settings that `cross` names, once those that are evaluated are known; nothing is
 * switched off in any case. */
static mmn_status mark_crossed(mmn_plan *plan, const mmn_settings *crossed, mmn_error *error)
{
    for (size_t c = 0; c < crossed->count; c++) {
        const size_t i = mmn_settings_find(&plan->settings, crossed->names[c]);
        if (i == SIZE_MAX)
            return mmn_fail(error, MMN_USAGE, NULL, NULL,
                            "the cross table is of a setting that is evaluated, which \"%.100s\" "
                            "is not",
                            crossed->names[c]);
        plan->crossed[i] = true;
    }
    return MMN_OK;
}

static mmn_status check_settings(mmn_evaluation *evaluation, mmn_error *error)
{
    mmn_plan *plan = &evaluation->study.plan;
    const mmn_neurons *lists = evaluation->study.lists;
    const char *cross = evaluation->options->cross;
    mmn_settings crossed = {0};
    mmn_settings_remove(&plan->settings, "none");
    mmn_status status = cross ? mmn_settings_make(&crossed, cross, lists, error) : MMN_OK;
    if (status == MMN_OK)
        status = mark_crossed(plan, &crossed, error);
    mmn_settings_free(&crossed);
    if (status == MMN_OK && plan->settings.count > 0 && !lists)
        status = mmn_fail(error, MMN_USAGE, NULL, NULL,
                          "the setting \"%s\" needs a file of neurons to switch off",
                          plan->settings.names[0]);
    if (status == MMN_OK && plan->settings.count == 0 && evaluation->options->cases > 0)
        status = mmn_fail(error, MMN_USAGE, NULL, NULL,
                          "cases are of answers that change while neurons are off, which needs a "
                          "file of neurons and a setting");
    return status;
}

/* Reads the texts of languages, which must be those of the samples, and the counts to steer by. */
static mmn_status read_languages(mmn_evaluation *evaluation, mmn_error *error)
{
    const mmn_eval_options *options = evaluation->options;
    mmn_study *study = &evaluation->study;
    const mmn_domains *domains = &study->samples.domains;
    if (!options->languages)
        return MMN_OK;
    MMN_TRY(mmn_languages_read(&evaluation->languages, options->languages, error));
    for (size_t d = 0; d < domains->domain_count; d++)
        if (mmn_languages_named(&evaluation->languages, domains->domains[d].name) == SIZE_MAX)
            return mmn_fail(error, MMN_INPUT, options->languages, NULL,
                            "has no texts of \"%s\", a language of the samples",
                            domains->domains[d].name);
    if (!options->steer)
        return MMN_OK;
    MMN_TRY(mmn_counts_read(&evaluation->steering_counts, options->steer, error));
    study->plan.counts = evaluation->steering_counts;
    study->plan.other_model = options->other_model != 0;
    return MMN_OK;
}

/* What would stop at the first question stops here, before any work. */
mmn_status mmn_evaluation_check(void *context, mmn_error *error)
{
    mmn_evaluation *evaluation = context;
    const mmn_model *model = evaluation->study.model;
    MMN_TRY(check_settings(evaluation, error));
    MMN_TRY(mmn_evaluation_check_until(evaluation, error));
    MMN_TRY(read_languages(evaluation, error));
    if (!evaluation->options->template_name && evaluation->study.samples.has_questions)
        MMN_TRY(mmn_own_template_check(&model->own_template, error));
    if (!evaluation->answers)
        return MMN_OK;
    if (evaluation->options->judge)
        MMN_TRY(mmn_model_digest(evaluation->options->judge, evaluation->judge_digest, error));
    return mmn_generation_rules_check(&model->rules, model->folder, error);
}
