/* Deltas: models with additions to their weights against PyTorch with the weights themselves
 * changed, in float64 (golden/make_delta.py); the same bits everywhere; and what is refused. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/memory.h"
#include "kernels.h"
#include "model/model.h"
#include "pass/language.h"
#include "pass/session.h"
#include "tests/tools/needs.h"
#include "tests/tools/scratch.h"

#define GOLDEN MMN_SOURCE_DIR "/golden/"
#define MODEL GOLDEN "checkpoints/llava-1.5"
#define FIRST GOLDEN "deltas/first.safetensors"
#define SECOND GOLDEN "deltas/second.safetensors"

static const char *const first_and_second[] = {FIRST, SECOND};
static const char *const second_and_first[] = {SECOND, FIRST};
static mmn_error error;
static json_t *golden;

static void set_up(void)
{
    scratch_make();
    golden = json_load_file(GOLDEN "deltas/deltas.json", 0, NULL);
    cr_assert_not_null(golden);
}

static void tear_down(void)
{
    json_decref(golden);
    scratch_remove();
}

TestSuite(delta, .init = set_up, .fini = tear_down);

/* ---- Models ---------------------------------------------------------------------------------- */

static mmn_status try_open(mmn_model **model, const char *folder, const char *const *deltas,
                           size_t count)
{
    const mmn_model_options options = {
        .size = sizeof(options), .threads = 2, .deltas = deltas, .delta_count = count};
    return mmn_model_open(model, folder, &options, &error);
}

static mmn_model *open_model(const char *folder, const char *const *deltas, size_t count)
{
    mmn_model *model;
    cr_assert_eq(try_open(&model, folder, deltas, count), MMN_OK, "%s", error.message);
    return model;
}

static mmn_input *make_input(const mmn_model *model, const json_t *of)
{
    mmn_input *input;
    const char *name = json_string_value(json_object_get(of, "image"));
    char image[400];
    snprintf(image, sizeof(image), MMN_SOURCE_DIR "/%s", name ? name : "");
    const char *const images[] = {image};
    cr_assert_eq(mmn_input_from_prompt(&input, model,
                                       json_string_value(json_object_get(of, "prompt")), images,
                                       name != NULL, &error),
                 MMN_OK, "%s", error.message);
    return input;
}

static mmn_session *run(const mmn_model *model, const json_t *of)
{
    mmn_session *session;
    mmn_input *input = make_input(model, of);
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_keep(session, "language.*", &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK, "%s", error.message);
    mmn_input_free(input);
    return session;
}

static const float *last_logits(const mmn_session *session)
{
    const mmn_stage *stage = mmn_session_stage(session, "language.logits");
    return (const float *)stage->data + (stage->shape[0] - 1) * stage->shape[1];
}

/* ---- What they do ---------------------------------------------------------------------------- */

static void expect_likelihoods(const char *folder, const char *const *deltas, size_t count,
                               const json_t *of, const char *key)
{
    mmn_model *model = open_model(folder, deltas, count);
    mmn_session *session = run(model, of);
    const json_t *expected = json_object_get(of, key);
    const float *logits = last_logits(session);
    double sum = 0;
    for (size_t id = 0; id < model->config.language.vocab_size; id++)
        sum += exp((double)logits[id]);
    cr_assert_geq(json_array_size(expected), 64);
    for (size_t id = 0; id < json_array_size(expected); id++)
        cr_expect_float_eq((double)logits[id] - log(sum),
                           json_number_value(json_array_get(expected, id)), 2e-5, "%s, token %zu",
                           key, id);
    mmn_session_free(session);
    mmn_model_close(model);
}

Test(delta, does_what_other_weights_do)
{
    expect_likelihoods(MODEL, NULL, 0, golden, "none");
    expect_likelihoods(MODEL, first_and_second, 1, golden, "first");
    expect_likelihoods(MODEL, first_and_second, 2, golden, "both");
    expect_likelihoods(MODEL, second_and_first, 2, golden, "both");
}

Test(delta, does_so_without_a_gate)
{
    const char *const plain[] = {GOLDEN "deltas/plain.safetensors"};
    MMN_NEEDS("bloom");
    expect_likelihoods(GOLDEN "checkpoints/bloom", plain, 1,
                       json_object_get(golden, "without_gate"), "after");
}

Test(delta, changes_what_a_neuron_stands_for)
{
    mmn_model *model = open_model(MODEL, first_and_second, 2);
    const mmn_language_config *config = &model->config.language;
    const uint32_t layer = (uint32_t)json_integer_value(json_object_get(golden, "layer"));
    const uint32_t neuron = (uint32_t)json_integer_value(json_object_get(golden, "neuron"));
    const json_t *words = json_object_get(golden, "words");
    float column[64], rows[64], *products = calloc(config->vocab_size, sizeof(float));
    float *scores = calloc(config->intermediate_size, sizeof(float));
    cr_assert_eq(config->hidden_size, 64);
    cr_assert_eq(mmn_compute_reserve(&model->compute, 1, 64, 1, 1, &error), MMN_OK);
    mmn_word_space_column(&model->compute, model, layer, neuron, column);
    mmn_word_space_products(&model->compute, model, products, column, 1);
    for (int32_t id = 0; id < (int32_t)json_array_size(words); id++) {
        const double expected = json_number_value(json_array_get(words, (size_t)id));
        cr_expect_float_eq((double)products[id], expected, 1e-5, "word %d", id);
        mmn_word_space_scores(&model->compute, model, layer, &id, 1, rows, scores);
        cr_expect_float_eq((double)scores[neuron], expected, 1e-5, "word %d", id);
    }
    free(products);
    free(scores);
    mmn_model_close(model);
}

