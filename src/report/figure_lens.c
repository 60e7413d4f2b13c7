/* The figure of the logit lens: entropy after each layer over image and text positions. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "report/chart.h"
#include "report/figure.h"
#include "report/values.h"

static const char *const kinds[] = {"image", "text"};

/* One curve of the file. */
typedef struct curve {
    const char *domain, *stage;
    double *entropy[2]; /* of kinds; NULL where there are no such positions */
    int64_t positions[2];
    size_t layers;
} curve;

static void free_curve(curve *read)
{
    mmn_free(read->entropy[0]);
    mmn_free(read->entropy[1]);
}

static mmn_status read_curve(curve *read, const mmn_json_object *item, size_t layers,
                             mmn_error *error)
{
    *read = (curve){.layers = layers};
    mmn_status status = mmn_values_text(&read->domain, item, "domain", error);
    if (status == MMN_OK)
        status = mmn_values_text(&read->stage, item, "stage", error);
    for (size_t k = 0; k < 2 && status == MMN_OK; k++) {
        mmn_json_object part;
        status = mmn_json_get_object(&part, item, kinds[k], error);
        if (status == MMN_OK)
            status = mmn_json_get_i64(&read->positions[k], &part, "positions", 0, INT64_MAX,
                                      error);
        if (status == MMN_OK && mmn_json_has(&part, "entropy") && read->positions[k] > 0)
            status = mmn_values_read(&read->entropy[k], NULL, &part, "entropy", layers,
                                     MMN_REPORT_LAYERS, error);
    }
    if (status != MMN_OK)
        free_curve(read);
    return status;
}

/* Where one domain's stages end, or why that is not known. */
typedef struct stages {
    bool found;
    uint32_t align_until, generate_from;
    const char *evidence;
} stages;

static mmn_status find_stages(stages *found, const mmn_json_object *top, const char *domain,
                              size_t layers, mmn_error *error)
{
    json_t *array;
    *found = (stages){0};
    mmn_status status = mmn_values_array(&array, top, "three_stages", MMN_REPORT_DOMAINS, error);
    for (size_t i = 0; i < json_array_size(array) && status == MMN_OK; i++) {
        mmn_json_object item;
        const char *name;
        status = mmn_values_item(&item, top, "three_stages", array, i, error);
        if (status == MMN_OK)
            status = mmn_values_text(&name, &item, "domain", error);
        if (status != MMN_OK || strcmp(name, domain) != 0)
            continue;
        status = mmn_json_get_bool(&found->found, &item, "found", error);
        if (status == MMN_OK)
            status = mmn_json_get_text(&found->evidence, &item, "evidence", error);
        if (status == MMN_OK && found->found)
            status = mmn_json_get_u32(&found->align_until, &item, "align_until", 0,
                                      (uint32_t)layers, error);
        if (status == MMN_OK && found->found)
            status = mmn_json_get_u32(&found->generate_from, &item, "generate_from", 0,
                                      (uint32_t)layers, error);
    }
    return status;
}

/* Bands behind the curves, with the stages' names above them. */
static void draw_stages(const mmn_chart *chart, const stages *found)
{
    const double ends[] = {chart->left, mmn_chart_x(chart, found->align_until + 0.5),
                           mmn_chart_x(chart, found->generate_from - 0.5),
                           chart->left + chart->width};
    static const char *const names[] = {"align", "reason", "generate"};
    for (size_t i = 0; i < 3; i++) {
        const double width = ends[i + 1] - ends[i];
        mmn_svg_rectangle(chart->svg, i % 2 == 0 ? "band" : "band between", ends[i],
                          chart->top - chart->headroom, width, chart->height + chart->headroom);
        const size_t letters = (size_t)(width / 5);
        if (strlen(names[i]) <= letters)
            mmn_svg_text(chart->svg, "stage", ends[i] + width / 2, chart->top - 5,
                         MMN_ANCHOR_MIDDLE, letters, names[i]);
    }
}

