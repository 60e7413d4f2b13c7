/* Following: given tokens behind a prompt, whose rows nobody keeps. */
#ifndef MMN_PASS_FOLLOW_H
#define MMN_PASS_FOLLOW_H

#include "pass/session.h"

/* Tokens that stand at the positions from `first` on, in the place of those that the prompt has
 * there. */
typedef struct mmn_following {
    size_t first; /* 1 to the prompt's length */
    const int32_t *ids;
    size_t count;
} mmn_following;

/* Runs each of `list` behind the prompt that the sessions, side by side, have prefilled last, in
 * each of them, and all in one batch. Keys and values of the prompt serve them all; their own are
 * given up, so that the sessions generate afterwards as if nothing had been here. Probes see their
 * stages as those of generated tokens. *normed, freed with mmn_free, is the final norm
 * [sessions][rows of all][hidden_size] in the order of the list. MMN_USAGE for a session that is
 * prompt_only or has prefilled nothing. */
mmn_status mmn_sessions_follow(mmn_session *const *sessions, size_t count,
                               const mmn_following *list, size_t list_count, float **normed,
                               mmn_error *error);

#endif
