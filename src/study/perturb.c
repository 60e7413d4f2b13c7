/* Perturbing: runs each sample of a list with neurons on and off, and compares hidden states. */
#include "base/memory.h"
#include "model/model.h"
#include "study/perturbation.h"

/* Bytes of hidden states that are kept at a time; with more, a sample runs again for the rest. */
#define STATES_LIMIT ((size_t)512 << 20)

enum { SEEDS = 5, SEED_LIMIT = 10000 };

/* ---- Results --------------------------------------------------------------------------------- */

void mmn_perturbation_free(mmn_perturbation *perturbation)
{
    for (size_t i = 0; perturbation->runs && i < perturbation->study.plan.run_count; i++)
        mmn_free(perturbation->runs[i].sums);
    mmn_free(perturbation->runs);
    mmn_free(perturbation->positions);
    mmn_free(perturbation->rows);
    mmn_hidden_states_free(&perturbation->states);
    mmn_study_close(&perturbation->study);
}

mmn_distance mmn_perturb_mean(const mmn_perturbation *perturbation, size_t run, size_t state,
                              int kind)
{
    const uint64_t *positions = perturbation->positions[perturbation->study.plan.runs[run].domain];
    mmn_distance sum = {0.0, 0.0};
    uint64_t count = 0;
    for (int k = 0; k < 2; k++) {
        if (kind != 2 && kind != k)
            continue;
        const mmn_distance *part =
            &perturbation->runs[run].sums[(size_t)k * (perturbation->layers + 1) + state];
        sum.relative += part->relative;
        sum.cosine += part->cosine;
        count += positions[k];
    }
    if (count == 0)
        return (mmn_distance){0.0, 0.0};
    return (mmn_distance){sum.relative / (double)count, sum.cosine / (double)count};
}

uint64_t mmn_perturb_neurons(const mmn_perturbation *perturbation, size_t run)
{
    const mmn_model_info *info = mmn_model_describe(perturbation->study.model);
    uint64_t neurons = 0;
    for (size_t m = 0; m < info->module_count; m++)
        neurons += mmn_mask_neurons(perturbation->study.plan.runs[run].mask,
                                    info->modules[m].name, -1);
    return neurons;
}

/* ---- Running --------------------------------------------------------------------------------- */

/* Of mmn_measuring: the run with nothing off, which is the first, keeps what the others compare. */
static mmn_status ready(void *context, mmn_session *session, size_t run, mmn_error *error)
{
    mmn_perturbation *perturbation = context;
    return perturbation->study.plan.runs[run].off == MMN_OFF_NOTHING
               ? mmn_hidden_states_keep(&perturbation->states, session, error)
               : mmn_hidden_states_compare(&perturbation->runs[run], session, error);
}

/* An mmn_study_function. */
static mmn_status compare_sample(void *context, const mmn_planned_sample *planned,
                                 const mmn_input *input, mmn_error *error)
{
    mmn_perturbation *perturbation = context;
    mmn_study *study = &perturbation->study;
    mmn_hidden_states *states = &perturbation->states;
    size_t rows = mmn_input_length(input), image = mmn_input_image_positions(input);
    size_t fit = STATES_LIMIT / sizeof(float) / states->width / (rows > 0 ? rows : 1);
    size_t all = perturbation->layers + 1, step = fit < 1 ? 1 : fit;
    mmn_status status = mmn_reserve(&perturbation->rows, &perturbation->rows_capacity, rows,
                                    sizeof(*perturbation->rows), error);
    perturbation->positions[planned->domain][0] += rows - image;
    perturbation->positions[planned->domain][1] += image;
    for (size_t i = 0; i < study->plan.run_count; i++)
        perturbation->runs[i].rows = perturbation->rows;
    for (size_t first = 0; first < all && status == MMN_OK; first += step) {
        size_t count = all - first < step ? all - first : step;
        const mmn_measuring measuring = {.again = first + count < all, .ready = ready};
        status = mmn_hidden_states_begin(states, first, count, rows, error);
        if (status == MMN_OK)
            status = mmn_study_measure(study, &measuring, perturbation, planned->domain, input,
                                       error);
    }
    return status;
}

static mmn_status make_room(mmn_perturbation *perturbation, mmn_error *error)
{
    const mmn_study *study = &perturbation->study;
    const size_t runs = study->plan.run_count;
    perturbation->positions = mmn_allocate(study->samples.domains.domain_count,
                                           sizeof(*perturbation->positions), error);
    perturbation->runs = mmn_allocate(runs, sizeof(*perturbation->runs), error);
    if (!perturbation->positions || !perturbation->runs)
        return MMN_SYSTEM;
    for (size_t i = 0; i < runs; i++) {
        mmn_comparison *run = &perturbation->runs[i];
        run->states = &perturbation->states;
        if (!(run->sums = mmn_allocate(2 * (perturbation->layers + 1), sizeof(*run->sums), error)))
            return MMN_SYSTEM;
    }
    return MMN_OK;
}

mmn_status mmn_perturbation_find(mmn_perturbation *perturbation, const mmn_model *model,
                                 const mmn_perturb_options *options, mmn_error *error)
{
    const mmn_language_config *language = &model->config.language;
    mmn_study *study = &perturbation->study;
    *study = (mmn_study){.model = model,
                         .samples = {.file = options->list, .limit = options->samples},
                         .neurons = options->ranking,
                         .settings = options->settings,
                         .plan = {.plain = true,
                                  .seeds = options->seeds > 0 ? options->seeds : SEEDS,
                                  .first_seed = options->first_seed},
                         .allowed = {.unknown_keys = options->allow_unknown_keys != 0,
                                     .long_prompts = options->allow_long_prompts != 0,
                                     .other_model = options->other_model != 0},
                         .progress = {.label = "perturbing", .unit = "passes"},
                         .show = options->progress,
                         .show_context = options->progress_context};
    perturbation->layers = language->layers;
    perturbation->states = (mmn_hidden_states){.layers = language->layers,
                                               .width = language->hidden_size,
                                               .threads = model->compute.threads};
    if (study->plan.seeds > SEED_LIMIT)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there can be %d random choices at most",
                        SEED_LIMIT);
    mmn_status status = mmn_study_open(study, error);
    if (status == MMN_OK)
        status = mmn_study_plan(study, error);
    if (status == MMN_OK)
        status = make_room(perturbation, error);
    return status == MMN_OK ? mmn_study_each(study, compare_sample, perturbation, error) : status;
}
