/* The readout of the logit lens: what the final norm and the language model's head make of hidden
 * states (nostalgebraist, "interpreting GPT: the logit lens", 2020). */
#ifndef MMN_STUDY_READOUT_H
#define MMN_STUDY_READOUT_H

#include "mmneuron.h"
#include "pass/operations.h"

enum { MMN_READOUT_ROWS = 64 }; /* at a time: logits of all rows of a long prompt are too many */

typedef struct mmn_word {
    int32_t id;
    float probability;
} mmn_word;

/* Zero-initialise; free with mmn_readout_free. */
typedef struct mmn_readout {
    const mmn_model *model;
    size_t top;         /* how many words are kept of each row */
    mmn_compute compute;
    float *normed;      /* [MMN_READOUT_ROWS][hidden_size] */
    float *logits;      /* [MMN_READOUT_ROWS][vocab_size] */
    double *entropy;    /* [MMN_READOUT_ROWS]: of softmax(logits), in nats */
    mmn_word *words;    /* [MMN_READOUT_ROWS][top]: the most probable, the lower id first among
                           equals */
} mmn_readout;

/* `top`: 1 to the size of the vocabulary. */
mmn_status mmn_readout_begin(mmn_readout *readout, const mmn_model *model, size_t top,
                             mmn_error *error);
void mmn_readout_free(mmn_readout *readout);

/* Reads hidden [rows][hidden_size], MMN_READOUT_ROWS rows at most: fills entropy and words.
 * MMN_INPUT where a logit is not a number. */
mmn_status mmn_readout_run(mmn_readout *readout, const float *hidden, size_t rows,
                           mmn_error *error);

#endif
