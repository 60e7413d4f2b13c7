/* Linear algebra in binary64: products, and equations with a symmetric matrix. */
#include "study/algebra.h"

#include <math.h>

#include "base/memory.h"
#include "base/threads.h"

/* Outputs that a thread takes at a time; of rows, as many as the kernel packs together. */
enum { OUTPUTS = 192 };

mmn_status mmn_algebra_begin(mmn_algebra *algebra, const mmn_kernels *kernels, int threads,
                             mmn_error *error)
{
    algebra->kernels = kernels;
    algebra->threads = threads;
    algebra->scratch =
        mmn_allocate((size_t)threads * MMN_PRODUCT_F64_SCRATCH, sizeof(double), error);
    return algebra->scratch ? MMN_OK : MMN_SYSTEM;
}

void mmn_algebra_end(mmn_algebra *algebra)
{
    mmn_free(algebra->scratch);
    algebra->scratch = NULL;
}

int mmn_algebra_threads(const mmn_algebra *algebra, size_t operations)
{
    const size_t least = 1 << 16; /* some ten microseconds: what it takes to wake a thread */
    return operations < least ? 1 : algebra->threads;
}

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- Products -------------------------------------------------------------------------------- */

static mmn_matrix_f64 part(mmn_matrix_f64 matrix, size_t row, size_t column)
{
    return (mmn_matrix_f64){matrix.first + row * matrix.stride + column, matrix.stride};
}

/* `symmetric`: parts that lie below the diagonal are left out. */
static void multiply(const mmn_algebra *algebra, mmn_matrix_f64 output, mmn_matrix_f64 a,
                     mmn_matrix_f64 b, size_t rows, size_t outputs, size_t depth, bool symmetric)
{
    const size_t down = (rows + MMN_PRODUCT_F64_ROWS - 1) / MMN_PRODUCT_F64_ROWS;
    const size_t across = (outputs + OUTPUTS - 1) / OUTPUTS;
    MMN_PARALLEL_FOR(mmn_algebra_threads(algebra, rows * outputs * depth), dynamic)
    for (size_t task = 0; task < down * across; task++) {
        const size_t row = task / across * MMN_PRODUCT_F64_ROWS;
        const size_t column = task % across * OUTPUTS;
        const size_t height = lesser(rows - row, MMN_PRODUCT_F64_ROWS);
        const size_t width = lesser(outputs - column, OUTPUTS);
        if (symmetric && column + width <= row)
            continue;
        algebra->kernels->product_f64(part(output, row, column).first, output.stride, a.first + row,
                                      a.stride, b.first + column, b.stride, height, width, depth,
                                      algebra->scratch +
                                          (size_t)mmn_thread_number() * MMN_PRODUCT_F64_SCRATCH);
    }
}

void mmn_algebra_product(const mmn_algebra *algebra, mmn_matrix_f64 output, mmn_matrix_f64 a,
                         mmn_matrix_f64 b, size_t rows, size_t outputs, size_t depth)
{
    multiply(algebra, output, a, b, rows, outputs, depth, false);
}

void mmn_algebra_symmetric(const mmn_algebra *algebra, mmn_matrix_f64 output, mmn_matrix_f64 a,
                           mmn_matrix_f64 b, size_t size, size_t depth)
{
    multiply(algebra, output, a, b, size, size, depth, true);
}

static void subtract(const mmn_algebra *algebra, mmn_matrix_f64 from, mmn_matrix_f64 what,
                     size_t rows, size_t columns)
{
    MMN_PARALLEL_FOR(mmn_algebra_threads(algebra, rows * columns), static)
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < columns; i++)
            from.first[row * from.stride + i] -= what.first[row * what.stride + i];
}

/* ---- Equations ------------------------------------------------------------------------------- */

/* Makes R of a block [size][size] on the diagonal, from which what is above has been subtracted. */
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

