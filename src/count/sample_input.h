/* Samples of a list as the model's inputs. */
#ifndef MMN_NEURONS_SAMPLE_INPUT_H
#define MMN_NEURONS_SAMPLE_INPUT_H

#include <stdbool.h>

#include "format/list.h"
#include "mmneuron.h"

/* The input for a sample of `list_file`: its prompt, else its question in the template of that
 * name, or ("") the model's own, or (NULL) "raw": with images, "<image>" and a line break before
 * a question that does not say itself where they go. It may have more positions than the model
 * was made for if `allow_long`. When the sample is to blame *bad is true, the status MMN_INPUT,
 * and the error names the list and the sample's line. */
mmn_status mmn_sample_input(mmn_input **input, const mmn_model *model, const mmn_sample *sample,
                            const char *template_name, bool allow_long, const char *list_file,
                            bool *bad, mmn_error *error);

/* Turns `error`, which building or running a sample gave, into one of the sample's line. Returns
 * whether the sample is to blame; if not (memory is short, an interruption), the error stays. */
bool mmn_sample_blame(mmn_error *error, uint64_t line, const char *list_file);

/* XXH3-128 over the sample's number in the list and everything that enters the model:
 * doc/formats.md states the layout. */
mmn_status mmn_input_digest(uint8_t digest[16], const mmn_input *input, uint64_t number,
                            mmn_error *error);

#endif
