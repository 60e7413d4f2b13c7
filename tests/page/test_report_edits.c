/* The figure of edits over a list: its table has what the result says, its bars are as long as the
 * means of all domains, and the top neurons' alone are coloured. */
#include "drawn.h"

TestSuite(report_edits, .init = make_folder, .fini = remove_folder);

#define MEAN(domain, method, chosen, measure, count, mean, interval)                               \
    "{'domain': " domain ", 'method': '" method "', 'chosen': '" chosen "', 'measure': '" measure  \
    "', 'count': " count ", 'mean': " mean ", 'interval': " interval "}"
#define OF_A                                                                                       \
    MEAN("'a'", "direct", "top", "reliability", "2", "0.5", "[0, 1]")                              \
    ", " MEAN("'a'", "direct", "random", "reliability", "2", "0", "[0, 0]")
#define OF_ALL                                                                                     \
    MEAN("null", "direct", "top", "reliability", "8", "0.75", "[0.375, 1]")                        \
    ", " MEAN("null", "direct", "random", "reliability", "8", "0.125", "[0, 0.5]") ", " MEAN(      \
        "null", "optimised", "top", "reliability", "8", "0.625",                                   \
        "null") ", " MEAN("null", "optimised", "layer", "reliability", "1", "0.25",                \
                          "null") ", " MEAN("null", "direct", "top", "generality", "0", "null",    \
                                            "null") ", " MEAN("null", "direct", "top", "fall",     \
                                                              "8", "0.25", "[0.125, 0.5]")
#define RESULT(domains, summary)                                                                   \
    "{'format': 'mmneuron-edits-1', 'version': '0.2.0', 'model': '00', 'neurons': null, "          \
    "'settings': {'list': 'edits.jsonl', 'samples': 0}, 'domains': [" domains                      \
    "], 'edits_tried': 9, 'edits_said': 8,\n 'summary': [" summary                                 \
    "], 'comparisons': [], 'edits': []}"

Test(report_edits, repeats_the_summary)
{
    const char *file = file_of("edits.json", RESULT("'a', 'b'", OF_A ", " OF_ALL));
    mmn_report *report = report_of(&file, 1);
    cr_assert_eq(mmn_report_figure_count(report), 1);
    json_t *result = load(file), *row;
    csv table = read_csv(report, "edits");
    size_t index;
    cr_assert_eq(table.rows, json_array_size(json_object_get(result, "summary")));
    json_array_foreach(json_object_get(result, "summary"), index, row)
    {
        static const char *const texts[] = {"method", "chosen", "measure"};
        const json_t *domain = json_object_get(row, "domain"), *mean = json_object_get(row, "mean");
        cr_expect_str_eq(field(&table, index, 0),
                         json_is_null(domain) ? "" : json_string_value(domain));
        for (size_t i = 0; i < 3; i++)
            cr_expect_str_eq(field(&table, index, 1 + i), text_of(row, texts[i]));
        cr_expect_eq(number(&table, index, 4), real_of(row, "count"));
        if (json_is_null(mean))
            cr_expect_str_empty(field(&table, index, 5));
        else
            cr_expect_eq(number(&table, index, 5), json_number_value(mean));
        for (size_t i = 0; i < 2; i++)
            if (json_is_null(json_object_get(row, "interval")))
                cr_expect_str_empty(field(&table, index, 6 + i));
            else
                cr_expect_eq(number(&table, index, 6 + i), item_of(row, "interval", i));
    }
    free_csv(&table);
    mmn_report_free(report);
    json_decref(result);
}

/* The widths of a figure's bars are `means`, all by the same factor. */
static void has_widths(const char *page, const char *class, const double *means, size_t count,
                       double factor)
{
    double widths[8];
    cr_assert_eq(drawn(widths, 8, page, "edits", class, "width"), count, "%s", class);
    for (size_t i = 0; i < count; i++)
        cr_expect_float_eq(widths[i], means[i] * factor, 0.05, "%s %zu", class, i);
}

/* The scale of the first panel ends with an interval at 1, that of the last one at 1/2: a bar of
 * 1/4 there is as long as one of 1/2 here. */
Test(report_edits, draws_the_means_of_all_domains)
{
    static const double top[] = {0.75, 0.625, 0.5}, others[] = {0.125, 0.25};
    const char *file = file_of("edits.json", RESULT("'a', 'b'", OF_A ", " OF_ALL));
    mmn_report *report = report_of(&file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    double widths[8], numbers[8];
    static const double means[] = {0.75, 0.125, 0.625, 0.25, 0.25};
    cr_assert_eq(drawn(widths, 8, page, "edits", "s0", "width"), 3);
    has_widths(page, "s0", top, 3, widths[0] / top[0]);
    has_widths(page, "other", others, 2, widths[0] / top[0]);
    cr_assert_eq(drawn_numbers(numbers, 8, page, "edits", "label end"), 5);
    for (size_t i = 0; i < 5; i++)
        cr_expect_eq(numbers[i], rounded(means[i], 3), "%zu", i);
    mmn_free(page);
    mmn_report_free(report);
}

/* Of the only domain there is no mean of all. */
Test(report_edits, draws_the_only_domain)
{
    const char *file = file_of("edits.json", RESULT("'a'", OF_A));
    mmn_report *report = report_of(&file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    double widths[8], numbers[8];
    cr_expect_eq(drawn(widths, 8, page, "edits", "s0", "width"), 1);
    cr_expect_eq(drawn(widths, 8, page, "edits", "other", "width"), 0); /* 0 is no bar */
    cr_expect_eq(drawn_numbers(numbers, 8, page, "edits", "label end"), 2);
    mmn_free(page);
    mmn_report_free(report);
}

Test(report_edits, refuses_what_it_cannot_show)
{
    static const struct {
        const char *result, *message;
    } cases[] = {
        {RESULT("'a'", "{'domain': 'a', 'method': 'direct'}"), "is missing"},
        {RESULT("'a'", "{'domain': 'a', 'method': 1, 'chosen': 'top', 'measure': 'fall'}"), "text"},
        {RESULT("'a'", ""), "nothing to show"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mmn_report *report;
        const char *file = file_of("edits.json", cases[i].result);
        cr_expect_eq(mmn_report_read(&report, &file, 1, NULL, &error), MMN_INPUT, "%zu", i);
        cr_expect_not_null(strstr(error.message, cases[i].message), "%zu: %s", i, error.message);
    }
}
