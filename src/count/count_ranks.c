/* A count's samples, dealt out among processes. */
#include "count/count_ranks.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "count/merge.h"

/* What is counted is saved when the last time is this long ago, and when saving has taken at most a
 * twentieth of the time. */
#define SAVE_SECONDS 2.0
#define SAVE_SHARE 20.0

/* A block is to take about so long, once as many samples as tell it were given to each process. */
#define BLOCK_SECONDS 2.0
enum { FIRST_SAMPLES = 8 };

/* The messages, to process 0: which run the sender is at; that it is done with so many samples and
 * wants more; the counts of a domain, and the rest that is handed in; a sample that was skipped.
 * From there: where to begin; a block; that the counts of the round are wanted. */
enum { HELLO = MMN_MESSAGE_OWN, ASK, DOMAIN, REST, SKIPPED, START, BLOCK, HAND_IN };

void mmn_count_ranks_free(mmn_count_ranks *ranks)
{
    mmn_counts_free(ranks->sum);
    mmn_counts_free(ranks->part);
    mmn_free(ranks->waiting);
    mmn_free(ranks->handed);
    mmn_team_free(&ranks->team);
    *ranks = (mmn_count_ranks){0};
}

/* ---- Counts as messages ---------------------------------------------------------------------- */

/* Makes counts of the same modules and domains, all zero. */
static mmn_status make_like(mmn_counts **made, const mmn_counts *counts, mmn_error *error)
{
    MMN_TRY(mmn_counts_create(made, counts->modules, counts->module_count, error));
    for (size_t d = 0; d < counts->domain_count; d++)
        MMN_TRY(mmn_counts_add_domain(*made, counts->domains[d].name, error));
    return MMN_OK;
}

/* Forgets what was counted. */
static void clear(mmn_counts *counts)
{
    for (size_t d = 0; d < counts->domain_count; d++) {
        counts->domains[d].samples = 0;
        for (size_t m = 0; m < counts->module_count; m++)
            mmn_count_cell_clear(&counts->domains[d].cells[m], &counts->modules[m]);
    }
    memset(counts->inputs, 0, sizeof(counts->inputs));
    counts->nonfinite = 0;
    counts->skipped_count = 0;
}

static size_t domain_size(const mmn_counts *counts)
{
    size_t size = 8;
    for (size_t m = 0; m < counts->module_count; m++)
        for (int field = 0; field < MMN_FIELDS; field++)
            if (mmn_field_exists(&counts->modules[m], field))
                size += 8 * mmn_field_size(&counts->modules[m], field);
    return size;
}

/* Writes a domain's counts as bytes, or reads them. */
static void copy_domain(mmn_counted_domain *domain, const mmn_counts *counts, uint8_t *write,
                        const uint8_t *read)
{
    if (write)
        mmn_store_u64(write, domain->samples);
    else
        domain->samples = mmn_load_u64(read);
    size_t at = 8;
    for (size_t m = 0; m < counts->module_count; m++)
        for (int field = 0; field < MMN_FIELDS; field++) {
            if (!mmn_field_exists(&counts->modules[m], field))
                continue;
            int64_t *values = domain->cells[m].fields[field];
            const size_t size = mmn_field_size(&counts->modules[m], field);
            for (size_t i = 0; i < size; i++, at += 8)
                if (write)
                    mmn_store_i64(write + at, values[i]);
                else
                    values[i] = mmn_load_i64(read + at);
        }
}

/* What is handed in beside the domains: digest of the inputs, three numbers, lines skipped. */
enum { REST_SIZE = 16 + 3 * 8 };

