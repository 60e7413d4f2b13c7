/* The figures of what becomes of accuracy, likelihood and perplexity while neurons are off: a
 * domain's own ones beside random ones and nothing, and those of every domain in every other. */
#include <math.h>

#include "base/memory.h"
#include "page/figure.h"

/* ---- Own neurons against random ones --------------------------------------------------------- */

/* With the domain's own neurons off, and with random ones: their mean and interval. */
typedef struct comparison {
    double own, random, low, high;
} comparison;

static comparison read_comparison(const mmn_result *result, const char *table, size_t row)
{
    return (comparison){mmn_result_number(result, table, row, "domain_off"),
                        mmn_result_number(result, table, row, "random_mean"),
                        mmn_result_number(result, table, row, "random_low"),
                        mmn_result_number(result, table, row, "random_high")};
}

/* How many values lie outside the interval of random neurons, and inside it. */
typedef struct outcome {
    size_t compared, below, above, inside;
} outcome;

static void compare(outcome *found, const comparison *values)
{
    if (!isfinite(values->own) || !isfinite(values->low) || !isfinite(values->high))
        return;
    found->compared++;
    found->below += values->own < values->low;
    found->above += values->own > values->high;
    found->inside = found->compared - found->below - found->above;
}

static bool is_drawn(const mmn_chart *chart, double value)
{
    return isfinite(value) && value >= chart->x_minimum;
}

/* A bar, and its number, `factor` times the value. */
static void draw_bar(const mmn_chart *chart, const char *classes, double y, double value,
                     double factor, int decimals)
{
    if (!is_drawn(chart, value))
        return;
    mmn_chart_bar(chart, classes, y, value);
    mmn_chart_bar_number(chart, y, value * factor, decimals);
}

/* The bar of the domain's own neurons and, below it, that of random ones. */
static void draw_comparison(const mmn_chart *chart, size_t domain, const comparison *drawn,
                            double y, double factor, int decimals)
{
    draw_bar(chart, mmn_svg_series(domain), y, drawn->own, factor, decimals);
    draw_bar(chart, "other", y + MMN_BAR + 2, drawn->random, factor, decimals);
    mmn_chart_interval(chart, y + MMN_BAR + 2, drawn->low, drawn->high);
}

/* ---- Accuracy and likelihood ----------------------------------------------------------------- */

enum { ROW = 52, LEFT = 4, RIGHT = 48, TOP = 42 };

/* What is drawn of a summary. */
typedef struct summary_look {
    const char *table;
    bool differences; /* from that with nothing off, which is drawn at 0 */
    double factor;    /* numbers are `factor` times the value */
    int decimals;
    double turn;             /* the number with nothing off stands to the left of larger places */
    double minimum, maximum; /* of the scale */
    const char *axis;
} summary_look;

static comparison read_row(const mmn_result *result, const summary_look *look, size_t row)
{
    comparison values = read_comparison(result, look->table, row);
    const double plain = mmn_result_number(result, look->table, row, "plain");
    if (look->differences)
        values = (comparison){values.own - plain, values.random - plain, values.low - plain,
                              values.high - plain};
    return values;
}

/* What a bar is, inside it where there is room. */
static void name_bar(const mmn_chart *chart, double y, double value, const char *name)
{
    const double from = mmn_chart_x(chart, 0), to = mmn_chart_x(chart, value);
    if (is_drawn(chart, value) && fabs(to - from) > 120)
        mmn_svg_text(chart->svg, "inside", (from < to ? from : to) + 4, y + 9, MMN_ANCHOR_START, 0,
                     name);
}

/* One setting. The first one says what all bars are. */
static void draw_setting(const mmn_chart *chart, const mmn_result *result, const summary_look *look,
                         size_t row, size_t domain, size_t drawn)
{
    const comparison values = read_row(result, look, row);
    const double plain = mmn_result_number(result, look->table, row, "plain");
    const double x = mmn_chart_x(chart, look->differences ? 0 : plain);
    const double y = TOP + ROW * (double)drawn;
    if (drawn == 0 && isfinite(plain))
        mmn_svg_number(chart->svg, "strong", x, 36,
                       x > look->turn ? MMN_ANCHOR_END : MMN_ANCHOR_START, plain * look->factor,
                       look->decimals, " with nothing off");
    mmn_svg_text(chart->svg, "label", chart->left, y + 14, MMN_ANCHOR_START, 44,
                 mmn_result_text(result, look->table, row, "setting"));
    draw_comparison(chart, domain, &values, y + 20, look->factor, look->decimals);
    if (isfinite(plain))
        mmn_svg_line(chart->svg, "plain", x, y + 17, x, y + 47);
    if (drawn > 0)
        return;
    name_bar(chart, y + 20, values.own, "its own neurons off");
    name_bar(chart, y + 33, values.random, "random neurons off");
}

