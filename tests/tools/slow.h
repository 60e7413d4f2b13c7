/* Whether this is a build, or a machine, on which tests take many times as long. */
#ifndef MMN_TESTS_TOOLS_SLOW_H
#define MMN_TESTS_TOOLS_SLOW_H

#include <stdbool.h>
#include <stdlib.h>

/* True with sanitizers and under an emulator. */
static inline bool is_slow(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return true;
#else
    const char *emulator = getenv("EMULATOR");
    return emulator && emulator[0];
#endif
}

#endif
