/* Dataset lists: what a sample says, and what is said of bad lines. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "damage.h"
#include "format/list.h"
#include "tests/tools/failing_allocator.h"

static mmn_error error;

static mmn_list *open_text(const char *text, size_t size)
{
    mmn_list *list;
    cr_assert_eq(mmn_list_parse(&list, text, size, "some/folder/list.jsonl", &error), MMN_OK);
    return list;
}

static mmn_sample next(mmn_list *list)
{
    mmn_sample sample;
    bool found;
    mmn_status status = mmn_list_next(list, &sample, &found, &error);
    cr_assert_eq(status, MMN_OK, "%s: %s", error.where, error.message);
    cr_assert(found);
    return sample;
}

static void check_end(mmn_list *list)
{
    mmn_sample sample;
    bool found = true;
    cr_assert_eq(mmn_list_next(list, &sample, &found, &error), MMN_OK);
    cr_assert(!found);
}

Test(list, reads_every_key)
{
    static const char text[] =
        "{\"id\":\"q7\",\"domain\":\"remote sensing\",\"image\":[\"a.jpg\",\"/b/c.png\"],"
        "\"question\":\"wh\\u00e4t?\",\"answers\":[\"yes\",\"no\"],\"metric\":\"choice\","
        "\"choices\":[\"A\",\"B\",\"C\"],\"prompt\":\"P <image>\"}\n"
        "{\"domain\":\"d\",\"image\":\"x.png\",\"question\":\"\",\"id\":-12,\"metric\":\"vqa\"}\n"
        "{\"domain\":\"\xe5\x8c\xbb\xe5\xad\xa6\",\"prompt\":\"text only\",\"image\":null}";
    mmn_list *list = open_text(text, sizeof(text) - 1);

    mmn_sample sample = next(list);
    cr_assert_str_eq(sample.id, "q7");
    cr_assert_str_eq(sample.domain, "remote sensing");
    cr_assert_eq(sample.image_count, 2);
    cr_assert_str_eq(sample.images[0], "some/folder/a.jpg");
    cr_assert_str_eq(sample.images[1], "/b/c.png");
    cr_assert_str_eq(sample.question, "wh\xc3\xa4t?");
    cr_assert_str_eq(sample.prompt, "P <image>");
    cr_assert_eq(sample.answer_count, 2);
    cr_assert_str_eq(sample.answers[1], "no");
    cr_assert_eq(sample.choice_count, 3);
    cr_assert_str_eq(sample.choices[2], "C");
    cr_assert_eq(sample.metric, MMN_METRIC_CHOICE);
    cr_assert_eq(sample.line, 1);

    sample = next(list);
    cr_assert_str_eq(sample.id, "-12");
    cr_assert_eq(sample.image_count, 1);
    cr_assert_str_eq(sample.images[0], "some/folder/x.png");
    cr_assert_str_eq(sample.question, "");
    cr_assert_null(sample.prompt);
    cr_assert_eq(sample.answer_count + sample.choice_count, 0);
    cr_assert_eq(sample.metric, MMN_METRIC_VQA);

    sample = next(list);
    cr_assert_str_eq(sample.id, "3");
    cr_assert_eq(sample.image_count, 0);
    cr_assert_null(sample.question);
    cr_assert_eq(sample.metric, MMN_METRIC_NONE);
    check_end(list);
    check_end(list);

    mmn_list_rewind(list);
    cr_assert_str_eq(next(list).id, "q7");
    mmn_list_close(list);
}

/* Objects come in bytewise order; a list that says so needs no questions. */
Test(list, reads_what_pictures_show)
{
    static const char text[] =
        "{\"domain\":\"a\",\"image\":\"x.png\",\"objects\":[\"dog\",\"Cup\",\"cat\"]}\n"
        "{\"domain\":\"a\",\"image\":\"y.png\",\"objects\":[],\"property\":\"cook\"}\n"
        "{\"domain\":\"a\",\"image\":\"z.png\"}\n";
    mmn_list *list = open_text(text, sizeof(text) - 1);
    mmn_sample sample;
    bool found;
    cr_expect_eq(mmn_list_next(list, &sample, &found, &error), MMN_INPUT);
    cr_expect_str_eq(error.where, "line 1, question");
    mmn_list_rewind(list);
    mmn_list_allow_no_questions(list, true);
    sample = next(list);
    cr_assert_eq(sample.object_count, 3);
    cr_expect_str_eq(sample.objects[0], "Cup");
    cr_expect_str_eq(sample.objects[1], "cat");
    cr_expect_str_eq(sample.objects[2], "dog");
    cr_expect_null(sample.property);
    sample = next(list);
    cr_expect_not_null(sample.objects);
    cr_expect_eq(sample.object_count, 0);
    cr_expect_str_eq(sample.property, "cook");
    sample = next(list);
    cr_expect_null(sample.objects);
    mmn_list_close(list);
}