static mmn_status send_rest(mmn_count_ranks *ranks, mmn_error *error)
{
    const mmn_counts *own = ranks->own;
    const size_t size = REST_SIZE + 8 * own->skipped_count;
    uint8_t *bytes = mmn_allocate(1, size, error);
    MMN_NEED(bytes);
    memcpy(bytes, own->inputs, 16);
    mmn_store_u64(bytes + 16, own->nonfinite);
    mmn_store_u64(bytes + 24, ranks->counted);
    mmn_store_u64(bytes + 32, ranks->positions);
    for (size_t i = 0; i < own->skipped_count; i++)
        mmn_store_u64(bytes + REST_SIZE + 8 * i, own->skipped[i]);
    const mmn_status status = mmn_team_send(&ranks->team, 0, REST, 0, bytes, size, error);
    mmn_free(bytes);
    return status;
}

/* Sends process 0 what was counted of the round, and forgets it. */
static mmn_status hand_in(mmn_count_ranks *ranks, mmn_error *error)
{
    const size_t size = domain_size(ranks->own);
    uint8_t *bytes = mmn_allocate(1, size, error);
    mmn_status status = bytes ? MMN_OK : MMN_SYSTEM;
    for (size_t d = 0; d < ranks->own->domain_count && status == MMN_OK; d++) {
        copy_domain(&ranks->own->domains[d], ranks->own, bytes, NULL);
        status = mmn_team_send(&ranks->team, 0, DOMAIN, d, bytes, size, error);
    }
    mmn_free(bytes);
    MMN_TRY(status);
    MMN_TRY(send_rest(ranks, error));
    ranks->counted = ranks->positions = 0;
    clear(ranks->own);
    return MMN_OK;
}

static mmn_status take_domain(mmn_count_ranks *ranks, const mmn_message *message, mmn_error *error)
{
    mmn_counts *part = ranks->part;
    if (message->from != ranks->handing || message->number >= part->domain_count ||
        message->size != domain_size(part))
        return mmn_team_refuse(message, error);
    copy_domain(&part->domains[message->number], part, NULL, message->bytes);
    return MMN_OK;
}

static bool have_all_handed(const mmn_count_ranks *ranks)
{
    uint32_t rank = 0;
    while (rank < ranks->team.ranks->count && ranks->handed[rank])
        rank++;
    return rank == ranks->team.ranks->count;
}

static void begin_round(mmn_count_ranks *ranks)
{
    ranks->closed = false;
    ranks->started = mmn_clock();
    memset(ranks->handed, 0, ranks->team.ranks->count * sizeof(*ranks->handed));
}

/* Notes that a process has handed in, which ends the round if it is the last: its sum is saved,
 * unless it is the run's. */
static mmn_status note_handed(mmn_count_ranks *ranks, uint32_t rank, mmn_error *error)
{
    ranks->handed[rank] = true;
    if (!have_all_handed(ranks))
        return MMN_OK;
    ranks->over = ranks->boundary == ranks->all;
    if (ranks->over)
        return MMN_OK;
    const double before = mmn_clock();
    MMN_TRY(ranks->save(ranks->run, ranks->sum, error));
    ranks->cost = ranks->handing_seconds + mmn_clock() - before;
    ranks->handing_seconds = 0;
    begin_round(ranks);
    return MMN_OK;
}

/* Adds what a process has handed in to the sum. */
static mmn_status take_rest(mmn_count_ranks *ranks, const mmn_message *message, mmn_error *error)
{
    mmn_counts *part = ranks->part;
    if (message->from != ranks->handing || message->size < REST_SIZE ||
        (message->size - REST_SIZE) % 8 != 0)
        return mmn_team_refuse(message, error);
    memcpy(part->inputs, message->bytes, 16);
    part->nonfinite = mmn_load_u64(message->bytes + 16);
    ranks->counted += mmn_load_u64(message->bytes + 24);
    ranks->positions += mmn_load_u64(message->bytes + 32);
    for (size_t at = REST_SIZE; at < message->size; at += 8)
        MMN_TRY(mmn_counts_add_skipped(part, mmn_load_u64(message->bytes + at), error));
    MMN_TRY(mmn_counts_add(ranks->sum, part, error));
    clear(part);
    ranks->handing = 0;
    ranks->handing_seconds += mmn_clock() - ranks->handing_started;
    return note_handed(ranks, message->from, error);
}

