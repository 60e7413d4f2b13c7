/* For the tests of pages: what is drawn in the sections of figures. */
#ifndef TESTS_PAGE_DRAWN_H
#define TESTS_PAGE_DRAWN_H

#include "results.h"

/* Moves to behind the next `mark`, which must come before `end` (NULL: anywhere). */
static inline const char *behind(const char *at, const char *mark, const char *end)
{
    const char *found = strstr(at, mark);
    return found && (!end || found < end) ? found + strlen(mark) : NULL;
}

/* Where a figure's section begins, and where it ends. */
static inline const char *section(const char *page, const char *name, const char **end)
{
    char mark[64];
    snprintf(mark, sizeof(mark), "<section aria-labelledby=\"%s\">", name);
    const char *begin = behind(page, mark, NULL);
    cr_assert_not_null(begin, "%s", name);
    *end = strstr(begin, "</section>");
    return begin;
}

/* The numbers of the texts with these classes, in the order of the page. */
static inline size_t drawn_numbers(double *numbers, size_t capacity, const char *page,
                                   const char *figure, const char *classes)
{
    char mark[64];
    const char *end, *at = section(page, figure, &end);
    size_t count = 0;
    snprintf(mark, sizeof(mark), "<text class=\"%s\" x=", classes);
    while ((at = behind(at, mark, end))) {
        char *stop;
        at = strchr(at, '>') + 1;
        const double value = strtod(at, &stop);
        if (stop == at)
            continue;
        cr_assert_lt(count, capacity);
        numbers[count++] = value;
    }
    return count;
}

static inline double rounded(double value, int decimals)
{
    char text[32];
    snprintf(text, sizeof(text), "%.*f", decimals, value);
    return strtod(text, NULL);
}

/* An attribute of a figure's rectangles of a class, which `class` is the beginning of. */
static inline size_t drawn(double *values, size_t capacity, const char *page, const char *figure,
                           const char *class, const char *attribute)
{
    char mark[64], name[32];
    const char *end, *at = section(page, figure, &end);
    size_t count = 0;
    snprintf(mark, sizeof(mark), "<rect class=\"%s", class);
    snprintf(name, sizeof(name), " %s=\"", attribute);
    while ((at = behind(at, mark, end))) {
        const char *found = behind(at, name, strchr(at, '>'));
        cr_assert(count < capacity && found);
        values[count++] = strtod(found, NULL);
    }
    return count;
}

/* The heights of a figure's line number `index` of those with these classes, all panels' lines
 * counted, downwards from the graphic's top. */
static inline size_t drawn_line(double *heights, size_t capacity, const char *page,
                                const char *figure, const char *classes, size_t index)
{
    char mark[64];
    const char *end, *at = section(page, figure, &end);
    size_t count = 0;
    snprintf(mark, sizeof(mark), "<path class=\"line %s\" d=\"", classes);
    for (size_t i = 0; i <= index; i++)
        cr_assert_not_null(at = behind(at, mark, end), "%s: no line %zu of %s", figure, i, classes);
    while (*at != '"') {
        char *stop;
        cr_assert(count < capacity && (*at == 'M' || *at == 'L'));
        strtod(at + 1, &stop);
        heights[count++] = strtod(stop, &stop);
        at = stop;
    }
    return count;
}

#endif
