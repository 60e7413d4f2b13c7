/* Rankings as results. doc/formats.md describes their JSON, neurons.json, and the table beside it.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "count/neurons.h"
#include "result/result.h"

/* What the table beside neurons.json begins with. */
#define TITLE "module\trank\tlayer\tneuron\tentropy"

/* ---- The table's file ------------------------------------------------------------------------ */

/* Whether the file is absent, or begins as this table does. */
static mmn_status check_table(const char *file, mmn_error *error)
{
    char start[sizeof(TITLE)] = "";
    FILE *stream = fopen(file, "rb");
    if (!stream)
        return MMN_OK;
    size_t size = fread(start, 1, strlen(TITLE), stream);
    fclose(stream);
    if (size == 0 || strcmp(start, TITLE) == 0)
        return MMN_OK;
    return mmn_fail(error, MMN_USAGE, file, NULL,
                    "is not a ranking's table, which would be written over it; give the neurons "
                    "another name");
}

mmn_status mmn_ranking_table_file(char **table, const char *file, mmn_error *error)
{
    MMN_CLEAR(table);
    MMN_GIVEN(error, table, file);
    const char *name = mmn_path_name(file);
    size_t length = strlen(name), end = strlen(".json");
    bool has_end = length >= end && strcmp(name + length - end, ".json") == 0;
    if (*name == '\0')
        return mmn_fail(error, MMN_USAGE, file, NULL,
                        "cannot be written to: expected the name of a file");
    if (strcmp(name, "ranking.tsv") == 0)
        return mmn_fail(error, MMN_USAGE, file, NULL,
                        "the ranking's table has this name; give the neurons another one");
    char *base = mmn_copy_bytes(file, strlen(file) - (has_end ? end : 0), error);
    char *folder = NULL;
    mmn_status status = base ? mmn_path_folder(&folder, file, error) : MMN_SYSTEM;
    if (status == MMN_OK && strcmp(name, "neurons.json") == 0)
        status = mmn_path_join(table, folder, "ranking.tsv", error);
    else if (status == MMN_OK)
        status = mmn_path_beside(table, base, has_end ? ".ranking.tsv" : "-ranking.tsv", error);
    mmn_free(base);
    mmn_free(folder);
    if (status == MMN_OK)
        status = check_table(*table, error);
    if (status != MMN_OK) {
        mmn_free(*table);
        *table = NULL;
    }
    return status;
}

/* ---- The result ------------------------------------------------------------------------------ */

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_REAL("rate", ""), MMN_REAL("bar", ""), MMN_REAL("assignment_bar", ""),
                 MMN_TEXT("arithmetic"), MMN_TEXT("by"), MMN_TEXT("scored"), MMN_WHOLE("seed"),
                 MMN_TEXT("second"), MMN_TEXT("version"), MMN_WHOLE("samples"), MMN_TEXT("model"),
                 MMN_TEXT("data"), MMN_TEXT("inputs"), MMN_TRUTH("unchecked"),
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
                 MMN_REAL("entropy", "nats"), MMN_REAL("score", ""))},
    {"probabilities", "ranking", MMN_COLUMNS(MMN_TEXT("domain"), MMN_REAL("p", ""))},
    /* how many of the selected are active in so many domains, by exp(entropy) */
    {"active", "modules", MMN_COLUMNS(MMN_WHOLE("domains"), MMN_WHOLE("neurons"))},
    /* how many neurons of each domain, and of all, are in groups of layers */
    {"layer_groups", "modules", MMN_COLUMNS(MMN_TEXT("layers"))},
    {"group_rows", "modules", MMN_COLUMNS(MMN_TEXT("domain"), MMN_WHOLE("neurons"))},
    {"group_cells", "group_rows", MMN_COLUMNS(MMN_WHOLE("neurons"))},
    {0}};

