/* Operations: kernels applied to whole tensors, with the outputs divided among threads. */
#include "model/operations.h"

#include <math.h>

#include "base/memory.h"
#include "base/threads.h"

/* Elementwise work is cut into pieces of this size. */
enum { ELEMENT_BLOCK = 16384 };

static size_t blocks_of(size_t count, size_t block)
{
    return (count + block - 1) / block;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

mmn_status mmn_compute_reserve(mmn_compute *compute, size_t key_count, mmn_error *error)
{
    size_t alignment = MMN_SCRATCH_ALIGNMENT / sizeof(float), needed = MMN_MATRIX_PRODUCT_SCRATCH;

    if (key_count > SIZE_MAX / sizeof(float) / 2 / MMN_ATTENTION_ROWS)
        return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "attention to %zu keys", key_count);
    if (key_count > 0 && mmn_attention_task_scratch(key_count) > needed)
        needed = mmn_attention_task_scratch(key_count);
    if (needed <= compute->scratch_floats)
        return MMN_OK;
    needed = blocks_of(needed, alignment) * alignment;
    mmn_compute_free_scratch(compute);
    compute->scratch = mmn_allocate((size_t)compute->threads, needed * sizeof(float), error);
    if (!compute->scratch)
        return MMN_SYSTEM;
    compute->scratch_floats = needed;
    return MMN_OK;
}

void mmn_compute_free_scratch(mmn_compute *compute)
{
    mmn_free(compute->scratch);
    compute->scratch = NULL;
    compute->scratch_floats = 0;
}

/* The calling thread's part of the scratch memory. */
static float *own_scratch(const mmn_compute *compute)
{
    return compute->scratch + (size_t)mmn_thread_number() * compute->scratch_floats;
}

/* How a matrix product is cut: each piece packs its rows and its weights, so that few large pieces
 * are best; but threads must have work to the end. */
typedef struct cuts {
    size_t row_blocks, block_rows, output_blocks, block_outputs;
} cuts;

static cuts cut_product(const mmn_compute *compute, size_t rows, size_t outputs)
{
    enum { PIECES = 4, LEAST_OUTPUTS = 64, LEAST_ROWS = 96 };
    size_t pieces = (size_t)compute->threads * PIECES;
    cuts c = {.row_blocks = 1, .block_rows = rows};

    c.block_outputs = blocks_of(blocks_of(outputs, pieces), LEAST_OUTPUTS) * LEAST_OUTPUTS;
    c.output_blocks = blocks_of(outputs, c.block_outputs);
    if (c.output_blocks * 2 < pieces && rows > LEAST_ROWS) {
        c.block_rows = blocks_of(rows, blocks_of(pieces, c.output_blocks));
        if (c.block_rows < LEAST_ROWS)
            c.block_rows = LEAST_ROWS;
        c.row_blocks = blocks_of(rows, c.block_rows);
    }
    return c;
}

void mmn_apply_linear(const mmn_compute *compute, float *output, const float *input, size_t rows,
                      const mmn_linear *linear)
{
    const mmn_matrix *weight = &linear->weight;
    const float *bias = linear->bias;
    size_t outputs = weight->rows, depth = weight->columns;
    size_t row_bytes = depth * mmn_weight_size(weight->type);
    const uint8_t *weights = weight->data;

    if (rows == 0 || outputs == 0)
        return;
    const cuts c = cut_product(compute, rows, outputs);
#pragma omp parallel for num_threads(compute->threads) schedule(dynamic)
    for (size_t piece = 0; piece < c.row_blocks * c.output_blocks; piece++) {
        size_t row = piece % c.row_blocks * c.block_rows;
        size_t first = piece / c.row_blocks * c.block_outputs;

        compute->kernels->matrix_product(
            output + row * outputs + first, outputs, input + row * depth, depth,
            weights + first * row_bytes, weight->type, depth, bias ? bias + first : NULL,
            smaller(c.block_rows, rows - row), smaller(c.block_outputs, outputs - first), depth,
            own_scratch(compute));
    }
}

/* A norm's rows are independent; this many make a piece of work of useful size. */
static size_t norm_rows(size_t width)
{
    return 1 + ELEMENT_BLOCK / (width + 1);
}

void mmn_rms_norm(const mmn_compute *compute, float *output, const float *input,
                  const mmn_norm *norm, size_t rows, size_t width, float epsilon)
{
    size_t block = norm_rows(width);

#pragma omp parallel for num_threads(compute->threads)
    for (size_t piece = 0; piece < blocks_of(rows, block); piece++) {
        size_t row = piece * block;
        compute->kernels->rms_norm(output + row * width, input + row * width, norm->weight,
                                   smaller(block, rows - row), width, epsilon);
    }
}

