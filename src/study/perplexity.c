/* Reading texts: the likelihood of every token of each domain's windows in all runs of the domain. */
#include "study/perplexity.h"

#include "base/memory.h"
#include "functions.h"
#include "model/input.h"

/* An mmn_see_function: adds up how improbable the tokens behind the positions are. */
static mmn_status see_normed(void *context, const mmn_stage *stage, mmn_error *error)
{
    mmn_perplexity_run *run = context;
    size_t first = stage->first_position, rows = stage->shape[0];
    if (first + rows == stage->input->length)
        rows--;
    return mmn_likelihood_add(run->likelihood, &run->nats, stage->data,
                              stage->input->ids + first + 1, rows, error);
}

/* Of mmn_measuring. */
static mmn_status ready(void *context, mmn_session *session, size_t run, mmn_error *error)
{
    mmn_perplexity *perplexity = context;
    const mmn_probe probe = {
        .stages = "language.norm", .see = see_normed, .context = &perplexity->runs[run]};
    return mmn_session_add_probe(session, &probe, error);
}

/* An mmn_study_function. */
static mmn_status read_window(void *context, const mmn_planned_sample *planned,
                              const mmn_input *input, mmn_error *error)
{
    static const mmn_measuring measuring = {.ready = ready};
    mmn_perplexity *perplexity = context;
    perplexity->tokens[planned->domain] += input->length - 1;
    return mmn_study_measure(&perplexity->study, &measuring, perplexity, planned->domain, input,
                             error);
}

static mmn_status set_up(mmn_perplexity *perplexity, const mmn_model *model,
                         const mmn_perplexity_options *options, mmn_error *error)
{
    perplexity->options = options;
    if (options->seeds > MMN_SUMMARY_SEEDS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there can be at most %d random choices",
                        MMN_SUMMARY_SEEDS);
    perplexity->study = (mmn_study){
        .model = model,
        .samples = {.file = options->list, .limit = options->samples},
        .neurons = options->neurons,
        .setting = !options->neurons ? NULL : options->setting ? options->setting : "all",
        .plan = {.plain = true,
                 .crossed = {true},
                 .seeds = options->seeds,
                 .first_seed = options->first_seed},
        .allowed = {.unknown_keys = options->allow_unknown_keys != 0,
                    .other_model = options->other_model != 0},
        .batch = options->batch,
        .progress = {.label = "reading", .unit = "windows"},
        .show = options->progress,
        .show_context = options->progress_context};
    return mmn_windows_set(&perplexity->study.samples.windows, model, options->window,
                           options->begin_of_text != 0, error);
}

static mmn_status read_all(mmn_perplexity *perplexity, mmn_error *error)
{
    mmn_study *study = &perplexity->study;
    const mmn_domains *domains = &study->samples.domains;
    perplexity->tokens =
        mmn_allocate(domains->domain_count, sizeof(*perplexity->tokens), error);
    perplexity->runs = mmn_allocate(study->plan.run_count, sizeof(*perplexity->runs), error);
    if (!perplexity->tokens || !perplexity->runs)
        return MMN_SYSTEM;
    for (size_t i = 0; i < study->plan.run_count; i++)
        perplexity->runs[i].likelihood = &perplexity->likelihood;
    mmn_status status = mmn_likelihood_begin(&perplexity->likelihood, study->model, error);
    if (status == MMN_OK)
        status = mmn_study_each(study, read_window, perplexity, error);
    for (size_t d = 0; d < domains->domain_count && status == MMN_OK; d++)
        if (perplexity->tokens[d] == 0)
            status = mmn_fail(error, MMN_INPUT, study->samples.file, NULL,
                              "the domain \"%s\" has no token to predict: the first of each window "
                              "is not", domains->domains[d].name);
    return status;
}

mmn_status mmn_perplexity_find(mmn_perplexity *perplexity, const mmn_model *model,
                               const mmn_perplexity_options *options, mmn_error *error)
{
    mmn_study *study = &perplexity->study;
    mmn_status status = set_up(perplexity, model, options, error);
    if (status == MMN_OK)
        status = mmn_study_open(study, error);
    if (status == MMN_OK)
        status = mmn_windows_digest(&study->samples.windows, &study->samples.domains,
                                    perplexity->data, error);
    if (status == MMN_OK)
        status = mmn_study_plan(study, error);
    return status == MMN_OK ? read_all(perplexity, error) : status;
}

void mmn_perplexity_free(mmn_perplexity *perplexity)
{
    mmn_likelihood_free(&perplexity->likelihood);
    mmn_free(perplexity->runs);
    mmn_free(perplexity->tokens);
    mmn_study_close(&perplexity->study);
}

double mmn_perplexity_nats(const void *perplexity, size_t run)
{
    const mmn_perplexity *found = perplexity;
    return found->runs[run].nats / (double)found->tokens[found->study.plan.runs[run].domain];
}

double mmn_perplexity_of(double nats)
{
    return mmn_exp_f64(nats);
}
