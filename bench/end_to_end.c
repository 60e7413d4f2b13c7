/* Measures whole passes through a checkpoint of bench/make_checkpoint.py.
 *
 *     make bench-end-to-end MODEL=FOLDER
 *     bench/end_to_end [--threads N] [--simd NAME] [--rounds N] [--jobs JOB,...] [--json FILE] \
 *         [--paused] [--serve] MODEL
 *
 * Jobs are vision, prefill:N, decode:N, decode:N:WAYS and beams:N:WAYS (jobs.h). Each is run in
 * turn without and with a probe that counts activations in every layer; with --paused, those that
 * do not decode also with pauses (pauses.h). --serve runs the job of each line of its standard
 * input once and answers with its seconds, for programs that compare. */
#include <getopt.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "jobs.h"
#include "limits.h"
#include "measure.h"

enum { READ_CACHES = 8, STARTS = 10, JOBS = BENCH_PAUSED + 1 };

extern char **environ;

typedef struct bench_settings {
    mmn_model_options options;
    size_t rounds;
    char jobs[256];
    const char *json;
    char *model;
    bool serve, paused;
    double started; /* > 0: only tell how much later the first kernel would begin */
} bench_settings;

static int fail(const mmn_error *error)
{
    char sentence[2500];

    mmn_error_sentence(error, sentence, sizeof sentence);
    fprintf(stderr, "%s\n", sentence);
    return (int)error->status;
}

/* --- one job in turn without and with counting --- */

typedef struct bench_result {
    bench_spread seconds, cost; /* cost: of counting, as a share */
    bench_spread meanwhile;     /* shares of the limit in pauses; 0 where there are none */
    bench_memory memory;        /* of the job without counting */
} bench_result;

static mmn_status run_rounds(bench_result *result, bench_job jobs[JOBS], size_t rounds,
                             mmn_error *error)
{
    double *seconds = mmn_allocate(3 * rounds, sizeof *seconds, error), *costs = seconds + rounds;
    double *shares = costs + rounds;
    mmn_status status = seconds ? MMN_OK : MMN_SYSTEM;

    for (size_t round = 0; status == MMN_OK && round < rounds; round++) {
        double counted = 0.0;
        status = bench_job_run(&jobs[0], &seconds[round], error);
        if (status == MMN_OK)
            status = bench_job_run(&jobs[BENCH_COUNTED], &counted, error);
        costs[round] = counted / seconds[round] - 1;
        if (status == MMN_OK && jobs[BENCH_PAUSED].pausing) {
            const bench_job *paused = &jobs[BENCH_PAUSED];
            status = bench_job_run(&jobs[BENCH_PAUSED], &counted, error);
            shares[round] = bench_job_operations(paused) / paused->pauses.attainable;
        }
    }
    if (status == MMN_OK) {
        result->meanwhile = bench_spread_of(shares, rounds);
        result->seconds = bench_spread_of(seconds, rounds);
        result->cost = bench_spread_of(costs, rounds);
    }
    mmn_free(seconds);
    return status;
}

static void print_result(const bench_job *job, const bench_result *result, double arithmetic,
                         double reading)
{
    const bench_spread *seconds = &result->seconds;
    bool streams = job->kind == BENCH_DECODE;
    double rate =
        (streams ? bench_job_bytes(job) : bench_job_operations(job)) / seconds->median;
    char meanwhile[64] = "";

    if (result->meanwhile.minimum > 0)
        snprintf(meanwhile, sizeof meanwhile, "%.0f / %.0f / %.0f %%",
                 100 * result->meanwhile.minimum, 100 * result->meanwhile.median,
                 100 * result->meanwhile.maximum);

    printf("| %s | %.3f / %.3f / %.3f | %.1f | %.1f %s | %.0f %% | %s "
           "| %+.1f / %+.1f / %+.1f %% | %.0f + %.0f |\n",
           job->name, seconds->minimum, seconds->median, seconds->maximum,
           (double)(job->tokens * job->ways) / seconds->median, rate, streams ? "GB/s" : "GFLOP/s",
           100 * rate / (streams ? reading : arithmetic), meanwhile, 100 * result->cost.minimum,
           100 * result->cost.median, 100 * result->cost.maximum,
           1e-6 * (double)(result->memory.peak - result->memory.mapped),
           1e-6 * (double)result->memory.mapped);
}

