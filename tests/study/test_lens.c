/* The logit lens: its reading of PyTorch's hidden states and of sessions' against the same in
 * binary64 with the C library's functions, and what it makes of a list. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../model/seen.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/memory.h"
#include "format/safetensors.h"
#include "model/model.h"
#include "study/lens.h"
#include "tests/tools/needs.h"

#define MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5"
#define SIGLIP_MODEL MMN_SOURCE_DIR "/golden/checkpoints/llava-interleave-qwen"
#define CASE MMN_SOURCE_DIR "/golden/cases/llava-1.5/wide.safetensors"
#define NEURONS MMN_SOURCE_DIR "/tests/mask/data/masked.json"
#define IMAGE MMN_SOURCE_DIR "/golden/images/wide.jpg"

static mmn_error error;
static mmn_model *model;

static void set_up(void)
{
    cr_assert_eq(mmn_model_open(&model, MODEL, NULL, &error), MMN_OK, "%s", error.message);
}

static void tear_down(void)
{
    mmn_model_close(model);
}

TestSuite(lens, .init = set_up, .fini = tear_down);

/* ---- The reading, in binary64 ---------------------------------------------------------------- */

typedef struct reading {
    double entropy, best, second; /* second: the probability after the best one */
    size_t word;
} reading;

static reading read_state(const double *state)
{
    const mmn_language_config *config = &model->config.language;
    const mmn_language_weights *weights = &model->weights->language;
    size_t width = config->hidden_size, vocabulary = config->vocab_size;
    double squares = 0, sum = 0, greatest = -INFINITY;
    double *logits = mmn_allocate(vocabulary, sizeof *logits, NULL);
    float *row = mmn_allocate(width, sizeof *row, NULL);
    reading made = {0};

    for (size_t i = 0; i < width; i++)
        squares += state[i] * state[i];
    for (size_t n = 0; n < vocabulary; n++) {
        const uint8_t *stored = weights->head.data;
        size_t size = mmn_weight_size(weights->head.type);
        mmn_kernels_reference()->widen(row, stored + n * width * size, weights->head.type, width);
        for (size_t i = 0; i < width; i++)
            logits[n] += row[i] * weights->norm.weight[i] * state[i];
        logits[n] /= sqrt(squares / (double)width + (double)config->norm_eps);
        greatest = fmax(greatest, logits[n]);
    }
    for (size_t n = 0; n < vocabulary; n++)
        sum += exp(logits[n] - greatest);
    for (size_t n = 0; n < vocabulary; n++) {
        double p = exp(logits[n] - greatest) / sum;
        made.entropy -= p > 0 ? p * log(p) : 0;
        if (p > made.best) {
            made.second = made.best;
            made.best = p;
            made.word = n;
        } else {
            made.second = fmax(made.second, p);
        }
    }
    mmn_free(logits);
    mmn_free(row);
    return made;
}

Test(lens, reads_hidden_states_of_pytorch)
{
    size_t width = model->config.language.hidden_size, compared = 0;
    mmn_study study = {.model = model};
    mmn_readout readout;
    mmn_safetensors *golden;
    cr_assert_eq(mmn_readout_begin(&readout, &study, 3, &error), MMN_OK);
    cr_assert_eq(mmn_safetensors_open(&golden, CASE, &error), MMN_OK);
    for (size_t layer = 0; layer < model->config.language.layers; layer++) {
        char name[64];
        snprintf(name, sizeof name, "language.layers.%zu.out", layer);
        const mmn_tensor *tensor = mmn_safetensors_find(golden, name);
        size_t rows = tensor->shape[0];
        double *truth = mmn_allocate(rows * width, sizeof *truth, NULL);
        float *rounded = mmn_allocate(rows * width, sizeof *rounded, NULL);
        cr_assert_leq(rows, MMN_STUDY_ROWS);
        for (size_t i = 0; i < rows * width; i++) {
            uint64_t bits = mmn_load_u64(tensor->data + 8 * i);
            memcpy(&truth[i], &bits, sizeof bits);
            rounded[i] = (float)truth[i];
        }
        cr_assert_eq(mmn_readout_run(&readout, rounded, rows, &error), MMN_OK);
        for (size_t row = 0; row < rows; row++) {
            reading expected = read_state(truth + row * width);
            const mmn_word *words = &readout.words[row * 3];
            cr_expect_float_eq(readout.entropy[row], expected.entropy, 2e-5, "%s, row %zu: %g, %g",
                               name, row, readout.entropy[row], expected.entropy);
            cr_expect_float_eq(words[0].value, expected.best, 2e-5);
            cr_expect_float_eq(words[1].value, expected.second, 2e-5);
            cr_expect(words[1].value >= words[2].value);
            if (expected.best - expected.second > 1e-4) {
                cr_expect_eq((size_t)words[0].id, expected.word);
                compared++;
            }
        }
        mmn_free(truth);
        mmn_free(rounded);
    }
    cr_expect_gt(compared, 50);
    mmn_safetensors_close(golden);
    mmn_study_close(&(mmn_study_kind){0}, &study);
}

