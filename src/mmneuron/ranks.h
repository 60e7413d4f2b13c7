/* mmneuron/ranks.h: several processes that do one run together, as MPI starts them: how the library
 * reaches the others. It knows no MPI; the program does.
 *
 * Ownership. The struct, and what it points to, are the caller's, and needed until the function
 * that they were given to returns.
 *
 * Threads. The functions are only called on the thread that called the library's. */
#ifndef MMNEURON_RANKS_H
#define MMNEURON_RANKS_H

#include <stddef.h>
#include <stdint.h>

#include "mmneuron/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All processes call the same function with the same options, but for these and for whom to show
 * progress. Samples are dealt out among them; process 0 alone writes files and makes the result. */
typedef struct mmn_ranks {
    size_t size;          /* sizeof(mmn_ranks) */
    uint32_t rank, count; /* this process, from 0 on, of so many */
    void *context;        /* for both functions */
    /* Sends a message, which is the library's again when this returns. Messages from one process to
     * another come in the order in which they were sent. */
    mmn_status (*send)(void *context, uint32_t to, const void *bytes, size_t size,
                       mmn_error *error);
    /* The next message from any process, valid until the next call; *bytes is NULL where there is
     * none. With `wait` it waits for one, but not much longer than a tenth of a second. Any status
     * but MMN_OK ends the run: that another process is no more, for instance. */
    mmn_status (*receive)(void *context, int wait, uint32_t *from, const void **bytes, size_t *size,
                          mmn_error *error);
} mmn_ranks;

#ifdef __cplusplus
}
#endif

#endif
