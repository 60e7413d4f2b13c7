/* A report: reading results, making their figures, and writing these in a form. */
#include "page/report.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/file_kind.h"
#include "base/memory.h"
#include "base/output.h"

/* In the order of a reader's questions: which neurons, what they do, how words come about. */
static const mmn_figure_form *const forms[] = {
    mmn_neuron_figures,       mmn_off_figures,
    mmn_sweep_figures,        mmn_comparison_figures,
    mmn_case_figures,         mmn_perturbation_figures,
    mmn_similarity_figures,   mmn_lens_figures,
    mmn_contribution_figures, mmn_contribution_list_figures,
    mmn_edit_figures,         mmn_detection_figures,
    mmn_location_figures,     mmn_hallucination_figures,
    mmn_bias_figures,         mmn_recording_figures};

static mmn_status copy_options(mmn_report *report, const mmn_report_options *options,
                               mmn_error *error)
{
    const char *title = options->title;
    if (!title)
        title = mmn_result_sets_title(&report->results);
    if (!title)
        title = mmn_result_sets_are_languages(&report->results) ? "Language neurons"
                                                                : "Domain neurons";
    report->title = mmn_copy_text(title, error);
    MMN_NEED(report->title);
    if (options->model && !(report->model = mmn_copy_text(options->model, error)))
        return MMN_SYSTEM;
    if (options->date && !(report->date = mmn_copy_text(options->date, error)))
        return MMN_SYSTEM;
    return MMN_OK;
}

/* What it is made from. */
typedef struct report_sources {
    const char *const *files;
    size_t count;
    const mmn_result *result; /* in their place, unless NULL */
} report_sources;

static mmn_status fill_report(mmn_report *report, const report_sources *from,
                              const mmn_report_options *options, mmn_error *error)
{
    mmn_result_sets *results = &report->results;
    MMN_TRY(from->result
                ? mmn_result_sets_take(results, from->result, options->images, error)
                : mmn_result_sets_read(results, from->files, from->count, options->images, error));
    MMN_TRY(copy_options(report, options, error));
    for (size_t i = 0; i < MMN_LENGTH(forms); i++)
        MMN_TRY(mmn_figures_make(&report->figures, forms[i], &report->results, error));
    if (report->figures.count == 0)
        return mmn_fail(error, MMN_INPUT, NULL, NULL,
                        "there is nothing to show: the results have no neurons, accuracies, "
                        "likelihoods or curves");
    mmn_finding_make(&report->finding, &report->results);
    MMN_TRY(mmn_text_status(&report->finding.leads, error));
    return mmn_text_status(&report->finding.items, error);
}

static mmn_status make_report(mmn_report **made, const report_sources *from,
                              const mmn_report_options *options, mmn_error *error)
{
    mmn_report_options own;
    MMN_TRY(
        mmn_take_options(&own, sizeof(own), offsetof(mmn_report_options, model), options, error));
    mmn_report *report = mmn_allocate(1, sizeof(*report), error);
    MMN_NEED(report);
    mmn_status status = fill_report(report, from, &own, error);
    if (status == MMN_OK)
        *made = report;
    else
        mmn_report_free(report);
    return status;
}

mmn_status mmn_report_read(mmn_report **made, const char *const *files, size_t file_count,
                           const mmn_report_options *options, mmn_error *error)
{
    MMN_CLEAR(made);
    MMN_GIVEN(error, made, files);
    MMN_GIVEN_TEXTS(error, "file", file_count, files);
    return make_report(made, &(report_sources){.files = files, .count = file_count}, options,
                       error);
}

mmn_status mmn_report_of(mmn_report **made, const mmn_result *result,
                         const mmn_report_options *options, mmn_error *error)
{
    MMN_CLEAR(made);
    MMN_GIVEN(error, made, result);
    return make_report(made, &(report_sources){.result = result}, options, error);
}

void mmn_report_free(mmn_report *report)
{
    if (!report)
        return;
    mmn_figures_free(&report->figures);
    mmn_result_sets_free(&report->results);
    mmn_finding_free(&report->finding);
    mmn_free(report->title);
    mmn_free(report->model);
    mmn_free(report->date);
    mmn_free(report);
}

size_t mmn_report_figure_count(const mmn_report *report)
{
    return report ? report->figures.count : 0;
}

const char *mmn_report_figure_name(const mmn_report *report, size_t index)
{
    return index < mmn_report_figure_count(report) ? report->figures.list[index].name : NULL;
}

/* *figure is NULL for the name NULL: all figures. */
static mmn_status find_figure(const mmn_figure **figure, const mmn_report *report, const char *name,
                              mmn_error *error)
{
    mmn_text names = {0};
    char *ready;
    *figure = NULL;
    if (!name)
        return MMN_OK;
    for (size_t i = 0; i < report->figures.count; i++)
        if (strcmp(report->figures.list[i].name, name) == 0) {
            *figure = &report->figures.list[i];
            return MMN_OK;
        }
    for (size_t i = 0; i < report->figures.count; i++)
        mmn_text_add(&names, "%s%s", i > 0 ? ", " : "", report->figures.list[i].name);
    MMN_TRY(mmn_text_finish(&names, &ready, error));
    mmn_fail(error, MMN_USAGE, NULL, NULL,
             "there is no figure \"%.40s\" in this report, which has %s", name, ready);
    mmn_free(ready);
    return MMN_USAGE;
}

