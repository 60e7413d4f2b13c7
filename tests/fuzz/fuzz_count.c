/* Fuzz target: a list, counted over by a small language model until the third sample. */
#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz.h"

static int stop(void *context, const mmn_progress *progress)
{
    (void)context;
    return progress->done > 2;
}

FUZZ_TARGET(count, 10)
{
    static mmn_model *model;
    mmn_error error = {0}, refused = {0};
    if (!model && mmn_model_open(&model, MMN_SOURCE_DIR "/golden/checkpoints/llama-2", NULL,
                                 &error) != MMN_OK)
        abort();
    mmn_fuzz_put("list.jsonl", data, size);
    int texts = 0;
    mmn_fuzz_done(mmn_list_reads_texts(mmn_fuzz_path("list.jsonl"), &texts, &refused), &refused);
    mmn_count_summary summary;
    mmn_count_options options = {.size = sizeof(options),
                                 .list = mmn_fuzz_path("list.jsonl"),
                                 .output = mmn_fuzz_path("counts"),
                                 .window = texts ? 16 : 0,
                                 .samples = 3,
                                 .progress = stop};
    mmn_status status = mmn_count(model, &options, &summary, &error);
    mmn_fuzz_take("counts");
    mmn_fuzz_take("counts.state");
    if (status == MMN_INTERRUPTED)
        return MMN_FUZZ_ACCEPTED;
    /* A text's file that the list names and the folder lacks. */
    if (status == MMN_SYSTEM && error.message[0] != '\0')
        return MMN_FUZZ_REFUSED;
    return mmn_fuzz_done(status, &error) ? MMN_FUZZ_ACCEPTED : MMN_FUZZ_REFUSED;
}
