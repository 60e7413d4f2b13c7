/* Dataset lists: samples from a JSON-lines file, one at a time. */
#include "format/list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/file_kind.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/reader.h"
#include "format/list_internal.h"
#include "mmneuron.h"

/* ---- Keys ------------------------------------------------------------------------------------ */

const char *const mmn_list_keys[MMN_LIST_KEYS] = {
    "id",        "domain", "image", "question", "answers", "metric", "choices", "prompt",  "text",
    "text_file", "words",  "from",  "to",       "general", "local",  "objects", "property"};

/* What published lists call what a line of ours says. */
static const struct {
    const char *name, *key;
} elsewhere[] = {
    {"img", "image"},
    {"picture", "image"},
    {"photo", "image"},
    {"file", "image"},
    {"filename", "image"},
    {"path", "image"},
    {"label", "answers"},
    {"ground_truth", "answers"},
    {"gt_answer", "answers"},
    {"target", "answers"},
    {"response", "answers"},
    {"output", "answers"},
    {"option", "choices"},
    {"candidate", "choices"},
    {"query", "question"},
    {"instruction", "question"},
    {"question_text", "question"},
    {"conversation", "question"},
    {"message", "question"},
    {"content", "text"},
    {"document", "text"},
    {"category", "domain"},
    {"dataset", "domain"},
    {"question_id", "id"},
    {"sample_id", "id"},
    {"uid", "id"},
};

#define ELSEWHERE MMN_LENGTH(elsewhere)

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
    const char *key;
    json_t *member;
    for (size_t i = 0; i < json_array_size(value) && !found; i++)
        found = holds_zero(json_array_get(value, i));
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
        found = found || holds_zero(member);
    return found;
}

/* Refuses keys that no line has, naming the nearest that it may have: a key that nobody reads is a
 * mistyped one, or of a list of another form, and without what it holds the experiment would be
 * another. */
static void check_keys(const mmn_list *list, const mmn_object *line)
{
    const char *key;
    json_t *value;
    json_object_foreach(line->value, key, value)
    {
        bool known = MMN_NAME_INDEX(key, mmn_list_keys) < MMN_LIST_KEYS;
        if (known && holds_zero(value))
            mmn_read_wrong(line, key,
                           "holds an escaped zero (\\u0000), which no text of a list may");
        if (known || list->allows_unknown_keys)
            continue;
        const char *nearest = nearest_key(key);
        mmn_read_wrong(line, key,
                       "is no key of a list%s%s%s; a sample has id, domain, image, question, "
                       "answers, metric, choices, prompt and words, an edit from, to, general and "
                       "local besides, a picture to ask about objects or property, a text id, "
                       "domain and text or text_file "
                       "(--allow-unknown-keys passes over others)",
                       nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                       nearest ? "\"?" : "");
    }
}

/* ---- Lists ----------------------------------------------------------------------------------- */

/* Lists are read whole. The largest published ones take some hundred megabytes. */
#define FILE_LIMIT ((size_t)INT32_MAX)

static void clear_sample(mmn_list *list)
{
    mmn_blocks_free(&list->blocks);
    json_decref(list->document);
    list->document = NULL;
}

/* A list without text, or NULL. */
static mmn_list *create(const char *path, mmn_error *error)
{
    mmn_list *list = mmn_allocate(1, sizeof(*list), error);
    if (!list)
        return NULL;
    list->path = mmn_copy_text(path, error);
    if (!list->path || mmn_path_folder(&list->folder, path, error) != MMN_OK) {
        mmn_list_close(list);
        return NULL;
    }
    return list;
}

static void set_text(mmn_list *list, const void *data, size_t size)
{
    list->text = data;
    list->size = size;
    mmn_list_rewind(list);
}

mmn_status mmn_list_parse(mmn_list **list, const void *data, size_t size, const char *path,
                          mmn_error *error)
{
    MMN_NEED(*list = create(path, error));
    set_text(*list, data, size);
    return MMN_OK;
}

mmn_status mmn_list_open(mmn_list **list, const char *path, mmn_error *error)
{
    MMN_NEED(*list = create(path, error));
    size_t size = 0;
    mmn_status status =
        mmn_read_identified(&(*list)->bytes, &size, &(*list)->identity, path, FILE_LIMIT, error);
    mmn_file_kind kind = mmn_file_kind_of(path);
    if (status == MMN_OK && kind != MMN_KIND_UNKNOWN && kind != MMN_KIND_TEXT_OF_JSON &&
        kind != MMN_KIND_LIST)
        status = MMN_INPUT;
    if (status != MMN_OK) {
        mmn_list_close(*list);
        *list = NULL;
        return mmn_file_kind_explain(error, status, path, MMN_KIND_LIST);
    }
    set_text(*list, (*list)->bytes, size);
    return MMN_OK;
}

