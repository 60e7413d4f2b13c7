/* Encoding: regresses recorded responses on features of models. */
#include "study/encode.h"

#include <math.h>
#include <string.h>

#include "base/interrupt.h"
#include "model/compute.h"
#include "study/result_forms.h"

static mmn_status tell(mmn_encode_study *study, mmn_error *error)
{
    const mmn_encode_options *options = study->options;
    const mmn_progress progress = {.label = "encoding",
                                   .unit = "regressions",
                                   .done = study->done,
                                   .total = study->total,
                                   .seconds = mmn_clock() - study->begun};
    if (options->progress && options->progress(options->progress_context, &progress))
        return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "interrupted");
    study->done++;
    return MMN_OK;
}

/* The file to name where a model's features are at fault: of a joined one, its first part's. */
static const char *file_of(const mmn_encode_model *model)
{
    return model->parts ? model->parts[0]->file : model->file;
}

/* ---- One model ------------------------------------------------------------------------------- */

static mmn_status make_room(mmn_encode_study *study, mmn_encode_model *model, mmn_error *error)
{
    const size_t columns = study->columns, draws = study->options->draws;
    MMN_NEED(model->r = mmn_encode_room(study, columns, sizeof(double), error));
    MMN_NEED(model->validation = mmn_encode_room(study, columns, sizeof(double), error));
    MMN_NEED(model->penalty = mmn_encode_room(study, columns, 1, error));
    MMN_NEED(model->best = mmn_encode_room(study, columns, sizeof(size_t), error));
    MMN_NEED(model->scores = mmn_encode_room(study, columns * draws, sizeof(double), error));
    MMN_NEED(model->validations = mmn_encode_room(study, columns * draws, sizeof(double), error));
    MMN_NEED(model->test_interval = mmn_encode_room(study, columns, sizeof(mmn_interval), error));
    MMN_NEED(model->validation_interval =
                 mmn_encode_room(study, columns, sizeof(mmn_interval), error));
    MMN_NEED(model->predicted = mmn_encode_room(study, columns, sizeof(bool), error));
    return MMN_OK;
}

