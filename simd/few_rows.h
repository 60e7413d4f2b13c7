/* The matrix product of a few rows: memory has to bring every weight, and nothing may make it wait.
 *
 * Weights are used as they come: UNIT rows of them, or twice as many, are transposed in registers,
 * a cache line of each at a time, and multiplied at once. Nothing is packed. While a line is worked
 * on, the same rows are prefetched AHEAD bytes further on, one by one among the multiplications, so
 * that memory never rests.
 *
 * A line is taken up in quarters. Where the rows' lines push each other out of the first-level
 * cache (first_level_cache.h), each quarter would come from the second level anew. Then rows are
 * staged: while a line of each is worked on, the next ones are copied side by side, and those
 * STAGED_AHEAD bytes further on prefetched to the second level. Included after strips.h. */
#ifndef MMN_SIMD_FEW_ROWS_H
#define MMN_SIMD_FEW_ROWS_H

#include "first_level_cache.h"

enum {
    FEW_ROWS = 12, /* beyond, packing costs less than it saves */
    FEW_STRIPS = (FEW_ROWS + TILE_ROWS - 1) / TILE_ROWS,
    MOST_UNITS = 2, /* of outputs, side by side */
    MOST_OUTPUTS = MOST_UNITS * UNIT,
    AHEAD = 512, /* a panel of 16-bit weights: far enough for memory, near enough for the
                    first-level cache */
    STAGED_AHEAD = 1024,
};

/* A cache line of each of some rows of weights. */
typedef struct line_stage {
    _Alignas(64) uint8_t lines[MOST_OUTPUTS][LINE];
} line_stage;

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
    _Bool last;            /* nothing comes next; `next` may be prefetched, not read */
    line_stage *stages[2]; /* where rows are staged: the first one holds the first lines */
} few_rows;

/* Where a compiler makes too little of these loops, a vector header keeps it to their order, and
 * what it need not have at hand out of registers. */
#ifndef UNIT_SET_HERE
#define UNIT_SET_HERE(unit, number) ((unit) = unit_set(*(number)))
#define UNIT_ADD_PRODUCT_HERE(chain, a, b) ((chain) = unit_fma(a, b, chain))
#define REGISTERS_SUFFICE(rows, units, type) 1
#endif

/* A vector header may have columns of pairs of f16 that are sooner widened. */
#ifndef UNIT_COLUMNS_F16
#define unit_columns_f16 unit_columns
#define unit_first_f16 unit_of_f16
#define unit_second_f16(column) unit_of_f16(unit_shift_right(column, 16))
#endif

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
        unit_f32 factor;

        UNIT_SET_HERE(factor, x);
        EACH(unit, units, MOST_UNITS)
            UNIT_ADD_PRODUCT_HERE(chains[row][unit], factor, weights[unit]);
    }
}

/* The first, or the only number of a column's 32 bits, and the second. */
static inline __attribute__((always_inline)) unit_f32 first_number(const mmn_weight_type type,
                                                                   unit_u32 column)
{
    return type == MMN_WEIGHT_F32   ? unit_of_bits(column)
           : type == MMN_WEIGHT_F16 ? unit_first_f16(column)
                                    : unit_of_bits(unit_shift_left(column, 16));
}

static inline __attribute__((always_inline)) unit_f32 second_number(const mmn_weight_type type,
                                                                    unit_u32 column)
{
    return type == MMN_WEIGHT_F16 ? unit_second_f16(column)
                                  : unit_of_bits(unit_and(column, unit_set_bits(0xffff0000)));
}

/* Lines of rows of weights, each by that of the first row, and what is fetched while one of each is
 * worked on. */
typedef struct few_lines {
    const uint8_t *now;   /* where rows are staged, in a stage */
    const uint8_t *ahead; /* prefetched */
    size_t stride;        /* from one row to the next one */
    line_stage *stage;    /* where rows are staged: `behind` is copied there */
    const uint8_t *behind;
} few_lines;

