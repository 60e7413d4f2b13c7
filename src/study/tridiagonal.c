/* Symmetric matrices in block tridiagonal form. */
#include "study/tridiagonal.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"

enum { BLOCK = MMN_TRIDIAGONAL_BLOCK, AREA = BLOCK * BLOCK };

static size_t block_count(size_t size)
{
    return mmn_pieces(size, BLOCK);
}

/* Rows below block `k`. */
static size_t rows_below(size_t size, size_t k)
{
    return size - mmn_smaller(size, (k + 1) * BLOCK);
}

size_t mmn_tridiagonal_reflectors(size_t size)
{
    size_t numbers = 0;
    for (size_t k = 0; rows_below(size, k) > BLOCK; k++)
        numbers += rows_below(size, k) * BLOCK;
    return numbers;
}

size_t mmn_tridiagonal_blocks(size_t size)
{
    return block_count(size) * 2 * AREA;
}

size_t mmn_tridiagonal_factor_size(size_t size)
{
    return block_count(size) * 4 * AREA;
}

/* V', W', -W' and -V' [BLOCK][size], and a panel of V' A. */
size_t mmn_tridiagonal_work(size_t size)
{
    return 5 * BLOCK * size;
}

static mmn_matrix_f64 block_at(double *first, size_t number)
{
    return (mmn_matrix_f64){first + number * AREA, BLOCK};
}

/* to [columns][rows] = from [rows][columns], transposed and times `factor`. */
static void transpose(mmn_matrix_f64 to, mmn_matrix_f64 from, size_t rows, size_t columns,
                      double factor)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < columns; i++)
            to.first[i * to.stride + row] = factor * from.first[row * from.stride + i];
}

static void copy(mmn_matrix_f64 to, mmn_matrix_f64 from, size_t rows, size_t columns)
{
    for (size_t row = 0; row < rows; row++)
        memcpy(to.first + row * to.stride, from.first + row * from.stride,
               columns * sizeof(*to.first));
}

/* ---- Reflections ----------------------------------------------------------------------------- */

/* Reflects columns i to BLOCK - 1 of a panel V [rows][BLOCK] so that column i becomes 0 below row
 * i, and puts there v of I - beta v v'. Row i of R is what stands in row i then. Returns beta. */
static double reflect(const mmn_algebra *algebra, double *v, size_t rows, size_t i, double *r)
{
    double sums[BLOCK] = {0.0};
    double *row = v + i * BLOCK;
    const mmn_matrix_f64 rest = {row + i, BLOCK};
    mmn_algebra_add_alone(algebra, (mmn_matrix_f64){sums + i, BLOCK}, rest, rest, 1, BLOCK - i,
                          rows - i);
    const double square = sums[i], x = row[i];
    memcpy(r, row, sizeof(sums));
    memset(row + i + 1, 0, (BLOCK - i - 1) * sizeof(*row));
    if (square == 0)
        return 0;
    const double becomes = x > 0 ? -sqrt(square) : sqrt(square);
    const double beta = 1 / (square - becomes * x);
    for (size_t j = i + 1; j < BLOCK; j++) {
        sums[j] = beta * (sums[j] - becomes * r[j]);
        r[j] -= (x - becomes) * sums[j];
    }
    r[i] = becomes;
    row[i] = x - becomes;
    for (size_t n = i + 1; n < rows; n++)
        for (size_t j = i + 1; j < BLOCK; j++)
            v[n * BLOCK + j] -= v[n * BLOCK + i] * sums[j];
    return beta;
}

/* A panel V [rows][BLOCK] becomes reflectors, their product I - V T V'. above = R'. */
static void reflect_panel(const mmn_algebra *algebra, double *v, size_t rows, double *above,
                          double *t)
{
    double r[BLOCK], betas[BLOCK], products[AREA];
    for (size_t i = 0; i < BLOCK; i++) {
        betas[i] = reflect(algebra, v, rows, i, r);
        for (size_t j = 0; j < BLOCK; j++)
            above[j * BLOCK + i] = j < i ? 0 : r[j];
    }
    const mmn_matrix_f64 panel = {v, BLOCK};
    mmn_algebra_product(algebra, (mmn_matrix_f64){products, BLOCK}, panel, panel, BLOCK, BLOCK,
                        rows);
    memset(t, 0, AREA * sizeof(*t));
    for (size_t j = 0; j < BLOCK; j++) {
        for (size_t i = 0; i < j; i++) {
            double sum = 0;
            for (size_t l = i; l < j; l++)
                sum += t[i * BLOCK + l] * products[l * BLOCK + j];
            t[i * BLOCK + j] = -betas[j] * sum;
        }
        t[j * BLOCK + j] = betas[j];
    }
}

