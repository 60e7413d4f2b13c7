/* Perturbing: runs each sample of a list with neurons on and off, and compares hidden states. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "model/session.h"
#include "neurons/mask.h"
#include "neurons/perturbation.h"

/* Bytes of hidden states that are kept at a time; with more, a sample runs again for the rest. */
#define STATES_LIMIT ((size_t)512 << 20)

enum { SEEDS = 5, SEED_LIMIT = 10000 };

typedef struct perturb_run {
    const mmn_model *model;
    const mmn_perturb_options *options;
    mmn_perturbation *result;
    mmn_neuron_lists *lists;
    mmn_mask **masks; /* [curve] */
    mmn_hidden_states states;
    mmn_distance *rows;
    size_t rows_capacity;
    uint64_t done, total; /* passes */
} perturb_run;

void mmn_perturbation_free(mmn_perturbation *perturbation)
{
    if (!perturbation)
        return;
    for (size_t i = 0; i < perturbation->curve_count; i++)
        mmn_free(perturbation->curves[i].sums);
    mmn_free(perturbation->curves);
    mmn_free(perturbation->positions);
    mmn_list_run_free(&perturbation->run);
    mmn_settings_free(&perturbation->settings);
    mmn_free(perturbation->list);
    mmn_free(perturbation);
}

mmn_distance mmn_perturb_mean(const mmn_perturbation *perturbation, const mmn_perturb_curve *curve,
                              size_t state, int kind)
{
    const uint64_t *positions = perturbation->positions[curve->domain];
    mmn_distance sum = {0.0, 0.0};
    uint64_t count = 0;

    for (int k = 0; k < 2; k++) {
        if (kind != 2 && kind != k)
            continue;
        const mmn_distance *part = &curve->sums[(size_t)k * (perturbation->layers + 1) + state];
        sum.relative += part->relative;
        sum.cosine += part->cosine;
        count += positions[k];
    }
    if (count == 0)
        return (mmn_distance){0.0, 0.0};
    return (mmn_distance){sum.relative / (double)count, sum.cosine / (double)count};
}

/* ---- What is compared ------------------------------------------------------------------------ */

/* The curve and the mask of one setting in one domain; seed number 0: its own neurons. */
static mmn_status add_curve(perturb_run *run, size_t domain, size_t setting, uint64_t seed,
                            mmn_error *error)
{
    mmn_perturbation *result = run->result;
    const mmn_model_info *info = mmn_model_describe(run->model);
    mmn_perturb_curve *curve = &result->curves[result->curve_count];
    mmn_mask **mask = &run->masks[result->curve_count];
    const char *name = result->run.domains->domains[domain].name;
    size_t listed = 0;
    mmn_status status;

    curve->sums = mmn_allocate(2 * (result->layers + 1), sizeof(*curve->sums), error);
    if (!curve->sums)
        return MMN_SYSTEM;
    result->curve_count++;
    *curve = (mmn_perturb_curve){
        .setting = setting, .domain = domain, .random = seed > 0, .sums = curve->sums};
    if (seed == 0) {
        while (listed < run->lists->domain_count && strcmp(run->lists->domains[listed], name) != 0)
            listed++;
        if (listed == run->lists->domain_count)
            return mmn_fail(error, MMN_INPUT, run->options->list, NULL,
                            "domain \"%s\" is not in %s, so there are no neurons to switch off",
                            name, run->options->ranking);
        status = mmn_mask_from_lists(mask, run->model, run->lists, listed,
                                     result->settings.names[setting], run->options->ranking, error);
    } else {
        curve->seed = result->first_seed + seed - 1;
        status = mmn_mask_random(mask, *(mask - seed), curve->seed, error);
    }
    for (size_t m = 0; m < info->module_count && status == MMN_OK; m++)
        curve->neurons += mmn_mask_neurons(*mask, info->modules[m].name, -1);
    return status;
}

