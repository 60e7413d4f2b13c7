/* Files: mapping, reading, paths, and output that appears complete or not at all. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/memory.h"
#include "tests/tools/scratch.h"

static mmn_error error;
static char path[sizeof(scratch) + 16];

static void make_folder(void)
{
    scratch_make();
    snprintf(path, sizeof(path), "%s/file", scratch);
}

/* Checks with the C library's own functions that the file holds exactly this text. */
static void check_contents(const char *expected)
{
    char found[100];
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file);
    size_t size = fread(found, 1, sizeof(found), file);
    fclose(file);
    cr_assert_eq(size, strlen(expected));
    cr_assert_eq(memcmp(found, expected, size), 0);
}

Test(file, writes_at_once_or_not_at_all, .init = make_folder, .fini = scratch_remove)
{
    mmn_writer *writer;
    cr_assert_eq(mmn_writer_open(&writer, path, &error), MMN_OK);
    cr_assert_eq(mmn_writer_write(writer, "some ", 5, &error), MMN_OK);
    cr_assert_eq(access(path, F_OK), -1);
    cr_assert_eq(mmn_writer_write(writer, "text", 4, &error), MMN_OK);
    cr_assert_eq(mmn_writer_write(writer, NULL, 0, &error), MMN_OK);
    cr_assert_eq(mmn_writer_commit(writer, &error), MMN_OK);
    check_contents("some text");

    cr_assert_eq(mmn_writer_open(&writer, path, &error), MMN_OK);
    cr_assert_eq(mmn_writer_write(writer, "other", 5, &error), MMN_OK);
    check_contents("some text");
    mmn_writer_abandon(writer);
    check_contents("some text");
    cr_assert_eq(scratch_count(), 1);

    cr_assert_eq(mmn_write_file(path, "new", 3, &error), MMN_OK);
    check_contents("new");
    cr_assert_eq(scratch_count(), 1);
    mmn_writer_abandon(NULL);
}

Test(file, two_writers_of_one_file_do_not_disturb_each_other, .init = make_folder,
     .fini = scratch_remove)
{
    mmn_writer *one, *other;
    cr_assert_eq(mmn_writer_open(&one, path, &error), MMN_OK);
    cr_assert_eq(mmn_writer_open(&other, path, &error), MMN_OK);
    cr_assert_eq(mmn_writer_write(one, "one", 3, &error), MMN_OK);
    cr_assert_eq(mmn_writer_write(other, "other", 5, &error), MMN_OK);
    cr_assert_eq(mmn_writer_commit(other, &error), MMN_OK);
    cr_assert_eq(mmn_writer_commit(one, &error), MMN_OK);
    check_contents("one");
    cr_assert_eq(scratch_count(), 1);
}

Test(file, a_failed_write_leaves_what_was_there, .init = make_folder, .fini = scratch_remove)
{
    cr_assert_eq(mmn_write_file(path, "old", 3, &error), MMN_OK);
    /* A full disk, as far as write() can tell. */
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit old;
    getrlimit(RLIMIT_FSIZE, &old);
    const struct rlimit limit = {.rlim_cur = 100, .rlim_max = old.rlim_max};
    char text[1000] = {0};
    setrlimit(RLIMIT_FSIZE, &limit);
    mmn_status status = mmn_write_file(path, text, sizeof(text), &error);
    setrlimit(RLIMIT_FSIZE, &old);
    cr_assert_eq(status, MMN_SYSTEM);
    cr_assert_str_eq(error.file, path);
    check_contents("old");
    cr_assert_eq(scratch_count(), 1);
}

Test(file, refuses_to_replace_what_is_not_a_file, .init = make_folder, .fini = scratch_remove)
{
    cr_assert_eq(mmn_write_file(scratch, "x", 1, &error), MMN_USAGE);
    cr_assert_eq(mmn_write_file("/dev/null", "x", 1, &error), MMN_USAGE);
    cr_assert_eq(mmn_write_file("/nonexistent/x", "x", 1, &error), MMN_SYSTEM);
    cr_assert(strstr(error.file, "/nonexistent/x"));
    cr_assert_eq(scratch_count(), 0);
}

Test(file, reads_and_maps, .init = make_folder, .fini = scratch_remove)
{
    cr_assert_eq(mmn_write_file(path, "a\0b", 3, &error), MMN_OK);
    char *text;
    size_t size;
    cr_assert_eq(mmn_read_file(&text, &size, path, 3, &error), MMN_OK);
    cr_assert_eq(size, 3);
    cr_assert_eq(memcmp(text, "a\0b", 4), 0);
    mmn_free(text);
    cr_assert_eq(mmn_read_file(&text, &size, path, 2, &error), MMN_INPUT);
    cr_assert_null(text);
    cr_assert_str_eq(error.message, "has 3 bytes, more than the 2 allowed");

    mmn_mapping mapping;
    cr_assert_eq(mmn_map_file(&mapping, path, &error), MMN_OK);
    cr_assert_eq(mapping.size, 3);
    cr_assert_eq(memcmp(mapping.data, "a\0b", 3), 0);
    mmn_unmap(&mapping);
    mmn_unmap(&mapping);

    cr_assert_eq(mmn_write_file(path, "", 0, &error), MMN_OK);
    cr_assert_eq(mmn_map_file(&mapping, path, &error), MMN_OK);
    cr_assert_eq(mapping.size, 0);
    mmn_unmap(&mapping);
    cr_assert_eq(mmn_read_file(&text, NULL, path, 0, &error), MMN_OK);
    cr_assert_str_eq(text, "");
    mmn_free(text);
}

