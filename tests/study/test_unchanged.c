/* What is certified, was used: a list or weights that are edited, replaced or removed while a run
 * goes on end it with an error that names the file, and leave no result and no state of it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "mmneuron.h"
#include "tests/tools/same_bytes.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5"
#define NEURONS MMN_SOURCE_DIR "/tests/mask/data/masked.json"
#define SHARD "model-00002-of-00003.safetensors"

static char folder[64], weights[160], list[160], texts[160], output[160], state[170];
static mmn_error error;
static mmn_model *model;

static void run_command(const char *format, const char *a, const char *b)
{
    char command[512];
    snprintf(command, sizeof command, format, a, b);
    cr_assert_eq(system(command), 0, "%s", command);
}

static void write_text(const char *path, const char *text)
{
    cr_assert_eq(mmn_write_file(path, text, strlen(text), NULL), MMN_OK);
}

static void open_model(void)
{
    mmn_model_close(model);
    /* Changes within a tick of the file system's clock would have one time. */
    usleep(50000);
    cr_assert_eq(mmn_model_open(&model, folder, NULL, &error), MMN_OK, "%s", error.message);
}

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/mmneuron-unchanged-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    run_command("cp %s/* %s/ && chmod -R u+w %2$s", MODEL, folder);
    snprintf(weights, sizeof weights, "%s/%s", folder, SHARD);
    snprintf(list, sizeof list, "%s/list.jsonl", folder);
    snprintf(texts, sizeof texts, "%s/texts.jsonl", folder);
    snprintf(output, sizeof output, "%s/output", folder);
    snprintf(state, sizeof state, "%s.state", output);
    write_text(list,
               "{\"domain\": \"medical\", \"question\": \"Which organ?\", \"answers\": [\"a\"]}\n"
               "{\"domain\": \"documents\", \"question\": \"Who is it?\", \"answers\": [\"b\"]}\n"
               "{\"domain\": \"medical\", \"question\": \"Is it well?\", \"answers\": [\"c\"]}\n");
    write_text(texts,
               "{\"domain\": \"en\", \"text\": \"The cat sat on the mat, and it was well.\"}\n");
    open_model();
}

static void tear_down(void)
{
    mmn_model_close(model);
    run_command("rm -rf %s%s", folder, "");
}

TestSuite(unchanged, .init = set_up, .fini = tear_down);

/* ---- What is done to files ------------------------------------------------------------------- */

/* Changes one byte in place. */
static void edit(const char *path)
{
    FILE *file = fopen(path, "r+b");
    cr_assert_not_null(file);
    cr_assert_eq(fseek(file, -5, SEEK_END), 0);
    int byte = fgetc(file);
    cr_assert_eq(fseek(file, -5, SEEK_END), 0);
    cr_assert_eq(fputc(byte ^ 1, file), byte ^ 1);
    cr_assert_eq(fclose(file), 0);
}

static void replace(const char *path)
{
    run_command("cp -p %s %1$s.new && mv %1$s.new %1$s%s", path, "");
}

static void lengthen(const char *path)
{
    run_command("echo >> %s%s", path, "");
}

static void take_away(const char *path)
{
    cr_assert_eq(unlink(path), 0);
}

static const struct {
    void (*change)(const char *path);
    const char *message;
} changes[] = {{edit, "was written to"},
               {replace, "was replaced"},
               {lengthen, "changed its size"},
               {take_away, "was removed"}};
enum { CHANGES = sizeof changes / sizeof changes[0] };

/* The change that the next progress report makes, and to what; NULL: none. */
static void (*pending)(const char *path);
static const char *victim;

static int change_once(void *context, const mmn_progress *progress)
{
    (void)context;
    (void)progress;
    if (pending)
        pending(victim);
    pending = NULL;
    return 0;
}

/* ---- The runs -------------------------------------------------------------------------------- */

static mmn_status count_neurons(void)
{
    const mmn_count_options options = {.size = sizeof(options),
                                       .list = list,
                                       .output = output,
                                       .batch = 1,
                                       .progress = change_once};
    return mmn_count(model, &options, NULL, &error);
}

static mmn_status evaluate(void)
{
    const mmn_eval_options options = {
        .size = sizeof(options), .list = list, .tokens = 2, .progress = change_once};
    mmn_result *evaluation;
    mmn_status status = mmn_eval(&evaluation, model, &options, &error);
    mmn_result_free(evaluation);
    return status;
}

