/* wait_policy.h: how threads wait for their next piece of work. */
#ifndef MMN_CLI_WAIT_POLICY_H
#define MMN_CLI_WAIT_POLICY_H

/* Lets OpenMP's threads sleep while they wait, unless OMP_WAIT_POLICY in the environment says what they
 * do. OpenMP reads that before main, and so the program starts itself again: call this first. Where that
 * cannot be, they wait as OpenMP lets them. */
void mmn_cli_wait_asleep(char **argv);

#endif
