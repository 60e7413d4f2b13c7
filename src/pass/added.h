/* Additions to weights in the forward pass: what they do to what output matrices give, without a
 * weight that changes. Row k of a matrix with d added to it gives p d more than before, where p is
 * what neuron k gives to the matrix. doc/numerics.md has the order of operations. */
#ifndef MMN_PASS_ADDED_H
#define MMN_PASS_ADDED_H

#include "model/additions.h"
#include "mmneuron.h"

/* products [rows][neurons of the layer with additions]: what these give to the matrix, of values
 * [rows][inner]. */
void mmn_added_products(const mmn_additions *additions, uint32_t layer, float *products,
                        const float *values, size_t inner, size_t rows);
/* Adds to output [rows][width] what the products give more. */
void mmn_added_output(const mmn_additions *additions, uint32_t layer, float *output,
                      const float *products, size_t rows);

/* Adds to values [rows][inner] what the additions give to the product of outputs [rows][width] with
 * the transposed matrix: gradients on the way back, and scores of words (pass/language.h), whose
 * outputs are rows of the head. */
void mmn_added_transposed(const mmn_additions *additions, uint32_t layer, float *values,
                          const float *outputs, size_t inner, size_t rows);
/* Adds them to a neuron's column [width]. */
void mmn_added_column(const mmn_additions *additions, uint32_t layer, uint32_t neuron,
                      float *column);

#endif
