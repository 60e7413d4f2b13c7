/* What reports begin with: facts, and sentences whose numbers are the results'. */
#include <math.h>

#include "drawn.h"

TestSuite(head, .init = make_folder, .fini = remove_folder);

/* The text of the page before its first figure. */
static char *head_of(const mmn_report *report)
{
    char *page = written(report, MMN_REPORT_HTML, NULL);
    *strstr(page, "<section") = '\0';
    return page;
}

/* How many neurons the run with a domain's own off has off in its own samples. */
static double count_off(const json_t *eval, const char *setting, const char *domain)
{
    const json_t *run, *count;
    const char *module;
    size_t index;
    double sum = 0;
    json_array_foreach(json_object_get(eval, "runs"), index, run)
    {
        if (!says(run, "off", "domain") || !says(run, "setting", setting) ||
            !says(run, "domain", domain) || !says(run, "neurons_of", domain))
            continue;
        json_object_foreach((json_t *)(uintptr_t)json_object_get(run, "neurons"), module, count)
            sum += json_number_value(count);
    }
    return sum;
}

/* Each domain of the last setting, or "all", has the sentence that its summary gives. */
Test(head, tells_accuracies)
{
    mmn_report *report = report_of(&data_files[1], 1);
    json_t *eval = load(data_files[1]);
    char *head = head_of(report);
    const json_t *row;
    size_t index, told = 0;
    json_array_foreach(json_object_get(eval, "summary"), index, row)
    {
        char sentence[300];
        const double plain = 100 * real_of(row, "plain"), own = 100 * real_of(row, "domain_off");
        const double low = 100 * item_of(row, "random_interval", 0);
        const double high = 100 * item_of(row, "random_interval", 1);
        if (!says(row, "setting", "all"))
            continue;
        cr_assert_neq(plain, own);
        const double count = count_off(eval, "all", text_of(row, "domain"));
        snprintf(
            sentence, sizeof(sentence),
            "With the %.0f neurons of %s off, its accuracy %s from %.1f %% to %.1f %%, with as "
            "many random ones off it is %.1f %% (%.1f to %.1f).",
            count, text_of(row, "domain"), own < plain ? "falls" : "rises", plain, own,
            100 * real_of(row, "random_mean"), fmax(low, 0), fmin(high, 100));
        cr_expect_not_null(strstr(head, sentence), "%s\n%s", sentence, strstr(head, "</dl>"));
        told++;
    }
    cr_assert_eq(told, 5);
    mmn_free(head);
    json_decref(eval);
    mmn_report_free(report);
}

/* The share of domains is that of the comparisons by sample. */
Test(head, tells_comparisons)
{
    mmn_report *report = report_of(&data_files[5], 1);
    json_t *eval = load(data_files[5]);
    char *head = head_of(report), sentence[200];
    const json_t *comparison;
    size_t index, lower = 0, all = 0;
    json_array_foreach(json_object_get(eval, "comparisons"), index, comparison)
    {
        if (!says(comparison, "off", "own") || !says(comparison, "against", "random") ||
            !says(comparison, "setting", "all"))
            continue;
        all++;
        lower += item_of(comparison, "interval", 1) < 0 && !says(comparison, "shows", "nothing");
    }
    snprintf(
        sentence, sizeof(sentence),
        "<p class=\"lead\">In %zu of %zu domains, switching off its own neurons of all modules "
        "makes the right answers less likely",
        lower, all);
    cr_assert_gt(all, 0);
    cr_expect_not_null(strstr(head, sentence), "%s\n%s", sentence, strstr(head, "</dl>"));
    mmn_free(head);
    json_decref(eval);
    mmn_report_free(report);
}

