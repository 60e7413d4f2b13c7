/* Figures of reports as graphics: their panels in a page, and all of them on their own. */
#include "page/report.h"
#include "page/text.h"

static void add_size(mmn_text *text, double width, double height)
{
    mmn_text_add(text, " width=\"");
    mmn_svg_coordinate(text, width);
    mmn_text_add(text, "\" height=\"");
    mmn_svg_coordinate(text, height);
    mmn_text_add(text, "\" viewBox=\"0 0 ");
    mmn_svg_coordinate(text, width);
    mmn_text_add(text, " ");
    mmn_svg_coordinate(text, height);
    mmn_text_add(text, "\"");
}

static void add_names(mmn_text *text, const mmn_figure *figure, const mmn_panel *panel,
                      size_t number)
{
    mmn_text_add(text,
                 " role=\"img\" aria-labelledby=\"%s-%zu-title %s-%zu-description\">\n"
                 "<title id=\"%s-%zu-title\">",
                 figure->name, number, figure->name, number, figure->name, number);
    mmn_markup_add(text, figure->title);
    mmn_text_add(text, ": ");
    mmn_markup_add(text, panel->title);
    mmn_text_add(text, "</title>\n<desc id=\"%s-%zu-description\">", figure->name, number);
    mmn_markup_add(text, figure->description);
    mmn_text_add(text, " The table of this figure has the numbers.</desc>\n");
}

/* The figure's name and `number` make its fragments' names; the figure's description is read out
 * with it. */
void mmn_report_panel(mmn_text *text, const mmn_figure *figure, size_t number, double x, double y)
{
    const mmn_panel *panel = &figure->panels[number];
    mmn_text_add(text, "<svg xmlns=\"http://www.w3.org/2000/svg\" x=\"");
    mmn_svg_coordinate(text, x);
    mmn_text_add(text, "\" y=\"");
    mmn_svg_coordinate(text, y);
    mmn_text_add(text, "\"");
    add_size(text, panel->width, panel->height);
    add_names(text, figure, panel, number);
    mmn_text_add(text, "<text class=\"title\" x=\"0\" y=\"14\">");
    mmn_svg_words(text, "title", panel->width, panel->title);
    mmn_text_add(text, "</text>\n%s</svg>\n", panel->body);
}

void mmn_report_graphic(mmn_text *text, const mmn_figure *figure)
{
    enum { MARGIN = 20, GAP = 32, HEADING = 44 };
    double width = 2 * MMN_PANEL_WIDTH + GAP, x = 0, y = 0, row = 0;
    mmn_text panels = {0};
    if (figure->panel_count == 1)
        width = MMN_PANEL_WIDTH;
    for (size_t i = 0; i < figure->panel_count; i++)
        width = figure->panels[i].width > width ? figure->panels[i].width : width;
    for (size_t i = 0; i < figure->panel_count; i++) {
        const mmn_panel *panel = &figure->panels[i];
        if (x > 0 && x + panel->width > width) {
            x = 0;
            y += row + GAP;
            row = 0;
        }
        mmn_report_panel(&panels, figure, i, MARGIN + x, HEADING + y);
        x += panel->width + GAP;
        row = panel->height > row ? panel->height : row;
    }
    mmn_text_add(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                       "<svg xmlns=\"http://www.w3.org/2000/svg\"");
    add_size(text, width + 2 * MARGIN, HEADING + y + row + MARGIN);
    mmn_text_add(text, " role=\"img\" aria-labelledby=\"title\">\n<title id=\"title\">");
    mmn_markup_add(text, figure->title);
    mmn_text_add(text, "</title>\n<style>");
    mmn_style_add_graphics(text);
    mmn_text_add(text,
                 "</style>\n"
                 "<rect class=\"paper\" width=\"100%%\" height=\"100%%\"/>\n"
                 "<text class=\"heading\" x=\"%d\" y=\"26\">",
                 MARGIN);
    mmn_svg_words(text, "heading", width, figure->title);
    mmn_text_add(text, "</text>\n");
    if (panels.length > 0)
        mmn_text_add_bytes(text, panels.text, panels.length);
    mmn_text_add(text, "</svg>\n");
    text->failed = text->failed || panels.failed;
    mmn_text_free(&panels);
}
