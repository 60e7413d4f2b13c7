/* Where -o says that a result goes, and what becomes of it when it cannot go there. */
#include "cli/destination.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/ranks.h"
#include "cli/signals.h"

void mmn_cli_destination_source(mmn_cli_call *call, mmn_source_kind kind, const char *path)
{
    mmn_cli_destination *destination = &call->destination;
    if (path == NULL)
        return;
    mmn_source *grown = realloc(destination->sources,
                                (destination->source_count + 1) * sizeof *destination->sources);
    destination->short_of_memory = destination->short_of_memory || grown == NULL;
    if (grown == NULL)
        return;
    destination->sources = grown;
    grown[destination->source_count++] = (mmn_source){.kind = kind, .path = path};
}

/* A file in a new folder, for what the library writes and standard output shall have. */
static int make_temporary(mmn_cli_destination *destination)
{
    static const char name[] = "/mmneuron-XXXXXX", file[] = "/output";
    const char *parent = getenv("TMPDIR");
    if (parent == NULL || *parent == '\0')
        parent = "/tmp";
    size_t folder_length = strlen(parent) + strlen(name);
    char *path = malloc(folder_length + sizeof file);
    if (path == NULL) {
        mmn_cli_message("memory is short");
        return MMN_CLI_FAILED;
    }
    sprintf(path, "%s%s", parent, name);
    if (mkdtemp(path) == NULL) {
        mmn_cli_message("%s: nothing can be written in this folder, where the result was to be on"
                        " its way to standard output: %s",
                        parent, strerror(errno));
        free(path);
        return MMN_CLI_FAILED;
    }
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", path);
    memcpy(path + folder_length, file, sizeof file);
    mmn_cli_interrupt_removes(path);
    mmn_cli_interrupt_removes(folder);
    destination->path = destination->temporary = path;
    return MMN_CLI_DONE;
}

static int open_standard(mmn_cli_call *call, mmn_cli_destination_kind kind)
{
    call->destination.standard = true;
    if (kind == MMN_CLI_FOLDER)
        return mmn_cli_usage(call, "-o - is for one file, and these are several; give a folder, or"
                                   " choose one with --figure");
    if (kind == MMN_CLI_BINARY && isatty(STDOUT_FILENO))
        return mmn_cli_usage(call, "-o - would write binary data to a terminal; redirect standard"
                                   " output");
    return kind == MMN_CLI_JSON ? MMN_CLI_DONE : make_temporary(&call->destination);
}

/* As /dev/stdout is, where that is a file. */
static bool is_standard_output(const char *path)
{
    struct stat given, standard;
    return stat(path, &given) == 0 && S_ISREG(given.st_mode) &&
           fstat(STDOUT_FILENO, &standard) == 0 && given.st_dev == standard.st_dev &&
           given.st_ino == standard.st_ino;
}

/* A file or folder, which may be none of the sources. */
static int claim(mmn_cli_call *call, mmn_output **output, const char *given,
                 mmn_cli_destination_kind kind, const char *beside)
{
    const mmn_cli_destination *destination = &call->destination;
    char purpose[64];
    mmn_error error;
    snprintf(purpose, sizeof purpose, "mmneuron %s", call->command->name);
    const mmn_output_options options = {
        .size = sizeof(options),
        .purpose = purpose,
        .folder = kind == MMN_CLI_FOLDER,
        .sources = destination->sources,
        .source_count = destination->source_count,
        .beside = &beside,
        .beside_count = beside != NULL,
    };
    if (is_standard_output(given))
        return mmn_cli_usage(call,
                             "-o %s is where standard output goes; -o - writes the result"
                             " there",
                             given);
    if (mmn_output_claim(output, given, &options, &error) != MMN_OK)
        return mmn_cli_fail(&error);
    mmn_cli_interrupt_removes(mmn_output_lock_file(*output));
    return MMN_CLI_DONE;
}

static int take(mmn_cli_call *call, const char *given, mmn_cli_destination_kind kind,
                const char *beside)
{
    if (strcmp(given, "-") == 0)
        return open_standard(call, kind);
    MMN_CLI_TRY(claim(call, &call->destination.output, given, kind, beside));
    call->destination.path = given;
    return MMN_CLI_DONE;
}

int mmn_cli_destination_open(mmn_cli_call *call, const char *given, mmn_cli_destination_kind kind,
                             const char *beside)
{
    for (size_t i = 0; i < call->deltas.count; i++)
        mmn_cli_destination_source(call, MMN_SOURCE_FILE, call->deltas.texts[i]);
    if (call->destination.short_of_memory) {
        mmn_cli_message("memory is short");
        return MMN_CLI_FAILED;
    }
    if (given == NULL)
        return MMN_CLI_DONE;
    if (mmn_cli_ranks_follow()) { /* the first process takes it */
        call->destination.path = given;
        return MMN_CLI_DONE;
    }
    mmn_cli_interrupt_guard();
    mmn_cli_interrupt_hold(true);
    int code = take(call, given, kind, beside);
    mmn_cli_interrupt_hold(false);
    return code;
}