/* The cosines of PyTorch's embeddings with those of all words, in binary64. */
static void expect_nearest(const mmn_word *nearest, size_t count, const double *state)
{
    const mmn_matrix *embedding = &model->weights->language.embedding;
    const size_t width = model->config.language.hidden_size;
    const size_t vocabulary = model->config.language.vocab_size;
    const size_t size = mmn_weight_size(embedding->type);
    double *cosine = mmn_allocate(vocabulary, sizeof *cosine, NULL);
    float *word = mmn_allocate(width, sizeof *word, NULL);
    for (size_t id = 0; id < vocabulary; id++) {
        const uint8_t *stored = (const uint8_t *)embedding->data + id * width * size;
        double product = 0, squares = 0, own = 0;
        mmn_kernels_reference()->widen(word, stored, embedding->type, width);
        for (size_t i = 0; i < width; i++) {
            product += word[i] * state[i];
            squares += (double)word[i] * (double)word[i];
            own += state[i] * state[i];
        }
        cosine[id] = squares > 0 ? product / sqrt(squares * own) : 0;
    }
    for (size_t k = 0; k < count; k++) {
        size_t best = 0;
        for (size_t id = 1; id < vocabulary; id++)
            best = cosine[id] > cosine[best] ? id : best;
        cr_expect_float_eq(nearest[k].value, cosine[best], 1e-5);
        cr_expect_float_eq(nearest[k].value, cosine[nearest[k].id], 1e-5);
        cosine[nearest[k].id] = -2; /* each word once */
    }
    mmn_free(cosine);
    mmn_free(word);
}

Test(lens, nearest_words_are_those_of_pytorchs_embeddings)
{
    enum { NEAREST = 4 };
    const size_t width = model->config.language.hidden_size;
    mmn_safetensors *golden;
    size_t compared = 0;
    cr_assert_eq(mmn_safetensors_open(&golden, CASE, &error), MMN_OK);
    const mmn_tensor *tensor = mmn_safetensors_find(golden, "language.embeddings");
    cr_assert_not_null(tensor);
    const size_t rows = tensor->shape[0];
    double *truth = mmn_allocate(rows * width, sizeof *truth, NULL);
    float *rounded = mmn_allocate(rows * width, sizeof *rounded, NULL);
    mmn_lens_position *positions = mmn_allocate(rows, sizeof *positions, NULL);
    mmn_word *nearest = mmn_allocate(rows * NEAREST, sizeof *nearest, NULL);
    for (size_t i = 0; i < rows * width; i++) {
        uint64_t bits = mmn_load_u64(tensor->data + 8 * i);
        memcpy(&truth[i], &bits, sizeof bits);
        rounded[i] = (float)truth[i];
    }
    for (size_t i = 0; i < rows; i++)
        positions[i] = (mmn_lens_position){.position = i, .is_image = i % 7 != 3};
    mmn_lens_example example = {.count = rows, .positions = positions, .nearest = nearest};
    mmn_lens lens = {.study.model = model,
                     .vocabulary = model->config.language.vocab_size,
                     .nearest = NEAREST,
                     .example = &example};
    const mmn_stage shown = {
        .name = "language.embeddings", .shape = {rows, width}, .dimensions = 2, .data = rounded};
    cr_assert_eq(mmn_readout_begin(&lens.readout, &lens.study, 1, &error), MMN_OK);
    cr_assert_eq(mmn_lens_begin_nearest(&lens, &error), MMN_OK);
    cr_assert_eq(mmn_lens_keep_nearest(&lens, &shown, &error), MMN_OK, "%s", error.message);
    for (size_t i = 0; i < rows; i++)
        if (positions[i].is_image) {
            expect_nearest(nearest + i * NEAREST, NEAREST, truth + i * width);
            compared++;
        } else {
            cr_expect_eq(nearest[i * NEAREST].value, 0);
        }
    cr_expect_gt(compared, 20);
    mmn_free(nearest);
    mmn_free(positions);
    mmn_free(rounded);
    mmn_free(truth);
    mmn_safetensors_close(golden);
    mmn_study_close(&(mmn_study_kind){0}, &lens.study);
}

