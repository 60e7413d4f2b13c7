/* Counting with the golden checkpoints: right numbers, and the same bytes however a run is cut. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "format/safetensors.h"
#include "mmneuron.h"
#include "count/counts.h"
#include "tests/tools/failing_allocator.h"
#include "tests/tools/same_bytes.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-v1.6-mistral"
#define IMAGES MMN_SOURCE_DIR "/golden/images/"

enum { LIST, ONE_RUN, OTHER, SHARD, DUMP = SHARD + 3, PATHS };

static char folder[64], paths[PATHS][96];
static mmn_error error;
static mmn_model *model;

static const char list_text[] =
    "{\"domain\": \"medical\", \"image\": \"" IMAGES "retina.jpg\", \"question\": \"What?\"}\n"
    "{\"domain\": \"documents\", \"image\": \"" IMAGES "tall.jpg\", \"question\": \"Which?\"}\n"
    "\n"
    "{\"domain\": \"medical\", \"image\": \"" IMAGES "square.jpg\", \"question\": \"Why?\"}\n"
    "{\"domain\": \"documents\", \"prompt\": \"no image at all\"}\n"
    "{\"domain\": \"medical\", \"image\": \"" IMAGES "grey.jpg\", \"prompt\": \"a <image> b\"}\n"
    "{\"domain\": \"documents\", \"image\": \"" IMAGES "wide.jpg\", \"question\": \"Who?\"}\n";

static void write_text(int path, const char *text)
{
    cr_assert_eq(mmn_write_file(paths[path], text, strlen(text), NULL), MMN_OK);
}

static void set_up(void)
{
    static const char *const names[PATHS] = {"list.jsonl", "one", "other", "1", "2", "3", "dump"};
    snprintf(folder, sizeof(folder), "/tmp/mmneuron-count-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    for (int i = 0; i < PATHS; i++)
        snprintf(paths[i], sizeof(paths[i]), "%s/%s", folder, names[i]);
    write_text(LIST, list_text);
    cr_assert_eq(mmn_model_open(&model, MODEL, NULL, &error), MMN_OK, "%s", error.message);
}

static void tear_down(void)
{
    mmn_model_close(model);
    for (int i = 0; i < PATHS; i++)
        unlink(paths[i]);
    cr_assert_eq(rmdir(folder), 0, "something is left in %s", folder);
}

TestSuite(count, .init = set_up, .fini = tear_down);

static mmn_count_options options_for(int output)
{
    return (mmn_count_options){
        .size = sizeof(mmn_count_options), .list = paths[LIST], .output = paths[output]};
}

static void count_ok(const mmn_count_options *options)
{
    cr_assert_eq(mmn_count(model, options, NULL, &error), MMN_OK, "%s %s: %s", error.file,
                 error.where, error.message);
}

/* Adds what a dump has of one layer to expected [3][neurons]: active positions, sums, and active
 * image positions. */
static void add_layer(int64_t *expected, const mmn_safetensors *dump, const char *name,
                      const mmn_input *input)
{
    const mmn_tensor *tensor = mmn_safetensors_find(dump, name);
    cr_assert_not_null(tensor, "%s", name);
    size_t neurons = tensor->shape[tensor->dimensions - 1], count = mmn_tensor_elements(tensor);
    for (size_t i = 0; i < count; i++) {
        double value = mmn_load_f32(tensor->data + 4 * i);
        expected[i % neurons] += value > 0;
        /* Adding and taking away 1.5 * 2^52 rounds to a whole number, ties to even. */
        volatile double shifted = value * 1048576 + 6755399441055744.0;
        expected[neurons + i % neurons] += (int64_t)(shifted - 6755399441055744.0);
        if (input)
            expected[2 * neurons + i % neurons] += value > 0 &&
                                                   mmn_input_is_image(input, i / neurons);
    }
}

static void check_field(const mmn_count_cell *cell, mmn_count_field field, size_t layer,
                        const int64_t *expected, size_t neurons)
{
    for (size_t n = 0; n < neurons; n++)
        cr_assert_eq(cell->fields[field][layer * neurons + n], expected[n],
                     "%s, layer %zu, neuron %zu", mmn_field_name(field), layer, n);
}

