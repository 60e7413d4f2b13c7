/* The figures of what a model says is in pictures, with what is there and what is not: how
 * confident the detector is that it reads through, and the boxes that speak for what is not there.
 */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "page/canvas.h"
#include "page/figure_means.h"
#include "page/text.h"

static const char *const answers[] = {"yes", "no", "neither"};
enum { ANSWERS = sizeof(answers) / sizeof(answers[0]), BINS = 10 };

/* Classes that are absent, and those that are present. */
static const char *const classes[] = {"absent", "present"};

/* ---- How confident the detector is ----------------------------------------------------------- */

static mmn_status draw_means(mmn_figure *figure, const mmn_result *result)
{
    mmn_mean means[2 * ANSWERS];
    size_t count = 0;
    for (size_t row = 0; row < mmn_result_rows(result, "summary") && count < 2 * ANSWERS; row++) {
        const bool present = mmn_result_number(result, "summary", row, "is_present") > 0;
        mmn_mean *mean = &means[count];
        *mean = (mmn_mean){.classes = present ? mmn_svg_series(0) : "other",
                           .mean = mmn_result_number(result, "summary", row, "confidence"),
                           .low = mmn_result_number(result, "summary", row, "low"),
                           .high = mmn_result_number(result, "summary", row, "high")};
        snprintf(mean->name, sizeof(mean->name), "%s: %.20s", classes[present],
                 mmn_result_text(result, "summary", row, "answer"));
        count += mmn_figure_is_of_all(result, "summary", row) && isfinite(mean->mean);
    }
    return mmn_figure_draw_bars(figure, means, count, "confidence");
}

static mmn_status draw_answers(mmn_figure *figure, const mmn_results *results, size_t row)
{
    static const char *const columns[] = {"answer", "count", "share", "confidence", "low", "high"};
    const mmn_result *result = results->of[MMN_RESULT_HALLUCINATIONS].result;
    for (row = 0; row < mmn_result_rows(result, "summary"); row++) {
        const bool present = mmn_result_number(result, "summary", row, "is_present") > 0;
        MMN_CELLS(&figure->table, mmn_row_value(result, "summary", row, "domain"),
                  mmn_as_text(classes[present]));
        for (size_t i = 0; i < MMN_LENGTH(columns); i++)
            MMN_CELLS(&figure->table, mmn_row_value(result, "summary", row, columns[i]));
    }
    for (row = 0; row < mmn_result_rows(result, "separations"); row++)
        if (mmn_figure_is_of_all(result, "separations", row) &&
            mmn_result_number(result, "separations", row, "area") >= 0) {
            mmn_text_add(
                &figure->words,
                " Among absent classes it tells yes from no with an area under the curve of ");
            mmn_number_fixed(&figure->words, mmn_result_number(result, "separations", row, "area"),
                             3);
            mmn_text_add(&figure->words, ".");
        }
    return draw_means(figure, result);
}

/* ---- Histograms ------------------------------------------------------------------------------ */

/* The questions of each bin and answer, and all of each answer. */
typedef struct histogram {
    double bins[ANSWERS][BINS], counts[ANSWERS];
} histogram;

/* Adds a row of the summary, and what it has in each bin to the table. */
static void add_row(histogram *drawn, mmn_figure *figure, const mmn_result *result, size_t row,
                    bool present)
{
    const mmn_rows bins = mmn_rows_below(result, "histogram", "summary", row);
    const bool is_drawn = mmn_figure_is_of_all(result, "summary", row);
    for (size_t bin = 0; bin < BINS; bin++) {
        const double count = mmn_result_number(result, "histogram", bins.first + bin, "bin");
        for (size_t a = 0; a < ANSWERS && is_drawn; a++)
            if (mmn_row_is(result, "summary", row, "answer", answers[a])) {
                drawn->bins[a][bin] = count;
                drawn->counts[a] = mmn_result_number(result, "summary", row, "count");
            }
        MMN_CELLS(&figure->table, mmn_row_value(result, "summary", row, "domain"),
                  mmn_as_text(classes[present]), mmn_row_value(result, "summary", row, "answer"),
                  mmn_as_real((double)bin / BINS), mmn_as_real((double)(bin + 1) / BINS),
                  mmn_as_real(count));
    }
}

