/* The joint model against PyTorch in float64 (golden/make_locate.py): the embedding, what the
 * language model reads and answers, and a word's gradient; and what is refused. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "mmneuron.h"
#include "study/locate.h"
#include "tests/study/open_two.h"
#include "tests/tools/needs.h"
#include "tests/tools/scratch.h"

#define GOLDEN MMN_SOURCE_DIR "/golden/"
#define DETECTOR GOLDEN "checkpoints/owlvit-bf16"
#define LANGUAGE GOLDEN "checkpoints/llava-1.5"
#define TORCH_ERRORS 4.0 /* how many of torch's own errors ours may be */
#define LEAST_ERROR 1e-6 /* torch's errors may be smaller by chance */

enum { PATCHES = 16, ROWS = 1 + PATCHES, WIDTH = 40, READ = 64, TOKENS = 8 };

static mmn_error error;

TestSuite(locate, .init = scratch_make, .fini = scratch_remove);

/* ---- The golden case ------------------------------------------------------------------------- */

typedef struct golden {
    char alignment[1024], image[1024];
    mmn_safetensors *file;
    mmn_model *detector, *language;
} golden;

static const char *text_of(const golden *g, const char *key)
{
    const char *text = mmn_safetensors_metadata(g->file, key);
    cr_assert_not_null(text, "%s", key);
    return text;
}

static golden open_golden(const char *name)
{
    golden g;
    char file[1024];
    MMN_NEEDS("owlvit-bf16");
    snprintf(file, sizeof(file), GOLDEN "joint/%s_case.safetensors", name);
    snprintf(g.alignment, sizeof(g.alignment), GOLDEN "joint/%s.safetensors", name);
    cr_assert_eq(mmn_safetensors_open(&g.file, file, &error), MMN_OK, "%s", error.message);
    snprintf(g.image, sizeof(g.image), GOLDEN "%s", text_of(&g, "image"));
    g.detector = open_with_two_threads(DETECTOR);
    g.language = open_with_two_threads(LANGUAGE);
    return g;
}

static void close_golden(golden *g)
{
    mmn_model_close(g->detector);
    mmn_model_close(g->language);
    mmn_safetensors_close(g->file);
}

/* Number `i` of a tensor, whose type is F64 or (what the detector makes its boxes of) F32. */
static double truth_at(const mmn_tensor *tensor, size_t i)
{
    return tensor->type == MMN_TYPE_F64 ? mmn_load_f64(tensor->data + 8 * i)
                                        : (double)mmn_load_f32(tensor->data + 4 * i);
}

/* Expects that the relative RMS error of values [count] is at most some of torch's. */
static void expect_near(const golden *g, const char *name, const double *values, size_t count)
{
    const mmn_tensor *truth = mmn_safetensors_find(g->file, name);
    char key[64];
    double squares = 0, distance = 0;
    snprintf(key, sizeof(key), "error.%s", name);
    cr_assert(truth && mmn_tensor_elements(truth) == count, "%s", name);
    for (size_t i = 0; i < count; i++) {
        const double true_value = truth_at(truth, i);
        squares += true_value * true_value;
        distance += (values[i] - true_value) * (values[i] - true_value);
    }
    const double torch = fmax(strtod(text_of(g, key), NULL), LEAST_ERROR);
    cr_expect_leq(sqrt(distance / squares), TORCH_ERRORS * torch, "%s: error %g, torch's is %g",
                  name, sqrt(distance / squares), torch);
}

static void expect_floats_near(const golden *g, const char *name, const float *values, size_t count)
{
    double *wide = malloc(count * sizeof(*wide));
    for (size_t i = 0; i < count; i++)
        wide[i] = (double)values[i];
    expect_near(g, name, wide, count);
    free(wide);
}

/* ---- The joint model ------------------------------------------------------------------------- */

