/* The three stages that MMNeuron reads from the entropy of image tokens over the layers. */
#include "study/three_stages.h"

#define LEAST_FALL 0.1
#define LEAST_EXPLAINED 0.8

static double mean_of(const double *values, size_t first, size_t end)
{
    double sum = 0.0;

    for (size_t i = first; i < end; i++)
        sum += values[i];
    return sum / (double)(end - first);
}

/* The sum of squared distances of values first to end - 1 from their mean. */
static double spread_of(const double *values, size_t first, size_t end)
{
    double mean = mean_of(values, first, end), sum = 0.0;

    for (size_t i = first; i < end; i++)
        sum += (values[i] - mean) * (values[i] - mean);
    return sum;
}

mmn_three_stages mmn_three_stages_of(const double *entropy, size_t layers, double log_vocabulary)
{
    mmn_three_stages stages = {0};
    double least = 0.0;

    if (layers < 3)
        return stages;
    for (size_t a = 1; a + 1 < layers; a++)
        for (size_t b = a + 1; b < layers; b++) {
            double left = spread_of(entropy, 0, a) + spread_of(entropy, a, b) +
                          spread_of(entropy, b, layers);
            if ((a == 1 && b == 2) || left < least) {
                least = left;
                stages.align_until = a - 1;
                stages.generate_from = b;
            }
        }
    size_t a = stages.align_until + 1, b = stages.generate_from;
    double whole = spread_of(entropy, 0, layers);
    stages.levels[0] = mean_of(entropy, 0, a);
    stages.levels[1] = mean_of(entropy, a, b);
    stages.levels[2] = mean_of(entropy, b, layers);
    stages.explained = whole > 0.0 ? 1.0 - least / whole : 0.0;
    stages.fall =
        log_vocabulary > 0.0 ? (stages.levels[0] - stages.levels[2]) / log_vocabulary : 0.0;
    stages.found = stages.levels[0] > stages.levels[1] && stages.levels[1] > stages.levels[2] &&
                   stages.fall >= LEAST_FALL &&
                   stages.explained >= LEAST_EXPLAINED;
    return stages;
}
