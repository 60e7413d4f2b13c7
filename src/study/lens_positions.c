/* Which positions of a sample the lens keeps in full. */
#include "study/lens_positions.h"

#include <string.h>

#include "base/items.h"

/* Digits, and nothing else, up to a comma or the end; numbers beyond any input become SIZE_MAX. */
static bool read_number(size_t *number, const char *text, size_t length)
{
    *number = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *number = *number > SIZE_MAX / 16 ? SIZE_MAX : *number * 10 + (size_t)(text[i] - '0');
    }
    return length > 0;
}

/* `wanted` of the positions of one kind. */
static void choose_kind(bool *chosen, const mmn_input *input, bool image, size_t wanted)
{
    size_t length = mmn_input_length(input), images = mmn_input_image_positions(input);
    size_t count = image ? images : length - images, number = 0, taken = 0;

    if (wanted > count)
        wanted = count;
    for (size_t position = 0; position < length && taken < wanted; position++) {
        if ((mmn_input_is_image(input, position) != 0) != image)
            continue;
        /* The i-th of those wanted is number i * (count - 1) / (wanted - 1) of all. */
        size_t next = wanted > 1 ? taken * (count - 1) / (wanted - 1) : count - 1;
        if (number++ == next) {
            chosen[position] = true;
            taken++;
        }
    }
}

static bool choose_term(bool *chosen, const mmn_input *input, const char *term, size_t length)
{
    size_t end = input ? mmn_input_length(input) : 0, number;

    if (length == 3 && strncmp(term, "all", 3) == 0) {
        for (size_t position = 0; position < end; position++)
            chosen[position] = true;
    } else if (length == 4 && strncmp(term, "last", 4) == 0) {
        if (end > 0)
            chosen[end - 1] = true;
    } else if (length > 6 && strncmp(term, "image:", 6) == 0) {
        if (!read_number(&number, term + 6, length - 6))
            return false;
        if (input)
            choose_kind(chosen, input, true, number);
    } else if (length > 5 && strncmp(term, "text:", 5) == 0) {
        if (!read_number(&number, term + 5, length - 5))
            return false;
        if (input)
            choose_kind(chosen, input, false, number);
    } else {
        if (!read_number(&number, term, length))
            return false;
        if (number < end)
            chosen[number] = true;
    }
    return true;
}

mmn_status mmn_lens_choose_positions(bool *chosen, const mmn_input *input, const char *text,
                                     mmn_error *error)
{
    mmn_item item;
    while (mmn_next_item(&item, &text, ','))
        if (!choose_term(chosen, input, item.text, item.length))
            return mmn_fail(error, MMN_USAGE, NULL, NULL,
                            "\"%.*s\" names no position; there are \"last\", \"all\", numbers, "
                            "\"image:K\" and \"text:K\"",
                            MMN_ITEM(item));
    return MMN_OK;
}
