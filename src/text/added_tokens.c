/* Added tokens: found in a text, searched from every byte that one of them begins with. */
#include "text/tokenizer_parts.h"

#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "text/characters.h"

/* Refuses what this build cannot find. */
static mmn_status check(const mmn_added_token *token, const char *content, mmn_error *error)
{
#ifndef HAVE_UTF8PROC
    if (token->single_word)
        return mmn_fail(error, MMN_INPUT, NULL, NULL,
                        "this tokenizer needs utf8proc to find the "
                        "single word \"%.100s\", which this build leaves out",
                        content);
#endif
    (void)token, (void)content, (void)error;
    return MMN_OK;
}

mmn_status mmn_added_tokens_add(mmn_added_tokens *added, const mmn_added_token *token,
                                const char *content, size_t length, mmn_error *error)
{
    if (length == 0)
        return mmn_fail(error, MMN_INPUT, NULL, NULL, "the added token %d has no content",
                        (int)token->id);
    MMN_TRY(check(token, content, error));
    MMN_TRY(mmn_vocabulary_add(&added->contents, content, length, token->id, error));
    MMN_TRY(MMN_RESERVE(added->tokens, added->capacity, added->count + 1, error));
    MMN_TRY(MMN_RESERVE(added->by_id, added->by_id_capacity, added->contents.size, error));
    added->tokens[added->count++] = *token;
    added->by_id[token->id] = (int32_t)added->count;
    return MMN_OK;
}

int64_t mmn_added_tokens_next_id(const mmn_added_tokens *added, const mmn_vocabulary *model,
                                 const char *content, size_t length)
{
    int32_t known = mmn_vocabulary_find(model, content, length);
    if (known >= 0)
        return known;
    return (int64_t)(added->contents.size > model->count ? added->contents.size : model->count);
}

mmn_status mmn_added_tokens_put(mmn_added_tokens *added, const mmn_vocabulary *model,
                                mmn_added_token *token, const char *content, size_t length,
                                mmn_error *error)
{
    int32_t known = mmn_vocabulary_find(&added->contents, content, length);
    if (known >= 0) {
        token->id = known;
        added->tokens[added->by_id[known] - 1] = *token;
        return check(token, content, error);
    }
    int64_t id = mmn_added_tokens_next_id(added, model, content, length);
    if (id >= MMN_VOCABULARY_LIMIT)
        return mmn_fail(error, MMN_INPUT, NULL, NULL, "there are more than %d tokens",
                        MMN_VOCABULARY_LIMIT);
    token->id = (int32_t)id;
    return mmn_added_tokens_add(added, token, content, length, error);
}

/* Puts special tokens before the others: where two have the same text, they are preferred. */
static mmn_status put_special_first(mmn_added_tokens *added, mmn_error *error)
{
    mmn_added_token *ordered = mmn_allocate(added->count, sizeof(*ordered), error);
    MMN_NEED(ordered);
    size_t count = 0;
    for (int special = 1; special >= 0; special--)
        for (size_t i = 0; i < added->count; i++)
            if (added->tokens[i].special == (special == 1))
                ordered[count++] = added->tokens[i];
    mmn_free(added->tokens);
    added->tokens = ordered;
    added->capacity = added->count;
    return MMN_OK;
}

/* Fills in the tokens' spellings. */
static mmn_status spell(mmn_added_tokens *added, const mmn_normalizer *normalizer, mmn_error *error)
{
    mmn_text normal = {0};
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < added->count && status == MMN_OK; i++) {
        mmn_added_token *token = &added->tokens[i];
        size_t length;
        const char *text = mmn_vocabulary_text(&added->contents, token->id, &length);
        if (token->normalized) {
            status = mmn_normalizer_apply(normalizer, text, length, &normal, error);
            text = normal.text;
            length = normal.length;
        }
        token->spelled = added->spellings.length;
        token->spelled_length = length;
        if (status == MMN_OK)
            mmn_text_add_bytes(&added->spellings, text, length);
        mmn_text_add_bytes(&added->spellings, "", 1);
        added->by_id[token->id] = (int32_t)i + 1;
    }
    mmn_text_free(&normal);
    return status == MMN_OK ? mmn_text_status(&added->spellings, error) : status;
}

