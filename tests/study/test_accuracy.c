/* Measures of accuracy against values worked out by hand and by Python
 * (data/make_accuracy_cases.py). */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "study/accuracy.h"

#define CASES MMN_SOURCE_DIR "/tests/study/data/accuracy_cases.json"

enum { ANSWER_LIMIT = 10 };

static mmn_metric metric_of(const char *name)
{
    return strcmp(name, "vqa") == 0    ? MMN_METRIC_VQA
           : strcmp(name, "anls") == 0 ? MMN_METRIC_ANLS
                                       : MMN_METRIC_EXACT;
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

Test(accuracy, is_that_of_python)
{
    json_t *cases = json_load_file(CASES, 0, NULL), *scores, *expected;
    cr_assert_gt(json_array_size(cases), 200);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const char *metric, *answer, *answers[ANSWER_LIMIT], *name;
        json_t *list;
        cr_assert_eq(json_unpack(json_array_get(cases, i), "{s:s, s:s, s:o, s:o}", "metric",
                                 &metric, "answer", &answer, "answers", &list, "scores", &scores),
                     0);
        mmn_sample right = {.metric = metric_of(metric), .answers = answers};
        bool ascii = is_ascii(answer);
        for (; right.answer_count < json_array_size(list); right.answer_count++) {
            answers[right.answer_count] =
                json_string_value(json_array_get(list, right.answer_count));
            ascii = ascii && is_ascii(answers[right.answer_count]);
        }
#ifndef HAVE_UTF8PROC
        if (!ascii)
            continue;
#endif
        double found[MMN_MEASURES];
        cr_assert_eq(mmn_measure_answer(found, &right, answer, NULL), MMN_OK);
        size_t applying = 0;
        for (mmn_measure m = 0; m < MMN_MEASURES; m++)
            applying += mmn_measure_applies(m, right.metric);
        cr_expect_eq(applying, json_object_size(scores));
        json_object_foreach(scores, name,
                            expected) for (mmn_measure m = 0; m < MMN_MEASURES;
                                           m++) if (strcmp(name, mmn_measure_name(m)) == 0)
            cr_expect_float_eq(found[m], json_real_value(expected), 1e-12,
                               "case %zu, %s: \"%s\" is %g instead of %g", i, name, answer,
                               found[m], json_real_value(expected));
    }
    json_decref(cases);
}

Test(accuracy, normalises_as_the_vqa_evaluation)
{
    static const char *const pairs[][2] = {
        {"A cat.", "cat"},
        {"The  two DOGS", "2 dogs"},
        {"none", "0"},
        {"couldntve", "couldntve"},
        {"couldnt've", "couldn't've"},
        {"shouldn'tve", "shouldn't've"},
        {"theyre", "they're"},
        {"its", "its"},
        {"1,000", "1000"},
        {"red-blue", "red blue"},
        {"red- blue", "red blue"},
        {"x/b, c/d", "x b c d"},
        {"3.5 m.", "3.5 m"},
        {"U.S.A.", "usa"},
        {"line\nbreak", "line break"},
        {"", ""},
        {"the", ""},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char *form;
        cr_assert_eq(mmn_answer_vqa(&form, pairs[i][0], NULL), MMN_OK);
        cr_expect_str_eq(form, pairs[i][1], "\"%s\" becomes \"%s\"", pairs[i][0], form);
        mmn_free(form);
    }
}

/* Of ten people `matches` gave the answer. By hand: with 1 the one left out is it once, so 9 times
 * 1/3 of 10; and so on. */
Test(accuracy, of_vqa_is_averaged_over_nine_of_ten)
{
    static const double expected[] = {0, 0.3, 0.6, 0.9, 1, 1, 1, 1, 1, 1, 1};
    for (size_t matches = 0; matches <= 10; matches++) {
        const char *answers[10];
        double scores[MMN_MEASURES];
        for (size_t i = 0; i < 10; i++)
            answers[i] = i < matches ? "Red" : "blue";
        const mmn_sample right = {.metric = MMN_METRIC_VQA, .answers = answers, .answer_count = 10};
        cr_assert_eq(mmn_measure_answer(scores, &right, "red.", NULL), MMN_OK);
        cr_expect_float_eq(scores[MMN_MEASURE_VQA], expected[matches], 1e-12, "%zu matches",
                           matches);
        cr_expect_eq(scores[MMN_MEASURE_VQA_PUBLISHED], 0);
    }
}

Test(accuracy, of_choices_goes_by_the_letter)
{
    static const char *const choices[] = {"Liver", "Heart", "a lung", "Kidney"};
    static const struct {
        const char *right, *answer;
        double once, published;
    } cases[] = {
        {"B", "B", 1, 1},
        {"B", "B: Heart", 1, 1},
        {"B", "(B) The heart, B", 1, 2},
        {"B", "b", 1, 0},
        {"B", "b.", 1, 0},
        {"B", "heart.", 1, 0},
        {"Heart", "B", 1, 1},
        {"B", "The answer is B.", 1, 1},
        {"B", "A", 0, 0},
        {"C", "A lung", 1, 0},
        {"B", "A, not B", 0, 1},
        {"A", "CAT", 0, 1},
        {"B", "I do not know", 0, 0},
        {"B", "E", 0, 0},
        {"B", "", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const mmn_sample right = {.metric = MMN_METRIC_CHOICE,
                                  .answers = &cases[i].right,
                                  .answer_count = 1,
                                  .choices = choices,
                                  .choice_count = 4};
        double scores[MMN_MEASURES];
        cr_assert_eq(mmn_measure_answer(scores, &right, cases[i].answer, NULL), MMN_OK);
        cr_expect_eq(scores[MMN_MEASURE_CHOICE], cases[i].once, "%zu: %s", i, cases[i].answer);
        cr_expect_eq(scores[MMN_MEASURE_CHOICE_PUBLISHED], cases[i].published, "%zu: %s", i,
                     cases[i].answer);
    }
}

/* Without answers nothing is right, and nothing breaks. */
Test(accuracy, without_right_answers_is_zero)
{
    for (mmn_metric metric = MMN_METRIC_NONE; metric <= MMN_METRIC_CHOICE; metric++) {
        const mmn_sample right = {.metric = metric};
        double scores[MMN_MEASURES];
        cr_assert_eq(mmn_measure_answer(scores, &right, "yes", NULL), MMN_OK);
        for (int m = 0; m < MMN_MEASURES; m++)
            cr_expect_eq(scores[m], 0);
    }
}
