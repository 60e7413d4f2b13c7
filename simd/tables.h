/* The kernel tables for particular processors. */
#ifndef MMN_SIMD_TABLES_H
#define MMN_SIMD_TABLES_H

#include "kernels.h"

/* Any processor: the vector kernels' template without vector instructions, for tests. */
const mmn_kernels *mmn_kernels_portable(void);
/* Needs AVX2, FMA and F16C. */
const mmn_kernels *mmn_kernels_avx2(void);
/* Needs AVX-512F. */
const mmn_kernels *mmn_kernels_avx512(void);
/* Needs AArch64. */
const mmn_kernels *mmn_kernels_neon(void);

#endif
