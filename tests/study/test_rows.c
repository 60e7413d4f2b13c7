/* Rows: every study gives the bytes of one run when it is interrupted and goes on, when it is done
 * in shards, and when memory, disk or file fail it on the way. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include "mmneuron.h"
#include "tests/study/every_study.h"
#include "tests/tools/failing_allocator.h"

static void set_up(void)
{
    write_lists();
    cr_assert_eq(mmn_model_open(&model, MODEL, NULL, &error), MMN_OK, "%s", error.message);
}

static void tear_down(void)
{
    mmn_model_close(model);
    scratch_remove();
}

TestSuite(rows, .init = set_up, .fini = tear_down);

/* ---- What is run ----------------------------------------------------------------------------- */

/* The same of one window of each domain, in fewer ways. */
static mmn_status run_little(mmn_result **result, const mmn_rows_options *rows)
{
    const mmn_study_options options = {.size = sizeof(options),
                                       .list = text_list,
                                       .neurons = NEURONS,
                                       .settings = "all",
                                       .samples = 1,
                                       .window = 2,
                                       .rows = *rows};
    return mmn_study_run(result, model, "agree", &options, &error);
}

static void expect_result(study *run, const mmn_rows_options *rows, const char *expected)
{
    char *json = result_of(run, rows);
    cr_assert_str_eq(json, expected);
    mmn_release(json);
}

static const mmn_rows_options none, kept = {.file = file};

static mmn_status status_of(study *run, const mmn_rows_options *rows)
{
    mmn_result *result;
    told = 0;
    error = (mmn_error){0};
    const mmn_status status = run(&result, rows);
    cr_assert(status != MMN_OK || rows->shards > 0 ? !result : result != NULL);
    mmn_result_free(result);
    return status;
}

static size_t size_of(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 ? (size_t)found.st_size : 0;
}

/* A program that was built before there were rows has none, whatever lies behind its options. */
Test(rows, are_not_asked_of_options_of_before)
{
    mmn_result *result;
    const mmn_study_options options = {.size = offsetof(mmn_study_options, rows),
                                       .list = text_list,
                                       .neurons = NEURONS,
                                       .settings = "all",
                                       .window = 7,
                                       .rows = {.file = file, .shard = 3, .shards = 2}};
    cr_expect_eq(mmn_study_run(&result, model, "agree", &options, &error), MMN_OK, "%s",
                 error.message);
    cr_expect_neq(access(file, F_OK), 0);
    mmn_result_free(result);
    const mmn_study_options wrong = {.size = offsetof(mmn_study_options, rows) - 8,
                                     .list = text_list};
    cr_expect_eq(mmn_study_run(&result, model, "agree", &wrong, &error), MMN_USAGE);
}

/* ---- Going on -------------------------------------------------------------------------------- */

Test(rows, change_no_result)
{
    for (size_t i = 0; i < STUDIES; i++) {
        char *whole = result_of(studies[i], &none);
        expect_result(studies[i], &kept, whole);
        cr_expect_eq(already, 0);
        const size_t size = size_of(file);
        expect_result(studies[i], &kept, whole); /* of the rows alone */
        cr_expect_gt(already, 0);
        cr_expect_eq(size_of(file), size);
        mmn_release(whole);
        remove(file);
    }
}

/* Stops at every few of the times that it asks, going on each time, until it is done. */
Test(rows, go_on_after_interruptions)
{
    for (size_t i = 0; i < STUDIES; i++) {
        char *whole = result_of(studies[i], &none);
        const unsigned long all = told;
        for (unsigned long step = 1 + all / 7; step < all; step += 1 + all / 7) {
            unsigned long interruptions = 0;
            size_t before = 0;
            for (stop_at = step; status_of(studies[i], &kept) == MMN_INTERRUPTED;) {
                interruptions++;
                cr_assert_eq(error.file[0] != '\0', size_of(file) > 0);
                stop_at = size_of(file) > before ? step : stop_at + step; /* of a long sample */
                before = size_of(file);
            }
            cr_expect_gt(interruptions, 0);
            stop_at = 0;
            expect_result(studies[i], &kept, whole);
            remove(file);
        }
        mmn_release(whole);
    }
}

