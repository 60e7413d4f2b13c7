/* Features of a model: against transformers' stages in float64 and regressions on these by
 * scikit-learn (golden/make_features.py), the same bytes in shards, and lists that are refused. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "format/safetensors.h"
#include "mmneuron.h"
#include "tests/tools/same_bytes.h"
#include "tests/tools/scratch.h"

#define FOLDER MMN_SOURCE_DIR "/tests/study/data/features/"
#define IMAGE "\"image\": \"" MMN_SOURCE_DIR "/golden/images/cat.jpg\", \"prompt\": \"<image>\\n"

static mmn_error error;
static mmn_model *model;

static void set_up(void)
{
    scratch_make();
    cr_assert_eq(
        mmn_model_open(&model, MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5", NULL, &error),
        MMN_OK, "%s", error.message);
}

static void tear_down(void)
{
    mmn_model_close(model);
    scratch_remove();
}

TestSuite(features, .init = set_up, .fini = tear_down);

static mmn_features_options options_of(const char *pool, const char *file)
{
    return (mmn_features_options){.size = sizeof(mmn_features_options),
                                  .list = FOLDER "events.jsonl",
                                  .file = file,
                                  .pool = pool};
}

static json_t *document_of(mmn_result *result)
{
    char *json;
    cr_assert_eq(mmn_result_json(result, &json, &error), MMN_OK);
    json_t *document = json_loads(json, 0, NULL);
    cr_assert_not_null(document);
    mmn_release(json);
    mmn_result_free(result);
    return document;
}

/* ---- What they are --------------------------------------------------------------------------- */

/* The forward pass is in float32: of each event, the error's length by the features'. */
static void expect_near(const mmn_tensor *found, const mmn_tensor *expected)
{
    const size_t width = expected->shape[1];
    cr_assert_eq(found->shape[0], 40);
    cr_assert_eq(found->shape[1], width, "%s", expected->name);
    for (size_t event = 0; event < expected->shape[0]; event++) {
        double square = 0, difference = 0;
        for (size_t i = event * width; i < (event + 1) * width; i++) {
            const double a = mmn_load_f32(found->data + 4 * i);
            const double b = mmn_load_f32(expected->data + 4 * i);
            square += b * b;
            difference += (a - b) * (a - b);
        }
        cr_expect_leq(sqrt(difference / square), 2e-6, "%s, event %zu: %g", expected->name, event,
                      sqrt(difference / square));
    }
}

static void check_pool(const char *pool, const char *stages)
{
    mmn_features_options options = options_of(pool, scratch_path("features.safetensors"));
    const size_t length = strlen(pool);
    size_t compared = 0;
    mmn_safetensors *found, *expected;
    mmn_result *result;
    options.stages = stages;
    cr_assert_eq(mmn_features(&result, model, &options, &error), MMN_OK, "%s", error.message);
    mmn_result_free(result);
    cr_assert_eq(mmn_safetensors_open(&found, options.file, &error), MMN_OK);
    cr_assert_eq(mmn_safetensors_open(&expected, FOLDER "features.safetensors", &error), MMN_OK);
    cr_expect_str_eq(mmn_safetensors_metadata(found, "pool"), pool);
    for (size_t i = 0; i < mmn_safetensors_count(expected); i++) {
        const mmn_tensor *truth = mmn_safetensors_get(expected, i);
        char name[64];
        if (strncmp(truth->name, pool, length) != 0 || truth->name[length] != '/')
            continue;
        snprintf(name, sizeof(name), "words%s", truth->name + length);
        const mmn_tensor *tensor = mmn_safetensors_find(found, name);
        cr_assert_not_null(tensor, "%s", name);
        expect_near(tensor, truth);
        compared++;
    }
    cr_expect_gt(compared, 0);
    cr_expect_eq(mmn_safetensors_count(found), compared);
    mmn_safetensors_close(found);
    mmn_safetensors_close(expected);
}

Test(features, are_stages_of_transformers)
{
    check_pool("last", NULL);
    check_pool("first", NULL);
    check_pool("mean", NULL);
    check_pool("flat", "vision.layers.1.out");
}

static mmn_encode_options encoding_of(const mmn_features_options *events)
{
    return (mmn_encode_options){.size = sizeof(mmn_encode_options),
                                .responses = FOLDER "responses.safetensors",
                                .draws = 3,
                                .model = model,
                                .events = events};
}

