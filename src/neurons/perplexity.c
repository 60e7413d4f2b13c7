/* Reading texts: the likelihood of every token of each domain's windows in all runs of the domain. */
#include "neurons/perplexity.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "functions.h"
#include "model/input.h"
#include "model/session.h"
#include "neurons/likelihood.h"
#include "neurons/mask.h"
#include "neurons/statistics.h"

/* TOGETHER_BYTES: what the sessions of runs that read side by side may take, unless the caller says how
 * many these are. TOGETHER: the most then. */
enum { TOGETHER = 64, TOGETHER_BYTES = INT32_MAX };

/* One evaluation at work. */
typedef struct work {
    mmn_perplexity *perplexity;
    const mmn_perplexity_options *options;
    mmn_likelihood likelihood;
    uint64_t done, total; /* windows of runs */
    double start;

    size_t together;        /* at most so many runs read side by side */
    mmn_session **sessions; /* [together] */
    struct reader *readers; /* [together] */
} work;

/* The probe's context in one run's session. */
typedef struct reader {
    work *work;
    mmn_perplexity_run *run;
} reader;

static mmn_status report(const work *w, mmn_error *error)
{
    const mmn_progress progress = {.label = "reading",
                                   .unit = "windows",
                                   .done = w->done,
                                   .total = w->total,
                                   .seconds = mmn_clock() - w->start};
    if (w->options->progress &&
        w->options->progress(w->options->progress_context, &progress) != 0)
        return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "interrupted");
    return MMN_OK;
}

/* ---- Results --------------------------------------------------------------------------------- */

double mmn_perplexity_nats(const mmn_perplexity *perplexity, const mmn_perplexity_run *run)
{
    return run->nats / (double)perplexity->tokens[run->domain];
}

double mmn_perplexity_of(double nats)
{
    return mmn_exp_f64(nats);
}

const mmn_perplexity_run *mmn_perplexity_find(const mmn_perplexity *perplexity, mmn_eval_off off,
                                              size_t neurons_of, size_t domain)
{
    for (size_t i = 0; i < perplexity->run_count; i++) {
        const mmn_perplexity_run *run = &perplexity->runs[i];
        if (run->off == off && run->domain == domain &&
            (off == MMN_OFF_NOTHING || run->neurons_of == neurons_of))
            return run;
    }
    return NULL;
}

mmn_eval_summary mmn_perplexity_summarise(const mmn_perplexity *perplexity, size_t domain)
{
    mmn_eval_summary summary = {0};
    double values[MMN_EVAL_SEED_LIMIT];
    for (size_t i = 0; i < perplexity->run_count; i++) {
        const mmn_perplexity_run *run = &perplexity->runs[i];
        double nats = mmn_perplexity_nats(perplexity, run);
        if (run->domain != domain)
            continue;
        if (run->off == MMN_OFF_NOTHING)
            summary.plain = nats;
        else if (run->off == MMN_OFF_RANDOM)
            values[summary.seeds++] = nats;
        else if (run->neurons_of == domain)
            summary.domain_off = nats;
    }
    mmn_interval random = mmn_interval_of(values, summary.seeds);
    summary.random_mean = random.mean;
    summary.random_low = random.low;
    summary.random_high = random.high;
    return summary;
}

void mmn_perplexity_free(mmn_perplexity *perplexity)
{
    if (!perplexity)
        return;
    for (size_t i = 0; i < perplexity->mask_count; i++)
        mmn_mask_free(perplexity->masks[i]);
    mmn_free(perplexity->masks);
    mmn_free(perplexity->runs);
    mmn_free(perplexity->tokens);
    mmn_count_plan_free(&perplexity->plan);
    mmn_counts_free(perplexity->domains);
    mmn_free(perplexity->list);
    mmn_free(perplexity->setting);
    mmn_free(perplexity);
}

/* ---- Plan ------------------------------------------------------------------------------------ */

