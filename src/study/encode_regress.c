/* Encoding: the regressions of one model's layers, of which the best one on average is kept, and of
 * that layer for draws of the events. */
#include <math.h>
#include <string.h>

#include "base/scratch.h"
#include "study/encode.h"

/* The file to name where a model's features are at fault: of a joined one, its first part's. */
static const char *file_of(const mmn_encode_model *model)
{
    return model->parts ? model->parts[0]->file : model->file;
}

/* ---- Memory ---------------------------------------------------------------------------------- */

/* Scores of draws are as many as columns times draws, of each model: files take them where memory
 * is short. A shard, and processes but the first, have rows alone. */
static mmn_status make_scratch(mmn_encode_study *study, double **scores, mmn_error *error)
{
    void *data = NULL;
    if (*scores || study->options->rows.shards > 0 || mmn_team_follows(&study->team))
        return MMN_OK;
    MMN_TRY(mmn_scratch_map(&data, study->scores_size, error));
    *scores = data;
    return MMN_OK;
}

static mmn_status make_room(mmn_encode_study *study, mmn_encode_model *model, mmn_error *error)
{
    const size_t columns = study->columns;
    MMN_NEED(model->r = mmn_encode_room(study, columns, sizeof(double), error));
    MMN_NEED(model->validation = mmn_encode_room(study, columns, sizeof(double), error));
    MMN_NEED(model->penalty = mmn_encode_room(study, columns, 1, error));
    MMN_NEED(model->best = mmn_encode_room(study, columns, sizeof(size_t), error));
    MMN_NEED(model->test_interval = mmn_encode_room(study, columns, sizeof(mmn_interval), error));
    MMN_NEED(model->validation_interval =
                 mmn_encode_room(study, columns, sizeof(mmn_interval), error));
    MMN_NEED(model->predicted = mmn_encode_room(study, columns, sizeof(bool), error));
    MMN_TRY(make_scratch(study, &study->validations, error));
    return make_scratch(study, &model->scores, error);
}

static mmn_status make_scores(mmn_encode_study *study, mmn_ridge_scores *scores, mmn_error *error)
{
    MMN_NEED(scores->validation = mmn_encode_room(study, study->columns, sizeof(double), error));
    MMN_NEED(scores->test = mmn_encode_room(study, study->columns, sizeof(double), error));
    MMN_NEED(scores->penalty = mmn_encode_room(study, study->columns, 1, error));
    return MMN_OK;
}

/* ---- Layers ---------------------------------------------------------------------------------- */

