/* What the two ways of prefilling share: one input in one or more sessions, and several inputs in one. */
#ifndef MMN_PASS_PREFILL_H
#define MMN_PASS_PREFILL_H

#include "pass/session.h"

/* How far a prefill must go. Where nothing will be generated, what nobody wants to see does not
 * run. */
bool mmn_session_needs_vision(const mmn_session *session);
bool mmn_session_needs_language(const mmn_session *session);

/* Makes the session ready for a prefill that takes over `positions` positions of the cache. */
void mmn_session_begin(mmn_session *session, size_t positions);

mmn_status mmn_session_show_input(const mmn_session *session, const mmn_input *input,
                                  mmn_error *error);

/* Runs the vision tower on the input's images: *tower, freed with mmn_free. */
mmn_status mmn_session_run_tower(mmn_session *session, const mmn_input *input, float **tower,
                                 mmn_error *error);
/* What stands between it and the language model, where that is needed: *merged [*rows][hidden_size],
 * freed with mmn_free, or NULL. */
mmn_status mmn_session_project(mmn_session *session, const mmn_input *input, const float *tower,
                               float **merged, size_t *rows, mmn_error *error);

/* hidden [length - first][hidden_size]: token embeddings from position `first` on, with image
 * features at the image positions in their order. */
void mmn_session_embed(const mmn_session *session, const mmn_input *input, size_t first,
                       const float *features, float *hidden);

#endif
