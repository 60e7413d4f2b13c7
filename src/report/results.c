/* The result files that a report is made of, told apart by what they say of themselves. */
#include "report/results.h"

#include <string.h>

#include "base/file.h"
#include "base/file_kind.h"
#include "base/json_memory.h"
#include "base/memory.h"
#include "report/values.h"

/* JSON of results may be this large: predictions of a thousand samples take a few megabytes. */
#define RESULT_LIMIT ((size_t)256 << 20)

static const char *const kind_names[] = {"counts", "neurons", "eval", "perplexity", "perturb",
                                         "lens", "contrib"};
static const char *const formats[] = {"mmneuron-counts-2", "mmneuron-neurons-1",
                                      "mmneuron-eval-1", "mmneuron-perplexity-1",
                                      "mmneuron-perturb-1", "mmneuron-lens-1",
                                      "mmneuron-contrib-1"};

const char *mmn_result_kind_name(mmn_result_kind kind)
{
    return kind_names[kind];
}

mmn_status mmn_results_domain(size_t *number, mmn_results *results, const char *name,
                              const mmn_json_object *object, mmn_error *error)
{
    for (size_t d = 0; d < results->domain_count; d++)
        if (strcmp(results->domains[d], name) == 0) {
            *number = d;
            return MMN_OK;
        }
    if (results->domain_count == MMN_REPORT_DOMAINS)
        return mmn_json_fail(object, "domain", error,
                             "is one more than the %d domains that a report shows",
                             MMN_REPORT_DOMAINS);
    *number = results->domain_count;
    results->domains[results->domain_count++] = name;
    return MMN_OK;
}

/* Safetensors begin with a length of 8 bytes below 2^32; JSON has no zero bytes. */
static mmn_status is_counts(bool *counts, const char *file, mmn_error *error)
{
    static const uint8_t zeros[4];
    mmn_mapping mapping;
    mmn_status status = mmn_map_file(&mapping, file, error);
    *counts = status == MMN_OK && mapping.size >= 8 && memcmp(mapping.data + 4, zeros, 4) == 0;
    if (status == MMN_OK)
        mmn_unmap(&mapping);
    return status;
}

/* Fills the result's names; a path that is no UTF-8 is shown with question marks. */
static mmn_status name_result(mmn_result_file *result, const char *file, mmn_error *error)
{
    result->file = mmn_copy_text(file, error);
    result->name = mmn_copy_text(file, error);
    if (!result->file || !result->name)
        return MMN_SYSTEM;
    unsigned long failures = mmn_json_failures();
    json_t *text = json_string(file);
    if (mmn_json_failures() != failures)
        return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "out of memory");
    for (char *at = result->name; !text && *at != '\0'; at++)
        *at = (unsigned char)*at < 0x80 ? *at : '?';
    json_decref(text);
    return MMN_OK;
}

/* The place for another result of this kind. */
static mmn_status take_place(mmn_result_file **result, mmn_results *results, mmn_result_kind kind,
                             const char *file, mmn_error *error)
{
    *result = &results->of[kind];
    if ((*result)->file)
        return mmn_fail(error, MMN_USAGE, file, NULL,
                        "is a second %s result beside %s; a report shows one of each kind",
                        kind_names[kind], (*result)->file);
    return name_result(*result, file, error);
}

static mmn_status view_document(mmn_result_file *result, mmn_error *error)
{
    result->version = result->model = result->neurons = "";
    mmn_status status = mmn_json_as_object(&result->top, result->document, result->file, error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&result->version, &result->top, "version", error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&result->model, &result->top, "model", error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&result->neurons, &result->top, "neurons", error);
    return status;
}

/* Of neurons.json, whose facts have other places. */
static mmn_status view_neurons(mmn_result_file *result, mmn_error *error)
{
    mmn_json_object counts;
    mmn_status status = view_document(result, error);
    if (status == MMN_OK)
        status = mmn_json_get_object(&counts, &result->top, "counts", error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&result->version, &counts, "version", error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&result->model, &counts, "model", error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&result->neurons, &result->top, "digest", error);
    return status;
}

static mmn_status read_json(mmn_results *results, const char *file, mmn_error *error)
{
    json_t *document;
    mmn_json_object top;
    const char *format = "";
    mmn_status status = mmn_json_load(&document, file, RESULT_LIMIT, error);
    if (status != MMN_OK)
        return status;
    status = mmn_json_as_object(&top, document, file, error);
    if (status == MMN_OK)
        status = mmn_values_text(&format, &top, "format", error);
    size_t kind = MMN_RESULT_NEURONS;
    while (status == MMN_OK && kind < MMN_RESULT_KINDS && strcmp(format, formats[kind]) != 0)
        kind++;
    if (status == MMN_OK && kind == MMN_RESULT_KINDS)
        status = mmn_json_fail(&top, "format", error,
                               "is \"%.40s\", which is no result of rank, eval, perturb, lens or contrib",
                               format);
    mmn_result_file *result;
    if (status == MMN_OK)
        status = take_place(&result, results, (mmn_result_kind)kind, file, error);
    if (status != MMN_OK) {
        json_decref(document);
        return status;
    }
    result->document = document;
    return kind == MMN_RESULT_NEURONS ? view_neurons(result, error) : view_document(result, error);
}

