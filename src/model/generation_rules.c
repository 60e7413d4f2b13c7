/* Generation rules: reading generation_config.json, and what old files have in config.json. */
#include "model/generation_rules.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"

#define FILE_LIMIT 10000000  /* bytes, as for config.json */
#define TOKENS_LIMIT 1000000 /* in all lists of one key */

static const char generation_file[] = "generation_config.json";

/* What is done with a key that says something. */
typedef enum key_use { OBEYED, UNUSED, REFUSED } key_use;

/* The value that says as much as an absent key; null always does. */
typedef enum neutral { NOTHING, NUMBER, AT_MOST, IS_FALSE } neutral;

/* All keys that transformers 5.23 reads for decoding. */
static const struct {
    const char *name;
    key_use use;
    neutral neutral;
    double number; /* of NUMBER and AT_MOST */
} keys[] = {
    {"repetition_penalty", OBEYED, NUMBER, 1},
    {"no_repeat_ngram_size", OBEYED, AT_MOST, 0},
    {"min_length", OBEYED, AT_MOST, 0},
    {"min_new_tokens", OBEYED, AT_MOST, 0},
    {"bad_words_ids", OBEYED, NOTHING, 0},
    {"suppress_tokens", OBEYED, NOTHING, 0},
    {"begin_suppress_tokens", OBEYED, NOTHING, 0},
    {"forced_bos_token_id", OBEYED, NOTHING, 0},
    {"forced_eos_token_id", OBEYED, NOTHING, 0},
    {"remove_invalid_values", OBEYED, IS_FALSE, 0},
    {"num_beams", OBEYED, NUMBER, 1},
    {"length_penalty", OBEYED, NUMBER, 1},
    {"early_stopping", OBEYED, IS_FALSE, 0},
    {"stop_strings", OBEYED, NOTHING, 0},
    {"do_sample", UNUSED, IS_FALSE, 0},
    {"temperature", UNUSED, NUMBER, 1},
    {"top_k", UNUSED, NUMBER, 50},
    {"top_p", UNUSED, NUMBER, 1},
    {"min_p", UNUSED, NOTHING, 0},
    {"top_h", UNUSED, NOTHING, 0},
    {"typical_p", UNUSED, NUMBER, 1},
    {"epsilon_cutoff", UNUSED, NUMBER, 0},
    {"eta_cutoff", UNUSED, NUMBER, 0},
    {"max_length", UNUSED, NOTHING, 0},
    {"max_new_tokens", UNUSED, NOTHING, 0},
    {"guidance_scale", REFUSED, NUMBER, 1},
    {"sequence_bias", REFUSED, NOTHING, 0},
    {"encoder_repetition_penalty", REFUSED, NUMBER, 1},
    {"encoder_no_repeat_ngram_size", REFUSED, AT_MOST, 0},
    {"exponential_decay_length_penalty", REFUSED, NOTHING, 0},
    {"watermarking_config", REFUSED, NOTHING, 0},
    {"renormalize_logits", REFUSED, IS_FALSE, 0},
    {"penalty_alpha", REFUSED, AT_MOST, 0},
    {"num_beam_groups", REFUSED, AT_MOST, 1},
    {"diversity_penalty", REFUSED, NUMBER, 0},
    {"constraints", REFUSED, NOTHING, 0},
    {"force_words_ids", REFUSED, NOTHING, 0},
    {"dola_layers", REFUSED, NOTHING, 0},
    {"token_healing", REFUSED, IS_FALSE, 0},
    {"max_time", REFUSED, NOTHING, 0},
};

enum { KEY_COUNT = MMN_LENGTH(keys) };

static const mmn_generation_rules no_rules = {
    .repetition_penalty = 1, .forced_bos = MMN_NO_TOKEN, .beam_search = {.length_penalty = 1}};

