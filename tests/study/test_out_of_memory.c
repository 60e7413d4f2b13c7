/* Running out of memory in count, eval, perturb, lens, contrib, edit, locate, hallucinations and
 * encode: an allocation fails, now an early one and now a late one, and is reported as such;
 * nothing is made, lost or left behind. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "mmneuron.h"
#include "tests/tools/failing_allocator.h"
#include "tests/tools/needs.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5"
#define NEURONS MMN_SOURCE_DIR "/tests/mask/data/masked.json"
#define IMAGE MMN_SOURCE_DIR "/golden/images/grey.jpg"

/* No run makes more allocations than this. */
enum { MOST_ALLOCATIONS = 100000 };

static const char samples[] =
    "{\"domain\": \"medical\", \"image\": \"" IMAGE "\", \"question\": \"Is it?\", "
    "\"metric\": \"choice\", \"answers\": [\"A\"], \"choices\": [\"yes\", \"no\"]}\n"
    "{\"domain\": \"documents\", \"question\": \"Who?\", \"metric\": \"anls\", "
    "\"answers\": [\"he\", \"she\"]}\n";

static mmn_error error;
static mmn_model *model, *detector; /* the second of one test */
static char list[] = "/tmp/mmneuron-memory-XXXXXX", edited[sizeof(list) + 12];

static void set_up(void)
{
    int descriptor = mkstemp(list);
    cr_assert_geq(descriptor, 0);
    close(descriptor);
    snprintf(edited, sizeof(edited), "%s.safetensors", list);
    cr_assert_eq(mmn_write_file(list, samples, strlen(samples), &error), MMN_OK);
    cr_assert_eq(mmn_model_open(&model, MODEL, NULL, &error), MMN_OK, "%s", error.message);
}

static void tear_down(void)
{
    mmn_model_close(model);
    unlink(list);
}

TestSuite(neurons_out_of_memory, .init = set_up, .fini = tear_down);

/* Runs a command, and makes its table and JSON; text NULL after a failure. */
typedef mmn_status (*run_function)(char **table, char **json, mmn_error *error);

/* The result, which there is unless the command has failed, as a table and JSON. */
static mmn_status print(mmn_result *result, mmn_status status, char **table, char **json,
                        mmn_error *problem)
{
    cr_assert_eq(status == MMN_OK, result != NULL);
    if (status == MMN_OK)
        status = mmn_result_table(result, table, problem);
    if (status == MMN_OK)
        status = mmn_result_json(result, json, problem);
    mmn_result_free(result);
    return status;
}

static mmn_status run_eval(char **table, char **json, mmn_error *problem)
{
    const mmn_eval_options options = {.size = sizeof(options),
                                      .list = list,
                                      .neurons = NEURONS,
                                      .settings = "projector,all",
                                      .cross = "all",
                                      .seeds = 2,
                                      .tokens = 1};
    mmn_result *evaluation;
    mmn_status status = mmn_eval(&evaluation, model, &options, problem);
    return print(evaluation, status, table, json, problem);
}

static mmn_status run_perturb(char **table, char **json, mmn_error *problem)
{
    const mmn_perturb_options options = {.size = sizeof(options),
                                         .list = list,
                                         .neurons = NEURONS,
                                         .settings = "projector,all",
                                         .seeds = 2};
    mmn_result *perturbation;
    mmn_status status = mmn_perturb(&perturbation, model, &options, problem);
    return print(perturbation, status, table, json, problem);
}

static mmn_status run_lens(char **table, char **json, mmn_error *problem)
{
    const mmn_lens_options options = {.size = sizeof(options),
                                      .list = list,
                                      .stages = "out,mid",
                                      .top = 2,
                                      .examples = 1,
                                      .positions = "last,image:2",
                                      .neuron = "vision:1:17",
                                      .neurons = NEURONS};
    mmn_result *lens;
    mmn_status status = mmn_lens_run(&lens, model, &options, problem);
    return print(lens, status, table, json, problem);
}

#define RECORDINGS MMN_SOURCE_DIR "/tests/study/data/encode-roles/"

static mmn_status run_encode(char **table, char **json, mmn_error *problem)
{
    const char *const features[] = {"vision=" RECORDINGS "vision.safetensors",
                                    "multimodal=" RECORDINGS "multimodal.safetensors"};
    const char *const roles[] = {"vision=vision", "multimodal=multimodal"};
    const char *const joins[] = {"joined=vision+multimodal"};
    const mmn_encode_options options = {.size = sizeof(options),
                                        .responses = RECORDINGS "responses.safetensors",
                                        .features = features,
                                        .feature_count = 2,
                                        .roles = roles,
                                        .role_count = 2,
                                        .joins = joins,
                                        .join_count = 1,
                                        .draws = 1,
                                        .threads = 1};
    mmn_result *result;
    mmn_status status = mmn_encode(&result, &options, problem);
    return print(result, status, table, json, problem);
}

