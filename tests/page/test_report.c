/* The numbers of reports, computed again from the results. */
#include <math.h>

#include "results.h"

TestSuite(report, .init = make_folder, .fini = remove_folder);

static const json_t *domain_pairs(const json_t *neurons, const char *module, const char *domain)
{
    const json_t *modules = json_object_get(neurons, "modules");
    return json_object_get(json_object_get(json_object_get(modules, module), "domains"), domain);
}

static bool has_pair(const json_t *pairs, const json_t *pair)
{
    for (size_t i = 0; i < json_array_size(pairs); i++)
        if (json_equal(json_array_get(pairs, i), pair))
            return true;
    return false;
}

Test(report, counts_neurons_of_layers)
{
    mmn_report *report = report_of(data_files, 4);
    json_t *neurons = load(data_files[0]);
    csv table = read_csv(report, "neurons");
    cr_assert_eq(table.rows, (12 + 1 + 16) * 5);
    for (size_t r = 0; r < table.rows; r++) {
        const json_t *pairs = domain_pairs(neurons, field(&table, r, 0), field(&table, r, 1));
        size_t expected = 0;
        for (size_t i = 0; i < json_array_size(pairs); i++)
            expected += (double)json_integer_value(json_array_get(json_array_get(pairs, i), 0)) ==
                        number(&table, r, 2);
        cr_assert_eq(number(&table, r, 3), expected);
    }
    free_csv(&table);
    json_decref(neurons);
    mmn_report_free(report);
}

Test(report, counts_shared_neurons)
{
    mmn_report *report = report_of(data_files, 4);
    json_t *neurons = load(data_files[0]);
    csv table = read_csv(report, "overlap");
    cr_assert_eq(table.rows, 3 * 25);
    for (size_t r = 0; r < table.rows; r++) {
        const json_t *a = domain_pairs(neurons, field(&table, r, 0), field(&table, r, 1));
        const json_t *b = domain_pairs(neurons, field(&table, r, 0), field(&table, r, 2));
        size_t common = 0;
        for (size_t i = 0; i < json_array_size(a); i++)
            common += has_pair(b, json_array_get(a, i));
        cr_assert_eq(number(&table, r, 3), common);
        cr_assert_eq(number(&table, r, 4), (double)common / (double)json_array_size(a));
    }
    free_csv(&table);
    json_decref(neurons);
    mmn_report_free(report);
}

/* Each pair of a domain counts as a part of its neuron, which as many domains have. */
Test(report, counts_neurons_by_their_domains)
{
    mmn_report *report = report_of(data_files, 4);
    json_t *neurons = load(data_files[0]);
    csv table = read_csv(report, "shared");
    cr_assert_eq(table.rows, 3 * 5);
    for (size_t r = 0; r < table.rows; r++) {
        json_t *module = json_object_get(json_object_get(neurons, "modules"), field(&table, r, 0));
        json_t *own, *others, *lists = json_object_get(module, "domains");
        const char *name, *other;
        size_t pairs = 0;
        json_object_foreach(lists, name, own) for (size_t i = 0; i < json_array_size(own); i++)
        {
            size_t owners = 0;
            json_object_foreach(lists, other, others)
                owners += has_pair(others, json_array_get(own, i));
            pairs += (double)owners == number(&table, r, 1);
        }
        cr_assert_eq(number(&table, r, 1), (double)(r % 5 + 1));
        cr_assert_eq(number(&table, r, 2) * number(&table, r, 1), pairs);
    }
    free_csv(&table);
    json_decref(neurons);
    mmn_report_free(report);
}

Test(report, repeats_accuracies)
{
    static const char *const keys[] = {"plain", "domain_off", "random_mean"};
    mmn_report *report = report_of(data_files, 4);
    json_t *eval = load(data_files[1]);
    const json_t *summary = json_object_get(eval, "summary");
    csv table = read_csv(report, "accuracy");
    cr_assert_eq(table.rows, json_array_size(summary));
    for (size_t r = 0; r < table.rows; r++) {
        const json_t *item = json_array_get(summary, r);
        const json_t *interval = json_object_get(item, "random_interval");
        cr_assert_str_eq(field(&table, r, 0), text_of(item, "setting"));
        cr_assert_str_eq(field(&table, r, 1), text_of(item, "domain"));
        for (size_t k = 0; k < 3; k++)
            cr_assert_eq(number(&table, r, 2 + k), real_of(item, keys[k]));
        for (size_t k = 0; k < 2; k++)
            cr_assert_eq(number(&table, r, 5 + k), json_real_value(json_array_get(interval, k)));
        cr_assert_eq(number(&table, r, 7), real_of(item, "random_seeds"));
    }
    free_csv(&table);
    json_decref(eval);
    mmn_report_free(report);
}

