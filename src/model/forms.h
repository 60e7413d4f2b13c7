/* Finding an entry of a table of families or forms by its model_type. */
#ifndef MMN_MODEL_FORMS_H
#define MMN_MODEL_FORMS_H

#include "base/json.h"

/* The model_type of a table's entry `index`, or NULL behind the last. */
typedef const char *(*mmn_name_function)(size_t index);

/* *index: the entry that `object` names at "model_type", or without it the one called `fallback`.
 * MMN_INPUT when the table has no such entry, or there is neither. */
mmn_status mmn_find_model_type(size_t *index, const mmn_json_object *object, const char *what,
                               const char *fallback, mmn_name_function name, mmn_error *error);

#endif
