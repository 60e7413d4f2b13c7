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
/* The same for marks at points: a shape for each of the series, filled with its colour if `solid`,
 * by which they are told apart without colours. */
void mmn_svg_begin_marks(mmn_svg *svg, size_t series, bool solid);
void mmn_svg_mark(mmn_svg *svg, size_t series, double x, double y);
void mmn_svg_end_marks(mmn_svg *svg);
/* A picture: the bytes of a file of this type, "image/png". */
void mmn_svg_image(mmn_svg *svg, double x, double y, double width, double height, const char *type,
                   const uint8_t *data, size_t size);
/* Text on the baseline y, escaped, and cut so that it is no wider than `room` (0: whole). */
void mmn_svg_text(mmn_svg *svg, const char *classes, double x, double y, mmn_anchor anchor,
                  double room, const char *utf8);
/* The same from (x, y) upwards to the right. */
void mmn_svg_slanted(mmn_svg *svg, const char *classes, double x, double y, double room,
                     const char *utf8);
/* Text whose middle is at x, or as near as the graphic has place for all of it; a number. */
void mmn_svg_centred(mmn_svg *svg, const char *classes, double x, double y, const char *utf8);
void mmn_svg_centred_number(mmn_svg *svg, const char *classes, double x, double y, double value,
                            int decimals, const char *unit);
/* Adds a text of a class, escaped and cut in this way. */
void mmn_svg_words(mmn_text *text, const char *classes, double room, const char *utf8);
/* The same as mmn_svg_text for a number with so many decimals and a unit behind it (""). */
void mmn_svg_number(mmn_svg *svg, const char *classes, double x, double y, mmn_anchor anchor,
                    double value, int decimals, const char *unit);

/* A coordinate: at most two decimals. */
void mmn_svg_coordinate(mmn_text *text, double value);

/* How many series have a colour and a shape of their own; after them both begin again. */
enum { MMN_SERIES = 8 };

/* The class of shapes of series number `index`; it lives forever. */
const char *mmn_svg_series(size_t index);

/* Adds CSS for the shapes of a graphic, light and dark; and for the page around them. */
void mmn_style_add_graphics(mmn_text *text);
void mmn_style_add_page(mmn_text *text);

#endif
