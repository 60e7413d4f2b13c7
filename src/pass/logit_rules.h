/* Logit rules: what a model's generation rules make of the scores of the next token. */
#ifndef MMN_PASS_LOGIT_RULES_H
#define MMN_PASS_LOGIT_RULES_H

#include "model/generation_rules.h"

/* The sequence whose next token is scored. */
typedef struct mmn_scored_place {
    const int32_t *ids; /* [length]: prompt, with its image positions, and what was generated */
    size_t length, prompt_length;
    bool last; /* the limit allows no token behind the next one */
} mmn_scored_place;

/* scores [count], logits or (beam search) log probabilities, as transformers 5.23's processors
 * leave them, in their order: repetition penalty (of 0: none), repeated n-grams, bad words, least
 * lengths, forced tokens, invalid values, tokens suppressed. What is never chosen is -infinity.
 * `eos` are the stop tokens. */
mmn_status mmn_logit_rules_apply(const mmn_generation_rules *rules,
                                 const mmn_generation_config *eos, float penalty, float *scores,
                                 size_t count, const mmn_scored_place *place, mmn_error *error);

#endif
