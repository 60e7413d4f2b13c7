/* Whole models against PyTorch: every stage of the cases in golden/ and of the trained model's,
 * within four times the error that torch's float32 has against float64. MMN_GOLDEN_DIR names
 * another folder than golden/, and MMN_TRAINED_DIR another trained model's. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "format/safetensors.h"
#include "mmneuron.h"
#include "tests/model/trained.h"
#include "tests/tools/needs.h"

#define TORCH_ERRORS 4.0 /* how many of torch's own errors ours may be */

enum {
    NAME_SIZE = 128,
    PATH_SIZE = 1024,
    CASE_LIMIT = 1024,
    IMAGE_LIMIT = 8,
    STAGE_LIMIT = 256,
    GENERATE_LIMIT = 64
};

/* A case's file and its model, relative to the folder that its images are relative to as well. */
typedef struct golden_case {
    char root[PATH_SIZE], model[NAME_SIZE], file[NAME_SIZE];
} golden_case;

static const char *golden_root(void)
{
    const char *folder = getenv("MMN_GOLDEN_DIR");
    return folder && folder[0] ? folder : MMN_SOURCE_DIR "/golden";
}

/* ---- The list of cases ----------------------------------------------------------------------- */

static int compare_cases(const void *a, const void *b)
{
    const golden_case *first = a, *second = b;
    int order = strcmp(first->root, second->root);
    return order != 0 ? order : strcmp(first->file, second->file);
}

/* root/name, opened; NULL if it is no folder. */
static DIR *open_folder(const char *root, const char *name)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return opendir(path);
}

/* Appends the cases in the folder root/cases, which are of the model root/model. */
static size_t list_folder(golden_case *list, size_t count, const char *root, const char *model,
                          const char *cases)
{
    static const char ending[] = ".safetensors";
    DIR *folder = open_folder(root, cases);
    if (!folder)
        return count;
    const struct dirent *entry;
    while ((entry = readdir(folder)) && count < CASE_LIMIT) {
        golden_case *item = &list[count];
        size_t length = strlen(entry->d_name);
        if (length < sizeof ending || strcmp(entry->d_name + length - strlen(ending), ending) != 0)
            continue;
        if (snprintf(item->root, sizeof item->root, "%s", root) < PATH_SIZE &&
            snprintf(item->model, sizeof item->model, "%s", model) < NAME_SIZE &&
            snprintf(item->file, sizeof item->file, "%s/%s", cases, entry->d_name) < NAME_SIZE)
            count++;
    }
    closedir(folder);
    return count;
}

/* In the order of their names. */
static size_t list_cases(golden_case *list)
{
    size_t count = 0;
    DIR *folder = open_folder(golden_root(), "cases");
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        char model[NAME_SIZE], cases[NAME_SIZE];
        if (entry->d_name[0] != '.' &&
            snprintf(model, sizeof model, "checkpoints/%s", entry->d_name) < NAME_SIZE &&
            snprintf(cases, sizeof cases, "cases/%s", entry->d_name) < NAME_SIZE)
            count = list_folder(list, count, golden_root(), model, cases);
    }
    if (folder)
        closedir(folder);
    count = list_folder(list, count, trained_folder(), "model", "cases");
    qsort(list, count, sizeof *list, compare_cases);
    return count;
}

/* ---- One case -------------------------------------------------------------------------------- */

/* A case's file, what it was made from, and what the comparison has found so far. */
typedef struct golden_data {
    const golden_case *of;
    mmn_safetensors *file;
    const char *prompt;
    json_t *images;
    char paths[IMAGE_LIMIT][PATH_SIZE];
    const char *image_files[IMAGE_LIMIT];
    size_t image_count, generate;

    unsigned seen[STAGE_LIMIT]; /* how often, by the tensor's index */
    uint64_t decisions, near_zero, flips;
    double worst; /* largest of our error / torch's error */
    char worst_stage[NAME_SIZE];
} golden_data;

