/* Reads what tokenizer.json has of BERT's: the model WordPiece and the steps around it. */
#include "text/json_bert.h"

#include <string.h>

#include "text/json_vocabulary.h"

/* A prefix that must be there: what pieces begin with that begin no word. */
static void read_prefix(const char **prefix, const mmn_object *json, const char *key)
{
    mmn_read_text(prefix, json, key);
    if (**prefix == '\0')
        mmn_read_wrong(json, key, "is empty, which is not supported");
    if (strlen(*prefix) > MMN_WORDPIECE_PREFIX_LIMIT)
        mmn_read_wrong(json, key, "has more than %d bytes", MMN_WORDPIECE_PREFIX_LIMIT);
}

/* ---- Model ----------------------------------------------------------------------------------- */

void mmn_json_read_wordpiece(mmn_tokenizer *tokenizer, const mmn_object *model)
{
    static const char *const keys[] = {"unk_token", "continuing_subword_prefix",
                                       "max_input_chars_per_word"};
    mmn_wordpiece *wordpiece = &tokenizer->wordpiece;
    const char *unknown = "", *prefix = "";
    uint32_t longest = 0;
    tokenizer->model = MMN_MODEL_WORDPIECE;
    mmn_read_all_required(model, keys, 3);
    mmn_read_text(&unknown, model, keys[0]);
    read_prefix(&prefix, model, keys[1]);
    mmn_read_u32(&longest, model, keys[2], 0, MMN_WORDPIECE_CHARACTER_LIMIT);
    mmn_json_read_vocabulary(&wordpiece->vocabulary, model);
    if (!mmn_read_fine(model))
        return;
    strcpy(wordpiece->prefix, prefix);
    wordpiece->longest_word = longest;
    wordpiece->unknown = mmn_vocabulary_find(&wordpiece->vocabulary, unknown, strlen(unknown));
    if (wordpiece->unknown < 0)
        mmn_read_wrong(model, "unk_token", "\"%.60s\" is not in the vocabulary", unknown);
}

/* ---- Normaliser ------------------------------------------------------------------------------ */

void mmn_json_read_bert_options(mmn_bert_options *options, const mmn_object *json,
                                const char *lowercase_key, const char *ideographs_key)
{
    mmn_read_bool(&options->clean_text, json, "clean_text");
    mmn_read_bool(&options->handle_chinese_chars, json, ideographs_key);
    mmn_read_bool(&options->lowercase, json, lowercase_key);
    options->strip_accents = options->lowercase;
    mmn_read_bool(&options->strip_accents, json, "strip_accents");
}

mmn_status mmn_bert_add_normalizer(mmn_tokenizer *tokenizer, const mmn_bert_options *options,
                                   mmn_error *error)
{
    const struct {
        bool wanted;
        mmn_normalizer_kind kind;
    } parts[] = {{options->clean_text, MMN_NORMALIZER_CLEAN},
                 {options->handle_chinese_chars, MMN_NORMALIZER_SPACE_IDEOGRAPHS},
                 {options->strip_accents, MMN_NORMALIZER_NFD},
                 {options->strip_accents, MMN_NORMALIZER_DROP_MARKS},
                 {options->lowercase, MMN_NORMALIZER_LOWERCASE}};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        mmn_normalizer_step step = {.kind = parts[i].kind};
        if (parts[i].wanted)
            MMN_TRY(mmn_normalizer_add(&tokenizer->normalizer, &step, error));
    }
    return MMN_OK;
}

void mmn_json_read_bert_normalizer(mmn_tokenizer *tokenizer, const mmn_object *json)
{
    static const char *const keys[] = {"clean_text", "handle_chinese_chars", "lowercase"};
    mmn_bert_options options = {0};
    mmn_read_all_required(json, keys, 3);
    mmn_json_read_bert_options(&options, json, keys[2], keys[1]);
    if (mmn_read_fine(json))
        mmn_read_failed(json, mmn_bert_add_normalizer(tokenizer, &options, json->reader->error));
}

/* ---- Post-processor -------------------------------------------------------------------------- */

/* Appends the id of `key`'s ["[CLS]", 101]. */
static void read_end(mmn_ids *ids, const mmn_object *json, const char *key)
{
    json_t *pair = NULL;
    mmn_read_required(json, key);
    mmn_read_array(&pair, json, key);
    const json_t *number = json_array_get(pair, 1);
    json_int_t id = json_integer_value(number);
    if (json_array_size(pair) != 2 || !json_is_string(json_array_get(pair, 0)) ||
        !json_is_integer(number) || id < 0 || id >= MMN_VOCABULARY_LIMIT)
        mmn_read_wrong(json, key, "must be a token and its id from 0 to %d",
                       MMN_VOCABULARY_LIMIT - 1);
    if (mmn_read_fine(json))
        mmn_read_failed(json, mmn_ids_add(ids, (int32_t)id, json->reader->error));
}

void mmn_json_read_bert_processing(mmn_tokenizer *tokenizer, const mmn_object *json)
{
    read_end(&tokenizer->before, json, "cls");
    read_end(&tokenizer->after, json, "sep");
}

/* ---- Decoder --------------------------------------------------------------------------------- */

mmn_status mmn_bert_add_decoder(mmn_tokenizer *tokenizer, const char *prefix, bool clean_up,
                                mmn_error *error)
{
    static const struct {
        const char *from, *to;
    } cleaned[] = {{" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
                   {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
                   {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    mmn_decoder_step step = {.kind = MMN_DECODER_WORDPIECE};
    MMN_TRY(mmn_replacement_make(&step.replacement, prefix, false, prefix, error));
    MMN_TRY(mmn_decoder_add(&tokenizer->decoder, &step, error));
    for (size_t i = 0; clean_up && i < sizeof(cleaned) / sizeof(cleaned[0]); i++) {
        step.kind = MMN_DECODER_REPLACE;
        MMN_TRY(
            mmn_replacement_make(&step.replacement, cleaned[i].from, false, cleaned[i].to, error));
        MMN_TRY(mmn_decoder_add(&tokenizer->decoder, &step, error));
    }
    return MMN_OK;
}

void mmn_json_read_wordpiece_decoder(mmn_tokenizer *tokenizer, const mmn_object *json)
{
    static const char *const keys[] = {"prefix", "cleanup"};
    const char *prefix = "";
    bool clean_up = false;
    mmn_read_all_required(json, keys, 2);
    read_prefix(&prefix, json, keys[0]);
    mmn_read_bool(&clean_up, json, keys[1]);
    if (mmn_read_fine(json))
        mmn_read_failed(json, mmn_bert_add_decoder(tokenizer, prefix, clean_up,
                                                   json->reader->error));
}
