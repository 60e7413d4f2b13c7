/* Which golden models a build can open: the tokenizers of some need a library that may be left out.
 * What opening says then is tested in tests/text. */
#ifndef TESTS_TOOLS_NEEDS_H
#define TESTS_TOOLS_NEEDS_H

#include <stdbool.h>
#include <string.h>

static inline bool mmn_build_reads(const char *model)
{
    const char *name = strrchr(model, '/') ? strrchr(model, '/') + 1 : model;
    (void)name;
#ifndef HAVE_PCRE2
    if (strcmp(name, "bloom") == 0 || strcmp(name, "llama-3") == 0 || strstr(name, "qwen") ||
        strcmp(name, "five-languages") == 0 || strcmp(name, "opt") == 0 ||
        strcmp(name, "phi") == 0 || strstr(name, "deberta") || strstr(name, "owlvit"))
        return false;
#endif
#ifndef HAVE_UTF8PROC
    if (strcmp(name, "instructblip") == 0 || strstr(name, "qwen") ||
        strcmp(name, "deberta-v3") == 0 || strstr(name, "owlvit"))
        return false;
#endif
    return true;
}

/* Ends a test that cannot be done without the model. */
#define MMN_NEEDS(model)                                                                           \
    do {                                                                                           \
        if (!mmn_build_reads(model))                                                               \
            cr_skip_test("this build leaves out what the model's tokenizer needs");                \
    } while (0)

#endif
