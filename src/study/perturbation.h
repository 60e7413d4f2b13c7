/* A perturbation: hidden states of the language model, kept from one forward pass, and how far
 * switching neurons off has moved those of another from them. */
#ifndef MMN_STUDY_PERTURBATION_H
#define MMN_STUDY_PERTURBATION_H

#include "study/study.h"

/* State number i is the output of layer i, number `layers` the final norm's. */
typedef struct mmn_hidden_states {
    size_t layers, width;
    size_t first, count;            /* the states that are kept now */
    size_t rows, capacity;          /* positions; elements that there is room for */
    float *values;                  /* [count][rows][width] */
    char *stages;                   /* that show them, separated by commas */
    struct mmn_distance *distances; /* [rows]: what a comparison works in */
    size_t distance_capacity;
    int threads;
} mmn_hidden_states;

/* Gets ready for states `first` to first + count - 1 of an input of `rows` positions. Free with
 * mmn_hidden_states_free, after a failure too. */
mmn_status mmn_hidden_states_begin(mmn_hidden_states *states, size_t first, size_t count,
                                   size_t rows, mmn_error *error);
void mmn_hidden_states_free(mmn_hidden_states *states);

/* Adds a probe that keeps the states; `states` must outlive the session. */
mmn_status mmn_hidden_states_keep(mmn_hidden_states *states, mmn_session *session,
                                  mmn_error *error);

/* Sums over positions of how far a hidden state h' is from the h that was kept: |h' - h| / |h|, and
 * 1 - cos(h, h'), where a vector that becomes or ceases to be 0 counts as 1. [2][layers + 1]: at
 * text positions, at image positions. */
typedef struct mmn_distance {
    double relative, cosine;
} mmn_distance;

typedef struct mmn_comparison {
    const mmn_hidden_states *states;
    mmn_distance *sums; /* is added to, in the order of positions */
} mmn_comparison;

/* Adds a probe that compares; `comparison` and what it names must outlive the session. */
mmn_status mmn_hidden_states_compare(mmn_comparison *comparison, mmn_session *session,
                                     mmn_error *error);

typedef struct mmn_perturbation {
    mmn_study study; /* its runs with nothing off are what the others are compared with */
    size_t layers;
    mmn_distance *sums; /* [runs of the plan][2][layers + 1]: at text positions, at image ones */

    /* At work: */
    mmn_comparison *runs; /* [runs of the plan]: of the sample at hand */
    double *values;       /* [seeds] */
    mmn_hidden_states states;
} mmn_perturbation;

extern const mmn_study_kind mmn_perturbation_kind;

/* The sums of a run, [2][layers + 1]. */
mmn_distance *mmn_perturb_sums(const mmn_perturbation *perturbation, size_t run);

/* How many neurons are off in a run. */
uint64_t mmn_perturb_neurons(const mmn_perturbation *perturbation, size_t run);

#endif
