/* Threads: how many OpenMP threads a model uses, and how they share work, with and without
 * OpenMP. */
#ifndef MMN_BASE_THREADS_H
#define MMN_BASE_THREADS_H

#include "base/error.h"

/* More threads than any machine has would only exhaust memory; libgomp overruns its stack with many
 * more. */
enum { MMN_THREAD_LIMIT = 4096 };

/* Before a `for`: its turns are shared among up to `threads` threads, as OpenMP's schedule of that
 * name deals them out (static or dynamic). Before a block: each of so many threads runs it. Before
 * a block within these: one thread at a time is in the blocks of that name. Without OpenMP the
 * calling thread does all. */
#ifdef _OPENMP
#define MMN_PRAGMA(...) _Pragma(#__VA_ARGS__)
#define MMN_PARALLEL_FOR(threads, ...)                                                             \
    MMN_PRAGMA(omp parallel for num_threads(threads) schedule(__VA_ARGS__))
#define MMN_PARALLEL(threads) MMN_PRAGMA(omp parallel num_threads(threads))
#define MMN_ONE_AT_A_TIME(name) MMN_PRAGMA(omp critical(name))
#else
#define MMN_PARALLEL_FOR(threads, ...) (void)(threads);
#define MMN_PARALLEL(threads) (void)(threads);
#define MMN_ONE_AT_A_TIME(name)
#endif

/* The number of threads to use when `requested` were asked for: that many, or for 0 as many as
 * OpenMP would start (OMP_NUM_THREADS, else the processors), at most MMN_THREAD_LIMIT. 1 in a build
 * without OpenMP. */
int mmn_threads(int requested);

/* *threads: how many of `wanted` threads to use, after trying to have so many: all, or where the
 * system does not give them half of what it gives, so that something is left. OpenMP would end the
 * program. */
mmn_status mmn_threads_to_be_had(int *threads, int wanted, mmn_error *error);

/* The calling thread's number in the innermost parallel region, from 0. */
int mmn_thread_number(void);

#endif