static double mean_of(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

/* Scores of a layer's features, for which *x is replaced by what is regressed. */
static mmn_status prepare(mmn_ridge_data *data, const mmn_encode_study *study,
                          const mmn_encode_model *model, size_t layer, const char *alignment,
                          mmn_error *error)
{
    *data = (mmn_ridge_data){.events = study->events,
                             .features = model->layers[layer].projected,
                             .columns = study->columns,
                             .y = study->y};
    MMN_TRY(mmn_encode_features(&data->x, study, model, &model->layers[layer], alignment, error));
    mmn_ridge_prepare(data->x, data->events, data->features, true);
    return MMN_OK;
}

static mmn_status score_layer(mmn_encode_study *study, mmn_encode_model *model, size_t number,
                              const char *alignment, mmn_ridge_scores *scores, mmn_error *error)
{
    mmn_encode_layer *layer = &model->layers[number];
    mmn_ridge_data data;
    MMN_TRY(tell(study, error));
    MMN_TRY(prepare(&data, study, model, number, alignment, error));
    for (uint32_t i = 0; i < study->events; i++)
        study->drawn[i] = i;
    mmn_status status = mmn_ridge_score(&study->algebra, &data, study->drawn, scores, error);
    mmn_free(data.x);
    MMN_TRY(mmn_error_in_file(error, status, file_of(model)));
    layer->validation = mean_of(scores->validation, study->columns);
    layer->test = mean_of(scores->test, study->columns);
    return MMN_OK;
}

/* Scores every layer, and keeps the scores of the one whose mean validation is the greatest. */
static mmn_status choose_layer(mmn_encode_study *study, mmn_encode_model *model,
                               const char *alignment, mmn_error *error)
{
    double *greatest = mmn_encode_room(study, study->columns, sizeof(double), error);
    mmn_ridge_scores scores = {mmn_encode_room(study, study->columns, sizeof(double), error),
                               mmn_encode_room(study, study->columns, sizeof(double), error),
                               mmn_encode_room(study, study->columns, 1, error)};
    if (!greatest || !scores.validation || !scores.test || !scores.penalty)
        return MMN_SYSTEM;
    for (size_t layer = 0; layer < model->layer_count; layer++) {
        MMN_TRY(score_layer(study, model, layer, alignment, &scores, error));
        for (size_t i = 0; i < study->columns; i++)
            if (layer == 0 || scores.validation[i] > greatest[i]) {
                greatest[i] = scores.validation[i];
                model->best[i] = layer;
            }
        if (layer > 0 &&
            !(model->layers[layer].validation > model->layers[model->layer].validation))
            continue;
        model->layer = layer;
        memcpy(model->r, scores.test, study->columns * sizeof(double));
        memcpy(model->validation, scores.validation, study->columns * sizeof(double));
        memcpy(model->penalty, scores.penalty, study->columns);
    }
    return MMN_OK;
}

/* Whose scores are kept. */
typedef struct drawing {
    mmn_encode_study *study;
    mmn_encode_model *model;
} drawing;

/* The same events are drawn for all models. */
static void draw_events(void *context, uint32_t *drawn, uint32_t draw)
{
    const mmn_encode_study *study = ((const drawing *)context)->study;
    mmn_encoding_draw(drawn, study->counts, (uint32_t)study->events, study->options->seed, draw);
}

static mmn_status keep_scores(void *context, const mmn_ridge_scores *scores, uint32_t draw,
                              mmn_error *error)
{
    const drawing *own = context;
    const size_t draws = own->study->options->draws;
    for (size_t i = 0; i < own->study->columns; i++) {
        own->model->scores[i * draws + draw] = scores->test[i];
        own->model->validations[i * draws + draw] = scores->validation[i];
    }
    return tell(own->study, error);
}

/* `sorted` is memory for as many numbers as there are draws. */
static void find_intervals(const mmn_encode_study *study, mmn_encode_model *model, double *sorted)
{
    const size_t draws = study->options->draws;
    for (size_t i = 0; i < study->columns; i++) {
        memcpy(sorted, model->scores + i * draws, draws * sizeof(double));
        model->test_interval[i] = mmn_encoding_interval(sorted, draws);
        memcpy(sorted, model->validations + i * draws, draws * sizeof(double));
        model->validation_interval[i] = mmn_encoding_interval(sorted, draws);
        model->predicted[i] = model->validation_interval[i].low > 0;
    }
}

static mmn_status run_model(mmn_encode_study *study, mmn_encode_model *model, const char *alignment,
                            mmn_error *error)
{
    mmn_ridge_data data;
    MMN_TRY(make_room(study, model, error));
    if (model->parts)
        MMN_TRY(mmn_encode_join(model, &study->alignment, error));
    MMN_TRY(choose_layer(study, model, alignment, error));
    double *sorted = mmn_encode_room(study, study->options->draws, sizeof(double), error);
    if (!sorted)
        return MMN_SYSTEM;
    MMN_TRY(prepare(&data, study, model, model->layer, alignment, error));
    const mmn_ridge_draws draws = {.count = study->options->draws,
                                   .context = &(drawing){study, model},
                                   .draw = draw_events,
                                   .keep = keep_scores};
    mmn_status status = mmn_ridge_score_draws(&study->algebra, &data, &draws, error);
    mmn_free(data.x);
    if (status == MMN_INPUT)
        mmn_error_in_file(error, status, file_of(model));
    if (status == MMN_OK)
        find_intervals(study, model, sorted);
    return status;
}

/* ---- All of them ----------------------------------------------------------------------------- */

static mmn_status run_alignment(mmn_encode_study *study, const mmn_tensor *responses,
                                mmn_error *error)
{
    MMN_TRY(mmn_encode_read(study, responses, error));
    MMN_NEED(study->drawn = mmn_encode_room(study, study->events, sizeof(uint32_t), error));
    MMN_NEED(study->counts = mmn_encode_room(study, study->events, sizeof(uint32_t), error));
    const size_t alignments = mmn_safetensors_count(study->responses);
    for (size_t i = 0; i < study->model_count; i++) {
        study->total = alignments * study->model_count *
                       (study->models[i].layer_count + study->options->draws);
        MMN_TRY(run_model(study, &study->models[i], responses->name, error));
    }
    return MMN_OK;
}

static void add_settings(mmn_result *result, const mmn_encode_study *study)
{
    const mmn_encode_options *options = study->options;
    MMN_ADD(result, "result", mmn_as_text(mmn_version()), mmn_as_text(options->responses),
            mmn_as_text(study->digest), mmn_as_whole(options->draws), mmn_as_whole(options->seed),
            mmn_as_real(options->epsilon), mmn_as_real(options->rate));
    for (size_t i = 0; i < study->model_count; i++)
        mmn_encode_add_features(result, &study->models[i]);
}

static mmn_status fill(mmn_result *result, mmn_encode_study *study, mmn_error *error)
{
    add_settings(result, study);
    for (size_t i = 0; i < mmn_safetensors_count(study->responses); i++) {
        const mmn_tensor *responses = mmn_safetensors_get(study->responses, i);
        MMN_TRY(run_alignment(study, responses, error));
        mmn_encode_add(result, study, responses->name);
        MMN_TRY(mmn_encode_compare(result, study, error));
        mmn_encode_judge(study, i);
        mmn_blocks_free(&study->alignment);
    }
    return mmn_encode_add_tests(result, study, error);
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
    MMN_TRY(mmn_result_begin(result, &mmn_encode_form, error));
    MMN_TRY(fill(*result, study, error));
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
    mmn_blocks_free(&study->alignment);
    mmn_blocks_free(&study->blocks);
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
    const size_t models = options->feature_count + (options->model != NULL);
    if (models == 0 || models + options->join_count > MMN_ENCODE_MOST_MODELS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "features of %zu models were given, and %zu were joined; expected 1 to %d",
                        models, options->join_count, MMN_ENCODE_MOST_MODELS);
    if (options->draws > MMN_ENCODE_MOST_DRAWS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "%u draws were asked for; expected at most %d", options->draws,
                        MMN_ENCODE_MOST_DRAWS);
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
    MMN_TRY(check(&own, error));
    mmn_encode_study study = {.options = &own, .begun = mmn_clock()};
    mmn_status status = run(result, &study, error);
    if (status != MMN_OK) {
        mmn_result_free(*result);
        *result = NULL;
    }
    close_study(&study);
    return status;
}