/* Adds what this process has counted, all of whose samples up to the boundary it has gone through,
 * to the sum. */
static mmn_status add_own(mmn_count_ranks *ranks, uint64_t line, mmn_error *error)
{
    mmn_counts *sum = ranks->sum;
    MMN_TRY(mmn_counts_add(sum, ranks->own, error));
    clear(ranks->own);
    sum->last_line = line > sum->last_line ? line : sum->last_line;
    for (size_t d = 0; d < sum->domain_count; d++)
        sum->domains[d].positions = ranks->own->domains[d].positions;
    return note_handed(ranks, 0, error);
}

/* ---- Process 0 ------------------------------------------------------------------------------- */

bool mmn_count_save_is_due(double seconds, double cost)
{
    return seconds >= SAVE_SECONDS && seconds >= SAVE_SHARE * cost;
}

/* As many samples as take about BLOCK_SECONDS, by how long those before took; fewer at the end, so
 * that all come to it together. */
static uint64_t block_size(const mmn_count_ranks *ranks)
{
    const uint32_t count = ranks->team.ranks->count;
    const double samples = (double)(ranks->next - ranks->first), most = (double)ranks->most;
    const double seconds = (mmn_clock() - ranks->first_started) * count;
    const double share = (double)(ranks->all - ranks->next) / (2.0 * count);
    if (samples < FIRST_SAMPLES * count || !(seconds > 0))
        return 1;
    double size = BLOCK_SECONDS * samples / seconds;
    size = size > most ? most : size;
    size = size > share ? share : size;
    return size < 1 ? 1 : (uint64_t)size;
}

/* Closes the round if it is time to. The next one ends behind it. */
static void close_round(mmn_count_ranks *ranks)
{
    if (ranks->closed || (ranks->next < ranks->all &&
                          !mmn_count_save_is_due(mmn_clock() - ranks->started, ranks->cost)))
        return;
    ranks->closed = true;
    ranks->boundary = ranks->next;
}

/* Takes the next block off what is left, for a process that has nothing to hand in. */
static bool take_block(mmn_count_ranks *ranks, uint32_t rank, uint64_t *begin, uint64_t *end)
{
    close_round(ranks);
    if (ranks->next == ranks->all || (ranks->closed && !ranks->handed[rank]))
        return false;
    *begin = ranks->next;
    *end = ranks->next += block_size(ranks);
    return true;
}

/* Answers a process that waits, as far as there is something to say. */
static mmn_status answer(mmn_count_ranks *ranks, uint32_t to, mmn_error *error)
{
    uint8_t end_bytes[8];
    uint64_t begin, end;
    if (!ranks->begun)
        return MMN_OK;
    if (take_block(ranks, to, &begin, &end)) {
        ranks->waiting[to] = false;
        mmn_store_u64(end_bytes, end);
        return mmn_team_send(&ranks->team, to, BLOCK, begin, end_bytes, 8, error);
    }
    if (ranks->handing != 0 || ranks->handed[to])
        return MMN_OK;
    ranks->handing = to;
    ranks->handing_started = mmn_clock();
    return mmn_team_send(&ranks->team, to, HAND_IN, 0, NULL, 0, error);
}

static mmn_status answer_all(mmn_count_ranks *ranks, mmn_error *error)
{
    for (uint32_t to = 1; to < ranks->team.ranks->count; to++)
        if (ranks->waiting[to])
            MMN_TRY(answer(ranks, to, error));
    return MMN_OK;
}

/* What says which run it is: two processes that say the same count the same. */
static mmn_status identify(mmn_text *text, const mmn_counts *counts, mmn_error *error)
{
    mmn_text_add(text, "%s\n%s\n%s\n%s\n", counts->version, counts->model, counts->data,
                 counts->settings ? counts->settings : "");
    for (size_t m = 0; m < counts->module_count; m++)
        mmn_text_add(text, "%s %" PRIu32 " %" PRIu32 "\n", counts->modules[m].name,
                     counts->modules[m].layers, counts->modules[m].neurons);
    for (size_t d = 0; d < counts->domain_count; d++)
        mmn_text_add(text, "%s\n", counts->domains[d].name);
    return mmn_text_status(text, error);
}

