/* values.h: the values of options, from the text of the command line to the command's variables. */
#ifndef MMN_CLI_VALUES_H
#define MMN_CLI_VALUES_H

#include "cli/options.h"

/* Stores `text`, the value given for `option` (NULL for a flag), in the option's target. `argc` is
 * the number of words on the command line: no option can be given more often. Returns the exit
 * code; when it is not MMN_CLI_DONE a message says what the option takes. */
int mmn_cli_take_value(const mmn_cli_command *command, const mmn_cli_option *option,
                       const char *text, int argc);

/* Appends to a list that holds at most `argc` texts. Returns the exit code. */
int mmn_cli_take_text(mmn_cli_texts *texts, const char *text, int argc);

#endif
