/* Pre-tokenisation, step by step. */
#include "text/pre_tokenizer.h"

#include <string.h>

#include "text/bert_characters.h"
#include "text/byte_level.h"
#include "text/bytes.h"
#include "text/utf8.h"

mmn_status mmn_pre_tokenizer_add(mmn_pre_tokenizer *pre_tokenizer, mmn_pre_tokenizer_step *step,
                                 mmn_error *error)
{
    if (pre_tokenizer->count == MMN_PRE_TOKENIZER_STEPS) {
        mmn_pattern_free(step->pattern);
        return mmn_fail(error, MMN_INPUT, NULL, "pre_tokenizer", "there are more than %d steps",
                        MMN_PRE_TOKENIZER_STEPS);
    }
    pre_tokenizer->steps[pre_tokenizer->count++] = *step;
    return MMN_OK;
}

void mmn_pre_tokenizer_free(mmn_pre_tokenizer *pre_tokenizer)
{
    for (size_t i = 0; i < pre_tokenizer->count; i++)
        mmn_pattern_free(pre_tokenizer->steps[i].pattern);
    *pre_tokenizer = (mmn_pre_tokenizer){0};
}

/* What stays the same while steps call each other. */
typedef struct cutting {
    const mmn_pre_tokenizer *pre_tokenizer;
    mmn_word_function word;
    void *context;
    mmn_error *error;
} cutting;

static mmn_status cut(const cutting *run, size_t step, const char *text, size_t length,
                      bool is_first);

/* Puts `text` with its spaces replaced, and the prefix if there is to be one, into `result`. */
static mmn_status replace_spaces(const mmn_metaspace *metaspace, const char *text, size_t length,
                                 bool is_first, mmn_bytes *result, mmn_error *error)
{
    const char *replacement = metaspace->replacement;
    size_t size = metaspace->replacement_length;
    bool begins_with_it = *text == ' ' || (length >= size && memcmp(text, replacement, size) == 0);
    bool wanted = metaspace->scheme == MMN_PREPEND_ALWAYS ||
                  (metaspace->scheme == MMN_PREPEND_FIRST && is_first);
    mmn_status status = MMN_OK;
    if (wanted && !begins_with_it)
        status = mmn_bytes_add(result, replacement, size, error);
    for (size_t at = 0; at < length && status == MMN_OK; at++)
        status = text[at] == ' ' ? mmn_bytes_add(result, replacement, size, error)
                                 : mmn_bytes_add(result, text + at, 1, error);
    return status;
}

static mmn_status cut_by_metaspace(const cutting *run, size_t step, const char *text,
                                   size_t length, bool is_first)
{
    const mmn_metaspace *metaspace = &run->pre_tokenizer->steps[step].metaspace;
    size_t size = metaspace->replacement_length;
    mmn_bytes replaced = {0};
    mmn_status status =
        replace_spaces(metaspace, text, length, is_first, &replaced, run->error);
    size_t start = 0;
    for (size_t at = 1; metaspace->split && at + size <= replaced.length && status == MMN_OK; at++)
        if (memcmp(replaced.data + at, metaspace->replacement, size) == 0) {
            status = cut(run, step + 1, replaced.data + start, at - start, is_first && start == 0);
            start = at;
        }
    if (status == MMN_OK)
        status = cut(run, step + 1, replaced.data + start, replaced.length - start,
                     is_first && start == 0);
    mmn_bytes_free(&replaced);
    return status;
}

static mmn_status cut_as_bert(const cutting *run, size_t step, const char *text, size_t length,
                              bool is_first)
{
    mmn_status status = MMN_OK;
    size_t start = 0, size;
    for (size_t at = 0; at < length && status == MMN_OK; at += size) {
        uint32_t code = mmn_utf8_decode(text + at);
        bool is_space = mmn_is_whitespace(code);
        size = mmn_utf8_size(text + at);
        if (!is_space && !mmn_bert_is_punctuation(code))
            continue;
        status = cut(run, step + 1, text + start, at - start, is_first && start == 0);
        if (status == MMN_OK && !is_space)
            status = cut(run, step + 1, text + at, size, is_first && at == 0);
        start = at + size;
    }
    if (status == MMN_OK)
        status = cut(run, step + 1, text + start, length - start, is_first && start == 0);
    return status;
}

