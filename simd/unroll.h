/* Unrolling of loops over a few registers, which each compiler must be told in its own way. */
#ifndef MMN_SIMD_UNROLL_H
#define MMN_SIMD_UNROLL_H

/* Where sanitizers watch every access, gcc takes a quarter of an hour to compile the longest of
 * these loops unrolled; they stay loops there. */
#if defined(__SANITIZE_ADDRESS__)
#define UNROLL_LONG
#else
#define UNROLL_LONG UNROLL
#endif

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#define UNROLL_4 _Pragma("clang loop unroll_count(4)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#define UNROLL_4 _Pragma("GCC unroll 4")
#endif

#endif
