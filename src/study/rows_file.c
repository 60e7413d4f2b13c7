/* Files of rows: lines of JSON that each carry a check value, the first of which says what run the
 * others are of. */
#include "study/rows_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file_kind.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/memory.h"
#include "mmneuron.h"

/* Rows are synced when the last time is this long ago. */
#define SYNC_SECONDS 2.0

/* How lines end, around the check value of what comes before it. */
#define CHECK ", \"check\": \""
#define END "\"}\n"
#define CHECK_SIZE (sizeof(CHECK) - 1 + MMN_DIGEST_SIZE - 1 + sizeof(END) - 1)

#define FINISHED "{\"finished\": true, "

/* ---- Lines ----------------------------------------------------------------------------------- */

void mmn_rows_line_end(mmn_text *text, size_t start)
{
    char check[MMN_DIGEST_SIZE];
    if (text->failed)
        return;
    mmn_digest_of(text->text + start, text->length - start, check);
    mmn_text_add(text, CHECK "%s" END, check);
}

/* The bytes of the line from `at` on with its line end; 0: it has none. */
static size_t line_size(const mmn_rows_file *file, size_t at)
{
    const uint8_t *begin = file->mapping.data + at;
    const uint8_t *end = at < file->size ? memchr(begin, '\n', file->size - at) : NULL;
    return end ? (size_t)(end - begin) + 1 : 0;
}

/* Whether a line, with its line end, is as it was written. */
static bool is_whole(const char *line, size_t size)
{
    char check[MMN_DIGEST_SIZE];
    if (size < CHECK_SIZE)
        return false;
    const char *end = line + size - CHECK_SIZE;
    mmn_digest_of(line, size - CHECK_SIZE, check);
    return memcmp(end, CHECK, strlen(CHECK)) == 0 &&
           memcmp(end + strlen(CHECK), check, strlen(check)) == 0 &&
           memcmp(line + size - strlen(END), END, strlen(END)) == 0;
}

static mmn_status wrong(const mmn_rows_file *file, mmn_error *error, const char *message)
{
    return mmn_fail(error, MMN_INPUT, file->path,
                    MMN_PLACE("line %" PRIu64 ", byte %zu", file->line + 1, file->at), "%s",
                    message);
}

mmn_status mmn_rows_file_next(json_t **document, mmn_rows_file *file, const char *key,
                              mmn_error *error)
{
    const size_t size = line_size(file, file->at), length = key ? strlen(key) : 0;
    const char *line = (const char *)file->mapping.data + file->at;
    *document = NULL;
    if (size == 0)
        return wrong(file, error,
                     file->at < file->size ? "is torn: the file has been cut or damaged"
                                           : "is missing: there are fewer rows than were written");
    if (!is_whole(line, size))
        return wrong(file, error, "does not agree with its check value: the file has been damaged");
    if (size < length || (key && memcmp(line, key, length) != 0))
        return wrong(file, error, "is not the row that follows here");
    MMN_TRY(mmn_json_parse_line(document, line, size, file->path, file->line + 1, error));
    file->at += size;
    file->line++;
    return MMN_OK;
}

size_t mmn_rows_file_lines_left(const mmn_rows_file *file)
{
    size_t lines = 0;
    for (size_t at = file->at, size; at < file->size; at += size) {
        size = line_size(file, at);
        lines++;
        if (size == 0)
            break;
    }
    return lines;
}

bool mmn_rows_file_finished(const mmn_rows_file *file)
{
    const char *bytes = (const char *)file->mapping.data;
    size_t start = file->size;
    if (start > 0)
        start--;
    while (start > file->at && bytes[start - 1] != '\n')
        start--;
    const size_t size = file->size - start;
    return start >= file->at && size > strlen(FINISHED) &&
           memcmp(bytes + start, FINISHED, strlen(FINISHED)) == 0 && is_whole(bytes + start, size);
}

/* ---- The first line -------------------------------------------------------------------------- */

