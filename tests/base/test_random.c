/* The generator by counter against its published known answers, and numbers made of its words. */
#include <criterion/criterion.h>
#include <stddef.h>

#include "base/random.h"

/* From Random123's kat_vectors, lines "philox4x32 10". */
Test(random, philox_gives_the_published_words)
{
    static const struct {
        uint32_t counter[4], key[2], words[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint32_t words[4];
        mmn_philox(words, known[i].counter, known[i].key);
        for (int k = 0; k < 4; k++)
            cr_expect_eq(words[k], known[i].words[k], "answer %zu, word %d: %08x", i, k, words[k]);
    }
}

/* Every number below a bound comes about as often as the others: chi squared, 9 degrees of freedom,
 * exceeds 27.9 once in a thousand. */
Test(random, whole_numbers_are_equally_likely)
{
    enum { BOUND = 10, DRAWS = 100000 };
    unsigned seen[BOUND] = {0};
    for (uint32_t i = 0; i < DRAWS; i++) {
        const mmn_random_place place = {.seed = 7, .at = {1, 2, i}};
        uint32_t number = mmn_random_below(&place, BOUND);
        cr_assert_lt(number, BOUND);
        seen[number]++;
    }
    double squares = 0;
    for (int i = 0; i < BOUND; i++) {
        double difference = seen[i] - (double)DRAWS / BOUND;
        squares += difference * difference / ((double)DRAWS / BOUND);
    }
    cr_expect_lt(squares, 27.9);
}

Test(random, of_other_places_and_seeds_differ)
{
    const mmn_random_place place = {.seed = 1, .at = {0, 0, 0}};
    const mmn_random_place others[] = {{2, {0, 0, 0}},
                                       {1, {1, 0, 0}},
                                       {1, {0, 1, 0}},
                                       {1, {0, 0, 1}},
                                       {UINT64_C(1) << 32, {0, 0, 0}}};
    double unit = mmn_random_unit(&place);
    cr_expect_eq(unit, mmn_random_unit(&place));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        cr_expect_neq(unit, mmn_random_unit(&others[i]), "place %zu", i);
}

Test(random, units_fill_the_interval)
{
    enum { DRAWS = 20000 };
    double sum = 0, smallest = 1, largest = 0;
    for (uint32_t i = 0; i < DRAWS; i++) {
        const mmn_random_place place = {.seed = 3, .at = {i, 0, 0}};
        double unit = mmn_random_unit(&place);
        cr_assert(unit >= 0 && unit < 1);
        sum += unit;
        smallest = unit < smallest ? unit : smallest;
        largest = unit > largest ? unit : largest;
    }
    cr_expect_float_eq(sum / DRAWS, 0.5, 0.01);
    cr_expect_lt(smallest, 0.001);
    cr_expect_gt(largest, 0.999);
}

/* Points of the disc are as many in a smaller one as its area says, and on all sides. */
Test(random, points_fill_the_disc)
{
    enum { DRAWS = 20000 };
    double sum[2] = {0, 0};
    unsigned inner = 0;
    for (uint32_t i = 0; i < DRAWS; i++) {
        const mmn_random_place place = {.seed = 5, .at = {1, i, 2}};
        double point[2];
        mmn_random_disc(&place, point);
        double square = point[0] * point[0] + point[1] * point[1];
        cr_assert(square > 0 && square < 1);
        sum[0] += point[0];
        sum[1] += point[1];
        inner += square < 0.25;
    }
    cr_expect_float_eq(sum[0] / DRAWS, 0, 0.02);
    cr_expect_float_eq(sum[1] / DRAWS, 0, 0.02);
    cr_expect_float_eq((double)inner / DRAWS, 0.25, 0.02);
}
