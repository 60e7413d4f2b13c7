/* The figures of a word that is located in a picture: where it is seen and by which boxes it goes;
 * and what is answered where another thing is seen.
 *
 * Source: Giulivi and Boracchi (arXiv 2405.14612): boxes whose logit's weight is above a half, as
 * thick as this weight says, in the colours of the weights of their width and height. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "page/canvas.h"
#include "page/text.h"
#include "result/words.h"

/* What the weights of boxes that are drawn are above. */
static const double least_weight = 0.5;

/* What of a box has a weight, as columns of the figure's table. */
static const char *const numbers[] = {"class", "x", "y", "width", "height"};

static double weight_of(const mmn_result *result, size_t box, const char *of)
{
    const mmn_rows rows = mmn_rows_below(result, "numbers", "boxes", box);
    for (size_t row = rows.first; row < rows.end; row++)
        if (mmn_row_is(result, "numbers", row, "of", of))
            return mmn_result_number(result, "numbers", row, "weight");
    return (double)NAN;
}

/* ---- The map --------------------------------------------------------------------------------- */

/* Whether the map's numbers are weights, and each patch has a box. */
static mmn_status check(const mmn_result_file *file, mmn_error *error)
{
    const mmn_result *result = file->result;
    const size_t boxes = mmn_result_rows(result, "boxes"), cells = mmn_result_rows(result, "map");
    char where[40];
    if (boxes != cells)
        return mmn_fail(error, MMN_INPUT, file->file, "boxes",
                        "has %zu items and the map %zu numbers; expected as many", boxes, cells);
    for (size_t cell = 0; cell < cells; cell++) {
        const double value = mmn_result_number(result, "map", cell, "value");
        snprintf(where, sizeof(where), "map[%zu]", cell);
        if (!(value >= 0 && value <= 1))
            return mmn_fail(error, MMN_INPUT, file->file, where, "must be a number from 0 to 1");
        snprintf(where, sizeof(where), "boxes[%zu].patch", cell);
        if (!(mmn_result_number(result, "boxes", cell, "patch") < (double)cells))
            return mmn_fail(error, MMN_INPUT, file->file, where, "must be a patch of the map");
    }
    return MMN_OK;
}

static mmn_status draw_map(mmn_figure *figure, const mmn_results *results, const char *word)
{
    const mmn_result_file *file = &results->of[MMN_RESULT_LOCATE];
    const mmn_map map = {.word = word,
                         .grid_rows = mmn_result_number(file->result, "result", 0, "grid_rows"),
                         .grid_columns =
                             mmn_result_number(file->result, "result", 0, "grid_columns"),
                         .table = "map",
                         .values = mmn_rows_all(file->result, "map"),
                         .maximum = 1,
                         .bar = (double)NAN};
    mmn_svg svg;
    mmn_canvas canvas;
    MMN_TRY(mmn_canvas_begin(&canvas, &svg, results, MMN_RESULT_LOCATE, "result", 0, &figure->words,
                             figure->error));
    return mmn_map_draw_over(figure, &svg, canvas.height, file, &map);
}

/* ---- Boxes ----------------------------------------------------------------------------------- */

/* Those that are drawn, the largest weight first, of equal ones the first patch. */
typedef struct choice {
    size_t count, above; /* and how many there are above the least weight */
    size_t boxes[MMN_CANVAS_BOXES];
    double weights[MMN_CANVAS_BOXES];
} choice;

static choice choose(const mmn_result *result)
{
    choice chosen = {0};
    for (size_t box = 0; box < mmn_result_rows(result, "boxes"); box++) {
        const double weight = weight_of(result, box, "class");
        size_t place = chosen.count;
        if (!(weight > least_weight))
            continue;
        while (place > 0 && chosen.weights[place - 1] < weight)
            place--;
        chosen.above++;
        chosen.count += chosen.count < MMN_CANVAS_BOXES;
        for (size_t i = chosen.count; i-- > place + 1;) {
            chosen.boxes[i] = chosen.boxes[i - 1];
            chosen.weights[i] = chosen.weights[i - 1];
        }
        if (place < chosen.count) {
            chosen.boxes[place] = box;
            chosen.weights[place] = weight;
        }
    }
    return chosen;
}

/* A side in the shade of its weight on paper, as in the scale. */
static void draw_side(mmn_svg *svg, double x, double y, double width, double height, double weight)
{
    mmn_svg_rectangle(svg, "paper", x, y, width, height);
    mmn_svg_heat(svg, "patch", x, y, width, height, mmn_map_shade(weight));
}

/* From the middle of the box's patch to its own. */
static void draw_way(const mmn_canvas *canvas, size_t box)
{
    const mmn_result *result = canvas->result;
    const double rows = mmn_result_number(result, "result", 0, "grid_rows");
    const double columns = mmn_result_number(result, "result", 0, "grid_columns");
    const double patch = mmn_result_number(result, "boxes", box, "patch");
    const double row = floor(patch / columns), column = patch - row * columns;
    const double x = mmn_result_number(result, "boxes", box, "left") / 2 +
                     mmn_result_number(result, "boxes", box, "right") / 2;
    const double y = mmn_result_number(result, "boxes", box, "top") / 2 +
                     mmn_result_number(result, "boxes", box, "bottom") / 2;
    mmn_svg_line(canvas->svg, "way", (column + 0.5) * canvas->width / columns,
                 MMN_MAP_TOP + (row + 0.5) * canvas->height / rows, mmn_canvas_x(canvas, x),
                 mmn_canvas_y(canvas, y));
}

