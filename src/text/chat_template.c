/* Chat templates: cutting a template into texts and tags, and following the tags. */
#include "text/template.h"

#include <string.h>

#include "base/memory.h"
#include "base/names.h"
#include "base/utf8.h"
#include "text/chat_parts.h"

/* Bounds that published templates are far from. */
enum { PIECE_LIMIT = 20000, OUTPUT_LIMIT = 16000000 };

typedef enum piece_kind { PIECE_TEXT, PIECE_VALUE, PIECE_TAG } piece_kind;

/* A text, {{ an expression }} or {% a tag %}, without its signs and what they take of the white
 * space around. */
typedef struct piece {
    piece_kind kind;
    const char *text;
    size_t length;
} piece;

typedef struct rendering {
    mmn_chat chat;
    piece *pieces;
    size_t count, capacity;
    mmn_text output;
} rendering;

/* Forgets the variables behind the first `count`. */
static void forget(mmn_chat *chat, size_t count)
{
    while (chat->variable_count > count)
        json_decref(chat->variables[--chat->variable_count].value);
}

/* ---- Pieces ---------------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Where the tag or expression whose inside begins at `text` ends: its last sign, "%}" or "}}".
 * Signs inside texts do not count, nor "}}" inside brackets. */
static const char *find_end(const char *text, const char *end, const char *sign)
{
    size_t open = 0;
    for (char quote = 0; end - text >= 2; text++) {
        if (quote) {
            if (*text == '\\')
                text++;
            else if (*text == quote)
                quote = 0;
        } else if (open == 0 && text[0] == sign[0] && text[1] == sign[1]) {
            return text;
        } else if (*text == '\'' || *text == '"') {
            quote = *text;
        } else if (strchr("([{", *text)) {
            open++;
        } else if (strchr(")]}", *text) && open > 0) {
            open--;
        }
    }
    return NULL;
}

static void add_piece(rendering *r, piece_kind kind, const char *text, size_t length)
{
    mmn_chat *chat = &r->chat;
    if (chat->status != MMN_OK || (kind == PIECE_TEXT && length == 0))
        return;
    if (r->count == PIECE_LIMIT)
        mmn_chat_fail(chat, "it has too many parts");
    else
        chat->status = MMN_RESERVE(r->pieces, r->capacity, r->count + 1, chat->error);
    if (chat->status == MMN_OK)
        r->pieces[r->count++] = (piece){kind, text, length};
}

/* Adds the text before the sign at `sign` less what the sign takes of it: all white space ("-"), or
 * the spaces of a line that a tag or comment begins (transformers' lstrip_blocks) unless "+". */
static void add_text_before(rendering *r, const char *text, const char *sign, const char *source)
{
    const char *end = sign;
    if (sign[2] == '-') {
        while (end > text && is_space(end[-1]))
            end--;
    } else if (sign[2] != '+' && sign[1] != '{') {
        const char *line = sign;
        while (line > text && (line[-1] == ' ' || line[-1] == '\t'))
            line--;
        if (line == source || line[-1] == '\n')
            end = line;
    }
    add_piece(r, PIECE_TEXT, text, (size_t)(end - text));
}

/* The text goes on behind a sign's end, less the white space ("-"), or behind a tag or comment the
 * line break (transformers' trim_blocks) unless "+". */
static const char *text_behind(const char *behind, const char *end, char mark, bool is_value)
{
    if (mark == '-')
        while (behind < end && is_space(*behind))
            behind++;
    else if (mark != '+' && !is_value && behind < end && *behind == '\n')
        behind++;
    return behind;
}

/* The next "{{", "{%" or "{#", or the end. */
static const char *find_sign(const char *text, const char *end)
{
    for (; end - text >= 2; text++)
        if (text[0] == '{' && strchr("{%#", text[1]))
            return text;
    return end;
}

