/* Multi-modal neurons: contributions, names and the effect of switching neurons off against PyTorch
 * in float64 (golden/contributions.json), maps against a probe, words of an answer, and noise. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "../model/seen.h"
#include "base/memory.h"
#include "kernels.h"
#include "model/model.h"
#include "study/contribution.h"
#include "tests/tools/needs.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5"
#define GOLDEN MMN_SOURCE_DIR "/golden/contributions.json"
#define IMAGE MMN_SOURCE_DIR "/golden/images/wide.jpg"

enum { TOP = 10, NAMES = 3 };

static const char *const images[] = {IMAGE};
static mmn_error error;
static mmn_model *model;
static json_t *golden;
static mmn_contribution_options options;

static void set_up(void)
{
    json_error_t problem;
    cr_assert_eq(mmn_model_open(&model, MODEL, NULL, &error), MMN_OK, "%s", error.message);
    golden = json_load_file(GOLDEN, 0, &problem);
    cr_assert(golden, "%s", problem.text);
    options =
        (mmn_contribution_options){.size = sizeof(mmn_contribution_options),
                                   .prompt = json_string_value(json_object_get(golden, "prompt")),
                                   .images = images,
                                   .image_count = 1,
                                   .tokens = json_array_size(json_object_get(golden, "ids")),
                                   .all_words = 1,
                                   .top = TOP,
                                   .names = NAMES};
}

static void tear_down(void)
{
    json_decref(golden);
    mmn_model_close(model);
}

TestSuite(contribution, .init = set_up, .fini = tear_down);

static mmn_contributions *run(void)
{
    mmn_one_contribution *one = mmn_allocate(1, sizeof *one, NULL);
    cr_assert_eq(mmn_study_find(&mmn_contributions_kind, one, model, &options, &error), MMN_OK,
                 "%s", error.message);
    return &one->found;
}

static void end(mmn_contributions *result)
{
    mmn_one_contribution *one = (mmn_one_contribution *)(void *)result->study;
    mmn_study_close(&mmn_contributions_kind, one);
    mmn_free(one);
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const json_t *target_of(const mmn_answer_word *word)
{
    return json_array_get(json_object_get(golden, "targets"), word->token);
}

/* Golden neurons beyond our last one are there so that near ties may change places. */
static const json_t *find_neuron(const json_t *list, const mmn_contributor *neuron)
{
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item) if (number_of(item, "layer") == neuron->layer &&
                                          number_of(item, "neuron") == neuron->neuron) return item;
    return NULL;
}

static void check_neurons(const mmn_contributions *result, const char *kind)
{
    const double tolerance = 1e-5;
    cr_assert_geq(result->word_count, 2);
    for (size_t w = 0; w < result->word_count; w++) {
        const mmn_answer_word *word = &result->words[w];
        const json_t *target = target_of(word), *list = json_object_get(target, kind);
        cr_assert_eq(word->neuron_count, (size_t)TOP);
        cr_expect_eq(word->id, (int32_t)number_of(target, "id"));
        cr_expect_eq(word->position, (size_t)number_of(target, "position"));
        cr_expect_float_eq(word->log_probability, number_of(target, "log_probability"), 1e-5);
        for (size_t i = 0; i < TOP; i++) {
            const mmn_contributor *neuron = &word->neurons[MMN_BY_CONTRIBUTION][i];
            const json_t *expected = find_neuron(list, neuron);
            cr_assert(expected, "%s, word %zu: layer %u, neuron %u", kind, w, neuron->layer,
                      neuron->neuron);
            double place = number_of(json_array_get(list, i), "contribution");
            cr_expect_float_eq((double)neuron->contribution, place, tolerance);
            cr_expect_float_eq((double)neuron->contribution, number_of(expected, "contribution"),
                               tolerance);
            cr_expect_float_eq((double)neuron->activation, number_of(expected, "activation"),
                               tolerance);
            cr_expect_float_eq((double)neuron->score, number_of(expected, "score"), 1e-6);
            for (size_t n = 0; n < NAMES; n++) {
                const json_t *name = json_array_get(json_object_get(expected, "names"), n);
                cr_expect_eq(neuron->names[n].id, (int32_t)number_of(name, "id"));
                cr_expect_float_eq((double)neuron->names[n].value, number_of(name, "value"), 1e-5);
            }
        }
    }
}