static mmn_status add_curves(perturb_run *run, mmn_error *error)
{
    mmn_perturbation *result = run->result;
    size_t domains = result->run.domains->domain_count, settings = result->settings.count, each;
    size_t count;
    mmn_status status = MMN_OK;

    if (!mmn_multiply_sizes(domains, settings, &each) ||
        !mmn_multiply_sizes(each, 1 + (size_t)result->seeds, &count))
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there are too many settings and seeds");
    result->curves = mmn_allocate(count, sizeof(*result->curves), error);
    result->positions = mmn_allocate(domains, sizeof(*result->positions), error);
    run->masks = mmn_allocate(count, sizeof(mmn_mask *), error);
    if (!result->curves || !result->positions || !run->masks)
        return MMN_SYSTEM;
    for (size_t domain = 0; domain < domains; domain++) {
        run->total += result->run.plan.left[domain] * settings * (1 + result->seeds);
        for (size_t setting = 0; setting < settings; setting++)
            for (uint64_t seed = 0; seed <= result->seeds && status == MMN_OK; seed++)
                status = add_curve(run, domain, setting, seed, error);
    }
    return status;
}

static mmn_status set_up(perturb_run *run, mmn_error *error)
{
    const mmn_perturb_options *options = run->options;
    const mmn_language_config *language = &run->model->config.language;
    mmn_perturbation *result = run->result;
    mmn_status status = mmn_neuron_lists_read(&run->lists, options->ranking, error);

    result->allowed = (mmn_allowances){.unknown_keys = options->allow_unknown_keys != 0,
                                       .long_prompts = options->allow_long_prompts != 0,
                                       .other_model = options->other_model != 0};
    result->seeds = options->seeds > 0 ? options->seeds : SEEDS;
    result->first_seed = options->first_seed;
    result->samples = options->samples;
    result->layers = language->layers;
    snprintf(result->version, sizeof(result->version), "%s", mmn_version());
    run->states = (mmn_hidden_states){.layers = language->layers,
                                      .width = language->hidden_size,
                                      .threads = run->model->compute.threads};
    if (status == MMN_OK && result->seeds > SEED_LIMIT)
        status = mmn_fail(error, MMN_USAGE, NULL, NULL, "there can be %d random choices at most",
                          SEED_LIMIT);
    if (status == MMN_OK && !(result->list = mmn_copy_text(options->list, error)))
        status = MMN_SYSTEM;
    if (status == MMN_OK)
        status = mmn_settings_make(&result->settings, options->settings, run->lists, error);
    result->run.plan.allow_unknown_keys = result->allowed.unknown_keys;
    result->run.allow_long_prompts = result->allowed.long_prompts;
    if (status == MMN_OK)
        status = mmn_list_run_begin(&result->run, run->model, options->list, options->samples,
                                    error);
    if (status == MMN_OK)
        status = mmn_model_digest(run->model, result->model, error);
    if (status == MMN_OK)
        status = mmn_allowances_check(&result->allowed, run->lists->model, result->model,
                                      options->ranking, error);
    if (status == MMN_OK) {
        memcpy(result->neurons, run->lists->digest, sizeof(result->neurons));
        status = add_curves(run, error);
    }
    return status;
}

/* ---- Running --------------------------------------------------------------------------------- */

static mmn_status report_progress(const perturb_run *run, mmn_error *error)
{
    const mmn_perturb_options *options = run->options;
    const mmn_progress progress = {
        .label = "perturbing", .unit = "passes", .done = run->done, .total = run->total};

    if (options->progress && options->progress(options->progress_context, &progress) != 0)
        return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "interrupted");
    return MMN_OK;
}

/* An mmn_see_function: lets a pass be interrupted, which may take minutes. */
static mmn_status watch(void *context, const mmn_stage *stage, mmn_error *error)
{
    (void)stage;
    return report_progress(context, error);
}

/* One forward pass over the input: with a curve's neurons off, compared with what was kept; or
 * (curve SIZE_MAX) with all on, and kept. What it has in common with that of `plain` (NULL: there is
 * none yet) is taken over. *session is the caller's, after a failure too. */
