/* The figures of the logit lens over whole domains: the entropy after each layer, and the words
 * that it reads most often there. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "page/chart.h"
#include "page/figure.h"
#include "page/heat_table.h"
#include "page/rows.h"

static const char *const kinds[] = {"image", "text"};
/* Columns of "curves": how many positions of each kind. */
static const char *const counts[] = {"image_positions", "text_positions"};

/* The rows of "readings" of a curve over positions of one kind, a layer each. */
static mmn_rows readings_of(const mmn_result *result, size_t curve, const char *kind)
{
    mmn_rows rows = mmn_rows_below(result, "readings", "curves", curve);
    while (rows.first < rows.end && !mmn_row_is(result, "readings", rows.first, "kind", kind))
        rows.first++;
    while (rows.first < rows.end && !mmn_row_is(result, "readings", rows.end - 1, "kind", kind))
        rows.end--;
    return rows;
}

/* ---- Entropy --------------------------------------------------------------------------------- */

/* The entropies of a curve over positions of one kind: of all layers, or of none. */
typedef struct entropies {
    mmn_rows rows;
    double *values; /* [layers] */
} entropies;

static mmn_status read_entropies(entropies *read, const mmn_result_file *file, size_t curve,
                                 size_t kind, double layers, mmn_error *error)
{
    char where[48];
    *read = (entropies){.rows = readings_of(file->result, curve, kinds[kind])};
    const size_t count = read->rows.end - read->rows.first;
    if (count == 0 || !(mmn_result_number(file->result, "curves", curve, counts[kind]) > 0)) {
        read->rows.end = read->rows.first;
        return MMN_OK;
    }
    snprintf(where, sizeof(where), "curves[%zu].%s.entropy", curve, kinds[kind]);
    if ((double)count != layers)
        return mmn_fail(error, MMN_INPUT, file->file, where, "must have %.0f numbers and has %zu",
                        layers, count);
    read->values = mmn_allocate(count, sizeof(*read->values), error);
    for (size_t i = 0; i < count && read->values; i++)
        read->values[i] =
            mmn_result_number(file->result, "readings", read->rows.first + i, "entropy");
    return read->values ? MMN_OK : MMN_SYSTEM;
}

/* The row of "three_stages" of a domain; SIZE_MAX: it has none. */
static size_t find_stages(const mmn_result *result, const char *domain)
{
    for (size_t row = 0; row < mmn_result_rows(result, "three_stages"); row++)
        if (mmn_row_is(result, "three_stages", row, "domain", domain))
            return row;
    return SIZE_MAX;
}

static bool are_found(const mmn_result *result, size_t stages)
{
    const double layers = mmn_result_number(result, "result", 0, "layers");
    return mmn_result_number(result, "three_stages", stages, "found") == 1 &&
           mmn_result_number(result, "three_stages", stages, "align_until") <= layers &&
           mmn_result_number(result, "three_stages", stages, "generate_from") <= layers;
}

/* Bands behind the curves, with the stages' names above them. */
static void draw_stages(const mmn_chart *chart, const mmn_result *result, size_t stages)
{
    const double align = mmn_result_number(result, "three_stages", stages, "align_until");
    const double generate = mmn_result_number(result, "three_stages", stages, "generate_from");
    const double ends[] = {chart->left, mmn_chart_x(chart, align + 0.5),
                           mmn_chart_x(chart, generate - 0.5), chart->left + chart->width};
    static const char *const names[] = {"align", "reason", "generate"};
    for (size_t i = 0; i < 3; i++) {
        const double width = ends[i + 1] - ends[i];
        mmn_svg_rectangle(chart->svg, i % 2 == 0 ? "band" : "band between", ends[i],
                          chart->top - chart->headroom, width, chart->height + chart->headroom);
        if ((double)strlen(names[i]) <= width / 5)
            mmn_svg_text(chart->svg, "stage", ends[i] + width / 2, chart->top - 5,
                         MMN_ANCHOR_MIDDLE, 0, names[i]);
    }
}

