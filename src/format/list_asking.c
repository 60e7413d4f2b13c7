/* What lines of lists ask: pictures, a question, how its answer is judged, and an edit. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/reader.h"
#include "format/list_internal.h"

/* Memory that lives as long as the line's sample; NULL after a failure. */
static void *keep(mmn_list *list, const mmn_object *line, void *block)
{
    void *kept = mmn_blocks_keep(&list->blocks, block, line->reader->error);
    if (!kept && mmn_read_fine(line))
        mmn_read_failed(line, MMN_SYSTEM);
    return kept;
}

static void *allocate(mmn_list *list, const mmn_object *line, size_t count, size_t size)
{
    return keep(list, line, mmn_allocate(count, size, line->reader->error));
}

char *mmn_list_beside(mmn_list *list, const mmn_object *line, const char *name)
{
    const char *folder = strcmp(list->folder, ".") == 0 ? "" : list->folder;
    char *path = NULL;
    if (!mmn_read_fine(line))
        return NULL;
    mmn_read_failed(line, mmn_path_join(&path, folder, name, line->reader->error));
    return keep(list, line, path);
}

/* ---- Pictures -------------------------------------------------------------------------------- */

static const char *read_image(mmn_list *list, const mmn_object *line, const json_t *image)
{
    const char *name = json_string_value(image);
    if (!name || name[0] == '\0' || mmn_json_odd_number(image))
        mmn_read_wrong(line, "image", "must be a path or an array of paths");
    return mmn_list_beside(list, line, name);
}

static void read_images(const char *const **images, size_t *count, mmn_list *list,
                        const mmn_object *line)
{
    const json_t *image = mmn_object_value(line, "image");
    const bool many = json_is_array(image);
    const size_t all = many ? json_array_size(image) : image != NULL;
    if (all > MMN_LIST_IMAGE_LIMIT)
        mmn_read_wrong(line, "image", "must not have more than %d paths", MMN_LIST_IMAGE_LIMIT);
    const char **paths = allocate(list, line, all, sizeof(*paths));
    for (size_t i = 0; i < all && mmn_read_fine(line); i++)
        paths[i] = read_image(list, line, many ? json_array_get(image, i) : image);
    *images = paths;
    *count = all;
}

/* ---- Texts ----------------------------------------------------------------------------------- */

/* Reads an array of texts; absent: *texts stays NULL. */
static void read_texts(const char *const **texts, size_t *count, mmn_list *list,
                       const mmn_object *line, const char *key)
{
    json_t *array = NULL;
    mmn_read_array(&array, line, key);
    if (!array)
        return;
    size_t size = json_array_size(array);
    const char **read = allocate(list, line, size, sizeof(*read));
    for (size_t i = 0; read && i < size; i++) {
        const json_t *text = json_array_get(array, i);
        read[i] = json_string_value(text);
        if (!read[i] || mmn_json_odd_number(text))
            mmn_read_wrong(line, key, "must be an array of texts");
    }
    *texts = read;
    *count = size;
}

static void read_metric(mmn_sample *sample, const mmn_object *line)
{
    static const struct {
        const char *name;
        mmn_metric metric;
    } metrics[] = {{"vqa", MMN_METRIC_VQA},     {"exact", MMN_METRIC_EXACT},
                   {"anls", MMN_METRIC_ANLS},   {"choice", MMN_METRIC_CHOICE},
                   {"lingo", MMN_METRIC_LINGO}, {"language", MMN_METRIC_LANGUAGE}};
    const char *name = NULL;
    mmn_read_text(&name, line, "metric");
    size_t found = name ? MMN_NAME_INDEX(name, metrics) : MMN_LENGTH(metrics);
    if (found < MMN_LENGTH(metrics))
        sample->metric = metrics[found].metric;
    else if (name)
        mmn_read_wrong(
            line, "metric",
            "must be \"vqa\", \"exact\", \"anls\", \"choice\", \"lingo\" or \"language\" "
            "and is \"%.40s\"",
            name);
}

/* ---- What pictures show ---------------------------------------------------------------------- */