/* ---- Over a list ----------------------------------------------------------------------------- */

static const char list_text[] =
    "{\"id\":\"a\",\"domain\":\"medical\",\"image\":\"" IMAGE "\",\"question\":\"What is\"}\n"
    "{\"id\":\"b\",\"domain\":\"documents\",\"question\":\"Which of these words\"}\n"
    "{\"id\":\"c\",\"domain\":\"medical\",\"question\":\"Is there a\"}\n";

static void write_list(char *path, size_t size, const char *text)
{
    snprintf(path, size, "/tmp/mmneuron-lens-%d.jsonl", (int)getpid());
    cr_assert_eq(mmn_write_file(path, text, strlen(text), &error), MMN_OK, "%s", error.message);
}

static mmn_lens *run_lens(const mmn_lens_options *options)
{
    mmn_lens *lens = mmn_allocate(1, sizeof *lens, NULL);
    cr_assert_eq(mmn_study_find(&mmn_lens_kind, lens, model, options, &error), MMN_OK, "%s: %s: %s",
                 error.file, error.where, error.message);
    return lens;
}

static void end_lens(mmn_lens *lens)
{
    mmn_study_close(&mmn_lens_kind, lens);
    mmn_free(lens);
}

/* The texts of a lens, made by its result. */
static void write_texts(char **json, char **table, const mmn_lens *lens)
{
    mmn_result *result;
    cr_assert_eq(mmn_study_fill(&result, &mmn_lens_kind, lens, &error), MMN_OK);
    cr_assert_eq(mmn_result_json(result, json, &error), MMN_OK);
    cr_assert_eq(mmn_result_table(result, table, &error), MMN_OK);
    mmn_result_free(result);
}

/* The sum of entropies at the positions of one kind of state `stage` of `layer`, which another
 * session has shown. */
static double expected_sum(const seen *all, const mmn_input *input, int stage, size_t layer,
                           int image)
{
    size_t width = model->config.language.hidden_size, bytes = width * sizeof(float);
    double *state = mmn_allocate(width, sizeof *state, NULL), sum = 0;
    char name[64], before[64] = "language.embeddings";
    snprintf(name, sizeof name, "language.layers.%zu.%s", layer,
             stage == MMN_LENS_MID ? "attn.out" : mmn_lens_stage_names[stage]);
    if (layer > 0)
        snprintf(before, sizeof before, "language.layers.%zu.out", layer - 1);
    for (size_t position = 0; position < mmn_input_length(input); position++) {
        const char *row = seen_row(all, name, NULL, position, bytes);
        const char *residual = seen_row(all, before, NULL, position, bytes);
        if (mmn_input_is_image(input, position) != image)
            continue;
        for (size_t i = 0; i < width; i++) {
            float value, added;
            memcpy(&value, row + i * sizeof value, sizeof value);
            memcpy(&added, residual + i * sizeof added, sizeof added);
            state[i] = stage == MMN_LENS_MID ? value + added : value;
        }
        sum += read_state(state).entropy;
    }
    mmn_free(state);
    return sum;
}

