/* What a report begins with: what it is of, and what was found, in words. */
#include "page/report_head.h"

#include <string.h>

#include "base/memory.h"
#include "page/text.h"

void mmn_report_paragraphs(mmn_text *text, const char *description, const char *begin,
                           const char *end, void (*add)(mmn_text *text, const char *utf8))
{
    while (*description != '\0') {
        const size_t length = strcspn(description, "\n");
        char *paragraph = mmn_copy_bytes(description, length, NULL);
        if (!paragraph) {
            text->failed = true;
            return;
        }
        mmn_text_add(text, "%s", begin);
        add(text, paragraph);
        mmn_text_add(text, "%s", end);
        mmn_free(paragraph);
        description += length + (description[length] == '\n');
    }
}

/* ---- Facts ----------------------------------------------------------------------------------- */

enum { FACTS = 5, VALUES = 8 };

/* A fact and its different values, in the order of their appearance. */
typedef struct fact {
    const char *name;
    const char *values[VALUES];
    size_t count;
    bool more; /* than are listed */
} fact;

static void add_value(fact *of, const char *value)
{
    if (!value || *value == '\0')
        return;
    for (size_t i = 0; i < of->count; i++)
        if (strcmp(of->values[i], value) == 0)
            return;
    if (of->count < VALUES)
        of->values[of->count++] = value;
    else
        of->more = true;
}

/* The date is the caller's: no result bears one, so that the same input gives the same bytes on any
 * day, and the times of files tell when they were copied. */
static void collect(fact facts[FACTS], const mmn_report *report)
{
    static const char *const names[FACTS] = {"Model", "Data", "Neurons", "Date", "Made by"};
    const mmn_result_file *result;
    mmn_result_kind kind;
    for (size_t i = 0; i < FACTS; i++)
        facts[i] = (fact){.name = names[i]};
    add_value(&facts[0], report->model);
    add_value(&facts[3], report->date);
    for (size_t i = 0; (result = mmn_result_sets_file(&report->results, i, &kind)); i++) {
        add_value(&facts[0], result->model);
        add_value(&facts[1], mmn_result_text(result->result, "result", 0, "list"));
        add_value(&facts[2], result->neurons);
        add_value(&facts[4], result->version);
    }
}

/* The values of a fact, said to be digests where they are. */
static void add_values(mmn_text *text, const fact *of, const mmn_report *report,
                       void (*add)(mmn_text *text, const char *utf8))
{
    static const char *const before[][2] = {
        {"Model", "digest "}, {"Neurons", "digest "}, {"Made by", "mmneuron "}};
    for (size_t v = 0; v < of->count; v++) {
        mmn_text_add(text, "%s", v > 0 ? ", " : "");
        for (size_t i = 0; i < MMN_LENGTH(before); i++)
            if (strcmp(of->name, before[i][0]) == 0 && of->values[v] != report->model)
                mmn_text_add(text, "%s", before[i][1]);
        add(text, of->values[v]);
    }
    mmn_text_add(text, "%s", of->more ? " and others" : "");
}

/* ---- Reports --------------------------------------------------------------------------------- */

/* What was found: what holds for all domains as paragraphs, the rest as a list. */
static void add_finding_html(mmn_text *text, const mmn_finding *finding)
{
    if (finding->leads.length > 0)
        mmn_report_paragraphs(text, finding->leads.text, "<p class=\"lead\">", "</p>\n",
                              mmn_markup_add);
    if (finding->items.length == 0)
        return;
    mmn_text_add(text, "<ul class=\"finding\">\n");
    mmn_report_paragraphs(text, finding->items.text, "<li>", "</li>\n", mmn_markup_add);
    mmn_text_add(text, "</ul>\n<p class=\"note\">%s</p>\n", mmn_finding_note);
}

void mmn_report_head_html(mmn_text *text, const mmn_report *report)
{
    fact facts[FACTS];
    collect(facts, report);
    mmn_text_add(text, "<dl class=\"facts\">\n");
    for (size_t i = 0; i < FACTS; i++) {
        if (facts[i].count == 0)
            continue;
        mmn_text_add(text, "<div><dt>%s</dt><dd>", facts[i].name);
        add_values(text, &facts[i], report, mmn_markup_add);
        mmn_text_add(text, "</dd></div>\n");
    }
    mmn_text_add(text, "</dl>\n");
    add_finding_html(text, &report->finding);
}

void mmn_report_head_markdown(mmn_text *text, const mmn_report *report)
{
    fact facts[FACTS];
    collect(facts, report);
    mmn_text_add(text, "\n");
    for (size_t i = 0; i < FACTS; i++) {
        if (facts[i].count == 0)
            continue;
        mmn_text_add(text, "- %s: ", facts[i].name);
        add_values(text, &facts[i], report, mmn_markup_add_markdown);
        mmn_text_add(text, "\n");
    }
    if (report->finding.leads.length > 0)
        mmn_report_paragraphs(text, report->finding.leads.text, "\n", "\n",
                              mmn_markup_add_markdown);
    if (report->finding.items.length == 0)
        return;
    mmn_text_add(text, "\n");
    mmn_report_paragraphs(text, report->finding.items.text, "- ", "\n", mmn_markup_add_markdown);
    mmn_text_add(text, "\n%s\n", mmn_finding_note);
}