/* As many k as a cache line has numbers. */
static inline __attribute__((always_inline)) void
few_line(const size_t rows, const size_t units, const mmn_weight_type type, const _Bool staged,
         unit_f32 chains[FEW_ROWS][MOST_UNITS], const float *const strips[FEW_STRIPS], size_t k,
         const few_lines *lines)
{
    const size_t numbers = type == MMN_WEIGHT_F32 ? 1 : 2; /* in a column's 32 bits */
    const size_t stride = staged ? LINE : lines->stride;
    const uint8_t *ahead = lines->ahead, *behind = lines->behind;
    uint8_t *copy = staged ? lines->stage->lines[0] : NULL;
    const _Bool suffice = REGISTERS_SUFFICE(rows, units, type);
    const float *from[FEW_STRIPS];

    UNROLL
    for (size_t row = 0; row < rows; row += TILE_ROWS) {
        from[row / TILE_ROWS] = strips[row / TILE_ROWS] + k * strip_width(rows, row);
        if (!suffice)
            OPAQUE(from[row / TILE_ROWS]);
    }
    UNROLL_LONG
    for (size_t part = 0; part < LINE / 4; part += TRANSPOSED) {
        unit_u32 columns[MOST_UNITS][TRANSPOSED];

        EACH(unit, units, MOST_UNITS) {
            const uint8_t *rows_of_unit = lines->now + 4 * part + unit * UNIT * stride;

            OPAQUE(rows_of_unit);
            if (type == MMN_WEIGHT_F16)
                unit_columns_f16(columns[unit], rows_of_unit, stride);
            else
                unit_columns(columns[unit], rows_of_unit, stride);
            UNROLL
            for (size_t i = 0; i < TRANSPOSED; i++)
                if (!suffice)
                    KEEP_IN_MEMORY(columns[unit][i]);
        }
        UNROLL_LONG
        for (size_t i = 0; i < TRANSPOSED; i++) {
            const size_t column = part + i;
            unit_f32 weights[MOST_UNITS];

            EACH(unit, column % (LINE / 4 / UNIT) == 0 ? units : 0, MOST_UNITS) {
                KEEP_PLACE(ahead);
                if (staged) {
                    copy_line(copy, behind);
                    copy += LINE;
                    behind += lines->stride;
                    prefetch_far(ahead);
                } else {
                    prefetch(ahead);
                }
                ahead += lines->stride;
            }
            EACH(unit, units, MOST_UNITS)
                weights[unit] = first_number(type, columns[unit][i]);
            few_step(rows, units, chains, from, numbers * column, weights);
            if (numbers == 2) {
                EACH(unit, units, MOST_UNITS)
                    weights[unit] = second_number(type, columns[unit][i]);
                few_step(rows, units, chains, from, 2 * column + 1, weights);
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

/* What is `bytes` behind the beginning of rows of which `row_bytes` are used: in them, or in those
 * that come next. */
static inline const uint8_t *few_behind(const few_rows *p, size_t bytes, size_t row_bytes)
{
    return bytes < row_bytes ? p->weight + bytes : p->next + (bytes - row_bytes);
}

/* The lines `place` bytes from the beginning, of weights of `size` bytes; `turn`: how many were
 * worked on before. */
static inline __attribute__((always_inline)) few_lines
few_lines_at(const _Bool staged, size_t size, const few_rows *p, size_t place, size_t turn)
{
    const size_t row_bytes = p->depth * size;
    const size_t staged_bytes = row_bytes / LINE * LINE; /* the rest is not */
    const _Bool repeat = p->last && place + LINE >= staged_bytes;

    if (!staged)
        return (few_lines){
            .now = p->weight + place,
            .ahead = few_behind(p, place + AHEAD, row_bytes),
            .stride = p->stride,
        };
    return (few_lines){
        .now = p->stages[turn % 2]->lines[0],
        .ahead = few_behind(p, place + STAGED_AHEAD, staged_bytes),
        .stride = p->stride,
        .stage = p->stages[(turn + 1) % 2],
        .behind = repeat ? p->weight : few_behind(p, place + LINE, staged_bytes),
    };
}

/* The products of UNIT * FEW_UNITS(rows) outputs. */
static inline __attribute__((always_inline)) void
few_outputs(const size_t rows, const mmn_weight_type type, const _Bool staged, const few_rows *p)
{
    const size_t size = mmn_weight_size(type), numbers = LINE / size, units = FEW_UNITS(rows);
    size_t turn = 0;

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
            const few_lines lines = few_lines_at(staged, size, p, (begin + k) * size, turn++);

            few_line(rows, units, type, staged, chains, strips, k, &lines);
        }
        few_rest(rows, units, type, chains, strips, k, length, weight, p->stride);
        few_totals(rows, units, chains, p, begin == 0, begin + length == p->depth);
    }
}

/* A function for each number of rows, each type and either way, whose chains are registers. Plain C
 * has one way: its products wait for themselves, not for memory. */
#define FEW_WAY(rows, type, way)                                                                   \
    static __attribute__((noinline)) void few_##rows##_##type##_##way(const few_rows *p)           \
    {                                                                                              \
        few_outputs(rows, MMN_WEIGHT_##type, way == STAGED, p);                                    \
    }
#ifdef MMN_SIMD_VECTOR_PORTABLE_H
enum { DIRECT, STAGED, WAYS = STAGED };
#define FEW(rows, type) FEW_WAY(rows, type, DIRECT)
#define FEW_WAYS(rows, type) {few_##rows##_##type##_DIRECT}
#else
enum { DIRECT, STAGED, WAYS };
#define FEW(rows, type) FEW_WAY(rows, type, DIRECT) FEW_WAY(rows, type, STAGED)
#define FEW_WAYS(rows, type) {few_##rows##_##type##_DIRECT, few_##rows##_##type##_STAGED}
#endif
#define FEW_OF_TYPE(type)                                                                          \
    FEW(1, type)                                                                                   \
    FEW(2, type) FEW(3, type) FEW(4, type) FEW(5, type) FEW(6, type) FEW(7, type)                  \
    FEW(8, type) FEW(9, type) FEW(10, type) FEW(11, type) FEW(12, type)
FEW_OF_TYPE(F32)
FEW_OF_TYPE(F16)
FEW_OF_TYPE(BF16)

#define FEW_LIST(type)                                                                             \
    {                                                                                              \
        FEW_WAYS(1, type), FEW_WAYS(2, type), FEW_WAYS(3, type), FEW_WAYS(4, type),                \
            FEW_WAYS(5, type), FEW_WAYS(6, type), FEW_WAYS(7, type), FEW_WAYS(8, type),            \
            FEW_WAYS(9, type), FEW_WAYS(10, type), FEW_WAYS(11, type), FEW_WAYS(12, type),         \
    }
static void (*const few_products[][FEW_ROWS][WAYS])(const few_rows *) = {
    [MMN_WEIGHT_F32] = FEW_LIST(F32),
    [MMN_WEIGHT_F16] = FEW_LIST(F16),
    [MMN_WEIGHT_BF16] = FEW_LIST(BF16),
};

#endif
