/* Words of a vocabulary as people can tell them apart. */
#include "result/words.h"

#include <string.h>

#include "base/text_buffer.h"

char *mmn_word_shown(const char *word, mmn_error *error)
{
    mmn_text text = {0};
    char *shown;

    for (const char *at = word; *at != '\0';) {
        const size_t length = strcspn(at, " ");
        mmn_text_add_bytes(&text, at, length);
        at += length;
        if (*at == ' ')
            mmn_text_add(&text, "\xe2\x96\x81");
        at += *at == ' ';
    }
    return mmn_text_finish(&text, &shown, error) == MMN_OK ? shown : NULL;
}
