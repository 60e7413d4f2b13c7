/* Opening a model as the options that all commands share ask, and how it answers. */
#include "cli/model.h"

#include <string.h>

#include "cli/output.h"
#include "cli/ranks.h"
#include "cli/signals.h"

static int open_model(mmn_cli_call *call, const mmn_model_options *wishes)
{
    const char *folder = call->texts[0];
    mmn_model_options options = *wishes;
    options.size = sizeof options;
    options.threads = (int)mmn_cli_ranks_threads(call->threads);
    options.simd = call->simd;
    options.interrupted = mmn_cli_interrupt_asked;
    options.deltas = call->deltas.texts;
    options.delta_count = call->deltas.count;
    mmn_error error;
    if (mmn_model_open(&call->model, folder, &options, &error) != MMN_OK)
        return mmn_cli_fail(&error);
    const mmn_model_info *info = mmn_model_describe(call->model);
    for (size_t i = 0; i < info->remark_count && !call->quiet; i++)
        mmn_cli_message("%s: %s", folder, info->remarks[i]);
    return MMN_CLI_DONE;
}

int mmn_cli_open_model(mmn_cli_call *call, const mmn_model_options *wishes)
{
    const int code = open_model(call, wishes);
    const uint32_t threads = code == MMN_CLI_DONE ? mmn_model_describe(call->model)->threads : 0;
    return mmn_cli_ranks_ready(code, threads, call->quiet);
}

int mmn_cli_judge_form(const mmn_cli_call *call, mmn_judge_form *form, const char *name)
{
    if (name == NULL || strcmp(name, "benchmark") == 0)
        *form = MMN_JUDGE_BENCHMARK;
    else if (strcmp(name, "demo") == 0)
        *form = MMN_JUDGE_DEMO;
    else
        return mmn_cli_usage(call, "--judge-form takes benchmark or demo, not \"%s\"", name);
    return MMN_CLI_DONE;
}

mmn_status mmn_cli_open_another(mmn_model **model, const mmn_cli_call *call, const char *folder,
                                mmn_error *error)
{
    const mmn_model_options options = {.size = sizeof options,
                                       .threads = (int)mmn_cli_ranks_threads(call->threads),
                                       .simd = call->simd,
                                       .interrupted = mmn_cli_interrupt_asked};
    return mmn_model_open(model, folder, &options, error);
}

void mmn_cli_say_nonfinite(const mmn_model *model, const char *consequence)
{
    mmn_error first;
    char sentence[2400];
    if (mmn_model_nonfinite(model, &first) == 0)
        return;
    mmn_error_sentence(&first, sentence, sizeof(sentence));
    mmn_cli_message("%s; %s", sentence, consequence);
}

static const char *const hows[] = {"false", "true", "never"};

/* The number of a way to stop; 3: there is none of this name. */
static size_t find_how(const char *name)
{
    size_t how = 0;
    while (how < 3 && strcmp(hows[how], name) != 0)
        how++;
    return how;
}

int mmn_cli_beams_check(const mmn_cli_call *call, const mmn_cli_beams *beams, double temperature)
{
    if (beams->early_stopping != NULL && find_how(beams->early_stopping) == 3)
        return mmn_cli_usage(call, "--early-stopping is true, false or never");
    if (beams->count > 1 && temperature != 0)
        return mmn_cli_usage(call, "--num-beams does not go with --temperature");
    return MMN_CLI_DONE;
}

bool mmn_cli_beams_given(const mmn_cli_beams *beams)
{
    return beams->count > 0 || beams->length_penalty <= 100 || beams->early_stopping != NULL;
}

mmn_beam_search mmn_cli_beams_search(const mmn_cli_beams *beams, const mmn_model *model)
{
    mmn_beam_search search = mmn_model_describe(model)->generation.beam_search;
    if (beams->count > 0)
        search.beams = (uint32_t)beams->count;
    if (beams->length_penalty <= 100)
        search.length_penalty = beams->length_penalty;
    if (beams->early_stopping != NULL)
        search.early_stopping = (mmn_early_stopping)find_how(beams->early_stopping);
    return search;
}