/* As a killed run leaves it: cut anywhere. */
Test(rows, go_on_where_they_are_torn)
{
    for (size_t i = 0; i < STUDIES; i++) {
        char *whole = result_of(studies[i], &kept), *bytes;
        size_t size, header;
        cr_assert_eq(mmn_read_file(&bytes, &size, file, 1 << 24, &error), MMN_OK);
        header = strcspn(bytes, "\n") + 1;
        for (size_t cut = header; cut < size; cut += 1 + size / 23) {
            scratch_write_bytes("rows.jsonl", bytes, cut);
            expect_result(studies[i], &kept, whole);
            cr_assert_eq(size_of(file), size);
        }
        mmn_free(bytes);
        mmn_release(whole);
        remove(file);
    }
}

/* ---- Shards ---------------------------------------------------------------------------------- */

static char parts[8][300];
static const char *part_names[8];

static void make_parts(study *run, uint32_t shards)
{
    for (uint32_t i = 0; i < shards; i++) {
        char name[40];
        snprintf(name, sizeof(name), "part-%u", (unsigned)i);
        snprintf(parts[i], sizeof(parts[i]), "%s", scratch_path(name));
        part_names[i] = parts[i];
        const mmn_rows_options rows = {.file = parts[i], .shard = i + 1, .shards = shards};
        cr_assert_eq(status_of(run, &rows), MMN_OK, "%s: %s", error.file, error.message);
    }
}

static void remove_parts(uint32_t shards)
{
    for (uint32_t i = 0; i < shards; i++)
        remove(parts[i]);
}

Test(rows, of_shards_give_the_whole)
{
    static const uint32_t counts[] = {1, 3, 7}; /* 7: some have no sample */
    for (size_t i = 0; i < STUDIES; i++) {
        char *whole = result_of(studies[i], &none);
        for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
            const uint32_t shards = counts[k];
            make_parts(studies[i], shards);
            const char *turned[8];
            for (uint32_t p = 0; p < shards; p++)
                turned[p] = parts[(p + 1) % shards];
            const mmn_rows_options merged = {.parts = turned, .part_count = shards};
            expect_result(studies[i], &merged, whole);
            const mmn_rows_options all = {.file = file, .parts = turned, .part_count = shards};
            expect_result(studies[i], &all, whole);
            expect_result(studies[i], &kept, whole); /* what that has written */
            remove(file);
            remove_parts(shards);
        }
        mmn_release(whole);
    }
}

static void expect_refused(study *run, const mmn_rows_options *rows, const char *words)
{
    cr_expect_eq(status_of(run, rows), MMN_INPUT, "%s", words);
    cr_expect(strstr(error.message, words), "\"%s\" is not in: %s", words, error.message);
}

Test(rows, of_shards_must_be_all_of_one_run)
{
    make_parts(run_agree, 3);
    expect_refused(run_agree, &(mmn_rows_options){.parts = part_names, .part_count = 2},
                   "of 3 shards these are missing: 3");
    expect_refused(run_agree, &(mmn_rows_options){.parts = part_names, .part_count = 1},
                   "of 3 shards these are missing: 2, 3");
    const char *twice[] = {parts[0], parts[1], parts[1]};
    expect_refused(run_agree, &(mmn_rows_options){.parts = twice, .part_count = 3}, "is also in");
    expect_refused(run_perplexity, &(mmn_rows_options){.parts = part_names, .part_count = 3},
                   "mmneuron-agree-1");
    const mmn_rows_options shard_as_whole = {.file = parts[0]};
    expect_refused(run_agree, &shard_as_whole, "of shard 1/3, not of 1/1");
    /* What lacks its last line, and another run's. */
    char *bytes;
    size_t size;
    cr_assert_eq(mmn_read_file(&bytes, &size, parts[1], 1 << 24, &error), MMN_OK);
    scratch_write_bytes("part-1", bytes, size - 1);
    expect_refused(run_agree, &(mmn_rows_options){.parts = part_names, .part_count = 3},
                   "of an unfinished run");
    mmn_free(bytes);
    const char *other[] = {parts[0], list, parts[2]};
    expect_refused(run_agree, &(mmn_rows_options){.parts = other, .part_count = 3},
                   "a list of samples");
}

Test(rows, say_what_is_wrong_with_options)
{
    const mmn_rows_options wrong[] = {
        {.shard = 1, .shards = 2},  {.file = file, .shard = 3, .shards = 2},
        {.file = file, .shard = 1}, {.file = file, .shards = 2},
        {.part_count = 1},          {.file = file, .argument_count = 2}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_expect_eq(status_of(run_agree, &wrong[i]), MMN_USAGE, "%zu", i);
        cr_expect_neq(access(file, F_OK), 0);
    }
}

/* ---- Another run ----------------------------------------------------------------------------- */

