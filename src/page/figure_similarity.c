/* The figure of how alike parallel sentences are in two languages over the layers, beside the
 * number of neurons that each language has there. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "page/lines.h"

/* A mean over the pairs that a domain is in. */
typedef struct mean {
    double sum;
    size_t count;
} mean;

/* What was off in some of the pairs, and what was found there. */
typedef struct condition {
    const char *setting, *off;
    size_t states;
    mean *means; /* [domains][of the same sentences, of others][states] */
} condition;

static const char *const columns[] = {"parallel", "other"};

/* Whether all pairs have a state for the embeddings and one for each layer. */
static mmn_status check_layers(const mmn_result_file *file, double layers, mmn_error *error)
{
    char where[48];
    if (!(layers >= 1 && layers <= MMN_REPORT_LAYERS))
        return mmn_fail(error, MMN_INPUT, file->file, "layers", "must be from 1 to %d",
                        MMN_REPORT_LAYERS);
    for (size_t pair = 0; pair < mmn_result_rows(file->result, "pairs"); pair++) {
        const mmn_rows states = mmn_rows_below(file->result, "states", "pairs", pair);
        snprintf(where, sizeof(where), "pairs[%zu].parallel", pair);
        if ((double)(states.end - states.first) != layers + 1)
            return mmn_fail(error, MMN_INPUT, file->file, where,
                            "must have a number for the embeddings and one for each layer");
    }
    return MMN_OK;
}

static bool has_pair(const condition *of, const mmn_result *result, size_t pair)
{
    return mmn_row_is(result, "pairs", pair, "setting", of->setting) &&
           mmn_row_is(result, "pairs", pair, "off", of->off);
}

static void add_value(mean *to, double value)
{
    if (isfinite(value)) {
        to->sum += value;
        to->count++;
    }
}

/* A pair counts for both of its domains. */
static void take_pair(const condition *of, const mmn_results *results, size_t pair)
{
    const mmn_result *result = results->of[MMN_RESULT_SIMILARITY].result;
    const mmn_rows states = mmn_rows_below(result, "states", "pairs", pair);
    static const char *const members[] = {"first", "second"};
    for (size_t i = 0; i < MMN_LENGTH(members); i++) {
        const char *name = mmn_result_text(result, "pairs", pair, members[i]);
        mean *means = of->means + 2 * of->states * mmn_results_domain(results, name);
        for (size_t c = 0; c < MMN_LENGTH(columns); c++)
            for (size_t state = 0; state < of->states; state++)
                add_value(means++,
                          mmn_result_number(result, "states", states.first + state, columns[c]));
    }
}

/* Only pairs that have a sentence in common count. */
static void take_pairs(const condition *of, const mmn_results *results)
{
    const mmn_result *result = results->of[MMN_RESULT_SIMILARITY].result;
    memset(of->means, 0, 2 * results->domain_count * of->states * sizeof(*of->means));
    for (size_t pair = 0; pair < mmn_result_rows(result, "pairs"); pair++)
        if (has_pair(of, result, pair) && mmn_result_number(result, "pairs", pair, "sentences") > 0)
            take_pair(of, results, pair);
}

/* ---- Cosines --------------------------------------------------------------------------------- */

/* Of mmn_lines_value. */
static double cosine_of(const void *context, size_t domain, bool other, size_t state)
{
    const condition *of = context;
    const mean *found = &of->means[(2 * domain + other) * of->states + state];
    return found->count > 0 ? found->sum / (double)found->count : (double)NAN;
}

/* "nothing off", "all: own off". */
static mmn_status draw_condition(mmn_figure *figure, const mmn_results *results, mmn_lines *lines,
                                 const condition *of)
{
    char title[120] = "nothing off";
    if (strcmp(of->off, "nothing") != 0)
        snprintf(title, sizeof(title), "%.90s: %s off", of->setting,
                 strcmp(of->off, "domain") == 0 ? "own" : "random");
    take_pairs(of, results);
    lines->title = title;
    lines->context = of;
    return mmn_lines_draw(figure, results, lines);
}

/* A panel for each condition, in the order of the pairs; all have one scale. */
static mmn_status draw_conditions(mmn_figure *figure, const mmn_results *results, condition *of)
{
    enum { CONDITIONS = 65 }; /* nothing, and two of each of the settings that a study can have */
    const mmn_result_file *file = &results->of[MMN_RESULT_SIMILARITY];
    condition drawn[CONDITIONS];
    size_t count = 0;
    mmn_lines lines = {.y_title = "cosine",
                       .x_title = "layers behind",
                       .places = of->states,
                       .dashed = "others",
                       .value = cosine_of};
    for (size_t state = 0; state < mmn_result_rows(file->result, "states"); state++)
        for (size_t c = 0; c < MMN_LENGTH(columns); c++)
            mmn_lines_widen(&lines, mmn_result_number(file->result, "states", state, columns[c]));
    for (size_t pair = 0; pair < mmn_result_rows(file->result, "pairs"); pair++) {
        size_t earlier = 0;
        while (earlier < count && !has_pair(&drawn[earlier], file->result, pair))
            earlier++;
        if (earlier < count)
            continue;
        if (count == CONDITIONS)
            return mmn_fail(figure->error, MMN_INPUT, file->file, "setting",
                            "is one more than a report shows");
        of->setting = mmn_result_text(file->result, "pairs", pair, "setting");
        of->off = mmn_result_text(file->result, "pairs", pair, "off");
        drawn[count++] = *of;
        MMN_TRY(draw_condition(figure, results, &lines, of));
    }
    return MMN_OK;
}

