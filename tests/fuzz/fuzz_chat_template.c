/* Fuzz target: a chat template, followed for one question with an image and for one without. */
#include <string.h>

#include "base/memory.h"
#include "tests/fuzz/fuzz.h"
#include "text/template.h"

static mmn_status render(const char *source, json_t *variables, mmn_error *error)
{
    char *text = NULL;
    mmn_status status =
        variables ? mmn_chat_template_render(source, variables, "template", &text, error) : MMN_OK;
    if (variables && (status == MMN_OK) != (text != NULL))
        abort();
    mmn_free(text);
    json_decref(variables);
    return status;
}

FUZZ_TARGET(chat_template, 300)
{
    char *source = malloc(size + 1);
    mmn_error error = {0};
    if (!source)
        return MMN_FUZZ_REFUSED;
    memcpy(source, data, size);
    source[size] = '\0';
    mmn_status status =
        render(source,
               json_pack("{s:[{s:s, s:s}], s:s, s:s}", "messages", "role", "user", "content",
                         " Why? ", "bos_token", "<s>", "eos_token", "</s>"),
               &error);
    int result = mmn_fuzz_result(status, &error);
    status = render(source,
                    json_pack("{s:[{s:s, s:[{s:s}, {s:s, s:s}]}], s:s}", "messages", "role", "user",
                              "content", "type", "image", "type", "text", "text", "Why?",
                              "eos_token", "</s>"),
                    &error);
    mmn_fuzz_result(status, &error);
    free(source);
    return result;
}
