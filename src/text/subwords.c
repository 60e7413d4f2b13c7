/* Subwords: byte pair encoding with a heap of possible merges, as the `tokenizers` and
 * `sentencepiece` libraries define its result, and WordPiece, longest piece first. */
#include "text/tokenizer_parts.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/memory.h"
#include "base/utf8.h"

/* ---- Byte pair encoding ---------------------------------------------------------------------- */

/* How often a long text asks whether to go on. */
enum { MERGES_BETWEEN_QUESTIONS = 4096 };

/* A stretch of the text that is one piece so far; merged ones form a list. */
typedef struct symbol {
    int32_t id;             /* -1: a character that is no piece (MMN_BPE_PIECES) */
    uint32_t start, length; /* in the text; length 0 once merged into the one before */
    int32_t previous, next; /* indices of the neighbours, or -1 */
} symbol;

/* A merge that was possible when it was put on the heap. */
typedef struct candidate {
    uint32_t rank;
    int32_t position; /* index of the left symbol */
    int32_t id;       /* what the two become */
} candidate;

/* One run of mmn_bpe_encode. */
typedef struct encoding {
    const mmn_bpe *bpe;
    const char *text;
    symbol *symbols;
    size_t symbol_count;
    candidate *heap;
    size_t heap_count, heap_capacity;
    mmn_error *error;
} encoding;

void mmn_find_byte_tokens(int32_t ids[256], const mmn_vocabulary *vocabulary)
{
    for (int byte = 0; byte < 256; byte++) {
        char text[8];
        int length = snprintf(text, sizeof(text), "<0x%02X>", (unsigned)byte);
        ids[byte] = mmn_vocabulary_find(vocabulary, text, (size_t)length);
    }
}

/* The slot of the pair (left, right), or the empty one where it belongs. */
static mmn_merge *find_merge(const mmn_bpe *bpe, int32_t left, int32_t right)
{
    const int32_t key[2] = {left, right};
    size_t mask = bpe->merge_slots - 1;
    size_t slot = (size_t)XXH3_64bits(key, sizeof(key)) & mask;
    while (bpe->merges[slot].right >= 0 &&
           (bpe->merges[slot].left != left || bpe->merges[slot].right != right))
        slot = (slot + 1) & mask;
    return &bpe->merges[slot];
}

mmn_status mmn_bpe_add_merge(mmn_bpe *bpe, const mmn_merge *merge, mmn_error *error)
{
    if (bpe->merge_count >= bpe->merge_slots / 2) {
        mmn_merge *old = bpe->merges;
        size_t old_slots = bpe->merge_slots, slots = old_slots ? old_slots * 2 : 64;
        mmn_merge *merges = mmn_allocate(slots, sizeof(*merges), error);
        MMN_NEED(merges);
        for (size_t i = 0; i < slots; i++)
            merges[i].right = -1;
        bpe->merges = merges;
        bpe->merge_slots = slots;
        for (size_t i = 0; i < old_slots; i++)
            if (old[i].right >= 0)
                *find_merge(bpe, old[i].left, old[i].right) = old[i];
        mmn_free(old);
    }
    mmn_merge *slot = find_merge(bpe, merge->left, merge->right);
    if (slot->right < 0)
        bpe->merge_count++;
    *slot = *merge;
    return MMN_OK;
}

void mmn_bpe_free(mmn_bpe *bpe)
{
    mmn_vocabulary_free(&bpe->vocabulary);
    mmn_free(bpe->merges);
    mmn_free(bpe->piece_ranks);
    *bpe = (mmn_bpe){0};
}

/* Whether the symbol at `position` merges with the next one, and as what. */
static bool can_merge(const encoding *run, int32_t position, candidate *found)
{
    const mmn_bpe *bpe = run->bpe;
    const symbol *left = &run->symbols[position];
    if (left->next < 0)
        return false;
    const symbol *right = &run->symbols[left->next];
    found->position = position;
    if (bpe->rule == MMN_BPE_PIECES) {
        size_t length = (size_t)left->length + right->length;
        found->id = mmn_vocabulary_find(&bpe->vocabulary, run->text + left->start, length);
        found->rank = found->id < 0 ? UINT32_MAX : bpe->piece_ranks[found->id];
        return found->rank != UINT32_MAX;
    }
    if (bpe->merge_slots == 0)
        return false;
    const mmn_merge *merge = find_merge(bpe, left->id, right->id);
    found->id = merge->id;
    found->rank = merge->rank;
    return merge->right >= 0;
}

