/* The figure of edits over a list: what ways of editing do to the answer, to other pictures of the
 * thing and to everything else. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "page/figure.h"

enum { LEFT = 4, RIGHT = 56, TOP = 30, ROW = 32, MOST = 64 };

static const struct {
    const char *measure, *title;
} panels[] = {{"reliability", "reliability: edits whose answer has the other word"},
              {"generality", "generality: other pictures that follow"},
              {"locality", "locality: other answers that stay"},
              {"fall", "fall of ln p per token of other answers"}};

/* Whether the row is drawn: of the measure, and of all domains together or of the only one. */
static bool is_drawn(const mmn_result *result, size_t row, const char *measure)
{
    return (!mmn_result_text(result, "summary", row, "domain") ||
            mmn_result_rows(result, "domains") == 1) &&
           mmn_row_is(result, "summary", row, "measure", measure);
}

static void draw_way(const mmn_chart *chart, const mmn_result *result, size_t row, size_t place)
{
    const double y = TOP + ROW * (double)place;
    const double mean = mmn_result_number(result, "summary", row, "mean");
    const bool own = mmn_row_is(result, "summary", row, "chosen", "top");
    char name[64];
    snprintf(name, sizeof(name), "%.20s: %.20s", mmn_result_text(result, "summary", row, "method"),
             mmn_result_text(result, "summary", row, "chosen"));
    mmn_svg_text(chart->svg, "label", chart->left, y + 12, MMN_ANCHOR_START, 46, name);
    if (!isfinite(mean))
        return;
    if (mean > 0)
        mmn_chart_bar(chart, own ? mmn_svg_series(0) : "other", y + 17, mean);
    mmn_chart_bar_number(chart, y + 17, mean, 3);
    if (mmn_result_number(result, "summary", row, "low") >= 0)
        mmn_chart_interval(chart, y + 17, mmn_result_number(result, "summary", row, "low"),
                           mmn_result_number(result, "summary", row, "high"));
}

static mmn_status draw_measure(mmn_figure *figure, const mmn_result *result, size_t panel)
{
    const char *measure = panels[panel].measure;
    size_t ways = 0, place = 0;
    double largest = 0;
    for (size_t row = 0; row < mmn_result_rows(result, "summary"); row++)
        if (is_drawn(result, row, measure)) {
            const double mean = mmn_result_number(result, "summary", row, "mean");
            const double high = mmn_result_number(result, "summary", row, "high");
            largest = mmn_chart_maximum(mmn_chart_maximum(largest, mean), high);
            ways++;
        }
    if (ways == 0 || ways > MOST)
        return MMN_OK;
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = TOP + ROW * (double)ways + 8};
    const mmn_chart chart = {.svg = &svg,
                             .left = LEFT,
                             .width = MMN_PANEL_WIDTH - LEFT - RIGHT,
                             .x_maximum = largest > 0 ? largest : 1};
    for (size_t row = 0; row < mmn_result_rows(result, "summary"); row++)
        if (is_drawn(result, row, measure))
            draw_way(&chart, result, row, place++);
    return mmn_figure_panel(figure, &svg, panels[panel].title);
}

static mmn_status draw(mmn_figure *figure, const mmn_results *results, size_t row)
{
    (void)row;
    for (size_t i = 0; i < MMN_LENGTH(panels); i++)
        MMN_TRY(draw_measure(figure, results->of[MMN_RESULT_EDITS].result, i));
    return MMN_OK;
}

const mmn_figure_form mmn_edit_figures[] = {
    {.name = "edits",
     .title = "What edits do",
     .kind = MMN_RESULT_EDITS,
     .words =
         "A word of each answer is edited to be another, directly and by an optimiser, with the "
         "neurons that contribute most to it (coloured), with as many random ones and with all "
         "of one layer (grey): the share of edits whose answer has the other word, of other "
         "pictures of the thing whose answers have it then, and of everything else whose "
         "answers stay, and by how much ln p per token of those falls; with 95 % intervals "
         "over edits.",
     .rows = "summary",
     .columns = MMN_FIGURE_COLUMNS({"domain", 0, "domain"}, {"method", 0, "method"},
                                   {"neurons", 0, "chosen"}, {"measure", 0, "measure"},
                                   {"edits", 0, "count"}, {"mean", 4, "mean"},
                                   {"95 % from", 4, "low"}, {"95 % to", 4, "high"}),
     .draw = draw},
    {0}};
