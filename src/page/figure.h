/* Figures: panels of graphics, the words around them, and a table of all that they show, each as a
 * form says it. */
#ifndef MMN_PAGE_FIGURE_H
#define MMN_PAGE_FIGURE_H

#include "page/chart.h"
#include "page/results.h"
#include "page/table.h"

typedef struct mmn_panel {
    char *title; /* plain text */
    char *body;  /* shapes */
    double width, height;
} mmn_panel;

typedef struct mmn_figure {
    char name[40];             /* "accuracy", "words-1", of the second set "words-1_2": of files and
                                  fragments */
    char *title, *description; /* plain text; the description is sentences, and
                                  line breaks end its paragraphs */
    mmn_text words;            /* that become the description */
    mmn_panel *panels;
    size_t panel_count, panel_capacity;
    mmn_report_table table;
    mmn_error *error; /* that its making fills */
} mmn_figure;

/* Zero-initialise. */
typedef struct mmn_figures {
    mmn_figure *list;
    size_t count, capacity;
} mmn_figures;

/* What is a figure's own: draws its panels, adds to its words, and fills its table unless that
 * consists of rows of the result. */
typedef mmn_status mmn_figure_drawer(mmn_figure *figure, const mmn_results *results, size_t row);

/* What figures of one name are made of. */
typedef struct mmn_figure_form {
    const char *name, *title;
    mmn_result_kind kind;
    const char *each; /* a table: a figure for each of its first `most` rows, numbered from 1 on */
    size_t most;
    const char *named_by, *title_end; /* a column of it between `title` and this */
    const char *words;                /* what the description begins with */
    const char *rows; /* a table, whose rows (below that of `each`) become its own; NULL: none */
    const mmn_column *columns; /* up to one without a name */
    mmn_figure_drawer *draw;
} mmn_figure_form;

#define MMN_FIGURE_COLUMNS(...) ((const mmn_column[]){__VA_ARGS__, {0}})

/* Those of a subject, up to one without a name. Neighbours with the same `each` take turns. */
extern const mmn_figure_form mmn_neuron_figures[], mmn_off_figures[], mmn_comparison_figures[],
    mmn_case_figures[], mmn_detection_figures[], mmn_location_figures[],
    mmn_hallucination_figures[], mmn_bias_figures[], mmn_perturbation_figures[], mmn_lens_figures[],
    mmn_contribution_figures[], mmn_contribution_list_figures[], mmn_sweep_figures[],
    mmn_similarity_figures[], mmn_edit_figures[], mmn_recording_figures[];

/* Appends the figures of these forms that the results have something for. Where several sets have
 * something, the titles say of which file each is. */
mmn_status mmn_figures_make(mmn_figures *figures, const mmn_figure_form *forms,
                            const mmn_result_sets *sets, mmn_error *error);
void mmn_figures_free(mmn_figures *figures);

/* Makes a panel of what was drawn, which empties `svg` also after a failure. The title is plain
 * text, which the panel does not draw itself. */
mmn_status mmn_figure_panel(mmn_figure *figure, mmn_svg *svg, const char *title);

#endif
