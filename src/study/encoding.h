/* Statistics of encoding: events drawn again, intervals of scores, sites compared between models,
 * and the projection of features that are too many.
 *
 * Source: Subramaniam et al. (arXiv 2406.14481) and its code; where these leave something open,
 * the comments say what is ours. */
#ifndef MMN_STUDY_ENCODING_H
#define MMN_STUDY_ENCODING_H

#include <stdbool.h>

#include "base/error.h"
#include "study/plan.h"

/* Draw number `draw` of `events` events with replacement, in ascending order. Number i is Philox's
 * for `seed` and (draw, i) before they are sorted, so that all models and columns have the same
 * draws. `counts` is memory for `events` numbers. */
void mmn_encoding_draw(uint32_t *drawn, uint32_t *counts, uint32_t events, uint64_t seed,
                       uint32_t draw);

/* Mean and 95 % interval of the scores that `draws` draws gave, which are sorted: the quantiles
 * 0.025 and 0.975, between two scores in proportion to where they fall. */
mmn_interval mmn_encoding_interval(double *scores, size_t draws);

/* Least bins of a site that a model must predict to be compared. */
enum { MMN_ENCODING_BINS = 10 };

/* What a model makes of a site's bins: test scores [bins][draws], `stride` apart, and which bins it
 * predicts, those whose validation scores have an interval that begins above 0. */
typedef struct mmn_encoding_site {
    const double *scores;
    size_t stride;
    const bool *predicted; /* [bins] */
} mmn_encoding_site;

typedef enum mmn_encoding_outcome {
    MMN_ENCODING_UNTESTED, /* neither model predicts enough bins */
    MMN_ENCODING_COMPARED,
    MMN_ENCODING_FIRST_ALONE, /* the other one predicts too few bins: it wins by default */
    MMN_ENCODING_SECOND_ALONE
} mmn_encoding_outcome;

typedef struct mmn_encoding_comparison {
    mmn_encoding_outcome outcome;
    size_t bins;       /* that either model predicts, over which both are averaged */
    double difference; /* of the first model's mean score less the second's; NaN: not compared */
    double p;          /* one-sided, of the first model being no better; NaN likewise */
} mmn_encoding_comparison;

/* Whether the first model predicts a site better. Draw number d takes both models' scores of draw
 * d of the events, in bins that are drawn again by Philox for `seed` and (d, place, `site`),
 * both below 2^16: p = (1 + how many draws give a difference of 0 or less) / (1 + draws). Drawing
 * bins alone would leave out what the events contribute: this is ours. `room` is memory for `bins`
 * numbers. */
mmn_encoding_comparison mmn_encoding_compare(const mmn_encoding_site *first,
                                             const mmn_encoding_site *second, size_t bins,
                                             size_t draws, uint64_t seed, uint32_t site,
                                             uint32_t *room);

/* Which of `count` p values are discoveries at a false discovery rate: those up to the greatest
 * p(k), the k-th smallest, that is at most rate * k / count. NaN is none and not counted. Source:
 * Benjamini and Hochberg, "Controlling the false discovery rate" (1995). */
mmn_status mmn_encoding_discoveries(bool *found, const double *p, size_t count, double rate,
                                    mmn_error *error);

/* How many features a random projection of `events` events keeps at least so that distances change
 * by no more than the share `epsilon`: 4 ln(events) / (epsilon^2 / 2 - epsilon^3 / 3), rounded
 * down. Source: Dasgupta and Gupta, "An elementary proof of a theorem of Johnson and Lindenstrauss"
 * (2003). */
size_t mmn_encoding_dimension(size_t events, double epsilon);

/* projected [events][dimension] of x [events][features]: by a sparse matrix whose numbers are 0 but
 * for a share 1 / sqrt(features), and these +-sqrt(sqrt(features) / dimension), by Philox for
 * `seed`. Source: Li, Hastie and Church, "Very sparse random projections" (2006). The published
 * code draws its own by NumPy's generator. */
mmn_status mmn_encoding_project(double *projected, const double *x, size_t events, size_t features,
                                size_t dimension, uint64_t seed, int threads, mmn_error *error);

#endif