/* The panel of a curve, drawn of its entropies over images and text. */
static void draw_curve(mmn_figure *figure, const mmn_result *result, size_t curve,
                       const entropies *read, double layers, double maximum)
{
    const char *domain = mmn_result_text(result, "curves", curve, "domain");
    const char *stage = mmn_result_text(result, "curves", curve, "stage");
    const size_t stages = find_stages(result, domain);
    const bool out = strcmp(stage, "out") == 0, found = are_found(result, stages);
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = 242};
    mmn_chart chart = {.svg = &svg, .left = 34, .top = 62, .headroom = 16,
                       .width = MMN_PANEL_WIDTH - 84, .height = 138, .x_maximum = layers - 1,
                       .y_maximum = maximum};
    mmn_chart_labels labels = {0};
    if (out && found)
        draw_stages(&chart, result, stages);
    mmn_chart_grid_y(&chart, "entropy (nats)", 5, false);
    mmn_chart_axis_x(&chart, "layer", 8, true);
    for (size_t k = 0; k < 2; k++) {
        const size_t count = read[k].rows.end - read[k].rows.first;
        if (count == 0)
            continue;
        mmn_chart_line(&chart, mmn_svg_series(k), read[k].values, count);
        mmn_chart_label(&labels, &chart, kinds[k], mmn_svg_series_ink(k),
                        read[k].values[count - 1]);
    }
    if (out && !found)
        mmn_svg_text(&svg, "soft", chart.left + chart.width, chart.top - 9 - chart.headroom,
                     MMN_ANCHOR_END, 0, "three stages not seen");
    mmn_chart_draw_labels(&labels, &chart, 6);
    char title[160];
    snprintf(title, sizeof(title), "%.100s%s%.40s", domain, out ? "" : ", ", out ? "" : stage);
    mmn_figure_panel(figure, &svg, title);
}

/* A curve of all, drawn where there is a figure: then *maximum is the scale's end. Else it becomes
 * the largest entropy, if one is larger. */
static mmn_status add_curve(mmn_figure *figure, const mmn_result_file *file, size_t curve,
                            double *maximum, mmn_error *error)
{
    const double layers = mmn_result_number(file->result, "result", 0, "layers");
    entropies read[2];
    memset(read, 0, sizeof(read));
    mmn_status status = MMN_OK;
    for (size_t k = 0; k < 2 && status == MMN_OK; k++)
        status = read_entropies(&read[k], file, curve, k, layers, error);
    for (size_t k = 0; k < 2 && status == MMN_OK; k++) {
        const char *const from[] = {"domain", "stage", "kind", counts[k], "layer", "entropy"};
        if (figure)
            mmn_rows_add(&figure->table, file->result, "readings", read[k].rows, from);
        else
            *maximum = mmn_chart_maximum(*maximum, read[k].values,
                                         read[k].rows.end - read[k].rows.first);
    }
    if (status == MMN_OK && figure) {
        draw_curve(figure, file->result, curve, read, layers, *maximum);
        status = figure->all->status;
    }
    mmn_free(read[0].values);
    mmn_free(read[1].values);
    return status;
}

/* What the file says of the stages, in sentences. */
static void tell(mmn_text *words, const mmn_result *result)
{
    for (size_t i = 0; i < mmn_result_rows(result, "three_stages"); i++) {
        const char *domain = mmn_result_text(result, "three_stages", i, "domain");
        const char *evidence = mmn_result_text(result, "three_stages", i, "evidence");
        if (are_found(result, i))
            mmn_text_add(words, "\n%s: alignment until layer %.0f, generation from layer %.0f",
                         domain, mmn_result_number(result, "three_stages", i, "align_until"),
                         mmn_result_number(result, "three_stages", i, "generate_from"));
        else
            mmn_text_add(words, "\n%s: the three stages were not seen", domain);
        if (evidence)
            mmn_text_add(words, " (%s)", evidence);
        mmn_text_add(words, ".");
    }
}

