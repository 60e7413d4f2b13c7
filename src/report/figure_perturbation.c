/* The figure of how far switching neurons off moves the hidden states of each layer. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "report/chart.h"
#include "report/figure.h"
#include "report/values.h"

typedef enum measure { RELATIVE, COSINE, MEASURES } measure;

static const char *const measure_keys[MEASURES] = {"relative", "cosine"};
static const char *const measure_names[MEASURES] = {"distance", "direction"};
static const char *const measure_titles[MEASURES] = {"moved by, relative to its norm",
                                                     "1 - cosine to where it was"};

/* One curve of the file. */
typedef struct curve {
    const char *setting, *off, *neurons_of, *domain;
    size_t number; /* the domain's */
    int64_t seed;  /* -1: none */
    double *values[MEASURES];
    size_t layers;
} curve;

static void free_curve(curve *read)
{
    for (size_t m = 0; m < MEASURES; m++) {
        mmn_free(read->values[m]);
        read->values[m] = NULL;
    }
}

static mmn_status read_values(curve *read, const mmn_json_object *item, mmn_error *error)
{
    mmn_status status = mmn_values_read(&read->values[RELATIVE], &read->layers, item,
                                        measure_keys[RELATIVE], SIZE_MAX, MMN_REPORT_LAYERS,
                                        error);
    if (status == MMN_OK)
        status = mmn_values_read(&read->values[COSINE], NULL, item, measure_keys[COSINE],
                                 read->layers, MMN_REPORT_LAYERS, error);
    if (status != MMN_OK)
        free_curve(read);
    return status;
}

static mmn_status read_curve(curve *read, mmn_results *results, const mmn_json_object *item,
                             mmn_error *error)
{
    *read = (curve){.seed = -1};
    mmn_status status = mmn_values_text(&read->setting, item, "setting", error);
    if (status == MMN_OK)
        status = mmn_values_text(&read->off, item, "off", error);
    if (status == MMN_OK)
        status = mmn_values_text(&read->domain, item, "domain", error);
    if (status == MMN_OK)
        status = mmn_json_get_text(&read->neurons_of, item, "neurons_of", error);
    if (status == MMN_OK)
        status = mmn_json_get_i64(&read->seed, item, "seed", 0, INT64_MAX, error);
    if (status == MMN_OK)
        status = mmn_results_domain(&read->number, results, read->domain, item, error);
    return status == MMN_OK ? read_values(read, item, error) : status;
}

static void add_rows(mmn_report_table *table, const curve *read, const char *positions)
{
    for (size_t layer = 0; layer < read->layers; layer++) {
        mmn_table_text(table, read->setting);
        mmn_table_text(table, read->domain);
        mmn_table_text(table, read->off);
        mmn_table_text(table, read->neurons_of);
        if (read->seed >= 0)
            mmn_table_integer(table, read->seed);
        else
            mmn_table_text(table, NULL);
        mmn_table_text(table, positions);
        mmn_table_integer(table, (int64_t)layer);
        mmn_table_real(table, read->values[RELATIVE][layer]);
        mmn_table_real(table, read->values[COSINE][layer]);
    }
}

/* The rows of one curve: over all positions, those of images, those of text. */
static mmn_status tabulate(mmn_figure *figure, mmn_results *results, const mmn_json_object *item,
                           mmn_error *error)
{
    static const char *const kinds[] = {"image", "text"};
    curve read;
    mmn_status status = read_curve(&read, results, item, error);
    if (status != MMN_OK)
        return status;
    add_rows(&figure->table, &read, "all");
    free_curve(&read);
    for (size_t k = 0; k < 2 && status == MMN_OK; k++) {
        mmn_json_object part;
        status = mmn_json_get_object(&part, item, kinds[k], error);
        if (status != MMN_OK || !part.value || !json_object_get(part.value, "relative"))
            continue;
        curve other = read;
        memset(other.values, 0, sizeof(other.values));
        status = read_values(&other, &part, error);
        if (status == MMN_OK) {
            add_rows(&figure->table, &other, kinds[k]);
            free_curve(&other);
        }
    }
    return status;
}

