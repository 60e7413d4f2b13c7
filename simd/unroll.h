/* Unrolling of loops over a few registers, which each compiler must be told in its own way. */
#ifndef MMN_SIMD_UNROLL_H
#define MMN_SIMD_UNROLL_H

#if defined(__SANITIZE_ADDRESS__) && defined(MMN_SIMD_VECTOR_PORTABLE_H)
/* Where every access to a lane is watched, gcc takes eight minutes to compile these loops unrolled,
 * and 40 seconds as loops. */
#define UNROLL
#define UNROLL_4
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#define UNROLL_4 _Pragma("clang loop unroll_count(4)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#define UNROLL_4 _Pragma("GCC unroll 4")
#endif

/* Likewise the longest of these loops with any vectors; portable ones in every build: gcc takes
 * more than three minutes to compile them unrolled, and 21 seconds as loops that are no slower. */
#if defined(__SANITIZE_ADDRESS__) || defined(MMN_SIMD_VECTOR_PORTABLE_H)
#define UNROLL_LONG
#else
#define UNROLL_LONG UNROLL
#endif

#endif
