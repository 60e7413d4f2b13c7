/* Values of chat templates: Jinja's operators, filters, tests and the methods of Python's strings
 * that published templates use; and what expressions and tags share: how they fail, and
 * variables. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/names.h"
#include "base/utf8.h"
#include "text/chat_parts.h"

/* ---- Failures and variables ------------------------------------------------------------------ */

/* A bound that published templates are far from. */
enum { STEP_LIMIT = 200000 };

json_t *mmn_chat_fail(mmn_chat *chat, const char *format, ...)
{
    char message[512];
    va_list arguments;
    if (chat->status != MMN_OK)
        return NULL;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    chat->status = mmn_fail(chat->error, MMN_INPUT, chat->file, "chat template", "%s", message);
    return NULL;
}

json_t *mmn_chat_short(mmn_chat *chat)
{
    if (chat->status == MMN_OK)
        chat->status = mmn_fail(chat->error, MMN_SYSTEM, NULL, NULL, "out of memory");
    return NULL;
}

bool mmn_chat_step(mmn_chat *chat)
{
    if (chat->status == MMN_OK && ++chat->steps > STEP_LIMIT)
        mmn_chat_fail(chat, "takes too long");
    return chat->status == MMN_OK;
}

void mmn_chat_set(mmn_chat *chat, const char *name, json_t *value, bool is_loop)
{
    if (chat->variable_count == MMN_CHAT_VARIABLES) {
        mmn_chat_fail(chat, "it has too many variables");
        json_decref(value);
        return;
    }
    mmn_chat_variable *variable = &chat->variables[chat->variable_count++];
    snprintf(variable->name, sizeof(variable->name), "%s", name);
    variable->value = value;
    variable->is_loop = is_loop;
}

