/* mmneuron detect: what of a picture queries name, and where, by a detector (OWL-ViT). */
#include "cli/study.h"

/* The library's options, the queries, and what is drawn. */
typedef struct detect_request {
    mmn_detect_options asked;
    mmn_cli_texts queries;
    mmn_cli_picture picture;
} detect_request;

static mmn_status run(mmn_result **result, const mmn_model *model, void *context, mmn_error *error)
{
    const detect_request *request = context;
    return mmn_detect(result, model, &request->asked, error);
}

static int check(mmn_cli_call *call, mmn_cli_study *study)
{
    detect_request *request = study->request;
    if (request->queries.count == 0)
        return mmn_cli_usage(call, "--query TEXT is missing: what to look for");
    request->asked.queries = request->queries.texts;
    request->asked.query_count = request->queries.count;
    request->picture.image = request->asked.image;
    mmn_cli_destination_source(call, MMN_SOURCE_FILE, request->asked.image);
    return MMN_CLI_DONE;
}

int mmn_cli_detect(mmn_cli_call *call)
{
    detect_request request = {.asked = {.size = sizeof(mmn_detect_options), .threshold = 0.1},
                              .picture = {.figure = "detections"}};
    mmn_cli_study study = {.request = &request,
                           .run = run,
                           .check = check,
                           .picture = &request.picture,
                           MMN_CLI_ASKED(&request.asked)};
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "image", .value = "FILE", .kind = MMN_CLI_TEXT, .target = &request.asked.image,
         .needed = "the picture to look at",
         .help = "a JPEG, PNG, WebP, TIFF, GIF or BMP file"},
        {.name = "query", .value = "TEXT", .kind = MMN_CLI_TEXTS, .target = &request.queries,
         .help = "what to look for, as \"a photo of a cat\"; may be repeated"},
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &study.output, .help = "write all boxes to FILE (JSON; - is standard output)"},
        MMN_CLI_PICTURE(&request.picture, "the boxes"),
        {.name = "threshold", .value = "SCORE", .kind = MMN_CLI_REAL,
         .target = &request.asked.threshold, .minimum = 0, .maximum = 1,
         .help = "keep what has a score above SCORE (0.1)"},
        MMN_CLI_RESIZE_ORDER(&study.wishes.resize_order),
    };
    /* clang-format on */
    return mmn_cli_run_study(&study, call, options, sizeof options / sizeof options[0]);
}
