/* Choosing tokens: shares of many draws against probabilities worked out in double precision. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "pass/distribution.h"

enum { WORDS = 5, DRAWS = 20000 };

static const float logits[WORDS] = {1.0f, 3.0f, -2.0f, 2.5f, 1.0f};

static mmn_sampler make_sampler(double temperature, double top_p, uint64_t seed, const char *name)
{
    const mmn_sampling sampling = {
        .temperature = temperature, .top_p = top_p, .seed = seed, .sample = name};
    mmn_sampler sampler;
    cr_assert_eq(mmn_sampler_set(&sampler, &sampling, NULL), MMN_OK);
    return sampler;
}

static int32_t choose(const mmn_sampler *sampler, const float *values, size_t number)
{
    int32_t token;
    cr_assert_eq(
        mmn_sampler_choose(&token, sampler, mmn_kernels_reference(), values, WORDS, number, NULL),
        MMN_OK);
    return token;
}

/* Each token's share is its probability, within five standard deviations. */
static void expect_shares(double temperature, double top_p, const bool *kept)
{
    const mmn_sampler sampler = make_sampler(temperature, top_p, 5, "a sample");
    unsigned seen[WORDS] = {0};
    double sum = 0;
    for (size_t i = 0; i < DRAWS; i++)
        seen[choose(&sampler, logits, i)]++;
    for (size_t i = 0; i < WORDS; i++)
        sum += kept[i] ? exp(logits[i] / temperature) : 0;
    for (size_t i = 0; i < WORDS; i++) {
        double share = kept[i] ? exp(logits[i] / temperature) / sum : 0;
        cr_expect_float_eq(seen[i], DRAWS * share, 5 * sqrt(DRAWS * share * (1 - share)) + 1e-9,
                           "T = %g, p = %g: token %zu came %u times", temperature, top_p, i,
                           seen[i]);
    }
}

/* At T = 1 the probabilities are 0.0722, 0.5335, 0.0036, 0.3236 and 0.0722. */
Test(sampling, draws_by_temperature_and_top_p)
{
    expect_shares(1.0, 1.0, (const bool[WORDS]){true, true, true, true, true});
    expect_shares(0.5, 1.0, (const bool[WORDS]){true, true, true, true, true});
    expect_shares(3.0, 1.0, (const bool[WORDS]){true, true, true, true, true});
    expect_shares(1.0, 0.5, (const bool[WORDS]){false, true, false, false, false});
    expect_shares(1.0, 0.8, (const bool[WORDS]){false, true, false, true, false});
    expect_shares(1.0, 0.9, (const bool[WORDS]){true, true, false, true, false});
}

Test(sampling, is_greedy_without_a_temperature)
{
    const mmn_sampler greedy = {0};
    static const float tied[WORDS] = {1.0f, 2.0f, 2.0f, NAN, -INFINITY};
    cr_expect_eq(choose(&greedy, logits, 0), 1);
    cr_expect_eq(choose(&greedy, tied, 0), 1);
}

Test(sampling, never_draws_what_is_not_a_number)
{
    static const float values[WORDS] = {NAN, -INFINITY, 1.0f, NAN, 0.5f};
    static const float nothing[WORDS] = {NAN, NAN, NAN, NAN, NAN};
    const mmn_sampler sampler = make_sampler(2, 1, 1, "");
    for (size_t i = 0; i < 200; i++) {
        int32_t token = choose(&sampler, values, i);
        cr_assert(token == 2 || token == 4);
        cr_assert_eq(choose(&sampler, nothing, i), 0);
    }
}

Test(sampling, depends_on_seed_sample_and_number)
{
    const mmn_sampler first = make_sampler(2, 1, 1, "a"), again = make_sampler(2, 1, 1, "a");
    const mmn_sampler seed = make_sampler(2, 1, 2, "a"), name = make_sampler(2, 1, 1, "b");
    unsigned same_seed = 0, same_name = 0, same_number = 0;
    for (size_t i = 0; i < 500; i++) {
        int32_t token = choose(&first, logits, i);
        cr_assert_eq(token, choose(&again, logits, i));
        same_seed += token == choose(&seed, logits, i);
        same_name += token == choose(&name, logits, i);
        same_number += token == choose(&first, logits, i + 1);
    }
    cr_expect_lt(same_seed, 300);
    cr_expect_lt(same_name, 300);
    cr_expect_lt(same_number, 300);
}

Test(sampling, refuses_other_numbers)
{
    static const double temperatures[] = {-1, 1e-9, INFINITY, NAN};
    mmn_sampler sampler;
    for (size_t i = 0; i < 4; i++) {
        const mmn_sampling sampling = {.temperature = temperatures[i]};
        cr_expect_eq(mmn_sampler_set(&sampler, &sampling, NULL), MMN_USAGE);
    }
    const mmn_sampling sampling = {.temperature = 1, .top_p = 1.5};
    cr_expect_eq(mmn_sampler_set(&sampler, &sampling, NULL), MMN_USAGE);
}
