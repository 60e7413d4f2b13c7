/* Decoding, step by step over a list of spellings. */
#include "text/decoder.h"

#include <string.h>

#include "base/memory.h"
#include "text/byte_level.h"
#include "text/utf8.h"

/* A text may become this many times as long by the steps, so that those of a hostile file cannot
 * multiply each other. */
#define GROWTH_LIMIT 32

mmn_status mmn_decoder_add(mmn_decoder *decoder, mmn_decoder_step *step, mmn_error *error)
{
    mmn_status status = mmn_reserve(&decoder->steps, &decoder->capacity, decoder->count + 1,
                                    sizeof(*decoder->steps), error);
    if (status == MMN_OK)
        decoder->steps[decoder->count++] = *step;
    else
        mmn_replacement_free(&step->replacement);
    *step = (mmn_decoder_step){0};
    return status;
}

void mmn_decoder_free(mmn_decoder *decoder)
{
    for (size_t i = 0; i < decoder->count; i++)
        mmn_replacement_free(&decoder->steps[i].replacement);
    mmn_free(decoder->steps);
    *decoder = (mmn_decoder){0};
}

/* The text of the spellings from `start` on; never NULL. */
static const char *text_from(const mmn_spellings *spellings, size_t start)
{
    return spellings->text.data ? spellings->text.data + start : "";
}

/* Ends the spelling that was appended to the text. */
static mmn_status end_spelling(mmn_spellings *spellings, mmn_error *error)
{
    mmn_status status = mmn_reserve(&spellings->ends, &spellings->capacity, spellings->count + 1,
                                    sizeof(*spellings->ends), error);
    if (status == MMN_OK)
        spellings->ends[spellings->count++] = spellings->text.length;
    return status;
}

mmn_status mmn_spellings_add(mmn_spellings *spellings, const char *text, size_t length,
                             mmn_error *error)
{
    mmn_status status = mmn_bytes_add(&spellings->text, text, length, error);
    return status == MMN_OK ? end_spelling(spellings, error) : status;
}

void mmn_spellings_free(mmn_spellings *spellings)
{
    mmn_bytes_free(&spellings->text);
    mmn_free(spellings->ends);
    *spellings = (mmn_spellings){0};
}

