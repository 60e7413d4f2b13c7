/* Multi-modal neurons: how much each neuron of the language model adds to the words of an answer,
 * and what becomes of a word when those that add most are disturbed. Source: Pan et al., arXiv
 * 2311.07470; doc/method.md says what is computed. */
#ifndef MMN_STUDY_CONTRIBUTION_H
#define MMN_STUDY_CONTRIBUTION_H

#include "pass/added_probe.h"
#include "study/readout.h"
#include "study/run_result.h"

/* By what the first neurons of a word are chosen: by what they add to it (where that is asked for,
 * by what gradients attribute to them), or, as a baseline, by their activation alone. */
typedef enum mmn_neuron_order {
    MMN_BY_CONTRIBUTION,
    MMN_BY_ACTIVATION,
    MMN_NEURON_ORDERS
} mmn_neuron_order;
/* "contribution" or "gradient", "activation". */
const char *mmn_neuron_order_name(mmn_neuron_order order, const mmn_contribution_options *options);

typedef struct mmn_contributor {
    uint32_t layer, neuron;
    float contribution; /* activation * score */
    float activation;   /* where the word is emitted; times the factor, if that is asked for */
    float score;        /* output column times the word's row of the head */
    float attribution;  /* by gradients; where these are asked for */
    double average;     /* the mean score of all words of the vocabulary */
    float *map; /* [grid.side][grid.side]: its activation at the patches; NULL without a grid */
    double bar; /* the 95th percentile of the map */
    mmn_word *names; /* [names]: those it stands for, by its output column times a word's row of
                        the head, the largest first, the lower id among equals */
} mmn_contributor;

/* What neurons of a word are set to, or what is added to them. */
typedef enum mmn_disturbance_kind {
    MMN_DISTURB_OFF,
    MMN_DISTURB_NOISE,   /* to their activations */
    MMN_DISTURB_WEIGHTS, /* to their rows of the output matrix */
    MMN_DISTURBANCES
} mmn_disturbance_kind;
extern const char *const mmn_disturbance_names[MMN_DISTURBANCES]; /* "off", "noise", ... */

/* Which neurons are disturbed. */
typedef enum mmn_disturbed {
    MMN_DISTURB_TOP,    /* those that add most to the word */
    MMN_DISTURB_RANDOM, /* as many random ones: of the same layers, or of all under weights */
    MMN_DISTURB_ACTIVE, /* the most active */
    MMN_DISTURBED
} mmn_disturbed;
extern const char *const mmn_disturbed_names[MMN_DISTURBED]; /* "top", "random", "active" */

/* One pass with neurons disturbed. */
typedef struct mmn_disturbance {
    mmn_disturbance_kind kind;
    mmn_disturbed neurons;
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
    /* Of each order that is wanted: [neuron_count], the largest first, then by layer and neuron. */
    mmn_contributor *neurons[MMN_NEURON_ORDERS];
    size_t neuron_count;
    mmn_disturbance *disturbances;
    size_t disturbance_count;
} mmn_answer_word;

typedef struct mmn_spoken_words {
    char *answer;          /* the text of all tokens, special ones left out */
    mmn_answer_word *list; /* their texts and tokens */
    size_t count, capacity;
} mmn_spoken_words;

/* Which words of an answer are wanted. */
typedef struct mmn_word_choice {
    const char *const *only; /* these alone, whatever they are; NULL: those of the answer */
    size_t only_count;
    bool all; /* function words of English ("the", "of") too */
} mmn_word_choice;

/* The words of the tokens ids [count], each where it first stands: letters, digits, what is not
 * ASCII, and apostrophes between them. Case is ignored. Free with mmn_spoken_words_free, after a
 * failure too. */
mmn_status mmn_spoken_words_of(mmn_spoken_words *words, const mmn_model *model, const int32_t *ids,
                               size_t count, const mmn_word_choice *choice, mmn_error *error);
void mmn_spoken_words_free(mmn_spoken_words *words);
/* Whether two words differ in the case of ASCII letters at most. */
bool mmn_is_same_word(const char *word, const char *other);

/* A permutation of an input's image positions. */
typedef struct mmn_image_shuffle {
    uint64_t seed;
    uint64_t sample; /* each sample has its own */
} mmn_image_shuffle;

/* An answer to one input, and what neurons have to do with its words. What it has is the memory of
 * the study's row (mmn_study_allocate_in_row). Free with mmn_contributions_free. */
typedef struct mmn_contributions {
    mmn_study *study;
    const mmn_contribution_options *options;
    uint64_t tokens;
    size_t top, names;
    double noise;
    bool maps;                        /* keeps the neurons' maps */
    size_t orders;                    /* 1: by contribution alone; 2: by activation, too */
    const mmn_image_shuffle *shuffle; /* NULL: the image stays as it is */
    uint64_t told; /* what a pass with neurons disturbed counts for in the progress, or... */
    double begun;  /* ...what share it is of what is begun */

    size_t length; /* of the prompt */
    int32_t *ids;  /* [id_count]: the answer */
    size_t id_count;
    mmn_patch_grid grid; /* where maps are kept */
    mmn_spoken_words spoken;
    mmn_answer_word *words; /* [word_count]: those spoken, and what was found of each */
    size_t word_count;

    /* At work: */
    float *attributions; /* [words][layers][neurons]; NULL: none are asked for */
    mmn_session *session;
    const mmn_input *input; /* the prompt */
    mmn_input *extended;    /* and the answer but for its last token */
} mmn_contributions;

