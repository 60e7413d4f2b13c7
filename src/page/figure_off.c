/* The figures of what becomes of accuracy and perplexity while neurons are off: a domain's own ones
 * beside random ones and nothing, and those of every domain in every other. */
#include <math.h>

#include "page/chart.h"
#include "page/figure.h"
#include "page/heat_table.h"
#include "page/rows.h"

/* ---- Own neurons against random ones --------------------------------------------------------- */

enum { BAR = 11 };

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

/* A bar, and its number, `factor` times the value, in the column at the right. */
static void draw_bar(const mmn_chart *chart, const char *classes, double y, double value,
                     double factor, int decimals)
{
    if (!isfinite(value) || value < 0)
        return;
    mmn_svg_rectangle(chart->svg, classes, chart->left, y, mmn_chart_x(chart, value) - chart->left,
                      BAR);
    mmn_svg_number(chart->svg, "label", MMN_PANEL_WIDTH - 2, y + 10, MMN_ANCHOR_END,
                   value * factor, decimals, "");
}

/* The bar of the domain's own neurons and, below it, that of random ones. */
static void draw_comparison(const mmn_chart *chart, size_t domain, const comparison *drawn,
                            double y, double factor, int decimals)
{
    draw_bar(chart, mmn_svg_series(domain), y, drawn->own, factor, decimals);
    draw_bar(chart, "other", y + BAR + 2, drawn->random, factor, decimals);
    mmn_chart_interval(chart, y + BAR + 2, drawn->low, drawn->high);
}

/* How many values lie outside the interval of random neurons. */
typedef struct outcome {
    size_t compared, below, above;
} outcome;