static void expect_curves(const mmn_lens *lens, const mmn_mask *mask)
{
    const char *const images[] = {IMAGE};
    mmn_input *inputs[2];
    seen all[2] = {{0}, {0}};
    cr_assert_eq(mmn_input_from_prompt(&inputs[0], model, "<image>\nWhat is", images, 1, &error),
                 MMN_OK);
    cr_assert_eq(mmn_input_from_prompt(&inputs[1], model, "Is there a", NULL, 0, &error), MMN_OK);
    for (size_t i = 0; i < 2; i++) {
        const mmn_probe probe = {.stages = "language.*", .see = see_all, .context = &all[i]};
        mmn_session *session;
        cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
        if (mask)
            cr_assert_eq(mmn_session_add_mask(session, mask, &error), MMN_OK);
        cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK);
        cr_assert_eq(mmn_session_prefill(session, inputs[i], &error), MMN_OK);
        mmn_session_free(session);
    }
    for (int stage = 0; stage < MMN_LENS_STAGES; stage++)
        for (size_t layer = 0; layer < lens->layers; layer++)
            for (int image = 0; image < 2; image++) {
                double sum = 0, positions = 0;
                for (size_t i = 0; i < 2; i++) {
                    sum += expected_sum(&all[i], inputs[i], stage, layer, image);
                    for (size_t k = 0; k < mmn_input_length(inputs[i]); k++)
                        positions += mmn_input_is_image(inputs[i], k) == image;
                }
                double found = mmn_lens_entropy(lens, 1, stage, layer, image);
                cr_expect_float_eq(found, sum / positions, 2e-5, "%s of layer %zu, %s: %g, %g",
                                   mmn_lens_stage_names[stage], layer, image ? "image" : "text",
                                   found, sum / positions);
            }
    for (size_t i = 0; i < 2; i++) {
        seen_free(&all[i]);
        mmn_input_free(inputs[i]);
    }
}

Test(lens, curves_are_means_over_all_positions)
{
    char list[64];
    write_list(list, sizeof list, list_text);
    const mmn_lens_options options = {
        .size = sizeof(options), .list = list, .stages = "mlp.out,mid,attn.out,out"};
    mmn_lens *lens = run_lens(&options);
    expect_curves(lens, NULL);
    end_lens(lens);
    remove(list);
}

Test(lens, curves_with_neurons_off)
{
    char list[64];
    mmn_mask *mask;
    write_list(list, sizeof list, list_text);
    const mmn_lens_options options = {.size = sizeof(options),
                                      .list = list,
                                      .stages = "out,attn.out,mid,mlp.out",
                                      .neurons = NEURONS,
                                      .off_setting = "language"};
    mmn_lens *lens = run_lens(&options);
    cr_assert_eq(mmn_mask_from_file(&mask, model, NEURONS, "medical", "language", 0, &error),
                 MMN_OK);
    expect_curves(lens, mask);
    mmn_mask_free(mask);
    end_lens(lens);
    remove(list);
}

Test(lens, threads_and_positions_kept_change_no_bit)
{
    char list[64], *json[3], *table;
    write_list(list, sizeof list, list_text);
    const int threads = model->compute.threads;
    for (int i = 0; i < 3; i++) {
        const mmn_lens_options options = {
            .size = sizeof(options), .list = list, .examples = 1, .positions = "all"};
        model->compute.threads = i == 0 ? 1 : i * 3;
        mmn_lens *lens = run_lens(&options);
        write_texts(&json[i], &table, lens);
        mmn_release(table);
        cr_expect_eq(lens->example_count, 2);
        /* What is kept in full adds up to the curve: the second domain's other sample is text. */
        const mmn_lens_example *example = &lens->examples[0];
        double sum = 0;
        for (size_t k = 0; k < example->count; k++)
            sum += example->positions[k].is_image ? example->entropy[k * lens->layers] : 0;
        cr_expect_eq(sum, mmn_lens_cell_of(lens, 1, MMN_LENS_OUT, 0, 1)->entropy);
        end_lens(lens);
    }
    model->compute.threads = threads;
    cr_expect_str_eq(json[0], json[1]);
    cr_expect_str_eq(json[0], json[2]);
    for (int i = 0; i < 3; i++)
        mmn_release(json[i]);
    remove(list);
}

