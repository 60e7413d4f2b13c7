/* Encoding: regresses recorded responses on features of models. */
#include "study/encode.h"

#include "base/interrupt.h"
#include "base/scratch.h"
#include "model/compute.h"
#include "study/result_forms.h"

/* ---- Alignments ------------------------------------------------------------------------------ */

/* How many regressions this run does: of every layer, and of those draws on parts of sites that are
 * its own. */
static uint64_t count_regressions(const mmn_encode_study *study)
{
    const mmn_rows_options *rows = &study->options->rows;
    const uint64_t all = mmn_encode_piece(study, study->options->draws, 0);
    const uint64_t own = rows->shards == 0 ? all
                                           : (all + rows->shards - rows->shard) / rows->shards;
    uint64_t count = 0;
    for (size_t a = 0; a < mmn_safetensors_count(study->responses); a++)
        for (size_t i = 0; i < study->model_count; i++)
            count += own + mmn_encode_layers(&study->models[i],
                                             mmn_safetensors_get(study->responses, a)->name);
    return count;
}

static mmn_status run_alignment(mmn_encode_study *study, const mmn_tensor *responses,
                                mmn_error *error)
{
    MMN_TRY(mmn_encode_read(study, responses, error));
    MMN_NEED(study->drawn = mmn_encode_room(study, study->events, sizeof(uint32_t), error));
    MMN_NEED(study->counts = mmn_encode_room(study, study->events, sizeof(uint32_t), error));
    if (!mmn_multiply_sizes(study->columns * sizeof(double), study->options->draws,
                            &study->scores_size))
        return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "there are too many columns and draws");
    for (size_t i = 0; i < study->model_count; i++)
        MMN_TRY(mmn_encode_regress(study, &study->models[i], responses->name, error));
    return MMN_OK;
}

