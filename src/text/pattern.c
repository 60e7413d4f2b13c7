/* Regular expressions of tokenizer files, by PCRE2. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "text/pattern.h"

#include "base/memory.h"

#ifdef HAVE_PCRE2

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Far more than the patterns of published tokenizers need. PCRE2 counts anew at every place where a
 * match may begin, so the first limit bounds the time per byte of text: well below a millisecond. */
#define MATCH_LIMIT 50000
#define DEPTH_LIMIT 10000
#define HEAP_LIMIT_KIB 65536
#define LENGTH_LIMIT 65536

struct mmn_pattern {
    pcre2_code *code;
    pcre2_match_context *limits;
};

mmn_status mmn_pattern_compile(mmn_pattern **pattern, const char *expression, mmn_error *error)
{
    mmn_pattern *made = mmn_allocate(1, sizeof(*made), error);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    mmn_status status = made ? MMN_OK : MMN_SYSTEM;
    int code = 0;
    PCRE2_SIZE offset = 0;
    if (status == MMN_OK) {
        made->limits = pcre2_match_context_create(NULL);
        if (!context || !made->limits)
            status = mmn_fail(error, MMN_SYSTEM, NULL, NULL, "out of memory for a pattern");
    }
    if (status == MMN_OK) {
        pcre2_set_newline(context, PCRE2_NEWLINE_LF);
        pcre2_set_max_pattern_length(context, LENGTH_LIMIT);
        pcre2_set_match_limit(made->limits, MATCH_LIMIT);
        pcre2_set_depth_limit(made->limits, DEPTH_LIMIT);
        pcre2_set_heap_limit(made->limits, HEAP_LIMIT_KIB);
        made->code = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED,
                                   PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE |
                                       PCRE2_NEVER_BACKSLASH_C,
                                   &code, &offset, context);
    }
    if (status == MMN_OK && !made->code) {
        char reason[256];
        pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof(reason));
        status = mmn_fail(error, MMN_INPUT, NULL, NULL, "the pattern \"%.200s\" is wrong at byte "
                          "%zu: %s", expression, (size_t)offset, reason);
    }
    pcre2_compile_context_free(context);
    if (status != MMN_OK) {
        mmn_pattern_free(made);
        made = NULL;
    }
    *pattern = made;
    return status;
}

mmn_status mmn_pattern_find(const mmn_pattern *pattern, const char *text, size_t length,
                            size_t from, bool *found, size_t *start, size_t *end,
                            mmn_error *error)
{
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    if (!match)
        return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "out of memory for a pattern's match");
    int count = pcre2_match(pattern->code, (PCRE2_SPTR)text, length, from, PCRE2_NO_UTF_CHECK,
                            match, pattern->limits);
    mmn_status status = MMN_OK;
    /* A match can begin after its end through \K; such a pattern finds nothing. */
    const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(match);
    *found = count >= 0 && offsets[0] <= offsets[1] && offsets[0] >= from;
    if (*found) {
        *start = offsets[0];
        *end = offsets[1];
    } else if (count < 0 && count != PCRE2_ERROR_NOMATCH) {
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
                    "leaves out", expression);
}

mmn_status mmn_pattern_find(const mmn_pattern *pattern, const char *text, size_t length,
                            size_t from, bool *found, size_t *start, size_t *end,
                            mmn_error *error)
{
    (void)pattern, (void)text, (void)length, (void)from, (void)start, (void)end;
    *found = false;
    return mmn_fail(error, MMN_USAGE, NULL, NULL, "this build leaves PCRE2 out");
}

void mmn_pattern_free(mmn_pattern *pattern)
{
    (void)pattern;
}

#endif