static double mean_of(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

/* Makes what is regressed, unless it is there: data->x is freed with mmn_free. */
static mmn_status prepare(mmn_ridge_data *data, const mmn_encode_study *study,
                          const mmn_encode_model *model, size_t layer, const char *alignment,
                          mmn_error *error)
{
    if (data->x)
        return MMN_OK;
    *data = (mmn_ridge_data){.events = study->events,
                             .features = model->layers[layer].projected,
                             .columns = study->columns,
                             .y = study->y};
    MMN_TRY(mmn_encode_features(&data->x, study, model, &model->layers[layer], alignment, error));
    mmn_ridge_prepare(data->x, data->events, data->features, true);
    return MMN_OK;
}

static mmn_status regress_layer(mmn_encode_study *study, const mmn_encode_regression *of,
                                mmn_ridge_scores *scores, mmn_error *error)
{
    mmn_ridge_data data = {0};
    MMN_TRY(prepare(&data, study, of->model, of->layer, of->alignment, error));
    for (uint32_t i = 0; i < study->events; i++)
        study->drawn[i] = i;
    mmn_status status = mmn_ridge_score(&study->algebra, &data, study->drawn, scores, error);
    mmn_free(data.x);
    MMN_TRY(mmn_error_in_file(error, status, file_of(of->model)));
    return mmn_encode_keep(study, of, scores, error);
}

/* The layers of a model. */
typedef struct layering {
    mmn_encode_study *study;
    mmn_encode_model *model;
    const char *alignment;
    mmn_ridge_scores scores; /* of one */
} layering;

static mmn_encode_regression layer_of(const layering *own, size_t number)
{
    return (mmn_encode_regression){.alignment = own->alignment,
                                   .model = own->model,
                                   .layer = number,
                                   .sites = {0, own->study->site_count}};
}

/* Of mmn_encode_phase. */
static mmn_status find_layer(void *context, uint32_t number, bool *found, mmn_error *error)
{
    layering *own = context;
    const mmn_encode_regression of = layer_of(own, number);
    return mmn_encode_find_kept(&own->scores, found, own->study, &of, error);
}

/* Of mmn_encode_phase. */
static mmn_status regress_own_layers(void *context, mmn_error *error)
{
    layering *own = context;
    for (uint32_t number = 0; number < own->model->layer_count; number++) {
        const mmn_encode_regression of = layer_of(own, number);
        if (!mmn_encode_is_mine(own->study, number))
            continue;
        MMN_TRY(regress_layer(own->study, &of, &own->scores, error));
        MMN_TRY(mmn_encode_tell(own->study, false, error));
    }
    return MMN_OK;
}

static mmn_status score_layer(layering *own, uint32_t number, mmn_error *error)
{
    const mmn_encode_regression of = layer_of(own, number);
    const size_t columns = own->study->columns;
    mmn_encode_layer *layer = &own->model->layers[number];
    bool found;
    MMN_TRY(find_layer(own, number, &found, error));
    if (!found)
        MMN_TRY(regress_layer(own->study, &of, &own->scores, error));
    layer->validation = mean_of(own->scores.validation, columns);
    layer->test = mean_of(own->scores.test, columns);
    return mmn_encode_tell(own->study, found, error);
}

/* Scores every layer, and keeps the scores of the one whose mean validation is the greatest. */
static mmn_status choose_layer(layering *own, mmn_error *error)
{
    mmn_encode_study *study = own->study;
    mmn_encode_model *model = own->model;
    const mmn_ridge_scores *scores = &own->scores;
    double *greatest = mmn_encode_room(study, study->columns, sizeof(double), error);
    MMN_NEED(greatest);
    for (uint32_t layer = 0; layer < model->layer_count; layer++) {
        MMN_TRY(score_layer(own, layer, error));
        for (size_t i = 0; i < study->columns; i++)
            if (layer == 0 || scores->validation[i] > greatest[i]) {
                greatest[i] = scores->validation[i];
                model->best[i] = layer;
            }
        if (layer > 0 &&
            !(model->layers[layer].validation > model->layers[model->layer].validation))
            continue;
        model->layer = layer;
        memcpy(model->r, scores->test, study->columns * sizeof(double));
        memcpy(model->validation, scores->validation, study->columns * sizeof(double));
        memcpy(model->penalty, scores->penalty, study->columns);
    }
    return MMN_OK;
}

/* Of processes but the first, the layer is chosen when they are told. */
static mmn_status regress_layers(mmn_encode_study *study, mmn_encode_model *model,
                                 const char *alignment, const mmn_ridge_scores *scores,
                                 mmn_error *error)
{
    layering own = {study, model, alignment, *scores};
    const mmn_encode_phase phase = {.context = &own,
                                    .count = (uint32_t)model->layer_count,
                                    .find = find_layer,
                                    .work = regress_own_layers};
    MMN_TRY(mmn_encode_gather(study, &phase, error));
    return mmn_team_follows(&study->team) ? MMN_OK : choose_layer(&own, error);
}

/* ---- Draws ----------------------------------------------------------------------------------- */

/* The draws of a model on one part of the sites. */
typedef struct drawing {
    mmn_encode_study *study;
    mmn_encode_model *model;
    mmn_encode_regression of;
    uint32_t *numbers; /* [draws]: of these, those that this run does */
    uint32_t count;
    mmn_ridge_data *data;
    mmn_ridge_scores scores; /* of one */
} drawing;

/* The same events are drawn for all models. */
static void draw_events(void *context, uint32_t *drawn, uint32_t draw)
{
    const mmn_encode_study *study = ((const drawing *)context)->study;
    mmn_encoding_draw(drawn, study->counts, (uint32_t)study->events, study->options->seed, draw);
}

/* Puts a draw's scores, of the part's columns, among those of all. */
static void store(const drawing *own, const mmn_ridge_scores *scores, uint32_t draw)
{
    const mmn_encode_study *study = own->study;
    const mmn_encode_sites sites = own->of.sites;
    const size_t first = draw * study->columns + sites.first * study->bins;
    const size_t size = (sites.end - sites.first) * study->bins * sizeof(double);
    if (!own->model->scores)
        return;
    memcpy(own->model->scores + first, scores->test, size);
    memcpy(study->validations + first, scores->validation, size);
}

static mmn_status keep_scores(void *context, const mmn_ridge_scores *scores, uint32_t draw,
                              mmn_error *error)
{
    drawing *own = context;
    own->of.draw = draw;
    store(own, scores, draw);
    MMN_TRY(mmn_encode_keep(own->study, &own->of, scores, error));
    return mmn_encode_tell(own->study, false, error);
}

static void list_draws(drawing *own)
{
    const mmn_rows_options *rows = &own->study->options->rows;
    own->count = 0;
    for (uint32_t draw = 0; draw < own->study->options->draws; draw++)
        if (rows->shards == 0 ||
            mmn_encode_piece(own->study, draw, own->of.part) % rows->shards == rows->shard - 1)
            own->numbers[own->count++] = draw;
}

/* Of mmn_encode_phase: of a draw of the list. */
static mmn_status find_draw(void *context, uint32_t number, bool *found, mmn_error *error)
{
    drawing *own = context;
    own->of.draw = own->numbers[number];
    return mmn_encode_find_kept(&own->scores, found, own->study, &own->of, error);
}

/* Takes the draws that a file has, which are the first of the list; *count is how many. */
static mmn_status find_draws(drawing *own, uint32_t *count, mmn_error *error)
{
    bool found = true;
    for (*count = 0; *count < own->count; (*count)++) {
        MMN_TRY(find_draw(own, *count, &found, error));
        if (!found)
            return MMN_OK;
        store(own, &own->scores, own->of.draw);
        MMN_TRY(mmn_encode_tell(own->study, true, error));
    }
    return MMN_OK;
}

/* The responses of a part of the sites, which *y are, to be freed with mmn_free; NULL: of all. */
static mmn_status take_part(mmn_ridge_data *data, double **y, const mmn_encode_study *study,
                            mmn_encode_sites sites, mmn_error *error)
{
    const size_t columns = (sites.end - sites.first) * study->bins;
    *y = NULL;
    if (columns == study->columns)
        return MMN_OK;
    MMN_NEED(*y = mmn_allocate(study->events * columns, sizeof(double), error));
    for (size_t event = 0; event < study->events; event++)
        memcpy(*y + event * columns, study->y + event * study->columns + sites.first * study->bins,
               columns * sizeof(double));
    data->columns = columns;
    data->y = *y;
    return MMN_OK;
}

static mmn_status regress_draws(drawing *own, const uint32_t *numbers, uint32_t count,
                                mmn_error *error)
{
    mmn_encode_study *study = own->study;
    double *y;
    if (count == 0)
        return MMN_OK;
    MMN_TRY(prepare(own->data, study, own->model, own->model->layer, own->of.alignment, error));
    mmn_ridge_data part = *own->data;
    MMN_TRY(take_part(&part, &y, study, own->of.sites, error));
    const mmn_ridge_draws draws = {.count = count,
                                   .numbers = numbers,
                                   .context = own,
                                   .draw = draw_events,
                                   .keep = keep_scores};
    const mmn_status status = mmn_ridge_score_draws(&study->algebra, &part, &draws, error);
    mmn_free(y);
    return status == MMN_INPUT ? mmn_error_in_file(error, status, file_of(own->model)) : status;
}

/* Of mmn_encode_phase. */
static mmn_status regress_own_draws(void *context, mmn_error *error)
{
    drawing *own = context;
    uint32_t count = 0, *mine = mmn_allocate(own->count, sizeof(*mine), error);
    MMN_NEED(mine);
    own->of.layer = own->model->layer;
    for (uint32_t number = 0; number < own->count; number++)
        if (mmn_encode_is_mine(own->study, number))
            mine[count++] = own->numbers[number];
    const mmn_status status = regress_draws(own, mine, count, error);
    mmn_free(mine);
    return status;
}

static mmn_status draw_part(drawing *own, mmn_error *error)
{
    uint32_t found;
    list_draws(own);
    const mmn_encode_phase phase = {
        .context = own, .count = own->count, .find = find_draw, .work = regress_own_draws};
    MMN_TRY(mmn_encode_gather(own->study, &phase, error));
    if (mmn_team_follows(&own->study->team))
        return MMN_OK;
    MMN_TRY(find_draws(own, &found, error));
    return regress_draws(own, own->numbers + found, own->count - found, error);
}

static mmn_status draw_model(mmn_encode_study *study, mmn_encode_model *model,
                             const char *alignment, const mmn_ridge_scores *scores,
                             mmn_error *error)
{
    const uint32_t parts = study->options->site_parts;
    mmn_ridge_data data = {0};
    drawing own = {.study = study, .model = model, .data = &data, .scores = *scores};
    mmn_status status = MMN_OK;
    MMN_NEED(own.numbers =
                 mmn_encode_room(study, study->options->draws, sizeof(*own.numbers), error));
    for (uint32_t part = 0; part < parts && status == MMN_OK; part++) {
        own.of = (mmn_encode_regression){
            .alignment = alignment,
            .model = model,
            .layer = model->layer,
            .drawn = true,
            .part = part,
            .sites = {study->site_count * part / parts, study->site_count * (part + 1) / parts}};
        status = draw_part(&own, error);
    }
    mmn_free(data.x);
    return status;
}

/* ---- Intervals ------------------------------------------------------------------------------- */

void mmn_encode_site_scores(double *of_site, const double *scores, const mmn_encode_study *study,
                            size_t site)
{
    const size_t draws = study->options->draws, bins = study->bins;
    for (size_t draw = 0; draw < draws; draw++)
        for (size_t bin = 0; bin < bins; bin++)
            of_site[bin * draws + draw] = scores[draw * study->columns + site * bins + bin];
}

static mmn_status find_intervals(mmn_encode_study *study, mmn_encode_model *model, mmn_error *error)
{
    const size_t draws = study->options->draws, bins = study->bins;
    double *sorted = mmn_encode_room(study, bins * draws, sizeof(double), error);
    MMN_NEED(sorted);
    for (size_t site = 0; site < study->site_count; site++) {
        const size_t first = site * bins;
        mmn_encode_site_scores(sorted, model->scores, study, site);
        for (size_t bin = 0; bin < bins; bin++)
            model->test_interval[first + bin] = mmn_encoding_interval(sorted + bin * draws, draws);
        mmn_encode_site_scores(sorted, study->validations, study, site);
        for (size_t bin = 0; bin < bins; bin++) {
            mmn_interval *interval = &model->validation_interval[first + bin];
            *interval = mmn_encoding_interval(sorted + bin * draws, draws);
            model->predicted[first + bin] = interval->low > 0;
        }
    }
    return MMN_OK;
}

/* ---- All of it ------------------------------------------------------------------------------- */

mmn_status mmn_encode_regress(mmn_encode_study *study, mmn_encode_model *model,
                              const char *alignment, mmn_error *error)
{
    mmn_ridge_scores scores;
    MMN_TRY(make_room(study, model, error));
    MMN_TRY(make_scores(study, &scores, error));
    if (model->parts)
        MMN_TRY(mmn_encode_join(model, &study->alignment, error));
    MMN_TRY(regress_layers(study, model, alignment, &scores, error));
    MMN_TRY(draw_model(study, model, alignment, &scores, error));
    return model->scores ? find_intervals(study, model, error) : MMN_OK;
}
