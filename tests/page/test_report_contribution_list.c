/* The figures of multi-modal neurons over a list: their tables have what the result says. */
#include "results.h"

TestSuite(report_contribution_list, .init = make_folder, .fini = remove_folder);

static const char *const list_file = DATA "contrib_list.json";

static void check_cell(const csv *table, size_t row, size_t column, const json_t *value)
{
    if (json_is_string(value))
        cr_expect_str_eq(field(table, row, column), json_string_value(value));
    else if (!value || json_is_null(value)) /* an interval of one value is none */
        cr_expect_str_empty(field(table, row, column));
    else
        cr_expect_eq(number(table, row, column), json_number_value(value), "%zu, %zu", row, column);
}

/* Whether the columns of the figure's table are these keys of the result's array, in their order.
 */
static void check_table(const mmn_report *report, const json_t *result, const char *figure,
                        const char *array, const char *const *keys)
{
    const json_t *rows = json_object_get(result, array);
    csv table = read_csv(report, figure);
    cr_assert_eq(table.rows, json_array_size(rows));
    cr_assert_gt(table.rows, 0);
    for (size_t row = 0; row < table.rows; row++)
        for (size_t column = 0; column < table.columns; column++) {
            const json_t *object = json_array_get(rows, row), *value;
            const json_t *interval = json_object_get(object, "interval");
            if (strcmp(keys[column], "low") == 0 || strcmp(keys[column], "high") == 0)
                value = json_array_get(interval, keys[column][0] == 'h');
            else
                value = json_object_get(object, keys[column]);
            check_cell(&table, row, column, value);
        }
    free_csv(&table);
}

Test(report_contribution_list, tables_have_the_numbers)
{
    json_t *result = load(list_file);
    mmn_report *report = report_of(&list_file, 1);
    cr_expect_eq(mmn_report_figure_count(report), 3);
    check_table(report, result, "word-neurons", "summary",
                (const char *const[]){"domain", "order", "answers", "said", "region", "across",
                                      "shared", "own", "any", "named", "named_random"});
    check_table(report, result, "word-layers", "layers",
                (const char *const[]){"layer", "contribution", "activation"});
    check_table(report, result, "word-disturbance", "drops",
                (const char *const[]){"domain", "how", "neurons", "mean", "low", "high", "count",
                                      "changes", "stays"});
    mmn_report_free(report);
    json_decref(result);
}

/* A result that somebody changed: no figure, or an error that says where. */
Test(report_contribution_list, bears_what_is_missing)
{
    static const char *const missing[][2] = {
        {"summary", "order"}, {"drops", "how"}, {"drops", "neurons"}};
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        json_t *result = load(list_file);
        const char *const changed = in_folder("changed.json");
        mmn_report *report;
        json_object_del(json_array_get(json_object_get(result, missing[i][0]), 1), missing[i][1]);
        cr_assert_eq(json_dump_file(result, changed, 0), 0);
        cr_expect_eq(mmn_report_read(&report, &changed, 1, NULL, &error), MMN_INPUT);
        cr_expect(strstr(error.where, missing[i][1]), "%s", error.where);
        json_decref(result);
    }
}
