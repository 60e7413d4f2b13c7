/* Perturbations as a table for people. */
#include <inttypes.h>
#include <string.h>

#include "base/given.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "neurons/perturbation.h"
#include "neurons/statistics.h"
#include "report/allowances.h"
#include "report/columns.h"
#include "report/run_json.h"

/* The mean of |h' - h| / |h| over the layers' outputs, or after the final norm. */
static double moved(const mmn_perturbation *perturbation, const mmn_perturb_curve *curve, bool last)
{
    size_t layers = perturbation->layers;
    double sum = 0.0;

    if (last)
        return mmn_perturb_mean(perturbation, curve, layers, 2).relative;
    for (size_t state = 0; state < layers; state++)
        sum += mmn_perturb_mean(perturbation, curve, state, 2).relative;
    return sum / (double)layers;
}

/* A row: what the domain's own neurons do, and the interval of what random ones do. */
static void add_row(mmn_text *text, const mmn_perturbation *perturbation,
                    const mmn_perturb_curve *own, double *values, int title_width)
{
    mmn_text_add(text, "  ");
    mmn_columns_left(text, perturbation->run.domains->domains[own->domain].name, title_width);
    mmn_text_add(text, "  %8" PRIu64, own->neurons);
    for (int last = 0; last < 2; last++) {
        for (size_t i = 0; i < perturbation->seeds; i++)
            values[i] = moved(perturbation, own + 1 + i, last);
        mmn_interval random = mmn_interval_of(values, (size_t)perturbation->seeds);
        mmn_text_add(text, "  %7.4f  %7.4f +-%7.4f", moved(perturbation, own, last), random.mean,
                     random.high - random.mean);
    }
    mmn_text_add(text, "\n");
}

static void add_titles(mmn_text *text, int title_width)
{
    mmn_text_fill(text, ' ', (size_t)title_width + 12);
    mmn_text_add(text, "  %-25s  %s\n  ", "mean over the layers", "after the final norm");
    mmn_columns_left(text, "domain", title_width);
    mmn_text_add(text, "  %8s", "neurons");
    for (int i = 0; i < 2; i++)
        mmn_text_add(text, "  %7s  %16s", "own", "random, 95 %");
    mmn_text_add(text, "\n");
}

mmn_status mmn_perturbation_table(const mmn_perturbation *perturbation, char **table,
                                  mmn_error *error)
{
    if (table)
        *table = NULL;
    if (MMN_MISSING(error, perturbation, table))
        return MMN_USAGE;
    const mmn_counts *domains = perturbation->run.domains;
    size_t settings = perturbation->settings.count, each = 1 + (size_t)perturbation->seeds;
    double *values = mmn_allocate((size_t)perturbation->seeds, sizeof(*values), error);
    int title_width = (int)strlen("domain");
    mmn_text text = {0};

    if (!values)
        return MMN_SYSTEM;
    for (size_t d = 0; d < domains->domain_count; d++) {
        int width = mmn_columns_of(domains->domains[d].name);
        title_width = width > title_width ? width : title_width;
    }
    for (size_t setting = 0; setting < settings; setting++) {
        mmn_text_add(&text, "%s off: |h' - h| / |h|\n", perturbation->settings.names[setting]);
        add_titles(&text, title_width);
        for (size_t d = 0; d < domains->domain_count; d++)
            add_row(&text, perturbation, &perturbation->curves[(d * settings + setting) * each],
                    values, title_width);
        mmn_text_add(&text, "\n");
    }
    mmn_free(values);
    mmn_allowances_remarks(&text, &perturbation->allowed);
    mmn_run_table_nonfinite(&text, perturbation->nonfinite);
    return mmn_text_finish(&text, table, error);
}
