/* Logit lenses as a table for people. */
#include <inttypes.h>
#include <string.h>

#include "base/given.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "neurons/lens.h"
#include "neurons/lens_words.h"
#include "report/allowances.h"
#include "report/columns.h"
#include "report/words.h"
#include "report/run_json.h"

enum { WORD_WIDTH = 14 };

/* A word on one line, in quotation marks, and how often it is the most probable one. */
static mmn_status add_word(mmn_text *text, const mmn_lens *lens, const mmn_lens_cell *cell,
                           uint64_t positions, mmn_error *error)
{
    mmn_word_count word;
    mmn_text quoted = {0};
    char *spelt, *marked, *shown;

    if (mmn_word_counts_most(&cell->words, &word, 1) == 0)
        return MMN_OK;
    mmn_status status = mmn_lens_word(&spelt, lens->model, word.id, error);
    if (status != MMN_OK)
        return status;
    marked = mmn_word_shown(spelt, error);
    mmn_free(spelt);
    if (!marked)
        return MMN_SYSTEM;
    mmn_text_add_json(&quoted, marked);
    mmn_free(marked);
    status = mmn_text_finish(&quoted, &shown, error);
    if (status != MMN_OK)
        return status;
    mmn_columns_left(text, shown, WORD_WIDTH);
    mmn_text_add(text, " %3.0f %%", 100.0 * (double)word.count / (double)positions);
    mmn_free(shown);
    return MMN_OK;
}

static mmn_status add_layer(mmn_text *text, const mmn_lens *lens, size_t domain, int stage,
                            size_t layer, mmn_error *error)
{
    mmn_status status = MMN_OK;

    mmn_text_add(text, "  %5zu", layer);
    for (int image = 1; image >= 0 && status == MMN_OK; image--) {
        uint64_t positions = lens->positions[domain][image];
        if (positions == 0)
            continue;
        mmn_text_add(text, "  %8.4f  ", mmn_lens_entropy(lens, domain, stage, layer, image));
        status = add_word(text, lens, mmn_lens_cell_of(lens, domain, stage, layer, image),
                          positions, error);
    }
    mmn_text_add(text, "\n");
    return status;
}

static mmn_status add_curve(mmn_text *text, const mmn_lens *lens, size_t domain, int stage,
                            mmn_error *error)
{
    mmn_status status = MMN_OK;

    mmn_text_add(text, "%s, %s: entropy in nats, and the word that is most often the first\n  layer",
                 lens->run.domains->domains[domain].name, mmn_lens_stage_names[stage]);
    for (int image = 1; image >= 0; image--)
        if (lens->positions[domain][image] > 0) {
            mmn_text title = {0};
            char *ready;
            mmn_text_add(&title, "%" PRIu64 " %s positions", lens->positions[domain][image],
                         image ? "image" : "text");
            status = mmn_text_finish(&title, &ready, error);
            if (status != MMN_OK)
                return status;
            mmn_text_add(text, "  ");
            mmn_columns_left(text, ready, 10 + WORD_WIDTH + 6);
            mmn_free(ready);
        }
    mmn_text_add(text, "\n");
    for (size_t layer = 0; layer < lens->layers && status == MMN_OK; layer++)
        status = add_layer(text, lens, domain, stage, layer, error);
    return status;
}

static mmn_status add_three_stages(mmn_text *text, const mmn_lens *lens, size_t domain,
                                   mmn_error *error)
{
    mmn_three_stages stages;
    mmn_status status = mmn_lens_three_stages(&stages, lens, domain, error);

    if (status != MMN_OK)
        return status;
    if (stages.found)
        mmn_text_add(text, "  three stages: layers 0-%zu, %zu-%zu, %zu-%zu at %.3f, %.3f and %.3f "
                     "nats\n", stages.align_until, stages.align_until + 1,
                     stages.generate_from - 1, stages.generate_from, lens->layers - 1,
                     stages.levels[0], stages.levels[1], stages.levels[2]);
    else
        mmn_text_add(text, "  three stages are not seen\n");
    return MMN_OK;
}

mmn_status mmn_lens_table(const mmn_lens *lens, char **table, mmn_error *error)
{
    if (table)
        *table = NULL;
    if (MMN_MISSING(error, lens, table))
        return MMN_USAGE;
    mmn_text text = {0};
    mmn_status status = MMN_OK;

    for (size_t domain = 0; domain < lens->run.domains->domain_count; domain++)
        for (int stage = 0; stage < MMN_LENS_STAGES && status == MMN_OK; stage++) {
            if (!lens->stages[stage])
                continue;
            status = add_curve(&text, lens, domain, stage, error);
            if (status == MMN_OK && stage == MMN_LENS_OUT && lens->positions[domain][1] > 0)
                status = add_three_stages(&text, lens, domain, error);
            mmn_text_add(&text, "\n");
        }
    if (status != MMN_OK) {
        mmn_text_free(&text);
        return status;
    }
    mmn_allowances_remarks(&text, &lens->allowed);
    mmn_run_table_nonfinite(&text, lens->nonfinite);
    return mmn_text_finish(&text, table, error);
}
