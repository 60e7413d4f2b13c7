/* Rankings: the domain neurons of every module of a model, made from counts. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/utf8.h"
#include "count/neurons.h"
#include "count/parameter_change.h"
#include "result/result.h"

/* ---- Ranking --------------------------------------------------------------------------------- */

static mmn_status make_rule(mmn_rank_rule *rule, const mmn_rank_options *options, mmn_error *error)
{
    rule->rate = options->rate != 0 ? options->rate : 0.01;
    rule->bar = options->bar != 0 ? options->bar : 0.95;
    rule->assignment_bar = options->assignment_bar != 0 ? options->assignment_bar : rule->bar;
    rule->float32 = options->float32 != 0;
    rule->seed = options->seed;
    if (options->by)
        rule->selection = (mmn_selection)MMN_NAME_INDEX(options->by, mmn_selection_names);
    if (rule->selection == MMN_SELECTIONS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "neurons are not selected by \"%.100s\", but by entropy, probability, "
                        "value-entropy, parameter-change or random",
                        options->by);
    if (rule->float32 && rule->selection != MMN_SELECT_ENTROPY)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "the published code's float32 arithmetic is that of a ranking by entropy");
    if (rule->selection == MMN_SELECT_PARAMETER_CHANGE && !(options->model && options->second))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "a selection by parameter change needs two models, the one that was "
                        "counted and a second");
    if (rule->rate > 0 && rule->rate <= 1 && rule->bar > 0 && rule->bar <= 1 &&
        rule->assignment_bar > 0 && rule->assignment_bar <= 1)
        return MMN_OK;
    return mmn_fail(error, MMN_USAGE, NULL, NULL,
                    "rate and bars of a ranking must be above 0 and at most 1");
}

/* Every name of the comma-separated `names` must have been counted. */
static mmn_status check_names(const mmn_counts *counts, const char *names, mmn_error *error)
{
    mmn_item name;
    while (mmn_next_item(&name, &names, ',')) {
        bool known = name.length == 0;
        for (size_t i = 0; i < counts->module_count; i++)
            known = known || mmn_item_is(&name, counts->modules[i].name);
        if (!known)
            return mmn_fail(error, MMN_USAGE, counts->file, NULL, "module \"%.*s\" was not counted",
                            MMN_ITEM(name));
    }
    return MMN_OK;
}

/* How many domains have no positions of module `index`; *first is the first of them. */
static size_t count_empty(size_t *first, const mmn_counts *counts, size_t index)
{
    size_t empty = 0;
    for (size_t d = counts->domain_count; d-- > 0;)
        if (counts->domains[d].cells[index].fields[MMN_FIELD_TOKENS][0] == 0) {
            *first = d;
            empty++;
        }
    return empty;
}

/* The lists of the domains that the module's ranked neurons belong to. */
static mmn_status list_neurons(mmn_listed_module *module, size_t domain_count, mmn_error *error)
{
    const mmn_rank_result *result = &module->result;
    if (!(module->lists = mmn_allocate(domain_count, sizeof(*module->lists), error)))
        return MMN_SYSTEM;
    for (size_t d = 0; d < domain_count; d++) {
        mmn_neuron_list *list = &module->lists[d];
        size_t size = 0;
        for (size_t rank = 0; rank < result->selected; rank++)
            size += mmn_rank_belongs(result, rank, d);
        if (!(list->numbers = mmn_allocate(size, sizeof(*list->numbers), error)))
            return MMN_SYSTEM;
        for (size_t i = 0; i < result->selected; i++)
            if (mmn_rank_belongs(result, result->by_number[i], d))
                list->numbers[list->count++] = result->ranked[result->by_number[i]];
    }
    return MMN_OK;
}

/* What a ranking works with beside its counts. */
typedef struct sources {
    const int64_t **active, **magnitude; /* [domains] */
    int64_t *tokens;                     /* [domains] */
    const mmn_model *model, *second;
} sources;

/* Ranks what `task` names, by change where the rule asks for that. */
static mmn_status rank_task(mmn_listed_module *module, mmn_rank_task task,
                            const mmn_rank_rule *rule, const sources *from, mmn_error *error)
{
    double *change = NULL;
    mmn_status status = MMN_OK;
    if (rule->selection == MMN_SELECT_PARAMETER_CHANGE) {
        MMN_NEED(change = mmn_allocate(task.neurons, sizeof(*change), error));
        status = mmn_parameter_changes(change, from->model, from->second, module->name, error);
        task.change = change;
    }
    if (status == MMN_OK)
        status = mmn_rank_neurons(&module->result, &task, rule, mmn_kernels_reference(), error);
    mmn_free(change);
    return status;
}

