/* What the files that make masks share. */
#ifndef MMN_NEURONS_MASK_INTERNAL_H
#define MMN_NEURONS_MASK_INTERNAL_H

#include "mask/mask.h"

/* A mask without neurons over these modules of a model; *mask may be non-NULL after a failure too, and is freed
 * with mmn_mask_free. */
mmn_status mmn_mask_create(mmn_mask **mask, uint64_t model_number, const mmn_module *modules,
                           size_t count, mmn_error *error);

/* Whether neurons or counts of `file`, found in the model with digest `found`, may be used with this
 * one, as mmn_allowances_check says. Reads the whole checkpoint unless `found` is "". */
mmn_status mmn_mask_check_model(mmn_allowances *allowed, const char *found, const mmn_model *model,
                                const char *file, mmn_error *error);

/* Marks in domains [lists->domain_count] those that `names` names, separated by commas; NULL: all. */
mmn_status mmn_mask_choose_domains(uint8_t *domains, const mmn_neuron_lists *lists,
                                   const char *names, const char *file, mmn_error *error);

/* The mask of the domains that are marked. */
mmn_status mmn_mask_of_domains(mmn_mask **mask, const mmn_model *model,
                               const mmn_neuron_lists *lists, const uint8_t *domains,
                               const char *setting, const char *file, mmn_error *error);

/* Makes mask->stages, once its neurons are there. */
mmn_status mmn_mask_name_stages(mmn_mask *mask, mmn_error *error);

#endif
