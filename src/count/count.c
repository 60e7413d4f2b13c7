/* Counting: runs the samples of a list through the model and counts active neurons per domain. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/output.h"
#include "model/model.h"
#include "count/count.h"
#include "count/count_ranks.h"
#include "pass/session.h"

/* Samples that run together, unless the caller says how many. */
enum { BATCH = 16 };

typedef struct count_run {
    const mmn_model *model;
    const mmn_count_options *options;
    const char *positions_module;
    char *state_file;
    mmn_counts *counts;
    mmn_samples samples;
    mmn_count_batch batch; /* samples that follow last_line, taken but not run yet */
    uint64_t done;         /* own samples that were counted or skipped */
    uint64_t already;      /* of `done`, how many the state file had */
    mmn_count_ranks ranks; /* the processes that do the run together, and what was counted */
    uint64_t line;         /* of the last sample that the list gave */
    double start, saved, save_duration;
    bool unsaved;
} count_run;

/* Whether a domain needs no more samples once it has `more` positions more. */
static bool has_enough(const count_run *run, size_t domain, uint64_t more)
{
    uint64_t wanted = run->options->positions;
    return wanted > 0 && run->counts->domains[domain].positions + more >= wanted;
}

static const char *unit(const count_run *run)
{
    return run->samples.has_texts ? "windows" : "samples";
}

/* Own samples, without those that are left of domains with enough positions. */
static uint64_t total_samples(const count_run *run)
{
    uint64_t total = run->done;
    if (run->ranks.team.ranks)
        return run->ranks.all;
    for (size_t i = 0; i < run->counts->domain_count; i++)
        if (!has_enough(run, i, 0))
            total += run->samples.domains.domains[i].left;
    return total;
}

/* Tells how far the run is. True when it shall stop. */
static bool report_progress(void *context)
{
    const count_run *run = context;
    const mmn_progress progress = {.label = "counting",
                                   .unit = unit(run),
                                   .done = run->done + run->ranks.others,
                                   .total = total_samples(run),
                                   .already = run->already,
                                   .begun = mmn_count_batch_begun(&run->batch),
                                   .seconds = mmn_clock() - run->start};
    return run->options->progress &&
           run->options->progress(run->options->progress_context, &progress) != 0;
}

/* The state never holds counts of weights that have changed: then it stays as it was last saved. */
static mmn_status save_state(count_run *run, mmn_error *error)
{
    double start = mmn_clock();
    mmn_status status = mmn_model_unchanged(run->model, error);
    run->counts->unfinished = true;
    if (status == MMN_OK)
        status = mmn_counts_write(run->counts, run->state_file, error);
    run->counts->unfinished = false;
    run->saved = mmn_clock();
    run->save_duration = run->saved - start;
    run->unsaved = run->unsaved && status != MMN_OK;
    return status;
}

static mmn_status save_state_if_due(count_run *run, mmn_error *error)
{
    run->unsaved = true;
    if (run->ranks.team.ranks) /* whose rounds end with it */
        return MMN_OK;
    return mmn_count_save_is_due(mmn_clock() - run->saved, run->save_duration)
               ? save_state(run, error)
               : MMN_OK;
}

/* Skips what `problem` says is bad, or ends the run with it. */
static mmn_status skip_or_fail(count_run *run, const mmn_error *problem, uint64_t line,
                               mmn_error *error)
{
    /* A number that is none is the model's fault, not the sample's. */
    if (!run->options->skip_bad || problem->status == MMN_NONFINITE) {
        if (error)
            *error = *problem;
        return problem->status;
    }
    MMN_TRY(mmn_counts_add_skipped(run->counts, line, error));
    if (mmn_team_follows(&run->ranks.team))
        return mmn_count_ranks_skip(&run->ranks, problem, error);
    if (run->options->skipped)
        run->options->skipped(run->options->progress_context, problem);
    return MMN_OK;
}

/* Takes note of samples `first` to first + count - 1 of the batch, which are over; those that have
 * an input were counted if `counted`. */