static mmn_status draw_pairs(mmn_figure *figure, const mmn_results *results, size_t layers)
{
    condition of = {.states = layers + 1};
    of.means =
        mmn_allocate(2 * results->domain_count * of.states, sizeof(*of.means), figure->error);
    MMN_NEED(of.means);
    const mmn_status status = draw_conditions(figure, results, &of);
    mmn_free(of.means);
    return status;
}

/* ---- Neurons --------------------------------------------------------------------------------- */

/* How many neurons each layer has of each domain in one setting. */
typedef struct neurons {
    const mmn_result *result;
    mmn_rows counts[MMN_REPORT_DOMAINS]; /* rows of "layers_of", one for each layer, or none */
} neurons;

/* Of mmn_lines_value. */
static double neurons_of(const void *context, size_t domain, bool dashed, size_t layer)
{
    const neurons *of = context;
    const mmn_rows counts = of->counts[domain];
    if (dashed || counts.first == counts.end)
        return (double)NAN;
    return mmn_result_number(of->result, "layers_of", counts.first + layer, "count");
}

/* The panel of the setting that row `first` of "neurons" is the first of. */
static mmn_status draw_neurons(mmn_figure *figure, const mmn_results *results, size_t first,
                               size_t layers)
{
    const mmn_result *result = results->of[MMN_RESULT_SIMILARITY].result;
    const char *setting = mmn_result_text(result, "neurons", first, "setting");
    neurons of = {.result = result};
    char title[120];
    snprintf(title, sizeof(title), "%.90s: neurons", setting);
    mmn_lines lines = {.title = title,
                       .y_title = "neurons of the language model",
                       .x_title = "layer",
                       .counted = true,
                       .places = layers,
                       .value = neurons_of,
                       .context = &of};
    for (size_t row = first; row < mmn_result_rows(result, "neurons"); row++) {
        const mmn_rows counts = mmn_rows_below(result, "layers_of", "neurons", row);
        const char *domain = mmn_result_text(result, "neurons", row, "domain");
        if (!mmn_row_is(result, "neurons", row, "setting", setting) ||
            counts.end - counts.first != layers)
            continue;
        of.counts[mmn_results_domain(results, domain)] = counts;
        for (size_t i = counts.first; i < counts.end; i++)
            mmn_lines_widen(&lines, mmn_result_number(result, "layers_of", i, "count"));
    }
    return mmn_lines_draw(figure, results, &lines);
}

static mmn_status draw_similarity(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const mmn_result_file *file = &results->of[MMN_RESULT_SIMILARITY];
    const double layers = mmn_result_number(file->result, "result", 0, "layers");
    (void)row;
    if (mmn_result_rows(file->result, "pairs") == 0)
        return MMN_OK;
    MMN_TRY(check_layers(file, layers, figure->error));
    MMN_TRY(draw_pairs(figure, results, (size_t)layers));
    for (row = 0; row < mmn_result_rows(file->result, "neurons"); row++)
        if (!mmn_row_repeats(file->result, "neurons", row, "setting"))
            MMN_TRY(draw_neurons(figure, results, row, (size_t)layers));
    return MMN_OK;
}

const mmn_figure_form mmn_similarity_figures[] = {
    {.name = "similarity",
     .title = "How alike the same sentences are in two domains",
     .kind = MMN_RESULT_SIMILARITY,
     .words = "The cosine of the mean states of a sentence in one domain and in another, of the "
              "embeddings and behind each layer, averaged over a domain's pairs with others: of "
              "the same sentence (solid, filled marks) and of other sentences (dashed, empty "
              "marks). What lies between the two is what saying the same adds. Below, how many of "
              "the neurons that were off each layer has.",
     .rows = "states",
     .columns = MMN_FIGURE_COLUMNS(
         {"setting", 0, "setting"}, {"off", 0, "off"}, {"seed", 0, "seed"}, {"domain", 0, "first"},
         {"other domain", 0, "second"}, {"sentences", 0, "sentences"},
         {"layers behind", 0, "state"}, {"same sentence", 4, "parallel"}, {"others", 4, "other"}),
     .draw = draw_similarity},
    {0}};
