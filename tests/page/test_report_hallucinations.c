/* The figures of hallucinations: columns and bars are as high and as long as what the result
 * counts, worked out here; and what is no such result is refused by its key. */
#include "base/text_buffer.h"
#include "drawn.h"

TestSuite(report_hallucinations, .init = make_folder, .fini = remove_folder);

enum { BINS = 10, ANSWERS = 3 };
static const char *const answers[] = {"yes", "no", "neither"};

/* Of all domains; those of the domains themselves are other numbers. */
static const unsigned counted[2][ANSWERS][BINS] = {
    {{1, 0, 0, 2, 0, 0, 0, 0, 0, 3},
     {20, 5, 0, 1, 0, 0, 0, 0, 0, 0},
     {0, 0, 0, 4, 0, 0, 0, 0, 0, 0}},
    {{0, 1, 0, 0, 6, 0, 0, 8, 0, 9}, {2, 0, 0, 0, 3, 0, 0, 0, 0, 1}, {0}}};

static void add_summary(mmn_text *text, const char *domain, unsigned times)
{
    for (int present = 1; present >= 0; present--)
        for (size_t a = 0; a < ANSWERS; a++) {
            unsigned count = 0;
            for (size_t bin = 0; bin < BINS; bin++)
                count += times * counted[present][a][bin];
            mmn_text_add(text,
                         "%s{'domain': %s, 'present': %s, 'answer': '%s', 'count': %u, 'share': "
                         "0.25, 'confidence': %s, 'interval': %s, 'histogram': [",
                         text->text[text->length - 1] == '[' ? "" : ", ", domain,
                         present ? "true" : "false", answers[a], count,
                         count == 0 ? "null"
                         : present  ? "0.5"
                                    : "0.125",
                         a == 0 && present ? "[0.375, 0.625]" : "null");
            for (size_t bin = 0; bin < BINS; bin++)
                mmn_text_add(text, "%s%u", bin > 0 ? ", " : "", times * counted[present][a][bin]);
            mmn_text_add(text, "]}");
        }
}

#define HEAD                                                                                       \
    "{'format': 'mmneuron-hallucinations-1', 'version': '0.2.0', 'model': '00', 'settings': {}, "  \
    "'domains': ['a', 'b'], "
#define SAID(more)                                                                                 \
    "{'id': '7', 'domain': 'a', 'class': '<dog>', 'answer': 'Yes', 'confidence': 0.75, 'image': "  \
    "'none.jpg', 'height': 300, 'width': 688, 'likely': 2, 'boxes': [" more "]}"
#define BOX(score, left)                                                                           \
    "{'patch': 3, 'score': " score ", 'left': " left ", 'top': 86, 'right': 344, 'bottom': 258}"

static const char *file_of_counts(void)
{
    mmn_text text = {0};
    mmn_text_add(&text, HEAD "'summary': [");
    add_summary(&text, "'a'", 3);
    add_summary(&text, "null", 1);
    mmn_text_add(&text, "], 'separations': [{'domain': 'a', 'yes': 1, 'no': 1, 'area': 0.5}, "
                        "{'domain': null, 'yes': 6, 'no': 26, 'area': 0.875}], "
                        "'hallucinations': [" SAID(
                            BOX("0.75", "172") ", " BOX("0.745", "86")) ", " SAID("") "]}");
    cr_assert(!text.failed);
    const char *file = file_of("hallucinations.json", text.text);
    mmn_text_free(&text);
    return file;
}

/* Columns begin at the bottom, each answer's on those of the answers before it, whose columns are
 * drawn over its own. */
