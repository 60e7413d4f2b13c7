/* Measures how much work a confidence sequence saves that stops an evaluation as soon as the
 * difference between own and random neurons is known well enough, and whether it is right then.
 *
 *     make bench/stopping && bench/stopping [--until W] [--samples N] [--repetitions N] \
 *         [--measure NAME] EVAL.json
 *
 * The samples of each setting and domain of EVAL.json are drawn again, with replacement, as lists
 * of N samples; the truth is the mean of those that there are. */
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "study/confidence.h"

typedef struct stopping_settings {
    double until; /* half width */
    uint32_t samples, repetitions;
    const char *measure; /* "likelihood" or "accuracy" */
} stopping_settings;

/* A setting in a domain: what its samples have with own neurons off, and how far that is from what
 * they have with random ones, in the mean over those. */
typedef struct paired {
    const char *setting, *domain;
    double *own, *differences; /* [count] */
    size_t count, seeds;
} paired;

static bool is(const json_t *object, const char *key, const char *text)
{
    const char *found = json_string_value(json_object_get(object, key));

    return found && text && strcmp(found, text) == 0;
}

static double value_of(const json_t *prediction, const char *measure)
{
    if (strcmp(measure, "accuracy") == 0)
        return json_number_value(json_object_get(prediction, "score"));
    return json_number_value(json_object_get(prediction, "log_probability")) /
           json_number_value(json_object_get(prediction, "reference_tokens"));
}

/* Whether a run is of this setting and domain, with neurons off as `off` says. */
static bool is_of(const json_t *run, const paired *pair, const char *off)
{
    return is(run, "off", off) && is(run, "setting", pair->setting) &&
           is(run, "domain", pair->domain) && is(run, "neurons_of", pair->domain) &&
           json_array_size(json_object_get(run, "predictions")) == pair->count;
}

/* Fills in the values with own neurons off, then the differences of random ones from them. */
static void read_values(paired *pair, const json_t *runs, const char *measure)
{
    static const char *const offs[] = {"domain", "random"};
    size_t i;
    json_t *run;

    for (int random = 0; random < 2; random++)
        json_array_foreach((json_t *)(uintptr_t)runs, i, run)
        {
            const json_t *predictions = json_object_get(run, "predictions");
            if (!is_of(run, pair, offs[random]))
                continue;
            for (size_t k = 0; k < pair->count; k++) {
                const double value = value_of(json_array_get(predictions, k), measure);
                if (random)
                    pair->differences[k] += pair->own[k] - value;
                else
                    pair->own[k] = value;
            }
            pair->seeds += (size_t)random;
        }
    for (size_t k = 0; k < pair->count && pair->seeds > 0; k++)
        pair->differences[k] /= (double)pair->seeds;
}

/* How the repetitions of one list end: stopped before the list's end, further from the truth then
 * than the half width, and with an interval on the way that does not hold the truth. */
typedef struct outcome {
    size_t stopped, wrong, uncovered;
    double used; /* samples of all repetitions */
} outcome;

/* What is known after one sample more: of accuracy, whose differences are bounded, by the sequence
 * for such. */
typedef struct sequence {
    mmn_confidence confidence;
    mmn_bounded_confidence bounded;
    double centre, half;
} sequence;

static void add(sequence *known, double difference, const stopping_settings *settings)
{
    if (strcmp(settings->measure, "accuracy") == 0) {
        mmn_bounded_confidence_add(&known->bounded, difference);
        known->centre = mmn_bounded_confidence_centre(&known->bounded);
        known->half = mmn_bounded_confidence_half_width(&known->bounded);
    } else {
        mmn_confidence_add(&known->confidence, difference);
        known->centre = known->confidence.mean;
        known->half = mmn_confidence_half_width(&known->confidence);
    }
}

