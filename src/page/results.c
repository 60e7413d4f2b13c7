/* The result files that a report is made of, told apart by what they say of themselves. */
#include "page/results.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/file_kind.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/reader.h"
#include "base/utf8.h"
#include "result/result.h"
#include "study/result_forms.h"

/* Of counts, which are no JSON, there is no form. */
static const struct {
    const char *name;
    const mmn_form *form;
    const char *title; /* of a page of such results alone; NULL: they are about neurons */
} kinds[MMN_RESULT_KINDS] = {
    [MMN_RESULT_COUNTS] = {"counts", NULL, NULL},
    [MMN_RESULT_NEURONS] = {"neurons", &mmn_ranking_form, NULL},
    [MMN_RESULT_EVAL] = {"eval", &mmn_evaluation_form, NULL},
    [MMN_RESULT_PERPLEXITY] = {"perplexity", &mmn_perplexity_form, NULL},
    [MMN_RESULT_PERTURB] = {"perturb", &mmn_perturbation_form, NULL},
    [MMN_RESULT_LENS] = {"lens", &mmn_lens_form, NULL},
    [MMN_RESULT_CONTRIBUTIONS] = {"contrib", &mmn_contributions_form, NULL},
    [MMN_RESULT_CONTRIBUTION_LIST] = {"contrib of a list", &mmn_contribution_list_form, NULL},
    [MMN_RESULT_DETECT] = {"detect", &mmn_detect_form, "What was found in a picture"},
    [MMN_RESULT_LOCATE] = {"locate", &mmn_locate_form, "Where a word is seen"},
    [MMN_RESULT_HALLUCINATIONS] = {"hallucinations", &mmn_hallucinations_form, "Hallucinations"},
    [MMN_RESULT_BIAS] = {"bias", &mmn_bias_form, "Bias"},
    [MMN_RESULT_EDITS] = {"edits", &mmn_edits_form, "Edited answers"},
    [MMN_RESULT_SWEEP] = {"sweep", &mmn_sweep_form, NULL},
    [MMN_RESULT_SIMILARITY] = {"similarity", &mmn_similarity_form, NULL},
    [MMN_RESULT_ENCODE] = {"encode", &mmn_encode_form, "Predicted recordings"}};

const char *mmn_result_kind_name(mmn_result_kind kind)
{
    return kinds[kind].name;
}

size_t mmn_results_domain(const mmn_results *results, const char *name)
{
    size_t number = 0;
    while (number < results->domain_count && strcmp(results->domains[number], name) != 0)
        number++;
    return number;
}

/* Numbers a domain that has no number yet. `name` must live as long as the results. */
static mmn_status add_domain(mmn_results *results, const char *name, const char *file,
                             mmn_error *error)
{
    if (mmn_results_domain(results, name) < results->domain_count)
        return MMN_OK;
    if (results->domain_count == MMN_REPORT_DOMAINS)
        return mmn_fail(error, MMN_INPUT, file, "domain",
                        "is one more than the %d domains that a report shows", MMN_REPORT_DOMAINS);
    results->domains[results->domain_count++] = name;
    return MMN_OK;
}

/* ---- Files ----------------------------------------------------------------------------------- */

/* Safetensors begin with a length of 8 bytes below 2^32; JSON has no zero bytes. */
static mmn_status is_counts(bool *counts, const char *file, mmn_error *error)
{
    static const uint8_t zeros[4];
    mmn_mapping mapping;
    MMN_TRY(mmn_map_file(&mapping, file, error));
    *counts = mapping.size >= 8 && memcmp(mapping.data + 4, zeros, 4) == 0;
    mmn_unmap(&mapping);
    return MMN_OK;
}

/* Fills the result's names; a path that is no UTF-8 is shown with question marks. */
static mmn_status name_result(mmn_result_file *result, const char *file, mmn_error *error)
{
    const size_t length = strlen(file);
    const bool is_utf8 = mmn_utf8_valid_prefix(file, length) == length;
    result->file = mmn_copy_text(file, error);
    result->name = mmn_copy_text(file, error);
    MMN_NEED(result->file && result->name);
    for (char *at = result->name; !is_utf8 && *at != '\0'; at++)
        *at = (unsigned char)*at < 0x80 ? *at : '?';
    return MMN_OK;
}