Test(contribution, is_that_of_pytorch)
{
    mmn_contributions *result = run();
    const json_t *ids = json_object_get(golden, "ids");
    cr_assert_eq(result->id_count, json_array_size(ids));
    for (size_t i = 0; i < result->id_count; i++)
        cr_expect_eq(result->ids[i], json_integer_value(json_array_get(ids, i)));
    cr_expect_eq(result->length, (size_t)number_of(golden, "length"));
    check_neurons(result, "gate");
    end(result);
}

Test(contribution, of_products_is_that_of_pytorch)
{
    options.product = 1;
    mmn_contributions *result = run();
    check_neurons(result, "product");
    end(result);
}

static void check_attributed(const char *kind)
{
    const double tolerance = 1e-5;
    mmn_contributions *result = run();
    cr_assert_geq(result->word_count, 2);
    for (size_t w = 0; w < result->word_count; w++) {
        const mmn_answer_word *word = &result->words[w];
        const json_t *kinds = json_object_get(target_of(word), "attributed");
        const json_t *list = json_object_get(kinds, kind);
        for (size_t i = 0; i < TOP; i++) {
            const mmn_contributor *neuron = &word->neurons[MMN_BY_CONTRIBUTION][i];
            const json_t *expected = find_neuron(list, neuron);
            cr_assert(expected, "%s, word %zu: layer %u, neuron %u", kind, w, neuron->layer,
                      neuron->neuron);
            cr_expect_float_eq((double)neuron->attribution, number_of(expected, "attribution"),
                               tolerance);
            cr_expect_float_eq((double)neuron->attribution,
                               number_of(json_array_get(list, i), "attribution"), tolerance);
            cr_expect_eq(neuron->contribution, neuron->activation * neuron->score);
        }
    }
    end(result);
}

Test(contribution, is_attributed_as_by_autograd)
{
    options.gradient = 1;
    check_attributed("gate");
    options.product = 1;
    check_attributed("product");
}

/* The word's own neurons off, once; the drop is the difference of log probabilities. */
/* Where the head has a bias, it says nothing of a neuron. */
Test(contribution, names_neurons_without_the_bias_of_the_head)
{
    MMN_NEEDS("phi");
    mmn_model_close(model);
    cr_assert_eq(mmn_model_open(&model, MMN_SOURCE_DIR "/golden/checkpoints/phi", NULL, &error),
                 MMN_OK, "%s", error.message);
    const mmn_language_config *config = &model->config.language;
    const mmn_language_weights *weights = &model->weights->language;
    const size_t width = config->hidden_size, vocabulary = config->vocab_size;
    options.prompt = "How many";
    options.image_count = 0;
    float *head = mmn_allocate(vocabulary * width, sizeof *head, NULL);
    float *down = mmn_allocate(width * config->intermediate_size, sizeof *down, NULL);
    const mmn_kernels *kernels = mmn_kernels_reference();
    kernels->widen(head, weights->head.data, weights->head.type, vocabulary * width);
    mmn_contributions *result = run();
    const mmn_contributor *neuron = result->words[0].neurons[MMN_BY_CONTRIBUTION];
    for (size_t i = 0; i < TOP; i++, neuron++) {
        const mmn_matrix *matrix = &weights->layers[neuron->layer].down.weight;
        double best = -INFINITY, sum = 0;
        kernels->widen(down, matrix->data, matrix->type, width * config->intermediate_size);
        for (size_t id = 0; id < vocabulary; id++) {
            double product = 0;
            for (size_t k = 0; k < width; k++)
                product += (double)head[id * width + k] *
                           (double)down[k * config->intermediate_size + neuron->neuron];
            best = product > best ? product : best;
            sum += product;
        }
        cr_expect_float_eq((double)neuron->names[0].value, best, 1e-5);
        cr_expect_float_eq(neuron->average, sum / (double)vocabulary, 1e-5);
    }
    end(result);
    mmn_free(head);
    mmn_free(down);
}