static void close_samples(count_run *run, size_t first, size_t count, bool counted)
{
    for (size_t i = first; i < first + count; i++) {
        const mmn_waiting_sample *sample = &run->batch.samples[i];
        mmn_counted_domain *domain = &run->counts->domains[sample->domain];
        domain->positions += sample->positions;
        run->counts->last_line = sample->line;
        run->unsaved = true;
        if (!sample->input)
            continue;
        run->samples.domains.domains[sample->domain].left--;
        run->done++;
        run->ranks.done++;
        if (!counted)
            continue;
        for (size_t k = 0; k < sizeof(sample->digest); k++)
            run->counts->inputs[k] ^= sample->digest[k];
        domain->samples++;
        run->ranks.counted++;
        run->ranks.positions += mmn_input_length(sample->input);
    }
}

/* Runs one sample of the batch alone, so that what is wrong with it concerns no other. */
static mmn_status run_alone(count_run *run, size_t number, mmn_error *error)
{
    mmn_error problem = {0};
    mmn_status status = mmn_count_batch_run(&run->batch, number, 1, &problem);
    if (status == MMN_NONFINITE && run->model->watch.allow) {
        run->batch.session->compute.watch->allow = true;
        status = mmn_count_batch_run(&run->batch, number, 1, &problem);
        run->batch.session->compute.watch->allow = false;
        run->counts->nonfinite += status == MMN_OK;
    }
    bool counted = status == MMN_OK;
    uint64_t line = run->batch.samples[number].line;
    if (counted)
        status = mmn_count_batch_commit(&run->batch, error);
    else if (!run->samples.has_texts && mmn_sample_blame(&problem, line, run->options->list))
        status = skip_or_fail(run, &problem, line, error);
    else if (error)
        *error = problem;
    if (status == MMN_OK)
        close_samples(run, number, 1, counted);
    return status;
}

/* Runs the samples that wait, together; if that fails, one by one. */
static mmn_status run_waiting(count_run *run, mmn_error *error)
{
    const size_t count = run->batch.count;
    const mmn_status status = mmn_count_batch_run(&run->batch, 0, count, NULL);
    if (status == MMN_INTERRUPTED)
        return mmn_team_explain(&run->ranks.team, status, error);
    if (status == MMN_OK) {
        MMN_TRY(mmn_count_batch_commit(&run->batch, error));
        close_samples(run, 0, count, true);
        return MMN_OK;
    }
    for (size_t i = 0; i < count; i++)
        MMN_TRY(run_alone(run, i, error));
    return MMN_OK;
}

static mmn_status run_batch(count_run *run, mmn_error *error)
{
    if (run->batch.count == 0)
        return MMN_OK;
    const mmn_status status = run_waiting(run, error);
    mmn_count_batch_clear(&run->batch);
    return status == MMN_OK ? save_state_if_due(run, error) : status;
}

/* Ends with a sample or line that is bad: those before it are finished first. */
static mmn_status skip_bad_line(count_run *run, const mmn_error *problem, uint64_t line,
                                mmn_error *error)
{
    MMN_TRY(run_batch(run, error));
    return skip_or_fail(run, problem, line, error);
}

/* Lets a sample wait for its batch, after the batch before it if it does not fit in there. */
static mmn_status add_sample(count_run *run, const mmn_planned_sample *planned, mmn_input *input,
                             mmn_error *error)
{
    const uint64_t positions = mmn_input_module_positions(input, run->model, run->positions_module);
    mmn_status status = MMN_OK;
    if (planned->own && !mmn_count_batch_takes(&run->batch, input))
        status = run_batch(run, error);
    if (status == MMN_OK)
        return mmn_count_batch_add(&run->batch, planned, positions, input, error);
    mmn_input_free(input);
    return status;
}