/* Copies the upper half of a matrix [size][size] to the lower one. */
static void mirror(const mmn_algebra *algebra, mmn_matrix_f64 matrix, size_t size)
{
    MMN_PARALLEL_FOR(mmn_algebra_threads(algebra, size * size), dynamic)
    for (size_t first = 0; first < size; first += BLOCK) {
        const size_t rows = mmn_smaller(size - first, BLOCK);
        for (size_t column = 0; column < first; column += BLOCK)
            transpose(mmn_matrix_part(matrix, first, column),
                      mmn_matrix_part(matrix, column, first), BLOCK, rows, 1);
        for (size_t i = first; i < first + rows; i++)
            for (size_t j = first; j < i; j++)
                matrix.first[i * matrix.stride + j] = matrix.first[j * matrix.stride + i];
    }
}

/* Replaces a [size][size] by Q' A Q for Q = I - V T V': A - V W' - W V', where with X = A V T
 * W = X - V T' V' X / 2. */
static void turn_both_sides(const mmn_algebra *algebra, mmn_matrix_f64 a, size_t size, double *v,
                            double *t, double *work)
{
    const size_t panel = BLOCK * size;
    double inner[AREA], half[AREA];
    const mmn_matrix_f64 columns = {v, BLOCK}, mean = {inner, BLOCK}, of_t = {t, BLOCK};
    const mmn_matrix_f64 v_rows = {work, size}, w_rows = {work + panel, size};
    const mmn_matrix_f64 less_w = {work + 2 * panel, size}, less_v = {work + 3 * panel, size};
    const mmn_matrix_f64 product = {work + 4 * panel, size}, x = {work + 2 * panel, BLOCK};
    transpose(v_rows, columns, size, BLOCK, 1);
    mmn_algebra_product(algebra, product, columns, a, BLOCK, size, size);
    mmn_algebra_product(algebra, w_rows, of_t, product, BLOCK, size, BLOCK);
    transpose(x, w_rows, BLOCK, size, 1);
    mmn_algebra_product(algebra, mean, columns, x, BLOCK, BLOCK, size);
    mmn_algebra_product(algebra, (mmn_matrix_f64){half, BLOCK}, of_t, mean, BLOCK, BLOCK, BLOCK);
    for (size_t i = 0; i < AREA; i++)
        half[i] *= -0.5;
    for (size_t column = 0; column < size; column += MMN_TRIDIAGONAL_COLUMNS)
        mmn_algebra_add_alone(algebra, mmn_matrix_part(w_rows, 0, column),
                              (mmn_matrix_f64){half, BLOCK}, mmn_matrix_part(v_rows, 0, column),
                              BLOCK, mmn_smaller(size - column, MMN_TRIDIAGONAL_COLUMNS), BLOCK);
    for (size_t i = 0; i < panel; i++) {
        less_w.first[i] = -w_rows.first[i];
        less_v.first[i] = -v_rows.first[i];
    }
    mmn_algebra_add_symmetric(algebra, a, v_rows, less_w, size, 2 * BLOCK);
    mirror(algebra, a, size);
}

