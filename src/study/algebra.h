/* Linear algebra in binary64: products by the kernel product_f64, so that threads and instruction
 * sets change no bit. Matrices are row-major. */
#ifndef MMN_STUDY_ALGEBRA_H
#define MMN_STUDY_ALGEBRA_H

#include <stddef.h>

#include "base/error.h"
#include "kernels.h"

/* What computes. Start from {0}. */
typedef struct mmn_algebra {
    const mmn_kernels *kernels;
    int threads;
    double *scratch; /* [threads][MMN_PRODUCT_F64_SCRATCH] */
} mmn_algebra;

mmn_status mmn_algebra_begin(mmn_algebra *algebra, const mmn_kernels *kernels, int threads,
                             mmn_error *error);
void mmn_algebra_end(mmn_algebra *algebra);

/* How many threads so many operations are worth. */
int mmn_algebra_threads(const mmn_algebra *algebra, size_t operations);

/* A part of a matrix, or all of it: its first number, and how far rows are apart. */
typedef struct mmn_matrix_f64 {
    double *first;
    size_t stride;
} mmn_matrix_f64;

mmn_matrix_f64 mmn_matrix_part(mmn_matrix_f64 matrix, size_t row, size_t column);

/* output [rows][outputs] = a' b, where a is [depth][rows] and b [depth][outputs]. */
void mmn_algebra_product(const mmn_algebra *algebra, mmn_matrix_f64 output, mmn_matrix_f64 a,
                         mmn_matrix_f64 b, size_t rows, size_t outputs, size_t depth);

/* The same where the product is symmetric, [size][size]: its upper half, diagonal included, and
 * some numbers below it. */
void mmn_algebra_symmetric(const mmn_algebra *algebra, mmn_matrix_f64 output, mmn_matrix_f64 a,
                           mmn_matrix_f64 b, size_t size, size_t depth);

/* Adds such a product to what there is. */
void mmn_algebra_add_symmetric(const mmn_algebra *algebra, mmn_matrix_f64 output, mmn_matrix_f64 a,
                               mmn_matrix_f64 b, size_t size, size_t depth);

/* output += a' b by the calling thread alone, which may be one of several. */
void mmn_algebra_add_alone(const mmn_algebra *algebra, mmn_matrix_f64 output, mmn_matrix_f64 a,
                           mmn_matrix_f64 b, size_t rows, size_t outputs, size_t depth);

#endif