/* A cross table's CSV, beside the values that the JSON has under `key`. */
static void expect_cross(const mmn_report *report, const char *name, const json_t *cross,
                         const char *key)
{
    csv table = read_csv(report, name);
    cr_assert_eq(table.rows, json_array_size(cross) * 25);
    for (size_t r = 0; r < table.rows; r++) {
        const json_t *item = json_array_get(cross, r / 25);
        const json_t *domains = json_object_get(item, "domains");
        const json_t *row = json_array_get(json_object_get(item, key), r / 5 % 5);
        cr_assert_str_eq(field(&table, r, 0), text_of(item, "setting"));
        cr_assert_str_eq(field(&table, r, 1),
                         json_string_value(json_array_get(domains, r / 5 % 5)));
        cr_assert_str_eq(field(&table, r, 2), json_string_value(json_array_get(domains, r % 5)));
        cr_assert_eq(number(&table, r, 3), json_real_value(json_array_get(row, r % 5)));
    }
    free_csv(&table);
}

Test(report, repeats_the_cross_table)
{
    mmn_report *report = report_of(data_files, 4);
    json_t *eval = load(data_files[1]);
    const json_t *cross = json_object_get(eval, "cross");
    expect_cross(report, "cross", cross, "accuracy");
    json_decref(eval);
    mmn_report_free(report);
}

Test(report, repeats_likelihoods)
{
    mmn_report *report = report_of(&data_files[5], 1);
    json_t *eval = load(data_files[5]);
    const json_t *likelihood = json_object_get(eval, "likelihood");
    const json_t *summary = json_object_get(likelihood, "summary");
    const json_t *cross = json_object_get(likelihood, "cross");
    csv table = read_csv(report, "likelihood");
    cr_assert_eq(table.rows, json_array_size(summary));
    for (size_t r = 0; r < table.rows; r++) {
        const json_t *item = json_array_get(summary, r);
        const double plain = real_of(item, "plain");
        cr_assert_str_eq(field(&table, r, 0), text_of(item, "setting"));
        cr_assert_str_eq(field(&table, r, 1), text_of(item, "domain"));
        cr_assert_eq(number(&table, r, 2), plain);
        cr_assert_eq(number(&table, r, 3), real_of(item, "domain_off") - plain);
        cr_assert_eq(number(&table, r, 4), real_of(item, "random_mean") - plain);
        for (size_t k = 0; k < 2; k++)
            cr_assert_eq(number(&table, r, 5 + k), item_of(item, "random_interval", k) - plain);
        cr_assert_eq(number(&table, r, 7), real_of(item, "random_seeds"));
    }
    free_csv(&table);
    expect_cross(report, "likelihood-cross", cross, "difference");
    json_decref(eval);
    mmn_report_free(report);
}

Test(report, repeats_comparisons)
{
    static const char *const texts[] = {"measure", "setting", "domain", "off", "against"};
    mmn_report *report = report_of(&data_files[5], 1);
    json_t *eval = load(data_files[5]);
    const json_t *comparisons = json_object_get(eval, "comparisons");
    csv table = read_csv(report, "comparisons");
    cr_assert_eq(table.rows, json_array_size(comparisons));
    for (size_t r = 0; r < table.rows; r++) {
        const json_t *item = json_array_get(comparisons, r);
        for (size_t k = 0; k < 5; k++)
            cr_assert_str_eq(field(&table, r, k), text_of(item, texts[k]));
        cr_assert_eq(number(&table, r, 5), real_of(item, "samples"));
        cr_assert_eq(number(&table, r, 6), real_of(item, "difference"));
        for (size_t k = 0; k < 2; k++)
            cr_assert_eq(number(&table, r, 7 + k), item_of(item, "interval", k));
        cr_assert_str_eq(field(&table, r, 9), text_of(item, "shows"));
    }
    free_csv(&table);
    json_decref(eval);
    mmn_report_free(report);
}

