/* What a count starts with: its modules, what it belongs to, and what an interrupted run left. */
#include "count/count.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"
#include "base/names.h"
#include "base/text_buffer.h"
#include "count/shards.h"
#include "model/input.h"
#include "model/model.h"

/* Every name of the comma-separated `names` must be one of the model's modules. */
static mmn_status check_names(const mmn_model_info *info, const char *names, mmn_error *error)
{
    mmn_item name;
    while (mmn_next_item(&name, &names, ',')) {
        bool known = name.length == 0;
        for (size_t i = 0; i < info->module_count; i++)
            known = known || mmn_item_is(&name, info->modules[i].name);
        if (!known)
            return mmn_fail(error, MMN_USAGE, NULL, NULL, "the model has no module called \"%.*s\"",
                            MMN_ITEM(name));
    }
    return MMN_OK;
}

/* Opens the list, and sets the length of windows if it has texts. */
static mmn_status look_at_list(mmn_samples *samples, const mmn_model *model,
                               const mmn_count_options *options, mmn_error *error)
{
    *samples = (mmn_samples){.model = model,
                             .file = options->list,
                             .limit = options->samples,
                             .shard = options->shard,
                             .shards = options->shards,
                             .allow_unknown_keys = options->allow_unknown_keys != 0,
                             .allow_long_prompts = options->allow_long_prompts != 0,
                             .skip_bad = options->skip_bad != 0};
    MMN_TRY(mmn_samples_look(samples, error));
    if (!samples->has_texts && (options->window > 0 || options->begin_of_text))
        return mmn_fail(error, MMN_USAGE, options->list, NULL,
                        "has no texts, which alone are cut into windows");
    if (samples->has_texts && options->skip_bad)
        return mmn_fail(error, MMN_USAGE, options->list, NULL,
                        "has texts, none of which can be skipped: all windows after it would be "
                        "others");
    return samples->has_texts ? mmn_windows_set(&samples->windows, model, options->window,
                                                options->begin_of_text != 0, error)
                              : MMN_OK;
}

/* Whether the module sees anything of an input that is text alone. */
static mmn_status reads_text(bool *reads, const mmn_model *model, const char *module,
                             mmn_error *error)
{
    mmn_input *input;
    mmn_status status = mmn_input_from_ids(&input, model, &(int32_t){0}, 1, error);
    if (status == MMN_OK)
        *reads = mmn_input_module_positions(input, model, module) > 0;
    mmn_input_free(input);
    return status;
}

const char *mmn_count_positions_module(const mmn_count_options *options, const mmn_samples *samples,
                                       const mmn_counts *counts)
{
    if (options->positions_module)
        return options->positions_module;
    return samples->has_texts ? counts->modules[0].name
                              : mmn_model_describe(samples->model)->modules[0].name;
}

/* A module that reads no text would never have seen enough positions of one. */
static mmn_status check_positions_module(const mmn_model *model, const char *module,
                                         mmn_error *error)
{
    bool reads = false;
    MMN_TRY(reads_text(&reads, model, module, error));
    if (reads)
        return MMN_OK;
    return mmn_fail(error, MMN_USAGE, NULL, NULL,
                    "positions of the module \"%s\" cannot be counted: it reads no texts", module);
}

/* Makes counts, without domains, of the modules that the options name. */
static mmn_status choose_modules(mmn_counts **counts, const mmn_model *model, bool texts,
                                 const mmn_count_options *options, mmn_error *error)
{
    const mmn_model_info *info = mmn_model_describe(model);
    mmn_counted_module modules[MMN_MODULES] = {{.layers = 0}};
    size_t count = 0;
    MMN_TRY(mmn_model_check_language(model, error));
    for (size_t i = 0; i < info->module_count && count < MMN_MODULES; i++) {
        const mmn_module *module = &info->modules[i];
        bool counted = mmn_glob_match(options->modules, module->name);
        if (counted && texts)
            MMN_TRY(reads_text(&counted, model, module->name, error));
        if (!counted)
            continue;
        snprintf(modules[count].name, sizeof(modules[count].name), "%s", module->name);
        modules[count].layers = module->layers;
        modules[count].neurons = module->neurons;
        modules[count].first_inert_layer = module->first_inert_layer;
        modules[count].magnitudes = options->magnitudes != 0;
        count++;
    }
    if (count == 0)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "no module is to be counted%s",
                        texts ? ": of these, none reads texts" : "");
    return mmn_counts_create(counts, modules, count, error);
}

