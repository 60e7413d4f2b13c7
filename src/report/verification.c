/* Verifications as a table for people, and as JSON. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/text_buffer.h"
#include "report/columns.h"

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

/* "0.00123" in at most 9 columns, with as many digits as tell something. */
static void add_number(mmn_text *text, double value)
{
    mmn_text_add(text, "  %9.3g", value);
}

static void add_row(mmn_text *text, const mmn_stage_comparison *stage, int title_width)
{
    mmn_columns_left(text, stage->stage, title_width);
    if (stage->problem) {
        mmn_text_add(text, "  %s%s\n", stage->problem, stage->outside ? "  OUTSIDE" : "");
        return;
    }
    if (stage->integers) {
        mmn_text_add(text, "  %" PRIu64 " of %" PRIu64 " differ%s\n", stage->differences,
                     stage->elements, stage->outside ? "  OUTSIDE" : "");
        return;
    }
    add_number(text, stage->maximum_absolute);
    add_number(text, stage->relative_rms);
    add_number(text, stage->tolerance);
    for (size_t i = 0; i < 4; i++)
        mmn_text_add(text, "  %8.3g", stage->ulp_percentiles[i]);
    if (stage->shows_neurons)
        mmn_text_add(text, "  %7" PRIu64 "  %7" PRIu64, stage->flips, stage->flipped_neurons);
    else
        mmn_text_add(text, "  %7s  %7s", "-", "-");
    mmn_text_add(text, "%s\n", stage->outside ? "  OUTSIDE" : "");
}

/* "token 3, neuron 17: 0.25 instead of 0.5". */
static void add_place(mmn_text *text, const mmn_stage_comparison *stage)
{
    size_t indices[4] = {0};
    split_index(indices, stage, stage->first_index);
    for (size_t i = 0; i < stage->dimensions; i++)
        mmn_text_add(text, "%s%s %zu", i > 0 ? ", " : "", stage->axes[i], indices[i]);
    mmn_text_add(text, ": %.9g instead of %.9g", stage->first_value, stage->first_reference);
}

static void add_verdict(mmn_text *text, const mmn_verification *verification)
{
    const mmn_stage_comparison *first = first_outside(verification);
    if (!first) {
        mmn_text_add(text, "all stages are within their tolerance\n");
        return;
    }
    mmn_text_add(text, "first departure: %s", first->stage);
    if (first->problem)
        mmn_text_add(text, ", %s", first->problem);
    if (first->first_index != SIZE_MAX) {
        mmn_text_add(text, ", ");
        add_place(text, first);
    }
    mmn_text_add(text, "\n");
    if (!first->problem && !first->integers && first->dimensions > 1 && first->worst_row_rms > 0) {
        size_t indices[4] = {0};
        split_index(indices, first, first->worst_row * first->shape[first->dimensions - 1]);
        mmn_text_add(text, "farthest there: ");
        for (size_t i = 0; i + 1 < first->dimensions; i++)
            mmn_text_add(text, "%s%s %zu", i > 0 ? ", " : "", first->axes[i], indices[i]);
        mmn_text_add(text, ", with a relative rms of %.3g\n", first->worst_row_rms);
    }
}

mmn_status mmn_verification_table(const mmn_verification *verification, char **table,
                                  mmn_error *error)
{
    mmn_text text = {0};
    const size_t count = mmn_verification_count(verification);
    int title_width = (int)strlen("stage");
    for (size_t i = 0; i < count; i++) {
        int width = mmn_columns_of(mmn_verification_get(verification, i)->stage);
        title_width = width > title_width ? width : title_width;
    }
    mmn_columns_left(&text, "stage", title_width);
    mmn_text_add(&text, "  %9s  %9s  %9s  %8s  %8s  %8s  %8s  %7s  %7s\n", "max abs", "rel rms",
                 "allowed", "ulp 50%", "90%", "99%", "100%", "flips", "neurons");
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
    if (stage->first_index != SIZE_MAX)
        add_first(text, stage);
    mmn_text_add(text, "}");
}

mmn_status mmn_verification_json(const mmn_verification *verification, char **json,
                                 mmn_error *error)
{
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
