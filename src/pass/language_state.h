/* What is kept of the language model between calls: the cache of keys and values, and scratch memory. */
#ifndef MMN_PASS_LANGUAGE_STATE_H
#define MMN_PASS_LANGUAGE_STATE_H

#include <stdbool.h>

#include "model/config.h"

/* Zero-initialise; free with mmn_language_free. */
typedef struct mmn_language_state {
    bool keep_cache; /* keys and values of every layer, else only of the one that is running */
    size_t cached_layers;
    float **keys, **values; /* [cached_layers] of [capacity][kv_heads * head_dim] */
    size_t length, capacity; /* positions */

    /* A state that goes on from the first positions of another one's cache, which several may share:
     * its own holds those behind them. NULL: it begins at position 0. */
    struct mmn_language_state *trunk;
    size_t trunk_length;

    /* What positions are made of: [head_dim / 2] and [heads]. NULL until the first run. */
    float *frequencies, *slopes;
    float rotary_attention; /* what cosines and sines are multiplied by */

    size_t scratch_rows; /* that the following have room for */
    float *normed, *query, *attention, *fused, *gate, *up, *cosine, *sine;
    size_t spread_rows; /* that these have room for */
    float *spread_keys, *spread_values; /* of rows that go to several caches */
} mmn_language_state;

/* Numbers in a position's keys (or values), and in its queries. */
size_t mmn_language_key_width(const mmn_language_config *config);
size_t mmn_language_query_width(const mmn_language_config *config);

/* How many positions behind those that were reserved the cache may grow to at once. */
enum { MMN_LANGUAGE_CACHE_STEP = 256 };

/* Makes room for `positions` cached positions. */
mmn_status mmn_language_reserve_cache(mmn_language_state *state, const mmn_language_config *config,
                                      size_t positions, mmn_error *error);

/* Makes room for a run of `rows` rows, of which `spread` go to several caches. */
mmn_status mmn_language_reserve_scratch(mmn_language_state *state,
                                        const mmn_language_config *config, size_t rows,
                                        size_t spread, mmn_error *error);

/* The position that the next row will have. */
size_t mmn_language_position(const mmn_language_state *state);

/* Makes the cache hold what `from` has, which has the same trunk; room for it must be there. */
void mmn_language_copy_cache(mmn_language_state *state, const mmn_language_state *from,
                             const mmn_language_config *config);

/* Leaves the first `length` positions in the cache; memory is kept. */
void mmn_language_cut(mmn_language_state *state, size_t length);
void mmn_language_free(mmn_language_state *state);

#endif
