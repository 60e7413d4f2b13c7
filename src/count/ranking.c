/* A ranking: the domain neurons of every module of a model, made from a counts file. */
#include "count/ranking.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "base/names.h"
#include "base/utf8.h"

static mmn_status make_rule(mmn_rank_rule *rule, const mmn_rank_options *options,
                            mmn_error *error)
{
    const mmn_rank_options none = {0};
    if (!options)
        options = &none;
    rule->rate = options->rate != 0 ? options->rate : 0.01;
    rule->bar = options->bar != 0 ? options->bar : 0.95;
    rule->assignment_bar = options->assignment_bar != 0 ? options->assignment_bar : rule->bar;
    rule->float32 = options->float32 != 0;
    if (rule->rate > 0 && rule->rate <= 1 && rule->bar > 0 && rule->bar <= 1 &&
        rule->assignment_bar > 0 && rule->assignment_bar <= 1)
        return MMN_OK;
    return mmn_fail(error, MMN_USAGE, NULL, NULL,
                    "rate and bars of a ranking must be above 0 and at most 1");
}

/* Every name of the comma-separated `names` must have been counted. */
static mmn_status check_names(const mmn_counts *counts, const char *names, const char *file,
                              mmn_error *error)
{
    mmn_item name;
    while (mmn_next_item(&name, &names, ',')) {
        bool known = name.length == 0;
        for (size_t i = 0; i < counts->module_count; i++)
            known = known || mmn_item_is(&name, counts->modules[i].name);
        if (!known)
            return mmn_fail(error, MMN_USAGE, file, NULL, "module \"%.*s\" was not counted",
                            MMN_ITEM(name));
    }
    return MMN_OK;
}

/* Ranks one module, unless no domain has positions of it and it was not asked for by name. */
static mmn_status rank_module(mmn_ranking *ranking, const mmn_counts *counts, size_t index,
                              bool asked_for, const char *file, mmn_error *error)
{
    const mmn_counted_module *module = &counts->modules[index];
    size_t domains = counts->domain_count, empty = 0, first_empty = 0;
    for (size_t d = domains; d-- > 0;)
        if (counts->domains[d].cells[index].fields[MMN_FIELD_TOKENS][0] == 0) {
            first_empty = d;
            empty++;
        }
    if (empty == domains && !asked_for)
        return MMN_OK;
    if (empty > 0)
        return mmn_fail(error, MMN_INPUT, file, module->name,
                        "domain \"%s\" has no positions in this module, so that its neurons "
                        "cannot be compared", counts->domains[first_empty].name);

    const int64_t **active = mmn_allocate(domains, sizeof(*active), error);
    int64_t *tokens = mmn_allocate(domains, sizeof(*tokens), error);
    mmn_status status = active && tokens ? MMN_OK : MMN_SYSTEM;
    if (status == MMN_OK) {
        for (size_t d = 0; d < domains; d++) {
            active[d] = counts->domains[d].cells[index].fields[MMN_FIELD_COUNT];
            tokens[d] = counts->domains[d].cells[index].fields[MMN_FIELD_TOKENS][0];
        }
        const mmn_rank_task task = {.neurons = mmn_field_size(module, MMN_FIELD_COUNT),
                                    .domains = domains,
                                    .active = active,
                                    .tokens = tokens};
        mmn_module_ranking *ranked = &ranking->modules[ranking->module_count++];
        ranked->module = *module;
        status = mmn_rank_neurons(&ranked->result, &task, &ranking->rule, mmn_kernels_reference(),
                                  error);
    }
    mmn_free(active);
    mmn_free(tokens);
    return status;
}

static mmn_status copy_source(mmn_ranking *ranking, const mmn_counts *counts, mmn_error *error)
{
    memcpy(ranking->version, counts->version, sizeof(ranking->version));
    memcpy(ranking->model, counts->model, sizeof(ranking->model));
    memcpy(ranking->data, counts->data, sizeof(ranking->data));
    mmn_hexadecimal_write(ranking->inputs, counts->inputs, sizeof(counts->inputs));
    ranking->samples = mmn_counts_samples(counts);
    ranking->nonfinite = counts->nonfinite;
    ranking->unchecked = counts->unchecked;
    ranking->domains = mmn_allocate(counts->domain_count, sizeof(*ranking->domains), error);
    if (!ranking->domains)
        return MMN_SYSTEM;
    for (; ranking->domain_count < counts->domain_count; ranking->domain_count++) {
        const char *name = counts->domains[ranking->domain_count].name;
        ranking->domains[ranking->domain_count] = mmn_copy_text(name, error);
        if (!ranking->domains[ranking->domain_count])
            return MMN_SYSTEM;
    }
    return MMN_OK;
}

