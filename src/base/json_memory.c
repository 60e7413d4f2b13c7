/* Jansson's memory: parsing, and a count, that say when an allocation failed, which Jansson itself does not.
 *
 * While a text is parsed, the first allocation that fails is made from a reserve, because Jansson's
 * lexer does not bear that failure; then the text ends, so that it asks for nothing more that matters.
 * What has been parsed is given up. */
#include "base/json_memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"

/* The lexer at most doubles its buffer for a token; the first one has some bytes. */
enum { LEAST_RESERVE = 256 };

/* One text that a thread is parsing. */
typedef struct parsing {
    const char *text;
    size_t size, position;
    uint8_t *reserve;
    size_t reserve_size;
    bool failed;
} parsing;

static _Thread_local parsing *current;
static _Thread_local unsigned long failures;

static pthread_once_t hooked = PTHREAD_ONCE_INIT;
static json_malloc_t next_malloc;
static json_free_t next_free;

static void *take_reserve(parsing *run, size_t size)
{
    bool first = !run->failed;
    run->failed = true;
    return first && size <= run->reserve_size ? run->reserve : NULL;
}

static void *allocate(size_t size)
{
    void *pointer = next_malloc(size);
    if (pointer)
        return pointer;
    failures++;
    return current ? take_reserve(current, size) : NULL;
}

static void release(void *pointer)
{
    if (!current || pointer != current->reserve)
        next_free(pointer);
}

static void hook(void)
{
    json_get_alloc_funcs(&next_malloc, &next_free);
    json_set_alloc_funcs(allocate, release);
}

/* Jansson may outlive a library that was loaded by dlopen. */
__attribute__((destructor)) static void unhook(void)
{
    json_malloc_t present_malloc;
    json_free_t present_free;
    json_get_alloc_funcs(&present_malloc, &present_free);
    if (present_malloc == allocate && present_free == release)
        json_set_alloc_funcs(next_malloc, next_free);
}

unsigned long mmn_json_failures(void)
{
    pthread_once(&hooked, hook);
    return failures;
}

/* One byte at a time: what follows a failure is not even read. */
static size_t give_byte(void *buffer, size_t size, void *context)
{
    parsing *run = context;
    if (size == 0 || run->failed || run->position == run->size)
        return 0;
    *(char *)buffer = run->text[run->position++];
    return 1;
}

/* At least as many bytes as the longest token has. */
static size_t longest_token(const char *text, size_t size)
{
    size_t longest = 0, start = 0;
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool between = c == ',' || c == ':' || c == '[' || c == ']' || c == '{' || c == '}' ||
                       c == ' ' || c == '\n';
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (quoted || !between)
            continue;
        if (i - start > longest)
            longest = i - start;
        if (!quoted)
            start = i;
    }
    return size - start > longest ? size - start : longest;
}

json_t *mmn_json_load_text(const char *text, size_t size, size_t flags, json_error_t *problem)
{
    pthread_once(&hooked, hook);
    parsing run = {.text = text, .size = size,
                   .reserve_size = 2 * longest_token(text, size) + LEAST_RESERVE};
    run.reserve = mmn_allocate(run.reserve_size, 1, NULL);
    if (!run.reserve) {
        failures++;
        return NULL;
    }
    current = &run;
    json_t *value = json_load_callback(give_byte, &run, flags, problem);
    if (run.failed) {
        json_decref(value);
        value = NULL;
    }
    current = NULL;
    mmn_free(run.reserve);
    return value;
}
