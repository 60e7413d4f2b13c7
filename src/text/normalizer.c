/* Normalisation, step by step. */
#include "text/tokenizer_parts.h"

#include <stdlib.h>
#include <string.h>
#ifdef HAVE_UTF8PROC
#include <utf8proc.h>
#endif

#include "base/memory.h"
#include "base/utf8.h"
#include "text/characters.h"

/* U+2581, which stands for a space inside pieces. */
static const char space_symbol[] = "\xe2\x96\x81";

/* A normalised text may have this many times as many bytes as a text of `length` and some, so that
 * the steps of a hostile file cannot multiply each other; real ones stay below 12. */
#define GROWTH_LIMIT 32

static size_t most_bytes(size_t length)
{
    return length < SIZE_MAX / GROWTH_LIMIT - 4096 ? (length + 4096) * GROWTH_LIMIT : SIZE_MAX;
}

#ifndef HAVE_UTF8PROC
static bool needs_unicode_data(mmn_normalizer_kind kind)
{
    return kind == MMN_NORMALIZER_CHARACTER_MAP || kind == MMN_NORMALIZER_LOWERCASE ||
           kind == MMN_NORMALIZER_STRIP_ACCENTS || kind == MMN_NORMALIZER_NFC ||
           kind == MMN_NORMALIZER_NFD || kind == MMN_NORMALIZER_NFKC || kind == MMN_NORMALIZER_NFKD;
}
#endif

mmn_status mmn_normalizer_add(mmn_normalizer *normalizer, mmn_normalizer_step *step,
                              mmn_error *error)
{
    mmn_status status = MMN_OK;
#ifndef HAVE_UTF8PROC
    if (needs_unicode_data(step->kind))
        status = mmn_fail(error, MMN_INPUT, NULL, NULL,
                          "this tokenizer needs utf8proc to "
                          "normalise Unicode text, which this build leaves out");
#endif
    if (status == MMN_OK)
        status = MMN_RESERVE(normalizer->steps, normalizer->capacity, normalizer->count + 1, error);
    if (status == MMN_OK)
        normalizer->steps[normalizer->count++] = *step;
    else
        mmn_normalizer_step_free(step);
    *step = (mmn_normalizer_step){0};
    return status;
}

void mmn_normalizer_step_free(mmn_normalizer_step *step)
{
    mmn_replacement_free(&step->replacement);
    mmn_character_map_free(step->map);
    step->map = NULL;
}

mmn_status mmn_normalizer_add_bert(mmn_normalizer *normalizer, const mmn_bert_options *options,
                                   mmn_error *error)
{
    const struct {
        bool wanted;
        mmn_normalizer_kind kind;
    } parts[] = {{options->clean_text, MMN_NORMALIZER_CLEAN},
                 {options->handle_chinese_chars, MMN_NORMALIZER_SPACE_IDEOGRAPHS},
                 {options->strip_accents, MMN_NORMALIZER_NFD},
                 {options->strip_accents, MMN_NORMALIZER_DROP_MARKS},
                 {options->lowercase, MMN_NORMALIZER_LOWERCASE}};
    for (size_t i = 0; i < MMN_LENGTH(parts); i++) {
        mmn_normalizer_step step = {.kind = parts[i].kind};
        if (parts[i].wanted)
            MMN_TRY(mmn_normalizer_add(normalizer, &step, error));
    }
    return MMN_OK;
}

void mmn_normalizer_free(mmn_normalizer *normalizer)
{
    for (size_t i = 0; i < normalizer->count; i++)
        mmn_normalizer_step_free(&normalizer->steps[i]);
    mmn_free(normalizer->steps);
    *normalizer = (mmn_normalizer){0};
}

static void strip(const mmn_normalizer_step *step, const char *text, size_t length,
                  mmn_text *result)
{
    size_t start = 0, end = length;
    while (step->left && start < end && mmn_is_whitespace(mmn_utf8_decode(text + start)))
        start += mmn_utf8_size(text + start);
    while (step->right && end > start) {
        size_t last = mmn_utf8_previous(text, end);
        if (!mmn_is_whitespace(mmn_utf8_decode(text + last)))
            break;
        end = last;
    }
    mmn_text_add_bytes(result, text + start, end - start);
}

