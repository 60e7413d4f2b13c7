/* Reports of results that mean harm, or are broken: text stays text, and the rest is refused. */
#include "page/report.h"
#include "results.h"
#include "tests/tools/failing_allocator.h"

TestSuite(report_hostile, .init = make_folder, .fini = remove_folder);

static const char *save(const json_t *json, const char *name)
{
    const char *path = in_folder(name);
    cr_assert_eq(json_dump_file(json, path, 0), 0);
    return path;
}

static mmn_status try(const char *file)
{
    mmn_report *report;
    const mmn_status status = mmn_report_read(&report, &file, 1, NULL, &error);
    if (status == MMN_OK) {
        mmn_text page = {0};
        mmn_report_page(&page, report, NULL);
        cr_assert(!page.failed);
        mmn_text_free(&page);
    } else {
        cr_assert_null(report);
        cr_assert_neq(error.message[0], '\0');
    }
    mmn_report_free(report);
    return status;
}

/* ---- Text ------------------------------------------------------------------------------------ */

#define ATTACK "<script>alert(1)</script>\"' onload=\"x\" ]]> --> &lt; \x01\x1b[31m\n\xe2\x80\xae|`"

/* Every text of the document becomes an attack, but for those with which results are told apart. */
static void attack(json_t *value, const char *key)
{
    const char *name;
    json_t *child;
    size_t index;
    static const char *const kept[] = {"format",  "kind",    "off",  "stage",
                                       "measure", "against", "shows"};
    bool keeps = false;
    for (size_t i = 0; i < MMN_LENGTH(kept); i++)
        keeps |= strcmp(key, kept[i]) == 0;
    if (json_is_string(value) && !keeps)
        json_string_set(value, ATTACK);
    json_object_foreach(value, name, child) attack(child, name);
    json_array_foreach(value, index, child) attack(child, key);
}

/* "<" begins a tag or comment that the library writes, and no control character is there. */
static void is_tame(const char *markup)
{
    static const char *const tags[] = {
        "!DOCTYPE", "?xml",  "a",      "body", "caption",    "code",    "data",   "dd",      "desc",
        "details",  "div",   "dl",     "dt",   "figcaption", "figure",  "footer", "h1",      "h2",
        "h3",       "head",  "header", "html", "image",      "li",      "line",   "link",    "main",
        "meta",     "nav",   "p",      "path", "rect",       "section", "style",  "summary", "svg",
        "table",    "tbody", "td",     "text", "th",         "thead",   "title",  "tr",      "ul"};
    for (const char *at = markup; *at != '\0'; at++) {
        cr_assert(*at == '\n' || (unsigned char)*at >= 0x20);
        if (*at != '<')
            continue;
        const char *name = at + 1 + (at[1] == '/');
        const size_t length = strcspn(name, " >\n");
        size_t i = 0;
        while (i < sizeof(tags) / sizeof(tags[0]) &&
               (strlen(tags[i]) != length || strncmp(tags[i], name, length) != 0))
            i++;
        cr_assert_lt(i, sizeof(tags) / sizeof(tags[0]), "%.30s", at);
    }
    cr_assert_null(strstr(markup, "onload=\""));
    cr_assert_null(strstr(markup, "\xe2\x80\xae"));
}