/* Of how many domains each neuron is, counted pair by pair. */
Test(head, counts_neurons_of_one_domain)
{
    mmn_report *report = report_of(data_files, 1);
    json_t *neurons = load(data_files[0]), *module, *pairs, *other, *pair;
    char *head = head_of(report), sentence[200];
    double all = 0, selected = 0;
    size_t single = 0, index;
    const char *name, *domain, *another;
    json_object_foreach(json_object_get(neurons, "modules"), name, module)
    {
        json_t *domains = json_object_get(module, "domains");
        all += real_of(module, "layers") * real_of(module, "neurons");
        selected += real_of(module, "selected");
        json_object_foreach(domains, domain, pairs) json_array_foreach(pairs, index, pair)
        {
            bool shared = false;
            json_object_foreach(domains, another, other)
            {
                for (size_t i = 0; strcmp(another, domain) != 0 && i < json_array_size(other); i++)
                    shared = shared || json_equal(json_array_get(other, i), pair);
            }
            single += !shared;
        }
    }
    snprintf(
        sentence, sizeof(sentence),
        "Of %.0f neurons, %.0f (%.1f %%) are selected as the most specific to domains, and %zu "
        "of these belong to one domain alone.",
        all, selected, 100 * selected / all, single);
    cr_expect_not_null(strstr(head, sentence), "%s\n%s", sentence, strstr(head, "</dl>"));
    mmn_free(head);
    json_decref(neurons);
    mmn_report_free(report);
}

static char *head_with(const mmn_report_options *options)
{
    mmn_report *report;
    cr_assert_eq(mmn_report_read(&report, data_files, 1, options, &error), MMN_OK, "%s",
                 error.message);
    char *head = head_of(report);
    mmn_report_free(report);
    return head;
}

/* No date but a given one; and options as they were before there were dates. */
Test(head, has_facts)
{
    mmn_report_options options = {.size = sizeof(options), .model = "A<B", .date = "2026-11-27"};
    char *head = head_with(&options);
    cr_expect_not_null(strstr(head, "<dt>Date</dt><dd>2026-11-27</dd>"));
    cr_expect_not_null(strstr(head, "<dt>Model</dt><dd>A&lt;B, digest 0123456789abcdef"));
    mmn_free(head);
    options = (mmn_report_options){.size = offsetof(mmn_report_options, model), .title = "Old"};
    head = head_with(&options);
    cr_expect_null(strstr(head, "Date"));
    cr_expect_not_null(strstr(head, "<h1>Old</h1>"));
    mmn_free(head);
}

/* ---- Languages ------------------------------------------------------------------------------- */

static const char perplexity[] =
    "{\"format\": \"mmneuron-perplexity-1\", \"version\": \"0.1.0\", \"model\": null,"
    " \"neurons\": null, \"settings\": {}, \"domains\": [\"de\", \"ja\"], \"runs\": ["
    "{\"off\": \"domain\", \"neurons_of\": \"ja\", \"seed\": null, \"neurons\": {\"language\": 72},"
    " \"domain\": \"ja\", \"tokens\": 9, \"nats\": 1, \"perplexity\": 2.7}], \"summary\": ["
    "{\"domain\": \"de\", \"tokens\": 9, \"random_seeds\": 2, \"perplexity\": null,"
    " \"ratio\": {\"plain\": 1, \"domain_off\": 0.9, \"random_mean\": 1.1,"
    " \"random_interval\": [1.05, 1.15]}},"
    "{\"domain\": \"ja\", \"tokens\": 9, \"random_seeds\": 2, \"perplexity\": null,"
    " \"ratio\": {\"plain\": 1, \"domain_off\": 2.5, \"random_mean\": 1.2,"
    " \"random_interval\": [1.1, 1.3]}}], \"cross\": null}";

Test(head, tells_perplexities)
{
    static const char *const sentences[] = {
        "<h1>Language neurons</h1>",
        "In 1 of 2 languages, switching off its own neurons raises perplexity beyond",
        "Switching off the neurons of de lowers its perplexity by 10 %, as many random ones change "
        "it by 10 % (5.0 to 15).",
        "Switching off the 72 neurons of ja raises its perplexity by 150 %, as many random ones "
        "change it by 20 % (10 to 30)."};
    const char *file = in_folder("perplexity.json");
    cr_assert_eq(mmn_write_file(file, perplexity, strlen(perplexity), &error), MMN_OK);
    mmn_report *report = report_of(&file, 1);
    char *head = head_of(report);
    for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++)
        cr_expect_not_null(strstr(head, sentences[i]), "%s\n%s", sentences[i],
                           strstr(head, "<h1>"));
    mmn_free(head);
    mmn_report_free(report);
}