static const char *metadata(const golden_data *golden, const char *key)
{
    const char *text = mmn_safetensors_metadata(golden->file, key);
    cr_assert_not_null(text, "%s has no metadata \"%s\"", golden->of->file, key);
    return text;
}

static void path_of(char path[PATH_SIZE], const golden_case *of, const char *file)
{
    cr_assert_lt(snprintf(path, PATH_SIZE, "%s/%s", of->root, file), PATH_SIZE);
}

static void open_golden(golden_data *golden, const golden_case *of)
{
    char path[PATH_SIZE];
    mmn_error error;
    *golden = (golden_data){.of = of};
    path_of(path, of, of->file);
    cr_assert_eq(mmn_safetensors_open(&golden->file, path, &error), MMN_OK, "%s: %s", path,
                 error.message);
    cr_assert_leq(mmn_safetensors_count(golden->file), STAGE_LIMIT);
    cr_assert_str_eq(metadata(golden, "format"), "mmneuron-golden-1");
    golden->prompt = metadata(golden, "prompt");
    golden->generate = strtoul(metadata(golden, "generate"), NULL, 10);
    cr_assert_leq(golden->generate, GENERATE_LIMIT);

    golden->images = json_loads(metadata(golden, "images"), 0, NULL);
    cr_assert(json_is_array(golden->images));
    golden->image_count = json_array_size(golden->images);
    cr_assert_leq(golden->image_count, IMAGE_LIMIT);
    for (size_t i = 0; i < golden->image_count; i++) {
        path_of(golden->paths[i], of, json_string_value(json_array_get(golden->images, i)));
        golden->image_files[i] = golden->paths[i];
#ifndef HAVE_LIBPNG
        if (strstr(golden->paths[i], ".png"))
            cr_skip_test("the case has a PNG image, which this build does without");
#endif
    }
}

static void close_golden(golden_data *golden)
{
    json_decref(golden->images);
    mmn_safetensors_close(golden->file);
}

static double truth_at(const mmn_tensor *truth, size_t index)
{
    uint64_t bits = mmn_load_u64(truth->data + index * sizeof(double));
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* torch's error: relative RMS and the largest absolute one. */
static void torch_error(const golden_data *golden, const char *stage, double *relative,
                        double *largest)
{
    char key[2 * NAME_SIZE];
    snprintf(key, sizeof key, "error.%s", stage);
    char *rest;
    *relative = strtod(metadata(golden, key), &rest);
    *largest = strtod(rest, NULL);
}

/* Integers and pixels are equal bit for bit. */
static void compare_exactly(const mmn_stage *stage, const mmn_tensor *truth, size_t count)
{
    cr_assert_eq(truth->type, stage->element == MMN_ELEMENT_I32 ? MMN_TYPE_I32 : MMN_TYPE_F32);
    size_t different = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, (const char *)stage->data + i * sizeof bits, sizeof bits);
        different += bits != mmn_load_u32(truth->data + i * sizeof bits);
    }
    cr_assert_eq(different, 0, "%s: %zu of %zu elements differ", stage->name, different, count);
}

/* Neurons that are active here are active in float64, unless the pre-activation is so near to zero
 * that the error allowed for it can change its sign. The file may lack pre-activations: then the
 * activation itself, which has the same sign and is smaller, must be within its own error. */
static void compare_decisions(golden_data *golden, const mmn_stage *stage, const mmn_tensor *truth,
                              size_t count)
{
    const float *values = stage->data;
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "language.layers.%d.mlp.gate", stage->layer);
    const mmn_tensor *before = NULL;
    if (strcmp(stage->module, "language") == 0)
        before = mmn_safetensors_find(golden->file, name);
    if (!before)
        before = truth;
    double relative, largest;
    torch_error(golden, before->name, &relative, &largest);
    double bound = TORCH_ERRORS * largest;

    golden->decisions += count;
    for (size_t i = 0; i < count; i++) {
        bool is_near_zero = fabs(truth_at(before, i)) < bound;
        bool flips = (values[i] > 0.0f) != (truth_at(truth, i) > 0.0);
        golden->near_zero += is_near_zero;
        golden->flips += flips;
        cr_assert(!flips || is_near_zero, "%s: element %zu is %g, in float64 %g", stage->name, i,
                  (double)values[i], truth_at(truth, i));
    }
}

