/* What a report begins with: what it is of, and what was found, in words. */
#ifndef MMN_PAGE_REPORT_HEAD_H
#define MMN_PAGE_REPORT_HEAD_H

#include "page/report.h"

void mmn_report_head_html(mmn_text *text, const mmn_report *report);
void mmn_report_head_markdown(mmn_text *text, const mmn_report *report);

/* The paragraphs of a description, which line breaks end, escaped by `add` and in their marks. */
void mmn_report_paragraphs(mmn_text *text, const char *description, const char *begin,
                           const char *end, void (*add)(mmn_text *text, const char *utf8));

#endif
