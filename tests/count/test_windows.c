/* Counting texts: windows of tokens that the test cuts itself, the same bytes however a run is cut,
 * and as many language neurons as LAPE selects. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "mmneuron.h"
#include "count/counts.h"
#include "tests/tools/failing_allocator.h"
#include "tests/tools/same_bytes.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llama-2"

enum { LIST, FILE_TEXT, ONE_RUN, OTHER, SHARD, PATHS = SHARD + 3, WINDOW = 11, LAYERS = 2 };

static char folder[64], paths[PATHS][96];
static mmn_error error;
static mmn_model *model;

static const char first[] = "The cat sat on the mat and looked at the moon for a long time.";
static const char second[] = "Another text begins, and it has other words in it.";
static const char german[] = "Die Katze sa\xc3\x9f auf der Matte.\nDann ging sie fort, und niemand "
                             "wei\xc3\x9f, wohin sie ging.\n";

static void write_text(int path, const char *text)
{
    cr_assert_eq(mmn_write_file(paths[path], text, strlen(text), NULL), MMN_OK);
}

static void write_list(void)
{
    char list[1000];
    snprintf(list, sizeof list,
             "{\"domain\": \"en\", \"text\": \"%s\"}\n"
             "{\"domain\": \"de\", \"text_file\": \"german.txt\"}\n"
             "{\"domain\": \"en\", \"text\": \"%s\"}\n",
             first, second);
    write_text(LIST, list);
}

static void set_up(void)
{
    static const char *const names[PATHS] = {"list.jsonl", "german.txt", "one", "other",
                                             "1",          "2",          "3"};
    snprintf(folder, sizeof folder, "/tmp/mmneuron-windows-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    for (int i = 0; i < PATHS; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    write_text(FILE_TEXT, german);
    write_list();
    cr_assert_eq(mmn_model_open(&model, MODEL, NULL, &error), MMN_OK, "%s", error.message);
}

static void tear_down(void)
{
    char command[128];
    mmn_model_close(model);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(windows, .init = set_up, .fini = tear_down);

static mmn_count_options options_for(int output)
{
    return (mmn_count_options){.size = sizeof(mmn_count_options),
                               .list = paths[LIST],
                               .output = paths[output],
                               .window = WINDOW};
}

static void count_ok(const mmn_count_options *options)
{
    cr_assert_eq(mmn_count(model, options, NULL, &error), MMN_OK, "%s %s: %s", error.file,
                 error.where, error.message);
}

/* ---- What is counted ------------------------------------------------------------------------- */

/* Active positions [layers][neurons]. */
typedef struct active {
    int64_t *count, positions;
} active;

static mmn_status see_active(void *context, const mmn_stage *stage, mmn_error *problem)
{
    active *found = context;
    const float *values = stage->data;
    size_t neurons = stage->shape[1];
    (void)problem;
    for (size_t i = 0; i < stage->shape[0] * neurons; i++)
        found->count[(size_t)stage->layer * neurons + i % neurons] += values[i] > 0;
    found->positions += stage->layer == 0 ? (int64_t)stage->shape[0] : 0;
    return MMN_OK;
}

/* Runs the tokens of `texts`, cut into windows after `begin` (-1: nothing), one by one. */
static void run_windows(active *found, const char *const *texts, size_t count, int32_t begin)
{
    int32_t ids[500], window[WINDOW];
    size_t length = 0, head = begin >= 0;
    const mmn_probe probe = {
        .stages = "language.layers.*.mlp.act", .see = see_active, .context = found};
    for (size_t i = 0; i < count; i++) {
        int32_t *more;
        size_t tokens;
        cr_assert_eq(mmn_model_encode(model, texts[i], 0, &more, &tokens, &error), MMN_OK);
        memcpy(ids + length, more, tokens * sizeof *more);
        length += tokens;
        mmn_release(more);
    }
    cr_assert_gt(length, WINDOW);
    for (size_t at = 0; at < length; at += WINDOW - head) {
        size_t size = length - at < WINDOW - head ? length - at : WINDOW - head;
        mmn_input *input;
        mmn_session *session;
        window[0] = begin;
        memcpy(window + head, ids + at, size * sizeof *ids);
        cr_assert_eq(mmn_input_from_ids(&input, model, window, head + size, &error), MMN_OK);
        cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
        cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK);
        cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
        mmn_session_free(session);
        mmn_input_free(input);
    }
}

