/* The regressions of encoding kept as rows: the bytes of one run when it is interrupted or killed
 * and goes on, and when it is done in shards, by draws and by sites. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mmneuron.h"
#include "study/rows_file.h"
#include "tests/tools/processes.h"
#include "tests/tools/scratch.h"

#define FOLDER MMN_SOURCE_DIR "/tests/study/data/encode-roles/"

enum { DRAWS = 7, MOST_SHARDS = 4 };

static const char *const networks[] = {"vision=" FOLDER "vision.safetensors",
                                       "language=" FOLDER "language.safetensors",
                                       "multimodal=" FOLDER "multimodal.safetensors"};
static const char *const roles[] = {"vision=vision", "language=language", "multimodal=multimodal"};
static const char *const joins[] = {"joined=vision+language"};

static char file[1100];
static mmn_error error;

/* What has been told: how often, and the last of it; where to stop or to be killed, 0: nowhere. */
static unsigned long told, stop_at, kill_at;
static mmn_progress last;

static void set_up(void)
{
    scratch_make();
    snprintf(file, sizeof(file), "%s", scratch_path("rows.jsonl"));
}

TestSuite(encode_rows, .init = set_up, .fini = scratch_remove);

/* An mmn_progress_function. */
static int hear(void *context, const mmn_progress *progress)
{
    (void)context;
    last = *progress;
    told++;
    if (told == kill_at)
        raise(SIGKILL);
    return told == stop_at;
}

static mmn_encode_options options_of(int threads, mmn_rows_options rows)
{
    told = 0;
    return (mmn_encode_options){.size = sizeof(mmn_encode_options),
                                .responses = FOLDER "responses.safetensors",
                                .features = networks,
                                .feature_count = 3,
                                .roles = roles,
                                .role_count = 3,
                                .joins = joins,
                                .join_count = 1,
                                .draws = DRAWS,
                                .seed = 3,
                                .threads = threads,
                                .progress = hear,
                                .rows = rows};
}

static mmn_status status_of(mmn_encode_options options)
{
    mmn_result *result;
    const mmn_status status = mmn_encode(&result, &options, &error);
    cr_assert_eq(result != NULL, status == MMN_OK && options.rows.shards == 0);
    mmn_result_free(result);
    return status;
}

