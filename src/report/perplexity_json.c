/* Perplexities as perplexity.json. doc/formats.md describes it. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/given.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "neurons/perplexity.h"
#include "report/allowances.h"
#include "report/run_json.h"

static void add_settings(mmn_text *text, const mmn_perplexity *perplexity)
{
    mmn_text_add(text, "  \"settings\": {\"list\": ");
    mmn_text_add_json(text, perplexity->list);
    mmn_text_add(text, ", \"samples\": %" PRIu64 ", \"window\": %zu, \"begin_of_text\": %s, "
                 "\"setting\": ", perplexity->samples, perplexity->plan.windows.length,
                 perplexity->plan.windows.begin_of_text ? "true" : "false");
    mmn_text_add_json(text, perplexity->setting);
    mmn_text_add(text, ", \"seeds\": %" PRIu32 ", \"first_seed\": %" PRIu64,
                 perplexity->seeds, perplexity->first_seed);
    mmn_allowances_json(text, &perplexity->allowed);
    mmn_text_add(text, "},\n");
}

static const char *name_of(const mmn_perplexity *perplexity, size_t domain)
{
    return perplexity->domains->domains[domain].name;
}

static void add_domains(mmn_text *text, const mmn_perplexity *perplexity)
{
    mmn_text_add(text, "[");
    for (size_t d = 0; d < perplexity->domains->domain_count; d++) {
        mmn_text_add(text, "%s", d > 0 ? ", " : "");
        mmn_text_add_json(text, name_of(perplexity, d));
    }
    mmn_text_add(text, "]");
}

/* A perplexity may be too large for a number. */
static void add_real(mmn_text *text, double value)
{
    if (isfinite(value))
        mmn_text_add_real(text, value);
    else
        mmn_text_add(text, "null");
}

static void add_number(mmn_text *text, const char *key, double value)
{
    mmn_text_add(text, ", \"%s\": ", key);
    add_real(text, value);
}

static void add_run(mmn_text *text, const mmn_perplexity *perplexity,
                    const mmn_perplexity_run *run)
{
    double nats = mmn_perplexity_nats(perplexity, run);
    mmn_text_add(text, "    {");
    mmn_run_json_off(text, run->off, name_of(perplexity, run->neurons_of), run->seed,
                     perplexity->model, run->mask);
    mmn_text_add(text, ", \"domain\": ");
    mmn_text_add_json(text, name_of(perplexity, run->domain));
    mmn_text_add(text, ", \"tokens\": %" PRIu64, perplexity->tokens[run->domain]);
    add_number(text, "nats", nats);
    add_number(text, "perplexity", mmn_perplexity_of(nats));
    mmn_text_add(text, "}");
}

/* Perplexities of a summary, or what they are divided by that with nothing off. */
static void add_values(mmn_text *text, const mmn_eval_summary *summary, double shift)
{
    mmn_text_add(text, "{\"plain\": ");
    add_real(text, mmn_perplexity_of(summary->plain - shift));
    add_number(text, "domain_off", mmn_perplexity_of(summary->domain_off - shift));
    if (summary->seeds > 0)
        add_number(text, "random_mean", mmn_perplexity_of(summary->random_mean - shift));
    else
        mmn_text_add(text, ", \"random_mean\": null");
    mmn_text_add(text, ", \"random_interval\": ");
    if (summary->seeds > 1) {
        mmn_text_add(text, "[");
        add_real(text, mmn_perplexity_of(summary->random_low - shift));
        mmn_text_add(text, ", ");
        add_real(text, mmn_perplexity_of(summary->random_high - shift));
        mmn_text_add(text, "]");
    } else {
        mmn_text_add(text, "null");
    }
    mmn_text_add(text, "}");
}