/* One sample's counts against those made of its dump, value by value. */
Test(count, agrees_with_the_dumped_activations)
{
    const char *image = IMAGES "wide.jpg";
    mmn_input *input;
    cr_assert_eq(mmn_input_from_prompt(&input, model, "<image>\nWho?", &image, 1, &error), MMN_OK);
    const mmn_dump_options dump_options = {.size = sizeof(dump_options), .stages = "*.act"};
    cr_assert_eq(mmn_dump(model, input, &dump_options, paths[DUMP], &error), MMN_OK);
    write_text(LIST, "{\"domain\": \"d\", \"image\": \"" IMAGES "wide.jpg\","
                     " \"question\": \"Who?\"}\n");
    const mmn_count_options options = options_for(ONE_RUN);
    count_ok(&options);

    mmn_counts *counts;
    mmn_safetensors *dump;
    cr_assert_eq(mmn_counts_read(&counts, paths[ONE_RUN], &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_safetensors_open(&dump, paths[DUMP], &error), MMN_OK);
    cr_assert_eq(counts->module_count, 3);
    for (size_t m = 0; m < counts->module_count; m++) {
        const mmn_counted_module *module = &counts->modules[m];
        const mmn_count_cell *cell = &counts->domains[0].cells[m];
        bool language = strcmp(module->name, "language") == 0;
        for (uint32_t layer = 0; layer < module->layers; layer++) {
            char name[64];
            if (strcmp(module->name, "projector") == 0)
                snprintf(name, sizeof(name), "projector.act");
            else
                snprintf(name, sizeof(name), "%s.layers.%u.mlp.act", module->name, layer);
            int64_t *expected = calloc((size_t)3 * module->neurons, sizeof(*expected));
            add_layer(expected, dump, name, language ? input : NULL);
            check_field(cell, MMN_FIELD_COUNT, layer, expected, module->neurons);
            check_field(cell, MMN_FIELD_SUM, layer, expected + module->neurons, module->neurons);
            if (language)
                check_field(cell, MMN_FIELD_IMAGE_COUNT, layer, expected + 2 * module->neurons,
                            module->neurons);
            free(expected);
        }
        if (language) {
            cr_assert_eq(cell->fields[MMN_FIELD_TOKENS][0], (int64_t)mmn_input_length(input));
            cr_assert_eq(cell->fields[MMN_FIELD_IMAGE_TOKENS][0],
                         (int64_t)mmn_input_image_positions(input));
        }
    }
    mmn_safetensors_close(dump);
    mmn_counts_free(counts);
    mmn_input_free(input);
}

/* Counts with `options` in one run to ONE_RUN, and in three shards that are merged to OTHER. */
static void check_shards(mmn_count_options options)
{
    const char *files[3];
    options.output = paths[ONE_RUN];
    count_ok(&options);
    options.shards = 3;
    for (int shard = 0; shard < 3; shard++) {
        options.shard = (uint32_t)shard + 1;
        options.output = files[shard] = paths[SHARD + shard];
        count_ok(&options);
    }
    cr_assert_eq(mmn_counts_merge(files, 3, paths[OTHER], &error), MMN_OK, "%s", error.message);
    check_same_bytes(paths[ONE_RUN], paths[OTHER]);
}

Test(count, of_three_shards_is_that_of_one_run)
{
    check_shards((mmn_count_options){.size = sizeof(mmn_count_options), .list = paths[LIST]});
    check_shards((mmn_count_options){.size = sizeof(mmn_count_options),
                                     .list = paths[LIST],
                                     .samples = 2,
                                     .modules = "language"});
    check_shards((mmn_count_options){
        .size = sizeof(mmn_count_options), .list = paths[LIST], .positions = 60});
    check_shards((mmn_count_options){.size = sizeof(mmn_count_options),
                                     .list = paths[LIST],
                                     .positions = 40,
                                     .positions_module = "language"});
}

Test(count, with_bad_samples_is_the_same_in_shards)
{
    write_text(LIST, "{\"domain\": \"a\", \"prompt\": \"one\"}\n"
                     "{\"domain\": \"a\", \"image\": \"none.jpg\", \"question\": \"two\"}\n"
                     "this is no JSON\n"
                     "{\"domain\": \"a\", \"prompt\": \"three <image>\"}\n"
                     "{\"domain\": \"a\", \"prompt\": \"four\"}\n");
    mmn_count_options options = {.size = sizeof(options), .list = paths[LIST], .skip_bad = 1};
    check_shards(options);
    mmn_counts *counts;
    cr_assert_eq(mmn_counts_read(&counts, paths[ONE_RUN], &error), MMN_OK);
    cr_assert_eq(counts->skipped_count, 3);
    cr_assert_eq(counts->skipped[0], 2);
    cr_assert_eq(counts->skipped[1], 3);
    cr_assert_eq(counts->skipped[2], 4);
    cr_assert_eq(mmn_counts_samples(counts), 2);
    mmn_counts_free(counts);
    options.positions = 1000;
    options.positions_module = "language";
    check_shards(options);
}

/* Samples with the same images and beginnings, with others, and bad ones between them. */
static const char batches_text[] =
    "{\"domain\": \"a\", \"image\": \"" IMAGES "wide.jpg\", \"question\": \"What is it?\"}\n"
    "{\"domain\": \"b\", \"image\": \"" IMAGES "wide.jpg\", \"question\": \"Where is it?\"}\n"
    "{\"domain\": \"a\", \"image\": \"" IMAGES "tall.jpg\", \"question\": \"What is it?\"}\n"
    "{\"domain\": \"a\", \"image\": \"" IMAGES "wide.jpg\", \"question\": \"What is it?\"}\n"
    "{\"domain\": \"a\", \"image\": \"none.jpg\", \"question\": \"two\"}\n"
    "{\"domain\": \"c\", \"prompt\": \"A text, and nothing else\"}\n"
    "{\"domain\": \"c\", \"prompt\": \"A text, and nothing\"}\n"
    "{\"domain\": \"b\", \"image\": \"" IMAGES "wide.jpg\", \"question\": \"Where?\"}\n"
    "this is no JSON\n"
    "{\"domain\": \"b\", \"image\": \"" IMAGES "grey.jpg\", \"question\": \"Where?\"}\n"
    "{\"domain\": \"b\", \"image\": \"" IMAGES "grey.jpg\", \"question\": \"Who?\"}\n";

Test(count, of_samples_together_is_that_of_each_alone)
{
    static const uint32_t batches[] = {2, 3, 5, 100, 0};
    write_text(LIST, batches_text);
    mmn_count_options options = options_for(ONE_RUN);
    options.skip_bad = 1;
    for (uint64_t positions = 0; positions <= 200; positions += 100) {
        options.output = paths[ONE_RUN];
        options.positions = positions;
        options.batch = 1;
        count_ok(&options);
        options.output = paths[OTHER];
        for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
            options.batch = batches[i];
            count_ok(&options);
            check_same_bytes(paths[ONE_RUN], paths[OTHER]);
        }
        options.batch = 0;
        check_shards(options);
    }
}

