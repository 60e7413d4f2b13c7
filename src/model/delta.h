/* Deltas: additions to weights as files, and those that a model was opened with. doc/formats.md
 * describes the file. */
#ifndef MMN_MODEL_DELTA_H
#define MMN_MODEL_DELTA_H

#include "base/digest.h"
#include "format/safetensors.h"
#include "model/additions.h"

/* One file. Free with mmn_delta_free. */
typedef struct mmn_delta {
    mmn_additions additions;     /* whose numbers binary32 has */
    char model[MMN_DIGEST_SIZE]; /* digest of the weights that it was made for; "": unknown */
    char *settings;              /* how it was made, as JSON */
    char digest[MMN_DIGEST_SIZE];
} mmn_delta;

/* Reads a file of additions to a language model of this shape. MMN_INPUT when it is not such a
 * file, has been damaged, names a neuron that there is not, or has them out of order. Free the
 * delta after a failure too. */
mmn_status mmn_delta_read(mmn_delta *delta, const char *file, const mmn_language_config *config,
                          mmn_error *error);
/* Writes `file` (atomically), and sets the digest. */
mmn_status mmn_delta_write(mmn_delta *delta, const char *file, const mmn_language_config *config,
                           mmn_error *error);
void mmn_delta_free(mmn_delta *delta);

/* Those of a model, in the order in which they were given. */
typedef struct mmn_deltas {
    mmn_additions additions; /* of all of them together */
    size_t count;
    char **digests; /* [count] */
    char *json;     /* an array of them; NULL: there are none */
} mmn_deltas;

/* Adds one more, whose additions may be taken over. */
mmn_status mmn_deltas_add(mmn_deltas *deltas, mmn_delta *delta, const mmn_language_config *config,
                          mmn_error *error);
void mmn_deltas_free(mmn_deltas *deltas);
/* Makes of the digest of weights that of the weights with the deltas: XXH3-128 over the texts of
 * the former and of the deltas' digests; without deltas it stays. */
mmn_status mmn_deltas_digest(const mmn_deltas *deltas, char digest[MMN_DIGEST_SIZE],
                             mmn_error *error);

#endif
