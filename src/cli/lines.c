/* The lines of a file that a command takes its questions from. */
#include "cli/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cli/command.h"
#include "cli/output.h"

enum { MAXIMUM_BYTES = 16 << 20 };

static int refuse(const char *file, const char *reason)
{
    mmn_cli_message("%s: %s", strcmp(file, "-") == 0 ? "standard input" : file, reason);
    return MMN_CLI_FAILED;
}

/* Reads all of `stream` as a text with a terminating zero. */
static int read_all(char **contents, FILE *stream, const char *file)
{
    size_t length = 0;
    size_t capacity = 4096;
    for (;;) {
        char *grown = realloc(*contents, capacity);
        if (grown == NULL)
            return refuse(file, "memory is short");
        *contents = grown;
        length += fread(grown + length, 1, capacity - 1 - length, stream);
        if (length < capacity - 1)
            break;
        if (capacity > MAXIMUM_BYTES)
            return refuse(file, "more than 16 MiB; expected a list of questions");
        capacity *= 2;
    }
    if (ferror(stream))
        return refuse(file, strerror(errno));
    if (memchr(*contents, '\0', length) != NULL)
        return refuse(file, "holds a zero byte; expected text, a question a line");
    (*contents)[length] = '\0';
    return MMN_CLI_DONE;
}

/* Jansson makes no string of other bytes. */
static bool is_utf8(const char *text)
{
    json_t *string = json_string(text);
    json_decref(string);
    return string != NULL;
}

/* Cuts the contents at line breaks, in place. */
static int cut_lines(mmn_cli_lines *lines, const char *file)
{
    size_t breaks = 0;
    for (const char *at = lines->contents; *at != '\0'; at++)
        breaks += *at == '\n';
    lines->texts = calloc(breaks + 1, sizeof(*lines->texts));
    if (lines->texts == NULL)
        return refuse(file, "memory is short");
    size_t number = 0;
    for (char *line = lines->contents; *line != '\0';) {
        number++;
        size_t length = strcspn(line, "\n");
        char *next = line + length + (line[length] == '\n');
        line[length] = '\0';
        if (length > 0 && line[length - 1] == '\r')
            line[length - 1] = '\0';
        if (!is_utf8(line)) {
            char reason[64];
            snprintf(reason, sizeof(reason), "line %zu: the text is not UTF-8", number);
            return refuse(file, reason);
        }
        if (*line != '\0')
            lines->texts[lines->count++] = line;
        line = next;
    }
    return lines->count > 0 ? MMN_CLI_DONE : refuse(file, "no question is in it");
}

int mmn_cli_read_lines(mmn_cli_lines *lines, const char *file)
{
    bool standard = strcmp(file, "-") == 0;
    FILE *stream = standard ? stdin : fopen(file, "rb");
    if (stream == NULL)
        return refuse(file, strerror(errno));
    int code = read_all(&lines->contents, stream, file);
    if (!standard)
        fclose(stream);
    return code == MMN_CLI_DONE ? cut_lines(lines, file) : code;
}

void mmn_cli_free_lines(mmn_cli_lines *lines)
{
    free((void *)lines->texts);
    free(lines->contents);
    *lines = (mmn_cli_lines){0};
}
