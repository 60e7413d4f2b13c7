/* WordPiece, longest piece first. */
#include "text/wordpiece.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

void mmn_wordpiece_free(mmn_wordpiece *wordpiece)
{
    mmn_vocabulary_free(&wordpiece->vocabulary);
    *wordpiece = (mmn_wordpiece){0};
}

static bool is_too_long(const mmn_wordpiece *wordpiece, const char *word, size_t length)
{
    size_t characters = 0;
    for (size_t at = 0; at < length && characters <= wordpiece->longest_word; characters++)
        at += mmn_utf8_size(word + at);
    return characters > wordpiece->longest_word;
}

/* The longest piece that `text` begins with (its id, or -1), and how long it is. The first `kept`
 * bytes are the prefix, which is no piece by itself. */
static int32_t find_piece(const mmn_vocabulary *vocabulary, const char *text, size_t length,
                          size_t kept, size_t *piece_length)
{
    for (*piece_length = length; *piece_length > kept;
         *piece_length = mmn_utf8_previous(text, *piece_length)) {
        int32_t id = mmn_vocabulary_find(vocabulary, text, *piece_length);
        if (id >= 0)
            return id;
    }
    return -1;
}

mmn_status mmn_wordpiece_encode(const mmn_wordpiece *wordpiece, const char *word, size_t length,
                                mmn_ids *ids, mmn_error *error)
{
    size_t first_id = ids->count, prefix_length = strlen(wordpiece->prefix), kept = 0, size;
    bool unknown = is_too_long(wordpiece, word, length);
    mmn_text rest = {0};
    mmn_status status = MMN_OK;
    for (size_t at = 0; at < length && !unknown && status == MMN_OK; at += size - kept) {
        kept = at > 0 ? prefix_length : 0;
        rest.length = 0;
        mmn_text_add_bytes(&rest, wordpiece->prefix, kept);
        mmn_text_add_bytes(&rest, word + at, length - at);
        status = mmn_text_status(&rest, error);
        if (status != MMN_OK)
            break;
        int32_t id = find_piece(&wordpiece->vocabulary, rest.text, rest.length, kept, &size);
        unknown = id < 0;
        if (!unknown)
            status = mmn_ids_add(ids, id, error);
    }
    mmn_text_free(&rest);
    if (status == MMN_OK && unknown) {
        ids->count = first_id;
        status = mmn_ids_add(ids, wordpiece->unknown, error);
    }
    return status;
}
