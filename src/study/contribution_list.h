/* Multi-modal neurons over a list: of the answer to each sample, and what the neurons of a word
 * have in common with those of other words, of other samples, and of a shuffled image. */
#ifndef MMN_STUDY_CONTRIBUTION_LIST_H
#define MMN_STUDY_CONTRIBUTION_LIST_H

#include "study/contribution.h"

/* So many neurons of a word, and of those that its samples have in common, stand in the result. */
enum { MMN_SHOWN_NEURONS = 10 };

/* ---- What is found --------------------------------------------------------------------------- */

/* The first neurons of a word of an answer, in one order. */
typedef struct mmn_said_neurons {
    uint64_t *numbers;      /* [top], ascending: layer * neurons of a layer + neuron */
    mmn_contributor *shown; /* [shown], the first of them, in their order */
    size_t shuffles;        /* in how many shuffles the word is said, and... */
    double region;          /* ...the share of the neurons that are found there, too, on average */
    double shared;   /* the share that belongs to another word of the answer, on average; if any */
    double own, any; /* what they add to the word, and to a word of the vocabulary on average */
    double named;    /* the share among whose names the word's token is */
} mmn_said_neurons;

typedef struct mmn_said_word {
    char *text;
    char *folded; /* in lower case */
    size_t sample, token;
    int32_t id;
    double log_probability;
    mmn_said_neurons by[MMN_NEURON_ORDERS];
    double named_random; /* the share of the list's random neurons among whose names the token is */
    mmn_drop drops[MMN_DISTURBANCES][MMN_DISTURBED];
} mmn_said_word;

typedef struct mmn_said_sample {
    char *id, *answer;
    size_t domain;
    mmn_said_word *words;
    size_t word_count;
} mmn_said_sample;

typedef struct mmn_contribution_list {
    mmn_study study;
    const mmn_contribution_options *options;
    mmn_contributions asked; /* of each answer; nothing is found here */
    size_t shuffles, at_least, shown, disturbances;
    uint32_t layers, neurons; /* of a layer */
    /* [random_count] with their names: `top` of all layers for each seed. The words' own are
     * compared with them. */
    mmn_contributor *random;
    size_t random_count;
    mmn_said_sample *samples;
    size_t sample_count, sample_capacity, word_count;
} mmn_contribution_list;

/* ---- Rows ------------------------------------------------------------------------------------ */

/* Of each word, the first neurons in one order. */
typedef struct mmn_neuron_lists {
    uint64_t *layers, *neurons; /* [words][top] */
    double *contributions, *activations, *scores, *averages;
    double *attributions; /* of the first order, by gradients */
    uint64_t *name_ids;   /* [words][top][names] */
    double *name_values;
    char **names;
    double *region; /* [words][shuffles]: the share that is found there, too; NaN: it is not said */
    size_t layers_count, neurons_count, contributions_count, activations_count, scores_count,
        averages_count, attributions_count, name_ids_count, name_values_count, names_count,
        region_count;
} mmn_neuron_lists;

/* What is found of a sample. */
typedef struct mmn_contribution_row {
    mmn_row row;
    char *answer;
    uint64_t *ids;
    char **words;
    uint64_t *tokens; /* [words]: of the answer, the target */
    double *log_probability;
    mmn_neuron_lists by[MMN_NEURON_ORDERS];
    uint64_t *named_random;        /* [words]: how many random neurons have the token for a name */
    double *disturbed;             /* [words][disturbances]: log probabilities, and... */
    uint64_t *likeliest, *changes; /* ...as in mmn_disturbance */
    size_t ids_count, words_count, tokens_count, log_probability_count, named_random_count,
        disturbed_count, likeliest_count, changes_count;
} mmn_contribution_row;

extern const mmn_row_column mmn_contribution_columns[], mmn_attribution_columns[];
/* Makes room in a row for what is found, and moves it there, but for region, which is NaN then. */
mmn_status mmn_contribution_fill_row(const mmn_contribution_list *list, mmn_contribution_row *row,
                                     const mmn_contributions *found, mmn_error *error);
/* Of mmn_study_kind. */
mmn_status mmn_contribution_take(void *list, const mmn_planned_sample *planned, size_t run,
                                 const void *row, mmn_error *error);

/* ---- Measures -------------------------------------------------------------------------------- */

/* How many numbers two ascending lists [count] have in common. */
size_t mmn_common_numbers(const uint64_t *a, const uint64_t *b, size_t count);

/* Words of several samples that are the same but for their case. */
typedef struct mmn_said_group {
    const mmn_said_word *const *words;
    size_t count;
} mmn_said_group;

/* All words of a domain's samples (SIZE_MAX: of all) in the order of their lower case, then of
 * samples: *words, freed with mmn_free; NULL, if memory is short. */
size_t mmn_said_words(const mmn_said_word ***words, const mmn_contribution_list *list,
                      size_t domain);
/* The group of words that begins with number *next; it moves behind it. False at the end. */
bool mmn_said_next(mmn_said_group *group, const mmn_said_word *const *words, size_t count,
                   size_t *next);

/* A neuron, and in how many words of a group it is one of the first. */
typedef struct mmn_common_neuron {
    uint64_t number;
    size_t words;
} mmn_common_neuron;

/* *share: that of the neurons which two words of the group have in common, on average over all
 * pairs of them. common [*count], MMN_SHOWN_NEURONS at most: the neurons of most words, of two at
 * least. False, if memory is short. */
bool mmn_said_common(const mmn_contribution_list *list, const mmn_said_group *group,
                     mmn_neuron_order order, double *share, mmn_common_neuron *common,
                     size_t *count);

/* A mean, and of how many values. */
typedef struct mmn_said_mean {
    double sum;
    size_t count;
} mmn_said_mean;

/* What is measured of the words of a domain in one order. */
typedef struct mmn_said_summary {
    size_t answers, words;
    mmn_said_mean region, across, shared, own, any, named, named_random;
} mmn_said_summary;

/* Domain SIZE_MAX: all. False, if memory is short. */
bool mmn_said_summarise(mmn_said_summary *summary, const mmn_contribution_list *list, size_t domain,
                        mmn_neuron_order order);

/* By how much the log probabilities of a sample's words fall, on the average over its words; then
 * over samples. */
typedef struct mmn_said_drop {
    mmn_interval interval; /* over samples */
    size_t samples;
    double changes, stays; /* shares of all disturbances */
} mmn_said_drop;

/* False, if memory is short. */
bool mmn_said_drops(mmn_said_drop *drop, const mmn_contribution_list *list, size_t domain,
                    mmn_disturbance_kind kind, mmn_disturbed neurons);

/* ---- The result ------------------------------------------------------------------------------ */

/* Of mmn_study_kind. */
void mmn_contribution_list_describe(mmn_result *result, const void *list);
void mmn_contribution_list_fill(mmn_result *result, const void *list);

#endif
