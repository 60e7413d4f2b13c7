/* Scalable vector graphics, shape by shape. */
#include "page/svg.h"

#include <math.h>

#include "base/memory.h"
#include "page/lettering.h"
#include "page/text.h"

void mmn_svg_coordinate(mmn_text *text, double value)
{
    double rounded = floor(value * 100 + 0.5) / 100;
    double tenths = floor(rounded * 10 + 0.5) / 10;
    int decimals = fabs(rounded - floor(rounded + 0.5)) < 1e-9 ? 0
                   : fabs(rounded - tenths) < 1e-9             ? 1
                                                               : 2;
    mmn_number_fixed(text, rounded, decimals);
}

static void add_attribute(mmn_text *text, const char *name, double value)
{
    mmn_text_add(text, " %s=\"", name);
    mmn_svg_coordinate(text, value);
    mmn_text_add(text, "\"");
}

static void add_place(mmn_text *text, double x, double y, double width, double height)
{
    add_attribute(text, "x", x);
    add_attribute(text, "y", y);
    add_attribute(text, "width", width);
    add_attribute(text, "height", height);
}

static void begin_rectangle(mmn_svg *svg, const char *classes, double x, double y, double width,
                            double height)
{
    mmn_text_add(&svg->body, "<rect class=\"%s\"", classes);
    add_place(&svg->body, x, y, width > 0 ? width : 0, height > 0 ? height : 0);
}

void mmn_svg_rectangle(mmn_svg *svg, const char *classes, double x, double y, double width,
                       double height)
{
    begin_rectangle(svg, classes, x, y, width, height);
    mmn_text_add(&svg->body, "/>\n");
}

void mmn_svg_heat(mmn_svg *svg, const char *classes, double x, double y, double width,
                  double height, double share)
{
    begin_rectangle(svg, classes, x, y, width, height);
    add_attribute(&svg->body, "fill-opacity", !(share > 0) ? 0 : share < 1 ? share : 1);
    mmn_text_add(&svg->body, "/>\n");
}

void mmn_svg_line(mmn_svg *svg, const char *classes, double x1, double y1, double x2, double y2)
{
    mmn_text_add(&svg->body, "<line class=\"%s\"", classes);
    add_attribute(&svg->body, "x1", x1);
    add_attribute(&svg->body, "y1", y1);
    add_attribute(&svg->body, "x2", x2);
    add_attribute(&svg->body, "y2", y2);
    mmn_text_add(&svg->body, "/>\n");
}

void mmn_svg_begin_line(mmn_svg *svg, const char *classes)
{
    mmn_text_add(&svg->body, "<path class=\"line %s\" d=\"", classes);
    svg->joined = false;
}

void mmn_svg_point(mmn_svg *svg, double x, double y)
{
    const bool there = isfinite(x) && isfinite(y);
    if (there) {
        mmn_text_add(&svg->body, "%c", svg->joined ? 'L' : 'M');
        mmn_svg_coordinate(&svg->body, x);
        mmn_text_add(&svg->body, " ");
        mmn_svg_coordinate(&svg->body, y);
    }
    svg->joined = there;
}

void mmn_svg_end_line(mmn_svg *svg)
{
    mmn_text_add(&svg->body, "\"/>\n");
}

/* One shape for each series, around a point, whose path goes on where the point is. */
static const char *const marks[MMN_SERIES] = {
    "m-3.2 0a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0 -6.4 0z",            /* a circle */
    "m-2.9 -2.9h5.8v5.8h-5.8z",                                     /* a square */
    "m0 -3.9l3.7 6.6h-7.4z",                                        /* a triangle */
    "m0 -4.1l4.1 4.1l-4.1 4.1l-4.1 -4.1z",                          /* a square on its corner */
    "m0 3.9l3.7 -6.6h-7.4z",                                        /* a triangle on its corner */
    "m-1.3 -3.9h2.6v2.6h2.6v2.6h-2.6v2.6h-2.6v-2.6h-2.6v-2.6h2.6z", /* a cross */
    "m-3.9 -1.8h7.8v3.6h-7.8z",                                     /* a beam that lies */
    "m-1.8 -3.9h3.6v7.8h-3.6z"};                                    /* a beam that stands */

