/* Expressions of chat templates: Jinja's grammar, by recursive descent, evaluated as it is read.
 * What need not be evaluated (the other branch of an "if", the right of an "or") is read only. */
#include <string.h>

#include "base/names.h"
#include "base/utf8.h"
#include "text/chat_parts.h"

static json_t *read_or(mmn_chat *chat);

/* ---- Words and signs ------------------------------------------------------------------------- */

static bool is_word_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void skip_space(mmn_chat *chat)
{
    while (chat->at < chat->end && strchr(" \t\n\r\f\v", *chat->at))
        chat->at++;
}

bool mmn_chat_read_name(mmn_chat *chat, char name[MMN_CHAT_NAME])
{
    size_t length = 0;
    skip_space(chat);
    while (chat->at + length < chat->end && is_word_character(chat->at[length]))
        length++;
    if (length == 0 || length >= MMN_CHAT_NAME || (*chat->at >= '0' && *chat->at <= '9'))
        return false;
    memcpy(name, chat->at, length);
    name[length] = '\0';
    chat->at += length;
    return true;
}

bool mmn_chat_accept(mmn_chat *chat, const char *wanted)
{
    size_t length = strlen(wanted);
    skip_space(chat);
    const char *behind = chat->at + length;
    if (behind > chat->end || memcmp(chat->at, wanted, length) != 0)
        return false;
    if (is_word_character(*wanted) && behind < chat->end && is_word_character(*behind))
        return false;
    /* "=" is not the beginning of "==", nor "*" of "**". */
    if (length == 1 && strchr("=*/<>", *wanted) && behind < chat->end &&
        (*behind == '=' || *behind == *wanted))
        return false;
    chat->at = behind;
    return true;
}

bool mmn_chat_ends(mmn_chat *chat)
{
    skip_space(chat);
    if (chat->status == MMN_OK && chat->at != chat->end)
        mmn_chat_fail(chat, "\"%.40s\" is not followed", chat->at);
    return chat->status == MMN_OK;
}

/* ---- Literals -------------------------------------------------------------------------------- */

