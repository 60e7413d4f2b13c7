/* Rankings as a table for people. */
#include <inttypes.h>
#include <string.h>

#include "base/given.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "neurons/ranking.h"
#include "report/columns.h"

/* Layers are put together so that a row has at most this many columns for them. */
enum { LAYER_GROUPS = 8 };

/* One row: how many neurons of `domain` (SIZE_MAX: selected ones) are in each group of layers. */
static void add_row(mmn_text *text, const mmn_module_ranking *module, const char *title,
                    int title_width, size_t domain, size_t group_size, size_t groups)
{
    size_t in_group[LAYER_GROUPS] = {0}, total = 0;
    for (size_t rank = 0; rank < module->result.selected; rank++) {
        if (domain != SIZE_MAX && !mmn_rank_belongs(&module->result, rank, domain))
            continue;
        in_group[module->result.ranked[rank] / module->module.neurons / group_size]++;
        total++;
    }
    mmn_text_add(text, "  ");
    mmn_columns_left(text, title, title_width);
    mmn_text_add(text, "  %8zu ", total);
    for (size_t group = 0; group < groups; group++)
        mmn_text_add(text, "  %7zu", in_group[group]);
    mmn_text_add(text, "\n");
}

static void add_layer_titles(mmn_text *text, size_t layers, size_t group_size, size_t groups)
{
    for (size_t group = 0; group < groups; group++) {
        size_t first = group * group_size, last = first + group_size - 1;
        if (last >= layers)
            last = layers - 1;
        mmn_text title = {0};
        char *ready = NULL;
        if (first == last)
            mmn_text_add(&title, "L%zu", first);
        else
            mmn_text_add(&title, "L%zu-%zu", first, last);
        if (mmn_text_finish(&title, &ready, NULL) == MMN_OK)
            mmn_text_add(text, "  %7s", ready);
        else
            text->failed = true;
        mmn_free(ready);
    }
    mmn_text_add(text, "\n");
}

static void add_module(mmn_text *text, const mmn_ranking *ranking,
                       const mmn_module_ranking *module, int title_width)
{
    const mmn_rank_result *result = &module->result;
    size_t layers = module->module.layers;
    size_t group_size = (layers + LAYER_GROUPS - 1) / LAYER_GROUPS;
    size_t groups = (layers + group_size - 1) / group_size;
    mmn_text_add(text, "%s: %" PRIu32 " x %" PRIu32 " neurons, bar ", module->module.name,
                 module->module.layers, module->module.neurons);
    mmn_text_add_real(text, result->bar);
    mmn_text_add(text, ", %zu above it, %zu selected\n", result->passed, result->selected);

    mmn_text_add(text, "  ");
    mmn_columns_left(text, "domain", title_width);
    mmn_text_add(text, "  %8s ", "neurons");
    add_layer_titles(text, layers, group_size, groups);
    for (size_t d = 0; d < ranking->domain_count; d++)
        add_row(text, module, ranking->domains[d], title_width, d, group_size, groups);
    add_row(text, module, "selected", title_width, SIZE_MAX, group_size, groups);

    if (result->tied_at_cut > 0)
        mmn_text_add(text, "  %zu neurons are tied at the cut; ties go to lower layers and "
                     "neurons\n", result->tied_at_cut);
    if (result->selected < result->wanted)
        mmn_text_add(text, "  only %zu of the %zu neurons wanted are above the bar\n",
                     result->selected, result->wanted);
    if (module->module.first_inert_layer < module->module.layers)
        mmn_text_add(text, "  layers from %" PRIu32 " on are inert: the model's output does not "
                     "depend on them\n", module->module.first_inert_layer);
    mmn_text_add(text, "\n");
}

mmn_status mmn_ranking_table(const mmn_ranking *ranking, char **table, mmn_error *error)
{
    if (table)
        *table = NULL;
    if (MMN_MISSING(error, ranking, table))
        return MMN_USAGE;
    mmn_text text = {0};
    int title_width = (int)strlen("selected");
    for (size_t d = 0; d < ranking->domain_count; d++) {
        int width = mmn_columns_of(ranking->domains[d]);
        title_width = width > title_width ? width : title_width;
    }
    for (size_t m = 0; m < ranking->module_count; m++)
        add_module(&text, ranking, &ranking->modules[m], title_width);
    if (ranking->unchecked)
        mmn_text_add(&text, "The counts were written before counts had checksums: nobody can tell "
                     "whether they are as they were.\n\n");
    if (ranking->nonfinite > 0)
        mmn_text_add(&text, "In %" PRIu64 " of the %" PRIu64 " samples counted, numbers were infinite "
                     "or NaN.\n\n", ranking->nonfinite, ranking->samples);
    return mmn_text_finish(&text, table, error);
}
