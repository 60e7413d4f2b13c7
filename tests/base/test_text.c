/* Glob patterns, composed text, and the progress line, against values written by hand. */
#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/names.h"
#include "base/text_buffer.h"
#include "mmneuron.h"
#include "tests/tools/failing_allocator.h"

static const char name[] = "language.layers.12.mlp.act";

Test(glob, matches)
{
    static const char *const patterns[] = {"*",
                                           "language.layers.12.mlp.act",
                                           "language.*",
                                           "*.act",
                                           "*layers*mlp*",
                                           "**",
                                           "language.layers.{i}.mlp.act",
                                           "*.{i}.*",
                                           "language.layers.??.mlp.act",
                                           "x,*.act",
                                           " x , *.act ",
                                           "*.act,x",
                                           "l*1*.act",
                                           "*{i}.mlp.act"};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
        cr_assert(mmn_glob_match(patterns[i], name), "%s", patterns[i]);
    cr_assert(mmn_glob_match(NULL, name));
    cr_assert(mmn_glob_match("*", ""));
}

Test(glob, does_not_match)
{
    static const char *const patterns[] = {"",
                                           ",",
                                           " ",
                                           "language",
                                           "act",
                                           "*.out",
                                           "language.layers.?.mlp.act",
                                           "*.act.",
                                           "x,y",
                                           "language.layers.{i}.mlp",
                                           "{i}",
                                           "*layers{i}*",
                                           "Language.*",
                                           "language.layers.12.mlp.act?",
                                           "language.layers.12.mlp.actx"};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
        cr_assert_not(mmn_glob_match(patterns[i], name), "%s", patterns[i]);
    cr_assert_not(mmn_glob_match("?", ""));
}

/* Backtracking into every '*' would take longer than the universe has existed. */
Test(glob, takes_no_exponential_time)
{
    char text[2000], pattern[1001];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    for (size_t i = 0; i < 1000; i += 2)
        memcpy(pattern + i, "a*", 2);
    memcpy(pattern + 998, "b", 2);
    cr_assert_not(mmn_glob_match(pattern, text));
}

static void check_real(double value, const char *expected)
{
    mmn_text text = {0};
    char *result;
    mmn_text_add_real(&text, value);
    cr_assert_eq(mmn_text_finish(&text, &result, NULL), MMN_OK);
    cr_assert_str_eq(result, expected);
    mmn_free(result);
}

Test(text, writes_the_shortest_real)
{
    check_real(0.95, "0.95");
    check_real(0.1 + 0.2, "0.30000000000000004");
    check_real(1.0 / 3, "0.3333333333333333");
    check_real(0, "0");
    check_real(-2.5, "-2.5");
    check_real(1e-7, "1e-07");
    check_real(1e300, "1e+300");
    check_real(5e-324, "5e-324");
    check_real((double)INFINITY, "inf");
    check_real((double)-INFINITY, "-inf");
    check_real((double)NAN, "nan");
}

Test(text, grows_and_escapes)
{
    mmn_text text = {0};
    char *result;
    for (int i = 0; i < 1000; i++)
        mmn_text_add(&text, "%d,", i % 10);
    mmn_text_add_json(&text, "a\"b\\c\n\xc3\xa9");
    mmn_text_fill(&text, '-', 3);
    cr_assert_eq(mmn_text_finish(&text, &result, NULL), MMN_OK);
    cr_assert_eq(strlen(result), 2000 + strlen("\"a\\\"b\\\\c\\u000a\xc3\xa9\"---"));
    cr_assert_str_eq(result + 2000, "\"a\\\"b\\\\c\\u000a\xc3\xa9\"---");
    mmn_free(result);
    cr_assert_eq(mmn_text_finish(&text, &result, NULL), MMN_OK);
    cr_assert_str_eq(result, "");
    mmn_free(result);
}

Test(text, tells_at_the_end_that_memory_was_short)
{
    mmn_text text = {0};
    char *result;
    fail_allocation_at(1);
    mmn_text_add(&text, "lost");
    fail_allocation_at(0);
    mmn_text_add(&text, "not added");
    cr_assert_eq(mmn_text_finish(&text, &result, NULL), MMN_SYSTEM);
    cr_assert_null(result);
}

static void check_line(mmn_progress progress, int columns, const char *expected)
{
    char line[200];
    progress.label = "counting";
    progress.unit = "samples";
    mmn_progress_line(line, sizeof(line), &progress, columns);
    cr_assert_str_eq(line, expected);
}

Test(progress, is_one_line_that_fits)
{
    /* 40 of 100 after 20 s, of which 30 were there before: 0.5/s, so 120 s are left. The bar is 19
     * wide, of which 0.4 are 7. */
    check_line((mmn_progress){.done = 40, .total = 100, .already = 30, .seconds = 20}, 70,
               "counting [=======>           ]  40%  40/100 samples  0.50/s  2:00 left");
    /* Of a first sample a quarter of the layers are done: after 60 s, 180 s are left of it and 240
     * s of the second. */
    check_line((mmn_progress){.total = 2, .seconds = 60, .begun = 0.25}, 70,
               "counting [==>                 ]  12%  0/2 samples  0.25/min  7:00 left");
    check_line((mmn_progress){.done = 2, .total = 2, .already = 2, .seconds = 1, .begun = 9}, 40,
               "counting [===========] 100%  2/2 samples");
    check_line((mmn_progress){.total = 100}, 60,
               "counting [>                            ]   0%  0/100 samples");
    check_line((mmn_progress){.done = 5, .total = 5, .seconds = 1}, 30,
               "counting 100%  5/5 samples  5.");
    check_line((mmn_progress){.done = 1, .total = 1000, .seconds = 100}, 100,
               "counting [>                                       ]   0%  1/1000 samples"
               "  0.60/min  27:45:00 left");
    check_line((mmn_progress){0}, 0, "");
}
