/* The kernel table: every arithmetic operation that a result can depend on.
 *
 * One line of MMN_KERNELS per kernel: its name and its arguments. The comment above a line is the
 * kernel's contract; doc/numerics.md states the order of operations that each one has. The
 * functions in reference/ DEFINE the bits; every other implementation must give the same ones.
 *
 * Kernels run on the calling thread, keep no state, do not allocate and cannot fail: callers check
 * shapes beforehand and divide the outputs among threads. Strides count elements. Pointers to
 * weights may have any alignment, since they point into mapped files. */
#ifndef MMN_REFERENCE_KERNELS_H
#define MMN_REFERENCE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* The terms of a long product are added up in panels of this many. */
#define MMN_PANEL ((size_t)256)

/* How weights are stored, little-endian, in a checkpoint. */
typedef enum mmn_weight_type { MMN_WEIGHT_F32, MMN_WEIGHT_F16, MMN_WEIGHT_BF16 } mmn_weight_type;

/* Bytes of one stored weight. */
static inline size_t mmn_weight_size(mmn_weight_type type)
{
    return type == MMN_WEIGHT_F32 ? 4 : 2;
}

/* Keys and values of consecutive positions. Those of head h at position p begin at number
 * h * head_stride + p * stride: a head's may lie together, or a position's. */
typedef struct mmn_key_span {
    const float *keys, *values;
    size_t count, stride, head_stride;
} mmn_key_span;

/* Queries of one attention head against the keys and values of one sequence. */
typedef struct mmn_attention_task {
    const float *query; /* [rows][head_dim] */
    size_t query_stride;
    /* Of key_count keys, or more, together; key j is position j of the sequence. */
    const mmn_key_span *spans;
    size_t head; /* whose keys and values they are */
    float *output; /* [rows][head_dim]; may be the query */
    size_t output_stride;
    size_t rows, key_count, head_dim;
    float scale; /* multiplies each finished score */
    /* [rows][key_count], bias_stride apart: added to each product, which is then scaled; NULL:
     * nothing is. */
    const float *bias;
    size_t bias_stride;
    float alibi_slope; /* not 0: slope * j is added to the scaled score of key j (ALiBi) */
    /* Row r stands at position first_position + r. Causal: it sees keys j <= its position, and with
     * window > 0 only j > position - window. Not causal: it sees every key. */
    _Bool causal;
    size_t first_position, window;
    float *scratch; /* mmn_attention_task_scratch floats, aligned to MMN_SCRATCH_ALIGNMENT */
} mmn_attention_task;

/* What a kernel may write to while it runs, and only then. Callers allocate it for each thread. */
enum {
    MMN_SCRATCH_ALIGNMENT = 64, /* bytes */
    MMN_STRIP_ROWS = 12,        /* a multiple of every table's strip_rows */
    MMN_MATRIX_PRODUCT_OUTPUTS = 128, /* of a block of weights */
    MMN_MATRIX_PRODUCT_BLOCK = MMN_MATRIX_PRODUCT_OUTPUTS * 4 * 256, /* floats: its weights */
    /* Rows of attention at work together: as many as have so many scores, within two bounds. */
    MMN_ATTENTION_SCORES = 1 << 18,
    MMN_ATTENTION_LEAST = 96,
    MMN_ATTENTION_ROWS = 192,
    MMN_ATTENTION_TILE = 64, /* the most keys, or elements of values, of a tile */
    /* Of a product in binary64: rows that are packed together, a multiple of every table's tile;
     * and doubles: a panel of them, and of the outputs of a tile. */
    MMN_PRODUCT_F64_ROWS = 96,
    MMN_PRODUCT_F64_SCRATCH = (MMN_PRODUCT_F64_ROWS + 16) * 256,
};

/* Floats of scratch memory for a matrix product of up to `rows` rows: a block of weights, and the
 * totals of its outputs, of whole strips of rows. */