void mmn_tridiagonal_reduce(const mmn_algebra *algebra, mmn_tridiagonal *t, double *work)
{
    const mmn_matrix_f64 matrix = {t->matrix, t->size};
    double *v = t->reflectors, factor[AREA];
    mirror(algebra, matrix, t->size);
    for (size_t k = 0; k < block_count(t->size); k++) {
        const size_t first = k * BLOCK, behind = first + BLOCK, below = rows_below(t->size, k);
        const mmn_matrix_f64 above = block_at(t->blocks, 2 * k + 1);
        const size_t rows = mmn_smaller(t->size - first, BLOCK);
        copy(block_at(t->blocks, 2 * k), mmn_matrix_part(matrix, first, first), rows, rows);
        if (below == 0)
            return;
        if (below <= BLOCK) {
            copy(above, mmn_matrix_part(matrix, first, behind), BLOCK, below);
            continue;
        }
        const mmn_matrix_f64 columns = {v, BLOCK}, right = mmn_matrix_part(matrix, first, behind);
        copy(columns, mmn_matrix_part(matrix, behind, first), below, BLOCK);
        reflect_panel(algebra, v, below, above.first, factor);
        turn_both_sides(algebra, mmn_matrix_part(matrix, behind, behind), below, v, factor, work);
        for (size_t i = 0; i < AREA; i++)
            factor[i] = -factor[i];
        double transposed[AREA];
        const mmn_matrix_f64 less_t = {transposed, BLOCK};
        transpose(less_t, (mmn_matrix_f64){factor, BLOCK}, BLOCK, BLOCK, 1);
        mmn_algebra_product(algebra, right, less_t, (mmn_matrix_f64){work, below}, BLOCK, below,
                            BLOCK);
        v += below * BLOCK;
    }
}

/* Some columns: m + V (-T' V' m), block by block. */
static void turn(const mmn_algebra *algebra, const mmn_tridiagonal *t, mmn_matrix_f64 m,
                 size_t columns)
{
    const mmn_matrix_f64 matrix = {t->matrix, t->size};
    double *v = t->reflectors;
    for (size_t k = 0; rows_below(t->size, k) > BLOCK; k++) {
        const size_t first = k * BLOCK, behind = first + BLOCK, below = rows_below(t->size, k);
        double sums[BLOCK * MMN_TRIDIAGONAL_COLUMNS] = {0.0};
        const mmn_matrix_f64 inner = {sums, columns}, rest = mmn_matrix_part(m, behind, 0);
        mmn_algebra_add_alone(algebra, inner, (mmn_matrix_f64){v, BLOCK}, rest, BLOCK, columns,
                              below);
        mmn_algebra_add_alone(algebra, rest, mmn_matrix_part(matrix, first, behind), inner, below,
                              columns, BLOCK);
        v += below * BLOCK;
    }
}

void mmn_tridiagonal_turn(const mmn_algebra *algebra, const mmn_tridiagonal *t, mmn_matrix_f64 m,
                          size_t columns)
{
    const size_t some = MMN_TRIDIAGONAL_COLUMNS / 2; /* [size][some] stays in a cache */
    MMN_PARALLEL_FOR(mmn_algebra_threads(algebra, t->size * columns), dynamic)
    for (size_t column = 0; column < columns; column += some)
        turn(algebra, t, mmn_matrix_part(m, 0, column), mmn_smaller(columns - column, some));
}

/* ---- Equations ------------------------------------------------------------------------------- */

/* Replaces a block [size][size] by R, with R' R what its upper half says. */
static bool factor_block(mmn_matrix_f64 block, size_t size)
{
    for (size_t k = 0; k < size; k++) {
        double *row = block.first + k * block.stride;
        if (!(row[k] > 0) || !isfinite(row[k]))
            return false;
        row[k] = sqrt(row[k]);
        for (size_t i = k + 1; i < size; i++)
            row[i] /= row[k];
        for (size_t j = k + 1; j < size; j++)
            for (size_t i = j; i < size; i++)
                block.first[j * block.stride + i] -= row[j] * row[i];
    }
    return true;
}

/* inverse [BLOCK][BLOCK] of R [size][size]; 0 where R is not. */
static void invert(double *inverse, const double *r, size_t size)
{
    memset(inverse, 0, AREA * sizeof(*inverse));
    for (size_t k = size; k-- > 0;) {
        double *row = inverse + k * BLOCK;
        row[k] = 1;
        for (size_t j = k + 1; j < size; j++)
            for (size_t i = j; i < size; i++)
                row[i] -= r[k * BLOCK + j] * inverse[j * BLOCK + i];
        for (size_t i = k; i < size; i++)
            row[i] /= r[k * BLOCK + k];
    }
}

/* What stands in a factor for each block: the inverse of R, its transpose, -E and -E', where
 * R' E = the block right of the diagonal. */
enum { INVERSE, INVERSE_TRANSPOSED, LESS_RIGHT, LESS_RIGHT_TRANSPOSED, PARTS };