static mmn_status rank_module(mmn_neurons *neurons, const mmn_counts *counts, size_t index,
                              const sources *from, mmn_error *error)
{
    const mmn_counted_module *counted = &counts->modules[index];
    mmn_listed_module *module = &neurons->modules[neurons->module_count++];
    const mmn_rank_task task = {.neurons = mmn_field_size(counted, MMN_FIELD_COUNT),
                                .domains = counts->domain_count,
                                .active = from->active,
                                .tokens = from->tokens,
                                .magnitude = from->magnitude,
                                .width = counted->neurons,
                                .module = (uint32_t)index};
    for (size_t d = 0; d < counts->domain_count; d++) {
        int64_t *const *fields = counts->domains[d].cells[index].fields;
        from->active[d] = fields[MMN_FIELD_COUNT];
        from->magnitude[d] = fields[MMN_FIELD_MAGNITUDE];
        from->tokens[d] = fields[MMN_FIELD_TOKENS][0];
    }
    memcpy(module->name, counted->name, sizeof(module->name));
    module->layers = counted->layers;
    module->neurons = counted->neurons;
    module->inert = counted->layers - counted->first_inert_layer;
    MMN_TRY(rank_task(module, task, &neurons->rule, from, error));
    module->selected = (uint32_t)module->result.selected;
    return list_neurons(module, counts->domain_count, error);
}

/* Whether there is what a selection by value needs. */
static mmn_status check_magnitudes(const mmn_counts *counts, size_t index, mmn_selection selection,
                                   mmn_error *error)
{
    if (selection != MMN_SELECT_VALUE_ENTROPY || counts->modules[index].magnitudes)
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, counts->file, counts->modules[index].name,
                    "sums of absolute values, which a selection by value entropy needs, were not "
                    "counted; \"mmneuron count --magnitudes\" counts them");
}

/* Whether the models that a selection by parameter change needs are that of the counts and one of
 * its shape; takes the digest of the second. */
static mmn_status check_models(mmn_neurons *neurons, const mmn_counts *counts,
                               const mmn_rank_options *options, mmn_error *error)
{
    const mmn_model *model = options->model, *second = options->second;
    char digest[MMN_DIGEST_SIZE];
    size_t same = 0;
    if (neurons->selection != MMN_SELECT_PARAMETER_CHANGE)
        return MMN_OK;
    MMN_TRY(mmn_model_digest(model, digest, error));
    if (strcmp(digest, counts->model) != 0)
        return mmn_fail(error, MMN_INPUT, model->folder, NULL,
                        "is not the model that was counted: its digest is %s, and that of the "
                        "counts %s",
                        digest, counts->model);
    while (same < model->info.module_count && same < second->info.module_count &&
           strcmp(model->modules[same].name, second->modules[same].name) == 0 &&
           model->modules[same].layers == second->modules[same].layers &&
           model->modules[same].neurons == second->modules[same].neurons)
        same++;
    if (same != model->info.module_count || same != second->info.module_count)
        return mmn_fail(error, MMN_INPUT, second->folder, NULL,
                        "has other modules, layers or neurons than %s, so that neurons cannot be "
                        "compared one by one",
                        model->folder);
    return mmn_model_digest(second, neurons->second, error);
}

/* Ranks the modules that are asked for, or (NULL) all but those that no domain has positions of. */
static mmn_status rank_modules(mmn_neurons *neurons, const mmn_counts *counts, const char *modules,
                               const sources *from, mmn_error *error)
{
    for (size_t i = 0; i < counts->module_count; i++) {
        size_t first = 0;
        if (!mmn_glob_match(modules, counts->modules[i].name))
            continue;
        const size_t empty = count_empty(&first, counts, i);
        if (empty == counts->domain_count && !modules)
            continue;
        if (empty > 0)
            return mmn_fail(error, MMN_INPUT, counts->file, counts->modules[i].name,
                            "domain \"%s\" has no positions in this module, so that its neurons "
                            "cannot be compared",
                            counts->domains[first].name);
        MMN_TRY(check_magnitudes(counts, i, neurons->selection, error));
        MMN_TRY(rank_module(neurons, counts, i, from, error));
    }
    if (neurons->module_count == 0)
        return mmn_fail(error, MMN_INPUT, counts->file, NULL,
                        "there is nothing to rank: no positions were counted in any module");
    return MMN_OK;
}

