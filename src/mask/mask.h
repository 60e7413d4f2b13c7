/* Masks: neurons whose values are set at every position, to +0 where they are switched off. */
#ifndef MMN_MASK_MASK_H
#define MMN_MASK_MASK_H

#include <stdbool.h>

#include "mmneuron.h"
#include "count/neurons.h"

/* What a run was let do that would be an error else, as its results record it. */
typedef struct mmn_allowances {
    bool unknown_keys; /* pass over keys of the list that no sample has */
    bool long_prompts; /* run prompts of more positions than the model was made for */
    bool other_model;  /* take neurons, or counts, of another model */

    /* Set by mmn_allowances_check: */
    bool foreign; /* whether the neurons are not known to be of the model */
    char
        neurons_model[MMN_DIGEST_SIZE]; /* then the digest of theirs; "": their file does not say */
} mmn_allowances;

/* Whether neurons or counts that `file` has, found in the model with digest `found` ("": it does
 * not say), may be used with the model of digest `model`. MMN_INPUT names both when they differ and
 * other_model is not set. */
mmn_status mmn_allowances_check(mmn_allowances *allowances, const char *found, const char *model,
                                const char *file, mmn_error *error);
/* The same with the digest of this model, which reads the whole checkpoint unless `found` is "". */
mmn_status mmn_allowances_check_model(mmn_allowances *allowances, const char *found,
                                      const mmn_model *model, const char *file, mmn_error *error);

typedef struct mmn_masked_module {
    const mmn_module *module; /* the model's */
    size_t *first;     /* [layers + 1]: neurons[first[l]..first[l + 1] - 1] are those of layer l */
    uint32_t *neurons; /* ascending in each layer */
    float *values;     /* what each of them is set to; NULL: all to +0 */
} mmn_masked_module;

struct mmn_mask {
    uint64_t model_number; /* of the model that it was made for */
    size_t module_count;
    mmn_masked_module modules[MMN_MODULES]; /* all of the model, in their order */
    mmn_allowances allowed;                 /* of its neurons' model */
    char *stages; /* those that show masked neurons, separated by commas; NULL: none do */
};

/* A mask without neurons over these modules of a model; *mask may be non-NULL after a failure too,
 * and is freed with mmn_mask_free. */
mmn_status mmn_mask_create(mmn_mask **mask, uint64_t model_number, const mmn_module *modules,
                           size_t count, mmn_error *error);
/* Makes mask->stages, once its neurons are there. */
mmn_status mmn_mask_name_stages(mmn_mask *mask, mmn_error *error);

/* The mask of the domains that are marked in domains [domain_count], in the modules that `setting`
 * names. Of which model the neurons are is not asked. */
mmn_status mmn_mask_of_domains(mmn_mask **mask, const mmn_model *model, const mmn_neurons *neurons,
                               const uint8_t *domains, const char *setting, mmn_error *error);
/* The same of domain number `domain` alone. */
mmn_status mmn_mask_of_domain(mmn_mask **mask, const mmn_model *model, const mmn_neurons *neurons,
                              size_t domain, const char *setting, mmn_error *error);

#endif
