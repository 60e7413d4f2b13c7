/* mmneuron encode: do features of events predict what was recorded while they happened? */
#include <string.h>

#include "cli/command.h"
#include "cli/destination.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"

static int run(const mmn_cli_call *call, mmn_encode_options *asked)
{
    mmn_cli_progress progress;
    mmn_result *result = NULL;
    mmn_error error;
    asked->threads = (int)call->threads;
    asked->simd = call->simd;
    asked->progress = mmn_cli_progress_show;
    asked->progress_context = &progress;
    mmn_cli_work_begin(&progress, call->quiet);
    const mmn_status status = mmn_encode(&result, asked, &error);
    int code = mmn_cli_work_end(&progress, status, &error);
    if (status == MMN_OK)
        code = mmn_cli_give_result(call, result);
    mmn_result_free(result);
    return code;
}

int mmn_cli_encode(mmn_cli_call *call)
{
    mmn_encode_options asked = {.size = sizeof(asked), .draws = 1000, .seed = 1};
    mmn_cli_texts features = {0}, comparisons = {0}, roles = {0}, joins = {0};
    const char *output = NULL;
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "features", .value = "NAME=FILE", .kind = MMN_CLI_TEXTS, .target = &features,
         .help = "a model's name, and its features of the events (safetensors); for each model"},
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &output, .help = "write everything to FILE (JSON; - is standard output)"},
        {.name = "compare", .value = "A:B", .kind = MMN_CLI_TEXTS, .target = &comparisons,
         .help = "find the sites that model A predicts better than model B; may be repeated"},
        {.name = "role", .value = "NAME=ROLE", .kind = MMN_CLI_TEXTS, .target = &roles,
         .help = "multimodal, vision, language, random:MODEL or control:MODEL; may be repeated"},
        {.name = "join", .value = "NAME=A+B", .kind = MMN_CLI_TEXTS, .target = &joins,
         .help = "a model of A's and B's features side by side; may be repeated"},
        {.name = "draws", .value = "N", .kind = MMN_CLI_U32, .target = &asked.draws,
         .minimum = 1, .maximum = 65535,
         .help = "draw the events again N times, for intervals and comparisons (1000)"},
        {.name = "seed", .value = "N", .kind = MMN_CLI_WHOLE, .target = &asked.seed,
         .minimum = 0, .maximum = 1e15, .help = "of the draws and of projections (1)"},
        {.name = "epsilon", .value = "E", .kind = MMN_CLI_REAL, .target = &asked.epsilon,
         .minimum = 0, .maximum = 0.99, .above = true,
         .help = "project features that are more than keep distances to a share of E (0.1)"},
        {.name = "rate", .value = "Q", .kind = MMN_CLI_REAL, .target = &asked.rate,
         .minimum = 0, .maximum = 0.99, .above = true,
         .help = "the false discovery rate of a comparison's sites (0.05)"},
    };
    /* clang-format on */
    MMN_CLI_TRY(mmn_cli_parse(call, options, sizeof options / sizeof options[0]));
    if (features.count == 0)
        return mmn_cli_usage(call, "--features NAME=FILE is missing: the features that predict");
    asked.responses = call->texts[0];
    asked.features = features.texts;
    asked.feature_count = features.count;
    asked.comparisons = comparisons.texts;
    asked.comparison_count = comparisons.count;
    asked.roles = roles.texts;
    asked.role_count = roles.count;
    asked.joins = joins.texts;
    asked.join_count = joins.count;
    mmn_cli_destination_source(call, MMN_SOURCE_FILE, asked.responses);
    for (size_t i = 0; i < features.count; i++) {
        const char *equals = strchr(features.texts[i], '=');
        mmn_cli_destination_source(call, MMN_SOURCE_FILE, equals != NULL ? equals + 1 : NULL);
    }
    MMN_CLI_TRY(mmn_cli_destination_open(call, output, MMN_CLI_JSON, NULL));
    return run(call, &asked);
}
