/* A result as the JSON that it writes, read back. */
#ifndef MMN_TESTS_STUDY_RESULT_JSON_H
#define MMN_TESTS_STUDY_RESULT_JSON_H

#include <criterion/criterion.h>
#include <jansson.h>

#include "mmneuron.h"

/* Frees the result; the caller frees the JSON. */
static inline json_t *json_of_result(mmn_result *result)
{
    mmn_error error;
    char *text;
    cr_assert_eq(mmn_result_json(result, &text, &error), MMN_OK, "%s", error.message);
    json_t *made = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(made, "%s", text);
    mmn_release(text);
    mmn_result_free(result);
    return made;
}

#endif