static inline size_t mmn_matrix_product_scratch(size_t rows)
{
    const size_t strips = (rows + MMN_STRIP_ROWS - 1) / MMN_STRIP_ROWS;

    return MMN_MATRIX_PRODUCT_BLOCK + strips * MMN_STRIP_ROWS * MMN_MATRIX_PRODUCT_OUTPUTS;
}

/* The span that has key number *key, which becomes its number there. */
static inline const mmn_key_span *mmn_attention_span(const mmn_attention_task *task, size_t *key)
{
    const mmn_key_span *span = task->spans;
    for (; *key >= span->count; span++)
        *key -= span->count;
    return span;
}

/* Where the head's key, and its value, stand in a span that has it as number `place`. */
static inline size_t mmn_attention_place(const mmn_attention_task *task, const mmn_key_span *span,
                                         size_t place)
{
    return task->head * span->head_stride + place * span->stride;
}

/* How many rows of a task are at work together: their scores are to stay in the cache. They are
 * whole strips of any table. */
static inline size_t mmn_attention_block(size_t key_count)
{
    const size_t rows = MMN_ATTENTION_SCORES / (key_count + 1) / MMN_STRIP_ROWS * MMN_STRIP_ROWS;

    return rows < MMN_ATTENTION_LEAST ? MMN_ATTENTION_LEAST
                                      : rows < MMN_ATTENTION_ROWS ? rows : MMN_ATTENTION_ROWS;
}

/* Keys, or values, for which a task of several blocks has room: tiles and panels begin before the
 * first one and end behind the last one. */
static inline size_t mmn_attention_keys(size_t key_count)
{
    return (key_count + MMN_PANEL - 1) / MMN_PANEL * MMN_PANEL + MMN_PANEL;
}

/* Floats of scratch memory for an mmn_attention_task of up to `rows` rows over `key_count` keys or
 * less: the scores of a block's rows, the rows, and keys and values: a tile of them for one block,
 * all for several. */
static inline size_t mmn_attention_task_scratch(size_t rows, size_t key_count, size_t head_dim)
{
    const size_t line = 16, block = mmn_attention_block(key_count);
    const size_t together = rows < MMN_ATTENTION_ROWS ? rows : MMN_ATTENTION_ROWS;
    const size_t packed = mmn_attention_keys(key_count) * (2 * head_dim + MMN_ATTENTION_TILE);
    const size_t floats = together * (key_count + MMN_ATTENTION_TILE + 16 + MMN_PANEL) +
                          MMN_ATTENTION_TILE * MMN_PANEL + (rows > block ? packed : 0);

    return (floats + line - 1) / line * line;
}

