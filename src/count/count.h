/* What counting consists of: what a count starts with, and batches of samples that run together. */
#ifndef MMN_COUNT_COUNT_H
#define MMN_COUNT_COUNT_H

#include <stdbool.h>

#include "mmneuron.h"
#include "count/counts.h"
#include "count/samples.h"

/* ---- The start ------------------------------------------------------------------------------- */

/* Checks the options, makes counts of the modules that they name, and opens the samples, whose
 * domains the counts then have. Texts are cut into windows; of texts, only modules that read them
 * are counted. Close the samples and free the counts also on failure. */
mmn_status mmn_count_setup(mmn_counts **counts, mmn_samples *samples, const mmn_model *model,
                           const mmn_count_options *options, mmn_error *error);

/* The module that the limit of positions goes by: if the options name none, the model's first, or
 * of texts the first that is counted. */
const char *mmn_count_positions_module(const mmn_count_options *options, const mmn_samples *samples,
                                       const mmn_counts *counts);

/* Fills in version, model digest (which reads the whole checkpoint), digest of the samples' list
 * or, if it is of texts, of their windows, and settings. The samples start again at the first. */
mmn_status mmn_count_identify(mmn_counts *counts, const mmn_samples *samples,
                              const mmn_count_options *options, mmn_error *error);

/* Reads the state file of an interrupted run; MMN_INPUT when it is not of the run that `counts` was
 * set up for, saying in what they differ. */
mmn_status mmn_count_resume(mmn_counts **state, const char *file, const mmn_counts *counts,
                            mmn_error *error);

/* ---- Batches --------------------------------------------------------------------------------- */

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

/* What counts the neurons of module number `module` of the counts. */
typedef struct mmn_count_probe {
    const struct mmn_count_batch *batch;
    size_t module;
} mmn_count_probe;

/* Zero-initialise but for these; free with mmn_count_batch_free. */
typedef struct mmn_count_batch {
    /* The caller's to set: */
    size_t limit;       /* samples with an input that it takes at most */
    mmn_counts *counts; /* that it adds to */
    /* Asked before every stage; a true answer ends the forward pass with MMN_INTERRUPTED. */
    bool (*interrupted)(void *context);
    void *context;

    mmn_session *session;
    mmn_count_probe probes[MMN_MODULES]; /* of the session */
    mmn_waiting_sample *samples;         /* in the list's order */
    size_t count, capacity;
    size_t inputs;      /* how many of them have an input */
    size_t rows;        /* language positions to run, without those that samples share */
    size_t first_rows;  /* those of the first sample with an input */
    size_t pixel_bytes; /* of all inputs */

    mmn_batch_cells *cells;
    size_t cells_count, cells_capacity; /* in use by the samples that run; made */
    const mmn_input **running;
    size_t *cells_of; /* [running_count]: where the counts of an input that runs go */
    size_t running_count, running_capacity, cells_of_capacity;
} mmn_count_batch;

/* Makes the session, which the batch must not be moved after. */
mmn_status mmn_count_batch_start(mmn_count_batch *batch, const mmn_model *model, mmn_error *error);
void mmn_count_batch_free(mmn_count_batch *batch);

/* Whether `input` may join the batch: there are not too many samples, and they do not take much
 * more memory than a long one alone. An empty batch takes any. */
bool mmn_count_batch_takes(const mmn_count_batch *batch, const mmn_input *input);

/* Adds a sample of so many positions at the end and takes over its input, after a failure too. */
mmn_status mmn_count_batch_add(mmn_count_batch *batch, const mmn_planned_sample *planned,
                               uint64_t positions, mmn_input *input, mmn_error *error);

/* Runs the inputs of `count` samples from number `first` on, and counts them in the batch's own
 * cells. */
mmn_status mmn_count_batch_run(mmn_count_batch *batch, size_t first, size_t count,
                               mmn_error *error);

/* What of the inputs that run is done, by the language model's layers: 1.5 may be half of three. */
double mmn_count_batch_begun(const mmn_count_batch *batch);

/* Adds what the last run, which succeeded, has counted to the domains' cells. */
mmn_status mmn_count_batch_commit(mmn_count_batch *batch, mmn_error *error);

/* Positions of the samples of a domain that wait. */
uint64_t mmn_count_batch_positions(const mmn_count_batch *batch, size_t domain);

/* Removes all samples. */
void mmn_count_batch_clear(mmn_count_batch *batch);

#endif
