/* Alignments: networks, kept in a file of their own, that make of a detector's embedding of a
 * picture what a language model reads as its image. doc/formats.md describes the file.
 *
 * Source: the joint model of Giulivi and Boracchi (arXiv 2405.14612). */
#ifndef MMN_MODEL_ALIGNMENT_H
#define MMN_MODEL_ALIGNMENT_H

#include "base/digest.h"
#include "model/weights.h"

enum { MMN_ALIGNMENT_LAYERS = 8 }; /* at most */

/* linear_N(act(...act(linear_1(x)))). Zero-initialise; free with mmn_alignment_free. */
typedef struct mmn_alignment {
    size_t count;
    mmn_linear layers[MMN_ALIGNMENT_LAYERS]; /* [count] */
    mmn_activation activation;
    char digest[MMN_DIGEST_SIZE]; /* the file's checksum */
    mmn_safetensors *mapped;      /* in which the matrices lie */
    float *vectors;               /* the biases */
} mmn_alignment;

/* Reads a network whose first layer reads `inputs` numbers and whose last one makes `outputs`.
 * MMN_INPUT when the file holds no such network. Free the alignment after a failure too. */
mmn_status mmn_alignment_read(mmn_alignment *alignment, const char *file, size_t inputs,
                              size_t outputs, mmn_error *error);
void mmn_alignment_free(mmn_alignment *alignment);

#endif
