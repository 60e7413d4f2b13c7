/* Normalisation: what a tokenizer changes in a text before it looks for pieces. */
#ifndef MMN_TEXT_NORMALIZER_H
#define MMN_TEXT_NORMALIZER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text_buffer.h"
#include "text/pattern.h"

typedef enum mmn_normalizer_kind {
    MMN_NORMALIZER_PREPEND,
    MMN_NORMALIZER_REPLACE,
    MMN_NORMALIZER_STRIP,
    MMN_NORMALIZER_NMT,        /* drops some controls, makes other white space spaces */
    MMN_NORMALIZER_BYTE_LEVEL, /* spells bytes as characters */
    MMN_NORMALIZER_LOWERCASE,  /* this and the next five need utf8proc */
    MMN_NORMALIZER_STRIP_ACCENTS, /* drops all marks */
    MMN_NORMALIZER_NFC,
    MMN_NORMALIZER_NFD,
    MMN_NORMALIZER_NFKC,
    MMN_NORMALIZER_NFKD,
    MMN_NORMALIZER_CLEAN,            /* BERT: drops controls, makes white space spaces */
    MMN_NORMALIZER_SPACE_IDEOGRAPHS, /* BERT: a space before and after each */
    MMN_NORMALIZER_DROP_MARKS,       /* BERT: after NFD it strips accents */
    MMN_NORMALIZER_SENTENCEPIECE /* all that a tokenizer.model asks for */
} mmn_normalizer_kind;

typedef struct mmn_normalizer_step {
    mmn_normalizer_kind kind;
    mmn_replacement replacement; /* REPLACE; PREPEND: `to` */
    bool left, right;            /* STRIP: which ends lose their white space */
    bool add_prefix, remove_extra, escape; /* SENTENCEPIECE: as its normalizer_spec names them */
} mmn_normalizer_step;

/* BERT's normaliser: which of its parts are wanted. */
typedef struct mmn_bert_options {
    bool clean_text, handle_chinese_chars, strip_accents, lowercase;
} mmn_bert_options;

/* Steps that follow each other. Start from {0}. */
typedef struct mmn_normalizer {
    mmn_normalizer_step *steps;
    size_t count, capacity;
} mmn_normalizer;

/* Appends a step, whose replacement then belongs to the normalizer, also on failure. MMN_INPUT if
 * this build cannot do it. */
mmn_status mmn_normalizer_add(mmn_normalizer *normalizer, mmn_normalizer_step *step,
                              mmn_error *error);
/* Appends the steps of BERT's. */
mmn_status mmn_normalizer_add_bert(mmn_normalizer *normalizer, const mmn_bert_options *options,
                                   mmn_error *error);
/* Puts the normalised form of `text` (valid UTF-8) into `result`, replacing what was there. An
 * empty text stays empty. */
mmn_status mmn_normalizer_apply(const mmn_normalizer *normalizer, const char *text, size_t length,
                                mmn_text *result, mmn_error *error);
void mmn_normalizer_free(mmn_normalizer *normalizer);

#endif
