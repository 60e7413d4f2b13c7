/* The JSON files beside a tokenizer, and the tokens that they add to it as transformers adds them:
 * tokenizer_config.json, special_tokens_map.json and added_tokens.json. */
#ifndef MMN_TEXT_SIDE_FILES_H
#define MMN_TEXT_SIDE_FILES_H

#include <stdbool.h>

#include "base/reader.h"
#include "text/tokenizer_parts.h"

/* Objects of files that are not there have no value. `model` is the folder's config.json, which
 * says what model the tokenizer belongs to, `processor` its processor_config.json. It stays where
 * it is while it is open: the objects point to the reader, which has what was wrong first. */
typedef struct mmn_side_files {
    mmn_reader reader;
    mmn_object config, special_map, added, model, processor;
    mmn_document documents[5];
} mmn_side_files;

/* `error` is that of all that is read. Close them also on failure. */
void mmn_side_files_open(mmn_side_files *files, const char *folder, mmn_error *error);
void mmn_side_files_close(mmn_side_files *files);

/* Adds the tokens that the files name, and what they call the image's token, to those that the
 * tokenizer has from tokenizer.json (has_json), tokenizer.model or vocab.txt. A token of the
 * vocabulary keeps its id, any other gets the next free one, whatever the files say; a token that
 * is there already gets their options. MMN_INPUT for settings that are not supported. */
void mmn_side_files_add_tokens(const mmn_side_files *files, mmn_tokenizer *tokenizer,
                               bool has_json);

/* What tokenizer_config.json says of BERT's normaliser; what it does not say stays. */
void mmn_side_files_bert_options(mmn_bert_options *options, const mmn_side_files *files);
/* Whether transformers takes a key ("image_token") for the name of a special token of this model
 * alone. */
bool mmn_side_files_names_own(const char *key);
/* Whether transformers takes the tokenizer.json of a type of model ("llava") as it stands, and not
 * a class of its own with the vocabulary of that. */
bool mmn_side_files_as_they_stand(const char *model_type);

/* The special token that the settings call `key` ("bos_token"), or `usual`; NULL where they say
 * null. */
const char *mmn_side_files_token(const mmn_side_files *files, const char *key, const char *usual);

#endif
