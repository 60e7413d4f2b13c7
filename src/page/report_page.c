/* Reports as a page of HTML that needs nothing but itself, and as Markdown. */
#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "page/report.h"
#include "page/report_head.h"
#include "page/text.h"

/* The rows of a table that are shown; CSV has all. */
enum { PAGE_ROWS = 400, MARKDOWN_ROWS = 100 };

/* ---- Where the numbers come from ------------------------------------------------------------- */

static const mmn_column source_columns[] = {{"result", 0, NULL},
                                            {"file", 0, NULL},
                                            {"made by version", 0, NULL},
                                            {"digest of the model", 0, NULL},
                                            {"digest of the neurons", 0, NULL},
                                            {0}};

/* Where the results come from, as a table. */
static void list_sources(mmn_report_table *table, const mmn_report *report)
{
    *table = mmn_table_begin(source_columns);
    const mmn_result_file *result;
    mmn_result_kind kind;
    for (size_t i = 0; (result = mmn_result_sets_file(&report->results, i, &kind)); i++)
        MMN_CELLS(table, mmn_as_text(mmn_result_kind_name(kind)), mmn_as_text(result->name),
                  mmn_as_text(result->version), mmn_as_text(result->model),
                  mmn_as_text(result->neurons));
}

/* Whether two texts say different things; one that says nothing agrees with all. */
static bool contradict(const char *a, const char *b)
{
    return *a != '\0' && *b != '\0' && strcmp(a, b) != 0;
}

/* The detector that a result is of, which in detections is the model. */
static const char *detector_of(const mmn_result_file *file, mmn_result_kind kind)
{
    const char *detector = kind == MMN_RESULT_DETECT
                               ? file->model
                               : mmn_result_text(file->result, "result", 0, "detector");
    return detector ? detector : "";
}

/* Whether they are of different models, detectors or neurons. */
static bool is_mixed(const mmn_report *report)
{
    const mmn_result_file *x, *y;
    mmn_result_kind kind, other;
    for (size_t a = 0; (x = mmn_result_sets_file(&report->results, a, &kind)); a++)
        for (size_t b = 0; b < a; b++) {
            y = mmn_result_sets_file(&report->results, b, &other);
            if (contradict(detector_of(x, kind), detector_of(y, other)) ||
                contradict(x->neurons, y->neurons) ||
                (kind != MMN_RESULT_DETECT && other != MMN_RESULT_DETECT &&
                 contradict(x->model, y->model)))
                return true;
        }
    return false;
}

/* Whether numbers were infinite or NaN on the way to one of them. */
static bool is_nonfinite(const mmn_report *report)
{
    const mmn_result_sets *sets = &report->results;
    const mmn_result_file *result;
    mmn_result_kind kind;
    bool marked = false;
    for (size_t set = 0; set < sets->count; set++)
        marked = marked || (sets->list[set].ranking && sets->list[set].ranking->nonfinite > 0);
    for (size_t i = 0; (result = mmn_result_sets_file(sets, i, &kind)); i++) {
        const json_t *counts = json_object_get(result->document, "counts");
        marked = marked || json_is_true(json_object_get(result->document, "nonfinite")) ||
                 (json_is_object(counts) && json_object_get(counts, "nonfinite"));
    }
    return marked;
}

/* What a result is called: by its kind, and where there are several by its file too. */
static mmn_status name_result(char **name, const mmn_report *report, mmn_result_kind kind,
                              const mmn_result_file *result)
{
    mmn_text text = {0};
    mmn_text_add(&text, "%s", mmn_result_kind_name(kind));
    if (mmn_result_sets_with(&report->results, kind) > 1) {
        mmn_text_add(&text, " (");
        mmn_markup_add(&text, result->name);
        mmn_text_add(&text, ")");
    }
    return mmn_text_finish(&text, name, NULL);
}

/* Appends remarks about what a result was allowed, each between `before` and `after`. */
static void add_allowances(mmn_text *text, const char *name, json_t *settings, const char *before,
                           const char *after)
{
    static const char *const remarks[][2] = {
        {"allow_long_prompts", "prompts longer than the model was made for were allowed"},
        {"allow_unknown_keys", "unknown keys of the list were passed over"}};
    const json_t *other = json_object_get(settings, "neurons_model");
    if (other)
        mmn_text_add(text, "%sIn the result of %s %s.%s", before, name,
                     json_is_null(other)
                         ? "nothing says of which model the neurons are"
                         : "the neurons are of another model than the one they were used in",
                     after);
    for (size_t i = 0; i < MMN_LENGTH(remarks); i++)
        if (json_is_true(json_object_get(settings, remarks[i][0])))
            mmn_text_add(text, "%sIn the result of %s %s.%s", before, name, remarks[i][1], after);
}

