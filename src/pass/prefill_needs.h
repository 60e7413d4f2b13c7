/* What a prefill has to run: what somebody wants of it, but for what was made before. */
#ifndef MMN_PASS_PREFILL_NEEDS_H
#define MMN_PASS_PREFILL_NEEDS_H

#include "pass/session.h"

/* How far a prefill must go. Where nothing will be generated, what nobody wants to see does not
 * run. */
bool mmn_prefill_needs_language(const mmn_session *session);
bool mmn_prefill_needs_projector(const mmn_session *session);
bool mmn_prefill_needs_vision(const mmn_session *session);

/* How many positions at the beginning of the input the session's span holds. The last one is not
 * among them, since its logits are wanted. */
size_t mmn_prefill_cached_beginning(const mmn_session *session, const mmn_input *input);

/* Whether they are what enters the language model of the input. */
bool mmn_prefill_has_features(const mmn_image_features *images, const mmn_input *input);
/* Whether the session's probes do without a look at what makes them. */
bool mmn_prefill_reuses_images(const mmn_session *session);
/* What is kept of the input's images: by the session itself or by `plain`, if anything is; rather
 * what was made with the same instruction than the tower's part alone. */
const mmn_image_features *mmn_prefill_find_features(const mmn_session *session,
                                                    const mmn_session *plain,
                                                    const mmn_input *input);

#endif
