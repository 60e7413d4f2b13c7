/* What a word's gradient has in common with those of a detector's boxes: the saliency of boxes, and
 * the map that they make. */
#ifndef MMN_STUDY_LOCATE_H
#define MMN_STUDY_LOCATE_H

#include "pass/box_gradients.h"
#include "study/joint.h"

/* Of each patch's box its numbers: the query's logit, centre x and y, width and height. */
typedef struct mmn_saliency {
    size_t patches;
    float *boxes, *logits;      /* [patches][4], [patches]: of the picture */
    double *products, *squares; /* [patches][numbers]: with the word's gradient, and of their own */
    double *cosines;            /* [patches][numbers] */
    double *weights;            /* [patches][numbers]: cosines from their least, 0, to most, 1 */
} mmn_saliency;

/* The saliency of the picture's boxes for a gradient [rows][width] of this length by its embedding.
 * Where a gradient is 0 the cosine is. Zero-initialise; free with mmn_saliency_free, after a
 * failure too.
 */
mmn_status mmn_saliency_find(mmn_saliency *saliency, mmn_joint *joint, const float *embedding,
                             const float *gradient, double length, mmn_error *error);
void mmn_saliency_free(mmn_saliency *saliency);

/* Which of a box's weights the map shows: that of the logit, the largest of the coordinates' or the
 * largest of all. */
typedef enum mmn_saliency_kind { MMN_BY_CLASS, MMN_BY_SIDES, MMN_BY_ANY } mmn_saliency_kind;
double mmn_saliency_weight(const mmn_saliency *saliency, size_t patch, mmn_saliency_kind kind);

/* The pixels [left, right) x [top, bottom) that a box [4] covers in a picture. */
typedef struct mmn_pixels {
    size_t left, right, top, bottom;
} mmn_pixels;
mmn_pixels mmn_saliency_pixels(const float *box, mmn_resolution size);

/* The largest value of the map in a region of it: at each pixel the largest weight of the boxes
 * that cover it, 0 where none does. */
double mmn_saliency_in(const mmn_saliency *saliency, mmn_resolution size, mmn_saliency_kind kind,
                       mmn_pixels region);

/* ---- Perturbation ---------------------------------------------------------------------------- */

/* A picture's embedding after one step towards seeing another thing in it: each number goes by
 * epsilon to where the logits for "a photo of a TO" grow over those for FROM, the sum over patches.
 * Zero-initialise; free with mmn_perturbation_free, after a failure too. */
typedef struct mmn_perturbation {
    float *embedding;     /* [rows][width] */
    double before, after; /* how much larger the logits for TO are, the mean over patches */
} mmn_perturbation;

mmn_status mmn_perturbation_make(mmn_perturbation *perturbation, mmn_joint *joint,
                                 const char *image, const float *embedding, const char *from,
                                 const char *to, double epsilon, mmn_error *error);
void mmn_perturbation_free(mmn_perturbation *perturbation);

/* The whole number from 1 to 10 that an answer is, but for white space around it; 0: it is none. */
unsigned mmn_answer_score(const char *answer);

#endif
