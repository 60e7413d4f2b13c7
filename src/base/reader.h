/* Reading the objects of a JSON document: typed, within bounds, and only up to the first thing that
 * is wrong. That stays in the reader, so that a function reads all its keys in a row and one look
 * at mmn_reader's status in the end tells whether they were right. */
#ifndef MMN_BASE_READER_H
#define MMN_BASE_READER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The first thing that was wrong with what is read, from one document or several; after that every
 * function below does nothing and leaves the values of its caller alone. */
typedef struct mmn_reader {
    mmn_status status;
    mmn_error *error; /* filled with the first failure; may be NULL */
} mmn_reader;

/* An object inside a document, with what is needed to name its keys: `prefix` is "" for the
 * document itself and "text_config." or "text_config.rope_parameters." inside. value is NULL when
 * the object is absent: then nothing is found in it. The document and the reader must outlive
 * it. */
typedef struct mmn_object {
    json_t *value;
    mmn_reader *reader;
    const char *file; /* for errors; may be NULL */
    char prefix[192]; /* keys that do not fit are cut */
} mmn_object;

/* Views the document `value` of `file` as an object; it is wrong if it is something else. */
mmn_object mmn_read_document(mmn_reader *reader, json_t *value, const char *file);

/* A JSON file of a folder. Start from {0}. */
typedef struct mmn_document {
    char *path;
    json_t *value; /* NULL: there is no such file */
} mmn_document;

/* Parses `folder`/`name`, a file of at most `limit` bytes that was published with a model and may
 * be absent (mmn_json_load_if_there), and views it as an object; what is wrong with an absent one
 * has no file. Close the document also on failure. */
mmn_object mmn_read_in_folder(mmn_document *document, mmn_reader *reader, const char *folder,
                              const char *name, size_t limit);
void mmn_document_close(mmn_document *document);

/* Says what is wrong with the value of `key` (MMN_INPUT, naming file and key), unless something was
 * before. */
void mmn_read_wrong(const mmn_object *object, const char *key, const char *format, ...)
    MMN_PRINTF(3, 4);
/* Takes over a failure of something else, MMN_OK too: `status` with the reader's error filled. */
void mmn_read_failed(const mmn_object *object, mmn_status status);
/* The same of a call that is not made any more when something was wrong. */
#define MMN_READ_TRY(object, call)                                                                 \
    do {                                                                                           \
        if (mmn_read_fine(object))                                                                 \
            mmn_read_failed((object), (call));                                                     \
    } while (0)
/* Whether nothing has been wrong so far. */
bool mmn_read_fine(const mmn_object *object);

/* Whether the object has this key, be it null. */
bool mmn_object_has(const mmn_object *object, const char *key);
/* The value of the key; NULL where it is absent or null, which most files mean by absent. */
json_t *mmn_object_value(const mmn_object *object, const char *key);
/* The key is wrong ("is missing") unless the object has it with a value other than null. Returns
 * the key, so that it can stand in the place of one that is read. */
const char *mmn_read_required(const mmn_object *object, const char *key);
/* The same for `count` keys, in their order. */
void mmn_read_all_required(const mmn_object *object, const char *const *keys, size_t count);

/* A key that is absent or null leaves the value as it was, so the caller puts the default there
 * first; a value of another type, or outside [least, most], is wrong. */
mmn_object mmn_read_object(const mmn_object *object,
                           const char *key); /* absent: its value is NULL */
/* Element `index` of `array`, the object's array `key`; it is wrong if it is no object. */
mmn_object mmn_read_element(const mmn_object *object, const char *key, const json_t *array,
                            size_t index);
void mmn_read_u32(uint32_t *value, const mmn_object *object, const char *key, uint32_t least,
                  uint32_t most);
void mmn_read_i64(int64_t *value, const mmn_object *object, const char *key, int64_t least,
                  int64_t most);
/* Integers are numbers too. */
void mmn_read_f64(double *value, const mmn_object *object, const char *key, double least,
                  double most);
void mmn_read_bool(bool *value, const mmn_object *object, const char *key);
/* The text belongs to the document. */
void mmn_read_text(const char **value, const mmn_object *object, const char *key);
/* The array itself; absent or null: *array is left as it was. */
void mmn_read_array(json_t **array, const mmn_object *object, const char *key);
/* One integer or an array of at most `capacity` of them: *count says how many. */
void mmn_read_integers(int64_t *values, size_t *count, size_t capacity, const mmn_object *object,
                       const char *key, int64_t least, int64_t most);

/* What a configuration may say: a table of its keys and of the members of a structure that they
 * fill. */
typedef enum mmn_field_type {
    MMN_FIELD_U32,
    MMN_FIELD_F32,
    MMN_FIELD_F64,
    MMN_FIELD_BOOL
} mmn_field_type;

typedef struct mmn_field {
    const char *key, *alias; /* the alias, which may be NULL, counts where the key says nothing */
    mmn_field_type type;
    size_t offset; /* of the member; it has the default before */
    double least, most;
} mmn_field;

/* Reads the fields in their order into the structure. */
void mmn_read_fields(void *structure, const mmn_object *object, const mmn_field *fields,
                     size_t count);

#endif
