/* Results as values: tables of named, typed columns, which own all their texts. */
#ifndef MMN_RESULT_RESULT_H
#define MMN_RESULT_RESULT_H

#include <stdbool.h>

#include "base/text_buffer.h"
#include "mmneuron.h"
#include "result/form.h"

typedef struct mmn_value {
    mmn_value_kind kind;
    union {
        uint64_t whole;
        double real; /* may be infinite or NaN: null in JSON */
        bool truth;
        size_t text;       /* of kept texts: where it begins in the result's texts */
        const char *given; /* of values that are to be added: the text itself */
    };
} mmn_value;

/* Values to be added. A text may be NULL, which is nothing; an optional one may be "" for that too. */
static inline mmn_value mmn_as_text(const char *text)
{
    return (mmn_value){.kind = text ? MMN_VALUE_TEXT : MMN_VALUE_NOTHING, .given = text};
}

static inline mmn_value mmn_as_optional(const char *text)
{
    return mmn_as_text(text && text[0] != '\0' ? text : NULL);
}

static inline mmn_value mmn_as_json(const char *json)
{
    return (mmn_value){.kind = json ? MMN_VALUE_JSON : MMN_VALUE_NOTHING, .given = json};
}

static inline mmn_value mmn_as_whole(uint64_t whole)
{
    return (mmn_value){.kind = MMN_VALUE_WHOLE, .whole = whole};
}

static inline mmn_value mmn_as_real(double real)
{
    return (mmn_value){.kind = MMN_VALUE_REAL, .real = real};
}

static inline mmn_value mmn_as_truth(bool truth)
{
    return (mmn_value){.kind = MMN_VALUE_TRUTH, .truth = truth};
}

static inline mmn_value mmn_as_nothing(void)
{
    return (mmn_value){.kind = MMN_VALUE_NOTHING};
}

typedef struct mmn_table {
    const mmn_form_table *form;
    const struct mmn_table *parent;
    size_t columns;
    size_t rows, row_capacity, value_capacity;
    mmn_value *values; /* [rows][columns] */
    size_t *parents;   /* [rows], ascending: which of the parent's rows each belongs to */
} mmn_table;

struct mmn_result {
    const mmn_form *form;
    mmn_table *tables;
    size_t table_count;
    mmn_text texts;            /* each ends with a zero */
    bool failed;               /* memory was short: nothing more is added */
    bool was_read;             /* from JSON: it has all that JSON has, and no more */
};

/* Filling: begin; rows, the first of them that of "result"; end. A failure is remembered. */
mmn_status mmn_result_begin(mmn_result **result, const mmn_form *form, mmn_error *error);
/* Adds a row of nothing for row `parent` of the table's parent, not an earlier one than the last. */
void mmn_result_row(mmn_result *result, mmn_table *table, size_t parent);
/* Adds a row to `table`, for the last row of its parent: a value for each column of the form, of its
 * kind or nothing. Texts are copied. */
void mmn_result_add(mmn_result *result, const char *table, const mmn_value *values, size_t count);
#define MMN_ADD(result, table, ...)                                                              \
    mmn_result_add(result, table, (const mmn_value[]){__VA_ARGS__},                              \
                   sizeof((const mmn_value[]){__VA_ARGS__}) / sizeof(mmn_value))
/* Copies a text into the result, to be added later. */
mmn_value mmn_result_keep(mmn_result *result, mmn_value value);
/* If memory was short, the result is freed, *result is NULL and the status MMN_SYSTEM. */
mmn_status mmn_result_end(mmn_result **result, mmn_error *error);

/* The table, or NULL; the number of its column, SIZE_MAX if there is none. `name` ends after `size`
 * bytes. */
mmn_table *mmn_result_find(const mmn_result *result, const char *name, size_t size);
size_t mmn_result_column(const mmn_table *table, const char *name, size_t size);
mmn_value *mmn_result_value(const mmn_table *table, size_t row, size_t column);
/* The rows [*first, *end) that belong to row `parent` of the table's parent. */
void mmn_result_children(const mmn_table *table, size_t parent, size_t *first, size_t *end);
/* The text of a value, or NULL if it has none. */
const char *mmn_result_text_of(const mmn_result *result, const mmn_value *value);

#endif
