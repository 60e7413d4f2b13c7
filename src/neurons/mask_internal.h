/* What the files that make masks share. */
#ifndef MMN_NEURONS_MASK_INTERNAL_H
#define MMN_NEURONS_MASK_INTERNAL_H

#include "neurons/mask.h"

/* A mask without neurons over these modules; *mask may be non-NULL after a failure too, and is freed
 * with mmn_mask_free. */
mmn_status mmn_mask_create(mmn_mask **mask, const mmn_module *modules, size_t count,
                           mmn_error *error);

/* Makes mask->stages, once its neurons are there. */
mmn_status mmn_mask_name_stages(mmn_mask *mask, mmn_error *error);

#endif
