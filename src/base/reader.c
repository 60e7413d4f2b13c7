/* Reading the objects of a JSON document: typed, within bounds, and only up to the first thing that
 * is wrong. */
#include "base/reader.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"

bool mmn_read_fine(const mmn_object *object)
{
    return object->reader->status == MMN_OK;
}

void mmn_read_failed(const mmn_object *object, mmn_status status)
{
    if (mmn_read_fine(object))
        object->reader->status = status;
}

void mmn_read_wrong(const mmn_object *object, const char *key, const char *format, ...)
{
    mmn_reader *reader = object->reader;
    char message[1024];
    va_list arguments;
    if (reader->status != MMN_OK)
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    reader->status = mmn_fail(reader->error, MMN_INPUT, object->file,
                              MMN_PLACE("%s%s", object->prefix, key), "%s", message);
}

static void wrong_type(const mmn_object *object, const char *key, const json_t *value,
                       const char *expected)
{
    mmn_read_wrong(object, key, "must be %s and is %s", expected, mmn_json_type_name(value));
}

mmn_object mmn_read_document(mmn_reader *reader, json_t *value, const char *file)
{
    mmn_object object = {.reader = reader, .file = file};
    if (reader->status == MMN_OK && json_is_object(value))
        object.value = value;
    else if (reader->status == MMN_OK)
        reader->status = mmn_fail(reader->error, MMN_INPUT, file, NULL,
                                  "must be a JSON object and is %s", mmn_json_type_name(value));
    return object;
}

mmn_object mmn_read_in_folder(mmn_document *document, mmn_reader *reader, const char *folder,
                              const char *name, size_t limit)
{
    if (reader->status == MMN_OK)
        reader->status = mmn_path_join(&document->path, folder, name, reader->error);
    if (reader->status == MMN_OK)
        reader->status =
            mmn_json_load_if_there(&document->value, document->path, limit, reader->error);
    if (document->value)
        return mmn_read_document(reader, document->value, document->path);
    return (mmn_object){.reader = reader};
}

void mmn_document_close(mmn_document *document)
{
    json_decref(document->value);
    mmn_free(document->path);
    *document = (mmn_document){0};
}

bool mmn_object_has(const mmn_object *object, const char *key)
{
    return object->value && json_object_get(object->value, key);
}

json_t *mmn_object_value(const mmn_object *object, const char *key)
{
    json_t *value = object->value ? json_object_get(object->value, key) : NULL;
    return json_is_null(value) ? NULL : value;
}

const char *mmn_read_required(const mmn_object *object, const char *key)
{
    if (!mmn_object_value(object, key))
        mmn_read_wrong(object, key, "is missing");
    return key;
}

void mmn_read_all_required(const mmn_object *object, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mmn_read_required(object, keys[i]);
}

/* What there is to read at the key: nothing once something has been wrong. */
static json_t *find(const mmn_object *object, const char *key)
{
    return mmn_read_fine(object) ? mmn_object_value(object, key) : NULL;
}

mmn_object mmn_read_object(const mmn_object *object, const char *key)
{
    mmn_object child = {.reader = object->reader, .file = object->file};
    snprintf(child.prefix, sizeof(child.prefix), "%.120s%.60s.", object->prefix, key);
    json_t *value = find(object, key);
    if (json_is_object(value))
        child.value = value;
    else if (value)
        wrong_type(object, key, value, "an object");
    return child;
}

mmn_object mmn_read_element(const mmn_object *object, const char *key, const json_t *array,
                            size_t index)
{
    mmn_object element = {.reader = object->reader, .file = object->file};
    char name[64];
    snprintf(name, sizeof(name), "%.40s[%zu]", key, index);
    snprintf(element.prefix, sizeof(element.prefix), "%.120s%s.", object->prefix, name);
    json_t *value = json_array_get(array, index);
    if (!json_is_object(value))
        mmn_read_wrong(object, name, "must be an object");
    else if (mmn_read_fine(object))
        element.value = value;
    return element;
}

