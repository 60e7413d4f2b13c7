/* What tokenizer.json has of pre-tokenisers that cut texts: Split and its like, and ByteLevel. */
#ifndef MMN_TEXT_JSON_SPLIT_H
#define MMN_TEXT_JSON_SPLIT_H

#include "base/reader.h"
#include "text/tokenizer_parts.h"

/* The types that the next function reads, for messages. */
#define MMN_JSON_SPLITS                                                                   \
    "Split, CharDelimiterSplit, Digits, Punctuation, Whitespace, WhitespaceSplit, "       \
    "BertPreTokenizer or ByteLevel"

/* Reads a pre-tokeniser of such a type into up to three steps; false for another type. */
bool mmn_json_read_split(mmn_pre_tokenizer *pre_tokenizer, const mmn_object *json,
                         const char *type);

/* BERT's: cuts at white space, which goes, and around each punctuation mark. */
mmn_status mmn_bert_add_pre_tokenizer(mmn_pre_tokenizer *pre_tokenizer, mmn_error *error);

#endif