/* Tells a process of the same run where to begin. */
static mmn_status greet(mmn_count_ranks *ranks, const mmn_message *message, mmn_error *error)
{
    mmn_text text = {0};
    uint8_t positions[MMN_DOMAIN_LIMIT * 8];
    const mmn_counts *sum = ranks->sum;
    mmn_status status = identify(&text, sum, error);
    if (status == MMN_OK)
        status = mmn_team_check_run(message, text.text, text.length, "model, list, options", error);
    mmn_text_free(&text);
    MMN_TRY(status);
    for (size_t d = 0; d < sum->domain_count; d++)
        mmn_store_u64(positions + 8 * d, sum->domains[d].positions);
    return mmn_team_send(&ranks->team, message->from, START, sum->last_line, positions,
                         8 * sum->domain_count, error);
}

static mmn_status take_message(mmn_count_ranks *ranks, const mmn_message *message, mmn_error *error)
{
    mmn_error problem;
    switch (message->kind) {
    case HELLO:
        return greet(ranks, message, error);
    case ASK:
        ranks->others += message->number;
        ranks->waiting[message->from] = true;
        return answer(ranks, message->from, error);
    case DOMAIN:
        return take_domain(ranks, message, error);
    case REST:
        MMN_TRY(take_rest(ranks, message, error));
        return answer_all(ranks, error);
    case SKIPPED:
        if (!mmn_team_problem(message, &problem))
            return mmn_team_refuse(message, error);
        ranks->skipped(ranks->run, &problem);
        return MMN_OK;
    default:
        return mmn_team_refuse(message, error);
    }
}

/* Answers what has come; with `wait` waits a moment for it. */
static mmn_status serve(mmn_count_ranks *ranks, bool wait, mmn_error *error)
{
    mmn_message message;
    do {
        MMN_TRY(mmn_team_receive(&ranks->team, wait, &message, error));
        if (message.kind != MMN_MESSAGE_NONE)
            MMN_TRY(take_message(ranks, &message, error));
        MMN_TRY(mmn_team_explain(&ranks->team, MMN_OK, error));
        wait = false;
    } while (message.kind != MMN_MESSAGE_NONE);
    return MMN_OK;
}

static mmn_status lead(mmn_count_ranks *ranks, uint64_t number, uint64_t line, mmn_error *error)
{
    if (!ranks->begun) {
        ranks->begun = true;
        ranks->first = ranks->next = number;
        ranks->first_started = mmn_clock();
        begin_round(ranks);
        MMN_TRY(answer_all(ranks, error));
    }
    MMN_TRY(serve(ranks, false, error));
    while (!ranks->over && number >= ranks->end) {
        if (take_block(ranks, 0, &ranks->begin, &ranks->end))
            continue;
        if (ranks->handed[0]) {
            MMN_TRY(serve(ranks, true, error));
            MMN_TRY(ranks->tell(ranks->run, error));
        } else if (number < ranks->boundary) {
            ranks->begin = ranks->end = ranks->boundary;
        } else {
            MMN_TRY(add_own(ranks, line, error));
        }
        MMN_TRY(answer_all(ranks, error));
    }
    return MMN_OK;
}

/* ---- The others ------------------------------------------------------------------------------ */

/* The next message of process 0; none where it ends the run. */
static mmn_status hear(mmn_count_ranks *ranks, mmn_message *message, mmn_error *error)
{
    message->kind = MMN_MESSAGE_NONE;
    while (message->kind == MMN_MESSAGE_NONE && !ranks->team.stopped) {
        MMN_TRY(mmn_team_receive(&ranks->team, true, message, error));
        MMN_TRY(ranks->tell(ranks->run, error));
    }
    return mmn_team_explain(&ranks->team, MMN_OK, error);
}

