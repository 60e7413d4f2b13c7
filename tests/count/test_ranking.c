/* Rankings of counts files: what neurons.json and ranking.tsv say, and its digest. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "mmneuron.h"
#include "count/counts.h"
#include "tests/tools/failing_allocator.h"

enum { LAYERS = 4, NEURONS = 50, TOKENS = 1000 };

static char folder[64], counts_file[96], json_file[96], tsv_file[96];
static mmn_error error;

static void set_up(void)
{
    snprintf(folder, sizeof(folder), "/tmp/mmneuron-ranking-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(counts_file, sizeof(counts_file), "%s/counts", folder);
    snprintf(json_file, sizeof(json_file), "%s/neurons.json", folder);
    snprintf(tsv_file, sizeof(tsv_file), "%s/ranking.tsv", folder);
}

static void tear_down(void)
{
    unlink(counts_file);
    unlink(json_file);
    unlink(tsv_file);
    cr_assert_eq(rmdir(folder), 0);
}

TestSuite(ranking, .init = set_up, .fini = tear_down);

static const mmn_counted_module modules[] = {{"vision", LAYERS, NEURONS, 3, true},
                                             {"language", LAYERS, NEURONS, LAYERS, false}};
static const char *const domains[] = {"driving", "b\xc3\xa9n\xc3\xa9", "medical"};

/* Counts that look random and are the same everywhere. */
static mmn_counts *make_counts(void)
{
    mmn_counts *counts;
    uint64_t state = 1;
    cr_assert_eq(mmn_counts_create(&counts, modules, 2, NULL), MMN_OK);
    for (size_t d = 0; d < 3; d++)
        cr_assert_eq(mmn_counts_add_domain(counts, domains[d], NULL), MMN_OK);
    snprintf(counts->version, sizeof(counts->version), "0.1.0");
    memset(counts->model, 'a', 32);
    memset(counts->data, '7', 32);
    counts->settings = mmn_copy_text("{}", NULL);
    for (size_t d = 0; d < 3; d++)
        for (size_t m = 0; m < 2; m++) {
            int64_t **fields = counts->domains[d].cells[m].fields;
            fields[MMN_FIELD_TOKENS][0] = TOKENS;
            for (size_t i = 0; i < LAYERS * NEURONS; i++) {
                state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                fields[MMN_FIELD_COUNT][i] = (int64_t)(state >> 40) % TOKENS;
            }
        }
    return counts;
}

static void write_counts(mmn_counts *counts)
{
    cr_assert_eq(mmn_counts_write(counts, counts_file, &error), MMN_OK, "%s", error.message);
    mmn_counts_free(counts);
}

static mmn_result *rank_ok(const mmn_rank_options *options)
{
    mmn_result *ranking;
    cr_assert_eq(mmn_rank(&ranking, counts_file, options, &error), MMN_OK, "%s", error.message);
    return ranking;
}

static void add_pairs(mmn_digest *digest, const json_t *list)
{
    mmn_digest_add_u64(digest, json_array_size(list));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *pair = json_array_get(list, i);
        mmn_digest_add_u64(digest, (uint64_t)json_integer_value(json_array_get(pair, 0)));
        mmn_digest_add_u64(digest, (uint64_t)json_integer_value(json_array_get(pair, 1)));
    }
}

/* The digest as doc/formats.md states it, from the JSON text alone. */
static void digest_of_json(char text[MMN_DIGEST_SIZE], const json_t *json)
{
    static const char *const sorted[] = {"b\xc3\xa9n\xc3\xa9", "driving", "medical"};
    mmn_digest *digest;
    cr_assert_eq(mmn_digest_begin(&digest, NULL), MMN_OK);
    mmn_digest_add_text(digest, "mmneuron-neurons-1");
    mmn_digest_add_u64(digest, 2);
    for (size_t m = 0; m < 2; m++) {
        const json_t *module = json_object_get(json_object_get(json, "modules"), modules[m].name);
        mmn_digest_add_text(digest, modules[m].name);
        mmn_digest_add_u64(digest, LAYERS);
        mmn_digest_add_u64(digest, NEURONS);
        mmn_digest_add_u64(digest, 3);
        for (size_t d = 0; d < 3; d++) {
            mmn_digest_add_text(digest, sorted[d]);
            add_pairs(digest, json_object_get(json_object_get(module, "domains"), sorted[d]));
        }
    }
    mmn_digest_finish(digest, text);
    mmn_digest_free(digest);
}