/* Takes a sample of this shard, or finds out how many positions one of another shard has. */
static mmn_status take_sample(count_run *run, const mmn_planned_sample *planned, mmn_error *error)
{
    mmn_input *input = NULL;
    bool bad;
    mmn_error problem = {0};
    mmn_status status = mmn_samples_input(&input, &run->samples, planned, &bad, &problem);
    if (status == MMN_OK)
        return add_sample(run, planned, input, error);
    if (!bad) {
        if (error)
            *error = problem;
        return status;
    }
    /* Another shard's is listed by the shard that it belongs to. */
    if (planned->own || !run->options->skip_bad)
        MMN_TRY(skip_bad_line(run, &problem, planned->sample.line, error));
    if (!planned->own)
        return MMN_OK;
    run->samples.domains.domains[planned->domain].left--;
    run->done++;
    run->counts->last_line = planned->sample.line;
    return save_state_if_due(run, error);
}

static mmn_status stopped(const count_run *run, mmn_error *error)
{
    const char *samples = unit(run);
    bool kept;
    if (run->done == 0)
        return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL,
                        "interrupted in the first of %" PRIu64 " %s; nothing was counted yet",
                        total_samples(run), samples);
    if (mmn_find_file(&kept, run->state_file, NULL) != MMN_OK || !kept)
        return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL,
                        "interrupted after %" PRIu64 " of %" PRIu64
                        " %s, which are lost: %s could not be written",
                        run->done, total_samples(run), samples, run->state_file);
    return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL,
                    "interrupted after %" PRIu64 " of %" PRIu64
                    " %s; what %s is kept in %s: the same command goes on from there",
                    run->done, total_samples(run), samples,
                    run->unsaved ? "was last saved of them" : "was counted", run->state_file);
}

/* Whether the samples of this run, with those that wait, are as many as it was asked for; if so,
 * they are run. */
static mmn_status run_last_samples(count_run *run, bool *last, mmn_error *error)
{
    uint64_t wanted = run->options->stop_after;
    if (wanted > 0 && run->ranks.counted + run->batch.inputs == wanted)
        MMN_TRY(run_batch(run, error));
    *last = wanted > 0 && run->ranks.counted == wanted;
    return MMN_OK;
}

/* Whether the next sample, `number`, is this process's, once the samples of its last block are
 * counted. */
static mmn_status find_owner(count_run *run, uint64_t number, bool *own, mmn_error *error)
{
    mmn_count_ranks *ranks = &run->ranks;
    if (number >= ranks->end && !ranks->over) {
        MMN_TRY(run_batch(run, error));
        MMN_TRY(mmn_count_ranks_next(ranks, number, run->line, error));
    }
    *own = number >= ranks->begin && number < ranks->end;
    return MMN_OK;
}

static mmn_status next_sample(count_run *run, mmn_planned_sample *planned, mmn_error *error)
{
    const mmn_count_options *options = run->options;
    size_t domain = planned->domain;
    bool before = planned->sample.line <= run->counts->last_line;
    if (run->ranks.team.ranks && !before)
        MMN_TRY(find_owner(run, planned->number, &planned->own, error));
    run->line = planned->sample.line;
    bool enough = has_enough(run, domain, mmn_count_batch_positions(&run->batch, domain));
    if (!before && !enough && (planned->own || options->positions > 0)) {
        bool last = false;
        if (report_progress(run))
            return MMN_INTERRUPTED;
        if (planned->own)
            MMN_TRY(run_last_samples(run, &last, error));
        return last ? MMN_INTERRUPTED : take_sample(run, planned, error);
    }
    if (planned->own) {
        run->samples.domains.domains[domain].left--;
        run->done += before;
        if (before)
            run->already = run->done;
    }
    return MMN_OK;
}

/* Whether a line that cannot be read, and so has no number, is another process's to skip. */
static bool is_others_line(const count_run *run)
{
    return run->options->skip_bad && mmn_team_follows(&run->ranks.team);
}

