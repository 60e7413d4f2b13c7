/* The reverse of attention: gradients of queries, keys and values. */
#include <math.h>
#include <string.h>

#include "base/threads.h"
#include "pass/reverse.h"

/* Rows of queries that are at work together: a panel, so that sums over rows are cut as sums are
 * everywhere. */
enum { BLOCK = 256 };

/* One head's rows from `first` on, and the scratch memory of the thread that has them. */
typedef struct block {
    const mmn_attention_reverse *of;
    const mmn_kernels *kernels;
    size_t head, kv_head, first, rows;
    size_t keys; /* keys that no row sees are not among them */
    float scale;
    float *probabilities, *gradient; /* [rows][keys]: of the scores, at last */
    float *packed;                   /* the input of a product */
    float *product;                  /* [keys][head_dim] */
    float *kernels_own;              /* the kernels' scratch memory */
} block;

/* Floats of the input of a block's products: its rows along the head, or along the keys. */
static size_t packed_floats(const mmn_heads *heads, size_t rows)
{
    return rows * (heads->key_count > heads->head_dim ? heads->key_count : heads->head_dim);
}

size_t mmn_attention_reverse_floats(const mmn_heads *heads)
{
    size_t rows = heads->rows < BLOCK ? heads->rows : BLOCK;
    return heads->key_count * (2 * rows + heads->head_dim) + packed_floats(heads, rows);
}

/* Packs from [rows][columns] turned, as the input [columns][rows] of a product. */
static void pack_turned(const block *b, const float *from, size_t rows, size_t columns)
{
    const size_t strip = b->kernels->strip_rows;
    for (size_t first = 0; first < columns; first += strip) {
        const size_t width = columns - first < strip ? columns - first : strip;
        float *to = b->packed + first * rows;
        for (size_t row = 0; row < rows; row++)
            for (size_t i = 0; i < width; i++)
                to[row * width + i] = from[row * columns + first + i];
    }
}

/* products [rows][keys] = rows of a head x keys, or values, of a key head. */
static void multiply_with_keys(const block *b, float *products, const float *rows,
                               const float *keys)
{
    const mmn_heads *heads = b->of->heads;
    bool finite;
    b->kernels->pack_input(b->packed, rows, heads->heads * heads->head_dim, b->rows,
                           heads->head_dim);
    b->kernels->matrix_product(products, b->keys, b->packed, keys, MMN_WEIGHT_F32,
                               heads->spans->stride, NULL, b->rows, b->keys, heads->head_dim,
                               b->kernels_own, &finite);
}

/* output [rows][head_dim] = what is packed [rows][depth] x matrix [depth][head_dim]. */
static void multiply(const block *b, float *output, size_t output_stride, const float *matrix,
                     size_t matrix_stride, size_t rows, size_t depth)
{
    b->kernels->transposed_product(output, output_stride, b->packed, matrix, MMN_WEIGHT_F32,
                                   matrix_stride, rows, b->of->heads->head_dim, depth,
                                   b->kernels_own);
}

/* Products of queries and keys become scores, -infinity where a key is hidden. */
static void scale_scores(const block *b)
{
    const mmn_heads *heads = b->of->heads;
    const float slope = heads->alibi_slopes ? heads->alibi_slopes[b->head] : 0.0f;
    for (size_t row = 0; row < b->rows; row++) {
        float *scores = b->probabilities + row * b->keys;
        size_t position = heads->first_position + b->first + row, begin = 0, end = b->keys;
        if (heads->causal) {
            end = position < end ? position + 1 : end;
            begin = heads->window > 0 && position >= heads->window ? position - heads->window + 1
                                                                   : 0;
        }
        for (size_t key = 0; key < b->keys; key++)
            if (key < begin || key >= end)
                scores[key] = -INFINITY;
            else
                scores[key] = slope == 0.0f ? scores[key] * b->scale
                                            : fmaf(scores[key], b->scale, slope * (float)key);
    }
}

/* sum [keys][kv_heads * head_dim] += factors [rows][keys], turned, x rows [rows][head_dim]. */
static void add_for_keys(const block *b, float *sum, const float *factors, const float *rows)
{
    const mmn_heads *heads = b->of->heads;
    size_t width = heads->head_dim, stride = heads->kv_heads * width;
    pack_turned(b, factors, b->rows, b->keys);
    multiply(b, b->product, width, rows, heads->heads * width, b->keys, b->rows);
    for (size_t key = 0; key < b->keys; key++) {
        float *own = sum + key * stride + b->kv_head * width;
        b->kernels->add(own, own, b->product + key * width, width);
    }
}

static void reverse_block(const block *b)
{
    const mmn_heads *heads = b->of->heads;
    const mmn_key_span *span = heads->spans;
    size_t width = heads->head_dim, stride = heads->heads * width;
    size_t own = b->first * stride + b->head * width;
    const float *keys = span->keys + b->kv_head * span->head_stride;

    multiply_with_keys(b, b->probabilities, heads->query + own, keys);
    scale_scores(b);
    b->kernels->softmax(b->probabilities, b->rows, b->keys);
    add_for_keys(b, b->of->value_gradient, b->probabilities, b->of->gradient + own);

    multiply_with_keys(b, b->gradient, b->of->gradient + own,
                       span->values + b->kv_head * span->head_stride);
    b->kernels->softmax_reverse(b->gradient, b->probabilities, b->rows, b->keys, b->scale);
    add_for_keys(b, b->of->key_gradient, b->gradient, heads->query + own);
    b->kernels->pack_input(b->packed, b->gradient, b->keys, b->rows, b->keys);
    multiply(b, b->of->query_gradient + own, stride, keys, span->stride, b->rows, b->keys);
}

/* All queries that read the keys and values of one head. */
static void reverse_head(const mmn_compute *compute, const mmn_attention_reverse *attention,
                         size_t kv_head)
{
    const mmn_heads *heads = attention->heads;
    const size_t count = heads->key_count;
    const size_t group = heads->heads / heads->kv_heads;
    const size_t most = heads->rows < BLOCK ? heads->rows : BLOCK;
    float *scratch =
        attention->scratch + (size_t)mmn_thread_number() * mmn_attention_reverse_floats(heads);
    block b = {.of = attention,
               .kernels = compute->kernels,
               .kv_head = kv_head,
               .scale = mmn_attention_scale(heads->head_dim),
               .probabilities = scratch,
               .gradient = scratch + most * count,
               .product = scratch + 2 * most * count,
               .packed = scratch + (2 * most + heads->head_dim) * count,
               .kernels_own = mmn_compute_own_scratch(compute)};

    for (size_t i = 0; i < group; i++)
        for (size_t first = 0; first < heads->rows; first += BLOCK) {
            b.head = kv_head * group + i;
            b.first = first;
            b.rows = heads->rows - first < BLOCK ? heads->rows - first : BLOCK;
            size_t seen = heads->first_position + first + b.rows;
            b.keys = heads->causal && seen < count ? seen : count;
            if (!mmn_compute_is_interrupted(compute))
                reverse_block(&b);
        }
}

void mmn_attend_reverse(const mmn_compute *compute, const mmn_attention_reverse *attention)
{
    const mmn_heads *heads = attention->heads;
    const size_t values = heads->key_count * heads->kv_heads * heads->head_dim;

    memset(attention->key_gradient, 0, values * sizeof(float));
    memset(attention->value_gradient, 0, values * sizeof(float));
    MMN_PARALLEL_FOR(compute->threads, dynamic)
    for (size_t kv_head = 0; kv_head < heads->kv_heads; kv_head++)
        reverse_head(compute, attention, kv_head);
}
