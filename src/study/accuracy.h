/* Accuracy: how right an answer is, by the measures of the published data sets. */
#ifndef MMN_STUDY_ACCURACY_H
#define MMN_STUDY_ACCURACY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "format/list.h"

/* In the order in which results list them. doc/method.md defines each. */
typedef enum mmn_measure {
    MMN_MEASURE_VQA,              /* official VQA accuracy */
    MMN_MEASURE_VQA_PUBLISHED,    /* is any of the answers, case ignored */
    MMN_MEASURE_EXACT,            /* is any of the answers, case and white space at the ends ignored */
    MMN_MEASURE_ANLS,             /* normalised Levenshtein similarity, 0 below 0.5 */
    MMN_MEASURE_ANLS_PUBLISHED,   /* the same, whatever it is */
    MMN_MEASURE_CHOICE,           /* names the right option */
    MMN_MEASURE_CHOICE_PUBLISHED, /* how often the right option's letter occurs: may exceed 1 */
    MMN_MEASURE_TOKEN_F1,         /* words in common with the nearest answer, as SQuAD counts them */
    MMN_MEASURES
} mmn_measure;

/* "vqa", "vqa_published", ... */
const char *mmn_measure_name(mmn_measure measure);

/* The measure that a metric names; without one, MMN_MEASURE_EXACT. */
mmn_measure mmn_metric_measure(mmn_metric metric);

/* Whether a measure says something about samples of this metric. */
bool mmn_measure_applies(mmn_measure measure, mmn_metric metric);

/* What the right answers to a question are. */
typedef struct mmn_right_answers {
    mmn_metric metric;
    const char *const *answers;
    size_t answer_count;
    const char *const *choices;
    size_t choice_count;
} mmn_right_answers;

/* scores [MMN_MEASURES] of an answer, valid UTF-8; 0 for measures that do not apply. */
mmn_status mmn_measure_answer(double *scores, const mmn_right_answers *right, const char *answer,
                              mmn_error *error);

/* Whether an answer to the sample can be right or wrong: it has answers, none of them blank, and
 * one of multiple choice has options, of which its answer is one. If not, MMN_INPUT names `file`,
 * the list, and the line. */
mmn_status mmn_sample_check_answers(const mmn_sample *sample, const char *file, mmn_error *error);

#endif