static void compare_values(golden_data *golden, const mmn_stage *stage, const mmn_tensor *truth,
                           size_t count)
{
    const float *values = stage->data;
    double distance = 0.0, scale = 0.0, largest = 0.0;
    for (size_t i = 0; i < count; i++) {
        double expected = truth_at(truth, i), difference = fabs(values[i] - expected);
        distance += difference * difference;
        scale += expected * expected;
        largest = difference > largest ? difference : largest;
        cr_assert(isfinite(values[i]), "%s: element %zu is %g", stage->name, i, (double)values[i]);
    }
    double torch_relative, torch_largest;
    torch_error(golden, stage->name, &torch_relative, &torch_largest);
    double relative = scale > 0.0 ? sqrt(distance / scale) : distance;
    cr_expect_leq(relative, TORCH_ERRORS * torch_relative,
                  "%s: %s: relative RMS error %.3g, torch's is %.3g", golden->of->file, stage->name,
                  relative, torch_relative);
    cr_expect_leq(largest, TORCH_ERRORS * torch_largest,
                  "%s: %s: largest error %.3g, torch's is %.3g", golden->of->file, stage->name,
                  largest, torch_largest);
    if (torch_relative > 0.0 && relative / torch_relative > golden->worst) {
        golden->worst = relative / torch_relative;
        snprintf(golden->worst_stage, NAME_SIZE, "%s", stage->name);
    }
}

static size_t index_of(const golden_data *golden, const mmn_tensor *tensor)
{
    size_t index = 0;
    while (mmn_safetensors_get(golden->file, index) != tensor)
        index++;
    return index;
}

static mmn_status compare_stage(void *context, const mmn_stage *stage, mmn_error *error)
{
    golden_data *golden = context;
    (void)error;
    bool is_result = strcmp(stage->name, "generated_ids") == 0;
    const mmn_tensor *truth = mmn_safetensors_find(golden->file, stage->name);
    if (!truth || (stage->generating && !is_result))
        return MMN_OK;
    golden->seen[index_of(golden, truth)]++;

    size_t count = mmn_tensor_elements(truth);
    cr_assert_eq(stage->dimensions, truth->dimensions, "%s has %zu dimensions, not %zu",
                 stage->name, stage->dimensions, truth->dimensions);
    for (size_t i = 0; i < truth->dimensions; i++)
        cr_assert_eq(stage->shape[i], truth->shape[i], "%s: dimension %zu is %zu, not %zu",
                     stage->name, i, stage->shape[i], truth->shape[i]);
    if (truth->type != MMN_TYPE_F64) {
        compare_exactly(stage, truth, count);
        return MMN_OK;
    }
    compare_values(golden, stage, truth, count);
    if (stage->module)
        compare_decisions(golden, stage, truth, count);
    return MMN_OK;
}

static mmn_model *open_model(const golden_case *of)
{
    char path[PATH_SIZE], sentence[PATH_SIZE];
    mmn_error error;
    mmn_model *model;
    path_of(path, of, of->model);
    if (mmn_model_open(&model, path, NULL, &error) != MMN_OK) {
        mmn_error_sentence(&error, sentence, sizeof sentence);
        cr_assert_fail("%s", sentence);
    }
    return model;
}

/* Runs an input with one probe, and generates as many tokens as the case has. */
static void run(const mmn_model *model, const mmn_input *input, const golden_data *golden,
                const char *stages, mmn_see_function see, void *context)
{
    mmn_error error;
    mmn_session *session;
    int32_t ids[GENERATE_LIMIT];
    size_t count;
    const mmn_probe probe = {.stages = stages, .see = see, .context = context};
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_session_add_probe(session, &probe, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK, "%s", error.message);
    if (golden->generate > 0)
        cr_assert_eq(mmn_session_generate(session, golden->generate, ids, &count, &error), MMN_OK,
                     "%s", error.message);
    mmn_session_free(session);
}

