/* Operations: kernels applied to whole tensors, with the outputs divided among threads. */
#include "pass/operations.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"

/* Elementwise work is cut into pieces of ELEMENT_BLOCK. A piece of a matrix product has LEAST_WORK
 * multiply-adds, so that waking a thread for it is worth its while. */
enum { ELEMENT_BLOCK = 16384, LEAST_WORK = 1 << 18 };

/* Rows that make a piece of work of useful size, where rows are independent. */
static size_t rows_of_piece(size_t width)
{
    return 1 + ELEMENT_BLOCK / (width + 1);
}

int mmn_threads_for(const mmn_compute *compute, size_t pieces)
{
    size_t useful = pieces > 0 ? pieces : 1;

    return useful < (size_t)compute->threads ? (int)useful : compute->threads;
}

static mmn_status reserve_packed(mmn_compute *compute, size_t rows, size_t widest, mmn_error *error)
{
    if (rows < 2 || widest <= compute->packed_floats / rows)
        return MMN_OK;
    mmn_free(compute->packed);
    compute->packed_floats = 0;
    MMN_NEED(compute->packed = mmn_allocate(rows, widest * sizeof(float), error));
    compute->packed_floats = rows * widest;
    return MMN_OK;
}

static mmn_status reserve_scratch(mmn_compute *compute, size_t rows, size_t key_count,
                                  size_t head_dim, mmn_error *error)
{
    size_t alignment = MMN_SCRATCH_ALIGNMENT / sizeof(float);
    size_t needed = mmn_matrix_product_scratch(rows);

    if (key_count > SIZE_MAX / sizeof(float) / 4 / (MMN_ATTENTION_ROWS + head_dim))
        return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "attention to %zu keys", key_count);
    const size_t attention = mmn_attention_task_scratch(rows, key_count, head_dim);
    if (key_count > 0 && attention > needed)
        needed = attention;
    if (needed <= compute->scratch_floats)
        return MMN_OK;
    needed = mmn_pieces(needed, alignment) * alignment;
    mmn_free(compute->scratch);
    compute->scratch_floats = 0;
    compute->scratch = mmn_allocate((size_t)compute->threads, needed * sizeof(float), error);
    MMN_NEED(compute->scratch);
    compute->scratch_floats = needed;
    return MMN_OK;
}

/* A watch of its own, which begins as the model's does. */
static mmn_status reserve_watch(mmn_compute *compute, mmn_error *error)
{
    if (!compute->watch || compute->owns_watch)
        return MMN_OK;
    mmn_finite_watch *own = mmn_allocate(1, sizeof(*own), error);
    MMN_NEED(own);
    *own = *compute->watch;
    compute->watch = own;
    compute->owns_watch = true;
    return MMN_OK;
}

mmn_status mmn_compute_reserve(mmn_compute *compute, size_t rows, size_t widest, size_t key_count,
                               size_t head_dim, mmn_error *error)
{
    MMN_TRY(reserve_packed(compute, rows, widest, error));
    MMN_TRY(reserve_scratch(compute, rows, key_count, head_dim, error));
    return reserve_watch(compute, error);
}

void mmn_compute_free_scratch(mmn_compute *compute)
{
    mmn_free(compute->scratch);
    mmn_free(compute->packed);
    if (compute->owns_watch) {
        mmn_free(compute->watch);
        compute->watch = NULL;
        compute->owns_watch = false;
    }
    compute->scratch = compute->packed = NULL;
    compute->scratch_floats = compute->packed_floats = 0;
}

float *mmn_compute_own_scratch(const mmn_compute *compute)
{
    return compute->scratch + (size_t)mmn_thread_number() * compute->scratch_floats;
}

/* The least rows, `rows` or more, that are strips of a packed input. */
static size_t whole_strips(const mmn_compute *compute, size_t rows)
{
    return mmn_pieces(rows, compute->kernels->strip_rows) * compute->kernels->strip_rows;
}

/* A matrix product and how it is cut. Every piece packs its weights, so that rows are cut only
 * where there would be too few pieces; outputs are cut as finely as a kernel's own blocks, for that
 * costs nothing and processors that are slower than others get less to do. */
typedef struct cut_product {
    size_t rows, outputs, depth;
    size_t row_blocks, block_rows, output_blocks, block_outputs;
} cut_product;

/* Outputs first to first + outputs - 1 of some rows. */
typedef struct product_piece {
    size_t row, rows, first, outputs;
} product_piece;