static bool is_neutral(size_t key, const json_t *value)
{
    if (!value || json_is_null(value))
        return true;
    switch (keys[key].neutral) {
    case NOTHING:
        break;
    case NUMBER:
        return json_is_number(value) && json_number_value(value) == keys[key].number;
    case AT_MOST:
        return json_is_number(value) && json_number_value(value) <= keys[key].number;
    case IS_FALSE:
        return json_is_false(value);
    }
    return false;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* An array of `count` elements of this size, or NULL. */
static void *allocate(const mmn_object *object, size_t count, size_t size)
{
    void *array = mmn_allocate(count, size, object->reader->error);
    if (!array)
        mmn_read_failed(object, MMN_SYSTEM);
    return array;
}

static void read_list(mmn_token_list *list, const mmn_object *object, const char *key,
                      const json_t *array)
{
    size_t count = json_array_size(array);
    if (!json_is_array(array) || count > TOKENS_LIMIT)
        mmn_read_wrong(object, key, "must be a list of at most %d token ids", TOKENS_LIMIT);
    if (!mmn_read_fine(object) || !(list->ids = allocate(object, count, sizeof(*list->ids))))
        return;
    for (; list->count < count; list->count++) {
        const json_t *id = json_array_get(array, list->count);
        json_int_t number = json_integer_value(id);
        if (!json_is_integer(id) || number < INT32_MIN || number > INT32_MAX) {
            mmn_read_wrong(object, key, "must be a list of token ids");
            return;
        }
        list->ids[list->count] = (int32_t)number;
    }
}

/* The list at `key`; an empty one if it is absent. */
static void read_tokens(mmn_token_list *list, const mmn_object *object, const char *key)
{
    const json_t *found = mmn_object_value(object, key);
    if (found)
        read_list(list, object, key, found);
}

static void check_token(const mmn_object *object, const char *key, int64_t id,
                        const mmn_config *config)
{
    if (id < 0 || id >= (int64_t)config->language.vocab_size)
        mmn_read_wrong(object, key, "must be below the vocabulary's size, %u, and is %lld",
                       config->language.vocab_size, (long long)id);
}

static void read_bad_words(mmn_generation_rules *rules, const mmn_object *object,
                           const mmn_config *config)
{
    static const char key[] = "bad_words_ids";
    json_t *words = NULL;
    mmn_read_array(&words, object, key);
    size_t count = json_array_size(words), total = 0;
    if (words && (count == 0 || count > TOKENS_LIMIT))
        mmn_read_wrong(object, key, "must be a list of 1 to %d lists of token ids", TOKENS_LIMIT);
    if (!words || !mmn_read_fine(object) ||
        !(rules->bad_words = allocate(object, count, sizeof(*rules->bad_words))))
        return;
    for (; rules->bad_word_count < count && mmn_read_fine(object); rules->bad_word_count++) {
        mmn_token_list *word = &rules->bad_words[rules->bad_word_count];
        read_list(word, object, key, json_array_get(words, rules->bad_word_count));
        for (size_t i = 0; i < word->count; i++)
            check_token(object, key, word->ids[i], config);
        total += word->count;
        if (total > TOKENS_LIMIT)
            mmn_read_wrong(object, key, "must not have more than %d token ids", TOKENS_LIMIT);
    }
}

/* One id or a list of them, each in the vocabulary. */
static void read_forced(mmn_generation_rules *rules, const mmn_object *object,
                        const mmn_config *config)
{
    static const char first[] = "forced_bos_token_id", last[] = "forced_eos_token_id";
    int64_t id = MMN_NO_TOKEN, ends[MMN_EOS_IDS];
    size_t count = 0;
    mmn_read_i64(&id, object, first, 0, INT32_MAX);
    if (id != MMN_NO_TOKEN)
        check_token(object, first, id, config);
    rules->forced_bos = (int32_t)id;
    mmn_read_integers(ends, &count, MMN_EOS_IDS, object, last, 0, INT32_MAX);
    if (count == 0 ||
        !(rules->forced_eos.ids = allocate(object, count, sizeof(*rules->forced_eos.ids))))
        return;
    for (size_t i = 0; i < count; i++) {
        check_token(object, last, ends[i], config);
        rules->forced_eos.ids[rules->forced_eos.count++] = (int32_t)ends[i];
    }
}

static bool has_token(const mmn_token_list *list, int32_t id)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->ids[i] == id)
            return true;
    return false;
}

/* No token is left to be forced where all that are forced are suppressed. */
static void check_forced(const mmn_generation_rules *rules, const mmn_object *object)
{
    static const char reason[] = "must have a token that \"suppress_tokens\" has not";
    const mmn_token_list *ends = &rules->forced_eos;
    bool possible = ends->count == 0;
    for (size_t i = 0; i < ends->count && !possible; i++)
        possible = !has_token(&rules->suppressed, ends->ids[i]);
    if (!possible)
        mmn_read_wrong(object, "forced_eos_token_id", "%s", reason);
    if (rules->forced_bos != MMN_NO_TOKEN && has_token(&rules->suppressed, rules->forced_bos))
        mmn_read_wrong(object, "forced_bos_token_id", "%s", reason);
}

