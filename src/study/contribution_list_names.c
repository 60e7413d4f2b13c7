/* The names of words' neurons as rows, for programs that compare texts: encoders say how near a
 * neuron's names are to the word, which nothing here does. doc/formats.md describes the rows. */
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text_buffer.h"
#include "result/result.h"
#include "study/contribution_list.h"

/* A table's rows in the order of their parents, and which of them comes next. */
typedef struct children {
    const char *table;
    size_t next;
} children;

/* Whether the next row belongs to row `parent`; then *row is its number, and the next follows. */
static bool take_child(children *of, const mmn_result *result, size_t parent, size_t *row)
{
    if (of->next >= mmn_result_rows(result, of->table) ||
        mmn_result_parent(result, of->table, of->next) != parent)
        return false;
    *row = of->next++;
    return true;
}

static void add_text(mmn_text *text, const char *key, const mmn_result *result, const char *table,
                     size_t row, const char *column)
{
    const char *value = mmn_result_text(result, table, row, column);
    mmn_text_add(text, "\"%s\": ", key);
    if (value)
        mmn_text_add_json(text, value);
    else
        mmn_text_add(text, "null");
    mmn_text_add(text, ", ");
}

static void add_row(mmn_text *text, const mmn_result *result, size_t neuron, children *names)
{
    const size_t list = mmn_result_parent(result, "neurons", neuron);
    const size_t word = mmn_result_parent(result, "lists", list);
    const size_t answer = mmn_result_parent(result, "spoken", word);
    size_t name;
    mmn_text_add(text, "{");
    add_text(text, "id", result, "answers", answer, "id");
    add_text(text, "domain", result, "answers", answer, "domain");
    add_text(text, "noun", result, "spoken", word, "text");
    add_text(text, "token", result, "spoken", word, "word");
    add_text(text, "order", result, "lists", list, "order");
    mmn_text_add(text, "\"layer\": %.0f, \"neuron\": %.0f, \"names\": [",
                 mmn_result_number(result, "neurons", neuron, "layer"),
                 mmn_result_number(result, "neurons", neuron, "neuron"));
    for (bool first = true; take_child(names, result, neuron, &name); first = false) {
        const char *value = mmn_result_text(result, "names", name, "word");
        mmn_text_add(text, first ? "" : ", ");
        mmn_text_add_json(text, value ? value : "");
    }
    mmn_text_add(text, "]}\n");
}

mmn_status mmn_contribution_names_write(const mmn_result *result, const char *file,
                                        mmn_error *error)
{
    mmn_text text = {0};
    children names = {.table = "names"};
    const char *parent = result ? mmn_result_parent_table(result, "lists") : NULL;
    if (!file || !parent || strcmp(parent, "spoken") != 0)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "a file is needed, and what mmn_contributions_run has found of a list");
    for (size_t neuron = 0; neuron < mmn_result_rows(result, "neurons"); neuron++)
        add_row(&text, result, neuron, &names);
    mmn_status status = mmn_text_status(&text, error);
    if (status == MMN_OK)
        status = mmn_write_file(file, text.text ? text.text : "", text.length, error);
    mmn_text_free(&text);
    return status;
}
