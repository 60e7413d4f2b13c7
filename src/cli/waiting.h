/* How OpenMP's threads wait for each other: asleep, unless the environment says otherwise. */
#ifndef MMN_CLI_WAITING_H
#define MMN_CLI_WAITING_H

/* Sees to it that the environment is again what the program was started with, but for
 * OMP_WAIT_POLICY, before anybody else looks. */
void mmn_cli_settle_waiting(void);

#endif
