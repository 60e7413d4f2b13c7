/* Decoding, step by step over a list of spellings. */
#include "text/decoder.h"

#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "text/characters.h"

/* A text may become this many times as long by the steps, so that those of a hostile file cannot
 * multiply each other. */
#define GROWTH_LIMIT 32

mmn_status mmn_decoder_add(mmn_decoder *decoder, mmn_decoder_step *step, mmn_error *error)
{
    mmn_status status = MMN_RESERVE(decoder->steps, decoder->capacity, decoder->count + 1, error);
    if (status == MMN_OK)
        decoder->steps[decoder->count++] = *step;
    else
        mmn_replacement_free(&step->replacement);
    *step = (mmn_decoder_step){0};
    return status;
}

mmn_status mmn_decoder_add_bert(mmn_decoder *decoder, const char *prefix, bool clean_up,
                                mmn_error *error)
{
    static const struct {
        const char *from, *to;
    } cleaned[] = {{" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
                   {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
                   {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    mmn_decoder_step step = {.kind = MMN_DECODER_WORDPIECE};
    MMN_TRY(mmn_replacement_make(&step.replacement, prefix, false, prefix, error));
    MMN_TRY(mmn_decoder_add(decoder, &step, error));
    for (size_t i = 0; clean_up && i < MMN_LENGTH(cleaned); i++) {
        step.kind = MMN_DECODER_REPLACE;
        MMN_TRY(
            mmn_replacement_make(&step.replacement, cleaned[i].from, false, cleaned[i].to, error));
        MMN_TRY(mmn_decoder_add(decoder, &step, error));
    }
    return MMN_OK;
}

void mmn_decoder_free(mmn_decoder *decoder)
{
    for (size_t i = 0; i < decoder->count; i++)
        mmn_replacement_free(&decoder->steps[i].replacement);
    mmn_free(decoder->steps);
    *decoder = (mmn_decoder){0};
}

/* The spelling at `index`, never NULL, and its length. */
static const char *spelling_at(const mmn_spellings *spellings, size_t index, size_t *length)
{
    size_t start = index > 0 ? spellings->ends[index - 1] : 0;
    *length = spellings->ends[index] - start;
    return spellings->text.text ? spellings->text.text + start : "";
}

/* Ends the spelling that was appended to the text. */
static void end_spelling(mmn_spellings *spellings)
{
    if (MMN_RESERVE(spellings->ends, spellings->capacity, spellings->count + 1, NULL) == MMN_OK)
        spellings->ends[spellings->count++] = spellings->text.length;
    else
        spellings->text.failed = true;
}

void mmn_spellings_add(mmn_spellings *spellings, const char *text, size_t length)
{
    mmn_text_add_bytes(&spellings->text, text, length);
    end_spelling(spellings);
}

void mmn_spellings_free(mmn_spellings *spellings)
{
    mmn_text_free(&spellings->text);
    mmn_free(spellings->ends);
    *spellings = (mmn_spellings){0};
}

int mmn_spelt_byte(const char *text, size_t length)
{
    if (length != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>')
        return -1;
    int high = mmn_hexadecimal_value(text[3]), low = mmn_hexadecimal_value(text[4]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Adds the spelling that a run of bytes gives: their text if they are UTF-8, else one U+FFFD for
 * each of them. */
static void add_bytes(mmn_spellings *result, mmn_text *bytes)
{
    if (bytes->length > 0 && mmn_utf8_valid_prefix(bytes->text, bytes->length) == bytes->length)
        mmn_spellings_add(result, bytes->text, bytes->length);
    else
        for (size_t i = 0; i < bytes->length; i++)
            mmn_spellings_add(result, "\xef\xbf\xbd", 3);
    bytes->length = 0;
}

static mmn_status join_bytes(const mmn_spellings *spellings, mmn_spellings *result,
                             mmn_error *error)
{
    mmn_text bytes = {0};
    for (size_t i = 0; i < spellings->count; i++) {
        size_t length;
        const char *text = spelling_at(spellings, i, &length);
        int byte = mmn_spelt_byte(text, length);
        if (byte >= 0) {
            mmn_text_add_bytes(&bytes, &(char){(char)byte}, 1);
        } else {
            add_bytes(result, &bytes);
            mmn_spellings_add(result, text, length);
        }
    }
    add_bytes(result, &bytes);
    mmn_status status = mmn_text_status(&bytes, error);
    mmn_text_free(&bytes);
    return status;
}

/* Adds one spelling that is `bytes` with U+FFFD in the place of what is not UTF-8. */
static void add_lossy(mmn_spellings *result, const mmn_text *bytes)
{
    for (size_t at = 0; at < bytes->length;) {
        const char *rest = bytes->text + at;
        size_t length = bytes->length - at, valid = mmn_utf8_valid_prefix(rest, length);
        mmn_text_add_bytes(&result->text, rest, valid);
        at += valid;
        if (valid < length) {
            mmn_text_add_bytes(&result->text, "\xef\xbf\xbd", 3);
            at += mmn_utf8_invalid_size(rest + valid, length - valid);
        }
    }
    end_spelling(result);
}

static mmn_status read_byte_level(const mmn_spellings *spellings, mmn_spellings *result,
                                  mmn_error *error)
{
    mmn_text bytes = {0};
    for (size_t i = 0; i < spellings->count; i++) {
        size_t length;
        const char *text = spelling_at(spellings, i, &length);
        mmn_byte_level_read(text, length, &bytes);
    }
    add_lossy(result, &bytes);
    mmn_status status = mmn_text_status(&bytes, error);
    mmn_text_free(&bytes);
    return status;
}

static void strip(const mmn_decoder_step *step, const char *text, size_t length,
                  mmn_spellings *result)
{
    size_t size = strlen(step->content), start = 0, end = length;
    for (size_t i = 0;
         i < step->start && end - start >= size && memcmp(text + start, step->content, size) == 0;
         i++)
        start += size;
    for (size_t i = 0; i < step->stop && end - start >= size &&
                       memcmp(text + end - size, step->content, size) == 0;
         i++)
        end -= size;
    mmn_spellings_add(result, text + start, end - start);
}

static void unmark_spaces(const mmn_decoder_step *step, const char *text, size_t length,
                          bool is_first, mmn_spellings *result)
{
    size_t size = strlen(step->content);
    for (size_t at = 0; at < length;) {
        bool is_mark = length - at >= size && memcmp(text + at, step->content, size) == 0;
        if (!is_mark)
            mmn_text_add_bytes(&result->text, text + at, 1);
        else if (!is_first || !step->drops_first)
            mmn_text_add_bytes(&result->text, " ", 1);
        at += is_mark ? size : 1;
    }
    end_spelling(result);
}

static void join_word(const mmn_decoder_step *step, const char *text, size_t length, bool is_first,
                      mmn_spellings *result)
{
    size_t size = step->replacement.to_length;
    bool continues = length >= size && memcmp(text, step->replacement.to, size) == 0;
    size_t dropped = !is_first && continues ? size : 0;
    if (!is_first && !continues)
        mmn_text_add_bytes(&result->text, " ", 1);
    mmn_spellings_add(result, text + dropped, length - dropped);
}

/* Applies a step that treats each spelling by itself. */
static mmn_status apply_to_each(const mmn_decoder_step *step, const mmn_spellings *spellings,
                                mmn_spellings *result, mmn_error *error)
{
    for (size_t i = 0; i < spellings->count; i++) {
        size_t length;
        const char *text = spelling_at(spellings, i, &length);
        if (step->kind == MMN_DECODER_STRIP) {
            strip(step, text, length, result);
        } else if (step->kind == MMN_DECODER_METASPACE) {
            unmark_spaces(step, text, length, i == 0, result);
        } else if (step->kind == MMN_DECODER_WORDPIECE) {
            join_word(step, text, length, i == 0, result);
        } else {
            MMN_TRY(mmn_replacement_apply(&step->replacement, text, length, &result->text, error));
            end_spelling(result);
        }
    }
    return MMN_OK;
}

static mmn_status apply_step(const mmn_decoder_step *step, const mmn_spellings *spellings,
                             mmn_spellings *result, mmn_error *error)
{
    if (step->kind == MMN_DECODER_BYTE_FALLBACK)
        MMN_TRY(join_bytes(spellings, result, error));
    else if (step->kind == MMN_DECODER_BYTE_LEVEL)
        MMN_TRY(read_byte_level(spellings, result, error));
    else if (step->kind == MMN_DECODER_FUSE)
        mmn_spellings_add(result, spellings->text.text, spellings->text.length);
    else
        MMN_TRY(apply_to_each(step, spellings, result, error));
    return mmn_text_status(&result->text, error);
}

static void join_by_spaces(const mmn_spellings *spellings, mmn_text *result)
{
    for (size_t i = 0; i < spellings->count; i++) {
        size_t length;
        const char *text = spelling_at(spellings, i, &length);
        if (i > 0)
            mmn_text_add_bytes(result, " ", 1);
        mmn_text_add_bytes(result, text, length);
    }
}

mmn_status mmn_decoder_apply(const mmn_decoder *decoder, mmn_spellings *spellings, mmn_text *result,
                             mmn_error *error)
{
    mmn_spellings next = {0};
    mmn_status status = mmn_text_status(&spellings->text, error);
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
    if (decoder->is_set)
        mmn_text_add_bytes(result, spellings->text.text, spellings->text.length);
    else
        join_by_spaces(spellings, result);
    mmn_spellings_free(&next);
    return status;
}
