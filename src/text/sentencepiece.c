/* Reads a tokenizer.model: sentencepiece's protocol buffer, BPE models only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
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
    char where[64];
    snprintf(where, sizeof(where), "byte %zu", from->start + from->at);
    return mmn_fail(error, MMN_INPUT, NULL, where, "%s", what);
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

/* What matters of TrainerSpec and NormalizerSpec, with their defaults. */
typedef struct specification {
    uint64_t model_type; /* 1 unigram, 2 BPE, 3 word, 4 character */
    bool byte_fallback, whitespace_as_suffix;
    bool character_map;
    mmn_normalizer_step normalizer;
} specification;

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

/* Reads the fields of a message of which only numbers and the presence of texts matter, calling
 * `take` for each. */
typedef void (*take_function)(specification *found, const field *read);

static mmn_status read_specification(model_reader *reader, message from, take_function take)
{
    while (from.at < from.size) {
        field read;
        MMN_TRY(read_field(&from, &read, reader->error));
        take(&reader->found, &read);
    }
    return MMN_OK;
}

static void take_trainer_field(specification *found, const field *read)
{
    if (read->type != WIRE_VARINT)
        return;
    if (read->tag == 3)
        found->model_type = read->number;
    else if (read->tag == 24)
        found->whitespace_as_suffix = read->number != 0;
    else if (read->tag == 35)
        found->byte_fallback = read->number != 0;
}

static void take_normalizer_field(specification *found, const field *read)
{
    if (read->tag == 2 && read->type == WIRE_BYTES && read->bytes.size > 0)
        found->character_map = true;
    if (read->type != WIRE_VARINT)
        return;
    if (read->tag == 3)
        found->normalizer.add_prefix = read->number != 0;
    else if (read->tag == 4)
        found->normalizer.remove_extra = read->number != 0;
    else if (read->tag == 5)
        found->normalizer.escape = read->number != 0;
}

static void take_denormalizer_field(specification *found, const field *read)
{
    if (read->tag == 2 && read->type == WIRE_BYTES && read->bytes.size > 0)
        found->character_map = true;
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
    char where[64];
    snprintf(where, sizeof(where), "piece %lld", (long long)id);
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
    mmn_status status =
        mmn_vocabulary_add(&tokenizer->bpe.vocabulary, text, length, id, error);
    bool of_user = type == PIECE_USER_DEFINED, unused = type == PIECE_UNUSED;
    reader->by_ids |= of_user || unused;
    if (status == MMN_OK && (type == PIECE_NORMAL || of_user || unused)) {
        status = mmn_reserve(&reader->pieces, &reader->piece_capacity, reader->piece_count + 1,
                             sizeof(*reader->pieces), error);
        if (status == MMN_OK)
            reader->pieces[reader->piece_count++] = (ranked_piece){score, (int32_t)id};
    }
    if (status == MMN_OK && type == PIECE_UNKNOWN) {
        if (tokenizer->bpe.unknown >= 0)
            return mmn_fail(error, MMN_INPUT, NULL, where, "is the second unknown piece");
        tokenizer->bpe.unknown = (int32_t)id;
    }
    if (status == MMN_OK && (type == PIECE_UNKNOWN || type == PIECE_CONTROL || of_user)) {
        const mmn_added_token token = {.id = (int32_t)id, .special = !of_user};
        status = mmn_added_tokens_add(&tokenizer->added, &token, text, length, error);
    }
    return status;
}

static mmn_status read_piece(model_reader *reader, message from)
{
    message text = {0};
    float score = 0.0f;
    uint64_t type = PIECE_NORMAL;
    while (from.at < from.size) {
        field read;
        mmn_status status = read_field(&from, &read, reader->error);
        if (status != MMN_OK)
            return status;
        if (read.tag == 1 && read.type == WIRE_BYTES) {
            text = read.bytes;
        } else if (read.tag == 2 && read.type == WIRE_32) {
            uint32_t bits = (uint32_t)read.number;
            memcpy(&score, &bits, sizeof(score));
        } else if (read.tag == 3 && read.type == WIRE_VARINT) {
            type = read.number;
        }
    }
    return add_piece(reader, text.data ? (const char *)text.data : "", text.size, score, type);
}

static mmn_status read_message(model_reader *reader, message from)
{
    mmn_status status = MMN_OK;
    while (from.at < from.size && status == MMN_OK) {
        field read;
        status = read_field(&from, &read, reader->error);
        if (status != MMN_OK || read.type != WIRE_BYTES)
            continue;
        if (read.tag == 1)
            status = read_piece(reader, read.bytes);
        else if (read.tag == 2)
            status = read_specification(reader, read.bytes, take_trainer_field);
        else if (read.tag == 3)
            status = read_specification(reader, read.bytes, take_normalizer_field);
        else if (read.tag == 5)
            status = read_specification(reader, read.bytes, take_denormalizer_field);
    }
    return status;
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
                            "\"<0x%02X>\"", (unsigned)i);
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
    bpe->piece_ranks = mmn_allocate(size, sizeof(*bpe->piece_ranks), reader->error);
    if (!bpe->piece_ranks)
        return MMN_SYSTEM;
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
    mmn_status status =
        mmn_replacement_make(&steps[0].replacement, "\xe2\x96\x81", false, " ", error);
    for (size_t i = 0; i < (strip ? 4u : 3u) && status == MMN_OK; i++)
        status = mmn_decoder_add(&tokenizer->decoder, &steps[i], error);
    tokenizer->decoder.is_set = true;
    return status;
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

mmn_status mmn_sentencepiece_read(mmn_tokenizer *tokenizer, const uint8_t *data, size_t size,
                                  const mmn_prepend_scheme *scheme, mmn_error *error)
{
    mmn_bpe *bpe = &tokenizer->bpe;
    model_reader reader = {.tokenizer = tokenizer, .error = error};
    reader.found = (specification){
        .model_type = 1,
        .normalizer = {.kind = MMN_NORMALIZER_SENTENCEPIECE, .add_prefix = true,
                       .remove_extra = true, .escape = true}};
    bpe->rule = MMN_BPE_PIECES;
    bpe->unknown = -1;
    bpe->fuse_unknown = true;
    mmn_status status = read_message(&reader, (message){data, size, 0, 0});
    bool add_prefix =
        scheme ? *scheme != MMN_PREPEND_NEVER : reader.found.normalizer.add_prefix;
    if (status == MMN_OK) {
        mmn_bpe_find_bytes(bpe);
        bpe->byte_fallback = reader.found.byte_fallback;
        status = check(&reader);
    }
    if (status == MMN_OK)
        status = rank_pieces(&reader);
    if (status == MMN_OK)
        status = scheme ? add_metaspace(tokenizer, *scheme, error)
                        : mmn_normalizer_add(&tokenizer->normalizer, &reader.found.normalizer,
                                             error);
    if (status == MMN_OK)
        status = make_decoder(tokenizer, add_prefix, error);
    mmn_free(reader.pieces);
    return status;
}
