/* Every form of the rotary embedding, against transformers in float64 (golden/make_rope.py); and
 * that sequences beyond the length where frequencies change are not taken for others. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/safetensors.h"
#include "mmneuron.h"
#include "tests/tools/scratch.h"

#define CHECKPOINT MMN_SOURCE_DIR "/golden/checkpoints/llama-3"
#define GOLDEN MMN_SOURCE_DIR "/golden/rope.safetensors"

/* How many times torch's own float32 error ours may be: the bound of every golden case. */
#define ERROR_RATIO 4.0

static const char *const variants[] = {
    "linear",           "yarn",
    "yarn-whole",       "yarn-mscale",
    "dynamic-within",   "dynamic-beyond",
    "dynamic-crossing", "longrope-within",
    "longrope-beyond",  "longrope-crossing",
};
enum { VARIANTS = sizeof(variants) / sizeof(variants[0]), ROWS = 64 };

static mmn_error error;
static mmn_safetensors *golden;

#define check_ok(call)                                                                             \
    cr_assert_eq((call), MMN_OK, "%s: %s: %s", error.file, error.where, error.message)

static void set_up(void)
{
    check_ok(mmn_safetensors_open(&golden, GOLDEN, &error));
    scratch_make();
    scratch_link(CHECKPOINT, "model.safetensors");
}

static void clean_up(void)
{
    mmn_safetensors_close(golden);
    scratch_remove();
}

/* Writes the checkpoint's configuration with these changes. */
static void write_config(const char *changes)
{
    json_t *config = json_load_file(CHECKPOINT "/config.json", 0, NULL);
    json_t *changed = json_loads(changes, 0, NULL);
    cr_assert(config && changed);
    json_object_update(config, changed);
    cr_assert_eq(json_dump_file(config, scratch_path("config.json"), 0), 0);
    json_decref(config);
    json_decref(changed);
}

static mmn_model *open_variant(const char *name)
{
    char key[64];
    mmn_model *model;
    snprintf(key, sizeof(key), "%s.config", name);
    write_config(mmn_safetensors_metadata(golden, key));
    check_ok(mmn_model_open(
        &model, scratch,
        &(mmn_model_options){.size = sizeof(mmn_model_options), .without_tokenizer = 1}, &error));
    return model;
}

static const mmn_tensor *tensor_of(const char *name, const char *what)
{
    char key[64];
    snprintf(key, sizeof(key), "%s.%s", name, what);
    const mmn_tensor *tensor = mmn_safetensors_find(golden, key);
    cr_assert_not_null(tensor, "%s", key);
    return tensor;
}

static mmn_input *make_input(const mmn_model *model, const char *name, size_t first, size_t count)
{
    int32_t ids[ROWS];
    mmn_input *input;
    memcpy(ids, tensor_of(name, "input_ids")->data + first * sizeof(*ids), count * sizeof(*ids));
    check_ok(mmn_input_from_ids(&input, model, ids, count, &error));
    return input;
}

/* What a probe keeps of language.norm. */
typedef struct states {
    float *rows;
    size_t width;
} states;

static mmn_status keep(void *context, const mmn_stage *stage, mmn_error *ignored)
{
    states *kept = context;
    (void)ignored;
    kept->width = stage->shape[1];
    if (!kept->rows)
        kept->rows = calloc(ROWS, kept->width * sizeof(float));
    if (!stage->generating)
        memcpy(kept->rows + stage->first_position * kept->width, stage->data,
               stage->shape[0] * kept->width * sizeof(float));
    return MMN_OK;
}

static mmn_session *make_session(const mmn_model *model, states *kept, int prompt_only)
{
    mmn_session *session;
    *kept = (states){0};
    check_ok(mmn_session_create(
        &session, model,
        &(mmn_session_options){.size = sizeof(mmn_session_options), .prompt_only = prompt_only},
        &error));
    check_ok(mmn_session_add_probe(
        session,
        &(mmn_probe){.stages = "language.norm", .see = keep, .context = kept, .only_new = 1},
        &error));
    return session;
}

static double relative_rms(const float *values, const mmn_tensor *truth)
{
    size_t count = mmn_tensor_elements(truth);
    double difference = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        float expected;
        memcpy(&expected, truth->data + i * sizeof(expected), sizeof(expected));
        difference += pow((double)values[i] - (double)expected, 2);
        size += pow((double)expected, 2);
    }
    return sqrt(difference / size);
}