/* A count of tokens, of which transformers takes those below 0 for none. */
static void read_count(uint32_t *count, const mmn_object *object, const char *key)
{
    int64_t number = 0;
    mmn_read_i64(&number, object, key, INT32_MIN, INT32_MAX);
    *count = number > 0 ? (uint32_t)number : 0;
}

static void read_beams(mmn_beam_search *search, const mmn_object *object)
{
    static const char key[] = "early_stopping";
    const json_t *early = mmn_object_value(object, key);
    mmn_read_u32(&search->beams, object, "num_beams", 1, MMN_BEAMS_LIMIT);
    mmn_read_f64(&search->length_penalty, object, "length_penalty", -100, 100);
    if (json_is_true(early))
        search->early_stopping = MMN_EARLY_STOPPING_TRUE;
    else if (json_is_string(early) && strcmp(json_string_value(early), "never") == 0)
        search->early_stopping = MMN_EARLY_STOPPING_NEVER;
    else if (early && !json_is_false(early))
        mmn_read_wrong(object, key, "must be true, false or \"never\"");
}

/* One string or several. */
static void read_stop_strings(mmn_generation_rules *rules, const mmn_object *object)
{
    static const char key[] = "stop_strings";
    const json_t *found = mmn_object_value(object, key);
    size_t count = json_is_array(found) ? json_array_size(found) : 1;
    if (found && (count == 0 || count > TOKENS_LIMIT))
        mmn_read_wrong(object, key, "must be a string or a list of some");
    if (!found || !mmn_read_fine(object) ||
        !(rules->stop_strings = allocate(object, count, sizeof(*rules->stop_strings))))
        return;
    for (; rules->stop_count < count; rules->stop_count++) {
        const json_t *one = json_is_array(found) ? json_array_get(found, rules->stop_count) : found;
        if (!json_is_string(one) || json_string_length(one) == 0) {
            mmn_read_wrong(object, key, "must be strings that are not empty");
            return;
        }
        char *copy = mmn_copy_text(json_string_value(one), object->reader->error);
        if (!copy) {
            mmn_read_failed(object, MMN_SYSTEM);
            return;
        }
        rules->stop_strings[rules->stop_count] = copy;
    }
}

static void read_values(mmn_generation_rules *rules, const mmn_object *object,
                        const mmn_config *config)
{
    mmn_read_f64(&rules->repetition_penalty, object, "repetition_penalty", FLT_MIN, FLT_MAX);
    read_count(&rules->no_repeat_ngram_size, object, "no_repeat_ngram_size");
    read_count(&rules->min_length, object, "min_length");
    read_count(&rules->min_new_tokens, object, "min_new_tokens");
    if (mmn_object_value(object, "min_new_tokens"))
        rules->min_length = 0; /* it takes precedence, whatever it says */
    read_bad_words(rules, object, config);
    read_tokens(&rules->suppressed, object, "suppress_tokens");
    read_tokens(&rules->first_suppressed, object, "begin_suppress_tokens");
    read_forced(rules, object, config);
    check_forced(rules, object);
    mmn_read_bool(&rules->remove_invalid, object, "remove_invalid_values");
    read_beams(&rules->beam_search, object);
    read_stop_strings(rules, object);
}

/* ---- What is said about them ----------------------------------------------------------------- */

/* Puts a value into the list; a number that no JSON holds as the text that the file has. */
static bool list_value(json_t *listed, const char *key, json_t *value)
{
    const char *odd = mmn_json_odd_number(value);
    return odd ? json_object_set_new(listed, key, json_string(odd)) == 0
               : json_object_set(listed, key, value) == 0;
}

/* The keys of `object` that are used like this and say something, as JSON; *some: whether any. */
static mmn_status list_keys(char **text, bool *some, const json_t *object, key_use use,
                            mmn_error *error)
{
    json_t *listed = json_object();
    bool complete = listed != NULL;
    for (size_t i = 0; i < KEY_COUNT && complete; i++) {
        json_t *value = json_object_get(object, keys[i].name);
        if (keys[i].use == use && !is_neutral(i, value))
            complete = list_value(listed, keys[i].name, value);
    }
    char *made = complete ? json_dumps(listed, JSON_REAL_PRECISION(15)) : NULL;
    if (made)
        *text = mmn_copy_text(made, error);
    else
        mmn_fail(error, MMN_SYSTEM, NULL, NULL, "out of memory");
    *some = json_object_size(listed) > 0;
    free(made); /* as Jansson allocates */
    json_decref(listed);
    return *text ? MMN_OK : MMN_SYSTEM;
}

