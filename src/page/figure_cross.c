/* The matrices of what becomes of every domain while the neurons of each are off. */
#include "page/figure_cross.h"

#include <math.h>

/* How far the value of a column's domain is from that with nothing off: below 0 where the model
 * does worse. NaN where the result does not say. */
typedef double change_of(const mmn_result *result, const char *setting, const char *domain,
                         double value);

/* Where a matrix is, and how its cells look. */
typedef struct matrix {
    const char *where;          /* in the result's JSON */
    const char *rows, *cells;   /* tables */
    const char *column, *title; /* of the table of cells; what the graphic's columns are */
    const char *side;           /* what its rows are; NULL: neurons that are off */
    double cell_width, factor;  /* cells show `factor` times the value */
    int decimals;
    change_of *change; /* which cells are shaded by */
    double most;       /* the change, either way, that has the full shade */
} matrix;

static mmn_rows cells_of(const mmn_result *result, const matrix *look, size_t row)
{
    return mmn_rows_below(result, look->cells, look->rows, row);
}

static double change_at(const mmn_result *result, const matrix *look, const char *setting,
                        size_t column, double value)
{
    return look->change(result, setting, mmn_result_text(result, "domains", column, "name"), value);
}

/* Whether there is a row, of a cell, for each domain. */
static mmn_status check_square(const mmn_result_file *file, const matrix *look, mmn_rows rows,
                               mmn_error *error)
{
    const size_t count = mmn_result_rows(file->result, "domains");
    bool is_square = rows.end - rows.first == count;
    for (size_t row = rows.first; row < rows.end; row++) {
        const mmn_rows cells = cells_of(file->result, look, row);
        is_square = is_square && cells.end - cells.first == count;
    }
    return is_square ? MMN_OK
                     : mmn_fail(error, MMN_INPUT, file->file, look->where,
                                "must have a row and a column for each of %zu domains", count);
}

/* Makes the shades hold the changes of some rows too. */
static mmn_status measure(matrix *look, const mmn_result_file *file, mmn_rows rows,
                          const char *setting, mmn_error *error)
{
    MMN_TRY(check_square(file, look, rows, error));
    for (size_t row = rows.first; row < rows.end; row++) {
        const mmn_rows cells = cells_of(file->result, look, row);
        for (size_t cell = cells.first; cell < cells.end; cell++) {
            const double value = mmn_result_number(file->result, look->cells, cell, look->column);
            const double change = change_at(file->result, look, setting, cell - cells.first, value);
            look->most = mmn_chart_maximum(look->most, fabs(change));
        }
    }
    return MMN_OK;
}

static void draw_cell(const mmn_heat_table *table, const mmn_result *result, const matrix *look,
                      const char *setting, size_t row, size_t column, size_t cell)
{
    const double value = mmn_result_number(result, look->cells, cell, look->column);
    const double change = change_at(result, look, setting, column, value);
    mmn_heat_table_change(table, row, column, look->most > 0 ? change / look->most : 0,
                          value * look->factor, look->decimals);
}

/* The panel of some rows of a matrix, which were measured. */
static mmn_status draw_matrix(mmn_figure *figure, const mmn_result_file *file, const matrix *look,
                              mmn_rows rows, const char *setting)
{
    const mmn_result *result = file->result;
    const size_t count = mmn_result_rows(result, "domains");
    mmn_svg svg = {0};
    mmn_heat_table table = {.svg = &svg,
                            .rows = count,
                            .columns = count,
                            .cell_width = look->cell_width,
                            .cell_height = 30,
                            .slanted = true};
    double room = 0;
    for (size_t r = 0; r < count; r++)
        room = mmn_heat_table_room(room, mmn_result_text(result, "domains", r, "name"));
    table.names = room;
    mmn_heat_table_begin(&table, look->side ? look->side : "neurons off", look->title, room);
    for (size_t r = 0; r < count; r++) {
        const mmn_rows cells = cells_of(result, look, rows.first + r);
        const char *owner = mmn_result_text(result, "domains", r, "name");
        mmn_heat_table_column(&table, r, owner);
        mmn_heat_table_row(&table, r, owner);
        for (size_t c = 0; c < count; c++)
            draw_cell(&table, result, look, setting, r, c, cells.first + c);
    }
    return mmn_figure_panel(figure, &svg, setting ? setting : "All languages");
}