/* What a line's edit is tried on is as the line has it, where it does not say. */
Test(list, reads_edits)
{
    static const char text[] =
        "{\"domain\":\"a\",\"image\":\"x.png\",\"question\":\"q\",\"from\":\"cat\",\"to\":\"dog\","
        "\"general\":[{\"image\":[\"y.png\"]}],"
        "\"local\":[{},{\"prompt\":\"p\"},{\"question\":\"r\",\"image\":null}]}\n"
        "{\"domain\":\"a\",\"question\":\"q\"}\n";
    mmn_list *list = open_text(text, sizeof(text) - 1);
    mmn_sample sample = next(list);
    cr_expect_str_eq(sample.from, "cat");
    cr_expect_str_eq(sample.to, "dog");
    cr_assert_eq(sample.general_count, 1);
    cr_expect_str_eq(sample.general[0].images[0], "some/folder/y.png");
    cr_expect_str_eq(sample.general[0].question, "q");
    cr_assert_eq(sample.local_count, 3);
    cr_expect_str_eq(sample.local[0].images[0], "some/folder/x.png");
    cr_expect_str_eq(sample.local[1].prompt, "p");
    cr_expect_null(sample.local[1].question);
    cr_expect_str_eq(sample.local[2].question, "r");
    cr_expect_eq(sample.local[2].image_count, 1);
    sample = next(list);
    cr_expect_null(sample.from);
    cr_expect_eq(sample.general_count + sample.local_count, 0);
    mmn_list_close(list);
}

Test(list, accepts_byte_order_mark_carriage_returns_and_empty_lines)
{
    static const char text[] = "\xef\xbb\xbf\r\n"
                               "{\"domain\":\"a\",\"question\":\"1\"}\r\n"
                               "   \t\r\n\n"
                               "{\"domain\":\"b\",\"question\":\"2\"}\r\n\r\n";
    mmn_list *list = open_text(text, sizeof(text) - 1);
    mmn_sample sample = next(list);
    cr_assert_eq(sample.line, 2);
    cr_assert_str_eq(sample.domain, "a");
    sample = next(list);
    cr_assert_eq(sample.line, 5);
    cr_assert_eq(mmn_list_line(list), 5);
    cr_assert_str_eq(sample.domain, "b");
    check_end(list);
    mmn_list_close(list);

    list = open_text("", 0);
    check_end(list);
    mmn_list_close(list);
    list = open_text("\xef\xbb\xbf", 3);
    check_end(list);
    mmn_list_close(list);
}

