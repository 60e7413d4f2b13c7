/* The figures of a word that is located in a picture: what is drawn and told is worked out here
 * from the result; and what is no such result is refused by its key. */
#include <math.h>

#include "base/text_buffer.h"
#include "drawn.h"

TestSuite(report_located, .init = make_folder, .fini = remove_folder);

/* A picture of twice the panel's width. */
enum { WIDTH = 688, HEIGHT = 600, PANEL = 344, TOP = 30, SCALE = 12 };

typedef struct box {
    double left, top, right, bottom; /* pixels */
    double class, x, y, width, height;
} box;

/* Of a grid of two rows and two columns; the last reaches out of the picture. */
static const box boxes[] = {{40, 60, 200, 260, 0.25, 0, 0.125, 0.5, 0.75},
                            {172, 86, 344, 258, 1, 0.25, 0.5, 0.125, 1},
                            {10, 20, 30, 40, 0.5, 0, 0, 0, 0},
                            {-90, 300, 800, 900, 0.75, 1, 0.5, 0.375, 0.25}};
enum { BOXES = sizeof(boxes) / sizeof(boxes[0]) };
static const double map[] = {0.25, 1, 0, 0.75};

static void add_boxes(mmn_text *text, const box *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mmn_text_add(text,
                     "%s{'patch': %zu, 'score': 0.125, 'left': %g, 'top': %g, 'right': %g, "
                     "'bottom': %g, 'numbers': [{'of': 'class', 'cosine': 0, 'weight': %g}, "
                     "{'of': 'x', 'weight': %g}, {'of': 'y', 'weight': %g}, "
                     "{'of': 'width', 'weight': %g}, {'of': 'height', 'weight': %g}]}",
                     i > 0 ? ", " : "", i, list[i].left, list[i].top, list[i].right, list[i].bottom,
                     list[i].class, list[i].x, list[i].y, list[i].width, list[i].height);
}

#define HEAD(image)                                                                                \
    "{'format': 'mmneuron-locate-1', 'version': '0.2.0', 'model': '00', 'detector': '01', "        \
    "'image': '" image "', 'height': 600, 'width': 688, 'settings': {'prompt': 'p', 'word': "      \
    "'<cat>', 'weights': 'class'}, 'answer': 'a <dog>', "

/* The result of these boxes in a grid, whose map is their class weights. */
static const char *file_of_boxes(const box *list, size_t rows, size_t columns)
{
    mmn_text text = {0};
    mmn_text_add(&text,
                 HEAD("none.jpg") "'token': ' at', 'logit': 1.5, 'grid_rows': %zu, "
                                  "'grid_columns': %zu, 'map': [",
                 rows, columns);
    for (size_t i = 0; i < rows * columns; i++)
        mmn_text_add(&text, "%s%g", i > 0 ? ", " : "", list == boxes ? map[i] : list[i].class);
    mmn_text_add(&text, "], 'boxes': [");
    add_boxes(&text, list, rows * columns);
    mmn_text_add(&text, "]}");
    cr_assert(!text.failed);
    const char *file = file_of("locate.json", text.text);
    mmn_text_free(&text);
    return file;
}

static double shade(double weight)
{
    return rounded(0.8 * weight, 2);
}

