/* What tokenizer.json has of BERT's: the model WordPiece and the steps around it. */
#ifndef MMN_TEXT_JSON_BERT_H
#define MMN_TEXT_JSON_BERT_H

#include "base/reader.h"
#include "text/tokenizer_parts.h"

/* Each reads one object into the tokenizer: a model "WordPiece", a "BertNormalizer", a
 * "BertProcessing", a decoder "WordPiece". */
void mmn_json_read_wordpiece(mmn_tokenizer *tokenizer, const mmn_object *model);
void mmn_json_read_bert_normalizer(mmn_tokenizer *tokenizer, const mmn_object *json);
void mmn_json_read_bert_processing(mmn_tokenizer *tokenizer, const mmn_object *json);
void mmn_json_read_wordpiece_decoder(mmn_tokenizer *tokenizer, const mmn_object *json);

/* BERT's normaliser: which of its parts are wanted. */
typedef struct mmn_bert_options {
    bool clean_text, handle_chinese_chars, strip_accents, lowercase;
} mmn_bert_options;

/* Reads the options as the keys of a BertNormalizer or of tokenizer_config.json, with what holds
 * for absent ones already there; strip_accents that is absent or null is as lowercase. */
void mmn_json_read_bert_options(mmn_bert_options *options, const mmn_object *json,
                                const char *lowercase_key, const char *ideographs_key);
/* Appends the normaliser's steps, or those of a decoder that takes away `prefix` (not empty), and
 * with `clean_up` the spaces before English punctuation and contractions. */
mmn_status mmn_bert_add_normalizer(mmn_tokenizer *tokenizer, const mmn_bert_options *options,
                                   mmn_error *error);
mmn_status mmn_bert_add_decoder(mmn_tokenizer *tokenizer, const char *prefix, bool clean_up,
                                mmn_error *error);

#endif
