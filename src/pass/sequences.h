/* Sequences that run through the language model together, and the beginnings that they share. */
#ifndef MMN_PASS_SEQUENCES_H
#define MMN_PASS_SEQUENCES_H

#include <stdbool.h>

#include "model/input.h"
#include "pass/probes.h"

/* One sequence. Its first `shared` positions are those of sequence `root`, which itself shares
 * none, and do not run twice; the others are `rows` rows of the run from first_row on. */
typedef struct mmn_sequence {
    const mmn_input *input; /* NULL: that of the probes */
    size_t shared, root;
    size_t first_row, rows;
} mmn_sequence;

typedef struct mmn_sequences {
    mmn_sequence *list;
    size_t count;
    size_t rows;           /* of all together */
    size_t longest;        /* positions of the longest one that shares some; 0: none does */
    size_t first_position; /* of a sequence that shares none: what the cache already holds */
} mmn_sequences;

/* How many positions at the beginning of two inputs are the same: the same ids, and the same images
 * where they have features of images. */
size_t mmn_inputs_shared_positions(const mmn_input *a, const mmn_input *b);

/* One sequence of `rows` rows that go on from position first_position; its list is `alone`. */
mmn_sequences mmn_sequences_of_one(mmn_sequence *alone, size_t first_position, size_t rows);

/* Decides which of the inputs share what. At least the last position of each runs. Free with
 * mmn_sequences_free. */
mmn_status mmn_sequences_plan(mmn_sequences *sequences, const mmn_input *const *inputs,
                              size_t count, mmn_error *error);
void mmn_sequences_free(mmn_sequences *sequences);

/* The position that row `row` of the run stands for. */
size_t mmn_sequences_position(const mmn_sequences *sequences, size_t row);

/* Shows a stage of all sequences, data [rows][width], to each with its own input: first the
 * positions that it shares, if any, then the others. */
mmn_status mmn_sequences_show(const mmn_sequences *sequences, const mmn_probes *probes,
                              const char *pattern, int layer, float *data, size_t width,
                              mmn_error *error);

#endif
