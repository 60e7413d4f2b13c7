/* Encoding: tells how far it is, and asks whether to stop. */
#include "base/interrupt.h"
#include "study/encode.h"

mmn_status mmn_encode_tell_again(const mmn_encode_study *study, mmn_error *error)
{
    const mmn_encode_options *options = study->options;
    const mmn_progress progress = {.label = "encoding",
                                   .unit = "regressions",
                                   .done = study->done,
                                   .already = study->already,
                                   .total = study->total,
                                   .seconds = mmn_clock() - study->begun};
    if (options->progress && options->progress(options->progress_context, &progress))
        return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "interrupted");
    return MMN_OK;
}

mmn_status mmn_encode_tell(mmn_encode_study *study, bool found, mmn_error *error)
{
    study->done += !study->phase.over;
    study->already += found && !study->phase.over;
    return mmn_encode_tell_again(study, error);
}