/* What stands behind a backslash at chat->at: one of Python's escapes, or itself. */
static void add_escape(mmn_chat *chat, mmn_text *text)
{
    static const char letters[] = "ntr\\'\"abfv", meant[] = "\n\t\r\\'\"\a\b\f\v";
    char letter = *chat->at++;
    const char *known = strchr(letters, letter);
    size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    uint32_t code = 0;
    if (letter == '\n')
        return;
    if (letter >= '0' && letter <= '7') {
        mmn_chat_fail(chat, "an octal escape in a text is not followed");
    } else if (digits > 0) {
        for (; digits > 0 && chat->at < chat->end; digits--, chat->at++) {
            int value = mmn_hexadecimal_value(*chat->at);
            if (value < 0)
                break;
            code = code * 16 + (uint32_t)value;
        }
        if (digits > 0 || code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
            mmn_chat_fail(chat, "an escape in a text is not followed");
        else
            mmn_text_add_character(text, code);
    } else if (known) {
        mmn_text_add_bytes(text, &meant[known - letters], 1);
    } else {
        mmn_text_add(text, "\\%c", letter);
    }
}

/* Texts side by side are one. */
static json_t *read_texts(mmn_chat *chat)
{
    mmn_text text = {0};
    json_t *value = NULL;
    for (skip_space(chat);
         chat->at < chat->end && (*chat->at == '\'' || *chat->at == '"') && chat->status == MMN_OK;
         skip_space(chat)) {
        char quote = *chat->at++;
        while (chat->at < chat->end && *chat->at != quote && chat->status == MMN_OK) {
            if (*chat->at == '\\' && chat->at + 1 < chat->end) {
                chat->at++;
                add_escape(chat, &text);
            } else {
                mmn_text_add_bytes(&text, chat->at++, 1);
            }
        }
        if (chat->at == chat->end)
            mmn_chat_fail(chat, "a text does not end");
        else
            chat->at++;
    }
    if (chat->status == MMN_OK)
        value = text.failed ? NULL : json_stringn(text.length > 0 ? text.text : "", text.length);
    if (chat->status == MMN_OK && !value)
        mmn_chat_short(chat);
    mmn_text_free(&text);
    return value;
}

static json_t *read_number(mmn_chat *chat)
{
    json_int_t number = 0;
    while (chat->at < chat->end && *chat->at >= '0' && *chat->at <= '9' && number < 1000000)
        number = number * 10 + (*chat->at++ - '0');
    if (chat->at < chat->end && (is_word_character(*chat->at) || *chat->at == '.'))
        return mmn_chat_fail(chat, "the number \"%.20s\" is not followed", chat->at);
    return json_integer(number);
}

/* ---- Calls ----------------------------------------------------------------------------------- */

/* Arguments in parentheses, the first of which has been read. Those with names go into *named. */
static json_t *read_arguments(mmn_chat *chat, json_t **named)
{
    json_t *arguments = json_array();
    *named = json_object();
    while (arguments && *named && chat->status == MMN_OK && !mmn_chat_accept(chat, ")")) {
        char name[MMN_CHAT_NAME];
        const char *start = chat->at;
        bool is_named = mmn_chat_read_name(chat, name) && mmn_chat_accept(chat, "=");
        if (!is_named)
            chat->at = start;
        json_t *value = mmn_chat_expression(chat);
        if (!value && chat->status == MMN_OK)
            value = json_null();
        if (is_named)
            json_object_set_new(*named, name, value);
        else
            json_array_append_new(arguments, value);
        if (!mmn_chat_accept(chat, ",") && chat->at < chat->end && *chat->at != ')')
            mmn_chat_fail(chat, "\"%.40s\" is not followed", chat->at);
        if (chat->at == chat->end)
            mmn_chat_fail(chat, "a call does not end");
    }
    return arguments;
}

/* The functions of templates: what is said by raise_exception, and namespace. */
static json_t *call_function(mmn_chat *chat, const char *name)
{
    json_t *named, *arguments = read_arguments(chat, &named), *value = NULL;
    const char *said = json_string_value(json_array_get(arguments, 0));
    if (chat->idle > 0 || chat->status != MMN_OK)
        value = NULL;
    else if (strcmp(name, "namespace") == 0 && json_array_size(arguments) == 0)
        value = json_incref(named);
    else if (strcmp(name, "raise_exception") == 0)
        mmn_chat_fail(chat, "it refuses a single question: %.300s", said ? said : "");
    else if (strcmp(name, "strftime_now") == 0)
        mmn_chat_fail(chat, "it writes the date, so that a prompt would depend on the day");
    else
        mmn_chat_fail(chat, "the call of \"%.40s\" is not followed", name);
    json_decref(arguments);
    json_decref(named);
    return value;
}

static bool is_function(const char *name)
{
    static const char *const names[] = {"namespace", "raise_exception", "strftime_now", "range",
                                        "dict",      "lipsum",          "cycler",       "joiner"};
    return MMN_NAME_INDEX(name, names) < MMN_LENGTH(names);
}

/* ---- Primaries and what stands behind them --------------------------------------------------- */

static json_t *read_list(mmn_chat *chat, const char *end)
{
    json_t *list = json_array();
    while (list && chat->status == MMN_OK && !mmn_chat_accept(chat, end)) {
        json_t *value = mmn_chat_expression(chat);
        json_array_append_new(list, value ? value : json_null());
        if (!mmn_chat_accept(chat, ",") && (chat->at == chat->end || *chat->at != *end))
            mmn_chat_fail(chat, "a list does not end");
    }
    return list;
}

static json_t *read_named(mmn_chat *chat, const char *name, bool *is_loop)
{
    if (strcmp(name, "true") == 0 || strcmp(name, "True") == 0)
        return json_true();
    if (strcmp(name, "false") == 0 || strcmp(name, "False") == 0)
        return json_false();
    if (strcmp(name, "none") == 0 || strcmp(name, "None") == 0)
        return json_null();
    const mmn_chat_variable *found = mmn_chat_find(chat, name);
    if (found) {
        *is_loop = found->is_loop;
        return json_incref(found->value);
    }
    if (!is_function(name))
        return mmn_chat_accept(chat, "(") ? call_function(chat, name) : NULL;
    if (mmn_chat_accept(chat, "("))
        return call_function(chat, name);
    /* Only asked whether it is there. */
    const char *start = chat->at;
    bool asked = mmn_chat_accept(chat, "is") && (mmn_chat_accept(chat, "not"), true) &&
                 mmn_chat_accept(chat, "defined");
    chat->at = start;
    return asked || chat->idle > 0 ? json_true()
                                   : mmn_chat_fail(chat, "\"%.40s\" is not followed", name);
}

static json_t *read_primary(mmn_chat *chat, bool *is_loop)
{
    char name[MMN_CHAT_NAME];
    skip_space(chat);
    if (chat->at < chat->end && (*chat->at == '\'' || *chat->at == '"'))
        return read_texts(chat);
    if (chat->at < chat->end && *chat->at >= '0' && *chat->at <= '9')
        return read_number(chat);
    if (mmn_chat_accept(chat, "(")) {
        json_t *value = mmn_chat_expression(chat);
        if (!mmn_chat_accept(chat, ")"))
            mmn_chat_fail(chat, "\"%.40s\" is not followed", chat->at);
        return value;
    }
    if (mmn_chat_accept(chat, "["))
        return read_list(chat, "]");
    if (mmn_chat_read_name(chat, name))
        return read_named(chat, name, is_loop);
    return mmn_chat_fail(chat, "\"%.40s\" is not followed", chat->at);
}

/* value[key], value[first:last]. */
static json_t *read_item(mmn_chat *chat, const json_t *value)
{
    json_t *first = NULL, *last = NULL, *found = NULL;
    bool slice = mmn_chat_accept(chat, ":");
    if (!slice) {
        first = mmn_chat_expression(chat);
        slice = mmn_chat_accept(chat, ":");
    }
    if (slice && !mmn_chat_accept(chat, "]")) {
        last = mmn_chat_expression(chat);
        if (!mmn_chat_accept(chat, "]"))
            mmn_chat_fail(chat, "\"%.40s\" is not followed", chat->at);
    } else if (!slice && !mmn_chat_accept(chat, "]")) {
        mmn_chat_fail(chat, "\"%.40s\" is not followed", chat->at);
    }
    if (chat->idle == 0 && chat->status == MMN_OK)
        found = slice ? mmn_chat_slice(chat, value, first, last)
                      : mmn_chat_item(chat, value, first);
    json_decref(first);
    json_decref(last);
    return found;
}

/* .name, .name(...), | name, | name(...): `filters` chooses the second two. */
static json_t *read_applied(mmn_chat *chat, const json_t *value, bool filters, bool is_loop)
{
    char name[MMN_CHAT_NAME];
    json_t *named = NULL, *arguments = NULL, *found = NULL;
    if (!mmn_chat_read_name(chat, name))
        return mmn_chat_fail(chat, "\"%.40s\" is not followed", chat->at);
    bool called = mmn_chat_accept(chat, "(");
    if (called)
        arguments = read_arguments(chat, &named);
    if (chat->idle == 0 && chat->status == MMN_OK) {
        if (named && json_object_size(named) > 0)
            mmn_chat_fail(chat, "arguments with names of \"%.40s\" are not followed", name);
        else if (is_loop && !json_object_get(value, name))
            mmn_chat_fail(chat, "\"loop.%.40s\" is not followed", name);
        else if (filters)
            found = mmn_chat_filter(chat, value, name, arguments);
        else
            found = called ? mmn_chat_method(chat, value, name, arguments)
                           : mmn_chat_attribute(chat, value, name);
    }
    json_decref(named);
    json_decref(arguments);
    return found;
}

/* is name, is not name. */
static json_t *read_test(mmn_chat *chat, const json_t *value)
{
    char name[MMN_CHAT_NAME];
    bool negated = mmn_chat_accept(chat, "not");
    if (!mmn_chat_read_name(chat, name))
        return mmn_chat_fail(chat, "\"%.40s\" is not followed", chat->at);
    if (chat->idle > 0)
        return NULL;
    json_t *result = mmn_chat_test(chat, value, name);
    bool holds = json_is_true(result);
    json_decref(result);
    return chat->status == MMN_OK ? json_boolean(holds != negated) : NULL;
}

static json_t *read_unary(mmn_chat *chat)
{
    bool is_loop = false, negative = mmn_chat_accept(chat, "-");
    json_t *value = read_primary(chat, &is_loop);
    while (chat->status == MMN_OK && mmn_chat_step(chat)) {
        json_t *next;
        if (mmn_chat_accept(chat, "["))
            next = read_item(chat, value);
        else if (mmn_chat_accept(chat, "."))
            next = read_applied(chat, value, false, is_loop);
        else if (mmn_chat_accept(chat, "|"))
            next = read_applied(chat, value, true, false);
        else if (mmn_chat_accept(chat, "is"))
            next = read_test(chat, value);
        else
            break;
        json_decref(value);
        value = next;
        is_loop = false;
    }
    if (!negative || chat->idle > 0 || chat->status != MMN_OK)
        return value;
    json_t *zero = json_integer(0), *result = mmn_chat_calculate(chat, "-", zero, value);
    json_decref(zero);
    json_decref(value);
    return result;
}

/* ---- Operators, the tightest first ----------------------------------------------------------- */

typedef json_t *(*reader)(mmn_chat *chat);

/* A chain of `signs`, from left to right, between what `read` reads. */
static json_t *read_chain(mmn_chat *chat, const char *const *signs, reader read)
{
    json_t *value = read(chat);
    while (chat->status == MMN_OK && mmn_chat_step(chat)) {
        size_t i = 0;
        while (signs[i] && !mmn_chat_accept(chat, signs[i]))
            i++;
        if (!signs[i])
            break;
        json_t *right = read(chat), *result = NULL;
        if (chat->idle == 0 && chat->status == MMN_OK)
            result = *signs[i] == '~' ? mmn_chat_join(chat, value, right)
                                      : mmn_chat_calculate(chat, signs[i], value, right);
        json_decref(value);
        json_decref(right);
        value = result;
    }
    return value;
}

static json_t *read_product(mmn_chat *chat)
{
    static const char *const signs[] = {"*", "%", NULL};
    return read_chain(chat, signs, read_unary);
}

static json_t *read_joined(mmn_chat *chat)
{
    static const char *const signs[] = {"~", NULL};
    return read_chain(chat, signs, read_product);
}

static json_t *read_sum(mmn_chat *chat)
{
    static const char *const signs[] = {"+", "-", NULL};
    return read_chain(chat, signs, read_joined);
}

static json_t *read_comparison(mmn_chat *chat)
{
    static const char *const signs[] = {"==", "!=", "<=", ">=", "<", ">", "in", "not in"};
    json_t *value = read_sum(chat);
    for (size_t i = 0; i < 8 && chat->status == MMN_OK; i++) {
        const char *start = chat->at;
        bool found = i < 7 ? mmn_chat_accept(chat, signs[i])
                           : mmn_chat_accept(chat, "not") && mmn_chat_accept(chat, "in");
        if (!found) {
            chat->at = start;
            continue;
        }
        json_t *right = read_sum(chat), *result = NULL;
        if (chat->idle == 0 && chat->status == MMN_OK)
            result = mmn_chat_compare(chat, signs[i], value, right);
        json_decref(value);
        json_decref(right);
        return result; /* a second comparison would be a chain, which nothing behind this reads */
    }
    return value;
}

static json_t *read_not(mmn_chat *chat)
{
    size_t negations = 0;
    while (mmn_chat_accept(chat, "not"))
        negations++;
    json_t *value = read_comparison(chat);
    if (negations == 0)
        return value;
    bool truth = mmn_chat_truth(value);
    json_decref(value);
    return json_boolean(truth == (negations % 2 == 0));
}

/* The first value that decides, or the last one. */
static json_t *read_either(mmn_chat *chat, const char *word, bool decides, reader read)
{
    json_t *value = read(chat);
    while (chat->status == MMN_OK && mmn_chat_accept(chat, word)) {
        bool decided = mmn_chat_truth(value) == decides;
        chat->idle += decided;
        json_t *right = read(chat);
        chat->idle -= decided;
        json_decref(decided ? right : value);
        value = decided ? value : right;
    }
    return value;
}

static json_t *read_and(mmn_chat *chat)
{
    return read_either(chat, "and", false, read_not);
}

static json_t *read_or(mmn_chat *chat)
{
    return read_either(chat, "or", true, read_and);
}

json_t *mmn_chat_iterable(mmn_chat *chat)
{
    return mmn_chat_step(chat) ? read_or(chat) : NULL;
}

/* What stands before "if" waits for the condition behind it. */
json_t *mmn_chat_expression(mmn_chat *chat)
{
    json_t *value = NULL;
    if (chat->depth++ >= MMN_CHAT_DEPTH)
        mmn_chat_fail(chat, "its expressions are nested too deeply");
    const char *start = chat->at;
    chat->idle++;
    if (mmn_chat_step(chat))
        json_decref(read_or(chat));
    chat->idle--;
    if (mmn_chat_accept(chat, "if") && chat->status == MMN_OK) {
        json_t *condition = read_or(chat);
        bool holds = mmn_chat_truth(condition);
        json_decref(condition);
        const char *behind = chat->at;
        bool other = mmn_chat_accept(chat, "else");
        const char *alternative = chat->at;
        if (other) {
            chat->idle++;
            json_decref(mmn_chat_expression(chat));
            chat->idle--;
        }
        behind = other ? chat->at : behind;
        if (chat->idle == 0 && chat->status == MMN_OK && (holds || other)) {
            chat->at = holds ? start : alternative;
            value = holds ? read_or(chat) : mmn_chat_expression(chat);
        }
        chat->at = behind;
    } else if (chat->idle == 0 && chat->status == MMN_OK) {
        chat->at = start;
        value = read_or(chat);
    }
    chat->depth--;
    return value;
}
