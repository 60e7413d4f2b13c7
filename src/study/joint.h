/* The joint model of Giulivi and Boracchi (arXiv 2405.14612): a language model that reads, through
 * an alignment, a detector's embedding of a picture in place of its own. */
#ifndef MMN_STUDY_JOINT_H
#define MMN_STUDY_JOINT_H

#include "model/input.h"
#include "model/model.h"
#include "pass/alignment.h"
#include "pass/session.h"

/* An embedding is what enters the last layer of the detector's tower, [rows][width]: the class
 * token, which the language model does not read, and the patches. Zero-initialise; free with
 * mmn_joint_close. */
typedef struct mmn_joint {
    const mmn_model *detector, *language;
    mmn_alignment alignment;
    mmn_session *detecting, *speaking;
    size_t rows, width;
    float *features;    /* [rows - 1][language hidden_size]: the language model's of an embedding */
    const float *given; /* the embedding [rows][width] that the detector's last layer reads in place
                           of the picture's; NULL: that */
} mmn_joint;

/* Puts models and the file of an alignment together. MMN_INPUT where one of them is of another kind
 * or they do not fit. Close after a failure too. */
mmn_status mmn_joint_open(mmn_joint *joint, const mmn_model *detector, const mmn_model *language,
                          const char *alignment, mmn_error *error);
void mmn_joint_close(mmn_joint *joint);

/* Runs the detector on a picture and a query: boxes and logits are in joint->detecting->detector,
 * and the picture's embedding [rows][width] is freed with mmn_free, after a failure too. `size` may
 * be NULL, and so may `embedding`. */
mmn_status mmn_joint_see(mmn_joint *joint, const char *image, const char *query, float **embedding,
                         mmn_resolution *size, mmn_error *error);

/* "a photo of a WORD", as detectors were trained with; freed with mmn_free. */
mmn_status mmn_joint_ask_for(char **query, const char *word, mmn_error *error);

/* The embedding of the last query [query_size], of length 1, until another is seen. */
const float *mmn_joint_query(const mmn_joint *joint);

/* An input of the language model for a prompt about the picture. MMN_INPUT where its image does not
 * have as many positions as an embedding has patches. */
mmn_status mmn_joint_ask(mmn_joint *joint, mmn_input **input, const char *prompt, const char *image,
                         mmn_error *error);

/* Lets the language model read the embedding as the image of this input and of all further ones
 * about the same picture. */
mmn_status mmn_joint_lend(mmn_joint *joint, const mmn_input *input, const float *embedding,
                          mmn_error *error);
/* What it answers to an input whose embedding it has been lent; *answer is freed with
 * mmn_release. Positions that begin as those of the input before are not computed again. */
mmn_status mmn_joint_say(mmn_joint *joint, const mmn_input *input, size_t tokens, char **answer,
                         mmn_error *error);
/* Both. */
mmn_status mmn_joint_answer(mmn_joint *joint, const mmn_input *input, const float *embedding,
                            size_t tokens, char **answer, mmn_error *error);

/* The logit of a token behind the input, and its derivatives by the embedding, gradient
 * [rows][width]; those by the class token are 0. */
mmn_status mmn_joint_gradient(mmn_joint *joint, const mmn_input *input, const float *embedding,
                              int32_t token, double *logit, float *gradient, mmn_error *error);

#endif