Test(list, names_bad_lines_and_goes_on)
{
    static const struct {
        const char *line, *where, *message; /* the end of `where`, a part of the message */
    } bad[] = {
        {"{\"domain\":\"a\",\"question\":\"x\"", "line 2, column 28", "not valid JSON"},
        {"{\"domain\":\"a\",", "line 2, column", "a sample is one line"},
        {"{\"domain\":\"a\",\"domain\":\"a\",\"question\":\"x\"}", "line 2, column 22",
         "duplicate"},
        {"[1]", "line 2", "JSON object"},
        {"{\"question\":\"x\"}", "line 2, domain", "is missing"},
        {"{\"domain\":1,\"question\":\"x\"}", "line 2, domain", "must be a text and is an integer"},
        {"{\"domain\":\"\",\"question\":\"x\"}", "line 2, domain", "name"},
        {"{\"domain\":\"a/b\",\"question\":\"x\"}", "line 2, domain", "name"},
        {"{\"domain\":\"a.b\",\"question\":\"x\"}", "line 2, domain", "name"},
        {"{\"domain\":\"a,b\",\"question\":\"x\"}", "line 2, domain", "name"},
        {"{\"domain\":\" a\",\"question\":\"x\"}", "line 2, domain", "name"},
        {"{\"domain\":\"a \",\"question\":\"x\"}", "line 2, domain", "name"},
        {"{\"domain\":\"a\\nb\",\"question\":\"x\"}", "line 2, domain", "name"},
        {"{\"domain\":\"a\\u0085b\",\"question\":\"x\"}", "line 2, domain", "name"},
        {"{\"domain\":\"1234567890123456789012345678901234567890123456789012345678901234x\","
         "\"question\":\"x\"}",
         "line 2, domain", "64 bytes"},
        {"{\"domain\":\"a\"}", "line 2, question", "is missing"},
        {"{\"domain\":\"a\",\"question\":7}", "line 2, question", "must be a text"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"prompt\":[]}", "line 2, prompt", "must be a text"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"image\":7}", "line 2, image", "path"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"image\":\"\"}", "line 2, image", "path"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"image\":[\"a\",7]}", "line 2, image", "path"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"answers\":\"a\"}", "line 2, answers", "an array"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"answers\":[1]}", "line 2, answers", "of texts"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"choices\":{}}", "line 2, choices", "an array"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"metric\":\"bleu\"}", "line 2, metric", "bleu"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"metric\":1}", "line 2, metric", "must be a text"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"objects\":{}}", "line 2, objects", "an array"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"objects\":[1]}", "line 2, objects", "of texts"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"objects\":[\"b\",\"a\",\"b\"]}", "line 2, objects",
         "twice"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"objects\":[\"b\",\"\"]}", "line 2, objects",
         "an empty text"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"property\":1}", "line 2, property",
         "must be a text"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"from\":\"a\"}", "line 2, to", "is missing"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"to\":\"a\"}", "line 2, from", "is missing"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"local\":[\"x\"]}", "line 2, local[0]",
         "an object"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"general\":[{\"img\":\"x\"}]}",
         "line 2, general[0].img", "is none of"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"general\":[{\"image\":7}]}",
         "line 2, general[0].image", "path"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"local\":[{\"prompt\":\"\\u0000\"}]}",
         "line 2, local", "escaped zero"},
        {"{\"domain\":\"a\",\"text\":\"x\",\"from\":\"x\"}", "line 2, text", "beside"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"id\":1.5}", "line 2, id", "must be a text"},
        {"{\"domain\":\"a\",\"text\":\"x\",\"question\":\"x\"}", "line 2, text", "beside"},
        {"{\"domain\":\"a\",\"text\":\"x\",\"image\":\"x\"}", "line 2, text", "beside"},
        {"{\"domain\":\"a\",\"text\":\"x\",\"answers\":[\"x\"]}", "line 2, text", "beside"},
        {"{\"domain\":\"a\",\"text_file\":\"x\",\"metric\":\"vqa\"}", "line 2, text_file",
         "beside \"metric\""},
        {"{\"domain\":\"a\",\"question\":\"x\",\"img\":\"a.jpg\"}", "line 2, img",
         "did you mean \"image\"?"},
        {"{\"domain\":\"a\",\"images\":[\"a.jpg\"],\"question\":\"x\"}", "line 2, images",
         "did you mean \"image\"?"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"image_path\":null}", "line 2, image_path",
         "did you mean \"image\"?"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"answer\":\"b\"}", "line 2, answer",
         "did you mean \"answers\"?"},
        {"{\"domain\":\"a\",\"Question\":\"x\"}", "line 2, Question", "did you mean \"question\"?"},
        {"{\"Domain\":\"a\",\"question\":\"x\"}", "line 2, Domain", "did you mean \"domain\"?"},
        {"{\"domain\":\"a\",\"quesiton\":\"x\"}", "line 2, quesiton", "did you mean \"question\"?"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"source\":{\"x\":[1]}}", "line 2, source",
         "is no key of a list; a sample has id, domain, image"},
        {"{\"domain\":\"a\",\"txt\":\"x\"}", "line 2, txt", "did you mean \"text\"?"},
        {"{\"domain\":\"a\",\"imgs\":\"x\"}", "line 2, imgs", "did you mean \"image\"?"},
        {"{\"domain\":\"a\",\"IMG_PATH\":\"x\"}", "line 2, IMG_PATH", "did you mean \"image\"?"},
        {"{\"domain\":\"a\",\"Labels\":\"x\"}", "line 2, Labels", "did you mean \"answers\"?"},
        {"{\"domain\":\"a\",\"options\":\"x\"}", "line 2, options", "did you mean \"choices\"?"},
        {"{\"domain\":\"a\",\"question_id\":1}", "line 2, question_id", "did you mean \"id\"?"},
        {"{\"domain\":\"a\",\"question\":\"x\\u0000\"}", "line 2, question", "zero"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"answers\":[\"\\u0000\"]}", "line 2, answers",
         "zero"},
        {"{\"domain\":\"a\",\"question\":NaN}", "line 2, question",
         "must be a text and is a number"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"answers\":[1e999]}", "line 2, answers",
         "of texts"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"image\":Infinity}", "line 2, image", "path"},
        {"{\"domain\":\"a\",\"question\":\"x\",\"id\":1e999}", "line 2, id", "must be a text"},
        {"\xef\xbb\xbf{\"domain\":\"a\",\"question\":\"x\"}", "line 2, column 1",
         "byte order mark"},
        {"\xff\xfe{", "line 2, column 1", "UTF-16"},
        {"{\"domain\":\"a\",\"text\":null}", "line 2, question", "is missing"},
        {"{\"domain\":\"\xff\",\"question\":\"x\"}", "line 2", "JSON"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[1000];
        int size = snprintf(text, sizeof(text), "\n%s\n{\"domain\":\"z\",\"question\":\"x\"}\n",
                            bad[i].line);
        mmn_list *list = open_text(text, (size_t)size);
        mmn_sample sample;
        bool found;
        error = (mmn_error){0};
        cr_assert_eq(mmn_list_next(list, &sample, &found, &error), MMN_INPUT, "%s", bad[i].line);
        cr_assert(strstr(error.where, bad[i].where) == error.where, "%s: where is %s", bad[i].line,
                  error.where);
        cr_assert(strstr(error.message, bad[i].message), "%s: message is %s", bad[i].line,
                  error.message);
        cr_assert_str_eq(error.file, "some/folder/list.jsonl");
        cr_assert_eq(mmn_list_line(list), 2);
        cr_assert_str_eq(next(list).domain, "z");
        check_end(list);
        mmn_list_close(list);
    }
}

Test(list, passes_over_unknown_keys_if_told_to)
{
    static const char text[] = "{\"domain\":\"a\",\"question\":\"x\",\"note\":{\"y\":[1]}}\n"
                               "{\"domain\":\"a\",\"question\":\"x\",\"images\":\"a.jpg\"}\n";
    mmn_list *list = open_text(text, sizeof(text) - 1);
    mmn_list_allow_unknown_keys(list, true);
    cr_assert_str_eq(next(list).question, "x");
    cr_assert_eq(next(list).image_count, 0);
    check_end(list);
    mmn_list_close(list);
}

/* What Python writes for missing numbers, and ids of any size, as other programs' lists have
 * them. */
Test(list, reads_what_python_writes)
{
    static const char text[] =
        "{\"domain\":\"a\",\"question\":\"x\",\"id\":-123456789012345678901234567890,\"score\":NaN}"
        "\n"
        "{\"domain\":\"a\",\"question\":\"y\",\"text\":null,\"text_file\":null,"
        "\"score\":[-Infinity,1e999,\"\\u0000\"]}\n";
    mmn_list *list = open_text(text, sizeof(text) - 1);
    mmn_list_allow_unknown_keys(list, true);
    cr_assert_str_eq(next(list).id, "-123456789012345678901234567890");
    cr_assert_str_eq(next(list).question, "y");
    check_end(list);
    mmn_list_close(list);
}

/* Tables written as JSON lines have every column in every line. */
Test(list, takes_null_for_a_missing_key)
{
    static const char text[] =
        "{\"id\":null,\"domain\":\"a\",\"text\":\"x\",\"text_file\":null,\"image\":null,"
        "\"question\":null,"
        "\"prompt\":null,\"answers\":null,\"metric\":null,\"choices\":null}\n"
        "{\"domain\":\"a\",\"text\":null,\"text_file\":\"y\",\"image\":null}\n";
    mmn_list *list = open_text(text, sizeof(text) - 1);
    cr_assert_str_eq(next(list).text, "x");
    cr_assert_str_eq(next(list).text_file, "some/folder/y");
    check_end(list);
    mmn_list_close(list);
}

/* The form of a list is that of its lines, whatever else they have; asking for it allows
 * nothing. */
Test(list, finds_texts_beside_unknown_keys)
{
    static const char text[] = "{\"domain\":\"a\",\"text\":\"x\",\"note\":1}\n";
    mmn_list *list = open_text(text, sizeof(text) - 1);
    mmn_sample sample;
    bool texts = false, found;
    cr_assert_eq(mmn_list_has_texts(list, &texts, &error), MMN_OK);
    cr_assert(texts);
    cr_assert_eq(mmn_list_next(list, &sample, &found, &error), MMN_INPUT);
    mmn_list_close(list);
}

static void check_digest(const char *text, size_t size, const char *expected)
{
    mmn_list *list = open_text(text, size);
    mmn_list_allow_unknown_keys(list, true);
    char digest[MMN_DIGEST_SIZE], other[MMN_DIGEST_SIZE];
    next(list);
    cr_assert_eq(mmn_list_digest(list, digest, &error), MMN_OK, "%s", error.message);
    mmn_digest_of(expected, strlen(expected), other);
    cr_expect_str_eq(digest, other, "%s", text);
    cr_expect_str_eq(next(list).domain, "a");
    mmn_list_close(list);
}

/* The layout of doc/formats.md, as Python's json.dumps writes it. */
Test(list, digest_is_of_what_lines_say)
{
    static const char two[] =
        "{\"id\": \"7\", \"domain\": \"a\", \"image\": \"x.jpg\", \"question\": "
        "\"\\t\\\"w\xc3\xa4t/?\\u0001\", "
        "\"answers\": [\"b\", \"c\"]}\n{\"domain\": \"a\", \"prompt\": \"p\"}\n";
    static const char *const copies[] = {
        two,
        "{\"id\":7,\"question\":\"\\t\\u0022w\\u00E4t\\/"
        "?\\u0001\",\"image\":[\"x.jpg\"],\"domain\":\"a\","
        "\"answers\":[\"b\",\"c\"],\"metric\":null}\r\n\r\n{\"prompt\":\"p\",\"domain\":\"a\"}",
        "\xef\xbb\xbf\n  {\"id\": \"7\", \"domain\": \"a\", \"image\": \"x.jpg\", \"question\": "
        "\"\\u0009\\\"w\xc3\xa4t/?\\u0001\", \"answers\": [\"b\", \"c\"], \"note\": [1.5]} \t\n"
        "{\"domain\": \"a\", \"prompt\": \"p\", \"image\": []}\n\n",
    };
    for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++)
        check_digest(copies[i], strlen(copies[i]), two);

    static const char edit[] = "{\"local\":[{\"prompt\":\"p\",\"image\":[\"x\"],\"note\":1},{}],"
                               "\"to\":\"c\",\"from\":\"b\","
                               "\"domain\":\"a\",\"general\":[],\"prompt\":\"p\"}";
    check_digest(edit, sizeof(edit) - 1,
                 "{\"domain\": \"a\", \"prompt\": \"p\", \"from\": \"b\", \"to\": \"c\", "
                 "\"general\": [], \"local\": [{\"image\": \"x\", \"prompt\": \"p\"}, {}]}\n");

    static const char shown[] =
        "{\"property\":\"q\",\"objects\":[\"c\",\"b\"],\"domain\":\"a\",\"prompt\":\"p\"}";
    check_digest(shown, sizeof(shown) - 1,
                 "{\"domain\": \"a\", \"prompt\": \"p\", \"objects\": [\"c\", \"b\"], "
                 "\"property\": \"q\"}\n");

    static const char large[] = "{\"id\":12345678901234567890,\"domain\":\"a\",\"prompt\":\"p\"}";
    check_digest(large, sizeof(large) - 1,
                 "{\"id\": \"12345678901234567890\", \"domain\": \"a\", \"prompt\": \"p\"}\n");

    /* A line that cannot be read counts as it stands. */
    static const char bad[] = "{\"domain\": \"a\", \"prompt\": \"p\"}\n\t{\"domain\": 5}\r\n[1, 2";
    check_digest(bad, sizeof(bad) - 1,
                 "{\"domain\": \"a\", \"prompt\": \"p\"}\n{\"domain\": 5}\n[1, 2\n");
}