static mmn_status run_contributions(char **table, char **json, mmn_error *problem)
{
    const char *const images[] = {IMAGE};
    const mmn_contribution_options options = {.size = sizeof(options),
                                              .prompt = "<image>\nWhat is this?",
                                              .images = images,
                                              .image_count = 1,
                                              .tokens = 3,
                                              .all_words = 1,
                                              .product = 1,
                                              .top = 2,
                                              .names = 1,
                                              .seeds = 1};
    mmn_result *contributions;
    mmn_status status = mmn_contributions_run(&contributions, model, &options, problem);
    return print(contributions, status, table, json, problem);
}

static mmn_status run_edit(char **table, char **json, mmn_error *problem)
{
    const char *const images[] = {MMN_SOURCE_DIR "/golden/images/wide.jpg"};
    const mmn_edit_options options = {.size = sizeof(options),
                                      .prompt = "USER: <image>\nWhat is this? ASSISTANT:",
                                      .images = images,
                                      .image_count = 1,
                                      .tokens = 4,
                                      .from = "shal",
                                      .to = "in",
                                      .top = 3,
                                      .output = edited};
    mmn_result *result;
    mmn_status status = mmn_edit(&result, model, &options, problem);
    return print(result, status, table, json, problem);
}

static mmn_status run_locate(char **table, char **json, mmn_error *problem)
{
    const mmn_locate_options options = {.size = sizeof(options),
                                        .alignment = MMN_SOURCE_DIR
                                        "/golden/joint/gelu.safetensors",
                                        .image = IMAGE,
                                        .prompt = "<image> Who?",
                                        .word = "cat",
                                        .from = "cat",
                                        .to = "cup",
                                        .tokens = 1};
    mmn_result *result;
    mmn_status status = mmn_locate(&result, detector, model, &options, problem);
    return print(result, status, table, json, problem);
}

static mmn_status run_hallucinations(char **table, char **json, mmn_error *problem)
{
    const mmn_hallucinations_options options = {.size = sizeof(options),
                                                .list = list,
                                                .detector = detector,
                                                .alignment = MMN_SOURCE_DIR
                                                "/golden/joint/gelu.safetensors",
                                                .tokens = 1};
    mmn_result *result;
    mmn_status status = mmn_hallucinations_run(&result, model, &options, problem);
    return print(result, status, table, json, problem);
}

#define WIDE MMN_SOURCE_DIR "/golden/images/wide.jpg"

/* Of the list below; in both ways, with all neurons of a layer too. */
static mmn_status run_edits(char **table, char **json, mmn_error *problem)
{
    const mmn_edits_options options = {
        .size = sizeof(options), .list = list, .tokens = 4, .top = 3, .steps = 1};
    mmn_result *result;
    mmn_status status = mmn_edits_run(&result, model, &options, problem);
    return print(result, status, table, json, problem);
}

static mmn_status run_attribution(char **table, char **json, mmn_error *problem)
{
    const mmn_contribution_options options = {.size = sizeof(options),
                                              .list = list,
                                              .samples = 1,
                                              .tokens = 2,
                                              .all_words = 1,
                                              .top = 2,
                                              .names = 1,
                                              .shuffles = 1,
                                              .gradient = 1};
    mmn_result *result;
    mmn_status status = mmn_contributions_run(&result, model, &options, problem);
    return print(result, status, table, json, problem);
}

static mmn_status run_contribution_list(char **table, char **json, mmn_error *problem)
{
    const mmn_contribution_options options = {.size = sizeof(options),
                                              .list = list,
                                              .samples = 1,
                                              .tokens = 2,
                                              .all_words = 1,
                                              .top = 2,
                                              .names = 1,
                                              .seeds = 1,
                                              .shuffles = 1,
                                              .at_least = 2,
                                              .weight_noise = 0.5};
    mmn_result *contributions;
    mmn_status status = mmn_contributions_run(&contributions, model, &options, problem);
    return print(contributions, status, table, json, problem);
}

/* One run in which this allocation fails; 0: none. */
static mmn_status run_with(run_function run, unsigned long number)
{
    char *table = NULL, *json = NULL;
    error = (mmn_error){0};
    fail_allocation_at(number);
    mmn_status status = run(&table, &json, &error);
    fail_allocation_at(0);
    if (status == MMN_OK) {
        cr_assert(table && json);
    } else {
        cr_assert_eq(status, MMN_SYSTEM, "allocation %lu: %s", number, error.message);
        cr_assert_neq(strstr(error.message, "memory"), NULL, "allocation %lu: %s", number,
                      error.message);
    }
    mmn_release(table);
    mmn_release(json);
    return status;
}