/* What sentencepiece's Normalizer does when it has no character map. */
static void apply_sentencepiece(const mmn_normalizer_step *step, const char *text, size_t length,
                                mmn_text *result)
{
    const char *space = step->escape ? space_symbol : " ";
    size_t space_length = strlen(space), at = 0;
    while (step->remove_extra && at < length && text[at] == ' ')
        at++;
    if (at == length)
        return;
    if (step->add_prefix)
        mmn_text_add_bytes(result, space, space_length);
    for (; at < length; at++) {
        if (text[at] != ' ')
            mmn_text_add_bytes(result, text + at, 1);
        else if (!step->remove_extra || text[at - 1] != ' ')
            mmn_text_add_bytes(result, space, space_length);
    }
    while (step->remove_extra && result->length >= space_length &&
           memcmp(result->text + result->length - space_length, space, space_length) == 0)
        result->length -= space_length;
}

/* Nmt's controls, and what it makes a space. */
static bool is_dropped_by_nmt(uint32_t code)
{
    return (code >= 0x1 && code <= 0x8) || code == 0xb || (code >= 0xe && code <= 0x1f) ||
           code == 0x7f || code == 0x8f || code == 0x9f;
}

static bool is_space_of_nmt(uint32_t code)
{
    static const uint32_t spaces[] = {0x9,    0xa,    0xc,    0xd,    0x1680,
                                      0x2028, 0x2029, 0x2581, 0xfeff, 0xfffd};
    for (size_t i = 0; i < MMN_LENGTH(spaces); i++)
        if (code == spaces[i])
            return true;
    return code >= 0x200b && code <= 0x200f;
}

static bool is_dropped(mmn_normalizer_kind kind, uint32_t code)
{
    switch (kind) {
    case MMN_NORMALIZER_CLEAN:
        return mmn_bert_is_dropped(code);
    case MMN_NORMALIZER_DROP_MARKS:
        return mmn_bert_is_mark(code);
    case MMN_NORMALIZER_STRIP_ACCENTS:
        return mmn_is_mark(code);
    default:
        return kind == MMN_NORMALIZER_NMT && is_dropped_by_nmt(code);
    }
}

/* The steps that look at each character by itself. */
static void apply_to_characters(mmn_normalizer_kind kind, const char *text, size_t length,
                                mmn_text *result)
{
    size_t size;
    for (size_t at = 0; at < length; at += size) {
        uint32_t code = mmn_utf8_decode(text + at);
        size = mmn_utf8_size(text + at);
        if (is_dropped(kind, code))
            continue;
        bool apart = kind == MMN_NORMALIZER_SPACE_IDEOGRAPHS && mmn_bert_is_ideograph(code);
        bool space = (kind == MMN_NORMALIZER_CLEAN && mmn_is_whitespace(code)) ||
                     (kind == MMN_NORMALIZER_NMT && is_space_of_nmt(code));
        mmn_text_add_bytes(result, " ", apart);
        mmn_text_add_bytes(result, space ? " " : text + at, space ? 1 : size);
        mmn_text_add_bytes(result, " ", apart);
    }
}

#ifdef HAVE_UTF8PROC

/* Lower case character by character, without context (no final sigma), as Rust's
 * char::to_lowercase; U+0130 is the one character that becomes two. */
static void lowercase(const char *text, size_t length, mmn_text *result)
{
    for (size_t at = 0; at < length; at += mmn_utf8_size(text + at)) {
        uint32_t code = mmn_utf8_decode(text + at);
        mmn_text_add_character(result, code == 0x130 ? 'i' : mmn_to_lowercase(code));
        if (code == 0x130)
            mmn_text_add_character(result, 0x307);
    }
}

