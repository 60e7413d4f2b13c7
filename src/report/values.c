/* Arrays of result files: their items as objects that errors can name, and their numbers. */
#include "report/values.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"

mmn_status mmn_values_item(mmn_json_object *item, const mmn_json_object *parent, const char *key,
                           json_t *array, size_t index, mmn_error *error)
{
    *item = (mmn_json_object){.value = json_array_get(array, index), .file = parent->file};
    snprintf(item->prefix, sizeof(item->prefix), "%.100s%.40s[%zu].", parent->prefix, key, index);
    if (json_is_object(item->value))
        return MMN_OK;
    return mmn_json_fail(parent, key, error, "item %zu must be an object", index);
}

mmn_status mmn_values_array(json_t **array, const mmn_json_object *object, const char *key,
                            size_t limit, mmn_error *error)
{
    *array = NULL;
    mmn_status status = mmn_json_get_array(array, object, key, error);
    if (status == MMN_OK && json_array_size(*array) > limit)
        status = mmn_json_fail(object, key, error,
                               "has %zu items; a report shows at most %zu",
                               json_array_size(*array), limit);
    return status;
}

mmn_status mmn_values_read(double **values, size_t *found, const mmn_json_object *object,
                           const char *key, size_t count, size_t limit, mmn_error *error)
{
    *values = NULL;
    json_t *array;
    mmn_status status = mmn_json_require(object, key, error);
    if (status == MMN_OK)
        status = mmn_values_array(&array, object, key, limit, error);
    if (status != MMN_OK)
        return status;
    const size_t size = json_array_size(array);
    if (count != SIZE_MAX && size != count)
        return mmn_json_fail(object, key, error, "must have %zu numbers and has %zu", count, size);
    double *read = mmn_allocate(size, sizeof(*read), error);
    if (!read)
        return MMN_SYSTEM;
    for (size_t i = 0; i < size; i++) {
        const json_t *value = json_array_get(array, i);
        if (!json_is_number(value) && !json_is_null(value)) {
            mmn_free(read);
            return mmn_json_fail(object, key, error, "item %zu must be a number or null", i);
        }
        read[i] = json_is_null(value) ? (double)NAN : json_number_value(value);
    }
    *values = read;
    if (found)
        *found = size;
    return MMN_OK;
}

mmn_status mmn_values_number(double *value, const mmn_json_object *object, const char *key,
                             mmn_error *error)
{
    *value = (double)NAN;
    return mmn_json_get_f64(value, object, key, -HUGE_VAL, HUGE_VAL, error);
}

mmn_status mmn_values_interval(double *low, double *high, const mmn_json_object *object,
                               const char *key, mmn_error *error)
{
    double *ends;
    *low = *high = (double)NAN;
    if (!json_is_array(json_object_get(object->value, key)))
        return MMN_OK;
    mmn_status status = mmn_values_read(&ends, NULL, object, key, 2, 2, error);
    if (status != MMN_OK)
        return status;
    *low = ends[0];
    *high = ends[1];
    mmn_free(ends);
    return MMN_OK;
}

mmn_status mmn_values_text(const char **text, const mmn_json_object *object, const char *key,
                           mmn_error *error)
{
    *text = "";
    mmn_status status = mmn_json_require(object, key, error);
    return status == MMN_OK ? mmn_json_get_text(text, object, key, error) : status;
}