Test(rows, of_another_run_are_refused)
{
    mmn_result *result;
    mmn_release(result_of(run_eval, &kept));
    mmn_eval_options options = {.size = sizeof(options),
                                .list = list,
                                .neurons = NEURONS,
                                .settings = "projector,all",
                                .cross = "all",
                                .seeds = 2,
                                .tokens = 3,
                                .rows = kept};
    cr_expect_eq(mmn_eval(&result, model, &options, &error), MMN_INPUT);
    cr_expect_str_eq(error.where, "settings.tokens");
    cr_expect(strstr(error.message, "settings.tokens (2, now 3)"), "%s", error.message);
    options.tokens = 2;
    options.settings = "all";
    cr_expect_eq(mmn_eval(&result, model, &options, &error), MMN_INPUT);
    cr_expect_str_eq(error.where, "settings.switched_off");
    options.settings = "projector,all";
    options.cross = NULL;
    cr_expect_eq(mmn_eval(&result, model, &options, &error), MMN_INPUT);
    cr_expect_str_eq(error.where, "settings.crossed");
    options.cross = "all";
    scratch_write("list.jsonl", "{\"domain\": \"medical\", \"question\": \"?\","
                                " \"answers\": [\"x\"]}\n");
    cr_expect_eq(mmn_eval(&result, model, &options, &error), MMN_INPUT);
    cr_expect_str_eq(error.where, "data");
    expect_refused(run_lens, &kept, "mmneuron-eval-1");
}

/* A file that is something else is left as it is. */
Test(rows, are_not_added_to_other_files)
{
    const mmn_rows_options into_list = {.file = list};
    const size_t size = size_of(list);
    expect_refused(run_agree, &into_list, "a list of samples");
    cr_expect_eq(size_of(list), size);
}

/* ---- Damage ---------------------------------------------------------------------------------- */

/* Changes each byte in turn: what is at the end may be found again, what is before is refused;
 * there is never another result. */
Test(rows, that_are_damaged_give_no_other_result)
{
    char *whole = result_of(run_little, &kept), *bytes;
    size_t size, found = 0, refused = 0;
    cr_assert_eq(mmn_read_file(&bytes, &size, file, 1 << 24, &error), MMN_OK);
    for (size_t at = 0; at < size; at++) {
        bytes[at] ^= (char)(1 << at % 7);
        scratch_write_bytes("rows.jsonl", bytes, size);
        bytes[at] ^= (char)(1 << at % 7);
        mmn_result *result;
        char *json = NULL;
        const mmn_status status = run_little(&result, &kept);
        if (status == MMN_OK) {
            cr_assert_eq(mmn_result_json(result, &json, &error), MMN_OK);
            cr_assert_str_eq(json, whole);
            found++;
        } else {
            cr_assert_eq(status, MMN_INPUT, "byte %zu: %s", at, error.message);
            refused++;
        }
        mmn_release(json);
        mmn_result_free(result);
    }
    cr_expect_gt(refused, found);
    mmn_free(bytes);
    mmn_release(whole);
}

Test(rows, say_where_they_are_damaged)
{
    char *bytes, place[60];
    size_t size;
    mmn_release(result_of(run_agree, &kept));
    cr_assert_eq(mmn_read_file(&bytes, &size, file, 1 << 24, &error), MMN_OK);
    const size_t second = strcspn(bytes, "\n") + 1,
                 third = second + strcspn(bytes + second, "\n") + 1;
    bytes[third + 5] ^= 1;
    scratch_write_bytes("rows.jsonl", bytes, size);
    expect_refused(run_agree, &kept, "check value");
    snprintf(place, sizeof(place), "line 3, byte %zu", third);
    cr_expect_str_eq(error.where, place);
    mmn_free(bytes);
}

/* Writes the rows with `old` replaced by `new` in the first line that has it, and with the check
 * value that the line then has. False where no line has it. */
static bool forge(const char *bytes, size_t size, const char *old, const char *new)
{
    static const char check[] = ", \"check\": \"";
    const char *at = strstr(strchr(bytes, '\n'), old), *line = at;
    if (!at)
        return false;
    while (line[-1] != '\n')
        line--;
    const char *end = strchr(at, '\n'), *tail = end - strlen("0123456789abcdef0123456789abcdef\"}");
    char digest[MMN_DIGEST_SIZE], *made = mmn_allocate(size + strlen(new) + 1, 1, NULL);
    size_t start = (size_t)(line - bytes), length = (size_t)(at - bytes);
    memcpy(made, bytes, length);
    memcpy(made + length, new, strlen(new));
    length += strlen(new);
    const size_t rest = (size_t)(tail - at) - strlen(check) - strlen(old);
    memcpy(made + length, at + strlen(old), rest);
    length += rest;
    mmn_digest_of(made + start, length - start, digest);
    length += (size_t)sprintf(made + length, "%s%s\"}", check, digest);
    memcpy(made + length, end, size - (size_t)(end - bytes));
    scratch_write_bytes("rows.jsonl", made, length + size - (size_t)(end - bytes));
    mmn_free(made);
    return true;
}

