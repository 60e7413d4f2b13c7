/* Teams: processes that do one run together, the messages that they send each other, and how all of
 * them come to an end when one does. Process 0 leads: the others hear from it alone. */
#ifndef MMN_BASE_TEAM_H
#define MMN_BASE_TEAM_H

#include <stdbool.h>

#include "base/error.h"

/* What a message is; those of the run itself begin with MMN_MESSAGE_OWN. */
enum {
    MMN_MESSAGE_NONE,
    MMN_MESSAGE_STOP,  /* of the leader, the last to each: `number` is 1 where the run has failed */
    MMN_MESSAGE_ENDED, /* to the leader, the last of each: with what has failed, or nothing */
    MMN_MESSAGE_OWN
};

typedef struct mmn_message {
    int kind;
    uint32_t from;
    uint64_t number;
    const uint8_t *bytes; /* valid until the next message is received */
    size_t size;
} mmn_message;

/* Zero-initialise; free with mmn_team_free. */
typedef struct mmn_team {
    const mmn_ranks *ranks; /* NULL: there is one process */
    bool *told, *ended;     /* of the leader, [count]: who was told to stop; who has ended */
    uint32_t ended_count;
    bool stopped;      /* of the others: they were told to */
    bool broken;       /* messages cannot be sent or received */
    mmn_error problem; /* that stops the run; its status is MMN_OK: there is none */
    uint8_t *message;  /* at work */
    size_t capacity;
    double polled; /* when the leader or another last looked for messages while at work */
    /* Whom mmn_team_asked asks, set once the team has begun; NULL: nobody. */
    mmn_interrupted_function asked;
    void *asked_context;
} mmn_team;

/* MMN_USAGE where `ranks`, which may be NULL, makes no sense. One process is none. */
mmn_status mmn_team_begin(mmn_team *team, const mmn_ranks *ranks, mmn_error *error);
void mmn_team_free(mmn_team *team);
bool mmn_team_leads(const mmn_team *team);
bool mmn_team_follows(const mmn_team *team);

mmn_status mmn_team_send(mmn_team *team, uint32_t to, int kind, uint64_t number, const void *bytes,
                         size_t size, mmn_error *error);
/* The next message, of kind MMN_MESSAGE_NONE where there is none; with `wait` it waits a moment.
 * What MMN_MESSAGE_STOP and MMN_MESSAGE_ENDED say is noted in the team, which is all that becomes
 * of them. */
mmn_status mmn_team_receive(mmn_team *team, bool wait, mmn_message *message, mmn_error *error);
/* Sends the leader a problem that does not end the run; reads one from a message, false where it
 * has none. */
mmn_status mmn_team_send_problem(mmn_team *team, int kind, const mmn_error *problem,
                                 mmn_error *error);
bool mmn_team_problem(const mmn_message *message, mmn_error *problem);
/* Between stages, on the thread that called: looks for messages now and then, which the leader
 * answers by `serve`, and asks whom the team was told to ask. Whether the work shall stop, as an
 * mmn_interrupted_function says it. */
int mmn_team_asked(mmn_team *team, mmn_status (*serve)(void *context, mmn_error *error),
                   void *context);
/* MMN_INPUT where a message does not say that its process is at this run, whose parts `what`
 * names. */
mmn_status mmn_team_check_run(const mmn_message *message, const char *run, size_t size,
                              const char *what, mmn_error *error);
/* Refuses a message that does not belong here. */
mmn_status mmn_team_refuse(const mmn_message *message, mmn_error *error);

/* Keeps the first problem; `status` may be MMN_OK. */
void mmn_team_note(mmn_team *team, mmn_status status, const mmn_error *problem);
/* The problem, where there is one and `status` is MMN_OK or an interruption, which came of it;
 * else `status`. */
mmn_status mmn_team_explain(const mmn_team *team, mmn_status status, mmn_error *error);

/* Of the leader: lets a process end. */
mmn_status mmn_team_stop(mmn_team *team, uint32_t rank, bool failed, mmn_error *error);
/* Ends the run of all processes, with the status that this one's has, and returns that of the whole
 * run. The leader waits for the others, and hands to `late`, unless that is NULL, what messages
 * come meanwhile. */
mmn_status mmn_team_end(mmn_team *team, mmn_status status,
                        void (*late)(void *context, const mmn_message *message), void *context,
                        mmn_error *error);

#endif
