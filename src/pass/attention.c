/* Attention of many heads: the rows of sequences, divided among threads. */
#include <math.h>

#include "base/memory.h"
#include "base/threads.h"
#include "pass/operations.h"

/* Pieces of work that a thread wants, and the rows of a sequence that are not cut into several. */
enum { PIECES = 2, LEAST_ROWS = 48 };

/* How many rows of a head are a piece of work: each packs the keys and values that it sees, so that
 * all of a head are best; but threads must have work to the end, and who interrupts a long prompt
 * waits for pieces that have begun. Pieces are alike, and consist of whole tiles. */
static size_t rows_of_attention(const mmn_compute *compute, const mmn_heads *heads)
{
    enum { TILE = 12, MOST_SCORES = 1 << 26 };
    size_t balanced = mmn_pieces((size_t)compute->threads * PIECES, heads->heads);
    size_t short_ones = mmn_pieces(heads->rows, MOST_SCORES / (heads->key_count + 1) + 1);
    size_t wanted = mmn_larger(balanced, short_ones);
    size_t blocks = mmn_smaller(wanted, mmn_pieces(heads->rows, LEAST_ROWS));

    return blocks > 0 ? mmn_pieces(mmn_pieces(heads->rows, blocks), TILE) * TILE : TILE;
}

mmn_key_span mmn_key_rows(const float *keys, const float *values, size_t count, size_t kv_heads,
                          size_t head_dim)
{
    return (mmn_key_span){keys, values, count, kv_heads * head_dim, head_dim};
}

/* As Python computes head_dim**-0.5, in binary64; sqrt and division are correctly rounded
 * everywhere. */
float mmn_attention_scale(size_t head_dim)
{
    return (float)(1.0 / sqrt((double)head_dim));
}

/* One head of some of a sequence's rows. */
static void attend_head(const mmn_compute *compute, const mmn_heads *heads, size_t head, size_t row,
                        size_t rows)
{
    const size_t query_stride = heads->heads * heads->head_dim;
    const size_t query_offset = row * query_stride + head * heads->head_dim;
    const mmn_attention_task task = {
        .query = heads->query + query_offset,
        .query_stride = query_stride,
        .spans = heads->spans,
        .head = head / (heads->heads / heads->kv_heads),
        .output = heads->output + query_offset,
        .output_stride = query_stride,
        .rows = mmn_smaller(rows, heads->rows - row),
        .key_count = heads->key_count,
        .head_dim = heads->head_dim,
        .scale = mmn_attention_scale(heads->head_dim),
        .causal = heads->causal,
        .first_position = heads->first_position + row,
        .window = heads->window,
        .alibi_slope = heads->alibi_slopes ? heads->alibi_slopes[head] : 0.0f,
        .scratch = mmn_compute_own_scratch(compute),
    };

    if (!mmn_compute_is_interrupted(compute))
        compute->kernels->attention(&task);
}

/* Sequences whose rows are one piece of work each: a piece is a head of all of them, or of a part,
 * where there are fewer heads than threads want pieces. */
static void attend_few_rows(const mmn_compute *compute, const mmn_heads *list, size_t count)
{
    const size_t wanted = mmn_pieces((size_t)compute->threads * PIECES, list->heads);
    const size_t parts = mmn_smaller(wanted, count), pieces = parts * list->heads;

    MMN_PARALLEL_FOR(mmn_threads_for(compute, pieces), dynamic)
    for (size_t piece = 0; piece < pieces; piece++) {
        const size_t part = piece % parts, end = count * (part + 1) / parts;

        for (size_t i = count * part / parts; i < end; i++)
            attend_head(compute, &list[i], piece / parts, 0, list[i].rows);
    }
}

static void attend_many_rows(const mmn_compute *compute, const mmn_heads *heads)
{
    const size_t rows = rows_of_attention(compute, heads);
    const size_t blocks = mmn_pieces(heads->rows, rows), pieces = blocks * heads->heads;

    MMN_PARALLEL_FOR(mmn_threads_for(compute, pieces), dynamic)
    for (size_t piece = 0; piece < pieces; piece++)
        attend_head(compute, heads, piece / blocks, piece % blocks * rows, rows);
}

void mmn_attend(const mmn_compute *compute, const mmn_heads *list, size_t count)
{
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i; next < count && list[next].rows <= LEAST_ROWS; next++)
            ;
        if (next > i)
            attend_few_rows(compute, list + i, next - i);
        else
            attend_many_rows(compute, &list[next++]);
    }
}
