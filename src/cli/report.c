/* mmneuron report: figures of what the other commands found, as a page, graphics or tables. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/destination.h"
#include "cli/options.h"
#include "cli/output.h"

/* Returns false unless `name` (NULL: html) is a format's name. */
static bool find_format(mmn_report_format *format, const char *name)
{
    static const char *const names[] = {"html", "md", "svg", "csv", "png", "pdf"};
    *format = MMN_REPORT_HTML;
    for (int i = 0; name != NULL && i < 6; i++) {
        if (strcmp(name, names[i]) == 0) {
            *format = (mmn_report_format)i;
            return true;
        }
    }
    return name == NULL;
}

/* The day of SOURCE_DATE_EPOCH, by which builders of packages ask for the same bytes on every day;
 * NULL where it is not set. Returns false if it is no number of seconds. */
static bool find_date(char day[11], const char **date)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    char *end;
    struct tm *parts;
    *date = NULL;
    if (epoch == NULL)
        return true;
    errno = 0;
    const long long seconds = strtoll(epoch, &end, 10);
    const time_t time = (time_t)seconds;
    if (*epoch == '\0' || *end != '\0' || errno != 0 || seconds < 0 ||
        (parts = gmtime(&time)) == NULL)
        return false;
    *date = day;
    return strftime(day, 11, "%Y-%m-%d", parts) > 0;
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
    const size_t figures = mmn_report_figure_count(report);
    mmn_cli_print("%s%s: %zu figure%s\n", charts, output, figures, figures == 1 ? "" : "s");
    mmn_release(charts);
    return MMN_CLI_DONE;
}

/* Writes the report and says what is in it, also where it could not be written. A page for standard
 * output stands there alone. */
static int write_report(mmn_cli_call *call, const mmn_report *report, mmn_report_format format,
                        const char *figure, const char *output)
{
    mmn_error error;
    const bool standard = call->destination.standard;
    mmn_status status = mmn_report_write(report, format, figure, call->destination.path, &error);
    if (status == MMN_OK && standard)
        return mmn_cli_destination_send(call);
    int code = MMN_CLI_DONE;
    if (status == MMN_OK && call->json)
        code = print_json(report, output);
    else if (status == MMN_OK || (status == MMN_SYSTEM && !call->json && !standard))
        code = print_charts(report, output);
    return status == MMN_OK ? code : mmn_cli_fail(&error);
}

int mmn_cli_report(mmn_cli_call *call)
{
    const char *output = NULL, *format_name = NULL, *figure = NULL;
    char day[11];
    mmn_report_options report_options = {.size = sizeof(report_options)};
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "output", .letter = 'o', .value = "FILE", .kind = MMN_CLI_TEXT,
         .target = &output, .needed = "the file that receives the report",
         .help = "where to write the report (- is standard output); with --format svg, csv, png"
                 " or pdf the folder that receives a file for each figure"},
        {.name = "format", .value = "NAME", .kind = MMN_CLI_TEXT, .target = &format_name,
         .help = "html, md, svg, csv, png or pdf (html)"},
        {.name = "figure", .value = "NAME", .kind = MMN_CLI_TEXT, .target = &figure,
         .help = "write this figure only, to FILE"},
        {.name = "images", .value = "FOLDER", .kind = MMN_CLI_TEXT,
         .target = &report_options.images,
         .help = "where the samples' pictures are (beside the list that lens was given)"},
        {.name = "title", .value = "TEXT", .kind = MMN_CLI_TEXT, .target = &report_options.title,
         .help = "the report's title"},
        {.name = "model", .value = "NAME", .kind = MMN_CLI_TEXT, .target = &report_options.model,
         .help = "what the report calls the model, beside its digest"},
        {.name = "date", .value = "TEXT", .kind = MMN_CLI_TEXT, .target = &report_options.date,
         .help = "the date that the report bears (that of SOURCE_DATE_EPOCH, or none)"},
    };
    /* clang-format on */
    MMN_CLI_TRY(mmn_cli_parse(call, options, sizeof options / sizeof options[0]));
    mmn_error error;
    mmn_report *report = NULL;
    mmn_report_format format;
    for (size_t i = 0; i < call->count; i++)
        mmn_cli_destination_source(call, MMN_SOURCE_FILE, call->texts[i]);
    if (!find_format(&format, format_name))
        return mmn_cli_usage(call, "--format takes html, md, svg, csv, png or pdf, not \"%s\"",
                             format_name);
    if (report_options.date == NULL && !find_date(day, &report_options.date))
        return mmn_cli_usage(call, "SOURCE_DATE_EPOCH is no number of seconds since 1970");
    const bool several = figure == NULL && format != MMN_REPORT_HTML &&
                         format != MMN_REPORT_MARKDOWN;
    MMN_CLI_TRY(
        mmn_cli_destination_open(call, output, several ? MMN_CLI_FOLDER : MMN_CLI_PAGE, NULL));
    if (mmn_report_read(&report, call->texts, call->count, &report_options, &error) != MMN_OK)
        return mmn_cli_fail(&error);
    const int code = write_report(call, report, format, figure, output);
    mmn_report_free(report);
    return code;
}