Test(contribution, ends_when_neurons_are_off_as_in_pytorch)
{
    options.seeds = 2;
    options.word = "shal";
    mmn_contributions *result = run();
    for (size_t w = 0; w < result->word_count; w++) {
        const mmn_answer_word *word = &result->words[w];
        cr_assert_eq(word->disturbance_count, 1 + 3 * 2);
        const mmn_disturbance *off = &word->disturbances[0];
        cr_assert(off->kind == MMN_DISTURB_OFF && off->neurons == MMN_DISTURB_TOP);
        cr_expect_float_eq(off->log_probability, number_of(target_of(word), "off"), 1e-5);
        cr_expect_eq(off->likeliest == word->id || off->answer_changes, true);
        mmn_drop drop = mmn_contribution_drop(word, MMN_DISTURB_OFF, MMN_DISTURB_TOP);
        cr_assert_eq(drop.count, 1);
        cr_expect_eq(drop.interval.mean, word->log_probability - off->log_probability);
        drop = mmn_contribution_drop(word, MMN_DISTURB_NOISE, MMN_DISTURB_RANDOM);
        cr_assert_eq(drop.count, 2);
        cr_expect(drop.interval.low <= drop.interval.mean &&
                  drop.interval.mean <= drop.interval.high);
    }
    end(result);
}

/* Little noise changes little, much noise much; another seed, another number. */
Test(contribution, is_disturbed_by_noise)
{
    options.seeds = 2;
    options.tokens = 1;
    options.noise = 1e-6;
    mmn_contributions *calm = run();
    options.noise = 20;
    mmn_contributions *loud = run();
    for (size_t i = 0; i < calm->words[0].disturbance_count; i++) {
        const mmn_disturbance *a = &calm->words[0].disturbances[i];
        const mmn_disturbance *b = &loud->words[0].disturbances[i];
        cr_assert(a->kind == b->kind && a->neurons == b->neurons && a->seed == b->seed);
        if (a->kind == MMN_DISTURB_NOISE) {
            cr_expect_float_eq(a->log_probability, calm->words[0].log_probability, 1e-4);
            cr_expect(fabs(b->log_probability - loud->words[0].log_probability) > 1e-2);
        } else {
            cr_expect_eq(a->log_probability, b->log_probability);
        }
    }
    const mmn_disturbance *noise = loud->words[0].disturbances + 1 + 2;
    cr_assert(noise[0].kind == MMN_DISTURB_NOISE && noise[1].kind == MMN_DISTURB_NOISE);
    cr_expect_neq(noise[0].log_probability, noise[1].log_probability);
    end(calm);
    end(loud);
}

/* The map is the prompt's own, whatever is answered; a twentieth of it lies above the bar. */
Test(contribution, has_maps_of_the_prompt)
{
    mmn_contributions *result = run();
    const mmn_contributor *neuron = &result->words[0].neurons[MMN_BY_CONTRIBUTION][0];
    size_t side = result->grid.side, above = 0;
    char stage[64];
    seen all = {0};
    mmn_input *input;
    mmn_session *session;

    snprintf(stage, sizeof stage, "language.layers.%u.mlp.act", neuron->layer);
    const mmn_probe probe = {.stages = stage, .see = see_all, .context = &all};
    cr_assert_eq(mmn_input_from_prompt(&input, model, options.prompt, images, 1, &error), MMN_OK);
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
    cr_assert_eq(side * side, mmn_input_image_positions(input));
    for (size_t i = 0; i < side * side; i++) {
        float value;
        memcpy(&value,
               all.stages[0].data + (result->grid.first + i) * all.stages[0].row_bytes +
                   4 * (size_t)neuron->neuron,
               4);
        cr_expect_eq(neuron->map[i], value, "patch %zu", i);
        above += (double)value > neuron->bar;
    }
    cr_expect(above >= 1 && above <= 1 + side * side / 20, "%zu patches", above);
    mmn_session_free(session);
    mmn_input_free(input);
    seen_free(&all);
    end(result);
}

/* ---- Words ----------------------------------------------------------------------------------- */

static mmn_spoken_words words_of(const char *text, const char *only, bool all)
{
    int32_t *ids;
    size_t count;
    mmn_spoken_words words;
    cr_assert_eq(mmn_model_encode(model, text, 0, &ids, &count, &error), MMN_OK);
    const mmn_word_choice choice = {
        .only = only ? &only : NULL, .only_count = only != NULL, .all = all};
    cr_assert_eq(mmn_spoken_words_of(&words, model, ids, count, &choice, &error), MMN_OK);
    for (size_t i = 0; i < words.count; i++) {
        /* The word begins in what its token adds to the text. */
        const char *word = words.list[i].text;
        char *before, *with;
        cr_assert_eq(mmn_model_decode(model, ids, words.list[i].token, 1, &before, &error), MMN_OK);
        cr_assert_eq(mmn_model_decode(model, ids, words.list[i].token + 1, 1, &with, &error),
                     MMN_OK);
        size_t start = strlen(before), end = strlen(with);
        while (start < end && strncmp(words.answer + start, word, strlen(word)) != 0)
            start++;
        cr_expect_lt(start, end, "%s: %s, %s", word, before, with);
        mmn_release(before);
        mmn_release(with);
    }
    mmn_release(ids);
    return words;
}

