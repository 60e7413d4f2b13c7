/* Perturbations as JSON. doc/formats.md describes it. */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/given.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "neurons/perturbation.h"
#include "report/allowances.h"
#include "report/run_json.h"

static void add_settings(mmn_text *text, const mmn_perturbation *perturbation)
{
    mmn_text_add(text, "  \"settings\": {\"list\": ");
    mmn_text_add_json(text, perturbation->list);
    mmn_text_add(text,
                 ", \"samples\": %" PRIu64 ", \"seeds\": %" PRIu64 ", \"first_seed\": %" PRIu64,
                 perturbation->samples, perturbation->seeds, perturbation->first_seed);
    mmn_allowances_json(text, &perturbation->allowed);
    mmn_text_add(text, "},\n  \"domains\": [");
    for (size_t d = 0; d < perturbation->run.domains->domain_count; d++) {
        mmn_text_add(text, "%s", d > 0 ? ", " : "");
        mmn_text_add_json(text, perturbation->run.domains->domains[d].name);
    }
    mmn_text_add(text, "],\n");
}

/* The means of one measure over the layers' outputs, and after the final norm. */
static void add_measure(mmn_text *text, const mmn_perturbation *perturbation,
                        const mmn_perturb_curve *curve, int kind, bool cosine)
{
    mmn_text_add(text, "\"%s\": [", cosine ? "cosine" : "relative");
    for (size_t state = 0; state <= perturbation->layers; state++) {
        mmn_distance mean = mmn_perturb_mean(perturbation, curve, state, kind);

        if (state == perturbation->layers)
            mmn_text_add(text, "], \"last_%s\": ", cosine ? "cosine" : "relative");
        else
            mmn_text_add(text, "%s", state > 0 ? ", " : "");
        mmn_text_add_real(text, cosine ? mean.cosine : mean.relative);
    }
}

static void add_positions(mmn_text *text, const mmn_perturbation *perturbation,
                          const mmn_perturb_curve *curve, int kind)
{
    const uint64_t *positions = perturbation->positions[curve->domain];

    mmn_text_add(text, "\"positions\": %" PRIu64 ", ",
                 kind == 2 ? positions[0] + positions[1] : positions[kind]);
    add_measure(text, perturbation, curve, kind, false);
    mmn_text_add(text, ", ");
    add_measure(text, perturbation, curve, kind, true);
}

static void add_curve(mmn_text *text, const mmn_perturbation *perturbation,
                      const mmn_perturb_curve *curve)
{
    const mmn_counted_domain *domain = &perturbation->run.domains->domains[curve->domain];

    mmn_text_add(text, "    {\"setting\": ");
    mmn_text_add_json(text, perturbation->settings.names[curve->setting]);
    mmn_text_add(text, ", \"off\": \"%s\", \"neurons_of\": ", curve->random ? "random" : "domain");
    mmn_text_add_json(text, domain->name);
    mmn_text_add(text, ", \"seed\": ");
    if (curve->random)
        mmn_text_add(text, "%" PRIu64, curve->seed);
    else
        mmn_text_add(text, "null");
    mmn_text_add(text, ", \"neurons\": %" PRIu64 ", \"domain\": ", curve->neurons);
    mmn_text_add_json(text, domain->name);
    mmn_text_add(text, ", \"samples\": %" PRIu64 ",\n     ", domain->samples);
    add_positions(text, perturbation, curve, 2);
    mmn_text_add(text, ",\n     \"image\": {");
    add_positions(text, perturbation, curve, 1);
    mmn_text_add(text, "},\n     \"text\": {");
    add_positions(text, perturbation, curve, 0);
    mmn_text_add(text, "}}");
}

mmn_status mmn_perturbation_json(const mmn_perturbation *perturbation, char **json,
                                 mmn_error *error)
{
    if (json)
        *json = NULL;
    if (MMN_MISSING(error, perturbation, json))
        return MMN_USAGE;
    mmn_text text = {0};

    mmn_text_add(&text, "{\n  \"format\": \"mmneuron-perturb-1\",\n  \"version\": ");
    mmn_text_add_json(&text, perturbation->version);
    mmn_text_add(&text, ",\n  \"model\": \"%s\",\n  \"neurons\": \"%s\",\n", perturbation->model,
                 perturbation->neurons);
    mmn_run_json_nonfinite(&text, perturbation->nonfinite);
    add_settings(&text, perturbation);
    mmn_text_add(&text, "  \"layers\": %zu,\n  \"curves\": [\n", perturbation->layers);
    for (size_t i = 0; i < perturbation->curve_count; i++) {
        add_curve(&text, perturbation, &perturbation->curves[i]);
        mmn_text_add(&text, "%s\n", i + 1 < perturbation->curve_count ? "," : "");
    }
    mmn_text_add(&text, "  ]\n}\n");
    return mmn_text_finish(&text, json, error);
}

mmn_status mmn_perturbation_write(const mmn_perturbation *perturbation, const char *file,
                                  mmn_error *error)
{
    if (MMN_MISSING(error, perturbation, file))
        return MMN_USAGE;
    char *json = NULL;
    mmn_status status = mmn_perturbation_json(perturbation, &json, error);

    if (status == MMN_OK)
        status = mmn_write_file(file, json, strlen(json), error);
    mmn_free(json);
    return status;
}
