/* What reports are written with: escaping, numbers, base64, bars. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "page/text.h"
#include "result/words.h"
#include "tests/tools/failing_allocator.h"

static void is(mmn_text *text, const char *expected)
{
    char *made;
    cr_assert_eq(mmn_text_finish(text, &made, NULL), MMN_OK);
    cr_expect_str_eq(made, expected);
    mmn_free(made);
}

static void marked(const char *given, const char *expected)
{
    mmn_text text = {0};
    mmn_markup_add(&text, given);
    is(&text, expected);
}

#define STRANGE "\xef\xbf\xbd"

Test(markup, is_escaped)
{
    marked("<script>alert('\"&\")</script>",
           "&lt;script&gt;alert(&#39;&quot;&amp;&quot;)&lt;/script&gt;");
    marked("a\tb\n\x01\x7f", "a" STRANGE "b" STRANGE STRANGE STRANGE);
    marked("caf\xc3\xa9 \xe8\xbd\xa6 \xf0\x9f\x9a\x97",
           "caf\xc3\xa9 \xe8\xbd\xa6 \xf0\x9f\x9a\x97");
}

Test(markup, shows_what_is_no_text)
{
    marked("\xff\xc3", STRANGE STRANGE);             /* no UTF-8; an unfinished character */
    marked("\xc0\xbc", STRANGE STRANGE);             /* "<" overlong */
    marked("\xe0\x80\xbc", STRANGE STRANGE STRANGE); /* and again */
    marked("\xed\xa0\x80", STRANGE STRANGE STRANGE); /* a surrogate */
    marked("\xf5\x80\x80\x80", STRANGE STRANGE STRANGE STRANGE);
    marked("\xc2\x85", STRANGE);                         /* a control character */
    marked("x\xe2\x80\xaey", "x" STRANGE "y");           /* writes backwards from here */
    marked("\xef\xbf\xbe\xef\xb7\x90", STRANGE STRANGE); /* non-characters */
}

Test(markup, is_cut_at_characters)
{
    static const struct {
        const char *given;
        size_t columns;
        const char *expected;
    } cases[] = {{"abcd", 4, "abcd"},
                 {"abcde", 4, "abc\xe2\x80\xa6"},
                 {"abc", 1, "\xe2\x80\xa6"},
                 {"\xe8\xbd\xa6\xe8\xbd\xa6", 4, "\xe8\xbd\xa6\xe8\xbd\xa6"},
                 {"\xe8\xbd\xa6\xe8\xbd\xa6", 3, "\xe8\xbd\xa6\xe2\x80\xa6"},
                 {"<<<<<", 3, "&lt;&lt;\xe2\x80\xa6"},
                 {"", 3, ""}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mmn_text text = {0};
        mmn_markup_add_cut(&text, cases[i].given, cases[i].columns);
        is(&text, cases[i].expected);
    }
}

Test(markup, of_other_formats)
{
    mmn_text text = {0};
    mmn_markup_add_csv(&text, "plain");
    mmn_markup_add_csv(&text, "a,b");
    mmn_markup_add_csv(&text, "say \"yes\"\n");
    is(&text, "plain\"a,b\"\"say \"\"yes\"\"\n\"");
    static const char *const formulas[][2] = {
        {"=1+1", "\"'=1+1\""}, {"+1", "\"'+1\""}, {"-1", "\"'-1\""}, {"@sum", "\"'@sum\""},
        {"\t=1", "\"'\t=1\""}, {"a=b", "a=b"},    {"", ""}};
    for (size_t i = 0; i < sizeof(formulas) / sizeof(formulas[0]); i++) {
        mmn_markup_add_csv(&text, formulas[i][0]);
        is(&text, formulas[i][1]);
    }
    mmn_markup_add_markdown(&text, "a|b *c* [d](e) <f>\n");
    is(&text, "a\\|b \\*c\\* \\[d\\](e) &lt;f&gt;" STRANGE);
}

Test(words, show_their_spaces)
{
    static const char *const cases[][2] = {{"", ""},
                                           {"cat", "cat"},
                                           {" cat", "\xe2\x96\x81"
                                                    "cat"},
                                           {"a b ", "a\xe2\x96\x81"
                                                    "b\xe2\x96\x81"},
                                           {"<0xE2>", "<0xE2>"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *shown = mmn_word_shown(cases[i][0], NULL);
        cr_assert_not_null(shown);
        cr_expect_str_eq(shown, cases[i][1]);
        mmn_free(shown);
    }
    fail_allocation_at(1);
    char *shown = mmn_word_shown(" cat", NULL);
    fail_allocation_at(0);
    cr_expect_null(shown);
    mmn_free(shown);
}

Test(numbers, have_decimals)
{
    static const struct {
        double value;
        int decimals;
        const char *expected;
    } cases[] = {
        {0, 0, "0"},          {12.345, 1, "12.3"}, {0.05, 1, "0.1"},        {-0.04, 1, "0.0"},
        {-2.5, 0, "-3"},      {99.96, 1, "100.0"}, {1.005e3, 2, "1005.00"}, {0.0625, 4, "0.0625"},
        {1e300, 2, "1e+300"}, {NAN, 1, ""},        {HUGE_VAL, 1, ""}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mmn_text text = {0};
        mmn_number_fixed(&text, cases[i].value, cases[i].decimals);
        is(&text, cases[i].expected);
    }
}

Test(numbers, step_roundly)
{
    static const struct {
        double maximum;
        int ticks;
        double step;
        int decimals;
    } cases[] = {{1, 5, 0.2, 1},  {7, 5, 2, 0},         {24, 5, 5, 0},    {0.4, 5, 0.1, 1},
                 {100, 5, 20, 0}, {0.013, 5, 0.005, 3}, {1e9, 4, 5e8, 0}, {0, 5, 1, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const double step = mmn_number_step(cases[i].maximum, cases[i].ticks);
        cr_expect(fabs(step - cases[i].step) < 1e-9 * cases[i].step, "%g: %g", cases[i].maximum,
                  step);
        cr_expect_eq(mmn_number_step_decimals(step), cases[i].decimals);
    }
    cr_expect(mmn_number_step(NAN, 5) == 1 && mmn_number_step(HUGE_VAL, 5) == 1);
}

/* RFC 4648, section 10. */
Test(base64, has_the_test_vectors)
{
    static const char *const cases[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xfb\xff", "+/8="}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mmn_text text = {0};
        mmn_base64_add(&text, (const uint8_t *)cases[i][0], strlen(cases[i][0]));
        is(&text, cases[i][1]);
    }
}

Test(bars, are_of_blocks_or_signs)
{
    mmn_text text = {0};
    mmn_bar_add(&text, 0.5, 5, false);
    is(&text, "###");
    mmn_bar_add(&text, 2, 3, false);
    mmn_bar_add(&text, NAN, 3, false);
    mmn_bar_add(&text, -1, 3, true);
    is(&text, "###");
    mmn_bar_add(&text, 0.5, 5, true);
    is(&text, "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x8c");
    mmn_bar_add(&text, 0.125, 1, true);
    mmn_bar_add(&text, 0.875, 1, true);
    is(&text, "\xe2\x96\x8f\xe2\x96\x89");
}