/* Every spelling of tokenizer.json, as Jansson reads it, with spaces for its marks. */
Test(lens, words_are_spelt_as_in_the_vocabulary)
{
    static const char mark[] = "\xe2\x96\x81";
    json_t *document = json_load_file(MODEL "/tokenizer.json", 0, NULL), *id;
    json_t *vocabulary = json_object_get(json_object_get(document, "model"), "vocab");
    const char *key;
    size_t spaces = 0, bytes = 0;
    cr_assert_gt(json_object_size(vocabulary), 256);
    json_object_foreach(vocabulary, key, id)
    {
        char *word, *at, expected[64];
        snprintf(expected, sizeof expected, "%s", key);
        while ((at = strstr(expected, mark))) {
            *at = ' ';
            memmove(at + 1, at + strlen(mark), strlen(at + strlen(mark)) + 1);
        }
        cr_assert_eq(mmn_lens_word(&word, model, (int32_t)json_integer_value(id), &error), MMN_OK);
        cr_expect_str_eq(word, expected);
        spaces += word[0] == ' ';
        bytes += strncmp(word, "<0x", 3) == 0;
        mmn_free(word);
    }
    cr_expect_gt(spaces, 10);
    cr_expect_eq(bytes, 256);
    char *word;
    cr_assert_eq(mmn_lens_word(&word, model, 1 << 20, &error), MMN_OK);
    cr_expect_str_eq(word, "");
    mmn_free(word);
    json_decref(document);
}

#ifdef HAVE_PCRE2
/* What characters stand for bytes is known from GPT-2: U+0120 is a space, U+010A a line's end. */
Test(lens, words_of_bytes_are_readable)
{
    static const char *const cases[][2] = {{"he", "he"},         {"\u0120the", " the"},
                                           {"\u010a", "<0x0A>"}, {"\u00c3", "<0xC3>"},
                                           {"\u0100", "<0x00>"}, {"<|eot_id|>", "<|eot_id|>"}};
    mmn_model bytes = {0};
    int32_t id;
    char *word;
    cr_assert_eq(
        mmn_tokenizer_open(&bytes.tokenizer, MMN_SOURCE_DIR "/golden/llama3_tokenizer", &error),
        MMN_OK, "%s", error.message);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_assert(mmn_tokenizer_token_to_id(bytes.tokenizer, cases[i][0], &id), "%s", cases[i][0]);
        cr_assert_eq(mmn_lens_word(&word, &bytes, id, &error), MMN_OK);
        cr_expect_str_eq(word, cases[i][1]);
        mmn_free(word);
    }
    mmn_tokenizer_close(bytes.tokenizer);
}
#endif

/* The words and tokens of the file, and the marks of the table. */
Test(lens, shows_spaces_and_bytes_of_words)
{
    char list[64], *json, *table;
    write_list(list, sizeof list, list_text);
    const mmn_lens_options options = {.size = sizeof(options),
                                      .list = list,
                                      .stages = "out,mlp.out,attn.out,mid",
                                      .top = 1000,
                                      .examples = 1,
                                      .positions = "text:3"};
    mmn_lens *lens = run_lens(&options);
    write_texts(&json, &table, lens);
    cr_expect_not_null(strstr(json, "\"word\": \" the\""));
    cr_expect_not_null(strstr(json, "\"word\": \"<0xE2>\""));
    cr_expect_null(strstr(json, "\xef\xbf\xbd"));
    cr_expect_null(strstr(json, "\xe2\x96\x81"));
    cr_expect_not_null(strstr(table, "\"\xe2\x96\x81there\""));
    cr_expect_not_null(strstr(table, "\"<0x"));
    mmn_release(json);
    mmn_release(table);
    end_lens(lens);
    remove(list);
}

