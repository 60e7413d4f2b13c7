/* Likelihoods: ln p of a sample's right answers behind its prompt, teacher-forced. */
#include "study/likelihood.h"

#include <math.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/memory.h"
#include "base/threads.h"
#include "model/input.h"
#include "model/instruction.h"
#include "model/model.h"
#include "pass/distribution.h"
#include "pass/follow.h"
#include "pass/positions.h"
#include "study/accuracy.h"

/* ---- References ------------------------------------------------------------------------------ */

static const char blank[] = " \t\r\n";

void mmn_references_free(mmn_references *references)
{
    for (size_t i = 0; i < references->count; i++) {
        mmn_free(references->list[i].text);
        mmn_free(references->list[i].tokens);
    }
    mmn_free(references->list);
    *references = (mmn_references){0};
}

/* Whether prompt and reference together are more positions than the model takes. */
static mmn_status check_length(const mmn_samples *samples, const mmn_reference *reference,
                               mmn_error *error)
{
    const uint32_t made_for = samples->model->config.language.max_position_embeddings;
    const size_t length = reference->first + reference->count;
    const size_t most = samples->allow_long_prompts ? MMN_MAXIMUM_POSITIONS : made_for;
    if (length <= most)
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, NULL, NULL,
                    "the prompt and the answer \"%.60s\" take %zu positions; at most %zu %s",
                    reference->text, length, most,
                    samples->allow_long_prompts
                        ? "are supported"
                        : "are what the model was made for (--allow-long-prompts runs more)");
}

/* Whose they are. */
typedef struct source {
    const mmn_samples *samples;
    const mmn_sample *sample;
    const mmn_input *input;
    mmn_question_prompt prompt;
} source;

/* Adds the text without white space at its ends, unless it is there already. */
static mmn_status add(mmn_references *references, const source *from, const char *text,
                      mmn_error *error)
{
    const mmn_samples *samples = from->samples;
    mmn_continuation behind;
    text += strspn(text, blank);
    size_t length = strlen(text);
    while (length > 0 && strchr(blank, text[length - 1]))
        length--;
    for (size_t i = 0; i < references->count; i++)
        if (strlen(references->list[i].text) == length &&
            memcmp(references->list[i].text, text, length) == 0)
            return MMN_OK;
    MMN_TRY(MMN_RESERVE(references->list, references->capacity, references->count + 1, error));
    mmn_reference *reference = &references->list[references->count];
    *reference = (mmn_reference){.text = mmn_copy_bytes(text, length, error)};
    MMN_NEED(reference->text);
    references->count++;
    MMN_TRY(mmn_prompt_continue(&behind, samples->model, &from->prompt, from->sample->image_count,
                                reference->text, error));
    reference->count = behind.count;
    reference->first = references->prompt - behind.replaced;
    reference->tokens = mmn_allocate(behind.count + 1, sizeof(*behind.ids), error);
    if (reference->tokens) {
        reference->tokens[0] = from->input->ids[reference->first - 1];
        memcpy(reference->tokens + 1, behind.ids, behind.count * sizeof(*behind.ids));
    }
    mmn_free(behind.ids);
    MMN_NEED(reference->tokens);
    return check_length(samples, reference, error);
}

static mmn_status add_all(mmn_references *references, const source *from, mmn_error *error)
{
    const mmn_sample *sample = from->sample;
    if (sample->metric == MMN_METRIC_CHOICE) {
        size_t option;
        MMN_TRY(mmn_right_option(&option, sample, error));
        const char letter[] = {(char)('A' + option), '\0'};
        MMN_TRY(add(references, from, sample->choices[option], error));
        return add(references, from, letter, error);
    }
    for (size_t i = 0; i < sample->answer_count; i++)
        MMN_TRY(add(references, from, sample->answers[i], error));
    return MMN_OK;
}

/* Where the rows of a reference begin that run behind the prompt. The row before its first token is
 * the prompt's last one as a rule, which has run. */
