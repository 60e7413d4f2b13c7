/* Whole models against PyTorch: every stage of the cases in golden/ and of the trained model's,
 * within four times the error that torch's float32 has against float64. MMN_GOLDEN_DIR names
 * another folder than golden/, and MMN_TRAINED_DIR another trained model's. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>

#include "tests/model/golden_case.h"
#include "tests/model/trained.h"
#include "tests/tools/needs.h"

/* In the order of their names. */
static size_t list_cases(golden_case *list)
{
    size_t count = golden_list_folder(list, golden_list_kind(list, "cases"), trained_folder(),
                                      "model", "cases");
    golden_sort(list, count);
    return count;
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
    golden_open(&golden, of);
    mmn_model *model = golden_open_model(of);
    mmn_input *input = golden_input(model, &golden);
    run(model, input, &golden, "*", golden_compare, &golden);

    golden_expect_all_seen(&golden);
    printf("# %s: at most %.2f times torch's error (%s); of %llu neuron decisions %llu are too "
           "near zero to tell, %llu differ\n",
           of->file, golden.worst, golden.worst_stage, (unsigned long long)golden.decisions,
           (unsigned long long)golden.near_zero, (unsigned long long)golden.flips);
    fflush(stdout);
    mmn_input_free(input);
    mmn_model_close(model);
    golden_close(&golden);
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
    golden_open(&golden, of);
    if (golden.image_count > 0 && !mmn_safetensors_find(golden.file, "pixel_values"))
        cr_skip_test("the case has no pixel_values");
    /* All but image_sizes, which LLaVA-1.5 does not need and does not take from a file. */
    static const char stages[] = "input_ids,qformer_input_ids,pixel_values,vision.*,query.*,"
                                 "qformer.*,projector.*,language.*,judge.*,generated_ids";
    char path[PATH_SIZE];
    mmn_error error;
    golden_path(path, of, of->file);
    mmn_model *model = golden_open_model(of);
    mmn_input *inputs[2] = {golden_input(model, &golden)};
    cr_assert_eq(mmn_input_from_file(&inputs[1], model, path, &error), MMN_OK, "%s: %s: %s",
                 error.file, error.where, error.message);

    uint64_t mixed[2] = {0xcbf29ce484222325u, 0xcbf29ce484222325u};
    for (size_t i = 0; i < 2; i++) {
        run(model, inputs[i], &golden, stages, mix_bits, &mixed[i]);
        mmn_input_free(inputs[i]);
    }
    cr_assert_eq(mixed[0], mixed[1]);
    mmn_model_close(model);
    golden_close(&golden);
}

Test(golden, there_are_cases)
{
    static golden_case cases[CASE_LIMIT];
    cr_assert_gt(list_cases(cases), 0, "no cases in %s", golden_root());
}
