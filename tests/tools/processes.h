/* Processes that do one run together: children of the test that reach each other through sockets,
 * as MPI's would through MPI. */
#ifndef MMN_TESTS_TOOLS_PROCESSES_H
#define MMN_TESTS_TOOLS_PROCESSES_H

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mmneuron.h"

enum { MOST_PROCESSES = 5 };

/* The options without OpenMP's threads, which do not survive a fork. */
static const mmn_model_options one_thread = {.size = sizeof(one_thread), .threads = 1};

/* ---- Messages -------------------------------------------------------------------------------- */

/* One end of each of its connections, to process number [rank]; -1: there is none. */
typedef struct wires {
    uint32_t count;
    int ends[MOST_PROCESSES];
    char bytes[1 << 20];
} wires;

static bool write_all(int end, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        const ssize_t done = write(end, at, size);
        if (done <= 0)
            return false;
        at += done;
        size -= (size_t)done;
    }
    return true;
}

static bool read_all(int end, void *bytes, size_t size)
{
    char *at = bytes;
    while (size > 0) {
        const ssize_t done = read(end, at, size);
        if (done <= 0)
            return false;
        at += done;
        size -= (size_t)done;
    }
    return true;
}

static mmn_status gone(mmn_error *problem)
{
    *problem = (mmn_error){.status = MMN_SYSTEM, .message = "another process is no more"};
    return MMN_SYSTEM;
}

static mmn_status send_bytes(void *context, uint32_t to, const void *bytes, size_t size,
                             mmn_error *problem)
{
    const wires *all = context;
    return write_all(all->ends[to], &size, sizeof(size)) && write_all(all->ends[to], bytes, size)
               ? MMN_OK
               : gone(problem);
}

static mmn_status receive_bytes(void *context, int wait, uint32_t *from, const void **bytes,
                                size_t *size, mmn_error *problem)
{
    wires *all = context;
    struct pollfd waiting[MOST_PROCESSES];
    *bytes = NULL;
    for (uint32_t i = 0; i < all->count; i++)
        waiting[i] = (struct pollfd){.fd = all->ends[i], .events = POLLIN};
    if (poll(waiting, all->count, wait ? 100 : 0) <= 0)
        return MMN_OK;
    for (uint32_t i = 0; i < all->count; i++) {
        if (all->ends[i] < 0 || waiting[i].revents == 0)
            continue;
        if (!read_all(all->ends[i], size, sizeof(*size)) || *size > sizeof(all->bytes) ||
            !read_all(all->ends[i], all->bytes, *size))
            return gone(problem);
        *from = i;
        *bytes = all->bytes;
        return MMN_OK;
    }
    return MMN_OK;
}

/* ---- Processes ------------------------------------------------------------------------------- */

/* What a process does: its part of the run, as number `rank` of `ranks->count`. Returns a status.
 */
typedef int part_function(const mmn_ranks *ranks, void *context);

static void be_process(part_function *part, void *context, wires *all, uint32_t rank)
{
    const mmn_ranks ranks = {.size = sizeof(ranks),
                             .rank = rank,
                             .count = all->count,
                             .context = all,
                             .send = send_bytes,
                             .receive = receive_bytes};
    char byte;
    signal(SIGPIPE, SIG_IGN);
    const int status = part(&ranks, context);
    while (rank > 0 && read(all->ends[0], &byte, 1) == 1) /* until the first has ended */
        continue;
    _exit(status);
}

/* Runs the parts of `count` processes. Returns the status of the first, -1 where it was killed; no
 * other's may be 100 or more, which say what is wrong with the test. */
static int run_processes(uint32_t count, part_function *part, void *context)
{
    static wires all[MOST_PROCESSES];
    pid_t children[MOST_PROCESSES];
    int first = -1;
    for (uint32_t i = 0; i < count; i++) {
        all[i].count = count;
        for (int k = 0; k < MOST_PROCESSES; k++)
            all[i].ends[k] = -1;
    }
    for (uint32_t i = 1; i < count; i++) {
        int pair[2];
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        all[0].ends[i] = pair[0];
        all[i].ends[0] = pair[1];
    }
    for (uint32_t i = 0; i < count; i++) {
        children[i] = fork();
        cr_assert_geq(children[i], 0);
        if (children[i] > 0)
            continue;
        for (uint32_t k = 0; k < count; k++)
            for (uint32_t end = 0; k != i && end < count; end++)
                close(all[k].ends[end]);
        be_process(part, context, &all[i], i);
    }
    for (uint32_t i = 1; i < count; i++) {
        close(all[0].ends[i]);
        close(all[i].ends[0]);
    }
    for (uint32_t i = 0; i < count; i++) {
        int status;
        cr_assert_eq(waitpid(children[i], &status, 0), children[i]);
        if (i == 0)
            first = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        cr_assert(!WIFEXITED(status) || WEXITSTATUS(status) < 100, "process %u: %d", (unsigned)i,
                  WEXITSTATUS(status));
    }
    return first;
}

#endif
