/* Bursts: short pieces of a matrix product in turn with the limit loop. */
#ifndef MMN_BENCH_BURSTS_H
#define MMN_BENCH_BURSTS_H

#include <stdbool.h>
#include <stddef.h>

enum { BENCH_MOST_BURSTS = 1000 };

/* Prints quartiles of the shares of the limit that `wanted` bursts of each shape reach, of the
 * table `simd` or, "all", of every one with vectors. False, after a message, when there is no such
 * table or memory is short. */
bool bench_bursts(const char *simd, size_t wanted);

#endif
