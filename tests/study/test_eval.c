/* Evaluations of a golden checkpoint: every answer is that of a session of its own with the mask,
 * and every number follows from the answers. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "mmneuron.h"
#include "study/bootstrap.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5"
#define NEURONS MMN_SOURCE_DIR "/tests/mask/data/masked.json"
#define IMAGES MMN_SOURCE_DIR "/golden/images/"

enum { TOKENS = 5, SAMPLES = 5, SEEDS = 2 };

static const struct {
    const char *domain, *image, *question;
} samples[SAMPLES] = {
    {"medical", IMAGES "retina.jpg", "Which organ?"}, {"documents", IMAGES "wide.jpg", "What?"},
    {"medical", IMAGES "grey.jpg", "Is it well?"},    {"documents", NULL, "Who is it?"},
    {"documents", IMAGES "tall.jpg", "Where?"},
};

static mmn_error error;
static mmn_model *model;
static char list[] = "/tmp/mmneuron-eval-XXXXXX";

/* How answers are found. */
static mmn_beam_search search;
static mmn_sampling sampling;

/* The answer of a session of its own, freed with mmn_release. */
static char *answer_alone(size_t sample, const mmn_mask *mask)
{
    const char *image = samples[sample].image;
    char *prompt, *text;
    int32_t ids[TOKENS];
    size_t count;
    mmn_input *input;
    mmn_session *session;
    cr_assert_eq(mmn_prompt_from_template(model, NULL, samples[sample].question, image != NULL,
                                          &prompt, &error),
                 MMN_OK);
    cr_assert_eq(mmn_input_from_prompt(&input, model, prompt, &image, image != NULL, &error),
                 MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    if (mask)
        cr_assert_eq(mmn_session_add_mask(session, mask, &error), MMN_OK);
    cr_assert_eq(mmn_session_set_sampling(session, &sampling, &error), MMN_OK);
    cr_assert_eq(mmn_session_set_beam_search(session, &search, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
    cr_assert_eq(mmn_session_generate(session, TOKENS, ids, &count, &error), MMN_OK);
    cr_assert_eq(mmn_model_decode(model, ids, count, 1, &text, &error), MMN_OK);
    mmn_session_free(session);
    mmn_input_free(input);
    mmn_release(prompt);
    return text;
}

/* A list whose first sample of each domain has its plain answer for a right one. */
static void write_list(void)
{
    FILE *file = fopen(list, "w");
    for (size_t i = 0; i < SAMPLES; i++) {
        char *answer = answer_alone(i, NULL);
        json_t *line = json_pack("{s:s, s:s, s:[s], s:s}", "domain", samples[i].domain, "question",
                                 samples[i].question, "answers", i < 2 ? answer : "no such thing",
                                 "metric", i % 2 ? "exact" : "anls");
        if (samples[i].image)
            json_object_set_new(line, "image", json_string(samples[i].image));
        cr_assert_eq(json_dumpf(line, file, JSON_COMPACT), 0);
        fprintf(file, "\n");
        json_decref(line);
        mmn_release(answer);
    }
    fclose(file);
}

static void set_up(void)
{
    int descriptor = mkstemp(list);
    cr_assert_geq(descriptor, 0);
    close(descriptor);
    cr_assert_eq(mmn_model_open(&model, MODEL, NULL, &error), MMN_OK, "%s", error.message);
    write_list();
}

static void tear_down(void)
{
    mmn_model_close(model);
    unlink(list);
}

TestSuite(eval, .init = set_up, .fini = tear_down);

static json_t *evaluate(const mmn_eval_options *options)
{
    mmn_result *evaluation;
    char *text;
    cr_assert_eq(mmn_eval(&evaluation, model, options, &error), MMN_OK, "%s: %s: %s", error.file,
                 error.where, error.message);
    cr_assert_eq(mmn_result_json(evaluation, &text, &error), MMN_OK);
    json_t *result = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(result, "%s", text);
    mmn_release(text);
    mmn_result_free(evaluation);
    return result;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* The mask that a run says it has; NULL: nothing is off. */
static mmn_mask *mask_of(const json_t *run)
{
    mmn_mask *mask, *random;
    if (strcmp(text_of(run, "off"), "nothing") == 0)
        return NULL;
    cr_assert_eq(mmn_mask_from_file(&mask, model, NEURONS, text_of(run, "neurons_of"),
                                    text_of(run, "setting"), 0, &error),
                 MMN_OK);
    if (strcmp(text_of(run, "off"), "domain") == 0)
        return mask;
    cr_assert_eq(mmn_mask_random(&random, mask, (uint64_t)number_of(run, "seed"), &error), MMN_OK);
    mmn_mask_free(mask);
    return random;
}

static void check_run(const json_t *run)
{
    const json_t *predictions = json_object_get(run, "predictions");
    mmn_mask *mask = mask_of(run);
    double sum = 0;
    size_t next = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        if (strcmp(samples[i].domain, text_of(run, "domain")) != 0)
            continue;
        const json_t *prediction = json_array_get(predictions, next++);
        char *answer = answer_alone(i, mask);
        cr_expect_str_eq(text_of(prediction, "answer"), answer, "%s, %s, sample %zu",
                         text_of(run, "setting"), text_of(run, "off"), i);
        sum += number_of(prediction, "score");
        mmn_release(answer);
    }
    cr_assert_gt(next, 1);
    cr_expect_eq(next, json_array_size(predictions));
    cr_expect_eq((double)next, number_of(run, "samples"));
    cr_expect_float_eq(number_of(run, "accuracy"), sum / (double)next, 1e-15);
    const json_t *neurons = json_object_get(run, "neurons");
    cr_expect_eq(number_of(neurons, "language"),
                 mask ? (double)mmn_mask_neurons(mask, "language", -1) : 0);
    mmn_mask_free(mask);
}

static const mmn_eval_options options = {.size = sizeof(options),
                                         .list = list,
                                         .neurons = NEURONS,
                                         .settings = "language,vision+projector,all",
                                         .cross = "language",
                                         .seeds = SEEDS,
                                         .first_seed = 3,
                                         .tokens = TOKENS};

Test(eval, answers_are_those_of_a_session_each)
{
    json_t *result = evaluate(&options), *run;
    size_t i, changed = 0;
    const json_t *runs = json_object_get(result, "runs");
    /* None; per setting and domain its neurons and the random ones; the rest of the cross table. */
    cr_expect_eq(json_array_size(runs), 2 + 3 * 2 * (1 + SEEDS) + 2);
    json_array_foreach((json_t *)(uintptr_t)runs, i, run)
    {
        check_run(run);
        changed += i >= 2 && number_of(run, "accuracy") == 0;
    }
    cr_expect_gt(number_of(json_array_get(runs, 0), "accuracy"), 0.3);
    cr_expect_gt(changed, 0);
    json_decref(result);
}

/* The run of a result with these neurons off. */
static const json_t *run_of(const json_t *result, const char *setting, const char *off,
                            const char *of, const char *domain)
{
    const json_t *runs = json_object_get(result, "runs");
    for (size_t i = 0; i < json_array_size(runs); i++) {
        const json_t *run = json_array_get(runs, i);
        const char *whose = text_of(run, "neurons_of");
        if (strcmp(text_of(run, "setting"), setting) == 0 &&
            strcmp(text_of(run, "off"), off) == 0 && (!of || strcmp(whose, of) == 0) &&
            strcmp(text_of(run, "domain"), domain) == 0)
            return run;
    }
    return NULL;
}

/* Compares a case with the predictions before and after, and the sample. */
static void expect_case(const json_t *told, const json_t *before, const json_t *after,
                        size_t sample)
{
    cr_expect_str_eq(text_of(told, "id"), text_of(before, "id"));
    cr_expect_str_eq(text_of(told, "before"), text_of(before, "answer"));
    cr_expect_str_eq(text_of(told, "after"), text_of(after, "answer"));
    cr_expect_eq(number_of(told, "score_before"), number_of(before, "score"));
    cr_expect_eq(number_of(told, "score_after"), number_of(after, "score"));
    cr_expect_str_eq(text_of(told, "question"), samples[sample].question);
    cr_expect_eq(json_array_size(json_object_get(told, "right_answers")), 1);
    const json_t *images = json_object_get(told, "images");
    cr_assert_eq(json_array_size(images), samples[sample].image != NULL);
    if (samples[sample].image)
        cr_expect_str_eq(json_string_value(json_array_get(images, 0)), samples[sample].image);
}

/* Compares what is told of the changes in a run with the predictions; how many cases there are. */
static size_t check_changes(const json_t *result, const json_t *changes, size_t most)
{
    const char *domain = text_of(changes, "domain");
    const json_t *plain = run_of(result, "none", "nothing", NULL, domain);
    const json_t *run = run_of(result, text_of(changes, "setting"), "domain",
                               text_of(changes, "neurons_of"), domain);
    const json_t *cases = json_object_get(changes, "cases");
    size_t changed = 0, place = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        if (strcmp(samples[i].domain, domain) != 0)
            continue;
        const json_t *before = json_array_get(json_object_get(plain, "predictions"), place);
        const json_t *after = json_array_get(json_object_get(run, "predictions"), place++);
        if (strcmp(text_of(before, "answer"), text_of(after, "answer")) == 0)
            continue;
        if (changed++ < most)
            expect_case(json_array_get(cases, changed - 1), before, after, i);
    }
    cr_expect_eq(number_of(changes, "changed"), (double)changed);
    cr_expect_eq(number_of(changes, "samples"), (double)place);
    cr_expect_eq(json_array_size(cases), changed < most ? changed : most);
    return changed;
}

Test(eval, tells_the_first_answers_that_change)
{
    for (size_t most = 1; most < 3; most++) {
        mmn_eval_options changed = options;
        changed.cases = most;
        json_t *result = evaluate(&changed), *entry, *changes = json_object_get(result, "changes");
        size_t i, cases = 0;
        /* Three settings in their own domains, and the rest of the cross table. */
        cr_expect_eq(json_array_size(changes), 3 * 2 + 2);
        json_array_foreach(changes, i, entry) cases += check_changes(result, entry, most);
        cr_expect_gt(cases, 3);
        json_decref(result);
    }
}

Test(eval, answers_with_beams_are_those_of_a_session_each)
{
    mmn_eval_options with_beams = options;
    search = (mmn_beam_search){.beams = 3, .length_penalty = 0.5};
    sampling.repetition_penalty = 1.5;
    with_beams.settings = "language";
    with_beams.cross = NULL;
    with_beams.beam_search = search;
    with_beams.repetition_penalty = sampling.repetition_penalty;
    json_t *result = evaluate(&with_beams), *run, *settings = json_object_get(result, "settings");
    size_t i;
    json_array_foreach(json_object_get(result, "runs"), i, run) check_run(run);
    cr_expect_eq(number_of(settings, "num_beams"), 3);
    cr_expect_eq(number_of(settings, "length_penalty"), 0.5);
    cr_expect_eq(number_of(settings, "repetition_penalty"), 1.5);
    cr_expect_str_eq(text_of(settings, "early_stopping"), "false");
    json_decref(result);
}

/* However many ways of answering go side by side. */
Test(eval, is_the_same_side_by_side_and_one_by_one)
{
    static const uint32_t batches[] = {1, 3, 1000};
    json_t *expected = evaluate(&options);
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        mmn_eval_options changed = options;
        changed.batch = batches[i];
        json_t *result = evaluate(&changed);
        cr_expect(json_equal(result, expected), "%u side by side", batches[i]);
        json_decref(result);
    }
    json_decref(expected);
}

/* Whether the runs of one sample a domain, with no random neurons, have these settings in turn. */
static void expect_settings(const char *settings, const char *neurons, const char *const *expected,
                            size_t count)
{
    const mmn_eval_options few = {.size = sizeof(few),
                                  .list = list,
                                  .neurons = neurons,
                                  .settings = settings,
                                  .samples = 1,
                                  .tokens = 1};
    json_t *result = evaluate(&few), *run;
    size_t i, domains = json_array_size(json_object_get(result, "domains"));
    cr_expect_eq(json_array_size(json_object_get(result, "runs")), count * domains);
    json_array_foreach(json_object_get(result, "runs"), i, run) cr_expect(
        i < count * domains && strcmp(text_of(run, "setting"), expected[i / domains]) == 0,
        "run %zu", i);
    json_decref(result);
}

Test(eval, none_is_first_and_the_usual_settings_follow)
{
    static const char *const usual[] = {"none",      "language", "vision", "vision+projector",
                                        "projector", "all"};
    static const char *const named[] = {"none", "projector", "language"};
    expect_settings(NULL, NEURONS, usual, 6);
    expect_settings("projector,none,language", NEURONS, named, 3);
    expect_settings("none", NEURONS, named, 1);
    expect_settings("none", NULL, named, 1);
    expect_settings(NULL, NULL, named, 1);
}

/* The accuracy of the run with these neurons off; of the n-th random one. */
static double accuracy_of(const json_t *result, const char *setting, const char *off,
                          const char *of, const char *domain, size_t number)
{
    size_t i;
    json_t *run;
    json_array_foreach(json_object_get(result, "runs"), i,
                       run) if (strcmp(text_of(run, "setting"), setting) == 0 &&
                                strcmp(text_of(run, "off"), off) == 0 &&
                                (!of || strcmp(text_of(run, "neurons_of"), of) == 0) &&
                                strcmp(text_of(run, "domain"), domain) == 0 &&
                                number-- == 0) return number_of(run, "accuracy");
    cr_assert_fail("no run of %s with %s off in %s", setting, off, domain);
    return 0;
}

/* With two seeds the interval's half width is t(0.975; 1) = tan(0.475 pi) times half the
 * distance. */
Test(eval, summaries_follow_from_the_runs)
{
    json_t *result = evaluate(&options), *row;
    size_t i;
    cr_expect_eq(json_array_size(json_object_get(result, "summary")), 6);
    json_array_foreach(json_object_get(result, "summary"), i, row)
    {
        const char *setting = text_of(row, "setting"), *domain = text_of(row, "domain");
        double first = accuracy_of(result, setting, "random", domain, domain, 0);
        double second = accuracy_of(result, setting, "random", domain, domain, 1);
        double half = tan(0.475 * acos(-1)) * fabs(first - second) / 2;
        const json_t *interval = json_object_get(row, "random_interval");
        cr_expect_float_eq(number_of(row, "plain"),
                           accuracy_of(result, "none", "nothing", NULL, domain, 0), 1e-15);
        cr_expect_float_eq(number_of(row, "domain_off"),
                           accuracy_of(result, setting, "domain", domain, domain, 0), 1e-15);
        cr_expect_float_eq(number_of(row, "random_mean"), (first + second) / 2, 1e-15);
        cr_expect_float_eq(json_number_value(json_array_get(interval, 0)),
                           (first + second) / 2 - half, 1e-12);
        cr_expect_float_eq(json_number_value(json_array_get(interval, 1)),
                           (first + second) / 2 + half, 1e-12);
    }
    const json_t *cross = json_array_get(json_object_get(result, "cross"), 0);
    static const char *const domains[] = {"documents", "medical"};
    for (size_t of = 0; of < 2; of++)
        for (size_t d = 0; d < 2; d++)
            cr_expect_eq(json_number_value(json_array_get(
                             json_array_get(json_object_get(cross, "accuracy"), of), d)),
                         accuracy_of(result, "language", "domain", domains[of], domains[d], 0));
    json_decref(result);
}

/* ---- Likelihood ------------------------------------------------------------------------------ */

/* The mean over the predictions of a run, and what a prediction has of it. */
static double mean_likelihood(const json_t *run)
{
    double sum = 0;
    size_t i;
    json_t *prediction;
    json_array_foreach(json_object_get(run, "predictions"), i, prediction)
        sum += number_of(prediction, "log_probability") / number_of(prediction, "reference_tokens");
    return sum / (double)i;
}

/* Whether what a run has of likelihood is in both; one of them has nothing else. */
static void expect_same_likelihood(const json_t *run, const json_t *alone)
{
    static const char *const keys[] = {"id", "reference", "log_probability", "reference_tokens"};
    const json_t *predictions = json_object_get(run, "predictions");
    size_t i;
    json_t *prediction;
    cr_expect_null(json_object_get(alone, "accuracy"));
    cr_expect_null(json_object_get(alone, "measures"));
    cr_expect_float_eq(number_of(run, "log_probability_per_token"), mean_likelihood(run), 1e-12);
    cr_expect_eq(number_of(run, "log_probability_per_token"),
                 number_of(alone, "log_probability_per_token"));
    json_array_foreach(json_object_get(alone, "predictions"), i, prediction)
    {
        cr_expect_eq(json_object_size(prediction), sizeof keys / sizeof keys[0]);
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
            cr_expect(json_equal(json_object_get(prediction, keys[k]),
                                 json_object_get(json_array_get(predictions, i), keys[k])),
                      "%s", keys[k]);
    }
    cr_expect_eq(i, json_array_size(predictions));
}

Test(eval, likelihood_alone_is_that_beside_answers)
{
    mmn_eval_options changed = options;
    json_t *both = evaluate(&options), *run;
    size_t i, differences = 0;
    changed.measures = "likelihood";
    json_t *alone = evaluate(&changed);
    changed.measures = "answers";
    json_t *without = evaluate(&changed);
    cr_expect(
        json_equal(json_object_get(both, "likelihood"), json_object_get(alone, "likelihood")));
    cr_expect_null(json_object_get(without, "likelihood"));
    cr_expect_null(json_object_get(json_object_get(alone, "settings"), "tokens"));
    cr_expect_eq(json_array_size(json_object_get(alone, "summary")), 0);
    json_array_foreach(json_object_get(both, "runs"), i, run)
    {
        const json_t *other = json_array_get(json_object_get(without, "runs"), i);
        expect_same_likelihood(run, json_array_get(json_object_get(alone, "runs"), i));
        cr_expect_null(json_object_get(other, "log_probability_per_token"));
        cr_expect_eq(number_of(other, "accuracy"), number_of(run, "accuracy"));
        differences += i >= 2 && number_of(run, "log_probability_per_token") !=
                                     number_of(json_array_get(json_object_get(both, "runs"), 0),
                                               "log_probability_per_token");
    }
    cr_expect_gt(differences, 10);
    json_decref(both);
    json_decref(alone);
    json_decref(without);
}

/* Cross tables differ from nothing off by what the runs do. */
Test(eval, likelihood_is_crossed_around_nothing_off)
{
    static const char *const domains[] = {"documents", "medical"};
    json_t *result = evaluate(&options), *run;
    const json_t *likelihood = json_object_get(result, "likelihood");
    const json_t *cross = json_array_get(json_object_get(likelihood, "cross"), 0);
    double plain[2], off[2][2];
    size_t i;
    json_array_foreach(json_object_get(result, "runs"), i, run)
    {
        const size_t d = strcmp(text_of(run, "domain"), domains[1]) == 0;
        if (strcmp(text_of(run, "off"), "nothing") == 0)
            plain[d] = mean_likelihood(run);
        if (strcmp(text_of(run, "off"), "domain") == 0 &&
            strcmp(text_of(run, "setting"), "language") == 0)
            off[strcmp(text_of(run, "neurons_of"), domains[1]) == 0][d] = mean_likelihood(run);
    }
    for (size_t of = 0; of < 2; of++)
        for (size_t d = 0; d < 2; d++)
            cr_expect_float_eq(json_number_value(json_array_get(
                                   json_array_get(json_object_get(cross, "difference"), of), d)),
                               off[of][d] - plain[d], 1e-12);
    cr_expect_eq(json_array_size(json_object_get(likelihood, "summary")), 6);
    json_decref(result);
}

/* ---- Comparisons ----------------------------------------------------------------------------- */

/* What a measure says of a run's sample. */
static double value_of(const json_t *run, const char *measure, size_t sample)
{
    const json_t *prediction = json_array_get(json_object_get(run, "predictions"), sample);
    return strcmp(measure, "accuracy") == 0 ? number_of(prediction, "score")
                                            : number_of(prediction, "log_probability") /
                                                  number_of(prediction, "reference_tokens");
}

/* The mean over the runs of a comparison's side for one of its domain's samples. */
static double side_of(const json_t *result, const json_t *comparison, const char *side,
                      size_t sample)
{
    const char *setting = text_of(comparison, "setting"), *domain = text_of(comparison, "domain");
    double sum = 0;
    size_t i, count = 0;
    json_t *run;
    json_array_foreach(json_object_get(result, "runs"), i, run)
    {
        const char *off = text_of(run, "off"), *of = text_of(run, "neurons_of");
        const bool own = of && strcmp(of, domain) == 0;
        const bool wanted = strcmp(side, "nothing") == 0 ? strcmp(off, "nothing") == 0
                            : strcmp(side, "random") == 0
                                ? strcmp(off, "random") == 0
                                : strcmp(off, "domain") == 0 && own == (strcmp(side, "own") == 0);
        if (!wanted || strcmp(text_of(run, "domain"), domain) != 0 ||
            (of && strcmp(text_of(run, "setting"), setting) != 0))
            continue;
        sum += value_of(run, text_of(comparison, "measure"), sample);
        count++;
    }
    cr_assert_gt(count, 0, "%s of %s in %s", side, domain, setting);
    return sum / (double)count;
}

/* A list of MANY questions about documents with this answer, and of one about something medical. */
enum { MANY = 12 };
static void write_long_list(const char *answer)
{
    FILE *file = fopen(list, "w");
    for (int i = 0; i < MANY; i++)
        fprintf(file,
                "{\"domain\": \"documents\", \"question\": \"Number %d\", \"answers\": [\"%s\"]}\n",
                i, answer);
    fprintf(file, "{\"domain\": \"medical\", \"question\": \"Well?\", \"answers\": [\"no\"]}\n");
    fclose(file);
}

static void check_comparison(const json_t *result, const json_t *comparison)
{
    const size_t count = (size_t)number_of(comparison, "samples");
    const json_t *found = json_object_get(comparison, "interval");
    const char *shows = text_of(comparison, "shows");
    double differences[MANY];
    cr_assert(count > 0 && count <= MANY);
    for (size_t i = 0; i < count; i++)
        differences[i] = side_of(result, comparison, text_of(comparison, "off"), i) -
                         side_of(result, comparison, text_of(comparison, "against"), i);
    const mmn_interval expected = mmn_bootstrap(differences, count, options.first_seed);
    const double low = json_number_value(json_array_get(found, 0));
    const double high = json_number_value(json_array_get(found, 1));
    cr_expect_float_eq(number_of(comparison, "difference"), expected.mean, 1e-12);
    if (count < 2) {
        cr_expect(json_is_null(found));
        cr_expect_str_eq(shows, "nothing");
        return;
    }
    cr_expect_float_eq(low, expected.low, 1e-12);
    cr_expect_float_eq(high, expected.high, 1e-12);
    cr_expect_str_eq(shows, high < 0 ? "lower" : low > 0 ? "higher" : "no difference");
}

Test(eval, comparisons_follow_from_the_predictions)
{
    write_long_list("it");
    json_t *result = evaluate(&options), *comparison;
    size_t i, others = 0, shown = 0;
    json_array_foreach(json_object_get(result, "comparisons"), i, comparison)
    {
        check_comparison(result, comparison);
        others += strcmp(text_of(comparison, "off"), "others") == 0;
        shown += strcmp(text_of(comparison, "shows"), "lower") == 0 ||
                 strcmp(text_of(comparison, "shows"), "higher") == 0;
    }
    /* Of two measures, three settings and two domains, one of the settings crossed. */
    cr_expect_eq(i, 2 * 3 * 2 * 2 + 2 * 2);
    cr_expect_eq(others, 2 * 2);
    cr_expect_gt(shown, 0);
    cr_expect_eq(number_of(json_object_get(result, "bootstrap"), "seed"), 3);
    json_decref(result);
}

/* Whether the table has the statement. */
static void expect_statement(const mmn_eval_options *asked, const char *statement)
{
    mmn_result *evaluation;
    char *table;
    cr_assert_eq(mmn_eval(&evaluation, model, asked, &error), MMN_OK);
    cr_assert_eq(mmn_result_table(evaluation, &table, &error), MMN_OK);
    cr_expect_not_null(strstr(table, statement), "no \"%s\" in\n%s", statement, table);
    mmn_release(table);
    mmn_result_free(evaluation);
}

/* How many statements of documents say that likelihood is `shows` by these options, and whether the
 * table has them. */
static size_t count_statements(const char *shows)
{
    json_t *result = evaluate(&options), *row;
    size_t i, count = 0;
    json_array_foreach(json_object_get(result, "comparisons"), i, row)
    {
        const json_t *interval = json_object_get(row, "interval");
        const double low = fabs(json_number_value(json_array_get(interval, 0)));
        const double high = fabs(json_number_value(json_array_get(interval, 1)));
        char text[200];
        if (strcmp(text_of(row, "measure"), "accuracy") == 0 ||
            strcmp(text_of(row, "against"), "random") != 0 ||
            strcmp(text_of(row, "off"), "own") != 0 || strcmp(text_of(row, "shows"), shows) != 0)
            continue;
        count++;
        snprintf(text, sizeof text, "  %s: ln p per token is %.2g (%.2g to %.2g) %s\n",
                 text_of(row, "domain"), fabs(number_of(row, "difference")), fmin(low, high),
                 fmax(low, high), shows);
        expect_statement(&options, text);
    }
    json_decref(result);
    return count;
}

Test(eval, statements_say_what_intervals_show)
{
    mmn_eval_options changed = options;
    write_long_list("no such thing");
    cr_expect_gt(count_statements("higher"), 0);
    write_long_list("it");
    cr_expect_gt(count_statements("lower"), 0);
    expect_statement(&changed, "  medical: too few samples, 1, to show anything\n");
    changed.samples = 9;
    expect_statement(&changed, "  documents: too few samples, 9, to show anything\n");
    changed.samples = 0;
    changed.measures = "answers";
    expect_statement(&changed,
                     "  documents: no difference is seen in accuracy: 0 (0 to 0) points\n");
}

static void expect_refused(mmn_eval_options changed, mmn_status expected, const char *part)
{
    mmn_result *evaluation;
    cr_expect_eq(mmn_eval(&evaluation, model, &changed, &error), expected, "%s", error.message);
    cr_expect_null(evaluation);
    cr_expect_not_null(strstr(error.message, part), "\"%s\" instead of \"%s\"", error.message,
                       part);
}

Test(eval, refuses_what_cannot_be)
{
    mmn_eval_options changed = options;
    changed.settings = "language,qformer";
    expect_refused(changed, MMN_USAGE, "qformer");
    changed.settings = "language,all,language";
    expect_refused(changed, MMN_USAGE, "\"language\" is named twice");
    changed.settings = "language,";
    expect_refused(changed, MMN_USAGE, "no name");
    changed = options;
    changed.measures = "likelihood,accuracy";
    expect_refused(changed, MMN_USAGE, "\"accuracy\" is no measure");
    changed.measures = "answers,answers";
    expect_refused(changed, MMN_USAGE, "named twice");
    changed = options;
    changed.cross = "vision";
    expect_refused(changed, MMN_USAGE, "cross");
    changed = options;
    changed.neurons = NULL;
    expect_refused(changed, MMN_USAGE, "needs a file");
    changed = options;
    changed.seeds = 32;
    expect_refused(changed, MMN_USAGE, "31");
    changed = options;
    changed.template_name = "no-such";
    expect_refused(changed, MMN_USAGE, "no-such");
    const char text[] = "{\"domain\": \"medical\", \"question\": \"Who?\", \"answers\": [\"I\"]}\n"
                        "{\"domain\": \"medical\", \"image\": \"none.jpg\", \"question\": \"?\","
                        " \"answers\": [\"I\"]}\n";
    cr_assert_eq(mmn_write_file(list, text, strlen(text), &error), MMN_OK);
    expect_refused(options, MMN_INPUT, "none.jpg");
    cr_expect_str_eq(error.where, "line 2");
    const char other[] =
        "{\"domain\": \"driving\", \"question\": \"Who?\", \"answers\": [\"I\"]}\n";
    cr_assert_eq(mmn_write_file(list, other, strlen(other), &error), MMN_OK);
    expect_refused(options, MMN_INPUT, "driving");
}