Test(features, predict_as_those_of_transformers)
{
    const mmn_features_options events = options_of("mean", NULL);
    const mmn_encode_options options = encoding_of(&events);
    mmn_result *result;
    size_t i;
    json_t *layer;
    cr_assert_eq(mmn_encode(&result, &options, &error), MMN_OK, "%s", error.message);
    json_t *document = document_of(result);
    json_t *expected = json_load_file(FOLDER "expected.json", 0, NULL);
    const json_t *alignment = json_array_get(json_object_get(document, "alignments"), 0);
    const json_t *own = json_array_get(json_object_get(alignment, "models"), 0);
    const json_t *source = json_array_get(json_object_get(document, "features"), 0);
    cr_expect_str_eq(json_string_value(json_object_get(own, "model")), "model");
    cr_expect_str_eq(json_string_value(json_object_get(source, "pool")), "mean");
    cr_expect(json_is_null(json_object_get(source, "file")));
    cr_expect_eq(json_array_size(json_object_get(own, "layers")), 6);
    json_array_foreach(json_object_get(expected, "layers"), i, layer)
    {
        const json_t *found = json_array_get(json_object_get(own, "layers"), i);
        cr_expect_str_eq(json_string_value(json_object_get(found, "name")),
                         json_string_value(json_object_get(layer, "name")));
        cr_expect_float_eq(json_number_value(json_object_get(found, "validation")),
                           json_number_value(json_object_get(layer, "validation")), 5e-6);
        cr_expect_float_eq(json_number_value(json_object_get(found, "test")),
                           json_number_value(json_object_get(layer, "test")), 5e-6);
    }
    json_decref(document);
    json_decref(expected);
}

/* ---- Where they are made --------------------------------------------------------------------- */

static void run_shard(const char *rows, uint32_t shard)
{
    mmn_features_options options = options_of(NULL, NULL);
    mmn_result *result;
    options.rows = (mmn_rows_options){.file = rows, .shard = shard, .shards = 2};
    cr_assert_eq(mmn_features(&result, model, &options, &error), MMN_OK, "%s", error.message);
    cr_expect_null(result);
}

Test(features, of_shards_have_the_same_bytes)
{
    const char *const parts[] = {scratch_path("1.jsonl"), scratch_path("2.jsonl")};
    mmn_features_options options = options_of(NULL, scratch_path("whole"));
    mmn_result *result;
    cr_assert_eq(mmn_features(&result, model, &options, &error), MMN_OK, "%s", error.message);
    mmn_result_free(result);
    run_shard(parts[0], 1);
    run_shard(parts[1], 2);
    options.file = scratch_path("merged");
    options.rows = (mmn_rows_options){.parts = parts, .part_count = 2};
    cr_assert_eq(mmn_features(&result, model, &options, &error), MMN_OK, "%s", error.message);
    mmn_result_free(result);
    check_same_bytes(scratch_path("whole"), scratch_path("merged"));
    const mmn_encode_options encoding = encoding_of(&options);
    cr_expect_eq(mmn_encode(&result, &encoding, &error), MMN_OK, "%s", error.message);
    mmn_result_free(result);
    options.pool = "mean";
    cr_expect_eq(mmn_features(&result, model, &options, &error), MMN_INPUT);
}

/* ---- What is wrong --------------------------------------------------------------------------- */

static void refuses(const mmn_features_options *options, mmn_status status, const char *message)
{
    mmn_result *result;
    cr_expect_eq(mmn_features(&result, model, options, &error), status);
    cr_expect_null(result);
    cr_expect_not_null(strstr(error.message, message), "%s", error.message);
}

Test(features, refuses_wrong_usage)
{
    mmn_features_options options = options_of("max", scratch_path("features"));
    refuses(&options, MMN_USAGE, "there is no pooling \"max\"");
    options.pool = NULL;
    options.stages = "vision.layers.0.out,lens";
    refuses(&options, MMN_USAGE, "no stage is called \"lens\"");
    options.stages = "input_ids";
    refuses(&options, MMN_INPUT, "shows no stage that is called \"input_ids\"");
    options = options_of(NULL, NULL);
    refuses(&options, MMN_USAGE, "file");
}

static void refuses_list(const char *list, const char *pool, const char *message)
{
    mmn_features_options options = options_of(pool, scratch_path("features"));
    scratch_write("list.jsonl", list);
    options.list = scratch_path("list.jsonl");
    refuses(&options, MMN_INPUT, message);
}

Test(features, refuses_events_of_several_kinds)
{
    refuses_list("{\"domain\": \"words\", \"text\": \"The layer.\"}\n", NULL, "has texts");
    refuses_list("{\"domain\": \"words\", " IMAGE "The\"}\n"
                 "{\"domain\": \"words\", \"prompt\": \"The layer\"}\n",
                 NULL, "has not the stages");
    cr_expect_str_eq(error.where, "line 2");
    refuses_list("{\"domain\": \"words\", \"prompt\": \"The layer\"}\n"
                 "{\"domain\": \"words\", \"prompt\": \"The layer and the word\"}\n",
                 "flat", "or not the positions");
}

Test(features, refuses_events_without_responses)
{
    static const char list[] = "{\"domain\": \"words\", \"prompt\": \"The layer\"}\n";
    mmn_features_options events = options_of(NULL, NULL);
    mmn_encode_options options = encoding_of(&events);
    mmn_result *result;
    scratch_write("list.jsonl", list);
    events.list = scratch_path("list.jsonl");
    cr_expect_eq(mmn_encode(&result, &options, &error), MMN_INPUT);
    cr_expect_str_eq(error.message, "has 1 events of the domain \"words\"; expected 40, as its "
                                    "responses have");
    const char *const features[] = {"model=x"};
    options.features = features;
    options.feature_count = 1;
    cr_expect_neq(mmn_encode(&result, &options, &error), MMN_OK);
    options.events = NULL;
    cr_expect_eq(mmn_encode(&result, &options, &error), MMN_USAGE);
}
