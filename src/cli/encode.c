/* mmneuron encode: do features of events, a model's or given ones, predict what was recorded while
 * they happened? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "cli/ranks.h"
#include "cli/study.h"

#define NOT_GIVEN UINT64_MAX

typedef struct encode_request {
    mmn_encode_options regressed;
    mmn_features_options events; /* of a model */
    mmn_cli_texts features, comparisons, roles, joins;
    uint64_t random_seed;        /* of weights; NOT_GIVEN: they are the model's */
    mmn_output *features_output; /* NULL: no file of features is wanted */
    mmn_output *columns_output;  /* likewise */
    char *regressions;           /* the file of their rows, beside that of events' */
} encode_request;

/* How many arguments there are: responses alone, to given features; or a model and its events
 * alone, whose features are to be saved. */
enum { RESPONSES = 1, EVENTS = 2 };

static void add_sources(mmn_cli_call *call, const encode_request *request)
{
    mmn_cli_destination_source(call, MMN_SOURCE_FILE, request->regressed.responses);
    for (size_t i = 0; i < request->features.count; i++) {
        const char *equals = strchr(request->features.texts[i], '=');
        mmn_cli_destination_source(call, MMN_SOURCE_FILE, equals != NULL ? equals + 1 : NULL);
    }
}

static void take_request(mmn_cli_call *call, encode_request *request)
{
    mmn_encode_options *regressed = &request->regressed;
    regressed->responses = call->count == EVENTS ? NULL : call->texts[call->count - 1];
    regressed->features = request->features.texts;
    regressed->feature_count = request->features.count;
    regressed->comparisons = request->comparisons.texts;
    regressed->comparison_count = request->comparisons.count;
    regressed->roles = request->roles.texts;
    regressed->role_count = request->roles.count;
    regressed->joins = request->joins.texts;
    regressed->join_count = request->joins.count;
    regressed->threads = (int)mmn_cli_ranks_threads(call->threads);
    regressed->simd = call->simd;
    add_sources(call, request);
}

/* Takes the place of the file of columns, of which a shard has none. */
static int claim_columns(encode_request *request, const mmn_cli_call *call,
                         const mmn_cli_study *study)
{
    const char *columns = request->regressed.columns;
    return columns != NULL && study->shard.count == 0 && !study->plan
               ? mmn_cli_study_claim(&request->columns_output, call, columns)
               : MMN_CLI_DONE;
}

/* ---- Given features -------------------------------------------------------------------------- */

/* Of mmn_cli_study. */
static mmn_status regress(mmn_result **result, const mmn_model *model, void *context,
                          mmn_error *error)
{
    const encode_request *request = context;
    (void)model;
    return mmn_encode(result, &request->regressed, error);
}

/* Of mmn_cli_study. */
static int check_given(mmn_cli_call *call, mmn_cli_study *study)
{
    encode_request *request = study->request;
    const mmn_features_options *events = &request->events;
    const mmn_cli_merging *merging = call->merging;
    if (request->features.count == 0)
        return mmn_cli_usage(call, "--features NAME=FILE is missing, or a model and its events:"
                                   " the features that predict");
    if (events->file != NULL || events->stages != NULL || events->pool != NULL ||
        request->random_seed != NOT_GIVEN || study->plan)
        return mmn_cli_usage(
            call, "--save-features, --stages, --pool, --random-init and --plan are for a model,"
                  " which goes before the responses with the list of events");
    if (merging != NULL &&
        (merging->model != NULL || merging->list != NULL || merging->neurons != NULL))
        return mmn_cli_usage(call,
                             "--model, --list and --neurons are for rows of a model; responses"
                             " and features lie where the parts found them");
    take_request(call, request);
    return claim_columns(request, call, study);
}

static int run_given(mmn_cli_call *call, encode_request *request, const mmn_cli_study *asked)
{
    mmn_encode_options *regressed = &request->regressed;
    mmn_cli_study study = {.request = request,
                           .run = regress,
                           .check = check_given,
                           .progress = &regressed->progress,
                           .progress_context = &regressed->progress_context,
                           .rows = &regressed->rows,
                           .without_model = true,
                           .output = asked->output,
                           .rows_file = asked->rows_file,
                           .shard = asked->shard,
                           .plan = asked->plan};
    return mmn_cli_run_parsed_study(&study, call);
}

/* ---- A model's ------------------------------------------------------------------------------- */

/* Names the file of regressions, beside that of events. */
static mmn_status name_regressions(encode_request *request, mmn_error *error)
{
    static const char end[] = ".regressions";
    const char *events = request->events.rows.file;
    if (events == NULL)
        return MMN_OK;
    request->regressions = malloc(strlen(events) + sizeof end);
    if (request->regressions == NULL) {
        *error = (mmn_error){.status = MMN_SYSTEM, .message = "memory is short"};
        return MMN_SYSTEM;
    }
    sprintf(request->regressions, "%s%s", events, end);
    request->regressed.rows.file = request->regressions;
    return MMN_OK;
}

static mmn_status run_model(mmn_result **result, const mmn_model *model, void *context,
                            mmn_error *error)
{
    encode_request *request = context;
    mmn_encode_options *regressed = &request->regressed;
    if (regressed->responses == NULL)
        return mmn_features(result, model, &request->events, error);
    MMN_CLI_TRY(name_regressions(request, error));
    regressed->model = model;
    regressed->events = &request->events;
    regressed->progress = request->events.progress;
    regressed->progress_context = request->events.progress_context;
    return mmn_encode(result, regressed, error);
}

