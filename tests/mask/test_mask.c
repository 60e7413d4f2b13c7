/* Masks: what they switch off, and a masked forward pass against PyTorch with the same neurons off
 * (golden/make_masked.py). */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../model/seen.h"
#include "base/bytes.h"
#include "base/file.h"
#include "format/safetensors.h"
#include "mask/mask.h"
#include "pass/session.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5"
#define CASE MMN_SOURCE_DIR "/golden/cases/llava-1.5/wide.safetensors"
#define DATA MMN_SOURCE_DIR "/tests/mask/data/"
#define NEURONS DATA "masked.json"

enum { TOKENS = 12 };

static mmn_error error;
static mmn_model *model;
static mmn_input *input;

static void set_up(void)
{
    cr_assert_eq(mmn_model_open(&model, MODEL, NULL, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_input_from_file(&input, model, CASE, &error), MMN_OK, "%s", error.message);
}

static void tear_down(void)
{
    mmn_input_free(input);
    mmn_model_close(model);
}

TestSuite(mask, .init = set_up, .fini = tear_down);

static mmn_mask *make_mask(const char *domain, const char *setting)
{
    mmn_mask *mask;
    cr_assert_eq(mmn_mask_from_file(&mask, model, NEURONS, domain, setting, 0, &error), MMN_OK,
                 "%s: %s: %s", error.file, error.where, error.message);
    return mask;
}

static double relative_rms(const float *values, const mmn_tensor *truth)
{
    double distance = 0, scale = 0;
    for (size_t i = 0; i < mmn_tensor_elements(truth); i++) {
        uint64_t bits = mmn_load_u64(truth->data + 8 * i);
        double expected;
        memcpy(&expected, &bits, sizeof expected);
        distance += (values[i] - expected) * (values[i] - expected);
        scale += expected * expected;
    }
    return sqrt(distance / scale);
}

static const seen_stage *find(const seen *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->stages[i].name, name) == 0)
            return &all->stages[i];
    cr_assert_fail("%s was not shown", name);
    return NULL;
}

Test(mask, forward_pass_is_that_of_pytorch)
{
    static const char *const stages[] = {"vision.out", "projector.merged", "language.norm"};
    mmn_mask *mask = make_mask("medical", "all");
    mmn_safetensors *golden;
    seen masked = {0}, plain = {0};
    int32_t ids[TOKENS], plain_ids[TOKENS];
    size_t count = seen_of_mask(&masked, model, input, mask, TOKENS, ids);
    seen_of_mask(&plain, model, input, NULL, TOKENS, plain_ids);
    cr_assert_eq(mmn_safetensors_open(&golden, DATA "masked.safetensors", &error), MMN_OK);
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        const mmn_tensor *truth = mmn_safetensors_find(golden, stages[i]);
        const seen_stage *stage = find(&masked, stages[i]), *other = find(&plain, stages[i]);
        cr_assert_eq(stage->rows * stage->row_bytes / 4, mmn_tensor_elements(truth));
        cr_expect_lt(relative_rms((const float *)(const void *)stage->data, truth), 1e-5, "%s",
                     stages[i]);
        cr_expect_gt(relative_rms((const float *)(const void *)other->data, truth), 1e-2, "%s",
                     stages[i]);
    }
    const mmn_tensor *truth = mmn_safetensors_find(golden, "generated_ids");
    cr_assert_eq(count, mmn_tensor_elements(truth));
    for (size_t i = 0; i < count; i++)
        cr_expect_eq((uint32_t)ids[i], mmn_load_u32(truth->data + 4 * i), "token %zu", i);
    cr_expect_neq(memcmp(ids, plain_ids, sizeof ids), 0);
    mmn_safetensors_close(golden);
    seen_free(&masked);
    seen_free(&plain);
    mmn_mask_free(mask);
}

static bool is_masked(const mmn_mask *mask, const char *module, int layer, uint32_t neuron)
{
    for (size_t m = 0; m < mask->module_count; m++) {
        const mmn_masked_module *masked = &mask->modules[m];
        if (strcmp(masked->module->name, module) != 0)
            continue;
        for (size_t i = masked->first[layer]; i < masked->first[layer + 1]; i++)
            if (masked->neurons[i] == neuron)
                return true;
    }
    return false;
}

/* In the first layer that is masked, the inputs are those of the unmasked pass: masked neurons are
 * +0 there, and every other bit is the same. Before it everything is. */