static mmn_status follow(mmn_count_ranks *ranks, uint64_t number, mmn_error *error)
{
    mmn_message message;
    MMN_TRY(mmn_team_send(&ranks->team, 0, ASK, ranks->done, NULL, 0, error));
    ranks->done = 0;
    for (;;) {
        MMN_TRY(hear(ranks, &message, error));
        ranks->over = ranks->team.stopped;
        if (ranks->over)
            return MMN_OK;
        if (message.kind == BLOCK && message.size == 8 && message.number >= number)
            break;
        if (message.kind != HAND_IN)
            return mmn_team_refuse(&message, error);
        MMN_TRY(hand_in(ranks, error));
    }
    ranks->begin = message.number;
    ranks->end = mmn_load_u64(message.bytes);
    return ranks->end > ranks->begin ? MMN_OK : mmn_team_refuse(&message, error);
}

/* Says which run it is at, and learns where that begins. */
static mmn_status introduce(mmn_count_ranks *ranks, mmn_error *error)
{
    mmn_text text = {0};
    mmn_message message;
    mmn_counts *own = ranks->own;
    mmn_status status = identify(&text, own, error);
    if (status == MMN_OK)
        status = mmn_team_send(&ranks->team, 0, HELLO, 0, text.text, text.length, error);
    mmn_text_free(&text);
    MMN_TRY(status);
    MMN_TRY(hear(ranks, &message, error));
    if (ranks->team.stopped)
        return MMN_OK;
    if (message.kind != START || message.size != 8 * own->domain_count)
        return mmn_team_refuse(&message, error);
    own->last_line = message.number;
    for (size_t d = 0; d < own->domain_count; d++)
        own->domains[d].positions = mmn_load_u64(message.bytes + 8 * d);
    return MMN_OK;
}

/* ---- All of them ----------------------------------------------------------------------------- */

mmn_status mmn_count_ranks_begin(mmn_count_ranks *ranks, mmn_counts **counts, uint64_t all,
                                 mmn_error *error)
{
    const uint32_t count = ranks->team.ranks->count;
    ranks->all = all;
    if (mmn_team_follows(&ranks->team)) {
        ranks->own = *counts;
        return introduce(ranks, error);
    }
    MMN_NEED(ranks->waiting = mmn_allocate(count, sizeof(*ranks->waiting), error));
    MMN_NEED(ranks->handed = mmn_allocate(count, sizeof(*ranks->handed), error));
    MMN_TRY(make_like(&ranks->part, *counts, error));
    ranks->sum = *counts;
    *counts = NULL;
    MMN_TRY(make_like(counts, ranks->sum, error));
    ranks->own = *counts;
    ranks->own->last_line = ranks->sum->last_line;
    for (size_t d = 0; d < ranks->sum->domain_count; d++)
        ranks->own->domains[d].positions = ranks->sum->domains[d].positions;
    return MMN_OK;
}

mmn_status mmn_count_ranks_next(mmn_count_ranks *ranks, uint64_t number, uint64_t line,
                                mmn_error *error)
{
    return mmn_team_leads(&ranks->team) ? lead(ranks, number, line, error)
                                        : follow(ranks, number, error);
}

mmn_status mmn_count_ranks_finish(mmn_count_ranks *ranks, uint64_t line, mmn_error *error)
{
    while (!ranks->over)
        MMN_TRY(mmn_count_ranks_next(ranks, ranks->all, line, error));
    return MMN_OK;
}

mmn_status mmn_count_ranks_skip(mmn_count_ranks *ranks, const mmn_error *problem, mmn_error *error)
{
    return mmn_team_send_problem(&ranks->team, SKIPPED, problem, error);
}

static mmn_status serve_now(void *context, mmn_error *error)
{
    return serve(context, false, error);
}

int mmn_count_ranks_asked(void *context)
{
    mmn_count_ranks *ranks = context;
    return mmn_team_asked(&ranks->team, serve_now, ranks);
}
