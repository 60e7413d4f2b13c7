/* Windows: the texts of a list as one stream of tokens for each domain, cut into pieces of one
 * length. */
#ifndef MMN_NEURONS_WINDOWS_H
#define MMN_NEURONS_WINDOWS_H

#include <stdbool.h>

#include "format/list.h"
#include "mmneuron.h"
#include "base/digest.h"
#include "count/counts.h"

typedef struct mmn_token_stream {
    int32_t *ids; /* [count] */
    size_t count, capacity;
} mmn_token_stream;

/* Zero-initialise; free with mmn_windows_free. */
typedef struct mmn_windows {
    size_t length;      /* positions of a window; the last one of a domain may have fewer */
    bool begin_of_text; /* whether first_token, of no text, takes the first of them */
    int32_t first_token;
    size_t domain_count;
    mmn_token_stream *streams; /* [domain_count] */
} mmn_windows;

/* The token that the model's tokenizer puts before a text; *found is false where it puts none. */
mmn_status mmn_begin_of_text(int32_t *token, bool *found, const mmn_model *model, mmn_error *error);

/* Decides on the length: `wanted` positions, or (0) all that the model was made for, at most 4096.
 * With begin_of_text each window begins with the token that the model's tokenizer puts before a
 * text. MMN_USAGE when the model or its tokenizer cannot do that. */
mmn_status mmn_windows_set(mmn_windows *windows, const mmn_model *model, uint64_t wanted,
                           bool begin_of_text, mmn_error *error);

/* The text of a sample of a list of texts, without a byte order mark: *text [*size], which is the
 * list's, or *owned (freed with mmn_free; else NULL) or a part of it. MMN_INPUT for a file that is
 * empty or not UTF-8. */
mmn_status mmn_sample_text(char **owned, const char **text, size_t *size, const mmn_sample *sample,
                           mmn_error *error);

/* Reads the texts of `list`, file `file`, from its beginning, and joins the tokens of each domain's
 * in the list's order, without special tokens. `domains` has theirs. MMN_INPUT, with the list's
 * line, for a text that is missing, empty or not UTF-8. */
mmn_status mmn_windows_read(mmn_windows *windows, const mmn_model *model, mmn_list *list,
                            const char *file, const mmn_domains *domains, mmn_error *error);
void mmn_windows_free(mmn_windows *windows);

/* How many windows a domain has. */
uint64_t mmn_windows_of(const mmn_windows *windows, size_t domain);

/* Makes the input of window number `number`, from 0, of a domain. */
mmn_status mmn_windows_input(mmn_input **input, const mmn_windows *windows, const mmn_model *model,
                             size_t domain, uint64_t number, mmn_error *error);

/* XXH3-128 over the windows' length and every domain's name and tokens (doc/formats.md). */
mmn_status mmn_windows_digest(const mmn_windows *windows, const mmn_domains *domains,
                              char digest[MMN_DIGEST_SIZE], mmn_error *error);

#endif
