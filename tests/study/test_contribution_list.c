/* Multi-modal neurons over a list: what is found of each word and measured between words against
 * PyTorch in float64 (golden/contribution_list.json, and contribution_list_linear.json of the
 * original LLaVA), where images are shuffled and weights have noise; which words are taken; and
 * rows that no study can have made. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "model/model.h"
#include "study/contribution_list.h"
#include "tests/tools/needs.h"
#include "tests/tools/scratch.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5"
#define IMAGES MMN_SOURCE_DIR "/golden/images/"
#define GOLDEN MMN_SOURCE_DIR "/golden/contribution_list.json"
#define LINEAR_MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-linear-224"
#define LINEAR_GOLDEN MMN_SOURCE_DIR "/golden/contribution_list_linear.json"

static mmn_error error;
static mmn_model *model;
static json_t *golden;
static mmn_contribution_options options;
static char file[300];

/* Takes another model and what PyTorch found in it, in place of those that are open. */
static void take(const char *folder, const char *expected)
{
    json_error_t problem;
    json_decref(golden);
    mmn_model_close(model);
    cr_assert_eq(mmn_model_open(&model, folder, NULL, &error), MMN_OK, "%s", error.message);
    golden = json_load_file(expected, 0, &problem);
    cr_assert(golden, "%s", problem.text);
}

static void set_up(void)
{
    scratch_make();
    take(MODEL, GOLDEN);
    snprintf(file, sizeof file, "%s", scratch_path("list.jsonl"));
    options = (mmn_contribution_options){
        .size = sizeof options,
        .list = file,
        .all_words = 1,
        .tokens = (uint64_t)json_integer_value(json_object_get(golden, "tokens")),
        .top = (uint64_t)json_integer_value(json_object_get(golden, "top")),
        .names = (uint64_t)json_integer_value(json_object_get(golden, "names")),
        .seeds = 2,
        .first_seed = 1,
        .shuffles = 2,
        .at_least = 2,
        .weight_noise = json_number_value(json_object_get(golden, "deviation"))};
}

static void tear_down(void)
{
    json_decref(golden);
    mmn_model_close(model);
    scratch_remove();
}

TestSuite(contribution_list, .init = set_up, .fini = tear_down);

/* The golden pictures, in two domains; `more` ends each line. */
static void write_list(const char *more)
{
#ifndef HAVE_LIBPNG
    cr_skip_test("a picture is PNG, which this build does without");
#endif
    FILE *stream = fopen(file, "w");
    size_t i;
    const json_t *sample;
    cr_assert_not_null(stream);
    json_array_foreach(json_object_get(golden, "samples"), i, sample)
    {
        char image[600];
        snprintf(image, sizeof image, "%s%s", IMAGES,
                 json_string_value(json_object_get(sample, "image")));
        json_t *line = json_pack("{s:s, s:s, s:O}", "domain", i < 3 ? "a" : "b", "image", image,
                                 "prompt", json_object_get(sample, "prompt"));
        char *text = json_dumps(line, 0);
        text[strlen(text) - 1] = '\0';
        fprintf(stream, "%s%s}\n", text, more);
        free(text);
        json_decref(line);
    }
    cr_assert_eq(fclose(stream), 0);
}

static mmn_contribution_list *run(void)
{
    mmn_contribution_list *list = mmn_allocate(1, sizeof *list, NULL);
    cr_assert_eq(mmn_study_find(&mmn_contribution_list_kind, list, model, &options, &error), MMN_OK,
                 "%s: %s: %s", error.file, error.where, error.message);
    return list;
}