static bool comes_before(const candidate *a, const candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->position < b->position;
}

static mmn_status push(encoding *run, const candidate *added)
{
    MMN_TRY(MMN_RESERVE(run->heap, run->heap_capacity, run->heap_count + 1, run->error));
    size_t at = run->heap_count++;
    while (at > 0 && comes_before(added, &run->heap[(at - 1) / 2])) {
        run->heap[at] = run->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    run->heap[at] = *added;
    return MMN_OK;
}

static candidate pop(encoding *run)
{
    candidate first = run->heap[0];
    candidate last = run->heap[--run->heap_count];
    size_t at = 0, child;
    while ((child = 2 * at + 1) < run->heap_count) {
        if (child + 1 < run->heap_count && comes_before(&run->heap[child + 1], &run->heap[child]))
            child++;
        if (!comes_before(&run->heap[child], &last))
            break;
        run->heap[at] = run->heap[child];
        at = child;
    }
    run->heap[at] = last;
    return first;
}

static mmn_status push_if_possible(encoding *run, int32_t position)
{
    candidate found;
    if (position < 0 || !can_merge(run, position, &found))
        return MMN_OK;
    return push(run, &found);
}

/* Merges until nothing merges any more. */
static mmn_status merge_all(encoding *run)
{
    for (size_t i = 0; i < run->symbol_count; i++)
        MMN_TRY(push_if_possible(run, (int32_t)i));
    for (size_t merged = 1; run->heap_count > 0; merged++) {
        if (merged % MERGES_BETWEEN_QUESTIONS == 0)
            MMN_TRY(mmn_interrupt_check_now(run->bpe->interrupt, run->error));
        candidate top = pop(run), now;
        symbol *left = &run->symbols[top.position];
        /* Skip what has become impossible since it was put on the heap. */
        if (left->length == 0 || !can_merge(run, top.position, &now) || now.id != top.id)
            continue;
        symbol *right = &run->symbols[left->next];
        left->id = top.id;
        left->length += right->length;
        left->next = right->next;
        right->length = 0;
        if (left->next >= 0)
            run->symbols[left->next].previous = top.position;
        MMN_TRY(push_if_possible(run, left->previous));
        MMN_TRY(push_if_possible(run, top.position));
    }
    return MMN_OK;
}

static void add_symbol(encoding *run, int32_t id, size_t start, size_t length)
{
    int32_t index = (int32_t)run->symbol_count++;
    run->symbols[index] = (symbol){id, (uint32_t)start, (uint32_t)length, index - 1, -1};
    if (index > 0)
        run->symbols[index - 1].next = index;
}

/* Whether all bytes of a character have tokens. */
static bool has_bytes(const mmn_bpe *bpe, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (bpe->byte_ids[(unsigned char)text[i]] < 0)
            return false;
    return true;
}

/* The id of a character of `size` bytes, which at the end of a word is spelt in its own way. */
static int32_t find_character(const mmn_bpe *bpe, const char *text, size_t size, bool is_last)
{
    char spelt[4 + MMN_WORD_END_LIMIT];
    const size_t end = is_last ? strlen(bpe->word_end) : 0;
    memcpy(spelt, text, size);
    memcpy(spelt + size, bpe->word_end, end);
    return mmn_vocabulary_find(&bpe->vocabulary, spelt, size + end);
}

/* One symbol per character, or per byte of an unknown one. An unknown token waits in `pending`
 * until a known character or the end, also past characters that fell back to bytes: that is what
 * the `tokenizers` library does. */
static void split_for_merges(encoding *run, size_t length)
{
    const mmn_bpe *bpe = run->bpe;
    bool pending = false;
    size_t pending_start = 0, pending_length = 0;
    for (size_t at = 0; at < length;) {
        size_t size = mmn_utf8_size(run->text + at);
        int32_t id = find_character(bpe, run->text + at, size, at + size == length);
        bool bytes = id < 0 && bpe->byte_fallback && has_bytes(bpe, run->text + at, size);
        bool unknown = id < 0 && !bytes && bpe->unknown >= 0;
        if (pending && (id >= 0 || (unknown && !bpe->fuse_unknown))) {
            add_symbol(run, bpe->unknown, pending_start, pending_length);
            pending = false;
        }
        if (id >= 0)
            add_symbol(run, id, at, size);
        for (size_t i = 0; bytes && i < size; i++)
            add_symbol(run, bpe->byte_ids[(unsigned char)run->text[at + i]], at + i, 1);
        if (unknown) {
            pending_start = pending ? pending_start : at;
            pending_length = pending ? pending_length + size : size;
            pending = true;
        }
        at += size;
    }
    if (pending)
        add_symbol(run, bpe->unknown, pending_start, pending_length);
}

static void split_for_pieces(encoding *run, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t size = mmn_utf8_size(run->text + at);
        add_symbol(run, mmn_vocabulary_find(&run->bpe->vocabulary, run->text + at, size), at, size);
        at += size;
    }
}