/* The mean over the curves of one setting and domain, of domain or random neurons. */
typedef struct mean {
    double *sums[MEASURES];
    size_t layers, count;
} mean;

typedef struct setting_means {
    const char *setting;
    mean of[MMN_REPORT_DOMAINS][2]; /* 0: domain neurons, 1: random ones */
} setting_means;

static void free_means(setting_means *means)
{
    for (size_t d = 0; means && d < MMN_REPORT_DOMAINS; d++)
        for (size_t off = 0; off < 2; off++)
            for (size_t m = 0; m < MEASURES; m++)
                mmn_free(means->of[d][off].sums[m]);
    mmn_free(means);
}

/* Adds a curve to the mean it belongs to; curves are added in the file's order. */
static mmn_status add_curve(setting_means *means, curve *read, const mmn_json_object *item,
                            mmn_error *error)
{
    const bool random = strcmp(read->off, "random") == 0;
    if (strcmp(read->setting, means->setting) != 0 ||
        (read->neurons_of && strcmp(read->neurons_of, read->domain) != 0))
        return MMN_OK;
    mean *sum = &means->of[read->number][random];
    if (sum->count > 0 && sum->layers != read->layers)
        return mmn_json_fail(item, "relative", error, "must have %zu layers as another curve has",
                             sum->layers);
    for (size_t m = 0; m < MEASURES; m++) {
        if (sum->count == 0) {
            sum->sums[m] = read->values[m];
            read->values[m] = NULL;
            continue;
        }
        for (size_t layer = 0; layer < read->layers; layer++)
            sum->sums[m][layer] += read->values[m][layer];
    }
    sum->layers = read->layers;
    sum->count++;
    return MMN_OK;
}

static mmn_status make_means(setting_means *means, mmn_results *results, json_t *array,
                             mmn_error *error)
{
    const mmn_json_object *top = &results->of[MMN_RESULT_PERTURB].top;
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < json_array_size(array) && status == MMN_OK; i++) {
        mmn_json_object item;
        curve read = {0};
        status = mmn_values_item(&item, top, "curves", array, i, error);
        if (status == MMN_OK)
            status = read_curve(&read, results, &item, error);
        if (status == MMN_OK)
            status = add_curve(means, &read, &item, error);
        free_curve(&read);
    }
    for (size_t d = 0; d < MMN_REPORT_DOMAINS; d++)
        for (size_t off = 0; off < 2; off++)
            for (size_t m = 0; m < MEASURES; m++)
                for (size_t layer = 0; layer < means->of[d][off].layers; layer++)
                    means->of[d][off].sums[m][layer] /= (double)means->of[d][off].count;
    return status;
}

/* A panel of one measure: a line for each domain, and a dashed one for random neurons. */
static mmn_status draw_measure(mmn_figure *figure, const mmn_results *results,
                               const setting_means *means, measure which, mmn_error *error)
{
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = 240};
    mmn_chart chart = {.svg = &svg, .left = 40, .top = 48, .width = MMN_PANEL_WIDTH - 154,
                       .height = 150};
    mmn_chart_labels labels = {0};
    size_t layers = 1, random_named = 0;
    for (size_t d = 0; d < results->domain_count; d++)
        for (size_t off = 0; off < 2; off++) {
            const mean *drawn = &means->of[d][off];
            layers = drawn->layers > layers ? drawn->layers : layers;
            chart.y_maximum = mmn_chart_maximum(chart.y_maximum, drawn->sums[which],
                                                drawn->layers);
        }
    chart.x_maximum = (double)layers - 1;
    mmn_chart_grid_y(&chart, measure_titles[which], 5, false);
    mmn_chart_axis_x(&chart, "layer", 6, true);
    for (size_t d = 0; d < results->domain_count; d++)
        for (size_t off = 0; off < 2; off++) {
            const mean *drawn = &means->of[d][off];
            char classes[32] = "";
            if (drawn->count == 0)
                continue;
            strcat(strcat(classes, off == 1 ? "dashed " : ""), mmn_svg_series(d));
            mmn_chart_line(&chart, classes, drawn->sums[which], drawn->layers);
            if (off == 0)
                mmn_chart_label(&labels, &chart, results->domains[d], mmn_svg_series_ink(d),
                                drawn->sums[which][drawn->layers - 1]);
            else if (!random_named++)
                mmn_chart_label(&labels, &chart, "random", "soft",
                                drawn->sums[which][drawn->layers - 1]);
        }
    mmn_chart_draw_labels(&labels, &chart, 14);
    char title[120];
    snprintf(title, sizeof(title), "%.90s: %s", means->setting, measure_names[which]);
    return mmn_figure_panel(figure, &svg, title, error);
}

