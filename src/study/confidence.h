/* Confidence sequences: how well a mean is known while its samples come in one after the other, for
 * who looks after each of them and stops when it is known well enough. */
#ifndef MMN_STUDY_CONFIDENCE_H
#define MMN_STUDY_CONFIDENCE_H

#include <stddef.h>

/* An interval for every number of samples, that all of them hold the mean being 95 % likely at
 * once, whereas a plain interval that is looked at again and again fails sooner or later. It is
 * asymptotic, as the normal interval is: it assumes of the differences that they are independent,
 * alike and have a variance, but nothing of their range, which ln p does not limit. Source:
 * Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and
 * asymptotic confidence sequences" (arXiv 2103.06476), theorem 2.2 with the running variance:
 *
 *     half width = s sqrt(2 (t r^2 + 1) / (t^2 r^2) ln(sqrt(t r^2 + 1) / 0.05)) + 4 ln(2 / 0.05) /
 * t
 *
 * after t samples of standard deviation s. r^2 = (-2 ln 0.05 + ln(-2 ln 0.05) + 1) / T, which is
 * fixed beforehand, makes it about as tight as can be after T samples.
 *
 * Differences of ln p are skewed: many are next to nothing, and a few are large, which an early
 * variance knows nothing of. Hence the last term, which is ours: what one sample in N has, of which
 * no other shows anything, is with a likelihood of 1/40 still unseen after N ln 40 samples, and
 * moves the mean by as much where it is 4 nats per token. For the same reason the half width is
 * infinite before MMN_CONFIDENCE_FIRST samples; while there are not more than 50 times the square
 * of their skewness, twice what Cochran's rule asks for a single normal interval ("Sampling
 * Techniques", 3rd edition, 1977, 2.15); and where all are the same. Zero-initialise but for
 * `tightest`. */
typedef struct mmn_confidence {
    size_t tightest; /* T; 0: MMN_CONFIDENCE_TIGHTEST */
    size_t count;
    double mean, squares, cubes; /* sums of powers of the deviations from the mean */
} mmn_confidence;

enum { MMN_CONFIDENCE_FIRST = 50, MMN_CONFIDENCE_TIGHTEST = 250 };

void mmn_confidence_add(mmn_confidence *confidence, double difference);
double mmn_confidence_half_width(const mmn_confidence *confidence);

/* The same of differences that are from -1 to 1, as those of accuracy are: not asymptotic, so that
 * it holds from the first sample on, whatever they are and if they are all the same, and wider for
 * it. Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting"
 * (arXiv 2010.09686), theorem 2, the predictable plug-in empirical Bernstein sequence, of
 * x = (difference + 1) / 2:
 *
 *     sum(l x) / sum(l) +- (ln(2 / 0.05) + sum(4 (x - m)^2 psi(l))) / sum(l)
 *
 * with psi(l) = (-ln(1 - l) - l) / 4, m the mean and v the variance of the samples before and of
 * one more, of mean 1/2 and variance 1/4, and l = min(sqrt(2 ln(2 / 0.05) / (v t ln(1 + t))), 1/2)
 * for sample t. Zero-initialise. */
typedef struct mmn_bounded_confidence {
    size_t count;
    double sum, squares; /* of x, and of its squared deviations from the means so far */
    double weights, weighted, spread; /* sums of l, l x and the deviations by psi(l) */
} mmn_bounded_confidence;

void mmn_bounded_confidence_add(mmn_bounded_confidence *confidence, double difference);
/* The middle of the interval, which is not quite the mean of the differences; 0 at first. */
double mmn_bounded_confidence_centre(const mmn_bounded_confidence *confidence);
double mmn_bounded_confidence_half_width(const mmn_bounded_confidence *confidence);

#endif