Test(file, refuses_what_cannot_be_read, .init = make_folder, .fini = scratch_remove)
{
    mmn_mapping mapping;
    char *text;
    cr_assert_eq(mmn_map_file(&mapping, path, &error), MMN_SYSTEM);
    cr_assert(strstr(error.message, "No such file"), "%s", error.message);
    cr_assert_eq(mmn_read_file(&text, NULL, path, 9, &error), MMN_SYSTEM);
    cr_assert_eq(mmn_map_file(&mapping, scratch, &error), MMN_INPUT);
    /* A pipe that nobody writes to must not block. */
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(mmn_read_file(&text, NULL, path, 9, &error), MMN_INPUT);
    cr_assert_str_eq(error.message, "is not a regular file");
    cr_assert(mmn_is_folder(scratch));
    cr_assert(!mmn_is_folder(path));
}

/* What is there and cannot be read is not absent: as root, permissions are not asked for. */
Test(file, tells_absent_files_from_unreadable_ones, .init = make_folder, .fini = scratch_remove)
{
    bool found;
    char inside[sizeof(path) + 8];
    cr_assert_eq(mmn_find_file(&found, path, &error), MMN_OK);
    cr_assert(!found);
    cr_assert_eq(mmn_find_file(&found, "/nonexistent/folder/file", &error), MMN_OK);
    cr_assert(!found);
    cr_assert_neq(mmn_find_file(&found, scratch, &error), MMN_OK, "a folder");

    cr_assert_eq(symlink("nowhere", path), 0);
    cr_assert_neq(mmn_find_file(&found, path, &error), MMN_OK, "a link to nothing");
    cr_assert(!found);
    cr_assert_str_eq(error.file, path);
    cr_assert(strstr(error.message, "a link"), "%s", error.message);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(symlink(path, path), 0);
    cr_assert_neq(mmn_find_file(&found, path, &error), MMN_OK, "a link to itself");
    cr_assert_str_eq(error.file, path);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_neq(mmn_find_file(&found, path, &error), MMN_OK, "a pipe");
    cr_assert_eq(unlink(path), 0);

    cr_assert_eq(mmn_write_file(path, "x", 1, &error), MMN_OK);
    cr_assert_eq(mmn_find_file(&found, path, &error), MMN_OK);
    cr_assert(found);
    snprintf(inside, sizeof(inside), "%s/x", path);
    cr_assert_neq(mmn_find_file(&found, inside, &error), MMN_OK, "a file where a folder should be");
    if (geteuid() != 0) {
        cr_assert_eq(chmod(path, 0), 0);
        cr_assert_neq(mmn_find_file(&found, path, &error), MMN_OK, "no permission");
    }
}

Test(file, joins_paths)
{
    static const struct {
        const char *folder, *name, *joined;
    } joins[] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"},
                 {"a", "/b", "/b"}, {"/", "b", "/b"},   {"a/b", "c/d", "a/b/c/d"}};
    for (size_t i = 0; i < sizeof(joins) / sizeof(joins[0]); i++) {
        char *joined;
        cr_assert_eq(mmn_path_join(&joined, joins[i].folder, joins[i].name, &error), MMN_OK);
        cr_assert_str_eq(joined, joins[i].joined);
        mmn_free(joined);
    }
    static const char *const folders[][2] = {
        {"a", "."}, {"a/b", "a"}, {"/a", "/"}, {"a/b/c", "a/b"}, {"", "."}};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        char *found;
        cr_assert_eq(mmn_path_folder(&found, folders[i][0], &error), MMN_OK);
        cr_assert_str_eq(found, folders[i][1]);
        mmn_free(found);
    }
}

Test(bytes, are_little_endian_at_any_address)
{
    const unsigned char bytes[] = {0, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x88};
    cr_assert_eq(mmn_load_u16(bytes + 1), 0x0201);
    cr_assert_eq(mmn_load_u32(bytes + 1), 0x04030201);
    cr_assert_eq(mmn_load_u64(bytes + 1), 0x8807060504030201);
    cr_assert_eq(mmn_load_i64(bytes + 1), (int64_t)0x0807060504030201 - INT64_MAX - 1);
    unsigned char stored[9] = {0};
    mmn_store_u16(stored + 1, 0x0201);
    mmn_store_u32(stored + 3, 0x06050403);
    cr_assert_eq(memcmp(stored, "\0\1\2\3\4\5\6\0\0", 9), 0);
    mmn_store_i64(stored + 1, (int64_t)0x0807060504030201 - INT64_MAX - 1);
    cr_assert_eq(memcmp(stored, bytes, 9), 0);
    cr_assert_eq(mmn_bits_f32(-2.5f), 0xc0200000);
    cr_assert_eq(mmn_bits_f64(-2.5), 0xc004000000000000);
    mmn_store_f32(stored, -2.5f);
    cr_assert_eq(memcmp(stored, "\0\0\x20\xc0", 4), 0);
    cr_assert_eq(mmn_load_f32(stored), -2.5f);
    mmn_store_f64(stored + 1, -2.5);
    cr_assert_eq(mmn_load_f64(stored + 1), -2.5);
}
