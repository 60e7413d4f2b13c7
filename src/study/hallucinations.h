/* Hallucinations over a list: a joint model is asked of each picture whether things of each class
 * are there, and the detector whose embedding it reads is asked to find them. doc/method.md defines
 * what is measured. */
#ifndef MMN_STUDY_HALLUCINATIONS_H
#define MMN_STUDY_HALLUCINATIONS_H

#include "study/joint_list.h"
#include "study/looking.h"

typedef enum mmn_says { MMN_SAYS_YES, MMN_SAYS_NO, MMN_SAYS_NEITHER, MMN_SAYS } mmn_says;
extern const char *const mmn_says_names[MMN_SAYS]; /* "yes", "no", "neither" */
/* What an answer says by its first word, whatever its case and the punctuation behind it. */
mmn_says mmn_answer_says(const char *answer);

/* One class asked about in one picture. */
typedef struct mmn_asked_class {
    size_t domain, class; /* numbers */
    bool present;         /* annotated */
    mmn_says says;
    double confidence; /* the largest score of any box; NaN: it was none */
} mmn_asked_class;

typedef struct mmn_likely_box {
    uint64_t patch;
    double score, sides[4]; /* left, top, right, bottom, in pixels */
} mmn_likely_box;

/* What is absent and answered yes. */
typedef struct mmn_hallucination {
    size_t asked; /* its number */
    char *id, *image, *answer;
    uint64_t height, width; /* of the picture */
    uint64_t likely;        /* boxes with scores above the largest less 0.01... */
    mmn_likely_box *boxes;  /* ...of which these are the first: the likeliest come first */
    size_t box_count;
} mmn_hallucination;

/* Boxes that are kept of a hallucination. */
enum { MMN_HALLUCINATION_BOXES = 16 };

typedef struct mmn_hallucinations {
    mmn_joint_list base;
    const mmn_hallucinations_options *options;
    mmn_looking looking;
    mmn_detection *found; /* [patches]: at work */
    char **classes;
    size_t class_count, class_capacity;
    mmn_asked_class *asked;
    size_t asked_count, asked_capacity;
    mmn_hallucination *list;
    size_t count, capacity;
} mmn_hallucinations;

/* The classes that were asked for, or all that the list has. MMN_USAGE for a name that is empty or
 * there twice. */
mmn_status mmn_hallucinations_classes(mmn_hallucinations *study, mmn_error *error);

/* ---- Rows ------------------------------------------------------------------------------------ */

/* What is found in a picture. */
typedef struct mmn_hallucination_row {
    mmn_row row;
    uint64_t height, width;
    char **answers;      /* [classes] */
    double *confidences; /* [classes]: the largest score of any box; NaN: it was none */
    uint64_t *likely;  /* [classes]: boxes as above where what is absent is answered yes, else 0 */
    uint64_t *patches; /* those that are kept, class by class... */
    double *scores;
    double *sides; /* ...of each left, top, right, bottom */
    size_t answers_count, confidences_count, likely_count, patches_count, scores_count, sides_count;
} mmn_hallucination_row;

extern const mmn_row_column mmn_hallucination_columns[];
/* Whether the sample's line names class number `class` among its objects. */
bool mmn_hallucinations_present(const mmn_hallucinations *study, const mmn_sample *sample,
                                size_t class);
/* Of mmn_study_kind. */
mmn_status mmn_hallucination_row_take(void *study, const mmn_planned_sample *planned, size_t run,
                                      const void *row, mmn_error *error);

/* ---- The result ------------------------------------------------------------------------------ */

/* The area under the curve of a classifier by a number: the share of all pairs of one of `above`
 * [above_count] and one of `below` [below_count] in which the first is larger, of equal ones half:
 *
 *     area = (#{a > b} + #{a = b} / 2) / (above_count below_count)
 *
 * NaN where one of them is empty. Sorts both. Source: Hanley and McNeil, "The meaning and use of
 * the area under a receiver operating characteristic (ROC) curve" (1982). */
double mmn_area_under_curve(double *above, size_t above_count, double *below, size_t below_count);

/* Of mmn_study_kind. */
void mmn_hallucinations_describe(mmn_result *result, const void *study);
void mmn_hallucinations_fill(mmn_result *result, const void *study);

#endif
