/* Pre-tokenisation: cutting a normalised stretch of text into the words that the model then takes
 * apart one by one. */
#ifndef MMN_TEXT_PRE_TOKENIZER_H
#define MMN_TEXT_PRE_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
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
    MMN_PRE_TOKENIZER_BERT, /* cuts at white space, which goes, and around each punctuation mark */
    MMN_PRE_TOKENIZER_PREFIX_SPACE, /* what begins with no space gets one */
    MMN_PRE_TOKENIZER_SPLIT, /* cuts around what a pattern matches */
    MMN_PRE_TOKENIZER_BYTE_LEVEL /* spells bytes as characters */
} mmn_pre_tokenizer_kind;

/* Which of the pieces that a pattern makes become words. */
typedef enum mmn_split_keeps {
    MMN_SPLIT_KEEPS_ALL,
    MMN_SPLIT_KEEPS_MATCHES, /* and what is between them goes */
    MMN_SPLIT_KEEPS_GAPS
} mmn_split_keeps;

typedef struct mmn_pre_tokenizer_step {
    mmn_pre_tokenizer_kind kind;
    mmn_metaspace metaspace; /* METASPACE */
    mmn_pattern *pattern;    /* SPLIT */
    mmn_split_keeps keeps;   /* SPLIT */
} mmn_pre_tokenizer_step;

#define MMN_PRE_TOKENIZER_STEPS 8

/* Steps that follow each other. Start from {0}. */
typedef struct mmn_pre_tokenizer {
    mmn_pre_tokenizer_step steps[MMN_PRE_TOKENIZER_STEPS];
    size_t count;
} mmn_pre_tokenizer;

/* Appends a step, whose pattern then belongs to the pre-tokeniser, also on failure. MMN_INPUT if there
 * are too many. */
mmn_status mmn_pre_tokenizer_add(mmn_pre_tokenizer *pre_tokenizer, mmn_pre_tokenizer_step *step,
                                 mmn_error *error);
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
