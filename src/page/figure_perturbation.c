/* The figure of how far switching neurons off moves the hidden states of each layer. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "page/figure.h"

/* A panel: a column of the table of states. */
typedef struct measure {
    const char *column, *name, *axis;
} measure;

static const measure measures[] = {
    {"relative", "distance", "moved by, relative to its norm"},
    {"cosine", "direction", "1 - cosine to where it was"}};

/* The means over the curves of one setting, for each domain with its own neurons off and with
 * random ones. */
typedef struct means {
    size_t layers;
    size_t counts[MMN_REPORT_DOMAINS][2]; /* curves of own, and of random neurons */
    double *values;                       /* [domain][2][layer] */
} means;

static double *values_of(const means *made, size_t domain, size_t random)
{
    return made->values + (2 * domain + random) * made->layers;
}

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

static void make_means(means *made, const mmn_results *results, const char *setting,
                       const char *column)
{
    const mmn_result *result = results->of[MMN_RESULT_PERTURB].result;
    memset(made->counts, 0, sizeof(made->counts));
    for (size_t curve = 0; curve < mmn_result_rows(result, "curves"); curve++) {
        const mmn_rows states = states_of(result, curve);
        const char *domain = mmn_result_text(result, "curves", curve, "domain");
        const char *of = mmn_result_text(result, "curves", curve, "neurons_of");
        if (!mmn_row_is(result, "curves", curve, "setting", setting) ||
            (of && strcmp(of, domain) != 0))
            continue;
        const size_t number = mmn_results_domain(results, domain);
        const bool random = mmn_row_is(result, "curves", curve, "off", "random");
        const bool first = made->counts[number][random]++ == 0;
        double *sums = values_of(made, number, random);
        for (size_t layer = 0; layer < made->layers; layer++) {
            const double value =
                mmn_result_number(result, "states", states.first + layer, column);
            sums[layer] = first ? value : sums[layer] + value;
        }
    }
    for (size_t d = 0; d < results->domain_count; d++)
        for (size_t random = 0; random < 2; random++)
            for (size_t layer = 0; made->counts[d][random] > 0 && layer < made->layers; layer++)
                values_of(made, d, random)[layer] /= (double)made->counts[d][random];
}

static void draw_line(const mmn_chart *chart, const means *made, size_t domain, size_t random)
{
    const double *values = values_of(made, domain, random);
    char classes[32];
    snprintf(classes, sizeof(classes), "%s%s", random ? "dashed " : "", mmn_svg_series(domain));
    mmn_svg_begin_line(chart->svg, classes);
    for (size_t layer = 0; layer < made->layers; layer++)
        mmn_svg_point(chart->svg, mmn_chart_x(chart, (double)layer),
                      mmn_chart_y(chart, values[layer]));
    mmn_svg_end_line(chart->svg);
}

/* A panel of one measure: a line for each domain, and a dashed one for random neurons. */
static mmn_status draw_measure(mmn_figure *figure, const mmn_results *results, means *made,
                               const char *setting, const measure *drawn)
{
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = 240};
    mmn_chart chart = {.svg = &svg, .left = 40, .top = 48, .width = MMN_PANEL_WIDTH - 154,
                       .height = 150, .x_maximum = (double)made->layers - 1};
    mmn_chart_labels labels = {0};
    bool random_named = false;
    char title[120];
    make_means(made, results, setting, drawn->column);
    for (size_t d = 0; d < results->domain_count; d++)
        for (size_t random = 0; random < 2; random++)
            for (size_t layer = 0; made->counts[d][random] > 0 && layer < made->layers; layer++)
                chart.y_maximum =
                    mmn_chart_maximum(chart.y_maximum, values_of(made, d, random)[layer]);
    mmn_chart_grid_y(&chart, drawn->axis, 5, false);
    mmn_chart_axis_x(&chart, "layer", 6, true);
    for (size_t d = 0; d < results->domain_count; d++)
        for (size_t random = 0; random < 2; random++) {
            if (made->counts[d][random] == 0)
                continue;
            const double last = values_of(made, d, random)[made->layers - 1];
            draw_line(&chart, made, d, random);
            if (!random)
                mmn_chart_label(&labels, &chart, results->domains[d], mmn_svg_series_ink(d), last);
            else if (!random_named)
                mmn_chart_label(&labels, &chart, "random", "soft", last);
            random_named |= random;
        }
    mmn_chart_draw_labels(&labels, &chart, 14);
    snprintf(title, sizeof(title), "%.90s: %s", setting, drawn->name);
    return mmn_figure_panel(figure, &svg, title);
}

/* Whether an earlier curve has the setting of this one, whose panels are drawn then. */
static bool is_repeated(const mmn_result *result, size_t curve)
{
    const char *setting = mmn_result_text(result, "curves", curve, "setting");
    size_t earlier = 0;
    while (!mmn_row_is(result, "curves", earlier, "setting", setting))
        earlier++;
    return earlier < curve;
}

static mmn_status draw_settings(mmn_figure *figure, const mmn_results *results, means *made)
{
    /* Settings are combinations of modules; a file with more than these is none of ours. */
    enum { SETTINGS = 32 };
    const mmn_result_file *file = &results->of[MMN_RESULT_PERTURB];
    size_t settings = 0;
    for (size_t curve = 0; curve < mmn_result_rows(file->result, "curves"); curve++) {
        const char *setting = mmn_result_text(file->result, "curves", curve, "setting");
        if (is_repeated(file->result, curve))
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
    means made = {.layers = first.end - first.first};
    MMN_TRY(check_layers(file, made.layers, figure->error));
    made.values = mmn_allocate(results->domain_count * 2 * made.layers, sizeof(*made.values),
                               figure->error);
    if (!made.values)
        return MMN_SYSTEM;
    mmn_status status = draw_settings(figure, results, &made);
    mmn_free(made.values);
    return status;
}

const mmn_figure_form mmn_perturbation_figures[] = {
    {.name = "perturbation", .title = "How far the hidden states move", .kind = MMN_RESULT_PERTURB,
     .words = "How far the hidden states after each layer move when neurons are switched off, "
              "averaged over samples and positions: with the answered domain's own neurons off "
              "(solid), and with as many random neurons of each layer off (dashed, mean over seeds).",
     .rows = "states",
     .columns = MMN_FIGURE_COLUMNS(
         {"setting", 0, "setting"}, {"domain", 0, "domain"}, {"off", 0, "off"},
         {"neurons of", 0, "neurons_of"}, {"seed", 0, "seed"}, {"positions", 0, "kind"},
         {"layer", 0, "layer"}, {"relative", 4, "relative"}, {"1 - cosine", 4, "cosine"}),
     .draw = draw_perturbation},
    {0}};