static size_t first_row(const mmn_references *references, const mmn_reference *reference)
{
    return reference->first == references->prompt ? reference->first : reference->first - 1;
}

static size_t rows_behind(const mmn_references *references, const mmn_reference *reference)
{
    return reference->first + reference->count - 1 - first_row(references, reference);
}

/* Finds the longest reference, and whether every other one's rows are among its own. Where
 * frequencies depend on the length of a sequence, rows run behind the prompt as an answer's do. */
static void find_longest(mmn_references *references, const mmn_model *model)
{
    const mmn_reference *list = references->list;
    for (size_t i = 1; i < references->count; i++)
        if (list[i].count > list[references->longest].count)
            references->longest = i;
    const mmn_reference *longest = &list[references->longest];
    references->together = longest->first + longest->count - 1 <=
                           mmn_rotary_constant_length(&model->config.language);
    for (size_t i = 0; i < references->count; i++)
        references->together =
            references->together && list[i].first == longest->first &&
            memcmp(list[i].tokens, longest->tokens, list[i].count * sizeof(*list[i].tokens)) == 0;
}

mmn_status mmn_references_make(mmn_references *references, const mmn_samples *samples,
                               const mmn_sample *sample, const mmn_input *input, mmn_error *error)
{
    source from = {.samples = samples, .sample = sample, .input = input};
    *references = (mmn_references){.prompt = input->length};
    mmn_status status = mmn_samples_prompt(&from.prompt, samples, sample, error);
    if (status == MMN_OK)
        status = add_all(references, &from, error);
    mmn_free(from.prompt.text);
    if (status == MMN_OK)
        find_longest(references, samples->model);
    else
        mmn_references_free(references);
    return status;
}

/* ---- Scores ---------------------------------------------------------------------------------- */

double mmn_likelihood_per_token(const mmn_likelihood *likelihood)
{
    return likelihood->sum / (double)likelihood->tokens;
}

/* References whose rows run together: those from number `first` on. */
typedef struct group {
    const mmn_references *references;
    size_t first, count;
    size_t tokens; /* of all */
    size_t behind; /* rows of all, behind the prompt */
} group;

/* One reference more at least, and as many as have MMN_STUDY_ROWS tokens together. */
static group group_from(const mmn_references *references, size_t first)
{
    group found = {.references = references, .first = first};
    for (size_t i = first; i < references->count; i++) {
        const mmn_reference *reference = &references->list[i];
        if (found.count > 0 && found.tokens + reference->count > MMN_STUDY_ROWS)
            break;
        found.count++;
        found.tokens += reference->count;
        found.behind += rows_behind(references, reference);
    }
    return found;
}

size_t mmn_references_rows(const mmn_references *references)
{
    size_t most = 1;
    for (size_t first = 0; first < references->count;) {
        const group found = group_from(references, first);
        most = found.behind > most ? found.behind : most;
        first += found.count;
    }
    return most;
}

/* At work: the final norms before each token of a group's references, in every session. */
typedef struct scoring {
    mmn_study *study;
    group group;
    size_t sessions, width;
    float *normed;      /* [sessions][tokens][width] */
    double *logarithms; /* [sessions][tokens] */
    int32_t *targets;   /* [tokens] */
} scoring;

static mmn_status make_room(scoring *s, mmn_error *error)
{
    const group *g = &s->group;
    s->width = s->study->model->config.language.hidden_size;
    MMN_NEED(s->normed = mmn_allocate(s->sessions * g->tokens, s->width * sizeof(float), error));
    MMN_NEED(s->logarithms = mmn_allocate(s->sessions * g->tokens, sizeof(double), error));
    MMN_NEED(s->targets = mmn_allocate(g->tokens, sizeof(*s->targets), error));
    for (size_t i = 0, at = 0; i < g->count; i++) {
        const mmn_reference *reference = &g->references->list[g->first + i];
        memcpy(s->targets + at, reference->tokens + 1, reference->count * sizeof(*s->targets));
        at += reference->count;
    }
    return MMN_OK;
}