static void read_objects(mmn_sample *sample, mmn_list *list, const mmn_object *line)
{
    read_texts(&sample->objects, &sample->object_count, list, line, "objects");
    if (!mmn_read_fine(line) || sample->object_count == 0)
        return;
    const char **objects = (const char **)(uintptr_t)sample->objects;
    qsort(objects, sample->object_count, sizeof(*objects), mmn_compare_names);
    if (objects[0][0] == '\0')
        mmn_read_wrong(line, "objects", "must not have an empty text");
    for (size_t i = 1; i < sample->object_count; i++)
        if (strcmp(objects[i - 1], objects[i]) == 0)
            mmn_read_wrong(line, "objects", "has \"%.60s\" twice", objects[i]);
}

/* ---- Edits ----------------------------------------------------------------------------------- */

/* One of what an edit is tried on: what it does not say is as the line has it. */
static void read_asked(mmn_list_asked *asked, const mmn_sample *sample, mmn_list *list,
                       const mmn_object *object)
{
    static const char *const keys[] = {"image", "question", "prompt"};
    const char *key;
    json_t *value;
    *asked = (mmn_list_asked){.images = sample->images,
                              .image_count = sample->image_count,
                              .question = sample->question,
                              .prompt = sample->prompt};
    json_object_foreach(object->value, key,
                        value) if (MMN_NAME_INDEX(key, keys) == MMN_LENGTH(keys) &&
                                   !list->allows_unknown_keys)
        mmn_read_wrong(object, key, "is none of image, question and prompt");
    if (mmn_object_value(object, "image"))
        read_images(&asked->images, &asked->image_count, list, object);
    if (mmn_object_value(object, "question") || mmn_object_value(object, "prompt"))
        asked->question = asked->prompt = NULL;
    mmn_read_text(&asked->question, object, "question");
    mmn_read_text(&asked->prompt, object, "prompt");
}

static void read_all_asked(const mmn_list_asked **asked, size_t *count, const mmn_sample *sample,
                           mmn_list *list, const mmn_object *line, const char *key)
{
    json_t *array = NULL;
    mmn_read_array(&array, line, key);
    const size_t all = json_array_size(array);
    if (all > MMN_LIST_ASKED_LIMIT)
        mmn_read_wrong(line, key, "must not have more than %d elements and has %zu",
                       MMN_LIST_ASKED_LIMIT, all);
    mmn_list_asked *read = allocate(list, line, all, sizeof(*read));
    for (size_t i = 0; i < all && mmn_read_fine(line); i++) {
        const mmn_object object = mmn_read_element(line, key, array, i);
        if (mmn_read_fine(line))
            read_asked(&read[i], sample, list, &object);
    }
    *asked = read;
    *count = all;
}

static void read_edit(mmn_sample *sample, mmn_list *list, const mmn_object *line)
{
    mmn_read_text(&sample->from, line, "from");
    mmn_read_text(&sample->to, line, "to");
    if (!sample->from != !sample->to)
        mmn_read_wrong(line, sample->from ? "to" : "from",
                       "is missing: an edit says which word of the answer becomes which");
    read_all_asked(&sample->general, &sample->general_count, sample, list, line, "general");
    read_all_asked(&sample->local, &sample->local_count, sample, list, line, "local");
}

/* ---- Questions ------------------------------------------------------------------------------- */

void mmn_list_read_question(mmn_sample *sample, mmn_list *list, const mmn_object *line)
{
    read_images(&sample->images, &sample->image_count, list, line);
    mmn_read_text(&sample->question, line, "question");
    mmn_read_text(&sample->prompt, line, "prompt");
    if (!sample->prompt && !list->allows_no_questions)
        mmn_read_required(line, "question");
    read_texts(&sample->answers, &sample->answer_count, list, line, "answers");
    read_texts(&sample->choices, &sample->choice_count, list, line, "choices");
    read_texts(&sample->words, &sample->word_count, list, line, "words");
    read_metric(sample, line);
    read_edit(sample, list, line);
    read_objects(sample, list, line);
    mmn_read_text(&sample->property, line, "property");
}
