/* Pauses: the machine's limit during a job, of pieces of arithmetic between the job's stages. */
#ifndef MMN_BENCH_PAUSES_H
#define MMN_BENCH_PAUSES_H

#include "mmneuron.h"

typedef struct bench_pauses {
    int threads;
    double paused;       /* seconds spent in pauses, */
    double attainable;   /* and 10^9 operations that the limit would have made between them */
    double since, limit; /* of the last pause: when it ended, and 10^9 operations per second */
} bench_pauses;

/* Just before and just behind the job; returns the seconds of it that were pauses. */
void bench_pauses_begin(bench_pauses *pauses, int threads);
double bench_pauses_end(bench_pauses *pauses);

/* An mmn_see_function whose context they are: makes a pause. */
mmn_status bench_pause_job(void *pauses, const mmn_stage *stage, mmn_error *error);

#endif
