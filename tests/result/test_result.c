/* Results: what templates make of tables, and what callers are told of them. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "result/template.h"
#include "tests/tools/failing_allocator.h"

static const mmn_form_table tables[] = {
    {"result", NULL, MMN_COLUMNS(MMN_TEXT("name"), MMN_JSON("raw"), MMN_TRUTH("odd"))},
    {"runs", "result", MMN_COLUMNS(MMN_TEXT("domain"), MMN_TEXT("off"), MMN_REAL("share", ""))},
    {"words", "runs", MMN_COLUMNS(MMN_TEXT("word"), MMN_WHOLE("count"))},
    {"none", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    {0}};

static const mmn_form form = {
    .tables = tables,
    .json = "{'name': $name, 'runs': [<runs|, |{$domain: [<words|,|$count>]}>]}\n",
    .people = "<runs||${domain} $.1{share*100}\n>"};

static mmn_error error;

static mmn_status make(mmn_result **result, mmn_error *problem)
{
    char name[] = "a \"result\"";
    if (mmn_result_begin(result, &form, problem) != MMN_OK)
        return MMN_SYSTEM;
    MMN_ADD(*result, "result", mmn_as_text(name), mmn_as_json("{\"x\": 1}"), mmn_as_truth(true));
    memset(name, 'x', sizeof(name) - 1); /* the result has its own */
    MMN_ADD(*result, "runs", mmn_as_text("medical"), mmn_as_text("nothing"), mmn_as_real(0.25));
    MMN_ADD(*result, "words", mmn_as_text(" cat"), mmn_as_whole(3));
    MMN_ADD(*result, "words", mmn_as_text("d\xc3\xb6g"), mmn_as_whole(0));
    MMN_ADD(*result, "runs", mmn_as_text("medical"), mmn_as_text("domain"), mmn_as_real(INFINITY));
    MMN_ADD(*result, "runs", mmn_as_text("x"), mmn_as_text(NULL), mmn_as_nothing());
    MMN_ADD(*result, "words", mmn_as_optional(""), mmn_as_whole(7));
    return mmn_result_end(result, problem);
}

static void expect(const mmn_result *result, const char *template, bool quotes,
                   const char *expected)
{
    mmn_text text = {0};
    char *made;
    mmn_template_add(&text, result, template, quotes);
    cr_assert_eq(mmn_text_finish(&text, &made, &error), MMN_OK);
    cr_expect_str_eq(made, expected, "%s makes \"%s\"", template, made);
    mmn_free(made);
}

