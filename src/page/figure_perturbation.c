/* The figure of how far switching neurons off moves the hidden states of each layer. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "page/lines.h"

/* A panel: a column of the table of states. */
typedef struct measure {
    const char *column, *name, *axis;
} measure;

static const measure measures[] = {{"relative", "distance", "moved by, relative to its norm"},
                                   {"cosine", "direction", "1 - cosine to where it was"}};

/* The means over the curves of one setting. A series is those of a domain, 2 * domain with its own
 * neurons off and one more with random ones. */
enum { SERIES = 2 * MMN_REPORT_DOMAINS };
typedef struct means {
    size_t series, layers;
    size_t curves[SERIES]; /* of each; what has none is not drawn */
    double *values;        /* [series][layer] */
} means;

/* The states of a curve over all positions. */
static mmn_rows states_of(const mmn_result *result, size_t curve)
{
    const mmn_rows kinds = mmn_rows_below(result, "positions", "curves", curve);
    for (size_t kind = kinds.first; kind < kinds.end; kind++)
        if (mmn_row_is(result, "positions", kind, "kind", "all"))
            return mmn_rows_below(result, "states", "positions", kind);
    return (mmn_rows){0, 0};
}

/* Whether all curves have as many layers. */
static mmn_status check_layers(const mmn_result_file *file, size_t layers, mmn_error *error)
{
    char where[48];
    for (size_t curve = 0; curve < mmn_result_rows(file->result, "curves"); curve++) {
        const mmn_rows states = states_of(file->result, curve);
        snprintf(where, sizeof(where), "curves[%zu].relative", curve);
        if (states.end - states.first != layers || layers == 0 || layers > MMN_REPORT_LAYERS)
            return mmn_fail(error, MMN_INPUT, file->file, where,
                            "must have 1 to %d numbers, as many as in every other curve",
                            MMN_REPORT_LAYERS);
    }
    return MMN_OK;
}

/* Adds the states of a curve to its series. */
static void add_curve(means *made, const mmn_results *results, size_t curve, const char *column)
{
    const mmn_result *result = results->of[MMN_RESULT_PERTURB].result;
    const mmn_rows states = states_of(result, curve);
    const char *domain = mmn_result_text(result, "curves", curve, "domain");
    const size_t series = 2 * mmn_results_domain(results, domain) +
                          mmn_row_is(result, "curves", curve, "off", "random");
    double *sums = made->values + series * made->layers;
    for (size_t layer = 0; layer < made->layers; layer++) {
        const double value = mmn_result_number(result, "states", states.first + layer, column);
        sums[layer] = made->curves[series] > 0 ? sums[layer] + value : value;
    }
    made->curves[series]++;
}

/* The largest mean. */
static double make_means(means *made, const mmn_results *results, const char *setting,
                         const char *column)
{
    const mmn_result *result = results->of[MMN_RESULT_PERTURB].result;
    double largest = 0;
    memset(made->curves, 0, sizeof(made->curves));
    for (size_t curve = 0; curve < mmn_result_rows(result, "curves"); curve++) {
        const char *domain = mmn_result_text(result, "curves", curve, "domain");
        const char *of = mmn_result_text(result, "curves", curve, "neurons_of");
        if (mmn_row_is(result, "curves", curve, "setting", setting) &&
            (!of || strcmp(of, domain) == 0))
            add_curve(made, results, curve, column);
    }
    for (size_t i = 0; i < made->series * made->layers; i++) {
        const size_t curves = made->curves[i / made->layers];
        if (curves > 0)
            largest = mmn_chart_maximum(largest, made->values[i] /= (double)curves);
    }
    return largest;
}

/* Of mmn_lines_value. */
static double mean_of(const void *context, size_t domain, bool random, size_t layer)
{
    const means *made = context;
    const size_t series = 2 * domain + random;
    return made->curves[series] > 0 ? made->values[series * made->layers + layer] : (double)NAN;
}

/* A panel of one measure: two lines for each domain. */
static mmn_status draw_measure(mmn_figure *figure, const mmn_results *results, means *made,
                               const char *setting, const measure *drawn)
{
    char title[120];
    snprintf(title, sizeof(title), "%.90s: %s", setting, drawn->name);
    const mmn_lines lines = {.title = title,
                             .y_title = drawn->axis,
                             .x_title = "layer",
                             .maximum = make_means(made, results, setting, drawn->column),
                             .places = made->layers,
                             .dashed = "random",
                             .value = mean_of,
                             .context = made};
    return mmn_lines_draw(figure, results, &lines);
}

static mmn_status draw_settings(mmn_figure *figure, const mmn_results *results, means *made)
{
    /* Settings are combinations of modules; a file with more than these is none of ours. */
    enum { SETTINGS = 32 };
    const mmn_result_file *file = &results->of[MMN_RESULT_PERTURB];
    size_t settings = 0;
    for (size_t curve = 0; curve < mmn_result_rows(file->result, "curves"); curve++) {
        const char *setting = mmn_result_text(file->result, "curves", curve, "setting");
        if (mmn_row_repeats(file->result, "curves", curve, "setting"))
            continue;
        if (++settings > SETTINGS)
            return mmn_fail(figure->error, MMN_INPUT, file->file, "setting",
                            "is one more than the %d settings that a report shows", SETTINGS);
        for (size_t m = 0; m < 2; m++)
            MMN_TRY(draw_measure(figure, results, made, setting, &measures[m]));
    }
    return MMN_OK;
}

static mmn_status draw_perturbation(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const mmn_result_file *file = &results->of[MMN_RESULT_PERTURB];
    (void)row;
    if (mmn_result_rows(file->result, "curves") == 0)
        return MMN_OK;
    const mmn_rows first = states_of(file->result, 0);
    means made = {.series = 2 * results->domain_count, .layers = first.end - first.first};
    MMN_TRY(check_layers(file, made.layers, figure->error));
    made.values = mmn_allocate(made.series * made.layers, sizeof(*made.values), figure->error);
    MMN_NEED(made.values);
    mmn_status status = draw_settings(figure, results, &made);
    mmn_free(made.values);
    return status;
}

const mmn_figure_form mmn_perturbation_figures[] = {
    {.name = "perturbation",
     .title = "How far the hidden states move",
     .kind = MMN_RESULT_PERTURB,
     .words = "How far the hidden states after each layer move when neurons are switched off, "
              "averaged over samples and positions: with the answered domain's own neurons off "
              "(solid, filled marks), and with as many random neurons of each layer off (dashed, "
              "empty marks, mean over seeds). A domain has the same mark in both.",
     .rows = "states",
     .columns = MMN_FIGURE_COLUMNS(
         {"setting", 0, "setting"}, {"domain", 0, "domain"}, {"off", 0, "off"},
         {"neurons of", 0, "neurons_of"}, {"seed", 0, "seed"}, {"positions", 0, "kind"},
         {"layer", 0, "layer"}, {"relative", 4, "relative"}, {"1 - cosine", 4, "cosine"}),
     .draw = draw_perturbation},
    {0}};