/* The place for another result of this kind, in the first set that has none. */
static mmn_status take_place(mmn_result_file **result, mmn_result_sets *sets, mmn_result_kind kind,
                             const char *file, mmn_error *error)
{
    size_t set = 0;
    while (set < sets->count && sets->list[set].of[kind].file)
        set++;
    MMN_TRY(MMN_RESERVE(sets->list, sets->capacity, set + 1, error));
    if (set == sets->count)
        sets->list[sets->count++] = (mmn_results){0};
    *result = &sets->list[set].of[kind];
    return name_result(*result, file, error);
}

static const char *text_of(const mmn_result *result, const char *column)
{
    const char *text = mmn_result_text(result, "result", 0, column);
    return text ? text : "";
}

/* Of a result other than neurons.json. */
static mmn_status view_result(mmn_result_file *file, const mmn_form *form, mmn_error *error)
{
    MMN_TRY(mmn_result_from_json(&file->result, form, file->document, file->file, error));
    file->version = text_of(file->result, "version");
    file->model = text_of(file->result, "model");
    file->neurons = text_of(file->result, "neurons");
    if (form == &mmn_evaluation_form)
        mmn_evaluation_state(file->result);
    return MMN_OK;
}

/* Of neurons.json, whose facts have other places. */
static mmn_status view_neurons(mmn_result_file *result, mmn_error *error)
{
    mmn_reader reader = {.error = error};
    const mmn_object top = mmn_read_document(&reader, result->document, result->file);
    const mmn_object counts = mmn_read_object(&top, "counts");
    result->version = result->model = result->neurons = "";
    mmn_read_text(&result->version, &counts, "version");
    mmn_read_text(&result->model, &counts, "model");
    mmn_read_text(&result->neurons, &top, "digest");
    return reader.status;
}

/* Takes the document of a file, which belongs to the sets then, or is freed. */
static mmn_status take_document(mmn_result_sets *sets, json_t *document, const char *format,
                                const char *file, mmn_error *error)
{
    mmn_result_file *result = NULL;
    size_t kind = MMN_RESULT_NEURONS;
    while (kind < MMN_RESULT_KINDS && strcmp(format, kinds[kind].form->format) != 0)
        kind++;
    mmn_status status =
        kind < MMN_RESULT_KINDS
            ? take_place(&result, sets, (mmn_result_kind)kind, file, error)
            : mmn_result_refuse_format(
                  format,
                  "rank, eval, perturb, lens, contrib, edits, detect, locate, hallucinations, "
                  "bias, sweep, similarity or encode",
                  file, error);
    if (status != MMN_OK) {
        json_decref(document);
        return status;
    }
    result->document = document;
    return kind == MMN_RESULT_NEURONS ? view_neurons(result, error)
                                      : view_result(result, kinds[kind].form, error);
}

static mmn_status read_json(mmn_result_sets *sets, const char *file, mmn_error *error)
{
    json_t *document;
    const char *format;
    MMN_TRY(mmn_result_load(&document, &format, file, error));
    return take_document(sets, document, format, file, error);
}

static mmn_status read_file(mmn_result_sets *sets, const char *file, mmn_error *error)
{
    bool counts;
    mmn_result_file *result;
    MMN_TRY(is_counts(&counts, file, error));
    return counts ? take_place(&result, sets, MMN_RESULT_COUNTS, file, error)
                  : read_json(sets, file, error);
}

/* ---- Counts ---------------------------------------------------------------------------------- */

/* The rule of neurons.json, so that the counts are ranked as the neurons were. */
static mmn_status read_rule(mmn_rank_options *options, const mmn_result_file *neurons,
                            mmn_error *error)
{
    mmn_reader reader = {.error = error};
    const char *arithmetic = "binary64";
    const mmn_object top = mmn_read_document(&reader, neurons->document, neurons->file);
    const mmn_object settings = mmn_read_object(&top, "settings");
    mmn_read_f64(&options->bar, &settings, "bar", 1e-9, 1);
    mmn_read_f64(&options->assignment_bar, &settings, "assignment_bar", 1e-9, 1);
    mmn_read_text(&arithmetic, &settings, "arithmetic");
    options->float32 = strcmp(arithmetic, "binary32") == 0;
    return reader.status;
}

