/* Generation rules: what a model's generation_config.json asks of decoding, besides its tokens. */
#ifndef MMN_MODEL_GENERATION_RULES_H
#define MMN_MODEL_GENERATION_RULES_H

#include <stdbool.h>

#include "base/reader.h"
#include "mmneuron.h"
#include "model/config.h"

#define MMN_BEAMS_LIMIT 64 /* the most that a search has */

/* Tokens in a row. */
typedef struct mmn_token_list {
    int32_t *ids;
    size_t count;
} mmn_token_list;

/* Zero-initialised, but for the numbers 1 and MMN_NO_TOKEN of mmn_generation_rules_none: none. */
typedef struct mmn_generation_rules {
    double repetition_penalty;     /* 1: none */
    uint32_t no_repeat_ngram_size; /* 0: none */
    uint32_t min_length;           /* of prompt and answer; 0: none, as where the next is said */
    uint32_t min_new_tokens;       /* 0: none */
    mmn_token_list *bad_words;     /* sequences that are never completed */
    size_t bad_word_count;
    mmn_token_list suppressed, first_suppressed; /* tokens never chosen; not chosen first */
    mmn_token_list forced_eos;   /* of these is the last token that the limit allows */
    int32_t forced_bos;          /* the token behind a prompt of one token; or MMN_NO_TOKEN */
    bool remove_invalid;         /* NaN becomes 0, infinities the largest numbers */
    mmn_beam_search beam_search; /* beams < 2: none */
    char **stop_strings;
    size_t stop_count;

    const char *file; /* where they stand: "generation_config.json", "config.json"; NULL: nowhere */
    /* JSON objects of keys that are not as if they were absent: those above; those that choose
     * tokens at random, or limit an answer, which only the caller decides; and those that would
     * change greedy answers and are not supported. */
    char *obeyed, *unused, *refused;
    bool refuses; /* whether the last has any */
    bool ignored; /* whether there are none because the caller wants none */
} mmn_generation_rules;

/* The rules of a folder whose config.json says `config`: those of generation_config.json; where
 * there is none those that old files have in config.json. InstructBLIP has none: transformers
 * asks its language model, which knows neither. With `ignore` there are none. MMN_INPUT for a
 * value that transformers could not use. Free with mmn_generation_rules_free, after a failure
 * too. */
mmn_status mmn_generation_rules_load(mmn_generation_rules *rules, const char *folder,
                                     const mmn_config *config, bool ignore, mmn_error *error);
/* The same from the document of a file of that name. */
void mmn_generation_rules_read(mmn_generation_rules *rules, const mmn_object *object,
                               const char *file, const mmn_config *config);
void mmn_generation_rules_free(mmn_generation_rules *rules);

/* MMN_INPUT, naming the keys, where the folder asks for decoding that is not supported. */
mmn_status mmn_generation_rules_check(const mmn_generation_rules *rules, const char *folder,
                                      mmn_error *error);

#endif
