/* Neurons of a model with a Q-Former, InstructBLIP: counts and masks of all four modules against
 * PyTorch's (golden/make_golden.py, golden/make_masked.py), and the commands on top of them. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../model/seen.h"
#include "base/bytes.h"
#include "base/file.h"
#include "format/safetensors.h"
#include "model/input.h"
#include "count/counts.h"
#include "tests/tools/needs.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/instructblip"
#define CASES MMN_SOURCE_DIR "/golden/cases/instructblip/"
#define IMAGES MMN_SOURCE_DIR "/golden/images/"
#define DATA MMN_SOURCE_DIR "/tests/mask/data/"
#define NEURONS DATA "masked-instructblip.json"

enum { TOKENS = 12, MODULES = 4 };

static const char *const module_names[MODULES] = {"vision", "qformer", "query", "language"};

static mmn_error error;
static mmn_model *model;
static char list[] = "/tmp/mmneuron-qformer-XXXXXX", output[64];

/* The questions of two golden cases, one as a question and one as a raw prompt. */
static const char lines[] =
    "{\"id\": \"1\", \"domain\": \"medical\", \"image\": \"" IMAGES "wide.jpg\", \"question\": "
    "\"What is unusual about this image?\", \"answers\": [\"none\"], \"metric\": \"exact\"}\n"
    "{\"id\": \"2\", \"domain\": \"documents\", \"image\": \"" IMAGES "tall.jpg\", \"prompt\": "
    "\"<image>Where is the cup?\", \"answers\": [\"none\"], \"metric\": \"exact\"}\n";

static void set_up(void)
{
    MMN_NEEDS(MODEL);
    int descriptor = mkstemp(list);
    cr_assert_geq(descriptor, 0);
    close(descriptor);
    snprintf(output, sizeof output, "%s.counts", list);
    cr_assert_eq(mmn_write_file(list, lines, strlen(lines), &error), MMN_OK);
    cr_assert_eq(mmn_model_open(&model, MODEL, NULL, &error), MMN_OK, "%s", error.message);
}

static void tear_down(void)
{
    mmn_model_close(model);
    unlink(list);
    unlink(output);
}

TestSuite(qformer_neurons, .init = set_up, .fini = tear_down);