static const char json[] =
    "{\n"
    "  'format': 'mmneuron-neurons-1',\n"
    "  'settings': {'rate': $rate, 'bar': $bar, 'assignment_bar': $assignment_bar,"
    " 'arithmetic': $arithmetic<?by|, 'by': $by><?by=random|, 'seed': $seed>"
    "<?second|, 'second': $second>},\n"
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
    "<?by|As many as by entropy, selected by ${by}:\n\n>"
    "<modules||${module}: ${layers} x ${neurons} neurons, bar ${bar}, ${above_bar} above it,"
    " ${selected} selected\n"
    "  <-8 domains.name|domain>   neurons <layer_groups||  $7{layers}>\n"
    "<group_rows||  <-8 domains.name|${domain}>  $8{neurons} <group_cells||  $7{neurons}>\n>"
    "<active first||  by exp(entropy), active in <active|, |${domains}: ${neurons}> of the"
    " domains\n>"
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
static const char beside[] = TITLE
    "<domains||\tp ${name}><?scored|\t${scored}>\n"
    "<modules||<ranking||${module}\t${rank}\t${layer}\t${neuron}\t${entropy}"
    "<probabilities||\t${p}><?scored|\t${score}>\n>>";

const mmn_form mmn_ranking_form = {.format = "mmneuron-neurons-1",
                                   .tables = tables,
                                   .json = json,
                                   .people = people,
                                   .beside = beside,
                                   .beside_file = mmn_ranking_table_file};

/* Layers are put together so that a row has at most this many columns for them. */
enum { LAYER_GROUPS = 8 };

/* The values "layer" and "neuron" of a number. */
#define NEURON(module, number)                                                                     \
    mmn_as_whole((number) / (module)->neurons), mmn_as_whole((number) % (module)->neurons)

/* The neurons of a domain, in the order of their numbers. */
static void add_list(mmn_result *result, const mmn_listed_module *module, size_t domain,
                     const char *name)
{
    const mmn_neuron_list *list = &module->lists[domain];
    MMN_ADD(result, "lists", mmn_as_text(name));
    for (size_t i = 0; i < list->count; i++)
        MMN_ADD(result, "neurons", NEURON(module, list->numbers[i]));
}

static void add_ranking(mmn_result *result, const mmn_neurons *neurons,
                        const mmn_listed_module *module)
{
    const mmn_rank_result *ranked = &module->result;
    for (size_t rank = 0; rank < ranked->selected; rank++) {
        MMN_ADD(result, "ranking", mmn_as_whole(rank + 1), NEURON(module, ranked->ranked[rank]),
                mmn_as_real(ranked->entropy[rank]),
                ranked->score ? mmn_as_real(ranked->score[rank]) : mmn_as_nothing());
        for (size_t d = 0; d < ranked->domains; d++)
            MMN_ADD(result, "probabilities", mmn_as_text(neurons->domains[d]),
                    mmn_as_real(ranked->probability[rank * ranked->domains + d]));
    }
}

/* How many neurons of `domain` (SIZE_MAX: selected ones) are in each of `groups` groups of
 * layers. */
static void add_group_row(mmn_result *result, const mmn_listed_module *module, const char *title,
                          size_t domain, size_t group_size, size_t groups)
{
    size_t in_group[LAYER_GROUPS] = {0}, total = 0;
    for (size_t rank = 0; rank < module->result.selected; rank++) {
        if (domain != SIZE_MAX && !mmn_rank_belongs(&module->result, rank, domain))
            continue;
        in_group[module->result.ranked[rank] / module->neurons / group_size]++;
        total++;
    }
    MMN_ADD(result, "group_rows", mmn_as_text(title), mmn_as_whole(total));
    for (size_t group = 0; group < groups; group++)
        MMN_ADD(result, "group_cells", mmn_as_whole(in_group[group]));
}

static void add_groups(mmn_result *result, const mmn_neurons *neurons,
                       const mmn_listed_module *module)
{
    const size_t layers = module->layers;
    const size_t group_size = mmn_pieces(layers, LAYER_GROUPS);
    const size_t groups = mmn_pieces(layers, group_size);
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
    for (size_t d = 0; d < neurons->domain_count; d++)
        add_group_row(result, module, neurons->domains[d], d, group_size, groups);
    add_group_row(result, module, "selected", SIZE_MAX, group_size, groups);
}

