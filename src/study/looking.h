/* Detectors at work: what a detector finds of several texts, one after the other, in a picture. */
#ifndef MMN_STUDY_LOOKING_H
#define MMN_STUDY_LOOKING_H

#include "model/input.h"
#include "pass/session.h"

/* MMN_INPUT for a model that is no detector, MMN_USAGE for one without its tokenizer. */
mmn_status mmn_looking_check(const mmn_model *detector, mmn_error *error);

/* Zero-initialise; close after a failure too. */
typedef struct mmn_looking {
    mmn_session *session; /* its detector has boxes, and logits of the last query */
    mmn_input *picture;   /* the last that was opened */
} mmn_looking;

/* Fails as mmn_looking_check does. */
mmn_status mmn_looking_open(mmn_looking *looking, const mmn_model *detector, mmn_error *error);
void mmn_looking_close(mmn_looking *looking);

/* Turns to a picture. */
mmn_status mmn_look_at(mmn_looking *looking, const char *image, mmn_error *error);
/* Looks there for what a text names. What is made of the picture is made once. MMN_INPUT, with
 * `place`, for more tokens than the detector reads. */
mmn_status mmn_look_for(mmn_looking *looking, const char *query, const char *place,
                        mmn_error *error);

/* A box, in pixels of the picture; its sides may lie outside it. */
typedef struct mmn_detection {
    size_t patch;
    float score, left, top, right, bottom;
} mmn_detection;

/* Corners are centre -+ half the sides, times the picture's, in binary32; `box` is of the
 * detector's. */
mmn_detection mmn_detection_of(const float *box, mmn_resolution size);

/* The boxes [patches] whose scores, by these logits, are above the threshold: the largest score
 * first, of equal ones that of the first patch. Returns how many there are. */
size_t mmn_looking_find(mmn_detection *found, const mmn_looking *looking, const float *logits,
                        float threshold);

#endif
