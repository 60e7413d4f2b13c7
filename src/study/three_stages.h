/* The three stages that MMNeuron reads from the entropy of image tokens over the layers. */
#ifndef MMN_STUDY_THREE_STAGES_H
#define MMN_STUDY_THREE_STAGES_H

#include <stdbool.h>
#include <stddef.h>

/* Layers 0 to align_until align image features with the word space, those between extract and
 * reason, those from generate_from on generate. */
typedef struct mmn_three_stages {
    bool found;
    size_t align_until, generate_from;
    double levels[3]; /* the mean entropy of each part, in nats */
    double explained; /* the share of the curve's variance that three levels explain */
    double fall;      /* levels[0] - levels[2], as a share of ln(vocabulary) */
} mmn_three_stages;

/* Cuts the curve entropy [layers], of a vocabulary with logarithm log_vocabulary, into the three
 * parts whose levels fit it best (least squares; the earliest cuts among equals). They count as
 * found when the levels fall from part to part, by 0.1 of ln(vocabulary) altogether, and
 * explain 0.8 of the variance. Nothing is found in fewer than three layers. */
mmn_three_stages mmn_three_stages_of(const double *entropy, size_t layers, double log_vocabulary);

#endif
