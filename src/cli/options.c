/* The one parser of command lines: getopt_long over the tables that also make the help texts.
 * Values are parsed strictly and checked against their range. */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"

#define MAXIMUM_OPTIONS 48
#define MAXIMUM_NAMES (2 * MAXIMUM_OPTIONS)
#define FIRST_LONG_ONLY 256 /* getopt's value of options without a letter: above all characters */
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

static void print_help(const mmn_cli_command *command, const mmn_cli_option *options, size_t own,
                       size_t count)
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

/* ---- Values ---------------------------------------------------------------------------------- */

/* Parses digits only: strtoull alone would take "-1", " 1" and "+1". */
static bool parse_whole(const char *text, const char **end, uint64_t *value)
{
    if (!isdigit((unsigned char)*text))
        return false;
    char *stop = NULL;
    errno = 0;
    unsigned long long parsed = strtoull(text, &stop, 10);
    *end = stop;
    *value = parsed;
    return errno == 0;
}

static int take_whole(const mmn_cli_call *call, const mmn_cli_option *option, const char *text)
{
    const char *end = text;
    uint64_t value = 0;
    bool fits = parse_whole(text, &end, &value) && *end == '\0' &&
                (double)value >= option->minimum &&
                (option->maximum == 0 || (double)value <= option->maximum);
    if (!fits && option->maximum == 0)
        return mmn_cli_usage(call, "--%s takes a whole number of at least %.0f, not \"%s\"",
                             option->name, option->minimum, text);
    if (!fits)
        return mmn_cli_usage(call, "--%s takes a whole number from %.0f to %.0f, not \"%s\"",
                             option->name, option->minimum, option->maximum, text);
    if (option->kind == MMN_CLI_U32)
        *(uint32_t *)option->target = (uint32_t)value;
    else
        *(uint64_t *)option->target = value;
    return MMN_CLI_DONE;
}

static int take_real(const mmn_cli_call *call, const mmn_cli_option *option, const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);
    /* Decimal numbers only: strtod alone would take "0x10", "nan" and " 1". */
    if (end == text || text[strspn(text, "0123456789+-.eE")] != '\0' || *end != '\0' ||
        !isfinite(value) || value < option->minimum ||
        (option->above && value == option->minimum) || value > option->maximum)
        return mmn_cli_usage(call, "--%s takes a number %s %g %s %g, not \"%s\"", option->name,
                             option->above ? "above" : "from", option->minimum,
                             option->above ? "and up to" : "to", option->maximum, text);
    *(double *)option->target = value;
    return MMN_CLI_DONE;
}

static int take_shard(const mmn_cli_call *call, const mmn_cli_option *option, const char *text)
{
    const char *end = text;
    uint64_t index = 0;
    uint64_t count = 0;
    bool good = parse_whole(text, &end, &index) && *end == '/' &&
                parse_whole(end + 1, &end, &count) && *end == '\0' && index >= 1 &&
                index <= count && count <= UINT32_MAX;
    if (!good)
        return mmn_cli_usage(call,
                             "--%s takes I/N, the shard's number from 1 to N and how many there"
                             " are, such as 2/3, not \"%s\"",
                             option->name, text);
    *(mmn_cli_shard *)option->target = (mmn_cli_shard){(uint32_t)index, (uint32_t)count};
    return MMN_CLI_DONE;
}

static int take_order(const mmn_cli_call *call, const mmn_cli_option *option, const char *text)
{
    mmn_resize_order *order = option->target;
    if (strcmp(text, "horizontal-first") == 0)
        *order = MMN_RESIZE_HORIZONTAL_FIRST;
    else if (strcmp(text, "pillow-13") == 0)
        *order = MMN_RESIZE_PILLOW_13;
    else
        return mmn_cli_usage(call, "--%s takes \"horizontal-first\" or \"pillow-13\", not \"%s\"",
                             option->name, text);
    return MMN_CLI_DONE;
}

static int refuse_modules(const mmn_cli_call *call, const mmn_cli_option *option, const char *text)
{
    char names[sizeof(mmn_cli_modules)] = "";
    for (size_t i = 0; mmn_module_name(i); i++) {
        strcat(names, i == 0 ? "" : mmn_module_name(i + 1) ? ", " : " or ");
        strcat(names, mmn_module_name(i));
    }
    return mmn_cli_usage(call, "--%s takes %s, several separated by commas, not \"%s\"",
                         option->name, names, text);
}

/* Each once, so that the names of all are the longest text; the published code's stand for the
 * library's. */
