/* What the results of runs have in common: what they were made from, which neurons were off, what was
 * allowed, and how answers were found. */
#include "neurons/run_result.h"

#include <string.h>

#include "base/memory.h"
#include "neurons/lens_words.h"

const char *const mmn_off_names[] = {"nothing", "domain", "random"};

mmn_value mmn_generation_of(const mmn_model *model)
{
    const mmn_generation_info *info = &mmn_model_describe(model)->generation;
    if (info->ignored)
        return mmn_as_json("\"ignored\"");
    return mmn_as_json(strcmp(info->obeyed, "{}") != 0 ? info->obeyed : NULL);
}

void mmn_add_neurons_off(mmn_result *result, const mmn_model *model, const mmn_mask *mask)
{
    const mmn_model_info *info = mmn_model_describe(model);
    for (size_t m = 0; m < info->module_count && mask; m++) {
        const size_t count = mmn_mask_neurons(mask, info->modules[m].name, -1);
        if (count > 0)
            MMN_ADD(result, "neurons_off", mmn_as_text(info->modules[m].name),
                    mmn_as_whole(count));
    }
}

mmn_value mmn_word_of(mmn_result *result, const mmn_model *model, int32_t id)
{
    char *word;
    result->failed |= mmn_lens_word(&word, model, id, NULL) != MMN_OK;
    const mmn_value kept = mmn_result_keep(result, mmn_as_text(word));
    mmn_free(word);
    return kept;
}
