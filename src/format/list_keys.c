/* A list's keys: those that a line may have, and what is said of others. */
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "format/list_internal.h"
#include "mmneuron.h"

const char *const mmn_list_keys[MMN_LIST_KEYS] = {"id",     "domain",  "image",  "question",
                                                  "answers", "metric", "choices", "prompt",
                                                  "text",   "text_file"};

/* What published lists call what a line of ours says. */
static const struct {
    const char *name, *key;
} elsewhere[] = {
    {"img", "image"},           {"picture", "image"},      {"photo", "image"},
    {"file", "image"},          {"filename", "image"},     {"path", "image"},
    {"label", "answers"},       {"ground_truth", "answers"}, {"gt_answer", "answers"},
    {"target", "answers"},      {"response", "answers"},   {"output", "answers"},
    {"option", "choices"},      {"candidate", "choices"},  {"query", "question"},
    {"instruction", "question"}, {"question_text", "question"}, {"conversation", "question"},
    {"message", "question"},    {"content", "text"},       {"document", "text"},
    {"category", "domain"},     {"dataset", "domain"},     {"question_id", "id"},
    {"sample_id", "id"},        {"uid", "id"},
};

#define ELSEWHERE (sizeof(elsewhere) / sizeof(elsewhere[0]))

/* The key that was probably meant, or NULL. */
static const char *nearest_key(const char *key)
{
    for (size_t i = 0; i < ELSEWHERE; i++)
        if (strcasecmp(elsewhere[i].name, key) == 0)
            return elsewhere[i].key;
    const char *nearest =
        mmn_nearest_name(key, mmn_list_keys, sizeof(*mmn_list_keys), MMN_LIST_KEYS);
    if (nearest)
        return nearest;
    const char *other = mmn_nearest_name(key, &elsewhere[0].name, sizeof(*elsewhere), ELSEWHERE);
    for (size_t i = 0; other && i < ELSEWHERE; i++)
        if (elsewhere[i].name == other)
            return elsewhere[i].key;
    return NULL;
}

static bool holds_zero(const json_t *value)
{
    const char *text = json_string_value(value);
    bool found = text && strstr(text, MMN_JSON_ZERO);
    for (size_t i = 0; i < json_array_size(value) && !found; i++)
        found = holds_zero(json_array_get(value, i));
    return found;
}

/* A key that nobody reads is a mistyped one, or of a list of another form: without what it holds
 * the experiment would be another. */
void mmn_list_check_keys(const mmn_list *list, const mmn_object *line)
{
    const char *key;
    json_t *value;
    json_object_foreach(line->value, key, value) {
        size_t k = 0;
        while (k < MMN_LIST_KEYS && strcmp(mmn_list_keys[k], key) != 0)
            k++;
        if (k < MMN_LIST_KEYS && holds_zero(value))
            mmn_read_wrong(line, key,
                           "holds an escaped zero (\\u0000), which no text of a list may");
        if (k < MMN_LIST_KEYS || list->allows_unknown_keys)
            continue;
        const char *nearest = nearest_key(key);
        mmn_read_wrong(line, key,
                       "is no key of a list%s%s%s; a sample has id, domain, image, question, "
                       "answers, metric, choices and prompt, a text id, domain and text or "
                       "text_file (--allow-unknown-keys passes over others)",
                       nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                       nearest ? "\"?" : "");
    }
}