static mmn_status cut_by_pattern(const cutting *run, size_t step, const char *text, size_t length,
                                 bool is_first)
{
    const mmn_pre_tokenizer_step *split = &run->pre_tokenizer->steps[step];
    bool keep_gaps = split->keeps != MMN_SPLIT_KEEPS_MATCHES;
    bool keep_matches = split->keeps != MMN_SPLIT_KEEPS_GAPS;
    size_t done = 0, from = 0; /* cut so far; where the next match may begin */
    while (from < length) {
        size_t start = length, end = length;
        bool found;
        mmn_status status = mmn_pattern_find(split->pattern, text, length, from, &found, &start,
                                             &end, run->error);
        if (status != MMN_OK)
            return status;
        if (found && start == end) { /* cuts nothing off */
            from = start + (start < length ? mmn_utf8_size(text + start) : 1);
            continue;
        }
        if (!found)
            break;
        if (keep_gaps)
            status = cut(run, step + 1, text + done, start - done, is_first && done == 0);
        if (status == MMN_OK && keep_matches)
            status = cut(run, step + 1, text + start, end - start, is_first && start == 0);
        if (status != MMN_OK)
            return status;
        done = from = end;
    }
    return keep_gaps ? cut(run, step + 1, text + done, length - done, is_first && done == 0)
                     : MMN_OK;
}

static mmn_status put_space(const cutting *run, size_t step, const char *text, size_t length,
                            bool is_first)
{
    mmn_bytes spaced = {0};
    mmn_status status = mmn_bytes_add(&spaced, " ", *text == ' ' ? 0 : 1, run->error);
    if (status == MMN_OK)
        status = mmn_bytes_add(&spaced, text, length, run->error);
    if (status == MMN_OK)
        status = cut(run, step + 1, spaced.data, spaced.length, is_first);
    mmn_bytes_free(&spaced);
    return status;
}

static mmn_status spell_bytes(const cutting *run, size_t step, const char *text, size_t length,
                              bool is_first)
{
    mmn_bytes spelt = {0};
    mmn_status status = mmn_byte_level_spell(text, length, &spelt, run->error);
    if (status == MMN_OK)
        status = cut(run, step + 1, spelt.data, spelt.length, is_first);
    mmn_bytes_free(&spelt);
    return status;
}

static mmn_status cut(const cutting *run, size_t step, const char *text, size_t length,
                      bool is_first)
{
    if (length == 0)
        return MMN_OK;
    if (step == run->pre_tokenizer->count)
        return run->word(run->context, text, length, run->error);
    switch (run->pre_tokenizer->steps[step].kind) {
    case MMN_PRE_TOKENIZER_BERT:
        return cut_as_bert(run, step, text, length, is_first);
    case MMN_PRE_TOKENIZER_PREFIX_SPACE:
        return put_space(run, step, text, length, is_first);
    case MMN_PRE_TOKENIZER_SPLIT:
        return cut_by_pattern(run, step, text, length, is_first);
    case MMN_PRE_TOKENIZER_BYTE_LEVEL:
        return spell_bytes(run, step, text, length, is_first);
    case MMN_PRE_TOKENIZER_METASPACE:
        break;
    }
    return cut_by_metaspace(run, step, text, length, is_first);
}

mmn_status mmn_pre_tokenize(const mmn_pre_tokenizer *pre_tokenizer, const char *text,
                            size_t length, bool is_first, mmn_word_function word, void *context,
                            mmn_error *error)
{
    const cutting run = {pre_tokenizer, word, context, error};
    return cut(&run, 0, text, length, is_first);
}
