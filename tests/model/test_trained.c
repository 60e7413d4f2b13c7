/* The trained model's answers to 500 questions, token by token: those that transformers gives in
 * float32. models/five-domains/answers.jsonl has them (golden/make_trained.py). */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mmneuron.h"
#include "tests/model/trained.h"
#include "tests/tools/slow.h"

enum {
    PATH_SIZE = 1024,
    IMAGE_LIMIT = 2,
    TOKENS = 16,
    QUESTIONS = 500,
    SLOW_SHARE = 10
}; /* where tests take long, only every tenth picture */

/* How far a gap between the two largest logits may be from the one in float64. torch's float32 is
 * at most the file's largest_error away in a logit, and the program may be 4 times as far away, as
 * in every stage of test_golden. The largest logit then moves by no more than that, and so does the
 * second; the file's gaps have 6 decimals. Where the program and torch choose different tokens, one
 * of them has not chosen float64's, so that the gap there must be below the same bound. */
static double bound_of(double largest_error)
{
    return 2 * 4 * largest_error + 0.5e-6;
}

/* The gaps at the tokens that have been generated since the last prefill. */
typedef struct gaps_seen {
    double gaps[TOKENS];
    size_t count;
} gaps_seen;

/* An mmn_see_function. */
static mmn_status see_logits(void *context, const mmn_stage *stage, mmn_error *error)
{
    gaps_seen *seen = context;
    (void)error;
    size_t vocabulary = stage->shape[1];
    const float *last = (const float *)stage->data + (stage->shape[0] - 1) * vocabulary;
    double first = -INFINITY, second = -INFINITY;
    for (size_t i = 0; i < vocabulary; i++) {
        double logit = (double)last[i];
        if (logit > first) {
            second = first;
            first = logit;
        } else if (logit > second) {
            second = logit;
        }
    }
    if (!stage->generating)
        seen->count = 0;
    if (seen->count < TOKENS)
        seen->gaps[seen->count++] = first - second;
    return MMN_OK;
}

/* What is compared, and what was found. */
typedef struct comparison {
    FILE *file;
    mmn_model *model;
    mmn_session *session;
    gaps_seen seen;
    json_t *question, *images; /* the current line of the file, and those of the session */
    double bound, worst;       /* on gaps, and the largest difference of one */
    size_t pictures;           /* begun */
    size_t questions, tokens, identical;
} comparison;

static void open_all(comparison *all)
{
    char path[PATH_SIZE];
    mmn_error error;
    snprintf(path, sizeof path, "%s/model", trained_folder());
    cr_assert_eq(mmn_model_open(&all->model, path, NULL, &error), MMN_OK, "%s: %s", error.file,
                 error.message);
    snprintf(path, sizeof path, "%s/answers.jsonl", trained_folder());
    all->file = fopen(path, "r");
    cr_assert_not_null(all->file, "%s cannot be read", path);
    json_t *head = json_loadf(all->file, JSON_DISABLE_EOF_CHECK, NULL);
    cr_assert_str_eq(json_string_value(json_object_get(head, "format")), "mmneuron-answers-1");
    cr_assert_eq(json_integer_value(json_object_get(head, "questions")), QUESTIONS);
    all->bound = bound_of(json_real_value(json_object_get(head, "largest_error")));
    json_decref(head);
}

