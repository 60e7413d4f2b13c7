/* A perturbation: how far switching neurons off has moved the hidden states of a language model. */
#ifndef MMN_STUDY_PERTURBATION_H
#define MMN_STUDY_PERTURBATION_H

#include "study/hidden_states.h"
#include "study/study.h"

typedef struct mmn_perturbation {
    mmn_study study; /* its runs with nothing off are what the others are compared with */
    size_t layers;
    uint64_t (*positions)[2]; /* [domain]: text, image */
    mmn_comparison *runs;     /* [runs of the plan]: sums at text positions, at image positions */

    /* At work: */
    mmn_hidden_states states;
    mmn_distance *rows; /* [positions of an input] */
    size_t rows_capacity;
} mmn_perturbation;

/* Does what mmn_perturb does, on a zero-initialised perturbation. Ended, and its study closed,
 * after a failure too. */
mmn_status mmn_perturbation_find(mmn_perturbation *perturbation, const mmn_model *model,
                                 const mmn_perturb_options *options, mmn_error *error);
void mmn_perturbation_end(void *perturbation);

/* How many neurons are off in a run. */
uint64_t mmn_perturb_neurons(const mmn_perturbation *perturbation, size_t run);

#endif
