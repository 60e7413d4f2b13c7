/* Tokenizers: encoding and decoding. */
#include "text/tokenizer.h"

#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "text/tokenizer_parts.h"

void mmn_tokenizer_watch(mmn_tokenizer *tokenizer, const mmn_interrupt *interrupt)
{
    if (!tokenizer)
        return;
    tokenizer->bpe.interrupt = tokenizer->unigram.interrupt = interrupt;
    tokenizer->pre_tokenizer.interrupt = interrupt;
    for (size_t i = 0; i < tokenizer->normalizer.count; i++)
        tokenizer->normalizer.steps[i].replacement.interrupt = interrupt;
}

void mmn_tokenizer_close(mmn_tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    mmn_added_tokens_free(&tokenizer->added);
    mmn_normalizer_free(&tokenizer->normalizer);
    mmn_pre_tokenizer_free(&tokenizer->pre_tokenizer);
    mmn_bpe_free(&tokenizer->bpe);
    mmn_wordpiece_free(&tokenizer->wordpiece);
    mmn_unigram_free(&tokenizer->unigram);
    mmn_ids_free(&tokenizer->before);
    mmn_ids_free(&tokenizer->after);
    mmn_decoder_free(&tokenizer->decoder);
    mmn_free(tokenizer->image_token);
    mmn_free(tokenizer);
}

/* What a word needs to become ids. */
typedef struct word_context {
    const mmn_tokenizer *tokenizer;
    mmn_ids *ids;
} word_context;

static mmn_status encode_word(void *context, const char *text, size_t length, mmn_error *error)
{
    const word_context *word = context;
    const mmn_tokenizer *tokenizer = word->tokenizer;
    switch (tokenizer->model) {
    case MMN_MODEL_WORDPIECE:
        return mmn_wordpiece_encode(&tokenizer->wordpiece, text, length, word->ids, error);
    case MMN_MODEL_UNIGRAM:
        return mmn_unigram_encode(&tokenizer->unigram, text, length, word->ids, error);
    case MMN_MODEL_BPE:
        break;
    }
    return mmn_bpe_encode(&tokenizer->bpe, text, length, word->ids, error);
}

/* Encodes a stretch of a text in which no added token stands any more; is_first: the text begins
 * with it. */
typedef mmn_status stretch_encoder(const mmn_tokenizer *tokenizer, const char *text, size_t length,
                                   bool is_first, mmn_ids *ids, mmn_error *error);

/* Encodes the added tokens of `search` in a text, and with `encode` what stands around them. */
static mmn_status encode_around(const mmn_tokenizer *tokenizer, const mmn_token_search *search,
                                stretch_encoder *encode, const char *text, size_t length,
                                bool is_first, mmn_ids *ids, mmn_error *error)
{
    mmn_token_match match;
    size_t covered = 0, from = 0;
    while (mmn_added_tokens_find(&tokenizer->added, search, text, length, covered, &from, &match)) {
        if (covered < match.start)
            MMN_TRY(encode(tokenizer, text + covered, match.start - covered,
                           is_first && covered == 0, ids, error));
        MMN_TRY(mmn_ids_add(ids, match.token->id, error));
        covered = match.end;
    }
    if (covered < length)
        MMN_TRY(encode(tokenizer, text + covered, length - covered, is_first && covered == 0, ids,
                       error));
    return MMN_OK;
}

static mmn_status encode_words(const mmn_tokenizer *tokenizer, const char *text, size_t length,
                               bool is_first, mmn_ids *ids, mmn_error *error)
{
    word_context context = {tokenizer, ids};
    return mmn_pre_tokenize(&tokenizer->pre_tokenizer, text, length, is_first, encode_word,
                            &context, error);
}

/* Normalises a stretch, in which added tokens that are found in normalised text may stand. */
static mmn_status encode_stretch(const mmn_tokenizer *tokenizer, const char *text, size_t length,
                                 bool is_first, mmn_ids *ids, mmn_error *error)
{
    mmn_text normal = {0};
    mmn_status status = mmn_normalizer_apply(&tokenizer->normalizer, text, length, &normal, error);
    if (status == MMN_OK && normal.length > 0)
        status = encode_around(tokenizer, &tokenizer->added.after, encode_words, normal.text,
                               normal.length, is_first, ids, error);
    mmn_text_free(&normal);
    return status;
}

static mmn_status fail_without_tokenizer(mmn_error *error)
{
    return mmn_fail(error, MMN_USAGE, NULL, NULL,
                    "the model was opened without its tokenizer; expected token ids, not texts");
}

/* Refuses ids that the tokenizer may not give. */
static mmn_status check_ids(const mmn_tokenizer *tokenizer, const mmn_ids *ids, mmn_error *error)
{
    for (size_t i = 0; tokenizer->id_limit > 0 && i < ids->count; i++)
        if ((size_t)ids->data[i] >= tokenizer->id_limit)
            return mmn_fail(error, MMN_INPUT, NULL, NULL,
                            "the token \"%.60s\" has the id %d, and the model's vocabulary ends "
                            "before %zu",
                            mmn_tokenizer_id_to_token(tokenizer, ids->data[i]), (int)ids->data[i],
                            tokenizer->id_limit);
    return MMN_OK;
}

