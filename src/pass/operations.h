/* Operations: kernels applied to whole tensors, with the outputs divided among threads.
 *
 * A thread owns the outputs it computes and no sum is ever divided, so the number of threads and
 * the way in which the work is cut cannot change a bit. Tensors are row-major. All need the scratch
 * memory that mmn_compute_reserve makes. Matrix products and attention leave out the rest of their
 * work when they are asked to stop; who gives them an interrupt has to check it before using what
 * they made. */
#ifndef MMN_PASS_OPERATIONS_H
#define MMN_PASS_OPERATIONS_H

#include "model/compute.h"
#include "model/weights.h"
#include "pass/probes.h"

/* Makes room for matrix products of `rows` rows of up to `widest` numbers, and for attention of
 * heads of `head_dim` numbers to `key_count` keys; 0: no attention. */
mmn_status mmn_compute_reserve(mmn_compute *compute, size_t rows, size_t widest, size_t key_count,
                               size_t head_dim, mmn_error *error);
void mmn_compute_free_scratch(mmn_compute *compute);

/* The calling thread's part of the scratch memory. */
float *mmn_compute_own_scratch(const mmn_compute *compute);

/* Whether the rest of an operation is not wanted any more. The thread that called it asks. */
bool mmn_compute_is_interrupted(const mmn_compute *compute);

/* A matrix product of an input: output [rows][outputs] = input [rows][inputs] x weight^T + bias;
 * behind it the activation of that, if any, made while the output is in a thread's cache. */
typedef struct mmn_product {
    float *output;
    const mmn_linear *linear;
    const mmn_activation *activation; /* or NULL */
} mmn_product;

/* Up to MMN_PRODUCTS of the same input, which is packed once for all. Room for them must have been
 * reserved. */
enum { MMN_PRODUCTS = 3 };
void mmn_apply_linears(const mmn_compute *compute, const mmn_product *products, size_t count,
                       const float *input, size_t rows);

/* One. */
void mmn_apply_linear(const mmn_compute *compute, float *output, const float *input, size_t rows,
                      const mmn_linear *linear);

/* One, and the activation of it. */
void mmn_apply_activated(const mmn_compute *compute, float *output, const float *input, size_t rows,
                         const mmn_linear *linear, mmn_activation activation);

/* One, whose input is packed into `room` [rows][columns] instead of what has been reserved. */
void mmn_apply_linear_in(const mmn_compute *compute, float *output, const float *input, size_t rows,
                         const mmn_linear *linear, float *room);

/* output [rows][columns] = input [rows][matrix rows] x matrix: what a product with the matrix
 * gives back to its input in the reverse pass. Room for as wide an input must have been reserved.
 */
void mmn_apply_transposed(const mmn_compute *compute, float *output, const float *input,
                          size_t rows, const mmn_matrix *matrix);

/* rows [count][columns] = rows number ids[i] of the matrix. */
void mmn_widen_rows(const mmn_compute *compute, float *rows, const mmn_matrix *matrix,
                    const int32_t *ids, size_t count);

/* output, input: [rows][width]. */
void mmn_rms_norm(const mmn_compute *compute, float *output, const float *input,
                  const mmn_norm *norm, size_t rows, size_t width, float epsilon);
void mmn_layer_norm(const mmn_compute *compute, float *output, const float *input,
                    const mmn_norm *norm, size_t rows, size_t width, float epsilon);

/* The gradient [rows][width] of what the norm read, given that of what it made. */
void mmn_rms_norm_reverse(const mmn_compute *compute, float *output, const float *gradient,
                          const float *input, const mmn_norm *norm, size_t rows, size_t width,
                          float epsilon);
void mmn_layer_norm_reverse(const mmn_compute *compute, float *output, const float *gradient,
                            const float *input, const mmn_norm *norm, size_t rows, size_t width,
                            float epsilon);

/* values [count] = activation(values), elementwise. */
void mmn_activate(const mmn_compute *compute, mmn_activation activation, float *values,
                  size_t count);
/* values [count] = the activation's derivative at them. */
void mmn_activation_slope(const mmn_compute *compute, mmn_activation activation, float *values,
                          size_t count);
/* sum[i] += addend[i]; product[i] *= factor[i]. */
void mmn_accumulate(const mmn_compute *compute, float *sum, const float *addend, size_t count);
void mmn_multiply(const mmn_compute *compute, float *product, const float *factor, size_t count);

/* Looks for numbers that are none in values [rows][width] that no product made
 * (mmn_finite_look). */
void mmn_watch_values(const mmn_compute *compute, const float *values, size_t rows, size_t width);

/* How many threads to wake for so many pieces of work; at least the calling one. */
int mmn_threads_for(const mmn_compute *compute, size_t pieces);

/* Many attention heads over one sequence: query and output, which may be the same, are
 * [rows][heads * head_dim], keys and values those of kv_heads heads at key_count positions in the
 * spans together; head h reads key-value head h / (heads / kv_heads). */
typedef struct mmn_heads {
    const float *query;
    const mmn_key_span *spans;
    float *output;
    size_t rows, key_count, heads, kv_heads, head_dim;
    bool causal;
    size_t first_position, window; /* as in mmn_attention_task */
    const float *alibi_slopes;     /* [heads], or NULL: positions do not enter the scores */
} mmn_heads;

/* Keys and values [count][kv_heads * head_dim], as products make them. */
mmn_key_span mmn_key_rows(const float *keys, const float *values, size_t count, size_t kv_heads,
                          size_t head_dim);

/* What scores are scaled by: head_dim^-1/2. */
float mmn_attention_scale(size_t head_dim);

/* Softmax attention with scores scaled by that, of each of `count` sequences that have as many
 * heads of the same size. Room for the most of key_count keys must have been reserved. A head of
 * those with a few rows each is attended to in one after the other, so that keys and values that
 * they share are read from memory once. */
void mmn_attend(const mmn_compute *compute, const mmn_heads *list, size_t count);

/* Rotary embedding of the first rotary_dim dimensions of each head of [rows][heads * head_dim], in
 * place; cosine and sine are [rows][rotary_dim / 2]. */
void mmn_rotate(const mmn_compute *compute, float *values, const float *cosine, const float *sine,
                size_t rows, size_t heads, size_t head_dim, size_t rotary_dim);

/* ---- Numbers that are not numbers ------------------------------------------------------------ */

/* The forward pass ends at the first value that is infinite or NaN. Every output of a matrix
 * product is looked at (model/compute.h) by the thread that made it, while it is at hand, and so
 * are embeddings and what each layer puts out. What was found is asked for after each part of a
 * layer, where the stage's name is known. */

/* What was found is reported as MMN_NONFINITE at stage `pattern` of `layer` (-1: none), `where`
 * ("position 7") in it, with the tensor of the layer that has such a number itself, if one has; and
 * forgotten. MMN_OK where it is let pass. */
mmn_status mmn_finite_fail(mmn_finite_watch *watch, const char *pattern, int layer,
                           const char *where, mmn_error *error);

/* The same where row and column say it all; MMN_OK where nothing was found. */
mmn_status mmn_finite_check(mmn_finite_watch *watch, const char *pattern, int layer,
                            mmn_error *error);

/* Shows a stage [rows][width], if all that was made since the one before it is finite. */
mmn_status mmn_show_rows(const mmn_compute *compute, const mmn_probes *probes, const char *pattern,
                         int layer, float *data, size_t rows, size_t width, mmn_error *error);

#endif
