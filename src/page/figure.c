/* Figures: panels of graphics, the words around them, and a table of all that they show. */
#include "page/figure.h"

#include <stdio.h>

#include "base/memory.h"

mmn_figure *mmn_figure_begin(mmn_figures *figures, const char *name, const char *title,
                             const mmn_column *columns, size_t column_count)
{
    if (figures->status == MMN_OK)
        figures->status = mmn_reserve(&figures->list, &figures->capacity, figures->count + 1,
                                      sizeof(*figures->list), figures->error);
    if (figures->status != MMN_OK)
        return NULL;
    mmn_figure *figure = &figures->list[figures->count++];
    *figure = (mmn_figure){.all = figures,
                           .table = {.columns = columns, .column_count = column_count}};
    snprintf(figure->name, sizeof(figure->name), "%s", name);
    figure->title = mmn_copy_text(title, figures->error);
    figures->status = figure->title ? MMN_OK : MMN_SYSTEM;
    return figure->title ? figure : NULL;
}

void mmn_figure_panel(mmn_figure *figure, mmn_svg *svg, const char *title)
{
    mmn_error *error = figure->all->error;
    mmn_status status = figure->all->status;
    mmn_panel panel = {.width = svg->width, .height = svg->height};
    if (status == MMN_OK)
        status = mmn_text_finish(&svg->body, &panel.body, error);
    if (status == MMN_OK && !(panel.title = mmn_copy_text(title, error)))
        status = MMN_SYSTEM;
    if (status == MMN_OK)
        status = mmn_reserve(&figure->panels, &figure->panel_capacity, figure->panel_count + 1,
                             sizeof(*figure->panels), error);
    if (status == MMN_OK) {
        figure->panels[figure->panel_count++] = panel;
    } else {
        mmn_text_free(&svg->body);
        mmn_free(panel.title);
        mmn_free(panel.body);
    }
    figure->all->status = status;
}

mmn_status mmn_figures_finish(mmn_figures *figures)
{
    for (size_t i = 0; i < figures->count && figures->status == MMN_OK; i++) {
        mmn_figure *figure = &figures->list[i];
        if (figure->description)
            continue;
        figures->status = mmn_text_finish(&figure->words, &figure->description, figures->error);
        if (figures->status == MMN_OK && figure->table.failed)
            figures->status = mmn_fail(figures->error, MMN_SYSTEM, NULL, NULL,
                                       "out of memory for a table");
    }
    return figures->status;
}

void mmn_figures_free(mmn_figures *figures)
{
    for (size_t i = 0; i < figures->count; i++) {
        mmn_figure *figure = &figures->list[i];
        for (size_t p = 0; p < figure->panel_count; p++) {
            mmn_free(figure->panels[p].title);
            mmn_free(figure->panels[p].body);
        }
        mmn_free(figure->panels);
        mmn_free(figure->title);
        mmn_free(figure->description);
        mmn_text_free(&figure->words);
        mmn_table_free(&figure->table);
    }
    mmn_free(figures->list);
    *figures = (mmn_figures){0};
}
