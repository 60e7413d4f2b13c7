/* Statistics of encoding: events drawn again, intervals of scores, sites compared. */
#include "study/encoding.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "functions.h"

/* Differ from what other places in the library have there. */
enum { DRAWN_EVENTS = 0x656e6576, DRAWN_BINS = 0x656e6269, PROJECTION = 0x656e7072 };

void mmn_encoding_draw(uint32_t *drawn, uint32_t *counts, uint32_t events, uint64_t seed,
                       uint32_t draw)
{
    for (uint32_t i = 0; i < events; i++)
        counts[i] = 0;
    for (uint32_t i = 0; i < events; i++) {
        const mmn_random_place place = {.seed = seed, .at = {draw, i, DRAWN_EVENTS}};
        counts[mmn_random_below(&place, events)]++;
    }
    for (uint32_t event = 0, i = 0; event < events; event++)
        for (uint32_t copy = 0; copy < counts[event]; copy++)
            drawn[i++] = event;
}

/* ---- Intervals ------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

static double quantile(const double *sorted, size_t count, double share)
{
    const double place = share * (double)(count - 1);
    const size_t below = (size_t)place;
    const double next = sorted[below + 1 < count ? below + 1 : below];
    return sorted[below] + (place - (double)below) * (next - sorted[below]);
}

mmn_interval mmn_encoding_interval(double *scores, size_t draws)
{
    double sum = 0;
    if (draws == 0)
        return (mmn_interval){NAN, NAN, NAN};
    for (size_t i = 0; i < draws; i++)
        sum += scores[i];
    qsort(scores, draws, sizeof(*scores), compare);
    return (mmn_interval){.mean = sum / (double)draws,
                          .low = quantile(scores, draws, 0.025),
                          .high = quantile(scores, draws, 0.975)};
}

/* ---- Sites ----------------------------------------------------------------------------------- */

static size_t count_predicted(const mmn_encoding_site *site, size_t bins)
{
    size_t count = 0;
    for (size_t bin = 0; bin < bins; bin++)
        count += site->predicted[bin];
    return count;
}

static double difference_in(const mmn_encoding_site *first, const mmn_encoding_site *second,
                            size_t bin, size_t draw)
{
    return first->scores[bin * first->stride + draw] - second->scores[bin * second->stride + draw];
}

/* Goes through the draws; `listed` are the bins that either model predicts. */
static void test_difference(mmn_encoding_comparison *found, const mmn_encoding_site *first,
                            const mmn_encoding_site *second, const uint32_t *listed, size_t draws,
                            uint64_t seed, uint32_t site)
{
    double sum = 0, no_better = 1;
    for (size_t draw = 0; draw < draws; draw++) {
        double drawn = 0;
        for (size_t i = 0; i < found->bins; i++) {
            /* The draw and the place in it share a word, since the site takes one. */
            const mmn_random_place place = {.seed = seed,
                                            .at = {(uint32_t)(draw << 16 | i), site, DRAWN_BINS}};
            const size_t other = listed[mmn_random_below(&place, (uint32_t)found->bins)];
            sum += difference_in(first, second, listed[i], draw);
            drawn += difference_in(first, second, other, draw);
        }
        no_better += drawn <= 0;
    }
    found->difference = sum / ((double)found->bins * (double)draws);
    found->p = no_better / (1 + (double)draws);
}

mmn_encoding_comparison mmn_encoding_compare(const mmn_encoding_site *first,
                                             const mmn_encoding_site *second, size_t bins,
                                             size_t draws, uint64_t seed, uint32_t site,
                                             uint32_t *room)
{
    const bool is_first = count_predicted(first, bins) >= MMN_ENCODING_BINS;
    const bool is_second = count_predicted(second, bins) >= MMN_ENCODING_BINS;
    mmn_encoding_comparison found = {.outcome = MMN_ENCODING_UNTESTED, .difference = NAN, .p = NAN};
    for (size_t bin = 0; bin < bins; bin++)
        if (first->predicted[bin] || second->predicted[bin])
            room[found.bins++] = (uint32_t)bin;
    if (is_first != is_second)
        found.outcome = is_first ? MMN_ENCODING_FIRST_ALONE : MMN_ENCODING_SECOND_ALONE;
    if (!is_first || !is_second)
        return found;
    found.outcome = MMN_ENCODING_COMPARED;
    test_difference(&found, first, second, room, draws, seed, site);
    return found;
}

mmn_status mmn_encoding_discoveries(bool *found, const double *p, size_t count, double rate,
                                    mmn_error *error)
{
    double *sorted = mmn_allocate(count, sizeof(*sorted), error);
    MMN_NEED(sorted);
    size_t known = 0;
    double greatest = -1;
    for (size_t i = 0; i < count; i++)
        if (!isnan(p[i]))
            sorted[known++] = p[i];
    qsort(sorted, known, sizeof(*sorted), compare);
    for (size_t k = 0; k < known; k++)
        if (sorted[k] <= rate * (double)(k + 1) / (double)known)
            greatest = sorted[k];
    for (size_t i = 0; i < count; i++)
        found[i] = p[i] <= greatest;
    mmn_free(sorted);
    return MMN_OK;
}

/* ---- Projection ------------------------------------------------------------------------------ */

size_t mmn_encoding_dimension(size_t events, double epsilon)
{
    const double share = epsilon * epsilon / 2 - epsilon * epsilon * epsilon / 3;
    return (size_t)(4 * mmn_log_f64((double)events) / share);
}

/* Adds to sums [events] those of each feature's values, columns [features][events], that component
 * number `component` has, with their signs. A word's lowest bit is the sign, the others say whether
 * there is a number. */
static void add_component(double *sums, const double *columns, size_t events, size_t features,
                          size_t component, uint64_t seed)
{
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    const uint32_t limit = (uint32_t)(0x1p31 / sqrt((double)features));
    for (size_t i = 0; i < features; i++) {
        const uint32_t counter[4] = {(uint32_t)i, (uint32_t)(component / 4), 0, PROJECTION};
        uint32_t words[4];
        mmn_philox(words, counter, key);
        const uint32_t word = words[component % 4];
        const double sign = word & 1 ? -1 : 1;
        for (size_t event = 0; word >> 1 < limit && event < events; event++)
            sums[event] += sign * columns[i * events + event];
    }
}

static void transpose(double *to, const double *from, size_t rows, size_t columns, double scale)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < columns; i++)
            to[i * rows + row] = from[row * columns + i] * scale;
}

mmn_status mmn_encoding_project(double *projected, const double *x, size_t events, size_t features,
                                size_t dimension, uint64_t seed, int threads, mmn_error *error)
{
    double *columns = mmn_allocate(features * events, sizeof(*columns), error);
    double *sums = columns ? mmn_allocate(dimension * events, sizeof(*sums), error) : NULL;
    if (sums) {
        transpose(columns, x, events, features, 1);
        MMN_PARALLEL_FOR(threads, dynamic)
        for (size_t i = 0; i < dimension; i++)
            add_component(sums + i * events, columns, events, features, i, seed);
        transpose(projected, sums, dimension, events,
                  sqrt(sqrt((double)features) / (double)dimension));
    }
    mmn_free(columns);
    mmn_free(sums);
    return sums ? MMN_OK : MMN_SYSTEM;
}
