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

#endif
