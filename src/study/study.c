/* Studies: what all of them share: how they are opened, the loop over samples, and the end. */
#include "study/study.h"

#include <string.h>

#include "base/error.h"
#include "base/file_kind.h"
#include "base/memory.h"
#include "model/model.h"
#include "pass/operations.h"
#include "study/rows_run.h"
#include "study/sessions.h"
#include "study/together.h"

/* ---- Opening --------------------------------------------------------------------------------- */

mmn_status mmn_study_check_seeds(uint64_t seeds, mmn_error *error)
{
    return seeds <= MMN_SUMMARY_SEEDS
               ? MMN_OK
               : mmn_fail(error, MMN_USAGE, NULL, NULL, "there can be at most %d random choices",
                          MMN_SUMMARY_SEEDS);
}

/* By mmn_study_options, of a list that has either questions or texts. */
static mmn_status set_up(const mmn_study_kind *kind, mmn_study *study, const mmn_model *model,
                         const mmn_study_options *options, mmn_error *error)
{
    mmn_samples *samples = &study->samples;
    MMN_GIVEN(error, options->list);
    if (!kind->without_neurons)
        MMN_GIVEN(error, options->neurons);
    if (!options->neurons && options->settings)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "settings choose among neurons, which are missing");
    *study = (mmn_study){.model = model,
                         MMN_STUDY_ASKED(options),
                         MMN_STUDY_LONG_PROMPTS(options),
                         MMN_STUDY_SEEDS(options),
                         .neurons = options->neurons,
                         .settings = options->settings,
                         .batch = options->batch};
    MMN_TRY(mmn_study_check_seeds(options->seeds, error));
    samples->allow_unknown_keys = study->allowed.unknown_keys;
    MMN_TRY(mmn_samples_look(samples, error));
    return samples->has_texts ? mmn_windows_set(&samples->windows, model, options->window,
                                                options->begin_of_text != 0, error)
                              : MMN_OK;
}

static mmn_status choose_settings(mmn_study *study, mmn_error *error)
{
    mmn_settings *settings = &study->plan.settings;
    const char *named = study->settings;
    if (study->setting)
        return mmn_settings_add(settings, study->setting, error);
    if (!named && study->counts)
        named = study->kind->points;
    if (study->lists || named)
        MMN_TRY(mmn_settings_make(settings, named, study->lists, error));
    for (size_t s = 0; s < settings->count && !study->counts; s++)
        if (strchr(settings->names[s], '@'))
            return mmn_fail(error, MMN_USAGE, study->neurons, NULL,
                            "is no counts, which alone can be ranked at the rate and bar of the "
                            "setting \"%.100s\"",
                            settings->names[s]);
    return MMN_OK;
}

/* Whether neurons are ranked at the rates and bars of settings. */
static bool has_points(const mmn_study *study)
{
    const char *named = study->setting    ? study->setting
                        : study->settings ? study->settings
                                          : study->kind->points;
    return named && strchr(named, '@');
}

/* Reads neurons, or counts that settings say how to rank. */
static mmn_status open_neurons(mmn_study *study, mmn_error *error)
{
    if (has_points(study) && mmn_file_kind_of(study->neurons) == MMN_KIND_COUNTS) {
        MMN_TRY(mmn_counts_read(&study->counts, study->neurons, error));
        MMN_TRY(mmn_neurons_rank(&study->lists, study->counts, NULL, error));
    } else {
        MMN_TRY(mmn_neurons_read(&study->lists, study->neurons, error));
    }
    memcpy(study->neurons_digest, study->lists->digest, sizeof(study->neurons_digest));
    return MMN_OK;
}

/* Ranks the counts for each setting. */
static mmn_status make_points(mmn_study *study, mmn_error *error)
{
    mmn_plan *plan = &study->plan;
    MMN_TRY(mmn_points_make(&study->points, &plan->settings, study->counts, error));
    memcpy(study->neurons_digest, study->points.digest, sizeof(study->neurons_digest));
    for (size_t s = 0; s < study->points.count; s++) {
        plan->of[s].neurons = study->points.of[s].neurons;
        plan->of[s].modules = study->points.of[s].modules;
    }
    return MMN_OK;
}

