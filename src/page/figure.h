/* Figures: panels of graphics, the words around them, and a table of all that they show. */
#ifndef MMN_REPORT_FIGURE_H
#define MMN_REPORT_FIGURE_H

#include "page/results.h"
#include "page/svg.h"
#include "page/table.h"

/* A panel is as wide as a telephone's page; heat tables may be wider. */
enum { MMN_PANEL_WIDTH = 344 };

typedef struct mmn_panel {
    char *title; /* plain text */
    char *body;  /* shapes */
    double width, height;
} mmn_panel;

struct mmn_figures;

typedef struct mmn_figure {
    struct mmn_figures *all; /* those that it is one of */
    char name[32]; /* "accuracy", "words-1": of files and fragments */
    char *title, *description; /* plain text; the description is sentences, and
                                  line breaks end its paragraphs */
    mmn_text words; /* that become the description */
    mmn_panel *panels;
    size_t panel_count, panel_capacity;
    mmn_report_table table;
} mmn_figure;

/* Zero-initialise but for the error. */
typedef struct mmn_figures {
    mmn_figure *list;
    size_t count, capacity;
    mmn_status status; /* the first failure, after which nothing more is drawn */
    mmn_error *error;  /* filled by it */
} mmn_figures;

/* Appends an empty figure, valid until the next is appended; NULL after a failure. */
mmn_figure *mmn_figure_begin(mmn_figures *figures, const char *name, const char *title,
                             const mmn_column *columns, size_t column_count);
/* Makes a panel of what was drawn, which empties `svg` also after a failure. The title is plain
 * text, which the panel does not draw itself. */
void mmn_figure_panel(mmn_figure *figure, mmn_svg *svg, const char *title);
/* Makes the descriptions of the figures that have none yet, and checks that their tables are whole:
 * the first failure of all. */
mmn_status mmn_figures_finish(mmn_figures *figures);
void mmn_figures_free(mmn_figures *figures);

/* Each appends its figures, or none where the results have nothing for it. */
typedef void mmn_figure_maker(mmn_figures *figures, const mmn_results *results);
mmn_figure_maker mmn_figure_neurons, mmn_figure_overlap, mmn_figure_entropy, mmn_figure_accuracy,
    mmn_figure_cross, mmn_figure_perplexity, mmn_figure_perplexity_cross, mmn_figure_perturbation,
    mmn_figure_lens, mmn_figure_common_words, mmn_figure_samples, mmn_figure_contributions,
    mmn_figure_disturbance;

#endif
