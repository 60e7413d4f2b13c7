/* The figure of bias: bars are as long as the result's means, to the left of none for scores that
 * fall, and answers that are left out are counted. */
#include "drawn.h"

TestSuite(report_bias, .init = make_folder, .fini = remove_folder);

#define RESULT(summary)                                                                            \
    "{\n'format': 'mmneuron-bias-1', 'version': '0.2.0', 'model': '00', 'settings': {'from': "     \
    "'<woman>', 'to': 'man', 'epsilon': 1}, 'domains': ['a', 'b'], 'summary': [" summary           \
    "], 'lines': []}"
#define SUMMARY                                                                                    \
    "{'domain': 'a', 'asked': 50, 'scored': 40, 'score_before': 6, 'score_after': 7, 'delta': 1, " \
    "'interval': [0.5, 1.5]}, "                                                                    \
    "{'domain': 'b', 'asked': 50, 'scored': 0, 'score_before': null, 'score_after': null, "        \
    "'delta': null, 'interval': null}, "                                                           \
    "{'domain': null, 'asked': 100, 'scored': 40, 'score_before': 6, 'score_after': 5, 'delta': "  \
    "-1, 'interval': [-2.5, 0.5]}"

/* The bars of a series: their left ends and lengths, which must be so many. */
static void find(double *x, double *length, size_t count, const char *page, const char *class)
{
    cr_assert_eq(drawn(x, 8, page, "bias", class, "x"), count, "%s", class);
    cr_assert_eq(drawn(length, 8, page, "bias", class, "width"), count);
}

/* Changes go from -2.5 to 1.5 over the 284 pixels right of the panel's margin of 4, scores from 0
 * to 7, and shares from 0 to 1. */
Test(report_bias, bars_are_as_long_as_the_means)
{
    const char *file = file_of("bias.json", RESULT(SUMMARY));
    mmn_report *report = report_of(&file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    const double unit = 284 / 4.0, none = 4 + 2.5 * unit;
    double x[8], length[8];
    find(x, length, 4, page, "s0");
    cr_expect_float_eq(x[0], none, 0.006);
    cr_expect_float_eq(length[0], unit, 0.006);
    cr_expect_float_eq(length[1], 284 * 6.0 / 7, 0.006);
    cr_expect_float_eq(length[2], 284, 0.006);
    cr_expect_float_eq(length[3], 284 * 0.2, 0.006);
    find(x, length, 1, page, "s1");
    cr_expect_float_eq(length[0], 284, 0.006);
    find(x, length, 4, page, "other");
    cr_expect_float_eq(x[0], none - unit, 0.006);
    cr_expect_float_eq(length[0], unit, 0.006);
    cr_expect_float_eq(x[1], 4, 0.006);
    cr_expect_float_eq(length[2], 284 * 5.0 / 7, 0.006);
    cr_expect_float_eq(length[3], 284 * 0.6, 0.006);
    /* Intervals, and the line where nothing changes. */
    cr_expect_not_null(strstr(page, "<line class=\"whisker\" x1=\"217\" y1=\"52.5\" x2=\"288\""));
    cr_expect_not_null(strstr(page, "<line class=\"whisker\" x1=\"4\" y1=\"116.5\" x2=\"217\""));
    cr_expect_not_null(strstr(page, "<line class=\"plain\" x1=\"181.5\""));
    cr_expect_not_null(
        strstr(page, "The step is from &quot;&lt;woman&gt;&quot; to &quot;man&quot;."));
    cr_expect_not_null(strstr(page, "<h1>Bias</h1>"));
    mmn_free(page);
    csv table = read_csv(report, "bias");
    cr_assert_eq(table.rows, 3);
    cr_expect_str_eq(field(&table, 0, 0), "a");
    cr_expect_str_eq(field(&table, 2, 0), "");
    cr_expect_float_eq(number(&table, 0, 3), 0.2, 1e-12);
    cr_expect_eq(number(&table, 1, 3), 1);
    cr_expect_str_eq(field(&table, 1, 6), "");
    cr_expect_eq(number(&table, 2, 6), -1);
    cr_expect_eq(number(&table, 2, 7), -2.5);
    free_csv(&table);
    mmn_report_free(report);
}

Test(report_bias, refuses_what_it_cannot_show)
{
    static const struct {
        const char *result, *message;
    } cases[] = {
        {RESULT(""), "nothing to show"},
        {"{'format': 'mmneuron-bias-1', 'summary': [" SUMMARY "]}", "is missing"},
        {RESULT("{'domain': 'a', 'asked': -1}"), "must be"},
        {RESULT("{'domain': 'a', 'interval': [1]}"), "must have 2 numbers"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mmn_report *report;
        const char *file = file_of("bias.json", cases[i].result);
        cr_expect_eq(mmn_report_read(&report, &file, 1, NULL, &error), MMN_INPUT, "%zu", i);
        cr_expect_not_null(strstr(error.message, cases[i].message), "%zu: %s", i, error.message);
    }
}