static void cut(rendering *r, const char *source, size_t length)
{
    const char *end = source + length, *text = source;
    while (r->chat.status == MMN_OK && text < end) {
        const char *sign = find_sign(text, end);
        if (end - sign < 4) {
            add_piece(r, PIECE_TEXT, text, (size_t)(end - text));
            return;
        }
        bool is_value = sign[1] == '{', is_comment = sign[1] == '#';
        const char *inside = sign + 2 + (sign[2] == '-' || sign[2] == '+');
        const char *closing = is_comment ? strstr(sign + 2, "#}")
                                         : find_end(inside, end, is_value ? "}}" : "%}");
        if (!closing) {
            mmn_chat_fail(&r->chat, "\"%.40s\" does not end", sign);
            return;
        }
        add_text_before(r, text, sign, source);
        char mark = closing > sign + 2 ? closing[-1] : ' ';
        size_t marked = closing > inside && (mark == '-' || (mark == '+' && !is_value));
        if (!is_comment)
            add_piece(r, is_value ? PIECE_VALUE : PIECE_TAG, inside,
                      (size_t)(closing - inside) - marked);
        text = text_behind(closing + 2, end, marked ? mark : ' ', is_value);
    }
}

/* ---- Tags ------------------------------------------------------------------------------------ */

/* Begins to read the inside of piece `index`. */
static void read_piece(rendering *r, size_t index)
{
    r->chat.at = r->pieces[index].text;
    r->chat.end = r->chat.at + r->pieces[index].length;
}

/* The word that a tag begins with; "" for other pieces. */
static void tag_word(rendering *r, size_t index, char word[MMN_CHAT_NAME])
{
    word[0] = '\0';
    if (index >= r->count || r->pieces[index].kind != PIECE_TAG)
        return;
    read_piece(r, index);
    if (!mmn_chat_read_name(&r->chat, word))
        word[0] = '\0';
}

/* Whether a tag of this word has an end tag. */
static bool has_end(rendering *r, size_t index, const char *word)
{
    static const char *const words[] = {"if",     "for",  "macro", "generation", "call",
                                        "filter", "with", "raw",   "block"};
    const piece *tag = &r->pieces[index];
    return MMN_NAME_INDEX(word, words) < MMN_LENGTH(words) ||
           (strcmp(word, "set") == 0 && memchr(tag->text, '=', tag->length) == NULL);
}

/* The tag that ends the block that piece `index` is the first of, which a tag of this word begins;
 * or with `branches` an "elif" or "else" of the same block before that. */
static size_t find_tag(rendering *r, size_t index, const char *begins, bool branches)
{
    char word[MMN_CHAT_NAME];
    for (size_t depth = 0; index < r->count; index++) {
        tag_word(r, index, word);
        bool ends = strncmp(word, "end", 3) == 0;
        if (ends && depth == 0 && strcmp(word + 3, begins) != 0)
            break;
        if (has_end(r, index, word))
            depth++;
        else if (ends && depth > 0)
            depth--;
        else if (ends || (depth == 0 && branches &&
                          (strcmp(word, "elif") == 0 || strcmp(word, "else") == 0)))
            return index;
    }
    mmn_chat_fail(&r->chat, "a block \"%.40s\" does not end", begins);
    return r->count;
}

static void render(rendering *r, size_t first, size_t end);

/* Renders the first branch that holds, of those from the "if" at `index` on. */
static void render_if(rendering *r, size_t index, size_t end)
{
    char word[MMN_CHAT_NAME];
    while (index < end && mmn_chat_step(&r->chat)) {
        size_t next = find_tag(r, index + 1, "if", true);
        tag_word(r, index, word);
        bool holds = strcmp(word, "else") == 0;
        if (!holds) {
            json_t *condition = mmn_chat_expression(&r->chat);
            holds = mmn_chat_ends(&r->chat) && mmn_chat_truth(condition);
            json_decref(condition);
        }
        if (holds) {
            render(r, index + 1, next);
            return;
        }
        index = next;
    }
}

