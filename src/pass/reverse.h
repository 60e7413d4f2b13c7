/* The reverse pass: derivatives of a number by what a forward pass has made, never by weights.
 *
 * It goes through the model from the end to the beginning and reads like the forward pass, layer
 * for layer. Of the forward pass it needs what entered each layer; everything inside a layer is
 * made again, which gives the same bits. */
#ifndef MMN_PASS_REVERSE_H
#define MMN_PASS_REVERSE_H

#include "pass/language.h"

/* A number that the logits of some positions decide. */
typedef struct mmn_loss {
    size_t first_position, positions; /* these many, at least 1, from the first on */
    /* *value, and gradient [positions][vocab_size], which is 0 before: its derivatives by logits
     * [positions][vocab_size], which may be changed. */
    mmn_status (*derive)(const void *context, const mmn_compute *compute, float *logits,
                         float *gradient, double *value, mmn_error *error);
    const void *context;
} mmn_loss;

/* What a layer makes again of the forward pass, and the gradients inside it. Zero-initialise; free
 * with mmn_reverse_memory_free. */
typedef struct mmn_reverse_memory {
    size_t rows;            /* that there is room for */
    mmn_row_memory forward; /* queries, keys and values, none in the place of another */
    float *context;         /* what attention makes, before the output projection */
    float *state;           /* what enters the MLP's norm */
    float *gate, *up;
    float *gate_gradient, *up_gradient; /* of gate, first of what `down` reads; of up */
    float *query_gradient, *key_gradient, *value_gradient, *fused_gradient;
    float *context_gradient;
    float *normed_gradient, *addend; /* [rows][hidden_size] */
    float *sine;                     /* of the angles back */
    float *attention;                /* scratch of mmn_attend_reverse */
} mmn_reverse_memory;

/* gradient [rows][hidden_size]: the loss's derivatives by the embeddings of a batch of one whole
 * sequence that has run and kept its states. `memory` is for this run and for later ones. Shows the
 * grad.language.* stages, which probes may change: what a probe wrote to mlp.out, out or embeddings
 * of the forward pass is taken for a constant, unless the probe gives to the gradients what it owes
 * them. Room for the run's products must still be reserved. */
mmn_status mmn_language_reverse(const mmn_batch *batch, mmn_reverse_memory *memory,
                                const mmn_loss *loss, float *gradient, double *value,
                                mmn_error *error);
void mmn_reverse_memory_free(mmn_reverse_memory *memory);

/* ---- One layer ------------------------------------------------------------------------------- */

/* Makes room for the batch's rows, unless there is some, and takes the angles of its run. What the
 * memory held is lost. */
mmn_status mmn_reverse_memory_reserve(mmn_reverse_memory *memory, const mmn_batch *batch,
                                      mmn_error *error);

/* gradient [rows][hidden_size]: of what layer number `number` put out, becomes that of `entered`,
 * what entered it. `batch` is the one that ran, but with the memory's rows. Shows the stages. */
mmn_status mmn_language_layer_reverse(const mmn_batch *batch, mmn_reverse_memory *memory,
                                      const float *entered, float *gradient, uint32_t number,
                                      mmn_error *error);

/* The reverse of mmn_language_normalise: output may not be another of the arrays. */
void mmn_language_normalise_reverse(const mmn_compute *compute, const mmn_language_config *config,
                                    float *output, const float *gradient, const float *input,
                                    const mmn_norm *norm, size_t rows);

/* ---- Attention ------------------------------------------------------------------------------- */

/* Attention of whole rows of queries to the keys of one span, and the gradients of all. */
typedef struct mmn_attention_reverse {
    const mmn_heads *heads;               /* as in the forward pass; its output is not read */
    const float *gradient;                /* of the output [rows][heads * head_dim] */
    float *query_gradient;                /* [rows][heads * head_dim] */
    float *key_gradient, *value_gradient; /* [key_count][kv_heads * head_dim] */
    float *scratch; /* for each thread mmn_attention_reverse_floats(heads) floats */
} mmn_attention_reverse;

size_t mmn_attention_reverse_floats(const mmn_heads *heads);

/* Probabilities are made again, 256 rows at a time, and never kept. The sums have the order of
 * doc/numerics.md. Room for products of as many rows as there are, and keys, must have been
 * reserved. */
void mmn_attend_reverse(const mmn_compute *compute, const mmn_attention_reverse *attention);

#endif
