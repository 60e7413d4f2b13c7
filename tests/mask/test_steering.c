/* Steering: an answer with neurons off and others at the mean of a language, against transformers
 * with hooks that set the same values (golden/make_language_neurons.py). */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "mmneuron.h"
#include "mask/mask.h"
#include "tests/mask/language_case.h"
#include "tests/tools/failing_allocator.h"

#define CHECKPOINTS MMN_SOURCE_DIR "/golden/checkpoints/"
#define DATA MMN_SOURCE_DIR "/tests/mask/data/language-"

enum { TOKENS = 8 };

static mmn_error error;
static mmn_model *model;
static json_t *truth;
static char folder[64], list[100], counts[100], neurons[LANGUAGE_CASE_PATH];

/* Opens a checkpoint and counts the texts that its case has. */
static void open_case(const char *name)
{
    open_language_case(&model, &truth, neurons, name, list);
    const mmn_count_options options = {
        .size = sizeof(options),
        .list = list,
        .output = counts,
        .window = (uint64_t)json_integer_value(json_object_get(truth, "window"))};
    cr_assert_eq(mmn_count(model, &options, NULL, &error), MMN_OK, "%s", error.message);
}

static void close_case(void)
{
    mmn_model_close(model);
    json_decref(truth);
}

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/mmneuron-steering-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(list, sizeof list, "%s/list.jsonl", folder);
    snprintf(counts, sizeof counts, "%s/counts", folder);
}

