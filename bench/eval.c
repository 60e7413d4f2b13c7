/* Measures an evaluation with its runs side by side, and one after the other.
 *
 *     make bench/eval && bench/eval [--rounds N] [--samples N] [--tokens N] MODEL LIST NEURONS
 *
 * Both ways alternate, and what they answer must be the same. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "measure.h"
#include "mmneuron.h"

typedef struct bench_settings {
    size_t rounds;
    mmn_eval_options eval;
    const char *model;
} bench_settings;

static int fail(const mmn_error *error)
{
    char sentence[2500];

    mmn_error_sentence(error, sentence, sizeof sentence);
    fprintf(stderr, "%s\n", sentence);
    return (int)error->status;
}

/* One evaluation; *text is its JSON. */
static mmn_status run(double *seconds, char **text, const mmn_model *model,
                      const mmn_eval_options *options, mmn_error *error)
{
    mmn_result *evaluation;
    double start = bench_seconds();
    mmn_status status = mmn_eval(&evaluation, model, options, error);

    *seconds = bench_seconds() - start;
    *text = NULL;
    if (status == MMN_OK)
        status = mmn_result_json(evaluation, text, error);
    mmn_result_free(evaluation);
    return status;
}

static void print_spread(const char *name, double *seconds, size_t rounds)
{
    bench_spread spread = bench_spread_of(seconds, rounds);

    printf("| %s | %.2f / %.2f / %.2f |\n", name, spread.minimum, spread.median, spread.maximum);
}

static int compare(const mmn_model *model, bench_settings *settings)
{
    size_t rounds = settings->rounds;
    bench_machine machine;
    mmn_error error;
    mmn_status status = MMN_OK;
    double *alone = mmn_allocate(3 * rounds, sizeof *alone, &error);
    double *together = alone + rounds, *ratios = together + rounds;

    if (!alone)
        return fail(&error);
    for (size_t round = 0; round < rounds && status == MMN_OK; round++) {
        char *texts[2] = {NULL, NULL};
        settings->eval.batch = 1;
        status = run(&alone[round], &texts[0], model, &settings->eval, &error);
        settings->eval.batch = 0;
        if (status == MMN_OK)
            status = run(&together[round], &texts[1], model, &settings->eval, &error);
        ratios[round] = alone[round] / together[round];
        if (status == MMN_OK && strcmp(texts[0], texts[1]) != 0)
            status = mmn_fail(&error, MMN_INPUT, NULL, NULL, "the answers differ");
        mmn_release(texts[0]);
        mmn_release(texts[1]);
    }
    if (status == MMN_OK) {
        bench_machine_read(&machine);
        bench_machine_print(&machine);
        printf("| runs of a question | seconds: min / median / max of %zu |\n| --- | --- |\n",
               rounds);
        print_spread("one after the other", alone, rounds);
        print_spread("side by side", together, rounds);
        print_spread("ratio", ratios, rounds);
    }
    mmn_free(alone);
    return status == MMN_OK ? 0 : fail(&error);
}

static int read_options(bench_settings *settings, int argc, char **argv)
{
    static const struct option options[] = {{"rounds", required_argument, NULL, 'r'},
                                            {"samples", required_argument, NULL, 's'},
                                            {"tokens", required_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        size_t number = optarg ? strtoul(optarg, NULL, 10) : 0;
        if (option == 'r')
            settings->rounds = number;
        else if (option == 's')
            settings->eval.samples = number;
        else if (option == 't')
            settings->eval.tokens = number;
        else
            return 0;
    }
    if (optind + 3 != argc || settings->rounds == 0)
        return 0;
    settings->model = argv[optind];
    settings->eval.list = argv[optind + 1];
    settings->eval.neurons = argv[optind + 2];
    return 1;
}

int main(int argc, char **argv)
{
    bench_settings settings = {
        .rounds = 3,
        .eval = {.size = sizeof settings.eval, .samples = 2, .seeds = 5, .first_seed = 1}};
    mmn_model *model;
    mmn_error error;

    if (!read_options(&settings, argc, argv)) {
        fprintf(stderr, "usage: %s [--rounds N] [--samples N] [--tokens N] MODEL LIST NEURONS\n",
                argv[0]);
        return 2;
    }
    if (mmn_model_open(&model, settings.model, NULL, &error) != MMN_OK)
        return fail(&error);
    int result = compare(model, &settings);
    mmn_model_close(model);
    return result;
}
