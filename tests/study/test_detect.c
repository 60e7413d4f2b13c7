/* Detection: boxes and scores against those of transformers' post-processing, which
 * golden/make_owlvit.py stored, and what is refused. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mmneuron.h"
#include "tests/tools/needs.h"

#define GOLDEN MMN_SOURCE_DIR "/golden/"
#define TORCH_ERRORS 4.0 /* how many of torch's own errors ours may be */

static mmn_error error;

static mmn_model *open_model(const char *name)
{
    char folder[1024];
    mmn_model *model;
    snprintf(folder, sizeof(folder), GOLDEN "checkpoints/%s", name);
    cr_assert_eq(mmn_model_open(&model, folder, NULL, &error), MMN_OK, "%s", error.message);
    return model;
}

static json_t *load_cases(const char *name)
{
    char file[1024];
    snprintf(file, sizeof(file), GOLDEN "cases/%s/detections.json", name);
    json_t *cases = json_load_file(file, 0, NULL);
    cr_assert(cases, "%s", file);
    return cases;
}

static mmn_result *detect(const mmn_model *model, const json_t *search)
{
    const json_t *queries = json_object_get(search, "queries");
    const char *texts[8];
    char image[1024];
    mmn_result *result;
    snprintf(image, sizeof(image), GOLDEN "%s",
             json_string_value(json_object_get(search, "image")));
    for (size_t i = 0; i < json_array_size(queries); i++)
        texts[i] = json_string_value(json_array_get(queries, i));
    const mmn_detect_options options = {.size = sizeof(options),
                                        .image = image,
                                        .queries = texts,
                                        .query_count = json_array_size(queries),
                                        .threshold =
                                            json_real_value(json_object_get(search, "threshold"))};
    cr_assert_eq(mmn_detect(&result, model, &options, &error), MMN_OK, "%s", error.message);
    return result;
}

/* The place of a patch in an array of them, or -1. */
static int find_patch(const json_t *patches, double patch)
{
    for (size_t i = 0; i < json_array_size(patches); i++)
        if (json_number_value(json_array_get(patches, i)) == patch)
            return (int)i;
    return -1;
}

static void check_detection(const mmn_result *result, size_t row, const json_t *search,
                            const json_t *errors)
{
    static const char *const sides[] = {"left", "top", "right", "bottom"};
    const double patch = mmn_result_number(result, "detections", row, "patch");
    const int at = find_patch(json_object_get(search, "patches"), patch);
    cr_assert_geq(at, 0, "patch %g", patch);
    const size_t place = (size_t)at;
    const json_t *box = json_array_get(json_object_get(search, "boxes"), place);
    const size_t label =
        (size_t)json_integer_value(json_array_get(json_object_get(search, "labels"), place));
    const double score =
        json_number_value(json_array_get(json_object_get(search, "scores"), place));
    cr_expect_float_eq(mmn_result_number(result, "detections", row, "score"), score,
                       TORCH_ERRORS * json_number_value(json_object_get(errors, "scores")),
                       "patch %g", patch);
    cr_expect_str_eq(mmn_result_text(result, "detections", row, "query"),
                     json_string_value(json_array_get(json_object_get(search, "queries"), label)));
    for (size_t i = 0; i < 4; i++)
        cr_expect_float_eq(mmn_result_number(result, "detections", row, sides[i]),
                           json_number_value(json_array_get(box, i)),
                           TORCH_ERRORS * json_number_value(json_object_get(errors, "boxes")),
                           "patch %g, %s", patch, sides[i]);
}

/* Every box, and no other; the largest scores first. */
static void check_search(const mmn_model *model, const json_t *search, const json_t *errors)
{
    mmn_result *result = detect(model, search);
    const size_t count = mmn_result_rows(result, "detections");
    cr_assert_eq(count, json_array_size(json_object_get(search, "patches")));
    for (size_t row = 0; row < count; row++) {
        check_detection(result, row, search, errors);
        if (row > 0)
            cr_expect_leq(mmn_result_number(result, "detections", row, "score"),
                          mmn_result_number(result, "detections", row - 1, "score"));
    }
    const json_t *size = json_object_get(search, "size");
    cr_expect_eq(mmn_result_number(result, "result", 0, "height"),
                 json_number_value(json_array_get(size, 0)));
    cr_expect_eq(mmn_result_number(result, "result", 0, "width"),
                 json_number_value(json_array_get(size, 1)));
    mmn_result_free(result);
}

static void check_model(const char *name, size_t least)
{
    MMN_NEEDS(name);
    json_t *cases = load_cases(name), *search;
    mmn_model *model = open_model(name);
    size_t index, found = 0;
    json_array_foreach(json_object_get(cases, "found"), index, search)
    {
        check_search(model, search, json_object_get(cases, "largest_error"));
        found += json_array_size(json_object_get(search, "patches"));
    }
    cr_expect_geq(found, least);
    mmn_model_close(model);
    json_decref(cases);
}

Test(detect, finds_what_transformers_finds)
{
    check_model("owlvit", 40);
}

Test(detect, finds_what_transformers_finds_in_bf16)
{
    check_model("owlvit-bf16", 14);
}

/* ---- What is refused ------------------------------------------------------------------------- */

static int stop(void *context, const mmn_progress *progress)
{
    *(uint64_t *)context = progress->done;
    return progress->done == 1;
}

Test(detect, stops_between_queries)
{
    static const char *const queries[] = {"a cup", "a dog", "a car"};
    mmn_result *result;
    uint64_t done = 0;
    MMN_NEEDS("owlvit");
    mmn_model *model = open_model("owlvit");
    const mmn_detect_options options = {.size = sizeof(options),
                                        .image = GOLDEN "images/grey.jpg",
                                        .queries = queries,
                                        .query_count = 3,
                                        .threshold = 0.1,
                                        .progress = stop,
                                        .progress_context = &done};
    cr_expect_eq(mmn_detect(&result, model, &options, &error), MMN_INTERRUPTED);
    cr_expect_eq(done, 1);
    cr_expect_null(result);
    mmn_model_close(model);
}

Test(detect, refuses_other_models_and_long_queries)
{
    static const char *const queries[] = {"a cup", "1 2 3 4 5 6 7 8 9 1 2 3 4 5 6"};
    mmn_detect_options options = {.size = sizeof(options),
                                  .image = GOLDEN "images/grey.jpg",
                                  .queries = queries,
                                  .query_count = 2,
                                  .threshold = 0.1};
    mmn_result *result;
    MMN_NEEDS("owlvit");
    mmn_model *model = open_model("owlvit");
    cr_expect_eq(mmn_detect(&result, model, &options, &error), MMN_INPUT);
    cr_expect_str_eq(error.where, "query 2", "%s", error.where);
    mmn_model_close(model);
    model = open_model("llava-1.5");
    cr_expect_eq(mmn_detect(&result, model, &options, &error), MMN_INPUT);
    cr_expect(strstr(error.message, "is no detector") != NULL, "%s", error.message);
    mmn_model_close(model);
}
