/* Fuzz target: the state of an interrupted run of `count`, which goes on with it and stops at
 * once. */
#include "count/counts.h"
#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz_checksum.h"

static int stop(void *context, const mmn_progress *progress)
{
    (void)context;
    (void)progress;
    return 1;
}

/* As make_results_corpus.py has it, which makes the corpus. */
static const char list[] =
    "{\"domain\":\"de\",\"text\":\"Jedes Neuron einer Schicht liest dieselben Zahlen.\"}\n"
    "{\"domain\":\"en\",\"text\":\"Every neuron of a layer reads the same numbers.\"}\n";

/* A state of another version is refused as that: the corpus's becomes this one's, with as many
 * bytes. */
static void renew_version(char *state, size_t size)
{
    static const char key[] = "\"version\":\"";
    const char *version = mmn_version();
    char *at = memmem(state, size, key, strlen(key));
    const size_t end = strlen(key) + strlen(version);
    if (at && (size_t)(state + size - at) > end && at[end] == '"')
        memcpy(at + strlen(key), version, strlen(version));
}

FUZZ_TARGET(state, 20)
{
    static mmn_model *model;
    mmn_error error = {0};
    if (!model) {
        if (mmn_model_open(&model, MMN_SOURCE_DIR "/golden/checkpoints/llama-2", NULL, &error) !=
            MMN_OK)
            abort();
        mmn_fuzz_put("list.jsonl", list, sizeof(list) - 1);
    }
    char *copy = malloc(size > 0 ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    renew_version(copy, size);
    mmn_fuzz_put_checked("counts.state", (const uint8_t *)copy, size, MMN_COUNTS_CHECKSUM);
    free(copy);
    mmn_count_summary summary;
    mmn_count_options options = {.size = sizeof(options),
                                 .list = mmn_fuzz_path("list.jsonl"),
                                 .output = mmn_fuzz_path("counts"),
                                 .window = 16,
                                 .progress = stop};
    mmn_status status = mmn_count(model, &options, &summary, &error);
    mmn_fuzz_take("counts");
    mmn_fuzz_take("counts.state");
    if (status == MMN_INTERRUPTED)
        return MMN_FUZZ_ACCEPTED;
    return mmn_fuzz_done(status, &error) ? MMN_FUZZ_ACCEPTED : MMN_FUZZ_REFUSED;
}
