/* The figure of scores of pictures before and after the detector sees another thing in them. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "page/figure_means.h"

/* Domains, and all together. */
enum { ROWS = MMN_MEANS / 2 };

/* What a row of the summary is called, in the colour of its domain; of all it is grey. */
static mmn_mean begin_bar(const mmn_results *results, size_t row, const char *name_end)
{
    const mmn_result *result = results->of[MMN_RESULT_BIAS].result;
    const char *domain = mmn_result_text(result, "summary", row, "domain");
    mmn_mean bar = {.classes = domain ? mmn_svg_series(mmn_results_domain(results, domain))
                                      : "other",
                    .low = (double)NAN,
                    .high = (double)NAN};
    snprintf(bar.name, sizeof(bar.name), "%.64s%s", domain ? domain : "all", name_end);
    return bar;
}

/* The share of the lines whose answers are no scores. */
static double share_left_out(const mmn_result *result, size_t row)
{
    const double asked = mmn_result_number(result, "summary", row, "asked");
    return 1 - mmn_result_number(result, "summary", row, "scored") / asked;
}

static mmn_status draw_changes(mmn_figure *figure, const mmn_results *results, size_t rows)
{
    const mmn_result *result = results->of[MMN_RESULT_BIAS].result;
    mmn_mean bars[ROWS];
    for (size_t row = 0; row < rows; row++) {
        bars[row] = begin_bar(results, row, "");
        bars[row].mean = mmn_result_number(result, "summary", row, "delta");
        bars[row].low = mmn_result_number(result, "summary", row, "low");
        bars[row].high = mmn_result_number(result, "summary", row, "high");
    }
    return mmn_figure_draw_bars(figure, bars, rows, "change of the score");
}

static mmn_status draw_scores(mmn_figure *figure, const mmn_results *results, size_t rows)
{
    const mmn_result *result = results->of[MMN_RESULT_BIAS].result;
    mmn_mean bars[2 * ROWS];
    for (size_t row = 0; row < rows; row++) {
        bars[2 * row] = begin_bar(results, row, ": before");
        bars[2 * row].mean = mmn_result_number(result, "summary", row, "score_before");
        bars[2 * row + 1] = begin_bar(results, row, ": after");
        bars[2 * row + 1].mean = mmn_result_number(result, "summary", row, "score_after");
    }
    return mmn_figure_draw_bars(figure, bars, 2 * rows, "score");
}

static mmn_status draw_left_out(mmn_figure *figure, const mmn_results *results, size_t rows)
{
    const mmn_result *result = results->of[MMN_RESULT_BIAS].result;
    mmn_mean bars[ROWS];
    for (size_t row = 0; row < rows; row++) {
        bars[row] = begin_bar(results, row, "");
        bars[row].mean = share_left_out(result, row);
    }
    return mmn_figure_draw_bars(figure, bars, rows, "share of answers that are no scores");
}

static mmn_status draw_bias(mmn_figure *figure, const mmn_results *results, size_t row)
{
    static const char *const before[] = {"domain", "asked", "scored"};
    static const char *const behind[] = {"score_before", "score_after", "delta", "low", "high"};
    const mmn_result *result = results->of[MMN_RESULT_BIAS].result;
    const size_t rows = mmn_result_rows(result, "summary");
    const size_t drawn = rows < ROWS ? rows : ROWS;
    mmn_text_add(&figure->words, " The step is from \"%s\" to \"%s\".",
                 mmn_result_text(result, "result", 0, "from"),
                 mmn_result_text(result, "result", 0, "to"));
    if (drawn < rows)
        mmn_text_add(&figure->words, " Of %zu domains, the first %zu are drawn.", rows, drawn);
    for (row = 0; row < rows; row++) {
        for (size_t i = 0; i < MMN_LENGTH(before); i++)
            MMN_CELLS(&figure->table, mmn_row_value(result, "summary", row, before[i]));
        MMN_CELLS(&figure->table, mmn_as_real(share_left_out(result, row)));
        for (size_t i = 0; i < MMN_LENGTH(behind); i++)
            MMN_CELLS(&figure->table, mmn_row_value(result, "summary", row, behind[i]));
    }
    MMN_TRY(draw_changes(figure, results, drawn));
    MMN_TRY(draw_scores(figure, results, drawn));
    return draw_left_out(figure, results, drawn);
}

const mmn_figure_form mmn_bias_figures[] = {
    {.name = "bias",
     .title = "Scores when the detector sees another thing",
     .kind = MMN_RESULT_BIAS,
     .words = "The model scores each picture from 1 to 10, before and after one step of what the "
              "detector saw: the mean change with its 95 % interval, the mean scores, and how many "
              "answers are left out, since one of the two is no whole number from 1 to 10.",
     .columns = MMN_FIGURE_COLUMNS({"domain", 0, NULL}, {"lines", 0, NULL}, {"scored", 0, NULL},
                                   {"share left out", 4, NULL}, {"before", 4, NULL},
                                   {"after", 4, NULL}, {"change", 4, NULL}, {"95 % from", 4, NULL},
                                   {"95 % to", 4, NULL}),
     .draw = draw_bias},
    {0}};