static mmn_input *input_from_prompt(const mmn_model *model, const golden_data *golden)
{
    mmn_error error;
    mmn_input *input;
    mmn_status status = mmn_input_from_prompt(&input, model, golden->prompt, golden->image_files,
                                              golden->image_count, &error);
    cr_assert_eq(status, MMN_OK, "%s: %s: %s", golden->of->file, error.file, error.message);
    return input;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static struct criterion_test_params all_cases(void)
{
    static golden_case cases[CASE_LIMIT];
    return cr_make_param_array(golden_case, cases, list_cases(cases));
}

ParameterizedTestParameters(golden, stages_match_float64)
{
    return all_cases();
}

ParameterizedTest(const golden_case *of, golden, stages_match_float64)
{
    golden_data golden;
    MMN_NEEDS(of->model);
    open_golden(&golden, of);
    mmn_model *model = open_model(of);
    mmn_input *input = input_from_prompt(model, &golden);
    run(model, input, &golden, "*", compare_stage, &golden);

    for (size_t i = 0; i < mmn_safetensors_count(golden.file); i++)
        cr_expect_eq(golden.seen[i], 1, "%s: %s was shown %u times", of->file,
                     mmn_safetensors_get(golden.file, i)->name, golden.seen[i]);
    printf("# %s: at most %.2f times torch's error (%s); of %llu neuron decisions %llu are too "
           "near zero to tell, %llu differ\n",
           of->file, golden.worst, golden.worst_stage, (unsigned long long)golden.decisions,
           (unsigned long long)golden.near_zero, (unsigned long long)golden.flips);
    fflush(stdout);
    mmn_input_free(input);
    mmn_model_close(model);
    close_golden(&golden);
}

/* The bits of a sequence of stages: FNV-1a. */
static mmn_status mix_bits(void *context, const mmn_stage *stage, mmn_error *error)
{
    uint64_t *mixed = context;
    (void)error;
    size_t bytes = 4;
    for (size_t i = 0; i < stage->dimensions; i++)
        bytes *= stage->shape[i];
    for (size_t i = 0; i < bytes; i++)
        *mixed = (*mixed ^ ((const uint8_t *)stage->data)[i]) * 0x100000001b3u;
    return MMN_OK;
}

ParameterizedTestParameters(golden, inputs_from_file_give_the_same_bits)
{
    return all_cases();
}

ParameterizedTest(const golden_case *of, golden, inputs_from_file_give_the_same_bits)
{
    golden_data golden;
    MMN_NEEDS(of->model);
    open_golden(&golden, of);
    if (golden.image_count > 0 && !mmn_safetensors_find(golden.file, "pixel_values"))
        cr_skip_test("the case has no pixel_values");
    /* All but image_sizes, which LLaVA-1.5 does not need and does not take from a file. */
    static const char stages[] =
        "input_ids,qformer_input_ids,pixel_values,vision.*,query.*,"
        "qformer.*,projector.*,language.*,judge.*,detector.*,generated_ids";
    char path[PATH_SIZE];
    mmn_error error;
    path_of(path, of, of->file);
    mmn_model *model = open_model(of);
    mmn_input *inputs[2] = {input_from_prompt(model, &golden)};
    cr_assert_eq(mmn_input_from_file(&inputs[1], model, path, &error), MMN_OK, "%s: %s: %s",
                 error.file, error.where, error.message);

    uint64_t mixed[2] = {0xcbf29ce484222325u, 0xcbf29ce484222325u};
    for (size_t i = 0; i < 2; i++) {
        run(model, inputs[i], &golden, stages, mix_bits, &mixed[i]);
        mmn_input_free(inputs[i]);
    }
    cr_assert_eq(mixed[0], mixed[1]);
    mmn_model_close(model);
    close_golden(&golden);
}

Test(golden, there_are_cases)
{
    static golden_case cases[CASE_LIMIT];
    cr_assert_gt(list_cases(cases), 0, "no cases in %s", golden_root());
}
