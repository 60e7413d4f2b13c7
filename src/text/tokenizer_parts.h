/* What a tokenizer consists of, for the files that read one. */
#ifndef MMN_TEXT_TOKENIZER_PARTS_H
#define MMN_TEXT_TOKENIZER_PARTS_H

#include "text/added_tokens.h"
#include "text/decoder.h"
#include "text/normalizer.h"
#include "text/pre_tokenizer.h"
#include "text/subwords.h"
#include "text/tokenizer.h"

/* No token or pattern is longer than this many bytes (sentencepiece has the same limit for its
 * pieces), and no text that a tokenizer puts in place of another longer than the second; so a
 * hostile file can neither search for long nor turn a short input into a huge one. */
#define MMN_TOKEN_LENGTH_LIMIT 8000
#define MMN_REPLACEMENT_LENGTH_LIMIT 64
/* Nor has it more steps of one kind. */
#define MMN_STEP_LIMIT 16

/* How words are taken apart. */
typedef enum mmn_tokenizer_model { MMN_MODEL_BPE, MMN_MODEL_WORDPIECE } mmn_tokenizer_model;

/* In the order in which encoding uses them. */
struct mmn_tokenizer {
    size_t id_limit;   /* encoding gives ids below this; 0: any */
    char *image_token; /* what the folder's files call it, or NULL */
    mmn_added_tokens added;
    mmn_normalizer normalizer;
    mmn_pre_tokenizer pre_tokenizer;
    mmn_tokenizer_model model; /* which of the next two takes words apart; the other is empty */
    mmn_bpe bpe;
    mmn_wordpiece wordpiece;
    mmn_ids before, after; /* what add_special puts around a text */
    mmn_decoder decoder;
};

/* The vocabulary of the model that the tokenizer has. */
static inline const mmn_vocabulary *mmn_model_vocabulary(const mmn_tokenizer *tokenizer)
{
    return tokenizer->model == MMN_MODEL_WORDPIECE ? &tokenizer->wordpiece.vocabulary
                                                   : &tokenizer->bpe.vocabulary;
}

/* Fills a zeroed tokenizer from the text of a tokenizer.json; `file` is its name in errors. */
mmn_status mmn_tokenizer_read_json(mmn_tokenizer *tokenizer, const char *text, size_t size,
                                   const char *file, mmn_error *error);

/* Reads the pieces and rules of a tokenizer.model of `size` bytes: vocabulary, normaliser, special
 * tokens and decoder. Where `scheme` is not NULL, it says where a space is put before a text, in
 * place of the model's rules. */
mmn_status mmn_sentencepiece_read(mmn_tokenizer *tokenizer, const uint8_t *data, size_t size,
                                  const mmn_prepend_scheme *scheme, mmn_error *error);

/* Puts steps in place of a tokenizer's that write spaces as LLaMA's vocabulary does and put none
 * before a text. */
mmn_status mmn_sentencepiece_put_no_space(mmn_tokenizer *tokenizer, mmn_error *error);

/* Makes a tokenizer of the bytes of a tokenizer.json, or of a tokenizer.model that no other file
 * stands beside. */
mmn_status mmn_tokenizer_from_json(mmn_tokenizer **tokenizer, const char *text, size_t size,
                                   const char *file, mmn_error *error);
mmn_status mmn_tokenizer_from_model(mmn_tokenizer **tokenizer, const uint8_t *data, size_t size,
                                    const char *file, mmn_error *error);

#endif
