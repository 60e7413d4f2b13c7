/* Settings: which modules' neurons an experiment switches off. */
#ifndef MMN_STUDY_SETTINGS_H
#define MMN_STUDY_SETTINGS_H

#include "mask/neuron_lists.h"

enum { MMN_SETTING_LIMIT = 32 };

typedef struct mmn_settings {
    char *names[MMN_SETTING_LIMIT]; /* "language", "vision+projector", "all" */
    size_t count;
} mmn_settings;

/* The settings that `text` names, separated by commas; NULL: those of doc/method.md whose modules
 * the lists have, without "none". With a text the lists are not used. MMN_USAGE for too many, one
 * without a name, or one named twice. Zero-initialise; free with mmn_settings_free, after a failure
 * too. */
mmn_status mmn_settings_make(mmn_settings *settings, const char *text,
                             const mmn_neuron_lists *lists, mmn_error *error);
/* Adds one setting, whatever its name. */
mmn_status mmn_settings_add(mmn_settings *settings, const char *name, mmn_error *error);
/* The number of a setting, or SIZE_MAX. */
size_t mmn_settings_find(const mmn_settings *settings, const char *name);
/* Removes a setting, if it is there. */
void mmn_settings_remove(mmn_settings *settings, const char *name);
void mmn_settings_free(mmn_settings *settings);

#endif
