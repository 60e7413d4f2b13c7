/* Studies: what all of them share. */
#include "study/study.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "model/input.h"
#include "pass/session.h"
#include "count/sample_input.h"

/* TOGETHER_BYTES: what the sessions of runs side by side may take, unless the caller says how many
 * these are. TOGETHER: the most; more no longer gain anything. */
enum { TOGETHER = 64, TOGETHER_BYTES = INT32_MAX };

/* ---- Opening --------------------------------------------------------------------------------- */

static mmn_status choose_settings(mmn_study *study, mmn_error *error)
{
    mmn_settings *settings = &study->plan.settings;
    if (study->setting)
        return mmn_settings_add(settings, study->setting, error);
    return study->lists || study->settings
               ? mmn_settings_make(settings, study->settings, study->lists, error)
               : MMN_OK;
}

/* Reads neurons and list, and chooses the settings. What costs no time is checked then. */
static mmn_status open_study(mmn_study *study, mmn_error *error)
{
    mmn_samples *samples = &study->samples;
    mmn_status status = MMN_OK;
    study->passed = mmn_model_nonfinite(study->model, NULL);
    if (study->neurons)
        status = mmn_neuron_lists_read(&study->lists, study->neurons, error);
    if (status == MMN_OK && study->lists)
        memcpy(study->neurons_digest, study->lists->digest, sizeof(study->neurons_digest));
    if (status == MMN_OK)
        status = choose_settings(study, error);
    samples->model = study->model;
    samples->allow_unknown_keys = study->allowed.unknown_keys;
    samples->allow_long_prompts = study->allowed.long_prompts;
    return status == MMN_OK && samples->file ? mmn_samples_open(samples, error) : status;
}

/* Finds out the model's digest, which reads the whole checkpoint, and makes the plan. */
static mmn_status plan_study(mmn_study *study, mmn_error *error)
{
    mmn_plan *plan = &study->plan;
    mmn_status status = mmn_model_digest(study->model, study->model_digest, error);
    if (status == MMN_OK && study->lists)
        status = mmn_allowances_check(&study->allowed, study->lists->model, study->model_digest,
                                      study->neurons, error);
    if (status == MMN_OK)
        status = mmn_plan_make(plan, study->model, &study->samples.domains, study->samples.file,
                               study->lists, study->neurons, error);
    if (status != MMN_OK)
        return status;
    for (size_t i = 0; i < plan->run_count; i++)
        study->progress.total += study->samples.domains.domains[plan->runs[i].domain].left;
    study->side = mmn_allocate(plan->run_count, sizeof(*study->side), error);
    study->sessions = mmn_allocate(plan->run_count, sizeof(mmn_session *), error);
    return study->side && study->sessions ? MMN_OK : MMN_SYSTEM;
}

void mmn_study_close(mmn_study *study)
{
    mmn_free(study->side);
    mmn_free(study->sessions);
    mmn_plan_free(&study->plan);
    mmn_samples_close(&study->samples);
    mmn_neuron_lists_free(study->lists);
}

/* ---- The loop -------------------------------------------------------------------------------- */

mmn_status mmn_study_advance(mmn_study *study, uint64_t done, mmn_error *error)
{
    study->progress.done += done;
    if (study->start == 0)
        study->start = mmn_clock();
    study->progress.seconds = mmn_clock() - study->start;
    if (study->show && study->show(study->show_context, &study->progress) != 0)
        return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "interrupted");
    return MMN_OK;
}

static mmn_status run_sample(mmn_study *study, const mmn_planned_sample *planned,
                             mmn_study_function function, void *context, mmn_error *error)
{
    mmn_input *input;
    mmn_error problem = {0};
    bool bad;
    mmn_status status = mmn_samples_input(&input, &study->samples, planned, &bad, error);
    if (status != MMN_OK)
        return status;
    status = function(context, planned, input, &problem);
    if (status != MMN_OK) {
        if (study->samples.windows.length == 0)
            mmn_sample_blame(&problem, planned->sample.line, study->samples.file);
        if (error)
            *error = problem;
        status = problem.status;
    }
    study->samples.domains.domains[planned->domain].samples++;
    mmn_input_free(input);
    return status;
}

