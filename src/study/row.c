/* Rows: what one of a plan's runs made of one sample, as members of a line of JSON. */
#include "study/row.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/json.h"

/* ---- Writing --------------------------------------------------------------------------------- */

static void add_text(mmn_text *line, const char *text)
{
    if (text)
        mmn_text_add_json(line, text);
    else
        mmn_text_add(line, "null");
}

/* So that it reads back as the same bits, in JSON that everybody reads: what is not a number is
 * null, and an infinite one a text. */
static void add_real(mmn_text *line, double value)
{
    if (isnan(value))
        mmn_text_add(line, "null");
    else if (isinf(value))
        mmn_text_add(line, value > 0 ? "\"inf\"" : "\"-inf\"");
    else if (value == 0)
        mmn_text_add(line, signbit(value) ? "-0.0" : "0");
    else
        mmn_text_add_real(line, value);
}

void mmn_row_add_key(mmn_text *line, const mmn_row *row, const mmn_plan *plan,
                     const mmn_samples *samples, const mmn_planned_sample *planned)
{
    const mmn_run *run = row->run;
    const mmn_domain *domains = samples->domains.domains;
    if (samples->windows.length > 0) {
        mmn_text_add(line, "{\"window\": %" PRIu64, planned->window);
    } else {
        mmn_text_add(line, "{\"line\": %" PRIu64 ", \"id\": ", planned->sample.line);
        add_text(line, planned->sample.id);
    }
    mmn_text_add(line, ", \"domain\": ");
    add_text(line, domains[run->domain].name);
    mmn_text_add(line, ", \"setting\": ");
    add_text(line, mmn_plan_setting(plan, run));
    mmn_text_add(line, ", \"off\": \"%s\", \"neurons_of\": ", mmn_off_names[run->off]);
    add_text(line, run->off == MMN_OFF_NOTHING ? NULL : domains[run->neurons_of].name);
    if (run->off == MMN_OFF_RANDOM)
        mmn_text_add(line, ", \"seed\": %" PRIu64 ", ", run->seed);
    else
        mmn_text_add(line, ", \"seed\": null, ");
}

/* Value number `index` of those that begin at `values`. */
static void add_value(mmn_text *line, mmn_row_type type, const void *values, size_t index)
{
    if (type == MMN_ROW_WHOLE)
        mmn_text_add(line, "%" PRIu64, ((const uint64_t *)values)[index]);
    else if (type == MMN_ROW_REAL)
        add_real(line, ((const double *)values)[index]);
    else
        add_text(line, ((char *const *)values)[index]);
}

static size_t count_of(const void *row, const mmn_row_column *column)
{
    size_t count = 1;
    if (column->many)
        memcpy(&count, (const char *)row + column->count, sizeof(count));
    return count;
}

static void add_many(mmn_text *line, const void *row, const mmn_row_column *column)
{
    const size_t count = count_of(row, column);
    const void *values;
    memcpy(&values, (const char *)row + column->offset, sizeof(values));
    mmn_text_add(line, "[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            mmn_text_add(line, ", ");
        add_value(line, column->type, values, i);
    }
    mmn_text_add(line, "]");
}

mmn_status mmn_row_add_columns(mmn_text *line, const void *row, const mmn_row_column *columns,
                               mmn_error *error)
{
    enum { OTHER_MEMBERS = 16 };
    size_t values = OTHER_MEMBERS;
    for (const mmn_row_column *column = columns; column->name; column++) {
        values += count_of(row, column);
        if (values > MMN_JSON_VALUE_LIMIT)
            return mmn_fail(error, MMN_INPUT, NULL, NULL,
                            "the row of this sample has more than %d values, which are too many to "
                            "keep",
                            MMN_JSON_VALUE_LIMIT);
        mmn_text_add(line, "%s\"%s\": ", column == columns ? "" : ", ", column->name);
        if (column->many)
            add_many(line, row, column);
        else
            add_value(line, column->type, (const char *)row + column->offset, 0);
    }
    return mmn_text_status(line, error);
}