static void free_alignment(mmn_encode_study *study)
{
    for (size_t i = 0; i < study->model_count; i++) {
        mmn_scratch_unmap(study->models[i].scores, study->scores_size);
        study->models[i].scores = NULL;
    }
    mmn_scratch_unmap(study->validations, study->scores_size);
    study->validations = NULL;
    mmn_blocks_free(&study->alignment);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static void add_settings(mmn_result *result, const mmn_encode_study *study)
{
    const mmn_encode_options *options = study->options;
    MMN_ADD(result, "result", mmn_as_text(mmn_version()), mmn_as_text(options->responses),
            mmn_as_text(study->digest), mmn_as_whole(options->draws), mmn_as_whole(options->seed),
            mmn_as_real(options->epsilon), mmn_as_real(options->rate),
            mmn_as_text(options->columns));
    for (size_t i = 0; i < study->model_count; i++)
        mmn_encode_add_features(result, &study->models[i]);
}

/* Adds what was found in an alignment to the result. */
static mmn_status add_alignment(mmn_result *result, mmn_encode_study *study, size_t number,
                                mmn_error *error)
{
    const char *alignment = mmn_safetensors_get(study->responses, number)->name;
    mmn_encode_add(result, study, alignment);
    MMN_TRY(mmn_encode_take_columns(study, alignment, error));
    MMN_TRY(mmn_encode_compare(result, study, error));
    mmn_encode_judge(study, number);
    return MMN_OK;
}

/* Runs the regressions, and fills the result, NULL where rows are all that is made. */
static mmn_status fill(mmn_result *result, mmn_encode_study *study, mmn_error *error)
{
    study->total = count_regressions(study);
    MMN_TRY(mmn_encode_open_rows(study, error));
    if (result)
        add_settings(result, study);
    for (size_t i = 0; i < mmn_safetensors_count(study->responses); i++) {
        MMN_TRY(run_alignment(study, mmn_safetensors_get(study->responses, i), error));
        if (result)
            MMN_TRY(add_alignment(result, study, i, error));
        free_alignment(study);
    }
    MMN_TRY(mmn_rows_files_finish(&study->rows, error));
    if (result)
        MMN_TRY(mmn_encode_write_columns(study, error));
    return result ? mmn_encode_add_tests(result, study, error) : MMN_OK;
}

/* Where an interrupted run has left what it has done. */
static mmn_status explain(const mmn_encode_study *study, mmn_status status, mmn_error *error)
{
    if (status != MMN_INTERRUPTED || study->rows.own.lock == 0)
        return status;
    return mmn_fail(error, status, study->rows.own.path, NULL,
                    "interrupted; the regressions that are done are kept here, and the same "
                    "command goes on from there");
}

static mmn_status run(mmn_result **result, mmn_encode_study *study, mmn_error *error)
{
    mmn_compute compute = {0};
    MMN_TRY(mmn_compute_choose(&compute, study->options->threads, study->options->simd, error));
    MMN_TRY(mmn_algebra_begin(&study->algebra, compute.kernels, compute.threads, error));
    MMN_TRY(mmn_encode_open(study, error));
    bool made = true;
    if (study->options->model)
        MMN_TRY(mmn_encode_run_model(result, &made, study, error));
    if (!made)
        return MMN_OK;
    if (study->options->rows.shards > 0 || mmn_team_follows(&study->team))
        return explain(study, fill(NULL, study, error), error);
    MMN_TRY(mmn_result_begin(result, &mmn_encode_form, error));
    MMN_TRY(explain(study, fill(*result, study, error), error));
    return mmn_result_end(result, error);
}

static void close_study(mmn_encode_study *study)
{
    for (size_t i = 0; i < MMN_ENCODE_MOST_MODELS; i++)
        mmn_safetensors_close(study->models[i].tensors);
    mmn_safetensors_close(study->responses);
    mmn_algebra_end(&study->algebra);
    json_decref(study->sites);
    mmn_free(study->pairs);
    mmn_rows_files_close(&study->rows);
    mmn_text_free(&study->line);
    mmn_team_free(&study->team);
    free_alignment(study);
    mmn_blocks_free(&study->blocks);
}

static mmn_status check_rows(const mmn_rows_options *rows, mmn_error *error)
{
    MMN_TRY(mmn_rows_options_check(rows, error));
    return rows->plan ? mmn_fail(error, MMN_USAGE, NULL, NULL, "regressions are not planned")
                      : MMN_OK;
}

static mmn_status check(const mmn_encode_options *options, mmn_error *error)
{
    MMN_GIVEN(error, options->responses);
    MMN_GIVEN_TEXTS(error, "features", options->feature_count, options->features);
    MMN_GIVEN_TEXTS(error, "comparison", options->comparison_count, options->comparisons);
    MMN_GIVEN_TEXTS(error, "role", options->role_count, options->roles);
    MMN_GIVEN_TEXTS(error, "joined model", options->join_count, options->joins);
    if (options->model)
        MMN_GIVEN(error, options->events);
    if (options->model && options->rows.ranks)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "processes divide a model's events among themselves, whose rows have them; "
                        "the first one regresses");
    const size_t models = options->feature_count + (options->model != NULL);
    if (models == 0 || models + options->join_count > MMN_ENCODE_MOST_MODELS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "features of %zu models were given, and %zu were joined; expected 1 to %d",
                        models, options->join_count, MMN_ENCODE_MOST_MODELS);
    if (options->draws > MMN_ENCODE_MOST_DRAWS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "%u draws were asked for; expected at most %d", options->draws,
                        MMN_ENCODE_MOST_DRAWS);
    MMN_TRY(check_rows(&options->rows, error));
    if (!(options->epsilon > 0 && options->epsilon < 1) ||
        !(options->rate > 0 && options->rate < 1))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "epsilon is %g and the rate %g; expected numbers between 0 and 1",
                        options->epsilon, options->rate);
    return MMN_OK;
}

mmn_status mmn_encode(mmn_result **result, const mmn_encode_options *options, mmn_error *error)
{
    mmn_encode_options own;
    MMN_CLEAR(result);
    MMN_GIVEN(error, result, options);
    MMN_TAKE_OPTIONS(own, options, error);
    own.draws = own.draws ? own.draws : 1000;
    own.epsilon = own.epsilon != 0 ? own.epsilon : 0.1;
    own.rate = own.rate != 0 ? own.rate : 0.05;
    own.site_parts = own.site_parts ? own.site_parts : 1;
    MMN_TRY(check(&own, error));
    mmn_encode_study study = {.options = &own, .begun = mmn_clock()};
    mmn_status status = mmn_team_begin(&study.team, own.rows.ranks, error);
    if (status == MMN_OK)
        status = run(result, &study, error);
    status = mmn_encode_leave(&study, status, error);
    if (status != MMN_OK) {
        mmn_result_free(*result);
        *result = NULL;
    }
    close_study(&study);
    return status;
}