void mmn_layer_norm(const mmn_compute *compute, float *output, const float *input,
                    const mmn_norm *norm, size_t rows, size_t width, float epsilon)
{
    size_t block = norm_rows(width);

#pragma omp parallel for num_threads(compute->threads)
    for (size_t piece = 0; piece < blocks_of(rows, block); piece++) {
        size_t row = piece * block;
        compute->kernels->layer_norm(output + row * width, input + row * width, norm->weight,
                                     norm->bias, smaller(block, rows - row), width, epsilon);
    }
}

typedef void (*activation_kernel)(float *output, const float *input, size_t count);

static activation_kernel kernel_of(const mmn_kernels *kernels, mmn_activation activation)
{
    switch (activation) {
    case MMN_ACTIVATION_SILU:
        return kernels->silu;
    case MMN_ACTIVATION_GELU:
        return kernels->gelu;
    case MMN_ACTIVATION_GELU_TANH:
        return kernels->gelu_tanh;
    case MMN_ACTIVATION_QUICK_GELU:
        return kernels->quick_gelu;
    case MMN_ACTIVATION_RELU:
        return kernels->relu;
    }
    return kernels->gelu;
}

void mmn_activate(const mmn_compute *compute, mmn_activation activation, float *values,
                  size_t count)
{
    activation_kernel kernel = kernel_of(compute->kernels, activation);

#pragma omp parallel for num_threads(compute->threads)
    for (size_t piece = 0; piece < blocks_of(count, ELEMENT_BLOCK); piece++) {
        size_t first = piece * ELEMENT_BLOCK;
        kernel(values + first, values + first, smaller(ELEMENT_BLOCK, count - first));
    }
}

void mmn_accumulate(const mmn_compute *compute, float *sum, const float *addend, size_t count)
{
#pragma omp parallel for num_threads(compute->threads)
    for (size_t piece = 0; piece < blocks_of(count, ELEMENT_BLOCK); piece++) {
        size_t first = piece * ELEMENT_BLOCK;
        compute->kernels->add(sum + first, sum + first, addend + first,
                              smaller(ELEMENT_BLOCK, count - first));
    }
}

void mmn_multiply(const mmn_compute *compute, float *product, const float *factor, size_t count)
{
#pragma omp parallel for num_threads(compute->threads)
    for (size_t piece = 0; piece < blocks_of(count, ELEMENT_BLOCK); piece++) {
        size_t first = piece * ELEMENT_BLOCK;
        compute->kernels->multiply(product + first, product + first, factor + first,
                                   smaller(ELEMENT_BLOCK, count - first));
    }
}

void mmn_attend(const mmn_compute *compute, const mmn_heads *heads)
{
    size_t row_blocks = blocks_of(heads->rows, MMN_ATTENTION_ROWS);
    size_t query_stride = heads->heads * heads->head_dim;
    size_t key_stride = heads->kv_heads * heads->head_dim;
    size_t group = heads->heads / heads->kv_heads;
    /* 1/sqrt(head_dim) as Python computes head_dim**-0.5, in binary64; sqrt and division are
     * correctly rounded everywhere. */
    float scale = (float)(1.0 / sqrt((double)heads->head_dim));

#pragma omp parallel for num_threads(compute->threads) schedule(dynamic)
    for (size_t piece = 0; piece < row_blocks * heads->heads; piece++) {
        size_t head = piece / row_blocks;
        size_t row = piece % row_blocks * MMN_ATTENTION_ROWS;
        size_t query_offset = row * query_stride + head * heads->head_dim;
        size_t key_offset = head / group * heads->head_dim;
        mmn_attention_task task = {
            .query = heads->query + query_offset,
            .query_stride = query_stride,
            .keys = heads->keys + key_offset,
            .key_stride = key_stride,
            .values = heads->values + key_offset,
            .value_stride = key_stride,
            .output = heads->output + query_offset,
            .output_stride = query_stride,
            .rows = smaller(MMN_ATTENTION_ROWS, heads->rows - row),
            .key_count = heads->key_count,
            .head_dim = heads->head_dim,
            .scale = scale,
            .causal = heads->causal,
            .first_position = heads->first_position + row,
            .window = heads->window,
            .scratch = own_scratch(compute),
        };
        compute->kernels->attention(&task);
    }
}

void mmn_rotate(const mmn_compute *compute, float *values, const float *cosine, const float *sine,
                size_t rows, size_t heads, size_t head_dim)
{
    size_t stride = heads * head_dim, half = head_dim / 2;
    size_t block = norm_rows(stride);

#pragma omp parallel for num_threads(compute->threads)
    for (size_t piece = 0; piece < blocks_of(rows, block); piece++) {
        size_t row = piece * block;
        compute->kernels->rope(values + row * stride, stride, cosine + row * half,
                               sine + row * half, smaller(block, rows - row), heads, head_dim);
    }
}
