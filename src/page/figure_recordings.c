/* The figures of predicted recordings: r over bins of time and over layers, and how many sites pass
 * each test. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "page/figure.h"

/* ---- r over bins and layers ------------------------------------------------------------------ */

/* Bins or layers, a row of a result's table each, over which models' lines go. */
typedef struct axis {
    const char *title, *table;
    const char *r;            /* column */
    const char *place;        /* column that numbers the rows; NULL: their order does */
    const char *sites;        /* column of how many sites a row is the mean of; NULL: of one */
    const struct axis *means; /* where a model has no such rows; NULL: there are none */
} axis;

static const axis bin_means = {"bin of time", "means", "r", "bin", "sites", NULL};
static const axis bins = {"bin of time", "columns", "r", "bin", NULL, &bin_means};
static const axis layers = {"layer", "layers", "test", NULL, NULL, NULL};

/* The most that a panel has room for, and that a row is the mean of. */
enum { PLACES = 1024, MOST_SITES = 1000000 };

/* A model's line: means over the rows at each place. */
typedef struct curve {
    double sums[PLACES], sites[PLACES];
    size_t places;
} curve;

static mmn_status check_place(const mmn_result_file *file, const axis *along, double place,
                              mmn_error *error)
{
    if (!(place >= 0 && place < PLACES))
        return mmn_fail(error, MMN_INPUT, file->file, along->table,
                        "has %s number %.0f; a report shows those below %d", along->title, place,
                        PLACES);
    return MMN_OK;
}

static mmn_status read_curve(curve *read, const mmn_result_file *file, const axis *along,
                             size_t model, mmn_error *error)
{
    const mmn_rows rows = mmn_rows_below(file->result, along->table, "models", model);
    *read = (curve){.places = 0};
    if (rows.first == rows.end && along->means)
        return read_curve(read, file, along->means, model, error);
    for (size_t row = rows.first; row < rows.end; row++) {
        const double place = along->place
                                 ? mmn_result_number(file->result, along->table, row, along->place)
                                 : (double)(row - rows.first);
        const double r = mmn_result_number(file->result, along->table, row, along->r);
        MMN_TRY(check_place(file, along, place, error));
        if (!isfinite(r))
            continue;
        const size_t at = (size_t)place;
        const double sites =
            along->sites ? mmn_result_number(file->result, along->table, row, along->sites) : 1;
        if (!(sites > 0 && sites <= MOST_SITES))
            continue;
        read->sums[at] += r * sites;
        read->sites[at] += sites;
        read->places = at + 1 > read->places ? at + 1 : read->places;
    }
    return MMN_OK;
}

/* Of mmn_chart_value: as the axis begins at 0, what is below is drawn there. */
static double mean_at(const void *context, size_t place)
{
    const curve *drawn = context;
    const double mean = drawn->sums[place] / drawn->sites[place];
    return mean < 0 ? 0 : mean;
}

static void add_curve(mmn_report_table *table, const mmn_result *result, size_t model,
                      const curve *added)
{
    for (size_t place = 0; place < added->places; place++)
        if (added->sites[place] > 0)
            MMN_CELLS(table, mmn_row_value(result, "models", model, "alignment"),
                      mmn_row_value(result, "models", model, "model"), mmn_as_whole(place),
                      mmn_as_real(added->sums[place] / added->sites[place]),
                      mmn_as_whole((uint64_t)added->sites[place]));
}

/* The panel of an alignment: a curve for each of its models. */
static mmn_status draw_curves(mmn_figure *figure, const mmn_result *result, size_t alignment,
                              const axis *along, const curve *curves)
{
    const mmn_rows models = mmn_rows_below(result, "models", "alignments", alignment);
    const size_t count = models.end - models.first;
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = 240};
    mmn_chart chart = {
        .svg = &svg, .left = 40, .top = 48, .width = MMN_PANEL_WIDTH - 154, .height = 150};
    mmn_chart_labels labels = {0};
    for (size_t m = 0; m < count; m++) {
        chart.x_maximum = fmax(chart.x_maximum, (double)curves[m].places - 1);
        for (size_t place = 0; place < curves[m].places; place++)
            chart.y_maximum = mmn_chart_maximum(chart.y_maximum, mean_at(&curves[m], place));
    }
    mmn_chart_make_room(&chart, 5, false);
    mmn_chart_grid_y(&chart, "r, mean over sites", 5, false);
    mmn_chart_axis_x(&chart, along->title, 6, true);
    for (size_t m = 0; m < count; m++) {
        if (curves[m].places == 0)
            continue;
        mmn_chart_line(&chart, m, false, mean_at, &curves[m], curves[m].places);
        mmn_chart_label(&labels, &chart,
                        mmn_result_text(result, "models", models.first + m, "model"), m,
                        mean_at(&curves[m], curves[m].places - 1));
    }
    mmn_chart_draw_labels(&labels, &chart);
    return mmn_figure_panel(figure, &svg,
                            mmn_result_text(result, "alignments", alignment, "alignment"));
}

