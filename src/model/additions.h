/* Additions to weights: vectors that are added to the rows of output matrices (down_proj, fc2,
 * dense_4h_to_h) that belong to chosen neurons of the language model. */
#ifndef MMN_MODEL_ADDITIONS_H
#define MMN_MODEL_ADDITIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/config.h"

/* Zero-initialised there are none. Free with mmn_additions_free. */
typedef struct mmn_additions {
    uint32_t *neurons; /* by layer, and ascending in each */
    size_t *first; /* [layers + 1]: where those of a layer begin; NULL: there are no additions */
    double *rows;  /* [neurons][width]: what is added to the row of each */
    size_t width;  /* hidden_size */
} mmn_additions;

/* Makes room for `count` neurons, whose rows are zero. Free them after a failure too. */
mmn_status mmn_additions_reserve(mmn_additions *additions, const mmn_language_config *config,
                                 size_t count, mmn_error *error);
void mmn_additions_free(mmn_additions *additions);

/* How many neurons of a layer have additions. */
static inline size_t mmn_additions_in(const mmn_additions *additions, uint32_t layer)
{
    return additions->first ? additions->first[layer + 1] - additions->first[layer] : 0;
}

/* Adds others, of the same model, to `additions`; room must have been made in both. Where both have
 * a neuron, its row is their sum in binary64. After a failure `additions` are as they were. */
mmn_status mmn_additions_join(mmn_additions *additions, const mmn_additions *others,
                              const mmn_language_config *config, mmn_error *error);

#endif