static void check_joint(const char *name)
{
    golden g = open_golden(name);
    mmn_joint joint = {0};
    mmn_resolution size;
    mmn_input *input;
    float *embedding, gradient[ROWS * WIDTH], features[PATCHES * READ];
    double logit;
    char *answer;
    cr_assert_eq(mmn_joint_open(&joint, g.detector, g.language, g.alignment, &error), MMN_OK, "%s",
                 error.message);
    cr_assert_eq(mmn_joint_see(&joint, g.image, "", &embedding, &size, &error), MMN_OK);
    cr_assert_eq(mmn_joint_ask(&joint, &input, text_of(&g, "prompt"), g.image, &error), MMN_OK);
    expect_floats_near(&g, "embedding", embedding, ROWS * WIDTH);
    cr_assert_eq(mmn_alignment_run(&joint.speaking->compute, &joint.alignment, embedding + WIDTH,
                                   PATCHES, features, &error),
                 MMN_OK);
    expect_floats_near(&g, "features", features, PATCHES * READ);

    cr_assert_eq(mmn_joint_answer(&joint, input, embedding, TOKENS, &answer, &error), MMN_OK);
    cr_expect_str_eq(answer, text_of(&g, "answer"));
    cr_assert_eq(mmn_joint_gradient(&joint, input, embedding,
                                    (int32_t)strtol(text_of(&g, "token"), NULL, 10), &logit,
                                    gradient, &error),
                 MMN_OK);
    expect_near(&g, "logit", &logit, 1);
    expect_floats_near(&g, "gradient", gradient, ROWS * WIDTH);
    mmn_release(answer);
    mmn_free(embedding);
    mmn_input_free(input);
    mmn_joint_close(&joint);
    close_golden(&g);
}

Test(locate, the_joint_model_is_that_of_pytorch)
{
    check_joint("relu");
}

Test(locate, an_alignment_may_be_as_a_projector)
{
    check_joint("gelu");
}

/* ---- Saliency -------------------------------------------------------------------------------- */

/* Every gradient of every box's numbers is made whole by autograd there, and never here. */
static void check_saliency(const char *name)
{
    golden g = open_golden(name);
    mmn_joint joint = {0};
    mmn_saliency saliency = {0};
    mmn_resolution size;
    float *embedding, gradient[ROWS * WIDTH];
    double lengths[PATCHES * MMN_BOX_NUMBERS], square = 0;
    char query[64];
    snprintf(query, sizeof(query), "a photo of a %s", text_of(&g, "word"));
    cr_assert_eq(mmn_joint_open(&joint, g.detector, g.language, g.alignment, &error), MMN_OK);
    cr_assert_eq(mmn_joint_see(&joint, g.image, query, &embedding, &size, &error), MMN_OK);
    const mmn_tensor *truth = mmn_safetensors_find(g.file, "gradient");
    for (size_t i = 0; i < ROWS * WIDTH; i++) {
        gradient[i] = (float)truth_at(truth, i);
        square += (double)gradient[i] * (double)gradient[i];
    }
    cr_assert_eq(mmn_saliency_find(&saliency, &joint, embedding, gradient, sqrt(square), &error),
                 MMN_OK, "%s", error.message);
    expect_floats_near(&g, "boxes", saliency.boxes, PATCHES * MMN_BOX_SIDES);
    for (size_t i = 0; i < PATCHES * MMN_BOX_NUMBERS; i++)
        lengths[i] = sqrt(saliency.squares[i]);
    expect_near(&g, "lengths", lengths, PATCHES * MMN_BOX_NUMBERS);
    expect_near(&g, "cosines", saliency.cosines, PATCHES * MMN_BOX_NUMBERS);
    expect_near(&g, "weights", saliency.weights, PATCHES * MMN_BOX_NUMBERS);
    mmn_saliency_free(&saliency);
    mmn_free(embedding);
    mmn_joint_close(&joint);
    close_golden(&g);
}

Test(locate, cosines_are_those_of_whole_gradients)
{
    check_saliency("relu");
}

Test(locate, cosines_are_those_of_whole_gradients_through_another_alignment)
{
    check_saliency("gelu");
}

Test(locate, the_map_is_that_of_the_boxes_pixels)
{
    static const char *const kinds[] = {"class", "coordinates", "any"};
    golden g = open_golden("relu");
    double maps[3 * PATCHES];
    for (size_t kind = 0; kind < 3; kind++) {
        const mmn_locate_options options = {.size = sizeof(options),
                                            .alignment = g.alignment,
                                            .image = g.image,
                                            .prompt = text_of(&g, "prompt"),
                                            .word = text_of(&g, "word"),
                                            .weights = kinds[kind],
                                            .tokens = 1};
        mmn_result *result;
        cr_assert_eq(mmn_locate(&result, g.detector, g.language, &options, &error), MMN_OK, "%s",
                     error.message);
        for (size_t cell = 0; cell < PATCHES; cell++)
            maps[kind * PATCHES + cell] = mmn_result_number(result, "map", cell, "value");
        mmn_result_free(result);
    }
    expect_near(&g, "map", maps, 3 * PATCHES);
    close_golden(&g);
}

/* ---- Perturbation ---------------------------------------------------------------------------- */

