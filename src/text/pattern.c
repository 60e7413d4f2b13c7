/* Regular expressions of tokenizer files, by PCRE2, and replacing every occurrence of one. */
#include "text/pattern.h"

#include <string.h>

#include "base/memory.h"
#include "base/text_buffer.h"
#include "base/utf8.h"

#ifdef HAVE_PCRE2

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Far more than the patterns of published tokenizers need. PCRE2 counts anew at every place where a
 * match may begin, so the first limit bounds the time per byte of text: well below a
 * millisecond. */
#define MATCH_LIMIT 50000
/* A match that needs more steps must cover this many bytes, so that all such matches of a text
 * together stay fast too. `\s*[\r\n]+` takes a step for each character of a run of white space. */
#define LONG_MATCH (MATCH_LIMIT / 4)
/* How many bytes of text are searched before somebody is asked whether to go on. */
#define STRETCH 256
#define DEPTH_LIMIT 10000
#define HEAP_LIMIT_KIB 65536
#define LENGTH_LIMIT 65536

struct mmn_pattern {
    pcre2_code *code;
    pcre2_match_context *limits;
    bool whole; /* \G stands for where a search begins: it cannot be cut into stretches */
};

static void *allocate(size_t size, void *context)
{
    (void)context;
    return mmn_allocate_for_library(size);
}

static void release(void *pointer, void *context)
{
    (void)context;
    mmn_free(pointer);
}

/* Rewrites an expression of Oniguruma, as the `tokenizers` library takes them, for PCRE2: a class
 * within a class is its members, and \s is White_Space, which PCRE2's own \s is not quite. */
static mmn_status translate(mmn_text *result, const char *expression, mmn_error *error)
{
    size_t depth = 0; /* of classes */
    for (const char *at = expression; *at; at++) {
        const char *text = at;
        size_t length = 1;
        if (*at == '\\' && at[1]) {
            bool is_space = at[1] == 's' || at[1] == 'S';
            text = !is_space ? at : at[1] == 's' ? "\\p{White_Space}" : "\\P{White_Space}";
            length = is_space ? strlen(text) : 2;
            at++;
        } else if (*at == '[' && !(depth > 0 && at[1] == ':')) {
            length = depth++ == 0;
            if (length == 0 && at[1] == '^')
                return mmn_fail(error, MMN_INPUT, NULL, NULL,
                                "the pattern \"%.200s\" negates a class within a class, which is "
                                "not supported",
                                expression);
        } else if (depth > 0 && at[0] == '[') {
            length = strcspn(at, "]"); /* "[:alpha:]" */
            length += at[length] == ']';
            at += length - 1;
        } else if (depth > 0 && *at == ']') {
            length = --depth == 0;
        } else if (depth > 0 && at[0] == '&' && at[1] == '&') {
            return mmn_fail(error, MMN_INPUT, NULL, NULL,
                            "the pattern \"%.200s\" intersects classes, which is not supported",
                            expression);
        }
        mmn_text_add_bytes(result, text, length);
    }
    return MMN_OK;
}

/* Compiles PCRE2's form of an expression, which `original` is in messages. */
static mmn_status compile(mmn_pattern **pattern, const char *expression, const char *original,
                          uint32_t options, mmn_error *error)
{
    mmn_pattern *made = mmn_allocate(1, sizeof(*made), error);
    pcre2_general_context *memory = pcre2_general_context_create(allocate, release, NULL);
    pcre2_compile_context *context = memory ? pcre2_compile_context_create(memory) : NULL;
    mmn_status status = made ? MMN_OK : MMN_SYSTEM;
    int code = 0;
    PCRE2_SIZE offset = 0;
    if (status == MMN_OK) {
        made->limits = memory ? pcre2_match_context_create(memory) : NULL;
        if (!context || !made->limits)
            status = mmn_fail(error, MMN_SYSTEM, NULL, NULL, "out of memory for a pattern");
    }
    if (status == MMN_OK) {
        made->whole = strstr(expression, "\\G") != NULL;
        pcre2_set_newline(context, PCRE2_NEWLINE_LF);
        pcre2_set_max_pattern_length(context, LENGTH_LIMIT);
        pcre2_set_match_limit(made->limits, MATCH_LIMIT);
        pcre2_set_depth_limit(made->limits, DEPTH_LIMIT);
        pcre2_set_heap_limit(made->limits, HEAP_LIMIT_KIB);
        made->code = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED,
                                   PCRE2_UTF | PCRE2_USE_OFFSET_LIMIT | options, &code, &offset,
                                   context);
    }
    if (status == MMN_OK && !made->code && code == PCRE2_ERROR_HEAP_FAILED) {
        status = mmn_fail(error, MMN_SYSTEM, NULL, NULL, "out of memory for a pattern");
    } else if (status == MMN_OK && !made->code) {
        char reason[256];
        pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof(reason));
        status = mmn_fail(error, MMN_INPUT, NULL, NULL,
                          "the pattern \"%.200s\" is wrong at byte "
                          "%zu: %s",
                          original, (size_t)offset, reason);
    }
    pcre2_compile_context_free(context);
    pcre2_general_context_free(memory);
    if (status != MMN_OK) {
        mmn_pattern_free(made);
        made = NULL;
    }
    *pattern = made;
    return status;
}

