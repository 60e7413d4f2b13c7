/* The figures of perplexity on texts: each language's neurons off in its own texts, beside random ones,
 * and in those of all languages. */
#include <math.h>

#include "base/memory.h"
#include "report/chart.h"
#include "report/figure.h"
#include "report/heat_table.h"
#include "report/values.h"

enum { ROW = 46, LEFT = 14, RIGHT = 56, TOP = 22 };

/* ---- Own neurons against random ones --------------------------------------------------------- */

/* A row of the summary: how many times as large perplexity is. */
typedef struct change {
    const char *domain;
    size_t number; /* the domain's */
    double domain_off, random_mean, low, high, plain; /* the last is the perplexity with nothing off */
    int64_t tokens;
} change;

static mmn_status read_change(change *row, mmn_results *results, json_t *array, size_t index,
                              mmn_error *error)
{
    mmn_json_object item, ratio, perplexity;
    *row = (change){0};
    mmn_status status = mmn_values_item(&item, &results->of[MMN_RESULT_PERPLEXITY].top, "summary",
                                        array, index, error);
    if (status == MMN_OK)
        status = mmn_values_text(&row->domain, &item, "domain", error);
    if (status == MMN_OK)
        status = mmn_results_domain(&row->number, results, row->domain, &item, error);
    if (status == MMN_OK)
        status = mmn_json_get_i64(&row->tokens, &item, "tokens", 0, INT64_MAX, error);
    if (status == MMN_OK)
        status = mmn_json_get_object(&ratio, &item, "ratio", error);
    if (status == MMN_OK)
        status = mmn_values_number(&row->domain_off, &ratio, "domain_off", error);
    if (status == MMN_OK)
        status = mmn_values_number(&row->random_mean, &ratio, "random_mean", error);
    if (status == MMN_OK)
        status = mmn_values_interval(&row->low, &row->high, &ratio, "random_interval", error);
    if (status == MMN_OK)
        status = mmn_json_get_object(&perplexity, &item, "perplexity", error);
    return status == MMN_OK ? mmn_values_number(&row->plain, &perplexity, "plain", error) : status;
}

static void draw_bar(const mmn_chart *chart, const char *classes, double y, double value)
{
    if (!isfinite(value) || value < 0)
        return;
    mmn_svg_rectangle(chart->svg, classes, chart->left, y, mmn_chart_x(chart, value) - chart->left,
                      11);
    mmn_svg_number(chart->svg, "label", MMN_PANEL_WIDTH - 2, y + 10, MMN_ANCHOR_END, value, 3, "");
}

static void draw_change(const mmn_chart *chart, const change *row, double y)
{
    mmn_svg_text(chart->svg, "label", chart->left, y + 12, MMN_ANCHOR_START, 44, row->domain);
    draw_bar(chart, mmn_svg_series(row->number), y + 17, row->domain_off);
    draw_bar(chart, "other", y + 30, row->random_mean);
    if (row->low >= 0)
        mmn_chart_interval(chart, y + 30, row->low, row->high);
}

static void add_row(mmn_report_table *table, const change *row)
{
    mmn_table_text(table, row->domain);
    mmn_table_integer(table, row->tokens);
    mmn_table_real(table, row->plain);
    mmn_table_real(table, row->domain_off);
    mmn_table_real(table, row->random_mean);
    mmn_table_real(table, row->low);
    mmn_table_real(table, row->high);
}

static mmn_status draw_changes(mmn_figure *figure, const change *rows, size_t count,
                               mmn_error *error)
{
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    mmn_chart chart = {.svg = &svg, .left = LEFT, .width = MMN_PANEL_WIDTH - LEFT - RIGHT,
                       .x_maximum = 1};
    for (size_t i = 0; i < count; i++) {
        const double values[] = {rows[i].domain_off, rows[i].random_mean, rows[i].high};
        chart.x_maximum = mmn_chart_maximum(chart.x_maximum, values, 3);
    }
    chart.height = TOP + ROW * (double)count + 4;
    for (size_t i = 0; i < count; i++)
        draw_change(&chart, &rows[i], TOP + ROW * (double)i);
    mmn_svg_line(&svg, "plain", mmn_chart_x(&chart, 1), TOP, mmn_chart_x(&chart, 1), chart.height);
    mmn_svg_line(&svg, "axis", LEFT, chart.height, LEFT + chart.width, chart.height);
    mmn_chart_axis_x(&chart, "times the perplexity with nothing off", 4, false);
    svg.height = chart.height + 36;
    return mmn_figure_panel(figure, &svg, "Own neurons and random ones", error);
}

/* For how many languages perplexity lies outside the interval of random neurons. */
static void tell(mmn_text *words, const change *rows, size_t count)
{
    size_t above = 0, below = 0, compared = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(rows[i].domain_off) || !isfinite(rows[i].low) || !isfinite(rows[i].high))
            continue;
        compared++;
        above += rows[i].domain_off > rows[i].high;
        below += rows[i].domain_off < rows[i].low;
    }
    mmn_text_add(words,
                 "How many times as large the perplexity of each language's texts becomes when its "
                 "neurons are switched off (coloured), and when as many random neurons in each "
                 "layer are (grey, mean and 95 %% interval over seeds); the dashed line is 1, the "
                 "model with nothing off. ");
    mmn_text_add(words,
                 "Of %zu comparisons, the language's neurons give more than the interval of random "
                 "ones in %zu, less in %zu, and a value inside it in %zu.",
                 compared, above, below, compared - above - below);
}