Test(ranking, is_written_as_documented)
{
    write_counts(make_counts());
    const mmn_rank_options options = {
        .size = sizeof(options), .rate = 0.1, .bar = 0.8, .assignment_bar = 0.9};
    mmn_result *ranking = rank_ok(&options);
    cr_assert_eq(mmn_result_write(ranking, json_file, &error), MMN_OK, "%s", error.message);
    json_t *json;
    cr_assert_eq(mmn_json_load(&json, json_file, 1 << 20, &error), MMN_OK, "%s", error.message);
    cr_assert_str_eq(json_string_value(json_object_get(json, "format")), "mmneuron-neurons-1");
    const json_t *settings = json_object_get(json, "settings");
    cr_assert(json_number_value(json_object_get(settings, "rate")) == 0.1);
    cr_assert(json_number_value(json_object_get(settings, "assignment_bar")) == 0.9);
    const json_t *vision = json_object_get(json_object_get(json, "modules"), "vision");
    cr_assert_eq(json_integer_value(json_object_get(vision, "selected")), 20);
    cr_assert_eq(json_array_size(json_object_get(vision, "inert")), 1);
    cr_assert_eq(json_integer_value(json_array_get(json_object_get(vision, "inert"), 0)), 3);
    cr_assert_null(json_object_get(vision, "warning"));

    char digest[MMN_DIGEST_SIZE];
    digest_of_json(digest, json);
    cr_assert_str_eq(json_string_value(json_object_get(json, "digest")), digest);
    cr_assert_str_eq(mmn_result_text(ranking, "result", 0, "digest"), digest);
    json_decref(json);

    char *tsv, *line;
    cr_assert_eq(mmn_read_file(&tsv, NULL, tsv_file, 1 << 20, NULL), MMN_OK);
    static const char titles[] =
        "module\trank\tlayer\tneuron\tentropy\tp b\xc3\xa9n\xc3\xa9\tp driving\tp medical\n";
    cr_assert_eq(strncmp(tsv, titles, strlen(titles)), 0, "%s", tsv);
    size_t lines = 0;
    for (line = strchr(tsv, '\n'); line; line = strchr(line + 1, '\n'))
        lines++;
    cr_assert_eq(lines, 1 + 20 + 20);
    mmn_free(tsv);
    mmn_result_free(ranking);
}

/* The line that people are told, of the entropies that the ranking's table has. */
Test(ranking, tells_in_how_many_domains_neurons_are_active)
{
    write_counts(make_counts());
    const mmn_rank_options options = {
        .size = sizeof(options), .rate = 0.3, .bar = 0.5, .modules = "language"};
    mmn_result *ranking = rank_ok(&options);
    size_t neurons[4] = {0}, length = 0;
    char *table, line[160] = "";
    for (size_t row = 0; row < mmn_result_rows(ranking, "ranking"); row++)
        neurons[(size_t)nearbyint(exp(mmn_result_number(ranking, "ranking", row, "entropy")))]++;
    for (size_t active = 1; active <= 3; active++)
        if (neurons[active] > 0)
            length += (size_t)snprintf(line + length, sizeof(line) - length, "%s%zu: %zu",
                                       length > 0 ? ", " : "  by exp(entropy), active in ", active,
                                       neurons[active]);
    snprintf(line + length, sizeof(line) - length, " of the domains\n");
    cr_assert(neurons[2] > 0 && neurons[3] > 0);
    cr_assert_eq(mmn_result_table(ranking, &table, &error), MMN_OK);
    cr_expect_not_null(strstr(table, line), "%s not in %s", line, table);
    mmn_release(table);
    mmn_result_free(ranking);
}