static mmn_status encode(const mmn_tokenizer *tokenizer, const char *text, size_t length,
                         bool add_special, mmn_ids *ids, mmn_error *error)
{
    MMN_TRY(MMN_RESERVE(ids->data, ids->capacity, 1, error));
    if (add_special)
        MMN_TRY(mmn_ids_add_all(ids, &tokenizer->before, error));
    MMN_TRY(encode_around(tokenizer, &tokenizer->added.before, encode_stretch, text, length, true,
                          ids, error));
    if (add_special)
        MMN_TRY(mmn_ids_add_all(ids, &tokenizer->after, error));
    return check_ids(tokenizer, ids, error);
}

size_t mmn_tokenizer_ending(const mmn_tokenizer *tokenizer)
{
    return tokenizer->after.count;
}

void mmn_tokenizer_limit_ids(mmn_tokenizer *tokenizer, size_t limit)
{
    tokenizer->id_limit = limit;
}

mmn_status mmn_tokenizer_encode(const mmn_tokenizer *tokenizer, const char *text, size_t length,
                                bool add_special, int32_t **ids, size_t *count, mmn_error *error)
{
    *ids = NULL;
    *count = 0;
    if (!tokenizer)
        return fail_without_tokenizer(error);
    size_t valid = mmn_utf8_valid_prefix(text, length);
    if (valid < length)
        return mmn_fail(error, MMN_USAGE, NULL, MMN_PLACE("byte %zu", valid),
                        "the text is not UTF-8");
    mmn_ids result = {0};
    mmn_status status = encode(tokenizer, text, length, add_special, &result, error);
    if (status != MMN_OK) {
        mmn_ids_free(&result);
        return status;
    }
    *ids = result.data;
    *count = result.count;
    return MMN_OK;
}

mmn_status mmn_tokenizer_decode(const mmn_tokenizer *tokenizer, const int32_t *ids, size_t count,
                                bool skip_special, char **text, size_t *length, mmn_error *error)
{
    mmn_spellings spellings = {0};
    mmn_text result = {0};
    *text = NULL;
    if (!tokenizer)
        return fail_without_tokenizer(error);
    for (size_t i = 0; i < count; i++) {
        bool special = false;
        size_t size = 0;
        const char *spelling =
            mmn_added_tokens_spelling(&tokenizer->added, ids[i], &size, &special);
        if (!spelling)
            spelling = mmn_vocabulary_text(mmn_model_vocabulary(tokenizer), ids[i], &size);
        if (spelling && !(special && skip_special))
            mmn_spellings_add(&spellings, spelling, size);
    }
    mmn_status status = mmn_decoder_apply(&tokenizer->decoder, &spellings, &result, error);
    if (status == MMN_OK && length)
        *length = result.length;
    if (status == MMN_OK)
        status = mmn_text_finish(&result, text, error);
    mmn_spellings_free(&spellings);
    mmn_text_free(&result);
    return status;
}

size_t mmn_tokenizer_model_size(const mmn_tokenizer *tokenizer)
{
    return mmn_model_vocabulary(tokenizer)->size;
}

size_t mmn_tokenizer_vocabulary_size(const mmn_tokenizer *tokenizer)
{
    size_t model = mmn_model_vocabulary(tokenizer)->size, added = tokenizer->added.contents.size;
    return model > added ? model : added;
}

const char *mmn_tokenizer_image_token(const mmn_tokenizer *tokenizer)
{
    return tokenizer->image_token ? tokenizer->image_token : "<image>";
}

bool mmn_tokenizer_token_to_id(const mmn_tokenizer *tokenizer, const char *token, int32_t *id)
{
    size_t length = strlen(token);
    int32_t found = mmn_vocabulary_find(&tokenizer->added.contents, token, length);
    if (found < 0)
        found = mmn_vocabulary_find(mmn_model_vocabulary(tokenizer), token, length);
    if (found < 0)
        return false;
    *id = found;
    return true;
}

const char *mmn_tokenizer_id_to_token(const mmn_tokenizer *tokenizer, int32_t id)
{
    const char *text = mmn_vocabulary_text(&tokenizer->added.contents, id, NULL);
    return text ? text : mmn_vocabulary_text(mmn_model_vocabulary(tokenizer), id, NULL);
}

bool mmn_tokenizer_spells_bytes(const mmn_tokenizer *tokenizer, int32_t id)
{
    bool spells_bytes = false;
    for (size_t i = 0; i < tokenizer->decoder.count; i++)
        spells_bytes |= tokenizer->decoder.steps[i].kind == MMN_DECODER_BYTE_LEVEL;
    return spells_bytes && !mmn_vocabulary_text(&tokenizer->added.contents, id, NULL);
}
