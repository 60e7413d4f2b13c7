/* Additions to weights that one session has, beside those of its model. */
#ifndef MMN_PASS_ADDED_PROBE_H
#define MMN_PASS_ADDED_PROBE_H

#include "pass/added.h"

/* The stage that shows what enters the output matrix: the product with what the gate is for, where
 * there is one. */
static inline const char *mmn_added_input(const mmn_language_config *config)
{
    return config->gated ? "language.layers.{i}.mlp.product" : "language.layers.{i}.mlp.act";
}
/* The stages of this name ("language.layers.{i}.out") in layers with additions, of which there is
 * one at least, separated by commas. Free with mmn_free. */
mmn_status mmn_added_stages(char **stages, const mmn_additions *additions, uint32_t layers,
                            const char *name, mmn_error *error);

/* Additions for one session, beside those of its model, as a probe of it. Zero-initialise; free
 * with mmn_added_free, when the session is freed. */
typedef struct mmn_added {
    const mmn_additions *additions;
    float *products;        /* of the layer at hand */
    char *inputs, *outputs; /* stages */
} mmn_added;

/* The session's inputs have `positions` at most; the additions outlive it. */
mmn_status mmn_added_add(mmn_added *added, mmn_session *session, const mmn_additions *additions,
                         size_t positions, mmn_error *error);
void mmn_added_free(mmn_added *added);

#endif