/* neurons.json as `rank` would make it of the counts. */
static mmn_status rank_counts(mmn_results *results, mmn_error *error)
{
    mmn_result_file *neurons = &results->of[MMN_RESULT_NEURONS];
    const char *counts = results->of[MMN_RESULT_COUNTS].file;
    mmn_result *ranking;
    const mmn_rank_options options = {.size = sizeof(options),
                                      .allow_nonfinite = 1}; /* which the report says */
    MMN_TRY(mmn_rank(&ranking, counts, &options, error));
    mmn_status status = mmn_result_json(ranking, &results->ranked, error);
    mmn_result_free(ranking);
    MMN_TRY(status);
    MMN_TRY(mmn_json_parse(&neurons->document, results->ranked, strlen(results->ranked), counts,
                           error));
    MMN_TRY(name_result(neurons, counts, error));
    return view_neurons(neurons, error);
}

static mmn_status rank_all(mmn_results *results, mmn_error *error)
{
    mmn_result_file *counts = &results->of[MMN_RESULT_COUNTS];
    mmn_rank_options options = {.size = sizeof(options), .rate = 1, .allow_nonfinite = 1};
    if (!results->of[MMN_RESULT_NEURONS].file)
        MMN_TRY(rank_counts(results, error));
    MMN_TRY(read_rule(&options, &results->of[MMN_RESULT_NEURONS], error));
    MMN_TRY(mmn_neurons_rank_file(&results->ranking, counts->file, &options, error));
    counts->version = results->ranking->version;
    counts->model = results->ranking->model;
    counts->neurons = "";
    return MMN_OK;
}

/* ---- What the figures need ------------------------------------------------------------------- */

/* How many rows a table has at most (0: any number), and a column that says something in each
 * row. */
typedef struct need {
    mmn_result_kind kind;
    const char *table, *column;
    size_t most;
} need;

