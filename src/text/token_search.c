/* The texts of tokens, sorted, and which of them a text begins with. */
#include "text/tokenizer_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

mmn_status mmn_token_search_add(mmn_token_search *search, const char *text, size_t length,
                                size_t token, mmn_error *error)
{
    if (length == 0)
        return MMN_OK;
    MMN_TRY(MMN_RESERVE(search->texts, search->capacity, search->count + 1, error));
    search->texts[search->count++] = (mmn_searched_text){text, length, token};
    search->first_bytes[(unsigned char)*text] = true;
    return MMN_OK;
}

/* By text; equal texts in the order of their tokens. */
static int compare_texts(const void *left, const void *right)
{
    const mmn_searched_text *a = left, *b = right;
    int order = memcmp(a->text, b->text, a->length < b->length ? a->length : b->length);
    if (order != 0)
        return order;
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return a->token < b->token ? -1 : a->token > b->token;
}

void mmn_token_search_sort(mmn_token_search *search)
{
    if (search->count > 0)
        qsort(search->texts, search->count, sizeof(*search->texts), compare_texts);
}

void mmn_token_search_free(mmn_token_search *search)
{
    mmn_free(search->texts);
    *search = (mmn_token_search){0};
}

/* Byte `depth` of a text, or -1 behind its end. */
static int byte_at(const mmn_searched_text *text, size_t depth)
{
    return depth < text->length ? (unsigned char)text->text[depth] : -1;
}

/* The first index from `low` to `high` whose byte `depth` is at least `byte`; all texts there are
 * equal up to `depth`. */
static size_t lower_bound(const mmn_token_search *search, size_t low, size_t high, size_t depth,
                          int byte)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (byte_at(&search->texts[middle], depth) < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

mmn_prefixes mmn_token_search_begin(const mmn_token_search *search, const char *text, size_t length)
{
    bool any = length > 0 && search->first_bytes[(unsigned char)*text];
    return (mmn_prefixes){search, text, length, 0, 0, any ? search->count : 0};
}

const mmn_searched_text *mmn_token_search_next(mmn_prefixes *found)
{
    const mmn_token_search *search = found->search;
    while (found->depth < found->length && found->low < found->high) {
        int byte = (unsigned char)found->text[found->depth];
        found->low = lower_bound(search, found->low, found->high, found->depth, byte);
        found->high = lower_bound(search, found->low, found->high, found->depth, byte + 1);
        found->depth++;
        if (found->low < found->high && search->texts[found->low].length == found->depth)
            return &search->texts[found->low];
    }
    return NULL;
}