/* How many selected neurons belong to the domain. */
static size_t domain_size(const mmn_module_ranking *module, size_t domain)
{
    size_t size = 0;
    for (size_t rank = 0; rank < module->result.selected; rank++)
        size += mmn_rank_belongs(&module->result, rank, domain);
    return size;
}

/* doc/formats.md states the layout. */
static mmn_status make_digest(mmn_ranking *ranking, mmn_error *error)
{
    mmn_digest *digest = NULL;
    mmn_status status = mmn_digest_begin(&digest, error);
    if (status != MMN_OK)
        return status;
    mmn_digest_add_text(digest, "mmneuron-neurons-1");
    mmn_digest_add_u64(digest, ranking->module_count);
    for (size_t m = 0; m < ranking->module_count; m++) {
        const mmn_module_ranking *module = &ranking->modules[m];
        const mmn_rank_result *result = &module->result;
        mmn_digest_add_text(digest, module->module.name);
        mmn_digest_add_u64(digest, module->module.layers);
        mmn_digest_add_u64(digest, module->module.neurons);
        mmn_digest_add_u64(digest, ranking->domain_count);
        for (size_t d = 0; d < ranking->domain_count; d++) {
            mmn_digest_add_text(digest, ranking->domains[d]);
            mmn_digest_add_u64(digest, domain_size(module, d));
            for (size_t i = 0; i < result->selected; i++) {
                size_t rank = result->by_number[i];
                if (!mmn_rank_belongs(result, rank, d))
                    continue;
                mmn_digest_add_u64(digest, result->ranked[rank] / module->module.neurons);
                mmn_digest_add_u64(digest, result->ranked[rank] % module->module.neurons);
            }
        }
    }
    mmn_digest_finish(digest, ranking->digest);
    mmn_digest_free(digest);
    return MMN_OK;
}

static mmn_status rank_counts(mmn_ranking *ranking, const mmn_counts *counts, const char *file,
                              const mmn_rank_options *options, mmn_error *error)
{
    const char *modules = options ? options->modules : NULL;
    if (counts->nonfinite > 0 && !(options && options->allow_nonfinite))
        return mmn_fail(error, MMN_INPUT, file, "nonfinite",
                        "in %" PRIu64 " of the %" PRIu64 " samples counted, numbers were infinite or "
                        "NaN, so that its neurons cannot be compared; --allow-nonfinite ranks them all "
                        "the same",
                        counts->nonfinite, mmn_counts_samples(counts));
    if (counts->unfinished)
        return mmn_fail(error, MMN_INPUT, file, NULL,
                        "this is the state of an unfinished run; let that run finish first");
    if (counts->shards > 1)
        return mmn_fail(error, MMN_INPUT, file, "shard",
                        "these are the counts of one of %" PRIu32 " shards; merge them first",
                        counts->shards);
    mmn_status status = modules ? check_names(counts, modules, file, error) : MMN_OK;
    if (status == MMN_OK)
        status = copy_source(ranking, counts, error);
    for (size_t i = 0; i < counts->module_count && status == MMN_OK; i++)
        if (mmn_glob_match(modules, counts->modules[i].name))
            status = rank_module(ranking, counts, i, modules != NULL, file, error);
    if (status == MMN_OK && ranking->module_count == 0)
        status = mmn_fail(error, MMN_INPUT, file, NULL,
                          "there is nothing to rank: no positions were counted in any module");
    return status == MMN_OK ? make_digest(ranking, error) : status;
}

mmn_status mmn_ranking_make(mmn_ranking **made, const char *counts_file,
                            const mmn_rank_options *options, mmn_error *error)
{
    *made = NULL;
    mmn_counts *counts = NULL;
    mmn_ranking *ranking = mmn_allocate(1, sizeof(*ranking), error);
    if (!ranking)
        return MMN_SYSTEM;
    mmn_status status = make_rule(&ranking->rule, options, error);
    if (status == MMN_OK)
        status = mmn_counts_read(&counts, counts_file, error);
    if (status == MMN_OK)
        status = rank_counts(ranking, counts, counts_file, options, error);
    mmn_counts_free(counts);
    if (status == MMN_OK)
        *made = ranking;
    else
        mmn_ranking_free(ranking);
    return status;
}

void mmn_ranking_free(mmn_ranking *ranking)
{
    if (!ranking)
        return;
    for (size_t i = 0; i < ranking->domain_count; i++)
        mmn_free(ranking->domains[i]);
    mmn_free(ranking->domains);
    for (size_t i = 0; i < ranking->module_count; i++)
        mmn_rank_result_free(&ranking->modules[i].result);
    mmn_free(ranking);
}
