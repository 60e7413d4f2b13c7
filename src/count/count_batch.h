/* Batches: samples of a list that wait to run through the model together. */
#ifndef MMN_NEURONS_COUNT_BATCH_H
#define MMN_NEURONS_COUNT_BATCH_H

#include <stdbool.h>

#include "mmneuron.h"
#include "count/count_probe.h"
#include "count/counts.h"

typedef struct mmn_waiting_sample {
    uint64_t line;
    size_t domain;      /* its index in the counts */
    uint64_t positions; /* of the module that the run's limit of positions goes by */
    mmn_input *input;   /* owned; NULL: another shard's sample, of which the positions count */
    uint8_t digest[16]; /* of the input */
} mmn_waiting_sample;

/* One domain's counts of the batch that is running. */
typedef struct mmn_batch_cells {
    size_t domain;
    mmn_count_cell cells[MMN_MODULES];
} mmn_batch_cells;

/* Zero-initialise; free with mmn_count_batch_free. */
typedef struct mmn_count_batch {
    size_t limit; /* samples with an input that it takes at most */
    mmn_waiting_sample *samples; /* in the list's order */
    size_t count, capacity;
    size_t inputs;      /* how many of them have an input */
    size_t rows;        /* language positions to run, without those that samples share */
    size_t first_rows;  /* those of the first sample with an input */
    size_t pixel_bytes; /* of all inputs */

    mmn_batch_cells *cells;
    size_t cells_count, cells_capacity; /* in use by the samples that run; made */
    const mmn_input **running;
    mmn_count_target *targets;
    size_t running_capacity, targets_capacity;
} mmn_count_batch;

/* Whether `input` may join the batch: there are not too many samples, and they do not take much more
 * memory than a long one alone. An empty batch takes any. */
bool mmn_count_batch_takes(const mmn_count_batch *batch, const mmn_input *input);

/* Adds a sample at the end and takes over its input, after a failure too. */
mmn_status mmn_count_batch_add(mmn_count_batch *batch, const mmn_waiting_sample *sample,
                               mmn_error *error);

/* Runs the inputs of `count` samples from number `first` on, and counts them in the batch's own
 * cells. `probes`, one for each module, are the session's. */
mmn_status mmn_count_batch_run(mmn_count_batch *batch, size_t first, size_t count,
                               const mmn_counts *counts, mmn_session *session,
                               mmn_count_probe *probes, mmn_error *error);

/* Adds what the last run, which succeeded, has counted to the domains' cells. */
mmn_status mmn_count_batch_commit(const mmn_count_batch *batch, mmn_counts *counts,
                                  mmn_error *error);

/* Positions of the samples of a domain that wait. */
uint64_t mmn_count_batch_positions(const mmn_count_batch *batch, size_t domain);

/* Removes all samples. */
void mmn_count_batch_clear(mmn_count_batch *batch);
void mmn_count_batch_free(mmn_count_batch *batch);

#endif