/* A panel for each setting, a row of `table`, with one scale of shades. */
static mmn_status draw_matrices(mmn_figure *figure, const mmn_result_file *file, matrix *look,
                                const char *table)
{
    const size_t settings = mmn_result_rows(file->result, table);
    for (size_t row = 0; row < settings; row++)
        MMN_TRY(measure(look, file, mmn_rows_below(file->result, look->rows, table, row),
                        mmn_result_text(file->result, table, row, "setting"), figure->error));
    for (size_t row = 0; row < settings; row++)
        MMN_TRY(draw_matrix(figure, file, look,
                            mmn_rows_below(file->result, look->rows, table, row),
                            mmn_result_text(file->result, table, row, "setting")));
    return MMN_OK;
}

static double change_of_accuracy(const mmn_result *result, const char *setting, const char *domain,
                                 double value)
{
    for (size_t row = 0; row < mmn_result_rows(result, "summary"); row++)
        if (mmn_row_is(result, "summary", row, "setting", setting) &&
            mmn_row_is(result, "summary", row, "domain", domain))
            return value - mmn_result_number(result, "summary", row, "plain");
    return (double)NAN;
}

mmn_status mmn_draw_cross(mmn_figure *figure, const mmn_results *results, size_t row)
{
    matrix look = {.where = "cross",
                   .rows = "cross_rows",
                   .cells = "cross_cells",
                   .column = "accuracy",
                   .title = "domain answered (accuracy, %)",
                   .cell_width = 38,
                   .factor = 100,
                   .decimals = 1,
                   .change = change_of_accuracy};
    (void)row;
    return draw_matrices(figure, &results->of[MMN_RESULT_EVAL], &look, "cross");
}

static double change_itself(const mmn_result *result, const char *setting, const char *domain,
                            double value)
{
    (void)result, (void)setting, (void)domain;
    return value;
}

mmn_status mmn_draw_likelihood_cross(mmn_figure *figure, const mmn_results *results, size_t row)
{
    matrix look = {.where = "likelihood.cross",
                   .rows = "likelihood_rows",
                   .cells = "likelihood_cells",
                   .column = "difference",
                   .title = "domain answered (ln p per token, difference)",
                   .cell_width = 54,
                   .factor = 1,
                   .decimals = 4,
                   .change = change_itself};
    (void)row;
    return draw_matrices(figure, &results->of[MMN_RESULT_EVAL], &look, "likelihood_cross");
}

mmn_status mmn_draw_steered(mmn_figure *figure, const mmn_results *results, size_t row)
{
    matrix look = {.where = "steered",
                   .rows = "steered_rows",
                   .cells = "steered_cells",
                   .column = "change",
                   .title = "language asked in (change, points)",
                   .side = "steered to",
                   .cell_width = 46,
                   .factor = 100,
                   .decimals = 1,
                   .change = change_itself};
    (void)row;
    return draw_matrices(figure, &results->of[MMN_RESULT_EVAL], &look, "steered");
}

/* By the logarithm, which is as far from 0 for twice as for half the perplexity. */
static double change_of_perplexity(const mmn_result *result, const char *setting,
                                   const char *domain, double value)
{
    (void)result, (void)setting, (void)domain;
    return value > 0 ? -log(value) : (double)NAN;
}

mmn_status mmn_draw_perplexity_cross(mmn_figure *figure, const mmn_results *results, size_t row)
{
    matrix look = {.where = "cross",
                   .rows = "cross_rows",
                   .cells = "cross_cells",
                   .column = "ratio",
                   .title = "language read (times the perplexity)",
                   .cell_width = 50,
                   .factor = 1,
                   .decimals = 3,
                   .change = change_of_perplexity};
    const mmn_result_file *file = &results->of[MMN_RESULT_PERPLEXITY];
    const mmn_rows rows = mmn_rows_all(file->result, look.rows);
    (void)row;
    if (rows.first == rows.end)
        return MMN_OK;
    MMN_TRY(measure(&look, file, rows, NULL, figure->error));
    /* Large ratios have fewer decimals, so that cells have place for them. */
    for (double most = exp(look.most); most >= 10 && look.decimals > 0; most /= 10)
        look.decimals--;
    return draw_matrix(figure, file, &look, rows, NULL);
}
