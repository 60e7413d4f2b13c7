/* Teams: processes that do one run together, the messages that they send each other, and how all of
 * them come to an end when one does. */
#include "base/team.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/interrupt.h"
#include "base/memory.h"

/* A message begins with its kind and its number. */
enum { HEAD = 1 + 8 };

/* How often the middle of work looks for messages, in seconds. */
#define POLL_SECONDS 0.001

mmn_status mmn_team_begin(mmn_team *team, const mmn_ranks *ranks, mmn_error *error)
{
    enum { MOST = 1 << 20 };
    *team = (mmn_team){0};
    if (!ranks)
        return MMN_OK;
    if (ranks->size != sizeof(*ranks) || ranks->rank >= ranks->count || ranks->count > MOST ||
        !ranks->send || !ranks->receive)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "process %" PRIu32 " of %" PRIu32
                        " cannot be: they count from 0, and need functions to send and to receive",
                        ranks->rank, ranks->count);
    if (ranks->count == 1)
        return MMN_OK;
    MMN_NEED(team->told = mmn_allocate(ranks->count, sizeof(*team->told), error));
    MMN_NEED(team->ended = mmn_allocate(ranks->count, sizeof(*team->ended), error));
    /* What ends a run needs no more memory. */
    MMN_TRY(MMN_RESERVE(team->message, team->capacity, HEAD + sizeof(mmn_error), error));
    team->ranks = ranks;
    return MMN_OK;
}

void mmn_team_free(mmn_team *team)
{
    mmn_free(team->told);
    mmn_free(team->ended);
    mmn_free(team->message);
    *team = (mmn_team){0};
}

bool mmn_team_leads(const mmn_team *team)
{
    return team->ranks && team->ranks->rank == 0;
}

bool mmn_team_follows(const mmn_team *team)
{
    return team->ranks && team->ranks->rank > 0;
}

/* Whether it is time to look for messages in the middle of work that asks often. */
static bool is_due(mmn_team *team)
{
    const double now = mmn_clock();
    if (!team->ranks || now - team->polled < POLL_SECONDS)
        return false;
    team->polled = now;
    return true;
}

/* ---- Problems -------------------------------------------------------------------------------- */

void mmn_team_note(mmn_team *team, mmn_status status, const mmn_error *problem)
{
    if (status == MMN_OK || team->problem.status != MMN_OK)
        return;
    team->problem = *problem;
    team->problem.status = status;
}

mmn_status mmn_team_explain(const mmn_team *team, mmn_status status, mmn_error *error)
{
    const mmn_status problem = team->problem.status;
    if (problem == MMN_OK || problem == status || (status != MMN_OK && status != MMN_INTERRUPTED))
        return status;
    if (error)
        *error = team->problem;
    return problem;
}

/* The bytes of an error: its status and its texts. */
static size_t store_error(uint8_t *bytes, const mmn_error *problem)
{
    uint8_t *end = bytes;
    mmn_store_u32(end, (uint32_t)problem->status);
    mmn_store_u32(end + 4, (uint32_t)problem->cause);
    end += 8;
    const char *const texts[] = {problem->file, problem->where, problem->message};
    for (size_t i = 0; i < MMN_LENGTH(texts); i++) {
        const size_t size = strlen(texts[i]) + 1;
        memcpy(end, texts[i], size);
        end += size;
    }
    return (size_t)(end - bytes);
}

/* The next text of a message, or "" where it has none. */
static const char *next_text(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *text = *at, *zero = memchr(text, 0, (size_t)(end - text));
    *at = zero ? zero + 1 : end;
    return zero ? (const char *)text : "";
}

