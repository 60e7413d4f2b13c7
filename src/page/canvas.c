/* A picture that a result is about, in a panel, and where its boxes lie there. */
#include "page/canvas.h"

#include <math.h>

#include "page/lettering.h"
#include "page/text.h"

enum { HIGHEST = 4 * MMN_PANEL_WIDTH, LABEL = 13 };

mmn_status mmn_canvas_begin(mmn_canvas *canvas, mmn_svg *svg, const mmn_results *results,
                            mmn_result_kind kind, const char *table, size_t row, mmn_text *words,
                            mmn_error *error)
{
    const mmn_result_file *file = &results->of[kind];
    const double width = mmn_result_number(file->result, table, row, "width");
    const double height = mmn_result_number(file->result, table, row, "height");
    const double scale = MMN_PANEL_WIDTH / width;
    if (!(width >= 1 && height >= 1 && height * scale <= HIGHEST))
        return mmn_fail(error, MMN_INPUT, file->file, "height",
                        "and width must be those of a picture, at most %d times as high as wide",
                        HIGHEST / MMN_PANEL_WIDTH);
    *canvas = (mmn_canvas){svg, file->result, scale, MMN_PANEL_WIDTH, height * scale};
    *svg = (mmn_svg){.width = MMN_PANEL_WIDTH};
    mmn_svg_rectangle(svg, "band", 0, MMN_MAP_TOP, canvas->width, canvas->height);
    mmn_map_add_picture(svg, results, mmn_result_text(file->result, table, row, "image"), width,
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

/* At the box's upper left corner, as far as the picture has place. */
static void draw_label(const mmn_canvas *canvas, const mmn_canvas_box *box, const char *colour,
                       const char *label)
{
    const double wide = mmn_lettering_width(mmn_lettering_of("inside"), label) + 6;
    const double x = fmin(box->left, canvas->width - wide);
    const double y = fmin(box->top, MMN_MAP_TOP + canvas->height - LABEL);
    mmn_svg_rectangle(canvas->svg, colour, x, y, wide, LABEL);
    mmn_svg_text(canvas->svg, "inside", x + 3, y + 10, MMN_ANCHOR_START, 0, label);
}

void mmn_canvas_draw_box(const mmn_canvas *canvas, const char *table, size_t row, size_t series,
                         size_t number)
{
    mmn_svg *svg = canvas->svg;
    const char *colour = mmn_svg_series(series);
    const mmn_canvas_box box = mmn_canvas_place(canvas, table, row);
    mmn_text label = {0};
    if (number > 0)
        mmn_text_add(&label, "%zu: ", number);
    mmn_number_fixed(&label, mmn_result_number(canvas->result, table, row, "score"), 2);
    mmn_svg_begin_line(svg, colour);
    mmn_svg_point(svg, box.left, box.top);
    mmn_svg_point(svg, box.right, box.top);
    mmn_svg_point(svg, box.right, box.bottom);
    mmn_svg_point(svg, box.left, box.bottom);
    mmn_svg_point(svg, box.left, box.top);
    mmn_svg_end_line(svg);
    draw_label(canvas, &box, colour, label.text ? label.text : "");
    svg->body.failed |= label.failed;
    mmn_text_free(&label);
}