static mmn_status draw_setting(mmn_figure *figure, mmn_results *results, json_t *array,
                               const char *setting, mmn_error *error)
{
    setting_means *means = mmn_allocate(1, sizeof(*means), error);
    if (!means)
        return MMN_SYSTEM;
    means->setting = setting;
    mmn_status status = make_means(means, results, array, error);
    for (size_t m = 0; m < MEASURES && status == MMN_OK; m++)
        status = draw_measure(figure, results, means, (measure)m, error);
    free_means(means);
    return status;
}

/* Whether an earlier curve has the setting of curve `index`, whose panels are drawn then. */
static bool is_repeated(const json_t *array, size_t index, const char *setting)
{
    for (size_t i = 0; i < index; i++) {
        const char *other =
            json_string_value(json_object_get(json_array_get(array, i), "setting"));
        if (other && strcmp(other, setting) == 0)
            return true;
    }
    return false;
}

mmn_status mmn_figure_perturbation(mmn_figures *figures, mmn_results *results, mmn_error *error)
{
    /* Settings are combinations of modules; a file with more than these is none of ours. */
    enum { SETTINGS = 32, CURVES = 4000 };
    static const mmn_column columns[] = {
        {"setting", 0}, {"domain", 0}, {"off", 0}, {"neurons of", 0}, {"seed", 0},
        {"positions", 0}, {"layer", 0}, {"relative", 4}, {"1 - cosine", 4}};
    const mmn_json_object *top = &results->of[MMN_RESULT_PERTURB].top;
    json_t *array;
    mmn_figure *figure;
    mmn_status status = mmn_values_array(&array, top, "curves", CURVES, error);
    if (status != MMN_OK || json_array_size(array) == 0)
        return status;
    mmn_text words = {0};
    mmn_text_add(&words, "How far the hidden states after each layer move when neurons are "
                         "switched off, averaged over samples and positions: with the answered "
                         "domain's own neurons off (solid), and with as many random neurons of "
                         "each layer off (dashed, mean over seeds).");
    status = mmn_figure_begin(&figure, figures, "perturbation",
                              "How far the hidden states move", columns, 9, error);
    size_t settings = 0;
    for (size_t i = 0; i < json_array_size(array) && status == MMN_OK; i++) {
        mmn_json_object item;
        const char *setting;
        status = mmn_values_item(&item, top, "curves", array, i, error);
        if (status == MMN_OK)
            status = mmn_values_text(&setting, &item, "setting", error);
        if (status == MMN_OK)
            status = tabulate(figure, results, &item, error);
        if (status != MMN_OK || is_repeated(array, i, setting))
            continue;
        if (++settings > SETTINGS)
            status = mmn_json_fail(&item, "setting", error, "is one more than the %d settings that "
                                   "a report shows", SETTINGS);
        else
            status = draw_setting(figure, results, array, setting, error);
    }
    if (status == MMN_OK)
        status = mmn_figure_end(figure, &words, error);
    mmn_text_free(&words);
    return status;
}
