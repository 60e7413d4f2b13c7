/* What tokenizer.json has of byte-level tokenizers: the pre-tokenisers Split and ByteLevel. */
#ifndef MMN_TEXT_JSON_BYTE_LEVEL_H
#define MMN_TEXT_JSON_BYTE_LEVEL_H

#include "base/json.h"
#include "text/tokenizer_parts.h"

/* {"type": "Split", "pattern": {"Regex": "..."} or {"String": "..."}, "behavior": "Isolated" or
 * "Removed", "invert": false} */
mmn_status mmn_json_read_split(mmn_pre_tokenizer *pre_tokenizer, const mmn_json_object *json,
                               mmn_error *error);

/* {"type": "ByteLevel", "add_prefix_space": true, "use_regex": true}: up to three steps. */
mmn_status mmn_json_read_byte_level(mmn_pre_tokenizer *pre_tokenizer, const mmn_json_object *json,
                                    mmn_error *error);

#endif
