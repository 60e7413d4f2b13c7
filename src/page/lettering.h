/* The letters of graphics: their sizes, and how wide a text is at most, whichever font a reader's
 * machine has. */
#ifndef MMN_PAGE_LETTERING_H
#define MMN_PAGE_LETTERING_H

#include <stdbool.h>
#include <stddef.h>

/* Letters of one class of texts. */
typedef struct mmn_lettering {
    const char *name; /* the class; of all others: "" */
    double size;      /* in CSS pixels */
    bool bold;
} mmn_lettering;

/* All of them, up to one without a name; the first is that of classes that are not there. */
extern const mmn_lettering mmn_letterings[];

/* Those of a text with these classes, of which the first decides. */
const mmn_lettering *mmn_lettering_of(const char *classes);

/* The width of a text, in CSS pixels. Graphics ask for the reader's own font; this is as wide as in
 * DejaVu Sans, which most systems fall back to and which is wider than all others that they ask
 * for. */
double mmn_lettering_width(const mmn_lettering *letters, const char *utf8);

/* How many bytes of a text fit into `room`: all, or so many that an ellipsis has place behind. */
size_t mmn_lettering_fit(const mmn_lettering *letters, const char *utf8, double room);

#endif
