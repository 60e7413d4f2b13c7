/* Counts files: written and read back, merged, and refused when damaged. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "mmneuron.h"
#include "count/counts.h"
#include "tests/tools/failing_allocator.h"
#include "tests/tools/same_bytes.h"

static char folder[64], path_texts[4][96];
static mmn_error error;

static void make_folder(void)
{
    snprintf(folder, sizeof(folder), "/tmp/mmneuron-counts-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    for (int i = 0; i < 4; i++)
        snprintf(path_texts[i], sizeof(path_texts[i]), "%s/%d", folder, i);
}

static void remove_folder(void)
{
    for (int i = 0; i < 4; i++)
        unlink(path_texts[i]);
    cr_assert_eq(rmdir(folder), 0, "something is left in %s", folder);
}

TestSuite(counts, .init = make_folder, .fini = remove_folder);

static const mmn_counted_module modules[] = {{"vision", 2, 3, 1, false},
                                             {"language", 1, 4, 1, false}};

/* Counts of shard `shard` with numbers that depend on it. */
static mmn_counts *make_counts(uint32_t shard, uint32_t shards)
{
    mmn_counts *counts;
    cr_assert_eq(mmn_counts_create(&counts, modules, 2, NULL), MMN_OK);
    cr_assert_eq(mmn_counts_add_domain(counts, "medical", NULL), MMN_OK);
    cr_assert_eq(mmn_counts_add_domain(counts, "caf\xc3\xa9 \xe2\x98\x83", NULL), MMN_OK);
    cr_assert_eq(mmn_counts_add_domain(counts, "medical", NULL), MMN_OK);
    cr_assert_eq(counts->domain_count, 2);
    snprintf(counts->version, sizeof(counts->version), "0.1.0");
    memset(counts->model, 'a', 32);
    memset(counts->data, '7', 32);
    counts->inputs[3] = (uint8_t)(1u << shard);
    counts->settings = mmn_copy_text("{\"samples\": 0}", NULL);
    counts->shard = shard;
    counts->shards = shards;
    for (size_t d = 0; d < 2; d++) {
        counts->domains[d].samples = 10 * shard + d;
        for (size_t m = 0; m < 2; m++) {
            int64_t **fields = counts->domains[d].cells[m].fields;
            size_t size = mmn_field_size(&modules[m], MMN_FIELD_COUNT);
            fields[MMN_FIELD_TOKENS][0] = 1000 * shard;
            for (size_t i = 0; i < size; i++) {
                fields[MMN_FIELD_COUNT][i] = (int64_t)(100 * shard + 10 * d + i);
                fields[MMN_FIELD_SUM][i] = -(int64_t)(INT64_C(1) << 45) + (int64_t)i;
                if (fields[MMN_FIELD_IMAGE_COUNT]) {
                    fields[MMN_FIELD_IMAGE_COUNT][i] = (int64_t)(i + shard);
                    fields[MMN_FIELD_IMAGE_SUM][i] = -5;
                }
            }
            if (fields[MMN_FIELD_IMAGE_TOKENS])
                fields[MMN_FIELD_IMAGE_TOKENS][0] = 300;
        }
    }
    cr_assert_eq(mmn_counts_add_skipped(counts, 90 - shard, NULL), MMN_OK);
    cr_assert_eq(mmn_counts_add_skipped(counts, 5, NULL), MMN_OK);
    return counts;
}

static void write_counts(mmn_counts *counts, int place)
{
    cr_assert_eq(mmn_counts_write(counts, path_texts[place], &error), MMN_OK, "%s", error.message);
    mmn_counts_free(counts);
}

Test(counts, come_back_as_they_were)
{
    mmn_counts *counts = make_counts(1, 1), *read;
    counts->unfinished = true;
    counts->last_line = 123;
    counts->domains[1].positions = 77;
    write_counts(counts, 0);
    cr_assert_eq(mmn_counts_read(&read, path_texts[0], &error), MMN_OK, "%s", error.message);
    cr_assert_str_eq(read->domains[0].name, "caf\xc3\xa9 \xe2\x98\x83");
    cr_assert_str_eq(read->domains[1].name, "medical");
    cr_assert_eq(read->domains[1].samples, 11);
    cr_assert_eq(read->domains[1].positions, 77);
    cr_assert_eq(read->last_line, 123);
    cr_assert(read->unfinished);
    cr_assert_eq(read->inputs[3], 2);
    cr_assert_eq(read->skipped_count, 2);
    cr_assert_eq(read->skipped[0], 5);
    cr_assert_eq(read->skipped[1], 89);
    cr_assert_eq(read->modules[0].first_inert_layer, 1);
    cr_assert_eq(read->domains[1].cells[1].fields[MMN_FIELD_COUNT][3], 113);
    cr_assert_eq(read->domains[1].cells[1].fields[MMN_FIELD_IMAGE_SUM][2], -5);
    cr_assert_null(read->domains[1].cells[0].fields[MMN_FIELD_IMAGE_SUM]);
    write_counts(read, 1);
    check_same_bytes(path_texts[0], path_texts[1]);
}