/* The first allocations one by one, later ones in growing steps. After the first run that succeeds
 * all must: one that fails shows that the success had hidden a lack of memory. */
static void run_out(run_function run)
{
    unsigned long last = 0, number = 1;
    while (number < MOST_ALLOCATIONS && run_with(run, number) != MMN_OK) {
        last = number;
        number += 1 + number / 16;
    }
    cr_assert_lt(number, MOST_ALLOCATIONS);
    cr_assert_gt(last, 100);
    for (unsigned long more = number; more < 4 * number; more += 1 + more / 4)
        cr_assert_eq(run_with(run, more), MMN_OK, "allocation %lu, but not %lu: %s", more, number,
                     error.message);
    cr_assert_eq(run_with(run, 0), MMN_OK, "%s", error.message);
}

Test(neurons_out_of_memory, evaluating)
{
    run_out(run_eval);
}

Test(neurons_out_of_memory, perturbing)
{
    run_out(run_perturb);
}

Test(neurons_out_of_memory, reading_layers)
{
    run_out(run_lens);
}

Test(neurons_out_of_memory, predicting_recordings)
{
    run_out(run_encode);
}

Test(neurons_out_of_memory, finding_contributions)
{
    run_out(run_contributions);
}

Test(neurons_out_of_memory, editing)
{
    run_out(run_edit);
    unlink(edited);
}

Test(neurons_out_of_memory, locating)
{
    MMN_NEEDS("owlvit-bf16");
    cr_assert_eq(
        mmn_model_open(&detector, MMN_SOURCE_DIR "/golden/checkpoints/owlvit-bf16", NULL, &error),
        MMN_OK, "%s", error.message);
    run_out(run_locate);
    mmn_model_close(detector);
}

static const char objects[] = "{\"domain\": \"a\", \"image\": \"" IMAGE
                              "\", \"objects\": [\"cat\", \"dog\"]}\n";

Test(neurons_out_of_memory, asking_what_is_there)
{
    MMN_NEEDS("owlvit-bf16");
    cr_assert_eq(mmn_write_file(list, objects, strlen(objects), &error), MMN_OK);
    cr_assert_eq(
        mmn_model_open(&detector, MMN_SOURCE_DIR "/golden/checkpoints/owlvit-bf16", NULL, &error),
        MMN_OK, "%s", error.message);
    run_out(run_hallucinations);
    mmn_model_close(detector);
}

static const char edits[] =
    "{\"domain\": \"a\", \"image\": \"" WIDE
    "\", \"prompt\": \"USER: <image>\\nWhat is this? ASSISTANT:\", "
    "\"from\": \"shal\", \"to\": \"in\", \"general\": [{}], \"local\": [{}]}\n";

Test(neurons_out_of_memory, editing_a_list)
{
    cr_assert_eq(mmn_write_file(list, edits, strlen(edits), &error), MMN_OK);
    run_out(run_edits);
}

Test(neurons_out_of_memory, attributing_a_list)
{
    cr_assert_eq(mmn_write_file(list, edits, strlen(edits), &error), MMN_OK);
    run_out(run_attribution);
}

Test(neurons_out_of_memory, finding_contributions_over_a_list)
{
    run_out(run_contribution_list);
}

/* A batch that finds no memory is tried again sample by sample, so that a run may still succeed:
 * then nothing is missing. That bad samples are to be left out does not make these bad. */
Test(neurons_out_of_memory, counting)
{
    char output[] = "/tmp/mmneuron-memory-counts-XXXXXX", state[sizeof(output) + 6];
    int descriptor = mkstemp(output);
    cr_assert_geq(descriptor, 0);
    close(descriptor);
    snprintf(state, sizeof(state), "%s.state", output);
    const mmn_count_options options = {
        .size = sizeof(options), .list = list, .output = output, .skip_bad = 1};
    size_t failures = 0;
    for (unsigned long number = 1; number < 4000; number += 1 + number / 16) {
        mmn_count_summary summary = {0};
        unlink(state);
        fail_allocation_at(number);
        mmn_status status = mmn_count(model, &options, &summary, &error);
        fail_allocation_at(0);
        failures += status == MMN_SYSTEM;
        if (status == MMN_OK)
            cr_assert(summary.samples == 2 && summary.skipped == 0, "allocation %lu", number);
        else
            cr_assert_eq(status, MMN_SYSTEM, "allocation %lu: %s", number, error.message);
    }
    cr_assert_gt(failures, 20);
    unlink(output);
    unlink(state);
}
