/* The figures of what becomes of accuracy and perplexity while neurons are off: a domain's own ones
 * beside random ones and nothing, and those of every domain in every other. */
#include <math.h>

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

/* A bar, and its number, `factor` times the value. */
static void draw_bar(const mmn_chart *chart, const char *classes, double y, double value,
                     double factor, int decimals)
{
    if (!isfinite(value) || value < 0)
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

/* ---- Accuracy -------------------------------------------------------------------------------- */

enum { ROW = 52, LEFT = 4, RIGHT = 48, TOP = 42 };

/* What a bar is, inside it where there is room. */
static void name_bar(const mmn_chart *chart, double y, double value, const char *name)
{
    if (isfinite(value) && mmn_chart_x(chart, value) - chart->left > 120)
        mmn_svg_text(chart->svg, "inside", chart->left + 4, y + 9, MMN_ANCHOR_START, 0, name);
}

/* One setting. The first one says what all bars are. */
static void draw_setting(const mmn_chart *chart, const mmn_result *result, size_t row,
                         const comparison *values, size_t domain, size_t drawn)
{
    const double plain = mmn_result_number(result, "summary", row, "plain");
    const double x = mmn_chart_x(chart, plain), y = TOP + ROW * (double)drawn;
    if (drawn == 0 && isfinite(plain))
        mmn_svg_number(chart->svg, "strong", x, 36, x > 120 ? MMN_ANCHOR_END : MMN_ANCHOR_START,
                       plain * 100, 1, " with nothing off");
    mmn_svg_text(chart->svg, "label", chart->left, y + 14, MMN_ANCHOR_START, 44,
                 mmn_result_text(result, "summary", row, "setting"));
    draw_comparison(chart, domain, values, y + 20, 100, 1);
    if (isfinite(plain))
        mmn_svg_line(chart->svg, "plain", x, y + 17, x, y + 47);
    if (drawn > 0)
        return;
    name_bar(chart, y + 20, values->own, "its own neurons off");
    name_bar(chart, y + 33, values->random, "random neurons off");
}

/* The panel of a domain: every row of the summary that is about it. */
static mmn_status draw_domain(mmn_figure *figure, const mmn_result *result, const char *name,
                              size_t domain)
{
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    mmn_chart chart = {
        .svg = &svg, .left = LEFT, .width = MMN_PANEL_WIDTH - LEFT - RIGHT, .x_maximum = 1};
    size_t drawn = 0;
    for (size_t row = 0; row < mmn_result_rows(result, "summary"); row++) {
        const comparison values = read_comparison(result, "summary", row);
        if (mmn_row_is(result, "summary", row, "domain", name) &&
            (isfinite(values.own) || isfinite(values.random)))
            draw_setting(&chart, result, row, &values, domain, drawn++);
    }
    if (drawn == 0)
        return MMN_OK;
    chart.height = TOP + ROW * (double)drawn + 4;
    chart.x_maximum = 100;
    mmn_svg_line(&svg, "axis", LEFT, chart.height, LEFT + chart.width, chart.height);
    mmn_chart_axis_x(&chart, "accuracy (%)", 5, true);
    svg.height = chart.height + 36;
    return mmn_figure_panel(figure, &svg, name);
}

static mmn_status draw_accuracy(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const mmn_result *result = results->of[MMN_RESULT_EVAL].result;
    outcome found = {0};
    for (size_t d = 0; d < results->domain_count; d++)
        MMN_TRY(draw_domain(figure, result, results->domains[d], d));
    for (row = 0; row < mmn_result_rows(result, "summary"); row++) {
        const comparison values = read_comparison(result, "summary", row);
        compare(&found, &values);
    }
    mmn_text_add(&figure->words,
                 " Of %zu comparisons, the domain's neurons give less than the interval of random "
                 "ones in %zu, more in %zu, and a value inside it in %zu.",
                 found.compared, found.below, found.above, found.inside);
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

/* How the cells of a matrix look. */
typedef struct matrix {
    const char *column, *title; /* of the table of cells; what the graphic's columns are */
    double cell_width, factor;  /* cells show `factor` times the value */
    int decimals;
    double least, most; /* what shades begin and end with */
} matrix;

static mmn_rows cells_of(const mmn_result *result, size_t row)
{
    return mmn_rows_below(result, "cross_cells", "cross_rows", row);
}

/* Whether there is a row, of a cell, for each domain. */
static mmn_status check_square(const mmn_result_file *file, mmn_rows rows, mmn_error *error)
{
    const size_t count = mmn_result_rows(file->result, "domains");
    bool is_square = rows.end - rows.first == count;
    for (size_t row = rows.first; row < rows.end; row++) {
        const mmn_rows cells = cells_of(file->result, row);
        is_square = is_square && cells.end - cells.first == count;
    }
    return is_square ? MMN_OK
                     : mmn_fail(error, MMN_INPUT, file->file, "cross",
                                "must have a row and a column for each of %zu domains", count);
}

/* The panel of some rows of the table "cross_rows". */
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
    MMN_TRY(check_square(file, rows, figure->error));
    mmn_heat_table_begin(&table, "neurons off", look->title, 14);
    for (size_t r = 0; r < count; r++) {
        const mmn_rows cells = cells_of(result, rows.first + r);
        const char *owner = mmn_result_text(result, "domains", r, "name");
        mmn_heat_table_column(&table, r, owner);
        mmn_heat_table_row(&table, r, owner);
        for (size_t c = 0; c < count; c++) {
            const double value =
                mmn_result_number(result, "cross_cells", cells.first + c, look->column);
            const double share = value > look->least && look->most > look->least
                                     ? (value - look->least) / (look->most - look->least)
                                     : 0;
            mmn_heat_table_number(&table, r, c, share, value * look->factor, look->decimals);
        }
    }
    return mmn_figure_panel(figure, &svg, title);
}

static mmn_status draw_cross(mmn_figure *figure, const mmn_results *results, size_t row)
{
    static const matrix look = {"accuracy", "domain answered (accuracy, %)", 36, 100, 1, 0, 1};
    const mmn_result_file *file = &results->of[MMN_RESULT_EVAL];
    for (row = 0; row < mmn_result_rows(file->result, "cross"); row++)
        MMN_TRY(draw_matrix(figure, file, &look,
                            mmn_rows_below(file->result, "cross_rows", "cross", row),
                            mmn_result_text(file->result, "cross", row, "setting")));
    return MMN_OK;
}

static mmn_status draw_perplexity_cross(mmn_figure *figure, const mmn_results *results, size_t row)
{
    matrix look = {"ratio", "language read (times the perplexity)", 44, 1, 3, 1, 1};
    const mmn_result_file *file = &results->of[MMN_RESULT_PERPLEXITY];
    const mmn_rows rows = mmn_rows_all(file->result, "cross_rows");
    for (row = 0; row < mmn_result_rows(file->result, "cross_cells"); row++)
        look.most = mmn_chart_maximum(
            look.most, mmn_result_number(file->result, "cross_cells", row, look.column));
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
