/* The answer to one input whose words' neurons are looked for. */
#include "study/contribution.h"

#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "model/input.h"
#include "model/model.h"
#include "pass/session.h"

enum {
    TOKENS = 32,
    MOST_TOKENS = 4096,
    TOP = 10,
    MOST_TOP = 10000,
    NAMES = 5,
    MOST_NAMES = 1000,
    MOST_SEEDS = 1000
};

static const double NOISE = 0.5, MOST_NOISE = 1e6;

/* ---- What is asked for ----------------------------------------------------------------------- */

mmn_status mmn_contribution_check(const mmn_contribution_options *options, mmn_error *error)
{
    if (options->tokens > MOST_TOKENS || options->top > MOST_TOP || options->names > MOST_NAMES ||
        options->seeds > MOST_SEEDS || options->shuffles > MOST_SEEDS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "there can be %d tokens, %d neurons of a word, %d names, %d seeds and %d "
                        "shuffles at most",
                        MOST_TOKENS, MOST_TOP, MOST_NAMES, MOST_SEEDS, MOST_SEEDS);
    if (!(options->noise >= 0 && options->noise <= MOST_NOISE) ||
        !(options->weight_noise >= 0 && options->weight_noise <= MOST_NOISE))
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "the noise must be 0 to 1000000");
    return MMN_OK;
}

/* A value or, where it is 0, its default; `most` at most. */
static size_t or_default(uint64_t value, size_t otherwise, size_t most)
{
    const size_t chosen = value > 0 ? (size_t)value : otherwise;
    return chosen < most ? chosen : most;
}

mmn_contributions mmn_contributions_of(mmn_study *study, const mmn_contribution_options *options)
{
    const mmn_language_config *config = &study->model->config.language;
    const size_t all = config->layers * (size_t)config->intermediate_size;
    return (mmn_contributions){.study = study,
                               .options = options,
                               .tokens = options->tokens > 0 ? options->tokens : TOKENS,
                               .top = or_default(options->top, TOP, all),
                               .names = or_default(options->names, NAMES, config->vocab_size),
                               .noise = options->noise > 0 ? options->noise : NOISE,
                               .orders = 1};
}

void mmn_contributions_free(mmn_contributions *found)
{
    mmn_session_free(found->session);
    mmn_input_free(found->extended);
    mmn_spoken_words_free(&found->spoken);
    found->session = NULL;
    found->extended = NULL;
}

/* ---- The answer ------------------------------------------------------------------------------ */

static mmn_status generate(mmn_contributions *found, mmn_error *error)
{
    const size_t limit = (size_t)found->tokens;
    size_t count = 0;
    found->ids = mmn_study_allocate_in_row(found->study, limit, sizeof(*found->ids), error);
    MMN_NEED(found->ids);
    MMN_TRY(mmn_session_prefill(found->session, found->input, error));
    MMN_TRY(mmn_session_generate(found->session, limit, found->ids, &count, error));
    /* An image's placeholder stands for features that an answer has none of. */
    while (found->id_count < count && found->ids[found->id_count] != found->input->image_token)
        found->id_count++;
    return MMN_OK;
}

/* The prompt and the answer, so far as tokens are chosen by it. */
static mmn_status extend(mmn_contributions *found, mmn_error *error)
{
    const size_t added = found->id_count > 0 ? found->id_count - 1 : 0;
    return mmn_input_extend(&found->extended, found->input, found->length, found->ids, added,
                            error);
}

mmn_status mmn_contribution_answer(mmn_contributions *found, const mmn_input *input,
                                   const mmn_word_choice *choice, mmn_error *error)
{
    const mmn_model *model = found->study->model;
    const mmn_session_options options = {.size = sizeof(options),
                                         .max_new_tokens = (size_t)found->tokens};
    found->input = input;
    MMN_TRY(mmn_session_create(&found->session, model, &options, error));
    mmn_study_attend(found->study, found->session);
    if (found->shuffle)
        MMN_TRY(mmn_image_shuffle_add(found->shuffle, found->session, error));
    MMN_TRY(generate(found, error));
    found->length = mmn_input_length(input);
    if (found->maps)
        found->grid = mmn_patch_grid_of(model, input);
    MMN_TRY(mmn_spoken_words_of(&found->spoken, model, found->ids, found->id_count, choice, error));
    found->words = found->spoken.list;
    found->word_count = found->spoken.count;
    for (size_t w = 0; w < found->word_count; w++) {
        mmn_answer_word *word = &found->words[w];
        word->id = found->ids[word->token];
        word->position = found->length - 1 + word->token;
    }
    return extend(found, error);
}

/* ---- Shuffling ------------------------------------------------------------------------------- */

/* The rows of a stage that stand for the image, in their order: writes their numbers to rows, or
 * (NULL) counts them. */
static size_t image_rows(const mmn_stage *stage, size_t *rows)
{
    size_t count = 0;
    for (size_t row = 0; row < stage->shape[0]; row++)
        if (mmn_input_is_image(stage->input, stage->first_position + row)) {
            if (rows)
                rows[count] = row;
            count++;
        }
    return count;
}

/* order [count]: a permutation of the numbers below count, all equally likely (Fisher and Yates;
 * the place of each draw is the sample and the number of the draw). */
static void permute(size_t *order, size_t count, const mmn_image_shuffle *shuffle)
{
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count; i > 1; i--) {
        const mmn_random_place place = {
            .seed = shuffle->seed,
            .at = {(uint32_t)shuffle->sample, (uint32_t)(shuffle->sample >> 32), (uint32_t)i}};
        const size_t other = mmn_random_below(&place, (uint32_t)i), kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

/* Moves the embedding of image position number order[i] to number i. */
static void move_rows(float *values, float *kept, size_t width, const size_t *rows,
                      const size_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++)
        memcpy(kept + i * width, values + rows[i] * width, width * sizeof(*values));
    for (size_t i = 0; i < count; i++)
        memcpy(values + rows[i] * width, kept + order[i] * width, width * sizeof(*values));
}

/* An mmn_see_function. */
static mmn_status shuffle_rows(void *context, const mmn_stage *stage, mmn_error *error)
{
    const size_t count = image_rows(stage, NULL), width = stage->shape[1];
    if (count == 0)
        return MMN_OK;
    if (count != mmn_input_image_positions(stage->input))
        return mmn_fail(error, MMN_USAGE, NULL, stage->name, "shows only a part of the image");
    size_t *rows = mmn_allocate(count, sizeof(*rows), error);
    size_t *order = mmn_allocate(count, sizeof(*order), error);
    float *kept = mmn_allocate(count, width * sizeof(*kept), error);
    const bool have = rows && order && kept;
    if (have) {
        image_rows(stage, rows);
        permute(order, count, context);
        move_rows(stage->data, kept, width, rows, order, count);
    }
    mmn_free(rows);
    mmn_free(order);
    mmn_free(kept);
    return have ? MMN_OK : MMN_SYSTEM;
}

mmn_status mmn_image_shuffle_add(const mmn_image_shuffle *shuffle, mmn_session *session,
                                 mmn_error *error)
{
    const mmn_probe probe = {.stages = "language.embeddings",
                             .writes = 1,
                             .see = shuffle_rows,
                             .context = (void *)(uintptr_t)shuffle};
    return mmn_session_add_probe(session, &probe, error);
}
