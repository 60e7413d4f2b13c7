/* Finding an entry of a table of families or forms by its model_type. */
#ifndef MMN_MODEL_FORMS_H
#define MMN_MODEL_FORMS_H

#include "base/reader.h"

/* The model_type of a table's entry `index`, or NULL behind the last. */
typedef const char *(*mmn_name_function)(size_t index);

/* Sets *index to the entry that `object` names at "model_type", or without it to the one called
 * `fallback`, and returns whether there is one; if not, that is wrong. */
bool mmn_find_model_type(size_t *index, const mmn_object *object, const char *what,
                         const char *fallback, mmn_name_function name);

#endif
