/* Multi-modal neurons as a table for people. */
#include <inttypes.h>

#include "base/given.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "neurons/contribution.h"
#include "neurons/lens_words.h"
#include "report/allowances.h"
#include "report/words.h"
#include "report/run_json.h"

/* Adds a word of the vocabulary in quotation marks. */
static mmn_status add_word(mmn_text *text, const mmn_model *model, int32_t id, mmn_error *error)
{
    char *spelt, *shown;
    mmn_status status = mmn_lens_word(&spelt, model, id, error);

    if (status != MMN_OK)
        return status;
    shown = mmn_word_shown(spelt, error);
    mmn_free(spelt);
    if (!shown)
        return MMN_SYSTEM;
    mmn_text_add_json(text, shown);
    mmn_free(shown);
    return MMN_OK;
}

static mmn_status add_neurons(mmn_text *text, const mmn_contributions *result,
                              const mmn_answer_word *word, mmn_error *error)
{
    mmn_status status = MMN_OK;

    mmn_text_add(text, "  layer  neuron  contribution  activation     score  stands for\n");
    for (size_t i = 0; i < word->neuron_count && status == MMN_OK; i++) {
        const mmn_contributor *neuron = &word->neurons[i];
        mmn_text_add(text, "  %5" PRIu32 "  %6" PRIu32 "  %12.4f  %10.4f  %8.4f ", neuron->layer,
                     neuron->neuron, (double)neuron->contribution, (double)neuron->activation,
                     (double)neuron->score);
        for (size_t n = 0; n < result->names && status == MMN_OK; n++) {
            mmn_text_add(text, " ");
            status = add_word(text, result->model, neuron->names[n].id, error);
        }
        mmn_text_add(text, "\n");
    }
    return status;
}

static void add_drop(mmn_text *text, const mmn_answer_word *word, mmn_disturbance_kind kind,
                     bool random)
{
    mmn_interval drop;
    size_t changed = 0, count = 0;

    if (!mmn_contribution_drop(&drop, word, kind, random))
        return;
    for (size_t i = 0; i < word->disturbance_count; i++) {
        const mmn_disturbance *disturbance = &word->disturbances[i];
        if (disturbance->kind != kind || disturbance->random != random)
            continue;
        changed += disturbance->answer_changes;
        count++;
    }
    mmn_text_add(text, "  %s %-14s  %8.4f", kind == MMN_DISTURB_OFF ? "off:  " : "noise:",
                 random ? "random neurons" : "these neurons", drop.mean);
    if (count > 1)
        mmn_text_add(text, " [%.4f, %.4f]", drop.low, drop.high);
    mmn_text_add(text, "; the answer changes in %zu of %zu\n", changed, count);
}

mmn_status mmn_contributions_table(const mmn_contributions *result, char **table,
                                   mmn_error *error)
{
    if (table)
        *table = NULL;
    if (MMN_MISSING(error, result, table))
        return MMN_USAGE;
    mmn_text text = {0};
    mmn_status status = MMN_OK;

    mmn_text_add(&text, "answer: ");
    mmn_text_add_json(&text, result->answer);
    mmn_text_add(&text, "\n");
    for (size_t w = 0; w < result->word_count && status == MMN_OK; w++) {
        const mmn_answer_word *word = &result->words[w];
        mmn_text_add(&text, "\n%s: token ", word->text);
        status = add_word(&text, result->model, word->id, error);
        mmn_text_add(&text, ", ln p = %.4f\n", word->log_probability);
        if (status == MMN_OK)
            status = add_neurons(&text, result, word, error);
        if (word->disturbance_count > 0)
            mmn_text_add(&text, "  by how much ln p falls when neurons are disturbed:\n");
        for (int kind = 0; kind < MMN_DISTURBANCES; kind++)
            for (int random = 0; random < 2; random++)
                add_drop(&text, word, (mmn_disturbance_kind)kind, random);
    }
    if (status != MMN_OK) {
        mmn_text_free(&text);
        return status;
    }
    mmn_allowances_remarks(&text, &result->allowed);
    mmn_run_table_nonfinite(&text, result->nonfinite);
    return mmn_text_finish(&text, table, error);
}
