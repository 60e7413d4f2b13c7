/* Cases of golden/: their files, their models and inputs, and stages compared with float64. */
#include "tests/model/golden_case.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tests/tools/needs.h"

const char *golden_root(void)
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
size_t golden_list_folder(golden_case *list, size_t count, const char *root, const char *model,
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

/* Those of golden/`kind`, which has a folder for each checkpoint. */
size_t golden_list_kind(golden_case *list, const char *kind)
{
    size_t count = 0;
    DIR *folder = open_folder(golden_root(), kind);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        char model[NAME_SIZE], cases[NAME_SIZE];
        if (entry->d_name[0] != '.' &&
            snprintf(model, sizeof model, "checkpoints/%s", entry->d_name) < NAME_SIZE &&
            snprintf(cases, sizeof cases, "%s/%s", kind, entry->d_name) < NAME_SIZE)
            count = golden_list_folder(list, count, golden_root(), model, cases);
    }
    if (folder)
        closedir(folder);
    return count;
}

void golden_sort(golden_case *list, size_t count)
{
    qsort(list, count, sizeof *list, compare_cases);
}

/* ---- One case -------------------------------------------------------------------------------- */

const char *golden_metadata(const golden_data *golden, const char *key)
{
    const char *text = mmn_safetensors_metadata(golden->file, key);
    cr_assert_not_null(text, "%s has no metadata \"%s\"", golden->of->file, key);
    return text;
}

void golden_path(char path[PATH_SIZE], const golden_case *of, const char *file)
{
    cr_assert_lt(snprintf(path, PATH_SIZE, "%s/%s", of->root, file), PATH_SIZE);
}

void golden_open(golden_data *golden, const golden_case *of)
{
    char path[PATH_SIZE];
    mmn_error error;
    *golden = (golden_data){.of = of};
    golden_path(path, of, of->file);
    cr_assert_eq(mmn_safetensors_open(&golden->file, path, &error), MMN_OK, "%s: %s", path,
                 error.message);
    cr_assert_leq(mmn_safetensors_count(golden->file), STAGE_LIMIT);
    cr_assert_str_eq(golden_metadata(golden, "format"), "mmneuron-golden-1");
    golden->prompt = golden_metadata(golden, "prompt");
    golden->generate = strtoul(golden_metadata(golden, "generate"), NULL, 10);
    cr_assert_leq(golden->generate, GENERATE_LIMIT);

    golden->images = json_loads(golden_metadata(golden, "images"), 0, NULL);
    cr_assert(json_is_array(golden->images));
    golden->image_count = json_array_size(golden->images);
    cr_assert_leq(golden->image_count, IMAGE_LIMIT);
    for (size_t i = 0; i < golden->image_count; i++) {
        golden_path(golden->paths[i], of, json_string_value(json_array_get(golden->images, i)));
        golden->image_files[i] = golden->paths[i];
#ifndef HAVE_LIBPNG
        if (strstr(golden->paths[i], ".png"))
            cr_skip_test("the case has a PNG image, which this build does without");
#endif
    }
}

void golden_close(golden_data *golden)
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
    *relative = strtod(golden_metadata(golden, key), &rest);
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

mmn_status golden_compare(void *context, const mmn_stage *stage, mmn_error *error)
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

mmn_model *golden_open_model(const golden_case *of)
{
    char path[PATH_SIZE], sentence[PATH_SIZE];
    mmn_error error;
    mmn_model *model;
    golden_path(path, of, of->model);
    if (mmn_model_open(&model, path, NULL, &error) != MMN_OK) {
        mmn_error_sentence(&error, sentence, sizeof sentence);
        cr_assert_fail("%s", sentence);
    }
    return model;
}

mmn_input *golden_input(const mmn_model *model, const golden_data *golden)
{
    mmn_error error;
    mmn_input *input;
    mmn_status status = mmn_input_from_prompt(&input, model, golden->prompt, golden->image_files,
                                              golden->image_count, &error);
    cr_assert_eq(status, MMN_OK, "%s: %s: %s", golden->of->file, error.file, error.message);
    return input;
}

double golden_number(const golden_data *golden, const char *key)
{
    return strtod(golden_metadata(golden, key), NULL);
}

void golden_expect_all_seen(const golden_data *golden)
{
    for (size_t i = 0; i < mmn_safetensors_count(golden->file); i++)
        cr_expect_eq(golden->seen[i], 1, "%s: %s was shown %u times", golden->of->file,
                     mmn_safetensors_get(golden->file, i)->name, golden->seen[i]);
}
