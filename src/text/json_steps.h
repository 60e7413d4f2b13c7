/* tokenizer.json's chains of steps: normaliser, pre-tokeniser, post-processor and decoder. */
#ifndef MMN_TEXT_JSON_STEPS_H
#define MMN_TEXT_JSON_STEPS_H

#include "base/reader.h"
#include "text/tokenizer_parts.h"

/* Each reads one key of tokenizer.json's `document` into the tokenizer; absent or null gives no
 * steps. MMN_INPUT for what would change ids or texts and is not supported, by its type's name. */
void mmn_json_read_normalizer(mmn_tokenizer *tokenizer, const mmn_object *document);
void mmn_json_read_pre_tokenizer(mmn_tokenizer *tokenizer, const mmn_object *document);
void mmn_json_read_post_processor(mmn_tokenizer *tokenizer, const mmn_object *document);
void mmn_json_read_decoder(mmn_tokenizer *tokenizer, const mmn_object *document);

/* ---- Steps that cut texts -------------------------------------------------------------------- */

/* The types that the next function reads, for messages. */
#define MMN_JSON_SPLITS                                                                   \
    "Split, CharDelimiterSplit, Digits, Punctuation, Whitespace, WhitespaceSplit, "       \
    "BertPreTokenizer or ByteLevel"

/* Reads a pre-tokeniser of such a type into up to three steps; false for another type. */
bool mmn_json_read_split(mmn_pre_tokenizer *pre_tokenizer, const mmn_object *json,
                         const char *type);

/* Reads the text `key`, which must be there and not empty: what pieces of WordPiece begin with that
 * begin no word. */
void mmn_json_read_prefix(const char **prefix, const mmn_object *json, const char *key);

/* Reads the options of BERT's normaliser as the keys of a BertNormalizer or of tokenizer_config.json, with what holds
 * for absent ones already there; strip_accents that is absent or null is as lowercase. */
void mmn_json_read_bert_options(mmn_bert_options *options, const mmn_object *json,
                                const char *lowercase_key, const char *ideographs_key);
#endif
