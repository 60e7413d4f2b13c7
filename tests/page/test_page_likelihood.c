/* The page's figures of likelihoods and comparisons: what is drawn and told is what the result
 * says. */
#include <math.h>

#include "drawn.h"

TestSuite(page_likelihood, .init = make_folder, .fini = remove_folder);

/* Bars begin or end at one 0, and are as long as the differences, whatever the panel. */
Test(page_likelihood, draws_likelihoods)
{
    mmn_report *report = report_of(&data_files[5], 1);
    json_t *eval = load(data_files[5]);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    const json_t *summary = json_object_get(json_object_get(eval, "likelihood"), "summary");
    const json_t *domains = json_object_get(eval, "domains");
    const size_t rows = json_array_size(summary);
    double numbers[100], width[100], x[100], grey_width[100], grey_x[100], scale = 0, zero = 0;
    size_t n = 0;
    cr_assert_eq(drawn_numbers(numbers, 100, page, "likelihood", "label end"), 2 * rows);
    cr_assert_eq(drawn(grey_width, 100, page, "likelihood", "other", "width"), rows);
    drawn(grey_x, 100, page, "likelihood", "other", "x");
    for (size_t d = 0; d < json_array_size(domains); d++) {
        const char class[] = {'s', (char)('0' + d), '\0'};
        size_t bar = 0;
        const size_t bars = drawn(width, 100, page, "likelihood", class, "width");
        drawn(x, 100, page, "likelihood", class, "x");
        for (size_t i = 0; i < rows; i++) {
            const json_t *row = json_array_get(summary, i);
            const double plain = real_of(row, "plain"), own = real_of(row, "domain_off") - plain;
            const double random = real_of(row, "random_mean") - plain;
            if (!says(row, "domain", json_string_value(json_array_get(domains, d))))
                continue;
            cr_assert_eq(numbers[2 * n], rounded(own, 4));
            cr_assert_eq(numbers[2 * n + 1], rounded(random, 4));
            if (n == 0) {
                cr_assert_lt(own, 0);
                zero = x[0] + width[0];
                scale = width[0] / -own;
            }
            cr_assert_float_eq(x[bar], own < 0 ? zero - width[bar] : zero, 0.02);
            cr_assert_float_eq(width[bar], scale * fabs(own), 0.45);
            cr_assert_float_eq(grey_x[n], random < 0 ? zero - grey_width[n] : zero, 0.02);
            cr_assert_float_eq(grey_width[n], scale * fabs(random), 0.45);
            bar++;
            n++;
        }
        cr_assert_eq(bar, bars);
    }
    cr_assert_eq(n, rows);
    mmn_free(page);
    json_decref(eval);
    mmn_report_free(report);
}

