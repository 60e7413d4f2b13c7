/* Verifications as a table for people, and as JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/given.h"
#include "base/text_buffer.h"
#include "result/columns.h"

/* A name of more columns than the table has for it goes on in the next line. */
enum { TITLE_LIMIT = 31, COLUMNS = 80 };

static const mmn_stage_comparison *first_outside(const mmn_verification *verification)
{
    for (size_t i = 0; i < mmn_verification_count(verification); i++)
        if (mmn_verification_get(verification, i)->outside)
            return mmn_verification_get(verification, i);
    return NULL;
}

/* The indices of element `index`, last dimension first. */
static void split_index(size_t indices[4], const mmn_stage_comparison *stage, size_t index)
{
    for (size_t i = stage->dimensions; i-- > 0;) {
        indices[i] = index % stage->shape[i];
        index /= stage->shape[i];
    }
}

static void add_title(mmn_text *text, const mmn_stage_comparison *stage, int title_width)
{
    mmn_columns_left(text, stage->stage, title_width);
    if (mmn_columns_of(stage->stage) > title_width) {
        mmn_text_add(text, "\n");
        mmn_text_fill(text, ' ', (size_t)title_width);
    }
}

/* 80 columns: the title's 31, and 2 + 8 for each of four numbers, and the verdict's 2 + 7. */
static void add_row(mmn_text *text, const mmn_stage_comparison *stage, int title_width)
{
    const char *verdict = stage->outside ? "  OUTSIDE" : "";
    add_title(text, stage, title_width);
    if (stage->problem) {
        mmn_text_add(text, "%s\n    %s\n", verdict, stage->problem);
    } else if (stage->integers) {
        mmn_text_add(text, "  %" PRIu64 " of %" PRIu64 " differ%s\n", stage->differences,
                     stage->elements, verdict);
    } else {
        mmn_text_add(text, "  %8.2g  %8.2g  %8.2g", stage->maximum_absolute, stage->relative_rms,
                     stage->tolerance);
        if (stage->shows_neurons)
            mmn_text_add(text, "  %7" PRIu64, stage->flips);
        else
            mmn_text_add(text, "  %7s", "-");
        mmn_text_add(text, "%s\n", verdict);
    }
}

/* "token 3, neuron 17: 0.25 instead of 0.5"; the numbers in the next line where they do not fit in
 * the one that begins at `line`. */
static void add_place(mmn_text *text, const mmn_stage_comparison *stage, size_t line)
{
    size_t indices[4] = {0};
    char values[80];
    int length = snprintf(values, sizeof(values), "%.9g instead of %.9g", stage->first_value,
                          stage->first_reference);
    split_index(indices, stage, stage->first_index);
    for (size_t i = 0; i < stage->dimensions; i++)
        mmn_text_add(text, "%s%s %zu", i > 0 ? ", " : "", stage->axes[i], indices[i]);
    bool fits = text->length - line + 2 + (size_t)length <= COLUMNS;
    mmn_text_add(text, ":%s%s", fits ? " " : "\n    ", values);
}

/* Where the stage departs farthest, and by how many units in the last place of f32. */
static void add_details(mmn_text *text, const mmn_stage_comparison *stage)
{
    size_t indices[4] = {0};
    if (stage->dimensions > 1 && stage->worst_row_rms > 0) {
        split_index(indices, stage, stage->worst_row * stage->shape[stage->dimensions - 1]);
        mmn_text_add(text, "farthest there: ");
        for (size_t i = 0; i + 1 < stage->dimensions; i++)
            mmn_text_add(text, "%s%s %zu", i > 0 ? ", " : "", stage->axes[i], indices[i]);
        mmn_text_add(text, ", with a relative rms of %.3g\n", stage->worst_row_rms);
    }
    mmn_text_add(text, "ulp of f32 there: 50%% %.3g, 90%% %.3g, 99%% %.3g, 100%% %.3g\n",
                 stage->ulp_percentiles[0], stage->ulp_percentiles[1], stage->ulp_percentiles[2],
                 stage->ulp_percentiles[3]);
    if (stage->flips > 0)
        mmn_text_add(text,
                     "neurons there: %" PRIu64 " of %zu are active at other tokens than in the "
                     "reference\n",
                     stage->flipped_neurons, stage->shape[stage->dimensions - 1]);
}

static void add_verdict(mmn_text *text, const mmn_verification *verification)
{
    const mmn_stage_comparison *first = first_outside(verification);
    if (!first) {
        mmn_text_add(text, "all stages are within their tolerance\n");
        return;
    }
    size_t line = text->length;
    mmn_text_add(text, "first departure: %s", first->stage);
    if (first->problem)
        mmn_text_add(text, ",%s%s", text->length - line + 2 + strlen(first->problem) <= COLUMNS
                                        ? " " : "\n    ", first->problem);
    if (first->first_index != SIZE_MAX) {
        mmn_text_add(text, ", ");
        add_place(text, first, line);
    }
    mmn_text_add(text, "\n");
    if (!first->problem && !first->integers)
        add_details(text, first);
}