/* Appends what an unknown symbol of sentencepiece becomes: its bytes, or the unknown token. */
static mmn_status add_unknown(const encoding *run, const symbol *unknown, bool after_unknown,
                              mmn_ids *ids)
{
    const mmn_bpe *bpe = run->bpe;
    const char *text = run->text + unknown->start;
    if (bpe->byte_fallback && has_bytes(bpe, text, unknown->length)) {
        for (size_t i = 0; i < unknown->length; i++)
            MMN_TRY(mmn_ids_add(ids, bpe->byte_ids[(unsigned char)text[i]], run->error));
    } else if (bpe->unknown >= 0 && !(after_unknown && bpe->fuse_unknown)) {
        MMN_TRY(mmn_ids_add(ids, bpe->unknown, run->error));
    }
    return MMN_OK;
}

static mmn_status collect(const encoding *run, mmn_ids *ids)
{
    bool after_unknown = false;
    int32_t index = run->symbol_count ? 0 : -1;
    for (; index >= 0; index = run->symbols[index].next) {
        const symbol *piece = &run->symbols[index];
        bool unknown = run->bpe->rule == MMN_BPE_PIECES &&
                       (piece->id < 0 || piece->id == run->bpe->unknown);
        MMN_TRY(unknown ? add_unknown(run, piece, after_unknown, ids)
                        : mmn_ids_add(ids, piece->id, run->error));
        after_unknown = unknown;
    }
    return MMN_OK;
}

static mmn_status encode(encoding *run, size_t length, mmn_ids *ids)
{
    MMN_NEED(run->symbols = mmn_allocate(length, sizeof(*run->symbols), run->error));
    if (run->bpe->rule == MMN_BPE_PIECES)
        split_for_pieces(run, length);
    else
        split_for_merges(run, length);
    MMN_TRY(merge_all(run));
    return collect(run, ids);
}

mmn_status mmn_bpe_encode(const mmn_bpe *bpe, const char *text, size_t length, mmn_ids *ids,
                          mmn_error *error)
{
    if (length == 0)
        return MMN_OK;
    if (length > INT32_MAX)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "a text of %zu bytes is too long", length);
    if (bpe->ignore_merges) {
        int32_t id = mmn_vocabulary_find(&bpe->vocabulary, text, length);
        if (id >= 0)
            return mmn_ids_add(ids, id, error);
    }
    encoding run = {.bpe = bpe, .text = text, .error = error};
    mmn_status status = encode(&run, length, ids);
    mmn_free(run.symbols);
    mmn_free(run.heap);
    return status;
}

/* ---- WordPiece ------------------------------------------------------------------------------- */

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