static mmn_status draw_curve(mmn_figure *figure, const mmn_json_object *top, const curve *read,
                             double maximum, mmn_error *error)
{
    stages found;
    mmn_status status = find_stages(&found, top, read->domain, read->layers, error);
    if (status != MMN_OK)
        return status;
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = 242};
    mmn_chart chart = {.svg = &svg, .left = 34, .top = 62, .headroom = 16,
                       .width = MMN_PANEL_WIDTH - 84, .height = 138,
                       .x_maximum = (double)read->layers - 1, .y_maximum = maximum};
    mmn_chart_labels labels = {0};
    const bool out = strcmp(read->stage, "out") == 0;
    if (out && found.found)
        draw_stages(&chart, &found);
    mmn_chart_grid_y(&chart, "entropy (nats)", 5, false);
    mmn_chart_axis_x(&chart, "layer", 8, true);
    for (size_t k = 0; k < 2; k++) {
        if (!read->entropy[k])
            continue;
        mmn_chart_line(&chart, mmn_svg_series(k), read->entropy[k], read->layers);
        mmn_chart_label(&labels, &chart, kinds[k], mmn_svg_series_ink(k),
                        read->entropy[k][read->layers - 1]);
        for (size_t layer = 0; layer < read->layers; layer++) {
            mmn_table_text(&figure->table, read->domain);
            mmn_table_text(&figure->table, read->stage);
            mmn_table_text(&figure->table, kinds[k]);
            mmn_table_integer(&figure->table, read->positions[k]);
            mmn_table_integer(&figure->table, (int64_t)layer);
            mmn_table_real(&figure->table, read->entropy[k][layer]);
        }
    }
    if (out && !found.found)
        mmn_svg_text(&svg, "soft", chart.left + chart.width, chart.top - 9 - chart.headroom,
                     MMN_ANCHOR_END, 0,
                     "three stages not seen");
    mmn_chart_draw_labels(&labels, &chart, 6);
    char title[160];
    snprintf(title, sizeof(title), "%.100s%s%.40s", read->domain, out ? "" : ", ",
             out ? "" : read->stage);
    return mmn_figure_panel(figure, &svg, title, error);
}

/* What the file says of the stages, in sentences. */
static mmn_status tell(mmn_text *words, const mmn_json_object *top, size_t layers,
                       mmn_error *error)
{
    json_t *array;
    mmn_status status = mmn_values_array(&array, top, "three_stages", MMN_REPORT_DOMAINS, error);
    for (size_t i = 0; i < json_array_size(array) && status == MMN_OK; i++) {
        mmn_json_object item;
        const char *domain;
        stages found = {0};
        status = mmn_values_item(&item, top, "three_stages", array, i, error);
        if (status == MMN_OK)
            status = mmn_values_text(&domain, &item, "domain", error);
        if (status == MMN_OK)
            status = find_stages(&found, top, domain, layers, error);
        if (status != MMN_OK)
            break;
        if (found.found)
            mmn_text_add(words, "\n%s: alignment until layer %" PRIu32 ", generation from layer "
                         "%" PRIu32, domain, found.align_until, found.generate_from);
        else
            mmn_text_add(words, "\n%s: the three stages were not seen", domain);
        if (found.evidence)
            mmn_text_add(words, " (%s)", found.evidence);
        mmn_text_add(words, ".");
    }
    return status;
}

mmn_status mmn_figure_lens(mmn_figures *figures, mmn_results *results, mmn_error *error)
{
    static const mmn_column columns[] = {{"domain", 0}, {"stage", 0}, {"positions", 0},
                                         {"how many", 0}, {"layer", 0}, {"entropy (nats)", 4}};
    const mmn_json_object *top = &results->of[MMN_RESULT_LENS].top;
    json_t *array;
    mmn_figure *figure;
    uint32_t layers = 0;
    mmn_status status = mmn_values_array(&array, top, "curves", 4 * MMN_REPORT_DOMAINS, error);
    if (status != MMN_OK || json_array_size(array) == 0)
        return status;
    status = mmn_json_require(top, "layers", error);
    if (status == MMN_OK)
        status = mmn_json_get_u32(&layers, top, "layers", 1, MMN_REPORT_LAYERS, error);
    mmn_text words = {0};
    mmn_text_add(&words, "The model's own output words read after every layer: the lower the "
                         "entropy, the surer the prediction. Averages over image and over text "
                         "positions.");
    if (status == MMN_OK)
        status = mmn_figure_begin(&figure, figures, "lens", "Entropy of the logit lens", columns, 6,
                                  error);
    /* All panels have one scale. */
    double maximum = 0;
    for (int pass = 0; pass < 2 && status == MMN_OK; pass++)
        for (size_t i = 0; i < json_array_size(array) && status == MMN_OK; i++) {
            mmn_json_object item;
            curve read = {0};
            status = mmn_values_item(&item, top, "curves", array, i, error);
            if (status == MMN_OK)
                status = read_curve(&read, &item, layers, error);
            if (status != MMN_OK)
                break;
            for (size_t k = 0; k < 2 && pass == 0; k++)
                maximum = mmn_chart_maximum(maximum, read.entropy[k],
                                            read.entropy[k] ? layers : 0);
            if (pass == 1)
                status = draw_curve(figure, top, &read, maximum, error);
            free_curve(&read);
        }
    if (status == MMN_OK)
        status = tell(&words, top, layers, error);
    if (status == MMN_OK)
        status = mmn_figure_end(figure, &words, error);
    mmn_text_free(&words);
    return status;
}