Test(counts, merge_to_the_sum_in_any_order)
{
    write_counts(make_counts(1, 3), 0);
    write_counts(make_counts(2, 3), 1);
    write_counts(make_counts(3, 3), 2);
    const char *files[] = {path_texts[2], path_texts[0], path_texts[1]};
    cr_assert_eq(mmn_counts_merge(files, 3, path_texts[3], &error), MMN_OK, "%s", error.message);
    mmn_counts *sum;
    cr_assert_eq(mmn_counts_read(&sum, path_texts[3], &error), MMN_OK, "%s", error.message);
    cr_assert_eq(sum->shards, 1);
    cr_assert_eq(sum->domains[1].samples, 63);
    cr_assert_eq(sum->inputs[3], 2 ^ 4 ^ 8);
    cr_assert_eq(sum->skipped_count, 4);
    cr_assert_eq(sum->domains[1].cells[0].fields[MMN_FIELD_TOKENS][0], 6000);
    cr_assert_eq(sum->domains[1].cells[0].fields[MMN_FIELD_COUNT][5], 600 + 30 + 15);
    cr_assert_eq(sum->domains[0].cells[1].fields[MMN_FIELD_SUM][2], -3 * (INT64_C(1) << 45) + 6);
    mmn_counts_free(sum);
}

/* A merge that must fail with `part` of the message. */
static void check_refused(size_t file_count, const char *part)
{
    const char *files[] = {path_texts[0], path_texts[1], path_texts[2]};
    cr_assert_eq(mmn_counts_merge(files, file_count, path_texts[3], &error), MMN_INPUT);
    cr_assert_not_null(strstr(error.message, part), "%s", error.message);
    cr_assert_neq(access(path_texts[3], F_OK), 0);
}

Test(counts, of_different_runs_are_not_merged)
{
    write_counts(make_counts(1, 3), 0);
    write_counts(make_counts(2, 3), 1);
    check_refused(2, "missing: 3");
    write_counts(make_counts(1, 3), 1);
    check_refused(2, "shard 1/3 is also in");
    write_counts(make_counts(2, 2), 1);
    check_refused(2, "one of 2 shards");
    mmn_counts *counts = make_counts(2, 3);
    counts->model[0] = 'b';
    write_counts(counts, 1);
    check_refused(2, "in model");
    counts = make_counts(2, 3);
    counts->modules[0].first_inert_layer = 2;
    write_counts(counts, 1);
    check_refused(2, "in modules");
    counts = make_counts(2, 3);
    cr_assert_eq(mmn_counts_add_domain(counts, "third", NULL), MMN_OK);
    write_counts(counts, 1);
    check_refused(2, "in domains");
    counts = make_counts(2, 3);
    counts->unfinished = true;
    write_counts(counts, 1);
    check_refused(2, "unfinished");
}

static void check_implausible(int64_t *number, int64_t value, mmn_counts *counts)
{
    *number = value;
    write_counts(counts, 0);
    mmn_counts *read;
    cr_assert_eq(mmn_counts_read(&read, path_texts[0], &error), MMN_INPUT);
    cr_assert_null(read);
    cr_assert_str_eq(error.file, path_texts[0]);
}

Test(counts, that_no_run_can_give_are_refused)
{
    static const struct {
        size_t module;
        mmn_count_field field;
        int64_t value;
    } bad[] = {{0, MMN_FIELD_COUNT, 1001},      {0, MMN_FIELD_COUNT, -1},
               {0, MMN_FIELD_TOKENS, -1},       {0, MMN_FIELD_TOKENS, INT64_MAX},
               {0, MMN_FIELD_SUM, INT64_MAX},   {0, MMN_FIELD_SUM, INT64_MIN},
               {1, MMN_FIELD_IMAGE_TOKENS, -3}, {1, MMN_FIELD_IMAGE_TOKENS, 1001},
               {1, MMN_FIELD_IMAGE_COUNT, 301}, {1, MMN_FIELD_IMAGE_SUM, INT64_MIN}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        mmn_counts *counts = make_counts(1, 1);
        check_implausible(counts->domains[1].cells[bad[i].module].fields[bad[i].field],
                          bad[i].value, counts);
    }
}

