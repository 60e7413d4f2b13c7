/* Editing: additions to the rows of a word's neurons that make a model say another word in its
 * place. The direct way, which is ours, needs no gradients; the other is as published.
 * doc/method.md says what is computed. */
#ifndef MMN_STUDY_EDIT_H
#define MMN_STUDY_EDIT_H

#include "model/delta.h"
#include "study/contribution.h"

/* What a model makes of the place where the word is said. */
typedef struct mmn_edit_odds {
    double from, to;   /* ln p of the word's token and of the other's */
    int32_t likeliest; /* token */
} mmn_edit_odds;

/* What is wanted of any edit, with the defaults of what was left 0. */
typedef struct mmn_edit_wishes {
    double probability; /* that the other word shall have */
    double rate;        /* Adam's, and... */
    uint32_t steps;     /* ...how many of them, at most */
} mmn_edit_wishes;
/* MMN_USAGE for what cannot be. */
mmn_status mmn_edit_wish(mmn_edit_wishes *wishes, double probability, double learning_rate,
                         uint32_t steps, mmn_error *error);

/* "direct" or "optimised". */
const char *mmn_edit_method_name(bool optimised);
/* MMN_USAGE for a method that there is none of. */
mmn_status mmn_edit_check_method(const char *method, mmn_error *error);

/* One search. Zero-initialise, and set what is wanted; free the additions. */
typedef struct mmn_edit_search {
    mmn_study *study;               /* whose room for logits is reserved */
    const mmn_input *input;         /* the prompt, and at least the answer up to the word */
    size_t position;                /* that emits the word */
    int32_t from, to;               /* the word's token, and the other's */
    double probability;             /* that the other shall have */
    const mmn_contributor *neurons; /* [count], all different */
    size_t count;

    mmn_additions additions; /* numbers that binary32 has; where none will do, zeros */
    double *inputs;          /* [count] in their order there: what each gives to its matrix */
    mmn_edit_odds before, after;
    bool found;
    double strength; /* of the direct way; 0: none will do */
    uint32_t passes; /* that it took */
} mmn_edit_search;

/* Finds the least strength, as doc/method.md says, by which the other word is the likeliest and has
 * its probability. Neurons that give nothing at the position find none. */
mmn_status mmn_edit_find(mmn_edit_search *search, mmn_error *error);
/* The same by gradients (RATE: Adam's), in so many steps at most, which end where the other word is
 * the likeliest and has its probability. Then the input has the other word's token in place of the
 * word's, and ends with it. `found` says whether the other word is the likeliest in the end. */
mmn_status mmn_edit_optimise(mmn_edit_search *search, double rate, uint32_t steps,
                             mmn_error *error);
void mmn_edit_search_free(mmn_edit_search *search);

/* The odds by logits [vocabulary], which become probabilities. MMN_INPUT where one of the words' is
 * not finite. */
mmn_status mmn_edit_read_odds(mmn_edit_odds *odds, const mmn_edit_search *search, float *logits,
                              mmn_error *error);

/* The first token of `word` in a text where it stands as token `like` does: behind a space if that
 * has one. MMN_USAGE where it is no other token. */
mmn_status mmn_edit_token(int32_t *id, const mmn_model *model, const char *word, int32_t like,
                          mmn_error *error);

#endif
