/* Encoding: the rows of its regressions, which are kept as they come and found again: of each layer
 * what it scores in every column, and of each draw what the chosen layer does in a part of the
 * sites. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "study/encode.h"
#include "study/result_forms.h"
#include "study/row.h"

/* A regression's scores, of its columns; draws have no use for penalties. */
typedef struct scores_row {
    double *validation, *test;
    size_t validation_count, test_count;
    uint64_t *penalty;
    size_t penalty_count;
} scores_row;

static const mmn_row_column columns[] = {
    MMN_ROW_MANY("validation", MMN_ROW_REAL, scores_row, validation, validation_count),
    MMN_ROW_MANY("test", MMN_ROW_REAL, scores_row, test, test_count),
    MMN_ROW_MANY("penalty", MMN_ROW_WHOLE, scores_row, penalty, penalty_count),
    {0}};

/* ---- The run --------------------------------------------------------------------------------- */

static void add_joined(mmn_text *text, const mmn_encode_model *model)
{
    mmn_text_add(text, ", \"parts\": [");
    for (size_t i = 0; i < model->part_count; i++) {
        mmn_text_add(text, i > 0 ? ", " : "");
        mmn_text_add_json(text, model->parts[i]->name);
    }
    mmn_text_add(text, "]");
}

/* What scores depend on; comparisons, roles and the rate of discoveries come after them. */
static mmn_status make_run(mmn_text *text, const mmn_encode_study *study, mmn_error *error)
{
    const mmn_encode_options *options = study->options;
    mmn_text_add(text, "\"version\": \"%s\", \"result\": \"%s\", \"data\": \"%s\", ", mmn_version(),
                 mmn_encode_form.format, study->digest);
    mmn_text_add(text, "\"settings\": {\"draws\": %" PRIu32 ", \"seed\": %" PRIu64, options->draws,
                 options->seed);
    mmn_text_add(text, ", \"site_parts\": %" PRIu32 ", \"epsilon\": ", options->site_parts);
    mmn_text_add_real(text, options->epsilon);
    mmn_text_add(text, ", \"features\": [");
    for (size_t i = 0; i < study->model_count; i++) {
        const mmn_encode_model *model = &study->models[i];
        mmn_text_add(text, "%s{\"model\": ", i > 0 ? ", " : "");
        mmn_text_add_json(text, model->name);
        mmn_text_add(text, ", \"digest\": \"%s\"", model->digest);
        add_joined(text, model);
        mmn_text_add(text, "}");
    }
    mmn_text_add(text, "]}");
    return mmn_text_status(text, error);
}

mmn_status mmn_encode_open_rows(mmn_encode_study *study, mmn_error *error)
{
    const mmn_rows_options *asked = &study->options->rows;
    mmn_text run = {0};
    if (!asked->file && asked->part_count == 0)
        return MMN_OK;
    mmn_status status = make_run(&run, study, error);
    if (status == MMN_OK && study->team.ranks)
        status = mmn_encode_greet(study, run.text, error);
    if (status == MMN_OK && !mmn_team_follows(&study->team))
        status = mmn_rows_files_open(&study->rows, asked, run.text, error);
    mmn_text_free(&run);
    return status;
}

/* ---- A regression ---------------------------------------------------------------------------- */

/* A regression that is looked for, and where its scores go. */
typedef struct seeking {
    mmn_encode_study *study;
    const mmn_encode_regression *of;
    mmn_ridge_scores *scores;
} seeking;

static void add_key(mmn_text *line, const mmn_encode_regression *of)
{
    mmn_text_add(line, "{\"alignment\": ");
    mmn_text_add_json(line, of->alignment);
    mmn_text_add(line, ", \"model\": ");
    mmn_text_add_json(line, of->model->name);
    mmn_text_add(line, ", \"layer\": ");
    mmn_text_add_json(line, of->model->layers[of->layer].name);
    if (of->drawn)
        mmn_text_add(line, ", \"draw\": %" PRIu32 ", \"sites\": [%zu, %zu], ", of->draw,
                     of->sites.first, of->sites.end);
    else
        mmn_text_add(line, ", \"draw\": null, \"sites\": null, ");
}