static mmn_status run_pass(perturb_run *run, const mmn_input *input, size_t curve,
                           const mmn_session *plain, mmn_session **session, mmn_error *error)
{
    const mmn_session_options options = {.prompt_only = 1};
    mmn_comparison comparison = {.states = &run->states, .rows = run->rows};
    const mmn_probe probe = {.stages = run->states.stages, .see = watch, .context = run};
    mmn_status status = mmn_session_create(session, run->model, &options, error);

    if (status == MMN_OK)
        status = mmn_session_add_probe(*session, &probe, error);
    if (status == MMN_OK && curve == SIZE_MAX) {
        status = mmn_hidden_states_keep(&run->states, *session, error);
    } else if (status == MMN_OK) {
        comparison.sums = run->result->curves[curve].sums;
        status = mmn_session_add_mask(*session, run->masks[curve], error);
        if (status == MMN_OK)
            status = mmn_hidden_states_compare(&comparison, *session, error);
    }
    if (status == MMN_OK)
        status = mmn_sessions_prefill(session, 1, plain, input, error);
    return status;
}

/* All passes over the input that compare the states that are kept. */
static mmn_status run_passes(perturb_run *run, const mmn_input *input, size_t domain,
                             bool last, mmn_error *error)
{
    size_t curves = run->result->settings.count * (1 + (size_t)run->result->seeds);
    mmn_session *plain;
    mmn_status status = run_pass(run, input, SIZE_MAX, NULL, &plain, error);

    for (size_t i = 0; i < curves && status == MMN_OK; i++) {
        mmn_session *masked;
        status = run_pass(run, input, domain * curves + i, plain, &masked, error);
        mmn_session_free(masked);
        run->done += last;
    }
    mmn_session_free(plain);
    return status;
}

static mmn_status run_input(perturb_run *run, const mmn_input *input, size_t domain,
                            mmn_error *error)
{
    size_t rows = mmn_input_length(input), all = run->result->layers + 1;
    size_t fit = STATES_LIMIT / sizeof(float) / run->states.width / (rows > 0 ? rows : 1);
    size_t step = fit < 1 ? 1 : fit;
    mmn_status status = mmn_reserve(&run->rows, &run->rows_capacity, rows, sizeof(*run->rows),
                                    error);

    for (size_t first = 0; first < all && status == MMN_OK; first += step) {
        size_t count = all - first < step ? all - first : step;
        status = mmn_hidden_states_begin(&run->states, first, count, rows, error);
        if (status == MMN_OK)
            status = run_passes(run, input, domain, first + count == all, error);
    }
    return status;
}

/* An mmn_list_run_function. */
static mmn_status run_sample(void *context, const mmn_planned_sample *planned,
                             const mmn_input *input, mmn_error *error)
{
    perturb_run *run = context;
    uint64_t *positions = run->result->positions[planned->domain];
    size_t image = mmn_input_image_positions(input);

    positions[0] += mmn_input_length(input) - image;
    positions[1] += image;
    return run_input(run, input, planned->domain, error);
}

mmn_status mmn_perturbation_make(mmn_perturbation **perturbation, const mmn_model *model,
                                 const mmn_perturb_options *options, mmn_error *error)
{
    *perturbation = NULL;
    const uint64_t passed = mmn_model_nonfinite(model, NULL);
    perturb_run run = {.model = model, .options = options};
    run.result = mmn_allocate(1, sizeof(*run.result), error);
    mmn_status status = run.result ? set_up(&run, error) : MMN_SYSTEM;

    if (status == MMN_OK)
        status = mmn_list_run_each(&run.result->run, run_sample, &run, error);
    if (status == MMN_OK)
        status = report_progress(&run, error);
    for (size_t i = 0; run.masks && i < run.result->curve_count; i++)
        mmn_mask_free(run.masks[i]);
    mmn_free(run.masks);
    mmn_free(run.rows);
    mmn_hidden_states_free(&run.states);
    mmn_neuron_lists_free(run.lists);
    if (status == MMN_OK) {
        run.result->nonfinite = mmn_model_nonfinite(model, NULL) > passed;
        *perturbation = run.result;
    } else {
        mmn_perturbation_free(run.result);
    }
    return status;
}
