/* Random numbers by counter: each is a function of a seed and of where it is used, so that threads,
 * batches and the order of calls cannot change it. */
#include "base/random.h"

#include <string.h>

enum { ROUNDS = 10 };

void mmn_philox(uint32_t words[4], const uint32_t counter[4], const uint32_t key[2])
{
    uint32_t key_0 = key[0], key_1 = key[1];
    memcpy(words, counter, 4 * sizeof(*words));
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t product_0 = (uint64_t)0xd2511f53 * words[0];
        uint64_t product_1 = (uint64_t)0xcd9e8d57 * words[2];
        words[0] = (uint32_t)(product_1 >> 32) ^ words[1] ^ key_0;
        words[1] = (uint32_t)product_1;
        words[2] = (uint32_t)(product_0 >> 32) ^ words[3] ^ key_1;
        words[3] = (uint32_t)product_0;
        key_0 += 0x9e3779b9;
        key_1 += 0xbb67ae85;
    }
}

static void draw(uint32_t words[4], const mmn_random_place *place, uint32_t attempt)
{
    const uint32_t counter[4] = {attempt, place->at[0], place->at[1], place->at[2]};
    const uint32_t key[2] = {(uint32_t)place->seed, (uint32_t)(place->seed >> 32)};
    mmn_philox(words, counter, key);
}

/* Lemire, "Fast random integer generation in an interval" (2019): the high word of word * bound,
 * where words that would make some numbers more likely are drawn again. */
uint32_t mmn_random_below(const mmn_random_place *place, uint32_t bound)
{
    uint32_t surplus = (uint32_t)-bound % bound;
    for (uint32_t attempt = 0;; attempt++) {
        uint32_t words[4];
        draw(words, place, attempt);
        for (int i = 0; i < 4; i++) {
            uint64_t product = (uint64_t)words[i] * bound;
            if ((uint32_t)product >= surplus)
                return (uint32_t)(product >> 32);
        }
    }
}

/* Writes to `others` the numbers below `width` that are not among own [count], ascending. */
static void list_others(uint32_t *others, const uint32_t *own, size_t count, uint32_t width)
{
    for (uint32_t number = 0; number < width; number++) {
        if (count > 0 && *own == number) {
            own++;
            count--;
        } else {
            *others++ = number;
        }
    }
}

void mmn_random_others(uint32_t *chosen, const uint32_t *own, size_t count, uint32_t width,
                       mmn_random_place place, uint32_t *others)
{
    const size_t left = width - count;
    list_others(others, own, count, width);
    for (size_t i = 0; i < count; i++) {
        place.at[2] = (uint32_t)i;
        const size_t other = i + mmn_random_below(&place, (uint32_t)(left - i));
        chosen[i] = others[other];
        others[other] = others[i];
    }
}

double mmn_random_unit(const mmn_random_place *place)
{
    uint32_t words[4];
    draw(words, place, 0);
    uint64_t bits = (uint64_t)words[0] << 21 ^ words[1] >> 11;
    return (double)bits * 0x1p-53;
}

/* A multiple of 2^-31 in [-1, 1). */
static double signed_unit(uint32_t word)
{
    return (double)(int64_t)word * 0x1p-31 - 1.0;
}

void mmn_random_disc(const mmn_random_place *place, double point[2])
{
    double square = 0.0;
    for (uint32_t attempt = 0; !(square > 0.0 && square < 1.0); attempt++) {
        uint32_t words[4];
        draw(words, place, attempt);
        point[0] = signed_unit(words[0]);
        point[1] = signed_unit(words[1]);
        square = point[0] * point[0] + point[1] * point[1];
    }
}