/* The elements that a loop goes through: those for which the condition at chat->at holds. */
static json_t *choose(mmn_chat *chat, const char *name, const json_t *list)
{
    json_t *chosen = json_array();
    const char *start = chat->at;
    for (size_t i = 0; i < json_array_size(list) && mmn_chat_step(chat); i++) {
        size_t kept = chat->variable_count;
        chat->at = start;
        mmn_chat_set(chat, name, json_incref(json_array_get(list, i)), false);
        json_t *condition = mmn_chat_expression(chat);
        if (mmn_chat_truth(condition))
            json_array_append(chosen, json_array_get(list, i));
        json_decref(condition);
        forget(chat, kept);
    }
    if (json_array_size(list) == 0)
        chat->at = chat->end;
    return chosen;
}

/* Renders the pieces for each element, in a scope of its own. */
static void repeat(rendering *r, const char *name, const json_t *list, size_t first, size_t end)
{
    mmn_chat *chat = &r->chat;
    size_t count = json_array_size(list), kept = chat->variable_count;
    for (size_t i = 0; i < count && mmn_chat_step(chat); i++) {
        json_t *loop = json_pack("{s:I, s:I, s:I, s:I, s:I, s:b, s:b}", "index", (json_int_t)i + 1,
                                 "index0", (json_int_t)i, "revindex", (json_int_t)(count - i),
                                 "revindex0", (json_int_t)(count - i - 1), "length",
                                 (json_int_t)count, "first", i == 0, "last", i + 1 == count);
        if (!loop)
            mmn_chat_short(chat);
        mmn_chat_set(chat, name, json_incref(json_array_get(list, i)), false);
        mmn_chat_set(chat, "loop", loop, true);
        render(r, first, end);
        forget(chat, kept);
    }
}

/* {% for NAME in LIST %}, with "if CONDITION" or without. */
static void render_for(rendering *r, size_t index, size_t end)
{
    mmn_chat *chat = &r->chat;
    char name[MMN_CHAT_NAME], word[MMN_CHAT_NAME];
    tag_word(r, index, word);
    if (!mmn_chat_read_name(chat, name) || !mmn_chat_accept(chat, "in")) {
        mmn_chat_fail(chat, "\"for %.40s\" is not followed", name);
        return;
    }
    json_t *list = mmn_chat_iterable(chat), *chosen = NULL;
    if (list && !json_is_array(list))
        mmn_chat_fail(chat, "a loop through anything but a list is not followed");
    if (chat->status == MMN_OK && mmn_chat_accept(chat, "if"))
        chosen = choose(chat, name, list);
    if (mmn_chat_ends(chat)) {
        size_t other = find_tag(r, index + 1, "for", true);
        if (other != end)
            mmn_chat_fail(chat, "\"else\" of a loop is not followed");
        else
            repeat(r, name, chosen ? chosen : list, index + 1, end);
    }
    json_decref(chosen);
    json_decref(list);
}

/* {% set NAME = VALUE %}, or an attribute of a namespace. */
static void set_variable(rendering *r, size_t index)
{
    mmn_chat *chat = &r->chat;
    char name[MMN_CHAT_NAME], attribute[MMN_CHAT_NAME] = "", word[MMN_CHAT_NAME];
    tag_word(r, index, word);
    bool known = mmn_chat_read_name(chat, name) &&
                 (!mmn_chat_accept(chat, ".") || mmn_chat_read_name(chat, attribute)) &&
                 mmn_chat_accept(chat, "=");
    if (!known) {
        mmn_chat_fail(chat, "\"set\" in this form is not followed");
        return;
    }
    json_t *value = mmn_chat_expression(chat);
    if (!mmn_chat_ends(chat)) {
        json_decref(value);
    } else if (attribute[0]) {
        const mmn_chat_variable *variable = mmn_chat_find(chat, name);
        if (!variable || !json_is_object(variable->value))
            mmn_chat_fail(chat, "\"set %.40s.%.40s\" is not followed", name, attribute);
        json_object_set_new(variable ? variable->value : NULL, attribute,
                            value ? value : json_null());
    } else {
        mmn_chat_set(chat, name, value, false);
    }
}

