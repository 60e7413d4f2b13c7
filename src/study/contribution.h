/* Multi-modal neurons: how much each neuron of the language model adds to the words of an answer,
 * and what becomes of a word when those that add most are disturbed. Source: Pan et al., arXiv
 * 2311.07470; doc/method.md says what is computed. */
#ifndef MMN_STUDY_CONTRIBUTION_H
#define MMN_STUDY_CONTRIBUTION_H

#include <stdbool.h>

#include "mmneuron.h"
#include "study/patch_grid.h"
#include "study/statistics.h"
#include "study/study.h"

/* A word that a neuron stands for: its output column times the word's row of the head. */
typedef struct mmn_named_word {
    int32_t id;
    float value;
} mmn_named_word;

typedef struct mmn_contributor {
    uint32_t layer, neuron;
    float contribution; /* activation * score */
    float activation;   /* where the word is emitted; times the factor, if that is asked for */
    float score;        /* output column times the word's row of the head */
    float *map;         /* [grid * grid]: its activation at the patches; NULL without a grid */
    double bar;         /* the 95th percentile of the map */
    mmn_named_word *names; /* [names], the largest value first, the lower id among equals */
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
    bool random;     /* random neurons of the same layers, not the word's own */
    uint64_t seed;   /* of the random neurons and of the noise; 0 where there are none */
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

typedef struct mmn_contributions {
    mmn_study study; /* without a list */
    const mmn_contribution_options *options;
    char *prompt, *answer;
    uint64_t tokens;
    size_t top, names;
    double noise;
    size_t length;  /* of the prompt */
    int32_t *ids;   /* [id_count]: the answer */
    size_t id_count;
    mmn_patch_grid grid;
    mmn_answer_word *words;
    size_t word_count;
} mmn_contributions;

extern const mmn_study_kind mmn_contributions_kind;
/* Does what mmn_contributions_run does, on zero-initialised contributions. */
mmn_status mmn_contributions_find(mmn_contributions *contributions, const mmn_model *model,
                                  const mmn_contribution_options *options, mmn_error *error);
void mmn_contributions_fill(mmn_result *result, const void *contributions);

/* By how much a disturbance of one kind lowers the log probability of a word, on the average over
 * seeds: of the word's neurons or of random ones. False without such a disturbance. */
bool mmn_contribution_drop(mmn_interval *drop, const mmn_answer_word *word,
                           mmn_disturbance_kind kind, bool random);

#endif