/* Colours begin with 0 and differ on both sides of it. */
Test(page_likelihood, draws_differences_of_the_cross_table)
{
    mmn_report *report = report_of(&data_files[5], 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    double numbers[100], less[100], more[100], largest = 0;
    size_t lower = 0, higher = 0;
    csv table = read_csv(report, "likelihood-cross");
    cr_assert_eq(drawn_numbers(numbers, 100, page, "likelihood-cross", "label middle"), table.rows);
    const size_t all_lower = drawn(less, 100, page, "likelihood-cross", "worse", "fill-opacity");
    const size_t all_higher = drawn(more, 100, page, "likelihood-cross", "better", "fill-opacity");
    for (size_t r = 0; r < table.rows; r++)
        largest = fmax(largest, fabs(number(&table, r, 3)));
    for (size_t r = 0; r < table.rows; r++) {
        const double value = number(&table, r, 3), opacity = fabs(value) / largest;
        cr_assert_eq(numbers[r], rounded(value, 4));
        const double found = value < 0 ? less[lower++] : more[higher++];
        cr_assert_float_eq(found, opacity, 0.0051);
    }
    cr_assert(lower == all_lower && higher == all_higher && lower > 25 && higher > 10);
    free_csv(&table);
    mmn_free(page);
    mmn_report_free(report);
}

/* What the comparison of own neurons with random ones is in words, as doc/method.md says. */
static void say(char *sentence, size_t size, const json_t *comparison)
{
    const double by = real_of(comparison, "difference");
    const double low = item_of(comparison, "interval", 0),
                 high = item_of(comparison, "interval", 1);
    const char *domain = text_of(comparison, "domain"), *shows = text_of(comparison, "shows");
    if (strcmp(shows, "nothing") == 0)
        snprintf(sentence, size, "%s: too few samples, %.0f, to show anything", domain,
                 real_of(comparison, "samples"));
    else if (strcmp(shows, "lower") == 0)
        snprintf(sentence, size, "%s: ln p per token is %.2g (%.2g to %.2g) lower", domain, -by,
                 -high, -low);
    else if (strcmp(shows, "higher") == 0)
        snprintf(sentence, size, "%s: ln p per token is %.2g (%.2g to %.2g) higher", domain, by,
                 low, high);
    else
        snprintf(sentence, size, "%s: no difference is seen in ln p per token: %.2g (%.2g to %.2g)",
                 domain, by, low, high);
}

Test(page_likelihood, tells_comparisons_in_words)
{
    mmn_report *report = report_of(&data_files[5], 1);
    json_t *eval = load(data_files[5]);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    const json_t *comparisons = json_object_get(eval, "comparisons"), *comparison;
    const char *end, *at = section(page, "comparisons", &end), *setting = "";
    size_t index, said = 0;
    json_array_foreach(comparisons, index, comparison)
    {
        char sentence[200], heading[200];
        if (!says(comparison, "off", "own") || !says(comparison, "against", "random"))
            continue;
        say(sentence, sizeof(sentence), comparison);
        snprintf(heading, sizeof(heading),
                 "<p>%s: by sample, a domain&#39;s own neurons off beside as many random ones "
                 "(95 %% intervals): ",
                 text_of(comparison, "setting"));
        const bool begins = !says(comparison, "setting", setting);
        if (begins)
            at = behind(at, heading, end);
        cr_assert(at, "%s", heading);
        at += begins ? 0 : strlen("; ");
        cr_assert_eq(strncmp(at, sentence, strlen(sentence)), 0, "%s\n%.100s", sentence, at);
        at += strlen(sentence);
        setting = text_of(comparison, "setting");
        said++;
    }
    cr_assert_eq(said, 20);
    mmn_free(page);
    json_decref(eval);
    mmn_report_free(report);
}

/* Bars and whiskers from one 0, at one scale. */
Test(page_likelihood, draws_comparisons)
{
    mmn_report *report = report_of(&data_files[5], 1);
    json_t *eval = load(data_files[5]);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    const json_t *comparisons = json_object_get(eval, "comparisons"), *comparison;
    const char *end, *at = section(page, "comparisons", &end);
    double numbers[100], zero = 0, scale = 0;
    size_t index, n = 0;
    cr_assert_eq(drawn_numbers(numbers, 100, page, "comparisons", "label end"), 20);
    json_array_foreach(comparisons, index, comparison)
    {
        const double mean = real_of(comparison, "difference");
        if (!says(comparison, "off", "own") || !says(comparison, "against", "random"))
            continue;
        cr_assert_eq(numbers[n], rounded(mean, 4));
        at = behind(at, "<rect class=\"s", end);
        cr_assert(at && *at == (char)('0' + n % 5));
        const double x = strtod(behind(at, " x=\"", end), NULL);
        const double width = strtod(behind(at, " width=\"", end), NULL);
        at = behind(at, "<line class=\"whisker\"", end);
        const double low = strtod(behind(at, " x1=\"", end), NULL);
        const double high = strtod(behind(at, " x2=\"", end), NULL);
        if (n++ == 0) { /* whose ends give the scale, which all others share */
            scale = (high - low) /
                    (item_of(comparison, "interval", 1) - item_of(comparison, "interval", 0));
            zero = low - scale * item_of(comparison, "interval", 0);
        }
        cr_assert_float_eq(x, mean < 0 ? zero + scale * mean : zero, 0.25);
        cr_assert_float_eq(width, scale * fabs(mean), 0.25);
        cr_assert_float_eq(low, zero + scale * item_of(comparison, "interval", 0), 0.25);
        cr_assert_float_eq(high, zero + scale * item_of(comparison, "interval", 1), 0.25);
    }
    cr_assert_eq(n, 20);
    mmn_free(page);
    json_decref(eval);
    mmn_report_free(report);
}

/* No text of a panel ends outside, at about the width of its characters. */
Test(page_likelihood, texts_of_likelihoods_lie_inside)
{
    mmn_report *report = report_of(&data_files[5], 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    static const char *const names[] = {"likelihood", "likelihood-cross", "comparisons"};
    for (size_t f = 0; f < 3; f++) {
        const char *end, *at = section(page, names[f], &end);
        double width = 0;
        for (size_t texts = 0; (at = behind(at, "<", end)); texts++) {
            if (strncmp(at, "svg ", 4) == 0)
                width = strtod(behind(at, " width=\"", end), NULL);
            if (strncmp(at, "text ", 5) != 0 || strncmp(strchr(at, '>') - 4, "-42)", 4) == 0)
                continue;
            const char *content = strchr(at, '>') + 1, *x = behind(at, " x=\"", content);
            if (!x)
                continue;
            const double size = 6.4 * (double)strcspn(content, "<"), from = strtod(x, NULL);
            const bool ends = behind(at, " end\"", content),
                       middle = behind(at, " middle\"", content);
            const double start = ends ? from - size : middle ? from - size / 2 : from;
            cr_expect(start > -2 && start + size < width + 2, "%g to %g of %g: %.40s", start,
                      start + size, width, content);
        }
        cr_assert_gt(width, 0);
    }
    mmn_free(page);
    mmn_report_free(report);
}

/* Where both are measured, likelihoods stand beside accuracies, whose figures stay as they were. */
Test(page_likelihood, shows_both_measures)
{
    static const char *const names[] = {"accuracy", "likelihood", "cross", "likelihood-cross",
                                        "comparisons"};
    static const char *const keys[] = {"likelihood", "bootstrap", "comparisons"};
    json_t *eval = load(data_files[1]), *likelihood = load(data_files[5]);
    for (size_t k = 0; k < 3; k++)
        json_object_set(eval, keys[k], json_object_get(likelihood, keys[k]));
    const char *both = in_folder("both.json");
    cr_assert_eq(json_dump_file(eval, both, 0), 0);
    mmn_report *report = report_of(&both, 1), *alone = report_of(&data_files[1], 1);
    cr_assert_eq(mmn_report_figure_count(report), 5);
    for (size_t i = 0; i < 5; i++)
        cr_assert_str_eq(mmn_report_figure_name(report, i), names[i]);
    for (size_t i = 0; i < 3; i += 2) {
        char *graphic = written(report, MMN_REPORT_SVG, names[i]);
        char *expected = written(alone, MMN_REPORT_SVG, names[i]);
        cr_assert_str_eq(graphic, expected);
        mmn_free(graphic);
        mmn_free(expected);
    }
    mmn_report_free(report);
    mmn_report_free(alone);
    json_decref(likelihood);
    json_decref(eval);
}
