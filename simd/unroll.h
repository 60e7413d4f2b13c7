/* Unrolling of loops over a few registers, which each compiler must be told in its own way. */
#ifndef MMN_SIMD_UNROLL_H
#define MMN_SIMD_UNROLL_H

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#define UNROLL_4 _Pragma("clang loop unroll_count(4)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#define UNROLL_4 _Pragma("GCC unroll 4")
#endif

#endif