/* Appends remarks about what results are and were allowed. */
static void add_remarks(mmn_text *text, const mmn_report *report, const char *before,
                        const char *after)
{
    const mmn_result_file *result;
    mmn_result_kind kind;
    if (is_mixed(report))
        mmn_text_add(
            text, "%sThese results are of different models or different neurons: %s.%s", before,
            report->results.count > 1 ? "only those of one model and its neurons belong together"
                                      : "do not read them together",
            after);
    for (size_t i = 0; (result = mmn_result_sets_file(&report->results, i, &kind)); i++) {
        char *name;
        if (name_result(&name, report, kind, result) != MMN_OK) {
            text->failed = true;
            return;
        }
        add_allowances(text, name, json_object_get(result->document, "settings"), before, after);
        mmn_free(name);
    }
    if (is_nonfinite(report))
        mmn_text_add(text, "%sNumbers were infinite or NaN on the way to these results.%s", before,
                     after);
}

/* A setting of a result: texts and numbers; what is longer stays in the file. */
static void add_setting(mmn_text *text, const char *key, const json_t *value)
{
    if (!json_is_string(value) && !json_is_number(value))
        return;
    mmn_text_add(text, "<dt>");
    mmn_markup_add(text, key);
    mmn_text_add(text, "</dt><dd>");
    if (json_is_string(value))
        mmn_markup_add_cut(text, json_string_value(value), 200);
    else if (json_is_integer(value))
        mmn_text_add(text, "%" PRId64, (int64_t)json_integer_value(value));
    else
        mmn_text_add_real(text, json_real_value(value));
    mmn_text_add(text, "</dd>\n");
}

static void add_settings(mmn_text *text, const mmn_report *report)
{
    const mmn_result_file *result;
    mmn_result_kind kind;
    for (size_t i = 0; (result = mmn_result_sets_file(&report->results, i, &kind)); i++) {
        json_t *settings = json_object_get(result->document, "settings");
        char *name;
        const char *key;
        json_t *value;
        if (json_object_size(settings) == 0)
            continue;
        if (name_result(&name, report, kind, result) != MMN_OK) {
            text->failed = true;
            return;
        }
        mmn_text_add(text, "<h3>Settings of %s</h3>\n<dl>\n", name);
        mmn_free(name);
        json_object_foreach(settings, key, value) add_setting(text, key, value);
        mmn_text_add(text, "</dl>\n");
    }
}

static void add_sources(mmn_text *text, const mmn_report *report)
{
    mmn_report_table table;
    list_sources(&table, report);
    mmn_text_add(text, "<section aria-labelledby=\"sources\">\n<h2 id=\"sources\">Where the "
                       "numbers come from</h2>\n");
    add_remarks(text, report, "<p class=\"remark\">", "</p>\n");
    mmn_text_add(text, "<div class=\"table\" tabindex=\"0\" role=\"region\" "
                       "aria-label=\"Table of results\">\n");
    mmn_table_html(text, &table, "The results in this report", PAGE_ROWS);
    mmn_text_add(text, "</div>\n<details><summary>Settings</summary>\n");
    add_settings(text, report);
    mmn_text_add(text, "</details>\n</section>\n");
    text->failed = text->failed || table.failed;
    mmn_table_free(&table);
}

/* ---- Pages ----------------------------------------------------------------------------------- */

static void add_table(mmn_text *text, const mmn_figure *figure)
{
    const size_t rows = mmn_table_rows(&figure->table);
    mmn_text_add(text,
                 "<details><summary>Table: %zu row%s</summary>\n<div class=\"table\" "
                 "tabindex=\"0\" role=\"region\" aria-label=\"Table of this figure\">\n",
                 rows, rows == 1 ? "" : "s");
    mmn_table_html(text, &figure->table, figure->title, PAGE_ROWS);
    mmn_text_add(text, "</div></details>\n");
}

