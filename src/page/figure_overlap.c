/* The figure of how many neurons the domains have in common. */
#include "page/figure.h"
#include "page/heat_table.h"

static void draw_module(mmn_figure *figure, const mmn_results *results,
                        const mmn_listed_module *module)
{
    char *const *domains = results->lists->domains;
    const size_t count = results->lists->domain_count;
    mmn_svg svg = {0};
    mmn_heat_table table = {.rows = count, .columns = count, .cell_width = 34,
                            .cell_height = 30, .slanted = true};
    mmn_heat_table_begin(&table, &svg, "neurons of", "that also belong to", 14);
    for (size_t a = 0; a < count; a++) {
        const mmn_neuron_list *row = &module->lists[a];
        mmn_heat_table_row(&table, &svg, a, domains[a]);
        mmn_heat_table_column(&table, &svg, a, domains[a]);
        for (size_t b = 0; b < count; b++) {
            const size_t common = mmn_neuron_list_common(row, &module->lists[b]);
            const double share = row->count > 0 ? (double)common / (double)row->count : 0;
            mmn_heat_table_number(&table, &svg, a, b, share, (double)common, 0);
            mmn_table_text(&figure->table, module->name);
            mmn_table_text(&figure->table, domains[a]);
            mmn_table_text(&figure->table, domains[b]);
            mmn_table_integer(&figure->table, (int64_t)common);
            mmn_table_real(&figure->table, share);
        }
    }
    mmn_figure_panel(figure, &svg, module->name);
}

void mmn_figure_overlap(mmn_figures *figures, const mmn_results *results)
{
    static const mmn_column columns[] = {{"module", 0}, {"neurons of", 0}, {"also of", 0},
                                         {"neurons", 0}, {"share of the first", 3}};
    const mmn_neuron_lists *lists = results->lists;
    mmn_figure *figure =
        lists ? mmn_figure_begin(figures, "overlap", "Neurons that domains share", columns, 5)
              : NULL;
    if (!figure)
        return;
    mmn_text_add(&figure->words, "How many neurons of one domain (rows) belong to another as well "
                         "(columns); on the diagonal, all of its own. The shade is the share of "
                         "the row's domain.");
    for (size_t m = 0; m < lists->module_count; m++)
        draw_module(figure, results, &lists->modules[m]);
}