mmn_status mmn_added_tokens_finish(mmn_added_tokens *added, const mmn_normalizer *normalizer,
                                   mmn_error *error)
{
    mmn_status status = put_special_first(added, error);
    if (status == MMN_OK)
        status = spell(added, normalizer, error);
    for (size_t i = 0; i < added->count && status == MMN_OK; i++) {
        const mmn_added_token *token = &added->tokens[i];
        status = mmn_token_search_add(token->normalized ? &added->after : &added->before,
                                      added->spellings.text + token->spelled, token->spelled_length,
                                      i, error);
    }
    mmn_token_search_sort(&added->before);
    mmn_token_search_sort(&added->after);
    return status;
}

/* The longest text that `text` begins with, or NULL. */
static const mmn_searched_text *longest_at(const mmn_token_search *search, const char *text,
                                           size_t length)
{
    mmn_prefixes prefixes = mmn_token_search_begin(search, text, length);
    const mmn_searched_text *longest = NULL, *next;
    while ((next = mmn_token_search_next(&prefixes)))
        longest = next;
    return longest;
}

static bool stands_alone(const char *text, size_t length, size_t start, size_t end)
{
    if (start > 0 && mmn_is_word_character(mmn_utf8_decode(text + mmn_utf8_previous(text, start))))
        return false;
    return end == length || !mmn_is_word_character(mmn_utf8_decode(text + end));
}

bool mmn_added_tokens_find(const mmn_added_tokens *added, const mmn_token_search *search,
                           const char *text, size_t length, size_t covered, size_t *from,
                           mmn_token_match *match)
{
    size_t at = *from;
    while (at < length) {
        const mmn_searched_text *found = longest_at(search, text + at, length - at);
        if (!found) {
            at++;
            continue;
        }
        const mmn_added_token *token = &added->tokens[found->token];
        size_t start = at, end = at + found->length;
        at = end;
        if (token->single_word && !stands_alone(text, length, start, end))
            continue;
        *from = end;
        while (token->lstrip && start > covered) {
            size_t previous = mmn_utf8_previous(text, start);
            if (!mmn_is_whitespace(mmn_utf8_decode(text + previous)))
                break;
            start = previous;
        }
        while (token->rstrip && end < length && mmn_is_whitespace(mmn_utf8_decode(text + end)))
            end += mmn_utf8_size(text + end);
        if (token->lstrip && start < covered)
            start = covered;
        if (start >= end) /* a token of white space that the one before it has taken */
            continue;
        *match = (mmn_token_match){token, start, end};
        return true;
    }
    *from = length;
    return false;
}

const char *mmn_added_tokens_spelling(const mmn_added_tokens *added, int32_t id, size_t *length,
                                      bool *special)
{
    if (id < 0 || (size_t)id >= added->contents.size || added->by_id[id] == 0)
        return NULL;
    const mmn_added_token *token = &added->tokens[added->by_id[id] - 1];
    const char *text = added->spellings.text + token->spelled;
    *length = token->spelled_length;
    /* A spelling that is not the content of a special token is not left out, as in `tokenizers`. */
    int32_t same = mmn_vocabulary_find(&added->contents, text, token->spelled_length);
    *special = same >= 0 && added->tokens[added->by_id[same] - 1].special;
    return text;
}

void mmn_added_tokens_free(mmn_added_tokens *added)
{
    mmn_vocabulary_free(&added->contents);
    mmn_text_free(&added->spellings);
    mmn_free(added->tokens);
    mmn_free(added->by_id);
    mmn_token_search_free(&added->before);
    mmn_token_search_free(&added->after);
    *added = (mmn_added_tokens){0};
}