static void check_domain(const char *name, const char *const *texts, size_t count, int32_t begin)
{
    mmn_counts *counts;
    cr_assert_eq(mmn_counts_read(&counts, paths[ONE_RUN], &error), MMN_OK, "%s", error.message);
    cr_assert_eq(counts->module_count, 1);
    cr_assert_eq(counts->modules[0].layers, LAYERS);
    size_t values = (size_t)LAYERS * counts->modules[0].neurons;
    active found = {.count = calloc(values, sizeof *found.count)};
    run_windows(&found, texts, count, begin);
    const mmn_counted_domain *domain = &counts->domains[mmn_counts_find_domain(counts, name)];
    cr_assert_eq(domain->cells[0].fields[MMN_FIELD_TOKENS][0], found.positions);
    cr_assert_eq(
        memcmp(domain->cells[0].fields[MMN_FIELD_COUNT], found.count, values * sizeof *found.count),
        0);
    free(found.count);
    mmn_counts_free(counts);
}

Test(windows, count_every_position)
{
    mmn_count_summary summary;
    const mmn_count_options options = options_for(ONE_RUN);
    cr_assert_eq(mmn_count(model, &options, &summary, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(summary.window, WINDOW);
    check_domain("en", (const char *const[]){first, second}, 2, -1);
    check_domain("de", (const char *const[]){german}, 1, -1);
}

Test(windows, may_begin_with_a_token)
{
    mmn_count_options options = options_for(ONE_RUN);
    options.begin_of_text = 1;
    count_ok(&options);
    check_domain("en", (const char *const[]){first, second}, 2, 1);
}

/* ---- The same however it is run -------------------------------------------------------------- */

Test(windows, are_the_same_in_shards_and_steps)
{
    mmn_count_options options = options_for(ONE_RUN);
    count_ok(&options);

    const char *shards[3];
    for (uint32_t i = 0; i < 3; i++) {
        options = options_for(SHARD + (int)i);
        options.shard = i + 1;
        options.shards = 3;
        options.batch = i + 1;
        count_ok(&options);
        shards[i] = paths[SHARD + (int)i];
    }
    cr_assert_eq(mmn_counts_merge(shards, 3, paths[OTHER], &error), MMN_OK, "%s", error.message);
    check_same_bytes(paths[ONE_RUN], paths[OTHER]);

    options = options_for(OTHER);
    options.stop_after = 2;
    remove(paths[OTHER]);
    mmn_status status;
    while ((status = mmn_count(model, &options, NULL, &error)) == MMN_INTERRUPTED)
        cr_assert(access(paths[OTHER], F_OK) != 0);
    cr_assert_eq(status, MMN_OK, "%s", error.message);
    check_same_bytes(paths[ONE_RUN], paths[OTHER]);
}

/* Positions that were counted of a domain with these limits. */
static int64_t positions_of(const char *name, uint64_t samples, uint64_t positions)
{
    mmn_counts *counts;
    mmn_count_options options = options_for(ONE_RUN);
    options.samples = samples;
    options.positions = positions;
    count_ok(&options);
    cr_assert_eq(mmn_counts_read(&counts, paths[ONE_RUN], &error), MMN_OK);
    int64_t found =
        counts->domains[mmn_counts_find_domain(counts, name)].cells[0].fields[MMN_FIELD_TOKENS][0];
    mmn_counts_free(counts);
    return found;
}

Test(windows, are_limited_by_number_and_positions)
{
    cr_assert_eq(positions_of("de", 1, 0), WINDOW);
    cr_assert_eq(positions_of("en", 2, 0), 2 * WINDOW);
    cr_assert_eq(positions_of("en", 0, WINDOW + 1), 2 * WINDOW);
    cr_assert_eq(positions_of("en", 0, WINDOW), WINDOW);
}

/* What a file of texts says is in the counts, not only in the list. */
Test(windows, are_digested)
{
    mmn_count_options options = options_for(ONE_RUN);
    options.stop_after = 1;
    cr_assert_eq(mmn_count(model, &options, NULL, &error), MMN_INTERRUPTED);
    write_text(FILE_TEXT, "Die Maus sass auf der Matte.\n");
    cr_assert_eq(mmn_count(model, &options, NULL, &error), MMN_INPUT);
    cr_assert(strstr(error.message, "list ("), "%s", error.message);
    write_text(FILE_TEXT, german);
    options.window = WINDOW + 1;
    cr_assert_eq(mmn_count(model, &options, NULL, &error), MMN_INPUT);
    options.window = WINDOW;
    cr_assert_eq(mmn_count(model, &options, NULL, &error), MMN_INTERRUPTED);
}

/* ---- Ranking --------------------------------------------------------------------------------- */

static void check_selected(double rate, size_t expected)
{
    const mmn_rank_options options = {.size = sizeof(options), .rate = rate, .bar = 0.05};
    mmn_result *ranking;
    char *text;
    cr_assert_eq(mmn_rank(&ranking, paths[ONE_RUN], &options, &error), MMN_OK);
    cr_assert_eq(mmn_result_json(ranking, &text, &error), MMN_OK);
    json_t *json = json_loads(text, 0, NULL);
    json_t *module = json_object_get(json_object_get(json, "modules"), "language");
    cr_assert_eq(json_integer_value(json_object_get(module, "selected")), (json_int_t)expected,
                 "%s", text);
    json_decref(json);
    mmn_release(text);
    mmn_result_free(ranking);
}

/* round(rate x layers x neurons) of the language model's neurons. */
Test(windows, give_as_many_neurons_as_lape_selects)
{
    const mmn_count_options options = options_for(ONE_RUN);
    count_ok(&options);
    mmn_counts *counts;
    cr_assert_eq(mmn_counts_read(&counts, paths[ONE_RUN], &error), MMN_OK);
    double neurons = LAYERS * (double)counts->modules[0].neurons;
    mmn_counts_free(counts);
    static const double rates[] = {0.01, 0.03, 0.1};
    for (size_t i = 0; i < 3; i++)
        check_selected(rates[i], (size_t)(rates[i] * neurons + 0.5));
}

/* ---- What is refused ------------------------------------------------------------------------- */

static void check_refused(const mmn_count_options *options, mmn_status expected, const char *part)
{
    error = (mmn_error){0};
    cr_assert_eq(mmn_count(model, options, NULL, &error), expected, "%s: %s", part, error.message);
    cr_assert(strstr(error.message, part), "%s: %s", part, error.message);
    cr_assert(access(paths[ONE_RUN], F_OK) != 0);
}

Test(windows, refuse_what_cannot_be)
{
    mmn_count_options options = options_for(ONE_RUN);
    options.window = 4097;
    check_refused(&options, MMN_USAGE, "4096");
    options.window = 1;
    options.begin_of_text = 1;
    check_refused(&options, MMN_USAGE, "one position");
    options = options_for(ONE_RUN);
    options.skip_bad = 1;
    check_refused(&options, MMN_USAGE, "skipped");
    write_text(LIST, "{\"domain\": \"en\", \"question\": \"Who?\"}\n");
    options.skip_bad = 0;
    check_refused(&options, MMN_USAGE, "no texts");
    write_list();

    write_text(FILE_TEXT, "gut \xc3\x28");
    check_refused(&options, MMN_INPUT, "not UTF-8");
    cr_assert_str_eq(error.where, "line 2");
    write_text(FILE_TEXT, "");
    check_refused(&options, MMN_INPUT, "empty");
    cr_assert_eq(mmn_write_file(paths[FILE_TEXT], "a\0b", 3, NULL), MMN_OK);
    check_refused(&options, MMN_INPUT, "byte 1");
    remove(paths[FILE_TEXT]);
    check_refused(&options, MMN_INPUT, "german.txt");
}

Test(windows, are_no_questions)
{
    const mmn_lens_options options = {.size = sizeof(options), .list = paths[LIST]};
    mmn_result *lens;
    cr_assert_eq(mmn_lens_run(&lens, model, &options, &error), MMN_INPUT);
    cr_assert(strstr(error.message, "questions are wanted"), "%s", error.message);
}

Test(windows, survive_failing_memory)
{
    const mmn_count_options options = options_for(ONE_RUN);
    mmn_status status = MMN_SYSTEM;
    unsigned long number = 1;
    for (; status != MMN_OK; number += 1 + number / 20) {
        fail_allocation_at(number);
        status = mmn_count(model, &options, NULL, &error);
        fail_allocation_at(0);
        cr_assert(status == MMN_OK || status == MMN_SYSTEM, "%lu: %s", number, error.message);
    }
    cr_assert_gt(number, 50);
}
