/* Masks: neurons whose values are set at every position, to +0 where they are switched off. */
#ifndef MMN_NEURONS_MASK_H
#define MMN_NEURONS_MASK_H

#include "mmneuron.h"
#include "mask/allowances.h"
#include "mask/neuron_lists.h"

typedef struct mmn_masked_module {
    const mmn_module *module; /* the model's */
    size_t *first; /* [layers + 1]: neurons[first[l]..first[l + 1] - 1] are those of layer l */
    uint32_t *neurons; /* ascending in each layer */
    float *values; /* what each of them is set to; NULL: all to +0 */
} mmn_masked_module;

struct mmn_mask {
    uint64_t model_number; /* of the model that it was made for */
    size_t module_count;
    mmn_masked_module modules[MMN_MODULES]; /* all of the model, in their order */
    mmn_allowances allowed; /* of its neurons' model */
    char *stages; /* those that show masked neurons, separated by commas; NULL: none do */
};

/* The mask of domain number `domain` (SIZE_MAX: of all) in the modules that `setting` names. `file`
 * is for messages. As mmn_mask_from_ranking otherwise. */
mmn_status mmn_mask_from_lists(mmn_mask **mask, const mmn_model *model,
                               const mmn_neuron_lists *lists, size_t domain, const char *setting,
                               const char *file, mmn_error *error);

#endif
