/* mmneuron report: figures of what the other commands found, as a page, graphics or tables. */
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/destination.h"
#include "cli/options.h"
#include "cli/output.h"

/* Returns false unless `name` (NULL: html) is a format's name. */
static bool find_format(mmn_report_format *format, const char *name)
{
    static const char *const names[] = {"html", "md", "svg", "csv"};
    *format = MMN_REPORT_HTML;
    for (int i = 0; name != NULL && i < 4; i++) {
        if (strcmp(name, names[i]) == 0) {
            *format = (mmn_report_format)i;
            return true;
        }
    }
    return name == NULL;
}

/* Whether standard output shows block characters. */
static bool shows_blocks(void)
{
    return isatty(STDOUT_FILENO) && setlocale(LC_CTYPE, "") != NULL &&
           strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static int print_json(const mmn_report *report, const char *output)
{
    json_t *names = json_array();
    for (size_t i = 0; i < mmn_report_figure_count(report); i++)
        json_array_append_new(names, json_string(mmn_report_figure_name(report, i)));
    return mmn_cli_print_json(json_pack("{s:s, s:o}", "output", output, "figures", names));
}

static int print_charts(const mmn_report *report, const char *output)
{
    mmn_error error;
    char *charts = NULL;
    if (mmn_report_charts(report, shows_blocks(), &charts, &error) != MMN_OK)
        return mmn_cli_fail(&error);
    mmn_cli_print("%s%s: %zu figures\n", charts, output, mmn_report_figure_count(report));
    mmn_release(charts);
    return MMN_CLI_DONE;
}

typedef struct report_request {
    const char *output, *format_name, *figure;
    mmn_report_format format;
    mmn_report_options options;
} report_request;

/* Writes the report and says what is in it, also where it could not be written. A page for standard
 * output stands there alone. */
static int write_report(const mmn_report *report, const report_request *request,
                        mmn_cli_destination *destination, bool json)
{
    mmn_error error;
    mmn_status status = mmn_report_write(report, request->format, request->figure,
                                         destination->path, &error);
    if (status == MMN_OK && destination->standard)
        return mmn_cli_destination_send(destination);
    int code = MMN_CLI_DONE;
    if (status == MMN_OK && json)
        code = print_json(report, request->output);
    else if (status == MMN_OK || (status == MMN_SYSTEM && !json && !destination->standard))
        code = print_charts(report, request->output);
    return status == MMN_OK ? code : mmn_cli_fail(&error);
}

static int report(const mmn_cli_command *command, report_request *request,
                  mmn_cli_destination *destination, const mmn_cli_arguments *arguments)
{
    mmn_error error;
    mmn_report *read = NULL;
    for (size_t i = 0; i < arguments->count; i++)
        mmn_cli_destination_source(destination, MMN_SOURCE_FILE, arguments->texts[i]);
    if (!find_format(&request->format, request->format_name))
        return mmn_cli_usage(command->name, "--format takes html, md, svg or csv, not \"%s\"",
                             request->format_name);
    const bool several = request->figure == NULL && (request->format == MMN_REPORT_SVG ||
                                                     request->format == MMN_REPORT_CSV);
    MMN_CLI_TRY(mmn_cli_destination_open(destination, command, request->output,
                                         several ? MMN_CLI_FOLDER : MMN_CLI_PAGE, NULL));
    if (mmn_report_read(&read, arguments->texts, arguments->count, &request->options, &error) !=
        MMN_OK)
        return mmn_cli_fail(&error);
    const int code = write_report(read, request, destination, arguments->json);
    mmn_report_free(read);
    return code;
}

int mmn_cli_report(const mmn_cli_command *command, int argc, char **argv)
{
    report_request request = {0};
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &request.output, .needed = "the file that receives the report",
         .help = "where to write the report (- is standard output); with --format svg or csv the"
                 " folder that receives a file for each figure"},
        {.name = "format", .value = "NAME", .kind = MMN_CLI_TEXT, .target = &request.format_name,
         .help = "html, md, svg or csv (html)"},
        {.name = "figure", .value = "NAME", .kind = MMN_CLI_TEXT, .target = &request.figure,
         .help = "write this figure only, to FILE"},
        {.name = "images", .value = "FOLDER", .kind = MMN_CLI_TEXT,
         .target = &request.options.images,
         .help = "where the samples' pictures are (beside the list that lens was given)"},
        {.name = "title", .value = "TEXT", .kind = MMN_CLI_TEXT, .target = &request.options.title,
         .help = "the report's title"},
    };
    mmn_cli_arguments arguments;
    mmn_cli_destination destination = {0};
    int code;
    if (!mmn_cli_parse(command, options, sizeof(options) / sizeof(options[0]), argc, argv,
                       &arguments, &code))
        return code;

    code = report(command, &request, &destination, &arguments);
    mmn_cli_destination_close(&destination);
    return code;
}
