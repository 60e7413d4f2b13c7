/* The kernel tables for particular processors. */
#ifndef MMN_SIMD_TABLES_H
#define MMN_SIMD_TABLES_H

#include "kernels.h"

/* Needs AVX2 and FMA. */
const mmn_kernels *mmn_kernels_avx2(void);

#endif
