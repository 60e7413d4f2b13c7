/* The one parser of command lines: getopt_long over the tables that also make the help texts. */
#include "cli/options.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "cli/values.h"

#define MAXIMUM_OPTIONS 48
#define MAXIMUM_NAMES (2 * MAXIMUM_OPTIONS)
#define FIRST_LONG_ONLY 256 /* getopt's value of options without a letter: above every character */
#define HELP_WIDTH 80
#define HELP_COLUMN 28

/* ---- Help ------------------------------------------------------------------------------------ */

/* Prints text from the current column, which is `column`, broken between words so that no line is
 * longer than HELP_WIDTH. */
static void print_wrapped(const char *text, int column)
{
    int at = column;
    while (*text != '\0') {
        int length = (int)strcspn(text, " ");
        if (at > column && at + 1 + length > HELP_WIDTH) {
            mmn_cli_print("\n%*s", column, "");
            at = column;
        }
        mmn_cli_print("%s%.*s", at > column ? " " : "", length, text);
        at += length + (at > column ? 1 : 0);
        text += length;
        text += strspn(text, " ");
    }
    mmn_cli_print("\n");
}

static void print_option(const mmn_cli_option *option)
{
    char left[64];
    char letter[8] = "    ";
    if (option->letter != 0)
        snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    int width = snprintf(left, sizeof(left), "  %s--%s%s%s", letter, option->name,
                         option->value != NULL ? " " : "",
                         option->value != NULL ? option->value : "");
    mmn_cli_print("%s", left);
    if (width + 2 > HELP_COLUMN)
        mmn_cli_print("\n%*s", HELP_COLUMN, "");
    else
        mmn_cli_print("%*s", HELP_COLUMN - width, "");
    print_wrapped(option->help, HELP_COLUMN);
}

static void print_help(const mmn_cli_command *command, const mmn_cli_option *options,
                       size_t own, size_t count)
{
    mmn_cli_print("Usage: mmneuron %s [options] %s\n\n", command->name, command->arguments);
    mmn_cli_print("%c", toupper((unsigned char)command->summary[0]));
    print_wrapped(command->summary + 1, 0);
    if (own > 0)
        mmn_cli_print("\nOptions:\n");
    for (size_t index = 0; index < own; index++)
        print_option(&options[index]);
    mmn_cli_print("\nOptions of every command:\n");
    for (size_t index = own; index < count; index++)
        print_option(&options[index]);
    mmn_cli_print("\nThe manual has more: man mmneuron-%s\n", command->name);
}

/* ---- The parser ------------------------------------------------------------------------------ */

/* getopt_long's two descriptions of a table, and the value that it returns for each entry. */
typedef struct getopt_tables {
    char letters[2 * MAXIMUM_OPTIONS + 3];
    struct option names[MAXIMUM_NAMES + 1];
} getopt_tables;

static int getopt_value(const mmn_cli_option *option, size_t index)
{
    return option->letter != 0 ? option->letter : FIRST_LONG_ONLY + (int)index;
}

static void fill_tables(getopt_tables *tables, const mmn_cli_option *options, size_t count)
{
    *tables = (getopt_tables){.letters = ":"}; /* tells a missing value from an unknown option */
    struct option *next = tables->names;
    for (size_t index = 0; index < count; index++) {
        const mmn_cli_option *option = &options[index];
        *next = (struct option){
            .name = option->name,
            .has_arg = option->value != NULL ? required_argument : no_argument,
            .val = getopt_value(option, index),
        };
        next++;
        if (option->former != NULL) {
            *next = next[-1];
            next->name = option->former;
            next++;
        }
        if (option->letter != 0) {
            size_t length = strlen(tables->letters);
            tables->letters[length] = option->letter;
            if (option->value != NULL)
                tables->letters[length + 1] = ':';
        }
    }
}

