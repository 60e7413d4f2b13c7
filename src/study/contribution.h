/* Multi-modal neurons: how much each neuron of the language model adds to the words of an answer,
 * and what becomes of a word when those that add most are disturbed. Source: Pan et al., arXiv
 * 2311.07470; doc/method.md says what is computed. */
#ifndef MMN_STUDY_CONTRIBUTION_H
#define MMN_STUDY_CONTRIBUTION_H

#include "study/readout.h"
#include "study/run_result.h"

typedef struct mmn_contributor {
    uint32_t layer, neuron;
    float contribution; /* activation * score */
    float activation;   /* where the word is emitted; times the factor, if that is asked for */
    float score;        /* output column times the word's row of the head */
    float *map; /* [grid.side][grid.side]: its activation at the patches; NULL without a grid */
    double bar; /* the 95th percentile of the map */
    mmn_word *names; /* [names]: those it stands for, by its output column times a word's row of
                        the head, the largest first, the lower id among equals */
} mmn_contributor;

/* What a word's neurons are set to. */
typedef enum mmn_disturbance_kind {
    MMN_DISTURB_OFF,
    MMN_DISTURB_NOISE,
    MMN_DISTURBANCES
} mmn_disturbance_kind;

/* One pass with neurons disturbed. */
typedef struct mmn_disturbance {
    mmn_disturbance_kind kind;
    bool random;            /* random neurons of the same layers, not the word's own */
    uint64_t seed;          /* of the random neurons and of the noise; 0 where there are none */
    double log_probability; /* of the word's token, after the same tokens before it */
    int32_t likeliest;      /* the token that would be chosen in its place */
    bool answer_changes;    /* whether any token of the answer would be another */
} mmn_disturbance;

/* A word of the answer. */
typedef struct mmn_answer_word {
    char *text;
    size_t token;    /* of the answer: its first, which is the target */
    int32_t id;      /* that token */
    size_t position; /* which emits it */
    double log_probability;
    mmn_contributor *neurons; /* [top], the largest contribution first, then by layer and neuron */
    size_t neuron_count;
    mmn_disturbance *disturbances;
    size_t disturbance_count;
} mmn_answer_word;

typedef struct mmn_spoken_words {
    char *answer;          /* the text of all tokens, special ones left out */
    mmn_answer_word *list; /* their texts and tokens */
    size_t count, capacity;
} mmn_spoken_words;

/* The words of the tokens ids [count], each where it first stands: letters, digits, what is not
 * ASCII, and apostrophes between them. Function words of English ("the", "of") are left out unless
 * `all`; `only` (or NULL) is the one word that is wanted, then whatever it is. Case is ignored.
 * Free with mmn_spoken_words_free, after a failure too. */
mmn_status mmn_spoken_words_of(mmn_spoken_words *words, const mmn_model *model, const int32_t *ids,
                               size_t count, const char *only, bool all, mmn_error *error);
void mmn_spoken_words_free(mmn_spoken_words *words);

typedef struct mmn_contributions {
    mmn_study study; /* without a list */
    const mmn_contribution_options *options;
    char *prompt;
    uint64_t tokens;
    size_t top, names;
    double noise;
    size_t length; /* of the prompt */
    int32_t *ids;  /* [id_count]: the answer */
    size_t id_count;
    mmn_patch_grid grid;
    mmn_spoken_words spoken;
    mmn_answer_word *words; /* [word_count]: those spoken, and what was found of each */
    size_t word_count;

    /* At work: */
    mmn_session *session;
    mmn_input *input;   /* the prompt */
    mmn_input extended; /* and the answer but for its last token; shares all but its ids */
} mmn_contributions;

extern const mmn_study_kind mmn_contributions_kind;

/* Runs the prompt and the answer, and fills the neurons of all words, but for their names; the
 * words' other fields are set already. */
mmn_status mmn_contribution_scores(mmn_contributions *result, mmn_error *error);
/* Fills the names of all neurons. */
mmn_status mmn_contribution_names(mmn_contributions *result, mmn_error *error);

/* Fills, pass by pass, the words' log probabilities and disturbances. */
mmn_status mmn_contribution_disturb(mmn_contributions *result, mmn_error *error);
/* How many passes that makes for each word. */
size_t mmn_contribution_passes(const mmn_contributions *result);

/* By how much disturbances of one kind, of the word's neurons or of random ones, lower its log
 * probability, on the average over seeds; how many they are, and how many change the answer. */
typedef struct mmn_drop {
    mmn_interval interval;
    size_t count, changes;
} mmn_drop;
mmn_drop mmn_contribution_drop(const mmn_answer_word *word, mmn_disturbance_kind kind, bool random);

#endif
