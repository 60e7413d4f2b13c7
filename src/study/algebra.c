/* Linear algebra in binary64: products. */
#include "study/algebra.h"

#include <stdbool.h>
#include <string.h>

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

mmn_matrix_f64 mmn_matrix_part(mmn_matrix_f64 matrix, size_t row, size_t column)
{
    return (mmn_matrix_f64){matrix.first + row * matrix.stride + column, matrix.stride};
}

void mmn_algebra_add_alone(const mmn_algebra *algebra, mmn_matrix_f64 output, mmn_matrix_f64 a,
                           mmn_matrix_f64 b, size_t rows, size_t outputs, size_t depth)
{
    /* Of one thread it may be any thread's. */
    const size_t thread = algebra->threads > 1 ? (size_t)mmn_thread_number() : 0;
    algebra->kernels->product_f64(output.first, output.stride, a.first, a.stride, b.first, b.stride,
                                  rows, outputs, depth,
                                  algebra->scratch + thread * MMN_PRODUCT_F64_SCRATCH);
}

/* `symmetric`: parts that lie below the diagonal are left out. `adds`: to what there is. */
static void multiply(const mmn_algebra *algebra, mmn_matrix_f64 output, mmn_matrix_f64 a,
                     mmn_matrix_f64 b, size_t rows, size_t outputs, size_t depth, bool symmetric,
                     bool adds)
{
    const size_t down = mmn_pieces(rows, MMN_PRODUCT_F64_ROWS);
    const size_t across = mmn_pieces(outputs, OUTPUTS);
    MMN_PARALLEL_FOR(mmn_algebra_threads(algebra, rows * outputs * depth), dynamic)
    for (size_t task = 0; task < down * across; task++) {
        const size_t row = task / across * MMN_PRODUCT_F64_ROWS;
        const size_t column = task % across * OUTPUTS;
        const size_t height = mmn_smaller(rows - row, MMN_PRODUCT_F64_ROWS);
        const size_t width = mmn_smaller(outputs - column, OUTPUTS);
        const mmn_matrix_f64 to = mmn_matrix_part(output, row, column);
        if (symmetric && column + width <= row)
            continue;
        for (size_t i = 0; !adds && i < height; i++)
            memset(to.first + i * to.stride, 0, width * sizeof(*to.first));
        mmn_algebra_add_alone(algebra, to, mmn_matrix_part(a, 0, row),
                              mmn_matrix_part(b, 0, column), height, width, depth);
    }
}

void mmn_algebra_product(const mmn_algebra *algebra, mmn_matrix_f64 output, mmn_matrix_f64 a,
                         mmn_matrix_f64 b, size_t rows, size_t outputs, size_t depth)
{
    multiply(algebra, output, a, b, rows, outputs, depth, false, false);
}

void mmn_algebra_symmetric(const mmn_algebra *algebra, mmn_matrix_f64 output, mmn_matrix_f64 a,
                           mmn_matrix_f64 b, size_t size, size_t depth)
{
    multiply(algebra, output, a, b, size, size, depth, true, false);
}

void mmn_algebra_add_symmetric(const mmn_algebra *algebra, mmn_matrix_f64 output, mmn_matrix_f64 a,
                               mmn_matrix_f64 b, size_t size, size_t depth)
{
    multiply(algebra, output, a, b, size, size, depth, true, true);
}
