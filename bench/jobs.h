/* Jobs: pieces of real work on a checkpoint that can be repeated and timed. */
#ifndef MMN_BENCH_JOBS_H
#define MMN_BENCH_JOBS_H

#include <stdbool.h>

#include "mmneuron.h"
#include "pauses.h"
#include "pass/probes.h"

typedef enum bench_kind {
    BENCH_VISION,  /* the vision tower on one tile, up to the layer that the projector reads */
    BENCH_PREFILL, /* a prompt of `tokens` token ids through the language model */
    BENCH_DECODE   /* `tokens` tokens, generated after a prompt of 600 and what came before */
} bench_kind;

enum { BENCH_WAYS = 16 };

/* What sees a job's stages. */
typedef enum bench_seen {
    BENCH_UNSEEN,
    BENCH_COUNTED, /* every neuron of every layer that runs is counted */
    BENCH_PAUSED   /* the machine's limit is measured three times a layer; not while decoding */
} bench_seen;

typedef struct bench_job {
    char name[32]; /* "prefill:600" */
    bench_kind kind;
    size_t tokens; /* positions that one repetition runs, in each way */
    size_t ways;   /* that decode side by side: */
    bool beams;    /* beams of one session; else sessions whose prompts have nothing in common */
    const mmn_model *model;
    uint64_t repetitions;

    mmn_session *session, *sessions[BENCH_WAYS]; /* session: the first of `ways` */
    mmn_input *input;
    float *pixels;         /* [3][size][size] */
    mmn_probes probes;     /* the vision tower's */
    int64_t *active, *sum; /* [layers][neurons] of the module that is counted, else NULL */
    bool pausing;
    bench_pauses pauses; /* of the last repetition */
} bench_job;

/* A job by its name: "vision", "prefill:N", "decode:N", "decode:N:WAYS" or "beams:N:WAYS". MMN_USAGE
 * when there is no such job; the job is freed also after a failure. */
mmn_status bench_job_create(bench_job *job, const mmn_model *model, const char *name,
                            bench_seen seen, mmn_error *error);
void bench_job_free(bench_job *job);

/* One repetition and its seconds, those of pauses not among them. */
mmn_status bench_job_run(bench_job *job, double *seconds, mmn_error *error);

/* 10^9 operations of the matrix products and attention of one repetition; 10^9 bytes of weights
 * that it reads, each time it needs them. */
double bench_job_operations(const bench_job *job);
double bench_job_bytes(const bench_job *job);

/* Where a forward pass begins: shows `probe` the first stage of a session. */
mmn_status bench_begin(const mmn_model *model, const mmn_probe *probe, mmn_error *error);

#endif