#define MMN_KERNELS(KERNEL)                                                                        \
    /* Packs input [rows][depth], rows input_stride elements apart, as this table's products read  \
     * it, into rows * depth numbers: strips of strip_rows rows, each [depth][rows of the strip];  \
     * the last has those that are left. So strip number i begins at i * strip_rows * depth, and a \
     * single row is packed already. */                                                            \
    KERNEL(pack_input, (float *packed, const float *input, size_t input_stride, size_t rows,       \
                        size_t depth))                                                             \
    /* output[m][n] = sum over k of input[m][k] * weight[n][k], in panels of 256 along k, plus     \
     * bias[n] (bias may be NULL); the input is packed, or whole strips of one that is. weight is  \
     * [outputs][depth] of `type`, rows weight_stride elements apart. scratch:                     \
     * mmn_matrix_product_scratch(rows) floats. *finite: whether no output is infinite or NaN. */  \
    KERNEL(matrix_product,                                                                         \
           (float *output, size_t output_stride, const float *packed, const void *weight,          \
            mmn_weight_type type, size_t weight_stride, const float *bias, size_t rows,            \
            size_t outputs, size_t depth, float *scratch, _Bool *finite))                          \
    /* The product with a matrix as it would be transposed: output[m][n] = sum over k of           \
     * input[m][k] * weight[k][n], in panels of 256 along k. Input and scratch are as those of     \
     * matrix_product; weight is [depth][outputs] of `type`, rows weight_stride elements apart. */ \
    KERNEL(transposed_product,                                                                     \
           (float *output, size_t output_stride, const float *packed, const void *weight,          \
            mmn_weight_type type, size_t weight_stride, size_t rows, size_t outputs, size_t depth, \
            float *scratch))                                                                       \
    /* In binary64: adds to output[m][n] the sum over k of a[k][m] * b[k][n], panel by panel of    \
     * 256 along k. a [depth][rows] and b [depth][outputs] may be the same; output is neither.     \
     * scratch: MMN_PRODUCT_F64_SCRATCH doubles. */                                                \
    KERNEL(product_f64,                                                                            \
           (double *output, size_t output_stride, const double *a, size_t a_stride,                \
            const double *b, size_t b_stride, size_t rows, size_t outputs, size_t depth,           \
            double *scratch))                                                                      \
    /* softmax(scale * (query . keys + bias) + alibi) weighted sum of values, for the rows of one    \
     * head. */                                                                                    \
    KERNEL(attention, (const mmn_attention_task *task))                                            \
    /* x / sqrt(mean(x^2) + epsilon) * weight, for each of `rows` contiguous rows. */              \
    KERNEL(rms_norm, (float *output, const float *input, const float *weight, size_t rows,         \
                      size_t width, float epsilon))                                                \
    /* (x - mean) / sqrt(variance + epsilon) * weight + bias, variance with divisor `width`. */    \
    KERNEL(layer_norm, (float *output, const float *input, const float *weight,                    \
                        const float *bias, size_t rows, size_t width, float epsilon))              \
    /* The reverse of the two norms: the gradient of `input` [rows][width], given that of what the \
     * norm made of it. output is neither of them. */                                              \
    KERNEL(rms_norm_reverse,                                                                       \
           (float *output, const float *gradient, const float *input, const float *weight,         \
            size_t rows, size_t width, float epsilon))                                             \
    KERNEL(layer_norm_reverse,                                                                     \
           (float *output, const float *gradient, const float *input, const float *weight,         \
            size_t rows, size_t width, float epsilon))                                             \
    /* softmax of each row, in place. */                                                           \
    KERNEL(softmax, (float *values, size_t rows, size_t width))                                    \
    /* The reverse of softmax(scale * x): the gradient of its rows becomes that of x, in place. */ \
    KERNEL(softmax_reverse, (float *gradient, const float *probabilities, size_t rows,             \
                             size_t width, float scale))                                           \
    /* cos and sin of position * frequencies[i], i < head_dim/2, for `positions` positions from    \
     * first_position on: [positions][head_dim/2] each. */                                         \
    KERNEL(rope_table, (float *cosine, float *sine, size_t first_position, size_t positions,       \
                        size_t head_dim, const float *frequencies))                                \
    /* Rotates the halves of each of `heads` vectors of each of `rows` rows, in place;             \
     * cosine and sine are [rows][head_dim/2]. */                                                  \
    KERNEL(rope, (float *values, size_t row_stride, const float *cosine, const float *sine,        \
                  size_t rows, size_t heads, size_t head_dim))                                     \
    /* Elementwise, output may be the input. gelu is the erf form, gelu_tanh the tanh form. */     \
    KERNEL(silu, (float *output, const float *input, size_t count))                                \
    KERNEL(gelu, (float *output, const float *input, size_t count))                                \
    KERNEL(gelu_tanh, (float *output, const float *input, size_t count))                           \
    KERNEL(quick_gelu, (float *output, const float *input, size_t count))                          \
    KERNEL(relu, (float *output, const float *input, size_t count))                                \
    /* Their derivatives. */                                                                       \
    KERNEL(silu_slope, (float *output, const float *input, size_t count))                          \
    KERNEL(gelu_slope, (float *output, const float *input, size_t count))                          \
    KERNEL(gelu_tanh_slope, (float *output, const float *input, size_t count))                     \
    KERNEL(quick_gelu_slope, (float *output, const float *input, size_t count))                    \
    KERNEL(relu_slope, (float *output, const float *input, size_t count))                          \
    KERNEL(add, (float *output, const float *a, const float *b, size_t count))                     \
    KERNEL(multiply, (float *output, const float *a, const float *b, size_t count))                \
    /* Widens stored weights to f32, exactly. */                                                   \
    KERNEL(widen, (float *output, const void *input, mmn_weight_type type, size_t count))          \
    /* Rounds f32 to the nearest f16 or bf16, ties to even, as bits; NaN becomes quiet. */         \
    KERNEL(narrow, (void *output, mmn_weight_type type, const float *input, size_t count))         \
    /* Adds to active[n] the number of rows with value > 0, and to sum[n] each value as a          \
     * multiple of 2^-20 (nearest, ties to even; limited to +-2^20; NaN counts as 0). */           \
    KERNEL(count_active, (int64_t *active, int64_t *sum, const float *values, size_t stride,       \
                          size_t rows, size_t neurons))                                            \
    /* Natural logarithm in binary64, for entropies. */                                            \
    KERNEL(log_f64, (double *output, const double *input, size_t count))                           \
    /* One pass of Pillow's 8-bit resampling along x: output pixel x of each row is made of        \
     * lengths[x] input pixels from starts[x] on, with 22-bit fixed-point coefficients             \
     * [width][taps]; `channels` interleaved. Rows are input_width resp. width pixels long. */     \
    KERNEL(resize_horizontal,                                                                      \
           (uint8_t *output, size_t width, const uint8_t *input, size_t input_width, size_t rows,  \
            size_t channels, const int32_t *coefficients, size_t taps, const int32_t *starts,      \
            const int32_t *lengths))                                                               \
    /* The same along y: output row y is made of lengths[y] input rows from starts[y] on;          \
     * a row is row_bytes long. */                                                                 \
    KERNEL(resize_vertical, (uint8_t *output, size_t height, const uint8_t *input,                 \
                             size_t row_bytes, const int32_t *coefficients, size_t taps,           \
                             const int32_t *starts, const int32_t *lengths))