mmn_status mmn_pattern_compile(mmn_pattern **pattern, const char *expression, mmn_error *error)
{
    mmn_text translated = {0};
    char *text = NULL;
    *pattern = NULL;
    mmn_status status = translate(&translated, expression, error);
    if (status == MMN_OK)
        status = mmn_text_finish(&translated, &text, error);
    if (status == MMN_OK)
        status = compile(pattern, text, expression,
                         PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, error);
    mmn_text_free(&translated);
    mmn_free(text);
    return status;
}

mmn_status mmn_pattern_compile_text(mmn_pattern **pattern, const char *text, mmn_error *error)
{
    return compile(pattern, text, text, PCRE2_LITERAL, error);
}

/* Tries again at `from` alone what has reached the limit of steps, with a limit that grows with the
 * text. Returns what pcre2_match does: the same error again where the match is short. */
static int match_long(const mmn_pattern *pattern, const char *text, size_t length, size_t from,
                      pcre2_match_data *match)
{
    pcre2_match_context *limits = pcre2_match_context_copy(pattern->limits);
    if (!limits)
        return PCRE2_ERROR_NOMEMORY;
    size_t rest = length - from;
    pcre2_set_match_limit(limits,
                          rest < UINT32_MAX / 8 ? MATCH_LIMIT + 4 * (uint32_t)rest : UINT32_MAX);
    int count = pcre2_match(pattern->code, (PCRE2_SPTR)text, length, from,
                            PCRE2_NO_UTF_CHECK | PCRE2_ANCHORED, match, limits);
    pcre2_match_context_free(limits);
    const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(match);
    bool is_long = count >= 0 && offsets[1] >= from && offsets[1] - from >= LONG_MATCH;
    return is_long ? count : PCRE2_ERROR_MATCHLIMIT;
}

/* Searches stretch by stretch: only a match may begin in one, it may end and look anywhere. Returns
 * what pcre2_match does. *status says whether to go on. */
static int search(const mmn_pattern *pattern, const char *text, size_t length, size_t from,
                  pcre2_match_data *match, const mmn_interrupt *interrupt, mmn_status *status,
                  mmn_error *error)
{
    pcre2_match_context *limits = pcre2_match_context_copy(pattern->limits);
    int count = limits ? PCRE2_ERROR_NOMATCH : PCRE2_ERROR_NOMEMORY;
    size_t start = from;
    while (count == PCRE2_ERROR_NOMATCH && start <= length && *status == MMN_OK) {
        size_t last = pattern->whole || length - start <= STRETCH ? length : start + STRETCH;
        while (last < length && ((unsigned char)text[last] & 0xc0) == 0x80)
            last++;
        pcre2_set_offset_limit(limits, last);
        count = pcre2_match(pattern->code, (PCRE2_SPTR)text, length, start, PCRE2_NO_UTF_CHECK,
                            match, limits);
        *status = mmn_interrupt_check_now(interrupt, error);
        if (last == length)
            break;
        start = last;
    }
    pcre2_match_context_free(limits);
    return count;
}

mmn_status mmn_pattern_find(const mmn_pattern *pattern, const char *text, size_t length,
                            size_t from, bool *found, size_t *start, size_t *end,
                            const mmn_interrupt *interrupt, mmn_error *error)
{
    /* With the functions that the pattern has for its memory. */
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(pattern->code, NULL);
    if (!match)
        return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "out of memory for a pattern's match");
    mmn_status status = MMN_OK;
    int count = search(pattern, text, length, from, match, interrupt, &status, error);
    if (count == PCRE2_ERROR_MATCHLIMIT && status == MMN_OK)
        count = match_long(pattern, text, length, from, match);
    /* A match can begin after its end through \K; such a pattern finds nothing. */
    const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(match);
    *found = status == MMN_OK && count >= 0 && offsets[0] <= offsets[1] && offsets[0] >= from;
    if (*found) {
        *start = offsets[0];
        *end = offsets[1];
    } else if (status == MMN_OK && count == PCRE2_ERROR_NOMEMORY) {
        status = mmn_fail(error, MMN_SYSTEM, NULL, NULL, "out of memory for a pattern's match");
    } else if (status == MMN_OK && count < 0 && count != PCRE2_ERROR_NOMATCH) {
        char reason[256];
        pcre2_get_error_message(count, (PCRE2_UCHAR *)reason, sizeof(reason));
        status = mmn_fail(error, MMN_INPUT, NULL, NULL,
                          "a pattern of the tokenizer cannot be matched: %s", reason);
    }
    pcre2_match_data_free(match);
    return status;
}

