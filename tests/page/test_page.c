/* The page: what is drawn and written in it is what the tables and results say. */
#include <math.h>
#include <unistd.h>

#include "drawn.h"

TestSuite(page, .init = make_folder, .fini = remove_folder);

static const char *const figures[] = {"neurons", "overlap",      "shared", "accuracy",
                                      "cross",   "perturbation", "lens",   "words",
                                      "words-1", "activation-1", "words-2"};

/* The text before the next "<" as it was before it was escaped. */
static void unescape(char *text, size_t size, const char *html)
{
    static const char *const names[][2] = {
        {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}};
    size_t length = 0;
    while (*html != '<' && length + 1 < size) {
        size_t skip = 0;
        for (size_t i = 0; i < 5 && skip == 0; i++)
            if (strncmp(html, names[i][0], strlen(names[i][0])) == 0) {
                text[length++] = *names[i][1];
                skip = strlen(names[i][0]);
            }
        if (skip == 0) {
            text[length++] = *html;
            skip = 1;
        }
        html += skip;
    }
    text[length] = '\0';
}

/* Every cell of a figure's table in the page against the same cell in CSV. */
static size_t compare_table(const char *page, const mmn_report *report, const char *figure)
{
    const char *end, *at = section(page, figure, &end);
    csv table = read_csv(report, figure);
    size_t cells = 0;
    at = behind(at, "<tbody>", end);
    cr_assert_not_null(at);
    for (const char *next = at; (next = strpbrk(next, "<")) && next < end; next++) {
        if (strncmp(next, "<td", 3) != 0 && strncmp(next, "<th", 3) != 0)
            continue;
        char text[256];
        const char *content = strchr(next, '>') + 1;
        if (strncmp(content, "<data value=\"", 13) == 0) {
            snprintf(text, sizeof(text), "%.*s", (int)strcspn(content + 13, "\""), content + 13);
            char shown[64];
            unescape(shown, sizeof(shown), strchr(content, '>') + 1);
            cr_assert(fabs(strtod(shown, NULL) - strtod(text, NULL)) <= 0.0005001, "%s: %s", shown,
                      text);
        } else {
            unescape(text, sizeof(text), content);
        }
        const char *name = table.field[cells % table.columns];
        const char *expected = field(&table, cells / table.columns, cells % table.columns);
        /* The one word of the test's data with a space. */
        if (strcmp(name, "word") == 0 && strcmp(expected, " yes") == 0)
            expected = "\xe2\x96\x81yes";
        cr_assert_str_eq(text, expected);
        cells++;
    }
    cr_assert_eq(cells / table.columns, table.rows < 400 ? table.rows : 400);
    free_csv(&table);
    return cells;
}

Test(page, has_the_tables)
{
    mmn_report *report = report_of(data_files, 4);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    size_t cells = 0;
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
        cells += compare_table(page, report, figures[i]);
    cr_assert_gt(cells, 5000);
    mmn_free(page);
    mmn_report_free(report);
}

/* The space by which a word differs from another is seen in tables and graphics. */
Test(page, shows_spaces_of_words)
{
    mmn_report *report = report_of(data_files, 4);
    for (int format = 0; format < 2; format++) {
        char *text = written(report, format == 0 ? MMN_REPORT_HTML : MMN_REPORT_SVG,
                             format == 0 ? NULL : "words");
        cr_assert_not_null(strstr(text, ">\xe2\x96\x81yes<"));
        cr_assert_null(strstr(text, "> yes<"));
        mmn_free(text);
    }
    mmn_report_free(report);
}

static double tenths(double value)
{
    return rounded(value, 1);
}

Test(page, draws_the_overlap_and_the_cross_table)
{
    mmn_report *report = report_of(data_files, 4);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    static const char *const names[] = {"overlap", "cross"};
    for (size_t f = 0; f < 2; f++) {
        double numbers[100];
        csv table = read_csv(report, names[f]);
        cr_assert_eq(drawn_numbers(numbers, 100, page, names[f], "label middle"), table.rows);
        for (size_t r = 0; r < table.rows; r++)
            cr_assert_eq(numbers[r],
                         f == 0 ? number(&table, r, 3) : tenths(100 * number(&table, r, 3)));
        free_csv(&table);
    }
    mmn_free(page);
    mmn_report_free(report);
}

/* The widths of a figure's rectangles of a class. */
static size_t drawn_widths(double *widths, size_t capacity, const char *page, const char *figure,
                           const char *class)
{
    return drawn(widths, capacity, page, figure, class, "width");
}