Test(ranking, warns_when_few_pass)
{
    write_counts(make_counts());
    const mmn_rank_options options = {
        .size = sizeof(options), .rate = 0.5, .bar = 0.99, .modules = "language"};
    mmn_result *ranking = rank_ok(&options);
    char *json, *table;
    cr_assert_eq(mmn_result_json(ranking, &json, &error), MMN_OK);
    cr_assert_eq(mmn_result_table(ranking, &table, &error), MMN_OK);
    cr_assert_not_null(strstr(json, "\"warning\": \"only "), "%s", json);
    cr_assert_not_null(strstr(table, "of the 100 neurons wanted"), "%s", table);
    cr_assert_null(strstr(json, "vision"));
    mmn_release(json);
    mmn_release(table);
    mmn_result_free(ranking);
}

static void check_refused(const mmn_rank_options *options, mmn_status status, const char *part)
{
    mmn_result *ranking;
    cr_assert_eq(mmn_rank(&ranking, counts_file, options, &error), status, "%s", error.message);
    cr_assert_not_null(strstr(error.message, part), "%s", error.message);
    cr_assert_null(ranking);
}

Test(ranking, refuses_what_cannot_be_ranked)
{
    write_counts(make_counts());
    check_refused(&(mmn_rank_options){.size = sizeof(mmn_rank_options), .modules = "vision,query"},
                  MMN_USAGE, "\"query\"");
    check_refused(&(mmn_rank_options){.size = sizeof(mmn_rank_options), .rate = 1.5}, MMN_USAGE,
                  "rate");
    check_refused(&(mmn_rank_options){.size = sizeof(mmn_rank_options), .bar = -0.5}, MMN_USAGE,
                  "bar");
    mmn_counts *counts = make_counts();
    counts->shards = 2;
    write_counts(counts);
    check_refused(NULL, MMN_INPUT, "merge them first");
    counts = make_counts();
    counts->unfinished = true;
    write_counts(counts);
    check_refused(NULL, MMN_INPUT, "unfinished");
    counts = make_counts();
    mmn_count_cell_clear(&counts->domains[1].cells[0], &modules[0]);
    write_counts(counts);
    check_refused(NULL, MMN_INPUT, "\"driving\" has no positions");
}

/* Text-only lists have no positions in vision: it is left out, unless it is asked for. */
Test(ranking, leaves_out_modules_without_positions)
{
    mmn_counts *counts = make_counts();
    for (size_t d = 0; d < 3; d++)
        mmn_count_cell_clear(&counts->domains[d].cells[0], &modules[0]);
    write_counts(counts);
    mmn_result *ranking = rank_ok(NULL);
    char *json;
    cr_assert_eq(mmn_result_json(ranking, &json, &error), MMN_OK);
    cr_assert_null(strstr(json, "vision"));
    mmn_release(json);
    mmn_result_free(ranking);
    check_refused(&(mmn_rank_options){.size = sizeof(mmn_rank_options), .modules = "vision"},
                  MMN_INPUT, "has no positions");
}

Test(ranking, survives_every_failed_allocation)
{
    write_counts(make_counts());
    unsigned long number = 0;
    mmn_status status = MMN_SYSTEM;
    for (; status != MMN_OK && number < 10000; number++) {
        mmn_result *ranking = NULL;
        fail_allocation_at(number + 1);
        status = mmn_rank(&ranking, counts_file, NULL, &error);
        if (status == MMN_OK)
            status = mmn_result_write(ranking, json_file, &error);
        fail_allocation_at(0);
        mmn_result_free(ranking);
        cr_assert(status == MMN_OK || status == MMN_SYSTEM, "allocation %lu: %s", number,
                  error.message);
    }
    cr_assert_gt(number, 20);
    cr_assert_eq(status, MMN_OK);
}