static const need needs[] = {{MMN_RESULT_EVAL, "summary", "domain", MMN_REPORT_ITEMS},
                             {MMN_RESULT_EVAL, "summary", "setting", 0},
                             {MMN_RESULT_EVAL, "cross", "setting", MMN_REPORT_DOMAINS},
                             {MMN_RESULT_EVAL, "likelihood_summary", "domain", MMN_REPORT_ITEMS},
                             {MMN_RESULT_EVAL, "likelihood_summary", "setting", 0},
                             {MMN_RESULT_EVAL, "likelihood_cross", "setting", MMN_REPORT_DOMAINS},
                             {MMN_RESULT_EVAL, "comparisons", "domain", MMN_REPORT_ITEMS},
                             {MMN_RESULT_EVAL, "comparisons", "setting", 0},
                             {MMN_RESULT_EVAL, "changes", "domain", MMN_REPORT_ITEMS},
                             {MMN_RESULT_EVAL, "changes", "setting", 0},
                             {MMN_RESULT_EVAL, "changes", "neurons_of", 0},
                             {MMN_RESULT_EVAL, "cases", "id", MMN_REPORT_ITEMS},
                             {MMN_RESULT_EVAL, "cases", "question", 0},
                             {MMN_RESULT_EVAL, "cases", "before", 0},
                             {MMN_RESULT_EVAL, "cases", "after", 0},
                             {MMN_RESULT_EVAL, "images", "file", 0},
                             {MMN_RESULT_EVAL, "choices", "choice", 0},
                             {MMN_RESULT_EVAL, "right_answers", "right", 0},
                             {MMN_RESULT_PERPLEXITY, "summary", "domain", MMN_REPORT_DOMAINS},
                             {MMN_RESULT_PERTURB, "curves", "domain", MMN_REPORT_CURVES},
                             {MMN_RESULT_PERTURB, "curves", "setting", 0},
                             {MMN_RESULT_PERTURB, "curves", "off", 0},
                             {MMN_RESULT_LENS, "curves", "domain", MMN_REPORT_CURVES},
                             {MMN_RESULT_LENS, "curves", "stage", 0},
                             {MMN_RESULT_LENS, "words", "word", 0},
                             {MMN_RESULT_LENS, "three_stages", "domain", MMN_REPORT_DOMAINS},
                             {MMN_RESULT_LENS, "samples", "id", MMN_REPORT_ITEMS},
                             {MMN_RESULT_LENS, "images", "file", 0},
                             {MMN_RESULT_LENS, "positions", "kind", 0},
                             {MMN_RESULT_LENS, "position_words", "word", 0},
                             {MMN_RESULT_LENS, "nearest_words", "word", 0},
                             {MMN_RESULT_CONTRIBUTIONS, "images", "file", 0},
                             {MMN_RESULT_CONTRIBUTIONS, "words", "text", MMN_REPORT_ITEMS},
                             {MMN_RESULT_CONTRIBUTIONS, "names", "word", 0},
                             {MMN_RESULT_CONTRIBUTIONS, "drops", "how", 0},
                             {MMN_RESULT_CONTRIBUTIONS, "drops", "neurons", 0},
                             {MMN_RESULT_CONTRIBUTION_LIST, "summary", "order", MMN_REPORT_ITEMS},
                             {MMN_RESULT_CONTRIBUTION_LIST, "drops", "how", MMN_REPORT_ITEMS},
                             {MMN_RESULT_CONTRIBUTION_LIST, "drops", "neurons", 0},
                             {MMN_RESULT_DETECT, "result", "image", 0},
                             {MMN_RESULT_DETECT, "detections", "query", MMN_REPORT_ITEMS},
                             {MMN_RESULT_DETECT, "queries", "text", MMN_REPORT_CURVES},
                             {MMN_RESULT_LOCATE, "result", "image", 0},
                             {MMN_RESULT_LOCATE, "result", "answer", 0},
                             {MMN_RESULT_LOCATE, "perturbations", "from", MMN_REPORT_POINTS},
                             {MMN_RESULT_LOCATE, "perturbations", "to", 0},
                             {MMN_RESULT_LOCATE, "perturbations", "answer", 0},
                             {MMN_RESULT_HALLUCINATIONS, "summary", "answer", MMN_REPORT_CURVES},
                             {MMN_RESULT_HALLUCINATIONS, "hallucinations", "id", MMN_REPORT_ITEMS},
                             {MMN_RESULT_HALLUCINATIONS, "hallucinations", "class", 0},
                             {MMN_RESULT_HALLUCINATIONS, "hallucinations", "answer", 0},
                             {MMN_RESULT_HALLUCINATIONS, "hallucinations", "image", 0},
                             {MMN_RESULT_BIAS, "result", "from", 0},
                             {MMN_RESULT_BIAS, "result", "to", 0},
                             {MMN_RESULT_EDITS, "summary", "method", MMN_REPORT_ITEMS},
                             {MMN_RESULT_EDITS, "summary", "chosen", 0},
                             {MMN_RESULT_EDITS, "summary", "measure", 0},
                             {MMN_RESULT_SWEEP, "points", "setting", MMN_REPORT_POINTS},
                             {MMN_RESULT_SWEEP, "runs", "domain", MMN_REPORT_ITEMS},
                             {MMN_RESULT_SIMILARITY, "pairs", "first", MMN_REPORT_ITEMS},
                             {MMN_RESULT_SIMILARITY, "pairs", "second", 0},
                             {MMN_RESULT_SIMILARITY, "pairs", "setting", 0},
                             {MMN_RESULT_SIMILARITY, "pairs", "off", 0},
                             {MMN_RESULT_SIMILARITY, "neurons", "domain", MMN_REPORT_CURVES},
                             {MMN_RESULT_SIMILARITY, "neurons", "setting", 0},
                             {MMN_RESULT_ENCODE, "alignments", "alignment", MMN_REPORT_DOMAINS},
                             {MMN_RESULT_ENCODE, "models", "model", MMN_REPORT_CURVES},
                             {MMN_RESULT_ENCODE, "layers", "name", MMN_REPORT_ITEMS},
                             {MMN_RESULT_ENCODE, "tests", "test", MMN_REPORT_CURVES}};

