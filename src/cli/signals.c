/* Signals: Ctrl-C as a request to stop, and a mapped file that got shorter as a sentence. */
#include "cli/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

/* ---- Ctrl-C: the first signal sets a flag, the second ends the program ----------------------- */

/* How long the work may take to notice, in seconds. The library asks at every layer and every few
 * thousand tokens; what it calls, a decoder of pictures or of regular expressions, does not ask. */
enum { PATIENCE = 2 };

/* The signal that came, or 0, and whether the work has noticed: all that a handler may portably
 * write. */
static volatile sig_atomic_t caught_signal, noticed;
static bool ignores_broken_pipes;

/* What is removed where a signal ends the program: copies, since a handler may come upon an owner
 * that is just releasing its own. */
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

/* Only what a handler may do: results are written under other names and renamed, so that ending
 * here leaves none half-written. */
static void remove_files(void)
{
    for (int i = 0; i < removed_count; i++)
        if (unlink(removed[i]) != 0)
            (void)rmdir(removed[i]);
}

/* Ends the program as the signal does by itself. */
static void end_at_once(int number)
{
    static const char message[] = "mmneuron: interrupted\n";
    remove_files();
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
    remove_files();
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
    /* Calls that the signal interrupts are resumed, so that no read or write fails because of
     * it. */
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

/* ---- SIGBUS ---------------------------------------------------------------------------------- */

/* Weights are mapped and not copied, and the kernel has no other way to say that bytes of a file
 * are no longer there. The handler may only do what is safe in the midst of anything: it reads
 * which file is mapped at the address from /proc/self/maps, writes, and ends the program. Outputs
 * appear by renaming, so that none is left by half. */

/* A line of /proc/self/maps: "BEGIN-END PERMISSIONS OFFSET DEVICE INODE   PATH", cut where it is
 * longer than any path that can be opened. */
typedef struct map_line {
    char text[4096 + 256];
    size_t length;
} map_line;

/* The next line, without its end; false at the end of the file. */
static bool next_line(map_line *line, int maps)
{
    char byte;
    line->length = 0;
    while (read(maps, &byte, 1) == 1) {
        if (byte == '\n')
            return true;
        if (line->length < sizeof(line->text))
            line->text[line->length++] = byte;
    }
    return false;
}

static uintptr_t take_number(const map_line *line, size_t *at)
{
    uintptr_t number = 0;
    for (; *at < line->length; ++*at) {
        char digit = line->text[*at];
        if (digit >= '0' && digit <= '9')
            number = 16 * number + (uintptr_t)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            number = 16 * number + (uintptr_t)(digit - 'a' + 10);
        else
            break;
    }
    return number;
}

/* Where the path of the file begins that is mapped at the address, or 0. */
static size_t find_path(const map_line *line, uintptr_t address)
{
    size_t at = 0;
    uintptr_t begin = take_number(line, &at);
    if (at == line->length || line->text[at++] != '-')
        return 0;
    uintptr_t end = take_number(line, &at);
    if (address < begin || address >= end)
        return 0;
    while (at < line->length && line->text[at] != '/')
        at++;
    return at < line->length ? at : 0;
}

static void say(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, text, length);
        if (written <= 0)
            return;
        text += written;
        length -= (size_t)written;
    }
}

/* Writes the path, with a question mark for whatever could drive a terminal. */
static void say_path(map_line *line, size_t begin)
{
    for (size_t at = begin; at < line->length; at++) {
        unsigned char byte = (unsigned char)line->text[at];
        if (byte < 0x20 || byte >= 0x7f)
            line->text[at] = '?';
    }
    say(line->text + begin, line->length - begin);
    say(": ", 2);
}

static void end_program(int number, siginfo_t *info, void *context)
{
    static const char name[] = "mmneuron: ";
    static const char reason[] = "can no longer be read: the file got shorter while it was in use,"
                                 " or its disk fails\n";
    static map_line line;
    static atomic_flag ending = ATOMIC_FLAG_INIT;
    (void)number;
    (void)context;
    /* Of several threads that meet the fault one writes; the others wait for the end. */
    while (atomic_flag_test_and_set(&ending))
        pause();
    int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    size_t path = 0;
    say(name, sizeof(name) - 1);
    while (maps >= 0 && path == 0 && next_line(&line, maps))
        path = find_path(&line, (uintptr_t)info->si_addr);
    if (path > 0)
        say_path(&line, path);
    say(reason, sizeof(reason) - 1);
    remove_files();
    _exit(MMN_CLI_FAILED);
}

void mmn_cli_guard_mappings(void)
{
    struct sigaction action = {.sa_sigaction = end_program, .sa_flags = SA_SIGINFO};
    sigfillset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}
