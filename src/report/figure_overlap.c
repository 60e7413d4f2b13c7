/* The figure of how many neurons the domains have in common. */
#include "report/figure.h"
#include "report/heat_table.h"
#include "report/neuron_sets.h"

static mmn_status draw_module(mmn_figure *figure, const mmn_results *results,
                              const mmn_module_sets *module, mmn_error *error)
{
    mmn_svg svg = {0};
    mmn_heat_table table = {.rows = module->count, .columns = module->count, .cell_width = 34,
                            .cell_height = 30, .slanted = true};
    mmn_heat_table_begin(&table, &svg, "neurons of", "that also belong to", 14);
    for (size_t a = 0; a < module->count; a++) {
        const mmn_neuron_set *row = &module->sets[a];
        mmn_heat_table_row(&table, &svg, a, results->domains[row->domain]);
        mmn_heat_table_column(&table, &svg, a, results->domains[row->domain]);
        for (size_t b = 0; b < module->count; b++) {
            const mmn_neuron_set *column = &module->sets[b];
            const size_t common = mmn_neuron_set_common(row, column);
            const double share = row->count > 0 ? (double)common / (double)row->count : 0;
            mmn_heat_table_number(&table, &svg, a, b, share, (double)common, 0);
            mmn_table_text(&figure->table, module->name);
            mmn_table_text(&figure->table, results->domains[row->domain]);
            mmn_table_text(&figure->table, results->domains[column->domain]);
            mmn_table_integer(&figure->table, (int64_t)common);
            mmn_table_real(&figure->table, share);
        }
    }
    return mmn_figure_panel(figure, &svg, module->name, error);
}

mmn_status mmn_figure_overlap(mmn_figures *figures, mmn_results *results, mmn_error *error)
{
    static const mmn_column columns[] = {{"module", 0}, {"neurons of", 0}, {"also of", 0},
                                         {"neurons", 0}, {"share of the first", 3}};
    mmn_neuron_sets sets;
    mmn_figure *figure;
    if (!results->of[MMN_RESULT_NEURONS].document)
        return MMN_OK;
    mmn_status status = mmn_neuron_sets_read(&sets, results, error);
    if (status != MMN_OK || sets.count == 0)
        return status;
    mmn_text words = {0};
    mmn_text_add(&words, "How many neurons of one domain (rows) belong to another as well "
                         "(columns); on the diagonal, all of its own. The shade is the share of "
                         "the row's domain.");
    status = mmn_figure_begin(&figure, figures, "overlap", "Neurons that domains share", columns, 5,
                              error);
    for (size_t m = 0; m < sets.count && status == MMN_OK; m++)
        if (sets.modules[m].count > 0)
            status = draw_module(figure, results, &sets.modules[m], error);
    if (status == MMN_OK)
        status = mmn_figure_end(figure, &words, error);
    mmn_text_free(&words);
    mmn_neuron_sets_free(&sets);
    return status;
}
