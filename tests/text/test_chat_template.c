/* Chat templates against what transformers' apply_chat_template renders (golden/make_prompts.py),
 * and what is not followed. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text_buffer.h"
#include "text/template.h"

static mmn_error error;

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

Test(chat_template, renders_what_transformers_renders)
{
    json_error_t problem;
    json_t *document = json_load_file(MMN_SOURCE_DIR "/tests/text/data/prompts.json", 0, &problem);
    cr_assert(document, "%s", problem.text);
    const json_t *cases = json_object_get(document, "cases");
    cr_assert_gt(json_array_size(cases), 70);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);
        char *made;
        cr_assert_eq(mmn_chat_template_render(text(one, "template"),
                                              json_object_get(one, "variables"), "file", &made,
                                              &error),
                     MMN_OK, "%s: %s", text(one, "name"), error.message);
        cr_assert_str_eq(made, text(one, "text"), "%s", text(one, "name"));
        mmn_free(made);
    }
    json_decref(document);
}

static mmn_status render(const char *source)
{
    json_t *variables = json_pack("{s:[{s:s, s:s}], s:s}", "messages", "role", "user", "content",
                                  "Why?", "bos_token", "<s>");
    char *made;
    mmn_status status = mmn_chat_template_render(source, variables, "file", &made, &error);
    mmn_free(made);
    json_decref(variables);
    return status;
}

/* Each is refused, and the word named, where the branch is taken; a branch that is not taken may
 * hold anything. */
Test(chat_template, refuses_what_it_does_not_follow)
{
    static const char *const refused[][2] = {
        {"{{ messages }}", "list"},
        {"{{ messages[0] | tojson }}", "tojson"},
        {"{{ strftime_now('%d') }}", "date"},
        {"{{ raise_exception('no ' + 'more') }}", "no more"},
        {"{{ nobody(1) }}", "nobody"},
        {"{{ bos_token + 1 }}", "+"},
        {"{{ bos_token.replace('<', '') }}", "replace"},
        {"{{ nothing.at_all }}", "undefined"},
        {"{{ messages[0].items }}", "items"},
        {"{{ 1.5 }}", "number"},
        {"{{ true == 1 }}", "number"},
        {"{{ 7 // 2 }}", "//"},
        {"{{ 1 < 2 < 3 }}", "< 3"},
        {"{{ bos_token is sameas none }}", "sameas"},
        {"{{ bos_token is startswith('a') }}", "startswith"},
        {"{{ 'abc' }", "does not end"},
        {"{{ 'abc }}", "does not end"},
        {"{{ messages[::-1] }}", ""},
        {"{% for a, b in messages %}{% endfor %}", ""},
        {"{% for m in 'abc' %}{% endfor %}", "loop"},
        {"{% for m in messages %}{{ loop.previtem }}{% endfor %}", "loop.previtem"},
        {"{% for m in messages %}x{% else %}y{% endfor %}", "else"},
        {"{% for m in messages %}{% break %}{% endfor %}", "break"},
        {"{% set x %}abc{% endset %}", "set"},
        {"{% include 'other' %}", "include"},
        {"{% macro f() %}x{% endmacro %}{{ f() }}", "\"f\""},
        {"{% if true %}x", "does not end"},
        {"{% raw %}{{ x }}{% endraw %}", "raw"},
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        char branch[400];
        cr_assert_eq(render(refused[i][0]), MMN_INPUT, "%s", refused[i][0]);
        cr_assert(strstr(error.message, refused[i][1]), "%s: %s", refused[i][0], error.message);
        cr_assert_str_eq(error.file, "file");
        snprintf(branch, sizeof(branch), "{%% if false %%}%s{%% endif %%}x", refused[i][0]);
        if (i < 15)
            cr_assert_eq(render(branch), MMN_OK, "%s: %s", branch, error.message);
    }
}

/* Templates are strangers' files: they end soon, however they are nested. */
Test(chat_template, bounds_what_templates_may_do)
{
    mmn_text source = {0};
    for (size_t i = 0; i < 5000; i++)
        mmn_text_add(&source, "%s", "{% for m in messages %}");
    cr_assert_eq(render(source.text), MMN_INPUT);
    source.length = 0;
    mmn_text_add(&source, "%s", "{{ ");
    for (size_t i = 0; i < 100000; i++)
        mmn_text_add(&source, "%s", "(-not [");
    mmn_text_add(&source, "%s", " }}");
    cr_assert_eq(render(source.text), MMN_INPUT);
    mmn_text_free(&source);
    cr_assert_eq(render("{% set x = [1,1,1,1,1,1,1,1,1,1] %}{% set x = x+x+x+x+x+x+x+x+x+x %}"
                        "{% for a in x %}{% for b in x %}{% for c in x %}{% for d in x %}y"
                        "{% endfor %}{% endfor %}{% endfor %}{% endfor %}"),
                 MMN_INPUT);
    cr_assert(strstr(error.message, "too long"));
}