Test(report_located, the_map_shades_the_patches_of_the_grid)
{
    const char *file = file_of_boxes(boxes, 2, 2);
    mmn_report *report = report_of(&file, 1);
    cr_assert_eq(mmn_report_figure_count(report), 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    double shades[100], x[100], y[100], wide[100], high[100];
    const size_t drawn_patches = drawn(shades, 100, page, "located", "patch", "fill-opacity");
    drawn(x, 100, page, "located", "patch", "x");
    drawn(y, 100, page, "located", "patch", "y");
    drawn(wide, 100, page, "located", "patch", "width");
    drawn(high, 100, page, "located", "patch", "height");
    size_t at = 0;
    for (size_t patch = 0; patch < BOXES; patch++) {
        if (map[patch] == 0)
            continue;
        cr_expect_eq(shades[at], shade(map[patch]));
        cr_expect_eq(x[at], (double)(patch % 2) * PANEL / 2);
        cr_expect_eq(y[at], TOP + (double)(patch / 2) * HEIGHT / 4);
        cr_expect_eq(wide[at], PANEL / 2);
        cr_expect_eq(high[at], HEIGHT / 4);
        at++;
    }
    /* Two scales, and four sides of each box whose weight is above a half. */
    cr_expect_eq(drawn_patches, at + SCALE + 4 * 2 + SCALE);
    cr_expect_not_null(strstr(page, ">1.000 weight<"));
    cr_expect_not_null(strstr(page, ">&lt;cat&gt;<"));
    cr_expect_not_null(strstr(page, "Behind the prompt the logit of &quot;\xe2\x96\x81"
                                    "at&quot; is 1.5000; the answer is: a &lt;dog&gt;<"));
    cr_expect_not_null(strstr(page, "picture is not shown: none.jpg was not found"));
    mmn_free(page);
    mmn_report_free(report);
}

static double inside(double value, double most)
{
    return value < 0 ? 0 : value > most ? most : value;
}

/* The sides of box number `index` of those drawn are where the box is, as thick as its weight. */
static void compare_box(const char *page, size_t index, const box *expected)
{
    double x[100], y[100], wide[100], high[100], shades[100];
    const double thick = floor(10 * expected->class) / 2;
    const double left = inside(expected->left / 2, PANEL), top = expected->top / 2 + TOP;
    const double right = inside(expected->right / 2, PANEL);
    const double bottom = TOP + inside(expected->bottom / 2, HEIGHT / 2);
    drawn(x, 100, page, "located", "paper", "x");
    drawn(y, 100, page, "located", "paper", "y");
    drawn(wide, 100, page, "located", "paper", "width");
    cr_assert_gt(drawn(high, 100, page, "located", "paper", "height"), 4 * index + 3);
    drawn(shades, 100, page, "located", "patch", "fill-opacity");
    const double *shade_of_sides = shades + 3 + SCALE; /* behind the map's */
    for (size_t side = 4 * index; side < 4 * index + 4; side++) {
        const bool upright = side % 4 >= 2;
        cr_expect_float_eq(x[side], (side % 4 == 3 ? right : left) - thick / 2, 0.006);
        cr_expect_float_eq(y[side], (side % 4 == 1 ? bottom : top) - thick / 2, 0.006);
        cr_expect_float_eq(wide[side], upright ? thick : right - left + thick, 0.006);
        cr_expect_float_eq(high[side], upright ? bottom - top + thick : thick, 0.006);
        cr_expect_eq(shade_of_sides[side], shade(upright ? expected->height : expected->width));
    }
}

/* The one with the largest weight comes last, on top. A weight of a half is none above it. */
Test(report_located, boxes_have_the_shades_and_the_thickness_of_their_weights)
{
    const char *file = file_of_boxes(boxes, 2, 2);
    mmn_report *report = report_of(&file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    double sides[100];
    cr_assert_eq(drawn(sides, 100, page, "located", "paper", "x"), 8);
    compare_box(page, 0, &boxes[3]);
    compare_box(page, 1, &boxes[1]);
    /* From the middle of patch 1, of the upper row, and of patch 3, of the lower one; the middle of
     * box 3 is not that of what is drawn of it. */
    cr_expect_not_null(strstr(page, "<line class=\"way\" x1=\"258\" y1=\"105\" x2=\"129\" "
                                    "y2=\"116\"/>"));
    cr_expect_not_null(strstr(page, "<line class=\"way\" x1=\"258\" y1=\"255\" x2=\"177.5\" "
                                    "y2=\"330\"/>"));
    cr_expect_null(strstr(page, "such boxes"));
    mmn_free(page);
    csv table = read_csv(report, "located");
    cr_assert_eq(table.rows, BOXES);
    for (size_t row = 0; row < BOXES; row++) {
        const double expected[] = {(double)row,      0.125,
                                   boxes[row].left,  boxes[row].top,
                                   boxes[row].right, boxes[row].bottom,
                                   boxes[row].class, boxes[row].x,
                                   boxes[row].y,     boxes[row].width,
                                   boxes[row].height};
        cr_assert_eq(table.columns, sizeof(expected) / sizeof(expected[0]));
        for (size_t column = 0; column < table.columns; column++)
            cr_expect_eq(number(&table, row, column), expected[column], "%zu, %zu", row, column);
    }
    free_csv(&table);
    mmn_report_free(report);
}

/* Boxes one pixel apart, so that the drawn ones tell which they are; every second
 * weight is larger, and of equal ones the first are drawn. */
Test(report_located, only_so_many_boxes_are_drawn)
{
    enum { SIDE = 6, ALL = SIDE * SIDE, DRAWN = 24 };
    static box many[ALL];
    double x[200];
    for (size_t i = 0; i < ALL; i++)
        many[i] = (box){.left = (double)i,
                        .top = 10,
                        .right = 400,
                        .bottom = 400,
                        .class = 0.75 + 0.125 * (double)(i % 2)};
    const char *file = file_of_boxes(many, SIDE, SIDE);
    mmn_report *report = report_of(&file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    cr_expect_not_null(
        strstr(page, "Of 36 such boxes, the 24 with the largest weights are drawn."));
    cr_assert_eq(drawn(x, 200, page, "located", "paper", "x"), 4 * DRAWN);
    size_t last = DRAWN;
    for (double class = 0.875; class > 0.7; class -= 0.125)
        for (size_t i = 0; i < ALL && last > 0; i++)
            if (many[i].class == class) {
                last--;
                cr_expect_float_eq(x[4 * last], many[i].left / 2 - floor(10 * class) / 4, 0.006,
                                   "%zu", i);
            }
    cr_expect_eq(last, 0);
    mmn_free(page);
    mmn_report_free(report);
}

#define STEP                                                                                       \
    "'perturbations': [{'from': 'cat', 'to': '<dog>', 'epsilon': 1, 'before': -0.5, 'after': "     \
    "1.5, 'answer': 'a bird', 'score_before': null, 'score_after': 7}]"

/* Without a word there is no map; the logits' difference goes from -0.5 to 1.5 over the 284 pixels
 * between the panel's left end and the numbers. */
Test(report_located, draws_the_answer_after_a_step)
{
    const char *file = file_of("locate.json", HEAD("none.jpg") STEP "}");
    mmn_report *report = report_of(&file, 1);
    cr_assert_eq(mmn_report_figure_count(report), 1);
    cr_assert_str_eq(mmn_report_figure_name(report, 0), "perturbed");
    char *page = written(report, MMN_REPORT_HTML, NULL);
    double x, wide;
    cr_assert_eq(drawn(&x, 1, page, "perturbed", "other", "x"), 1);
    cr_assert_eq(drawn(&wide, 1, page, "perturbed", "other", "width"), 1);
    cr_expect_eq(x, 4);
    cr_expect_eq(wide, 284 * 0.25);
    cr_assert_eq(drawn(&x, 1, page, "perturbed", "s0", "x"), 1);
    cr_assert_eq(drawn(&wide, 1, page, "perturbed", "s0", "width"), 1);
    cr_expect_eq(x, 4 + 284 * 0.25);
    cr_expect_eq(wide, 284 * 0.75);
    cr_expect_not_null(strstr(page, ">before: a &lt;dog&gt;<"));
    cr_expect_not_null(strstr(page, ">after: a bird<"));
    cr_expect_not_null(strstr(page, ">cat to &lt;dog&gt;<"));
    mmn_free(page);
    csv table = read_csv(report, "perturbed");
    cr_assert_eq(table.rows, 1);
    static const char *const expected[] = {"cat", "<dog>", "1",       "-0.5",  "1.5",
                                           "",    "7",     "a <dog>", "a bird"};
    for (size_t column = 0; column < sizeof(expected) / sizeof(expected[0]); column++)
        cr_expect_str_eq(field(&table, 0, column), expected[column], "%zu", column);
    free_csv(&table);
    mmn_report_free(report);
}

/* As of the file that it was read from. */
Test(report_located, shows_a_result_that_is_no_file)
{
    const char *file = file_of_boxes(boxes, 2, 2);
    mmn_report *report = report_of(&file, 1), *own;
    mmn_result *result;
    const mmn_report_options options = {.size = sizeof(options),
                                        .images = MMN_SOURCE_DIR "/golden/images"};
    cr_assert_eq(mmn_result_read(&result, file, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_report_of(&own, result, &options, &error), MMN_OK, "%s", error.message);
    mmn_result_free(result);
    char *expected = written(report, MMN_REPORT_SVG, "located");
    char *graphic = written(own, MMN_REPORT_SVG, "located");
    cr_expect_str_eq(graphic, expected);
    char *page = written(own, MMN_REPORT_HTML, NULL);
    cr_expect_not_null(strstr(page, "<td>mmneuron-locate-1</td>"));
    mmn_free(page);
    mmn_free(expected);
    mmn_free(graphic);
    mmn_report_free(own);
    mmn_report_free(report);
}

#define ONE_BOX "{'patch': 0, 'numbers': []}"
#define GRID(rows, columns, map, boxes)                                                            \
    HEAD("wide.jpg")                                                                               \
    "'grid_rows': " rows ", 'grid_columns': " columns ", 'map': [" map "], 'boxes': [" boxes "]}"

Test(report_located, refuses_what_it_cannot_show)
{
    static const struct {
        const char *result, *where, *message;
    } cases[] = {
        {GRID("1", "2", "1", ONE_BOX), "map", "must have 2 numbers and has 1"},
        {GRID("65536", "65536", "1", ONE_BOX), "map", "must be a grid of at most 65536 patches"},
        {GRID("null", "1", "1", ONE_BOX), "map", "must be a grid"},
        {GRID("1", "1", "1", ""), "boxes", "has 0 items and the map 1 numbers"},
        {GRID("1", "1", "", ONE_BOX), "boxes", "has 1 items and the map 0 numbers"},
        {GRID("1", "1", "null", ONE_BOX), "map[0]", "must be a number from 0 to 1"},
        {GRID("1", "1", "1e308", ONE_BOX), "map[0]", "must be a number from 0 to 1"},
        {GRID("1", "1", "1", "{'patch': 1}"), "boxes[0].patch", "must be a patch"},
        {GRID("1", "1", "1", "{'numbers': []}"), "boxes[0].patch", "must be a patch"},
        {GRID("1", "1", "1", "{'patch': 0.5}"), "", "must be"},
        {"{'format': 'mmneuron-locate-1', 'image': 'a', 'answer': '', 'grid_rows': 1, "
         "'grid_columns': 1, 'height': 0, 'width': 5, 'map': [1], 'boxes': [" ONE_BOX "]}",
         "height", "must be those of a picture"},
        {HEAD("wide.jpg") "'perturbations': [{'from': 'a'}]}", "perturbations[0].to", "is missing"},
        {"{'format': 'mmneuron-locate-1', 'image': 'a'}", "result[0].answer", "is missing"},
        {HEAD("wide.jpg") "'map': []}", "", "nothing to show"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mmn_report *report;
        const char *file = file_of("locate.json", cases[i].result);
        cr_expect_eq(mmn_report_read(&report, &file, 1, NULL, &error), MMN_INPUT, "%zu", i);
        cr_expect_not_null(strstr(error.message, cases[i].message), "%zu: %s", i, error.message);
        cr_expect(*cases[i].where == '\0' || strcmp(error.where, cases[i].where) == 0, "%zu: %s", i,
                  error.where);
    }
}
