/* What the files that read lists share. */
#ifndef MMN_FORMAT_LIST_INTERNAL_H
#define MMN_FORMAT_LIST_INTERNAL_H

#include <jansson.h>

#include "base/file.h"
#include "format/list.h"

struct mmn_list {
    char *path, *folder;
    char *bytes; /* of the file; NULL where they belong to the caller */
    mmn_file_identity identity;
    const char *text;
    size_t size, next; /* where the next line begins */
    uint64_t line;
    bool allows_unknown_keys;
    enum { FORM_UNKNOWN, FORM_QUESTIONS, FORM_TEXTS } form; /* of the lines so far */

    /* What the current sample points to. */
    const char *line_text; /* with the white space at its ends */
    size_t line_length;
    json_t *document;
    char *images[MMN_LIST_IMAGE_LIMIT], *text_file;
    const char **answers, **choices, **words;
    char id[24]; /* where it is not a text of the document */
};

/* The keys that a line may have, in the order of the list's digest. */
#define MMN_LIST_KEYS 11
extern const char *const mmn_list_keys[MMN_LIST_KEYS];

#endif
