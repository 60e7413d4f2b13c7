/* The figure of what a detector found: its table has the result's boxes, its panel draws the best
 * of them inside the picture, and says why there is no picture. */
#include "drawn.h"

TestSuite(report_detections, .init = make_folder, .fini = remove_folder);

#define BOX(query, score, left, top, right, bottom)                                                \
    "{'query': '" query "', 'score': " score ", 'left': " left ", 'top': " top ", 'right': " right \
    ", 'bottom': " bottom ", 'patch': 3}"
#define RESULT(image, height, boxes)                                                               \
    "{'format': 'mmneuron-detect-1', 'version': '0.2.0', 'model': '00', 'image': '" image          \
    "', 'height': " height ", 'width': 688, 'settings': {'threshold': 0.1}, 'queries': ["          \
    "{'text': 'a cup', 'found': 1}, {'text': 'a <ball>', 'found': 1}], 'detections': [" boxes "]}"
/* The second reaches out of the picture. */
#define TWO                                                                                        \
    BOX("a <ball>", "0.75", "172", "86", "344", "258")                                             \
    ", " BOX("a cup", "0.5", "-9", "-9", "344", "700")

/* Pixels are halved: the panel is 344 wide, its picture begins 30 below its upper edge and is as
 * high as half of 600. */
Test(report_detections, draws_boxes_in_the_colours_of_their_queries)
{
    const char *file = file_of("detect.json", RESULT("none.jpg", "600", TWO));
    mmn_report *report = report_of(&file, 1);
    cr_assert_eq(mmn_report_figure_count(report), 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    cr_expect_not_null(
        strstr(page, "<path class=\"line s1\" d=\"M86 73L172 73L172 159L86 159L86 73\""));
    cr_expect_not_null(
        strstr(page, "<path class=\"line s0\" d=\"M0 30L172 30L172 330L0 330L0 30\""));
    cr_expect_not_null(strstr(page, ">1: 0.75<"));
    cr_expect_not_null(strstr(page, ">2: 0.50<"));
    cr_expect_not_null(strstr(page, ">a &lt;ball&gt;<"));
    cr_expect_not_null(strstr(page, "picture is not shown: none.jpg was not found"));
    mmn_free(page);
    csv table = read_csv(report, "detections");
    cr_assert_eq(table.rows, 2);
    cr_expect_str_eq(field(&table, 0, 1), "a <ball>");
    cr_expect_eq(number(&table, 1, 0), 2);
    cr_expect_eq(number(&table, 1, 2), 0.5);
    cr_expect_eq(number(&table, 1, 3), -9);
    free_csv(&table);
    mmn_report_free(report);
}

Test(report_detections, shows_the_picture_of_the_result_alone)
{
    const char *file = file_of("detect.json", RESULT("wide.jpg", "1", TWO));
    mmn_report *report = report_of(&file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    cr_expect_null(strstr(page, "<image"));
    cr_expect_not_null(strstr(page, "not shown: wide.jpg has 512 by 160 pixels, not 688 by 1."));
    mmn_free(page);
    mmn_report_free(report);
}

Test(report_detections, shows_that_nothing_was_found)
{
    const char *file = file_of("detect.json", RESULT("none.jpg", "600", ""));
    mmn_report *report = report_of(&file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    double height;
    cr_assert_eq(drawn(&height, 1, page, "detections", "band", "height"), 1);
    cr_expect_eq(height, 300);
    cr_expect_not_null(strstr(page, "Nothing has a score above the threshold."));
    cr_expect_null(strstr(page, "<path class=\"line"));
    mmn_free(page);
    csv table = read_csv(report, "detections");
    cr_expect_eq(table.rows, 0);
    free_csv(&table);
    mmn_report_free(report);
}

Test(report_detections, refuses_what_it_cannot_show)
{
    static const struct {
        const char *result, *message;
    } cases[] = {
        {RESULT("wide.jpg", "0", TWO), "must be those of a picture"},
        {RESULT("wide.jpg", "1e9", TWO), "must be those of a picture"},
        {"{'format': 'mmneuron-detect-1', 'height': 5, 'width': 5, 'detections': []}",
         "is missing"},
        {RESULT("wide.jpg", "600", "{'score': 1}"), "is missing"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mmn_report *report;
        const char *file = file_of("detect.json", cases[i].result);
        cr_expect_eq(mmn_report_read(&report, &file, 1, NULL, &error), MMN_INPUT, "%zu", i);
        cr_expect_not_null(strstr(error.message, cases[i].message), "%zu: %s", i, error.message);
    }
}
