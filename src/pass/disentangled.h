/* Disentangled attention: scores of contents with contents, of contents with distances, and of
 * distances with contents (DeBERTa, arXiv 2006.03654). */
#ifndef MMN_PASS_DISENTANGLED_H
#define MMN_PASS_DISENTANGLED_H

#include <stddef.h>
#include <stdint.h>

#include "pass/operations.h"

/* Which of 2 * span embeddings belongs to the distance query - key = `distance`: the one at the
 * distance itself, cut at both ends, around the middle one; with `buckets` those farther than half
 * of them share ever more, up to the distance `farthest` - 1 (arXiv 2111.09543; doc/numerics.md).
 */
typedef struct mmn_distances {
    size_t span;
    uint32_t buckets, farthest; /* buckets 0: every distance has its own */
} mmn_distances;
size_t mmn_distance_place(const mmn_distances *distances, int64_t distance);

/* All heads of one sequence. Tensors are [rows][heads * head_dim]. */
typedef struct mmn_disentangled {
    const float *query, *keys, *values;
    float *output;
    size_t rows, heads, head_dim;
    size_t span;
    const uint32_t *places; /* [2 * rows - 1]: of distance d at d + rows - 1 */
    /* Keys and queries of distances [heads][2 * span][head_dim], in f32 as weights are stored. */
    const uint8_t *distance_keys, *distance_queries;
    float *scratch; /* [threads] of mmn_disentangled_scratch floats */
} mmn_disentangled;

/* Floats that a thread needs for `rows` rows. */
size_t mmn_disentangled_scratch(const mmn_disentangled *heads);

/* Softmax attention to all rows, with the scores
 *
 *     (query_i . key_j + (query_i . distance_key_p + key_j . distance_query_p)) / sqrt(3 head_dim)
 *
 * where p is the place of distance i - j. */
void mmn_attend_disentangled(const mmn_compute *compute, const mmn_disentangled *heads);

#endif