/* The step is by the sign of the published loss's gradient there, and of a difference's here. */
static void check_perturbation(const char *name)
{
    golden g = open_golden(name);
    mmn_joint joint = {0};
    mmn_perturbation perturbation = {0};
    mmn_input *input;
    float *embedding, queries[2][44], gradient[ROWS * WIDTH];
    char *answer;
    cr_assert_eq(mmn_joint_open(&joint, g.detector, g.language, g.alignment, &error), MMN_OK);
    cr_assert_eq(mmn_joint_see(&joint, g.image, "", &embedding, NULL, &error), MMN_OK);
    for (size_t i = 0; i < 2; i++) {
        char *query;
        cr_assert_eq(mmn_joint_ask_for(&query, text_of(&g, i == 0 ? "from" : "to"), &error),
                     MMN_OK);
        cr_assert_eq(mmn_joint_see(&joint, g.image, query, NULL, NULL, &error), MMN_OK);
        memcpy(queries[i], mmn_joint_query(&joint), sizeof(queries[i]));
        mmn_free(query);
    }
    cr_assert_eq(mmn_detector_reverse_difference(&joint.detecting->compute, g.detector,
                                                 &joint.detecting->detector, embedding, queries[1],
                                                 queries[0], gradient, &error),
                 MMN_OK);
    expect_floats_near(&g, "difference", gradient, ROWS * WIDTH);

    cr_assert_eq(mmn_perturbation_make(&perturbation, &joint, g.image, embedding,
                                       text_of(&g, "from"), text_of(&g, "to"),
                                       strtod(text_of(&g, "epsilon"), NULL), &error),
                 MMN_OK, "%s", error.message);
    expect_floats_near(&g, "perturbed", perturbation.embedding, ROWS * WIDTH);
    expect_near(&g, "differences", (const double[]){perturbation.before, perturbation.after}, 2);
    cr_expect_gt(perturbation.after, perturbation.before);
    cr_assert_eq(mmn_joint_ask(&joint, &input, text_of(&g, "prompt"), g.image, &error), MMN_OK);
    cr_assert_eq(mmn_joint_answer(&joint, input, perturbation.embedding, TOKENS, &answer, &error),
                 MMN_OK);
    cr_expect_str_eq(answer, text_of(&g, "answer_after"));
    mmn_release(answer);
    mmn_input_free(input);
    mmn_perturbation_free(&perturbation);
    mmn_free(embedding);
    mmn_joint_close(&joint);
    close_golden(&g);
}

Test(locate, a_step_changes_what_is_seen_and_said)
{
    check_perturbation("relu");
}

Test(locate, a_small_step_changes_what_is_seen_and_said)
{
    check_perturbation("gelu");
}

Test(locate, scores_are_whole_numbers_from_1_to_10)
{
    static const struct {
        const char *answer;
        unsigned score;
    } answers[] = {{"7", 7},  {" 10\n", 10}, {"1", 1},    {"0", 0},
                   {"11", 0}, {"7.", 0},     {"7/10", 0}, {"", 0},
                   {"-3", 0}, {"seven", 0},  {"3 4", 0},  {"99999999999999999999", 0},
                   {"08", 8}};
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        cr_expect_eq(mmn_answer_score(answers[i].answer), answers[i].score, "%s",
                     answers[i].answer);
}

/* The language model's cache holds positions that have read other features. */
Test(locate, another_embedding_gives_another_answer_in_the_same_session)
{
    golden g = open_golden("relu");
    mmn_joint joint = {0};
    mmn_resolution size;
    mmn_input *input;
    float *embedding;
    char *answers[3];
    cr_assert_eq(mmn_joint_open(&joint, g.detector, g.language, g.alignment, &error), MMN_OK);
    cr_assert_eq(mmn_joint_see(&joint, g.image, "", &embedding, &size, &error), MMN_OK);
    cr_assert_eq(mmn_joint_ask(&joint, &input, text_of(&g, "prompt"), g.image, &error), MMN_OK);
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < ROWS * WIDTH && i > 0; k++)
            embedding[k] = -embedding[k];
        cr_assert_eq(mmn_joint_answer(&joint, input, embedding, TOKENS, &answers[i], &error),
                     MMN_OK);
    }
    cr_expect_str_neq(answers[1], answers[0]);
    cr_expect_str_eq(answers[2], answers[0]);
    for (size_t i = 0; i < 3; i++)
        mmn_release(answers[i]);
    mmn_free(embedding);
    mmn_input_free(input);
    mmn_joint_close(&joint);
    close_golden(&g);
}

/* ---- What is refused ------------------------------------------------------------------------- */

