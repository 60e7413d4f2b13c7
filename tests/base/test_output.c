/* Outputs: places that are proved and locked, and results that go elsewhere. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/output.h"
#include "tests/tools/scratch.h"

static mmn_error error;
static const mmn_output_options plain = {.size = sizeof(plain), .purpose = "a test"};
static char path[sizeof(scratch) + 16];

static void make_folder(void)
{
    scratch_make();
    snprintf(path, sizeof(path), "%s/file", scratch);
}

TestSuite(output, .init = make_folder, .fini = scratch_remove);

static bool exists(const char *name)
{
    char full[400];
    snprintf(full, sizeof(full), "%s/%s", scratch, name);
    return access(full, F_OK) == 0;
}

static void make_file(const char *name)
{
    char full[400];
    snprintf(full, sizeof(full), "%s/%s", scratch, name);
    cr_assert_eq(mmn_write_file(full, "x", 1, &error), MMN_OK, "%s", error.message);
}

Test(output, is_taken_once_and_free_again)
{
    mmn_output *one, *other;
    cr_assert_eq(mmn_output_lock(&one, path, &plain, &error), MMN_OK, "%s", error.message);
    cr_assert(exists("file.mmneuron-lock"));
    cr_assert_eq(mmn_output_lock(&other, path, &plain, &error), MMN_SYSTEM);
    cr_assert_null(other);
    char process[64];
    snprintf(process, sizeof(process), "a test, process %ld on ", (long)getpid());
    cr_assert(strstr(error.message, process), "%s", error.message);
    mmn_output_release(one);
    cr_assert(!exists("file.mmneuron-lock"));
    cr_assert(!exists("file"));
    cr_assert_eq(mmn_output_lock(&other, path, &plain, &error), MMN_OK, "%s", error.message);
    mmn_output_release(other);
    mmn_output_release(NULL);
    cr_assert_null(mmn_output_lock_file(NULL));
}

/* What a process leaves that is killed while it holds the lock and writes. */
Test(output, of_a_killed_process_is_free)
{
    pid_t child = fork();
    if (child == 0) {
        mmn_output *output;
        mmn_writer *writer;
        if (mmn_output_lock(&output, path, &plain, NULL) != MMN_OK ||
            mmn_writer_open(&writer, path, NULL) != MMN_OK)
            _exit(1);
        raise(SIGKILL);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status));
    char left[64];
    snprintf(left, sizeof(left), "file.%ld-0.partial", (long)child);
    cr_assert(exists(left) && exists("file.mmneuron-lock"));
    mmn_output *output;
    cr_assert_eq(mmn_output_lock(&output, path, &plain, &error), MMN_OK, "%s", error.message);
    cr_assert(!exists(left));
    mmn_output_release(output);
    cr_assert(!exists("file.mmneuron-lock"));
}

