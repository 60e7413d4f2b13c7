/* Which positions of a sample the lens keeps in full. */
#ifndef MMN_STUDY_LENS_POSITIONS_H
#define MMN_STUDY_LENS_POSITIONS_H

#include <stdbool.h>

#include "base/error.h"

/* Marks in chosen [mmn_input_length(input)] the positions that `text` names: "all", "last", numbers
 * from 0 on, "image:K" or "text:K" (K image or text positions, evenly spread from the first to the
 * last), separated by commas. A number beyond the input names nothing. MMN_USAGE for another text;
 * `input` NULL: only checks it. */
mmn_status mmn_lens_choose_positions(bool *chosen, const mmn_input *input, const char *text,
                                     mmn_error *error);

#endif
