/* Kept stages: copies of what a session's last prefill has shown. */
#ifndef MMN_PASS_KEPT_STAGES_H
#define MMN_PASS_KEPT_STAGES_H

#include <stdbool.h>

#include "pass/probes.h"

/* A probe's context. It must stay where it is as long as its probe is a session's. */
typedef struct mmn_kept_stages {
    mmn_stage *list; /* in the order of the forward pass; names and data are owned */
    size_t count, capacity;
    const mmn_input *input; /* whose they are */
    bool all; /* the patterns are "*", which two stages are not asked for by */
} mmn_kept_stages;

/* A probe that keeps the stages that match `patterns`: those of the prompt, of the last input shown. */
mmn_probe mmn_kept_stages_probe(mmn_kept_stages *kept, const char *patterns);
void mmn_kept_stages_free(mmn_kept_stages *kept);

#endif