static mmn_status measure_perplexity(void)
{
    const mmn_perplexity_options options = {
        .size = sizeof(options), .list = texts, .progress = change_once};
    mmn_result *perplexity;
    mmn_status status = mmn_perplexity_measure(&perplexity, model, &options, &error);
    mmn_result_free(perplexity);
    return status;
}

static mmn_status perturb(void)
{
    const mmn_perturb_options options = {.size = sizeof(options),
                                         .list = list,
                                         .neurons = NEURONS,
                                         .seeds = 1,
                                         .progress = change_once};
    mmn_result *perturbation;
    mmn_status status = mmn_perturb(&perturbation, model, &options, &error);
    mmn_result_free(perturbation);
    return status;
}

static mmn_status look_through_lens(void)
{
    const mmn_lens_options options = {
        .size = sizeof(options), .list = list, .progress = change_once};
    mmn_result *lens;
    mmn_status status = mmn_lens_run(&lens, model, &options, &error);
    mmn_result_free(lens);
    return status;
}

static mmn_status find_contributions(void)
{
    const mmn_contribution_options options = {.size = sizeof(options),
                                              .prompt = "What?",
                                              .tokens = 2,
                                              .all_words = 1,
                                              .progress = change_once};
    mmn_result *contributions;
    mmn_status status = mmn_contributions_run(&contributions, model, &options, &error);
    mmn_result_free(contributions);
    return status;
}

static mmn_status dump(void)
{
    const mmn_dump_options options = {.size = sizeof(options), .stages = "language.norm"};
    mmn_input *input;
    cr_assert_eq(mmn_input_from_ids(&input, model, (const int32_t[]){1, 5, 7}, 3, &error), MMN_OK);
    change_once(NULL, NULL);
    mmn_status status = mmn_dump(model, input, &options, output, &error);
    mmn_input_free(input);
    return status;
}

static mmn_status digest(void)
{
    char text[33];
    change_once(NULL, NULL);
    return mmn_model_digest(model, text, &error);
}

static void check_refused(mmn_status (*run)(void), const char *path, size_t change)
{
    pending = changes[change].change;
    victim = path;
    error = (mmn_error){0};
    cr_assert_eq(run(), MMN_INPUT, "%s: %s", changes[change].message, error.message);
    cr_assert_null(pending);
    cr_assert_str_eq(error.file, path);
    cr_assert(strstr(error.message, changes[change].message), "%s", error.message);
    cr_assert_neq(access(output, F_OK), 0);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

Test(unchanged, weights_are_asked_for_by_every_run)
{
    static mmn_status (*const runs[])(void) = {
        count_neurons, evaluate, measure_perplexity, perturb, look_through_lens, find_contributions,
        dump,          digest};
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        check_refused(runs[i], weights, i % CHANGES);
        cr_assert_neq(access(state, F_OK), 0, "a state of weights that have changed");
        run_command("cp " MODEL "/" SHARD " %s/ && chmod u+w %1$s/*%s", folder, "");
        open_model();
        if (runs[i] != find_contributions) /* whose answer may have no word */
            cr_assert_eq(runs[i](), MMN_OK, "%zu: %s", i, error.message);
        remove(output);
    }
}

Test(unchanged, lists_are_asked_for_by_every_run)
{
    static mmn_status (*const runs[])(void) = {evaluate, measure_perplexity, perturb,
                                               look_through_lens};
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        check_refused(runs[i], runs[i] == measure_perplexity ? texts : list, i % CHANGES);
        tear_down();
        model = NULL;
        set_up();
    }
}

/* The list was read whole: with the list as it was, the run's state is good. */
Test(unchanged, a_count_goes_on_when_its_list_is_put_back)
{
    char whole[200], kept[200];
    snprintf(whole, sizeof whole, "%s/whole", folder);
    snprintf(kept, sizeof kept, "%s/kept", folder);
    cr_assert_eq(count_neurons(), MMN_OK, "%s", error.message);
    cr_assert_eq(rename(output, whole), 0);
    for (size_t change = 0; change < CHANGES; change++) {
        run_command("cp %s %s", list, kept);
        usleep(50000);
        check_refused(count_neurons, list, change);
        cr_assert_eq(access(state, F_OK), 0);
        cr_assert_eq(rename(kept, list), 0);
        cr_assert_eq(count_neurons(), MMN_OK, "%s", error.message);
        check_same_bytes(whole, output);
        remove(output);
    }
}