static void add_summary(mmn_text *text, const mmn_perplexity *perplexity, size_t domain)
{
    mmn_eval_summary summary = mmn_perplexity_summarise(perplexity, domain);
    mmn_text_add(text, "    {\"domain\": ");
    mmn_text_add_json(text, name_of(perplexity, domain));
    mmn_text_add(text, ", \"tokens\": %" PRIu64 ", \"random_seeds\": %zu,\n      \"perplexity\": ",
                 perplexity->tokens[domain], summary.seeds);
    add_values(text, &summary, 0);
    mmn_text_add(text, ",\n      \"ratio\": ");
    add_values(text, &summary, summary.plain);
    mmn_text_add(text, "}");
}

/* Rows: whose neurons are off; columns: whose text is read. With `ratio`, divided by what it is with
 * nothing off. */
static void add_matrix(mmn_text *text, const mmn_perplexity *perplexity, bool ratio)
{
    size_t domains = perplexity->domains->domain_count;
    mmn_text_add(text, "[");
    for (size_t of = 0; of < domains; of++) {
        mmn_text_add(text, "%s\n      [", of > 0 ? "," : "");
        for (size_t d = 0; d < domains; d++) {
            double nats = mmn_perplexity_nats(
                perplexity, mmn_perplexity_find(perplexity, MMN_OFF_DOMAIN, of, d));
            double plain = mmn_perplexity_nats(
                perplexity, mmn_perplexity_find(perplexity, MMN_OFF_NOTHING, 0, d));
            mmn_text_add(text, "%s", d > 0 ? ", " : "");
            add_real(text, mmn_perplexity_of(ratio ? nats - plain : nats));
        }
        mmn_text_add(text, "]");
    }
    mmn_text_add(text, "]");
}

mmn_status mmn_perplexity_json(const mmn_perplexity *perplexity, char **json, mmn_error *error)
{
    if (json)
        *json = NULL;
    if (MMN_MISSING(error, perplexity, json))
        return MMN_USAGE;
    mmn_text text = {0};
    mmn_text_add(&text, "{\n  \"format\": \"mmneuron-perplexity-1\",\n  \"version\": \"%s\",\n",
                 mmn_version());
    mmn_run_json_digest(&text, "model", perplexity->model_digest);
    mmn_run_json_digest(&text, "neurons", perplexity->neurons_digest);
    mmn_run_json_digest(&text, "data", perplexity->data);
    mmn_run_json_nonfinite(&text, perplexity->nonfinite);
    add_settings(&text, perplexity);
    mmn_text_add(&text, "  \"domains\": ");
    add_domains(&text, perplexity);
    mmn_text_add(&text, ",\n  \"runs\": [\n");
    for (size_t i = 0; i < perplexity->run_count; i++) {
        mmn_text_add(&text, "%s", i > 0 ? ",\n" : "");
        add_run(&text, perplexity, &perplexity->runs[i]);
    }
    mmn_text_add(&text, "],\n  \"summary\": [");
    for (size_t d = 0; d < perplexity->domains->domain_count && perplexity->mask_count > 0; d++) {
        mmn_text_add(&text, "%s\n", d > 0 ? "," : "");
        add_summary(&text, perplexity, d);
    }
    mmn_text_add(&text, "],\n  \"cross\": ");
    if (perplexity->mask_count > 0) {
        mmn_text_add(&text, "{\"domains\": ");
        add_domains(&text, perplexity);
        mmn_text_add(&text, ", \"perplexity\": ");
        add_matrix(&text, perplexity, false);
        mmn_text_add(&text, ",\n    \"ratio\": ");
        add_matrix(&text, perplexity, true);
        mmn_text_add(&text, "}\n}\n");
    } else {
        mmn_text_add(&text, "null\n}\n");
    }
    return mmn_text_finish(&text, json, error);
}

mmn_status mmn_perplexity_write(const mmn_perplexity *perplexity, const char *file,
                                mmn_error *error)
{
    if (MMN_MISSING(error, perplexity, file))
        return MMN_USAGE;
    char *json;
    mmn_status status = mmn_perplexity_json(perplexity, &json, error);
    if (status == MMN_OK)
        status = mmn_write_file(file, json, strlen(json), error);
    mmn_free(json);
    return status;
}
