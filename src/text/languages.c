/* Languages. A byte's probability is interpolated over the contexts of 0 to 3 bytes before it
 * (Witten and Bell, "The zero-frequency problem", IEEE Transactions on Information Theory 37,
 * 1991): with context h, which occurs t times and is followed by T different bytes,
 * p(b | h) = (count(h b) + T p(b | h without its first byte)) / (t + T), and 1/256 below the
 * shortest context. Quotients and products in binary64 with a stated order are the same bits
 * everywhere; a text's likelihood is kept as a fraction and an exponent, so that no logarithm is
 * needed. */
#include "text/languages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- Learning -------------------------------------------------------------------------------- */

static mmn_status find_or_add(mmn_language **found, mmn_languages *languages, const char *name,
                              mmn_error *error)
{
    size_t i = 0;
    while (i < languages->count && strcmp(languages->list[i].name, name) != 0)
        i++;
    *found = &languages->list[i];
    if (i < languages->count)
        return MMN_OK;
    if (i == MMN_LANGUAGE_LIMIT)
        return mmn_fail(error, MMN_INPUT, NULL, NULL, "there are more than %d languages",
                        MMN_LANGUAGE_LIMIT);
    MMN_NEED((*found)->name = mmn_copy_text(name, error));
    languages->count++;
    MMN_NEED((*found)->text = mmn_allocate(MMN_LANGUAGE_BYTES, 1, error));
    return MMN_OK;
}

mmn_status mmn_languages_add(mmn_languages *languages, const char *name, const char *text,
                             size_t size, mmn_error *error)
{
    mmn_language *language;
    MMN_TRY(find_or_add(&language, languages, name, error));
    const size_t left = MMN_LANGUAGE_BYTES - language->size, taken = size < left ? size : left;
    memcpy(language->text + language->size, text, taken);
    language->size += taken;
    return MMN_OK;
}

static int compare_keys(const void *a, const void *b)
{
    const uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return (first > second) - (first < second);
}

/* The sequences of `order` bytes; `keys` is room for as many as there are bytes. */
static mmn_status count_grams(mmn_grams *grams, const mmn_language *language, size_t order,
                              uint32_t *keys, mmn_error *error)
{
    const size_t all = language->size < order ? 0 : language->size - order + 1;
    size_t count = 0;
    for (size_t i = 0; i < all; i++) {
        uint32_t key = 0;
        for (size_t k = 0; k < order; k++)
            key = key << 8 | (unsigned char)language->text[i + k];
        keys[i] = key;
    }
    qsort(keys, all, sizeof(*keys), compare_keys);
    for (size_t i = 0; i < all; i++)
        count += i == 0 || keys[i] != keys[i - 1];
    grams->keys = mmn_allocate(count + 1, sizeof(*grams->keys), error);
    grams->before = mmn_allocate(count + 1, sizeof(*grams->before), error);
    MMN_NEED(grams->keys && grams->before);
    for (size_t i = 0; i < all; i++) {
        if (i > 0 && keys[i] == keys[i - 1])
            continue;
        grams->keys[grams->count] = keys[i];
        grams->before[grams->count++] = (uint32_t)i;
    }
    grams->before[grams->count] = (uint32_t)all;
    return MMN_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const mmn_language *)a)->name, ((const mmn_language *)b)->name);
}

static mmn_status make_digest(mmn_languages *languages, mmn_error *error)
{
    mmn_digest *digest;
    MMN_TRY(mmn_digest_begin(&digest, error));
    mmn_digest_add_text(digest, "mmneuron-languages-1");
    mmn_digest_add_u64(digest, languages->count);
    for (size_t i = 0; i < languages->count; i++) {
        mmn_digest_add_text(digest, languages->list[i].name);
        mmn_digest_add_u64(digest, languages->list[i].size);
        mmn_digest_add(digest, languages->list[i].text, languages->list[i].size);
    }
    mmn_digest_finish(digest, languages->digest);
    mmn_digest_free(digest);
    return MMN_OK;
}