static void add_figure(mmn_text *text, const mmn_figure *figure)
{
    mmn_text_add(text, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">", figure->name,
                 figure->name);
    mmn_markup_add(text, figure->title);
    mmn_text_add(text, "</h2>\n<figure>\n<figcaption>");
    mmn_report_paragraphs(text, figure->description, "<p>", "</p>", mmn_markup_add);
    mmn_text_add(text, "</figcaption>\n<div class=\"panels\">\n");
    for (size_t i = 0; i < figure->panel_count; i++) {
        const bool wide = figure->panels[i].width > MMN_PANEL_WIDTH;
        mmn_text_add(text, "<div class=\"scroll%s\"%s>\n", wide ? " wide" : "",
                     wide ? " tabindex=\"0\" role=\"region\" aria-label=\"A wide figure\"" : "");
        mmn_report_panel(text, figure, i, 0, 0);
        mmn_text_add(text, "</div>\n");
    }
    mmn_text_add(text, "</div>\n</figure>\n");
    add_table(text, figure);
    mmn_text_add(text, "</section>\n");
}

static void add_contents(mmn_text *text, const mmn_report *report)
{
    mmn_text_add(text,
                 "<nav aria-label=\"Figures\"><details><summary>%zu figure%s</summary>\n<ul>\n",
                 report->figures.count,
                 report->figures.count == 1 ? " and its table" : "s and their tables");
    for (size_t i = 0; i < report->figures.count; i++) {
        mmn_text_add(text, "<li><a href=\"#%s\">", report->figures.list[i].name);
        mmn_markup_add(text, report->figures.list[i].title);
        mmn_text_add(text, "</a></li>\n");
    }
    mmn_text_add(text, "<li><a href=\"#sources\">Where the numbers come from</a></li>\n</ul>\n"
                       "</details></nav>\n");
}

void mmn_report_page(mmn_text *text, const mmn_report *report, const mmn_figure *only)
{
    mmn_text_add(text, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                       "img-src data:; style-src 'unsafe-inline'\">\n"
                       "<link rel=\"icon\" href=\"data:,\">\n<title>");
    mmn_markup_add(text, report->title);
    mmn_text_add(text, "</title>\n<style>\n");
    mmn_style_add_graphics(text);
    mmn_style_add_page(text);
    mmn_text_add(text, "</style>\n</head>\n<body>\n"
                       "<a class=\"skip\" href=\"#main\">To the figures</a>\n<header>\n<h1>");
    mmn_markup_add(text, report->title);
    mmn_text_add(text, "</h1>\n");
    mmn_report_head_html(text, report);
    mmn_text_add(text, "</header>\n");
    if (!only)
        add_contents(text, report);
    mmn_text_add(text, "<main id=\"main\">\n");
    for (size_t i = 0; i < report->figures.count; i++)
        if (!only || only == &report->figures.list[i])
            add_figure(text, &report->figures.list[i]);
    add_sources(text, report);
    mmn_text_add(
        text, "</main>\n<footer><p>Made by mmneuron %s.%s</p></footer>\n</body>\n</html>\n",
        mmn_version(),
        mmn_result_sets_title(&report->results) ? ""
                                                : " The method is MMNeuron's (arXiv 2406.11193).");
}

void mmn_report_markdown(mmn_text *text, const mmn_report *report, const mmn_figure *only)
{
    mmn_text_add(text, "# ");
    mmn_markup_add_markdown(text, report->title);
    mmn_text_add(text, "\n");
    mmn_report_head_markdown(text, report);
    for (size_t i = 0; i < report->figures.count; i++) {
        const mmn_figure *figure = &report->figures.list[i];
        if (only && only != figure)
            continue;
        mmn_text_add(text, "\n## ");
        mmn_markup_add_markdown(text, figure->title);
        mmn_text_add(text, "\n\n");
        mmn_report_paragraphs(text, figure->description, "", "\n\n", mmn_markup_add_markdown);
        mmn_table_markdown(text, &figure->table, MARKDOWN_ROWS);
    }
    mmn_report_table table;
    list_sources(&table, report);
    mmn_text_add(text, "\n## Where the numbers come from\n\n");
    add_remarks(text, report, "**", "**\n\n");
    mmn_table_markdown(text, &table, MARKDOWN_ROWS);
    text->failed = text->failed || table.failed;
    mmn_table_free(&table);
}
