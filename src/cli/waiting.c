/* How OpenMP's threads wait for each other: asleep, unless the environment says otherwise.
 *
 * A thread that spins takes the core from the one that it waits for as soon as another program runs
 * (doc/benchmarks.md has what that costs, and what sleeping costs where nothing else runs). Gcc's
 * OpenMP reads OMP_WAIT_POLICY while libraries are initialised, from the environment that the
 * system put on the stack. Only what stands in .preinit_array runs before that, even before the C
 * library is ready: what setenv does there is lost again. So it writes the variable over another
 * one that no library looks at, which comes back before `main` does anything. Started without any
 * such variable, threads wait as OpenMP has it. */
#include "cli/waiting.h"

#include <stdlib.h>

#if defined(_OPENMP) && defined(__ELF__)

/* The entry that was written over, or NULL. */
static char *displaced;

/* Memory checkers are not ready, either. */
#define BEFORE_ALL __attribute__((no_sanitize("address"), no_sanitize("undefined")))

BEFORE_ALL static int has_name(const char *entry, const char *name)
{
    for (; *name != '\0'; entry++, name++)
        if (*entry != *name)
            return 0;
    return *entry == '=';
}

BEFORE_ALL static int is_any_of(const char *entry, const char *const *names)
{
    for (; *names; names++)
        if (has_name(entry, *names))
            return 1;
    return 0;
}

BEFORE_ALL static void wait_asleep(int argc, char **argv, char **environment)
{
    static const char *const decisive[] = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", NULL};
    static const char *const unread[] = {"_",    "OLDPWD", "SHLVL", "PWD",  "LOGNAME",
                                         "USER", "SHELL",  "TERM",  "PATH", NULL};
    static char passive[] = "OMP_WAIT_POLICY=passive";
    char **spare = NULL;
    (void)argc;
    (void)argv;
    for (char **entry = environment; *entry; entry++) {
        if (is_any_of(*entry, decisive))
            return;
        if (!spare && is_any_of(*entry, unread))
            spare = entry;
    }
    if (!spare)
        return;
    displaced = *spare;
    *spare = passive;
}

__attribute__((section(".preinit_array"),
               used)) static void (*const before_libraries)(int, char **, char **) = wait_asleep;

#else

static char *displaced;

#endif

void mmn_cli_settle_waiting(void)
{
    if (displaced)
        putenv(displaced);
    /* Other OpenMPs read it with their first threads. */
    setenv("OMP_WAIT_POLICY", "passive", 0);
}
