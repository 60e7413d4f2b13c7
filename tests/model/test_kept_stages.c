/* Kept stages: what a session keeps of a prefill is what PyTorch has, and that of the last prefill
 * alone. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "format/safetensors.h"
#include "mmneuron.h"

#define GOLDEN MMN_SOURCE_DIR "/golden/demo/"

static mmn_error error;
static mmn_model *model;
static mmn_session *session;

static void set_up(void)
{
    cr_assert_eq(mmn_model_open(&model, GOLDEN "model", NULL, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
}

static void tear_down(void)
{
    mmn_session_free(session);
    mmn_model_close(model);
}

TestSuite(kept_stages, .init = set_up, .fini = tear_down);

static void prefill_golden(void)
{
    mmn_input *input;
    cr_assert_eq(mmn_input_from_file(&input, model, GOLDEN "golden.safetensors", &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
    mmn_input_free(input);
}

static void prefill_ids(const int32_t *ids, size_t count)
{
    mmn_input *input;
    cr_assert_eq(mmn_input_from_ids(&input, model, ids, count, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
    mmn_input_free(input);
}

static size_t elements(const mmn_stage *stage)
{
    size_t count = 1;
    for (size_t i = 0; i < stage->dimensions; i++)
        count *= stage->shape[i];
    return count;
}

/* Relative rms of a kept stage to the golden file's, which PyTorch computed in float64. */
static double distance(const mmn_stage *stage, const mmn_tensor *golden)
{
    double difference = 0, size = 0;
    for (size_t i = 0; i < elements(stage); i++) {
        double expected = mmn_load_f64(golden->data + 8 * i);
        double found = (double)((const float *)stage->data)[i];
        difference += (found - expected) * (found - expected);
        size += expected * expected;
    }
    return sqrt(difference / size);
}

Test(kept_stages, are_what_pytorch_has)
{
    mmn_safetensors *golden;
    size_t compared = 0;
    cr_assert_eq(mmn_safetensors_open(&golden, GOLDEN "golden.safetensors", &error), MMN_OK);
    cr_assert_eq(mmn_session_keep(session, "*", &error), MMN_OK);
    prefill_golden();
    for (size_t i = 0; mmn_session_stage_at(session, i); i++) {
        const mmn_stage *stage = mmn_session_stage_at(session, i);
        const mmn_tensor *tensor = mmn_safetensors_find(golden, stage->name);
        cr_assert_eq(mmn_session_stage(session, stage->name), stage);
        cr_assert_null(strstr(stage->name, "mlp.up"));
        if (!tensor || tensor->type != MMN_TYPE_F64)
            continue;
        cr_assert_eq(tensor->bytes, 8 * elements(stage), "%s", stage->name);
        cr_expect_lt(distance(stage, tensor), 1e-5, "%s", stage->name);
        compared++;
    }
    cr_assert_gt(compared, 10);
    mmn_safetensors_close(golden);
}

Test(kept_stages, are_those_of_the_last_prefill)
{
    static const int32_t first[] = {1, 5, 6, 7}, second[] = {1, 9};
    cr_assert_eq(mmn_session_keep(session, "language.logits,vision.out", &error), MMN_OK);
    cr_assert_null(mmn_session_stage(session, "language.logits"));
    prefill_golden();
    cr_assert_not_null(mmn_session_stage(session, "vision.out"));
    prefill_ids(first, 4);
    const mmn_stage *logits = mmn_session_stage(session, "language.logits");
    cr_assert_eq(logits->shape[0], 4);
    cr_assert_null(mmn_session_stage(session, "vision.out"));
    cr_assert_null(mmn_session_stage(session, "language.norm"));
    /* What is generated is not the prompt's. */
    int32_t ids[3];
    size_t count;
    cr_assert_eq(mmn_session_generate(session, 3, ids, &count, &error), MMN_OK);
    cr_assert_eq(mmn_session_stage(session, "language.logits")->shape[0], 4);
    prefill_ids(first, 4);
    prefill_ids(second, 2);
    cr_assert_eq(mmn_session_stage(session, "language.logits")->shape[0], 2);
    cr_assert_null(mmn_session_stage_at(session, 1));
}

Test(kept_stages, of_a_prefill_that_makes_none_are_none)
{
    static const int32_t ids[] = {1, 5};
    cr_assert_eq(mmn_session_keep(session, "vision.*", &error), MMN_OK);
    prefill_golden();
    cr_assert_not_null(mmn_session_stage_at(session, 0));
    prefill_ids(ids, 2);
    cr_assert_null(mmn_session_stage_at(session, 0));
}

Test(kept_stages, refuse_what_cannot_be)
{
    cr_assert_eq(mmn_session_keep(session, NULL, &error), MMN_USAGE);
    cr_assert_eq(mmn_session_keep(NULL, "*", &error), MMN_USAGE);
    cr_assert_null(mmn_session_stage(NULL, "language.logits"));
    cr_assert_null(mmn_session_stage(session, NULL));
    cr_assert_eq(mmn_session_keep(session, "*", &error), MMN_OK);
    cr_assert_eq(mmn_session_keep(session, "*", &error), MMN_USAGE);
    cr_assert(strstr(error.message, "already"));
}
