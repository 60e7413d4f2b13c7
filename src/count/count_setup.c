/* What a count starts with: its modules, what it belongs to, and what an interrupted run left. */
#include "count/count_setup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/names.h"
#include "base/text_buffer.h"
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

/* Sets the length of windows if the list has texts. */
static mmn_status set_windows(mmn_windows *windows, const mmn_model *model,
                              const mmn_count_options *options, mmn_error *error)
{
    int texts;
    mmn_status status = mmn_list_reads_texts(options->list, &texts, error);
    if (status != MMN_OK)
        return status;
    if (!texts && (options->window > 0 || options->begin_of_text))
        return mmn_fail(error, MMN_USAGE, options->list, NULL,
                        "has no texts, which alone are cut into windows");
    if (texts && options->skip_bad)
        return mmn_fail(error, MMN_USAGE, options->list, NULL,
                        "has texts, none of which can be skipped: all windows after it would be "
                        "others");
    return texts ? mmn_windows_set(windows, model, options->window, options->begin_of_text != 0,
                                   error)
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

const char *mmn_count_positions_module(const mmn_count_options *options, const mmn_model *model,
                                       const mmn_counts *counts, bool texts)
{
    if (options->positions_module)
        return options->positions_module;
    return texts ? counts->modules[0].name : mmn_model_describe(model)->modules[0].name;
}

/* A module that reads no text would never have seen enough positions of one. */
static mmn_status check_positions_module(const mmn_model *model, const char *module,
                                         mmn_error *error)
{
    bool reads = false;
    mmn_status status = reads_text(&reads, model, module, error);
    if (status == MMN_OK && !reads)
        status = mmn_fail(error, MMN_USAGE, NULL, NULL,
                          "positions of the module \"%s\" cannot be counted: it reads no texts",
                          module);
    return status;
}

mmn_status mmn_count_setup(mmn_counts **counts, mmn_windows *windows, const mmn_model *model,
                           const mmn_count_options *options, mmn_error *error)
{
    const mmn_model_info *info = mmn_model_describe(model);
    *counts = NULL;
    if (!options->list || !options->output)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "counting needs a list and an output file");
    if (options->shard > options->shards || (options->shard == 0 && options->shards > 0))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "shard %" PRIu32 " of %" PRIu32 " does not exist; they count from 1",
                        options->shard, options->shards);
    mmn_status status = MMN_OK;
    if (options->modules)
        status = check_names(info, options->modules, error);
    if (status == MMN_OK && options->positions_module)
        status = check_names(info, options->positions_module, error);
    if (status == MMN_OK)
        status = set_windows(windows, model, options, error);
    if (status == MMN_OK && windows->length > 0 && options->positions_module)
        status = check_positions_module(model, options->positions_module, error);
    if (status != MMN_OK)
        return status;

    mmn_counted_module modules[MMN_MODULES] = {{{0}, 0, 0, 0}};
    size_t count = 0;
    for (size_t i = 0; i < info->module_count && count < MMN_MODULES; i++) {
        const mmn_module *module = &info->modules[i];
        bool counted = mmn_glob_match(options->modules, module->name);
        if (counted && windows->length > 0)
            status = reads_text(&counted, model, module->name, error);
        if (status != MMN_OK)
            return status;
        if (!counted)
            continue;
        snprintf(modules[count].name, sizeof(modules[count].name), "%s", module->name);
        modules[count].layers = module->layers;
        modules[count].neurons = module->neurons;
        modules[count].first_inert_layer = module->first_inert_layer;
        count++;
    }
    if (count == 0)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "no module is to be counted%s",
                        windows->length > 0 ? ": of these, none reads texts" : "");
    status = mmn_counts_create(counts, modules, count, error);
    if (status == MMN_OK && options->shards > 0) {
        (*counts)->shard = options->shard;
        (*counts)->shards = options->shards;
    }
    return status;
}

/* What decides which samples are counted and what the model is shown of them. */
static mmn_status settings_text(char **settings, const mmn_counts *counts,
                                const mmn_windows *windows, const mmn_model *model,
                                const mmn_count_options *options, mmn_error *error)
{
    const char *module = mmn_count_positions_module(options, model, counts, windows->length > 0);
    bool vertical = model->image_settings.resize_order == MMN_RESIZE_PILLOW_13;
    mmn_text text = {0};
    mmn_text_add(&text, "{\"samples\": %" PRIu64 ", \"positions\": %" PRIu64, options->samples,
                 options->positions);
    if (options->positions > 0) {
        mmn_text_add(&text, ", \"positions_module\": ");
        mmn_text_add_json(&text, module);
    }
    if (windows->length > 0)
        mmn_text_add(&text, ", \"window\": %zu, \"begin_of_text\": %s", windows->length,
                     windows->begin_of_text ? "true" : "false");
    else
        mmn_text_add(&text, ", \"resize_order\": \"%s\"",
                     vertical ? "pillow-13" : "horizontal-first");
    if (options->allow_unknown_keys)
        mmn_text_add(&text, ", \"allow_unknown_keys\": true");
    if (options->allow_long_prompts)
        mmn_text_add(&text, ", \"allow_long_prompts\": true");
    mmn_text_add(&text, "}");
    return mmn_text_finish(&text, settings, error);
}

mmn_status mmn_count_identify(mmn_counts *counts, const mmn_samples *samples,
                              const mmn_model *model, const mmn_count_options *options,
                              mmn_error *error)
{
    const mmn_windows *windows = &samples->windows;
    snprintf(counts->version, sizeof(counts->version), "%s", mmn_version());
    mmn_status status = settings_text(&counts->settings, counts, windows, model, options, error);
    if (status == MMN_OK)
        status = windows->length > 0 ? mmn_windows_digest(windows, &samples->domains, counts->data, error)
                                     : mmn_list_digest(samples->list, counts->data, error);
    return status == MMN_OK ? mmn_model_digest(model, counts->model, error) : status;
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
    if (status != MMN_OK)
        return status;
    const char *what;
    char difference[MMN_DIFFERENCE_SIZE];
    if (!(*state)->unfinished) {
        status = mmn_fail(error, MMN_INPUT, file, NULL,
                          "this is not a state file; remove it to start again");
    } else if (!mmn_counts_same_run(*state, counts, &what, "now", difference)) {
        status = mmn_fail(error, MMN_INPUT, file, what,
                          "the interrupted run that left this state file differs from this one in "
                          "%s%s; remove the file to start again", what, difference);
    } else if ((*state)->shard != counts->shard || (*state)->shards != counts->shards) {
        status = mmn_fail(error, MMN_INPUT, file, "shard",
                          "the interrupted run that left this state file counted shard %" PRIu32
                          "/%" PRIu32 ", not %" PRIu32 "/%" PRIu32
                          "; remove the file to start again",
                          (*state)->shard, (*state)->shards, counts->shard, counts->shards);
    }
    if (status != MMN_OK) {
        mmn_counts_free(*state);
        *state = NULL;
    } else {
        (*state)->unfinished = false;
    }
    return status;
}