mmn_status mmn_count_setup(mmn_counts **counts, mmn_samples *samples, const mmn_model *model,
                           const mmn_count_options *options, mmn_error *error)
{
    const mmn_model_info *info = mmn_model_describe(model);
    MMN_TRY(mmn_shard_check(options->shard, options->shards, error));
    MMN_TRY(check_names(info, options->modules, error));
    MMN_TRY(check_names(info, options->positions_module, error));
    MMN_TRY(look_at_list(samples, model, options, error));
    if (samples->has_texts && options->positions_module)
        MMN_TRY(check_positions_module(model, options->positions_module, error));
    MMN_TRY(choose_modules(counts, model, samples->has_texts, options, error));
    if (options->shards > 0) {
        (*counts)->shard = options->shard;
        (*counts)->shards = options->shards;
    }
    MMN_TRY(mmn_samples_open(samples, error));
    for (size_t d = 0; d < samples->domains.domain_count; d++)
        MMN_TRY(mmn_counts_add_domain(*counts, samples->domains.domains[d].name, error));
    return MMN_OK;
}

/* ---- What the counts belong to --------------------------------------------------------------- */

/* What decides which samples are counted and what the model is shown of them. */
static mmn_status settings_text(char **settings, const mmn_counts *counts,
                                const mmn_samples *samples, const mmn_count_options *options,
                                mmn_error *error)
{
    mmn_text text = {0};
    mmn_text_add(&text, "{\"samples\": %" PRIu64 ", \"positions\": %" PRIu64, options->samples,
                 options->positions);
    if (options->positions > 0) {
        mmn_text_add(&text, ", \"positions_module\": ");
        mmn_text_add_json(&text, mmn_count_positions_module(options, samples, counts));
    }
    if (samples->has_texts)
        mmn_text_add(&text, ", \"window\": %zu, \"begin_of_text\": %s", samples->windows.length,
                     samples->windows.begin_of_text ? "true" : "false");
    else
        mmn_text_add(&text, ", \"resize_order\": \"%s\"", mmn_model_resize_order(samples->model));
    if (options->magnitudes)
        mmn_text_add(&text, ", \"magnitudes\": true");
    if (options->allow_unknown_keys)
        mmn_text_add(&text, ", \"allow_unknown_keys\": true");
    if (options->allow_long_prompts)
        mmn_text_add(&text, ", \"allow_long_prompts\": true");
    mmn_text_add(&text, "}");
    return mmn_text_finish(&text, settings, error);
}

mmn_status mmn_count_identify(mmn_counts *counts, const mmn_samples *samples,
                              const mmn_count_options *options, mmn_error *error)
{
    snprintf(counts->version, sizeof(counts->version), "%s", mmn_version());
    MMN_TRY(settings_text(&counts->settings, counts, samples, options, error));
    if (samples->has_texts)
        MMN_TRY(mmn_windows_digest(&samples->windows, &samples->domains, counts->data, error));
    else
        MMN_TRY(mmn_list_digest(samples->list, counts->data, error));
    return mmn_model_digest(samples->model, counts->model, error);
}

/* Whether the run that left this state is the one that `counts` was set up for. */
static mmn_status check_state(const mmn_counts *state, const mmn_counts *counts, const char *file,
                              mmn_error *error)
{
    const char *what;
    char difference[MMN_DIFFERENCE_SIZE];
    if (!state->unfinished)
        return mmn_fail(error, MMN_INPUT, file, NULL,
                        "this is not a state file; remove it to start again");
    if (!mmn_counts_same_run(state, counts, &what, "now", difference))
        return mmn_fail(error, MMN_INPUT, file, what,
                        "the interrupted run that left this state file differs from this one in "
                        "%s%s; remove the file to start again",
                        what, difference);
    if (state->shard != counts->shard || state->shards != counts->shards)
        return mmn_fail(error, MMN_INPUT, file, "shard",
                        "the interrupted run that left this state file counted shard %" PRIu32
                        "/%" PRIu32 ", not %" PRIu32 "/%" PRIu32 "; remove the file to start again",
                        state->shard, state->shards, counts->shard, counts->shards);
    return MMN_OK;
}

mmn_status mmn_count_resume(mmn_counts **state, const char *file, const mmn_counts *counts,
                            mmn_error *error)
{
    mmn_status status = mmn_counts_read(state, file, error);
    if (status == MMN_INPUT && error) {
        mmn_error problem = *error;
        return mmn_fail(error, MMN_INPUT, problem.file, problem.where,
                        "%.800s; remove this state file to start again", problem.message);
    }
    MMN_TRY(status);
    status = check_state(*state, counts, file, error);
    if (status == MMN_OK) {
        (*state)->unfinished = false;
        return MMN_OK;
    }
    mmn_counts_free(*state);
    *state = NULL;
    return status;
}
