/* Runs fuzz targets without a fuzzer: over their corpora, and over damaged copies of each file. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <string.h>

#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz.h"
#include "tests/tools/slow.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

#define CORPUS MMN_SOURCE_DIR "/tests/fuzz/corpus/"

/* A build on which everything takes ten times as long tries a part of the copies. */
enum { SLOW_SHARE = 10 };

/* xorshift64: the same damage on every machine and in every run. */
static uint64_t random_state;

static size_t random_below(size_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (size_t)(random_state % limit);
}

/* Runs the target on an exact copy, so that sanitizers see a read beyond the end. */
static int run(mmn_fuzz_target *target, const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    cr_assert_not_null(copy);
    memcpy(copy, data, size);
    int result = target(copy, size);
    free(copy);
    return result;
}

/* Damages `data`, of *size bytes, in one of the ways in which files are damaged. */
static void mutate(uint8_t *data, size_t *size)
{
    static const uint8_t interesting[] = {0x00, 0x01, 0x7f, 0x80, 0xff, '"', '{', ']', '9', '\n'};
    size_t at = random_below(*size), length = 1 + random_below(*size - at);
    switch (random_below(6)) {
    case 0: /* a flipped bit */
        data[at] ^= (uint8_t)(1u << random_below(8));
        break;
    case 1: /* another byte */
        data[at] = interesting[random_below(sizeof(interesting))];
        break;
    case 2: /* the end is missing */
        *size = at;
        break;
    case 3: /* a part is missing */
        memmove(data + at, data + at + length, *size - at - length);
        *size -= length;
        break;
    case 4: /* a part stands elsewhere too */
        memmove(data + random_below(*size - length + 1), data + at, length);
        break;
    default: /* a part is zero */
        memset(data + at, 0, length);
        break;
    }
}

static void run_damaged(mmn_fuzz_target *target, int copies, const uint8_t *original,
                        size_t original_size)
{
    uint8_t *data = malloc(original_size > 0 ? original_size : 1);
    cr_assert_not_null(data);
    random_state = UINT64_C(0x9e3779b97f4a7c15);
    for (int copy = 0; copy < copies; copy++) {
        size_t size = original_size;
        memcpy(data, original, size);
        for (size_t steps = 1 + random_below(3); steps > 0 && size > 0; steps--)
            mutate(data, &size);
        run(target, data, size);
    }
    free(data);
}

static uint8_t *read_file(size_t *size, const char *path)
{
    enum { LIMIT = 1000000 };
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(LIMIT);
    cr_assert(file && data, "%s cannot be read", path);
    *size = fread(data, 1, LIMIT, file);
    fclose(file);
    return data;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

void mmn_fuzz_replay(const char *format, int copies, mmn_fuzz_target *target)
{
    struct dirent **entries;
    char folder[1024], path[2048];
    snprintf(folder, sizeof(folder), CORPUS "%s", format);
    int count = scandir(folder, &entries, is_visible, alphasort);
    cr_assert(count > 0, "there is no corpus in %s", folder);
    if (is_slow())
        copies = (copies + SLOW_SHARE - 1) / SLOW_SHARE;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        size_t size;
        snprintf(path, sizeof(path), "%s/%s", folder, name);
        printf("# %s\n", name); /* the last one, should the process end in it */
        fflush(stdout);
        uint8_t *data = read_file(&size, path);
        int expected = begins_with(name, "good-") ? MMN_FUZZ_ACCEPTED : MMN_FUZZ_REFUSED;
        int found = run(target, data, size);
        cr_expect(found == expected || begins_with(name, "found-"), "%s was %s", path,
                  found == MMN_FUZZ_ACCEPTED ? "accepted" : "refused");
        run_damaged(target, copies, data, size);
        free(data);
        free(entries[i]);
    }
    free(entries);
    mmn_fuzz_remove_folder();
#if defined(__SANITIZE_ADDRESS__)
    cr_expect(__lsan_do_recoverable_leak_check() == 0, "memory is not given back");
#endif
}
