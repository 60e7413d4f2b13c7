/* A vocabulary as an open-addressing hash table, and lists of its ids. */
#include "text/vocabulary.h"

#include <string.h>
#include <xxhash.h>

#include "base/memory.h"

/* The slot that holds `text`, or the empty one where it belongs. */
static size_t find_slot(const mmn_vocabulary *vocabulary, const char *text, size_t length)
{
    size_t mask = vocabulary->slot_count - 1;
    size_t slot = (size_t)XXH3_64bits(text, length) & mask;
    while (vocabulary->slots[slot] != 0) {
        const mmn_token_text *token = &vocabulary->tokens[vocabulary->slots[slot] - 1];
        if (token->length == length &&
            memcmp(vocabulary->texts.text + token->offset, text, length) == 0)
            break;
        slot = (slot + 1) & mask;
    }
    return slot;
}

/* Keeps at least half of the slots empty, so that probing stays short. */
static mmn_status make_slots(mmn_vocabulary *vocabulary, mmn_error *error)
{
    if (vocabulary->count < vocabulary->slot_count / 2)
        return MMN_OK;
    size_t slot_count = vocabulary->slot_count ? vocabulary->slot_count * 2 : 64;
    int32_t *slots = mmn_allocate(slot_count, sizeof(*slots), error);
    MMN_NEED(slots);
    mmn_free(vocabulary->slots);
    vocabulary->slots = slots;
    vocabulary->slot_count = slot_count;
    for (size_t id = 0; id < vocabulary->size; id++) {
        const mmn_token_text *token = &vocabulary->tokens[id];
        if (token->used)
            slots[find_slot(vocabulary, vocabulary->texts.text + token->offset, token->length)] =
                (int32_t)id + 1;
    }
    return MMN_OK;
}

mmn_status mmn_vocabulary_add(mmn_vocabulary *vocabulary, const char *text, size_t length,
                              int64_t id, mmn_error *error)
{
    if (id < 0 || id >= MMN_VOCABULARY_LIMIT)
        return mmn_fail(error, MMN_INPUT, NULL, MMN_PLACE("token %lld", (long long)id),
                        "token ids must lie from 0 to %d", MMN_VOCABULARY_LIMIT - 1);
    MMN_TRY(make_slots(vocabulary, error));
    MMN_TRY(MMN_RESERVE(vocabulary->tokens, vocabulary->capacity, (size_t)id + 1, error));
    if (vocabulary->tokens[id].used)
        return mmn_fail(error, MMN_INPUT, NULL, MMN_PLACE("token %lld", (long long)id),
                        "the id belongs to \"%s\" and to \"%.*s\"",
                        mmn_vocabulary_text(vocabulary, (int32_t)id, NULL),
                        length < 100 ? (int)length : 100, text);
    size_t slot = find_slot(vocabulary, text, length);
    if (vocabulary->slots[slot] != 0)
        return mmn_fail(error, MMN_INPUT, NULL, MMN_PLACE("token %lld", (long long)id),
                        "\"%.*s\" has the id %d already", length < 100 ? (int)length : 100, text,
                        (int)vocabulary->slots[slot] - 1);
    size_t offset = vocabulary->texts.length;
    mmn_text_add_bytes(&vocabulary->texts, text, length);
    mmn_text_add_bytes(&vocabulary->texts, "", 1);
    MMN_TRY(mmn_text_status(&vocabulary->texts, error));
    vocabulary->tokens[id] = (mmn_token_text){offset, length, true};
    vocabulary->slots[slot] = (int32_t)id + 1;
    vocabulary->count++;
    if ((size_t)id >= vocabulary->size)
        vocabulary->size = (size_t)id + 1;
    if (length > vocabulary->longest)
        vocabulary->longest = length;
    return MMN_OK;
}

int32_t mmn_vocabulary_find(const mmn_vocabulary *vocabulary, const char *text, size_t length)
{
    if (vocabulary->slot_count == 0 || length > vocabulary->longest)
        return -1;
    return vocabulary->slots[find_slot(vocabulary, text, length)] - 1;
}

const char *mmn_vocabulary_text(const mmn_vocabulary *vocabulary, int32_t id, size_t *length)
{
    if (id < 0 || (size_t)id >= vocabulary->size || !vocabulary->tokens[id].used)
        return NULL;
    if (length)
        *length = vocabulary->tokens[id].length;
    return vocabulary->texts.text + vocabulary->tokens[id].offset;
}

void mmn_vocabulary_free(mmn_vocabulary *vocabulary)
{
    mmn_text_free(&vocabulary->texts);
    mmn_free(vocabulary->tokens);
    mmn_free(vocabulary->slots);
    *vocabulary = (mmn_vocabulary){0};
}

/* ---- Lists of ids ---------------------------------------------------------------------------- */

mmn_status mmn_ids_add(mmn_ids *ids, int32_t id, mmn_error *error)
{
    MMN_TRY(MMN_RESERVE(ids->data, ids->capacity, ids->count + 1, error));
    ids->data[ids->count++] = id;
    return MMN_OK;
}

mmn_status mmn_ids_add_all(mmn_ids *ids, const mmn_ids *more, mmn_error *error)
{
    for (size_t i = 0; i < more->count; i++)
        MMN_TRY(mmn_ids_add(ids, more->data[i], error));
    return MMN_OK;
}

void mmn_ids_free(mmn_ids *ids)
{
    mmn_free(ids->data);
    *ids = (mmn_ids){0};
}
