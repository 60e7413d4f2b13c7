/* Fuzz target: a result of any command, drawn as a page, as Markdown, as graphics and as charts
 * for a terminal. No markup and no control character of the result may get through. */
#include <string.h>

#include "page/report.h"
#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz.h"

static void look_for_markup(const char *text)
{
    static const char *const forbidden[] = {"<script",     "<iframe", "<img src=x",
                                            "javascript:", "<b>",     "<!--"};
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
        if (strcasestr(text, forbidden[i]))
            abort();
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' && *c != '\n' && *c != '\t')
            abort();
}

/* Takes what was written to `text` out of it. */
static void look_at(mmn_text *text, bool is_markup)
{
    if (text->failed)
        abort();
    if (is_markup)
        look_for_markup(text->text);
    mmn_text_free(text);
    *text = (mmn_text){0};
}

FUZZ_TARGET(report, 20)
{
    mmn_fuzz_put("result", data, size);
    const char *file = mmn_fuzz_path("result");
    mmn_error error = {0};
    mmn_report *report;
    mmn_status status = mmn_report_read(&report, &file, 1, NULL, &error);
    if (status == MMN_OK) {
        mmn_text text = {0};
        char *charts;
        mmn_report_page(&text, report, NULL);
        look_at(&text, true);
        mmn_report_markdown(&text, report, NULL);
        look_at(&text, false);
        for (size_t i = 0; i < report->figures.count; i++) {
            mmn_report_graphic(&text, &report->figures.list[i]);
            look_at(&text, true);
        }
        mmn_error refused = {0};
        if (mmn_fuzz_done(mmn_report_charts(report, 1, &charts, &refused), &refused))
            mmn_release(charts);
        mmn_report_free(report);
    }
    return mmn_fuzz_result(status, &error);
}
