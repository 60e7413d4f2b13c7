/* What the JSON of results says of their runs: which neurons were off, how answers were found. */
#include "report/run_json.h"

#include <inttypes.h>
#include <string.h>

#include "neurons/mask.h"

void mmn_run_json_digest(mmn_text *text, const char *key, const char *digest)
{
    if (digest[0] != '\0')
        mmn_text_add(text, "  \"%s\": \"%s\",\n", key, digest);
    else
        mmn_text_add(text, "  \"%s\": null,\n", key);
}

void mmn_run_json_nonfinite(mmn_text *text, bool nonfinite)
{
    if (nonfinite)
        mmn_text_add(text, "  \"nonfinite\": true,\n");
}

void mmn_run_table_nonfinite(mmn_text *text, bool nonfinite)
{
    if (nonfinite)
        mmn_text_add(text, "Numbers were infinite or NaN on the way to this result.\n");
}

static void add_neurons(mmn_text *text, const mmn_model *model, const mmn_mask *mask)
{
    const mmn_model_info *info = mmn_model_describe(model);
    const char *separator = "";
    mmn_text_add(text, "{");
    for (size_t m = 0; m < info->module_count && mask; m++) {
        size_t count = mmn_mask_neurons(mask, info->modules[m].name, -1);
        if (count == 0)
            continue;
        mmn_text_add(text, "%s\"%s\": %zu", separator, info->modules[m].name, count);
        separator = ", ";
    }
    mmn_text_add(text, "}");
}

void mmn_run_json_off(mmn_text *text, mmn_eval_off off, const char *neurons_of, uint64_t seed,
                      const mmn_model *model, const mmn_mask *mask)
{
    static const char *const names[] = {"nothing", "domain", "random"};
    mmn_text_add(text, "\"off\": \"%s\", \"neurons_of\": ", names[off]);
    if (off == MMN_OFF_NOTHING)
        mmn_text_add(text, "null");
    else
        mmn_text_add_json(text, neurons_of);
    if (off == MMN_OFF_RANDOM)
        mmn_text_add(text, ", \"seed\": %" PRIu64, seed);
    else
        mmn_text_add(text, ", \"seed\": null");
    mmn_text_add(text, ", \"neurons\": ");
    add_neurons(text, model, mask);
}

void mmn_run_json_generation(mmn_text *text, const mmn_model *model)
{
    const mmn_generation_info *info = &mmn_model_describe(model)->generation;
    if (info->ignored)
        mmn_text_add(text, ", \"generation_config\": \"ignored\"");
    else if (strcmp(info->obeyed, "{}") != 0)
        mmn_text_add(text, ", \"generation_config\": %s", info->obeyed);
}
