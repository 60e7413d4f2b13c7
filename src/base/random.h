/* Random numbers by counter: each is a function of a seed and of where it is used, so that threads,
 * batches and the order of calls cannot change it. */
#ifndef MMN_BASE_RANDOM_H
#define MMN_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Philox4x32-10: four random words for each counter and key. Source: Salmon et al., "Parallel
 * random numbers: as easy as 1, 2, 3" (SC 2011). */
void mmn_philox(uint32_t words[4], const uint32_t counter[4], const uint32_t key[2]);

/* Where a random number is used: numbers of different places are independent. */
typedef struct mmn_random_place {
    uint64_t seed;
    uint32_t at[3];
} mmn_random_place;

/* A whole number below `bound`, which is not 0, all equally likely. */
uint32_t mmn_random_below(const mmn_random_place *place, uint32_t bound);

/* The first `count` of a random order of the numbers below `width` that are not among own [count],
 * which ascend; there are at least so many. Draw i has i for the last of its place's numbers.
 * others [width] is room to work in. */
void mmn_random_others(uint32_t *chosen, const uint32_t *own, size_t count, uint32_t width,
                       mmn_random_place place, uint32_t *others);

/* A multiple of 2^-53 in [0, 1), all equally likely. */
double mmn_random_unit(const mmn_random_place *place);

/* A point of the open unit disc other than its centre, all equally likely. Its coordinates times
 * sqrt(-2 ln(s) / s), where s is the sum of their squares, are two independent normal numbers.
 * Source: Marsaglia and Bray, "A convenient method for generating normal variables" (1964). */
void mmn_random_disc(const mmn_random_place *place, double point[2]);

#endif