/* Bars of ratios begin at 1, to the left of it for smaller ones. */
Test(head, draws_ratios_from_one)
{
    const char *file = in_folder("perplexity.json");
    double x[2], width[2], grey_x[2], grey_width[2];
    cr_assert_eq(mmn_write_file(file, perplexity, strlen(perplexity), &error), MMN_OK);
    mmn_report *report = report_of(&file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    for (size_t d = 0; d < 2; d++) {
        const char class[] = {'s', (char)('0' + d), '\0'};
        cr_assert_eq(drawn(&x[d], 1, page, "perplexity", class, "x"), 1);
        cr_assert_eq(drawn(&width[d], 1, page, "perplexity", class, "width"), 1);
    }
    cr_assert_eq(drawn(grey_x, 2, page, "perplexity", "other", "x"), 2);
    cr_assert_eq(drawn(grey_width, 2, page, "perplexity", "other", "width"), 2);
    cr_expect_float_eq(x[0] + width[0], x[1], 0.02);
    cr_expect_float_eq(grey_x[0], x[1], 0.02);
    cr_expect_float_eq(width[1] / width[0], 1.5 / 0.1, 0.05);
    cr_expect_float_eq(grey_width[1] / grey_width[0], 2, 0.01);
    mmn_free(page);
    mmn_report_free(report);
}

/* ---- No neurons ------------------------------------------------------------------------------ */

#define DETECTED(model)                                                                            \
    "{'format': 'mmneuron-detect-1', 'model': '" model "', 'image': 'a', 'height': 9, 'width': "   \
    "9, 'queries': [{'text': 'a cup', 'found': 1}], 'detections': [{'query': 'a cup', 'score': "   \
    "1, 'left': 1, 'top': 1, 'right': 5, 'bottom': 5}]}"

/* Pages are called by what they hold, which they count; only neurons have the method to thank. The
 * detector of detections is that of a joint model. */
Test(head, tells_what_a_page_holds)
{
    static const char *const located =
        "{'format': 'mmneuron-locate-1', 'model': '00', 'detector': '01', 'image': 'a', "
        "'answer': 'b', 'perturbations': [{'from': 'c', 'to': 'd', 'answer': 'e'}]}";
    static const char *const edited =
        "{'format': 'mmneuron-edits-1', 'model': '00', 'domains': ['a'], 'summary': [{'domain': "
        "'a', 'method': 'direct', 'chosen': 'top', 'measure': 'reliability', 'count': 2, 'mean': "
        "1}]}";
    static const struct {
        const char *results[3];
        const char *title, *figures;
        bool is_mixed, is_method;
    } cases[] = {
        {{DETECTED("01")}, "What was found in a picture", "1 figure and its table", false, false},
        {{located}, "Where a word is seen", "1 figure and its table", false, false},
        {{edited}, "Edited answers", "1 figure and its table", false, false},
        {{DETECTED("01"), located}, "Results", "2 figures and their tables", false, false},
        {{DETECTED("02"), located}, "Results", "2 figures and their tables", true, false},
        {{DETECTED("01"), DETECTED("02")},
         "What was found in a picture",
         "2 figures and their tables",
         true,
         false},
        {{located, perplexity}, "Domain neurons", "2 figures and their tables", false, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *files[3];
        size_t count = 0;
        char text[96];
        for (; cases[i].results[count]; count++)
            files[count] = file_of(count == 0 ? "a.json" : "b.json", cases[i].results[count]);
        mmn_report *report = report_of(files, count);
        char *page = written(report, MMN_REPORT_HTML, NULL);
        snprintf(text, sizeof(text), "<h1>%s</h1>", cases[i].title);
        cr_expect_not_null(strstr(page, text), "%zu: %.60s", i, strstr(page, "<h1>"));
        snprintf(text, sizeof(text), "<summary>%s</summary>", cases[i].figures);
        cr_expect_not_null(strstr(page, text), "%zu: %.60s", i, strstr(page, "<summary>"));
        cr_expect_not_null(strstr(page, "<summary>Table: 1 row</summary>"), "%zu", i);
        cr_expect_eq(strstr(page, "results are of different models") != NULL, cases[i].is_mixed,
                     "%zu", i);
        cr_expect_eq(strstr(page, "The method is MMNeuron's") != NULL, cases[i].is_method, "%zu",
                     i);
        mmn_free(page);
        mmn_report_free(report);
    }
}
