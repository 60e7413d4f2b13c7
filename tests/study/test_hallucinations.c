/* Hallucinations over a list: what PyTorch's joint model answers in float64 and how sure its
 * detector is (golden/make_joint.py); counts, bins and areas of rows made by hand; rows; and what
 * is refused. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "model/model.h"
#include "study/hallucinations.h"
#include "tests/study/open_two.h"
#include "tests/study/result_json.h"
#include "tests/tools/needs.h"
#include "tests/tools/scratch.h"

#define BUNDLE MMN_SOURCE_DIR "/models/joint/"
#define LIST BUNDLE "images/objects.jsonl"

static mmn_error error;

TestSuite(hallucinations, .init = scratch_make, .fini = scratch_remove);

/* ---- Measures -------------------------------------------------------------------------------- */

Test(hallucinations, reads_the_first_word)
{
    static const struct {
        const char *answer;
        mmn_says says;
    } answers[] = {{"yes", MMN_SAYS_YES},        {" Yes, there is.", MMN_SAYS_YES},
                   {"\nYES!\n", MMN_SAYS_YES},   {"no.\"", MMN_SAYS_NO},
                   {"No", MMN_SAYS_NO},          {"", MMN_SAYS_NEITHER},
                   {"...", MMN_SAYS_NEITHER},    {"nothing", MMN_SAYS_NEITHER},
                   {"yes/no", MMN_SAYS_NEITHER}, {"There is no dog", MMN_SAYS_NEITHER},
                   {"ye", MMN_SAYS_NEITHER}};
    for (size_t i = 0; i < MMN_LENGTH(answers); i++)
        cr_expect_eq(mmn_answer_says(answers[i].answer), answers[i].says, "%s", answers[i].answer);
}

Test(hallucinations, finds_areas_as_all_pairs_give_them)
{
    double yes[] = {0.5, 0.9, 0.2, 0.5, 0.7}, no[] = {0.1, 0.5, 0.6, 0.2};
    double won = 0;
    for (size_t i = 0; i < MMN_LENGTH(yes); i++)
        for (size_t k = 0; k < MMN_LENGTH(no); k++)
            won += yes[i] > no[k] ? 1 : yes[i] == no[k] ? 0.5 : 0;
    cr_expect_eq(mmn_area_under_curve(yes, 5, no, 4), won / 20);
    cr_expect_eq(mmn_area_under_curve(yes, 5, yes, 5), 0.5);
    cr_expect(isnan(mmn_area_under_curve(yes, 0, no, 4)));
    cr_expect(isnan(mmn_area_under_curve(yes, 5, no, 0)));
}

/* ---- Rows made by hand ----------------------------------------------------------------------- */

enum { CLASSES = 3, BOXES = 18 }; /* more boxes than are kept */

static char *classes[CLASSES];
static mmn_model detector;
static mmn_hallucinations study;

static void begin_study(void)
{
    static char names[CLASSES][4] = {"cat", "cup", "dog"};
    for (size_t i = 0; i < CLASSES; i++)
        classes[i] = names[i];
    detector.config.vision.patches = BOXES;
    study = (mmn_hallucinations){
        .base.detector = &detector, .classes = classes, .class_count = CLASSES};
    cr_assert_eq(mmn_domains_add(&study.base.study.samples.domains, "in", &error), MMN_OK);
    cr_assert_eq(mmn_domains_add(&study.base.study.samples.domains, "out", &error), MMN_OK);
}

static void end_study(void)
{
    mmn_domains_free(&study.base.study.samples.domains);
    mmn_blocks_free(&study.base.study.blocks);
}

/* A row's arrays, with boxes for one hallucination. */
typedef struct made_row {
    mmn_hallucination_row row;
    char answers[CLASSES][8], *texts[CLASSES];
    double confidences[CLASSES], scores[BOXES], sides[4 * BOXES];
    uint64_t likely[CLASSES], patches[BOXES];
} made_row;

