/* Words and columns as people read them. */
#include "result/words.h"

char *mmn_word_shown(const char *word, mmn_error *error)
{
    mmn_text text = {0};
    char *shown;
    for (; *word != '\0'; word++)
        mmn_text_add_bytes(&text, *word == ' ' ? "\xe2\x96\x81" : word, *word == ' ' ? 3 : 1);
    return mmn_text_finish(&text, &shown, error) == MMN_OK ? shown : NULL;
}

int mmn_columns_of(const char *text)
{
    int columns = 0;
    for (; *text != '\0'; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

void mmn_columns_left(mmn_text *table, const char *text, int width)
{
    int columns = mmn_columns_of(text);
    mmn_text_add(table, "%s", text);
    if (columns < width)
        mmn_text_fill(table, ' ', (size_t)(width - columns));
}
