/* A session's state, and the parts of a forward pass that prefilling and generating share. */
#ifndef MMN_MODEL_SESSION_H
#define MMN_MODEL_SESSION_H

#include "model/image_features.h"
#include "model/language.h"
#include "model/model.h"
#include "model/probes.h"
#include "model/sampling.h"

struct mmn_session {
    const mmn_model *model;
    mmn_compute compute;
    mmn_probes probes;
    const mmn_input *input; /* of the last prefill */
    mmn_language_state language;
    bool prefilled;
    float *last;   /* [hidden_size]: final norm of the last position */
    float *logits; /* [vocab_size] of the last position, once have_logits */
    bool have_logits;
    mmn_sampler sampler;
    size_t generated; /* tokens since the last prefill */
    int32_t pending; /* the token generated last, not yet run through the model; or MMN_NO_TOKEN */

    /* What the next prefill may take over. The cache's image positions, if it has any, hold the
     * features that are kept. */
    mmn_image_features images;
    int32_t *cached_ids; /* [cached_capacity]: the ids at the positions of the cache */
    size_t cached_capacity;
    bool cached_images; /* whether image tokens among them stand for images */
    size_t positions_reused;
    bool images_reused;
};

/* Makes room for the ids of `length` cached positions. */
mmn_status mmn_session_reserve_ids(mmn_session *session, size_t length, mmn_error *error);

/* Lets the next prefill of `input` take over the features of its images from another session of the
 * model without masks, where no probe wants vision or projector stages. The bits are the same. */
mmn_status mmn_session_take_images(mmn_session *session, const mmn_session *from,
                                   const mmn_input *input, mmn_error *error);

/* Shows a copy of `bytes` bytes of data, so that a probe that writes cannot change an input, which
 * other sessions share. */
mmn_status mmn_session_show_copy(const mmn_session *session, const mmn_shown *shown, size_t bytes,
                                 mmn_error *error);

/* Runs hidden [sequences->rows][hidden_size] as mmn_language_run does: all decoder layers, final
 * norm and logits, as far as generating or a probe needs them. */
mmn_status mmn_session_run_language(mmn_session *session, float *hidden,
                                    const mmn_sequences *sequences, mmn_error *error);

#endif
