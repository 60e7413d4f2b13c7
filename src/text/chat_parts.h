/* What rendering a chat template is made of: its statements (chat_template.c), expressions
 * (chat_expression.c) and what can be done with values (chat_values.c). */
#ifndef MMN_TEXT_CHAT_PARTS_H
#define MMN_TEXT_CHAT_PARTS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/text_buffer.h"

enum { MMN_CHAT_VARIABLES = 64, MMN_CHAT_NAME = 64, MMN_CHAT_DEPTH = 60 };

/* A variable of the template. Values are JSON; NULL is Jinja's undefined. */
typedef struct mmn_chat_variable {
    char name[MMN_CHAT_NAME];
    json_t *value;
    bool is_loop; /* the word `loop`, all of whose attributes are in the value */
} mmn_chat_variable;

/* A template being rendered. After a failure nothing more happens. */
typedef struct mmn_chat {
    const char *file;
    mmn_error *error;
    mmn_status status;
    mmn_chat_variable variables[MMN_CHAT_VARIABLES]; /* the innermost of a name counts */
    size_t variable_count;
    const char *at, *end; /* the rest of the expression being read */
    int idle;             /* above 0: expressions are read and not evaluated */
    size_t depth;         /* of expressions and blocks within another */
    size_t steps;         /* taken so far: a template may not run for ever */
} mmn_chat;

/* Fails: "NAME is not followed" and the like. Returns NULL. */
json_t *mmn_chat_fail(mmn_chat *chat, const char *format, ...) MMN_PRINTF(2, 3);
/* Fails for want of memory. Returns NULL. */
json_t *mmn_chat_short(mmn_chat *chat);
/* Counts a step; false when there were too many, or rendering has failed. */
bool mmn_chat_step(mmn_chat *chat);

/* Takes over `value`. */
void mmn_chat_set(mmn_chat *chat, const char *name, json_t *value, bool is_loop);
mmn_chat_variable *mmn_chat_find(mmn_chat *chat, const char *name);

/* ---- Expressions, from chat->at on ----------------------------------------------------------- */

/* Each returns a value that the caller owns, NULL for undefined or after a failure. The second
 * leaves a following "if" alone. */
json_t *mmn_chat_expression(mmn_chat *chat);
json_t *mmn_chat_iterable(mmn_chat *chat);
/* Reads a name, or the word or sign `wanted` if it is next. */
bool mmn_chat_read_name(mmn_chat *chat, char name[MMN_CHAT_NAME]);
bool mmn_chat_accept(mmn_chat *chat, const char *wanted);
/* Whether the expression has been read to its end; fails if not. */
bool mmn_chat_ends(mmn_chat *chat);

/* ---- Values: what is returned is the caller's, arguments stay theirs ------------------------- */

bool mmn_chat_truth(const json_t *value);
/* The text of a value where it is printed; false, having failed, for what has none here. */
bool mmn_chat_print(mmn_chat *chat, mmn_text *text, const json_t *value);
json_t *mmn_chat_join(mmn_chat *chat, const json_t *left, const json_t *right); /* ~ */
json_t *mmn_chat_calculate(mmn_chat *chat, const char *sign, const json_t *left,
                           const json_t *right);
/* ==, !=, <, >, <=, >=, "in" and "not in". */
json_t *mmn_chat_compare(mmn_chat *chat, const char *sign, json_t *left, json_t *right);
json_t *mmn_chat_item(mmn_chat *chat, const json_t *value, const json_t *key);
json_t *mmn_chat_attribute(mmn_chat *chat, const json_t *value, const char *name);
/* Elements from `first` to before `last`, NULL: the end; both counted from the end where
 * negative. */
json_t *mmn_chat_slice(mmn_chat *chat, const json_t *value, const json_t *first,
                       const json_t *last);
/* value.name(arguments), value | name(arguments), value is name. */
json_t *mmn_chat_method(mmn_chat *chat, const json_t *value, const char *name,
                        const json_t *arguments);
json_t *mmn_chat_filter(mmn_chat *chat, const json_t *value, const char *name,
                        const json_t *arguments);
json_t *mmn_chat_test(mmn_chat *chat, const json_t *value, const char *name);

#endif
