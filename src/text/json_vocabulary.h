/* The vocabulary of a tokenizer.json, which models of every kind write alike. */
#ifndef MMN_TEXT_JSON_VOCABULARY_H
#define MMN_TEXT_JSON_VOCABULARY_H

#include "base/reader.h"
#include "text/vocabulary.h"

/* Reads the model's `vocab`, texts with their ids. */
void mmn_json_read_vocabulary(mmn_vocabulary *vocabulary, const mmn_object *model);

#endif
