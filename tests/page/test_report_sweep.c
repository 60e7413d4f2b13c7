/* The figure of sweeps: its table has what the runs say, and its lines are as high. */
#include <math.h>

#include "drawn.h"

TestSuite(report_sweep, .init = make_folder, .fini = remove_folder);

static const char *const sweep_file = DATA "sweep.json";

/* The mean of the nats of the runs with this off in a domain; *count becomes how many there are. */
static double nats_of(const json_t *result, const char *setting, const char *off,
                      const char *domain, size_t *count)
{
    double sum = 0;
    json_t *run;
    size_t i;
    *count = 0;
    json_array_foreach(json_object_get(result, "runs"), i, run)
    {
        if (!says(run, "setting", setting) || !says(run, "off", off) ||
            !says(run, "domain", domain))
            continue;
        sum += real_of(run, "nats");
        ++*count;
    }
    return sum / (double)*count;
}

static void is_number_or_nothing(const csv *table, size_t row, size_t column, const json_t *value)
{
    if (json_is_number(value))
        cr_expect_eq(number(table, row, column), json_number_value(value));
    else
        cr_expect_str_empty(field(table, row, column));
}

Test(report_sweep, repeats_the_runs)
{
    json_t *result = load(sweep_file);
    const json_t *points = json_object_get(result, "points");
    const json_t *domains = json_object_get(result, "domains");
    mmn_report *report = report_of(&sweep_file, 1);
    csv table = read_csv(report, "sweep");
    cr_assert_eq(table.rows, json_array_size(points) * json_array_size(domains));
    for (size_t r = 0; r < table.rows; r++) {
        const json_t *point = json_array_get(points, r / 3);
        const char *setting = text_of(point, "setting");
        const char *domain = json_string_value(json_array_get(domains, r % 3));
        size_t runs;
        cr_expect_str_eq(field(&table, r, 0), setting);
        is_number_or_nothing(&table, r, 1, json_object_get(point, "rate"));
        is_number_or_nothing(&table, r, 2, json_object_get(point, "bar"));
        cr_expect_str_eq(field(&table, r, 3), domain);
        cr_expect_eq(number(&table, r, 4), real_of(json_object_get(point, "neurons"), domain));
        cr_expect_eq(number(&table, r, 5), nats_of(result, "none", "nothing", domain, &runs));
        cr_expect_eq(number(&table, r, 6), nats_of(result, setting, "domain", domain, &runs));
        cr_expect_eq(number(&table, r, 7), nats_of(result, setting, "random", domain, &runs));
        cr_expect_eq(number(&table, r, 8), runs);
    }
    free_csv(&table);
    mmn_report_free(report);
    json_decref(result);
}

/* The panels in their order: their titles, and their points along the axis. */
static const struct {
    const char *title, *points[3];
} panels[] = {
    {"language, bar 0.95", {"language@0.002/0.95", "language@0.01/0.95", "language@0.05/0.95"}},
    {"language, rate 0.01", {"language@0.01/0.9", "language@0.01/0.95"}},
    {"language, rate 0.05", {"language@0.05/0.9", "language@0.05/0.95"}},
    {"language, bar 0.9", {"language@0.01/0.9", "language@0.05/0.9"}},
    {"all, bar 0.5", {"all@0.2/0.5"}}};
enum { PANELS = sizeof(panels) / sizeof(panels[0]) };

static void has_the_panels(const char *page)
{
    const char *end, *at = section(page, "sweep", &end);
    for (size_t p = 0; p < PANELS; p++) {
        char mark[64];
        snprintf(mark, sizeof(mark), "y=\"14\">%s</text>", panels[p].title);
        cr_assert_not_null(at = behind(at, mark, end), "%s", mark);
    }
    cr_expect_null(behind(at, "y=\"14\">", end));
}

/* By how much the nats rise. */
static double rise_of(const json_t *result, const char *setting, const char *off,
                      const char *domain)
{
    size_t runs;
    return nats_of(result, setting, off, domain, &runs) -
           nats_of(result, "none", "nothing", domain, &runs);
}

/* All lines of all panels have one scale, which the ends of the first line give. */
Test(report_sweep, draws_the_effects)
{
    static const char *const off[] = {"domain", "random"}, *const domains[] = {"de", "en", "ja"};
    json_t *result = load(sweep_file);
    mmn_report *report = report_of(&sweep_file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    double first[3], heights[3];
    has_the_panels(page);
    cr_assert_eq(drawn_line(first, 3, page, "sweep", "s0", 0), 3);
    const double from = rise_of(result, panels[0].points[0], off[0], domains[0]);
    const double slope =
        (first[2] - first[0]) / (rise_of(result, panels[0].points[2], off[0], domains[0]) - from);
    for (size_t p = 0; p < PANELS; p++)
        for (size_t line = 0; line < 6; line++) {
            char classes[24];
            snprintf(classes, sizeof(classes), "%ss%zu", line % 2 ? "dashed " : "", line / 2);
            const size_t count = drawn_line(heights, 3, page, "sweep", classes, p);
            cr_expect(count == 3 || !panels[p].points[count]);
            for (size_t i = 0; i < count; i++) {
                const double rise =
                    rise_of(result, panels[p].points[i], off[line % 2], domains[line / 2]);
                cr_expect_float_eq(heights[i], first[0] + slope * (rise - from), 0.05);
            }
        }
    mmn_free(page);
    mmn_report_free(report);
    json_decref(result);
}

/* Neurons that were read from a file have no rate and no bar, and so no line. */
Test(report_sweep, of_given_neurons_is_a_table)
{
    json_t *result = load(sweep_file);
    json_t *points = json_object_get(result, "points");
    while (json_array_size(points) > 1)
        json_array_remove(points, 0);
    const char *const file = in_folder("sweep.json");
    cr_assert_eq(json_dump_file(result, file, 0), 0);
    mmn_report *report = report_of(&file, 1);
    csv table = read_csv(report, "sweep");
    char *page = written(report, MMN_REPORT_HTML, NULL);
    cr_expect_eq(table.rows, 3);
    cr_expect_null(strstr(page, "<path class=\"line"));
    mmn_free(page);
    free_csv(&table);
    mmn_report_free(report);
    json_decref(result);
}