mmn_chat_variable *mmn_chat_find(mmn_chat *chat, const char *name)
{
    for (size_t i = chat->variable_count; i-- > 0;)
        if (strcmp(chat->variables[i].name, name) == 0)
            return &chat->variables[i];
    return NULL;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static json_t *text_of(mmn_chat *chat, const char *text, size_t length)
{
    json_t *value = json_stringn(text, length);
    return value ? value : mmn_chat_short(chat);
}

static json_t *empty_list(mmn_chat *chat)
{
    json_t *list = json_array();
    return list ? list : mmn_chat_short(chat);
}

bool mmn_chat_truth(const json_t *value)
{
    if (!value || json_is_null(value) || json_is_false(value))
        return false;
    if (json_is_string(value))
        return json_string_length(value) > 0;
    if (json_is_array(value))
        return json_array_size(value) > 0;
    if (json_is_object(value))
        return json_object_size(value) > 0;
    return !json_is_integer(value) || json_integer_value(value) != 0;
}

bool mmn_chat_print(mmn_chat *chat, mmn_text *text, const json_t *value)
{
    char number[32];
    const char *shown = number;
    size_t length = 0;
    if (!value) {
        shown = "";
    } else if (json_is_string(value)) {
        shown = json_string_value(value);
        length = json_string_length(value);
    } else if (json_is_integer(value)) {
        length =
            (size_t)snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
    } else if (json_is_boolean(value) || json_is_null(value)) {
        shown = json_is_null(value) ? "None" : json_is_true(value) ? "True" : "False";
        length = strlen(shown);
    } else {
        mmn_chat_fail(chat, "a list or a mapping is printed, which is not followed");
        return false;
    }
    mmn_text_add_bytes(text, shown, length);
    if (text->failed)
        mmn_chat_short(chat);
    return chat->status == MMN_OK;
}

json_t *mmn_chat_join(mmn_chat *chat, const json_t *left, const json_t *right)
{
    mmn_text text = {0};
    json_t *joined = NULL;
    if (mmn_chat_print(chat, &text, left) && mmn_chat_print(chat, &text, right))
        joined = text_of(chat, text.length > 0 ? text.text : "", text.length);
    mmn_text_free(&text);
    return joined;
}

static json_t *join_lists(mmn_chat *chat, const json_t *left, const json_t *right)
{
    json_t *list = json_copy((json_t *)(uintptr_t)left);
    if (list && json_array_extend(list, (json_t *)(uintptr_t)right) == 0)
        return list;
    json_decref(list);
    return mmn_chat_short(chat);
}

json_t *mmn_chat_calculate(mmn_chat *chat, const char *sign, const json_t *left,
                           const json_t *right)
{
    if (*sign == '+' && json_is_string(left) && json_is_string(right))
        return mmn_chat_join(chat, left, right);
    if (*sign == '+' && json_is_array(left) && json_is_array(right))
        return join_lists(chat, left, right);
    if (!json_is_integer(left) || !json_is_integer(right))
        return mmn_chat_fail(chat, "\"%s\" stands between values that it is not followed for",
                             sign);
    json_int_t a = json_integer_value(left), b = json_integer_value(right), result;
    static const json_int_t most = 1000000;
    if (a > most || a < -most || b > most || b < -most || (*sign == '%' && b <= 0) ||
        (*sign == '%' && a < 0))
        return mmn_chat_fail(chat, "\"%s\" of numbers like these is not followed", sign);
    result = *sign == '+' ? a + b : *sign == '-' ? a - b : *sign == '%' ? a % b : a * b;
    return json_integer(result);
}

/* Whether `left` is in the text, the list or the mapping `right`. */
static bool is_in(mmn_chat *chat, json_t *left, json_t *right)
{
    if (json_is_string(right) && json_is_string(left))
        return strstr(json_string_value(right), json_string_value(left)) != NULL;
    if (json_is_object(right) && json_is_string(left))
        return json_object_get(right, json_string_value(left)) != NULL;
    if (right && !json_is_array(right)) {
        mmn_chat_fail(chat, "\"in\" stands between values that it is not followed for");
        return false;
    }
    for (size_t i = 0; i < json_array_size(right); i++)
        if (json_equal(left, json_array_get(right, i)))
            return true;
    return false;
}

json_t *mmn_chat_compare(mmn_chat *chat, const char *sign, json_t *left, json_t *right)
{
    bool result;
    if (strcmp(sign, "in") == 0 || strcmp(sign, "not in") == 0) {
        result = is_in(chat, left, right) == (*sign == 'i');
    } else if (sign[0] == '=' || sign[0] == '!') {
        bool equal = left == right || (left && right && json_equal(left, right));
        if (json_is_boolean(left) != json_is_boolean(right) &&
            (json_is_integer(left) || json_is_integer(right)))
            return mmn_chat_fail(chat, "a number is compared with true or false, which is not "
                                       "followed");
        result = equal == (sign[0] == '=');
    } else if (json_is_integer(left) && json_is_integer(right)) {
        json_int_t a = json_integer_value(left), b = json_integer_value(right);
        result = sign[0] == '<' ? a < b : a > b;
        result = result || (sign[1] == '=' && a == b);
    } else {
        return mmn_chat_fail(chat, "\"%s\" stands between values that it is not followed for",
                             sign);
    }
    return chat->status == MMN_OK ? json_boolean(result) : NULL;
}

json_t *mmn_chat_item(mmn_chat *chat, const json_t *value, const json_t *key)
{
    if (json_is_object(value) && json_is_string(key))
        return json_incref(json_object_get(value, json_string_value(key)));
    if (json_is_array(value) && json_is_integer(key)) {
        json_int_t at = json_integer_value(key), size = (json_int_t)json_array_size(value);
        at = at < 0 ? size + at : at;
        return at >= 0 && at < size ? json_incref(json_array_get(value, (size_t)at)) : NULL;
    }
    if ((json_is_string(value) || json_is_array(value)) && json_is_string(key))
        return NULL; /* Jinja's undefined: content['type'] where content is a text */
    return mmn_chat_fail(chat, value ? "an item of a value without items is asked for"
                                     : "an item of something undefined is asked for");
}

json_t *mmn_chat_attribute(mmn_chat *chat, const json_t *value, const char *name)
{
    static const char *const methods[] = {"clear",      "copy",   "fromkeys", "get",
                                          "items",      "keys",   "pop",      "popitem",
                                          "setdefault", "update", "values"};
    if (MMN_NAME_INDEX(name, methods) < MMN_LENGTH(methods))
        return mmn_chat_fail(chat, "\"%.40s\" is not followed", name);
    if (json_is_object(value))
        return json_incref(json_object_get(value, name));
    return mmn_chat_fail(chat,
                         value ? "\"%.40s\" of a value that is no mapping is not followed"
                               : "\"%.40s\" of something undefined is asked for",
                         name);
}

/* Where an end of a slice lies among `size` elements. */
static size_t bound(const json_t *at, size_t otherwise, size_t size)
{
    if (!at || json_is_null(at))
        return otherwise;
    json_int_t number = json_integer_value(at);
    number = number < 0 ? (json_int_t)size + number : number;
    return number < 0 ? 0 : number > (json_int_t)size ? size : (size_t)number;
}

json_t *mmn_chat_slice(mmn_chat *chat, const json_t *value, const json_t *first, const json_t *last)
{
    if (!json_is_array(value) || (first && !json_is_integer(first)) ||
        (last && !json_is_integer(last)))
        return mmn_chat_fail(chat, "a slice of anything but a list is not followed");
    size_t size = json_array_size(value), end = bound(last, size, size);
    json_t *list = empty_list(chat);
    for (size_t i = bound(first, 0, size); list && i < end; i++)
        json_array_append(list, json_array_get(value, i));
    return list;
}

/* ---- Texts ----------------------------------------------------------------------------------- */

/* The length of the white space character, as Python has them, that begins at `text`; 0: none
 * does. */
static size_t space_at(const char *text, const char *end)
{
    size_t size = 0;
    uint32_t code = text < end ? mmn_character_at(text, &size) : 'x';
    return mmn_is_whitespace(code) || (code >= 28 && code <= 31) ? size : 0;
}

static json_t *strip(mmn_chat *chat, const json_t *value, bool left, bool right)
{
    const char *text = json_string_value(value), *end = text + json_string_length(value);
    size_t length;
    while (left && (length = space_at(text, end)) > 0)
        text += length;
    while (right && end > text) {
        const char *last = text + mmn_utf8_previous(text, (size_t)(end - text));
        if (space_at(last, end) == 0)
            break;
        end = last;
    }
    return text_of(chat, text, (size_t)(end - text));
}

/* upper, lower, capitalize and title, of ASCII. Jinja's words begin behind a space, a dash or a
 * bracket, Python's behind anything but a letter. */
static json_t *change_case(mmn_chat *chat, const json_t *value, const char *how, bool by_filter)
{
    json_t *changed = json_copy((json_t *)(uintptr_t)value);
    size_t length = json_string_length(value);
    bool begins = true;
    char *text = changed ? (char *)(uintptr_t)json_string_value(changed) : NULL;
    for (size_t i = 0; i < length && text; i++) {
        char *c = &text[i];
        bool small = *c >= 'a' && *c <= 'z', large = *c >= 'A' && *c <= 'Z';
        bool raise = *how == 'u' || (begins && *how != 'l');
        if ((unsigned char)*c > 127) {
            json_decref(changed);
            return mmn_chat_fail(chat, "\"%s\" of letters beyond ASCII is not followed", how);
        }
        if (small && raise)
            *c = (char)(*c - 'a' + 'A');
        else if (large && !raise)
            *c = (char)(*c - 'A' + 'a');
        begins = *how == 't' &&
                 (by_filter ? strchr(" \t\n\v\f\r-({[<", *c) != NULL : !small && !large);
    }
    return changed ? changed : mmn_chat_short(chat);
}

static bool is_case(const char *name)
{
    static const char *const cases[] = {"upper", "lower", "capitalize", "title"};
    return MMN_NAME_INDEX(name, cases) < MMN_LENGTH(cases);
}

json_t *mmn_chat_method(mmn_chat *chat, const json_t *value, const char *name,
                        const json_t *arguments)
{
    size_t count = json_array_size(arguments);
    json_t *first = json_array_get(arguments, 0);
    if (json_is_object(value) && strcmp(name, "get") == 0 && json_is_string(first) && count <= 2) {
        json_t *found = json_object_get(value, json_string_value(first));
        return found        ? json_incref(found)
               : count == 2 ? json_incref(json_array_get(arguments, 1))
                            : json_null();
    }
    if (json_is_string(value) && count == 0) {
        if (strcmp(name, "strip") == 0)
            return strip(chat, value, true, true);
        if (strcmp(name, "lstrip") == 0)
            return strip(chat, value, true, false);
        if (strcmp(name, "rstrip") == 0)
            return strip(chat, value, false, true);
        if (is_case(name))
            return change_case(chat, value, name, false);
    }
    if (json_is_string(value) && count == 1 && json_is_string(first)) {
        size_t length = json_string_length(value), size = json_string_length(first);
        const char *text = json_string_value(value);
        bool fits = size <= length;
        if (strcmp(name, "startswith") == 0)
            return json_boolean(fits && memcmp(text, json_string_value(first), size) == 0);
        if (strcmp(name, "endswith") == 0)
            return json_boolean(fits &&
                                memcmp(text + length - size, json_string_value(first), size) == 0);
    }
    return mmn_chat_fail(chat, "the call of \"%.40s\" is not followed", name);
}

/* ---- Filters and tests ----------------------------------------------------------------------- */

/* Those of a list of mappings whose item of a name holds in a test (selectattr), or (not chosen)
 * does not: it is equal to a value, as a test without one says, or true. */
static json_t *choose_by(mmn_chat *chat, const json_t *list, const json_t *arguments, bool chosen)
{
    const json_t *key = json_array_get(arguments, 0), *test = json_array_get(arguments, 1);
    const char *name = json_string_value(test);
    size_t count = json_array_size(arguments);
    bool equals = name && (strcmp(name, "equalto") == 0 || strcmp(name, "==") == 0 ||
                           strcmp(name, "eq") == 0);
    bool known = count == 3 ? equals : count == 2 ? name && !equals : count == 1;
    if (!json_is_array(list) || !json_is_string(key) || !known ||
        strpbrk(json_string_value(key), ".0123456789"))
        return mmn_chat_fail(chat, "\"selectattr\" in this form is not followed");
    json_t *found = empty_list(chat);
    for (size_t i = 0; i < json_array_size(list) && found; i++) {
        json_t *one = json_array_get(list, i);
        const json_t *value = json_object_get(one, json_string_value(key));
        json_t *said = count == 2 ? mmn_chat_test(chat, value, name) : NULL;
        bool holds = count == 3   ? value && json_equal(value, json_array_get(arguments, 2))
                     : count == 2 ? json_is_true(said)
                                  : mmn_chat_truth(value);
        if (holds == chosen)
            json_array_append(found, one);
        json_decref(said);
    }
    return found;
}

static json_t *length_of(mmn_chat *chat, const json_t *value)
{
    if (json_is_array(value))
        return json_integer((json_int_t)json_array_size(value));
    if (json_is_object(value))
        return json_integer((json_int_t)json_object_size(value));
    if (!value)
        return json_integer(0);
    if (!json_is_string(value))
        return mmn_chat_fail(chat, "the length of a value that has none is asked for");
    json_int_t characters = 0;
    for (const char *c = json_string_value(value); *c; c++)
        characters += ((unsigned char)*c & 0xc0) != 0x80;
    return json_integer(characters);
}

/* The texts of a list, one behind the other. */
static json_t *join_all(mmn_chat *chat, const json_t *list, const json_t *between)
{
    json_t *joined = text_of(chat, "", 0);
    for (size_t i = 0; i < json_array_size(list) && joined; i++) {
        json_t *before = i > 0 && between ? mmn_chat_join(chat, joined, between)
                                          : json_incref(joined);
        json_t *next = before ? mmn_chat_join(chat, before, json_array_get(list, i)) : NULL;
        json_decref(before);
        json_decref(joined);
        joined = next;
    }
    return joined;
}

json_t *mmn_chat_filter(mmn_chat *chat, const json_t *value, const char *name,
                        const json_t *arguments)
{
    size_t count = json_array_size(arguments), size = json_array_size(value);
    json_t *first = json_array_get(arguments, 0);
    if (strcmp(name, "selectattr") == 0 || strcmp(name, "rejectattr") == 0)
        return choose_by(chat, value, arguments, *name == 's');
    if (strcmp(name, "join") == 0 && json_is_array(value) && count <= 1)
        return join_all(chat, value, first);
    if ((strcmp(name, "default") == 0 || strcmp(name, "d") == 0) && count == 1)
        return json_incref(value ? (json_t *)(uintptr_t)value : first);
    if (count == 0) {
        if (strcmp(name, "length") == 0 || strcmp(name, "count") == 0)
            return length_of(chat, value);
        if (strcmp(name, "list") == 0 && json_is_array(value))
            return json_incref((json_t *)(uintptr_t)value);
        if (strcmp(name, "first") == 0 && json_is_array(value))
            return json_incref(json_array_get(value, 0));
        if (strcmp(name, "last") == 0 && json_is_array(value))
            return json_incref(size > 0 ? json_array_get(value, size - 1) : NULL);
        if (strcmp(name, "string") == 0 && json_is_string(value))
            return json_incref((json_t *)(uintptr_t)value);
        if (strcmp(name, "trim") == 0 && (json_is_string(value) || !value))
            return value ? strip(chat, value, true, true) : text_of(chat, "", 0);
        if (is_case(name) && json_is_string(value))
            return change_case(chat, value, name, true);
    }
    return mmn_chat_fail(chat, "the filter \"%.40s\" is not followed here", name);
}

json_t *mmn_chat_test(mmn_chat *chat, const json_t *value, const char *name)
{
    if (strcmp(name, "defined") == 0)
        return json_boolean(value != NULL);
    if (strcmp(name, "undefined") == 0)
        return json_boolean(value == NULL);
    if (strcmp(name, "none") == 0)
        return json_boolean(json_is_null(value));
    if (strcmp(name, "string") == 0)
        return json_boolean(json_is_string(value));
    if (strcmp(name, "mapping") == 0)
        return json_boolean(json_is_object(value));
    if (strcmp(name, "true") == 0)
        return json_boolean(json_is_true(value));
    if (strcmp(name, "false") == 0)
        return json_boolean(json_is_false(value));
    if (strcmp(name, "boolean") == 0)
        return json_boolean(json_is_boolean(value));
    /* Undefined, too, can be gone through, and has a length. */
    if (strcmp(name, "iterable") == 0 || strcmp(name, "sequence") == 0)
        return json_boolean(!value || json_is_string(value) || json_is_array(value) ||
                            json_is_object(value));
    return mmn_chat_fail(chat, "the test \"%.40s\" is not followed", name);
}
