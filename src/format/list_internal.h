/* What the files that read lists share. */
#ifndef MMN_FORMAT_LIST_INTERNAL_H
#define MMN_FORMAT_LIST_INTERNAL_H

#include <jansson.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/reader.h"
#include "format/list.h"

struct mmn_list {
    char *path, *folder;
    char *bytes; /* of the file; NULL where they belong to the caller */
    mmn_file_identity identity;
    const char *text;
    size_t size, next; /* where the next line begins */
    uint64_t line;
    bool allows_unknown_keys, allows_no_questions;
    enum { FORM_UNKNOWN, FORM_QUESTIONS, FORM_TEXTS } form; /* of the lines so far */

    /* What the current sample points to. */
    const char *line_text; /* with the white space at its ends */
    size_t line_length;
    json_t *document;
    mmn_blocks blocks;
    char id[24]; /* where it is not a text of the document */
};

/* The keys that a line may have, in the order of the list's digest. */
#define MMN_LIST_KEYS 17
extern const char *const mmn_list_keys[MMN_LIST_KEYS];

/* "name" beside the list, as long as the sample; NULL after a failure. */
char *mmn_list_beside(mmn_list *list, const mmn_object *line, const char *name);
/* What asks something, and how the answer is judged. */
void mmn_list_read_question(mmn_sample *sample, mmn_list *list, const mmn_object *line);

#endif
