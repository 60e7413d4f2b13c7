/* The figures of predicted recordings: their tables have the means that are worked out here by
 * hand, and no more than a report can show. */
#include "results.h"

TestSuite(report_recordings, .init = make_folder, .fini = remove_folder);

/* Two sites of three bins, the second bin of the second site without r. */
#define MODEL(name, r, more)                                                                       \
    "{'model': '" name "', 'layer': 'b', 'r': 0.2, 'predicted': 1, 'layers': ["                    \
    "{'name': 'a', 'width': 3, 'projected': 3, 'validation': 0.1, 'test': -0.05},"                 \
    "{'name': 'b', 'width': 9, 'projected': 4, 'validation': 0.3, 'test': 0.2}], 'columns': ["     \
    "{'site': 'x', 'bin': 0, 'r': " r "}, {'site': 'x', 'bin': 1, 'r': 0.25},"                     \
    "{'site': 'x', 'bin': 2, 'r': -0.5}, {'site': 'y', 'bin': 0, 'r': 0.75},"                      \
    "{'site': 'y', 'bin': 1, 'r': null}, {'site': 'y', 'bin': 2, 'r': 0.25}" more "]}"
#define RESULT(more)                                                                               \
    "{'format': 'mmneuron-encode-1', 'version': '0.2.0', 'alignments': [{'alignment': 'words',"    \
    "'events': 60, 'sites': 2, 'bins': 3, 'models': [" MODEL("both", "0.25", more) ", " MODEL(     \
        "vision", "0.5", "") "]}], 'tests': ["                                                     \
                             "{'test': 'multimodal', 'aligned': 'words', 'tested': 2, 'passed': "  \
                             "1, 'share': 0.5, 'by_default': 0, 'share_by_default': 0},"           \
                             "{'test': 'multimodal', 'aligned': null, 'tested': 1, 'passed': 0, "  \
                             "'share': 0, 'by_default': 1, 'share_by_default': 0.5}]}"

Test(report_recordings, shows_means_over_sites)
{
    const char *file = file_of("encode.json", RESULT(""));
    mmn_report *report = report_of(&file, 1);
    cr_assert_eq(mmn_report_figure_count(report), 3);
    static const double means[] = {0.5, 0.25, -0.125, 0.625, 0.25, -0.125};
    static const double sites[] = {2, 1, 2, 2, 1, 2};
    csv table = read_csv(report, "r-over-time");
    cr_assert_eq(table.rows, 6);
    for (size_t row = 0; row < 6; row++) {
        cr_expect_str_eq(field(&table, row, 0), "words");
        cr_expect_str_eq(field(&table, row, 1), row < 3 ? "both" : "vision");
        cr_expect_eq(number(&table, row, 2), (double)(row % 3));
        cr_expect_eq(number(&table, row, 3), means[row], "%zu", row);
        cr_expect_eq(number(&table, row, 4), sites[row], "%zu", row);
    }
    free_csv(&table);
    mmn_report_free(report);
}

/* Of columns that are in a file of their own, the result has means over sites. */
Test(report_recordings, shows_means_that_the_result_has)
{
    const char *file = file_of(
        "encode.json",
        "{'format': 'mmneuron-encode-1', 'version': '0.2.0', 'alignments': [{'alignment': 'words',"
        "'models': [{'model': 'both', 'layers': [], 'columns': [], 'means': ["
        "{'bin': 0, 'r': 0.5, 'sites': 498, 'predicted': 9},"
        "{'bin': 1, 'r': -0.25, 'sites': 498, 'predicted': 0}]}]}]}");
    mmn_report *report = report_of(&file, 1);
    csv table = read_csv(report, "r-over-time");
    cr_assert_eq(table.rows, 2);
    for (size_t row = 0; row < 2; row++) {
        cr_expect_eq(number(&table, row, 2), (double)row);
        cr_expect_eq(number(&table, row, 3), row ? -0.25 : 0.5);
        cr_expect_eq(number(&table, row, 4), 498);
    }
    free_csv(&table);
    mmn_report_free(report);
}

Test(report_recordings, shows_layers_and_tests)
{
    const char *file = file_of("encode.json", RESULT(""));
    mmn_report *report = report_of(&file, 1);
    csv table = read_csv(report, "r-over-layers");
    cr_assert_eq(table.rows, 4);
    cr_expect_str_eq(field(&table, 3, 1), "vision");
    cr_expect_str_eq(field(&table, 3, 2), "b");
    cr_expect_eq(number(&table, 3, 3), 9);
    cr_expect_eq(number(&table, 3, 4), 0.3);
    cr_expect_eq(number(&table, 2, 5), -0.05);
    free_csv(&table);
    table = read_csv(report, "multimodal-sites");
    cr_assert_eq(table.rows, 2);
    cr_expect_str_eq(field(&table, 0, 1), "words");
    cr_expect_str_eq(field(&table, 1, 1), "");
    cr_expect_eq(number(&table, 0, 4), 0.5);
    cr_expect_eq(number(&table, 1, 6), 0.5);
    free_csv(&table);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    cr_expect_not_null(strstr(page, "multimodal, all alignments"));
    cr_expect_not_null(strstr(page, "<h1>Predicted recordings</h1>"));
    /* Below the panel's title, which stands on 14. */
    cr_expect_not_null(strstr(page, "y=\"36\">multimodal, words<"));
    mmn_free(page);
    mmn_report_free(report);
}

static void refuses(const char *result, const char *message)
{
    mmn_report *report;
    const char *file = file_of("encode.json", result);
    cr_expect_eq(mmn_report_read(&report, &file, 1, NULL, &error), MMN_INPUT);
    cr_expect_not_null(strstr(error.message, message), "%s", error.message);
}

Test(report_recordings, refuses_what_it_cannot_show)
{
    refuses(RESULT(", {'site': 'y', 'bin': 1024, 'r': 0.5}"), "has bin of time number 1024");
    refuses(RESULT(", {'site': 'y', 'r': 0.5}"), "has bin of time number");
    refuses("{'format': 'mmneuron-encode-1', 'alignments': [{'models': []}]}", "is missing");
}
