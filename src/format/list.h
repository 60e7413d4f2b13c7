/* Dataset lists: samples from a JSON-lines file, one at a time.
 *
 * * Each line is an object: "domain" text, required, 1 to 64 bytes: no control characters, none of
 * / . , " and the backslash, no space at either end, since it becomes part of tensors' names, table
 * headings and lists separated by commas "image" a path or an array of at most 64 paths, relative
 * to the list's folder; absent: text only "question" text "prompt" text, the raw prompt, for which
 * no template is used; one of the two is required "answers" array of texts; "choices" array of
 * texts "words" array of texts "from", "to" texts: an edit; "general", "local" arrays of objects
 * with "image", "question" and "prompt" as above, each the line's where it is absent "objects"
 * array of texts, none empty and none twice: what the picture shows; "property" text: what somebody
 * in it may be "metric"
 * "vqa", "exact", "anls", "choice", "lingo" or "language" "id" text or integer; absent: the line's
 * number or, where the samples are texts to read and not questions to answer, beside "domain" and
 * "id": "text" text, not empty; or "text_file" a path, relative to the list's folder, of a file
 * that is one whole text A list has samples of one of the two forms. Other keys are errors, unless
 * they are allowed and then passed over. Empty lines are skipped; a UTF-8 byte order mark at the
 * beginning and CR LF line ends are accepted. A line may be 1 MB long. */
#ifndef MMN_FORMAT_LIST_H
#define MMN_FORMAT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

#define MMN_LIST_LINE_LIMIT 1000000
#define MMN_LIST_DOMAIN_LIMIT 64
#define MMN_LIST_IMAGE_LIMIT 64
#define MMN_LIST_ASKED_LIMIT 1000

typedef enum mmn_metric {
    MMN_METRIC_NONE, /* the line names none */
    MMN_METRIC_VQA,
    MMN_METRIC_EXACT,
    MMN_METRIC_ANLS,
    MMN_METRIC_CHOICE,
    MMN_METRIC_LINGO,   /* as a judge says */
    MMN_METRIC_LANGUAGE /* whether an answer is in the domain's language */
} mmn_metric;

/* Something that an edit is tried on: a picture, and what is asked of it. */
typedef struct mmn_list_asked {
    const char *const *images;
    size_t image_count;
    const char *question, *prompt; /* one of them may be NULL */
} mmn_list_asked;

/* One sample; everything in it is valid until the list's next mmn_list_next or mmn_list_close. */
typedef struct mmn_sample {
    const char *id;
    const char *domain;
    const char *const *images; /* paths, joined with the list's folder */
    size_t image_count;
    const char *question;         /* or NULL */
    const char *prompt;           /* or NULL */
    const char *text, *text_file; /* one of the two in a list of texts, whose samples have no more
                                     than id and domain beside it; else both NULL */
    const char *const *answers;
    size_t answer_count;
    const char *const *choices;
    size_t choice_count;
    const char *const *words; /* of the answer, which are of interest; NULL: the line names none */
    size_t word_count;
    const char *from, *to; /* of an edit: a word of the answer, and what shall be said instead; or
                              both NULL */
    const char *const *objects; /* what the picture shows, in bytewise order; NULL: the line does
                                   not say */
    size_t object_count;
    const char *property;                  /* what somebody in the picture may be; or NULL */
    const mmn_list_asked *general, *local; /* where the other word shall be said, too, and where
                                         nothing shall change */
    size_t general_count, local_count;
    mmn_metric metric;
    uint64_t line; /* from 1 */
} mmn_sample;

/* Whether `text`, valid UTF-8, can be a domain's name. */
bool mmn_is_domain(const char *text);

typedef struct mmn_list mmn_list;

/* Reads the list `path` into memory, so that it stays as it is whatever becomes of the file. */
mmn_status mmn_list_open(mmn_list **list, const char *path, mmn_error *error);
/* Whether the file is still as it was when it was opened (mmn_file_unchanged). */
mmn_status mmn_list_unchanged(const mmn_list *list, mmn_error *error);
/* The same on bytes in memory, which must outlive the list; `path` is for messages and for the
 * folder of the images. */
mmn_status mmn_list_parse(mmn_list **list, const void *data, size_t size, const char *path,
                          mmn_error *error);
/* NULL is allowed. */
void mmn_list_close(mmn_list *list);

/* Whether keys that no sample has are passed over (at first they are errors). */
void mmn_list_allow_unknown_keys(mmn_list *list, bool allow);
/* Whether lines need neither question nor prompt, whose pictures alone are wanted (at first that is
 * an error). */
void mmn_list_allow_no_questions(mmn_list *list, bool allow);

/* Reads the next sample. *found is false at the end, with MMN_OK. A line that is wrong is MMN_INPUT
 * with file and line; the next call goes on with the line after it. */
mmn_status mmn_list_next(mmn_list *list, mmn_sample *sample, bool *found, mmn_error *error);
/* *texts: whether the samples are texts, as the first line that is not wrong says (false where
 * there is none). For a list that nothing has been read of yet; starts again at the first line. */
mmn_status mmn_list_has_texts(mmn_list *list, bool *texts, mmn_error *error);
/* XXH3-128 over what the list's lines say (doc/formats.md). Reads the whole list, with bad lines,
 * and starts again at the first line. */
mmn_status mmn_list_digest(mmn_list *list, char text[MMN_DIGEST_SIZE], mmn_error *error);
/* Starts again at the first line. */
void mmn_list_rewind(mmn_list *list);
/* The number of the line that mmn_list_next read last (good or bad), 0 before the first. */
uint64_t mmn_list_line(const mmn_list *list);

/* Turns `error`, which building or running a sample of line `line` gave, into one of that line.
 * Returns whether the sample is to blame; if not (memory is short, an interruption), the error
 * stays. */
bool mmn_sample_blame(mmn_error *error, uint64_t line, const char *list_file);

#endif
