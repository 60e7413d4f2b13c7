/* Tokenizers of the LLaMA family and of BERT: text to token ids and back, from tokenizer.json,
 * tokenizer.model or vocab.txt, id for id as the `tokenizers` and `sentencepiece` libraries give
 * them. */
#ifndef MMN_TEXT_TOKENIZER_H
#define MMN_TEXT_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/interrupt.h"

/* A vocabulary with the rules that apply it. Read-only once opened: any number of threads may
 * encode and decode with one tokenizer. */
typedef struct mmn_tokenizer mmn_tokenizer;

/* Opens the tokenizer of the Hugging Face folder `folder`: tokenizer.json if it is there, obeyed as
 * it stands; else tokenizer.model, run as LLaMA's: with `legacy` in tokenizer_config.json, or
 * without that file, every stretch of text between special tokens gets its own leading space,
 * otherwise only the beginning of the text, and with `add_prefix_space` false nothing; else
 * vocab.txt with these settings, run as BERT's. In each case tokenizer_config.json,
 * special_tokens_map.json and added_tokens.json add their tokens (text/side_files.h). MMN_INPUT for
 * a file that is damaged or asks for something that would change ids and is not supported, which
 * the message names. */
mmn_status mmn_tokenizer_open(mmn_tokenizer **tokenizer, const char *folder, mmn_error *error);
/* From now on encoding asks `interrupt`, which must outlive the tokenizer, every few words whether
 * to go on. `tokenizer` may be NULL. */
void mmn_tokenizer_watch(mmn_tokenizer *tokenizer, const mmn_interrupt *interrupt);
/* NULL is allowed. */
void mmn_tokenizer_close(mmn_tokenizer *tokenizer);

/* `tokenizer` may be NULL in the next two, which is MMN_USAGE: a model without one has no texts.
 *
 * Token ids of the `length` bytes of UTF-8 at `text`; with add_special also the tokens that the
 * tokenizer puts around a text (LLaMA: `<s>` before it). Tokens such as `<image>` in the text are
 * recognised either way. *ids (never NULL, also for *count 0) is freed with mmn_free. MMN_USAGE
 * with the byte's offset if the text is not UTF-8. */
mmn_status mmn_tokenizer_encode(const mmn_tokenizer *tokenizer, const char *text, size_t length,
                                bool add_special, int32_t **ids, size_t *count, mmn_error *error);

/* The text of `count` ids, UTF-8 and zero-terminated, freed with mmn_free; skip_special leaves out
 * special tokens. Bytes that do not form UTF-8 become U+FFFD; ids that no token has (rows that pad
 * an embedding) give nothing. `length` may be NULL; it tells a zero byte that a byte token gave
 * from the end. */
mmn_status mmn_tokenizer_decode(const mmn_tokenizer *tokenizer, const int32_t *ids, size_t count,
                                bool skip_special, char **text, size_t *length, mmn_error *error);

/* How many tokens add_special puts behind a text. */
size_t mmn_tokenizer_ending(const mmn_tokenizer *tokenizer);

/* From now on encoding refuses texts with ids that are not below `limit`: those of tokens that are
 * added to a tokenizer and have no row in the model's embedding. */
void mmn_tokenizer_limit_ids(mmn_tokenizer *tokenizer, size_t limit);

/* One more than the largest id of the vocabulary, without the tokens that are added to it. */
size_t mmn_tokenizer_model_size(const mmn_tokenizer *tokenizer);

/* One more than the largest id, so that an embedding needs at least this many rows. */
size_t mmn_tokenizer_vocabulary_size(const mmn_tokenizer *tokenizer);

/* The id of the token spelt `token` ("<image>", "</s>"), or false if there is none. */
bool mmn_tokenizer_token_to_id(const mmn_tokenizer *tokenizer, const char *token, int32_t *id);

/* The token that marks an image's place: "<image>", or what tokenizer_config.json or else
 * processor_config.json call their image_token. */
const char *mmn_tokenizer_image_token(const mmn_tokenizer *tokenizer);

/* The spelling of token `id` as the vocabulary has it ("▁the", "<0x0A>"), valid until the tokenizer
 * is closed, or NULL if there is no such id. */
const char *mmn_tokenizer_id_to_token(const mmn_tokenizer *tokenizer, int32_t id);

/* Whether token `id` is spelt in characters that stand for bytes ("Ġthe", text/characters.h): those
 * of a byte-level vocabulary are, added ones are not. */
bool mmn_tokenizer_spells_bytes(const mmn_tokenizer *tokenizer, int32_t id);

#endif