Test(report_hostile, text_stays_text)
{
    for (size_t f = 1; f < MMN_LENGTH(data_files); f += f == 3 ? 2 : 1) {
        json_t *json = load(data_files[f]);
        attack(json, "");
        const char *file = save(json, "results.json");
        mmn_report *report = report_of(&file, 1);
        char *page = written(report, MMN_REPORT_HTML, NULL);
        is_tame(page);
        cr_assert_not_null(strstr(page, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39; onload"));
        mmn_free(page);
        for (size_t i = 0; i < mmn_report_figure_count(report); i++) {
            char *graphic = written(report, MMN_REPORT_SVG, mmn_report_figure_name(report, i));
            is_tame(graphic);
            mmn_free(graphic);
        }
        char *list = written(report, MMN_REPORT_MARKDOWN, NULL);
        cr_assert_null(strstr(list, "<script"));
        mmn_free(list);
        mmn_report_free(report);
        json_decref(json);
    }
}

/* Saves a neurons.json with the digest of the neurons that it now has, which the refusal of the
 * digest of those that it had tells. */
static const char *save_neurons(json_t *json, const char *name)
{
    cr_assert_eq(try(save(json, name)), MMN_INPUT);
    cr_assert_not_null(strstr(error.message, "is not that of the neurons listed"), "%s",
                       error.message);
    json_object_set_new(json, "digest", json_string(error.message + strlen(error.message) - 32));
    return save(json, name);
}

/* Gives every module of a neurons.json another domain, with the neurons of driving. */
static void add_domain(json_t *json, const char *name)
{
    const char *key;
    json_t *module;
    json_object_foreach(json_object_get(json, "modules"), key, module)
    {
        json_t *domains = json_object_get(module, "domains");
        json_object_set(domains, name, json_object_get(domains, "driving"));
    }
}

/* Of neurons.json domains are keys. */
Test(report_hostile, keys_stay_text)
{
    static const char attack[] = "<b onload='x'>&lt; ]]> --> \xe2\x80\xae|`";
    json_t *json = load(data_files[0]);
    add_domain(json, attack);
    const char *file = save_neurons(json, "results.json");
    mmn_report *report = report_of(&file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    is_tame(page);
    mmn_free(page);
    csv table = read_csv(report, "neurons");
    cr_assert_str_eq(field(&table, 0, 1), attack);
    free_csv(&table);
    mmn_report_free(report);
    json_decref(json);
}

Test(report_hostile, paths_need_not_be_utf8)
{
    json_t *json = load(data_files[0]);
    const char *file = save(json, "a\xff<b>.json");
    mmn_report *report = report_of(&file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    cr_assert_not_null(strstr(page, "a?&lt;b&gt;.json"));
    mmn_free(page);
    mmn_report_free(report);
    json_decref(json);
}

/* ---- Structure ------------------------------------------------------------------------------- */

/* What stands in the place of a value. */
static json_t *wrong_value(size_t kind)
{
    switch (kind) {
    case 0:
        return json_null();
    case 1:
        return json_integer(-1);
    case 2:
        return json_real(1e308);
    case 3:
        return json_string("x");
    case 4:
        return json_array();
    case 5:
        return json_object();
    case 6:
        return json_integer(INT64_MAX);
    default:
        return json_pack("[i, [n, s], {s:[]}]", 1, "y", "domains");
    }
}

enum { WRONG_VALUES = 8 };

static size_t tried, refused;

static void try_document(const json_t *document)
{
    const mmn_status status = try(save(document, "wrong.json"));
    cr_assert(status == MMN_OK || status == MMN_INPUT, "%d: %s", status, error.message);
    tried++;
    refused += status == MMN_INPUT;
}

/* Puts every wrong value in the place of every value, of arrays the first and last. */
static void break_all(json_t *document, json_t *value)
{
    const char *key;
    json_t *child;
    void *next;
    json_object_foreach_safe(value, next, key, child)
    {
        json_incref(child);
        for (size_t w = 0; w < WRONG_VALUES; w++) {
            json_object_set_new(value, key, wrong_value(w));
            try_document(document);
        }
        json_object_set(value, key, child);
        break_all(document, child);
        json_decref(child);
    }
    for (size_t i = 0; i < json_array_size(value); i += json_array_size(value)) {
        child = json_incref(json_array_get(value, i));
        for (size_t w = 0; w < WRONG_VALUES; w++) {
            json_array_set_new(value, i, wrong_value(w));
            try_document(document);
        }
        json_array_set(value, i, child);
        break_all(document, child);
        json_decref(child);
    }
}

/* Shortens the arrays, so that a document has little more than its structure. */
static void shorten(json_t *value)
{
    const char *key;
    json_t *child;
    size_t index;
    while (json_array_size(value) > 5 && json_is_object(json_array_get(value, 0)))
        json_array_remove(value, json_array_size(value) - 1);
    json_object_foreach(value, key, child) if (strcmp(key, "layers") != 0) shorten(child);
    json_array_foreach(value, index, child) shorten(child);
}

Test(report_hostile, broken_structures_are_refused)
{
    for (size_t f = 0; f < MMN_LENGTH(data_files); f++) {
        json_t *json = load(data_files[f]);
        shorten(json);
        tried = refused = 0;
        break_all(json, json);
        cr_assert_gt(tried, 150);
        cr_assert_gt(refused, tried / 8);
        json_decref(json);
    }
}

static void is_refused(const char *text, const char *message)
{
    const char *file = in_folder("results.json");
    cr_assert_eq(mmn_write_file(file, text, strlen(text), &error), MMN_OK);
    cr_assert_eq(try(file), MMN_INPUT, "%s", text);
    cr_assert_not_null(strstr(error.message, message), "%s", error.message);
}

Test(report_hostile, is_refused_with_a_reason)
{
    is_refused("", "JSON");
    is_refused("{\"format\":\"mmneuron-eval-1\",\"x\":\"\xff\"}", "decode byte 0xff");
    is_refused("[]", "must be a JSON object");
    is_refused("{}", "is missing");
    is_refused("{\"format\":\"mmneuron-verification-1\"}", "no result of rank");
    is_refused("{\"format\":\"mmneuron-eval-1\",\"summary\":[],\"cross\":[]}", "nothing to show");
    is_refused("{\"format\":\"mmneuron-eval-1\",\"domains\":[\"a\"],\"likelihood\":{\"cross\":[{"
               "\"setting\":\"all\",\"difference\":[[1,2]]}]}}",
               "must have a row and a column for each of 1 domains");
    is_refused("{\"format\":\"mmneuron-eval-1\",\"likelihood\":{\"summary\":[{\"domain\":\"a\"}]}}",
               "is missing");
    is_refused("{\"format\":\"mmneuron-eval-1\",\"bootstrap\":null,\"comparisons\":[{\"setting\":"
               "\"all\"}]}",
               "is missing");
    is_refused("{\"format\":\"mmneuron-neurons-1\",\"modules\":{\"<b>\":{\"layers\":2,"
               "\"neurons\":4,\"domains\":{\"a\":[]}}}}",
               "modules that hold neurons");
    is_refused("{\"format\":\"mmneuron-neurons-1\",\"modules\":{\"vision\":{\"layers\":2,"
               "\"neurons\":4,\"domains\":{\"</b>\":[]}}}}",
               "no domain can have");
    is_refused("{\"format\":\"mmneuron-neurons-1\",\"modules\":{\"vision\":{\"layers\":2,"
               "\"neurons\":4,\"inert\":[0,1,2],\"domains\":{\"a\":[]}}}}",
               "more layers");
    is_refused("{\"format\":\"mmneuron-neurons-1\",\"modules\":{\"vision\":{\"layers\":2,"
               "\"neurons\":4,\"domains\":{\"a\":[[0,4]]}}}}",
               "must be [layer, neuron]");
    is_refused("{\"format\":\"mmneuron-neurons-1\",\"modules\":{\"vision\":{\"layers\":2,"
               "\"neurons\":4,\"domains\":{\"a\":[[0,3],[0,3]]}}}}",
               "not behind");
    is_refused("{\"format\":\"mmneuron-lens-1\",\"samples\":[{\"id\":\"1\",\"activation\":"
               "{\"module\":\"vision\",\"grid\":[65536,65536],\"values\":[1]}}]}",
               "at most");
    is_refused("{\"format\":\"mmneuron-lens-1\",\"samples\":[{\"id\":\"1\",\"activation\":"
               "{\"module\":\"vision\",\"grid\":[1,2],\"values\":[1]}}]}",
               "must have 2 numbers");
    is_refused("{\"format\":\"mmneuron-sweep-1\",\"points\":[{\"rate\":0.1}]}", "is missing");
    is_refused(
        "{\"format\":\"mmneuron-similarity-1\",\"layers\":2,\"pairs\":[{\"setting\":\"none\","
        "\"off\":\"nothing\",\"domains\":[\"a\",\"b\"],\"parallel\":[1,1],\"other\":[0,0]}]}",
        "must have a number for the embeddings and one for each layer");
    is_refused(
        "{\"format\":\"mmneuron-similarity-1\",\"layers\":0,\"pairs\":[{\"setting\":\"none\","
        "\"off\":\"nothing\",\"domains\":[\"a\",\"b\"],\"parallel\":[1],\"other\":[0]}]}",
        "must be from 1 to 1024");
    is_refused("{\"format\":\"mmneuron-contrib-1\",\"words\":[{\"neurons\":[]}]}", "is missing");
    is_refused("{\"format\":\"mmneuron-contrib-1\",\"words\":[{\"text\":\"a\",\"neurons\":[{"
               "\"layer\":-1}]}]}",
               "must be");
    is_refused("{\"format\":\"mmneuron-contrib-1\",\"words\":[{\"text\":\"a\",\"neurons\":[{"
               "\"activations\":{\"module\":\"language\",\"grid\":[3,3],\"values\":[1]}}]}]}",
               "must have 9 numbers");
    is_refused("{\"format\":\"mmneuron-contrib-1\",\"words\":[{\"text\":\"a\",\"drops\":[{"
               "\"how\":\"off\",\"neurons\":\"top\",\"interval\":[1]}]}]}",
               "must have 2 numbers");
}

Test(report_hostile, huge_rankings_are_refused)
{
    json_t *json = load(data_files[0]);
    json_t *vision = json_object_get(json_object_get(json, "modules"), "vision");
    json_object_set_new(vision, "layers", json_integer(1025));
    cr_assert_eq(try(save_neurons(json, "results.json")), MMN_INPUT);
    cr_assert_not_null(strstr(error.message, "at most 1024"), "%s", error.message);
    json_object_set_new(vision, "layers", json_integer(1024));
    cr_assert_eq(try(save_neurons(json, "results.json")), MMN_OK, "%s", error.message);
    for (int i = 0; i < 60; i++) {
        char name[24];
        snprintf(name, sizeof(name), "domain %d", i);
        add_domain(json, name);
    }
    cr_assert_eq(try(save_neurons(json, "results.json")), MMN_INPUT);
    cr_assert_not_null(strstr(error.message, "64 domains"), "%s", error.message);
    json_decref(json);
}

Test(report_hostile, huge_arrays_are_refused)
{
    json_t *json = json_pack("{s:s, s:[]}", "format", "mmneuron-eval-1", "domains");
    json_t *summary = json_array();
    for (int i = 0; i < 65; i++) {
        char name[24];
        snprintf(name, sizeof(name), "domain %d", i);
        json_array_append_new(
            summary, json_pack("{s:s, s:s, s:f}", "setting", "all", "domain", name, "plain", 0.5));
    }
    json_object_set_new(json, "summary", summary);
    cr_assert_eq(try(save(json, "results.json")), MMN_INPUT);
    cr_assert_not_null(strstr(error.message, "64 domains"));
    json_array_clear(summary);
    for (int i = 0; i < 100001; i++)
        json_array_append_new(summary, json_object());
    cr_assert_eq(try(save(json, "results.json")), MMN_INPUT);
    cr_assert_not_null(strstr(error.message, "at most 100000"));
    json_decref(json);
}

/* Puts a number in the place of every one that is not whole. */
static void set_reals(json_t *value, double real)
{
    const char *key;
    json_t *child;
    size_t index;
    if (json_is_real(value))
        json_real_set(value, real);
    json_object_foreach(value, key, child) set_reals(child, real);
    json_array_foreach(value, index, child) set_reals(child, real);
}

/* Numbers at the ends of what there is, and differences that overflow, are shown as far as they
 * can be, and not as words that are no numbers. */
Test(report_hostile, extreme_likelihoods_are_shown)
{
    static const double extremes[] = {0, 1e308, -1e308, 5e-324};
    for (size_t i = 0; i < 2 * MMN_LENGTH(extremes); i++) {
        json_t *json = load(data_files[5]);
        set_reals(json, extremes[i / 2]);
        json_t *likelihood = json_object_get(json, "likelihood");
        json_t *summary = json_object_get(likelihood, "summary");
        json_t *cross = json_array_get(json_object_get(likelihood, "cross"), 0);
        if (i % 2 == 1) {
            json_object_set_new(json_array_get(summary, 0), "plain", json_real(-1e308));
            json_object_set_new(json_array_get(summary, 1), "domain_off", json_real(0.25));
            json_array_set_new(json_array_get(json_object_get(cross, "difference"), 0), 0,
                               json_real(-1e308));
        }
        const char *file = save(json, "results.json");
        mmn_report *report = report_of(&file, 1);
        char *page = written(report, MMN_REPORT_HTML, NULL);
        is_tame(page);
        cr_assert_null(strstr(page, "=\"\""));
        cr_assert_null(strstr(page, "nan"));
        cr_assert_null(strstr(page, ">inf"));
        mmn_free(page);
        mmn_report_free(report);
        json_decref(json);
    }
}

/* Numbers of lines, too, whose scale may not be finite. */
Test(report_hostile, extreme_lines_are_shown)
{
    static const double extremes[] = {0, 1e308, -1e308, 5e-324};
    for (size_t f = 6; f < MMN_LENGTH(data_files); f++)
        for (size_t i = 0; i < 2 * MMN_LENGTH(extremes); i++) {
            static const char *const places[][2] = {{"runs", "nats"}, {"pairs", "other"}};
            json_t *json = load(data_files[f]);
            set_reals(json, extremes[i / 2]);
            json_t *row = json_array_get(json_object_get(json, places[f - 6][0]), 0);
            if (i % 2 == 1 && f == 6)
                json_object_set_new(row, places[0][1], json_real(-1e308));
            else if (i % 2 == 1)
                json_array_set_new(json_object_get(row, places[1][1]), 0, json_real(-1e308));
            const char *file = save(json, "results.json");
            mmn_report *report = report_of(&file, 1);
            char *page = written(report, MMN_REPORT_HTML, NULL);
            is_tame(page);
            cr_assert_null(strstr(page, "=\"\""));
            cr_assert_null(strstr(page, "nan"));
            cr_assert_null(strstr(page, ">inf"));
            mmn_free(page);
            mmn_report_free(report);
            json_decref(json);
        }
}

/* What shows something and lacks the numbers of it states nothing. */
Test(report_hostile, statements_need_numbers)
{
    for (int without = 0; without < 2; without++) {
        json_t *json = load(data_files[5]), *comparison;
        size_t index;
        json_array_foreach(json_object_get(json, "comparisons"), index, comparison) if (without)
            json_object_set_new(comparison, "difference", json_null());
        const char *file = save(json, "results.json");
        mmn_report *report = report_of(&file, 1);
        char *page = written(report, MMN_REPORT_HTML, NULL);
        cr_assert_eq(strstr(page, ": ln p per token is ") != NULL, !without);
        cr_assert_not_null(strstr(page, "too few samples, 8, to show anything"));
        mmn_free(page);
        mmn_report_free(report);
        json_decref(json);
    }
}

/* A picture is embedded only if it is one. */
Test(report_hostile, other_files_are_no_pictures)
{
    json_t *json = load(data_files[3]);
    json_t *samples = json_object_get(json, "samples");
    json_t *images = json_object_get(json_array_get(samples, 0), "images");
    json_array_set_new(images, 0, json_string("/etc/passwd"));
    const char *file = save(json, "results.json");
    mmn_report *report = report_of(&file, 1);
    char *page = written(report, MMN_REPORT_HTML, NULL);
    cr_assert_null(strstr(page, ";base64,"));
    cr_assert_not_null(strstr(page, "Its picture is not shown: /etc/passwd"));
    mmn_free(page);
    mmn_report_free(report);
    json_decref(json);
}

/* A stranger's result does not fetch pictures from elsewhere; the caller's folder does. */
Test(report_hostile, pictures_elsewhere_are_not_shown)
{
    static const char picture[] = MMN_SOURCE_DIR "/golden/images/cat.jpg";
    const mmn_report_options given = {.size = sizeof(given),
                                      .images = MMN_SOURCE_DIR "/golden/images"};
    json_t *json = load(data_files[3]);
    json_t *samples = json_object_get(json, "samples");
    json_t *images = json_object_get(json_array_get(samples, 0), "images");
    json_object_set_new(json_object_get(json, "settings"), "list", json_string("/proc/none.jsonl"));
    json_array_clear(images);
    json_array_append_new(images, json_string(picture));
    const char *file = save(json, "results.json");
    for (int allowed = 0; allowed < 2; allowed++) {
        mmn_report *report;
        cr_assert_eq(mmn_report_read(&report, &file, 1, allowed ? &given : NULL, &error), MMN_OK);
        char *page = written(report, MMN_REPORT_HTML, NULL);
        cr_assert_eq(strstr(page, ";base64,") != NULL, allowed);
        cr_assert_eq(strstr(page, "was not found in the folder of the list") != NULL, !allowed);
        mmn_free(page);
        mmn_report_free(report);
    }
    json_decref(json);
}

Test(report_hostile, memory_may_be_short)
{
    mmn_report *report;
    size_t failures = 0;
    for (unsigned long number = 1; number < 100000; number += 1 + number / 8) {
        fail_allocation_at(number);
        const mmn_status status = mmn_report_read(&report, data_files, 4, NULL, &error);
        fail_allocation_at(0);
        cr_assert(status == MMN_OK || status == MMN_SYSTEM, "%lu: %s", number, error.message);
        failures += status == MMN_SYSTEM;
        mmn_report_free(report);
    }
    cr_assert_gt(failures, 30);
}
