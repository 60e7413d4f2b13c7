/* InstructBLIP: its configuration as transformers reads it, its weights, and its inputs, whose
 * image stands before the text and is read with the text in view. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "format/safetensors.h"
#include "model/family.h"
#include "model/input.h"
#include "model/model.h"
#include "tests/tools/needs.h"

#define FOLDER MMN_SOURCE_DIR "/golden/checkpoints/instructblip"
#define CASE MMN_SOURCE_DIR "/golden/cases/instructblip/wide.safetensors"
#define WIDE MMN_SOURCE_DIR "/golden/images/wide.jpg"
#define TALL MMN_SOURCE_DIR "/golden/images/tall.jpg"

static mmn_error error;

#define check_ok(call)                                                                             \
    cr_assert_eq((call), MMN_OK, "%s: %s: %s", error.file, error.where, error.message)

static void expect_message(mmn_status status, const char *part)
{
    char sentence[2048];
    mmn_error_sentence(&error, sentence, sizeof sentence);
    cr_assert_eq(status, MMN_INPUT, "status %d: %s", (int)status, sentence);
    cr_assert_not_null(strstr(sentence, part), "\"%s\" instead of \"%s\"", sentence, part);
}

/* ---- Configuration --------------------------------------------------------------------------- */

static mmn_status parse(mmn_config *config, const char *text)
{
    error = (mmn_error){0};
    return mmn_config_parse(config, text, strlen(text), "config.json", NULL, 0, NULL, &error);
}

static void check_numbers(const char *name, const json_t *expected, const char *key,
                          const uint32_t *found, size_t count)
{
    const json_t *numbers = json_object_get(expected, key);
    cr_assert_eq(json_array_size(numbers), count);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(json_integer_value(json_array_get(numbers, i)), found[i], "%s: %s[%zu] is %u",
                     name, key, i, (unsigned)found[i]);
}

static const char *text_at(const json_t *expected, const char *key)
{
    return json_string_value(json_object_get(expected, key));
}

static void check_config(const char *name, const json_t *expected, const mmn_config *config)
{
    const mmn_vision_config *vision = &config->vision;
    const mmn_qformer_config *qformer = &config->qformer;
    const uint32_t vision_numbers[] = {
        vision->hidden_size, vision->intermediate_size, vision->layers,  vision->heads,
        vision->image_size,  vision->patch_size,        vision->qkv_bias};
    const uint32_t qformer_numbers[] = {qformer->queries,
                                        qformer->hidden_size,
                                        qformer->intermediate_size,
                                        qformer->layers,
                                        qformer->heads,
                                        qformer->cross_attention_frequency,
                                        qformer->vocab_size,
                                        qformer->max_position_embeddings};
    const uint32_t language[] = {config->language.hidden_size, config->language.layers,
                                 config->language.vocab_size};
    check_numbers(name, expected, "vision", vision_numbers, 7);
    check_numbers(name, expected, "qformer", qformer_numbers, 8);
    check_numbers(name, expected, "language", language, 3);
    cr_expect_eq(vision->layer_norm_eps,
                 (float)json_real_value(json_object_get(expected, "vision_eps")));
    cr_expect_eq(qformer->layer_norm_eps,
                 (float)json_real_value(json_object_get(expected, "qformer_eps")));
    cr_expect_str_eq(mmn_activation_name(vision->activation),
                     text_at(expected, "vision_activation"));
    cr_expect_str_eq(mmn_activation_name(qformer->activation),
                     text_at(expected, "qformer_activation"));
    cr_expect_eq(vision->hidden_size,
                 json_integer_value(json_object_get(expected, "encoder_hidden_size")));
    cr_expect_eq(config->image_token_id,
                 json_integer_value(json_object_get(expected, "image_token")));
    cr_expect(config->image_first && vision->keeps_class_token && vision->post_norm);
}

Test(instructblip, configurations_are_read_as_transformers_does)
{
    json_t *cases;
    check_ok(mmn_json_load(&cases, MMN_SOURCE_DIR "/tests/model/data/instructblip_configs.json",
                           100000, &error));
    cr_assert_eq(json_array_size(cases), 4);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);
        char *text = json_dumps(json_object_get(one, "config"), 0);
        mmn_config config;
        check_ok(parse(&config, text));
        check_config(text_at(one, "name"), json_object_get(one, "expected"), &config);
        free(text);
    }
    json_decref(cases);
}