Test(list, reads_texts)
{
    static const char text[] = "{\"id\":\"1\",\"domain\":\"en\",\"text\":\"a b\"}\n"
                               "{\"domain\":\"de\",\"text_file\":\"de.txt\"}\n"
                               "{\"domain\":\"en\",\"question\":\"x\"}\n"
                               "{\"domain\":\"en\",\"text\":\"c\"}\n";
    mmn_list *list = open_text(text, sizeof(text) - 1);
    bool texts = false, found;
    cr_assert_eq(mmn_list_has_texts(list, &texts, &error), MMN_OK);
    cr_assert(texts);
    mmn_sample sample = next(list);
    cr_assert_str_eq(sample.text, "a b");
    cr_assert_null(sample.text_file);
    cr_assert_null(sample.question);
    sample = next(list);
    cr_assert_null(sample.text);
    cr_assert_str_eq(sample.text_file, "some/folder/de.txt");
    cr_assert_eq(mmn_list_next(list, &sample, &found, &error), MMN_INPUT);
    cr_assert(strstr(error.message, "texts or questions"), "%s", error.message);
    cr_assert_str_eq(next(list).text, "c");
    check_end(list);
    mmn_list_close(list);

    static const char question[] = "{\"domain\":\"en\",\"question\":\"x\"}";
    list = open_text(question, sizeof(question) - 1);
    cr_assert_eq(mmn_list_has_texts(list, &texts, &error), MMN_OK);
    cr_assert(!texts);
    cr_assert_str_eq(next(list).question, "x");
    mmn_list_close(list);
}

