/* work.c: long work that shows its progress and can be interrupted. */
#include "cli/work.h"

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"

void mmn_cli_work_begin(mmn_cli_progress *progress, bool quiet)
{
    mmn_cli_interrupt_catch();
    mmn_cli_progress_begin(progress, quiet);
}

int mmn_cli_work_end(mmn_cli_progress *progress, mmn_status status, const mmn_error *error)
{
    mmn_cli_progress_clear(progress);
    if (status == MMN_OK)
        return MMN_CLI_DONE;
    if (status != MMN_INTERRUPTED)
        return mmn_cli_fail(error);
    mmn_cli_message("interrupted; nothing was written");
    return mmn_cli_interrupt_code();
}