static cut_product cut(const mmn_compute *compute, size_t rows, size_t outputs, size_t depth)
{
    enum { PIECES = 4, LEAST_OUTPUTS = 64, LEAST_ROWS = 96 };
    size_t pieces = (size_t)compute->threads * PIECES;
    double worthwhile = (double)rows * (double)outputs * (double)depth / LEAST_WORK;
    if (worthwhile < (double)pieces)
        pieces = worthwhile < 1.0 ? 1 : (size_t)worthwhile;
    cut_product c = {
        .rows = rows, .outputs = outputs, .depth = depth, .row_blocks = 1, .block_rows = rows};

    if (outputs == 0)
        return c;
    c.block_outputs = mmn_pieces(mmn_pieces(outputs, pieces), LEAST_OUTPUTS) * LEAST_OUTPUTS;
    c.output_blocks = mmn_pieces(outputs, c.block_outputs);
    if (c.output_blocks * 2 < pieces && rows > LEAST_ROWS) {
        c.block_rows = mmn_pieces(rows, mmn_pieces(pieces, c.output_blocks));
        if (c.block_rows < LEAST_ROWS)
            c.block_rows = LEAST_ROWS;
        c.block_rows = whole_strips(compute, c.block_rows);
        c.row_blocks = mmn_pieces(rows, c.block_rows);
    } else if (c.block_outputs > MMN_MATRIX_PRODUCT_OUTPUTS && rows > LEAST_ROWS) {
        c.block_outputs = MMN_MATRIX_PRODUCT_OUTPUTS;
        c.output_blocks = mmn_pieces(outputs, c.block_outputs);
    }
    return c;
}

static size_t pieces_of(const cut_product *c)
{
    return c->row_blocks * c->output_blocks;
}

static product_piece piece_of(const cut_product *c, size_t number)
{
    const size_t row = number % c->row_blocks * c->block_rows;
    const size_t first = number / c->row_blocks * c->block_outputs;

    return (product_piece){.row = row,
                           .rows = mmn_smaller(c->block_rows, c->rows - row),
                           .first = first,
                           .outputs = mmn_smaller(c->block_outputs, c->outputs - first)};
}

/* Packs the input into `room`, where every piece of the products then reads it. A single row is
 * packed already. */
static const float *pack_input(const mmn_compute *compute, float *room, const float *input,
                               size_t rows, size_t depth)
{
    size_t block = whole_strips(compute, rows_of_piece(depth));

    if (rows == 1)
        return input;
    MMN_PARALLEL_FOR(mmn_threads_for(compute, mmn_pieces(rows, block)), static)
    for (size_t row = 0; row < rows; row += block)
        compute->kernels->pack_input(room + row * depth, input + row * depth, depth,
                                     mmn_smaller(block, rows - row), depth);
    return room;
}

