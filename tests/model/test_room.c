/* Room for answers: how much memory keys and values take, of a session and of beams, and that an
 * answer is the same in whatever pieces they get it. */
#include <criterion/criterion.h>

#include "mmneuron.h"
#include "tests/tools/failing_allocator.h"

static const char folder[] = MMN_SOURCE_DIR "/golden/checkpoints/llava-v1.6-vicuna";
static const char *const images[] = {MMN_SOURCE_DIR "/golden/images/retina.jpg"};

enum {
    SOME = 16,
    MANY = 200,
    BEAMS = 4,
    POSITION = 2 * 2 * 48 * 4 /* bytes: keys and values of two layers, 48 numbers each */
};

static mmn_model *model;
static mmn_input *input;
static mmn_error error;

static void open_model(void)
{
    cr_assert_eq(mmn_model_open(&model, folder, NULL, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_input_from_prompt(&input, model, "<image>\nWhat is this?", images, 1, &error),
                 MMN_OK, "%s", error.message);
}

static void close_model(void)
{
    mmn_input_free(input);
    mmn_model_close(model);
}

TestSuite(room, .init = open_model, .fini = close_model);

static mmn_session *prefilled(size_t max_new_tokens, uint32_t beams)
{
    const mmn_session_options options = {.size = sizeof(options), .max_new_tokens = max_new_tokens};
    const mmn_beam_search search = {.beams = beams, .length_penalty = 1.0};
    mmn_session *session;
    cr_assert_eq(mmn_session_create(&session, model, &options, &error), MMN_OK);
    cr_assert_eq(mmn_session_set_beam_search(session, &search, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK, "%s", error.message);
    return session;
}

/* What generating up to `limit` tokens asks for; they all come. */
static size_t bytes_of_answer(mmn_session *session, size_t limit, int32_t *ids)
{
    const size_t before = bytes_asked_for();
    size_t count;
    cr_assert_eq(mmn_session_generate(session, limit, ids, &count, &error), MMN_OK, "%s",
                 error.message);
    cr_assert_eq(count, limit, "%zu tokens", count);
    return bytes_asked_for() - before;
}

Test(room, of_an_answer_whose_length_is_known_comes_with_the_prompt)
{
    int32_t ids[SOME];
    mmn_session *known = prefilled(SOME, 1), *unknown = prefilled(0, 1);
    const size_t prompt = mmn_input_length(input) * POSITION;
    cr_expect_lt(bytes_of_answer(known, SOME, ids), prompt);
    cr_expect_gt(bytes_of_answer(unknown, SOME, ids), prompt);
    mmn_session_free(known);
    mmn_session_free(unknown);
}

Test(room, of_beams_is_no_more_than_their_answers_need)
{
    int32_t ids[SOME];
    mmn_session *session = prefilled(0, BEAMS);
    const size_t few = bytes_of_answer(session, SOME / 2, ids);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
    const size_t more = bytes_of_answer(session, SOME, ids);
    cr_expect_geq(more - few, (size_t)BEAMS * (SOME / 2) * POSITION);
    cr_expect_lt(more, (size_t)BEAMS * 3 * SOME * POSITION);
    mmn_session_free(session);
}

Test(room, comes_in_whatever_pieces_and_changes_no_token)
{
    int32_t at_once[MANY], in_pieces[MANY], after_too_few[MANY];
    mmn_session *known = prefilled(MANY, 1), *unknown = prefilled(0, 1);
    mmn_session *too_few = prefilled(SOME, 1);
    bytes_of_answer(known, MANY, at_once);
    for (size_t i = 0; i < MANY; i++)
        bytes_of_answer(unknown, 1, in_pieces + i);
    bytes_of_answer(too_few, MANY, after_too_few);
    cr_expect_arr_eq(at_once, in_pieces, sizeof(at_once));
    cr_expect_arr_eq(at_once, after_too_few, sizeof(at_once));
    mmn_session_free(known);
    mmn_session_free(unknown);
    mmn_session_free(too_few);
}
