/* Unigram models: the likeliest sequence of tokens, found by Viterbi's algorithm (Kudo, arXiv
 * 1804.10959), tie by tie as the `tokenizers` library finds it. */

#include "base/memory.h"
#include "base/utf8.h"
#include "text/tokenizer_parts.h"

/* An unknown character is as unlikely as this times the least likely token, as a logarithm. */
#define UNKNOWN_PENALTY 10.0

/* How often a long text asks whether to go on. */
enum { PLACES_BETWEEN_QUESTIONS = 4096 };

mmn_status mmn_unigram_add(mmn_unigram *unigram, const char *text, size_t length, double score,
                           mmn_error *error)
{
    size_t id = unigram->vocabulary.count;
    MMN_TRY(MMN_RESERVE(unigram->scores, unigram->score_capacity, id + 1, error));
    MMN_TRY(mmn_vocabulary_add(&unigram->vocabulary, text, length, (int64_t)id, error));
    unigram->scores[id] = score;
    if (id == 0 || score < unigram->least_score)
        unigram->least_score = score;
    return MMN_OK;
}

mmn_status mmn_unigram_finish(mmn_unigram *unigram, mmn_error *error)
{
    mmn_find_byte_tokens(unigram->byte_ids, &unigram->vocabulary);
    for (size_t id = 0; id < unigram->vocabulary.size; id++) {
        size_t length;
        const char *text = mmn_vocabulary_text(&unigram->vocabulary, (int32_t)id, &length);
        MMN_TRY(mmn_token_search_add(&unigram->texts, text, length, id, error));
    }
    mmn_token_search_sort(&unigram->texts);
    return MMN_OK;
}

void mmn_unigram_free(mmn_unigram *unigram)
{
    mmn_vocabulary_free(&unigram->vocabulary);
    mmn_token_search_free(&unigram->texts);
    mmn_free(unigram->scores);
    *unigram = (mmn_unigram){0};
}

/* The best way from the text's beginning to a place in it. */
typedef struct place {
    double score;
    uint32_t start; /* of its last token... */
    uint32_t next;  /* ...and on the best path, where the token ends that begins here */
    int32_t id;     /* of its last token */
    bool reached;
} place;

typedef struct encoding {
    const mmn_unigram *unigram;
    const char *text;
    size_t length;
    place *places; /* [length + 1] */
    mmn_ids *ids;
    mmn_error *error;
} encoding;

/* Offers `to` a way whose last token is `id`; the first of equal ones stays. */
static void offer(place *to, double score, size_t start, int32_t id)
{
    if (to->reached && !(score > to->score))
        return;
    *to = (place){.score = score, .start = (uint32_t)start, .id = id, .reached = true};
}

/* All tokens that begin at `start`. Where the character there is no token, it is unknown. */
static mmn_status go_on(const encoding *run, size_t start)
{
    const mmn_unigram *unigram = run->unigram;
    const double score = run->places[start].score;
    const size_t size = mmn_utf8_size(run->text + start);
    mmn_prefixes prefixes =
        mmn_token_search_begin(&unigram->texts, run->text + start, run->length - start);
    const mmn_searched_text *found;
    bool known = false;
    while ((found = mmn_token_search_next(&prefixes))) {
        offer(&run->places[start + found->length], unigram->scores[found->token] + score, start,
              (int32_t)found->token);
        known |= found->length == size;
    }
    if (known)
        return MMN_OK;
    if (unigram->unknown < 0)
        return mmn_fail(run->error, MMN_INPUT, NULL, NULL,
                        "the text has the character \"%.*s\", and the tokenizer neither that nor "
                        "an unknown token",
                        (int)size, run->text + start);
    offer(&run->places[start + size], unigram->least_score - UNKNOWN_PENALTY + score, start,
          unigram->unknown);
    return MMN_OK;
}

static mmn_status find_path(const encoding *run)
{
    size_t steps = 0;
    for (size_t start = 0; start < run->length; start += mmn_utf8_size(run->text + start)) {
        MMN_TRY(go_on(run, start));
        if (++steps % PLACES_BETWEEN_QUESTIONS == 0)
            MMN_TRY(mmn_interrupt_check_now(run->unigram->interrupt, run->error));
    }
    for (size_t end = run->length; end > 0; end = run->places[end].start)
        run->places[run->places[end].start].next = (uint32_t)end;
    return MMN_OK;
}

/* Appends what a stretch of the path becomes that may be a token. */
static mmn_status add_stretch(const encoding *run, size_t start, size_t end)
{
    const mmn_unigram *unigram = run->unigram;
    int32_t id = mmn_vocabulary_find(&unigram->vocabulary, run->text + start, end - start);
    bool bytes = id < 0 && unigram->byte_fallback;
    for (size_t at = start; at < end && bytes; at++)
        bytes = unigram->byte_ids[(unsigned char)run->text[at]] >= 0;
    if (!bytes)
        return mmn_ids_add(run->ids, id < 0 ? unigram->unknown : id, run->error);
    for (size_t at = start; at < end; at++)
        MMN_TRY(mmn_ids_add(run->ids, unigram->byte_ids[(unsigned char)run->text[at]], run->error));
    return MMN_OK;
}

/* Unknown characters that follow each other are one stretch. */
static mmn_status collect(const encoding *run)
{
    const place *places = run->places;
    for (size_t start = 0, end; start < run->length; start = end) {
        const int32_t unknown = run->unigram->unknown;
        end = places[start].next;
        if (unknown >= 0 && places[end].id == unknown)
            while (end < run->length && places[places[end].next].id == unknown)
                end = places[end].next;
        MMN_TRY(add_stretch(run, start, end));
    }
    return MMN_OK;
}

mmn_status mmn_unigram_encode(const mmn_unigram *unigram, const char *text, size_t length,
                              mmn_ids *ids, mmn_error *error)
{
    encoding run = {unigram, text, length, NULL, ids, error};
    if (length == 0)
        return MMN_OK;
    if (length >= INT32_MAX)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "a text of %zu bytes is too long", length);
    MMN_NEED(run.places = mmn_allocate(length + 1, sizeof(*run.places), error));
    mmn_status status = find_path(&run);
    if (status == MMN_OK)
        status = collect(&run);
    mmn_free(run.places);
    return status;
}
