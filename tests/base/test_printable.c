/* What could drive a terminal, replaced in texts for people and escaped in JSON; and files inside
 * folders. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "base/utf8.h"
#include "mmneuron.h"

Test(printable, replaces_what_drives_a_terminal)
{
    static const struct {
        const char *given, *line, *lines;
    } cases[] = {
        {"plain, \xc3\xa9\xe2\x96\x81 \xf0\x9f\x99\x82",
         "plain, \xc3\xa9\xe2\x96\x81 \xf0\x9f\x99\x82",
         "plain, \xc3\xa9\xe2\x96\x81 \xf0\x9f\x99\x82"},
        {"\x1b[31mred\x07\r\x7f", "?[31mred???", "?[31mred???"},
        {"a\tb\nc", "a?b?c", "a\tb\nc"},
        /* C1: CSI and OSC in one character. */
        {"\xc2\x9b"
         "31m\xc2\x9d"
         "0;title",
         "?31m?0;title", "?31m?0;title"},
        /* Overrides and isolates of direction, marks, a separator of lines. */
        {"\xe2\x80\xae"
         "gpj.exe \xe2\x81\xa6 \xe2\x80\x8f \xd8\x9c \xe2\x80\xa8",
         "?gpj.exe ? ? ? ?", "?gpj.exe ? ? ? ?"},
        /* Without width: a space, a joiner of words, tags; but joiners within words and emoji
         * stay. */
        {"a\xe2\x80\x8b"
         "b\xe2\x81\xa0\xf3\xa0\x81\xa1\xe1\xa0\x8e",
         "a?b???", "a?b???"},
        {"\xd9\x85\xe2\x80\x8c\xda\xa9 \xe2\x80\x8d", "\xd9\x85\xe2\x80\x8c\xda\xa9 \xe2\x80\x8d",
         "\xd9\x85\xe2\x80\x8c\xda\xa9 \xe2\x80\x8d"},
        /* Not UTF-8: bare, cut and overlong forms, a surrogate. */
        {"\x9b \xc3 \xc0\x9b \xed\xa0\x80 \xe2\x80", "? ? ?? ??? ??", "? ? ?? ??? ??"},
        {"", "", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[100];
        snprintf(text, sizeof(text), "%s", cases[i].given);
        mmn_make_printable(text, 0);
        cr_expect_str_eq(text, cases[i].line, "case %zu: %s", i, text);
        snprintf(text, sizeof(text), "%s", cases[i].given);
        mmn_make_printable(text, 1);
        cr_expect_str_eq(text, cases[i].lines, "case %zu: %s", i, text);
    }
}

/* Jansson reads back what was there. */
Test(printable, json_escapes_and_keeps_it)
{
    static const char given[] = "\x1b[0m \xc2\x9b \xe2\x80\xae \xef\xbb\xbf \"\\ \xc3\xa9";
    mmn_text text = {0};
    char *made;
    mmn_text_add_json(&text, given);
    cr_assert_eq(mmn_text_finish(&text, &made, NULL), MMN_OK);
    cr_assert_str_eq(made, "\"\\u001b[0m \\u009b \\u202e \\ufeff \\\"\\\\ \xc3\xa9\"");
    json_t *value = json_loads(made, JSON_DECODE_ANY, NULL);
    cr_assert_str_eq(json_string_value(value), given);
    json_decref(value);
    mmn_free(made);
}

static char root[64];

static const char *in_root(const char *name)
{
    static char path[2][200];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof(path[turn]), "%s/%s", root, name);
    return path[turn];
}

static void touch(const char *name)
{
    FILE *file = fopen(in_root(name), "w");
    cr_assert_not_null(file);
    fclose(file);
}

Test(paths, know_what_is_inside_a_folder)
{
    snprintf(root, sizeof(root), "/tmp/mmneuron-test-XXXXXX");
    cr_assert_not_null(mkdtemp(root));
    static const char *const folders[] = {"list", "list/deep", "list-more"};
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(mkdir(in_root(folders[i]), 0700), 0);
    static const char *const files[] = {"list/a.jpg", "list/deep/b.jpg", "list-more/c.jpg",
                                        "d.jpg"};
    for (size_t i = 0; i < 4; i++)
        touch(files[i]);
    cr_assert_eq(symlink("../d.jpg", in_root("list/out.jpg")), 0);
    cr_assert_eq(symlink("list/a.jpg", in_root("in.jpg")), 0);
    static const struct {
        const char *path;
        bool inside;
    } cases[] = {
        {"list/a.jpg", true},    {"list/deep/b.jpg", true},  {"list/deep/../a.jpg", true},
        {"in.jpg", true},        {"list-more/c.jpg", false}, {"list/../d.jpg", false},
        {"list/out.jpg", false}, {"list/deep", false},       {"list/none.jpg", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_eq(mmn_path_is_inside(in_root(cases[i].path), in_root("list")), cases[i].inside,
                     "%s", cases[i].path);
    cr_expect_not(mmn_path_is_inside(in_root("d.jpg"), in_root("no folder")));
    cr_expect(mmn_path_is_inside(in_root("d.jpg"), "/"));
    static const char *const links[] = {"list/out.jpg", "in.jpg"};
    for (size_t i = 0; i < 2; i++)
        unlink(in_root(links[i]));
    for (size_t i = 0; i < 4; i++)
        unlink(in_root(files[i]));
    for (size_t i = 3; i-- > 0;)
        rmdir(in_root(folders[i]));
    cr_assert_eq(rmdir(root), 0);
}
