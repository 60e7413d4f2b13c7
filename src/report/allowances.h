/* What results say of their run's allowances: in JSON, and in tables for people. */
#ifndef MMN_REPORT_ALLOWANCES_H
#define MMN_REPORT_ALLOWANCES_H

#include "base/text_buffer.h"
#include "neurons/allowances.h"

/* Members of "settings", after others; none where nothing was allowed. */
void mmn_allowances_json(mmn_text *text, const mmn_allowances *allowances);

/* Lines after a table. */
void mmn_allowances_remarks(mmn_text *text, const mmn_allowances *allowances);

#endif