mmn_status mmn_languages_learn(mmn_languages *languages, mmn_error *error)
{
    if (languages->count < 2)
        return mmn_fail(error, MMN_INPUT, NULL, NULL,
                        "has texts of fewer than two languages, of which one is to be told from "
                        "others");
    qsort(languages->list, languages->count, sizeof(*languages->list), compare_names);
    MMN_TRY(make_digest(languages, error));
    uint32_t *keys = mmn_allocate(MMN_LANGUAGE_BYTES, sizeof(*keys), error);
    MMN_NEED(keys);
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < languages->count && status == MMN_OK; i++) {
        mmn_language *language = &languages->list[i];
        for (size_t n = 0; n < MMN_LANGUAGE_ORDER && status == MMN_OK; n++)
            status = count_grams(&language->grams[n], language, n + 1, keys, error);
        mmn_free(language->text);
        language->text = NULL;
    }
    mmn_free(keys);
    return status;
}

/* ---- Finding --------------------------------------------------------------------------------- */

/* The number of the first gram from `key` on. */
static size_t lower_bound(const mmn_grams *grams, uint64_t key)
{
    size_t low = 0, high = grams->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (grams->keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Of byte number `at` of a text. */
static double probability(const mmn_language *language, const unsigned char *text, size_t at)
{
    double p = 1.0 / 256.0;
    for (size_t n = 0; n < MMN_LANGUAGE_ORDER && n <= at; n++) {
        const mmn_grams *grams = &language->grams[n];
        uint64_t context = 0;
        for (size_t k = at - n; k < at; k++)
            context = context << 8 | text[k];
        const size_t first = lower_bound(grams, context << 8);
        const size_t end = lower_bound(grams, (context + 1) << 8);
        if (first == end)
            break;
        const size_t own = lower_bound(grams, context << 8 | text[at]);
        const bool occurs = own < end && grams->keys[own] == (context << 8 | text[at]);
        const double count = occurs ? (double)(grams->before[own + 1] - grams->before[own]) : 0;
        const double times = (double)(grams->before[end] - grams->before[first]);
        const double different = (double)(end - first);
        p = (count + different * p) / (times + different);
    }
    return p;
}

/* A product of many probabilities: fraction times 2^exponent. */
typedef struct likelihood {
    double fraction; /* from 0.5 to less than 1 */
    int64_t exponent;
} likelihood;

static likelihood likelihood_of(const mmn_language *language, const unsigned char *text,
                                size_t size)
{
    likelihood found = {0.5, 1};
    for (size_t i = 0; i < size; i++) {
        int exponent;
        found.fraction = frexp(found.fraction * probability(language, text, i), &exponent);
        found.exponent += exponent;
    }
    return found;
}

/* Letters are those of ASCII, and what is not ASCII. */
static bool has_letters(const unsigned char *text, size_t size)
{
    size_t i = 0;
    while (i < size && text[i] < 0x80 && ((text[i] | 0x20) < 'a' || (text[i] | 0x20) > 'z'))
        i++;
    return i < size;
}

size_t mmn_languages_find(const mmn_languages *languages, const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t best = 0;
    likelihood largest = {0};
    if (!has_letters(bytes, size))
        return SIZE_MAX;
    for (size_t i = 0; i < languages->count; i++) {
        const likelihood found = likelihood_of(&languages->list[i], bytes, size);
        if (i > 0 && (found.exponent < largest.exponent ||
                      (found.exponent == largest.exponent && found.fraction <= largest.fraction)))
            continue;
        best = i;
        largest = found;
    }
    return best;
}

void mmn_languages_free(mmn_languages *languages)
{
    for (size_t i = 0; i < languages->count; i++) {
        mmn_language *language = &languages->list[i];
        mmn_free(language->name);
        mmn_free(language->text);
        for (size_t n = 0; n < MMN_LANGUAGE_ORDER; n++) {
            mmn_free(language->grams[n].keys);
            mmn_free(language->grams[n].before);
        }
    }
    *languages = (mmn_languages){0};
}