/* Reads neurons and list, and chooses the settings. What costs no time is checked then. */
static mmn_status open_study(mmn_study *study, mmn_error *error)
{
    mmn_samples *samples = &study->samples;
    MMN_TRY(mmn_rows_options_check(&study->keeping, error));
    samples->shard = study->keeping.shard;
    samples->shards = study->keeping.shards;
    study->passed = mmn_model_nonfinite(study->model, NULL);
    study->together = mmn_together_bytes(study->model);
    if (study->neurons)
        MMN_TRY(open_neurons(study, error));
    MMN_TRY(choose_settings(study, error));
    samples->model = study->model;
    samples->allow_unknown_keys = study->allowed.unknown_keys;
    samples->allow_long_prompts = study->allowed.long_prompts;
    return samples->file ? mmn_samples_open(samples, error) : MMN_OK;
}

/* Finds out the model's digest, which reads the whole checkpoint, and makes the plan; if that is
 * all that is wanted, without the digest. */
static mmn_status plan_study(mmn_study *study, mmn_error *error)
{
    mmn_plan *plan = &study->plan;
    if (!study->keeping.plan)
        MMN_TRY(mmn_model_digest(study->model, study->model_digest, error));
    if (study->lists && !study->keeping.plan)
        MMN_TRY(mmn_allowances_check(&study->allowed, study->lists->model, study->model_digest,
                                     study->neurons, error));
    if (study->counts)
        MMN_TRY(make_points(study, error));
    MMN_TRY(mmn_plan_make(plan, study->model, &study->samples.domains, study->samples.file,
                          study->lists, study->neurons, error));
    for (size_t i = 0; i < plan->run_count; i++)
        study->progress.total += study->samples.domains.domains[plan->runs[i].domain].left;
    study->positions = mmn_study_allocate(study, study->samples.domains.domain_count,
                                          sizeof(*study->positions), error);
    study->side = mmn_study_allocate(study, plan->run_count, sizeof(*study->side), error);
    study->sessions = mmn_study_allocate(study, plan->run_count, sizeof(mmn_session *), error);
    return study->positions && study->side && study->sessions ? MMN_OK : MMN_SYSTEM;
}

/* ---- The loop -------------------------------------------------------------------------------- */

void mmn_study_count_positions(mmn_study *study, const mmn_input *input)
{
    const size_t image = mmn_input_image_positions(input);
    study->rows.sample.positions[0] += mmn_input_length(input) - image;
    study->rows.sample.positions[1] += image;
}

static mmn_status make_input(mmn_input **input, mmn_study *study, const mmn_planned_sample *planned,
                             mmn_error *error)
{
    bool bad;
    *input = NULL;
    if (study->samples.without_questions)
        return MMN_OK;
    MMN_TRY(mmn_samples_input(input, &study->samples, planned, &bad, error));
    mmn_study_count_positions(study, *input);
    return MMN_OK;
}

/* Runs the sample, and makes its rows. */
static mmn_status measure_sample(void *kept, const mmn_planned_sample *planned, mmn_error *error)
{
    mmn_study *study = kept;
    mmn_row_sample *sample = &study->rows.sample;
    mmn_input *input;
    mmn_error problem = {0};
    MMN_TRY(make_input(&input, study, planned, error));
    const uint64_t passed = mmn_model_nonfinite(study->model, NULL);
    mmn_status status = study->function(kept, planned, input, &problem);
    sample->nonfinite = mmn_model_nonfinite(study->model, NULL) > passed;
    if (status != MMN_OK) {
        if (study->samples.windows.length == 0)
            mmn_sample_blame(&problem, planned->sample.line, study->samples.file);
        if (error)
            *error = problem;
        status = problem.status;
    }
    mmn_input_free(input);
    return status;
}

/* Rows are of one list and of one model's weights: those of files that have changed are not
 * kept. */
static mmn_status keep_rows(mmn_study *study, const mmn_planned_sample *planned, mmn_error *error)
{
    if (!study->rows.files.own.path)
        return MMN_OK;
    MMN_TRY(mmn_samples_unchanged(&study->samples, error));
    return mmn_study_rows_keep(&study->rows, planned, error);
}

static mmn_status take_rows(void *kept, const mmn_planned_sample *planned, mmn_error *error)
{
    mmn_study *study = kept;
    const mmn_row_sample *sample = &study->rows.sample;
    uint64_t *positions = study->positions[planned->domain];
    for (size_t i = mmn_plan_next(&study->plan, 0, planned->domain); i < study->plan.run_count;
         i = mmn_plan_next(&study->plan, i + 1, planned->domain)) {
        MMN_TRY(study->kind->take(kept, planned, i, mmn_study_row(study, i), error));
        study->plan.runs[i].samples++;
    }
    positions[0] += sample->positions[0];
    positions[1] += sample->positions[1];
    study->nonfinite = study->nonfinite || sample->nonfinite;
    study->samples.domains.domains[planned->domain].samples++;
    return MMN_OK;
}