static mmn_status make_changes(mmn_figures *figures, mmn_results *results, json_t *array,
                               mmn_error *error)
{
    static const mmn_column columns[] = {
        {"language", 0}, {"tokens", 0}, {"perplexity", 4}, {"own neurons off, times", 4},
        {"random neurons off, times", 4}, {"95 % from", 4}, {"95 % to", 4}};
    const size_t count = json_array_size(array);
    mmn_figure *figure;
    mmn_text words = {0};
    change *rows = mmn_allocate(count, sizeof(*rows), error);
    mmn_status status = rows ? mmn_figure_begin(&figure, figures, "perplexity",
                                                "Perplexity with neurons off", columns, 7, error)
                             : MMN_SYSTEM;
    for (size_t i = 0; i < count && status == MMN_OK; i++) {
        status = read_change(&rows[i], results, array, i, error);
        if (status == MMN_OK)
            add_row(&figure->table, &rows[i]);
    }
    if (status == MMN_OK)
        status = draw_changes(figure, rows, count, error);
    if (status == MMN_OK) {
        tell(&words, rows, count);
        status = mmn_figure_end(figure, &words, error);
    }
    mmn_text_free(&words);
    mmn_free(rows);
    return status;
}

/* ---- All languages' texts -------------------------------------------------------------------- */

/* *values [count][count]: the matrix under `key`. */
static mmn_status read_matrix(double **values, const mmn_json_object *cross, const char *key,
                              size_t count, mmn_error *error)
{
    json_t *rows;
    mmn_status status = mmn_values_array(&rows, cross, key, MMN_REPORT_DOMAINS, error);
    if (status != MMN_OK)
        return status;
    if (json_array_size(rows) != count)
        return mmn_json_fail(cross, key, error, "must have a row for each of %zu domains", count);
    if (!(*values = mmn_allocate(count * count, sizeof(**values), error)))
        return MMN_SYSTEM;
    for (size_t r = 0; r < count; r++) {
        const json_t *row = json_array_get(rows, r);
        if (json_array_size(row) != count)
            return mmn_json_fail(cross, key, error, "row %zu must have %zu numbers", r, count);
        for (size_t c = 0; c < count; c++) {
            const json_t *value = json_array_get(row, c);
            if (!json_is_number(value) && !json_is_null(value))
                return mmn_json_fail(cross, key, error, "row %zu must be numbers", r);
            (*values)[r * count + c] = json_is_null(value) ? (double)NAN : json_number_value(value);
        }
    }
    return MMN_OK;
}

/* Shades by how much more than 1 it is, on the scale of the largest. */
static mmn_status draw_matrix(mmn_figure *figure, const json_t *domains, const double *ratios,
                              size_t count, mmn_error *error)
{
    mmn_svg svg = {0};
    mmn_heat_table table = {.rows = count, .columns = count, .cell_width = 44, .cell_height = 30,
                            .slanted = true};
    const double most = mmn_chart_maximum(1, ratios, count * count) - 1;
    mmn_heat_table_begin(&table, &svg, "neurons off", "language read (times the perplexity)", 14);
    for (size_t r = 0; r < count; r++) {
        const char *owner = json_string_value(json_array_get(domains, r));
        mmn_heat_table_column(&table, &svg, r, owner);
        mmn_heat_table_row(&table, &svg, r, owner);
        for (size_t c = 0; c < count; c++) {
            const double ratio = ratios[r * count + c];
            const double share = ratio > 1 && most > 0 ? (ratio - 1) / most : 0;
            mmn_heat_table_number(&table, &svg, r, c, share, ratio, 3);
            mmn_table_text(&figure->table, owner);
            mmn_table_text(&figure->table, json_string_value(json_array_get(domains, c)));
            mmn_table_real(&figure->table, ratio);
        }
    }
    return mmn_figure_panel(figure, &svg, "All languages", error);
}

static mmn_status make_matrix(mmn_figures *figures, const mmn_json_object *cross, mmn_error *error)
{
    static const mmn_column columns[] = {{"neurons of", 0}, {"language read", 0},
                                         {"times the perplexity", 4}};
    json_t *domains;
    double *ratios = NULL;
    mmn_figure *figure;
    mmn_text words = {0};
    mmn_status status = mmn_values_array(&domains, cross, "domains", MMN_REPORT_DOMAINS, error);
    const size_t count = json_array_size(domains);
    for (size_t d = 0; d < count && status == MMN_OK; d++)
        if (!json_is_string(json_array_get(domains, d)))
            status = mmn_json_fail(cross, "domains", error, "item %zu must be a text", d);
    if (status == MMN_OK)
        status = read_matrix(&ratios, cross, "ratio", count, error);
    if (status == MMN_OK)
        status = mmn_figure_begin(&figure, figures, "perplexity-cross",
                                  "One language's neurons off, another read", columns, 3, error);
    if (status == MMN_OK)
        status = draw_matrix(figure, domains, ratios, count, error);
    if (status == MMN_OK) {
        mmn_text_add(&words,
                     "How many times as large the perplexity of one language's texts (columns) "
                     "becomes while the neurons of another are off (rows). Where language neurons "
                     "matter to their own language above all, the diagonal is shaded most.");
        status = mmn_figure_end(figure, &words, error);
    }
    mmn_text_free(&words);
    mmn_free(ratios);
    return status;
}

mmn_status mmn_figure_perplexity(mmn_figures *figures, mmn_results *results, mmn_error *error)
{
    const mmn_json_object *top = &results->of[MMN_RESULT_PERPLEXITY].top;
    mmn_json_object cross;
    json_t *array;
    mmn_status status = mmn_values_array(&array, top, "summary", MMN_REPORT_DOMAINS, error);
    if (status != MMN_OK || json_array_size(array) == 0)
        return status;
    status = make_changes(figures, results, array, error);
    if (status == MMN_OK)
        status = mmn_json_get_object(&cross, top, "cross", error);
    if (status == MMN_OK && cross.value)
        status = make_matrix(figures, &cross, error);
    return status;
}
