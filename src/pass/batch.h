/* Batches: rows that run through the language model together, and whose sequences they are. */
#ifndef MMN_PASS_BATCH_H
#define MMN_PASS_BATCH_H

#include <stdbool.h>

#include "model/input.h"
#include "model/model.h"
#include "pass/probes.h"
#include "pass/span.h"

/* What the last position of a sequence says of the next one. */
typedef struct mmn_ending {
    float *last;   /* [hidden_size]: the final norm */
    float *logits; /* [vocab_size], once have_logits */
    bool have_logits;
} mmn_ending;

/* Rows that are one sequence's. They go on from what a span holds, or from the first positions of
 * another sequence of the batch, or begin at position 0. */
typedef struct mmn_sequence {
    const mmn_probes *probes; /* who sees its stages */
    const mmn_input *input;   /* whose they are */
    mmn_span *span;           /* which gets the rows' keys and values; NULL: these are not kept */
    size_t to_come;           /* positions that the span may get behind the rows */
    const struct mmn_sequence *root; /* that has the first `shared` positions; NULL: none */
    size_t shared;
    size_t first_row, rows;
    /* The layer where it begins. Below, it is as the batch's first sequence, which has as many
     * rows: it takes what that has made, and its probes do not see these layers. */
    uint32_t first_layer;
    mmn_ending *ending; /* filled in; NULL: nobody needs it */
} mmn_sequence;

/* Memory in which rows run, and what their positions are made of. Zero-initialise; free with
 * mmn_row_memory_free. */
typedef struct mmn_row_memory {
    size_t rows; /* that there is room for */
    float *normed, *cosine, *sine;
    /* What attention needs and what the MLP needs stand in the same place, for a layer has no use
     * for both at a time; attention writes over its queries. */
    float *query, *keys, *values, *fused;
    float *gate, *up;            /* up: also where gate is packed, once it has its factor */
    float *attention;            /* its output [rows][hidden_size], where the MLP is parallel */
    float *frequencies, *slopes; /* [rotary_dim / 2] and [heads]; NULL until the first run */
    float rotary_attention;      /* what cosines and sines are multiplied by */
} mmn_row_memory;

/* A batch. Sequences' rows follow each other, those that begin in the same layer or below coming
 * first. */
typedef struct mmn_batch {
    const mmn_model *model;
    mmn_compute *compute;
    mmn_row_memory *memory;
    mmn_sequence *list;
    size_t count;
    float *hidden; /* [rows of all][hidden_size] */
    /* [layers + 1][rows][hidden_size]: what enters each layer, and what leaves the last one, for a
     * batch of one sequence; NULL: not kept. */
    float *states;
    bool all_rows;      /* whether the final norm is wanted of all rows, and not of endings alone */
    size_t begun, rows; /* sequences that have rows in the layer that is running, and how many */
} mmn_batch;

/* Whether two inputs have the same images: as many, of the same sizes, and every bit of
 * pixel_values the same. Without images both do. What the tower makes of them is then the same. */
bool mmn_inputs_share_images(const mmn_input *a, const mmn_input *b);
/* Whether a Q-Former, if there is one, reads them with the same instruction as well, so that what
 * enters the language model is the same. */
bool mmn_inputs_share_features(const mmn_input *a, const mmn_input *b);
/* How many positions at the beginning of two inputs are the same: the same ids, and the same images
 * where they have features of images. */
size_t mmn_inputs_shared_positions(const mmn_input *a, const mmn_input *b);

/* Decides which sequences, whose inputs are set and which no span has, share what, and gives them
 * their rows. At least the last position of each runs. */
void mmn_batch_share(mmn_sequence *list, size_t count);

/* The position of a sequence's first row. */
size_t mmn_sequence_position(const mmn_sequence *sequence);

/* Ends the run if something that was made of the rows from `first_row` on is not finite: `pattern`
 * is the first stage with a name that shows it. */
mmn_status mmn_batch_check(const mmn_batch *batch, size_t first_row, const char *pattern, int layer,
                           mmn_error *error);

/* Whether somebody wants the stage of one of the sequences that have begun. */
bool mmn_batch_wants(const mmn_batch *batch, const char *pattern, int layer);

/* Shows a stage of the sequences that have begun, data [rows][width], if what was made since it was
 * checked last is finite: to each the positions that it shares, if any, then its own. */
mmn_status mmn_batch_show(const mmn_batch *batch, const char *pattern, int layer, float *data,
                          size_t width, mmn_error *error);

/* Makes room for `rows` rows; what it held is lost. */
mmn_status mmn_row_memory_reserve(mmn_row_memory *memory, const mmn_language_config *config,
                                  size_t rows, mmn_error *error);
void mmn_row_memory_free(mmn_row_memory *memory);

#endif