/* Behind a sample of the domain: ends the runs of settings that are known there. What decides on
 * it is rows alone, so that runs end at the same samples wherever rows come from. */
static void end_known(void *kept, size_t domain)
{
    mmn_study *study = kept;
    mmn_plan *plan = &study->plan;
    const mmn_domain *of = &study->samples.domains.domains[domain];
    for (size_t s = 0; s < plan->settings.count && study->kind->known; s++) {
        const size_t own = mmn_plan_find(plan, s, MMN_OFF_DOMAIN, domain, domain);
        if (!plan->runs[own].ended && study->kind->known(kept, s, domain))
            study->progress.total -= mmn_plan_end(plan, s, domain) * (of->left - of->samples);
    }
}

/* Of a sample whose rows were read: they are done already. */
static mmn_status take_found(void *kept, const mmn_planned_sample *planned, mmn_error *error)
{
    mmn_study *study = kept;
    const size_t runs = mmn_study_rows_count(&study->rows, planned);
    const mmn_status status = take_rows(kept, planned, error);
    if (status != MMN_OK)
        return mmn_error_in_file(error, status, study->rows.files.found_in);
    if (study->gathered)
        return mmn_study_advance(study, 0, error);
    study->progress.already += runs;
    return mmn_study_advance(study, runs, error);
}

static mmn_status run_sample(void *kept, const mmn_planned_sample *planned, mmn_error *error)
{
    mmn_study *study = kept;
    bool found;
    mmn_study_rows_clear(&study->rows);
    MMN_TRY(mmn_study_rows_find(&study->rows, planned, &found, error));
    if (found)
        return take_found(kept, planned, error);
    MMN_TRY(measure_sample(kept, planned, error));
    MMN_TRY(keep_rows(study, planned, error));
    return take_rows(kept, planned, error);
}

static mmn_status run_samples(void *kept, mmn_error *error)
{
    mmn_study *study = kept;
    MMN_TRY(mmn_study_advance(study, 0, error));
    for (;;) {
        mmn_planned_sample planned;
        bool found;
        MMN_TRY(mmn_samples_next(&planned, &found, &study->samples, error));
        if (!found)
            return MMN_OK;
        if (!planned.own || mmn_plan_next(&study->plan, 0, planned.domain) == study->plan.run_count)
            continue;
        MMN_TRY(run_sample(kept, &planned, error));
        end_known(kept, planned.domain);
    }
}