static mmn_status copy_source(mmn_neurons *neurons, const mmn_counts *counts, mmn_error *error)
{
    memcpy(neurons->version, counts->version, sizeof(neurons->version));
    memcpy(neurons->model, counts->model, sizeof(neurons->model));
    memcpy(neurons->data, counts->data, sizeof(neurons->data));
    mmn_hexadecimal_write(neurons->inputs, counts->inputs, sizeof(counts->inputs));
    neurons->samples = mmn_counts_samples(counts);
    neurons->nonfinite = counts->nonfinite;
    neurons->unchecked = counts->unchecked;
    if (counts->file && !(neurons->file = mmn_copy_text(counts->file, error)))
        return MMN_SYSTEM;
    neurons->domains = mmn_allocate(counts->domain_count, sizeof(*neurons->domains), error);
    MMN_NEED(neurons->domains);
    for (; neurons->domain_count < counts->domain_count; neurons->domain_count++) {
        const char *name = counts->domains[neurons->domain_count].name;
        MMN_NEED(neurons->domains[neurons->domain_count] = mmn_copy_text(name, error));
    }
    return MMN_OK;
}

/* Whether these are the counts of a whole run. */
static mmn_status check_counts(const mmn_counts *counts, bool allow_nonfinite, mmn_error *error)
{
    if (counts->nonfinite > 0 && !allow_nonfinite)
        return mmn_fail(
            error, MMN_INPUT, counts->file, "nonfinite",
            "in %" PRIu64 " of the %" PRIu64 " samples counted, numbers were infinite or "
            "NaN, so that its neurons cannot be compared; --allow-nonfinite ranks them all "
            "the same",
            counts->nonfinite, mmn_counts_samples(counts));
    if (counts->unfinished)
        return mmn_fail(error, MMN_INPUT, counts->file, NULL,
                        "this is the state of an unfinished run; let that run finish first");
    if (counts->shards > 1)
        return mmn_fail(error, MMN_INPUT, counts->file, "shard",
                        "these are the counts of one of %" PRIu32 " shards; merge them first",
                        counts->shards);
    return MMN_OK;
}

static mmn_status rank_counts(mmn_neurons *neurons, const mmn_counts *counts,
                              const mmn_rank_options *options, mmn_error *error)
{
    const char *modules = options->modules;
    MMN_TRY(make_rule(&neurons->rule, options, error));
    neurons->selection = neurons->rule.selection;
    MMN_TRY(check_counts(counts, options->allow_nonfinite, error));
    MMN_TRY(check_names(counts, modules, error));
    MMN_TRY(copy_source(neurons, counts, error));
    MMN_TRY(check_models(neurons, counts, options, error));
    const sources from = {.active = mmn_allocate(counts->domain_count, sizeof(*from.active), error),
                          .magnitude =
                              mmn_allocate(counts->domain_count, sizeof(*from.magnitude), error),
                          .tokens = mmn_allocate(counts->domain_count, sizeof(*from.tokens), error),
                          .model = options->model,
                          .second = options->second};
    mmn_status status = from.active && from.magnitude && from.tokens
                            ? rank_modules(neurons, counts, modules, &from, error)
                            : MMN_SYSTEM;
    mmn_free(from.active);
    mmn_free(from.magnitude);
    mmn_free(from.tokens);
    return status == MMN_OK ? mmn_neurons_make_digest(neurons, error) : status;
}

mmn_status mmn_neurons_rank(mmn_neurons **neurons, const mmn_counts *counts,
                            const mmn_rank_options *options, mmn_error *error)
{
    MMN_CLEAR(neurons);
    MMN_GIVEN(error, neurons, counts);
    mmn_rank_options own;
    MMN_TAKE_OPTIONS(own, options, error);
    mmn_neurons *made = mmn_allocate(1, sizeof(*made), error);
    MMN_NEED(made);
    made->ranked = true;
    const mmn_status status = rank_counts(made, counts, options, error);
    if (status == MMN_OK)
        *neurons = made;
    else
        mmn_neurons_free(made);
    return status;
}

mmn_status mmn_neurons_rank_file(mmn_neurons **neurons, const char *counts_file,
                                 const mmn_rank_options *options, mmn_error *error)
{
    mmn_counts *counts;
    mmn_rank_rule rule = {.rate = 0};
    *neurons = NULL;
    mmn_rank_options own;
    MMN_TAKE_OPTIONS(own, options, error);
    MMN_TRY(make_rule(&rule, options, error)); /* which costs no time */
    MMN_TRY(mmn_counts_read(&counts, counts_file, error));
    const mmn_status status = mmn_neurons_rank(neurons, counts, options, error);
    mmn_counts_free(counts);
    return status;
}

mmn_status mmn_rank(mmn_result **result, const char *counts_file, const mmn_rank_options *options,
                    mmn_error *error)
{
    mmn_neurons *neurons;
    MMN_CLEAR(result);
    MMN_GIVEN(error, result, counts_file);
    MMN_TRY(mmn_neurons_rank_file(&neurons, counts_file, options, error));
    const mmn_status status = mmn_neurons_result(result, neurons, error);
    mmn_neurons_free(neurons);
    return status;
}