/* That of `neuron`, number `number` of the stage, is that of the stage's rows from the first patch
 * on: `first`, but in the language model where image positions begin. */
static void check_activation(const char *neuron, const char *stage_name, size_t number,
                             size_t first, bool language)
{
    const char *const images[] = {IMAGE};
    char list[64];
    write_list(list, sizeof list, list_text);
    const mmn_lens_options options = {
        .size = sizeof(options), .list = list, .examples = 1, .neuron = neuron};
    mmn_lens *lens = run_lens(&options);
    const mmn_lens_example *example = &lens->examples[0];
    seen all = {0};
    mmn_input *input;
    mmn_session *session;
    const mmn_probe probe = {.stages = stage_name, .see = see_all, .context = &all};
    cr_assert_eq(mmn_input_from_prompt(&input, model, "<image>\nWhat is", images, 1, &error),
                 MMN_OK);
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
    cr_assert(example->activation && !lens->examples[1].activation);
    while (language && !mmn_input_is_image(input, first))
        first++;
    cr_assert_gt(example->grid.side, 1);
    for (size_t k = 0; k < example->grid.side * example->grid.side; k++) {
        const seen_stage *stage = &all.stages[0];
        float value;
        memcpy(&value, stage->data + (first + k) * stage->row_bytes + 4 * number, 4);
        cr_expect_eq(example->activation[k], value, "%s, patch %zu", neuron, k);
    }
    mmn_session_free(session);
    mmn_input_free(input);
    seen_free(&all);
    end_lens(lens);
    remove(list);
}

Test(lens, keeps_the_activation_of_a_neuron)
{
    check_activation("vision:1:5", "vision.layers.1.mlp.act", 5, 1, false);
    check_activation("language:2:7", "language.layers.2.mlp.act", 7, 0, true);
}

Test(lens, keeps_the_activation_where_there_is_no_class_token)
{
    MMN_NEEDS(SIGLIP_MODEL);
    mmn_model_close(model);
    cr_assert_eq(mmn_model_open(&model, SIGLIP_MODEL, NULL, &error), MMN_OK, "%s", error.message);
    check_activation("vision:1:5", "vision.layers.1.mlp.act", 5, 0, false);
}

Test(lens, says_what_is_wrong)
{
    static const struct {
        mmn_lens_options options;
        const char *sentence;
        mmn_status status;
    } cases[] = {
        {{.stages = "out,mlp"}, "nothing called \"mlp\"", MMN_USAGE},
        {{.positions = "last,image:x"}, "\"image:x\" names no position", MMN_USAGE},
        {{.neurons = NEURONS, .off_domain = "driving"}, "domain \"driving\"", MMN_USAGE},
        {{.neurons = NEURONS, .off_setting = "qformer"}, "module \"qformer\"", MMN_USAGE},
        {{.off_domain = "medical"}, "off_domain", MMN_USAGE},
        {{.off_setting = "all"}, "off_setting", MMN_USAGE},
        {{.neuron = "vision:1"}, "\"vision:1\" is no neuron", MMN_USAGE},
        {{.neuron = "language:99:0"}, "is no neuron", MMN_USAGE},
        {{.neuron = "vision:1:5x"}, "is no neuron", MMN_USAGE},
        {{.top = 1001}, "1000 words at most", MMN_USAGE},
    };
    char list[64];
    write_list(list, sizeof list, list_text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mmn_lens_options options = cases[i].options;
        mmn_result *lens;
        options.size = sizeof options;
        options.list = list;
        cr_expect_eq(mmn_lens_run(&lens, model, &options, &error), cases[i].status, "case %zu: %s",
                     i, error.message);
        cr_expect(strstr(error.message, cases[i].sentence), "case %zu: %s", i, error.message);
        cr_expect_null(lens);
    }
    remove(list);
}

