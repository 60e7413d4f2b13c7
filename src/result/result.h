/* Results as values: tables of named, typed columns, which own all their texts; and forms: what
 * results of one kind consist of, and how they look, as data. */
#ifndef MMN_RESULT_RESULT_H
#define MMN_RESULT_RESULT_H

#include <stdbool.h>

#include "base/text_buffer.h"
#include "mmneuron.h"

struct json_t; /* Jansson's */

/* ---- Forms ----------------------------------------------------------------------------------- */

typedef enum mmn_value_kind {
    MMN_VALUE_NOTHING, /* as null in JSON */
    MMN_VALUE_TEXT,
    MMN_VALUE_WHOLE, /* a whole number from 0 on */
    MMN_VALUE_REAL,
    MMN_VALUE_TRUTH,
    MMN_VALUE_JSON, /* a text that is JSON already */
    MMN_VALUE_KEPT  /* to be added: a text that the result has already */
} mmn_value_kind;

typedef struct mmn_form_column {
    const char *name;
    mmn_value_kind kind; /* of its values; any of them may be nothing */
    const char *unit;    /* "nats", or "" */
} mmn_form_column;

#define MMN_TEXT(name)                                                                             \
    {                                                                                              \
        name, MMN_VALUE_TEXT, ""                                                                   \
    }
#define MMN_WHOLE(name)                                                                            \
    {                                                                                              \
        name, MMN_VALUE_WHOLE, ""                                                                  \
    }
#define MMN_REAL(name, unit)                                                                       \
    {                                                                                              \
        name, MMN_VALUE_REAL, unit                                                                 \
    }
#define MMN_TRUTH(name)                                                                            \
    {                                                                                              \
        name, MMN_VALUE_TRUTH, ""                                                                  \
    }
#define MMN_JSON(name)                                                                             \
    {                                                                                              \
        name, MMN_VALUE_JSON, ""                                                                   \
    }

/* A table whose rows each belong to a row of the table `parent`; the first one, "result", has one
 * row and no parent. */
typedef struct mmn_form_table {
    const char *name, *parent;
    const mmn_form_column *columns; /* up to one without a name */
} mmn_form_table;

#define MMN_COLUMNS(...) ((const mmn_form_column[]){__VA_ARGS__, {0}})

typedef struct mmn_form {
    const char *format;           /* "mmneuron-eval-1", as its JSON says */
    const mmn_form_table *tables; /* up to one without a name; parents before their children */
    const char *json, *people;    /* templates (result/template.h) of the JSON and of the table */
    const char *beside; /* of a text that is written beside the JSON; NULL: there is none */
    mmn_status (*beside_file)(char **beside, const char *file, mmn_error *error); /* where to */
} mmn_form;

/* ---- Values ---------------------------------------------------------------------------------- */

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

/* Values to be added. A text may be NULL, which is nothing; an optional one "" for that too. */
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
    mmn_text texts; /* each ends with a zero */
    bool failed;    /* memory was short: nothing more is added */
    bool was_read;  /* from JSON: it has all that JSON has, and no more */
};

/* ---- Filling and looking up ------------------------------------------------------------------ */

/* Filling: begin; rows, the first of them that of "result"; end. A failure is remembered. */
mmn_status mmn_result_begin(mmn_result **result, const mmn_form *form, mmn_error *error);
/* Adds a row of nothing for row `parent` of the table's parent, none earlier than the last. */
void mmn_result_row(mmn_result *result, mmn_table *table, size_t parent);
/* Adds a row to `table`, for the last row of its parent: a value for each column of the form, of
 * its kind or nothing. Texts are copied. */
void mmn_result_add(mmn_result *result, const char *table, const mmn_value *values, size_t count);
#define MMN_ADD(result, table, ...)                                                                \
    mmn_result_add(result, table, (const mmn_value[]){__VA_ARGS__},                                \
                   sizeof((const mmn_value[]){__VA_ARGS__}) / sizeof(mmn_value))
/* Copies `size` bytes of a text into the result, as a value to be added later. */
mmn_value mmn_result_keep(mmn_result *result, const char *text, size_t size);
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

/* Makes a result of a document that has been read, by the template of its form's JSON. Keys that it
 * lacks are nothing; a value of another type than its column's is MMN_INPUT, which names file and
 * key. What JSON has not (tables that only people are shown) is not there. */
mmn_status mmn_result_from_json(mmn_result **result, const mmn_form *form, struct json_t *document,
                                const char *file, mmn_error *error);

#endif
