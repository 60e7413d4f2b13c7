/* The readout of the logit lens: what the final norm and the language model's head make of hidden
 * states (nostalgebraist, "interpreting GPT: the logit lens", 2020), and which words lead. */
#ifndef MMN_STUDY_READOUT_H
#define MMN_STUDY_READOUT_H

#include "study/study.h"

/* A word, and what speaks for it: its probability, what its row of the head makes of something, or
 * how often it was the most probable. */
typedef struct mmn_word {
    int32_t id;
    double value;
} mmn_word;

/* Takes a word among the `count` of the largest values if it belongs to the first `limit`; of
 * equals the first to come stays before. Returns how many there are then. */
size_t mmn_word_choose(mmn_word *words, size_t count, size_t limit, mmn_word word);

/* Zero-initialise; what it has is the study's. */
typedef struct mmn_readout {
    mmn_study *study;
    size_t top;      /* how many words are kept of each row */
    float *normed;   /* [MMN_STUDY_ROWS][hidden_size] */
    double *entropy; /* [MMN_STUDY_ROWS]: of softmax(logits), in nats */
    mmn_word *words; /* [MMN_STUDY_ROWS][top]: the most probable, the lower id first among equals */
} mmn_readout;

/* `top`: 1 to the size of the vocabulary. */
mmn_status mmn_readout_begin(mmn_readout *readout, mmn_study *study, size_t top, mmn_error *error);

/* Reads hidden [rows][hidden_size], MMN_STUDY_ROWS rows at most: fills entropy and words. MMN_INPUT
 * where a logit is not a number. */
mmn_status mmn_readout_run(mmn_readout *readout, const float *hidden, size_t rows,
                           mmn_error *error);

/* How often each word was the most probable one; takes memory for those that occur only.
 * Zero-initialise; free with mmn_word_counts_free. */
typedef struct mmn_word_counts {
    mmn_word *list; /* ascending ids */
    size_t count, capacity;
} mmn_word_counts;

mmn_status mmn_word_counts_add(mmn_word_counts *counts, int32_t id, double times, mmn_error *error);
void mmn_word_counts_free(mmn_word_counts *counts);

/* The `limit` most frequent words, the lower id first among equals; returns how many there are. */
size_t mmn_word_counts_most(const mmn_word_counts *counts, mmn_word *most, size_t limit);

#endif