static int hexadecimal_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* The byte that a spelling "<0xNN>" stands for, or -1. */
static int byte_of(const char *text, size_t length)
{
    if (length != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>')
        return -1;
    int high = hexadecimal_digit(text[3]), low = hexadecimal_digit(text[4]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Adds the spelling that a run of bytes gives: their text if they are UTF-8, else one U+FFFD for
 * each of them. */
static mmn_status add_bytes(mmn_spellings *result, mmn_bytes *bytes, mmn_error *error)
{
    mmn_status status = MMN_OK;
    if (bytes->length == 0)
        return MMN_OK;
    if (mmn_utf8_valid_prefix(bytes->data, bytes->length) == bytes->length)
        status = mmn_spellings_add(result, bytes->data, bytes->length, error);
    else
        for (size_t i = 0; i < bytes->length && status == MMN_OK; i++)
            status = mmn_spellings_add(result, "\xef\xbf\xbd", 3, error);
    bytes->length = 0;
    return status;
}

static mmn_status join_bytes(const mmn_spellings *spellings, mmn_spellings *result,
                             mmn_error *error)
{
    mmn_bytes bytes = {0};
    mmn_status status = MMN_OK;
    size_t start = 0;
    for (size_t i = 0; i < spellings->count && status == MMN_OK; i++) {
        const char *text = text_from(spellings, start);
        size_t length = spellings->ends[i] - start;
        int byte = length ? byte_of(text, length) : -1;
        if (byte >= 0) {
            char character = (char)byte;
            status = mmn_bytes_add(&bytes, &character, 1, error);
        } else {
            status = add_bytes(result, &bytes, error);
            if (status == MMN_OK)
                status = mmn_spellings_add(result, text, length, error);
        }
        start = spellings->ends[i];
    }
    if (status == MMN_OK)
        status = add_bytes(result, &bytes, error);
    mmn_bytes_free(&bytes);
    return status;
}

/* Adds one spelling that is `bytes` with U+FFFD in the place of what is not UTF-8. */
static mmn_status add_lossy(mmn_spellings *result, const mmn_bytes *bytes, mmn_error *error)
{
    mmn_status status = MMN_OK;
    for (size_t at = 0; at < bytes->length && status == MMN_OK;) {
        const char *rest = bytes->data + at;
        size_t length = bytes->length - at, valid = mmn_utf8_valid_prefix(rest, length);
        status = mmn_bytes_add(&result->text, rest, valid, error);
        at += valid;
        if (status == MMN_OK && valid < length) {
            status = mmn_bytes_add(&result->text, "\xef\xbf\xbd", 3, error);
            at += mmn_utf8_invalid_size(rest + valid, length - valid);
        }
    }
    return status == MMN_OK ? end_spelling(result, error) : status;
}

static mmn_status read_byte_level(const mmn_spellings *spellings, mmn_spellings *result,
                                  mmn_error *error)
{
    mmn_bytes bytes = {0};
    mmn_status status = MMN_OK;
    size_t start = 0;
    for (size_t i = 0; i < spellings->count && status == MMN_OK; i++) {
        status = mmn_byte_level_read(text_from(spellings, start), spellings->ends[i] - start,
                                     &bytes, error);
        start = spellings->ends[i];
    }
    if (status == MMN_OK)
        status = add_lossy(result, &bytes, error);
    mmn_bytes_free(&bytes);
    return status;
}

static mmn_status strip(const mmn_decoder_step *step, const char *text, size_t length,
                        mmn_spellings *result, mmn_error *error)
{
    size_t size = strlen(step->content), start = 0, end = length;
    for (size_t i = 0; i < step->start && end - start >= size &&
                       memcmp(text + start, step->content, size) == 0; i++)
        start += size;
    for (size_t i = 0; i < step->stop && end - start >= size &&
                       memcmp(text + end - size, step->content, size) == 0; i++)
        end -= size;
    return mmn_spellings_add(result, text + start, end - start, error);
}

static mmn_status unmark_spaces(const mmn_decoder_step *step, const char *text, size_t length,
                                bool is_first, mmn_spellings *result, mmn_error *error)
{
    size_t size = strlen(step->content);
    mmn_status status = MMN_OK;
    for (size_t at = 0; at < length && status == MMN_OK;) {
        bool is_mark = length - at >= size && memcmp(text + at, step->content, size) == 0;
        if (!is_mark)
            status = mmn_bytes_add(&result->text, text + at, 1, error);
        else if (!is_first || !step->drops_first)
            status = mmn_bytes_add(&result->text, " ", 1, error);
        at += is_mark ? size : 1;
    }
    return status == MMN_OK ? end_spelling(result, error) : status;
}

static mmn_status join_word(const mmn_decoder_step *step, const char *text, size_t length,
                            bool is_first, mmn_spellings *result, mmn_error *error)
{
    size_t size = step->replacement.to_length;
    bool continues = length >= size && memcmp(text, step->replacement.to, size) == 0;
    mmn_status status = MMN_OK;
    if (!is_first && continues)
        return mmn_spellings_add(result, text + size, length - size, error);
    if (!is_first)
        status = mmn_bytes_add(&result->text, " ", 1, error);
    return status == MMN_OK ? mmn_spellings_add(result, text, length, error) : status;
}

/* Applies a step that treats each spelling by itself. */
static mmn_status apply_to_each(const mmn_decoder_step *step, const mmn_spellings *spellings,
                                mmn_spellings *result, mmn_error *error)
{
    mmn_status status = MMN_OK;
    size_t start = 0;
    for (size_t i = 0; i < spellings->count && status == MMN_OK; i++) {
        const char *text = text_from(spellings, start);
        size_t length = spellings->ends[i] - start;
        if (step->kind == MMN_DECODER_STRIP) {
            status = strip(step, text, length, result, error);
        } else if (step->kind == MMN_DECODER_METASPACE) {
            status = unmark_spaces(step, text, length, i == 0, result, error);
        } else if (step->kind == MMN_DECODER_WORDPIECE) {
            status = join_word(step, text, length, i == 0, result, error);
        } else {
            status =
                mmn_replacement_apply(&step->replacement, text, length, &result->text, error);
            if (status == MMN_OK)
                status = end_spelling(result, error);
        }
        start = spellings->ends[i];
    }
    return status;
}

static mmn_status apply_step(const mmn_decoder_step *step, const mmn_spellings *spellings,
                             mmn_spellings *result, mmn_error *error)
{
    if (step->kind == MMN_DECODER_BYTE_FALLBACK)
        return join_bytes(spellings, result, error);
    if (step->kind == MMN_DECODER_BYTE_LEVEL)
        return read_byte_level(spellings, result, error);
    if (step->kind == MMN_DECODER_FUSE)
        return mmn_spellings_add(result, spellings->text.data, spellings->text.length, error);
    return apply_to_each(step, spellings, result, error);
}

static mmn_status join_by_spaces(const mmn_spellings *spellings, mmn_bytes *result,
                                 mmn_error *error)
{
    mmn_status status = MMN_OK;
    size_t start = 0;
    for (size_t i = 0; i < spellings->count && status == MMN_OK; i++) {
        if (i > 0)
            status = mmn_bytes_add(result, " ", 1, error);
        if (status == MMN_OK && spellings->ends[i] > start)
            status = mmn_bytes_add(result, spellings->text.data + start,
                                   spellings->ends[i] - start, error);
        start = spellings->ends[i];
    }
    return status;
}

mmn_status mmn_decoder_apply(const mmn_decoder *decoder, mmn_spellings *spellings,
                             mmn_bytes *result, mmn_error *error)
{
    if (!decoder->is_set)
        return join_by_spaces(spellings, result, error);
    mmn_spellings next = {0};
    mmn_status status = MMN_OK;
    size_t length = spellings->text.length;
    for (size_t i = 0; i < decoder->count && status == MMN_OK; i++) {
        next.text.length = next.count = 0;
        status = apply_step(&decoder->steps[i], spellings, &next, error);
        mmn_spellings previous = *spellings;
        *spellings = next;
        next = previous;
        if (status == MMN_OK && spellings->text.length / GROWTH_LIMIT > length + 4096)
            status = mmn_fail(error, MMN_INPUT, NULL, NULL,
                              "the tokenizer's decoder makes %zu bytes of %zu",
                              spellings->text.length, length);
    }
    if (status == MMN_OK)
        status = mmn_bytes_add(result, spellings->text.data, spellings->text.length, error);
    mmn_spellings_free(&next);
    return status;
}