/* The rule of neurons.json, so that the counts are ranked as the neurons were. */
static mmn_status read_rule(mmn_rank_options *options, const mmn_result_file *neurons,
                            mmn_error *error)
{
    mmn_json_object settings;
    const char *arithmetic = "binary64";
    if (!neurons->file)
        return MMN_OK;
    mmn_status status = mmn_json_get_object(&settings, &neurons->top, "settings", error);
    if (status == MMN_OK)
        status = mmn_json_get_f64(&options->bar, &settings, "bar", 1e-9, 1, error);
    if (status == MMN_OK)
        status = mmn_json_get_f64(&options->assignment_bar, &settings, "assignment_bar", 1e-9, 1,
                                  error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&arithmetic, &settings, "arithmetic", error);
    options->float32 = strcmp(arithmetic, "binary32") == 0;
    return status;
}

/* neurons.json as `rank` would make it of the counts. */
static mmn_status rank_counts(mmn_results *results, mmn_error *error)
{
    mmn_result_file *neurons = &results->of[MMN_RESULT_NEURONS];
    mmn_result_file *counts = &results->of[MMN_RESULT_COUNTS];
    mmn_result *ranking;
    const mmn_rank_options options = {.allow_nonfinite = 1}; /* which the report says */
    mmn_status status = mmn_rank(&ranking, counts->file, &options, error);
    if (status != MMN_OK)
        return status;
    status = mmn_result_json(ranking, &results->ranked, error);
    mmn_result_free(ranking);
    if (status == MMN_OK)
        status = mmn_json_parse(&neurons->document, results->ranked, strlen(results->ranked),
                                counts->file, error);
    if (status == MMN_OK)
        status = name_result(neurons, counts->file, error);
    return status == MMN_OK ? view_neurons(neurons, error) : status;
}

static mmn_status rank_all(mmn_results *results, mmn_error *error)
{
    mmn_result_file *counts = &results->of[MMN_RESULT_COUNTS];
    mmn_rank_options options = {.rate = 1, .allow_nonfinite = 1};
    mmn_status status = MMN_OK;
    if (!counts->file)
        return MMN_OK;
    if (!results->of[MMN_RESULT_NEURONS].file)
        status = rank_counts(results, error);
    if (status == MMN_OK)
        status = read_rule(&options, &results->of[MMN_RESULT_NEURONS], error);
    if (status == MMN_OK)
        status = mmn_ranking_make(&results->ranking, counts->file, &options, error);
    if (status != MMN_OK)
        return status;
    counts->version = results->ranking->version;
    counts->model = results->ranking->model;
    counts->neurons = "";
    return MMN_OK;
}

/* The domains that a document lists, so that colours follow the order of the first file. */
static mmn_status list_domains(mmn_results *results, const mmn_json_object *top, mmn_error *error)
{
    json_t *array;
    mmn_status status = mmn_values_array(&array, top, "domains", MMN_REPORT_DOMAINS, error);
    for (size_t i = 0; i < json_array_size(array) && status == MMN_OK; i++) {
        size_t number;
        const char *name = json_string_value(json_array_get(array, i));
        if (!name)
            return mmn_json_fail(top, "domains", error, "item %zu must be a text", i);
        status = mmn_results_domain(&number, results, name, top, error);
    }
    return status;
}

/* The neurons, as far as a report can show them. */
static mmn_status read_neurons(mmn_results *results, mmn_error *error)
{
    const mmn_json_object *top = &results->of[MMN_RESULT_NEURONS].top;
    mmn_status status = mmn_neuron_lists_from_json(&results->lists, top, error);
    if (status != MMN_OK)
        return status;
    for (size_t m = 0; m < results->lists->module_count; m++)
        if (results->lists->modules[m].layers > MMN_REPORT_LAYERS)
            return mmn_json_fail(top, "modules", error,
                                 "has %u layers in %s; a report shows at most %d",
                                 results->lists->modules[m].layers,
                                 results->lists->modules[m].name, MMN_REPORT_LAYERS);
    for (size_t d = 0; d < results->lists->domain_count && status == MMN_OK; d++)
        status = mmn_results_domain(&results->listed[d], results, results->lists->domains[d], top,
                                    error);
    return status;
}

static mmn_status read_all(mmn_results *results, const char *const *files, size_t count,
                           mmn_error *error)
{
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < count && status == MMN_OK; i++) {
        bool counts;
        mmn_result_file *result;
        status = is_counts(&counts, files[i], error);
        if (status == MMN_OK && counts)
            status = take_place(&result, results, MMN_RESULT_COUNTS, files[i], error);
        else if (status == MMN_OK)
            status = read_json(results, files[i], error);
        status = mmn_file_kind_explain(error, status, files[i], MMN_KIND_RESULT);
    }
    if (status == MMN_OK)
        status = rank_all(results, error);
    for (size_t kind = MMN_RESULT_EVAL; kind < MMN_RESULT_KINDS && status == MMN_OK; kind++)
        if (results->of[kind].document)
            status = list_domains(results, &results->of[kind].top, error);
    if (status == MMN_OK && results->of[MMN_RESULT_NEURONS].document)
        status = read_neurons(results, error);
    return status;
}

mmn_status mmn_results_read(mmn_results *results, const char *const *files, size_t count,
                            const char *images, mmn_error *error)
{
    *results = (mmn_results){0};
    mmn_status status = MMN_OK;
    if (images && !(results->images = mmn_copy_text(images, error)))
        status = MMN_SYSTEM;
    if (status == MMN_OK)
        status = read_all(results, files, count, error);
    if (status != MMN_OK)
        mmn_results_free(results);
    return status;
}

void mmn_results_free(mmn_results *results)
{
    for (size_t kind = 0; kind < MMN_RESULT_KINDS; kind++) {
        mmn_free(results->of[kind].file);
        mmn_free(results->of[kind].name);
        json_decref(results->of[kind].document);
    }
    mmn_ranking_free(results->ranking);
    mmn_free(results->ranked);
    mmn_neuron_lists_free(results->lists);
    mmn_free(results->images);
    *results = (mmn_results){0};
}