static void free_room(scoring *s)
{
    mmn_free(s->normed);
    mmn_free(s->logarithms);
    mmn_free(s->targets);
}

/* ln p of the token behind each row. */
static mmn_status make_logarithms(scoring *s, mmn_error *error)
{
    mmn_study *study = s->study;
    const mmn_compute *compute = &study->compute;
    const size_t all = s->sessions * s->group.tokens;
    const size_t vocabulary = study->model->config.language.vocab_size;
    for (size_t first = 0; first < all; first += MMN_STUDY_ROWS) {
        const size_t rows = all - first < MMN_STUDY_ROWS ? all - first : MMN_STUDY_ROWS;
        float *logits = mmn_study_logits(study, s->normed + first * s->width, rows);
        MMN_TRY(mmn_interrupt_check_now(&study->model->interrupt, error));
        MMN_PARALLEL_FOR(compute->threads, static)
        for (size_t row = 0; row < rows; row++) {
            float *own = logits + row * vocabulary;
            s->logarithms[first + row] = mmn_log_probability(
                compute->kernels, own, vocabulary, mmn_likeliest(own, vocabulary),
                (size_t)s->targets[(first + row) % s->group.tokens]);
        }
        for (size_t row = first; row < first + rows; row++)
            if (!isfinite(s->logarithms[row]) && !compute->watch->allow)
                return mmn_fail(error, MMN_INPUT, NULL, NULL, "a logit is not a finite number");
    }
    return MMN_OK;
}

/* Whether it is better than what was found before; NaN only where there is nothing else. */
static bool is_better(const mmn_likelihood *likelihood, const mmn_likelihood *found)
{
    const double mean = mmn_likelihood_per_token(likelihood),
                 other = mmn_likelihood_per_token(found);
    return found->tokens == 0 || mean > other || (isnan(other) && !isnan(mean));
}

/* Sums up each reference in each session, and keeps the best: found [sessions]. */
static mmn_status choose(mmn_likelihood *found, scoring *s, mmn_error *error)
{
    const group *g = &s->group;
    MMN_TRY(make_logarithms(s, error));
    const double *next = s->logarithms;
    for (size_t session = 0; session < s->sessions; session++)
        for (size_t i = 0; i < g->count; i++) {
            const size_t reference = g->first + i;
            mmn_likelihood own = {.tokens = g->references->list[reference].count,
                                  .reference = reference};
            for (size_t token = 0; token < own.tokens; token++)
                own.sum += *next++;
            if (is_better(&own, &found[session]))
                found[session] = own;
        }
    return MMN_OK;
}

/* ---- Behind the prompt ----------------------------------------------------------------------- */

/* Takes the rows before the tokens of the group's references: the last of the prompt, which a
 * session has, and those that ran behind it. */
static void take_rows(scoring *s, mmn_session *const *sessions, const float *ran)
{
    const group *g = &s->group;
    float *to = s->normed;
    for (size_t session = 0; session < s->sessions; session++)
        for (size_t i = 0; i < g->count; i++) {
            const mmn_reference *reference = &g->references->list[g->first + i];
            const size_t rows = rows_behind(g->references, reference);
            if (rows < reference->count) {
                memcpy(to, sessions[session]->ending.last, s->width * sizeof(*to));
                to += s->width;
            }
            memcpy(to, ran, rows * s->width * sizeof(*to));
            to += rows * s->width;
            ran += rows * s->width;
        }
}

