/* The matrix product of a few rows: memory has to bring every weight, and nothing may make it wait.
 *
 * Weights are used as they come: UNIT rows of them, or twice as many, are transposed in registers,
 * a cache line of each at a time, and multiplied at once. Nothing is packed. While a line is worked
 * on, the same rows are prefetched AHEAD bytes further on, one by one among the multiplications, so
 * that memory never rests. Included after strips.h. */
#ifndef MMN_SIMD_FEW_ROWS_H
#define MMN_SIMD_FEW_ROWS_H

enum {
    FEW_ROWS = 12, /* beyond, packing costs less than it saves */
    FEW_STRIPS = (FEW_ROWS + TILE_ROWS - 1) / TILE_ROWS,
    MOST_UNITS = 2, /* of outputs, side by side */
    AHEAD = 512,   /* a panel of 16-bit weights: far enough for memory, near enough for the
                      first-level cache */
};

/* The input, and weights and outputs of UNIT * FEW_UNITS(rows). */
typedef struct few_rows {
    const float *input; /* in strips */
    size_t depth;
    float *output;
    size_t output_stride;
    const float *bias;     /* of the first output, or NULL */
    float *witness;        /* as a tile's */
    const uint8_t *weight; /* of the first output: [depth] */
    size_t stride;         /* bytes from one output's weights to the next one's */
    const uint8_t *next;   /* the weights of the outputs that come next */
} few_rows;

/* The rows of the strip that has row `row`, of all `rows`. */
static inline __attribute__((always_inline)) size_t strip_width(const size_t rows, const size_t row)
{
    const size_t rest = rows - row / TILE_ROWS * TILE_ROWS;

    return rest < TILE_ROWS ? rest : TILE_ROWS;
}

/* Adds the products of one k: `weights` are those of UNIT outputs for each of `units` units;
 * `strips` are the panel's. */
static inline __attribute__((always_inline)) void
few_step(const size_t rows, const size_t units, unit_f32 chains[FEW_ROWS][MOST_UNITS],
         const float *const strips[FEW_STRIPS], size_t k, const unit_f32 weights[MOST_UNITS])
{
    EACH(row, rows, FEW_ROWS) {
        const float *x =
            strips[row / TILE_ROWS] + k * strip_width(rows, row) + row % TILE_ROWS;
        const unit_f32 factor = unit_set(*x);

        EACH(unit, units, MOST_UNITS)
            chains[row][unit] = unit_fma(factor, weights[unit], chains[row][unit]);
    }
}

/* The first, or the only number of a column's 32 bits, and the second. */
static inline __attribute__((always_inline)) unit_f32 first_number(const mmn_weight_type type,
                                                                   unit_u32 column)
{
    return type == MMN_WEIGHT_F32   ? unit_of_bits(column)
           : type == MMN_WEIGHT_F16 ? unit_of_f16(column)
                                    : unit_of_bits(unit_shift_left(column, 16));
}

static inline __attribute__((always_inline)) unit_f32 second_number(const mmn_weight_type type,
                                                                    unit_u32 column)
{
    return type == MMN_WEIGHT_F16 ? unit_of_f16(unit_shift_right(column, 16))
                                  : unit_of_bits(unit_and(column, unit_set_bits(0xffff0000)));
}

/* As many k as a cache line has numbers, of the rows of weights that begin at `line`. Meanwhile the
 * lines from `ahead` on are prefetched. */
static inline __attribute__((always_inline)) void
few_line(const size_t rows, const size_t units, const mmn_weight_type type,
         unit_f32 chains[FEW_ROWS][MOST_UNITS], const float *const strips[FEW_STRIPS], size_t k,
         const uint8_t *line, const uint8_t *ahead, size_t stride)
{
    const size_t numbers = type == MMN_WEIGHT_F32 ? 1 : 2; /* in a column's 32 bits */

    UNROLL_LONG
    for (size_t part = 0; part < LINE / 4; part += TRANSPOSED) {
        unit_u32 columns[MOST_UNITS][TRANSPOSED];

        EACH(unit, units, MOST_UNITS) {
            const uint8_t *rows_of_unit = line + 4 * part + unit * UNIT * stride;

            OPAQUE(rows_of_unit);
            unit_columns(columns[unit], rows_of_unit, stride);
        }
        UNROLL_LONG
        for (size_t i = 0; i < TRANSPOSED; i++) {
            const size_t column = part + i;
            unit_f32 weights[MOST_UNITS];

            EACH(unit, column % (LINE / 4 / UNIT) == 0 ? units : 0, MOST_UNITS) {
                KEEP_PLACE(ahead);
                prefetch(ahead);
                ahead += stride;
            }
            EACH(unit, units, MOST_UNITS)
                weights[unit] = first_number(type, columns[unit][i]);
            few_step(rows, units, chains, strips, k + numbers * column, weights);
            if (numbers == 2) {
                EACH(unit, units, MOST_UNITS)
                    weights[unit] = second_number(type, columns[unit][i]);
                few_step(rows, units, chains, strips, k + 2 * column + 1, weights);
            }
        }
    }
}

