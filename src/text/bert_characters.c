/* Classes of characters as BERT's normaliser and pre-tokeniser have them. */
#include "text/bert_characters.h"

#include <stddef.h>

#include "text/bert_ranges.h"

static bool is_in(const character_range *ranges, size_t count, uint32_t code)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (code > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && code >= ranges[low].first;
}

#define IS_IN(ranges, code) is_in(ranges, sizeof(ranges) / sizeof((ranges)[0]), code)

bool mmn_bert_is_dropped(uint32_t code)
{
    return IS_IN(dropped, code);
}

bool mmn_bert_is_mark(uint32_t code)
{
    return IS_IN(marks, code);
}

bool mmn_bert_is_ideograph(uint32_t code)
{
    return IS_IN(ideographs, code);
}

bool mmn_bert_is_punctuation(uint32_t code)
{
    return IS_IN(punctuation, code);
}
