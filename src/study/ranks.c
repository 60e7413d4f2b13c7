/* A study's samples, dealt out among processes: whoever is done with one gets the next that nobody
 * has, and process 0 keeps all rows in its file, in the list's order. */
#include "study/ranks.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"

/* The messages: to process 0, which run the sender is at (and that it wants a sample), and the rows
 * of a sample (likewise); from there, which sample to do. */
enum { HELLO = MMN_MESSAGE_OWN, ROWS, DO };

void mmn_study_ranks_free(mmn_study_ranks *ranks)
{
    mmn_free(ranks->with);
    mmn_team_free(&ranks->team);
    *ranks = (mmn_study_ranks){0};
}

/* ---- Samples --------------------------------------------------------------------------------- */

/* Goes on in the list to the wanted sample of this number. */
static mmn_status find_sample(mmn_study_ranks *ranks, uint64_t number, mmn_error *error)
{
    while (ranks->taken <= number) {
        bool found;
        MMN_TRY(mmn_samples_next(&ranks->at_hand, &found, ranks->samples, error));
        if (!found)
            return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "the list changed while it was read");
        ranks->taken += ranks->at_hand.own;
    }
    return MMN_OK;
}

/* Measures sample number `number`: its lines are in rows->text. Rows are of one list and of one
 * model's weights: those of files that have changed are not kept. */
static mmn_status measure(mmn_study_ranks *ranks, uint64_t number, mmn_error *error)
{
    MMN_TRY(find_sample(ranks, number, error));
    mmn_study_rows_clear(ranks->rows);
    const mmn_status status = ranks->measure(ranks->kept, &ranks->at_hand, error);
    MMN_TRY(mmn_team_explain(&ranks->team, status, error));
    MMN_TRY(mmn_samples_unchanged(ranks->samples, error));
    return mmn_study_rows_lines(ranks->rows, &ranks->at_hand, error);
}

/* ---- Process 0: the file --------------------------------------------------------------------- */

/* Goes through the samples whose rows the file has, up to the first that it lacks. */
static mmn_status find_kept(mmn_study_ranks *ranks, mmn_error *error)
{
    for (bool found = true; found && ranks->dealt < ranks->all; ranks->dealt += found) {
        MMN_TRY(find_sample(ranks, ranks->dealt, error));
        mmn_study_rows_clear(ranks->rows);
        MMN_TRY(mmn_study_rows_find(ranks->rows, &ranks->at_hand, &found, error));
        if (found)
            MMN_TRY(ranks->tell(ranks->kept, mmn_study_rows_count(ranks->rows, &ranks->at_hand),
                                true, error));
    }
    return MMN_OK;
}

/* ---- Process 0: the others ------------------------------------------------------------------- */

static mmn_status deal(mmn_study_ranks *ranks, uint32_t to, mmn_error *error)
{
    if (ranks->dealt == ranks->all || ranks->team.told[to])
        return mmn_team_stop(&ranks->team, to, false, error);
    ranks->with[to] = ++ranks->dealt;
    return mmn_team_send(&ranks->team, to, DO, ranks->with[to] - 1, NULL, 0, error);
}

/* Takes the rows of a sample that process `from` was to do. */
static mmn_status take_rows(mmn_study_ranks *ranks, const mmn_message *message, mmn_error *error)
{
    const char *lines = (const char *)message->bytes;
    uint64_t count = 0;
    if (message->number + 1 != ranks->with[message->from] || message->size == 0)
        return mmn_team_refuse(message, error);
    ranks->with[message->from] = 0;
    for (size_t i = 0; i < message->size; i++)
        count += lines[i] == '\n';
    MMN_TRY(mmn_rows_files_add_in_turn(&ranks->rows->files, message->number, lines, message->size,
                                       error));
    return ranks->tell(ranks->kept, count, false, error);
}

static mmn_status answer(mmn_study_ranks *ranks, const mmn_message *message, mmn_error *error)
{
    if (message->kind == HELLO)
        MMN_TRY(mmn_team_check_run(message, ranks->run, strlen(ranks->run),
                                   "model, list, neurons, options", error));
    else if (message->kind == ROWS)
        MMN_TRY(take_rows(ranks, message, error));
    else
        return mmn_team_refuse(message, error);
    return deal(ranks, message->from, error);
}

