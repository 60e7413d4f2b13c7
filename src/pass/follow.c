/* Following: given tokens behind a prompt, whose rows nobody keeps. */
#include "pass/follow.h"

#include "base/memory.h"

/* A batch at work: a sequence for each of the list in each session. */
typedef struct following {
    const mmn_following *list;
    size_t list_count;
    mmn_batch batch;
    mmn_span *spans; /* [sequences]: what stands behind the sessions' */
} following;

static mmn_status check(const mmn_session *session, mmn_error *error)
{
    return session->prefilled && !session->prompt_only
               ? MMN_OK
               : mmn_fail(error, MMN_USAGE, NULL, NULL,
                          "nothing has been prefilled whose keys and values are kept");
}

/* The rows of one of the list in a session, whose keys and values before `first` it shares. */
static void add(following *f, mmn_session *session, const mmn_following *one, size_t row)
{
    mmn_batch *batch = &f->batch;
    mmn_span *span = &f->spans[batch->count];
    *span = (mmn_span){.beginning = &session->language, .shared = one->first};
    batch->list[batch->count++] = (mmn_sequence){.probes = &session->probes,
                                                 .input = session->input,
                                                 .span = span,
                                                 .first_row = row,
                                                 .rows = one->count};
    mmn_language_embed(batch->compute, batch->model,
                       batch->hidden + row * batch->model->config.language.hidden_size, one->ids,
                       one->count);
}

static mmn_status run(following *f, mmn_session *const *sessions, size_t count, mmn_error *error)
{
    mmn_batch *batch = &f->batch;
    size_t row = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < f->list_count; k++) {
            add(f, sessions[i], &f->list[k], row);
            row += f->list[k].count;
        }
    for (size_t i = 0; i < count; i++)
        sessions[i]->probes.generating = true;
    const mmn_status status = mmn_language_run(batch, error);
    for (size_t i = 0; i < count; i++)
        sessions[i]->probes.generating = false;
    return status;
}

mmn_status mmn_sessions_follow(mmn_session *const *sessions, size_t count,
                               const mmn_following *list, size_t list_count, float **normed,
                               mmn_error *error)
{
    const mmn_model *model = sessions[0]->model;
    const size_t width = model->config.language.hidden_size, sequences = count * list_count;
    size_t rows = 0;
    following f = {.list = list,
                   .list_count = list_count,
                   .batch = {.model = model,
                             .compute = &sessions[0]->compute,
                             .memory = &sessions[0]->memory,
                             .all_rows = true}};
    *normed = NULL;
    for (size_t i = 0; i < count; i++)
        MMN_TRY(check(sessions[i], error));
    for (size_t k = 0; k < list_count; k++)
        rows += list[k].count;
    mmn_status status = MMN_SYSTEM;
    if ((f.spans = mmn_allocate(sequences, sizeof(*f.spans), error)) &&
        (f.batch.list = mmn_allocate(sequences, sizeof(*f.batch.list), error)) &&
        (f.batch.hidden = mmn_allocate(count * rows, width * sizeof(float), error)))
        status = rows > 0 ? run(&f, sessions, count, error) : MMN_OK;
    for (size_t i = 0; i < f.batch.count; i++)
        mmn_span_free(&f.spans[i]);
    mmn_free(f.spans);
    mmn_free(f.batch.list);
    if (status == MMN_OK)
        *normed = f.batch.hidden;
    else
        mmn_free(f.batch.hidden);
    return status;
}
