/* Symmetric matrices A = Q T Q' with T block tridiagonal, so that (A + penalty I) x = b costs
 * little for one penalty more: (T + penalty I) (Q' x) = Q' b.
 *
 * Source: reduction to a band by Householder reflections in the compact form I - V T V' (Schreiber
 * and Van Loan, SIAM J. Sci. Stat. Comput. 10(1), 1989; Bischof, Lang and Sun, ACM TOMS 26(4),
 * 2000). doc/numerics.md has the order of operations. */
#ifndef MMN_STUDY_TRIDIAGONAL_H
#define MMN_STUDY_TRIDIAGONAL_H

#include <stdbool.h>

#include "study/algebra.h"

enum {
    MMN_TRIDIAGONAL_BLOCK = 24,    /* rows: a multiple of most tables' tiles */
    MMN_TRIDIAGONAL_COLUMNS = 192, /* the most that are turned or solved together */
};

/* The caller gives the memory, as many numbers as the functions below say. */
typedef struct mmn_tridiagonal {
    size_t size;
    double *matrix;     /* [size][size] */
    double *reflectors; /* V of each block but the last two */
    double *blocks;     /* T: of each a block on the diagonal and the one to its right */
} mmn_tridiagonal;

size_t mmn_tridiagonal_reflectors(size_t size);
size_t mmn_tridiagonal_blocks(size_t size);
/* Of the factor for one penalty; and for work while it is reduced. */
size_t mmn_tridiagonal_factor_size(size_t size);
size_t mmn_tridiagonal_work(size_t size);

/* Reduces `matrix`, of which the upper half is read, and puts into it what turning needs. */
void mmn_tridiagonal_reduce(const mmn_algebra *algebra, mmn_tridiagonal *t, double *work);

/* Replaces m [size][columns] by Q' m. */
void mmn_tridiagonal_turn(const mmn_algebra *algebra, const mmn_tridiagonal *t, mmn_matrix_f64 m,
                          size_t columns);

/* Factors T + penalty I, by the calling thread alone. False where it is not positive definite in
 * binary64. */
bool mmn_tridiagonal_factor(const mmn_algebra *algebra, const mmn_tridiagonal *t, double penalty,
                            double *factor);

/* x [size][columns], for which (T + penalty I) x = b; at most MMN_TRIDIAGONAL_COLUMNS, by the
 * calling thread alone. x and b are not the same. */
void mmn_tridiagonal_solve(const mmn_algebra *algebra, const mmn_tridiagonal *t, double *factor,
                           mmn_matrix_f64 x, mmn_matrix_f64 b, size_t columns);

#endif