static void compare(const char *name)
{
    states kept;
    char key[64];
    mmn_model *model = open_variant(name);
    mmn_session *session = make_session(model, &kept, 0);
    const mmn_tensor *ids = tensor_of(name, "input_ids"),
                     *expected = tensor_of(name, "generated_ids");
    mmn_input *input = make_input(model, name, 0, ids->shape[0]);
    check_ok(mmn_session_prefill(session, input, &error));
    snprintf(key, sizeof(key), "%s.error", name);
    double ratio = relative_rms(kept.rows, tensor_of(name, "norm")) /
                   strtod(mmn_safetensors_metadata(golden, key), NULL);
    cr_assert_lt(ratio, ERROR_RATIO, "%s: %g times float32's error", name, ratio);

    int32_t generated[16];
    size_t count;
    check_ok(mmn_session_generate(session, expected->shape[0], generated, &count, &error));
    cr_assert_eq(count, expected->shape[0], "%s", name);
    cr_assert_eq(memcmp(generated, expected->data, expected->bytes), 0, "%s", name);
    mmn_input_free(input);
    mmn_session_free(session);
    mmn_model_close(model);
    free(kept.rows);
}

Test(rope, gives_what_transformers_gives, .init = set_up, .fini = clean_up)
{
    for (size_t i = 0; i < VARIANTS; i++)
        compare(variants[i]);
}

/* Prefills the whole input after a part of it, in one session and among others. */
static void check_cuts(const char *name)
{
    states fresh, after, together;
    mmn_model *model = open_variant(name);
    size_t length = tensor_of(name, "input_ids")->shape[0];
    mmn_input *whole = make_input(model, name, 0, length);
    mmn_input *part = make_input(model, name, 0, length - 10);
    mmn_session *session = make_session(model, &fresh, 0);
    check_ok(mmn_session_prefill(session, whole, &error));
    mmn_session_free(session);
    size_t bytes = length * fresh.width * sizeof(float);

    session = make_session(model, &after, 0);
    check_ok(mmn_session_prefill(session, part, &error));
    check_ok(mmn_session_prefill(session, whole, &error));
    cr_assert_eq(memcmp(after.rows, fresh.rows, bytes), 0, "%s: after a part of it", name);
    check_ok(mmn_session_prefill(session, part, &error));
    check_ok(mmn_session_prefill(session, whole, &error));
    cr_assert_eq(memcmp(after.rows, fresh.rows, bytes), 0, "%s: the second time", name);
    mmn_session_free(session);

    session = make_session(model, &together, 1);
    check_ok(mmn_session_prefill_many(session, (const mmn_input *const[]){part, whole}, 2, &error));
    cr_assert_eq(memcmp(together.rows, fresh.rows, bytes), 0, "%s: together", name);
    mmn_session_free(session);
    mmn_input_free(whole);
    mmn_input_free(part);
    mmn_model_close(model);
    free(fresh.rows);
    free(after.rows);
    free(together.rows);
}

Test(rope, does_not_take_over_what_a_longer_sequence_changes, .init = set_up, .fini = clean_up)
{
    for (size_t i = 0; i < VARIANTS; i++)
        check_cuts(variants[i]);
}

Test(rope, refuses_what_it_does_not_know, .init = set_up, .fini = clean_up)
{
    static const struct {
        const char *scaling, *where, *message;
    } bad[] = {
        {"{\"type\":\"su\",\"factor\":2.0}", "rope_scaling.type", "\"su\" is not supported"},
        {"{\"rope_type\":\"mrope\"}", "rope_scaling.rope_type", "\"mrope\" is not supported"},
        {"{\"type\":\"dynamic\"}", "rope_scaling.factor", "missing"},
        {"{\"type\":\"linear\",\"factor\":null}", "rope_scaling.factor", "missing"},
        {"{\"type\":\"yarn\",\"factor\":-1}", "rope_scaling.factor", "between"},
        {"{\"type\":\"longrope\",\"factor\":2}", "rope_scaling.short_factor", "missing"},
        {"{\"type\":\"longrope\",\"short_factor\":[1,1]}", "rope_scaling.short_factor",
         "half as many numbers as a head is wide, 8, and has 2"},
        {"{\"type\":\"longrope\",\"short_factor\":[1,1,1,1,1,1,1,0]}", "rope_scaling.short_factor",
         "numbers from"},
        {"{\"type\":\"yarn\",\"factor\":2,\"partial_rotary_factor\":0.5}",
         "rope_scaling.partial_rotary_factor", "not supported"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char changes[300];
        mmn_model *model;
        snprintf(changes, sizeof(changes), "{\"rope_scaling\":%s}", bad[i].scaling);
        write_config(changes);
        cr_assert_eq(mmn_model_open(&model, scratch,
                                    &(mmn_model_options){.size = sizeof(mmn_model_options),
                                                         .without_tokenizer = 1},
                                    &error),
                     MMN_INPUT, "%s", bad[i].scaling);
        cr_assert_str_eq(error.where, bad[i].where);
        cr_assert(strstr(error.message, bad[i].message), "%s: %s", bad[i].where, error.message);
    }
}
