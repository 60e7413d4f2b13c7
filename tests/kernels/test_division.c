/* Softmax's division without dividing (doc/numerics.md), against the division, where it is hardest:
 * quotients next to a boundary of rounding. The tables' own are compared by test_tables. */
#include <criterion/criterion.h>
#include <stdint.h>

#include "vector_portable.h"
#include "vector_functions.h"

enum { LEAST = 1 << 23, END = 1 << 24 };

/* Powers that wait to be divided by one sum. */
static void compare(const float powers[16], float sum)
{
    const divisor by = make_divisor(sum);
    const f32x16 quotients = divide_power(f32x16_load(powers), &by);

    for (size_t i = 0; i < 16; i++)
        cr_assert_eq(quotients.lane[i], powers[i] / sum, "%a / %a", (double)powers[i], (double)sum);
}

/* The inverse of an odd number modulo 2^32: each of Newton's steps doubles the bits that hold. */
static uint32_t inverse(uint32_t odd)
{
    uint32_t found = odd;

    for (int i = 0; i < 5; i++)
        found *= 2 - odd * found;
    return found;
}

/* The greatest A < 2^24 with 2^25 A = (2k + 1) S + difference, 2^24 <= 2k + 1 < 2^25: its quotient
 * by S lies 1 / 2S of a unit from k + 1/2. 0: there is none. */
static uint32_t hardest(uint32_t s, int difference)
{
    const uint32_t k = (uint32_t)-difference * inverse(s) & (((uint32_t)1 << 25) - 1);
    const uint64_t product = (uint64_t)k * s + (uint64_t)(int64_t)difference;

    cr_assert_eq(product % ((uint64_t)1 << 25), 0);
    return k >= END && product >> 25 >= LEAST ? (uint32_t)(product >> 25) : 0;
}

Test(division, is_right_next_to_every_boundary)
{
    float powers[16] = {0.0f};
    size_t tried = 0;

    for (uint32_t s = LEAST + 1; s < END; s += 2) {
        for (int i = 0; i < 16; i++) {
            const uint32_t a = hardest(s, i % 2 == 0 ? 1 : -1);

            tried += a > 0 && i < 2;
            powers[i] = ldexpf((float)a, -24 - 5 * (i / 2));
        }
        if (powers[0] > 0.0f || powers[1] > 0.0f)
            compare(powers, ldexpf((float)s, -23));
    }
    cr_expect_gt(tried, 1000000);
}

/* The pairs next to 2^24, which the proof sets apart, and those next to all other ends. */
Test(division, is_right_at_the_ends)
{
    for (uint32_t s = 0; s < 256; s++)
        for (uint32_t a = 0; a < 256; a++) {
            float powers[16];

            for (int i = 0; i < 16; i++)
                powers[i] =
                    ldexpf((float)(i % 2 == 0 ? END - 1 - a : LEAST + a), -24 - 5 * (i / 2));
            compare(powers, ldexpf((float)(END - 1 - s), -23));
            compare(powers, ldexpf((float)(LEAST + s), -23));
            compare(powers, ldexpf((float)(LEAST + s), -1));
        }
}

Test(division, is_right_of_random_numbers)
{
    uint64_t state = 1;

    for (int round = 0; round < 1000000; round++) {
        float powers[16];

        for (int i = 0; i < 16; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            powers[i] = ldexpf((float)(LEAST + (state >> 41)), -24 - (int)(state >> 33 & 0x7f));
        }
        compare(powers, ldexpf((float)(LEAST + (state >> 20 & 0x7fffff)), -23 + round % 24));
    }
}

/* Beyond its limits it divides. */
Test(division, divides_small_powers_and_other_sums)
{
    const float powers[16] = {0x1p-149f, 0x1p-126f, 0x1.8p-101f,     0x1p-100f,
                              0.0f,      1.0f,      0x1.fffffep-120f};

    compare(powers, 3.0f);
    compare(powers, 0x1p25f);
    compare(powers, 0x1.234566p120f);
    compare(powers, 0x1p-3f);
    compare(powers, INFINITY);
}