Test(report_hallucinations, columns_are_as_high_as_the_questions_are_many)
{
    const char *file = file_of_counts();
    mmn_report *report = report_of(&file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    size_t at[ANSWERS] = {0};
    for (int present = 1; present >= 0; present--) {
        double sums[ANSWERS][BINS], most = 0;
        for (size_t bin = 0; bin < BINS; bin++)
            for (size_t a = 0; a < ANSWERS; a++) {
                sums[a][bin] = counted[present][a][bin] + (a > 0 ? sums[a - 1][bin] : 0);
                most = sums[a][bin] > most ? sums[a][bin] : most;
            }
        for (size_t a = 0; a < ANSWERS; a++) {
            const char class[] = {'s', (char)('0' + a), '\0'};
            double heights[64], y[64];
            drawn(heights, 64, page, "confidences", class, "height");
            const size_t count = drawn(y, 64, page, "confidences", class, "y");
            for (size_t bin = 0; bin < BINS; bin++)
                if (sums[a][bin] > 0) {
                    cr_assert_lt(at[a], count);
                    cr_expect_float_eq(heights[at[a]], 138 * sums[a][bin] / most, 0.006, "%d, %zu",
                                       present, bin);
                    cr_expect_float_eq(y[at[a]] + heights[at[a]], 46 + 138, 0.011);
                    at[a]++;
                }
            cr_assert_lt(at[a], count);
            cr_expect_eq(heights[at[a]++], 11); /* of the key */
            cr_expect(present || at[a] == count);
        }
    }
    mmn_free(page);
    csv table = read_csv(report, "confidences");
    cr_assert_eq(table.rows, 2 * 2 * ANSWERS * BINS);
    const size_t of_all = 2 * ANSWERS * BINS;
    for (size_t row = 0; row < of_all; row++) {
        const size_t a = row / BINS % ANSWERS, bin = row % BINS, absent = row / BINS / ANSWERS;
        cr_expect_str_eq(field(&table, of_all + row, 0), "");
        cr_expect_str_eq(field(&table, of_all + row, 1), absent ? "absent" : "present");
        cr_expect_str_eq(field(&table, of_all + row, 2), answers[a]);
        cr_expect_eq(number(&table, of_all + row, 3), (double)bin / 10);
        cr_expect_eq(number(&table, of_all + row, 5), counted[1 - absent][a][bin]);
        cr_expect_eq(number(&table, row, 5), 3 * counted[1 - absent][a][bin]);
    }
    free_csv(&table);
    mmn_report_free(report);
}

/* The longest is the end of the interval, 0.625, over 284 pixels. */
Test(report_hallucinations, bars_are_as_long_as_the_detector_is_confident)
{
    const char *file = file_of_counts();
    mmn_report *report = report_of(&file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    double lengths[8];
    cr_assert_eq(drawn(lengths, 8, page, "answers", "s0", "width"), 2);
    cr_expect_float_eq(lengths[0], 284 * 0.5 / 0.625, 0.006);
    cr_assert_eq(drawn(lengths, 8, page, "answers", "other", "width"), 3);
    cr_expect_float_eq(lengths[2], 284 * 0.125 / 0.625, 0.006);
    cr_expect_not_null(strstr(page, "<line class=\"whisker\" x1=\"174.4\""));
    cr_expect_not_null(strstr(page, ">present: no<"));
    cr_expect_null(strstr(page, ">present: neither<"));
    cr_expect_not_null(strstr(page, "tells yes from no with an area under the curve of 0.875."));
    cr_expect_not_null(strstr(page, "<h1>Hallucinations</h1>"));
    mmn_free(page);
    csv table = read_csv(report, "answers");
    cr_assert_eq(table.rows, 4 * ANSWERS);
    cr_expect_str_eq(field(&table, 6, 1), "present");
    cr_expect_eq(number(&table, 6, 3), 24);
    cr_expect_eq(number(&table, 6, 5), 0.5);
    cr_expect_eq(number(&table, 6, 6), 0.375);
    cr_expect_str_eq(field(&table, 8, 5), "");
    free_csv(&table);
    mmn_report_free(report);
}

/* A picture of twice the panel's width, 30 below the panel's upper edge. */
Test(report_hallucinations, boxes_lie_where_the_detector_has_them)
{
    const char *file = file_of_counts();
    mmn_report *report = report_of(&file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    const char *end, *at = section(page, "hallucinations", &end);
    cr_expect_not_null(at = behind(at, "picture is not shown: none.jpg", end));
    at = behind(at, "<path class=\"line s0\" d=\"M43 73L172 73L172 159L43 159L43 73\"", end);
    cr_assert_not_null(at);
    at = behind(at, "<path class=\"line s0\" d=\"M86 73L172 73L172 159L86 159L86 73\"", end);
    cr_assert_not_null(at);
    cr_expect_not_null(behind(at, ">0.75<", end));
    cr_expect_null(behind(at, "<path class=\"line", end));
    cr_expect_not_null(strstr(page, ">&lt;dog&gt; in 7<"));
    mmn_free(page);
    csv table = read_csv(report, "hallucinations");
    cr_assert_eq(table.rows, 3);
    for (size_t row = 0; row < 3; row++) {
        cr_expect_str_eq(field(&table, row, 1), "7");
        cr_expect_str_eq(field(&table, row, 2), "<dog>");
        cr_expect_eq(number(&table, row, 4), 0.75);
    }
    cr_expect_eq(number(&table, 0, 7), 172);
    cr_expect_eq(number(&table, 1, 7), 86);
    cr_expect_eq(number(&table, 1, 6), 0.745);
    cr_expect_str_eq(field(&table, 2, 7), "");
    free_csv(&table);
    mmn_report_free(report);
}

/* A box without a score has no words that are no number. */
Test(report_hallucinations, a_score_may_be_none)
{
    const char *file =
        file_of("hallucinations.json", HEAD "'hallucinations': [" SAID(BOX("null", "1")) "]}");
    mmn_report *report = report_of(&file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    cr_expect_not_null(strstr(page, "<path class=\"line s0\""));
    cr_expect_null(strstr(page, "nan"));
    mmn_free(page);
    mmn_report_free(report);
}

Test(report_hallucinations, refuses_what_it_cannot_show)
{
    static const struct {
        const char *result, *where, *message;
    } cases[] = {
        {HEAD "'summary': [{'domain': 'a', 'present': true, 'answer': 'yes', 'histogram': [1]}]}",
         "summary[0].histogram", "must have 10 numbers and has 1"},
        {HEAD "'summary': [{'domain': 'a', 'present': true}]}", "summary[0].answer", "is missing"},
        {HEAD "'hallucinations': [{'id': '7', 'class': 'a', 'answer': 'yes'}]}",
         "hallucinations[0].image", "is missing"},
        {HEAD "'hallucinations': [{'id': '7', 'class': 'a', 'answer': 'yes', 'image': 'b', "
              "'height': 1e9, 'width': 1}]}",
         "", "must be"},
        {HEAD "'hallucinations': [{'id': '7', 'class': 'a', 'answer': 'yes', 'image': 'b', "
              "'height': 100, 'width': 1}]}",
         "height", "must be those of a picture"},
        {HEAD "'summary': []}", "", "nothing to show"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mmn_report *report;
        const char *file = file_of("hallucinations.json", cases[i].result);
        cr_expect_eq(mmn_report_read(&report, &file, 1, NULL, &error), MMN_INPUT, "%zu", i);
        cr_expect_not_null(strstr(error.message, cases[i].message), "%zu: %s", i, error.message);
        cr_expect(*cases[i].where == '\0' || strcmp(error.where, cases[i].where) == 0, "%zu: %s", i,
                  error.where);
    }
}