static void end(mmn_contribution_list *list)
{
    mmn_study_close(&mmn_contribution_list_kind, list);
    mmn_free(list);
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* ---- Against PyTorch ------------------------------------------------------------------------- */

static bool has_neuron(const json_t *neurons, uint64_t layer, uint64_t neuron)
{
    size_t i;
    const json_t *pair;
    json_array_foreach(neurons, i,
                       pair) if ((uint64_t)json_integer_value(json_array_get(pair, 0)) == layer &&
                                 (uint64_t)json_integer_value(json_array_get(pair, 1)) ==
                                     neuron) return true;
    return false;
}

static void check_mean(double found, bool known, const json_t *expected, const char *what)
{
    cr_expect_eq(known, !json_is_null(expected), "%s", what);
    if (known)
        cr_expect_float_eq(found, json_number_value(expected), 1e-9, "%s: %g, expected %g", what,
                           found, json_number_value(expected));
}

static void check_order(const mmn_contribution_list *list, const mmn_said_sample *sample,
                        const mmn_said_neurons *said, const json_t *word, const char *order)
{
    const json_t *neurons = json_object_get(json_object_get(word, "neurons"), order);
    const json_t *measures = json_object_get(json_object_get(word, "measures"), order);
    for (size_t i = 0; i < list->asked.top; i++)
        cr_expect(
            has_neuron(neurons, said->numbers[i] / list->neurons, said->numbers[i] % list->neurons),
            "%s of %s", order, json_string_value(json_object_get(word, "text")));
    for (size_t i = 0; i < list->shown; i++)
        cr_expect(has_neuron(neurons, said->shown[i].layer, said->shown[i].neuron));
    check_mean(said->region, said->shuffles > 0, json_object_get(measures, "region"), "region");
    check_mean(said->shared, sample->word_count > 1, json_object_get(measures, "shared"), "shared");
    check_mean(said->named, true, json_object_get(measures, "named"), "named");
    cr_expect_float_eq(said->own, number_of(measures, "own"), 1e-5);
    cr_expect_float_eq(said->any, number_of(measures, "any"), 1e-5);
}

static double mean_of(const json_t *array)
{
    double sum = 0;
    for (size_t i = 0; i < json_array_size(array); i++)
        sum += json_number_value(json_array_get(array, i));
    return sum / (double)json_array_size(array);
}

/* Noise in weights that PyTorch has added to the weights, and the most active neurons off. */
static void check_disturbed(const mmn_said_word *said, const json_t *word)
{
    const json_t *weights = json_object_get(word, "weights");
    const double plain = number_of(word, "log_probability");
    const mmn_drop *drops = said->drops[MMN_DISTURB_WEIGHTS];
    cr_expect_float_eq(said->log_probability, plain, 1e-5);
    cr_expect_eq(drops[MMN_DISTURB_TOP].count, 2);
    cr_expect_float_eq(drops[MMN_DISTURB_TOP].interval.mean,
                       plain - mean_of(json_object_get(weights, "top")), 3e-5);
    cr_expect_float_eq(drops[MMN_DISTURB_RANDOM].interval.mean,
                       plain - mean_of(json_object_get(weights, "random")), 3e-5);
    const mmn_drop *active = &said->drops[MMN_DISTURB_OFF][MMN_DISTURB_ACTIVE];
    cr_expect_eq(active->count, 1);
    cr_expect_float_eq(active->interval.mean, plain - number_of(word, "active_off"), 1e-5);
}

static void check_sample(const mmn_contribution_list *list, const mmn_said_sample *found,
                         const json_t *expected)
{
    const json_t *words = json_object_get(expected, "words");
    cr_expect_str_eq(found->answer, json_string_value(json_object_get(expected, "answer")));
    cr_assert_eq(found->word_count, json_array_size(words));
    for (size_t w = 0; w < found->word_count; w++) {
        const mmn_said_word *said = &found->words[w];
        const json_t *word = json_array_get(words, w);
        cr_expect_str_eq(said->text, json_string_value(json_object_get(word, "text")));
        cr_expect_eq(said->token, (size_t)number_of(word, "token"));
        cr_expect_eq(said->id, (int32_t)number_of(word, "id"));
        for (int order = 0; order < MMN_NEURON_ORDERS; order++)
            check_order(list, found, &said->by[order], word,
                        mmn_neuron_order_name((mmn_neuron_order)order, &options));
        cr_expect_float_eq(said->named_random, number_of(word, "named_random"), 1e-9);
        check_disturbed(said, word);
    }
}

static void check_samples(void)
{
    write_list("");
    mmn_contribution_list *list = run();
    const json_t *samples = json_object_get(golden, "samples");
    cr_assert_eq(list->sample_count, json_array_size(samples));
    for (size_t i = 0; i < list->sample_count; i++)
        check_sample(list, &list->samples[i], json_array_get(samples, i));
    end(list);
}

static void check_across(void)
{
    write_list("");
    options.seeds = options.shuffles = 0;
    mmn_contribution_list *list = run();
    const json_t *across = json_object_get(golden, "across");
    const mmn_said_word **words;
    const size_t count = mmn_said_words(&words, list, SIZE_MAX);
    mmn_said_group group;
    size_t next = 0, compared = 0;
    cr_assert_gt(json_object_size(across), 0);
    while (mmn_said_next(&group, words, count, &next)) {
        const json_t *expected = json_object_get(across, group.words[0]->folded);
        cr_assert_eq(expected != NULL, group.count >= 2, "%s", group.words[0]->folded);
        for (int order = 0; expected && order < MMN_NEURON_ORDERS; order++) {
            mmn_common_neuron common[MMN_SHOWN_NEURONS];
            size_t neurons;
            double share;
            cr_assert(
                mmn_said_common(list, &group, (mmn_neuron_order)order, &share, common, &neurons));
            cr_expect_eq(group.count, (size_t)number_of(expected, "said"));
            cr_expect_float_eq(
                share,
                number_of(expected, mmn_neuron_order_name((mmn_neuron_order)order, &options)),
                1e-9);
            for (size_t i = 0; i < neurons; i++)
                cr_expect(common[i].words >= 2 && common[i].words <= group.count);
        }
        compared += expected != NULL;
    }
    cr_expect_eq(compared, json_object_size(across));
    mmn_free(words);
    end(list);
}

Test(contribution_list, is_that_of_pytorch)
{
    check_samples();
}

Test(contribution_list, compares_samples_as_pytorch_does)
{
    check_across();
}

/* Where a map is enlarged, its bar is another. */
static void check_bars(void)
{
    const json_t *bars = json_object_get(golden, "bars");
    const json_t *sample = json_array_get(json_object_get(golden, "samples"), 0);
    char path[600];
    snprintf(path, sizeof path, "%s%s", IMAGES,
             json_string_value(json_object_get(sample, "image")));
    const char *const image = path;
    options.list = NULL;
    options.shuffles = 0;
    options.seeds = 0;
    options.prompt = json_string_value(json_object_get(sample, "prompt"));
    options.images = &image;
    options.image_count = 1;
    for (options.enlarged = 0; options.enlarged < 2; options.enlarged++) {
        mmn_one_contribution *one = mmn_allocate(1, sizeof *one, NULL);
        cr_assert_eq(mmn_study_find(&mmn_contributions_kind, one, model, &options, &error), MMN_OK,
                     "%s", error.message);
        const mmn_answer_word *word = &one->found.words[0];
        for (size_t i = 0; i < word->neuron_count; i++) {
            const mmn_contributor *neuron = &word->neurons[MMN_BY_CONTRIBUTION][i];
            size_t k;
            const json_t *bar;
            bool found = false;
            json_array_foreach(bars, k, bar) if (number_of(bar, "layer") == neuron->layer &&
                                                 number_of(bar, "neuron") == neuron->neuron)
            {
                cr_expect_float_eq(neuron->bar,
                                   number_of(bar, options.enlarged ? "enlarged" : "patches"), 1e-5);
                found = true;
            }
            cr_expect(found, "%u/%u", neuron->layer, neuron->neuron);
        }
        mmn_study_close(&mmn_contributions_kind, one);
        mmn_free(one);
    }
}

Test(contribution_list, has_the_bars_of_numpy)
{
    check_bars();
}

/* 256 positions an image, and a projector of one layer: Pan et al.'s LLaVA. */
Test(contribution_list, is_that_of_pytorch_in_the_original_llava)
{
    take(LINEAR_MODEL, LINEAR_GOLDEN);
    check_samples();
}

Test(contribution_list, compares_samples_of_the_original_llava_as_pytorch_does)
{
    take(LINEAR_MODEL, LINEAR_GOLDEN);
    check_across();
}

Test(contribution_list, has_the_bars_of_numpy_in_the_original_llava)
{
    take(LINEAR_MODEL, LINEAR_GOLDEN);
    check_bars();
}

/* Where the MLP has no gate, what enters its output matrix is the activation. */
Test(contribution_list, adds_noise_to_weights_of_a_model_without_a_gate)
{
    const json_t *expected = json_object_get(golden, "without_gate");
    const json_t *before = json_object_get(expected, "before");
    const json_t *after = json_object_get(expected, "after");
    mmn_contributor neurons[100];
    mmn_weight_noise noise = {0};
    mmn_session *session;
    mmn_input *input;
    MMN_NEEDS("bloom");
    mmn_model_close(model);
    cr_assert_eq(mmn_model_open(&model, MMN_SOURCE_DIR "/golden/checkpoints/bloom", NULL, &error),
                 MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_input_from_prompt(&input, model,
                                       json_string_value(json_object_get(expected, "prompt")), NULL,
                                       0, &error),
                 MMN_OK);
    const size_t length = mmn_input_length(input), vocabulary = model->config.language.vocab_size;
    mmn_random_contributors(neurons, (size_t)options.top, model, 1);
    for (int noisy = 0; noisy < 2; noisy++) {
        cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
        if (noisy)
            cr_assert_eq(mmn_weight_noise_add(&noise, session, neurons, (size_t)options.top,
                                              options.weight_noise, 1, length, &error),
                         MMN_OK, "%s", error.message);
        cr_assert_eq(mmn_session_keep(session, "language.logits", &error), MMN_OK);
        cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
        const mmn_stage *stage = mmn_session_stage(session, "language.logits");
        const float *logits = (const float *)stage->data + (stage->shape[0] - 1) * vocabulary;
        double sum = 0;
        for (size_t id = 0; id < vocabulary; id++)
            sum += exp((double)logits[id]);
        for (size_t id = 0; id < json_array_size(before); id++)
            cr_expect_float_eq((double)logits[id] - log(sum),
                               json_number_value(json_array_get(noisy ? after : before, id)), 2e-5,
                               "token %zu", id);
        mmn_session_free(session);
    }
    mmn_weight_noise_free(&noise);
    mmn_input_free(input);
}

/* Different neurons of all layers, and others with another seed. */
Test(contribution_list, draws_random_neurons_once_each)
{
    const size_t all =
        model->config.language.layers * (size_t)model->config.language.intermediate_size;
    mmn_contributor *neurons = mmn_allocate(all, sizeof *neurons, NULL);
    unsigned char *drawn = mmn_allocate(all, 1, NULL);
    mmn_random_contributors(neurons, all, model, 7);
    for (size_t i = 0; i < all; i++)
        cr_assert_eq(drawn[neurons[i].layer * (size_t)model->config.language.intermediate_size +
                           neurons[i].neuron]++,
                     0);
    mmn_contributor few[2][4];
    for (uint64_t seed = 0; seed < 2; seed++)
        mmn_random_contributors(few[seed], 4, model, seed);
    cr_expect_neq(memcmp(few[0], few[1], sizeof few[0]), 0);
    mmn_free(neurons);
    mmn_free(drawn);
}

/* ---- Words and measures ---------------------------------------------------------------------- */

/* The words of a list's samples, joined by commas. */
static void said_words(char *text, size_t size)
{
    mmn_contribution_list *list = run();
    size_t length = 0;
    text[0] = '\0';
    for (size_t s = 0; s < list->sample_count; s++)
        for (size_t w = 0; w < list->samples[s].word_count; w++)
            length += (size_t)snprintf(text + length, size - length, "%s,",
                                       list->samples[s].words[w].folded);
    end(list);
}

Test(contribution_list, takes_the_words_that_a_line_names)
{
    char all[2000], named[2000], none[2000], only[2000];
    options.seeds = options.shuffles = 0;
    write_list("");
    said_words(all, sizeof all);
    const char *const word = "shal"; /* of the first answer */
    cr_assert(strstr(all, "shal,"), "%s", all);
    write_list(", \"words\": [\"SHAL\", \"elephant\"]");
    said_words(named, sizeof named);
    cr_expect_gt(strlen(named), 0);
    for (const char *at = named; *at != '\0'; at += strlen("shal,"))
        cr_assert_eq(strncmp(at, "shal,", strlen("shal,")), 0, "%s", named);
    write_list(", \"words\": []");
    said_words(none, sizeof none);
    cr_expect_str_empty(none);
    options.word = word;
    said_words(only, sizeof only);
    cr_expect_str_eq(only, named);
}

/* A share is that of sets: all, where nothing is shuffled; and neurons that every word has are
 * shared. */
Test(contribution_list, measures_are_extreme_where_all_neurons_are_taken)
{
    const size_t all = 10000;
    options.top = all;
    options.seeds = options.weight_noise = 0;
    options.shuffles = options.names = 1;
    write_list("");
    mmn_contribution_list *list = run();
    for (int order = 0; order < MMN_NEURON_ORDERS; order++) {
        mmn_said_summary summary;
        cr_assert(mmn_said_summarise(&summary, list, SIZE_MAX, (mmn_neuron_order)order));
        cr_expect_eq(summary.answers, list->sample_count);
        cr_expect_eq(summary.words, list->word_count);
        cr_expect_eq(summary.shared.sum, (double)summary.shared.count);
        cr_expect_eq(summary.across.sum, (double)summary.across.count);
        cr_expect_eq(summary.region.sum, (double)summary.region.count);
        cr_expect_gt(summary.shared.count, 0);
        cr_expect_gt(summary.across.count, 0);
    }
    end(list);
}

/* The rows of a run by gradients make the result again, and are not those of one by contribution;
 * neurons of several words are attributed apart. */
Test(contribution_list, goes_on_with_rows_of_attributions)
{
    mmn_result *result;
    char *text, *again;
    char rows[300];
    snprintf(rows, sizeof rows, "%s", scratch_path("rows.jsonl"));
    write_list("");
    options.gradient = 1;
    options.weight_noise = 0;
    options.samples = 2;
    options.rows.file = rows;
    cr_assert_eq(mmn_contributions_run(&result, model, &options, &error), MMN_OK, "%s",
                 error.message);
    cr_assert_eq(mmn_result_json(result, &text, &error), MMN_OK);
    mmn_result_free(result);
    cr_expect(strstr(text, "\"by\": \"gradient\"") && strstr(text, "\"attribution\": 0."));
    cr_assert_eq(mmn_contributions_run(&result, model, &options, &error), MMN_OK, "%s",
                 error.message);
    cr_assert_eq(mmn_result_json(result, &again, &error), MMN_OK);
    mmn_result_free(result);
    cr_expect_str_eq(again, text);
    mmn_release(text);
    mmn_release(again);
    options.gradient = 0;
    cr_expect_eq(mmn_contributions_run(&result, model, &options, &error), MMN_INPUT);
    cr_expect(strstr(error.message, "of another run"), "%s", error.message);
}

/* What one answer has alone and what a sample of a list has are the same, without a shuffle. */
Test(contribution_list, attributes_as_of_one_answer)
{
    write_list("");
    options.gradient = 1;
    options.seeds = options.shuffles = options.weight_noise = 0;
    options.samples = 1;
    mmn_contribution_list *list = mmn_allocate(1, sizeof *list, NULL);
    cr_assert_eq(mmn_study_find(&mmn_attribution_list_kind, list, model, &options, &error), MMN_OK,
                 "%s", error.message);
    const json_t *sample = json_array_get(json_object_get(golden, "samples"), 0);
    char path[600];
    snprintf(path, sizeof path, "%s%s", IMAGES,
             json_string_value(json_object_get(sample, "image")));
    const char *const image = path;
    options.list = NULL;
    options.samples = 0;
    options.prompt = json_string_value(json_object_get(sample, "prompt"));
    options.images = &image;
    options.image_count = 1;
    mmn_one_contribution *one = mmn_allocate(1, sizeof *one, NULL);
    cr_assert_eq(mmn_study_find(&mmn_contributions_kind, one, model, &options, &error), MMN_OK,
                 "%s", error.message);
    cr_assert_eq(list->samples[0].word_count, one->found.word_count);
    for (size_t w = 0; w < one->found.word_count; w++)
        for (size_t i = 0; i < list->shown; i++) {
            const mmn_contributor *said = &list->samples[0].words[w].by[0].shown[i];
            const mmn_contributor *neuron = &one->found.words[w].neurons[0][i];
            cr_expect(said->layer == neuron->layer && said->neuron == neuron->neuron);
            cr_expect_eq(said->attribution, neuron->attribution);
        }
    mmn_study_close(&mmn_contributions_kind, one);
    mmn_study_close(&mmn_attribution_list_kind, list);
    mmn_free(one);
    mmn_free(list);
}

Test(contribution_list, counts_common_numbers)
{
    static const uint64_t a[] = {1, 3, 5, 7}, b[] = {0, 3, 4, 7}, c[] = {8, 9, 10, 11};
    cr_expect_eq(mmn_common_numbers(a, b, 4), 2);
    cr_expect_eq(mmn_common_numbers(b, a, 4), 2);
    cr_expect_eq(mmn_common_numbers(a, a, 4), 4);
    cr_expect_eq(mmn_common_numbers(a, c, 4), 0);
    cr_expect_eq(mmn_common_numbers(a, c, 0), 0);
}

/* ---- What cannot be -------------------------------------------------------------------------- */

Test(contribution_list, refuses_what_is_of_one_answer)
{
    static const char *const image = IMAGES "grey.jpg";
    mmn_result *result;
    write_list("");
    const struct {
        mmn_contribution_options options;
        const char *sentence;
    } cases[] = {
        {{.prompt = "a"}, "of their own"},
        {{.question = "a"}, "of their own"},
        {{.images = &image, .image_count = 1}, "of their own"},
        {{.enlarged = 1}, "enlarged"},
        {{.rows.plan = 1}, "nobody knows"},
        {{.shuffles = 1001}, "1000 shuffles"},
        {{.weight_noise = -1}, "noise"},
        {{.weight_noise = (double)NAN}, "noise"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mmn_contribution_options wrong = cases[i].options;
        wrong.size = sizeof wrong;
        wrong.list = file;
        cr_expect_eq(mmn_contributions_run(&result, model, &wrong, &error), MMN_USAGE, "case %zu",
                     i);
        cr_expect(strstr(error.message, cases[i].sentence), "case %zu: %s", i, error.message);
    }
    const mmn_contribution_options one = {.size = sizeof one, .prompt = "a", .shuffles = 1};
    cr_expect_eq(mmn_contributions_run(&result, model, &one, &error), MMN_USAGE);
}

/* Rows of this run with one member changed, each line with a check value of its own. */
static void change_rows(const char *rows, const char *member, const char *changed)
{
    char *text;
    mmn_text made = {0};
    cr_assert_eq(mmn_read_file(&text, NULL, rows, 1 << 24, &error), MMN_OK);
    for (char *line = text, *next; *line != '\0'; line = next) {
        next = strchr(line, '\n') + 1;
        next[-1] = '\0';
        *strstr(line, ", \"check\"") = '\0';
        const char *found = strstr(line, member);
        const size_t start = made.length;
        if (found)
            mmn_text_add(&made, "%.*s%s%s", (int)(found - line), line, changed,
                         found + strlen(member));
        else
            mmn_text_add(&made, "%s", line);
        mmn_rows_line_end(&made, start);
    }
    mmn_free(text);
    cr_assert_eq(mmn_write_file(rows, made.text, made.length, &error), MMN_OK);
    mmn_text_free(&made);
}

Test(contribution_list, refuses_rows_that_it_cannot_have_made)
{
    static const struct {
        const char *member, *changed;
    } cases[] = {
        {"\"answer\": \"", "\"answer\": null, \"was\": \""},
        {"\"ids\": [", "\"ids\": [99999, "},
        {"\"words\": [", "\"words\": [\"more\", "},
        {"\"words\": [", "\"words\": [17, "},
        {"\"tokens\": [", "\"tokens\": [99, "},
        {"\"log_probability\": [", "\"log_probability\": [0, "},
        {"\"named_random\": [", "\"named_random\": [0, "},
        {"\"layers\": [", "\"layers\": [0, "},
        {"\"neurons\": [", "\"neurons\": [4294967295, "},
        {"\"contributions\": [", "\"contributions\": [0, "},
        {"\"active_activations\": [", "\"active_activations\": [0, "},
        {"\"scores\": [", "\"scores\": [0, "},
        {"\"averages\": [", "\"averages\": [0, "},
        {"\"name_ids\": [", "\"name_ids\": [0, "},
        {"\"names\": [", "\"names\": [\"a\", "},
        {"\"active_name_values\": [", "\"active_name_values\": [0, "},
        {"\"region\": [", "\"region\": [0, "},
        {"\"disturbed\": [", "\"disturbed\": [0, "},
        {"\"likeliest\": [", "\"likeliest\": [0, "},
        {"\"changes\": [", "\"changes\": [2, "},
    };
    char rows[300];
    snprintf(rows, sizeof rows, "%s", scratch_path("rows.jsonl"));
    write_list("");
    options.seeds = 1;
    options.shuffles = 1;
    options.samples = 1;
    options.weight_noise = 0;
    options.rows.file = rows;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mmn_result *result;
        cr_assert_eq(mmn_contributions_run(&result, model, &options, &error), MMN_OK, "%s",
                     error.message);
        mmn_result_free(result);
        change_rows(rows, cases[i].member, cases[i].changed);
        cr_expect_eq(mmn_contributions_run(&result, model, &options, &error), MMN_INPUT, "%s",
                     cases[i].member);
        cr_expect(strstr(error.message, "cannot have found") || strstr(error.message, "must be"),
                  "%s: %s", cases[i].member, error.message);
        cr_assert_eq(remove(rows), 0);
    }
}
