/* mmneuron judge: whether answers are right, by a model that judges them (Lingo-Judge). */
#include "cli/study.h"

/* The library's options, and the value of --form. */
typedef struct judge_request {
    mmn_judge_options asked;
    const char *form;
} judge_request;

static mmn_status run(mmn_result **result, const mmn_model *model, void *context, mmn_error *error)
{
    judge_request *request = context;
    return mmn_judge_file(result, model, &request->asked, error);
}

static int check(mmn_cli_call *call, mmn_cli_study *study)
{
    judge_request *request = study->request;
    request->asked.file = call->texts[1];
    mmn_cli_destination_source(call, MMN_SOURCE_FILE, request->asked.file);
    mmn_cli_destination_source(call, MMN_SOURCE_FILE, request->asked.list);
    return mmn_cli_judge_form(call, &request->asked.form, request->form);
}

int mmn_cli_judge(mmn_cli_call *call)
{
    judge_request request = {.asked.size = sizeof request.asked};
    mmn_cli_study study = {
        .request = &request, .run = run, .check = check, MMN_CLI_ASKED(&request.asked)};
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &study.output,
         .help = "write all judgements to FILE (JSON; - is standard output)"},
        {.name = "list", .value = "DATA.jsonl", .kind = MMN_CLI_TEXT, .target = &request.asked.list,
         .help = "the answers are the rows of \"mmneuron eval\" over this list, which has their"
                 " questions and right answers"},
        MMN_CLI_JUDGE_FORM(&request.form),
        MMN_CLI_ALLOW_UNKNOWN_KEYS(&request.asked.allow_unknown_keys),
    };
    /* clang-format on */
    return mmn_cli_run_study(&study, call, options, sizeof options / sizeof options[0]);
}
