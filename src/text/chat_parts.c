/* What a chat template's expressions and tags share: how it fails, and its variables. */
#include "text/chat_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
