/* Reads a tokenizer.model: sentencepiece's protocol buffer, BPE models only. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/utf8.h"
#include "text/tokenizer_parts.h"

/* ---- Protocol buffers ------------------------------------------------------------------------ */

/* A message's bytes, of which those before `at` are read. `start` is where `data` lies in the
 * file. */
typedef struct message {
    const uint8_t *data;
    size_t size, at, start;
} message;

typedef enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 } wire_type;

/* One field: `number` holds varints and fixed widths, `bytes` what is delimited by a length. */
typedef struct field {
    uint64_t number;
    message bytes;
    uint32_t tag;
    wire_type type;
} field;

static mmn_status damaged(const message *from, mmn_error *error, const char *what)
{
    return mmn_fail(error, MMN_INPUT, NULL, MMN_PLACE("byte %zu", from->start + from->at), "%s",
                    what);
}

static bool read_varint(message *from, uint64_t *number)
{
    *number = 0;
    for (unsigned shift = 0; shift < 64 && from->at < from->size; shift += 7) {
        uint8_t byte = from->data[from->at++];
        *number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static mmn_status read_field(message *from, field *read, mmn_error *error)
{
    uint64_t key;
    if (!read_varint(from, &key) || key >> 3 == 0 || key >> 32 != 0)
        return damaged(from, error, "expected the key of a field of a sentencepiece model");
    *read = (field){.tag = (uint32_t)(key >> 3), .type = (wire_type)(key & 7)};
    size_t left = from->size - from->at, size = 0;
    switch (read->type) {
    case WIRE_VARINT:
        if (!read_varint(from, &read->number))
            return damaged(from, error, "expected a number of at most 64 bits");
        return MMN_OK;
    case WIRE_64:
        size = 8;
        break;
    case WIRE_32:
        size = 4;
        break;
    case WIRE_BYTES:
        if (!read_varint(from, &read->number))
            return damaged(from, error, "expected the length of a field");
        left = from->size - from->at;
        if (read->number > left)
            return damaged(from, error, "a field is longer than what is left of the file");
        size = (size_t)read->number;
        break;
    default:
        return damaged(from, error, "expected a sentencepiece model, found an unknown wire type");
    }
    if (size > left)
        return damaged(from, error, "the file ends inside a number");
    read->bytes = (message){from->data + from->at, size, 0, from->start + from->at};
    if (read->type == WIRE_32)
        read->number = mmn_load_u32(read->bytes.data);
    from->at += size;
    return MMN_OK;
}

/* ---- The model's messages -------------------------------------------------------------------- */

/* ModelProto.SentencePiece.Type */
typedef enum piece_type {
    PIECE_NORMAL = 1,
    PIECE_UNKNOWN = 2,
    PIECE_CONTROL = 3,
    PIECE_USER_DEFINED = 4,
    PIECE_UNUSED = 5,
    PIECE_BYTE = 6
} piece_type;

/* Fields of ModelProto, which are messages. */
enum { PIECE = 1, TRAINER = 2, NORMALIZER = 3, DENORMALIZER = 5 };

/* What matters of TrainerSpec and NormalizerSpec, with their defaults. */
typedef struct specification {
    uint64_t model_type; /* 1 unigram, 2 BPE, 3 word, 4 character */
    bool byte_fallback, whitespace_as_suffix;
    bool character_map;
    mmn_normalizer_step normalizer;
} specification;

/* Its switches: fields of those messages. */
static const struct {
    uint32_t message, tag;
    size_t offset;
} switches[] = {
    {TRAINER, 24, offsetof(specification, whitespace_as_suffix)},
    {TRAINER, 35, offsetof(specification, byte_fallback)},
    {NORMALIZER, 3, offsetof(specification, normalizer.add_prefix)},
    {NORMALIZER, 4, offsetof(specification, normalizer.remove_extra)},
    {NORMALIZER, 5, offsetof(specification, normalizer.escape)},
};

/* A normal piece's place in the order of merging. */
typedef struct ranked_piece {
    float score;
    int32_t id;
} ranked_piece;

typedef struct model_reader {
    mmn_tokenizer *tokenizer;
    specification found;
    ranked_piece *pieces;
    size_t piece_count, piece_capacity;
    bool by_ids; /* pieces merge in the order of their ids, not of their scores */
    int64_t next_id;
    mmn_error *error;
} model_reader;

/* Reads the fields of message `number`, of which only numbers and the presence of texts matter. */
static mmn_status read_specification(model_reader *reader, message from, uint32_t number)
{
    specification *found = &reader->found;
    while (from.at < from.size) {
        field read;
        MMN_TRY(read_field(&from, &read, reader->error));
        if (number != TRAINER && read.tag == 2 && read.type == WIRE_BYTES && read.bytes.size > 0)
            found->character_map = true;
        if (read.type != WIRE_VARINT)
            continue;
        if (number == TRAINER && read.tag == 3)
            found->model_type = read.number;
        for (size_t i = 0; i < MMN_LENGTH(switches); i++)
            if (switches[i].message == number && switches[i].tag == read.tag)
                *(bool *)((char *)found + switches[i].offset) = read.number != 0;
    }
    return MMN_OK;
}

static bool is_byte_text(const char *text, size_t length)
{
    return length == 6 && memcmp(text, "<0x", 3) == 0 && text[5] == '>';
}

/* Adds a piece with the next id. */
static mmn_status add_piece(model_reader *reader, const char *text, size_t length, float score,
                            uint64_t type)
{
    mmn_tokenizer *tokenizer = reader->tokenizer;
    mmn_error *error = reader->error;
    int64_t id = reader->next_id++;
    const char *where = MMN_PLACE("piece %lld", (long long)id);
    if (length == 0 || length >= MMN_TOKEN_LENGTH_LIMIT || memchr(text, '\0', length) ||
        mmn_utf8_valid_prefix(text, length) != length)
        return mmn_fail(error, MMN_INPUT, NULL, where,
                        "expected 1 to %d bytes of UTF-8, found %zu bytes",
                        MMN_TOKEN_LENGTH_LIMIT - 1, length);
    if (type < PIECE_NORMAL || type > PIECE_BYTE || score != score)
        return mmn_fail(error, MMN_INPUT, NULL, where, "its type or score is not valid");
    if (type == PIECE_BYTE && !is_byte_text(text, length))
        return mmn_fail(error, MMN_INPUT, NULL, where,
                        "expected a byte as \"<0x0A>\", found \"%.*s\"",
                        length < 60 ? (int)length : 60, text);
    MMN_TRY(mmn_vocabulary_add(&tokenizer->bpe.vocabulary, text, length, id, error));
    bool of_user = type == PIECE_USER_DEFINED, unused = type == PIECE_UNUSED;
    reader->by_ids |= of_user || unused;
    if (type == PIECE_NORMAL || of_user || unused) {
        MMN_TRY(
            MMN_RESERVE(reader->pieces, reader->piece_capacity, reader->piece_count + 1, error));
        reader->pieces[reader->piece_count++] = (ranked_piece){score, (int32_t)id};
    }
    if (type == PIECE_UNKNOWN) {
        if (tokenizer->bpe.unknown >= 0)
            return mmn_fail(error, MMN_INPUT, NULL, where, "is the second unknown piece");
        tokenizer->bpe.unknown = (int32_t)id;
    }
    const mmn_added_token token = {.id = (int32_t)id, .special = !of_user};
    return type == PIECE_UNKNOWN || type == PIECE_CONTROL || of_user
               ? mmn_added_tokens_add(&tokenizer->added, &token, text, length, error)
               : MMN_OK;
}

static mmn_status read_piece(model_reader *reader, message from)
{
    message text = {0};
    float score = 0.0f;
    uint64_t type = PIECE_NORMAL;
    while (from.at < from.size) {
        field read;
        MMN_TRY(read_field(&from, &read, reader->error));
        if (read.tag == 1 && read.type == WIRE_BYTES)
            text = read.bytes;
        else if (read.tag == 2 && read.type == WIRE_32)
            score = mmn_f32_of_bits((uint32_t)read.number);
        else if (read.tag == 3 && read.type == WIRE_VARINT)
            type = read.number;
    }
    return add_piece(reader, text.data ? (const char *)text.data : "", text.size, score, type);
}

static mmn_status read_message(model_reader *reader, message from)
{
    while (from.at < from.size) {
        field read;
        MMN_TRY(read_field(&from, &read, reader->error));
        if (read.type != WIRE_BYTES)
            continue;
        if (read.tag == PIECE)
            MMN_TRY(read_piece(reader, read.bytes));
        else if (read.tag == TRAINER || read.tag == NORMALIZER || read.tag == DENORMALIZER)
            MMN_TRY(read_specification(reader, read.bytes, read.tag));
    }
    return MMN_OK;
}

/* ---- What follows from them ------------------------------------------------------------------ */

static mmn_status check(const model_reader *reader)
{
    static const char *const types[] = {"unknown", "unigram", "BPE", "word", "character"};
    const specification *found = &reader->found;
    const mmn_bpe *bpe = &reader->tokenizer->bpe;
    if (found->model_type != 2)
        return mmn_fail(reader->error, MMN_INPUT, NULL, "trainer_spec.model_type",
                        "a sentencepiece model of type %s is not supported: expected BPE",
                        types[found->model_type < 5 ? found->model_type : 0]);
    if (found->whitespace_as_suffix)
        return mmn_fail(reader->error, MMN_INPUT, NULL, "trainer_spec.treat_whitespace_as_suffix",
                        "white space as a suffix is not supported");
    if (found->character_map)
        return mmn_fail(reader->error, MMN_INPUT, NULL, "normalizer_spec.precompiled_charsmap",
                        "a map of characters is not supported: convert the model to a "
                        "tokenizer.json");
    if (bpe->unknown < 0)
        return mmn_fail(reader->error, MMN_INPUT, NULL, NULL,
                        "the sentencepiece model has no unknown piece");
    for (size_t i = 0; found->byte_fallback && i < 256; i++)
        if (bpe->byte_ids[i] < 0)
            return mmn_fail(reader->error, MMN_INPUT, NULL, NULL,
                            "the sentencepiece model falls back to bytes but has no piece "
                            "\"<0x%02X>\"",
                            (unsigned)i);
    return MMN_OK;
}

/* The best score first. */
static int compare_scores(const void *left, const void *right)
{
    const ranked_piece *a = left, *b = right;
    return a->score > b->score ? -1 : a->score < b->score;
}

/* Equal scores get equal ranks: then the leftmost merges first. Pieces that the user defined and
 * unused ones have scores that mean nothing; transformers then merges all in the order of ids. */
static mmn_status rank_pieces(model_reader *reader)
{
    mmn_bpe *bpe = &reader->tokenizer->bpe;
    size_t size = bpe->vocabulary.size;
    MMN_NEED(bpe->piece_ranks = mmn_allocate(size, sizeof(*bpe->piece_ranks), reader->error));
    for (size_t id = 0; id < size; id++)
        bpe->piece_ranks[id] = UINT32_MAX;
    if (reader->piece_count && !reader->by_ids)
        qsort(reader->pieces, reader->piece_count, sizeof(*reader->pieces), compare_scores);
    uint32_t rank = 0;
    for (size_t i = 0; i < reader->piece_count; i++) {
        if (i > 0 && (reader->by_ids || reader->pieces[i].score != reader->pieces[i - 1].score))
            rank++;
        bpe->piece_ranks[reader->pieces[i].id] = rank;
    }
    return MMN_OK;
}

/* The decoder that published LLaMA tokenizers have in their tokenizer.json. */
static mmn_status make_decoder(mmn_tokenizer *tokenizer, bool strip, mmn_error *error)
{
    mmn_decoder_step steps[] = {{.kind = MMN_DECODER_REPLACE},
                                {.kind = MMN_DECODER_BYTE_FALLBACK},
                                {.kind = MMN_DECODER_FUSE},
                                {.kind = MMN_DECODER_STRIP, .content = " ", .start = 1}};
    tokenizer->decoder.is_set = true;
    MMN_TRY(mmn_replacement_make(&steps[0].replacement, "\xe2\x96\x81", false, " ", error));
    for (size_t i = 0; i < (strip ? 4u : 3u); i++)
        MMN_TRY(mmn_decoder_add(&tokenizer->decoder, &steps[i], error));
    return MMN_OK;
}

/* The step with which transformers puts spaces before texts, in place of the model's own rules. */
static mmn_status add_metaspace(mmn_tokenizer *tokenizer, mmn_prepend_scheme scheme,
                                mmn_error *error)
{
    mmn_pre_tokenizer_step step = {
        .kind = MMN_PRE_TOKENIZER_METASPACE,
        .metaspace = {.replacement = "\xe2\x96\x81", .replacement_length = 3, .scheme = scheme}};
    return mmn_pre_tokenizer_add(&tokenizer->pre_tokenizer, &step, error);
}

mmn_status mmn_sentencepiece_put_no_space(mmn_tokenizer *tokenizer, mmn_error *error)
{
    mmn_normalizer_free(&tokenizer->normalizer);
    mmn_pre_tokenizer_free(&tokenizer->pre_tokenizer);
    mmn_decoder_free(&tokenizer->decoder);
    MMN_TRY(add_metaspace(tokenizer, MMN_PREPEND_NEVER, error));
    return make_decoder(tokenizer, false, error);
}

static mmn_status read_model(model_reader *reader, message file, const mmn_prepend_scheme *scheme)
{
    mmn_tokenizer *tokenizer = reader->tokenizer;
    specification *found = &reader->found;
    MMN_TRY(read_message(reader, file));
    mmn_find_byte_tokens(tokenizer->bpe.byte_ids, &tokenizer->bpe.vocabulary);
    tokenizer->bpe.byte_fallback = found->byte_fallback;
    bool add_prefix = scheme ? *scheme != MMN_PREPEND_NEVER : found->normalizer.add_prefix;
    MMN_TRY(check(reader));
    MMN_TRY(rank_pieces(reader));
    MMN_TRY(scheme ? add_metaspace(tokenizer, *scheme, reader->error)
                   : mmn_normalizer_add(&tokenizer->normalizer, &found->normalizer, reader->error));
    return make_decoder(tokenizer, add_prefix, reader->error);
}

mmn_status mmn_sentencepiece_read(mmn_tokenizer *tokenizer, const uint8_t *data, size_t size,
                                  const mmn_prepend_scheme *scheme, mmn_error *error)
{
    model_reader reader = {.tokenizer = tokenizer, .error = error};
    reader.found = (specification){.model_type = 1,
                                   .normalizer = {.kind = MMN_NORMALIZER_SENTENCEPIECE,
                                                  .add_prefix = true,
                                                  .remove_extra = true,
                                                  .escape = true}};
    tokenizer->bpe.rule = MMN_BPE_PIECES;
    tokenizer->bpe.unknown = -1;
    tokenizer->bpe.fuse_unknown = true;
    mmn_status status = read_model(&reader, (message){data, size, 0, 0}, scheme);
    mmn_free(reader.pieces);
    return status;
}