/* Follows the tag at `index`; returns the last piece of what it is about. */
static size_t follow(rendering *r, size_t index)
{
    mmn_chat *chat = &r->chat;
    char word[MMN_CHAT_NAME];
    tag_word(r, index, word);
    size_t end = has_end(r, index, word) ? find_tag(r, index + 1, word, false) : index;
    if (chat->status != MMN_OK)
        return r->count;
    if (strcmp(word, "if") == 0) {
        render_if(r, index, end);
    } else if (strcmp(word, "for") == 0) {
        render_for(r, index, end);
    } else if (strcmp(word, "generation") == 0) {
        size_t kept = chat->variable_count;
        render(r, index + 1, end);
        forget(chat, kept);
    } else if (strcmp(word, "set") == 0 && end == index) {
        set_variable(r, index);
    } else if (strcmp(word, "macro") != 0) {
        /* A macro that is never called renders nothing. */
        mmn_chat_fail(chat, "the tag \"%.40s\" is not followed", word);
    }
    return end;
}

/* Renders pieces from `first` to before `end`. */
static void render(rendering *r, size_t first, size_t end)
{
    mmn_chat *chat = &r->chat;
    if (chat->depth++ >= MMN_CHAT_DEPTH)
        mmn_chat_fail(chat, "its blocks are nested too deeply");
    for (size_t i = first; i < end && mmn_chat_step(chat); i++) {
        const piece *one = &r->pieces[i];
        if (one->kind == PIECE_TEXT) {
            mmn_text_add_bytes(&r->output, one->text, one->length);
        } else if (one->kind == PIECE_VALUE) {
            read_piece(r, i);
            json_t *value = mmn_chat_expression(chat);
            if (mmn_chat_ends(chat))
                mmn_chat_print(chat, &r->output, value);
            json_decref(value);
        } else {
            i = follow(r, i);
        }
        if (r->output.length > OUTPUT_LIMIT)
            mmn_chat_fail(chat, "what it renders is too long");
    }
    chat->depth--;
}

/* ---- Templates ------------------------------------------------------------------------------- */

/* The source as Jinja takes it: line breaks are "\n", and the last one goes. */
static char *normalised(const char *source, size_t *length, mmn_error *error)
{
    char *text = mmn_copy_text(source, error);
    size_t kept = 0;
    for (const char *c = source; text && *c; c++) {
        if (c[0] == '\r' && c[1] == '\n')
            continue;
        text[kept++] = *c == '\r' ? '\n' : *c;
    }
    if (kept > 0 && text[kept - 1] == '\n')
        kept--;
    if (text)
        text[kept] = '\0';
    *length = kept;
    return text;
}

mmn_status mmn_chat_template_render(const char *source, const json_t *variables, const char *file,
                                    char **text, mmn_error *error)
{
    size_t length = strlen(source);
    *text = NULL;
    if (mmn_utf8_valid_prefix(source, length) != length)
        return mmn_fail(error, MMN_INPUT, file, "chat template", "it is not UTF-8");
    rendering *r = mmn_allocate(1, sizeof(*r), error);
    char *own = r ? normalised(source, &length, error) : NULL;
    const char *name;
    json_t *value;
    if (!own) {
        mmn_free(r);
        return MMN_SYSTEM;
    }
    mmn_chat *chat = &r->chat;
    chat->file = file;
    chat->error = error;
    json_object_foreach((json_t *)(uintptr_t)variables, name, value)
        mmn_chat_set(chat, name, json_incref(value), false);
    mmn_chat_set(chat, "add_generation_prompt", json_true(), false);
    mmn_chat_set(chat, "tools", json_null(), false);
    mmn_chat_set(chat, "documents", json_null(), false);
    cut(r, own, length);
    render(r, 0, r->count);
    mmn_status status = chat->status;
    if (status == MMN_OK)
        status = mmn_text_finish(&r->output, text, error);
    forget(chat, 0);
    mmn_text_free(&r->output);
    mmn_free(r->pieces);
    mmn_free(own);
    mmn_free(r);
    return status;
}