/* An mmn_see_function, which keeps the last row. */
static mmn_status keep_last_row(void *context, const mmn_stage *stage, mmn_error *problem)
{
    (void)problem;
    memcpy(context, (const float *)stage->data + (stage->shape[0] - 1) * stage->shape[1],
           stage->shape[1] * sizeof(float));
    return MMN_OK;
}

Test(delta, enters_gradients)
{
    float found[64];
    const json_t *expected = json_object_get(golden, "gradient");
    const mmn_probe probe = {
        .stages = "grad.language.layers.0.out", .see = keep_last_row, .context = found};
    const mmn_objective objective = {.size = sizeof(objective),
                                     .kind = MMN_OBJECTIVE_LOG_PROBABILITY,
                                     .position = MMN_LAST_POSITION};
    mmn_model *model = open_model(MODEL, first_and_second, 2);
    mmn_input *input = make_input(model, golden);
    mmn_session *session;
    double value;
    cr_assert_eq(model->config.language.hidden_size, 64);
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_session_gradient(session, input, &objective, &value, &error), MMN_OK, "%s",
                 error.message);
    cr_expect_float_eq(value, json_number_value(json_array_get(json_object_get(golden, "both"), 0)),
                       2e-5);
    for (size_t i = 0; i < 64; i++)
        cr_expect_float_eq((double)found[i], json_number_value(json_array_get(expected, i)), 1e-5,
                           "%zu", i);
    mmn_session_free(session);
    mmn_input_free(input);
    mmn_model_close(model);
}

/* The bits of all stages of the language model. */
static void expect_same_stages(const mmn_session *session, const mmn_session *other)
{
    const mmn_stage *a, *b;
    for (size_t i = 0; (a = mmn_session_stage_at(session, i)); i++) {
        cr_assert_not_null(b = mmn_session_stage_at(other, i));
        cr_assert_str_eq(a->name, b->name);
        cr_expect_eq(memcmp(a->data, b->data, a->shape[0] * a->shape[1] * sizeof(float)), 0, "%s",
                     a->name);
    }
}

/* Writes a delta of the model of this digest (NULL: the model's own). */
static void write_zeros(const char *path, const mmn_model *model, const char *digest)
{
    mmn_delta delta = {.settings = mmn_copy_text("{}", NULL)};
    cr_assert_eq(mmn_additions_reserve(&delta.additions, &model->config.language, 3, &error),
                 MMN_OK);
    for (uint32_t layer = 0; layer < 3; layer++) {
        delta.additions.neurons[layer] = 7 * layer;
        delta.additions.first[layer + 1] = layer + 1;
    }
    cr_assert_eq(mmn_model_digest(model, delta.model, &error), MMN_OK);
    if (digest)
        snprintf(delta.model, sizeof(delta.model), "%s", digest);
    cr_assert_eq(mmn_delta_write(&delta, path, &model->config.language, &error), MMN_OK, "%s",
                 error.message);
    mmn_delta_free(&delta);
}

Test(delta, of_zeros_changes_no_bit)
{
    const char *const zeros[] = {scratch_path("zeros.safetensors")};
    mmn_model *plain = open_model(MODEL, NULL, 0);
    write_zeros(zeros[0], plain, NULL);
    mmn_model *model = open_model(MODEL, zeros, 1);
    mmn_session *session = run(plain, golden), *other = run(model, golden);
    expect_same_stages(session, other);
    mmn_session_free(session);
    mmn_session_free(other);
    mmn_model_close(plain);
    mmn_model_close(model);
}

