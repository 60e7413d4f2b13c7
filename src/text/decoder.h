/* Decoding: from the spellings of tokens to a text. */
#ifndef MMN_TEXT_DECODER_H
#define MMN_TEXT_DECODER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text_buffer.h"
#include "text/pattern.h"

typedef enum mmn_decoder_kind {
    MMN_DECODER_REPLACE,
    MMN_DECODER_BYTE_FALLBACK, /* runs of "<0xNN>" become the text that these bytes are */
    MMN_DECODER_BYTE_LEVEL,    /* characters become the bytes that they stand for, all one text */
    MMN_DECODER_FUSE,          /* all become one */
    MMN_DECODER_STRIP,         /* each loses some characters at its ends */
    MMN_DECODER_METASPACE,     /* a character becomes a space, or nothing in the first token */
    MMN_DECODER_WORDPIECE      /* all but the first lose a prefix, or gain a space before them */
} mmn_decoder_kind;

typedef struct mmn_decoder_step {
    mmn_decoder_kind kind;
    mmn_replacement replacement; /* REPLACE; WORDPIECE: the prefix is `to` */
    char content[5];             /* STRIP and METASPACE: the character, zero-terminated */
    size_t start, stop;          /* STRIP: how many go at most */
    bool drops_first;            /* METASPACE: nothing in the first token */
} mmn_decoder_step;

/* Start from {0}. Without steps the spellings are joined by spaces, with steps by nothing. */
typedef struct mmn_decoder {
    mmn_decoder_step *steps;
    size_t count, capacity;
    bool is_set; /* whether the tokenizer has a decoder */
} mmn_decoder;

/* The spellings of some tokens, one behind the other. Start from {0}. */
typedef struct mmn_spellings {
    mmn_text text; /* failed: memory was short for one of them */
    size_t *ends;  /* where each ends in `text` */
    size_t count, capacity;
} mmn_spellings;

/* Appends a step, whose replacement then belongs to the decoder, also on failure. */
mmn_status mmn_decoder_add(mmn_decoder *decoder, mmn_decoder_step *step, mmn_error *error);
/* Appends the steps of a WordPiece decoder, which takes away `prefix` (not empty), and with
 * `clean_up` the spaces before English punctuation and contractions. */
mmn_status mmn_decoder_add_bert(mmn_decoder *decoder, const char *prefix, bool clean_up,
                                mmn_error *error);
/* Appends a spelling. */
void mmn_spellings_add(mmn_spellings *spellings, const char *text, size_t length);
/* The byte that a spelling "<0xNN>" stands for, or -1. */
int mmn_spelt_byte(const char *text, size_t length);
/* Runs the steps and appends the text to `result`, whose own failure mmn_text_status tells. Uses up
 * the spellings' contents. */
mmn_status mmn_decoder_apply(const mmn_decoder *decoder, mmn_spellings *spellings, mmn_text *result,
                             mmn_error *error);
void mmn_spellings_free(mmn_spellings *spellings);
void mmn_decoder_free(mmn_decoder *decoder);

#endif