static void repeat(outcome *found, const paired *pair, double truth, uint32_t repetition,
                   const stopping_settings *settings)
{
    sequence known = {0};
    bool stopped = false, covered = true;
    uint32_t used = 0;

    while (used < settings->samples && !stopped) {
        const mmn_random_place place = {.seed = 1, .at = {repetition, used++}};
        const uint32_t chosen = mmn_random_below(&place, (uint32_t)pair->count);
        add(&known, pair->differences[chosen], settings);
        covered = covered && fabs(known.centre - truth) <= known.half;
        stopped = known.half <= settings->until;
    }
    found->used += used;
    found->stopped += stopped;
    found->wrong += stopped && fabs(known.centre - truth) > settings->until;
    found->uncovered += !covered;
}

static void print(const paired *pair, const stopping_settings *settings)
{
    const double all = (double)settings->repetitions;
    double truth = 0, squares = 0;
    outcome found = {0};

    for (size_t i = 0; i < pair->count; i++)
        truth += pair->differences[i] / (double)pair->count;
    for (size_t i = 0; i < pair->count; i++)
        squares += pow(pair->differences[i] - truth, 2);
    for (uint32_t i = 0; i < settings->repetitions; i++)
        repeat(&found, pair, truth, i, settings);
    printf("| %s | %s | %.4f | %.4f | %.1f %% | %.0f | %.1f %% | %.1f %% | %.1f %% |\n",
           pair->setting, pair->domain, truth, sqrt(squares / (double)(pair->count - 1)),
           100 * (double)found.stopped / all, found.used / all,
           100 * (1 - found.used / all / settings->samples), 100 * (double)found.wrong / all,
           100 * (double)found.uncovered / all);
}

static int measure(const json_t *runs, const stopping_settings *settings)
{
    size_t i;
    json_t *run;

    printf("| setting | domain | difference | deviation | stopped | samples | saved | wrong |"
           " outside |\n|---|---|---|---|---|---|---|---|---|\n");
    json_array_foreach((json_t *)(uintptr_t)runs, i, run)
    {
        paired pair = {.setting = json_string_value(json_object_get(run, "setting")),
                       .domain = json_string_value(json_object_get(run, "domain")),
                       .count = json_array_size(json_object_get(run, "predictions"))};
        if (!pair.setting || !pair.domain || pair.count < 2 || !is(run, "off", "domain") ||
            !is(run, "neurons_of", pair.domain))
            continue;
        pair.own = mmn_allocate(2 * pair.count, sizeof *pair.own, NULL);
        if (!pair.own)
            return EXIT_FAILURE;
        pair.differences = pair.own + pair.count;
        read_values(&pair, runs, settings->measure);
        if (pair.seeds > 0)
            print(&pair, settings);
        mmn_free(pair.own);
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"until", required_argument, NULL, 'u'},
                                            {"samples", required_argument, NULL, 'n'},
                                            {"repetitions", required_argument, NULL, 'r'},
                                            {"measure", required_argument, NULL, 'm'},
                                            {NULL, 0, NULL, 0}};
    stopping_settings settings = {
        .until = 0.02, .samples = 1000, .repetitions = 1000, .measure = "likelihood"};
    json_error_t problem;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (option) {
        case 'u': settings.until = strtod(optarg, NULL); break;
        case 'n': settings.samples = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'r': settings.repetitions = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'm': settings.measure = optarg; break;
        default: return EXIT_FAILURE;
        }
    if (optind + 1 != argc) {
        fprintf(stderr, "usage: bench/stopping [OPTION]... EVAL.json\n");
        return EXIT_FAILURE;
    }
    json_t *document = json_load_file(argv[optind], 0, &problem);
    if (!document) {
        fprintf(stderr, "%s: %s\n", argv[optind], problem.text);
        return EXIT_FAILURE;
    }
    printf("%s, half width %g, lists of %u samples, %u repetitions\n\n", settings.measure,
           settings.until, (unsigned)settings.samples, (unsigned)settings.repetitions);
    const int status = measure(json_object_get(document, "runs"), &settings);
    json_decref(document);
    return status;
}
