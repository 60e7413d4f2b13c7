/* Fuzz target: dumps, whose digests are taken and which are compared with themselves, and files of
 * inputs, which are run. */
#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz.h"

enum { LONGEST = 1000, GENERATED = 2 };

static void run(const mmn_model *model, const mmn_input *input)
{
    mmn_error error = {0};
    mmn_session *session;
    int32_t ids[GENERATED];
    size_t count;
    if (mmn_session_create(&session, model, NULL, &error) != MMN_OK)
        abort();
    if (mmn_fuzz_done(mmn_session_prefill(session, input, &error), &error))
        mmn_fuzz_done(mmn_session_generate(session, GENERATED, ids, &count, &error), &error);
    mmn_session_free(session);
}

FUZZ_TARGET(dump, 5)
{
    static mmn_model *model;
    mmn_error error = {0}, refused = {0};
    if (!model &&
        mmn_model_open(&model, MMN_SOURCE_DIR "/golden/demo/model", NULL, &error) != MMN_OK)
        abort();
    mmn_fuzz_put("dump", data, size);
    const char *file = mmn_fuzz_path("dump");
    char *text;
    mmn_status status = mmn_dump_digests(file, NULL, &text, &error);
    if (status == MMN_OK)
        mmn_release(text);
    mmn_result *verification = NULL;
    mmn_fuzz_done(mmn_verify(&verification, file, file, NULL, &refused), &refused);
    if (verification) {
        if (mmn_fuzz_done(mmn_result_table(verification, &text, &refused), &refused))
            mmn_release(text);
        if (mmn_fuzz_done(mmn_result_json(verification, &text, &refused), &refused))
            mmn_release(text);
        mmn_result_free(verification);
    }
    mmn_input *input;
    if (mmn_fuzz_done(mmn_input_from_file(&input, model, file, &refused), &refused)) {
        if (mmn_input_length(input) == 0)
            abort();
        if (mmn_input_length(input) < LONGEST)
            run(model, input);
        mmn_input_free(input);
    }
    return mmn_fuzz_done(status, &error) ? MMN_FUZZ_ACCEPTED : MMN_FUZZ_REFUSED;
}