static mmn_status check_need(mmn_results *results, const need *needed, mmn_error *error)
{
    const mmn_result_file *file = &results->of[needed->kind];
    const size_t rows = mmn_result_rows(file->result, needed->table);
    static const char *const domains[] = {"domain", "first", "second"};
    const bool is_domain = MMN_NAME_INDEX(needed->column, domains) < MMN_LENGTH(domains);
    if (needed->most > 0 && rows > needed->most)
        return mmn_fail(error, MMN_INPUT, file->file, needed->table,
                        "has %zu items; a report shows at most %zu", rows, needed->most);
    for (size_t row = 0; row < rows; row++) {
        const char *text = mmn_result_text(file->result, needed->table, row, needed->column);
        char where[64];
        snprintf(where, sizeof(where), "%s[%zu].%s", needed->table, row, needed->column);
        if (!text)
            return mmn_fail(error, MMN_INPUT, file->file, where, "is missing");
        if (is_domain)
            MMN_TRY(add_domain(results, text, file->file, error));
    }
    return MMN_OK;
}

/* The domains that a result lists, so that colours follow the order of the first file. */
static mmn_status list_domains(mmn_results *results, const mmn_result_file *file, mmn_error *error)
{
    for (size_t i = 0; i < mmn_result_rows(file->result, "domains"); i++) {
        const char *name = mmn_result_text(file->result, "domains", i, "name");
        if (!name)
            return mmn_fail(error, MMN_INPUT, file->file, "domains", "item %zu must be a text", i);
        MMN_TRY(add_domain(results, name, file->file, error));
    }
    return MMN_OK;
}

/* The neurons, as far as a report can show them. */
static mmn_status read_neurons(mmn_results *results, mmn_error *error)
{
    const mmn_result_file *neurons = &results->of[MMN_RESULT_NEURONS];
    MMN_TRY(mmn_neurons_from_json(&results->lists, neurons->document, neurons->file, error));
    for (size_t m = 0; m < results->lists->module_count; m++)
        if (results->lists->modules[m].layers > MMN_REPORT_LAYERS)
            return mmn_fail(error, MMN_INPUT, neurons->file, "modules",
                            "has %u layers in %s; a report shows at most %d",
                            results->lists->modules[m].layers, results->lists->modules[m].name,
                            MMN_REPORT_LAYERS);
    for (size_t d = 0; d < results->lists->domain_count; d++)
        MMN_TRY(add_domain(results, results->lists->domains[d], neurons->file, error));
    return MMN_OK;
}

/* What the files of a set give, which have been read. */
static mmn_status fill_set(mmn_results *results, const char *images, mmn_error *error)
{
    if (images && !(results->images = mmn_copy_text(images, error)))
        return MMN_SYSTEM;
    if (results->of[MMN_RESULT_COUNTS].file)
        MMN_TRY(rank_all(results, error));
    for (size_t kind = MMN_RESULT_EVAL; kind < MMN_RESULT_KINDS; kind++)
        MMN_TRY(list_domains(results, &results->of[kind], error));
    if (results->of[MMN_RESULT_NEURONS].document)
        MMN_TRY(read_neurons(results, error));
    for (size_t i = 0; i < MMN_LENGTH(needs); i++)
        MMN_TRY(check_need(results, &needs[i], error));
    return MMN_OK;
}

/* Of all sets, whose files have been read. */
static mmn_status fill_sets(mmn_result_sets *sets, const char *images, mmn_error *error)
{
    for (size_t set = 0; set < sets->count; set++) {
        mmn_results *results = &sets->list[set];
        if (set > 0) { /* whose domains' names are the sets' before it */
            memcpy(results->domains, results[-1].domains, sizeof(results->domains));
            results->domain_count = results[-1].domain_count;
        }
        MMN_TRY(fill_set(results, images, error));
    }
    return MMN_OK;
}

mmn_status mmn_result_sets_read(mmn_result_sets *sets, const char *const *files, size_t count,
                                const char *images, mmn_error *error)
{
    for (size_t i = 0; i < count; i++)
        MMN_TRY(mmn_file_kind_explain(error, read_file(sets, files[i], error), files[i],
                                      MMN_KIND_RESULT));
    return fill_sets(sets, images, error);
}