/* MMN_USAGE for options that cannot be. */
mmn_status mmn_contribution_check(const mmn_contribution_options *options, mmn_error *error);
/* What the options ask for, of one answer. The study's room for logits must be reserved. */
mmn_contributions mmn_contributions_of(mmn_study *study, const mmn_contribution_options *options);
void mmn_contributions_free(mmn_contributions *found);

/* Answers the input, and finds the words of the answer; there may be none. */
mmn_status mmn_contribution_answer(mmn_contributions *found, const mmn_input *input,
                                   const mmn_word_choice *choice, mmn_error *error);
/* Runs the prompt and the answer, and fills the neurons of all words, but for their names; the
 * words' other fields are set already. */
mmn_status mmn_contribution_scores(mmn_contributions *found, mmn_error *error);
/* Runs them there and back for each word, and fills the attributions. MMN_USAGE where there is no
 * image. */
mmn_status mmn_contribution_attribute(mmn_contributions *found, mmn_error *error);
/* Fills the names and average scores of all neurons of words; and of neurons [count], of whom layer
 * and neuron are set and that have room for names, with `columns` [MMN_STUDY_ROWS][hidden_size] to
 * work in. */
mmn_status mmn_contribution_names(mmn_contributions *found, mmn_error *error);
mmn_status mmn_contribution_name(const mmn_contributions *found, mmn_contributor *neurons,
                                 size_t count, float *columns, mmn_error *error);

/* Fills, pass by pass, the words' log probabilities and disturbances. */
mmn_status mmn_contribution_disturb(mmn_contributions *found, mmn_error *error);
/* How many disturbances each word has, and which is number `index`; how many passes they make. */
size_t mmn_contribution_disturbances(const mmn_contributions *found);
mmn_disturbance mmn_contribution_disturbance(const mmn_contributions *found, size_t index);
size_t mmn_contribution_passes(const mmn_contributions *found);

/* Adds a probe that permutes the image positions' embeddings; the shuffle outlives the session. */
mmn_status mmn_image_shuffle_add(const mmn_image_shuffle *shuffle, mmn_session *session,
                                 mmn_error *error);

/* ---- Noise in weights ------------------------------------------------------------------------ */

/* Makes room for additions to the rows of neurons [count], all different, of which layer and neuron
 * are read. */
mmn_status mmn_contributors_place(mmn_additions *additions, const mmn_contributor *neurons,
                                  size_t count, const mmn_model *model, mmn_error *error);

/* Noise in the rows of the output matrices that belong to chosen neurons. Zero-initialise; free
 * with mmn_weight_noise_free. */
typedef struct mmn_weight_noise {
    mmn_additions additions;
    mmn_added added; /* to a session */
} mmn_weight_noise;

/* Normal noise of this deviation in the rows of neurons [count], of whom layer and neuron are read,
 * for a session whose inputs have `positions` at most, as a probe of it. */
mmn_status mmn_weight_noise_add(mmn_weight_noise *noise, mmn_session *session,
                                const mmn_contributor *neurons, size_t count, double deviation,
                                uint64_t seed, size_t positions, mmn_error *error);
void mmn_weight_noise_free(mmn_weight_noise *noise);
/* `count` different neurons of all layers, all sets equally likely, of which layer and neuron are
 * set. */
void mmn_random_contributors(mmn_contributor *neurons, size_t count, const mmn_model *model,
                             uint64_t seed);

/* ---- Masks of maps --------------------------------------------------------------------------- */

/* The 95th percentile of values [count], which are sorted, linear between those on both sides. */
double mmn_map_percentile(float *values, size_t count);
/* Enlarges a map [side][side] to enlarged [size][size], as the published code does: bilinear, the
 * upper left corners of patches staying where they are, and what lies beyond the last of these
 * extrapolated. */
void mmn_map_enlarge(float *enlarged, size_t size, const float *map, size_t side);

/* ---- Studies --------------------------------------------------------------------------------- */

/* Of one input. */
typedef struct mmn_one_contribution {
    mmn_study study; /* without a list */
    char *prompt;
    mmn_input *input;
    mmn_contributions found;
} mmn_one_contribution;

/* A kind's functions, of what begins with an mmn_one_contribution; the options are
 * mmn_contribution_options, which outlive it. */
mmn_status mmn_one_contribution_set_up(void *context, const mmn_model *model, const void *asked,
                                       mmn_error *error);
void mmn_one_contribution_end(void *context);
/* Reads the prompt, answers it, and fills the neurons of the words that are asked for, of which
 * there is one at least, but for the neurons' names. */
mmn_status mmn_one_contribution_find(mmn_one_contribution *one, mmn_error *error);

extern const mmn_study_kind mmn_contributions_kind;
/* Of a list (study/contribution_list.h), by contributions and by gradients. */
extern const mmn_study_kind mmn_contribution_list_kind, mmn_attribution_list_kind;

/* By how much disturbances of one kind, of the word's neurons or of others, lower its log
 * probability, on the average over seeds; how many they are, how many change the answer, and in how
 * many the word's token stays the likeliest. */
typedef struct mmn_drop {
    mmn_interval interval;
    size_t count, changes, stays;
} mmn_drop;
mmn_drop mmn_contribution_drop(const mmn_answer_word *word, mmn_disturbance_kind kind,
                               mmn_disturbed neurons);

#endif