Test(page, draws_accuracies)
{
    mmn_report *report = report_of(data_files, 4);
    json_t *eval = load(data_files[1]);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    const json_t *summary = json_object_get(eval, "summary");
    const json_t *domains = json_object_get(eval, "domains");
    double numbers[100], random[100], own[100], whole = 0;
    size_t below = 0, above = 0, n = 0;
    cr_assert_eq(drawn_numbers(numbers, 100, page, "accuracy", "label end"),
                 2 * json_array_size(summary));
    cr_assert_eq(drawn_widths(random, 100, page, "accuracy", "other"), json_array_size(summary));
    for (size_t d = 0; d < json_array_size(domains); d++) {
        const char class[] = {'s', (char)('0' + d), '\0'};
        size_t bar = 0;
        const size_t bars = drawn_widths(own, 100, page, "accuracy", class);
        for (size_t i = 0; i < json_array_size(summary); i++) {
            const json_t *row = json_array_get(summary, i);
            const json_t *interval = json_object_get(row, "random_interval");
            const double off = real_of(row, "domain_off"), mean = real_of(row, "random_mean");
            if (strcmp(text_of(row, "domain"), json_string_value(json_array_get(domains, d))) != 0)
                continue;
            cr_assert_eq(numbers[2 * n], tenths(100 * off));
            cr_assert_eq(numbers[2 * n + 1], tenths(100 * mean));
            if (n == 0)
                whole = random[0] / mean;
            cr_assert_float_eq(random[n], whole * mean, 0.02);
            cr_assert_float_eq(own[bar], whole * off, 0.02);
            below += off < json_real_value(json_array_get(interval, 0));
            above += off > json_real_value(json_array_get(interval, 1));
            bar++;
            n++;
        }
        cr_assert_eq(bar, bars);
    }
    char sentence[200];
    snprintf(sentence, sizeof(sentence),
             "Of %zu comparisons, the domain&#39;s neurons give less "
             "than the interval of random ones in %zu, more in %zu, and a value inside it in %zu.",
             n, below, above, n - below - above);
    cr_assert_not_null(strstr(page, sentence));
    mmn_free(page);
    json_decref(eval);
    mmn_report_free(report);
}

Test(page, draws_entropies)
{
    mmn_report *report = report_of(data_files, 4);
    json_t *lens = load(data_files[3]);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    const json_t *curves = json_object_get(lens, "curves");
    const char *end, *at = section(page, "lens", &end);
    double slope = 0, zero = 0;
    for (size_t c = 0; c < 2 * json_array_size(curves); c++) {
        const json_t *part =
            json_object_get(json_array_get(curves, c / 2), c % 2 == 0 ? "image" : "text");
        const json_t *entropy = json_object_get(part, "entropy");
        const char *const marks[] = {"<path class=\"line s0\" d=\"M",
                                     "<path class=\"line s1\" d=\"M"};
        at = behind(at, marks[c % 2], end);
        cr_assert_not_null(at);
        char *point = (char *)(uintptr_t)at;
        for (size_t i = 0; i < json_array_size(entropy); i++, point++) {
            strtod(point, &point);
            const double y = strtod(point, &point);
            const double value = json_real_value(json_array_get(entropy, i));
            /* The first curve's ends give the scale, which all others share. */
            if (c == 0 && i == 0)
                zero = y, slope = value;
            else if (c == 0 && i == 15)
                slope = (y - zero) / (value - slope);
        }
        cr_assert_eq(point[-1], '"');
        const double first = json_real_value(json_array_get(entropy, 0));
        point = (char *)(uintptr_t)at;
        strtod(point, &point);
        const double top = strtod(point, &point);
        for (size_t i = 1; i < json_array_size(entropy); i++) {
            point++;
            strtod(point, &point);
            const double y = strtod(point, &point);
            const double value = json_real_value(json_array_get(entropy, i));
            cr_assert_float_eq(y - top, slope * (value - first), 0.03);
        }
    }
    mmn_free(page);
    json_decref(lens);
    mmn_report_free(report);
}

Test(page, needs_nothing_else)
{
    mmn_report *report = report_of(data_files, 4);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    cr_assert_null(strstr(page, "<script"));
    cr_assert_null(strstr(page, "url("));
    for (const char *at = page; (at = behind(at, "href=\"", NULL));)
        cr_assert(*at == '#' || strncmp(at, "data:", 5) == 0, "%.40s", at);
    cr_assert_null(strstr(page, "src=\""));
    cr_assert_not_null(strstr(page, "href=\"data:image/jpeg;base64,/9j/"));
    cr_assert_not_null(strstr(page, "missing.jpg was not found"));
    mmn_free(page);
    mmn_report_free(report);
}

Test(page, has_what_the_results_allow)
{
    static const struct {
        size_t file;
        const char *figures[6];
    } cases[] = {{0, {"neurons", "overlap", "shared"}},
                 {1, {"accuracy", "cross"}},
                 {2, {"perturbation"}},
                 {3, {"lens", "words", "words-1", "activation-1", "words-2"}},
                 {5, {"likelihood", "likelihood-cross", "comparisons"}},
                 {6, {"sweep"}},
                 {7, {"similarity"}}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mmn_report *report = report_of(&data_files[cases[i].file], 1);
        size_t count = 0;
        for (; cases[i].figures[count]; count++)
            cr_assert_str_eq(mmn_report_figure_name(report, count), cases[i].figures[count]);
        cr_assert_eq(mmn_report_figure_count(report), count);
        cr_assert_eq(mmn_report_write(report, MMN_REPORT_CSV, "none", in_folder("x"), &error),
                     MMN_USAGE);
        cr_assert_eq(mmn_report_write(report, (mmn_report_format)9, NULL, in_folder("x"), &error),
                     MMN_USAGE);
        cr_assert(access(in_folder("x"), F_OK) != 0);
        mmn_report_free(report);
    }
}

Test(page, tells_of_results_that_do_not_belong_together)
{
    json_t *eval = load(data_files[1]);
    for (int other = 0; other < 2; other++) {
        if (other)
            json_object_set_new(eval, "model", json_string("another"));
        const char *const files[] = {data_files[0], in_folder("eval.json")};
        cr_assert_eq(json_dump_file(eval, files[1], 0), 0);
        mmn_report *report = report_of(files, 2);
        char *page = written(report, MMN_REPORT_HTML, NULL);
        cr_assert_eq(strstr(page, "<p class=\"remark\">") != NULL, other);
        mmn_free(page);
        mmn_report_free(report);
    }
    json_decref(eval);
}