Test(mask, switches_off_its_neurons_and_nothing_else)
{
    mmn_mask *mask = make_mask("documents", "language");
    seen masked = {0}, plain = {0};
    int32_t ids[TOKENS];
    seen_of_mask(&masked, model, input, mask, TOKENS, ids);
    seen_of_mask(&plain, model, input, NULL, TOKENS, ids);
    for (size_t i = 0; i < masked.count; i++) {
        const seen_stage *stage = &masked.stages[i], *other = find(&plain, stage->name);
        if (strcmp(stage->name, "language.layers.0.mlp.act") == 0) {
            size_t width = stage->row_bytes / 4, zeros = 0;
            for (size_t k = 0; k < stage->rows * width; k++) {
                uint32_t bits, plain_bits;
                memcpy(&bits, stage->data + 4 * k, 4);
                memcpy(&plain_bits, other->data + 4 * k, 4);
                bool off = is_masked(mask, "language", 0, (uint32_t)(k % width));
                cr_assert_eq(bits, off ? 0 : plain_bits, "row %zu, neuron %zu", k / width,
                             k % width);
                zeros += off;
            }
            cr_expect_gt(zeros, 0);
            break;
        }
        cr_assert_eq(memcmp(stage->data, other->data, stage->rows * stage->row_bytes), 0, "%s",
                     stage->name);
    }
    for (size_t i = 0; i < masked.count; i++) {
        const seen_stage *stage = &masked.stages[i];
        if (strcmp(stage->name, "language.layers.1.mlp.act") != 0)
            continue;
        size_t width = stage->row_bytes / 4;
        for (size_t k = 0; k < stage->rows * width; k++)
            if (is_masked(mask, "language", 1, (uint32_t)(k % width)))
                cr_assert_eq(mmn_load_u32(stage->data + 4 * k), 0);
    }
    seen_free(&masked);
    seen_free(&plain);
    mmn_mask_free(mask);
}

/* A session with a mask takes features from one without where the mask is of the language model
 * alone, and what follows has the same bits. */
Test(mask, of_the_language_model_leaves_image_features)
{
    static const char *const settings[] = {"language", "vision", "projector", "all"};
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        mmn_mask *mask = make_mask("medical", settings[i]);
        mmn_session *plain, *masked;
        seen whole = {0}, part = {0};
        int32_t ids[TOKENS], masked_ids[TOKENS];
        size_t count, masked_count;
        const mmn_probe probe = {
            .stages = "language.*", .see = see_all, .context = &part, .only_new = 1};
        count = seen_of_mask(&whole, model, input, mask, TOKENS, ids);
        cr_assert_eq(mmn_session_create(&plain, model, NULL, &error), MMN_OK);
        cr_assert_eq(mmn_session_prefill(plain, input, &error), MMN_OK);
        cr_assert_eq(mmn_session_create(&masked, model, NULL, &error), MMN_OK);
        cr_assert_eq(mmn_session_add_mask(masked, mask, &error), MMN_OK);
        cr_assert_eq(mmn_session_add_probe(masked, &probe, &error), MMN_OK);
        cr_assert_eq(mmn_sessions_prefill(&masked, 1, plain, input, &error), MMN_OK);
        cr_expect_eq(mmn_session_images_reused(masked), i == 0, "%s", settings[i]);
        cr_expect_eq(mmn_session_positions_reused(masked), 0);
        expect_part(&part, NULL, &whole, settings[i]);
        cr_assert_eq(mmn_session_generate(masked, TOKENS, masked_ids, &masked_count, &error),
                     MMN_OK);
        cr_expect_eq(masked_count, count);
        cr_expect_eq(memcmp(masked_ids, ids, count * sizeof *ids), 0);
        mmn_session_free(plain);
        mmn_session_free(masked);
        seen_free(&whole);
        seen_free(&part);
        mmn_mask_free(mask);
    }
}

static size_t total(const mmn_mask *mask)
{
    return mmn_mask_neurons(mask, "vision", -1) + mmn_mask_neurons(mask, "projector", -1) +
           mmn_mask_neurons(mask, "language", -1);
}

Test(mask, settings_choose_modules)
{
    mmn_mask *all = make_mask("medical", "all");
    static const char *const settings[] = {"vision", "projector", "language"};
    size_t sum = 0;
    for (size_t i = 0; i < 3; i++) {
        mmn_mask *mask = make_mask("medical", settings[i]);
        cr_expect_gt(total(mask), 0);
        cr_expect_eq(total(mask), mmn_mask_neurons(all, settings[i], -1));
        sum += total(mask);
        mmn_mask_free(mask);
    }
    cr_expect_eq(sum, total(all));
    mmn_mask *both = make_mask("medical", "projector+vision");
    cr_expect_eq(total(both), sum - mmn_mask_neurons(all, "language", -1));
    mmn_mask *none = make_mask("medical", "none");
    cr_expect_eq(total(none), 0);
    mmn_mask_free(none);
    mmn_mask_free(both);
    mmn_mask_free(all);
}

