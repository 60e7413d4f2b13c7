/* A perturbation: how far switching neurons off has moved the hidden states of a language model. */
#ifndef MMN_NEURONS_PERTURBATION_H
#define MMN_NEURONS_PERTURBATION_H

#include "neurons/allowances.h"
#include "neurons/hidden_states.h"
#include "neurons/list_run.h"
#include "neurons/settings.h"

/* One setting in one domain, with the domain's neurons off or with others. */
typedef struct mmn_perturb_curve {
    size_t setting, domain;
    bool random;
    uint64_t seed;      /* of a random choice */
    uint64_t neurons;   /* how many are off */
    mmn_distance *sums; /* [2][layers + 1]: at text positions, at image positions */
} mmn_perturb_curve;

typedef struct mmn_perturbation {
    mmn_allowances allowed;
    char version[32], model[MMN_DIGEST_SIZE], neurons[MMN_DIGEST_SIZE];
    bool nonfinite; /* numbers were infinite or NaN on the way to it, and allowed */
    char *list;
    uint64_t samples; /* per domain, as asked for; 0: all */
    uint64_t seeds, first_seed;
    mmn_settings settings;
    size_t layers;
    mmn_list_run run;         /* with the domains */
    uint64_t (*positions)[2]; /* [domain]: text, image */
    size_t curve_count;
    mmn_perturb_curve *curves; /* [domain][setting][1 + seeds] */
} mmn_perturbation;

/* Does what mmn_perturb does; on failure *perturbation is NULL. */
mmn_status mmn_perturbation_make(mmn_perturbation **perturbation, const mmn_model *model,
                                 const mmn_perturb_options *options, mmn_error *error);
void mmn_perturbation_free(mmn_perturbation *perturbation);

/* The mean of a curve at state number `state`, at positions of `kind` (0: text, 1: image, 2: all);
 * zeros where there are none. */
mmn_distance mmn_perturb_mean(const mmn_perturbation *perturbation, const mmn_perturb_curve *curve,
                              size_t state, int kind);

#endif