/* The panel of a domain: every row of the summary that is about it. */
static mmn_status draw_domain(mmn_figure *figure, const mmn_result *result,
                              const summary_look *look, const char *name, size_t domain)
{
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    mmn_chart chart = {.svg = &svg,
                       .left = LEFT,
                       .width = MMN_PANEL_WIDTH - LEFT - RIGHT,
                       .x_minimum = look->minimum,
                       .x_maximum = look->maximum};
    size_t drawn = 0;
    for (size_t row = 0; row < mmn_result_rows(result, look->table); row++) {
        const comparison values = read_row(result, look, row);
        if (mmn_row_is(result, look->table, row, "domain", name) &&
            (isfinite(values.own) || isfinite(values.random)))
            draw_setting(&chart, result, look, row, domain, drawn++);
    }
    if (drawn == 0)
        return MMN_OK;
    chart.height = TOP + ROW * (double)drawn + 4;
    chart.x_minimum *= look->factor;
    chart.x_maximum *= look->factor;
    mmn_svg_line(&svg, "axis", LEFT, chart.height, LEFT + chart.width, chart.height);
    mmn_chart_axis_x(&chart, look->axis, 5, !look->differences);
    svg.height = chart.height + 36;
    return mmn_figure_panel(figure, &svg, name);
}

static mmn_status draw_accuracy(mmn_figure *figure, const mmn_results *results, size_t row)
{
    static const summary_look look = {.table = "summary",
                                      .factor = 100,
                                      .decimals = 1,
                                      .turn = 120,
                                      .maximum = 1,
                                      .axis = "accuracy (%)"};
    const mmn_result *result = results->of[MMN_RESULT_EVAL].result;
    outcome found = {0};
    for (size_t d = 0; d < results->domain_count; d++)
        MMN_TRY(draw_domain(figure, result, &look, results->domains[d], d));
    for (row = 0; row < mmn_result_rows(result, look.table); row++) {
        const comparison values = read_row(result, &look, row);
        compare(&found, &values);
    }
    mmn_text_add(&figure->words,
                 " Of %zu comparisons, the domain's neurons give less than the interval of random "
                 "ones in %zu, more in %zu, and a value inside it in %zu.",
                 found.compared, found.below, found.above, found.inside);
    return MMN_OK;
}

static void add_difference(mmn_report_table *table, const mmn_result *result,
                           const summary_look *look, size_t row, const comparison *difference)
{
    MMN_CELLS(table, mmn_row_value(result, look->table, row, "setting"),
              mmn_row_value(result, look->table, row, "domain"),
              mmn_row_value(result, look->table, row, "plain"), mmn_as_real(difference->own),
              mmn_as_real(difference->random), mmn_as_real(difference->low),
              mmn_as_real(difference->high),
              mmn_row_value(result, look->table, row, "random_seeds"));
}

static mmn_status draw_likelihood(mmn_figure *figure, const mmn_results *results, size_t row)
{
    summary_look look = {.table = "likelihood_summary",
                         .differences = true,
                         .factor = 1,
                         .decimals = 4,
                         .turn = 172,
                         .axis = "ln p per token less that with nothing off"};
    const mmn_result *result = results->of[MMN_RESULT_EVAL].result;
    for (row = 0; row < mmn_result_rows(result, look.table); row++) {
        const comparison values = read_row(result, &look, row);
        const double ends[] = {values.own, values.random, values.low, values.high};
        for (size_t i = 0; i < MMN_LENGTH(ends); i++) {
            look.maximum = mmn_chart_maximum(look.maximum, ends[i]);
            look.minimum = -mmn_chart_maximum(-look.minimum, -ends[i]);
        }
        add_difference(&figure->table, result, &look, row, &values);
    }
    for (size_t d = 0; d < results->domain_count; d++)
        MMN_TRY(draw_domain(figure, result, &look, results->domains[d], d));
    return MMN_OK;
}