/* Columns of one colour below the other: the first answer at the bottom. */
static mmn_status draw_histogram(mmn_figure *figure, const histogram *drawn, const char *title)
{
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    mmn_chart chart = {.svg = &svg,
                       .left = 44,
                       .top = 46,
                       .width = MMN_PANEL_WIDTH - 56,
                       .height = 138,
                       .x_maximum = 1};
    double heights[ANSWERS][BINS];
    for (size_t bin = 0; bin < BINS; bin++)
        for (size_t a = 0; a < ANSWERS; a++) {
            heights[a][bin] = drawn->bins[a][bin] + (a > 0 ? heights[a - 1][bin] : 0);
            chart.y_maximum = mmn_chart_maximum(chart.y_maximum, heights[a][bin]);
        }
    if (chart.y_maximum == 0)
        return MMN_OK;
    mmn_chart_make_room(&chart, 5, true);
    mmn_chart_grid_y(&chart, "questions", 5, true);
    for (size_t a = ANSWERS; a-- > 0;)
        for (size_t bin = 0; bin < BINS; bin++)
            mmn_chart_column(&chart, mmn_svg_series(a), mmn_chart_x(&chart, (double)bin / BINS),
                             chart.width / BINS - 1, heights[a][bin]);
    mmn_chart_axis_x(&chart, "confidence", 5, false);
    const double key = chart.top + chart.height + 40;
    for (size_t a = 0; a < ANSWERS; a++)
        mmn_chart_key(&svg, key + MMN_CHART_KEY * (double)a, a, answers[a], drawn->counts[a]);
    svg.height = key + MMN_CHART_KEY * ANSWERS;
    return mmn_figure_panel(figure, &svg, title);
}

static mmn_status draw_confidences(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const mmn_result_file *file = &results->of[MMN_RESULT_HALLUCINATIONS];
    histogram drawn[2] = {0};
    for (row = 0; row < mmn_result_rows(file->result, "summary"); row++) {
        const bool present = mmn_result_number(file->result, "summary", row, "is_present") > 0;
        const mmn_rows bins = mmn_rows_below(file->result, "histogram", "summary", row);
        char where[40];
        snprintf(where, sizeof(where), "summary[%zu].histogram", row);
        if (bins.end - bins.first != BINS)
            return mmn_fail(figure->error, MMN_INPUT, file->file, where,
                            "must have %d numbers and has %zu", BINS, bins.end - bins.first);
        add_row(&drawn[present], figure, file->result, row, present);
    }
    for (size_t present = 2; present-- > 0;)
        MMN_TRY(draw_histogram(figure, &drawn[present], classes[present]));
    return MMN_OK;
}

/* ---- What is not there ----------------------------------------------------------------------- */

enum { PICTURES = 6 };

/* The boxes with the largest scores over the picture, the largest on top. Why the picture is not
 * shown is said once. */
static mmn_status draw_picture(mmn_figure *figure, const mmn_results *results, size_t row,
                               mmn_text *words)
{
    const mmn_result *result = results->of[MMN_RESULT_HALLUCINATIONS].result;
    const mmn_rows boxes = mmn_rows_below(result, "boxes", "hallucinations", row);
    const size_t count = boxes.end - boxes.first;
    mmn_svg svg;
    mmn_canvas canvas;
    mmn_text title = {0};
    MMN_TRY(mmn_canvas_begin(&canvas, &svg, results, MMN_RESULT_HALLUCINATIONS, "hallucinations",
                             row, words, figure->error));
    for (size_t box = count < MMN_CANVAS_BOXES ? count : MMN_CANVAS_BOXES; box-- > 0;)
        mmn_canvas_draw_box(&canvas, "boxes", boxes.first + box, 0, 0);
    svg.height = MMN_MAP_TOP + canvas.height;
    mmn_text_add(&title, "%s in %s", mmn_result_text(result, "hallucinations", row, "class"),
                 mmn_result_text(result, "hallucinations", row, "id"));
    svg.body.failed |= title.failed;
    mmn_status status = mmn_figure_panel(figure, &svg, title.text ? title.text : "");
    mmn_text_free(&title);
    return status;
}