/* Answers what has come; with `wait` waits a moment for it. */
static mmn_status serve(mmn_study_ranks *ranks, bool wait, mmn_error *error)
{
    mmn_message message;
    do {
        const uint32_t ended = ranks->team.ended_count;
        MMN_TRY(mmn_team_receive(&ranks->team, wait, &message, error));
        if (message.kind != MMN_MESSAGE_NONE)
            MMN_TRY(answer(ranks, &message, error));
        MMN_TRY(mmn_team_explain(&ranks->team, MMN_OK, error));
        if (message.kind == MMN_MESSAGE_NONE && ranks->team.ended_count == ended)
            return MMN_OK;
        wait = false;
    } while (true);
}

/* Does the next sample itself. */
static mmn_status work(mmn_study_ranks *ranks, mmn_error *error)
{
    const uint64_t number = ranks->dealt++;
    const mmn_text *text = &ranks->rows->text;
    MMN_TRY(measure(ranks, number, error));
    return mmn_rows_files_add_in_turn(&ranks->rows->files, number, text->text, text->length, error);
}

static mmn_status lead(mmn_study_ranks *ranks, mmn_error *error)
{
    const uint32_t others = ranks->team.ranks->count - 1;
    MMN_NEED(ranks->with = mmn_allocate(others + 1, sizeof(*ranks->with), error));
    MMN_TRY(find_kept(ranks, error));
    while (ranks->dealt < ranks->all || ranks->team.ended_count < others) {
        const bool idle = ranks->dealt == ranks->all;
        MMN_TRY(serve(ranks, idle, error));
        MMN_TRY(ranks->tell(ranks->kept, 0, false, error));
        if (!idle && ranks->dealt < ranks->all)
            MMN_TRY(work(ranks, error));
    }
    return MMN_OK;
}

/* Messages that come when process 0 has ended: rows are kept even so. */
static void take_late(void *context, const mmn_message *message)
{
    mmn_study_ranks *ranks = context;
    if (message->kind == ROWS && ranks->with)
        (void)take_rows(ranks, message, NULL);
}

/* ---- The others ------------------------------------------------------------------------------ */

/* Waits for the number of a sample; *stop: there is none left. */
static mmn_status wait_for_sample(mmn_study_ranks *ranks, uint64_t *number, mmn_error *error)
{
    mmn_message message = {.kind = MMN_MESSAGE_NONE};
    while (message.kind == MMN_MESSAGE_NONE && !ranks->team.stopped) {
        MMN_TRY(mmn_team_receive(&ranks->team, true, &message, error));
        MMN_TRY(ranks->tell(ranks->kept, 0, false, error));
    }
    MMN_TRY(mmn_team_explain(&ranks->team, MMN_OK, error));
    if (!ranks->team.stopped && message.kind != DO)
        return mmn_team_refuse(&message, error);
    *number = message.number;
    return MMN_OK;
}

static mmn_status follow(mmn_study_ranks *ranks, mmn_error *error)
{
    const mmn_text *text = &ranks->rows->text;
    uint64_t number = 0;
    MMN_TRY(mmn_team_send(&ranks->team, 0, HELLO, 0, ranks->run, strlen(ranks->run), error));
    for (;;) {
        MMN_TRY(wait_for_sample(ranks, &number, error));
        if (ranks->team.stopped)
            return MMN_OK;
        if (number < ranks->taken)
            return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "a sample was dealt out twice");
        MMN_TRY(measure(ranks, number, error));
        MMN_TRY(mmn_team_send(&ranks->team, 0, ROWS, number, text->text, text->length, error));
    }
}

/* ---- All of them ----------------------------------------------------------------------------- */

static mmn_status serve_now(void *context, mmn_error *error)
{
    return serve(context, false, error);
}

int mmn_study_ranks_asked(void *context)
{
    mmn_study_ranks *ranks = context;
    return mmn_team_asked(&ranks->team, serve_now, ranks);
}

mmn_status mmn_study_ranks_gather(mmn_study_ranks *ranks, mmn_error *error)
{
    const mmn_domains *domains = &ranks->samples->domains;
    for (size_t d = 0; d < domains->domain_count; d++)
        ranks->all += domains->domains[d].left;
    return mmn_team_leads(&ranks->team) ? lead(ranks, error) : follow(ranks, error);
}

mmn_status mmn_study_ranks_end(mmn_study_ranks *ranks, mmn_status status, mmn_error *error)
{
    return mmn_team_end(&ranks->team, status, take_late, ranks, error);
}