static void draw_box(const mmn_canvas *canvas, size_t box, double weight)
{
    const mmn_canvas_box at = mmn_canvas_place(canvas, "boxes", box);
    const double across = weight_of(canvas->result, box, "width");
    const double upright = weight_of(canvas->result, box, "height");
    const double thick = floor(10 * fmin(weight, 1)) / 2, half = thick / 2;
    const double width = at.right - at.left + thick, height = at.bottom - at.top + thick;
    mmn_svg *svg = canvas->svg;
    draw_side(svg, at.left - half, at.top - half, width, thick, across);
    draw_side(svg, at.left - half, at.bottom - half, width, thick, across);
    draw_side(svg, at.left - half, at.top - half, thick, height, upright);
    draw_side(svg, at.right - half, at.top - half, thick, height, upright);
    draw_way(canvas, box);
}

/* The last boxes are drawn first, so that the largest weights lie on top. Why the picture is not
 * shown has been said. */
static mmn_status draw_boxes(mmn_figure *figure, const mmn_results *results)
{
    const choice chosen = choose(results->of[MMN_RESULT_LOCATE].result);
    mmn_text unsaid = {0};
    mmn_svg svg;
    mmn_canvas canvas;
    const mmn_status status = mmn_canvas_begin(&canvas, &svg, results, MMN_RESULT_LOCATE, "result",
                                               0, &unsaid, figure->error);
    mmn_text_free(&unsaid);
    MMN_TRY(status);
    for (size_t i = chosen.count; i-- > 0;)
        draw_box(&canvas, chosen.boxes[i], chosen.weights[i]);
    if (chosen.above > MMN_CANVAS_BOXES)
        mmn_text_add(&figure->words,
                     " Of %zu such boxes, the %d with the largest weights are drawn.", chosen.above,
                     MMN_CANVAS_BOXES);
    mmn_map_draw_scale(&svg, MMN_MAP_TOP + canvas.height + 10, 1, " weight");
    svg.height = MMN_MAP_TOP + canvas.height + MMN_MAP_SCALE;
    return mmn_figure_panel(figure, &svg, "boxes");
}

static void add_rows(mmn_figure *figure, const mmn_result *result)
{
    static const char *const columns[] = {"patch", "score", "left", "top", "right", "bottom"};
    for (size_t box = 0; box < mmn_result_rows(result, "boxes"); box++) {
        for (size_t i = 0; i < MMN_LENGTH(columns); i++)
            MMN_CELLS(&figure->table, mmn_row_value(result, "boxes", box, columns[i]));
        for (size_t i = 0; i < MMN_LENGTH(numbers); i++)
            MMN_CELLS(&figure->table, mmn_as_real(weight_of(result, box, numbers[i])));
    }
}

/* Whose weights the map has, and how likely the word is beside what is answered. */
static void tell(mmn_text *words, const mmn_result *result)
{
    static const char *const kinds[][2] = {{"class", "the logits"},
                                           {"coordinates", "the coordinates, the largest"},
                                           {"any", "all of these, the largest"}};
    const char *token = mmn_result_text(result, "result", 0, "token");
    char *shown = mmn_word_shown(token ? token : "", NULL);
    for (size_t i = 0; i < MMN_LENGTH(kinds); i++)
        if (mmn_row_is(result, "result", 0, "weights", kinds[i][0]))
            mmn_text_add(words, " The map's weights are those of %s.", kinds[i][1]);
    mmn_text_add(words, "\nBehind the prompt the logit of \"%s\" is ", shown ? shown : "");
    mmn_number_fixed(words, mmn_result_number(result, "result", 0, "logit"), 4);
    mmn_text_add(words, "; the answer is: %s", mmn_result_text(result, "result", 0, "answer"));
    words->failed |= !shown;
    mmn_free(shown);
}

static mmn_status draw_located(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const mmn_result_file *file = &results->of[MMN_RESULT_LOCATE];
    const char *word = mmn_result_text(file->result, "result", row, "word");
    if (mmn_result_rows(file->result, "boxes") == 0 && mmn_result_rows(file->result, "map") == 0)
        return MMN_OK;
    MMN_TRY(check(file, figure->error));
    MMN_TRY(draw_map(figure, results, word ? word : ""));
    MMN_TRY(draw_boxes(figure, results));
    tell(&figure->words, file->result);
    add_rows(figure, file->result);
    return MMN_OK;
}

/* ---- Another thing --------------------------------------------------------------------------- */

enum { LEFT = 4, RIGHT = 56, TOP = 22, ROW = 34, STEPS = 8 };