static int take_modules(const mmn_cli_call *call, const mmn_cli_option *option, const char *text)
{
    mmn_cli_modules *modules = option->target;
    modules->names[0] = '\0';
    for (const char *name = text;; name++) {
        size_t length = strcspn(name, ",");
        const char *module = mmn_module_meant(name, length);
        if (module == NULL)
            return refuse_modules(call, option, text);
        if (strstr(modules->names, module) == NULL) {
            if (modules->names[0] != '\0')
                strcat(modules->names, ",");
            strcat(modules->names, module);
        }
        name += length;
        if (*name == '\0')
            return MMN_CLI_DONE;
    }
}

/* Memory for the values of options, which stays until the program ends: it reads one command line.
 * NULL: there is none, as a message says. */
static void *keep(size_t count, size_t size)
{
    typedef struct block {
        struct block *before;
        max_align_t values[];
    } block;
    static block *last; /* leads to all */
    block *added = calloc(1, sizeof(*added) + count * size);
    if (added == NULL) {
        mmn_cli_message("memory is short");
        return NULL;
    }
    added->before = last;
    last = added;
    return added->values;
}

static int take_ids(const mmn_cli_call *call, const mmn_cli_option *option, const char *text)
{
    mmn_cli_ids *ids = option->target;
    size_t most = 1;
    for (const char *comma = strchr(text, ','); comma; comma = strchr(comma + 1, ','))
        most++;
    *ids = (mmn_cli_ids){.ids = keep(most, sizeof(*ids->ids))};
    if (ids->ids == NULL)
        return MMN_CLI_FAILED;
    for (const char *at = text;; at++) {
        uint64_t id = 0;
        if (!parse_whole(at, &at, &id) || id > INT32_MAX || (*at != ',' && *at != '\0'))
            return mmn_cli_usage(call,
                                 "--%s takes whole numbers from 0 to %d, separated by commas, not"
                                 " \"%s\"",
                                 option->name, INT32_MAX, text);
        ids->ids[ids->count++] = (int32_t)id;
        if (*at == '\0')
            return MMN_CLI_DONE;
    }
}

/* `argc` is the number of words on the command line: no option can be given more often. */
static int take_text(mmn_cli_texts *texts, const char *text, int argc)
{
    if (texts->texts == NULL)
        texts->texts = keep((size_t)argc, sizeof(*texts->texts));
    if (texts->texts == NULL)
        return MMN_CLI_FAILED;
    texts->texts[texts->count++] = text;
    return MMN_CLI_DONE;
}

/* Stores `text`, the value given for the option (NULL for a flag), in its target. Returns the exit
 * code; when it is not MMN_CLI_DONE a message says what the option takes. */
static int take_value(const mmn_cli_call *call, const mmn_cli_option *option, const char *text)
{
    switch (option->kind) {
    case MMN_CLI_FLAG:
        *(int *)option->target = 1;
        break;
    case MMN_CLI_TEXT:
        *(const char **)option->target = text;
        break;
    case MMN_CLI_TEXTS:
        return take_text(option->target, text, call->argc);
    case MMN_CLI_WHOLE:
    case MMN_CLI_U32:
        return take_whole(call, option, text);
    case MMN_CLI_REAL:
        return take_real(call, option, text);
    case MMN_CLI_SHARD:
        return take_shard(call, option, text);
    case MMN_CLI_ORDER:
        return take_order(call, option, text);
    case MMN_CLI_MODULES:
        return take_modules(call, option, text);
    case MMN_CLI_IDS:
        return take_ids(call, option, text);
    }
    return MMN_CLI_DONE;
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
static int refuse(const mmn_cli_call *call, const mmn_cli_option *options, size_t count,
                  int returned, int value, const char *word)
{
    for (size_t index = 0; index < count; index++) {
        if (value == 0 || getopt_value(&options[index], index) != value)
            continue;
        if (returned == ':')
            return mmn_cli_usage(call, "--%s needs a value: --%s %s", options[index].name,
                                 options[index].name, options[index].value);
        return mmn_cli_usage(call, "--%s takes no value", options[index].name);
    }
    if (strncmp(word, "--", 2) != 0)
        return mmn_cli_usage(
            call, "there is no option -%c%s", value,
            strchr(word, ' ') == NULL ? "" : "; arguments that begin with \"-\" come after \"--\"");

    char name[64];
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
    size_t beginnings = 0;
    for (size_t index = 0; index < count; index++)
        beginnings += strncmp(options[index].name, name, strlen(name)) == 0;
    if (beginnings > 1)
        return mmn_cli_usage(call, "--%s is the beginning of several options", name);
    const char *nearest = mmn_nearest_name(name, &options[0].name, sizeof(options[0]), count);
    if (nearest != NULL)
        return mmn_cli_usage(call, "there is no option --%s; did you mean --%s?", name, nearest);
    return mmn_cli_usage(call, "there is no option --%s", name);
}

/* Whether all options were given that the command cannot do without. */
static int refuse_absent(const mmn_cli_call *call, const mmn_cli_option *options, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        const mmn_cli_option *option = &options[index];
        if (option->needed == NULL || *(const char **)option->target != NULL ||
            (option->unless != NULL && *option->unless != 0))
            continue;
        const char letter[] = {option->letter, '\0'};
        return mmn_cli_usage(call, "-%s%s is missing: %s", option->letter ? "" : "-",
                             option->letter ? letter : option->name, option->needed);
    }
    return MMN_CLI_DONE;
}