/* ---- Perplexity ------------------------------------------------------------------------------ */

/* The row of "values" of a summary: "perplexity", or "ratio" to that with nothing off. SIZE_MAX:
 * the file has none. */
static size_t find_values(const mmn_result *result, size_t summary, const char *what)
{
    const mmn_rows rows = mmn_rows_below(result, "values", "summary", summary);
    for (size_t row = rows.first; row < rows.end; row++)
        if (mmn_row_is(result, "values", row, "what", what))
            return row;
    return SIZE_MAX;
}

static void add_change(mmn_report_table *table, const mmn_result *result, size_t row,
                       const comparison *ratio)
{
    const size_t values = find_values(result, row, "perplexity");
    MMN_CELLS(table, mmn_row_value(result, "summary", row, "domain"),
              mmn_row_value(result, "summary", row, "tokens"),
              mmn_as_real(mmn_result_number(result, "values", values, "plain")),
              mmn_as_real(ratio->own), mmn_as_real(ratio->random), mmn_as_real(ratio->low),
              mmn_as_real(ratio->high));
}

static mmn_status draw_changes(mmn_figure *figure, const mmn_results *results,
                               const comparison *ratios, size_t count)
{
    enum { EACH = 46, FROM = 14, BESIDE = 56, ABOVE = 22 };
    const mmn_result *result = results->of[MMN_RESULT_PERPLEXITY].result;
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    mmn_chart chart = {.svg = &svg,
                       .left = FROM,
                       .width = MMN_PANEL_WIDTH - FROM - BESIDE,
                       .x_maximum = 1,
                       .height = ABOVE + EACH * (double)count + 4};
    for (size_t i = 0; i < count; i++) {
        chart.x_maximum = mmn_chart_maximum(chart.x_maximum, ratios[i].own);
        chart.x_maximum = mmn_chart_maximum(chart.x_maximum, ratios[i].random);
        chart.x_maximum = mmn_chart_maximum(chart.x_maximum, ratios[i].high);
    }
    for (size_t i = 0; i < count; i++) {
        const char *domain = mmn_result_text(result, "summary", i, "domain");
        const double y = ABOVE + EACH * (double)i;
        mmn_svg_text(&svg, "label", FROM, y + 12, MMN_ANCHOR_START, 44, domain);
        draw_comparison(&chart, mmn_results_domain(results, domain), &ratios[i], y + 17, 1, 3);
    }
    const double one = mmn_chart_x(&chart, 1);
    mmn_svg_line(&svg, "plain", one, ABOVE, one, chart.height);
    mmn_svg_line(&svg, "axis", FROM, chart.height, FROM + chart.width, chart.height);
    mmn_chart_axis_x(&chart, "times the perplexity with nothing off", 4, false);
    svg.height = chart.height + 36;
    return mmn_figure_panel(figure, &svg, "Own neurons and random ones");
}

static mmn_status draw_perplexity(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const mmn_result *result = results->of[MMN_RESULT_PERPLEXITY].result;
    const size_t count = mmn_result_rows(result, "summary");
    comparison ratios[MMN_REPORT_DOMAINS];
    outcome found = {0};
    for (row = 0; row < count; row++) {
        ratios[row] = read_comparison(result, "values", find_values(result, row, "ratio"));
        compare(&found, &ratios[row]);
        add_change(&figure->table, result, row, &ratios[row]);
    }
    mmn_text_add(&figure->words,
                 " Of %zu comparisons, the language's neurons give more than the interval of "
                 "random ones in %zu, less in %zu, and a value inside it in %zu.",
                 found.compared, found.above, found.below, found.inside);
    return count > 0 ? draw_changes(figure, results, ratios, count) : MMN_OK;
}

/* ---- All domains' neurons in all domains ----------------------------------------------------- */

/* Where a matrix is, and how its cells look. */
typedef struct matrix {
    const char *where;          /* in the result's JSON */
    const char *rows, *cells;   /* tables */
    const char *column, *title; /* of the table of cells; what the graphic's columns are */
    double cell_width, factor;  /* cells show `factor` times the value */
    int decimals;
    double least, most; /* what shades begin and end with */
    bool diverges;      /* shades are of differences from 0, which end with `most` both ways */
} matrix;

static mmn_rows cells_of(const mmn_result *result, const matrix *look, size_t row)
{
    return mmn_rows_below(result, look->cells, look->rows, row);
}

