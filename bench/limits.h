/* Limits: the most arithmetic and the most memory traffic that this machine is seen to do. */
#ifndef MMN_BENCH_LIMITS_H
#define MMN_BENCH_LIMITS_H

#include <stddef.h>

/* The most 10^9 floating-point operations per second that `threads` threads reach with independent
 * f32 multiply-adds in registers (each counts as two), over every instruction set of the processor;
 * *instructions names the best. */
double bench_peak_arithmetic(int threads, const char **instructions);

/* 10^9 operations per second that they reach with the widest instructions in the next
 * milliseconds. */
double bench_arithmetic_now(int threads);

/* The most 10^9 bytes per second that `threads` threads read from `bytes` bytes of memory, over
 * several simple loops; 0 when there is no memory for it. `bytes`: many times the cache. */
double bench_peak_reading(int threads, size_t bytes);

/* 10^9 operations per second of the calling thread alone, in its own time, with the instructions of
 * the kernel table of this name. */
double bench_burst_arithmetic(const char *table, size_t rounds);

/* 10^9 bytes per second that the calling thread reads from `data`, at a multiple of 64 bytes, in
 * its own time: four parts side by side, in the widest registers. */
double bench_burst_reading(const void *data, size_t bytes);

#endif