static void make_row(made_row *made, const char *const *answers, const double *confidences,
                     const uint64_t *likely, size_t boxes)
{
    memset(made, 0, sizeof(*made));
    for (size_t i = 0; i < CLASSES; i++) {
        snprintf(made->answers[i], sizeof(made->answers[i]), "%s", answers[i]);
        made->texts[i] = made->answers[i];
        made->confidences[i] = confidences[i];
        made->likely[i] = likely[i];
    }
    for (size_t i = 0; i < BOXES; i++) {
        made->patches[i] = BOXES - 1 - i;
        made->scores[i] = 0.5 - (double)i / 100;
        made->sides[4 * i] = (double)i;
    }
    made->row = (mmn_hallucination_row){.height = 2,
                                        .width = 3,
                                        .answers = made->texts,
                                        .confidences = made->confidences,
                                        .likely = made->likely,
                                        .patches = made->patches,
                                        .scores = made->scores,
                                        .sides = made->sides,
                                        .answers_count = CLASSES,
                                        .confidences_count = CLASSES,
                                        .likely_count = CLASSES,
                                        .patches_count = boxes,
                                        .scores_count = boxes,
                                        .sides_count = 4 * boxes};
}

/* A sample that shows a cat. */
static mmn_planned_sample shows_cat(const char *id, size_t domain)
{
    static const char *const objects[] = {"cat"}, *const images[] = {"x.jpg"};
    return (mmn_planned_sample){.sample = {.id = id,
                                           .images = images,
                                           .image_count = 1,
                                           .objects = objects,
                                           .object_count = 1},
                                .domain = domain};
}

static mmn_status take(const char *id, size_t domain, const made_row *made)
{
    const mmn_planned_sample planned = shows_cat(id, domain);
    return mmn_hallucination_row_take(&study, &planned, 0, &made->row, &error);
}

static double number_in(const mmn_result *result, const char *table, size_t row, const char *column)
{
    const mmn_table *found = mmn_result_find(result, table, strlen(table));
    cr_assert(row < found->rows, "%s %zu", table, row);
    const mmn_value *value =
        mmn_result_value(found, row, mmn_result_column(found, column, strlen(column)));
    return value->kind == MMN_VALUE_WHOLE  ? (double)value->whole
           : value->kind == MMN_VALUE_REAL ? value->real
                                           : (double)NAN;
}

static const char *text_in(const mmn_result *result, const char *table, size_t row,
                           const char *column)
{
    const mmn_table *found = mmn_result_find(result, table, strlen(table));
    return mmn_result_text_of(
        result, mmn_result_value(found, row, mmn_result_column(found, column, strlen(column))));
}

/* Rows of "summary": of a domain (2: both) present ones and absent ones, yes, no, neither. */
static size_t summary_of(size_t domain, bool present, mmn_says says)
{
    return 6 * domain + (present ? 0 : 3) + (size_t)says;
}