mmn_status mmn_result_sets_take(mmn_result_sets *sets, const mmn_result *result, const char *images,
                                mmn_error *error)
{
    const char *format = result->form->format;
    char *text;
    json_t *document;
    MMN_TRY(mmn_result_json(result, &text, error));
    mmn_status status = mmn_json_parse(&document, text, strlen(text), format, error);
    mmn_free(text);
    MMN_TRY(status);
    MMN_TRY(take_document(sets, document, format, format, error));
    return fill_sets(sets, images, error);
}

static void free_set(mmn_results *results)
{
    for (size_t kind = 0; kind < MMN_RESULT_KINDS; kind++) {
        mmn_free(results->of[kind].file);
        mmn_free(results->of[kind].name);
        json_decref(results->of[kind].document);
        mmn_result_free(results->of[kind].result);
    }
    mmn_neurons_free(results->ranking);
    mmn_free(results->ranked);
    mmn_neurons_free(results->lists);
    mmn_free(results->images);
}

void mmn_result_sets_free(mmn_result_sets *sets)
{
    for (size_t set = 0; set < sets->count; set++)
        free_set(&sets->list[set]);
    mmn_free(sets->list);
    *sets = (mmn_result_sets){0};
}

size_t mmn_result_sets_with(const mmn_result_sets *sets, mmn_result_kind kind)
{
    size_t count = 0;
    for (size_t set = 0; set < sets->count; set++)
        count += sets->list[set].of[kind].file != NULL;
    return count;
}

const mmn_result_file *mmn_result_sets_file(const mmn_result_sets *sets, size_t index,
                                            mmn_result_kind *kind)
{
    for (int k = 0; k < MMN_RESULT_KINDS; k++)
        for (size_t set = 0; set < sets->count; set++)
            if (sets->list[set].of[k].file && index-- == 0) {
                *kind = (mmn_result_kind)k;
                return &sets->list[set].of[k];
            }
    return NULL;
}

/* Whether neurons of other modules than the language model are listed, or pictures were shown. */
static bool has_pictures(const mmn_results *results)
{
    const mmn_result *lens = results->of[MMN_RESULT_LENS].result;
    static const mmn_result_kind of_pictures[] = {
        MMN_RESULT_EVAL,   MMN_RESULT_CONTRIBUTIONS,  MMN_RESULT_DETECT,
        MMN_RESULT_LOCATE, MMN_RESULT_HALLUCINATIONS, MMN_RESULT_BIAS};
    bool pictures = false;
    for (size_t i = 0; i < MMN_LENGTH(of_pictures); i++)
        pictures = pictures || results->of[of_pictures[i]].file;
    for (size_t m = 0; results->lists && m < results->lists->module_count; m++)
        pictures = pictures || strcmp(results->lists->modules[m].name, "language") != 0;
    for (size_t row = 0; row < mmn_result_rows(lens, "curves"); row++)
        pictures = pictures || mmn_result_number(lens, "curves", row, "image_positions") > 0;
    return pictures;
}

bool mmn_result_sets_are_languages(const mmn_result_sets *sets)
{
    static const mmn_result_kind of_texts[] = {MMN_RESULT_PERPLEXITY, MMN_RESULT_SWEEP,
                                               MMN_RESULT_SIMILARITY};
    bool pictures = false, texts = false;
    for (size_t set = 0; set < sets->count; set++) {
        pictures = pictures || has_pictures(&sets->list[set]);
        for (size_t i = 0; i < MMN_LENGTH(of_texts); i++)
            texts = texts || sets->list[set].of[of_texts[i]].file;
        texts = texts || sets->list[set].lists;
    }
    return texts && !pictures;
}

const char *mmn_result_sets_title(const mmn_result_sets *sets)
{
    const char *title = NULL;
    for (mmn_result_kind kind = 0; kind < MMN_RESULT_KINDS; kind++) {
        if (mmn_result_sets_with(sets, kind) == 0)
            continue;
        if (!kinds[kind].title)
            return NULL;
        title = title ? "Results" : kinds[kind].title;
    }
    return title;
}
