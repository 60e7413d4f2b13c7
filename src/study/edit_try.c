/* What edits of a line do: to its own answer, to other pictures of the thing, and to everything
 * else, whose answers shall stay as they are. */
#include "study/edit_list.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "model/input.h"
#include "model/model.h"
#include "pass/distribution.h"
#include "pass/follow.h"

/* Something that edits are tried on. */
typedef struct trying {
    mmn_edit_list *list;
    mmn_edit_row *row;
    const mmn_edit_search *searches;
    const mmn_sample *sample; /* of the line */
    const mmn_input *input;   /* at hand, and... */
    size_t length;            /* ...its positions */
    mmn_session *plain;       /* without an edit; NULL: nobody asked */
    int32_t *ids;             /* [tokens]: an answer */
    size_t count;
    int32_t *behind; /* [tokens]: what an answer's tokens follow */
    int32_t *likely; /* [tokens]: the likeliest in their places, without an edit */
    size_t at;       /* the number of other pictures, or of everything else */
} trying;

/* ---- Answers --------------------------------------------------------------------------------- */

/* The answer to the input, without what an image's placeholder begins. */
static mmn_status answer(trying *work, mmn_session *session, mmn_error *error)
{
    size_t count;
    MMN_TRY(
        mmn_session_generate(session, (size_t)work->list->asked.tokens, work->ids, &count, error));
    work->count = 0;
    while (work->count < count && work->ids[work->count] != work->input->image_token)
        work->count++;
    return MMN_OK;
}

/* Whether the answer has a word; *text (NULL: nobody asks) is it, in the row's memory. */
static mmn_status has_word(uint64_t *has, char **text, const trying *work, const char *word,
                           mmn_error *error)
{
    const mmn_word_choice choice = {.only = &word, .only_count = 1};
    mmn_study *study = &work->list->study;
    mmn_spoken_words words;
    mmn_status status =
        mmn_spoken_words_of(&words, study->model, work->ids, work->count, &choice, error);
    *has = status == MMN_OK && words.count > 0;
    if (status == MMN_OK && text) {
        *text = mmn_study_keep_in_row(study, words.answer, error);
        words.answer = NULL;
        status = *text ? MMN_OK : MMN_SYSTEM;
    }
    mmn_spoken_words_free(&words);
    return status;
}

/* ln p of the answer's tokens, summed, in the session that has prefilled the input; *same: whether
 * in each place the likeliest token is that of `likely`, which (first) is filled. */
static mmn_status follow(double *sum, bool *same, const trying *work, mmn_session *session,
                         bool first, mmn_error *error)
{
    mmn_study *study = &work->list->study;
    const mmn_language_config *config = &study->model->config.language;
    const mmn_following following = {
        .first = work->length - 1, .ids = work->behind, .count = work->count};
    float *normed = NULL;
    *sum = 0;
    *same = true;
    MMN_TRY(mmn_sessions_follow(&session, 1, &following, 1, &normed, error));
    for (size_t i = 0; i < work->count; i++) {
        float *logits = mmn_study_logits(study, normed + i * config->hidden_size, 1);
        const size_t best = mmn_likeliest(logits, config->vocab_size);
        if (first)
            work->likely[i] = (int32_t)best;
        *same = *same && work->likely[i] == (int32_t)best;
        *sum += mmn_log_probability(study->compute.kernels, logits, config->vocab_size, best,
                                    (size_t)work->ids[i]);
    }
    mmn_free(normed);
    return MMN_OK;
}

/* ---- Sessions -------------------------------------------------------------------------------- */

/* What is done with the session of way number `way`, which has prefilled the input. */
typedef mmn_status (*trying_function)(trying *work, mmn_session *session, size_t way,
                                      mmn_error *error);

static mmn_status prefill(mmn_session **session, mmn_added *added, const trying *work, size_t way,
                          mmn_error *error)
{
    mmn_study *study = &work->list->study;
    const size_t tokens = (size_t)work->list->asked.tokens;
    const mmn_session_options options = {.size = sizeof(options), .max_new_tokens = tokens};
    MMN_TRY(mmn_session_create(session, study->model, &options, error));
    mmn_study_attend(study, *session);
    MMN_TRY(mmn_added_add(added, *session, &work->searches[way].additions, work->length + tokens,
                          error));
    return mmn_sessions_prefill(session, 1, work->plain, work->input, error);
}

/* All ways that found something. */
static mmn_status try_ways(trying *work, trying_function function, mmn_error *error)
{
    for (size_t way = 0; way < work->list->way_count; way++) {
        mmn_session *session = NULL;
        mmn_added added = {0};
        if (!work->row->found[way])
            continue;
        mmn_status status = prefill(&session, &added, work, way, error);
        if (status == MMN_OK)
            status = function(work, session, way, error);
        mmn_session_free(session);
        mmn_added_free(&added);
        MMN_TRY(status);
    }
    return MMN_OK;
}