bool mmn_tridiagonal_factor(const mmn_algebra *algebra, const mmn_tridiagonal *t, double penalty,
                            double *factor)
{
    for (size_t k = 0; k < block_count(t->size); k++) {
        double r[AREA];
        const mmn_matrix_f64 diagonal = {r, BLOCK};
        const size_t rows = mmn_smaller(t->size - k * BLOCK, BLOCK);
        const size_t behind = mmn_smaller(rows_below(t->size, k), BLOCK);
        double *own = factor + PARTS * k * AREA;
        memcpy(r, t->blocks + 2 * k * AREA, sizeof(r));
        for (size_t i = 0; i < rows; i++)
            r[i * BLOCK + i] += penalty;
        if (k > 0) {
            const mmn_matrix_f64 less = block_at(own - PARTS * AREA, LESS_RIGHT);
            double right[AREA];
            for (size_t i = 0; i < AREA; i++)
                right[i] = -less.first[i];
            mmn_algebra_add_alone(algebra, diagonal, less, (mmn_matrix_f64){right, BLOCK}, rows,
                                  rows, BLOCK);
        }
        if (!factor_block(diagonal, rows))
            return false;
        invert(own, r, rows);
        transpose(block_at(own, INVERSE_TRANSPOSED), block_at(own, INVERSE), BLOCK, BLOCK, 1);
        double right[AREA] = {0.0};
        mmn_algebra_add_alone(algebra, (mmn_matrix_f64){right, BLOCK}, block_at(own, INVERSE),
                              block_at(t->blocks, 2 * k + 1), rows, behind, rows);
        for (size_t i = 0; i < AREA; i++)
            own[LESS_RIGHT * AREA + i] = -right[i];
        transpose(block_at(own, LESS_RIGHT_TRANSPOSED), (mmn_matrix_f64){right, BLOCK}, BLOCK,
                  BLOCK, -1);
    }
    return true;
}

/* rows of x = inverse' (rows of b + right' others), with b as it is where there are no others. */
static void solve_block(const mmn_algebra *algebra, mmn_matrix_f64 x, mmn_matrix_f64 b,
                        mmn_matrix_f64 inverse, mmn_matrix_f64 right, mmn_matrix_f64 others,
                        size_t rows, size_t columns, size_t depth)
{
    double sums[BLOCK * MMN_TRIDIAGONAL_COLUMNS];
    const mmn_matrix_f64 less = {sums, columns};
    copy(less, b, rows, columns);
    if (depth > 0)
        mmn_algebra_add_alone(algebra, less, right, others, rows, columns, depth);
    for (size_t row = 0; row < rows; row++)
        memset(x.first + row * x.stride, 0, columns * sizeof(*x.first));
    mmn_algebra_add_alone(algebra, x, inverse, less, rows, columns, rows);
}

void mmn_tridiagonal_solve(const mmn_algebra *algebra, const mmn_tridiagonal *t, double *factor,
                           mmn_matrix_f64 x, mmn_matrix_f64 b, size_t columns)
{
    const size_t count = block_count(t->size);
    for (size_t k = 0; k < count; k++) {
        const size_t rows = mmn_smaller(t->size - k * BLOCK, BLOCK), before = k > 0 ? k - 1 : 0;
        const mmn_matrix_f64 own = mmn_matrix_part(x, k * BLOCK, 0);
        solve_block(algebra, own, mmn_matrix_part(b, k * BLOCK, 0),
                    block_at(factor, PARTS * k + INVERSE),
                    block_at(factor, PARTS * before + LESS_RIGHT),
                    mmn_matrix_part(x, before * BLOCK, 0), rows, columns, k > 0 ? BLOCK : 0);
    }
    for (size_t k = count; k-- > 0;) {
        const size_t rows = mmn_smaller(t->size - k * BLOCK, BLOCK);
        const mmn_matrix_f64 own = mmn_matrix_part(x, k * BLOCK, 0);
        solve_block(algebra, own, own, block_at(factor, PARTS * k + INVERSE_TRANSPOSED),
                    block_at(factor, PARTS * k + LESS_RIGHT_TRANSPOSED),
                    mmn_matrix_part(x, k * BLOCK + rows, 0), rows, columns,
                    mmn_smaller(rows_below(t->size, k), BLOCK));
    }
}