static mmn_status count_samples(count_run *run, mmn_error *error)
{
    mmn_status status = MMN_OK;
    for (bool found = true; found && status == MMN_OK;) {
        mmn_planned_sample planned;
        mmn_error problem = {0};
        status = mmn_samples_next(&planned, &found, &run->samples, &problem);
        uint64_t line = mmn_list_line(run->samples.list);
        if (status == MMN_INPUT && (line <= run->counts->last_line || is_others_line(run)))
            status = MMN_OK;
        else if (status == MMN_INPUT)
            status = skip_bad_line(run, &problem, line, error);
        else if (status != MMN_OK && error)
            *error = problem;
        else if (status == MMN_OK && found)
            status = next_sample(run, &planned, error);
    }
    if (status == MMN_OK)
        status = run_batch(run, error);
    if (status == MMN_OK && run->ranks.team.ranks)
        status = mmn_count_ranks_finish(&run->ranks, run->line, error);
    report_progress(run);
    return status;
}

mmn_status mmn_count_state_file(char **state, const char *output, mmn_error *error)
{
    MMN_CLEAR(state);
    MMN_GIVEN(error, state, output);
    if (*mmn_path_name(output) == '\0')
        return mmn_fail(error, MMN_USAGE, output, NULL,
                        "cannot be written to: expected the name of a file");
    return mmn_path_beside(state, output, ".state", error);
}

/* Takes over what an interrupted run has counted, if there is a state file. */
static mmn_status resume(count_run *run, mmn_error *error)
{
    bool found;
    mmn_counts *state = NULL;
    MMN_TRY(mmn_find_file(&found, run->state_file, error));
    if (!found)
        return MMN_OK;
    MMN_TRY(mmn_count_resume(&state, run->state_file, run->counts, error));
    mmn_counts_free(run->counts);
    run->counts = state;
    return MMN_OK;
}

static mmn_status write_counts(const void *counts, const char *path, mmn_error *error)
{
    return mmn_counts_write(counts, path, error);
}

/* Ends the run without counts, and without its state: another run shall look at its samples
 * again. */
static mmn_status refuse_nothing_left(count_run *run, mmn_error *error)
{
    mmn_status status = mmn_counts_check_left(run->counts, run->options->list, error);
    if (status != MMN_OK)
        remove(run->state_file);
    return status;
}

static mmn_status finish(count_run *run, mmn_error *error)
{
    MMN_TRY(refuse_nothing_left(run, error));
    uint64_t last_line = run->counts->last_line;
    run->counts->last_line = 0;
    mmn_status status = mmn_output_write(run->options->output, write_counts, run->counts, error);
    run->counts->last_line = last_line;
    if (status != MMN_OK && run->unsaved)
        save_state(run, NULL); /* where there is room again, the same command ends at once */
    if (status == MMN_OK && remove(run->state_file) != 0 && errno != ENOENT)
        status = mmn_fail_system(error, errno, run->state_file,
                                 "the counts are complete, but the state file stays");
    return status;
}

static void summarise(mmn_count_summary *summary, const count_run *run)
{
    *summary = (mmn_count_summary){.samples = mmn_counts_samples(run->counts),
                                   .skipped = run->counts->skipped_count,
                                   .nonfinite = run->counts->nonfinite,
                                   .positions = run->ranks.positions,
                                   .window = run->samples.windows.length,
                                   .seconds = mmn_clock() - run->start};
    summary->resumed = summary->samples - run->ranks.counted;
}

/* ---- Several processes ----------------------------------------------------------------------- */

/* Of mmn_count_ranks. */
static mmn_status tell(void *context, mmn_error *error)
{
    return report_progress(context) ? mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "interrupted")
                                    : MMN_OK;
}

/* Likewise. */
static mmn_status save_sum(void *context, mmn_counts *sum, mmn_error *error)
{
    count_run *run = context;
    mmn_counts *own = run->counts;
    run->counts = sum;
    const mmn_status status = save_state(run, error);
    run->counts = own;
    return status;
}

/* Likewise. */
static void list_skipped(void *context, const mmn_error *problem)
{
    const count_run *run = context;
    if (run->options->skipped)
        run->options->skipped(run->options->progress_context, problem);
}

