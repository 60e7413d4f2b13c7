/* The direct way of editing: neurons push along the difference of two words' rows of the head, as
 * strongly as it takes. */
#include "study/edit.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "pass/distribution.h"
#include "pass/language.h"
#include "pass/session.h"

/* Strengths are FIRST times powers of two up to MOST; between the last that fails and the first
 * that will do, STEPS halves of the interval. */
static const double FIRST = 0.0625, MOST = 65536;
enum { STEPS = 10 };

/* The session of a search. */
typedef struct trying {
    mmn_edit_search *search;
    mmn_session *session;
    mmn_added added;
    double wanted;     /* ln of the probability */
    double *direction; /* [width] */
    double inputs;     /* the sum of their squares */
    float *normed;     /* [width]: the final norm where the word is said */
} trying;

/* ---- Probes ---------------------------------------------------------------------------------- */

/* The row of the position that emits the word. */
static mmn_status row_of(const float **row, const mmn_edit_search *search, const mmn_stage *stage,
                         mmn_error *error)
{
    if (search->position < stage->first_position ||
        search->position >= stage->first_position + stage->shape[0])
        return mmn_fail(error, MMN_USAGE, NULL, stage->name, "does not show the word");
    *row =
        (const float *)stage->data + (search->position - stage->first_position) * stage->shape[1];
    return MMN_OK;
}

static mmn_status keep_normed(void *context, const mmn_stage *stage, mmn_error *error)
{
    const trying *work = context;
    const float *row = NULL;
    MMN_TRY(row_of(&row, work->search, stage, error));
    memcpy(work->normed, row, stage->shape[1] * sizeof(*row));
    return MMN_OK;
}

/* What the neurons give to their matrices in the first pass, in which nothing is added yet. */
static mmn_status keep_inputs(void *context, const mmn_stage *stage, mmn_error *error)
{
    const mmn_edit_search *search = ((const trying *)context)->search;
    const size_t *first = search->additions.first + stage->layer;
    const float *row = NULL;
    MMN_TRY(row_of(&row, search, stage, error));
    for (size_t i = first[0]; i < first[1] && search->passes == 0; i++)
        search->inputs[i] = row[search->additions.neurons[i]];
    return MMN_OK;
}

/* ---- Passes ---------------------------------------------------------------------------------- */

mmn_status mmn_edit_read_odds(mmn_edit_odds *odds, const mmn_edit_search *search, float *logits,
                              mmn_error *error)
{
    const mmn_study *study = search->study;
    const size_t vocabulary = study->model->config.language.vocab_size;
    const size_t best = mmn_likeliest(logits, vocabulary);
    const double greatest = (double)logits[best];
    const double from = (double)logits[search->from] - greatest;
    const double to = (double)logits[search->to] - greatest;
    const double rest = mmn_log_probability(study->compute.kernels, logits, vocabulary, best, best);
    *odds = (mmn_edit_odds){.from = from + rest, .to = to + rest, .likeliest = (int32_t)best};
    return isfinite(odds->from) && isfinite(odds->to)
               ? MMN_OK
               : mmn_fail(error, MMN_INPUT, NULL, NULL, "a logit is not finite");
}

/* Each neuron's share of the push is as its part of what they give is: together they add `strength`
 * times the direction to the residual stream where the word is said. */
static void set_rows(const trying *work, double strength)
{
    const mmn_edit_search *search = work->search;
    const size_t width = search->additions.width;
    for (size_t i = 0; i < search->count; i++) {
        const double factor = strength * search->inputs[i] / work->inputs;
        for (size_t c = 0; c < width; c++)
            search->additions.rows[i * width + c] = (double)(float)(factor * work->direction[c]);
    }
}

/* Runs the model with what is added; *does: whether it will do. */
static mmn_status try_rows(trying *work, mmn_edit_odds *odds, bool *does, mmn_error *error)
{
    mmn_edit_search *search = work->search;
    MMN_TRY(mmn_session_prefill(work->session, search->input, error));
    search->passes++;
    MMN_TRY(
        mmn_edit_read_odds(odds, search, mmn_study_logits(search->study, work->normed, 1), error));
    *does = odds->likeliest == search->to && odds->to >= work->wanted;
    return mmn_study_advance(search->study, 0, error);
}

static mmn_status try_strength(trying *work, double strength, bool *does, mmn_error *error)
{
    mmn_edit_odds odds;
    set_rows(work, strength);
    MMN_TRY(try_rows(work, &odds, does, error));
    if (*does) {
        work->search->strength = strength;
        work->search->after = odds;
    }
    return MMN_OK;
}

/* ---- The search ------------------------------------------------------------------------------ */