/* Asks whether list and model are unchanged, and notes what was not finite. */
static mmn_status end_study(mmn_study *study, mmn_error *error)
{
    study->nonfinite = study->nonfinite || mmn_model_nonfinite(study->model, NULL) > study->passed;
    return study->samples.list ? mmn_samples_unchanged(&study->samples, error)
                               : mmn_model_unchanged(study->model, error);
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* Opens the files of rows, where some are wanted, which belong to this run alone. */
static mmn_status open_rows(mmn_study *study, const mmn_result *asked, mmn_error *error)
{
    const mmn_rows_run run = {.model_digest = study->model_digest,
                              .neurons_digest = study->neurons_digest,
                              .samples = &study->samples,
                              .plan = &study->plan,
                              .asked = asked};
    char *text;
    MMN_TRY(mmn_rows_run_text(&text, &run, error));
    MMN_NEED(study->ranks.run = mmn_study_keep(study, text, error));
    return mmn_team_follows(&study->ranks.team)
               ? MMN_OK
               : mmn_rows_files_open(&study->rows.files, &study->keeping, text, error);
}

/* Makes room for rows, and finds those that are there. */
static mmn_status begin_rows(const mmn_study_kind *kind, mmn_study *study, mmn_error *error)
{
    mmn_result *asked;
    study->rows.columns = kind->columns;
    study->rows.row_size = kind->row_size;
    study->rows.plan = &study->plan;
    study->rows.samples = &study->samples;
    MMN_TRY(mmn_study_rows_begin(&study->rows, study, error));
    if (!study->keeping.file && study->keeping.part_count == 0)
        return MMN_OK;
    MMN_TRY(mmn_result_begin(&asked, kind->form, error));
    kind->describe(asked, study);
    mmn_status status = mmn_result_end(&asked, error);
    if (status == MMN_OK)
        status = open_rows(study, asked, error);
    mmn_result_free(asked);
    return status;
}

/* Of mmn_study_ranks. */
static mmn_status tell_rows(void *kept, uint64_t rows, bool found, mmn_error *error)
{
    mmn_study *study = kept;
    if (found)
        study->progress.already += rows;
    return mmn_study_advance(study, rows, error);
}

/* Measures all samples together with the other processes. The first has their rows then, and finds
 * them in its file. */
static mmn_status gather_rows(mmn_study *study, mmn_error *error)
{
    mmn_study_ranks *ranks = &study->ranks;
    ranks->samples = &study->samples;
    ranks->rows = &study->rows;
    ranks->kept = study;
    ranks->measure = measure_sample;
    ranks->tell = tell_rows;
    ranks->team.asked = study->model->interrupt.asked;
    ranks->team.asked_context = study->model->interrupt.context;
    MMN_TRY(mmn_study_ranks_gather(ranks, error));
    study->gathered = true;
    mmn_samples_again(&study->samples);
    return mmn_rows_files_again(&study->rows.files, error);
}

/* Runs all samples, alone or with others, and keeps their rows. */
static mmn_status run_all(mmn_study *study, mmn_error *error)
{
    if (study->ranks.team.ranks)
        MMN_TRY(gather_rows(study, error));
    return mmn_team_follows(&study->ranks.team) ? MMN_OK : run_samples(study, error);
}

static mmn_status run_list(const mmn_study_kind *kind, mmn_study *study, mmn_error *error)
{
    if (kind->read)
        MMN_TRY(mmn_study_reserve_logits(study, MMN_STUDY_ROWS, error));
    study->function = kind->read ? mmn_study_read_sample : kind->measure;
    MMN_TRY(begin_rows(kind, study, error));
    const mmn_status status = run_all(study, error);
    const mmn_rows_file *file = &study->rows.files.own;
    if (status == MMN_INTERRUPTED && file->lock > 0)
        return mmn_fail(error, status, file->path, NULL,
                        "interrupted; what is done of the samples is kept here, and the same "
                        "command goes on from there");
    return status;
}

static mmn_status find(const mmn_study_kind *kind, mmn_study *study, mmn_error *error)
{
    study->kind = kind;
    study->progress.label = kind->doing;
    study->progress.unit = kind->unit;
    MMN_TRY(open_study(study, error));
    if (kind->check)
        MMN_TRY(kind->check(study, error));
    MMN_TRY(plan_study(study, error));
    if (study->keeping.plan)
        return MMN_OK;
    MMN_TRY(kind->begin(study, error));
    if (kind->columns)
        MMN_TRY(run_list(kind, study, error));
    if (mmn_team_follows(&study->ranks.team))
        return MMN_OK;
    MMN_TRY(end_study(study, error));
    if (kind->judge && study->keeping.shards == 0)
        MMN_TRY(kind->judge(study, error));
    return kind->columns ? mmn_rows_files_finish(&study->rows.files, error) : MMN_OK;
}

/* Whatever this process fails of, the others are told. */
mmn_status mmn_study_find(const mmn_study_kind *kind, void *kept, const mmn_model *model,
                          const void *options, mmn_error *error)
{
    mmn_study *study = kept;
    mmn_status status = kind->set_up ? kind->set_up(kept, model, options, error)
                                     : set_up(kind, study, model, options, error);
    const mmn_status joined =
        mmn_team_begin(&study->ranks.team, study->keeping.ranks, status == MMN_OK ? error : NULL);
    if (status == MMN_OK)
        status = joined;
    if (status == MMN_OK)
        status = find(kind, study, error);
    return mmn_study_ranks_end(&study->ranks, status, error);
}

void mmn_study_close(const mmn_study_kind *kind, void *kept)
{
    mmn_study *study = kept;
    if (kind->end)
        kind->end(kept);
    mmn_plan_free(&study->plan);
    mmn_samples_close(&study->samples);
    mmn_neurons_free(study->lists);
    mmn_points_free(&study->points);
    mmn_counts_free(study->counts);
    mmn_compute_free_scratch(&study->compute);
    mmn_study_rows_close(&study->rows);
    mmn_study_ranks_free(&study->ranks);
    mmn_blocks_free(&study->blocks);
}
