/* Subwords: from a stretch of text to the ids of its pieces, by byte pair encoding or by WordPiece. */
#ifndef MMN_TEXT_SUBWORDS_H
#define MMN_TEXT_SUBWORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/interrupt.h"
#include "text/vocabulary.h"

/* ---- Byte pair encoding ---------------------------------------------------------------------- */

/* Which of two rules says whether neighbours merge, and in which order. */
typedef enum mmn_bpe_rule {
    MMN_BPE_MERGES, /* tokenizer.json: listed pairs of ids, the first of the list first */
    MMN_BPE_PIECES  /* sentencepiece: any two that spell a normal piece, best score first */
} mmn_bpe_rule;

typedef struct mmn_merge {
    int32_t left, right; /* ids that merge; right is -1 in an empty slot of the table */
    int32_t id;          /* what they become */
    uint32_t rank;       /* the lowest merges first, among equals the leftmost */
} mmn_merge;

/* Start from {0}. */
typedef struct mmn_bpe {
    mmn_bpe_rule rule;
    mmn_vocabulary vocabulary; /* the model's own tokens, without added ones */
    int32_t unknown;           /* id of the unknown token, or -1: unknown characters vanish */
    bool fuse_unknown;         /* neighbouring unknown characters give one unknown token */
    bool byte_fallback;        /* unknown characters become tokens "<0xNN>", if all are there */
    bool ignore_merges;        /* a stretch that is a token as a whole is not taken apart */
    int32_t byte_ids[256];     /* ids of "<0x00>" to "<0xFF>", -1 where there is none */
    mmn_merge *merges;         /* MMN_BPE_MERGES: open-addressing table */
    size_t merge_count, merge_slots;
    const mmn_interrupt *interrupt; /* asked while pieces merge; NULL: nobody */
    uint32_t *piece_ranks; /* MMN_BPE_PIECES: by id; UINT32_MAX for pieces no merge may make */
} mmn_bpe;

/* Looks up byte_ids in the vocabulary, which is complete. */
void mmn_bpe_find_bytes(mmn_bpe *bpe);
/* Adds the merge of `rank`; a pair that is listed twice keeps its last rank. */
mmn_status mmn_bpe_add_merge(mmn_bpe *bpe, const mmn_merge *merge, mmn_error *error);
/* Appends the ids of `length` bytes (below 2^31) of valid UTF-8 to `ids`, in time O(n log n). */
mmn_status mmn_bpe_encode(const mmn_bpe *bpe, const char *text, size_t length, mmn_ids *ids,
                          mmn_error *error);
void mmn_bpe_free(mmn_bpe *bpe);

/* ---- WordPiece ------------------------------------------------------------------------------- */

/* The time for a word grows with the square of its characters, so no file may allow more. */
#define MMN_WORDPIECE_CHARACTER_LIMIT 1000
#define MMN_WORDPIECE_PREFIX_LIMIT 64

/* Start from {0}. */
typedef struct mmn_wordpiece {
    mmn_vocabulary vocabulary; /* the model's own tokens, without added ones */
    int32_t unknown;           /* what a word becomes that is no sequence of pieces */
    char prefix[MMN_WORDPIECE_PREFIX_LIMIT + 1]; /* how pieces are spelt that begin no word: "##" */
    size_t longest_word;       /* in characters; longer ones are unknown */
} mmn_wordpiece;

/* Appends the ids of a word of `length` bytes of valid UTF-8: at each place the longest piece that
 * fits, or the unknown token alone if there is none. */
mmn_status mmn_wordpiece_encode(const mmn_wordpiece *wordpiece, const char *word, size_t length,
                                mmn_ids *ids, mmn_error *error);
void mmn_wordpiece_free(mmn_wordpiece *wordpiece);

#endif
