/* Verifications as results. doc/formats.md describes their JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "compare/compare.h"
#include "result/result.h"
#include "result/words.h"

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_TRUTH("different"), MMN_TEXT("first_departure"), MMN_TEXT("verdict"))},
    {"stages", "result",
     MMN_COLUMNS(MMN_TEXT("stage"), MMN_TRUTH("long_name"), MMN_TRUTH("outside"),
                 MMN_TEXT("problem"), MMN_TRUTH("integers"), MMN_TRUTH("shows_neurons"),
                 MMN_WHOLE("elements"), MMN_WHOLE("differences"), MMN_REAL("maximum_absolute", ""),
                 MMN_REAL("relative_rms", ""), MMN_REAL("tolerance", ""), MMN_REAL("ulp_50", ""),
                 MMN_REAL("ulp_90", ""), MMN_REAL("ulp_99", ""), MMN_REAL("ulp_100", ""),
                 MMN_REAL("worst_row_rms", ""), MMN_WHOLE("worst_row"), MMN_WHOLE("flips"),
                 MMN_WHOLE("flipped_neurons"), MMN_TRUTH("generated"), MMN_WHOLE("equal_beginning"),
                 MMN_TRUTH("departs"), MMN_REAL("value", ""), MMN_REAL("reference", ""))},
    /* of the first element outside, for each dimension */
    {"places", "stages", MMN_COLUMNS(MMN_TEXT("axis"), MMN_WHOLE("index"))},
    {0}};

static const char json[] =
    "{\n"
    "  'format': 'mmneuron-verification-1',\n"
    "  'different': $different,\n"
    "  'first_departure': $first_departure,\n"
    "  'stages': [<stages|,|\n"
    "    {'stage': $stage, 'outside': $outside<?problem|, 'problem': $problem><!problem|,"
    " 'elements': $elements, 'differences': $differences, 'maximum_absolute': $maximum_absolute"
    "<!integers|, 'relative_rms': $relative_rms, 'tolerance': $tolerance, 'ulp_50': $ulp_50,"
    " 'ulp_90': $ulp_90, 'ulp_99': $ulp_99, 'ulp_100': $ulp_100,"
    " 'worst_row_rms': $worst_row_rms, 'worst_row': $worst_row>"
    "<?shows_neurons|, 'flips': $flips, 'flipped_neurons': $flipped_neurons>"
    "<?generated|, 'equal_beginning': $equal_beginning>"
    "<?departs|, 'first': {'index': [<places|, |$index>], 'axes': [<places|, |$axis>],"
    " 'value': $value, 'reference': $reference}>>}>\n"
    "  ]\n"
    "}\n";

/* 80 columns: the title's 31, and 2 + 8 for each of four numbers, and the verdict's 2 + 7. Behind a
 * longer title the row goes on in the next line. */
enum { TITLE = 31, COLUMNS = 80 };

#define OUTSIDE "<?outside|  OUTSIDE>"

static const char people[] =
    "<-5-31 stages.stage|stage>   max abs   rel rms   allowed    flips\n"
    "<stages||<-5-31 stages.stage|${stage}><?long_name|\n<-5-31 stages.stage|>>"
    "<?problem|" OUTSIDE "\n    ${problem}\n><!problem|"
    "<?integers|  ${differences} of ${elements} differ" OUTSIDE "\n>"
    "<!integers|  $8.2g{maximum_absolute}  $8.2g{relative_rms}  $8.2g{tolerance}"
    "<?shows_neurons|  $7{flips}><!shows_neurons|        ->" OUTSIDE "\n>>>"
    "${verdict}";

static const mmn_form form = {.tables = tables, .json = json, .people = people};