mmn_status mmn_rows_header(mmn_text *text, const char *run, uint32_t shard, uint32_t shards,
                           const char *const *arguments, size_t argument_count, mmn_error *error)
{
    mmn_text_add(text, "{\"format\": \"" MMN_ROWS_FORMAT "\", ");
    mmn_text_add_bytes(text, run, strlen(run));
    mmn_text_add(text, ", \"shard\": %" PRIu32 ", \"shards\": %" PRIu32 ", \"arguments\": [", shard,
                 shards);
    for (size_t i = 0; i < argument_count; i++) {
        if (i > 0)
            mmn_text_add(text, ", ");
        mmn_text_add_json(text, arguments[i]);
    }
    mmn_text_add(text, "]");
    mmn_rows_line_end(text, 0);
    return mmn_text_status(text, error);
}

static mmn_status read_header(mmn_rows_file *file, mmn_error *error)
{
    static const char key[] = "{\"format\": \"" MMN_ROWS_FORMAT "\", ";
    mmn_reader reader = {.error = error};
    json_t *document;
    if (file->size < strlen(key) || memcmp(file->mapping.data, key, strlen(key)) != 0)
        return mmn_file_kind_explain(error,
                                     mmn_fail(error, MMN_INPUT, file->path, NULL,
                                              "is no file of rows of a version that is known"),
                                     file->path, MMN_KIND_ROWS);
    MMN_TRY(mmn_rows_file_next(&document, file, key, error));
    const mmn_object header = mmn_read_document(&reader, document, file->path);
    mmn_read_u32(&file->shards, &header, mmn_read_required(&header, "shards"), 1, UINT32_MAX);
    mmn_read_u32(&file->shard, &header, mmn_read_required(&header, "shard"), 1, file->shards);
    json_decref(document);
    return reader.status;
}

mmn_status mmn_rows_file_open(mmn_rows_file *file, const char *path, mmn_error *error)
{
    file->path = path;
    MMN_TRY(mmn_map_file(&file->mapping, path, error));
    file->size = file->mapping.size;
    return read_header(file, error);
}

