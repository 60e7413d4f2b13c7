/* Pauses: the machine's limit during a job, of pieces of arithmetic between the job's stages.
 *
 * A clock and neighbours that change within seconds make shares of a limit that was measured before
 * the job say as much of the machine as of the program. */
#include "pauses.h"

#include "limits.h"
#include "measure.h"

/* What was attainable since the last pause, at the mean of the limits at both ends. */
static void pause_job(bench_pauses *pauses)
{
    const double begin = bench_seconds(), limit = bench_arithmetic_now(pauses->threads);
    pauses->attainable += (begin - pauses->since) * (pauses->limit + limit) / 2;
    pauses->limit = limit;
    pauses->since = bench_seconds();
    pauses->paused += pauses->since - begin;
}

void bench_pauses_begin(bench_pauses *pauses, int threads)
{
    *pauses = (bench_pauses){.threads = threads, .limit = bench_arithmetic_now(threads)};
    pauses->since = bench_seconds();
}

double bench_pauses_end(bench_pauses *pauses)
{
    const double paused = pauses->paused; /* the last pause is behind the job */
    pause_job(pauses);
    return paused;
}

mmn_status bench_pause_job(void *pauses, const mmn_stage *stage, mmn_error *error)
{
    (void)stage;
    (void)error;
    pause_job(pauses);
    return MMN_OK;
}
