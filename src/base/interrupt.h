/* Long work: the clock that times it, and a request to stop, asked for in its middle. */
#ifndef MMN_BASE_INTERRUPT_H
#define MMN_BASE_INTERRUPT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Whom to ask, and whether it was said. Work that is divided among threads asks on one of them. */
typedef struct mmn_interrupt {
    mmn_interrupted_function asked; /* NULL: nobody is asked */
    void *context;
    atomic_bool said; /* for mmn_interrupt_ask alone */
    /* How far the language model is with the rows at hand: layers done, of those that it runs. 0,
     * 0: none was begun. */
    uint32_t layer, layers;
} mmn_interrupt;

/* Asks, and remembers what was said. `interrupt` may be NULL: never. */
bool mmn_interrupt_ask(mmn_interrupt *interrupt);
/* Whether it was said: what other threads than the asking one go by. */
bool mmn_interrupt_said(const mmn_interrupt *interrupt);
/* MMN_INTERRUPTED if it was said, or is now. */
mmn_status mmn_interrupt_check(mmn_interrupt *interrupt, mmn_error *error);
/* The same without remembering: for what several threads share. */
mmn_status mmn_interrupt_check_now(const mmn_interrupt *interrupt, mmn_error *error);

/* Says how far the layers are. `interrupt` may be NULL. */
void mmn_interrupt_tell(mmn_interrupt *interrupt, uint32_t layer, uint32_t layers);
/* The share of the layers that are done. */
double mmn_interrupt_share(const mmn_interrupt *interrupt);

/* Seconds, from a beginning that is not specified; it never goes back. */
double mmn_clock(void);

#endif