/* ---- Three kinds of places ------------------------------------------------------------------- */

/* A trying_function, of the line itself. */
static mmn_status try_own(trying *work, mmn_session *session, size_t way, mmn_error *error)
{
    MMN_TRY(answer(work, session, error));
    return has_word(&work->row->replaced[way], &work->row->answers[way], work, work->sample->to,
                    error);
}

/* One of another picture. */
static mmn_status try_general(trying *work, mmn_session *session, size_t way, mmn_error *error)
{
    const size_t place = way * work->sample->general_count + work->at;
    MMN_TRY(answer(work, session, error));
    return has_word(&work->row->general_said[place], NULL, work, work->sample->to, error);
}

static mmn_status look_general(trying *work, mmn_error *error)
{
    uint64_t *has = &work->row->general_has[work->at];
    MMN_TRY(answer(work, work->plain, error));
    MMN_TRY(has_word(has, NULL, work, work->sample->from, error));
    return *has ? try_ways(work, try_general, error) : MMN_OK;
}

/* One of something else; in the row stands ln p first, and then by how much it falls. */
static mmn_status try_local(trying *work, mmn_session *session, size_t way, mmn_error *error)
{
    const size_t place = way * work->sample->local_count + work->at;
    double sum;
    bool same;
    MMN_TRY(follow(&sum, &same, work, session, false, error));
    work->row->local_same[place] = same;
    work->row->local_fall[place] = (work->row->local_fall[place] - sum) / (double)work->count;
    return MMN_OK;
}

static mmn_status look_local(trying *work, mmn_error *error)
{
    mmn_edit_row *row = work->row;
    double sum;
    bool same;
    MMN_TRY(answer(work, work->plain, error));
    row->local_tokens[work->at] = work->count;
    if (work->count == 0)
        return MMN_OK;
    work->behind[0] = work->input->ids[work->length - 1];
    memcpy(work->behind + 1, work->ids, (work->count - 1) * sizeof(*work->ids));
    MMN_TRY(mmn_session_prefill(work->plain, work->input, error));
    MMN_TRY(follow(&sum, &same, work, work->plain, true, error));
    for (size_t way = 0; way < work->list->way_count; way++)
        if (row->found[way])
            row->local_fall[way * work->sample->local_count + work->at] = sum;
    return try_ways(work, try_local, error);
}

/* ---- All of a line --------------------------------------------------------------------------- */

/* Asks something of the line, without an edit first, and looks at it by `look`. */
static mmn_status ask(trying *work, const mmn_list_asked *asked,
                      mmn_status (*look)(trying *work, mmn_error *error), mmn_error *error)
{
    mmn_study *study = &work->list->study;
    mmn_sample sample = *work->sample;
    mmn_input *input = NULL;
    sample.images = asked->images;
    sample.image_count = asked->image_count;
    sample.question = asked->question;
    sample.prompt = asked->prompt;
    mmn_status status = mmn_samples_ask(&input, &study->samples, &sample, error);
    work->input = input;
    work->length = input ? mmn_input_length(input) : 0;
    if (status == MMN_OK)
        status = mmn_session_create(&work->plain, study->model, NULL, error);
    if (status == MMN_OK) {
        mmn_study_attend(study, work->plain);
        status = mmn_session_prefill(work->plain, input, error);
    }
    if (status == MMN_OK)
        status = look(work, error);
    mmn_session_free(work->plain);
    mmn_input_free(input);
    work->plain = NULL;
    return status;
}

static mmn_status ask_all(trying *work, const mmn_list_asked *asked, size_t count,
                          mmn_status (*look)(trying *work, mmn_error *error), double begun,
                          mmn_error *error)
{
    for (work->at = 0; work->at < count; work->at++) {
        MMN_TRY(ask(work, &asked[work->at], look, error));
        work->list->study.progress.begun += begun;
        MMN_TRY(mmn_study_advance(&work->list->study, 0, error));
    }
    return MMN_OK;
}

mmn_status mmn_edit_try(mmn_edit_list *list, mmn_edit_row *row, const mmn_edit_search *searches,
                        const mmn_planned_sample *planned, const mmn_input *input, double begun,
                        mmn_error *error)
{
    mmn_study *study = &list->study;
    const mmn_sample *sample = &planned->sample;
    const size_t tokens = (size_t)list->asked.tokens;
    int32_t *ids = mmn_study_allocate_in_row(study, 3 * tokens, sizeof(*ids), error);
    MMN_NEED(ids);
    trying work = {.list = list,
                   .row = row,
                   .searches = searches,
                   .sample = sample,
                   .input = input,
                   .length = mmn_input_length(input),
                   .ids = ids,
                   .behind = ids + tokens,
                   .likely = ids + 2 * tokens};
    MMN_TRY(try_ways(&work, try_own, error));
    MMN_TRY(ask_all(&work, sample->general, sample->general_count, look_general, begun, error));
    return ask_all(&work, sample->local, sample->local_count, look_local, begun, error);
}
