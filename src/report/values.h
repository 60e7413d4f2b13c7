/* Arrays of result files: their items as objects that errors can name, and their numbers. */
#ifndef MMN_REPORT_VALUES_H
#define MMN_REPORT_VALUES_H

#include "base/json.h"

/* Item `index` of the array under `key`, which must be an object; its keys are named
 * "runs[3].accuracy". */
mmn_status mmn_values_item(mmn_json_object *item, const mmn_json_object *parent, const char *key,
                           json_t *array, size_t index, mmn_error *error);

/* The array under `key` (which must be there) as numbers, NaN for null. MMN_INPUT unless there are
 * `count` of them; SIZE_MAX: any number up to `limit`, stored in *found (may be NULL otherwise).
 * Free with mmn_free. */
mmn_status mmn_values_read(double **values, size_t *found, const mmn_json_object *object,
                           const char *key, size_t count, size_t limit, mmn_error *error);

/* A number that may be null or absent: NaN then. */
mmn_status mmn_values_number(double *value, const mmn_json_object *object, const char *key,
                             mmn_error *error);

/* The two ends under `key`; NaN both where there is no array. */
mmn_status mmn_values_interval(double *low, double *high, const mmn_json_object *object,
                               const char *key, mmn_error *error);

/* The array of objects under `key`, or NULL when it is absent; MMN_INPUT above `limit` items. */
mmn_status mmn_values_array(json_t **array, const mmn_json_object *object, const char *key,
                            size_t limit, mmn_error *error);

/* A text that must be there. */
mmn_status mmn_values_text(const char **text, const mmn_json_object *object, const char *key,
                           mmn_error *error);

#endif
