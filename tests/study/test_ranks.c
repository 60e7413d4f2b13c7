/* Several processes that do one study: every study gives the bytes of one process, however many
 * there are, and goes on with any number of them where one has failed or was killed. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mmneuron.h"
#include "tests/study/every_study.h"
#include "tests/tools/processes.h"

TestSuite(ranks, .init = write_lists, .fini = scratch_remove);

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

/* A part_function: the study is the context. Writes the result of the first to "result", and its
 * error's message to "message". */
static int do_part(const mmn_ranks *ranks, void *run)
{
    mmn_model_options options = one_thread;
    const mmn_rows_options rows = {.file = file, .ranks = ranks};
    mmn_result *result = NULL;
    char *json;
    own_rank = ranks->rank;
    options.interrupted = have_accident;
    if (what.other_list && own_rank == what.rank)
        snprintf(list, sizeof(list), "%s", what.other_list);
    if (mmn_model_open(&model, MODEL, &options, &error) != MMN_OK)
        return 100;
    const mmn_status status = (*(study *const *)run)(&result, &rows);
    if ((own_rank > 0 || status != MMN_OK) != !result)
        return 101;
    if (result && (mmn_result_json(result, &json, &error) != MMN_OK))
        return 102;
    if (own_rank == 0) {
        FILE *out = fopen(scratch_path(result ? "result" : "message"), "w");
        fputs(result ? json : error.message, out);
        fclose(out);
    }
    return (int)status;
}

/* Runs the study in `count` processes. Returns the status of the first. */
static int run_together(study *run, uint32_t count)
{
    return run_processes(count, do_part, &run);
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
    static const uint32_t counts[] = {1, 2, 3, MOST_PROCESSES};
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