/* The indices of element `index`, last dimension first. */
static void split_index(size_t indices[4], const mmn_stage_comparison *stage, size_t index)
{
    for (size_t i = stage->dimensions; i-- > 0;) {
        indices[i] = index % stage->shape[i];
        index /= stage->shape[i];
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

/* What people are told of the first stage that is outside. */
static void add_verdict(mmn_text *text, const mmn_stage_comparison *first)
{
    size_t line = text->length;
    mmn_text_add(text, "first departure: %s", first->stage);
    if (first->problem)
        mmn_text_add(text, ",%s%s",
                     text->length - line + 2 + strlen(first->problem) <= COLUMNS ? " " : "\n    ",
                     first->problem);
    if (first->first_index != SIZE_MAX) {
        mmn_text_add(text, ", ");
        add_place(text, first, line);
    }
    mmn_text_add(text, "\n");
    if (!first->problem && !first->integers)
        add_details(text, first);
}

static void add_stage(mmn_result *result, const mmn_stage_comparison *stage)
{
    const double *ulp = stage->ulp_percentiles;
    const bool departs = stage->first_index != SIZE_MAX && !stage->problem;
    size_t indices[4] = {0};
    MMN_ADD(result, "stages", mmn_as_text(stage->stage),
            mmn_as_truth(mmn_columns_of(stage->stage) > TITLE), mmn_as_truth(stage->outside),
            mmn_as_text(stage->problem), mmn_as_truth(stage->integers),
            mmn_as_truth(stage->shows_neurons), mmn_as_whole(stage->elements),
            mmn_as_whole(stage->differences), mmn_as_real(stage->maximum_absolute),
            mmn_as_real(stage->relative_rms), mmn_as_real(stage->tolerance), mmn_as_real(ulp[0]),
            mmn_as_real(ulp[1]), mmn_as_real(ulp[2]), mmn_as_real(ulp[3]),
            mmn_as_real(stage->worst_row_rms), mmn_as_whole(stage->worst_row),
            mmn_as_whole(stage->flips), mmn_as_whole(stage->flipped_neurons),
            mmn_as_truth(strcmp(stage->stage, "generated_ids") == 0),
            mmn_as_whole(stage->equal_beginning), mmn_as_truth(departs),
            mmn_as_real(stage->first_value), mmn_as_real(stage->first_reference));
    if (!departs)
        return;
    split_index(indices, stage, stage->first_index);
    for (size_t i = 0; i < stage->dimensions; i++)
        MMN_ADD(result, "places", mmn_as_text(stage->axes[i]), mmn_as_whole(indices[i]));
}

static mmn_status make_result(mmn_result **made, const mmn_verification *verification,
                              mmn_error *error)
{
    const mmn_stage_comparison *first = NULL;
    mmn_text text = {0};
    char *verdict;
    for (size_t i = 0; i < verification->count && !first; i++)
        if (verification->stages[i].outside)
            first = &verification->stages[i];
    if (first)
        add_verdict(&text, first);
    else
        mmn_text_add(&text, "all stages are within their tolerance\n");
    if (mmn_text_finish(&text, &verdict, error) != MMN_OK)
        return MMN_SYSTEM;
    mmn_status status = mmn_result_begin(made, &form, error);
    if (status == MMN_OK) {
        MMN_ADD(*made, "result", mmn_as_truth(first != NULL),
                mmn_as_text(first ? first->stage : NULL), mmn_as_text(verdict));
        for (size_t i = 0; i < verification->count; i++)
            add_stage(*made, &verification->stages[i]);
        status = mmn_result_end(made, error);
    }
    mmn_free(verdict);
    return status;
}

mmn_status mmn_verify(mmn_result **result, const char *dump, const char *reference,
                      const mmn_verify_options *options, mmn_error *error)
{
    mmn_verification *verification;
    MMN_CLEAR(result);
    MMN_GIVEN(error, result, dump, reference);
    mmn_status status = mmn_verification_make(&verification, dump, reference, options, error);
    if (verification && make_result(result, verification, error) != MMN_OK)
        status = MMN_SYSTEM;
    mmn_verification_free(verification);
    return status;
}
