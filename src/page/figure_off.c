/* The figures of what becomes of accuracy, likelihood and perplexity while neurons are off: a
 * domain's own ones beside random ones and nothing, and those of every domain in every other. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "page/figure_cross.h"

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

enum { ROW = 52, LEFT = 4, RIGHT = 56, TOP = 42 };

/* What is drawn of a summary. */
typedef struct summary_look {
    const char *table;
    bool differences; /* from that with nothing off, which is drawn at 0 */
    double factor;    /* numbers are `factor` times the value */
    int decimals;
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

/* What the bars are, at the right of the first setting's name. */
static void draw_legend(const mmn_chart *chart, size_t domain, double y)
{
    enum { SWATCH = 9, OWN = 196, RANDOM = 272 };
    char own[32];
    snprintf(own, sizeof(own), "swatch %s", mmn_svg_series(domain));
    mmn_svg_rectangle(chart->svg, own, OWN, y - SWATCH, SWATCH, SWATCH);
    mmn_svg_text(chart->svg, "soft", OWN + SWATCH + 5, y, MMN_ANCHOR_START, 0, "own off");
    mmn_svg_rectangle(chart->svg, "swatch other", RANDOM, y - SWATCH, SWATCH, SWATCH);
    mmn_svg_text(chart->svg, "soft", RANDOM + SWATCH + 5, y, MMN_ANCHOR_START, 0, "random");
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
        mmn_svg_centred_number(chart->svg, "strong", x, 36, plain * look->factor, look->decimals,
                               " with nothing off");
    mmn_svg_text(chart->svg, "label", chart->left, y + 14, MMN_ANCHOR_START, 180,
                 mmn_result_text(result, look->table, row, "setting"));
    draw_comparison(chart, domain, &values, y + 20, look->factor, look->decimals);
    if (isfinite(plain))
        mmn_svg_line(chart->svg, "plain", x, y + 17, x, y + 47);
    if (drawn == 0)
        draw_legend(chart, domain, y + 14);
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
    static const summary_look look = {
        .table = "summary", .factor = 100, .decimals = 1, .maximum = 1, .axis = "accuracy (%)"};
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
    enum { EACH = 46, FROM = 14, BESIDE = 64, ABOVE = 22 };
    const mmn_result *result = results->of[MMN_RESULT_PERPLEXITY].result;
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    mmn_chart chart = {.svg = &svg,
                       .left = FROM,
                       .width = MMN_PANEL_WIDTH - FROM - BESIDE,
                       .x_minimum = 1,
                       .x_maximum = 1,
                       .base = 1,
                       .height = ABOVE + EACH * (double)count + 4};
    for (size_t i = 0; i < count; i++) {
        const double ends[] = {ratios[i].own, ratios[i].random, ratios[i].low, ratios[i].high};
        for (size_t e = 0; e < MMN_LENGTH(ends); e++)
            mmn_chart_widen(&chart, ends[e]);
    }
    for (size_t i = 0; i < count; i++) {
        const char *domain = mmn_result_text(result, "summary", i, "domain");
        const double y = ABOVE + EACH * (double)i;
        mmn_svg_text(&svg, "label", FROM, y + 12, MMN_ANCHOR_START, 280, domain);
        const double one = mmn_chart_x(&chart, 1);
        draw_comparison(&chart, mmn_results_domain(results, domain), &ratios[i], y + 17, 1, 3);
        mmn_svg_line(&svg, "plain", one, y + 15, one, y + 43);
    }
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
     .words =
         "Accuracy in per cent on one domain (columns) while the neurons of another are off "
         "(rows): orange where it is lower than with nothing off, blue where it is higher, "
         "without colour where it stays. Where domain neurons matter to their own domain above "
         "all, the diagonal is the deepest orange.",
     .rows = "cross_cells",
     .columns = MMN_FIGURE_COLUMNS({"setting", 0, "setting"}, {"neurons of", 0, "#cross_rows"},
                                   {"domain answered", 0, "#cross_cells"},
                                   {"accuracy", 4, "accuracy"}),
     .draw = mmn_draw_cross},
    {.name = "steered",
     .title = "One language's neurons off, another's raised",
     .kind = MMN_RESULT_EVAL,
     .words =
         "By how many points the share of answers in one language (rows) rises, over questions "
         "in another (columns) whose own neurons are off while those of the first are raised "
         "to their mean activations: blue where more answers are in the language that is "
         "steered to than with nothing off, orange where fewer are. Nothing is steered on the "
         "diagonal.",
     .rows = "steered_cells",
     .columns = MMN_FIGURE_COLUMNS({"setting", 0, "setting"}, {"steered to", 0, "on"},
                                   {"language asked in", 0, "domain"}, {"before", 4, "before"},
                                   {"after", 4, "after"}, {"change", 4, "change"}),
     .draw = mmn_draw_steered},
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
     .draw = mmn_draw_likelihood_cross},
    {.name = "perplexity",
     .title = "Perplexity with neurons off",
     .kind = MMN_RESULT_PERPLEXITY,
     .words = "How many times as large the perplexity of each language's texts becomes when its "
              "neurons are switched off (coloured), and when as many random neurons in each layer "
              "are (grey, mean and 95 % interval over seeds). Bars begin at 1, the model with "
              "nothing off.",
     .columns = MMN_FIGURE_COLUMNS({"language", 0, NULL}, {"tokens", 0, NULL},
                                   {"perplexity", 4, NULL}, {"own neurons off, times", 4, NULL},
                                   {"random neurons off, times", 4, NULL}, {"95 % from", 4, NULL},
                                   {"95 % to", 4, NULL}),
     .draw = draw_perplexity},
    {.name = "perplexity-cross",
     .title = "One language's neurons off, another read",
     .kind = MMN_RESULT_PERPLEXITY,
     .words = "How many times as large the perplexity of one language's texts (columns) becomes "
              "while the neurons of another are off (rows): orange where it rises, blue where it "
              "falls, without colour at 1. Where language neurons matter to their own language "
              "above all, the diagonal is the deepest orange.",
     .rows = "cross_cells",
     .columns = MMN_FIGURE_COLUMNS({"neurons of", 0, "#cross_rows"},
                                   {"language read", 0, "#cross_cells"},
                                   {"times the perplexity", 4, "ratio"}),
     .draw = mmn_draw_perplexity_cross},
    {0}};
