/* Fuzz target: the rows of an interrupted study, the logit lens, which goes on with them. The first
 * line, which says what run they are of, is this run's; lines have the check values that they ask
 * for. */
#include <string.h>

#include "base/digest.h"
#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz.h"

/* As make_results_corpus.py has it, which makes the corpus. */
static const char list[] = "{\"domain\":\"a\",\"question\":\"What is a neuron?\"}\n"
                           "{\"domain\":\"b\",\"prompt\":\"Where\",\"answers\":[\"here\"],"
                           "\"id\":\"7\"}\n";
static mmn_model *model;

static mmn_status read_lens(mmn_error *error)
{
    mmn_result *result;
    const mmn_lens_options options = {.size = sizeof(options),
                                      .list = mmn_fuzz_path("list.jsonl"),
                                      .top = 2,
                                      .examples = 1,
                                      .rows.file = mmn_fuzz_path("rows.jsonl")};
    const mmn_status status = mmn_lens_run(&result, model, &options, error);
    mmn_result_free(result);
    return status;
}

/* The first line of rows of this run, with its end. */
static char *make_header(void)
{
    mmn_error error = {0};
    static char header[4096];
    if (mmn_model_open(&model, MMN_SOURCE_DIR "/golden/checkpoints/llama-2", NULL, &error) !=
        MMN_OK)
        abort();
    mmn_fuzz_put("list.jsonl", list, sizeof(list) - 1);
    mmn_fuzz_take("rows.jsonl");
    if (read_lens(&error) != MMN_OK)
        abort();
    FILE *file = fopen(mmn_fuzz_path("rows.jsonl"), "r");
    if (!file || !fgets(header, sizeof(header), file))
        abort();
    fclose(file);
    return header;
}

/* Gives each line from `lines` on that ends as one the check value that the rest of it asks for. */
static void mend(char *lines, size_t size)
{
    static const char check[] = ", \"check\": \"";
    const size_t digest = MMN_DIGEST_SIZE - 1, tail = strlen(check) + digest + strlen("\"}\n");
    for (char *line = lines, *end; (end = memchr(line, '\n', size - (size_t)(line - lines)));
         line = end + 1) {
        const size_t length = (size_t)(end + 1 - line);
        char made[MMN_DIGEST_SIZE];
        if (length < tail || memcmp(end + 1 - tail, check, strlen(check)) != 0)
            continue;
        mmn_digest_of(line, length - tail, made);
        memcpy(end + 1 - tail + strlen(check), made, digest);
    }
}

FUZZ_TARGET(rows, 40)
{
    static char *header;
    if (!header)
        header = make_header();
    const size_t length = strlen(header);
    char *bytes = malloc(length + size);
    if (!bytes)
        abort();
    memcpy(bytes, header, length);
    if (size > 0)
        memcpy(bytes + length, data, size);
    mend(bytes + length, size);
    mmn_fuzz_put("rows.jsonl", bytes, length + size);
    free(bytes);
    mmn_error error = {0};
    const mmn_status status = read_lens(&error);
    mmn_fuzz_take("rows.jsonl");
    return mmn_fuzz_result(status, &error);
}