/* A file that somebody is still writing is not removed. */
Test(output, leaves_what_is_being_written)
{
    mmn_writer *writer;
    mmn_output *output;
    cr_assert_eq(mmn_writer_open(&writer, path, &error), MMN_OK);
    cr_assert_eq(mmn_output_lock(&output, path, &plain, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_writer_write(writer, "x", 1, &error), MMN_OK);
    cr_assert_eq(mmn_writer_commit(writer, &error), MMN_OK, "%s", error.message);
    cr_assert(exists("file"));
    mmn_output_release(output);
}

Test(output, removes_only_what_it_would_write_itself)
{
    static const char *const others[] = {
        "file.partial",    "file.1-.partial",   "file.-1.partial",   "file.1-2.partial.x",
        "fil.1-2.partial", "files.1-2.partial", "file.1-2x.partial", "table.1-2.partial"};
    char state[sizeof(path) + 8];
    snprintf(state, sizeof(state), "%s.state", path);
    const char *const beside[] = {state};
    const mmn_output_options options = {
        .size = sizeof(options), .beside = beside, .beside_count = 1};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        make_file(others[i]);
    make_file("file.1-2.partial");
    make_file("file.state.1-2.partial");
    mmn_output *output;
    cr_assert_eq(mmn_output_lock(&output, path, &options, &error), MMN_OK, "%s", error.message);
    mmn_output_release(output);
    cr_assert(!exists("file.1-2.partial") && !exists("file.state.1-2.partial"));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        cr_assert(exists(others[i]), "%s", others[i]);
}

/* Different long names have different files beside them, which fit and are the same each time. */
Test(output, has_short_names_beside_a_long_one)
{
    char name[400], other[400], *first, *second, *again;
    for (size_t length = 200; length <= 255; length++) {
        int before = snprintf(name, sizeof(name), "%s/", scratch);
        for (size_t i = 0; i < length; i++) /* characters of two bytes, and one more at the end */
            name[before + (int)i] = i + 1 == length && length % 2 ? 'x' : "\xc3\xa9"[i % 2];
        name[before + (int)length] = '\0';
        strcpy(other, name);
        memcpy(other + before + length - 2 - length % 2, "zz", 2);
        cr_assert_eq(mmn_path_beside(&first, name, ".mmneuron-lock", &error), MMN_OK);
        cr_assert_eq(mmn_path_beside(&again, name, ".mmneuron-lock", &error), MMN_OK);
        cr_assert_eq(mmn_path_beside(&second, other, ".mmneuron-lock", &error), MMN_OK);
        cr_assert_str_eq(first, again);
        cr_assert_str_neq(first, second);
        cr_assert_leq(strlen(mmn_path_name(first)), 255);
        mmn_output *output;
        cr_assert_eq(mmn_output_lock(&output, name, &plain, &error), MMN_OK, "%s", error.message);
        cr_assert_eq(access(first, F_OK), 0);
        cr_assert_eq(mmn_write_file(name, "x", 1, &error), MMN_OK, "%s", error.message);
        mmn_output_release(output);
        mmn_free(first);
        mmn_free(second);
        mmn_free(again);
    }
}

/* Refuses every path but those of TMPDIR. */
static mmn_status write_in_second_place(const void *context, const char *to, mmn_error *problem)
{
    const char *second = context;
    if (strncmp(to, second, strlen(second)) != 0)
        return mmn_fail_system(problem, ENOSPC, to, "cannot write");
    return mmn_write_file(to, "result", 6, problem);
}

static mmn_status lack_memory(const void *context, const char *to, mmn_error *problem)
{
    (void)to;
    ++*(int *)(uintptr_t)context;
    return mmn_fail(problem, MMN_SYSTEM, NULL, NULL, "out of memory");
}

Test(output, goes_elsewhere_when_the_disk_is_full)
{
    char second[sizeof(scratch) + 8], file[200];
    snprintf(second, sizeof(second), "%s/second", scratch);
    cr_assert_eq(mkdir(second, (mode_t)0777), 0);
    cr_assert_eq(setenv("TMPDIR", second, 1), 0);
    cr_assert_eq(mmn_output_write(path, write_in_second_place, second, &error), MMN_SYSTEM);
    cr_assert_str_eq(error.file, path);
    const char *place = strstr(error.message, "No space left on device; the result is in ");
    cr_assert(place, "%s", error.message);
    cr_assert_eq(sscanf(strstr(place, "is in "), "is in %199s instead", file), 1);
    char *text;
    cr_assert_eq(mmn_read_file(&text, NULL, file, 100, &error), MMN_OK, "%s", error.message);
    cr_assert_str_eq(text, "result");
    mmn_free(text);
    cr_assert_str_eq(mmn_path_name(file), "file");
    unlink(file);
    *strrchr(file, '/') = '\0';
    rmdir(file);

    char *kept;
    cr_assert_eq(mmn_keep_elsewhere(&kept, path, "kept", &error), MMN_OK);
    cr_assert_eq(strncmp(kept, second, strlen(second)), 0, "%s", kept);
    unlink(kept);
    *strrchr(kept, '/') = '\0';
    rmdir(kept);
    mmn_release(kept);
    cr_assert_eq(rmdir(second), 0);
    cr_assert(!exists("file"));

    /* Nothing is wrong with the place where memory is short. */
    int calls = 0;
    cr_assert_eq(mmn_output_write(path, lack_memory, &calls, &error), MMN_SYSTEM);
    cr_assert_eq(calls, 1);
}
