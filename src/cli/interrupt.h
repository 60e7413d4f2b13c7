/* interrupt.h: Ctrl-C as a request to stop that long work can see. */
#ifndef MMN_CLI_INTERRUPT_H
#define MMN_CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on the first SIGINT or SIGTERM only asks to stop; the second ends the program. */
void mmn_cli_interrupt_catch(void);

/* Whether to stop. */
bool mmn_cli_interrupted(void);

/* The exit code of interrupted work: 128 + the signal's number, as shells count. */
int mmn_cli_interrupt_code(void);

#endif
