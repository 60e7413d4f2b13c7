/* Rankings as results. doc/formats.md describes their JSON, neurons.json, and the table beside it. */
#include <stdio.h>

#include "base/error.h"
#include "count/ranking.h"
#include "result/result.h"

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_REAL("rate", ""), MMN_REAL("bar", ""), MMN_REAL("assignment_bar", ""),
                 MMN_TEXT("arithmetic"), MMN_TEXT("version"), MMN_WHOLE("samples"),
                 MMN_TEXT("model"), MMN_TEXT("data"), MMN_TEXT("inputs"), MMN_TRUTH("unchecked"),
                 MMN_WHOLE("nonfinite"), MMN_TEXT("digest"))},
    {"domains", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    {"modules", "result",
     MMN_COLUMNS(MMN_TEXT("module"), MMN_WHOLE("layers"), MMN_WHOLE("neurons"), MMN_REAL("bar", ""),
                 MMN_REAL("assignment_bar", ""), MMN_WHOLE("above_bar"), MMN_WHOLE("selected"),
                 MMN_WHOLE("tied_at_cut"), MMN_TEXT("warning"))},
    {"inert", "modules", MMN_COLUMNS(MMN_WHOLE("layer"))},
    {"lists", "modules", MMN_COLUMNS(MMN_TEXT("domain"))},
    {"neurons", "lists", MMN_COLUMNS(MMN_WHOLE("layer"), MMN_WHOLE("neuron"))},
    {"ranking", "modules",
     MMN_COLUMNS(MMN_WHOLE("rank"), MMN_WHOLE("layer"), MMN_WHOLE("neuron"),
                 MMN_REAL("entropy", "nats"))},
    {"probabilities", "ranking", MMN_COLUMNS(MMN_TEXT("domain"), MMN_REAL("p", ""))},
    /* how many neurons of each domain, and of all, are in groups of layers */
    {"layer_groups", "modules", MMN_COLUMNS(MMN_TEXT("layers"))},
    {"group_rows", "modules", MMN_COLUMNS(MMN_TEXT("domain"), MMN_WHOLE("neurons"))},
    {"group_cells", "group_rows", MMN_COLUMNS(MMN_WHOLE("neurons"))},
    {0}};

static const char json[] =
    "{\n"
    "  'format': 'mmneuron-neurons-1',\n"
    "  'settings': {'rate': $rate, 'bar': $bar, 'assignment_bar': $assignment_bar,"
    " 'arithmetic': $arithmetic},\n"
    "  'counts': {'version': $version, 'samples': $samples,\n"
    "    'model': $model,\n"
    "    'data': $data,\n"
    "    'inputs': $inputs<?unchecked|,\n"
    "    'unchecked': true><?nonfinite|,\n"
    "    'nonfinite': $nonfinite>},\n"
    "  'modules': {\n"
    "<modules|,\n|"
    "    $module: {'layers': $layers, 'neurons': $neurons,\n"
    "      'bar': $bar, 'assignment_bar': $assignment_bar,\n"
    "      'above_bar': $above_bar, 'selected': $selected, 'tied_at_cut': $tied_at_cut,\n"
    "      'inert': [<inert|, |$layer>],\n"
    "<?warning|      'warning': $warning,\n>"
    "      'domains': {<lists|,|\n"
    "      $domain: [<neurons 8|, |,\n        |[$layer, $neuron]>]>}}>\n"
    "  },\n"
    "  'digest': $digest\n"
    "}\n";

static const char people[] =
    "<modules||${module}: ${layers} x ${neurons} neurons, bar ${bar}, ${above_bar} above it,"
    " ${selected} selected\n"
    "  <-8 domains.name|domain>   neurons <layer_groups||  $7{layers}>\n"
    "<group_rows||  <-8 domains.name|${domain}>  $8{neurons} <group_cells||  $7{neurons}>\n>"
    "<?tied_at_cut|  ${tied_at_cut} neurons are tied at the cut; ties go to lower layers and"
    " neurons\n>"
    "<?warning|  ${warning}\n>"
    "<inert first||  layers from ${layer} on are inert: the model's output does not depend on"
    " them\n>\n>"
    "<?unchecked|The counts were written before counts had checksums: nobody can tell whether they"
    " are as they were.\n\n>"
    "<?nonfinite|In ${nonfinite} of the ${samples} samples counted, numbers were infinite or"
    " NaN.\n\n>";

/* The selected neurons in the order of the ranking; columns are separated by tabs. */
static const char beside[] =
    MMN_RANKING_TITLE "<domains||\tp ${name}>\n"
    "<modules||<ranking||${module}\t${rank}\t${layer}\t${neuron}\t${entropy}"
    "<probabilities||\t${p}>\n>>";

const mmn_form mmn_ranking_form = {
    .format = "mmneuron-neurons-1", .tables = tables, .json = json, .people = people,
    .beside = beside, .beside_file = mmn_ranking_table_file};

/* Layers are put together so that a row has at most this many columns for them. */
enum { LAYER_GROUPS = 8 };

/* The values "layer" and "neuron" of the neuron at a rank. */
#define NEURON(module, rank)                                                                     \
    mmn_as_whole((module)->result.ranked[rank] / (module)->module.neurons),                      \
        mmn_as_whole((module)->result.ranked[rank] % (module)->module.neurons)

/* The neurons of a domain, in the order of their numbers. */
static void add_list(mmn_result *result, const mmn_module_ranking *module, size_t domain,
                     const char *name)
{
    MMN_ADD(result, "lists", mmn_as_text(name));
    for (size_t i = 0; i < module->result.selected; i++) {
        const size_t rank = module->result.by_number[i];
        if (mmn_rank_belongs(&module->result, rank, domain))
            MMN_ADD(result, "neurons", NEURON(module, rank));
    }
}