/* The curve that a row of the perturbation's table is of. */
static const json_t *find_curve(const json_t *curves, const csv *table, size_t row)
{
    for (size_t i = 0; i < json_array_size(curves); i++) {
        const json_t *curve = json_array_get(curves, i), *seed = json_object_get(curve, "seed");
        char seed_text[24] = "";
        if (json_is_integer(seed))
            snprintf(seed_text, sizeof(seed_text), "%d", (int)json_integer_value(seed));
        if (strcmp(field(table, row, 0), text_of(curve, "setting")) == 0 &&
            strcmp(field(table, row, 1), text_of(curve, "domain")) == 0 &&
            strcmp(field(table, row, 2), text_of(curve, "off")) == 0 &&
            strcmp(field(table, row, 3), text_of(curve, "neurons_of")) == 0 &&
            strcmp(field(table, row, 4), seed_text) == 0)
            return curve;
    }
    return NULL;
}

Test(report, repeats_perturbations)
{
    mmn_report *report = report_of(data_files, 4);
    json_t *perturb = load(data_files[2]);
    const json_t *curves = json_object_get(perturb, "curves");
    csv table = read_csv(report, "perturbation");
    cr_assert_eq(table.rows, json_array_size(curves) * 3 * 16);
    for (size_t r = 0; r < table.rows; r++) {
        const json_t *curve = find_curve(curves, &table, r);
        const size_t layer = (size_t)number(&table, r, 6);
        cr_assert_not_null(curve);
        if (strcmp(field(&table, r, 5), "all") != 0)
            curve = json_object_get(curve, field(&table, r, 5));
        cr_assert_eq(number(&table, r, 7),
                     json_real_value(json_array_get(json_object_get(curve, "relative"), layer)));
        cr_assert_eq(number(&table, r, 8),
                     json_real_value(json_array_get(json_object_get(curve, "cosine"), layer)));
    }
    free_csv(&table);
    json_decref(perturb);
    mmn_report_free(report);
}

Test(report, repeats_entropies)
{
    mmn_report *report = report_of(data_files, 4);
    json_t *lens = load(data_files[3]);
    const json_t *curves = json_object_get(lens, "curves");
    csv table = read_csv(report, "lens");
    cr_assert_eq(table.rows, json_array_size(curves) * 2 * 16);
    for (size_t r = 0; r < table.rows; r++) {
        const json_t *curve = json_array_get(curves, r / 32);
        const json_t *part = json_object_get(curve, r / 16 % 2 == 0 ? "image" : "text");
        cr_assert_str_eq(field(&table, r, 0), text_of(curve, "domain"));
        cr_assert_str_eq(field(&table, r, 2), r / 16 % 2 == 0 ? "image" : "text");
        cr_assert_eq(number(&table, r, 3), real_of(part, "positions"));
        cr_assert_eq(number(&table, r, 5),
                     json_real_value(json_array_get(json_object_get(part, "entropy"), r % 16)));
    }
    free_csv(&table);
    json_decref(lens);
    mmn_report_free(report);
}

Test(report, repeats_common_words)
{
    mmn_report *report = report_of(data_files, 4);
    json_t *lens = load(data_files[3]);
    const json_t *curves = json_object_get(lens, "curves");
    csv table = read_csv(report, "words");
    cr_assert_eq(table.rows, 2 * json_array_size(curves) * 16 * 2);
    for (size_t r = 0; r < table.rows; r++) {
        const json_t *curve = json_array_get(curves, r / 32 % json_array_size(curves));
        const char *kind = r / 32 < json_array_size(curves) ? "image" : "text";
        const json_t *top = json_object_get(json_object_get(curve, kind), "top");
        const json_t *word = json_array_get(json_array_get(top, r / 2 % 16), r % 2);
        cr_assert_str_eq(field(&table, r, 0), text_of(curve, "domain"));
        cr_assert_str_eq(field(&table, r, 1), kind);
        cr_assert_eq(number(&table, r, 2), r / 2 % 16);
        cr_assert_eq(number(&table, r, 4), real_of(word, "id"));
        cr_assert_str_eq(field(&table, r, 5), text_of(word, "word"));
        cr_assert_eq(number(&table, r, 6), real_of(word, "share"));
    }
    free_csv(&table);
    json_decref(lens);
    mmn_report_free(report);
}