static void read_integer(int64_t *number, const mmn_object *object, const char *key,
                         const json_t *value, int64_t least, int64_t most)
{
    const char *odd = mmn_json_odd_number(value);
    json_int_t found = json_integer_value(value);
    if (odd)
        mmn_read_wrong(object, key,
                       "must be an integer between %" PRId64 " and %" PRId64 " and is %.60s", least,
                       most, odd);
    else if (!json_is_integer(value))
        wrong_type(object, key, value, "an integer");
    else if (found < least || found > most)
        mmn_read_wrong(object, key, "must be between %" PRId64 " and %" PRId64 " and is %" PRId64,
                       least, most, (int64_t)found);
    else
        *number = found;
}

void mmn_read_i64(int64_t *value, const mmn_object *object, const char *key, int64_t least,
                  int64_t most)
{
    const json_t *found = find(object, key);
    if (found)
        read_integer(value, object, key, found, least, most);
}

void mmn_read_u32(uint32_t *value, const mmn_object *object, const char *key, uint32_t least,
                  uint32_t most)
{
    int64_t number = *value;
    mmn_read_i64(&number, object, key, least, most);
    *value = (uint32_t)number;
}

void mmn_read_f64(double *value, const mmn_object *object, const char *key, double least,
                  double most)
{
    const json_t *found = find(object, key);
    if (!found)
        return;
    const char *odd = mmn_json_odd_number(found);
    double number = json_number_value(found);
    if (odd)
        mmn_read_wrong(object, key, "must be between %g and %g and is %.60s", least, most, odd);
    else if (!json_is_number(found))
        wrong_type(object, key, found, "a number");
    else if (!(number >= least && number <= most))
        mmn_read_wrong(object, key, "must be between %g and %g and is %g", least, most, number);
    else
        *value = number;
}

void mmn_read_bool(bool *value, const mmn_object *object, const char *key)
{
    const json_t *found = find(object, key);
    if (json_is_boolean(found))
        *value = json_is_true(found);
    else if (found)
        wrong_type(object, key, found, "true or false");
}

void mmn_read_text(const char **value, const mmn_object *object, const char *key)
{
    const json_t *found = find(object, key);
    if (json_is_string(found) && !mmn_json_odd_number(found))
        *value = json_string_value(found);
    else if (found)
        wrong_type(object, key, found, "a text");
}

void mmn_read_array(json_t **array, const mmn_object *object, const char *key)
{
    json_t *found = find(object, key);
    if (json_is_array(found))
        *array = found;
    else if (found)
        wrong_type(object, key, found, "an array");
}

void mmn_read_integers(int64_t *values, size_t *count, size_t capacity, const mmn_object *object,
                       const char *key, int64_t least, int64_t most)
{
    const json_t *found = find(object, key);
    if (!found)
        return;
    bool many = json_is_array(found);
    size_t size = many ? json_array_size(found) : 1;
    if (!many && !json_is_integer(found) && !mmn_json_odd_number(found))
        wrong_type(object, key, found, "an integer or an array of integers");
    else if (size > capacity)
        mmn_read_wrong(object, key, "must not have more than %zu numbers and has %zu", capacity,
                       size);
    for (size_t i = 0; i < size && mmn_read_fine(object); i++)
        read_integer(&values[i], object, key, many ? json_array_get(found, i) : found, least, most);
    if (mmn_read_fine(object))
        *count = size;
}

static void read_field(void *member, const mmn_object *object, const char *key,
                       const mmn_field *field)
{
    double number;
    switch (field->type) {
    case MMN_FIELD_U32:
        mmn_read_u32(member, object, key, (uint32_t)field->least, (uint32_t)field->most);
        break;
    case MMN_FIELD_F32:
        number = (double)*(float *)member;
        mmn_read_f64(&number, object, key, field->least, field->most);
        *(float *)member = (float)number;
        break;
    case MMN_FIELD_F64:
        mmn_read_f64(member, object, key, field->least, field->most);
        break;
    case MMN_FIELD_BOOL:
        mmn_read_bool(member, object, key);
        break;
    }
}

void mmn_read_fields(void *structure, const mmn_object *object, const mmn_field *fields,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool by_alias = fields[i].alias && !mmn_object_value(object, fields[i].key);
        read_field((char *)structure + fields[i].offset, object,
                   by_alias ? fields[i].alias : fields[i].key, &fields[i]);
    }
}
