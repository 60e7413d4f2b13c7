/* The values of options: parsed strictly, checked against their range, stored in the variable. */
#include "cli/values.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"

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

static int take_whole(const mmn_cli_command *command, const mmn_cli_option *option,
                      const char *text)
{
    const char *end = text;
    uint64_t value = 0;
    bool fits = parse_whole(text, &end, &value) && *end == '\0' &&
                (double)value >= option->minimum &&
                (option->maximum == 0 || (double)value <= option->maximum);
    if (!fits && option->maximum == 0)
        return mmn_cli_usage(command->name,
                             "--%s takes a whole number of at least %.0f, not \"%s\"",
                             option->name, option->minimum, text);
    if (!fits)
        return mmn_cli_usage(command->name,
                             "--%s takes a whole number from %.0f to %.0f, not \"%s\"",
                             option->name, option->minimum, option->maximum, text);
    if (option->kind == MMN_CLI_U32)
        *(uint32_t *)option->target = (uint32_t)value;
    else
        *(uint64_t *)option->target = value;
    return MMN_CLI_DONE;
}

static int take_real(const mmn_cli_command *command, const mmn_cli_option *option,
                     const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);
    /* Decimal numbers only: strtod alone would take "0x10", "nan" and " 1". */
    if (end == text || text[strspn(text, "0123456789+-.eE")] != '\0' || *end != '\0' ||
        !isfinite(value) ||
        value < option->minimum || (option->above && value == option->minimum) ||
        value > option->maximum)
        return mmn_cli_usage(command->name, "--%s takes a number %s %g %s %g, not \"%s\"",
                             option->name, option->above ? "above" : "from", option->minimum,
                             option->above ? "and up to" : "to", option->maximum, text);
    *(double *)option->target = value;
    return MMN_CLI_DONE;
}

static int take_shard(const mmn_cli_command *command, const mmn_cli_option *option,
                      const char *text)
{
    const char *end = text;
    uint64_t index = 0;
    uint64_t count = 0;
    bool good = parse_whole(text, &end, &index) && *end == '/' &&
                parse_whole(end + 1, &end, &count) && *end == '\0' && index >= 1 &&
                index <= count && count <= UINT32_MAX;
    if (!good)
        return mmn_cli_usage(command->name,
                             "--%s takes I/N, the shard's number from 1 to N and how many there"
                             " are, such as 2/3, not \"%s\"",
                             option->name, text);
    *(mmn_cli_shard *)option->target = (mmn_cli_shard){(uint32_t)index, (uint32_t)count};
    return MMN_CLI_DONE;
}

static int take_order(const mmn_cli_command *command, const mmn_cli_option *option,
                      const char *text)
{
    mmn_resize_order *order = option->target;
    if (strcmp(text, "horizontal-first") == 0)
        *order = MMN_RESIZE_HORIZONTAL_FIRST;
    else if (strcmp(text, "pillow-13") == 0)
        *order = MMN_RESIZE_PILLOW_13;
    else
        return mmn_cli_usage(command->name,
                             "--%s takes \"horizontal-first\" or \"pillow-13\", not \"%s\"",
                             option->name, text);
    return MMN_CLI_DONE;
}

static int refuse_modules(const mmn_cli_command *command, const mmn_cli_option *option,
                          const char *text)
{
    char names[sizeof(mmn_cli_modules)] = "";
    for (size_t i = 0; mmn_module_name(i); i++) {
        strcat(names, i == 0 ? "" : mmn_module_name(i + 1) ? ", " : " or ");
        strcat(names, mmn_module_name(i));
    }
    return mmn_cli_usage(command->name,
                         "--%s takes %s, several separated by commas, not \"%s\"", option->name,
                         names, text);
}

/* Each once, so that the names of all are the longest text; the published code's stand for the
 * library's. */
static int take_modules(const mmn_cli_command *command, const mmn_cli_option *option,
                        const char *text)
{
    mmn_cli_modules *modules = option->target;
    modules->names[0] = '\0';
    for (const char *name = text;; name++) {
        size_t length = strcspn(name, ",");
        const char *module = mmn_module_meant(name, length);
        if (module == NULL)
            return refuse_modules(command, option, text);
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

static int take_ids(const mmn_cli_command *command, const mmn_cli_option *option,
                    const char *text)
{
    mmn_cli_ids *ids = option->target;
    size_t most = 1;
    for (const char *comma = strchr(text, ','); comma; comma = strchr(comma + 1, ','))
        most++;
    free(ids->ids);
    *ids = (mmn_cli_ids){.ids = calloc(most, sizeof(*ids->ids))};
    if (ids->ids == NULL) {
        mmn_cli_message("memory is short");
        return MMN_CLI_FAILED;
    }
    for (const char *at = text;; at++) {
        uint64_t id = 0;
        if (!parse_whole(at, &at, &id) || id > INT32_MAX || (*at != ',' && *at != '\0'))
            return mmn_cli_usage(command->name,
                                 "--%s takes whole numbers from 0 to %d, separated by commas, not"
                                 " \"%s\"",
                                 option->name, INT32_MAX, text);
        ids->ids[ids->count++] = (int32_t)id;
        if (*at == '\0')
            return MMN_CLI_DONE;
    }
}

int mmn_cli_take_text(mmn_cli_texts *texts, const char *text, int argc)
{
    if (texts->texts == NULL)
        texts->texts = calloc((size_t)argc, sizeof(*texts->texts));
    if (texts->texts == NULL) {
        mmn_cli_message("memory is short");
        return MMN_CLI_FAILED;
    }
    texts->texts[texts->count++] = text;
    return MMN_CLI_DONE;
}

int mmn_cli_take_value(const mmn_cli_command *command, const mmn_cli_option *option,
                       const char *text, int argc)
{
    switch (option->kind) {
    case MMN_CLI_FLAG:
        *(int *)option->target = 1;
        break;
    case MMN_CLI_TEXT:
        *(const char **)option->target = text;
        break;
    case MMN_CLI_TEXTS:
        return mmn_cli_take_text(option->target, text, argc);
    case MMN_CLI_WHOLE:
    case MMN_CLI_U32:
        return take_whole(command, option, text);
    case MMN_CLI_REAL:
        return take_real(command, option, text);
    case MMN_CLI_SHARD:
        return take_shard(command, option, text);
    case MMN_CLI_ORDER:
        return take_order(command, option, text);
    case MMN_CLI_MODULES:
        return take_modules(command, option, text);
    case MMN_CLI_IDS:
        return take_ids(command, option, text);
    }
    return MMN_CLI_DONE;
}