/* The JSON of a run, to be freed with mmn_release. */
static char *result_of(mmn_encode_options options)
{
    mmn_result *result;
    char *json;
    cr_assert_eq(mmn_encode(&result, &options, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_result_json(result, &json, &error), MMN_OK);
    mmn_result_free(result);
    return json;
}

static char *whole_result(void)
{
    return result_of(options_of(1, (mmn_rows_options){0}));
}

static void expect_result(mmn_encode_options options, const char *expected)
{
    char *json = result_of(options);
    cr_assert_str_eq(json, expected);
    mmn_release(json);
}

static off_t size_of(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 ? found.st_size : 0;
}

/* ---- Going on -------------------------------------------------------------------------------- */

Test(encode_rows, change_no_result)
{
    char *whole = whole_result();
    const unsigned long all = told;
    expect_result(options_of(2, (mmn_rows_options){.file = file}), whole);
    cr_expect_eq(last.already, 0);
    cr_expect_eq(last.done, last.total);
    const off_t size = size_of(file);
    expect_result(options_of(1, (mmn_rows_options){.file = file}), whole); /* of the rows alone */
    cr_expect_eq(last.already, last.total);
    cr_expect_eq(told, all);
    cr_expect_eq(size_of(file), size);
    mmn_release(whole);
}

/* What is said after the regressions may be said anew of their rows. */
Test(encode_rows, serve_other_comparisons)
{
    static const char *const pairs[] = {"joined:vision"};
    mmn_encode_options other = options_of(1, (mmn_rows_options){0});
    other.comparisons = pairs;
    other.comparison_count = 1;
    other.role_count = 0;
    other.rate = 0.3;
    char *expected = result_of(other);
    mmn_release(result_of(options_of(1, (mmn_rows_options){.file = file})));
    other.rows.file = file;
    expect_result(other, expected);
    cr_expect_eq(last.already, last.total);
    mmn_release(expected);
}

/* Stops behind every regression that `step` divides, going on each time. */
static void interrupt(int threads, unsigned long step, const char *whole)
{
    unsigned long stops = 0;
    mmn_status status = MMN_INTERRUPTED;
    remove(file);
    for (stop_at = step; status == MMN_INTERRUPTED; stop_at += step, stops++) {
        const off_t before = size_of(file);
        status = status_of(options_of(threads, (mmn_rows_options){.file = file}));
        if (status == MMN_INTERRUPTED)
            cr_assert_gt(size_of(file), before);
    }
    cr_assert_eq(status, MMN_OK, "%s", error.message);
    cr_expect_gt(stops, 2);
    stop_at = 0;
    expect_result(options_of(threads, (mmn_rows_options){.file = file}), whole);
}

Test(encode_rows, go_on_after_interruptions)
{
    char *whole = whole_result();
    interrupt(1, 5, whole);
    interrupt(2, 13, whole);
    stop_at = 2;
    remove(file);
    cr_expect_eq(status_of(options_of(1, (mmn_rows_options){.file = file})), MMN_INTERRUPTED);
    cr_expect_not_null(strstr(error.message, "goes on from there"), "%s", error.message);
    cr_expect_str_eq(error.file, file);
    mmn_release(whole);
}

/* A process that is killed at a regression; whether it came that far. */
static bool is_killed(unsigned long at)
{
    int status;
    const pid_t child = fork();
    if (child == 0) {
        kill_at = at;
        _exit((int)status_of(options_of(1, (mmn_rows_options){.file = file})));
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == MMN_OK);
    return WIFSIGNALED(status);
}

Test(encode_rows, go_on_after_kills)
{
    unsigned long kills = 0;
    for (unsigned long at = 3; is_killed(at); at += 17)
        kills++;
    cr_expect_gt(kills, 2);
    char *whole = whole_result();
    expect_result(options_of(2, (mmn_rows_options){.file = file}), whole);
    mmn_release(whole);
}

/* Cut off anywhere, as by a machine that stops. */
Test(encode_rows, go_on_after_a_torn_end)
{
    char *whole = whole_result();
    mmn_release(result_of(options_of(1, (mmn_rows_options){.file = file})));
    const off_t all = size_of(file);
    for (off_t size = all - 1; size > 2 * all / 3; size -= all / 13) {
        cr_assert_eq(truncate(file, size), 0);
        expect_result(options_of(1, (mmn_rows_options){.file = file}), whole);
        cr_expect_eq(size_of(file), all);
    }
    mmn_release(whole);
}

/* ---- Shards ---------------------------------------------------------------------------------- */

static char part_files[MOST_SHARDS][1100];

/* Makes the parts, the last one first, and puts their files into `parts` in the order made. */
static void make_parts(const char **parts, uint32_t shards, uint32_t site_parts)
{
    for (uint32_t i = 0; i < shards; i++) {
        const uint32_t shard = shards - i;
        char name[32];
        snprintf(name, sizeof(name), "part%u", (unsigned)shard);
        snprintf(part_files[i], sizeof(part_files[i]), "%s", scratch_path(name));
        remove(part_files[i]);
        mmn_encode_options options =
            options_of(1 + (int)(i % 2),
                       (mmn_rows_options){.file = part_files[i], .shard = shard, .shards = shards});
        options.site_parts = site_parts;
        cr_assert_eq(status_of(options), MMN_OK, "%s", error.message);
        cr_expect_eq(last.done, last.total);
        parts[i] = part_files[i];
    }
}

static void expect_merged(uint32_t shards, uint32_t site_parts, const char *whole)
{
    const char *parts[MOST_SHARDS];
    make_parts(parts, shards, site_parts);
    mmn_encode_options options =
        options_of(1, (mmn_rows_options){.parts = parts, .part_count = shards});
    options.site_parts = site_parts;
    expect_result(options, whole);
    cr_expect_eq(last.already, last.total);
}

Test(encode_rows, are_put_together_of_shards)
{
    char *whole = whole_result();
    for (uint32_t shards = 1; shards <= MOST_SHARDS; shards++)
        expect_merged(shards, 1, whole);
    expect_merged(2, 2, whole); /* by sites */
    expect_merged(3, 2, whole);
    expect_merged(2, 3, whole);
    mmn_release(whole);
}

/* The rows of a merge are those of one run. */
Test(encode_rows, are_merged_to_the_file_of_one_run)
{
    const char *parts[MOST_SHARDS], *alone = scratch_path("alone");
    mmn_mapping one = {0}, other = {0};
    make_parts(parts, 3, 1);
    mmn_rows_options rows = {.file = file, .parts = parts, .part_count = 3};
    cr_assert_eq(status_of(options_of(1, rows)), MMN_OK);
    cr_assert_eq(status_of(options_of(1, (mmn_rows_options){.file = alone})), MMN_OK);
    cr_assert_eq(mmn_map_file(&one, alone, &error), MMN_OK);
    cr_assert_eq(mmn_map_file(&other, file, &error), MMN_OK);
    cr_assert_eq(other.size, one.size);
    cr_expect_arr_eq(other.data, one.data, one.size);
    mmn_unmap(&one);
    mmn_unmap(&other);
}

/* ---- Processes ------------------------------------------------------------------------------- */

/* What happens to one of them at the regression that it tells so many times; 0: nothing. */
static struct accident {
    uint32_t rank;
    unsigned long at;
    bool killed;    /* else it is asked to stop */
    uint32_t draws; /* of its options, where they are others; 0: they are not */
} accident;

/* A part_function. Writes the result of the first to "result", and its error's message to
 * "message". */
static int do_part(const mmn_ranks *ranks, void *context)
{
    mmn_encode_options options = options_of(1, (mmn_rows_options){.file = file, .ranks = ranks});
    mmn_result *result;
    char *json = NULL;
    (void)context;
    if (ranks->rank == accident.rank) {
        *(accident.killed ? &kill_at : &stop_at) = accident.at;
        options.draws = accident.draws ? accident.draws : options.draws;
    }
    const mmn_status status = mmn_encode(&result, &options, &error);
    if ((result != NULL) != (status == MMN_OK && ranks->rank == 0))
        return 100;
    if (result && mmn_result_json(result, &json, &error) != MMN_OK)
        return 101;
    if (result && (last.done != last.total || last.total == 0))
        return 102;
    if (ranks->rank == 0)
        scratch_write(result ? "result" : "message", result ? json : error.message);
    return (int)status;
}

static char *read_text(const char *name)
{
    static char text[1 << 20];
    FILE *in = fopen(scratch_path(name), "r");
    cr_assert_not_null(in, "%s", name);
    text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
    fclose(in);
    return text;
}

Test(encode_rows, are_made_by_processes_together)
{
    char *whole = whole_result();
    for (uint32_t count = 1; count <= MOST_PROCESSES; count += 2) {
        remove(file);
        scratch_write("message", "");
        cr_assert_eq(run_processes(count, do_part, NULL), MMN_OK, "%s", read_text("message"));
        cr_expect_str_eq(read_text("result"), whole, "%u processes", (unsigned)count);
        expect_result(options_of(1, (mmn_rows_options){.file = file}), whole);
        cr_expect_eq(last.already, last.total);
    }
    mmn_release(whole);
}

/* Goes on with another number of processes each time that one was killed or stopped, until a run
 * comes to its end. */
static void interrupt_together(bool killed, const char *whole)
{
    for (uint32_t rank = 0; rank < 2; rank++) {
        int status = -1, stopped = 0;
        remove(file);
        for (unsigned long at = 1; status != MMN_OK; at += 23) {
            accident = (struct accident){.rank = rank, .at = at, .killed = killed};
            scratch_write("message", "");
            status = run_processes(2 + at % 3, do_part, NULL);
            stopped += status != MMN_OK;
            if (status != MMN_OK && rank > 0)
                cr_assert_eq(status, killed ? MMN_SYSTEM : MMN_INTERRUPTED, "%d: %s", status,
                             read_text("message"));
            cr_assert_lt(stopped, 100);
        }
        cr_expect_gt(stopped, 0);
        cr_expect_str_eq(read_text("result"), whole);
    }
}

Test(encode_rows, go_on_with_other_processes)
{
    char *whole = whole_result();
    interrupt_together(false, whole);
    interrupt_together(true, whole);
    mmn_release(whole);
}

Test(encode_rows, are_of_the_same_run_in_all_processes)
{
    accident = (struct accident){.rank = 1, .draws = DRAWS + 1};
    cr_expect_eq(run_processes(2, do_part, NULL), MMN_INPUT);
    cr_expect_not_null(strstr(read_text("message"), "is at another run than process 0"));
}

/* ---- What is wrong --------------------------------------------------------------------------- */

static void refuses(mmn_encode_options options, mmn_status status, const char *message)
{
    cr_expect_eq(status_of(options), status);
    cr_expect_not_null(strstr(error.message, message), "%s", error.message);
}

Test(encode_rows, are_of_one_run)
{
    mmn_encode_options other = options_of(1, (mmn_rows_options){.file = file});
    cr_assert_eq(status_of(other), MMN_OK);
    other.draws++;
    refuses(other, MMN_INPUT, "settings.draws (7, now 8)");
    other = options_of(1, (mmn_rows_options){.file = file});
    other.features = networks + 1;
    other.feature_count = 2;
    other.role_count = other.join_count = 0;
    refuses(other, MMN_INPUT, "differs in settings.features");
    other = options_of(1, (mmn_rows_options){.file = file});
    other.site_parts = 2;
    refuses(other, MMN_INPUT, "settings.site_parts");
    refuses(options_of(1, (mmn_rows_options){.file = file, .shard = 1, .shards = 2}), MMN_INPUT,
            "shard 1/1, not of 1/2");
}

Test(encode_rows, are_of_all_shards)
{
    const char *parts[MOST_SHARDS];
    make_parts(parts, 3, 1);
    refuses(options_of(1, (mmn_rows_options){.parts = parts, .part_count = 2}), MMN_INPUT,
            "missing");
    parts[2] = parts[1];
    refuses(options_of(1, (mmn_rows_options){.parts = parts, .part_count = 3}), MMN_INPUT, "");
}

/* A file whose check values are right, and whose last row but one says `values`. */
static void refuses_values(const char *values)
{
    mmn_text text = {0};
    mmn_mapping mapping = {0};
    const char *draw = "\"draw\": 0, \"sites\": [0, ";
    remove(file);
    stop_at = 5;
    cr_assert_eq(status_of(options_of(1, (mmn_rows_options){.file = file})), MMN_INTERRUPTED);
    stop_at = 0;
    cr_assert_eq(mmn_map_file(&mapping, file, &error), MMN_OK);
    mmn_text_add_bytes(&text, (const char *)mapping.data, mapping.size);
    mmn_unmap(&mapping);
    mmn_text_add_bytes(&text, "", 1);
    char *row = strstr(text.text, draw);
    cr_assert_not_null(row);
    char *const column = strstr(row, "\"validation\"");
    while (row[-1] != '\n')
        row--;
    const size_t start = (size_t)(row - text.text);
    text.length = (size_t)(column - text.text);
    mmn_text_add(&text, "%s", values);
    mmn_rows_line_end(&text, start);
    for (int i = 0; i < 2; i++) /* lines behind it: it is no torn end */
        mmn_text_add(&text, "{}\n");
    scratch_write_bytes("rows.jsonl", text.text, text.length);
    mmn_text_free(&text);
    refuses(options_of(1, (mmn_rows_options){.file = file}), MMN_INPUT, "");
}

Test(encode_rows, must_have_all_scores)
{
    refuses_values("\"validation\": [], \"test\": [], \"penalty\": []");
    cr_expect_not_null(strstr(error.message, "must be the scores of all columns"), "%s",
                       error.message);
    refuses_values("\"validation\": [0.5]");
    refuses_values("\"validation\": 1, \"test\": [], \"penalty\": []");
    refuses_values("\"test\": [], \"penalty\": []");
}

Test(encode_rows, refuse_wrong_usage)
{
    const mmn_ranks ranks = {.size = sizeof(ranks), .count = 2};
    refuses(options_of(1, (mmn_rows_options){.plan = 1}), MMN_USAGE, "not planned");
    refuses(options_of(1, (mmn_rows_options){.file = file, .ranks = &ranks}), MMN_USAGE,
            "need functions to send and to receive");
    refuses(options_of(1, (mmn_rows_options){.shard = 1, .shards = 2}), MMN_USAGE,
            "needs the name of their file");
    mmn_encode_options options = options_of(1, (mmn_rows_options){0});
    options.site_parts = 1000;
    refuses(options, MMN_USAGE, "1000 parts of sites");
}