mmn_status mmn_row_add_values(mmn_text *line, const mmn_row *row, const mmn_row_sample *sample,
                              const mmn_row_column *columns, mmn_error *error)
{
    mmn_text_add(line, "\"text\": %" PRIu64 ", \"image\": %" PRIu64, sample->positions[0],
                 sample->positions[1]);
    if (sample->nonfinite)
        mmn_text_add(line, ", \"nonfinite\": true");
    if (columns->name)
        mmn_text_add(line, ", ");
    return mmn_row_add_columns(line, row, columns, error);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool read_real(double *real, const json_t *value)
{
    const char *text = json_string_value(value);
    *real = json_is_number(value)               ? json_number_value(value)
            : json_is_null(value)               ? (double)NAN
            : text && strcmp(text, "inf") == 0  ? (double)INFINITY
            : text && strcmp(text, "-inf") == 0 ? (double)-INFINITY
                                                : 0;
    return json_is_number(value) || *real != 0;
}

/* Reads a number into number `index` of those that begin at `values`. False for what is none of the
 * type. */
static bool read_number(void *values, size_t index, mmn_row_type type, const json_t *value)
{
    if (type == MMN_ROW_REAL)
        return read_real((double *)values + index, value);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    ((uint64_t *)values)[index] = (uint64_t)json_integer_value(value);
    return true;
}

/* A copy of a text, or NULL after a failure. */
static char *copy_text(const mmn_object *line, const char *text, mmn_blocks *blocks)
{
    mmn_error *error = line->reader->error;
    char *copy = mmn_blocks_keep(blocks, mmn_copy_text(text, error), error);
    if (!copy)
        mmn_read_failed(line, MMN_SYSTEM);
    return copy;
}

/* Reads a value of many. */
static void read_one_of(void *values, size_t index, const mmn_object *line,
                        const mmn_row_column *column, const json_t *value, mmn_blocks *blocks)
{
    const bool is_text = column->type == MMN_ROW_TEXT;
    if (is_text && json_is_string(value))
        ((char **)values)[index] = copy_text(line, json_string_value(value), blocks);
    else if (is_text || !read_number(values, index, column->type, value))
        mmn_read_wrong(line, column->name, is_text ? "must be texts" : "must be numbers");
}

static void read_many(void *row, const mmn_object *line, const mmn_row_column *column,
                      mmn_blocks *blocks)
{
    json_t *array = NULL;
    mmn_read_required(line, column->name);
    mmn_read_array(&array, line, column->name);
    if (!mmn_read_fine(line))
        return;
    const size_t count = json_array_size(array);
    void *values = mmn_blocks_keep(
        blocks, mmn_allocate(count, sizeof(uint64_t), line->reader->error), line->reader->error);
    if (!values)
        mmn_read_failed(line, MMN_SYSTEM);
    for (size_t i = 0; i < count && mmn_read_fine(line); i++)
        read_one_of(values, i, line, column, json_array_get(array, i), blocks);
    memcpy((char *)row + column->offset, &values, sizeof(values));
    memcpy((char *)row + column->count, &count, sizeof(count));
}

static void read_text(void *row, const mmn_object *line, const mmn_row_column *column,
                      mmn_blocks *blocks)
{
    const char *text = NULL;
    mmn_read_text(&text, line, column->name);
    char *copy = text && mmn_read_fine(line) ? copy_text(line, text, blocks) : NULL;
    memcpy((char *)row + column->offset, &copy, sizeof(copy));
}

void mmn_row_read_columns(void *row, const mmn_object *line, const mmn_row_column *columns,
                          mmn_blocks *blocks)
{
    for (const mmn_row_column *column = columns; column->name; column++) {
        if (column->many)
            read_many(row, line, column, blocks);
        else if (column->type == MMN_ROW_TEXT)
            read_text(row, line, column, blocks);
        else if (mmn_read_fine(line) && !read_number((char *)row + column->offset, 0, column->type,
                                                     json_object_get(line->value, column->name)))
            mmn_read_wrong(line, column->name, "must be a number");
    }
}

void mmn_row_read(mmn_row *row, mmn_row_sample *sample, const mmn_object *line,
                  const mmn_row_column *columns, mmn_blocks *blocks)
{
    static const char *const keys[] = {"text", "image"};
    for (int kind = 0; kind < 2; kind++) {
        int64_t positions = 0;
        mmn_read_i64(&positions, line, mmn_read_required(line, keys[kind]), 0, UINT32_MAX);
        sample->positions[kind] = (uint64_t)positions;
    }
    mmn_read_bool(&sample->nonfinite, line, "nonfinite");
    mmn_row_read_columns(row, line, columns, blocks);
}

mmn_status mmn_row_refuse(const char *column, mmn_error *error)
{
    return mmn_fail(error, MMN_INPUT, NULL, column, "a row has what the study cannot have found");
}