static double number_at(const mmn_tensor *tensor, size_t index)
{
    uint64_t bits = mmn_load_u64(tensor->data + 8 * index);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- Counting -------------------------------------------------------------------------------- */

static void count_ok(const mmn_count_options *options)
{
    cr_assert_eq(mmn_count(model, options, NULL, &error), MMN_OK, "%s %s: %s", error.file,
                 error.where, error.message);
}

/* One domain's counts of one module are the numbers of positive activations in a golden case. */
static void check_module(const mmn_counted_module *module, const mmn_count_cell *cell,
                         const mmn_safetensors *golden)
{
    for (uint32_t layer = 0; layer < module->layers; layer++) {
        char name[64];
        snprintf(name, sizeof name, "%s.layers.%u.mlp.act", module->name, (unsigned)layer);
        const mmn_tensor *truth = mmn_safetensors_find(golden, name);
        cr_assert_not_null(truth, "%s", name);
        size_t width = module->neurons, rows = mmn_tensor_elements(truth) / width;
        cr_assert_eq(truth->shape[truth->dimensions - 1], width);
        cr_assert_eq(cell->fields[MMN_FIELD_TOKENS][0], (int64_t)rows, "%s", name);
        for (size_t neuron = 0; neuron < width; neuron++) {
            int64_t count = 0;
            double sum = 0;
            for (size_t row = 0; row < rows; row++) {
                double value = number_at(truth, row * width + neuron);
                count += value > 0;
                sum += value;
            }
            cr_assert_eq(cell->fields[MMN_FIELD_COUNT][layer * width + neuron], count,
                         "%s, neuron %zu", name, neuron);
            cr_assert_float_eq((double)cell->fields[MMN_FIELD_SUM][layer * width + neuron] /
                                   1048576,
                               sum, 1e-4 * (double)rows, "%s, neuron %zu", name, neuron);
        }
    }
}

Test(qformer_neurons, counts_are_those_of_pytorch)
{
    static const char *const cases[] = {CASES "tall.safetensors", CASES "wide.safetensors"};
    const mmn_count_options options = {.size = sizeof(options), .list = list, .output = output};
    mmn_counts *counts;
    count_ok(&options);
    cr_assert_eq(mmn_counts_read(&counts, output, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(counts->domain_count, 2); /* documents, medical */
    cr_assert_eq(counts->module_count, MODULES);
    for (size_t d = 0; d < 2; d++) {
        mmn_safetensors *golden;
        cr_assert_eq(mmn_safetensors_open(&golden, cases[d], &error), MMN_OK);
        for (size_t m = 0; m < MODULES; m++) {
            cr_assert_str_eq(counts->modules[m].name, module_names[m]);
            check_module(&counts->modules[m], &counts->domains[d].cells[m], golden);
        }
        mmn_safetensors_close(golden);
    }
    mmn_counts_free(counts);
}

static mmn_status silence(void *context, const mmn_stage *stage, mmn_error *unused)
{
    size_t count = 1;
    (void)context;
    (void)unused;
    for (size_t i = 0; i < stage->dimensions; i++)
        count *= stage->shape[i];
    memset(stage->data, 0, count * sizeof(float));
    return MMN_OK;
}

static mmn_input *make_input(const char *prompt)
{
    const char *image = IMAGES "tall.jpg";
    mmn_input *input;
    cr_assert_eq(mmn_input_from_prompt(&input, model, prompt, &image, 1, &error), MMN_OK);
    return input;
}

/* What the last position's logits are with a stage at zero (NULL: with none). */
static void make_logits(const mmn_input *input, const char *off, seen *logits)
{
    mmn_session *session;
    const mmn_probe silent = {.stages = off, .writes = 1, .see = silence};
    const mmn_probe probe = {.stages = "language.logits", .see = see_all, .context = logits};
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    if (off)
        cr_assert_eq(mmn_session_add_probe(session, &silent, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
    mmn_session_free(session);
}

/* In every module, the layers from first_inert_layer on and no others. */
Test(qformer_neurons, inert_ones_are_those_that_change_nothing)
{
    const mmn_model_info *info = mmn_model_describe(model);
    mmn_input *input = make_input("Where is the cup?");
    seen plain = {0};
    cr_assert_eq(info->module_count, MODULES);
    make_logits(input, NULL, &plain);
    for (size_t m = 0; m < MODULES; m++) {
        const mmn_module *module = &info->modules[m];
        cr_expect_str_eq(module->name, module_names[m]);
        for (uint32_t layer = 0; layer < module->layers; layer++) {
            char stage[64];
            seen silenced = {0};
            snprintf(stage, sizeof stage, "%s.layers.%u.mlp.act", module->name, (unsigned)layer);
            make_logits(input, stage, &silenced);
            bool same = memcmp(silenced.stages[0].data, plain.stages[0].data,
                               plain.stages[0].rows * plain.stages[0].row_bytes) == 0;
            cr_expect_eq(same, layer >= module->first_inert_layer, "%s", stage);
            seen_free(&silenced);
        }
    }
    seen_free(&plain);
    mmn_input_free(input);
}

/* How many rows a module's stages have is known before they are made. */
Test(qformer_neurons, positions_of_every_module_are_known_before)
{
    mmn_input *input = make_input("Where is the cup?");
    mmn_safetensors *golden;
    cr_assert_eq(mmn_safetensors_open(&golden, CASES "tall.safetensors", &error), MMN_OK);
    for (size_t m = 0; m < MODULES; m++) {
        char stage[64];
        snprintf(stage, sizeof stage, "%s.layers.0.mlp.act", module_names[m]);
        const mmn_tensor *truth = mmn_safetensors_find(golden, stage);
        cr_expect_eq(mmn_input_module_positions(input, model, module_names[m]),
                     truth->shape[truth->dimensions - 2], "%s", stage);
    }
    mmn_safetensors_close(golden);
    mmn_input_free(input);
}

/* ---- Masks ----------------------------------------------------------------------------------- */

static mmn_mask *make_mask(const char *domain, const char *setting)
{
    mmn_mask *mask;
    cr_assert_eq(mmn_mask_from_file(&mask, model, NEURONS, domain, setting, 0, &error), MMN_OK,
                 "%s: %s: %s", error.file, error.where, error.message);
    return mask;
}

static double relative_rms(const seen *all, const mmn_tensor *truth)
{
    size_t columns = truth->shape[truth->dimensions - 1];
    double distance = 0, scale = 0;
    for (size_t i = 0; i < mmn_tensor_elements(truth); i++) {
        const char *row = seen_row(all, truth->name, NULL, i / columns, columns * sizeof(float));
        float value;
        cr_assert_not_null(row, "%s", truth->name);
        memcpy(&value, row + i % columns * sizeof value, sizeof value);
        double expected = number_at(truth, i);
        distance += (value - expected) * (value - expected);
        scale += expected * expected;
    }
    return sqrt(distance / scale);
}

Test(qformer_neurons, a_masked_forward_pass_is_that_of_pytorch)
{
    static const char *const stages[] = {"vision.out", "projector.merged", "language.norm"};
    mmn_mask *mask = make_mask("medical", "all");
    mmn_safetensors *golden;
    mmn_input *input;
    seen masked = {0}, plain = {0};
    int32_t ids[TOKENS], plain_ids[TOKENS];
    cr_assert_eq(mmn_input_from_file(&input, model, CASES "tall.safetensors", &error), MMN_OK);
    size_t count = seen_of_mask(&masked, model, input, mask, TOKENS, ids);
    seen_of_mask(&plain, model, input, NULL, TOKENS, plain_ids);
    cr_assert_eq(mmn_safetensors_open(&golden, DATA "masked-instructblip.safetensors", &error),
                 MMN_OK);
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        const mmn_tensor *truth = mmn_safetensors_find(golden, stages[i]);
        cr_expect_lt(relative_rms(&masked, truth), 1e-5, "%s", stages[i]);
        cr_expect_gt(relative_rms(&plain, truth), 1e-2, "%s", stages[i]);
    }
    const mmn_tensor *truth = mmn_safetensors_find(golden, "generated_ids");
    cr_assert_eq(count, mmn_tensor_elements(truth));
    for (size_t i = 0; i < count; i++)
        cr_expect_eq((uint32_t)ids[i], mmn_load_u32(truth->data + 4 * i), "token %zu", i);
    cr_expect_neq(memcmp(ids, plain_ids, sizeof ids), 0);
    mmn_safetensors_close(golden);
    seen_free(&masked);
    seen_free(&plain);
    mmn_mask_free(mask);
    mmn_input_free(input);
}

/* Each module alone, and both of the Q-Former's. */
Test(qformer_neurons, settings_name_the_modules)
{
    static const struct {
        const char *setting;
        bool on[MODULES];
    } cases[] = {
        {"vision", {true, false, false, false}},       {"qformer", {false, true, false, false}},
        {"query", {false, false, true, false}},        {"language", {false, false, false, true}},
        {"qformer+query", {false, true, true, false}}, {"all", {true, true, true, true}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mmn_mask *mask = make_mask("documents", cases[i].setting);
        for (size_t m = 0; m < MODULES; m++)
            cr_expect_eq(mmn_mask_neurons(mask, module_names[m], -1) > 0, cases[i].on[m], "%s: %s",
                         cases[i].setting, module_names[m]);
        mmn_mask_free(mask);
    }
}

/* ---- Evaluation, perturbation, lens ---------------------------------------------------------- */

static json_t *parsed(char *text)
{
    json_t *result = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(result, "%s", text);
    mmn_release(text);
    return result;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* The answer of a session of its own to the sample of a domain; freed with mmn_release. */
static char *answer_alone(const char *domain, const mmn_mask *mask)
{
    bool medical = strcmp(domain, "medical") == 0;
    const char *image = medical ? IMAGES "wide.jpg" : IMAGES "tall.jpg";
    const char *prompt = medical ? "What is unusual about this image?" : "Where is the cup?";
    char *text;
    int32_t ids[TOKENS];
    mmn_input *input;
    seen all = {0};
    cr_assert_eq(mmn_input_from_prompt(&input, model, prompt, &image, 1, &error), MMN_OK);
    size_t count = seen_of_mask(&all, model, input, mask, TOKENS, ids);
    cr_assert_eq(mmn_model_decode(model, ids, count, 1, &text, &error), MMN_OK);
    mmn_input_free(input);
    seen_free(&all);
    return text;
}

/* Without being told, an evaluation switches off what the method does in a model with a Q-Former;
 * side by side its answers are those of sessions alone. */
Test(qformer_neurons, evaluations_have_the_settings_of_the_method)
{
    static const char *const settings[] = {
        "none", "language", "vision", "qformer+query", "vision+qformer+query", "all"};
    const mmn_eval_options options = {
        .size = sizeof(options), .list = list, .neurons = NEURONS, .tokens = TOKENS};
    mmn_result *evaluation;
    char *text;
    cr_assert_eq(mmn_eval(&evaluation, model, &options, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_result_json(evaluation, &text, &error), MMN_OK);
    mmn_result_free(evaluation);
    json_t *result = parsed(text), *one;
    const json_t *runs = json_object_get(result, "runs");
    size_t i, seen_settings = 0, changed = 0;
    char *plain = answer_alone("medical", NULL);
    json_array_foreach((json_t *)(uintptr_t)runs, i, one)
    {
        const char *setting = text_of(one, "setting"), *domain = text_of(one, "domain");
        mmn_mask *mask = strcmp(setting, "none") == 0 ? NULL : make_mask(domain, setting);
        char *answer = answer_alone(domain, mask);
        const json_t *prediction = json_array_get(json_object_get(one, "predictions"), 0);
        cr_expect_str_eq(text_of(prediction, "answer"), answer, "%s, %s", setting, domain);
        if (strcmp(domain, "medical") == 0) {
            cr_assert_lt(seen_settings, sizeof settings / sizeof *settings);
            cr_expect_str_eq(setting, settings[seen_settings++]);
            changed += strcmp(answer, plain) != 0;
        }
        mmn_release(answer);
        mmn_mask_free(mask);
    }
    cr_expect_eq(seen_settings, sizeof settings / sizeof *settings);
    cr_expect_gt(changed, 0);
    mmn_release(plain);
    json_decref(result);
}

Test(qformer_neurons, perturbations_and_lens_take_the_model)
{
    const mmn_perturb_options perturb_options = {.size = sizeof(perturb_options),
                                                 .list = list,
                                                 .neurons = NEURONS,
                                                 .settings = "qformer+query,query",
                                                 .seeds = 1};
    const mmn_lens_options lens_options = {.size = sizeof(lens_options),
                                           .list = list,
                                           .top = 2,
                                           .examples = 1,
                                           .positions = "image:1,last"};
    mmn_result *perturbation;
    mmn_result *lens;
    char *text;
    cr_assert_eq(mmn_perturb(&perturbation, model, &perturb_options, &error), MMN_OK, "%s",
                 error.message);
    cr_assert_eq(mmn_result_json(perturbation, &text, &error), MMN_OK);
    mmn_result_free(perturbation);
    json_t *result = parsed(text);
    json_t *curve = json_array_get(json_object_get(result, "curves"), 0);
    cr_expect_gt(json_number_value(json_array_get(json_object_get(curve, "relative"), 0)), 0);
    json_decref(result);

    cr_assert_eq(mmn_lens_run(&lens, model, &lens_options, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_result_json(lens, &text, &error), MMN_OK);
    mmn_result_free(lens);
    result = parsed(text);
    curve = json_array_get(json_object_get(result, "curves"), 0);
    const json_t *image = json_object_get(curve, "image");
    cr_expect_eq(json_integer_value(json_object_get(image, "positions")), 5);
    const json_t *sample = json_array_get(json_object_get(result, "samples"), 0);
    cr_expect(json_is_null(json_object_get(sample, "grid")), "queries are no patches");
    json_decref(result);
}
