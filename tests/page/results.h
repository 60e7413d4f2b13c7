/* For the tests of reports: results to make them of, and what they wrote, read back. */
#ifndef TESTS_REPORT_RESULTS_H
#define TESTS_REPORT_RESULTS_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "mmneuron.h"

#define DATA MMN_SOURCE_DIR "/tests/page/data/"

static const char *const data_files[] = {
    DATA "neurons.json", DATA "eval.json",       DATA "perturb.json", DATA "lens.json",
    DATA "contrib.json", DATA "likelihood.json", DATA "sweep.json",   DATA "similarity.json"};
static char folder[64];
static mmn_error error;

static inline void make_folder(void)
{
    snprintf(folder, sizeof(folder), "/tmp/mmneuron-report-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static inline void remove_folder(void)
{
    char command[96];
    snprintf(command, sizeof(command), "rm -r '%s'", folder);
    cr_assert_eq(system(command), 0);
}

/* A path in the folder, valid until the second next call. */
static inline const char *in_folder(const char *name)
{
    static char paths[2][128];
    static int turn;
    turn = 1 - turn;
    snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", folder, name);
    return paths[turn];
}

/* The file of a result, in which ' stands for ". */
static inline const char *file_of(const char *name, const char *result)
{
    char *text = mmn_copy_text(result, NULL);
    const char *file = in_folder(name);
    for (char *at = text; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    cr_assert_eq(mmn_write_file(file, text, strlen(text), &error), MMN_OK);
    mmn_free(text);
    return file;
}

static inline mmn_report *report_of(const char *const *files, size_t count)
{
    mmn_report *report;
    const mmn_report_options options = {.size = sizeof(options),
                                        .images = MMN_SOURCE_DIR "/golden/images"};
    cr_assert_eq(mmn_report_read(&report, files, count, &options, &error), MMN_OK, "%s: %s: %s",
                 error.file, error.where, error.message);
    return report;
}

static inline char *written(const mmn_report *report, mmn_report_format format, const char *figure)
{
    char *text;
    const char *path = in_folder("written");
    cr_assert_eq(mmn_report_write(report, format, figure, path, &error), MMN_OK, "%s",
                 error.message);
    cr_assert_eq(mmn_read_file(&text, NULL, path, (size_t)1 << 28, &error), MMN_OK);
    return text;
}

static inline json_t *load(const char *file)
{
    json_t *json;
    cr_assert_eq(mmn_json_load(&json, file, (size_t)1 << 28, &error), MMN_OK, "%s", error.message);
    return json;
}

/* A table of texts: the fields of row r from field[r * columns] on; row 0 has the names. */
typedef struct csv {
    char *text, **field;
    size_t columns, count, rows; /* rows below the names */
} csv;

/* Ends the field at `at`, unquoted in place, and returns where the next begins. */
static inline char *read_field(char *at, char **field, bool *ends_row)
{
    char *to = at;
    const bool quoted = *at == '"';
    *field = at;
    for (at += quoted; quoted ? *at != '"' || at[1] == '"' : *at != ',' && *at != '\n'; at++) {
        cr_assert_neq(*at, '\0');
        at += quoted && *at == '"';
        *to++ = *at;
    }
    at += quoted;
    *ends_row = *at == '\n';
    cr_assert(*at == ',' || *at == '\n');
    *to = '\0';
    return at + 1;
}

static inline csv read_csv(const mmn_report *report, const char *figure)
{
    csv table = {.text = written(report, MMN_REPORT_CSV, figure)};
    size_t capacity = 0;
    for (char *at = table.text; *at != '\0';) {
        bool ends_row;
        cr_assert_eq(mmn_reserve(&table.field, &capacity, table.count + 1, sizeof(char *), NULL),
                     MMN_OK);
        at = read_field(at, &table.field[table.count], &ends_row);
        table.count++;
        if (ends_row && table.columns == 0)
            table.columns = table.count;
        cr_assert(!ends_row || table.count % table.columns == 0);
    }
    table.rows = table.count / table.columns - 1;
    return table;
}

static inline void free_csv(csv *table)
{
    mmn_free(table->field);
    mmn_free(table->text);
}

/* Column `column` of row `row` (from 0) below the names. */
static inline const char *field(const csv *table, size_t row, size_t column)
{
    return table->field[(row + 1) * table->columns + column];
}

/* The same as a number, with which every digit must be read. */
static inline double number(const csv *table, size_t row, size_t column)
{
    char *end;
    const char *text = field(table, row, column);
    const double value = strtod(text, &end);
    cr_assert(*text != '\0' && *end == '\0', "\"%s\"", text);
    return value;
}

static inline const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    cr_assert_not_null(text, "%s", key);
    return text;
}

static inline double real_of(const json_t *object, const char *key)
{
    cr_assert(json_is_number(json_object_get(object, key)), "%s", key);
    return json_number_value(json_object_get(object, key));
}

/* Item `index` of the array `key` of an object. */
static inline double item_of(const json_t *object, const char *key, size_t index)
{
    const json_t *item = json_array_get(json_object_get(object, key), index);
    cr_assert(json_is_number(item), "%s", key);
    return json_number_value(item);
}

/* Whether two texts of an object are these. */
static inline bool says(const json_t *object, const char *key, const char *text)
{
    return strcmp(text_of(object, key), text) == 0;
}

#endif
