/* Graphics as pictures and as pages for papers, through librsvg and cairo. */
#include "page/report.h"

#ifdef HAVE_LIBRSVG

#include <cairo-pdf.h>
#include <librsvg/rsvg.h>
#include <math.h>
#include <string.h>

#include "base/file.h"

/* Pictures have this many pixels to an inch, in which a page has 72 points and CSS 96 pixels. */
enum { RESOLUTION = 300, POINTS = 72, CSS = 96 };

/* Bytes that cairo writes, until they are a file. */
static cairo_status_t take(void *made, const unsigned char *bytes, unsigned size)
{
    mmn_text *text = made;
    mmn_text_add_bytes(text, (const char *)bytes, size);
    return text->failed ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

/* Draws the graphic on the surface, so many of whose units its sides have. */
static bool draw(RsvgHandle *graphic, cairo_surface_t *surface, double width, double height)
{
    const RsvgRectangle all = {0, 0, width, height};
    cairo_t *cairo = cairo_create(surface);
    const bool drawn = rsvg_handle_render_document(graphic, cairo, &all, NULL);
    cairo_destroy(cairo);
    return drawn;
}

static bool make_picture(mmn_text *made, RsvgHandle *graphic, double width, double height)
{
    const double scale = (double)RESOLUTION / CSS;
    cairo_surface_t *surface = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, (int)ceil(width * scale), (int)ceil(height * scale));
    const bool drawn = draw(graphic, surface, width * scale, height * scale) &&
                       cairo_surface_write_to_png_stream(surface, take, made) ==
                           CAIRO_STATUS_SUCCESS;
    cairo_surface_destroy(surface);
    return drawn;
}

/* A page of the graphic's size, which says no time at which it was made. */
static bool make_page(mmn_text *made, RsvgHandle *graphic, double width, double height)
{
    const double scale = (double)POINTS / CSS;
    cairo_surface_t *surface =
        cairo_pdf_surface_create_for_stream(take, made, width * scale, height * scale);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "1970-01-01T00:00:00Z");
    bool drawn = draw(graphic, surface, width * scale, height * scale);
    cairo_surface_finish(surface);
    drawn = drawn && cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS;
    cairo_surface_destroy(surface);
    return drawn;
}

mmn_status mmn_report_can_render(mmn_error *error)
{
    (void)error;
    return MMN_OK;
}

mmn_status mmn_report_render(const char *graphic, mmn_report_format format, const char *file,
                             mmn_error *error)
{
    mmn_text made = {0};
    gdouble width = 0, height = 0;
    RsvgHandle *handle = rsvg_handle_new_from_data((const guint8 *)graphic, strlen(graphic), NULL);
    if (!handle || !rsvg_handle_get_intrinsic_size_in_pixels(handle, &width, &height)) {
        if (handle)
            g_object_unref(handle);
        return mmn_fail(error, MMN_SYSTEM, file, NULL, "librsvg cannot read this figure");
    }
    const bool drawn = format == MMN_REPORT_PNG ? make_picture(&made, handle, width, height)
                                                : make_page(&made, handle, width, height);
    g_object_unref(handle);
    mmn_status status = drawn && !made.failed
                            ? mmn_write_file(file, made.text, made.length, error)
                            : mmn_fail(error, MMN_SYSTEM, file, NULL,
                                       "librsvg cannot draw this figure, of %.0f by %.0f pixels",
                                       width, height);
    mmn_text_free(&made);
    return status;
}

#else

mmn_status mmn_report_can_render(mmn_error *error)
{
    return mmn_fail(error, MMN_USAGE, NULL, NULL,
                    "this mmneuron was built without librsvg, which makes PNG and PDF; write SVG, "
                    "or configure it --with-librsvg");
}

/* Nobody asks for it. */
mmn_status mmn_report_render(const char *graphic, mmn_report_format format, const char *file,
                             mmn_error *error)
{
    (void)graphic;
    (void)format;
    (void)file;
    return mmn_report_can_render(error);
}

#endif