/* All jobs run once beforehand: that maps weights and makes room for the cache. */
static mmn_status measure(bench_result *result, bench_job jobs[JOBS], const mmn_model *model,
                          const char *name, const bench_settings *settings, mmn_error *error)
{
    double seconds;

    bench_memory_reset();
    mmn_status status = MMN_OK;
    for (bench_seen seen = BENCH_UNSEEN; status == MMN_OK && seen <= BENCH_PAUSED; seen++) {
        if (seen == BENCH_PAUSED && (!settings->paused || jobs[0].kind == BENCH_DECODE))
            continue;
        status = bench_job_create(&jobs[seen], model, name, seen, error);
        if (status == MMN_OK)
            status = bench_job_run(&jobs[seen], &seconds, error);
        if (seen == BENCH_UNSEEN)
            result->memory = bench_memory_read();
    }
    if (status == MMN_OK)
        status = run_rounds(result, jobs, settings->rounds, error);
    return status;
}

/* --- from the start of the process to the first kernel --- */

static mmn_status tell_time(void *started, const mmn_stage *stage, mmn_error *error)
{
    (void)stage;
    (void)error;
    printf("%.6f\n", bench_seconds() - *(const double *)started);
    return MMN_INTERRUPTED;
}

/* Starts this program with --started, and reads what it tells. Returns false when it fails. */
static bool time_start(const bench_settings *settings, double *seconds)
{
    char now[32], line[64] = "";
    char program[] = "end_to_end", option[] = "--started";
    char *arguments[] = {program, option, now, settings->model, NULL};
    int ends[2];
    pid_t child;
    posix_spawn_file_actions_t actions;

    if (pipe(ends) != 0)
        return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    snprintf(now, sizeof now, "%.9f", bench_seconds());
    bool good = posix_spawn(&child, "/proc/self/exe", &actions, NULL, arguments, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *answer = good ? fdopen(ends[0], "r") : NULL;
    good = answer && fgets(line, sizeof line, answer) && sscanf(line, "%lf", seconds) == 1;
    if (answer) {
        fclose(answer);
        waitpid(child, NULL, 0);
    }
    return good;
}

static json_t *measure_starts(const bench_settings *settings)
{
    double seconds[STARTS];

    for (size_t i = 0; i < STARTS; i++)
        if (!time_start(settings, &seconds[i]))
            return json_null();
    bench_spread spread = bench_spread_of(seconds, STARTS);
    printf("\nFrom the start of the process to the first kernel: %.1f / %.1f / %.1f ms.\n",
           1e3 * spread.minimum, 1e3 * spread.median, 1e3 * spread.maximum);
    return bench_spread_json(&spread);
}

static int start_only(const mmn_model *model, double started)
{
    const mmn_probe probe = {.stages = "input_ids", .see = tell_time, .context = &started};
    mmn_error error;

    return bench_begin(model, &probe, &error) == MMN_INTERRUPTED ? 0 : fail(&error);
}

/* --- ways to run --- */

static int serve(const mmn_model *model)
{
    bench_job job = {0};
    char line[64];
    double seconds;
    mmn_error error;
    mmn_status status = MMN_OK;

    while (status == MMN_OK && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, job.name) != 0) {
            bench_job_free(&job);
            status = bench_job_create(&job, model, line, BENCH_UNSEEN, &error);
        }
        if (status == MMN_OK)
            status = bench_job_run(&job, &seconds, &error);
        if (status == MMN_OK)
            printf("%.9f\n", seconds);
    }
    bench_job_free(&job);
    return status == MMN_OK ? 0 : fail(&error);
}