static void compare(outcome *found, const comparison *values)
{
    if (!isfinite(values->own) || !isfinite(values->low) || !isfinite(values->high))
        return;
    found->compared++;
    found->below += values->own < values->low;
    found->above += values->own > values->high;
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
static void draw_domain(mmn_figure *figure, const mmn_result *result, const char *name,
                        size_t domain)
{
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    mmn_chart chart = {.svg = &svg, .left = LEFT, .width = MMN_PANEL_WIDTH - LEFT - RIGHT,
                       .x_maximum = 1};
    size_t drawn = 0;
    for (size_t row = 0; row < mmn_result_rows(result, "summary"); row++) {
        const comparison values = read_comparison(result, "summary", row);
        if (mmn_row_is(result, "summary", row, "domain", name) &&
            (isfinite(values.own) || isfinite(values.random)))
            draw_setting(&chart, result, row, &values, domain, drawn++);
    }
    if (drawn == 0)
        return;
    chart.height = TOP + ROW * (double)drawn + 4;
    chart.x_maximum = 100;
    mmn_svg_line(&svg, "axis", LEFT, chart.height, LEFT + chart.width, chart.height);
    mmn_chart_axis_x(&chart, "accuracy (%)", 5, true);
    svg.height = chart.height + 36;
    mmn_figure_panel(figure, &svg, name);
}

void mmn_figure_accuracy(mmn_figures *figures, const mmn_results *results)
{
    static const mmn_column columns[] = {
        {"setting", 0}, {"domain", 0}, {"nothing off", 4}, {"domain neurons off", 4},
        {"random neurons off", 4}, {"95 % from", 4}, {"95 % to", 4}, {"seeds", 0}};
    static const char *const from[] = {"setting", "domain", "plain", "domain_off", "random_mean",
                                       "random_low", "random_high", "random_seeds"};
    const mmn_result *result = results->of[MMN_RESULT_EVAL].result;
    const mmn_rows rows = mmn_rows_all(result, "summary");
    outcome found = {0};
    mmn_figure *figure = rows.end > 0 ? mmn_figure_begin(figures, "accuracy",
                                                         "Accuracy with neurons off", columns, 8)
                                      : NULL;
    if (!figure)
        return;
    mmn_rows_add(&figure->table, result, "summary", rows, from);
    for (size_t d = 0; d < results->domain_count; d++)
        draw_domain(figure, result, results->domains[d], d);
    for (size_t row = 0; row < rows.end; row++) {
        const comparison values = read_comparison(result, "summary", row);
        compare(&found, &values);
    }
    mmn_text_add(&figure->words,
                 "Share of answers that are right, with the neurons of the answered domain "
                 "switched off (coloured) and with as many random neurons in each layer (grey, "
                 "mean and 95 %% interval over seeds); the dashed line is the model with nothing "
                 "off. Of %zu comparisons, the domain's neurons give less than the interval of "
                 "random ones in %zu, more in %zu, and a value inside it in %zu.",
                 found.compared, found.below, found.above,
                 found.compared - found.below - found.above);
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
    mmn_table_text(table, mmn_result_text(result, "summary", row, "domain"));
    mmn_table_integer(table, (int64_t)mmn_result_number(result, "summary", row, "tokens"));
    mmn_table_real(table, mmn_result_number(result, "values", values, "plain"));
    mmn_table_real(table, ratio->own);
    mmn_table_real(table, ratio->random);
    mmn_table_real(table, ratio->low);
    mmn_table_real(table, ratio->high);
}

static void draw_changes(mmn_figure *figure, const mmn_results *results,
                         const comparison *ratios, size_t count)
{
    enum { EACH = 46, FROM = 14, BESIDE = 56, ABOVE = 22 };
    const mmn_result *result = results->of[MMN_RESULT_PERPLEXITY].result;
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    mmn_chart chart = {.svg = &svg, .left = FROM, .width = MMN_PANEL_WIDTH - FROM - BESIDE,
                       .x_maximum = 1, .height = ABOVE + EACH * (double)count + 4};
    for (size_t i = 0; i < count; i++) {
        const double values[] = {ratios[i].own, ratios[i].random, ratios[i].high};
        chart.x_maximum = mmn_chart_maximum(chart.x_maximum, values, 3);
    }
    for (size_t i = 0; i < count; i++) {
        const char *domain = mmn_result_text(result, "summary", i, "domain");
        const double y = ABOVE + EACH * (double)i;
        mmn_svg_text(&svg, "label", FROM, y + 12, MMN_ANCHOR_START, 44, domain);
        draw_comparison(&chart, mmn_results_domain(results, domain), &ratios[i], y + 17, 1, 3);
    }
    mmn_svg_line(&svg, "plain", mmn_chart_x(&chart, 1), ABOVE, mmn_chart_x(&chart, 1),
                 chart.height);
    mmn_svg_line(&svg, "axis", FROM, chart.height, FROM + chart.width, chart.height);
    mmn_chart_axis_x(&chart, "times the perplexity with nothing off", 4, false);
    svg.height = chart.height + 36;
    mmn_figure_panel(figure, &svg, "Own neurons and random ones");
}

void mmn_figure_perplexity(mmn_figures *figures, const mmn_results *results)
{
    static const mmn_column columns[] = {
        {"language", 0}, {"tokens", 0}, {"perplexity", 4}, {"own neurons off, times", 4},
        {"random neurons off, times", 4}, {"95 % from", 4}, {"95 % to", 4}};
    const mmn_result *result = results->of[MMN_RESULT_PERPLEXITY].result;
    const size_t count = mmn_result_rows(result, "summary");
    comparison ratios[MMN_REPORT_DOMAINS];
    outcome found = {0};
    mmn_figure *figure = count > 0 ? mmn_figure_begin(figures, "perplexity",
                                                      "Perplexity with neurons off", columns, 7)
                                   : NULL;
    if (!figure)
        return;
    for (size_t i = 0; i < count; i++) {
        ratios[i] = read_comparison(result, "values", find_values(result, i, "ratio"));
        compare(&found, &ratios[i]);
        add_change(&figure->table, result, i, &ratios[i]);
    }
    draw_changes(figure, results, ratios, count);
    mmn_text_add(&figure->words,
                 "How many times as large the perplexity of each language's texts becomes when its "
                 "neurons are switched off (coloured), and when as many random neurons in each "
                 "layer are (grey, mean and 95 %% interval over seeds); the dashed line is 1, the "
                 "model with nothing off. Of %zu comparisons, the language's neurons give more "
                 "than the interval of random ones in %zu, less in %zu, and a value inside it in "
                 "%zu.",
                 found.compared, found.above, found.below,
                 found.compared - found.above - found.below);
}

/* ---- All domains' neurons in all domains ----------------------------------------------------- */

/* How the cells of a matrix look. */
typedef struct matrix {
    const char *column, *title; /* of the table of cells; what the graphic's columns are */
    double cell_width, factor;  /* cells show `factor` times the value */
    int decimals;
} matrix;

/* The rows are `rows` of the table "cross_rows"; shades are the values from `least` on, on the scale
 * up to `most`. */
static void draw_matrix(mmn_figure *figure, const mmn_result_file *file, const matrix *look,
                        mmn_rows rows, const char *setting, double least, double most)
{
    const mmn_result *result = file->result;
    const size_t count = mmn_result_rows(result, "domains");
    mmn_svg svg = {0};
    mmn_heat_table table = {.rows = count, .columns = count, .cell_width = look->cell_width,
                            .cell_height = 30, .slanted = true};
    bool is_square = rows.end - rows.first == count;
    mmn_heat_table_begin(&table, &svg, "neurons off", look->title, 14);
    for (size_t r = 0; r < count && is_square; r++) {
        const mmn_rows cells =
            mmn_rows_below(result, "cross_cells", "cross_rows", rows.first + r);
        const char *owner = mmn_result_text(result, "domains", r, "name");
        mmn_heat_table_column(&table, &svg, r, owner);
        mmn_heat_table_row(&table, &svg, r, owner);
        is_square = cells.end - cells.first == count;
        for (size_t c = 0; c < count && is_square; c++) {
            const double value =
                mmn_result_number(result, "cross_cells", cells.first + c, look->column);
            const double share =
                value > least && most > least ? (value - least) / (most - least) : 0;
            mmn_heat_table_number(&table, &svg, r, c, share, value * look->factor, look->decimals);
            if (setting)
                mmn_table_text(&figure->table, setting);
            mmn_table_text(&figure->table, owner);
            mmn_table_text(&figure->table, mmn_result_text(result, "domains", c, "name"));
            mmn_table_real(&figure->table, value);
        }
    }
    if (!is_square)
        figure->all->status = mmn_fail(figure->all->error, MMN_INPUT, file->file, "cross",
                                       "must have a row and a column for each of %zu domains",
                                       count);
    mmn_figure_panel(figure, &svg, setting ? setting : "All languages");
}

void mmn_figure_cross(mmn_figures *figures, const mmn_results *results)
{
    static const mmn_column columns[] = {{"setting", 0}, {"neurons of", 0}, {"domain answered", 0},
                                         {"accuracy", 4}};
    static const matrix look = {"accuracy", "domain answered (accuracy, %)", 36, 100, 1};
    const mmn_result_file *file = &results->of[MMN_RESULT_EVAL];
    const size_t count = mmn_result_rows(file->result, "cross");
    mmn_figure *figure =
        count > 0 ? mmn_figure_begin(figures, "cross", "One domain's neurons off, another answered",
                                     columns, 4)
                  : NULL;
    if (!figure)
        return;
    mmn_text_add(&figure->words,
                 "Accuracy in per cent on one domain (columns) while the neurons of "
                 "another are off (rows). Where domain neurons matter to their own domain "
                 "above all, the diagonal is shaded least.");
    for (size_t i = 0; i < count && figures->status == MMN_OK; i++)
        draw_matrix(figure, file, &look, mmn_rows_below(file->result, "cross_rows", "cross", i),
                    mmn_result_text(file->result, "cross", i, "setting"), 0, 1);
}

void mmn_figure_perplexity_cross(mmn_figures *figures, const mmn_results *results)
{
    static const mmn_column columns[] = {{"neurons of", 0}, {"language read", 0},
                                         {"times the perplexity", 4}};
    static const matrix look = {"ratio", "language read (times the perplexity)", 44, 1, 3};
    const mmn_result_file *file = &results->of[MMN_RESULT_PERPLEXITY];
    const mmn_rows rows = mmn_rows_all(file->result, "cross_rows");
    double most = 1;
    mmn_figure *figure = rows.end > 0
                             ? mmn_figure_begin(figures, "perplexity-cross",
                                                "One language's neurons off, another read",
                                                columns, 3)
                             : NULL;
    if (!figure)
        return;
    for (size_t i = 0; i < mmn_result_rows(file->result, "cross_cells"); i++) {
        const double ratio = mmn_result_number(file->result, "cross_cells", i, "ratio");
        most = mmn_chart_maximum(most, &ratio, 1);
    }
    mmn_text_add(&figure->words,
                 "How many times as large the perplexity of one language's texts (columns) "
                 "becomes while the neurons of another are off (rows). Where language "
                 "neurons matter to their own language above all, the diagonal is shaded "
                 "most.");
    draw_matrix(figure, file, &look, rows, NULL, 1, most);
}