/* A neuron drawn at random may be active in none. */
static bool is_active_in(const mmn_rank_result *found, size_t rank, size_t domains)
{
    double sum = 0;
    for (size_t d = 0; d < found->domains; d++)
        sum += found->probability[rank * found->domains + d];
    return sum > 0 && mmn_rank_active_domains(found->entropy[rank], found->domains) == domains;
}

static void add_active(mmn_result *result, const mmn_rank_result *found)
{
    for (size_t domains = 1; domains <= found->domains; domains++) {
        size_t neurons = 0;
        for (size_t rank = 0; rank < found->selected; rank++)
            neurons += is_active_in(found, rank, domains);
        if (neurons > 0)
            MMN_ADD(result, "active", mmn_as_whole(domains), mmn_as_whole(neurons));
    }
}

static void add_module(mmn_result *result, const mmn_neurons *neurons,
                       const mmn_listed_module *module)
{
    const mmn_rank_result *found = &module->result;
    char warning[100];
    snprintf(warning, sizeof(warning), "only %zu of the %zu neurons wanted are above the bar",
             found->selected, found->wanted);
    MMN_ADD(result, "modules", mmn_as_text(module->name), mmn_as_whole(module->layers),
            mmn_as_whole(module->neurons), mmn_as_real(found->bar),
            mmn_as_real(found->assignment_bar), mmn_as_whole(found->passed),
            mmn_as_whole(found->selected), mmn_as_whole(found->tied_at_cut),
            mmn_as_text(found->selected < found->wanted ? warning : NULL));
    for (size_t layer = module->layers - module->inert; layer < module->layers; layer++)
        MMN_ADD(result, "inert", mmn_as_whole(layer));
    for (size_t d = 0; d < neurons->domain_count; d++)
        add_list(result, module, d, neurons->domains[d]);
    add_ranking(result, neurons, module);
    add_active(result, found);
    add_groups(result, neurons, module);
}

mmn_status mmn_neurons_result(mmn_result **made, const mmn_neurons *neurons, mmn_error *error)
{
    MMN_CLEAR(made);
    MMN_GIVEN(error, made, neurons);
    if (!neurons->ranked)
        return mmn_fail(error, MMN_USAGE, neurons->file, NULL,
                        "these neurons are a file's; only those that were ranked make a result");
    const mmn_rank_rule *rule = &neurons->rule;
    const char *by = rule->selection == MMN_SELECT_ENTROPY ? NULL
                                                           : mmn_selection_names[rule->selection];
    if (mmn_result_begin(made, &mmn_ranking_form, error) != MMN_OK)
        return MMN_SYSTEM;
    MMN_ADD(*made, "result", mmn_as_real(rule->rate), mmn_as_real(rule->bar),
            mmn_as_real(rule->assignment_bar), mmn_as_text(rule->float32 ? "binary32" : "binary64"),
            mmn_as_text(by), mmn_as_text(rule->selection == MMN_SELECT_RANDOM ? NULL : by),
            mmn_as_whole(rule->seed), mmn_as_optional(neurons->second),
            mmn_as_text(neurons->version), mmn_as_whole(neurons->samples),
            mmn_as_text(neurons->model), mmn_as_text(neurons->data), mmn_as_text(neurons->inputs),
            mmn_as_truth(neurons->unchecked), mmn_as_whole(neurons->nonfinite),
            mmn_as_text(neurons->digest));
    for (size_t d = 0; d < neurons->domain_count; d++)
        MMN_ADD(*made, "domains", mmn_as_text(neurons->domains[d]));
    for (size_t m = 0; m < neurons->module_count; m++)
        add_module(*made, neurons, &neurons->modules[m]);
    return mmn_result_end(made, error);
}