Test(hallucinations, counts_rows)
{
    made_row first, second, third;
    mmn_result *result;
    begin_study();
    make_row(&first, (const char *const[]){"Yes.", "yes", "no"}, (double[]){0.95, 0.5, 0.1},
             (uint64_t[]){0, 18, 0}, 16);
    make_row(&second, (const char *const[]){"no", "no", "perhaps"}, (double[]){1, 0.5, 0.31},
             (uint64_t[]){0, 0, 0}, 0);
    make_row(&third, (const char *const[]){"yes", "Yes", "yes"}, (double[]){0.75, 0.7, (double)NAN},
             (uint64_t[]){0, 1, 0}, 1);
    cr_assert_eq(take("a", 0, &first), MMN_OK, "%s", error.message);
    cr_assert_eq(take("b", 0, &second), MMN_OK, "%s", error.message);
    cr_assert_eq(take("c", 1, &third), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_result_begin(&result, &mmn_hallucinations_form, &error), MMN_OK);
    mmn_result_row(result, &result->tables[0], 0);
    mmn_hallucinations_fill(result, &study);
    cr_assert_eq(mmn_result_end(&result, &error), MMN_OK);

    cr_expect_eq(number_in(result, "summary", summary_of(0, true, MMN_SAYS_YES), "count"), 1);
    cr_expect_eq(number_in(result, "summary", summary_of(0, true, MMN_SAYS_NO), "share"), 0.5);
    cr_expect_eq(number_in(result, "summary", summary_of(0, false, MMN_SAYS_NEITHER), "count"), 1);
    cr_expect_eq(number_in(result, "summary", summary_of(2, true, MMN_SAYS_YES), "confidence"),
                 (0.95 + 0.75) / 2);
    /* Student's t of two values: their mean -+ 12.706 times half their distance. */
    cr_expect_float_eq(number_in(result, "summary", summary_of(2, true, MMN_SAYS_YES), "high"),
                       0.85 + 12.7062 * 0.1, 1e-4);
    /* Of three absent ones answered yes the confidence of one is no number. */
    const size_t yes = summary_of(2, false, MMN_SAYS_YES);
    cr_expect_eq(number_in(result, "summary", yes, "count"), 3);
    cr_expect_eq(number_in(result, "summary", yes, "share"), 0.5);
    cr_expect_float_eq(number_in(result, "summary", yes, "confidence"), 0.6, 1e-15);
    for (size_t bin = 0; bin < 10; bin++)
        cr_expect_eq(number_in(result, "histogram", 10 * yes + bin, "bin"), bin == 5 || bin == 7,
                     "%zu", bin);
    cr_expect_eq(number_in(result, "histogram", 10 * summary_of(0, true, MMN_SAYS_NO) + 9, "bin"),
                 1);
    /* 0.5 and 0.7 against 0.1 and 0.5: three and a half of four. */
    cr_expect_eq(number_in(result, "separations", 2, "area"), 3.5 / 4);
    cr_expect(isnan(number_in(result, "separations", 1, "area")));
    cr_expect_str_eq(text_in(result, "hallucinations", 0, "class"), "cup");
    cr_expect_str_eq(text_in(result, "hallucinations", 0, "id"), "c");
    cr_expect_str_eq(text_in(result, "hallucinations", 1, "id"), "a");
    cr_expect_str_eq(text_in(result, "hallucinations", 2, "class"), "dog");
    cr_expect_eq(number_in(result, "hallucinations", 1, "likely"), 18);
    cr_expect_eq(mmn_result_find(result, "boxes", 5)->rows, 17);
    cr_expect_eq(number_in(result, "boxes", 2, "left"), 1);
    mmn_result_free(result);
    end_study();
}