static int run_table(const mmn_model *model, bench_settings *settings)
{
    const mmn_model_info *info = mmn_model_describe(model);
    bench_machine machine;
    const char *instructions = "";
    char *rest = NULL;
    mmn_error error;
    mmn_status status = MMN_OK;
    int threads = (int)info->threads;
    json_t *results = json_array();

    bench_machine_read(&machine);
    bench_machine_print(&machine);
    double arithmetic = bench_peak_arithmetic(threads, &instructions);
    double reading = bench_peak_reading(threads, READ_CACHES * machine.largest_cache);
    printf("Model: %u language layers, %s weights, kernels %s.\n", info->language_layers,
           info->weight_types, info->kernels);
    printf("Limits with %d threads: %.1f GFLOP/s (%s), %.1f GB/s read from memory.\n\n", threads,
           arithmetic, instructions, reading);
    printf("| job | seconds: min / median / max of %zu | tokens/s | rate | of the limit "
           "| of it meanwhile | counting costs | MB, + mapped |\n"
           "| --- | --- | --- | --- | --- | --- | --- | --- |\n",
           settings->rounds);

    for (char *name = strtok_r(settings->jobs, ",", &rest); status == MMN_OK && name;
         name = strtok_r(NULL, ",", &rest)) {
        bench_job jobs[JOBS] = {{.tokens = 0}};
        bench_result result;
        status = measure(&result, jobs, model, name, settings, &error);
        if (status == MMN_OK) {
            print_result(&jobs[0], &result, arithmetic, reading);
            json_array_append_new(
                results, json_pack("{s:s, s:o, s:o, s:o, s:f, s:f, s:I, s:I}", "job", name,
                                   "seconds", bench_spread_json(&result.seconds), "counting_costs",
                                   bench_spread_json(&result.cost), "shares_meanwhile",
                                   bench_spread_json(&result.meanwhile), "gigaoperations",
                                   bench_job_operations(&jobs[0]), "gigabytes_of_weights",
                                   bench_job_bytes(&jobs[0]), "peak_bytes",
                                   (json_int_t)result.memory.peak, "mapped_bytes",
                                   (json_int_t)result.memory.mapped));
        }
        for (size_t i = 0; i < JOBS; i++)
            bench_job_free(&jobs[i]);
    }
    json_t *starts = status == MMN_OK ? measure_starts(settings) : json_null();
    json_t *all = json_pack("{s:o, s:i, s:s, s:f, s:f, s:o, s:o}", "machine",
                            bench_machine_json(&machine), "threads", threads, "kernels",
                            info->kernels, "limit_gflops", arithmetic, "limit_gigabytes", reading,
                            "jobs", results, "start_seconds", starts);
    if (status == MMN_OK && settings->json)
        return bench_json_write(all, settings->json);
    json_decref(all);
    return status == MMN_OK ? 0 : fail(&error);
}

static bool read_options(bench_settings *settings, int argc, char **argv)
{
    static const struct option options[] = {{"threads", required_argument, NULL, 't'},
                                            {"simd", required_argument, NULL, 's'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {"jobs", required_argument, NULL, 'w'},
                                            {"json", required_argument, NULL, 'j'},
                                            {"paused", no_argument, NULL, 'l'},
                                            {"serve", no_argument, NULL, 'p'},
                                            {"started", required_argument, NULL, 'b'},
                                            {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 't':
            settings->options.threads = atoi(optarg);
            break;
        case 's':
            settings->options.simd = optarg;
            break;
        case 'r':
            settings->rounds = strtoul(optarg, NULL, 10);
            break;
        case 'w':
            snprintf(settings->jobs, sizeof settings->jobs, "%s", optarg);
            break;
        case 'j':
            settings->json = optarg;
            break;
        case 'l':
            settings->paused = true;
            break;
        case 'p':
            settings->serve = true;
            break;
        case 'b':
            settings->started = atof(optarg);
            break;
        default:
            return false;
        }
    }
    settings->model = argv[optind];
    return optind + 1 == argc && settings->rounds > 0;
}

int main(int argc, char **argv)
{
    bench_settings settings = {.options.size = sizeof settings.options,
                               .rounds = 5,
                               .jobs = "vision,prefill:600,prefill:2880,decode:32"};
    mmn_model *model;
    mmn_error error;
    int result;

    if (!read_options(&settings, argc, argv)) {
        fprintf(stderr,
                "usage: %s [--threads N] [--simd NAME] [--rounds N] [--jobs JOB,...] "
                "[--json FILE] [--paused] [--serve] MODEL\n",
                argv[0]);
        return 2;
    }
    if (mmn_model_open(&model, settings.model, &settings.options, &error) != MMN_OK)
        return fail(&error);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (settings.started > 0)
        result = start_only(model, settings.started);
    else if (settings.serve)
        result = serve(model);
    else
        result = run_table(model, &settings);
    mmn_model_close(model);
    return result;
}
