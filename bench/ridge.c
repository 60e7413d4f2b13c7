/* Scores draws of regressions for bench/compare_ridge.py, and tells how long each took.
 *
 *     bench/ridge [--threads N] [--simd NAME] FOLDER EVENTS FEATURES COLUMNS
 *
 * FOLDER has the files x [events][features] and y [events][columns], of f64, and drawn
 * [draws][events] of u32, in the machine's byte order. For each line "FIRST COUNT" on standard
 * input these draws are scored, r of validation and test [count][2][columns] put into
 * FOLDER/scores, and seconds by the clock and of the processor written. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "measure.h"
#include "mmneuron.h"
#include "model/compute.h"
#include "study/ridge.h"

typedef struct job {
    const char *folder;
    mmn_ridge_data data;
    FILE *drawn, *scores;
} job;

static void fail(const char *what)
{
    fprintf(stderr, "bench/ridge: %s\n", what);
    exit(1);
}

static void must(mmn_status status, const mmn_error *error)
{
    char sentence[2500];
    mmn_error_sentence(error, sentence, sizeof(sentence));
    if (status != MMN_OK)
        fail(sentence);
}

static FILE *open_file(const char *folder, const char *name, const char *mode)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, mode);
    if (!file)
        fail(path);
    return file;
}

static double *read_matrix(const char *folder, const char *name, size_t rows, size_t columns)
{
    mmn_error error;
    double *values = mmn_allocate(rows * columns, sizeof(*values), &error);
    FILE *file = open_file(folder, name, "rb");
    if (!values || fread(values, sizeof(*values), rows * columns, file) != rows * columns)
        fail(name);
    fclose(file);
    mmn_ridge_prepare(values, rows, columns, name[0] == 'x');
    return values;
}

static void draw(void *context, uint32_t *drawn, uint32_t number)
{
    const job *own = context;
    const size_t events = own->data.events;
    if (fseek(own->drawn, (long)(number * events * sizeof(*drawn)), SEEK_SET) != 0 ||
        fread(drawn, sizeof(*drawn), events, own->drawn) != events)
        fail("too few events are drawn");
}

static mmn_status keep(void *context, const mmn_ridge_scores *scores, uint32_t number,
                       mmn_error *error)
{
    const job *own = context;
    const size_t columns = own->data.columns;
    (void)number;
    if (fwrite(scores->validation, sizeof(double), columns, own->scores) != columns ||
        fwrite(scores->test, sizeof(double), columns, own->scores) != columns)
        return mmn_fail(error, MMN_SYSTEM, own->folder, NULL, "cannot write scores");
    return MMN_OK;
}

static void serve(const mmn_algebra *algebra, job *own)
{
    unsigned first, count;
    mmn_error error;
    while (scanf("%u %u", &first, &count) == 2) {
        uint32_t *numbers = mmn_allocate(count, sizeof(*numbers), &error);
        if (!numbers)
            fail("draws");
        for (unsigned i = 0; i < count; i++)
            numbers[i] = first + i;
        const mmn_ridge_draws draws = {count, numbers, own, draw, keep};
        own->scores = open_file(own->folder, "scores", "wb");
        const double start = bench_seconds();
        const clock_t used = clock();
        must(mmn_ridge_score_draws(algebra, &own->data, &draws, &error), &error);
        const double wall = bench_seconds() - start;
        fclose(own->scores);
        mmn_free(numbers);
        printf("%.6f %.6f\n", wall, (double)(clock() - used) / (double)CLOCKS_PER_SEC);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"threads", required_argument, NULL, 't'}, {"simd", required_argument, NULL, 's'}, {0}};
    int threads = 0, option;
    const char *simd = NULL;
    mmn_compute compute = {0};
    mmn_algebra algebra = {0};
    mmn_error error;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (option == 't')
            threads = atoi(optarg);
        else if (option == 's')
            simd = optarg;
        else
            return 2;
    if (argc - optind != 4)
        fail("expected FOLDER EVENTS FEATURES COLUMNS");
    job own = {.folder = argv[optind],
               .data = {.events = strtoul(argv[optind + 1], NULL, 10),
                        .features = strtoul(argv[optind + 2], NULL, 10),
                        .columns = strtoul(argv[optind + 3], NULL, 10)}};
    own.data.x = read_matrix(own.folder, "x", own.data.events, own.data.features);
    own.data.y = read_matrix(own.folder, "y", own.data.events, own.data.columns);
    own.drawn = open_file(own.folder, "drawn", "rb");
    must(mmn_compute_choose(&compute, threads, simd, &error), &error);
    must(mmn_algebra_begin(&algebra, compute.kernels, compute.threads, &error), &error);
    serve(&algebra, &own);
    mmn_algebra_end(&algebra);
    mmn_free(own.data.x);
    mmn_free(own.data.y);
    fclose(own.drawn);
    return 0;
}
