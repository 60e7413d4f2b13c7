/* Stop strings: the texts of the last tokens, and whether one of the strings ends in them. */
#include "pass/stopping.h"

#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "text/characters.h"
#include "text/decoder.h"

/* Decoded before a token, so that its spaces are as they are within a text. */
static const char opening[] = "abcdef";

void mmn_stopping_free(mmn_stopping *stopping)
{
    for (size_t i = 0; i < stopping->count; i++)
        mmn_free(stopping->strings[i]);
    mmn_free(stopping->strings);
    mmn_free(stopping->opening);
    mmn_free(stopping->opening_ids);
    *stopping = (mmn_stopping){0};
}

static mmn_status fill(mmn_stopping *made, const mmn_tokenizer *tokenizer,
                       const char *const *strings, size_t count, mmn_error *error)
{
    if (!(made->strings = mmn_allocate(count, sizeof(*made->strings), error)))
        return MMN_SYSTEM;
    for (; made->count < count; made->count++) {
        size_t length = strlen(strings[made->count]);
        made->longest = length > made->longest ? length : made->longest;
        if (!(made->strings[made->count] = mmn_copy_text(strings[made->count], error)))
            return MMN_SYSTEM;
    }
    MMN_TRY(mmn_tokenizer_encode(tokenizer, opening, sizeof(opening) - 1, false, &made->opening_ids,
                                 &made->opening_count, error));
    return mmn_tokenizer_decode(tokenizer, made->opening_ids, made->opening_count, false,
                                &made->opening, NULL, error);
}

mmn_status mmn_stopping_set(mmn_stopping *stopping, const mmn_tokenizer *tokenizer,
                            const char *const *strings, size_t count, mmn_error *error)
{
    mmn_stopping made = {0};
    if (count > 0 && !tokenizer)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "a stop string is found in the tokens' texts, but the model was opened "
                        "without its tokenizer");
    if (count > MMN_STOP_STRINGS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there can be at most %d stop strings",
                        MMN_STOP_STRINGS);
    for (size_t i = 0; i < count; i++)
        if (!*strings[i])
            return mmn_fail(error, MMN_USAGE, NULL, NULL, "a stop string is empty");
        else if (mmn_utf8_valid_prefix(strings[i], strlen(strings[i])) < strlen(strings[i]))
            return mmn_fail(error, MMN_USAGE, NULL, NULL,
                            "a stop string is not UTF-8, as every answer is");
    mmn_status status = count > 0 ? fill(&made, tokenizer, strings, count, error) : MMN_OK;
    if (status != MMN_OK) {
        mmn_stopping_free(&made);
        return status;
    }
    mmn_stopping_free(stopping);
    *stopping = made;
    return MMN_OK;
}

/* Adds the text of a token that is decoded alone, or the byte that it stands for. */
static mmn_status add_alone(mmn_text *text, const mmn_tokenizer *tokenizer, const char *spelling,
                            int32_t id, bool *added, mmn_error *error)
{
    const int byte = mmn_spelt_byte(spelling, strlen(spelling));
    char *decoded = NULL;
    *added = false;
    if (byte < 0)
        return MMN_OK;
    mmn_status status = mmn_tokenizer_decode(tokenizer, &id, 1, false, &decoded, NULL, error);
    *added = status == MMN_OK && strcmp(decoded, spelling) != 0;
    if (*added)
        mmn_text_add_bytes(text, &(char){(char)byte}, 1);
    mmn_free(decoded);
    return status;
}

/* Adds the bytes of token `id` as they stand behind other text. */
static mmn_status add_token(mmn_text *text, const mmn_stopping *stopping,
                            const mmn_tokenizer *tokenizer, int32_t id, mmn_error *error)
{
    const char *spelling = mmn_tokenizer_id_to_token(tokenizer, id);
    bool added;
    char *decoded = NULL;
    if (!spelling)
        return MMN_OK;
    if (mmn_tokenizer_spells_bytes(tokenizer, id)) {
        mmn_byte_level_read(spelling, strlen(spelling), text);
        return MMN_OK;
    }
    mmn_status status = add_alone(text, tokenizer, spelling, id, &added, error);
    if (status != MMN_OK || added)
        return status;
    size_t count = stopping->opening_count, length = strlen(stopping->opening);
    int32_t *ids = mmn_allocate(count + 1, sizeof(*ids), error);
    MMN_NEED(ids);
    memcpy(ids, stopping->opening_ids, count * sizeof(*ids));
    ids[count] = id;
    status = mmn_tokenizer_decode(tokenizer, ids, count + 1, false, &decoded, NULL, error);
    mmn_free(ids);
    if (status == MMN_OK && strncmp(decoded, stopping->opening, length) == 0)
        mmn_text_add_bytes(text, decoded + length, strlen(decoded) - length);
    mmn_free(decoded);
    return status;
}

/* Whether one of the strings ends behind byte `last` of the text. */
static bool ends_behind(const mmn_stopping *stopping, const mmn_text *text, size_t last)
{
    for (size_t i = 0; i < stopping->count; i++) {
        size_t length = strlen(stopping->strings[i]);
        for (size_t end = last + 1; end <= text->length; end++)
            if (end >= length &&
                memcmp(text->text + end - length, stopping->strings[i], length) == 0)
                return true;
    }
    return false;
}

mmn_status mmn_stopping_reached(bool *reached, const mmn_stopping *stopping,
                                const mmn_tokenizer *tokenizer, const int32_t *ids, size_t count,
                                mmn_error *error)
{
    mmn_text text = {0};
    mmn_status status = MMN_OK;
    size_t last = 0;
    /* A string has at most one token for each of its bytes. */
    size_t first = count > stopping->longest ? count - stopping->longest : 0;
    *reached = false;
    for (size_t i = first; i < count && status == MMN_OK && stopping->count > 0; i++) {
        last = text.length;
        status = add_token(&text, stopping, tokenizer, ids[i], error);
    }
    if (status == MMN_OK)
        status = mmn_text_status(&text, error);
    if (status == MMN_OK)
        *reached = ends_behind(stopping, &text, last);
    mmn_text_free(&text);
    return status;
}