/* The k that fill no line, one by one. `weight`: the panel's. */
static inline __attribute__((always_inline)) void
few_rest(const size_t rows, const size_t units, const mmn_weight_type type,
         unit_f32 chains[FEW_ROWS][MOST_UNITS], const float *const strips[FEW_STRIPS], size_t k,
         size_t length, const uint8_t *weight, size_t stride)
{
    const size_t size = mmn_weight_size(type);

    for (; k < length; k++) {
        float numbers[MOST_UNITS * UNIT];
        unit_f32 weights[MOST_UNITS];

        for (size_t n = 0; n < units * UNIT; n++)
            numbers[n] = stored_number(weight + n * stride + k * size, type);
        EACH(unit, units, MOST_UNITS)
            weights[unit] = unit_load(numbers + unit * UNIT);
        few_step(rows, units, chains, strips, k, weights);
    }
}

/* Adds the chains of a panel, the first or the last one or neither, to the outputs. */
static inline __attribute__((always_inline)) void
few_totals(const size_t rows, const size_t units, unit_f32 chains[FEW_ROWS][MOST_UNITS],
           const few_rows *p, _Bool first, _Bool last)
{
    const _Bool watched = last && p->witness, biased = last && p->bias;
    unit_f32 witness = watched ? unit_load(p->witness) : unit_zero();

    EACH(row, rows, FEW_ROWS)
        EACH(unit, units, MOST_UNITS) {
            float *to = p->output + row * p->output_stride + unit * UNIT;
            unit_f32 total = unit_add(first ? unit_zero() : unit_load(to), chains[row][unit]);

            if (biased)
                total = unit_add(total, unit_load(p->bias + unit * UNIT));
            witness = unit_fma(total, unit_zero(), witness);
            unit_store(to, total);
        }
    if (watched)
        unit_store(p->witness, witness);
}

/* The products of UNIT * FEW_UNITS(rows) outputs. */
static inline __attribute__((always_inline)) void
few_outputs(const size_t rows, const mmn_weight_type type, const few_rows *p)
{
    const size_t size = mmn_weight_size(type), numbers = LINE / size, units = FEW_UNITS(rows);
    const size_t row_bytes = p->depth * size; /* of weights */

    for (size_t begin = 0; begin < p->depth; begin += MMN_PANEL) {
        const size_t length = smaller(p->depth - begin, MMN_PANEL);
        const uint8_t *weight = p->weight + begin * size;
        const float *strips[FEW_STRIPS];
        unit_f32 chains[FEW_ROWS][MOST_UNITS];
        size_t k = 0;

        UNROLL
        for (size_t row = 0; row < rows; row += TILE_ROWS)
            strips[row / TILE_ROWS] = p->input + row * p->depth + begin * strip_width(rows, row);
        EACH(row, rows, FEW_ROWS)
            EACH(unit, units, MOST_UNITS)
                chains[row][unit] = unit_zero();
        for (; k + numbers <= length; k += numbers) {
            const size_t place = (begin + k) * size + AHEAD;
            const uint8_t *ahead =
                place < row_bytes ? p->weight + place : p->next + (place - row_bytes);

            few_line(rows, units, type, chains, strips, k, weight + k * size, ahead, p->stride);
        }
        few_rest(rows, units, type, chains, strips, k, length, weight, p->stride);
        few_totals(rows, units, chains, p, begin == 0, begin + length == p->depth);
    }
}

/* A function for each number of rows and each type, whose chains are registers. */
#define FEW(rows, type)                                                                            \
    static __attribute__((noinline)) void few_##rows##_##type(const few_rows *p)                   \
    {                                                                                              \
        few_outputs(rows, MMN_WEIGHT_##type, p);                                                   \
    }
#define FEW_OF_TYPE(type)                                                                          \
    FEW(1, type)                                                                                   \
    FEW(2, type) FEW(3, type) FEW(4, type) FEW(5, type) FEW(6, type) FEW(7, type)                  \
    FEW(8, type) FEW(9, type) FEW(10, type) FEW(11, type) FEW(12, type)
FEW_OF_TYPE(F32)
FEW_OF_TYPE(F16)
FEW_OF_TYPE(BF16)

#define FEW_LIST(type)                                                                             \
    {                                                                                              \
        few_1_##type, few_2_##type, few_3_##type, few_4_##type, few_5_##type, few_6_##type,        \
            few_7_##type, few_8_##type, few_9_##type, few_10_##type, few_11_##type, few_12_##type, \
    }
static void (*const few_products[][FEW_ROWS])(const few_rows *) = {
    [MMN_WEIGHT_F32] = FEW_LIST(F32),
    [MMN_WEIGHT_F16] = FEW_LIST(F16),
    [MMN_WEIGHT_BF16] = FEW_LIST(BF16),
};

#endif