/* A bar below the answer, which is given. */
static void draw_answer(const mmn_chart *chart, size_t row, const char *when, const char *answer,
                        double difference)
{
    const double y = TOP + ROW * (double)row, zero = mmn_chart_x(chart, 0);
    mmn_text words = {0};
    mmn_text_add(&words, "%s: %s", when, answer);
    mmn_svg_text(chart->svg, "label", LEFT, y + 12, MMN_ANCHOR_START, MMN_PANEL_WIDTH - LEFT,
                 words.text ? words.text : "");
    chart->svg->body.failed |= words.failed;
    mmn_text_free(&words);
    if (isfinite(difference)) {
        mmn_chart_bar(chart, row > 0 ? mmn_svg_series(0) : "other", y + 17, difference);
        mmn_chart_bar_number(chart, y + 17, difference, 3);
    }
    mmn_svg_line(chart->svg, "plain", zero, y + 15, zero, y + 30);
}

static mmn_status draw_step(mmn_figure *figure, const mmn_result *result, size_t row)
{
    static const char *const when[] = {"before", "after"};
    const char *const answers[] = {mmn_result_text(result, "result", 0, "answer"),
                                   mmn_result_text(result, "perturbations", row, "answer")};
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    mmn_chart chart = {.svg = &svg,
                       .left = LEFT,
                       .width = MMN_PANEL_WIDTH - LEFT - RIGHT,
                       .height = TOP + ROW * 2 + 4};
    char title[128];
    for (size_t i = 0; i < 2; i++)
        mmn_chart_widen(&chart, mmn_result_number(result, "perturbations", row, when[i]));
    for (size_t i = 0; i < 2; i++)
        draw_answer(&chart, i, when[i], answers[i],
                    mmn_result_number(result, "perturbations", row, when[i]));
    mmn_svg_line(&svg, "axis", LEFT, chart.height, LEFT + chart.width, chart.height);
    mmn_chart_axis_x(&chart, "logit of the second less that of the first", 5, false);
    svg.height = chart.height + 36;
    snprintf(title, sizeof(title), "%.50s to %.50s",
             mmn_result_text(result, "perturbations", row, "from"),
             mmn_result_text(result, "perturbations", row, "to"));
    return mmn_figure_panel(figure, &svg, title);
}

static mmn_status draw_perturbed(mmn_figure *figure, const mmn_results *results, size_t row)
{
    static const char *const columns[] = {"from",  "to",           "epsilon",    "before",
                                          "after", "score_before", "score_after"};
    const mmn_result *result = results->of[MMN_RESULT_LOCATE].result;
    for (row = 0; row < mmn_result_rows(result, "perturbations"); row++) {
        for (size_t i = 0; i < MMN_LENGTH(columns); i++)
            MMN_CELLS(&figure->table, mmn_row_value(result, "perturbations", row, columns[i]));
        MMN_CELLS(&figure->table, mmn_row_value(result, "result", 0, "answer"),
                  mmn_row_value(result, "perturbations", row, "answer"));
        if (row < STEPS)
            MMN_TRY(draw_step(figure, result, row));
    }
    return MMN_OK;
}

const mmn_figure_form mmn_location_figures[] = {
    {.name = "located",
     .title = "Where a word is seen in the picture",
     .kind = MMN_RESULT_LOCATE,
     .words =
         "By which of the detector's boxes the word goes: the cosine of the gradients of the "
         "word's logit and of a box's logit and coordinates, as weights from 0, the least of all "
         "boxes, to 1. The map has at each patch the largest weight of the boxes that cover it. "
         "Boxes whose logit's weight is above 0.5 are drawn, the thicker the larger that is; "
         "upright "
         "sides have the shade of the weight of the height and lying ones that of the width, and a "
         "line leads from the box's patch to its middle.",
     .columns = MMN_FIGURE_COLUMNS({"patch", 0, NULL}, {"score", 4, NULL},
                                   {"left (pixels)", 1, NULL}, {"top (pixels)", 1, NULL},
                                   {"right (pixels)", 1, NULL}, {"bottom (pixels)", 1, NULL},
                                   {"weight", 4, NULL}, {"of x", 4, NULL}, {"of y", 4, NULL},
                                   {"of width", 4, NULL}, {"of height", 4, NULL}),
     .draw = draw_located},
    {.name = "perturbed",
     .title = "What is answered where another thing is seen",
     .kind = MMN_RESULT_LOCATE,
     .words =
         "The answers before and after one step of what the detector saw to where it sees the "
         "second thing rather than the first, and how much larger the detector's logits for the "
         "second are than those for the first, the mean over boxes.",
     .columns = MMN_FIGURE_COLUMNS({"from", 0, NULL}, {"to", 0, NULL}, {"epsilon", 4, NULL},
                                   {"before", 4, NULL}, {"after", 4, NULL},
                                   {"score before", 0, NULL}, {"score after", 0, NULL},
                                   {"answer before", 0, NULL}, {"answer after", 0, NULL}),
     .draw = draw_perturbed},
    {0}};
