/* Ctrl-C as a request to stop: the first signal sets a flag, the second ends the program. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "cli/command.h"

/* How long the work may take to notice, in seconds. The library asks at every layer and every few
 * thousand tokens; what it calls, a decoder of pictures or of regular expressions, does not ask. */
enum { PATIENCE = 2 };

/* The signal that came, or 0, and whether the work has noticed: all that a handler may portably
 * write. */
static volatile sig_atomic_t caught_signal, noticed;
static bool ignores_broken_pipes;

static void remember_signal(int number)
{
    caught_signal = number;
    alarm(PATIENCE);
}

/* Only what a handler may do: results are written under other names and renamed, so that ending here
 * leaves none half-written. */
static void end_unheard(int number)
{
    static const char message[] = "mmneuron: interrupted, in the middle of something that cannot be"
                                  " stopped; nothing more was written\n";
    (void)number;
    if (noticed)
        return;
    (void)!write(STDERR_FILENO, message, sizeof message - 1);
    _exit(128 + (int)caught_signal);
}

static void catch_signal(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    struct sigaction inherited;
    sigemptyset(&action.sa_mask);
    /* What a parent chose to ignore (nohup, a shell's background job) stays ignored. */
    if (sigaction(number, NULL, &inherited) == 0 && inherited.sa_handler != SIG_IGN)
        sigaction(number, &action, NULL);
}

void mmn_cli_interrupt_catch(void)
{
    struct sigaction pipe;
    /* Back to the default after the first, so that the second ends the program at once; calls that
     * the signal interrupts are resumed, so that no read or write fails because of it. */
    const int flags = (int)SA_RESETHAND | SA_RESTART;
    if (sigaction(SIGPIPE, NULL, &pipe) == 0 && pipe.sa_handler == SIG_DFL) {
        ignores_broken_pipes = true;
        catch_signal(SIGPIPE, SIG_IGN, 0);
    }
    catch_signal(SIGALRM, end_unheard, SA_RESTART);
    catch_signal(SIGHUP, remember_signal, flags);
    catch_signal(SIGTERM, remember_signal, flags);
    catch_signal(SIGINT, remember_signal, flags);
}

bool mmn_cli_interrupted(void)
{
    if (caught_signal != 0)
        noticed = 1;
    return caught_signal != 0;
}

int mmn_cli_interrupt_asked(void *context)
{
    (void)context;
    return mmn_cli_interrupted();
}

int mmn_cli_interrupt_code(void)
{
    return caught_signal != 0 ? 128 + (int)caught_signal : MMN_CLI_INTERRUPTED;
}

void mmn_cli_end_by_broken_pipe(void)
{
    if (!ignores_broken_pipes)
        return;
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
}
