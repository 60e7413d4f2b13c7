/* Encoding by several processes: those regressions that do not depend on each other are dealt out
 * in turn. The first process keeps all rows in its file, and goes on from that as one that had been
 * interrupted. */
#include <string.h>

#include "base/bytes.h"
#include "study/encode.h"

/* The messages: to process 0, which run the sender is at, and a row; from there, where in a phase
 * to begin, and which layers are chosen. */
enum { HELLO = MMN_MESSAGE_OWN, ROW, BEGIN };

bool mmn_encode_is_mine(const mmn_encode_study *study, uint32_t number)
{
    const mmn_ranks *ranks = study->team.ranks;
    return number >= study->phase.found &&
           (number - study->phase.found) % ranks->count == ranks->rank;
}

mmn_status mmn_encode_greet(mmn_encode_study *study, const char *run, mmn_error *error)
{
    if (mmn_team_follows(&study->team))
        return mmn_team_send(&study->team, 0, HELLO, 0, run, strlen(run), error);
    study->run_text = mmn_blocks_keep(&study->blocks, mmn_copy_text(run, error), error);
    return study->run_text ? MMN_OK : MMN_SYSTEM;
}

/* ---- Process 0 ------------------------------------------------------------------------------- */

static mmn_status take_row(mmn_encode_study *study, const mmn_message *message, mmn_error *error)
{
    const uint64_t number = message->number;
    if (number >= study->phase.count || number < study->phase.found || message->size == 0 ||
        (number - study->phase.found) % study->team.ranks->count != message->from)
        return mmn_team_refuse(message, error);
    MMN_TRY(mmn_rows_files_add_in_turn(&study->rows, study->phase.first + number,
                                       (const char *)message->bytes, message->size, error));
    return mmn_encode_tell(study, false, error);
}

/* Answers what has come; with `wait` waits a moment for it. */
static mmn_status serve(mmn_encode_study *study, bool wait, mmn_error *error)
{
    mmn_message message;
    for (;; wait = false) {
        MMN_TRY(mmn_team_receive(&study->team, wait, &message, error));
        MMN_TRY(mmn_team_explain(&study->team, MMN_OK, error));
        if (message.kind == MMN_MESSAGE_NONE)
            return MMN_OK;
        if (message.kind == HELLO)
            MMN_TRY(mmn_team_check_run(&message, study->run_text, strlen(study->run_text),
                                       "responses, features, options", error));
        else if (message.kind == ROW)
            MMN_TRY(take_row(study, &message, error));
        else
            return mmn_team_refuse(&message, error);
    }
}

/* Tells the others where the phase begins. */
static mmn_status begin_all(mmn_encode_study *study, mmn_error *error)
{
    uint8_t layers[4 * MMN_ENCODE_MOST_MODELS];
    for (size_t i = 0; i < study->model_count; i++)
        mmn_store_u32(layers + 4 * i, (uint32_t)study->models[i].layer);
    for (uint32_t to = 1; to < study->team.ranks->count; to++)
        MMN_TRY(mmn_team_send(&study->team, to, BEGIN, study->phase.found, layers,
                              4 * study->model_count, error));
    return MMN_OK;
}

static mmn_status lead(mmn_encode_study *study, const mmn_encode_phase *phase, mmn_error *error)
{
    const mmn_rows_place place = mmn_rows_files_place(&study->rows);
    bool found = true;
    study->phase.first = place.kept;
    study->phase.over = false;
    while (study->phase.found < phase->count && found) {
        MMN_TRY(phase->find(phase->context, study->phase.found, &found, error));
        if (found)
            MMN_TRY(mmn_encode_tell(study, true, error));
        study->phase.found += found;
    }
    MMN_TRY(begin_all(study, error));
    MMN_TRY(phase->work(phase->context, error));
    while (study->rows.kept < place.kept + phase->count) {
        MMN_TRY(serve(study, true, error));
        MMN_TRY(mmn_encode_tell_again(study, error));
    }
    study->phase.over = true;
    return mmn_rows_files_return(&study->rows, &place, error);
}

/* ---- The others ------------------------------------------------------------------------------ */

/* Where the run has ended before its end. */
static mmn_status check_stopped(const mmn_encode_study *study, mmn_error *error)
{
    MMN_TRY(mmn_team_explain(&study->team, MMN_OK, error));
    return study->team.stopped
               ? mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "another process ended the run")
               : MMN_OK;
}

static mmn_status take_begin(mmn_encode_study *study, const mmn_message *message, mmn_error *error)
{
    if (message->kind != BEGIN || message->size != 4 * study->model_count ||
        message->number > study->phase.count)
        return mmn_team_refuse(message, error);
    study->phase.found = (uint32_t)message->number;
    for (size_t i = 0; i < study->model_count; i++) {
        const uint32_t layer = mmn_load_u32(message->bytes + 4 * i);
        if (layer >= study->models[i].layer_count)
            return mmn_team_refuse(message, error);
        study->models[i].layer = layer;
    }
    return MMN_OK;
}

static mmn_status follow(mmn_encode_study *study, const mmn_encode_phase *phase, mmn_error *error)
{
    mmn_message message = {.kind = MMN_MESSAGE_NONE};
    while (message.kind == MMN_MESSAGE_NONE) {
        MMN_TRY(mmn_team_receive(&study->team, true, &message, error));
        MMN_TRY(check_stopped(study, error));
        MMN_TRY(mmn_encode_tell_again(study, error));
    }
    MMN_TRY(take_begin(study, &message, error));
    return phase->work(phase->context, error);
}

/* ---- All of them ----------------------------------------------------------------------------- */

mmn_status mmn_encode_gather(mmn_encode_study *study, const mmn_encode_phase *phase,
                             mmn_error *error)
{
    if (!study->team.ranks)
        return MMN_OK;
    study->phase.count = phase->count;
    study->phase.found = 0;
    return mmn_team_leads(&study->team) ? lead(study, phase, error) : follow(study, phase, error);
}

mmn_status mmn_encode_hand_in(mmn_encode_study *study, uint32_t number, const mmn_text *line,
                              mmn_error *error)
{
    mmn_message message;
    if (!study->team.ranks)
        return mmn_rows_files_add(&study->rows, line->text, line->length, error);
    if (mmn_team_leads(&study->team)) {
        MMN_TRY(mmn_rows_files_add_in_turn(&study->rows, study->phase.first + number, line->text,
                                           line->length, error));
        return serve(study, false, error);
    }
    MMN_TRY(mmn_team_send(&study->team, 0, ROW, number, line->text, line->length, error));
    /* Behind the last row there may be the beginning of the next phase already. */
    if (number + study->team.ranks->count >= study->phase.count)
        return MMN_OK;
    MMN_TRY(mmn_team_receive(&study->team, false, &message, error));
    MMN_TRY(check_stopped(study, error));
    return message.kind == MMN_MESSAGE_NONE ? MMN_OK : mmn_team_refuse(&message, error);
}

/* Rows that come when process 0 has ended are kept even so. */
static void take_late(void *context, const mmn_message *message)
{
    if (message->kind == ROW)
        (void)take_row(context, message, NULL);
}

mmn_status mmn_encode_leave(mmn_encode_study *study, mmn_status status, mmn_error *error)
{
    return mmn_team_end(&study->team, status, take_late, study, error);
}
