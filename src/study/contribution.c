/* Multi-modal neurons: an answer, the neurons that add most to its words, and what becomes of the
 * words without them. */
#include "study/contribution.h"

#include <string.h>

#include "base/given.h"
#include "base/memory.h"
#include "model/input.h"
#include "model/model.h"
#include "study/answer_words.h"
#include "study/contribution_disturb.h"
#include "study/contribution_scores.h"
#include "study/run_result.h"

enum {
    TOKENS = 32,
    MOST_TOKENS = 4096,
    TOP = 10,
    MOST_TOP = 10000,
    NAMES = 5,
    MOST_NAMES = 1000,
    MOST_SEEDS = 1000
};

static const double NOISE = 0.5;

typedef struct contribution_run {
    mmn_contributions *result;
    mmn_session *session;
    mmn_input *input;   /* the prompt */
    mmn_input extended; /* and the answer but for its last token; shares all but its ids */
} contribution_run;

static void free_word(const mmn_contributions *result, mmn_answer_word *word)
{
    for (size_t i = 0; word->neurons && i < result->top; i++) {
        mmn_free(word->neurons[i].map);
        mmn_free(word->neurons[i].names);
    }
    mmn_free(word->neurons);
    mmn_free(word->disturbances);
    mmn_free(word->text);
}

/* ---- Setting up ------------------------------------------------------------------------------ */

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
    return value > 0 ? value : otherwise;
}

static mmn_status set_up(mmn_contributions *result, const mmn_model *model,
                         const mmn_contribution_options *options, mmn_error *error)
{
    const mmn_language_config *config = &model->config.language;
    size_t all = config->layers * (size_t)config->intermediate_size;

    if (!options->prompt == !options->question)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "there must be either a prompt or a question");
    if (options->tokens > MOST_TOKENS || options->top > MOST_TOP || options->names > MOST_NAMES ||
        options->seeds > MOST_SEEDS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "there can be %d tokens, %d neurons of a word, %d names and %d seeds at "
                        "most", MOST_TOKENS, MOST_TOP, MOST_NAMES, MOST_SEEDS);
    if (!(options->noise >= 0 && options->noise <= 1e6))
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "the noise must be 0 to 1000000");
    result->options = options;
    result->study = (mmn_study){
        .model = model,
        .plan = {.seeds = options->seeds, .first_seed = options->first_seed},
        .allowed = {.long_prompts = options->allow_long_prompts != 0},
        .progress = {.label = "contributions", .unit = "passes", .total = 2},
        .show = options->progress,
        .show_context = options->progress_context};
    result->tokens = or_default(options->tokens, TOKENS);
    result->top = (size_t)or_default(options->top, TOP);
    result->names = (size_t)or_default(options->names, NAMES);
    result->top = result->top < all ? result->top : all;
    result->names = result->names < config->vocab_size ? result->names : config->vocab_size;
    result->noise = options->noise > 0 ? options->noise : NOISE;
    result->prompt = options->prompt ? mmn_copy_text(options->prompt, error) : NULL;
    return options->prompt && !result->prompt ? MMN_SYSTEM : MMN_OK;
}

/* ---- The answer ------------------------------------------------------------------------------ */

static mmn_status answer(contribution_run *run, mmn_error *error)
{
    mmn_contributions *result = run->result;
    const mmn_contribution_options *options = result->options;
    size_t limit = (size_t)result->tokens, count = 0;
    mmn_status status =
        options->question
            ? mmn_input_from_question(&run->input, result->study.model, options->template_name,
                                      options->question, options->images, options->image_count,
                                      &result->prompt, error)
            : mmn_input_from_prompt(&run->input, result->study.model, result->prompt,
                                    options->images, options->image_count, error);
    if (status == MMN_OK && !result->study.allowed.long_prompts)
        status = mmn_input_fits(run->input, result->study.model, error);
    if (status == MMN_OK)
        status = mmn_session_create(&run->session, result->study.model, NULL, error);
    if (status == MMN_OK && !(result->ids = mmn_allocate(limit, sizeof(*result->ids), error)))
        status = MMN_SYSTEM;
    if (status == MMN_OK)
        status = mmn_session_prefill(run->session, run->input, error);
    if (status == MMN_OK)
        status = mmn_session_generate(run->session, limit, result->ids, &count, error);
    if (status != MMN_OK)
        return status;
    result->length = mmn_input_length(run->input);
    result->grid = mmn_patch_grid_of(result->study.model, run->input);
    /* An image's placeholder stands for features that an answer has none of. */
    while (result->id_count < count && result->ids[result->id_count] != run->input->image_token)
        result->id_count++;
    return MMN_OK;
}

