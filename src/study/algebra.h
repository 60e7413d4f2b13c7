/* Linear algebra in binary64: products, and equations with a symmetric matrix, by the kernel
 * product_f64, so that threads and instruction sets change no bit. Matrices are row-major. */
#ifndef MMN_STUDY_ALGEBRA_H
#define MMN_STUDY_ALGEBRA_H

#include <stdbool.h>
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

/* output [rows][outputs] = a' b, where a is [depth][rows] and b [depth][outputs]. */
void mmn_algebra_product(const mmn_algebra *algebra, mmn_matrix_f64 output, mmn_matrix_f64 a,
                         mmn_matrix_f64 b, size_t rows, size_t outputs, size_t depth);

/* The same where the product is symmetric, [size][size]: its upper half, diagonal included, and
 * some numbers below it. */
void mmn_algebra_symmetric(const mmn_algebra *algebra, mmn_matrix_f64 output, mmn_matrix_f64 a,
                           mmn_matrix_f64 b, size_t size, size_t depth);

/* Replaces the upper half of a symmetric matrix [size][size] by R, with R' R the matrix (Cholesky);
 * below it nothing is read. False where the matrix is not positive definite in binary64. `panel` is
 * memory for 64 x size numbers. */
bool mmn_algebra_factor(const mmn_algebra *algebra, mmn_matrix_f64 matrix, size_t size,
                        double *panel);

/* Replaces b [size][columns] by the x with R' R x = b. `panel` is memory for 64 x the greater of
 * size and columns numbers, and as many again. */
void mmn_algebra_solve(const mmn_algebra *algebra, mmn_matrix_f64 factor, size_t size,
                       mmn_matrix_f64 b, size_t columns, double *panel);

/* How many rows factor and solve take together. */
enum { MMN_ALGEBRA_BLOCK = 64 };

#endif