/* A row for each box, or one without any. */
static void add_boxes(mmn_figure *figure, const mmn_result *result, size_t row)
{
    static const char *const own[] = {"domain", "id", "class", "answer", "confidence"};
    static const char *const of_box[] = {"patch", "score", "left", "top", "right", "bottom"};
    const mmn_rows boxes = mmn_rows_below(result, "boxes", "hallucinations", row);
    size_t box = boxes.first;
    do {
        for (size_t i = 0; i < MMN_LENGTH(own); i++)
            MMN_CELLS(&figure->table, mmn_row_value(result, "hallucinations", row, own[i]));
        for (size_t i = 0; i < MMN_LENGTH(of_box); i++)
            MMN_CELLS(&figure->table, box < boxes.end
                                          ? mmn_row_value(result, "boxes", box, of_box[i])
                                          : mmn_as_nothing());
    } while (++box < boxes.end);
}

static mmn_status draw_hallucinations(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const mmn_result *result = results->of[MMN_RESULT_HALLUCINATIONS].result;
    const size_t count = mmn_result_rows(result, "hallucinations");
    mmn_text unsaid = {0};
    mmn_status status = MMN_OK;
    if (count > PICTURES)
        mmn_text_add(&figure->words, " Of %zu, the first %d are drawn.", count, PICTURES);
    for (row = 0; row < count && row < PICTURES && status == MMN_OK; row++)
        status = draw_picture(figure, results, row, row == 0 ? &figure->words : &unsaid);
    mmn_text_free(&unsaid);
    for (row = 0; row < count; row++)
        add_boxes(figure, result, row);
    return status;
}

const mmn_figure_form mmn_hallucination_figures[] = {
    {.name = "answers",
     .title = "How confident the detector is of what is said",
     .kind = MMN_RESULT_HALLUCINATIONS,
     .words =
         "The model is asked of each picture which classes it shows, and reads it through a "
         "detector: the mean, over what it answers of classes that are there and that are not, "
         "of the largest score of the detector's boxes for the class, with 95 % intervals.",
     .columns = MMN_FIGURE_COLUMNS(
         {"domain", 0, NULL}, {"classes", 0, NULL}, {"answer", 0, NULL}, {"questions", 0, NULL},
         {"share", 4, NULL}, {"confidence", 4, NULL}, {"95 % from", 4, NULL}, {"95 % to", 4, NULL}),
     .draw = draw_answers},
    {.name = "confidences",
     .title = "Answers by the detector's confidence",
     .kind = MMN_RESULT_HALLUCINATIONS,
     .words = "How many questions about classes that are there, and about those that are not, have "
              "which largest score of the detector's boxes, by what is answered; below, how many "
              "have which answer.",
     .columns = MMN_FIGURE_COLUMNS({"domain", 0, NULL}, {"classes", 0, NULL}, {"answer", 0, NULL},
                                   {"confidence from", 1, NULL}, {"to", 1, NULL},
                                   {"questions", 0, NULL}),
     .draw = draw_confidences},
    {.name = "hallucinations",
     .title = "What is said to be there and is not",
     .kind = MMN_RESULT_HALLUCINATIONS,
     .words =
         "Classes that are not in a picture and are answered yes, the most confident first, with "
         "the detector's boxes whose scores are above its confidence less 0.01.",
     .columns = MMN_FIGURE_COLUMNS({"domain", 0, NULL}, {"sample", 0, NULL}, {"class", 0, NULL},
                                   {"answer", 0, NULL}, {"confidence", 4, NULL}, {"patch", 0, NULL},
                                   {"score", 4, NULL}, {"left (pixels)", 1, NULL},
                                   {"top (pixels)", 1, NULL}, {"right (pixels)", 1, NULL},
                                   {"bottom (pixels)", 1, NULL}),
     .draw = draw_hallucinations},
    {0}};
