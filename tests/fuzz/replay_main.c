/* Runs a fuzz target without a fuzzer: over its corpus, and over damaged copies of each file. */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

#define CORPUS MMN_SOURCE_DIR "/tests/fuzz/corpus/"

enum { MUTATIONS = 500 };

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
static int run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    int result = LLVMFuzzerTestOneInput(copy, size);
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

static void run_mutations(const uint8_t *original, size_t original_size)
{
    uint8_t *data = malloc(original_size > 0 ? original_size : 1);
    if (!data)
        abort();
    random_state = UINT64_C(0x9e3779b97f4a7c15);
    for (int mutation = 0; mutation < MUTATIONS; mutation++) {
        size_t size = original_size;
        memcpy(data, original, size);
        for (size_t steps = 1 + random_below(3); steps > 0 && size > 0; steps--)
            mutate(data, &size);
        run(data, size);
    }
    free(data);
}

/* Reads a file of the corpus; NULL if that fails. */
static uint8_t *read_file(size_t *size, const char *name)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s%s/%s", CORPUS, mmn_fuzz_format, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    enum { LIMIT = 1000000 };
    uint8_t *data = malloc(LIMIT);
    *size = data ? fread(data, 1, LIMIT, file) : 0;
    fclose(file);
    return data;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(void)
{
    struct dirent **entries;
    char folder[1024];
    snprintf(folder, sizeof(folder), "%s%s", CORPUS, mmn_fuzz_format);
    int count = scandir(folder, &entries, is_visible, alphasort), failures = 0;
    if (count <= 0) {
        printf("Bail out! no corpus in %s\n", folder);
        return 1;
    }
    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        size_t size = 0;
        uint8_t *data = read_file(&size, name);
        int expected = strncmp(name, "good-", 5) == 0 ? MMN_FUZZ_ACCEPTED : MMN_FUZZ_REFUSED;
        int passed = data && run(data, size) == expected;
        if (passed)
            run_mutations(data, size);
        printf("%s %d - %s and %d damaged copies\n", passed ? "ok" : "not ok", i + 1, name,
               MUTATIONS);
        fflush(stdout);
        failures += !passed;
        free(data);
        free(entries[i]);
    }
    free(entries);
    return failures > 0;
}
