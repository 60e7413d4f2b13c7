/* For the tests of readers: damaged copies of a good text, the same ones in every run, and texts
 * that nest too deep; and whether what reads them prints anything. */
#ifndef TESTS_FORMAT_DAMAGE_H
#define TESTS_FORMAT_DAMAGE_H

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads a text that may be damaged; aborts the test where the reader misbehaves. */
typedef void (*damage_reader)(const char *text, size_t size);

/* Marsaglia's xorshift64*. */
static inline uint64_t damage_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Gives the reader `cuts` beginnings of the text, evenly spread, each in a block of its own size,
 * so that reading beyond it shows; then `flips` copies with 1 to 4 bytes changed, every other one
 * into one of JSON's own characters. */
static inline void damage_text(damage_reader read, const char *text, size_t size, size_t cuts,
                               size_t flips)
{
    static const char marks[] = "{}[],:\"-0123456789.eEtfn\\ ";
    uint64_t state = 20240617;
    for (size_t i = 0; i < cuts; i++) {
        size_t length = size * i / cuts;
        char *copy = malloc(length ? length : 1);
        memcpy(copy, text, length);
        read(copy, length);
        free(copy);
    }
    char *copy = malloc(size);
    for (size_t i = 0; i < flips; i++) {
        memcpy(copy, text, size);
        for (size_t n = damage_random(&state) % 4 + 1; n > 0; n--) {
            char byte = (char)damage_random(&state);
            if (i % 2)
                byte = marks[damage_random(&state) % (sizeof(marks) - 1)];
            copy[damage_random(&state) % size] = byte;
        }
        read(copy, size);
    }
    free(copy);
}

/* `before`, then `depth` times `open`, then `after`; freed with free. */
static inline char *damage_nested(const char *before, char open, size_t depth, const char *after)
{
    size_t head = strlen(before), tail = strlen(after);
    char *text = malloc(head + depth + tail + 1);
    cr_assert_not_null(text);
    memcpy(text, before, head);
    memset(text + head, open, depth);
    memcpy(text + head + depth, after, tail + 1);
    return text;
}

/* Between these two nothing may be written to standard output and error. */
typedef struct damage_silence {
    FILE *file;
    int output, errors;
} damage_silence;

static inline damage_silence damage_listen(void)
{
    damage_silence silence = {.file = tmpfile()};
    cr_assert_not_null(silence.file);
    fflush(NULL);
    silence.output = dup(STDOUT_FILENO);
    silence.errors = dup(STDERR_FILENO);
    cr_assert(dup2(fileno(silence.file), STDOUT_FILENO) >= 0 &&
              dup2(fileno(silence.file), STDERR_FILENO) >= 0);
    return silence;
}

static inline void damage_heard_nothing(damage_silence silence)
{
    fflush(NULL);
    off_t size = lseek(fileno(silence.file), 0, SEEK_END);
    dup2(silence.output, STDOUT_FILENO);
    dup2(silence.errors, STDERR_FILENO);
    close(silence.output);
    close(silence.errors);
    fclose(silence.file);
    cr_assert_eq(size, 0, "%ld bytes were printed", (long)size);
}

#endif
