/* Names of models on the Hugging Face hub, given where a folder is wanted. */
#ifndef MMN_MODEL_HUB_NAME_H
#define MMN_MODEL_HUB_NAME_H

#include "base/error.h"

/* Fills `error` (MMN_INPUT) for a `folder` that is none: it is a file of a known kind, or looks like a
 * model's name or page on the hub and the message has the command that downloads it, or is not there. */
mmn_status mmn_fail_not_a_model(mmn_error *error, const char *folder);

#endif
