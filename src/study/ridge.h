/* Encoding: how well features of events predict responses to them, by ridge regression in folds.
 *
 * doc/numerics.md has the order of all sums. Source of folds, penalties and choice: Subramaniam et
 * al., "Revealing vision-language integration in the brain with multimodal networks"
 * (arXiv 2406.14481) and its code. */
#ifndef MMN_STUDY_RIDGE_H
#define MMN_STUDY_RIDGE_H

#include <stdint.h>

#include "study/algebra.h"

enum { MMN_RIDGE_FOLDS = 5, MMN_RIDGE_PENALTIES = 7 };

/* 0.1, 1, ..., 100000. */
extern const double mmn_ridge_penalties[MMN_RIDGE_PENALTIES];

/* What is regressed: features [events][features] and responses [events][columns],
 * both prepared. */
typedef struct mmn_ridge_data {
    size_t events, features, columns;
    double *x, *y;
} mmn_ridge_data;

/* Subtracts from values [rows][columns] each column's mean and, of features, divides it by the
 * standard deviation where that is not 0: no correlation changes by that, and sums of squares keep
 * their digits. */
void mmn_ridge_prepare(double *values, size_t rows, size_t columns, bool are_features);

/* Pearson's r of predictions with responses, each the mean over the folds, for every column. */
typedef struct mmn_ridge_scores {
    double *validation, *test; /* [columns], of the penalty that was chosen */
    uint8_t *penalty;          /* [columns]: the first of those with the greatest mean validation */
} mmn_ridge_scores;

/* Scores of a sample of events: `drawn` [events] are their numbers in ascending order, each as
 * often as it was drawn. Fold f of n events has n / 5 of them, one more where f < n mod 5; it is
 * held out, its first half (rounded down) to validate and the rest to test. Features are
 * standardised by the mean and the population's standard deviation of the training events; one that
 * is the same in all of these becomes 0 and says nothing. r is 0 where prediction or response does
 * not vary. At least 4 events per fold. */
mmn_status mmn_ridge_score(const mmn_algebra *algebra, const mmn_ridge_data *data,
                           const uint32_t *drawn, mmn_ridge_scores *scores, mmn_error *error);

/* Samples that are scored one after the other. Its functions are called by the calling thread, in
 * the order of the samples; not MMN_OK from `keep` ends. */
typedef struct mmn_ridge_draws {
    uint32_t count;
    const uint32_t *numbers; /* [count]: of the samples, as both functions are told them */
    void *context;
    /* Fills drawn [events]. */
    void (*draw)(void *context, uint32_t *drawn, uint32_t number);
    mmn_status (*keep)(void *context, const mmn_ridge_scores *scores, uint32_t number,
                       mmn_error *error);
} mmn_ridge_draws;

/* The scores of each. As many samples as there are threads are at work together where each fits
 * into 256 MiB, else one by all threads. */
mmn_status mmn_ridge_score_draws(const mmn_algebra *algebra, const mmn_ridge_data *data,
                                 const mmn_ridge_draws *draws, mmn_error *error);

#endif