static mmn_status draw_alignment(mmn_figure *figure, const mmn_result_file *file, size_t alignment,
                                 const axis *along)
{
    const mmn_rows models = mmn_rows_below(file->result, "models", "alignments", alignment);
    const size_t count = models.end - models.first;
    curve *curves = mmn_allocate(count, sizeof(*curves), figure->error);
    MMN_NEED(curves);
    mmn_status status = MMN_OK;
    size_t places = 0;
    for (size_t m = 0; status == MMN_OK && m < count; m++) {
        status = read_curve(&curves[m], file, along, models.first + m, figure->error);
        if (along->place)
            add_curve(&figure->table, file->result, models.first + m, &curves[m]);
        places = curves[m].places > places ? curves[m].places : places;
    }
    if (status == MMN_OK && places > 0)
        status = draw_curves(figure, file->result, alignment, along, curves);
    mmn_free(curves);
    return status;
}

static mmn_status draw_along(mmn_figure *figure, const mmn_results *results, const axis *along)
{
    const mmn_result_file *file = &results->of[MMN_RESULT_ENCODE];
    for (size_t i = 0; i < mmn_result_rows(file->result, "alignments"); i++)
        MMN_TRY(draw_alignment(figure, file, i, along));
    return MMN_OK;
}

static mmn_status draw_bins(mmn_figure *figure, const mmn_results *results, size_t row)
{
    (void)row;
    return draw_along(figure, results, &bins);
}

static mmn_status draw_layers(mmn_figure *figure, const mmn_results *results, size_t row)
{
    (void)row;
    return draw_along(figure, results, &layers);
}

/* ---- Sites by test --------------------------------------------------------------------------- */

static void draw_share(const mmn_chart *chart, const char *classes, double y, double share)
{
    if (!isfinite(share))
        return;
    mmn_chart_bar(chart, classes, y, share);
    mmn_chart_bar_number(chart, y, share * 100, 1);
}

static mmn_status draw_tests(mmn_figure *figure, const mmn_results *results, size_t row)
{
    enum { EACH = 46, FROM = 14, BESIDE = 64, ABOVE = 24 };
    const mmn_result *result = results->of[MMN_RESULT_ENCODE].result;
    const size_t count = mmn_result_rows(result, "tests");
    mmn_svg svg = {.width = MMN_PANEL_WIDTH};
    mmn_chart chart = {.svg = &svg,
                       .left = FROM,
                       .width = MMN_PANEL_WIDTH - FROM - BESIDE,
                       .height = ABOVE + EACH * (double)count + 4};
    if (count == 0)
        return MMN_OK;
    for (row = 0; row < count; row++) {
        mmn_chart_widen(&chart, mmn_result_number(result, "tests", row, "share"));
        mmn_chart_widen(&chart, mmn_result_number(result, "tests", row, "share_by_default"));
    }
    for (row = 0; row < count; row++) {
        const char *aligned = mmn_result_text(result, "tests", row, "aligned");
        const double y = ABOVE + EACH * (double)row;
        char name[160];
        snprintf(name, sizeof(name), "%.60s, %.90s", mmn_result_text(result, "tests", row, "test"),
                 aligned ? aligned : "all alignments");
        mmn_svg_text(&svg, "label", FROM, y + 12, MMN_ANCHOR_START, 280, name);
        draw_share(&chart, mmn_svg_series(0), y + 17,
                   mmn_result_number(result, "tests", row, "share"));
        draw_share(&chart, "other", y + 17 + MMN_BAR + 2,
                   mmn_result_number(result, "tests", row, "share_by_default"));
    }
    mmn_svg_line(&svg, "axis", FROM, chart.height, FROM + chart.width, chart.height);
    mmn_chart_axis_x(&chart, "share of all sites", 4, false);
    svg.height = chart.height + 36;
    return mmn_figure_panel(figure, &svg, "Sites that pass, in per cent at the right");
}

const mmn_figure_form mmn_recording_figures[] = {
    {.name = "r-over-time",
     .title = "How well recordings are predicted, over time",
     .kind = MMN_RESULT_ENCODE,
     .words = "Pearson's r of each model's predictions with what was recorded, in bins of time "
              "around events, the mean over sites, from the layer that validates best. What is "
              "below 0 is drawn at 0.",
     .columns = MMN_FIGURE_COLUMNS({"alignment", 0, NULL}, {"model", 0, NULL}, {"bin", 0, NULL},
                                   {"r", 4, NULL}, {"sites", 0, NULL}),
     .draw = draw_bins},
    {.name = "r-over-layers",
     .title = "How well recordings are predicted, over layers",
     .kind = MMN_RESULT_ENCODE,
     .words = "Pearson's r of each model's predictions with what was recorded, the mean over sites "
              "and bins of time, from the features of each of its layers, in the order of the "
              "file. What is below 0 is drawn at 0.",
     .rows = "layers",
     .columns = MMN_FIGURE_COLUMNS({"alignment", 0, "alignment"}, {"model", 0, "model"},
                                   {"layer", 0, "name"}, {"features", 0, "width"},
                                   {"r of validation", 4, "validation"}, {"r", 4, "test"}),
     .draw = draw_layers},
    {.name = "multimodal-sites",
     .title = "Sites that are called multimodal",
     .kind = MMN_RESULT_ENCODE,
     .words = "The share of all sites that pass each test of vision-language integration at the "
              "false discovery rate (coloured), and of those where the multimodal model wins by "
              "default, since it alone predicts enough bins (grey).",
     .rows = "tests",
     .columns = MMN_FIGURE_COLUMNS({"test", 0, "test"}, {"alignment", 0, "aligned"},
                                   {"tested", 0, "tested"}, {"passed", 0, "passed"},
                                   {"share", 4, "share"}, {"by default", 0, "by_default"},
                                   {"share by default", 4, "share_by_default"}),
     .draw = draw_tests},
    {0}};