void mmn_pattern_free(mmn_pattern *pattern)
{
    if (!pattern)
        return;
    pcre2_code_free(pattern->code);
    pcre2_match_context_free(pattern->limits);
    mmn_free(pattern);
}

#else

mmn_status mmn_pattern_compile(mmn_pattern **pattern, const char *expression, mmn_error *error)
{
    *pattern = NULL;
    return mmn_fail(error, MMN_INPUT, NULL, NULL,
                    "this tokenizer needs PCRE2 for the pattern \"%.200s\", which this build "
                    "leaves out",
                    expression);
}

mmn_status mmn_pattern_compile_text(mmn_pattern **pattern, const char *text, mmn_error *error)
{
    return mmn_pattern_compile(pattern, text, error);
}

mmn_status mmn_pattern_find(const mmn_pattern *pattern, const char *text, size_t length,
                            size_t from, bool *found, size_t *start, size_t *end,
                            const mmn_interrupt *interrupt, mmn_error *error)
{
    (void)pattern, (void)text, (void)length, (void)from, (void)start, (void)end, (void)interrupt;
    *found = false;
    return mmn_fail(error, MMN_USAGE, NULL, NULL, "this build leaves PCRE2 out");
}

void mmn_pattern_free(mmn_pattern *pattern)
{
    (void)pattern;
}

#endif

mmn_status mmn_pattern_next(const mmn_pattern *pattern, const char *text, size_t length,
                            mmn_match *match, const mmn_interrupt *interrupt, mmn_error *error)
{
    size_t from = match->end, start, end;
    bool follows = match->found;
    for (match->found = false; from <= length && !match->found;) {
        bool found;
        MMN_TRY(
            mmn_pattern_find(pattern, text, length, from, &found, &start, &end, interrupt, error));
        if (!found)
            break;
        if (follows && start == end && start == match->end)
            from = start + (start < length ? mmn_utf8_size(text + start) : 1);
        else
            *match = (mmn_match){true, start, end};
    }
    return MMN_OK;
}

/* ---- Replacing ------------------------------------------------------------------------------- */

mmn_status mmn_replacement_make(mmn_replacement *replacement, const char *from, bool is_pattern,
                                const char *to, mmn_error *error)
{
    *replacement = (mmn_replacement){.from_length = strlen(from), .to_length = strlen(to)};
    if (replacement->from_length == 0)
        return mmn_fail(error, MMN_INPUT, NULL, NULL, "the text to be replaced is empty");
    replacement->from = mmn_copy_text(from, error);
    replacement->to = mmn_copy_text(to, error);
    mmn_status status = replacement->from && replacement->to ? MMN_OK : MMN_SYSTEM;
    if (status == MMN_OK && is_pattern)
        status = mmn_pattern_compile(&replacement->pattern, from, error);
    if (status != MMN_OK)
        mmn_replacement_free(replacement);
    return status;
}

void mmn_replacement_free(mmn_replacement *replacement)
{
    mmn_pattern_free(replacement->pattern);
    mmn_free(replacement->from);
    mmn_free(replacement->to);
    *replacement = (mmn_replacement){0};
}

static void replace_text(const mmn_replacement *replacement, const char *text, size_t length,
                         mmn_text *result)
{
    size_t copied = 0, size = replacement->from_length;
    for (size_t at = 0; at + size <= length;) {
        if (memcmp(text + at, replacement->from, size) != 0) {
            at++;
            continue;
        }
        mmn_text_add_bytes(result, text + copied, at - copied);
        mmn_text_add_bytes(result, replacement->to, replacement->to_length);
        at += size;
        copied = at;
    }
    mmn_text_add_bytes(result, text + copied, length - copied);
}

static mmn_status replace_pattern(const mmn_replacement *replacement, const char *text,
                                  size_t length, mmn_text *result, mmn_error *error)
{
    mmn_match match = {0};
    size_t copied = 0;
    for (;;) {
        MMN_TRY(mmn_pattern_next(replacement->pattern, text, length, &match, replacement->interrupt,
                                 error));
        if (!match.found)
            break;
        mmn_text_add_bytes(result, text + copied, match.start - copied);
        mmn_text_add_bytes(result, replacement->to, replacement->to_length);
        copied = match.end;
    }
    mmn_text_add_bytes(result, text + copied, length - copied);
    return MMN_OK;
}

mmn_status mmn_replacement_apply(const mmn_replacement *replacement, const char *text,
                                 size_t length, mmn_text *result, mmn_error *error)
{
    if (replacement->pattern)
        return replace_pattern(replacement, text, length, result, error);
    replace_text(replacement, text, length, result);
    return MMN_OK;
}
