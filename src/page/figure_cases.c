/* The figures of cases: samples of evaluations whose answers change while a domain's neurons are
 * off, with their pictures and questions, and the answers before and after side by side. */
#include <math.h>
#include <string.h>

#include "page/figure.h"
#include "page/lettering.h"
#include "page/map.h"

/* Cases in a report, lines of a text, and where things lie in a panel. */
enum { CASES = 16, LINES = 8, LINE = 16, TOP = 36, COLUMN = 164, SECOND = 180 };

/* How many bytes of the text make a line: whole words, or of a long one as much as fits. */
static size_t line_of(const mmn_lettering *letters, const char *text, double room)
{
    const size_t fitting = mmn_lettering_fit(letters, text, room);
    size_t words = 0;
    if (text[fitting] == '\0')
        return fitting;
    for (size_t i = 0; i <= fitting; i++)
        if (text[i] == ' ' || text[i] == '\n')
            words = i;
    return words > 0 ? words : fitting;
}

/* Draws a text from baseline y on in lines no wider than `room`; the last of LINES lines is cut.
 * Returns the baseline below. */
static double draw_lines(mmn_svg *svg, const char *classes, double x, double y, double room,
                         const char *text)
{
    const mmn_lettering *letters = mmn_lettering_of(classes);
    for (size_t line = 1; *text != '\0'; line++, y += LINE) {
        const size_t size = line < LINES ? line_of(letters, text, room) : strlen(text);
        mmn_text words = {0};
        mmn_text_add_bytes(&words, text, size > 0 ? size : strlen(text));
        mmn_svg_text(svg, classes, x, y, MMN_ANCHOR_START, room, words.text ? words.text : "");
        svg->body.failed |= words.failed;
        mmn_text_free(&words);
        text += size > 0 ? size : strlen(text);
        text += strspn(text, " \n");
    }
    return y;
}

/* A heading, and the text below it; nothing for no text. */
static double draw_part(mmn_svg *svg, double x, double y, double room, const char *heading,
                        const char *classes, const char *text)
{
    if (*text == '\0')
        return y;
    mmn_svg_text(svg, "soft", x, y, MMN_ANCHOR_START, room, heading);
    return draw_lines(svg, classes, x, y + LINE, room, text) + 6;
}

/* The texts of a column of rows, each once, with commas between them. */
static void join(mmn_text *joined, const mmn_result *result, const char *table, mmn_rows rows,
                 const char *column)
{
    for (size_t row = rows.first; row < rows.end; row++) {
        const char *text = mmn_result_text(result, table, row, column);
        size_t before = rows.first;
        while (before < row && !mmn_row_is(result, table, before, column, text))
            before++;
        if (before == row)
            mmn_text_add(joined, "%s%s", row > rows.first ? ", " : "", text);
    }
    if (!joined->text)
        mmn_text_add(joined, "%s", "");
}

/* An answer and its score. */
static double draw_answer(mmn_svg *svg, double x, double y, const char *heading, const char *answer,
                          double score)
{
    y = draw_part(svg, x, y, COLUMN, heading, "strong", *answer != '\0' ? answer : "(nothing)");
    if (isfinite(score))
        mmn_svg_number(svg, "soft", x, y - 2, MMN_ANCHOR_START, score, 2, " score");
    return y + LINE;
}

static mmn_status draw_answers(mmn_figure *figure, const mmn_result *result, size_t row,
                               const char *choices, const char *right)
{
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    const char *of = mmn_row_value(result, "cases", row, "neurons_of").given;
    mmn_text off = {0};
    double y = draw_part(&svg, 0, TOP, MMN_PANEL_WIDTH, "question", "label",
                         mmn_result_text(result, "cases", row, "question"));
    mmn_text_add(&off, "neurons of %s off", of);
    y = draw_part(&svg, 0, y, MMN_PANEL_WIDTH, "options", "label", choices);
    y = draw_part(&svg, 0, y, MMN_PANEL_WIDTH, "right", "label", right);
    const double before = draw_answer(&svg, 0, y, "all neurons on",
                                      mmn_result_text(result, "cases", row, "before"),
                                      mmn_result_number(result, "cases", row, "score_before"));
    const double after = draw_answer(&svg, SECOND, y, off.text ? off.text : "",
                                     mmn_result_text(result, "cases", row, "after"),
                                     mmn_result_number(result, "cases", row, "score_after"));
    svg.height = before > after ? before : after;
    mmn_svg_line(&svg, "grid", SECOND - 8, y - 10, SECOND - 8, svg.height - LINE + 4);
    svg.body.failed |= off.failed;
    mmn_text_free(&off);
    return mmn_figure_panel(figure, &svg, "answers");
}

static mmn_status draw_case(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const mmn_result_file *file = &results->of[MMN_RESULT_EVAL];
    const mmn_result *result = file->result;
    mmn_text right = {0}, choices = {0};
    mmn_text_add(&figure->words, " Domain: %s; setting: %s.",
                 mmn_row_value(result, "cases", row, "domain").given,
                 mmn_row_value(result, "cases", row, "setting").given);
    join(&right, result, "right_answers", mmn_rows_below(result, "right_answers", "cases", row),
         "right");
    join(&choices, result, "choices", mmn_rows_below(result, "choices", "cases", row), "choice");
    mmn_status status = mmn_map_draw_pictures(figure, results, file,
                                              mmn_rows_below(result, "images", "cases", row));
    if (status == MMN_OK && !right.failed && !choices.failed)
        status = draw_answers(figure, result, row, choices.text, right.text);
    figure->table.failed |= right.failed || choices.failed;
    mmn_text_free(&right);
    mmn_text_free(&choices);
    static const char *const columns[] = {"setting",      "neurons_of", "domain",
                                          "id",           "question",   "before",
                                          "score_before", "after",      "score_after"};
    mmn_value cells[sizeof(columns) / sizeof(columns[0])];
    for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++)
        cells[c] = mmn_row_value(result, "cases", row, columns[c]);
    mmn_table_add(&figure->table, cells, sizeof(columns) / sizeof(columns[0]));
    return status;
}

const mmn_figure_form mmn_case_figures[] = {
    {.name = "case",
     .title = "An answer that changes: sample ",
     .kind = MMN_RESULT_EVAL,
     .each = "cases",
     .most = CASES,
     .named_by = "id",
     .title_end = "",
     .words = "One of the first samples of the list whose answers change while a domain's neurons "
              "are off.",
     .columns = MMN_FIGURE_COLUMNS({"setting", 0, NULL}, {"neurons of", 0, NULL},
                                   {"domain", 0, NULL}, {"sample", 0, NULL}, {"question", 0, NULL},
                                   {"before", 0, NULL}, {"score before", 4, NULL},
                                   {"after", 0, NULL}, {"score after", 4, NULL}),
     .draw = draw_case},
    {0}};
