/* wait_policy.c: how threads wait for their next piece of work. */
#include "cli/wait_policy.h"

#include <stdlib.h>
#include <unistd.h>

/* A thread that spins takes the core from the one that it waits for as soon as another program runs:
 * doc/benchmarks.md has what that costs, and what sleeping costs where nothing else runs. */
void mmn_cli_wait_asleep(char **argv)
{
#ifdef _OPENMP
    if (!getenv("OMP_WAIT_POLICY") && setenv("OMP_WAIT_POLICY", "passive", 0) == 0)
        execv("/proc/self/exe", argv);
#else
    (void)argv;
#endif
}