typedef struct mmn_kernels {
    const char *name;  /* "reference", "avx2", ... as --simd accepts it */
    size_t strip_rows; /* of a packed input */
#define MMN_KERNEL_POINTER(kernel, arguments) void(*kernel) arguments;
    MMN_KERNELS(MMN_KERNEL_POINTER)
#undef MMN_KERNEL_POINTER
} mmn_kernels;

/* The canonical kernels: plain C, on every machine. */
const mmn_kernels *mmn_kernels_reference(void);

/* The table called `name`, or the fastest that this processor can run when name is NULL or "auto".
 * NULL when there is no such table or the processor lacks its instructions. */
const mmn_kernels *mmn_kernels_select(const char *name);

/* The names that mmn_kernels_select knows in this build, slowest first, ending with NULL; whether
 * the processor can run one is what mmn_kernels_select answers. */
const char *const *mmn_kernels_names(void);

/* base^exponent for base > 0, in binary64: the exponential of the product with the logarithm. */
double mmn_power(double base, double exponent);

/* theta^(-2i/head_dim), i < head_dim/2, each step rounded to f32 as PyTorch rounds it: the
 * frequencies of the rotary embedding. Computed once for a model, the same for all tables. */
void mmn_rope_frequencies(float *frequencies, size_t head_dim, double theta);

/* Checks on the calling thread that the compiler and the processor's control register keep the
 * arithmetic that doc/numerics.md is written for: no contraction, round to nearest, denormals
 * kept, a correctly rounded fma. Returns NULL, or what is wrong. */
const char *mmn_arithmetic_fault(void);

#endif