static mmn_status find_words(contribution_run *run, mmn_error *error)
{
    mmn_contributions *result = run->result;
    const mmn_contribution_options *options = result->options;
    mmn_spoken_words words;
    mmn_status status =
        mmn_spoken_words_of(&words, result->study.model, result->ids, result->id_count,
                            options->word, options->all_words != 0, error);
    if (status == MMN_OK && words.count == 0 && options->word)
        status = mmn_fail(error, MMN_USAGE, NULL, NULL,
                          "the answer \"%.200s\" has no word \"%.100s\"", words.answer,
                          options->word);
    else if (status == MMN_OK && words.count == 0)
        status = mmn_fail(error, MMN_USAGE, NULL, NULL, "the answer \"%.200s\" has no %sword",
                          words.answer, options->all_words ? "" : "content ");
    if (status == MMN_OK &&
        !(result->words = mmn_allocate(words.count, sizeof(*result->words), error)))
        status = MMN_SYSTEM;
    for (size_t w = 0; w < words.count && status == MMN_OK; w++) {
        mmn_spoken_word *word = &words.list[w];
        result->words[result->word_count++] =
            (mmn_answer_word){.text = word->text,
                              .token = word->token,
                              .id = result->ids[word->token],
                              .position = result->length - 1 + word->token};
        word->text = NULL;
    }
    if (status == MMN_OK) {
        result->answer = words.answer;
        words.answer = NULL;
    }
    mmn_spoken_words_free(&words);
    return status;
}

/* The prompt and the answer, so far as tokens are chosen by it. */
static mmn_status extend(contribution_run *run, mmn_error *error)
{
    const mmn_contributions *result = run->result;
    size_t added = result->id_count - 1;

    run->extended = *run->input;
    run->extended.length = result->length + added;
    run->extended.ids = mmn_allocate(run->extended.length, sizeof(*run->extended.ids), error);
    if (!run->extended.ids)
        return MMN_SYSTEM;
    memcpy(run->extended.ids, run->input->ids, result->length * sizeof(*run->extended.ids));
    memcpy(run->extended.ids + result->length, result->ids, added * sizeof(*result->ids));
    return MMN_OK;
}

/* ---- Running --------------------------------------------------------------------------------- */

static mmn_status find(contribution_run *run, mmn_error *error)
{
    mmn_contributions *result = run->result;
    mmn_study *study = &result->study;
    mmn_status status = mmn_study_advance(study, 0, error);
    if (status == MMN_OK)
        status = answer(run, error);
    if (status == MMN_OK)
        status = find_words(run, error);
    if (status == MMN_OK)
        status = extend(run, error);
    study->progress.total += result->word_count * mmn_contribution_passes(result);
    if (status == MMN_OK)
        status = mmn_study_advance(study, 1, error);
    if (status == MMN_OK)
        status = mmn_contribution_scores(result, run->session, &run->extended, error);
    if (status == MMN_OK)
        status = mmn_contribution_names(result, error);
    if (status == MMN_OK)
        status = mmn_study_advance(study, 1, error);
    if (status == MMN_OK)
        status = mmn_contribution_disturb(result, run->session, &run->extended, error);
    return status;
}

/* Without a list, everything is done here. */
static mmn_status begin(void *context, mmn_error *error)
{
    contribution_run run = {.result = context};
    mmn_status status = find(&run, error);
    mmn_session_free(run.session);
    mmn_input_free(run.input);
    mmn_free(run.extended.ids);
    return status;
}

static void end(void *context)
{
    mmn_contributions *result = context;
    for (size_t w = 0; w < result->word_count; w++)
        free_word(result, &result->words[w]);
    mmn_free(result->words);
    mmn_free(result->ids);
    mmn_free(result->prompt);
    mmn_free(result->answer);
}

const mmn_study_kind mmn_contributions_kind = {
    .begin = begin, .end = end, .form = &mmn_contributions_form, .fill = mmn_contributions_fill};

mmn_status mmn_contributions_find(mmn_contributions *contributions, const mmn_model *model,
                                  const mmn_contribution_options *options, mmn_error *error)
{
    mmn_status status = set_up(contributions, model, options, error);
    return status == MMN_OK ? mmn_study_find(&mmn_contributions_kind, contributions, error)
                            : status;
}

mmn_status mmn_contributions_run(mmn_result **result, const mmn_model *model,
                                 const mmn_contribution_options *options, mmn_error *error)
{
    mmn_contributions kept = {0};
    if (result)
        *result = NULL;
    if (MMN_MISSING(error, result, model, options) ||
        mmn_text_is_missing(error, "image", options->image_count, options->images))
        return MMN_USAGE;
    const mmn_status status = mmn_contributions_find(&kept, model, options, error);
    return mmn_study_result(result, &mmn_contributions_kind, &kept, status, error);
}