static void add_ranking(mmn_result *result, const mmn_ranking *ranking,
                        const mmn_module_ranking *module)
{
    const mmn_rank_result *ranked = &module->result;
    for (size_t rank = 0; rank < ranked->selected; rank++) {
        MMN_ADD(result, "ranking", mmn_as_whole(rank + 1), NEURON(module, rank),
                mmn_as_real(ranked->entropy[rank]));
        for (size_t d = 0; d < ranked->domains; d++)
            MMN_ADD(result, "probabilities", mmn_as_text(ranking->domains[d]),
                    mmn_as_real(ranked->probability[rank * ranked->domains + d]));
    }
}

/* How many neurons of `domain` (SIZE_MAX: selected ones) are in each of `groups` groups of layers. */
static void add_group_row(mmn_result *result, const mmn_module_ranking *module, const char *title,
                          size_t domain, size_t group_size, size_t groups)
{
    size_t in_group[LAYER_GROUPS] = {0}, total = 0;
    for (size_t rank = 0; rank < module->result.selected; rank++) {
        if (domain != SIZE_MAX && !mmn_rank_belongs(&module->result, rank, domain))
            continue;
        in_group[module->result.ranked[rank] / module->module.neurons / group_size]++;
        total++;
    }
    MMN_ADD(result, "group_rows", mmn_as_text(title), mmn_as_whole(total));
    for (size_t group = 0; group < groups; group++)
        MMN_ADD(result, "group_cells", mmn_as_whole(in_group[group]));
}

static void add_groups(mmn_result *result, const mmn_ranking *ranking,
                       const mmn_module_ranking *module)
{
    const size_t layers = module->module.layers;
    const size_t group_size = (layers + LAYER_GROUPS - 1) / LAYER_GROUPS;
    const size_t groups = (layers + group_size - 1) / group_size;
    for (size_t group = 0; group < groups; group++) {
        const size_t first = group * group_size;
        const size_t last = first + group_size < layers ? first + group_size - 1 : layers - 1;
        char title[48];
        if (first == last)
            snprintf(title, sizeof(title), "L%zu", first);
        else
            snprintf(title, sizeof(title), "L%zu-%zu", first, last);
        MMN_ADD(result, "layer_groups", mmn_as_text(title));
    }
    for (size_t d = 0; d < ranking->domain_count; d++)
        add_group_row(result, module, ranking->domains[d], d, group_size, groups);
    add_group_row(result, module, "selected", SIZE_MAX, group_size, groups);
}

static void add_module(mmn_result *result, const mmn_ranking *ranking,
                       const mmn_module_ranking *ranked)
{
    const mmn_counted_module *module = &ranked->module;
    const mmn_rank_result *found = &ranked->result;
    char warning[100];
    snprintf(warning, sizeof(warning), "only %zu of the %zu neurons wanted are above the bar",
             found->selected, found->wanted);
    MMN_ADD(result, "modules", mmn_as_text(module->name), mmn_as_whole(module->layers),
            mmn_as_whole(module->neurons), mmn_as_real(found->bar),
            mmn_as_real(found->assignment_bar), mmn_as_whole(found->passed),
            mmn_as_whole(found->selected), mmn_as_whole(found->tied_at_cut),
            mmn_as_text(found->selected < found->wanted ? warning : NULL));
    for (uint32_t layer = module->first_inert_layer; layer < module->layers; layer++)
        MMN_ADD(result, "inert", mmn_as_whole(layer));
    for (size_t d = 0; d < ranking->domain_count; d++)
        add_list(result, ranked, d, ranking->domains[d]);
    add_ranking(result, ranking, ranked);
    add_groups(result, ranking, ranked);
}

static mmn_status fill(mmn_result **made, const mmn_ranking *ranking, mmn_error *error)
{
    const mmn_rank_rule *rule = &ranking->rule;
    if (mmn_result_begin(made, &mmn_ranking_form, error) != MMN_OK)
        return MMN_SYSTEM;
    MMN_ADD(*made, "result", mmn_as_real(rule->rate), mmn_as_real(rule->bar),
            mmn_as_real(rule->assignment_bar), mmn_as_text(rule->float32 ? "binary32" : "binary64"),
            mmn_as_text(ranking->version), mmn_as_whole(ranking->samples),
            mmn_as_text(ranking->model), mmn_as_text(ranking->data), mmn_as_text(ranking->inputs),
            mmn_as_truth(ranking->unchecked), mmn_as_whole(ranking->nonfinite),
            mmn_as_text(ranking->digest));
    for (size_t d = 0; d < ranking->domain_count; d++)
        MMN_ADD(*made, "domains", mmn_as_text(ranking->domains[d]));
    for (size_t m = 0; m < ranking->module_count; m++)
        add_module(*made, ranking, &ranking->modules[m]);
    return mmn_result_end(made, error);
}

mmn_status mmn_rank(mmn_result **result, const char *counts_file, const mmn_rank_options *options,
                    mmn_error *error)
{
    mmn_ranking *ranking = NULL;
    if (result)
        *result = NULL;
    if (MMN_MISSING(error, result, counts_file))
        return MMN_USAGE;
    mmn_status status = mmn_ranking_make(&ranking, counts_file, options, error);
    if (status == MMN_OK)
        status = fill(result, ranking, error);
    mmn_ranking_free(ranking);
    return status;
}