/* What a process has failed of. Where the system refused it something, it matters which one. */
bool mmn_team_problem(const mmn_message *message, mmn_error *problem)
{
    if (message->size < 8)
        return false;
    const uint8_t *at = message->bytes + 8, *end = message->bytes + message->size;
    const uint32_t status = mmn_load_u32(message->bytes);
    *problem = (mmn_error){
        .status = status >= MMN_USAGE && status <= MMN_NONFINITE ? (mmn_status)status : MMN_SYSTEM,
        .cause = (int)mmn_load_u32(message->bytes + 4)};
    snprintf(problem->file, sizeof(problem->file), "%s", next_text(&at, end));
    snprintf(problem->where, sizeof(problem->where), "%s", next_text(&at, end));
    const char *text = next_text(&at, end);
    if (problem->status == MMN_SYSTEM)
        snprintf(problem->message, sizeof(problem->message), "in process %" PRIu32 ": %s",
                 message->from, text);
    else
        snprintf(problem->message, sizeof(problem->message), "%s", text);
    return true;
}

/* ---- Messages -------------------------------------------------------------------------------- */

mmn_status mmn_team_send(mmn_team *team, uint32_t to, int kind, uint64_t number, const void *bytes,
                         size_t size, mmn_error *error)
{
    MMN_TRY(MMN_RESERVE(team->message, team->capacity, HEAD + size, error));
    team->message[0] = (uint8_t)kind;
    mmn_store_u64(team->message + 1, number);
    if (size > 0)
        memcpy(team->message + HEAD, bytes, size);
    const mmn_ranks *ranks = team->ranks;
    const mmn_status status = ranks->send(ranks->context, to, team->message, HEAD + size, error);
    team->broken = team->broken || status != MMN_OK;
    return status;
}

mmn_status mmn_team_send_problem(mmn_team *team, int kind, const mmn_error *problem,
                                 mmn_error *error)
{
    uint8_t bytes[sizeof(mmn_error)] = {0}; /* more than store_error needs */
    return mmn_team_send(team, 0, kind, 0, bytes, store_error(bytes, problem), error);
}

mmn_status mmn_team_refuse(const mmn_message *message, mmn_error *error)
{
    return mmn_fail(error, MMN_SYSTEM, NULL, NULL,
                    "process %" PRIu32 " has sent a message that does not belong here: all "
                    "processes must be the same program with the same command",
                    message->from);
}

mmn_status mmn_team_check_run(const mmn_message *message, const char *run, size_t size,
                              const char *what, mmn_error *error)
{
    if (message->size == size && memcmp(message->bytes, run, size) == 0)
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, NULL, NULL,
                    "process %" PRIu32 " is at another run than process 0: its %s or version are "
                    "others",
                    message->from, what);
}

/* Looks for messages in the middle of work. */
static mmn_status look(mmn_team *team, mmn_status (*serve)(void *context, mmn_error *error),
                       void *context, mmn_error *error)
{
    mmn_message message;
    if (mmn_team_leads(team))
        return serve(context, error);
    MMN_TRY(mmn_team_receive(team, false, &message, error));
    return message.kind == MMN_MESSAGE_NONE ? MMN_OK : mmn_team_refuse(&message, error);
}

int mmn_team_asked(mmn_team *team, mmn_status (*serve)(void *context, mmn_error *error),
                   void *context)
{
    mmn_error problem;
    if (team->problem.status == MMN_OK && is_due(team))
        mmn_team_note(team, look(team, serve, context, &problem), &problem);
    return team->problem.status != MMN_OK || team->stopped ||
           (team->asked && team->asked(team->asked_context) != 0);
}

/* Notes what a message says that is not the run's own; true if it is such a one. */
static bool note_message(mmn_team *team, const mmn_message *message)
{
    if (mmn_team_follows(team) && message->kind == MMN_MESSAGE_STOP) {
        team->stopped = true;
        if (message->number != 0)
            mmn_fail(&team->problem, MMN_INTERRUPTED, NULL, NULL, "another process ended the run");
        return true;
    }
    if (!mmn_team_leads(team) || message->kind != MMN_MESSAGE_ENDED || team->ended[message->from])
        return false;
    team->ended[message->from] = true;
    team->ended_count++;
    mmn_error problem;
    if (mmn_team_problem(message, &problem))
        mmn_team_note(team, problem.status, &problem);
    return true;
}