int mmn_cli_destination_open_further(mmn_cli_call *call, const char *given)
{
    if (mmn_cli_ranks_follow())
        return MMN_CLI_DONE;
    mmn_cli_interrupt_guard();
    mmn_cli_interrupt_hold(true);
    const int code = claim(call, &call->destination.further, given, MMN_CLI_BINARY, NULL);
    mmn_cli_interrupt_hold(false);
    return code;
}

/* Removes what is left of the temporary file, and the folder that was made for it. */
static void remove_temporary(char *path)
{
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
    free(path);
}

void mmn_cli_destination_close(mmn_cli_destination *destination)
{
    mmn_cli_interrupt_hold(true);
    mmn_cli_interrupt_keeps();
    mmn_output_release(destination->output);
    mmn_output_release(destination->further);
    if (destination->temporary != NULL)
        remove_temporary(destination->temporary);
    mmn_cli_interrupt_hold(false);
    free(destination->sources);
    mmn_release(destination->state);
    *destination = (mmn_cli_destination){0};
}

static void keep_elsewhere(const mmn_cli_destination *destination, const char *json)
{
    mmn_error error;
    char *place;
    const char *name = destination->path != NULL ? destination->path : "result.json";
    if (mmn_keep_elsewhere(&place, name, json, &error) == MMN_OK) {
        mmn_cli_message("the result is in %s instead", place);
        mmn_release(place);
    } else if (destination->path != NULL) {
        mmn_cli_print("%s", json);
        mmn_cli_flush();
        mmn_cli_message("the result is on standard output instead, as JSON");
    } else {
        mmn_cli_fail(&error);
    }
}

/* What there is to say beside the result goes to standard output, or where that has the result to
 * standard error. */
static void print_result(const mmn_cli_call *call, const mmn_result *result, const char *json,
                         const char *table)
{
    const mmn_cli_destination *destination = &call->destination;
    void (*say)(const char *format, ...) = destination->standard ? mmn_cli_print_aside
                                                                 : mmn_cli_print;
    const char *digest = mmn_result_text(result, "result", 0, "digest");
    if (destination->standard || call->json)
        mmn_cli_print("%s", json);
    if (call->json || (destination->standard && call->quiet))
        return;
    say("%s", table);
    if (digest != NULL)
        say("digest %s\n", digest);
}

int mmn_cli_give_result(const mmn_cli_call *call, const mmn_result *result)
{
    const mmn_cli_destination *destination = &call->destination;
    char *table = NULL, *json = NULL;
    mmn_error error, write_error;
    const bool written = destination->path == NULL ||
                         mmn_result_write(result, destination->path, &write_error) == MMN_OK;
    if (written && destination->state != NULL)
        remove(destination->state);
    const bool made = mmn_result_json(result, &json, &error) == MMN_OK &&
                      mmn_result_table(result, &table, &error) == MMN_OK;
    const bool has_json = destination->standard || call->json;
    int code = MMN_CLI_DONE;
    if (made)
        print_result(call, result, json, table);
    else
        code = mmn_cli_fail(&error);
    const bool printed = mmn_cli_flush();
    if (!written) {
        code = mmn_cli_fail(&write_error);
        if (made && printed && has_json)
            mmn_cli_message("the result is on standard output instead");
        else if (made)
            keep_elsewhere(destination, json);
    } else if (made && !printed && destination->path == NULL && !mmn_cli_reader_is_gone()) {
        keep_elsewhere(destination, json);
    }
    mmn_release(table);
    mmn_release(json);
    return code;
}

/* Copies all of `file`; false when it cannot be read. */
static bool copy_to_output(FILE *file)
{
    char bytes[1 << 16];
    size_t size;
    while ((size = fread(bytes, 1, sizeof bytes, file)) > 0)
        mmn_cli_print_bytes(bytes, size);
    return ferror(file) == 0 && mmn_cli_flush();
}

int mmn_cli_destination_send(mmn_cli_call *call)
{
    mmn_cli_destination *destination = &call->destination;
    if (destination->temporary == NULL)
        return MMN_CLI_DONE;
    FILE *file = fopen(destination->temporary, "rb");
    bool sent = file != NULL && copy_to_output(file);
    if (file != NULL)
        fclose(file);
    if (sent)
        return MMN_CLI_DONE;
    if (!mmn_cli_reader_is_gone()) {
        mmn_cli_message("the result could not be copied to standard output; it is in %s instead",
                        destination->temporary);
        mmn_cli_interrupt_keeps();
        free(destination->temporary);
        destination->temporary = NULL; /* stays */
    }
    return MMN_CLI_FAILED;
}