/* Gets ready to count with others, if there are any. */
static mmn_status join(count_run *run, mmn_error *error)
{
    mmn_count_ranks *ranks = &run->ranks;
    uint64_t all = 0;
    if (!ranks->team.ranks)
        return MMN_OK;
    for (size_t d = 0; d < run->samples.domains.domain_count; d++)
        all += run->samples.domains.domains[d].left;
    ranks->most = run->batch.limit;
    ranks->run = run;
    ranks->tell = tell;
    ranks->save = save_sum;
    ranks->skipped = list_skipped;
    ranks->team.asked = run->model->interrupt.asked;
    ranks->team.asked_context = run->model->interrupt.context;
    return mmn_count_ranks_begin(ranks, &run->counts, all, error);
}

/* What all have counted is the run's, in the end. */
static void take_sum(count_run *run)
{
    if (!mmn_team_leads(&run->ranks.team) || !run->ranks.sum)
        return;
    mmn_counts *own = run->counts;
    run->counts = run->ranks.sum;
    run->ranks.sum = own;
}

/* Everything up to the first sample. */
static mmn_status start(count_run *run, mmn_error *error)
{
    const mmn_count_options *options = run->options;
    if (run->ranks.team.ranks && (options->shards > 0 || options->stop_after > 0))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "several processes divide all samples among themselves: they do neither a "
                        "shard nor so many samples of this run");
    MMN_TRY(mmn_count_setup(&run->counts, &run->samples, run->model, options, error));
    MMN_TRY(mmn_count_state_file(&run->state_file, options->output, error));
    MMN_TRY(mmn_count_identify(run->counts, &run->samples, options, error));
    if (!mmn_team_follows(&run->ranks.team))
        MMN_TRY(resume(run, error));
    run->batch.limit = options->batch > 0 ? options->batch : BATCH;
    MMN_TRY(join(run, error));
    run->batch.counts = run->counts;
    run->batch.interrupted = report_progress;
    run->batch.context = run;
    MMN_TRY(mmn_count_batch_start(&run->batch, run->model, error));
    if (run->ranks.team.ranks) {
        run->batch.session->interrupt.asked = mmn_count_ranks_asked;
        run->batch.session->interrupt.context = &run->ranks;
    }
    run->positions_module = mmn_count_positions_module(options, &run->samples, run->counts);
    run->start = run->saved = mmn_clock();
    return MMN_OK;
}

/* Counts, and leaves the state where it comes to no end. */
static mmn_status count(count_run *run, mmn_error *error)
{
    mmn_status status = count_samples(run, error);
    if (status == MMN_OK)
        status = mmn_samples_unchanged(&run->samples, error);
    /* The reason for stopping matters more than whether the state could be saved. */
    if (status != MMN_OK && run->unsaved && !run->ranks.team.ranks)
        save_state(run, NULL);
    return status == MMN_INTERRUPTED ? stopped(run, error) : status;
}

mmn_status mmn_count(const mmn_model *model, const mmn_count_options *options,
                     mmn_count_summary *summary, mmn_error *error)
{
    mmn_count_options own;
    MMN_GIVEN(error, model, options);
    MMN_TRY(
        mmn_take_options(&own, sizeof(own), offsetof(mmn_count_options, ranks), options, error));
    options = &own;
    MMN_GIVEN(error, options->list, options->output);
    count_run run = {.model = model, .options = options, .start = mmn_clock()};
    if (summary)
        *summary = (mmn_count_summary){0};
    mmn_status status = mmn_team_begin(&run.ranks.team, options->ranks, error);
    if (status == MMN_OK)
        status = start(&run, error);
    if (status == MMN_OK)
        status = count(&run, error);
    status = mmn_team_end(&run.ranks.team, status, NULL, NULL, error);
    take_sum(&run);
    if (status == MMN_OK && !mmn_team_follows(&run.ranks.team))
        status = finish(&run, error);
    if (summary && run.counts)
        summarise(summary, &run);

    mmn_count_batch_free(&run.batch);
    mmn_count_ranks_free(&run.ranks);
    mmn_samples_close(&run.samples);
    mmn_counts_free(run.counts);
    mmn_free(run.state_file);
    return status;
}