void mmn_figure_lens(mmn_figures *figures, const mmn_results *results)
{
    static const mmn_column columns[] = {{"domain", 0}, {"stage", 0}, {"positions", 0},
                                         {"how many", 0}, {"layer", 0}, {"entropy (nats)", 4}};
    const mmn_result_file *file = &results->of[MMN_RESULT_LENS];
    const size_t curves = mmn_result_rows(file->result, "curves");
    mmn_figure *figure =
        curves > 0 ? mmn_figure_begin(figures, "lens", "Entropy of the logit lens", columns, 6)
                   : NULL;
    double maximum = 0; /* all panels have one scale */
    if (!figure)
        return;
    if (isnan(mmn_result_number(file->result, "result", 0, "layers")))
        figures->status = mmn_fail(figures->error, MMN_INPUT, file->file, "layers", "is missing");
    for (size_t i = 0; i < curves && figures->status == MMN_OK; i++)
        figures->status = add_curve(NULL, file, i, &maximum, figures->error);
    for (size_t i = 0; i < curves && figures->status == MMN_OK; i++)
        figures->status = add_curve(figure, file, i, &maximum, figures->error);
    mmn_text_add(&figure->words,
                 "The model's own output words read after every layer: the lower the "
                 "entropy, the surer the prediction. Averages over image and over text "
                 "positions.");
    tell(&figure->words, file->result);
}

/* ---- Words ----------------------------------------------------------------------------------- */

/* The readings of one kind of a curve of the layers' outputs; none of another curve. */
static mmn_rows outputs_of(const mmn_result *result, size_t curve, const char *kind)
{
    const bool out = mmn_row_is(result, "curves", curve, "stage", "out");
    return out ? readings_of(result, curve, kind) : (mmn_rows){0, 0};
}

/* A column of the heat table: the curve's first word after each layer. All words become rows. */
static void draw_column(mmn_figure *figure, const mmn_heat_table *cells, mmn_svg *svg,
                        const mmn_result *result, size_t curve, mmn_rows readings, size_t column)
{
    static const char *const from[] = {"domain", "kind", "layer", "#", "id", "\"word", "share"};
    mmn_heat_table_column(cells, svg, column, mmn_result_text(result, "curves", curve, "domain"));
    for (size_t row = readings.first; row < readings.end; row++) {
        const mmn_rows words = mmn_rows_below(result, "words", "readings", row);
        mmn_rows_add(&figure->table, result, "words", words, from);
        if (words.first < words.end)
            mmn_heat_table_word(cells, svg, cells->rows - 1 - (row - readings.first), column,
                                mmn_result_number(result, "words", words.first, "share"),
                                mmn_result_text(result, "words", words.first, "word"));
    }
}

static void draw_words(mmn_figure *figure, const mmn_result *result, const char *kind)
{
    const size_t curves = mmn_result_rows(result, "curves");
    mmn_svg svg = {0};
    mmn_heat_table cells = {.cell_width = 68, .cell_height = 22, .slanted = true};
    for (size_t i = 0; i < curves; i++) {
        const mmn_rows readings = outputs_of(result, i, kind);
        const size_t rows = readings.end - readings.first;
        cells.columns += rows > 0;
        cells.rows = rows > cells.rows ? rows : cells.rows;
    }
    if (cells.columns == 0)
        return;
    mmn_heat_table_begin(&cells, &svg, "layer", "domain", 5);
    mmn_heat_table_layers(&cells, &svg);
    for (size_t i = 0, column = 0; i < curves; i++) {
        const mmn_rows readings = outputs_of(result, i, kind);
        if (readings.first < readings.end)
            draw_column(figure, &cells, &svg, result, i, readings, column++);
    }
    char title[32];
    snprintf(title, sizeof(title), "%s positions", kind);
    mmn_figure_panel(figure, &svg, title);
}

void mmn_figure_common_words(mmn_figures *figures, const mmn_results *results)
{
    static const mmn_column columns[] = {{"domain", 0}, {"positions", 0}, {"layer", 0}, {"rank", 0},
                                         {"word's id", 0}, {"word", 0}, {"share", 4}};
    const mmn_result *result = results->of[MMN_RESULT_LENS].result;
    bool any = false;
    for (size_t i = 0; i < mmn_result_rows(result, "curves"); i++)
        any |= mmn_row_is(result, "curves", i, "stage", "out") &&
               mmn_rows_below(result, "readings", "curves", i).end > 0;
    mmn_figure *figure =
        any ? mmn_figure_begin(figures, "words", "The commonest words of each layer", columns, 7)
            : NULL;
    if (!figure)
        return;
    mmn_text_add(&figure->words,
                 "The word that the lens reads most often after each layer (last layer on "
                 "top) in each domain; the stronger the shade, the more often.");
    for (size_t k = 0; k < 2; k++)
        draw_words(figure, result, kinds[k]);
}
