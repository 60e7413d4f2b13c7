/* Running out of memory: each allocation fails once, in turn, and is reported as such. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "mmneuron.h"

static const char *const checkpoints[] = {
    MMN_SOURCE_DIR "/golden/checkpoints/llava-v1.6-vicuna",
    MMN_SOURCE_DIR "/golden/checkpoints/instructblip",
    MMN_SOURCE_DIR "/golden/checkpoints/bloom",
};
enum { CHECKPOINTS = sizeof checkpoints / sizeof *checkpoints };
static const char *const image[] = {MMN_SOURCE_DIR "/golden/images/retina.jpg"};

/* No run makes more allocations than this. */
enum { MOST_ALLOCATIONS = 100000 };

static mmn_status see_nothing(void *context, const mmn_stage *stage, mmn_error *error)
{
    (void)context;
    (void)stage;
    (void)error;
    return MMN_OK;
}

/* Opening a model, over and over, with one allocation more succeeding each time. */
static void open_with_short_memory(const char *checkpoint)
{
    unsigned long number = 1;
    mmn_status status;
    do {
        mmn_error error = {0};
        mmn_model *model;
        mmn_memory_fail_at(number);
        status = mmn_model_open(&model, checkpoint, NULL, &error);
        mmn_memory_fail_at(0);
        if (status != MMN_OK) {
            cr_assert_eq(status, MMN_SYSTEM, "allocation %lu: %s", number, error.message);
            cr_assert_neq(strstr(error.message, "out of memory"), NULL, "allocation %lu: %s",
                          number, error.message);
            cr_assert_null(model);
        }
        mmn_model_close(model);
    } while (status != MMN_OK && ++number < MOST_ALLOCATIONS);
    cr_assert_eq(status, MMN_OK);
    cr_assert_gt(number, 20);
}

Test(out_of_memory, opening_a_model)
{
    for (size_t i = 0; i < CHECKPOINTS; i++)
        open_with_short_memory(checkpoints[i]);
}

/* A question through a model that is open, about an image unless it is of text only, and two words
 * of an answer. */
static mmn_status answer(const mmn_model *model, mmn_error *error)
{
    const mmn_probe probe = {.stages = "*", .see = see_nothing};
    mmn_input *input = NULL;
    mmn_session *session = NULL;
    int32_t ids[2];
    size_t count, images = mmn_model_describe(model)->vision_layers > 0 ? 1 : 0;
    mmn_status status =
        mmn_input_from_prompt(&input, model, "<image>\nWhat is this?", image, images, error);
    if (status == MMN_OK)
        status = mmn_session_create(&session, model, NULL, error);
    if (status == MMN_OK)
        status = mmn_session_add_probe(session, &probe, error);
    if (status == MMN_OK)
        status = mmn_session_prefill(session, input, error);
    if (status == MMN_OK)
        status = mmn_session_generate(session, 2, ids, &count, error);
    mmn_session_free(session);
    mmn_input_free(input);
    return status;
}

static void answer_with_short_memory(const char *checkpoint)
{
    mmn_error error = {0};
    mmn_model *model;
    cr_assert_eq(mmn_model_open(&model, checkpoint, NULL, &error), MMN_OK, "%s", error.message);
    unsigned long number = 1;
    mmn_status status;
    do {
        mmn_memory_fail_at(number);
        status = answer(model, &error);
        mmn_memory_fail_at(0);
        if (status != MMN_OK)
            cr_assert_eq(status, MMN_SYSTEM, "allocation %lu: %s", number, error.message);
    } while (status != MMN_OK && ++number < MOST_ALLOCATIONS);
    cr_assert_eq(status, MMN_OK);
    cr_assert_gt(number, 20);
    mmn_model_close(model);
}

Test(out_of_memory, answering)
{
    for (size_t i = 0; i < CHECKPOINTS; i++)
        answer_with_short_memory(checkpoints[i]);
}
