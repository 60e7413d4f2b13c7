/* The run that rows are of, as their file says it. */
#include "study/rows_run.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "model/model.h"

/* Columns of "result" that say something else, what is said without them, or only what is made of
 * rows. */
static bool is_apart(const char *column)
{
    static const char *const apart[] = {"version",   "model",   "neurons",  "data",       "list",
                                        "nonfinite", "foreign", "at_least", "first_cases"};
    size_t i = 0;
    while (i < MMN_LENGTH(apart) && strcmp(apart[i], column) != 0)
        i++;
    return i < MMN_LENGTH(apart);
}

static void add_value(mmn_text *text, const mmn_result *asked, const mmn_value *value)
{
    if (value->kind == MMN_VALUE_WHOLE)
        mmn_text_add(text, "%" PRIu64, value->whole);
    else if (value->kind == MMN_VALUE_REAL && isfinite(value->real))
        mmn_text_add_real(text, value->real);
    else if (value->kind == MMN_VALUE_TRUTH)
        mmn_text_add(text, value->truth ? "true" : "false");
    else if (value->kind == MMN_VALUE_TEXT || value->kind == MMN_VALUE_JSON)
        mmn_text_add_json(text, mmn_result_text_of(asked, value)); /* JSON as a text, in one line */
    else
        mmn_text_add(text, "null");
}

/* What was asked for: the row of "result", and of the other tables their first columns. */
static void add_asked(mmn_text *text, const mmn_result *asked)
{
    const mmn_table *first = &asked->tables[0];
    for (size_t c = 0; c < first->columns; c++) {
        const char *name = first->form->columns[c].name;
        if (is_apart(name))
            continue;
        mmn_text_add(text, ", \"%s\": ", name);
        add_value(text, asked, mmn_result_value(first, 0, c));
    }
    for (size_t t = 1; t < asked->table_count; t++) {
        const mmn_table *table = &asked->tables[t];
        if (table->rows == 0)
            continue;
        mmn_text_add(text, ", \"%s\": [", table->form->name);
        for (size_t row = 0; row < table->rows; row++) {
            if (row > 0)
                mmn_text_add(text, ", ");
            add_value(text, asked, mmn_result_value(table, row, 0));
        }
        mmn_text_add(text, "]");
    }
}

/* Which neurons are off in which runs, as far as nothing else says it. */
static void add_plan(mmn_text *text, const mmn_plan *plan)
{
    mmn_text_add(text, "\"switched_off\": [");
    for (size_t s = 0; s < plan->settings.count; s++) {
        if (s > 0)
            mmn_text_add(text, ", ");
        mmn_text_add_json(text, plan->settings.names[s]);
    }
    mmn_text_add(text, "], \"crossed\": [");
    for (size_t s = 0, found = 0; s < plan->settings.count; s++) {
        if (!plan->crossed[s])
            continue;
        if (found++ > 0)
            mmn_text_add(text, ", ");
        mmn_text_add_json(text, plan->settings.names[s]);
    }
    mmn_text_add(text, "]");
}

static mmn_status digest_samples(char data[MMN_DIGEST_SIZE], const mmn_samples *samples,
                                 mmn_error *error)
{
    return samples->windows.length > 0
               ? mmn_windows_digest(&samples->windows, &samples->domains, data, error)
               : mmn_list_digest(samples->list, data, error);
}

mmn_status mmn_rows_run_text(char **text, const mmn_rows_run *run, mmn_error *error)
{
    const char *neurons = run->neurons_digest;
    char data[MMN_DIGEST_SIZE];
    mmn_text made = {0};
    *text = NULL;
    MMN_TRY(digest_samples(data, run->samples, error));
    mmn_text_add(&made, "\"version\": \"%s\", \"result\": \"%s\", \"model\": \"%s\", ",
                 mmn_version(), run->asked->form->format, run->model_digest);
    mmn_text_add(&made, *neurons ? "\"neurons\": \"%s\", " : "\"neurons\": null, ", neurons);
    mmn_text_add(&made, "\"data\": \"%s\", \"settings\": {", data);
    add_plan(&made, run->plan);
    mmn_text_add(&made, ", \"resize_order\": \"%s\"", mmn_model_resize_order(run->samples->model));
    add_asked(&made, run->asked);
    mmn_text_add(&made, "}");
    return mmn_text_finish(&made, text, error);
}
