/* The activation of one neuron at the patches of a sample's first picture. */
#ifndef MMN_STUDY_LENS_ACTIVATION_H
#define MMN_STUDY_LENS_ACTIVATION_H

#include "pass/probes.h"

typedef struct mmn_lens_activation {
    const mmn_module *module; /* NULL: none is wanted */
    uint32_t layer, neuron;
    char stage[MMN_STAGE_NAME_SIZE];
    size_t grid;  /* patches of a side */
    size_t first; /* of the row of the first patch: after a class token, or a position */
    float *values; /* [grid * grid], row by row; of the sample that runs */
} mmn_lens_activation;

/* Reads "MODULE:LAYER:NEURON". MMN_USAGE when the model has no such neuron. */
mmn_status mmn_lens_activation_parse(mmn_lens_activation *activation, const mmn_model *model,
                                     const char *text, mmn_error *error);

/* Adds a probe that fills values; `activation` must outlive the session. */
mmn_status mmn_lens_activation_keep(mmn_lens_activation *activation, mmn_session *session,
                                    mmn_error *error);

#endif