#define FOR_EVERY_NEURON(layer, neuron)                                                            \
    for (int layer = 0; layer < (int)mmn_model_describe(model)->language_layers; layer++)          \
        for (uint32_t neuron = 0; neuron < mmn_model_describe(model)->modules[2].neurons; neuron++)

Test(mask, of_several_domains_is_their_union)
{
    mmn_mask *first = make_mask("medical", "all"), *second = make_mask("documents", "all");
    mmn_mask *both = make_mask("documents,medical", "all"), *every = make_mask(NULL, "all");
    size_t common = 0;
    FOR_EVERY_NEURON(layer, neuron)
    {
        bool in_first = is_masked(first, "language", layer, neuron);
        bool in_second = is_masked(second, "language", layer, neuron);
        common += in_first && in_second;
        cr_assert_eq(is_masked(both, "language", layer, neuron), in_first || in_second);
        cr_assert_eq(is_masked(every, "language", layer, neuron), in_first || in_second);
    }
    cr_expect_gt(common, 0);
    mmn_mask_free(first);
    mmn_mask_free(second);
    mmn_mask_free(both);
    mmn_mask_free(every);
}

static mmn_mask *make_random(const mmn_mask *of, uint64_t seed)
{
    mmn_mask *mask;
    cr_assert_eq(mmn_mask_random(&mask, of, seed, &error), MMN_OK, "%s", error.message);
    return mask;
}

static bool same_masks(const mmn_mask *a, const mmn_mask *b)
{
    FOR_EVERY_NEURON(layer, neuron)
    if (is_masked(a, "language", layer, neuron) != is_masked(b, "language", layer, neuron))
        return false;
    return true;
}

Test(mask, random_neurons_are_as_many_others_in_every_layer)
{
    static const char *const modules[] = {"vision", "projector", "language"};
    mmn_mask *of = make_mask("medical", "all");
    for (uint64_t seed = 1; seed < 50; seed++) {
        mmn_mask *mask = make_random(of, seed);
        for (size_t m = 0; m < 3; m++)
            for (int layer = -1; layer < (int)of->modules[m].module->layers; layer++)
                cr_assert_eq(mmn_mask_neurons(mask, modules[m], layer),
                             mmn_mask_neurons(of, modules[m], layer));
        FOR_EVERY_NEURON(layer, neuron)
        cr_assert(!is_masked(mask, "language", layer, neuron) ||
                  !is_masked(of, "language", layer, neuron));
        mmn_mask_free(mask);
    }
    mmn_mask_free(of);
}

Test(mask, random_neurons_depend_on_the_seed_alone)
{
    mmn_mask *of = make_mask("medical", "all"), *language = make_mask("medical", "language");
    mmn_mask *first = make_random(of, 1), *again = make_random(of, 1);
    mmn_mask *second = make_random(of, 2), *alone = make_random(language, 1);
    cr_expect(same_masks(first, again));
    cr_expect(same_masks(first, alone));
    cr_expect(!same_masks(first, second));
    mmn_mask_free(first);
    mmn_mask_free(again);
    mmn_mask_free(second);
    mmn_mask_free(alone);
    mmn_mask_free(of);
    mmn_mask_free(language);
}

/* Each of the others is chosen in about as many of many seeds. */
Test(mask, random_neurons_are_equally_likely)
{
    enum { SEEDS = 2000 };
    mmn_mask *of = make_mask("medical", "language");
    uint32_t width = mmn_model_describe(model)->modules[2].neurons;
    unsigned *chosen = calloc(width, sizeof *chosen);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        mmn_mask *mask = make_random(of, seed);
        for (uint32_t neuron = 0; neuron < width; neuron++)
            chosen[neuron] += is_masked(mask, "language", 0, neuron);
        mmn_mask_free(mask);
    }
    double own = (double)mmn_mask_neurons(of, "language", 0), share = own / (width - own);
    double deviation = sqrt(SEEDS * share * (1 - share));
    for (uint32_t neuron = 0; neuron < width; neuron++)
        if (!is_masked(of, "language", 0, neuron))
            cr_expect_float_eq(chosen[neuron], SEEDS * share, 5 * deviation, "neuron %u", neuron);
    free(chosen);
    mmn_mask_free(of);
}

static void expect_refused(const char *ranking, const char *domain, const char *setting,
                           mmn_status expected, const char *part)
{
    mmn_mask *mask;
    cr_expect_eq(mmn_mask_from_file(&mask, model, ranking, domain, setting, 0, &error), expected);
    cr_expect_null(mask);
    cr_expect_not_null(strstr(error.message, part), "\"%s\" instead of \"%s\"", error.message,
                       part);
}

