/* A folder that was given for a model's and has no config.json: what lies in it says what to give
 * instead. */
#ifndef MMN_MODEL_FOLDER_WITHOUT_CONFIG_H
#define MMN_MODEL_FOLDER_WITHOUT_CONFIG_H

#include "base/error.h"

/* Fails with MMN_INPUT: an adapter, a GGUF file, weights alone, a model in a folder below (that of
 * a snapshot in the hub's cache), or nothing of a model. */
mmn_status mmn_folder_without_config(const char *folder, mmn_error *error);

#endif
