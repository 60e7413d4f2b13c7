/* The options of beam search, which the commands that answer questions share. */
#ifndef MMN_CLI_BEAMS_H
#define MMN_CLI_BEAMS_H

#include "cli/command.h"
#include "cli/options.h"

/* Start from MMN_CLI_BEAMS_DEFAULT. */
typedef struct mmn_cli_beams {
    uint64_t count;
    double length_penalty;
    const char *early_stopping;
} mmn_cli_beams;

#define MMN_CLI_BEAMS_DEFAULT {.length_penalty = 1, .early_stopping = "false"}

/* The entries of an option table that fill an mmn_cli_beams. */
#define MMN_CLI_BEAMS(beams)                                                                    \
    {.name = "num-beams", .value = "N", .kind = MMN_CLI_WHOLE, .target = &(beams)->count,       \
     .minimum = 1, .maximum = 64,                                                               \
     .help = "search the likeliest answer with N beams (1: token by token)"},                   \
    {.name = "length-penalty", .value = "X", .kind = MMN_CLI_REAL,                              \
     .target = &(beams)->length_penalty, .minimum = -100, .maximum = 100,                       \
     .help = "with --num-beams: longer answers, the more so the higher X (1)"},                 \
    {.name = "early-stopping", .value = "HOW", .kind = MMN_CLI_TEXT,                            \
     .target = &(beams)->early_stopping,                                                        \
     .help = "with --num-beams: end with as many answers as beams (true), when no better one"   \
             " is likely (false), or possible (never) (false)"}

/* What they say; an exit code, with a message, where they are wrong or `temperature` is not 0. */
int mmn_cli_beams_read(mmn_beam_search *search, const mmn_cli_command *command,
                       const mmn_cli_beams *beams, double temperature);

#endif