Test(report, repeats_words_and_patches)
{
    mmn_report *report = report_of(data_files, 4);
    json_t *lens = load(data_files[3]);
    const json_t *sample = json_array_get(json_object_get(lens, "samples"), 0);
    const json_t *positions = json_object_get(sample, "positions");
    csv table = read_csv(report, "words-1");
    cr_assert_eq(table.rows, json_array_size(positions) * 16 * 3);
    for (size_t r = 0; r < table.rows; r++) {
        const json_t *position = json_array_get(positions, r / 48);
        const json_t *layer = json_array_get(json_object_get(position, "layers"), r / 3 % 16);
        const json_t *word = json_array_get(json_object_get(layer, "top"), r % 3);
        cr_assert_eq(number(&table, r, 0), real_of(position, "position"));
        cr_assert_str_eq(field(&table, r, 2), text_of(position, "token"));
        cr_assert_eq(number(&table, r, 3), r / 3 % 16);
        cr_assert_eq(number(&table, r, 4), real_of(layer, "entropy"));
        cr_assert_eq(number(&table, r, 6), real_of(word, "id"));
        cr_assert_str_eq(field(&table, r, 7), text_of(word, "word"));
        cr_assert_eq(number(&table, r, 8), real_of(word, "p"));
    }
    free_csv(&table);

    const json_t *values = json_object_get(json_object_get(sample, "activation"), "values");
    table = read_csv(report, "activation-1");
    cr_assert_eq(table.rows, 12 * 18);
    for (size_t r = 0; r < table.rows; r++) {
        cr_assert_eq(number(&table, r, 0) * 18 + number(&table, r, 1), r);
        cr_assert_eq(number(&table, r, 2), json_number_value(json_array_get(values, r)));
    }
    free_csv(&table);
    json_decref(lens);
    mmn_report_free(report);
}

/* ---- Several of a kind ----------------------------------------------------------------------- */

static bool has_figure(const mmn_report *report, const char *name)
{
    for (size_t i = 0; i < mmn_report_figure_count(report); i++)
        if (strcmp(mmn_report_figure_name(report, i), name) == 0)
            return true;
    return false;
}

static void copy_to(const char *file, const char *name)
{
    char *text;
    size_t size;
    cr_assert_eq(mmn_read_file(&text, &size, file, (size_t)1 << 28, &error), MMN_OK);
    cr_assert_eq(mmn_write_file(in_folder(name), text, size, &error), MMN_OK);
    mmn_free(text);
}

/* Each has the figures that it has alone, and titles that say which file they are of. */
Test(report, shows_several_results_of_a_kind)
{
    char second[128], third[128];
    copy_to(data_files[1], "a&b.json");
    snprintf(second, sizeof(second), "%s", in_folder("a&b.json"));
    copy_to(data_files[3], "lens-2.json");
    snprintf(third, sizeof(third), "%s", in_folder("lens-2.json"));
    const char *const files[] = {data_files[0], data_files[1], second, third, data_files[3]};
    mmn_report *alone = report_of(data_files, 4), *report = report_of(files, 5);
    static const char *const doubled[] = {"accuracy", "cross", "lens", "words", "words-1"};
    for (size_t i = 0; i < sizeof(doubled) / sizeof(doubled[0]); i++) {
        char name[40];
        snprintf(name, sizeof(name), "%s_2", doubled[i]);
        cr_expect(has_figure(report, name), "%s", name);
        char *one = written(alone, MMN_REPORT_CSV, doubled[i]);
        char *first = written(report, MMN_REPORT_CSV, doubled[i]);
        char *other = written(report, MMN_REPORT_CSV, name);
        cr_expect_str_eq(first, one);
        cr_expect_str_eq(other, one);
        mmn_free(one);
        mmn_free(first);
        mmn_free(other);
    }
    cr_expect_not(has_figure(report, "neurons_2"));
    char *page = written(report, MMN_REPORT_HTML, NULL), *charts;
    cr_expect(strstr(page, "eval.json)</h2>") && strstr(page, "a&amp;b.json)</h2>"));
    cr_expect(strstr(page, "Settings of eval (") && strstr(page, "<h2 id=\"accuracy_2\">"));
    cr_expect_null(strstr(page, "neurons.json)</h2>"));
    cr_assert_eq(mmn_report_charts(report, 0, &charts, &error), MMN_OK);
    cr_expect(strstr(charts, "a&b.json\n"), "%s", charts);
    mmn_release(charts);
    mmn_free(page);
    mmn_report_free(report);
    mmn_report_free(alone);
}