Test(count, goes_on_with_another_batch)
{
    write_text(LIST, batches_text);
    mmn_count_options options = options_for(ONE_RUN);
    options.skip_bad = 1;
    options.batch = 1;
    count_ok(&options);
    options.output = paths[OTHER];
    options.stop_after = 4;
    for (uint32_t batch = 3; batch > 0; batch--) {
        options.batch = batch;
        mmn_count_summary summary;
        mmn_status status = mmn_count(model, &options, &summary, &error);
        cr_assert_eq(status, batch > 1 ? MMN_INTERRUPTED : MMN_OK, "%s", error.message);
        cr_assert_eq(summary.samples, batch > 1 ? 4 * (4 - batch) : 9);
    }
    check_same_bytes(paths[ONE_RUN], paths[OTHER]);
}

/* A batch for which memory is short is run sample by sample, and whatever then fails leaves a state
 * from which the run ends with the same bytes. */
Test(count, where_memory_is_short_ends_with_the_same_bytes)
{
    mmn_count_options options = options_for(ONE_RUN);
    options.batch = 1;
    count_ok(&options);
    options.output = paths[OTHER];
    options.batch = 3;
    unsigned failures = 0, runs = 0;
    for (unsigned long number = 1; number < 600; number += 13, runs++) {
        fail_allocation_at(number);
        mmn_status status = mmn_count(model, &options, NULL, &error);
        fail_allocation_at(0);
        if (status != MMN_OK) {
            failures++;
            count_ok(&options);
        }
        check_same_bytes(paths[ONE_RUN], paths[OTHER]);
    }
    cr_assert_gt(failures, 0);
    cr_assert_gt(runs, failures);
}

static int stop_at_once(void *context, const mmn_progress *progress)
{
    unsigned *left = context;
    cr_assert_leq(progress->done, progress->total);
    cr_assert_leq(progress->already, progress->done);
    return (*left)-- == 0;
}

/* Interrupted at every call of the progress function in turn, hence within samples too, and taken
 * up again each time. */
Test(count, interrupted_ends_with_the_same_bytes)
{
    mmn_count_options options = options_for(ONE_RUN);
    count_ok(&options);
    unsigned interruptions = 0;
    options.output = paths[OTHER];
    for (unsigned patience = 0;; patience++) {
        unsigned left = patience;
        options.progress = stop_at_once;
        options.progress_context = &left;
        mmn_status status = mmn_count(model, &options, NULL, &error);
        if (status == MMN_OK)
            break;
        cr_assert_eq(status, MMN_INTERRUPTED, "%s", error.message);
        cr_assert_neq(access(paths[OTHER], F_OK), 0);
        interruptions++;
    }
    cr_assert_gt(interruptions, 6);
    check_same_bytes(paths[ONE_RUN], paths[OTHER]);
}