Test(delta, gives_the_same_bits_in_all_tables_and_pieces)
{
    mmn_model_options options = {
        .size = sizeof(options), .threads = 1, .deltas = first_and_second, .delta_count = 2};
    mmn_model *model = open_model(MODEL, first_and_second, 2), *reference;
    options.simd = "reference";
    cr_assert_eq(mmn_model_open(&reference, MODEL, &options, &error), MMN_OK, "%s", error.message);
    mmn_session *session = run(model, golden), *other = run(reference, golden), *parts;
    expect_same_stages(session, other);

    /* A token that is generated reads what the prompt has left. */
    mmn_input *input = make_input(model, golden);
    int32_t ids[2];
    size_t count;
    cr_assert_eq(mmn_session_create(&parts, model, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(parts, input, &error), MMN_OK);
    cr_assert_eq(mmn_session_generate(parts, 2, ids, &count, &error), MMN_OK);
    cr_assert_eq(count, 2);
    int32_t again[2];
    cr_assert_eq(mmn_session_generate(other, 2, again, &count, &error), MMN_OK);
    cr_expect_arr_eq(ids, again, sizeof(ids));
    mmn_input_free(input);
    mmn_session_free(parts);
    mmn_session_free(session);
    mmn_session_free(other);
    mmn_model_close(model);
    mmn_model_close(reference);
}

Test(delta, makes_another_model_of_it)
{
    char none[33], first[33], both[33], turned[33];
    mmn_model *models[] = {open_model(MODEL, NULL, 0), open_model(MODEL, first_and_second, 1),
                           open_model(MODEL, first_and_second, 2),
                           open_model(MODEL, second_and_first, 2)};
    char *const digests[] = {none, first, both, turned};
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(mmn_model_digest(models[i], digests[i], &error), MMN_OK);
    cr_expect_str_neq(none, first);
    cr_expect_str_neq(first, both);
    cr_expect_str_neq(both, turned);
    const mmn_model_info *info = mmn_model_describe(models[2]);
    cr_assert_eq(info->delta_count, 2);
    cr_expect_eq(strlen(info->deltas[0]), 32);
    cr_expect_str_neq(info->deltas[0], info->deltas[1]);
    cr_expect_eq(mmn_model_describe(models[0])->delta_count, 0);
    for (size_t i = 0; i < 4; i++)
        mmn_model_close(models[i]);
}

/* ---- What is refused ------------------------------------------------------------------------- */

static void expect_refused(const char *folder, const char *file, const char *message)
{
    const char *const deltas[] = {file};
    mmn_model *model;
    cr_expect_eq(try_open(&model, folder, deltas, 1), MMN_INPUT, "%s", file);
    cr_expect_null(model);
    cr_expect(strstr(error.message, message) || strstr(error.where, message), "%s: %s", error.where,
              error.message);
}

Test(delta, is_of_its_model)
{
    const char *zeros = scratch_path("zeros.safetensors");
    mmn_model *model = open_model(MODEL, NULL, 0);
    write_zeros(zeros, model, "0123456789abcdef0123456789abcdef");
    mmn_model_close(model);
    expect_refused(MODEL, zeros, "is of another model");
    expect_refused(GOLDEN "checkpoints/llava-native", FIRST, "language.rows");
    if (mmn_build_reads("deberta-v3-few-buckets"))
        expect_refused(GOLDEN "checkpoints/deberta-v3-few-buckets", FIRST, "judge of answers");
}

Test(delta, is_no_other_file)
{
    expect_refused(MODEL, GOLDEN "deltas/deltas.json", "expected a delta");
    expect_refused(MODEL, MODEL "/model-00001-of-00003.safetensors", "expected a delta");
}

Test(delta, with_a_bit_changed_is_refused)
{
    mmn_mapping mapping;
    cr_assert_eq(mmn_map_file(&mapping, FIRST, &error), MMN_OK);
    uint8_t *bytes = malloc(mapping.size);
    for (size_t at = 0; at < mapping.size; at += 7) {
        const char *const deltas[] = {scratch_path("damaged.safetensors")};
        mmn_model *model;
        memcpy(bytes, mapping.data, mapping.size);
        bytes[at] ^= 0x10;
        scratch_write_bytes("damaged.safetensors", bytes, mapping.size);
        cr_expect_neq(try_open(&model, MODEL, deltas, 1), MMN_OK, "byte %zu", at);
        mmn_model_close(model);
    }
    free(bytes);
    mmn_unmap(&mapping);
}

/* Neurons that there are not or that are out of order, with a checksum that is right. */
Test(delta, names_neurons_of_the_model_in_order)
{
    static const struct {
        uint32_t neurons[2];
        double value;
        const char *message;
    } cases[] = {{{5, 5}, 0, "out of order"},
                 {{6, 5}, 0, "out of order"},
                 {{5, 116}, 0, "116 of layer 0"},
                 {{5, 6}, (double)INFINITY, "infinite"}};
    mmn_model *model = open_model(MODEL, NULL, 0);
    const mmn_language_config *config = &model->config.language;
    for (size_t i = 0; i < MMN_LENGTH(cases); i++) {
        const char *file = scratch_path("odd.safetensors");
        mmn_delta delta = {.settings = mmn_copy_text("{}", NULL)};
        cr_assert_eq(mmn_additions_reserve(&delta.additions, config, 2, &error), MMN_OK);
        memcpy(delta.additions.neurons, cases[i].neurons, sizeof(cases[i].neurons));
        for (uint32_t layer = 0; layer < config->layers; layer++)
            delta.additions.first[layer + 1] = 2;
        delta.additions.rows[3] = cases[i].value;
        cr_assert_eq(mmn_delta_write(&delta, file, config, &error), MMN_OK);
        expect_refused(MODEL, file, cases[i].message);
        mmn_delta_free(&delta);
    }
    mmn_model_close(model);
}