static mmn_status start(trying *work, mmn_error *error)
{
    mmn_edit_search *search = work->search;
    const mmn_model *model = search->study->model;
    const mmn_language_config *config = &model->config.language;
    const size_t width = config->hidden_size;
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    const mmn_probe inputs = {
        .stages = mmn_added_input(config), .see = keep_inputs, .context = work};
    const mmn_probe normed = {.stages = "language.norm", .see = keep_normed, .context = work};
    MMN_TRY(
        mmn_contributors_place(&search->additions, search->neurons, search->count, model, error));
    search->inputs = mmn_allocate(search->count, sizeof(*search->inputs), error);
    work->direction = mmn_allocate(width, sizeof(*work->direction), error);
    work->normed = mmn_allocate(width, sizeof(*work->normed), error);
    MMN_NEED(search->inputs && work->direction && work->normed);
    MMN_TRY(mmn_session_create(&work->session, model, &options, error));
    mmn_study_attend(search->study, work->session);
    MMN_TRY(mmn_session_add_probe(work->session, &inputs, error));
    MMN_TRY(mmn_added_add(&work->added, work->session, &search->additions,
                          mmn_input_length(search->input), error));
    return mmn_session_add_probe(work->session, &normed, error);
}

/* The difference of the words' rows of the head. */
static mmn_status find_direction(const trying *work, mmn_error *error)
{
    const mmn_edit_search *search = work->search;
    const mmn_model *model = search->study->model;
    const size_t width = search->additions.width;
    const int32_t ids[] = {search->from, search->to};
    float *rows = mmn_allocate(2, width * sizeof(*rows), error);
    MMN_NEED(rows);
    mmn_widen_rows(&model->compute, rows, &model->weights->language.head, ids, 2);
    for (size_t c = 0; c < width; c++)
        work->direction[c] = (double)rows[width + c] - (double)rows[c];
    mmn_free(rows);
    return MMN_OK;
}

static mmn_status bisect(trying *work, double fails, mmn_error *error)
{
    for (int i = 0; i < STEPS; i++) {
        const double between = (fails + work->search->strength) / 2;
        bool does;
        MMN_TRY(try_strength(work, between, &does, error));
        if (!does)
            fails = between;
    }
    return MMN_OK;
}

static mmn_status find(trying *work, mmn_error *error)
{
    mmn_edit_search *search = work->search;
    bool does;
    MMN_TRY(start(work, error));
    MMN_TRY(find_direction(work, error));
    search->study->compute.kernels->log_f64(&work->wanted, &search->probability, 1);
    MMN_TRY(try_rows(work, &search->before, &does, error));
    search->after = search->before;
    for (size_t i = 0; i < search->count; i++)
        work->inputs += search->inputs[i] * search->inputs[i];
    does = false;
    for (double strength = FIRST; work->inputs > 0 && strength <= MOST && !does; strength *= 2)
        MMN_TRY(try_strength(work, strength, &does, error));
    if (does)
        MMN_TRY(bisect(work, search->strength == FIRST ? 0 : search->strength / 2, error));
    search->found = does;
    if (work->inputs > 0)
        set_rows(work, search->strength);
    return MMN_OK;
}

mmn_status mmn_edit_find(mmn_edit_search *search, mmn_error *error)
{
    trying work = {.search = search};
    const mmn_status status = find(&work, error);
    mmn_session_free(work.session);
    mmn_added_free(&work.added);
    mmn_free(work.direction);
    mmn_free(work.normed);
    return status;
}

void mmn_edit_search_free(mmn_edit_search *search)
{
    mmn_additions_free(&search->additions);
    mmn_free(search->inputs);
    search->inputs = NULL;
}

/* ---- Words ----------------------------------------------------------------------------------- */

static mmn_status has_space(bool *has, const mmn_model *model, int32_t id, mmn_error *error)
{
    char *word;
    MMN_TRY(mmn_lens_word(&word, model, id, error));
    *has = word[0] == ' ';
    mmn_free(word);
    return MMN_OK;
}

mmn_status mmn_edit_token(int32_t *id, const mmn_model *model, const char *word, int32_t like,
                          mmn_error *error)
{
    bool wanted, has;
    mmn_text text = {0};
    MMN_TRY(has_space(&wanted, model, like, error));
    MMN_TRY(mmn_word_token(id, model, word, false, error));
    MMN_TRY(has_space(&has, model, *id, error));
    if (wanted && !has) {
        mmn_text_add(&text, " %s", word);
        mmn_status status = mmn_text_status(&text, error);
        if (status == MMN_OK)
            status = mmn_word_token(id, model, text.text, false, error);
        mmn_text_free(&text);
        MMN_TRY(status);
    }
    if (*id == like)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "\"%.100s\" begins with the token of the word that it shall replace", word);
    return MMN_OK;
}
