/* What encoders of BERT's kind share: layers whose norms come behind the sums. */
#ifndef MMN_PASS_BERT_H
#define MMN_PASS_BERT_H

#include "pass/operations.h"

/* hidden [rows][width] = layer_norm(sum + hidden); `sum` is changed too. */
void mmn_bert_add_norm(const mmn_compute *compute, float *hidden, float *sum, const mmn_norm *norm,
                       size_t rows, size_t width, float epsilon);

/* Rows on their way through a feed-forward layer. */
typedef struct mmn_bert_rows {
    float *hidden, *sum, *inner; /* [rows] of the layer's width, of that again, of its inner one */
    size_t rows;
    float *before; /* as inner: what enters the activation function; NULL: it is not kept */
} mmn_bert_rows;

/* hidden = layer_norm(output(act(intermediate(hidden))) + hidden), showing what comes of the
 * activation function as stage `pattern` of `layer`. Room for the products must have been
 * reserved. */
mmn_status mmn_bert_feed_forward(const mmn_compute *compute, const mmn_bert_mlp_weights *weights,
                                 mmn_activation activation, float epsilon,
                                 const mmn_bert_rows *rows, const char *pattern, int layer,
                                 const mmn_probes *probes, mmn_error *error);

#endif