/* The largest of a value and the cells', or of their sizes if these diverge. */
static double largest_cell(const mmn_result *result, const matrix *look)
{
    double largest = look->most;
    for (size_t row = 0; row < mmn_result_rows(result, look->cells); row++) {
        const double value = mmn_result_number(result, look->cells, row, look->column);
        largest = mmn_chart_maximum(largest, look->diverges ? fabs(value) : value);
    }
    return largest;
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

static void draw_cell(const mmn_heat_table *table, const matrix *look, size_t row, size_t column,
                      double value)
{
    const double number = value * look->factor;
    const double share =
        look->most > look->least ? (value - look->least) / (look->most - look->least) : 0;
    if (look->diverges)
        mmn_heat_table_difference(table, row, column, share, number, look->decimals);
    else
        mmn_heat_table_number(table, row, column, share, number, look->decimals);
}

/* The panel of some rows of a matrix. */
static mmn_status draw_matrix(mmn_figure *figure, const mmn_result_file *file, const matrix *look,
                              mmn_rows rows, const char *title)
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
    MMN_TRY(check_square(file, look, rows, figure->error));
    mmn_heat_table_begin(&table, "neurons off", look->title, 14);
    for (size_t r = 0; r < count; r++) {
        const mmn_rows cells = cells_of(result, look, rows.first + r);
        const char *owner = mmn_result_text(result, "domains", r, "name");
        mmn_heat_table_column(&table, r, owner);
        mmn_heat_table_row(&table, r, owner);
        for (size_t c = 0; c < count; c++)
            draw_cell(&table, look, r, c,
                      mmn_result_number(result, look->cells, cells.first + c, look->column));
    }
    return mmn_figure_panel(figure, &svg, title);
}

/* A panel for each setting, a row of `table`. */
static mmn_status draw_matrices(mmn_figure *figure, const mmn_result_file *file, const matrix *look,
                                const char *table)
{
    for (size_t row = 0; row < mmn_result_rows(file->result, table); row++)
        MMN_TRY(draw_matrix(figure, file, look,
                            mmn_rows_below(file->result, look->rows, table, row),
                            mmn_result_text(file->result, table, row, "setting")));
    return MMN_OK;
}

static mmn_status draw_cross(mmn_figure *figure, const mmn_results *results, size_t row)
{
    static const matrix look = {.where = "cross",
                                .rows = "cross_rows",
                                .cells = "cross_cells",
                                .column = "accuracy",
                                .title = "domain answered (accuracy, %)",
                                .cell_width = 36,
                                .factor = 100,
                                .decimals = 1,
                                .most = 1};
    (void)row;
    return draw_matrices(figure, &results->of[MMN_RESULT_EVAL], &look, "cross");
}

static mmn_status draw_likelihood_cross(mmn_figure *figure, const mmn_results *results, size_t row)
{
    matrix look = {.where = "likelihood.cross",
                   .rows = "likelihood_rows",
                   .cells = "likelihood_cells",
                   .column = "difference",
                   .title = "domain answered (ln p per token, difference)",
                   .cell_width = 50,
                   .factor = 1,
                   .decimals = 4,
                   .diverges = true};
    const mmn_result_file *file = &results->of[MMN_RESULT_EVAL];
    (void)row;
    look.most = largest_cell(file->result, &look);
    return draw_matrices(figure, file, &look, "likelihood_cross");
}

static mmn_status draw_perplexity_cross(mmn_figure *figure, const mmn_results *results, size_t row)
{
    matrix look = {.where = "cross",
                   .rows = "cross_rows",
                   .cells = "cross_cells",
                   .column = "ratio",
                   .title = "language read (times the perplexity)",
                   .cell_width = 44,
                   .factor = 1,
                   .decimals = 3,
                   .least = 1,
                   .most = 1};
    const mmn_result_file *file = &results->of[MMN_RESULT_PERPLEXITY];
    const mmn_rows rows = mmn_rows_all(file->result, look.rows);
    (void)row;
    look.most = largest_cell(file->result, &look);
    return rows.end > 0 ? draw_matrix(figure, file, &look, rows, "All languages") : MMN_OK;
}

