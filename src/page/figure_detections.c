/* The figure of what a detector has found: boxes drawn over the picture. */
#include "page/canvas.h"

/* The number of a detection's query, by which it has its colour. */
static size_t query_of(const mmn_result *result, size_t row)
{
    const char *name = mmn_result_text(result, "detections", row, "query");
    size_t query = 0;
    while (query < mmn_result_rows(result, "queries") &&
           !mmn_row_is(result, "queries", query, "text", name))
        query++;
    return query;
}

/* The colour of each query, and how much was found of it; returns the key's height. */
static double draw_key(const mmn_canvas *drawn)
{
    const double top = MMN_MAP_TOP + drawn->height + 8;
    const size_t queries = mmn_result_rows(drawn->result, "queries");
    for (size_t query = 0; query < queries; query++)
        mmn_chart_key(drawn->svg, top + MMN_CHART_KEY * (double)query, query,
                      mmn_result_text(drawn->result, "queries", query, "text"),
                      mmn_result_number(drawn->result, "queries", query, "found"));
    return 8 + MMN_CHART_KEY * (double)queries;
}

/* The last boxes are drawn first, so that the best lie on top. */
static mmn_status draw_detections(mmn_figure *figure, const mmn_results *results, size_t row)
{
    const mmn_result_file *file = &results->of[MMN_RESULT_DETECT];
    const size_t found = mmn_result_rows(file->result, "detections");
    mmn_svg svg;
    mmn_canvas drawn;
    MMN_TRY(mmn_canvas_begin(&drawn, &svg, results, MMN_RESULT_DETECT, "result", 0, &figure->words,
                             figure->error));
    if (found == 0)
        mmn_text_add(&figure->words, " Nothing has a score above the threshold.");
    if (found > MMN_CANVAS_BOXES)
        mmn_text_add(&figure->words, " Of %zu boxes, the %d with the largest scores are drawn.",
                     found, MMN_CANVAS_BOXES);
    for (row = found < MMN_CANVAS_BOXES ? found : MMN_CANVAS_BOXES; row-- > 0;)
        mmn_canvas_draw_box(&drawn, "detections", row, query_of(file->result, row), row + 1);
    svg.height = MMN_MAP_TOP + drawn.height + draw_key(&drawn);
    return mmn_figure_panel(figure, &svg, "picture");
}

const mmn_figure_form mmn_detection_figures[] = {
    {.name = "detections",
     .title = "What was found in the picture",
     .kind = MMN_RESULT_DETECT,
     .words = "Boxes whose score is above the threshold, in the colours of the queries that "
              "have it; each has its number in the table and its score. Below, how many boxes "
              "each query has.",
     .rows = "detections",
     .columns = MMN_FIGURE_COLUMNS({"number", 0, "#"}, {"query", 0, "query"}, {"score", 4, "score"},
                                   {"left (pixels)", 1, "left"}, {"top (pixels)", 1, "top"},
                                   {"right (pixels)", 1, "right"}, {"bottom (pixels)", 1, "bottom"},
                                   {"patch", 0, "patch"}),
     .draw = draw_detections},
    {0}};
