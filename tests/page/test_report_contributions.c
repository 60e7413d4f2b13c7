/* The figures of multi-modal neurons: their tables have what the result says, and the maps frame
 * the patches above the bar. */
#include "results.h"

TestSuite(report_contributions, .init = make_folder, .fini = remove_folder);

static const json_t *word_of(const json_t *result)
{
    return json_array_get(json_object_get(result, "words"), 0);
}

static double number_at(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

Test(report_contributions, tables_have_the_numbers)
{
    json_t *result = load(data_files[4]);
    mmn_report *report = report_of(&data_files[4], 1);
    const json_t *neurons = json_object_get(word_of(result), "neurons");
    cr_assert_eq(mmn_report_figure_count(report), 2);
    csv table = read_csv(report, "contrib-1");
    size_t names = json_array_size(json_object_get(json_array_get(neurons, 0), "names"));
    cr_assert_eq(table.rows, json_array_size(neurons) * names);
    for (size_t row = 0; row < table.rows; row++) {
        const json_t *neuron = json_array_get(neurons, row / names);
        const json_t *name = json_array_get(json_object_get(neuron, "names"), row % names);
        cr_expect_eq(number(&table, row, 0), number_at(neuron, "layer"));
        cr_expect_eq(number(&table, row, 1), number_at(neuron, "neuron"));
        cr_expect_eq(number(&table, row, 2), number_at(neuron, "contribution"));
        cr_expect_eq(number(&table, row, 3), number_at(neuron, "activation"));
        cr_expect_eq(number(&table, row, 4), number_at(neuron, "score"));
        cr_expect_eq(number(&table, row, 5), (double)(row % names + 1));
        cr_expect_eq(number(&table, row, 6), number_at(name, "id"));
        cr_expect_str_eq(field(&table, row, 7), text_of(name, "word"));
        cr_expect_eq(number(&table, row, 8), number_at(name, "value"));
    }
    free_csv(&table);
    table = read_csv(report, "disturbance");
    const json_t *drops = json_object_get(word_of(result), "drops");
    cr_assert_eq(table.rows, json_array_size(drops));
    for (size_t row = 0; row < table.rows; row++) {
        const json_t *drop = json_array_get(drops, row);
        const json_t *interval = json_object_get(drop, "interval");
        cr_expect_str_eq(field(&table, row, 0), text_of(word_of(result), "text"));
        cr_expect_str_eq(field(&table, row, 1), text_of(drop, "how"));
        cr_expect_str_eq(field(&table, row, 2), text_of(drop, "neurons"));
        cr_expect_eq(number(&table, row, 3), number_at(drop, "mean"));
        cr_expect_eq(number(&table, row, 4), json_number_value(json_array_get(interval, 0)));
        cr_expect_eq(number(&table, row, 5), json_number_value(json_array_get(interval, 1)));
    }
    free_csv(&table);
    mmn_report_free(report);
    json_decref(result);
}

Test(report_contributions, maps_frame_what_is_above_the_bar)
{
    json_t *result = load(data_files[4]), *neuron;
    mmn_report *report = report_of(&data_files[4], 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    size_t above = 0, framed = 0, pictures = 0, maps = 0, i, k;
    json_t *value;
    json_array_foreach(json_object_get(word_of(result), "neurons"), i, neuron)
    {
        const json_t *map = json_object_get(neuron, "activations");
        maps++;
        json_array_foreach(json_object_get(map, "values"), k, value)
            above += json_number_value(value) > number_at(map, "bar");
    }
    for (const char *at = page; (at = strstr(at, "class=\"frame\"")); at++)
        framed++;
    for (const char *at = page; (at = strstr(at, "<image ")); at++)
        pictures++;
    cr_assert_gt(above, 0);
    cr_expect_eq(framed, above);
    cr_expect_eq(pictures, maps);
    mmn_free(page);
    mmn_report_free(report);
    json_decref(result);
}
