/* A request to stop, asked for in the middle of long work. */
#include "base/interrupt.h"

#include <stddef.h>

static bool is_asked_to_stop(const mmn_interrupt *interrupt)
{
    return interrupt && interrupt->asked && interrupt->asked(interrupt->context) != 0;
}

static mmn_status stop(mmn_error *error)
{
    return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "interrupted");
}

bool mmn_interrupt_ask(mmn_interrupt *interrupt)
{
    if (mmn_interrupt_said(interrupt))
        return true;
    if (!is_asked_to_stop(interrupt))
        return false;
    atomic_store_explicit(&interrupt->said, true, memory_order_relaxed);
    return true;
}

bool mmn_interrupt_said(const mmn_interrupt *interrupt)
{
    return interrupt && atomic_load_explicit(&interrupt->said, memory_order_relaxed);
}

mmn_status mmn_interrupt_check(mmn_interrupt *interrupt, mmn_error *error)
{
    return mmn_interrupt_ask(interrupt) ? stop(error) : MMN_OK;
}

mmn_status mmn_interrupt_check_now(const mmn_interrupt *interrupt, mmn_error *error)
{
    return is_asked_to_stop(interrupt) ? stop(error) : MMN_OK;
}
