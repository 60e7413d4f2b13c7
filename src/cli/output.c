/* Results on standard output, checked for write errors, and messages on standard error. */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/signals.h"

/* What went wrong first on standard output; a program has one, so its state is the program's. */
static int output_error;

/* Whether an allocation of Jansson's has failed: what is being built may lack anything then. */
static atomic_bool json_failed;

static void *allocate_json(size_t size)
{
    void *pointer = malloc(size);
    if (pointer == NULL)
        atomic_store(&json_failed, true);
    return pointer;
}

void mmn_cli_watch_json(void)
{
    json_set_alloc_funcs(allocate_json, free);
}

/* Whether the program ends by itself. */
static bool finished;

static void end_for_others(void)
{
    if (finished)
        return;
    mmn_cli_message(
        "a library ended the program, which OpenMP does when it gets no memory or no more"
        " threads: --threads 1 needs least");
    _exit(MMN_CLI_FAILED);
}

void mmn_cli_guard_exit(void)
{
    (void)atexit(end_for_others);
}

void mmn_cli_guard_streams(void)
{
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
        /* Opened for reading only, so that a result written to a closed output still fails. */
        if (fcntl(stream, F_GETFD) == -1 && errno == EBADF)
            (void)!open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY);
    }
    /* A file that would grow beyond the limit of the shell's ulimit is a write that fails, not the
     * end of the program with the result in its memory. */
    signal(SIGXFSZ, SIG_IGN);
}

/* Whether nothing is printed; messages are kept then, the last of them. */
static bool silent;
static char kept_message[4096];

void mmn_cli_silence(void)
{
    silent = true;
}

bool mmn_cli_is_silent(void)
{
    return silent;
}

void mmn_cli_say_kept(unsigned number)
{
    if (kept_message[0] != '\0')
        fprintf(stderr, "mmneuron: in process %u: %s\n", number, kept_message);
}

static void remember_error(void)
{
    if (output_error == 0)
        output_error = errno != 0 ? errno : EIO;
}

/* Prints what may hold texts from files and answers. */
static bool print_safely(FILE *stream, const char *format, va_list arguments)
{
    char *text = NULL;
    if (silent)
        return true;
    if (vasprintf(&text, format, arguments) < 0)
        return false;
    mmn_make_printable(text, 1);
    bool printed = fputs(text, stream) >= 0;
    free(text);
    return printed;
}

void mmn_cli_print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    errno = 0;
    if (!print_safely(stdout, format, arguments))
        remember_error();
    va_end(arguments);
}

void mmn_cli_print_aside(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)print_safely(stderr, format, arguments);
    va_end(arguments);
}

void mmn_cli_print_bytes(const void *bytes, size_t size)
{
    errno = 0;
    if (silent)
        return;
    if (fwrite(bytes, 1, size, stdout) != size)
        remember_error();
}

bool mmn_cli_flush(void)
{
    errno = 0;
    if (fflush(stdout) != 0)
        remember_error();
    return output_error == 0;
}

bool mmn_cli_reader_is_gone(void)
{
    return output_error == EPIPE;
}

/* Whether nothing in the text has to be written otherwise for a terminal. */
static bool is_printable(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        return false;
    mmn_make_printable(copy, 1);
    bool same = strcmp(copy, text) == 0;
    free(copy);
    return same;
}

int mmn_cli_print_json(json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_INDENT(2)) : NULL;
    if (text != NULL && !is_printable(text)) {
        free(text);
        text = json_dumps(value, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    }
    json_decref(value);
    if (atomic_load(&json_failed)) {
        free(text);
        mmn_cli_message("the result cannot be written as JSON: out of memory");
        return MMN_CLI_FAILED;
    }
    if (text == NULL) {
        mmn_cli_message("the result cannot be written as JSON: a name in it is not UTF-8");
        return MMN_CLI_FAILED;
    }
    mmn_cli_print("%s\n", text);
    free(text);
    return MMN_CLI_DONE;
}

static void print_message(const char *format, va_list arguments)
{
    char text[4096];
    vsnprintf(text, sizeof(text), format, arguments);
    mmn_make_printable(text, 0); /* a message is one line */
    if (silent)
        memcpy(kept_message, text, sizeof(text));
    else
        fprintf(stderr, "mmneuron: %s\n", text);
}

void mmn_cli_message(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_message(format, arguments);
    va_end(arguments);
}

int mmn_cli_fail(const mmn_error *error)
{
    char sentence[2400];
    mmn_error_sentence(error, sentence, sizeof(sentence));
    mmn_cli_message("%s", sentence);
    switch (error->status) {
    case MMN_OK:
        return MMN_CLI_DONE;
    case MMN_DIFFERENT:
        return MMN_CLI_DIFFERENT;
    case MMN_USAGE:
        return MMN_CLI_USAGE;
    case MMN_INTERRUPTED:
        return mmn_cli_interrupt_code();
    case MMN_INPUT:
    case MMN_SYSTEM:
    case MMN_NONFINITE:
        break;
    }
    return MMN_CLI_FAILED;
}

int mmn_cli_usage(const mmn_cli_call *call, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_message(format, arguments);
    va_end(arguments);
    if (silent)
        return MMN_CLI_USAGE;
    if (call != NULL)
        fprintf(stderr, "Try \"mmneuron %s --help\".\n", call->command->name);
    else
        fprintf(stderr, "Try \"mmneuron help\".\n");
    return MMN_CLI_USAGE;
}

int mmn_cli_finish(int code)
{
    finished = true;
    errno = 0;
    if (fclose(stdout) != 0)
        remember_error();
    if (output_error == 0)
        return code;
    if (output_error == EPIPE)
        mmn_cli_end_by_broken_pipe();
    mmn_cli_message("standard output: cannot write the result: %s", strerror(output_error));
    return MMN_CLI_FAILED;
}
