/* Fuzz target: a model's config.json and, after zero bytes, preprocessor_config.json,
 * generation_config.json and tokenizer_config.json. The first letter chooses the golden model
 * that has the other files. If it opens, a prompt is run, with an image if it takes one. */
#include <string.h>

#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz.h"

enum { LONGEST = 1000, GENERATED = 2 };

static void run(const mmn_model *model, const mmn_input *input)
{
    mmn_error error = {0};
    mmn_session *session;
    int32_t ids[GENERATED];
    size_t count;
    if (!mmn_fuzz_done(mmn_session_create(&session, model, NULL, &error), &error))
        return;
    mmn_status status = mmn_session_prefill(session, input, &error);
    if (status != MMN_SYSTEM && mmn_fuzz_done(status, &error))
        mmn_fuzz_done(mmn_session_generate(session, GENERATED, ids, &count, &error), &error);
    mmn_session_free(session);
}

/* Runs a question, with an image unless the model takes none. */
static void ask(const mmn_model *model, bool takes_image)
{
    static const char *const image = MMN_SOURCE_DIR "/golden/images/tiny.png";
    mmn_error error = {0};
    mmn_input *input;
    char *prompt;
    size_t images = takes_image ? 1 : 0;
    if (!mmn_fuzz_done(mmn_prompt_from_template(model, NULL, "What?", images, &prompt, &error),
                       &error))
        return;
    mmn_status status = mmn_input_from_prompt(&input, model, prompt, &image, images, &error);
    mmn_release(prompt);
    /* Sizes that config.json asks for may be more than there is memory for. */
    if (status == MMN_SYSTEM || !mmn_fuzz_done(status, &error))
        return;
    if (mmn_input_length(input) < LONGEST)
        run(model, input);
    mmn_input_free(input);
}

FUZZ_TARGET(model, 20)
{
    static const char *const folders[] = {
        "golden/checkpoints/llama-2", "golden/demo/model", "golden/checkpoints/instructblip",
        "golden/checkpoints/llava-interleave-qwen", "golden/checkpoints/bloom"};
    static const char *const names[] = {"config.json", "preprocessor_config.json",
                                        "generation_config.json", "tokenizer_config.json"};
    if (size == 0 || data[0] < 'a' || (size_t)(data[0] - 'a') >= sizeof(folders) / sizeof(*folders))
        return MMN_FUZZ_REFUSED;
    const char *folder = folders[data[0] - 'a'];
    mmn_fuzz_empty_folder();
    mmn_fuzz_link(folder);
    const uint8_t *at = data + 1, *end = data + size;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && at; i++) {
        const uint8_t *zero = at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;
        size_t length = (size_t)((zero ? zero : end) - at);
        if (length > 0)
            mmn_fuzz_put(names[i], at, length);
        at = zero ? zero + 1 : NULL;
    }
    mmn_error error = {0};
    mmn_model *model;
    mmn_status status = mmn_model_open(&model, mmn_fuzz_path("."), NULL, &error);
    if (status == MMN_OK) {
        ask(model, strcmp(folder, folders[0]) != 0 && strcmp(folder, folders[4]) != 0);
        mmn_model_close(model);
    }
    return mmn_fuzz_done(status, &error) ? MMN_FUZZ_ACCEPTED : MMN_FUZZ_REFUSED;
}