Test(lens, chooses_positions)
{
    static const struct {
        const char *text;
        const char *chosen; /* "i" image, "t" text: what the first 8 positions of a kind are */
    } cases[] = {{"image:2", "i"}, {"text:3", "t"}, {"image:1000", "i"}};
    const char *const images[] = {IMAGE};
    mmn_input *input;
    cr_assert_eq(mmn_input_from_prompt(&input, model, "<image>\nWhat is", images, 1, &error),
                 MMN_OK);
    size_t length = mmn_input_length(input), image = mmn_input_image_positions(input);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool *chosen = mmn_allocate(length, sizeof *chosen, NULL);
        size_t count = 0;
        cr_assert_eq(mmn_lens_choose_positions(chosen, input, cases[i].text, &error), MMN_OK);
        for (size_t k = 0; k < length; k++) {
            count += chosen[k];
            cr_expect(!chosen[k] || mmn_input_is_image(input, k) == (cases[i].chosen[0] == 'i'));
        }
        cr_expect_eq(count, i == 0 ? 2 : i == 1 ? 3 : image);
        mmn_free(chosen);
    }
    bool *chosen = mmn_allocate(length, sizeof *chosen, NULL);
    cr_assert_eq(mmn_lens_choose_positions(chosen, input, "0,last,99999999999999999999", &error),
                 MMN_OK);
    for (size_t k = 0; k < length; k++)
        cr_expect_eq(chosen[k], k == 0 || k + 1 == length);
    mmn_free(chosen);
    mmn_input_free(input);
}

/* ---- The three stages ------------------------------------------------------------------------ */

Test(three_stages, are_found_where_they_are)
{
    const double curve[] = {9.8, 9.9, 9.7, 7.1, 6.8, 7.0, 6.9, 3.0, 2.9};
    mmn_three_stages stages = mmn_three_stages_of(curve, 9, 10.0);

    cr_expect(stages.found);
    cr_expect_eq(stages.align_until, 2);
    cr_expect_eq(stages.generate_from, 7);
    cr_expect_float_eq(stages.levels[0], 9.8, 1e-12);
    cr_expect_float_eq(stages.levels[1], 6.95, 1e-12);
    cr_expect_float_eq(stages.levels[2], 2.95, 1e-12);
    cr_expect_float_eq(stages.fall, 0.685, 1e-12);
    /* 1 - (0.02 + 0.05 + 0.005) / the curve's sum of squares about its mean, 7.0111: 56.4089 */
    cr_expect_float_eq(stages.explained, 1 - 0.075 / 56.4088889, 1e-9);
}

Test(three_stages, are_not_seen_where_they_are_not)
{
    const double rising[] = {1.0, 1.1, 4.0, 4.1, 8.0, 8.1}, flat[] = {5.0, 5.0, 5.0, 5.0};
    const double small[] = {9.9, 9.9, 9.6, 9.6, 9.3, 9.3};
    const double ragged[] = {9.0, 2.0, 9.0, 1.5, 8.0, 1.0, 7.0, 0.5, 6.0, 0.5};

    cr_expect_not(mmn_three_stages_of(rising, 6, 10.0).found);
    cr_expect_not(mmn_three_stages_of(flat, 4, 10.0).found);
    cr_expect_not(mmn_three_stages_of(small, 6, 10.0).found);
    cr_expect_not(mmn_three_stages_of(ragged, 10, 10.0).found);
    cr_expect_not(mmn_three_stages_of(small, 2, 10.0).found);
}

/* ---- Word counts ----------------------------------------------------------------------------- */

Test(word_counts, most_frequent_first_then_lower_ids)
{
    static const int32_t ids[] = {7, 3, 7, 9, 3, 1, 7, 9, 5};
    mmn_word_counts counts = {0};
    mmn_word most[3];

    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        cr_assert_eq(mmn_word_counts_add(&counts, ids[i], 1, &error), MMN_OK);
    cr_assert_eq(mmn_word_counts_most(&counts, most, 3), 3);
    cr_expect(most[0].id == 7 && most[0].value == 3);
    cr_expect(most[1].id == 3 && most[1].value == 2);
    cr_expect(most[2].id == 9 && most[2].value == 2);
    cr_expect_eq(counts.count, 5);
    mmn_word_counts_free(&counts);
    cr_expect_eq(mmn_word_counts_most(&counts, most, 3), 0);
}
