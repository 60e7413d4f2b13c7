/* A count's samples, dealt out among processes. Process 0 gives out blocks of samples that follow
 * each other, to whoever has none, until the round is over; then all hand in what they have counted
 * of it, which process 0 adds up and saves, and the next round begins. */
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
    bool begun, closed;     /* whether there is a round, and whether it has no more blocks */
    double started, first_started;
    uint64_t first, blocks; /* of the run, where it began; of the round, how many were given */
    bool *waiting, *handed; /* [processes]: want a block, or to hand in; have handed in */
    uint32_t handing;       /* who is handing in; 0: nobody */
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
/* An mmn_interrupted_function for the session of this process: looks for messages, too. */
int mmn_count_ranks_asked(void *context);

#endif
