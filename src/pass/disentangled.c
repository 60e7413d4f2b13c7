/* Disentangled attention: the house's products and attention, with what distances say of each pair
 * as a bias of its score. */
#include "pass/disentangled.h"

#include <math.h>
#include <string.h>

#include "base/threads.h"

/* ---- Distances ------------------------------------------------------------------------------- */

/* The natural logarithm, rounded to f32. */
static float logarithm(float x)
{
    const double wide = (double)x;
    double result;
    mmn_kernels_reference()->log_f64(&result, &wide, 1);
    return (float)result;
}

/* The bucket of a distance beyond the middle one, as transformers computes it, in f32. */
static int64_t far_bucket(const mmn_distances *distances, int64_t distance)
{
    const float middle = (float)(distances->buckets / 2);
    const float last = (float)((double)(distances->farthest - 1) / (double)middle);
    const float share = logarithm((float)distance / middle) / logarithm(last);
    const float bucket = ceilf(share * (middle - 1.0f)) + middle;
    return (int64_t)bucket;
}

size_t mmn_distance_place(const mmn_distances *distances, int64_t distance)
{
    const int64_t span = (int64_t)distances->span, middle = (int64_t)(distances->buckets / 2);
    const int64_t length = distance < 0 ? -distance : distance;
    int64_t bucket = length;
    if (distances->buckets > 0 && length > middle)
        bucket = far_bucket(distances, length);
    const int64_t place = (distance < 0 ? -bucket : bucket) + span;
    return (size_t)(place < 0 ? 0 : place < 2 * span ? place : 2 * span - 1);
}

/* ---- Attention ------------------------------------------------------------------------------- */

/* A thread's memory. */
typedef struct room {
    float *rows, *packed;            /* [rows][head_dim] of a head */
    float *by_query, *by_key, *bias; /* [rows][width] products with distances; [block][rows] */
    float *kernels;
} room;

static size_t align(size_t floats)
{
    const size_t line = MMN_SCRATCH_ALIGNMENT / sizeof(float);
    return (floats + line - 1) / line * line;
}

static size_t block_of(size_t rows)
{
    return rows < MMN_ATTENTION_ROWS ? rows : MMN_ATTENTION_ROWS;
}

/* Places of the distances that occur: `width` from `first` on. */
static size_t first_place(const mmn_disentangled *heads)
{
    return heads->places[0];
}

static size_t width_of(const mmn_disentangled *heads)
{
    return heads->places[2 * heads->rows - 2] - first_place(heads) + 1;
}

/* Divides a thread's memory, which begins at `start` (NULL: only to measure); returns its size. */
static size_t divide(room *parts, const mmn_disentangled *heads, float *start)
{
    const size_t rows = heads->rows, head = heads->head_dim, width = width_of(heads);
    const size_t block = block_of(rows), product = mmn_matrix_product_scratch(rows);
    const size_t attention = mmn_attention_task_scratch(block, rows, head);
    const size_t sizes[] = {align(rows * head),  align(rows * head),
                            align(rows * width), align(rows * width),
                            align(block * rows), align(product > attention ? product : attention)};
    float **places[] = {&parts->rows,   &parts->packed, &parts->by_query,
                        &parts->by_key, &parts->bias,   &parts->kernels};
    size_t used = 0;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        *places[i] = start ? start + used : NULL;
        used += sizes[i];
    }
    return used;
}

size_t mmn_disentangled_scratch(const mmn_disentangled *heads)
{
    room parts;
    return divide(&parts, heads, NULL);
}

/* products [rows][width]: those of a head's rows of `contents` with the distances' vectors. */
static void multiply(const mmn_compute *compute, const mmn_disentangled *heads, const room *own,
                     size_t head, const float *contents, const uint8_t *distances, float *products)
{
    const size_t length = heads->head_dim, stride = heads->heads * length, width = width_of(heads);
    const size_t first = head * 2 * heads->span + first_place(heads);
    const float *packed = heads->rows == 1 ? own->rows : own->packed;
    bool finite;
    for (size_t row = 0; row < heads->rows; row++)
        memcpy(own->rows + row * length, contents + row * stride + head * length,
               length * sizeof(float));
    if (heads->rows > 1)
        compute->kernels->pack_input(own->packed, own->rows, length, heads->rows, length);
    compute->kernels->matrix_product(
        products, width, packed, distances + first * length * sizeof(float), MMN_WEIGHT_F32, length,
        NULL, heads->rows, width, length, own->kernels, &finite);
    if (!finite)
        mmn_finite_look(compute->watch, NULL, products, width, heads->rows, width, 0, 0);
}

/* What distances add to the scores of `count` rows from `first` on. */
static void gather(const mmn_disentangled *heads, const room *own, size_t first, size_t count)
{
    const size_t rows = heads->rows, width = width_of(heads), begin = first_place(heads);
    for (size_t i = 0; i < count; i++) {
        const uint32_t *places = heads->places + first + i + rows - 1;
        const float *by_query = own->by_query + (first + i) * width;
        float *bias = own->bias + i * rows;
        for (size_t key = 0; key < rows; key++) {
            const size_t place = *(places - key) - begin;
            bias[key] = by_query[place] + own->by_key[key * width + place];
        }
    }
}

static void attend_head(const mmn_compute *compute, const mmn_disentangled *heads, const room *own,
                        size_t head)
{
    const size_t length = heads->head_dim, stride = heads->heads * length;
    const mmn_key_span span =
        mmn_key_rows(heads->keys, heads->values, heads->rows, heads->heads, length);
    multiply(compute, heads, own, head, heads->query, heads->distance_keys, own->by_query);
    multiply(compute, heads, own, head, heads->keys, heads->distance_queries, own->by_key);
    for (size_t first = 0; first < heads->rows; first += MMN_ATTENTION_ROWS) {
        const size_t left = heads->rows - first, offset = first * stride + head * length;
        const mmn_attention_task task = {
            .query = heads->query + offset,
            .query_stride = stride,
            .spans = &span,
            .head = head,
            .output = heads->output + offset,
            .output_stride = stride,
            .rows = block_of(left),
            .key_count = heads->rows,
            .head_dim = length,
            .scale = (float)(1.0 / sqrt(3.0 * (double)length)),
            .bias = own->bias,
            .bias_stride = heads->rows,
            .scratch = own->kernels,
        };
        gather(heads, own, first, task.rows);
        compute->kernels->attention(&task);
    }
}

void mmn_attend_disentangled(const mmn_compute *compute, const mmn_disentangled *heads)
{
    const size_t floats = mmn_disentangled_scratch(heads);
    const int most = compute->threads;
    const int threads = heads->heads < (size_t)most ? (int)heads->heads : most;

    MMN_PARALLEL_FOR(threads, dynamic)
    for (size_t head = 0; head < heads->heads; head++) {
        room own;
        divide(&own, heads, heads->scratch + (size_t)mmn_thread_number() * floats);
        if (!mmn_compute_is_interrupted(compute))
            attend_head(compute, heads, &own, head);
    }
}
