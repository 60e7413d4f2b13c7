/* Pre-tokenisation, step by step. */
#include "text/tokenizer_parts.h"

#include <stdint.h>
#include <string.h>

#include "base/text_buffer.h"
#include "base/utf8.h"
#include "text/characters.h"

mmn_status mmn_pre_tokenizer_add(mmn_pre_tokenizer *pre_tokenizer, mmn_pre_tokenizer_step *step,
                                 mmn_error *error)
{
    if (pre_tokenizer->count == MMN_PRE_TOKENIZER_STEPS) {
        mmn_pattern_free(step->pattern);
        return mmn_fail(error, MMN_INPUT, NULL, "pre_tokenizer", "there are more than %d steps",
                        MMN_PRE_TOKENIZER_STEPS);
    }
#ifndef HAVE_UTF8PROC
    if (step->finds == MMN_SPLIT_FINDS_NUMBERS || step->finds == MMN_SPLIT_FINDS_WORDS)
        return mmn_fail(error, MMN_INPUT, NULL, "pre_tokenizer",
                        "this tokenizer needs utf8proc "
                        "for the classes of characters, which this build leaves out");
#endif
    pre_tokenizer->steps[pre_tokenizer->count++] = *step;
    return MMN_OK;
}

mmn_status mmn_pre_tokenizer_add_bert(mmn_pre_tokenizer *pre_tokenizer, mmn_error *error)
{
    mmn_pre_tokenizer_step spaces = {.kind = MMN_PRE_TOKENIZER_SPLIT,
                                     .finds = MMN_SPLIT_FINDS_WHITE_SPACE,
                                     .behavior = MMN_SPLIT_REMOVED};
    mmn_pre_tokenizer_step marks = {.kind = MMN_PRE_TOKENIZER_SPLIT,
                                    .finds = MMN_SPLIT_FINDS_PUNCTUATION};
    MMN_TRY(mmn_pre_tokenizer_add(pre_tokenizer, &spaces, error));
    return mmn_pre_tokenizer_add(pre_tokenizer, &marks, error);
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
static void replace_spaces(const mmn_metaspace *metaspace, const char *text, size_t length,
                           bool is_first, mmn_text *result)
{
    const char *replacement = metaspace->replacement;
    size_t size = metaspace->replacement_length;
    bool begins_with_it = *text == ' ' || (length >= size && memcmp(text, replacement, size) == 0);
    bool wanted = metaspace->scheme == MMN_PREPEND_ALWAYS ||
                  (metaspace->scheme == MMN_PREPEND_FIRST && is_first);
    if (wanted && !begins_with_it)
        mmn_text_add_bytes(result, replacement, size);
    for (size_t at = 0; at < length; at++)
        mmn_text_add_bytes(result, text[at] == ' ' ? replacement : text + at,
                           text[at] == ' ' ? size : 1);
}

static mmn_status cut_by_metaspace(const cutting *run, size_t step, const char *text, size_t length,
                                   bool is_first)
{
    const mmn_metaspace *metaspace = &run->pre_tokenizer->steps[step].metaspace;
    size_t size = metaspace->replacement_length;
    mmn_text replaced = {0};
    replace_spaces(metaspace, text, length, is_first, &replaced);
    mmn_status status = mmn_text_status(&replaced, run->error);
    size_t start = 0;
    for (size_t at = 1; metaspace->split && at + size <= replaced.length && status == MMN_OK; at++)
        if (memcmp(replaced.text + at, metaspace->replacement, size) == 0) {
            status = cut(run, step + 1, replaced.text + start, at - start, is_first && start == 0);
            start = at;
        }
    if (status == MMN_OK)
        status = cut(run, step + 1, replaced.text + start, replaced.length - start,
                     is_first && start == 0);
    mmn_text_free(&replaced);
    return status;
}

/* What a character is for a step that finds words: equal neighbours form a match, 0 is none. */
static int word_class(uint32_t code)
{
    return mmn_is_whitespace(code) ? 0 : mmn_is_word_character(code) ? 1 : 2;
}

static bool is_of_class(mmn_split_finds finds, uint32_t code)
{
    switch (finds) {
    case MMN_SPLIT_FINDS_WHITE_SPACE:
        return mmn_is_whitespace(code);
    case MMN_SPLIT_FINDS_PUNCTUATION:
        return mmn_bert_is_punctuation(code);
    case MMN_SPLIT_FINDS_NUMBERS:
        return mmn_is_number(code);
    default:
        return word_class(code) != 0;
    }
}

/* Finds the first character of the class behind *match; of words, all that are alike. */
static void find_class(mmn_split_finds finds, const char *text, size_t length, mmn_match *match)
{
    size_t start = match->end;
    while (start < length && !is_of_class(finds, mmn_utf8_decode(text + start)))
        start += mmn_utf8_size(text + start);
    *match = (mmn_match){start < length, start, start};
    if (!match->found)
        return;
    match->end += mmn_utf8_size(text + start);
    int class = word_class(mmn_utf8_decode(text + start));
    while (finds == MMN_SPLIT_FINDS_WORDS && match->end < length &&
           word_class(mmn_utf8_decode(text + match->end)) == class)
        match->end += mmn_utf8_size(text + match->end);
}

/* The pieces of a text that is split, of which the last waits for what joins it. */
typedef struct splitting {
    const cutting *run;
    size_t step;
    const char *text;
    bool is_first; /* the text begins with this stretch */
    bool waits, is_match;
    size_t start, end; /* of the piece that waits */
} splitting;

/* Lets the piece that waits become a word. */
static mmn_status end_piece(splitting *split)
{
    const mmn_pre_tokenizer_step *step = &split->run->pre_tokenizer->steps[split->step];
    bool removed = step->behavior == MMN_SPLIT_REMOVED && split->is_match;
    if (!split->waits || removed)
        return MMN_OK;
    return cut(split->run, split->step + 1, split->text + split->start, split->end - split->start,
               split->is_first && split->start == 0);
}

/* Whether a piece joins the one that waits. */
static bool joins(const splitting *split, mmn_split_behavior behavior, bool is_match)
{
    switch (behavior) {
    case MMN_SPLIT_MERGED_WITH_PREVIOUS:
        return split->waits && is_match && !split->is_match;
    case MMN_SPLIT_MERGED_WITH_NEXT:
        return split->waits && !is_match && split->is_match;
    case MMN_SPLIT_CONTIGUOUS:
        return split->waits && is_match == split->is_match;
    default:
        return false;
    }
}

/* Takes the next piece; it may be empty. */
static mmn_status take_piece(splitting *split, size_t start, size_t end, bool is_match)
{
    const mmn_pre_tokenizer_step *step = &split->run->pre_tokenizer->steps[split->step];
    is_match ^= step->invert;
    mmn_status status = MMN_OK;
    if (!joins(split, step->behavior, is_match)) {
        status = end_piece(split);
        split->start = start;
    }
    split->end = end;
    split->waits = true;
    split->is_match = is_match;
    return status;
}

static mmn_status cut_around_matches(const cutting *run, size_t step, const char *text,
                                     size_t length, bool is_first)
{
    const mmn_pre_tokenizer_step *kind = &run->pre_tokenizer->steps[step];
    splitting split = {.run = run, .step = step, .text = text, .is_first = is_first};
    mmn_match match = {0};
    for (size_t done = 0;; done = match.end) {
        if (kind->finds == MMN_SPLIT_FINDS_PATTERN)
            MMN_TRY(mmn_pattern_next(kind->pattern, text, length, &match,
                                     run->pre_tokenizer->interrupt, run->error));
        else
            find_class(kind->finds, text, length, &match);
        size_t start = match.found ? match.start : length;
        if (done < start)
            MMN_TRY(take_piece(&split, done, start, false));
        if (!match.found)
            return end_piece(&split);
        MMN_TRY(take_piece(&split, match.start, match.end, true));
    }
}

/* Cuts a changed text on, and frees it. */
static mmn_status cut_changed(const cutting *run, size_t step, mmn_text *changed, bool is_first)
{
    mmn_status status = mmn_text_status(changed, run->error);
    if (status == MMN_OK)
        status = cut(run, step + 1, changed->text, changed->length, is_first);
    mmn_text_free(changed);
    return status;
}

static mmn_status put_space(const cutting *run, size_t step, const char *text, size_t length,
                            bool is_first)
{
    mmn_text spaced = {0};
    mmn_text_add_bytes(&spaced, " ", *text == ' ' ? 0 : 1);
    mmn_text_add_bytes(&spaced, text, length);
    return cut_changed(run, step, &spaced, is_first);
}

static mmn_status spell_bytes(const cutting *run, size_t step, const char *text, size_t length,
                              bool is_first)
{
    mmn_text spelt = {0};
    mmn_byte_level_spell(text, length, &spelt);
    return cut_changed(run, step, &spelt, is_first);
}

static mmn_status cut(const cutting *run, size_t step, const char *text, size_t length,
                      bool is_first)
{
    if (length == 0)
        return MMN_OK;
    MMN_TRY(mmn_interrupt_check_now(run->pre_tokenizer->interrupt, run->error));
    if (step == run->pre_tokenizer->count)
        return run->word(run->context, text, length, run->error);
    switch (run->pre_tokenizer->steps[step].kind) {
    case MMN_PRE_TOKENIZER_PREFIX_SPACE:
        return put_space(run, step, text, length, is_first);
    case MMN_PRE_TOKENIZER_SPLIT:
        return cut_around_matches(run, step, text, length, is_first);
    case MMN_PRE_TOKENIZER_BYTE_LEVEL:
        return spell_bytes(run, step, text, length, is_first);
    case MMN_PRE_TOKENIZER_METASPACE:
        break;
    }
    return cut_by_metaspace(run, step, text, length, is_first);
}

mmn_status mmn_pre_tokenize(const mmn_pre_tokenizer *pre_tokenizer, const char *text, size_t length,
                            bool is_first, mmn_word_function word, void *context, mmn_error *error)
{
    const cutting run = {pre_tokenizer, word, context, error};
    return cut(&run, 0, text, length, is_first);
}
