/* The one picture that a result is about, in a panel, and where its boxes lie there. */
#include "page/canvas.h"

#include <math.h>

enum { HIGHEST = 4 * MMN_PANEL_WIDTH };

mmn_status mmn_canvas_begin(mmn_canvas *canvas, mmn_svg *svg, const mmn_results *results,
                            mmn_result_kind kind, mmn_text *words, mmn_error *error)
{
    const mmn_result_file *file = &results->of[kind];
    const double width = mmn_result_number(file->result, "result", 0, "width");
    const double height = mmn_result_number(file->result, "result", 0, "height");
    const double scale = MMN_PANEL_WIDTH / width;
    if (!(width >= 1 && height >= 1 && height * scale <= HIGHEST))
        return mmn_fail(error, MMN_INPUT, file->file, "height",
                        "and width must be those of a picture, at most %d times as high as wide",
                        HIGHEST / MMN_PANEL_WIDTH);
    *canvas = (mmn_canvas){svg, file->result, scale, MMN_PANEL_WIDTH, height * scale};
    *svg = (mmn_svg){.width = MMN_PANEL_WIDTH};
    mmn_svg_rectangle(svg, "band", 0, MMN_MAP_TOP, canvas->width, canvas->height);
    mmn_map_add_picture(svg, results, mmn_result_text(file->result, "result", 0, "image"), width,
                        height, words);
    return MMN_OK;
}

double mmn_canvas_x(const mmn_canvas *canvas, double pixels)
{
    return fmin(fmax(canvas->scale * pixels, 0), canvas->width);
}

double mmn_canvas_y(const mmn_canvas *canvas, double pixels)
{
    return MMN_MAP_TOP + fmin(fmax(canvas->scale * pixels, 0), canvas->height);
}

mmn_canvas_box mmn_canvas_place(const mmn_canvas *canvas, const char *table, size_t row)
{
    const mmn_result *result = canvas->result;
    return (mmn_canvas_box){
        .left = mmn_canvas_x(canvas, mmn_result_number(result, table, row, "left")),
        .top = mmn_canvas_y(canvas, mmn_result_number(result, table, row, "top")),
        .right = mmn_canvas_x(canvas, mmn_result_number(result, table, row, "right")),
        .bottom = mmn_canvas_y(canvas, mmn_result_number(result, table, row, "bottom"))};
}
