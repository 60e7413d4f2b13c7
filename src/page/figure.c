/* Figures: panels of graphics, the words around them, and a table of all that they show, each as a
 * form says it. */
#include "page/figure.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "page/text.h"

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

/* What a figure is of. */
typedef struct figure_source {
    const mmn_figure_form *form;
    const mmn_result_sets *sets;
    size_t set, row;
} figure_source;

/* Its name and title, numbered and named by the row that it is for, and by its file where there are
 * several. */
static mmn_status name_figure(mmn_figure *figure, const figure_source *source)
{
    const mmn_figure_form *form = source->form;
    const mmn_result_file *file = &source->sets->list[source->set].of[form->kind];
    char row[24] = "", set[24] = "";
    mmn_text title = {0};
    mmn_text_add_about(&title, form->title, mmn_result_sets_are_languages(source->sets));
    if (form->each) {
        snprintf(row, sizeof(row), "-%zu", source->row + 1);
        mmn_text_add(&title, "%.100s%s",
                     mmn_result_text(file->result, form->each, source->row, form->named_by),
                     form->title_end);
    }
    if (source->set > 0)
        snprintf(set, sizeof(set), "_%zu", source->set + 1);
    if (mmn_result_sets_with(source->sets, form->kind) > 1)
        mmn_text_add(&title, " (%s)", file->name);
    snprintf(figure->name, sizeof(figure->name), "%.20s%.9s%.9s", form->name, row, set);
    return mmn_text_finish(&title, &figure->title, figure->error);
}

static mmn_status fill_figure(mmn_figure *figure, const figure_source *source)
{
    const mmn_figure_form *form = source->form;
    const mmn_results *results = &source->sets->list[source->set];
    const mmn_result *result = results->of[form->kind].result;
    MMN_TRY(name_figure(figure, source));
    figure->table.languages = mmn_result_sets_are_languages(source->sets);
    mmn_text_add_about(&figure->words, form->words, figure->table.languages);
    if (form->rows)
        mmn_rows_add(&figure->table, result, form->rows,
                     form->each ? mmn_rows_below(result, form->rows, form->each, source->row)
                                : mmn_rows_all(result, form->rows));
    MMN_TRY(form->draw(figure, results, source->row));
    if (figure->table.failed)
        return mmn_fail(figure->error, MMN_SYSTEM, NULL, NULL, "out of memory for a table");
    return mmn_text_finish(&figure->words, &figure->description, figure->error);
}

/* A figure that shows nothing is none. */
static mmn_status make_figure(mmn_figures *figures, const figure_source *source, mmn_error *error)
{
    MMN_TRY(MMN_RESERVE(figures->list, figures->capacity, figures->count + 1, error));
    mmn_figure *figure = &figures->list[figures->count];
    *figure = (mmn_figure){.table = mmn_table_begin(source->form->columns), .error = error};
    mmn_status status = fill_figure(figure, source);
    if (status == MMN_OK && (figure->panel_count > 0 || figure->table.count > 0))
        figures->count++;
    else
        free_figure(figure);
    return status;
}

/* Those of the forms from `source` on up to `end`, which take turns for each row. */
static mmn_status make_figures(mmn_figures *figures, figure_source source,
                               const mmn_figure_form *end, mmn_error *error)
{
    const mmn_figure_form *form = source.form;
    const mmn_result_file *file = &source.sets->list[source.set].of[form->kind];
    size_t rows = 1;
    if (!file->file)
        return MMN_OK;
    if (form->each)
        rows = mmn_result_rows(file->result, form->each);
    for (; source.row < rows && (!form->each || source.row < form->most); source.row++)
        for (source.form = form; source.form < end; source.form++)
            MMN_TRY(make_figure(figures, &source, error));
    return MMN_OK;
}

mmn_status mmn_figures_make(mmn_figures *figures, const mmn_figure_form *forms,
                            const mmn_result_sets *sets, mmn_error *error)
{
    for (const mmn_figure_form *form = forms, *end; form->name; form = end) {
        end = form + 1;
        while (form->each && end->each && strcmp(form->each, end->each) == 0)
            end++;
        for (size_t set = 0; set < sets->count; set++)
            MMN_TRY(make_figures(figures, (figure_source){form, sets, set, 0}, end, error));
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