static mmn_status try_locate(const mmn_model *detector, const mmn_model *language,
                             const char *alignment)
{
    const mmn_locate_options options = {.size = sizeof(options),
                                        .alignment = alignment,
                                        .image = GOLDEN "images/cat.jpg",
                                        .prompt = "<image>\nWho?",
                                        .tokens = 1};
    mmn_result *result;
    const mmn_status status = mmn_locate(&result, detector, language, &options, &error);
    mmn_result_free(result);
    return status;
}

/* Writes a file of `layers` layers, `widths` [layers + 1] wide, whose metadata say `activation`. */
static const char *write_alignment(size_t layers, const size_t *widths, const char *activation)
{
    static const uint8_t zeros[4 * READ * READ]; /* the most that a layer has here */
    char names[20][48];
    mmn_tensor tensors[20];
    for (size_t i = 0; i < layers; i++) {
        snprintf(names[2 * i], sizeof(names[0]), "linear_%zu.weight", i + 1);
        snprintf(names[2 * i + 1], sizeof(names[0]), "linear_%zu.bias", i + 1);
        tensors[2 * i] = (mmn_tensor){.name = names[2 * i],
                                      .type = MMN_TYPE_F32,
                                      .dimensions = 2,
                                      .shape = {widths[i + 1], widths[i]},
                                      .data = zeros,
                                      .bytes = 4 * widths[i + 1] * widths[i]};
        tensors[2 * i + 1] = (mmn_tensor){.name = names[2 * i + 1],
                                          .type = MMN_TYPE_F32,
                                          .dimensions = 1,
                                          .shape = {widths[i + 1]},
                                          .data = zeros,
                                          .bytes = 4 * widths[i + 1]};
    }
    const char *path = scratch_path("alignment.safetensors");
    cr_assert_eq(mmn_safetensors_write(path, tensors, 2 * layers,
                                       (const char *const[]){"activation", activation, NULL},
                                       &error),
                 MMN_OK, "%s", error.message);
    return path;
}

static void expect_refused(const golden *g, size_t layers, const size_t *widths,
                           const char *activation, const char *said)
{
    const char *file = write_alignment(layers, widths, activation);
    cr_expect_eq(try_locate(g->detector, g->language, file), MMN_INPUT, "%s", said);
    cr_expect(strstr(error.message, said), "%s", error.message);
}

Test(locate, refuses_what_is_no_alignment_of_the_models)
{
    const size_t fit[] = {WIDTH, READ}, narrow[] = {WIDTH, 8}, other[] = {READ, READ};
    const size_t empty[] = {WIDTH, 0, READ};
    const size_t deep[] = {WIDTH, 8, 8, 8, 8, 8, 8, 8, 8, READ};
    golden g = open_golden("relu");
    cr_expect_eq(try_locate(g.detector, g.language, write_alignment(1, fit, "relu")), MMN_OK, "%s",
                 error.message);
    expect_refused(&g, 1, narrow, "relu", "makes 8 numbers of a patch");
    expect_refused(&g, 1, other, "relu", "shape is");
    expect_refused(&g, 2, empty, "relu", "makes nothing");
    expect_refused(&g, 9, deep, "relu", "surplus");
    expect_refused(&g, 1, fit, "tanh", "supported are relu and gelu");
    expect_refused(&g, 0, NULL, "relu", "no layer linear_1");
    cr_expect_eq(try_locate(g.detector, g.language, g.image), MMN_INPUT);
    cr_expect_eq(try_locate(g.detector, g.language, GOLDEN "joint/none"), MMN_SYSTEM);
    close_golden(&g);
}

Test(locate, refuses_models_of_other_kinds_and_shapes)
{
    golden g = open_golden("relu");
    cr_expect_eq(try_locate(g.language, g.language, g.alignment), MMN_INPUT);
    cr_expect(strstr(error.message, "is no detector"), "%s", error.message);
    cr_expect_eq(try_locate(g.detector, g.detector, g.alignment), MMN_INPUT);
    cr_expect(strstr(error.message, "no language model"), "%s", error.message);
    mmn_model *text = open_with_two_threads(GOLDEN "checkpoints/llama-2");
    cr_expect_eq(try_locate(g.detector, text, g.alignment), MMN_INPUT);
    cr_expect(strstr(error.message, "reads no images"), "%s", error.message);
    mmn_model_close(text);
    /* 25 patches, which are 36 numbers each. */
    const size_t widths[] = {36, READ};
    mmn_model *other = open_with_two_threads(GOLDEN "checkpoints/owlvit");
    cr_expect_eq(try_locate(other, g.language, write_alignment(1, widths, "relu")), MMN_INPUT);
    cr_expect(strstr(error.message, "16 positions"), "%s", error.message);
    mmn_model_close(other);
    close_golden(&g);
}