Test(result, templates)
{
    static const struct {
        const char *template, *expected;
    } cases[] = {
        {"its $name, ${name}: $raw", "its \"a \\\"result\\\"\", a \"result\": {\"x\": 1}"},
        {"<runs|, |$share>", "0.25, null, null"},
        {"<runs|/|<words|, |${domain} $count>>", "medical 3, medical 0//x 7"},
        {"<words|, |$count>", "3, 0, 7"},
        {"<words 2|, |;|$count>", "3, 0;7"},
        {"<words first||$\"{word}>", "\"\xe2\x96\x81"
                                     "cat\""},
        {"<runs off=nothing||$off><runs off=gone||$off>", "\"nothing\""},
        {"<runs off=domain||<runs domain=$domain|+|$off>>", "\"nothing\"+\"domain\""},
        {"<runs by domain|; |${domain}<runs|,|${off}>>", "medicalnothing,domain; x"},
        {"<words by count|; |$count>", "3; 0; 7"},
        {"<runs||<?off|y><!off|n><?share|y><!share|n> >", "yy yy nn "},
        {"<words||<?count|$count><!count|no>>", "3no7"},
        {"<?odd|odd><!odd|even><?words|, with words><!none|, without any>",
         "odd, with words, without any"},
        {"<?name=x|a><!name=x|b>", "b"},
        {"[<words||<-4|${word}>>]", "[ catd\xc3\xb6g     ]"},
        {"<runs off=nothing||<words||<+1 domain|${word}>|>>", "    cat|    d\xc3\xb6g|"},
        {"<-2 runs.domain|abc>|<-9 runs.domain|abc>|", "abc    |abc      |"},
        {"<runs||$6.2{share}|>", "  0.25|   inf|  0.00|"},
        {"<words first||$.1{count*100/count}|$8.2g{count}|$3{count}>", "100.0|       3|  3"},
        {"|h' - h| $unknown", "|h' - h| null"},
    };
    mmn_result *result;
    cr_assert_eq(make(&result, &error), MMN_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(result, cases[i].template, false, cases[i].expected);
    expect(result, "{'name': $name}", true, "{\"name\": \"a \\\"result\\\"\"}");
    mmn_result_free(result);
}

Test(result, values)
{
    mmn_result *result;
    cr_assert_eq(make(&result, &error), MMN_OK);
    cr_expect_eq(mmn_result_rows(result, "words"), 3);
    cr_expect_eq(mmn_result_rows(result, "nowhere"), 0);
    cr_expect_eq(mmn_result_parent(result, "words", 2), 2);
    cr_expect_eq(mmn_result_number(result, "words", 2, "count"), 7);
    cr_expect_eq(mmn_result_number(result, "runs", 0, "share"), 0.25);
    cr_expect_eq(mmn_result_number(result, "result", 0, "odd"), 1);
    cr_expect_str_eq(mmn_result_text(result, "words", 0, "word"), " cat");
    cr_expect_str_eq(mmn_result_text(result, "result", 0, "raw"), "{\"x\": 1}");
    cr_expect(isnan(mmn_result_number(result, "words", 3, "count")));
    cr_expect(isnan(mmn_result_number(result, "runs", 0, "domain")));
    cr_expect_null(mmn_result_text(result, "runs", 2, "off"));
    cr_expect_null(mmn_result_text(result, "runs", 0, "of"));
    cr_expect_str_eq(mmn_result_table_name(result, 1), "runs");
    cr_expect_null(mmn_result_table_name(result, 4));
    cr_expect_str_eq(mmn_result_column_name(result, "words", 1), "count");
    cr_expect_null(mmn_result_column_name(result, "words", 2));
    cr_expect_null(mmn_result_column_name(result, "nowhere", 0));
    cr_expect_str_eq(mmn_result_parent_table(result, "words"), "runs");
    cr_expect_null(mmn_result_parent_table(result, "result"));
    cr_expect_null(mmn_result_parent_table(result, "nowhere"));
    static const struct {
        const char *table, *column;
        mmn_column_kind kind;
    } kinds[] = {{"result", "name", MMN_COLUMN_TEXT},  {"result", "raw", MMN_COLUMN_JSON},
                 {"words", "count", MMN_COLUMN_WHOLE}, {"runs", "share", MMN_COLUMN_REAL},
                 {"result", "odd", MMN_COLUMN_TRUTH},  {"runs", "odd", MMN_COLUMN_NONE},
                 {"nowhere", "name", MMN_COLUMN_NONE}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        cr_expect_eq(mmn_result_column_kind(result, kinds[i].table, kinds[i].column),
                     kinds[i].kind);
    mmn_result_free(result);
}

/* A value of another kind than its column's, and a row of another length, are refused. */
Test(result, mistakes)
{
    for (int i = 0; i < 2; i++) {
        mmn_result *result;
        cr_assert_eq(mmn_result_begin(&result, &form, &error), MMN_OK);
        MMN_ADD(result, "result", mmn_as_text("x"), mmn_as_json("1"), mmn_as_truth(false));
        if (i == 0)
            MMN_ADD(result, "none", mmn_as_whole(1));
        else
            MMN_ADD(result, "none", mmn_as_text("x"), mmn_as_text("y"));
        cr_expect_eq(mmn_result_end(&result, &error), MMN_SYSTEM);
        cr_expect_null(result);
    }
}

Test(result, out_of_memory)
{
    mmn_status status = MMN_SYSTEM;
    for (unsigned long number = 1; status != MMN_OK; number++) {
        mmn_result *result = NULL;
        char *json = NULL, *table = NULL;
        fail_allocation_at(number);
        status = make(&result, &error);
        cr_assert_eq(status == MMN_OK, result != NULL);
        if (status == MMN_OK)
            status = mmn_result_json(result, &json, &error);
        if (status == MMN_OK)
            status = mmn_result_table(result, &table, &error);
        fail_allocation_at(0);
        cr_assert(status == MMN_OK || (status == MMN_SYSTEM && !table));
        if (status == MMN_OK) {
            cr_expect_str_eq(json,
                             "{\"name\": \"a \\\"result\\\"\", \"runs\": [{\"medical\": [3,0]}, "
                             "{\"medical\": []}, {\"x\": [7]}]}\n");
            cr_expect_str_eq(table, "medical 25.0\nmedical inf\nx 0.0\n");
            cr_expect_gt(number, 10);
        }
        mmn_release(json);
        mmn_release(table);
        mmn_result_free(result);
    }
}
