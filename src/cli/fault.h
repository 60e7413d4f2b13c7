/* The end of a program whose mapped file got shorter: SIGBUS becomes a sentence and an exit code. */
#ifndef MMN_CLI_FAULT_H
#define MMN_CLI_FAULT_H

/* From now on SIGBUS ends the program with exit code 3 and a sentence that names the file. */
void mmn_cli_guard_mappings(void);

#endif