Test(list, names_bad_texts)
{
    static const struct {
        const char *line, *where, *message;
    } bad[] = {
        {"{\"domain\":\"a\",\"text\":\"\"}", "line 2, text", "empty"},
        {"{\"domain\":\"a\",\"text\":7}", "line 2, text", "must be a text"},
        {"{\"domain\":\"a\",\"text\":null}", "line 2, question", "is missing"},
        {"{\"domain\":\"a\",\"text_file\":\"\"}", "line 2, text_file", "path"},
        {"{\"domain\":\"a\",\"text_file\":[]}", "line 2, text_file", "must be a text"},
        {"{\"domain\":\"a\",\"text\":\"x\",\"text_file\":\"y\"}", "line 2, text", "beside"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[1000];
        int size = snprintf(text, sizeof(text), "\n%s\n", bad[i].line);
        mmn_list *list = open_text(text, (size_t)size);
        mmn_sample sample;
        bool found;
        cr_assert_eq(mmn_list_next(list, &sample, &found, &error), MMN_INPUT, "%s", bad[i].line);
        cr_assert_str_eq(error.where, bad[i].where);
        cr_assert(strstr(error.message, bad[i].message), "%s: message is %s", bad[i].line,
                  error.message);
        mmn_list_close(list);
    }
}

Test(list, limits_lines_and_images)
{
    size_t size = MMN_LIST_LINE_LIMIT + 1;
    char *text = malloc(size);
    memset(text, 'x', size);
    mmn_list *list = open_text(text, size);
    mmn_sample sample;
    bool found;
    cr_assert_eq(mmn_list_next(list, &sample, &found, &error), MMN_INPUT);
    cr_assert_str_eq(error.where, "line 1");
    check_end(list);
    mmn_list_close(list);

    int length = snprintf(text, size, "{\"domain\":\"a\",\"question\":\"\",\"image\":[\"0\"");
    for (int image = 1; image < MMN_LIST_IMAGE_LIMIT; image++)
        length += snprintf(text + length, size - (size_t)length, ",\"%d\"", image);
    memcpy(text + length, "]}", 2);
    list = open_text(text, (size_t)length + 2);
    sample = next(list);
    cr_assert_eq(sample.image_count, MMN_LIST_IMAGE_LIMIT);
    cr_assert_str_eq(sample.images[63], "some/folder/63");
    mmn_list_close(list);
    memcpy(text + length, ",\"a\"]}", 6);
    list = open_text(text, (size_t)length + 6);
    cr_assert_eq(mmn_list_next(list, &sample, &found, &error), MMN_INPUT);
    cr_assert(strstr(error.message, "64"));
    mmn_list_close(list);
    free(text);
}

Test(list, opens_files)
{
    mmn_list *list;
    cr_assert_eq(mmn_list_open(&list, "/nonexistent/list.jsonl", &error), MMN_SYSTEM);
    cr_assert_null(list);
    cr_assert_str_eq(error.file, "/nonexistent/list.jsonl");

    char path[] = "/tmp/mmneuron-test-XXXXXX";
    int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    FILE *file = fdopen(descriptor, "w");
    fputs("{\"domain\":\"a\",\"question\":\"x\",\"image\":\"p.png\"}\n", file);
    fclose(file);
    cr_assert_eq(mmn_list_open(&list, path, &error), MMN_OK);
    cr_assert_str_eq(next(list).images[0], "/tmp/p.png");
    check_end(list);
    mmn_list_close(list);
    remove(path);
}

/* Every truncation and every bit flip of a list is read to its end, bad lines and all. */
Test(list, survives_damage)
{
    static const char good[] =
        "{\"id\":\"q7\",\"domain\":\"medical\",\"image\":[\"a.jpg\",\"b.jpg\"],\"question\":\"x\","
        "\"answers\":[\"y\"],\"metric\":\"anls\",\"choices\":[\"A\"]}\r\n\n"
        "{\"domain\":\"d\\u00e4\",\"prompt\":\"x\",\"id\":3}\n";
    size_t size = sizeof(good) - 1;
    for (size_t variant = 0; variant < size * 9; variant++) {
        size_t length = variant < size ? variant : size;
        char *text = malloc(length ? length : 1);
        memcpy(text, good, length);
        if (variant >= size) {
            size_t bit = variant - size;
            text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        }
        mmn_list *list = open_text(text, length);
        bool found = true;
        for (size_t lines = 0; found; lines++) {
            mmn_sample sample;
            error = (mmn_error){0};
            mmn_status status = mmn_list_next(list, &sample, &found, &error);
            cr_assert(status == MMN_OK || (status == MMN_INPUT && error.message[0] && found));
            cr_assert_lt(lines, 10);
        }
        mmn_list_close(list);
        free(text);
    }
}

/* Reads a list to its end; returns how many of its lines are refused, each with a reason. */
static size_t refused_lines(const char *text, size_t size)
{
    mmn_list *list = open_text(text, size);
    size_t refused = 0;
    for (bool found = true; found;) {
        mmn_sample sample;
        error = (mmn_error){0};
        mmn_status status = mmn_list_next(list, &sample, &found, &error);
        cr_assert(status == MMN_OK || (status == MMN_INPUT && error.message[0] && error.where[0]));
        refused += status != MMN_OK;
    }
    mmn_list_close(list);
    return refused;
}

static void read_damaged(const char *text, size_t size)
{
    refused_lines(text, size);
}

/* Several bytes at once, in the fields of accuracy too. */
Test(list, survives_more_damage)
{
    static const char good[] =
        "{\"domain\":\"medical\",\"prompt\":\"<image> \\u00e4?\",\"image\":\"a.jpg\","
        "\"answers\":[\"A\",\"\\ud83d\\ude00\"],\"metric\":\"choice\","
        "\"choices\":[\"yes\",\"no\"]}\n"
        "{\"domain\":\"d\",\"question\":\"x\",\"answers\":[],\"choices\":null,\"metric\":null}\n";
    damage_silence silence = damage_listen();
    damage_text(read_damaged, good, sizeof(good) - 1, 100, 20000);
    damage_heard_nothing(silence);
}

/* In each field that may be left out: other types, and numbers that no type holds. */
Test(list, refuses_wrong_types)
{
    static const char *const keys[] = {"answers", "choices", "metric", "prompt"};
    static const char *const values[] = {"true",
                                         "-1",
                                         "0.5",
                                         "1e308",
                                         "9223372036854775807",
                                         "99999999999999999999",
                                         "1e999",
                                         "{}",
                                         "[[]]",
                                         "[null]",
                                         "[1]",
                                         "[\"a\",{}]",
                                         "\"\\ud800\"",
                                         "[\"\\u0000\"]"};
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
        for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
            char text[200];
            int size = snprintf(text, sizeof(text),
                                "{\"domain\":\"a\",\"question\":\"x\",\"%s\":%s}", keys[k],
                                values[v]);
            cr_assert_eq(refused_lines(text, (size_t)size), 1, "%s", text);
        }
    }
}