static mmn_status normal_form(mmn_normalizer_kind kind, const char *text, size_t length,
                              mmn_text *result, mmn_error *error)
{
    bool compose = kind == MMN_NORMALIZER_NFC || kind == MMN_NORMALIZER_NFKC;
    bool compatible = kind == MMN_NORMALIZER_NFKC || kind == MMN_NORMALIZER_NFKD;
    int options = UTF8PROC_STABLE | (compose ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE) |
                  (compatible ? UTF8PROC_COMPAT : 0);
    utf8proc_uint8_t *form = NULL;
    utf8proc_ssize_t size = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)length,
                                         &form, (utf8proc_option_t)options);
    if (size < 0)
        return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "cannot normalise the text: %s",
                        utf8proc_errmsg(size));
    mmn_text_add_bytes(result, (const char *)form, (size_t)size);
    free(form);
    return MMN_OK;
}

#endif

/* What needs Unicode's data. */
static mmn_status apply_unicode(mmn_normalizer_kind kind, const char *text, size_t length,
                                mmn_text *result, mmn_error *error)
{
#ifdef HAVE_UTF8PROC
    if (kind != MMN_NORMALIZER_LOWERCASE)
        return normal_form(kind, text, length, result, error);
    lowercase(text, length, result);
    return MMN_OK;
#else
    (void)kind, (void)text, (void)length, (void)result;
    return mmn_fail(error, MMN_USAGE, NULL, NULL, "this build leaves utf8proc out");
#endif
}

/* `most` is how many bytes a result may have; those of one step may stop behind it. */
static mmn_status apply_step(const mmn_normalizer_step *step, const char *text, size_t length,
                             size_t most, mmn_text *result, mmn_error *error)
{
    mmn_status status = MMN_OK;
    switch (step->kind) {
    case MMN_NORMALIZER_PREPEND:
        mmn_text_add_bytes(result, step->replacement.to, step->replacement.to_length);
        mmn_text_add_bytes(result, text, length);
        break;
    case MMN_NORMALIZER_REPLACE:
        status = mmn_replacement_apply(&step->replacement, text, length, result, error);
        break;
    case MMN_NORMALIZER_STRIP:
        strip(step, text, length, result);
        break;
    case MMN_NORMALIZER_SENTENCEPIECE:
        apply_sentencepiece(step, text, length, result);
        break;
    case MMN_NORMALIZER_BYTE_LEVEL:
        mmn_byte_level_spell(text, length, result);
        break;
    case MMN_NORMALIZER_CHARACTER_MAP:
        status = mmn_character_map_apply(step->map, text, length, most, result, error);
        break;
    case MMN_NORMALIZER_CLEAN:
    case MMN_NORMALIZER_SPACE_IDEOGRAPHS:
    case MMN_NORMALIZER_DROP_MARKS:
    case MMN_NORMALIZER_STRIP_ACCENTS:
    case MMN_NORMALIZER_NMT:
        apply_to_characters(step->kind, text, length, result);
        break;
    default:
        status = apply_unicode(step->kind, text, length, result, error);
    }
    return status == MMN_OK ? mmn_text_status(result, error) : status;
}

mmn_status mmn_normalizer_apply(const mmn_normalizer *normalizer, const char *text, size_t length,
                                mmn_text *result, mmn_error *error)
{
    mmn_text next = {0};
    result->length = 0;
    mmn_text_add_bytes(result, text, length);
    mmn_status status = mmn_text_status(result, error);
    for (size_t i = 0; i < normalizer->count && status == MMN_OK && result->length > 0; i++) {
        next.length = 0;
        status = apply_step(&normalizer->steps[i], result->text, result->length, most_bytes(length),
                            &next, error);
        mmn_text previous = *result;
        *result = next;
        next = previous;
        if (status == MMN_OK && result->length > most_bytes(length))
            status = mmn_fail(error, MMN_INPUT, NULL, NULL,
                              "the tokenizer's normaliser makes %zu bytes of %zu", result->length,
                              length);
    }
    mmn_text_free(&next);
    return status;
}
