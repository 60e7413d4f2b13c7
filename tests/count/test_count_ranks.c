/* Several processes that count one list: the bytes of one process, over several rounds, and from
 * what the last round saved where one process was killed in the middle. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "mmneuron.h"
#include "tests/tools/processes.h"
#include "tests/tools/same_bytes.h"
#include "tests/tools/scratch.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5"
#define GREY MMN_SOURCE_DIR "/golden/images/grey.jpg"

/* Milliseconds that a sample takes: so that a run has rounds of two seconds; and so that, where one
 * process is to be killed, most samples are not yet dealt out when the first round is saved. */
enum { SAMPLES = 60, SLOW = 150, VERY_SLOW = 400 };

static mmn_error error;
static char list[300], alone[300], together[300], state[300];

/* Some samples are bad: a picture that is none, a line that is none. */
static void write_list(void)
{
    char text[SAMPLES * 200] = "", *at = text;
    scratch_make();
    for (int i = 0; i < SAMPLES; i++)
        if (i == 31)
            at += sprintf(at, "{\"domain\": 7}\n");
        else
            at += sprintf(at, "{\"domain\": \"%s\"%s, \"question\": \"Which %d?\"}\n",
                          i % 3 == 0 ? "medical" : "documents",
                          i == 17       ? ", \"image\": \"list.jsonl\""
                          : i % 20 == 0 ? ", \"image\": \"" GREY "\""
                                        : "",
                          i);
    scratch_write("list.jsonl", text);
    snprintf(list, sizeof(list), "%s", scratch_path("list.jsonl"));
    snprintf(alone, sizeof(alone), "%s", scratch_path("alone"));
    snprintf(together, sizeof(together), "%s", scratch_path("together"));
    snprintf(state, sizeof(state), "%s", scratch_path("together.state"));
}

TestSuite(count_ranks, .init = write_list, .fini = scratch_remove);

/* What a process does at a sample, besides waiting. */
typedef struct counting {
    uint64_t positions; /* of each domain that are wanted; 0: all */
    uint32_t killed;    /* which process, once the state was saved; 0: none */
    uint32_t rank;
    uint64_t told; /* samples that were done when it last waited */
    bool resumed;  /* whether an earlier run had saved something */
} counting;

/* An mmn_progress_function. */
static int be_slow(void *context, const mmn_progress *progress)
{
    counting *run = context;
    const int milliseconds = run->killed > 0 ? VERY_SLOW : run->resumed ? 0 : SLOW;
    const struct timespec wait = {.tv_nsec = milliseconds * 1000000L};
    if (progress->done == run->told)
        return 0;
    run->told = progress->done;
    nanosleep(&wait, NULL);
    if (run->killed > 0 && run->rank == run->killed && access(state, F_OK) == 0)
        raise(SIGKILL);
    return 0;
}

static mmn_status count_list(const mmn_ranks *ranks, counting *run, const char *output,
                             mmn_count_summary *summary)
{
    mmn_model *model;
    const mmn_count_options options = {.size = sizeof(options),
                                       .list = list,
                                       .output = output,
                                       .positions = run->positions,
                                       .skip_bad = true,
                                       .ranks = ranks,
                                       .progress = ranks ? be_slow : NULL,
                                       .progress_context = run};
    mmn_status status = mmn_model_open(&model, MODEL, &one_thread, &error);
    if (status == MMN_OK)
        status = mmn_count(model, &options, summary, &error);
    mmn_model_close(model);
    return status;
}

/* A part_function. */
static int do_part(const mmn_ranks *ranks, void *context)
{
    counting run = *(const counting *)context;
    mmn_count_summary summary;
    run.rank = ranks->rank;
    const mmn_status status = count_list(ranks, &run, together, &summary);
    if (ranks->rank == 0 && status != MMN_OK && run.killed == 0)
        fprintf(stderr, "%s %s: %s\n", error.file, error.where, error.message);
    if (status == MMN_OK && ranks->rank == 0 && (summary.resumed > 0) != run.resumed)
        return 100;
    return (int)status;
}

static void expect_same(counting run, uint32_t count)
{
    cr_assert_eq(run_processes(count, do_part, &run), MMN_OK);
    check_same_bytes(together, alone);
    cr_assert_eq(remove(together), 0);
    cr_assert_neq(access(state, F_OK), 0, "the state stays");
}

Test(count_ranks, rounds_give_the_bytes_of_one_process)
{
    cr_assert_eq(count_list(NULL, &(counting){0}, alone, NULL), MMN_OK, "%s", error.message);
    expect_same((counting){0}, 3);
}

Test(count_ranks, positions_are_counted_over_rounds)
{
    cr_assert_eq(count_list(NULL, &(counting){.positions = 250}, alone, NULL), MMN_OK);
    expect_same((counting){.positions = 250}, 2);
}

/* One is killed in the second round, and another number of processes goes on behind the first. */
Test(count_ranks, what_a_round_saved_is_kept_when_one_is_killed)
{
    cr_assert_eq(count_list(NULL, &(counting){0}, alone, NULL), MMN_OK);
    for (uint32_t killed = 1; killed < 3; killed++) {
        counting run = {.killed = killed};
        cr_assert_eq(run_processes(3, do_part, &run), MMN_SYSTEM);
        cr_assert_eq(access(state, F_OK), 0, "nothing was saved");
        cr_assert_neq(access(together, F_OK), 0);
        expect_same((counting){.resumed = true}, 2);
    }
}
