/* BLAS: other people's matrix products, loaded at run time where they are installed. */
#ifndef MMN_BENCH_BLAS_H
#define MMN_BENCH_BLAS_H

#include <stddef.h>

typedef struct bench_blas {
    const char *name; /* "OpenBLAS" */
    const char *file; /* "libopenblas.so.0" */
    char version[96]; /* what the library says of itself */
    void (*sgemm)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                  const float *a, int stride_a, const float *b, int stride_b, float beta, float *c,
                  int stride_c);
} bench_blas;

enum { BENCH_BLAS_COUNT = 2 };

/* OpenBLAS and BLIS, set to `threads` threads; sgemm is NULL for one that is not installed. */
void bench_blas_load(bench_blas libraries[BENCH_BLAS_COUNT], int threads);

/* output [rows][outputs] = input [rows][depth] x weight [outputs][depth]^T. */
void bench_blas_multiply(const bench_blas *library, float *output, const float *input,
                         const float *weight, size_t rows, size_t outputs, size_t depth);

#endif
