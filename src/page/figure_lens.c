/* The figures of the logit lens: the entropy after each layer, and the words that it reads there,
 * over whole domains and in single samples. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "page/figure.h"
#include "page/lettering.h"
#include "page/map.h"
#include "result/words.h"

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

/* The readings of a curve that have entropies: of all layers, or of none. */
static mmn_rows entropies_of(const mmn_result *result, size_t curve, size_t kind)
{
    mmn_rows rows = readings_of(result, curve, kinds[kind]);
    if (!(mmn_result_number(result, "curves", curve, counts[kind]) > 0))
        rows.end = rows.first;
    return rows;
}

/* *maximum becomes the largest entropy, if one is larger. */
static mmn_status check_entropies(double *maximum, const mmn_result_file *file, size_t curve,
                                  size_t kind, double layers, mmn_error *error)
{
    const mmn_rows rows = entropies_of(file->result, curve, kind);
    const size_t count = rows.end - rows.first;
    char where[48];
    snprintf(where, sizeof(where), "curves[%zu].%s.entropy", curve, kinds[kind]);
    if (count > 0 && (double)count != layers)
        return mmn_fail(error, MMN_INPUT, file->file, where, "must have %.0f numbers and has %zu",
                        layers, count);
    for (size_t row = rows.first; row < rows.end; row++)
        *maximum = mmn_chart_maximum(*maximum,
                                     mmn_result_number(file->result, "readings", row, "entropy"));
    return MMN_OK;
}

static void add_entropies(mmn_report_table *table, const mmn_result *result, size_t curve,
                          size_t kind)
{
    const mmn_rows rows = entropies_of(result, curve, kind);
    for (size_t row = rows.first; row < rows.end; row++) {
        MMN_CELLS(table, mmn_row_value(result, "readings", row, "domain"),
                  mmn_row_value(result, "readings", row, "stage"), mmn_as_text(kinds[kind]),
                  mmn_row_value(result, "readings", row, counts[kind]),
                  mmn_row_value(result, "readings", row, "layer"),
                  mmn_row_value(result, "readings", row, "entropy"));
    }
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
        if (mmn_lettering_width(mmn_lettering_of("stage"), names[i]) <= width)
            mmn_svg_text(chart->svg, "stage", ends[i] + width / 2, chart->top - 5,
                         MMN_ANCHOR_MIDDLE, 0, names[i]);
    }
}

/* The readings of one kind of a curve. */
typedef struct reading {
    const mmn_result *result;
    mmn_rows rows;
} reading;

static double entropy_of(const void *context, size_t layer)
{
    const reading *drawn = context;
    return mmn_result_number(drawn->result, "readings", drawn->rows.first + layer, "entropy");
}

static void draw_entropies(const mmn_chart *chart, const mmn_result *result, size_t curve)
{
    mmn_chart_labels labels = {0};
    for (size_t k = 0; k < 2; k++) {
        const reading drawn = {result, entropies_of(result, curve, k)};
        const size_t layers = drawn.rows.end - drawn.rows.first;
        if (layers == 0)
            continue;
        mmn_chart_line(chart, k, false, entropy_of, &drawn, layers);
        mmn_chart_label(&labels, chart, kinds[k], k, entropy_of(&drawn, layers - 1));
    }
    mmn_chart_draw_labels(&labels, chart);
}

