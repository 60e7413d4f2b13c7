/* Probes: who looks at which stage of the forward pass, and how a stage is shown to them. */
#ifndef MMN_PASS_PROBES_H
#define MMN_PASS_PROBES_H

#include <stdbool.h>

#include "base/interrupt.h"
#include "mmneuron.h"

/* Room for any stage's name with its layer number and a terminating zero. */
enum { MMN_STAGE_NAME_SIZE = 64 };

typedef struct mmn_probes {
    mmn_probe *list; /* `stages` of each is an owned copy */
    size_t count, capacity;
    /* What the pass is running on, [input_count]. A stage that they share, such as those of an
     * image in all of them, is shown once for each. */
    const mmn_input *const *inputs;
    size_t input_count;
    bool generating;
    mmn_interrupt *interrupt; /* asked before each stage; NULL: nothing stops */
} mmn_probes;

/* Copies `probe` to the end of the list. */
mmn_status mmn_probes_add(mmn_probes *probes, const mmn_probe *probe, mmn_error *error);
void mmn_probes_free(mmn_probes *probes);

/* Whether somebody wants stage `pattern` ("vision.layers.{i}.out") of `layer` (-1: no layer). */
bool mmn_probes_want(const mmn_probes *probes, const char *pattern, int layer);

/* Whether somebody wants a stage whose pattern begins with `prefix` ("language.") and which is of
 * `layer`, or of none where that is -1. */
bool mmn_probes_want_layer(const mmn_probes *probes, const char *prefix, int layer);

/* Whether somebody wants a stage whose pattern begins with `prefix` ("language."), of a layer below
 * `layers` where it has one. */
bool mmn_probes_want_any(const mmn_probes *probes, const char *prefix, uint32_t layers);

/* How many of `layers` layers must run for the wanted stages whose patterns begin with `prefix`
 * ("vision.layers."): all up to the last one that somebody wants to see. */
uint32_t mmn_probes_layers(const mmn_probes *probes, const char *prefix, uint32_t layers);

/* Whether somebody may change what is shown. */
bool mmn_probes_write(const mmn_probes *probes);

/* Whether stages whose patterns begin with `prefix` may be left out where an earlier pass has made
 * them already: nobody changes such stages, and who wants to see them does without. */
bool mmn_probes_allow_reuse(const mmn_probes *probes, const char *prefix, uint32_t layers);

/* Writes `pattern` to `name` with {i} replaced by `layer`. */
void mmn_stage_name(char name[MMN_STAGE_NAME_SIZE], const char *pattern, int layer);

/* A stage about to be shown: what the forward pass knows of it beyond the table of stages. */
typedef struct mmn_shown {
    const char *pattern; /* as in the table of stages */
    int layer;           /* -1: none */
    void *data;
    size_t shape[4]; /* as many as the table has dimensions */
    size_t first_position;
    const mmn_input *input; /* whose it is; NULL: it is shared by all of the probes' inputs */
} mmn_shown;

/* Shows a stage to every probe that wants it, in their order. Returns the first status that is not
 * MMN_OK. Before it, asks whether to go on at all, whether or not there are probes. */
mmn_status mmn_probes_show(const mmn_probes *probes, const mmn_shown *shown, mmn_error *error);

/* ---- Kept stages ----------------------------------------------------------------------------- */

/* A probe's context. It must stay where it is as long as its probe is a session's. */
typedef struct mmn_kept_stages {
    mmn_stage *list; /* in the order of the forward pass; names and data are owned */
    size_t count, capacity;
    const mmn_input *input; /* whose they are */
    bool all;               /* the patterns are "*", which two stages are not asked for by */
} mmn_kept_stages;

/* A probe that keeps the stages that match `patterns`: those of the prompt, of the last input
 * shown. */
mmn_probe mmn_kept_stages_probe(mmn_kept_stages *kept, const char *patterns);
void mmn_kept_stages_free(mmn_kept_stages *kept);

#endif