Test(instructblip, configurations_that_cannot_be_run_are_refused_by_the_key)
{
    static const struct {
        const char *keys, *part;
    } bad[] = {
        {"\"text_config\":{\"model_type\":\"llama\"}", "image_token_index: is missing"},
        {"\"text_config\":{\"model_type\":\"llama\"},\"image_token_index\":null", "is missing"},
        {"\"text_config\":{\"model_type\":\"llama\"},\"image_token_index\":32000", "32000"},
        {"\"image_token_index\":3", "text_config"},
        {"\"image_token_index\":3,\"text_config\":{\"model_type\":\"t5\"}", "\"t5\""},
        {"\"vision_config\":{\"model_type\":\"clip_vision_model\"}", "instructblip_vision_model"},
        {"\"qformer_config\":{\"num_attention_heads\":7}", "num_attention_heads"},
        {"\"qformer_config\":{\"num_hidden_layers\":0}", "num_hidden_layers"},
        {"\"qformer_config\":{\"cross_attention_frequency\":0}", "cross_attention_frequency"},
        {"\"qformer_config\":{\"position_embedding_type\":\"relative_key\"}", "relative_key"},
        {"\"num_query_tokens\":0", "num_query_tokens"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[512];
        mmn_config config;
        snprintf(text, sizeof text, "{\"model_type\":\"instructblip\",%s%s}", bad[i].keys,
                 strstr(bad[i].keys, "text_config") || i == 3
                     ? ""
                     : ",\"text_config\":{\"model_type\":\"llama\"},\"image_token_index\":3");
        expect_message(parse(&config, text), bad[i].part);
    }
}

/* ---- Weights --------------------------------------------------------------------------------- */

/* Each kind of tensor is asked for by name and with its shape. */
Test(instructblip, weights_that_are_missing_or_of_another_shape_are_named)
{
    enum { STEP = 11, LIMIT = 512 };
    static mmn_tensor tensors[LIMIT];
    char path[] = "/tmp/mmneuron-instructblip-XXXXXX";
    int descriptor = mkstemp(path);
    mmn_safetensors *all;
    mmn_config config;
    cr_assert_geq(descriptor, 0);
    close(descriptor);
    check_ok(mmn_config_load(&config, FOLDER, &error));
    check_ok(mmn_safetensors_open_folder(&all, FOLDER, &error));
    size_t count = mmn_safetensors_count(all);
    cr_assert_leq(count, LIMIT);
    for (size_t i = 0; i < 2 * count; i += STEP) {
        size_t changed = i / 2, kept = 0;
        bool removed = i % 2 == 0;
        const char *name = mmn_safetensors_get(all, changed)->name;
        for (size_t k = 0; k < count; k++)
            if (k != changed || !removed)
                tensors[kept++] = *mmn_safetensors_get(all, k);
        if (!removed) {
            tensors[changed].shape[tensors[changed].dimensions] = 1;
            tensors[changed].dimensions++;
        }
        mmn_safetensors *opened;
        mmn_weights *weights;
        check_ok(mmn_safetensors_write(path, tensors, kept, NULL, &error));
        check_ok(mmn_safetensors_open(&opened, path, &error));
        mmn_status status = mmn_weights_bind(&weights, opened, "the checkpoint", &config, &error);
        expect_message(status, removed ? "tensor is missing" : "the configuration asks for");
        cr_assert_not_null(strstr(error.where, strrchr(name, '.') ? strrchr(name, '.') : name));
    }
    mmn_safetensors_close(all);
    unlink(path);
}

/* ---- Inputs ---------------------------------------------------------------------------------- */

static mmn_model *open_model(void)
{
    mmn_model *model;
    MMN_NEEDS(FOLDER);
    check_ok(mmn_model_open(&model, FOLDER, NULL, &error));
    return model;
}

static mmn_status make(mmn_input **input, const mmn_model *model, const char *prompt,
                       const char *const *images, size_t count)
{
    error = (mmn_error){0};
    return mmn_input_from_prompt(input, model, prompt, images, count, &error);
}

static void expect_same_input(const mmn_input *a, const mmn_input *b)
{
    cr_assert_eq(a->length, b->length);
    cr_assert_eq(a->qformer_length, b->qformer_length);
    cr_assert_arr_eq(a->ids, b->ids, a->length * sizeof *a->ids);
    cr_assert_arr_eq(a->qformer_ids, b->qformer_ids, a->qformer_length * sizeof *a->qformer_ids);
}

/* The placeholder, with or without its line break, is the same as none. */
Test(instructblip, the_placeholder_may_begin_a_prompt)
{
    static const char *const images[] = {WIDE, TALL};
    mmn_model *model = open_model();
    mmn_input *bare, *line, *beside;
    check_ok(make(&bare, model, "Where is it?", images, 1));
    check_ok(make(&line, model, "<image>\nWhere is it?", images, 1));
    check_ok(make(&beside, model, "<image>Where is it?", images, 2));
    expect_same_input(bare, line);
    expect_same_input(bare, beside);
    cr_assert_eq(beside->image_count, 1, "two pictures are joined to one");
    cr_assert_neq(beside->image_sizes[0].width, bare->image_sizes[0].width);
    cr_assert_eq(mmn_input_image_positions(bare), model->config.qformer.queries);
    for (size_t i = 0; i < model->config.qformer.queries; i++)
        cr_assert(mmn_input_is_image(bare, i));
    cr_assert_eq(bare->ids[model->config.qformer.queries], 2, "a text begins with </s>");
    mmn_input_free(bare);
    mmn_input_free(line);
    mmn_input_free(beside);
    mmn_model_close(model);
}

Test(instructblip, text_alone_is_for_the_language_model)
{
    mmn_model *model = open_model();
    mmn_input *input;
    check_ok(make(&input, model, "Where is it?", NULL, 0));
    cr_assert_eq(input->qformer_length, 0);
    cr_assert_eq(mmn_input_image_positions(input), 0);
    cr_assert_eq(input->ids[0], 2);
    mmn_input_free(input);
    mmn_model_close(model);
}

Test(instructblip, prompts_that_do_not_fit_are_refused)
{
    static const char *const images[] = {WIDE};
    char *words = calloc(1, 2000);
    mmn_model *model = open_model();
    mmn_input *input;
    for (int i = 0; i < 400; i++)
        strcat(words, "who ");
    expect_message(make(&input, model, "What <image> is it?", images, 1), "only begin the prompt");
    cr_assert_null(input);
    expect_message(make(&input, model, "<image><image>", images, 1), "only begin the prompt");
    expect_message(make(&input, model, "<image>\nWhat?", NULL, 0), "there are 0 images");
    expect_message(make(&input, model, words, images, 1), "which reads at most 128");
    check_ok(make(&input, model, words, NULL, 0));
    mmn_input_free(input);
    free(words);
    mmn_model_close(model);
}

/* The case's file with its qformer_input_ids changed to `ids` [count], of `dimensions` dimensions
 * (0: left out), and its pixel_values twice where `twice`. */
static mmn_status read_changed(mmn_input **input, const mmn_model *model, const int32_t *ids,
                               size_t count, size_t dimensions, bool twice)
{
    char path[] = "/tmp/mmneuron-instructblip-XXXXXX";
    int descriptor = mkstemp(path);
    mmn_safetensors *file;
    mmn_tensor tensors[3];
    cr_assert_geq(descriptor, 0);
    close(descriptor);
    check_ok(mmn_safetensors_open(&file, CASE, &error));
    tensors[0] = *mmn_safetensors_find(file, "input_ids");
    tensors[1] = *mmn_safetensors_find(file, "pixel_values");
    uint8_t *pixels = malloc(2 * tensors[1].bytes);
    cr_assert_not_null(pixels);
    memcpy(pixels, tensors[1].data, tensors[1].bytes);
    memcpy(pixels + tensors[1].bytes, tensors[1].data, tensors[1].bytes);
    if (twice) {
        tensors[1].data = pixels;
        tensors[1].shape[0] = 2;
        tensors[1].bytes *= 2;
    }
    tensors[2] = (mmn_tensor){.name = "qformer_input_ids",
                              .type = MMN_TYPE_I32,
                              .dimensions = dimensions,
                              .shape = {count, 1},
                              .data = (const uint8_t *)ids,
                              .bytes = count * sizeof *ids};
    check_ok(mmn_safetensors_write(path, tensors, dimensions > 0 ? 3 : 2, NULL, &error));
    mmn_safetensors_close(file);
    free(pixels);
    error = (mmn_error){0};
    mmn_status status = mmn_input_from_file(input, model, path, &error);
    unlink(path);
    return status;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
Test(instructblip, instructions_from_a_file_are_checked)
{
    static const int32_t good[] = {2, 496, 3}, above[] = {2, 497, 3}, below[] = {2, -1, 3};
    static int32_t many[129];
    mmn_model *model = open_model();
    mmn_input *input;
    check_ok(read_changed(&input, model, good, 3, 1, false));
    cr_assert_eq(input->qformer_length, 3);
    mmn_input_free(input);
    expect_message(read_changed(&input, model, above, 3, 1, false), "element 1 is 497");
    expect_message(read_changed(&input, model, below, 3, 1, false), "element 1 is -1");
    expect_message(read_changed(&input, model, good, 3, 2, false), "2 dimensions");
    expect_message(read_changed(&input, model, good, 0, 1, false), "0 elements");
    expect_message(read_changed(&input, model, good, 0, 0, false), "qformer_input_ids: is missing");
    expect_message(read_changed(&input, model, many, 129, 1, false), "which reads at most 128");
    expect_message(read_changed(&input, model, good, 3, 1, true), "has 2 images");
    cr_assert_null(input);
    mmn_model_close(model);
}
#endif

/* ---- The Q-Former's tokenizer ---------------------------------------------------------------- */

/* A folder with links to the checkpoint's files, its Q-Former's tokenizer apart. */
static void link_files(char *folder)
{
    static const char *const names[] = {"config.json",
                                        "generation_config.json",
                                        "model-00001-of-00002.safetensors",
                                        "model-00002-of-00002.safetensors",
                                        "model.safetensors.index.json",
                                        "preprocessor_config.json",
                                        "processor_config.json",
                                        "tokenizer.json",
                                        "tokenizer_config.json"};
    cr_assert_not_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char from[512], to[512];
        snprintf(from, sizeof from, "%s/%s", FOLDER, names[i]);
        snprintf(to, sizeof to, "%s/%s", folder, names[i]);
        cr_assert_eq(symlink(from, to), 0, "%s", to);
    }
}

Test(instructblip, the_q_formers_tokenizer_must_be_there_and_fit)
{
    char folder[] = "/tmp/mmneuron-instructblip-XXXXXX", path[256], file[512], command[512];
    static const char more[] = "zzyxa\nzzyxb\nzzyxc\n";
    char *vocabulary;
    size_t size;
    mmn_model *model;
    MMN_NEEDS(FOLDER);
    link_files(folder);
    expect_message(mmn_model_open(&model, folder, NULL, &error),
                   "qformer_tokenizer: is not a folder");
    cr_assert_null(model);

    snprintf(path, sizeof path, "%s/qformer_tokenizer", folder);
    cr_assert_eq(mkdir(path, 0700), 0);
    expect_message(mmn_model_open(&model, folder, NULL, &error), "qformer_tokenizer");
    cr_assert_eq(rmdir(path), 0);
    cr_assert_eq(symlink(FOLDER "/qformer_tokenizer", path), 0);
    check_ok(mmn_model_open(&model, folder, NULL, &error));
    mmn_model_close(model);

    /* A vocabulary that has more words than the Q-Former. */
    check_ok(
        mmn_read_file(&vocabulary, &size, FOLDER "/qformer_tokenizer/vocab.txt", 1 << 20, &error));
    char *longer = malloc(size + 100);
    cr_assert_not_null(longer);
    memcpy(longer, vocabulary, size);
    memcpy(longer + size, more, strlen(more));
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(mkdir(path, 0700), 0);
    snprintf(file, sizeof file, "%s/vocab.txt", path);
    check_ok(mmn_write_file(file, longer, size + strlen(more), &error));
    expect_message(mmn_model_open(&model, folder, NULL, &error),
                   "the Q-Former's vocab_size is 497");
    free(longer);
    mmn_free(vocabulary);
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    cr_assert_eq(system(command), 0);
}