static mmn_status run_samples(mmn_study *study, mmn_study_function function, void *context,
                              mmn_error *error)
{
    mmn_status status = mmn_study_advance(study, 0, error);
    for (bool found = true; found && status == MMN_OK;) {
        mmn_planned_sample planned;
        status = mmn_samples_next(&planned, &found, &study->samples, error);
        if (status == MMN_OK && found)
            status = run_sample(study, &planned, function, context, error);
    }
    return status;
}

/* Asks whether list and model are unchanged, and notes what was not finite. */
static mmn_status end_study(mmn_study *study, mmn_error *error)
{
    study->nonfinite = mmn_model_nonfinite(study->model, NULL) > study->passed;
    return study->samples.list ? mmn_samples_unchanged(&study->samples, error)
                               : mmn_model_unchanged(study->model, error);
}

/* ---- Side by side ---------------------------------------------------------------------------- */

static size_t group_size(const mmn_study *study, const mmn_measuring *measuring,
                         const mmn_input *input)
{
    if (study->batch > 0)
        return study->batch;
    size_t bytes = mmn_session_bytes(study->model, input->length, measuring->tokens);
    size_t fitting = (size_t)TOGETHER_BYTES / bytes;
    return fitting < 1 ? 1 : fitting < TOGETHER ? fitting : TOGETHER;
}

/* The runs from number `first` of those at the side on, in a session each. The sessions stay. */
static mmn_status run_group(mmn_study *study, const mmn_measuring *measuring, void *context,
                            size_t first, size_t count, const mmn_input *input, mmn_error *error)
{
    const mmn_session_options options = {.prompt_only = measuring->tokens == 0};
    const size_t *runs = study->side + first;
    mmn_session **sessions = study->sessions + first;
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < count && status == MMN_OK; i++) {
        const mmn_mask *mask = study->plan.runs[runs[i]].mask;
        status = mmn_session_create(&sessions[i], study->model, &options, error);
        if (status == MMN_OK && mask)
            status = mmn_session_add_mask(sessions[i], mask, error);
        if (status == MMN_OK)
            status = measuring->ready(context, sessions[i], runs[i], error);
    }
    if (status == MMN_OK)
        status = mmn_sessions_prefill(sessions, count, study->sessions[0], input, error);
    if (status == MMN_OK && measuring->finish)
        status = measuring->finish(context, sessions, runs, count, error);
    const uint64_t done = measuring->again ? 0 : count;
    return status == MMN_OK ? mmn_study_advance(study, done, error) : status;
}

static void free_sessions(mmn_study *study, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        mmn_session_free(study->sessions[i]);
        study->sessions[i] = NULL;
    }
}

/* The first run's session stays for what the others have in common with it. */
mmn_status mmn_study_measure(mmn_study *study, const mmn_measuring *measuring, void *context,
                             size_t domain, const mmn_input *input, mmn_error *error)
{
    const mmn_plan *plan = &study->plan;
    size_t runs = 0, size = group_size(study, measuring, input), count;
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < plan->run_count; i++)
        if (plan->runs[i].domain == domain)
            study->side[runs++] = i;
    for (size_t first = 0; first < runs && status == MMN_OK; first += count) {
        count = runs - first < size ? runs - first : size;
        status = run_group(study, measuring, context, first, count, input, error);
        free_sessions(study, first > 0 ? first : 1, first + count);
    }
    free_sessions(study, 0, runs > 0);
    return status;
}

/* ---- All of it ------------------------------------------------------------------------------- */

mmn_status mmn_study_find(const mmn_study_kind *kind, void *kept, mmn_error *error)
{
    mmn_status status = open_study(kept, error);
    if (status == MMN_OK && kind->check)
        status = kind->check(kept, error);
    if (status == MMN_OK)
        status = plan_study(kept, error);
    if (status == MMN_OK)
        status = kind->begin(kept, error);
    if (status == MMN_OK && kind->measure)
        status = run_samples(kept, kind->measure, kept, error);
    return status == MMN_OK ? end_study(kept, error) : status;
}