Test(counts, sums_that_do_not_fit_are_refused)
{
    mmn_count_cell cell, sum;
    cr_assert_eq(mmn_count_cell_create(&cell, &modules[1], NULL), MMN_OK);
    cr_assert_eq(mmn_count_cell_create(&sum, &modules[1], NULL), MMN_OK);
    cell.fields[MMN_FIELD_SUM][2] = INT64_MIN;
    cr_assert_eq(mmn_count_cell_add(&sum, &cell, &modules[1], &error), MMN_OK);
    cr_assert_eq(sum.fields[MMN_FIELD_SUM][2], INT64_MIN);
    cell.fields[MMN_FIELD_SUM][2] = -1;
    cr_assert_eq(mmn_count_cell_add(&sum, &cell, &modules[1], &error), MMN_INPUT);
    cr_assert_not_null(strstr(error.message, "neuron 2"), "%s", error.message);
    mmn_count_cell_free(&cell);
    mmn_count_cell_free(&sum);
}

/* Overwrites some bytes of a file. */
static void change_file(const char *path, const void *bytes, size_t size, size_t at)
{
    FILE *file = fopen(path, "r+b");
    cr_assert_not_null(file);
    cr_assert_eq(fseek(file, (long)at, SEEK_SET), 0);
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    cr_assert_eq(fclose(file), 0);
}

/* A bit of every byte changed, eight bytes zeroed, and every shorter length: refused, whatever it
 * is, and nothing worse happens (under AddressSanitizer). */
Test(counts, damaged_do_no_harm)
{
    mmn_counts *counts = make_counts(2, 3), *read;
    counts->unfinished = true;
    write_counts(counts, 0);
    char *text;
    size_t size;
    cr_assert_eq(mmn_read_file(&text, &size, path_texts[0], 1 << 20, NULL), MMN_OK);
    cr_assert_eq(mmn_write_file(path_texts[1], text, size, NULL), MMN_OK);
    for (size_t i = 0; i < size; i++) {
        char before = text[i];
        text[i] = (char)(before ^ (1 << i % 8));
        change_file(path_texts[1], &text[i], 1, i);
        text[i] = before;
        cr_assert_eq(mmn_counts_read(&read, path_texts[1], &error), MMN_INPUT, "byte %zu", i);
        cr_assert_str_eq(error.file, path_texts[1]);
        change_file(path_texts[1], &text[i], 1, i);
    }
    static const char zeros[8];
    for (size_t i = 0; i + 8 <= size; i += 8) {
        char before[8];
        memcpy(before, text + i, sizeof(before));
        if (memcmp(before, zeros, sizeof(zeros)) == 0)
            continue;
        change_file(path_texts[1], zeros, sizeof(zeros), i);
        cr_assert_eq(mmn_counts_read(&read, path_texts[1], &error), MMN_INPUT, "byte %zu", i);
        change_file(path_texts[1], before, sizeof(before), i);
    }
    for (size_t length = size - 1; length > 7; length -= 7) {
        cr_assert_eq(truncate(path_texts[1], (off_t)length), 0);
        cr_assert_neq(mmn_counts_read(&read, path_texts[1], &error), MMN_OK);
        cr_assert_null(read);
    }
    mmn_free(text);
}

Test(counts, survive_every_failed_allocation)
{
    write_counts(make_counts(1, 2), 0);
    write_counts(make_counts(2, 2), 1);
    const char *files[] = {path_texts[0], path_texts[1]};
    unsigned long number = 0;
    mmn_status status = MMN_SYSTEM;
    for (; status != MMN_OK && number < 10000; number++) {
        fail_allocation_at(number + 1);
        status = mmn_counts_merge(files, 2, path_texts[3], &error);
        fail_allocation_at(0);
        cr_assert(status == MMN_OK || status == MMN_SYSTEM, "allocation %lu: %s", number,
                  error.message);
    }
    cr_assert_gt(number, 20);
    cr_assert_eq(status, MMN_OK);
}