static mmn_status copy_options(mmn_perplexity *perplexity, const mmn_perplexity_options *options,
                               mmn_error *error)
{
    if (!options->list)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "reading needs a list");
    if (options->seeds > MMN_EVAL_SEED_LIMIT)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there can be at most %d random choices",
                        MMN_EVAL_SEED_LIMIT);
    perplexity->allowed = (mmn_allowances){.unknown_keys = options->allow_unknown_keys != 0,
                                           .other_model = options->other_model != 0};
    perplexity->samples = options->samples;
    perplexity->seeds = options->seeds;
    perplexity->first_seed = options->first_seed;
    perplexity->list = mmn_copy_text(options->list, error);
    perplexity->setting = mmn_copy_text(options->setting ? options->setting : "all", error);
    return perplexity->list && perplexity->setting ? MMN_OK : MMN_SYSTEM;
}

/* The windows of the list's texts. */
static mmn_status read_texts(mmn_perplexity *perplexity, const mmn_perplexity_options *options,
                             mmn_error *error)
{
    const mmn_counted_module no_module = {{0}, 0, 0, 0};
    mmn_windows *windows = &perplexity->plan.windows;
    mmn_status status = mmn_windows_set(windows, perplexity->model, options->window,
                                        options->begin_of_text != 0, error);
    if (status == MMN_OK)
        status = mmn_counts_create(&perplexity->domains, &no_module, 0, error);
    perplexity->plan.allow_unknown_keys = perplexity->allowed.unknown_keys;
    if (status == MMN_OK)
        status = mmn_count_plan_windows(&perplexity->plan, perplexity->model, options->list,
                                        perplexity->domains, options->samples, error);
    if (status == MMN_OK)
        status = mmn_windows_digest(windows, perplexity->domains, perplexity->data, error);
    if (status != MMN_OK)
        return status;
    perplexity->tokens =
        mmn_allocate(perplexity->domains->domain_count, sizeof(*perplexity->tokens), error);
    return perplexity->tokens ? MMN_OK : MMN_SYSTEM;
}

/* Makes the evaluation the owner of a mask. */
static mmn_status keep_mask(mmn_perplexity *perplexity, mmn_mask *mask, mmn_error *error)
{
    mmn_status status =
        mmn_reserve(&perplexity->masks, &perplexity->mask_capacity, perplexity->mask_count + 1,
                    sizeof(*perplexity->masks), error);
    if (status == MMN_OK)
        perplexity->masks[perplexity->mask_count++] = mask;
    else
        mmn_mask_free(mask);
    return status;
}

static mmn_status add_run(mmn_perplexity *perplexity, const mmn_perplexity_run *run,
                          mmn_error *error)
{
    mmn_status status =
        mmn_reserve(&perplexity->runs, &perplexity->run_capacity, perplexity->run_count + 1,
                    sizeof(*perplexity->runs), error);
    if (status == MMN_OK)
        perplexity->runs[perplexity->run_count++] = *run;
    return status;
}

/* One mask for each domain, in their order. */
static mmn_status make_masks(mmn_perplexity *perplexity, const char *file, mmn_error *error)
{
    mmn_neuron_lists *lists;
    mmn_status status = mmn_neuron_lists_read(&lists, file, error);
    if (status != MMN_OK)
        return status;
    memcpy(perplexity->neurons_digest, lists->digest, sizeof(lists->digest));
    status = mmn_allowances_check(&perplexity->allowed, lists->model, perplexity->model_digest,
                                  file, error);
    for (size_t d = 0; d < perplexity->domains->domain_count && status == MMN_OK; d++) {
        const char *name = perplexity->domains->domains[d].name;
        size_t listed = 0;
        mmn_mask *mask;
        while (listed < lists->domain_count && strcmp(lists->domains[listed], name) != 0)
            listed++;
        if (listed == lists->domain_count)
            status = mmn_fail(error, MMN_INPUT, file, NULL,
                              "has no neurons of the domain \"%s\" of %s", name, perplexity->list);
        else
            status = mmn_mask_from_lists(&mask, perplexity->model, lists, listed,
                                         perplexity->setting, file, error);
        if (status == MMN_OK)
            status = keep_mask(perplexity, mask, error);
    }
    mmn_neuron_lists_free(lists);
    return status;
}

