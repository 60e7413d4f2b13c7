/* Windows: the texts of a list as one stream of tokens for each domain, cut into pieces of one
 * length. */
#include "count/windows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "model/input.h"
#include "model/model.h"
#include "text/tokenizer.h"

/* LENGTH: of windows where nobody says, as LLaMA-2's in arXiv 2402.16438; attention to far more
 * positions takes time that their counts do not repay. */
enum { LENGTH = 4096, TEXT_LIMIT = 256 << 20 };

/* ---- Length and first token ------------------------------------------------------------------ */

mmn_status mmn_begin_of_text(int32_t *token, bool *found, const mmn_model *model, mmn_error *error)
{
    int32_t *ids;
    size_t count;
    MMN_TRY(mmn_model_encode(model, "", 1, &ids, &count, error));
    *found = count > 0;
    *token = count > 0 ? ids[0] : 0;
    mmn_release(ids);
    return MMN_OK;
}

static mmn_status find_first_token(mmn_windows *windows, const mmn_model *model, mmn_error *error)
{
    bool found;
    MMN_TRY(mmn_begin_of_text(&windows->first_token, &found, model, error));
    if (!found)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "the model's tokenizer puts no token at the beginning of a text");
    return MMN_OK;
}

mmn_status mmn_windows_set(mmn_windows *windows, const mmn_model *model, uint64_t wanted,
                           bool begin_of_text, mmn_error *error)
{
    uint32_t most = mmn_model_describe(model)->maximum_positions;
    if (most > MMN_MAXIMUM_POSITIONS)
        most = MMN_MAXIMUM_POSITIONS;
    windows->length = wanted > 0 ? (size_t)wanted : most < LENGTH ? most : LENGTH;
    windows->begin_of_text = begin_of_text;
    if (wanted > most)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "a window of %" PRIu64 " positions is longer than the %" PRIu32
                        " that the model reads",
                        wanted, most);
    if (begin_of_text && windows->length < 2)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "a window of one position has no place for a token beside the one that "
                        "begins a text");
    return begin_of_text ? find_first_token(windows, model, error) : MMN_OK;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static mmn_status add_tokens(mmn_token_stream *stream, const mmn_model *model, const char *text,
                             size_t size, mmn_error *error)
{
    int32_t *ids;
    size_t count;
    mmn_status status = MMN_OK;
    MMN_TRY(mmn_tokenizer_encode(model->tokenizer, text, size, false, &ids, &count, error));
    if (count == 0)
        status = mmn_fail(error, MMN_INPUT, NULL, NULL, "the text has no tokens");
    if (status == MMN_OK)
        status = MMN_RESERVE(stream->ids, stream->capacity, stream->count + count, error);
    if (status == MMN_OK) {
        memcpy(stream->ids + stream->count, ids, count * sizeof(*ids));
        stream->count += count;
    }
    mmn_free(ids);
    return status;
}

/* A file's text begins behind its byte order mark, if it has one. */
static mmn_status check_file(const char *text, size_t size, size_t mark, const char *file,
                             mmn_error *error)
{
    const size_t valid = mmn_utf8_valid_prefix(text, size);
    const char *zero = memchr(text, '\0', size);
    if (valid < size)
        return mmn_fail(error, MMN_INPUT, file, MMN_PLACE("byte %zu", valid), "is not UTF-8");
    if (zero)
        return mmn_fail(error, MMN_INPUT, file, MMN_PLACE("byte %zu", (size_t)(zero - text)),
                        "is 0, which no text has");
    return size > mark ? MMN_OK : mmn_fail(error, MMN_INPUT, file, NULL, "is empty");
}

