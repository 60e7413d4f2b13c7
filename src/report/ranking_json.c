/* Rankings as neurons.json. doc/formats.md describes it.
 *
 * The text is composed here and not by Jansson, whose form of real numbers depends on its version:
 * the file's bytes must not. */
#include <inttypes.h>
#include <string.h>

#include "base/given.h"
#include "base/text_buffer.h"
#include "neurons/ranking.h"

static void add_settings(mmn_text *text, const mmn_ranking *ranking)
{
    mmn_text_add(text, "  \"settings\": {\"rate\": ");
    mmn_text_add_real(text, ranking->rule.rate);
    mmn_text_add(text, ", \"bar\": ");
    mmn_text_add_real(text, ranking->rule.bar);
    mmn_text_add(text, ", \"assignment_bar\": ");
    mmn_text_add_real(text, ranking->rule.assignment_bar);
    mmn_text_add(text, ", \"arithmetic\": \"%s\"},\n",
                 ranking->rule.float32 ? "binary32" : "binary64");
}

static void add_source(mmn_text *text, const mmn_ranking *ranking)
{
    mmn_text_add(text, "  \"counts\": {\"version\": ");
    mmn_text_add_json(text, ranking->version);
    mmn_text_add(text, ", \"samples\": %" PRIu64 ",\n    \"model\": \"%s\",\n    \"data\": \"%s\","
                 "\n    \"inputs\": \"%s\"", ranking->samples, ranking->model, ranking->data,
                 ranking->inputs);
    if (ranking->unchecked)
        mmn_text_add(text, ",\n    \"unchecked\": true");
    if (ranking->nonfinite > 0)
        mmn_text_add(text, ",\n    \"nonfinite\": %" PRIu64, ranking->nonfinite);
    mmn_text_add(text, "},\n");
}

static void add_domain(mmn_text *text, const mmn_module_ranking *module, size_t domain)
{
    /* Pairs on one line. */
    enum { PAIRS = 8 };
    const mmn_rank_result *result = &module->result;
    size_t written = 0;
    mmn_text_add(text, "[");
    for (size_t i = 0; i < result->selected; i++) {
        size_t rank = result->by_number[i];
        if (!mmn_rank_belongs(result, rank, domain))
            continue;
        const char *separator = written == 0 ? "" : written % PAIRS == 0 ? ",\n        " : ", ";
        mmn_text_add(text, "%s[%zu, %zu]", separator,
                     result->ranked[rank] / module->module.neurons,
                     result->ranked[rank] % module->module.neurons);
        written++;
    }
    mmn_text_add(text, "]");
}

static void add_module(mmn_text *text, const mmn_ranking *ranking,
                       const mmn_module_ranking *module)
{
    const mmn_rank_result *result = &module->result;
    mmn_text_add(text, "    \"%s\": {\"layers\": %" PRIu32 ", \"neurons\": %" PRIu32
                 ",\n      \"bar\": ", module->module.name, module->module.layers,
                 module->module.neurons);
    mmn_text_add_real(text, result->bar);
    mmn_text_add(text, ", \"assignment_bar\": ");
    mmn_text_add_real(text, result->assignment_bar);
    mmn_text_add(text, ",\n      \"above_bar\": %zu, \"selected\": %zu, \"tied_at_cut\": %zu,\n"
                 "      \"inert\": [", result->passed, result->selected, result->tied_at_cut);
    for (uint32_t layer = module->module.first_inert_layer; layer < module->module.layers; layer++)
        mmn_text_add(text, "%s%" PRIu32, layer > module->module.first_inert_layer ? ", " : "",
                     layer);
    mmn_text_add(text, "],\n");
    if (result->selected < result->wanted)
        mmn_text_add(text, "      \"warning\": \"only %zu of the %zu neurons wanted are above the "
                     "bar\",\n", result->selected, result->wanted);
    mmn_text_add(text, "      \"domains\": {");
    for (size_t d = 0; d < ranking->domain_count; d++) {
        mmn_text_add(text, "%s\n      ", d > 0 ? "," : "");
        mmn_text_add_json(text, ranking->domains[d]);
        mmn_text_add(text, ": ");
        add_domain(text, module, d);
    }
    mmn_text_add(text, "}}");
}

mmn_status mmn_ranking_json(const mmn_ranking *ranking, char **json, mmn_error *error)
{
    if (json)
        *json = NULL;
    if (MMN_MISSING(error, ranking, json))
        return MMN_USAGE;
    mmn_text text = {0};
    mmn_text_add(&text, "{\n  \"format\": \"mmneuron-neurons-1\",\n");
    add_settings(&text, ranking);
    add_source(&text, ranking);
    mmn_text_add(&text, "  \"modules\": {\n");
    for (size_t m = 0; m < ranking->module_count; m++) {
        add_module(&text, ranking, &ranking->modules[m]);
        mmn_text_add(&text, "%s\n", m + 1 < ranking->module_count ? "," : "");
    }
    mmn_text_add(&text, "  },\n  \"digest\": \"%s\"\n}\n", ranking->digest);
    return mmn_text_finish(&text, json, error);
}