/* Random neurons instead of the domain's own. */
static mmn_status plan_random(mmn_perplexity *perplexity, size_t domain, mmn_error *error)
{
    mmn_perplexity_run run = {.off = MMN_OFF_RANDOM, .neurons_of = domain, .domain = domain};
    mmn_status status = MMN_OK;
    for (uint32_t i = 0; i < perplexity->seeds && status == MMN_OK; i++) {
        mmn_mask *random;
        run.seed = perplexity->first_seed + i;
        status = mmn_mask_random(&random, perplexity->masks[domain], run.seed, error);
        if (status == MMN_OK)
            status = keep_mask(perplexity, random, error);
        run.mask = random;
        if (status == MMN_OK)
            status = add_run(perplexity, &run, error);
    }
    return status;
}

static mmn_status plan_runs(mmn_perplexity *perplexity, mmn_error *error)
{
    size_t domains = perplexity->domains->domain_count;
    bool masked = perplexity->mask_count > 0;
    mmn_status status = MMN_OK;
    for (size_t d = 0; d < domains && status == MMN_OK; d++) {
        mmn_perplexity_run run = {.off = MMN_OFF_NOTHING, .domain = d};
        status = add_run(perplexity, &run, error);
        run.off = MMN_OFF_DOMAIN;
        for (size_t of = 0; of < domains && masked && status == MMN_OK; of++) {
            run.neurons_of = of;
            run.mask = perplexity->masks[of];
            status = add_run(perplexity, &run, error);
        }
        if (status == MMN_OK && masked)
            status = plan_random(perplexity, d, error);
    }
    return status;
}

/* ---- Windows --------------------------------------------------------------------------------- */

/* An mmn_see_function: adds up how improbable the tokens behind the positions are. */
static mmn_status see_normed(void *context, const mmn_stage *stage, mmn_error *error)
{
    const reader *r = context;
    size_t first = stage->first_position, rows = stage->shape[0];
    if (first + rows == stage->input->length)
        rows--;
    return mmn_likelihood_add(&r->work->likelihood, &r->run->nats, stage->data,
                              stage->input->ids + first + 1, rows, error);
}

/* Bytes that a session needs to read `length` positions. */
static size_t session_bytes(const mmn_model *model, size_t length)
{
    const mmn_language_config *config = &model->config.language;
    size_t keys = 2 * (size_t)config->kv_heads * config->head_dim;
    size_t row = 6 * (size_t)config->hidden_size + 2 * (size_t)config->intermediate_size;
    return (keys + row) * sizeof(float) * length;
}

static size_t group_size(const work *w)
{
    size_t runs = w->perplexity->run_count, wanted = w->options->batch;
    if (wanted == 0) {
        size_t fitting = (size_t)TOGETHER_BYTES / session_bytes(w->perplexity->model,
                                                                w->perplexity->plan.windows.length);
        wanted = fitting < 1 ? 1 : fitting < TOGETHER ? fitting : TOGETHER;
    }
    return wanted < runs ? wanted : runs;
}

static mmn_status start_session(work *w, size_t number, mmn_perplexity_run *run,
                                mmn_error *error)
{
    const mmn_session_options options = {.prompt_only = 1};
    const mmn_probe probe = {
        .stages = "language.norm", .see = see_normed, .context = &w->readers[number]};
    mmn_session **session = &w->sessions[number];
    w->readers[number] = (reader){.work = w, .run = run};
    mmn_status status = mmn_session_create(session, w->perplexity->model, &options, error);
    if (status == MMN_OK && run->mask)
        status = mmn_session_add_mask(*session, run->mask, error);
    return status == MMN_OK ? mmn_session_add_probe(*session, &probe, error) : status;
}

/* Reads a window in `count` runs side by side. */
static mmn_status read_group(work *w, mmn_perplexity_run *runs, size_t count,
                             const mmn_input *input, mmn_error *error)
{
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < count && status == MMN_OK; i++)
        status = start_session(w, i, &runs[i], error);
    if (status == MMN_OK)
        status = mmn_sessions_prefill(w->sessions, count, NULL, input, error);
    for (size_t i = 0; i < count; i++) {
        mmn_session_free(w->sessions[i]);
        w->sessions[i] = NULL;
    }
    w->done += count;
    return status == MMN_OK ? report(w, error) : status;
}

