/* A study's samples, dealt out among processes: whoever is done with one gets the next that nobody
 * has, and process 0 keeps all rows in its file, in the list's order. */
#ifndef MMN_STUDY_RANKS_H
#define MMN_STUDY_RANKS_H

#include "base/team.h"
#include "count/samples.h"
#include "study/rows.h"

/* Zero-initialise; free with mmn_study_ranks_free. */
typedef struct mmn_study_ranks {
    /* The study's to set: */
    mmn_samples *samples;
    mmn_study_rows *rows;
    const char *run; /* which run it is, as mmn_rows_run_text says */
    void *kept;
    /* Fills the rows of a sample. */
    mmn_status (*measure)(void *kept, const mmn_planned_sample *planned, mmn_error *error);
    /* Tells that so many more rows are there, `found` if the file had them: where to stop, too. */
    mmn_status (*tell)(void *kept, uint64_t rows, bool found, mmn_error *error);

    /* At work. Samples are numbered from 0 among those that are wanted. */
    mmn_team team;
    mmn_planned_sample at_hand; /* the last that the list gave, number `taken` - 1 */
    uint64_t taken;
    uint64_t all, dealt; /* samples; those that are with somebody or done */
    uint64_t *with;      /* [processes]: the number + 1 of the sample that each is at; 0: none */
} mmn_study_ranks;

void mmn_study_ranks_free(mmn_study_ranks *ranks);

/* Does the samples that the file of rows lacks, together with the other processes. Behind it
 * process 0 has all rows in its file. */
mmn_status mmn_study_ranks_gather(mmn_study_ranks *ranks, mmn_error *error);
/* An mmn_interrupted_function for the sessions of this process: looks for messages, too. */
int mmn_study_ranks_asked(void *context);
/* Ends the run of all processes with the status that this one's has; returns that of the run. */
mmn_status mmn_study_ranks_end(mmn_study_ranks *ranks, mmn_status status, mmn_error *error);

#endif