/* A value of one line, for people. */
static void add_value(mmn_text *text, const json_t *value)
{
    if (json_is_string(value))
        mmn_text_add(text, "\"%.60s\"", json_string_value(value));
    else if (json_is_integer(value))
        mmn_text_add(text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        mmn_text_add_real(text, json_real_value(value));
    else if (json_is_boolean(value))
        mmn_text_add(text, json_is_true(value) ? "true" : "false");
    else if (value)
        mmn_text_add(text, "%s", mmn_json_type_name(value));
    else
        mmn_text_add(text, "nothing");
}

/* Says that the file's value of a key differs from this run's. */
static mmn_status refuse(const mmn_rows_file *file, const char *prefix, const char *key,
                         const json_t *there, const json_t *here, mmn_error *error)
{
    mmn_text difference = {0};
    add_value(&difference, there);
    mmn_text_add(&difference, ", now ");
    add_value(&difference, here);
    mmn_status status = mmn_text_status(&difference, error);
    if (status == MMN_OK)
        status = mmn_fail(error, MMN_INPUT, file->path, MMN_PLACE("%s%s", prefix, key),
                          "these rows are of another run than this one, which differs in %s%s "
                          "(%.200s); give another name, or remove the file to start again",
                          prefix, key, difference.text);
    mmn_text_free(&difference);
    return status;
}

/* Whether the members of both objects are the same. */
static mmn_status compare(const mmn_rows_file *file, const char *prefix, json_t *there,
                          json_t *here, mmn_error *error)
{
    const char *key;
    json_t *value;
    json_object_foreach(here, key, value)
    {
        json_t *other = json_object_get(there, key);
        const bool apart = *prefix == '\0' &&
                           (strcmp(key, "check") == 0 || strcmp(key, "arguments") == 0 ||
                            strcmp(key, "shard") == 0 || strcmp(key, "shards") == 0);
        if (apart || json_equal(value, other))
            continue;
        if (*prefix == '\0' && json_is_object(value) && json_is_object(other))
            return compare(file, "settings.", other, value, error);
        return refuse(file, prefix, key, other, value, error);
    }
    json_object_foreach(there, key, value) if (!json_object_get(here, key)) return refuse(
        file, prefix, key, value, NULL, error);
    return MMN_OK;
}

mmn_status mmn_rows_same_run(const mmn_rows_file *file, const char *header, mmn_error *error)
{
    const char *line = (const char *)file->mapping.data;
    json_t *there = NULL, *here = NULL;
    mmn_status status = mmn_json_parse_line(&there, line, line_size(file, 0), file->path, 1, error);
    if (status == MMN_OK)
        status = mmn_json_parse_line(&here, header, strlen(header), file->path, 1, error);
    if (status == MMN_OK)
        status = compare(file, "", there, here, error);
    json_decref(there);
    json_decref(here);
    return status;
}

mmn_status mmn_rows_arguments(char ***arguments, size_t *count, const char *path, mmn_error *error)
{
    MMN_CLEAR(arguments);
    MMN_GIVEN(error, arguments, count, path);
    *count = 0;
    if (mmn_file_kind_of(path) != MMN_KIND_ROWS)
        return MMN_OK;
    mmn_rows_file file = {0};
    mmn_reader reader = {.error = error};
    json_t *document = NULL, *array = NULL;
    reader.status = mmn_rows_file_open(&file, path, error);
    if (reader.status == MMN_OK)
        reader.status = mmn_json_parse_line(&document, (const char *)file.mapping.data,
                                            line_size(&file, 0), path, 1, error);
    const mmn_object header = mmn_read_document(&reader, document, path);
    mmn_read_required(&header, "arguments");
    mmn_read_array(&array, &header, "arguments");
    size_t bytes = 0;
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (!json_is_string(json_array_get(array, i)))
            mmn_read_wrong(&header, "arguments", "must be texts");
        bytes += json_string_length(json_array_get(array, i)) + 1;
    }
    const size_t all = json_array_size(array);
    char **made = NULL;
    if (reader.status == MMN_OK &&
        !(made = mmn_allocate(1, (all + 1) * sizeof(*made) + bytes, error)))
        reader.status = MMN_SYSTEM;
    char *text = made ? (char *)(made + all + 1) : NULL;
    for (size_t i = 0; made && i < all; i++) {
        const json_t *argument = json_array_get(array, i);
        made[i] = text;
        memcpy(text, json_string_value(argument), json_string_length(argument) + 1);
        text += json_string_length(argument) + 1;
    }
    *arguments = made;
    *count = made ? all : 0;
    json_decref(document);
    mmn_rows_file_close(&file);
    return reader.status;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* Opens the file, which is there, to be written and by nobody else. */
static mmn_status lock_file(mmn_rows_file *file, mmn_error *error)
{
    const int descriptor = open(file->path, O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return mmn_fail_system(error, errno, file->path, "rows cannot be written to it");
    file->lock = descriptor + 1;
    file->synced = mmn_clock();
    if (mmn_lock_file(descriptor))
        return MMN_OK;
    return mmn_fail(error, MMN_SYSTEM, file->path, NULL,
                    "another run is writing these rows; wait for it, or give another name");
}

/* Whether a file can be made there, before anything is done for it. */
static mmn_status check_folder(const char *path, mmn_error *error)
{
    char *folder;
    MMN_TRY(mmn_path_folder(&folder, path, error));
    mmn_status status = MMN_OK;
    if (access(folder, W_OK | X_OK) != 0)
        status = mmn_fail_system(error, errno, folder, "nothing can be written in this folder");
    mmn_free(folder);
    return status;
}

mmn_status mmn_rows_file_take(mmn_rows_file *file, const char *path, const char *header,
                              mmn_error *error)
{
    bool found;
    file->path = path;
    MMN_TRY(mmn_find_file(&found, path, error));
    if (!found) {
        MMN_NEED(file->header = mmn_copy_text(header, error));
        return check_folder(path, error);
    }
    MMN_TRY(lock_file(file, error));
    MMN_TRY(mmn_rows_file_open(file, path, error));
    file->written = file->size;
    return mmn_rows_same_run(file, header, error);
}

mmn_status mmn_rows_file_again(mmn_rows_file *file, mmn_error *error)
{
    mmn_unmap(&file->mapping);
    file->size = file->at = 0;
    file->line = 0;
    return mmn_rows_file_open(file, file->path, error);
}

/* Makes the file, with its first lines. */
static mmn_status make_file(mmn_rows_file *file, const char *lines, size_t size, mmn_error *error)
{
    mmn_text text = {0};
    mmn_text_add_bytes(&text, file->header, strlen(file->header));
    mmn_text_add_bytes(&text, lines, size);
    mmn_status status = mmn_text_status(&text, error);
    if (status == MMN_OK)
        status = mmn_write_file(file->path, text.text, text.length, error);
    if (status == MMN_OK)
        status = lock_file(file, error);
    file->written = text.length;
    mmn_text_free(&text);
    return status;
}

mmn_status mmn_rows_file_cut(mmn_rows_file *file, mmn_error *error)
{
    if (file->at == file->size)
        return MMN_OK;
    if (ftruncate(file->lock - 1, (off_t)file->at) != 0)
        return mmn_fail_system(error, errno, file->path, "the last rows cannot be removed");
    file->size = file->at;
    file->written = file->at;
    file->unsynced = true;
    return MMN_OK;
}

/* Writes all bytes; an errno or 0. */
static int write_all(int descriptor, const char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t done = write(descriptor, bytes, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? errno : ENOSPC;
        bytes += done;
        size -= (size_t)done;
    }
    return 0;
}

mmn_status mmn_rows_file_append(mmn_rows_file *file, const char *lines, size_t size,
                                mmn_error *error)
{
    if (file->lock == 0)
        return make_file(file, lines, size, error);
    const int problem = write_all(file->lock - 1, lines, size);
    if (problem != 0) {
        /* If it fails, the next run removes what was torn. */
        const bool removed = ftruncate(file->lock - 1, (off_t)file->written) == 0;
        return mmn_fail_system(error, problem, file->path, "rows cannot be written%s",
                               removed ? "" : ", and the last is torn");
    }
    file->written += size;
    file->unsynced = true;
    return mmn_clock() - file->synced < SYNC_SECONDS ? MMN_OK : mmn_rows_file_sync(file, error);
}

mmn_status mmn_rows_file_finish(mmn_rows_file *file, uint64_t samples, mmn_error *error)
{
    mmn_text line = {0};
    mmn_text_add(&line, FINISHED "\"samples\": %" PRIu64, samples);
    mmn_rows_line_end(&line, 0);
    mmn_status status = mmn_text_status(&line, error);
    if (status == MMN_OK)
        status = mmn_rows_file_append(file, line.text, line.length, error);
    mmn_text_free(&line);
    return status == MMN_OK ? mmn_rows_file_sync(file, error) : status;
}

mmn_status mmn_rows_file_sync(mmn_rows_file *file, mmn_error *error)
{
    if (!file->unsynced)
        return MMN_OK;
    if (fsync(file->lock - 1) != 0)
        return mmn_fail_system(error, errno, file->path, "rows cannot be written");
    file->synced = mmn_clock();
    file->unsynced = false;
    return MMN_OK;
}

void mmn_rows_file_close(mmn_rows_file *file)
{
    mmn_unmap(&file->mapping);
    mmn_free(file->header);
    if (file->lock > 0)
        close(file->lock - 1);
    *file = (mmn_rows_file){0};
}