bool mmn_compute_is_interrupted(const mmn_compute *compute)
{
    return mmn_thread_number() == 0 ? mmn_interrupt_ask(compute->interrupt)
                                    : mmn_interrupt_said(compute->interrupt);
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

static void multiply_piece(const mmn_compute *compute, mmn_finite_watch *watch,
                           const mmn_product *product, const cut_product *c, const float *packed,
                           size_t number)
{
    const mmn_linear *linear = product->linear;
    const mmn_matrix *weight = &linear->weight;
    const product_piece piece = piece_of(c, number);
    float *output = product->output + piece.row * c->outputs + piece.first;
    const uint8_t *weights = weight->data;
    bool finite;

    compute->kernels->matrix_product(
        output, c->outputs, packed + piece.row * c->depth,
        weights + piece.first * c->depth * mmn_weight_size(weight->type), weight->type, c->depth,
        linear->bias ? linear->bias + piece.first : NULL, piece.rows, piece.outputs, c->depth,
        mmn_compute_own_scratch(compute), &finite);
    if (!finite)
        mmn_finite_look(watch, linear, output, c->outputs, piece.rows, piece.outputs, piece.row,
                        piece.first);
    for (size_t row = 0; product->activation && row < piece.rows; row++, output += c->outputs)
        kernel_of(compute->kernels, *product->activation)(output, output, piece.outputs);
}

static void apply(const mmn_compute *compute, const mmn_product *products, size_t count,
                  const float *input, size_t rows, float *room)
{
    cut_product cuts[MMN_PRODUCTS];
    size_t pieces = 0;

    if (rows == 0)
        return;
    const float *packed = pack_input(compute, room, input, rows, products->linear->weight.columns);
    for (size_t i = 0; i < count; i++) {
        const mmn_matrix *weight = &products[i].linear->weight;
        cuts[i] = cut(compute, rows, weight->rows, weight->columns);
        pieces += pieces_of(&cuts[i]);
    }
    mmn_finite_watch *watch = mmn_finite_found(compute->watch) ? NULL : compute->watch;
    MMN_PARALLEL_FOR(mmn_threads_for(compute, pieces), dynamic)
    for (size_t piece = 0; piece < pieces; piece++) {
        size_t i = 0, own = piece;

        for (; own >= pieces_of(&cuts[i]); i++)
            own -= pieces_of(&cuts[i]);
        if (!mmn_compute_is_interrupted(compute))
            multiply_piece(compute, watch, &products[i], &cuts[i], packed, own);
    }
}

void mmn_apply_linears(const mmn_compute *compute, const mmn_product *products, size_t count,
                       const float *input, size_t rows)
{
    apply(compute, products, count, input, rows, compute->packed);
}

void mmn_apply_linear(const mmn_compute *compute, float *output, const float *input, size_t rows,
                      const mmn_linear *linear)
{
    mmn_apply_linears(compute, &(mmn_product){output, linear, NULL}, 1, input, rows);
}

void mmn_apply_activated(const mmn_compute *compute, float *output, const float *input, size_t rows,
                         const mmn_linear *linear, mmn_activation activation)
{
    mmn_apply_linears(compute, &(mmn_product){output, linear, &activation}, 1, input, rows);
}

void mmn_apply_linear_in(const mmn_compute *compute, float *output, const float *input, size_t rows,
                         const mmn_linear *linear, float *room)
{
    apply(compute, &(mmn_product){output, linear, NULL}, 1, input, rows, room);
}

void mmn_widen_rows(const mmn_compute *compute, float *rows, const mmn_matrix *matrix,
                    const int32_t *ids, size_t count)
{
    size_t width = matrix->columns, bytes = width * mmn_weight_size(matrix->type);

    for (size_t i = 0; i < count; i++)
        compute->kernels->widen(rows + i * width,
                                (const uint8_t *)matrix->data + (size_t)ids[i] * bytes,
                                matrix->type, width);
}

void mmn_apply_transposed(const mmn_compute *compute, float *output, const float *input,
                          size_t rows, const mmn_matrix *matrix)
{
    const uint8_t *stored = matrix->data;
    const size_t outputs = matrix->columns, depth = matrix->rows;

    if (rows == 0)
        return;
    const cut_product c = cut(compute, rows, outputs, depth);
    const float *packed = pack_input(compute, compute->packed, input, rows, depth);
    MMN_PARALLEL_FOR(mmn_threads_for(compute, pieces_of(&c)), dynamic)
    for (size_t number = 0; number < pieces_of(&c); number++) {
        const product_piece piece = piece_of(&c, number);

        if (!mmn_compute_is_interrupted(compute))
            compute->kernels->transposed_product(
                output + piece.row * outputs + piece.first, outputs, packed + piece.row * depth,
                stored + piece.first * mmn_weight_size(matrix->type), matrix->type, outputs,
                piece.rows, piece.outputs, depth, mmn_compute_own_scratch(compute));
    }
}

void mmn_rms_norm(const mmn_compute *compute, float *output, const float *input,
                  const mmn_norm *norm, size_t rows, size_t width, float epsilon)
{
    size_t block = rows_of_piece(width);

    MMN_PARALLEL_FOR(mmn_threads_for(compute, mmn_pieces(rows, block)), static)
    for (size_t row = 0; row < rows; row += block)
        compute->kernels->rms_norm(output + row * width, input + row * width, norm->weight,
                                   mmn_smaller(block, rows - row), width, epsilon);
}

void mmn_layer_norm(const mmn_compute *compute, float *output, const float *input,
                    const mmn_norm *norm, size_t rows, size_t width, float epsilon)
{
    size_t block = rows_of_piece(width);

    MMN_PARALLEL_FOR(mmn_threads_for(compute, mmn_pieces(rows, block)), static)
    for (size_t row = 0; row < rows; row += block)
        compute->kernels->layer_norm(output + row * width, input + row * width, norm->weight,
                                     norm->bias, mmn_smaller(block, rows - row), width, epsilon);
}

void mmn_rms_norm_reverse(const mmn_compute *compute, float *output, const float *gradient,
                          const float *input, const mmn_norm *norm, size_t rows, size_t width,
                          float epsilon)
{
    size_t block = rows_of_piece(width);

    MMN_PARALLEL_FOR(mmn_threads_for(compute, mmn_pieces(rows, block)), static)
    for (size_t row = 0; row < rows; row += block)
        compute->kernels->rms_norm_reverse(output + row * width, gradient + row * width,
                                           input + row * width, norm->weight,
                                           mmn_smaller(block, rows - row), width, epsilon);
}

void mmn_layer_norm_reverse(const mmn_compute *compute, float *output, const float *gradient,
                            const float *input, const mmn_norm *norm, size_t rows, size_t width,
                            float epsilon)
{
    size_t block = rows_of_piece(width);

    MMN_PARALLEL_FOR(mmn_threads_for(compute, mmn_pieces(rows, block)), static)
    for (size_t row = 0; row < rows; row += block)
        compute->kernels->layer_norm_reverse(output + row * width, gradient + row * width,
                                             input + row * width, norm->weight,
                                             mmn_smaller(block, rows - row), width, epsilon);
}

static activation_kernel slope_of(const mmn_kernels *kernels, mmn_activation activation)
{
    switch (activation) {
    case MMN_ACTIVATION_SILU:
        return kernels->silu_slope;
    case MMN_ACTIVATION_GELU:
        return kernels->gelu_slope;
    case MMN_ACTIVATION_GELU_TANH:
        return kernels->gelu_tanh_slope;
    case MMN_ACTIVATION_QUICK_GELU:
        return kernels->quick_gelu_slope;
    case MMN_ACTIVATION_RELU:
        return kernels->relu_slope;
    }
    return kernels->gelu_slope;
}

/* values [count] = kernel(values). */
static void apply_elementwise(const mmn_compute *compute, activation_kernel kernel, float *values,
                              size_t count)
{
    MMN_PARALLEL_FOR(mmn_threads_for(compute, mmn_pieces(count, ELEMENT_BLOCK)), static)
    for (size_t first = 0; first < count; first += ELEMENT_BLOCK)
        kernel(values + first, values + first, mmn_smaller(ELEMENT_BLOCK, count - first));
}

void mmn_activate(const mmn_compute *compute, mmn_activation activation, float *values,
                  size_t count)
{
    apply_elementwise(compute, kernel_of(compute->kernels, activation), values, count);
}

void mmn_activation_slope(const mmn_compute *compute, mmn_activation activation, float *values,
                          size_t count)
{
    apply_elementwise(compute, slope_of(compute->kernels, activation), values, count);
}

void mmn_accumulate(const mmn_compute *compute, float *sum, const float *addend, size_t count)
{
    MMN_PARALLEL_FOR(mmn_threads_for(compute, mmn_pieces(count, ELEMENT_BLOCK)), static)
    for (size_t first = 0; first < count; first += ELEMENT_BLOCK)
        compute->kernels->add(sum + first, sum + first, addend + first,
                              mmn_smaller(ELEMENT_BLOCK, count - first));
}

void mmn_multiply(const mmn_compute *compute, float *product, const float *factor, size_t count)
{
    MMN_PARALLEL_FOR(mmn_threads_for(compute, mmn_pieces(count, ELEMENT_BLOCK)), static)
    for (size_t first = 0; first < count; first += ELEMENT_BLOCK)
        compute->kernels->multiply(product + first, product + first, factor + first,
                                   mmn_smaller(ELEMENT_BLOCK, count - first));
}

void mmn_watch_values(const mmn_compute *compute, const float *values, size_t rows, size_t width)
{
    size_t block = rows_of_piece(width);
    mmn_finite_watch *watch = mmn_finite_found(compute->watch) ? NULL : compute->watch;

    MMN_PARALLEL_FOR(mmn_threads_for(compute, mmn_pieces(rows, block)), static)
    for (size_t row = 0; row < rows; row += block)
        mmn_finite_look(watch, NULL, values + row * width, width, mmn_smaller(block, rows - row),
                        width, row, 0);
}

void mmn_rotate(const mmn_compute *compute, float *values, const float *cosine, const float *sine,
                size_t rows, size_t heads, size_t head_dim, size_t rotary_dim)
{
    size_t stride = heads * head_dim, half = rotary_dim / 2;
    size_t block = rows_of_piece(stride);
    /* Heads that rotate as a whole are rotated together, others each by itself. */
    size_t together = rotary_dim == head_dim ? heads : 1;

    MMN_PARALLEL_FOR(mmn_threads_for(compute, mmn_pieces(rows, block)), static)
    for (size_t row = 0; row < rows; row += block)
        for (size_t head = 0; head < heads; head += together)
            compute->kernels->rope(values + row * stride + head * head_dim, stride,
                                   cosine + row * half, sine + row * half,
                                   mmn_smaller(block, rows - row), together, rotary_dim);
}
