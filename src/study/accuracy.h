/* Accuracy: how right an answer is, by the measures of the published data sets. */
#ifndef MMN_STUDY_ACCURACY_H
#define MMN_STUDY_ACCURACY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "format/list.h"

/* In the order in which results list them. doc/method.md defines each. */
typedef enum mmn_measure {
    MMN_MEASURE_VQA,           /* official VQA accuracy */
    MMN_MEASURE_VQA_PUBLISHED, /* is any of the answers, case ignored */
    MMN_MEASURE_EXACT,         /* is any of the answers, case and white space at the ends ignored */
    MMN_MEASURE_ANLS,          /* normalised Levenshtein similarity, 0 below 0.5 */
    MMN_MEASURE_ANLS_PUBLISHED,   /* the same, whatever it is */
    MMN_MEASURE_CHOICE,           /* names the right option */
    MMN_MEASURE_CHOICE_PUBLISHED, /* how often the right option's letter occurs: may exceed 1 */
    MMN_MEASURE_TOKEN_F1, /* words in common with the nearest answer, as SQuAD counts them */
    MMN_MEASURE_LINGO,    /* right as a judge says (study/judge.h) */
    MMN_MEASURE_LANGUAGE, /* in the wanted language (text/languages.h) */
    MMN_MEASURES
} mmn_measure;

/* "vqa", "vqa_published", ... */
const char *mmn_measure_name(mmn_measure measure);

/* The measure that a metric names; without one, MMN_MEASURE_EXACT. */
mmn_measure mmn_metric_measure(mmn_metric metric);

/* Whether a measure says something about samples of this metric. */
bool mmn_measure_applies(mmn_measure measure, mmn_metric metric);

/* scores [MMN_MEASURES] of an answer to the sample, valid UTF-8; 0 where one does not apply,
 * where a judge is asked, and of languages. */
mmn_status mmn_measure_answer(double *scores, const mmn_sample *sample, const char *answer,
                              mmn_error *error);

/* The option that the answer to a sample of multiple choice, checked as below, stands for. */
mmn_status mmn_right_option(size_t *option, const mmn_sample *sample, mmn_error *error);

/* Whether an answer to the sample can be right or wrong: it has answers, none of them blank, and
 * one of multiple choice has options, of which its answer is one, one that a judge is asked about a
 * question. If not, MMN_INPUT names `file`,
 * the list, and the line. */
mmn_status mmn_sample_check_answers(const mmn_sample *sample, const char *file, mmn_error *error);

/* The forms in which measures compare texts: each writes a new text to *form, freed with mmn_free;
 * `text` is valid UTF-8. */
typedef mmn_status (*mmn_answer_form)(char **form, const char *text, mmn_error *error);

/* In lower case, and without white space at its ends. */
mmn_status mmn_answer_lowercase(char **form, const char *text, mmn_error *error);
mmn_status mmn_answer_trimmed(char **form, const char *text, mmn_error *error);
/* In lower case, with one space between words and none at the ends. */
mmn_status mmn_answer_words(char **form, const char *text, mmn_error *error);
/* As the official VQA evaluation normalises answers: punctuation and articles go, number words
 * become digits, and contractions get their apostrophes. Source: vqaEval.py of the VQA data set. */
mmn_status mmn_answer_vqa(char **form, const char *text, mmn_error *error);
/* As the official SQuAD evaluation does: words in lower case without ASCII punctuation and
 * articles. Source: evaluate-v2.0.py of SQuAD. */
mmn_status mmn_answer_squad(char **form, const char *text, mmn_error *error);

#endif
