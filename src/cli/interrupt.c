/* Ctrl-C as a request to stop: the first signal sets a flag, the second ends the program. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

/* How long the work may take to notice, in seconds. The library asks at every layer and every few
 * thousand tokens; what it calls, a decoder of pictures or of regular expressions, does not ask. */
enum { PATIENCE = 2 };

/* The signal that came, or 0, and whether the work has noticed: all that a handler may portably
 * write. */
static volatile sig_atomic_t caught_signal, noticed;
static bool ignores_broken_pipes;

/* What is removed where a signal ends the program: copies, since a handler may come upon an owner that
 * is just releasing its own. */
static char removed[3][4096];
static volatile sig_atomic_t removed_count;

void mmn_cli_interrupt_removes(const char *path)
{
    int count = removed_count;
    if (count == (int)(sizeof(removed) / sizeof(removed[0])) || strlen(path) >= sizeof(removed[0]))
        return;
    strcpy(removed[count], path);
    removed_count = count + 1;
}

void mmn_cli_interrupt_keeps(void)
{
    removed_count = 0;
}

/* Only what a handler may do: results are written under other names and renamed, so that ending here
 * leaves none half-written. */
void mmn_cli_interrupt_remove(void)
{
    for (int i = 0; i < removed_count; i++)
        if (unlink(removed[i]) != 0)
            (void)rmdir(removed[i]);
}

/* Ends the program as the signal does by itself. */
static void end_at_once(int number)
{
    static const char message[] = "mmneuron: interrupted\n";
    mmn_cli_interrupt_remove();
    (void)!write(STDERR_FILENO, message, sizeof(message) - 1);
    signal(number, SIG_DFL);
    raise(number);
}

static void remember_signal(int number)
{
    if (caught_signal != 0) {
        end_at_once(number);
        return;
    }
    caught_signal = number;
    alarm(PATIENCE);
}

static void end_unheard(int number)
{
    static const char message[] = "mmneuron: interrupted, in the middle of something that cannot be"
                                  " stopped; nothing more was written\n";
    (void)number;
    if (noticed)
        return;
    mmn_cli_interrupt_remove();
    (void)!write(STDERR_FILENO, message, sizeof(message) - 1);
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

void mmn_cli_interrupt_hold(bool hold)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &signals, NULL);
}

static void catch_all(void (*handler)(int), int flags)
{
    catch_signal(SIGHUP, handler, flags);
    catch_signal(SIGTERM, handler, flags);
    catch_signal(SIGINT, handler, flags);
}

void mmn_cli_interrupt_guard(void)
{
    catch_all(end_at_once, SA_RESTART);
}

void mmn_cli_interrupt_catch(void)
{
    struct sigaction pipe;
    if (sigaction(SIGPIPE, NULL, &pipe) == 0 && pipe.sa_handler == SIG_DFL) {
        ignores_broken_pipes = true;
        catch_signal(SIGPIPE, SIG_IGN, 0);
    }
    /* Calls that the signal interrupts are resumed, so that no read or write fails because of it. */
    catch_signal(SIGALRM, end_unheard, SA_RESTART);
    catch_all(remember_signal, SA_RESTART);
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