Test(count, stopped_after_each_sample_ends_with_the_same_bytes)
{
    mmn_count_options options = options_for(ONE_RUN);
    options.positions = 100;
    count_ok(&options);
    options.output = paths[OTHER];
    options.stop_after = 1;
    mmn_count_summary summary;
    mmn_status status = MMN_INTERRUPTED;
    for (uint64_t runs = 0; status != MMN_OK; runs++) {
        cr_assert_lt(runs, 10);
        status = mmn_count(model, &options, &summary, &error);
        cr_assert(status == MMN_OK || status == MMN_INTERRUPTED, "%s", error.message);
        cr_assert_eq(summary.resumed, runs);
        cr_assert_eq(summary.samples, runs + 1);
    }
    check_same_bytes(paths[ONE_RUN], paths[OTHER]);
}

static void check_not_resumed(const mmn_count_options *options, const char *part)
{
    cr_assert_eq(mmn_count(model, options, NULL, &error), MMN_INPUT);
    cr_assert_not_null(strstr(error.message, part), "%s", error.message);
    cr_assert_not_null(strstr(error.message, "remove"), "%s", error.message);
    cr_assert_neq(access(paths[OTHER], F_OK), 0);
}

Test(count, does_not_resume_another_run)
{
    mmn_count_options options = options_for(OTHER);
    options.stop_after = 1;
    cr_assert_eq(mmn_count(model, &options, NULL, &error), MMN_INTERRUPTED);
    mmn_count_options other = options;
    other.samples = 1;
    check_not_resumed(&other, "settings");
    other = options;
    other.modules = "language,vision";
    check_not_resumed(&other, "modules");
    other = options;
    other.shard = 1;
    other.shards = 2;
    check_not_resumed(&other, "shard");
    write_text(LIST, "{\"domain\": \"medical\", \"prompt\": \"changed\"}\n");
    check_not_resumed(&options, "list");
    char state[128];
    snprintf(state, sizeof(state), "%s.state", paths[OTHER]);
    cr_assert_eq(mmn_write_file(state, "rubbish", 7, NULL), MMN_OK);
    check_not_resumed(&options, "");
    cr_assert_eq(unlink(state), 0);
}

/* Makes a folder of the output's name while the run is at work: in the end it cannot be written. */
static int spoil(void *context, const mmn_progress *progress)
{
    (void)progress;
    mkdir(context, (mode_t)0777);
    return 0;
}

/* Counts that cannot be written in the end are written elsewhere, and the sentence says where. */
Test(count, are_not_lost_when_they_cannot_be_written)
{
    const mmn_count_options plain = options_for(ONE_RUN);
    count_ok(&plain);
    mmn_count_options options = options_for(OTHER);
    options.progress = spoil;
    options.progress_context = paths[OTHER];
    cr_assert_eq(setenv("TMPDIR", folder, 1), 0);
    cr_assert_eq(mmn_count(model, &options, NULL, &error), MMN_SYSTEM);
    cr_assert_str_eq(error.file, paths[OTHER]);
    const char *place = strstr(error.message, "the result is in ");
    cr_assert(place, "%s", error.message);
    char file[200];
    cr_assert_eq(sscanf(place, "the result is in %199s instead", file), 1);
    cr_assert_eq(strncmp(file, folder, strlen(folder)), 0, "%s", file);
    check_same_bytes(file, paths[ONE_RUN]);
    cr_assert_eq(unlink(file), 0);
    *strrchr(file, '/') = '\0';
    cr_assert_eq(rmdir(file), 0);
    cr_assert_eq(rmdir(paths[OTHER]), 0);
    /* The state has everything, so that the same command ends at once where there is room. */
    options.progress = NULL;
    mmn_count_summary summary;
    cr_assert_eq(mmn_count(model, &options, &summary, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(summary.resumed, summary.samples);
    check_same_bytes(paths[OTHER], paths[ONE_RUN]);
}

static void check_bad(const char *text, const char *line, const char *part)
{
    write_text(LIST, text);
    const mmn_count_options options = options_for(OTHER);
    cr_assert_eq(mmn_count(model, &options, NULL, &error), MMN_INPUT);
    cr_assert_str_eq(error.file, paths[LIST]);
    cr_assert_not_null(strstr(error.where, line), "%s", error.where);
    cr_assert_not_null(strstr(error.message, part), "%s", error.message);
    cr_assert_neq(access(paths[OTHER], F_OK), 0);
}

Test(count, names_the_line_of_a_bad_sample)
{
    check_bad("\n{\"domain\": \"a\", \"image\": \"none.jpg\", \"question\": \"?\"}\n", "line 2",
              "none.jpg");
    check_bad("{\"domain\": \"a\", \"image\": \"list.jsonl\", \"question\": \"?\"}\n", "line 1",
              "list.jsonl");
    check_bad("{\"domain\": \"a\", \"prompt\": \"<image>\"}\n", "line 1", "");
    check_bad("{\"domain\": \"a\"", "line 1", "");
    check_bad("\n\n", "", "no samples");
}
