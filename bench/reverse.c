/* Measures the reverse pass beside the forward pass, through a checkpoint of
 * bench/make_checkpoint.py.
 *
 *     make bench/reverse
 *     bench/reverse [--tokens N] [--simd NAME] [--rounds N] MODEL
 *
 * Both take turns on one thread, whose own time counts, so that other work on the machine disturbs
 * little. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "measure.h"
#include "mmneuron.h"

enum { MOST_ROUNDS = 101, MOST_TOKENS = 4096, FIRST_ID = 3 };

static int fail(const mmn_error *error)
{
    char sentence[2500];

    mmn_error_sentence(error, sentence, sizeof sentence);
    fprintf(stderr, "%s\n", sentence);
    return (int)error->status;
}

/* Wants all layers to run. */
static mmn_status ignore(void *context, const mmn_stage *stage, mmn_error *error)
{
    (void)context;
    (void)stage;
    (void)error;
    return MMN_OK;
}

/* How many forward passes a reverse pass costs, in each round. */
static mmn_status measure(mmn_session *session, const mmn_input *input, size_t rounds,
                          double *costs, double *seconds, mmn_error *error)
{
    const mmn_objective objective = {
        .size = sizeof objective, .token = FIRST_ID, .position = MMN_LAST_POSITION};
    mmn_status status = mmn_session_gradient(session, input, &objective, NULL, error);

    for (size_t round = 0; status == MMN_OK && round < rounds; round++) {
        double begin = bench_thread_seconds();
        status = mmn_session_prefill(session, input, error);
        double forward = bench_thread_seconds() - begin;
        if (status == MMN_OK)
            status = mmn_session_gradient(session, input, &objective, NULL, error);
        seconds[round] = forward;
        costs[round] = (bench_thread_seconds() - begin - 2 * forward) / forward;
    }
    return status;
}

static mmn_status run(const mmn_model *model, size_t tokens, size_t rounds, mmn_error *error)
{
    static int32_t ids[MOST_TOKENS];
    static double costs[MOST_ROUNDS], seconds[MOST_ROUNDS];
    const mmn_session_options options = {.size = sizeof options, .prompt_only = 1};
    const mmn_probe probe = {.stages = "language.norm", .see = ignore};
    mmn_session *session = NULL;
    mmn_input *input = NULL;

    for (size_t i = 0; i < tokens; i++)
        ids[i] = FIRST_ID + (int32_t)(i * 7919 % 20000);
    mmn_status status = mmn_input_from_ids(&input, model, ids, tokens, error);
    if (status == MMN_OK)
        status = mmn_session_create(&session, model, &options, error);
    if (status == MMN_OK)
        status = mmn_session_add_probe(session, &probe, error);
    if (status == MMN_OK)
        status = measure(session, input, rounds, costs, seconds, error);
    if (status == MMN_OK) {
        bench_spread cost = bench_spread_of(costs, rounds);
        bench_spread forward = bench_spread_of(seconds, rounds);
        printf("%zu positions, forward %.3f / %.3f / %.3f s; reverse %.2f / %.2f / %.2f forward "
               "passes\n",
               tokens, forward.minimum, forward.median, forward.maximum, cost.minimum, cost.median,
               cost.maximum);
    }
    mmn_session_free(session);
    mmn_input_free(input);
    return status;
}

/* Reads a number from 1 to `most`. */
static size_t number(const char *text, size_t most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*end != '\0' || value < 1 || value > most) {
        fprintf(stderr, "expected a number from 1 to %zu, not \"%s\"\n", most, text);
        exit(2);
    }
    return value;
}

int main(int count, char **arguments)
{
    static const struct option options[] = {{"tokens", required_argument, NULL, 't'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {"simd", required_argument, NULL, 's'},
                                            {NULL, 0, NULL, 0}};
    mmn_model_options wishes = {.size = sizeof wishes, .threads = 1};
    size_t tokens = 600, rounds = 5;
    mmn_error error;
    mmn_model *model;

    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;)
        switch (option) {
        case 't':
            tokens = number(optarg, MOST_TOKENS);
            break;
        case 'r':
            rounds = number(optarg, MOST_ROUNDS);
            break;
        case 's':
            wishes.simd = optarg;
            break;
        default:
            return 2;
        }
    if (optind + 1 != count) {
        fprintf(stderr, "one model is needed: a folder\n");
        return 2;
    }
    if (mmn_model_open(&model, arguments[optind], &wishes, &error) != MMN_OK)
        return fail(&error);
    mmn_status status = run(model, tokens, rounds, &error);
    mmn_model_close(model);
    return status == MMN_OK ? 0 : fail(&error);
}
