/* tokenizer.json's chains of steps (normaliser, pre-tokeniser, post-processor and decoder), and
 * what its readers share. */
#ifndef MMN_TEXT_JSON_STEPS_H
#define MMN_TEXT_JSON_STEPS_H

#include "base/json.h"
#include "text/tokenizer_parts.h"

/* Views element `index` of the array `key` of `object`, which must be an object. */
mmn_status mmn_json_element(mmn_json_object *element, const mmn_json_object *object,
                            const char *key, size_t index, json_t *value, mmn_error *error);

/* Each reads one key of tokenizer.json's `document` into the tokenizer; absent or null gives no
 * steps. MMN_INPUT for what would change ids or texts and is not supported, by its type's name. */
mmn_status mmn_json_read_normalizer(mmn_tokenizer *tokenizer, const mmn_json_object *document,
                                    mmn_error *error);
mmn_status mmn_json_read_pre_tokenizer(mmn_tokenizer *tokenizer, const mmn_json_object *document,
                                       mmn_error *error);
mmn_status mmn_json_read_post_processor(mmn_tokenizer *tokenizer, const mmn_json_object *document,
                                        mmn_error *error);
mmn_status mmn_json_read_decoder(mmn_tokenizer *tokenizer, const mmn_json_object *document,
                                 mmn_error *error);

#endif
