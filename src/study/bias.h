/* Bias over a list: how a joint model scores somebody in a picture, and how it does when the
 * detector sees another thing in its place. doc/method.md defines what is measured. */
#ifndef MMN_STUDY_BIAS_H
#define MMN_STUDY_BIAS_H

#include "study/joint_list.h"
#include "study/locate.h"

/* A line; of each pair the first is before the step, the second after it. */
typedef struct mmn_bias_line {
    char *id, *property, *answers[2];
    size_t domain;
    unsigned scores[2]; /* 0: the answer is none */
    double logits[2];   /* how much larger those for `to` are, the mean over patches */
} mmn_bias_line;

typedef struct mmn_bias {
    mmn_joint_list base;
    const mmn_bias_options *options;
    double epsilon;
    mmn_bias_line *lines;
    size_t count, capacity;
} mmn_bias;

/* What is found of a line. */
typedef struct mmn_bias_row {
    mmn_row row;
    char *answer_before, *answer_after;
    double before, after; /* of logits */
} mmn_bias_row;

extern const mmn_row_column mmn_bias_columns[];
/* Of mmn_study_kind. */
mmn_status mmn_bias_row_take(void *study, const mmn_planned_sample *planned, size_t run,
                             const void *row, mmn_error *error);
void mmn_bias_describe(mmn_result *result, const void *study);
void mmn_bias_fill(mmn_result *result, const void *study);

#endif