Test(mask, refuses_what_is_not_there)
{
    expect_refused(NEURONS, "driving", "all", MMN_USAGE, "driving");
    expect_refused(NEURONS, "medical,", "all", MMN_USAGE, "no domain");
    expect_refused(NEURONS, "medical", "qformer", MMN_USAGE, "qformer");
    expect_refused(NEURONS, "medical", "vision+", MMN_USAGE, "module");
    expect_refused(NEURONS, "medical", "", MMN_USAGE, "module");
    expect_refused("/none", "medical", "all", MMN_SYSTEM, "");
}

Test(mask, refuses_files_that_are_wrong)
{
    static const struct {
        const char *from, *to, *message;
    } changes[] = {
        {"mmneuron-neurons-1", "mmneuron-neurons-2", "must be"},
        {"\"modules\"", "\"moduls\"", "modules"},
        {"\"language\"", "\"tongue\"", "modules"},
        {"\"layers\":1,", "\"layers\": 2,", "is not that of"},
        {"\"layers\":1,", "\"layers\": 0,", "between"},
        {"\"layers\":1,", "\"layers\": \"1\",", "integer"},
        {"\"neurons\"", "\"nerves\"", "missing"},
        {"\"documents\"", "\"papers\"", "missing"},
        {"\"documents\"", "\"doc/uments\"", "domain"},
        {"[0,", "[0, 0], [0, ", ""},
        {"[0,", "[70000, ", "entry 0"},
        {"[0,", "[-1, ", "entry 0"},
        {"[0,", "[0, 0, ", "entry 0"},
        {"[0,", "[0.5, ", "entry 0"},
        {"],[1,", "], [0, 0], [1, ", "not behind"},
        {"]]}", "]], \"more\": []}", "same domains"},
    };
    char *text, path[] = "/tmp/mmneuron-mask-XXXXXX";
    size_t size;
    int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    close(descriptor);
    cr_assert_eq(mmn_read_file(&text, &size, NEURONS, 1 << 20, &error), MMN_OK);
    char *changed = malloc(size + 100);
    cr_assert_not_null(changed);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const char *at = strstr(text, changes[i].from);
        cr_assert_not_null(at, "%s", changes[i].from);
        sprintf(changed, "%.*s%s%s", (int)(at - text), text, changes[i].to,
                at + strlen(changes[i].from));
        cr_assert_eq(mmn_write_file(path, changed, strlen(changed), &error), MMN_OK);
        expect_refused(path, "medical", "all", MMN_INPUT, changes[i].message);
    }
    for (size_t length = 0; length < size - 2; length += 97) {
        cr_assert_eq(mmn_write_file(path, text, length, &error), MMN_OK);
        expect_refused(path, "medical", "all", MMN_INPUT, "");
    }
    free(changed);
    mmn_free(text);
    unlink(path);
}

/* ---- From neurons in memory ------------------------------------------------------------------ */

Test(mask, of_neurons_in_memory_is_that_of_their_file)
{
    mmn_neurons *neurons;
    mmn_neuron *list;
    size_t count;
    cr_assert_eq(mmn_neurons_read(&neurons, NEURONS, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_neurons_list(&list, &count, neurons, "medical", "all", &error), MMN_OK);
    mmn_mask *file = make_mask("medical", "all"), *mask;
    cr_assert_eq(mmn_mask_from_neurons(&mask, model, neurons, "medical", "all", 0, &error), MMN_OK);
    mmn_neurons_free(neurons);
    for (size_t m = 0; m < file->module_count; m++) {
        const mmn_masked_module *a = &file->modules[m], *b = &mask->modules[m];
        const size_t total = a->first[a->module->layers];
        cr_assert_eq(memcmp(a->first, b->first, (a->module->layers + 1) * sizeof *a->first), 0);
        cr_assert(total == 0 || memcmp(a->neurons, b->neurons, total * sizeof *a->neurons) == 0);
        count -= total;
    }
    cr_assert_eq(count, 0);
    cr_assert_str_eq(file->stages, mask->stages);
    mmn_release(list);
    mmn_mask_free(file);
    mmn_mask_free(mask);
}

Test(mask, of_neurons_in_memory_is_refused_as_that_of_a_file)
{
    mmn_neurons *neurons;
    mmn_mask *mask;
    cr_assert_eq(mmn_neurons_read(&neurons, NEURONS, &error), MMN_OK);
    cr_assert_eq(mmn_mask_from_neurons(&mask, model, neurons, "nature", "all", 0, &error),
                 MMN_USAGE);
    cr_assert_str_eq(error.file, NEURONS);
    cr_assert_eq(mmn_mask_from_neurons(&mask, model, neurons, NULL, "query", 0, &error), MMN_USAGE);
    cr_assert_eq(mmn_mask_from_neurons(&mask, model, NULL, NULL, "all", 0, &error), MMN_USAGE);
    cr_assert_null(mask);
    mmn_neurons_free(neurons);
}
