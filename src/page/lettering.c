/* The letters of graphics: their sizes, and how wide a text is at most, whichever font a reader's
 * machine has. */
#include "page/lettering.h"

#include <string.h>

#include "base/utf8.h"
#include "page/text.h"

const mmn_lettering mmn_letterings[] = {
    {"", 12, false},     {"heading", 14, true}, {"title", 13, true},   {"strong", 12, true},
    {"tick", 11, false}, {"stage", 11, false},  {"inside", 9.5, true}, {0}};

const mmn_lettering *mmn_lettering_of(const char *classes)
{
    const size_t length = strcspn(classes, " ");
    for (const mmn_lettering *letters = mmn_letterings + 1; letters->name; letters++)
        if (strlen(letters->name) == length && strncmp(letters->name, classes, length) == 0)
            return letters;
    return mmn_letterings;
}

/* Advance widths of the characters from U+0020 to U+007E in DejaVu Sans and DejaVu Sans Bold, in
 * hundredths of the letters' size, rounded up. */
static const unsigned char widths[2][95] = {
    {32, 41, 46, 84, 64, 96, 78, 28, 40, 40, 50, 84, 32, 37,  32, 34, 64, 64, 64,
     64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84, 54, 100, 69, 69, 70, 78, 64,
     58, 78, 76, 30, 30, 66, 56, 87, 75, 79, 61, 79, 70, 64,  62, 74, 69, 99, 69,
     62, 69, 40, 34, 40, 84, 50, 50, 62, 64, 55, 64, 62, 36,  64, 64, 28, 28, 58,
     28, 98, 64, 62, 64, 64, 42, 53, 40, 64, 60, 82, 60, 60,  53, 64, 34, 64, 84},
    {35, 46,  53, 84, 70, 101, 88, 31,  46, 46, 53, 84, 38, 42,  38, 37, 70, 70,  70,
     70, 70,  70, 70, 70, 70,  70, 40,  40, 84, 84, 84, 59, 100, 78, 77, 74, 84,  69,
     69, 83,  84, 38, 38, 78,  64, 100, 84, 86, 74, 86, 78, 73,  69, 82, 78, 111, 78,
     73, 73,  46, 37, 46, 84,  50, 50,  68, 72, 60, 72, 68, 44,  72, 72, 35, 35,  67,
     35, 105, 72, 69, 72, 72,  50, 60,  48, 72, 66, 93, 65, 66,  59, 72, 37, 72,  84}};

/* Of other characters: ideographs are squares, letters about as wide as Latin capitals. */
static double width_of(const mmn_lettering *letters, uint32_t code)
{
    const double other = letters->bold ? 90 : 80;
    const double hundredths = code >= 0x20 && code < 0x7f ? widths[letters->bold][code - 0x20]
                              : code == 0x2026 || mmn_is_wide(code) ? 100
                                                                    : other;
    return hundredths / 100 * letters->size;
}

double mmn_lettering_width(const mmn_lettering *letters, const char *utf8)
{
    double width = 0;
    for (size_t size; *utf8 != '\0'; utf8 += size)
        width += width_of(letters, mmn_character_at(utf8, &size));
    return width;
}

size_t mmn_lettering_fit(const mmn_lettering *letters, const char *utf8, double room)
{
    const double ellipsis = width_of(letters, 0x2026);
    double width = 0;
    size_t fitting = 0, size;
    const char *at = utf8;
    for (; *at != '\0' && width <= room; at += size) {
        width += width_of(letters, mmn_character_at(at, &size));
        if (width + ellipsis <= room)
            fitting = (size_t)(at - utf8) + size;
    }
    return width <= room ? (size_t)(at - utf8) : fitting;
}
