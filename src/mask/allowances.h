/* Allowances: what a run was let do that would be an error else, as its results record it. */
#ifndef MMN_NEURONS_ALLOWANCES_H
#define MMN_NEURONS_ALLOWANCES_H

#include <stdbool.h>

#include "mask/neuron_lists.h"

typedef struct mmn_allowances {
    bool unknown_keys; /* pass over keys of the list that no sample has */
    bool long_prompts; /* run prompts of more positions than the model was made for */
    bool other_model;  /* take neurons, or counts, of another model */

    /* Set by mmn_allowances_check: */
    bool foreign; /* whether the neurons are not known to be of the model */
    char neurons_model[MMN_DIGEST_SIZE]; /* then the digest of theirs; "": their file does not say */
} mmn_allowances;

/* Whether neurons or counts that `file` has, found in the model with digest `found` ("": it does not
 * say), may be used with the model of digest `model`. MMN_INPUT names both when they differ and
 * other_model is not set. */
mmn_status mmn_allowances_check(mmn_allowances *allowances, const char *found, const char *model,
                                const char *file, mmn_error *error);

#endif
