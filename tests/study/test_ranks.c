/* Several processes that do one study: every study gives the bytes of one process, however many
 * there are, and goes on with any number of them where one has failed or was killed. They are
 * children of the test that reach each other through sockets, as MPI's would through MPI. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mmneuron.h"
#include "tests/study/every_study.h"

enum { MOST = 5 };

/* The options without OpenMP's threads, which do not survive a fork. */
static const mmn_model_options one_thread = {.size = sizeof(one_thread), .threads = 1};

TestSuite(ranks, .init = write_lists, .fini = scratch_remove);

/* ---- Messages -------------------------------------------------------------------------------- */

/* One end of each of its connections, to process number [rank]; -1: there is none. */
typedef struct wires {
    uint32_t count;
    int ends[MOST];
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
    struct pollfd waiting[MOST];
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

/* What one of them does besides, at the progress that its study tells the n-th time. */
typedef struct accident {
    uint32_t rank;
    unsigned long at; /* 0: nothing */
    bool killed;      /* else it is asked to stop */
    const char *other_list;
} accident;

static accident what;
static uint32_t own_rank;

/* An mmn_interrupted_function. */
static int have_accident(void *context)
{
    static unsigned long asked;
    (void)context;
    if (own_rank != what.rank || what.at == 0 || ++asked < what.at)
        return 0;
    if (what.killed)
        raise(SIGKILL);
    return 1;
}

/* Runs the study as one process of several; writes the result of the first to "result", and its
 * error's message to "message". Exits with the status. */
static void be_process(study *run, wires *all, uint32_t rank)
{
    mmn_model_options options = one_thread;
    const mmn_ranks ranks = {.size = sizeof(ranks),
                             .rank = rank,
                             .count = all->count,
                             .context = all,
                             .send = send_bytes,
                             .receive = receive_bytes};
    const mmn_rows_options rows = {.file = file, .ranks = &ranks};
    mmn_result *result = NULL;
    char *json, byte;
    own_rank = rank;
    options.interrupted = have_accident;
    signal(SIGPIPE, SIG_IGN);
    if (what.other_list && rank == what.rank)
        snprintf(list, sizeof(list), "%s", what.other_list);
    if (mmn_model_open(&model, MODEL, &options, &error) != MMN_OK)
        _exit(100);
    const mmn_status status = run(&result, &rows);
    if ((rank > 0 || status != MMN_OK) != !result)
        _exit(101);
    if (result && (mmn_result_json(result, &json, &error) != MMN_OK))
        _exit(102);
    if (rank == 0) {
        FILE *out = fopen(scratch_path(result ? "result" : "message"), "w");
        fputs(result ? json : error.message, out);
        fclose(out);
    } else {
        while (read(all->ends[0], &byte, 1) == 1) /* until the first has ended */
            continue;
    }
    _exit((int)status);
}

/* Runs the study in `count` processes. Returns the status of the first. */
static int run_together(study *run, uint32_t count)
{
    static wires all[MOST];
    pid_t children[MOST];
    int first = -1;
    for (uint32_t i = 0; i < count; i++) {
        all[i].count = count;
        for (int k = 0; k < MOST; k++)
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
        be_process(run, &all[i], i);
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

static char *read_text(const char *name)
{
    static char text[1 << 20];
    FILE *in = fopen(scratch_path(name), "r");
    cr_assert_not_null(in, "%s", name);
    const size_t size = fread(text, 1, sizeof(text) - 1, in);
    text[size] = '\0';
    fclose(in);
    return text;
}

static char *result_alone(study *run)
{
    const mmn_rows_options none = {.file = NULL};
    cr_assert_eq(mmn_model_open(&model, MODEL, &one_thread, &error), MMN_OK);
    char *json = result_of(run, &none);
    mmn_model_close(model);
    return json;
}

static void expect_together(study *run, uint32_t count, const char *expected)
{
    cr_assert_eq(run_together(run, count), MMN_OK, "%u processes: %s", (unsigned)count,
                 read_text("message"));
    cr_assert_str_eq(read_text("result"), expected, "%u processes", (unsigned)count);
    cr_assert_eq(remove(scratch_path("result")), 0);
}

/* ---- What they make -------------------------------------------------------------------------- */

Test(ranks, every_study_gives_the_bytes_of_one_process)
{
    static const uint32_t counts[] = {1, 2, 3, MOST};
    for (size_t s = 0; s < STUDIES; s++) {
        char *expected = result_alone(studies[s]);
        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
            scratch_write("message", "");
            expect_together(studies[s], counts[i], expected);
            cr_assert_eq(remove(file), 0);
        }
        mmn_release(expected);
    }
}

/* The rows' file is the bytes that one process writes, too. */
Test(ranks, the_file_of_rows_is_that_of_one_process)
{
    scratch_write("message", "");
    cr_assert_eq(run_together(run_lens, 1), MMN_OK);
    char *alone = strdup(read_text("rows.jsonl"));
    cr_assert_eq(remove(file), 0);
    cr_assert_eq(run_together(run_lens, 3), MMN_OK);
    cr_assert_str_eq(read_text("rows.jsonl"), alone);
    free(alone);
}

/* Kills one process, or asks it to stop, later and later, and goes on with another number of them
 * each time, until a run comes to its end. */
static void interrupt_until_done(bool killed)
{
    char *expected = result_alone(run_perturb);
    for (uint32_t rank = 0; rank < 3; rank++) {
        int status = -1, stopped = 0;
        for (unsigned long at = 1; status != MMN_OK; at += 97) {
            what = (accident){.rank = rank, .at = at, .killed = killed};
            scratch_write("message", "");
            status = run_together(run_perturb, 3 + at % 3);
            stopped += status != MMN_OK;
            if (status != MMN_OK && rank > 0)
                cr_assert_eq(status, killed ? MMN_SYSTEM : MMN_INTERRUPTED, "%d: %s", status,
                             read_text("message"));
            cr_assert_lt(stopped, 1000);
        }
        cr_assert_gt(stopped, 0);
        cr_assert_str_eq(read_text("result"), expected);
        cr_assert_eq(remove(scratch_path("result")), 0);
        cr_assert_eq(remove(file), 0);
    }
    mmn_release(expected);
}

Test(ranks, a_killed_process_ends_the_run_which_goes_on)
{
    interrupt_until_done(true);
}

Test(ranks, an_interrupted_process_ends_the_run_which_goes_on)
{
    interrupt_until_done(false);
}

/* ---- What they refuse ------------------------------------------------------------------------ */

Test(ranks, what_one_process_fails_of_is_said_by_the_first)
{
    scratch_write("bad.jsonl", "{\"domain\": \"medical\"}\n");
    char bad[300];
    snprintf(bad, sizeof(bad), "%s", scratch_path("bad.jsonl"));
    what = (accident){.rank = 2, .other_list = bad};
    cr_assert_eq(run_together(run_perturb, 3), MMN_INPUT);
    cr_assert_str_eq(read_text("message"), "is missing");
}

Test(ranks, processes_at_different_runs_are_refused)
{
    static char other[sizeof(questions)];
    memcpy(other, questions, sizeof(questions));
    memcpy(strstr(other, "Who?"), "Why?", 4);
    scratch_write("other.jsonl", other);
    char path[300];
    snprintf(path, sizeof(path), "%s", scratch_path("other.jsonl"));
    what = (accident){.rank = 1, .other_list = path};
    cr_assert_eq(run_together(run_perturb, 3), MMN_INPUT);
    cr_assert_not_null(strstr(read_text("message"), "another run"), "%s", read_text("message"));
}

Test(ranks, the_first_process_refuses_rows_of_another_run)
{
    cr_assert_eq(run_together(run_lens, 2), MMN_OK);
    cr_assert_eq(run_together(run_perturb, 3), MMN_INPUT);
    cr_assert_not_null(strstr(read_text("message"), "another run"));
}

Test(ranks, several_processes_need_a_file)
{
    const mmn_ranks ranks = {.size = sizeof(ranks), .count = 2};
    const mmn_rows_options rows = {.ranks = &ranks};
    mmn_result *result;
    cr_assert_eq(mmn_model_open(&model, MODEL, &one_thread, &error), MMN_OK);
    cr_assert_eq(run_lens(&result, &rows), MMN_USAGE);
    cr_assert_null(result);
    mmn_model_close(model);
}
