/* Emulation: lets Criterion run its tests under qemu-user.
 *
 * Criterion runs each test in a worker process, which it starts by execve of its own program. Under
 * qemu-user the kernel would be asked to run a program of another architecture. This execve,
 * which comes before the C library's, puts the emulator in front: the program that the environment
 * variable EMULATOR names (one word, a path; its options go into the environment as well, such
 * as QEMU_LD_PREFIX and QEMU_CPU). */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAXIMUM_ARGUMENTS = 64 };

/* Visible, although the build hides what is not told otherwise: Criterion's library must find
 * it. */
__attribute__((visibility("default"))) int execve(const char *path, char *const arguments[],
                                                  char *const environment[])
{
    const char *emulator = getenv("EMULATOR");
    char program[4096];
    const char *emulated[MAXIMUM_ARGUMENTS + 5];
    size_t count = 0;

    if (emulator == NULL || emulator[0] == '\0' || arguments[0] == NULL ||
        strcmp(arguments[0], "boxfort-worker") != 0)
        return (int)syscall(SYS_execve, path, arguments, environment);

    /* A path such as /proc/self/exe would be the emulator once that has started. */
    ssize_t length = readlink(path, program, sizeof program - 1);
    if (length > 0) {
        program[length] = '\0';
        path = program;
    }
    emulated[count++] = emulator;
    emulated[count++] = "-0";
    emulated[count++] = arguments[0];
    emulated[count++] = path;
    for (size_t i = 1; arguments[i] != NULL && i < MAXIMUM_ARGUMENTS; i++)
        emulated[count++] = arguments[i];
    emulated[count] = NULL;
    return (int)syscall(SYS_execve, emulator, emulated, environment);
}
