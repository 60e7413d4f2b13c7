/* A sample in several ways at once: sessions side by side, as many as memory allows, and how far
 * they are. */
#include "base/error.h"
#include "base/interrupt.h"
#include "model/input.h"
#include "model/model.h"
#include "pass/session.h"
#include "study/study.h"
#include "study/together.h"

static size_t group_size(const mmn_study *study, const mmn_measuring *measuring,
                         const mmn_input *input)
{
    return study->batch > 0
               ? study->batch
               : mmn_together_count(study->together,
                                    mmn_session_bytes(study->model, input->length,
                                                      measuring->tokens + measuring->behind));
}

/* An mmn_interrupted_function of the sessions at work: tells how far they are. What a prompt's
 * layers have told stays, while tokens are generated behind it. */
static int ask(void *context)
{
    mmn_study *study = context;
    const mmn_interrupt *other = &study->model->interrupt;
    for (size_t i = 0; i < study->working_count; i++) {
        const mmn_session *session = study->sessions[study->working + i];
        const double begun =
            session ? mmn_interrupt_share(&session->interrupt) * (double)study->working_count : 0;
        study->progress.begun = begun > study->progress.begun ? begun : study->progress.begun;
    }
    if (mmn_study_advance(study, 0, NULL) != MMN_OK)
        return 1;
    return study->ranks.team.ranks ? mmn_study_ranks_asked(&study->ranks)
                                   : other->asked && other->asked(other->context) != 0;
}

/* The runs from number `first` of those at the side on, in a session each. The sessions stay. */
static mmn_status run_group(void *kept, const mmn_measuring *measuring, size_t first, size_t count,
                            const mmn_input *input, mmn_error *error)
{
    mmn_study *study = kept;
    const mmn_session_options options = {.size = sizeof(options),
                                         .prompt_only = measuring->tokens + measuring->behind == 0};
    const size_t *runs = study->side + first;
    mmn_session **sessions = study->sessions + first;
    study->working = first;
    study->working_count = count;
    for (size_t i = 0; i < count; i++) {
        const mmn_mask *mask = study->plan.runs[runs[i]].mask;
        MMN_TRY(mmn_session_create(&sessions[i], study->model, &options, error));
        sessions[i]->interrupt.asked = ask;
        sessions[i]->interrupt.context = study;
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
