/* A count's samples, dealt out among processes. Process 0 gives out blocks of samples that follow
 * each other, to whoever has none. Now and then it closes a round: everybody who comes for a block
 * hands in first what he has counted of those before, and goes on with the next round. When all
 * have handed in, process 0 saves the sum; nobody waits for that. */
#ifndef MMN_COUNT_COUNT_RANKS_H
#define MMN_COUNT_COUNT_RANKS_H

#include "base/team.h"
#include "count/counts.h"

/* Zero-initialise; free with mmn_count_ranks_free. */
typedef struct mmn_count_ranks {
    /* The run's to set: */
    mmn_counts *own; /* what this process has counted of the round; positions and last_line are of
                        all samples that it has gone through */
    size_t most;     /* samples of a block */
    void *run;
    /* Tells the progress; MMN_INTERRUPTED when the run shall stop. */
    mmn_status (*tell)(void *run, mmn_error *error);
    mmn_status (*save)(void *run, mmn_counts *sum, mmn_error *error);
    void (*skipped)(void *run, const mmn_error *problem);
    uint64_t done;      /* samples that this process has gone through since it last said so */
    uint64_t counted;   /* by this process, and by those that have handed in */
    uint64_t positions; /* likewise, of the language model */

    /* At work. Samples are numbered from 0 in the list's order. */
    mmn_team team;
    uint64_t begin, end; /* the block of this process; up to `end` it need not ask */
    bool over;           /* nothing is left */
    /* Of process 0: */
    mmn_counts *sum, *part; /* of all rounds that are over; what is being handed in */
    uint64_t all, next;     /* samples; the first that nobody has had */
    uint64_t others;        /* samples that others have gone through */
    bool begun, closed;     /* whether there is a round, and whether it is to be handed in */
    uint64_t first;         /* sample of the run */
    uint64_t boundary;      /* the first sample behind the closed round */
    bool *waiting, *handed; /* [processes]: want a block; have handed in of the closed round */
    uint32_t handing;       /* who is handing in; 0: nobody */
    double first_started, started;           /* the run, and the round */
    double handing_started, handing_seconds; /* this process's, and those of the round */
    double cost;                             /* seconds that handing in and saving took last */
} mmn_count_ranks;

/* Gets ready with counts that hold what earlier runs have saved, which become process 0's sum, and
 * with the number of all samples. The other processes learn where to go on. */
mmn_status mmn_count_ranks_begin(mmn_count_ranks *ranks, mmn_counts **counts, uint64_t all,
                                 mmn_error *error);
void mmn_count_ranks_free(mmn_count_ranks *ranks);

/* Before sample `number`, at or behind `end`, once all before it are counted: what to do from there
 * on. `line` is that of the sample before. */
mmn_status mmn_count_ranks_next(mmn_count_ranks *ranks, uint64_t number, uint64_t line,
                                mmn_error *error);
/* Behind the last sample: comes to the end of the last round. */
mmn_status mmn_count_ranks_finish(mmn_count_ranks *ranks, uint64_t line, mmn_error *error);
/* Tells process 0 of a sample that was skipped. */
mmn_status mmn_count_ranks_skip(mmn_count_ranks *ranks, const mmn_error *problem, mmn_error *error);
/* Whether it is time to save what is counted: `seconds` ago it was last done, and took `cost`. */
bool mmn_count_save_is_due(double seconds, double cost);
/* An mmn_interrupted_function for the session of this process: looks for messages, too. */
int mmn_count_ranks_asked(void *context);

#endif