/* b [size][columns] becomes the x with R' x = b, R a block. */
static void solve_down(const mmn_algebra *algebra, mmn_matrix_f64 block, size_t size,
                       mmn_matrix_f64 b, size_t columns)
{
    MMN_PARALLEL_FOR(mmn_algebra_threads(algebra, size * size * columns), static)
    for (size_t first = 0; first < columns; first += OUTPUTS) {
        const size_t end = lesser(columns, first + OUTPUTS);
        for (size_t k = 0; k < size; k++) {
            double *row = b.first + k * b.stride;
            for (size_t j = 0; j < k; j++)
                for (size_t i = first; i < end; i++)
                    row[i] -= block.first[j * block.stride + k] * b.first[j * b.stride + i];
            for (size_t i = first; i < end; i++)
                row[i] /= block.first[k * block.stride + k];
        }
    }
}

/* b becomes the x with R x = b. */
static void solve_up(const mmn_algebra *algebra, mmn_matrix_f64 block, size_t size,
                     mmn_matrix_f64 b, size_t columns)
{
    MMN_PARALLEL_FOR(mmn_algebra_threads(algebra, size * size * columns), static)
    for (size_t first = 0; first < columns; first += OUTPUTS) {
        const size_t end = lesser(columns, first + OUTPUTS);
        for (size_t k = size; k-- > 0;) {
            double *row = b.first + k * b.stride;
            for (size_t j = k + 1; j < size; j++)
                for (size_t i = first; i < end; i++)
                    row[i] -= block.first[k * block.stride + j] * b.first[j * b.stride + i];
            for (size_t i = first; i < end; i++)
                row[i] /= block.first[k * block.stride + k];
        }
    }
}

bool mmn_algebra_factor(const mmn_algebra *algebra, mmn_matrix_f64 matrix, size_t size,
                        double *panel)
{
    for (size_t k = 0; k < size; k += MMN_ALGEBRA_BLOCK) {
        const size_t height = lesser(size - k, MMN_ALGEBRA_BLOCK), width = size - k;
        const mmn_matrix_f64 above = part(matrix, 0, k), block = part(matrix, k, k);
        const mmn_matrix_f64 product = {panel, width};
        mmn_algebra_product(algebra, product, above, above, height, width, k);
        subtract(algebra, block, product, height, width);
        if (!factor_block(block, height))
            return false;
        solve_down(algebra, block, height, part(block, 0, height), width - height);
    }
    return true;
}

/* Rows k to k + height - 1 of R, behind column `from`, transposed: [size - from][height]. */
static void transpose(double *columns, mmn_matrix_f64 factor, size_t size, size_t k, size_t height,
                      size_t from)
{
    for (size_t i = from; i < size; i++)
        for (size_t j = 0; j < height; j++)
            columns[(i - from) * height + j] = factor.first[(k + j) * factor.stride + i];
}

void mmn_algebra_solve(const mmn_algebra *algebra, mmn_matrix_f64 factor, size_t size,
                       mmn_matrix_f64 b, size_t columns, double *panel)
{
    const mmn_matrix_f64 product = {panel, columns};
    double *transposed = panel + MMN_ALGEBRA_BLOCK * columns;
    for (size_t k = 0; k < size; k += MMN_ALGEBRA_BLOCK) {
        const size_t height = lesser(size - k, MMN_ALGEBRA_BLOCK);
        mmn_algebra_product(algebra, product, part(factor, 0, k), b, height, columns, k);
        subtract(algebra, part(b, k, 0), product, height, columns);
        solve_down(algebra, part(factor, k, k), height, part(b, k, 0), columns);
    }
    for (size_t k = (size - (size > 0)) / MMN_ALGEBRA_BLOCK * MMN_ALGEBRA_BLOCK;;
         k -= MMN_ALGEBRA_BLOCK) {
        const size_t height = lesser(size - k, MMN_ALGEBRA_BLOCK), behind = k + height;
        transpose(transposed, factor, size, k, height, behind);
        mmn_algebra_product(algebra, product, (mmn_matrix_f64){transposed, height},
                            part(b, behind, 0), height, columns, size - behind);
        subtract(algebra, part(b, k, 0), product, height, columns);
        solve_up(algebra, part(factor, k, k), height, part(b, k, 0), columns);
        if (k == 0)
            return;
    }
}