const mmn_figure_form mmn_off_figures[] = {
    {.name = "accuracy",
     .title = "Accuracy with neurons off",
     .kind = MMN_RESULT_EVAL,
     .words = "Share of answers that are right, with the neurons of the answered domain switched "
              "off (coloured) and with as many random neurons in each layer (grey, mean and 95 % "
              "interval over seeds); the dashed line is the model with nothing off.",
     .rows = "summary",
     .columns = MMN_FIGURE_COLUMNS(
         {"setting", 0, "setting"}, {"domain", 0, "domain"}, {"nothing off", 4, "plain"},
         {"domain neurons off", 4, "domain_off"}, {"random neurons off", 4, "random_mean"},
         {"95 % from", 4, "random_low"}, {"95 % to", 4, "random_high"},
         {"seeds", 0, "random_seeds"}),
     .draw = draw_accuracy},
    {.name = "likelihood",
     .title = "Likelihood of the right answers with neurons off",
     .kind = MMN_RESULT_EVAL,
     .words = "By how much ln p per token of the right answers differs from that with nothing off "
              "(0, the dashed line), with the neurons of the answered domain switched off "
              "(coloured) and with as many random neurons in each layer (grey, mean and 95 % "
              "interval over seeds). To the left of 0 the right answers are less likely.",
     .columns = MMN_FIGURE_COLUMNS(
         {"setting", 0, NULL}, {"domain", 0, NULL}, {"nothing off (ln p per token)", 4, NULL},
         {"domain neurons off, difference", 4, NULL}, {"random neurons off, difference", 4, NULL},
         {"95 % from", 4, NULL}, {"95 % to", 4, NULL}, {"seeds", 0, NULL}),
     .draw = draw_likelihood},
    {.name = "cross",
     .title = "One domain's neurons off, another answered",
     .kind = MMN_RESULT_EVAL,
     .words = "Accuracy in per cent on one domain (columns) while the neurons of another are off "
              "(rows). Where domain neurons matter to their own domain above all, the diagonal is "
              "shaded least.",
     .rows = "cross_cells",
     .columns = MMN_FIGURE_COLUMNS({"setting", 0, "setting"}, {"neurons of", 0, "#cross_rows"},
                                   {"domain answered", 0, "#cross_cells"},
                                   {"accuracy", 4, "accuracy"}),
     .draw = draw_cross},
    {.name = "likelihood-cross",
     .title = "One domain's neurons off, the likelihood of another's right answers",
     .kind = MMN_RESULT_EVAL,
     .words = "By how much ln p per token of the right answers of one domain (columns) differs "
              "from that with nothing off while the neurons of another are off (rows): orange "
              "where they are less likely, blue where they are more, without colour at 0. Where "
              "domain neurons matter to their own domain above all, the diagonal is the deepest "
              "orange.",
     .rows = "likelihood_cells",
     .columns = MMN_FIGURE_COLUMNS({"setting", 0, "setting"}, {"neurons of", 0, "#likelihood_rows"},
                                   {"domain answered", 0, "#likelihood_cells"},
                                   {"difference (ln p per token)", 4, "difference"}),
     .draw = draw_likelihood_cross},
    {.name = "perplexity",
     .title = "Perplexity with neurons off",
     .kind = MMN_RESULT_PERPLEXITY,
     .words = "How many times as large the perplexity of each language's texts becomes when its "
              "neurons are switched off (coloured), and when as many random neurons in each layer "
              "are (grey, mean and 95 % interval over seeds); the dashed line is 1, the model "
              "with nothing off.",
     .columns = MMN_FIGURE_COLUMNS({"language", 0, NULL}, {"tokens", 0, NULL},
                                   {"perplexity", 4, NULL}, {"own neurons off, times", 4, NULL},
                                   {"random neurons off, times", 4, NULL}, {"95 % from", 4, NULL},
                                   {"95 % to", 4, NULL}),
     .draw = draw_perplexity},
    {.name = "perplexity-cross",
     .title = "One language's neurons off, another read",
     .kind = MMN_RESULT_PERPLEXITY,
     .words = "How many times as large the perplexity of one language's texts (columns) becomes "
              "while the neurons of another are off (rows). Where language neurons matter to "
              "their own language above all, the diagonal is shaded most.",
     .rows = "cross_cells",
     .columns = MMN_FIGURE_COLUMNS({"neurons of", 0, "#cross_rows"},
                                   {"language read", 0, "#cross_cells"},
                                   {"times the perplexity", 4, "ratio"}),
     .draw = draw_perplexity_cross},
    {0}};
