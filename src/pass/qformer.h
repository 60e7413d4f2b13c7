/* The Q-Former's layers, which the forward pass runs and the reverse pass runs again. */
#ifndef MMN_PASS_QFORMER_H
#define MMN_PASS_QFORMER_H

#include "model/config.h"
#include "model/input.h"
#include "model/weights.h"
#include "pass/operations.h"

/* What an attention makes, [rows][hidden_size]. */
typedef struct mmn_qformer_attention {
    float *query, *key, *value;
    float *context; /* before the output projection */
    float *sum;     /* what enters the norm behind */
} mmn_qformer_attention;

/* The activations of one run. Rows are the queries and, after them, the instruction's words. */
typedef struct mmn_qformer_rows {
    size_t queries, words, rows;
    size_t image_rows; /* of the features that the queries read */
    float *hidden;
    mmn_qformer_attention own, cross;
    float *sum,
        *inner;    /* of the MLPs: what enters the norm, and comes of the activation function */
    float *before; /* what enters that, or NULL: it is not kept */
    float *memory; /* all of these */
} mmn_qformer_rows;

/* Makes room for the activations, nothing in the place of another where they are kept, and for
 * their products; hidden = the embeddings. Zero-initialise; free with mmn_qformer_rows_free, after
 * a failure too. */
mmn_status mmn_qformer_begin(mmn_compute *compute, const mmn_config *config,
                             const mmn_qformer_weights *weights, const mmn_input *input, bool kept,
                             mmn_qformer_rows *rows, mmn_error *error);
void mmn_qformer_rows_free(mmn_qformer_rows *rows);

/* Layer number `layer` over features [image_rows][vision width]: rows->hidden, what enters it,
 * becomes what it puts out. Shows the query.layers.* and qformer.layers.* stages. */
mmn_status mmn_qformer_layer(const mmn_compute *compute, const mmn_qformer_config *config,
                             const mmn_qformer_layer_weights *weights, uint32_t layer,
                             const float *features, const mmn_probes *probes,
                             mmn_qformer_rows *rows, mmn_error *error);

/* Whether the layer's queries read the image. */
bool mmn_qformer_layer_reads_image(const mmn_qformer_config *config, uint32_t layer);

#endif
