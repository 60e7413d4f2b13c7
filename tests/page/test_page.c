/* The page: what is drawn and written in it is what the tables and results say. */
#include <math.h>
#include <unistd.h>

#include "results.h"

TestSuite(page, .init = make_folder, .fini = remove_folder);

static const char *const figures[] = {"neurons",      "overlap", "accuracy", "cross",
                                      "perturbation", "lens",    "words",    "words-1",
                                      "activation-1", "words-2"};

/* Moves to behind the next `mark`, which must come before `end` (NULL: anywhere). */
static const char *behind(const char *at, const char *mark, const char *end)
{
    const char *found = strstr(at, mark);
    return found && (!end || found < end) ? found + strlen(mark) : NULL;
}

/* Where a figure's section begins, and where it ends. */
static const char *section(const char *page, const char *name, const char **end)
{
    char mark[64];
    snprintf(mark, sizeof(mark), "<section aria-labelledby=\"%s\">", name);
    const char *begin = behind(page, mark, NULL);
    cr_assert_not_null(begin, "%s", name);
    *end = strstr(begin, "</section>");
    return begin;
}

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

/* The numbers of the texts with these classes, in the order of the page. */
static size_t drawn_numbers(double *numbers, size_t capacity, const char *page, const char *figure,
                            const char *classes)
{
    char mark[64];
    const char *end, *at = section(page, figure, &end);
    size_t count = 0;
    snprintf(mark, sizeof(mark), "<text class=\"%s\" x=", classes);
    while ((at = behind(at, mark, end))) {
        char *stop;
        at = strchr(at, '>') + 1;
        const double value = strtod(at, &stop);
        if (stop == at)
            continue;
        cr_assert_lt(count, capacity);
        numbers[count++] = value;
    }
    return count;
}

static double rounded(double value, int decimals)
{
    char text[32];
    snprintf(text, sizeof(text), "%.*f", decimals, value);
    return strtod(text, NULL);
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

/* An attribute of a figure's rectangles of a class, which `class` is the beginning of. */
static size_t drawn(double *values, size_t capacity, const char *page, const char *figure,
                    const char *class, const char *attribute)
{
    char mark[64], name[32];
    const char *end, *at = section(page, figure, &end);
    size_t count = 0;
    snprintf(mark, sizeof(mark), "<rect class=\"%s", class);
    snprintf(name, sizeof(name), " %s=\"", attribute);
    while ((at = behind(at, mark, end))) {
        const char *found = behind(at, name, strchr(at, '>'));
        cr_assert(count < capacity && found);
        values[count++] = strtod(found, NULL);
    }
    return count;
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

/* Bars begin or end at one 0, and are as long as the differences, whatever the panel. */
Test(page, draws_likelihoods)
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
            cr_assert_float_eq(width[bar], scale * fabs(own), 0.35);
            cr_assert_float_eq(grey_x[n], random < 0 ? zero - grey_width[n] : zero, 0.02);
            cr_assert_float_eq(grey_width[n], scale * fabs(random), 0.35);
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
Test(page, draws_differences_of_the_cross_table)
{
    mmn_report *report = report_of(&data_files[5], 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    double numbers[100], less[100], more[100], largest = 0;
    size_t lower = 0, higher = 0;
    csv table = read_csv(report, "likelihood-cross");
    cr_assert_eq(drawn_numbers(numbers, 100, page, "likelihood-cross", "label middle"), table.rows);
    const size_t all_lower = drawn(less, 100, page, "likelihood-cross", "s1", "fill-opacity");
    const size_t all_higher = drawn(more, 100, page, "likelihood-cross", "s0", "fill-opacity");
    for (size_t r = 0; r < table.rows; r++)
        largest = fmax(largest, fabs(number(&table, r, 3)));
    for (size_t r = 0; r < table.rows; r++) {
        const double value = number(&table, r, 3), opacity = fabs(value) / largest / 2;
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

Test(page, tells_comparisons_in_words)
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

/* No text of a panel ends outside, at about the width of its characters. */
Test(page, texts_of_likelihoods_lie_inside)
{
    mmn_report *report = report_of(&data_files[5], 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    static const char *const names[] = {"likelihood", "likelihood-cross"};
    for (size_t f = 0; f < 2; f++) {
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
    } cases[] = {{0, {"neurons", "overlap"}},
                 {1, {"accuracy", "cross"}},
                 {2, {"perturbation"}},
                 {3, {"lens", "words", "words-1", "activation-1", "words-2"}},
                 {5, {"likelihood", "likelihood-cross", "comparisons"}}};
    for (size_t i = 0; i < 5; i++) {
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

/* Where both are measured, likelihoods stand beside accuracies, whose figures stay as they were. */
Test(page, shows_both_measures)
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
