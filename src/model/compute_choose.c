/* What computes, chosen: kernels and threads, and whether their arithmetic is as it must be. */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "model/compute.h"

static mmn_status choose_kernels(mmn_compute *compute, const char *name, mmn_error *error)
{
    if (!name)
        name = getenv("MMNEURON_SIMD");
    if (name && !*name)
        name = NULL;
    compute->kernels = mmn_kernels_select(name);
    if (compute->kernels)
        return MMN_OK;

    char known[256] = "";
    for (const char *const *each = mmn_kernels_names(); *each; each++)
        if (mmn_kernels_select(*each) && strlen(known) + strlen(*each) + 3 < sizeof(known)) {
            strcat(known, ", ");
            strcat(known, *each);
        }
    return mmn_fail(error, MMN_USAGE, NULL, NULL,
                    "there are no kernels called \"%s\" that this processor can run; there are "
                    "auto%s",
                    name, known);
}

/* Libraries linked with -ffast-math switch denormals off for the threads they start in: every
 * thread that will compute is asked. */
static mmn_status check_arithmetic(const mmn_compute *compute, mmn_error *error)
{
    const char *fault = NULL;
    MMN_PARALLEL(compute->threads)
    {
        const char *own = mmn_arithmetic_fault();
        if (own) {
            MMN_ONE_AT_A_TIME(mmn_arithmetic)
            fault = own;
        }
    }
    if (!fault)
        return MMN_OK;
    return mmn_fail(error, MMN_SYSTEM, NULL, NULL,
                    "arithmetic on this machine would change results: %s", fault);
}

mmn_status mmn_compute_choose(mmn_compute *compute, int threads, const char *simd, mmn_error *error)
{
    if (threads < 0 || threads > MMN_THREAD_LIMIT)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "%d threads were asked for; expected 1 to %d, or 0 for all", threads,
                        MMN_THREAD_LIMIT);
    MMN_TRY(choose_kernels(compute, simd, error));
    MMN_TRY(mmn_threads_to_be_had(&compute->threads, mmn_threads(threads), error));
    return check_arithmetic(compute, error);
}