/* Says why getopt_long refused an option; `word` is the word of the command line it was in. */
static int refuse(const mmn_cli_command *command, const mmn_cli_option *options, size_t count,
                  int returned, int value, const char *word)
{
    for (size_t index = 0; index < count; index++) {
        if (value == 0 || getopt_value(&options[index], index) != value)
            continue;
        if (returned == ':')
            return mmn_cli_usage(command->name, "--%s needs a value: --%s %s",
                                 options[index].name, options[index].name, options[index].value);
        return mmn_cli_usage(command->name, "--%s takes no value", options[index].name);
    }
    if (strncmp(word, "--", 2) != 0)
        return mmn_cli_usage(command->name, "there is no option -%c%s", value,
                             strchr(word, ' ') == NULL
                                 ? ""
                                 : "; arguments that begin with \"-\" come after \"--\"");

    char name[64];
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
    size_t beginnings = 0;
    for (size_t index = 0; index < count; index++)
        beginnings += strncmp(options[index].name, name, strlen(name)) == 0;
    if (beginnings > 1)
        return mmn_cli_usage(command->name, "--%s is the beginning of several options", name);
    const char *nearest = mmn_nearest_name(name, &options[0].name, sizeof(options[0]), count);
    if (nearest != NULL)
        return mmn_cli_usage(command->name, "there is no option --%s; did you mean --%s?", name,
                             nearest);
    return mmn_cli_usage(command->name, "there is no option --%s", name);
}

bool mmn_cli_parse(const mmn_cli_command *command, const mmn_cli_option *own_options,
                   size_t own_count, int argc, char **argv, mmn_cli_arguments *arguments,
                   int *code)
{
    int help = 0;
    int version = 0;
    const mmn_cli_option shared[] = {
        {.name = "threads", .value = "N", .kind = MMN_CLI_WHOLE, .target = &arguments->threads,
         .minimum = 1, .maximum = 4096, .help = "how many threads to use (all cores)"},
        {.name = "simd", .value = "NAME", .kind = MMN_CLI_TEXT, .target = &arguments->simd,
         .help = "the kernels to use, instead of the fastest that this machine can run; the"
                 " environment variable MMNEURON_SIMD does the same"},
        {.name = "quiet", .letter = 'q', .kind = MMN_CLI_FLAG, .target = &arguments->quiet,
         .help = "no progress and no remarks"},
        {.name = "json", .kind = MMN_CLI_FLAG, .target = &arguments->json,
         .help = "print the result as JSON"},
        {.name = "help", .letter = 'h', .kind = MMN_CLI_FLAG, .target = &help,
         .help = "print this help"},
        {.name = "version", .kind = MMN_CLI_FLAG, .target = &version,
         .help = "print the program's version"},
    };
    const size_t shared_count = sizeof(shared) / sizeof(shared[0]);
    mmn_cli_option options[MAXIMUM_OPTIONS];
    const size_t count = own_count + shared_count;
    if (own_count > 0)
        memcpy(options, own_options, own_count * sizeof(options[0]));
    memcpy(options + own_count, shared, sizeof(shared));

    *arguments = (mmn_cli_arguments){0};
    getopt_tables tables;
    fill_tables(&tables, options, count);
    opterr = 0;
    optind = 1;
    *code = MMN_CLI_DONE;
    for (;;) {
        int word = optind;
        int returned = getopt_long(argc, argv, tables.letters, tables.names, NULL);
        if (returned == -1)
            break;
        size_t index = 0;
        while (index < count && getopt_value(&options[index], index) != returned)
            index++;
        if (index == count) {
            /* Within a word of several letters optind still stands at the word itself. */
            const char *refused = argv[optind > word ? optind - 1 : word];
            if (refused[0] != '-' && optind < argc) /* it was an argument that came before */
                refused = argv[optind];
            *code = refuse(command, options, count, returned, optopt, refused);
            return false;
        }
        *code = mmn_cli_take_value(command, &options[index], optarg, argc);
        if (*code != MMN_CLI_DONE)
            return false;
    }

    if (help) {
        print_help(command, options, own_count, count);
        return false;
    }
    if (version) {
        mmn_cli_print("mmneuron %s\n", mmn_version());
        return false;
    }
    size_t given = (size_t)(argc - optind);
    if (given < command->minimum || given > command->maximum) {
        *code = mmn_cli_usage(command->name, "%s arguments: the usage is mmneuron %s %s",
                              given < command->minimum ? "too few" : "too many", command->name,
                              command->arguments);
        return false;
    }
    mmn_cli_texts texts = {0};
    for (int index = optind; index < argc && *code == MMN_CLI_DONE; index++)
        *code = mmn_cli_take_text(&texts, argv[index], argc);
    arguments->texts = texts.texts;
    arguments->count = texts.count;
    return *code == MMN_CLI_DONE;
}

void mmn_cli_free(const char **texts)
{
    free((void *)texts);
}