mmn_status mmn_verification_table(const mmn_verification *verification, char **table,
                                  mmn_error *error)
{
    if (table)
        *table = NULL;
    if (MMN_MISSING(error, verification, table))
        return MMN_USAGE;
    mmn_text text = {0};
    const size_t count = mmn_verification_count(verification);
    int title_width = (int)strlen("stage");
    for (size_t i = 0; i < count; i++) {
        int width = mmn_columns_of(mmn_verification_get(verification, i)->stage);
        title_width = width > title_width ? width : title_width;
    }
    title_width = title_width < TITLE_LIMIT ? title_width : TITLE_LIMIT;
    mmn_columns_left(&text, "stage", title_width);
    mmn_text_add(&text, "  %8s  %8s  %8s  %7s\n", "max abs", "rel rms", "allowed", "flips");
    for (size_t i = 0; i < count; i++)
        add_row(&text, mmn_verification_get(verification, i), title_width);
    add_verdict(&text, verification);
    return mmn_text_finish(&text, table, error);
}

/* JSON has neither infinities nor NaN. */
static void add_json_real(mmn_text *text, const char *key, double value)
{
    mmn_text_add(text, ", \"%s\": ", key);
    if (isfinite(value))
        mmn_text_add_real(text, value);
    else
        mmn_text_add(text, "null");
}

static void add_first(mmn_text *text, const mmn_stage_comparison *stage)
{
    size_t indices[4] = {0};
    split_index(indices, stage, stage->first_index);
    mmn_text_add(text, ", \"first\": {\"index\": [");
    for (size_t i = 0; i < stage->dimensions; i++)
        mmn_text_add(text, "%s%zu", i > 0 ? ", " : "", indices[i]);
    mmn_text_add(text, "], \"axes\": [");
    for (size_t i = 0; i < stage->dimensions; i++) {
        mmn_text_add(text, "%s", i > 0 ? ", " : "");
        mmn_text_add_json(text, stage->axes[i]);
    }
    mmn_text_add(text, "]");
    add_json_real(text, "value", stage->first_value);
    add_json_real(text, "reference", stage->first_reference);
    mmn_text_add(text, "}");
}

static void add_stage(mmn_text *text, const mmn_stage_comparison *stage)
{
    mmn_text_add(text, "    {\"stage\": ");
    mmn_text_add_json(text, stage->stage);
    mmn_text_add(text, ", \"outside\": %s", stage->outside ? "true" : "false");
    if (stage->problem) {
        mmn_text_add(text, ", \"problem\": ");
        mmn_text_add_json(text, stage->problem);
        mmn_text_add(text, "}");
        return;
    }
    mmn_text_add(text, ", \"elements\": %" PRIu64 ", \"differences\": %" PRIu64, stage->elements,
                 stage->differences);
    add_json_real(text, "maximum_absolute", stage->maximum_absolute);
    if (!stage->integers) {
        add_json_real(text, "relative_rms", stage->relative_rms);
        add_json_real(text, "tolerance", stage->tolerance);
        add_json_real(text, "ulp_50", stage->ulp_percentiles[0]);
        add_json_real(text, "ulp_90", stage->ulp_percentiles[1]);
        add_json_real(text, "ulp_99", stage->ulp_percentiles[2]);
        add_json_real(text, "ulp_100", stage->ulp_percentiles[3]);
        add_json_real(text, "worst_row_rms", stage->worst_row_rms);
        mmn_text_add(text, ", \"worst_row\": %zu", stage->worst_row);
    }
    if (stage->shows_neurons)
        mmn_text_add(text, ", \"flips\": %" PRIu64 ", \"flipped_neurons\": %" PRIu64,
                     stage->flips, stage->flipped_neurons);
    if (strcmp(stage->stage, "generated_ids") == 0)
        mmn_text_add(text, ", \"equal_beginning\": %" PRIu64, stage->equal_beginning);
    if (stage->first_index != SIZE_MAX)
        add_first(text, stage);
    mmn_text_add(text, "}");
}

mmn_status mmn_verification_json(const mmn_verification *verification, char **json,
                                 mmn_error *error)
{
    if (json)
        *json = NULL;
    if (MMN_MISSING(error, verification, json))
        return MMN_USAGE;
    mmn_text text = {0};
    const size_t count = mmn_verification_count(verification);
    const mmn_stage_comparison *first = first_outside(verification);
    mmn_text_add(&text, "{\n  \"format\": \"mmneuron-verification-1\",\n  \"different\": %s,\n",
                 first ? "true" : "false");
    mmn_text_add(&text, "  \"first_departure\": ");
    if (first)
        mmn_text_add_json(&text, first->stage);
    else
        mmn_text_add(&text, "null");
    mmn_text_add(&text, ",\n  \"stages\": [\n");
    for (size_t i = 0; i < count; i++) {
        add_stage(&text, mmn_verification_get(verification, i));
        mmn_text_add(&text, "%s\n", i + 1 < count ? "," : "");
    }
    mmn_text_add(&text, "  ]\n}\n");
    return mmn_text_finish(&text, json, error);
}
