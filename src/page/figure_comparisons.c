/* The figure of what an evaluation's comparisons show: own neurons less random ones, by sample. */
#include <math.h>

#include "page/figure.h"
#include "study/result_forms.h"

enum { ROW = 34, LEFT = 4, RIGHT = 56, TOP = 22 };

/* A difference and its interval. */
typedef struct difference {
    double mean, low, high;
} difference;

/* Of a statement, whose numbers are positive also for what is lower. */
static difference read_statement(const mmn_result *result, size_t row)
{
    const double by = mmn_result_number(result, "statements", row, "by");
    const double least = mmn_result_number(result, "statements", row, "least");
    const double most = mmn_result_number(result, "statements", row, "most");
    return mmn_row_is(result, "statements", row, "shows", "lower")
               ? (difference){-by, -most, -least}
               : (difference){by, least, most};
}

static void draw_statement(const mmn_chart *chart, const mmn_results *results, size_t row,
                           int decimals)
{
    const mmn_result *result = results->of[MMN_RESULT_EVAL].result;
    const char *domain = mmn_result_text(result, "statements", row, "domain");
    const difference drawn = read_statement(result, row);
    const double y = TOP + ROW * (double)row, zero = mmn_chart_x(chart, 0);
    mmn_svg_text(chart->svg, "label", LEFT, y + 12, MMN_ANCHOR_START, 150, domain);
    mmn_svg_text(chart->svg, "soft", LEFT + chart->width, y + 12, MMN_ANCHOR_END, 130,
                 mmn_result_text(result, "statements", row, "setting"));
    if (isfinite(drawn.mean)) {
        mmn_chart_bar(chart, mmn_svg_series(mmn_results_domain(results, domain)), y + 17,
                      drawn.mean);
        mmn_chart_bar_number(chart, y + 17, drawn.mean, decimals);
    }
    mmn_chart_interval(chart, y + 17, drawn.low, drawn.high);
    mmn_svg_line(chart->svg, "plain", zero, y + 15, zero, y + 30);
}

static mmn_status draw_comparisons(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const mmn_result *result = results->of[MMN_RESULT_EVAL].result;
    const size_t count = mmn_result_rows(result, "statements");
    const bool likelihood = mmn_result_number(result, "result", 0, "likelihood") > 0;
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    mmn_chart chart = {.svg = &svg,
                       .left = LEFT,
                       .width = MMN_PANEL_WIDTH - LEFT - RIGHT,
                       .height = TOP + ROW * (double)count + 4};
    mmn_evaluation_tell(&figure->words, result);
    if (count == 0)
        return MMN_OK;
    for (row = 0; row < count; row++) {
        const difference drawn = read_statement(result, row);
        mmn_chart_widen(&chart, drawn.mean);
        mmn_chart_widen(&chart, drawn.low);
        mmn_chart_widen(&chart, drawn.high);
    }
    for (row = 0; row < count; row++)
        draw_statement(&chart, results, row, likelihood ? 4 : 1);
    mmn_svg_line(&svg, "axis", LEFT, chart.height, LEFT + chart.width, chart.height);
    mmn_chart_axis_x(&chart,
                     likelihood ? "ln p per token, own less random"
                                : "accuracy, own less random (points)",
                     5, false);
    svg.height = chart.height + 36;
    return mmn_figure_panel(figure, &svg, "Means and 95 % intervals");
}

const mmn_figure_form mmn_comparison_figures[] = {
    {.name = "comparisons",
     .title = "Own neurons less random ones, by sample",
     .kind = MMN_RESULT_EVAL,
     .words = "By how much each sample differs with a domain's own neurons off from what it is "
              "with as many random ones off: the mean and its 95 % interval. The table has the "
              "other comparisons too.\n",
     .rows = "comparisons",
     .columns = MMN_FIGURE_COLUMNS({"measure", 0, "measure"}, {"setting", 0, "setting"},
                                   {"domain", 0, "domain"}, {"off", 0, "off"},
                                   {"against", 0, "against"}, {"samples", 0, "samples"},
                                   {"difference", 4, "difference"}, {"95 % from", 4, "low"},
                                   {"95 % to", 4, "high"}, {"shows", 0, "shows"}),
     .draw = draw_comparisons},
    {0}};
