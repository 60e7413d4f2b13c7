/* ranks.h: the processes that mpirun or srun has started as one run. The first of them takes
 * outputs, tells the progress and gives results and messages; of the others nothing is seen. */
#ifndef MMN_CLI_RANKS_H
#define MMN_CLI_RANKS_H

#include <stdbool.h>
#include <stdint.h>

#include "mmneuron.h"

/* The name and version of the MPI library that the program was built with; NULL: none. */
const char *mmn_cli_ranks_library(void);

/* Joins the processes that this one was started with, where it was not started alone, and makes all
 * but the first silent. Returns the exit code, which is not MMN_CLI_DONE where that cannot be. */
int mmn_cli_ranks_begin(void);
/* Those processes; NULL: this one is alone. */
const mmn_ranks *mmn_cli_ranks(void);
/* Whether this is one of them, but not the first. */
bool mmn_cli_ranks_follow(void);
/* Threads for this process: `asked`, unless that is 0; what the environment says; or its share of
 * the processors. */
uint64_t mmn_cli_ranks_threads(uint64_t asked);

/* Waits until all are ready to work, which `code`, an exit code, says of this one: returns
 * MMN_CLI_DONE, or the code of the first that is not, whose message is seen. Unless `quiet` says
 * then how many there are, with how many threads each. */
int mmn_cli_ranks_ready(int code, uint64_t threads, bool quiet);
/* Leaves them, once there is nothing more to write. Returns the exit code of all, which is the
 * first one's. */
int mmn_cli_ranks_end(int code);

#endif