/* A norms_function, of the rows that run behind the prompt in each session. */
static mmn_status run_group(scoring *s, const void *given, mmn_error *error)
{
    mmn_session *const *sessions = given;
    const group *g = &s->group;
    float *ran = NULL;
    size_t count = 0;
    mmn_following *list = mmn_allocate(g->count, sizeof(*list), error);
    MMN_NEED(list);
    for (size_t i = 0; i < g->count; i++) {
        const mmn_reference *reference = &g->references->list[g->first + i];
        const size_t first = first_row(g->references, reference);
        const size_t rows = rows_behind(g->references, reference);
        if (rows > 0)
            list[count++] =
                (mmn_following){first, reference->tokens + (first + 1 - reference->first), rows};
    }
    mmn_status status = mmn_sessions_follow(sessions, s->sessions, list, count, &ran, error);
    if (status == MMN_OK)
        take_rows(s, sessions, ran);
    mmn_free(ran);
    mmn_free(list);
    return status;
}

/* Fills the final norms of a group, from what is given. */
typedef mmn_status (*norms_function)(scoring *s, const void *given, mmn_error *error);

/* The likelihoods of all references, a group at a time. */
static mmn_status score_all(mmn_likelihood *found, mmn_study *study, size_t sessions,
                            const mmn_references *references, norms_function make_norms,
                            const void *given, mmn_error *error)
{
    memset(found, 0, sessions * sizeof(*found));
    for (size_t first = 0; first < references->count;) {
        scoring s = {.study = study, .group = group_from(references, first), .sessions = sessions};
        mmn_status status = make_room(&s, error);
        if (status == MMN_OK)
            status = make_norms(&s, given, error);
        if (status == MMN_OK)
            status = choose(found, &s, error);
        free_room(&s);
        MMN_TRY(status);
        first += s.group.count;
    }
    return MMN_OK;
}

mmn_status mmn_likelihoods_behind(mmn_likelihood *found, mmn_study *study,
                                  mmn_session *const *sessions, size_t count,
                                  const mmn_references *references, mmn_error *error)
{
    return score_all(found, study, count, references, run_group, sessions, error);
}

/* ---- In the prefill itself ------------------------------------------------------------------- */

mmn_status mmn_references_input(mmn_input **made, const mmn_references *references,
                                const mmn_input *input, mmn_error *error)
{
    const mmn_reference *longest = &references->list[references->longest];
    return mmn_input_extend(made, input, longest->first, longest->tokens + 1, longest->count - 1,
                            error);
}

/* An mmn_see_function, of the final norm. */
static mmn_status see_normed(void *context, const mmn_stage *stage, mmn_error *error)
{
    const mmn_reference_rows *rows = context;
    const mmn_reference *longest = &rows->references->list[rows->references->longest];
    const size_t width = stage->shape[1];
    const float *from = stage->data;
    (void)error;
    for (size_t i = 0; i < stage->shape[0]; i++) {
        const size_t position = stage->first_position + i;
        if (position + 1 >= longest->first)
            memcpy(rows->normed + (position + 1 - longest->first) * width, from + i * width,
                   width * sizeof(*from));
    }
    return MMN_OK;
}

mmn_probe mmn_reference_rows_probe(mmn_reference_rows *rows)
{
    return (mmn_probe){.stages = "language.norm", .see = see_normed, .context = rows};
}

/* A norms_function, of the rows that probes have kept of each session. */
static mmn_status copy_rows(scoring *s, const void *given, mmn_error *error)
{
    const mmn_reference_rows *const *rows = given;
    const group *g = &s->group;
    float *to = s->normed;
    (void)error;
    for (size_t i = 0; i < s->sessions * g->count; i++) {
        const size_t size = g->references->list[g->first + i % g->count].count * s->width;
        memcpy(to, rows[i / g->count]->normed, size * sizeof(*to));
        to += size;
    }
    return MMN_OK;
}

mmn_status mmn_likelihoods_within(mmn_likelihood *found, mmn_study *study,
                                  const mmn_reference_rows *const *rows, size_t count,
                                  const mmn_references *references, mmn_error *error)
{
    return score_all(found, study, count, references, copy_rows, rows, error);
}
