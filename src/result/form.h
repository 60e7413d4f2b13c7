/* Forms: what results of one kind consist of, and how they look, as data. */
#ifndef MMN_RESULT_FORM_H
#define MMN_RESULT_FORM_H

#include "base/error.h"

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

#define MMN_TEXT(name) {name, MMN_VALUE_TEXT, ""}
#define MMN_WHOLE(name) {name, MMN_VALUE_WHOLE, ""}
#define MMN_REAL(name, unit) {name, MMN_VALUE_REAL, unit}
#define MMN_TRUTH(name) {name, MMN_VALUE_TRUTH, ""}
#define MMN_JSON(name) {name, MMN_VALUE_JSON, ""}

/* A table whose rows each belong to a row of the table `parent`; the first one, "result", has one row
 * and no parent. */
typedef struct mmn_form_table {
    const char *name, *parent;
    const mmn_form_column *columns; /* up to one without a name */
} mmn_form_table;

#define MMN_COLUMNS(...) ((const mmn_form_column[]){__VA_ARGS__, {0}})

typedef struct mmn_form {
    const char *format; /* "mmneuron-eval-1", as its JSON says */
    const mmn_form_table *tables; /* up to one without a name; parents before their children */
    const char *json, *people;    /* templates (result/template.h) of the JSON and of the table */
    const char *beside;           /* of a text that is written beside the JSON; NULL: there is none */
    mmn_status (*beside_file)(char **beside, const char *file, mmn_error *error); /* where to */
} mmn_form;

#endif