/* What no study has written, with check values that are right. */
Test(rows, that_are_forged_are_refused)
{
    static const struct {
        study *run;
        const char *old, *new;
    } forgeries[] = {
        {run_agree, "\"same\": ", "\"same\": -"},
        {run_agree, "\"same\": ", "\"same\": \"\", \"other\": "},
        {run_agree, "\"text\": ", "\"text\": 1e3, \"other\": "},
        {run_perplexity, "\"nats\": ", "\"nats\": true, \"other\": "},
        {run_eval, "\"answer\": ", "\"answer\": [], \"other\": "},
        {run_perturb, "\"text_relative\": [", "\"text_relative\": [0, "},
        {run_perturb, "\"image_cosine\": [0", "\"image_cosine\": [], \"other\": [0"},
        {run_lens, "\"entropy\": [", "\"entropy\": [0, "},
        {run_lens, "\"words\": [", "\"words\": [1000, "},
        {run_lens, "\"words\": [", "\"words\": [9223372036854775807, "},
        {run_lens, "\"ids\": [", "\"ids\": [4294967296, "},
        {run_lens, "\"times\": [", "\"times\": [], \"other\": ["},
        {run_lens, "\"grid\": ", "\"grid\": 1000000, \"other\": "},
        {run_lens, "\"positions\": [", "\"positions\": [0, "},
        {run_lens, "\"position_p\": [", "\"position_p\": [], \"other\": ["},
        {run_lens, "\"activation\": [", "\"activation\": [0.5, "},
    };
    for (size_t i = 0; i < sizeof(forgeries) / sizeof(forgeries[0]); i++) {
        char *bytes;
        size_t size;
        mmn_release(result_of(forgeries[i].run, &kept));
        cr_assert_eq(mmn_read_file(&bytes, &size, file, 1 << 24, &error), MMN_OK);
        cr_assert(forge(bytes, size, forgeries[i].old, forgeries[i].new), "%zu", i);
        cr_expect_eq(status_of(forgeries[i].run, &kept), MMN_INPUT, "%s: %s", forgeries[i].new,
                     error.message);
        cr_expect(strstr(error.file, "rows.jsonl"), "%s: %s", forgeries[i].new, error.message);
        mmn_free(bytes);
        remove(file);
    }
}

/* ---- Short memory, full disk ----------------------------------------------------------------- */

Test(rows, bear_short_memory)
{
    char *whole = result_of(run_agree, &none);
    make_parts(run_agree, 2);
    const mmn_rows_options all = {.file = file, .parts = part_names, .part_count = 2};
    const mmn_rows_options *const ways[] = {&kept, &all};
    for (size_t way = 0; way < 2; way++) {
        mmn_status status = MMN_SYSTEM;
        for (unsigned long at = 1; status != MMN_OK; at += 1 + at / 40) {
            mmn_result *result;
            remove(file);
            fail_allocation_at(at);
            status = run_agree(&result, ways[way]);
            fail_allocation_at(0);
            cr_assert(status == MMN_OK || status == MMN_SYSTEM, "allocation %lu: %s", at,
                      error.message);
            cr_assert_eq(status == MMN_OK, result != NULL);
            mmn_result_free(result);
            if (at % 5 == 0)
                expect_result(run_agree, ways[way], whole);
        }
    }
    mmn_release(whole);
}

Test(rows, bear_a_full_disk)
{
    char *whole = result_of(run_agree, &kept);
    const size_t size = size_of(file), header = 900;
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const rlim_t before = limit.rlim_cur;
    for (size_t room = header; room < size; room += size / 11) {
        remove(file);
        limit.rlim_cur = room;
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        const mmn_status status = status_of(run_agree, &kept);
        limit.rlim_cur = before;
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        cr_assert_eq(status, MMN_SYSTEM, "%zu of %zu: %s", room, size, error.message);
        cr_assert(strstr(error.file, "rows.jsonl"), "%s", error.file);
        expect_result(run_agree, &kept, whole);
    }
    mmn_release(whole);
}