static void check_words(const char *text, const char *only, bool all, const char *const *expected)
{
    mmn_spoken_words words = words_of(text, only, all);
    size_t count = 0;
    for (; expected[count]; count++) {
        cr_assert_lt(count, words.count, "%s: %s", text, expected[count]);
        cr_expect_str_eq(words.list[count].text, expected[count]);
    }
    cr_expect_eq(words.count, count, "%s", text);
    mmn_spoken_words_free(&words);
}

Test(contribution, words_of_an_answer)
{
    static const char text[] = "The dog's ball, and IT'S a Ball of the red-brown dog.";
    check_words(text, NULL, false,
                (const char *const[]){"dog's", "ball", "red", "brown", "dog", NULL});
    check_words(text, NULL, true,
                (const char *const[]){"The", "dog's", "ball", "and", "IT'S", "a", "of", "red",
                                      "brown", "dog", NULL});
    check_words(text, "BALL", false, (const char *const[]){"ball", NULL});
    check_words(text, "the", false, (const char *const[]){"The", NULL});
    check_words(text, "bal", false, (const char *const[]){NULL});
    check_words("", NULL, true, (const char *const[]){NULL});
    check_words("... !", NULL, true, (const char *const[]){NULL});
}

Test(contribution, says_what_is_wrong)
{
    static const struct {
        const char *word, *prompt, *sentence;
        uint64_t tokens, top;
        double noise;
    } cases[] = {
        {"elephant", NULL, "has no word \"elephant\"", 4, 1, 0},
        {NULL, "", "image", 4, 1, 0},
        {NULL, NULL, "4096 tokens", 5000, 1, 0},
        {NULL, NULL, "10000 neurons", 4, 10001, 0},
        {NULL, NULL, "noise", 4, 1, -1},
        {NULL, NULL, "noise", 4, 1, NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mmn_contribution_options wrong = options;
        mmn_result *result;
        wrong.word = cases[i].word;
        wrong.tokens = cases[i].tokens;
        wrong.top = cases[i].top;
        wrong.noise = cases[i].noise;
        if (cases[i].prompt)
            wrong.prompt = cases[i].prompt;
        cr_expect_neq(mmn_contributions_run(&result, model, &wrong, &error), MMN_OK, "case %zu", i);
        cr_expect(strstr(error.message, cases[i].sentence), "case %zu: %s", i, error.message);
        cr_expect_null(result);
    }
    mmn_contribution_options wrong = options;
    mmn_result *result;
    wrong.gradient = 1;
    wrong.prompt = "Who?";
    wrong.image_count = 0;
    cr_expect_eq(mmn_contributions_run(&result, model, &wrong, &error), MMN_USAGE);
    cr_expect(strstr(error.message, "there is no image"), "%s", error.message);
}

/* The largest of all: as many as there are, each once, in order; ties by layer and neuron. */
Test(contribution, ranks_all_neurons)
{
    const mmn_language_config *config = &model->config.language;
    options.top = 10000;
    options.tokens = 1;
    mmn_contributions *result = run();
    const mmn_answer_word *word = &result->words[0];
    size_t all = config->layers * (size_t)config->intermediate_size;
    cr_assert_eq(word->neuron_count, all);
    char *seen_neurons = mmn_allocate(all, 1, NULL);
    for (size_t i = 0; i < all; i++) {
        const mmn_contributor *neuron = &word->neurons[MMN_BY_CONTRIBUTION][i];
        size_t number = neuron->layer * (size_t)config->intermediate_size + neuron->neuron;
        cr_expect_eq(seen_neurons[number]++, 0);
        if (i == 0)
            continue;
        const mmn_contributor *before = neuron - 1;
        bool later = before->layer < neuron->layer ||
                     (before->layer == neuron->layer && before->neuron < neuron->neuron);
        cr_expect(before->contribution > neuron->contribution ||
                  (before->contribution == neuron->contribution && later));
    }
    mmn_free(seen_neurons);
    end(result);
}
