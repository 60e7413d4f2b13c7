/* The end of a program whose mapped file got shorter: SIGBUS becomes a sentence and an exit code.
 *
 * Weights are mapped and not copied, and the kernel has no other way to say that bytes of a file are no
 * longer there. The handler may only do what is safe in the midst of anything: it reads which file is
 * mapped at the address from /proc/self/maps, writes, and ends the program. Outputs appear by renaming,
 * so that none is left by half. */
#include "cli/fault.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/interrupt.h"

/* A line of /proc/self/maps: "BEGIN-END PERMISSIONS OFFSET DEVICE INODE   PATH", cut where it is longer
 * than any path that can be opened. */
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
    static const char reason[] = "can no longer be read: the file got shorter while it was in use, or "
                                 "its disk fails\n";
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
    mmn_cli_interrupt_remove();
    _exit(MMN_CLI_FAILED);
}

void mmn_cli_guard_mappings(void)
{
    struct sigaction action = {.sa_sigaction = end_program, .sa_flags = SA_SIGINFO};
    sigfillset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}
