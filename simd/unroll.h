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

/* for (i = 0; i < count; i++), unrolled, with a constant count of at most `most`. clang unrolls a
 * loop that has one round too late to keep in registers what it works on. */
#define EACH(i, count, most)                                                                       \
    UNROLL                                                                                         \
    for (size_t i = 0; i < (most); i++)                                                            \
        if ((i) < (count))

/* Holds the use of an address between the accesses to memory before and behind it. gcc gathers the
 * prefetches of unrolled steps in front of all steps; clang leaves them where they are. It is no
 * instruction. */
#if defined(__clang__)
#define KEEP_PLACE(address) ((void)(address))
#else
#define KEEP_PLACE(address) __asm__ volatile("" : "+r"(address) : : "memory")
#endif

/* Hides where an address comes from. clang otherwise keeps the addresses of all rows that a loop
 * goes along, most of them in memory. It is no instruction. */
#define OPAQUE(address) __asm__("" : "+r"(address))

/* Has a vector written to memory, and read from there where it is used. */
#define KEEP_IN_MEMORY(vector) __asm__("" : "+m"(vector))

#endif
