/* Cases of golden/: their files, their models and inputs, and stages compared with float64. */
#ifndef MMN_TESTS_MODEL_GOLDEN_CASE_H
#define MMN_TESTS_MODEL_GOLDEN_CASE_H

#include <jansson.h>

#include "format/safetensors.h"
#include "mmneuron.h"

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

/* The folder of the cases: golden/, or what MMN_GOLDEN_DIR names. */
const char *golden_root(void);

/* Appends the cases in the folder root/cases, which are of the model root/model; returns how many
 * there are then. */
size_t golden_list_folder(golden_case *list, size_t count, const char *root, const char *model,
                          const char *cases);

/* Those of golden/`kind`, which has a folder for each checkpoint. */
size_t golden_list_kind(golden_case *list, const char *kind);

/* Brings them into the order of their names. */
void golden_sort(golden_case *list, size_t count);

/* Opens the case's file; skips the test where this build cannot read its images. */
void golden_open(golden_data *golden, const golden_case *of);
void golden_close(golden_data *golden);

/* A text, or a number, of the file's metadata, which must be there. */
const char *golden_metadata(const golden_data *golden, const char *key);
double golden_number(const golden_data *golden, const char *key);

/* A file of the case's folder. */
void golden_path(char path[PATH_SIZE], const golden_case *of, const char *file);

mmn_model *golden_open_model(const golden_case *of);
mmn_input *golden_input(const mmn_model *model, const golden_data *golden);

/* A probe, whose context is a golden_data: compares a stage that the file has. */
mmn_status golden_compare(void *context, const mmn_stage *stage, mmn_error *error);

/* Expects that each of the file's tensors was seen once. */
void golden_expect_all_seen(const golden_data *golden);

#endif