/* A session of its own for each picture: the questions about it take over its features. */
static void begin_picture(comparison *all, json_t *images)
{
    mmn_error error;
    const mmn_probe probe = {
        .stages = "language.logits", .see = see_logits, .context = &all->seen, .only_new = 1};
    mmn_session_free(all->session);
    json_decref(all->images);
    all->images = json_incref(images);
    all->pictures++;
    cr_assert_eq(mmn_session_create(&all->session, all->model, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(all->session, &probe, &error), MMN_OK);
}

/* The program's answer; returns how many tokens. */
static size_t answer(const comparison *all, const char *prompt, int32_t ids[TOKENS])
{
    char paths[IMAGE_LIMIT][PATH_SIZE];
    const char *files[IMAGE_LIMIT];
    size_t image_count = json_array_size(all->images), count;
    mmn_error error;
    mmn_input *input;
    cr_assert_leq(image_count, IMAGE_LIMIT);
    for (size_t i = 0; i < image_count; i++) {
        snprintf(paths[i], PATH_SIZE, "%s/%s", trained_folder(),
                 json_string_value(json_array_get(all->images, i)));
        files[i] = paths[i];
    }
    cr_assert_eq(mmn_input_from_prompt(&input, all->model, prompt, files, image_count, &error),
                 MMN_OK, "%s: %s", error.file, error.message);
    cr_assert_eq(mmn_session_prefill(all->session, input, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_session_generate(all->session, TOKENS, ids, &count, &error), MMN_OK, "%s",
                 error.message);
    mmn_input_free(input);
    return count;
}

/* The words of an answer that has transformers' tokens are its words too. */
static void compare_text(const comparison *all, const char *prompt, const int32_t *ids,
                         size_t count)
{
    char *text;
    mmn_error error;
    cr_assert_eq(mmn_model_decode(all->model, ids, count, 1, &text, &error), MMN_OK);
    cr_expect_str_eq(text, json_string_value(json_object_get(all->question, "answer")), "%s",
                     prompt);
    mmn_release(text);
}

static void compare_question(comparison *all)
{
    const char *prompt = json_string_value(json_object_get(all->question, "prompt"));
    const json_t *expected = json_object_get(all->question, "ids");
    const json_t *gaps = json_object_get(all->question, "gaps");
    size_t expected_count = json_array_size(expected), agreed = 0;
    int32_t ids[TOKENS];
    size_t count = answer(all, prompt, ids);
    cr_assert_geq(all->seen.count, count);
    cr_assert_eq(json_array_size(gaps), expected_count);
    all->questions++;

    /* Behind the first token that differs the two see different texts. */
    bool same = true;
    for (; same && agreed < count && agreed < expected_count; agreed++) {
        double gap = json_number_value(json_array_get(gaps, agreed));
        double difference = fabs(all->seen.gaps[agreed] - gap);
        same = ids[agreed] == json_integer_value(json_array_get(expected, agreed));
        all->worst = difference > all->worst ? difference : all->worst;
        all->tokens++;
        cr_expect_leq(difference, all->bound, "%s: the gap at token %zu is %.6f, in float64 %.6f",
                      prompt, agreed, all->seen.gaps[agreed], gap);
        if (!same) {
            printf("# %s: token %zu differs, float64's gap is %.6f\n",
                   json_string_value(json_array_get(all->images, 0)), agreed, gap);
            cr_expect_leq(gap, all->bound, "%s: token %zu is %d, not %d, and the gap %.6f", prompt,
                          agreed, (int)ids[agreed],
                          (int)json_integer_value(json_array_get(expected, agreed)), gap);
        }
    }
    if (same) {
        cr_expect_eq(count, expected_count, "%s", prompt);
        all->identical++;
        compare_text(all, prompt, ids, count);
    }
}

static void close_all(comparison *all)
{
    mmn_session_free(all->session);
    mmn_model_close(all->model);
    json_decref(all->images);
    fclose(all->file);
}

Test(trained, answers_are_those_of_transformers)
{
#ifndef HAVE_LIBPNG
    cr_skip_test("some of the pictures are PNG, which this build does without");
#endif
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/model/config.json", trained_folder());
    FILE *config = fopen(path, "r");
    if (!config)
        cr_skip_test("there is no %s", path);
    fclose(config);

    comparison all = {0};
    open_all(&all);
    for (size_t i = 0; i < QUESTIONS; i++) {
        all.question = json_loadf(all.file, JSON_DISABLE_EOF_CHECK, NULL);
        json_t *images = json_object_get(all.question, "images");
        cr_assert(json_is_array(images), "answers.jsonl: question %zu", i + 1);
        if (!json_equal(images, all.images))
            begin_picture(&all, images);
        if (!is_slow() || all.pictures % SLOW_SHARE == 0)
            compare_question(&all);
        json_decref(all.question);
    }
    printf("# %zu of %zu answers are identical; %zu gaps differ from float64's by at most %.2g, "
           "bound %.2g\n",
           all.identical, all.questions, all.tokens, all.worst, all.bound);
    fflush(stdout);
    cr_assert_gt(all.questions, 0);
    cr_assert_geq((double)all.identical, 0.995 * (double)all.questions);
    close_all(&all);
}