void mmn_svg_begin_marks(mmn_svg *svg, size_t series, bool solid)
{
    mmn_text_add(&svg->body, "<path class=\"mark%s %s\" d=\"", solid ? " solid" : "",
                 mmn_svg_series(series));
}

void mmn_svg_mark(mmn_svg *svg, size_t series, double x, double y)
{
    if (!isfinite(x) || !isfinite(y))
        return;
    mmn_text_add(&svg->body, "M");
    mmn_svg_coordinate(&svg->body, x);
    mmn_text_add(&svg->body, " ");
    mmn_svg_coordinate(&svg->body, y);
    mmn_text_add(&svg->body, "%s", marks[series % MMN_SERIES]);
}

void mmn_svg_end_marks(mmn_svg *svg)
{
    mmn_text_add(&svg->body, "\"/>\n");
}

void mmn_svg_image(mmn_svg *svg, double x, double y, double width, double height, const char *type,
                   const uint8_t *data, size_t size)
{
    mmn_text_add(&svg->body, "<image");
    add_place(&svg->body, x, y, width, height);
    mmn_text_add(&svg->body, " preserveAspectRatio=\"none\" href=\"data:%s;base64,", type);
    mmn_base64_add(&svg->body, data, size);
    mmn_text_add(&svg->body, "\"/>\n");
}

static void begin_text(mmn_svg *svg, const char *classes, double x, double y, mmn_anchor anchor)
{
    mmn_text_add(&svg->body, "<text class=\"%s%s\"", classes,
                 anchor == MMN_ANCHOR_END      ? " end"
                 : anchor == MMN_ANCHOR_MIDDLE ? " middle"
                                               : "");
    add_attribute(&svg->body, "x", x);
    add_attribute(&svg->body, "y", y);
    mmn_text_add(&svg->body, ">");
}

void mmn_svg_words(mmn_text *text, const char *classes, double room, const char *utf8)
{
    if (room > 0)
        mmn_markup_add_first(text, utf8, mmn_lettering_fit(mmn_lettering_of(classes), utf8, room));
    else
        mmn_markup_add(text, utf8);
}

void mmn_svg_text(mmn_svg *svg, const char *classes, double x, double y, mmn_anchor anchor,
                  double room, const char *utf8)
{
    begin_text(svg, classes, x, y, anchor);
    mmn_svg_words(&svg->body, classes, room, utf8);
    mmn_text_add(&svg->body, "</text>\n");
}

void mmn_svg_centred(mmn_svg *svg, const char *classes, double x, double y, const char *utf8)
{
    const double half = mmn_lettering_width(mmn_lettering_of(classes), utf8) / 2;
    const double inside = x > svg->width - half ? svg->width - half : x;
    mmn_svg_text(svg, classes, inside > half ? inside : half, y, MMN_ANCHOR_MIDDLE, 0, utf8);
}

void mmn_svg_centred_number(mmn_svg *svg, const char *classes, double x, double y, double value,
                            int decimals, const char *unit)
{
    mmn_text words = {0};
    mmn_number_fixed(&words, value, decimals);
    mmn_text_add(&words, "%s", unit);
    mmn_svg_centred(svg, classes, x, y, words.text ? words.text : "");
    svg->body.failed |= words.failed;
    mmn_text_free(&words);
}

void mmn_svg_slanted(mmn_svg *svg, const char *classes, double x, double y, double room,
                     const char *utf8)
{
    mmn_text_add(&svg->body, "<text class=\"%s\" transform=\"translate(", classes);
    mmn_svg_coordinate(&svg->body, x);
    mmn_text_add(&svg->body, " ");
    mmn_svg_coordinate(&svg->body, y);
    mmn_text_add(&svg->body, ") rotate(-42)\">");
    mmn_svg_words(&svg->body, classes, room, utf8);
    mmn_text_add(&svg->body, "</text>\n");
}

void mmn_svg_number(mmn_svg *svg, const char *classes, double x, double y, mmn_anchor anchor,
                    double value, int decimals, const char *unit)
{
    begin_text(svg, classes, x, y, anchor);
    mmn_number_fixed(&svg->body, value, decimals);
    mmn_text_add(&svg->body, "%s</text>\n", unit);
}

const char *mmn_svg_series(size_t index)
{
    static const char *const names[MMN_SERIES] = {"s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"};
    return names[index % MMN_SERIES];
}
