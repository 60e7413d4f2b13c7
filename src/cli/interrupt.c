/* Ctrl-C as a request to stop: the first signal sets a flag, the second ends the program. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>

#include "cli/command.h"

/* The signal that came, or 0: all that a handler may portably write. */
static volatile sig_atomic_t caught_signal;

static void remember_signal(int number)
{
    caught_signal = number;
}

void mmn_cli_interrupt_catch(void)
{
    const int signals[] = {SIGINT, SIGTERM};
    for (size_t index = 0; index < sizeof signals / sizeof signals[0]; index++) {
        struct sigaction action = {.sa_handler = remember_signal};
        struct sigaction inherited;
        sigemptyset(&action.sa_mask);
        /* Back to the default after the first, so that the second ends the program at once; calls
         * that the signal interrupts are resumed, so that no read or write fails because of it. */
        action.sa_flags = (int)SA_RESETHAND | SA_RESTART;
        /* What a parent chose to ignore (nohup, a shell's background job) stays ignored. */
        if (sigaction(signals[index], NULL, &inherited) == 0 && inherited.sa_handler != SIG_IGN)
            sigaction(signals[index], &action, NULL);
    }
}

bool mmn_cli_interrupted(void)
{
    return caught_signal != 0;
}

int mmn_cli_interrupt_code(void)
{
    return caught_signal != 0 ? 128 + (int)caught_signal : MMN_CLI_INTERRUPTED;
}