/* Of mmn_cli_study. */
static int check(mmn_cli_call *call, mmn_cli_study *study)
{
    encode_request *request = study->request;
    if (call->count == EVENTS && request->events.file == NULL)
        return mmn_cli_usage(call, "with a model, RESPONSES.safetensors is missing, or"
                                   " --save-features FILE where there are none");
    if (call->count == EVENTS && (request->features.count + request->comparisons.count +
                                          request->roles.count + request->joins.count >
                                      0 ||
                                  request->regressed.columns != NULL))
        return mmn_cli_usage(call, "--features, --compare, --role, --join and --columns are for"
                                   " responses, which are missing");
    take_request(call, request);
    study->wishes.random_weights = request->random_seed != NOT_GIVEN;
    study->wishes.weights_seed = study->wishes.random_weights ? request->random_seed : 0;
    MMN_CLI_TRY(claim_columns(request, call, study));
    return request->events.file != NULL && study->shard.count == 0 && !study->plan
               ? mmn_cli_study_claim(&request->features_output, call, request->events.file)
               : MMN_CLI_DONE;
}

int mmn_cli_encode(mmn_cli_call *call)
{
    encode_request request = {
        .regressed = {.size = sizeof(mmn_encode_options), .draws = 1000, .seed = 1},
        .events = {.size = sizeof(mmn_features_options)},
        .random_seed = NOT_GIVEN};
    mmn_encode_options *asked = &request.regressed;
    mmn_cli_study study = {.request = &request,
                           .run = run_model,
                           .check = check,
                           MMN_CLI_ASKED_OF_LIST(&request.events)};
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "features", .value = "NAME=FILE", .kind = MMN_CLI_TEXTS,
         .target = &request.features,
         .help = "a model's name, and its features of the events (safetensors); for each model"},
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &study.output, .help = "write everything to FILE (JSON; - is standard output)"},
        {.name = "columns", .value = "FILE", .kind = MMN_CLI_TEXT, .target = &asked->columns,
         .help = "write what is found of each site and bin to FILE (safetensors), and into the"
                 " result its means over sites"},
        {.name = "compare", .value = "A:B", .kind = MMN_CLI_TEXTS, .target = &request.comparisons,
         .help = "find the sites that model A predicts better than model B (best:second: than the"
                 " second best there); may be repeated"},
        {.name = "role", .value = "NAME=ROLE", .kind = MMN_CLI_TEXTS, .target = &request.roles,
         .help = "multimodal, vision, language, random:MODEL or control:MODEL; may be repeated"},
        {.name = "join", .value = "NAME=A+B", .kind = MMN_CLI_TEXTS, .target = &request.joins,
         .help = "a model of A's and B's features side by side; may be repeated"},
        {.name = "draws", .value = "N", .kind = MMN_CLI_U32, .target = &asked->draws,
         .minimum = 1, .maximum = 65535,
         .help = "draw the events again N times, for intervals and comparisons (1000)"},
        {.name = "seed", .value = "N", .kind = MMN_CLI_WHOLE, .target = &asked->seed,
         .minimum = 0, .maximum = 1e15, .help = "of the draws and of projections (1)"},
        {.name = "epsilon", .value = "E", .kind = MMN_CLI_REAL, .target = &asked->epsilon,
         .minimum = 0, .maximum = 0.99, .above = true,
         .help = "project features that are more than keep distances to a share of E (0.1)"},
        {.name = "rate", .value = "Q", .kind = MMN_CLI_REAL, .target = &asked->rate,
         .minimum = 0, .maximum = 0.99, .above = true,
         .help = "the false discovery rate of a comparison's sites (0.05)"},
        {.name = "site-parts", .value = "N", .kind = MMN_CLI_U32, .target = &asked->site_parts,
         .minimum = 1, .maximum = 65535,
         .help = "regress draws for N parts of the sites apart, which --shard divides, too (1)"},
        {.name = "stages", .value = "STAGES", .kind = MMN_CLI_TEXT,
         .target = &request.events.stages,
         .help = "of MODEL: which stages are layers of features; patterns, separated by commas"
                 " (the outputs of all layers)"},
        {.name = "pool", .value = "HOW", .kind = MMN_CLI_TEXT, .target = &request.events.pool,
         .help = "of MODEL: take of each stage the last position, the first, the mean of all, or"
                 " flat, all of them (last)"},
        {.name = "random-init", .value = "SEED", .kind = MMN_CLI_WHOLE,
         .target = &request.random_seed, .minimum = 0, .maximum = 1e15,
         .help = "run the architecture of MODEL with random weights, as its library initialises"
                 " them, under the name \"random\" (its own weights)"},
        {.name = "save-features", .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &request.events.file,
         .help = "of MODEL: keep its features in FILE, for --features of other calls"},
        MMN_CLI_ROWS(&study),
        MMN_CLI_ALLOW_UNKNOWN_KEYS(&request.events.allow_unknown_keys),
        MMN_CLI_ALLOW_LONG_PROMPTS(&request.events.allow_long_prompts),
        MMN_CLI_RESIZE_ORDER(&study.wishes.resize_order),
        MMN_CLI_ALLOW_NONFINITE(&study.wishes.allow_nonfinite),
    };
    /* clang-format on */
    MMN_CLI_TRY(mmn_cli_parse(call, options, sizeof options / sizeof options[0]));
    const int code = call->count == RESPONSES ? run_given(call, &request, &study)
                                              : mmn_cli_run_parsed_study(&study, call);
    if (code == MMN_CLI_DONE && request.regressions != NULL && call->destination.state != NULL)
        remove(request.regressions);
    free(request.regressions);
    mmn_output_release(request.features_output);
    mmn_output_release(request.columns_output);
    return code;
}
