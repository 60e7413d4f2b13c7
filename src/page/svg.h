/* Scalable vector graphics, shape by shape. Colours are classes, which page/style.c defines for
 * light and dark. Lengths are CSS pixels, y grows downwards. */
#ifndef MMN_PAGE_SVG_H
#define MMN_PAGE_SVG_H

#include "base/text_buffer.h"

/* Zero-initialise but for the size; `body` holds the shapes. */
typedef struct mmn_svg {
    double width, height;
    mmn_text body;
    bool joined; /* the line's next point to the one before it */
} mmn_svg;

typedef enum mmn_anchor { MMN_ANCHOR_START, MMN_ANCHOR_MIDDLE, MMN_ANCHOR_END } mmn_anchor;

/* `classes`: names separated by spaces; the library's own texts. */
void mmn_svg_rectangle(mmn_svg *svg, const char *classes, double x, double y, double width,
                       double height);
/* A rectangle of a heat table, the more opaque the larger `share` (0..1) is. */
void mmn_svg_heat(mmn_svg *svg, const char *classes, double x, double y, double width,
                  double height, double share);
void mmn_svg_line(mmn_svg *svg, const char *classes, double x1, double y1, double x2, double y2);
/* The line through the points that follow and whose coordinates are finite, broken at the others,
 * and its end. */
void mmn_svg_begin_line(mmn_svg *svg, const char *classes);
void mmn_svg_point(mmn_svg *svg, double x, double y);
void mmn_svg_end_line(mmn_svg *svg);
/* A picture: the bytes of a file of this type, "image/png". */
void mmn_svg_image(mmn_svg *svg, double x, double y, double width, double height, const char *type,
                   const uint8_t *data, size_t size);
/* Text on the baseline y, cut to `columns` characters (0: whole) and escaped. */
void mmn_svg_text(mmn_svg *svg, const char *classes, double x, double y, mmn_anchor anchor,
                  size_t columns, const char *utf8);
/* The same from (x, y) upwards to the right. */
void mmn_svg_slanted(mmn_svg *svg, const char *classes, double x, double y, size_t columns,
                     const char *utf8);
/* The same as mmn_svg_text for a number with so many decimals and a unit behind it (""). */
void mmn_svg_number(mmn_svg *svg, const char *classes, double x, double y, mmn_anchor anchor,
                    double value, int decimals, const char *unit);

/* A coordinate: at most two decimals. */
void mmn_svg_coordinate(mmn_text *text, double value);

/* The class of shapes of series number `index`, and the one of its texts; they live forever. After
 * eight series the colours begin again. */
const char *mmn_svg_series(size_t index);
const char *mmn_svg_series_ink(size_t index);

/* CSS for the shapes of a graphic, light and dark; and for the page around them. */
extern const char mmn_style_graphics[], mmn_style_page[];

#endif
