/* The sessions of a study: the runs of a sample, side by side, how far they are, and the logits
 * that some studies read of them. */
#include "study/sessions.h"

#include "base/error.h"
#include "base/interrupt.h"
#include "model/input.h"
#include "model/model.h"
#include "pass/language.h"
#include "pass/session.h"
#include "study/together.h"

/* ---- Progress -------------------------------------------------------------------------------- */

mmn_status mmn_study_advance(mmn_study *study, uint64_t done, mmn_error *error)
{
    study->progress.done += done;
    study->progress.begun = done > 0 ? 0 : study->progress.begun;
    if (study->start == 0)
        study->start = mmn_clock();
    study->progress.seconds = mmn_clock() - study->start;
    if (study->show && study->show(study->show_context, &study->progress) != 0)
        return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "interrupted");
    return MMN_OK;
}

/* An mmn_interrupted_function of the sessions at work: tells how far they are. What a prompt's
 * layers have told stays, while tokens are generated behind it. */
static int ask(void *context)
{
    mmn_study *study = context;
    const mmn_interrupt *other = &study->model->interrupt;
    const double told = study->progress.begun;
    for (size_t i = 0; i < study->working_count; i++) {
        const mmn_session *session = study->sessions[study->working + i];
        const double begun =
            session ? mmn_interrupt_share(&session->interrupt) * (double)study->working_count : 0;
        study->progress.begun = begun > study->progress.begun ? begun : study->progress.begun;
    }
    if (study->progress.begun > told && mmn_study_advance(study, 0, NULL) != MMN_OK)
        return 1;
    return study->ranks.team.ranks ? mmn_study_ranks_asked(&study->ranks)
                                   : other->asked && other->asked(other->context) != 0;
}

void mmn_study_attend(mmn_study *study, mmn_session *session)
{
    session->interrupt.asked = ask;
    session->interrupt.context = study;
}

/* ---- Side by side ---------------------------------------------------------------------------- */

static size_t group_size(const mmn_study *study, const mmn_measuring *measuring,
                         const mmn_input *input)
{
    return study->batch > 0
               ? study->batch
               : mmn_together_count(study->together,
                                    mmn_session_bytes(study->model, input->length,
                                                      measuring->tokens + measuring->behind));
}

/* The runs from number `first` of those at the side on, in a session each. The sessions stay. */
static mmn_status run_group(void *kept, const mmn_measuring *measuring, size_t first, size_t count,
                            const mmn_input *input, mmn_error *error)
{
    mmn_study *study = kept;
    const mmn_session_options options = {.size = sizeof(options),
                                         .prompt_only = measuring->tokens + measuring->behind == 0,
                                         .max_new_tokens = measuring->tokens};
    const size_t *runs = study->side + first;
    mmn_session **sessions = study->sessions + first;
    study->working = first;
    study->working_count = count;
    for (size_t i = 0; i < count; i++) {
        const mmn_mask *mask = study->plan.runs[runs[i]].mask;
        MMN_TRY(mmn_session_create(&sessions[i], study->model, &options, error));
        mmn_study_attend(study, sessions[i]);
        if (mask)
            MMN_TRY(mmn_session_add_mask(sessions[i], mask, error));
        MMN_TRY(measuring->ready(kept, sessions[i], runs[i], error));
    }
    MMN_TRY(mmn_sessions_prefill(sessions, count, study->sessions[0], input, error));
    if (measuring->finish)
        MMN_TRY(measuring->finish(kept, sessions, runs, count, error));
    return mmn_study_advance(study, measuring->again ? 0 : count, error);
}

static void free_sessions(mmn_study *study, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        mmn_session_free(study->sessions[i]);
        study->sessions[i] = NULL;
    }
}

/* The first run's session stays for what the others have in common with it. */
mmn_status mmn_study_measure(void *kept, const mmn_measuring *measuring, size_t domain,
                             const mmn_input *input, mmn_error *error)
{
    mmn_study *study = kept;
    const mmn_plan *plan = &study->plan;
    size_t runs = 0, size = group_size(study, measuring, input), count;
    mmn_status status = MMN_OK;
    for (size_t i = mmn_plan_next(plan, 0, domain); i < plan->run_count;
         i = mmn_plan_next(plan, i + 1, domain))
        study->side[runs++] = i;
    for (size_t first = 0; first < runs && status == MMN_OK; first += count) {
        count = runs - first < size ? runs - first : size;
        status = run_group(kept, measuring, first, count, input, error);
        free_sessions(study, first > 0 ? first : 1, first + count);
    }
    free_sessions(study, 0, runs > 0);
    return status;
}

/* ---- Logits ---------------------------------------------------------------------------------- */

mmn_status mmn_study_reserve_logits(mmn_study *study, size_t rows, mmn_error *error)
{
    const mmn_language_config *config = &study->model->config.language;
    study->compute = study->model->compute;
    study->logits = mmn_study_allocate(study, rows, config->vocab_size * sizeof(float), error);
    return study->logits
               ? mmn_compute_reserve(&study->compute, rows, config->hidden_size, 0, 0, error)
               : MMN_SYSTEM;
}

float *mmn_study_logits(mmn_study *study, const float *normed, size_t rows)
{
    mmn_language_logits(&study->compute, &study->model->weights->language, study->logits, normed,
                        rows);
    return study->logits;
}

/* An mmn_see_function, of the final norm's output. */
static mmn_status see_normed(void *context, const mmn_stage *stage, mmn_error *error)
{
    mmn_study *study = ((const mmn_row *)context)->kept;
    const mmn_study_kind *kind = study->kind;
    const float *normed = stage->data;
    size_t end = stage->shape[0];
    if (kind->followed && stage->first_position + end == stage->input->length)
        end--;
    for (size_t first = 0; first < end; first += MMN_STUDY_ROWS) {
        const size_t rows = end - first < MMN_STUDY_ROWS ? end - first : MMN_STUDY_ROWS;
        float *logits = mmn_study_logits(study, normed + first * stage->shape[1], rows);
        MMN_TRY(mmn_interrupt_check_now(&study->model->interrupt, error));
        MMN_TRY(
            kind->read(context, stage->input, stage->first_position + first, logits, rows, error));
    }
    return MMN_OK;
}

/* Of mmn_measuring. */
static mmn_status add_probe(void *kept, mmn_session *session, size_t run, mmn_error *error)
{
    const mmn_probe probe = {
        .stages = "language.norm", .see = see_normed, .context = mmn_study_row(kept, run)};
    return mmn_session_add_probe(session, &probe, error);
}

mmn_status mmn_study_read_sample(void *kept, const mmn_planned_sample *planned,
                                 const mmn_input *input, mmn_error *error)
{
    static const mmn_measuring measuring = {.ready = add_probe};
    return mmn_study_measure(kept, &measuring, planned->domain, input, error);
}