Test(list, limits_depth_and_takes_many_answers)
{
    enum { DEPTH = 900000, ANSWERS = 200000 };
    char *text = damage_nested("{\"domain\":\"a\",\"question\":\"x\",\"answers\":", '[', DEPTH, "");
    cr_assert_eq(refused_lines(text, strlen(text)), 1);
    free(text);

    size_t size = MMN_LIST_LINE_LIMIT;
    text = malloc(size);
    size_t length =
        (size_t)snprintf(text, size, "{\"domain\":\"a\",\"question\":\"x\",\"answers\":[\"\"");
    for (size_t i = 1; i < ANSWERS; i++, length += 3)
        memcpy(text + length, ",\"\"", 3);
    memcpy(text + length, "]}", 2);
    mmn_list *list = open_text(text, length + 2);
    cr_assert_eq(next(list).answer_count, ANSWERS);
    check_end(list);
    mmn_list_close(list);
    free(text);
}

Test(list, memory_may_be_short)
{
    static const char text[] =
        "{\"domain\":\"a\",\"question\":\"x\",\"image\":[\"1\",\"2\"],\"answers\":[\"b\"],"
        "\"choices\":[\"c\"]}";
    unsigned long number = 1;
    mmn_status status;
    do {
        mmn_list *list;
        mmn_sample sample;
        bool found = false;
        fail_allocation_at(number);
        status = mmn_list_parse(&list, text, sizeof(text) - 1, "list.jsonl", &error);
        cr_assert_eq(status == MMN_OK, list != NULL);
        if (status == MMN_OK)
            status = mmn_list_next(list, &sample, &found, &error);
        fail_allocation_at(0);
        cr_assert(status == MMN_OK || status == MMN_SYSTEM, "%lu: %s", number, error.message);
        mmn_list_close(list);
    } while (status != MMN_OK && ++number < 100);
    cr_assert_eq(status, MMN_OK);
    cr_assert_gt(number, 6);
}