Test(hallucinations, refuses_rows_that_it_cannot_have_made)
{
    made_row made;
    begin_study();
#define WITH(change, column)                                                                       \
    do {                                                                                           \
        make_row(&made, (const char *const[]){"Yes.", "yes", "no"}, (double[]){0.95, 0.5, 0.1},    \
                 (uint64_t[]){0, 18, 0}, 16);                                                      \
        change;                                                                                    \
        cr_expect_eq(take("a", 0, &made), MMN_INPUT, #change);                                     \
        cr_expect_str_eq(error.where, column, #change);                                            \
    } while (0)
    WITH(made.row.answers_count = 2, "answers");
    WITH(made.row.confidences_count = 4, "confidences");
    WITH(made.row.confidences[0] = 1.5, "confidences");
    WITH(made.row.confidences[0] = -INFINITY, "confidences");
    WITH(made.row.likely_count = 0, "likely");
    WITH(made.row.likely[0] = 1, "likely"); /* it is there */
    WITH(made.row.likely[2] = 1, "likely"); /* and this is answered no */
    WITH(made.row.likely[1] = BOXES + 1, "likely");
    WITH(made.row.likely[1] = 15, "patches");
    WITH(made.row.patches[3] = BOXES, "patches");
    WITH(made.row.scores_count = 15, "scores");
    WITH(made.row.sides_count = 63, "sides");
    end_study();
}

/* ---- The bundled joint model ----------------------------------------------------------------- */

typedef struct models {
    mmn_model *detector, *language;
    mmn_hallucinations_options options;
} models;

static models open_models(void)
{
    MMN_NEEDS("owlvit-bf16");
    models opened = {.detector = open_with_two_threads(BUNDLE "detector"),
                     .language = open_with_two_threads(BUNDLE "model")};
    opened.options = (mmn_hallucinations_options){.size = sizeof(opened.options),
                                                  .list = LIST,
                                                  .detector = opened.detector,
                                                  .alignment = BUNDLE "alignment.safetensors"};
    return opened;
}

static void close_models(const models *opened)
{
    mmn_model_close(opened->detector);
    mmn_model_close(opened->language);
}

static json_t *run(const models *opened)
{
    mmn_result *result;
    cr_assert_eq(mmn_hallucinations_run(&result, opened->language, &opened->options, &error),
                 MMN_OK, "%s: %s: %s", error.file, error.where, error.message);
    return json_of_result(result);
}

static double member(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* The row of a sample that a file of rows has. */
static json_t *row_of(const char *file, const char *id)
{
    char line[8192];
    FILE *stream = fopen(file, "r");
    json_t *found = NULL;
    cr_assert_not_null(stream);
    while (!found && fgets(line, sizeof(line), stream)) {
        json_t *row = json_loads(line, 0, NULL);
        const char *own = json_string_value(json_object_get(row, "id"));
        if (own && strcmp(own, id) == 0)
            found = json_incref(row);
        json_decref(row);
    }
    fclose(stream);
    cr_assert_not_null(found, "%s", id);
    return found;
}

/* One of each kind is among these questions. */
Test(hallucinations, is_that_of_pytorch)
{
    models opened = open_models();
    char file[300], line[200];
    snprintf(file, sizeof(file), "%s", scratch_path("rows.jsonl"));
    opened.options.samples = 3;
    opened.options.rows.file = file;
    json_t *made = run(&opened);
    const json_t *named = json_object_get(made, "classes");
    double counts[2][2] = {{0}}; /* present, yes */
    FILE *golden = fopen(BUNDLE "answers.tsv", "r");
    cr_assert(golden && fgets(line, sizeof(line), golden));
    for (size_t i = 0; fgets(line, sizeof(line), golden); i++) {
        char image[40], class[20], answer[20];
        int present;
        double confidence;
        cr_assert_eq(sscanf(line, "%39[^.].jpg %19s %d %19s %lf", image, class, &present, answer,
                            &confidence),
                     5, "%s", line);
        const size_t number = i % json_array_size(named);
        json_t *row = row_of(file, image);
        cr_expect_str_eq(json_string_value(json_object_get(json_array_get(named, number), "class")),
                         class);
        cr_expect_str_eq(json_string_value(json_array_get(json_object_get(row, "answers"), number)),
                         answer);
        cr_expect_float_eq(
            json_number_value(json_array_get(json_object_get(row, "confidences"), number)),
            confidence, 1e-5, "%s", line);
        counts[present][strcmp(answer, "yes") == 0]++;
        json_decref(row);
    }
    fclose(golden);
    cr_expect_eq(member(made, "pictures"), 3);
    for (int absent = 0; absent < 2; absent++)
        for (int no = 0; no < 2; no++) {
            const json_t *row =
                json_array_get(json_object_get(made, "summary"), (size_t)(3 * absent + no));
            cr_expect_eq(member(row, "count"), counts[!absent][!no]);
        }
    cr_expect_eq(json_array_size(json_object_get(made, "hallucinations")), counts[0][1]);
    json_decref(made);
    close_models(&opened);
}

/* Rows of two shards, put together, are one run. */
Test(hallucinations, goes_on_with_rows)
{
    models opened = open_models();
    char names[2][300];
    const char *const files[] = {names[0], names[1]};
    snprintf(names[0], sizeof names[0], "%s", scratch_path("part-1"));
    snprintf(names[1], sizeof names[1], "%s", scratch_path("part-2"));
    opened.options.samples = 3;
    opened.options.classes = "dog,person,cat";
    json_t *whole = run(&opened);
    for (uint32_t shard = 1; shard <= 2; shard++) {
        mmn_result *nothing;
        opened.options.rows =
            (mmn_rows_options){.file = files[shard - 1], .shard = shard, .shards = 2};
        cr_assert_eq(mmn_hallucinations_run(&nothing, opened.language, &opened.options, &error),
                     MMN_OK, "%s", error.message);
    }
    opened.options.rows = (mmn_rows_options){.parts = files, .part_count = 2};
    json_t *merged = run(&opened);
    cr_expect(json_equal(whole, merged));
    cr_expect_eq(member(whole, "asked"), 9);
    opened.options.classes = "dog,cat,person";
    mmn_result *result;
    cr_expect_eq(mmn_hallucinations_run(&result, opened.language, &opened.options, &error),
                 MMN_INPUT);
    cr_expect_str_eq(error.where, "settings.classes");
    json_decref(whole);
    json_decref(merged);
    close_models(&opened);
}

static void expect(const models *opened, mmn_status status, const char *message)
{
    mmn_result *result;
    cr_expect_eq(mmn_hallucinations_run(&result, opened->language, &opened->options, &error),
                 status, "%s", message);
    cr_expect_null(result);
    cr_expect(strstr(error.message, message), "%s", error.message);
}

static void expect_of_list(models *opened, const char *lines, const char *message)
{
    scratch_write("list.jsonl", lines);
    opened->options.list = scratch_path("list.jsonl");
    expect(opened, MMN_INPUT, message);
}

Test(hallucinations, refuses_what_cannot_be)
{
    models opened = open_models();
    opened.options.classes = "cat,dog,cat";
    expect(&opened, MMN_USAGE, "\"cat\" is named twice");
    opened.options.classes = "cat,,dog";
    expect(&opened, MMN_USAGE, "no name");
    opened.options.classes = NULL;
    opened.options.prompt = "<image> Is it there?";
    expect(&opened, MMN_USAGE, "no {class}");
    opened.options.prompt = "Is there a {class}?";
    expect(&opened, MMN_INPUT, "<image>");
    opened.options.prompt = NULL;
    opened.options.tokens = 5000;
    expect(&opened, MMN_USAGE, "4096 tokens");
    opened.options.tokens = 0;
    opened.options.rows.plan = 1;
    expect(&opened, MMN_USAGE, "cannot be planned");
    opened.options.rows.plan = 0;
    opened.options.detector = opened.language;
    expect(&opened, MMN_INPUT, "no detector");
    opened.options.detector = opened.detector;
    expect_of_list(&opened, "{\"domain\": \"a\", \"image\": \"a.jpg\"}\n", "is missing");
    expect_of_list(&opened, "{\"domain\": \"a\", \"objects\": [\"cat\"]}\n", "one picture");
    expect_of_list(&opened, "{\"domain\": \"a\", \"image\": \"a.jpg\", \"objects\": []}\n",
                   "no class to ask about");
    expect_of_list(
        &opened, "{\"domain\": \"a\", \"image\": \"a.jpg\", \"objects\": [\"b\", \"a\", \"b\"]}\n",
        "has \"b\" twice");
    expect_of_list(&opened, "{\"domain\": \"a\", \"image\": \"a.jpg\", \"objects\": [\"\"]}\n",
                   "an empty text");
    expect_of_list(&opened,
                   "{\"domain\": \"a\", \"image\": \"none.jpg\", \"objects\": [\"cat\"]}\n",
                   "none.jpg");
    close_models(&opened);
}