mmn_status mmn_team_receive(mmn_team *team, bool wait, mmn_message *message, mmn_error *error)
{
    const mmn_ranks *ranks = team->ranks;
    const void *bytes = NULL;
    size_t size = 0;
    *message = (mmn_message){.kind = MMN_MESSAGE_NONE};
    const mmn_status status =
        ranks->receive(ranks->context, wait, &message->from, &bytes, &size, error);
    team->broken = team->broken || status != MMN_OK;
    if (status != MMN_OK || !bytes)
        return status;
    if (size < HEAD || message->from >= ranks->count || message->from == ranks->rank ||
        (ranks->rank > 0 && message->from > 0))
        return mmn_team_refuse(message, error);
    message->bytes = (const uint8_t *)bytes + HEAD;
    message->size = size - HEAD;
    message->kind = *(const uint8_t *)bytes;
    message->number = mmn_load_u64((const uint8_t *)bytes + 1);
    if (note_message(team, message))
        message->kind = MMN_MESSAGE_NONE;
    else if (message->kind < MMN_MESSAGE_OWN)
        return mmn_team_refuse(message, error);
    return MMN_OK;
}

/* ---- The end --------------------------------------------------------------------------------- */

mmn_status mmn_team_stop(mmn_team *team, uint32_t rank, bool failed, mmn_error *error)
{
    if (team->told[rank])
        return MMN_OK;
    team->told[rank] = true;
    return mmn_team_send(team, rank, MMN_MESSAGE_STOP, failed, NULL, 0, error);
}

/* Tells all others to stop, and waits until they have ended. */
static mmn_status end_all(mmn_team *team, bool failed,
                          void (*late)(void *context, const mmn_message *message), void *context,
                          mmn_error *error)
{
    mmn_message message;
    for (uint32_t rank = 1; rank < team->ranks->count; rank++)
        MMN_TRY(mmn_team_stop(team, rank, failed, error));
    while (team->ended_count + 1 < team->ranks->count) {
        MMN_TRY(mmn_team_receive(team, true, &message, error));
        if (late && message.kind != MMN_MESSAGE_NONE)
            late(context, &message);
    }
    return MMN_OK;
}

/* Says what has failed here, unless the leader has caused it, and waits for leave to end. */
static mmn_status end_one(mmn_team *team, mmn_status status, const mmn_error *problem,
                          mmn_error *error)
{
    mmn_error own = *problem;
    mmn_message message;
    own.status = status;
    const bool mine = status != MMN_OK && !team->stopped;
    MMN_TRY(mine ? mmn_team_send_problem(team, MMN_MESSAGE_ENDED, &own, error)
                 : mmn_team_send(team, 0, MMN_MESSAGE_ENDED, 0, NULL, 0, error));
    while (!team->stopped)
        MMN_TRY(mmn_team_receive(team, true, &message, error));
    return MMN_OK;
}

mmn_status mmn_team_end(mmn_team *team, mmn_status status,
                        void (*late)(void *context, const mmn_message *message), void *context,
                        mmn_error *error)
{
    mmn_error kept = {0}, problem = {0};
    if (!team->ranks)
        return status;
    if (error && status != MMN_OK)
        kept = *error;
    if (team->broken)
        return mmn_team_explain(team, status, error);
    const mmn_status ending =
        mmn_team_leads(team) ? end_all(team, status != MMN_OK || team->problem.status != MMN_OK,
                                       late, context, &problem)
                             : end_one(team, status, &kept, &problem);
    if (status == MMN_OK)
        mmn_team_note(team, ending, &problem);
    if (error && status != MMN_OK)
        *error = kept;
    return mmn_team_explain(team, status, error);
}