static size_t columns_of(const mmn_encode_study *study, const mmn_encode_regression *of)
{
    return (of->sites.end - of->sites.first) * study->bins;
}

/* Whether a row has the scores of a regression: a file's may be anything. */
static bool is_of(const scores_row *row, size_t count, bool drawn)
{
    bool is = row->validation_count == count && row->test_count == count &&
              row->penalty_count == (drawn ? 0 : count);
    for (size_t i = 0; is && i < count; i++)
        is = fabs(row->validation[i]) < 2 && fabs(row->test[i]) < 2 &&
             (drawn || row->penalty[i] < MMN_RIDGE_PENALTIES);
    return is;
}

static mmn_status read_scores(const seeking *at, const mmn_object *line, mmn_blocks *blocks)
{
    const size_t count = columns_of(at->study, at->of);
    scores_row row = {0};
    mmn_row_read_columns(&row, line, columns, blocks);
    if (mmn_read_fine(line) && !is_of(&row, count, at->of->drawn))
        mmn_read_wrong(line, "test", "must be the scores of all columns, with \"validation\"");
    if (!mmn_read_fine(line))
        return line->reader->status;
    memcpy(at->scores->validation, row.validation, count * sizeof(double));
    memcpy(at->scores->test, row.test, count * sizeof(double));
    for (size_t i = 0; i < row.penalty_count; i++)
        at->scores->penalty[i] = (uint8_t)row.penalty[i];
    return MMN_OK;
}

/* Of mmn_rows_sought. */
static mmn_status read_row(void *context, mmn_rows_file *file, mmn_error *error)
{
    const seeking *at = context;
    mmn_text *key = &at->study->line;
    mmn_reader reader = {.error = error};
    mmn_blocks blocks = {0};
    json_t *document;
    key->length = 0;
    add_key(key, at->of);
    MMN_TRY(mmn_text_status(key, error));
    MMN_TRY(mmn_rows_file_next(&document, file, key->text, error));
    const mmn_object line = mmn_read_document(&reader, document, file->path);
    const mmn_status status = read_scores(at, &line, &blocks);
    mmn_blocks_free(&blocks);
    json_decref(document);
    return status;
}

/* Of mmn_rows_sought: scores are written over. */
static void clear(void *context)
{
    (void)context;
}

/* Of mmn_rows_sought. */
static mmn_status keep(void *context, mmn_error *error)
{
    const seeking *at = context;
    return mmn_encode_keep(at->study, at->of, at->scores, error);
}

mmn_status mmn_encode_find_kept(mmn_ridge_scores *scores, bool *found, mmn_encode_study *study,
                                const mmn_encode_regression *of, mmn_error *error)
{
    seeking at = {study, of, scores};
    const mmn_rows_sought sought = {.context = &at,
                                    .lines = 1,
                                    .in_all = !of->drawn,
                                    .number = mmn_encode_piece(study, of->draw, of->part),
                                    .clear = clear,
                                    .read = read_row,
                                    .keep = keep};
    return mmn_rows_files_find(&study->rows, &sought, found, error);
}

mmn_status mmn_encode_keep(mmn_encode_study *study, const mmn_encode_regression *of,
                           const mmn_ridge_scores *scores, mmn_error *error)
{
    const size_t count = columns_of(study, of);
    scores_row row = {scores->validation, scores->test, count, count, NULL, 0};
    mmn_text *line = &study->line;
    mmn_blocks blocks = {0};
    if (!study->rows.own.path && !mmn_team_follows(&study->team))
        return MMN_OK;
    if (!of->drawn) {
        row.penalty = mmn_blocks_keep(&blocks, mmn_allocate(count, sizeof(uint64_t), error), error);
        MMN_NEED(row.penalty);
        row.penalty_count = count;
    }
    for (size_t i = 0; i < row.penalty_count; i++)
        row.penalty[i] = scores->penalty[i];
    line->length = 0;
    add_key(line, of);
    mmn_status status = mmn_row_add_columns(line, &row, columns, error);
    mmn_blocks_free(&blocks);
    MMN_TRY(status);
    mmn_rows_line_end(line, 0);
    MMN_TRY(mmn_text_status(line, error));
    return mmn_encode_hand_in(study, of->drawn ? of->draw : (uint32_t)of->layer, line, error);
}