mmn_status mmn_list_unchanged(const mmn_list *list, mmn_error *error)
{
    return list->bytes ? mmn_file_unchanged(&list->identity, list->path, error) : MMN_OK;
}

void mmn_list_close(mmn_list *list)
{
    if (!list)
        return;
    clear_sample(list);
    mmn_free(list->bytes);
    mmn_free(list->path);
    mmn_free(list->folder);
    mmn_free(list);
}

/* The first line begins behind a byte order mark. */
void mmn_list_rewind(mmn_list *list)
{
    bool marked = list->size >= 3 && memcmp(list->text, "\xef\xbb\xbf", 3) == 0;
    list->next = marked ? 3 : 0;
    list->line = 0;
}

void mmn_list_allow_unknown_keys(mmn_list *list, bool allow)
{
    list->allows_unknown_keys = allow;
}

void mmn_list_allow_no_questions(mmn_list *list, bool allow)
{
    list->allows_no_questions = allow;
}

uint64_t mmn_list_line(const mmn_list *list)
{
    return list->line;
}

/* Steps over the next line that is not empty; false at the end. */
static bool next_line(mmn_list *list)
{
    while (list->next < list->size) {
        const char *begin = list->text + list->next;
        const char *end = memchr(begin, '\n', list->size - list->next);
        list->line_text = begin;
        list->line_length = end ? (size_t)(end - begin) : list->size - list->next;
        list->next += list->line_length + (end ? 1 : 0);
        list->line++;
        size_t blank = 0;
        while (blank < list->line_length && memchr(" \t\r", begin[blank], 3))
            blank++;
        if (blank < list->line_length)
            return true;
    }
    return false;
}

/* Control characters are those below U+0020 and from U+007F to U+009F; Jansson has checked that
 * the text is UTF-8. */
bool mmn_is_domain(const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || length > MMN_LIST_DOMAIN_LIMIT || text[0] == ' ' || text[length - 1] == ' ')
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i], follower = (unsigned char)text[i + 1];
        if (byte < 0x20 || byte == 0x7f || strchr("/.,\"\\", byte) ||
            (byte == 0xc2 && follower < 0xa0))
            return false;
    }
    return true;
}

static void read_domain(mmn_sample *sample, const mmn_object *line)
{
    if (!mmn_object_value(line, "domain"))
        mmn_read_wrong(line, "domain",
                       "is missing: every sample has one, as \"domain\": \"medical\"");
    mmn_read_text(&sample->domain, line, "domain");
    if (mmn_read_fine(line) && !mmn_is_domain(sample->domain))
        mmn_read_wrong(line, "domain",
                       "must be a name of 1 to %d bytes without control characters, slashes, "
                       "dots, commas, quotes and spaces at its ends",
                       MMN_LIST_DOMAIN_LIMIT);
}

static void read_id(mmn_sample *sample, mmn_list *list, const mmn_object *line)
{
    const json_t *id = mmn_object_value(line, "id");
    const char *spelt = mmn_json_odd_number(id);
    if (!id)
        snprintf(list->id, sizeof(list->id), "%" PRIu64, list->line);
    else if (spelt && spelt[strspn(spelt, "-0123456789")] == '\0')
        sample->id = spelt;
    else if (json_is_integer(id))
        snprintf(list->id, sizeof(list->id), "%" JSON_INTEGER_FORMAT, json_integer_value(id));
    else
        mmn_read_text(&sample->id, line, "id");
    if (!sample->id)
        sample->id = list->id;
}

/* Whether the line has a text; it has the form of those before it. */
static bool read_form(mmn_list *list, const mmn_object *line)
{
    static const char *const asking[] = {"question", "prompt",  "image",   "answers", "metric",
                                         "choices",  "words",   "from",    "to",      "general",
                                         "local",    "objects", "property"};
    bool whole = mmn_object_value(line, "text");
    bool has_text = whole || mmn_object_value(line, "text_file");
    const char *key = whole ? "text" : "text_file";
    for (size_t i = 0; has_text && i < MMN_LENGTH(asking); i++)
        if (mmn_object_value(line, asking[i]))
            mmn_read_wrong(line, key, "stands beside \"%s\"; a sample is a text or a question",
                           asking[i]);
    if (has_text && list->form == FORM_QUESTIONS)
        mmn_read_wrong(line, key,
                       "is a text, and the lines before ask questions; a list has one or the "
                       "other");
    if (!has_text && list->form == FORM_TEXTS)
        mmn_read_wrong(line, "text",
                       "and \"text_file\" are missing, and the lines before have texts; a list "
                       "has texts or questions");
    if (mmn_read_fine(line))
        list->form = has_text ? FORM_TEXTS : FORM_QUESTIONS;
    return has_text;
}