static void take_place(const mmn_cli_option *options, size_t count, const char *name,
                       const char *place)
{
    for (size_t i = 0; i < count && place != NULL; i++)
        if (strcmp(options[i].name, name) == 0)
            *(const char **)options[i].target = place;
}

/* Of "mmneuron merge": what the command line of the parts names may lie elsewhere by now. */
static void take_places(mmn_cli_call *call, const mmn_cli_option *options, size_t count)
{
    const mmn_cli_merging *merging = call->merging;
    const char *const places[] = {merging->detector, merging->model, merging->list, NULL};
    const size_t first = mmn_cli_has_detector(call->command) ? 0 : 1;
    for (size_t i = 0; i < MMN_CLI_PLACES && i < call->count; i++)
        call->places[i] = places[first + i] != NULL ? places[first + i] : call->texts[i];
    call->texts = call->places;
    take_place(options, count, "neurons", merging->neurons);
    take_place(options, count, "align", merging->alignment);
}

int mmn_cli_parse(mmn_cli_call *call, const mmn_cli_option *own_options, size_t own_count)
{
    const mmn_cli_command *command = call->command;
    const int argc = call->argc;
    char **argv = call->argv;
    int help = 0;
    int version = 0;
    /* clang-format off */
    const mmn_cli_option shared[] = {
        {.name = "threads", .value = "N", .kind = MMN_CLI_WHOLE, .target = &call->threads,
         .minimum = 1, .maximum = 4096, .help = "how many threads to use (all cores)"},
        {.name = "simd", .value = "NAME", .kind = MMN_CLI_TEXT, .target = &call->simd,
         .help = "the kernels to use, instead of the fastest that this machine can run; the"
                 " environment variable MMNEURON_SIMD does the same"},
        {.name = "quiet", .letter = 'q', .kind = MMN_CLI_FLAG, .target = &call->quiet,
         .help = "no progress and no remarks"},
        {.name = "json", .kind = MMN_CLI_FLAG, .target = &call->json,
         .help = "print the result as JSON"},
        {.name = "help", .letter = 'h', .kind = MMN_CLI_FLAG, .target = &help,
         .help = "print this help"},
        {.name = "version", .kind = MMN_CLI_FLAG, .target = &version,
         .help = "print the program's version"},
    };
    /* clang-format on */
    const size_t shared_count = sizeof(shared) / sizeof(shared[0]);
    mmn_cli_option options[MAXIMUM_OPTIONS];
    const size_t count = own_count + shared_count;
    if (own_count > 0)
        memcpy(options, own_options, own_count * sizeof(options[0]));
    memcpy(options + own_count, shared, sizeof(shared));

    getopt_tables tables;
    fill_tables(&tables, options, count);
    opterr = 0;
    optind = 1;
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
            return refuse(call, options, count, returned, optopt, refused);
        }
        MMN_CLI_TRY(take_value(call, &options[index], optarg));
    }

    if (help) {
        print_help(command, options, own_count, count);
        return MMN_CLI_ANSWERED;
    }
    if (version) {
        mmn_cli_print("mmneuron %s\n", mmn_version());
        return MMN_CLI_ANSWERED;
    }
    call->texts = (const char *const *)&argv[optind]; /* where getopt_long has put them */
    call->count = (size_t)(argc - optind);
    if (call->count < command->minimum || call->count > command->maximum)
        return mmn_cli_usage(call, "%s arguments: the usage is mmneuron %s %s",
                             call->count < command->minimum ? "too few" : "too many", command->name,
                             command->arguments);
    if (call->merging != NULL)
        take_places(call, own_options, own_count);
    return refuse_absent(call, own_options, own_count);
}