/* `object` may be NULL: nothing is said. */
static mmn_status describe(mmn_generation_rules *rules, const json_t *object, mmn_error *error)
{
    bool some;
    MMN_TRY(list_keys(&rules->obeyed, &some, object, OBEYED, error));
    MMN_TRY(list_keys(&rules->unused, &some, object, UNUSED, error));
    return list_keys(&rules->refused, &rules->refuses, object, REFUSED, error);
}

mmn_status mmn_generation_rules_check(const mmn_generation_rules *rules, const char *folder,
                                      mmn_error *error)
{
    if (!rules->refuses)
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, folder, rules->file,
                    "asks for decoding that is not supported, and that would change what is "
                    "generated: %.600s; it can be ignored (--ignore-generation-config)",
                    rules->refused);
}

/* ---- Files ----------------------------------------------------------------------------------- */

/* The keys of config.json that are about decoding, text_config's where the root has none: an object
 * of its own, or NULL without memory. */
static json_t *collect_old_keys(const mmn_object *root)
{
    const json_t *language = mmn_object_value(root, "text_config");
    json_t *collected = json_object();
    bool complete = collected != NULL;
    for (size_t i = 0; i < KEY_COUNT && complete; i++) {
        json_t *value = mmn_object_value(root, keys[i].name);
        if (!value)
            value = json_object_get(language, keys[i].name);
        complete = !value || json_object_set(collected, keys[i].name, value) == 0;
    }
    if (complete)
        return collected;
    json_decref(collected);
    mmn_read_failed(root, mmn_fail(root->reader->error, MMN_SYSTEM, NULL, NULL, "out of memory"));
    return NULL;
}

void mmn_generation_rules_read(mmn_generation_rules *rules, const mmn_object *object,
                               const char *file, const mmn_config *config)
{
    *rules = no_rules;
    rules->file = file;
    read_values(rules, object, config);
    if (mmn_read_fine(object))
        mmn_read_failed(object, describe(rules, object->value, object->reader->error));
}

/* Reads config.json for what files before generation_config.json had there. */
static void read_old(mmn_generation_rules *rules, mmn_reader *reader, const char *folder,
                     const mmn_config *config)
{
    mmn_document document = {0};
    mmn_object object = mmn_read_in_folder(&document, reader, folder, "config.json", FILE_LIMIT);
    json_t *collected = reader->status == MMN_OK ? collect_old_keys(&object) : NULL;
    object.value = collected;
    if (collected)
        mmn_generation_rules_read(rules, &object,
                                  json_object_size(collected) > 0 ? "config.json" : NULL, config);
    json_decref(collected);
    mmn_document_close(&document);
}

mmn_status mmn_generation_rules_load(mmn_generation_rules *rules, const char *folder,
                                     const mmn_config *config, bool ignore, mmn_error *error)
{
    mmn_document document = {0};
    mmn_reader reader = {.error = error};
    *rules = no_rules;
    rules->ignored = ignore;
    if (ignore || config->qformer.layers > 0)
        return describe(rules, NULL, error);
    mmn_object object = mmn_read_in_folder(&document, &reader, folder, generation_file, FILE_LIMIT);
    if (object.value)
        mmn_generation_rules_read(rules, &object, generation_file, config);
    else if (reader.status == MMN_OK)
        read_old(rules, &reader, folder, config);
    mmn_document_close(&document);
    return reader.status;
}

void mmn_generation_rules_free(mmn_generation_rules *rules)
{
    for (size_t i = 0; i < rules->bad_word_count; i++)
        mmn_free(rules->bad_words[i].ids);
    for (size_t i = 0; i < rules->stop_count; i++)
        mmn_free(rules->stop_strings[i]);
    mmn_free(rules->bad_words);
    mmn_free(rules->stop_strings);
    mmn_free(rules->suppressed.ids);
    mmn_free(rules->first_suppressed.ids);
    mmn_free(rules->forced_eos.ids);
    mmn_free(rules->obeyed);
    mmn_free(rules->unused);
    mmn_free(rules->refused);
    *rules = (mmn_generation_rules){0};
}
