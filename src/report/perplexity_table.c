/* Perplexities as tables for people. */
#include <inttypes.h>
#include <string.h>

#include "base/given.h"
#include "base/text_buffer.h"
#include "neurons/perplexity.h"
#include "report/allowances.h"
#include "report/columns.h"
#include "report/run_json.h"

/* Wide enough for titles. */
enum { NUMBER_WIDTH = 9 };

static const char *name_of(const mmn_perplexity *perplexity, size_t domain)
{
    return perplexity->domains->domains[domain].name;
}

static int widest(const mmn_perplexity *perplexity)
{
    int width = (int)strlen("neurons of");
    for (size_t d = 0; d < perplexity->domains->domain_count; d++) {
        int columns = mmn_columns_of(name_of(perplexity, d));
        width = columns > width ? columns : width;
    }
    return width;
}

static void add_plain(mmn_text *text, const mmn_perplexity *perplexity, int width)
{
    mmn_text_add(text, "with all neurons on, windows of %zu positions\n  ", perplexity->plan.windows.length);
    mmn_columns_left(text, "domain", width);
    mmn_text_add(text, "  %*s  nats per token  perplexity\n", NUMBER_WIDTH, "tokens");
    for (size_t d = 0; d < perplexity->domains->domain_count; d++) {
        const mmn_perplexity_run *run = mmn_perplexity_find(perplexity, MMN_OFF_NOTHING, 0, d);
        double nats = mmn_perplexity_nats(perplexity, run);
        mmn_text_add(text, "  ");
        mmn_columns_left(text, name_of(perplexity, d), width);
        mmn_text_add(text, "  %*" PRIu64 "  %14.4f  %10.3f\n", NUMBER_WIDTH, perplexity->tokens[d],
                     nats, mmn_perplexity_of(nats));
    }
}

static void add_ratio(mmn_text *text, double nats)
{
    mmn_text_add(text, "  %*.4f", NUMBER_WIDTH, mmn_perplexity_of(nats));
}

static void add_summaries(mmn_text *text, const mmn_perplexity *perplexity, int width)
{
    mmn_text_add(text, "\n%s: how many times as large perplexity is with neurons off\n  ",
                 perplexity->setting);
    mmn_columns_left(text, "domain", width);
    mmn_text_add(text, "  %*s  %*s  95 %% interval\n", NUMBER_WIDTH, "domain's", NUMBER_WIDTH,
                 "random");
    for (size_t d = 0; d < perplexity->domains->domain_count; d++) {
        mmn_eval_summary summary = mmn_perplexity_summarise(perplexity, d);
        mmn_text_add(text, "  ");
        mmn_columns_left(text, name_of(perplexity, d), width);
        add_ratio(text, summary.domain_off - summary.plain);
        if (summary.seeds > 0)
            add_ratio(text, summary.random_mean - summary.plain);
        if (summary.seeds > 1)
            mmn_text_add(text, "  %.4f to %.4f", mmn_perplexity_of(summary.random_low - summary.plain),
                         mmn_perplexity_of(summary.random_high - summary.plain));
        mmn_text_add(text, "\n");
    }
}

/* Rows: whose neurons are off; columns: whose text is read. */
static void add_cross(mmn_text *text, const mmn_perplexity *perplexity, int width)
{
    mmn_text_add(text, "\n%s: the same, of a column's domain with a row's neurons off\n  ",
                 perplexity->setting);
    mmn_columns_left(text, "neurons of", width);
    for (size_t d = 0; d < perplexity->domains->domain_count; d++) {
        int columns = mmn_columns_of(name_of(perplexity, d));
        mmn_text_fill(text, ' ', columns < NUMBER_WIDTH ? 2 + (size_t)(NUMBER_WIDTH - columns) : 2);
        mmn_text_add(text, "%s", name_of(perplexity, d));
    }
    mmn_text_add(text, "\n");
    for (size_t of = 0; of < perplexity->domains->domain_count; of++) {
        mmn_text_add(text, "  ");
        mmn_columns_left(text, name_of(perplexity, of), width);
        for (size_t d = 0; d < perplexity->domains->domain_count; d++) {
            int columns = mmn_columns_of(name_of(perplexity, d));
            double nats = mmn_perplexity_nats(
                perplexity, mmn_perplexity_find(perplexity, MMN_OFF_DOMAIN, of, d));
            double plain = mmn_perplexity_nats(
                perplexity, mmn_perplexity_find(perplexity, MMN_OFF_NOTHING, 0, d));
            mmn_text_add(text, "  %*.4f", columns > NUMBER_WIDTH ? columns : NUMBER_WIDTH,
                         mmn_perplexity_of(nats - plain));
        }
        mmn_text_add(text, "\n");
    }
}

mmn_status mmn_perplexity_table(const mmn_perplexity *perplexity, char **table, mmn_error *error)
{
    if (table)
        *table = NULL;
    if (MMN_MISSING(error, perplexity, table))
        return MMN_USAGE;
    mmn_text text = {0};
    int width = widest(perplexity);
    add_plain(&text, perplexity, width);
    if (perplexity->mask_count > 0) {
        add_summaries(&text, perplexity, width);
        add_cross(&text, perplexity, width);
    }
    mmn_allowances_remarks(&text, &perplexity->allowed);
    mmn_run_table_nonfinite(&text, perplexity->nonfinite);
    return mmn_text_finish(&text, table, error);
}