static mmn_status read_window(work *w, size_t domain, uint64_t number, mmn_error *error)
{
    mmn_perplexity *perplexity = w->perplexity;
    mmn_input *input;
    size_t first = 0, size = w->together;
    mmn_status status = mmn_windows_input(&input, &perplexity->plan.windows, perplexity->model,
                                          domain, number, error);
    if (status != MMN_OK)
        return status;
    while (perplexity->runs[first].domain != domain)
        first++;
    for (size_t end = first, count;
         end < perplexity->run_count && perplexity->runs[end].domain == domain &&
         status == MMN_OK;
         end += count) {
        count = 1;
        while (count < size && end + count < perplexity->run_count &&
               perplexity->runs[end + count].domain == domain)
            count++;
        status = read_group(w, &perplexity->runs[end], count, input, error);
    }
    perplexity->tokens[domain] += input->length - 1;
    mmn_input_free(input);
    return status;
}

static mmn_status read_windows(work *w, mmn_error *error)
{
    mmn_perplexity *perplexity = w->perplexity;
    mmn_status status = report(w, error);
    for (bool found = true; status == MMN_OK && found;) {
        mmn_planned_sample planned;
        status = mmn_count_plan_next(&planned, &found, &perplexity->plan, perplexity->domains,
                                     error);
        if (status == MMN_OK && found)
            status = read_window(w, planned.domain, planned.window, error);
    }
    for (size_t d = 0; d < perplexity->domains->domain_count && status == MMN_OK; d++)
        if (perplexity->tokens[d] == 0)
            status = mmn_fail(error, MMN_INPUT, perplexity->list, NULL,
                              "the domain \"%s\" has no token to predict: the first of each window "
                              "is not", perplexity->domains->domains[d].name);
    return status;
}

static mmn_status run_all(mmn_perplexity *perplexity, const mmn_perplexity_options *options,
                          mmn_error *error)
{
    work w = {.perplexity = perplexity, .options = options, .start = mmn_clock()};
    for (size_t i = 0; i < perplexity->run_count; i++)
        w.total += perplexity->plan.left[perplexity->runs[i].domain];
    mmn_status status = MMN_SYSTEM;
    w.together = group_size(&w);
    if ((w.readers = mmn_allocate(w.together, sizeof(*w.readers), error)) &&
        (w.sessions = mmn_allocate(w.together, sizeof(mmn_session *), error)))
        status = mmn_likelihood_begin(&w.likelihood, perplexity->model, error);
    if (status == MMN_OK)
        status = read_windows(&w, error);
    mmn_likelihood_free(&w.likelihood);
    mmn_free(w.readers);
    mmn_free(w.sessions);
    return status;
}

mmn_status mmn_perplexity_make(mmn_perplexity **made, const mmn_model *model,
                               const mmn_perplexity_options *options, mmn_error *error)
{
    mmn_perplexity *perplexity = *made = mmn_allocate(1, sizeof(**made), error);
    if (!perplexity)
        return MMN_SYSTEM;
    const uint64_t passed = mmn_model_nonfinite(model, NULL);
    perplexity->model = model;
    mmn_status status = copy_options(perplexity, options, error);
    if (status == MMN_OK)
        status = read_texts(perplexity, options, error);
    if (status == MMN_OK)
        status = mmn_model_digest(model, perplexity->model_digest, error);
    if (status == MMN_OK && options->neurons)
        status = make_masks(perplexity, options->neurons, error);
    if (status == MMN_OK)
        status = plan_runs(perplexity, error);
    if (status == MMN_OK)
        status = run_all(perplexity, options, error);
    perplexity->nonfinite = mmn_model_nonfinite(model, NULL) > passed;
    if (status == MMN_OK)
        status = mmn_count_plan_unchanged(&perplexity->plan, model, error);
    if (status != MMN_OK) {
        mmn_perplexity_free(perplexity);
        *made = NULL;
    }
    return status;
}
