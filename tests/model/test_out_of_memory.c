/* Running out of memory: each allocation fails once, in turn, and is reported as such. */
#include <criterion/criterion.h>
#include <string.h>

#include "mmneuron.h"
#include "tests/tools/failing_allocator.h"
#include "tests/tools/needs.h"

static const char checkpoint[] = MMN_SOURCE_DIR "/golden/checkpoints/llava-v1.6-vicuna";
static const char with_qformer[] = MMN_SOURCE_DIR "/golden/checkpoints/instructblip";
static const char tower_apart[] = MMN_SOURCE_DIR "/golden/checkpoints/llava-linear-marks";
static const char only_text[] = MMN_SOURCE_DIR "/golden/checkpoints/bloom";
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

/* Opens the model in `folder`, over and over, with one allocation more succeeding each time. */
static void open_with_deltas(const char *folder, const char *const *deltas, size_t count)
{
    const mmn_model_options options = {
        .size = sizeof(options), .deltas = deltas, .delta_count = count};
    unsigned long number = 1;
    mmn_status status;
    do {
        mmn_error error = {0};
        mmn_model *model;
        fail_allocation_at(number);
        status = mmn_model_open(&model, folder, &options, &error);
        fail_allocation_at(0);
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

static void open_with_little_memory(const char *folder)
{
    open_with_deltas(folder, NULL, 0);
}

Test(out_of_memory, opening_a_model_with_deltas)
{
    const char *const deltas[] = {MMN_SOURCE_DIR "/golden/deltas/first.safetensors",
                                  MMN_SOURCE_DIR "/golden/deltas/second.safetensors"};
    open_with_deltas(MMN_SOURCE_DIR "/golden/checkpoints/llava-1.5", deltas, 2);
}

Test(out_of_memory, opening_a_model)
{
    open_with_little_memory(checkpoint);
}

Test(out_of_memory, opening_a_model_with_a_qformer)
{
    MMN_NEEDS(with_qformer);
    open_with_little_memory(with_qformer);
}

Test(out_of_memory, opening_a_model_whose_tower_is_in_a_folder_of_its_own)
{
    open_with_little_memory(tower_apart);
}

Test(out_of_memory, opening_a_language_model)
{
    MMN_NEEDS(only_text);
    open_with_little_memory(only_text);
}

/* A question, about the image if there is one, through a model that is open, and two words of an
 * answer. */
static mmn_status answer(const mmn_model *model, size_t images, mmn_error *error)
{
    const mmn_probe probe = {.stages = "*", .see = see_nothing};
    mmn_input *input = NULL;
    mmn_session *session = NULL;
    int32_t ids[2];
    size_t count;
    mmn_status status = mmn_input_from_prompt(
        &input, model, images ? "<image>\nWhat is this?" : "What is this?", image, images, error);
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

/* What is done with an open model. */
typedef mmn_status use_of_model(const mmn_model *model, size_t images, mmn_error *error);

/* Over and over, with one allocation more succeeding each time. */
static void do_with_little_memory(use_of_model *use, const char *folder, size_t images)
{
    mmn_error error = {0};
    mmn_model *model;
    cr_assert_eq(mmn_model_open(&model, folder, NULL, &error), MMN_OK, "%s", error.message);
    unsigned long number = 1;
    mmn_status status;
    do {
        fail_allocation_at(number);
        status = use(model, images, &error);
        fail_allocation_at(0);
        if (status != MMN_OK)
            cr_assert_eq(status, MMN_SYSTEM, "allocation %lu: %s", number, error.message);
    } while (status != MMN_OK && ++number < MOST_ALLOCATIONS);
    cr_assert_eq(status, MMN_OK);
    cr_assert_gt(number, 20);
    mmn_model_close(model);
}

Test(out_of_memory, answering)
{
    do_with_little_memory(answer, checkpoint, 1);
}

Test(out_of_memory, answering_with_a_qformer)
{
    MMN_NEEDS(with_qformer);
    do_with_little_memory(answer, with_qformer, 1);
}

Test(out_of_memory, answering_with_marks_around_an_image)
{
    do_with_little_memory(answer, tower_apart, 1);
}

Test(out_of_memory, answering_without_a_picture)
{
    MMN_NEEDS(only_text);
    do_with_little_memory(answer, only_text, 0);
}

/* Gradients down to the pixels, if there are any. */
static mmn_status derive(const mmn_model *model, size_t images, mmn_error *error)
{
    const mmn_probe probe = {.stages = "grad.*", .see = see_nothing};
    const mmn_objective objective = {
        .size = sizeof(objective), .token = 5, .position = MMN_LAST_POSITION};
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    mmn_input *input = NULL;
    mmn_session *session = NULL;
    mmn_status status = mmn_input_from_prompt(&input, model, images ? "<image>\nWho?" : "Who?",
                                              image, images, error);
    if (status == MMN_OK)
        status = mmn_session_create(&session, model, &options, error);
    if (status == MMN_OK)
        status = mmn_session_add_probe(session, &probe, error);
    if (status == MMN_OK)
        status = mmn_session_gradient(session, input, &objective, NULL, error);
    mmn_session_free(session);
    mmn_input_free(input);
    return status;
}

Test(out_of_memory, gradients)
{
    do_with_little_memory(derive, checkpoint, 1);
}

Test(out_of_memory, gradients_through_a_qformer)
{
    MMN_NEEDS(with_qformer);
    do_with_little_memory(derive, with_qformer, 1);
}

Test(out_of_memory, gradients_without_a_picture)
{
    MMN_NEEDS(only_text);
    do_with_little_memory(derive, only_text, 0);
}
