/* Threads: how many OpenMP threads a model uses, with and without OpenMP. */
#ifndef MMN_BASE_THREADS_H
#define MMN_BASE_THREADS_H

/* The number of threads to use when `requested` were asked for: that many, or for 0 as many as
 * OpenMP would start (OMP_NUM_THREADS, else the processors). 1 in a build without OpenMP. */
int mmn_threads(int requested);

/* The calling thread's number in the innermost parallel region, from 0. */
int mmn_thread_number(void);

#endif
