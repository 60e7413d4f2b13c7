/* Pre-tokenisation: cutting a normalised stretch of text into the words that the model then takes
 * apart one by one. */
#ifndef MMN_TEXT_PRE_TOKENIZER_H
#define MMN_TEXT_PRE_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/interrupt.h"
#include "text/pattern.h"

typedef enum mmn_prepend_scheme {
    MMN_PREPEND_ALWAYS,
    MMN_PREPEND_FIRST, /* only before the stretch that the text begins with */
    MMN_PREPEND_NEVER
} mmn_prepend_scheme;

/* A Metaspace: spaces become `replacement`, which is put in front of the stretch too; `split` cuts
 * before each. */
typedef struct mmn_metaspace {
    char replacement[5];
    size_t replacement_length;
    mmn_prepend_scheme scheme;
    bool split;
} mmn_metaspace;

typedef enum mmn_pre_tokenizer_kind {
    MMN_PRE_TOKENIZER_METASPACE,
    MMN_PRE_TOKENIZER_PREFIX_SPACE, /* what begins with no space gets one */
    MMN_PRE_TOKENIZER_SPLIT,        /* cuts around what is found */
    MMN_PRE_TOKENIZER_BYTE_LEVEL    /* spells bytes as characters */
} mmn_pre_tokenizer_kind;

/* What a SPLIT finds: a pattern, or each character of a class by itself, or for WORDS each run of
 * word characters and each run of characters that are neither those nor white space. */
typedef enum mmn_split_finds {
    MMN_SPLIT_FINDS_PATTERN,
    MMN_SPLIT_FINDS_WHITE_SPACE,
    MMN_SPLIT_FINDS_PUNCTUATION,
    MMN_SPLIT_FINDS_NUMBERS,   /* needs utf8proc, as the next one does */
    MMN_SPLIT_FINDS_WORDS
} mmn_split_finds;

/* What becomes of a match: a word of its own, nothing, a part of the piece before or after it
 * (unless that is a match too), or one word together with its neighbouring matches. */
typedef enum mmn_split_behavior {
    MMN_SPLIT_ISOLATED,
    MMN_SPLIT_REMOVED,
    MMN_SPLIT_MERGED_WITH_PREVIOUS,
    MMN_SPLIT_MERGED_WITH_NEXT,
    MMN_SPLIT_CONTIGUOUS
} mmn_split_behavior;

typedef struct mmn_pre_tokenizer_step {
    mmn_pre_tokenizer_kind kind;
    mmn_metaspace metaspace; /* METASPACE */
    mmn_split_finds finds;   /* SPLIT, and the next three too */
    mmn_split_behavior behavior;
    bool invert; /* what lies between matches counts as the matches */
    mmn_pattern *pattern; /* FINDS_PATTERN */
} mmn_pre_tokenizer_step;

#define MMN_PRE_TOKENIZER_STEPS 16

/* Steps that follow each other. Start from {0}. */
typedef struct mmn_pre_tokenizer {
    mmn_pre_tokenizer_step steps[MMN_PRE_TOKENIZER_STEPS];
    size_t count;
    const mmn_interrupt *interrupt; /* asked at every cut; NULL: nobody */
} mmn_pre_tokenizer;

/* Appends a step, whose pattern then belongs to the pre-tokeniser, also on failure. MMN_INPUT if
 * there are too many, or this build cannot find what it finds. */
mmn_status mmn_pre_tokenizer_add(mmn_pre_tokenizer *pre_tokenizer, mmn_pre_tokenizer_step *step,
                                 mmn_error *error);
/* Appends BERT's: cuts at white space, which goes, and around each punctuation mark. */
mmn_status mmn_pre_tokenizer_add_bert(mmn_pre_tokenizer *pre_tokenizer, mmn_error *error);
void mmn_pre_tokenizer_free(mmn_pre_tokenizer *pre_tokenizer);

/* Takes one word. */
typedef mmn_status (*mmn_word_function)(void *context, const char *text, size_t length,
                                        mmn_error *error);

/* Calls `word` for each word of `text` in order; is_first says whether the whole text begins with
 * this stretch. */
mmn_status mmn_pre_tokenize(const mmn_pre_tokenizer *pre_tokenizer, const char *text,
                            size_t length, bool is_first, mmn_word_function word, void *context,
                            mmn_error *error);

#endif