/* "text" or "text_file". */
static void read_text(mmn_sample *sample, mmn_list *list, const mmn_object *line)
{
    const char *name = NULL;
    mmn_read_text(&sample->text, line, "text");
    mmn_read_text(&name, line, "text_file");
    if (sample->text && name)
        mmn_read_wrong(line, "text", "stands beside \"text_file\"; give one of them");
    if (!name)
        mmn_read_required(line, "text");
    if (sample->text && sample->text[0] == '\0')
        mmn_read_wrong(line, "text", "must not be empty");
    if (name && name[0] == '\0')
        mmn_read_wrong(line, "text_file", "must be a path");
    if (name)
        sample->text_file = mmn_list_beside(list, line, name);
}

static void read_sample(mmn_sample *sample, mmn_list *list, const mmn_object *line)
{
    *sample = (mmn_sample){.line = list->line};
    check_keys(list, line);
    read_domain(sample, line);
    read_id(sample, list, line);
    if (read_form(list, line))
        read_text(sample, list, line);
    else
        mmn_list_read_question(sample, list, line);
}

/* Whether the line is the first of several that an object was written on. */
static bool begins_without_end(const mmn_list *list)
{
    static const char blanks[] = " \t\r";
    const char *begin = list->line_text, *end = begin + list->line_length;
    while (begin < end && memchr(blanks, *begin, 3))
        begin++;
    while (begin < end && memchr(blanks, end[-1], 3))
        end--;
    return begin < end && *begin == '{' && end[-1] != '}';
}

static mmn_status parse_line(mmn_list *list, mmn_error *error)
{
    const mmn_status status = mmn_json_parse_line(&list->document, list->line_text,
                                                  list->line_length, list->path, list->line, error);
    if (status != MMN_INPUT || !error || !begins_without_end(list))
        return status;
    const mmn_error wrong = *error;
    return mmn_fail(error, MMN_INPUT, list->path, wrong.where,
                    "%.400s; the line ends within the object, and a sample is one line (jq -c . "
                    "writes it so)",
                    wrong.message);
}

mmn_status mmn_list_next(mmn_list *list, mmn_sample *sample, bool *found, mmn_error *error)
{
    clear_sample(list);
    *found = next_line(list);
    if (!*found)
        return MMN_OK;
    size_t length = list->line_length;
    const char *where = MMN_PLACE("line %" PRIu64, list->line);
    if (length > MMN_LIST_LINE_LIMIT)
        return mmn_fail(error, MMN_INPUT, list->path, where,
                        "is %zu bytes long, and at most %d are allowed", length,
                        MMN_LIST_LINE_LIMIT);
    MMN_TRY(parse_line(list, error));
    if (!json_is_object(list->document))
        return mmn_fail(error, MMN_INPUT, list->path, where, "must be a JSON object");
    mmn_reader reader = {.error = error};
    mmn_object line = mmn_read_document(&reader, list->document, list->path);
    snprintf(line.prefix, sizeof(line.prefix), "%s, ", where);
    read_sample(sample, list, &line);
    return reader.status;
}

mmn_status mmn_list_has_texts(mmn_list *list, bool *texts, mmn_error *error)
{
    mmn_sample sample;
    mmn_status status = MMN_INPUT;
    bool allows = list->allows_unknown_keys;
    list->allows_unknown_keys = true;
    for (bool found = true; found && status == MMN_INPUT;)
        status = mmn_list_next(list, &sample, &found, error);
    *texts = list->form == FORM_TEXTS;
    list->allows_unknown_keys = allows;
    mmn_list_rewind(list);
    return status == MMN_INPUT ? MMN_OK : status;
}

bool mmn_sample_blame(mmn_error *error, uint64_t line, const char *list_file)
{
    if (error->status == MMN_INTERRUPTED || (error->status == MMN_SYSTEM && error->file[0] == '\0'))
        return false;
    char sentence[sizeof(error->message)], where[32];
    const char *hint = error->cause == ENOENT && error->file[0] != '/'
                           ? " (paths in a list are relative to the list's folder)"
                           : "";
    mmn_error_sentence(error, sentence, sizeof(sentence));
    snprintf(where, sizeof(where), "line %" PRIu64, line);
    mmn_fail(error, error->status == MMN_NONFINITE ? MMN_NONFINITE : MMN_INPUT, list_file, where,
             "%s%s", sentence, hint);
    return true;
}
