/* Figures: panels of graphics, the words around them, and a table of all that they show, each as a
 * form says it. */
#include "page/figure.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static mmn_status add_panel(mmn_figure *figure, const mmn_panel *panel)
{
    MMN_NEED(panel->title);
    MMN_TRY(MMN_RESERVE(figure->panels, figure->panel_capacity, figure->panel_count + 1,
                        figure->error));
    figure->panels[figure->panel_count++] = *panel;
    return MMN_OK;
}

mmn_status mmn_figure_panel(mmn_figure *figure, mmn_svg *svg, const char *title)
{
    mmn_panel panel = {.width = svg->width, .height = svg->height};
    MMN_TRY(mmn_text_finish(&svg->body, &panel.body, figure->error));
    panel.title = mmn_copy_text(title, figure->error);
    mmn_status status = add_panel(figure, &panel);
    if (status != MMN_OK) {
        mmn_free(panel.title);
        mmn_free(panel.body);
    }
    return status;
}

static void free_figure(mmn_figure *figure)
{
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

/* Its name and title, numbered and named by the row that it is for. */
static mmn_status name_figure(mmn_figure *figure, const mmn_figure_form *form,
                              const mmn_result *result, size_t row)
{
    char title[160];
    if (form->each) {
        snprintf(figure->name, sizeof(figure->name), "%s-%zu", form->name, row + 1);
        snprintf(title, sizeof(title), "%s%.100s%s", form->title,
                 mmn_result_text(result, form->each, row, form->named_by), form->title_end);
    } else {
        snprintf(figure->name, sizeof(figure->name), "%s", form->name);
    }
    figure->title = mmn_copy_text(form->each ? title : form->title, figure->error);
    return figure->title ? MMN_OK : MMN_SYSTEM;
}

static mmn_status fill_figure(mmn_figure *figure, const mmn_figure_form *form,
                              const mmn_results *results, size_t row)
{
    const mmn_result *result = results->of[form->kind].result;
    MMN_TRY(name_figure(figure, form, result, row));
    mmn_text_add(&figure->words, "%s", form->words);
    if (form->rows)
        mmn_rows_add(&figure->table, result, form->rows,
                     form->each ? mmn_rows_below(result, form->rows, form->each, row)
                                : mmn_rows_all(result, form->rows));
    MMN_TRY(form->draw(figure, results, row));
    if (figure->table.failed)
        return mmn_fail(figure->error, MMN_SYSTEM, NULL, NULL, "out of memory for a table");
    return mmn_text_finish(&figure->words, &figure->description, figure->error);
}

/* A figure that shows nothing is none. */
static mmn_status make_figure(mmn_figures *figures, const mmn_figure_form *form,
                              const mmn_results *results, size_t row, mmn_error *error)
{
    MMN_TRY(MMN_RESERVE(figures->list, figures->capacity, figures->count + 1, error));
    mmn_figure *figure = &figures->list[figures->count];
    *figure = (mmn_figure){.table = mmn_table_begin(form->columns), .error = error};
    mmn_status status = fill_figure(figure, form, results, row);
    if (status == MMN_OK && (figure->panel_count > 0 || figure->table.count > 0))
        figures->count++;
    else
        free_figure(figure);
    return status;
}

mmn_status mmn_figures_make(mmn_figures *figures, const mmn_figure_form *forms,
                            const mmn_results *results, mmn_error *error)
{
    for (const mmn_figure_form *form = forms, *end; form->name; form = end) {
        const mmn_result_file *file = &results->of[form->kind];
        size_t rows = 1;
        end = form + 1;
        while (form->each && end->each && strcmp(form->each, end->each) == 0)
            end++;
        if (form->each)
            rows = mmn_result_rows(file->result, form->each);
        for (size_t row = 0; file->file && row < rows && (!form->each || row < form->most); row++)
            for (const mmn_figure_form *turn = form; turn < end; turn++)
                MMN_TRY(make_figure(figures, turn, results, row, error));
    }
    return MMN_OK;
}

void mmn_figures_free(mmn_figures *figures)
{
    for (size_t i = 0; i < figures->count; i++)
        free_figure(&figures->list[i]);
    mmn_free(figures->list);
    *figures = (mmn_figures){0};
}