static void tear_down(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(steering, .init = set_up, .fini = tear_down);

static mmn_mask *steer(const char *off, const char *on)
{
    const mmn_steering steering = {.neurons = neurons, .off = off, .on = on, .counts = counts};
    mmn_mask *mask;
    cr_assert_eq(mmn_mask_steer(&mask, model, &steering, &error), MMN_OK, "%s: %s: %s", error.file,
                 error.where, error.message);
    return mask;
}

/* ---- Against transformers -------------------------------------------------------------------- */

/* An mmn_see_function: the first of the last position's logits against those expected. */
static mmn_status see_logits(void *context, const mmn_stage *stage, mmn_error *problem)
{
    const json_t *expected = context;
    const float *logits = (float *)stage->data + (stage->shape[0] - 1) * stage->shape[1];
    double squares = 0, differences = 0;
    (void)problem;
    if (stage->generating)
        return MMN_OK;
    for (size_t i = 0; i < json_array_size(expected); i++) {
        double value = json_number_value(json_array_get(expected, i));
        squares += value * value;
        differences += (logits[i] - value) * (logits[i] - value);
    }
    cr_expect_lt(sqrt(differences / squares), 1e-5);
    return MMN_OK;
}

static void check_answer(const mmn_mask *mask, const json_t *expected)
{
    const json_t *ids = json_object_get(expected, "ids");
    int32_t found[TOKENS];
    size_t count;
    mmn_input *input;
    mmn_session *session;
    const mmn_probe probe = {.stages = "language.logits",
                             .see = see_logits,
                             .context = json_object_get(expected, "logits")};
    const char *prompt = json_string_value(json_object_get(truth, "prompt"));
    cr_assert_eq(mmn_input_from_prompt(&input, model, prompt, NULL, 0, &error), MMN_OK);
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_mask(session, mask, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
    cr_assert_eq(mmn_session_generate(session, TOKENS, found, &count, &error), MMN_OK);
    cr_assert_eq(count, json_array_size(ids));
    for (size_t i = 0; i < count; i++)
        cr_expect_eq(found[i], json_integer_value(json_array_get(ids, i)), "token %zu", i);
    mmn_session_free(session);
    mmn_input_free(input);
}

/* The names of an array, separated by commas; NULL: there are none. */
static const char *names_of(char text[32], const json_t *array)
{
    const json_t *name;
    size_t i;
    text[0] = '\0';
    json_array_foreach(array, i, name) snprintf(text + strlen(text), 32 - strlen(text), "%s%s",
                                                i > 0 ? "," : "", json_string_value(name));
    return text[0] != '\0' ? text : NULL;
}

static void check_case(const char *name)
{
    const json_t *expected;
    size_t i;
    open_case(name);
    json_array_foreach(json_object_get(truth, "steered"), i, expected)
    {
        char off[32], on[32];
        mmn_mask *mask = steer(names_of(off, json_object_get(expected, "off")),
                               names_of(on, json_object_get(expected, "on")));
        check_answer(mask, expected);
        mmn_mask_free(mask);
    }
    close_case();
}

Test(steering, answers_as_transformers_does_in_llama)
{
    check_case("llama-3");
}

Test(steering, answers_as_transformers_does_in_bloom)
{
    check_case("bloom");
}

/* ---- Masks ----------------------------------------------------------------------------------- */

Test(steering, switches_off_as_a_mask_does)
{
    open_case("bloom");
    mmn_mask *off = steer("de", NULL), *mask, *both = steer("de", "en"), *random;
    cr_assert_eq(mmn_mask_from_file(&mask, model, neurons, "de", "all", 0, &error), MMN_OK);
    const mmn_masked_module *a = &off->modules[0], *b = &mask->modules[0];
    size_t total = mmn_mask_neurons(mask, "language", -1);
    cr_assert_eq(mmn_mask_neurons(off, "language", -1), total);
    cr_assert_eq(memcmp(a->neurons, b->neurons, total * sizeof *a->neurons), 0);
    cr_assert_null(a->values);
    cr_assert_gt(mmn_mask_neurons(both, "language", -1), total);
    cr_assert_eq(mmn_mask_random(&random, both, 1, &error), MMN_OK);
    cr_assert_null(random->modules[0].values);
    mmn_mask_free(off);
    mmn_mask_free(mask);
    mmn_mask_free(both);
    mmn_mask_free(random);
    close_case();
}

Test(steering, of_objects_is_that_of_files)
{
    open_case("bloom");
    const mmn_steering steering = {.off = "en", .on = "de"};
    mmn_mask *files = steer("en", "de"), *mask;
    mmn_neurons *listed;
    mmn_counts *counted;
    cr_assert_eq(mmn_neurons_read(&listed, neurons, &error), MMN_OK);
    cr_assert_eq(mmn_counts_read(&counted, counts, &error), MMN_OK);
    cr_assert_eq(mmn_mask_steer_neurons(&mask, model, listed, counted, &steering, &error), MMN_OK,
                 "%s", error.message);
    const mmn_masked_module *a = &files->modules[0], *b = &mask->modules[0];
    const size_t total = mmn_mask_neurons(mask, "language", -1);
    cr_assert_eq(mmn_mask_neurons(files, "language", -1), total);
    cr_assert_eq(memcmp(a->neurons, b->neurons, total * sizeof *a->neurons), 0);
    cr_assert_eq(memcmp(a->values, b->values, total * sizeof *a->values), 0);
    mmn_mask_free(mask);
    cr_assert_eq(mmn_mask_steer_neurons(&mask, model, listed, NULL, &steering, &error), MMN_USAGE);
    cr_assert_null(mask);
    mmn_mask_free(files);
    mmn_neurons_free(listed);
    mmn_counts_free(counted);
    close_case();
}

static void check_refused(mmn_steering steering, mmn_status expected, const char *part)
{
    mmn_mask *mask;
    error = (mmn_error){0};
    cr_assert_eq(mmn_mask_steer(&mask, model, &steering, &error), expected, "%s: %s", part,
                 error.message);
    cr_assert(strstr(error.message, part), "%s: %s", part, error.message);
    cr_assert_null(mask);
}

Test(steering, refuses_what_cannot_be)
{
    open_case("bloom");
    check_refused((mmn_steering){.neurons = neurons}, MMN_USAGE, "off or on");
    check_refused((mmn_steering){.neurons = neurons, .on = "de"}, MMN_USAGE, "need its counts");
    check_refused((mmn_steering){.neurons = neurons, .off = "fr"}, MMN_USAGE, "\"fr\"");
    check_refused((mmn_steering){.neurons = neurons, .on = "de", .counts = neurons}, MMN_INPUT, "");
    FILE *file = fopen(list, "w");
    fputs("{\"domain\": \"en\", \"text\": \"Only English.\"}\n", file);
    fclose(file);
    const mmn_count_options options = {.size = sizeof(options), .list = list, .output = counts};
    cr_assert_eq(mmn_count(model, &options, NULL, &error), MMN_OK);
    check_refused((mmn_steering){.neurons = neurons, .on = "de", .counts = counts}, MMN_INPUT,
                  "no counts of the domain \"de\"");
    mmn_model_close(model);
    cr_assert_eq(mmn_model_open(&model, CHECKPOINTS "llama-3", NULL, &error), MMN_OK);
    check_refused((mmn_steering){.neurons = neurons, .off = "de"}, MMN_INPUT, "neurons");
    snprintf(neurons, sizeof neurons, DATA "llama-3-neurons.json");
    check_refused((mmn_steering){.neurons = neurons, .on = "en", .counts = counts}, MMN_INPUT,
                  "another model");
    check_refused(
        (mmn_steering){.neurons = neurons, .on = "en", .counts = counts, .other_model = 1},
        MMN_INPUT, "neurons");
    close_case();
}

Test(steering, survives_failing_memory)
{
    open_case("llama-3");
    const mmn_steering steering = {.neurons = neurons, .off = "en", .on = "de", .counts = counts};
    mmn_status status = MMN_SYSTEM;
    for (unsigned long number = 1; status != MMN_OK; number++) {
        mmn_mask *mask;
        fail_allocation_at(number);
        status = mmn_mask_steer(&mask, model, &steering, &error);
        fail_allocation_at(0);
        cr_assert(status == MMN_OK || status == MMN_SYSTEM, "%lu: %s", number, error.message);
        cr_assert_eq(status == MMN_OK, mask != NULL);
        mmn_mask_free(mask);
    }
    close_case();
}
