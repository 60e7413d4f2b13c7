/* A session's state, and the parts of a forward pass that prefilling and generating share. */
#ifndef MMN_PASS_SESSION_H
#define MMN_PASS_SESSION_H

#include "model/model.h"
#include "pass/detector.h"
#include "pass/distribution.h"
#include "pass/judge.h"
#include "pass/language.h"
#include "pass/probes.h"
#include "pass/reverse.h"
#include "pass/stopping.h"

/* What the vision tower and the projector made of an input's images. */
typedef struct mmn_image_features {
    float *tower;           /* what the tower gives the projector */
    float *merged;          /* what enters the language model; NULL where nobody needed it */
    const mmn_input *input; /* whose images they are, retained; NULL: nothing is kept of them */
} mmn_image_features;

struct mmn_session {
    const mmn_model *model;
    mmn_compute compute;
    mmn_interrupt interrupt; /* what `compute` and `probes` ask */
    mmn_probes probes;
    mmn_kept_stages kept;
    bool keeps;             /* whether mmn_session_keep has been called */
    const mmn_input *input; /* of the last prefill, retained; or NULL */
    bool at_work;           /* in a function that shows stages: probes must not call another */
    bool prompt_only;
    size_t max_new_tokens; /* 0: not known */
    mmn_span language;     /* keys and values of prompt and answer; none where prompt_only */
    mmn_row_memory memory;
    mmn_reverse_memory reverse; /* none before the first gradient */
    mmn_ending ending;
    bool prefilled;
    mmn_sampler sampler;
    mmn_beam_search beam_search; /* beams < 2: none */
    mmn_stopping stopping;       /* besides stop tokens */
    mmn_judge_state judge;       /* of a model that is one */
    mmn_detector_state detector; /* the same */
    size_t generated;            /* tokens since the last prefill */
    const mmn_loss *loss;        /* whose gradients the prefill at work computes; NULL: none */
    double loss_value;
    int32_t pending; /* the token generated last, not yet run through the model; or MMN_NO_TOKEN */

    /* What the next prefill may take over. The span's image positions, if it has any, hold the
     * features that are kept. */
    mmn_image_features images;
    int32_t *cached_ids; /* [cached_capacity]: the ids at the positions of the span */
    size_t cached_capacity;
    bool cached_images; /* whether image tokens among them stand for images */
    size_t positions_reused;
    bool images_reused;
};

/* How many positions may follow in the session's span, if the next one runs: SIZE_MAX where nobody
 * has said, in a prefill none. */
size_t mmn_session_to_come(const mmn_session *session);

/* Makes `input` that of the last prefill. */
void mmn_session_keep_input(mmn_session *session, const mmn_input *input);

/* Frees the features that the session has of images. */
void mmn_session_forget_images(mmn_session *session);

/* Takes what enters the language model of the input's images, features [image positions][language
 * hidden_size], from elsewhere: prefills of inputs with the same images read it, until others have
 * run. No probe of the session may want what makes images' features. */
mmn_status mmn_session_take_features(mmn_session *session, const mmn_input *input,
                                     const float *features, mmn_error *error);

/* Begins what shows stages to probes, and ends it with its status. MMN_USAGE when a probe calls
 * it. */
mmn_status mmn_session_enter(mmn_session *session, mmn_error *error);
mmn_status mmn_session_leave(mmn_session *session, mmn_status status);

/* Makes room for the ids of `length` cached positions. */
mmn_status mmn_session_reserve_ids(mmn_session *session, size_t length, mmn_error *error);

/* Shows a copy of `bytes` bytes of data, so that a probe that writes cannot change an input, which
 * other sessions share. */
mmn_status mmn_session_show_copy(const mmn_session *session, const mmn_shown *shown, size_t bytes,
                                 mmn_error *error);

/* The id of the first token, or of the last, of a word that is encoded alone. MMN_USAGE where the
 * model has no tokenizer, or the word no token. */
mmn_status mmn_word_token(int32_t *token, const mmn_model *model, const char *word, bool last,
                          mmn_error *error);

/* mmn_session_gradient of any loss: prefills the input and goes the way back. `value` may be
 * NULL. */
mmn_status mmn_session_reverse(mmn_session *session, const mmn_input *input, const mmn_loss *loss,
                               double *value, mmn_error *error);

/* Bytes that a session needs at most to prefill `positions` and generate `tokens` (0: only to
 * prefill): keys, values and the rows of a layer. */
size_t mmn_session_bytes(const mmn_model *model, size_t positions, size_t tokens);

/* ---- Sessions side by side ------------------------------------------------------------------- */

/* Sessions of one model that work on the same input: the language model's weights are read once for
 * all of them, and what they have in common is computed once. Every bit is that of each one
 * alone. */

/* mmn_session_prefill of several sessions. Where a session's probes leave images, or the first
 * layers of the language model, as they are in `plain`, which has prefilled this input or is the
 * first of the sessions, they are taken over from there (layers only from the first of the
 * sessions). NULL: from the first. */
mmn_status mmn_sessions_prefill(mmn_session *const *sessions, size_t count,
                                const mmn_session *plain, const mmn_input *input, mmn_error *error);

/* mmn_session_generate of several sessions, either all by beam search or none: ids
 * [sessions][limit], counts [sessions]. */
mmn_status mmn_sessions_generate(mmn_session *const *sessions, size_t count, size_t limit,
                                 int32_t *ids, size_t *counts, mmn_error *error);

#endif