/* The panel of a curve. */
static mmn_status draw_curve(mmn_figure *figure, const mmn_result *result, size_t curve,
                             double maximum)
{
    const char *domain = mmn_result_text(result, "curves", curve, "domain");
    const char *stage = mmn_result_text(result, "curves", curve, "stage");
    const size_t stages = find_stages(result, domain);
    const bool out = strcmp(stage, "out") == 0, found = are_found(result, stages);
    mmn_svg svg = {.width = MMN_PANEL_WIDTH, .height = 242};
    mmn_chart chart = {.svg = &svg,
                       .left = 34,
                       .top = 62,
                       .headroom = 16,
                       .width = MMN_PANEL_WIDTH - 104,
                       .height = 138,
                       .y_maximum = maximum,
                       .x_maximum = mmn_result_number(result, "result", 0, "layers") - 1};
    char title[160];
    mmn_chart_make_room(&chart, 5, false);
    if (out && found)
        draw_stages(&chart, result, stages);
    mmn_chart_grid_y(&chart, "entropy (nats)", 5, false);
    mmn_chart_axis_x(&chart, "layer", 8, true);
    draw_entropies(&chart, result, curve);
    if (out && !found)
        mmn_svg_text(&svg, "soft", MMN_PANEL_WIDTH - 2, chart.top - 9 - chart.headroom,
                     MMN_ANCHOR_END, 0, "three stages not seen");
    snprintf(title, sizeof(title), "%.100s%s%.40s", domain, out ? "" : ", ", out ? "" : stage);
    return mmn_figure_panel(figure, &svg, title);
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

static mmn_status draw_lens(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const mmn_result_file *file = &results->of[MMN_RESULT_LENS];
    const size_t curves = mmn_result_rows(file->result, "curves");
    const double layers = mmn_result_number(file->result, "result", 0, "layers");
    double maximum = 0; /* all panels have one scale */
    (void)row;
    if (curves > 0 && isnan(layers))
        return mmn_fail(figure->error, MMN_INPUT, file->file, "layers", "is missing");
    for (size_t i = 0; i < curves; i++)
        for (size_t k = 0; k < 2; k++)
            MMN_TRY(check_entropies(&maximum, file, i, k, layers, figure->error));
    for (size_t i = 0; i < curves; i++) {
        for (size_t k = 0; k < 2; k++)
            add_entropies(&figure->table, file->result, i, k);
        MMN_TRY(draw_curve(figure, file->result, i, maximum));
    }
    tell(&figure->words, file->result);
    return MMN_OK;
}

/* ---- Words ----------------------------------------------------------------------------------- */

/* A column of a heat table: the first word, a row of the table `words`, after each of the
 * layers. */
static void draw_first_words(const mmn_heat_table *cells, const mmn_result *result,
                             const char *words, const char *above, mmn_rows layers,
                             const char *share, size_t column)
{
    for (size_t row = layers.first; row < layers.end; row++) {
        const mmn_rows found = mmn_rows_below(result, words, above, row);
        if (found.first < found.end)
            mmn_heat_table_word(cells, cells->rows - 1 - (row - layers.first), column,
                                mmn_result_number(result, words, found.first, share),
                                mmn_result_text(result, words, found.first, "word"));
    }
}

/* The readings of one kind of a curve of the layers' outputs; none of another curve. */
static mmn_rows outputs_of(const mmn_result *result, size_t curve, const char *kind)
{
    const bool out = mmn_row_is(result, "curves", curve, "stage", "out");
    return out ? readings_of(result, curve, kind) : (mmn_rows){0, 0};
}

/* The words that are commonest at positions of this kind. */
static mmn_status draw_kind(mmn_figure *figure, const mmn_result *result, const char *kind)
{
    const size_t curves = mmn_result_rows(result, "curves");
    mmn_svg svg = {0};
    mmn_heat_table cells = {.svg = &svg, .cell_width = 68, .cell_height = 22, .slanted = true};
    size_t column = 0;
    char title[32];
    for (size_t i = 0; i < curves; i++) {
        const mmn_rows readings = outputs_of(result, i, kind);
        const size_t rows = readings.end - readings.first;
        cells.columns += rows > 0;
        if (rows > 0)
            cells.names =
                mmn_heat_table_room(cells.names, mmn_result_text(result, "curves", i, "domain"));
        cells.rows = rows > cells.rows ? rows : cells.rows;
    }
    if (cells.columns == 0)
        return MMN_OK;
    mmn_heat_table_begin(&cells, "layer", "", 0);
    mmn_heat_table_layers(&cells);
    for (size_t i = 0; i < curves; i++) {
        const mmn_rows readings = outputs_of(result, i, kind);
        if (readings.first == readings.end)
            continue;
        for (size_t row = readings.first; row < readings.end; row++)
            mmn_rows_add(&figure->table, result, "words",
                         mmn_rows_below(result, "words", "readings", row));
        mmn_heat_table_column(&cells, column, mmn_result_text(result, "curves", i, "domain"));
        draw_first_words(&cells, result, "words", "readings", readings, "share", column++);
    }
    snprintf(title, sizeof(title), "%s positions", kind);
    return mmn_figure_panel(figure, &svg, title);
}

static mmn_status draw_words(mmn_figure *figure, const mmn_results *results, size_t row)
{
    (void)row;
    for (size_t k = 0; k < 2; k++)
        MMN_TRY(draw_kind(figure, results->of[MMN_RESULT_LENS].result, kinds[k]));
    return MMN_OK;
}

/* ---- Samples --------------------------------------------------------------------------------- */

/* Samples in a report, and positions of one in the figure; the table has all. */
enum { SAMPLES = 16, POSITIONS = 24 };

/* The kind of a position and its token above a column: "image 17", "text Which". */
static void name_column(const mmn_heat_table *cells, const mmn_result *result, size_t position,
                        size_t column)
{
    const char *kind = mmn_result_text(result, "positions", position, "kind");
    const char *text = mmn_result_text(result, "positions", position, "token");
    char *token = mmn_word_shown(text ? text : "", NULL);
    mmn_svg_number(cells->svg, "tick", mmn_heat_table_x(cells, column), cells->top - 21,
                   MMN_ANCHOR_MIDDLE, mmn_result_number(result, "positions", position, "position"),
                   0, "");
    if (token)
        mmn_heat_table_column(cells, column, *token != '\0' ? token : kind);
    else
        cells->svg->body.failed = true;
    mmn_free(token);
}

static mmn_status draw_positions(mmn_figure *figure, const mmn_result *result, mmn_rows positions)
{
    const size_t count = positions.end - positions.first;
    mmn_svg svg = {0};
    mmn_heat_table cells = {.svg = &svg,
                            .columns = count < POSITIONS ? count : POSITIONS,
                            .cell_width = 68,
                            .cell_height = 22};
    for (size_t at = positions.first; at < positions.end; at++) {
        const mmn_rows layers = mmn_rows_below(result, "position_layers", "positions", at);
        if (layers.end - layers.first > cells.rows)
            cells.rows = layers.end - layers.first;
    }
    mmn_heat_table_begin(&cells, "layer", "position and its token", 0);
    mmn_heat_table_layers(&cells);
    for (size_t column = 0; column < cells.columns; column++) {
        const size_t at = positions.first + column;
        name_column(&cells, result, at, column);
        draw_first_words(&cells, result, "position_words", "position_layers",
                         mmn_rows_below(result, "position_layers", "positions", at), "p", column);
    }
    return mmn_figure_panel(figure, &svg, "top words");
}

/* The image positions among those drawn, and the words nearest to each, the nearest on top. */
static mmn_status draw_nearest(mmn_figure *figure, const mmn_results *results, size_t sample)
{
    const mmn_result *result = results->of[MMN_RESULT_LENS].result;
    const mmn_rows positions = mmn_rows_below(result, "positions", "samples", sample);
    mmn_svg svg = {0};
    mmn_heat_table cells = {.svg = &svg, .cell_width = 68, .cell_height = 22};
    size_t at[POSITIONS];
    for (size_t i = positions.first; i < positions.end && cells.columns < POSITIONS; i++) {
        const mmn_rows words = mmn_rows_below(result, "nearest_words", "positions", i);
        const size_t count = words.end - words.first;
        if (count > 0)
            at[cells.columns++] = i;
        cells.rows = count > cells.rows ? count : cells.rows;
    }
    if (cells.columns == 0)
        return MMN_OK;
    mmn_heat_table_begin(&cells, "rank", "position and its token", 24);
    for (size_t row = 0; row < cells.rows; row++) {
        char rank[24];
        snprintf(rank, sizeof(rank), "%zu", row + 1);
        mmn_heat_table_row(&cells, row, rank);
    }
    for (size_t column = 0; column < cells.columns; column++) {
        const mmn_rows words = mmn_rows_below(result, "nearest_words", "positions", at[column]);
        name_column(&cells, result, at[column], column);
        for (size_t row = words.first; row < words.end; row++)
            mmn_heat_table_word(&cells, row - words.first, column,
                                fmax(mmn_result_number(result, "nearest_words", row, "cosine"), 0),
                                mmn_result_text(result, "nearest_words", row, "word"));
    }
    return mmn_figure_panel(figure, &svg, "nearest words");
}

static mmn_status draw_sample(mmn_figure *figure, const mmn_results *results, size_t sample)
{
    const mmn_result_file *file = &results->of[MMN_RESULT_LENS];
    const char *domain = mmn_result_text(file->result, "samples", sample, "domain");
    const mmn_rows positions = mmn_rows_below(file->result, "positions", "samples", sample);
    const size_t count = positions.end - positions.first;
    if (count == 0)
        return MMN_OK;
    mmn_text_add(&figure->words, " Domain: %s.", domain ? domain : "");
    if (count > POSITIONS)
        mmn_text_add(&figure->words, " The first %d of %zu positions are drawn; the table has all.",
                     POSITIONS, count);
    MMN_TRY(mmn_map_draw_pictures(figure, results, file,
                                  mmn_rows_below(file->result, "images", "samples", sample)));
    return draw_positions(figure, file->result, positions);
}

static mmn_status draw_activation(mmn_figure *figure, const mmn_results *results, size_t sample)
{
    static const mmn_map_owner owner = {
        .module = "module", .layer = "neuron_layer", .neuron = "neuron"};
    const mmn_result_file *file = &results->of[MMN_RESULT_LENS];
    const mmn_result *result = file->result;
    const mmn_map map = {.module = mmn_result_text(result, "samples", sample, "module"),
                         .layer = mmn_result_number(result, "samples", sample, "neuron_layer"),
                         .neuron = mmn_result_number(result, "samples", sample, "neuron"),
                         .grid_rows = mmn_result_number(result, "samples", sample, "grid_rows"),
                         .grid_columns =
                             mmn_result_number(result, "samples", sample, "grid_columns"),
                         .table = "activation",
                         .values = mmn_rows_below(result, "activation", "samples", sample),
                         .maximum = mmn_map_scale(result, "samples", sample, "activation", &owner),
                         .bar = (double)NAN};
    if (!map.module)
        return MMN_OK;
    MMN_TRY(mmn_map_draw(figure, results, file, &map,
                         mmn_rows_below(result, "images", "samples", sample), &figure->words));
    for (size_t row = map.values.first; row < map.values.end; row++) {
        const size_t width = (size_t)map.grid_columns, patch = row - map.values.first;
        MMN_CELLS(&figure->table, mmn_as_whole(patch / width), mmn_as_whole(patch % width),
                  mmn_row_value(result, "activation", row, "value"));
    }
    return MMN_OK;
}

const mmn_figure_form mmn_lens_figures[] = {
    {.name = "lens",
     .title = "Entropy of the logit lens",
     .kind = MMN_RESULT_LENS,
     .words = "The model's own output words read after every layer: the lower the entropy, the "
              "surer the prediction. Averages over image and over text positions.",
     .columns = MMN_FIGURE_COLUMNS({"domain", 0, NULL}, {"stage", 0, NULL}, {"positions", 0, NULL},
                                   {"how many", 0, NULL}, {"layer", 0, NULL},
                                   {"entropy (nats)", 4, NULL}),
     .draw = draw_lens},
    {.name = "words",
     .title = "The commonest words of each layer",
     .kind = MMN_RESULT_LENS,
     .words = "The word that the lens reads most often after each layer (last layer on top) in "
              "each domain; the stronger the shade, the more often.",
     .columns = MMN_FIGURE_COLUMNS({"domain", 0, "domain"}, {"positions", 0, "kind"},
                                   {"layer", 0, "layer"}, {"rank", 0, "#"}, {"word's id", 0, "id"},
                                   {"word", 0, "\"word"}, {"share", 4, "share"}),
     .draw = draw_words},
    {.name = "words",
     .title = "What each layer would say: sample ",
     .kind = MMN_RESULT_LENS,
     .each = "samples",
     .most = SAMPLES,
     .named_by = "id",
     .title_end = "",
     .words = "The likeliest word after each layer (last layer on top) at chosen positions; the "
              "stronger the shade, the likelier.",
     .rows = "position_words",
     .columns = MMN_FIGURE_COLUMNS(
         {"position", 0, "position"}, {"kind", 0, "kind"}, {"token", 0, "\"token"},
         {"layer", 0, "layer"}, {"entropy (nats)", 4, "entropy"}, {"rank", 0, "#"},
         {"word's id", 0, "id"}, {"word", 0, "\"word"}, {"probability", 4, "p"}),
     .draw = draw_sample},
    {.name = "nearest",
     .title = "Words nearest to image tokens: sample ",
     .kind = MMN_RESULT_LENS,
     .each = "samples",
     .most = SAMPLES,
     .named_by = "id",
     .title_end = "",
     .words =
         "The words whose input embeddings have the largest cosines with an image token before "
         "the first layer; the stronger the shade, the larger the cosine.",
     .rows = "nearest_words",
     .columns = MMN_FIGURE_COLUMNS(
         {"position", 0, "position"}, {"kind", 0, "kind"}, {"token", 0, "\"token"},
         {"rank", 0, "#"}, {"word's id", 0, "id"}, {"word", 0, "\"word"}, {"cosine", 4, "cosine"}),
     .draw = draw_nearest},
    {.name = "activation",
     .title = "Where a neuron is active in sample ",
     .kind = MMN_RESULT_LENS,
     .each = "samples",
     .most = SAMPLES,
     .named_by = "id",
     .title_end = "",
     .words = "Activation of one neuron at each patch of the picture, on one scale over all "
              "pictures; patches where it is not above 0 are left clear.",
     .columns = MMN_FIGURE_COLUMNS({"row", 0, NULL}, {"column", 0, NULL}, {"activation", 4, NULL}),
     .draw = draw_activation},
    {0}};