/* What files of a figure end with; NULL: the format has all figures in one file. */
static const char *ending_of(mmn_report_format format)
{
    static const char *const endings[] = {[MMN_REPORT_SVG] = "svg",
                                          [MMN_REPORT_CSV] = "csv",
                                          [MMN_REPORT_PNG] = "png",
                                          [MMN_REPORT_PDF] = "pdf"};
    return endings[format];
}

static bool is_graphic(mmn_report_format format)
{
    return ending_of(format) && format != MMN_REPORT_CSV;
}

mmn_status mmn_report_can_write(mmn_report_format format, mmn_error *error)
{
    if ((unsigned)format > MMN_REPORT_PDF)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "%d is no format of reports", (int)format);
    return format == MMN_REPORT_PNG || format == MMN_REPORT_PDF ? mmn_report_can_render(error)
                                                                : MMN_OK;
}

static mmn_status make_text(char **text, const mmn_report *report, mmn_report_format format,
                            const mmn_figure *figure, mmn_error *error)
{
    mmn_text made = {0};
    if (format == MMN_REPORT_HTML)
        mmn_report_page(&made, report, figure);
    else if (format == MMN_REPORT_MARKDOWN)
        mmn_report_markdown(&made, report, figure);
    else if (is_graphic(format))
        mmn_report_graphic(&made, figure);
    else
        mmn_table_csv(&made, &figure->table);
    return mmn_text_finish(&made, text, error);
}

/* A figure of a folder may have the name of a file that the report was made from. Which pictures it
 * shows is known only now; no report takes any picture's place, unless it is one itself. */
static mmn_status check_not_read(const mmn_report *report, mmn_report_format format,
                                 const char *file, mmn_error *error)
{
    if (format != MMN_REPORT_PNG && mmn_file_kind_of(file) == MMN_KIND_PICTURE)
        return mmn_fail(error, MMN_USAGE, file, NULL,
                        "cannot be written to: it is a picture; give another name");
    const mmn_result_file *result;
    mmn_result_kind kind;
    for (size_t i = 0; (result = mmn_result_sets_file(&report->results, i, &kind)); i++)
        if (mmn_is_same_file(result->file, file))
            return mmn_fail(error, MMN_USAGE, file, NULL,
                            "cannot be written to: the report was made from it");
    return MMN_OK;
}

static mmn_status write_text(const mmn_report *report, mmn_report_format format,
                             const mmn_figure *figure, const char *file, mmn_error *error)
{
    char *text;
    MMN_TRY(check_not_read(report, format, file, error));
    MMN_TRY(make_text(&text, report, format, figure, error));
    mmn_status status = format == MMN_REPORT_PNG || format == MMN_REPORT_PDF
                            ? mmn_report_render(text, format, file, error)
                            : mmn_write_file(file, text, strlen(text), error);
    mmn_free(text);
    return status;
}

/* Every figure as a file of the folder, which is made if it is not there. */
static mmn_status write_folder(const mmn_report *report, mmn_report_format format,
                               const char *folder, mmn_error *error)
{
    mmn_status status = MMN_OK;
    if (mkdir(folder, (mode_t)0777) != 0 && !(errno == EEXIST && mmn_is_folder(folder)))
        return mmn_fail_system(error, errno, folder, "cannot make this folder");
    for (size_t i = 0; i < report->figures.count && status == MMN_OK; i++) {
        const mmn_figure *figure = &report->figures.list[i];
        char name[sizeof(figure->name) + 4], *file;
        snprintf(name, sizeof(name), "%s.%s", figure->name, ending_of(format));
        MMN_TRY(mmn_path_join(&file, folder, name, error));
        status = write_text(report, format, figure, file, error);
        mmn_free(file);
    }
    return status;
}

/* What is to be written, and in which form. */
typedef struct report_request {
    const mmn_report *report;
    mmn_report_format format;
    const mmn_figure *figure; /* NULL: all */
} report_request;

static mmn_status write_request(const void *context, const char *output, mmn_error *error)
{
    const report_request *request = context;
    mmn_report_format format = request->format;
    if (!request->figure && ending_of(format))
        return write_folder(request->report, format, output, error);
    return write_text(request->report, format, request->figure, output, error);
}

mmn_status mmn_report_write(const mmn_report *report, mmn_report_format format, const char *figure,
                            const char *output, mmn_error *error)
{
    MMN_GIVEN(error, report, output);
    MMN_TRY(mmn_report_can_write(format, error));
    report_request request = {.report = report, .format = format};
    MMN_TRY(find_figure(&request.figure, report, figure, error));
    return mmn_output_write(output, write_request, &request, error);
}