mmn_status mmn_sample_text(char **owned, const char **text, size_t *size, const mmn_sample *sample,
                           mmn_error *error)
{
    *owned = NULL;
    *text = sample->text;
    if (*text) {
        *size = strlen(*text);
        return MMN_OK;
    }
    MMN_TRY(mmn_read_file(owned, size, sample->text_file, TEXT_LIMIT, error));
    const size_t mark = *size >= 3 && memcmp(*owned, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    const mmn_status status = check_file(*owned, *size, mark, sample->text_file, error);
    *text = *owned + mark;
    *size -= mark;
    if (status != MMN_OK) {
        mmn_free(*owned);
        *owned = NULL;
    }
    return status;
}

/* The same, as tokens. */
static mmn_status encode_text(mmn_token_stream *stream, const mmn_model *model,
                              const mmn_sample *sample, mmn_error *error)
{
    char *owned;
    const char *text;
    size_t size;
    MMN_TRY(mmn_sample_text(&owned, &text, &size, sample, error));
    mmn_status status = add_tokens(stream, model, text, size, error);
    if (owned)
        status = mmn_error_in_file(error, status, sample->text_file);
    mmn_free(owned);
    return status;
}

static mmn_status add_text(mmn_token_stream *stream, const mmn_model *model,
                           const mmn_sample *sample, const char *list_file, mmn_error *error)
{
    mmn_error problem = {0};
    const mmn_status status = encode_text(stream, model, sample, &problem);
    if (status == MMN_OK)
        return MMN_OK;
    mmn_sample_blame(&problem, sample->line, list_file);
    if (error)
        *error = problem;
    return problem.status;
}

mmn_status mmn_windows_read(mmn_windows *windows, const mmn_model *model, mmn_list *list,
                            const char *file, const mmn_domains *domains, mmn_error *error)
{
    windows->streams = mmn_allocate(domains->domain_count, sizeof(*windows->streams), error);
    MMN_NEED(windows->streams);
    windows->domain_count = domains->domain_count;
    mmn_list_rewind(list);
    for (;;) {
        mmn_sample sample;
        bool found;
        MMN_TRY(mmn_list_next(list, &sample, &found, error));
        if (!found)
            return MMN_OK;
        size_t domain = mmn_domains_find(domains, sample.domain);
        if (domain == SIZE_MAX)
            return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "the list changed while it was read");
        MMN_TRY(add_text(&windows->streams[domain], model, &sample, file, error));
    }
}

void mmn_windows_free(mmn_windows *windows)
{
    for (size_t d = 0; d < windows->domain_count; d++)
        mmn_free(windows->streams[d].ids);
    mmn_free(windows->streams);
    *windows = (mmn_windows){0};
}

/* ---- Windows --------------------------------------------------------------------------------- */

/* Tokens of a text in a whole window. */
static size_t tokens_of_window(const mmn_windows *windows)
{
    return windows->length - (windows->begin_of_text ? 1 : 0);
}

uint64_t mmn_windows_of(const mmn_windows *windows, size_t domain)
{
    size_t tokens = tokens_of_window(windows), count = windows->streams[domain].count;
    return count / tokens + (count % tokens > 0);
}

mmn_status mmn_windows_input(mmn_input **input, const mmn_windows *windows, const mmn_model *model,
                             size_t domain, uint64_t number, mmn_error *error)
{
    const mmn_token_stream *stream = &windows->streams[domain];
    size_t tokens = tokens_of_window(windows), first = (size_t)number * tokens;
    size_t begin = windows->begin_of_text ? 1 : 0;
    size_t count = stream->count - first < tokens ? stream->count - first : tokens;
    *input = NULL;
    int32_t *ids = mmn_allocate(begin + count, sizeof(*ids), error);
    MMN_NEED(ids);
    ids[0] = windows->first_token;
    memcpy(ids + begin, stream->ids + first, count * sizeof(*ids));
    mmn_status status = mmn_input_from_ids(input, model, ids, begin + count, error);
    mmn_free(ids);
    return status;
}

mmn_status mmn_windows_digest(const mmn_windows *windows, const mmn_domains *domains,
                              char digest[MMN_DIGEST_SIZE], mmn_error *error)
{
    mmn_digest *state = NULL;
    MMN_TRY(mmn_digest_begin(&state, error));
    mmn_digest_add_text(state, "mmneuron-windows-1");
    mmn_digest_add_u64(state, windows->length);
    mmn_digest_add_u64(state, windows->begin_of_text);
    mmn_digest_add_u64(state, windows->domain_count);
    for (size_t d = 0; d < windows->domain_count; d++) {
        const mmn_token_stream *stream = &windows->streams[d];
        mmn_digest_add_text(state, domains->domains[d].name);
        mmn_digest_add_u64(state, stream->count);
        for (size_t i = 0; i < stream->count; i++)
            mmn_digest_add_u32(state, (uint32_t)stream->ids[i]);
    }
    mmn_digest_finish(state, digest);
    mmn_digest_free(state);
    return MMN_OK;
}
